"""Windows on a version's pictures: geometry, backgrounds, and cells of the terminal."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from textual import events
from textual.app import App, ComposeResult
from textual.message import Message

from studiod.errors import PictureError
from studiod.ledger.records import Look
from tui.halfblock import UPPER_HALF, picture_strips
from tui.looks import LookLog
from tui.pictures import SURROUND, View, open_pictures
from tui.viewer import PictureView
from tui.viewport import Viewport


def draw(folder: Path, *, tiles: bool = True) -> None:
    """A 40 x 20 photograph whose pixel (x, y) is (x * 6, y * 12, 90); its left half is the piece."""
    rows, columns = np.indices((20, 40))
    photo = np.stack([columns * 6, rows * 12, np.full_like(rows, 90)], axis=-1).astype(np.uint8)
    alpha = np.where(columns < 20, 255, 0).astype(np.uint8)
    cutout = np.dstack([photo * (alpha[..., None] > 0), alpha])
    layers = {}
    for name, pixels, place in (
        ("original", photo, (1.0, 0.0, 0.0)),
        ("cutout", cutout, (1.0, 0.0, 0.0)),
        ("composite", np.full((20, 20, 3), 255, np.uint8), (0.5, 5.0, 5.0)),
    ):
        height, width = pixels.shape[:2]
        picture = Image.fromarray(pixels)
        picture.resize((width // 2, height // 2), Image.Resampling.BOX).save(folder / f"preview-{name}.png")
        files = []
        for top in range(0, height, 16):
            for left in range(0, width, 16):
                file = f"{name}-{left // 16}-{top // 16}.png"
                picture.crop((left, top, min(left + 16, width), min(top + 16, height))).save(folder / file)
                files.append(file)
        layers[name] = {
            "width": width, "height": height, "scale": place[0], "left": place[1], "top": place[2],
            "preview": {"file": f"preview-{name}.png", "width": width // 2, "height": height // 2},
        }  # fmt: skip
        if tiles:
            columns_of_tiles = -(-width // 16)
            layers[name]["tiles"] = {
                "size": 16, "box": [0, 0, width, height], "columns": columns_of_tiles,
                "rows": len(files) // columns_of_tiles, "files": files,
            }  # fmt: skip
    (folder / "view.json").write_text(json.dumps({"width": 40, "height": 20, "layers": layers}))


def test_at_100_percent_a_cell_pixel_is_a_source_pixel(tmp_path: Path) -> None:
    """A window at 100 % shows the native pixels themselves, across the tiles' seams."""
    draw(tmp_path)
    shown = open_pictures(tmp_path).window(View.ORIGINAL, (10, 4, 34, 20), 24, 16)
    rows, columns = np.indices((16, 24))
    assert (shown[..., 0] == (columns + 10) * 6).all()
    assert (shown[..., 1] == (rows + 4) * 12).all()


