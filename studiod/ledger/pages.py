"""Rows of items and outputs as records, read for a whole page at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from studiod.ledger.records import Demand, FileState, ItemRecord, Origin, OutputRecord, OutputState
from studiod.ledger.states import Status
from studiod.ledger.tables import files, looking, outputs

_AT_ONCE = 5000


def item_records(connection: Connection, rows: Sequence[Row[Any]], now: float) -> list[ItemRecord]:
    """The records of a page: their files, outputs and who has them open are read for the whole page."""
    records = []
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        ids = [row.id for row in some]
        theirs = _by_item(
            connection,
            select(files.c.item, files.c.path)
            .where(files.c.item.in_(ids), files.c.state.not_in((FileState.DUPLICATE, FileState.RETURNED)))
            .order_by(files.c.id),
        )
        delivered = _by_item(
            connection,
            select(outputs.c.item, outputs.c.path)
            .where(outputs.c.item.in_(ids), outputs.c.state == OutputState.DELIVERED.value)
            .order_by(outputs.c.id),
        )
        opened = _by_item(
            connection,
            select(looking.c.item, looking.c.login).where(looking.c.item.in_(ids), looking.c.until > now),
        )
        records += [
            _item_record(row, theirs[row.id], delivered[row.id], next(iter(opened[row.id]), None))
            for row in some
        ]
    return records


def _item_record(
    row: Row[Any], own_files: Iterable[str], delivered: Iterable[str], opened_by: str | None
) -> ItemRecord:
    return ItemRecord(
        id=row.id,
        hot_folder=row.hot_folder,
        path=row.path,
        sku=row.sku,
        title=row.title,
        status=Status(row.status),
        version=row.version,
        origin=Origin(row.origin),
        price_minor=row.price_minor,
        currency=row.currency,
        always_review=bool(row.always_review),
        never_policy=bool(row.never_policy),
        demand=Demand(row.demand),
        risk=row.risk,
        reasons=tuple(row.reasons),
        tries=row.tries,
        reason=row.reason,
        source_sha256=row.source_sha256,
        kept_original=row.kept_original,
        created_at=row.created_at,
        updated_at=row.updated_at,
        approved_at=row.approved_at,
        delivered_at=row.delivered_at,
        seconds=row.seconds,
        replaces=row.replaces,
        opened_by=opened_by,
        files=tuple(dict.fromkeys((row.path, *own_files))),
        outputs=tuple(delivered),
    )


def output_record(row: Row[Any]) -> OutputRecord:
    """The record of an output's row."""
    return OutputRecord(
        id=row.id,
        version=row.version,
        preset=row.preset,
        path=row.path,
        sha256=row.sha256,
    )


def _by_item(connection: Connection, query: Select[tuple[Any, Any]]) -> defaultdict[int, list[str]]:
    groups: defaultdict[int, list[str]] = defaultdict(list)
    for item, value in connection.execute(query):
        groups[item].append(value)
    return groups
