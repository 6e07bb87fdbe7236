"""What becomes of a file that has settled and was looked at: the rules, and the rows that they make.

Every rule ends in one transaction of the ledger, so that a crash leaves a file either taken up or not;
a file met again is recognised by its bytes, never taken up twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from studiod.intake.catalog import PriceBook, SkuRule, find_sku, holds_word
from studiod.intake.ignore import extension, is_jpeg, is_plate, is_raw
from studiod.intake.inspect import Inspection
from studiod.intake.known import Key, KnownFiles, signature_of
from studiod.intake.settle import Signature
from studiod.intake.watch import FileStat, look_at
from studiod.ledger.engine import Ledger
from studiod.ledger.queue import (
    add_item,
    attach_half,
    call_back,
    move_file,
    move_source,
    record_file,
    supersede,
)
from studiod.ledger.reading import find_by_hash, find_current
from studiod.ledger.records import FileFacts, FileRecord, FileState, ItemRecord, NewItem
from studiod.ledger.states import Status, may_become
from studiod.names import inert, printable
from studiod.settings import HotFolder, Settings

_LEADING = (FileState.ITEM, FileState.DUPLICATE, FileState.PLATE)
"""The states of a file that the other half of a pair can be attached to."""


@dataclass(frozen=True, slots=True)
class Taken:
    """An item's original, or a plate (of no item), that is to be copied while it is still there."""

    item: int | None
    source: Path
    sha256: str | None


