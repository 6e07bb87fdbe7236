"""Who looked at what: the rule that says what must be seen before a mandatory approval, and its records.

The rule is pure. The database judges the same on its own (`migrations/`), from the same rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor

from sqlalchemy import Connection, insert, select

from studiod.errors import TransitionRefused
from studiod.ledger.engine import Ledger
from studiod.ledger.evidence import read_version
from studiod.ledger.records import Look, NewVersion, Person, Place, Rectangle
from studiod.ledger.tables import looks as look_rows

CLOSE_ZOOM = 2.0
"""The zoom, 200 %, from which on a place counts as looked at closely."""
EDGE_PIXELS = 8.0
"""How far inside the window, in pixels of the photograph, a place must lie."""
LONG_ENOUGH_SECONDS = 0.5
"""How long, in all, a place must have been there."""

_COMPOSITE, _ORIGINAL = "composite", "original"
_ROUNDING_PIXELS = 1.0
_CELLS = 64
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Unseen:
    """What a person has not looked at yet; false when that is nothing."""

    composite: bool
    places: tuple[Place, ...]

    def __bool__(self) -> bool:
        return self.composite or bool(self.places)

    def words(self) -> str:
        """What is missing, as the end of a sentence: "the whole composite at fit and 1 place ..."."""
        parts = ["the whole composite at fit"] if self.composite else []
        if self.places:
            named = [
                f"{place.reason.replace('_', ' ')} at {place.x}, {place.y}" for place in self.places[:_NAMED]
            ]
            more = len(self.places) - len(named)
            listed = "; ".join(named) + (f"; and {more} more" if more else "")
            count = "1 place" if len(self.places) == 1 else f"{len(self.places)} places"
            parts.append(f"{count} at 200 % or more, for half a second each ({listed})")
        return " and ".join(parts)


def is_seen(place: Place, looks: Iterable[Look]) -> bool:
    """Whether a place was looked at closely and for long enough, in any view of what was made of it.

    The original alone does not count: it shows nothing of the result.
    """
    seconds = sum(look.seconds for look in looks if _shows(look, place))
    return round(seconds, 3) >= LONG_ENOUGH_SECONDS


def unseen(made: NewVersion, looks: Sequence[Look]) -> Unseen:
    """What of a version is still to be looked at before a mandatory approval."""
    whole = any(look.view == _COMPOSITE and _holds(look.box, made.composite_box) for look in looks)
    return Unseen(not whole, tuple(place for place in made.places if not is_seen(place, looks)))


def coverage(made: NewVersion, looks: Iterable[Look]) -> float:
    """The share (0..1) of the composite that was looked at closely; shown and stored, never demanded."""
    if made.composite_box is None:
        return 0.0
    left, top, right, bottom = made.composite_box
    across, down = (right - left) / _CELLS, (bottom - top) / _CELLS
    cells: set[tuple[int, int]] = set()
    for look in looks:
        if look.zoom >= CLOSE_ZOOM and look.view != _ORIGINAL:
            columns = _centres_between((look.box[0] - left) / across, (look.box[2] - left) / across)
            rows = _centres_between((look.box[1] - top) / down, (look.box[3] - top) / down)
            cells.update((column, row) for column in columns for row in rows)
    return len(cells) / _CELLS**2


def record_looks(ledger: Ledger, item: int, version: int, person: Person, looks: Sequence[Look]) -> None:
    """Keep what a person looked at; it is theirs and that version's for good."""
    if not looks:
        return
    now = ledger.clock()
    with ledger.writing() as connection:
        connection.execute(
            insert(look_rows),
            [
                {
                    "item": item, "version": version, "uid": person.uid, "login": person.login,
                    "view": look.view, "left": look.box[0], "top": look.box[1], "right": look.box[2],
                    "bottom": look.box[3], "zoom": look.zoom, "seconds": look.seconds, "at": now,
                }
                for look in looks
            ],
        )  # fmt: skip


def looks_of(ledger: Ledger, item: int, version: int, person: Person) -> tuple[Look, ...]:
    """Everything that a person looked at of a version, oldest first."""
    with ledger.reading() as connection:
        return read_looks(connection, item, version, person.uid)


def seen_so_far(
    connection: Connection, item: int, version: int, uid: int
) -> tuple[NewVersion, tuple[Look, ...]]:
    """A version that was made, and the looks of a login at it: what `unseen` and `coverage` ask for."""
    recorded = read_version(connection, item, version)
    if recorded is None:
        raise TransitionRefused(f"Item {item} has no picture to look at yet.")
    return recorded.made, read_looks(connection, item, version, uid)


def read_looks(connection: Connection, item: int, version: int, uid: int) -> tuple[Look, ...]:
    """The looks of a login at a version, oldest first."""
    rows = connection.execute(
        select(look_rows)
        .where(look_rows.c.item == item, look_rows.c.version == version, look_rows.c.uid == uid)
        .order_by(look_rows.c.id)
    )
    return tuple(
        Look(row.view, (row.left, row.top, row.right, row.bottom), row.zoom, row.seconds) for row in rows
    )


def _shows(look: Look, place: Place) -> bool:
    left, top, right, bottom = look.box
    return (
        look.view != _ORIGINAL
        and look.zoom >= CLOSE_ZOOM
        and left + EDGE_PIXELS <= place.x <= right - EDGE_PIXELS
        and top + EDGE_PIXELS <= place.y <= bottom - EDGE_PIXELS
    )


def _holds(window: Rectangle, box: Rectangle | None) -> bool:
    """Whether all of `box` is in the window; where it is not known, the word "composite" must do."""
    if box is None:
        return True
    slack = _ROUNDING_PIXELS
    return (
        window[0] <= box[0] + slack
        and window[1] <= box[1] + slack
        and window[2] >= box[2] - slack
        and window[3] >= box[3] - slack
    )


def _centres_between(start: float, end: float) -> range:
    """The cells of a row whose middle lies between two places, in cells."""
    first, last = (min(max(place - 0.5, -1.0), float(_CELLS)) for place in (start, end))
    return range(max(0, ceil(first)), min(_CELLS - 1, floor(last)) + 1)
