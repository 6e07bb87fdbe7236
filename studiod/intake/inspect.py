"""Look at one file, in a worker process: which bytes, is it a picture, does it decode to the end."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studiod.errors import PictureError
from studiod.intake.settle import Signature
from studiod.names import printable
from studiod.settings import GIGABYTE

if TYPE_CHECKING:
    from studiod.imaging.photo import Header

_OWN_MEMORY = 900_000_000
"""What a worker holds whatever the picture: libraries, models, and a tile of a network at work."""
_MEMORY_A_PIXEL = 45
"""Bytes that all stages together hold at their peak; measured at 24 and 100 megapixels, 8 and 16 bits."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found: `problem` is the sentence for quarantine, None for a picture that decodes whole.

    `sha256` is None where the file could not be read. `truncated` says that the file may only be unfinished:
    it changed while it was read, or it breaks off. `captured_at` is EXIF's, else the file's own time.
    """

    sha256: str | None
    size: int
    mtime_ns: int
    captured_at: datetime | None
    kind: str = ""
    problem: str | None = None
    truncated: bool = False

    def to_json(self) -> dict[str, Any]:
        """As it travels from the worker."""
        return {**asdict(self), "captured_at": self.captured_at and self.captured_at.isoformat()}

    @staticmethod
    def from_json(told: Mapping[str, Any]) -> Inspection:
        """As it arrives at the daemon."""
        when = told["captured_at"]
        return Inspection(**{**told, "captured_at": when and datetime.fromisoformat(when)})


def inspect_file(path: Path, max_megapixels: float, memory_limit_bytes: int) -> Inspection:
    """Read a file to its end and decode it; whatever is wrong with it becomes its `problem`."""
    # Imported here: the daemon, which decodes nothing, imports this module too.
    from studiod.imaging.photo import check_photo, read_header

    name = printable(path.name)
    try:
        found = hash_file(path)
    except OSError as error:
        return Inspection(None, -1, 0, None, problem=f"{name} cannot be read: {error.strerror}.")
    if found.problem is not None:
        return found
    may_grow = _may_be_unfinished(path)
    try:
        header = read_header(path)
        found = replace(found, captured_at=header.captured_at or found.captured_at, kind=header.kind)
        if header.width * header.height > max_megapixels * 1e6:
            may_grow = False
        else:
            _refuse_what_does_not_fit(name, header, memory_limit_bytes)
        check_photo(path, max_megapixels=max_megapixels)
    except PictureError as error:
        problem = str(error)
    except MemoryError:
        problem = f"{name} needs more memory than a worker may use ([daemon] memory_gb)."
    except Exception as error:
        problem = f"{name} cannot be decoded: {printable(str(error)) or type(error).__name__}."
    else:
        return found
    return replace(found, problem=problem, truncated=may_grow)


def hash_file(path: Path) -> Inspection:
    """The file's hash, size and time, without a look at what it holds; OSError where it cannot be read."""
    name = printable(path.name)
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(descriptor, "rb") as file:
        before = os.fstat(file.fileno())
        if not stat.S_ISREG(before.st_mode):
            return Inspection(None, 0, Signature.of(before).mtime_ns, None, problem=f"{name} is not a file.")
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        after = os.fstat(file.fileno())
    signature = Signature.of(after)
    found = Inspection(sha256, signature.size, signature.mtime_ns, _local_time(after.st_mtime))
    if Signature.of(before) != signature:
        return replace(found, problem=f"{name} is still being written.", truncated=True)
    return found


def _refuse_what_does_not_fit(name: str, header: Header, limit: int) -> None:
    if _OWN_MEMORY + _MEMORY_A_PIXEL * header.width * header.height > limit:
        raise PictureError(
            f"{name} has {header.width} x {header.height} pixels: "
            f"more than a worker can hold in {limit / GIGABYTE:.1f} GB.",
            "Raise memory_gb under [daemon] if this machine has it.",
        )


def _may_be_unfinished(path: Path) -> bool:
    """Whether a picture may become whole yet: it is empty, all zeros so far, or begins like one."""
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError:
        return False
    marks = (b"\xff\xd8", b"\x89PNG", b"RIFF", b"II", b"MM", b"FUJI", b"FOVb", b"\0MRM")
    return not any(head) or head.startswith(marks) or head[4:8] == b"ftyp"


def _local_time(seconds: float) -> datetime | None:
    """A file's time as a camera would write it: local, without a zone."""
    try:
        return datetime.fromtimestamp(seconds)
    except (OverflowError, ValueError, OSError):
        return None
