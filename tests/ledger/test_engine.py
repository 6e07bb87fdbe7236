from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect

import studiod.ledger.migrations
from studiod.errors import LedgerError
from studiod.ledger import queue, reading
from studiod.ledger.engine import SCHEMA, back_up, open_ledger
from studiod.ledger.mounts import network_file_system
from studiod.ledger.prices import set_thresholds
from studiod.ledger.tables import metadata

from .conftest import Studio


def test_from_empty(tmp_path: Path) -> None:
    """The daemon makes the database, in WAL mode, synchronous FULL, with foreign keys."""
    ledger = open_ledger(tmp_path / "work" / "studiod.db", migrate=True)
    with ledger.reading() as connection:
        seen = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert seen == ["wal", 2, 1]
    assert sum(reading.count_by_status(ledger).values()) == 0
    ledger.close()
    open_ledger(tmp_path / "work" / "studiod.db").close()


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root can be several people")
def test_daemon_and_reviewers_share_a_folder_of_their_group() -> None:
    """In a setgid folder of their group the daemon's user and a reviewer both write; a stranger does not."""
    if _as_user(61001, [], Path(studiod.ledger.migrations.__file__).stat):
        pytest.skip("studiod is installed where only root may read it")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        work = Path(folder) / "work"
        work.mkdir()
        os.chown(work, 61001, 61000)
        work.chmod(0o2770)
        path = work / "studiod.db"

        def write(uid: int) -> None:
            set_thresholds(open_ledger(path, migrate=uid == 61001), {"USD": uid}, {})

        told = [
            _as_user(uid, groups, partial(write, uid))
            for uid, groups in ((61001, [61000]), (61002, [61000]), (61001, [61000]), (61003, []))
        ]
    assert told == [0, 0, 0, 1]


