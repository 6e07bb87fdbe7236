"""Where an item's files lie: its photograph, and what was made of it."""

from __future__ import annotations

from pathlib import Path

from studiod.ledger.records import ItemRecord
from studiod.settings import Settings


def sources_of(settings: Settings, item: ItemRecord) -> tuple[str, ...]:
    """The kept copy, its place in the hot folder, and every place there that held its bytes."""
    kept = [] if item.kept_original is None else [settings.work / item.kept_original]
    hot = [folder.path for folder in settings.hot_folders if folder.name == item.hot_folder]
    found = [*kept, *(folder / path for folder in hot for path in (item.path, *item.files))]
    return tuple(dict.fromkeys(map(str, found)))


def version_folder(settings: Settings, item: int, version: int) -> Path:
    """Where the files of a version lie, or are to lie."""
    return settings.work / "items" / str(item) / f"v{version}"
