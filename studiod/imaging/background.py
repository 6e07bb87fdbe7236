"""What the studio looks like behind the piece: a smooth estimate of the background."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]
Box = tuple[int, int, int, int]

_LONG_SIDE = 96
_FLOOR = 0.004


def estimate_background(photo: Picture, box: Box | None = None) -> Picture:
    """The background of `photo` (H x W x 3 linear float32), smooth, same shape, 0 and up.

    A polynomial of rising degree (1, 2, 4) is fitted to the logarithm of a copy of 96 px; pixels that
    do not follow it (Tukey weights) and busy pixels count less and less, so the piece drops out.
    Pixels within `box` (left, top, right, bottom; right and bottom exclusive) are never used.
    """
    height, width = photo.shape[:2]
    small = _shrink(photo)
    rows, columns = small.shape[:2]
    usable = np.ones((rows, columns), np.float32)
    if box is not None:
        left, top, right, bottom = box
        usable[
            int(top * rows / height) : -(-bottom * rows // height),
            int(left * columns / width) : -(-right * columns // width),
        ] = 0.0
    fitted = _fit(np.log(small + _FLOOR), usable)
    estimate = np.exp(fitted) - _FLOOR
    full = cv2.resize(estimate.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.maximum(full, 0.0, out=full)


def _shrink(photo: Picture) -> Picture:
    """An area-averaged copy with a long side of at most 96 px, clipped to 0 and up."""
    height, width = photo.shape[:2]
    scale = min(1.0, _LONG_SIDE / max(height, width))
    size = (max(4, round(width * scale)), max(4, round(height * scale)))
    return np.maximum(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), 0.0).astype(np.float32)


def _fit(values: Picture, usable: NDArray[np.float32]) -> Picture:
    """The robust polynomial through `values` (h x w x 3), evaluated at every pixel."""
    rows, columns = values.shape[:2]
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    target = values.reshape(-1, 3).astype(np.float64)
    calm = (usable * _calmness(values)).reshape(-1).astype(np.float64)
    if calm.sum() < 1e-3 * calm.size:
        calm = np.ones_like(calm)
    weights = calm
    fitted = np.broadcast_to(np.average(target, axis=0, weights=calm), target.shape)
    for degree, rounds in ((1, 4), (2, 4), (4, 6)):
        powers = [(i, j) for i in range(degree + 1) for j in range(degree + 1 - i)]
        basis = np.stack([x**i * y**j for i, j in powers], axis=-1).reshape(-1, len(powers))
        ridge = 1e-3 * np.diag([float(i + j) for i, j in powers])
        for _ in range(rounds):
            weighted = basis * (weights / weights.sum())[:, None]
            coefficients = np.linalg.solve(basis.T @ weighted + ridge, weighted.T @ target)
            fitted = basis @ coefficients
            residual = np.abs(target - fitted).max(axis=1)
            spread = max(0.02, 3.0 * _weighted_median(residual, calm))
            weights = calm * np.maximum(1e-6, 1.0 - (residual / spread) ** 2) ** 2
            weights[residual >= spread] = 1e-9
    return fitted.reshape(values.shape).astype(np.float32)


def _calmness(values: Picture) -> NDArray[np.float32]:
    """1 where the picture is smooth, towards 0 where it is busy; h x w."""
    across = cv2.Sobel(values, cv2.CV_32F, 1, 0) / 8
    down = cv2.Sobel(values, cv2.CV_32F, 0, 1) / 8
    slope = np.sqrt(across**2 + down**2).max(axis=2)
    slope = cv2.dilate(slope, np.ones((3, 3), np.uint8))
    typical = max(0.01, float(np.quantile(slope, 0.3)))
    return (1.0 / (1.0 + (slope / (2 * typical)) ** 2)).astype(np.float32)


def _weighted_median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order[int(np.searchsorted(total, 0.5 * total[-1]))]])
