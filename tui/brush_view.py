"""The picture that one paints on: the mouse or the keys move a round brush over it."""

from __future__ import annotations

from textual import events
from textual.message import Message

from studiod.strokes import Mode, Stroke
from tui.brush import Point, draw_brush, painted_on
from tui.pictures import View
from tui.viewer import PictureView, Pixels

LEAST_ZOOM = 2.0
_EDGE = 0.15


class BrushView(PictureView):
    """A picture with strokes on it: the left button paints, the other buttons and the wheel pan."""

    class Painted(Message):
        """A stroke is whole."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(View.ORIGINAL, id=id)
        self.mode: Mode = "keep"
        self.brush_width = 4
        self.place: Point = (0.0, 0.0)
        self._line: Stroke | None = None

    @property
    def is_down(self) -> bool:
        """Whether the brush touches the picture."""
        return self._line is not None

    def choose(self, mode: Mode, width: int) -> None:
        """Take another brush; a stroke that is being painted ends first."""
        self.lift()
        self.mode, self.brush_width = mode, width
        self._redraw()

    def move_brush(self, right: int, down: int) -> None:
        """Move the brush by half blocks; the window follows where it comes near the edge."""
        if self.pictures is None:
            return
        across, high = self.grain
        x = self.place[0] + right * across / self.viewport.zoom
        y = self.place[1] + down * high / 2 / self.viewport.zoom
        self._go_to(min(max(x, 0.0), self.pictures.width), min(max(y, 0.0), self.pictures.height))
        self._keep_in_sight()

    def touch(self) -> None:
        """Put the brush down where it is."""
        if self.pictures is not None and self._line is None:
            self._line = Stroke((self.place,), self.brush_width / 2, self.mode)
            self._redraw()

    def lift(self) -> None:
        """Lift the brush: the stroke is whole."""
        if self._line is not None:
            self.strokes, self._line = (*self.strokes, self._line), None
            self.post_message(self.Painted())
            self._redraw()

    def undo(self) -> bool:
        """Take the last stroke back; False where there is none."""
        if self._line is not None:
            self._line = None
        elif self.strokes:
            self.strokes = self.strokes[:-1]
        else:
            return False
        self.post_message(self.Painted())
        self._redraw()
        return True

    def draw_over(self, pixels: Pixels) -> None:
        """The strokes, the one being painted, and the brush itself."""
        super().draw_over(pixels)
        draw_brush(pixels, self.viewport.region, self.place, self.mode, self.brush_width)

    def strokes_shown(self) -> tuple[Stroke, ...]:
        """Every stroke on every view, with the one that is being painted."""
        return self.strokes if self._line is None else (*self.strokes, self._line)

    def _moved(self) -> None:
        super()._moved()
        self._keep_brush_in_window()

    def _go_to(self, x: float, y: float) -> None:
        self.place = (x, y)
        if self._line is not None:
            self._line = painted_on(self._line, x, y)
        self._redraw(moving=True)

    def _keep_in_sight(self) -> None:
        """Move the window so that the brush stays clear of its edges."""
        left, top, right, bottom = self.viewport.region
        margin_x, margin_y = (right - left) * _EDGE, (bottom - top) * _EDGE
        x, y = self.place
        shift_x = min(x - (left + margin_x), 0) + max(x - (right - margin_x), 0)
        shift_y = min(y - (top + margin_y), 0) + max(y - (bottom - margin_y), 0)
        if shift_x or shift_y:
            port = self.viewport
            self._look(port.look_at(port.x + shift_x, port.y + shift_y, port.zoom))

    def _keep_brush_in_window(self) -> None:
        """The window moved: the brush stays in it, unless it is painting or the mouse holds it."""
        left, top, right, bottom = self.viewport.region
        if self._line is None:
            self.place = (min(max(self.place[0], left), right), min(max(self.place[1], top), bottom))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """The left button paints."""
        event.prevent_default()
        if event.button > 1:
            super().on_mouse_down(event)
        elif self.pictures is not None:
            self.capture_mouse()
            self.lift()
            self.place = self.place_at(event.x + 0.5, event.y + 0.5)
            self.touch()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """The brush is where the pointer is."""
        event.prevent_default()
        if self._drag is not None:
            super().on_mouse_move(event)
        elif self.pictures is not None:
            self._pointer = (event.x, event.y)
            self._go_to(*self.place_at(event.x + 0.5, event.y + 0.5))

    def on_mouse_release(self) -> None:
        """A dialog has taken the mouse away: the stroke ends."""
        if self.app.mouse_captured is not self:
            self.lift()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """The stroke ends with the button."""
        event.prevent_default()
        super().on_mouse_up(event)
        self.lift()
