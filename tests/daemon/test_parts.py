from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studiod.daemon.guard import find_obstacles
from studiod.daemon.hook import Hook
from studiod.daemon.lock import DaemonLock
from studiod.daemon.notices import DEATHS_IN_A_ROW, PATIENCE_SECONDS, Notices
from studiod.daemon.systemd import ServiceManager
from studiod.errors import StudioError
from studiod.settings import MARKER


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


class _Told:
    def __init__(self) -> None:
        self.events: list[str] = []

    def __call__(self, event: str, message: str, **facts: object) -> None:
        self.events.append(event)


def test_a_pause_is_told_once_after_five_minutes() -> None:
    """A pause shorter than that is not told; a longer one once, and its end too."""
    told = _Told()
    notices = Notices(told)
    notices.paused(["full"], 0.0)
    notices.paused([], PATIENCE_SECONDS - 1)
    notices.paused(["full"], PATIENCE_SECONDS)
    assert told.events == []
    for extra in (0.0, 1.0, 500.0):
        notices.paused(["full"], 2 * PATIENCE_SECONDS + extra)
    notices.paused([], 9000.0)
    assert told.events == ["paused", "resumed"]


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
        notices.idle(True, now, dict)
    assert told.events == []
    notices.made()
    for now in (1000.0, 1001.0, 1000.0 + PATIENCE_SECONDS, 5000.0):
        notices.idle(True, now, dict)
    assert told.events == ["done"]


def test_the_command_gets_one_line_of_json(tmp_path: Path, wait_for: Callable[..., None]) -> None:
    """The [notify] command finds event, message and facts on its standard input."""
    told = tmp_path / "told"
    hook = Hook(f"cat >> '{told}'")
    hook.tell("done", "all done", made=3)
    hook.wait(10)
    wait_for(lambda: told.exists() and told.read_text().endswith("\n"), "the command's line")
    [line] = told.read_text().splitlines()
    assert json.loads(line) == {"event": "done", "message": "all done", "made": 3}
    Hook("").tell("done", "nobody listens")


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
