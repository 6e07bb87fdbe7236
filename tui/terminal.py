"""What the terminal can show: every colour, and real pixels by Kitty's graphics protocol or by Sixel.

It is asked before the app starts, since Textual reads every answer after that.
"""

from __future__ import annotations

import os
import re
import sys
import time
from dataclasses import dataclass
from select import select
from typing import Literal

Graphics = Literal["kitty", "sixel"]

_QUESTION = (
    "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\"  # Kitty's graphics?
    "\x1b[16t"  # how large is a cell?
    "\x1b[48;2;1;2;3m\x1bP$qm\x1b\\\x1b[m"  # was this colour taken?
    "\x1b[>c"  # which program?
    "\x1b[c"  # which attributes? Every terminal answers this one
)
_WAIT_SECONDS = 2.0
"""For an answer over a slow line: one that came later would be read as keys, an r among them."""
_COLOUR_TAKEN = re.compile(r"\x1bP1\$r[^m]*48[:;]2[:;][^m]*1[:;]2[:;]3m")
_TMUX = re.compile(r"\x1b\[>84;")


@dataclass(frozen=True, slots=True)
class Sharpness:
    """How the terminal shows real pixels, and how many a cell has, across and down."""

    protocol: Graphics
    cell: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Abilities:
    """What the terminal says of itself; where it says nothing, the environment decides about colours."""

    full_colour: bool = False
    sharpness: Sharpness | None = None


def ask_terminal() -> Abilities:
    """Ask the terminal on standard input and output what it can show."""
    if sys.platform == "win32":
        return Abilities()
    import termios
    import tty

    try:
        before = termios.tcgetattr(0)
        tty.setcbreak(0, termios.TCSANOW)
    except (termios.error, ValueError, OSError):
        return Abilities()
    try:
        os.write(1, _QUESTION.encode())
        answer = _read_answer()
        os.write(1, b"\r\x1b[K")  # what a terminal that knows nothing of the question printed of it
    finally:
        termios.tcsetattr(0, termios.TCSANOW, before)
    return read_abilities(answer)


def read_abilities(answer: str) -> Abilities:
    """What a terminal's answers say.

    tmux takes every colour and shows the nearest that its own terminal has. This matters over ssh, which
    does not bring along the COLORTERM by which programs otherwise know.
    """
    full_colour = bool(_COLOUR_TAKEN.search(answer) or _TMUX.search(answer))
    return Abilities(full_colour, _read_sharpness(answer))


def _read_sharpness(answer: str) -> Sharpness | None:
    size = re.search(r"\x1b\[6;(\d+);(\d+)t", answer)
    attributes = re.search(r"\x1b\[\?([\d;]+)c", answer)
    cell = (int(size[2]), int(size[1])) if size else (0, 0)
    if not all(cell):
        return None
    if "\x1b_Gi=31;OK" in answer:
        return Sharpness("kitty", cell)
    if attributes and "4" in attributes[1].split(";"):
        return Sharpness("sixel", cell)
    return None


def _read_answer() -> str:
    """What the terminal answers, up to its attributes, which come last."""
    answer, deadline = "", time.monotonic() + _WAIT_SECONDS
    while not re.search(r"\x1b\[\?[\d;]*c", answer):
        left = deadline - time.monotonic()
        if left <= 0 or not select([0], [], [], left)[0]:
            break
        answer += os.read(0, 1024).decode("ascii", "replace")
    return answer
