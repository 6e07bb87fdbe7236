"""What a picture file says of itself, whatever its format, and how it is told that there is no picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from studiod.imaging.exif import Tags
from studiod.imaging.types import Pixels

Kind = Literal["jpeg", "png", "tiff", "webp", "raw"]

CUT_OFF = "is cut off or damaged: part of the picture is missing."
WHOLE_AGAIN = "Copy it again from the camera or its card."
_EXPORT_AGAIN = "Export it again as JPEG, PNG or TIFF in RGB, 8 or 16 bits."


class Trouble(Exception):
    """Why a file is not a picture: how the sentence goes on after its name, and the hint."""

    def __init__(self, sentence: str, hint: str = _EXPORT_AGAIN) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Facts:
    """What the headers of a file say of the picture as a decoder gives it; `is_ink` says that it is CMYK."""

    kind: Kind
    width: int
    height: int
    tags: Tags
    profile: bytes | None = None
    is_ink: bool = False


def all_of(file: BinaryIO) -> bytes:
    """The whole file."""
    file.seek(0)
    return file.read()


def checked(pixels: NDArray[np.generic], facts: Facts) -> Pixels:
    """What a decoder made, if it is what the headers say."""
    if pixels.shape[:2] != (facts.height, facts.width) or pixels.dtype not in (np.uint8, np.uint16):
        raise Trouble("is damaged: its size and its data do not agree.", WHOLE_AGAIN)
    return pixels.astype(np.uint8 if pixels.dtype == np.uint8 else np.uint16, copy=False)
