"""Photographs: any file a camera or a retoucher leaves, read whole, upright and at full depth.

A file is known by its content, never by its name. What cannot be read to its last row is a
`PictureError` whose sentence a photographer understands; a broken EXIF block or ICC profile is not:
it counts as missing.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import stat
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

import cv2
import imagecodecs
import numpy as np
import rawpy
import simplejpeg
import tifffile
from numpy.typing import NDArray
from PIL import Image

from studiod.errors import PictureError
from studiod.imaging.colour import ADOBE_RGB, Linear, as_encodable, from_cmyk, to_linear, usable_profile
from studiod.imaging.exif import Tags, read_exif
from studiod.names import printable

Kind = Literal["jpeg", "png", "tiff", "webp", "raw"]
Box = tuple[int, int, int, int]
Pixels = NDArray[Any]  # uint8 or uint16

RAW_SUFFIXES = frozenset(
    f".{ending}"
    for ending in (
        "3fr", "ari", "arw", "bay", "cap", "cr2", "cr3", "crw", "dcr", "dcs", "dng", "eip", "erf", "fff",
        "gpr", "iiq", "k25", "kdc", "mdc", "mef", "mos", "mrw", "nef", "nrw", "orf", "pef", "ptx",
        "pxn", "raf", "raw", "rw2", "rwl", "sr2", "srf", "srw", "x3f",
    )
)  # fmt: skip
"""Endings of camera RAW files: those that have no mark of their own inside are told by these."""

_LONGEST_SIDE = 65_000  # half of it is what OpenCV can sample
_CUT_OFF = "is cut off or damaged: part of the picture is missing."
_WHOLE_AGAIN = "Copy it again from the camera or its card."
_EXPORT_AGAIN = "Export it again as JPEG, PNG or TIFF in RGB, 8 or 16 bits."

_OTHER_FILES = {
    b"GIF8": "a GIF", b"BM": "a Windows bitmap", b"8BPS": "a Photoshop document", b"%PDF": "a PDF",
    b"%!PS": "a PostScript file", b"PK\x03\x04": "a ZIP archive", b"\xff\x0a": "a JPEG XL picture",
    b"\0\0\0\x0cJXL ": "a JPEG XL picture", b"\0\0\0\x0cjP  ": "a JPEG 2000 picture", b"<": "a text file",
    b"\x1f\x8b": "a compressed archive", b"\0\0\1\0": "an icon", b"\x7fELF": "a program", b"MZ": "a program",
}  # fmt: skip
_RAW_MARKS = (
    b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FOVb", b"\0MRM", b"II\x1a\0\0\0HEAPCCDR",
)  # fmt: skip
_TIFF_MARKS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # it prints file names as they are


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself before a pixel is decoded; `width` and `height` are upright."""

    width: int
    height: int
    kind: Kind
    bits: int
    captured_at: dt.datetime | None
    is_raw: bool


@dataclass(frozen=True, eq=False, slots=True)
class Photo:
    """A decoded photograph.

    `pixels` are upright 8- or 16-bit RGB in the source's own `profile` (ICC; None is sRGB), with the
    source's exact values; `exif` holds copyright, camera and dates, without orientation and place.
    """

    pixels: Pixels
    profile: bytes | None
    exif: bytes | None
    captured_at: dt.datetime | None
    kind: Kind

    @property
    def width(self) -> int:
        """Pixels across."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Pixels down."""
        return int(self.pixels.shape[0])

    def linear(self, box: Box | None = None) -> Linear:
        """Linear working RGB of the picture, or of a box of it (left, top, right, bottom)."""
        left, top, right, bottom = box or (0, 0, self.width, self.height)
        return to_linear(np.ascontiguousarray(self.pixels[top:bottom, left:right]), self.profile)


def read_header(path: Path) -> Header:
    """Size, kind and date of a picture file, without decoding it; PictureError when it is none we read."""
    with _sentences(path), _open(path) as file:
        facts = _facts(file, path)
        turned = facts.orientation >= 5
        return Header(
            width=facts.height if turned else facts.width, height=facts.width if turned else facts.height,
            kind=facts.kind, bits=facts.bits, captured_at=facts.tags.captured_at, is_raw=facts.kind == "raw",
        )  # fmt: skip


