"""The touch-up round trip in the daemon's thread: what is flagged goes out, what is saved comes back.

Nothing that it remembers is needed after a crash: the ledger knows what was sent and what was taken.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from studiod.daemon.deaths import Deaths
from studiod.daemon.every import Every
from studiod.daemon.jobs import CheckReturn, IdentifyReturn, Reply, SendTouchup, Task
from studiod.daemon.sources import folders_away, sources_of, version_folder
from studiod.delivery.place import take_away
from studiod.errors import StudioError, TransitionRefused
from studiod.intake.ignore import Kind, kind_of
from studiod.intake.known import signature_of
from studiod.intake.settle import SettleTracker, Signature
from studiod.intake.watch import Nature, look_at, scan
from studiod.ledger.engine import Ledger
from studiod.ledger.queue import record_file
from studiod.ledger.reading import decisions, find_file, get_item
from studiod.ledger.records import FileFacts, FileState, ItemRecord, Touchup
from studiod.ledger.touchup import (
    RETURNS,
    find_touchup,
    record_not_sent,
    record_return,
    record_sent,
    set_aside,
    to_send,
    was_returned,
)
from studiod.names import inert, mistake_text, printable
from studiod.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sending:
    """A flagged version that a worker writes to `touchup`; `since` is when its item last changed.

    `flagged_at` is when what the worker is told was said of it.
    """

    item: int
    version: int
    since: float
    flagged_at: float | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Returning:
    """A file of the return folder in a worker's hands; `touchup` is what it answers, once that is known."""

    facts: FileFacts
    touchup: Touchup | None = None


