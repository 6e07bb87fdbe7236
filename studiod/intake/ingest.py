"""The intake as the daemon drives it: passes over the hot folders, settling files, what to inspect next.

Single-threaded. Nothing that it remembers is needed after a crash: what is not in the ledger is found again.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path, PurePath

from studiod.errors import LedgerError, OutOfSpace, TransitionRefused
from studiod.intake.catalog import Price, PriceBook, holds_word
from studiod.intake.ignore import Kind, is_plate, kind_of
from studiod.intake.inspect import Inspection, hash_file
from studiod.intake.known import Key, KnownFiles, StemIndex, signature_of
from studiod.intake.rules import Rules, Taken, are_halves, follows
from studiod.intake.settle import SettleTracker, Signature
from studiod.intake.watch import FileStat, Nature, Watcher, look_at, scan
from studiod.ledger.engine import Ledger
from studiod.ledger.prices import set_price
from studiod.ledger.reading import every_item
from studiod.ledger.records import FileState, ItemRecord
from studiod.ledger.states import Status
from studiod.names import mistake_text, printable
from studiod.settings import GIGABYTE, MARKER, HotFolder, Settings

log = logging.getLogger(__name__)

_PATIENCE = 30.0
"""How long after its last change a file that breaks off may still be growing, in seconds."""

_RESTAT = 0.5
_POLL = 2.0
_RELEASE = 1.0
_LARGEST_READ = 2e9  # bytes that the daemon itself reads after a worker failed at them
_BREATH = 0.5
_SHARE_OF_TIME = 20
"""A pass over a folder is followed by a rest of this many times its own length, at least."""

_WARNINGS = 20


@dataclass(frozen=True, slots=True)
class InspectRequest:
    """A file that has settled and is to be looked at in a worker: `source` is its absolute path."""

    hot_folder: str
    path: str
    source: Path


@dataclass(frozen=True, slots=True)
class WorkerDied:
    """The worker that looked at a file died, or ran out of time."""

    reason: str


@dataclass(slots=True)
class _Hot:
    """A hot folder in service."""

    settings: HotFolder
    watcher: Watcher | None = None
    polled: bool = False
    paused: str = ""
    stirred: bool = False
    passed: bool = False
    seen: bool = False
    due: float = 0.0
    rest_until: float = 0.0


@dataclass(frozen=True, slots=True)
class _Ready:
    """A file that was looked at, or need not be, and since when it waits for its other half or a plate."""

    seen: FileStat
    found: Inspection | None
    since: float


class Intake:
    """Finds files and takes them up; `say` gets a readable, escaped line for what a person should know."""

    def __init__(self, settings: Settings, ledger: Ledger, *, say: Callable[[str], None]) -> None:
        self.woken = threading.Event()
        self._settings = settings
        self._ledger = ledger
        self._say = say
        self._hot = {hot.name: _Hot(hot, polled=hot.watch == "poll") for hot in settings.hot_folders}
        currencies = {path: settings.currency_of(path) for path in settings.catalog.files}
        self._book = PriceBook(currencies, settings.intake.quiet_seconds)
        self._known = KnownFiles(ledger)
        self._taken: list[Taken] = []
        self._rules = Rules(ledger, settings, self._book, self._known, self._taken.append, say)
        self._tracker: SettleTracker[Key] = SettleTracker(settings.intake.quiet_seconds)
        self._asked: dict[Key, FileStat] = {}
        self._requests: list[InspectRequest] = []  # asked, and kept here while the ledger refuses
        self._ready: dict[Key, _Ready] = {}
        self._under_way = StemIndex()  # what is in one of the three above, or in the tracker
        self._doubted: dict[Key, Signature] = {}
        self._tried_again: set[Key] = set()
        self._said: set[str] = set()
        self._restat_due = 0.0
        self._release_due = 0.0
        self._prices_due = True
        self._now = 0.0

    def start(self) -> None:
        """Read the catalogue, and bring what is known of prices up to date."""
        self._book.load()
        self._say_catalog_warnings()
        self._bring_all_up_to_date()

    def close(self) -> None:
        """Stop the watchers."""
        for hot in self._hot.values():
            self._unwatch(hot)

    @property
    def idle(self) -> bool:
        """Whether nothing settles, waits or is looked at, and nothing has stirred since the last pass."""
        busy = self._tracker or self._asked or self._ready or self._prices_due or not self._book.settled
        unseen = any(not hot.paused and (hot.stirred or not hot.passed) for hot in self._hot.values())
        return not busy and not unseen

    @property
    def paused(self) -> dict[str, str]:
        """The hot folders that cannot be looked into, each with the sentence that says why."""
        return {name: hot.paused for name, hot in self._hot.items() if hot.paused}

    def may_be_renamed(self, item: ItemRecord) -> bool:
        """Whether a file that is still to be taken up may be this item's source under another name.

        So it is until its hot folder was looked over; never while that is not there.
        """
        hot, row = self._hot.get(item.hot_folder), self._known.get((item.hot_folder, item.path))
        if hot is None or hot.paused:
            return False
        return not hot.seen or (row is not None and signature_of(row.facts) in self._looks_under_way())

    def taken(self) -> list[Taken]:
        """What was taken up, or found where it was moved, since the last call: it is to be copied now."""
        taken = list(self._taken)
        self._taken.clear()
        return taken

    def tick(self, now: float) -> list[InspectRequest]:
        """Look around, as far as it is time to; returns the files to inspect next, plates first."""
        self._now = now
        if self._book.refresh(now):
            self._prices_due = True
            self._say_catalog_warnings()
        if self._prices_due:
            self._bring_all_up_to_date()
        self.woken.clear()
        for hot in self._hot.values():
            if now >= (hot.rest_until if hot.stirred or not hot.passed else hot.due):
                self._pass_over(hot, now)
        if now >= self._restat_due:
            started = time.monotonic()
            for key in self._tracker.watched():
                self._look_again(key, now)
            self._restat_due = now + max(_RESTAT, (time.monotonic() - started) * _SHARE_OF_TIME)
        for key, signature in self._tracker.take_settled(now):
            if request := self._settled(key, signature):
                self._requests.append(request)
        if now >= self._release_due:
            self._release_due = now + _RELEASE
            self._release(now)
        requests, self._requests = self._requests, []
        return sorted(requests, key=lambda request: (not is_plate(request.path), request.path))

    def inspected(self, request: InspectRequest, outcome: Inspection | WorkerDied) -> None:
        """Take up what a worker has looked at; a file that changed meanwhile settles again."""
        key = (request.hot_folder, request.path)
        asked = self._asked.pop(key, None)
        hot = self._hot[request.hot_folder]
        hot.passed = False  # one more pass, so that `idle` never misses what came while we were busy
        if asked is None:
            return
        seen = None if hot.paused else look_at(hot.settings.path, request.path)
        found = outcome if isinstance(outcome, Inspection) else self._without_looking(request)
        if seen is None or found is None:
            self._under_way.discard(key)
        elif seen.signature != asked.signature or _changed(found, seen.signature):
            self._watch_again(key, seen)
        elif found.truncated and self._may_grow(key, seen.signature):
            age = time.time() - seen.signature.mtime_ns / 1e9
            self._tracker.postpone(key, seen.signature, self._now + min(_PATIENCE, _PATIENCE - age))
        else:
            self._doubted.pop(key, None)
            self._ready[key] = _Ready(seen, found, self._now)
            self._release_due = self._now

    def set_aside(self, request: InspectRequest, error: Exception) -> None:
        """Quarantine a file whose inspection could not be taken over, because of a mistake of ours."""
        key = (request.hot_folder, request.path)
        self._asked.pop(key, None)
        self._under_way.discard(key)
        seen = look_at(self._hot[key[0]].settings.path, key[1])
        if seen is not None:
            self._set_aside(key, seen, error)

    # Passes and settling.

    def _pass_over(self, hot: _Hot, now: float) -> None:
        root = hot.settings.path
        started = time.monotonic()
        hot.stirred = False
        try:
            # The watcher first: what lands during the pass must wake us.
            os.lstat(root / MARKER)
            self._watch(hot)
            found = scan(root)
        except OSError as error:
            self._pause(hot, error)
            hot.due = hot.rest_until = now + _POLL
            return
        if hot.paused:
            self._say(f"Hot folder {hot.settings.name} is there again.")
            hot.paused = ""
        self._say_once(found.messages)
        present = set()
        for seen in found.files:
            key = (hot.settings.name, seen.path)
            present.add(key)
            self._meet(key, seen, now)
        for key in [*self._tracker.watched(), *self._ready]:
            if key[0] == hot.settings.name and key not in present:
                self._drop(key)
        rest = (time.monotonic() - started) * _SHARE_OF_TIME
        rescan = self._settings.intake.rescan_seconds
        hot.passed = hot.seen = True
        hot.rest_until = now + max(_RESTAT, rest)
        hot.due = now + (min(max(_POLL, rest), rescan) if hot.polled else rescan)

    def _meet(self, key: Key, seen: FileStat, now: float) -> None:
        if key in self._asked:
            return
        if self._known.is_unchanged(key, seen.signature) and not self._has_become_readable(key, seen):
            self._drop(key)
            return
        kind = kind_of(PurePath(seen.path).name)
        if kind is Kind.LITTER or (kind is Kind.OTHER and seen.nature is not Nature.FILE):
            return
        ready = self._ready.get(key)
        if ready is not None and ready.seen.signature == seen.signature:
            return
        self._ready.pop(key, None)
        self._under_way.add(key)
        self._tracker.observe(key, seen.signature, now)

    def _look_again(self, key: Key, now: float) -> None:
        seen = look_at(self._hot[key[0]].settings.path, key[1])
        if seen is None:
            self._drop(key)
        else:
            self._tracker.observe(key, seen.signature, now)

    def _settled(self, key: Key, signature: Signature) -> InspectRequest | None:
        """Have a file looked at that was quiet for long enough, if it still is as it was last seen."""
        hot = self._hot[key[0]].settings
        seen = look_at(hot.path, key[1])
        if seen is None:
            self._drop(key)
            return None
        if seen.signature != signature:
            self._watch_again(key, seen)
            return None
        if kind_of(PurePath(seen.path).name) is Kind.PICTURE and seen.nature is Nature.FILE:
            self._asked[key] = seen
            return InspectRequest(hot.name, seen.path, hot.path / seen.path)
        self._ready[key] = _Ready(seen, None, self._now)
        self._release_due = self._now
        return None

    def _watch_again(self, key: Key, seen: FileStat) -> None:
        self._tracker.forget(key)
        self._tracker.observe(key, seen.signature, self._now)

    def _drop(self, key: Key) -> None:
        self._tracker.forget(key)
        self._ready.pop(key, None)
        self._under_way.discard(key)

    def _may_grow(self, key: Key, signature: Signature) -> bool:
        """Whether a file that breaks off is young, and was not found so before in this very state."""
        if self._doubted.get(key) == signature:
            return False
        self._doubted[key] = signature
        return time.time() - signature.mtime_ns / 1e9 < _PATIENCE

    def _has_become_readable(self, key: Key, seen: FileStat) -> bool:
        """Whether a file that could not be read may be tried once more: its rights may be right now."""
        row = self._known.get(key)
        unread = row is not None and row.state is FileState.QUARANTINED and row.facts.sha256 is None
        if not unread or seen.nature is not Nature.FILE or seen.signature.size > _LARGEST_READ:
            return False
        if key in self._tried_again:
            return key in self._tracker or key in self._ready
        if not os.access(self._hot[key[0]].settings.path / seen.path, os.R_OK):
            return False
        self._tried_again.add(key)
        return True

    def _without_looking(self, request: InspectRequest) -> Inspection | None:
        """The bytes of a file that killed its worker: it becomes an item, and its tries decide.

        One that takes too long to read is refused unread: the daemon has a watchdog to answer.
        """
        try:
            if (size := request.source.stat().st_size) > _LARGEST_READ:
                name, large = printable(request.source.name), f"{size / GIGABYTE:.1f} GB"
                problem = f"{name} has {large}: no worker could read it in the time it has."
                return Inspection(None, size, 0, None, problem=problem)
            return hash_file(request.source)
        except OSError:
            return None

    # Pairs and plates.

    def _release(self, now: float) -> None:
        """Take up what waits for nothing (any more), plates first, then what leads a pair; moved files first.

        The rest of a great many files is left for the next call, so that the daemon can breathe.
        """
        end = time.monotonic() + _BREATH
        looks = self._looks_under_way()
        for key in sorted(self._ready, key=self._rank):
            ready = self._ready[key]
            if self._waits_for_one_that_moved(key, looks) or self._must_wait(key, ready, now):
                continue
            if time.monotonic() > end:
                self._release_due = now
                return
            try:
                try:
                    self._take_up(key, ready)
                except TransitionRefused:  # its item was decided on in this moment: the rules judge anew
                    self._take_up(key, ready)
            except (LedgerError, OutOfSpace, OSError, MemoryError):
                raise  # it is still there, and tried again
            except Exception as error:
                self._set_aside(key, ready.seen, error)
            del self._ready[key]
            self._under_way.discard(key)
            looks.discard(ready.seen.signature)

    def _looks_under_way(self) -> set[Signature]:
        """What the files that are not taken up yet look like."""
        asked = {seen.signature for seen in self._asked.values()}
        return self._tracker.signatures() | asked | {ready.seen.signature for ready in self._ready.values()}

    def _take_up(self, key: Key, ready: _Ready) -> None:
        hot, seen = self._hot[key[0]].settings, ready.seen
        if ready.found is not None:
            self._rules.take(hot, key[1], seen.signature, ready.found)
        elif seen.nature is Nature.FILE:
            self._rules.ignore(hot, seen)
        else:
            self._rules.refuse(hot, seen, f"{printable(PurePath(key[1]).name)} is {seen.nature.value}.")

    def _set_aside(self, key: Key, seen: FileStat, error: Exception) -> None:
        """Quarantine a file that we have a mistake about: it alone pays for that, not the night."""
        name = printable(key[1])
        log.error("%s: studiod makes a mistake about this file", name, exc_info=error)
        self._rules.refuse(self._hot[key[0]].settings, seen, f"{mistake_text(error)}.")

    def _rank(self, key: Key) -> tuple[bool, bool, bool, bool, str]:
        found = self._ready[key].found
        is_picture = found is not None and found.problem is None
        return not is_plate(key[1]), is_picture, self._follows(key), self._is_new(key), key[1]

    def _is_new(self, key: Key) -> bool:
        """Whether a file could be read, and its bytes were never seen in its hot folder."""
        found = self._ready[key].found
        sha256 = None if found is None else found.sha256
        return sha256 is not None and not self._known.of_hash(key[0], sha256)

    def _waits_for_one_that_moved(self, key: Key, looks: Collection[Signature]) -> bool:
        """Whether a new file has the path of one that is under way too, as it was moved: that one goes first.

        Else that would count as replaced, and be found again as a copy of what is superseded.
        """
        row = self._known.get(key)
        was_item = row is not None and row.state is FileState.ITEM and signature_of(row.facts) in looks
        return was_item and self._is_new(key)

    def _must_wait(self, key: Key, ready: _Ready, now: float) -> bool:
        """Whether a picture waits for a plate of its folder that is on its way, or for its other half."""
        if ready.found is None or ready.found.problem is not None:
            return False
        is_late = now >= ready.since + self._settings.intake.pair_seconds
        if not is_late and not is_plate(key[1]) and self._under_way.has_plate(key):
            return True
        if not self._follows(key):
            return False
        if any(are_halves(other, key[1]) for _, other in self._under_way.of_stem(key)):
            return True
        return not is_late and self._rules.partner(key) is None

    def _follows(self, key: Key) -> bool:
        return follows(self._hot[key[0]].settings, key[1])

    # Watching.

    def _watch(self, hot: _Hot) -> None:
        if hot.polled or hot.watcher is not None:
            return

        def wake() -> None:
            hot.stirred = True
            self.woken.set()

        watcher = Watcher(hot.settings.path, wake)
        trouble = watcher.start()
        if trouble is None:
            hot.watcher = watcher
        else:
            hot.polled = True
            self._say(trouble)

    def _unwatch(self, hot: _Hot) -> None:
        if hot.watcher is not None:
            hot.watcher.stop()
            hot.watcher = None

    def _pause(self, hot: _Hot, error: OSError) -> None:
        """A folder that is not there: its watch is void, and what was seen in it is forgotten."""
        self._unwatch(hot)
        root = printable(hot.settings.path)
        if isinstance(error, FileNotFoundError):
            sentence = (
                f"Hot folder {hot.settings.name} is paused: {root} has no {MARKER}. "
                "Is its disk or share mounted? `studiod init DIR` makes the marker of a new folder."
            )
        else:
            sentence = f"Hot folder {hot.settings.name} is paused: {root} cannot be read: {error.strerror}."
        if sentence != hot.paused:
            self._say(sentence)
        hot.paused = sentence
        for key in [*self._tracker.watched(), *self._ready]:
            if key[0] == hot.settings.name:
                self._drop(key)

    def _say_once(self, messages: tuple[str, ...]) -> None:
        for message in messages:
            if message not in self._said:
                self._said.add(message)
                self._say(message)

    # Prices.

    def _say_catalog_warnings(self) -> None:
        warnings = self._book.catalog.warnings
        for warning in warnings[:_WARNINGS]:
            self._say(warning)
        if len(warnings) > _WARNINGS:
            self._say(f"The catalogue has {len(warnings) - _WARNINGS} more warnings: see `studiod check`.")

    def _bring_all_up_to_date(self) -> None:
        """Give every item today's price; it stays due until all have it, whatever the ledger refuses."""
        for item in every_item(self._ledger):
            if item.status is not Status.SUPERSEDED:
                self._bring_up_to_date(item)
        self._prices_due = False

    def _bring_up_to_date(self, item: ItemRecord) -> None:
        """Give an item the SKU and the price that the catalogue has for it today.

        A SKU that the catalogue dropped keeps its item; its price is unknown from then on, which calls for a
        person, unless the item has left already. While the catalogue is not known whole, a SKU stays, no
        price is taken back, and none is given where there is none.
        """
        prices = self._book.catalog.prices
        hot = self._hot.get(item.hot_folder)  # None: the studio has no folder of that name any more
        meant = item.sku if hot is None else self._rules.sku_of(hot.settings, item.path)
        is_said = meant is not None and (meant in prices or item.sku is None)
        sku = meant if is_said and self._book.complete else item.sku
        price = prices.get(sku or "")
        if not self._book.complete and (price is None or item.price_minor is None):
            sku, price = item.sku, Price(item.sku or "", item.price_minor, item.currency, item.title)
        if price is None and sku == item.sku and item.status is Status.DELIVERED:
            return
        title = price.title if price else item.title
        review = holds_word(title, self._settings.qa.always_review)
        today = (sku, price.minor if price else None, price.currency if price else "", title)
        if today != (item.sku, item.price_minor, item.currency, item.title) or review > item.always_review:
            set_price(self._ledger, item.id, today[1], today[2], title=title, always_review=review, sku=sku)


def _changed(found: Inspection, signature: Signature) -> bool:
    """Whether the bytes that were read are not those that had settled."""
    return found.sha256 is not None and (found.size, found.mtime_ns) != (signature.size, signature.mtime_ns)
