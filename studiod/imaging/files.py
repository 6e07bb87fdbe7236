"""Files that are either whole or not there, and that last."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

_NO_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EBADF}


def write_whole(path: Path, parts: Sequence[bytes]) -> str:
    """Write `parts` to `path` by way of a temporary file, to the disk itself; returns their sha256.

    At no moment is there a half-written file under the name: it is written beside it, synced, renamed,
    and the folder is synced.
    """
    descriptor, name = tempfile.mkstemp(prefix=".studiod-", suffix=".part", dir=path.parent)
    try:
        os.fchmod(descriptor, 0o644)
        os.close(descriptor)
        sha256 = write_synced(Path(name), parts)
        os.replace(name, path)  # noqa: PTH105
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(name)  # noqa: PTH108
        raise
    sync_folder(path.parent)
    return sha256


def write_synced(path: Path, parts: Sequence[bytes]) -> str:
    """Write `parts` under the name itself, to the disk; returns their sha256."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for part in parts:
            file.write(part)
            digest.update(part)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def sync_folder(folder: Path) -> None:
    """Make the names in a folder last, where the file system knows how."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise
    finally:
        os.close(descriptor)
