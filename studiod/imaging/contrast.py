"""How a photograph differs from its background, and what of that changes slowly: shadows, a poor fit."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from studiod.imaging.types import Floats

_FLOOR = 0.01


def log_ratio(photo: Floats, background: Floats) -> Floats:
    """The logarithm of `photo` to `background` (linear, of one shape); light below 0 counts as none."""
    seen = cv2.log(np.maximum(photo, 0) + np.float32(_FLOOR))
    behind = cv2.log(np.maximum(background, 0) + np.float32(_FLOOR))
    return np.asarray(seen - behind, np.float32)


def weighted_means(
    values: Floats, weight: Floats, reaches: Sequence[tuple[float, float]], least: float
) -> Floats:
    """Means of `values` (H x W x 3) by `weight` (H x W) over each pixel's surroundings.

    `reaches` are the surroundings' sigma in pixels and what they count for: the wider ones speak where the
    narrow ones know little. Where all weigh less than `least`, the mean goes to 0.
    """
    total, count = np.zeros_like(values), np.full(values.shape[:2], least, np.float32)
    for sigma, share in reaches:
        total += share * cv2.GaussianBlur(values * weight[..., None], (0, 0), sigma)
        count += share * cv2.GaussianBlur(weight, (0, 0), sigma)
    return np.asarray(total / count[..., None], np.float32)
