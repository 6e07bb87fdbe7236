from __future__ import annotations

import pytest

from studiod.errors import LedgerError
from studiod.ledger import reading, review
from studiod.ledger.records import WAITING, Order, Selection
from studiod.ledger.states import Status

from .conftest import ANNA, Studio


@pytest.fixture
def filled(studio: Studio) -> Studio:
    """Items 1 to 5: made with different prices and risks; 6 still waits to be made."""
    for number, (price, risk) in enumerate(
        [(5000, 0.9), (90_000, 0.1), (None, 0.01), (400_000, 0.5), (1, 0.0)]
    ):
        studio.add(f"{'abcde'[number]}.jpg", sku=f"SKU-{number}_x", price=price)
        studio.process(risk=risk)
    studio.add("f%_.jpg", sku=None)
    return studio


def test_waiting_by_expected_loss(filled: Studio) -> None:
    """What waits comes by risk times price, a missing price as the dearest."""
    assert reading.list_ids(filled.ledger, WAITING, order=Order.LOSS) == [3, 4, 2, 1, 5]


def test_pages_fit_together(filled: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, every item and every file comes once, and in order."""
    monkeypatch.setattr(reading, "_PAGE", 2)
    assert [item.id for item in reading.every_item(filled.ledger)] == [1, 2, 3, 4, 5, 6]
    assert [item.id for item in reading.every_item(filled.ledger, WAITING)] == [1, 2, 3, 4, 5]
    assert [file.item for file in reading.every_file(filled.ledger)] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("selection", "ids"),
    [
        (Selection(), [1, 2, 3, 4, 5, 6]),
        (Selection(statuses=frozenset({Status.RECEIVED})), [6]),
        (Selection(mandatory=True), [3, 4]),
        (Selection(mandatory=False), [1, 2, 5, 6]),
        (Selection(search="sku-3"), [4]),
        (Selection(search="b.jp"), [2]),
        (Selection(search="%_."), [6]),
        (Selection(search="nothing"), []),
        (Selection(returned=True), []),
        (Selection(statuses=WAITING.statuses, mandatory=True, search="sku"), [3, 4]),
    ],
)
def test_selections(filled: Studio, selection: Selection, ids: list[int]) -> None:
    """Every field of a selection narrows it; list, count and numbers agree."""
    assert [item.id for item in reading.every_item(filled.ledger, selection)] == ids
    assert reading.list_ids(filled.ledger, selection, order=Order.OLDEST) == ids
    assert reading.count_items(filled.ledger, selection) == len(ids)


def test_newest_changes_first(filled: Studio) -> None:
    """What changed last comes first, before what is new."""
    filled.clock.now += 10
    review.flag(filled.ledger, 2, 1, ANNA)
    assert reading.list_ids(filled.ledger, Selection(), order=Order.CHANGED) == [2, 6, 5, 4, 3, 1]


def test_items_in_the_order_asked(filled: Studio) -> None:
    """Items come in the order of their numbers as given; what is not there is left out."""
    assert [item.id for item in reading.get_items(filled.ledger, [4, 99, 1])] == [4, 1]
    with pytest.raises(LedgerError, match="no item 99"):
        reading.get_item(filled.ledger, 99)


def test_counts_name_every_status(filled: Studio) -> None:
    """Counts run over every status, zero included, and add up."""
    counts = reading.count_by_status(filled.ledger)
    assert set(counts) == set(Status)
    assert sum(counts.values()) == reading.count_items(filled.ledger, Selection()) == 6


def test_version_comes_back_as_made(filled: Studio) -> None:
    """A version's record holds what the worker said."""
    version = reading.get_version(filled.ledger, 1)
    assert version is not None
    assert (version.made.risk, version.made.reasons, version.made.folder) == (
        0.9,
        ("chain_gap",),
        "items/1/v1",
    )
    assert reading.get_version(filled.ledger, 6) is None


def test_whole_life_in_order(filled: Studio) -> None:
    """The history names who did what, from where to where."""
    review.approve(filled.ledger, 1, 1, ANNA)
    filled.deliver(1)
    told = [(event.what, event.actor, event.after) for event in reading.history(filled.ledger, 1)]
    assert told == [
        ("added", "daemon", "received"),
        ("claimed", "daemon", "processing"),
        ("made", "daemon", "awaiting_review"),
        ("approved", "anna", "approved"),
        ("delivering", "daemon", "delivering"),
        ("delivered", "daemon", "delivered"),
    ]
    newest = reading.last_event(filled.ledger)
    assert [event.what for event in reading.events_since(filled.ledger, newest - 1, 10)] == ["delivered"]


def test_pages_use_an_index(filled: Studio) -> None:
    """The pages of a long night are read along an index, not sorted or scanned."""
    for query in (
        "SELECT * FROM items WHERE (items.status IN ('awaiting_review', 'approved_once')) = 1"
        " ORDER BY loss DESC, id LIMIT 50",
        "SELECT id FROM items WHERE status = 'received' AND (origin = 'capture') ORDER BY id LIMIT 1",
        "SELECT * FROM items ORDER BY updated_at DESC, id DESC LIMIT 50",
        "SELECT status, count(*) FROM items GROUP BY status",
    ):
        plan = " ".join(str(row[3]) for row in filled.sql(f"EXPLAIN QUERY PLAN {query}"))
        assert "INDEX" in plan and "TEMP B-TREE" not in plan, (query, plan)
