"""The rules of the intake, on real folders and a real ledger."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from studiod.errors import LedgerError
from studiod.intake.ingest import InspectRequest, Intake, WorkerDied
from studiod.intake.inspect import Inspection
from studiod.ledger import queue, review
from studiod.ledger.engine import open_ledger
from studiod.ledger.reading import find_plate, history
from studiod.ledger.records import FileState
from studiod.ledger.states import Status
from studiod.settings import GIGABYTE, MARKER, load_settings

from .conftest import ANNA, Night, look
from .hostile import jpeg


def add_folder(night: Night, name: str) -> Path:
    """A second hot folder, below the studio under its name."""
    folder = night.root / name
    folder.mkdir()
    (folder / MARKER).touch()
    night.extra = f'[[hot_folder]]\nname = "{name}"\npath = "{name}"\nwatch = "poll"\n'
    return folder


# Taking up.


def test_a_mistake_of_ours_about_one_file_costs_that_file_alone(
    night: Night, caplog: pytest.LogCaptureFixture
) -> None:
    """What the ledger cannot record is quarantined with a reason, its traceback logged; all else goes on."""

    def look_and_err(request: InspectRequest) -> Inspection:
        found = look(request)
        assert isinstance(found, Inspection)
        return replace(found, kind="\udcff") if request.path == "odd.jpg" else found

    night.look = look_and_err
    night.put("a.jpg", 1)
    night.put("odd.jpg", 2)
    night.put("z.jpg", 3)
    night.run()
    states = night.files()
    assert {path: state for path, (state, _) in states.items()} == {
        "a.jpg": "item",
        "odd.jpg": "quarantined",
        "z.jpg": "item",
    }
    odd = night.item(states["odd.jpg"][1] or 0)
    assert odd.status is Status.QUARANTINED and "mistake" in odd.reason and "UnicodeEncodeError" in odd.reason
    assert any(record.levelname == "ERROR" and record.exc_info for record in caplog.records)
    night.look = None
    night.start()
    night.run()
    assert night.files()["odd.jpg"][0] == "item"  # a newer studiod, at its start, makes no such mistake


def test_an_inspection_that_cannot_be_taken_over_costs_its_file_alone(night: Night) -> None:
    """The daemon has such a file set aside, and nothing waits for it any more."""
    night.put("odd.jpg")
    intake = night.start()
    while not (requests := night.step()):
        pass
    intake.set_aside(requests[0], KeyError("size"))
    assert night.files()["odd.jpg"][0] == "quarantined"
    night.run(60.0)


def test_a_picture_becomes_an_item_with_its_price(night: Night) -> None:
    """SKU, price and title come from the catalogue; a title's word makes it always reviewed."""
    night.put("DEAR_1.jpg")
    night.run()
    (item,) = night.items()
    assert (item.sku, item.price_minor, item.currency, item.title) == (
        "DEAR",
        500_000,
        "USD",
        "Moissanite ring",
    )
    assert item.always_review and item.status is Status.RECEIVED and item.source_sha256
    assert night.files() == {"DEAR_1.jpg": ("item", item.id)}


def test_what_was_taken_is_told_once_for_its_copy(night: Night) -> None:
    """The daemon hears of every new item's original, and hears it once; anew where it was moved meanwhile."""
    night.put("RING_1.jpg")
    night.put("broken.jpg", b"no picture")
    night.run()
    assert night.intake is not None
    (taken,) = night.intake.taken()
    assert taken.source == night.hot / "RING_1.jpg" and night.item(taken.item).source_sha256 == taken.sha256
    assert night.intake.taken() == []
    (night.hot / "RING_1.jpg").rename(night.hot / "RING_2.jpg")
    night.run()
    (moved,) = night.intake.taken()
    assert (moved.item, moved.source) == (taken.item, night.hot / "RING_2.jpg")


def test_a_restart_takes_nothing_up_twice_and_reads_nothing_again(night: Night) -> None:
    """Over a full folder, what has not changed is known by its looks."""
    for number in range(5):
        night.put(f"sub/IMG_{number}.jpg", number)
    night.put("notes.txt", b"x")
    night.put("broken.jpg", b"no picture")
    night.put("plate.jpg", 77)
    before = night.run().rows()
    night.asked.clear()
    night.start()
    night.run()
    assert night.asked == [] and night.rows() == before


def test_a_touched_file_is_the_same_file(night: Night) -> None:
    """A new time on old bytes costs a look, and changes nothing."""
    path = night.put("RING_1.jpg")
    night.put("broken.jpg", b"no picture")
    night.run()
    before = (night.statuses(), night.files())
    os.utime(path)
    os.utime(night.hot / "broken.jpg", (1, 1))
    night.run()
    assert (night.statuses(), night.files()) == before
    assert len(night.rows()) == 2 and night.asked.count("RING_1.jpg") == 2


