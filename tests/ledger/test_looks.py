from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine

import studiod.ledger.migrations
from studiod.errors import GateRefused
from studiod.ledger import review
from studiod.ledger.engine import open_ledger
from studiod.ledger.looks import Unseen, coverage, is_seen, looks_of, record_looks, unseen
from studiod.ledger.prices import set_price, set_thresholds
from studiod.ledger.reading import decisions, get_item, get_version, history
from studiod.ledger.records import Look, NewVersion, Person, Place
from studiod.ledger.states import Status
from tests.looking import COMPOSITE_BOX, PLACES, close_look, enough_looks, look_closely

from .conftest import ANNA, BEN, Studio

HERE = Place("prong", 100, 100)
WHOLE = Look("composite", COMPOSITE_BOX, 0.25, 0.1)
MANDATORY = [(100_001, "USD", False), (None, "USD", False), (5, "EUR", False), (5, "USD", True)]


def waiting_item(studio: Studio, *, price: int | None = 200_000, currency: str = "USD") -> int:
    """An item that waits for a person."""
    item = studio.add(price=price, currency=currency)
    studio.process()
    return item


def made(studio: Studio, item: int) -> NewVersion:
    """What was made of an item."""
    version = get_version(studio.ledger, item)
    assert version is not None
    return version.made


# The rule, by hand.


@pytest.mark.parametrize(
    ("looks", "seen"),
    [
        ([Look("composite", (92, 92, 108, 108), 2.0, 0.5)], True),
        ([Look("cutout on red", (92, 92, 108, 108), 2.0, 0.5)], True),
        ([Look("matte", (92, 92, 108, 108), 2.0, 0.5)], True),
        ([Look("original", (92, 92, 108, 108), 2.0, 0.5)], False),
        ([Look("composite", (92.1, 92, 108, 108), 2.0, 0.5)], False),
        ([Look("composite", (92, 92, 108, 107.9), 2.0, 0.5)], False),
        ([Look("composite", (92, 92, 108, 108), 1.99, 0.5)], False),
        ([Look("composite", (92, 92, 108, 108), 8.0, 0.49)], False),
        ([Look("composite", (0, 0, 200, 200), 2.0, 0.2), Look("matte", (50, 50, 150, 150), 4.0, 0.3)], True),
        ([Look("composite", (0, 0, 200, 200), 2.0, 0.4), Look("matte", (0, 0, 50, 50), 4.0, 9.0)], False),
    ],
)
def test_a_place_is_seen(looks: list[Look], seen: bool) -> None:
    """A place is seen in a view of the result, 8 pixels inside, at 200 %, for half a second in all."""
    assert is_seen(HERE, looks) is seen


@pytest.mark.parametrize(
    ("look", "missing"),
    [
        (WHOLE, False),
        (replace(WHOLE, box=(10.9, 20.9, 409.1, 419.1)), False),
        (replace(WHOLE, box=(11.1, 20.0, 410.0, 420.0)), True),
        (replace(WHOLE, box=(10.0, 20.0, 410.0, 418.0)), True),
        (replace(WHOLE, view="original"), True),
    ],
)
def test_the_whole_composite(studio: Studio, look: Look, missing: bool) -> None:
    """The whole composite was on the screen when all four of its edges were, at whatever zoom that is."""
    item = waiting_item(studio)
    assert unseen(made(studio, item), [look]) == Unseen(missing, PLACES)


def test_what_is_missing_in_words() -> None:
    """What was not seen is said by name and place, the first three of many."""
    places = tuple(Place("stone_edge", x, 7) for x in range(5))
    assert Unseen(True, places).words() == (
        "the whole composite at fit and 5 places at 200 % or more, for half a second each "
        "(stone edge at 0, 7; stone edge at 1, 7; stone edge at 2, 7; and 2 more)"
    )
    assert Unseen(False, places[:1]).words() == (
        "1 place at 200 % or more, for half a second each (stone edge at 0, 7)"
    )
    assert not Unseen(False, ())


