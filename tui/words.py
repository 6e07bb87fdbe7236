"""How records read on the screen: prices, ages, risks and reasons as short plain text.

Whatever comes from outside goes through `studiod.names` here: names by `printable`, sentences by `inert`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

from studiod.ledger.records import SILENT_SECONDS, Activity, DaemonState, ItemRecord
from studiod.ledger.states import Status
from studiod.money import to_decimal
from studiod.names import inert, printable

if TYPE_CHECKING:
    from studiod.ledger.looks import Unseen

REASONS = (
    "chain_gap", "prong_missing", "stone_eaten", "small_stone", "hole_filled", "hole_leaking",
    "background_left", "reflection_kept", "halo", "highlight_changed", "low_contrast",
    "out_of_focus", "cut_by_frame", "no_piece", "reflection_removed", "part_missing",
)  # fmt: skip
"""Every reason that can be given, in the order of the dialogs' numbers."""

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_BAR_CELLS = 4
_STATUS_WORDS = {
    Status.AWAITING_REVIEW: "waits",
    Status.APPROVED_ONCE: "approved once",
}


def price_text(item: ItemRecord) -> str:
    """The price with its currency, or that there is none."""
    if item.price_minor is None:
        return "no price"
    return f"{to_decimal(item.price_minor, item.currency):,} {item.currency}"


def reason_text(reasons: tuple[str, ...]) -> str:
    """The reasons in words."""
    return ", ".join(printable(reason).replace("_", " ") for reason in reasons)


def piece_text(item: ItemRecord) -> str:
    """What the piece is called: its title, else its file's name."""
    return printable(item.title) if item.title else printable(item.path.rsplit("/", 1)[-1])


def sku_text(item: ItemRecord) -> str:
    """The SKU, else the file's name."""
    return printable(item.sku) if item.sku else printable(item.path.rsplit("/", 1)[-1])


def status_text(status: Status) -> str:
    """A status in words."""
    return _STATUS_WORDS.get(status, status.value.replace("_", " "))


def age_text(seconds: float) -> str:
    """How long ago, in one unit."""
    if seconds < 60:
        return "now"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds // 3600:.0f} h"
    return f"{seconds // 86400:.0f} d"


def duration_text(seconds: float) -> str:
    """A length of time as hours and minutes."""
    minutes = max(1, round(seconds / 60))
    return f"{minutes // 60} h {minutes % 60:02d}" if minutes >= 60 else f"{minutes} min"


def risk_bar(risk: float | None) -> str:
    """The risk as a bar and a number."""
    if risk is None:
        return " " * _BAR_CELLS + "    –"
    eighths = round(min(max(risk, 0.0), 1.0) * _BAR_CELLS * 8)
    full, part = divmod(eighths, 8)
    bar = "█" * full + (_EIGHTHS[part] if part else "")
    return f"{bar:<{_BAR_CELLS}} {risk:4.2f}"


def risk_colour(risk: float | None) -> str:
    """Green, amber or red."""
    if risk is None:
        return "#a8a8a8"
    return "#e8695e" if risk >= 0.5 else "#e0b050" if risk >= 0.1 else "#7fb57f"


def daemon_text(daemon: DaemonState | None, now: float) -> tuple[str, bool]:
    """What the daemon is doing, and whether all is well with it."""
    if daemon is None:
        return "daemon never started", False
    silent = now - daemon.beat_at
    message = inert(daemon.message)
    if daemon.activity is Activity.STOPPED:
        return f"daemon stopped {_ago(silent)}", False
    if silent > SILENT_SECONDS:
        return f"daemon silent for {duration_text(silent)}: is it running?", False
    if daemon.activity is Activity.PAUSED:
        return f"daemon paused: {message}" if message else "daemon paused", False
    return f"daemon {daemon.activity.value}", True


def estimate_text(daemon: DaemonState | None, unmade: int, now: float) -> str:
    """Throughput, and when the night's work is done; only what is to be made where no daemon runs."""
    gone = daemon is None or daemon.activity is Activity.STOPPED or now - daemon.beat_at > SILENT_SECONDS
    if daemon is None or gone or not daemon.seconds_per_item or daemon.seconds_per_item <= 0:
        return f"{unmade} to make" if unmade else ""
    rate = f"{3600 / daemon.seconds_per_item:.0f}/h"
    if not unmade:
        return rate
    return f"{rate}, {unmade} to make: {duration_text(unmade * daemon.seconds_per_item)}"


def shortened(name: str, width: int) -> str:
    """A name made printable, its middle left out where it is long: both ends tell names apart."""
    text = printable(name)
    if cell_len(text) <= width:
        return text
    half = width // 2
    return f"{set_cell_size(text, half - 1)}…{text[-half:]}"


def fitted(text: str, width: int, *, right: bool = False) -> str:
    """The text in exactly `width` cells, what is too long ending in an ellipsis."""
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, max(width - 1, 0)) + ("…" if width > 0 else "")
    padding = " " * (width - length)
    return padding + text if right else text + padding


def _ago(seconds: float) -> str:
    text = age_text(seconds)
    return "just now" if text == "now" else f"{text} ago"


def missing_text(missing: Unseen) -> str:
    """What is to be looked at before an approval, in few words."""
    count = len(missing.places)
    parts = ["the whole composite"] if missing.composite else []
    if count:
        parts.append(f"{count} place{'s' if count > 1 else ''} at 200 %")
    return " and ".join(parts)


def to_see_text(missing: Unseen) -> str:
    """What is still to be seen, in fewer words."""
    count = len(missing.places)
    parts = ["the whole"] if missing.composite else []
    if count:
        parts.append(f"{count} place{'s' if count > 1 else ''}")
    return f"to see: {', '.join(parts)}" if parts else "all seen"
