"""`studiod approve`, `flag`, `reject`, `retry` and `recall`: deciding without the review terminal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from studiod.commands.options import ConfigOption, ItemArgument, studio_ledger, studio_settings
from studiod.ledger import reading, review
from studiod.ledger.states import Status

ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept in the history.")]


def approve(item: ItemArgument, reason: ReasonOption = "", config: ConfigOption = None) -> None:
    """Approve an item as it stands now.

    Your login is kept with the decision. What needs a person's eyes is refused until you have looked at
    all of it in studiod-review.
    """
    ledger = studio_ledger(studio_settings(config))
    version = reading.get_item(ledger, item).version
    after = review.approve(ledger, item, version, review.current_person(), note=reason)
    if after is Status.APPROVED_ONCE:
        typer.echo(f"Item {item} is approved once; its price asks for a second person.")
    else:
        typer.echo(f"Item {item} is approved.")


def flag(item: ItemArgument, reason: ReasonOption = "", config: ConfigOption = None) -> None:
    """Send an item to touch-up by hand.

    A reason may be words of your own, or some of those that `list` shows, such as chain_gap.
    """
    _complain(review.flag, item, reason, config)
    typer.echo(f"Item {item} is flagged for touch-up.")


def reject(item: ItemArgument, reason: ReasonOption = "", config: ConfigOption = None) -> None:
    """Refuse a picture: it must be shot again.

    Where the reason is out_of_focus or cut_by_frame alone, `calibrate` does not take it for the cutout's.
    """
    _complain(review.reject, item, reason, config)
    typer.echo(f"Item {item} is rejected: shoot it again.")


def retry(item: ItemArgument, reason: ReasonOption = "", config: ConfigOption = None) -> None:
    """Process a failed, quarantined or rejected item again."""
    ledger = studio_ledger(studio_settings(config))
    review.retry(ledger, item, review.current_person(), reason=reason)
    typer.echo(f"Item {item} will be processed again.")


def recall(item: ItemArgument, reason: ReasonOption = "", config: ConfigOption = None) -> None:
    """Take a delivered item back.

    It waits for a person again, and the daemon moves its files to outbox/recalled/.
    """
    ledger = studio_ledger(studio_settings(config))
    review.recall(ledger, item, review.current_person(), reason=reason)
    typer.echo(f"Item {item} is recalled; the daemon moves its files to outbox/recalled/.")


def _complain(decide: Callable[..., None], item: int, words: str, config: Path | None) -> None:
    """Flag or reject an item as it stands now; the risk score's own reasons among the words count as such."""
    from studiod.risk.findings import REASONS

    ledger = studio_ledger(studio_settings(config))
    version = reading.get_item(ledger, item).version
    known = tuple(word for word in words.replace(",", " ").split() if word in REASONS)
    decide(ledger, item, version, review.current_person(), reasons=known, note=words)
