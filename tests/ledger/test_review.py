from __future__ import annotations

import os

import pytest

from studiod.errors import GateRefused, LedgerError, TransitionRefused
from studiod.ledger import queue, review
from studiod.ledger.prices import set_thresholds
from studiod.ledger.reading import decisions, get_item, history
from studiod.ledger.states import Status
from tests.looking import look_closely

from .conftest import ANNA, BEN, STROKES, Studio


def waiting_item(studio: Studio, *, price: int | None = 200_000) -> int:
    """An item that waits for a person."""
    item = studio.add(price=price)
    studio.process()
    return item


def test_person_is_the_login(monkeypatch: pytest.MonkeyPatch) -> None:
    """The person is the operating system's login, whatever the environment says."""
    person = review.current_person()
    for name in ("USER", "LOGNAME", "SUDO_USER", "SUDO_UID", "USERNAME"):
        monkeypatch.setenv(name, "somebody")
    assert review.current_person() == person
    assert person.uid == os.getuid() or os.getuid() == 0


def test_decision_on_what_was_seen(studio: Studio) -> None:
    """A picture that was made anew while somebody looked is not decided on."""
    item = waiting_item(studio)
    review.request_strokes(studio.ledger, item, 1, STROKES, BEN)
    with pytest.raises(TransitionRefused, match="about to be made anew"):
        review.approve(studio.ledger, item, 1, ANNA)
    studio.process()
    with pytest.raises(TransitionRefused, match="this picture changed while you looked"):
        review.approve(studio.ledger, item, 1, ANNA)
    assert studio.approve(item) is Status.APPROVED


def test_decision_keeps_the_hashes(studio: Studio) -> None:
    """A decision stores the hashes of source, cutout, matte, composites, model and presets of its version."""
    item = waiting_item(studio)
    studio.approve(item)
    (stored,) = studio.sql(
        "SELECT d.evidence, v.evidence FROM decisions d JOIN versions v ON v.item = d.item"
    )
    assert stored[0] == stored[1]
    for name in ("source", "cutout", "matte", "composites", "model", "presets"):
        assert f'"{name}":' in str(stored[0])


def test_undo_takes_waiting_strokes_back(studio: Studio) -> None:
    """Strokes that no worker has taken are undone by who painted them, the newest deed first; nobody else."""
    decided, painted = waiting_item(studio), waiting_item(studio)
    studio.approve(decided)
    studio.clock.now += 1.0
    review.request_strokes(studio.ledger, painted, 1, STROKES, ANNA)
    assert review.last_decided(studio.ledger, BEN) is None
    with pytest.raises(TransitionRefused, match="no decision to undo"):
        review.undo(studio.ledger, painted, BEN)
    assert review.last_decided(studio.ledger, ANNA) == painted
    assert review.undo(studio.ledger, painted, ANNA) is Status.AWAITING_REVIEW
    assert [event.what for event in history(studio.ledger, painted)][-2:] == [
        "strokes_painted",
        "strokes_taken_back",
    ]
    assert queue.claim(studio.ledger, "worker", 60.0) is None
    assert review.last_decided(studio.ledger, ANNA) == decided


def test_strokes_that_are_taken_are_not_undone(studio: Studio) -> None:
    """Once a worker makes the version with the strokes it is too late to take them back."""
    item = waiting_item(studio)
    review.request_strokes(studio.ledger, item, 1, STROKES, ANNA)
    assert queue.claim(studio.ledger, "worker", 60.0) is not None
    assert review.last_decided(studio.ledger, ANNA) is None
    with pytest.raises(TransitionRefused, match="no decision to undo"):
        review.undo(studio.ledger, item, ANNA)


@pytest.mark.parametrize("decide", ["approve", "flag", "reject"])
def test_undo(studio: Studio, decide: str) -> None:
    """Undo withdraws the decision; the item waits again."""
    item = waiting_item(studio)
    look_closely(studio.ledger, item, ANNA)
    getattr(review, decide)(studio.ledger, item, 1, ANNA)
    assert review.last_decided(studio.ledger, ANNA) == item
    assert review.last_decided(studio.ledger, BEN) is None
    assert review.undo(studio.ledger, item, ANNA) is Status.AWAITING_REVIEW
    (decision,) = decisions(studio.ledger, item)
    assert decision.withdrawn_at == studio.clock.now
    assert review.last_decided(studio.ledger, ANNA) is None
    newest = history(studio.ledger, item)[-1]
    assert (newest.what, newest.actor, newest.uid) == ("undone", "anna", ANNA.uid)


@pytest.mark.parametrize("seconds", [60.0, -3600.0])
def test_undo_is_of_the_last_deed(studio: Studio, seconds: float) -> None:
    """The newest deed is undone first, also where the clock was set back between two of them."""
    deeds = [waiting_item(studio) for _ in range(3)]
    for item in deeds:
        studio.clock.now += seconds
        review.flag(studio.ledger, item, 1, ANNA)
        review.reject(studio.ledger, waiting_item(studio), 1, BEN)
    for item in reversed(deeds):
        assert review.last_decided(studio.ledger, ANNA) == item
        review.undo(studio.ledger, item, ANNA)
    assert review.last_decided(studio.ledger, ANNA) is None


def test_what_was_superseded_is_nothing_to_undo(studio: Studio) -> None:
    """Strokes painted on what a new picture has taken the place of stand in no undo's way."""
    decided, painted = waiting_item(studio), waiting_item(studio)
    review.flag(studio.ledger, decided, 1, ANNA)
    review.request_strokes(studio.ledger, painted, 1, STROKES, ANNA)
    queue.supersede(studio.ledger, painted, "shot again")
    assert review.last_decided(studio.ledger, ANNA) == decided
    review.undo(studio.ledger, decided, ANNA)
    assert review.last_decided(studio.ledger, ANNA) is None