def test_a_slow_copy_is_left_alone_until_it_is_whole(night: Night) -> None:
    """While a file grows it is not even opened; whole, it is taken up once."""
    whole = jpeg(3)
    path = night.put("RING_1.jpg", b"")
    for end in range(0, len(whole), len(whole) // 8):
        path.write_bytes(whole[:end])
        for _ in range(8):
            night.step()
    assert night.asked == []
    night.put("RING_1.jpg", whole)
    night.run()
    assert night.asked == ["RING_1.jpg"] and len(night.items()) == 1


def test_a_copy_that_pauses_is_waited_for(night: Night) -> None:
    """A picture that breaks off and is young may still be growing: it is not quarantined at once."""
    whole = jpeg(3)
    night.put("RING_1.jpg", whole[: len(whole) // 2], age=0)
    for _ in range(40):
        for request in night.step():
            night.answer(request)
    assert night.asked == ["RING_1.jpg"] and night.items() == []
    night.put("RING_1.jpg", whole, age=0)
    night.run()
    assert night.files() == {"RING_1.jpg": ("item", 1)}


def test_what_stays_cut_off_is_quarantined(night: Night) -> None:
    """After its time has passed, a truncated picture is no picture; a clock in the future changes nothing."""
    for name, age in (("young.jpg", 0.0), ("old.jpg", 60.0), ("future.jpg", -86_400.0)):
        night.put(name, jpeg(len(name))[:-300], age=age)
    night.put("empty.jpg", b"", age=0)
    night.put("empty too.png", b"", age=0)
    night.run()
    assert {state for state, _ in night.files().values()} == {"quarantined"}
    assert len(night.items()) == 5 and all(item.reason for item in night.items())


def test_a_file_that_changes_while_it_is_looked_at_settles_again(night: Night) -> None:
    """What was seen of the older bytes does not count."""
    night.put("RING_1.jpg", 1)
    while not (requests := night.step()):
        pass
    answer = look(requests[0])
    night.put("RING_1.jpg", 2)
    assert night.intake is not None
    night.intake.inspected(requests[0], answer)
    assert night.items() == []
    night.run()
    assert len(night.items()) == 1 and night.items()[0].source_sha256 != answer.sha256


def test_a_file_that_vanishes_while_it_is_looked_at_is_nothing(night: Night) -> None:
    """No row is written for what is not there."""
    night.put("RING_1.jpg")
    while not (requests := night.step()):
        pass
    (night.hot / "RING_1.jpg").unlink()
    night.answer(requests[0])
    night.run()
    assert night.rows() == []


def test_a_file_that_kills_its_worker_becomes_an_item(night: Night) -> None:
    """Its bytes are known all the same; the tries of its processing decide about it."""
    night.look = lambda request: WorkerDied("segmentation fault")
    night.put("RING_1.jpg")
    night.run()
    (item,) = night.items()
    assert item.status is Status.RECEIVED and item.source_sha256


def test_ignored_files_are_recorded_or_not_even_that(night: Night) -> None:
    """A file that is no picture by name is on record as ignored; litter is not; neither is ever opened."""
    for name in (
        "notes.txt",
        "IMG_1.xmp",
        "._IMG_1.jpg",
        "@eaDir/IMG_1.jpg",
        "CaptureOne/x.jpg",
        "a.jpg.part",
    ):
        night.put(name)
    night.run()
    assert night.files() == {"notes.txt": ("ignored", None)} and night.asked == []


# Quarantine.


def test_a_quarantined_file_that_comes_back_whole_is_a_new_item(night: Night) -> None:
    """New bytes under its path supersede the quarantined item, with and without a SKU."""
    for name in ("RING_1.jpg", "IMG_1.jpg"):
        night.put(name, b"not yet")
    night.run()
    night.put("RING_1.jpg", 1)
    night.put("IMG_1.jpg", 2)
    night.run()
    assert sorted(night.statuses().values()) == ["received", "received", "superseded", "superseded"]
    assert sorted(row.state.value for row in night.rows()) == ["item", "item", "superseded", "superseded"]


def test_a_quarantined_file_that_is_spoilt_otherwise_stands_once(night: Night) -> None:
    """Other bad bytes take the place of the first bad bytes."""
    night.put("RING_1.jpg", b"bad")
    night.run()
    night.put("RING_1.jpg", b"bad in another way")
    night.run()
    assert list(night.statuses().values()) == ["superseded", "quarantined"]


def test_a_quarantine_is_said_once(night: Night) -> None:
    """The log names a file that is quarantined, and why; as long as it stays the same it says no more."""
    night.put("day/RING_1.jpg", b"bad")
    night.put("plate.jpg", b"bad")
    night.run()
    said = [line for line in night.said if "quarantined" in line]
    assert len(said) == 2 and all("is not a picture" in line for line in said)
    assert any(line.startswith("main: day/RING_1.jpg is quarantined: ") for line in said)
    os.utime(night.hot / "plate.jpg")
    night.start()
    night.run()
    assert [line for line in night.said if "quarantined" in line] == said


def test_pipes_sockets_and_links_out_are_quarantined_unopened(night: Night) -> None:
    """What has a picture's name and is no file is an item of the quarantine, without a hash."""
    os.mkfifo(night.hot / "pipe.jpg")
    (night.root / "secret.jpg").write_bytes(jpeg(1))
    (night.hot / "out.jpg").symlink_to(night.root / "secret.jpg")
    (night.hot / "dead.jpg").symlink_to("nowhere.jpg")
    (night.hot / "pipe").symlink_to("pipe.jpg")
    night.run()
    assert night.asked == []
    assert {path: state for path, (state, _) in night.files().items()} == {
        "pipe.jpg": "quarantined", "out.jpg": "quarantined", "dead.jpg": "quarantined",
    }  # fmt: skip
    assert all(item.source_sha256 is None for item in night.items())
    assert {item.path: item.reason for item in night.items()}["pipe.jpg"] == "pipe.jpg is a pipe, not a file."


def test_a_pipe_that_becomes_a_picture_is_taken_up(night: Night) -> None:
    """The quarantined one is superseded, although it never had a hash."""
    os.mkfifo(night.hot / "RING_1.jpg")
    night.run()
    (night.hot / "RING_1.jpg").unlink()
    night.put("RING_1.jpg", 1)
    night.run()
    assert list(night.statuses().values()) == ["superseded", "received"]


def test_an_unreadable_file_is_quarantined_until_it_can_be_read(night: Night) -> None:
    """Its rights mended, it is looked at once more although its time and size are the same."""
    path = night.put("RING_1.jpg", 1)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    night.run()
    assert list(night.statuses().values()) == ["quarantined"]
    path.chmod(0o600)
    night.run()
    assert list(night.statuses().values()) == ["superseded", "received"]


def test_links_inside_the_folder_are_files_and_loops_are_safe(night: Night) -> None:
    """A link to a picture is that picture once more: a duplicate; folders are walked once."""
    night.put("a/RING_1.jpg", 1)
    (night.hot / "RING_2.jpg").symlink_to("a/RING_1.jpg")
    (night.hot / "again").symlink_to("a")
    (night.hot / "a" / "loop").symlink_to("..")
    night.run()
    assert sorted(state for state, _ in night.files().values()) == ["duplicate", "item"]


# Duplicates, reshoots, moves.


def test_the_same_bytes_are_processed_once(night: Night) -> None:
    """Same bytes, same SKU, same hot folder: a duplicate, whether both come at once or later."""
    night.put("RING_1.jpg", 1)
    night.put("copy/RING_1.jpg", 1)
    night.run()
    night.put("RING_copy.jpg", 1)
    night.run()
    assert len(night.items()) == 1
    assert sorted(state for state, _ in night.files().values()) == ["duplicate", "duplicate", "item"]
    assert {item for _, item in night.files().values()} == {1}


def test_the_same_bytes_under_another_sku_are_another_item(night: Night) -> None:
    """Two pieces photographed as one are two items."""
    night.put("RING_1.jpg", 1)
    night.put("DEAR_1.jpg", 1)
    night.put("IMG_1.jpg", 1)
    night.run()
    assert sorted(str(item.sku) for item in night.items()) == ["DEAR", "None", "RING"]
    assert {state for state, _ in night.files().values()} == {"item"}


def test_the_same_bytes_in_another_hot_folder_are_another_item(night: Night) -> None:
    """Each hot folder has presets of its own."""
    other = add_folder(night, "other")
    shutil.copy(night.put("RING_1.jpg", 1), other / "RING_1.jpg")
    night.run()
    assert sorted(item.hot_folder for item in night.items()) == ["main", "other"]


def test_angles_are_items_of_their_own(night: Night) -> None:
    """Other bytes with the same SKU under another name stand beside the first."""
    night.put("RING_1.jpg", 1)
    night.put("RING_2.jpg", 2)
    night.run()
    assert list(night.statuses().values()) == ["received", "received"]


def test_a_reshoot_supersedes_what_is_not_decided(night: Night) -> None:
    """New bytes under the path of a known SKU take the place of the waiting picture."""
    night.put("RING_1.jpg", 1)
    night.run()
    night.make()
    night.put("RING_1.jpg", 2)
    night.run()
    assert night.statuses() == {1: "superseded", 2: "received"}
    assert night.item(2).replaces == 1
    assert sorted(row.state.value for row in night.rows()) == ["item", "superseded"]


def test_a_reshoot_beside_a_decided_picture_waits_for_a_person(night: Night) -> None:
    """What was approved stays; the new picture is an item of its own that policy may not approve."""
    night.put("RING_1.jpg", 1)
    night.run()
    night.approve(night.make())
    night.put("RING_1.jpg", 2)
    night.run()
    assert night.statuses() == {1: "approved", 2: "received"} and night.item(2).never_policy
    assert night.make(policy=True) == 2
    assert night.is_status(2, Status.AWAITING_REVIEW)


def test_new_bytes_without_a_sku_are_another_picture(night: Night) -> None:
    """A camera counter that starts again at IMG_0001 takes nothing from the first picture of that name."""
    night.put("IMG_0001.jpg", 1)
    night.run()
    night.put("IMG_0001.jpg", 2)
    night.run()
    assert night.statuses() == {1: "received", 2: "received"}


def test_bytes_that_return_to_a_superseded_path_are_a_reshoot_too(night: Night) -> None:
    """The photographer puts the first picture back: it counts again."""
    for seed in (1, 2, 1):
        night.put("RING_1.jpg", seed)
        night.run()
    assert night.statuses() == {1: "superseded", 2: "superseded", 3: "received"}
    assert night.files() == {"RING_1.jpg": ("item", 3)}


def test_a_picture_that_was_replaced_and_is_put_beside_is_no_copy(night: Night) -> None:
    """Nothing is made of the replaced one: under another name of its SKU its bytes are a picture again."""
    night.put("RING_1.jpg", 1)
    night.run()
    night.put("RING_1.jpg", 2)
    night.run()
    night.put("RING_2.jpg", 1)
    night.run()
    assert night.statuses() == {1: "superseded", 2: "received", 3: "received"}
    assert night.files() == {"RING_1.jpg": ("item", 2), "RING_2.jpg": ("item", 3)}


def test_a_rejected_picture_that_is_put_away_is_no_new_one(night: Night) -> None:
    """Its piece was shot again, and the rejected file moved into a folder: it stays what it was."""
    night.put("RING_1.jpg", 1)
    night.run()
    night.reject(night.make())
    night.put("RING_2.jpg", 2)
    night.run()
    (night.hot / "bad").mkdir()
    (night.hot / "RING_1.jpg").rename(night.hot / "bad" / "RING_1.jpg")
    night.run()
    assert night.statuses() == {1: "superseded", 2: "received"}


def test_a_replaced_picture_that_comes_back_counts_when_the_other_has_moved_on(night: Night) -> None:
    """Nobody takes it for the one that lay there first, although it looks the same to a folder's listing."""
    first = night.put("RING_1.jpg", 1)
    night.run()
    first.rename(night.root / "aside")
    night.put("RING_1.jpg", 2)
    night.run()
    first.rename(night.hot / "RING_2.jpg")
    night.run()
    (night.root / "aside").rename(first)
    night.run()
    assert night.statuses() == {1: "superseded", 2: "received", 3: "received"}
    assert night.files() == {"RING_1.jpg": ("item", 3), "RING_2.jpg": ("item", 2)}


def test_a_new_picture_takes_a_rejected_one_of_its_sku_off_the_list(night: Night) -> None:
    """Whatever its name: the piece has been shot again; policy does not approve it."""
    night.put("RING_1.jpg", 1)
    night.run()
    night.reject(night.make())
    night.put("other name/RING-again.jpg", 2)
    night.run()
    assert night.statuses() == {1: "superseded", 2: "received"}
    assert night.item(2).never_policy


@pytest.mark.parametrize("decided", [False, True])
def test_a_reshoot_of_one_angle_leaves_another_on_the_list(night: Night, decided: bool) -> None:
    """A new picture takes the place of the one whose name it has, or stands beside it; never of another."""
    night.put("RING_1.jpg", 1)
    night.put("RING_2.jpg", 2)
    night.run()
    night.make()
    night.reject(night.make())
    if decided:
        night.approve(1)
    night.put("RING_1.jpg", 3)
    night.run()
    assert night.statuses() == {1: "approved" if decided else "superseded", 2: "rejected", 3: "received"}
    assert night.item(3).replaces == (None if decided else 1)


@pytest.mark.parametrize("renamed", [False, True])
def test_what_took_its_time_to_be_a_picture_takes_a_rejected_one_off_the_list(
    night: Night, renamed: bool
) -> None:
    """Neither a file that was broken at first nor one that had no SKU yet was a new picture before."""
    night.put("RING_1.jpg", 1)
    night.run()
    night.reject(night.make())
    before = night.put("IMG_7.jpg" if renamed else "RING_2.jpg", 2 if renamed else b"no")
    night.run()
    assert night.is_status(1, Status.REJECTED)
    if renamed:
        before.rename(night.hot / "RING_2.jpg")
    else:
        night.put("RING_2.jpg", 2)
    night.run()
    assert night.statuses() == {1: "superseded", 2: "superseded", 3: "received"}


def test_a_copy_of_a_rejected_picture_is_no_new_picture(night: Night) -> None:
    """The same bytes do not take it off the list."""
    night.put("RING_1.jpg", 1)
    night.run()
    night.reject(night.make())
    night.put("RING_2.jpg", 1)
    night.run()
    assert night.statuses() == {1: "rejected"} and night.files()["RING_2.jpg"] == ("duplicate", 1)


@pytest.mark.parametrize("moved", [True, False])
def test_one_picture_of_two_pieces(night: Night, moved: bool) -> None:
    """Moved or copied, a picture is still its own piece's where another of the same bytes left long ago."""
    mine = night.put("RING_1.jpg", 1)
    night.run()
    theirs = night.put("DEAR_1.jpg", 1)
    night.run()
    night.make(), night.make()
    night.approve(2)
    theirs.unlink()
    night.run()
    (night.hot / "culled").mkdir()
    there = night.hot / "culled" / "RING_1.jpg"
    _ = mine.rename(there) if moved else shutil.copy2(mine, there)
    night.run()
    assert night.statuses() == {1: "awaiting_review", 2: "approved"}
    assert night.files()["culled/RING_1.jpg"] == ("item" if moved else "duplicate", 1)
    assert [item.path for item in night.items()] == [
        "culled/RING_1.jpg" if moved else mine.name,
        "DEAR_1.jpg",
    ]


def test_a_moved_original_is_found_again(night: Night) -> None:
    """Culled into another folder, an original is still its item's source, not a duplicate."""
    night.put("RING_1.jpg", 1)
    night.put("IMG_2.jpg", 2)
    night.put("broken.jpg", b"no")
    night.put("plate.jpg", 3)
    night.run()
    before = night.statuses()
    (night.hot / "keep").mkdir()
    for name in ("RING_1.jpg", "IMG_2.jpg", "broken.jpg", "plate.jpg"):
        (night.hot / name).rename(night.hot / "keep" / name)
    night.run()
    assert night.statuses() == before
    assert {path: state for path, (state, _) in night.files().items()} == {
        "keep/RING_1.jpg": "item", "keep/IMG_2.jpg": "item", "keep/broken.jpg": "quarantined",
        "keep/plate.jpg": "plate",
    }  # fmt: skip
    assert {item.path for item in night.items()} == {"keep/RING_1.jpg", "keep/IMG_2.jpg", "keep/broken.jpg"}
    assert find_plate(night.ledger, "main", "") is None
    assert find_plate(night.ledger, "main", "keep") is not None


def test_a_moved_original_whose_old_name_is_taken_is_found_too(night: Night) -> None:
    """Moved aside, and another picture put in its place in the same minute."""
    night.put("IMG_1.jpg", 1)
    night.run()
    (night.hot / "IMG_1.jpg").rename(night.hot / "aside.jpg")
    night.put("IMG_1.jpg", 2)
    night.run()
    assert night.item(1).path == "aside.jpg" and night.item(2).path == "IMG_1.jpg"
    assert night.files() == {"aside.jpg": ("item", 1), "IMG_1.jpg": ("item", 2)}


def test_moved_together_pieces_of_the_same_bytes_stay_who_they_are(night: Night) -> None:
    """Two pieces photographed as one, sorted into a folder: each item follows the file of its own name."""
    for name in ("RING_1.jpg", "DEAR_1.jpg"):
        night.put(name, 1)
    night.run()
    before = {item.id: item.sku for item in night.items()}
    (night.hot / "keep").mkdir()
    for name in ("RING_1.jpg", "DEAR_1.jpg"):
        (night.hot / name).rename(night.hot / "keep" / name)
    night.run()
    assert {item.id: item.sku for item in night.items()} == before
    assert set(night.statuses().values()) == {"received"}
    assert {item.sku: item.path for item in night.items()} == {
        "RING": "keep/RING_1.jpg", "DEAR": "keep/DEAR_1.jpg",
    }  # fmt: skip


def test_renamed_to_a_sku_a_picture_is_taken_up_anew(night: Night) -> None:
    """Its new name says which piece it is: the nameless item gives way to one with a price."""
    night.put("IMG_1.jpg", 1)
    night.run()
    (night.hot / "IMG_1.jpg").rename(night.hot / "RING_1.jpg")
    night.run()
    assert night.statuses() == {1: "superseded", 2: "received"} and night.item(2).sku == "RING"


@pytest.mark.parametrize("approved", [False, True])
def test_renamed_to_another_piece_a_picture_leaves_as_neither_without_a_person(
    night: Night, approved: bool
) -> None:
    """What was approved under the first name and has not left yet is called back, with two at once too."""
    night.put("RING_1.jpg", 1)
    night.put("DEAR_1.jpg", 2)
    night.run()
    while (made := night.make(policy=True)) != 2:
        pass
    ring, dear = night.hot / "RING_1.jpg", night.hot / "DEAR_1.jpg"
    by_sku = {item.sku: item for item in night.items()}
    assert made and by_sku["RING"].status is Status.APPROVED
    if approved:
        night.approve(by_sku["DEAR"].id)
    ring.rename(night.root / "aside")
    dear.rename(ring)
    (night.root / "aside").rename(dear)
    night.run()
    assert night.statuses() == {1: "superseded", 2: "superseded", 3: "received", 4: "received"}
    assert any(event.what == "called_back" for event in history(night.ledger, by_sku["RING"].id))
    night.make(policy=True), night.make(policy=True)
    assert {night.statuses()[new] for new in (3, 4)} == {"awaiting_review"}


@pytest.mark.parametrize("unknown_between", [False, True])
def test_a_lowered_price_and_a_reshoot_take_no_piece_past_a_person(
    night: Night, unknown_between: bool
) -> None:
    """The new picture of a piece that was over the threshold is no policy's, whatever it costs by now."""
    night.put("DEAR_1.jpg", 1)
    night.run()
    (night.root / "prices.csv").write_text(f"sku,price\nDEAR,{'' if unknown_between else '5.00'}\n")
    night.run()
    night.put("DEAR_1.jpg", 2)
    night.run()
    (night.root / "prices.csv").write_text("sku,price\nDEAR,5.00\n")
    night.run()
    assert night.statuses() == {1: "superseded", 2: "received"} and not night.item(2).mandatory
    night.make(policy=True)
    assert night.is_status(2, Status.AWAITING_REVIEW)


def test_two_names_that_are_swapped_wait_for_nothing_where_neither_can_be_read(night: Night) -> None:
    """Both are quarantined; the intake comes to rest, and their items stay."""
    one, two = night.put("RING_1.jpg", 1), night.put("RING_2.jpg", 2)
    night.run()
    night.look = lambda _: Inspection(None, 0, 0, None, problem="It cannot be read.")
    one.rename(night.root / "aside")
    two.rename(one)
    (night.root / "aside").rename(two)
    night.run()
    assert [night.statuses()[item] for item in (1, 2)] == ["received", "received"]
    assert {state for state, _ in night.files().values()} == {"quarantined"}


def test_what_is_a_persons_is_one_in_another_hot_folder_too(night: Night) -> None:
    """Policy approves no picture of a piece that was over the threshold, whatever it costs by now."""
    add_folder(night, "other")
    night.put("DEAR_1.jpg", 1)
    night.run()
    (night.root / "prices.csv").write_text("sku,price\nDEAR,5.00\n")
    night.run()
    (night.hot / "DEAR_1.jpg").rename(night.root / "other" / "DEAR_1.jpg")
    night.run()
    night.make(), night.make(policy=True)
    assert night.item(2).hot_folder == "other" and night.is_status(2, Status.AWAITING_REVIEW)


@pytest.mark.parametrize("there", ["other/RING_1.jpg", "hot/RING_18K_1.jpg"])
def test_what_a_person_refused_is_no_policys_under_another_name(night: Night, there: str) -> None:
    """The very bytes that a person rejected, moved to another hot folder or copied as another piece."""
    add_folder(night, "other")
    night.put("RING_1.jpg", 1)
    night.run()
    night.reject(night.make())
    shutil.copy2(night.hot / "RING_1.jpg", night.root / there)
    night.run()
    night.make(policy=True)
    assert night.is_status(2, Status.AWAITING_REVIEW) and night.is_status(1, Status.REJECTED)


def test_renamed_to_another_piece_a_picture_leaves_its_copy_in_its_place(night: Night) -> None:
    """The first piece stays on the list where a file of its name still holds its picture."""
    night.put("RING_1.jpg", 1)
    night.run()
    night.put("RING_2.jpg", 1)
    night.run()
    (night.hot / "RING_1.jpg").rename(night.hot / "DEAR_1.jpg")
    night.run()
    assert night.statuses() == {1: "received", 2: "received"}
    assert night.files() == {"RING_2.jpg": ("item", 1), "DEAR_1.jpg": ("item", 2)}
    assert {item.path: item.sku for item in night.items()} == {"RING_2.jpg": "RING", "DEAR_1.jpg": "DEAR"}


@pytest.mark.parametrize("approved", [False, True])
def test_renamed_to_another_piece_and_back_a_picture_is_its_first_pieces(
    night: Night, approved: bool
) -> None:
    """The name that a file has now says which piece it is, also where it has had that name before."""
    first, second = night.hot / "RING_1.jpg", night.hot / "DEAR_1.jpg"
    night.put("RING_1.jpg", 1)
    night.run()
    night.make(policy=approved)
    first.rename(second)
    night.run()
    second.rename(first)
    night.run()
    assert night.statuses() == {1: "superseded", 2: "superseded", 3: "received"}
    assert (night.item(3).sku, night.item(3).path) == ("RING", "RING_1.jpg")
    assert night.files() == {"RING_1.jpg": ("item", 3)}
    night.make(policy=True)
    assert night.is_status(3, Status.AWAITING_REVIEW)


@pytest.mark.parametrize("inspected_first", ["RING_1.jpg", "RING_2.jpg"])
def test_pictures_that_are_numbered_anew_are_all_kept(night: Night, inspected_first: str) -> None:
    """A new first angle, the others moved on by one: each item follows its file, whoever is seen first."""
    night.put("RING_1.jpg", 1)
    night.put("RING_2.jpg", 2)
    night.run()
    (night.hot / "RING_2.jpg").rename(night.hot / "RING_3.jpg")
    (night.hot / "RING_1.jpg").rename(night.hot / "RING_2.jpg")
    night.put("RING_1.jpg", 3)
    night.now += 60.0
    while not (requests := night.step()):
        pass
    for request in sorted(requests, key=lambda each: each.path != inspected_first):
        night.answer(request)
        assert night.step() == []
    night.run()
    assert {item.id: item.path for item in night.items()} == {
        1: "RING_2.jpg", 2: "RING_3.jpg", 3: "RING_1.jpg",
    }  # fmt: skip
    assert set(night.statuses().values()) == {"received"}


def test_moved_out_of_its_skus_name_an_item_keeps_its_sku(night: Night) -> None:
    """An archive's name does not take a piece its price."""
    night.put("RING_1.jpg", 1)
    night.run()
    (night.hot / "RING_1.jpg").rename(night.hot / "done-1.jpg")
    night.run()
    assert night.item(1).path == "done-1.jpg" and night.item(1).sku == "RING" and len(night.items()) == 1


# Pairs.


@pytest.mark.parametrize("order", [("jpg", "nef"), ("nef", "jpg"), ("both",)])
@pytest.mark.parametrize("leads", ["jpeg", "raw"])
def test_a_pair_is_one_item(night: Night, order: tuple[str, ...], leads: str) -> None:
    """Whichever half comes first within the pair's time, the one that the settings name is processed."""
    night.extra = f'pair = "{leads}"\n'
    night.start()
    for half in order:
        if half in ("jpg", "both"):
            night.put("RING_1.JPG", 1)
        if half in ("nef", "both"):
            night.put("ring_1.nef", b"raw")
        for _ in range(30):
            for request in night.step():
                night.answer(request)
    night.run()
    source, half = ("RING_1.JPG", "ring_1.nef") if leads == "jpeg" else ("ring_1.nef", "RING_1.JPG")
    (item,) = night.items()
    assert item.path == source
    assert night.files() == {source: ("item", item.id), half: ("half", item.id)}


@pytest.mark.parametrize("late", ["jpg", "nef"])
@pytest.mark.parametrize("leads", ["jpeg", "raw"])
def test_a_half_that_comes_late_is_attached(night: Night, late: str, leads: str) -> None:
    """After the pair's time the first half is the item; the other is never processed by itself."""
    night.extra = f'pair = "{leads}"\n'
    both = {"jpg": ("RING_1.jpg", jpeg(1)), "nef": ("RING_1.nef", b"raw")}
    first = "nef" if late == "jpg" else "jpg"
    night.put(*both[first])
    night.run()
    assert night.files() == {both[first][0]: ("item", 1)}
    night.put(*both[late])
    night.run()
    assert night.files() == {both[first][0]: ("item", 1), both[late][0]: ("half", 1)}
    assert len(night.items()) == 1


def test_a_jpeg_need_not_wait_for_its_raw(night: Night) -> None:
    """Where the JPEG is processed anyway, it is taken up as soon as it has settled."""
    night.start()
    night.put("RING_1.jpg", 1)
    begun = night.now
    while not night.items():
        for request in night.step():
            night.answer(request)
    assert night.now - begun < 10.0


def test_a_broken_half_stands_for_itself(night: Night) -> None:
    """A JPEG that is no picture is quarantined and the RAW processed; mended, it is the RAW's half."""
    night.put("RING_1.jpg", b"no picture")
    night.put("RING_1.nef", b"raw")
    night.run()
    files = night.files()
    assert files["RING_1.jpg"][0] == "quarantined" and files["RING_1.nef"][0] == "item"
    night.put("RING_1.jpg", 1)
    night.run()
    assert night.files()["RING_1.jpg"] == ("half", files["RING_1.nef"][1])
    assert sorted(night.statuses().values()) == ["received", "superseded"]


def test_a_half_written_anew_stays_a_half(night: Night) -> None:
    """A program that writes into the RAW does not make an item of it."""
    night.put("RING_1.jpg", 1)
    night.put("RING_1.dng", b"raw")
    night.run()
    night.put("RING_1.dng", b"raw with a rating")
    night.run()
    assert night.files() == {"RING_1.jpg": ("item", 1), "RING_1.dng": ("half", 1)}
    assert sorted(row.state.value for row in night.rows()) == ["half", "item", "superseded"]


def test_a_reshot_pair_is_a_pair_again(night: Night) -> None:
    """Both halves anew, or the JPEG alone: the RAW that lies there belongs to the new item."""
    night.put("RING_1.jpg", 1)
    night.put("RING_1.nef", b"raw")
    night.run()
    night.put("RING_1.jpg", 2)
    night.run()
    assert night.files() == {"RING_1.jpg": ("item", 2), "RING_1.nef": ("half", 2)}
    night.put("RING_1.nef", b"raw anew")
    night.put("RING_1.jpg", 3)
    night.run()
    assert night.files() == {"RING_1.jpg": ("item", 3), "RING_1.nef": ("half", 3)}
    assert night.statuses() == {1: "superseded", 2: "superseded", 3: "received"}


def test_a_moved_pair_stays_a_pair(night: Night) -> None:
    """Both halves are found again in their new folder."""
    night.put("RING_1.jpg", 1)
    night.put("RING_1.nef", b"raw")
    night.run()
    (night.hot / "keep").mkdir()
    for name in ("RING_1.jpg", "RING_1.nef"):
        (night.hot / name).rename(night.hot / "keep" / name)
    night.run()
    assert night.files() == {"keep/RING_1.jpg": ("item", 1), "keep/RING_1.nef": ("half", 1)}
    assert len(night.items()) == 1


def test_pairs_are_of_one_folder(night: Night) -> None:
    """The same stem in another folder is another picture."""
    night.put("a/RING_1.jpg", 1)
    night.put("b/RING_1.nef", b"raw")
    night.run()
    assert len(night.items()) == 2


def test_other_formats_of_one_stem_are_no_pair(night: Night) -> None:
    """Only a camera's JPEG is the other half of a RAW."""
    night.put("RING_1.jpg", 1)
    night.put("RING_1.png", 2)
    night.run()
    assert len(night.items()) == 2


# Plates.


def test_a_plate_is_never_an_item(night: Night) -> None:
    """It is on record for its own folder, with its capture time; its RAW is its half."""
    night.put("set/Plate_1.jpg", 1)
    night.put("set/plate_1.nef", b"raw")
    night.put("set/plate broken.jpg", b"no picture")
    night.run()
    assert night.items() == []
    assert night.files() == {
        "set/Plate_1.jpg": ("plate", None), "set/plate_1.nef": ("half", None),
        "set/plate broken.jpg": ("quarantined", None),
    }  # fmt: skip
    plate = find_plate(night.ledger, "main", "set")
    assert plate is not None and plate.facts.path == "set/Plate_1.jpg" and plate.facts.captured_at is not None
    assert find_plate(night.ledger, "main", "") is None


def test_a_plate_counts_for_captures_after_it(night: Night) -> None:
    """By capture time, not by the order of arrival."""
    night.put("plate early.jpg", 1, age=5000)
    night.put("plate late.jpg", 2, age=1000)
    night.run()
    captured = (night.hot / "plate early.jpg").stat().st_mtime
    for moment, path in (
        (captured - 1, None),
        (captured + 1, "plate early.jpg"),
        (captured + 4900, "plate late.jpg"),
    ):
        plate = find_plate(night.ledger, "main", "", before=moment)
        assert (plate.facts.path if plate else None) == path


def test_pictures_wait_for_a_plate_that_is_on_its_way(night: Night) -> None:
    """A plate that lands with its pictures is known before any of them is processed."""
    night.put("a.jpg", 1)
    night.put("plate.jpg", 2)
    night.put("elsewhere/b.jpg", 3)
    while len(requests := night.step()) == 0:
        pass
    assert requests[0].path == "plate.jpg"
    for request in requests[1:]:
        night.answer(request)
    night.step()
    assert [item.path for item in night.items()] == ["elsewhere/b.jpg"]
    night.answer(requests[0])
    night.step()
    assert sorted(item.path for item in night.items()) == ["a.jpg", "elsewhere/b.jpg"]


def test_a_replaced_plate_counts_no_more(night: Night) -> None:
    """New bytes under a plate's path are the plate from then on."""
    night.put("plate.jpg", 1)
    night.run()
    night.put("plate.jpg", 2)
    night.run()
    assert sorted(row.state.value for row in night.rows()) == ["plate", "superseded"]
    plate = find_plate(night.ledger, "main", "")
    assert plate is not None and plate.facts.sha256 == night.rows()[-1].facts.sha256


# Prices that come late.


def test_a_late_catalogue_gives_waiting_items_sku_and_price(night: Night) -> None:
    """It arrives in the night; what waits keeps waiting."""
    (night.root / "prices.csv").unlink()
    night.put("LATE_1.jpg", 1)
    night.put("RING_1.jpg", 2)
    night.run()
    assert {item.sku for item in night.items()} == {None} and night.said
    (night.root / "prices.csv").write_text("sku,price,title\nLATE,10.00,Cubic Zirconia\nRING,1\n")
    night.run()
    late, ring = sorted(night.items(), key=lambda item: item.path)
    assert (late.sku, late.price_minor, late.always_review) == ("LATE", 1_000, True)
    assert (ring.sku, ring.price_minor) == ("RING", 100)
    assert set(night.statuses().values()) == {"received"}


def test_a_changed_price_reaches_undelivered_items_also_after_a_restart(night: Night) -> None:
    """Changed while the daemon was down, it counts from the start on."""
    night.put("RING_1.jpg", 1)
    night.run()
    night.approve(night.make())
    night.stop()
    (night.root / "prices.csv").write_text("sku,price,currency,title\nRING,800.00,USD,Ring\n")
    night.start()
    assert night.item(1).price_minor == 80_000


def test_a_dropped_sku_has_no_price_and_a_spoilt_file_changes_nothing(night: Night) -> None:
    """Unknown means a person must look; a catalogue that fails as a whole means nothing."""
    night.put("RING_1.jpg", 1)
    night.run()
    (night.root / "prices.csv").write_bytes(b"\0\0\0")
    night.run()
    night.start()
    night.run()
    assert night.item(1).price_minor == 90_000
    (night.root / "prices.csv").write_text("sku,price,currency\nOTHER,1.00,USD\n")
    night.run()
    assert night.item(1).price_minor is None and night.item(1).sku == "RING" and night.item(1).mandatory


def test_while_a_price_list_is_missing_what_is_new_has_no_price(night: Night) -> None:
    """Its SKU may be a longer one of that list, or cost more there: it is a person's until that is known.

    What has a price keeps it, and its SKU; a price that rises in the lists that are there counts.
    """
    cheap, dear = night.root / "prices.csv", night.root / "dear.csv"
    night.extra = '[catalog]\nfiles = ["prices.csv", "dear.csv"]\n'
    cheap.write_text("sku,price\nRING,900\nSET,500\n")
    dear.write_text("sku,price\nRING_D1,5000\n")
    for seed, name in enumerate(("RING_1.jpg", "RING_D1_1.jpg", "SET_1.jpg")):
        night.put(name, seed)
    night.run()
    dear.unlink()
    cheap.write_text("sku,price\nRING,900\nSET,1500\n")
    night.start()
    night.put("RING_D1_2.jpg", 4)
    night.put("RING_2.jpg", 5)
    night.run()

    def known() -> dict[str, tuple[str | None, int | None]]:
        return {item.path: (item.sku, item.price_minor) for item in night.items()}

    before = {"RING_1.jpg": ("RING", 90_000), "RING_D1_1.jpg": ("RING_D1", 500_000)}
    assert known() == before | {
        "SET_1.jpg": ("SET", 150_000), "RING_D1_2.jpg": ("RING", None), "RING_2.jpg": ("RING", None),
    }  # fmt: skip
    while night.make(policy=True) != 5:
        pass
    assert night.statuses()[4] == night.statuses()[5] == "awaiting_review"
    dear.write_text("sku,price\nRING_D1,5000\n")
    night.run()
    assert known() == before | {
        "SET_1.jpg": ("SET", 150_000), "RING_D1_2.jpg": ("RING_D1", 500_000), "RING_2.jpg": ("RING", 90_000),
    }  # fmt: skip


def test_a_word_to_review_counts_while_a_price_list_is_missing(night: Night) -> None:
    """What was approved by policy and has such a title waits for a person, whichever list names its piece."""
    night.extra = '[catalog]\nfiles = ["prices.csv", "more.csv"]\n'
    (night.root / "more.csv").write_text("sku,price,currency,title\nGEM,900.00,USD,Zircon ring\n")
    night.put("GEM_1.jpg", 1)
    night.run()
    night.make(policy=True)
    assert night.is_status(1, Status.APPROVED)
    (night.root / "more.csv").unlink()
    night.extra += '[qa]\nalways_review = ["zircon"]\n'
    night.start()
    night.run()
    assert night.is_status(1, Status.AWAITING_REVIEW) and night.item(1).mandatory
    assert (night.item(1).sku, night.item(1).price_minor) == ("GEM", 90_000)


# Folders.


def test_a_folder_without_its_marker_is_paused(night: Night) -> None:
    """A share that is not mounted is not an empty folder; back again, it goes on."""
    night.put("RING_1.jpg", 1)
    (night.hot / MARKER).unlink()
    night.run()
    assert night.intake is not None
    assert night.items() == [] and "main" in night.intake.paused and MARKER in night.intake.paused["main"]
    assert len([line for line in night.said if "paused" in line]) == 1
    (night.hot / MARKER).touch()
    night.run()
    assert len(night.items()) == 1 and night.intake.paused == {}


def test_a_folder_that_cannot_be_read_is_paused_and_says_why(night: Night) -> None:
    """What hinders is told, and not that a disk is missing."""
    night.put("RING_1.jpg", 1)
    night.hot.rename(night.root / "aside")
    night.hot.touch()
    night.run()
    assert night.intake is not None
    assert "cannot be read: Not a directory" in night.intake.paused["main"]
    night.hot.unlink()
    (night.root / "aside").rename(night.hot)
    night.run()
    assert len(night.items()) == 1 and night.intake.paused == {}


def test_what_was_moved_is_not_judged_while_a_share_is_gone(night: Night) -> None:
    """An answer that comes while the folder is paused writes nothing."""
    night.put("RING_1.jpg", 1)
    while not (requests := night.step()):
        pass
    (night.hot / MARKER).rename(night.root / "aside")
    night.now += 60
    night.step()
    night.answer(requests[0])
    assert night.items() == []
    (night.root / "aside").rename(night.hot / MARKER)
    night.run()
    assert len(night.items()) == 1


def test_a_folders_own_rules_find_the_sku(night: Night) -> None:
    """A hot folder's pattern, or its choice of the folder's name, goes before the catalogue's."""
    night.extra = 'sku = "folder"\n'
    night.put("RING/IMG_1.jpg", 1)
    night.run()
    night.extra = "sku_pattern = '^\\d+_(\\w+)'\n"
    night.start()
    night.put("01_DEAR.jpg", 2)
    night.run()
    assert sorted(str(item.sku) for item in night.items()) == ["DEAR", "RING"]


@pytest.mark.parametrize("name", [b"\xff\xfe.jpg", b"new\nline.jpg", b"\x1b[31m.jpg", b"a" * 246 + b".jpg"])
def test_names_are_bytes(night: Night, name: bytes) -> None:
    """Whatever the bytes of a name, they come back from the ledger as they were; none is printed raw."""
    path = os.fsdecode(name)
    night.put(path, 1)
    night.put(os.fsdecode(b"x" + name[1:]), b"no picture")
    night.run()
    assert os.fsencode(next(item.path for item in night.items() if item.status is Status.RECEIVED)) == name
    reasons = [item.reason for item in night.items() if item.status is Status.QUARANTINED]
    assert reasons and all(reason.isprintable() for reason in reasons)
    assert all(line.isprintable() for line in night.said)


# Crashes.


class _Killed(BaseException):
    """The process is killed, as far as the code can tell."""


def test_a_crash_at_any_point_doubles_nothing(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    """The daemon is killed before and after each of its transactions in turn, and starts again."""

    def land(seed: int) -> None:
        night.put("RING_1.jpg", seed)
        night.put("RING_1.nef", b"raw %d" % seed)
        night.put("RING_copy.jpg", seed)
        night.put("IMG_1.jpg", seed + 50)
        night.put("plate.jpg", seed + 60)
        night.put("broken.jpg", b"broken %d" % seed)
        night.put("note.txt", b"note %d" % seed)

    writing = type(night.ledger).writing
    left = [0]
    deaths = 0

    def killed_after(self: object) -> object:
        if left[0] == 0:
            raise _Killed
        left[0] -= 1
        return writing(self)  # type: ignore[arg-type]

    for seed in (1, 2):
        land(seed)
        for transactions in (0, 1, 2, 0, 3, 1, 0, 2, 1, 0, 0):
            night.start()
            left[0] = transactions
            with monkeypatch.context() as patched:
                patched.setattr(type(night.ledger), "writing", killed_after)
                try:
                    night.run()
                except _Killed:
                    deaths += 1
        night.start()
        night.run()
    assert deaths >= 8
    files = {path: state for path, (state, _) in night.files().items()}
    assert files == {
        "RING_1.jpg": "item", "RING_1.nef": "half", "RING_copy.jpg": "duplicate", "IMG_1.jpg": "item",
        "plate.jpg": "plate", "broken.jpg": "quarantined", "note.txt": "ignored",
    }  # fmt: skip
    statuses = sorted(night.statuses().values())
    assert statuses == ["quarantined", "received", "received", "received", "superseded", "superseded"]
    assert len({(row.facts.path, row.facts.sha256) for row in night.rows()}) == len(night.rows())


# Waking.


@pytest.mark.filterwarnings("ignore:Callback with id")  # watchdog may meet a fresh folder twice, and says so
def test_events_wake_the_intake_for_files_in_fresh_folders(night: Night) -> None:
    """A picture in a folder made a moment ago is found long before the next rescan."""
    night.watch = "events"
    night.extra = "[intake]\nrescan_seconds = 9000"
    intake = night.start()
    night.run()
    night.put("fresh/deep/RING_1.jpg", 1)
    assert intake.woken.wait(30)
    begun = night.now
    while not night.items():
        for request in night.step():
            night.answer(request)
        assert night.now - begun < 8000, "found by the rescan only"


def test_without_events_a_folder_is_polled(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system has no watches left, the intake says so once and looks by itself."""
    import studiod.intake.watch

    def no_watches_left(self: object) -> None:
        raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr(studiod.intake.watch.Observer, "start", no_watches_left)
    night.watch = "events"
    night.put("RING_1.jpg", 1)
    night.run()
    assert len(night.items()) == 1
    assert len([line for line in night.said if "polled instead" in line]) == 1


def test_an_answer_of_an_earlier_life_is_dropped(night: Night) -> None:
    """A request that the intake does not remember changes nothing."""
    night.put("RING_1.jpg", 1)
    night.run()
    intake: Intake | None = night.intake
    assert intake is not None
    request = InspectRequest("main", "RING_1.jpg", Path(night.hot / "RING_1.jpg"))
    intake.inspected(request, look(request))
    assert len(night.items()) == 1 and {row.state for row in night.rows()} == {FileState.ITEM}


def test_a_price_that_rose_while_the_ledger_was_busy_arrives_later(night: Night) -> None:
    """What the ledger refused to take is due until it is taken: a piece that became dear is not forgotten."""
    night.put("RING_1.jpg")
    night.run()
    impatient = open_ledger(night.ledger.path, busy_seconds=0.01)
    night.ledger = impatient
    intake = night.start()
    night.run()
    (night.root / "prices.csv").write_text("sku,price,currency,title\nRING,1299.00,USD,Ring\n")
    other = sqlite3.connect(impatient.path)
    other.execute("BEGIN IMMEDIATE")
    refused = 0
    for _ in range(40):
        try:
            night.step()
        except LedgerError:
            refused += 1
    other.close()
    assert refused and not intake.idle
    night.run()
    assert night.item(1).price_minor == 129_900 and night.item(1).mandatory
    impatient.close()


def test_a_price_reaches_what_came_by_a_folder_of_another_name(night: Night) -> None:
    """An item keeps its SKU when its hot folder is renamed, and its price follows the list."""
    night.put("RING_1.jpg")
    night.run()
    night.stop()
    (night.root / "prices.csv").write_text("sku,price,currency,title\nRING,1299.00,USD,Ring\n")
    config = night.root / "studiod.toml"
    config.write_text(config.read_text().replace('"main"', '"renamed"'))
    night.intake = Intake(load_settings(config), night.ledger, say=night.said.append)
    night.intake.start()
    assert night.item(1).price_minor == 129_900 and night.item(1).mandatory


def test_what_settled_while_the_ledger_was_busy_is_looked_at_later(night: Night) -> None:
    """A tick that fails loses no file that it has taken for settled."""
    impatient = open_ledger(night.ledger.path, busy_seconds=0.01)
    night.ledger = impatient
    night.put("RING_1.jpg")
    night.start()
    while not (requests := night.step()):
        pass
    night.answer(requests[0])
    other = sqlite3.connect(impatient.path)
    other.execute("BEGIN IMMEDIATE")
    asked = []
    for number in range(2, 40):  # one of them settles in a tick that also takes up, and fails
        night.put(f"RING_{number}.jpg", number)
        with suppress(LedgerError):
            asked += night.step()
    other.close()
    for request in asked:
        night.answer(request)
    night.run()
    assert {path: state for path, (state, _) in night.files().items()} == {
        f"RING_{number}.jpg": "item" for number in range(1, 40)
    }
    impatient.close()


def test_a_clock_that_was_set_back_has_nothing_read_twice(night: Night) -> None:
    """Other bytes at a path are the newest there, whatever the clock says: the folder comes to rest."""
    night.put("RING_1.jpg", 1)
    night.run()
    night.ledger.clock = lambda: time.time() - 3600
    night.put("RING_1.jpg", 2)
    night.run()
    night.asked.clear()
    night.start()
    night.run()
    assert night.asked == []


def test_old_bytes_that_come_back_to_a_path_are_no_mistake(night: Night) -> None:
    """A path that has had other bytes meanwhile may get its first ones back, moved from elsewhere."""
    night.put("RING_a.jpg", 1)
    night.run()
    night.put("RING_b.jpg", 1)
    night.run()
    (night.hot / "RING_a.jpg").unlink()
    night.put("RING_b.jpg", 2)
    night.run()
    night.put("RING_b.jpg", 1)
    night.run()
    assert not any("mistake" in item.reason for item in night.items())
    assert night.files()["RING_b.jpg"][0] == "item"


def test_what_is_too_large_to_read_in_time_is_refused_unread(night: Night) -> None:
    """A file that no worker could read is not read by the daemon, which has a watchdog to answer."""
    with night.put("RING_1.tif", b"II*\0").open("r+b") as file:
        file.truncate(3 * GIGABYTE)
    night.look = lambda request: WorkerDied("it ran out of time")
    night.run()
    (item,) = night.items()
    assert item.status is Status.QUARANTINED and "3.0 GB" in item.reason
    night.start()
    night.run()
    assert night.asked == ["RING_1.tif"]


@pytest.mark.parametrize("rejected", ["before", "with this picture"])
def test_what_a_person_refused_stays_for_a_person(night: Night, rejected: str) -> None:
    """A quarantined picture of a piece that was refused stays on the list; its next one is no policy's."""
    bad = night.put("RING_1.jpg", 1)
    night.run()
    night.make()
    night.reject(1)
    if rejected == "before":
        bad = night.put("RING_1.jpg", 2)
        night.run()
    else:
        review.retry(night.ledger, 1, ANNA)
    claimed = queue.claim(night.ledger, "w", 60)
    assert claimed is not None
    queue.quarantine(night.ledger, claimed, "it breaks off")
    bad.unlink()
    night.run()
    assert night.is_status(claimed.item, Status.QUARANTINED)
    night.put("RING_1.jpg", 3)
    night.run()
    assert night.is_status(claimed.item, Status.SUPERSEDED)
    assert night.items()[-1].never_policy
