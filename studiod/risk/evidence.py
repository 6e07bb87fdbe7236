"""What photograph and background say about the piece, whatever the matte says."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studiod.imaging.contrast import log_ratio, weighted_means
from studiod.imaging.shrinking import shrunk_to
from studiod.imaging.types import Box, Bytes, Floats, Mask, Point, Window
from studiod.risk.regions import bounds_of, grown, rim_of

_LARGEST_PIXELS = 8e6
_FEW_PIXELS = 1e6
_MARGIN = 0.06
_COVERED, _SHOWING = 0.5, 0.1
_BAND = 128


@dataclass(frozen=True)
class Evidence:
    """The piece's surroundings, cropped, and what is seen there; all arrays H x W.

    `difference` is how unlike the background a pixel is (log units), `lightness` its signed part and
    `colour` the rest, `slope` the photograph's steepness a pixel, `alpha` the matte, `covered` where it
    says piece and `doubt` (0..1) how unsure its networks were, None where that is not known; below `low` a
    difference is the background's own, above `high` it is something else; `typical` is the piece's, and
    `thinness` the logarithm of its area to its rim. `origin` and `scale` lead back to the photograph
    (photograph = crop x scale + origin).
    """

    alpha: Floats
    covered: Mask
    difference: Floats
    lightness: Floats
    colour: Floats
    slope: Floats
    doubt: Floats | None
    noise: float
    low: float
    high: float
    steep: float
    typical: float
    thinness: float
    origin: tuple[int, int]
    scale: float
    frame: tuple[int, int]

    def to_photo(self, left: float, top: float, right: float, bottom: float) -> Box:
        """A box of the crop as a box of the photograph, at least a pixel large and within the frame."""
        height, width = self.frame
        x0, y0 = (int(value * self.scale) for value in (left, top))
        x1, y1 = (int(np.ceil(value * self.scale)) for value in (right, bottom))
        x0, y0 = min(x0 + self.origin[0], width - 1), min(y0 + self.origin[1], height - 1)
        x1, y1 = min(x1 + self.origin[0], width), min(y1 + self.origin[1], height)
        return max(x0, 0), max(y0, 0), max(x1, x0 + 1), max(y1, y0 + 1)

    def point(self, x: float, y: float) -> Point:
        """A pixel of the crop as a pixel of the photograph."""
        left, top, _, _ = self.to_photo(x, y, x + 1, y + 1)
        return left, top

    def standing_out(self) -> Mask:
        """What differs from the background as the piece does, and is near an edge."""
        strong = self.difference > max(self.high, 0.25 * min(self.typical, 1.0))
        return strong & grown(self.slope > self.steep, 2)

    def mean_doubt(self, window: Window, region: Mask) -> float:
        """The doubt about a region in a window; 0 where there is none on record."""
        return 0.0 if self.doubt is None else float(self.doubt[window][region].mean())


def gather_evidence(photo: Floats, background: Floats, alpha: Floats, doubt: Bytes | None) -> Evidence:
    """Compare `photo` with `background` (linear, H x W x 3) around what `alpha` covers.

    `alpha` and, in 1/255, the `doubt` of the networks that made it are H x W.
    """
    return _gather(photo, background, alpha, doubt, _surroundings(alpha), _LARGEST_PIXELS)


def gather_everywhere(photo: Floats, background: Floats, alpha: Floats, doubt: Bytes | None) -> Evidence:
    """The same of the whole frame, small: what is far from the piece is looked at for its outline only."""
    height, width = alpha.shape
    return _gather(photo, background, alpha, doubt, (0, 0, width, height), _FEW_PIXELS)


def _gather(
    photo: Floats, background: Floats, alpha: Floats, doubt: Bytes | None, box: Box, most_pixels: float
) -> Evidence:
    height, width = alpha.shape
    left, top, right, bottom = box
    window = np.s_[top:bottom, left:right]
    scale = max(1.0, float(np.sqrt((bottom - top) * (right - left) / most_pixels)))
    size = (round((right - left) / scale), round((bottom - top) / scale))
    matte = shrunk_to(alpha[window], size)
    unsure = None if doubt is None else shrunk_to(doubt[window] * np.float32(1 / 255), size)
    lightness, colour = _compare(shrunk_to(photo[window], size), shrunk_to(background[window], size), matte)
    difference = np.abs(lightness) + colour
    slope = _slope(lightness)
    far = _far_from(matte)
    noise = min(0.08, float(np.median(difference[far]))) if far.any() else 0.02
    texture = min(0.1, float(np.median(slope[far]))) if far.any() else 0.01
    rim = rim_of(matte >= _COVERED)
    steepness = float(np.median(slope[rim])) if rim.any() else 0.0
    # hairlines of a large photograph are less than half covered once they are shrunk
    seen = (matte >= _COVERED, matte > _SHOWING)
    covered = next((mask for mask in seen if mask.any()), matte > 0)
    return Evidence(
        alpha=np.ascontiguousarray(matte),
        covered=covered,
        difference=difference,
        lightness=lightness,
        colour=colour,
        slope=slope,
        doubt=unsure,
        noise=noise,
        low=2.0 * noise + 0.03,
        high=4.0 * noise + 0.10,
        steep=max(0.03, 4.0 * texture, 0.25 * steepness),
        typical=float(np.median(difference[covered])) if covered.any() else 0.0,
        thinness=float(np.log(max(1, covered.sum()) / max(1, rim_of(covered).sum()))),
        origin=(left, top),
        scale=scale,
        frame=(height, width),
    )


def _compare(photo: Floats, background: Floats, alpha: Floats) -> tuple[Floats, Floats]:
    """How the photograph differs from the background, in lightness (with its sign) and in colour."""
    correction = _drift(photo, background, alpha)
    lightness, colour = np.empty_like(alpha), np.empty_like(alpha)
    for row in range(0, len(alpha), _BAND):
        rows = np.s_[row : row + _BAND]
        ratio = log_ratio(photo[rows], background[rows]) - correction[rows]
        mean = cv2.transform(ratio, np.full((1, 3), 1 / 3, np.float32)).reshape(ratio.shape[:2])
        square = cv2.transform(ratio * ratio, np.ones((1, 3), np.float32)).reshape(ratio.shape[:2])
        lightness[rows] = mean
        colour[rows] = np.sqrt(np.maximum(square - 3 * mean * mean, 0))
    return lightness, colour


def _surroundings(alpha: Floats) -> Box:
    """The box of what is covered, with a margin."""
    height, width = alpha.shape
    left, top, right, bottom = bounds_of(alpha > _SHOWING)
    if right == left:
        return 0, 0, width, height
    margin = max(24, round(_MARGIN * max(height, width)))
    return (
        max(0, left - margin),
        max(0, top - margin),
        min(width, right + margin),
        min(height, bottom + margin),
    )


def _drift(photo: Floats, background: Floats, alpha: Floats) -> Floats:
    """What the background estimate misses slowly around the piece: soft shadows, a poor fit."""
    height, width = alpha.shape
    side = max(height, width)
    size = (max(4, width * 160 // side), max(4, height * 160 // side))
    small, taken = log_ratio(shrunk_to(photo, size), shrunk_to(background, size)), shrunk_to(alpha, size)
    free = ~grown(taken > 0.02, 1)
    calm = np.abs(small - cv2.medianBlur(small, 5)).max(axis=2)
    weight = (free * np.exp(-calm / 0.02) * (np.abs(small).max(axis=2) < 0.3)).astype(np.float32)
    drift = weighted_means(small, weight, ((2.5, 1.0), (10.0, 0.05), (40.0, 0.005)), 1e-4)
    return np.asarray(cv2.resize(drift, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def _slope(lightness: Floats) -> Floats:
    across = cv2.Scharr(lightness, cv2.CV_32F, 1, 0, scale=1 / 32)
    down = cv2.Scharr(lightness, cv2.CV_32F, 0, 1, scale=1 / 32)
    return np.asarray(cv2.magnitude(across, down), np.float32)


def _far_from(alpha: Floats) -> Mask:
    far = ~grown(alpha > 0.02, 7)
    return far if far.mean() > 0.02 else alpha <= 0.02
