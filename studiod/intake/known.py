"""What the ledger knows of the files in the hot folders, held in memory for the many passes over them."""

from __future__ import annotations

from collections import defaultdict
from pathlib import PurePath

from studiod.intake.ignore import is_plate
from studiod.intake.settle import Signature
from studiod.ledger.engine import Ledger
from studiod.ledger.files import REPLACED
from studiod.ledger.reading import every_file, find_file
from studiod.ledger.records import FileFacts, FileRecord

Key = tuple[str, str]
"""A file: the name of its hot folder, and its path below it."""


class StemIndex:
    """Files, found by what they share: the stem in a folder, whatever its case."""

    def __init__(self) -> None:
        self._by_stem: defaultdict[tuple[str, str, str], set[Key]] = defaultdict(set)
        self._plates: defaultdict[tuple[str, str], set[Key]] = defaultdict(set)

    def add(self, key: Key) -> None:
        """Take a file in."""
        hot_folder, folder, stem = _stem_key(key)
        self._by_stem[hot_folder, folder, stem].add(key)
        if is_plate(key[1]):
            self._plates[hot_folder, folder].add(key)

    def discard(self, key: Key) -> None:
        """Leave a file out, if it is there."""
        hot_folder, folder, stem = _stem_key(key)
        self._by_stem[hot_folder, folder, stem].discard(key)
        self._plates[hot_folder, folder].discard(key)

    def of_stem(self, key: Key) -> set[Key]:
        """The other files of the same stem in the same folder."""
        return self._by_stem[_stem_key(key)] - {key}

    def has_plate(self, key: Key) -> bool:
        """Whether a plate of the file's folder is there."""
        hot_folder, folder, _ = _stem_key(key)
        return bool(self._plates[hot_folder, folder])


class KnownFiles:
    """The newest row of every path, as intake left it: what became of it since is the ledger's."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._by_key: dict[Key, FileRecord] = {}
        self._stems = StemIndex()
        self._by_hash: defaultdict[tuple[str, str], set[Key]] = defaultdict(set)
        for row in sorted(every_file(ledger), key=lambda row: (row.seen_at, row.id)):
            self._put(row)

    def get(self, key: Key) -> FileRecord | None:
        """What is known of a path."""
        return self._by_key.get(key)

    def is_unchanged(self, key: Key, signature: Signature) -> bool:
        """Whether the file is known, and looks as it did when it was taken up."""
        row = self._by_key.get(key)
        return row is not None and signature_of(row.facts) == signature

    def of_stem(self, key: Key) -> list[FileRecord]:
        """The files of the same stem in the same folder, whatever the case; the best written first."""
        stem = PurePath(key[1]).stem
        found = [self._by_key[each] for each in self._stems.of_stem(key)]
        return sorted(found, key=lambda row: (PurePath(row.facts.path).stem != stem, row.facts.path))

    def of_hash(self, hot_folder: str, sha256: str | None) -> list[FileRecord]:
        """The files of a hot folder that hold these bytes."""
        keys = self._by_hash[hot_folder, sha256] if sha256 else ()
        return sorted((self._by_key[key] for key in keys), key=lambda row: row.id)

    def renew(self, key: Key) -> None:
        """Take over what the ledger says of a path by now."""
        self.forget(key)
        row = find_file(self._ledger, *key)
        if row is not None:
            self._put(row)

    def forget(self, key: Key) -> None:
        """A path has no row of its own any more."""
        row = self._by_key.pop(key, None)
        if row is not None:
            self._stems.discard(key)
            if row.facts.sha256:
                self._by_hash[key[0], row.facts.sha256].discard(key)

    def _put(self, row: FileRecord) -> None:
        key = (row.facts.hot_folder, row.facts.path)
        self.forget(key)
        if row.facts.inode == REPLACED:
            return
        self._by_key[key] = row
        self._stems.add(key)
        if row.facts.sha256:
            self._by_hash[key[0], row.facts.sha256].add(key)


def signature_of(facts: FileFacts) -> Signature:
    """What the file looked like when these facts were noted."""
    return Signature(facts.size, facts.mtime_ns, facts.inode)


def _stem_key(key: Key) -> tuple[str, str, str]:
    path = PurePath(key[1])
    return key[0], str(path.parent), path.stem.casefold()
