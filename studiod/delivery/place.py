"""Files put in their place: whole, durable, never over something else, and on the disk that is meant."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from studiod.imaging.files import sync_folder
from studiod.settings import MARKER, is_mounted

CHUNK = 4 * 1024 * 1024
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL}

Progress = Callable[[], None]


class ContentChanged(Exception):
    """A file no longer holds the bytes that were recorded of it."""


def require_mounted(root: Path) -> None:
    """OSError (ENODEV) where a folder of the studio lacks its marker: its disk is not there.

    To be asked before anything is written below it, or is said to lie there: folders would be made in the
    empty place, and what is written into them would be gone when the disk is back.
    """
    if not is_mounted(root):
        raise OSError(errno.ENODEV, f"its marker {MARKER} is missing: is its disk mounted?", str(root))


def no_progress() -> None:
    """For callers to whom nobody listens while a large file is copied."""


def sha256_of(path: Path, progress: Progress = no_progress) -> str | None:
    """The SHA-256 of a regular file, None where there is none or it cannot be read."""
    try:
        return _digest(path, progress)
    except OSError:
        return None


def holds(path: Path, sha256: str) -> bool:
    """Whether a regular file with these bytes lies there; OSError where one cannot be read now."""
    try:
        is_regular = stat.S_ISREG(path.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return is_regular and _digest(path, no_progress) == sha256


def find_bytes(sources: Sequence[str], sha256: str | None) -> tuple[Path, str]:
    """The first of the places that holds these bytes, or (where no hash is known) any bytes at all.

    ContentChanged where none does.
    """
    for source in map(Path, sources):
        found = sha256_of(source)
        if found is not None and found == (sha256 or found):
            return source, found
    raise ContentChanged


def temporary_of(target: Path, sha256: str) -> Path:
    """Where the bytes of `target` gather before they get its name; the same after a crash."""
    return target.parent / f".studiod-{sha256[:32]}.tmp"


def place(source: Path, target: Path, sha256: str, progress: Progress = no_progress) -> None:
    """Copy `source` to `target`: temporary file, fsync, a name that nobody had, fsync of the folder.

    A `target` that already holds these very bytes counts as placed. FileExistsError where it holds
    anything else; ContentChanged where `source` is no longer the bytes of `sha256`.
    """
    _make_folder(target.parent)
    if os.path.lexists(target):
        _same_or_refused(target, sha256, progress)
        return
    temporary = temporary_of(target, sha256)
    try:
        _copy(source, temporary, sha256, progress)
        _name_once(temporary, target)
    except FileExistsError:
        _same_or_refused(target, sha256, progress)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(target.parent)


def move_aside(source: Path, targets: Iterable[Path]) -> Path:
    """Give `source` the first of these names, on the same file system, that nobody has; returns it.

    FileExistsError where all are taken.
    """
    for target in targets:
        _make_folder(target.parent)
        try:
            if not (os.path.lexists(target) and os.path.samestat(source.lstat(), target.lstat())):
                _name_once(source, target)  # else a crash came between
        except FileExistsError:
            continue
        source.unlink(missing_ok=True)
        sync_folder(target.parent)
        sync_folder(source.parent)
        return target
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(source))


def take_away(folder: Path, files: Mapping[str, str], progress: Progress = no_progress) -> bool:
    """Remove a folder of ours if it is just as it was written, these files with these hashes; whether it was.

    Where anything in it was changed, added or taken, it is left to whoever did that.
    """
    try:
        seen = {path.name: path.lstat() for path in folder.iterdir()}
        plain = all(stat.S_ISREG(found.st_mode) for found in seen.values()) and not folder.is_symlink()
        if not plain or seen.keys() != files.keys():
            return False
        if any(sha256_of(folder / name, progress) != sha256 for name, sha256 in files.items()):
            return False
        for name, before in seen.items():
            now = (folder / name).lstat()
            if (now.st_ino, now.st_size, now.st_mtime_ns) != (
                before.st_ino,
                before.st_size,
                before.st_mtime_ns,
            ):
                return False
            (folder / name).unlink()
        folder.rmdir()
    except OSError:
        return False
    return True


def _make_folder(folder: Path) -> None:
    """Make a folder, and those above it, durably."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        try:
            folder.mkdir()
        except FileExistsError:
            if not folder.is_dir():  # not a name that is taken, but a folder that cannot be had
                raise NotADirectoryError(errno.ENOTDIR, "it is not a folder", str(folder)) from None
        sync_folder(folder.parent)


def _digest(path: Path, progress: Progress) -> str:
    digest = hashlib.sha256()
    with open(_open_regular(path), "rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
            progress()
    return digest.hexdigest()


def _copy(source: Path, temporary: Path, sha256: str, progress: Progress) -> None:
    digest = hashlib.sha256()
    temporary.unlink(missing_ok=True)
    with open(_open_regular(source), "rb") as reader, temporary.open("xb") as writer:
        while chunk := reader.read(CHUNK):
            digest.update(chunk)
            writer.write(chunk)
            progress()
        writer.flush()
        os.fsync(writer.fileno())
    if digest.hexdigest() != sha256:
        raise ContentChanged


def _open_regular(path: Path) -> int:
    """A descriptor of a regular file; a pipe or a device with its name is never waited for."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file")
    return descriptor


def _name_once(source: Path, target: Path) -> None:
    """Give the file a second name that nobody had; without hard links, look first and rename."""
    try:
        os.link(source, target, follow_symlinks=os.link not in os.supports_follow_symlinks)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
        source.rename(target)


def _same_or_refused(target: Path, sha256: str, progress: Progress) -> None:
    if target.is_symlink() or sha256_of(target, progress) != sha256:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
