"""Delivering and recalling in the daemon's thread: one item a round; what fails is tried again later."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass

from studiod.daemon.every import Every
from studiod.delivery.deliver import Delivered, OutboxClosed, deliver, recover, take_back_recalled
from studiod.delivery.place import Progress
from studiod.ledger.delivery import approved_due, renew_delays, to_recall
from studiod.ledger.engine import Ledger
from studiod.ledger.records import ItemRecord
from studiod.ledger.states import Status
from studiod.names import printable
from studiod.settings import Settings

log = logging.getLogger(__name__)

_TRIES = 3
_WAIT_SECONDS = 10.0
_HOLD_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class _Tries:
    """How often an item that was approved then was tried in vain, and when it is time for the next."""

    approved_at: float | None
    count: int
    next_at: float


class DeliveryDesk:
    """Delivers what is approved and due, and takes back what is recalled.

    Where a place cannot be written that is no item's own, what comes from the same hot folder waits, for it
    has the same presets; the rest goes on. So waits what `may_be_renamed`: it may be another piece by now.
    """

    def __init__(
        self, settings: Settings, ledger: Ledger, may_be_renamed: Callable[[ItemRecord], bool]
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._may_be_renamed = may_be_renamed
        self._closed: dict[str, tuple[str, float]] = {}  # by hot folder: why it waits, and until when
        self._unsettled = True  # deliveries that an earlier daemon, or an error, left half done
        self._tries: dict[int, _Tries] = {}  # by item
        self._stuck: dict[int, str] = {}  # outputs whose recall cannot be finished now
        self._due_round, self._recall_round = Every(1.0), Every(1.0)
        self._stuck_round = Every(_HOLD_SECONDS)

    @property
    def closed(self) -> tuple[str, ...]:
        """Why some of it, or all, cannot be delivered."""
        return tuple(dict.fromkeys(why for why, _ in self._closed.values()))

    @property
    def blocked(self) -> bool:
        """Whether that holds for all that is due."""
        return bool(self._closed) and not self._due(but=self._closed)

    @property
    def stuck(self) -> tuple[str, ...]:
        """What is said of recalls that cannot be finished now."""
        if len(self._stuck) < 2:
            return tuple(self._stuck.values())
        first, *others = self._stuck.values()
        more = "1 more recall is" if len(others) == 1 else f"{len(others)} more recalls are"
        return first, f"{more} not finished."

    @property
    def idle(self) -> bool:
        """Whether nothing is due to leave, and nothing that can be recalled is to be."""
        recalling = any(output.id not in self._stuck for output in to_recall(self._ledger))
        return not self._due() and not recalling

    def look_at_once(self) -> None:
        """Something may be due now."""
        self._due_round.at_once()

    def recall(self, now: float) -> None:
        """Take back what is recalled, as far as it is time to."""
        if not self._recall_round.due(now):
            return
        waiting = {} if self._stuck_round.due(now) else self._stuck
        recalled = take_back_recalled(self._ledger, self._settings, but=waiting)
        for each in recalled:
            if each.moved_to:
                log.info("recalled: the file is now outbox/%s", printable(each.moved_to))
            if each.problem and each.output not in self._stuck:
                log.warning("%s", each.problem)
        self._stuck = {**waiting, **{each.output: each.problem for each in recalled if each.problem}}

    def deliver(self, now: float, progress: Progress) -> None:
        """Deliver one item, so that a round stays short; `progress` is called while files are copied."""
        if not self._due_round.due(now):
            return
        if self._unsettled:
            for delivered in recover(self._ledger, self._settings, progress):
                _say(delivered)
        for each in renew_delays(self._ledger):
            log.warning("item %d: the clock was set back: its delay is counted from now on", each)
        self._unsettled = True  # until this ends without an error
        self._deliver_next(now, progress)
        self._unsettled = False

    def _deliver_next(self, now: float, progress: Progress) -> None:
        waiting = {name: each for name, each in self._closed.items() if now < each[1]}
        due = (item for item in self._due(but=waiting) if self._tried(item).next_at <= now)
        item = next((item for item in due if not self._may_be_renamed(item)), None)
        if item is None:
            self._closed = waiting
            return
        tries = self._tried(item).count + 1
        try:
            delivered = deliver(
                self._ledger, self._settings, item, last_try=tries >= _TRIES, progress=progress
            )
        except OutboxClosed as error:
            if error.message not in self.closed:
                log.warning("%s", error.message)
            self._closed[item.hot_folder] = error.message, now + _HOLD_SECONDS
            return
        if item.hot_folder in self._closed:
            why, _ = self._closed[item.hot_folder]
            self._closed = {name: each for name, each in self._closed.items() if each[0] != why}
            log.info("the outbox can be written again: delivery goes on")
        if delivered.status is Status.APPROVED:
            self._tries[item.id] = _Tries(item.approved_at, tries, now + _WAIT_SECONDS)
        else:
            self._tries.pop(item.id, None)
        _say(delivered)
        self._due_round.at_once()

    def _tried(self, item: ItemRecord) -> _Tries:
        """What was tried since it was approved: an approval after an undo is another one."""
        none = _Tries(item.approved_at, 0, 0.0)
        tried = self._tries.get(item.id, none)
        return tried if tried.approved_at == item.approved_at else none

    def _due(self, but: Collection[str] = ()) -> list[ItemRecord]:
        """What is due, `but` that of these hot folders."""
        delay = self._settings.delivery.delay_minutes * 60
        return approved_due(self._ledger, delay, limit=20 + len(self._tries), but=but)


def _say(delivered: Delivered) -> None:
    if delivered.status is Status.DELIVERED:
        log.info("item %d delivered: %s", delivered.item, ", ".join(map(printable, delivered.files)))
    else:
        log.warning(
            "item %d was not delivered (%s): %s", delivered.item, delivered.status.value, delivered.reason
        )
