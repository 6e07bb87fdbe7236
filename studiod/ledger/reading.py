"""Pages of the ledger for lists, screens and scripts; nothing here changes a row."""

from __future__ import annotations

from collections.abc import Mapping

from studiod.ledger.engine import Ledger
from studiod.ledger.records import (
    EVERYTHING,
    DaemonState,
    Decision,
    Event,
    FileRecord,
    FileState,
    ItemRecord,
    Order,
    OutputRecord,
    Selection,
    VersionRecord,
)
from studiod.ledger.states import Status


def list_items(
    ledger: Ledger,
    selection: Selection = EVERYTHING,
    *,
    order: Order = Order.OLDEST,
    limit: int = 200,
    offset: int = 0,
) -> list[ItemRecord]:
    """One page of items."""
    raise NotImplementedError


def waiting(ledger: Ledger, *, limit: int = 200, offset: int = 0) -> list[ItemRecord]:
    """One page of what waits for a person, the largest expected loss first."""
    raise NotImplementedError


def count_items(ledger: Ledger, selection: Selection = EVERYTHING) -> int:
    """How many items a selection holds."""
    raise NotImplementedError


def count_by_status(ledger: Ledger) -> dict[Status, int]:
    """How many items stand in each status; every status is there, 0 included."""
    raise NotImplementedError


def get_item(ledger: Ledger, item: int) -> ItemRecord:
    """One item; LedgerError when there is none of that number."""
    raise NotImplementedError


def get_version(ledger: Ledger, item: int, version: int | None = None) -> VersionRecord | None:
    """A version's record, by default the item's current one; None where it was not made (yet)."""
    raise NotImplementedError


def history(ledger: Ledger, item: int) -> list[Event]:
    """Everything that ever happened to an item, oldest first."""
    raise NotImplementedError


def events_since(ledger: Ledger, event: int, limit: int = 1000) -> list[Event]:
    """Events after number `event`, the studio's own included: what is new since a screen looked."""
    raise NotImplementedError


def last_event(ledger: Ledger) -> int:
    """The number of the newest event; 0 when there is none."""
    raise NotImplementedError


def decisions(ledger: Ledger, item: int) -> list[Decision]:
    """Every decision on an item, withdrawn ones included, oldest first."""
    raise NotImplementedError


def outputs(ledger: Ledger, item: int) -> list[OutputRecord]:
    """Every output that an item ever reserved or delivered."""
    raise NotImplementedError


def thresholds(ledger: Ledger) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """The thresholds in force, in minor units by currency: over which a person, over which two persons."""
    raise NotImplementedError


def list_files(
    ledger: Ledger, *, state: FileState | None = None, limit: int = 200, offset: int = 0
) -> list[FileRecord]:
    """One page of every file ever taken up, in the order they were recorded."""
    raise NotImplementedError


def count_files(ledger: Ledger) -> dict[FileState, int]:
    """How many files stand in each state; every state is there, 0 included."""
    raise NotImplementedError


def known_files(ledger: Ledger, hot_folder: str) -> dict[str, tuple[int, int]]:
    """Size and mtime_ns by path of every file on record in a hot folder, as last seen: for rescans."""
    raise NotImplementedError


def find_file(ledger: Ledger, hot_folder: str, path: str) -> FileRecord | None:
    """The newest record of a path."""
    raise NotImplementedError


def find_current(ledger: Ledger, hot_folder: str, path: str) -> ItemRecord | None:
    """The newest item whose source has this path and that is not superseded."""
    raise NotImplementedError


def find_by_hash(ledger: Ledger, sha256: str) -> list[ItemRecord]:
    """Items whose source has these bytes, in any hot folder, newest first (superseded ones included)."""
    raise NotImplementedError


def find_plate(
    ledger: Ledger, hot_folder: str, folder: str, before: float | None = None
) -> FileRecord | None:
    """The newest plate in `folder` (below the hot folder, "" for its top) taken at or before `before`."""
    raise NotImplementedError


def daemon_state(ledger: Ledger) -> DaemonState | None:
    """The daemon's last heartbeat; None before its first start."""
    raise NotImplementedError
