"""The one way an item's status changes: a guarded UPDATE and its event, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from studiod.errors import LedgerError, TransitionRefused
from studiod.ledger.gate import Standing, Thresholds, demand_of, shortfall
from studiod.ledger.looks import seen_so_far, unseen
from studiod.ledger.records import Demand, Origin, OutputState, Person
from studiod.ledger.states import Status, may_become
from studiod.ledger.tables import decisions, events, item_prices, items, outputs, thresholds, versions

ItemRow = Row[Any]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who an event is by: a part of studiod, or a person."""

    name: str
    uid: int | None = None

    @classmethod
    def of(cls, person: Person) -> Actor:
        """The person as an actor."""
        return cls(person.login, person.uid)


DAEMON = Actor("daemon")
POLICY = Actor("policy")
CATALOGUE = Actor("catalogue")
SETTINGS = Actor("settings")


def read_item(connection: Connection, item: int) -> ItemRow:
    """The item's row; LedgerError when there is none of that number."""
    row = connection.execute(select(items).where(items.c.id == item)).one_or_none()
    if row is None:
        raise LedgerError(f"There is no item {item}.", "See the numbers with: studiod list.")
    return row


def move(
    connection: Connection,
    row: ItemRow,
    after: Status,
    now: float,
    *,
    what: str,
    actor: Actor = DAEMON,
    reason: str = "",
    details: Mapping[str, Any] | None = None,
    **values: Any,
) -> ItemRow:
    """Take the item from the state and version in `row` to `after`, with `values`; returns the new row.

    `reason` stands in the item until its next transition, and in the event for good.

    TransitionRefused when there is no such transition, or the item is no longer as `row` says.
    """
    before = Status(row.status)
    if not may_become(before, after):
        raise TransitionRefused(f"Item {row.id} is {before}: it cannot become {after}.")
    leaves = {"lease_owner": None, "lease_until": None} if before is Status.PROCESSING else {}
    changed = connection.execute(
        update(items)
        .where(items.c.id == row.id, items.c.status == before.value, items.c.version == row.version)
        .values({"updated_at": now, **leaves, **values, "status": after.value, "reason": reason})
        .returning(items)
    ).one_or_none()
    if changed is None:
        raise TransitionRefused(f"Item {row.id} changed meanwhile.", "Look at it again.")
    record_event(
        connection, now, what, item=row.id, version=changed.version, actor=actor, before=before, after=after,
        reason=reason, details=details,
    )  # fmt: skip
    return changed


def record_event(
    connection: Connection,
    now: float,
    what: str,
    *,
    item: int | None = None,
    version: int | None = None,
    actor: Actor = DAEMON,
    before: Status | None = None,
    after: Status | None = None,
    reason: str = "",
    details: Mapping[str, Any] | None = None,
) -> None:
    """Append one line of history."""
    connection.execute(
        insert(events).values(
            item=item, version=version, at=now, actor=actor.name, uid=actor.uid, what=what,
            before=before, after=after, reason=reason, details=dict(details or {}),
        )
    )  # fmt: skip


def read_thresholds(connection: Connection) -> Thresholds:
    """The thresholds in force."""
    rules: dict[str, dict[str, int]] = {"person": {}, "two_persons": {}}
    for row in connection.execute(select(thresholds)):
        rules[row.rule][row.currency] = row.minor
    return Thresholds(**rules)


def judge(connection: Connection, row: ItemRow, new: Mapping[str, Any] | None = None) -> Demand:
    """What the gate demands of the item now, or would with `new` price_minor, currency, always_review."""
    seen = {**row._mapping, **(new or {})}
    carried = connection.execute(
        select(item_prices.c.minor, item_prices.c.currency).where(item_prices.c.item == row.id)
    )
    return demand_of(
        (seen["price_minor"], seen["currency"]),
        [(minor, currency) for minor, currency in carried],
        bool(seen["always_review"]),
        read_thresholds(connection),
    )


def missing(connection: Connection, row: ItemRow, new: Mapping[str, Any] | None = None) -> str:
    """What the item lacks before it may leave, in a sentence (with a `new` price, where given)."""
    return shortfall(
        judge(connection, row, new), bool(row.never_policy), Origin(row.origin), standing(connection, row)
    )


def standing(connection: Connection, row: ItemRow) -> Standing:
    """The approvals of the item's present version that count: not withdrawn, with its own evidence."""
    found = connection.execute(
        select(decisions.c.uid)
        .join(
            versions,
            (versions.c.item == decisions.c.item)
            & (versions.c.version == decisions.c.version)
            & (versions.c.evidence == decisions.c.evidence),
        )
        .where(
            decisions.c.item == row.id,
            decisions.c.version == row.version,
            decisions.c.verdict == "approve",
            decisions.c.withdrawn_at.is_(None),
        )
    ).scalars()
    uids = list(found)
    persons = frozenset(uid for uid in uids if uid is not None)
    looked = [uid for uid in persons if not unseen(*seen_so_far(connection, row.id, row.version, uid))]
    return Standing(persons, frozenset(looked), None in uids)


def reopen(
    connection: Connection, row: ItemRow, now: float, *, what: str, actor: Actor, reason: str = ""
) -> ItemRow:
    """Back to awaiting_review: the version's decisions are withdrawn, its files in the outbox recalled."""
    connection.execute(
        update(decisions)
        .where(
            decisions.c.item == row.id,
            decisions.c.version == row.version,
            decisions.c.withdrawn_at.is_(None),
        )
        .values(withdrawn_at=now, withdrawn_by=actor.name)
    )
    take_outputs_back(connection, row.id, now)
    return move(
        connection, row, Status.AWAITING_REVIEW, now, what=what, actor=actor, reason=reason, approved_at=None
    )


def take_outputs_back(connection: Connection, item: int, now: float) -> None:
    """Whatever lies in the outbox for this item, or may lie there, is for the daemon to take back."""
    connection.execute(
        update(outputs)
        .where(outputs.c.item == item, outputs.c.state.in_((OutputState.RESERVED, OutputState.DELIVERED)))
        .values(state=OutputState.RECALLING.value, changed_at=now)
    )
