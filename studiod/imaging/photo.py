"""Photographs: any file a camera or a retoucher leaves, read whole, upright and at full depth.

A file is known by its content, never by its name. What cannot be read to its last row is a
`PictureError` whose sentence a photographer understands; a broken EXIF block or ICC profile is not:
it counts as missing.
"""

from __future__ import annotations

import datetime as dt
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np

from studiod.errors import PictureError
from studiod.imaging.colour import ADOBE_RGB, as_encodable, from_cmyk, to_linear, usable_profile
from studiod.imaging.decoders import raw
from studiod.imaging.decoders.facts import WHOLE_AGAIN, Facts, Kind, Trouble
from studiod.imaging.decoders.kinds import DECODERS, read_facts
from studiod.imaging.types import Box, Floats, Pixels
from studiod.names import printable

_LONGEST_SIDE = 65_000  # half of it is what OpenCV can sample
_NO_WAITING = getattr(os, "O_NONBLOCK", 0)


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself before a pixel is decoded; `width` and `height` are upright."""

    width: int
    height: int
    kind: Kind
    captured_at: dt.datetime | None


@dataclass(frozen=True, eq=False, slots=True)
class Photo:
    """A decoded photograph.

    `pixels` are upright 8- or 16-bit RGB in the source's own `profile` (ICC; None is sRGB), with the
    source's exact values; `exif` holds copyright, camera and dates, without orientation and place.
    """

    pixels: Pixels
    profile: bytes | None
    exif: bytes | None

    @property
    def width(self) -> int:
        """Pixels across."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Pixels down."""
        return int(self.pixels.shape[0])

    def linear(self, box: Box | None = None) -> Floats:
        """Linear working RGB of the picture, or of a box of it (left, top, right, bottom)."""
        left, top, right, bottom = box or (0, 0, self.width, self.height)
        return to_linear(np.ascontiguousarray(self.pixels[top:bottom, left:right]), self.profile)


def read_header(path: Path) -> Header:
    """Size, kind and date of a picture file, without decoding it; PictureError when it is none we read."""
    with _opened(path) as (_, facts):
        width, height = facts.width, facts.height
        if facts.tags.orientation >= 5:
            width, height = height, width
        return Header(width, height, facts.kind, facts.tags.captured_at)


def read_photo(path: Path, *, max_megapixels: float = 160, name: str = "") -> Photo:
    """The photograph in a file, decoded to its end; PictureError says why there is none.

    A picture of more than `max_megapixels` is refused before its pixels are decoded. `name` is what people
    call a file that is but a copy.
    """
    with _opened(path, name) as (file, facts):
        _refuse_absurd_sizes(facts, max_megapixels)
        pixels, profile = _as_rgb(DECODERS[facts.kind](file, facts), facts)
        upright = _turn(pixels, facts.tags.orientation)
    return Photo(upright, profile, facts.tags.kept)


def check_photo(path: Path, *, max_megapixels: float = 160) -> None:
    """Decode the photograph in a file to its end, as `read_photo`, but a RAW undeveloped: that takes long.

    PictureError says why there is none.
    """
    with _opened(path) as (file, facts):
        _refuse_absurd_sizes(facts, max_megapixels)
        if facts.kind == "raw":
            with raw.open_whole(file) as opened:
                opened.unpack()
            return
    read_photo(path, max_megapixels=max_megapixels)


@contextmanager
def _opened(path: Path, name: str = "") -> Iterator[tuple[BinaryIO, Facts]]:
    """A file and what its headers say; whatever goes wrong inside becomes a PictureError about `path`.

    It is opened without waiting for a pipe's writer. Lack of memory is left alone.
    """
    name = printable(name or path.name or path)
    try:
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | _NO_WAITING)) as file:
            state = os.fstat(file.fileno())
            if not stat.S_ISREG(state.st_mode):
                raise Trouble(
                    "is not a file with a picture in it.", "Take it out from among the photographs."
                )
            if state.st_size == 0:
                raise Trouble("is empty (0 bytes).", WHOLE_AGAIN)
            yield file, read_facts(file, path)
    except (PictureError, MemoryError):
        raise
    except Trouble as problem:
        raise PictureError(f"{name} {problem.sentence}", problem.hint) from problem
    except Exception as problem:
        if isinstance(problem, OSError) and problem.errno is not None:
            reason = os.strerror(problem.errno)
            raise PictureError(
                f"{name} cannot be read: {reason}.", "Check the file and its rights."
            ) from problem
        raise PictureError(f"{name} is damaged: its picture cannot be decoded.", WHOLE_AGAIN) from problem


def _refuse_absurd_sizes(facts: Facts, max_megapixels: float) -> None:
    size = f"{facts.width} x {facts.height} pixels"
    if facts.width * facts.height > max_megapixels * 1e6:
        raise Trouble(
            f"says it has {size}, more than the {max_megapixels:g} megapixels allowed.",
            "A studio whose camera makes such pictures raises max_megapixels under [intake].",
        )
    if max(facts.width, facts.height) > _LONGEST_SIDE:
        raise Trouble(f"has {size}: no side may be longer than {_LONGEST_SIDE}.")


def _as_rgb(pixels: Pixels, facts: Facts) -> tuple[Pixels, bytes | None]:
    """Three channels, transparency laid on white, and the profile that the codes are to be read by."""
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    if facts.is_ink:
        return from_cmyk(pixels, facts.profile)
    if channels in (2, 4):
        pixels = _on_white(pixels)
        channels -= 1
    if channels == 1:
        pixels = np.asarray(cv2.cvtColor(pixels.reshape(pixels.shape[:2]), cv2.COLOR_GRAY2RGB), pixels.dtype)
    profile = facts.profile
    if not profile and facts.tags.adobe_rgb:
        profile = ADOBE_RGB
    return as_encodable(pixels, usable_profile(profile, channels))


def _on_white(pixels: Pixels) -> Pixels:
    """Colour and transparency (2 or 4 channels) laid on white, as every viewer shows it."""
    colour, alpha = pixels[..., :-1], pixels[..., -1:]
    full = np.iinfo(pixels.dtype).max
    if (alpha == full).all():
        return np.ascontiguousarray(colour)
    share = alpha.astype(np.float32) / np.float32(full)
    laid = colour.astype(np.float32) * share + full * (1.0 - share)
    return np.asarray((laid + 0.5).astype(pixels.dtype))


def _turn(pixels: Pixels, orientation: int) -> Pixels:
    """The picture as EXIF `orientation` (1 to 8) wants it shown."""
    if orientation in (5, 6, 7, 8):
        pixels = np.asarray(cv2.transpose(pixels), pixels.dtype)
    flip = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}.get(orientation)
    return pixels if flip is None else np.asarray(cv2.flip(pixels, flip), pixels.dtype)
