from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from sqlalchemy import Connection

from studiod.errors import GateRefused, TransitionRefused
from studiod.ledger.evidence import put_decision, put_version, read_version
from studiod.ledger.reading import history
from studiod.ledger.records import Claimed, Origin
from studiod.ledger.states import TRANSITIONS, Status, may_become
from studiod.ledger.transition import ItemRow, move, read_item, standing
from tests.looking import made_up

from .conftest import ANNA, Studio, new_studio

PAIRS = list(itertools.product(Status, Status))
GATED = {Status.APPROVED, Status.DELIVERING, Status.DELIVERED}
_numbers = itertools.count()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    """One ledger for all pairs, each with an item of its own."""
    return new_studio(Path(tmp_path_factory.mktemp("pairs")) / "studiod.db")


def bring_to(studio: Studio, status: Status, *, decided: bool = True) -> int:
    """A new item in this status, made and (where asked) approved by a person, by allowed steps only."""
    path: list[Status] = []
    reached = {Status.RECEIVED: path}
    queue = [Status.RECEIVED]
    while status not in reached:
        here = queue.pop(0)
        for after in TRANSITIONS[here]:
            if after not in reached:
                reached[after] = [*reached[here], after]
                queue.append(after)
    item = studio.add(f"{next(_numbers)}.jpg", sku=None, price=5000)
    for step in reached[status]:
        go(studio, item, step, decided=decided)
    return item


def go(studio: Studio, item: int, after: Status, *, decided: bool = True) -> None:
    """One guarded transition, with what that state needs to be lawful."""
    with studio.ledger.writing() as connection:
        row = read_item(connection, item)
        values = {"lease_owner": "w", "lease_until": 1.0} if after is Status.PROCESSING else {}
        if decided and after in GATED and may_become(Status(row.status), after):
            decide(studio, connection, row)
        move(connection, row, after, studio.clock(), what="test", **values)


def decide(studio: Studio, connection: Connection, row: ItemRow) -> None:
    """Make the version and have it approved by a person, unless it is already."""
    if read_version(connection, row.id, row.version) is None:
        claimed = Claimed(row.id, row.version, "w", "main", row.path, "s", None, Origin.CAPTURE, 0)
        put_version(connection, row, made_up(claimed), studio.clock())
    if not standing(connection, row).uids:
        put_decision(connection, row, studio.clock(), verdict="approve", person=ANNA)


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_every_pair(shared: Studio, before: Status, after: Status) -> None:
    """An allowed transition goes through with its event; any other is refused and changes nothing."""
    item = bring_to(shared, before)
    count = len(history(shared.ledger, item))
    if may_become(before, after):
        go(shared, item, after)
        newest = history(shared.ledger, item)[-1]
        assert (shared.status(item), newest.before, newest.after) == (after, before, after)
        assert len(history(shared.ledger, item)) == count + 1
    else:
        with pytest.raises(TransitionRefused):
            go(shared, item, after)
        assert shared.status(item) is before
        assert len(history(shared.ledger, item)) == count


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_every_pair_by_raw_sql(shared: Studio, before: Status, after: Status) -> None:
    """The database itself refuses what is no transition, and what the gate does not let through."""
    lawful = before not in GATED
    item = bring_to(shared, before, decided=not lawful)
    lease = (", lease_owner = 'x', lease_until = 1" if after is Status.PROCESSING
             else ", lease_owner = NULL, lease_until = NULL")  # fmt: skip
    statement = f"UPDATE items SET status = ? {lease} WHERE id = ?"
    if before is after:
        shared.sql(statement, after.value, item)
    elif not may_become(before, after):
        with pytest.raises(TransitionRefused):
            shared.sql(statement, after.value, item)
    elif after in GATED and lawful:
        with pytest.raises(GateRefused):
            shared.sql(statement, after.value, item)
    else:
        shared.sql(statement, after.value, item)
    assert shared.status(item) in (before, after)


def test_transitions_in_the_database(studio: Studio) -> None:
    """The database knows the very transitions that the code knows."""
    known = {
        (Status(str(before)), Status(str(after))) for before, after in studio.sql("SELECT * FROM transitions")
    }
    assert known == {(before, after) for before, afters in TRANSITIONS.items() for after in afters}


def test_stale_row_is_refused(studio: Studio) -> None:
    """A transition from a state or version that the item has left is refused."""
    item = studio.add()
    with studio.ledger.reading() as connection:
        stale = read_item(connection, item)
    studio.process()
    with pytest.raises(TransitionRefused), studio.ledger.writing() as connection:
        move(connection, stale, Status.SUPERSEDED, 0.0, what="test")
    assert studio.status(item) is Status.AWAITING_REVIEW


@pytest.mark.parametrize("table", ["events", "item_prices", "versions", "decisions", "items", "transitions"])
@pytest.mark.parametrize(
    "statement", ["DELETE FROM {table}", "INSERT OR REPLACE INTO {table} SELECT * FROM {table}"]
)
def test_history_stays(studio: Studio, table: str, statement: str) -> None:
    """What is history is never deleted or replaced, by nobody."""
    studio.add()
    studio.approve(studio.process())
    before = studio.sql(f"SELECT * FROM {table}")
    with pytest.raises(TransitionRefused):
        studio.sql(statement.format(table=table))
    assert before and studio.sql(f"SELECT * FROM {table}") == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET reason = 'x'",
        "UPDATE item_prices SET minor = 0",
        "UPDATE versions SET evidence = '{}'",
        "UPDATE decisions SET uid = 7",
        "UPDATE decisions SET version = version, withdrawn_at = NULL",
        "UPDATE items SET id = id + 1",
        "UPDATE transitions SET after = 'approved'",
    ],
)
def test_history_is_not_rewritten(studio: Studio, statement: str) -> None:
    """Events, prices, versions and decisions are never changed; an item keeps its number."""
    studio.add()
    studio.approve(studio.process())
    with pytest.raises(TransitionRefused):
        studio.sql(statement)
