"""The stages of one photograph in order: background, matte, defringe, cutout, composites, risk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np

from studiod.imaging.background import find_background
from studiod.imaging.composite import Composite, composite
from studiod.imaging.cutout import Cutout, make_cutout
from studiod.imaging.defringe import estimate_foreground
from studiod.imaging.photo import Photo
from studiod.imaging.retouch import Retouched
from studiod.imaging.types import Box, Bytes, Floats
from studiod.matting.matte import Matte
from studiod.risk.findings import Risk
from studiod.settings import Preset
from studiod.strokes import Stroke

Solve = Callable[[Floats, Floats, Sequence[Stroke]], Matte]
"""Photograph and background (linear H x W x 3) and brush strokes -> the matte."""
Assess = Callable[[Floats, Floats, Floats, Bytes | None], Risk]
"""Photograph, background, coverage and the doubt about it -> what may have been lost."""

_MARGIN = 32


@dataclass(frozen=True, eq=False, slots=True)
class Processed:
    """All that was made of one photograph.

    `alpha` is of the whole photograph; `foreground`, the piece's own linear colour, of `box`, outside of
    which there is nothing. `plate_message` says why a plate was not used, else it is empty.
    """

    alpha: Floats
    foreground: Floats
    cutout: Cutout
    composites: Mapping[str, Composite]
    risk: Risk
    box: Box
    plate_message: str


def process_photo(
    photo: Photo,
    *,
    plate: Photo | None,
    solve: Solve,
    assess: Assess,
    presets: Sequence[Preset],
    strokes: Sequence[Stroke] = (),
    retouched: Retouched | None = None,
) -> Processed:
    """Cut the piece out of `photo`, lay it out by each of the presets, and say what may be wrong with it.

    The colours of a touch-up that came back, `retouched`, are kept; `solve` then answers with its coverage.
    The matte is judged while the piece is laid out.
    """
    linear = photo.linear()
    background, plate_message = find_background(linear, None if plate is None else plate.linear())
    matte = solve(linear, background, strokes)
    alpha = matte.alpha
    box = _piece_box(alpha)
    within = np.s_[box[1] : box[3], box[0] : box[2]]
    with ThreadPoolExecutor(1) as beside:
        judged = beside.submit(assess, linear, background, alpha, matte.doubt)
        source = photo if retouched is None else retouched.photo
        colours = linear[within] if retouched is None else source.linear(box)
        foreground = estimate_foreground(colours, background[within], alpha[within])
        if retouched is not None:
            final = retouched.final[within] & (alpha[within] > 0)
            np.copyto(foreground, colours, where=final[..., None])
        del linear, background, colours
        cutout = make_cutout(source, foreground, alpha[within], box)
        size = (photo.width, photo.height)
        composites = {
            preset.name: composite(foreground, alpha[within], preset, box, size, photo.exif)
            for preset in presets
        }
        risk = judged.result()
    return Processed(alpha, foreground, cutout, composites, risk, box, plate_message)


def _piece_box(alpha: Floats) -> Box:
    """The box of all coverage and a margin, within the picture; one corner pixel when there is none."""
    left, top, across, down = cv2.boundingRect((alpha > 0).astype(np.uint8))
    if not across:
        return 0, 0, 1, 1
    height, width = alpha.shape
    return (
        max(0, left - _MARGIN), max(0, top - _MARGIN),
        min(width, left + across + _MARGIN), min(height, top + down + _MARGIN),
    )  # fmt: skip
