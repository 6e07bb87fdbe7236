from __future__ import annotations

import dataclasses

import pytest

from studiod.errors import GateRefused, TransitionRefused
from studiod.ledger import delivery, review
from studiod.ledger.naming import folded, output_names
from studiod.ledger.prices import set_price, set_thresholds
from studiod.ledger.reading import get_item, history
from studiod.ledger.states import Status

from .conftest import ANNA, Studio


def ready(studio: Studio, path: str = "RING-1.jpg", *, price: int = 5000) -> int:
    """An item approved by a person."""
    item = studio.add(path, sku=None, price=price)
    studio.process()
    studio.approve(item)
    return item


def test_delay_makes_undo_real(studio: Studio) -> None:
    """An approved item is due only after the delay; undone before, it is not due at all."""
    item = ready(studio)
    studio.clock.now += 299
    assert delivery.approved_due(studio.ledger, 300) == []
    studio.clock.now += 1
    assert [due.id for due in delivery.approved_due(studio.ledger, 300)] == [item]
    review.undo(studio.ledger, item, ANNA)
    assert delivery.approved_due(studio.ledger, 300) == []


def test_a_clock_set_back_holds_nothing_up(studio: Studio) -> None:
    """What was approved later than it is now waits its delay from now on, and can be undone until then."""
    item, other = ready(studio), ready(studio, "RING-2.jpg")
    studio.clock.now -= 3600
    assert delivery.renew_delays(studio.ledger) == [item, other]
    assert delivery.renew_delays(studio.ledger) == []
    assert history(studio.ledger, item)[-1].what == "delay_renewed"
    studio.clock.now += 299
    assert delivery.approved_due(studio.ledger, 300) == []
    review.undo(studio.ledger, other, ANNA)
    studio.clock.now += 1
    assert [due.id for due in delivery.approved_due(studio.ledger, 300)] == [item]
    studio.deliver(item)
    assert studio.status(item) is Status.DELIVERED


def test_delivered(studio: Studio) -> None:
    """A delivery reserves its names, then the item is delivered with them."""
    item = ready(studio)
    started = studio.start_delivery(item)
    assert [output.path for output in started.outputs] == ["white/RING-1.jpg"]
    assert delivery.unfinished_deliveries(studio.ledger) == [started]
    assert get_item(studio.ledger, item).outputs == ()
    delivery.finish_delivery(studio.ledger, item, 1)
    record = get_item(studio.ledger, item)
    assert (record.status, record.outputs) == (Status.DELIVERED, ("white/RING-1.jpg",))
    assert record.delivered_at == studio.clock.now
    assert delivery.unfinished_deliveries(studio.ledger) == []


@pytest.mark.parametrize("which", ["cutout", "matte", "composites"])
def test_changed_file_is_not_delivered(studio: Studio, which: str) -> None:
    """A file that is not the one decided on sends the item back to review, its decision withdrawn."""
    item = ready(studio)
    found = dataclasses.replace(
        studio.found(item), **{which: {"white": "x"} if which == "composites" else "x"}
    )
    with pytest.raises(GateRefused, match="changed after the decision"):
        studio.start_delivery(item, found=found)
    assert studio.status(item) is Status.AWAITING_REVIEW
    with pytest.raises(TransitionRefused):
        studio.start_delivery(item)


def test_every_preset_is_delivered(studio: Studio) -> None:
    """A delivery that leaves a preset's file out is refused."""
    item = ready(studio)
    with pytest.raises(GateRefused, match="list of files"):
        delivery.start_delivery(studio.ledger, item, 1, studio.found(item), [])


def test_two_sources_never_share_a_name(studio: Studio) -> None:
    """Another source with the same name, in any case, gets its item's number."""
    first, second = ready(studio, "a/RING.jpg"), ready(studio, "b/ring.jpg")
    studio.deliver(first, stem="RING")
    assert [output.path for output in studio.deliver(second, stem="ring").outputs] == [
        f"white/ring_item{second}.jpg"
    ]


