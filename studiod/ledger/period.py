"""One consistent view of the ledger for a report: counts over every status, and what a period touched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, func, or_, select, true

from studiod.ledger.engine import Ledger
from studiod.ledger.pages import item_records
from studiod.ledger.records import FileState, ItemRecord
from studiod.ledger.states import Status
from studiod.ledger.tables import events, files, items

OPEN = (
    Status.AWAITING_REVIEW,
    Status.APPROVED_ONCE,
    Status.FLAGGED,
    Status.REJECTED,
    Status.FAILED,
    Status.QUARANTINED,
)
"""Where an item needs people, however long it has stood there."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many stand in each state now (`by_state` names every state), and `total` counted apart from them.

    `recent` counts those of them that the period brought.
    """

    by_state: Mapping[str, int]
    recent: Mapping[str, int]
    total: int


@dataclass(frozen=True, slots=True)
class Period:
    """The ledger at one moment: `concerned` are the items with an event since, and all that need people.

    They are ordered by expected loss. `first_event` is the number of the period's first event, or one that
    no event has yet.
    """

    items: Tally
    files: Tally
    concerned: tuple[ItemRecord, ...]
    first_event: int


def read_period(ledger: Ledger, since: float) -> Period:
    """What stands in the ledger now and what happened since; all of it read in one transaction."""
    with ledger.reading() as connection:
        newest = connection.execute(select(func.ifnull(func.max(events.c.id), 0))).scalar_one()
        first = connection.execute(select(func.min(events.c.id)).where(events.c.at >= since)).scalar_one()
        first = newest + 1 if first is None else first
        touched = select(events.c.item).where(events.c.id >= first, events.c.item.is_not(None))
        concerned = or_(items.c.id.in_(touched), items.c.status.in_([status.value for status in OPEN]))
        rows = connection.execute(
            select(items).where(concerned).order_by(items.c.loss.desc(), items.c.id)
        ).all()
        return Period(
            items=_tally(connection, items, items.c.status, items.c.created_at >= since, Status),
            files=_tally(connection, files, files.c.state, files.c.seen_at >= since, FileState),
            concerned=tuple(item_records(connection, rows, ledger.clock())),
            first_event=first,
        )


def _tally(
    connection: Connection,
    table: FromClause,
    state: ColumnElement[Any],
    recent: ColumnElement[bool],
    states: type[Status] | type[FileState],
) -> Tally:
    def counted(which: ColumnElement[bool]) -> dict[str, int]:
        rows = connection.execute(select(state, func.count()).where(which).group_by(state))
        return dict.fromkeys((each.value for each in states), 0) | {row[0]: row[1] for row in rows}

    total = connection.execute(select(func.count()).select_from(table)).scalar_one()
    return Tally(counted(true()), counted(recent), total)
