"""The morning report: nothing lost in its sums, nothing obeyed that a stranger wrote, no picture needed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from studiod.ledger import delivery, queue, review
from studiod.ledger.engine import Ledger, open_ledger
from studiod.ledger.period import read_period
from studiod.ledger.prices import set_price, set_thresholds
from studiod.ledger.records import (
    FileFacts,
    FileState,
    FoundFiles,
    NewItem,
    NewVersion,
    Person,
    WantedOutput,
)
from studiod.ledger.states import Status
from studiod.report.contents import Report, read_report
from studiod.report.html import as_html
from studiod.report.text import as_text
from tests.looking import COMPOSITE_BOX, PLACES, look_closely

if TYPE_CHECKING:
    from tests.conftest import Studio

ANNA, BEN = Person(1001, "anna"), Person(1002, "ben")
ONE = "1" * 64
HOSTILE = os.fsdecode(b"\xff\x1b]0;x\x07\xe2\x80\xae<img src=x onerror=alert(1)>'\".jpg")


@pytest.fixture
def ledger(studio: Studio) -> Ledger:
    """The studio's ledger, empty, with a threshold of 1000 USD."""
    ledger = open_ledger(studio.settings.database, migrate=True)
    set_thresholds(ledger, {"USD": 100_000}, {})
    return ledger


def add(ledger: Ledger, path: str, *, sku: str | None = None, title: str = "") -> int:
    """A new item at 50 USD."""
    facts = FileFacts("main", path, hashlib.sha256(os.fsencode(path)).hexdigest(), size=1, mtime_ns=1)
    return queue.add_item(ledger, NewItem(facts, sku, title=title, price_minor=5000, currency="USD"))


def make(ledger: Ledger, sentence: str = "A link may be missing.") -> int:
    """Claim the next item and finish it with one finding."""
    claimed = queue.claim(ledger, "w", 60)
    assert claimed is not None
    finding = {"reason": "chain_gap", "box": [1, 2, 3, 4], "point": [1, 2], "probability": 0.4}
    risk = {"score": 0.4, "findings": [{**finding, "sentence": sentence}]}
    made = NewVersion(
        f"items/{claimed.item}/v{claimed.version}", ONE, ("cutout.png", ONE), ("matte.png", ONE),
        {"small": ("c.jpg", ONE)}, {"small": ONE}, "m", ONE, 0.4, ("chain_gap",), PLACES, COMPOSITE_BOX,
        risk_json=json.dumps(risk),
    )  # fmt: skip
    queue.finish(ledger, claimed, made)
    return claimed.item


def deliver(ledger: Ledger, item: int) -> None:
    """Deliver an approved item."""
    wanted = [WantedOutput("small", f"piece{item}", ".jpg", ONE)]
    delivery.start_delivery(ledger, item, 1, FoundFiles(ONE, ONE, {"small": ONE}), wanted)
    delivery.finish_delivery(ledger, item, 1)


def one_in_every_status(ledger: Ledger) -> dict[Status, int]:
    """One item in each status there is; returns their numbers."""
    made = [
        Status.AWAITING_REVIEW, Status.APPROVED_ONCE, Status.APPROVED, Status.DELIVERING, Status.DELIVERED,
        Status.FLAGGED, Status.REJECTED, Status.SUPERSEDED,
    ]  # fmt: skip
    numbers = {}
    for status in made:
        add(ledger, f"{status}.jpg", sku=status.upper())
        numbers[status] = make(ledger)
    for status in (Status.APPROVED, Status.DELIVERING, Status.DELIVERED):
        review.approve(ledger, numbers[status], 1, ANNA)
    wanted = [WantedOutput("small", "leaving", ".jpg", ONE)]
    found = FoundFiles(ONE, ONE, {"small": ONE})
    delivery.start_delivery(ledger, numbers[Status.DELIVERING], 1, found, wanted)
    deliver(ledger, numbers[Status.DELIVERED])
    review.flag(ledger, numbers[Status.FLAGGED], 1, ANNA)
    review.reject(ledger, numbers[Status.REJECTED], 1, BEN, reasons=("out_of_focus",), note="soft stone")
    queue.supersede(ledger, numbers[Status.SUPERSEDED], "a new picture")
    set_price(ledger, numbers[Status.APPROVED_ONCE], 900_000, "USD")
    set_thresholds(ledger, {"USD": 100_000}, {"USD": 500_000})
    look_closely(ledger, numbers[Status.APPROVED_ONCE], ANNA)
    review.approve(ledger, numbers[Status.APPROVED_ONCE], 1, ANNA)
    for status in (Status.FAILED, Status.QUARANTINED, Status.PROCESSING):
        numbers[status] = add(ledger, f"{status}.jpg")
        claimed = queue.claim(ledger, "w", 60)
        assert claimed is not None
        if status is Status.FAILED:
            queue.fail(ledger, claimed, "it has no end")
        elif status is Status.QUARANTINED:
            queue.quarantine(ledger, claimed, "it is no picture")
    numbers[Status.RECEIVED] = add(ledger, "received.jpg")
    return numbers


