"""The queue: what waits for a person, the dearest mistake first, with the chosen piece beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Static
from textual.worker import Worker

from studiod.errors import GateRefused, LedgerError, NotLookedAt, StudioError, TransitionRefused
from studiod.ledger.records import ItemRecord
from studiod.names import printable
from tui import words
from tui.desk import VIEWS, Piece, Pulse
from tui.dialogs import Sure
from tui.keys import bindings
from tui.lines import KeyLine, SayLine
from tui.queue_table import QueueTable
from tui.studio_screen import StudioScreen

if TYPE_CHECKING:
    from tui.side import Side

_AGAIN_SECONDS = 2.0
_NOTHING = {
    "waiting": "Nothing waits for a person.",
    "mandatory": "Nothing waits that a person must see.",
}


class QueueScreen(StudioScreen):
    """Lists, one key each; decisions on the chosen piece; a live table that never steals the cursor."""

    CSS = """
    QueueScreen { layout: vertical; }
    QueueScreen #head, QueueScreen #tabs { height: 1; padding: 0 1; background: #242424; }
    QueueScreen #tabs { background: #1c1c1c; }
    QueueScreen #body { height: 1fr; }
    QueueScreen #room { width: 40%; min-width: 30; max-width: 100; padding-left: 1; }
    QueueScreen #search { height: 1; border: none; padding: 0 1; background: #1c1c1c; display: none; }
    QueueScreen.-searching #search { display: block; }
    """

    PLACE = "queue"
    BINDINGS = [*bindings(PLACE), *bindings("everywhere")]

    def __init__(self) -> None:
        super().__init__()
        self.view = "waiting"
        self._search = ""
        self._event = -1
        self._reset = False
        self._go_to: int | None = None
        self._renewal: Worker[None] | None = None
        self._batch: Worker[None] | None = None
        self._counts: dict[str, int] = {}
        self._pulse: Pulse | None = None
        self.piece: Piece | None = None
        self.side: Side | None = None
        self._silent = ""

    def compose(self) -> ComposeResult:
        """Head, tabs, table and piece, messages, keys."""
        yield Static(id="head")
        yield Static(id="tabs")
        with Horizontal(id="body"):
            yield QueueTable(id="table")
            yield Vertical(id="room")
        yield Input(placeholder="SKU or name", id="search")
        yield SayLine()
        yield KeyLine()

    @property
    def table(self) -> QueueTable:
        """The table."""
        return self.query_one(QueueTable)

    def on_mount(self) -> None:
        """Fill the screen, then keep it alive."""
        self.table.focus()
        self.table.nothing = "Reading the queue …"
        self.renew(reset=True)
        self.set_interval(1.0, self._tick)
        self.set_interval(2.0, self._renew_rows)

    def on_resize(self) -> None:
        """The names of the lists need room."""
        self._draw_head()

    def on_screen_resume(self) -> None:
        """Back from a piece: things have changed."""
        self._event = -1
        self.renew()

    # Live

    def renew(self, *, reset: bool = False, item: int | None = None) -> None:
        """Fetch the view anew if anything changed; `reset` starts at its top, `item` goes to an item."""
        self._reset = self._reset or reset
        self._go_to = self._go_to if item is None else item
        if reset or item is not None:
            self._event = -1
        self._renewal = self._renew()

    def _tick(self) -> None:
        """Look again, unless the last look is not over: a slow database is not asked twice."""
        if self._renewal is None or self._renewal.is_finished:
            self.renew()

    @work(exclusive=True, group="renew")
    async def _renew(self) -> None:
        """What a later look cut short, the later one does: it is noted until it is done."""
        desk = self.desk
        try:
            pulse = await self.ask(desk.pulse)
            if pulse.event != self._event:
                ids = await self.ask(desk.ids, self.view, self._search)
                self.table.with_status = self.view == "everything"
                self.table.nothing = (
                    "Nothing is found." if self._search else _NOTHING.get(self.view, "Nothing here.")
                )
                reset, self._reset = self._reset, False
                item, self._go_to = self._go_to, None
                self.table.show_ids(ids, keep=not reset)
                if item is not None:
                    self.table.move_to_item(item)
                await self._fetch_rows(self.table.visible_ids())
                self.call_after_refresh(self._choose, force=reset)
                self._counts = await self.ask(desk.counts)
                self._event = pulse.event
            self._pulse = pulse
            if self._silent:
                self._silent = ""
                self.say.hush()
        except StudioError as error:
            if not self._silent:
                self._silent = error.message
                self.say.trouble(LedgerError(error.message, "What is shown may be old; trying again."))
            self.table.forget_asked()
        self._draw_head()

    @work(exclusive=True, group="rows")
    async def _renew_rows(self) -> None:
        try:
            await self._fetch_rows(self.table.visible_ids())
        except StudioError:
            return
        self._draw_details()

    @on(QueueTable.Wanted)
    def _rows_wanted(self, event: QueueTable.Wanted) -> None:
        self._load_rows(event.ids)

    @work(group="more-rows")
    async def _load_rows(self, ids: list[int]) -> None:
        try:
            await self._fetch_rows(ids)
        except StudioError:
            self.table.forget_asked()
            return
        self._choose()

    async def _fetch_rows(self, ids: list[int]) -> None:
        if ids:
            self.table.put_rows(await self.ask(self.desk.items, ids))

    # The chosen piece

    @on(QueueTable.Chosen)
    def _chosen(self, event: QueueTable.Chosen) -> None:
        if event.by_hand:
            self._settle()
        self._choose()

    def _choose(self, *, force: bool = False) -> None:
        """Show the chosen piece beside the table, unless that very version is shown already."""
        chosen = self.table.chosen
        shown = self.piece.item if self.piece else None
        if chosen is None:
            if self.table.chosen_id is None:
                self.piece = None
                if self.side is not None:
                    self.side.show_piece(None, "")
        elif force or shown is None or (shown.id, shown.version) != (chosen.id, chosen.version):
            self._load_piece(chosen.id)
        self._draw_details()

    @work(exclusive=True, group="piece")
    async def _load_piece(self, item: int) -> None:
        side = self.side or await self._open_side()
        try:
            piece = await self.ask(self.desk.piece, item)
            if piece.pictures is not None:
                await self.draw_from(piece.pictures.prepare)
        except StudioError as error:
            if self.table.chosen_id == item:
                self.piece = None
                side.show_piece(None, f"{error.message}\n{error.hint}")
                self.set_timer(_AGAIN_SECONDS, self._choose)
            return
        if self.table.chosen_id == item:
            self.piece = piece
            side.show_piece(piece, piece.trouble)
            self._draw_details()

    async def _open_side(self) -> Side:
        """The pane beside the table, made once there is a piece to show in it."""
        side_type = await self.ask(_side_type)
        if self.side is None:
            self.side = side_type()
            self.query_one("#room").mount(self.side)
            self.side.picture.sharpen(self.studio.sharpness)
        return self.side

    # Drawing

    def _draw_head(self) -> None:
        now = self._pulse.now if self._pulse else 0.0
        daemon = self._pulse.daemon if self._pulse else None
        text = Text(no_wrap=True, overflow="ellipsis")
        if self._pulse:
            said, well = words.daemon_text(daemon, now)
            text.append("● " if well else "✖ ", "#7fb57f" if well else "#e8695e")
            text.append(said, "" if well else "bold #e8695e")
            estimate = words.estimate_text(daemon, self._counts.get("unmade", 0), now)
            if estimate:
                text.append(f"  {estimate}", "#8c8c8c")
        text.append(f"  {printable(self.desk.person.login)}", "#8c8c8c")
        if self._search:
            text.append(f"  search: {printable(self._search)}, {len(self.table.ids)} found", "#f0c060")
        self.query_one("#head", Static).update(text)
        tabs = Text(no_wrap=True)
        roomy = self.size.width >= 112
        for view in VIEWS.values():
            key = self.key_of(f"view.{view.name}")
            here, count = view.name == self.view, self._counts.get(view.name, 0)
            said = f"{key} {view.words if roomy else view.short}{f' {count}' if count else ''}"
            tabs.append(said, "bold #f0c060" if here else "#a8a8a8" if count else "#6c6c6c")
            tabs.append("  ")
        self.query_one("#tabs", Static).update(tabs)

    def _draw_details(self) -> None:
        if self.side is not None:
            self.side.show_item(self.table.chosen)

    # Keys

    def action_move(self, rows: int) -> None:
        """Up or down."""
        self.table.move_to(self.table.cursor + rows)

    def action_page(self, direction: int) -> None:
        """A page up or down."""
        self.table.move_to(self.table.cursor + direction * self.table.page)

    def action_end(self, direction: int) -> None:
        """First or last."""
        self.table.move_to(len(self.table.ids) if direction > 0 else 0)

    def action_show(self, view: str) -> None:
        """Another list."""
        self._settle()
        self.view = view
        self.renew(reset=True)

    def action_before_after(self) -> None:
        """The original under the composite, and back."""
        if self.side is not None:
            self.side.before_after()

    def action_search(self) -> None:
        """Ask for a part of a SKU or name."""
        self._settle()
        self.add_class("-searching")
        self.set_focus(self.query_one("#search", Input))

    def action_clear_search(self) -> None:
        """All again."""
        self.query_one("#search", Input).value = ""
        self._end_search("")

    @on(Input.Submitted, "#search")
    def _searched(self, event: Input.Submitted) -> None:
        self._end_search(event.value.strip())

    def _end_search(self, search: str) -> None:
        self.remove_class("-searching")
        self.set_focus(self.table)
        if search != self._search:
            self._search = search
            self.renew(reset=True)

    @on(QueueTable.Opened)
    def action_open(self) -> None:
        """Look closely at the chosen piece."""
        if self.table.chosen_id is not None and self.is_active:
            from tui.review_screen import ReviewScreen

            self.app.push_screen(ReviewScreen(list(self.table.ids), self.table.chosen_id), self._returned)

    def _returned(self, item: int | None) -> None:
        if item is not None:
            self.table.move_to_item(item)

    def action_approve(self) -> None:
        """Approve the chosen piece as it is shown."""
        self._with_chosen(self.decide_approve)

    def action_flag(self) -> None:
        """Ask what is wrong, then flag."""
        self._with_chosen(self._ask_why)

    def action_reject(self) -> None:
        """Shoot it again."""
        self._with_chosen(self.decide_reject)

    def _with_chosen(self, decide: Callable[[ItemRecord], None]) -> None:
        """Decide the chosen item, unless a colleague has it open and one leaves it to them."""
        item, row = self._seen_item(), self.table.chosen
        if item is None or row is None:
            return
        if row.opened_by in (None, self.desk.person.login):
            decide(item)
            return

        def answered(yes: bool | None) -> None:
            if yes:
                decide(item)

        question = f"{printable(row.opened_by)} has this piece open. Decide it all the same?"
        self.app.push_screen(Sure(question), answered)

    def _ask_why(self, item: ItemRecord) -> None:
        findings = self.piece.findings if self.piece else ()
        self.ask_why(item, findings[0] if findings else None)

    def _settle(self) -> None:
        """A refusal stands no longer; that the ledger does not answer stands until it does."""
        if not self._silent:
            self.say.settle()

    def _seen_item(self) -> ItemRecord | None:
        """The chosen item at the version whose picture is on screen; says so where there is none."""
        chosen = self.table.chosen
        if chosen is None:
            return None
        if self.piece is None or self.piece.item.id != chosen.id:
            self.say.trouble(TransitionRefused("This picture is not on the screen yet.", "Wait a moment."))
            return None
        return self.piece.item

    def action_batch(self) -> None:
        """Approve what is neither mandatory nor risky, after asking."""
        if self._batch is None or self._batch.is_finished:
            self._batch = self._approve_many()

    @work(group="batch")
    async def _approve_many(self) -> None:
        desk = self.desk
        try:
            items = await self.ask(desk.cheap_and_low)
            if not items:
                self.say.say(f"Nothing waits that is not mandatory and has a risk below {desk.low_risk:g}.")
                return
            question = (
                f"Approve {len(items)} pieces without looking at each? None is mandatory, and each has a "
                f"risk below {desk.low_risk:g}."
            )
            if not await self.app.push_screen_wait(Sure(question)):
                return
            refused = 0
            async with self.studio.turn:
                for item in items:
                    try:
                        await self.ask_patiently(desk.approve_unseen, item)
                    except (TransitionRefused, GateRefused):
                        refused += 1
            changed = f"; {refused} had changed or been opened and were left" if refused else ""
            self.studio.say.say(f"Approved {len(items) - refused}{changed}.")
        except StudioError as error:
            self.refused(error)
        self._event = -1
        self.renew()

    def decided(self, item: ItemRecord) -> None:
        """The row leaves the view; the next piece moves under the cursor."""
        self._event = -1
        self.renew()

    def refused(self, error: StudioError) -> None:
        """Say why, and where one looks at it."""
        if isinstance(error, NotLookedAt):
            keys = f"{self.key_of('queue.open')} opens it, {self.key_of('review.finding')} goes there"
            error = NotLookedAt("Not all of it was looked at.", f"{keys}.")
        super().refused(error)

    def undone(self, item: ItemRecord) -> None:
        """The cursor goes to what waits again."""
        self._event = -1
        self.renew(item=item.id)


def _side_type() -> type[Side]:
    # Imported here: what pictures need takes longer than the list.
    from tui.side import Side

    return Side
