"""Real pixels in the terminal: what it is sent, and when cells must do."""

from __future__ import annotations

import asyncio
import re
from base64 import standard_b64decode
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING
from zlib import decompress

import numpy as np

from tui.sharp import clear_picture, place_picture
from tui.terminal import Sharpness
from tui.viewer import HALF_BLOCKS

if TYPE_CHECKING:
    from tests.tui.conftest import Studio
    from tui.app import ReviewApp

WIDE = (140, 40)


def test_kitty_gets_every_pixel() -> None:
    """A picture goes to Kitty as it is, in chunks of at most 4096 letters, over the cells it is meant for."""
    pixels = np.random.default_rng(1).integers(0, 256, (60, 50, 3), np.uint8)
    sent = place_picture("kitty", 7, pixels, (3, 4), (5, 3))
    assert sent.startswith("\x1b7\x1b[5;4H\x1b_Ga=T,f=24,o=z,s=50,v=60,c=5,r=3,")
    assert sent.endswith("\x1b8")
    chunks = re.findall("\x1b_G([^;]*);([^\x1b]*)\x1b\\\\", sent)
    assert len(chunks) > 1
    assert [keys.rpartition("m=")[2] for keys, _ in chunks] == ["1"] * (len(chunks) - 1) + ["0"]
    assert all(len(data) <= 4096 for _, data in chunks)
    received = decompress(standard_b64decode("".join(data for _, data in chunks)))
    assert received == pixels.tobytes()
    assert "i=7," in clear_picture("kitty", 7)


def decoded_sixel(text: str) -> np.ndarray:
    """The picture of a Sixel sequence, read by its definition."""
    body = re.search("\x1bP[^q]*q(.*)\x1b\\\\", text, re.DOTALL)
    assert body is not None
    size = re.match(r'"1;1;(\d+);(\d+)', body[1])
    assert size is not None
    width, height = int(size[1]), int(size[2])
    picture = np.zeros((height + 6, width, 3), np.uint8)
    palette: dict[int, tuple[int, ...]] = {}
    ink = x = top = 0
    for token in re.finditer(
        r"#(\d+)(?:;2;(\d+);(\d+);(\d+))?|!(\d+)(.)|([$-])|([?-~])", body[1][size.end() :]
    ):
        if token[1]:
            ink = int(token[1])
            if token[2]:
                palette[ink] = tuple(round(int(value) * 255 / 100) for value in token.groups()[1:4])
        elif token[7]:
            x = 0
            top += 6 * (token[7] == "-")
        else:
            run, letter = (int(token[5]), token[6]) if token[5] else (1, token[8])
            for row in range(6):
                if (ord(letter) - 63) >> row & 1:
                    picture[top + row, x : x + run] = palette[ink]
            x += run
    return picture[:height]


def test_a_red_pixel_as_sixel() -> None:
    """One red pixel is one letter: the lowest bit of a band, over the letter for nothing."""
    sent = place_picture("sixel", 1, np.array([[[255, 0, 0]]], np.uint8), (0, 0), (1, 1))
    assert re.search(r'"1;1;1;1.*#0@\$-', sent)


