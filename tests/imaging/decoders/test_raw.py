"""Camera RAW: developed as the camera meant it, and checked without that."""

import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile

from studiod.errors import PictureError
from studiod.imaging.photo import check_photo, read_header, read_photo


def raw_file(path: Path) -> Path:
    """A RAW of half of white light, by a camera twice as sensitive to green."""
    rows, columns = np.mgrid[0:80, 0:120]
    sensitivity = np.select(
        [(rows % 2 == 0) & (columns % 2 == 0), (rows % 2 == 1) & (columns % 2 == 1)], [0.5, 0.6], 1.0
    )
    camera = np.linalg.inv([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    matrix = tuple(part for value in camera.flat for part in (round(value * 10000), 10000))
    tags = [
        (33421, "H", 2, (2, 2), True),  # CFARepeatPatternDim
        (33422, "B", 4, (0, 1, 1, 2), True),  # CFAPattern
        (50706, "B", 4, (1, 4, 0, 0), True),  # DNGVersion
        (50708, "s", 0, "Test Camera", True),  # UniqueCameraModel
        (50714, "H", 1, 512, True),  # BlackLevel
        (50717, "H", 1, 16512, True),  # WhiteLevel
        (50721, "2i", 9, matrix, True),  # ColorMatrix1
        (50728, "2I", 3, (5, 10, 10, 10, 6, 10), True),  # AsShotNeutral
    ]
    mosaic = np.round(0.5 * sensitivity * 16000 + 512).astype(np.uint16)
    tifffile.imwrite(path, mosaic, photometric=32803, extratags=tags, metadata=None)
    return path


def test_a_raw_is_developed_with_the_cameras_white_balance_to_16_bits(tmp_path: Path) -> None:
    """Half of white light, seen by a camera twice as sensitive to green, comes out as neutral 0.5, linear."""
    path = raw_file(tmp_path / "a.dng")
    photo = read_photo(path)
    assert read_header(path).kind == "raw"
    assert (photo.pixels.dtype, photo.pixels.shape) == (np.uint16, (80, 120, 3))
    assert np.abs(photo.linear()[10:-10, 10:-10] - 0.5).max() < 0.005


def test_a_monochrome_cameras_raw_is_grey_rgb(tmp_path: Path) -> None:
    """A sensor without colour filters gives a grey picture of three channels, as any other grey file does."""
    path = tmp_path / "a.dng"
    tags = [
        (50706, "B", 4, (1, 4, 0, 0), True),  # DNGVersion
        (50708, "s", 0, "Test Monochrome", True),  # UniqueCameraModel
        (50717, "H", 1, 16000, True),  # WhiteLevel
    ]
    seen = np.full((80, 120), 8000, np.uint16)
    tifffile.imwrite(path, seen, photometric="minisblack", extratags=tags, metadata=None)
    minisblack, linear_raw = (struct.pack("<HHIHH", 262, 3, 1, kind, 0) for kind in (1, 34892))
    path.write_bytes(path.read_bytes().replace(minisblack, linear_raw))
    photo = read_photo(path)
    assert read_header(path).kind == "raw"
    assert photo.pixels.shape == (80, 120, 3)
    assert np.abs(photo.linear() - 0.5).max() < 0.005


def test_a_raw_is_checked_as_strictly_as_it_is_developed(tmp_path: Path) -> None:
    """A whole RAW passes undeveloped; one that breaks off, or is too large, is refused as in development."""
    path = raw_file(tmp_path / "a.dng")
    check_photo(path)
    whole = path.read_bytes()
    for content, limit in ((whole[:-2000], 160.0), (whole, 0.001), (whole[:300], 160.0)):
        path.write_bytes(content)
        with pytest.raises(PictureError) as checked:
            check_photo(path, max_megapixels=limit)
        with pytest.raises(PictureError) as developed:
            read_photo(path, max_megapixels=limit)
        assert str(checked.value) == str(developed.value)


def test_a_raw_of_a_camera_that_nobody_knows_says_so(tmp_path: Path) -> None:
    """It is not said to be damaged, and the thumbnail that it begins with is not taken for the picture."""
    path = tmp_path / "a.nef"
    seen = np.full((80, 120), 8000, np.uint16)
    with tifffile.TiffWriter(path) as writer:
        writer.write(np.full((60, 80, 3), 200, np.uint8), photometric="rgb", subfiletype=1, subifds=1)
        writer.write(seen, photometric=32803, metadata=None)
    whole = path.read_bytes()
    plain, jpeg_xl = (struct.pack("<HHIHH", 259, 3, 1, kind, 0) for kind in (1, 52546))
    last = whole.rindex(plain)
    path.write_bytes(whole[:last] + jpeg_xl + whole[last + len(plain) :])
    dng = raw_file(tmp_path / "a.dng")
    dng.write_bytes(dng.read_bytes().replace(plain, jpeg_xl))
    for each in (path, dng):
        for read in (check_photo, read_photo):
            with pytest.raises(PictureError, match="camera RAW of a kind that is not read") as refused:
                read(each)
            assert "DNG" in refused.value.hint
