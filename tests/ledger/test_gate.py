from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy.exc import DatabaseError

from studiod.errors import StudioError
from studiod.ledger import queue, review
from studiod.ledger.delivery import finish_delivery
from studiod.ledger.gate import Thresholds, demand_of
from studiod.ledger.prices import set_price, set_thresholds
from studiod.ledger.reading import events_since, get_item, get_version, history, thresholds
from studiod.ledger.records import Demand
from studiod.ledger.states import Status
from tests.looking import made_up

from .conftest import ANNA, BEN, STROKES, Studio, new_studio

GATED = ("approved", "delivering", "delivered")
USD = Thresholds({"USD": 100_000, "JPY": 150_000}, {"USD": 500_000})

# The rule, by hand.


@pytest.mark.parametrize(
    ("now", "carried", "always", "demand"),
    [
        ((100_000, "USD"), [], False, Demand.NOTHING),
        ((100_001, "USD"), [], False, Demand.PERSON),
        ((500_000, "USD"), [], False, Demand.PERSON),
        ((500_001, "USD"), [], False, Demand.TWO_PERSONS),
        ((None, "USD"), [], False, Demand.PERSON),
        ((None, ""), [], False, Demand.PERSON),
        ((1, "EUR"), [], False, Demand.PERSON),
        ((1, "usd"), [], False, Demand.PERSON),
        ((150_000, "JPY"), [], False, Demand.NOTHING),
        ((5, "USD"), [(100_001, "USD")], False, Demand.PERSON),
        ((5, "USD"), [(900_000, "USD"), (5, "JPY")], False, Demand.TWO_PERSONS),
        ((None, "USD"), [(900_000, "USD")], False, Demand.TWO_PERSONS),
        ((5, "USD"), [(None, "USD")], False, Demand.NOTHING),
        ((5, "USD"), [(5, "EUR")], False, Demand.PERSON),
        ((5, "USD"), [], True, Demand.PERSON),
    ],
)
def test_demand(
    now: tuple[int | None, str], carried: list[tuple[int | None, str]], always: bool, demand: Demand
) -> None:
    """Over the threshold, no price, no threshold for it: a person; exactly at it is not over."""
    assert demand_of(now, carried, always, USD) is demand


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    prices=st.lists(
        st.tuples(
            st.none() | st.sampled_from([0, 1, 99_999, 100_000, 100_001, 500_000, 500_001]),
            st.sampled_from(["USD", "JPY", "EUR", ""]),
        ),
        min_size=1,
        max_size=5,
    ),
    always=st.booleans(),
)
def test_database_and_code_agree(studio: Studio, prices: list[tuple[int | None, str]], always: bool) -> None:
    """The database's own judgement of a history of prices is the code's."""
    set_thresholds(studio.ledger, USD.person, USD.two_persons)
    item = studio.add("x.jpg", sku=None, price=prices[0][0], currency=prices[0][1], always_review=always)
    for minor, currency in prices[1:]:
        studio.sql("UPDATE items SET price_minor = ?, currency = ? WHERE id = ?", minor, currency, item)
    assert get_item(studio.ledger, item).demand is demand_of(prices[-1], prices, always, USD)


# Policy.


def test_policy_approves_what_it_may(studio: Studio) -> None:
    """At or below the threshold policy may approve, and the event says so."""
    item = studio.add(price=100_000)
    assert studio.process(policy=True) == item
    newest = history(studio.ledger, item)[-1]
    assert (newest.what, newest.actor, newest.after) == ("approved_by_policy", "policy", Status.APPROVED)


@pytest.mark.parametrize(
    ("price", "currency", "always"),
    [(100_001, "USD", False), (None, "USD", False), (5, "EUR", False), (5, "USD", True)],
)
def test_policy_approves_nothing_else(studio: Studio, price: int | None, currency: str, always: bool) -> None:
    """Over it, without a price or a threshold, or with an always_review word, an item waits for a person."""
    item = studio.add(price=price, currency=currency, always_review=always)
    studio.process(policy=True)
    assert studio.status(item) is Status.AWAITING_REVIEW


