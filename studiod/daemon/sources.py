"""Where the photograph of an item may lie."""

from __future__ import annotations

from studiod.ledger.records import ItemRecord
from studiod.settings import Settings


def sources_of(settings: Settings, item: ItemRecord) -> tuple[str, ...]:
    """The kept copy, its place in the hot folder, and every place there that held its bytes."""
    kept = [] if item.kept_original is None else [settings.work / item.kept_original]
    hot = [folder.path for folder in settings.hot_folders if folder.name == item.hot_folder]
    found = [*kept, *(folder / path for folder in hot for path in (item.path, *item.files))]
    return tuple(dict.fromkeys(map(str, found)))
