"""Colours: hand-computed values first, then that every way there leads back."""

import struct

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studiod.imaging.colour import (
    ADOBE_RGB,
    SRGB,
    as_encodable,
    decode_srgb,
    encode_srgb,
    from_cmyk,
    from_linear,
    to_linear,
    usable_profile,
)

P3 = imagecodecs.cms_profile(
    "rgb", whitepoint=[0.3127, 0.3290, 1.0], gamma=2.2,
    primaries=[0.680, 0.320, 1.0, 0.265, 0.690, 1.0, 0.150, 0.060, 1.0],
)  # fmt: skip


def table_profile(space: bytes, colours: list[tuple[float, float, float]]) -> bytes:
    """A profile of lookup tables from codes to Lab (none back), given the Lab of every corner of its cube."""
    channels = 4 if space == b"CMYK" else 3
    lab = np.array(colours) * (652.8, 256, 256) + (0, 32768, 32768)
    ramp = np.array([0, 65535], ">u2").tobytes()
    identity = struct.pack(">9i", *(np.eye(3) * 65536).astype(int).ravel())
    table = b"mft2" + bytes(4) + bytes([channels, 3, 2, 0]) + identity + struct.pack(">2H", 2, 2)
    table += ramp * channels + lab.round().astype(">u2").tobytes() + ramp * 3
    white = b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)
    body = table + white
    head = struct.pack(
        ">I4sI4s4s4s12s4s", 156 + len(body), bytes(4), 0x02100000, b"scnr", space, b"Lab ", bytes(12), b"acsp"
    )
    head += bytes(28) + struct.pack(">3i", 63190, 65536, 54061) + bytes(48)
    tags = struct.pack(">I4sII4sII", 2, b"A2B0", 156, len(table), b"wtpt", 156 + len(table), 20)
    return head + tags + body


def lab_of(*linear: float) -> tuple[float, float, float]:
    """The Lab (D50) of a linear sRGB colour."""
    to_xyz = np.array([[0.4361, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7141]])
    x, y, z = np.cbrt(to_xyz @ linear / (0.9642, 1.0, 0.8249))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def one(*codes: int, dtype: type = np.uint8) -> np.ndarray:
    return np.array([[codes]], dtype)


def test_srgb_values_are_those_of_the_standard() -> None:
    """Code 128 of 255 is 0.21586 of white, 10 lies on the straight part, the ends are exact."""
    linear = to_linear(np.array([[[0, 128, 255], [10, 10, 10]]], np.uint8), None)
    np.testing.assert_allclose(linear[0, 0], [0.0, 0.215861, 1.0], atol=1e-6)
    np.testing.assert_allclose(linear[0, 1], 10 / 255 / 12.92, rtol=1e-5)


def test_adobe_rgb_green_lies_outside_srgb() -> None:
    """Full Adobe RGB green is (-0.398, 1.000, -0.043) in linear sRGB, and is not clipped."""
    for profile in (ADOBE_RGB, imagecodecs.cms_profile("adobergb")):
        np.testing.assert_allclose(
            to_linear(one(0, 255, 0), profile)[0, 0], [-0.3984, 1.0, -0.0429], atol=1e-3
        )


def test_display_p3_red_lies_outside_srgb() -> None:
    """Full Display P3 red is (1.2249, -0.0420, -0.0196) in linear sRGB."""
    np.testing.assert_allclose(to_linear(one(255, 0, 0), P3)[0, 0], [1.2249, -0.0420, -0.0196], atol=2e-3)


def test_middle_adobe_grey_follows_its_own_curve() -> None:
    """128 of 255 in Adobe RGB is (128/255)^2.19921875 of white."""
    np.testing.assert_allclose(to_linear(one(128, 128, 128), ADOBE_RGB)[0, 0], 0.219652, atol=2e-4)


def test_sixteen_bits_are_told_apart() -> None:
    """Neighbouring 16-bit codes are different light, and equal 8- and 16-bit codes the same."""
    pair = to_linear(np.array([[[30000] * 3, [30001] * 3]], np.uint16), None)
    assert pair[0, 0, 0] < pair[0, 1, 0]
    np.testing.assert_allclose(
        to_linear(one(77, 77, 77), None),
        to_linear(one(77 * 257, 77 * 257, 77 * 257, dtype=np.uint16), None),
        rtol=1e-5,
    )


@given(st.lists(st.integers(0, 65535), min_size=3, max_size=3), st.sampled_from([None, SRGB, ADOBE_RGB, P3]))
def test_there_and_back_is_the_same_code(codes: list[int], profile: bytes | None) -> None:
    """From code to linear light and back changes a 16-bit code by less than a tenth of an 8-bit step."""
    back = from_linear(to_linear(one(*codes, dtype=np.uint16), profile), profile)
    assert np.abs(back.astype(int)[0, 0] - codes).max() <= 25


@given(st.floats(0.0, 1.0))
def test_srgb_encoding_is_the_inverse_of_decoding(value: float) -> None:
    """Encoding undoes decoding."""
    encoded = encode_srgb(np.float32(decode_srgb(np.array([value]))))
    np.testing.assert_allclose(encoded, value, atol=1e-5)


def test_white_encodes_to_exactly_one() -> None:
    """A white background stays 255: nothing is lost at the top of the curve."""
    assert (encode_srgb(np.ones((2, 3), np.float32)) * np.float32(255) + np.float32(0.5)).astype(
        np.uint8
    ).min() == 255