def test_at_400_percent_a_source_pixel_is_sixteen(tmp_path: Path) -> None:
    """Enlarging repeats pixels and invents none."""
    draw(tmp_path)
    shown = open_pictures(tmp_path).window(View.ORIGINAL, (12, 12, 20, 18), 32, 24)
    assert (shown[..., 0] == (np.arange(32) // 4 + 12) * 6).all()


def test_what_lies_outside_the_picture_is_the_surround(tmp_path: Path) -> None:
    """A window that reaches over the picture's edge shows the neutral surround there."""
    draw(tmp_path)
    shown = open_pictures(tmp_path).window(View.ORIGINAL, (-10, 0, 10, 20), 20, 20)
    assert (shown[:, :10] == SURROUND).all()
    assert (shown[:, 10] != SURROUND).any()


@pytest.mark.parametrize(
    ("view", "behind"),
    [
        (View.WHITE, (255, 255, 255)),
        (View.BLACK, (0, 0, 0)),
        (View.GREY, (119, 119, 119)),
        (View.RED, (200, 20, 30)),
        (View.MATTE, (0, 0, 0)),
    ],
)
def test_a_cutout_lies_on_its_background(tmp_path: Path, view: View, behind: tuple[int, ...]) -> None:
    """Where alpha is 0 a cutout view shows its background; where it is 1, the piece or white."""
    draw(tmp_path)
    shown = open_pictures(tmp_path).window(view, (0, 0, 40, 20), 40, 20)
    assert (shown[:, 20:] == behind).all()
    assert tuple(shown[5, 10]) == ((255, 255, 255) if view is View.MATTE else (60, 60, 90))


def test_the_composite_is_shown_where_the_photograph_lies_in_it(tmp_path: Path) -> None:
    """A place of the photograph is found in the composite by the scale and offset in view.json."""
    draw(tmp_path)
    pictures = open_pictures(tmp_path)
    assert pictures.bounds(View.COMPOSITE) == (-10.0, -10.0, 30.0, 30.0)


def test_without_a_description_the_previews_serve(tmp_path: Path) -> None:
    """A version without view.json is shown from its previews, and says that they are all there is."""
    Image.new("RGB", (30, 20), "red").save(tmp_path / "preview-original.jpg")
    pictures = open_pictures(tmp_path)
    assert (pictures.width, pictures.height) == (30, 20)
    assert not pictures.has_native(View.ORIGINAL)
    with pytest.raises(PictureError, match="no composite"):
        pictures.window(View.COMPOSITE, (0, 0, 1, 1), 2, 2)


@pytest.mark.parametrize("text", ["", "[]", '{"width": 3}', '{"width": 1, "height": 1, "layers": {"a": 1}}'])
def test_a_broken_description_is_one_sentence(tmp_path: Path, text: str) -> None:
    """A view.json that cannot be read is a PictureError, whatever is wrong with it."""
    (tmp_path / "view.json").write_text(text)
    with pytest.raises(PictureError):
        open_pictures(tmp_path)


def test_a_broken_preview_is_one_sentence(tmp_path: Path) -> None:
    """A preview that does not decode is a PictureError, not a crash of the screen."""
    draw(tmp_path)
    (tmp_path / "preview-original.png").write_bytes(b"\x89PNG nothing")
    with pytest.raises(PictureError, match="cannot be read"):
        open_pictures(tmp_path).window(View.ORIGINAL, (0, 0, 40, 20), 10, 10)


def test_two_pixels_are_one_cell_and_equal_neighbours_one_run() -> None:
    """A cell's upper pixel is its foreground, the lower its background, and equal cells are merged."""
    pixels = np.zeros((2, 5, 3), np.uint8)
    pixels[0, 3:] = 255
    (strip,) = picture_strips(pixels)
    runs = [(segment.text, segment.style) for segment in strip]
    assert [text for text, _ in runs] == ["   ", UPPER_HALF * 2]
    assert runs[1][1].color.triplet == (255, 255, 255)
    assert runs[1][1].bgcolor.triplet == (0, 0, 0)


@given(st.integers(1, 40), st.integers(1, 12), st.integers(0, 2**32 - 1), st.booleans())
def test_a_picture_fills_its_cells_exactly(width: int, rows: int, seed: int, coarse: bool) -> None:
    """Whatever the picture, every strip is as wide as it; colours are exact, coarse ones nearly so."""
    pixels = np.random.default_rng(seed).integers(0, 256, (rows * 2, width, 3), np.uint8)
    strips = picture_strips(pixels, coarse=coarse)
    assert len(strips) == rows
    for row, strip in enumerate(strips):
        column = 0
        for segment in strip:
            lower = np.array(segment.style.bgcolor.triplet)
            upper = lower if segment.text[0] == " " else np.array(segment.style.color.triplet)
            for pixel, colour in ((pixels[row * 2, column], upper), (pixels[row * 2 + 1, column], lower)):
                assert (np.abs(pixel.astype(int) - colour) < (8 if coarse else 1)).all()
            column += len(segment.text)
        assert column == width


@given(st.floats(0, 159), st.floats(0, 91), st.sampled_from([1.0, 2.0, 4.0, 8.0]))
def test_zooming_keeps_what_is_under_the_pointer(across: float, down: float, zoom: float) -> None:
    """What lies under the pointer stays under it, whatever the zoom."""
    port = Viewport(160, 92).look_at(500.0, 300.0, 2.0)
    before, after = port.place(across, down), port.zoomed(zoom, (across, down)).place(across, down)
    assert after == pytest.approx(before)


def test_looks_are_windows_that_stayed() -> None:
    """A window counts from when it is shown until another takes its place; a glance does not count."""
    now = [0.0]
    log = LookLog(clock=lambda: now[0])
    log.see("main", View.COMPOSITE, (0.0, 0.0, 80.0, 46.0), 2.0)
    now[0] = 0.4
    log.see("main", View.MATTE, (0.0, 0.0, 80.0, 46.0), 2.0)
    now[0] = 0.45
    first = Look("composite", (0.0, 0.0, 80.0, 46.0), 2.0, 0.4)
    assert log.looks() == (first,)
    assert log.take() == (first,)
    now[0] = 1.45
    assert log.take() == (Look("matte", (0.0, 0.0, 80.0, 46.0), 2.0, 1.0),)
    assert (log.take(), len(log.looks())) == ((), 2)


class Unheard(PictureView):
    """A picture that is never told its size, as happens to one that is mounted late (Textual 8.2)."""

    def check_message_enabled(self, message: Message) -> bool:
        """Whether a message reaches it."""
        return not isinstance(message, events.Resize) and super().check_message_enabled(message)


async def test_a_picture_fits_the_room_that_it_is_drawn_in(tmp_path: Path) -> None:
    """A whole view is whole in the widget's own size, whether or not anybody said that it changed."""
    draw(tmp_path)
    picture = Unheard()

    class One(App[None]):
        def compose(self) -> ComposeResult:
            yield picture

    async with One().run_test(size=(40, 30)) as pilot:
        picture.show(open_pictures(tmp_path))
        await pilot.pause()
        assert picture.is_drawn
        assert picture.viewport == Viewport(40, 60, x=10.0, y=10.0, zoom=1.0, fitted=True)
        await pilot.resize_terminal(20, 30)
        await pilot.pause()
        assert picture.viewport == Viewport(20, 60, x=10.0, y=10.0, zoom=0.5, fitted=True)
