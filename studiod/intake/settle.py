"""When a file counts as whole: nothing about it has changed for a quiet period."""

from __future__ import annotations

import os
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

_LARGEST = 2**63 - 1


@dataclass(frozen=True)
class Signature:
    """What changes when a file is written to, replaced or moved over."""

    size: int
    mtime_ns: int
    inode: int

    @staticmethod
    def of(found: os.stat_result) -> Signature:
        """A file's, cut to what a database's integers can hold: some file systems have odd numbers."""
        mtime_ns = max(-_LARGEST, min(found.st_mtime_ns, _LARGEST))
        return Signature(found.st_size, mtime_ns, found.st_ino & _LARGEST)


@dataclass
class _Watched:
    signature: Signature
    due: float


class SettleTracker(Generic[Key]):
    """Remembers what was seen of each file, and tells which have been quiet for long enough.

    Pure: it reads no clock and no disk; the times given to it only have to be of one clock.
    """

    def __init__(self, quiet_seconds: float) -> None:
        self._quiet_seconds = quiet_seconds
        self._watched: dict[Key, _Watched] = {}

    def __contains__(self, key: Key) -> bool:
        return key in self._watched

    def __len__(self) -> int:
        return len(self._watched)

    def watched(self) -> list[Key]:
        """The files that have not settled yet."""
        return list(self._watched)

    def signatures(self) -> set[Signature]:
        """What the files that have not settled yet look like."""
        return {watched.signature for watched in self._watched.values()}

    def observe(self, key: Key, signature: Signature, now: float) -> None:
        """A file was seen like this; a change, or a first sight, starts its quiet period anew."""
        watched = self._watched.get(key)
        if watched is None or watched.signature != signature:
            self._watched[key] = _Watched(signature, now + self._quiet_seconds)

    def postpone(self, key: Key, signature: Signature, until: float) -> None:
        """A file must stay quiet until this moment at least."""
        self._watched[key] = _Watched(signature, until)

    def forget(self, key: Key) -> None:
        """A file is gone."""
        self._watched.pop(key, None)

    def take_settled(self, now: float) -> list[tuple[Key, Signature]]:
        """The files that have been quiet for long enough; they are not watched any more."""
        settled = [(key, watched.signature) for key, watched in self._watched.items() if watched.due <= now]
        for key, _ in settled:
            del self._watched[key]
        return settled
