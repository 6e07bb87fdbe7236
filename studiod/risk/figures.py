"""How good a risk is, in figures: shares with their intervals, ranking, calibration error."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

_Z = 1.959964


def wilson(hits: float, total: float) -> tuple[float, float]:
    """The 95 % interval of a share."""
    if total == 0:
        return 0.0, 1.0
    share, spread = hits / total, _Z**2 / total
    middle = (share + spread / 2) / (1 + spread)
    reach = _Z / (1 + spread) * float(np.sqrt(share * (1 - share) / total + spread / (4 * total)))
    return (max(0.0, middle - reach) if hits else 0.0), (min(1.0, middle + reach) if hits < total else 1.0)


def area_under_curve(score: Values, truth: Values) -> float:
    """AUROC: the chance that an unusable one scores above a usable one; nan without one of them."""
    bad, good = score[truth > 0], score[truth == 0]
    if not len(bad) or not len(good):
        return float("nan")
    return float((bad[:, None] > good).mean() + 0.5 * (bad[:, None] == good).mean())


def calibration_error(score: Values, truth: Values, bins: int = 10) -> float:
    """Expected calibration error over equally filled bins."""
    order = np.array_split(np.argsort(score, kind="stable"), bins)
    wrong = sum(len(b) * abs(float(score[b].mean() - truth[b].mean())) for b in order if len(b))
    return wrong / len(score)


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
