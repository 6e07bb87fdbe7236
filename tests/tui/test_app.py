"""`studiod-review` as a program: how it starts, how it refuses, how it leaves the terminal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tui.start import main

if TYPE_CHECKING:
    from tests.tui.conftest import Studio

pty = pytest.importorskip("pty", reason="no pseudo-terminals here")


class Terminal:
    """The program in a pseudo-terminal of 80 x 24, which has answered already what it will be asked."""

    def __init__(
        self, studio: Studio, colorterm: str = "truecolor", answer: bytes = b"\x1b[?62c", **environment: str
    ) -> None:
        import fcntl
        import struct
        import termios

        self.side, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.before = termios.tcgetattr(other)
        os.write(self.side, answer)
        self.other = other
        config = studio.settings.root / "studiod.toml"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tui", "--config", os.fspath(config)],
            stdin=other, stdout=other, stderr=other, cwd=studio.settings.root, start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": colorterm, **environment},
        )  # fmt: skip
        self.output = b""

    def read_until(self, wanted: bytes, seconds: float = 60.0) -> None:
        """Read what the program writes until this was among it."""
        import select

        deadline = time.monotonic() + seconds
        while wanted not in self.output:
            assert time.monotonic() < deadline, f"{wanted!r} never came: {self.output[-2000:]!r}"
            if select.select([self.side], [], [], 0.2)[0]:
                self.output += os.read(self.side, 65536)

    def is_clean(self) -> bool:
        """Whether the terminal is as it was: main screen, cursor, no mouse reports, line mode."""
        import termios

        return (
            self.output.rindex(b"\x1b[?1049l") > self.output.rindex(b"\x1b[?1049h")
            and self.output.rindex(b"\x1b[?25h") > self.output.rindex(b"\x1b[?25l")
            and self.output.rindex(b"\x1b[?1000l") > self.output.rindex(b"\x1b[?1000h")
            and termios.tcgetattr(self.other) == self.before
        )

    def close(self) -> None:
        """End the program whatever it does."""
        self.process.kill()
        self.process.wait()
        os.close(self.side)
        os.close(self.other)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_killed_terminal_is_left_clean(studio: Studio, number: signal.Signals) -> None:
    """SIGTERM and SIGHUP end the program with its terminal as it was before."""
    studio.add("RING-1")
    terminal = Terminal(studio)
    try:
        terminal.read_until(b"RING-1")
        terminal.process.send_signal(number)
        terminal.read_until(b"\x1b[?25h\x1b[?1004l")
        assert terminal.process.wait(30) == 128 + number
        assert terminal.is_clean()
    finally:
        terminal.close()


def test_a_terminal_that_is_gone_ends_the_program(studio: Studio) -> None:
    """Once nothing can be written to the screen any more, the program ends instead of waiting for ever."""
    studio.add("RING-1")
    terminal = Terminal(studio)
    try:
        terminal.read_until(b"RING-1")
        os.dup2(terminal.other, terminal.side)  # closes it; no SIGHUP follows, since it controls nothing
        assert terminal.process.wait(60) == 129
    finally:
        terminal.close()


def test_q_leaves_with_zero(studio: Studio) -> None:
    """`q` ends the program with exit code 0 and a clean terminal."""
    studio.add("RING-1")
    terminal = Terminal(studio)
    try:
        terminal.read_until(b"RING-1")
        os.write(terminal.side, b"q")
        terminal.read_until(b"\x1b[?25h\x1b[?1004l")
        assert terminal.process.wait(30) == 0
        assert terminal.is_clean()
    finally:
        terminal.close()


def test_without_a_terminal_it_says_so(studio: Studio, capsys: pytest.CaptureFixture[str]) -> None:
    """Where standard output is no terminal, one line says what scripts use instead."""
    assert main(["--config", os.fspath(studio.settings.root / "studiod.toml")]) == 1
    assert "needs a terminal" in capsys.readouterr().err


def test_without_a_studio_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing studiod.toml is one readable line and exit code 2."""
    assert main(["--config", os.fspath(tmp_path / "studiod.toml")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "studiod init" in said


def test_neither_cv2_nor_onnxruntime_is_loaded() -> None:
    """The terminal starts without the libraries that only the daemon's workers need."""
    code = "import sys, tui.start; print([name for name in ('cv2', 'onnxruntime') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_list_does_not_wait_for_what_pictures_need() -> None:
    """The queue is listed before the libraries that decode and draw pictures are loaded."""
    code = (
        "import sys, tui.queue_screen, tui.desk, studiod.ledger.review; "
        "print([name for name in ('numpy', 'PIL') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("lacking", ["stdin", "stderr"])
def test_a_stream_that_is_no_terminal_is_enough_to_say_so(studio: Studio, lacking: str) -> None:
    """Keys come from standard input and the screen goes to standard error: without either, none is opened."""
    side, other = pty.openpty()
    try:
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), other) | {lacking: subprocess.PIPE}
        config = os.fspath(studio.settings.root / "studiod.toml")
        with subprocess.Popen([sys.executable, "-m", "tui", "--config", config], **streams) as process:
            try:
                assert process.wait(60) == 1
            finally:
                process.kill()
            said = os.read(side, 4096) if process.stderr is None else process.stderr.read()
        assert b"needs a terminal" in said
    finally:
        os.close(side)
        os.close(other)
