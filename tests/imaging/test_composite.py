"""Composites: white stays white, mixing is in linear light, pieces stand where the preset says."""

import io
import tracemalloc
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from studiod.imaging.colour import SRGB
from studiod.imaging.composite import Composite, composite, encode
from studiod.settings import Preset, find_config, load_preset

SHIPPED = sorted(path.stem for path in (find_config() / "presets").glob("*.toml"))


def preset_of(**values: object) -> Preset:
    return Preset.model_validate({"name": "test", **values})


def block(alpha: float = 1.0, width: int = 60, height: int = 40) -> tuple[np.ndarray, np.ndarray]:
    cover = np.zeros((height + 20, width + 20), np.float32)
    cover[10:-10, 10:-10] = alpha
    return np.full((*cover.shape, 3), 0.0, np.float32), cover


def laid(preset: Preset, alpha: float = 1.0, colour: float = 0.0, **size: int) -> Composite:
    foreground, cover = block(alpha, **size)
    foreground[:] = colour
    box = (100, 200, 100 + cover.shape[1], 200 + cover.shape[0])
    return composite(foreground, cover, preset, box, (1000, 800), None)


def extent(made: Composite) -> tuple[int, int, int, int]:
    dark = (made.pixels < 128).all(axis=2)
    columns, rows = np.flatnonzero(dark.any(axis=0)), np.flatnonzero(dark.any(axis=1))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_preset_makes_a_picture(name: str, tmp_path: Path) -> None:
    """Each preset gives a canvas of its size whose corners have exactly its background."""
    preset = load_preset(name, tmp_path)
    made = laid(preset)
    full = 257 if made.pixels.dtype == np.uint16 else 1
    assert made.pixels[0, 0].tolist() == [value * full for value in preset.rgb]
    if preset.width:
        assert made.pixels.shape == (preset.height, preset.width, 3)
    assert b"".join(encode(made))


@pytest.mark.parametrize("width", [60, 700])
def test_white_is_exactly_white_all_around_the_piece(width: int) -> None:
    """Enlarging and shrinking leave no grey: two pixels beyond the piece everything is 255."""
    made = laid(preset_of(width=200, height=200), width=width, height=40)
    near = cv2.dilate((made.pixels.min(axis=2) < 250).astype(np.uint8), np.ones((7, 7)))
    assert (made.pixels[near == 0] == 255).all()


