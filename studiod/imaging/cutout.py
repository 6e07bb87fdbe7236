"""The cutout: the piece with its coverage, at native size, in the source's own profile and values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from studiod.imaging.colour import from_linear
from studiod.imaging.photo import Photo
from studiod.imaging.png import encode_png
from studiod.imaging.types import Box, Floats

_BAND = 128  # rows that are held as planes at a time


@dataclass(frozen=True, eq=False, slots=True)
class Cutout:
    """16-bit RGBA (colour not multiplied by coverage) of one `box` of a photograph; all else is empty.

    `width` and `height` are the whole photograph's, `profile` and `exif` its own.
    """

    pixels: NDArray[np.uint16]
    box: Box
    width: int
    height: int
    profile: bytes | None
    exif: bytes | None


def make_cutout(photo: Photo, foreground: Floats, alpha: Floats, box: Box) -> Cutout:
    """The cutout of what lies in `box`; `foreground` and `alpha` are that box's.

    Where alpha is 1 the colour is the source's own value (8-bit v as v x 257), where alpha is 0 it is 0,
    between it is the foreground's, in the source's profile.
    """
    source = photo.pixels[box[1] : box[3], box[0] : box[2]]
    factor = np.uint16(257 if source.dtype == np.uint8 else 1)
    pixels = np.empty((*alpha.shape, 4), np.uint16)
    for top in range(0, len(pixels), _BAND):
        rows = np.s_[top : top + _BAND]
        coverage = (alpha[rows] * np.float32(65535.0) + np.float32(0.5)).astype(np.uint16)
        shown = (coverage > 0) * factor
        planes = [np.multiply(plane, shown, dtype=np.uint16) for plane in cv2.split(source[rows])]
        cv2.merge([*planes, coverage], pixels[rows])
        partly = (coverage > 0) & (coverage < 65535)
        pixels[rows][partly, :3] = from_linear(foreground[rows][partly], photo.profile)
    return Cutout(pixels, box, photo.width, photo.height, photo.profile, photo.exif)


def encode_cutout(cutout: Cutout) -> list[bytes]:
    """The parts of a 16-bit RGBA PNG of the photograph's size, with its profile and cleaned EXIF."""
    return encode_png(
        cutout.pixels, frame=(cutout.width, cutout.height), origin=cutout.box[:2], profile=cutout.profile,
        exif=cutout.exif,
    )  # fmt: skip


def read_coverage(path: Path) -> Floats:
    """A matte of 8 or 16 bits (or a cutout's alpha) as 0..1, H x W."""
    with Image.open(path) as picture:
        pixels = np.asarray(picture)
    if pixels.ndim == 3:
        pixels = pixels[..., -1]
    alpha: Floats = pixels.astype(np.float32) / np.float32(255.0 if pixels.dtype == np.uint8 else 65535.0)
    return alpha
