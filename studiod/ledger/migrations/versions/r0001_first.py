"""The first schema: tables, indexes, and the triggers that hold the price gate.

Money is in minor units, times are seconds since the epoch, paths are bytes. The order of ideas:
tables; what may never be changed; which transitions there are; the gate.
"""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision: str | None = None
branch_labels: None = None
depends_on: None = None

TABLES = """
CREATE TABLE items (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    hot_folder TEXT NOT NULL,
    path BLOB NOT NULL,
    sku TEXT,
    title TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('received', 'processing', 'awaiting_review', 'approved_once',
        'approved', 'delivering', 'delivered', 'flagged', 'rejected', 'failed', 'quarantined', 'superseded')),
    version INTEGER NOT NULL CHECK (typeof(version) = 'integer' AND version >= 1),
    origin TEXT NOT NULL CHECK (origin IN ('capture', 'strokes', 'return')),
    request INTEGER,
    price_minor INTEGER CHECK (price_minor IS NULL OR (typeof(price_minor) = 'integer' AND price_minor >= 0)),
    currency TEXT NOT NULL CHECK (typeof(currency) = 'text'),
    always_review BOOLEAN NOT NULL CHECK (always_review IN (0, 1)),
    never_policy BOOLEAN NOT NULL CHECK (never_policy IN (0, 1)),
    demand INTEGER NOT NULL CHECK (demand IN (0, 1, 2)),
    loss FLOAT NOT NULL,
    risk FLOAT CHECK (risk IS NULL OR (typeof(risk) = 'real' AND risk BETWEEN 0 AND 1)),
    reasons JSON NOT NULL,
    tries INTEGER NOT NULL,
    reason TEXT NOT NULL,
    lease_owner TEXT,
    lease_until FLOAT,
    source_sha256 TEXT,
    kept_original TEXT,
    captured_at TEXT,
    seconds FLOAT,
    created_at FLOAT NOT NULL,
    updated_at FLOAT NOT NULL,
    approved_at FLOAT,
    delivered_at FLOAT,
    replaces INTEGER REFERENCES items (id),
    CHECK ((status = 'processing') = (lease_owner IS NOT NULL AND lease_until IS NOT NULL))
);
CREATE INDEX items_by_status ON items (status, id);
CREATE INDEX items_waiting ON items (loss DESC, id)
    WHERE (status IN ('awaiting_review', 'approved_once')) = 1;
CREATE INDEX items_leased ON items (lease_until) WHERE status = 'processing';
CREATE INDEX items_approved ON items (approved_at) WHERE status = 'approved';
CREATE INDEX items_delivered ON items (delivered_at) WHERE delivered_at IS NOT NULL;
CREATE INDEX items_received ON items ((origin = 'capture'), id) WHERE status = 'received';
CREATE INDEX items_by_sku ON items (sku);
CREATE INDEX items_by_source ON items (source_sha256);
CREATE INDEX items_by_path ON items (hot_folder, path);
CREATE INDEX items_changed ON items (updated_at);

CREATE TABLE item_prices (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    item INTEGER NOT NULL REFERENCES items (id),
    minor INTEGER CHECK (minor IS NULL OR (typeof(minor) = 'integer' AND minor >= 0)),
    currency TEXT NOT NULL,
    at FLOAT NOT NULL
);
CREATE INDEX item_prices_by_item ON item_prices (item);

CREATE TABLE thresholds (
    currency TEXT NOT NULL CHECK (typeof(currency) = 'text'),
    rule TEXT NOT NULL CHECK (rule IN ('person', 'two_persons')),
    minor INTEGER NOT NULL CHECK (typeof(minor) = 'integer' AND minor >= 0),
    PRIMARY KEY (currency, rule)
);

CREATE TABLE versions (
    item INTEGER NOT NULL REFERENCES items (id),
    version INTEGER NOT NULL,
    origin TEXT NOT NULL CHECK (origin IN ('capture', 'strokes', 'return')),
    made_at FLOAT NOT NULL,
    evidence TEXT NOT NULL,
    folder TEXT NOT NULL,
    files JSON NOT NULL,
    model TEXT NOT NULL,
    risk FLOAT NOT NULL,
    reasons JSON NOT NULL,
    risk_json TEXT NOT NULL,
    plate_sha256 TEXT,
    plate_message TEXT NOT NULL,
    seconds FLOAT NOT NULL,
    PRIMARY KEY (item, version)
);

CREATE TABLE decisions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    item INTEGER NOT NULL REFERENCES items (id),
    version INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('person', 'policy')),
    verdict TEXT NOT NULL CHECK (verdict IN ('approve', 'flag', 'reject')),
    uid INTEGER CHECK (uid IS NULL OR typeof(uid) = 'integer'),
    login TEXT,
    reasons JSON NOT NULL,
    note TEXT NOT NULL,
    box JSON,
    evidence TEXT NOT NULL,
    at FLOAT NOT NULL,
    withdrawn_at FLOAT,
    withdrawn_by TEXT,
    CHECK ((kind = 'person') = (uid IS NOT NULL AND login IS NOT NULL)),
    CHECK (kind = 'person' OR verdict = 'approve'),
    FOREIGN KEY (item, version) REFERENCES versions (item, version)
);
CREATE INDEX decisions_by_item ON decisions (item, version);
CREATE INDEX decisions_standing ON decisions (uid, at) WHERE withdrawn_at IS NULL;

CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    item INTEGER REFERENCES items (id),
    version INTEGER,
    at FLOAT NOT NULL,
    actor TEXT NOT NULL,
    uid INTEGER,
    what TEXT NOT NULL,
    "before" TEXT,
    "after" TEXT,
    reason TEXT NOT NULL,
    details JSON NOT NULL
);
CREATE INDEX events_by_item ON events (item, id);

CREATE TABLE files (
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
    state TEXT NOT NULL CHECK (state IN
        ('item', 'half', 'duplicate', 'superseded', 'quarantined', 'ignored', 'plate')),
    item INTEGER REFERENCES items (id),
    reason TEXT NOT NULL,
    seen_at FLOAT NOT NULL
);
CREATE UNIQUE INDEX files_once ON files (hot_folder, path, ifnull(sha256, ''));
CREATE INDEX files_by_item ON files (item);
CREATE INDEX files_by_state ON files (state, id);
CREATE INDEX files_plates ON files (hot_folder, folder, taken_at) WHERE state = 'plate';

CREATE TABLE outputs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    item INTEGER NOT NULL REFERENCES items (id),
    version INTEGER NOT NULL,
    preset TEXT NOT NULL,
    path BLOB NOT NULL,
    folded BLOB NOT NULL,
    stem BLOB NOT NULL,
    extension BLOB NOT NULL,
    sha256 TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('reserved', 'delivered', 'recalling', 'recalled')),
    changed_at FLOAT NOT NULL
);
CREATE UNIQUE INDEX outputs_once ON outputs (folded) WHERE state IN ('reserved', 'delivered', 'recalling');
CREATE INDEX outputs_by_item ON outputs (item);
CREATE INDEX outputs_recalling ON outputs (id) WHERE state = 'recalling';

CREATE TABLE requests (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    item INTEGER NOT NULL REFERENCES items (id),
    origin TEXT NOT NULL CHECK (origin IN ('strokes', 'return')),
    path BLOB NOT NULL,
    uid INTEGER,
    asked_at FLOAT NOT NULL,
    taken_at FLOAT
);
CREATE INDEX requests_pending ON requests (item) WHERE taken_at IS NULL;

CREATE TABLE looking (
    item INTEGER NOT NULL PRIMARY KEY REFERENCES items (id),
    uid INTEGER NOT NULL,
    login TEXT NOT NULL,
    until FLOAT NOT NULL
);

CREATE TABLE daemon (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    pid INTEGER NOT NULL,
    activity TEXT NOT NULL,
    message TEXT NOT NULL,
    workers INTEGER NOT NULL,
    started_at FLOAT NOT NULL,
    done_this_run INTEGER NOT NULL,
    seconds_per_item FLOAT,
    beat_at FLOAT NOT NULL
);

CREATE TABLE transitions (
    "before" TEXT NOT NULL,
    "after" TEXT NOT NULL,
    PRIMARY KEY ("before", "after")
);
INSERT INTO transitions ("before", "after") VALUES
    ('received', 'processing'), ('received', 'superseded'),
    ('processing', 'awaiting_review'), ('processing', 'approved'), ('processing', 'received'),
    ('processing', 'failed'), ('processing', 'quarantined'), ('processing', 'superseded'),
    ('awaiting_review', 'approved'), ('awaiting_review', 'approved_once'), ('awaiting_review', 'flagged'),
    ('awaiting_review', 'rejected'), ('awaiting_review', 'processing'), ('awaiting_review', 'superseded'),
    ('approved_once', 'approved'), ('approved_once', 'awaiting_review'),
    ('approved', 'delivering'), ('approved', 'awaiting_review'),
    ('delivering', 'delivered'), ('delivering', 'approved'), ('delivering', 'awaiting_review'),
    ('delivering', 'failed'),
    ('delivered', 'awaiting_review'),
    ('flagged', 'processing'), ('flagged', 'awaiting_review'), ('flagged', 'superseded'),
    ('rejected', 'awaiting_review'), ('rejected', 'received'), ('rejected', 'superseded'),
    ('failed', 'received'), ('failed', 'superseded'),
    ('quarantined', 'received'), ('quarantined', 'superseded');
"""

