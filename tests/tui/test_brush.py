"""The brush: strokes in the photograph's pixels, painted with the mouse or the keys, asked for when saved."""

from __future__ import annotations

import time
from threading import Event
from typing import TYPE_CHECKING

import numpy as np
import pytest

from studiod.ledger import queue
from studiod.ledger.states import Status
from studiod.ledger.touchup import strokes_of
from studiod.strokes import Stroke
from tui.brush import COLOURS, SIZES, draw_strokes, painted_on, wider
from tui.brush_screen import BrushScreen
from tui.dialogs import Sure
from tui.pictures import View
from tui.queue_screen import QueueScreen
from tui.review_screen import ReviewScreen

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from tests.tui.conftest import Studio
    from tui.viewer import PictureView

WIDE = (140, 40)


async def painting(studio: Studio, pilot: Pilot[int], item: int) -> BrushScreen:
    """Open the chosen piece from the queue, and the brush over it."""
    await studio.opened(pilot, item)
    await pilot.press("b")
    return await brushed(studio, pilot)


def at_rest(picture: PictureView) -> bool:
    """Whether a picture is on the screen in all its colours."""
    return picture.is_drawn and not picture.is_moving


async def brushed(studio: Studio, pilot: Pilot[int]) -> BrushScreen:
    """Wait until the picture is drawn under the brush."""
    app = pilot.app
    await studio.until(pilot, lambda: isinstance(app.screen, BrushScreen) and app.screen.is_drawn)
    assert isinstance(app.screen, BrushScreen)
    return app.screen


