from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from studiod.daemon.every import Every
from studiod.daemon.guard import Guard, find_obstacles
from studiod.daemon.hook import Hook
from studiod.daemon.housekeeping import DAY, clear_leftovers, clear_originals
from studiod.daemon.jobs import CheckReturn, IdentifyReturn, Reply, SendTouchup
from studiod.daemon.lock import DaemonLock
from studiod.daemon.notices import DEATHS_IN_A_ROW, PATIENCE_SECONDS, Notices
from studiod.daemon.originals import Originals
from studiod.daemon.systemd import ServiceManager
from studiod.daemon.touchup import Returning, Sending, TouchupDesk
from studiod.daemon.touchup_jobs import send_touchup
from studiod.daemon.workbench import Workbench, seconds_each
from studiod.errors import LedgerError, StudioError
from studiod.ledger import queue
from studiod.ledger.engine import Ledger, open_ledger
from studiod.ledger.reading import decisions, find_file, get_item, history
from studiod.ledger.records import Claimed, FileFacts, FileState, NewItem, Person
from studiod.ledger.review import flag, request_strokes, undo
from studiod.ledger.states import Status
from studiod.ledger.touchup import RETURNS, find_touchup, record_sent
from studiod.settings import MARKER
from studiod.strokes import Stroke
from tests.looking import made_up


