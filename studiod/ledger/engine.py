"""Open the ledger: one SQLite database in WAL mode, migrated by the daemon, backed up daily."""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import DatabaseError, IntegrityError

from studiod.errors import GateRefused, LedgerError, OutOfSpace, StudioError, TransitionRefused
from studiod.ledger.mounts import network_file_system

SCHEMA = "0003"
"""The schema of this release: the newest migration."""

_OLDEST_SQLITE = (3, 35, 0)
_BACKUPS = 7


class Ledger:
    """An open ledger: the database's path, its SQLAlchemy engine and its clock."""

    def __init__(self, path: Path, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self.engine = engine
        self.clock = clock

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view of the database."""
        with _plain_errors(self.path), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One write transaction (BEGIN IMMEDIATE): all of it or nothing."""
        with (
            _plain_errors(self.path),
            self.engine.connect().execution_options(immediate=True) as connection,
            connection.begin(),
        ):
            yield connection

    def close(self) -> None:
        """Give back every connection."""
        self.engine.dispose()


def open_ledger(
    path: Path, *, migrate: bool = False, busy_seconds: float = 30.0, clock: Callable[[], float] = time.time
) -> Ledger:
    """Open the database at `path`.

    With `migrate` (the daemon, at its start) it is made, or brought up to this release's schema after a
    backup beside it. Without, a missing database, an older or a newer schema is a LedgerError. A database
    on a network file system is refused always: WAL does not work there.
    """
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise LedgerError(
            f"SQLite {sqlite3.sqlite_version} is too old for the ledger.",
            "Use a Python with SQLite 3.35 or newer.",
        )
    share = network_file_system(path)
    if share is not None:
        raise LedgerError(
            f"The ledger cannot live on a network file system: {path} is on {share}, "
            "where SQLite's write-ahead log does not work.",
            "Put the studio's work folder on a local disk; hot folders and the outbox may be shares.",
        )
    if not path.exists():
        if not migrate:
            raise LedgerError(f"There is no ledger at {path} yet.", "Start the daemon once: studiod run.")
        path.parent.mkdir(parents=True, exist_ok=True)
    if migrate:
        _share_with_group(path)
    ledger = Ledger(path, _engine(path, busy_seconds), clock)
    try:
        _bring_up(ledger, migrate)
    except BaseException:
        ledger.close()
        raise
    return ledger


def back_up(ledger: Ledger, folder: Path) -> Path:
    """Write today's backup into `folder` unless it is there, and keep the last seven; returns its path."""
    day = datetime.fromtimestamp(ledger.clock()).strftime("%Y-%m-%d")
    place = folder / f"studiod-{day}.db"
    if not place.exists():
        _copy_database(ledger, place)
    old = sorted(folder.glob("studiod-[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9].db"))[:-_BACKUPS]
    for each in old:
        each.unlink(missing_ok=True)
    return place


def _share_with_group(path: Path) -> None:
    """Where the folder is its group's to write, so is the database: reviewers are in the daemon's group.

    SQLite makes the files beside it (-wal, -shm) with the database's own rights, whatever the umask.
    """
    if path.parent.stat().st_mode & stat.S_IWGRP:
        path.touch()
        for each in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
            with suppress(OSError):  # not there, or not ours: `studiod check` says so
                each.chmod(each.stat().st_mode | stat.S_IRGRP | stat.S_IWGRP)


def _engine(path: Path, busy_seconds: float) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=os.fspath(path)),
        connect_args={"timeout": busy_seconds, "isolation_level": None, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("immediate", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def _bring_up(ledger: Ledger, migrate: bool) -> None:
    found = _schema(ledger)
    if found == SCHEMA:
        return
    if found is not None and found > SCHEMA:
        raise LedgerError(
            f"The ledger {ledger.path} was written by a newer studiod "
            f"(schema {found}; this one knows {SCHEMA}).",
            "Install that release again, or restore a backup from before.",
        )
    if not migrate:
        raise LedgerError(
            f"The ledger {ledger.path} is of an older studiod "
            f"(schema {found or 'none'}; this one needs {SCHEMA}).",
            "Start the daemon once with this release: studiod run.",
        )
    if found is not None:
        moment = datetime.fromtimestamp(ledger.clock()).strftime("%Y%m%d-%H%M%S")
        _copy_database(ledger, ledger.path.parent / "backups" / f"before-{SCHEMA}-{moment}.db")
    _migrate(ledger)


def _schema(ledger: Ledger) -> str | None:
    """The schema's number; None for an empty database; LedgerError for one that is not ours."""
    with ledger.reading() as connection:
        names = inspect(connection).get_table_names()
        if "alembic_version" in names:
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if names:
        raise LedgerError(
            f"{ledger.path} is a database, but not a studiod ledger.",
            "Move it elsewhere: the daemon makes its own at its next start.",
        )
    return None


def _migrate(ledger: Ledger) -> None:
    # Imported here: alembic costs a third of a second, and only the daemon migrates.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    with ledger.writing() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _copy_database(ledger: Ledger, place: Path) -> None:
    """Copy the database whole (SQLite's backup API), by way of a temporary file."""
    unfinished = place.with_name(place.name + ".part")
    with _plain_errors(ledger.path):
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            unfinished.unlink(missing_ok=True)
            target = sqlite3.connect(unfinished)
            try:
                with ledger.engine.connect() as connection:
                    source = connection.connection.driver_connection
                    assert isinstance(source, sqlite3.Connection)
                    source.backup(target)
                target.execute("PRAGMA journal_mode=DELETE").close()
            finally:
                target.close()
            with unfinished.open("rb+") as written:
                os.fsync(written.fileno())
            unfinished.replace(place)
        except sqlite3.Error as error:
            raise _translate(error, ledger.path) or error from error
        except OSError as error:
            raise LedgerError(
                f"The ledger could not be backed up to {place}: {error.strerror}.",
                "Check that folder's rights.",
            ) from error
        finally:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)


@contextmanager
def _plain_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite says into an error that a person can act on."""
    try:
        yield
    except DatabaseError as error:
        plain = _translate(error.orig or error, path, integrity=isinstance(error, IntegrityError))
        if plain is None:
            raise
        raise plain from error


def _translate(error: BaseException, path: Path, *, integrity: bool = False) -> StudioError | None:
    said = str(error)
    if integrity:
        sentence = said.partition(": ")[2]
        if said.startswith("gate: "):
            return GateRefused(
                f"{sentence[:1].upper()}{sentence[1:]}.", "Have a person look at it and approve it."
            )
        if said.startswith("refused: "):
            return TransitionRefused(f"The ledger refused a change: {sentence}.")
        return None
    if "locked" in said or "busy" in said:
        return LedgerError(f"The ledger {path} is busy: another program holds it.", "Try again in a moment.")
    if "disk is full" in said:
        return OutOfSpace(
            f"The disk that holds the ledger {path} is full.", "Free some space; nothing was lost."
        )
    if "readonly" in said:
        return LedgerError(f"The ledger {path} cannot be written.", "Check the rights of the work folder.")
    if "unable to open" in said or "disk I/O error" in said:
        return LedgerError(
            f"The ledger {path} cannot be read: {said}.", "Check the disk and the folder's rights."
        )
    if "not a database" in said or "malformed" in said:
        return LedgerError(
            f"The ledger {path} is damaged: {said}.",
            "Stop the daemon, put the newest file of work/backups in its place, and delete the files beside "
            "it that end in -wal and -shm: they belong to the damaged one.",
        )
    return LedgerError(f"The ledger {path} does not answer: {said}.", "See what `studiod check` says.")
