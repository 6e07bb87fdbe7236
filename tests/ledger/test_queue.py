from __future__ import annotations

import os

import pytest

from studiod.errors import TransitionRefused
from studiod.ledger import queue, reading, review
from studiod.ledger.records import (
    Activity,
    DaemonState,
    FileFacts,
    FileState,
    NewItem,
    Origin,
)
from studiod.ledger.states import Status
from tests.looking import made_up

from .conftest import ANNA, STROKES, Studio, sha256


def test_oldest_first(studio: Studio) -> None:
    """Received items are claimed in the order in which they came."""
    ids = [studio.add(f"{n}.jpg", sku=None) for n in range(3)]
    claimed = [queue.claim(studio.ledger, "w1", 60) for _ in range(3)]
    assert [each.item for each in claimed if each] == ids
    assert queue.claim(studio.ledger, "w1", 60) is None


def test_strokes_and_returns_come_first(studio: Studio) -> None:
    """Strokes and returned touch-ups are made before anything that waits for its first time."""
    first, second = studio.add("a.jpg"), studio.add("b.jpg")
    studio.process()
    studio.process()
    studio.add("c.jpg")
    review.flag(studio.ledger, second, 1, ANNA, note="halo")
    studio.bring_back(second)
    review.request_strokes(studio.ledger, first, 1, STROKES, ANNA)
    claimed = [queue.claim(studio.ledger, "w1", 60) for _ in range(3)]
    assert [(each.item, each.version, each.origin, each.strokes) for each in claimed if each] == [
        (second, 2, Origin.RETURN, ()),
        (first, 2, Origin.STROKES, STROKES),
        (3, 1, Origin.CAPTURE, ()),
    ]
    assert [each.returned is not None for each in claimed if each] == [True, False, False]


def test_strokes_given_back_stay_first(studio: Studio) -> None:
    """A version with strokes whose worker died is made again before new captures, with its strokes."""
    item = studio.add("a.jpg")
    studio.process()
    studio.add("b.jpg")
    review.request_strokes(studio.ledger, item, 1, STROKES, ANNA)
    claimed = queue.claim(studio.ledger, "w1", 60)
    assert claimed
    queue.give_back(studio.ledger, claimed, "its worker died", counts_as_try=True)
    again = queue.claim(studio.ledger, "w1", 60)
    assert again and (again.item, again.version, again.strokes) == (item, 2, STROKES)


def test_three_tries(studio: Studio) -> None:
    """At most three tries, then failed with the reason."""
    item = studio.add()
    after = []
    for _ in range(3):
        claimed = queue.claim(studio.ledger, "w1", 60)
        assert claimed
        after.append(queue.give_back(studio.ledger, claimed, "its worker died", counts_as_try=True))
    assert after == [Status.RECEIVED, Status.RECEIVED, Status.FAILED]
    assert reading.get_item(studio.ledger, item).reason == "its worker died (tried 3 times)"


def test_full_disk_is_no_try(studio: Studio) -> None:
    """A full disk gives an item back as often as it takes."""
    studio.add()
    for _ in range(5):
        claimed = queue.claim(studio.ledger, "w1", 60)
        assert claimed and claimed.tries == 0
        assert queue.give_back(studio.ledger, claimed, "disk full", counts_as_try=False) is Status.RECEIVED


def test_lease_expires(studio: Studio) -> None:
    """What a killed worker held is taken up again when its lease ends; its late answer is refused."""
    item = studio.add()
    dead = queue.claim(studio.ledger, "w1", 60)
    assert dead
    studio.clock.now += 59
    assert queue.expire_leases(studio.ledger, ()) == []
    studio.clock.now += 2
    assert queue.expire_leases(studio.ledger, ()) == [(item, Status.RECEIVED)]
    alive = queue.claim(studio.ledger, "w2", 60)
    assert alive and alive.tries == 1
    with pytest.raises(TransitionRefused):
        queue.finish(studio.ledger, dead, made_up(dead))
    assert queue.finish(studio.ledger, alive, made_up(alive)) is Status.AWAITING_REVIEW


def test_a_clock_that_jumps_takes_nothing_out_of_the_hands(studio: Studio) -> None:
    """An hour later of a sudden, only the leases of dead workers have ended: what is in hand stays there."""
    studio.add("a.jpg")
    lost = studio.add("b.jpg")
    alive, dead = queue.claim(studio.ledger, "w1", 60), queue.claim(studio.ledger, "w0", 60)
    assert alive and dead
    studio.clock.now += 3600
    assert queue.expire_leases(studio.ledger, [alive]) == [(lost, Status.RECEIVED)]
    assert queue.finish(studio.ledger, alive, made_up(alive)) is Status.AWAITING_REVIEW