class Rules:
    """Decides about one file after the other, in the order they are given."""

    def __init__(
        self,
        ledger: Ledger,
        settings: Settings,
        book: PriceBook,
        known: KnownFiles,
        taken: Callable[[Taken], None],
        say: Callable[[str], None],
    ) -> None:
        self._ledger = ledger
        self._settings = settings
        self._book = book
        self._known = known
        self._taken = taken
        self._say = say

    def sku_of(self, hot: HotFolder, path: str) -> str | None:
        """The SKU that a path means, by the hot folder's own rule or the catalogue's."""
        catalog = self._settings.catalog
        if hot.sku_pattern is not None or hot.sku is not None:
            rule = SkuRule(hot.sku or "name", hot.sku_pattern or "")
        else:
            rule = SkuRule(catalog.sku, catalog.sku_pattern)
        return find_sku(path, self._book.catalog, rule)

    def ignore(self, hot: HotFolder, seen: FileStat) -> None:
        """A file that is no picture by its name."""
        ending = extension(seen.path)
        reason = f"{printable(ending)} files are not read" if ending else "a file without an extension"
        self._record(_facts(hot, seen.path, seen.signature), FileState.IGNORED, reason=reason)

    def refuse(self, hot: HotFolder, seen: FileStat, problem: str) -> None:
        """Something that is not opened: quarantined, for the reason given."""
        self._quarantine(hot, _facts(hot, seen.path, seen.signature), problem)

    def take(self, hot: HotFolder, path: str, signature: Signature, found: Inspection) -> None:
        """A file that was looked at."""
        facts = _facts(hot, path, signature, found)
        row = self._known.get((hot.name, path))
        touched = row is not None and facts.sha256 is not None and row.facts.sha256 == facts.sha256
        if row is not None and touched and (row.state is not FileState.QUARANTINED or found.problem):
            self._record(facts, row.state, item=row.item, reason=row.reason)
            return
        if found.problem is not None:
            self._quarantine(hot, facts, found.problem)
        elif is_plate(path):
            self._take_plate(hot, facts)
        elif not (self._take_half(facts, row) or self._take_known_bytes(hot, facts)):
            self._take_picture(hot, facts, replaces=None)

    def partner(self, key: Key) -> FileRecord | None:
        """The known picture that a file is the other half of."""
        for row in self._known.of_stem(key):
            if row.state in _LEADING and are_halves(key[1], row.facts.path) and not self._is_gone(row):
                return row
        return None

    # What a file can become.

    def _quarantine(self, hot: HotFolder, facts: FileFacts, problem: str) -> None:
        row = self._known.get((hot.name, facts.path))
        before = row if row is not None and row.state is FileState.QUARANTINED else None
        if before is None:
            if self._take_moved(facts, FileState.QUARANTINED):
                return
        elif (before.facts.sha256, before.reason) == (facts.sha256, problem):
            self._record(facts, before.state, item=before.item, reason=before.reason)
            return
        if is_plate(facts.path):
            self._record(facts, FileState.QUARANTINED, reason=problem)
        else:
            supersedes = () if before is None or before.item is None else (before.item,)
            new = self._new_item(hot, facts, status=Status.QUARANTINED, reason=problem)
            add_item(self._ledger, new, supersedes=supersedes)
            self._renew(facts)
        self._say(f"{hot.name}: {printable(facts.path)} is quarantined: {inert(problem)}")

    def _take_plate(self, hot: HotFolder, facts: FileFacts) -> None:
        partner = self.partner((hot.name, facts.path))
        is_half = partner is not None and partner.state is FileState.PLATE and follows(hot, facts.path)
        state = FileState.HALF if is_half else FileState.PLATE
        if not self._take_moved(facts, state):
            self._record(facts, state)
        if state is FileState.PLATE:
            self._taken(Taken(None, hot.path / facts.path, facts.sha256))

    def _take_half(self, facts: FileFacts, row: FileRecord | None) -> bool:
        """Attach a RAW or a JPEG to the item of its other half, unless it is an item's source itself."""
        if row is not None and row.state is FileState.ITEM:
            return False
        partner = self.partner((facts.hot_folder, facts.path))
        if partner is None or partner.item is None:
            return False
        if row is not None and row.state is FileState.QUARANTINED and row.item is not None:
            supersede(self._ledger, row.item, "the other half of a pair took its place")
        self._take_moved(facts, FileState.HALF)
        attach_half(self._ledger, partner.item, facts)
        self._renew(facts)
        return True

    def _take_known_bytes(self, hot: HotFolder, facts: FileFacts) -> bool:
        """A moved original, or a duplicate; True when that is what it is."""
        if facts.sha256 is None:
            return False
        sku = self.sku_of(hot, facts.path)
        same = [
            item
            for item in find_by_hash(self._ledger, facts.sha256)
            if item.hot_folder == hot.name and item.status is not Status.QUARANTINED
        ]
        same.sort(key=lambda item: item.sku != sku)  # two pieces may have one picture: its own comes first
        its_own_stays = any(item.sku == sku and self._is_at_home(item, facts) for item in same)
        for item in same:
            if item.status is not Status.SUPERSEDED and not self._is_at_home(item, facts):
                if item.path == facts.path or not self._names_another(item, sku):
                    self._move_item(hot, item, facts)
                elif its_own_stays and not may_become(item.status, Status.SUPERSEDED):
                    continue  # it left, and its file was taken out
                elif (copy := self._copy_of(hot, item, facts)) is not None:
                    self._move_item(hot, item, copy.facts)
                    self._take_picture(hot, facts, replaces=None)
                else:
                    if item.status in (Status.APPROVED, Status.APPROVED_ONCE):
                        reason = f"its file is {printable(facts.path)} now, which is another piece"
                        call_back(self._ledger, item.id, reason)
                    self._take_picture(hot, facts, replaces=item)
                return True
        known = {row.item for row in self._known.of_hash(hot.name, facts.sha256)}
        for item in same:
            if item.status is Status.SUPERSEDED and item.id not in known:
                continue  # other bytes took its place: it is made nowhere
            if item.sku == sku and item.path != facts.path:
                reason = f"the same bytes as {printable(item.path)} (item {item.id})"
                if not self._take_moved(facts, FileState.DUPLICATE):
                    self._record(facts, FileState.DUPLICATE, item=item.id, reason=reason)
                return True
        return False

    def _take_picture(self, hot: HotFolder, facts: FileFacts, *, replaces: ItemRecord | None) -> None:
        """A new item; new bytes under the path and SKU of an undecided one are a reshoot of it."""
        old = replaces or find_current(self._ledger, hot.name, facts.path)
        sku = self.sku_of(hot, facts.path)
        reshoot = old is not None and (
            sku is not None or old.status is Status.QUARANTINED or replaces is not None
        )
        waits = old is not None and not (reshoot and may_become(old.status, Status.SUPERSEDED))
        new = self._new_item(hot, facts, never_policy=waits)
        halves = [] if old is None else self._halves_of(facts, old.id)
        item = add_item(
            self._ledger, new, supersedes=(old.id,) if reshoot and old is not None else (), halves=halves
        )
        for each in (facts, *halves):
            self._renew(each)
        if old is not None:
            self._known.renew((hot.name, old.path))
        self._taken(Taken(item, hot.path / facts.path, facts.sha256))

    # What they are made of.

    def _new_item(
        self,
        hot: HotFolder,
        facts: FileFacts,
        *,
        status: Literal[Status.RECEIVED, Status.QUARANTINED] = Status.RECEIVED,
        reason: str = "",
        never_policy: bool = False,
    ) -> NewItem:
        sku = self.sku_of(hot, facts.path)
        price = self._book.price_of_new(sku)
        title = price.title if price else ""
        return NewItem(
            source=facts,
            sku=sku,
            title=title,
            price_minor=price.minor if price else None,
            currency=price.currency if price else "",
            always_review=holds_word(title, self._settings.qa.always_review),
            status=status,
            reason=reason,
            never_policy=never_policy,
        )

    def _halves_of(self, facts: FileFacts, old: int) -> list[FileFacts]:
        """The other half of the old picture, unchanged on disk: it is the new one's from now on."""
        return [
            row.facts
            for row in self._known.of_stem((facts.hot_folder, facts.path))
            if row.item == old
            and row.state in (FileState.HALF, FileState.SUPERSEDED)
            and are_halves(facts.path, row.facts.path)
            and not self._is_gone(row)
        ]

    def _record(
        self, facts: FileFacts, state: FileState, *, item: int | None = None, reason: str = ""
    ) -> None:
        record_file(self._ledger, facts, state, item=item, reason=reason)
        self._renew(facts)

    def _take_moved(self, facts: FileFacts, state: FileState) -> bool:
        """A file of this state whose bytes are known from a path where they are no more: it was moved."""
        for row in self._known.of_hash(facts.hot_folder, facts.sha256):
            if row.state is state and row.facts.path != facts.path and self._is_gone(row):
                move_file(self._ledger, row.id, facts)
                self._known.renew((facts.hot_folder, row.facts.path))
                self._renew(facts)
                return True
        return False

    def _move_item(self, hot: HotFolder, item: ItemRecord, facts: FileFacts) -> None:
        move_source(self._ledger, item.id, facts)
        if item.kept_original is None and item.status is not Status.DELIVERED:
            self._taken(Taken(item.id, hot.path / facts.path, facts.sha256))
        self._known.renew((facts.hot_folder, item.path))
        self._renew(facts)

    def _is_at_home(self, item: ItemRecord, facts: FileFacts) -> bool:
        """Whether an item's source still lies where the ledger says, apart from the file just found."""
        if item.path == facts.path:
            return False
        row = self._known.get((item.hot_folder, item.path))
        return row is not None and row.facts.sha256 == facts.sha256 and not self._is_gone(row)

    def _copy_of(self, hot: HotFolder, item: ItemRecord, facts: FileFacts) -> FileRecord | None:
        """A copy of an item's source under its own SKU, apart from the file just found."""
        for row in self._known.of_hash(hot.name, facts.sha256):
            is_copy = row.state is FileState.DUPLICATE and row.item == item.id
            is_other = row.facts.path != facts.path and self.sku_of(hot, row.facts.path) == item.sku
            if is_copy and is_other and not self._is_gone(row):
                return row
        return None

    def _names_another(self, item: ItemRecord, sku: str | None) -> bool:
        """Whether a moved original's new name gives it another SKU, one that the catalogue knows."""
        return sku != item.sku and sku in self._book.catalog.prices

    def _is_gone(self, row: FileRecord) -> bool:
        """Whether the bytes of a row are no longer at its path."""
        root = self._settings.hot_path(row.facts.hot_folder)
        seen = look_at(root, row.facts.path) if root is not None else None
        return seen is None or seen.signature != signature_of(row.facts)

    def _renew(self, facts: FileFacts) -> None:
        self._known.renew((facts.hot_folder, facts.path))


def are_halves(one: str, other: str) -> bool:
    """Whether two files of one stem are a RAW and the JPEG that the camera wrote with it."""
    return (is_raw(one) and is_jpeg(other)) or (is_jpeg(one) and is_raw(other))


def follows(hot: HotFolder, path: str) -> bool:
    """Whether a file is of the kind that waits for its other half."""
    return is_raw(path) if hot.pair == "jpeg" else is_jpeg(path)


def _facts(hot: HotFolder, path: str, signature: Signature, found: Inspection | None = None) -> FileFacts:
    return FileFacts(
        hot_folder=hot.name,
        path=path,
        sha256=found.sha256 if found else None,
        size=signature.size,
        mtime_ns=signature.mtime_ns,
        inode=signature.inode,
        kind=found.kind if found else "",
        captured_at=found.captured_at if found else None,
    )