@pytest.mark.parametrize("last", ["delivering", "delivered", "awaiting_review"])
def test_undo_has_an_end(studio: Studio, last: str) -> None:
    """What is being delivered, or was, or was not decided, cannot be undone."""
    item = waiting_item(studio)
    if last != "awaiting_review":
        studio.approve(item)
        studio.start_delivery(item) if last == "delivering" else studio.deliver(item)
    with pytest.raises(TransitionRefused):
        review.undo(studio.ledger, item, ANNA)
    assert studio.status(item) == last


def test_two_persons(studio: Studio) -> None:
    """Over the second threshold two different persons must approve; one person twice is refused."""
    set_thresholds(studio.ledger, {"USD": 100_000}, {"USD": 150_000})
    item = waiting_item(studio)
    assert studio.approve(item, ANNA) is Status.APPROVED_ONCE
    with pytest.raises(GateRefused, match="second person"):
        studio.approve(item, ANNA)
    with pytest.raises(GateRefused):
        studio.sql("UPDATE items SET status = 'approved' WHERE id = ?", item)
    assert studio.approve(item, BEN) is Status.APPROVED


def test_one_person_is_enough_once_the_settings_say_so(studio: Studio) -> None:
    """Who approved once approves where no second person is asked for any more; no other item moves."""
    set_thresholds(studio.ledger, {"USD": 100_000}, {"USD": 150_000})
    first, other = waiting_item(studio), waiting_item(studio, price=500_000)
    for item in (first, other):
        assert studio.approve(item, ANNA) is Status.APPROVED_ONCE
    set_thresholds(studio.ledger, {"USD": 100_000}, {"USD": 300_000})
    assert studio.approve(first, ANNA) is Status.APPROVED
    assert [decision.person for decision in decisions(studio.ledger, first)] == [ANNA]
    with pytest.raises(GateRefused, match="second person"):
        studio.approve(other, ANNA)
    assert studio.status(other) is Status.APPROVED_ONCE
    studio.deliver(first)


def test_second_person_may_disagree(studio: Studio) -> None:
    """The second person may flag or reject: the first approval is withdrawn, and the history says so."""
    set_thresholds(studio.ledger, {"USD": 100_000}, {"USD": 150_000})
    item = waiting_item(studio)
    studio.approve(item, ANNA)
    review.flag(studio.ledger, item, 1, BEN, reasons=("halo",), note="left edge", box=(1, 2, 3, 4))
    first, second = decisions(studio.ledger, item)
    assert (first.withdrawn_at, second.withdrawn_at) == (studio.clock.now, None)
    assert (second.reasons, second.note, second.box) == (("halo",), "left edge", (1, 2, 3, 4))
    assert [event.what for event in history(studio.ledger, item)][-2:] == [
        "first_approval_withdrawn",
        "flagged",
    ]


def test_return_voids_an_approval(studio: Studio) -> None:
    """A touch-up that comes back for an approved item is a new version, and voids what was approved."""
    item = waiting_item(studio)
    review.flag(studio.ledger, item, 1, ANNA)
    studio.send(item)
    review.undo(studio.ledger, item, ANNA)
    studio.approve(item)
    studio.bring_back(item)
    assert studio.status(item) is Status.AWAITING_REVIEW
    studio.process(policy=True)
    record = get_item(studio.ledger, item)
    assert (record.status, record.version, record.origin) == (Status.AWAITING_REVIEW, 2, "return")
    studio.approve(item)
    studio.deliver(item)
    with pytest.raises(TransitionRefused, match="delivered"):
        studio.bring_back(item, "a second return")


def test_recall_only_of_the_delivered(studio: Studio) -> None:
    """Only a delivered item can be recalled; its decision no longer counts."""
    item = waiting_item(studio)
    with pytest.raises(TransitionRefused):
        review.recall(studio.ledger, item, ANNA)
    studio.approve(item)
    studio.deliver(item)
    review.recall(studio.ledger, item, BEN, reason="customer saw a halo")
    record = get_item(studio.ledger, item)
    assert (record.status, record.never_policy, record.reason) == (
        Status.AWAITING_REVIEW,
        True,
        "customer saw a halo",
    )
    with pytest.raises(GateRefused):
        studio.sql("UPDATE items SET status = 'approved' WHERE id = ?", item)


def test_retry_only_of_the_fallen(studio: Studio) -> None:
    """Only failed, quarantined and rejected items are tried again."""
    with pytest.raises(TransitionRefused):
        review.retry(studio.ledger, waiting_item(studio), ANNA)


def test_who_has_it_open(studio: Studio) -> None:
    """An open item shows who has it; the claim expires, is let go of, or is taken over knowingly."""
    item = waiting_item(studio)
    assert review.open_for_review(studio.ledger, item, ANNA) == ANNA
    assert review.open_for_review(studio.ledger, item, BEN) == ANNA
    assert get_item(studio.ledger, item).opened_by == "anna"
    assert review.open_for_review(studio.ledger, item, BEN, take_over=True) == BEN
    review.close_review(studio.ledger, item, ANNA)
    assert get_item(studio.ledger, item).opened_by == "ben"
    studio.clock.now += 301
    assert get_item(studio.ledger, item).opened_by is None
    assert review.open_for_review(studio.ledger, item, ANNA) == ANNA
    review.close_review(studio.ledger, item, ANNA)
    assert get_item(studio.ledger, item).opened_by is None


def test_no_such_item(studio: Studio) -> None:
    """A number without an item is said so."""
    with pytest.raises(LedgerError, match="no item 99"):
        review.approve(studio.ledger, 99, 1, ANNA)
