"""What the studio looks like behind the piece: a plate that fits, or a smooth estimate."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from studiod.errors import PlateError
from studiod.imaging.shrinking import shrunk
from studiod.imaging.types import Floats, Values

_LONG_SIDE = 96
_FLOOR = 0.004
_REGISTER_SIDE = 480
_LARGEST_SHIFT = 0.04  # of the long side
_LARGEST_GAIN = 2.0  # exposure stops
_ALIKE = 0.1  # exposure stops


def find_background(photo: Floats, plate: Floats | None) -> tuple[Floats, str]:
    """The background of `photo` by the plate, or by an estimate where there is none or it does not fit.

    All are linear float32, H x W x 3. With it comes why a plate was not used, else an empty text.
    """
    if plate is None:
        return estimate_background(photo), ""
    try:
        return match_plate(photo, plate), ""
    except PlateError as refused:
        return estimate_background(photo), refused.message


def estimate_background(photo: Floats) -> Floats:
    """The background of `photo` (H x W x 3 linear float32), smooth, same shape, 0 and up.

    A polynomial of rising degree (1, 2, 4) is fitted to the logarithm of a copy of 96 px; pixels that
    do not follow it (Tukey weights) and busy pixels count less and less, so the piece drops out.
    """
    height, width = photo.shape[:2]
    fitted = _fit(np.log(np.maximum(shrunk(photo, _LONG_SIDE), 0.0) + _FLOOR))
    estimate = np.maximum(np.exp(fitted) - _FLOOR, 0.0).astype(np.float32)
    return np.asarray(cv2.resize(estimate, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def match_plate(photo: Floats, plate: Floats) -> Floats:
    """The plate (the empty set, linear float32) moved and exposed like `photo`, or a PlateError.

    A tripod moves: the plate is registered by a rigid motion (Evangelidis and Psarakis' ECC on a copy of
    480 px) where that brings the two closer. Each channel gets the gain that most pixels ask for. A plate
    of another shape, or one that most of the picture and of its frame contradicts, does not fit.
    """
    height, width = photo.shape[:2]
    if abs(np.log(width / height * plate.shape[0] / plate.shape[1])) > 0.02:
        raise PlateError(
            f"The plate has {plate.shape[1]} x {plate.shape[0]} pixels, the photograph {width} x {height}.",
            "Shoot the empty set with the same camera, held the same way.",
        )
    if plate.shape != photo.shape:
        plate = np.asarray(cv2.resize(plate, (width, height), interpolation=cv2.INTER_AREA), np.float32)
    small, empty = (np.maximum(shrunk(each, _REGISTER_SIDE), 0.0) for each in (photo, plate))
    gain = _common_gain(small, empty)
    motion = _register(small, empty * gain)
    moved = _move(empty, motion)
    gain = _common_gain(small, moved)
    apart = np.abs(np.log2((small + 0.01) / (moved * gain + 0.01))).max(axis=2)
    border = np.ones(apart.shape, bool)
    inset = max(2, min(apart.shape) // 16)
    border[inset:-inset, inset:-inset] = False
    alike = apart < _ALIKE
    if np.abs(np.log2(gain)).max() > _LARGEST_GAIN or alike.mean() < 0.3 or alike[border].mean() < 0.6:
        raise PlateError(
            f"The plate does not show the set of this photograph: only {alike.mean():.0%} of it agrees.",
            "Shoot a new plate with the camera and the lamps as they are now, or leave the plate out.",
        )
    motion[:, 2] *= (width / small.shape[1], height / small.shape[0])
    return np.asarray(_move(plate, motion) * gain, np.float32)


def _common_gain(photo: Floats, plate: Floats) -> NDArray[np.float32]:
    """The factor for each channel that most of the photograph agrees on (none, where that is more)."""
    stops = np.log2((photo + 0.01) / (plate + 0.01)).reshape(-1, 3)
    middle = np.median(stops, axis=0)
    for reach in (1.0, 0.5, 0.25):
        near = (np.abs(stops - middle) < reach).all(axis=1)
        if near.any():
            middle = np.median(stops[near], axis=0)
    agree, as_is = ((np.abs(stops - shift) < _ALIKE).all(axis=1).mean() for shift in (middle, 0.0))
    return np.asarray(2.0**middle if agree >= as_is else np.ones(3), np.float32)


def _register(photo: Floats, plate: Floats) -> NDArray[np.float32]:
    """The rigid motion (2 x 3, photograph to plate) that makes the plate most like the photograph."""
    still = np.eye(2, 3, dtype=np.float32)
    first = np.asarray(np.sqrt(photo.mean(axis=2)), np.float32)
    second = np.asarray(np.sqrt(plate.mean(axis=2)), np.float32)
    alike = (np.abs(first - second) < 0.15).astype(np.uint8)
    stop = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 40, 1e-5)
    try:
        _, found = cv2.findTransformECC(first, second, still.copy(), cv2.MOTION_EUCLIDEAN, stop, alike, 5)
    except cv2.error:  # no texture to hold on to: where it lies does not matter
        return still
    motion = np.asarray(found, np.float32)
    if not np.isfinite(motion).all() or np.abs(motion[:, 2]).max() > _LARGEST_SHIFT * max(first.shape):
        return still

    def difference(candidate: NDArray[np.float32]) -> float:
        moved = _move(plate, candidate)
        return float(np.abs(first - np.sqrt(moved.mean(axis=2)))[alike > 0].mean()) if alike.any() else 1.0

    return motion if difference(motion) < 0.98 * difference(still) else still


def _move(picture: Floats, motion: NDArray[np.float32]) -> Floats:
    """The picture moved: `motion` (2 x 3) leads from each pixel of the answer to where it comes from."""
    if np.array_equal(motion, np.eye(2, 3)):
        return picture
    size, flags = picture.shape[1::-1], cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(picture, motion, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.float32)


def _fit(values: Floats) -> Floats:
    """The robust polynomial through `values` (h x w x 3), evaluated at every pixel."""
    rows, columns = values.shape[:2]
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    target = values.reshape(-1, 3).astype(np.float64)
    calm = _calmness(values).reshape(-1).astype(np.float64)
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


def _calmness(values: Floats) -> NDArray[np.float32]:
    """1 where the picture is smooth, towards 0 where it is busy; h x w."""
    across = cv2.Sobel(values, cv2.CV_32F, 1, 0) / 8
    down = cv2.Sobel(values, cv2.CV_32F, 0, 1) / 8
    slope = np.sqrt(across**2 + down**2).max(axis=2)
    slope = cv2.dilate(slope, np.ones((3, 3), np.uint8))
    typical = max(0.01, float(np.quantile(slope, 0.3)))
    return (1.0 / (1.0 + (slope / (2 * typical)) ** 2)).astype(np.float32)


def _weighted_median(values: Values, weights: Values) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order[int(np.searchsorted(total, 0.5 * total[-1]))]])