@pytest.mark.parametrize("how", ["flagged", "rejected", "recalled", "strokes"])
def test_never_policy(studio: Studio, how: str) -> None:
    """What a person once flagged, rejected or recalled, or painted on, policy never approves again."""
    item = studio.add(price=5000)
    studio.process()
    if how == "flagged":
        review.flag(studio.ledger, item, 1, ANNA)
        studio.bring_back(item)
    elif how == "rejected":
        review.reject(studio.ledger, item, 1, ANNA)
        review.retry(studio.ledger, item, ANNA)
    elif how == "recalled":
        studio.approve(item)
        studio.deliver(item)
        review.recall(studio.ledger, item, ANNA)
        review.request_strokes(studio.ledger, item, 1, STROKES, ANNA)
    else:
        review.request_strokes(studio.ledger, item, 1, STROKES, ANNA)
    studio.process(policy=True)
    assert studio.status(item) is Status.AWAITING_REVIEW
    with pytest.raises(StudioError):
        studio.sql("UPDATE items SET never_policy = 0 WHERE id = ?", item)
    studio.sql("UPDATE items SET origin = 'capture' WHERE id = ?", item)
    with pytest.raises(StudioError):
        approve_by_raw_policy(studio, item)
    assert studio.status(item) is Status.AWAITING_REVIEW


def approve_by_raw_policy(studio: Studio, item: int) -> None:
    """What a script that plays policy would do."""
    with studio.ledger.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO decisions (item, version, kind, verdict, reasons, note, evidence, at)"
            " SELECT item, version, 'policy', 'approve', '[]', '', evidence, 0 FROM versions"
            " WHERE item = ? ORDER BY version DESC LIMIT 1",
            (item,),
        )
        connection.exec_driver_sql("UPDATE items SET status = 'approved' WHERE id = ?", (item,))


# Prices that change.


def test_late_price_approves_nothing(studio: Studio) -> None:
    """A price that arrives late never approves a waiting item."""
    item = studio.add(price=None)
    studio.process(policy=True)
    assert set_price(studio.ledger, item, 500, "USD") is Status.AWAITING_REVIEW
    assert not get_item(studio.ledger, item).mandatory


@pytest.mark.parametrize("lowered", [500, None])
def test_lowered_price_gets_nothing_past(studio: Studio, lowered: int | None) -> None:
    """The highest price ever carried counts, though it is lowered or removed."""
    item = studio.add(price=200_000)
    set_price(studio.ledger, item, lowered, "USD")
    studio.process(policy=True)
    assert studio.status(item) is Status.AWAITING_REVIEW
    assert get_item(studio.ledger, item).mandatory


def test_price_rises_after_policy(studio: Studio) -> None:
    """A price that passes the threshold after approval by policy takes the item back, with an event."""
    item = studio.add(price=500)
    studio.process(policy=True)
    assert set_price(studio.ledger, item, 100_000, "USD") is Status.APPROVED
    assert set_price(studio.ledger, item, 100_001, "USD") is Status.AWAITING_REVIEW
    assert [event.what for event in history(studio.ledger, item)][-3:] == ["price", "gate", "price"]
    with pytest.raises(StudioError):
        studio.sql("UPDATE items SET status = 'approved' WHERE id = ?", item)


def test_price_rises_after_a_person(studio: Studio) -> None:
    """Of price changes only one that calls for a stricter gate than was passed voids a decision."""
    set_thresholds(studio.ledger, USD.person, USD.two_persons)
    item = studio.add(price=None)
    studio.process()
    studio.approve(item)
    assert set_price(studio.ledger, item, 500_000, "USD") is Status.APPROVED
    assert set_price(studio.ledger, item, 500_001, "USD") is Status.AWAITING_REVIEW
    assert studio.approve(item, ANNA) is Status.APPROVED_ONCE
    assert studio.approve(item, BEN) is Status.APPROVED


def test_always_review_arrives_late(studio: Studio) -> None:
    """A title that turns out to need a hand takes back what policy approved, and is never unsaid."""
    item = studio.add(price=500)
    studio.process(policy=True)
    after = set_price(studio.ledger, item, 500, "USD", title="Moissanite ring", always_review=True)
    assert after is Status.AWAITING_REVIEW
    set_price(studio.ledger, item, 500, "USD", title="Ring", always_review=False)
    record = get_item(studio.ledger, item)
    assert (record.title, record.always_review, record.mandatory) == ("Ring", True, True)


