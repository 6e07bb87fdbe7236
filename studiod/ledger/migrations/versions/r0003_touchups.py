"""Touching up: brush strokes kept in the ledger, what was sent to a retoucher, and what came back."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision: str | None = "0002"
branch_labels: None = None
depends_on: None = None

_FILES = """
CREATE TABLE {name} (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    hot_folder TEXT NOT NULL,
    path BLOB NOT NULL,
    folder BLOB NOT NULL,
    sha256 TEXT,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    inode INTEGER NOT NULL,
    kind TEXT NOT NULL,
    captured_at TEXT,
    taken_at FLOAT NOT NULL,
    kept_copy TEXT,
    state TEXT NOT NULL CHECK (state IN ({states})),
    item INTEGER REFERENCES items (id),
    reason TEXT NOT NULL,
    seen_at FLOAT NOT NULL
)
"""
_FILES_INDEXES = (
    "CREATE UNIQUE INDEX files_once ON files (hot_folder, path, ifnull(sha256, ''))",
    "CREATE INDEX files_by_item ON files (item)",
    "CREATE INDEX files_by_state ON files (state, id)",
    "CREATE INDEX files_plates ON files (hot_folder, folder, taken_at) WHERE state = 'plate'",
)
_STATES = "'item', 'half', 'duplicate', 'superseded', 'quarantined', 'ignored', 'plate'"

_TOUCHUPS = """
CREATE TABLE touchups (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    item INTEGER NOT NULL,
    version INTEGER NOT NULL,
    folder BLOB NOT NULL,
    box JSON NOT NULL,
    sent_at FLOAT NOT NULL,
    FOREIGN KEY (item, version) REFERENCES versions (item, version)
)
"""


def upgrade() -> None:
    """Add the columns and the table, and two states of files."""
    op.execute("ALTER TABLE requests ADD COLUMN strokes JSON")
    op.execute("ALTER TABLE requests ADD COLUMN touchup INTEGER REFERENCES touchups (id)")
    op.execute(_TOUCHUPS)
    op.execute("CREATE UNIQUE INDEX touchups_once ON touchups (item, version)")
    # SQLite cannot change a CHECK: the table is made anew. Nothing refers to it.
    op.execute(_FILES.format(name="new_files", states=f"{_STATES}, 'returned', 'set_aside'"))
    op.execute("INSERT INTO new_files SELECT * FROM files")
    op.execute("DROP TABLE files")
    op.execute("ALTER TABLE new_files RENAME TO files")
    for index in _FILES_INDEXES:
        op.execute(index)


def downgrade() -> None:
    """What was painted and sent would be lost."""
    raise NotImplementedError("stroke layers and touch-ups have no place before; restore a backup instead")
