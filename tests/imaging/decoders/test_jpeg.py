"""JPEG of unusual sampling: read as everybody reads it, and refused where a part is missing."""

import io
import re
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from studiod.errors import PictureError
from studiod.imaging.photo import read_photo

NOISE = np.random.default_rng(7).integers(0, 256, (40, 60, 3), dtype=np.uint8)
SMOOTH = cv2.resize(NOISE, (160, 120), interpolation=cv2.INTER_CUBIC)


def unusual_jpeg(across: int, down: int, **options: object) -> bytes:
    """A JPEG whose chroma has so many times fewer pixels; made of three grey ones, a scan each."""

    def segment(marker: int, payload: bytes) -> bytes:
        return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload

    luma, *chroma = Image.fromarray(SMOOTH).convert("YCbCr").split()
    width, height = luma.size
    parts = [b"\xff\xd8"]
    for number, plane in enumerate(
        (
            luma,
            *(
                each.resize((-(-width // across), -(-height // down)), Image.Resampling.BOX)
                for each in chroma
            ),
        )
    ):
        stream = io.BytesIO()
        plane.save(stream, "JPEG", quality=90, **options)
        grey, place, tables = stream.getvalue(), 2, {0xC4: b"", 0xDB: b"", 0xDD: b""}
        while grey[place + 1] != 0xDA:
            end = place + 2 + int.from_bytes(grey[place + 2 : place + 4], "big")
            if grey[place + 1] in tables:
                tables[grey[place + 1]] += grey[place:end]
            place = end
        if number == 0:
            frame = struct.pack(">BHHB", 8, height, width, 3)
            frame += bytes((1, across << 4 | down, 0, 2, 0x11, 0, 3, 0x11, 0))
            parts += [tables[0xDB], tables[0xDD], segment(0xC0, frame)]
        scan = grey[place + 2 + int.from_bytes(grey[place + 2 : place + 4], "big") : -2]
        parts += [tables[0xC4], segment(0xDA, bytes((1, number + 1, 0, 0, 63, 0))), scan]
    return b"".join((*parts, b"\xff\xd9"))


@pytest.mark.parametrize("options", [{}, {"restart_marker_blocks": 5}])
@pytest.mark.parametrize(("across", "down"), [(3, 1), (1, 3), (4, 2)])
def test_a_jpeg_of_unusual_sampling_is_read_as_pillow_reads_it(
    tmp_path: Path, across: int, down: int, options: dict
) -> None:
    """A picture that decodes whole is read, whatever its chroma's size, with bytes after it too."""
    path = tmp_path / "a.jpg"
    for tail in (b"", b"garbage" * 100):
        path.write_bytes(unusual_jpeg(across, down, **options) + tail)
        with Image.open(path) as picture:
            expected = np.asarray(picture)
        assert np.array_equal(read_photo(path).pixels, expected)


@pytest.mark.parametrize("options", [{}, {"restart_marker_blocks": 5}])
@given(share=st.floats(0.01, 0.99), ended=st.booleans())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_jpeg_of_unusual_sampling_that_is_cut_off_is_refused(
    tmp_path: Path, options: dict, share: float, ended: bool
) -> None:
    """Cut anywhere in a scan, it is an error with an end mark and without."""
    whole = unusual_jpeg(3, 1, **options)
    scans = [match.end() + 8 for match in re.finditer(rb"\xff\xda", whole)]
    for start, end in ((scans[0], whole.find(b"\xff\xc4", scans[0])), (scans[-1], len(whole) - 2)):
        cut = start + int((end - start) * share)
        (tmp_path / "a.jpg").write_bytes(whole[:cut] + (b"\xff\xd9" if ended else b""))
        with pytest.raises(PictureError, match="part of the picture is missing"):
            read_photo(tmp_path / "a.jpg")
