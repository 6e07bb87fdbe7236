"""Rows of files: one for every path and content ever taken up."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, case, func, literal_column, select, update
from sqlalchemy.dialects.sqlite import insert

from studiod.ledger.records import FileFacts, FileRecord, FileState
from studiod.ledger.tables import files

REPLACED = -1
"""The inode of a file in whose place other bytes were found: it is known there no more, whatever comes."""


def put_file(
    connection: Connection,
    facts: FileFacts,
    state: FileState,
    now: float,
    *,
    item: int | None,
    reason: str,
    renew_state: bool,
) -> None:
    """Insert the file's row, or renew it; without `renew_state` a row of an item keeps its state."""
    new = insert(files).values(
        hot_folder=facts.hot_folder,
        path=facts.path,
        folder=_folder_of(facts.path),
        sha256=facts.sha256,
        size=facts.size,
        mtime_ns=facts.mtime_ns,
        inode=facts.inode,
        kind=facts.kind,
        captured_at=facts.captured_at.isoformat() if facts.captured_at else None,
        taken_at=_taken_at(facts),
        kept_copy=facts.kept_copy,
        state=state.value,
        item=item,
        reason=reason,
        seen_at=_seen_last(connection, facts, now),
    )
    said: dict[str, Any] = {name: new.excluded[name] for name in ("state", "item", "reason")}
    if not renew_state:
        said = {
            name: case((files.c.item.is_(None), value), else_=files.c[name]) for name, value in said.items()
        }
    renewed = {
        name: new.excluded[name]
        for name in ("size", "mtime_ns", "inode", "taken_at", "captured_at", "seen_at")
    }
    _mark_replaced(connection, facts)
    connection.execute(
        new.on_conflict_do_update(
            index_elements=[files.c.hot_folder, files.c.path, literal_column("ifnull(sha256, '')")],
            set_={**renewed, **said, "kept_copy": func.ifnull(new.excluded.kept_copy, files.c.kept_copy)},
        )
    )


def move_row(connection: Connection, facts: FileFacts, now: float, *which: ColumnElement[bool]) -> None:
    """A file was moved: its row, `which` says the one, stands at the path of `facts` from now on."""
    connection.execute(
        update(files)
        .where(*which)
        .values(
            path=facts.path,
            folder=_folder_of(facts.path),
            size=facts.size,
            mtime_ns=facts.mtime_ns,
            inode=facts.inode,
            taken_at=_taken_at(facts),
            seen_at=_seen_last(connection, facts, now),
        )
    )


def _seen_last(connection: Connection, facts: FileFacts, now: float) -> float:
    """When a path is seen: now, and in any case after all that was seen there, if the clock was set back."""
    latest = connection.execute(
        select(func.max(files.c.seen_at)).where(
            files.c.hot_folder == facts.hot_folder, files.c.path == facts.path
        )
    ).scalar_one()
    return now if latest is None or latest < now else math.nextafter(latest, math.inf)


def mark_files(connection: Connection, item: int, state: FileState, reason: str, *, only: FileState) -> None:
    """Give the item's files in state `only` another state."""
    connection.execute(
        update(files)
        .where(files.c.item == item, files.c.state == only.value)
        .values(state=state.value, reason=reason)
    )


def _mark_replaced(connection: Connection, facts: FileFacts) -> None:
    """What lay at this path with other bytes is there no more; an item's own source is its item's affair."""
    no_source = files.c.state.in_(
        [FileState.HALF, FileState.DUPLICATE, FileState.PLATE, FileState.IGNORED, FileState.SET_ASIDE]
    )
    bare = (files.c.state == FileState.QUARANTINED) & files.c.item.is_(None)
    others = (
        files.c.hot_folder == facts.hot_folder,
        files.c.path == facts.path,
        func.ifnull(files.c.sha256, "") != (facts.sha256 or ""),
    )
    connection.execute(update(files).where(*others).values(inode=REPLACED))
    connection.execute(
        update(files)
        .where(*others, no_source | bare)
        .values(state=FileState.SUPERSEDED.value, reason="other bytes took its place")
    )


def newest_of_path(connection: Connection, hot_folder: str, path: str) -> Row[Any] | None:
    """The row of a path that was seen last."""
    return connection.execute(
        select(files)
        .where(files.c.hot_folder == hot_folder, files.c.path == path)
        .order_by(files.c.seen_at.desc(), files.c.id.desc())
        .limit(1)
    ).one_or_none()


def file_record(row: Row[Any]) -> FileRecord:
    """The record of a file's row."""
    seen = row._mapping
    return FileRecord(
        id=seen["id"],
        facts=FileFacts(
            hot_folder=seen["hot_folder"],
            path=seen["path"],
            sha256=seen["sha256"],
            size=seen["size"],
            mtime_ns=seen["mtime_ns"],
            kind=seen["kind"],
            captured_at=to_datetime(seen["captured_at"]),
            kept_copy=seen["kept_copy"],
            inode=seen["inode"],
        ),
        state=FileState(seen["state"]),
        item=seen["item"],
        reason=seen["reason"],
        seen_at=seen["seen_at"],
    )


def _folder_of(path: str) -> str:
    """The folder of a path below a hot folder; "" for the hot folder itself."""
    parent = str(PurePosixPath(path).parent)
    return "" if parent == "." else parent


def _taken_at(facts: FileFacts) -> float:
    """When the photograph was taken: its capture time (local where it names no zone), else its mtime."""
    moment = moment_of(facts.captured_at)
    return facts.mtime_ns / 1e9 if moment is None else moment


def moment_of(captured_at: datetime | None) -> float | None:
    """A capture time in seconds since 1970; None without one, or where cameras wrote what no clock shows."""
    try:
        return None if captured_at is None else captured_at.timestamp()
    except (OverflowError, ValueError, OSError):  # the year 1, for one
        return None


def to_datetime(text: str | None) -> datetime | None:
    """The time that was stored as text."""
    return datetime.fromisoformat(text) if text else None
