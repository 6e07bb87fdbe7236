"""What lies in a hot folder, and when to look again.

A pass over the folder decides; the operating system's events only say that a pass is due.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from watchdog.events import (
    DirCreatedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

from studiod.intake.ignore import is_ignored_folder
from studiod.intake.settle import Signature
from studiod.names import printable

_WAKING: list[type[FileSystemEvent]] = [
    DirCreatedEvent, DirMovedEvent, FileClosedEvent, FileCreatedEvent, FileModifiedEvent, FileMovedEvent,
]  # fmt: skip


class Nature(StrEnum):
    """What a directory entry is; the values complete the sentence "NAME is ..."."""

    FILE = "a file"
    LINK_OUT = "a link that leads out of the hot folder"
    DEAD_LINK = "a link that leads nowhere"
    PIPE = "a pipe, not a file"
    SOCKET = "a socket, not a file"
    DEVICE = "a device, not a file"


@dataclass(frozen=True, slots=True)
class FileStat:
    """A file as a pass saw it; `path` is below the hot folder, bytes that are not UTF-8 as surrogates."""

    path: str
    signature: Signature
    nature: Nature


@dataclass(frozen=True, slots=True)
class Scan:
    """A pass over a hot folder: its files, and sentences about what could not be looked into."""

    files: tuple[FileStat, ...]
    messages: tuple[str, ...]


def scan(root: Path) -> Scan:
    """Every file below `root`, ignored folders left out.

    Links to files inside the folder are files; links to folders are not followed, so that nothing is found
    twice and no loop is walked. OSError when the folder itself cannot be read.
    """
    top = os.path.realpath(root)
    files: list[FileStat] = []
    messages: list[str] = []
    folders = [""]
    while folders:
        folder = folders.pop()
        unseen = ""
        try:
            with os.scandir(os.path.join(top, folder)) as entries:  # noqa: PTH118 -- a Path costs too much here
                for entry in entries:
                    path = f"{folder}/{entry.name}" if folder else entry.name
                    if _is_folder(entry):
                        if not is_ignored_folder(entry.name):
                            folders.append(path)
                        continue
                    try:
                        if (found := _look(top, path)) is not None:
                            files.append(found)
                    except OSError as error:
                        unseen = str(error.strerror)
        except OSError as error:
            if not folder:
                raise
            if error.errno != errno.ENOENT:
                messages.append(f"The folder {printable(folder)} cannot be looked into: {error.strerror}.")
        if unseen:
            messages.append(f"Files in the folder {printable(folder or root)} cannot be looked at: {unseen}.")
    return Scan(tuple(files), tuple(messages))


def look_at(root: Path, path: str) -> FileStat | None:
    """One file of a hot folder as it is now; None when it is gone, or has become a folder."""
    try:
        return _look(os.path.realpath(root), path)
    except OSError:
        return None


class Watcher:
    """Calls `wake` when something changes in a folder, as far as the operating system tells."""

    def __init__(self, root: Path, wake: Callable[[], None]) -> None:
        self._root = root
        self._wake = wake
        self._observer = Observer()

    def start(self) -> str | None:
        """Begin; returns a sentence where events are not to be had and the folder must be polled."""
        handler = _Wake(self._wake)
        try:
            self._observer.schedule(handler, str(self._root), recursive=True, event_filter=_WAKING)
            self._observer.start()
        except (OSError, RuntimeError, ValueError) as error:
            self.stop()
            hint = ""
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EMFILE):
                hint = " Raise fs.inotify.max_user_watches and max_user_instances to have events again."
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            return (
                f"{printable(self._root)} cannot be watched for events ({printable(reason)}): "
                f"it is polled instead.{hint}"
            )
        return None

    def stop(self) -> None:
        """End, and wait for the observer's threads."""
        with suppress(RuntimeError):  # it was never started
            self._observer.stop()
            if self._observer.is_alive():
                self._observer.join(timeout=5)


class _Wake(FileSystemEventHandler):
    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    def on_any_event(self, event: FileSystemEvent) -> None:
        self._wake()


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _look(top: str, path: str) -> FileStat | None:
    full = os.path.join(top, path)  # noqa: PTH118
    try:
        own = os.lstat(full)
    except FileNotFoundError:
        return None
    if stat.S_ISLNK(own.st_mode):
        return _look_through_link(top, path, full, own)
    return None if stat.S_ISDIR(own.st_mode) else _file_stat(path, own, _nature(own.st_mode))


def _look_through_link(top: str, path: str, full: str, own: os.stat_result) -> FileStat | None:
    try:
        target = os.path.realpath(full, strict=True)
        there = os.stat(target)  # noqa: PTH116
    except OSError:
        return _file_stat(path, own, Nature.DEAD_LINK)
    if os.path.commonpath([top, target]) != top:
        return _file_stat(path, own, Nature.LINK_OUT)
    return None if stat.S_ISDIR(there.st_mode) else _file_stat(path, there, _nature(there.st_mode))


def _nature(mode: int) -> Nature:
    if stat.S_ISREG(mode):
        return Nature.FILE
    if stat.S_ISFIFO(mode):
        return Nature.PIPE
    return Nature.SOCKET if stat.S_ISSOCK(mode) else Nature.DEVICE


def _file_stat(path: str, found: os.stat_result, nature: Nature) -> FileStat:
    return FileStat(path, Signature.of(found), nature)
