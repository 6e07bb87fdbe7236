"""The daemon's side of the queue: items and files come in, are claimed, made, and given back.

Every change of status goes through one guarded UPDATE (`transition.move`) with its event, in one
transaction; an item that is no longer as expected is a TransitionRefused and nothing is written.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from studiod.errors import TransitionRefused
from studiod.ledger.engine import Ledger
from studiod.ledger.evidence import put_decision, put_version
from studiod.ledger.files import mark_files, move_row, put_file, to_datetime
from studiod.ledger.gate import policy_may_approve
from studiod.ledger.records import (
    Claimed,
    DaemonState,
    FileFacts,
    FileState,
    NewItem,
    NewVersion,
    Origin,
)
from studiod.ledger.states import Status, may_become
from studiod.ledger.tables import daemon, files, item_prices, items, requests
from studiod.ledger.touchup import returned_under, strokes_of_row, within_reach
from studiod.ledger.transition import (
    DAEMON,
    POLICY,
    ItemRow,
    judge,
    move,
    read_item,
    record_event,
    reopen,
)

TRIES = 3
"""How often an item is tried before it has failed."""


# Intake.


def add_item(
    ledger: Ledger, new: NewItem, *, supersedes: Sequence[int] = (), halves: Sequence[FileFacts] = ()
) -> int:
    """Record a new item, its source file (state item or quarantined) and the `halves` of its pair.

    Returns the item's number.

    Those of `supersedes` that are not decided yet become superseded, with their files; the others stay.
    A new picture, unless it is another item of its SKU shot anew, takes the oldest rejected item of that SKU
    and hot folder (each has its own presets) off the list of what must be shot again.
    """
    now = ledger.clock()
    facts = new.source
    with ledger.writing() as connection:
        before = [read_item(connection, each) for each in supersedes]
        if new.status is Status.RECEIVED and not any(_was_picture_of(row, new.sku) for row in before):
            before += _oldest_rejected(connection, facts.hot_folder, new.sku)
        old = [row for row in before if may_become(Status(row.status), Status.SUPERSEDED)]
        item = connection.execute(
            insert(items)
            .values(
                hot_folder=facts.hot_folder,
                path=facts.path,
                sku=new.sku,
                title=new.title,
                status=new.status.value,
                version=1,
                origin=Origin.CAPTURE.value,
                price_minor=new.price_minor,
                currency=new.currency,
                always_review=new.always_review,
                never_policy=new.never_policy
                or any(_is_a_persons(connection, row) for row in before)
                or any(
                    row.never_policy or (row.sku == new.sku and _is_a_persons(connection, row))
                    for row in _of_same_bytes(connection, facts.sha256)
                ),
                demand=1,
                loss=0.0,
                reasons=[],
                tries=0,
                reason=new.reason,
                source_sha256=facts.sha256,
                captured_at=facts.captured_at.isoformat() if facts.captured_at else None,
                created_at=now,
                updated_at=now,
                replaces=old[0].id if old else None,
            )
            .returning(items.c.id)
        ).scalar_one()
        for row in old:
            _supersede(connection, row, now, f"item {item} is a new picture of it", item)
            if row.source_sha256 == facts.sha256:  # its file was renamed: nothing lies under its first name
                connection.execute(
                    delete(files).where(
                        files.c.hot_folder == row.hot_folder,
                        files.c.path == row.path,
                        files.c.path != facts.path,
                        files.c.sha256 == facts.sha256,
                    )
                )
        quarantined = new.status is Status.QUARANTINED
        state = FileState.QUARANTINED if quarantined else FileState.ITEM
        put_file(connection, facts, state, now, item=item, reason=new.reason, renew_state=True)
        record_event(
            connection, now, "quarantined" if quarantined else "added", item=item, version=1,
            after=new.status, reason=new.reason,
            details={"price_minor": new.price_minor, "currency": new.currency},
        )  # fmt: skip
        for half in halves:
            _attach_half(connection, now, int(item), half)
        return int(item)


def record_file(
    ledger: Ledger, facts: FileFacts, state: FileState, *, item: int | None = None, reason: str = ""
) -> None:
    """Record a file that is no item of its own (half, duplicate, plate, ignored ...).

    The same path with the same bytes is one row: seen again, its size, mtime, state and reason are renewed
    (a row that belongs to an item keeps its state, item and reason).
    """
    with ledger.writing() as connection:
        put_file(connection, facts, state, ledger.clock(), item=item, reason=reason, renew_state=False)


def attach_half(ledger: Ledger, item: int, facts: FileFacts) -> None:
    """Attach a pair's other half to its item, never processed by itself; an event says so."""
    with ledger.writing() as connection:
        _attach_half(connection, ledger.clock(), item, facts)


