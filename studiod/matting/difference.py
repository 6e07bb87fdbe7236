"""A matte from a rough mask and the difference between photograph and background, at native resolution."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

_FLOOR = 0.01
_INSIDE = 0.6
_CERTAIN = 0.85
_NEAR = 0.04
_HOLE_PIXELS = 30
_REACH = 0.02
_SHARE = 0.1
_MARGIN = 0.03
_DIFFERS = 0.15
_BAND = 128


def matte_from_difference(photo: Floats, background: Floats, mask: Floats) -> Floats:
    """Alpha (H x W, 0..1) of the piece that `mask` (any size, 0..1) finds in `photo` (linear, H x W x 3).

    Where the mask is sure, the piece is whole but for enclosed flat regions of the background's
    colour; around it, whatever differs from the background as strongly as the piece does is kept.
    """
    height, width = photo.shape[:2]
    reach = max(5, round(_REACH * max(height, width)))
    near = _grown(mask, _NEAR, (width, height), reach)
    alpha = np.zeros((height, width), np.float32)
    if not near.any():
        return alpha
    window = _surroundings(photo, background, near)
    correction = _slow_error(photo, background)
    where = np.asarray(cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    difference, lightness = _difference(photo[window], background[window], correction[window])
    alpha[window] = _solve(difference, lightness, where[window], near[window])
    return alpha


def _surroundings(photo: Floats, background: Floats, near: Mask) -> tuple[slice, slice]:
    """The window of what is near the piece or connected with it by what differs, and a margin."""
    ratio = np.abs(_log_ratio(_shrunk(photo, 1024), _shrunk(background, 1024))).max(axis=2)
    close = cv2.resize(near.astype(np.uint8), ratio.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
    differs = cv2.dilate((ratio > _DIFFERS).astype(np.uint8), np.ones((3, 3), np.uint8))
    count, labels = cv2.connectedComponents(differs, connectivity=8)
    reached = np.bincount(labels[close], minlength=count) > 0
    reached[0] = False
    where = close | reached[labels]
    rows, columns = np.flatnonzero(where.any(axis=1)), np.flatnonzero(where.any(axis=0))
    scale = max(near.shape) / max(ratio.shape)
    margin = round(_MARGIN * max(near.shape))
    return np.s_[
        max(0, int(rows[0] * scale) - margin) : int((rows[-1] + 1) * scale) + margin,
        max(0, int(columns[0] * scale) - margin) : int((columns[-1] + 1) * scale) + margin,
    ]


def _solve(difference: Floats, lightness: Floats, where: Floats, near: Mask) -> Floats:
    noise = _noise(difference, near)
    low, high = 2.0 * noise + 0.02, 4.0 * noise + 0.10
    around = cv2.dilate(cv2.GaussianBlur(difference, (0, 0), 1.0), np.ones((9, 9), np.uint8))
    sure = difference > np.maximum(high, _SHARE * np.minimum(around, 1.5))
    sure &= ~_soft_shadow(difference, lightness, where, high)
    attached = _attached(sure, where > _INSIDE, near)
    plain = cv2.GaussianBlur(difference, (0, 0), 1.5) < high
    plain = cv2.morphologyEx(plain.astype(np.uint8), cv2.MORPH_OPEN, np.ones((7, 7), np.uint8)).astype(bool)
    attached |= (where > _CERTAIN) & ~plain
    solid = cv2.morphologyEx(attached.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    inside = _filled(solid.astype(bool), difference, low)
    return _soft_edge(difference, inside, low)


def _grown(mask: Floats, level: float, size: tuple[int, int], reach: int) -> Mask:
    found = cv2.resize((mask > level).astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    scale = 4
    small = cv2.resize(
        found, (max(1, size[0] // scale), max(1, size[1] // scale)), interpolation=cv2.INTER_AREA
    )
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * (reach // scale) + 1,) * 2)
    grown = cv2.dilate(small, kernel)
    return cv2.resize(grown, size, interpolation=cv2.INTER_NEAREST).astype(bool)


def _slow_error(photo: Floats, background: Floats) -> Floats:
    """What the background estimate misses slowly (shadows, reflections, a poor fit), log units, H x W x 3."""
    height, width = photo.shape[:2]
    large = _log_ratio(_shrunk(photo, 1024), _shrunk(background, 1024))
    small = _shrunk(large, 256)
    busy = np.abs(large - cv2.blur(large, (3, 3))).max(axis=2)
    spread = cv2.resize(busy, (small.shape[1], small.shape[0]), interpolation=cv2.INTER_AREA)
    calm = np.exp(-spread / max(0.01, 2 * float(np.median(spread))))
    neutral = np.exp(-((np.ptp(small, axis=2) / 0.1) ** 2))
    weight = (calm * neutral * np.where(np.abs(small).max(axis=2) < 0.35, 1.0, 0.02)).astype(np.float32)
    total, count = np.zeros_like(small), np.full(small.shape[:2], 1e-6, np.float32)
    for sigma, share in ((3.0, 1.0), (10.0, 0.05), (30.0, 0.005)):
        total += share * cv2.GaussianBlur(small * weight[..., None], (0, 0), sigma)
        count += share * cv2.GaussianBlur(weight, (0, 0), sigma)
    error = cv2.resize(total / count[..., None], (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(error, np.float32)


def _shrunk(layer: Floats, side: int) -> Floats:
    height, width = layer.shape[:2]
    scale = min(1.0, side / max(height, width))
    size = (max(4, round(width * scale)), max(4, round(height * scale)))
    return np.asarray(cv2.resize(layer, size, interpolation=cv2.INTER_AREA), np.float32)


def _log_ratio(photo: Floats, background: Floats) -> Floats:
    seen = cv2.log(np.maximum(photo, 0) + np.float32(_FLOOR))
    behind = cv2.log(np.maximum(background, 0) + np.float32(_FLOOR))
    return np.asarray(seen - behind, np.float32)


def _difference(photo: Floats, background: Floats, correction: Floats) -> tuple[Floats, Floats]:
    """How unlike the background each pixel is, and its log lightness against it; H x W each."""
    lightness = np.empty(photo.shape[:2], np.float32)
    difference = np.empty(photo.shape[:2], np.float32)
    for top in range(0, len(photo), _BAND):
        rows = np.s_[top : top + _BAND]
        ratio = _log_ratio(photo[rows], background[rows]) - correction[rows]
        mean = np.asarray(cv2.transform(ratio, np.full((1, 3), 1 / 3, np.float32)), np.float32)
        square = np.asarray(cv2.transform(ratio * ratio, np.ones((1, 3), np.float32)), np.float32)
        lightness[rows] = mean.reshape(ratio.shape[:2])
        colour = np.sqrt(np.maximum(square.reshape(ratio.shape[:2]) - 3 * lightness[rows] ** 2, 0))
        difference[rows] = np.abs(lightness[rows]) + np.float32(1.5) * colour
    return difference, lightness


def _noise(difference: Floats, near: Mask) -> float:
    outside = difference[::4, ::4][~near[::4, ::4]]
    return min(0.08, float(np.median(outside)) if outside.size > 100 else 0.02)


def _soft_shadow(difference: Floats, lightness: Floats, where: Floats, high: float) -> Mask:
    """Pixels outside the mask that are only a little darker, without an edge: a shadow or a reflection."""
    smooth = cv2.blur(difference, (9, 9))
    edge = cv2.morphologyEx(difference, cv2.MORPH_GRADIENT, np.ones((5, 5), np.uint8))
    return (where < 0.5) & (lightness < 0) & (smooth < 4 * high) & (edge < 0.12 + 0.3 * smooth)


def _attached(sure: Mask, inside: Mask, near: Mask) -> Mask:
    """The components of `sure` that touch the mask's inside, or lie near it and are no mere speck."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(sure.astype(np.uint8), connectivity=8)
    touches = np.zeros(count, bool)
    touches[np.bincount(labels[inside], minlength=count) > 0] = True
    close = np.zeros(count, bool)
    close[np.bincount(labels[near], minlength=count) > 0] = True
    extent = np.maximum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT])
    keep = touches | close & (stats[:, cv2.CC_STAT_AREA] >= 12) & (extent >= 6)
    keep[0] = False
    kept: Mask = keep[labels]
    return kept


