"""TIFF: what its first page says, and its samples of any depth as codes of 8 or 16 bits."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace
from itertools import chain, islice
from typing import BinaryIO

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from studiod.imaging.decoders.facts import CUT_OFF, WHOLE_AGAIN, Facts, Trouble
from studiod.imaging.exif import read_exif
from studiod.imaging.types import Pixels

TIFF_MARKS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""How a TIFF file begins, and many a camera RAW."""

MOSAICS = (32803, 34892)
"""The photometric interpretations of what a sensor saw: such a file is a camera RAW."""

_MOST_THUMBNAILS = 64
"""Pages that are looked through for the picture, so that a file of a million thumbnails holds up nobody."""

logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # it prints file names as they are


def read_facts(file: BinaryIO) -> Facts | None:
    """Size, orientation, EXIF and profile of its picture; None where it is a camera RAW."""
    with open_tiff(file) as tiff:
        if _is_raw(tiff.pages.first):
            return None
        page = _first_page(tiff)
        orientation = page.tags.valueof("Orientation", 1)
        profile = page.tags.valueof("InterColorProfile")
        tags = replace(read_exif(file), orientation=orientation if orientation in range(1, 9) else 1)
        return Facts(
            "tiff", page.imagewidth, page.imagelength, tags, bytes(profile) if profile else None,
            is_ink=page.photometric == 5,
        )  # fmt: skip


def open_tiff(file: BinaryIO) -> tifffile.TiffFile:
    """The pages of a TIFF file, read from its beginning."""
    file.seek(0)
    return tifffile.TiffFile(file)


def _is_raw(first: tifffile.TiffPage) -> bool:
    """Whether it holds what a sensor saw; the page that viewers show is then but a preview of it."""
    if "DNGVersion" in first.tags or first.photometric in MOSAICS:
        return True
    with suppress(Exception):  # a broken page beneath one that is whole does not matter
        return any(page.photometric in MOSAICS for page in _beneath(first))
    return False


def _first_page(tiff: tifffile.TiffFile) -> tifffile.TiffPage:
    """The first page that is not a thumbnail, the pages beneath one included."""
    first = tiff.pages.first
    if first.subfiletype & 1:
        others = (tiff.pages[index] for index in range(1, min(len(tiff.pages), _MOST_THUMBNAILS)))
        for page in chain(_beneath(first), others):
            if isinstance(page, tifffile.TiffPage) and not page.subfiletype & 1:
                return page
    return first


def _beneath(page: tifffile.TiffPage) -> list[tifffile.TiffPage]:
    pages = islice(page.pages or (), _MOST_THUMBNAILS)
    return [each for each in pages if isinstance(each, tifffile.TiffPage)]


def decode(file: BinaryIO, facts: Facts) -> Pixels:
    """Every pixel of its picture: grey, RGB or CMYK, with transparency where the file says so."""
    with open_tiff(file) as tiff:
        page = _first_page(tiff)
        refuse_missing_data(page, tiff.filehandle.size)
        if page.compression not in tifffile.TIFF.DECOMPRESSORS:
            raise Trouble("is a TIFF of a compression that is not read.")
        if page.photometric not in (0, 1, 2, 3, 5, 6) or page.imagedepth != 1:
            raise Trouble("is a TIFF of a kind that is not read (Lab, CFA or three-dimensional).")
        if page.dtype is None or not isinstance(page.bitspersample, int):
            raise Trouble("is a TIFF of a number of bits that is not read.")
        is_ycbcr = page.photometric == 6 and page.compression != 7  # inside JPEG it is the decoder's affair
        if is_ycbcr and (page.dtype != np.uint8 or page.tags.valueof("YCbCrSubSampling") != (1, 1)):
            raise Trouble("is a YCbCr TIFF of a kind that is not read.")
        values = page.asarray(maxworkers=1)
        samples, photometric, bits = page.samplesperpixel, int(page.photometric), page.bitspersample
        extra, colours = tuple(page.extrasamples), page.colormap
    if values.ndim == 3 and values.shape[0] == samples and values.shape[1:] == (facts.height, facts.width):
        values = np.moveaxis(values, 0, -1)
    if values.shape[:2] != (facts.height, facts.width) or values.ndim > 3:
        raise Trouble("is a TIFF whose size and data do not agree.", WHOLE_AGAIN)
    values = values.reshape(facts.height, facts.width, -1)
    if photometric == 3 and colours is not None:
        palette = np.moveaxis(colours, 0, -1)
        if palette.max() < 256:  # some programs write 8-bit colours; libtiff tells them by this, too
            palette = palette * 257
        return np.ascontiguousarray(palette[values[..., 0]]).astype(np.uint16)
    codes = _as_codes(values, bits)
    if is_ycbcr:
        codes = np.asarray(Image.fromarray(codes, "YCbCr").convert("RGB"), np.uint8)
    if photometric == 0:
        codes[..., 0] = ~codes[..., 0]
    return _without_extra_samples(codes, {0: 1, 1: 1, 5: 4}.get(photometric, 3), extra)


def refuse_missing_data(page: tifffile.TiffPage, size: int) -> None:
    """A strip or tile that lies beyond the file's end, or is empty, was never written."""
    if not page.dataoffsets or any(
        count <= 0 or start <= 0 or start + count > size
        for start, count in zip(page.dataoffsets, page.databytecounts, strict=True)
    ):
        raise Trouble(CUT_OFF, WHOLE_AGAIN)


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
        raise Trouble("is a TIFF of signed, complex or 64-bit numbers, which is not read.")
    if not np.isfinite(values).all():
        raise Trouble("is a floating-point TIFF with values that are not numbers.")
    if values.min() < -0.01 or values.max() > 1.01:
        raise Trouble("is a floating-point TIFF with values outside 0 to 1.")
    return (values.astype(np.float32).clip(0.0, 1.0) * 65535.0 + 0.5).astype(np.uint16)


def _without_extra_samples(codes: Pixels, colours: int, extra: tuple[int, ...]) -> Pixels:
    """The colour channels, and the transparency where the file says that a sample is one."""
    kept = codes[..., :colours]
    if codes.shape[2] < colours:
        raise Trouble("is a TIFF with too few colour channels.")
    if colours == 4 or not extra or extra[0] not in (1, 2) or codes.shape[2] <= colours:
        return np.ascontiguousarray(kept)
    alpha = codes[..., colours : colours + 1]
    if extra[0] == 2:
        return np.concatenate([kept, alpha], axis=2)
    full = int(np.iinfo(codes.dtype).max)
    flat = kept.astype(np.uint32) + (full - alpha.astype(np.uint32))  # premultiplied, so over white
    return np.asarray(np.minimum(flat, full).astype(codes.dtype))
