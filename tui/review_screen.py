"""One piece, closely: every view at any zoom, the doubtful places one after the other, a decision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Static

from studiod.errors import GateRefused, StudioError, TransitionRefused
from studiod.ledger.looks import EDGE_PIXELS, Unseen, unseen
from studiod.ledger.records import ItemRecord, Look
from studiod.ledger.states import Status
from studiod.names import printable
from tui import words
from tui.brush_screen import BrushScreen
from tui.desk import Piece
from tui.dialogs import FlagAnswer, FlagDialog, Sure
from tui.keys import bindings
from tui.lines import KeyLine, SayLine
from tui.looks import LookLog
from tui.outside import open_outside
from tui.pictures import View
from tui.piece_text import head_text, here_text, spots_text
from tui.studio_screen import StudioScreen
from tui.tour import Tour
from tui.viewer import Mark, PictureView

Box = tuple[int, int, int, int]

SIDE_BY_SIDE_WIDTH = 120
_LIST_WIDTH = 100
_LEAST_WINDOW = 2 * (2 * EDGE_PIXELS + 1)
_BEFORE = (View.ORIGINAL, View.MATTE_BEFORE)
_ALWAYS = tuple(view for view in View if view is not View.MATTE_BEFORE)
_CUTOUTS = (View.CHECKER, View.WHITE, View.BLACK, View.GREY, View.RED)
_HERE, _THERE, _DRAWN = (255, 80, 60), (240, 192, 96), (255, 255, 255)
_WAITS = (Status.AWAITING_REVIEW, Status.APPROVED_ONCE)
_OUTSIDE = "the system's viewer"


class ReviewScreen(StudioScreen):
    """The review of one piece after the other."""

    CSS = """
    ReviewScreen { layout: vertical; }
    ReviewScreen #head { height: 1; padding: 0 1; background: #242424; }
    ReviewScreen #body { height: 1fr; }
    ReviewScreen #other { display: none; margin-right: 1; }
    ReviewScreen.-two #other { display: block; }
    ReviewScreen #list { width: 30; padding: 0 1; display: none; background: #1c1c1c; }
    ReviewScreen.-listed #list { display: block; }
    ReviewScreen #place { height: 1; padding: 0 1; background: #1c1c1c; }
    ReviewScreen.-saying #place { display: none; }
    ReviewScreen #finding { height: auto; max-height: 2; padding: 0 1; }
    """

    PLACE = "review"
    BINDINGS = [*bindings(PLACE), *bindings("everywhere")]

    def __init__(self, ids: list[int], item: int) -> None:
        super().__init__()
        self._ids = ids
        self._at = item
        self.piece: Piece | None = None
        self._next: Piece | None = None
        self.looked = LookLog()
        self._tour = Tour()
        self._only_missing = False
        self._two = False
        self._marks_shown = True
        self._box: Box | None = None
        self._cutout = View.CHECKER
        self._after = View.COMPOSITE
        self._claimed: int | None = None
        self._held: Callable[[], None] | None = None
        self._decided: set[int] = set()
        self._written: dict[str, Text] = {}

    def compose(self) -> ComposeResult:
        """Head, one or two pictures with the findings beside them, place, messages, keys."""
        yield Static(id="head")
        with Horizontal(id="body"):
            yield PictureView(View.ORIGINAL, id="other")
            yield PictureView(id="main")
            yield Static(id="list")
        yield Static(id="finding")
        yield Static(id="place")
        yield SayLine()
        yield KeyLine()

    @property
    def main(self) -> PictureView:
        """The picture that the keys move."""
        return self.query_one("#main", PictureView)

    @property
    def other(self) -> PictureView:
        """The original beside it."""
        return self.query_one("#other", PictureView)

    def on_mount(self) -> None:
        """Show the piece and keep its claim alive."""
        self.set_focus(None)
        self._go_to(self._at)
        self.set_interval(2.0, self._keep)
        self.set_interval(0.25, self._draw_seen)

    def on_unmount(self) -> None:
        """Whatever ends the terminal, what was looked at is kept and the piece is free."""
        self._let_go()

    def on_screen_suspend(self) -> None:
        """Whatever lies over the picture, it is not looked at meanwhile."""
        self._note()

    def on_screen_resume(self) -> None:
        """The picture is there again."""
        self._note()

    def on_resize(self) -> None:
        """The list of findings needs room."""
        self.set_class(self.size.width >= _LIST_WIDTH, "-listed")
        if self.size.width < SIDE_BY_SIDE_WIDTH and self._two:
            self._set_two(False)
        self._draw()

    # A piece

    def _go_to(self, item: int) -> None:
        """Claim a piece and show it."""
        self._at, self._held = item, None
        self.say.hush()
        self._load(item)

    def _is_here(self, action: Callable[[], None]) -> bool:
        """Whether the piece is on the screen; if it is on its way still, the action is taken once it is."""
        here = self.piece is not None and self.piece.item.id == self._at
        self._held = None if here else action
        return here

    @work(exclusive=True, group="load")
    async def _load(self, item: int) -> None:
        try:
            holder = await self.ask_patiently(self.desk.open, item)
            if holder != self.desk.person:
                question = f"{printable(holder.login)} has this piece open. Take it over?"
                if not await self.app.push_screen_wait(Sure(question)):
                    self._go_on(item, said="Left to them.")
                    return
                await self.ask_patiently(self.desk.open, item, take_over=True)
            self._claimed = item
            piece = await self.ask_patiently(self.desk.piece, item)
            prepared = self._next
            if prepared and (prepared.item.id, prepared.item.version) == (item, piece.item.version):
                piece = replace(prepared, item=piece.item)
            elif piece.pictures is not None:
                await self.draw_from(piece.pictures.prepare)
        except StudioError as error:
            self._show(None, f"{error.message}\n{error.hint}")
            return
        self._show(piece, piece.trouble)
        self._prefetch()

    def _show(self, piece: Piece | None, trouble: str) -> None:
        self._hand_in_looks()
        self.piece = piece
        self._tour = Tour(piece.findings, [(spot.x, spot.y) for spot in piece.spots]) if piece else Tour()
        self._box = None
        self._only_missing = False
        self._set_two(False)
        self.looked = LookLog(piece.looks if piece else ())
        pictures = piece.pictures if piece else None
        self.main.view = self._after = View.COMPOSITE
        strokes = piece.strokes if piece else ()
        self.main.show(pictures, trouble, strokes)
        self.other.show(pictures, trouble, strokes)
        self._draw()
        if piece is not None and self._held is not None:
            self._held()

    @work(exclusive=True, group="prefetch")
    async def _prefetch(self) -> None:
        """Have the next piece's previews ready before it is asked for."""
        following = self._neighbour(1)
        if following is None:
            return
        try:
            piece = await self.ask(self.desk.piece, following)
            if piece.pictures is not None:
                await self.draw_from(piece.pictures.prepare)
            self._next = piece
        except StudioError:
            self._next = None

    @work(exclusive=True, group="keep")
    async def _keep(self) -> None:
        """Keep the looks that are over, renew the claim; notice a new version and somebody taking over."""
        self._hand_in_looks(lasting=False)
        piece = self.piece
        if piece is None or self._claimed != piece.item.id:
            return
        try:
            holder = await self.ask(self.desk.open, piece.item.id)
            now = (await self.ask(self.desk.items, [piece.item.id]))[0]
        except (StudioError, IndexError):
            return
        if self.piece is not piece:
            return
        if holder != self.desk.person:
            self._claimed = None
            self.say.trouble(
                TransitionRefused(f"{holder.login} has taken this piece over.", "Go on to the next one.")
            )
        elif now.version != piece.item.version and now.status in _WAITS:
            self._go_to(now.id)
            self.say.trouble(
                TransitionRefused("This picture changed while you looked.", "This is the new one.")
            )
        elif now != piece.item and now.version == piece.item.version:
            self.piece = replace(piece, item=now)
            self._draw()

    def _neighbour(self, direction: int) -> int | None:
        """The next piece in the list that was not decided here."""
        if self._at not in self._ids:
            return None
        place = self._ids.index(self._at) + direction
        while 0 <= place < len(self._ids):
            if self._ids[place] not in self._decided:
                return self._ids[place]
            place += direction
        return None

    def _go_on(self, item: int, direction: int = 1, said: str = "") -> None:
        """To the neighbour of a piece; back to the queue where there is none."""
        self._at = item
        following = self._neighbour(direction)
        if following is None and direction < 0:
            self.say.say("This is the first one.")
            return
        self._let_go()
        if following is None:
            self.dismiss(None)
        else:
            self._go_to(following)
        if said:
            self.tell_person(said)

    def _let_go(self) -> None:
        self._hand_in_looks()
        claimed, self._claimed = self._claimed, None
        if claimed is not None:
            self.studio.tell(partial(self.desk.close, claimed), lambda: None)  # claims expire

    # Looking

    def _hand_in_looks(self, *, lasting: bool = True) -> None:
        """Give the ledger what was looked at since the last time; what it refuses goes with the next."""
        if self.piece is not None and (looks := self.looked.take(lasting=lasting)):
            self.studio.tell(
                partial(self.desk.keep_looks, self.piece.item, looks),
                partial(self.call_later, self.looked.give_back, looks),
            )

    @property
    def missing(self) -> Unseen:
        """What is still to be looked at before a mandatory piece may be approved."""
        if self.piece is None or self.piece.made is None:
            return Unseen(False, ())
        return unseen(self.piece.made, self.looked.looks())

    @on(PictureView.Moved)
    def _moved(self, event: PictureView.Moved) -> None:
        """One picture moved: the other follows; what is on the screen is noted."""
        event.stop()
        if self._two:
            follower = self.other if event.sender is self.main else self.main
            if event.sender.viewport.fitted and event.sender is self.other:
                return
            follower.follow(event.sender)
        self._note()
        self._draw_place()

    @on(PictureView.Drawn)
    def _note(self) -> None:
        """What stands on the screen counts as looked at: no picture that failed, nothing under a dialog."""
        for picture, shown in ((self.main, True), (self.other, self._two)):
            place = picture.id or ""
            is_of_this = picture.is_drawn and picture.view is not View.MATTE_BEFORE
            if shown and is_of_this and picture.is_uncovered:
                self.looked.see(place, picture.view, picture.viewport.region, picture.viewport.zoom)
            else:
                self.looked.away(place)

    def _set_two(self, two: bool) -> None:
        self._two = two
        self.set_class(two, "-two")
        if two:
            if self.main.view in _BEFORE:
                self.main.show_view(self._cutout if self.main.view is View.ORIGINAL else View.MATTE)
            self.other.view = self._before
            self.other.follow(self.main)
        self._note()

    @property
    def _before(self) -> View:
        """What the view is held against: the matte against that before a touch-up, all else the original."""
        was_touched_up = View.MATTE_BEFORE in self._views
        return View.MATTE_BEFORE if was_touched_up and self.main.view is View.MATTE else View.ORIGINAL

    @property
    def _views(self) -> tuple[View, ...]:
        pictures = self.main.pictures
        return _ALWAYS if pictures is None else pictures.views

    def _set_view(self, view: View) -> None:
        self.say.settle()
        if view not in _BEFORE:
            self._after = view
        if view in _CUTOUTS:
            self._cutout = view
        self.main.show_view(view)
        if self._two:
            self.other.view = self._before
            self.other.follow(self.main)
        self._draw_marks()

    def action_before_after(self) -> None:
        """The original at the same place, or the matte before a touch-up, and back."""
        self._set_view(self._after if self.main.view in _BEFORE else self._before)

    def action_view(self, direction: int) -> None:
        """The next view."""
        views = self._views
        self._set_view(views[(views.index(self.main.view) + direction) % len(views)])

    def action_show_view(self, name: str) -> None:
        """A view by name."""
        self._set_view(View[name])

    def action_cutout(self) -> None:
        """The cutout; again: on the next background."""
        if self.main.view in _CUTOUTS:
            self._set_view(_CUTOUTS[(_CUTOUTS.index(self.main.view) + 1) % len(_CUTOUTS)])
        else:
            self._set_view(self._cutout)

    def action_side_by_side(self) -> None:
        """Original and cutout beside each other, where there is room for both."""
        if self.size.width < SIDE_BY_SIDE_WIDTH:
            self.say.say(
                f"Side by side needs {SIDE_BY_SIDE_WIDTH} columns; "
                f"{self.key_of('review.before_after')} shows one after the other."
            )
            return
        self._set_two(not self._two)
        self._draw()

    def action_marks(self) -> None:
        """The findings' boxes and the strokes on or off."""
        self._marks_shown = not self._marks_shown
        self.main.with_strokes = self.other.with_strokes = self._marks_shown
        self._draw_marks()

    def action_fit(self) -> None:
        """The whole picture."""
        self.say.settle()
        self.main.fit()

    def action_zoom(self, zoom: int) -> None:
        """A fixed zoom."""
        self.say.settle()
        self.main.zoom_to(float(zoom))

    def action_step_zoom(self, direction: int) -> None:
        """In or out."""
        self.say.settle()
        self.main.step_zoom(direction)

    def action_pan(self, right: int, down: int) -> None:
        """Move the window."""
        self.main.pan(right, down)

    # Findings

    def action_finding(self, direction: int) -> None:
        """The next place that the risk scorer doubts, closer each time, and then each chosen one.

        After an approval that was refused: only what is still missing for it.
        """
        if not self._is_here(partial(self.action_finding, direction)):
            return
        self.say.settle()
        missing = self.missing if self._only_missing else Unseen(False, ())
        if self._only_missing and not missing:
            self._only_missing = False
            self.say.say(f"All of it is seen: {self.key_of('review.approve')} approves it.")
            return
        if missing.composite:
            self._set_two(False)
            self._set_view(View.COMPOSITE)
            self.main.fit()
            self._draw()
            return
        if not self._tour.spots:
            self.say.say("The risk score names no place here.")
            return
        step = self._tour.go(
            direction,
            side_by_side=self.size.width >= SIDE_BY_SIDE_WIDTH,
            cutout=self._cutout,
            wanted={(place.x, place.y) for place in missing.places} if missing else None,
        )
        if (step.view is None) != self._two:
            self._set_two(step.view is None)
        if step.view is not None:
            self._set_view(step.view)
        elif self.main.view not in _CUTOUTS:
            self._set_view(self._cutout)
        x, y = self._tour.spots[step.spot]
        self.main.look_at(x + 0.5, y + 0.5, step.zoom)
        self._draw()

    def action_draw_box(self) -> None:
        """The next drag draws the box of what is wrong."""
        self.main.drawing = True
        self.say.say("Drag a box over what is wrong.")

    @on(PictureView.BoxDrawn)
    def _box_drawn(self, event: PictureView.BoxDrawn) -> None:
        self._box = event.box
        self.say.say(f"The box {list(event.box)} goes with the flag ({self.key_of('review.flag')}).")
        self._draw_marks()

    @work(group="outside")
    async def action_open_outside(self, crop: bool) -> None:
        """The full composite, or the evidence of the finding, in the system's own viewer; the ledger knows.

        It proves nothing to the gate: nobody can say what was looked at there.
        """
        piece, finding = self.piece, self._tour.finding if crop else None
        if piece is None or piece.made is None:
            return
        if crop and finding is None:
            self.say.say(f"Go to a finding first ({self.key_of('review.finding')}).")
            return
        whole = piece.made.composite_box or (0.0, 0.0, 0.0, 0.0)
        try:
            open_outside(self.desk.picture_file(piece, finding))
            look = Look(_OUTSIDE, finding.box if finding else whole, 1.0, 0.0)
            await self.ask_patiently(self.desk.keep_looks, piece.item, (look,))
        except StudioError as error:
            self.say.trouble(error)
            return
        self.say.say("Opened in the system's viewer.")

    # Decisions

    @property
    def shown(self) -> ItemRecord | None:
        """The item on the screen, when it waits for a decision; says so where it does not.

        While another one is on its way there is none.
        """
        if self.piece is None or self.piece.item.id != self._at:
            return None
        if self.piece.item.status not in _WAITS:
            self.say.trouble(
                TransitionRefused(
                    f"This picture does not wait: it is {words.status_text(self.piece.item.status)}.", ""
                )
            )
            return None
        return self.piece.item

    def action_approve(self) -> None:
        """Approve, and on to the next."""
        item = self.shown
        if item is None:
            return
        missing = self.missing
        if item.mandatory and missing:
            self._only_missing = True
            self.say.trouble(
                GateRefused(f"Look first: {words.missing_text(missing)}.", self._how_to_see_it(missing))
            )
            return
        self._hand_in_looks()
        self.decide_approve(item)

    def _how_to_see_it(self, missing: Unseen) -> str:
        port = self.main.viewport
        if not missing.composite and min(port.width, port.height) < _LEAST_WINDOW:
            return "Make this window larger: a place must lie well inside it at 200 %."
        return f"{self.key_of('review.finding')} goes there."

    def action_flag(self) -> None:
        """Ask what is wrong, flag, and on to the next."""
        if not self._is_here(self.action_flag) or (item := self.shown) is None:
            return

        def answered(answer: FlagAnswer | None) -> None:
            if answer is not None:
                self._hand_in_looks()
                self.decide_flag(item, answer)

        dialog = FlagDialog(words.sku_text(item), self._tour.finding, self._box)
        self.app.push_screen(dialog, answered)

    def action_reject(self) -> None:
        """Shoot it again, and on to the next."""
        item = self.shown
        if item is not None:
            self._hand_in_looks()
            self.decide_reject(item)

    def action_brush(self) -> None:
        """Touch up right here; once the strokes are saved, on to the next while the matte is made again."""
        if not self._is_here(self.action_brush) or (item := self.shown) is None:
            return
        if self.piece is None or self.piece.pictures is None:
            self.say.say("There is no picture to paint on.")
            return

        def painted(saved: int | None) -> None:
            if saved is not None:
                self.decided(item)
                self.tell_person(f"{words.sku_text(item)} comes back once its matte is made again.")

        self.app.push_screen(BrushScreen(self.piece, self.main.viewport), painted)

    def action_skip(self, direction: int) -> None:
        """Leave this one undecided."""
        self._go_on(self._at, direction)

    def decided(self, item: ItemRecord) -> None:
        """On to the next."""
        self._decided.add(item.id)
        self._go_on(item.id)

    def undone(self, item: ItemRecord) -> None:
        """Back to what waits again."""
        self._decided.discard(item.id)
        if item.id not in self._ids:
            self._ids.insert(self._ids.index(self._at) if self._at in self._ids else 0, item.id)
        self._let_go()
        self._go_to(item.id)

    def action_leave(self) -> None:
        """Back to the queue."""
        self._let_go()
        self.dismiss(self._at)

    # Drawing

    def _draw(self) -> None:
        place = ""
        if self.piece is not None and self.piece.item.id in self._ids:
            place = f"{self._ids.index(self.piece.item.id) + 1} of {len(self._ids)}"
        head = Text() if self.piece is None else head_text(self.piece.item, place)
        self._put("#head", head)
        self._draw_marks()
        self._draw_seen()

    def _draw_seen(self) -> None:
        """What changes by looking alone."""
        self._draw_place()
        self._draw_findings()

    def _draw_marks(self) -> None:
        marks: list[Mark] = []
        if self.piece is not None and self._marks_shown:
            here = self._tour.spot
            for index, finding in enumerate(self.piece.findings):
                marks.append(Mark(finding.box, _HERE if index == here else _THERE))
            if here is not None and self._tour.finding is None:
                x, y = self._tour.spots[here]
                marks.append(Mark((x - 1, y - 1, x + 2, y + 2), _HERE))
        if self._box is not None:
            marks.append(Mark(self._box, _DRAWN))
        self.main.mark(tuple(marks))
        self.other.mark(tuple(marks))

    def _draw_place(self) -> None:
        port = self.main.viewport
        text = Text(no_wrap=True, overflow="ellipsis")
        left = f"{self.other.view.value} | " if self._two else ""
        text.append(f"{left}{self.main.view.value}", "bold")
        text.append("  fit " if port.fitted else "  ")
        text.append(f"{port.zoom * 100:.0f} %")
        if self.piece is not None and self.piece.item.mandatory and self.piece.item.status in _WAITS:
            missing = self.missing
            text.append(f"  {words.to_see_text(missing)}", "#e0b050" if missing else "#7fb57f")
        pictures = self.main.pictures
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
        looks, here = self.looked.looks(), self._tour.spot
        self._put("#list", spots_text(self.piece, looks, here))
        line = here_text(self.piece, looks, here, self.key_of("review.finding"))
        if here is None and View.MATTE_BEFORE in self._views:
            keys = f"{self.key_of('review.matte')}, then {self.key_of('review.before_after')}"
            line.append(f"  touched up: {keys} shows the matte before", "#8c8c8c")
        self._put("#finding", line)

    def _put(self, name: str, text: Text) -> None:
        """Write a text where it is not written already: a new one has the whole screen laid out again."""
        if self._written.get(name) != text:
            self._written[name] = text
            self.query_one(name, Static).update(text)
