"""The review of one piece, driven by its keys on a real ledger and real pictures."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING

import pytest
from textual import events

from studiod.ledger import review
from studiod.ledger.looks import is_seen, looks_of
from studiod.ledger.prices import set_thresholds
from studiod.ledger.reading import decisions
from studiod.ledger.records import Person, Place
from studiod.ledger.states import Status
from studiod.strokes import Stroke
from tui.brush_screen import BrushScreen
from tui.dialogs import FlagDialog, Help, Sure
from tui.pictures import View
from tui.queue_screen import QueueScreen
from tui.review_screen import ReviewScreen

if TYPE_CHECKING:
    from tests.tui.conftest import Studio
    from tui.viewer import PictureView

WIDE = (140, 40)
NARROW = (80, 24)


async def test_a_piece_opens_as_the_whole_composite(studio: Studio) -> None:
    """A piece opens in the composite view with all of it in the window."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await studio.opened(pilot, item)
        left, top, right, bottom = screen.pane.main.viewport.region
        bounds = screen.pane.main.pictures.bounds(View.COMPOSITE)
        assert screen.pane.main.view is View.COMPOSITE
        assert left <= bounds[0] and top <= bounds[1] and right >= bounds[2] and bottom >= bounds[3]


@pytest.mark.parametrize(("key", "zoom"), [("1", 1.0), ("2", 2.0), ("4", 4.0), ("8", 8.0)])
async def test_digits_are_zooms(studio: Studio, key: str, zoom: float) -> None:
    """1, 2, 4 and 8 are 100, 200, 400 and 800 %; 0 shows the whole picture again."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await studio.opened(pilot, item)
        whole = screen.pane.main.viewport
        await pilot.press(key)
        assert screen.pane.main.viewport.zoom == zoom
        await studio.sees(pilot, f"{zoom * 100:.0f} %")
        await pilot.press("0")
        assert screen.pane.main.viewport == whole


async def test_plus_and_minus_step_through_the_zooms(studio: Studio) -> None:
    """+ goes up the fixed zooms, - down again to the whole picture."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await studio.opened(pilot, item)
        seen = []
        for key in ("plus", "plus", "plus", "minus", "minus", "minus"):
            await pilot.press(key)
            seen.append(screen.pane.main.viewport.zoom)
        assert seen[:5] == [1.0, 2.0, 4.0, 2.0, 1.0]
        assert screen.pane.main.viewport.fitted


async def test_arrows_pan_and_the_middle_stays_on_the_picture(studio: Studio) -> None:
    """Arrows move the window by cell pixels; its middle never leaves the picture."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await studio.opened(pilot, item)
        await pilot.press("2")
        before = screen.pane.main.viewport
        await pilot.press("right", "down")
        assert screen.pane.main.viewport.x == before.x + 4
        assert screen.pane.main.viewport.y == before.y + 4
        await pilot.press(*["shift+left"] * 60)
        assert screen.pane.main.viewport.x == screen.pane.main.pictures.bounds(View.COMPOSITE)[0]


async def test_place_and_zoom_stay_when_the_view_changes(studio: Studio) -> None:
    """Every view shows the same place at the same zoom."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await studio.opened(pilot, item)
        await pilot.press("4", "right", "up")
        place = screen.pane.main.viewport
        shown = []
        for key in ("v",) * 8 + ("p", "x", "x", "m", "c", "V"):
            await pilot.press(key)
            assert screen.pane.main.viewport == place
            shown.append(screen.pane.main.view)
        assert set(shown[:8]) == set(View) - {View.MATTE_BEFORE}
        assert shown[8:] == [View.ORIGINAL, View.RED, View.CHECKER, View.MATTE, View.COMPOSITE, View.MATTE]


