"""A studio with a real ledger, whose intake is driven by hand: time passes as fast as the tests want."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from studiod.intake.ignore import is_raw
from studiod.intake.ingest import InspectRequest, Intake, WorkerDied
from studiod.intake.inspect import Inspection, hash_file, inspect_file
from studiod.ledger import queue, review
from studiod.ledger.engine import Ledger, open_ledger
from studiod.ledger.prices import set_thresholds
from studiod.ledger.reading import every_file, every_item, get_item
from studiod.ledger.records import FileRecord, ItemRecord, Person
from studiod.ledger.states import Status
from studiod.settings import MARKER, load_settings
from tests.looking import look_closely, made_up

from .hostile import jpeg

ANNA = Person(1001, "anna")
PRICES = (
    "sku,price,currency,title\nRING,900.00,USD,Ring\nDEAR,5000.00,USD,Moissanite ring\nRING_18K,700.00,USD,\n"
)
STEP = 0.25


@dataclass
class Night:
    """A studio at night: files land with `put`, `run` lets time pass until the intake is idle."""

    root: Path
    ledger: Ledger
    watch: str = "poll"
    extra: str = ""
    now: float = 1000.0
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    look: Callable[[InspectRequest], Inspection | WorkerDied] | None = None
    intake: Intake | None = None

    @property
    def hot(self) -> Path:
        """The hot folder."""
        return self.root / "hot"

    def put(self, path: str, content: bytes | int = 1, *, age: float = 60.0) -> Path:
        """A file lands whole: the bytes given, or the JPEG of a seed, last written `age` seconds ago."""
        whole = self.hot / path
        whole.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.root / "landing"
        temporary.write_bytes(jpeg(content) if isinstance(content, int) else content)
        moment = temporary.stat().st_mtime - age
        os.utime(temporary, (moment, moment))
        temporary.replace(whole)
        return whole

    def start(self) -> Intake:
        """The daemon starts (again)."""
        self.stop()
        text = f'[[hot_folder]]\nname = "main"\npath = "hot"\nwatch = "{self.watch}"\n{self.extra}'
        (self.root / "studiod.toml").write_text(text)
        self.intake = Intake(load_settings(self.root / "studiod.toml"), self.ledger, say=self.said.append)
        self.intake.start()
        return self.intake

    def stop(self) -> None:
        """The daemon ends, in whatever it was doing."""
        if self.intake is not None:
            self.intake.close()
            self.intake = None

    def step(self) -> list[InspectRequest]:
        """A quarter of a second passes; what the intake asks for is not answered yet."""
        self.now += STEP
        requests = (self.intake or self.start()).tick(self.now)
        self.asked += [request.path for request in requests]
        return requests

    def answer(self, request: InspectRequest) -> None:
        """A worker looks at a file."""
        assert self.intake is not None
        self.intake.inspected(request, (self.look or look)(request))

    def run(self, seconds: float = 300.0) -> Night:
        """Let the night pass until nothing is left to take up."""
        self.now += 60.0  # so that the folder is due for another pass
        end = self.now + seconds
        while True:
            for request in self.step():
                self.answer(request)
            assert self.intake is not None
            if self.intake.idle:
                return self
            assert self.now < end, "the intake does not come to rest"

    def files(self) -> dict[str, tuple[str, int | None]]:
        """State and item of every path, as last recorded."""
        rows = sorted(self.rows(), key=lambda row: (row.seen_at, row.id))
        return {row.facts.path: (row.state.value, row.item) for row in rows}

    def rows(self) -> list[FileRecord]:
        """Every row of files."""
        return list(every_file(self.ledger))

    def items(self) -> list[ItemRecord]:
        """Every item."""
        return list(every_item(self.ledger))

    def statuses(self) -> dict[int, str]:
        """Where every item stands."""
        return {item.id: item.status.value for item in self.items()}

    def item(self, number: int) -> ItemRecord:
        """One item."""
        return get_item(self.ledger, number)

    def make(self, *, policy: bool = False) -> int:
        """The oldest item is processed."""
        claimed = queue.claim(self.ledger, "w1", 600)
        assert claimed is not None
        queue.finish(self.ledger, claimed, made_up(claimed), approve_by_policy=policy)
        return claimed.item

    def approve(self, number: int) -> None:
        """A person looks at it closely and approves it."""
        look_closely(self.ledger, number, ANNA)
        review.approve(self.ledger, number, self.item(number).version, ANNA)

    def reject(self, number: int) -> None:
        """A person wants it shot again."""
        review.reject(self.ledger, number, self.item(number).version, ANNA, reasons=("out_of_focus",))

    def is_status(self, number: int, status: Status) -> bool:
        """Whether an item stands there."""
        return self.item(number).status is status


def look(request: InspectRequest) -> Inspection:
    """What a worker does; a RAW file of the tests is any bytes, so it is only hashed."""
    if is_raw(request.path):
        return replace(hash_file(request.source), kind="raw")
    return inspect_file(request.source, 160, 4_000_000_000)


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Night]:
    """An empty studio with prices and one hot folder; the daemon starts with the first `run`."""
    root = tmp_path / "studio"
    (root / "hot").mkdir(parents=True)
    (root / "hot" / MARKER).touch()
    (root / "prices.csv").write_text(PRICES)
    ledger = open_ledger(root / "work" / "studiod.db", migrate=True)
    set_thresholds(ledger, {"USD": 100_000}, {})
    made = Night(root, ledger)
    yield made
    made.stop()
    ledger.close()