def read_photo(path: Path, *, max_megapixels: float = 160) -> Photo:
    """The photograph in a file, decoded to its end; PictureError says why there is none.

    A picture of more than `max_megapixels` is refused before its pixels are decoded.
    """
    with _sentences(path), _open(path) as file:
        facts = _facts(file, path)
        _refuse_absurd_sizes(facts, max_megapixels)
        pixels = _DECODERS[facts.kind](file, facts)
        if facts.kind == "raw":
            profile: bytes | None = ADOBE_RGB
        else:
            pixels, profile = _as_rgb(pixels, facts)
        upright = _turn(pixels, facts.orientation)
    return Photo(upright, profile, facts.tags.kept, facts.tags.captured_at, facts.kind)


def check_photo(path: Path, *, max_megapixels: float = 160) -> None:
    """Decode the photograph in a file to its end, as `read_photo`, but a RAW undeveloped: that takes long.

    PictureError says why there is none.
    """
    with _sentences(path), _open(path) as file:
        facts = _facts(file, path)
        _refuse_absurd_sizes(facts, max_megapixels)
        if facts.kind == "raw":
            with _whole_raw(file) as raw:
                raw.unpack()
            return
    read_photo(path, max_megapixels=max_megapixels)


class _Trouble(Exception):
    """Why a file is not a picture: how the sentence goes on after its name, and the hint."""

    def __init__(self, sentence: str, hint: str = _EXPORT_AGAIN) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint


@contextmanager
def _sentences(path: Path) -> Iterator[None]:
    """Turns whatever goes wrong inside into a PictureError about `path`; lack of memory is left alone."""
    name = printable(path.name or path)
    try:
        yield
    except (PictureError, MemoryError):
        raise
    except _Trouble as problem:
        raise PictureError(f"{name} {problem.sentence}", problem.hint) from problem
    except Exception as problem:
        if isinstance(problem, OSError) and problem.errno is not None:
            reason = os.strerror(problem.errno)
            raise PictureError(
                f"{name} cannot be read: {reason}.", "Check the file and its rights."
            ) from problem
        raise PictureError(f"{name} is damaged: its picture cannot be decoded.", _WHOLE_AGAIN) from problem


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the headers of a file say."""

    kind: Kind
    width: int
    height: int
    bits: int
    tags: Tags
    orientation: int
    profile: bytes | None = None
    is_ink: bool = False


def _open(path: Path) -> BinaryIO:
    """The file, opened without waiting for a pipe's writer; only regular, non-empty files."""
    file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0)))  # noqa: SIM115
    facts = os.fstat(file.fileno())
    trouble = None
    if not stat.S_ISREG(facts.st_mode):
        trouble = _Trouble("is not a file with a picture in it.", "Take it out from among the photographs.")
    elif facts.st_size == 0:
        trouble = _Trouble("is empty (0 bytes).", _WHOLE_AGAIN)
    if trouble is not None:
        file.close()
        raise trouble
    return file


def _facts(file: BinaryIO, path: Path) -> _Facts:
    head = file.read(32)
    file.seek(0)
    suffix = path.suffix.lower()
    if not any(head):
        raise _Trouble("holds nothing but zeros: it was never written whole.", _WHOLE_AGAIN)
    if head.startswith(b"\xff\xd8\xff"):
        return _jpeg_facts(file)
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return _png_facts(file)
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return _webp_facts(file)
    if head.startswith(_TIFF_MARKS):
        if suffix in RAW_SUFFIXES:
            with suppress(rawpy.LibRawFileUnsupportedError):  # then it is a plain TIFF, if at all
                return _raw_facts(file)
        return _tiff_facts(file)
    if head.startswith(_RAW_MARKS) or head[4:11] == b"ftypcrx":
        return _raw_facts(file)
    if head[4:8] == b"ftyp":
        raise _Trouble("is a HEIC, AVIF or video file, which is not read.")
    for mark, what in _OTHER_FILES.items():
        if head.startswith(mark):
            raise _Trouble(f"is {what}, which is not read.")
    if suffix in RAW_SUFFIXES:
        try:
            return _raw_facts(file)
        except rawpy.LibRawError as problem:
            raise _Trouble("is not a camera RAW file that can be read.", _WHOLE_AGAIN) from problem
    raise _Trouble("is not a picture, whatever its name says.", "Take it out from among the photographs.")


def _refuse_absurd_sizes(facts: _Facts, max_megapixels: float) -> None:
    size = f"{facts.width} x {facts.height} pixels"
    if facts.width * facts.height > max_megapixels * 1e6:
        raise _Trouble(
            f"says it has {size}, more than the {max_megapixels:g} megapixels allowed.",
            "A studio whose camera makes such pictures raises max_megapixels under [intake].",
        )
    if max(facts.width, facts.height) > _LONGEST_SIDE:
        raise _Trouble(f"has {size}: no side may be longer than {_LONGEST_SIDE}.")


