"""Parts that are not kept at all: what stands out anywhere in the frame as the piece does.

All other evidence lies close around what the matte covers; the second earring of a pair may be far from it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from studiod.risk.edges import rim_of
from studiod.risk.evidence import Evidence
from studiod.risk.findings import Box

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

MISSING_FEATURES = (
    "log_share", "log_length", "fill", "log_distance", "contrast", "lightness", "darkest", "brightest",
    "texture", "colour", "lighter", "more_colour", "slope", "sharpness", "border", "below", "beside", "alpha",
    "doubt",
)  # fmt: skip
_KEPT = 0.1
_NEAR = 0.006  # of the frame's long side: the kept piece's own edge
_TOGETHER = 0.012
_LONG = 0.04
_LEAST_PIXELS = 24
_MOST = 12


@dataclass(frozen=True)
class MissingPart:
    """What may be a part of the piece: box, worst place and region in the frame's evidence, measurements."""

    box: Box
    worst: tuple[int, int]
    measured: tuple[float, ...]
    region: Mask


def find_missing(everywhere: Evidence) -> list[MissingPart]:
    """Large regions of the whole frame that stand out sharply and lie apart from all that is kept."""
    kept = everywhere.alpha > _KEPT
    if not kept.any():
        return []
    side = max(kept.shape)
    piece = everywhere.covered
    typical = float(np.median(everywhere.difference[piece]))
    steepness = max(1e-3, float(np.quantile(everywhere.slope[rim_of(piece)], 0.75)))
    strong = everywhere.difference > max(everywhere.high, 0.25 * min(typical, 1.0))
    sharp = cv2.dilate((everywhere.slope > everywhere.steep).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    seen = strong & sharp & ~_grown(kept, _NEAR * side)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(
        _grown(seen, _TOGETHER * side).astype(np.uint8), connectivity=8
    )
    found = []
    for label in np.argsort(-stats[1:, cv2.CC_STAT_AREA])[:_MOST] + 1:
        left, top, width, height = (int(value) for value in stats[label, :4])
        grown = np.s_[top : top + height, left : left + width]
        here = (seen[grown] & (labels[grown] == label)).astype(np.uint8)
        x, y, width, height = cv2.boundingRect(here)
        if np.count_nonzero(here) >= _LEAST_PIXELS and max(width, height) >= _LONG * side:
            window = np.s_[top + y : top + y + height, left + x : left + x + width]
            region = here[y : y + height, x : x + width] > 0
            found.append(_measure(everywhere, window, region, piece, typical, steepness))
    return found


def _grown(mask: Mask, reach: float) -> Mask:
    size = 2 * max(1, round(reach)) + 1
    grown: Mask = cv2.dilate(mask.astype(np.uint8), np.ones((size, size), np.uint8)) > 0
    return grown


def _measure(
    everywhere: Evidence,
    window: tuple[slice, slice],
    region: Mask,
    piece: Mask,
    typical: float,
    steepness: float,
) -> MissingPart:
    """The region against the piece that is kept, in the order of MISSING_FEATURES.

    `typical` is how much the piece differs from the background, `steepness` how steep its outline is.
    """
    rows, columns = window
    height, width = piece.shape
    side = max(height, width)
    x, y, across, down = cv2.boundingRect(piece.astype(np.uint8))
    difference, slope = everywhere.difference[window], everywhere.slope[window][region]
    lightness, colour = everywhere.lightness[window][region], everywhere.colour[window][region]
    darkest, brightest = (float(value) for value in np.quantile(lightness, (0.1, 0.9)))
    frame = np.zeros((height, width), np.bool_)
    frame[[0, -1]] = frame[:, [0, -1]] = True
    apart = (
        max(columns.start - (x + across), x - columns.stop, 0),
        max(rows.start - (y + down), y - rows.stop, 0),
    )
    doubted = 0.0 if everywhere.doubt is None else float(everywhere.doubt[window][region].mean())
    measured = (
        np.log(region.sum() / piece.sum()),
        np.log(np.hypot(rows.stop - rows.start, columns.stop - columns.start) / side),
        region.mean(), np.log1p(np.hypot(*apart) / side), difference[region].mean() / max(typical, 0.05),
        lightness.mean(), darkest, brightest, lightness.std(), np.median(colour),
        lightness.mean() - everywhere.lightness[piece].mean(),
        np.median(colour) - np.median(everywhere.colour[piece]), np.median(slope) / everywhere.steep,
        np.quantile(slope, 0.9) / steepness,
        (frame[window] & region).sum() / side, (rows.start + rows.stop - 2 * y - down) / (2 * height),
        max(0, min(columns.stop, x + across) - max(columns.start, x)) / (columns.stop - columns.start),
        everywhere.alpha[window][region].mean(), doubted,
    )  # fmt: skip
    row, column = np.unravel_index(int(np.argmax(np.where(region, difference, -1.0))), region.shape)
    return MissingPart(
        (columns.start, rows.start, columns.stop, rows.stop),
        (columns.start + int(column), rows.start + int(row)),
        tuple(float(value) for value in measured),
        region,
    )
