"""The cutout: exact where the piece is opaque, empty outside, in the source's profile, and a valid PNG."""

import io

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from studiod.imaging.colour import ADOBE_RGB, to_linear
from studiod.imaging.cutout import encode_cutout, make_cutout
from studiod.imaging.photo import Photo
from studiod.imaging.png import encode_png

RANDOM = np.random.default_rng(1)


def photo_of(pixels: np.ndarray, profile: bytes | None = None) -> Photo:
    return Photo(pixels, profile, None)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("profile", [None, ADOBE_RGB])
def test_opaque_pixels_keep_the_source_exactly(dtype: type, profile: bytes | None) -> None:
    """Alpha 1: an 8-bit v is v x 257, a 16-bit v is v; alpha 0: everything is 0."""
    pixels = RANDOM.integers(0, np.iinfo(dtype).max, (20, 30, 3), dtype, endpoint=True)
    photo = photo_of(pixels, profile)
    box = (5, 4, 25, 16)
    alpha = np.zeros((12, 20), np.float32)
    alpha[2:10, 3:15] = 1.0
    linear = photo.linear(box)
    made = make_cutout(photo, linear, alpha, box)
    wanted = pixels[4:16, 5:25].astype(np.uint16) * (257 if dtype == np.uint8 else 1)
    assert np.array_equal(made.pixels[alpha == 1][:, :3], wanted[alpha == 1])
    assert (made.pixels[alpha == 1][:, 3] == 65535).all()
    assert not made.pixels[alpha == 0].any()


def test_partly_covered_pixels_hold_the_foreground_in_the_sources_profile() -> None:
    """A foreground colour read back through the profile is the colour that was put in."""
    photo = photo_of(np.zeros((4, 4, 3), np.uint8), ADOBE_RGB)
    gold = np.full((4, 4, 3), (0.5, 0.3, 0.1), np.float32)
    made = make_cutout(photo, gold, np.full((4, 4), 0.5, np.float32), (0, 0, 4, 4))
    assert (made.pixels[..., 3] == 32768).all()
    np.testing.assert_allclose(to_linear(made.pixels[..., :3].copy(), ADOBE_RGB), gold, atol=1e-4)


def test_the_file_is_sixteen_bit_rgba_of_the_whole_frame_with_the_profile() -> None:
    """What is encoded decodes to the same values at the same place, profile embedded."""
    photo = photo_of(RANDOM.integers(0, 65535, (50, 70, 3), np.uint16), ADOBE_RGB)
    box = (10, 20, 40, 45)
    alpha = RANDOM.random((25, 30), np.float32).round(1)
    made = make_cutout(photo, photo.linear(box), alpha, box)
    file = b"".join(encode_cutout(made))
    read = imagecodecs.png_decode(file)
    assert read.shape == (50, 70, 4)
    assert read.dtype == np.uint16
    assert np.array_equal(read[20:45, 10:40], made.pixels)
    read[20:45, 10:40] = 0
    assert not read.any()
    with Image.open(io.BytesIO(file)) as picture:
        assert picture.info["icc_profile"] == ADOBE_RGB


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_png_is_read_back_exactly(data: st.DataObject) -> None:
    """Any size, depth, number of channels and place in a frame decodes to what was encoded."""
    height, width = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 9))
    channels = data.draw(st.integers(1, 4))
    dtype = data.draw(st.sampled_from([np.uint8, np.uint16]))
    left, top = data.draw(st.integers(0, 4)), data.draw(st.integers(0, 4))
    right, below = data.draw(st.integers(0, 4)), data.draw(st.integers(0, 4))
    pixels = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (height, width, channels), dtype)
    wanted = np.zeros((top + height + below, left + width + right, channels), dtype)
    wanted[top : top + height, left : left + width] = pixels
    file = encode_png(pixels, frame=(wanted.shape[1], wanted.shape[0]), origin=(left, top))
    read = imagecodecs.png_decode(b"".join(file))
    assert np.array_equal(read.reshape(wanted.shape), wanted)
    Image.open(io.BytesIO(b"".join(file))).verify()
