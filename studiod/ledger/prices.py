"""Prices and thresholds: every change has the gate judged again."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects.sqlite import insert

from studiod.ledger.engine import Ledger
from studiod.ledger.records import Demand
from studiod.ledger.states import Status
from studiod.ledger.tables import items, storable, thresholds
from studiod.ledger.transition import (
    CATALOGUE,
    SETTINGS,
    missing,
    read_item,
    read_thresholds,
    record_event,
    reopen,
)

_PASSED = (Status.APPROVED, Status.DELIVERING)
_PRICE_ROSE = "its price now calls for a stricter gate"
_THRESHOLD_FELL = "a threshold now calls for a stricter gate"


def set_price(
    ledger: Ledger,
    item: int,
    minor: int | None,
    currency: str,
    *,
    title: str | None = None,
    always_review: bool = False,
    sku: str | None = None,
) -> Status:
    """Give an item the catalogue's price, title and always_review mark of today; returns its status.

    `sku` is given where a late catalogue first says which piece it is.

    An approved (or delivering) item goes back to awaiting_review where a stricter gate than it passed is
    called for. A waiting item stays waiting, whatever its price. After delivery, a rise is an event. The
    mark is never taken back. Nothing is written where nothing changed.
    """
    with ledger.writing() as connection:
        before = read_item(connection, item)
        new = {
            "price_minor": minor,
            "currency": currency,
            "title": before.title if title is None else storable(title),
            "sku": before.sku if sku is None else storable(sku),
            "always_review": bool(before.always_review) or always_review,
        }
        if all(getattr(before, name) == value for name, value in new.items()):
            return Status(before.status)
        now = ledger.clock()
        demanded = Demand(before.demand)
        details = {
            "before": {"minor": before.price_minor, "currency": before.currency, "sku": before.sku},
            "after": {"minor": minor, "currency": currency, "sku": new["sku"]},
        }
        row = before
        if before.status in _PASSED and missing(connection, before, new):
            row = reopen(connection, before, now, what="gate", actor=CATALOGUE, reason=_PRICE_ROSE)
        connection.execute(update(items).where(items.c.id == item).values(updated_at=now, **new))
        after = read_item(connection, item)
        stricter = after.demand > demanded
        rose = currency == before.currency and (minor or 0) > (before.price_minor or 0)
        late = before.status == Status.DELIVERED and (rose or stricter)
        record_event(
            connection,
            now,
            "price_rose_after_delivery" if late else "price",
            item=item,
            version=after.version,
            actor=CATALOGUE,
            reason="the gate is stricter now than it was at delivery" if late and stricter else "",
            details=details,
        )
        return Status(row.status)


def set_thresholds(ledger: Ledger, person: Mapping[str, int], two_persons: Mapping[str, int]) -> list[int]:
    """Bring the thresholds in the database to the settings' (minor units by currency).

    Each change is an event; returns the items that a stricter gate took back to awaiting_review.
    """
    wanted = {("person", key): minor for key, minor in person.items()}
    wanted |= {("two_persons", key): minor for key, minor in two_persons.items()}
    with ledger.reading() as connection:  # asked every round: nobody is to wait for a lock in vain
        if _in_force(connection) == wanted:
            return []
    with ledger.writing() as connection:
        have = _in_force(connection)
        now = ledger.clock()
        for rule, currency in have.keys() - wanted.keys():
            connection.execute(
                delete(thresholds).where(thresholds.c.rule == rule, thresholds.c.currency == currency)
            )
        for (rule, currency), minor in wanted.items():
            if have.get((rule, currency)) != minor:
                connection.execute(
                    insert(thresholds)
                    .values(rule=rule, currency=currency, minor=minor)
                    .on_conflict_do_update(index_elements=["currency", "rule"], set_={"minor": minor})
                )
        taken_back = []
        for row in connection.execute(select(items).where(items.c.status.in_(_PASSED))).all():
            if missing(connection, row):
                reopen(connection, row, now, what="gate", actor=SETTINGS, reason=_THRESHOLD_FELL)
                taken_back.append(row.id)
        return taken_back


def _in_force(connection: Connection) -> dict[tuple[str, str], int]:
    """The thresholds in force, by rule and currency."""
    found = read_thresholds(connection)
    one = {("person", currency): minor for currency, minor in found.person.items()}
    return one | {("two_persons", currency): minor for currency, minor in found.two_persons.items()}
