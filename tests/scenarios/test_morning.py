"""A morning: the review terminal in a real tmux, on what a real daemon made; keys sent, the screen read."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from studiod.ledger.records import ItemRecord

if shutil.which("tmux") is None:
    pytest.skip("tmux is not installed here", allow_module_level=True)

pytestmark = pytest.mark.timeout(400)

SECONDS = 120.0
Wait = Callable[..., None]


class Tmux:
    """A tmux server of its own with one window, in which the review terminal runs."""

    def __init__(self, folder: Path, config: Path, wait_for: Wait) -> None:
        self._socket = str(folder / "tmux.sock")
        self._wait_for = wait_for
        program = shlex.join([sys.executable, "-P", "-m", "tui", "--config", str(config)])
        self._tmux(
            "-f", "/dev/null", "new-session", "-d", "-x", "140", "-y", "40",
            f"unset COLUMNS LINES; {program}; echo ended with $?; exec cat",
        )  # fmt: skip

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-S", self._socket, *words], capture_output=True, encoding="utf-8", check=True
        )
        return done.stdout

    def press(self, *keys: str) -> None:
        """Press keys, by tmux's names of them."""
        self._tmux("send-keys", *keys)

    def screen(self) -> str:
        """What is on the screen."""
        return self._tmux("capture-pane", "-p")

    def sees(self, pattern: str) -> re.Match[str]:
        """Wait until something is on the screen."""
        found: list[re.Match[str]] = []

        def there() -> bool:
            match = re.search(pattern, self.screen())
            found.extend([match] if match else [])
            return bool(match)

        try:
            self._wait_for(there, f"{pattern!r} on the screen", SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.screen()}") from None
        return found[-1]

    def close(self) -> None:
        """End the server and all in it."""
        subprocess.run(["tmux", "-S", self._socket, "kill-server"], capture_output=True, check=False)


@pytest.fixture
def start_tmux(tmp_path: Path, wait_for: Wait) -> Iterator[Callable[[Path], Tmux]]:
    """Starts the review terminal in tmux; whatever runs of it at the end of the test is ended."""
    started: list[Tmux] = []

    def start(config: Path) -> Tmux:
        started.append(Tmux(tmp_path, config, wait_for))
        return started[-1]

    yield start
    for tmux in started:
        tmux.close()


def test_a_morning(
    studio: Any,
    daemon: Any,
    write_picture: Callable[..., bytes],
    wait_for: Wait,
    start_tmux: Callable[[Path], Tmux],
) -> None:
    """A piece over $1,000: refused unseen, brushed and made anew, looked at place by place, approved.

    In between the daemon ends and starts again, and the terminal goes on.
    """

    def item() -> ItemRecord:
        (only,) = daemon.items()
        return only  # type: ignore[no-any-return]

    write_picture(studio.hot / "R-DEAR.jpg", 2)
    daemon.start()
    wait_for(lambda: daemon.statuses() == {"R-DEAR.jpg": "awaiting_review"}, "a picture to review", SECONDS)
    terminal = start_tmux(studio.file)
    terminal.sees("a person must decide")
    terminal.sees("daemon (running|idle)")

    def refused() -> object:
        terminal.press("a")
        return "Not all of it was looked at" in terminal.screen()

    wait_for(refused, "an approval unseen is refused", SECONDS)
    terminal.press("Enter")
    terminal.sees("1 of 1")
    terminal.press("b")
    terminal.sees("no strokes")
    terminal.press("k", "Space", *["Right"] * 6, "Space")
    terminal.sees("1 stroke")
    terminal.press("Enter")
    wait_for(lambda: (item().version, item().status) == (2, "awaiting_review"), "the new version", SECONDS)
    terminal.sees("1 waiting 1")

    assert daemon.stop() == 0
    terminal.sees("daemon stopped")
    terminal.press("Enter")
    terminal.sees("1 of 1")
    terminal.sees("touched up: m, then space shows the matte before")
    terminal.press("m", "Space")
    terminal.sees("matte before the touch-up")
    terminal.press("c", "0")
    terminal.sees("composite +fit")

    def asks_for_places_only() -> object:
        terminal.press("a")
        return re.search(r"Look first: \d+ places? at 200 %", terminal.screen())

    wait_for(asks_for_places_only, "the whole composite seen", SECONDS)
    left = int(terminal.sees(r"Look first: (\d+) places? at 200 %")[1])
    here = "none"
    while left:
        terminal.press("n")
        here = terminal.sees(rf"✓ (?!{here}/)(\d+)/\d+ ")[1]
        terminal.press("a")

        def fewer(left: int = left) -> object:
            asked = re.search(r"Look first: (\d+) places? at 200 %", terminal.screen())
            return item().status == "approved" or (asked and int(asked[1]) < left)

        wait_for(fewer, "a place less to look at", SECONDS)
        left = 0 if item().status == "approved" else int(terminal.sees(r"Look first: (\d+) places?")[1])
    wait_for(lambda: item().status == "approved", "the approval", SECONDS)

    daemon.start()
    terminal.sees("daemon (running|idle)")
    wait_for(lambda: item().status == "delivered", "the delivery", SECONDS)
    terminal.press("7")
    terminal.sees("7 delivered 1")
    terminal.press("q")
    terminal.sees("^ended with 0")
    assert daemon.stop() == 0
