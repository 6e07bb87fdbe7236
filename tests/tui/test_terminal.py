"""What the terminal says of itself before the app starts: colours, real pixels."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.tui.test_app import Terminal
from tui.terminal import Abilities, Sharpness, read_abilities

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.tui.conftest import Studio


@pytest.mark.parametrize(
    ("answer", "means"),
    [
        ("\x1b_Gi=31;OK\x1b\\\x1b[6;20;10t\x1b[?62;c", Sharpness("kitty", (10, 20))),
        ("\x1b[6;18;9t\x1b[?63;1;4;22c", Sharpness("sixel", (9, 18))),
        ("\x1b[?63;1;4;22c", None),
        ("\x1b[6;18;9t\x1b[?1;2c", None),
        ("\x1b_Gi=31;ENOTSUPPORTED\x1b\\\x1b[6;20;10t\x1b[?62;c", None),
        ("", None),
    ],
)
def test_real_pixels_need_the_terminals_word(answer: str, means: Sharpness | None) -> None:
    """Graphics need the protocol's answer (or Sixel among the attributes) and the size of a cell."""
    assert read_abilities(answer) == Abilities(sharpness=means)


@pytest.mark.parametrize(
    ("answer", "means"),
    [
        ("\x1bP1$r0;48:2::1:2:3m\x1b\\\x1b[>41;377;0c\x1b[?64;1c", True),  # xterm
        ("\x1bP1$r48:2:1:2:3m\x1b\\\x1b[>1;4000;29c\x1b[?62;c", True),  # kitty
        ("\x1bP1$r0;48;2;1;2;3m\x1b\\\x1b[?61;1c", True),
        ("\x1b[>84;0;0c\x1b[?1;2c", True),  # tmux, also at the other end of ssh
        ("\x1bP1$r0;48:5:16m\x1b\\\x1b[>41;377;0c\x1b[?64;1c", False),  # the nearest of 256
        ("\x1bP0$r\x1b\\\x1b[>83;50000;0c\x1b[?1;2c", False),  # GNU screen
        ("", False),
    ],
)
def test_full_colour_is_what_the_terminal_took(answer: str, means: bool) -> None:
    """A terminal has every colour if it says that it took one as it was, or is tmux, which takes all."""
    assert read_abilities(answer).full_colour is means


@pytest.mark.parametrize(("answer", "colours"), [(b"\x1b[>84;0;0c", b"48;2;"), (b"", b"48;5;")])
def test_pictures_have_the_colours_that_the_terminal_has(
    studio: Studio, answer: bytes, colours: bytes
) -> None:
    """Without COLORTERM, as over ssh, the terminal's own word decides whether colours are cut to 256."""
    studio.add("RING-1")
    terminal = Terminal(studio, colorterm="", answer=answer + b"\x1b[?1;2c")
    try:
        terminal.read_until("▀".encode())
        shown = terminal.output.partition(b"\x1b[c")[2]
        assert [each for each in (b"48;2;", b"48;5;") if each in shown] == [colours]
    finally:
        terminal.close()


def test_pictures_keep_their_colours_where_none_are_wished_for(studio: Studio) -> None:
    """NO_COLOR turns nothing grey: a picture's colours are what is judged (shown by the cursor's row)."""
    studio.add("RING-1")
    terminal = Terminal(studio, NO_COLOR="1")
    try:
        terminal.read_until(b"48;2;59;74;92")
    finally:
        terminal.close()


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed here")
def test_tmux_shows_every_colour(studio: Studio, tmp_path: Path, wait_for: Callable[..., None]) -> None:
    """In a real tmux that was started over ssh, without COLORTERM, pictures have all their colours."""
    config = studio.settings.root / "studiod.toml"
    program = shlex.join([sys.executable, "-m", "tui", "--config", str(config)])
    environment = {name: value for name, value in os.environ.items() if name != "COLORTERM"}
    studio.add("RING-1")

    def tmux(*words: str) -> str:
        command = ["tmux", "-S", str(tmp_path / "tmux.sock"), "-f", "/dev/null", *words]
        return subprocess.run(
            command, env=environment, capture_output=True, encoding="utf-8", check=True
        ).stdout

    tmux("new-session", "-d", "-x", "120", "-y", "30", program)
    try:
        wait_for(lambda: "▀" in tmux("capture-pane", "-p"), "a picture", 60.0)
        screen = tmux("capture-pane", "-p", "-e")
        assert "48;2;255;255;255" in screen
        assert "8;5;" not in screen
    finally:
        tmux("kill-server")