# --- JPEG


def _jpeg_facts(file: BinaryIO) -> _Facts:
    size: tuple[int, int, int, int] | None = None
    exif: bytes | None = None
    icc: dict[int, bytes] = {}
    for marker, payload in _jpeg_segments(file):
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) and len(payload) >= 6 and size is None:
            bits, height, width, channels = struct.unpack_from(">BHHB", payload)
            size = (width, height, bits, channels)
        elif marker == 0xE1 and payload.startswith(b"Exif\0\0") and exif is None:
            exif = payload[6:]
        elif marker == 0xE2 and payload.startswith(b"ICC_PROFILE\0") and len(payload) > 14:
            icc[payload[12]] = payload[14:]
    if size is None:
        raise _Trouble("is cut off: the file ends before the picture begins.", _WHOLE_AGAIN)
    width, height, bits, channels = size
    if bits != 8:
        raise _Trouble(f"is a JPEG of {bits} bits, which is not read.")
    tags = read_exif(exif)
    profile = b"".join(icc[number] for number in sorted(icc)) or None
    return _Facts("jpeg", width, height, 8, tags, tags.orientation, profile, is_ink=channels == 4)


def _jpeg_segments(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
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


def _decode_jpeg(file: BinaryIO, facts: _Facts) -> Pixels:
    for _ in _jpeg_segments(file):
        pass
    first_scan = file.tell()
    data = _all_of(file)
    if data.find(b"\xff\xd9", first_scan) < 0:
        raise _Trouble(_CUT_OFF, _WHOLE_AGAIN)
    space = "CMYK" if facts.is_ink else "RGB"
    try:
        pixels = simplejpeg.decode_jpeg(data, space, fastdct=False, fastupsample=False)
    except ValueError as problem:
        complaint = str(problem)
        if "remature end" in complaint or ("Corrupt" in complaint and "extraneous" not in complaint):
            raise _Trouble(_CUT_OFF, _WHOLE_AGAIN) from problem
        try:
            pixels = simplejpeg.decode_jpeg(data, space, fastdct=False, fastupsample=False, strict=False)
        except ValueError:
            pixels = _decode_unusual_jpeg(data, first_scan, space)
    return np.asarray(
        255 - pixels if facts.is_ink else pixels, np.uint8
    )  # CMYK in JPEG is stored as light, not ink


def _decode_unusual_jpeg(data: bytes, first_scan: int, space: str) -> Pixels:
    """A JPEG whose sampling TurboJPEG does not know, by libjpeg itself, which fills up what is missing.

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
        raise _Trouble(_CUT_OFF, _WHOLE_AGAIN)
    return np.asarray(pixels, np.uint8)


# --- PNG


def _png_facts(file: BinaryIO) -> _Facts:
    header = exif = profile = None
    for name, payload in _png_chunks(file):
        if name == b"IHDR":
            header = struct.unpack(">IIBBBBB", payload)
        elif name == b"iCCP" and b"\0" in payload:
            with suppress(zlib.error):
                profile = zlib.decompressobj().decompress(payload.split(b"\0", 1)[1][1:], 1 << 24)
        elif name == b"eXIf":
            exif = payload
    if header is None:
        raise _Trouble("is cut off: the file ends before the picture begins.", _WHOLE_AGAIN)
    width, height, bits = header[:3]
    tags = read_exif(exif)
    return _Facts("png", width, height, 16 if bits == 16 else 8, tags, tags.orientation, profile)


def _png_chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
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
    raise _Trouble("is cut off: its end is missing.", _WHOLE_AGAIN)


def _decode_png(file: BinaryIO, facts: _Facts) -> Pixels:
    return _checked(imagecodecs.png_decode(_bare_png(file)), facts)


def _bare_png(file: BinaryIO) -> bytes:
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


# --- WebP


def _webp_facts(file: BinaryIO) -> _Facts:
    data = _all_of(file)
    size = 8 + int.from_bytes(data[4:8], "little")
    if len(data) < size or not any(data[size - 32 : size]):
        raise _Trouble("is cut off: its end is missing.", _WHOLE_AGAIN)
    width = height = 0
    exif = profile = None
    place = 12
    while place + 8 <= len(data):
        name, length = struct.unpack_from("<4sI", data, place)
        payload = memoryview(data)[place + 8 : place + 8 + length]
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
    tags = read_exif(exif)
    return _Facts("webp", width, height, 8, tags, tags.orientation, profile)


def _decode_webp(file: BinaryIO, facts: _Facts) -> Pixels:
    return _checked(imagecodecs.webp_decode(_all_of(file), index=0), facts)


# --- TIFF


def _tiff_facts(file: BinaryIO) -> _Facts:
    with _tiff(file) as tiff:
        page = _first_page(tiff)
        if "DNGVersion" in tiff.pages.first.tags or page.photometric in (32803, 34892):
            return _raw_facts(file)
        orientation = page.tags.valueof("Orientation", 1)
        profile = page.tags.valueof("InterColorProfile")
        bits = 8 if page.dtype is not None and page.dtype.itemsize == 1 else 16
        return _Facts(
            "tiff", page.imagewidth, page.imagelength, bits, read_exif(file),
            orientation if orientation in range(1, 9) else 1, bytes(profile) if profile else None,
            is_ink=page.photometric == 5,
        )  # fmt: skip


def _tiff(file: BinaryIO) -> tifffile.TiffFile:
    file.seek(0)
    return tifffile.TiffFile(file)


def _first_page(tiff: tifffile.TiffFile) -> tifffile.TiffPage:
    """The first page that is not a thumbnail."""
    page = tiff.pages.first
    if page.subfiletype & 1 and len(tiff.pages) > 1:
        other = tiff.pages[1]
        if isinstance(other, tifffile.TiffPage) and not other.subfiletype & 1:
            page = other
    return page


def _decode_tiff(file: BinaryIO, facts: _Facts) -> Pixels:
    with _tiff(file) as tiff:
        page = _first_page(tiff)
        _refuse_missing_data(page, tiff.filehandle.size)
        if page.photometric not in (0, 1, 2, 3, 5, 6) or page.imagedepth != 1 or page.dtype is None:
            raise _Trouble("is a TIFF of a kind that is not read (Lab, CFA or three-dimensional).")
        is_ycbcr = page.photometric == 6 and page.compression != 7  # inside JPEG it is the decoder's affair
        if is_ycbcr and (page.dtype != np.uint8 or page.tags.valueof("YCbCrSubSampling") != (1, 1)):
            raise _Trouble("is a YCbCr TIFF of a kind that is not read.")
        values = page.asarray(maxworkers=1)
        samples, photometric, bits = page.samplesperpixel, int(page.photometric), page.bitspersample
        extra, colours = tuple(page.extrasamples), page.colormap
    if values.ndim == 3 and values.shape[0] == samples and values.shape[1:] == (facts.height, facts.width):
        values = np.moveaxis(values, 0, -1)
    if values.shape[:2] != (facts.height, facts.width) or values.ndim > 3:
        raise _Trouble("is a TIFF whose size and data do not agree.", _WHOLE_AGAIN)
    values = values.reshape(facts.height, facts.width, -1)
    if photometric == 3 and colours is not None:
        return np.ascontiguousarray(np.moveaxis(colours, 0, -1)[values[..., 0]]).astype(np.uint16)
    codes = _as_codes(values, bits)
    if is_ycbcr:
        codes = np.asarray(Image.fromarray(codes, "YCbCr").convert("RGB"), np.uint8)
    if photometric == 0:
        codes = ~codes
    return _without_extra_samples(codes, {0: 1, 1: 1, 5: 4}.get(photometric, 3), extra)


def _refuse_missing_data(page: tifffile.TiffPage, size: int) -> None:
    """A strip or tile that lies beyond the file's end, or is empty, was never written."""
    if not page.dataoffsets or any(
        count <= 0 or start <= 0 or start + count > size
        for start, count in zip(page.dataoffsets, page.databytecounts, strict=True)
    ):
        raise _Trouble(_CUT_OFF, _WHOLE_AGAIN)


def _as_codes(values: NDArray[np.generic], bits: int) -> Pixels:
    """Samples of any depth as 8- or 16-bit codes, full range."""
    if values.dtype == bool:
        return values.astype(np.uint8) * np.uint8(255)
    if values.dtype in (np.uint8, np.uint16):
        kind = np.uint8 if values.dtype == np.uint8 else np.uint16
        full, highest = np.iinfo(kind).max, 2**bits - 1
        codes = values.astype(kind, copy=False)
        return codes if highest == full else (codes * (full / highest) + 0.5).astype(kind)
    if values.dtype == np.uint32:
        return (values.astype(np.uint32) >> np.uint32(16)).astype(np.uint16)
    if values.dtype.kind != "f":
        raise _Trouble("is a TIFF of signed or complex numbers, which is not read.")
    if not np.isfinite(values).all():
        raise _Trouble("is a floating-point TIFF with values that are not numbers.")
    if values.min() < -0.01 or values.max() > 1.01:
        raise _Trouble("is a floating-point TIFF with values outside 0 to 1.")
    return (values.astype(np.float32).clip(0.0, 1.0) * 65535.0 + 0.5).astype(np.uint16)


def _without_extra_samples(codes: Pixels, colours: int, extra: tuple[int, ...]) -> Pixels:
    """The colour channels, and the transparency where the file says that a sample is one."""
    kept = codes[..., :colours]
    if codes.shape[2] < colours:
        raise _Trouble("is a TIFF with too few colour channels.")
    if colours == 4 or not extra or extra[0] not in (1, 2) or codes.shape[2] <= colours:
        return np.ascontiguousarray(kept)
    alpha = codes[..., colours : colours + 1]
    if extra[0] == 2:
        return np.concatenate([kept, alpha], axis=2)
    full = int(np.iinfo(codes.dtype).max)
    flat = kept.astype(np.uint32) + (full - alpha.astype(np.uint32))  # premultiplied, so over white
    return np.asarray(np.minimum(flat, full).astype(codes.dtype))


# --- RAW


def _raw_facts(file: BinaryIO) -> _Facts:
    file.seek(0)
    try:
        with rawpy.imread(file) as raw:
            width, height = raw.sizes.iwidth, raw.sizes.iheight
            if raw.sizes.flip in (5, 6):  # a quarter turn, made when it is developed
                width, height = height, width
            stamp = raw.other.timestamp
    except rawpy.LibRawFileUnsupportedError:
        raise
    except rawpy.LibRawError as problem:
        raise _Trouble(_CUT_OFF, _WHOLE_AGAIN) from problem
    tags = read_exif(file)
    if tags.captured_at is None and isinstance(stamp, dt.datetime) and stamp.year > 1990:
        tags = Tags(tags.orientation, stamp.replace(tzinfo=None), tags.kept)
    return _Facts("raw", width, height, 16, tags, orientation=1)


def _decode_raw(file: BinaryIO, facts: _Facts) -> Pixels:
    """The development: camera white balance, 16 bits, Adobe RGB, exposure as it was shot."""
    with _whole_raw(file) as raw:
        return raw.postprocess(
            use_camera_wb=True, output_bps=16, no_auto_bright=True, output_color=rawpy.ColorSpace.Adobe,
            gamma=(563 / 256, 0),
        )  # fmt: skip


@contextmanager
def _whole_raw(file: BinaryIO) -> Iterator[rawpy.RawPy]:
    """A RAW of which no part is missing, as far as its headers and its decoder tell."""
    file.seek(0)
    if file.read(4) in _TIFF_MARKS:
        with suppress(tifffile.TiffFileError), _tiff(file) as tiff:
            for page in [tiff.pages.first, *(tiff.pages.first.pages or ())]:
                if isinstance(page, tifffile.TiffPage) and page.photometric in (32803, 34892):
                    _refuse_missing_data(page, tiff.filehandle.size)
    file.seek(0)
    try:
        with rawpy.imread(file) as raw:
            yield raw
    except rawpy.LibRawError as problem:
        raise _Trouble(_CUT_OFF, _WHOLE_AGAIN) from problem


# --- what all have in common


def _all_of(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read()


def _checked(pixels: NDArray[np.generic], facts: _Facts) -> Pixels:
    if pixels.shape[:2] != (facts.height, facts.width) or pixels.dtype not in (np.uint8, np.uint16):
        raise _Trouble("is damaged: its size and its data do not agree.", _WHOLE_AGAIN)
    return pixels.astype(np.uint8 if pixels.dtype == np.uint8 else np.uint16, copy=False)


def _as_rgb(pixels: Pixels, facts: _Facts) -> tuple[Pixels, bytes | None]:
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


_DECODERS = {
    "jpeg": _decode_jpeg, "png": _decode_png, "webp": _decode_webp, "tiff": _decode_tiff, "raw": _decode_raw,
}  # fmt: skip