async def test_space_blinks_between_before_and_after(studio: Studio) -> None:
    """Space shows the original at the same place, and then what was shown before."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await studio.opened(pilot, item)
        await pilot.press("m", "space")
        assert screen.pane.main.view is View.ORIGINAL
        await pilot.press("space")
        assert screen.pane.main.view is View.MATTE


async def test_n_steps_through_the_findings_side_by_side(studio: Studio) -> None:
    """In 120 columns `n` shows each finding at 200 and 400 %, the original beside the cutout."""
    item = studio.add("ONE", findings=(studio.halo, studio.gap))
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await studio.opened(pilot, item)
        way = []
        for _ in range(4):
            await pilot.press("n")
            port = screen.pane.main.viewport
            way.append((int(port.x), int(port.y), port.zoom))
            await studio.until(pilot, lambda: _place(screen.pane.other) == _place(screen.pane.main))
            assert screen.pane.other.display and screen.pane.other.view is View.ORIGINAL
            assert screen.pane.main.view is View.CHECKER
        assert way == [(320, 145, 2.0), (320, 145, 4.0), (415, 240, 2.0), (415, 240, 4.0)]
        await pilot.press("N")
        assert screen.pane.main.viewport.zoom == 2.0


def _place(picture: PictureView) -> tuple[float, float, float]:
    return picture.viewport.x, picture.viewport.y, picture.viewport.zoom


async def test_n_shows_one_after_the_other_where_it_is_narrow(studio: Studio) -> None:
    """Under 120 columns `n` shows the original and then the cutout, at 200 and then 400 %."""
    item = studio.add("ONE", findings=(studio.gap,))
    async with studio.app().run_test(size=NARROW) as pilot:
        screen = await studio.opened(pilot, item)
        way = []
        for _ in range(4):
            await pilot.press("n")
            way.append((screen.pane.main.view, screen.pane.main.viewport.zoom))
            assert not screen.pane.other.display
        cutout = View.CHECKER
        assert way == [(View.ORIGINAL, 2.0), (cutout, 2.0), (View.ORIGINAL, 4.0), (cutout, 4.0)]
        await studio.sees(pilot, "open for about 9 px")


async def test_a_finding_that_was_seen_is_ticked(studio: Studio) -> None:
    """A finding is ticked once its point was at least half a second inside the view at 200 %."""
    item = studio.add("ONE", findings=(studio.gap,))
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await studio.opened(pilot, item)
        await studio.sees(pilot, "· chain gap")
        await studio.sees(pilot, "1 place ·")
        await pilot.press("n")
        await studio.until(pilot, lambda: "✓ chain gap" in studio.text(pilot))
        assert is_seen(Place("chain_gap", 320, 145), screen.pane.looked.looks())


async def test_the_finding_where_one_is_stands_in_the_list(studio: Studio) -> None:
    """Of more findings than the window has lines those stand in the list that lie around where one is."""
    gaps = tuple({**studio.gap, "point": [300 + place, 145]} for place in range(30))
    item = studio.add("ONE", findings=(*gaps, studio.halo))
    async with studio.app().run_test(size=(120, 24)) as pilot:
        await studio.opened(pilot, item)
        await studio.sees(pilot, "31 findings")
        assert " halo" not in studio.text(pilot)
        await pilot.press("N")
        await studio.sees(pilot, "· halo 0.30")
        await studio.sees(pilot, "seen closely")


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_a_dear_piece_is_approved_once_n_showed_it(studio: Studio, size: tuple[int, int]) -> None:
    """`a` says what was not looked at; `n` goes there and counts down to "all seen"; then `a` approves."""
    item = studio.add("DEAR", price=200_000, findings=(studio.gap, studio.halo))
    async with studio.app().run_test(size=size) as pilot:
        screen = await studio.opened(pilot, item)
        await studio.until(pilot, lambda: not screen.pane.missing.composite)
        await pilot.press("a")
        await studio.until(pilot, lambda: "Look first: 2 places at 200 %" in studio.text(pilot))
        assert studio.item(item).status is Status.AWAITING_REVIEW
        for left in (1, 0):
            await pilot.press("n")
            assert screen.pane.main.viewport.zoom == 2.0
            await studio.until(pilot, lambda left=left: len(screen.pane.missing.places) == left)
            await studio.sees(pilot, f"to see: {left} place" if left else "all seen")
        place = _place(screen.pane.main)
        await pilot.press("n")
        await studio.sees(pilot, "All of it is seen: a approves it.")
        assert _place(screen.pane.main) == place
        await pilot.press("a")
        await studio.until(pilot, lambda: studio.item(item).status is Status.APPROVED)
    assert looks_of(studio.ledger, item, 1, studio.maria)


async def test_a_message_moves_no_picture(studio: Studio) -> None:
    """What is said for some seconds stands where the place stood, so that the picture stays as large."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=NARROW) as pilot:
        screen = await studio.opened(pilot, item)
        before = screen.pane.main.viewport
        await pilot.press("i")
        await studio.sees(pilot, "cells only")
        assert not screen.query_one("#place").display
        assert screen.pane.main.viewport == before
        screen.say.hush()
        await studio.until(pilot, lambda: screen.query_one("#place").display)


