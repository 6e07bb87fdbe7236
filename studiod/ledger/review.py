"""What people do to items: decisions on one version, each by a person of the operating system."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import ColumnElement, Connection, and_, delete, func, or_, select, union_all
from sqlalchemy.dialects.sqlite import insert

from studiod.errors import GateRefused, NotLookedAt, StudioError, TransitionRefused
from studiod.ledger.engine import Ledger
from studiod.ledger.evidence import put_decision
from studiod.ledger.files import mark_files
from studiod.ledger.gate import enough, policy_may_approve
from studiod.ledger.looks import coverage, seen_so_far, unseen
from studiod.ledger.records import Box, FileState, Origin, Person
from studiod.ledger.states import Status
from studiod.ledger.tables import decisions, events, items, looking, requests, versions
from studiod.ledger.touchup import REACHABLE, is_asked_for, put_request, strokes_of_row
from studiod.ledger.transition import (
    Actor,
    ItemRow,
    judge,
    move,
    read_item,
    record_event,
    reopen,
    standing,
)
from studiod.strokes import Stroke, strokes_to_json

_UNDONE = (Status.APPROVED, Status.APPROVED_ONCE, Status.FLAGGED, Status.REJECTED)
_NOBODY = 2**32 - 1
_CLAIM_SECONDS = 300.0
_LOOK = "Look at it in the review terminal, studiod-review: n steps through what is missing."


def current_person() -> Person:
    """The person at the keyboard: the operating system's login, never the environment.

    On Linux it is who logged in, also behind sudo or su.
    """
    try:
        import pwd
    except ImportError:
        raise StudioError("This system has no logins that decisions could be signed with.") from None
    logged_in = _login_uid()
    uid = os.getuid() if logged_in is None else logged_in
    try:
        return Person(uid, pwd.getpwuid(uid).pw_name)
    except KeyError:
        return Person(uid, f"uid {uid}")


def approve(ledger: Ledger, item: int, version: int, person: Person, *, note: str = "") -> Status:
    """Approve the version seen; returns APPROVED, or APPROVED_ONCE where a second person must follow.

    GateRefused when a person must decide and this one has not looked at every place of it (`looks`).
    TransitionRefused when the picture changed while it was looked at, or does not wait any more.
    """
    with ledger.writing() as connection:
        row = _as_seen(connection, item, version)
        return _approve(connection, row, ledger.clock(), person, note, what="approved")


def approve_unseen(ledger: Ledger, item: int, version: int, person: Person, *, below: float) -> Status:
    """Approve one of many that nobody looked at: nothing mandatory, nothing of a risk of `below` or more.

    What a person once sent away, painted on or had retouched is for a person's eyes too, and what somebody
    else has open for theirs. GateRefused for all of these.
    """
    now = ledger.clock()
    with ledger.writing() as connection:
        row = _as_seen(connection, item, version)
        holder = connection.execute(
            select(looking.c.login).where(
                looking.c.item == item, looking.c.uid != person.uid, looking.c.until > now
            )
        ).scalar_one_or_none()
        if holder is not None:
            raise GateRefused(f"{holder} has item {item} open: it is left to them.", _LOOK)
        unrisky = row.risk is not None and row.risk < below
        if not unrisky or not policy_may_approve(
            judge(connection, row), bool(row.never_policy), Origin(row.origin)
        ):
            raise GateRefused(
                f"Item {item} is not one of those that may be approved without a look at each.", _LOOK
            )
        return _approve(connection, row, now, person, "", what="approved_unseen")


def flag(
    ledger: Ledger,
    item: int,
    version: int,
    person: Person,
    *,
    reasons: tuple[str, ...] = (),
    note: str = "",
    box: Box | None = None,
) -> None:
    """Send the version to manual touch-up."""
    now = ledger.clock()
    with ledger.writing() as connection:
        row = _undecided(connection, _as_seen(connection, item, version), now, person)
        put_decision(
            connection, row, now, verdict="flag", person=person,
            reasons=reasons, note=note, box=box,
        )  # fmt: skip
        move(
            connection, row, Status.FLAGGED, now, what="flagged", actor=Actor.of(person), reason=note,
            details={"reasons": list(reasons), "box": None if box is None else list(box)}, never_policy=True,
        )  # fmt: skip
        _close(connection, item)


def reject(
    ledger: Ledger, item: int, version: int, person: Person, *, reasons: tuple[str, ...] = (), note: str = ""
) -> None:
    """The picture is no good: it must be shot again."""
    now = ledger.clock()
    with ledger.writing() as connection:
        row = _undecided(connection, _as_seen(connection, item, version), now, person)
        put_decision(connection, row, now, verdict="reject", person=person, reasons=reasons, note=note)
        move(
            connection, row, Status.REJECTED, now, what="rejected", actor=Actor.of(person), reason=note,
            details={"reasons": list(reasons)}, never_policy=True,
        )  # fmt: skip
        _close(connection, item)


def undo(ledger: Ledger, item: int, person: Person) -> Status:
    """Withdraw what was decided on the item, while it is not being delivered; it waits again.

    Strokes of this person that no version is made with yet are taken back too.
    """
    now = ledger.clock()
    with ledger.writing() as connection:
        row = read_item(connection, item)
        if connection.execute(
            delete(requests).where(requests.c.item == item, _waiting_strokes(person))
        ).rowcount:
            record_event(
                connection, now, "strokes_taken_back", item=item, version=row.version, actor=Actor.of(person)
            )
            return Status(row.status)
        if row.status not in _UNDONE:
            hint = f"Use: studiod recall {item}." if row.status == Status.DELIVERED else ""
            raise TransitionRefused(f"Item {item} is {row.status}: there is no decision to undo.", hint)
        after = reopen(connection, row, now, what="undone", actor=Actor.of(person))
        return Status(after.status)


def last_decided(ledger: Ledger, person: Person) -> int | None:
    """The item that this person decided or painted on last, where that can still be undone."""
    decided = (
        select(decisions.c.item)
        .join(items, (items.c.id == decisions.c.item) & (items.c.version == decisions.c.version))
        .where(
            decisions.c.uid == person.uid,
            decisions.c.withdrawn_at.is_(None),
            items.c.status.in_([status.value for status in _UNDONE]),
        )
    )
    painted = (
        select(requests.c.item)
        .join(items, items.c.id == requests.c.item)
        .where(_waiting_strokes(person), items.c.status.in_([status.value for status in REACHABLE]))
    )
    # By the events' numbers: the clock may have been set back.
    last = (
        select(events.c.item)
        .where(events.c.uid == person.uid, events.c.item.in_(union_all(decided, painted)))
        .order_by(events.c.id.desc())
        .limit(1)
    )
    with ledger.reading() as connection:
        return connection.execute(last).scalar_one_or_none()


def retry(ledger: Ledger, item: int, person: Person, *, reason: str = "") -> None:
    """Process a failed, quarantined or rejected item again, from the start."""
    with ledger.writing() as connection:
        row = read_item(connection, item)
        if row.status not in (Status.FAILED, Status.QUARANTINED, Status.REJECTED):
            raise TransitionRefused(
                f"Item {item} is {row.status}: only failed, quarantined and rejected items are tried again."
            )
        made = connection.execute(
            select(func.count()).where(versions.c.item == item, versions.c.version == row.version)
        ).scalar_one()
        mark_files(connection, item, FileState.ITEM, "", only=FileState.QUARANTINED)
        move(
            connection, row, Status.RECEIVED, ledger.clock(), what="retried", actor=Actor.of(person),
            reason=reason, tries=0, approved_at=None, version=row.version + made,
        )  # fmt: skip


def recall(ledger: Ledger, item: int, person: Person, *, reason: str = "") -> None:
    """Reopen a delivered item: it waits for a person again, and the daemon takes its files back."""
    with ledger.writing() as connection:
        row = read_item(connection, item)
        if row.status != Status.DELIVERED:
            raise TransitionRefused(f"Item {item} is {row.status}: only a delivered item can be recalled.")
        reopen(connection, row, ledger.clock(), what="recalled", actor=Actor.of(person), reason=reason)


def request_strokes(
    ledger: Ledger, item: int, version: int, strokes: Sequence[Stroke], person: Person
) -> None:
    """Ask for a new version with these brush strokes: its whole layer, those of the version seen included.

    An empty layer takes back those of the version seen; StudioError where that has none.
    """
    now = ledger.clock()
    layer = strokes_to_json(strokes)
    with ledger.writing() as connection:
        row = _undecided(connection, _as_seen(connection, item, version), now, person)
        if not layer and not strokes_of_row(connection, row):
            raise StudioError(f"Item {item} has no strokes to take back.", "Paint something first.")
        put_request(connection, row, Origin.STROKES, now, person=person, strokes=layer)
        record_event(
            connection, now, "strokes_painted", item=item, version=version, actor=Actor.of(person),
            details={"strokes": len(layer)},
        )  # fmt: skip


def open_for_review(ledger: Ledger, item: int, person: Person, *, take_over: bool = False) -> Person:
    """Show that `person` has the item open, for five minutes; returns who has it open.

    Another person's claim stands until it expires, unless `take_over`.
    """
    now = ledger.clock()
    with ledger.writing() as connection:
        read_item(connection, item)
        new = insert(looking).values(
            item=item, uid=person.uid, login=person.login, until=now + _CLAIM_SECONDS
        )
        free = None if take_over else or_(looking.c.uid == person.uid, looking.c.until <= now)
        connection.execute(
            new.on_conflict_do_update(
                index_elements=["item"],
                set_={name: new.excluded[name] for name in ("uid", "login", "until")},
                where=free,
            )
        )
        holder = connection.execute(
            select(looking.c.uid, looking.c.login).where(looking.c.item == item)
        ).one()
        return Person(holder.uid, holder.login)


def close_review(ledger: Ledger, item: int, person: Person) -> None:
    """`person` no longer has the item open."""
    with ledger.writing() as connection:
        connection.execute(delete(looking).where(looking.c.item == item, looking.c.uid == person.uid))


def _approve(
    connection: Connection, row: ItemRow, now: float, person: Person, note: str, *, what: str
) -> Status:
    demand = judge(connection, row)
    before = standing(connection, row)
    again = person.uid in before.uids
    if again and not enough(demand, before.counting(demand)):  # a threshold may ask for one alone by now
        raise GateRefused(
            f"{person.login} has approved item {row.id} already: a second person must follow.",
            "Ask a colleague with a login of their own.",
        )
    seen = seen_so_far(connection, row.id, row.version, person.uid)
    missing = unseen(*seen)
    if demand and missing:
        raise NotLookedAt(
            f"{person.login} has not looked at item {row.id} closely enough: missing is {missing.words()}.",
            _LOOK,
        )
    if not again:
        put_decision(connection, row, now, verdict="approve", person=person, note=note)
    details = {"coverage": round(coverage(*seen), 3)}
    is_enough = enough(demand, before.counting(demand) | {person.uid})
    move(
        connection, row, Status.APPROVED if is_enough else Status.APPROVED_ONCE, now,
        what=what if is_enough else "approved_once", actor=Actor.of(person), reason=note, details=details,
        approved_at=now if is_enough else None,
    )  # fmt: skip
    _close(connection, row.id)
    return Status.APPROVED if is_enough else Status.APPROVED_ONCE


def _waiting_strokes(person: Person) -> ColumnElement[bool]:
    """Requests of a person that no worker has taken yet."""
    return and_(
        requests.c.uid == person.uid,
        requests.c.origin == Origin.STROKES.value,
        requests.c.taken_at.is_(None),
    )


def _as_seen(connection: Connection, item: int, version: int) -> ItemRow:
    """The item's row, if it waits for a decision and is still the version that was looked at."""
    row = read_item(connection, item)
    if row.version != version:
        raise TransitionRefused(
            f"Item {item}: this picture changed while you looked (you saw version {version}, "
            f"it is version {row.version} now).",
            "Look at it again.",
        )
    if row.status not in (Status.AWAITING_REVIEW, Status.APPROVED_ONCE):
        hint = "Whoever decided it takes it back: u in studiod-review." if row.status in _UNDONE else ""
        raise TransitionRefused(f"Item {item} is {row.status}: it does not wait for a decision.", hint)
    if is_asked_for(connection, item):
        raise TransitionRefused(
            f"Item {item} is about to be made anew from strokes or a touch-up.", "Look at it again then."
        )
    return row


def _undecided(connection: Connection, row: ItemRow, now: float, person: Person) -> ItemRow:
    """The row in awaiting_review: a first person's approval does not bind the second."""
    if row.status == Status.APPROVED_ONCE:
        return reopen(connection, row, now, what="first_approval_withdrawn", actor=Actor.of(person))
    return row


def _close(connection: Connection, item: int) -> None:
    connection.execute(delete(looking).where(looking.c.item == item))


def _login_uid() -> int | None:
    """Who logged in (Linux's loginuid); None where the system does not say."""
    try:
        uid = int(Path("/proc/self/loginuid").read_text("ascii"))
    except (OSError, ValueError):
        return None
    return None if uid == _NOBODY else uid