# INSERT OR REPLACE deletes a row without firing its delete trigger: a number that exists is refused first.
APPEND_ONLY = ("events", "item_prices", "versions", "decisions", "items", "transitions")

_APPEND_ONLY = """
CREATE TRIGGER {table}_never_deleted BEFORE DELETE ON {table} BEGIN
    SELECT RAISE(ABORT, 'refused: {table} are never deleted');
END
"""
_NEVER_REPLACED = """
CREATE TRIGGER {table}_never_replaced BEFORE INSERT ON {table}
WHEN EXISTS (SELECT 1 FROM {table} WHERE {key}) BEGIN
    SELECT RAISE(ABORT, 'refused: {table} are never replaced');
END
"""
_NEVER_CHANGED = """
CREATE TRIGGER {table}_never_changed BEFORE UPDATE ON {table} BEGIN
    SELECT RAISE(ABORT, 'refused: {table} are never changed');
END
"""
KEYS = {"versions": "item = NEW.item AND version = NEW.version", "transitions": "1"}

HISTORY = [
    # A decision changes once: when it is withdrawn.
    """
CREATE TRIGGER decisions_only_withdrawn BEFORE UPDATE ON decisions
WHEN OLD.withdrawn_at IS NOT NULL OR NEW.withdrawn_at IS NULL OR NEW.withdrawn_by IS NULL
    OR NEW.id <> OLD.id OR NEW.item <> OLD.item OR NEW.version <> OLD.version OR NEW.kind <> OLD.kind
    OR NEW.verdict <> OLD.verdict OR NEW.uid IS NOT OLD.uid OR NEW.login IS NOT OLD.login
    OR NEW.evidence <> OLD.evidence OR NEW.at <> OLD.at OR NEW.reasons <> OLD.reasons
    OR NEW.note <> OLD.note OR NEW.box IS NOT OLD.box BEGIN
    SELECT RAISE(ABORT, 'refused: a decision can only be withdrawn');
END
""",
    # A decision is about the version that the item has now, with that version's own hashes.
    """
CREATE TRIGGER decisions_on_what_is BEFORE INSERT ON decisions
WHEN NOT EXISTS (
    SELECT 1 FROM items i JOIN versions v ON v.item = i.id AND v.version = i.version
    WHERE i.id = NEW.item AND i.version = NEW.version AND v.evidence = NEW.evidence) BEGIN
    SELECT RAISE(ABORT, 'refused: the decision is not about this item''s present version');
END
""",
    """
CREATE TRIGGER items_keep_number BEFORE UPDATE OF id ON items WHEN NEW.id IS NOT OLD.id BEGIN
    SELECT RAISE(ABORT, 'refused: an item keeps its number');
END
""",
    """
CREATE TRIGGER items_keep_marks BEFORE UPDATE OF always_review, never_policy ON items
WHEN NEW.always_review < OLD.always_review OR NEW.never_policy < OLD.never_policy BEGIN
    SELECT RAISE(ABORT, 'refused: always_review and never_policy are never taken back');
END
""",
    """
CREATE TRIGGER items_move_as_allowed BEFORE UPDATE OF status ON items
WHEN NEW.status <> OLD.status AND NOT EXISTS (
    SELECT 1 FROM transitions WHERE "before" = OLD.status AND "after" = NEW.status) BEGIN
    SELECT RAISE(ABORT, 'refused: there is no such transition');
END
""",
]