def _attach_half(connection: Connection, now: float, item: int, facts: FileFacts) -> None:
    row = read_item(connection, item)
    put_file(connection, facts, FileState.HALF, now, item=item, reason="", renew_state=True)
    record_event(
        connection, now, "half_attached", item=item, version=row.version,
        details={"path": facts.path, "sha256": facts.sha256},
    )  # fmt: skip


def supersede(ledger: Ledger, item: int, reason: str) -> None:
    """Take an undecided item out of the queue because something newer takes its place."""
    with ledger.writing() as connection:
        _supersede(connection, read_item(connection, item), ledger.clock(), reason, None)


def call_back(ledger: Ledger, item: int, reason: str) -> None:
    """An approved item that has not left waits again: what was decided does not hold for it any more."""
    with ledger.writing() as connection:
        reopen(
            connection, read_item(connection, item), ledger.clock(), what="called_back", actor=DAEMON,
            reason=reason,
        )  # fmt: skip


def move_source(ledger: Ledger, item: int, facts: FileFacts) -> None:
    """An original was moved: the same bytes at a new path are this item's source from now on."""
    now = ledger.clock()
    with ledger.writing() as connection:
        row = read_item(connection, item)
        same = (files.c.hot_folder == row.hot_folder, files.c.sha256 == facts.sha256)
        if facts.path != row.path:  # whoever's row of these bytes stands there: this one takes its place
            connection.execute(delete(files).where(*same, files.c.path == facts.path))
        move_row(connection, facts, now, *same, files.c.path == row.path)
        connection.execute(update(items).where(items.c.id == item).values(path=facts.path, updated_at=now))
        record_event(
            connection, now, "source_moved", item=item, version=row.version,
            details={"before": row.path, "after": facts.path},
        )  # fmt: skip


def move_file(ledger: Ledger, file: int, facts: FileFacts) -> None:
    """A file that is no item's source was moved: its row stands at the new path from now on.

    A quarantined file takes its item's path with it.
    """
    now = ledger.clock()
    with ledger.writing() as connection:
        row = connection.execute(select(files).where(files.c.id == file)).one()
        here = (files.c.hot_folder == facts.hot_folder, files.c.path == facts.path, files.c.id != file)
        connection.execute(delete(files).where(*here, files.c.sha256 == facts.sha256))
        move_row(connection, facts, now, files.c.id == file)
        if row.state == FileState.QUARANTINED and row.item is not None:
            connection.execute(
                update(items).where(items.c.id == row.item).values(path=facts.path, updated_at=now)
            )


def set_kept_original(ledger: Ledger, item: int, kept: str | None) -> None:
    """Say where the copy of the item's original lies below `work`; None when it was cleaned away."""
    with ledger.writing() as connection:
        connection.execute(update(items).where(items.c.id == item).values(kept_original=kept))


# Work.


def claim(
    ledger: Ledger, worker: str, lease_seconds: float, *, captures: bool = True, away: Collection[str] = ()
) -> Claimed | None:
    """Take the next item into `worker`'s hands: strokes and returned touch-ups first, then the oldest.

    Without `captures` only those strokes and touch-ups: people wait for them. What has no kept copy and lies
    in a hot folder that is `away` waits for it.
    """
    now = ledger.clock()
    with ledger.writing() as connection:
        lease = {"lease_owner": worker, "lease_until": now + lease_seconds, "updated_at": now}
        there = within_reach(away)
        row = _claim_received(
            connection, lease, there & (items.c.origin != Origin.CAPTURE)
        ) or _claim_request(connection, lease, there, now)
        if row is None and captures:
            row = _claim_received(connection, lease, there & (items.c.origin == Origin.CAPTURE))
        return None if row is None else _claimed(connection, row)


def count_out_of_reach(ledger: Ledger, away: Collection[str]) -> int:
    """How many received items wait for these hot folders, which are away."""
    waiting = select(func.count()).where(items.c.status == Status.RECEIVED.value, ~within_reach(away))
    with ledger.reading() as connection:
        return int(connection.execute(waiting).scalar_one())


def heartbeat(ledger: Ledger, claimed: Claimed, lease_seconds: float) -> bool:
    """Lengthen the lease; False when the item is no longer this worker's (its work is to be dropped)."""
    with ledger.writing() as connection:
        done = connection.execute(
            update(items)
            .where(
                items.c.id == claimed.item,
                items.c.version == claimed.version,
                items.c.status == Status.PROCESSING.value,
                items.c.lease_owner == claimed.worker,
            )
            .values(lease_until=ledger.clock() + lease_seconds)
        )
        return done.rowcount == 1


