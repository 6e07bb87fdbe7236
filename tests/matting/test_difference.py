"""The matte from differences: how it is worked through must not show in it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from studiod.matting import difference
from studiod.matting.difference import matte_from_difference


def chain(height: int = 420, width: int = 560) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A ring, a wire and some specks on uneven grey: photograph, background and rough mask."""
    random = np.random.default_rng(4)
    background = np.full((height, width, 3), 0.6, np.float32)
    background *= np.linspace(0.8, 1.1, width, dtype=np.float32)[None, :, None]
    photo = background + random.normal(0, 0.01, background.shape).astype(np.float32)
    cv2.circle(photo, (230, 210), 120, (0.45, 0.26, 0.06), 26, cv2.LINE_AA)
    cv2.line(photo, (340, 210), (530, 300), (0.2, 0.1, 0.05), 2, cv2.LINE_AA)
    for x, y in random.integers(20, (width - 20, height - 20), (30, 2)):
        cv2.circle(photo, (int(x), int(y)), 2, (0.3, 0.3, 0.3), -1)
    mask = np.zeros((320, 320), np.float32)
    cv2.circle(mask, (131, 160), 70, 1.0, 18)
    return photo, background, cv2.GaussianBlur(mask, (0, 0), 3)


def test_bands_leave_no_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    """Worked on in one piece or in bands of any height, the matte is the same."""
    scene = chain()
    monkeypatch.setattr(difference, "_BAND", 1000)
    whole = matte_from_difference(*scene)
    assert 0.05 < float(whole.mean()) < 0.5
    for rows in (17, 128):
        monkeypatch.setattr(difference, "_BAND", rows)
        np.testing.assert_allclose(matte_from_difference(*scene), whole, atol=1e-4)


def test_enlarging_by_rows_is_enlarging_the_whole() -> None:
    """Rows of a window of the enlarged picture are those of the picture enlarged as a whole."""
    small = np.random.default_rng(1).random((7, 9, 3), np.float32)
    whole = cv2.resize(small, (80, 50), interpolation=cv2.INTER_LINEAR)
    part = difference._Enlarged(small, (50, 80), np.s_[5:60, 11:70])
    np.testing.assert_allclose(part.rows(slice(3, 30)), whole[8:35, 11:70], atol=1e-5)
