"""The copies of originals that are kept in the work folder: one of each, while its file is still there."""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path

from studiod.daemon.deaths import Deaths
from studiod.daemon.jobs import Keep, Reply
from studiod.intake.rules import Taken
from studiod.ledger.engine import Ledger
from studiod.ledger.queue import set_kept_original
from studiod.ledger.reading import every_file, every_item
from studiod.ledger.records import FileState, Selection
from studiod.ledger.states import Status
from studiod.names import printable
from studiod.settings import Settings, is_mounted

log = logging.getLogger(__name__)

_SETTLED = {Status.DELIVERED, Status.REJECTED, Status.SUPERSEDED, Status.QUARANTINED}
_UNSETTLED = Selection(statuses=frozenset(Status) - _SETTLED)


class Originals:
    """What is to be copied, where the studio wants that; a crash is made good by `start`."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self._wanted = settings.store.copy_originals
        self._folder = settings.work / "originals"
        self._hot = {folder.name: folder.path for folder in settings.hot_folders}
        self._ledger = ledger
        self._to_keep: deque[Taken] = deque()
        self._deaths = Deaths()

    @property
    def idle(self) -> bool:
        """Whether nothing waits to be copied that can be."""
        away = self._away()
        return all(_is_below(away, taken) for taken in self._to_keep)

    def start(self) -> None:
        """Find what an earlier daemon had not copied yet."""
        if not self._wanted:
            return
        self._to_keep += [
            Taken(item.id, self._hot[item.hot_folder] / item.path, item.source_sha256)
            for item in every_item(self._ledger, _UNSETTLED)
            if item.kept_original is None and self._is_there(item.hot_folder, item.path)
        ]
        kept = {path.stem for path in self._folder.glob("*")}
        self._to_keep += [
            Taken(None, self._hot[plate.hot_folder] / plate.path, plate.sha256)
            for plate in (file.facts for file in every_file(self._ledger, FileState.PLATE))
            if plate.sha256 not in kept and self._is_there(plate.hot_folder, plate.path)
        ]

    def _is_there(self, hot_folder: str, path: str) -> bool:
        """Whether the file lies in its hot folder still, or that folder itself is not there now."""
        hot = self._hot.get(hot_folder)
        return hot is not None and (not is_mounted(hot) or os.path.exists(hot / path))  # noqa: PTH110

    def _away(self) -> list[Path]:
        """The hot folders that are not there."""
        return [hot for hot in self._hot.values() if not is_mounted(hot)]

    def add(self, taken: Iterable[Taken]) -> None:
        """Have these copied."""
        if self._wanted:
            self._to_keep.extend(taken)

    def next_job(self) -> tuple[Taken, Keep] | None:
        """A job for a worker, if there is one; what lies in a hot folder that is not there waits for it."""
        away = self._away()
        for _ in range(len(self._to_keep)):
            taken = self._to_keep.popleft()
            if _is_below(away, taken):
                self._to_keep.append(taken)
            elif taken.sha256 is not None:
                return taken, Keep(str(taken.source), taken.sha256, str(self._folder))
        return None

    def answered(self, taken: Taken, reply: Reply | None, death: str) -> None:
        """Record where the copy lies; one that a disk, a folder or a worker's death stopped is made later."""
        if reply is not None and reply.result is not None:
            if taken.item is not None:
                set_kept_original(self._ledger, taken.item, f"originals/{reply.result['name']}")
        elif _is_below(self._away(), taken) or self._deaths.may_try_again(taken, reply):
            self._to_keep.append(taken)
        else:
            why = death if reply is None else reply.message
            log.warning("no copy of %s was kept: %s", printable(taken.source), why)


def _is_below(folders: Sequence[Path], taken: Taken) -> bool:
    """Whether the original lies in one of these folders."""
    return any(taken.source.is_relative_to(folder) for folder in folders)
