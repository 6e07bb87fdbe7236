"""A matte from a rough mask and the difference between photograph and background, at native resolution.

Only a window around the piece is looked at, and whatever looks at a pixel's neighbours alone goes a band
of rows at a time: what is held of the whole window is one byte or one number a pixel.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from studiod.imaging.contrast import log_ratio, weighted_means
from studiod.imaging.shrinking import shrunk
from studiod.imaging.types import Bytes, Floats, Mask, Window

_INSIDE = 0.6
_CERTAIN = 0.85
_NEAR = 0.04
_HOLE_PIXELS = 30
_REACH = 0.02
_SHARE = 0.1
_MARGIN = 0.03
_DIFFERS = 0.15
_BAND = 128
_HALO = 12  # pixels that the widest chain of filters looks beyond a pixel


def matte_from_difference(photo: Floats, background: Floats, mask: Floats) -> Floats:
    """Alpha (H x W, 0..1) of the piece that `mask` (any size, 0..1) finds in `photo` (linear, H x W x 3).

    Where the mask is sure, the piece is whole but for enclosed flat regions of the background's
    colour; around it, whatever differs from the background as strongly as the piece does is kept.
    """
    height, width = photo.shape[:2]
    alpha = np.zeros((height, width), np.float32)
    near = _near(mask, (width, height))
    if not near.any():
        return alpha
    ratio = log_ratio(shrunk(photo, 1024), shrunk(background, 1024))
    window = _surroundings(ratio, near)
    correction = _Enlarged(_slow_error(ratio), near.shape, window)
    difference, darker = _difference(photo[window], background[window], correction)
    inside, low = _solid(difference, darker, _Enlarged(mask, near.shape, window), near[window])
    piece = alpha[window]
    for outer, inner, kept in _bands(len(piece)):
        piece[inner] = _soft_edge(difference[outer], inside[outer], low)[kept]
    return alpha


def _solid(difference: Floats, darker: Mask, where: _Enlarged, near: Mask) -> tuple[Mask, float]:
    """What is piece, and the difference below which a pixel is the background's own."""
    noise = _noise(difference, near)
    low, high = 2.0 * noise + 0.02, 4.0 * noise + 0.10
    sure, certain = np.empty(near.shape, bool), np.empty(near.shape, bool)
    for outer, inner, kept in _bands(len(near)):
        found, whole = _judge(difference[outer], darker[outer], where.rows(outer), high)
        sure[inner], certain[inner] = found[kept], whole[kept]
    attached = _attached(sure, where, near) | certain
    solid = cv2.morphologyEx(attached.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    return _filled(np.asarray(solid, np.uint8), difference, low), low


def _bands(height: int) -> Iterator[tuple[slice, slice, slice]]:
    """Rows of a band with its surroundings, rows of the band alone, and where in the former those lie."""
    for top in range(0, height, _BAND):
        first, bottom = max(0, top - _HALO), min(height, top + _BAND)
        yield slice(first, bottom + _HALO), slice(top, bottom), slice(top - first, bottom - first)


class _Enlarged:
    """A small picture enlarged (linearly) to a frame, of which a window is read a few rows at a time."""

    def __init__(self, small: Floats, frame: tuple[int, ...], window: Window) -> None:
        wide = cv2.resize(small, (frame[1], len(small)), interpolation=cv2.INTER_LINEAR)
        self._wide = np.asarray(wide, np.float32)[:, window[1]]
        first, behind, _ = window[0].indices(frame[0])
        place = (np.arange(first, behind, dtype=np.float32) + 0.5) * (len(small) / frame[0]) - 0.5
        self._place = place.clip(0, len(small) - 1)

    def rows(self, rows: slice) -> Floats:
        """Some rows of the window."""
        place = self._place[rows]
        above = place.astype(np.intp)
        below = np.minimum(above + 1, len(self._wide) - 1)
        share = (place - above).reshape(-1, *[1] * (self._wide.ndim - 1))
        enlarged: Floats = self._wide[above] * (1 - share)
        enlarged += self._wide[below] * share
        return enlarged


def _near(mask: Floats, size: tuple[int, int]) -> Mask:
    """Where `mask` sees anything, and a reach around it, at `size` (width, height)."""
    scale = 4
    reach = max(5, round(_REACH * max(size)))
    quarter = (max(1, size[0] // scale), max(1, size[1] // scale))
    found = cv2.resize((mask > _NEAR).astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    small = cv2.resize(found, quarter, interpolation=cv2.INTER_AREA)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * (reach // scale) + 1,) * 2)
    grown = cv2.resize(cv2.dilate(small, kernel), size, interpolation=cv2.INTER_NEAREST)
    return np.asarray(grown, np.uint8).view(bool)


def _surroundings(ratio: Floats, near: Mask) -> Window:
    """The window of what is near the piece or connected with it by what differs, and a margin."""
    strength = np.abs(ratio).max(axis=2)
    close = cv2.resize(near.view(np.uint8), strength.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
    differs = cv2.dilate((strength > _DIFFERS).astype(np.uint8), np.ones((3, 3), np.uint8))
    count, labels = cv2.connectedComponents(differs, connectivity=8)
    reached = np.bincount(labels[close], minlength=count) > 0
    reached[0] = False
    where = close | reached[labels]
    rows, columns = np.flatnonzero(where.any(axis=1)), np.flatnonzero(where.any(axis=0))
    scale = max(near.shape) / max(strength.shape)
    margin = round(_MARGIN * max(near.shape))
    return np.s_[
        max(0, int(rows[0] * scale) - margin) : int((rows[-1] + 1) * scale) + margin,
        max(0, int(columns[0] * scale) - margin) : int((columns[-1] + 1) * scale) + margin,
    ]


def _slow_error(large: Floats) -> Floats:
    """What the background estimate misses slowly (shadows, reflections, a poor fit), log units, small."""
    small = shrunk(large, 256)
    busy = np.abs(large - cv2.blur(large, (3, 3))).max(axis=2)
    spread = cv2.resize(busy, (small.shape[1], small.shape[0]), interpolation=cv2.INTER_AREA)
    calm = np.exp(-spread / max(0.01, 2 * float(np.median(spread))))
    neutral = np.exp(-((np.ptp(small, axis=2) / 0.1) ** 2))
    weight = (calm * neutral * np.where(np.abs(small).max(axis=2) < 0.35, 1.0, 0.02)).astype(np.float32)
    return weighted_means(small, weight, ((3.0, 1.0), (10.0, 0.05), (30.0, 0.005)), 1e-6)


def _difference(photo: Floats, background: Floats, correction: _Enlarged) -> tuple[Floats, Mask]:
    """How unlike the background each pixel is, and whether it is darker; H x W each."""
    darker = np.empty(photo.shape[:2], bool)
    difference = np.empty(photo.shape[:2], np.float32)
    for _, rows, _ in _bands(len(photo)):
        ratio = log_ratio(photo[rows], background[rows]) - correction.rows(rows)
        mean = np.asarray(cv2.transform(ratio, np.full((1, 3), 1 / 3, np.float32)), np.float32)
        square = np.asarray(cv2.transform(ratio * ratio, np.ones((1, 3), np.float32)), np.float32)
        lightness = mean.reshape(ratio.shape[:2])
        colour = np.sqrt(np.maximum(square.reshape(ratio.shape[:2]) - 3 * lightness**2, 0))
        difference[rows] = np.abs(lightness) + np.float32(1.5) * colour
        darker[rows] = lightness < 0
    return difference, darker


def _noise(difference: Floats, near: Mask) -> float:
    outside = difference[::4, ::4][~near[::4, ::4]]
    return min(0.08, float(np.median(outside)) if outside.size > 100 else 0.02)


def _judge(difference: Floats, darker: Mask, where: Floats, high: float) -> tuple[Mask, Mask]:
    """What differs as a piece does, and what the mask is certain of and is not plain background."""
    around = cv2.dilate(cv2.GaussianBlur(difference, (0, 0), 1.0), np.ones((9, 9), np.uint8))
    sure = difference > np.maximum(high, _SHARE * np.minimum(around, 1.5))
    sure &= ~_soft_shadow(difference, darker, where, high)
    calm = (cv2.GaussianBlur(difference, (0, 0), 1.5) < high).astype(np.uint8)
    plain = cv2.morphologyEx(calm, cv2.MORPH_OPEN, np.ones((7, 7), np.uint8)) > 0
    return sure, (where > _CERTAIN) & ~plain


def _soft_shadow(difference: Floats, darker: Mask, where: Floats, high: float) -> Mask:
    """Pixels outside the mask that are only a little darker, without an edge: a shadow or a reflection."""
    smooth = cv2.blur(difference, (9, 9))
    edge = cv2.morphologyEx(difference, cv2.MORPH_GRADIENT, np.ones((5, 5), np.uint8))
    return (where < 0.5) & darker & (smooth < 4 * high) & (edge < 0.12 + 0.3 * smooth)


def _attached(sure: Mask, where: _Enlarged, near: Mask) -> Mask:
    """The components of `sure` that touch the mask's inside, or lie near it and are no mere speck."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(sure.view(np.uint8), connectivity=8)
    touches, close = np.zeros(count, bool), np.zeros(count, bool)
    for _, rows, _ in _bands(len(labels)):
        touches[labels[rows][where.rows(rows) > _INSIDE]] = True
        close[labels[rows][near[rows]]] = True
    extent = np.maximum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT])
    keep = touches | close & (stats[:, cv2.CC_STAT_AREA] >= 12) & (extent >= 6)
    keep[0] = False
    kept: Mask = keep[labels]
    return kept


def _filled(solid: Bytes, difference: Floats, low: float) -> Mask:
    """`solid` (0 and 1) with its enclosed regions filled, except those of the background's colour."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(1 - solid, connectivity=4)
    flat = np.zeros(count, np.intp)
    for _, rows, _ in _bands(len(labels)):
        flat += np.bincount(labels[rows][difference[rows] < low], minlength=count)
    alike = flat / np.maximum(stats[:, cv2.CC_STAT_AREA], 1)
    fill = (stats[:, cv2.CC_STAT_AREA] < _HOLE_PIXELS) | (alike <= 0.5)
    fill[np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])] = False
    fill[0] = True
    inside: Mask = fill[labels]
    return inside


def _soft_edge(difference: Floats, inside: Mask, low: float) -> Floats:
    """1 well inside, 0 outside, and at the rim the share of the piece's own difference that a pixel shows."""
    solid = inside.view(np.uint8)
    core = cv2.erode(solid, np.ones((3, 3), np.uint8)) > 0
    band = (cv2.dilate(solid, np.ones((3, 3), np.uint8)) > 0) & ~core
    alpha = inside.astype(np.float32)
    if band.any():
        piece = cv2.blur(np.where(inside, difference, 0), (5, 5)) / np.maximum(cv2.blur(alpha, (5, 5)), 1e-3)
        share = ((difference - 0.5 * low) / np.maximum(piece - 0.5 * low, 1e-3)).clip(0, 1)
        np.copyto(alpha, share, where=band)
    thick = cv2.dilate(cv2.erode(solid, np.ones((7, 7), np.uint8)), np.ones((11, 11), np.uint8)) > 0
    dull = inside & thick & (difference < low)
    alpha[dull] = np.maximum(alpha[dull], 0.5)
    return alpha
