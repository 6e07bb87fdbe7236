"""Mirror images that a matte keeps: a ring of 40 px stands on a table, its image below it is fainter."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from studiod.imaging.types import Bytes, Floats
from studiod.matting.mirror import empty_mirror_images

TABLE = 0.6
FOOT = 100


def ring(centre: tuple[int, int], shape: tuple[int, int] = (200, 200)) -> Floats:
    """A ring of 80 px across, 10 px thick."""
    alpha = np.zeros(shape, np.float32)
    cv2.circle(alpha, centre, 35, 1.0, 10)
    return alpha


def picture(alpha: Floats, light: float, below: float, foot: int = FOOT) -> Floats:
    """What `alpha` keeps: of `light` above the foot, of light `below` under it, on the table."""
    value = np.full(alpha.shape, light, np.float32)
    value[foot:] = below
    return np.repeat((alpha * value + (1 - alpha) * TABLE)[..., None], 3, axis=2)


def doubt_of(alpha: Floats, above: int, below: int, foot: int = FOOT) -> Bytes:
    """The doubt about what is kept, in 1/255."""
    unsure = np.full(alpha.shape, above, np.uint8)
    unsure[foot:] = below
    return np.where(alpha > 0, unsure, 0).astype(np.uint8)


def emptied(photo: Floats, alpha: Floats, doubt: Bytes, spared: Floats | None = None) -> tuple[Floats, Bytes]:
    """Alpha and doubt afterwards."""
    matte, unsure = alpha.copy(), doubt.copy()
    nothing = np.zeros_like(alpha)
    empty_mirror_images(
        matte, unsure, photo, np.full_like(photo, TABLE), nothing if spared is None else spared
    )
    return matte, unsure


STANDING = ring((100, 59))
"""Its lowest row is the one above FOOT."""
IMAGE = STANDING[::-1]
"""Across FOOT, from the row below it on."""
BOTH = np.maximum(STANDING, IMAGE)


def test_a_mirror_image_goes_and_its_piece_stays() -> None:
    """What repeats the piece below its foot, fainter and more doubted, is emptied; the doubt says so."""
    alpha, doubt = emptied(picture(BOTH, 0.1, 0.45), BOTH, doubt_of(BOTH, 2, 30))
    np.testing.assert_array_equal(alpha, STANDING)
    np.testing.assert_array_equal(doubt, np.where(IMAGE > 0, 255, doubt_of(STANDING, 2, 30)))


def test_of_an_image_that_was_kept_in_part_nothing_stays() -> None:
    """Patches of a mirror image are emptied as a whole one is."""
    patches = BOTH.copy()
    patches[120:150] = 0
    alpha, _ = emptied(picture(patches, 0.1, 0.45), patches, doubt_of(patches, 2, 30))
    np.testing.assert_array_equal(alpha, STANDING)


@pytest.mark.parametrize(
    ("kept", "below", "doubted"),
    [(BOTH, 0.1, 30), (BOTH, 0.45, 2), (STANDING, 0.1, 2), (STANDING, 0.45, 30)],
    ids=["as strong as the piece", "not doubted", "nothing below", "only below the foot of nothing"],
)
def test_what_is_no_mirror_image_stays(kept: Floats, below: float, doubted: int) -> None:
    """A second piece below, a sure answer and a ring alone stay as they are."""
    doubt = doubt_of(kept, 2, doubted)
    alpha, after = emptied(picture(kept, 0.1, below), kept, doubt)
    np.testing.assert_array_equal(alpha, kept)
    np.testing.assert_array_equal(after, doubt)


@pytest.mark.parametrize("gap", [24, 40])
def test_a_paler_piece_below_another_stays(gap: int) -> None:
    """A second ring, paler and more doubted, but apart from the first: no table joins the two."""
    lower = np.roll(IMAGE, gap, axis=0) * (np.arange(200)[:, None] >= FOOT + gap)
    both = np.maximum(STANDING, lower).astype(np.float32)
    alpha, _ = emptied(picture(both, 0.1, 0.45), both, doubt_of(both, 2, 30))
    np.testing.assert_array_equal(alpha, both)


def test_the_soft_edge_of_an_image_goes_with_it() -> None:
    """Of an image that is out of focus nothing stays, however faint."""
    soft = cv2.GaussianBlur(IMAGE, (0, 0), 3.0)
    soft[:FOOT] = 0
    both = np.maximum(STANDING, soft)
    alpha, _ = emptied(picture(both, 0.1, 0.45), both, doubt_of(both, 2, 30))
    np.testing.assert_array_equal(alpha, STANDING)


def test_the_dim_lower_half_of_a_ring_stays() -> None:
    """Half a ring in the shade is like the half above it, but hangs together with it: nothing is emptied."""
    middle = 59
    photo = picture(STANDING, 0.1, 0.3, foot=middle)
    alpha, _ = emptied(photo, STANDING, doubt_of(STANDING, 2, 30, foot=middle))
    np.testing.assert_array_equal(alpha, STANDING)


def test_pieces_side_by_side_have_a_foot_each() -> None:
    """Of two rings at different heights each loses its own image."""
    nearer = np.roll(STANDING, 15, axis=0)
    standing = np.concatenate([STANDING, nearer], axis=1)
    both = np.concatenate([BOTH, np.maximum(nearer, np.roll(IMAGE, 15, axis=0))], axis=1)
    photo = np.concatenate(
        [picture(both[:, :200], 0.1, 0.45), picture(both[:, 200:], 0.1, 0.45, foot=115)], axis=1
    )
    doubt = np.concatenate([doubt_of(both[:, :200], 2, 30), doubt_of(both[:, 200:], 2, 30, foot=115)], axis=1)
    alpha, _ = emptied(photo, both, doubt)
    np.testing.assert_array_equal(alpha, standing)


def test_what_a_person_keeps_stays() -> None:
    """A mirror image that a brush stroke marked to be kept stays, all that hangs together of it."""
    spared = np.zeros_like(BOTH)
    spared[170:180, 90:110] = 1.0
    alpha, _ = emptied(picture(BOTH, 0.1, 0.45), BOTH, doubt_of(BOTH, 2, 30), spared)
    np.testing.assert_array_equal(alpha, BOTH)


@pytest.mark.parametrize("factor", [3, 8])
def test_a_large_photograph_is_cut_at_its_own_resolution(factor: int) -> None:
    """The foot is found to the row at any size: an enlarged picture loses exactly its enlarged image."""

    def large(layer: NDArray[np.generic]) -> NDArray[np.generic]:
        return np.asarray(layer.repeat(factor, axis=0).repeat(factor, axis=1))

    photo, kept, doubt = picture(BOTH, 0.1, 0.45), BOTH, doubt_of(BOTH, 2, 30)
    alpha, _ = emptied(
        np.asarray(large(photo), np.float32),
        np.asarray(large(kept), np.float32),
        np.asarray(large(doubt), np.uint8),
    )
    np.testing.assert_array_equal(alpha, large(STANDING))


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (25, 3)])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_no_shape_is_too_odd(shape: tuple[int, int], value: float) -> None:
    """Frames of a row or a column, empty or full, stay as they are."""
    alpha = np.full(shape, value, np.float32)
    after, _ = emptied(picture(alpha, 0.1, 0.1), alpha, doubt_of(alpha, 2, 2))
    np.testing.assert_array_equal(after, alpha)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_nothing_is_added_and_the_upper_half_is_never_touched(seed: int) -> None:
    """Whatever a matte keeps: what changes becomes 0, below the middle of what is kept."""
    random = np.random.default_rng(seed)
    height, width = (int(side) for side in random.integers(30, 400, 2))
    alpha = np.zeros((height, width), np.float32)
    for _ in range(int(random.integers(1, 9))):
        centre, axes = (
            (int(v) for v in random.integers(0, 400, 2)),
            (int(v) for v in random.integers(2, 30, 2)),
        )
        cv2.ellipse(
            alpha, (*centre,), (*axes,), float(random.integers(180)), 0, 360, 1.0, int(random.integers(1, 9))
        )
    photo = random.uniform(0, 1, (height, width, 3)).astype(np.float32)
    doubt = random.integers(0, 60, alpha.shape).astype(np.uint8)
    after, _ = emptied(photo, alpha, doubt)
    rows = np.flatnonzero((alpha > 0.3).any(axis=1))
    assert (after[alpha != after] == 0).all()
    half = (rows[0] + rows[-1]) // 2 if rows.size else height
    np.testing.assert_array_equal(after[:half], alpha[:half])
