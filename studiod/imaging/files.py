"""Files that are either whole or not there."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path


def write_whole(path: Path, parts: Sequence[bytes]) -> str:
    """Write `parts` to `path` by way of a temporary file, to the disk itself; returns their sha256.

    At no moment is there a half-written file under the name: it is written beside it, synced, renamed,
    and the folder is synced.
    """
    digest = hashlib.sha256()
    descriptor, name = tempfile.mkstemp(prefix=".studiod-", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            for part in parts:
                file.write(part)
                digest.update(part)
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
        os.replace(name, path)  # noqa: PTH105
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(name)  # noqa: PTH108
        raise
    sync_folder(path.parent)
    return digest.hexdigest()


def sync_folder(folder: Path) -> None:
    """Make a rename last; a file system that cannot sync a folder is left to itself."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