async def test_side_by_side_needs_room(studio: Studio) -> None:
    """`t` puts the original beside the cutout; under 120 columns it says why not."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=NARROW) as pilot:
        screen = await studio.opened(pilot, item)
        await pilot.press("t")
        await studio.sees(pilot, "120 columns")
        assert not screen.pane.other.display
        await pilot.resize_terminal(*WIDE)
        await studio.until(pilot, lambda: screen.size.width == WIDE[0])
        await pilot.press("t")
        await studio.until(pilot, lambda: screen.pane.other.display)


async def test_approve_goes_on_to_the_next(studio: Studio) -> None:
    """A decision brings the next piece; after the last one the queue is back."""
    first = studio.add("FIRST", risk=0.9)
    second = studio.add("SECOND", risk=0.1)
    async with studio.app().run_test(size=WIDE) as pilot:
        await studio.opened(pilot, first)
        await pilot.press("a")
        await studio.reviewed(pilot, second)
        assert studio.item(first).status is Status.APPROVED
        await pilot.press("r")
        await studio.until(pilot, lambda: isinstance(pilot.app.screen, QueueScreen))
        await studio.sees(pilot, "SECOND must be shot again. (u: undo)")
        assert studio.item(second).status is Status.REJECTED


async def test_skip_decides_nothing(studio: Studio) -> None:
    """`s` goes to the next piece and `S` back, and neither decides."""
    first = studio.add("FIRST", risk=0.9)
    second = studio.add("SECOND", risk=0.1)
    async with studio.app().run_test(size=WIDE) as pilot:
        await studio.opened(pilot, first)
        await pilot.press("s")
        await studio.reviewed(pilot, second)
        await pilot.press("S")
        await studio.reviewed(pilot, first)
        assert studio.item(first).status is Status.AWAITING_REVIEW
        assert studio.item(second).status is Status.AWAITING_REVIEW


async def test_at_the_first_piece_going_back_keeps_the_claim(studio: Studio) -> None:
    """`S` where nothing comes before says so, and the piece stays in one's hands."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        await studio.opened(pilot, item)
        await pilot.press("S")
        await studio.sees(pilot, "This is the first one.")
        assert studio.item(item).opened_by == "maria"


@pytest.mark.parametrize("key", ["s", "v", "2", "n"])
async def test_a_refusal_goes_with_what_is_done_next(studio: Studio, key: str) -> None:
    """What was refused stands until a view, a zoom, a place or the next piece is asked for."""
    item = studio.add("ONE", price=500000, risk=0.9, findings=(studio.gap,))
    studio.add("TWO", risk=0.1)
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await studio.opened(pilot, item)
        await pilot.press("a")
        await studio.sees(pilot, "Look first")
        await pilot.press(key)
        await studio.until(pilot, lambda: not screen.say.display)


async def test_an_unticked_finding_takes_its_box_along(studio: Studio) -> None:
    """The box of a finding goes with the flag only while its reason is ticked, and the dialog says so."""
    item = studio.add("ONE", findings=(studio.gap,))
    async with studio.app().run_test(size=WIDE) as pilot:
        await studio.opened(pilot, item)
        await pilot.press("n", "f")
        await studio.sees(pilot, "goes with it")
        await pilot.press("1", "9")
        await studio.until(pilot, lambda: "goes with it" not in studio.text(pilot))
        await pilot.press("enter")
        await studio.until(pilot, lambda: studio.item(item).status is Status.FLAGGED)
        (decision,) = decisions(studio.ledger, item)
        assert decision.reasons == ("halo",) and decision.box is None


async def test_flag_carries_the_findings_box(studio: Studio) -> None:
    """A flag raised at a finding carries its reason and its box."""
    item = studio.add("ONE", findings=(studio.gap,))
    async with studio.app().run_test(size=WIDE) as pilot:
        await studio.opened(pilot, item)
        await pilot.press("n", "f")
        await studio.until(pilot, lambda: isinstance(pilot.app.screen, FlagDialog))
        await pilot.press("enter")
        await studio.until(pilot, lambda: studio.item(item).status is Status.FLAGGED)
        (decision,) = decisions(studio.ledger, item)
        assert decision.reasons == ("chain_gap",)
        assert decision.box == tuple(studio.gap["box"])


async def test_a_dragged_box_goes_with_the_flag(studio: Studio) -> None:
    """`d` and a drag draw the box of what is wrong, in the photograph's pixels."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await studio.opened(pilot, item)
        await pilot.press("1", "d")
        left, top, _, _ = screen.pane.main.viewport.region
        await pilot.mouse_down(screen.pane.main, offset=(10, 5))
        await pilot.hover(screen.pane.main, offset=(19, 9))
        await pilot.mouse_up(screen.pane.main, offset=(19, 9))
        await pilot.press("f")
        await studio.until(pilot, lambda: isinstance(pilot.app.screen, FlagDialog))
        await pilot.press("1", "enter")
        await studio.until(pilot, lambda: studio.item(item).status is Status.FLAGGED)
        (decision,) = decisions(studio.ledger, item)
        wanted = (left + 10, top + 10, left + 20, top + 20)
        assert decision.box == tuple(round(value) for value in wanted)


async def test_a_drag_pans(studio: Studio) -> None:
    """Dragging takes the picture along with the pointer."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await studio.opened(pilot, item)
        await pilot.press("2")
        before = screen.pane.main.viewport
        await pilot.mouse_down(screen.pane.main, offset=(20, 10))
        await pilot.hover(screen.pane.main, offset=(10, 6))
        await pilot.mouse_up(screen.pane.main, offset=(10, 6))
        assert screen.pane.main.viewport.x == before.x + 5
        assert screen.pane.main.viewport.y == before.y + 4


