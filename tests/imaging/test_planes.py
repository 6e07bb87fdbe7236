from __future__ import annotations

import numpy as np
import pytest

from studiod.imaging.planes import write_planes


def test_planes_hold_light_and_contrast() -> None:
    """By hand: a quarter of the light is 0.5 by square root; 0.39 before 0.09 is log2(0.4 / 0.1) = 2."""
    photo = np.full((1, 2, 3), 0.25, np.float32)
    photo[0, 1] = 0.39
    background = np.full((1, 2, 3), 0.25, np.float32)
    background[0, 1] = 0.09
    planes = np.empty((6, 1, 2), np.float32)
    write_planes(photo, background, planes)
    assert planes[:3, 0, 0] == pytest.approx([0.5] * 3) and planes[3:, 0, 0] == pytest.approx([0] * 3)
    assert planes[3:, 0, 1] == pytest.approx([2] * 3, abs=1e-5)


def test_planes_are_bounded() -> None:
    """Whatever lies outside 0..1, light stays within 0..1 and contrast within -2..2."""
    photo = np.array([[[-0.1, 5.0, 0.0]]], np.float32)
    planes = np.empty((6, 1, 1), np.float32)
    write_planes(photo, np.array([[[1.0, 0.0, 1.0]]], np.float32), planes)
    assert planes[:3].ravel() == pytest.approx([0, 1, 0])
    assert planes[3:].ravel() == pytest.approx([-2, 2, -2])
