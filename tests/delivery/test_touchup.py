"""What goes to a retoucher, and what is read of the files that come back."""

from __future__ import annotations

from pathlib import Path

import cv2
import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image
from psd_tools import PSDImage
from psd_tools.api.layers import PixelLayer

from studiod.artifacts import write_version
from studiod.delivery.touchup import WORDS, Complaint, Identity, identify, read_return, write_touchup
from studiod.errors import PictureError
from studiod.imaging.photo import Photo
from studiod.imaging.retouch import Retouched
from studiod.imaging.types import Box
from studiod.matting.matte import Matte
from studiod.pipeline import process_photo
from studiod.risk.findings import Finding, Risk
from studiod.settings import Preset

WHITE = Preset.model_validate({"name": "white", "width": 200, "height": 200})
SHA256 = "0123456789ab" + "0" * 52


class Studio:
    """A version of a ring in a photograph of 400 x 300 pixels, and what was sent of it."""

    def __init__(self, root: Path, dtype: type = np.uint8) -> None:
        self.touchup, self.version = root / "touchup", root / "v1"
        self.touchup.mkdir()
        y, x = np.mgrid[:300, :400]
        self.alpha = np.clip(12 - np.abs(np.hypot(x - 230, y - 140) - 60), 0, 1).astype(np.float32)
        grain = np.random.default_rng(1).normal(0, 8, self.alpha.shape)
        codes = (70 + grain) * self.alpha + 225 * (1 - self.alpha)
        most = np.iinfo(dtype).max
        pixels = (np.repeat(codes[..., None], 3, axis=2) / 255 * most).clip(0, most).astype(dtype)
        self.photo = Photo(pixels, None, None)
        finding = Finding("chain_gap", (200, 70, 220, 90), (210, 80), 0.4, "A gap of 4 px.")
        made = process_photo(
            self.photo,
            plate=None,
            solve=lambda *_: Matte(self.alpha),
            assess=lambda *_: Risk(0.4, (finding,), "test"),
            presets=[WHITE],
        )
        write_version(self.version, self.photo, made)
        self.name, self.box = self.send()
        self.psd = self.touchup / self.name / f"{self.name}.psd"
        self.tif = self.touchup / self.name / f"{self.name}.tif"
        self.returned = root / "back.psd"

    def send(self, *, box: Box | None = (210, 75, 215, 85), note: str = "a link is lost") -> tuple[str, Box]:
        """Send the version to a retoucher."""
        complaint = Complaint(
            7, 1, SHA256, "Gold ring\x1b[31m", "in/ring 7 é.jpg", "anna", ("chain_gap",), note, box
        )
        written = write_touchup(self.touchup, self.version, self.photo, complaint)
        return written.folder, written.box

    def read(self, path: Path | None = None) -> Retouched:
        """What came back."""
        return read_return(path or self.returned, self.photo, self.version, self.box)

    def place(self, x: int, y: int) -> tuple[int, int]:
        """A point of the photograph in what was sent: row and column."""
        return y - self.box[1], x - self.box[0]


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    """A version that was sent."""
    return Studio(tmp_path)


def cutout_of(psd: PSDImage) -> PixelLayer:
    """The layer whose mask is painted in."""
    return next(layer for layer in psd.descendants() if layer.name == "cutout")  # type: ignore[return-value]


def mask_of(psd: PSDImage) -> np.ndarray:
    """The cutout's mask in 8 bits."""
    values = cutout_of(psd).numpy("mask")
    assert values is not None
    return np.rint(values[..., 0] * 255).astype(np.uint8)


def paint(psd: PSDImage, mask: np.ndarray) -> None:
    """Put another mask in the place of the cutout's."""
    layer = cutout_of(psd)
    layer.remove_mask()
    layer.create_mask(Image.fromarray(mask))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_what_a_retoucher_gets(tmp_path: Path, dtype: type) -> None:
    """A folder with a layered PSD, a TIFF with alpha and a text, of the piece's box with a margin."""
    studio = Studio(tmp_path, dtype)
    assert studio.name == "ring-7_item7_v1"
    left, top, right, bottom = studio.box
    assert (left, top, right, bottom) == (31, 0, 400, 300)  # 159 - 32 of the version - 96; as far as it goes
    part = np.s_[top:bottom, left:right]
    psd = PSDImage.open(studio.psd)
    assert [layer.name for layer in psd] == ["original", "backdrop", "cutout", "findings"]
    assert [layer.visible for layer in psd] == [True, True, True, False]
    original = psd[0].numpy("color")
    most = np.iinfo(dtype).max
    assert (np.rint(original * most) == studio.photo.pixels[part]).all()
    assert np.abs(mask_of(psd) / 255 - studio.alpha[part]).max() < 0.6 / 255
    merged = psd.numpy()
    assert abs(merged[0, 0, 0] - 0.5) < 0.01 and merged[studio.place(170, 140)].mean() < 0.45
    flat = tifffile.imread(studio.tif)
    assert flat.dtype == dtype and flat.shape == (bottom - top, right - left, 4)
    assert np.abs(flat[..., 3] / most - studio.alpha[part]).max() < 0.6 / 255
    words = (studio.touchup / studio.name / WORDS).read_text("utf-8")
    for said in ("chain gap; a link is lost", "says anna", "A gap of 4 px.", f"left {left}, top {top}"):
        assert said in words
    assert "\x1b" not in words