def test_coverage(studio: Studio) -> None:
    """Coverage is the share of the composite that was seen closely; twice the same counts once."""
    version = replace(made(studio, waiting_item(studio)), composite_box=(0.0, 0.0, 64.0, 64.0))
    half = Look("composite", (0.0, 0.0, 32.0, 64.0), 2.0, 0.1)
    assert coverage(version, []) == 0.0
    assert coverage(version, [half, half]) == 0.5
    assert coverage(version, [half, replace(half, box=(16.0, 0.0, 48.0, 64.0))]) == 0.75
    assert coverage(version, [replace(half, zoom=1.0), replace(half, view="original")]) == 0.0
    assert coverage(version, [replace(half, box=(-1e300, -1e300, 1e300, 1e300))]) == 1.0


# The gate.


@pytest.mark.parametrize(("price", "currency", "always"), MANDATORY)
def test_what_needs_a_person_needs_a_look(
    studio: Studio, price: int | None, currency: str, always: bool
) -> None:
    """Over the threshold, without a price or a threshold, or with an always_review word: not unseen."""
    item = studio.add(price=price, currency=currency, always_review=always)
    studio.process()
    with pytest.raises(GateRefused, match="the whole composite at fit and 2 places") as refused:
        review.approve(studio.ledger, item, 1, ANNA)
    assert "studiod-review" in refused.value.hint
    assert (studio.status(item), decisions(studio.ledger, item)) == (Status.AWAITING_REVIEW, [])
    look_closely(studio.ledger, item, ANNA)
    assert review.approve(studio.ledger, item, 1, ANNA) is Status.APPROVED


def test_what_is_cheap_needs_none(studio: Studio) -> None:
    """At the threshold and below a person may approve as they see fit."""
    item = waiting_item(studio, price=100_000)
    assert review.approve(studio.ledger, item, 1, ANNA) is Status.APPROVED


SHORT = {
    "no composite": [close_look(place) for place in PLACES],
    "a place left out": [WHOLE, close_look(PLACES[0])],
    "too short": [WHOLE, close_look(PLACES[0]), close_look(PLACES[1], seconds=0.4)],
    "too small": [WHOLE, close_look(PLACES[0]), close_look(PLACES[1], zoom=1.0)],
    "only the original": [WHOLE, close_look(PLACES[0]), close_look(PLACES[1], view="original")],
}


@pytest.mark.parametrize("short", list(SHORT))
def test_nothing_less_will_do(studio: Studio, short: str) -> None:
    """Whatever is missing of it, code and database refuse; once it is added, they approve."""
    item = waiting_item(studio)
    record_looks(studio.ledger, item, 1, ANNA, SHORT[short])
    with pytest.raises(GateRefused, match="has not looked"):
        review.approve(studio.ledger, item, 1, ANNA)
    with pytest.raises(GateRefused, match="looked at every place"):
        approve_by_raw_sql(studio, item, ANNA)
    record_looks(studio.ledger, item, 1, ANNA, [WHOLE, close_look(PLACES[1])])
    assert review.approve(studio.ledger, item, 1, ANNA) is Status.APPROVED


def approve_by_raw_sql(studio: Studio, item: int, *persons: Person) -> None:
    """What a script that talks to the database would do."""
    with studio.ledger.writing() as connection:
        for person in persons:
            connection.exec_driver_sql(
                "INSERT INTO decisions"
                " (item, version, kind, verdict, uid, login, reasons, note, evidence, at)"
                " SELECT item, version, 'person', 'approve', ?, ?, '[]', '', evidence, 0 FROM versions"
                " WHERE item = ? ORDER BY version DESC LIMIT 1",
                (person.uid, person.login, item),
            )
        connection.exec_driver_sql("UPDATE items SET status = 'approved' WHERE id = ?", (item,))


def test_raw_sql_needs_looks(studio: Studio) -> None:
    """A decision that a script inserts counts only with that person's own looks at that very version."""
    item = waiting_item(studio)
    look_closely(studio.ledger, item, BEN)
    with pytest.raises(GateRefused):
        approve_by_raw_sql(studio, item, ANNA)
    assert decisions(studio.ledger, item) == []
    look_closely(studio.ledger, item, ANNA)
    approve_by_raw_sql(studio, item, ANNA)
    assert studio.status(item) is Status.APPROVED


def test_looks_are_a_persons_own(studio: Studio) -> None:
    """What a colleague saw does not count."""
    item = waiting_item(studio)
    look_closely(studio.ledger, item, BEN)
    with pytest.raises(GateRefused, match="anna has not looked"):
        review.approve(studio.ledger, item, 1, ANNA)