_NOW = "((julianday('now') - 2440587.5) * 86400.0)"
_THRESHOLD_EVENT = """
CREATE TRIGGER thresholds_{name} AFTER {verb} ON thresholds BEGIN
    INSERT INTO events (at, actor, what, reason, details) VALUES ({now}, 'settings', 'threshold', '',
        json_object('currency', {row}.currency, 'rule', {row}.rule, 'before', {before}, 'after', {after}));
    UPDATE items SET demand = j.demand, loss = j.loss FROM judged j
    WHERE j.item = items.id AND (j.demand <> items.demand OR j.loss <> items.loss);
END
"""

# What the gate demands of an item: 2 persons, 1 person, or 0; and its expected loss, with prices counted
# in thresholds so that currencies compare (no price, or no threshold, counts as the dearest).
JUDGED = """
CREATE VIEW judged AS
SELECT
    i.id AS item,
    CASE
        WHEN EXISTS (
            SELECT 1 FROM item_prices p JOIN thresholds t ON t.currency = p.currency
            WHERE p.item = i.id AND t.rule = 'two_persons' AND p.minor > t.minor) THEN 2
        WHEN i.always_review OR i.price_minor IS NULL THEN 1
        WHEN EXISTS (
            SELECT 1 FROM item_prices p
            LEFT JOIN thresholds t ON t.currency = p.currency AND t.rule = 'person'
            WHERE p.item = i.id AND p.minor IS NOT NULL AND (t.minor IS NULL OR p.minor > t.minor)) THEN 1
        ELSE 0
    END AS demand,
    ifnull(i.risk, 1.0) * ifnull(
        i.price_minor * 1.0 / nullif((
            SELECT t.minor FROM thresholds t WHERE t.currency = i.currency AND t.rule = 'person'), 0),
        1e6) AS loss
FROM items i
"""