@pytest.mark.parametrize(
    "broken",
    [b"", b"junk", bytes(200), SRGB[:140], SRGB[:128] + b"\xff\xff\xff\xff", SRGB.replace(b"rXYZ", b"xXYZ"),
     SRGB.replace(b"RGB XYZ", b"CMYKXYZ"), SRGB.replace(b"curv", b"what"),
     SRGB[: SRGB.index(b"curv") + 12] + b"\xff" * 8192,
     SRGB.replace(SRGB[SRGB.index(b"curv") :][:16], b"para" + struct.pack(">IHHi", 0, 0, 0, -65536))],
)  # fmt: skip
def test_a_broken_profile_counts_as_none(broken: bytes) -> None:
    """Whatever is wrong with a profile, its black as light as white, say, the picture is read as sRGB."""
    assert usable_profile(broken, 3) is None


@given(st.integers(128, len(SRGB) - 1), st.binary(min_size=1, max_size=40))
def test_no_damage_to_a_profile_raises(place: int, bytes_put: bytes) -> None:
    """A profile with any bytes overwritten is either read or counts as none."""
    damaged = SRGB[:place] + bytes_put + SRGB[place + len(bytes_put) :]
    profile = usable_profile(damaged, 3)
    assert np.isfinite(to_linear(one(10, 128, 255), profile)).all()


def test_a_grey_profile_keeps_its_tone_curve() -> None:
    """A grey picture of gamma 1 is linear, and equal in all three channels."""
    linear_grey = imagecodecs.cms_profile("gray", gamma=1.0)
    profile = usable_profile(linear_grey, 1)
    assert profile is not None
    np.testing.assert_allclose(to_linear(one(128, 128, 128), profile)[0, 0], 128 / 255, atol=1e-3)


def test_a_grey_profile_by_lightness_means_lightness() -> None:
    """Where a grey profile leads to Lab its curve gives L*: 128 of 255 is L* 50.2, 0.186 of white."""
    linear_grey = imagecodecs.cms_profile("gray", gamma=1.0)
    profile = usable_profile(linear_grey[:20] + b"Lab " + linear_grey[24:], 1)
    codes = np.array([[[0] * 3, [10] * 3, [128] * 3, [255] * 3]], np.uint8)
    expected = [0, 10 / 255 * 100 * 27 / 24389, ((128 / 255 * 100 + 16) / 116) ** 3, 1]
    np.testing.assert_allclose(to_linear(codes, profile)[0, :, 1], expected, atol=1e-4)


def test_a_grey_profile_in_a_colour_picture_counts_as_none() -> None:
    """A profile made for another kind of picture is not used."""
    assert usable_profile(imagecodecs.cms_profile("gray", gamma=1.0), 3) is None


def test_ink_without_a_profile_becomes_light() -> None:
    """No ink is white, full black is black, full cyan has no red; at 16 bits."""
    ink = np.array([[[0, 0, 0, 0], [0, 0, 0, 255], [255, 0, 0, 0]]], np.uint8)
    pixels, profile = from_cmyk(ink, None)
    assert profile is None
    assert pixels.tolist() == [[[65535] * 3, [0] * 3, [0, 65535, 65535]]]


def test_a_profile_of_tables_is_followed() -> None:
    """The darkest, the lightest and the reddest code of a profile of tables are the colours it says."""
    corners = [(0.0, 0.0, 0.0)] + [lab_of(*colour) for colour in (
        (0, 0, 0.9), (0, 0.9, 0), (0, 0.8, 0.8), (0.7, 0.05, 0.02), (0.8, 0, 0.8), (0.9, 0.9, 0), (1, 1, 1),
    )]  # fmt: skip
    profile = usable_profile(table_profile(b"RGB ", corners), 3)
    assert profile is not None
    np.testing.assert_allclose(to_linear(one(255, 255, 255), profile)[0, 0], 1.0, atol=5e-3)
    np.testing.assert_allclose(to_linear(one(255, 0, 0), profile)[0, 0], [0.7, 0.05, 0.02], atol=5e-3)
    np.testing.assert_allclose(to_linear(one(0, 0, 0), profile)[0, 0], 0.0, atol=5e-3)


def test_a_profile_without_a_way_back_gives_way_to_adobe_rgb() -> None:
    """Pixels of such a profile become 16-bit Adobe RGB of the same colours."""
    corners = [lab_of(*(float(bit) for bit in f"{index:03b}")) for index in range(8)]
    profile = usable_profile(table_profile(b"RGB ", corners), 3)
    pixels = np.array([[[255, 128, 40], [10, 200, 90]]], np.uint8)
    codes, onto = as_encodable(pixels, profile)
    assert onto == ADOBE_RGB
    assert codes.dtype == np.uint16
    np.testing.assert_allclose(to_linear(codes, onto), to_linear(pixels, profile), atol=2e-3)


def test_a_profile_with_a_way_back_stays() -> None:
    """SRGB and Adobe RGB pixels are left exactly as they are."""
    for profile in (None, SRGB, ADOBE_RGB):
        pixels = one(1, 2, 3)
        assert as_encodable(pixels, profile) == (pixels, profile)


def test_ink_with_a_profile_has_the_colours_of_the_profile() -> None:
    """Paper, full black and full cyan come out as a CMYK profile says they look."""
    cyan, paper = lab_of(0.05, 0.4, 0.8), (100.0, 0.0, 0.0)
    corners = [paper] * 16
    for index in range(16):
        if index & 1:
            corners[index] = (0.0, 0.0, 0.0)
        elif index & 8:
            corners[index] = cyan
    ink = np.array([[[0, 0, 0, 0], [0, 0, 0, 255], [255, 0, 0, 0]]], np.uint8)
    pixels, profile = from_cmyk(ink, table_profile(b"CMYK", corners))
    assert profile == ADOBE_RGB
    linear = to_linear(pixels, profile)[0]
    np.testing.assert_allclose(linear, [[1, 1, 1], [0, 0, 0], [0.05, 0.4, 0.8]], atol=0.01)
