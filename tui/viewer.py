"""The picture widget: any view of a piece at any zoom, in the terminal's own cells."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from rich.style import Style
from textual import events, work
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from studiod.errors import StudioError
from studiod.strokes import Stroke
from tui.brush import draw_strokes
from tui.halfblock import picture_strips
from tui.pictures import SURROUND, Pictures, View
from tui.sharp import clear_picture, place_picture
from tui.terminal import Sharpness
from tui.viewport import Rectangle, Viewport

Pixels = NDArray[np.uint8]

HALF_BLOCKS = (1, 2)
"""How many pixels of the window a cell has, across and down."""

_WHEEL = 6
_REST_SECONDS = 0.2
_numbers = count(8191)


@dataclass(frozen=True, slots=True)
class Mark:
    """A box drawn over the picture, in pixels of the photograph."""

    box: Rectangle
    colour: tuple[int, int, int]


class PictureView(Widget):
    """Shows a window on one version's pictures; says so when it was moved or a box was drawn."""

    DEFAULT_CSS = """
    PictureView { width: 1fr; height: 1fr; background: #262626; }
    """

    class Moved(Message):
        """The window shows another place, zoom or view."""

        def __init__(self, sender: PictureView) -> None:
            super().__init__()
            self.sender = sender

    class Drawn(Message):
        """What the window shows now is on its way to the screen."""

    class BoxDrawn(Message):
        """A box was dragged, in pixels of the photograph."""

        def __init__(self, box: tuple[int, int, int, int]) -> None:
            super().__init__()
            self.box = box

    def __init__(self, view: View = View.COMPOSITE, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.view = view
        self.viewport = Viewport(1, 2)
        self.drawing = False
        self.is_drawn = False
        self.trouble = ""
        self.grain = HALF_BLOCKS
        self.with_strokes = True
        self._pictures: Pictures | None = None
        self.strokes: tuple[Stroke, ...] = ()
        self._marks: tuple[Mark, ...] = ()
        self._strips: list[Strip] | None = None
        self._drawn_size = Size()
        self._drag: tuple[int, int] | None = None
        self._box_start: tuple[float, float] | None = None
        self._rubber_band: Mark | None = None
        self._pointer: tuple[int, int] | None = None
        self._rest: Timer | None = None
        self._sharpness: Sharpness | None = None
        self._number = next(_numbers)
        self._laid = ""

    @property
    def pictures(self) -> Pictures | None:
        """What is shown."""
        return self._pictures

    @property
    def is_moving(self) -> bool:
        """Whether it has just changed and is drawn in few colours still."""
        return self._rest is not None

    @property
    def is_uncovered(self) -> bool:
        """Whether no other screen lies over this one, not even a dialog."""
        return self.app.screen is self.screen

    def show(self, pictures: Pictures | None, trouble: str = "", strokes: tuple[Stroke, ...] = ()) -> None:
        """Show another version's pictures at fit with the strokes it was made from, or none and why."""
        self._pictures, self.trouble, self._marks = pictures, trouble, ()
        self.strokes = strokes
        self.drawing = False
        self._drop()
        self.fit()

    def mark(self, marks: tuple[Mark, ...]) -> None:
        """Draw these boxes over the picture."""
        if marks != self._marks:
            self._marks = marks
            self._redraw()

    def show_strokes(self, shown: bool) -> None:
        """Draw the strokes over the original, or not."""
        self.with_strokes = shown
        self._redraw()

    def sharpen(self, sharpness: Sharpness | None) -> None:
        """Show real pixels once the picture rests, or cells only; the place and the zoom stay."""
        self.clear()
        self._sharpness = sharpness
        self.grain = HALF_BLOCKS if sharpness is None else sharpness.cell
        self._fill()

    def clear(self) -> None:
        """Take the real pixels away, and those that are on their way; what is drawn in cells stays."""
        if self.is_running:
            self.workers.cancel_group(self, "sharp")
        if self._laid and self._sharpness is not None:
            self._write(clear_picture(self._sharpness.protocol, self._number))
        self._laid = ""

    def fit(self) -> None:
        """Show the whole of the current view."""
        bounds = self._bounds()
        if bounds is not None:
            self.viewport = self.viewport.fit(bounds)
        self._moved()

    def show_view(self, view: View) -> None:
        """Show another view at the same place and zoom."""
        self.view = view
        self._moved()

    def zoom_to(self, zoom: float) -> None:
        """Zoom at the pointer, or at the middle when it is elsewhere."""
        anchor = self._pointer
        at = None if anchor is None else self._pixel(anchor[0] + 0.5, anchor[1] + 0.5)
        self._look(self.viewport.zoomed(zoom, at))

    def step_zoom(self, direction: int) -> None:
        """Zoom in or out by one step; below 100 % lies the whole view."""
        if direction < 0 and self.viewport.zoom <= 1.0:
            self.fit()
        elif not (direction < 0 and self.viewport.fitted):
            self.zoom_to(self.viewport.step(direction))

    def pan(self, right: int, down: int) -> None:
        """Move the window by half blocks."""
        across, high = self.grain
        self._look(self.viewport.panned(right * across, down * high / 2))

    def look_at(self, x: float, y: float, zoom: float) -> None:
        """Bring a place of the photograph to the middle at a zoom."""
        self._look(self.viewport.look_at(x, y, zoom))

    def follow(self, other: PictureView) -> None:
        """Look at the same place at the same zoom as another window."""
        self.viewport = self.viewport.look_at(other.viewport.x, other.viewport.y, other.viewport.zoom)
        self._redraw(moving=True)

    def place_at(self, column: float, row: float) -> tuple[float, float]:
        """The photograph's place under a place of the widget, in cells."""
        return self.viewport.place(*self._pixel(column, row))

    def _pixel(self, column: float, row: float) -> tuple[float, float]:
        return column * self.grain[0], row * self.grain[1]

    def _look(self, viewport: Viewport) -> None:
        bounds = self._bounds()
        if bounds is None:
            return
        self.viewport = viewport.kept_on(bounds)
        self._moved()

    def _bounds(self) -> Rectangle | None:
        if self._pictures is None:
            return None
        try:
            return self._pictures.bounds(self.view)
        except StudioError:
            return (0.0, 0.0, float(self._pictures.width), float(self._pictures.height))

    def _moved(self) -> None:
        self._redraw(moving=True)
        self.post_message(self.Moved(self))

    def _redraw(self, *, moving: bool = False) -> None:
        """Draw anew: in few colours while the picture moves, in all of them once it rests."""
        self._strips = None
        self.is_drawn = False
        self.clear()
        if self._rest is not None:
            self._rest.stop()
            self._rest = None
        if moving and self.is_running:
            self._rest = self.set_timer(_REST_SECONDS, self._redraw)
        elif self._sharpness is not None and self.is_running:
            self._lay()
        self.refresh()

    @work(exclusive=True, group="sharp")
    async def _lay(self) -> None:
        """Lay real pixels over the cells, unless the picture moves on before they are made."""
        sharpness, region = self._sharpness, self.region
        if sharpness is None or self._pictures is None or not region.area or not self.is_uncovered:
            return
        across, high = sharpness.cell
        size = (region.width * across, region.height * high)
        window = (self.view, self.viewport.region, *size)
        try:
            pixels = await asyncio.to_thread(self._pictures.window, *window)
        except StudioError:
            return
        self.draw_over(pixels)
        self._laid = await asyncio.to_thread(
            place_picture, sharpness.protocol, self._number, pixels, region.offset, region.size
        )
        self._put()

    def _put(self) -> None:
        if self._laid and self.is_uncovered:
            self._write(self._laid)

    def _write(self, sequence: str) -> None:
        """Send a sequence by Textual's own way to the terminal, so that it cuts into nothing else."""
        driver = self.app._driver
        if driver is not None:
            driver.write(sequence)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Cells that are written again go over real pixels: lay those again."""
        if self._laid:
            self.call_after_refresh(self._put)
        return super().render_lines(crop)

    def on_resize(self) -> None:
        """Keep the place; a whole view stays whole."""
        self._fill()

    @property
    def _room(self) -> tuple[int, int]:
        """How many pixels there is room for, across and down."""
        return max(self.size.width, 1) * self.grain[0], max(self.size.height, 1) * self.grain[1]

    def _fill(self) -> None:
        fitted = self.viewport.fitted
        self.viewport = self.viewport.resized(*self._room)
        if fitted:
            self.fit()
        else:
            self._moved()

    def render_line(self, y: int) -> Strip:
        """One line of cells."""
        if self._strips is None or self._drawn_size != self.size:
            self._drawn_size = self.size
            self._strips = self._render_picture()
            self.post_message(self.Drawn())
        if y < len(self._strips):
            return self._strips[y]
        return Strip.blank(self.size.width, Style(bgcolor="#262626"))

    def _render_picture(self) -> list[Strip]:
        width, height = self.size.width, self.size.height
        if not width or not height:
            return []
        if self._room != (self.viewport.width, self.viewport.height):
            # A widget that is mounted late may never be told its size: Textual 8.2 loses the Resize.
            self._fill()
        if self._pictures is None:
            return self._words(self.trouble)
        try:
            pixels = self._pictures.window(self.view, self.viewport.region, width, height * 2)
        except StudioError as error:
            return self._words(f"{error.message}\n{error.hint}")
        self.draw_over(pixels)
        self.is_drawn = True
        return picture_strips(pixels, coarse=self.is_moving)

    def draw_over(self, pixels: Pixels) -> None:
        """Draw what is not of the photograph on a picture of the window, whatever its resolution."""
        draw_strokes(pixels, self.viewport.region, self.strokes_shown())
        for mark in (*self._marks, *([self._rubber_band] if self._rubber_band else [])):
            _draw_box(pixels, self.viewport.region, mark)

    def strokes_shown(self) -> tuple[Stroke, ...]:
        """The strokes that are drawn: on the original only, so that they hide nothing of the result."""
        return self.strokes if self.view is View.ORIGINAL and self.with_strokes else ()

    def _words(self, text: str) -> list[Strip]:
        """A sentence in place of a picture, wrapped and in the middle."""
        width, height = self.size.width, self.size.height
        style = Style(bgcolor="#{:02x}{:02x}{:02x}".format(*SURROUND), color="#a8a8a8")
        lines = _wrap(text, max(width - 4, 1))[:height]
        above = (height - len(lines)) // 2
        strips = []
        for row in range(height):
            line = lines[row - above] if 0 <= row - above < len(lines) else ""
            strips.append(Strip([Segment(line.center(width)[:width], style)], width))
        return strips

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel pans; with control it zooms at the pointer."""
        self._wheel(event, -1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel pans; with control it zooms at the pointer."""
        self._wheel(event, 1)

    def _wheel(self, event: events.MouseEvent, direction: int) -> None:
        event.stop()
        self._pointer = (event.x, event.y)
        if event.ctrl:
            self.step_zoom(-direction)
        elif event.shift:
            self.pan(direction * _WHEEL, 0)
        else:
            self.pan(0, direction * _WHEEL)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """A drag begins: it pans, or draws a box where one was asked for."""
        if self._pictures is None:
            return
        self.capture_mouse()
        if self.drawing:
            self._box_start = self.place_at(event.x, event.y)
        else:
            self._drag = (event.x, event.y)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """A drag goes on."""
        self._pointer = (event.x, event.y)
        if self._drag is not None:
            before = self._drag
            self._drag = (event.x, event.y)
            self.pan(before[0] - event.x, (before[1] - event.y) * 2)
        elif self._box_start is not None:
            self._rubber_band = Mark(self._box_to(event), (255, 255, 255))
            self._redraw()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """A drag ends."""
        self.release_mouse()
        self._drag = None
        if self._box_start is not None:
            left, top, right, bottom = (round(value) for value in self._box_to(event))
            self._box_start, self._rubber_band, self.drawing = None, None, False
            self._redraw()
            if right > left and bottom > top:
                self.post_message(self.BoxDrawn((left, top, right, bottom)))

    def on_mouse_release(self) -> None:
        """A dialog has taken the mouse away in the middle of a drag."""
        if self.app.mouse_captured is not self:
            self._drop()

    def _drop(self) -> None:
        """A drag that does not end is none."""
        self._drag = self._box_start = None
        if self._rubber_band is not None:
            self._rubber_band = None
            self._redraw()

    def on_leave(self) -> None:
        """The pointer left: zoom keys mean the middle again."""
        self._pointer = None

    def _box_to(self, event: events.MouseEvent) -> Rectangle:
        assert self._box_start is not None and self._pictures is not None
        start, end = self._box_start, self.place_at(event.x + 1, event.y + 1)
        width, height = self._pictures.width, self._pictures.height
        return (
            min(max(min(start[0], end[0]), 0.0), width),
            min(max(min(start[1], end[1]), 0.0), height),
            min(max(max(start[0], end[0]), 0.0), width),
            min(max(max(start[1], end[1]), 0.0), height),
        )


def _draw_box(pixels: Pixels, region: Rectangle, mark: Mark) -> None:
    """Draw the outline just outside the box, so that it hides nothing of what it is about."""
    height, width = pixels.shape[:2]
    across, down = width / (region[2] - region[0]), height / (region[3] - region[1])
    left = int((mark.box[0] - region[0]) * across) - 1
    top = int((mark.box[1] - region[1]) * down) - 1
    right = int(np.ceil((mark.box[2] - region[0]) * across))
    bottom = int(np.ceil((mark.box[3] - region[1]) * down))
    if right < 0 or bottom < 0 or left >= width or top >= height:
        return
    rows, columns = slice(max(top, 0), bottom + 1), slice(max(left, 0), right + 1)
    for row in (top, bottom):
        if 0 <= row < height:
            pixels[row, columns] = mark.colour
    for column in (left, right):
        if 0 <= column < width:
            pixels[rows, column] = mark.colour


def _wrap(text: str, width: int) -> list[str]:
    lines: list[str] = []
    for paragraph in text.splitlines():
        line = ""
        for word in paragraph.split():
            if line and len(line) + 1 + len(word) > width:
                lines.append(line)
                line = word
            else:
                line = f"{line} {word}".strip()
        lines.append(line)
    return lines
