"""PNG: what its chunks say, and its pixels of 8 or 16 bits."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

import imagecodecs

from studiod.imaging.decoders.facts import WHOLE_AGAIN, Facts, Trouble, checked
from studiod.imaging.exif import read_exif
from studiod.imaging.types import Pixels


def read_facts(file: BinaryIO) -> Facts:
    """Size, EXIF and profile; every chunk up to the last must be there."""
    header = exif = profile = None
    for name, payload in _chunks(file):
        if name == b"IHDR":
            header = struct.unpack(">IIBBBBB", payload)
        elif name == b"iCCP" and b"\0" in payload:
            with suppress(zlib.error):
                profile = zlib.decompressobj().decompress(payload.split(b"\0", 1)[1][1:], 1 << 24)
        elif name == b"eXIf":
            exif = payload
    if header is None:
        raise Trouble("is cut off: the file ends before the picture begins.", WHOLE_AGAIN)
    width, height = header[:2]
    return Facts("png", width, height, read_exif(exif), profile)


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Name and payload of the chunks that matter here; a file without its last chunk is cut off."""
    file.seek(8)
    while len(head := file.read(8)) == 8:
        length, name = struct.unpack(">I4s", head)
        if name == b"IEND":
            return
        if name in (b"IHDR", b"iCCP", b"eXIf"):
            yield name, file.read(length)
            file.seek(4, os.SEEK_CUR)
        else:
            file.seek(length + 4, os.SEEK_CUR)
    raise Trouble("is cut off: its end is missing.", WHOLE_AGAIN)


def decode(file: BinaryIO, facts: Facts) -> Pixels:
    """Every pixel, with as many channels as there are."""
    return checked(imagecodecs.png_decode(_bare(file)), facts)


def _bare(file: BinaryIO) -> bytes:
    """The file with the chunks that make the pixels: libpng prints what it holds of others, names and all."""
    file.seek(0)
    parts = [file.read(8)]
    while len(head := file.read(8)) == 8:
        length, name = struct.unpack(">I4s", head)
        if name[:1].islower() and name != b"tRNS":
            file.seek(length + 4, os.SEEK_CUR)
        else:
            parts += [head, file.read(length + 4)]
        if name == b"IEND":
            break
    return b"".join(parts)
