"""The ledger as lists, screens and scripts read it; nothing here changes a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Row, Select, String, cast, func, or_, select, text

from studiod.ledger.engine import Ledger
from studiod.ledger.evidence import read_version
from studiod.ledger.files import file_record, newest_of_path
from studiod.ledger.gate import Thresholds
from studiod.ledger.pages import item_records
from studiod.ledger.records import (
    EVERYTHING,
    WAITING,
    Activity,
    DaemonState,
    Decision,
    Event,
    FileRecord,
    FileState,
    ItemRecord,
    Order,
    Origin,
    Person,
    Selection,
    VersionRecord,
)
from studiod.ledger.states import Status
from studiod.ledger.tables import daemon, events, files, items
from studiod.ledger.tables import decisions as decision_rows
from studiod.ledger.transition import read_item, read_thresholds

_ORDERS: dict[Order, tuple[Any, ...]] = {
    Order.LOSS: (items.c.loss.desc(), items.c.id),
    Order.OLDEST: (items.c.id,),
    Order.NEWEST: (items.c.id.desc(),),
    Order.CHANGED: (items.c.updated_at.desc(), items.c.id.desc()),
}
_PAGE = 5000

# Items.


def every_item(ledger: Ledger, selection: Selection = EVERYTHING) -> Iterator[ItemRecord]:
    """All items of a selection, oldest first; however many there are, they are read page by page."""
    page = _selected(select(items), selection).order_by(items.c.id).limit(_PAGE)
    last: int | None = 0
    while last is not None:
        with ledger.reading() as connection:
            rows = connection.execute(page.where(items.c.id > last)).all()
            records = item_records(connection, rows, ledger.clock())
        yield from records
        last = records[-1].id if records else None


def list_ids(ledger: Ledger, selection: Selection, *, order: Order) -> list[int]:
    """The numbers of all items of a selection, in order: what a screen scrolls through."""
    query = _selected(select(items.c.id), selection).order_by(*_ORDERS[order])
    with ledger.reading() as connection:
        return list(connection.execute(query).scalars())


def get_items(ledger: Ledger, ids: Sequence[int]) -> list[ItemRecord]:
    """These items, in this order; a number without an item is left out."""
    with ledger.reading() as connection:
        rows = connection.execute(select(items).where(items.c.id.in_(ids))).all()
        by_id = {record.id: record for record in item_records(connection, rows, ledger.clock())}
    return [by_id[item] for item in ids if item in by_id]


def count_items(ledger: Ledger, selection: Selection) -> int:
    """How many items a selection holds."""
    with ledger.reading() as connection:
        return int(
            connection.execute(_selected(select(func.count()).select_from(items), selection)).scalar_one()
        )


def count_by_status(ledger: Ledger) -> dict[Status, int]:
    """How many items stand in each status; every status is there, 0 included."""
    with ledger.reading() as connection:
        counted = connection.execute(select(items.c.status, func.count()).group_by(items.c.status))
        return dict.fromkeys(Status, 0) | {Status(status): number for status, number in counted}


def get_item(ledger: Ledger, item: int) -> ItemRecord:
    """One item; LedgerError when there is none of that number."""
    with ledger.reading() as connection:
        return item_records(connection, [read_item(connection, item)], ledger.clock())[0]


def get_version(ledger: Ledger, item: int, version: int | None = None) -> VersionRecord | None:
    """A version's record, by default the item's current one; None where it was not made (yet)."""
    with ledger.reading() as connection:
        number = read_item(connection, item).version if version is None else version
        return read_version(connection, item, number)


def find_current(ledger: Ledger, hot_folder: str, path: str) -> ItemRecord | None:
    """The newest item whose source has this path and that is not superseded."""
    query = (
        select(items)
        .where(
            items.c.hot_folder == hot_folder, items.c.path == path, items.c.status != Status.SUPERSEDED.value
        )
        .order_by(items.c.id.desc())
        .limit(1)
    )
    with ledger.reading() as connection:
        return next(iter(item_records(connection, connection.execute(query).all(), ledger.clock())), None)


def find_by_hash(ledger: Ledger, sha256: str) -> list[ItemRecord]:
    """Items whose source has these bytes, in any hot folder, newest first (superseded ones included)."""
    query = select(items).where(items.c.source_sha256 == sha256).order_by(items.c.id.desc())
    with ledger.reading() as connection:
        return item_records(connection, connection.execute(query).all(), ledger.clock())


# What happened to them.


def history(ledger: Ledger, item: int) -> list[Event]:
    """Everything that ever happened to an item, oldest first."""
    with ledger.reading() as connection:
        read_item(connection, item)
        rows = connection.execute(select(events).where(events.c.item == item).order_by(events.c.id))
        return [_event(row) for row in rows]


def events_since(ledger: Ledger, event: int, limit: int) -> list[Event]:
    """Events after number `event`, the studio's own included: what is new since a screen looked."""
    with ledger.reading() as connection:
        rows = connection.execute(
            select(events).where(events.c.id > event).order_by(events.c.id).limit(limit)
        )
        return [_event(row) for row in rows]


