"""Open a picture in the system's own viewer, for those who sit at a desktop."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from threading import Thread

from studiod.errors import StudioError


def open_outside(path: Path) -> None:
    """Hand a file to the desktop; StudioError where there is none or the file is gone."""
    opener = shutil.which("open" if sys.platform == "darwin" else "xdg-open")
    desktop = sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if opener is None or not desktop:
        raise StudioError(
            "There is no desktop here to open a picture in.", "Over ssh, zoom in the terminal instead."
        )
    if not path.is_file():
        raise StudioError("The full picture is no longer there.", "Run `studiod retry` on the item.")
    process = subprocess.Popen(
        [opener, os.fspath(path)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    Thread(target=process.wait, daemon=True).start()  # so that no zombie is left of it
