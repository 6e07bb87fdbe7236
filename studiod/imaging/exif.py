"""EXIF: how a picture is to be turned, when it was taken, and what of it goes on to the outputs.

Copyright, camera and dates are kept; the place, the thumbnail and maker notes are not. A broken block
counts as none.
"""

from __future__ import annotations

import datetime as dt
import io
import warnings
from collections.abc import Mapping, Sized
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO

from PIL import Image

_EXIF_IFD, _INTEROP_IFD = 0x8769, 0xA005
_KEPT_TAGS = (0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x8298)
"""Description, camera, software, date, artist, copyright."""
_DROPPED_CAMERA_TAGS = frozenset({0x927C, 0x9286, 0xA001, 0xA002, 0xA003, _INTEROP_IFD, 0xEA1C})
"""Maker notes, comments, and what speaks of the original's size and colour space."""

warnings.filterwarnings("ignore", module=r"PIL\.")  # a broken block counts as none: nobody has to act

_LARGEST = 65533
"""Bytes of EXIF that a JPEG's segment takes."""


@dataclass(frozen=True, slots=True)
class Tags:
    """What is read from EXIF: `kept` is a clean block without orientation, place and thumbnail."""

    orientation: int = 1
    captured_at: dt.datetime | None = None
    kept: bytes | None = None
    adobe_rgb: bool = False


def read_exif(source: bytes | BinaryIO | None) -> Tags:
    """Orientation, date and what is kept, of an EXIF block or a TIFF file; nothing where it is broken."""
    if source is None:
        return Tags()
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    stream.seek(0)
    exif = Image.Exif()
    camera: dict[int, object] = {}
    try:
        exif.load_from_fp(stream)
        orientation = exif.get(0x0112, 1)
    except Exception:
        return Tags()
    with suppress(Exception):
        camera = dict(exif.get_ifd(_EXIF_IFD))
    adobe_rgb = camera.get(0xA001) == 2
    with suppress(Exception):
        adobe_rgb = adobe_rgb or exif.get_ifd(_INTEROP_IFD).get(1) == "R03"
    turn = orientation if orientation in range(1, 9) else 1
    return Tags(turn, _captured_at(exif, camera), _kept_exif(exif, camera), adobe_rgb)


def _captured_at(exif: Image.Exif, camera: dict[int, object]) -> dt.datetime | None:
    for text in (camera.get(0x9003), camera.get(0x9004), exif.get(0x0132)):
        with suppress(ValueError, TypeError):
            moment = dt.datetime.strptime(str(text).strip("\0 "), "%Y:%m:%d %H:%M:%S")
            fraction = str(camera.get(0x9291, "")).strip("\0 ")
            if text is camera.get(0x9003) and fraction.isascii() and fraction.isdigit():
                moment = moment.replace(microsecond=int(f"{fraction:0<6.6}"))
            return moment
    return None


class _Text(str):
    """A text of EXIF as Pillow reads it, a character a byte, that it also writes back byte for byte."""

    def encode(self, encoding: str = "latin-1", errors: str = "strict") -> bytes:
        """The bytes that stood in the file, whatever encoding is asked for."""
        return super().encode("latin-1")


def _kept_exif(exif: Image.Exif, camera: dict[int, object]) -> bytes | None:
    """A clean EXIF block: copyright, camera and dates, as much of it as can be written."""
    basic = {tag: exif[tag] for tag in _KEPT_TAGS if tag in exif}
    details = {tag: value for tag, value in camera.items() if tag not in _DROPPED_CAMERA_TAGS}
    for used in (details, {}):
        with suppress(Exception):
            if (block := _that_fits(basic, used)) is not None:
                return block
    return None


def _that_fits(basic: Mapping[int, object], camera: Mapping[int, object]) -> bytes | None:
    """An EXIF block of these tags; where it is more than a JPEG takes, the longest are left out."""
    for longest in (_LARGEST >> halved for halved in range(11)):
        short, short_camera = _up_to(longest, basic), _up_to(longest, camera)
        if not short and not short_camera:
            return None
        clean = Image.Exif()
        for tag, value in short.items():
            clean[tag] = value
        clean.get_ifd(_EXIF_IFD).update(short_camera)
        block = clean.tobytes()
        if len(block) <= _LARGEST:
            return block
    return None


def _up_to(longest: int, tags: Mapping[int, object]) -> dict[int, object]:
    """The tags whose value has at most so many characters, bytes or numbers."""
    return {
        tag: _Text(value) if isinstance(value, str) else value
        for tag, value in tags.items()
        if not isinstance(value, Sized) or len(value) <= longest
    }
