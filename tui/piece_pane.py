"""What is shown of one piece: a view of it or two side by side, its findings, and what was seen of it."""

from __future__ import annotations

from collections.abc import Callable, Collection

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from studiod.ledger.looks import EDGE_PIXELS, Unseen, unseen
from studiod.ledger.records import WAITING
from tui import words
from tui.desk import Box, Piece
from tui.looks import LookLog
from tui.pictures import View
from tui.piece_text import head_text, here_text, spots_text
from tui.tour import Tour
from tui.viewer import Mark, PictureView

SIDE_BY_SIDE_WIDTH = 120
_LIST_WIDTH = 100
_LEAST_WINDOW = 2 * (2 * EDGE_PIXELS + 1)
_BEFORE = (View.ORIGINAL, View.MATTE_BEFORE)
_ALWAYS = tuple(view for view in View if view is not View.MATTE_BEFORE)
_CUTOUTS = (View.CHECKER, View.WHITE, View.BLACK, View.GREY, View.RED)
_HERE, _THERE, _DRAWN = (255, 80, 60), (240, 192, 96), (255, 255, 255)


class PiecePane(Vertical):
    """The head of a piece, its pictures with the findings beside them, and below where one looks."""

    DEFAULT_CSS = """
    PiecePane #head { height: 1; padding: 0 1; background: #242424; }
    PiecePane #body { height: 1fr; }
    PiecePane #other { display: none; margin-right: 1; }
    PiecePane.-two #other { display: block; }
    PiecePane #list { width: 30; padding: 0 1; display: none; background: #1c1c1c; }
    PiecePane.-listed #list { display: block; }
    PiecePane #place { height: 1; padding: 0 1; background: #1c1c1c; }
    PiecePane #finding { height: auto; max-height: 2; padding: 0 1; }
    """

    def __init__(self, key_of: Callable[[str], str]) -> None:
        super().__init__()
        self._key_of = key_of
        self._number = ""
        self.main = PictureView(id="main")
        self.other = PictureView(View.ORIGINAL, id="other")
        self.piece: Piece | None = None
        self.looked = LookLog()
        self.tour = Tour()
        self.box: Box | None = None
        self.two = False
        self._marks_shown = True
        self._cutout = View.CHECKER
        self._after = View.COMPOSITE
        self._written: dict[str, Text] = {}

    def compose(self) -> ComposeResult:
        """Head, one or two pictures with the findings beside them, finding, place."""
        yield Static(id="head")
        with Horizontal(id="body"):
            yield self.other
            yield self.main
            yield Static(id="list")
        yield Static(id="finding")
        yield Static(id="place")

    def on_mount(self) -> None:
        """Tick what is seen while one looks."""
        self.set_interval(0.25, self._draw_seen)

    def on_resize(self) -> None:
        """The list of findings needs room, and so does a second picture."""
        self.set_class(self.size.width >= _LIST_WIDTH, "-listed")
        if not self.has_room_for_two and self.two:
            self.set_two(False)
        self.draw()

    @property
    def has_room_for_two(self) -> bool:
        """Whether two pictures find room beside each other."""
        return self.size.width >= SIDE_BY_SIDE_WIDTH

    def show(self, piece: Piece | None, trouble: str, number: str) -> None:
        """Show another piece, `number` of them all, the whole composite first, or say why there is none."""
        self.piece, self._number = piece, number
        self.tour = Tour(piece.findings, [(spot.x, spot.y) for spot in piece.spots]) if piece else Tour()
        self.box = None
        self.set_two(False)
        self.looked = LookLog(piece.looks if piece else ())
        self.main.view = self._after = View.COMPOSITE
        for picture in (self.main, self.other):
            picture.show(piece.pictures if piece else None, trouble, piece.strokes if piece else ())
        self.draw()

    # Views

    def set_two(self, two: bool) -> None:
        """One picture, or what it is held against beside it."""
        self.two = two
        self.set_class(two, "-two")
        if two:
            if self.main.view in _BEFORE:
                self.main.show_view(self._cutout if self.main.view is View.ORIGINAL else View.MATTE)
            self._show_other()
        self.note()

    def set_view(self, view: View) -> None:
        """Show another view at the same place."""
        if view not in _BEFORE:
            self._after = view
        if view in _CUTOUTS:
            self._cutout = view
        self.main.show_view(view)
        if self.two:
            self._show_other()
        self.draw_marks()

    def _show_other(self) -> None:
        self.other.view = self._before
        self.other.follow(self.main)

    @property
    def before_after(self) -> View:
        """What the view is held against, and from there what was shown before."""
        return self._after if self.main.view in _BEFORE else self._before

    @property
    def next_cutout(self) -> View:
        """The cutout; from there the cutout on the next background."""
        if self.main.view in _CUTOUTS:
            return _CUTOUTS[(_CUTOUTS.index(self.main.view) + 1) % len(_CUTOUTS)]
        return self._cutout

    def view_after(self, direction: int) -> View:
        """The view after this one (or before it, -1)."""
        return self._views[(self._views.index(self.main.view) + direction) % len(self._views)]

    @property
    def _before(self) -> View:
        """What the view is held against: the matte against that before a touch-up, all else the original."""
        was_touched_up = View.MATTE_BEFORE in self._views
        return View.MATTE_BEFORE if was_touched_up and self.main.view is View.MATTE else View.ORIGINAL

    @property
    def _views(self) -> tuple[View, ...]:
        pictures = self.main.pictures
        return _ALWAYS if pictures is None else pictures.views

    def go(self, direction: int, *, wanted: Collection[tuple[int, int]] | None) -> None:
        """To the next step of the tour (or the one before, -1), which has at least one spot."""
        step = self.tour.go(direction, side_by_side=self.has_room_for_two, cutout=self._cutout, wanted=wanted)
        if (step.view is None) != self.two:
            self.set_two(step.view is None)
        if step.view is not None:
            self.set_view(step.view)
        elif self.main.view not in _CUTOUTS:
            self.set_view(self._cutout)
        x, y = self.tour.spots[step.spot]
        self.main.look_at(x + 0.5, y + 0.5, step.zoom)
        self.draw()

    def show_whole(self) -> None:
        """The whole composite."""
        self.set_two(False)
        self.set_view(View.COMPOSITE)
        self.main.fit()
        self.draw()

    # What was seen

    @property
    def missing(self) -> Unseen:
        """What is still to be looked at before a mandatory piece may be approved."""
        if self.piece is None or self.piece.made is None:
            return Unseen(False, ())
        return unseen(self.piece.made, self.looked.looks())

    @property
    def is_large_enough(self) -> bool:
        """Whether a place can lie so well inside the picture at 200 % that it counts as seen."""
        return min(self.main.viewport.width, self.main.viewport.height) >= _LEAST_WINDOW

    @on(PictureView.Moved)
    def _moved(self, event: PictureView.Moved) -> None:
        """One picture moved: the other follows; what is on the screen is noted."""
        event.stop()
        if self.two:
            follower = self.other if event.sender is self.main else self.main
            if event.sender.viewport.fitted and event.sender is self.other:
                return
            follower.follow(event.sender)
        self.note()
        self._draw_place()

    @on(PictureView.Drawn)
    def note(self) -> None:
        """What stands on the screen counts as looked at: no picture that failed, nothing under a dialog."""
        for picture, shown in ((self.main, True), (self.other, self.two)):
            place = picture.id or ""
            is_of_this = picture.is_drawn and picture.view is not View.MATTE_BEFORE
            if shown and is_of_this and picture.is_uncovered:
                self.looked.see(place, picture.view, picture.viewport.region, picture.viewport.zoom)
            else:
                self.looked.away(place)

    # Drawing

    def draw(self) -> None:
        """Everything but the pictures themselves: head, marks, finding, place."""
        self._put("#head", Text() if self.piece is None else head_text(self.piece.item, self._number))
        self.draw_marks()
        self._draw_seen()

    def toggle_marks(self) -> None:
        """The findings' boxes and the strokes on or off."""
        self._marks_shown = not self._marks_shown
        for picture in (self.main, self.other):
            picture.show_strokes(self._marks_shown)
        self.draw_marks()

    def draw_marks(self) -> None:
        """Boxes around the findings, around the place that the tour came to, and the one that was drawn."""
        marks: list[Mark] = []
        if self.piece is not None and self._marks_shown:
            here = self.tour.spot
            for index, finding in enumerate(self.piece.findings):
                marks.append(Mark(finding.box, _HERE if index == here else _THERE))
            if here is not None and self.tour.finding is None:
                x, y = self.tour.spots[here]
                marks.append(Mark((x - 1, y - 1, x + 2, y + 2), _HERE))
        if self.box is not None:
            marks.append(Mark(self.box, _DRAWN))
        self.main.mark(tuple(marks))
        self.other.mark(tuple(marks))

    def _draw_seen(self) -> None:
        """What changes by looking alone."""
        self._draw_place()
        self._draw_findings()

    def _draw_place(self) -> None:
        port, pictures = self.main.viewport, self.main.pictures
        text = Text(no_wrap=True, overflow="ellipsis")
        left = f"{self.other.view.value} | " if self.two else ""
        text.append(f"{left}{self.main.view.value}", "bold")
        text.append("  fit " if port.fitted else "  ")
        text.append(f"{port.zoom * 100:.0f} %")
        item = self.piece.item if self.piece else None
        if item is not None and item.mandatory and item.status in WAITING.statuses:
            missing = self.missing
            text.append(f"  {words.to_see_text(missing)}", "#e0b050" if missing else "#7fb57f")
        if pictures is not None:
            text.append(f"  at {port.x:.0f}, {port.y:.0f} of {pictures.width} x {pictures.height}", "#8c8c8c")
            if port.zoom > 1 and not pictures.has_native(self.main.view):
                text.append("  (preview only)", "#e0b050")
        self._put("#place", text)

    def _draw_findings(self) -> None:
        """The findings and what else is to be looked at, ticked as they are seen."""
        if self.piece is None:
            self._put("#list", Text())
            self._put("#finding", Text())
            return
        looks, here = self.looked.looks(), self.tour.spot
        rows = self.main.size.height
        self._put("#list", spots_text(self.piece, looks, here, rows))
        line = here_text(self.piece, looks, here, self._key_of("review.finding"))
        if here is None and View.MATTE_BEFORE in self._views:
            keys = f"{self._key_of('review.matte')}, then {self._key_of('review.before_after')}"
            line.append(f"  touched up: {keys} shows the matte before", "#8c8c8c")
        self._put("#finding", line)

    def _put(self, name: str, text: Text) -> None:
        """Write a text where it is not written already: a new one has the whole screen laid out again."""
        if self._written.get(name) != text:
            self._written[name] = text
            self.query_one(name, Static).update(text)