def test_heartbeat_holds_the_lease(studio: Studio) -> None:
    """A heartbeat lengthens the lease; one for an item that was given back says so."""
    studio.add()
    claimed = queue.claim(studio.ledger, "w1", 60)
    assert claimed
    studio.clock.now += 50
    assert queue.heartbeat(studio.ledger, claimed, 60)
    studio.clock.now += 50
    assert queue.expire_leases(studio.ledger, ()) == []
    queue.give_back_all(studio.ledger, "the daemon started anew")
    assert not queue.heartbeat(studio.ledger, claimed, 60)


def test_restart_counts_no_try(studio: Studio) -> None:
    """What an earlier daemon held is received again at once, without a try."""
    item = studio.add()
    queue.claim(studio.ledger, "w1", 60)
    assert queue.give_back_all(studio.ledger, "the daemon started anew") == [item]
    assert (reading.get_item(studio.ledger, item).tries, studio.status(item)) == (0, Status.RECEIVED)


def test_pipeline_error_fails_at_once(studio: Studio) -> None:
    """An exception in the pipeline fails the item at once with its sentence; a person may retry it."""
    item = studio.add()
    claimed = queue.claim(studio.ledger, "w1", 60)
    assert claimed
    queue.fail(studio.ledger, claimed, "No piece could be found.")
    record = reading.get_item(studio.ledger, item)
    assert (record.status, record.reason) == (Status.FAILED, "No piece could be found.")
    review.retry(studio.ledger, item, ANNA)
    again = queue.claim(studio.ledger, "w1", 60)
    assert again and (again.version, again.tries) == (1, 0)


def test_quarantine_and_retry(studio: Studio) -> None:
    """A quarantined item is a quarantined file too; a retry takes both back."""
    item = studio.add("a.jpg")
    claimed = queue.claim(studio.ledger, "w1", 60)
    assert claimed
    queue.quarantine(studio.ledger, claimed, "It is truncated.")
    file = reading.find_file(studio.ledger, "main", "a.jpg")
    assert file and (file.state, file.reason) == (FileState.QUARANTINED, "It is truncated.")
    review.retry(studio.ledger, item, ANNA)
    file = reading.find_file(studio.ledger, "main", "a.jpg")
    assert file and file.state is FileState.ITEM
    assert studio.status(item) is Status.RECEIVED


def test_born_quarantined(studio: Studio) -> None:
    """A file that is no picture becomes an item in quarantine, its hash null where it cannot be read."""
    facts = FileFacts("main", "x.jpg", None, size=0, mtime_ns=1)
    item = queue.add_item(
        studio.ledger, NewItem(facts, sku=None, status=Status.QUARANTINED, reason="It is empty.")
    )
    record = reading.get_item(studio.ledger, item)
    assert (record.status, record.reason, record.source_sha256) == (Status.QUARANTINED, "It is empty.", None)
    assert reading.count_files(studio.ledger)[FileState.QUARANTINED] == 1


def test_retry_of_a_rejected_item_is_a_new_version(studio: Studio) -> None:
    """Versions are never written twice: a retry after a finished version makes the next one."""
    item = studio.add()
    studio.process()
    review.reject(studio.ledger, item, 1, ANNA, note="blurred")
    review.retry(studio.ledger, item, ANNA)
    claimed = queue.claim(studio.ledger, "w1", 60)
    assert claimed and claimed.version == 2


@pytest.mark.parametrize("decided", [False, True])
def test_reshoot(studio: Studio, decided: bool) -> None:
    """A reshoot supersedes an undecided item with its files; beside a decided one it waits as its own."""
    old = studio.add("a.jpg")
    studio.process()
    if decided:
        studio.approve(old)
    new = queue.add_item(
        studio.ledger, NewItem(studio.facts("a.jpg", content="new"), sku="RING-1"), supersedes=[old]
    )
    states = [file.state for file in reading.every_file(studio.ledger)]
    record = reading.get_item(studio.ledger, new)
    if decided:
        assert (studio.status(old), record.replaces) == (Status.APPROVED, None)
        assert states == [FileState.ITEM, FileState.ITEM]
    else:
        assert (studio.status(old), record.replaces) == (Status.SUPERSEDED, old)
        assert states == [FileState.SUPERSEDED, FileState.ITEM]
    current = reading.find_current(studio.ledger, "main", "a.jpg")
    assert current and current.id == new


def test_reshoot_while_it_is_processed(studio: Studio) -> None:
    """What a worker makes of an item superseded meanwhile is refused."""
    old = studio.add("a.jpg")
    claimed = queue.claim(studio.ledger, "w1", 60)
    assert claimed
    queue.add_item(
        studio.ledger, NewItem(studio.facts("a.jpg", content="new"), sku="RING-1"), supersedes=[old]
    )
    with pytest.raises(TransitionRefused):
        queue.finish(studio.ledger, claimed, made_up(claimed))
    assert studio.status(old) is Status.SUPERSEDED


