from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import logging
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studiod.daemon.delivery import DeliveryDesk
from studiod.daemon.housekeeping import DAY, clear_originals, clear_previews
from studiod.delivery.place import no_progress
from studiod.ledger.engine import open_ledger
from studiod.ledger.reading import daemon_state, every_item, get_version, history
from studiod.ledger.records import Activity
from studiod.ledger.review import current_person
from studiod.settings import MARKER
from tests.looking import look_closely


def _is_paused(daemon: Any, word: str) -> bool:
    """Whether the heartbeat says paused, with this word in its message."""
    state = daemon.state()
    return state is not None and state.activity == "paused" and word in state.message


def test_a_night_from_capture_to_outbox(
    studio: Any, daemon: Any, write_picture: Callable[..., bytes]
) -> None:
    """Cheap pieces leave by policy, one at exactly 1,000.00 too; dear and unpriced ones wait for a person,
    are delivered once approved, and come back with a recall."""
    for seed, name in enumerate(("R-CHEAP", "R-EDGE", "R-DEAR", "UNKNOWN")):
        write_picture(studio.hot / f"{name}.jpg", seed)
    daemon.until_idle()
    assert daemon.statuses() == {
        "R-CHEAP.jpg": "delivered",
        "R-EDGE.jpg": "delivered",
        "R-DEAR.jpg": "awaiting_review",
        "UNKNOWN.jpg": "awaiting_review",
    }
    dear = next(item for item in daemon.ask("list") if item["sku"] == "R-DEAR")
    assert dear["mandatory"] and dear["price"] == "1000.01" and dear["output"] == []
    assert not (studio.outbox / "small" / "R-DEAR.jpg").exists()
    ledger = open_ledger(studio.settings.database)
    look_closely(ledger, dear["item"], current_person())
    ledger.close()
    daemon.do("approve", str(dear["item"]))
    daemon.until_idle()
    assert daemon.statuses()["R-DEAR.jpg"] == "delivered"
    assert (studio.outbox / "small" / "R-DEAR.jpg").is_file()
    daemon.do("recall", str(dear["item"]))
    daemon.until_idle()
    assert (studio.outbox / "recalled" / "R-DEAR.jpg").is_file()
    assert not (studio.outbox / "small" / "R-DEAR.jpg").exists()
    assert daemon.statuses()["R-DEAR.jpg"] == "awaiting_review"


def test_a_culled_original_is_processed_from_its_copy(
    studio: Any, daemon: Any, write_picture: Callable[..., bytes], wait_for: Callable[..., None]
) -> None:
    """Outside of its hours, which it names, the daemon copies what comes; originals and plates may go."""
    other = (dt.datetime.now() + dt.timedelta(hours=12)).hour
    studio.rewrite("[daemon]", f'[daemon]\nhours = "{other:02}:00-{other:02}:01"')
    plate = write_picture(studio.hot / "plate.jpg", 2)
    content = write_picture(studio.hot / "R-CHEAP.jpg", 1)
    originals = studio.root / "work" / "originals"
    daemon.start()
    wait_for(lambda: len(list(originals.glob("*.jpg"))) == 2, "the copies")
    wait_for(lambda: _is_paused(daemon, "1 picture waits for the hours"), "the pause")
    assert f"in the hours {other:02}:00-{other:02}:01" in daemon.words()
    assert daemon.stop() == 0
    (studio.hot / "R-CHEAP.jpg").unlink()
    (studio.hot / "plate.jpg").unlink()
    daemon.until_idle()  # a pass is asked for by a person: hours do not hold it
    assert daemon.statuses() == {"R-CHEAP.jpg": "delivered"}
    assert {copy.read_bytes() for copy in originals.glob("*.jpg")} == {content, plate}
    ledger = open_ledger(studio.settings.database)
    [item] = every_item(ledger)
    made = get_version(ledger, item.id)
    ledger.close()
    assert made is not None
    assert made.made.plate_sha256 == hashlib.sha256(plate).hexdigest(), made.made.plate_message