def cells(report: Report, title: str) -> list[tuple[str, ...]]:
    """The rows of a table, with their notes as last cells."""
    (table,) = [table for table in report.tables if table.title == title]
    return [(*row.cells, *row.notes) for row in table.rows]


def test_the_counts_reconcile_over_every_status(studio: Studio, ledger: Ledger) -> None:
    """Every status and every file state has its line, and the sum is the number of rows in the ledger."""
    numbers = one_in_every_status(ledger)
    assert set(numbers) == set(Status)
    queue.record_file(ledger, FileFacts("main", "plate.jpg", "5" * 64, 1, 1), FileState.PLATE)
    report = read_report(ledger, studio.settings, 0.0)
    assert cells(report, "Items by status") == [(status.value, "1", "1") for status in Status]
    tables = {table.title: table for table in report.tables}
    items, files = tables["Items by status"], tables["Files by state"]
    assert items.last is not None and files.last is not None
    assert items.last.cells == ("sum", str(len(Status)), str(len(Status)))
    assert "the ledger holds 12 in all (the same)" in items.lead
    assert [row.cells[0] for row in files.rows] == [state.value for state in FileState]
    assert files.last.cells == ("sum", "13", "13")
    assert "sum" in as_text(report)


def test_what_people_decided_and_took_back_is_counted(studio: Studio, ledger: Ledger) -> None:
    """Approvals in one go are approvals by people; decisions that were taken back are named."""
    for name in ("one.jpg", "two.jpg", "three.jpg"):
        add(ledger, name)
        make(ledger)
    review.approve(ledger, 1, 1, ANNA)
    review.approve_unseen(ledger, 2, 1, ANNA, below=0.9)
    review.flag(ledger, 3, 1, BEN)
    review.undo(ledger, 3, BEN)
    said = read_report(ledger, studio.settings, 0.0).summary[0]
    assert "2 approved by people" in said and "1 flagged" in said and "1 taken back" in said


def test_what_came_in_before_is_counted_apart(studio: Studio, ledger: Ledger) -> None:
    """Items of an earlier night count now and not as come in since; what is done with is not told again."""
    one_in_every_status(ledger)
    period = read_period(ledger, ledger.clock() + 60)
    assert sum(period.items.by_state.values()) == period.items.total == len(Status)
    assert sum(period.items.recent.values()) == 0
    assert {item.status for item in period.concerned} == {
        Status.AWAITING_REVIEW, Status.APPROVED_ONCE, Status.FLAGGED, Status.REJECTED, Status.FAILED,
        Status.QUARANTINED,
    }  # fmt: skip


def test_what_must_be_shot_again_is_listed_until_it_is(studio: Studio, ledger: Ledger) -> None:
    """A rejected piece stands on the list with who and why, however old, until a new picture of it comes."""
    number = one_in_every_status(ledger)[Status.REJECTED]
    later = ledger.clock() + 60
    (row,) = cells(read_report(ledger, studio.settings, later), "To be shot again")
    assert row[0] == str(number)
    assert {"REJECTED", "ben", "out_of_focus", "soft stone"} <= set(row)
    add(ledger, "REJECTED_again.jpg", sku="REJECTED")
    assert cells(read_report(ledger, studio.settings, later), "To be shot again") == []


def test_failures_carry_their_reasons(studio: Studio, ledger: Ledger) -> None:
    """Failed and quarantined items, and quarantined files that are no item's, each with its sentence."""
    one_in_every_status(ledger)
    facts = FileFacts("main", "notes.jpg", "7" * 64, 1, 1)
    queue.record_file(ledger, facts, FileState.QUARANTINED, reason="it is text")
    rows = cells(read_report(ledger, studio.settings, 0.0), "Failed and quarantined")
    assert sorted(row[-1] for row in rows) == ["it has no end", "it is no picture", "it is text"]


def test_a_delivery_names_its_files_and_who_decided(studio: Studio, ledger: Ledger) -> None:
    """A delivered piece stands with the approval that let it out, and says when it was recalled since."""
    number = one_in_every_status(ledger)[Status.DELIVERED]
    title = "Delivered, and by whom decided"
    (row,) = cells(read_report(ledger, studio.settings, 0.0), title)
    assert row[0] == str(number)
    assert {"anna", f"small/piece{number}.jpg"} <= set(row)
    review.recall(ledger, number, BEN)
    (row,) = cells(read_report(ledger, studio.settings, 0.0), title)
    assert "anna" in row
    assert row[-1] == "Taken back since: it is awaiting_review now."