def test_a_retouchers_folder_is_left_alone(studio: Studio) -> None:
    """Flagged anew, the version is sent to a folder of its own: somebody may be working in the first."""
    before = studio.psd.read_bytes()
    name, _ = studio.send(box=None, note="and a halo")
    assert name == "ring-7_item7_v1-2"
    assert studio.psd.read_bytes() == before
    assert sorted(path.name for path in studio.touchup.iterdir()) == [studio.name, name]


def test_what_lies_there_whole_is_not_written_again(studio: Studio) -> None:
    """A version that was sent just so is found in its folder; one whose file is gone gets another folder."""
    before = studio.psd.stat().st_mtime_ns
    assert studio.send() == (studio.name, studio.box)
    assert studio.psd.stat().st_mtime_ns == before
    assert [path.name for path in studio.touchup.iterdir()] == [studio.name]
    studio.psd.unlink()
    again, _ = studio.send()
    assert again == "ring-7_item7_v1-2"
    assert studio.send() == (again, studio.box)
    assert sorted(path.name for path in studio.touchup.iterdir()) == [studio.name, again]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_mask_is_the_coverage(tmp_path: Path, dtype: type) -> None:
    """White in the mask is piece, black is none; elsewhere nothing changes, in depths of 8 and 16 bits."""
    studio = Studio(tmp_path, dtype)
    psd = PSDImage.open(studio.psd)
    mask = mask_of(psd)
    row, column = studio.place(100, 40)
    mask[row : row + 20, column : column + 30] = 255
    mask[:, : studio.place(200, 0)[1]][150:] = 0
    paint(psd, mask)
    psd.save(studio.returned)
    done = studio.read()
    assert (done.alpha[40:60, 100:130] == 1).all()
    assert not done.alpha[150:, :200].any()
    changed = np.abs(done.alpha - studio.alpha) > 0.5 / 65535
    changed[40:60, 100:130] = changed[150:, :200] = False
    assert not changed.any()
    assert (done.photo.pixels[40:60, 100:130] == studio.photo.pixels[40:60, 100:130]).all()


def test_an_eraser_takes_coverage_too(studio: Studio) -> None:
    """What was erased from the layer itself, instead of its mask, is gone as well."""
    psd = PSDImage.open(studio.psd)
    old, mask = cutout_of(psd), mask_of(psd)
    colour = old.numpy("color")
    assert colour is not None
    shape = np.ones((*mask.shape, 1), np.float32)
    shape[:, studio.place(230, 0)[1] :] = 0
    psd.remove(old)
    PixelLayer.fromarray(np.dstack([colour, shape]), psd, "cutout").create_mask(Image.fromarray(mask))
    psd.save(studio.returned)
    done = studio.read()
    assert not done.alpha[:, 230:].any() and done.alpha[:, :230].any()


def test_a_colour_painted_above_counts(studio: Studio) -> None:
    """Colours of a layer above the cutout come from the merged image; elsewhere the cutout's own stay."""
    psd = PSDImage.open(studio.psd)
    row, column = studio.place(165, 130)
    paint_over = np.zeros((20, 10, 3), np.uint8) + np.uint8([250, 200, 20])
    PixelLayer.fromarray(paint_over, psd, "healing", top=row, left=column)
    merged = np.rint(psd.numpy() * 255).astype(np.uint8)
    merged[row : row + 20, column : column + 10] = paint_over
    header = psd._record.header
    psd._record.image_data.set_data([merged[..., each].tobytes() for each in range(3)], header)
    with studio.returned.open("wb") as file:
        psd._record.write(file)
    done = studio.read()
    solid = studio.alpha[130:150, 165:175] == 1
    assert solid.any()
    assert np.abs(done.photo.pixels[130:150, 165:175][solid].astype(int) - [250, 200, 20]).max() <= 1
    done.photo.pixels[130:150, 165:175] = studio.photo.pixels[130:150, 165:175]
    whole = studio.alpha == 1
    assert (done.photo.pixels[whole] == studio.photo.pixels[whole]).all()