def test_same_price_is_no_event(studio: Studio) -> None:
    """A catalogue read again with the same prices writes nothing."""
    odd = os.fsdecode(b"\xff")
    item = studio.add(sku=odd, price=500)
    set_price(studio.ledger, item, 500, "USD", sku=odd)
    assert [event.what for event in history(studio.ledger, item)] == ["added"]


def test_threshold_changes_are_events(studio: Studio) -> None:
    """Every change of a threshold is an event, by the settings or by raw SQL."""
    set_thresholds(studio.ledger, {"USD": 200_000}, {"USD": 500_000})
    set_thresholds(studio.ledger, {"USD": 200_000}, {"USD": 500_000})
    studio.sql("DELETE FROM thresholds WHERE rule = 'two_persons'")
    seen = [
        (event.what, event.details["rule"], event.details["before"], event.details["after"])
        for event in events_since(studio.ledger, 0, 1000)
    ]
    assert sorted(seen[1:], key=str) == sorted(
        [
            ("threshold", "person", 100_000, 200_000),
            ("threshold", "two_persons", None, 500_000),
            ("threshold", "two_persons", 500_000, None),
        ],
        key=str,
    )
    assert thresholds(studio.ledger) == Thresholds({"USD": 200_000}, {})


# Whatever is tried.

PRICES = st.none() | st.sampled_from([0, 500, 100_000, 100_001, 400_000, 10**9])
CURRENCIES = st.sampled_from(["USD", "USD", "EUR", "usd", ""])
STATUSES = st.sampled_from([status.value for status in Status])


class Attack(RuleBasedStateMachine):
    """Prices, thresholds, lawful work and raw SQL in any order; one item, one rule."""

    @initialize(price=PRICES, currency=CURRENCIES)
    def begin(self, price: int | None, currency: str) -> None:
        """One item in a fresh ledger."""
        self.folder = tempfile.TemporaryDirectory()
        self.studio = new_studio(Path(self.folder.name) / "studiod.db")
        self.item = self.studio.add(price=price, currency=currency)
        self.let_out: set[tuple[int, str]] = set()

    @contextlib.contextmanager
    def trying(self) -> Iterator[None]:
        """Whatever is refused is refused; then it is judged."""
        with contextlib.suppress(StudioError, DatabaseError):
            yield
        self.judge()

    @rule(policy=st.booleans())
    def process(self, policy: bool) -> None:
        """A worker makes it, with or without policy."""
        with self.trying():
            claimed = queue.claim(self.studio.ledger, "w", 60)
            if claimed is not None:
                queue.finish(self.studio.ledger, claimed, made_up(claimed), approve_by_policy=policy)

    @rule(price=PRICES, currency=CURRENCIES, raw=st.booleans())
    def price(self, price: int | None, currency: str, raw: bool) -> None:
        """The catalogue, or a script, changes its price."""
        with self.trying():
            if raw:
                self.studio.sql("UPDATE items SET price_minor = ?, currency = ?", price, currency)
            else:
                set_price(self.studio.ledger, self.item, price, currency)

    @rule(person=st.sampled_from([0, 100_000, 300_000, None]), two=st.sampled_from([None, 300_000]))
    def threshold(self, person: int | None, two: int | None) -> None:
        """The settings change."""
        with self.trying():
            set_thresholds(
                self.studio.ledger,
                {} if person is None else {"USD": person},
                {} if two is None else {"USD": two},
            )

    @rule(person=st.sampled_from([ANNA, BEN]))
    def approve(self, person: object) -> None:
        """A person approves what it is now."""
        with self.trying():
            self.studio.approve(self.item, person)  # type: ignore[arg-type]

    @rule(what=st.sampled_from(["undo", "recall", "flag", "retry", "strokes", "deliver", "start", "finish"]))
    def lawful(self, what: str) -> None:
        """What people and the daemon do."""
        made = get_version(self.studio.ledger, self.item) is not None
        with self.trying():
            if what in ("deliver", "start") and made:
                self.studio.start_delivery(self.item)
            if what in ("deliver", "finish"):
                finish_delivery(self.studio.ledger, self.item, self.studio.version(self.item))
            if what == "flag":
                review.flag(self.studio.ledger, self.item, self.studio.version(self.item), ANNA)
            elif what == "strokes":
                version = self.studio.version(self.item)
                review.request_strokes(self.studio.ledger, self.item, version, STROKES, ANNA)
            elif what in ("undo", "recall", "retry"):
                getattr(review, what)(self.studio.ledger, self.item, ANNA)

    @rule(status=STATUSES)
    def raw_status(self, status: str) -> None:
        """A script moves it."""
        lease = "'w', lease_until = 9e12" if status == "processing" else "NULL, lease_until = NULL"
        with self.trying():
            self.studio.sql(f"UPDATE items SET status = ?, lease_owner = {lease}", status)

    @rule(version=st.integers(1, 3), price=PRICES, status=STATUSES)
    def raw_everything(self, version: int, price: int | None, status: str) -> None:
        """A script changes all at once."""
        with self.trying():
            self.studio.sql(
                "UPDATE items SET version = ?, price_minor = ?, status = ?, origin = 'capture',"
                " lease_owner = NULL, lease_until = NULL", version, price, status,
            )  # fmt: skip

    @rule(status=STATUSES, replace=st.booleans())
    def raw_insert(self, status: str, replace: bool) -> None:
        """A script copies it into any state, or over itself."""
        columns = [name for (_, name, *_) in self.studio.sql("PRAGMA table_info(items)")]
        values = ["?" if name == "status" else str(name) for name in columns]
        if not replace:
            values[0] = "NULL"
        with self.trying():
            self.studio.sql(
                f"INSERT OR REPLACE INTO items ({', '.join(map(str, columns))})"
                f" SELECT {', '.join(values)} FROM items WHERE id = {self.item}", status,
            )  # fmt: skip

    @rule()
    def raw_policy(self) -> None:
        """A script plays policy."""
        with self.trying():
            approve_by_raw_policy(self.studio, self.item)

    @rule()
    def raw_marks(self) -> None:
        """A script takes the marks away."""
        with self.trying():
            self.studio.sql("UPDATE items SET never_policy = 0, always_review = 0, demand = 0")

    @invariant()
    def judged(self) -> None:
        """It holds between any two steps."""
        if hasattr(self, "studio"):
            self.judge()

    def judge(self) -> None:
        """No row comes into a gated state without what its prices demand; leaving and coming counts anew.

        Once lawfully in, a raw change of thresholds may find it short; it cannot go further then.
        """
        gated = {
            (item, status): (demand, persons, anybody)
            for item, status, demand, persons, anybody in self.studio.sql(_JUDGED)
        }
        for key, (demand, persons, anybody) in gated.items():
            if key not in self.let_out:
                assert isinstance(persons, int) and isinstance(demand, int)
                assert persons >= demand and anybody, (key, demand, persons)
        self.let_out = {(int(str(item)), str(status)) for item, status in gated}

    def teardown(self) -> None:
        """Clean up."""
        if hasattr(self, "studio"):
            self.studio.ledger.close()
            self.folder.cleanup()


