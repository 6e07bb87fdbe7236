"""Touching up: brush strokes painted in the terminal, versions sent to a retoucher, files that come back.

Each asks for the item's next version with a row of `requests`; `queue.claim` takes these first.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, exists, func, insert, or_, select
from sqlalchemy.dialects.sqlite import insert as upsert

from studiod.errors import TransitionRefused
from studiod.ledger.engine import Ledger
from studiod.ledger.files import put_file
from studiod.ledger.pages import item_records
from studiod.ledger.records import (
    Box,
    FileFacts,
    FileState,
    ItemRecord,
    Origin,
    Person,
    ReturnedFile,
    Touchup,
)
from studiod.ledger.states import Status
from studiod.ledger.tables import decisions, events, files, items, requests, touchups
from studiod.ledger.transition import DAEMON, ItemRow, read_item, record_event, reopen
from studiod.strokes import Stroke, strokes_from_json

RETURNS = "touchup/return"
"""The name that the ledger's files have in place of a hot folder's when they lie in the return folder."""

_UNDER_WAY = (Status.RECEIVED, Status.PROCESSING, Status.DELIVERING)
_SENT = "sent_to_touchup"
REACHABLE = (Status.AWAITING_REVIEW, Status.FLAGGED)
"""Where an item stands that strokes or a returned file can be made into a version of."""


# Out.


def to_send(ledger: Ledger, away: Collection[str] = (), *, limit: int = 20) -> list[ItemRecord]:
    """Flagged items whose version was not sent to a retoucher since then, the longest waiting first.

    Without those whose photograph cannot be read while these hot folders are `away`.
    """
    # By the events' numbers: the clock may have been set back.
    flagged, later = events.alias(), events.alias()
    last_flag = (
        select(func.max(flagged.c.id))
        .where(flagged.c.item == items.c.id, flagged.c.what == "flagged")
        .correlate(items)
        .scalar_subquery()
    )
    sent = exists().where(
        later.c.item == items.c.id,
        later.c.version == items.c.version,
        later.c.what == _SENT,
        later.c.id > last_flag,
    )
    waiting = select(items).where(items.c.status == Status.FLAGGED.value, ~sent, within_reach(away))
    with ledger.reading() as connection:
        rows = connection.execute(waiting.order_by(items.c.updated_at, items.c.id).limit(limit)).all()
        return item_records(connection, rows, ledger.clock())


def record_sent(
    ledger: Ledger,
    item: int,
    version: int,
    folder: str,
    box: Box,
    *,
    files: Mapping[str, str],
    flagged_at: float | None,
) -> bool:
    """A version lies in `folder` (below `touchup`) for a retoucher: the part of the photograph in `box`.

    `files` are the hashes of what was written. False, and nothing is recorded, where it was flagged anew
    since `flagged_at`: what was said then is to be sent still.
    """
    now = ledger.clock()
    with ledger.writing() as connection:
        last = connection.execute(
            select(decisions.c.at)
            .where(decisions.c.item == item, decisions.c.version == version, decisions.c.verdict == "flag")
            .order_by(decisions.c.id.desc())
            .limit(1)
        ).scalar_one_or_none()
        if last != flagged_at:
            return False
        sent = {"folder": folder, "box": list(box), "sent_at": now}
        connection.execute(
            upsert(touchups)
            .values(item=item, version=version, **sent)
            .on_conflict_do_update(index_elements=["item", "version"], set_=sent)
        )
        details = {"folder": folder, "box": list(box), "files": dict(files)}
        record_event(connection, now, _SENT, item=item, version=version, details=details)
        return True


def sent_and_left(ledger: Ledger) -> list[tuple[str, Mapping[str, str]]]:
    """The folders, with the hashes of what was written there, of items that were delivered or superseded."""
    settled = (Status.DELIVERED.value, Status.SUPERSEDED.value)
    sent = (
        select(events.c.details)
        .join(items, items.c.id == events.c.item)
        .where(events.c.what == _SENT, items.c.status.in_(settled))
    )
    with ledger.reading() as connection:
        told = connection.execute(sent.order_by(events.c.id)).scalars().all()
    return [(details["folder"], details["files"]) for details in told if details.get("files")]


def record_not_sent(ledger: Ledger, item: int, version: int, reason: str) -> None:
    """A flagged version could not be written for a retoucher: the item's history says why."""
    with ledger.writing() as connection:
        record_event(
            connection, ledger.clock(), "not_sent_to_touchup", item=item, version=version, reason=reason
        )


def find_touchup(ledger: Ledger, item: int, version: int) -> Touchup | None:
    """What was sent of this version; None where nothing was."""
    with ledger.reading() as connection:
        row = connection.execute(
            select(touchups).where(touchups.c.item == item, touchups.c.version == version)
        ).one_or_none()
    return None if row is None else _touchup(row)


# Back.