@pytest.mark.parametrize("name", ["back.tif", "back.png", "multiplied.tif"])
def test_flat_files(studio: Studio, name: str) -> None:
    """A TIFF or PNG with alpha does as well, also where a program multiplied the alpha into the colours."""
    flat = tifffile.imread(studio.tif)
    row, column = studio.place(100, 40)
    flat[row : row + 20, column : column + 30] = (10, 200, 30, 255)
    path = studio.returned.with_name(name)
    if name == "back.png":
        path.write_bytes(imagecodecs.png_encode(flat))
    else:
        kind = "assocalpha" if name == "multiplied.tif" else "unassalpha"
        if kind == "assocalpha":
            flat[..., :3] = np.rint(flat[..., :3] * (flat[..., 3:] / 255))
        tifffile.imwrite(path, flat, photometric="rgb", extrasamples=[kind])
    done = studio.read(path)
    assert (done.alpha[40:60, 100:130] == 1).all() and done.final[40:60, 100:130].all()
    assert (done.photo.pixels[40:60, 100:130] == (10, 200, 30)).all()
    done.alpha[40:60, 100:130] = 0
    assert np.abs(done.alpha - studio.alpha).max() < 1 / 65535


def test_a_second_round_keeps_the_first(studio: Studio, tmp_path: Path) -> None:
    """What was painted in one touch-up is still there after another that left it alone."""
    flat = tifffile.imread(studio.tif)
    row, column = studio.place(100, 40)
    flat[row : row + 20, column : column + 30] = (10, 200, 30, 255)
    tifffile.imwrite(studio.returned, flat, photometric="rgb", extrasamples=["unassalpha"])
    first = studio.read()
    made = process_photo(
        studio.photo,
        plate=None,
        solve=lambda *_: Matte(first.alpha),
        assess=lambda *_: Risk(0.1, (), "test"),
        presets=[WHITE],
        retouched=first,
    )
    studio.version = tmp_path / "v2"
    write_version(studio.version, studio.photo, made)
    _, studio.box = studio.send()
    flat = tifffile.imread(studio.touchup / "ring-7_item7_v1-2" / studio.tif.name)
    row, column = studio.place(300, 250)
    flat[row : row + 5, column : column + 5, 3] = 255
    tifffile.imwrite(studio.returned, flat, photometric="rgb", extrasamples=["unassalpha"])
    second = studio.read()
    assert (second.alpha[250:255, 300:305] == 1).all()
    assert (second.photo.pixels[40:60, 100:130] == (10, 200, 30)).all()


def hidden_findings(psd: PSDImage) -> None:
    """Show the layer that only says where."""
    next(layer for layer in psd if layer.name == "findings").visible = True


def no_mask(psd: PSDImage) -> None:
    """Apply the mask, as a retoucher may."""
    cutout_of(psd).remove_mask()


def other_name(psd: PSDImage) -> None:
    """Rename the layer."""
    cutout_of(psd).name = "Layer 1"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (hidden_findings, "findings is visible"),
        (no_mask, "no mask any more"),
        (other_name, "no layer named cutout"),
    ],
)
def test_a_psd_that_cannot_be_taken(studio: Studio, change: object, sentence: str) -> None:
    """A PSD without its mask or its layer's name, or with the marks showing, is refused, with a hint."""
    psd = PSDImage.open(studio.psd)
    change(psd)  # type: ignore[operator]
    psd.save(studio.returned)
    with pytest.raises(PictureError, match=sentence) as refused:
        studio.read()
    assert "save it" in refused.value.hint


def test_damaged_files(studio: Studio) -> None:
    """A file that breaks off, wherever it does, or holds something else, is refused and never half taken."""
    for source in (studio.psd, studio.tif):
        content = source.read_bytes()
        for part in (0, 5, 40, 3000, len(content) // 2, len(content) - 2000):
            studio.returned.write_bytes(content[:part])
            with pytest.raises(PictureError):
                studio.read()
    drawn, jpeg = cv2.imencode(".jpg", np.zeros((9, 9, 3), np.uint8))
    assert drawn
    studio.returned.write_bytes(jpeg.tobytes())
    with pytest.raises(PictureError, match="neither PSD nor TIFF nor PNG"):
        studio.read()


@pytest.mark.parametrize("name", ["back.png", "back.tif"])
def test_without_alpha(studio: Studio, name: str) -> None:
    """A flat file without alpha does not say what is piece: it is refused."""
    path = studio.returned.with_name(name)
    Image.fromarray(tifffile.imread(studio.tif)[..., :3]).save(path)
    with pytest.raises(PictureError, match="no alpha"):
        studio.read(path)


def test_whose_file_it_is(studio: Studio) -> None:
    """The token in a file tells, under any name; without one its name does; where they differ, neither."""
    mine = Identity(7, 1, SHA256[:12])
    assert identify(studio.psd) == identify(studio.tif) == mine
    for source in (studio.psd, studio.tif):
        renamed = studio.returned.with_name("final FINAL 2")
        renamed.write_bytes(source.read_bytes())
        assert identify(renamed) == mine
    named = studio.returned.with_name("ring_item12_v3 copy.png")
    named.write_bytes(b"")
    assert identify(named) == Identity(12, 3)
    named.write_bytes(studio.psd.read_bytes())
    with pytest.raises(PictureError, match="name says item 12, version 3; it was made from item 7"):
        identify(named)
    studio.returned.write_bytes(b"anything")
    with pytest.raises(PictureError, match="which piece it is"):
        identify(studio.returned)
