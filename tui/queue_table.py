"""The table of the queue: it holds the ids of a view and only those rows that are near the screen."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from studiod.ledger.records import ItemRecord
from studiod.ledger.states import Status
from studiod.names import inert, printable
from tui import words

_MARGIN = 50
_KEPT = 1000


@dataclass(frozen=True, slots=True)
class Column:
    """A column and its width in cells."""

    name: str
    width: int


_TITLES = {
    "mark": "", "sku": "SKU", "price": "price", "risk": "risk", "age": "age", "reasons": "why",
    "piece": "piece", "folder": "folder", "opened": "open by", "status": "status",
}  # fmt: skip

_RIGHT = frozenset({"price", "age"})


def columns_for(width: int, *, with_status: bool = False) -> tuple[Column, ...]:
    """The columns that fit a width: the decisive ones first, the telling ones where there is room."""
    widths = {"mark": 1, "sku": 12, "price": 13, "risk": 9}
    order = ["mark", "sku", "price", "risk"]
    left = width - 1 - sum(widths.values()) - len(widths)
    for name, wanted in (
        *((("status", 13),) if with_status else ()),
        ("age", 6), ("reasons", 16), ("piece", 16), ("opened", 8), ("folder", 8),
    ):  # fmt: skip
        if left < wanted + 1:
            break
        widths[name] = wanted
        order.append(name)
        left -= wanted + 1
    stretching = [name for name in ("sku", "reasons", "piece") if name in widths]
    limits = {"sku": 30, "reasons": 48, "piece": 60}
    grown = min(left, 20 - widths["sku"])
    widths["sku"] += max(grown, 0)
    left -= max(grown, 0)
    while left > 0 and (growing := [name for name in stretching if widths[name] < limits[name]]):
        for name in growing[:left]:
            widths[name] += 1
            left -= 1
    place = ["mark", "sku", "piece", "price", "risk", "status", "reasons", "folder", "age", "opened"]
    return tuple(Column(name, widths[name]) for name in place if name in order)


class QueueTable(ScrollView, can_focus=True, inherit_bindings=False):
    """Rows by id; the cursor stays on its item however the rows move."""

    COMPONENT_CLASSES = {"queue--head", "queue--cursor", "queue--dim", "queue--mandatory"}

    DEFAULT_CSS = """
    QueueTable { width: 1fr; height: 1fr; overflow-x: hidden; overflow-y: scroll;
        scrollbar-size-vertical: 1; }
    QueueTable .queue--head { color: #8c8c8c; background: #242424; text-style: bold; }
    QueueTable .queue--cursor { background: #3b4a5c; }
    QueueTable .queue--dim { color: #8c8c8c; }
    QueueTable .queue--mandatory { color: #f0c060; text-style: bold; }
    """

    class Wanted(Message):
        """Rows near the screen that are not loaded."""

        def __init__(self, ids: Sequence[int]) -> None:
            super().__init__()
            self.ids = ids

    class Chosen(Message):
        """The cursor is on another item, or on none; `by_hand` where it was moved and not the rows."""

        def __init__(self, *, by_hand: bool) -> None:
            super().__init__()
            self.by_hand = by_hand

    class Opened(Message):
        """A row was clicked twice."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.nothing = "Nothing here."
        self.with_status = False
        self._ids: list[int] = []
        self._places: dict[int, int] = {}
        self._rows: dict[int, ItemRecord] = {}
        self._asked: set[int] = set()
        self._cursor = 0

    # What is in it

    @property
    def ids(self) -> Sequence[int]:
        """The items, in order."""
        return self._ids

    @property
    def cursor(self) -> int:
        """The row that is chosen."""
        return self._cursor

    @property
    def chosen_id(self) -> int | None:
        """The item under the cursor."""
        return self._ids[self._cursor] if self._ids else None

    @property
    def chosen(self) -> ItemRecord | None:
        """The record under the cursor, when it is loaded."""
        return None if self.chosen_id is None else self._rows.get(self.chosen_id)

    def visible_ids(self) -> list[int]:
        """The items on screen."""
        first = self.scroll_offset.y
        return self._ids[first : first + max(self.size.height - 1, 0)]

    def show_ids(self, ids: list[int], *, keep: bool = True) -> None:
        """Show these items; with `keep` the cursor stays on its item, and that on its line of the screen."""
        before, row_before = self.chosen_id, self._cursor
        self._ids = ids
        self._places = {item: place for place, item in enumerate(ids)}
        place = self._places.get(before) if keep and before is not None else 0
        if place is None:
            place = min(row_before, max(len(ids) - 1, 0))
        self._cursor = place
        self.virtual_size = Size(0, len(ids) + 1)
        moved = place - row_before
        if keep and moved:
            self.scroll_to(y=self.scroll_offset.y + moved, animate=False)
        elif not keep:
            self.scroll_to(y=0, animate=False)
        self._show_cursor()
        if self.chosen_id != before:
            self.post_message(self.Chosen(by_hand=False))
        self._ask()
        self.refresh()

    def put_rows(self, rows: Iterable[ItemRecord]) -> None:
        """Fill in rows that were asked for; far ones are forgotten."""
        for row in rows:
            self._rows[row.id] = row
            self._asked.discard(row.id)
        if len(self._rows) > _KEPT:
            near = set(self._near())
            self._rows = {item: row for item, row in self._rows.items() if item in near}
        self.refresh()

    def forget_asked(self) -> None:
        """What was asked for did not come: ask again."""
        self._asked.clear()
        self._ask()

    # Where the cursor is

    def move_to(self, row: int) -> None:
        """Put the cursor on a row."""
        row = min(max(row, 0), max(len(self._ids) - 1, 0))
        if row != self._cursor:
            self._cursor = row
            self.post_message(self.Chosen(by_hand=True))
        self._show_cursor()
        self._ask()
        self.refresh()

    def move_to_item(self, item: int) -> None:
        """Put the cursor on an item, if it is here."""
        if (place := self._places.get(item)) is not None:
            self.move_to(place)

    @property
    def page(self) -> int:
        """How many rows a page has."""
        return max(self.size.height - 2, 1)

    def _show_cursor(self) -> None:
        height = max(self.size.height - 1, 1)
        first = self.scroll_offset.y
        if self._cursor < first:
            self.scroll_to(y=self._cursor, animate=False, force=True)
        elif self._cursor >= first + height:
            self.scroll_to(y=self._cursor - height + 1, animate=False, force=True)

    # Events

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Scrolling may need more rows."""
        super().watch_scroll_y(old_value, new_value)
        self._ask()

    def on_resize(self) -> None:
        """The cursor stays in sight."""
        self._show_cursor()
        self._ask()

    def on_click(self, event: events.Click) -> None:
        """A click chooses a row, a second one opens it."""
        row = event.y - 1 + self.scroll_offset.y
        if event.y < 1 or row >= len(self._ids):
            return
        self.move_to(row)
        if event.chain >= 2:
            self.post_message(self.Opened())

    def _near(self) -> list[int]:
        first = self.scroll_offset.y
        return self._ids[max(first - _MARGIN, 0) : first + self.size.height + _MARGIN]

    def _ask(self) -> None:
        missing = [item for item in self._near() if item not in self._rows and item not in self._asked]
        if missing:
            self._asked.update(missing)
            self.post_message(self.Wanted(missing))

    # Drawing

    def render_line(self, y: int) -> Strip:
        """The head, or a row."""
        width = self.size.width
        columns = columns_for(width, with_status=self.with_status)
        base = self.rich_style
        if y == 0:
            style = self.get_component_rich_style("queue--head")
            cells = [
                Segment(words.fitted(_TITLES[column.name], column.width, right=column.name in _RIGHT), style)
                for column in columns
            ]
            return _row_strip(cells, width, style)
        place = y - 1 + self.scroll_offset.y
        if place >= len(self._ids):
            if not self._ids and y == 2:
                text = words.fitted("  " + self.nothing, width)
                return Strip([Segment(text, self.get_component_rich_style("queue--dim"))], width)
            return Strip.blank(width, base)
        if place == self._cursor:
            base = base + Style(bgcolor=self.get_component_rich_style("queue--cursor").bgcolor)
        row = self._rows.get(self._ids[place])
        if row is None:
            return Strip([Segment(words.fitted("  …", width), base)], width)
        cells = [self._cell(row, column, base) for column in columns]
        return _row_strip(cells, width, base)

    def _cell(self, row: ItemRecord, column: Column, base: Style) -> Segment:
        name, style = column.name, base
        match name:
            case "mark":
                once = row.status is Status.APPROVED_ONCE  # one of two people has: it asks for the other
                text = "½" if once else "!" if row.mandatory else " "
                style = base + _foreground(self.get_component_rich_style("queue--mandatory"))
            case "sku":
                text = words.sku_text(row)
            case "piece":
                text = words.piece_text(row)
            case "price":
                text = words.price_text(row)
                if row.mandatory:
                    style = base + _foreground(self.get_component_rich_style("queue--mandatory"))
            case "risk":
                text = words.risk_bar(row.risk)
                style = base + Style(color=words.risk_colour(row.risk))
            case "status":
                text = words.status_text(row.status)
            case "reasons":
                text = row_reason(row)
            case "folder":
                text = printable(row.hot_folder)
            case "age":
                text = words.age_text(time.time() - row.created_at)
            case _:
                text = printable(row.opened_by or "")
        if name in ("age", "folder", "opened"):
            style = base + _foreground(self.get_component_rich_style("queue--dim"))
        return Segment(words.fitted(text, column.width, right=name in _RIGHT), style)


def row_reason(row: ItemRecord) -> str:
    """Why a row is where it is: the risk's reasons, or what failed."""
    if row.status in (Status.FAILED, Status.QUARANTINED) or not row.reasons:
        return inert(row.reason)
    return words.reason_text(row.reasons)


def _row_strip(cells: list[Segment], width: int, style: Style) -> Strip:
    """Cells with a space between them, filled up to the width."""
    segments: list[Segment] = []
    for cell in cells:
        segments.extend((cell, Segment(" ", style)))
    return Strip(segments).adjust_cell_length(width, style)


def _foreground(style: Style) -> Style:
    return Style(color=style.color, bold=style.bold)