def _as_user(uid: int, groups: list[int], act: Callable[[], object]) -> int:
    """Call `act` in a process of another user; 0 when that went well."""
    process = os.fork()
    if process == 0:
        code = 1
        try:
            os.setgroups(groups)
            os.setgid(uid)
            os.setuid(uid)
            os.umask(0o027)
            act()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def test_schema_is_the_newest_migration() -> None:
    """The schema that this release asks for is the newest of its migrations."""
    config = Config()
    config.set_main_option("script_location", str(Path(studiod.ledger.migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_current_head() == SCHEMA


def test_tables_are_those_of_the_database(studio: Studio) -> None:
    """The tables that the code knows are the migrated ones: names, columns, keys, what may be null."""
    fresh = create_engine("sqlite://")
    metadata.create_all(fresh)
    wanted, found = inspect(fresh), inspect(studio.ledger.engine)
    assert set(found.get_table_names()) - set(wanted.get_table_names()) == {"alembic_version", "transitions"}
    for table in wanted.get_table_names():
        shapes = []
        for inspector in (wanted, found):
            keys = inspector.get_pk_constraint(table)["constrained_columns"]
            columns = inspector.get_columns(table)
            shapes.append(
                (keys, {each["name"]: each["nullable"] for each in columns if each["name"] not in keys})
            )
        assert shapes[0] == shapes[1], table


def test_others_make_no_database(tmp_path: Path) -> None:
    """Who is not the daemon is told to start it, and leaves no file behind."""
    with pytest.raises(LedgerError, match="no ledger") as refused:
        open_ledger(tmp_path / "studiod.db")
    assert "studiod run" in refused.value.hint
    assert list(tmp_path.iterdir()) == []


def test_newer_schema(studio: Studio) -> None:
    """A database of a newer release is refused by everybody."""
    studio.sql("UPDATE alembic_version SET version_num = '9999'")
    for migrate in (False, True):
        with pytest.raises(LedgerError, match="newer studiod"):
            open_ledger(studio.ledger.path, migrate=migrate)


def test_older_schema(studio: Studio) -> None:
    """A database of an older release is refused by all but the daemon, which backs it up first."""
    studio.sql("UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(LedgerError, match="older studiod"):
        open_ledger(studio.ledger.path)
    with pytest.raises(Exception, match="0000"):
        open_ledger(studio.ledger.path, migrate=True)
    (backup,) = (studio.ledger.path.parent / "backups").iterdir()
    copy = sqlite3.connect(backup)
    assert copy.execute("SELECT version_num FROM alembic_version").fetchone() == ("0000",)
    copy.close()


@pytest.mark.parametrize(
    "content", [b"not a database at all, but long enough to be looked at" * 20, b"SQLite format"]
)
def test_not_a_database(tmp_path: Path, content: bytes) -> None:
    """A file that is no database is said to be damaged."""
    path = tmp_path / "studiod.db"
    path.write_bytes(content)
    with pytest.raises(LedgerError, match="damaged") as caught:
        open_ledger(path, migrate=True)
    assert "-wal" in caught.value.hint  # what is left of the damaged one would be written into the backup


def test_somebody_elses_database(tmp_path: Path) -> None:
    """A database that is not ours is left alone."""
    path = tmp_path / "studiod.db"
    theirs = sqlite3.connect(path)
    theirs.execute("CREATE TABLE songs (name TEXT)")
    theirs.close()
    with pytest.raises(LedgerError, match="not a studiod ledger"):
        open_ledger(path, migrate=True)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/srv/share/work/studiod.db", "nfs4"),
        ("/srv/share2/studiod.db", None),
        ("/mnt/my nas/studiod.db", "cifs"),
        ("/home/anna/studiod.db", None),
        ("/home/anna/remote/studiod.db", "fuse.sshfs"),
        ("/home/anna/remote/local/studiod.db", None),
    ],
)
def test_network_file_systems(path: str, kind: str | None) -> None:
    """The innermost mount decides, spaces in its name included."""
    mounts = (
        "/dev/vda / ext4 rw 0 0\nserver:/x /srv/share nfs4 rw 0 0\n//nas/x /mnt/my\\040nas cifs rw 0 0\n"
        "x /home/anna/remote fuse.sshfs rw 0 0\n/dev/vdb /home/anna/remote/local ext4 rw 0 0\n"
    )
    assert network_file_system(Path(path), mounts) == kind


def test_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database on a network share is refused with the reason."""
    monkeypatch.setattr("studiod.ledger.mounts._mounts", lambda: f"server:/x {tmp_path} nfs rw 0 0\n")
    with pytest.raises(LedgerError, match=r"network file system.*nfs"):
        open_ledger(tmp_path / "studiod.db", migrate=True)
    assert list(tmp_path.iterdir()) == []


def test_backup_a_day(studio: Studio, tmp_path: Path) -> None:
    """One backup a day, whole, and the last seven are kept."""
    studio.add()
    folder = tmp_path / "backups"
    places = []
    for _ in range(9):
        places.append(back_up(studio.ledger, folder))
        assert back_up(studio.ledger, folder) == places[-1]
        studio.clock.now += 86_400
    assert sorted(folder.iterdir()) == places[2:]
    copy = sqlite3.connect(places[-1])
    assert copy.execute("SELECT count(*) FROM items").fetchone() == (1,)
    assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    copy.close()


def test_backup_that_cannot_be_written(studio: Studio, tmp_path: Path) -> None:
    """A backup folder that cannot be made is named."""
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match="could not be backed up"):
        back_up(studio.ledger, tmp_path / "file" / "backups")


def test_locked(studio: Studio) -> None:
    """A database that another program holds is said to be busy, not shown as a traceback."""
    other = sqlite3.connect(studio.ledger.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    impatient = open_ledger(studio.ledger.path, busy_seconds=0.01)
    with pytest.raises(LedgerError, match="busy"):
        queue.claim(impatient, "w", 60)
    assert reading.last_event(impatient) > 0
    other.close()
    impatient.close()


_FILL = """
import sys
from pathlib import Path
from studiod.errors import OutOfSpace
from studiod.ledger.engine import open_ledger
ledger = open_ledger(Path(sys.argv[1]))
with ledger.engine.connect() as connection:
    connection.exec_driver_sql("PRAGMA max_page_count = 1")
from studiod.ledger import queue
from studiod.ledger.records import FileFacts, FileState
try:
    for number in range(10000):
        queue.record_file(ledger, FileFacts("main", f"{number}.jpg", "x", 1, 1), FileState.IGNORED)
except OutOfSpace as error:
    print(error.message)
"""


def test_full_disk(studio: Studio) -> None:
    """A disk that is full is an OutOfSpace; what was written stays."""
    said = subprocess.run(
        [sys.executable, "-c", _FILL, str(studio.ledger.path)], capture_output=True, text=True, check=True
    )
    assert "is full" in said.stdout
    assert studio.sql("PRAGMA integrity_check") == [("ok",)]
