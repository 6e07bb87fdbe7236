"""The daemon's side of the queue: items and files come in, are claimed, made, and given back.

Every change of status goes through one guarded UPDATE (`transition.py`) with its event, in one
transaction; an item that is no longer as expected is a TransitionRefused and nothing is written.
"""

from __future__ import annotations

from collections.abc import Sequence

from studiod.ledger.engine import Ledger
from studiod.ledger.records import Claimed, DaemonState, FileFacts, FileState, NewItem, NewVersion
from studiod.ledger.states import Status

TRIES = 3


def add_item(ledger: Ledger, new: NewItem, *, supersedes: Sequence[int] = ()) -> int:
    """Record a new item and its source file (state item or quarantined); returns the item's number.

    Those of `supersedes` that are not decided yet become superseded, with their files; the others stay.
    A new picture also takes the oldest rejected item of its SKU off the list of what must be shot again.
    """
    raise NotImplementedError


def record_file(
    ledger: Ledger, facts: FileFacts, state: FileState, *, item: int | None = None, reason: str = ""
) -> int:
    """Record a file that is no item of its own (half, duplicate, plate, ignored ...); returns its number.

    The same path with the same bytes is one row: seen again, its size, mtime, state and reason are renewed
    (the row of an item's source keeps its state and item).
    """
    raise NotImplementedError


def attach_half(ledger: Ledger, item: int, facts: FileFacts) -> None:
    """Attach a pair's other half to its item, never processed by itself; an event says so."""
    raise NotImplementedError


def set_kept_original(ledger: Ledger, item: int, kept: str | None) -> None:
    """Say where the copy of the item's original lies below `work`; None when it was cleaned away."""
    raise NotImplementedError


def move_source(ledger: Ledger, item: int, facts: FileFacts) -> None:
    """An original was moved: the same bytes at a new path are this item's source from now on."""
    raise NotImplementedError


def claim(ledger: Ledger, worker: str, lease_seconds: float) -> Claimed | None:
    """Take the next item into `worker`'s hands: strokes and returned touch-ups first, then the oldest."""
    raise NotImplementedError


def heartbeat(ledger: Ledger, claimed: Claimed, lease_seconds: float) -> bool:
    """Lengthen the lease; False when the item is no longer this worker's (its work is to be dropped)."""
    raise NotImplementedError


def finish(ledger: Ledger, claimed: Claimed, made: NewVersion, *, approve_by_policy: bool = False) -> Status:
    """Record the version made; returns AWAITING_REVIEW, or APPROVED.

    APPROVED only with `approve_by_policy` and where the gate allows policy at all; the event says so.
    """
    raise NotImplementedError


def fail(ledger: Ledger, claimed: Claimed, reason: str) -> None:
    """The pipeline said why this item cannot be made: failed at once, whatever its tries."""
    raise NotImplementedError


def quarantine(ledger: Ledger, claimed: Claimed, reason: str) -> None:
    """The file is no picture that we can read: the item and its file are quarantined."""
    raise NotImplementedError


def give_back(ledger: Ledger, claimed: Claimed, reason: str, *, counts_as_try: bool) -> Status:
    """Give an item back unfinished: RECEIVED again, or FAILED when this was its third try.

    A worker's death or time-out counts as a try; a full disk or an orderly stop does not.
    """
    raise NotImplementedError


def expire_leases(ledger: Ledger) -> list[tuple[int, Status]]:
    """Give back what dead workers held (their leases ran out); each counts as a try."""
    raise NotImplementedError


def give_back_all(ledger: Ledger, reason: str) -> list[int]:
    """At the daemon's start: whatever an earlier daemon's workers held is received again; no try."""
    raise NotImplementedError


def request_strokes(ledger: Ledger, item: int, version: int, path: str, uid: int, login: str) -> None:
    """Ask for a new version with the brush strokes in `path` (relative to `work`)."""
    raise NotImplementedError


def record_return(ledger: Ledger, item: int, path: str) -> None:
    """A retouched file came back for a flagged or waiting item: it is made before anything else."""
    raise NotImplementedError


def beat(ledger: Ledger, state: DaemonState) -> None:
    """Write the daemon's heartbeat."""
    raise NotImplementedError
