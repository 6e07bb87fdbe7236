"""Touching up right here: keep and remove strokes over a piece, from which its matte is made again."""

from __future__ import annotations

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Static

from studiod.errors import StudioError
from studiod.ledger.records import ItemRecord
from studiod.strokes import Mode, Stroke
from tui import words
from tui.brush import COLOURS, MEANING, MODES, wider
from tui.brush_view import LEAST_ZOOM, BrushView
from tui.desk import Piece
from tui.dialogs import Sure
from tui.keys import bindings
from tui.lines import KeyLine, SayLine
from tui.pictures import View
from tui.studio_screen import StudioScreen
from tui.viewer import PictureView
from tui.viewport import Viewport

_PANEL_WIDTH = 100
_VIEWS = (View.ORIGINAL, View.CHECKER, View.MATTE)


class BrushScreen(StudioScreen):
    """One piece under the brush; answers with the item's id once the strokes are saved."""

    CSS = """
    BrushScreen { layout: vertical; }
    BrushScreen #head { height: 1; padding: 0 1; background: #242424; }
    BrushScreen #body { height: 1fr; }
    BrushScreen #panel { width: 32; padding: 1 2; display: none; background: #1c1c1c; }
    BrushScreen.-roomy #panel { display: block; }
    BrushScreen #place { height: 1; padding: 0 1; background: #1c1c1c; }
    BrushScreen.-saying #place { display: none; }
    """

    PLACE = "brush"
    BINDINGS = [*bindings(PLACE), *bindings("everywhere")]

    def __init__(self, piece: Piece, viewport: Viewport) -> None:
        super().__init__()
        self.piece = piece
        self._start = viewport

    def compose(self) -> ComposeResult:
        """Head, the picture and the brushes, place, messages, keys."""
        yield Static(id="head")
        with Horizontal(id="body"):
            yield BrushView(id="canvas")
            yield Static(id="panel")
        yield Static(id="place")
        yield SayLine()
        yield KeyLine()

    @property
    def canvas(self) -> BrushView:
        """The picture that is painted on."""
        return self.query_one(BrushView)

    @property
    def is_drawn(self) -> bool:
        """Whether the picture is on the screen and can be painted on."""
        return any(canvas.is_drawn for canvas in self.query(BrushView))

    def on_mount(self) -> None:
        """Begin where the review was, close enough to paint; the strokes of this version are there again."""
        self.set_focus(None)
        canvas = self.canvas
        canvas.show(self.piece.pictures, self.piece.trouble, self.piece.strokes)
        start = self._start
        canvas.place = (start.x, start.y)
        canvas.look_at(start.x, start.y, min(max(start.zoom, LEAST_ZOOM), 8.0))
        self._draw()

    def on_resize(self) -> None:
        """The brushes need room."""
        self.set_class(self.size.width >= _PANEL_WIDTH, "-roomy")
        self._draw()

    # The brush

    def action_brush(self, mode: Mode) -> None:
        """Another brush."""
        self.canvas.choose(mode, self.canvas.brush_width)
        self._draw()

    def action_size(self, direction: int) -> None:
        """A wider or finer brush."""
        self.canvas.choose(self.canvas.mode, wider(self.canvas.brush_width, direction))
        self._draw()

    def action_pen(self) -> None:
        """Put the brush down, or lift it."""
        if self.canvas.is_down:
            self.canvas.lift()
        else:
            self.canvas.touch()
        self._draw()

    def action_stroke(self, right: int, down: int) -> None:
        """Move the brush; it paints while it is down."""
        self.canvas.move_brush(right, down)

    def action_undo(self) -> None:
        """Take the last stroke back."""
        if not self.canvas.undo():
            self.say.say("There is no stroke to take back.")

    @work
    async def action_save(self) -> None:
        """Have the matte made again with these strokes."""
        item = self.piece.item
        if item.id in self._deciding:
            return
        self.canvas.lift()
        strokes = self.canvas.strokes
        if strokes == self.piece.strokes:
            self.say.say("Nothing is painted yet.")
            return
        self._deciding.add(item.id)
        try:
            async with self.studio.turn:
                await self.ask_patiently(self.desk.touch_up, item, strokes)
        except StudioError as error:
            self.refused(error)
            return
        finally:
            self._deciding.discard(item.id)
        self.leave(item.id)

    def action_leave(self) -> None:
        """Back to the piece; painted strokes are not lost without a question."""
        self._leave()

    @work(exclusive=True, group="leave")
    async def _leave(self) -> None:
        if self.canvas.is_down or self.canvas.strokes != self.piece.strokes:
            saving = f"To keep them: n, then {self.key_of('brush.save')}."
            if not await self.app.push_screen_wait(Sure(f"Leave and lose these strokes? {saving}")):
                return
        self.leave(None)

    # Looking

    def action_view(self) -> None:
        """The original, the cutout, the matte."""
        here = _VIEWS.index(self.canvas.view)
        self.canvas.show_view(_VIEWS[(here + 1) % len(_VIEWS)])

    def action_zoom(self, zoom: int) -> None:
        """A fixed zoom."""
        self.canvas.zoom_to(float(zoom))

    def action_step_zoom(self, direction: int) -> None:
        """In or out, never so far out that a stroke could not be placed."""
        self.canvas.zoom_to(max(self.canvas.viewport.step(direction), LEAST_ZOOM))

    @on(PictureView.Moved)
    def _moved(self, event: PictureView.Moved) -> None:
        event.stop()
        self._draw()

    @on(BrushView.Painted)
    def _painted(self) -> None:
        self._draw()

    def decided(self, item: ItemRecord) -> None:
        """No decision is taken here."""

    def undone(self, item: ItemRecord) -> None:
        """No decision is taken back here."""

    # Drawing

    def _draw(self) -> None:
        canvas, item = self.canvas, self.piece.item
        head = Text(no_wrap=True, overflow="ellipsis")
        head.append("brush  ", "bold #f0c060")
        head.append(words.sku_text(item), "bold")
        head.append(f"  {words.piece_text(item)}", "#8c8c8c")
        self.query_one("#head", Static).update(head)
        self.query_one("#panel", Static).update(self._panel())
        place = Text(no_wrap=True, overflow="ellipsis")
        place.append("■ ", _hex(canvas.mode))
        place.append(f"{canvas.mode} {canvas.brush_width} px", "bold")
        place.append(" painting" if canvas.is_down else "", _hex(canvas.mode))
        place.append(f"  {_count(canvas.strokes)}")
        place.append(f"  {canvas.view.value}  {canvas.viewport.zoom * 100:.0f} %", "#8c8c8c")
        self.query_one("#place", Static).update(place)

    def _panel(self) -> Text:
        canvas = self.canvas
        text = Text()
        for mode in MODES:
            here = mode == canvas.mode
            text.append("● " if here else "○ ", _hex(mode))
            text.append(f"{mode:<8}", "bold" if here else "")
            text.append(f"{self.key_of(f'brush.{mode}')}\n", "bold #f0c060")
            text.append(f"  {MEANING[mode]}\n\n", "#a8a8a8" if here else "#6c6c6c")
        text.append(f"{canvas.brush_width} px ", "bold")
        text.append("of the photograph\n", "#8c8c8c")
        text.append(f"{_count(canvas.strokes)}\n", "#8c8c8c")
        return text


def _count(strokes: tuple[Stroke, ...]) -> str:
    return "1 stroke" if len(strokes) == 1 else f"{len(strokes) or 'no'} strokes"


def _hex(mode: Mode) -> str:
    return "#{:02x}{:02x}{:02x}".format(*COLOURS[mode])
