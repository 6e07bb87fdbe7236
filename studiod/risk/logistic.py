"""Probabilities by their logit: to and fro, moved along a line, and the line that fits what came true."""

from __future__ import annotations

import numpy as np

from studiod.imaging.types import Values


def fit_logistic(score: Values, truth: Values, weight: Values) -> tuple[float, float]:
    """Platt's slope and offset of the logit of `score`, drawn to 1 and 0 where there is little to go by."""
    logit = logit_of(score)
    positive, negative = float((weight * truth).sum()), float((weight * (1 - truth)).sum())
    target = np.where(truth > 0, (positive + 1) / (positive + 2), 1 / (negative + 2))
    slope, offset = 1.0, 0.0
    for _ in range(200):
        guess = probability_of(slope * logit + offset)
        curve = weight * guess * (1 - guess) + 1e-9
        across = float((curve * logit).sum())
        along, level = float((curve * logit**2).sum()) + 1.0, float(curve.sum()) + 1e-3
        error = weight * (guess - target)
        pull = [float((error * logit).sum()) + slope - 1, float(error.sum()) + 1e-3 * offset]
        change = np.linalg.solve(np.array([[along, across], [across, level]]), pull).clip(-0.2, 0.2)
        slope, offset = slope - float(change[0]), offset - float(change[1])
    return slope, offset


def moved_on_logit(score: Values, slope: float, offset: float) -> Values:
    """Probabilities moved by a slope and an offset on their logit."""
    return probability_of(slope * logit_of(score) + offset)


def probability_of(logit: Values) -> Values:
    """The probability of logits, at most 30 from even."""
    return np.asarray(1.0 / (1.0 + np.exp(-logit.clip(-30, 30))))


def logit_of(score: Values) -> Values:
    """The logit of probabilities, 1e-4 away from certainty."""
    clipped = np.asarray(score, np.float64).clip(1e-4, 1 - 1e-4)
    return np.asarray(np.log(clipped / (1 - clipped)))
