"""From measurements to probabilities: of each place that may be a mistake, and of the whole picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from studiod.imaging.types import Mask, Values
from studiod.risk.calibration import Calibration, Trees
from studiod.risk.candidates import LOSS_FEATURES, Candidate
from studiod.risk.examination import Examination
from studiod.risk.missing import MissingPart
from studiod.risk.stretches import Stretch

Place = Candidate | Stretch | MissingPart

_CLEAR = 0.4
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
    clear = _clear_losses(seen)
    lost, left, torn, missing = (
        _judge_places(places, trees, seen)
        for places, trees in (
            (seen.losses, calibration.loss),
            (seen.leftovers, calibration.leftover),
            (seen.stretches, calibration.stretch),
            (seen.missing, calibration.missing),
        )
    )
    lost = np.maximum(lost, _CLEAR * clear)
    (score,) = calibration.adjust(calibration.picture(measure_picture(seen, lost, left, missing)[None]))
    least = (_CLEAR if clear.any() else 0.0, *missing)  # a part that is missing makes it unusable
    return Judged(float(max(score, *least)), lost, left, torn, missing)


def _judge_places(places: Sequence[Place], judge: Trees, seen: Examination) -> Values:
    """Each place's probability of being a mistake."""
    if not places:
        return np.zeros(0)
    return judge(np.array([measure_place(place, seen) for place in places]))


def measure_place(place: Place, seen: Examination) -> tuple[float, ...]:
    """A place's own measurements, and its picture's: the same shadow means more where much was doubted."""
    return (*place.measured, *seen.whole)


def _clear_losses(seen: Examination) -> Mask:
    """Losses that differ as the piece itself does where hardly anything else is in dispute.

    Of such places on the rendered set's mattes two in five are losses; the fitted judge, which has seen
    shadows in dispute everywhere, calls them improbable.
    """
    if not 0 < len(seen.losses) <= _FEW:
        return np.zeros(len(seen.losses), np.bool_)
    measured = dict(zip(LOSS_FEATURES, np.transpose([loss.measured for loss in seen.losses]), strict=True))
    differs = (measured["contrast"] >= _AS_THE_PIECE) & (measured["slope_inner"] > seen.evidence.steep)
    return np.asarray(differs & (measured["contacts"] >= 1))


def measure_picture(seen: Examination, losses: Values, leftovers: Values, missing: Values) -> Values:
    """The picture's measurements in the order of PICTURE_FEATURES, from its candidates' probabilities."""
    values: list[float] = []
    for candidates, found, reasons in (
        (seen.losses, losses, (("chain_gap",), ("prong_missing",), ("stone_eaten",))),
        (seen.leftovers, leftovers, (("hole_filled", "hole_leaking"), ("background_left",))),
    ):
        for alike in reasons:
            mine = [p for c, p in zip(candidates, found, strict=True) if c.reason in alike]
            values += [float(np.log1p(sum(mine))), max(mine, default=0.0)]
    values += [float(np.log1p(missing.sum())), float(missing.max(initial=0.0))]
    for candidates, found in ((seen.losses, losses), (seen.leftovers, leftovers)):
        amount = sum(c.area * p for c, p in zip(candidates, found, strict=True))
        values.append(float(np.log1p(1000 * amount / seen.area)))
    return np.array([*values, *seen.whole])
