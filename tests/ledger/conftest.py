"""A real ledger in a temporary folder, a clock that tests set, and the shortest ways to fill it."""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest

from studiod.ledger import delivery, queue, review, touchup
from studiod.ledger.engine import Ledger, open_ledger
from studiod.ledger.prices import set_thresholds
from studiod.ledger.reading import decisions, get_item, get_version
from studiod.ledger.records import (
    Delivery,
    FileFacts,
    FoundFiles,
    NewItem,
    Person,
    Touchup,
    WantedOutput,
)
from studiod.ledger.states import Status
from studiod.strokes import Stroke
from tests.looking import look_closely, made_up

ANNA = Person(1001, "anna")
BEN = Person(1002, "ben")
STROKES = (Stroke(((10.0, 20.0), (30.5, 20.0)), 4.0, "keep"),)


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: float = 1_700_000_000.0

    def __call__(self) -> float:
        """The time."""
        return self.now


@dataclass
class Studio:
    """A ledger and the usual steps on it."""

    ledger: Ledger
    clock: Clock

    def facts(self, path: str, *, content: str | None = None, hot_folder: str = "main") -> FileFacts:
        """A file found in a hot folder."""
        return FileFacts(
            hot_folder, path, sha256(content or path), size=1000, mtime_ns=1_700_000_000_000_000_000
        )

    def add(
        self,
        path: str = "RING-1.jpg",
        *,
        sku: str | None = "RING-1",
        price: int | None = 5000,
        currency: str = "USD",
        always_review: bool = False,
        content: str | None = None,
    ) -> int:
        """A new item."""
        return queue.add_item(
            self.ledger,
            NewItem(
                self.facts(path, content=content),
                sku=sku,
                price_minor=price,
                currency=currency,
                always_review=always_review,
            ),
        )

    def process(self, *, policy: bool = False, risk: float = 0.1) -> int:
        """Claim the next item and finish it."""
        claimed = queue.claim(self.ledger, "w1", 60)
        assert claimed is not None
        queue.finish(self.ledger, claimed, made_up(claimed, risk=risk), approve_by_policy=policy)
        return claimed.item

    def send(self, item: int) -> Touchup:
        """Send its present version to a retoucher."""
        version = self.version(item)
        self.record_sent(item, version, f"RING-1_item{item}_v{version}")
        sent = touchup.find_touchup(self.ledger, item, version)
        assert sent is not None
        return sent

    def record_sent(self, item: int, version: int, folder: str) -> None:
        """What was flagged of it lies in a folder for a retoucher."""
        flags = [said for said in decisions(self.ledger, item) if said.verdict == "flag"]
        assert touchup.record_sent(
            self.ledger, item, version, folder, (0, 0, 40, 30), files={}, flagged_at=flags[-1].at
        )

    def bring_back(self, item: int, content: str = "retouched", *, path: str = "RING-1.psd") -> bool:
        """What was sent last of it comes back, with other bytes."""
        versions = range(self.version(item), 0, -1)
        found = (touchup.find_touchup(self.ledger, item, version) for version in versions)
        sent = next((each for each in found if each is not None), None) or self.send(item)
        digest = sha256(content)
        facts = replace(
            self.facts(path, content=content, hot_folder=touchup.RETURNS), kept_copy=f"returns/{digest}.psd"
        )
        return touchup.record_return(self.ledger, sent, facts)

    def found(self, item: int) -> FoundFiles:
        """The hashes of its present version, as they would be found on disk."""
        version = get_version(self.ledger, item)
        assert version is not None
        composites = {preset: digest for preset, (_, digest) in version.made.composites.items()}
        return FoundFiles(version.made.cutout[1], version.made.matte[1], composites)

    def start_delivery(self, item: int, *, stem: str = "RING-1", found: FoundFiles | None = None) -> Delivery:
        """Start its delivery."""
        found = found or self.found(item)
        wanted = [WantedOutput(preset, stem, ".jpg", digest) for preset, digest in found.composites.items()]
        return delivery.start_delivery(self.ledger, item, self.version(item), found, wanted)

    def deliver(self, item: int, *, stem: str = "RING-1") -> Delivery:
        """Deliver it."""
        started = self.start_delivery(item, stem=stem)
        delivery.finish_delivery(self.ledger, item, started.version)
        return started

    def approve(self, item: int, person: Person = ANNA) -> Status:
        """Look at its present version closely, and approve it."""
        look_closely(self.ledger, item, person)
        return review.approve(self.ledger, item, self.version(item), person)

    def status(self, item: int) -> Status:
        """Where it stands."""
        return get_item(self.ledger, item).status

    def version(self, item: int) -> int:
        """The number of its present version."""
        return get_item(self.ledger, item).version

    def sql(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """Raw SQL, as a script would run it."""
        with self.ledger.writing() as connection:
            result = connection.exec_driver_sql(statement, values)
            return [tuple(row) for row in result] if result.returns_rows else []


def sha256(text: str) -> str:
    """A hash to tell contents apart by."""
    return hashlib.sha256(os.fsencode(text)).hexdigest()


def new_studio(path: Path) -> Studio:
    """A fresh ledger with a threshold of 1000 USD (a copy of one that was migrated once)."""
    shutil.copyfile(_migrated(), path)
    clock = Clock()
    ledger = open_ledger(path, clock=clock)
    set_thresholds(ledger, {"USD": 100_000}, {})
    return Studio(ledger, clock)


@cache
def _migrated() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="studiod-ledger-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    open_ledger(folder / "studiod.db", migrate=True).close()
    return folder / "studiod.db"


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    """A fresh ledger with a threshold of 1000 USD."""
    made = new_studio(tmp_path / "studiod.db")
    yield made
    made.ledger.close()
