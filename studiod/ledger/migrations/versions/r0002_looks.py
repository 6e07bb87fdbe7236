"""Looks: what each person looked at, the places that must be seen, and a gate that counts only those who did.

The places of versions made before are their findings' points; where their composite's edges lie is not
known, so any look at that composite counts as one at the whole.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision: str | None = "0001"
branch_labels: None = None
depends_on: None = None

TABLES = """
ALTER TABLE versions ADD COLUMN composite_left FLOAT;
ALTER TABLE versions ADD COLUMN composite_top FLOAT;
ALTER TABLE versions ADD COLUMN composite_right FLOAT;
ALTER TABLE versions ADD COLUMN composite_bottom FLOAT;

CREATE TABLE places (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    item INTEGER NOT NULL,
    version INTEGER NOT NULL,
    reason TEXT NOT NULL,
    x INTEGER NOT NULL CHECK (typeof(x) = 'integer'),
    y INTEGER NOT NULL CHECK (typeof(y) = 'integer'),
    FOREIGN KEY (item, version) REFERENCES versions (item, version)
);
CREATE INDEX places_by_item ON places (item, version);

CREATE TABLE looks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    item INTEGER NOT NULL,
    version INTEGER NOT NULL,
    uid INTEGER NOT NULL CHECK (typeof(uid) = 'integer'),
    login TEXT NOT NULL,
    view TEXT NOT NULL,
    "left" FLOAT NOT NULL CHECK (typeof("left") = 'real'),
    top FLOAT NOT NULL CHECK (typeof(top) = 'real'),
    "right" FLOAT NOT NULL CHECK (typeof("right") = 'real'),
    bottom FLOAT NOT NULL CHECK (typeof(bottom) = 'real'),
    zoom FLOAT NOT NULL CHECK (typeof(zoom) = 'real' AND zoom > 0),
    seconds FLOAT NOT NULL CHECK (typeof(seconds) = 'real' AND seconds >= 0),
    at FLOAT NOT NULL,
    FOREIGN KEY (item, version) REFERENCES versions (item, version)
);
CREATE INDEX looks_by_item ON looks (item, version, uid);

INSERT INTO places (item, version, reason, x, y)
SELECT v.item, v.version, json_extract(f.value, '$.reason'),
    CAST(json_extract(f.value, '$.point[0]') AS INTEGER), CAST(json_extract(f.value, '$.point[1]') AS INTEGER)
FROM versions v, json_each(iif(json_valid(v.risk_json), v.risk_json, '{}'), '$.findings') f
WHERE json_extract(f.value, '$.point[1]') IS NOT NULL;
"""

NEVER = """
CREATE TRIGGER {table}_never_deleted BEFORE DELETE ON {table} BEGIN
    SELECT RAISE(ABORT, 'refused: {table} are never deleted');
END;
CREATE TRIGGER {table}_never_replaced BEFORE INSERT ON {table}
WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id) BEGIN
    SELECT RAISE(ABORT, 'refused: {table} are never replaced');
END;
CREATE TRIGGER {table}_never_changed BEFORE UPDATE ON {table} BEGIN
    SELECT RAISE(ABORT, 'refused: {table} are never changed');
END;
"""

# The approvals that stand: of a version with its own evidence, not withdrawn. `looked` says whether that
# person saw the whole composite, and every place at 200 %, 8 pixels inside the window, for half a second.
APPROVALS = """
CREATE VIEW approvals AS
SELECT d.item, d.version, d.uid,
    EXISTS (
        SELECT 1 FROM looks l
        WHERE l.item = d.item AND l.version = d.version AND l.uid = d.uid AND l.view = 'composite' AND ifnull(
            l."left" <= v.composite_left + 1 AND l.top <= v.composite_top + 1
            AND l."right" >= v.composite_right - 1 AND l.bottom >= v.composite_bottom - 1, 1))
    AND NOT EXISTS (
        SELECT 1 FROM places p
        WHERE p.item = d.item AND p.version = d.version AND 0.5 > (
            SELECT round(total(l.seconds), 3) FROM looks l
            WHERE l.item = d.item AND l.version = d.version AND l.uid = d.uid
            AND l.view <> 'original' AND l.zoom >= 2
            AND p.x BETWEEN l."left" + 8 AND l."right" - 8 AND p.y BETWEEN l.top + 8 AND l.bottom - 8)
    ) AS looked
FROM decisions d JOIN versions v ON v.item = d.item AND v.version = d.version AND v.evidence = d.evidence
WHERE d.verdict = 'approve' AND d.withdrawn_at IS NULL
"""

_JUDGE = """
    UPDATE items SET demand = j.demand, loss = j.loss FROM judged j
    WHERE items.id = NEW.id AND j.item = NEW.id AND (j.demand <> items.demand OR j.loss <> items.loss);
    SELECT RAISE(ABORT, 'gate: this item may not leave without the decision of a person on this very version')
    WHERE NEW.status IN ('approved', 'delivering', 'delivered') AND {judged_now} AND NOT (
        (SELECT count(DISTINCT a.uid) FROM approvals a
            WHERE a.item = NEW.id AND a.version = NEW.version
        ) >= max(
            (SELECT never_policy FROM items WHERE id = NEW.id),
            NEW.origin <> 'capture',
            EXISTS (SELECT 1 FROM versions v
                WHERE v.item = NEW.id AND v.version = NEW.version AND v.origin <> 'capture'))
        AND EXISTS (SELECT 1 FROM approvals a WHERE a.item = NEW.id AND a.version = NEW.version));
    SELECT RAISE(ABORT, 'gate: this item may not leave before those who approve it looked at every place')
    WHERE NEW.status IN ('approved', 'delivering', 'delivered') AND {judged_now}
    AND (SELECT demand FROM judged WHERE item = NEW.id) > (
        SELECT count(DISTINCT a.uid) FROM approvals a
        WHERE a.item = NEW.id AND a.version = NEW.version AND a.looked);
"""
_NOW = "((julianday('now') - 2440587.5) * 86400.0)"

GATE = [
    f"""
CREATE TRIGGER items_gate_insert AFTER INSERT ON items BEGIN
    INSERT INTO item_prices (item, minor, currency, at)
    VALUES (NEW.id, NEW.price_minor, NEW.currency, {_NOW});
    {_JUDGE.format(judged_now="1")}
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
    {
        _JUDGE.format(
            judged_now="NOT (OLD.status = 'delivered' AND NEW.status = 'delivered'"
            " AND OLD.version = NEW.version)"
        )
    }
END
""",
]


def upgrade() -> None:
    """Add the tables, and put the stricter gate in place of the first."""
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
    for table in ("places", "looks"):
        for trigger in NEVER.format(table=table).split("END;\n"):
            if trigger.strip():
                op.execute(f"{trigger}END")
    op.execute(APPROVALS)
    for trigger in ("items_gate_insert", "items_gate_update"):
        op.execute(f"DROP TRIGGER {trigger}")
    for trigger in GATE:
        op.execute(trigger)


def downgrade() -> None:
    """What was looked at is never thrown away."""
    raise NotImplementedError("what was looked at is never thrown away; restore a backup instead")
