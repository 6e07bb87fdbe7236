"""TIFF: every make, depth and colour keeps its values, or is refused in words."""

import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from studiod.errors import PictureError
from studiod.imaging.photo import read_photo

NOISE = np.random.default_rng(7)
EIGHT = NOISE.integers(0, 256, (40, 60, 3), dtype=np.uint8)
SIXTEEN = NOISE.integers(0, 65536, (40, 60, 3), dtype=np.uint16)


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "lzw", "zlib"])
@pytest.mark.parametrize(
    "layout", [{}, {"tile": (16, 16)}, {"predictor": True}, {"planarconfig": "separate"}]
)
def test_sixteen_bit_tiffs_of_every_make(
    tmp_path: Path, byteorder: str, compression: str, layout: dict
) -> None:
    """LZW and deflate, tiled, planar and with predictor, big- and little-endian TIFFs keep all their bits."""
    if compression is None and "predictor" in layout:
        pytest.skip("a predictor needs a compression")
    path = tmp_path / "a.tif"
    picture = np.moveaxis(SIXTEEN, -1, 0) if "planarconfig" in layout else SIXTEEN
    tifffile.imwrite(path, picture, photometric="rgb", compression=compression, byteorder=byteorder, **layout)
    photo = read_photo(path)
    assert photo.pixels.dtype == np.uint16
    assert np.array_equal(photo.pixels, SIXTEEN)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.full((32, 32, 3), np.nan, np.float32), "not numbers"),
        (np.full((32, 32, 3), 7.0, np.float32), "outside 0 to 1"),
        (np.ones((32, 32), np.int16), "signed"),
    ],
)
def test_odd_tiffs_are_refused_in_words(tmp_path: Path, values: np.ndarray, said: str) -> None:
    """NaN, open-ended and signed TIFFs say why they are not read."""
    tifffile.imwrite(tmp_path / "a.tif", values)
    with pytest.raises(PictureError, match=said):
        read_photo(tmp_path / "a.tif")


def test_a_floating_point_tiff_between_0_and_1_is_read(tmp_path: Path) -> None:
    """A sane floating-point TIFF becomes 16 bits."""
    tifffile.imwrite(tmp_path / "a.tif", np.full((32, 32, 3), 0.5, np.float32), photometric="rgb")
    assert read_photo(tmp_path / "a.tif").pixels[0, 0].tolist() == [32768] * 3


@pytest.mark.parametrize("inverted", [False, True])
def test_a_tiff_of_one_bit_is_black_and_white(tmp_path: Path, inverted: bool) -> None:
    """A picture that decodes whole is read, of one bit a pixel too, whichever of the two is white."""
    drawn = EIGHT[..., 0] > 127
    tifffile.imwrite(tmp_path / "a.tif", drawn, photometric="miniswhite" if inverted else "minisblack")
    expected = np.where(drawn ^ inverted, 255, 0)
    assert np.array_equal(read_photo(tmp_path / "a.tif").pixels, np.stack([expected] * 3, axis=2))


@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
def test_a_ycbcr_tiff_becomes_rgb(tmp_path: Path, compression: str | None) -> None:
    """Luma and chroma at full size are read as Pillow reads them; a chroma of fewer pixels is refused."""
    colours = Image.fromarray(EIGHT).convert("YCbCr")
    colours.save(tmp_path / "a.tif", compression=compression)
    read = read_photo(tmp_path / "a.tif").pixels
    assert np.array_equal(read, np.asarray(colours.convert("RGB")))
    content = (tmp_path / "a.tif").read_bytes()
    entry = struct.pack("<HHIHH", 530, 3, 2, 1, 1)
    assert content.count(entry) == 1
    (tmp_path / "a.tif").write_bytes(content.replace(entry, struct.pack("<HHIHH", 530, 3, 2, 2, 2)))
    with pytest.raises(PictureError, match="YCbCr TIFF"):
        read_photo(tmp_path / "a.tif")
