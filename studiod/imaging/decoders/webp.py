"""WebP: what its chunks say, and the pixels of its first frame."""

from __future__ import annotations

import struct
from typing import BinaryIO

import imagecodecs

from studiod.imaging.decoders.facts import WHOLE_AGAIN, Facts, Trouble, all_of, checked
from studiod.imaging.exif import read_exif
from studiod.imaging.types import Pixels


def read_facts(file: BinaryIO) -> Facts:
    """Size, EXIF and profile; the file must be as long as it says."""
    data = all_of(file)
    size = 8 + int.from_bytes(data[4:8], "little")
    if len(data) < size:
        raise Trouble("is cut off: its end is missing.", WHOLE_AGAIN)
    width = height = 0
    exif = profile = None
    place = 12
    while place + 8 <= len(data):
        name, length = struct.unpack_from("<4sI", data, place)
        payload = memoryview(data)[place + 8 : place + 8 + length]
        if name in (b"VP8 ", b"VP8L", b"ANMF") and not any(payload[-32:]):
            raise Trouble("is cut off: its end is missing.", WHOLE_AGAIN)
        if name == b"VP8X":
            width = 1 + int.from_bytes(payload[4:7], "little")
            height = 1 + int.from_bytes(payload[7:10], "little")
        elif name == b"VP8 " and not width:
            width, height = (value & 0x3FFF for value in struct.unpack_from("<HH", payload, 6))
        elif name == b"VP8L" and not width:
            packed = int.from_bytes(payload[1:5], "little")
            width, height = 1 + (packed & 0x3FFF), 1 + (packed >> 14 & 0x3FFF)
        elif name == b"ICCP":
            profile = bytes(payload)
        elif name == b"EXIF":
            exif = bytes(payload).removeprefix(b"Exif\0\0")
        place += 8 + length + length % 2
    return Facts("webp", width, height, read_exif(exif), profile)


def decode(file: BinaryIO, facts: Facts) -> Pixels:
    """Every pixel, RGB or with transparency."""
    return checked(imagecodecs.webp_decode(all_of(file), index=0), facts)
