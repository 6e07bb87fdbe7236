"""Layers made smaller: each pixel is the mean of those that it stands for."""

from __future__ import annotations

import cv2
import numpy as np

from studiod.imaging.types import Floats


def shrunk(layer: Floats, side: int) -> Floats:
    """The layer (H x W or H x W x 3) at most `side` pixels long, and at least 4 wide and high."""
    height, width = layer.shape[:2]
    scale = min(1.0, side / max(height, width))
    size = (max(4, round(width * scale)), max(4, round(height * scale)))
    return np.asarray(cv2.resize(layer, size, interpolation=cv2.INTER_AREA), np.float32)


def shrunk_to(layer: Floats, size: tuple[int, int]) -> Floats:
    """The layer (H x W or H x W x 3) at `size` (width, height), itself where that is its own."""
    if size == layer.shape[1::-1]:
        return layer
    return np.asarray(cv2.resize(layer, size, interpolation=cv2.INTER_AREA), np.float32)