def test_new_picture_takes_a_rejected_one_off_the_list(studio: Studio) -> None:
    """Each new picture of a SKU takes one rejected item of that SKU off the list, the oldest first.

    One in another hot folder, which has presets of its own, takes none.
    """
    angles = [studio.add(f"RING-1_{n}.jpg") for n in (1, 2)]
    other = studio.add("RING-2.jpg", sku="RING-2")
    for item in (*angles, other):
        studio.process()
        review.reject(studio.ledger, item, 1, ANNA)
    queue.add_item(studio.ledger, NewItem(studio.facts("RING-1_3.jpg", hot_folder="other"), sku="RING-1"))
    assert studio.status(angles[0]) is Status.REJECTED
    new = studio.add("RING-1_3.jpg")
    assert [studio.status(item) for item in (*angles, other)] == ["superseded", "rejected", "rejected"]
    assert reading.get_item(studio.ledger, new).replaces == angles[0]


def test_same_file_is_one_row(studio: Studio) -> None:
    """The same path and bytes seen again are one row; an item's source keeps its state."""
    item = studio.add("a.jpg")
    queue.record_file(studio.ledger, studio.facts("a.jpg"), FileState.DUPLICATE, reason="seen again")
    queue.record_file(studio.ledger, studio.facts("b.jpg"), FileState.IGNORED, reason="no picture")
    queue.record_file(
        studio.ledger, studio.facts("b.jpg"), FileState.DUPLICATE, item=item, reason="same bytes"
    )
    listed = [(file.facts.path, file.state, file.item) for file in reading.every_file(studio.ledger)]
    assert listed == [("a.jpg", FileState.ITEM, item), ("b.jpg", FileState.DUPLICATE, item)]


def test_old_bytes_come_back(studio: Studio) -> None:
    """When the first bytes return to a path after a reshoot, they are a new item on the row they had."""
    first = studio.add("a.jpg", content="one")
    second = queue.add_item(
        studio.ledger, NewItem(studio.facts("a.jpg", content="two"), sku="RING-1"), supersedes=[first]
    )
    studio.clock.now += 1
    third = queue.add_item(
        studio.ledger, NewItem(studio.facts("a.jpg", content="one"), sku="RING-1"), supersedes=[second]
    )
    file = reading.find_file(studio.ledger, "main", "a.jpg")
    assert file and (file.item, file.state, file.facts.sha256) == (third, FileState.ITEM, sha256("one"))
    assert len(list(reading.every_file(studio.ledger))) == 2


def test_half_is_attached(studio: Studio) -> None:
    """A pair's other half belongs to its item, and the history says so."""
    item = studio.add("a.jpg")
    queue.attach_half(studio.ledger, item, studio.facts("a.nef"))
    assert reading.get_item(studio.ledger, item).files == ("a.jpg", "a.nef")
    assert [event.what for event in reading.history(studio.ledger, item)] == ["added", "half_attached"]


def test_moved_source(studio: Studio) -> None:
    """An original that was moved is the same item and the same file at its new path."""
    item = studio.add("a.jpg")
    queue.move_source(studio.ledger, item, studio.facts("sub/a.jpg", content="a.jpg"))
    assert reading.get_item(studio.ledger, item).files == ("sub/a.jpg",)
    assert reading.find_file(studio.ledger, "main", "a.jpg") is None


def test_paths_are_bytes(studio: Studio) -> None:
    """Names that are not UTF-8, and SKUs made from them, go in and come out as they are."""
    path = os.fsdecode(b"sub/\xff\n\x1b[31m$(rm).jpg")
    item = studio.add(path, sku=os.fsdecode(b"\xff"))
    record = reading.get_item(studio.ledger, item)
    assert (record.path, record.sku) == (path, "\\udcff")
    current = reading.find_current(studio.ledger, "main", path)
    assert current and current.id == item
    assert [file.facts.path for file in reading.every_file(studio.ledger)] == [path]


def test_plate_of_a_folder(studio: Studio) -> None:
    """The plate of a capture is the newest in its own folder that was taken before it."""
    for seconds, path in ((100, "s/plate1.jpg"), (200, "s/plate2.jpg"), (150, "plate.jpg")):
        facts = FileFacts("main", path, sha256(path), size=1, mtime_ns=seconds * 10**9)
        queue.record_file(studio.ledger, facts, FileState.PLATE)
    found = [
        reading.find_plate(studio.ledger, "main", folder, before)
        for folder, before in (("s", 250), ("s", 199), ("s", 99), ("", None), ("t", None))
    ]
    assert [plate and plate.facts.path for plate in found] == [
        "s/plate2.jpg",
        "s/plate1.jpg",
        None,
        "plate.jpg",
        None,
    ]


def test_daemon_beats(studio: Studio) -> None:
    """The heartbeat is one row, stamped by the ledger's clock."""
    assert reading.daemon_state(studio.ledger) is None
    for activity in (Activity.STARTING, Activity.PAUSED):
        queue.beat(studio.ledger, DaemonState(pid=7, activity=activity, message="disk full"))
    state = reading.daemon_state(studio.ledger)
    assert state and (state.activity, state.beat_at) == (Activity.PAUSED, studio.clock.now)
