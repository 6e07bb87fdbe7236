"""What was probably lost on the way from photograph to cutout, where, and how likely it is."""

from __future__ import annotations

from studiod.imaging.types import Bytes, Floats
from studiod.risk.calibration import Calibration, load_calibration
from studiod.risk.examination import examine, has_piece
from studiod.risk.findings import Risk
from studiod.risk.judging import judge
from studiod.risk.telling import tell_of_nothing, tell_places, tell_the_rest


def assess(
    photo: Floats,
    background: Floats,
    alpha: Floats,
    doubt: Bytes | None = None,
    calibration: Calibration | None = None,
    pixels_per_mm: float | None = None,
) -> Risk:
    """How likely the cutout of `photo` by `alpha` is not usable, and the places that say so.

    `photo` and `background` are linear (H x W x 3), `alpha` H x W, as is the `doubt` (in 1/255) of the
    networks that made it, where they are ours. A frame without a piece is `no_piece` with a score of 1.
    Without a `calibration` the shipped one judges; stones are measured where `pixels_per_mm` is known.
    """
    calibration = calibration or load_calibration()
    if not has_piece(alpha):
        return Risk(1.0, (tell_of_nothing(alpha),), calibration.version)
    seen = examine(photo, background, alpha, doubt)
    judged = judge(seen, calibration)
    findings = (*tell_places(seen, judged), *tell_the_rest(seen, pixels_per_mm))
    return Risk(round(judged.score, 4), findings, calibration.version)
