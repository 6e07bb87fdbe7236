"""The file for a retoucher without Photoshop: one picture with alpha, as TIFF out, as TIFF or PNG back."""

from __future__ import annotations

import io
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile
from PIL import Image

from studiod.errors import PictureError
from studiod.imaging.retouch import Saved, check_size
from studiod.imaging.types import Pixels

_ICC_PROFILE = 34675
_ALPHA_WANTED = "Save it as PSD with its layers, or as PNG or TIFF with alpha (transparency)."
_NO_ALPHA = "It has no alpha: what is piece and what is background cannot be told."


def write_tiff(path: Path, colour: Pixels, coverage: Pixels, profile: bytes | None, token: str) -> None:
    """Write colour with its coverage as alpha, not multiplied in; `token` is its description."""
    tifffile.imwrite(
        path, np.dstack([colour, coverage]), photometric="rgb", extrasamples=["unassalpha"],
        compression="deflate", predictor=True, description=token, iccprofile=profile, metadata=None,
    )  # fmt: skip


def read_flat(path: Path, size: tuple[int, int]) -> Saved:
    """What a returned TIFF or PNG holds; PictureError says what to save instead.

    `size` is the width and height that were sent.
    """
    content = path.read_bytes()
    try:
        pixels, profile = (_read_png if content.startswith(b"\x89PNG") else _read_tiff)(content, size)
    except (MemoryError, PictureError):
        raise
    except Exception as error:  # the decoders raise whatever a broken file makes them stumble on
        raise PictureError("It is cut off or damaged.", "Save it again.") from error
    if pixels.ndim != 3 or pixels.shape[2] != 4 or pixels.dtype not in (np.uint8, np.uint16):
        raise PictureError("It is not in RGB with alpha, of 8 or 16 bits.", _ALPHA_WANTED)
    values = pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)
    return Saved(np.ascontiguousarray(values[..., :3]), np.ascontiguousarray(values[..., 3]), profile)


def _read_png(content: bytes, size: tuple[int, int]) -> tuple[Pixels, bytes | None]:
    with Image.open(io.BytesIO(content)) as header:
        check_size(header.size, size)
        if header.mode != "RGBA":
            raise PictureError(_NO_ALPHA, _ALPHA_WANTED)
        profile = header.info.get("icc_profile")
    return imagecodecs.png_decode(content), profile


def _read_tiff(content: bytes, size: tuple[int, int]) -> tuple[Pixels, bytes | None]:
    with tifffile.TiffFile(io.BytesIO(content)) as tiff:
        page = tiff.pages.first
        check_size((page.imagewidth, page.imagelength), size)
        if page.samplesperpixel < 4 or not page.extrasamples or page.photometric != 2:
            raise PictureError(_NO_ALPHA, _ALPHA_WANTED)
        pixels = page.asarray(maxworkers=1)
        if page.planarconfig == 2:
            pixels = np.moveaxis(pixels, 0, -1)
        pixels = np.ascontiguousarray(pixels[..., :4])
        multiplied = page.extrasamples[0] == 1
        return _divided(pixels) if multiplied else pixels, page.tags.valueof(_ICC_PROFILE)


def _divided(pixels: Pixels) -> Pixels:
    """Colours that were multiplied by their alpha as they were before."""
    most = np.iinfo(pixels.dtype).max
    alpha = np.maximum(pixels[..., 3:].astype(np.float32), 1.0)
    colour = np.clip(pixels[..., :3] * (most / alpha) + 0.5, 0, most).astype(pixels.dtype)
    return np.dstack([colour, pixels[..., 3]])
