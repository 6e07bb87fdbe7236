"""How several commands write what the ledger holds: times, changes, and items for scripts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from studiod.ledger.records import Event, ItemRecord
from studiod.money import to_decimal
from studiod.settings import Settings


def item_as_json(item: ItemRecord, settings: Settings) -> dict[str, Any]:
    """An item under the names that scripts rely on."""
    price = None if item.price_minor is None else str(to_decimal(item.price_minor, item.currency))
    return {
        "item": item.id,
        "sku": item.sku,
        "status": str(item.status),
        "hot_folder": item.hot_folder,
        "files": list(item.files),
        "version": item.version,
        "price": price,
        "currency": item.currency or None,
        "mandatory": item.mandatory,
        "risk": item.risk,
        "reasons": list(item.reasons),
        "output": [str(settings.outbox / path) for path in item.outputs],
        "seconds": None if item.seconds is None else round(item.seconds, 3),
    }


def moment_text(at: float) -> str:
    """A time to the second, in the studio's own zone."""
    return datetime.fromtimestamp(at).strftime("%Y-%m-%d %H:%M:%S")


def change_text(event: Event) -> str:
    """How an event changed the status: "received -> processing", "-> received", or nothing."""
    if event.after is None:
        return ""
    return f"{event.before} -> {event.after}" if event.before else f"-> {event.after}"
