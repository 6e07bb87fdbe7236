"""Where an item's files lie: its photograph, and what was made of it."""

from __future__ import annotations

from studiod.ledger.records import ItemRecord
from studiod.settings import Settings, is_mounted


def sources_of(settings: Settings, item: ItemRecord) -> tuple[str, ...]:
    """The kept copy, its place in the hot folder, and every place there that held its bytes."""
    kept = [] if item.kept_original is None else [settings.work / item.kept_original]
    hot = settings.hot_path(item.hot_folder)
    found = [] if hot is None else [hot / path for path in (item.path, *item.files)]
    return tuple(dict.fromkeys(map(str, (*kept, *found))))


def folders_away(settings: Settings) -> list[str]:
    """The hot folders that are not there: what has no kept copy waits for them."""
    return [hot.name for hot in settings.hot_folders if not is_mounted(hot.path)]


def version_folder(item: int, version: int) -> str:
    """Where the files of a version lie, or are to lie, below `work`."""
    return f"items/{item}/v{version}"
