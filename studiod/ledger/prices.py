"""Prices and thresholds: every change has the gate judged again."""

from __future__ import annotations

from collections.abc import Mapping

from studiod.ledger.engine import Ledger
from studiod.ledger.states import Status


def set_price(
    ledger: Ledger, item: int, minor: int | None, currency: str, *, title: str = "", always_review: bool = False
) -> Status:
    """Give an item the catalogue's price, title and always_review mark of today; returns its status.

    An approved (or delivering) item goes back to awaiting_review where a stricter gate than it passed is
    called for. A waiting item stays waiting, whatever its price. After delivery, a rise is an event.
    """
    raise NotImplementedError


def set_thresholds(ledger: Ledger, person: Mapping[str, int], two_persons: Mapping[str, int]) -> list[int]:
    """Bring the thresholds in the database to the settings' (minor units by currency).

    Each change is an event; returns the items that a stricter gate took back to awaiting_review.
    """
    raise NotImplementedError