def _filled(solid: Mask, difference: Floats, low: float) -> Mask:
    """`solid` with its enclosed regions filled, except those of the background's colour."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((~solid).astype(np.uint8), connectivity=4)
    border = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    flat = np.bincount(labels[difference < low], minlength=count)
    alike = flat / np.maximum(stats[:, cv2.CC_STAT_AREA], 1)
    hole = (stats[:, cv2.CC_STAT_AREA] >= _HOLE_PIXELS) & (alike > 0.5)
    hole[border] = True
    hole[0] = False
    outside: Mask = hole[labels]
    return ~outside


def _soft_edge(difference: Floats, inside: Mask, low: float) -> Floats:
    """1 well inside, 0 outside, and at the rim the share of the piece's own difference that a pixel shows."""
    solid = inside.astype(np.uint8)
    core = cv2.erode(solid, np.ones((3, 3), np.uint8)).astype(bool)
    band = cv2.dilate(solid, np.ones((3, 3), np.uint8)).astype(bool) & ~core
    piece = cv2.blur(np.where(inside, difference, 0), (5, 5)) / np.maximum(
        cv2.blur(inside.astype(np.float32), (5, 5)), 1e-3
    )
    share = ((difference - 0.5 * low) / np.maximum(piece - 0.5 * low, 1e-3)).clip(0, 1)
    alpha = np.where(band, share, inside.astype(np.float32)).astype(np.float32)
    thick = cv2.dilate(cv2.erode(solid, np.ones((7, 7), np.uint8)), np.ones((11, 11), np.uint8)).astype(bool)
    alpha[inside & thick & (difference < low)] = np.maximum(alpha, 0.5)[inside & thick & (difference < low)]
    return alpha