def test_looks_are_at_one_version(studio: Studio) -> None:
    """What was seen of an earlier version does not count for what was made of it since."""
    item = waiting_item(studio)
    look_closely(studio.ledger, item, ANNA)
    review.reject(studio.ledger, item, 1, ANNA)
    review.retry(studio.ledger, item, ANNA)
    studio.process()
    assert len(looks_of(studio.ledger, item, 1, ANNA)) == 3
    with pytest.raises(GateRefused, match="has not looked"):
        review.approve(studio.ledger, item, 2, ANNA)


def test_each_of_two_persons_must_look(studio: Studio) -> None:
    """Under the two-person rule the second person's approval needs looks of their own, by raw SQL too."""
    set_thresholds(studio.ledger, {"USD": 100_000}, {"USD": 150_000})
    item = waiting_item(studio)
    assert studio.approve(item, ANNA) is Status.APPROVED_ONCE
    with pytest.raises(GateRefused, match="ben has not looked"):
        review.approve(studio.ledger, item, 1, BEN)
    with pytest.raises(GateRefused):
        approve_by_raw_sql(studio, item, BEN)
    assert studio.approve(item, BEN) is Status.APPROVED


def test_looks_stay_with_the_decision(studio: Studio) -> None:
    """Who looked at what, at which zoom, for how long is kept, and how much was covered is in the event."""
    item = waiting_item(studio)
    looks = (*enough_looks(made(studio, item)), Look("matte", (10.0, 20.0, 410.0, 220.0), 2.0, 1.5))
    record_looks(studio.ledger, item, 1, ANNA, looks)
    review.approve(studio.ledger, item, 1, ANNA)
    assert looks_of(studio.ledger, item, 1, ANNA) == looks
    assert looks_of(studio.ledger, item, 1, BEN) == ()
    newest = history(studio.ledger, item)[-1]
    assert newest.what == "approved"
    assert newest.details["coverage"] == pytest.approx(0.5, abs=0.02)


def test_undone_is_not_unseen(studio: Studio) -> None:
    """Who takes an approval back need not look again to give it again."""
    item = waiting_item(studio)
    studio.approve(item)
    review.undo(studio.ledger, item, ANNA)
    assert review.approve(studio.ledger, item, 1, ANNA) is Status.APPROVED


# A stricter gate than was passed.


@pytest.mark.parametrize("looked", [False, True])
def test_a_price_that_rises_past_the_threshold(studio: Studio, looked: bool) -> None:
    """What was approved cheap and unseen comes back when it turns out dear; what was looked at stays."""
    item = waiting_item(studio, price=5_000)
    if looked:
        look_closely(studio.ledger, item, ANNA)
    review.approve(studio.ledger, item, 1, ANNA)
    after = set_price(studio.ledger, item, 100_001, "USD")
    assert after is (Status.APPROVED if looked else Status.AWAITING_REVIEW)
    assert (decisions(studio.ledger, item)[0].withdrawn_at is None) is looked


@pytest.mark.parametrize("looked", [False, True])
def test_a_threshold_that_falls_below_the_price(studio: Studio, looked: bool) -> None:
    """A lowered threshold takes back what was approved unseen, and leaves what was looked at."""
    item = waiting_item(studio, price=50_000)
    if looked:
        look_closely(studio.ledger, item, ANNA)
    review.approve(studio.ledger, item, 1, ANNA)
    assert set_thresholds(studio.ledger, {"USD": 40_000}, {}) == ([] if looked else [item])
    assert (studio.status(item) is Status.APPROVED) is looked


def test_delivery_judges_again(studio: Studio) -> None:
    """Whatever made an unseen item dear after its approval, delivery returns it with a sentence."""
    item = waiting_item(studio, price=50_000)
    review.approve(studio.ledger, item, 1, ANNA)
    studio.sql("UPDATE thresholds SET minor = 40000 WHERE rule = 'person'")
    with pytest.raises(GateRefused, match="approved without a look at every place"):
        studio.start_delivery(item)
    assert studio.status(item) is Status.AWAITING_REVIEW


# Many at once.


