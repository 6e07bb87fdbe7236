"""The review terminal's speed: `python -m tests.benchmarks.terminal` prints a table.

A studio of 40 pieces is made in a temporary folder. The program is started in a pseudo-terminal of
160 x 46; the processor's time until something is on the screen, and until the queue is, depends less on
what else runs than the clock's. Keys are sent as a person's terminal sends them, and what is measured is
the time until the answer has arrived there.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

import psutil

from tests.tui.conftest import Studio

COLUMNS, ROWS = 160, 46
PIECES = 40
PANS = 60
NEXTS = 10


class Terminal:
    """The program in a pseudo-terminal that answers as one without graphics does."""

    def __init__(self, config: Path) -> None:
        self.side, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        os.write(self.side, b"\x1b[?62c")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tui", "--config", os.fspath(config)],
            stdin=other, stdout=other, stderr=other, start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
        )  # fmt: skip
        os.close(other)
        self.usage = psutil.Process(self.process.pid)

    def send(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self.side, keys)

    def wait_for(self, wanted: bytes, seconds: float = 30.0) -> float:
        """Seconds until the program has written this."""
        start, output = time.perf_counter(), b""
        while wanted not in output:
            if time.perf_counter() - start > seconds:
                raise SystemExit(f"{wanted!r} never came")
            if select.select([self.side], [], [], 0.1)[0]:
                output += os.read(self.side, 1 << 16)
        return time.perf_counter() - start

    def frames(self, seconds: float) -> int:
        """How many whole frames the program writes in this time."""
        end, output = time.perf_counter() + seconds, b""
        while time.perf_counter() < end:
            if select.select([self.side], [], [], 0.02)[0]:
                output += os.read(self.side, 1 << 16)
        return output.count(b"\x1b[?2026l") or output.count(b" %")

    def busy(self) -> float:
        """Processor seconds so far."""
        times = self.usage.cpu_times()
        return times.user + times.system


def main() -> None:
    """Measure, and print the table."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        studio = Studio(root)
        for number in range(PIECES):
            studio.add(f"PIECE-{number:03d}", risk=0.9 - number / 100, findings=(studio.gap,))
        studio.beat()
        terminal = Terminal(root / "studiod.toml")
        try:
            shown = terminal.wait_for(b"Opening the queue")
            painted = terminal.busy()
            listed = shown + terminal.wait_for(b"PIECE-030")
            opened = terminal.busy()
            print(f"something on the screen  {painted:5.2f} s of processor, {shown:5.2f} s by the clock")
            print(f"the queue                {opened:5.2f} s of processor, {listed:5.2f} s by the clock")
            time.sleep(1.0)
            terminal.send(b"\r")
            terminal.wait_for(b"1 of 40")
            terminal.frames(1.0)
            nexts = []
            for number in range(2, NEXTS + 2):
                terminal.send(b"s")
                nexts.append(terminal.wait_for(b"%d of 40" % number))
                terminal.frames(0.7)
            nexts.sort()
            middle, worst = nexts[len(nexts) // 2] * 1000, nexts[-1] * 1000
            print(f"key to next picture      {middle:5.0f} ms (worst {worst:.0f})")
            terminal.send(b"2")
            terminal.frames(0.7)
            busy, start = terminal.busy(), time.perf_counter()
            frames = 0
            for number in range(PANS):
                terminal.send(b"\x1b[C" if number // 10 % 2 else b"\x1b[D")
                frames += terminal.frames(1 / 60)
            seconds = time.perf_counter() - start
            each = (terminal.busy() - busy) / max(frames, 1) * 1000
            print(f"panning                  {frames / seconds:5.0f} frames/s, {each:.0f} ms each")
            print(f"memory                   {terminal.usage.memory_info().rss / 1e6:5.0f} MB")
        finally:
            terminal.process.send_signal(signal.SIGTERM)
            terminal.process.wait(10)
            studio.ledger.close()


if __name__ == "__main__":
    main()
