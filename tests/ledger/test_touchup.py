from __future__ import annotations

import pytest

from studiod.errors import StudioError, TransitionRefused
from studiod.ledger import queue, review, touchup
from studiod.ledger.reading import every_file, get_item, history
from studiod.ledger.records import FileState
from studiod.ledger.states import Status
from studiod.strokes import Stroke
from tests.looking import made_up

from .conftest import ANNA, BEN, STROKES, Studio

MORE = (*STROKES, Stroke(((5.0, 5.0),), 2.0, "remove"))


def flagged_item(studio: Studio) -> int:
    """An item that waits for a retoucher."""
    item = studio.add()
    studio.process()
    review.flag(studio.ledger, item, 1, ANNA, note="link lost", box=(1, 2, 3, 4))
    return item


def test_strokes_are_the_whole_layer(studio: Studio) -> None:
    """A stroke request holds the whole layer: the version has just these strokes, the next may have more."""
    item = studio.add()
    studio.process()
    assert touchup.strokes_of(studio.ledger, item) == ()
    review.request_strokes(studio.ledger, item, 1, STROKES, ANNA)
    studio.process()
    assert touchup.strokes_of(studio.ledger, item) == STROKES
    review.request_strokes(studio.ledger, item, 2, MORE, BEN)
    studio.process()
    assert touchup.strokes_of(studio.ledger, item) == MORE
    review.request_strokes(studio.ledger, item, 3, (), BEN)
    studio.process()
    assert (touchup.strokes_of(studio.ledger, item), get_item(studio.ledger, item).version) == ((), 4)
    with pytest.raises(StudioError, match="no strokes to take back"):
        review.request_strokes(studio.ledger, item, 4, (), BEN)


@pytest.mark.parametrize(
    "stroke",
    [
        Stroke((), 4.0, "keep"),
        Stroke(((1.0, float("nan")),), 4.0, "keep"),
        Stroke(((1.0, 1.0),), 0.1, "keep"),
        Stroke(((1.0, 1.0),), float("inf"), "keep"),
        Stroke(((1.0, 1.0),), 4.0, "burn"),  # type: ignore[arg-type]
        Stroke(((1.0, 1.0),) * 200_001, 4.0, "keep"),
    ],
)
def test_impossible_strokes(studio: Studio, stroke: Stroke) -> None:
    """A stroke that the matte could not obey never gets into the ledger."""
    item = studio.add()
    studio.process()
    with pytest.raises(StudioError):
        review.request_strokes(studio.ledger, item, 1, [stroke], ANNA)
    assert studio.status(item) is Status.AWAITING_REVIEW
    assert queue.claim(studio.ledger, "w1", 60) is None


def test_sent_once(studio: Studio) -> None:
    """A flagged version is sent once; flagged anew, with another note, it is sent anew."""
    item = flagged_item(studio)
    assert [each.id for each in touchup.to_send(studio.ledger)] == [item]
    sent = studio.send(item)
    assert (sent.item, sent.version, sent.box) == (item, 1, (0, 0, 40, 30))
    assert touchup.to_send(studio.ledger) == []
    review.undo(studio.ledger, item, ANNA)
    assert touchup.to_send(studio.ledger) == []
    studio.clock.now += 60
    review.flag(studio.ledger, item, 1, BEN, note="and a halo")
    assert [each.id for each in touchup.to_send(studio.ledger)] == [item]
    studio.record_sent(item, 1, "elsewhere")
    again = touchup.find_touchup(studio.ledger, item, 1)
    assert again is not None and (again.id, again.folder) == (sent.id, "elsewhere")
    assert touchup.to_send(studio.ledger) == []


def test_sent_once_whatever_else_is_flagged(studio: Studio) -> None:
    """What lies with the retoucher is not sent again because another piece is flagged later."""
    first = flagged_item(studio)
    studio.send(first)
    studio.clock.now += 60
    second = flagged_item(studio)
    assert second != first
    assert [each.id for each in touchup.to_send(studio.ledger)] == [second]


@pytest.mark.parametrize("seconds", [60.0, -3600.0])
def test_flagged_anew_is_sent_anew(studio: Studio, seconds: float) -> None:
    """A flag that was taken back and set again is sent again, alone, also by a clock that was set back."""
    first, again, other = flagged_item(studio), flagged_item(studio), flagged_item(studio)
    for item in (first, again, other):
        studio.send(item)
    studio.clock.now += seconds
    review.undo(studio.ledger, again, ANNA)
    review.flag(studio.ledger, again, 1, ANNA, note="the other prong")
    assert [each.id for each in touchup.to_send(studio.ledger)] == [again]
    studio.send(again)
    assert touchup.to_send(studio.ledger) == []


