"""The composite: the piece on a clean background, sized and placed as a preset says."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageCms

from studiod.imaging.colour import Linear, decode_srgb, encode_srgb, encode_srgb8
from studiod.settings import Preset

Alpha = NDArray[np.float32]

_SEEN = 0.02
_SUFFIXES = {"jpeg": ".jpg", "png": ".png", "tiff8": ".tif", "tiff16": ".tif", "webp": ".webp"}
_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
_ICC_TAG, _UNDEFINED, _ASCII = 34675, 7, 2
_TIFF_TEXTS = (0x010F, 0x0110, 0x0132, 0x013B, 0x8298)
"""Make, model, date, artist, copyright: what a TIFF carries over, tag by tag."""


@dataclass(frozen=True, eq=False, slots=True)
class Composite:
    """A finished picture: `pixels` linear RGB; a point of the crop lies at `scale` x it + (`left`, `top`)."""

    pixels: Linear
    scale: float
    left: float
    top: float


def compose(foreground: Linear, alpha: Alpha, preset: Preset) -> Composite:
    """Set a piece (`foreground` linear, `alpha`, both of its box) on a preset's background, in linear light.

    The preset's fill and placement go by what can be seen of the piece (alpha of 0.02 and up).
    """
    piece_left, piece_top, across, down = cv2.boundingRect((alpha >= _SEEN).astype(np.uint8))
    if not across:
        piece_left, piece_top, across, down = 0, 0, alpha.shape[1], alpha.shape[0]
    if preset.width:
        width, height = preset.width, preset.height
        scale = min(
            preset.fill * width / across, preset.fill * height / down,
            (width - 2 * preset.padding) / across, (height - 2 * preset.padding) / down,
        )  # fmt: skip
    else:
        width, height, scale = across + 2 * preset.padding, down + 2 * preset.padding, 1.0
    premultiplied = np.dstack([foreground * alpha[..., None], alpha])
    size = (max(1, round(alpha.shape[1] * scale)), max(1, round(alpha.shape[0] * scale)))
    if size != (alpha.shape[1], alpha.shape[0]):
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        premultiplied = np.asarray(cv2.resize(premultiplied, size, interpolation=method), np.float32)
    left = round((width - across * scale) / 2 - piece_left * scale)
    if preset.placement == "bottom":
        floor = max(float(preset.padding), height * (1 - preset.fill) / 2)
        top = round(height - floor - (piece_top + down) * scale)
    else:
        top = round((height - down * scale) / 2 - piece_top * scale)
    canvas = np.empty((height, width, 3), np.float32)
    canvas[:] = decode_srgb(np.array(preset.rgb) / 255.0)
    _lay_over(canvas, premultiplied, left, top)
    return Composite(canvas, scale, float(left), float(top))


def suffix_of(preset: Preset) -> str:
    """The extension of the preset's files, with its dot."""
    return _SUFFIXES[preset.format]


def encode_composite(composite: Composite, preset: Preset, exif: bytes | None) -> bytes:
    """The finished file in the preset's format, sRGB with its profile, and with the photograph's `exif`."""
    if preset.format == "tiff16":
        return _encode_tiff((encode_srgb(composite.pixels) * 65535.0 + 0.5).astype(np.uint16), exif)
    codes = encode_srgb8(composite.pixels)
    if preset.format == "tiff8":
        return _encode_tiff(codes, exif)
    picture = Image.fromarray(codes)
    options: dict[str, Any] = {"icc_profile": _SRGB}
    if exif is not None:
        options["exif"] = exif
    if preset.format == "jpeg":
        options |= {"quality": preset.quality, "subsampling": 0}
    elif preset.format == "webp":
        options |= {"quality": preset.quality, "method": 4}
    else:
        options |= {"compress_level": 6}
    stream = io.BytesIO()
    picture.save(stream, preset.format, **options)
    return stream.getvalue()


def _lay_over(canvas: Linear, premultiplied: Linear, left: int, top: int) -> None:
    """`canvas` = piece + (1 - alpha) x canvas where the piece lies; what lies outside is cut off."""
    height, width = canvas.shape[:2]
    rows, columns = premultiplied.shape[:2]
    x0, y0, x1, y1 = max(0, left), max(0, top), min(width, left + columns), min(height, top + rows)
    if x0 >= x1 or y0 >= y1:
        return
    piece = premultiplied[y0 - top : y1 - top, x0 - left : x1 - left]
    cover = np.clip(piece[..., 3:], 0.0, 1.0)
    under = canvas[y0:y1, x0:x1]
    under *= 1.0 - cover
    under += piece[..., :3]


def _encode_tiff(codes: NDArray[np.uint8] | NDArray[np.uint16], exif: bytes | None) -> bytes:
    """Deflate-compressed TIFF; nothing in Python keeps profile, EXIF and 16 bits, so tags are set by hand."""
    tags: list[tuple[int, int, int, object, bool]] = [(_ICC_TAG, _UNDEFINED, len(_SRGB), _SRGB, True)]
    known = Image.Exif()
    if exif is not None:
        known.load(exif)
    for tag in _TIFF_TEXTS:
        if tag in known:
            text = str(known[tag]).encode("utf-8", "replace")
            tags.append((tag, _ASCII, len(text) + 1, text, True))
    stream = io.BytesIO()
    tifffile.imwrite(
        stream, codes, photometric="rgb", compression="zlib", predictor=True, metadata=None, extratags=tags
    )  # fmt: skip
    return stream.getvalue()
