"""Parts that are not kept at all: what stands out anywhere in the frame as the piece does.

All other evidence lies close around what the matte covers; the second earring of a pair may be far from it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studiod.imaging.types import Box, Mask, Point, Window
from studiod.risk.evidence import Evidence
from studiod.risk.regions import bounds_of, box_of, grown, rim_of, worst_of

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
    worst: Point
    measured: tuple[float, ...]
    region: Mask


def find_missing(everywhere: Evidence) -> list[MissingPart]:
    """Large regions of the whole frame that stand out sharply and lie apart from all that is kept."""
    kept = everywhere.alpha > _KEPT
    if not kept.any() or everywhere.covered.all():
        return []
    side = max(kept.shape)
    steepness = max(1e-3, float(np.quantile(everywhere.slope[rim_of(everywhere.covered)], 0.75)))
    near, together = (max(1, round(share * side)) for share in (_NEAR, _TOGETHER))
    seen = everywhere.standing_out() & ~grown(kept, near)
    joined = grown(seen, together).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    found = []
    for label in np.argsort(-stats[1:, cv2.CC_STAT_AREA])[:_MOST] + 1:
        left, top, width, height = (int(value) for value in stats[label, :4])
        around = np.s_[top : top + height, left : left + width]
        here = (seen[around] & (labels[around] == label)).astype(np.uint8)
        x, y, width, height = cv2.boundingRect(here)
        if np.count_nonzero(here) >= _LEAST_PIXELS and max(width, height) >= _LONG * side:
            window = np.s_[top + y : top + y + height, left + x : left + x + width]
            region = here[y : y + height, x : x + width] > 0
            found.append(_measure(everywhere, window, region, steepness))
    return found


def _measure(everywhere: Evidence, window: Window, region: Mask, steepness: float) -> MissingPart:
    """The region against the piece that is kept, whose outline is so steep, as MISSING_FEATURES names."""
    rows, columns = window
    piece = everywhere.covered
    height, width = piece.shape
    side = max(height, width)
    left, top, right, bottom = bounds_of(piece)
    difference, slope = everywhere.difference[window], everywhere.slope[window][region]
    lightness, colour = everywhere.lightness[window][region], everywhere.colour[window][region]
    darkest, brightest = (float(value) for value in np.quantile(lightness, (0.1, 0.9)))
    frame = np.zeros((height, width), np.bool_)
    frame[[0, -1]] = frame[:, [0, -1]] = True
    apart = (
        max(columns.start - right, left - columns.stop, 0),
        max(rows.start - bottom, top - rows.stop, 0),
    )
    measured = (
        np.log(region.sum() / piece.sum()),
        np.log(np.hypot(rows.stop - rows.start, columns.stop - columns.start) / side),
        region.mean(), np.log1p(np.hypot(*apart) / side),
        difference[region].mean() / max(everywhere.typical, 0.05),
        lightness.mean(), darkest, brightest, lightness.std(), np.median(colour),
        lightness.mean() - everywhere.lightness[piece].mean(),
        np.median(colour) - np.median(everywhere.colour[piece]), np.median(slope) / everywhere.steep,
        np.quantile(slope, 0.9) / steepness,
        (frame[window] & region).sum() / side, (rows.start + rows.stop - top - bottom) / (2 * height),
        max(0, min(columns.stop, right) - max(columns.start, left)) / (columns.stop - columns.start),
        everywhere.alpha[window][region].mean(), everywhere.mean_doubt(window, region),
    )  # fmt: skip
    worst = worst_of(window, region, difference)
    return MissingPart(box_of(window), worst, tuple(float(value) for value in measured), region)
