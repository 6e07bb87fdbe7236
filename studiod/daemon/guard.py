"""What must hold before studiod writes: its folders are mounted, and their disks have room."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from studiod.daemon.every import Every
from studiod.names import printable
from studiod.settings import GIGABYTE, MARKER, Settings, is_mounted

log = logging.getLogger(__name__)

_HOLD_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Obstacles:
    """Why nothing is made (`work`), delivered or sent to `touchup`: sentences by what they are about."""

    work: Mapping[str, str] = field(default_factory=dict)
    delivery: Mapping[str, str] = field(default_factory=dict)
    touchup: Mapping[str, str] = field(default_factory=dict)

    @property
    def all(self) -> Mapping[str, str]:
        """All of them, those that stop everything first."""
        return {**self.work, **self.delivery, **self.touchup}


class Guard:
    """Looks now and then, and says what has changed; `obstacles` is what it found last."""

    def __init__(self, settings: Settings) -> None:
        self.obstacles = Obstacles()
        self._settings = settings
        self._held = "", 0.0  # why a disk or file stops everything, and until when
        self._round = Every(2.0)

    def look(self, now: float) -> None:
        """Look at the folders, as far as it is time to."""
        if not self._round.due(now):
            return
        sentence, until = self._held
        held = {"held": sentence} if now < until else {}
        found = find_obstacles(self._settings)
        obstacles = Obstacles({**found.work, **held}, {**found.delivery, **held}, {**found.touchup, **held})
        for about, sentence in obstacles.all.items():
            if about not in self.obstacles.all:
                log.warning("%s", sentence)
        if self.obstacles.all and not obstacles.all:
            log.info("everything is in its place again: work goes on")
        self.obstacles = obstacles

    def hold(self, sentence: str) -> None:
        """Stop everything for a while, because a disk is full or fails; then it is tried again."""
        now = time.monotonic()
        self._held = sentence, now + _HOLD_SECONDS
        self._round.at_once()
        self.look(now)


def find_obstacles(settings: Settings) -> Obstacles:
    """Look at every folder that studiod writes to.

    One that is not mounted stops what would be written to it; too little room on any of their file
    systems stops everything.
    """
    written: dict[str, Path] = {"work": settings.work, "outbox": settings.outbox, "touchup": settings.touchup}
    if settings.delivery.archive is not None:
        written["archive"] = settings.delivery.archive
    missing = {
        name: f"The {name} folder {printable(folder)} lacks its marker {MARKER}: is its disk mounted?"
        for name, folder in written.items()
        if not is_mounted(folder)
    }
    there = {name: path for name, path in written.items() if name not in missing}
    work = _without_room(there, settings.store.min_free_gb)
    if "work" in missing:
        work["work"] = missing["work"]
    delivery = {name: sentence for name, sentence in missing.items() if name in {"outbox", "archive"}}
    touchup = {name: sentence for name, sentence in missing.items() if name == "touchup"}
    return Obstacles(work, {**work, **delivery}, {**work, **touchup})


def _without_room(folders: Mapping[str, Path], floor_gb: float) -> dict[str, str]:
    """File systems with too little room, each said once."""
    found: dict[str, str] = {}
    devices: set[int] = set()
    for name, folder in folders.items():
        try:
            device, room = folder.stat().st_dev, os.statvfs(folder)
        except OSError as error:
            found[name] = f"The {name} folder {printable(folder)} cannot be read: {error.strerror}."
            continue
        free_gb = room.f_bavail * room.f_frsize / GIGABYTE
        if free_gb < floor_gb and device not in devices:
            devices.add(device)
            found[name] = (
                f"Only {free_gb:.2f} GB are free for the {name} folder {printable(folder)}, "
                f"fewer than [store] min_free_gb = {floor_gb:g}."
            )
    return found