def test_a_second_daemon_is_refused_with_the_first_ones_pid(tmp_path: Path) -> None:
    """The lock names its holder, and is free again when that ends, even by SIGKILL."""
    holder = textwrap.dedent(f"""
        from pathlib import Path
        from studiod.daemon.lock import DaemonLock
        with DaemonLock(Path({str(tmp_path)!r})):
            print("held", flush=True)
            input()
        """)
    with subprocess.Popen(
        [sys.executable, "-c", holder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        with pytest.raises(StudioError, match=rf"pid {process.pid}\)"), DaemonLock(tmp_path):
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
    with DaemonLock(tmp_path):
        assert (tmp_path / "studiod.lock").read_text() == f"{os.getpid()}\n"


def test_another_users_lock_is_refused_with_a_sentence(tmp_path: Path) -> None:
    """A lock that this user may not write is the other user's daemon's: no mistake of studiod."""
    lock = tmp_path / "studiod.lock"
    lock.touch(0o400)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        with pytest.raises(StudioError, match="may not write it"), DaemonLock(tmp_path):
            pass
    finally:
        if is_root:
            os.seteuid(0)


def test_systemd_is_told(tmp_path: Path) -> None:
    """READY, WATCHDOG and STOPPING go to the socket; a status only when it changed."""
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(path))
        receiver.settimeout(5)
        service = ServiceManager({"NOTIFY_SOCKET": str(path)})
        service.ready()
        service.status("idle")
        service.status("idle")
        service.alive()
        service.stopping()
        assert [receiver.recv(100) for _ in range(4)] == [
            b"READY=1",
            b"STATUS=idle",
            b"WATCHDOG=1",
            b"STOPPING=1",
        ]
    ServiceManager({}).ready()


def test_a_missing_marker_stops_what_would_be_written_there(studio: Any) -> None:
    """Without the outbox's marker nothing is delivered but all is made; without work's, nothing is made."""
    assert find_obstacles(studio.settings).all == {}
    (studio.outbox / MARKER).unlink()
    found = find_obstacles(studio.settings)
    assert found.work == {} and list(found.delivery) == ["outbox"]
    (studio.root / "work" / MARKER).unlink()
    assert "mounted" in find_obstacles(studio.settings).work["work"]


def test_a_disk_below_the_floor_stops_everything(studio: Any) -> None:
    """Folders on one file system below the floor give one sentence, for making and delivering."""
    studio.rewrite("min_free_gb = 0", "min_free_gb = 1e9")
    found = find_obstacles(studio.settings)
    assert len(found.work) == 1 and found.work == found.delivery
    assert "min_free_gb" in found.work["work"]


def test_a_disk_that_fails_stops_everything_for_a_while(
    studio: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """What is held is an obstacle to all, said once, until its time is up; then all goes on."""
    guard, now = Guard(studio.settings), time.monotonic()
    guard.look(now)
    assert guard.obstacles.all == {}
    guard.hold("The disk is full.")
    guard.hold("The disk is full.")
    found = guard.obstacles
    assert found.work == found.delivery == found.touchup == {"held": "The disk is full."}
    guard.look(now + 3600)
    assert guard.obstacles.all == {}
    assert [record.getMessage() for record in caplog.records] == ["The disk is full."]


def test_every_so_often() -> None:
    """Due at first, then not before the seconds are over, unless it is asked for at once."""
    every = Every(5.0)
    assert [every.due(now) for now in (100.0, 104.9, 105.0, 106.0)] == [True, False, True, False]
    every.at_once()
    assert every.due(106.5) and not every.due(111.4)


class _Told:
    def __init__(self) -> None:
        self.events: list[str] = []
        self.messages: list[str] = []

    def __call__(self, event: str, message: str, **facts: object) -> None:
        self.events.append(event)
        self.messages.append(message)


def test_a_pause_is_told_once_after_five_minutes() -> None:
    """A pause shorter than that is not told; a longer one once, and its end too."""
    told = _Told()
    notices = Notices(told)
    notices.paused({"work": "full"}, 0.0)
    notices.paused({}, PATIENCE_SECONDS - 1)
    notices.paused({"work": "full"}, PATIENCE_SECONDS)
    assert told.events == []
    for extra in (0.0, 1.0, 500.0):
        notices.paused({"work": f"full for {extra} s"}, 2 * PATIENCE_SECONDS + extra)
    notices.paused({}, 9000.0)
    assert told.events == ["paused", "resumed"]


def test_the_end_is_told_when_another_pause_outlasts_the_one_that_was_told() -> None:
    """The daemon works again once nothing keeps it any more, whichever cause was the one told."""
    told = _Told()
    notices = Notices(told)
    share, disk = {"hot folder shared": "The share is off."}, {"work": "The disk is full."}
    for now, causes in ((0.0, share), (PATIENCE_SECONDS, share), (400.0, share | disk), (500.0, disk)):
        notices.paused(causes, now)
    assert told.events == ["paused"]
    notices.paused({}, 600.0)
    notices.paused({}, 700.0)
    assert told.events == ["paused", "resumed"]


def test_a_second_pause_is_told_beside_a_first() -> None:
    """A share that is off every night hides no disk that fills up: each is told, once, after five minutes."""
    told = _Told()
    notices = Notices(told)
    share, disk = {"hot folder shared": "The share is off."}, {"work": "The disk is full."}
    for now in (0.0, 10.0, PATIENCE_SECONDS, 9000.0):
        notices.paused(share if now in (0.0, 9000.0) else share | {"hot folder other": "So is this."}, now)
    assert told.events == ["paused"]
    for extra in (0.0, PATIENCE_SECONDS - 1, PATIENCE_SECONDS, PATIENCE_SECONDS + 1):
        notices.paused(share | disk, 10_000.0 + extra)
    assert told.events == ["paused", "paused"]
    notices.paused(share, 20_000.0)
    notices.paused(share | disk, 20_001.0)
    assert told.events == ["paused", "paused"]
    notices.paused({}, 20_002.0)
    assert told.events == ["paused", "paused", "resumed"]


def test_workers_that_keep_dying_are_told_once() -> None:
    """The fifth death in a row is told; again only after a success came between."""
    told = _Told()
    notices = Notices(told)
    for deaths in (*range(DEATHS_IN_A_ROW + 3), 0, DEATHS_IN_A_ROW):
        notices.deaths(deaths)
    assert told.events == ["workers_dying", "workers_dying"]


def test_the_end_of_the_work_is_told_once_it_lasts() -> None:
    """Done is told after five idle minutes, only where pictures were made, once."""
    told = _Told()
    notices = Notices(told)
    for now in (0.0, PATIENCE_SECONDS + 1):
        notices.idle(True, now, {})
    assert told.events == []
    notices.made()
    for now in (1000.0, 1001.0, 1000.0 + PATIENCE_SECONDS, 5000.0):
        notices.idle(True, now, {})
    assert told.events == ["done"]


def test_one_picture_is_not_called_pictures() -> None:
    """What is told of one picture, and of one that waits, is said in the singular."""
    told = _Told()
    notices = Notices(told)
    notices.made()
    notices.done({"awaiting_review": 1})
    for _ in range(2):
        notices.made()
    notices.done({"awaiting_review": 2})
    assert told.messages == ["1 picture made, 1 waits for a person.", "2 pictures made, 2 wait for a person."]


def test_the_command_gets_one_line_of_json(tmp_path: Path, wait_for: Callable[..., None]) -> None:
    """The [notify] command runs in the studio's folder; event, message and facts are on its input."""
    told = tmp_path / "told"
    hook = Hook("cat >> told", tmp_path)
    hook.tell("done", "all done", made=3)
    hook.wait(10)
    wait_for(lambda: told.exists() and told.read_text().endswith("\n"), "the command's line")
    [line] = told.read_text().splitlines()
    assert json.loads(line) == {"event": "done", "message": "all done", "made": 3}
    Hook("", tmp_path).tell("done", "nobody listens")


def test_the_end_of_a_watch_is_no_error() -> None:
    """What watchdog says when a watch ends during an event is not in the log; its real errors are."""
    program = """if True:
        from watchdog.observers.api import EventQueue, ObservedWatch
        from watchdog.observers.inotify import InotifyEmitter, logger
        from studiod.daemon.logs import configure_logging
        configure_logging("text")
        InotifyEmitter(EventQueue(), ObservedWatch("/", recursive=False)).queue_events(0.0)
        logger.error("something else")
        """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    [line] = done.stderr.splitlines()
    assert line.endswith("error   something else")


@pytest.mark.parametrize("form", ["text", "json"])
def test_names_reach_the_log_only_escaped(form: str) -> None:
    """A name with an escape sequence and a newline is one harmless line, in both forms."""
    code = textwrap.dedent(f"""
        import logging
        from studiod.daemon.logs import configure_logging
        configure_logging({form!r})
        logging.getLogger("studiod.x").warning("quarantined %s", "a\\x1b[2J\\nb\\udcff")
        """)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    [line] = done.stderr.splitlines()
    assert "\x1b" not in line
    message = json.loads(line)["message"] if form == "json" else line
    assert r"a\x1b[2J\x0ab\xff" in message


# Housekeeping and the touch-up desk, on a real ledger.

PERSON = Person(os.getuid(), "anna")


@pytest.fixture
def ledger(studio: Any) -> Iterator[Ledger]:
    """The ledger of `studio`; whoever finds it busy is told at once."""
    opened = open_ledger(studio.settings.database, migrate=True, busy_seconds=0.0)
    yield opened
    opened.close()


def _flagged(ledger: Ledger, path: str = "ring.jpg") -> int:
    """An item whose first version was flagged."""
    item = queue.add_item(ledger, NewItem(FileFacts("main", path, path.ljust(64, "0"), 9, 1), "R-1"))
    claimed = queue.claim(ledger, "worker", 60)
    assert claimed is not None and claimed.item == item
    queue.finish(ledger, claimed, made_up(claimed))
    flag(ledger, item, 1, PERSON, note="the prong is gone")
    return item


def _sent(ledger: Ledger, item: int, folder: str) -> None:
    """What was flagged of an item lies in a folder for a retoucher."""
    at = decisions(ledger, item)[-1].at
    assert record_sent(ledger, item, 1, folder, (0, 0, 10, 10), files={}, flagged_at=at)


def _came_back_while_worked_on(
    ledger: Ledger, studio: Any, desk: TouchupDesk, name: str, kept: str
) -> Claimed:
    """A touch-up that was checked while its item was in a worker's hands, so that it must wait."""
    item = _flagged(ledger, f"{name}.jpg")
    _sent(ledger, item, name)
    undo(ledger, item, PERSON)
    request_strokes(ledger, item, 1, [Stroke(((1.0, 1.0),), 4.0, "keep")], PERSON)
    claimed = queue.claim(ledger, "worker", 60)
    assert claimed is not None
    path = studio.settings.touchup_return / name
    path.write_bytes(b"a touch-up of " + os.fsencode(name))
    there = path.stat()
    facts = FileFacts(
        RETURNS, name, name.ljust(64, "0"), there.st_size, there.st_mtime_ns, inode=there.st_ino
    )
    returning = Returning(facts, find_touchup(ledger, item, 1))
    desk.answered(returning, Reply(1, {"kept": kept, "problem": None}), "")
    return claimed


def test_an_undo_in_the_moment_of_sending_is_obeyed(studio: Any, ledger: Ledger) -> None:
    """A flag that is taken back while its item is looked up is not sent; flagged again, it is."""
    item = _flagged(ledger)
    to_undo = [item]

    def clock() -> float:  # the desk's ledger asks for the time once it has found what is flagged
        if to_undo:
            undo(ledger, to_undo.pop(), PERSON)
        return time.time()

    with closing(open_ledger(studio.settings.database, clock=clock)) as late:
        desk = TouchupDesk(studio.settings, late)
        desk.tick(0.0)
        assert not to_undo and desk.next_job() is None
        assert desk.idle
        flag(ledger, item, 1, PERSON)
        desk.tick(10.0)
        job = desk.next_job()
        assert job is not None and isinstance(job[0], Sending) and job[0].item == item


def test_what_is_said_while_a_worker_writes_is_sent_too(studio: Any, ledger: Ledger) -> None:
    """A flag that was set anew in a worker's last moment goes out after the one that was taken back."""
    desk = TouchupDesk(studio.settings, ledger)
    item = _flagged(ledger)
    desk.tick(0.0)
    for note, folder in (("the other prong", "ring"), ("", "ring-2")):
        job = desk.next_job()
        assert job is not None and isinstance(job[0], Sending)
        if note:
            undo(ledger, item, PERSON)
            flag(ledger, item, 1, PERSON, note=note)
        desk.answered(job[0], Reply(1, {"folder": folder, "box": (0, 0, 10, 10), "files": {}}), "")
        desk.tick(10.0 if note else 20.0)
    assert desk.next_job() is None and desk.idle
    sent = find_touchup(ledger, item, 1)
    assert sent is not None and sent.folder == "ring-2"


def test_flagged_anew_while_it_is_written_it_is_sent_in_the_new_words(studio: Any, ledger: Ledger) -> None:
    """A folder that was being written says what the flag before said: it goes, and one with the new words
    follows."""
    item, other = _flagged(ledger), _flagged(ledger, "other.jpg")
    desk = TouchupDesk(studio.settings, ledger)
    desk.tick(0.0)
    jobs = [desk.next_job(), desk.next_job()]
    undo(ledger, item, PERSON)
    flag(ledger, item, 1, PERSON, note="and the stone is chipped")
    desk.tick(10.0)
    assert desk.next_job() is None, "no two workers write the same folder"
    files = {"ring.tif": hashlib.sha256(b"written").hexdigest()}
    for number, job in enumerate(jobs):
        assert job is not None
        folder = studio.settings.touchup / f"folder{number}"
        folder.mkdir()
        (folder / "ring.tif").write_bytes(b"written")
        desk.answered(job[0], Reply(1, {"folder": folder.name, "box": [0, 0, 10, 10], "files": files}), "")
    assert [each.name for each in studio.settings.touchup.glob("folder*")] == ["folder1"]
    desk.tick(20.0)
    again = desk.next_job()
    assert again is not None and isinstance(again[1], SendTouchup) and desk.next_job() is None
    assert (again[1].complaint["item"], again[1].complaint["note"]) == (item, "and the stone is chipped")
    desk.answered(again[0], Reply(1, {"folder": "folder0-2", "box": [0, 0, 10, 10], "files": {}}), "")
    desk.tick(30.0)
    sent = [find_touchup(ledger, each, 1) for each in (item, other)]
    assert [each and each.folder for each in sent] == ["folder0-2", "folder1"]
    assert desk.next_job() is None and desk.idle


def test_of_two_files_for_a_piece_the_one_that_was_saved_last_counts(studio: Any, ledger: Ledger) -> None:
    """Whichever worker is done first, they are taken in the order in which they were saved."""
    item, other = _flagged(ledger), _flagged(ledger, "other.jpg")
    for each in (item, other):
        _sent(ledger, each, f"ring{each}")
    desk = TouchupDesk(studio.settings, ledger)
    for age, name in enumerate(("last.tif", "others.tif", "first.psd")):
        path = studio.settings.touchup_return / name
        path.write_bytes(os.fsencode(name))
        os.utime(path, (1_700_000_000 - age, 1_700_000_000 - age))
    asked: dict[str, Returning] = {}
    for tick in range(30):
        desk.tick(10.0 * tick)
        while (job := desk.next_job()) is not None:
            assert isinstance(job[0], Returning)
            asked[job[0].facts.path] = job[0]
    for name, answers in {"last.tif": item, "others.tif": other, "first.psd": item}.items():
        told = {"sha256": name.ljust(64, "0"), "item": answers, "version": 1, "photograph": ""}
        desk.answered(asked[name], Reply(1, {**told, "problem": None}), "")
    while (job := desk.next_job()) is not None:
        assert isinstance(job[0], Returning) and isinstance(job[1], CheckReturn)
        name = job[0].facts.path
        desk.answered(job[0], Reply(1, {"kept": name, "problem": None}), "")
        assert (find_file(ledger, RETURNS, name) is None) is (name == "last.tif")
    desk.tick(500.0)
    taken = [event.details["file"] for event in history(ledger, item) if event.what == "touchup_returned"]
    assert taken == ["first.psd", "last.tif"] and desk.idle


def test_what_came_back_waits_for_a_busy_ledger(studio: Any, ledger: Ledger) -> None:
    """Checked files that wait for their items are all taken once the ledger can be written again."""
    desk = TouchupDesk(studio.settings, ledger)
    held = [_came_back_while_worked_on(ledger, studio, desk, name, f"{name}.tif") for name in "ab"]
    for claimed in held:
        queue.finish(ledger, claimed, made_up(claimed))
    with closing(sqlite3.connect(studio.settings.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerError, match="busy"):
            desk.tick(0.0)
    desk.tick(10.0)
    found = [find_file(ledger, RETURNS, name) for name in "ab"]
    assert [file and file.state for file in found] == ["returned", "returned"]


def test_what_was_taken_is_not_set_aside_because_it_was_touched(studio: Any, ledger: Ledger) -> None:
    """A taken file that a program touches is known before it is checked, whatever became of its item."""
    desk = TouchupDesk(studio.settings, ledger)
    held = [_came_back_while_worked_on(ledger, studio, desk, name, f"{name}.tif") for name in "ab"]
    for claimed in held:
        queue.finish(ledger, claimed, made_up(claimed))
    desk.tick(0.0)
    before = [find_file(ledger, RETURNS, name) for name in "ab"]
    os.utime(studio.settings.touchup_return / "a", (1.0, 1.0))
    for round_ in range(1, 9):
        desk.tick(100.0 * round_)
        if (job := desk.next_job()) is not None:
            assert isinstance(job[0], Returning) and isinstance(job[1], IdentifyReturn)
            known = {"sha256": "a".ljust(64, "0"), "problem": None, "item": held[0].item, "version": 1}
            desk.answered(job[0], Reply(1, {**known, "photograph": ""}), "")
    assert desk.idle
    after = [find_file(ledger, RETURNS, name) for name in "ab"]
    assert [file and (file.state, file.item, file.facts.kept_copy) for file in after] == [
        file and (file.state, file.item, file.facts.kept_copy) for file in before
    ]
    assert [file and file.state for file in after] == ["returned", "returned"]


def test_what_came_back_for_an_item_in_other_hands_keeps_no_one(studio: Any, ledger: Ledger) -> None:
    """A pass need not wait for a file whose item cannot take it now: the desk rests, but is not idle."""
    desk = TouchupDesk(studio.settings, ledger)
    item = _flagged(ledger)
    _sent(ledger, item, "ring")
    undo(ledger, item, PERSON)
    request_strokes(ledger, item, 1, [Stroke(((1.0, 1.0),), 4.0, "keep")], PERSON)
    claimed = queue.claim(ledger, "worker", 60)
    assert claimed is not None
    (studio.settings.touchup_return / "one.tif").write_bytes(b"a touch-up")
    answers = {"problem": None, "sha256": "1" * 64, "item": item, "version": 1, "photograph": "", "kept": "k"}
    for now in range(0, 200, 10):
        desk.tick(float(now))
        if (job := desk.next_job()) is not None:
            assert not desk.rests
            desk.answered(job[0], Reply(1, answers), "")
    assert desk.rests and not desk.idle
    queue.finish(ledger, claimed, made_up(claimed))
    desk.tick(300.0)
    assert desk.idle


def test_a_mistake_about_one_returned_file_sets_that_one_aside(studio: Any, ledger: Ledger) -> None:
    """What nobody thought of (here: a kept copy whose name the ledger cannot hold) costs its file alone."""
    desk = TouchupDesk(studio.settings, ledger)
    odd = _came_back_while_worked_on(ledger, studio, desk, "a", "a.\udcff")
    good = _came_back_while_worked_on(ledger, studio, desk, "b", "b.tif")
    queue.finish(ledger, odd, made_up(odd))
    queue.finish(ledger, good, made_up(good))
    desk.tick(0.0)
    first, second = (find_file(ledger, RETURNS, name) for name in "ab")
    assert first is not None and second is not None
    assert (first.state, second.state) == ("set_aside", "returned")
    assert "a mistake about it (UnicodeEncodeError" in first.reason


def test_a_worker_that_dies_over_a_touch_up_costs_it_one_of_three_tries(studio: Any, ledger: Ledger) -> None:
    """Sent or taken back, it is tried again; at the third death it is said to be at fault."""
    desk = TouchupDesk(studio.settings, ledger)
    item = _flagged(ledger)
    for round_ in range(3):
        desk.tick(10.0 * round_)
        job = desk.next_job()
        assert job is not None and isinstance(job[0], Sending)
        desk.answered(job[0], None, "the worker was killed by SIGKILL")
    desk.tick(40.0)
    assert desk.next_job() is None and "SIGKILL" in history(ledger, item)[-1].reason
    (studio.settings.touchup_return / "ring_item1_v1.tif").write_bytes(b"a touch-up")
    returned = []
    for round_ in range(30):
        desk.tick(50.0 + 10.0 * round_)
        if (job := desk.next_job()) is not None:
            assert find_file(ledger, RETURNS, "ring_item1_v1.tif") is None
            returned.append(job[0])
            desk.answered(job[0], None, "the worker was killed by SIGKILL")
    assert len(returned) == 3
    file = find_file(ledger, RETURNS, "ring_item1_v1.tif")
    assert file is not None and file.state == "set_aside" and "SIGKILL" in file.reason


def test_a_copy_that_was_not_kept_is_made_later(studio: Any, ledger: Ledger) -> None:
    """A worker's death costs one of three tries, and the next daemon finds whatever has no copy: items that
    are not settled, and plates; not what is gone from its hot folder."""
    paths = [f"{name}.jpg" for name in ("waiting", "flagged", "gone")]
    for path in paths:
        (studio.hot / path).write_bytes(b"picture")
    queue.add_item(ledger, NewItem(FileFacts("main", paths[0], "a" * 64, 9, 1), "R-1"))
    claimed = queue.claim(ledger, "worker", 60)
    assert claimed is not None
    queue.finish(ledger, claimed, made_up(claimed))
    _flagged(ledger, paths[1])
    queue.add_item(ledger, NewItem(FileFacts("main", paths[2], "b" * 64, 9, 1), "R-2"))
    (studio.hot / paths[2]).unlink()
    (studio.hot / "plate.jpg").write_bytes(b"plate")
    queue.record_file(ledger, FileFacts("main", "plate.jpg", "c" * 64, 9, 1), FileState.PLATE)
    originals = Originals(studio.settings, ledger)
    originals.start()
    jobs = [originals.next_job() for _ in range(3)]
    assert [job and job[0].source.name for job in jobs] == [*paths[:2], "plate.jpg"] and originals.idle
    for left in (2, 1, 0):
        assert jobs[0] is not None
        originals.answered(jobs[0][0], None, "the worker was killed by SIGKILL")
        assert (originals.next_job() is not None) == (left > 0)


def test_what_a_worker_misses_in_a_folder_that_went_meanwhile_waits_for_it(
    studio: Any, ledger: Ledger
) -> None:
    """Item and copy wait, and nobody takes them in hand until it is back; what is truly gone fails."""
    gone = Reply(1, None, "gone", "its original is gone, or holds other bytes now")
    item = queue.add_item(ledger, NewItem(FileFacts("main", "ring.jpg", "a" * 64, 9, 1), "R-1"))
    (studio.hot / "ring.jpg").write_bytes(b"picture")
    bench, originals = Workbench(studio.settings, ledger), Originals(studio.settings, ledger)
    originals.start()
    job, copy = bench.next_job(0.0, captures=True), originals.next_job()
    assert job is not None and copy is not None
    studio.hot.rename(studio.root / "unplugged")
    bench.answered(job[0], gone, "", 1.0)
    originals.answered(copy[0], gone, "")
    assert get_item(ledger, item).status is Status.RECEIVED
    assert bench.next_job(10.0, captures=True) is None and originals.next_job() is None and originals.idle
    (studio.root / "unplugged").rename(studio.hot)
    assert originals.next_job() == copy
    job = bench.next_job(20.0, captures=True)
    assert job is not None
    bench.answered(job[0], gone, "", 1.0)
    assert get_item(ledger, item).status is Status.FAILED


@pytest.mark.parametrize(
    ("spans", "each"),
    [
        ([(0.0, 4.0), (4.0, 8.0)], 4.0),
        ([(0.0, 4.0), (0.0, 4.0), (4.0, 8.0), (4.0, 8.0)], 2.0),
        ([(0.0, 4.0), (1.0, 2.0), (3.0, 6.0)], 2.0),
        ([(0.0, 4.0), (600.0, 604.0), (1200.0, 1204.0)], 4.0),
        ([(1200.0, 1204.0), (0.0, 4.0)], 4.0),
    ],
)
def test_pace_counts_no_idle_time(spans: list[tuple[float, float]], each: float) -> None:
    """How long a picture takes is told from the time at work, however long nothing came in between."""
    assert seconds_each(spans) == pytest.approx(each)


def test_a_version_whose_files_went_with_a_disk_is_made_again(studio: Any, ledger: Ledger) -> None:
    """What a worker made is recorded only where its files lie; else the item is taken up again."""
    item = queue.add_item(ledger, NewItem(FileFacts("main", "ring.jpg", "a" * 64, 9, 1), "R-1"))
    bench = Workbench(studio.settings, ledger)
    job = bench.next_job(0.0, captures=True)
    assert job is not None and not Path(job[1].folder).exists()
    assert not bench.answered(job[0], Reply(1, {"risk": 0.1}), "", 1.0)
    assert get_item(ledger, item).status is Status.RECEIVED


def test_what_a_killed_daemon_left_unfinished_is_cleared_away(studio: Any) -> None:
    """Temporary files and folders of ours go at the start; what is finished, or not ours, stays."""
    settings = studio.settings
    work, outbox, touchup = settings.work, settings.outbox, settings.touchup
    ours = [
        work / "originals" / f".studiod-{'a' * 32}.tmp", work / "returns" / ".studiod-b.tmp",
        work / "backups" / "before-0003.db.part", outbox / "small" / ".studiod-c.tmp",
        outbox / ".studiod-manifest.tmp", touchup / ".studiod-ring_item1_v1.new" / "ring.psd",
    ]  # fmt: skip
    others = [
        work / "originals" / f"{'a' * 64}.jpg", work / "backups" / "1.db", outbox / "small" / "ring.jpg",
        outbox / MARKER, touchup / "ring_item1_v1" / "ring.psd",
    ]  # fmt: skip
    for path in (*ours, *others):
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(b"")
    clear_leftovers(settings)
    assert not any(path.exists() for path in ours) and not ours[-1].parent.exists()
    assert all(path.exists() for path in others)


def test_a_path_that_cannot_be_looked_at_does_not_end_the_start(studio: Any, ledger: Ledger) -> None:
    """A file of a hot folder whose path fails, or a closed outbox, is no reason for a daemon not to start."""
    settings = studio.settings
    facts = FileFacts("main", f"{'a' * 300}/ring.jpg", "a" * 64, 9, 1)  # longer than a name may be
    queue.add_item(ledger, NewItem(facts, "R-1"))
    originals = Originals(settings, ledger)
    originals.start()
    assert originals.next_job() is None
    settings.outbox.chmod(0)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        clear_leftovers(settings)
    finally:
        if is_root:
            os.seteuid(0)
        settings.outbox.chmod(0o755)


def test_a_touch_up_is_not_sent_to_a_disk_that_is_not_there(
    studio: Any, write_picture: Callable[..., bytes]
) -> None:
    """Without its marker the folder is another disk's place: nothing is written there."""
    source = studio.hot / "ring.png"
    write_picture(source, 1)
    sha256 = hashlib.sha256(source.read_bytes()).hexdigest()
    complaint = {
        "item": 1, "version": 1, "sha256": sha256, "title": "", "photograph": "ring.png", "by": "anna",
        "reasons": [], "note": "", "box": None,
    }  # fmt: skip
    job = {
        "sources": [str(source)],
        "root": str(studio.settings.touchup),
        "folder": "",
        "complaint": complaint,
    }
    (studio.settings.touchup / MARKER).unlink()
    with pytest.raises(OSError, match="is its disk mounted"):
        send_touchup(job, 160)


def test_a_plates_copy_stays(studio: Any, ledger: Ledger) -> None:
    """However old, the copy of a plate on record is not cleared away."""
    folder = studio.settings.work / "originals"
    folder.mkdir(exist_ok=True)
    queue.record_file(ledger, FileFacts("main", "plate.jpg", "c" * 64, 9, 1), FileState.PLATE)
    kept = folder / f"{'c' * 64}.jpg"
    kept.write_bytes(b"plate")
    old = time.time() - 400 * DAY
    os.utime(kept, (old, old))
    assert clear_originals(ledger, studio.settings, time.time(), lambda: None) == 0
    assert kept.exists()


def test_what_is_not_ours_among_the_originals_stays(studio: Any, ledger: Ledger) -> None:
    """Only files named as studiod names them are cleared away, whatever else lies there and however old."""
    folder = studio.settings.work / "originals"
    folder.mkdir(exist_ok=True)
    old = time.time() - 40 * DAY
    kept = folder / f"{'a' * 64}.jpg"
    others = [folder / "notes.txt", folder / "\udcff.jpg", folder / ("b" * 64), folder / f"{'c' * 64}.jpg"]
    for path in (kept, *others[:2]):
        path.write_bytes(b"picture")
        os.utime(path, (old, old))
    others[2].mkdir()
    os.utime(others[2], (old, old))
    others[3].symlink_to(others[0])
    assert clear_originals(ledger, studio.settings, time.time(), lambda: None) == 1
    assert sorted(folder.iterdir()) == sorted(others)