def test_a_stroke_is_as_wide_as_it_says() -> None:
    """A dab of radius 2 at 400 % tints a disc 16 pixels across, and nothing else."""
    pixels = np.full((40, 40, 3), 100, np.uint8)
    draw_strokes(pixels, (0.0, 0.0, 10.0, 10.0), [Stroke(((5.0, 5.0),), 2.0, "keep")])
    painted = (pixels != 100).any(axis=2)
    assert painted.sum() == pytest.approx(np.pi * 8**2, rel=0.05)
    assert np.flatnonzero(painted.any(axis=0)).tolist() == list(range(12, 28))
    assert np.flatnonzero(painted.any(axis=1)).tolist() == list(range(12, 28))
    assert tuple(pixels[20, 20]) == tuple((100 + value) // 2 for value in COLOURS["keep"])


def test_the_later_stroke_lies_above() -> None:
    """Where two strokes meet one sees the one that was painted last."""
    pixels = np.zeros((20, 20, 3), np.uint8)
    line = ((0.0, 5.0), (10.0, 5.0))
    draw_strokes(pixels, (0.0, 0.0, 10.0, 10.0), [Stroke(line, 2.0, "solid"), Stroke(line, 1.0, "remove")])
    assert tuple(pixels[10, 10]) == tuple(value // 2 for value in COLOURS["remove"])
    assert tuple(pixels[7, 10]) == tuple(value // 2 for value in COLOURS["solid"])


def test_sizes_go_up_and_down_and_stay_within_bounds() -> None:
    """The brush grows and shrinks through its sizes, and stops at the last of them."""
    assert [wider(4, 1), wider(4, -1), wider(5, 1), wider(5, -1)] == [6, 3, 6, 4]
    assert wider(SIZES[-1], 1) == SIZES[-1]
    assert wider(SIZES[0], -1) == SIZES[0]


def test_standing_still_adds_no_points() -> None:
    """A stroke grows by a point only where the brush has moved."""
    stroke = Stroke(((3.0, 4.0),), 2.0, "keep")
    assert painted_on(stroke, 3.1, 4.1) is stroke
    assert painted_on(stroke, 4.0, 4.0).points == ((3.0, 4.0), (4.0, 4.0))


async def test_the_brush_opens_where_one_looks_at_200_percent(studio: Studio) -> None:
    """From the whole picture the brush opens at 200 %, from a place at 400 % right there, on the original."""
    item = studio.add("ONE", findings=(studio.gap,))
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await painting(studio, pilot, item)
        assert screen.canvas.view is View.ORIGINAL
        assert screen.canvas.viewport.zoom == 2.0
        await pilot.press("q")
        await studio.reviewed(pilot, item)
        await pilot.press("n", "n", "b")
        port = (await brushed(studio, pilot)).canvas.viewport
        assert (port.zoom, int(port.x), int(port.y)) == (4.0, 320, 145)


async def test_a_drag_paints_in_the_photographs_pixels(studio: Studio) -> None:
    """The left button paints a stroke through the places under the pointer, as wide as the brush."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await painting(studio, pilot, item)
        left, top, _, _ = screen.canvas.viewport.region
        await pilot.press("r", "right_square_bracket")
        await pilot.mouse_down(screen.canvas, offset=(10, 5))
        await pilot.hover(screen.canvas, offset=(20, 5))
        await pilot.mouse_up(screen.canvas, offset=(20, 5))
        (stroke,) = screen.canvas.strokes
        assert (stroke.mode, stroke.radius) == ("remove", 3.0)
        assert stroke.points[0] == pytest.approx((left + 10.5 / 2, top + 11 / 2))
        assert stroke.points[-1] == pytest.approx((left + 20.5 / 2, top + 11 / 2))


async def test_keys_paint_as_the_mouse_does(studio: Studio) -> None:
    """Space puts the brush down, arrows move it by half blocks, space lifts it: one stroke."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await painting(studio, pilot, item)
        x, y = screen.canvas.place
        await pilot.press("s", "space", "right", "down", "shift+right", "space")
        (stroke,) = screen.canvas.strokes
        assert stroke.mode == "solid"
        assert stroke.points == ((x, y), (x + 0.5, y), (x + 0.5, y + 0.5), (x + 5.5, y + 0.5))
        await studio.sees(pilot, "1 stroke")


async def test_the_window_follows_the_brush(studio: Studio) -> None:
    """A brush that comes near the window's edge takes the window along, to the photograph's edge."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await painting(studio, pilot, item)
        await pilot.press("8", *["shift+right"] * 30)
        left, _, right, _ = screen.canvas.viewport.region
        assert left < screen.canvas.place[0] < right
        await pilot.press(*["shift+right"] * 300)
        assert screen.canvas.place[0] == screen.piece.pictures.width


async def test_undo_takes_strokes_back_one_by_one(studio: Studio) -> None:
    """`u` takes the last stroke back, also the one that is being painted, and says when there is none."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await painting(studio, pilot, item)
        await pilot.press("space", "right", "space", "space", "down")
        assert (len(screen.canvas.strokes), screen.canvas.is_down) == (1, True)
        await pilot.press("u")
        assert (len(screen.canvas.strokes), screen.canvas.is_down) == (1, False)
        await pilot.press("u", "u")
        assert screen.canvas.strokes == ()
        await studio.until(pilot, lambda: "no stroke to take back" in studio.text(pilot))


async def test_the_zoom_stays_between_200_and_800_percent(studio: Studio) -> None:
    """With the brush one is never further away than 200 % and never closer than 800 %."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await painting(studio, pilot, item)
        seen = []
        for key in ("minus", "plus", "plus", "plus", "minus", "minus", "minus"):
            await pilot.press(key)
            seen.append(screen.canvas.viewport.zoom)
        assert seen == [2.0, 4.0, 8.0, 8.0, 4.0, 2.0, 2.0]


async def test_saved_strokes_ask_for_a_new_version(studio: Studio) -> None:
    """Saving asks the daemon for the next version with the whole layer, and the terminal goes on."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await painting(studio, pilot, item)
        await pilot.press("space", "right", "space", "r", "space", "down", "space")
        painted = screen.canvas.strokes
        await pilot.press("enter")
        await studio.until(pilot, lambda: isinstance(pilot.app.screen, QueueScreen))
        claimed = queue.claim(studio.ledger, "worker", 60.0)
        assert claimed is not None
        assert (claimed.item, claimed.version, claimed.strokes) == (item, 2, painted)


async def test_saved_twice_is_saved_once(studio: Studio) -> None:
    """Enter pressed twice saves the strokes, goes on and refuses nothing."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        await painting(studio, pilot, item)
        await pilot.press("space", "right", "space")
        begun, goes_on = Event(), Event()
        studio.ledger.clock = lambda: (begun.set(), goes_on.wait(), time.time())[-1]
        await pilot.press("enter")
        await studio.until(pilot, begun.is_set)
        await pilot.press("enter")
        goes_on.set()
        await studio.until(pilot, lambda: isinstance(pilot.app.screen, QueueScreen))
        await studio.sees(pilot, "ONE comes back once its matte is made again.")


async def test_a_stroke_ends_under_a_dialog(studio: Studio) -> None:
    """A stroke of the mouse over which the help opened is whole: the pointer paints no more."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await painting(studio, pilot, item)
        await pilot.mouse_down(screen.canvas, offset=(10, 5))
        await pilot.press("question_mark")
        await studio.until(pilot, lambda: pilot.app.screen is not screen)
        await studio.until(pilot, lambda: not screen.canvas.is_down)
        assert len(screen.canvas.strokes) == 1


async def test_a_piece_comes_back_with_its_strokes(studio: Studio) -> None:
    """The version made from strokes shows them over the original, and the brush goes on from them."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await painting(studio, pilot, item)
        await pilot.press("space", "right", "space")
        painted = screen.canvas.strokes
        await pilot.press("enter")
        await studio.until(pilot, lambda: isinstance(pilot.app.screen, QueueScreen))
        studio.make(item)
        assert strokes_of(studio.ledger, item) == painted
        await studio.until(pilot, lambda: pilot.app.screen.piece and pilot.app.screen.piece.item.version == 2)
        await pilot.press("enter")
        review = await studio.reviewed(pilot, item)
        assert review.pane.main.strokes_shown() == ()
        await pilot.press("p")
        assert review.pane.main.strokes_shown() == painted
        await studio.until(pilot, lambda: at_rest(review.pane.main))
        with_strokes = studio.colours(pilot)
        await pilot.press("y")
        await studio.until(pilot, lambda: studio.colours(pilot) != with_strokes)
        assert review.pane.main.strokes_shown() == ()
        await pilot.press("b")
        assert (await brushed(studio, pilot)).canvas.strokes == painted
        await pilot.press("enter")
        await studio.until(pilot, lambda: "Nothing is painted yet" in studio.text(pilot))
        await pilot.press("u", "enter")
        await studio.until(pilot, lambda: isinstance(pilot.app.screen, QueueScreen))
        claimed = queue.claim(studio.ledger, "worker", 60.0)
        assert claimed is not None and claimed.strokes == ()


async def test_saved_strokes_are_taken_back(studio: Studio) -> None:
    """`u` takes saved strokes back as long as no worker has begun with them: the piece waits as it was."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        await painting(studio, pilot, item)
        await pilot.press("space", "right", "space", "enter")
        await studio.until(pilot, lambda: isinstance(pilot.app.screen, QueueScreen))
        await pilot.press("a")
        await studio.until(pilot, lambda: "about to be made anew" in studio.text(pilot))
        await pilot.press("u")
        await studio.until(pilot, lambda: "Undone: ONE" in studio.text(pilot))
        assert queue.claim(studio.ledger, "worker", 60.0) is None
        await pilot.press("a")
        await studio.until(pilot, lambda: studio.item(item).status is Status.APPROVED)


async def test_painted_strokes_are_not_lost_without_a_question(studio: Studio) -> None:
    """Leaving with unsaved strokes asks first, and enter keeps them; without any it does not ask."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        await painting(studio, pilot, item)
        await pilot.press("space", "right", "space", "q")
        await studio.until(pilot, lambda: isinstance(pilot.app.screen, Sure))
        await pilot.press("enter")
        await studio.until(pilot, lambda: isinstance(pilot.app.screen, BrushScreen))
        await pilot.press("q")
        await studio.until(pilot, lambda: isinstance(pilot.app.screen, Sure))
        await pilot.press("n")
        await studio.until(pilot, lambda: isinstance(pilot.app.screen, BrushScreen))
        await pilot.press("u", "q")
        await studio.until(pilot, lambda: isinstance(pilot.app.screen, ReviewScreen))
        assert studio.item(item).status is Status.AWAITING_REVIEW


async def test_a_version_that_changed_takes_no_strokes(studio: Studio) -> None:
    """Strokes on a piece that a colleague decided meanwhile are refused, and stay on the screen."""
    from studiod.ledger import review

    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await painting(studio, pilot, item)
        await pilot.press("space", "right", "space")
        review.reject(studio.ledger, item, 1, studio.anna)
        await pilot.press("enter")
        await studio.until(pilot, lambda: "does not wait" in studio.text(pilot))
        assert len(screen.canvas.strokes) == 1
