"""An item on its way through a worker: claimed, described as a job, held by a lease, and what came of it."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import random
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from studiod.daemon.every import Every
from studiod.daemon.jobs import Process, Reply
from studiod.daemon.sources import folders_away, sources_of, version_folder
from studiod.errors import LedgerError, OutOfSpace, StudioError, TransitionRefused
from studiod.ledger import queue
from studiod.ledger.engine import Ledger
from studiod.ledger.files import moment_of
from studiod.ledger.reading import find_plate, get_item
from studiod.ledger.records import Claimed, NewVersion, Place
from studiod.names import mistake_text, printable
from studiod.settings import Preset, Settings, load_preset
from studiod.strokes import strokes_to_json

log = logging.getLogger(__name__)

LEASE_SECONDS = 60.0


def seconds_each(spans: Iterable[tuple[float, float]]) -> float:
    """What one more picture takes, of when those before it were begun and done; idle time counts nothing."""
    ordered = sorted(spans)
    busy, until = 0.0, -math.inf
    for begun, done in ordered:
        busy += max(0.0, done - max(begun, until))
        until = max(until, done)
    return busy / len(ordered)


class Workbench:
    """Takes items in hand for the workers, and records what they made; `made` counts the pictures."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self.made = 0
        self._settings = settings
        self._ledger = ledger
        self._hot = {folder.name: folder for folder in settings.hot_folders}
        self._presets: dict[str, tuple[Preset, ...]] = {
            folder.name: tuple(load_preset(name, settings.root) for name in folder.presets)
            for folder in settings.hot_folders
        }
        self._spans: deque[tuple[float, float]] = deque(maxlen=50)
        self._claim_round, self._lease_round, self._expiry_round = Every(1.0), Every(10.0), Every(20.0)

    @property
    def seconds_per_item(self) -> float | None:
        """How long a picture takes of late, all workers together; None before there are two."""
        return seconds_each(self._spans) if len(self._spans) > 1 else None

    @property
    def away(self) -> list[str]:
        """The hot folders that are not there."""
        return folders_away(self._settings)

    def look_at_once(self) -> None:
        """Something may be to be claimed now."""
        self._claim_round.at_once()

    def next_job(self, now: float, *, captures: bool) -> tuple[Claimed, Process] | None:
        """The next item and its job, if one waits; without `captures` only what people wait for."""
        worker = f"daemon {os.getpid()}"
        while self._claim_round.due(now):
            claimed = queue.claim(self._ledger, worker, LEASE_SECONDS, captures=captures, away=self.away)
            if claimed is None:
                break
            self._claim_round.at_once()
            presets = self._presets.get(claimed.hot_folder)
            if presets is None:
                queue.fail(self._ledger, claimed, f"no hot folder is named {claimed.hot_folder} any more")
                continue
            try:
                return claimed, self._task(claimed, presets)
            except (StudioError, OSError):
                raise
            except Exception as error:
                self.give_up(claimed, error)
        return None

    def keep_leases(self, in_hand: Sequence[Claimed], now: float) -> None:
        """Lengthen the leases of what workers have in hand; what nobody has is given back."""
        if self._lease_round.due(now):
            for claimed in in_hand:
                queue.heartbeat(self._ledger, claimed, LEASE_SECONDS)
        if self._expiry_round.due(now):
            for item, status in queue.expire_leases(self._ledger, in_hand):
                log.warning("item %d lost its worker; it is now %s", item, status.value)

    def answered(self, claimed: Claimed, reply: Reply | None, death: str, seconds: float) -> bool:
        """Record what a worker made of an item, or why it made nothing; returns whether it made a picture."""
        ledger, name = self._ledger, _name(claimed)
        if reply is None:
            status = queue.give_back(ledger, claimed, death, counts_as_try=True)
            log.warning("%s: %s; it is now %s", name, death, status.value)
        elif reply.result is not None and not os.path.isdir(self._folder(claimed)):  # noqa: PTH112
            why = "its files went with a disk that is not there any more"
            status = queue.give_back(ledger, claimed, why, counts_as_try=False)
            log.warning("%s: %s; it is now %s", name, why, status.value)
        elif reply.result is not None:
            made = _version(claimed, reply.result, seconds)
            status = queue.finish(ledger, claimed, made, approve_by_policy=self._policy_approves(made.risk))
            self.made += 1
            now = time.monotonic()
            self._spans.append((now - seconds, now))
            log.info("%s: made in %.1f s, risk %.2f, %s", name, seconds, made.risk, status.value)
            return True
        elif reply.refusal == "disk" or (reply.refusal == "gone" and self._is_away(claimed)):
            queue.give_back(ledger, claimed, reply.message, counts_as_try=False)
        elif reply.refusal == "picture":
            queue.quarantine(ledger, claimed, reply.message)
            log.warning("%s: quarantined: %s", name, reply.message)
        else:
            queue.fail(ledger, claimed, reply.message)
            log.warning("%s: failed: %s", name, reply.message)
        return False

    def give_up(self, claimed: Claimed, error: Exception) -> None:
        """A mistake of ours about one item, which alone pays for that."""
        log.error("%s: studiod makes a mistake about this item", _name(claimed), exc_info=error)
        with contextlib.suppress(TransitionRefused):
            queue.fail(self._ledger, claimed, mistake_text(error))

    def give_back(self, in_hand: Sequence[Claimed]) -> None:
        """At the daemon's end: what it cannot wait for is made another time."""
        for claimed in in_hand:
            with contextlib.suppress(TransitionRefused, OutOfSpace, LedgerError):
                queue.give_back(
                    self._ledger, claimed, "the daemon was stopped meanwhile", counts_as_try=False
                )

    def _task(self, claimed: Claimed, presets: Sequence[Preset]) -> Process:
        return Process(
            name=Path(claimed.path).name,
            sources=sources_of(self._settings, get_item(self._ledger, claimed.item)),
            sha256=claimed.source_sha256,
            plate=self._plate(claimed),
            presets=Process.settings_of(presets),
            folder=str(self._folder(claimed)),
            calibrations=str(self._settings.calibrations),
            strokes=tuple(strokes_to_json(claimed.strokes)),
            returned=self._returned(claimed),
            pixels_per_mm=self._hot[claimed.hot_folder].pixels_per_mm,
        )

    def _is_away(self, claimed: Claimed) -> bool:
        """Whether its original is in a hot folder that is not there, and nowhere else."""
        kept = get_item(self._ledger, claimed.item).kept_original
        return kept is None and claimed.hot_folder in self.away

    def _folder(self, claimed: Claimed) -> Path:
        """Where the version's files are to lie."""
        return self._settings.work / version_folder(claimed.item, claimed.version)

    def _returned(self, claimed: Claimed) -> Mapping[str, Any] | None:
        if claimed.returned is None:
            return None
        sent = claimed.returned.touchup
        return {
            "path": str(self._settings.work / claimed.returned.path),
            "folder": str(self._settings.work / version_folder(sent.item, sent.version)),
            "box": sent.box,
        }

    def _plate(self, claimed: Claimed) -> str | None:
        hot = self._hot[claimed.hot_folder]
        folder = os.path.dirname(claimed.path)  # noqa: PTH120 - "" for the top, as the ledger has it
        plate = find_plate(self._ledger, claimed.hot_folder, folder, moment_of(claimed.captured_at))
        if plate is not None:
            kept = sorted((self._settings.work / "originals").glob(f"{plate.facts.sha256}.*"))
            return str(kept[0] if kept else hot.path / plate.facts.path)
        return None if hot.plate is None else str(hot.plate)

    def _policy_approves(self, risk: float) -> bool:
        """Whether policy would approve this risk, but for a random share that people audit."""
        qa = self._settings.qa
        if qa.auto_approve_below is None or risk >= qa.auto_approve_below:
            return False
        return random.random() >= qa.audit_share


def _name(claimed: Claimed) -> str:
    return f"item {claimed.item} ({printable(claimed.path)})"


def _version(claimed: Claimed, result: Mapping[str, Any], seconds: float) -> NewVersion:
    told = dict(result)
    for name in ("cutout", "matte"):
        told[name] = tuple(told[name])
    told["composites"] = {preset: tuple(file) for preset, file in told["composites"].items()}
    told["reasons"] = tuple(told["reasons"])
    told["places"] = tuple(Place(*place) for place in told["places"])
    told["composite_box"] = tuple(told["composite_box"])
    return NewVersion(folder=version_folder(claimed.item, claimed.version), seconds=seconds, **told)