def finish(ledger: Ledger, claimed: Claimed, made: NewVersion, *, approve_by_policy: bool = False) -> Status:
    """Record the version made; returns AWAITING_REVIEW, or APPROVED.

    APPROVED only with `approve_by_policy` and where the gate allows policy at all; the event says so.
    """
    now = ledger.clock()
    with ledger.writing() as connection:
        row = _in_hand(connection, claimed)
        put_version(connection, row, made, now)
        origin = Origin(row.origin)
        demand = judge(connection, row)
        by_policy = approve_by_policy and policy_may_approve(demand, bool(row.never_policy), origin)
        values: dict[str, Any] = {
            "risk": float(made.risk), "reasons": list(made.reasons), "seconds": made.seconds, "tries": 0
        }  # fmt: skip
        details = {"risk": made.risk, "reasons": list(made.reasons), "seconds": made.seconds}
        if by_policy:
            put_decision(connection, row, now, verdict="approve")
            after = move(
                connection, row, Status.APPROVED, now, what="approved_by_policy", actor=POLICY,
                reason="its risk is below [qa] auto_approve_below", details=details, approved_at=now,
                **values,
            )  # fmt: skip
        else:
            after = move(connection, row, Status.AWAITING_REVIEW, now, what="made", details=details, **values)
        return Status(after.status)


def fail(ledger: Ledger, claimed: Claimed, reason: str) -> None:
    """The pipeline said why this item cannot be made: failed at once, whatever its tries."""
    with ledger.writing() as connection:
        row = _in_hand(connection, claimed)
        move(connection, row, Status.FAILED, ledger.clock(), what="failed", reason=reason)


def quarantine(ledger: Ledger, claimed: Claimed, reason: str) -> None:
    """The file is no picture that we can read: the item and its file are quarantined."""
    with ledger.writing() as connection:
        row = _in_hand(connection, claimed)
        move(connection, row, Status.QUARANTINED, ledger.clock(), what="quarantined", reason=reason)
        mark_files(connection, row.id, FileState.QUARANTINED, reason, only=FileState.ITEM)


def give_back(ledger: Ledger, claimed: Claimed, reason: str, *, counts_as_try: bool) -> Status:
    """Give an item back unfinished: RECEIVED again, or FAILED when this was its third try.

    A worker's death or time-out counts as a try; a full disk or an orderly stop does not.
    """
    with ledger.writing() as connection:
        row = _in_hand(connection, claimed)
        return _give_back(connection, row, ledger.clock(), reason, counts_as_try)


def expire_leases(ledger: Ledger, in_hand: Collection[Claimed]) -> list[tuple[int, Status]]:
    """Give back what dead workers held (their leases ran out); each counts as a try.

    What is `in_hand` stays there: the clock was put forward, or the machine slept.
    """
    now = ledger.clock()
    held = {(claimed.item, claimed.version, claimed.worker) for claimed in in_hand}
    with ledger.writing() as connection:
        lapsed = connection.execute(
            select(items).where(items.c.status == Status.PROCESSING.value, items.c.lease_until < now)
        ).all()
        reason = "its worker was not heard of any more"
        return [
            (row.id, _give_back(connection, row, now, reason, True))
            for row in lapsed
            if (row.id, row.version, row.lease_owner) not in held
        ]


def give_back_all(ledger: Ledger, reason: str) -> list[int]:
    """At the daemon's start: whatever an earlier daemon's workers held is received again; no try."""
    now = ledger.clock()
    with ledger.writing() as connection:
        held = connection.execute(select(items).where(items.c.status == Status.PROCESSING.value)).all()
        for row in held:
            _give_back(connection, row, now, reason, False)
        return [row.id for row in held]


def beat(ledger: Ledger, state: DaemonState) -> None:
    """Write the daemon's heartbeat."""
    values = {**asdict(state), "activity": state.activity.value, "beat_at": ledger.clock()}
    with ledger.writing() as connection:
        connection.execute(
            upsert(daemon).values(id=1, **values).on_conflict_do_update(index_elements=["id"], set_=values)
        )


# What stands behind them.


def _was_picture_of(row: ItemRow, sku: str | None) -> bool:
    """Whether what a new picture of this SKU replaces was a picture of it, or what had to be shot again."""
    return bool(row.status == Status.REJECTED or (row.status != Status.QUARANTINED and row.sku == sku))


def _is_a_persons(connection: Connection, row: ItemRow) -> bool:
    """Whether policy may approve no picture in this one's place: no lowered price helps it past the gate."""
    carried = select(item_prices.c.minor, item_prices.c.currency).where(
        item_prices.c.item == row.id, item_prices.c.minor.is_not(None)
    )
    return bool(row.never_policy) or any(
        judge(connection, row, {"price_minor": minor, "currency": currency})
        for minor, currency in connection.execute(carried).all()
    )


