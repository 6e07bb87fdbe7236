"""Approved items on their way out: the gate is judged, names are reserved, then files are written."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import dropwhile

from sqlalchemy import Connection, func, insert, select, text, update

from studiod.errors import GateRefused, TransitionRefused
from studiod.ledger.engine import Ledger
from studiod.ledger.evidence import differences, read_version
from studiod.ledger.naming import folded, output_names
from studiod.ledger.pages import item_records, output_record
from studiod.ledger.records import Delivery, FoundFiles, ItemRecord, OutputRecord, OutputState, WantedOutput
from studiod.ledger.states import Status
from studiod.ledger.tables import events, items, outputs
from studiod.ledger.transition import (
    DAEMON,
    ItemRow,
    missing,
    move,
    read_item,
    record_event,
    reopen,
    take_outputs_back,
)

_TAKEN = (OutputState.RESERVED, OutputState.DELIVERED, OutputState.RECALLING)


def approved_due(
    ledger: Ledger, delay_seconds: float, limit: int = 20, but: Collection[str] = ()
) -> list[ItemRecord]:
    """Items approved at least `delay_seconds` ago, `but` those of these hot folders; the oldest first."""
    now = ledger.clock()
    due = (
        select(items)
        .where(
            items.c.status == Status.APPROVED.value,
            items.c.approved_at <= now - delay_seconds,
            items.c.hot_folder.not_in(but),
        )
        .order_by(items.c.approved_at, items.c.id)
        .limit(limit)
    )
    with ledger.reading() as connection:
        return item_records(connection, connection.execute(due).all(), now)


def renew_delays(ledger: Ledger) -> list[int]:
    """Count from now on the delay of what was approved later than it is now; returns which items.

    The clock was set back since: they would wait until it has caught up.
    """
    reason = "the clock was set back after its approval: its delay is counted from now on"
    approved = items.c.status == Status.APPROVED.value
    with ledger.reading() as connection:  # asked every second: nobody is to wait for a lock in vain
        latest = connection.execute(select(func.max(items.c.approved_at)).where(approved)).scalar()
    if latest is None or latest <= ledger.clock():
        return []
    with ledger.writing() as connection:
        now = ledger.clock()  # nobody approves meanwhile: what is later than this is wrong
        ahead = approved, items.c.approved_at > now
        renewed = connection.execute(
            update(items).where(*ahead).values(approved_at=now).returning(items.c.id, items.c.version)
        ).all()
        for item, version in renewed:
            record_event(connection, now, "delay_renewed", item=item, version=version, reason=reason)
        return sorted(item for item, _ in renewed)


def start_delivery(
    ledger: Ledger, item: int, version: int, found: FoundFiles, wanted: Sequence[WantedOutput]
) -> Delivery:
    """approved -> delivering, the gate and the hashes judged and the outputs reserved in one transaction.

    Names: STEM, or STEM_v2 for a second delivery of the same item; STEM_item37 where another source has
    the name. GateRefused when the item may not leave: it is then back in awaiting_review, committed.
    """
    now = ledger.clock()
    with ledger.writing() as connection:
        row = _expect(connection, item, version, Status.APPROVED)
        problem = missing(connection, row) or _changed_files(connection, row, found, wanted)
        if not problem:
            for each in wanted:
                _reserve(connection, row, each, now)
            move(connection, row, Status.DELIVERING, now, what="delivering")
            return Delivery(item, version, _reserved(connection, item))
        reopen(connection, row, now, what="gate", actor=DAEMON, reason=problem)
    raise GateRefused(f"Item {item} was not delivered: {problem}", f"Look at it again: studiod show {item}.")


def rename_output(ledger: Ledger, output: int) -> OutputRecord:
    """Reserve the next name for an output whose file name is taken on disk by something of another's."""
    with ledger.writing() as connection:
        row = connection.execute(select(outputs).where(outputs.c.id == output)).one_or_none()
        if row is None or row.state != OutputState.RESERVED:
            raise TransitionRefused(f"Output {output} is not reserved any more.")
        names = _names(connection, row.item, WantedOutput(row.preset, row.stem, row.extension, row.sha256))
        after = dropwhile(lambda path: path != row.path, names)
        path = next(path for path in after if _is_free(connection, path))
        record_event(
            connection, ledger.clock(), "output_renamed", item=row.item, version=row.version,
            details={"before": row.path, "after": path},
        )  # fmt: skip
        return output_record(
            connection.execute(
                update(outputs)
                .where(outputs.c.id == output)
                .values(path=path, folded=folded(path))
                .returning(outputs)
            ).one()
        )


def finish_delivery(ledger: Ledger, item: int, version: int) -> None:
    """delivering -> delivered.

    TransitionRefused when the item was taken back meanwhile (its price rose): `to_recall` then names the
    files that were written.
    """
    now = ledger.clock()
    with ledger.writing() as connection:
        row = _expect(connection, item, version, Status.DELIVERING)
        reserved = _reserved(connection, item)
        _set_state(connection, [output.id for output in reserved], OutputState.DELIVERED, now)
        move(
            connection, row, Status.DELIVERED, now, what="delivered", delivered_at=now,
            details={"files": {output.path: output.sha256 for output in reserved}},
        )  # fmt: skip