def last_event(ledger: Ledger) -> int:
    """The number of the newest event; 0 when there is none."""
    with ledger.reading() as connection:
        return int(connection.execute(select(func.ifnull(func.max(events.c.id), 0))).scalar_one())


def decisions(ledger: Ledger, item: int) -> list[Decision]:
    """Every decision on an item, withdrawn ones included, oldest first."""
    with ledger.reading() as connection:
        rows = connection.execute(
            select(decision_rows).where(decision_rows.c.item == item).order_by(decision_rows.c.id)
        )
        return [
            Decision(
                version=row.version,
                verdict=row.verdict,
                person=None if row.uid is None else Person(row.uid, row.login),
                reasons=tuple(row.reasons),
                note=row.note,
                box=None if row.box is None else tuple(row.box),
                at=row.at,
                withdrawn_at=row.withdrawn_at,
            )
            for row in rows
        ]


def thresholds(ledger: Ledger) -> Thresholds:
    """The thresholds in force, in minor units by currency: over which a person, over which two persons."""
    with ledger.reading() as connection:
        return read_thresholds(connection)


def daemon_state(ledger: Ledger) -> DaemonState | None:
    """The daemon's last heartbeat; None before its first start."""
    with ledger.reading() as connection:
        row = connection.execute(select(daemon)).one_or_none()
    if row is None:
        return None
    told = {name: value for name, value in row._mapping.items() if name != "id"}
    return DaemonState(**{**told, "activity": Activity(row.activity)})


# Files.


def every_file(ledger: Ledger, state: FileState | None = None) -> Iterator[FileRecord]:
    """Every file ever taken up (or those of a state), as they were recorded; read page by page."""
    page = select(files).order_by(files.c.id).limit(_PAGE)
    if state is not None:
        page = page.where(files.c.state == state.value)
    last: int | None = 0
    while last is not None:
        with ledger.reading() as connection:
            records = [file_record(row) for row in connection.execute(page.where(files.c.id > last))]
        yield from records
        last = records[-1].id if records else None


def count_files(ledger: Ledger) -> dict[FileState, int]:
    """How many files stand in each state; every state is there, 0 included."""
    with ledger.reading() as connection:
        counted = connection.execute(select(files.c.state, func.count()).group_by(files.c.state))
        return dict.fromkeys(FileState, 0) | {FileState(state): number for state, number in counted}


def find_file(ledger: Ledger, hot_folder: str, path: str) -> FileRecord | None:
    """The newest record of a path."""
    with ledger.reading() as connection:
        row = newest_of_path(connection, hot_folder, path)
        return None if row is None else file_record(row)


def find_plate(
    ledger: Ledger, hot_folder: str, folder: str, before: float | None = None
) -> FileRecord | None:
    """The newest plate in `folder` (below the hot folder, "" for its top) taken at or before `before`."""
    query = select(files).where(
        text("files.state = 'plate'"), files.c.hot_folder == hot_folder, files.c.folder == folder
    )
    if before is not None:
        query = query.where(files.c.taken_at <= before)
    with ledger.reading() as connection:
        row = connection.execute(
            query.order_by(files.c.taken_at.desc(), files.c.id.desc()).limit(1)
        ).one_or_none()
        return None if row is None else file_record(row)


def _selected(query: Select[Any], selection: Selection) -> Select[Any]:
    if selection.statuses == WAITING.statuses:
        # Word for word as the index of just these has it, so that SQLite reads along that.
        query = query.where(text("(items.status IN ('awaiting_review', 'approved_once')) = 1"))
    elif selection.statuses:
        query = query.where(items.c.status.in_(sorted(status.value for status in selection.statuses)))
    if selection.mandatory is not None:
        query = query.where(items.c.demand > 0 if selection.mandatory else items.c.demand == 0)
    if selection.search:
        part = "%" + selection.search.replace("!", "!!").replace("%", "!%").replace("_", "!_") + "%"
        fields = (items.c.sku, items.c.title, cast(items.c.path, String))
        query = query.where(or_(*(cast(field, String).like(part, escape="!") for field in fields)))
    if selection.returned is not None:
        is_return = items.c.origin == Origin.RETURN.value
        query = query.where(is_return if selection.returned else ~is_return)
    if selection.delivered_since is not None:
        query = query.where(items.c.delivered_at >= selection.delivered_since)
    return query


def _event(row: Row[Any]) -> Event:
    return Event(
        id=row.id,
        item=row.item,
        version=row.version,
        at=row.at,
        actor=row.actor,
        uid=row.uid,
        what=row.what,
        before=None if row.before is None else Status(row.before),
        after=None if row.after is None else Status(row.after),
        reason=row.reason,
        details=row.details,
    )
