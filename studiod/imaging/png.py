"""PNG files of 8 or 16 bits, fast where most of the picture is empty."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from studiod.imaging.types import Bytes

_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
_SUB = 1
_LARGEST_CHUNK = 1 << 30


def encode_png(
    pixels: NDArray[Any],
    *,
    frame: tuple[int, int] | None = None,
    origin: tuple[int, int] = (0, 0),
    profile: bytes | None = None,
    exif: bytes | None = None,
) -> list[bytes]:
    """The parts of a PNG file of `pixels` (H x W or H x W x channels, 8 or 16 bits).

    With a `frame` (width, height) the picture has that size, all 0 but for `pixels`, whose corner lies
    at `origin` (left, top). `profile` is embedded as iCCP, `exif` as eXIf.
    """
    samples = np.atleast_3d(pixels)
    height, width, channels = samples.shape
    bits = 8 * samples.dtype.itemsize
    columns, rows = frame or (width, height)
    header = struct.pack(">IIBBBBB", columns, rows, bits, _COLOUR_TYPES[channels], 0, 0, 0)
    parts = [b"\x89PNG\r\n\x1a\n", *_chunk(b"IHDR", header)]
    if profile:
        parts += _chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(profile, 9))
    if exif:
        parts += _chunk(b"eXIf", exif.removeprefix(b"Exif\0\0"))
    lines: Any = _filtered(samples, columns, rows, origin)
    data = bytes(imagecodecs.zlibng_encode(lines, level=1))
    for start in range(0, len(data), _LARGEST_CHUNK):
        parts += _chunk(b"IDAT", data[start : start + _LARGEST_CHUNK])
    return [*parts, *_chunk(b"IEND", b"")]


def _filtered(samples: NDArray[Any], columns: int, rows: int, origin: tuple[int, int]) -> Bytes:
    """The scan lines, each led by its filter's number: differences to the pixel on the left."""
    height, width, channels = samples.shape
    left, top = origin
    step = channels * samples.dtype.itemsize
    wire = samples if samples.dtype == np.uint8 else samples.astype(">u2")
    lines = np.ascontiguousarray(wire).view(np.uint8).reshape(height, width * step)
    filtered = np.zeros((rows, 1 + columns * step), np.uint8)
    start, stop = 1 + left * step, 1 + (left + width) * step
    filtered[top : top + height, 0] = _SUB
    filtered[top : top + height, start:stop] = lines
    filtered[top : top + height, start + step : stop] -= lines[:, :-step]
    if left + width < columns:
        filtered[top : top + height, stop : stop + step] = np.negative(lines[:, -step:])
    return filtered


def _chunk(name: bytes, payload: bytes) -> list[bytes]:
    return [
        struct.pack(">I", len(payload)) + name,
        payload,
        struct.pack(">I", zlib.crc32(payload, zlib.crc32(name))),
    ]
