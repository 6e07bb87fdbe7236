"""Camera RAW: what LibRaw says of it, and its development."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import BinaryIO

import rawpy
import tifffile

from studiod.imaging.colour import ADOBE_RGB
from studiod.imaging.decoders.facts import CUT_OFF, WHOLE_AGAIN, Facts, Trouble
from studiod.imaging.decoders.tiff import MOSAICS, TIFF_MARKS, open_tiff, refuse_missing_data
from studiod.imaging.exif import read_exif
from studiod.imaging.types import Pixels

NOT_READ = "is a camera RAW of a kind that is not read, or a damaged one."
CONVERT = f"If other programs open it, export it as TIFF or convert it to DNG. If not: {WHOLE_AGAIN}"


def read_facts(file: BinaryIO) -> Facts:
    """Size as it is developed, EXIF and date; rawpy.LibRawFileUnsupportedError where it is no RAW."""
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
        raise Trouble(CUT_OFF, WHOLE_AGAIN) from problem
    tags = replace(read_exif(file), orientation=1)
    if tags.captured_at is None and isinstance(stamp, dt.datetime) and stamp.year > 1990:
        tags = replace(tags, captured_at=stamp.replace(tzinfo=None))
    return Facts("raw", width, height, tags, ADOBE_RGB)


def decode(file: BinaryIO, facts: Facts) -> Pixels:
    """The development: camera white balance, 16 bits, Adobe RGB, exposure as it was shot."""
    with open_whole(file) as raw:
        return raw.postprocess(
            use_camera_wb=True, output_bps=16, no_auto_bright=True, output_color=rawpy.ColorSpace.Adobe,
            gamma=(563 / 256, 0),
        )  # fmt: skip


@contextmanager
def open_whole(file: BinaryIO) -> Iterator[rawpy.RawPy]:
    """A RAW of which no part is missing, as far as its headers and its decoder tell."""
    file.seek(0)
    if file.read(4) in TIFF_MARKS:
        with suppress(tifffile.TiffFileError), open_tiff(file) as tiff:
            for page in [tiff.pages.first, *(tiff.pages.first.pages or ())]:
                if isinstance(page, tifffile.TiffPage) and page.photometric in MOSAICS:
                    refuse_missing_data(page, tiff.filehandle.size)
    file.seek(0)
    try:
        with rawpy.imread(file) as raw:
            yield raw
    except rawpy.LibRawFileUnsupportedError as problem:
        raise Trouble(NOT_READ, CONVERT) from problem
    except rawpy.LibRawError as problem:
        raise Trouble(CUT_OFF, WHOLE_AGAIN) from problem
