"""From measurements to probabilities: of each place that may be a mistake, and of the whole picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from studiod.risk.calibration import Calibration, Trees
from studiod.risk.candidates import LOSS_FEATURES, Candidate
from studiod.risk.examination import Examination

_STANDING_OUT = 0.4
_FEW = 2
_AS_THE_PIECE = 0.55


def judge(
    seen: Examination, calibration: Calibration
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """The picture's probability of being unusable, and those of its losses and left-overs to be mistakes."""
    clear = _standing_out(seen)
    lost = np.maximum(judge_candidates(seen.losses, calibration.loss), _STANDING_OUT * clear)
    left = judge_candidates(seen.leftovers, calibration.leftover)
    score = calibration.picture(measure_picture(seen, lost, left)[None])
    return max(float(calibration.adjust(score)[0]), _STANDING_OUT if clear.any() else 0.0), lost, left


def judge_candidates(candidates: tuple[Candidate, ...], judge: Trees) -> NDArray[np.float64]:
    """Each candidate's probability of being a mistake."""
    if not candidates:
        return np.zeros(0)
    return judge(np.array([candidate.measured for candidate in candidates]))


def _standing_out(seen: Examination) -> NDArray[np.bool_]:
    """Losses that differ as the piece itself does where hardly anything else is in dispute.

    Of such places on the rendered set's mattes two in five are losses; the fitted judge, which has seen
    shadows in dispute everywhere, calls them improbable.
    """
    contrast, contacts, inner = (
        LOSS_FEATURES.index(name) for name in ("contrast", "contacts", "slope_inner")
    )
    few = len(seen.losses) <= _FEW
    return np.array(
        [
            few
            and loss.measured[contrast] >= _AS_THE_PIECE
            and loss.measured[contacts] >= 1
            and loss.measured[inner] > seen.evidence.steep
            for loss in seen.losses
        ],
        np.bool_,
    )


def measure_picture(
    examination: Examination, losses: NDArray[np.float64], leftovers: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The picture's measurements in the order of PICTURE_FEATURES, from its candidates' probabilities."""
    values: list[float] = []
    for candidates, found, reasons in (
        (examination.losses, losses, (("chain_gap",), ("prong_missing",), ("stone_eaten",))),
        (examination.leftovers, leftovers, (("hole_filled", "hole_leaking"), ("background_left",))),
    ):
        for alike in reasons:
            mine = [p for c, p in zip(candidates, found, strict=True) if c.reason in alike]
            values += [float(np.log1p(sum(mine))), max(mine, default=0.0)]
    for candidates, found in ((examination.losses, losses), (examination.leftovers, leftovers)):
        amount = sum(c.area * p for c, p in zip(candidates, found, strict=True))
        values.append(float(np.log1p(1000 * amount / examination.area)))
    return np.array([*values, *examination.whole])