# The approvals that count: of this very version, with its evidence, not withdrawn.
_COUNTING = """
    SELECT {what} FROM decisions d JOIN versions v ON v.item = d.item AND v.version = d.version
    WHERE d.item = NEW.id AND d.version = NEW.version AND d.verdict = 'approve' AND d.withdrawn_at IS NULL
    AND d.evidence = v.evidence
"""

_JUDGE = """
    UPDATE items SET demand = j.demand, loss = j.loss FROM judged j
    WHERE items.id = NEW.id AND j.item = NEW.id AND (j.demand <> items.demand OR j.loss <> items.loss);
    SELECT RAISE(ABORT, 'gate: this item may not leave without the decision of a person on this very version')
    WHERE NEW.status IN ('approved', 'delivering', 'delivered') AND {judged_now} AND NOT (
        ({persons}) >= max(
            (SELECT demand FROM judged WHERE item = NEW.id),
            (SELECT never_policy FROM items WHERE id = NEW.id),
            NEW.origin <> 'capture',
            EXISTS (SELECT 1 FROM versions v
                WHERE v.item = NEW.id AND v.version = NEW.version AND v.origin <> 'capture'))
        AND EXISTS ({anybody}));
"""


def _judge(judged_now: str) -> str:
    return _JUDGE.format(
        judged_now=judged_now,
        persons=_COUNTING.format(what="count(DISTINCT d.uid)"),
        anybody=_COUNTING.format(what="1"),
    )


GATE = [
    JUDGED,
    f"""
CREATE TRIGGER items_gate_insert AFTER INSERT ON items BEGIN
    INSERT INTO item_prices (item, minor, currency, at)
    VALUES (NEW.id, NEW.price_minor, NEW.currency, {_NOW});
    {_judge("1")}
END
""",
    # A price may rise after delivery: the row was let out lawfully, the rise becomes an event.
    f"""
CREATE TRIGGER items_gate_update
AFTER UPDATE OF status, version, origin, price_minor, currency, always_review, never_policy, risk
ON items BEGIN
    INSERT INTO item_prices (item, minor, currency, at)
    SELECT NEW.id, NEW.price_minor, NEW.currency, {_NOW}
    WHERE NEW.price_minor IS NOT OLD.price_minor OR NEW.currency <> OLD.currency;
    UPDATE items SET never_policy = 1 WHERE id = NEW.id AND never_policy = 0 AND (
        NEW.status IN ('flagged', 'rejected') OR NEW.origin <> 'capture'
        OR (OLD.status = 'delivered' AND NEW.status <> 'delivered'));
    {_judge("NOT (OLD.status = 'delivered' AND NEW.status = 'delivered' AND OLD.version = NEW.version)")}
END
""",
    """
CREATE TRIGGER items_demand_true AFTER UPDATE OF demand ON items
WHEN NEW.demand <> (SELECT demand FROM judged WHERE item = NEW.id) BEGIN
    SELECT RAISE(ABORT, 'gate: what an item demands follows from its prices');
END
""",
    _THRESHOLD_EVENT.format(name="set", verb="INSERT", row="NEW", before="NULL", after="NEW.minor", now=_NOW),
    _THRESHOLD_EVENT.format(
        name="changed", verb="UPDATE", row="NEW", before="OLD.minor", after="NEW.minor", now=_NOW
    ),
    _THRESHOLD_EVENT.format(
        name="removed", verb="DELETE", row="OLD", before="OLD.minor", after="NULL", now=_NOW
    ),
]


def upgrade() -> None:
    """Make everything."""
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
    for table in APPEND_ONLY:
        op.execute(_APPEND_ONLY.format(table=table))
        op.execute(_NEVER_REPLACED.format(table=table, key=KEYS.get(table, "id = NEW.id")))
    for table in ("events", "item_prices", "versions", "transitions"):
        op.execute(_NEVER_CHANGED.format(table=table))
    for trigger in [*HISTORY, *GATE]:
        op.execute(trigger)


def downgrade() -> None:
    """There is nothing before the first schema."""
    raise NotImplementedError("there is nothing before the first schema; restore a backup instead")