def record_return(ledger: Ledger, touchup: Touchup, facts: FileFacts) -> bool:
    """A retouched file came back: its item is made from it before anything else; an approval is void.

    `facts` is the file below the return folder, with its kept copy. False where the item is being worked
    on, so that the file must wait; TransitionRefused where the item takes no touch-up any more.
    """
    now = ledger.clock()
    with ledger.writing() as connection:
        row = read_item(connection, touchup.item)
        if row.status in _UNDER_WAY:
            return False
        if row.status in (Status.APPROVED, Status.APPROVED_ONCE):
            row = reopen(
                connection, row, now, what="touch_up_returned", actor=DAEMON, reason="a touch-up came back"
            )
        put_request(connection, row, Origin.RETURN, now, path=facts.kept_copy or "", touchup=touchup.id)
        put_file(connection, facts, FileState.RETURNED, now, item=row.id, reason="", renew_state=True)
        record_event(
            connection, now, "touchup_returned", item=row.id, version=row.version,
            details={"file": facts.path, "sha256": facts.sha256},
        )  # fmt: skip
        return True


def set_aside(ledger: Ledger, facts: FileFacts, reason: str, item: int | None) -> None:
    """A file of the return folder cannot be taken: it waits for a person, and says why."""
    now = ledger.clock()
    with ledger.writing() as connection:
        put_file(connection, facts, FileState.SET_ASIDE, now, item=None, reason=reason, renew_state=True)
        record_event(
            connection, now, "return_set_aside", item=item, reason=reason, details={"file": facts.path}
        )


def was_returned(ledger: Ledger, sha256: str) -> bool:
    """Whether a file with these bytes came back before and was taken."""
    with ledger.reading() as connection:
        taken = exists().where(files.c.sha256 == sha256, files.c.state == FileState.RETURNED.value)
        return bool(connection.execute(select(taken)).scalar_one())


# What the daemon and the screens ask.


def strokes_of(ledger: Ledger, item: int) -> tuple[Stroke, ...]:
    """The layer of brush strokes that the item's present version is made with."""
    with ledger.reading() as connection:
        return strokes_of_row(connection, read_item(connection, item))


def is_waited_for(ledger: Ledger, away: Collection[str]) -> bool:
    """Whether strokes or a returned file wait that can be made into a version, with these folders away."""
    reachable = (
        select(requests.c.id)
        .join(items, items.c.id == requests.c.item)
        .where(requests.c.taken_at.is_(None), items.c.status.in_(REACHABLE), within_reach(away))
    )
    with ledger.reading() as connection:
        return connection.execute(reachable.limit(1)).one_or_none() is not None


def within_reach(away: Collection[str]) -> ColumnElement[bool]:
    """Which items' originals can be read while these hot folders are away: the others', and kept copies."""
    return or_(items.c.hot_folder.not_in(away), items.c.kept_original.is_not(None))


# Requests, in a transaction of the caller.


def put_request(
    connection: Connection,
    row: ItemRow,
    origin: Origin,
    now: float,
    *,
    person: Person | None = None,
    strokes: Sequence[Mapping[str, Any]] | None = None,
    path: str = "",
    touchup: int | None = None,
) -> None:
    """Ask for the item's next version: with a layer of strokes, or from the file `path` (below `work`)."""
    if row.status not in REACHABLE:
        asked = "touch-up" if origin is Origin.RETURN else "strokes"
        hint = f"See what happened to it with: studiod show {row.id}."
        if row.status == Status.DELIVERED and origin is Origin.RETURN:
            hint = f"Take the piece back with: studiod recall {row.id}; then save the file again."
        raise TransitionRefused(f"Item {row.id} is {row.status}: no {asked} can be taken for it.", hint)
    connection.execute(
        insert(requests).values(
            item=row.id,
            origin=origin.value,
            path=path,
            strokes=strokes,
            touchup=touchup,
            uid=None if person is None else person.uid,
            asked_at=now,
        )
    )


def is_asked_for(connection: Connection, item: int) -> bool:
    """Whether strokes or a touch-up of the item wait to be processed."""
    pending = exists().where(requests.c.item == item, requests.c.taken_at.is_(None))
    return bool(connection.execute(select(pending)).scalar_one())


def strokes_of_row(connection: Connection, row: ItemRow) -> tuple[Stroke, ...]:
    """The layer of brush strokes that the row's version is made with."""
    if row.origin != Origin.STROKES:
        return ()
    layer = connection.execute(select(requests.c.strokes).where(requests.c.id == row.request)).scalar_one()
    return strokes_from_json(layer or [])


def returned_under(connection: Connection, row: ItemRow) -> ReturnedFile | None:
    """The returned file that the row's version is made from, or that its strokes lie over."""
    if row.request is None:
        return None
    found = connection.execute(
        select(requests.c.path, touchups)
        .join(touchups, touchups.c.id == requests.c.touchup)
        .where(requests.c.item == row.id, requests.c.id <= row.request)
        .order_by(requests.c.id.desc())
        .limit(1)
    ).one_or_none()
    return None if found is None else ReturnedFile(found.path, _touchup(found))


def _touchup(row: Row[Any]) -> Touchup:
    left, top, right, bottom = row.box
    return Touchup(row.id, row.item, row.version, row.folder, (left, top, right, bottom))
