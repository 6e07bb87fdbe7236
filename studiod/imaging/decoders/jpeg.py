"""JPEG: what its segments say, and its pixels; one that breaks off anywhere is refused."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

import imagecodecs
import numpy as np
import simplejpeg

from studiod.imaging.decoders.facts import CUT_OFF, WHOLE_AGAIN, Facts, Trouble, all_of
from studiod.imaging.exif import read_exif
from studiod.imaging.types import Pixels


def read_facts(file: BinaryIO) -> Facts:
    """Size, channels, EXIF and profile, from before the first scan."""
    size: tuple[int, int, int, int] | None = None
    exif: bytes | None = None
    icc: dict[int, bytes] = {}
    icc_parts = 0
    for marker, payload in _segments(file):
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) and len(payload) >= 6 and size is None:
            bits, height, width, channels = struct.unpack_from(">BHHB", payload)
            size = (width, height, bits, channels)
        elif marker == 0xE1 and payload.startswith(b"Exif\0\0") and exif is None:
            exif = payload[6:]
        elif marker == 0xE2 and payload.startswith(b"ICC_PROFILE\0") and len(payload) > 14:
            icc[payload[12]], icc_parts = payload[14:], payload[13]
    if size is None:
        raise Trouble("is cut off: the file ends before the picture begins.", WHOLE_AGAIN)
    width, height, bits, channels = size
    if bits != 8:
        raise Trouble(f"is a JPEG of {bits} bits, which is not read.")
    is_whole = len(icc) >= icc_parts
    profile = b"".join(icc[number] for number in sorted(icc)) if is_whole else None
    return Facts("jpeg", width, height, read_exif(exif), profile, is_ink=channels == 4)


def _segments(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Marker and payload of the segments before the first scan."""
    file.seek(2)
    while byte := file.read(1):
        if byte != b"\xff":
            continue
        marker = 0xFF
        while marker == 0xFF:
            marker = (file.read(1) or b"\xd9")[0]
        if marker in (0xD9, 0xDA):
            return
        if marker == 0 or marker == 0x01 or 0xD0 <= marker <= 0xD8:
            continue
        length = int.from_bytes(file.read(2), "big")
        yield marker, file.read(max(0, length - 2))


def decode(file: BinaryIO, facts: Facts) -> Pixels:
    """Every pixel, RGB or CMYK."""
    for _ in _segments(file):
        pass
    first_scan = file.tell()
    data = all_of(file)
    if data.find(b"\xff\xd9", first_scan) < 0:
        raise Trouble(CUT_OFF, WHOLE_AGAIN)
    space = "CMYK" if facts.is_ink else "RGB"
    try:
        pixels = simplejpeg.decode_jpeg(data, space, fastdct=False, fastupsample=False)
    except ValueError as problem:
        complaint = str(problem)
        harmless = "extraneous bytes" in complaint or "ICC marker" in complaint
        if "remature end" in complaint or ("Corrupt" in complaint and not harmless):
            raise Trouble(CUT_OFF, WHOLE_AGAIN) from problem
        pixels = _decode_unusual(data, first_scan, space)
    return np.asarray(
        255 - pixels if facts.is_ink else pixels, np.uint8
    )  # CMYK in JPEG is stored as light, not ink


def _decode_unusual(data: bytes, first_scan: int, space: str) -> Pixels:
    """A JPEG that TurboJPEG complains of, by libjpeg itself, which fills up what is missing.

    So it is decoded twice, the second time with noise before its end mark. A picture that is whole has no
    need of it and stays the same.
    """
    end = data.find(b"\xff\xd9", first_scan)
    noise = b"".join(bytes((0, *range(1, 255, 2), 0xFF, 0xD0 + restart)) for restart in range(8))
    pixels, again = (
        imagecodecs.jpeg8_decode(each, outcolorspace=space)
        for each in (data, data[:end] + noise + data[end:])
    )
    if not np.array_equal(pixels, again):
        raise Trouble(CUT_OFF, WHOLE_AGAIN)
    return np.asarray(pixels, np.uint8)