def test_a_batch_is_of_the_harmless(studio: Studio) -> None:
    """Unseen approval is for what is not mandatory, of a low risk, and was in nobody's hands before."""
    cheap = studio.add("a.jpg")
    studio.process(risk=0.04)
    assert review.approve_unseen(studio.ledger, cheap, 1, ANNA, below=0.05) is Status.APPROVED
    assert history(studio.ledger, cheap)[-1].what == "approved_unseen"
    risky = studio.add("b.jpg")
    studio.process(risk=0.05)
    dear = studio.add("c.jpg", price=100_001)
    studio.process(risk=0.01)
    rejected = studio.add("d.jpg")
    studio.process(risk=0.01)
    review.reject(studio.ledger, rejected, 1, ANNA)
    review.undo(studio.ledger, rejected, ANNA)
    for item in (risky, dear, rejected):
        look_closely(studio.ledger, item, ANNA)
        with pytest.raises(GateRefused, match="without a look at each"):
            review.approve_unseen(studio.ledger, item, 1, ANNA, below=0.05)
        assert studio.status(item) is Status.AWAITING_REVIEW


# Two judges, one rule; and versions from before.

NUMBERS = st.sampled_from(
    [0.0, 10.0, 11.0, 12.0, 20.0, 92.0, 100.0, 108.0, 112.0, 300.0, 410.0, 420.0, 500.0]
)
LOOKS = st.builds(
    Look,
    st.sampled_from(["composite", "original", "matte"]),
    st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS),
    st.sampled_from([0.25, 1.9, 2.0, 4.0]),
    st.sampled_from([0.1, 0.2, 0.25, 0.3, 0.49, 0.5, 1.0]),
)


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, database=None
)
@given(looks=st.lists(LOOKS, max_size=6), near=st.booleans())
def test_database_and_code_agree(studio: Studio, looks: list[Look], near: bool) -> None:
    """The database's own judgement of what a person saw is the code's."""
    item = waiting_item(studio, price=5)
    if near:
        looks = [*enough_looks(made(studio, item))[1:], *looks]
    record_looks(studio.ledger, item, 1, ANNA, looks)
    review.approve(studio.ledger, item, 1, ANNA)
    ((looked,),) = studio.sql("SELECT looked FROM approvals WHERE item = ?", item)
    assert bool(looked) is not bool(unseen(made(studio, item), looks))


def test_versions_from_before_looks(studio: Studio, tmp_path: Path) -> None:
    """Versions of an older release have their findings' points as places, and a composite without edges."""
    place = tmp_path / "old.db"
    engine = create_engine(f"sqlite:///{place}")
    config = Config()
    config.set_main_option("script_location", str(Path(studiod.ledger.migrations.__file__).parent))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for table, values in OLD.items():
            marks = ", ".join("?" * len(values))
            columns = ", ".join(f'"{name}"' for name in values)
            connection.exec_driver_sql(
                f"INSERT INTO {table} ({columns}) VALUES ({marks})", tuple(values.values())
            )
    engine.dispose()
    old = Studio(open_ledger(place, migrate=True, clock=studio.clock), studio.clock)
    assert get_item(old.ledger, 1).mandatory
    assert (made(old, 1).places, made(old, 1).composite_box) == ((Place("halo", 40, 50),), None)
    with pytest.raises(GateRefused, match="halo at 40, 50"):
        review.approve(old.ledger, 1, 1, ANNA)
    record_looks(old.ledger, 1, 1, ANNA, [WHOLE, close_look(Place("halo", 40, 50))])
    assert review.approve(old.ledger, 1, 1, ANNA) is Status.APPROVED
    old.ledger.close()


OLD: dict[str, dict[str, object]] = {
    "items": {
        "hot_folder": "main", "path": b"a.jpg", "title": "", "status": "awaiting_review", "version": 1,
        "origin": "capture", "currency": "", "always_review": 0, "never_policy": 0, "demand": 1, "loss": 0.0,
        "reasons": "[]", "tries": 0, "reason": "", "created_at": 0.0, "updated_at": 0.0,
    },
    "versions": {
        "item": 1, "version": 1, "origin": "capture", "made_at": 0.0,
        "evidence": '{"source":"s","cutout":"c","matte":"m","composites":{},"model":"m","presets":{}}',
        "folder": "items/1/v1", "files": '{"cutout":["c","c"],"matte":["m","m"],"composites":{}}',
        "model": "m", "risk": 0.5, "reasons": "[]", "plate_message": "", "seconds": 1.0,
        "risk_json": '{"findings":[{"reason":"halo","point":[40,50]},{"reason":"odd"}]}',
    },
}  # fmt: skip
