from __future__ import annotations

import csv
import errno
import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from studiod.commands.init import lay_out
from studiod.daemon.delivery import DeliveryDesk
from studiod.delivery.deliver import Delivered, OutboxClosed, deliver, recover, take_back_recalled
from studiod.delivery.place import no_progress
from studiod.errors import OutOfSpace
from studiod.ledger import queue
from studiod.ledger.delivery import approved_due, to_recall
from studiod.ledger.engine import Ledger, open_ledger
from studiod.ledger.prices import set_price, set_thresholds
from studiod.ledger.reading import get_item, history
from studiod.ledger.records import FileFacts, NewItem, NewVersion, Person
from studiod.ledger.review import approve, recall, undo
from studiod.ledger.states import Status
from studiod.settings import MARKER, Settings
from tests.looking import COMPOSITE_BOX, PLACES, look_closely

PERSON = Person(os.getuid(), "anna")


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@contextmanager
def _opened(settings: Settings) -> Iterator[Ledger]:
    ledger = open_ledger(settings.database, migrate=True)
    try:
        yield ledger
    finally:
        ledger.close()


def _approved(ledger: Ledger, settings: Settings, path: str = "ring.jpg", price: int | None = 5000) -> int:
    """An item made and approved, by policy or (dear or unpriced) by a person; two presets."""
    set_thresholds(ledger, {"USD": 100000}, {})
    original = b"original of " + os.fsencode(path)
    source = settings.hot_folders[0].path / path
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_bytes(original)
    facts = FileFacts("main", path, _hash(original), len(original), 1)
    item = queue.add_item(ledger, NewItem(facts, "R-1", price_minor=price, currency="USD"))
    claimed = queue.claim(ledger, "worker", 60)
    assert claimed is not None and claimed.item == item
    folder = settings.work / "items" / str(item) / f"v{claimed.version}"
    folder.mkdir(parents=True)
    files = {}
    for name in ("cutout.png", "matte.png", "composite-small.jpg", "composite-white.png"):
        content = f"{name} of {item}".encode()
        (folder / name).write_bytes(content)
        files[name] = name, _hash(content)
    made = NewVersion(
        folder=str(folder.relative_to(settings.work)),
        source_sha256=facts.sha256 or "",
        cutout=files["cutout.png"],
        matte=files["matte.png"],
        composites={"small": files["composite-small.jpg"], "white": files["composite-white.png"]},
        presets={"small": "1" * 64, "white": "2" * 64},
        model="test",
        model_sha256="3" * 64,
        risk=0.01,
        reasons=(),
        places=PLACES,
        composite_box=COMPOSITE_BOX,
    )
    if queue.finish(ledger, claimed, made, approve_by_policy=True) is not Status.APPROVED:
        look_closely(ledger, item, PERSON)
        approve(ledger, item, claimed.version, PERSON)
    return item


def _deliver_due(ledger: Ledger, settings: Settings) -> list[Delivered]:
    return [deliver(ledger, settings, item) for item in approved_due(ledger, 0)]


def _add_archive(studio: Any) -> None:
    """A folder for copies of the originals, as `studiod init` makes it."""
    studio.rewrite("delay_minutes = 0", 'delay_minutes = 0\narchive = "archive"')
    lay_out(studio.root)


def _outbox(settings: Settings) -> dict[str, bytes]:
    """Everything that lies in the outbox, but for marker and manifest."""
    return {
        str(path.relative_to(settings.outbox)): path.read_bytes()
        for path in sorted(settings.outbox.rglob("*"))
        if path.is_file() and path.name not in {".studiod-root", "manifest.csv"}
    }


