"""The stages of one picture, in order: a photograph goes in; cutout, composites and risk come out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from studiod.errors import PlateError
from studiod.imaging.background import estimate_background, match_plate
from studiod.imaging.colour import Linear
from studiod.imaging.composite import Composite, compose
from studiod.imaging.cutout import make_cutout
from studiod.imaging.defringe import estimate_foreground
from studiod.imaging.photo import Photo
from studiod.matting import Stroke
from studiod.risk.findings import Box, Risk
from studiod.settings import Preset

Alpha = NDArray[np.float32]
Matte = Callable[[Linear, Linear, Sequence[Stroke] | None], Alpha]
Assess = Callable[[Linear, Linear, Alpha], Risk]

_MARGIN = 8


@dataclass(frozen=True, eq=False, slots=True)
class Processed:
    """What became of one photograph.

    `alpha` is H x W; `box` holds all of the piece and a margin (the whole frame where there is none);
    `cutout` is the box's 16-bit RGBA in the source's profile; `composites` go by preset name.
    `plate_message` says why a plate that was given was not used, "" otherwise.
    """

    alpha: Alpha
    box: Box
    cutout: NDArray[np.uint16]
    composites: Mapping[str, Composite]
    risk: Risk
    plate_message: str = ""


def process_photo(
    photo: Photo,
    *,
    matte: Matte,
    assess: Assess,
    presets: Sequence[Preset],
    plate: Photo | None = None,
    strokes: Sequence[Stroke] | None = None,
) -> Processed:
    """Cut the piece out of `photo`, defringe it, set it on every preset's background, and judge the risk.

    A `plate` that does not fit is not used, and the result says why.
    """
    linear = photo.linear()
    background, plate_message = _see_background(linear, plate)
    alpha = matte(linear, background, strokes)
    risk = assess(linear, background, alpha)
    box = find_box(alpha)
    here = np.s_[box[1] : box[3], box[0] : box[2]]
    foreground = estimate_foreground(linear[here], background[here], alpha[here])
    del linear, background
    cutout = make_cutout(photo, foreground, alpha[here], box)
    composites = {preset.name: compose(foreground, alpha[here], preset) for preset in presets}
    return Processed(alpha, box, cutout, composites, risk, plate_message)


def find_box(alpha: Alpha) -> Box:
    """The box of all that `alpha` covers and 8 px around it; the whole frame where it covers nothing."""
    height, width = alpha.shape
    left, top, across, down = cv2.boundingRect((alpha > 0).astype(np.uint8))
    if not across:
        return 0, 0, width, height
    return (
        max(0, left - _MARGIN),
        max(0, top - _MARGIN),
        min(width, left + across + _MARGIN),
        min(height, top + down + _MARGIN),
    )


def _see_background(linear: Linear, plate: Photo | None) -> tuple[Linear, str]:
    if plate is None:
        return estimate_background(linear), ""
    try:
        return match_plate(linear, plate.linear()), ""
    except PlateError as error:
        return estimate_background(linear), error.message