async def test_the_wheel_pans_and_zooms_where_the_pointer_is(studio: Studio) -> None:
    """The wheel pans, with shift sideways; with ctrl it zooms, and what is under the pointer stays there."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await studio.opened(pilot, item)
        await pilot.press("2")
        picture, before = screen.pane.main, screen.pane.main.viewport

        async def turn(kind: type[events.MouseEvent], *, shift: bool = False, ctrl: bool = False) -> None:
            picture.post_message(kind(picture, 30, 10, 0, 1, 0, shift, False, ctrl))
            await pilot.pause()

        await turn(events.MouseScrollDown)
        await studio.until(
            pilot, lambda: (picture.viewport.x, picture.viewport.y - before.y) == (before.x, 3)
        )
        await turn(events.MouseScrollDown, shift=True)
        await studio.until(pilot, lambda: picture.viewport.x == before.x + 3)
        under = picture.place_at(30.5, 10.5)
        await turn(events.MouseScrollUp, ctrl=True)
        await studio.until(pilot, lambda: picture.viewport.zoom == 4.0)
        assert picture.place_at(30.5, 10.5) == pytest.approx(under)


async def test_two_people_approve_the_dearest(studio: Studio) -> None:
    """Over the second threshold the first approval says that a second person is needed, who is another."""
    set_thresholds(studio.ledger, {"USD": 100_000}, {"USD": 150_000})
    item = studio.add("DEAR", price=200_000)

    async def approve(person: Person, answer: str) -> None:
        async with studio.app(person).run_test(size=WIDE) as pilot:
            screen = await studio.opened(pilot, item)
            await studio.until(pilot, lambda: not screen.pane.missing)
            await pilot.press("a")
            await studio.sees(pilot, answer)

    await approve(studio.maria, "needs a second person")
    assert studio.item(item).status is Status.APPROVED_ONCE
    await approve(studio.maria, "a second person must follow")
    assert studio.item(item).status is Status.APPROVED_ONCE
    await approve(studio.anna, "Approved DEAR.")
    assert studio.item(item).status is Status.APPROVED


async def test_lightrooms_keys_work(studio: Studio) -> None:
    """With Lightroom's keymap arrows go through the pictures, P picks one and X rejects one."""
    first, second, third = (studio.add(f"RING-{number}", risk=0.9 - number / 10) for number in range(3))
    async with studio.app(keymap="lightroom").run_test(size=WIDE) as pilot:
        await studio.opened(pilot, first)
        await pilot.press("right")
        await studio.reviewed(pilot, second)
        await pilot.press("x")
        await studio.reviewed(pilot, third)
        await pilot.press("left")
        await studio.reviewed(pilot, first)
        await pilot.press("p")
        await studio.until(pilot, lambda: studio.item(first).status is Status.APPROVED)
        assert studio.item(second).status is Status.REJECTED
        assert studio.item(third).status is Status.AWAITING_REVIEW


async def test_an_open_piece_is_claimed_and_let_go(studio: Studio) -> None:
    """Whoever opens a piece holds it; leaving lets it go."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        await studio.opened(pilot, item)
        assert studio.item(item).opened_by == "maria"
        await pilot.press("q")
        await studio.until(pilot, lambda: studio.item(item).opened_by is None)
        await studio.until(pilot, lambda: isinstance(pilot.app.screen, QueueScreen))


@pytest.mark.parametrize("key", ["q", "escape"])
async def test_a_way_back(studio: Studio, key: str) -> None:
    """`q` and Escape lead from the brush to the piece, and from there to the queue, and decide nothing."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await studio.opened(pilot, item)
        await pilot.press("b")
        await studio.until(pilot, lambda: isinstance(pilot.app.screen, BrushScreen))
        await pilot.press(key)
        await studio.until(pilot, lambda: pilot.app.screen is screen)
        await pilot.press(key)
        await studio.chosen(pilot, item)
        assert studio.item(item).status is Status.AWAITING_REVIEW


async def test_a_colleagues_piece_is_taken_over_knowingly(studio: Studio) -> None:
    """A piece that a colleague has open opens only after one said that one wants it."""
    item = studio.add("ONE")
    review.open_for_review(studio.ledger, item, studio.anna)
    async with studio.app().run_test(size=WIDE) as pilot:
        await studio.chosen(pilot, item)
        await pilot.press("enter")
        await studio.until(pilot, lambda: isinstance(pilot.app.screen, Sure))
        assert studio.item(item).opened_by == "anna"
        await pilot.press("y")
        await studio.reviewed(pilot, item)
        assert studio.item(item).opened_by == "maria"