def _manifest(settings: Settings) -> list[dict[str, str]]:
    with (settings.outbox / "manifest.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_an_approved_item_becomes_a_file_a_preset_and_a_line_each(studio: Any) -> None:
    """Delivery writes PRESET/STEM.ext for every preset, and the manifest says who decided."""
    settings = studio.settings
    with _opened(settings) as ledger:
        cheap, dear = _approved(ledger, settings), _approved(ledger, settings, "dear.jpg", 200000)
        results = _deliver_due(ledger, settings)
        assert [result.status for result in results] == [Status.DELIVERED] * 2
        assert get_item(ledger, cheap).status is Status.DELIVERED
    assert _outbox(settings) == {
        "small/dear.jpg": f"composite-small.jpg of {dear}".encode(),
        "small/ring.jpg": f"composite-small.jpg of {cheap}".encode(),
        "white/dear.png": f"composite-white.png of {dear}".encode(),
        "white/ring.png": f"composite-white.png of {cheap}".encode(),
    }
    lines = {line["file"]: line for line in _manifest(settings)}
    assert lines["small/ring.jpg"]["decided_by"] == "policy"
    assert lines["white/dear.png"]["decided_by"] == "anna"
    assert all(line["sha256"] == _hash(_outbox(settings)[file]) for file, line in lines.items())


def test_two_sources_never_share_an_output_name(studio: Any) -> None:
    """Angles of the same name in two folders get a name each, and what a person put there keeps its own."""
    settings = studio.settings
    (settings.outbox / "small").mkdir()
    (settings.outbox / "small" / "ring.jpg").write_bytes(b"put here by hand")
    with _opened(settings) as ledger:
        first, second = _approved(ledger, settings), _approved(ledger, settings, "angle/ring.jpg")
        _deliver_due(ledger, settings)
    found = _outbox(settings)
    assert found["small/ring.jpg"] == b"put here by hand"
    assert len(found) == 5
    assert found[f"small/ring_item{first}.jpg"] == f"composite-small.jpg of {first}".encode()
    assert found["white/ring.png"] == f"composite-white.png of {first}".encode()
    assert found[f"white/ring_item{second}.png"] == f"composite-white.png of {second}".encode()


def test_a_picture_that_changed_after_the_decision_stays(studio: Any) -> None:
    """A composite whose bytes are not those decided on is not delivered: the item waits again."""
    settings = studio.settings
    with _opened(settings) as ledger:
        item = _approved(ledger, settings)
        (settings.work / "items" / str(item) / "v1" / "composite-white.png").write_bytes(b"retouched")
        assert [result.status for result in _deliver_due(ledger, settings)] == [Status.AWAITING_REVIEW]
    assert _outbox(settings) == {}


def test_a_recalled_item_leaves_the_outbox_and_comes_again_as_v2(studio: Any) -> None:
    """A recall moves the files to outbox/recalled, off the manifest; the next delivery is STEM_v2."""
    settings = studio.settings
    with _opened(settings) as ledger:
        item = _approved(ledger, settings)
        _deliver_due(ledger, settings)
        recall(ledger, item, PERSON)
        moved = take_back_recalled(ledger, settings)
        assert [each.moved_to for each in moved] == ["recalled/ring.jpg", "recalled/ring.png"]
        assert _manifest(settings) == []
        assert sorted(_outbox(settings)) == ["recalled/ring.jpg", "recalled/ring.png"]
        look_closely(ledger, item, PERSON)
        approve(ledger, item, 1, PERSON)
        _deliver_due(ledger, settings)
        assert take_back_recalled(ledger, settings) == []
    files = ["recalled/ring.jpg", "recalled/ring.png", "small/ring_v2.jpg", "white/ring_v2.png"]
    assert sorted(_outbox(settings)) == files
    assert sorted(line["file"] for line in _manifest(settings)) == files[2:]


def test_a_recall_leaves_what_was_never_delivered(studio: Any) -> None:
    """A file that somebody put in the place of a delivered one is theirs: a recall does not move it."""
    settings = studio.settings
    with _opened(settings) as ledger:
        item = _approved(ledger, settings)
        _deliver_due(ledger, settings)
        (settings.outbox / "small" / "ring.jpg").write_bytes(b"retouched by somebody")
        recall(ledger, item, PERSON)
        assert [each.moved_to for each in take_back_recalled(ledger, settings)] == ["", "recalled/ring.png"]
        assert take_back_recalled(ledger, settings) == []
    assert _outbox(settings)["small/ring.jpg"] == b"retouched by somebody"


def test_a_recall_that_cannot_be_finished_holds_up_no_other(studio: Any) -> None:
    """A file that cannot be moved, or be taken off the manifest, is said and stays to be recalled; it is
    taken back once that is put right, and what can be settled is settled meanwhile."""
    settings = studio.settings
    with _opened(settings) as ledger:
        item = _approved(ledger, settings)
        _deliver_due(ledger, settings)
        recall(ledger, item, PERSON)
        (settings.outbox / "white" / "ring.png").unlink()
        (settings.outbox / "recalled").write_bytes(b"no folder")
        small, white = take_back_recalled(ledger, settings)
        assert (white.moved_to, white.problem) == ("", "")
        assert small.problem.startswith("The recall of small/ring.jpg is not finished: ")
        assert [output.id for output in to_recall(ledger)] == [small.output]
        assert take_back_recalled(ledger, settings, but={small.output}) == []
        (settings.outbox / "recalled").unlink()
        whole = (settings.outbox / "manifest.csv").read_bytes()
        (settings.outbox / "manifest.csv").unlink()
        (settings.outbox / "manifest.csv").mkdir()
        [small] = take_back_recalled(ledger, settings)
        assert small.moved_to == "recalled/ring.jpg" and "manifest.csv" in small.problem
        (settings.outbox / "manifest.csv").rmdir()
        (settings.outbox / "manifest.csv").write_bytes(whole)
        [small] = take_back_recalled(ledger, settings)
        assert not small.problem and not to_recall(ledger)
    assert _manifest(settings) == []
    assert list(_outbox(settings)) == ["recalled/ring.jpg"]


def test_a_recall_waits_for_a_presets_folder_on_a_disk_that_is_not_there(studio: Any, tmp_path: Path) -> None:
    """A folder that is a link to another disk leads nowhere meanwhile; back again, the file is taken back."""
    disk = tmp_path / "disk"
    disk.mkdir()
    settings = studio.settings
    (settings.outbox / "small").symlink_to(disk)
    with _opened(settings) as ledger:
        item = _approved(ledger, settings)
        _deliver_due(ledger, settings)
        recall(ledger, item, PERSON)
        disk.rename(tmp_path / "unplugged")
        small, white = take_back_recalled(ledger, settings)
        assert "small" in small.problem and white.moved_to
        (tmp_path / "unplugged").rename(disk)
        [again] = take_back_recalled(ledger, settings)
        assert again.moved_to and not again.problem and not list(disk.iterdir())


def test_recalled_files_of_one_name_are_all_kept(studio: Any) -> None:
    """Items recalled under the same name lie beside each other in outbox/recalled."""
    settings = studio.settings
    with _opened(settings) as ledger:
        item = _approved(ledger, settings)
        _deliver_due(ledger, settings)
        (settings.outbox / "recalled").mkdir()
        (settings.outbox / "recalled" / "ring.jpg").write_bytes(b"an older one")
        recall(ledger, item, PERSON)
        take_back_recalled(ledger, settings)
    assert sorted(_outbox(settings)) == [
        "recalled/ring.jpg",
        "recalled/ring.png",
        "recalled/ring_small_2.jpg",
    ]
    assert _outbox(settings)["recalled/ring.jpg"] == b"an older one"


def test_the_archive_receives_a_copy_of_the_original(studio: Any) -> None:
    """A delivery copies the original below the archive, never over another; the original stays."""
    archive = studio.root / "archive"
    _add_archive(studio)
    settings = studio.settings
    (archive / "main").mkdir()
    (archive / "main" / "ring.jpg").write_bytes(b"of last year")
    with _opened(settings) as ledger:
        _approved(ledger, settings)
        _approved(ledger, settings, "angle/\udcffring.jpg")
        _deliver_due(ledger, settings)
    first, second = b"original of ring.jpg", b"original of angle/\xffring.jpg"
    assert (archive / "main" / "ring.jpg").read_bytes() == b"of last year"
    assert (archive / "main" / f"ring_{_hash(first)[:16]}.jpg").read_bytes() == first
    assert (archive / "main" / "angle" / "\udcffring.jpg").read_bytes() == second
    assert (studio.hot / "ring.jpg").read_bytes() == first


def test_a_file_that_cannot_be_written_fails_its_item_at_the_last_try(studio: Any) -> None:
    """Where just this item's files have no place it is approved again at first, failed at the last try."""
    _add_archive(studio)
    settings = studio.settings
    (studio.root / "archive" / "main").mkdir()
    (studio.root / "archive" / "main" / "angle").write_bytes(b"no folder")
    with _opened(settings) as ledger:
        item = get_item(ledger, _approved(ledger, settings, "angle/ring.jpg"))
        assert deliver(ledger, settings, item).status is Status.APPROVED
        last = deliver(ledger, settings, item, last_try=True)
        assert last.status is Status.FAILED and "cannot be written" in last.reason
        assert get_item(ledger, item.id).status is Status.FAILED


def test_an_approval_after_an_undo_has_tries_of_its_own(studio: Any) -> None:
    """Those of the approval before do not count: the item is not failed at its first."""
    _add_archive(studio)
    settings = studio.settings
    (studio.root / "archive" / "main").mkdir()
    (studio.root / "archive" / "main" / "angle").write_bytes(b"no folder")
    with _opened(settings) as ledger:
        item = _approved(ledger, settings, "angle/ring.jpg")
        desk = DeliveryDesk(settings, ledger, lambda _: False)
        for moment in (100.0, 200.0):
            desk.deliver(moment, no_progress)
        undo(ledger, item, PERSON)
        look_closely(ledger, item, PERSON)
        approve(ledger, item, 1, PERSON)
        for moment, status in ((300.0, "approved"), (400.0, "approved"), (500.0, "failed")):
            desk.deliver(moment, no_progress)
            assert get_item(ledger, item).status == status


@pytest.mark.parametrize("place", ["outbox/manifest.csv", "outbox/small", "archive", "archive/main"])
def test_what_concerns_every_item_fails_none(studio: Any, place: str) -> None:
    """With the manifest, or a folder of outbox or archive, not to be had, retries leave the item's history
    and the outbox as they were; it is delivered once that is put right."""
    _add_archive(studio)
    settings, closed = studio.settings, studio.root / place
    if place == "archive":
        shutil.rmtree(closed)
    if place.endswith(".csv"):
        closed.mkdir()
    else:
        closed.write_bytes(b"no folder")
    with _opened(settings) as ledger:
        item = get_item(ledger, _approved(ledger, settings))
        before = history(ledger, item.id), sorted(settings.outbox.rglob("*"))
        for _ in range(4):
            with pytest.raises(OutboxClosed) as told:
                deliver(ledger, settings, item, last_try=True)
            assert told.value.message.startswith(f"{closed} cannot be written: ")
        assert (history(ledger, item.id), sorted(settings.outbox.rglob("*"))) == before
        if closed.is_dir():
            closed.rmdir()
        else:
            closed.unlink()
        lay_out(studio.root)
        assert deliver(ledger, settings, item, last_try=True).status is Status.DELIVERED


@pytest.mark.parametrize("gone", ["outbox", "archive"])
def test_nothing_counts_as_delivered_on_a_disk_that_is_not_there(
    studio: Any, tmp_path: Path, gone: str
) -> None:
    """With outbox or archive taken out, before a delivery or at any moment of it, the item stays approved;
    with the disk back it is delivered whole."""
    _add_archive(studio)
    settings, place, away = studio.settings, studio.root / gone, studio.root / "away"
    with _opened(settings) as ledger:
        item = _approved(ledger, settings)
    template = tmp_path / "template"
    shutil.copytree(studio.root, template)
    moments, left = 0, 0

    def take_out() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            place.rename(away)
            place.mkdir()

    while True:
        shutil.rmtree(studio.root)
        shutil.copytree(template, studio.root)
        left = moments + 1

        with _opened(settings) as ledger:
            if moments == 0:
                take_out()
            try:
                deliver(ledger, settings, get_item(ledger, item), last_try=True, progress=take_out)
            except OutboxClosed as error:
                assert "is its disk mounted?" in error.message
            assert (get_item(ledger, item).status is Status.APPROVED) == away.exists(), moments
            if not away.exists():
                break
            shutil.rmtree(place)
            away.rename(place)
            assert deliver(ledger, settings, get_item(ledger, item)).status is Status.DELIVERED
        assert sorted(_outbox(settings)) == ["small/ring.jpg", "white/ring.png"]
        assert (studio.root / "archive" / "main" / "ring.jpg").read_bytes() == b"original of ring.jpg"
        moments += 1
    assert moments > 5


def test_nothing_is_recalled_from_a_disk_that_is_not_there(studio: Any) -> None:
    """A recall waits for the outbox: what lies there is not taken for gone."""
    settings, away = studio.settings, studio.root / "away"
    with _opened(settings) as ledger:
        item = _approved(ledger, settings)
        _deliver_due(ledger, settings)
        recall(ledger, item, PERSON)
        settings.outbox.rename(away)
        settings.outbox.mkdir()
        told = take_back_recalled(ledger, settings)
        assert [each.moved_to for each in told] == ["", ""] and all(
            "mounted" in each.problem for each in told
        )
        settings.outbox.rmdir()
        away.rename(settings.outbox)
        assert all(each.moved_to for each in take_back_recalled(ledger, settings))
        assert sorted(_outbox(settings)) == ["recalled/ring.jpg", "recalled/ring.png"]


def test_an_outbox_that_closes_during_a_delivery_fails_no_item(studio: Any) -> None:
    """What was written by then is taken back, and the item is approved again, at the last try too."""
    settings = studio.settings
    with _opened(settings) as ledger:
        item = get_item(ledger, _approved(ledger, settings))

        def close() -> None:
            if (settings.outbox / "small").is_dir():
                (settings.outbox / "manifest.csv").mkdir(exist_ok=True)

        with pytest.raises(OutboxClosed, match=r"manifest\.csv cannot be written"):
            deliver(ledger, settings, item, last_try=True, progress=close)
        assert get_item(ledger, item.id).status is Status.APPROVED
        assert _outbox(settings) == {}
        (settings.outbox / "manifest.csv").rmdir()
        assert deliver(ledger, settings, item, last_try=True).status is Status.DELIVERED


def test_a_price_that_rises_during_the_delivery_takes_the_files_back(studio: Any) -> None:
    """An item that became mandatory while its files were copied is not in the outbox afterwards."""
    settings = studio.settings
    with _opened(settings) as ledger:
        item = get_item(ledger, _approved(ledger, settings))
        risen: list[Status] = []

        def rise() -> None:
            if not risen and (settings.outbox / "small").is_dir():
                risen.append(set_price(ledger, item.id, 999900, "USD"))

        result = deliver(ledger, settings, item, progress=rise)
        assert risen == [Status.AWAITING_REVIEW]
        assert result.status is Status.AWAITING_REVIEW
        take_back_recalled(ledger, settings)
        assert _outbox(settings) == {} and _manifest(settings) == []


_CRASH_POINTS = frozenset({"fsync", "link", "unlink", "mkdir", "execute", "write", "open", "remove"})


def _dies_at(point: int, action: Callable[[], None]) -> bool:
    """Run `action` in a process of its own that is killed before its n-th system call of interest."""
    child = os.fork()
    if child == 0:
        calls = 0

        def count(frame: object, event: str, what: Any) -> None:
            nonlocal calls
            if event == "c_call" and what.__name__ in _CRASH_POINTS:
                calls += 1
                if calls == point:
                    os.kill(os.getpid(), signal.SIGKILL)

        try:
            sys.setprofile(count)
            action()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def test_a_delivery_survives_a_crash_at_any_moment(studio: Any, tmp_path: Path) -> None:
    """Killed before any of its calls, the next daemon delivers each file whole, once, with one line."""
    _add_archive(studio)
    settings = studio.settings
    with _opened(settings) as ledger:
        item = _approved(ledger, settings)
    template = tmp_path / "template"
    shutil.copytree(studio.root, template)

    def deliver_all() -> None:
        with _opened(settings) as own:
            recover(own, settings)
            _deliver_due(own, settings)

    point = 0
    died = True
    while died:
        point += 4
        shutil.rmtree(studio.root)
        shutil.copytree(template, studio.root)
        died = _dies_at(point, deliver_all)
        if died and point % 3 == 0:
            _dies_at(point // 2, deliver_all)  # and its successor too
        deliver_all()
        assert _outbox(settings) == {
            "small/ring.jpg": f"composite-small.jpg of {item}".encode(),
            "white/ring.png": f"composite-white.png of {item}".encode(),
        }, f"killed before call {point}"
        assert sorted(line["file"] for line in _manifest(settings)) == ["small/ring.jpg", "white/ring.png"]
        assert (studio.root / "archive" / "main" / "ring.jpg").read_bytes() == b"original of ring.jpg"
        with _opened(settings) as ledger:
            assert get_item(ledger, item).status is Status.DELIVERED
    assert point > 30


_ON_A_SMALL_DISK = """
import errno, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from studiod.settings import load_settings
import importlib.util
spec = importlib.util.spec_from_file_location("helpers", {this!r})
helpers = importlib.util.module_from_spec(spec)
sys.modules["helpers"] = helpers
spec.loader.exec_module(helpers)
helpers.{action}(load_settings(Path({settings!r})))
"""


def fill_and_deliver(settings: Settings) -> None:
    """On a tmpfs as outbox: deliver while it is full, then with room; run inside a user namespace."""
    with _opened(settings) as ledger:
        item = get_item(ledger, _approved(ledger, settings))
        ballast = settings.outbox / "ballast"
        try:
            with ballast.open("wb", buffering=0) as stream:
                while stream.write(b"\0" * 4096):
                    pass
        except OSError as error:
            assert error.errno == errno.ENOSPC
        try:
            deliver(ledger, settings, item)
        except OutOfSpace:
            pass
        else:
            raise AssertionError("a delivery to a full disk was not OutOfSpace")
        assert get_item(ledger, item.id).status is Status.APPROVED
        assert sorted(_outbox(settings)) == ["ballast"]
        ballast.unlink()
        assert deliver(ledger, settings, item).status is Status.DELIVERED
        assert sorted(_outbox(settings)) == ["small/ring.jpg", "white/ring.png"]
        assert len(_manifest(settings)) == 2


def shut_and_deliver(settings: Settings) -> None:
    """On a tmpfs as outbox: deliver while it may only be read, then as before."""
    _shut_and_deliver(settings, settings.outbox)


def shut_the_archive_and_deliver(settings: Settings) -> None:
    """The same with the archive's folder of the one hot folder."""
    assert settings.delivery.archive is not None
    folder = settings.delivery.archive / "main"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=True)
    _shut_and_deliver(settings, folder)


def _shut_and_deliver(settings: Settings, folder: Path) -> None:
    def remount(how: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{how}", folder], check=True)

    with _opened(settings) as ledger:
        item = get_item(ledger, _approved(ledger, settings))
        remount("ro")
        for _ in range(2):
            try:
                deliver(ledger, settings, item, last_try=True)
            except OutboxClosed as error:
                assert "Read-only file system" in error.message
            else:
                raise AssertionError("a delivery to a disk that may only be read was not OutboxClosed")
            assert get_item(ledger, item.id).status is Status.APPROVED
        remount("rw")
        assert deliver(ledger, settings, item, last_try=True).status is Status.DELIVERED


@pytest.mark.parametrize("action", ["fill_and_deliver", "shut_and_deliver", "shut_the_archive_and_deliver"])
def test_an_outbox_that_takes_nothing_is_no_failure(studio: Any, action: str) -> None:
    """Full, or read-only as the archive may be, it leaves the item approved and no torn file; afterwards it
    is delivered whole."""
    _add_archive(studio)
    script = _ON_A_SMALL_DISK.format(
        tests=str(Path(__file__).parent), this=__file__, settings=str(studio.file), action=action
    )
    mount = f"mount -t tmpfs -o size=64k tmpfs '{studio.outbox}' && touch '{studio.outbox / MARKER}'"
    run = f"{mount} && exec '{sys.executable}' -c \"$SCRIPT\""
    probe = (
        subprocess.run(
            ["unshare", "-Urm", "sh", "-c", mount],
            capture_output=True,
            check=False,
        )
        if shutil.which("unshare")
        else None
    )
    if probe is None or probe.returncode != 0:
        pytest.skip("no user namespace with a mount of its own on this machine")
    done = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", run],
        env={**os.environ, "SCRIPT": script},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_an_approval_taken_back_in_that_moment_is_no_error(studio: Any) -> None:
    """Who decides otherwise while a delivery begins has the last word; the night goes on."""
    with _opened(studio.settings) as ledger:
        number = _approved(ledger, studio.settings, price=500000)
        item = get_item(ledger, number)
        undo(ledger, number, PERSON)
        told = deliver(ledger, studio.settings, item)
        assert told == Delivered(number, Status.AWAITING_REVIEW, reason=told.reason)
        assert told.reason
    assert not list(studio.outbox.rglob("*.jpg"))
