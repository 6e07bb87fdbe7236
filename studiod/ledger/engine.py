"""Open the ledger: one SQLite database in WAL mode, migrated by the daemon, backed up daily."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine

SCHEMA = "0001"


class Ledger:
    """An open ledger: the database's path, its SQLAlchemy engine and its clock."""

    def __init__(self, path: Path, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self.engine = engine
        self.clock = clock

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view of the database."""
        raise NotImplementedError
        yield

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One write transaction (BEGIN IMMEDIATE): all of it or nothing."""
        raise NotImplementedError
        yield

    def close(self) -> None:
        """Give back every connection."""
        raise NotImplementedError


def open_ledger(
    path: Path, *, migrate: bool = False, busy_seconds: float = 30.0, clock: Callable[[], float] = time.time
) -> Ledger:
    """Open the database at `path`.

    With `migrate` (the daemon, at its start) it is made, or brought up to this release's schema after a
    backup beside it. Without, a missing database, an older or a newer schema is a LedgerError. A database
    on a network file system is refused always: WAL does not work there.
    """
    raise NotImplementedError


def back_up(ledger: Ledger, folder: Path, *, keep: int = 7) -> Path:
    """Write today's backup into `folder` unless it is there, and keep the last `keep`; returns its path."""
    raise NotImplementedError
