"""Approved items on their way out: the gate is judged, names are reserved, then files are written."""

from __future__ import annotations

from collections.abc import Sequence

from studiod.ledger.engine import Ledger
from studiod.ledger.records import Delivery, FoundFiles, ItemRecord, OutputRecord, WantedOutput
from studiod.ledger.states import Status


def approved_due(ledger: Ledger, delay_seconds: float, limit: int = 20) -> list[ItemRecord]:
    """Items approved at least `delay_seconds` ago, the longest waiting first."""
    raise NotImplementedError


def start_delivery(
    ledger: Ledger, item: int, version: int, found: FoundFiles, wanted: Sequence[WantedOutput]
) -> Delivery:
    """approved -> delivering, the gate and the hashes judged and the outputs reserved in one transaction.

    Names: STEM, or STEM_v2 for a second delivery of the same item; STEM_item37 where another source has
    the name. GateRefused when the item may not leave: it is then back in awaiting_review, committed.
    """
    raise NotImplementedError


def rename_output(ledger: Ledger, output: int) -> OutputRecord:
    """Reserve another name for an output whose file name is taken on disk by something of another's."""
    raise NotImplementedError


def finish_delivery(ledger: Ledger, item: int, version: int) -> None:
    """delivering -> delivered.

    TransitionRefused when the item was taken back meanwhile (its price rose): remove the files written.
    """
    raise NotImplementedError


def delivery_interrupted(ledger: Ledger, item: int, version: int, reason: str) -> Status:
    """A delivery that a crash or a full disk cut short is judged again: APPROVED, or AWAITING_REVIEW."""
    raise NotImplementedError


def delivery_failed(ledger: Ledger, item: int, version: int, reason: str) -> None:
    """delivering -> failed: the outbox cannot be written."""
    raise NotImplementedError


def unfinished_deliveries(ledger: Ledger) -> list[Delivery]:
    """What was being delivered when the daemon ended."""
    raise NotImplementedError


def to_recall(ledger: Ledger) -> list[OutputRecord]:
    """Outputs of recalled items whose files still lie in the outbox."""
    raise NotImplementedError


def output_recalled(ledger: Ledger, output: int) -> None:
    """The file was moved to outbox/recalled (or was gone): its name is free again."""
    raise NotImplementedError