def _of_same_bytes(connection: Connection, sha256: str | None) -> list[ItemRow]:
    """The items with these bytes, in any hot folder: what a person must see of one, they must see here."""
    same = select(items).where(items.c.source_sha256 == sha256)
    return [] if sha256 is None else list(connection.execute(same).all())


def _oldest_rejected(connection: Connection, hot_folder: str, sku: str | None) -> list[ItemRow]:
    if sku is None:
        return []
    rejected = select(items).where(
        items.c.hot_folder == hot_folder, items.c.sku == sku, items.c.status == Status.REJECTED.value
    )
    return list(connection.execute(rejected.order_by(items.c.id).limit(1)).all())


def _supersede(connection: Connection, row: ItemRow, now: float, reason: str, by: int | None) -> None:
    move(
        connection, row, Status.SUPERSEDED, now, what="superseded", reason=reason,
        details={} if by is None else {"by": by},
    )  # fmt: skip
    for state in (FileState.ITEM, FileState.HALF, FileState.QUARANTINED):
        mark_files(connection, row.id, FileState.SUPERSEDED, reason, only=state)


def _claim_received(
    connection: Connection, lease: dict[str, Any], which: ColumnElement[bool]
) -> ItemRow | None:
    first = (
        select(items.c.id)
        .where(items.c.status == Status.RECEIVED.value, which)
        .order_by(items.c.id)
        .limit(1)
        .scalar_subquery()
    )
    row = connection.execute(
        update(items)
        .where(items.c.id == first, items.c.status == Status.RECEIVED.value)
        .values(status=Status.PROCESSING.value, **lease)
        .returning(items)
    ).one_or_none()
    if row is not None:
        _record_claim(connection, row, Status.RECEIVED)
    return row


def _claim_request(
    connection: Connection, lease: dict[str, Any], which: ColumnElement[bool], now: float
) -> ItemRow | None:
    """The oldest stroke layer or touch-up that waits: its item's next version."""
    reachable = (Status.AWAITING_REVIEW.value, Status.FLAGGED.value)
    request = connection.execute(
        select(requests)
        .join(items, items.c.id == requests.c.item)
        .where(requests.c.taken_at.is_(None), items.c.status.in_(reachable), which)
        .order_by(requests.c.id)
        .limit(1)
    ).one_or_none()
    if request is None:
        return None
    before = read_item(connection, request.item)
    row = connection.execute(
        update(items)
        .where(items.c.id == before.id, items.c.status == before.status, items.c.version == before.version)
        .values(
            status=Status.PROCESSING.value, version=before.version + 1, origin=request.origin,
            request=request.id, never_policy=True, tries=0, **lease,
        )
        .returning(items)
    ).one()  # fmt: skip
    connection.execute(update(requests).where(requests.c.id == request.id).values(taken_at=now))
    _record_claim(connection, row, Status(before.status))
    return row


def _record_claim(connection: Connection, row: ItemRow, before: Status) -> None:
    record_event(
        connection, row.updated_at, "claimed", item=row.id, version=row.version, before=before,
        after=Status.PROCESSING, details={"worker": row.lease_owner, "origin": row.origin},
    )  # fmt: skip


def _claimed(connection: Connection, row: ItemRow) -> Claimed:
    return Claimed(
        item=row.id,
        version=row.version,
        worker=row.lease_owner,
        hot_folder=row.hot_folder,
        path=row.path,
        source_sha256=row.source_sha256,
        captured_at=to_datetime(row.captured_at),
        origin=Origin(row.origin),
        tries=row.tries,
        strokes=strokes_of_row(connection, row),
        returned=returned_under(connection, row),
    )


def _in_hand(connection: Connection, claimed: Claimed) -> ItemRow:
    """The item's row, if it is still in this worker's hands."""
    row = read_item(connection, claimed.item)
    held = row.status == Status.PROCESSING and row.lease_owner == claimed.worker
    if not held or row.version != claimed.version:
        raise TransitionRefused(
            f"Item {claimed.item} is no longer with worker {claimed.worker}: what it made is dropped."
        )
    return row


def _give_back(connection: Connection, row: ItemRow, now: float, reason: str, counts_as_try: bool) -> Status:
    tries = row.tries + int(counts_as_try)
    if counts_as_try and tries >= TRIES:
        reason = f"{reason} (tried {tries} times)"
        move(connection, row, Status.FAILED, now, what="failed", reason=reason, tries=tries)
        return Status.FAILED
    what = "tried" if counts_as_try else "given_back"
    move(connection, row, Status.RECEIVED, now, what=what, reason=reason, tries=tries)
    return Status.RECEIVED