def test_sent_once_by_a_clock_that_was_set_back(studio: Studio) -> None:
    """What was flagged later than it is now is sent once, too."""
    item = flagged_item(studio)
    studio.clock.now -= 3600
    studio.send(item)
    assert touchup.to_send(studio.ledger) == []


def test_second_return(studio: Studio) -> None:
    """A second return is a version of its own, made from its own file."""
    item = flagged_item(studio)
    sent = studio.send(item)
    for number, content in enumerate(("first", "second"), 2):
        assert studio.bring_back(item, content)
        claimed = queue.claim(studio.ledger, "w1", 60)
        assert claimed is not None and claimed.returned is not None
        assert (claimed.version, claimed.origin, claimed.returned.touchup) == (number, "return", sent)
        queue.finish(studio.ledger, claimed, made_up(claimed))
    paths = [each.facts.kept_copy for each in every_file(studio.ledger, FileState.RETURNED)]
    assert len(set(paths)) == 2 and claimed.returned.path == paths[1]
    assert get_item(studio.ledger, item).files == ("RING-1.jpg",)


def test_strokes_lie_over_a_return(studio: Studio) -> None:
    """Strokes on a version that came back lie over the returned file; a later return knows no strokes."""
    item = flagged_item(studio)
    studio.bring_back(item)
    studio.process()
    review.request_strokes(studio.ledger, item, 2, STROKES, ANNA)
    claimed = queue.claim(studio.ledger, "w1", 60)
    assert claimed is not None and claimed.returned is not None
    assert (claimed.origin, claimed.strokes) == ("strokes", STROKES)
    queue.finish(studio.ledger, claimed, made_up(claimed))
    studio.bring_back(item, "later")
    later = queue.claim(studio.ledger, "w1", 60)
    assert later is not None and later.returned is not None
    assert later.strokes == () and later.returned.path != claimed.returned.path


def test_return_waits_while_the_item_is_made(studio: Studio) -> None:
    """A file that comes back while its item is being made is taken once that is done."""
    item = flagged_item(studio)
    studio.bring_back(item)
    claimed = queue.claim(studio.ledger, "w1", 60)
    assert claimed is not None
    assert not studio.bring_back(item, "second")
    queue.finish(studio.ledger, claimed, made_up(claimed))
    assert studio.bring_back(item, "second")


@pytest.mark.parametrize("status", [Status.DELIVERED, Status.SUPERSEDED, Status.REJECTED])
def test_late_return(studio: Studio, status: Status) -> None:
    """A file that comes back for an item that is delivered, shot again or rejected changes nothing."""
    item = flagged_item(studio)
    studio.send(item)
    if status is Status.SUPERSEDED:
        queue.supersede(studio.ledger, item, "a reshoot")
    else:
        review.undo(studio.ledger, item, ANNA)
    if status is Status.DELIVERED:
        studio.approve(item)
        studio.deliver(item)
    elif status is Status.REJECTED:
        review.reject(studio.ledger, item, 1, ANNA)
    with pytest.raises(TransitionRefused, match=status) as refused:
        studio.bring_back(item)
    helps = f"studiod recall {item}" if status is Status.DELIVERED else f"studiod show {item}"
    assert helps in refused.value.hint
    assert (studio.status(item), [*every_file(studio.ledger, FileState.RETURNED)]) == (status, [])
    if status is Status.DELIVERED:
        review.recall(studio.ledger, item, ANNA)
        assert studio.bring_back(item)


def test_set_aside(studio: Studio) -> None:
    """What cannot be taken is on the list of files, with its reason, and in the item's history."""
    item = flagged_item(studio)
    facts = studio.facts("RING-1.psd", hot_folder=touchup.RETURNS)
    touchup.set_aside(studio.ledger, facts, "It has no merged image.", item)
    (file,) = every_file(studio.ledger, FileState.SET_ASIDE)
    assert (file.facts.hot_folder, file.facts.path, file.reason) == (
        "touchup/return", "RING-1.psd", "It has no merged image.",
    )  # fmt: skip
    assert history(studio.ledger, item)[-1].what == "return_set_aside"
    assert not touchup.was_returned(studio.ledger, facts.sha256 or "")
    studio.bring_back(item, "RING-1.psd")
    assert touchup.was_returned(studio.ledger, facts.sha256 or "")
    assert [*every_file(studio.ledger, FileState.SET_ASIDE)] == []
