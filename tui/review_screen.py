"""One piece after the other, closely: what the keys do, from the claim of a piece to its decision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from textual import on, work
from textual.app import ComposeResult
from textual.worker import Worker

from studiod.errors import GateRefused, StudioError, TransitionRefused
from studiod.ledger.looks import Unseen
from studiod.ledger.records import WAITING, ItemRecord, Look
from studiod.names import printable
from tui import words
from tui.brush_screen import BrushScreen
from tui.desk import Piece
from tui.dialogs import Sure
from tui.keys import bindings
from tui.lines import KeyLine, SayLine
from tui.outside import open_outside
from tui.pictures import View
from tui.piece_pane import SIDE_BY_SIDE_WIDTH, PiecePane
from tui.studio_screen import StudioScreen
from tui.viewer import PictureView

_OUTSIDE = "the system's viewer"


class ReviewScreen(StudioScreen):
    """The review of one piece after the other."""

    CSS = """
    ReviewScreen { layout: vertical; }
    ReviewScreen.-saying #place { display: none; }
    """

    PLACE = "review"
    BINDINGS = [*bindings(PLACE), *bindings("everywhere")]

    def __init__(self, ids: list[int], item: int) -> None:
        super().__init__()
        self._ids = ids
        self._at = item
        self.pane = PiecePane(self.key_of)
        self._next: Piece | None = None
        self._only_missing = False
        self._claimed: int | None = None
        self._loading: Worker[None] | None = None
        self._held: Callable[[], None] | None = None
        self._decided: set[int] = set()

    def compose(self) -> ComposeResult:
        """The piece, messages, keys."""
        yield self.pane
        yield SayLine()
        yield KeyLine()

    def on_mount(self) -> None:
        """Show the piece and keep its claim alive."""
        self.set_focus(None)
        self._go_to(self._at)
        self.set_interval(2.0, self._keep)

    def on_unmount(self) -> None:
        """Whatever ends the terminal, what was looked at is kept and the piece is free."""
        self._let_go()

    def on_screen_suspend(self) -> None:
        """Whatever lies over the picture, it is not looked at meanwhile."""
        self.pane.note()

    def on_screen_resume(self) -> None:
        """The picture is there again."""
        self.pane.note()

    # A piece

    def _go_to(self, item: int) -> None:
        """Claim a piece and show it."""
        self._at, self._held = item, None
        self.say.hush()
        self._loading = self._load(item)

    def _is_here(self, action: Callable[[], None]) -> bool:
        """Whether the piece is on the screen; if it is on its way still, the action is taken once it is."""
        here = self.pane.piece is not None and self.pane.piece.item.id == self._at
        self._held = None if here else action
        return here

    @work(exclusive=True, group="load")
    async def _load(self, item: int) -> None:
        self._claimed = item  # whoever goes on before the ledger has answered lets go of it all the same
        try:
            holder = await self.ask_patiently(self.desk.open, item)
            if holder != self.desk.person:
                question = f"{printable(holder.login)} has this piece open. Take it over?"
                if not await self.app.push_screen_wait(Sure(question)):
                    self._go_on(item, said="Left to them.")
                    return
                await self.ask_patiently(self.desk.open, item, take_over=True)
            piece = await self.ask_patiently(self.desk.piece, item)
            prepared = self._next if self._next and self._next.pictures else None
            if prepared and (prepared.item.id, prepared.item.version) == (item, piece.item.version):
                piece = replace(piece, pictures=prepared.pictures)  # what was seen since then counts too
            elif piece.pictures is not None:
                await self.draw_from(piece.pictures.prepare)
        except StudioError as error:
            self._show(None, f"{error.message}\n{error.hint}")
            return
        self._show(piece, piece.trouble)
        self._prefetch()

    def _show(self, piece: Piece | None, trouble: str) -> None:
        self._hand_in_looks()
        self._only_missing = False
        place = f"{self._ids.index(self._at) + 1} of {len(self._ids)}" if self._at in self._ids else ""
        self.pane.show(piece, trouble, place)
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
        piece = self.pane.piece
        if piece is None and self._loading is not None and self._loading.is_finished:
            self._go_to(self._at)  # it could not be read: once more
        if piece is None or self._claimed != piece.item.id:
            return
        try:
            holder = await self.ask(self.desk.open, piece.item.id)
            now = (await self.ask(self.desk.items, [piece.item.id]))[0]
        except (StudioError, IndexError):
            return
        if self.pane.piece is not piece or self._claimed != piece.item.id:
            return
        if holder != self.desk.person:
            self._claimed = None
            self.say.trouble(
                TransitionRefused(f"{holder.login} has taken this piece over.", "Go on to the next one.")
            )
        elif now.version != piece.item.version and now.status in WAITING.statuses:
            self._go_to(now.id)
            self.say.trouble(
                TransitionRefused("This picture changed while you looked.", "This is the new one.")
            )
        elif now != piece.item and now.version == piece.item.version:
            self.pane.piece = replace(piece, item=now)
            self.pane.draw()

    def _neighbour(self, direction: int) -> int | None:
        """The next piece in the list that was not decided here."""
        if self._at not in self._ids:
            return None
        place = self._ids.index(self._at)
        others = self._ids[place + 1 :] if direction > 0 else self._ids[:place][::-1]
        return next((item for item in others if item not in self._decided), None)

    def _go_on(self, item: int, direction: int = 1, said: str = "") -> None:
        """To the neighbour of a piece; back to the queue where there is none."""
        self._at = item
        following = self._neighbour(direction)
        if following is None and direction < 0:
            self.say.say("This is the first one.")
            return
        self._let_go()
        if following is None:
            self.leave(None)
        else:
            self._go_to(following)
        if said:
            self.studio.say.say(said)

    def _let_go(self) -> None:
        self._hand_in_looks()
        claimed, self._claimed = self._claimed, None
        if claimed is not None:
            self.studio.tell(partial(self.desk.close, claimed), lambda: None)  # claims expire

    # Looking

    def _hand_in_looks(self, *, lasting: bool = True) -> None:
        """Give the ledger what was looked at since the last time; what it refuses goes with the next."""
        piece, looked = self.pane.piece, self.pane.looked
        if piece is not None and (looks := looked.take(lasting=lasting)):
            self.studio.tell(
                partial(self.desk.keep_looks, piece.item, looks),
                partial(self.call_later, looked.give_back, looks),
            )

    def _set_view(self, view: View) -> None:
        self.say.settle()
        self.pane.set_view(view)

    def action_before_after(self) -> None:
        """The original at the same place, or the matte before a touch-up, and back."""
        self._set_view(self.pane.before_after)

    def action_view(self, direction: int) -> None:
        """The next view."""
        self._set_view(self.pane.view_after(direction))

    def action_show_view(self, name: str) -> None:
        """A view by name."""
        self._set_view(View[name])

    def action_cutout(self) -> None:
        """The cutout; again: on the next background."""
        self._set_view(self.pane.next_cutout)

    def action_side_by_side(self) -> None:
        """Original and cutout beside each other, where there is room for both."""
        if not self.pane.has_room_for_two:
            self.say.say(
                f"Side by side needs {SIDE_BY_SIDE_WIDTH} columns; "
                f"{self.key_of('review.before_after')} shows one after the other."
            )
            return
        self.pane.set_two(not self.pane.two)
        self.pane.draw()

    def action_marks(self) -> None:
        """The findings' boxes and the strokes on or off."""
        self.pane.toggle_marks()

    def action_fit(self) -> None:
        """The whole picture."""
        self.say.settle()
        self.pane.main.fit()

    def action_zoom(self, zoom: int) -> None:
        """A fixed zoom."""
        self.say.settle()
        self.pane.main.zoom_to(float(zoom))

    def action_step_zoom(self, direction: int) -> None:
        """In or out."""
        self.say.settle()
        self.pane.main.step_zoom(direction)

    def action_pan(self, right: int, down: int) -> None:
        """Move the window."""
        self.pane.main.pan(right, down)

    # Findings

    def action_finding(self, direction: int) -> None:
        """The next place that the risk scorer doubts, closer each time, and then each chosen one.

        After an approval that was refused: only what is still missing for it.
        """
        if not self._is_here(partial(self.action_finding, direction)):
            return
        self.say.settle()
        missing = self.pane.missing if self._only_missing else Unseen(False, ())
        if self._only_missing and not missing:
            self._only_missing = False
            self.say.say(f"All of it is seen: {self.key_of('review.approve')} approves it.")
        elif missing.composite:
            self.pane.show_whole()
        elif not self.pane.tour.spots:
            self.say.say("The risk score names no place here.")
        else:
            self.pane.go(direction, wanted={(place.x, place.y) for place in missing.places} or None)

    def action_draw_box(self) -> None:
        """The next drag draws the box of what is wrong."""
        self.pane.main.drawing = True
        self.say.say("Drag a box over what is wrong.")

    @on(PictureView.BoxDrawn)
    def _box_drawn(self, event: PictureView.BoxDrawn) -> None:
        self.pane.box = event.box
        self.say.say(f"The box {list(event.box)} goes with the flag ({self.key_of('review.flag')}).")
        self.pane.draw_marks()

    @work(group="outside")
    async def action_open_outside(self, crop: bool) -> None:
        """The full composite, or the evidence of the finding, in the system's own viewer; the ledger knows.

        It proves nothing to the gate: nobody can say what was looked at there.
        """
        piece, finding = self.pane.piece, self.pane.tour.finding if crop else None
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
        piece = self.pane.piece
        if piece is None or piece.item.id != self._at:
            return None
        if piece.item.status not in WAITING.statuses:
            state = words.status_text(piece.item.status)
            self.say.trouble(TransitionRefused(f"This picture does not wait: it is {state}.", ""))
            return None
        return piece.item

    def _decide(self, item: ItemRecord, call: Callable[[], object], said: Callable[[object], str]) -> None:
        """What was looked at comes before the decision that it allows."""
        self._hand_in_looks()
        super()._decide(item, call, said)

    def action_approve(self) -> None:
        """Approve, and on to the next."""
        item = self.shown
        if item is None:
            return
        missing = self.pane.missing
        if item.mandatory and missing:
            self._only_missing = True
            how = f"{self.key_of('review.finding')} goes there."
            if not missing.composite and not self.pane.is_large_enough:
                how = "Make this window larger: a place must lie well inside it at 200 %."
            self.say.trouble(GateRefused(f"Look first: {words.missing_text(missing)}.", how))
            return
        self.decide_approve(item)

    def action_flag(self) -> None:
        """Ask what is wrong, flag, and on to the next."""
        if self._is_here(self.action_flag) and (item := self.shown) is not None:
            self.ask_why(item, self.pane.tour.finding, self.pane.box)

    def action_reject(self) -> None:
        """Shoot it again, and on to the next."""
        if (item := self.shown) is not None:
            self.decide_reject(item)

    def action_brush(self) -> None:
        """Touch up right here; once the strokes are saved, on to the next while the matte is made again."""
        if not self._is_here(self.action_brush) or (item := self.shown) is None:
            return
        piece = self.pane.piece
        if piece is None or piece.pictures is None:
            self.say.say("There is no picture to paint on.")
            return

        def painted(saved: int | None) -> None:
            if saved is not None:
                self.decided(item)
                self.studio.say.say(f"{words.sku_text(item)} comes back once its matte is made again.")

        self.app.push_screen(BrushScreen(piece, self.pane.main.viewport), painted)

    def action_skip(self, direction: int) -> None:
        """Leave this one undecided."""
        self._go_on(self._at, direction)

    def decided(self, item: ItemRecord) -> None:
        """On to the next, unless one has gone on already."""
        self._decided.add(item.id)
        if item.id == self._at:
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
        self.leave(self._at)
