"""Colour: from a picture's own ICC profile to linear light with sRGB primaries, and back again.

Working RGB is linear, of sRGB (Rec. 709) primaries, and never clipped: a colour outside sRGB has
values below 0 or above 1 and survives the way there and back.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import imagecodecs
import numpy as np
from numpy.typing import NDArray

from studiod.imaging.icc import (
    BrokenProfile,
    Curve,
    build_profile,
    read_grey,
    read_kind,
    read_matrix,
    read_tags,
)
from studiod.imaging.types import Bytes, Floats, Pixels, Values

_SRGB_TO_XYZ = np.array(
    [[0.4360657, 0.3851515, 0.1430784], [0.2224932, 0.7168870, 0.0606169], [0.0139160, 0.0970764, 0.7140961]]
)
"""Linear sRGB to XYZ at D50, the connection space of ICC profiles (columns sum to its white)."""
_ADOBE_TO_XYZ = np.array(
    [[0.6097412, 0.2052765, 0.1491852], [0.3111115, 0.6256714, 0.0632172], [0.0194702, 0.0608673, 0.7445679]]
)
_CLOSE_TO_SRGB = 0.002
_RELATIVE_COLORIMETRIC = 1
_KNOTS = 4096


def encode_srgb(linear: Floats) -> Floats:
    """Linear light to sRGB code values, 0..1, colours outside sRGB clipped."""
    clipped = np.clip(linear, 0.0, 1.0)
    curve = cv2.pow(clipped, 1 / 2.4)
    encoded = np.where(clipped <= 0.0031308, 12.92 * clipped, 1.055 * curve - 0.055)
    return encoded.astype(np.float32).reshape(linear.shape)


def encode_srgb8(linear: Floats) -> Bytes:
    """Linear light to 8-bit sRGB codes, by table: exact to the rounding of 16 bits of light."""
    light = np.clip(linear, 0.0, 1.0)
    light *= 65535.0
    light += 0.5
    return np.asarray(cv2.LUT(light.astype(np.uint16), _srgb_codes()), np.uint8).reshape(linear.shape)


def to_srgb8(pixels: Pixels, profile: bytes | None) -> Bytes:
    """8- or 16-bit RGB `pixels` of an ICC `profile` (None: sRGB) as 8-bit sRGB codes, clipped to sRGB."""
    space = _space(profile)
    if isinstance(space, _Tables) or not _is_srgb(_XYZ_TO_SRGB @ space.matrix):
        return encode_srgb8(to_linear(pixels, profile))
    tables = _code_tables(profile, 256 if pixels.dtype == np.uint8 else 65536)
    return np.asarray(cv2.LUT(pixels, encode_srgb8(tables)[:, None, :]), np.uint8).reshape(pixels.shape)


@lru_cache(maxsize=1)
def _srgb_codes() -> Bytes:
    light = np.linspace(0.0, 1.0, 65536, dtype=np.float32)[:, None]
    return (encode_srgb(light)[:, 0] * 255.0 + 0.5).astype(np.uint8)


def decode_srgb(encoded: Values) -> Values:
    """SRGB code values 0..1 to linear light."""
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def to_linear(pixels: Pixels, profile: bytes | None) -> Floats:
    """8- or 16-bit RGB `pixels` (H x W x 3) of an ICC `profile` (None: sRGB) as linear working RGB."""
    space = _space(profile)
    if isinstance(space, _Tables):
        return space.to_linear(pixels)
    tables = _code_tables(profile, 256 if pixels.dtype == np.uint8 else 65536)
    linear = np.asarray(cv2.LUT(pixels, tables[:, None, :]), np.float32)
    matrix = _XYZ_TO_SRGB @ space.matrix
    if not _is_srgb(matrix):
        linear = np.asarray(cv2.transform(linear, matrix.astype(np.float32)), np.float32)
    return linear.reshape(pixels.shape)


def from_linear(linear: Floats, profile: bytes | None) -> NDArray[np.uint16]:
    """Linear working RGB (any shape x 3) as 16-bit codes of an ICC `profile` (None: sRGB), clipped to it."""
    space = _space(profile)
    if isinstance(space, _Tables):
        return space.from_linear(linear)
    matrix = np.linalg.inv(space.matrix) @ _SRGB_TO_XYZ
    colours = linear.reshape(-1, 3).astype(np.float64)
    if not _is_srgb(matrix):
        colours = colours @ matrix.T
    tables = _code_tables(profile, _KNOTS)
    codes = np.linspace(0.0, 65535.0, _KNOTS)
    encoded = np.empty(colours.shape, np.uint16)
    for channel in range(3):
        rising = np.maximum.accumulate(tables[:, channel].astype(np.float64))
        encoded[:, channel] = np.interp(colours[:, channel], rising, codes).round()
    return encoded.reshape(linear.shape)


def usable_profile(profile: bytes | None, channels: int) -> bytes | None:
    """The RGB profile that a picture of 1 or 3 `channels` is to be read by, or None for sRGB.

    A profile that is broken, or made for another kind of picture, counts as none. A grey picture is
    held as RGB: its profile becomes the RGB profile of the same tone curve.
    """
    if not profile:
        return None
    try:
        if channels == 1 and read_kind(profile) == b"GRAY":
            profile = build_profile(
                "Grey, as RGB", _SRGB_TO_XYZ, read_grey(profile, np.linspace(0.0, 1.0, 4096))
            )
        _space(profile)
    except BrokenProfile:
        return None
    return profile


def as_encodable(pixels: Pixels, profile: bytes | None) -> tuple[Pixels, bytes | None]:
    """Pixels and profile as they are, or in 16-bit Adobe RGB where a profile knows no way back to codes.

    Profiles of scanners and cameras may hold only the tables that lead from codes to colours.
    """
    try:
        from_linear(np.full((1, 3), 0.5, np.float32), profile)
    except BrokenProfile:
        return from_linear(to_linear(pixels, profile), ADOBE_RGB), ADOBE_RGB
    return pixels, profile


def from_cmyk(ink: Pixels, profile: bytes | None) -> tuple[NDArray[np.uint16], bytes | None]:
    """CMYK codes (H x W x 4, 0 no ink) as 16-bit RGB codes, and the profile of those."""
    with contextlib.suppress(BrokenProfile):
        if profile and read_kind(profile) == b"CMYK":
            return _transform(ink, profile, ADOBE_RGB, "cmyk", "rgb", np.uint16).astype(np.uint16), ADOBE_RGB
    full = np.float32(255.0 if ink.dtype == np.uint8 else 65535.0)
    paper = 1.0 - ink.astype(np.float32) / full
    return (paper[..., :3] * paper[..., 3:] * 65535.0 + 0.5).astype(np.uint16), None


@dataclass(frozen=True, eq=False)
class _Matrix:
    """A profile of three tone curves and a matrix to XYZ (D50)."""

    curves: tuple[Curve, ...]
    matrix: Values


@dataclass(frozen=True, eq=False)
class _Tables:
    """A profile of lookup tables, left to Little CMS."""

    profile: bytes

    def to_linear(self, pixels: Pixels) -> Floats:
        """`pixels` as linear working RGB, by way of XYZ, a band of rows at a time."""
        linear = np.empty(pixels.shape, np.float32)
        rows = max(1, 4_000_000 // max(1, pixels.shape[1]))
        for top in range(0, pixels.shape[0], rows):
            band = np.ascontiguousarray(pixels[top : top + rows])
            xyz = _transform(band, self.profile, _XYZ_PROFILE, "rgb", "xyz", np.float32)
            linear[top : top + rows] = np.asarray(xyz, np.float32) @ _XYZ_TO_SRGB.T.astype(np.float32)
        return linear

    def from_linear(self, linear: Floats) -> NDArray[np.uint16]:
        """The 16-bit codes of linear working RGB, by way of XYZ."""
        xyz = np.maximum(linear.reshape(1, -1, 3) @ _SRGB_TO_XYZ.T, 0.0).astype(np.float32)
        codes = _transform(xyz, _XYZ_PROFILE, self.profile, "xyz", "rgb", np.uint16)
        return codes.astype(np.uint16).reshape(linear.shape)


@lru_cache(maxsize=8)
def _space(profile: bytes | None) -> _Matrix | _Tables:
    """What `profile` says (None: sRGB itself); BrokenProfile when it makes nonsense of black or white."""
    if profile is None:
        return _Matrix((decode_srgb,) * 3, _SRGB_TO_XYZ)
    if read_kind(profile) != b"RGB ":
        raise BrokenProfile("no RGB profile")
    tags = read_tags(profile)
    space: _Matrix | _Tables
    if b"A2B0" in tags or b"A2B1" in tags:
        space = _Tables(profile)
        probe = np.full((1, 2, 3), 255, np.uint8)
        white = space.to_linear(probe)[0, 0]
    else:
        space = _Matrix(*read_matrix(tags))
        with np.errstate(all="ignore"):
            ends = np.array([curve(np.array([0.0, 1.0])) for curve in space.curves])
        if not (ends[:, 0] < ends[:, 1]).all():
            raise BrokenProfile("its black is not darker than its white")
        white = (_XYZ_TO_SRGB @ space.matrix @ ends[:, 1]).astype(np.float32)
        if abs(float(np.linalg.det(space.matrix))) < 1e-4:
            raise BrokenProfile("its primaries are one colour")
    if not (np.isfinite(white).all() and white.min() > 0.5 and white.max() < 1.5):
        raise BrokenProfile("its white is not white")
    return space


def _is_srgb(matrix: Values) -> bool:
    """Whether a matrix between linear RGBs changes nothing that anyone could see."""
    return bool(np.abs(matrix - np.eye(3)).max() <= _CLOSE_TO_SRGB)


@lru_cache(maxsize=8)
def _code_tables(profile: bytes | None, steps: int) -> Floats:
    """The linear value of `steps` codes from lowest to highest, for each channel of a matrix profile."""
    space = _space(profile)
    assert isinstance(space, _Matrix)
    codes = np.linspace(0.0, 1.0, steps)
    return np.stack([curve(codes) for curve in space.curves], axis=1).astype(np.float32)


def _transform(
    pixels: NDArray[Any], profile: bytes, onto: bytes, kind: str, onto_kind: str, dtype: type[np.generic]
) -> NDArray[Any]:
    """`pixels` by Little CMS, relative colorimetric; BrokenProfile when it will not have the profile."""
    try:
        result: NDArray[Any] = imagecodecs.cms_transform(
            pixels, profile, onto, colorspace=kind, outcolorspace=onto_kind, outdtype=np.dtype(dtype).str,
            intent=_RELATIVE_COLORIMETRIC,
        )  # fmt: skip
    except (RuntimeError, ValueError) as problem:
        raise BrokenProfile("Little CMS cannot use it") from problem
    return result


_XYZ_TO_SRGB: Values = np.linalg.inv(_SRGB_TO_XYZ)
_XYZ_PROFILE: bytes = imagecodecs.cms_profile("xyz")
SRGB = build_profile("sRGB", _SRGB_TO_XYZ, decode_srgb(np.linspace(0.0, 1.0, 4096)))
"""The sRGB profile that composites carry."""
ADOBE_RGB = build_profile("Adobe RGB (1998) compatible", _ADOBE_TO_XYZ, np.array([563 / 256]))
"""The profile of what is developed from camera RAW and CMYK: wide enough for gold."""
