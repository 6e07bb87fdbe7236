"""The ledger's tables, as SQLAlchemy Core sees them.

The database itself is made by `migrations/` (which also holds the triggers); a test keeps the two equal.
"""

from __future__ import annotations

import os
from typing import Any

from sqlalchemy import (
    BLOB,
    JSON,
    Boolean,
    Column,
    Dialect,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    String,
    Table,
    TypeDecorator,
)
from sqlalchemy.sql.type_api import TypeEngine


class PathBytes(TypeDecorator[str]):
    """A path: `str` as `os.fsdecode` gives it in Python, its bytes in the database."""

    impl = BLOB
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        """The path's bytes."""
        return None if value is None else os.fsencode(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> str | None:
        """The bytes as a `str`."""
        return None if value is None else os.fsdecode(value)


class AnyText(TypeDecorator[str]):
    """Text that may come from a file name: what UTF-8 cannot hold is stored as `\\udcff`, escaped."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Text that SQLite can store."""
        return None if value is None else storable(value)


def storable(text: str) -> str:
    """The text as the database holds it: what UTF-8 cannot hold (from a file name) as `\\udcff`, escaped."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _column(name: str, kind: TypeEngine[Any] | type[TypeEngine[Any]], *more: Any) -> Column[Any]:
    return Column(name, kind, *more, nullable=False)


metadata = MetaData()

items = Table(
    "items",
    metadata,
    Column("id", Integer, primary_key=True),
    _column("hot_folder", String),
    _column("path", PathBytes),
    Column("sku", AnyText),
    _column("title", AnyText),
    _column("status", String),
    _column("version", Integer),
    _column("origin", String),
    Column("request", Integer),
    Column("price_minor", Integer),
    _column("currency", String),
    _column("always_review", Boolean),
    _column("never_policy", Boolean),
    _column("demand", Integer),
    _column("loss", Float),
    Column("risk", Float),
    _column("reasons", JSON),
    _column("tries", Integer),
    _column("reason", AnyText),
    Column("lease_owner", String),
    Column("lease_until", Float),
    Column("source_sha256", String),
    Column("kept_original", String),
    Column("captured_at", String),
    Column("seconds", Float),
    _column("created_at", Float),
    _column("updated_at", Float),
    Column("approved_at", Float),
    Column("delivered_at", Float),
    Column("replaces", Integer, ForeignKey("items.id")),
)

item_prices = Table(
    "item_prices",
    metadata,
    Column("id", Integer, primary_key=True),
    _column("item", Integer, ForeignKey("items.id")),
    Column("minor", Integer),
    _column("currency", String),
    _column("at", Float),
)

thresholds = Table(
    "thresholds",
    metadata,
    Column("currency", String, primary_key=True),
    Column("rule", String, primary_key=True),
    _column("minor", Integer),
)

versions = Table(
    "versions",
    metadata,
    Column("item", Integer, ForeignKey("items.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    _column("origin", String),
    _column("made_at", Float),
    _column("evidence", String),
    _column("folder", String),
    _column("files", JSON),
    _column("model", String),
    _column("risk", Float),
    _column("reasons", JSON),
    _column("risk_json", String),
    Column("plate_sha256", String),
    _column("plate_message", AnyText),
    _column("seconds", Float),
    Column("composite_left", Float),
    Column("composite_top", Float),
    Column("composite_right", Float),
    Column("composite_bottom", Float),
)

places = Table(
    "places",
    metadata,
    Column("id", Integer, primary_key=True),
    _column("item", Integer),
    _column("version", Integer),
    _column("reason", String),
    _column("x", Integer),
    _column("y", Integer),
    ForeignKeyConstraint(["item", "version"], ["versions.item", "versions.version"]),
)

looks = Table(
    "looks",
    metadata,
    Column("id", Integer, primary_key=True),
    _column("item", Integer),
    _column("version", Integer),
    _column("uid", Integer),
    _column("login", String),
    _column("view", String),
    _column("left", Float),
    _column("top", Float),
    _column("right", Float),
    _column("bottom", Float),
    _column("zoom", Float),
    _column("seconds", Float),
    _column("at", Float),
    ForeignKeyConstraint(["item", "version"], ["versions.item", "versions.version"]),
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", Integer, primary_key=True),
    _column("item", Integer, ForeignKey("items.id")),
    _column("version", Integer),
    _column("kind", String),
    _column("verdict", String),
    Column("uid", Integer),
    Column("login", String),
    _column("reasons", JSON),
    _column("note", AnyText),
    Column("box", JSON(none_as_null=True)),
    _column("evidence", String),
    _column("at", Float),
    Column("withdrawn_at", Float),
    Column("withdrawn_by", String),
)

events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("item", Integer, ForeignKey("items.id")),
    Column("version", Integer),
    _column("at", Float),
    _column("actor", String),
    Column("uid", Integer),
    _column("what", String),
    Column("before", String),
    Column("after", String),
    _column("reason", AnyText),
    _column("details", JSON),
)

files = Table(
    "files",
    metadata,
    Column("id", Integer, primary_key=True),
    _column("hot_folder", String),
    _column("path", PathBytes),
    _column("folder", PathBytes),
    Column("sha256", String),
    _column("size", Integer),
    _column("mtime_ns", Integer),
    _column("inode", Integer),
    _column("kind", String),
    Column("captured_at", String),
    _column("taken_at", Float),
    Column("kept_copy", String),
    _column("state", String),
    Column("item", Integer, ForeignKey("items.id")),
    _column("reason", AnyText),
    _column("seen_at", Float),
)

outputs = Table(
    "outputs",
    metadata,
    Column("id", Integer, primary_key=True),
    _column("item", Integer, ForeignKey("items.id")),
    _column("version", Integer),
    _column("preset", String),
    _column("path", PathBytes),
    _column("folded", BLOB),
    _column("stem", PathBytes),
    _column("extension", PathBytes),
    _column("sha256", String),
    _column("state", String),
    _column("changed_at", Float),
)

requests = Table(
    "requests",
    metadata,
    Column("id", Integer, primary_key=True),
    _column("item", Integer, ForeignKey("items.id")),
    _column("origin", String),
    _column("path", PathBytes),
    Column("strokes", JSON(none_as_null=True)),
    Column("touchup", Integer, ForeignKey("touchups.id")),
    Column("uid", Integer),
    _column("asked_at", Float),
    Column("taken_at", Float),
)

touchups = Table(
    "touchups",
    metadata,
    Column("id", Integer, primary_key=True),
    _column("item", Integer),
    _column("version", Integer),
    _column("folder", PathBytes),
    _column("box", JSON),
    _column("sent_at", Float),
    ForeignKeyConstraint(["item", "version"], ["versions.item", "versions.version"]),
)

looking = Table(
    "looking",
    metadata,
    Column("item", Integer, ForeignKey("items.id"), primary_key=True),
    _column("uid", Integer),
    _column("login", String),
    _column("until", Float),
)

daemon = Table(
    "daemon",
    metadata,
    Column("id", Integer, primary_key=True),
    _column("pid", Integer),
    _column("activity", String),
    _column("message", AnyText),
    _column("workers", Integer),
    _column("started_at", Float),
    _column("done_this_run", Integer),
    Column("seconds_per_item", Float),
    _column("beat_at", Float),
)