def delivery_interrupted(ledger: Ledger, item: int, version: int, reason: str) -> Status:
    """A delivery that a crash or a full disk cut short is judged again: APPROVED, or AWAITING_REVIEW.

    Approved again it keeps its reserved names, and is due at once.
    """
    now = ledger.clock()
    with ledger.writing() as connection:
        row = _expect(connection, item, version, Status.DELIVERING)
        problem = missing(connection, row)
        if problem:
            reopen(connection, row, now, what="gate", actor=DAEMON, reason=f"{reason}; {problem}")
            return Status.AWAITING_REVIEW
        move(connection, row, Status.APPROVED, now, what="delivery_interrupted", reason=reason)
        return Status.APPROVED


def delivery_failed(ledger: Ledger, item: int, version: int, reason: str) -> None:
    """delivering -> failed: the outbox cannot be written. What was written of it is to be recalled."""
    now = ledger.clock()
    with ledger.writing() as connection:
        row = _expect(connection, item, version, Status.DELIVERING)
        take_outputs_back(connection, item, now)
        move(connection, row, Status.FAILED, now, what="delivery_failed", reason=reason)


def unfinished_deliveries(ledger: Ledger) -> list[Delivery]:
    """What was being delivered when the daemon ended."""
    with ledger.reading() as connection:
        rows = connection.execute(
            select(items.c.id, items.c.version).where(items.c.status == Status.DELIVERING.value)
        ).all()
        return [Delivery(item, version, _reserved(connection, item)) for item, version in rows]


def to_recall(ledger: Ledger) -> list[OutputRecord]:
    """Outputs that may lie in the outbox and may not stay there: recalled, undone, or their price rose."""
    with ledger.reading() as connection:
        # Spelled out, so that SQLite can use the index of just these.
        which = select(outputs).where(text("outputs.state = 'recalling'")).order_by(outputs.c.id)
        return [output_record(row) for row in connection.execute(which)]


def output_recalled(ledger: Ledger, output: int) -> None:
    """The file was moved to outbox/recalled (or was never there): its name is free again."""
    now = ledger.clock()
    with ledger.writing() as connection:
        row = connection.execute(select(outputs).where(outputs.c.id == output)).one()
        _set_state(connection, [output], OutputState.RECALLED, now)
        record_event(
            connection, now, "output_recalled", item=row.item, version=row.version, details={"path": row.path}
        )


def _expect(connection: Connection, item: int, version: int, status: Status) -> ItemRow:
    row = read_item(connection, item)
    if row.status != status or row.version != version:
        raise TransitionRefused(
            f"Item {item} is {row.status} at version {row.version}, no longer {status} at version {version}."
        )
    return row


def _changed_files(
    connection: Connection, row: ItemRow, found: FoundFiles, wanted: Sequence[WantedOutput]
) -> str:
    """Which files are not those decided on, in a sentence; empty when all are."""
    made = read_version(connection, row.id, row.version)
    if made is None:
        return "Its version was never made."
    changed = differences(made.evidence, found)
    if not changed and {each.preset: each.sha256 for each in wanted} != found.composites:
        changed = ["list of files to deliver"]
    return f"Its {', '.join(changed)} changed after the decision." if changed else ""


def _reserve(connection: Connection, row: ItemRow, wanted: WantedOutput, now: float) -> None:
    """Reserve a name, unless an interrupted delivery of this version has reserved it already."""
    kept = [
        output
        for output in _reserved(connection, row.id)
        if (output.version, output.preset, output.sha256) == (row.version, wanted.preset, wanted.sha256)
    ]
    if kept:
        return
    path = next(path for path in _names(connection, row.id, wanted) if _is_free(connection, path))
    connection.execute(
        insert(outputs).values(
            item=row.id, version=row.version, preset=wanted.preset, path=path, folded=folded(path),
            stem=wanted.stem, extension=wanted.extension, sha256=wanted.sha256,
            state=OutputState.RESERVED.value, changed_at=now,
        )
    )  # fmt: skip


def _names(connection: Connection, item: int, wanted: WantedOutput) -> Iterator[str]:
    delivered_before = connection.execute(
        select(func.count()).where(events.c.item == item, events.c.what == "delivered")
    ).scalar_one()
    names = output_names(wanted.stem, wanted.extension, item=item, delivery=delivered_before + 1)
    return (f"{wanted.preset}/{name}" for name in names)


def _is_free(connection: Connection, path: str) -> bool:
    taken = select(outputs.c.id).where(outputs.c.folded == folded(path), outputs.c.state.in_(_TAKEN))
    return connection.execute(taken.limit(1)).one_or_none() is None


def _set_state(connection: Connection, ids: Sequence[int], state: OutputState, now: float) -> None:
    connection.execute(update(outputs).where(outputs.c.id.in_(ids)).values(state=state.value, changed_at=now))


def _reserved(connection: Connection, item: int) -> tuple[OutputRecord, ...]:
    reserved = outputs.c.state == OutputState.RESERVED.value
    rows = connection.execute(select(outputs).where(outputs.c.item == item, reserved).order_by(outputs.c.id))
    return tuple(output_record(row) for row in rows)
