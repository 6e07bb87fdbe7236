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


@pytest.mark.parametrize("deep", [True, False])
def test_a_palette_is_read_at_either_depth(tmp_path: Path, deep: bool) -> None:
    """A colour map of 8-bit values, as some programs write, gives the same colours as one of 16 bits."""
    palette = np.zeros((3, 256), np.uint16)
    palette[:, 1], palette[:, 2] = (255, 128, 0), (10, 20, 30)
    drawn = np.tile(np.uint8([[1, 2], [2, 1]]), (8, 8))
    colours = palette * 257 if deep else palette
    tifffile.imwrite(tmp_path / "a.tif", drawn, photometric="palette", colormap=colours)
    read = read_photo(tmp_path / "a.tif").pixels
    assert (read == np.moveaxis(palette * 257, 0, -1)[drawn]).all()


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


def test_no_endless_row_of_thumbnails_is_looked_through(tmp_path: Path) -> None:
    """The picture is looked for in the first pages beneath a thumbnail, then in those after it."""
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(EIGHT[:8, :8], photometric="rgb", subfiletype=1, subifds=80)
        for _ in range(79):
            file.write(EIGHT[:8, :8], photometric="rgb", subfiletype=1)
        file.write(EIGHT[:16, :16], photometric="rgb")
        file.write(EIGHT, photometric="rgb")
    assert np.array_equal(read_photo(tmp_path / "a.tif").pixels, EIGHT)


def test_thumbnails_before_the_picture_are_passed_over(tmp_path: Path) -> None:
    """The picture is the first page of full size: after two thumbnails, or beneath one."""
    small = {"photometric": "rgb", "subfiletype": 1}
    with tifffile.TiffWriter(tmp_path / "after.tif") as writer:
        writer.write(EIGHT[::4, ::4], **small)
        writer.write(EIGHT[::2, ::2], **small)
        writer.write(EIGHT, photometric="rgb")
    with tifffile.TiffWriter(tmp_path / "beneath.tif") as writer:
        writer.write(EIGHT[::4, ::4], subifds=1, **small)
        writer.write(EIGHT, photometric="rgb")
    for name in ("after.tif", "beneath.tif"):
        assert np.array_equal(read_photo(tmp_path / name).pixels, EIGHT)


def test_where_white_is_zero_transparency_is_not_turned_round(tmp_path: Path) -> None:
    """Grey whose white is 0, with transparency: what is transparent becomes white, the rest stays."""
    grey, full = EIGHT[..., 0], np.full((40, 60), 255, np.uint8)
    full[:, 30:] = 0
    options = {"photometric": "miniswhite", "planarconfig": "contig", "extrasamples": ["unassalpha"]}
    tifffile.imwrite(tmp_path / "a.tif", np.dstack([255 - grey, full]), **options)
    read = read_photo(tmp_path / "a.tif").pixels
    assert np.array_equal(read[:, :30, 0], grey[:, :30])
    assert (read[:, 30:] == 255).all()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [((259, 3, 1, 1, 0), (259, 3, 1, 32909, 0), "compression"), ((8, 8, 8), (5, 6, 5), "number of bits")],
)
def test_a_tiff_that_is_not_read_is_not_called_damaged(
    tmp_path: Path, old: tuple[int, ...], new: tuple[int, ...], said: str
) -> None:
    """Another compression, or uneven bits: to copy it again would not help, to export it anew does."""
    tifffile.imwrite(tmp_path / "a.tif", EIGHT, photometric="rgb", metadata=None)
    layout = "<HHIHH" if len(old) == 5 else "<HHH"
    content = (tmp_path / "a.tif").read_bytes()
    assert content.count(struct.pack(layout, *old)) == 1
    (tmp_path / "a.tif").write_bytes(content.replace(struct.pack(layout, *old), struct.pack(layout, *new)))
    with pytest.raises(PictureError, match=said) as refused:
        read_photo(tmp_path / "a.tif")
    assert "Export it again" in refused.value.hint
