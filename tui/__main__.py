"""`studiod-review`, started without the garbage collector: nothing of what a start makes is garbage."""

from __future__ import annotations

import gc
import os
import sys


def main() -> int:
    """Open the review terminal; returns the exit code. The collector runs once the queue is open."""
    gc.disable()  # a fifth of the start
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # it would search every package for some
    from tui.start import main as open_terminal

    return open_terminal()


if __name__ == "__main__":
    sys.exit(main())
