"""The life of an item: its states and the transitions between them.

received -> processing -> awaiting_review -> approved -> delivering -> delivered

Everything that may happen besides stands in `TRANSITIONS`; what is not there is refused.
"""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """Where an item stands."""

    RECEIVED = "received"
    PROCESSING = "processing"
    AWAITING_REVIEW = "awaiting_review"
    APPROVED_ONCE = "approved_once"
    APPROVED = "approved"
    DELIVERING = "delivering"
    DELIVERED = "delivered"
    FLAGGED = "flagged"
    REJECTED = "rejected"
    FAILED = "failed"
    QUARANTINED = "quarantined"
    SUPERSEDED = "superseded"


_S = Status

TRANSITIONS: dict[Status, frozenset[Status]] = {
    # superseded: a reshoot
    _S.RECEIVED: frozenset({_S.PROCESSING, _S.SUPERSEDED}),
    # approved: by policy; received: its worker died (a try) or a disk was full (no try)
    _S.PROCESSING: frozenset(
        {_S.AWAITING_REVIEW, _S.APPROVED, _S.RECEIVED, _S.FAILED, _S.QUARANTINED, _S.SUPERSEDED}
    ),
    # processing: brush strokes; rejected: shoot again; approved_once: the two-person rule
    _S.AWAITING_REVIEW: frozenset(
        {_S.APPROVED, _S.APPROVED_ONCE, _S.FLAGGED, _S.REJECTED, _S.PROCESSING, _S.SUPERSEDED}
    ),
    # awaiting_review: undo, or price or picture are no longer those decided on
    _S.APPROVED_ONCE: frozenset({_S.APPROVED, _S.AWAITING_REVIEW}),
    _S.APPROVED: frozenset({_S.DELIVERING, _S.AWAITING_REVIEW}),
    # approved, awaiting_review: judged again after a crash; failed: the outbox cannot be written
    _S.DELIVERING: frozenset({_S.DELIVERED, _S.APPROVED, _S.AWAITING_REVIEW, _S.FAILED}),
    # awaiting_review: recalled
    _S.DELIVERED: frozenset({_S.AWAITING_REVIEW}),
    # processing: a retouched file comes back; awaiting_review: undo
    _S.FLAGGED: frozenset({_S.PROCESSING, _S.AWAITING_REVIEW, _S.SUPERSEDED}),
    _S.REJECTED: frozenset({_S.AWAITING_REVIEW, _S.RECEIVED, _S.SUPERSEDED}),
    # received: retry
    _S.FAILED: frozenset({_S.RECEIVED, _S.SUPERSEDED}),
    _S.QUARANTINED: frozenset({_S.RECEIVED, _S.SUPERSEDED}),
    _S.SUPERSEDED: frozenset(),
}


def may_become(before: Status, after: Status) -> bool:
    """Whether an item in state `before` may go to state `after`."""
    return after in TRANSITIONS[before]
