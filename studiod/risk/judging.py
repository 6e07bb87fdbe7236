"""From measurements to probabilities: of each place that may be a mistake, and of the whole picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from studiod.risk.calibration import Calibration, Trees
from studiod.risk.candidates import LOSS_FEATURES, Candidate
from studiod.risk.examination import Examination
from studiod.risk.missing import MissingPart
from studiod.risk.stretches import Stretch

Values = NDArray[np.float64]
Place = Candidate | Stretch | MissingPart

_STANDING_OUT = 0.4
_FEW = 2
_AS_THE_PIECE = 0.55


@dataclass(frozen=True)
class Judged:
    """Probabilities: of a picture to be unusable, its losses and left-overs mistakes, its stretches torn.

    `missing` are those of what stands out elsewhere in the frame to be a part of the piece.
    """

    score: float
    lost: Values
    left: Values
    torn: Values
    missing: Values


def judge(seen: Examination, calibration: Calibration) -> Judged:
    """What the calibration makes of an examination."""
    clear = _standing_out(seen)
    lost, left, torn, missing = (
        judge_places(places, trees, seen)
        for places, trees in (
            (seen.losses, calibration.loss),
            (seen.leftovers, calibration.leftover),
            (seen.stretches, calibration.stretch),
            (seen.missing, calibration.missing),
        )
    )
    lost = np.maximum(lost, _STANDING_OUT * clear)
    score = float(
        calibration.adjust(calibration.picture(measure_picture(seen, lost, left, missing)[None]))[0]
    )
    least = (_STANDING_OUT if clear.any() else 0.0, *missing)  # a part that is missing makes it unusable
    return Judged(float(max(score, *least)), lost, left, torn, missing)


def judge_places(places: Sequence[Place], judge: Trees, seen: Examination) -> Values:
    """Each place's probability of being a mistake."""
    if not places:
        return np.zeros(0)
    return judge(np.array([measure_place(place, seen) for place in places]))


def measure_place(place: Place, seen: Examination) -> tuple[float, ...]:
    """A place's own measurements, and its picture's: the same shadow means more where much was doubted."""
    return (*place.measured, *seen.whole)


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


def measure_picture(examination: Examination, losses: Values, leftovers: Values, missing: Values) -> Values:
    """The picture's measurements in the order of PICTURE_FEATURES, from its candidates' probabilities."""
    values: list[float] = []
    for candidates, found, reasons in (
        (examination.losses, losses, (("chain_gap",), ("prong_missing",), ("stone_eaten",))),
        (examination.leftovers, leftovers, (("hole_filled", "hole_leaking"), ("background_left",))),
    ):
        for alike in reasons:
            mine = [p for c, p in zip(candidates, found, strict=True) if c.reason in alike]
            values += [float(np.log1p(sum(mine))), max(mine, default=0.0)]
    values += [float(np.log1p(missing.sum())), float(missing.max(initial=0.0))]
    for candidates, found in ((examination.losses, losses), (examination.leftovers, leftovers)):
        amount = sum(c.area * p for c, p in zip(candidates, found, strict=True))
        values.append(float(np.log1p(1000 * amount / examination.area)))
    return np.array([*values, *examination.whole])