@pytest.mark.parametrize("copies", ["true", "false"])
def test_a_hot_folder_that_is_unplugged_fails_no_item(
    studio: Any, daemon: Any, write_picture: Callable[..., bytes], wait_for: Callable[..., None], copies: str
) -> None:
    """What was taken up from it and not copied yet waits; that of another, and what was copied, is made.

    A pass ends, and says why; back again, all is copied, made and delivered.
    """
    card, other = studio.root / "hot", studio.root / "other"
    other.mkdir()
    (other / MARKER).touch()
    more = '[[hot_folder]]\nname = "other"\npath = "other"\npresets = ["small"]\n\n[intake]'
    studio.rewrite("[intake]", more)
    studio.rewrite("min_free_gb = 0", f"min_free_gb = 1e9\ncopy_originals = {copies}")
    for seed in (1, 2, 3):
        write_picture(card / f"R-CHEAP_{seed}.jpg", seed)
    write_picture(other / "R-CHEAP_4.jpg", 4)
    daemon.start("--until-idle")  # taken up, and neither copied nor made
    assert daemon.wait() == 1
    studio.rewrite("min_free_gb = 1e9", "min_free_gb = 0")
    card.rename(studio.root / "unplugged")
    daemon.start("--until-idle")
    assert daemon.wait() == 1
    assert "Hot folder main is paused" in daemon.words().splitlines()[-1]
    waiting = {f"R-CHEAP_{seed}.jpg": "received" for seed in (1, 2, 3)}
    assert daemon.statuses() == {**waiting, "R-CHEAP_4.jpg": "delivered"}
    daemon.start()  # that wait holds up nobody who is to hear that all else is done
    with contextlib.closing(open_ledger(studio.settings.database)) as ledger:
        wait_for(lambda: (state := daemon_state(ledger)) and state.activity is Activity.IDLE, "it is idle")
    daemon.stop()
    (studio.root / "unplugged").rename(card)
    daemon.until_idle()
    assert set(daemon.statuses().values()) == {"delivered"}
    assert len(list((studio.root / "work" / "originals").glob("*"))) == (4 if copies == "true" else 0)


def test_what_is_tried_again_in_vain_still_says_what_to_do(studio: Any, daemon: Any) -> None:
    """The reason of a quarantined item ends with the hint after `retry` too."""
    (studio.hot / "letter.jpg").write_text("Dear photographer")
    daemon.until_idle()
    [item] = daemon.items()
    daemon.do("retry", str(item.id))
    daemon.until_idle()
    [again] = daemon.items()
    hint = "Take it out from among the photographs."
    assert again.status == "quarantined" and item.reason.endswith(hint) and again.reason.endswith(hint)


def test_sigterm_gives_back_what_is_in_hand(
    studio: Any, daemon: Any, write_picture: Callable[..., bytes], wait_for: Callable[..., None]
) -> None:
    """SIGTERM in the middle of the work ends with 0, and nothing stays in a dead daemon's hands."""
    for seed in range(12):
        write_picture(studio.hot / f"R-CHEAP_{seed}.jpg", seed)
    daemon.start()
    wait_for(lambda: len(daemon.statuses()) == 12, "the items")
    wait_for(lambda: "made in" in daemon.words(), "the first picture")
    assert daemon.stop() == 0
    assert not {"processing", "failed"} & set(daemon.statuses().values())
    assert daemon.state().activity == "stopped"


