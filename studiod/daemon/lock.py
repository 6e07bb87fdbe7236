"""One daemon a studio: a lock that the operating system takes back when its holder dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from studiod.errors import StudioError
from studiod.names import printable


class DaemonLock:
    """Holds `studiod.lock` in the work folder; a second daemon is refused with the first one's pid."""

    def __init__(self, work: Path) -> None:
        self._path = work / "studiod.lock"
        self._descriptor = -1

    def __enter__(self) -> DaemonLock:
        try:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except PermissionError as error:
            raise StudioError(
                f"{printable(self._path)}: this user may not write it.",
                "The studio's daemon belongs to another user: approved pictures leave when that one runs.",
            ) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._descriptor, 32, 0).decode(errors="replace").strip()
            os.close(self._descriptor)
            pid = printable(holder) or "not known yet"
            raise StudioError(
                f"A daemon already runs on this studio (pid {pid}).",
                f"Stop that one first; the lock is {printable(self._path)}.",
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)
        return self

    def __exit__(self, *_: object) -> None:
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)
