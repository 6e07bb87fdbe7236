from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from studiod.imaging.background import estimate_background

Floats = NDArray[np.float32]


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


def test_box_is_never_used() -> None:
    """Pixels within the box have no influence on the estimate."""
    box = (100, 10, 230, 180)
    first = estimate_background(with_piece(paper(), 0.02), box)
    second = estimate_background(with_piece(paper(), 0.9), box)
    assert np.abs(first - second).max() < 0.01


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