def test_a_second_daemon_is_refused(studio: Any, daemon: Any, wait_for: Callable[..., None]) -> None:
    """It says the first one's pid and ends with 1; the first goes on."""
    daemon.start()
    wait_for(lambda: "starts" in daemon.words(), "the first daemon")
    second = subprocess.run(
        [sys.executable, "-P", "-m", "studiod", "run", "--config", str(studio.file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    assert f"pid {daemon.process.pid}" in second.stderr
    assert daemon.process.poll() is None
    assert daemon.stop() == 0


def test_a_missing_marker_pauses_and_work_resumes(
    studio: Any, daemon: Any, write_picture: Callable[..., bytes], wait_for: Callable[..., None]
) -> None:
    """Without the outbox's marker all is made and nothing delivered; a pass says why and ends with 1."""
    marker = studio.outbox / ".studiod-root"
    marker.unlink()
    write_picture(studio.hot / "R-CHEAP.jpg", 1)
    daemon.start("--until-idle")
    assert daemon.wait() == 1
    assert "is its disk mounted?" in daemon.words()
    assert daemon.statuses() == {"R-CHEAP.jpg": "approved"}
    assert list(studio.outbox.iterdir()) == []
    daemon.start()
    wait_for(lambda: "marker" in daemon.state().message, "the message")
    marker.touch()
    wait_for(lambda: daemon.statuses() == {"R-CHEAP.jpg": "delivered"}, "the delivery")
    assert daemon.stop() == 0


def test_a_disk_below_the_floor_pauses(
    studio: Any, daemon: Any, write_picture: Callable[..., bytes], wait_for: Callable[..., None]
) -> None:
    """Below min_free_gb files are taken up but nothing is made, and the status says so."""
    studio.rewrite("min_free_gb = 0", "min_free_gb = 1e9")
    write_picture(studio.hot / "R-CHEAP.jpg", 1)
    daemon.start()
    wait_for(lambda: _is_paused(daemon, "min_free_gb"), "the pause")
    assert daemon.ask("status")["daemon"] == "paused"
    wait_for(lambda: daemon.statuses() == {"R-CHEAP.jpg": "received"}, "the item")
    assert daemon.stop() == 0
    studio.rewrite("min_free_gb = 1e9", "min_free_gb = 0")
    daemon.until_idle()
    assert daemon.statuses() == {"R-CHEAP.jpg": "delivered"}


def test_a_full_outbox_delays_delivery(studio: Any, daemon: Any, write_picture: Callable[..., bytes]) -> None:
    """With the outbox's disk full, approved pictures stay approved and no torn file is left; with room
    again all are delivered."""
    outbox = studio.outbox
    mount = f"mount -t tmpfs -o size=256k tmpfs '{outbox}'"
    if (
        shutil.which("unshare") is None
        or subprocess.run(["unshare", "-Urm", "sh", "-c", mount], capture_output=True, check=False).returncode
    ):
        pytest.skip("no user namespace with a mount of its own on this machine")
    for seed in range(3):
        write_picture(studio.hot / f"R-CHEAP_{seed}.jpg", seed)
    run = f"'{sys.executable}' -P -m studiod run --until-idle --config '{studio.file}'"
    script = f"""
        {mount} && touch '{outbox}/.studiod-root' || exit 90
        dd if=/dev/zero of='{outbox}/ballast' bs=4k 2>/dev/null
        {run}; first=$?
        cd '{outbox}' && find . -type f
        rm '{outbox}/ballast'
        {run} || exit 91
        ls '{outbox}/small' && wc -l < '{outbox}/manifest.csv'
        exit $first
        """
    done = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    assert "cannot be written: No space left on device" in done.stderr
    words = done.stdout.split()
    assert sorted(words[:2]) == ["./.studiod-root", "./ballast"]
    assert words[2:] == ["R-CHEAP_0.jpg", "R-CHEAP_1.jpg", "R-CHEAP_2.jpg", "4"]
    assert set(daemon.statuses().values()) == {"delivered"}


def test_a_recall_that_cannot_be_finished_holds_up_nothing_else(
    studio: Any, daemon: Any, write_picture: Callable[..., bytes], wait_for: Callable[..., None]
) -> None:
    """Meanwhile pictures are made and delivered; it is said once, of several with their number, and done
    when that is put right."""
    for seed in range(3):
        write_picture(studio.hot / f"R-CHEAP{'_' * seed}.jpg", seed)
    daemon.until_idle()
    first = next(item.id for item in daemon.items() if item.path == "R-CHEAP.jpg")
    daemon.do("recall", str(first))
    recalled = studio.outbox / "recalled"
    recalled.write_bytes(b"no folder")
    write_picture(studio.hot / "R-EDGE.jpg", 3)
    daemon.start("--until-idle")
    assert daemon.wait() == 1
    assert daemon.statuses()["R-EDGE.jpg"] == "delivered"
    said = [line for line in daemon.words().splitlines() if "The recall of small/R-CHEAP.jpg is not" in line]
    assert len(said) == 2  # in the log, and as the reason why the pass ends with 1
    daemon.start()
    second, third = (item.id for item in daemon.items() if "_" in item.path)
    daemon.do("recall", str(second))
    wait_for(lambda: " 1 more recall is not finished." in daemon.state().message, "the second recall")
    daemon.do("recall", str(third))
    wait_for(lambda: " 2 more recalls are not finished." in daemon.state().message, "the third recall")
    assert daemon.stop() == 0
    recalled.unlink()
    daemon.until_idle()
    assert sorted(path.name for path in recalled.iterdir()) == [
        "R-CHEAP.jpg",
        "R-CHEAP_.jpg",
        "R-CHEAP__.jpg",
    ]


def test_a_manifest_that_cannot_be_written_delays_delivery_alone(
    studio: Any, daemon: Any, write_picture: Callable[..., bytes]
) -> None:
    """All is made, nothing fails and nothing is delivered until it can be written again."""
    manifest = studio.outbox / "manifest.csv"
    manifest.mkdir()
    for seed, name in enumerate(("R-CHEAP", "R-EDGE")):
        write_picture(studio.hot / f"{name}.jpg", seed)
    daemon.start("--until-idle")
    assert daemon.wait() == 1
    assert "manifest.csv cannot be written" in daemon.words()
    assert daemon.statuses() == {"R-CHEAP.jpg": "approved", "R-EDGE.jpg": "approved"}
    manifest.rmdir()
    daemon.until_idle()
    assert set(daemon.statuses().values()) == {"delivered"}


def test_a_closed_preset_holds_up_no_other_hot_folder(
    studio: Any, daemon: Any, write_picture: Callable[..., bytes]
) -> None:
    """Where one preset's folder cannot be written, only what goes there waits, and the pass says why."""
    other = studio.root / "other"
    other.mkdir()
    (other / MARKER).touch()
    (studio.root / "presets" / "large.toml").write_text((studio.root / "presets" / "small.toml").read_text())
    hot_folder = '[[hot_folder]]\nname = "other"\npath = "other"\npresets = ["large"]\n\n[intake]'
    studio.rewrite("[intake]", hot_folder)
    (studio.outbox / "small").write_bytes(b"no folder")
    write_picture(studio.hot / "R-CHEAP_1.jpg", 1)
    write_picture(studio.hot / "R-CHEAP_2.jpg", 2)
    daemon.start("--until-idle")
    assert daemon.wait() == 1
    for seed in (3, 4):
        write_picture(other / f"R-CHEAP_{seed}.jpg", seed)
    daemon.start("--until-idle")
    assert daemon.wait() == 1
    assert daemon.statuses() == {
        "R-CHEAP_1.jpg": "approved", "R-CHEAP_2.jpg": "approved",
        "R-CHEAP_3.jpg": "delivered", "R-CHEAP_4.jpg": "delivered",
    }  # fmt: skip
    assert daemon.words().count("small cannot be written: Not a directory") == 4  # by the log and at the end
    (studio.outbox / "small").unlink()
    daemon.until_idle()
    assert set(daemon.statuses().values()) == {"delivered"}


def test_a_closed_outbox_is_said_once_while_it_lasts(
    studio: Any, daemon: Any, write_picture: Callable[..., bytes], caplog: pytest.LogCaptureFixture
) -> None:
    """Retries add nothing to the log, the history or the outbox, and the reason is told all along; recalls
    go on meanwhile. The first delivery afterwards says that it goes on."""
    write_picture(studio.hot / "R-EDGE.jpg", 1)
    daemon.until_idle()
    shutil.rmtree(studio.outbox / "small")
    (studio.outbox / "small").write_bytes(b"no folder")
    write_picture(studio.hot / "R-CHEAP.jpg", 2)
    daemon.start("--until-idle")
    assert daemon.wait() == 1
    [item] = [item for item in daemon.items() if item.path == "R-CHEAP.jpg"]
    assert item.status == "approved"
    ledger = open_ledger(studio.settings.database)
    caplog.set_level(logging.INFO, logger="studiod")
    try:
        before = history(ledger, item.id), sorted(studio.outbox.rglob("*"))
        desk = DeliveryDesk(studio.settings, ledger, lambda _: False)
        for night in range(4):  # the clock is handed in
            desk.deliver(1000.0 * (night + 1), no_progress)
            assert desk.closed == (f"{studio.outbox / 'small'} cannot be written: Not a directory",)
        daemon.do("recall", next(str(item.id) for item in daemon.items() if item.path == "R-EDGE.jpg"))
        desk.recall(4500.0)
        assert daemon.statuses()["R-EDGE.jpg"] == "awaiting_review"
        assert (history(ledger, item.id), sorted(studio.outbox.rglob("*"))) == before
        (studio.outbox / "small").unlink()
        desk.deliver(4001.0, no_progress)  # the hold lasts
        assert daemon.statuses()["R-CHEAP.jpg"] == "approved"
        desk.deliver(5000.0, no_progress)
        assert desk.closed == ()
    finally:
        ledger.close()
    assert daemon.statuses()["R-CHEAP.jpg"] == "delivered"
    assert [record.getMessage() for record in caplog.records if record.name.startswith("studiod.daemon")] == [
        f"{studio.outbox / 'small'} cannot be written: Not a directory",
        "the outbox can be written again: delivery goes on",
        f"item {item.id} delivered: small/R-CHEAP.jpg",
    ]


def test_what_was_renamed_while_the_daemon_was_down_does_not_leave_under_its_first_name(
    studio: Any, daemon: Any, write_picture: Callable[..., bytes]
) -> None:
    """What is due at the start waits until the files that may be it were looked at; culled, it leaves."""
    studio.rewrite("delay_minutes = 0", "delay_minutes = 5")
    for seed, name in enumerate(("R-CHEAP.jpg", "R-EDGE.jpg")):
        write_picture(studio.hot / name, seed)
    daemon.until_idle()
    assert daemon.statuses() == {"R-CHEAP.jpg": "approved", "R-EDGE.jpg": "approved"}
    (studio.hot / "R-CHEAP.jpg").rename(studio.hot / "R-DEAR.jpg")
    (studio.hot / "R-EDGE.jpg").unlink()
    studio.rewrite("delay_minutes = 5", "delay_minutes = 0")
    daemon.until_idle()
    assert [(item.path, item.status) for item in daemon.items()] == [
        ("R-CHEAP.jpg", "superseded"), ("R-EDGE.jpg", "delivered"), ("R-DEAR.jpg", "awaiting_review"),
    ]  # fmt: skip
    assert [path.name for path in (studio.outbox / "small").iterdir()] == ["R-EDGE.jpg"]


def test_a_threshold_that_a_script_raises_takes_nothing_past_a_person(
    studio: Any, daemon: Any, write_picture: Callable[..., bytes], wait_for: Callable[..., None]
) -> None:
    """The settings' thresholds are put back before anything leaves, not at the next start alone."""
    daemon.start()
    wait_for(lambda: daemon.state() is not None and daemon.state().activity == "idle", "the daemon")
    ledger = open_ledger(studio.settings.database)
    try:
        with ledger.writing() as connection:
            connection.exec_driver_sql("UPDATE thresholds SET minor = 999999999")
        write_picture(studio.hot / "R-DEAR.jpg", 1)
        write_picture(studio.hot / "R-CHEAP.jpg", 2)
        wait_for(lambda: daemon.statuses().get("R-CHEAP.jpg") == "delivered", "the cheap piece")
        settled = ("awaiting_review", "delivered")
        wait_for(lambda: daemon.statuses()["R-DEAR.jpg"] in settled, "the dear piece")
        assert daemon.statuses()["R-DEAR.jpg"] == "awaiting_review"
    finally:
        ledger.close()


def test_a_clock_that_is_set_back_holds_nothing_up(
    studio: Any, daemon: Any, write_picture: Callable[..., bytes], caplog: pytest.LogCaptureFixture
) -> None:
    """What was approved an hour later than the clock says now leaves after its delay, as anything does."""
    studio.rewrite("delay_minutes = 0", "delay_minutes = 5")
    write_picture(studio.hot / "R-CHEAP.jpg", 1)
    daemon.until_idle()
    now = time.time() - 3600
    ledger = open_ledger(studio.settings.database, clock=lambda: now)
    try:
        desk = DeliveryDesk(studio.settings, ledger, lambda _: False)
        desk.deliver(1000.0, no_progress)
        now += 299
        desk.deliver(2000.0, no_progress)
        assert daemon.statuses() == {"R-CHEAP.jpg": "approved"}
        now += 1
        desk.deliver(3000.0, no_progress)
    finally:
        ledger.close()
    assert daemon.statuses() == {"R-CHEAP.jpg": "delivered"}
    assert "the clock was set back" in caplog.text


def test_systemd_and_the_notify_command_are_told(
    studio: Any,
    daemon: Any,
    write_picture: Callable[..., bytes],
    wait_for: Callable[..., None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """READY, STATUS, WATCHDOG and STOPPING reach the service manager; the end of a pass the command."""
    studio.rewrite("[daemon]", f"[notify]\ncommand = \"cat >> '{tmp_path}/told'\"\n\n[daemon]")
    write_picture(studio.hot / "R-CHEAP.jpg", 1)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(tmp_path / "notify"))
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        receiver.settimeout(1)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        daemon.start("--until-idle")
        heard: list[bytes] = []
        ended = False
        while not ended:
            ended = daemon.process.poll() is not None  # what it said before is heard to its end
            with contextlib.suppress(TimeoutError):
                while True:
                    heard.append(receiver.recv(4096))
    assert heard.count(b"READY=1") == 1 and b"WATCHDOG=1" in heard
    assert any(message.startswith(b"STATUS=running") for message in heard)
    told_to = tmp_path / "told"
    wait_for(lambda: told_to.exists() and told_to.read_text().endswith("\n"), "the command's line")
    [line] = told_to.read_text().splitlines()
    told = json.loads(line)
    assert told["event"] == "done" and told["made"] == 1 and told["items"]["delivered"] == 1


def test_the_log_is_json_by_setting(studio: Any, daemon: Any, write_picture: Callable[..., bytes]) -> None:
    """Every line of the log is an object; a hostile name is escaped in it."""
    studio.rewrite("[daemon]", '[log]\nformat = "json"\n\n[daemon]')
    write_picture(studio.hot / "R-CHEAP_\x1b[2J\n.jpg", 1)
    daemon.until_idle()
    lines = [json.loads(line) for line in daemon.words().splitlines()]
    assert {"time", "level", "message", "part"} <= set(lines[0])
    assert any(r"R-CHEAP_\x1b[2J\x0a.jpg" in line["message"] for line in lines)
    assert "\x1b" not in daemon.words()


def test_a_daemon_that_was_killed_is_taken_over(
    studio: Any, daemon: Any, write_picture: Callable[..., bytes], wait_for: Callable[..., None]
) -> None:
    """After SIGKILL the lock is free at once, and what was processing is made without costing a try."""
    for seed in range(8):
        write_picture(studio.hot / f"R-CHEAP_{seed}.jpg", seed)
    daemon.start()
    wait_for(lambda: "made in" in daemon.words(), "the first picture")
    daemon.stop(signal.SIGKILL)
    daemon.until_idle()
    assert set(daemon.statuses().values()) == {"delivered"} and len(daemon.statuses()) == 8
    assert len(list((studio.outbox / "small").iterdir())) == 8


def test_previews_and_copies_go_after_their_days(
    studio: Any, daemon: Any, write_picture: Callable[..., bytes]
) -> None:
    """Thirty days after delivery previews and the kept original are cleared away; what waits keeps both,
    and cutouts, composites and history stay."""
    write_picture(studio.hot / "R-CHEAP.jpg", 1)
    write_picture(studio.hot / "R-DEAR.jpg", 2)
    daemon.until_idle()
    settings = studio.settings
    ledger = open_ledger(settings.database)
    try:
        soon, late = time.time() + 29 * DAY, time.time() + 31 * DAY
        assert clear_previews(ledger, settings, soon, lambda: None) == 0
        assert clear_originals(ledger, settings, soon, lambda: None) == 0
        assert clear_previews(ledger, settings, late, lambda: None) == 1
        assert clear_originals(ledger, settings, late, lambda: None) == 1
        delivered, waiting = sorted(every_item(ledger), key=lambda item: item.path)
        assert delivered.kept_original is None and waiting.kept_original is not None
        assert (settings.work / waiting.kept_original).is_file()
    finally:
        ledger.close()
    names = {item.id: _names(settings.work / "items" / str(item.id) / "v1") for item in (delivered, waiting)}
    assert names[waiting.id] - names[delivered.id] >= {"preview-original.jpg", "preview-cutout.png", "tiles"}
    assert names[delivered.id] >= {"cutout.png", "matte.png", "composite-small.jpg", "risk.json"}


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}
