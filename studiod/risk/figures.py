"""How good a risk is, in figures: shares with their intervals, ranking, calibration error."""

from __future__ import annotations

import numpy as np

from studiod.imaging.types import Values

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


def calibration_error(score: Values, truth: Values) -> float:
    """Expected calibration error over ten equally filled bins."""
    order = np.array_split(np.argsort(score, kind="stable"), 10)
    wrong = sum(len(b) * abs(float(score[b].mean() - truth[b].mean())) for b in order if len(b))
    return wrong / len(score)