# Judged apart from the code and the view: from the tables alone.
_JUDGED = """
SELECT i.id, i.status,
    max(i.always_review, i.price_minor IS NULL,
        (SELECT count(*) > 0 FROM events e
            WHERE e.item = i.id AND e.what IN ('flagged', 'rejected', 'recalled')),
        (SELECT count(*) > 0 FROM versions v
            WHERE v.item = i.id AND v.version = i.version AND v.origin <> 'capture'),
        (SELECT count(*) > 0 FROM item_prices p WHERE p.item = i.id AND p.minor > ifnull((SELECT minor FROM
            thresholds t WHERE t.currency = p.currency AND t.rule = 'person'), -1)),
        2 * (SELECT count(*) > 0 FROM item_prices p JOIN thresholds t ON t.currency = p.currency
            AND t.rule = 'two_persons' WHERE p.item = i.id AND p.minor > t.minor)),
    (SELECT count(DISTINCT uid) FROM decisions d WHERE d.item = i.id AND d.version = i.version
        AND d.verdict = 'approve' AND d.withdrawn_at IS NULL),
    (SELECT count(*) FROM decisions d WHERE d.item = i.id AND d.version = i.version
        AND d.verdict = 'approve' AND d.withdrawn_at IS NULL)
FROM items i WHERE i.status IN ('approved', 'delivering', 'delivered')
"""


def test_nothing_gets_past() -> None:
    """Whatever prices, thresholds, work and raw SQL do: nothing undecided leaves over the threshold."""
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Attack,
        settings=settings(
            max_examples=30, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
