"""The files of a version: whole, hashed as written, and described for the terminal."""

import hashlib
import json
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from studiod.artifacts import write_version
from studiod.imaging.photo import Photo
from studiod.matting.matte import Matte
from studiod.pipeline import Processed, process_photo
from studiod.risk.findings import Finding, Risk
from studiod.settings import Preset

PRESETS = [
    Preset.model_validate({"name": "white", "width": 200, "height": 200}),
    Preset.model_validate({"name": "print", "format": "tiff16"}),
]


def made(empty: bool = False) -> tuple[Photo, Processed]:
    y, x = np.mgrid[:600, :900]
    alpha = np.clip(9 - np.abs(np.hypot(x - 450, y - 300) - 200), 0, 1).astype(np.float32) * (not empty)
    codes = np.round(60 * alpha + 225 * (1 - alpha)).astype(np.uint8)
    photo = Photo(np.repeat(codes[..., None], 3, axis=2), None, None)
    finding = Finding("chain_gap", (240, 290, 260, 310), (250, 300), 0.4, "A gap.")
    risk = Risk(0.4, (finding,), "test")
    return photo, process_photo(
        photo, plate=None, solve=lambda *_: Matte(alpha), assess=lambda *_: risk, presets=PRESETS
    )


@pytest.mark.parametrize("empty", [False, True])
def test_every_file_is_written_and_hashed_as_it_is(tmp_path: Path, empty: bool) -> None:
    """The hashes are those of the files; an empty picture has all its files too."""
    photo, processed = made(empty)
    folder = tmp_path / "v1"
    written = write_version(folder, photo, processed)
    assert set(written.composites) == {"white", "print"}
    for name, sha256 in (written.cutout, written.matte, *written.composites.values()):
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == sha256
    assert json.loads((folder / "risk.json").read_text())["score"] == 0.4
    assert [path.name for path in tmp_path.iterdir()] == ["v1"]


def test_the_matte_is_the_coverage_in_sixteen_bits(tmp_path: Path) -> None:
    """The matte is grey, 16 bits, of the photograph's size, and equal to the cutout's alpha."""
    photo, processed = made()
    write_version(tmp_path / "v1", photo, processed)
    matte = imagecodecs.png_decode((tmp_path / "v1/matte.png").read_bytes())
    cutout = imagecodecs.png_decode((tmp_path / "v1/cutout.png").read_bytes())
    assert matte.shape == (600, 900)
    assert matte.dtype == np.uint16
    assert np.array_equal(matte, cutout[..., 3])
    np.testing.assert_allclose(matte / 65535, processed.alpha, atol=1e-4)


def test_the_view_names_files_that_are_pictures(tmp_path: Path) -> None:
    """Every preview, tile and evidence crop that view.json names exists and opens."""
    photo, processed = made()
    folder = tmp_path / "v1"
    write_version(folder, photo, processed)
    view = json.loads((folder / "view.json").read_text())
    assert set(view["layers"]) == {"original", "cutout", "composite"}
    for layer in view["layers"].values():
        for name in (layer["preview"]["file"], *layer["tiles"]["files"], "evidence-1.png"):
            with Image.open(folder / name) as picture:
                picture.load()


def test_an_earlier_try_is_replaced_whole(tmp_path: Path) -> None:
    """What a try that was cut short left behind is gone."""
    folder = tmp_path / "v1"
    folder.mkdir()
    (folder / "half-written.png").write_bytes(b"half")
    (tmp_path / ".v1.new").mkdir()
    photo, processed = made()
    write_version(folder, photo, processed)
    assert not (folder / "half-written.png").exists()
    assert not (tmp_path / ".v1.new").exists()
