"""What people do to items: decisions on one version, each by a person of the operating system."""

from __future__ import annotations

from studiod.ledger.engine import Ledger
from studiod.ledger.records import Box, Person
from studiod.ledger.states import Status


def current_person() -> Person:
    """The person at the keyboard: the operating system's login (behind sudo, the login's), never the
    environment."""
    raise NotImplementedError


def approve(ledger: Ledger, item: int, version: int, person: Person) -> Status:
    """Approve the version seen; returns APPROVED, or APPROVED_ONCE where a second person must follow.

    TransitionRefused when the picture changed while it was looked at, or does not wait any more.
    """
    raise NotImplementedError


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
    raise NotImplementedError


def reject(ledger: Ledger, item: int, version: int, person: Person, *, note: str = "") -> None:
    """The picture is no good: it must be shot again."""
    raise NotImplementedError


def undo(ledger: Ledger, item: int, person: Person) -> Status:
    """Withdraw the last decision on the item, while it is not being delivered; it waits again."""
    raise NotImplementedError


def last_decided(ledger: Ledger, person: Person) -> int | None:
    """The item that this person decided last and that can still be undone."""
    raise NotImplementedError


def retry(ledger: Ledger, item: int, person: Person) -> None:
    """Process a failed, quarantined or rejected item again."""
    raise NotImplementedError


def recall(ledger: Ledger, item: int, person: Person, *, reason: str = "") -> None:
    """Reopen a delivered item: it waits for a person again, and the daemon takes its files back."""
    raise NotImplementedError


def open_for_review(
    ledger: Ledger, item: int, person: Person, *, seconds: float = 300.0, take_over: bool = False
) -> Person:
    """Show that `person` has the item open, for `seconds`; returns who has it open.

    Another person's claim stands until it expires, unless `take_over`.
    """
    raise NotImplementedError


def close_review(ledger: Ledger, item: int, person: Person) -> None:
    """`person` no longer has the item open."""
    raise NotImplementedError