def test_half_covered_black_on_white_is_mixed_in_linear_light() -> None:
    """Half black over white is code 188, half of the light, not 128."""
    made = laid(preset_of(width=0, height=0), alpha=0.5)
    assert made.pixels[made.pixels.shape[0] // 2, made.pixels.shape[1] // 2].tolist() == [188] * 3


def test_the_piece_fills_the_canvas_as_told_and_stands_in_the_middle() -> None:
    """Fill 0.5 of 200 is 100 across, 50 px free at either side."""
    left, top, right, bottom = extent(laid(preset_of(width=200, height=200, fill=0.5)))
    assert abs(left - 50) <= 1
    assert abs(right - 150) <= 1
    assert abs((top + bottom) / 2 - 100) <= 1


def test_pieces_of_a_grid_stand_on_one_line() -> None:
    """With placement bottom, a high and a flat piece end at the same row."""
    preset = preset_of(width=200, height=200, fill=0.8, placement="bottom", padding=30)
    floors = {extent(laid(preset, width=60, height=height))[3] for height in (20, 40, 60)}
    assert max(floors) - min(floors) <= 1
    assert abs(max(floors) - 170) <= 1


def test_padding_is_kept_free() -> None:
    """The piece leaves the padding free even where fill asks for more."""
    left, _, right, _ = extent(laid(preset_of(width=200, height=200, fill=1.0, padding=40)))
    assert (left, right) == (40, 160)


def test_native_size_is_not_resized() -> None:
    """Canvas 0 gives the piece pixel for pixel, plus padding."""
    made = laid(preset_of(width=0, height=0, padding=7))
    assert made.pixels.shape == (54, 74, 3)
    assert made.placement.scale == 1.0
    assert extent(made) == (7, 7, 67, 47)


def test_the_placement_says_where_the_photograph_lies() -> None:
    """The piece's corner in the photograph (110, 210) maps to its corner in the composite."""
    made = laid(preset_of(width=200, height=200, fill=0.5))
    left, top, _, _ = extent(made)
    place = made.placement
    assert abs(110 * place.scale + place.left - left) <= 1
    assert abs(210 * place.scale + place.top - top) <= 1


def test_nothing_gives_an_empty_background() -> None:
    """No piece is a valid picture of the background alone."""
    for preset in (preset_of(width=100, height=80), preset_of(width=0, height=0)):
        made = composite(
            np.zeros((1, 1, 3), np.float32),
            np.zeros((1, 1), np.float32),
            preset,
            (0, 0, 1, 1),
            (90, 70),
            None,
        )
        assert (made.pixels == 255).all()


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "tiff8", "tiff16"])
def test_every_format_carries_profile_and_copyright(kind: str) -> None:
    """SRGB is embedded and the copyright goes on, in every format; TIFF keeps its 16 bits."""
    exif = Image.Exif()
    exif[0x8298] = "© Müller".encode()
    foreground, cover = block()
    made = composite(
        foreground,
        cover,
        preset_of(width=64, height=64, format=kind),
        (0, 0, 80, 60),
        (80, 60),
        exif.tobytes(),
    )
    file = io.BytesIO(b"".join(encode(made)))
    if kind.startswith("tiff"):
        with tifffile.TiffFile(file) as tiff:
            page = tiff.pages.first
            assert page.asarray().dtype == (np.uint16 if kind == "tiff16" else np.uint8)
            assert page.tags["InterColorProfile"].value == SRGB
            assert page.tags["Copyright"].value == "© Müller"
    else:
        picture = Image.open(file)
        assert picture.info["icc_profile"] == SRGB
        assert picture.getexif()[0x8298].encode("latin-1").decode() == "© Müller"
        assert picture.size == (64, 64)


def test_a_speck_in_a_large_photograph_takes_no_more_memory_than_the_canvas() -> None:
    """Of a faint matte with one solid pixel only what the canvas shows is enlarged, 64 times at most."""
    alpha = np.full((1500, 2000), 0.001, np.float32)
    alpha[700, 900] = 1.0
    foreground = np.zeros((1500, 2000, 3), np.float32)
    preset = preset_of(width=600, height=400)
    tracemalloc.start()
    made = composite(foreground, alpha, preset, (0, 0, 2000, 1500), (2000, 1500), None)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6
    assert made.placement.scale == 64
    dark = np.argwhere(made.pixels.max(axis=2) < 128)
    assert np.abs(dark.mean(axis=0) - (199.5, 299.5)).max() < 2
    assert 40 < np.ptp(dark, axis=0).min() < 90


def test_what_lies_beyond_the_canvas_changes_nothing_on_it() -> None:
    """A faint matte that reaches beyond the canvas is cut off there; the piece lies where it lay."""
    foreground, alpha = block()
    wide = np.pad(alpha, 400, constant_values=0.0)
    preset = preset_of(width=600, height=400)
    near = composite(
        foreground, alpha, preset, (400, 400, 400 + alpha.shape[1], 400 + alpha.shape[0]), (900, 900), None
    )
    far = composite(
        np.pad(foreground, ((400, 400), (400, 400), (0, 0))),
        wide,
        preset,
        (0, 0, *wide.shape[::-1]),
        (900, 900),
        None,
    )
    difference = np.abs(near.pixels.astype(int) - far.pixels)
    assert (difference > 8).mean() < 0.01
    assert near.placement.scale == far.placement.scale
