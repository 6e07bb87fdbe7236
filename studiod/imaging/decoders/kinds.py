"""Which format a file has, told by its content, and what reads it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import rawpy

from studiod.imaging.decoders import jpeg, png, raw, tiff, webp
from studiod.imaging.decoders.facts import WHOLE_AGAIN, Facts, Trouble
from studiod.imaging.decoders.suffixes import RAW_SUFFIXES

DECODERS = {
    "jpeg": jpeg.decode, "png": png.decode, "webp": webp.decode, "tiff": tiff.decode, "raw": raw.decode,
}  # fmt: skip
"""What makes pixels, as they are stored, of a file and what its headers say."""

_OTHER_FILES = {
    b"GIF8": "a GIF", b"BM": "a Windows bitmap", b"8BPS": "a Photoshop document", b"%PDF": "a PDF",
    b"%!PS": "a PostScript file", b"PK\x03\x04": "a ZIP archive", b"\xff\x0a": "a JPEG XL picture",
    b"\0\0\0\x0cJXL ": "a JPEG XL picture", b"\0\0\0\x0cjP  ": "a JPEG 2000 picture", b"<": "a text file",
    b"\x1f\x8b": "a compressed archive", b"\0\0\1\0": "an icon", b"\x7fELF": "a program", b"MZ": "a program",
}  # fmt: skip
_RAW_MARKS = (
    b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FOVb", b"\0MRM", b"II\x1a\0\0\0HEAPCCDR",
)  # fmt: skip


def read_facts(file: BinaryIO, path: Path) -> Facts:
    """What the headers of a file say; its name counts only in telling a camera RAW."""
    try:
        return _facts_of(file, path)
    except rawpy.LibRawFileUnsupportedError as problem:
        raise Trouble(raw.NOT_READ, raw.CONVERT) from problem


def _facts_of(file: BinaryIO, path: Path) -> Facts:
    head = file.read(32)
    file.seek(0)
    suffix = path.suffix.lower()
    if not any(head):
        raise Trouble("holds nothing but zeros: it was never written whole.", WHOLE_AGAIN)
    if head.startswith(b"\xff\xd8\xff"):
        return jpeg.read_facts(file)
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return png.read_facts(file)
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return webp.read_facts(file)
    if head.startswith(tiff.TIFF_MARKS):
        if suffix in RAW_SUFFIXES:
            with suppress(rawpy.LibRawFileUnsupportedError):  # then it is a plain TIFF, if at all
                return raw.read_facts(file)
        return tiff.read_facts(file) or raw.read_facts(file)
    if head.startswith(_RAW_MARKS) or head[4:11] == b"ftypcrx":
        return raw.read_facts(file)
    if head[4:8] == b"ftyp":
        raise Trouble("is a HEIC, AVIF or video file, which is not read.")
    for mark, what in _OTHER_FILES.items():
        if head.startswith(mark):
            raise Trouble(f"is {what}, which is not read.")
    if suffix in RAW_SUFFIXES:
        try:
            return raw.read_facts(file)
        except rawpy.LibRawError as problem:
            raise Trouble("is not a camera RAW file that can be read.", WHOLE_AGAIN) from problem
    raise Trouble("is not a picture, whatever its name says.", "Take it out from among the photographs.")