async def test_being_taken_over_is_said(studio: Studio) -> None:
    """Whoever loses a piece to a colleague is told."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        await studio.opened(pilot, item)
        review.open_for_review(studio.ledger, item, studio.anna, take_over=True)
        await studio.until(pilot, lambda: "anna has taken this piece over" in studio.text(pilot))


async def test_undo_comes_back_to_the_piece(studio: Studio) -> None:
    """`u` after a decision shows the piece again, which waits again."""
    first = studio.add("FIRST", risk=0.9)
    second = studio.add("SECOND", risk=0.1)
    async with studio.app().run_test(size=WIDE) as pilot:
        await studio.opened(pilot, first)
        await pilot.press("a")
        await studio.reviewed(pilot, second)
        await pilot.press("u")
        await studio.reviewed(pilot, first)
        assert studio.item(first).status is Status.AWAITING_REVIEW


async def test_what_is_decided_already_is_not_decided_twice(studio: Studio) -> None:
    """At a piece that no longer waits a decision is refused with its state."""
    item = studio.add("ONE")
    review.reject(studio.ledger, item, 1, studio.anna)
    async with studio.app().run_test(size=WIDE) as pilot:
        await pilot.press("8")
        await studio.opened(pilot, item)
        await pilot.press("a")
        await studio.until(pilot, lambda: "does not wait" in studio.text(pilot))
        assert studio.item(item).status is Status.REJECTED


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60), (40, 12)])
async def test_nothing_overflows_any_window(studio: Studio, size: tuple[int, int]) -> None:
    """At every size each line fills its window, and place, keys and picture are on it."""
    item = studio.add("ONE", price=123456789, findings=(studio.gap, studio.halo))
    async with studio.app().run_test(size=(140, 40)) as pilot:
        await studio.opened(pilot, item)
        await pilot.press("n")
        await pilot.resize_terminal(*size)
        await studio.fills(pilot, size)
        await studio.until(pilot, lambda: "? help" in studio.text(pilot).splitlines()[-1])
        await studio.sees(pilot, "200 %")


async def test_a_touched_up_piece_shows_both_mattes(studio: Studio) -> None:
    """Of a version made from strokes, space holds the matte against the one before; `t` shows both."""
    item = studio.add("ONE")
    stroke = Stroke(((320.0, 145.0),), 9.0, "keep")
    review.request_strokes(studio.ledger, item, 1, (stroke,), studio.maria)
    studio.make(item)
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await studio.opened(pilot, item)
        await studio.sees(pilot, "m, then space shows the matte before")
        await pilot.press("m", "space")
        assert screen.pane.main.view is View.MATTE_BEFORE
        first = screen.pane.main.pictures.layers["before"].preview.parent.name
        assert (first, screen.pane.main.pictures.layers["cutout"].preview.parent.name) == ("v1", "v2")
        await pilot.press("space", "t")
        assert (screen.pane.other.view, screen.pane.main.view) == (View.MATTE_BEFORE, View.MATTE)
        await pilot.press("x")
        assert (screen.pane.other.view, screen.pane.main.view) == (View.ORIGINAL, View.CHECKER)


async def test_the_matte_before_is_no_look_at_the_piece(studio: Studio) -> None:
    """Looking at the matte of an earlier version proves nothing about this one."""
    item = studio.add("ONE", findings=(studio.gap,))
    review.request_strokes(studio.ledger, item, 1, (Stroke(((1.0, 1.0),), 9.0, "keep"),), studio.maria)
    studio.make(item)
    async with studio.app().run_test(size=NARROW) as pilot:
        screen = await studio.opened(pilot, item)
        await studio.until(pilot, lambda: _views(screen) == {View.COMPOSITE})
        await pilot.press("m")
        await studio.until(pilot, lambda: _views(screen) == {View.COMPOSITE, View.MATTE})
        await pilot.press("space", "2")
        await studio.until(pilot, lambda: screen.pane.main.is_drawn)
        await pilot.pause()
        assert screen.pane.main.view is View.MATTE_BEFORE
        assert not screen.pane.looked.is_looking


def _views(screen: ReviewScreen) -> set[str]:
    return {look.view for look in screen.pane.looked.looks()}


async def test_what_lies_under_a_dialog_is_not_looked_at(studio: Studio) -> None:
    """While the help, a question or the brush covers the picture no look runs; then it goes on."""
    item = studio.add("ONE", findings=(studio.gap,))
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await studio.opened(pilot, item)
        for key, back in (("question_mark", "escape"), ("f", "escape"), ("b", "q")):
            await studio.until(pilot, lambda: screen.pane.looked.is_looking)
            await pilot.press(key)
            await studio.until(pilot, lambda: pilot.app.screen is not screen)
            await studio.until(pilot, lambda: not screen.pane.looked.is_looking)
            await pilot.press(back)
            await studio.until(pilot, lambda: pilot.app.screen is screen)


async def test_a_picture_that_cannot_be_drawn_is_not_looked_at(studio: Studio) -> None:
    """Where a damaged tile leaves a sentence in the picture's place, no finding is ticked."""
    item = studio.add("DEAR", price=200_000, findings=(studio.gap,))
    folder = studio.settings.work / "items" / str(item) / "v1" / "tiles"
    (folder / "cutout-0-0.png").write_bytes(b"no picture")
    async with studio.app().run_test(size=NARROW) as pilot:
        screen = await studio.opened(pilot, item)
        await pilot.press("x", "2")
        await studio.until(pilot, lambda: "cannot be read" in studio.text(pilot))
        await pilot.pause()
        assert not screen.pane.looked.is_looking
        assert len(screen.pane.missing.places) == 1


