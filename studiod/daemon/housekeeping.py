"""Clearing away: at the start what a killed daemon left, once a day what is past its time; and a backup."""

from __future__ import annotations

import contextlib
import logging
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from studiod.delivery.place import take_away
from studiod.ledger.engine import Ledger, back_up
from studiod.ledger.queue import set_kept_original
from studiod.ledger.reading import every_file, every_item, find_by_hash, get_item
from studiod.ledger.records import FileState, ItemRecord, Selection
from studiod.ledger.states import Status
from studiod.ledger.touchup import sent_and_left
from studiod.settings import Settings, is_mounted

log = logging.getLogger(__name__)

DAY = 86400.0
_SETTLED = Selection(statuses=frozenset({Status.DELIVERED, Status.REJECTED, Status.SUPERSEDED}))
_DISPENSABLE = ("preview-*", "evidence-*")
_KEPT_STEM = re.compile(r"[0-9a-f]{64}")


def clear_leftovers(settings: Settings) -> None:
    """Remove what a daemon that was killed had begun to write; to be called before anything else writes.

    Where it would have been finished it is begun anew.
    """
    for root, patterns in (
        (settings.work, ("originals/.studiod-*.tmp", "returns/.studiod-*.tmp", "backups/*.part")),
        (settings.outbox, (".studiod-manifest.tmp", "*/.studiod-*.tmp")),
        (settings.touchup, (".studiod-*.new",)),
    ):
        with contextlib.suppress(OSError):  # what cannot be read or written is the guard's to say
            for path in [path for pattern in patterns for path in root.glob(pattern)]:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def keep_house(ledger: Ledger, settings: Settings, progress: Callable[[], None]) -> None:
    """Back the ledger up and clear away what is past its time; `progress` is called between items."""
    back_up(ledger, settings.work / "backups")
    now = time.time()
    previews = clear_previews(ledger, settings, now, progress)
    originals = clear_originals(ledger, settings, now, progress)
    returns = clear_returns(ledger, settings, now, progress)
    touchups = clear_touchups(ledger, settings, progress)
    if previews or originals or returns or touchups:
        log.info(
            "cleared away the previews of %d items, %d kept originals, %d kept touch-ups and %d folders "
            "for retouchers",
            previews, originals, returns, touchups,
        )  # fmt: skip


def clear_previews(ledger: Ledger, settings: Settings, now: float, progress: Callable[[], None]) -> int:
    """Remove previews and evidence crops of items settled `keep_previews_days` ago; returns of how many.

    Cutouts, composites, mattes, risk files and history stay for ever.
    """
    cleared = 0
    for item in every_item(ledger, _SETTLED):
        progress()
        if now - item.updated_at < settings.store.keep_previews_days * DAY:
            continue
        folder = settings.work / "items" / str(item.id)
        dispensable = [path for pattern in _DISPENSABLE for path in folder.glob(f"v*/{pattern}")]
        folders = [*folder.glob("v*/tiles"), *folder.glob(".v*.new")]  # and what a killed worker left
        for path in dispensable:
            path.unlink(missing_ok=True)
        for path in folders:
            shutil.rmtree(path, ignore_errors=True)
        cleared += bool(dispensable or folders)
    return cleared


def clear_originals(ledger: Ledger, settings: Settings, now: float, progress: Callable[[], None]) -> int:
    """Remove kept originals whose every item was delivered, or superseded, `keep_originals_days` ago.

    Plates stay.
    """
    limit = settings.store.keep_originals_days * DAY
    folder = settings.work / "originals"
    cleared = 0
    plates = {plate.facts.sha256 for plate in every_file(ledger, FileState.PLATE)}
    for kept in sorted(folder.iterdir()) if folder.is_dir() else ():
        progress()
        if not _KEPT_STEM.fullmatch(kept.stem) or kept.is_symlink() or not kept.is_file():
            continue  # not ours
        if kept.stem in plates:
            continue  # pictures to come need it
        items = find_by_hash(ledger, kept.stem)
        last = max((_settled_at(item) for item in items), default=_modified(kept))
        if now - last < limit:
            continue
        for item in items:
            if item.kept_original is not None:
                set_kept_original(ledger, item.id, None)
        kept.unlink(missing_ok=True)
        cleared += 1
    return cleared


def clear_returns(ledger: Ledger, settings: Settings, now: float, progress: Callable[[], None]) -> int:
    """Remove kept touch-ups whose item was delivered, or superseded, `keep_originals_days` ago."""
    limit = settings.store.keep_originals_days * DAY
    cleared = 0
    for file in every_file(ledger, FileState.RETURNED):
        progress()
        if file.item is None or file.facts.kept_copy is None:
            continue
        kept = settings.work / file.facts.kept_copy
        if kept.exists() and now - _settled_at(get_item(ledger, file.item)) >= limit:
            kept.unlink()
            cleared += 1
    return cleared


def clear_touchups(ledger: Ledger, settings: Settings, progress: Callable[[], None]) -> int:
    """Remove what was sent to a retoucher of pieces that have left, where nobody changed anything in it."""
    folders = sent_and_left(ledger) if is_mounted(settings.touchup) else []
    return sum(take_away(settings.touchup / folder, files, progress) for folder, files in folders)


def _settled_at(item: ItemRecord) -> float:
    if item.status is Status.SUPERSEDED:
        return item.updated_at
    if item.status is Status.DELIVERED and item.delivered_at is not None:
        return item.delivered_at
    return float("inf")


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return float("inf")
