from __future__ import annotations

import cv2
import numpy as np
import pytest

from studiod.errors import PlateError
from studiod.imaging.background import estimate_background, match_plate
from studiod.imaging.types import Floats


def paper(height: int = 240, width: int = 320) -> Floats:
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    shade = 0.6 + 0.2 * x - 0.1 * y - 0.3 * ((x - 0.5) ** 2 + (y - 0.5) ** 2)
    return (shade[..., None] * np.array([1.0, 0.95, 0.9])).astype(np.float32)


def with_piece(scene: Floats, value: float) -> Floats:
    photo = scene.copy()
    photo[80:170, 110:220] = value
    photo[20:80, 160:163] = value
    return photo


@pytest.mark.parametrize("value", [0.02, 0.35, 0.95])
def test_piece_drops_out(value: float) -> None:
    """A piece that covers an eighth of a smooth background does not show in the estimate."""
    scene = paper()
    estimate = estimate_background(with_piece(scene, value))
    assert np.abs(estimate - scene).max() < 0.02


def test_shape_type_and_sign() -> None:
    """The estimate has the photograph's shape, float32, and is never negative, on black too."""
    for photo in (np.zeros((50, 70, 3), np.float32), paper(33, 517), np.full((8, 8, 3), -0.01, np.float32)):
        estimate = estimate_background(photo)
        assert estimate.shape == photo.shape
        assert estimate.dtype == np.float32
        assert estimate.min() >= 0
        assert np.isfinite(estimate).all()


def test_same_answer_twice() -> None:
    """The estimate is determined by the photograph."""
    photo = with_piece(paper(), 0.9)
    assert np.array_equal(estimate_background(photo), estimate_background(photo))


def marbled(height: int = 300, width: int = 400) -> Floats:
    random = np.random.default_rng(5)
    veins = cv2.GaussianBlur(random.normal(0, 1, (height, width, 1)).astype(np.float32), (0, 0), 5)
    return np.clip(0.5 + 1.5 * veins[..., None], 0.05, 1).astype(np.float32) * np.ones(3, np.float32)


def test_plate_is_moved_and_exposed_like_the_photograph() -> None:
    """A plate shot before the tripod moved, and darker, comes out as the set behind the piece."""
    scene = marbled()
    motion = np.array([[1, 0.003, 4.3], [-0.003, 1, -2.6]], np.float32)
    moved = cv2.warpAffine(scene, motion, (400, 300), borderMode=cv2.BORDER_REPLICATE)
    plate = np.asarray(moved * np.array([0.7, 0.75, 0.8]), np.float32)
    matched = match_plate(with_piece(scene, 0.02), plate)
    inner = np.s_[20:-20, 20:-20]
    assert np.abs(matched - scene)[inner].mean() < 0.01


def test_plate_of_another_set_is_refused() -> None:
    """A plate that shows another set, or has another shape, is a PlateError with a hint."""
    photo = with_piece(paper(), 0.02)
    y = np.linspace(0.05, 1, 240, dtype=np.float32)[:, None, None]
    for plate in (np.broadcast_to(y, photo.shape).copy(), photo[:, :200]):
        with pytest.raises(PlateError) as refusal:
            match_plate(photo, plate)
        assert refusal.value.hint


def test_plate_in_another_size_fits() -> None:
    """A plate at half the photograph's size is enlarged to it."""
    scene = paper()
    plate = cv2.resize(scene, (160, 120), interpolation=cv2.INTER_AREA)
    matched = match_plate(with_piece(scene, 0.9), np.asarray(plate, np.float32))
    assert matched.shape == scene.shape
    assert np.abs(matched - scene).max() < 0.02