async def test_the_next_piece_starts_unseen(studio: Studio) -> None:
    """Where one looked at the piece before is no look at the next one."""
    first = studio.add("FIRST", risk=0.9, findings=(studio.gap,))
    second = studio.add("SECOND", risk=0.1, findings=(studio.gap,))
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await studio.opened(pilot, first)
        await pilot.press("n")
        await studio.until(pilot, lambda: "✓ chain gap" in studio.text(pilot))
        await pilot.press("s")
        await studio.reviewed(pilot, second)
        await studio.until(pilot, lambda: screen.pane.looked.looks())
        assert _views(screen) == {View.COMPOSITE}
        assert all(look.zoom < 2.0 for look in screen.pane.looked.looks())


async def test_the_systems_viewer_is_on_record(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`o` opens the whole picture and `O` a finding's evidence; both are on record and prove nothing."""
    opener, opened_files = tmp_path / "xdg-open", tmp_path / "opened"
    opener.write_text(f'#!/bin/sh\necho "$1" >> "{opened_files}"\n')
    opener.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(sys, "platform", "linux")
    item = studio.add("DEAR", price=200_000, findings=(studio.halo, studio.gap))
    folder = studio.settings.work / "items" / str(item) / "v1"
    (folder / "evidence-2.png").write_bytes(b"")
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await studio.opened(pilot, item)
        await pilot.press("O")
        await studio.until(pilot, lambda: "Go to a finding first" in studio.text(pilot))
        await pilot.press("o", "n", "O")
        await studio.until(pilot, lambda: len(_outside(studio, item)) == 2)
        assert _outside(studio, item) == [(170.0, 90.0, 470.0, 390.0), tuple(studio.gap["box"])]
        await studio.until(pilot, opened_files.exists)
        await studio.until(pilot, lambda: len(opened_files.read_text().split()) == 2)
        names = [Path(line).name for line in opened_files.read_text().split()]
        assert sorted(names) == ["composite-white.jpg", "evidence-2.png"]
        assert len(screen.pane.missing.places) > 0


def _outside(studio: Studio, item: int) -> list[tuple[float, ...]]:
    looks = looks_of(studio.ledger, item, 1, studio.maria)
    return [look.box for look in looks if look.view == "the system's viewer"]


async def test_looks_are_kept_while_one_looks(studio: Studio) -> None:
    """A look that is over reaches the ledger within seconds, long before a decision or the terminal's end."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await studio.opened(pilot, item)
        await studio.until(pilot, lambda: screen.pane.looked.looks())
        await pilot.press("2")
        await studio.until(pilot, lambda: looks_of(studio.ledger, item, 1, studio.maria))


async def test_looks_survive_the_terminals_end(studio: Studio) -> None:
    """A terminal that is ended at a piece keeps the look that lasted and lets go of the piece."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await studio.opened(pilot, item)
        await studio.until(pilot, lambda: screen.pane.looked.looks())
        pilot.app.exit(0)
    assert looks_of(studio.ledger, item, 1, studio.maria)
    assert studio.item(item).opened_by is None


async def test_looks_wait_for_a_locked_database(studio: Studio) -> None:
    """Looks that the ledger did not take, because somebody held it for long, are kept once it is free."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await studio.opened(pilot, item)
        await studio.until(pilot, lambda: screen.pane.looked.looks())
        with studio.held():
            screen._hand_in_looks()
            seen = screen.pane.looked.looks()[0]
            assert screen.pane.looked._kept == [seen]
            await studio.until(pilot, lambda: not screen.pane.looked._kept, "the looks never came back")
        await studio.until(pilot, lambda: seen in looks_of(studio.ledger, item, 1, studio.maria))


async def test_a_key_pressed_twice_decides_once(studio: Studio) -> None:
    """`a` twice in one go approves one piece and goes on to the next; that one is not decided unseen."""
    first = studio.add("FIRST", risk=0.9)
    second = studio.add("SECOND", risk=0.1)
    async with studio.app().run_test(size=WIDE) as pilot:
        await studio.opened(pilot, first)
        studio.type_ahead(pilot, "a", "a")
        await studio.reviewed(pilot, second)
        await studio.sees(pilot, "Approved FIRST")
        assert studio.item(first).status is Status.APPROVED
        assert studio.item(second).status is Status.AWAITING_REVIEW


async def test_a_key_for_a_piece_on_its_way_waits(studio: Studio) -> None:
    """The brush asked for right behind Enter opens once the piece is there; a decision so early is none."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        await studio.chosen(pilot, item)
        studio.type_ahead(pilot, "enter", "b", "r")
        app = pilot.app
        await studio.until(pilot, lambda: isinstance(app.screen, BrushScreen) and app.screen.is_drawn)
        assert studio.item(item).status is Status.AWAITING_REVIEW


async def test_the_last_decision_closes_no_help(studio: Studio) -> None:
    """Help that is opened while the last piece is decided stays; the queue is there once it is closed."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        await studio.opened(pilot, item)
        with studio.slow(pilot):
            await pilot.press("a", "question_mark")
            await studio.until(pilot, lambda: isinstance(pilot.app.screen, Help))
        await studio.sees(pilot, "Approved ONE")
        assert isinstance(pilot.app.screen, Help)
        await pilot.press("escape")
        await studio.until(pilot, lambda: isinstance(pilot.app.screen, QueueScreen))


async def test_what_came_of_a_decision_is_told_in_the_queue(studio: Studio) -> None:
    """Whoever leaves a piece right behind a decision is told in the queue that it is approved, or why not."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        for approved in (True, False):
            await studio.opened(pilot, item)
            with studio.slow(pilot):
                await pilot.press("a", "q")
                await studio.until(pilot, lambda: isinstance(pilot.app.screen, QueueScreen))
                if not approved:
                    review.flag(studio.ledger, item, 1, studio.anna)
            await studio.sees(pilot, "Approved ONE" if approved else "does not wait")
            await pilot.press("u")
            await studio.until(pilot, lambda: studio.item(item).status is not Status.APPROVED)


async def test_a_decision_goes_on_after_one_has_left(studio: Studio) -> None:
    """A decision that waits for a locked ledger is carried out though its piece was left meanwhile."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        await studio.opened(pilot, item)
        with studio.held():
            studio.type_ahead(pilot, "a")
            await studio.until(pilot, lambda: "Trying again" in studio.words(pilot))
            studio.type_ahead(pilot, "q")
            await studio.until(pilot, lambda: isinstance(pilot.app.screen, QueueScreen))
        await studio.sees(pilot, "Approved ONE")
        assert studio.item(item).status is Status.APPROVED


async def test_trying_again_is_said_for_as_long_as_it_is_true(studio: Studio) -> None:
    """A piece that came after the ledger was locked for a while says no more that this is tried again."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        await studio.chosen(pilot, item)
        with studio.held():
            studio.type_ahead(pilot, "enter")
            await studio.until(pilot, lambda: "Trying again" in studio.words(pilot))
        screen = await studio.reviewed(pilot, item)
        await studio.until(pilot, lambda: not screen.say.display)


async def test_a_piece_that_could_not_be_opened_comes_once_it_can(studio: Studio) -> None:
    """A piece for which the ledger was locked for too long opens by itself once it is free."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        await studio.chosen(pilot, item)
        with studio.held():
            studio.type_ahead(pilot, "enter")
            await studio.until(pilot, lambda: isinstance(pilot.app.screen, ReviewScreen))
            await studio.until(pilot, lambda: pilot.app.screen.pane.main.trouble)
        await studio.reviewed(pilot, item)


async def test_a_piece_that_was_left_is_not_said_to_be_taken_over(studio: Studio) -> None:
    """What a colleague takes while one goes on is theirs: nothing is said of it, and the next is held."""
    first, second = studio.add("FIRST", risk=0.9), studio.add("SECOND", risk=0.1)
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await studio.opened(pilot, first)
        with studio.slow(pilot):
            screen._keep()
            await pilot.pause()
            await pilot.press("s")
            review.open_for_review(studio.ledger, first, studio.anna, take_over=True)
        await studio.reviewed(pilot, second)
        await studio.until(pilot, lambda: not [at for at in pilot.app.workers if at.group == "keep"])
        assert "taken this piece over" not in studio.text(pilot)
        assert screen._claimed == second


async def test_a_drag_ends_with_its_piece(studio: Studio) -> None:
    """A box that is being drawn is gone with its piece, also where the next one has no picture."""
    first = studio.add("FIRST")
    second = studio.receive("SECOND")
    async with studio.app().run_test(size=WIDE) as pilot:
        await studio.chosen(pilot, first)
        await pilot.press("8")
        await studio.chosen(pilot, second)
        await pilot.press("down")
        screen = await studio.opened(pilot, first)
        await pilot.press("1", "d")
        await pilot.mouse_down(screen.pane.main, offset=(10, 5))
        await pilot.press("S")
        await studio.reviewed(pilot, second)
        await pilot.hover(screen.pane.main, offset=(19, 9))
        await pilot.mouse_up(screen.pane.main, offset=(19, 9))
        await studio.sees(pilot, "not made yet")
        assert screen.pane.box is None


async def test_a_drag_ends_under_a_dialog(studio: Studio) -> None:
    """A drag over which the help opened moves nothing any more once it is closed."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await studio.opened(pilot, item)
        await pilot.press("2")
        await pilot.mouse_down(screen.pane.main, offset=(20, 10))
        await pilot.press("question_mark")
        await studio.until(pilot, lambda: isinstance(pilot.app.screen, Help))
        await pilot.press("escape")
        await studio.until(pilot, lambda: pilot.app.screen is screen)
        before = screen.pane.main.viewport
        await pilot.hover(screen.pane.main, offset=(30, 12))
        assert screen.pane.main.viewport == before


async def test_skip_twice_skips_two(studio: Studio) -> None:
    """`s` pressed again while the next piece is still on its way goes one further."""
    items = [studio.add(f"RING-{number}", risk=0.9 - number / 10) for number in range(3)]
    async with studio.app().run_test(size=WIDE) as pilot:
        await studio.opened(pilot, items[0])
        studio.type_ahead(pilot, "s", "s")
        await studio.reviewed(pilot, items[2])


async def test_what_was_seen_of_a_piece_counts_when_one_comes_back(studio: Studio) -> None:
    """A piece that was looked at, left and opened again has nothing more to see, however fast one goes."""
    first = studio.add("FIRST", price=200_000, risk=0.9)
    second = studio.add("SECOND", price=200_000, risk=0.1, findings=(studio.gap,))
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await studio.opened(pilot, first)
        await studio.until(pilot, lambda: screen._next is not None)
        await pilot.press("s")
        await studio.reviewed(pilot, second)
        await studio.until(pilot, lambda: not screen.pane.missing.composite)
        await pilot.press("n")
        await studio.until(pilot, lambda: not screen.pane.missing)
        studio.type_ahead(pilot, "S", "s")
        await studio.until(pilot, lambda: screen.pane.box is None and screen._at == second)
        await studio.until(pilot, lambda: screen.pane.main.view is View.COMPOSITE)
        await studio.reviewed(pilot, second)
        assert not screen.pane.missing


async def test_pieces_that_were_only_passed_are_free(studio: Studio) -> None:
    """A piece that one skips while the ledger is still busy with its claim is not held for five minutes."""
    items = [studio.add(f"RING-{number}", risk=0.9 - number / 10) for number in range(3)]
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await studio.opened(pilot, items[0])
        with studio.held():
            studio.type_ahead(pilot, "s")
            await studio.until(pilot, lambda: screen._at == items[1])
            await studio.until(pilot, lambda: "Trying again" in studio.words(pilot))
            studio.type_ahead(pilot, "s")
            await studio.until(pilot, lambda: screen._at == items[2])
        await studio.reviewed(pilot, items[2])
        await studio.until(pilot, lambda: studio.item(items[2]).opened_by == "maria")
        await studio.until(pilot, lambda: studio.item(items[1]).opened_by is None, "it is held still")


async def test_a_decision_that_took_long_does_not_call_one_back(studio: Studio) -> None:
    """Whoever went on while the ledger was busy with a decision stays where they are by then."""
    items = [studio.add(f"RING-{number}", risk=0.9 - number / 10) for number in range(4)]
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await studio.opened(pilot, items[0])
        with studio.held():
            studio.type_ahead(pilot, "a")
            await studio.until(pilot, lambda: "Trying again" in studio.words(pilot))
            studio.type_ahead(pilot, "s", "s")
            await studio.until(pilot, lambda: screen._at == items[2])
        await studio.until(pilot, lambda: studio.item(items[0]).status is Status.APPROVED)
        await studio.sees(pilot, "Approved RING-0")
        assert screen._at == items[2]


async def test_previews_that_were_cleared_away_are_said(studio: Studio) -> None:
    """At a piece whose previews are gone a sentence stands in the picture's place, and every key is safe."""
    item = studio.add("ONE", findings=(studio.gap,))
    rmtree(studio.settings.work / "items" / str(item) / "v1")
    async with studio.app().run_test(size=WIDE) as pilot:
        await studio.opened(pilot, item)
        await studio.until(pilot, lambda: "no preview" in studio.text(pilot))
        await pilot.press("n", "t", "v", "V", "m", "x", "space", "2", "left", "0", "o", "b", "d", "y")
        await studio.until(pilot, lambda: "no preview" in studio.text(pilot))
        await pilot.press("a")
        await studio.until(pilot, lambda: studio.item(item).status is Status.APPROVED)


async def test_why_there_is_no_cutout_is_said(studio: Studio) -> None:
    """A piece that could not be made opens with what went wrong in its picture's place, and no findings."""
    item = studio.receive("ONE")
    studio.fail(item, "The disk burnt.")
    async with studio.app().run_test(size=WIDE) as pilot:
        await pilot.press("5")
        await studio.opened(pilot, item)
        await studio.sees(pilot, "The disk burnt.")
        assert "finding" not in studio.text(pilot).replace("n finding", "")


async def test_missing_pictures_are_not_said_to_be_touched_up(studio: Studio) -> None:
    """Where a piece's pictures are gone, no matte before a touch-up is spoken of or offered."""
    item = studio.add("ONE")
    rmtree(studio.settings.work / "items" / str(item) / "v1")
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await studio.opened(pilot, item)
        await studio.until(pilot, lambda: "no preview" in studio.text(pilot))
        assert "touched up" not in studio.text(pilot)
        for _ in View:
            await pilot.press("v")
            assert screen.pane.main.view is not View.MATTE_BEFORE
