"""studiod-review: the terminal in which staff decide the night's pieces."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from studiod.errors import StudioError
from studiod.settings import SETTINGS_NAME, Settings, load_settings
from tui.app import ReviewApp
from tui.keys import load_keymap
from tui.terminal import ask_terminal

if TYPE_CHECKING:
    from tui.desk import Desk
    from tui.queue_screen import QueueScreen

_BUSY_SECONDS = 2.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Open the review terminal; returns the exit code."""
    parser = argparse.ArgumentParser(prog="studiod-review", description=__doc__)
    parser.add_argument(
        "--config", type=Path, default=Path(SETTINGS_NAME), help="the studio's studiod.toml", metavar="FILE"
    )
    parser.add_argument(
        "--keymap",
        default="default",
        help="default, lightroom, or your own keymaps/NAME.toml",
        metavar="NAME",
    )
    given = parser.parse_args(arguments)
    try:
        settings = load_settings(given.config)
        keymap = load_keymap(given.keymap, settings.root)
        if not all(stream and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
            raise StudioError("studiod-review needs a terminal.", "For scripts there is: studiod list --json")
        able = ask_terminal()
        if able.full_colour:
            os.environ["COLORTERM"] = "truecolor"  # by which Textual knows
        os.environ.pop("NO_COLOR", None)  # a photograph without its colours cannot be judged
        app = ReviewApp(partial(_open_queue, settings), keymap, able.sharpness)
        threading.excepthook = partial(_end_without_terminal, app)
        code = app.run() or 0
        if app.refusal is not None:
            raise app.refusal
        return code
    except StudioError as error:
        print(f"studiod-review: {error}", file=sys.stderr)
        return error.exit_code


def _end_without_terminal(app: ReviewApp, broken: threading.ExceptHookArgs) -> None:
    """The terminal is gone, and Textual 8.2 would wait for it for ever: end once the ledger is written."""
    if not isinstance(broken.exc_value, OSError):
        threading.__excepthook__(broken)
        return
    app.let_go()
    os._exit(129)  # as if SIGHUP had ended it


def _open_queue(settings: Settings) -> tuple[Desk, type[QueueScreen]]:
    # Imported here: what the pictures and the ledger need takes longer than all else at the start.
    from studiod.ledger.engine import open_ledger
    from studiod.ledger.review import current_person
    from tui.desk import Desk
    from tui.queue_screen import QueueScreen

    ledger = open_ledger(settings.database, busy_seconds=_BUSY_SECONDS)
    return Desk(ledger, settings, current_person()), QueueScreen