def test_who_decided_is_told_of_each_delivery(studio: Studio, ledger: Ledger) -> None:
    """Each delivery names whose approval stood then, though the clock was set back between the two."""
    now = ledger.clock()
    items = []
    for number in range(2):
        items.append(add(ledger, f"{number}.jpg"))
        make(ledger)
    for item in items:
        ledger.clock = lambda: now + 60.0
        review.approve(ledger, item, 1, ANNA)
        ledger.clock = lambda: now
        wanted = [WantedOutput("small", f"piece{item}", ".jpg", ONE)]
        delivery.start_delivery(ledger, item, 1, FoundFiles(ONE, ONE, {"small": ONE}), wanted)
        delivery.delivery_interrupted(ledger, item, 1, "the outbox was gone")
        deliver(ledger, item)
    review.recall(ledger, items[1], ANNA)
    look_closely(ledger, items[1], BEN)
    review.approve(ledger, items[1], 1, BEN)
    deliver(ledger, items[1])
    rows = cells(read_report(ledger, studio.settings, now), "Delivered, and by whom decided")
    assert [(int(row[0]), row[4]) for row in rows] == [
        (items[0], "anna"),
        (items[1], "anna"),
        (items[1], "ben"),
    ]


def test_of_two_deliveries_the_first_was_taken_back(studio: Studio, ledger: Ledger) -> None:
    """A piece that was recalled and delivered again has two rows, and only the last one's files are out."""
    number = one_in_every_status(ledger)[Status.DELIVERED]
    review.recall(ledger, number, BEN)
    review.approve(ledger, number, 1, BEN)
    deliver(ledger, number)
    first, second = cells(read_report(ledger, studio.settings, 0.0), "Delivered, and by whom decided")
    assert first[-1] == "Taken back since, and delivered again." and second[-1].endswith("_v2.jpg")


def test_a_price_that_rose_after_delivery_is_told(studio: Studio, ledger: Ledger) -> None:
    """A rise after delivery is listed with both prices, exactly."""
    number = one_in_every_status(ledger)[Status.DELIVERED]
    set_price(ledger, number, 123_456, "USD")
    (row,) = cells(read_report(ledger, studio.settings, 0.0), "Prices that rose after delivery")
    assert "50.00 USD -> 1234.56 USD" in row


class _Tags(HTMLParser):
    """Every tag, attribute and address in a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]


def test_what_strangers_wrote_is_inert_in_both(studio: Studio, ledger: Ledger) -> None:
    """File name, SKU, title, finding, note and reason reach neither the browser's parser nor the terminal."""
    evil = "\x1b[2J\u202e<script>alert(1)</script>"
    kept = add(ledger, HOSTILE, sku=evil, title=evil)
    make(ledger, evil)
    review.reject(ledger, kept, 1, Person(7, evil), note=evil)
    add(ledger, "a" + HOSTILE, title=evil)
    claimed = queue.claim(ledger, "w", 60)
    assert claimed is not None
    queue.fail(ledger, claimed, evil)
    report = read_report(ledger, studio.settings, 0.0)
    text, page = as_text(report), as_html(report)
    for said in (text, page):
        assert not any(not character.isprintable() and character != "\n" for character in said)
        said.encode("utf-8")
        assert "\\x1b[2J\\u202e" in said
    parsed = _Tags()
    parsed.feed(page)
    assert not parsed.tags & {"script", "img", "link", "iframe"}
    assert not {name for name in parsed.attributes if name.startswith("on")}
    assert "&lt;script&gt;" in page


def test_a_missing_preview_does_not_break_the_report(
    studio: Studio, ledger: Ledger, write_picture: Callable[..., bytes]
) -> None:
    """Previews are embedded; where one is missing or damaged the page says so and keeps its findings."""
    add(ledger, "ring.jpg", sku="RING")
    item = make(ledger)
    folder = studio.settings.work / "items" / str(item) / "v1"
    none = as_html(read_report(ledger, studio.settings, 0.0))
    assert none.count("no preview of the") == 2
    assert "A link may be missing." in none
    write_picture(folder / "preview-original.jpg", 1)
    (folder / "preview-composite.jpg").write_bytes(b"\xff\xd8 nothing")
    some = as_html(read_report(ledger, studio.settings, 0.0))
    assert "no preview of the composite" in some
    parsed = _Tags()
    parsed.feed(some)
    assert all(address.startswith(("data:image/jpeg;base64,", "#")) for address in parsed.addresses)
    assert sum(address.startswith("data:") for address in parsed.addresses) == 1


def test_an_empty_studio_has_a_report(studio: Studio, ledger: Ledger) -> None:
    """A night in which nothing came is told as one."""
    report = read_report(ledger, studio.settings, 0.0)
    assert "0 came in" in as_text(report)
    assert "The sum over every state is 0" in as_html(report)
