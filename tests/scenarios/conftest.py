"""A real daemon in a real process, and what its command line says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import tifffile

from studiod.errors import LedgerError
from studiod.ledger.engine import Ledger, open_ledger
from studiod.ledger.reading import daemon_state, every_item
from studiod.ledger.records import DaemonState, ItemRecord

STUDIOD = (sys.executable, "-P", "-m", "studiod")


@dataclass
class RealDaemon:
    """Starts, kills and asks the daemon of one studio."""

    file: Path
    log: Path
    prefix: Sequence[str] = ()
    process: subprocess.Popen[bytes] | None = field(default=None)

    def start(self, *options: str) -> None:
        """Start the daemon; its log is appended to `log`."""
        with self.log.open("ab") as stream:
            self.process = subprocess.Popen(
                [*self.prefix, *STUDIOD, "run", "--config", str(self.file), *options],
                stderr=stream,
                stdout=stream,
            )

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.wait()

    def wait(self, seconds: float = 180) -> int:
        """Wait for the daemon's end and return its exit code."""
        assert self.process is not None
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the daemon did not end:\n{self.words()[-4000:]}") from None

    def until_idle(self) -> None:
        """One pass, which must end well."""
        self.start("--until-idle")
        assert self.wait() == 0, self.words()[-4000:]

    def workers(self) -> list[psutil.Process]:
        """The worker processes that live."""
        assert self.process is not None
        try:
            return psutil.Process(self.process.pid).children()
        except psutil.NoSuchProcess:
            return []

    def ask(self, *words: str) -> Any:
        """What a command answers as JSON."""
        done = subprocess.run(
            [*STUDIOD, *words, "--json", "--config", str(self.file)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def items(self) -> list[ItemRecord]:
        """The items, read as the review terminal does: cheaply."""
        with self._ledger() as ledger:
            return list(every_item(ledger))

    def statuses(self) -> dict[str, str]:
        """The items' statuses by the path of their source."""
        return {item.path: item.status.value for item in self.items()}

    def state(self) -> DaemonState | None:
        """The daemon's heartbeat; None before the first one."""
        with self._ledger() as ledger:
            return daemon_state(ledger)

    @contextmanager
    def _ledger(self) -> Iterator[Ledger]:
        database = self.file.parent / "work" / "studiod.db"
        deadline = time.monotonic() + 60
        while True:
            try:
                ledger = open_ledger(database)
                break
            except LedgerError:  # the daemon is only just making it
                assert time.monotonic() < deadline, self.words()[-4000:]
                time.sleep(0.1)
        try:
            yield ledger
        finally:
            ledger.close()

    def do(self, *words: str) -> None:
        """A command that must succeed."""
        subprocess.run([*STUDIOD, *words, "--config", str(self.file)], check=True, capture_output=True)

    def words(self) -> str:
        """The log so far."""
        return self.log.read_text(errors="replace")


@pytest.fixture
def daemon(studio: Any, tmp_path: Path) -> Iterator[RealDaemon]:
    """The daemon of `studio`; whatever of it still runs at the end of the test is killed."""
    real = RealDaemon(studio.file, tmp_path / "daemon.log")
    yield real
    if real.process is not None and real.process.poll() is None:
        real.process.kill()
        real.process.wait()


@pytest.fixture
def write_raw() -> Callable[[Path, int], bytes]:
    """Writes a small camera RAW (a DNG that LibRaw develops); returns the bytes."""

    def write(path: Path, seed: int) -> bytes:
        mosaic = np.random.default_rng(seed).integers(30000, 34000, (240, 320), dtype=np.uint16)
        identity = (1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1)
        tags = [
            (50706, "B", 4, (1, 4, 0, 0), True),  # DNGVersion
            (50708, "s", 0, "Test Camera", True),  # UniqueCameraModel
            (33421, "H", 2, (2, 2), True),  # CFARepeatPatternDim
            (33422, "B", 4, (0, 1, 1, 2), True),  # CFAPattern
            (50721, "2i", 9, identity, True),  # ColorMatrix1
            (50728, "2I", 3, (1, 1, 1, 1, 1, 1), True),  # AsShotNeutral
            (50717, "I", 1, 65535, True),  # WhiteLevel
        ]
        with path.open("wb") as stream:
            tifffile.imwrite(stream, mosaic, photometric=32803, extratags=tags, metadata=None)
        return path.read_bytes()

    return write


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Scenarios wait for real processes: they may take longer than a unit test."""
    here = os.path.dirname(__file__)  # noqa: PTH120
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker(pytest.mark.timeout(900))
