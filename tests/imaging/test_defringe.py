"""Defringing: the old background goes out of the edge, and nothing else changes."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studiod.imaging.colour import encode_srgb
from studiod.imaging.defringe import estimate_foreground

GOLD = np.array([0.60, 0.35, 0.08], np.float32)


def disc(size: int = 120, blur: float = 1.2) -> np.ndarray:
    y, x = np.mgrid[:size, :size]
    hard = (np.hypot(x - size / 2, y - size / 2) < size / 3).astype(np.float32)
    soft = cv2.GaussianBlur(hard, (0, 0), blur)
    soft[soft < 1e-3] = 0.0
    soft[soft > 1 - 1e-3] = 1.0
    return soft


def mixed(alpha: np.ndarray, colour: np.ndarray, behind: np.ndarray) -> np.ndarray:
    return (alpha[..., None] * colour + (1 - alpha[..., None]) * behind).astype(np.float32)


@pytest.mark.parametrize("background", [(0.9, 0.9, 0.9), (0.02, 0.02, 0.02), (0.05, 0.5, 0.1)])
@pytest.mark.parametrize("onto", [1.0, 0.0])
def test_no_old_background_is_left_in_the_edge(background: tuple[float, ...], onto: float) -> None:
    """A gold disc from a white, black or green set looks as if it had never been there, to 2/255."""
    alpha = disc()
    behind = np.broadcast_to(np.float32(background), (*alpha.shape, 3))
    found = estimate_foreground(mixed(alpha, GOLD, behind), np.ascontiguousarray(behind), alpha)
    new = np.full_like(found, onto)
    off = np.abs(encode_srgb(mixed(alpha, found, new)) - encode_srgb(mixed(alpha, GOLD, new))) * 255
    edge = (alpha > 0) & (alpha < 1)
    assert off[edge].mean() < 2.0
    assert off[edge & (alpha > 0.3)].max() < 10.0


def test_a_shadow_at_the_edge_is_not_taken_for_the_piece() -> None:
    """Where the set is darker beside the piece than the estimate says, the piece does not become darker."""
    alpha = disc()
    shadow = np.float32(0.9) - 0.4 * cv2.GaussianBlur(alpha, (0, 0), 12)[..., None]
    behind = np.repeat(shadow, 3, axis=2).astype(np.float32)
    photo = mixed(alpha, GOLD, behind)
    found = estimate_foreground(photo, np.full_like(photo, 0.9), alpha)
    edge = (alpha > 0.3) & (alpha < 1)
    assert np.abs(found[edge] - GOLD).mean() < 0.03


@given(st.integers(1, 70), st.integers(1, 70), st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_opaque_is_exact_and_empty_is_nothing(height: int, width: int, seed: int) -> None:
    """Where alpha is 1 the photograph's values stand, where it is 0 there is 0; all is finite."""
    random = np.random.default_rng(seed)
    photo = random.random((height, width, 3), np.float32)
    background = random.random((height, width, 3), np.float32)
    alpha = np.clip(random.random((height, width), np.float32) * 2 - 0.5, 0, 1)
    found = estimate_foreground(photo, background, alpha)
    assert np.array_equal(found[alpha == 1], photo[alpha == 1])
    assert not found[alpha == 0].any()
    assert np.isfinite(found).all()


def test_working_in_squares_leaves_no_seam() -> None:
    """A picture and a part of it shifted against the grid give the same colours, but for rounding."""
    random = np.random.default_rng(3)
    photo, background = random.random((2, 600, 420, 3), np.float32)
    alpha = cv2.GaussianBlur(random.random((600, 420), np.float32), (0, 0), 2)
    alpha = np.clip((alpha - 0.45) * 10, 0, 1)
    whole = estimate_foreground(photo, background, alpha)
    part = estimate_foreground(photo[100:, 60:], background[100:, 60:], alpha[100:, 60:])
    np.testing.assert_allclose(whole[130:, 90:], part[30:, 30:], atol=1e-4)
