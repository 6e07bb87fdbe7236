from __future__ import annotations

import hashlib
import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil

MOMENTS = 20
PICTURES = 30


def _events(database: Path) -> int:
    """How far the night has come, by the number of events in the ledger."""
    try:
        connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)
        try:
            return int(connection.execute("select count(*) from events").fetchone()[0])
        finally:
            connection.close()
    except sqlite3.Error:
        return 0


def _move_on(database: Path, steps: int, seconds: float) -> None:
    """Wait until the ledger has so many more events, or time is up."""
    until, deadline = _events(database) + steps, time.monotonic() + seconds
    while _events(database) < until and time.monotonic() < deadline:
        time.sleep(0.01)


def test_the_night_survives_twenty_kills(
    studio: Any, daemon: Any, write_picture: Callable[..., bytes], wait_for: Callable[..., None]
) -> None:
    """SIGKILL of the daemon and of workers at 20 random moments: every file once, every output whole."""
    random_moments = random.Random(8)
    originals: dict[str, bytes] = {}
    arriving = iter(range(PICTURES))

    def arrive(count: int) -> None:
        for number in (next(arriving, None) for _ in range(count)):
            if number is not None:
                name = f"R-{('CHEAP', 'EDGE', 'DEAR')[number % 3]}_{number}.jpg"
                originals[name] = write_picture(studio.hot / f"set{number % 4}" / name, number)

    studio.rewrite("workers = 1", "workers = 2")
    database = studio.settings.database
    arrive(6)
    daemon.start()
    for moment in range(MOMENTS):
        arrive(2)
        if random_moments.random() < 0.4:
            _move_on(database, random_moments.randint(1, 12), 8)
            orphans = daemon.workers()
            daemon.stop(signal.SIGKILL)
            wait_for(lambda left=orphans: not any(map(psutil.Process.is_running, left)), "the workers' end")
            daemon.start()
        else:
            wait_for(daemon.workers, f"workers before kill {moment}")
            _move_on(database, random_moments.randint(1, 8), 8)
            workers = daemon.workers()
            if workers:
                os.kill(random_moments.choice(workers).pid, signal.SIGKILL)
    arrive(PICTURES)
    wait_for(daemon.workers, "the workers after the last kill")  # only then does it hear a signal
    assert daemon.stop(signal.SIGTERM) == 0, daemon.words()[-4000:]
    daemon.until_idle()
    failed = [item for item in daemon.items() if item.status == "failed"]
    for item in failed:  # killed under it three times: that is what tries are for
        assert "killed by SIGKILL" in item.reason and item.tries == 3
        daemon.do("retry", str(item.id))
    if failed:
        daemon.until_idle()

    files = daemon.ask("list", "--files")
    assert sorted(file["path"].rpartition("/")[2] for file in files) == sorted(originals)
    assert {file["state"] for file in files} == {"item"}
    items = daemon.ask("list")
    assert len(items) == PICTURES == len({path for item in items for path in item["files"]})
    for item in items:
        dear = "DEAR" in item["files"][0]
        assert item["status"] == ("awaiting_review" if dear else "delivered"), item
        assert len(item["output"]) == (0 if dear else 1)
    _check_outbox(studio.outbox, [path for item in items for path in item["output"]])
    leftovers = list(studio.root.rglob("*.tmp"))
    assert leftovers == []
    assert {path.name: path.read_bytes() for path in studio.hot.rglob("*.jpg")} == originals


def _check_outbox(outbox: Path, told: list[str]) -> None:
    """The outbox holds just the files that were told, each whole and with one line in the manifest."""
    there = list(outbox.rglob("*.jpg"))
    assert len(there) == len(told)
    lines = (outbox / "manifest.csv").read_text().splitlines()[1:]
    assert len(lines) == len(told)
    hashes = {line.split(",")[1]: line.split(",")[-1] for line in lines}
    for path in there:
        content = path.read_bytes()
        assert hashes[str(path.relative_to(outbox))] == hashlib.sha256(content).hexdigest()
        assert cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) is not None