def test_second_delivery_is_v2(studio: Studio) -> None:
    """After a recall the same item is delivered as STEM_v2; the first name is free once its file is moved."""
    item = ready(studio)
    first = studio.deliver(item).outputs[0]
    review.recall(studio.ledger, item, ANNA, reason="halo")
    assert delivery.to_recall(studio.ledger) == [first]
    assert get_item(studio.ledger, item).never_policy
    studio.approve(item)
    assert [output.path for output in studio.deliver(item).outputs] == ["white/RING-1_v2.jpg"]
    delivery.output_recalled(studio.ledger, first.id)
    assert delivery.to_recall(studio.ledger) == []
    other = ready(studio, "x/RING-1.jpg")
    assert [output.path for output in studio.deliver(other).outputs] == ["white/RING-1.jpg"]


def test_name_taken_on_disk(studio: Studio) -> None:
    """A name that something else has on disk is exchanged for the next one, again and again."""
    item = ready(studio)
    output = studio.start_delivery(item).outputs[0]
    names = []
    for _ in range(3):
        output = delivery.rename_output(studio.ledger, output.id)
        names.append(output.path)
    assert names == [f"white/RING-1_item{item}{tail}.jpg" for tail in ("", "_2", "_3")]
    delivery.finish_delivery(studio.ledger, item, 1)
    assert get_item(studio.ledger, item).outputs == (names[-1],)


def test_interrupted_delivery_keeps_its_names(studio: Studio) -> None:
    """A delivery cut short is approved again, and delivered under the names it had."""
    item = ready(studio)
    first = studio.start_delivery(item)
    assert delivery.delivery_interrupted(studio.ledger, item, 1, "crash") is Status.APPROVED
    assert studio.start_delivery(item).outputs == first.outputs


def test_price_rises_while_delivering(studio: Studio) -> None:
    """A price that passes the threshold during delivery takes an undecided item back, with its files."""
    item = studio.add(price=5000)
    studio.process(policy=True)
    studio.start_delivery(item)
    assert set_price(studio.ledger, item, 200_000, "USD") is Status.AWAITING_REVIEW
    with pytest.raises(TransitionRefused):
        delivery.finish_delivery(studio.ledger, item, 1)
    assert [output.path for output in delivery.to_recall(studio.ledger)] == ["white/RING-1.jpg"]


def test_price_rises_after_delivery(studio: Studio) -> None:
    """A price that passes the threshold after delivery is an event; the item stays delivered."""
    item = studio.add(price=5000)
    studio.process(policy=True)
    studio.deliver(item)
    assert set_price(studio.ledger, item, 200_000, "USD") is Status.DELIVERED
    assert history(studio.ledger, item)[-1].what == "price_rose_after_delivery"
    assert get_item(studio.ledger, item).mandatory


def test_threshold_falls_while_approved(studio: Studio) -> None:
    """A lowered threshold takes back what policy approved, and leaves what a person approved."""
    by_policy = studio.add("a.jpg", price=50_000)
    studio.process(policy=True)
    by_person = ready(studio, "b.jpg", price=50_000)
    assert set_thresholds(studio.ledger, {"USD": 40_000}, {}) == [by_policy]
    assert studio.status(by_person) is Status.APPROVED
    assert [event.what for event in history(studio.ledger, by_policy)][-1] == "gate"


def test_failed_delivery(studio: Studio) -> None:
    """Where the outbox cannot be written the item has failed, and what was written is to be recalled."""
    item = ready(studio)
    studio.start_delivery(item)
    delivery.delivery_failed(studio.ledger, item, 1, "The outbox cannot be written.")
    assert get_item(studio.ledger, item).reason == "The outbox cannot be written."
    assert len(delivery.to_recall(studio.ledger)) == 1
    review.retry(studio.ledger, item, ANNA)
    assert (studio.status(item), studio.version(item)) == (Status.RECEIVED, 2)
    assert len(delivery.to_recall(studio.ledger)) == 1


def test_names_fit_a_file_system() -> None:
    """Names are at most 255 bytes, whole characters, and fold together where a file system would."""
    names = output_names("é" * 200, ".jpg", item=37, delivery=2)
    for _ in range(3):
        name = next(names)
        assert len(name.encode()) <= 255 and name.endswith(".jpg")
    assert folded("white/É.JPG") == folded("white/E\u0301.jpg".lower())
