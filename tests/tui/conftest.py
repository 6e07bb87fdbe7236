"""A small studio on disk for the terminal's tests: a real ledger, real rows, real little pictures."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from PIL import Image, ImageDraw
from textual import events
from textual.pilot import Pilot

from studiod.ledger import queue, reading
from studiod.ledger.engine import Ledger, open_ledger
from studiod.ledger.prices import set_thresholds
from studiod.ledger.records import (
    Activity,
    DaemonState,
    FileFacts,
    ItemRecord,
    NewItem,
    Person,
    Place,
)
from studiod.settings import Settings, load_settings
from tests.looking import made_up
from tui.app import ReviewApp
from tui.desk import Desk
from tui.keys import load_keymap
from tui.queue_screen import QueueScreen
from tui.review_screen import ReviewScreen

SIZE = (640, 480)
RING = (220, 140, 420, 340)
COMPOSITE_BOX = (170.0, 90.0, 470.0, 390.0)
TOML = """
[[hot_folder]]
name = "main"
path = "hot"
"""


class Studio:
    """The studio under test, and what its daemon would have done."""

    maria, anna = Person(4001, "maria"), Person(4002, "anna")
    gap: dict[str, Any] = {
        "reason": "chain_gap", "box": [300, 130, 340, 160], "point": [320, 145], "probability": 0.8,
        "sentence": "The ring is open for about 9 px here.", "measurement": {},
    }  # fmt: skip
    halo: dict[str, Any] = {
        "reason": "halo", "box": [400, 220, 430, 260], "point": [415, 240], "probability": 0.3,
        "sentence": "A rim of the old background remains.", "measurement": {},
    }  # fmt: skip

    def __init__(self, root: Path) -> None:
        (root / "studiod.toml").write_text(TOML)
        self.settings: Settings = load_settings(root / "studiod.toml")
        self.ledger: Ledger = open_ledger(self.settings.database, migrate=True, busy_seconds=0.5)
        set_thresholds(self.ledger, {"USD": 100000}, {})

    def add(
        self,
        sku: str | None,
        *,
        price: int | None = 5000,
        risk: float = 0.1,
        findings: tuple[dict[str, Any], ...] = (),
        path: str = "",
        title: str = "",
        pictures: bool = True,
    ) -> int:
        """An item whose first version is made and waits."""
        item = self.receive(sku, price=price, path=path, title=title)
        self.make(item, risk=risk, findings=findings, pictures=pictures)
        return item

    def receive(self, sku: str | None, *, price: int | None = 5000, path: str = "", title: str = "") -> int:
        """An item that is not made yet."""
        path = path or f"{sku}.jpg"
        digest = hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()
        facts = FileFacts(hot_folder="main", path=path, sha256=digest, size=1, mtime_ns=1)
        return queue.add_item(
            self.ledger, NewItem(source=facts, sku=sku, title=title, price_minor=price, currency="USD")
        )

    def make(
        self,
        item: int,
        *,
        risk: float = 0.1,
        findings: tuple[dict[str, Any], ...] = (),
        pictures: bool = True,
    ) -> None:
        """Take the next item from the queue, which must be this one, and make its version."""
        claimed = queue.claim(self.ledger, "worker", 60.0)
        assert claimed is not None and claimed.item == item
        made = made_up(
            claimed,
            risk=risk,
            reasons=tuple(str(finding["reason"]) for finding in findings),
            places=tuple(Place(finding["reason"], *finding["point"]) for finding in findings),
            composite_box=COMPOSITE_BOX,
            risk_json=json.dumps({"score": risk, "calibration": "test", "findings": list(findings)}),
        )
        if pictures:
            draw_version(self.settings.work / made.folder)
        queue.finish(self.ledger, claimed, made)

    def fail(self, item: int, reason: str) -> None:
        """The pipeline could not make the item."""
        claimed = queue.claim(self.ledger, "worker", 60.0)
        assert claimed is not None and claimed.item == item
        queue.fail(self.ledger, claimed, reason)

    def item(self, item: int) -> ItemRecord:
        """How an item stands."""
        return reading.get_item(self.ledger, item)

    def beat(self, activity: Activity = Activity.RUNNING, message: str = "") -> None:
        """The daemon's heartbeat."""
        queue.beat(self.ledger, DaemonState(pid=1, activity=activity, message=message, seconds_per_item=6.0))

    def app(self, person: Person = maria, keymap: str = "default") -> ReviewApp:
        """The terminal of a person."""
        desk = Desk(self.ledger, self.settings, person)
        return ReviewApp(lambda: (desk, QueueScreen), load_keymap(keymap, self.settings.root))

    @contextmanager
    def held(self) -> Iterator[None]:
        """The ledger in somebody else's hands, who writes to it and does not end."""
        with closing(sqlite3.connect(self.settings.database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield

    @staticmethod
    @contextmanager
    def slow(pilot: Pilot[int]) -> Iterator[None]:
        """The terminal's ledger slow to answer: all that is asked of it waits, in its order."""
        assert isinstance(pilot.app, ReviewApp)
        goes_on = Event()
        pilot.app._ledger_thread.submit(goes_on.wait)
        try:
            yield
        finally:
            goes_on.set()

    @staticmethod
    async def until(pilot: Pilot[int], condition: Callable[[], object], what: str = "") -> None:
        """Wait until something holds, half a minute at most."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if condition():
                return
            await pilot.pause(0.02)
        raise AssertionError(what or "it never came to that")

    @staticmethod
    def type_ahead(pilot: Pilot[int], *keys: str) -> None:
        """Press keys faster than anything can answer, as a slow line delivers them."""
        characters = {"slash": "/", "enter": "\r"}
        for key in keys:
            character = characters.get(key, key)
            pilot.app.post_message(events.Key(key, character if len(character) == 1 else None))

    @classmethod
    async def sees(cls, pilot: Pilot[int], *parts: str) -> str:
        """Wait until one line of the screen holds all of these; returns that line."""

        def lines() -> list[str]:
            return [line for line in cls.text(pilot).splitlines() if all(part in line for part in parts)]

        await cls.until(pilot, lines, f"no line ever held {parts}")
        return lines()[0]

    @classmethod
    async def fills(cls, pilot: Pilot[int], size: tuple[int, int]) -> None:
        """Wait until every line of the window, and no more than those, is as wide as it."""
        columns, rows = size
        await cls.until(
            pilot, lambda: [len(line) for line in cls.text(pilot).splitlines()] == [columns] * rows
        )

    async def chosen(self, pilot: Pilot[int], item: int) -> QueueScreen:
        """Wait until an item is under the queue's cursor with its picture beside it."""

        def there() -> bool:
            screen = pilot.app.screen
            return (
                isinstance(screen, QueueScreen)
                and screen.piece is not None
                and screen.piece.item.id == item == screen.table.chosen_id
            )

        await self.until(pilot, there, f"item {item} never was under the cursor")
        assert isinstance(pilot.app.screen, QueueScreen)
        return pilot.app.screen

    async def opened(self, pilot: Pilot[int], item: int) -> ReviewScreen:
        """Open an item from the queue, once it is the chosen one."""
        await self.chosen(pilot, item)
        await pilot.press("enter")
        return await self.reviewed(pilot, item)

    async def reviewed(self, pilot: Pilot[int], item: int) -> ReviewScreen:
        """Wait until an item is drawn on the review screen."""

        def there() -> bool:
            screen = pilot.app.screen
            return (
                isinstance(screen, ReviewScreen)
                and screen.pane.piece is not None
                and screen.pane.piece.item.id == item
                and (screen.pane.main.is_drawn or screen.pane.piece.pictures is None)
            )

        await self.until(pilot, there, f"item {item} never was on the review screen")
        assert isinstance(pilot.app.screen, ReviewScreen)
        return pilot.app.screen

    @staticmethod
    def colours(pilot: Pilot[int]) -> list[str]:
        """The colours of what is on the screen, from its upper left on."""
        strips = pilot.app.screen._compositor.render_strips()
        return [str(segment.style) for strip in strips for segment in strip]

    @staticmethod
    def text(pilot: Pilot[int]) -> str:
        """What is on the screen, as plain lines."""
        strips = pilot.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)

    @classmethod
    def words(cls, pilot: Pilot[int]) -> str:
        """What is on the screen as one line: where a message with a path in it wraps is no matter."""
        return " ".join(cls.text(pilot).split())


def draw_version(folder: Path) -> None:
    """Previews, native tiles and their description, as the daemon leaves them: a ring with a gap.

    In few flat colours, so that the pictures of the screens stay small.
    """
    (folder / "tiles").mkdir(parents=True)
    original = Image.new("RGB", SIZE, (200, 205, 210))
    alpha = Image.new("L", SIZE, 0)
    for picture, ink in ((original, (190, 150, 70)), (alpha, 255)):
        ImageDraw.Draw(picture).arc(RING, -80, 260, fill=ink, width=14)
    cutout = Image.composite(original.convert("RGBA"), Image.new("RGBA", SIZE), alpha)
    composite = Image.new("RGB", (300, 300), "white")
    composite.paste(original.crop((170, 90, 470, 390)), mask=alpha.crop((170, 90, 470, 390)))
    layers = {}
    for name, picture, left, top in (
        ("original", original, 0, 0),
        ("cutout", cutout, 0, 0),
        ("composite", composite, -170, -90),
    ):
        preview = picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.NEAREST)
        preview.save(folder / f"preview-{name}.png")
        picture.save(folder / f"tiles/{name}-0-0.png")
        layers[name] = {
            "width": picture.width, "height": picture.height, "scale": 1.0, "left": left, "top": top,
            "preview": {"file": f"preview-{name}.png", "width": preview.width, "height": preview.height},
            "tiles": {
                "size": 1024, "box": [0, 0, picture.width, picture.height], "columns": 1, "rows": 1,
                "files": [f"tiles/{name}-0-0.png"],
            },
        }  # fmt: skip
    composite.save(folder / "composite-white.jpg")
    text = {"width": SIZE[0], "height": SIZE[1], "box": [200, 120, 440, 360], "layers": layers}
    (folder / "view.json").write_text(json.dumps(text))


_HOPS = 12
"""From the app to a widget, up again to the app, and from there to a dialog: no key goes further."""


@pytest.fixture(autouse=True)
def _patient_pilot(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pilot waits until what it did has gone its whole way, message by message.

    Textual's own takes a process that gets no processor, on a busy machine, for one that has nothing to do.
    """
    one_hop = Pilot._wait_for_screen

    async def every_hop(pilot: Pilot[int], timeout: float = 30.0) -> bool:
        return all([await one_hop(pilot, timeout) for _ in range(_HOPS)])

    monkeypatch.setattr(Pilot, "_wait_for_screen", every_hop)


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    """An empty studio whose daemon runs."""
    made = Studio(tmp_path)
    made.beat()
    yield made
    made.ledger.close()
