"""Each screen as a picture: what a person sees is compared with what somebody looked at and found good.

`STUDIOD_SNAPSHOTS=write pytest tests/tui/test_snapshots.py` writes the pictures in `snapshots/` anew:
look at them before they are committed.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Awaitable, Callable
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tui.brush_screen import BrushScreen
from tui.dialogs import FlagDialog, Help, Sure
from tui.piece_pane import SIDE_BY_SIDE_WIDTH
from tui.review_screen import ReviewScreen
from tui.viewer import PictureView

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from tests.tui.conftest import Studio

SIZES = ((80, 24), (120, 40), (200, 60))
FOLDER = Path(__file__).with_name("snapshots")
HOSTILE = "\x1b]0;owned\x07\x1b[2J\u202egpj.\u2066evil\n" + "long name " * 18 + ".jpg"

Drive = Callable[["Studio", "Pilot[int]", int], Awaitable[None]]


async def queue(studio: Studio, pilot: Pilot[int], item: int) -> None:
    await studio.chosen(pilot, item)


async def review(studio: Studio, pilot: Pilot[int], item: int) -> None:
    await queue(studio, pilot, item)
    await pilot.press("enter")
    await studio.reviewed(pilot, item)
    await studio.until(pilot, lambda: "the whole" not in studio.text(pilot))


async def finding(studio: Studio, pilot: Pilot[int], item: int) -> None:
    await review(studio, pilot, item)
    await pilot.press("x", "x", "n")
    assert isinstance(pilot.app.screen, ReviewScreen)
    screen = pilot.app.screen
    if screen.size.width < SIDE_BY_SIDE_WIDTH:
        await pilot.press("n")
    await studio.until(pilot, lambda: "✓" in studio.text(pilot))


async def brush(studio: Studio, pilot: Pilot[int], item: int) -> None:
    await finding(studio, pilot, item)
    await pilot.press("b")
    app = pilot.app
    await studio.until(pilot, lambda: isinstance(app.screen, BrushScreen) and app.screen.is_drawn)
    await pilot.press("space", *["right"] * 9, "space", "r", "shift+down", "space", *["left"] * 9)


async def help_screen(studio: Studio, pilot: Pilot[int], item: int) -> None:
    await queue(studio, pilot, item)
    await pilot.press("question_mark")
    await studio.until(pilot, lambda: isinstance(pilot.app.screen, Help))


async def flag(studio: Studio, pilot: Pilot[int], item: int) -> None:
    await finding(studio, pilot, item)
    await pilot.press("f")
    await studio.until(pilot, lambda: isinstance(pilot.app.screen, FlagDialog))


async def sure(studio: Studio, pilot: Pilot[int], item: int) -> None:
    await queue(studio, pilot, item)
    await pilot.press("B")
    await studio.until(pilot, lambda: isinstance(pilot.app.screen, Sure))


def beat_for_long(studio: Studio) -> None:
    """A heartbeat from the future, which is fresh however long a test takes."""
    clock = studio.ledger.clock
    studio.ledger.clock = lambda: time.time() + 3600
    studio.beat()
    studio.ledger.clock = clock


SCREENS: dict[str, Drive] = {
    "queue": queue, "review": review, "finding": finding, "brush": brush, "help": help_screen,
    "flag": flag, "sure": sure,
}  # fmt: skip


async def compare(studio: Studio, pilot: Pilot[int], name: str) -> None:
    """The screen comes to look as the picture that is kept under this name, or becomes it when asked to."""

    def taken() -> str:
        svg = pilot.app.export_screenshot(title="studiod-review")
        return re.sub(r"terminal-\d+", "t", svg).replace("&#160;", "\u00a0")

    def at_rest() -> bool:
        pictures = [picture for screen in pilot.app.screen_stack for picture in screen.query(PictureView)]
        return not any(picture.is_moving for picture in pictures)

    path = FOLDER / f"{name}.svg"
    await studio.until(pilot, at_rest, "the pictures never came to rest")
    await pilot.pause()
    if os.environ.get("STUDIOD_SNAPSHOTS") == "write":
        FOLDER.mkdir(exist_ok=True)
        path.write_text(taken(), "utf-8")
    kept = path.read_text("utf-8")
    try:
        await studio.until(pilot, lambda: taken() == kept)
    except AssertionError:
        differing = [
            f"{was}\n{now}" for was, now in zip_longest(kept.split("<"), taken().split("<")) if was != now
        ]
        pytest.fail(f"{name} looks different: see the module's first lines\n" + "\n".join(differing[:8]))


@pytest.mark.parametrize("size", SIZES, ids="{0[0]}x{0[1]}".format)
@pytest.mark.parametrize("screen", SCREENS)
async def test_each_screen_looks_as_it_did(studio: Studio, screen: str, size: tuple[int, int]) -> None:
    """Every screen at every size is, to the letter and colour, what was looked at and committed."""
    dear = studio.add(
        "RING-0412", price=425000, risk=0.8, findings=(studio.gap, studio.halo), title="Solitaire ring, 18 ct"
    )
    studio.add("CHAIN-0002", price=89000, risk=0.34, title="Anchor chain")
    studio.add("HALO-0077", price=99900, risk=0.02, title="Halo ring")
    studio.add("STUDS-0001", price=12000, risk=0.01, title="Ear studs")
    beat_for_long(studio)
    async with studio.app().run_test(size=size) as pilot:
        await SCREENS[screen](studio, pilot, dear)
        await compare(studio, pilot, f"{screen}-{size[0]}x{size[1]}")


@pytest.mark.parametrize("screen", ["queue", "finding", "brush", "flag"])
async def test_a_hostile_name_looks_harmless(studio: Studio, screen: str) -> None:
    """A name of escape sequences, direction marks and 200 characters is shown inert, within its place."""
    item = studio.add(None, price=None, risk=0.8, findings=(studio.gap,), path=HOSTILE)
    beat_for_long(studio)
    async with studio.app().run_test(size=(80, 24)) as pilot:
        await SCREENS[screen](studio, pilot, item)
        await compare(studio, pilot, f"hostile-{screen}-80x24")
        lines = studio.text(pilot).splitlines()
        assert [len(line) for line in lines] == [80] * 24
        assert not set("\x1b\x07\u202e\u2066") & set("".join(lines))