class TouchupDesk:
    """Sends what is flagged to `touchup`, and takes what settles in its return folder."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self._settings = settings
        self._ledger = ledger
        self._jobs: deque[tuple[Sending | Returning, Task]] = deque()
        self._sending: set[Sending] = set()
        self._being_written: set[tuple[int, int]] = set()
        self._deaths = Deaths()
        self._tracker: SettleTracker[str] = SettleTracker(settings.intake.quiet_seconds)
        self._under_way: dict[str, Returning] = {}
        self._decided: dict[str, Signature] = {}
        self._checked: dict[str, Returning] = {}
        self._round = Every(1.0)
        self._looked = False

    @property
    def idle(self) -> bool:
        """Whether nothing is left to send, and nothing settles or is looked at in the return folder."""
        return self.rests and not self._checked

    @property
    def rests(self) -> bool:
        """Whether it is idle but for what came back for items that are being worked on or delivered."""
        under_way = self._under_way.keys() - self._checked.keys()
        return self._looked and not (self._jobs or under_way or self._tracker or self._to_send())

    def tick(self, now: float) -> None:
        """Look for what is to be sent and what has come back, as far as it is time to."""
        if not self._round.due(now):
            return
        self._looked = True
        for item in self._to_send():
            if (told := self._send_task(item)) is not None:
                task, flagged_at = told
                sending = replace(_sending(item), flagged_at=flagged_at)
                self._sending.add(sending)
                self._being_written.add((sending.item, sending.version))
                self._jobs.append((sending, task))
        for returning in sorted(self._checked.values(), key=_saved_at):
            try:
                self._take(returning)
            except (StudioError, OSError):
                raise
            except Exception as error:
                self.give_up(returning, error)
        self._look_at_returns(now)

    def next_job(self) -> tuple[Sending | Returning, Task] | None:
        """A job for a worker, if there is one."""
        return self._jobs.popleft() if self._jobs else None

    def answered(self, ticket: Sending | Returning, reply: Reply | None, death: str) -> None:
        """Record what a worker said of a job, or how it died over it."""
        result = None if reply is None else reply.result
        problem = death if reply is None else reply.message
        about = ticket if isinstance(ticket, Sending) else ticket.facts
        if isinstance(ticket, Sending):
            self._being_written.discard((ticket.item, ticket.version))
        if self._deaths.may_try_again(about, reply):
            self._forget(ticket)  # it comes up again
        elif isinstance(ticket, Sending):
            self._sent(ticket, result, problem)
        elif self._has_changed(ticket.facts):
            self._forget(ticket)  # it is being written to: it settles again
        elif result is None or result["problem"]:
            why = f"It could not be taken: {problem}." if result is None else result["problem"]
            self._set_aside(ticket, why)
        elif ticket.touchup is None:
            self._identified(ticket, result)
        else:
            kept = replace(ticket.facts, kept_copy=f"returns/{result['kept']}")
            self._take(replace(ticket, facts=kept))

    def give_up(self, ticket: Sending | Returning, error: Exception) -> None:
        """A mistake of ours about one file or item, which alone pays for that."""
        if isinstance(ticket, Sending):
            log.error("item %d: studiod makes a mistake about it", ticket.item, exc_info=error)
            self._sent(ticket, None, mistake_text(error))
        else:
            path = printable(ticket.facts.path)
            log.error("%s: studiod makes a mistake about it", path, exc_info=error)
            facts = replace(ticket.facts, kept_copy=None)
            self._set_aside(
                Returning(facts, ticket.touchup), f"It could not be taken: {mistake_text(error)}."
            )

    # Out.

    def _to_send(self) -> list[ItemRecord]:
        """What is flagged and neither sent, nor being sent, nor was refused by a worker.

        What is flagged anew while it is being sent waits for that: no two workers write one folder. What
        lies in a hot folder that is not there waits for it.
        """
        flagged = to_send(self._ledger, folders_away(self._settings), limit=20 + len(self._sending))
        return [
            item
            for item in flagged
            if _sending(item) not in self._sending and (item.id, item.version) not in self._being_written
        ]

    def _send_task(self, item: ItemRecord) -> tuple[SendTouchup, float] | None:
        """What is to be sent of it, and when it was flagged; None where the flag was taken back meanwhile."""
        flags = [
            each
            for each in decisions(self._ledger, item.id)
            if each.verdict == "flag" and each.version == item.version and each.withdrawn_at is None
        ]
        if not flags:
            return None
        said = flags[-1]
        task = SendTouchup(
            sources=sources_of(self._settings, item),
            root=str(self._settings.touchup),
            folder=self._folder(item.id, item.version),
            complaint={
                "item": item.id,
                "version": item.version,
                "sha256": item.source_sha256,
                "title": item.title or item.sku or item.path,
                "photograph": item.path,
                "by": said.person.login if said.person else "studiod",
                "reasons": said.reasons,
                "note": said.note,
                "box": said.box,
            },
        )
        return task, said.at

    def _sent(self, sending: Sending, result: Mapping[str, Any] | None, problem: str) -> None:
        if result is None:
            record_not_sent(self._ledger, sending.item, sending.version, problem)
            log.warning("item %d could not be sent to touch-up: %s", sending.item, inert(problem))
            return
        left, top, right, bottom = result["box"]
        box = (left, top, right, bottom)
        files = result["files"]
        is_sent = record_sent(
            self._ledger, sending.item, sending.version, result["folder"], box, files=files,
            flagged_at=sending.flagged_at,
        )  # fmt: skip
        self._sending.discard(sending)
        if not is_sent:  # nobody is to work by what was said before
            take_away(self._settings.touchup / result["folder"], files)
            return
        log.info("item %d is in touchup/%s", sending.item, printable(result["folder"]))

    # Back.

    def _look_at_returns(self, now: float) -> None:
        try:
            files = scan(self._settings.touchup_return).files
        except OSError:  # `studiod check` says so
            files = ()
        there = {each.path: each.signature for each in files if _is_wanted(each.path, each.nature)}
        for path in self._tracker.watched():
            if path not in there:
                self._tracker.forget(path)
        for path, signature in there.items():
            if path not in self._under_way and not self._is_decided(path, signature):
                self._tracker.observe(path, signature, now)
        settled = self._tracker.take_settled(now)
        for path, signature in sorted(settled, key=lambda each: each[1].mtime_ns):
            facts = FileFacts(RETURNS, path, None, signature.size, signature.mtime_ns, inode=signature.inode)
            self._under_way[path] = Returning(facts)
            self._jobs.append((Returning(facts), IdentifyReturn(self._path(facts))))

    def _is_decided(self, path: str, signature: Signature) -> bool:
        """Whether the file was taken, or set aside, as it lies there now."""
        if path not in self._decided:
            row = find_file(self._ledger, RETURNS, path)
            if row is not None:
                self._decided[path] = signature_of(row.facts)
        return self._decided.get(path) == signature

    def _identified(self, returning: Returning, told: Mapping[str, Any]) -> None:
        """Have a file whose touch-up is known checked against what was sent."""
        facts = replace(returning.facts, sha256=told["sha256"])
        if self._came_before(Returning(facts)):
            return
        touchup = find_touchup(self._ledger, told["item"], told["version"])
        item = None if touchup is None else get_item(self._ledger, touchup.item)
        ours = item is not None and (item.source_sha256 or "").startswith(told["photograph"])
        if touchup is None or item is None or not ours:
            what = f"item {told['item']}, version {told['version']}"
            why = f"It says it is {what}, and from here no such one was sent to touch-up."
            self._set_aside(Returning(facts), why)
            return
        task = CheckReturn(
            source=self._path(facts),
            sha256=told["sha256"],
            keep=str(self._settings.work / "returns"),
            sources=sources_of(self._settings, item),
            photograph=item.source_sha256,
            folder=self._folder(touchup.item, touchup.version),
            box=touchup.box,
        )
        self._under_way[facts.path] = Returning(facts, touchup)
        self._jobs.append((Returning(facts, touchup), task))

    def _has_changed(self, facts: FileFacts) -> bool:
        seen = look_at(self._settings.touchup_return, facts.path)
        return seen is None or seen.signature != signature_of(facts)

    def _take(self, returning: Returning) -> None:
        """Make it the item's next version; while the item is being worked on it waits.

        So it does for a file that was saved before it and is, or may be, of the same item.
        """
        facts, touchup = returning.facts, returning.touchup
        assert facts.sha256 is not None and touchup is not None
        if self._came_before(returning):
            return
        before = (each for each in self._under_way.values() if _saved_at(each) < _saved_at(returning))
        if any(each.touchup is None or each.touchup.item == touchup.item for each in before):
            self._checked[facts.path] = returning
            return
        try:
            if record_return(self._ledger, touchup, facts):
                log.info("%s came back for item %d", printable(facts.path), touchup.item)
                self._done(returning)
            else:
                self._checked[facts.path] = returning
        except TransitionRefused as refused:
            self._set_aside(returning, str(refused))

    def _came_before(self, returning: Returning) -> bool:
        """Whether a file is one that was taken before, such as one that a program touched: it stays that."""
        facts = returning.facts
        assert facts.sha256 is not None
        if not was_returned(self._ledger, facts.sha256):
            return False
        record_file(self._ledger, facts, FileState.DUPLICATE, reason="these very bytes came back before")
        self._done(returning)
        return True

    def _set_aside(self, returning: Returning, reason: str) -> None:
        item = None if returning.touchup is None else returning.touchup.item
        set_aside(self._ledger, returning.facts, reason, item)
        log.warning("%s is set aside: %s", printable(returning.facts.path), inert(reason))
        self._done(returning)

    def _done(self, returning: Returning) -> None:
        self._decided[returning.facts.path] = signature_of(returning.facts)
        self._under_way.pop(returning.facts.path, None)
        self._checked.pop(returning.facts.path, None)

    def _forget(self, ticket: Sending | Returning) -> None:
        if isinstance(ticket, Sending):
            self._sending.discard(ticket)
        else:
            self._under_way.pop(ticket.facts.path, None)

    def _path(self, facts: FileFacts) -> str:
        return str(self._settings.touchup_return / facts.path)

    def _folder(self, item: int, version: int) -> str:
        return str(self._settings.work / version_folder(item, version))


def _sending(item: ItemRecord) -> Sending:
    return Sending(item.id, item.version, item.updated_at)


def _saved_at(returning: Returning) -> int:
    return returning.facts.mtime_ns


def _is_wanted(path: str, nature: Nature) -> bool:
    return nature is Nature.FILE and kind_of(os.path.basename(path)) is not Kind.LITTER  # noqa: PTH119
