"""The composite: the piece on a clean background, laid out as a preset says, in linear light."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from studiod.imaging.colour import SRGB, decode_srgb, encode_srgb, encode_srgb8
from studiod.imaging.png import encode_png
from studiod.imaging.types import Box, Floats
from studiod.settings import Preset

SUFFIXES = {"jpeg": ".jpg", "png": ".png", "tiff8": ".tif", "tiff16": ".tif", "webp": ".webp"}
"""The file ending of each of a preset's formats."""

_VISIBLE = 0.1
_AROUND = 3  # as far as a resampling reaches
_LARGEST_SCALE = 64.0  # what is so small is a speck, not a piece
_AVERAGE_BELOW = 0.34


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the photograph lies in a composite: x * scale + left, y * scale + top."""

    scale: float
    left: float
    top: float


@dataclass(frozen=True, eq=False, slots=True)
class Composite:
    """A finished picture: sRGB codes of 8 (or, for `tiff16`, 16) bits, H x W x 3."""

    pixels: NDArray[Any]
    preset: Preset
    placement: Placement
    exif: bytes | None


def composite(
    foreground: Floats,
    alpha: Floats,
    preset: Preset,
    box: Box,
    frame: tuple[int, int],
    exif: bytes | None,
) -> Composite:
    """The piece in `box` of a photograph of size `frame` (width, height) on the background of `preset`.

    `foreground` and `alpha` are that box's. Sizes are changed on colours multiplied by coverage, in
    linear light; the background's own pixels have exactly its value.
    """
    piece = _extent(alpha)
    if piece is None:
        width, height = (preset.width, preset.height) if preset.width else frame
        placement = Placement(min(width / frame[0], height / frame[1]), 0, 0)
        return Composite(_canvas(width, height, preset), preset, placement, exif)
    left, top, right, bottom = piece
    across, down, padding = right - left, bottom - top, 2 * preset.padding
    if preset.width:
        width, height = preset.width, preset.height
        scale = min(
            width * preset.fill / across, height * preset.fill / down,
            (width - padding) / across, (height - padding) / down, _LARGEST_SCALE,
        )  # fmt: skip
    else:
        width, height, scale = across + padding, down + padding, 1.0
    x = round((width - across * scale) / 2 - left * scale)
    if preset.placement == "bottom" and preset.width:
        floor = height - max(float(preset.padding), height * (1 - preset.fill) / 2)
        y = round(floor - bottom * scale)
    else:
        y = round((height - down * scale) / 2 - top * scale)
    columns, rows = _shown(alpha.shape[1], x, width, scale), _shown(alpha.shape[0], y, height, scale)
    laid = _resized(foreground[rows, columns], alpha[rows, columns], scale)
    canvas = _canvas(width, height, preset)
    _lay(canvas, laid, x + round(columns.start * scale), y + round(rows.start * scale), preset)
    placement = Placement(scale, x - box[0] * scale, y - box[1] * scale)
    return Composite(canvas, preset, placement, exif)


def encode(composite: Composite) -> list[bytes]:
    """The parts of the composite's file, in its preset's format, with sRGB profile and cleaned EXIF."""
    preset, pixels = composite.preset, composite.pixels
    if preset.format == "png":
        return encode_png(pixels, profile=SRGB, exif=composite.exif)
    stream = io.BytesIO()
    if preset.format in ("tiff8", "tiff16"):
        tifffile.imwrite(
            stream, pixels, photometric="rgb", compression="zlib", predictor=True, iccprofile=SRGB,
            metadata=None, software=False, extratags=_tiff_tags(composite.exif),
        )  # fmt: skip
    else:
        details: dict[str, Any] = {"icc_profile": SRGB, "quality": preset.quality}
        if composite.exif:
            details["exif"] = composite.exif
        if preset.format == "jpeg":
            details |= {"subsampling": 0 if preset.quality >= 90 else 2, "optimize": True}
        Image.fromarray(pixels).save(stream, "JPEG" if preset.format == "jpeg" else "WEBP", **details)
    return [stream.getvalue()]


def _extent(alpha: Floats) -> Box | None:
    """The tightest box around what can be seen, or None."""
    seen = alpha > _VISIBLE
    columns, rows = np.flatnonzero(seen.any(axis=0)), np.flatnonzero(seen.any(axis=1))
    if not columns.size:
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _shown(length: int, start: int, canvas: int, scale: float) -> slice:
    """The part of a side that comes to lie on the canvas, and a little around: a speck is enlarged alone."""
    first = max(0, math.floor(-start / scale) - _AROUND)
    return slice(first, min(length, math.ceil((canvas - start) / scale) + _AROUND))


def _resized(foreground: Floats, alpha: Floats, scale: float) -> list[Floats]:
    """Planes of the three colours, multiplied by coverage, and of coverage, resized; coverage at most 1."""
    height, width = alpha.shape
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    planes = [
        _scaled(np.asarray(cv2.extractChannel(foreground, channel) * alpha), size, scale)
        for channel in range(3)
    ]
    coverage = _scaled(alpha, size, scale)
    if scale >= _AVERAGE_BELOW and size != (width, height):
        nothing = coverage < 1e-4
        for plane in (*planes, coverage):
            np.copyto(plane, 0.0, where=nothing)
        np.minimum(coverage, 1.0, out=coverage)
    return [*planes, coverage]


def _scaled(plane: Floats, size: tuple[int, int], scale: float) -> Floats:
    """One plane at `size`: averaged where it becomes much smaller, else by a filter that keeps it sharp."""
    if size == plane.shape[::-1]:
        return plane
    if scale < _AVERAGE_BELOW:
        return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32)
    picture = Image.fromarray(np.ascontiguousarray(plane))
    return np.array(picture.resize(size, Image.Resampling.BICUBIC), np.float32)


def _canvas(width: int, height: int, preset: Preset) -> NDArray[Any]:
    """The empty background."""
    codes = np.array(preset.rgb, np.uint16 if preset.format == "tiff16" else np.uint8)
    canvas = np.empty((height, width, 3), codes.dtype)
    canvas[:] = codes * 257 if codes.dtype == np.uint16 else codes
    return canvas


def _lay(canvas: NDArray[Any], planes: Sequence[Floats], x: int, y: int, preset: Preset) -> None:
    """Lay the piece on the canvas with its corner at x, y; what lies outside is cut off."""
    height, width = canvas.shape[:2]
    down, across = planes[3].shape
    left, top, right, bottom = max(x, 0), max(y, 0), min(x + across, width), min(y + down, height)
    if left >= right or top >= bottom:
        return
    *colours, coverage = (plane[top - y : bottom - y, left - x : right - x] for plane in planes)
    under = decode_srgb(np.array(preset.rgb) / 255.0).astype(np.float32)
    mixed = [colour + (1.0 - coverage) * tone for colour, tone in zip(colours, under, strict=True)]
    if canvas.dtype == np.uint8:
        codes: list[NDArray[Any]] = [encode_srgb8(plane) for plane in mixed]
    else:
        codes = [
            (encode_srgb(plane) * np.float32(65535.0) + np.float32(0.5)).astype(np.uint16) for plane in mixed
        ]
    cv2.copyTo(cv2.merge(codes), (coverage > 0).view(np.uint8), canvas[top:bottom, left:right])


def _tiff_tags(exif: bytes | None) -> list[tuple[int, str, int, Any, bool]]:
    """The texts of an EXIF block (description, camera, date, artist, copyright) as TIFF tags."""
    if not exif:
        return []
    tags = Image.Exif()
    tags.load(exif)
    return [
        (tag, "s", 0, value.encode("latin-1"), True)
        for tag, value in tags.items()
        if isinstance(value, str) and tag < 0x8769
    ]