def test_sixel_gets_the_picture() -> None:
    """A picture of few colours arrives at a terminal with Sixel pixel for pixel, to a percent of colour."""
    rows, columns = np.indices((20, 33))
    pixels = np.stack([(columns // 5) * 40, (rows // 4) * 50, (rows + columns) // 20 * 99], axis=-1)
    received = decoded_sixel(place_picture("sixel", 1, pixels.astype(np.uint8), (0, 0), (3, 1)))
    assert received.shape == pixels.shape
    assert np.abs(received.astype(int) - pixels).max() <= 3


def sharp_app(studio: Studio) -> ReviewApp:
    """The program in a terminal that shows real pixels, 10 x 20 of them a cell."""
    app = studio.app()
    app.possible_sharpness = app.sharpness = Sharpness("kitty", (10, 20))
    return app


async def test_i_switches_between_pixels_and_cells(studio: Studio) -> None:
    """`i` goes from real pixels to cells and back; the place and the zoom stay."""
    item = studio.add("ONE")
    app = sharp_app(studio)
    async with app.run_test(size=WIDE) as pilot:
        picture = (await studio.opened(pilot, item)).pane.main
        await pilot.press("2")
        assert picture.grain == (10, 20)
        sharp = picture.viewport
        assert (sharp.width, sharp.height) == (picture.size.width * 10, picture.size.height * 20)
        await pilot.press("i")
        cells = picture.viewport
        assert picture.grain == HALF_BLOCKS
        assert (cells.x, cells.y, cells.zoom) == (sharp.x, sharp.y, sharp.zoom)
        await pilot.press("i")
        assert picture.grain == (10, 20)


async def test_no_real_pixels_lie_over_a_dialog(studio: Studio) -> None:
    """Real pixels go when a dialog opens over them, and none are laid over it; then they come back."""
    item = studio.add("ONE")
    app = sharp_app(studio)
    async with app.run_test(size=WIDE) as pilot:
        screen = await studio.opened(pilot, item)
        await studio.until(pilot, lambda: screen.pane.main._laid)
        await pilot.press("question_mark")
        await studio.until(pilot, lambda: not screen.pane.main._laid)
        screen.pane.main._redraw()
        await studio.until(pilot, lambda: not pilot.app.workers._workers)
        assert not screen.pane.main._laid
        await pilot.press("escape")
        await studio.until(pilot, lambda: screen.pane.main._laid)


async def test_real_pixels_that_come_too_late_are_not_laid(studio: Studio) -> None:
    """Pixels that were still being made when the picture moved on, or cells were asked for, are dropped."""
    item = studio.add("ONE")
    app = sharp_app(studio)
    async with app.run_test(size=WIDE) as pilot:
        picture = (await studio.opened(pilot, item)).pane.main
        await studio.until(pilot, lambda: picture._laid)
        makers = ThreadPoolExecutor(1)
        asyncio.get_running_loop().set_default_executor(makers)
        goes_on = Event()
        makers.submit(goes_on.wait)
        picture._redraw()
        await pilot.pause()
        await pilot.press("i")
        await studio.until(pilot, lambda: picture.is_drawn and not picture.is_moving)
        goes_on.set()
        await studio.until(pilot, lambda: not [at for at in app.workers if at.group == "sharp"])
        assert not picture._laid


async def test_cells_are_meant_for_every_screen(studio: Studio) -> None:
    """Cells that were asked for at a piece are what the queue shows too, and so are real pixels."""
    item = studio.add("ONE")
    app = sharp_app(studio)
    async with app.run_test(size=WIDE) as pilot:
        queue = await studio.chosen(pilot, item)
        for grain in (HALF_BLOCKS, (10, 20)):
            await pilot.press("enter")
            await studio.reviewed(pilot, item)
            await pilot.press("i", "q")
            await studio.until(pilot, lambda grain=grain: queue.side.picture.grain == grain)


async def test_a_terminal_of_cells_says_so(studio: Studio) -> None:
    """Where the terminal shows cells only, `i` says what real pixels need."""
    studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        await pilot.press("i")
        await studio.until(pilot, lambda: "cells only" in studio.text(pilot))


def test_a_kitty_terminal_is_found_and_used(studio: Studio) -> None:
    """In a terminal that answers as Kitty does, the piece arrives as real pixels of the right size."""
    from tests.tui.test_app import Terminal

    studio.add("RING-1")
    terminal = Terminal(studio, answer=b"\x1b_Gi=31;OK\x1b\\\x1b[6;20;10t\x1b[?62;c")
    try:
        terminal.read_until(b"\x1b_Ga=T,f=24,o=z,")
        keys = re.findall(rb"\x1b_Ga=T,f=24,o=z,s=(\d+),v=(\d+),c=(\d+),r=(\d+)", terminal.output)
        width, height, columns, rows = map(int, keys[-1])
        assert (width, height) == (columns * 10, rows * 20)
    finally:
        terminal.close()
