"""`studiod history` and `studiod report` as real processes on a real ledger."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from studiod.ledger import queue, review
from studiod.ledger.engine import open_ledger
from studiod.ledger.prices import set_price, set_thresholds
from studiod.ledger.records import FileFacts, NewItem, Person
from tests.looking import made_up

if TYPE_CHECKING:
    from tests.conftest import Studio

Run = Callable[..., subprocess.CompletedProcess[str]]
ONE = "1" * 64


@pytest.fixture
def run(studio: Studio) -> Run:
    """Runs `python -m studiod` in a studio where item 1, oddly named, was approved, undone and flagged."""
    ledger = open_ledger(studio.settings.database, migrate=True)
    set_thresholds(ledger, {"USD": 100_000}, {})
    facts = FileFacts("main", os.fsdecode(b"\xff\x1b[31m<b>.jpg"), ONE, size=1, mtime_ns=1)
    queue.add_item(ledger, NewItem(facts, "R-1", price_minor=5000, currency="USD"))
    claimed = queue.claim(ledger, "w", 60)
    assert claimed is not None
    queue.finish(ledger, claimed, made_up(claimed))
    anna = Person(1001, "anna")
    review.approve(ledger, 1, 1, anna, note="looked at every link")
    review.undo(ledger, 1, anna)
    set_price(ledger, 1, 7050, "USD")
    review.flag(ledger, 1, 1, anna, reasons=("chain_gap",), note="left \x1b[2J side", box=(1, 2, 3, 4))
    ledger.close()

    def studiod(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "studiod", *map(str, arguments), "--config", str(studio.file)]
        return subprocess.run(command, cwd=studio.root, capture_output=True, text=True, timeout=120)

    return studiod


def test_history_tells_the_whole_life(run: Run) -> None:
    """Every event with who, what, before, after and why; every decision with its note, withdrawn ones too."""
    done = run("history", 1)
    assert done.returncode == 0, done.stderr
    for words in (
        "daemon  added  -> received", "received -> processing", "processing -> awaiting_review",
        "anna (uid 1001)  approved  awaiting_review -> approved", "looked at every link",
        "undone  approved -> awaiting_review", "price: 50.00 USD -> 70.50 USD",
        "approve version 1, withdrawn", "flag version 1", "reasons: chain_gap", "box: 1, 2, 3, 4",
        "left \\x1b[2J side",
    ):  # fmt: skip
        assert words in done.stdout
    assert "\x1b" not in done.stdout


def test_history_gives_scripts_the_names_they_rely_on(run: Run) -> None:
    """`history --json` is the item of `list --json` with its events and decisions under these keys."""
    life = json.loads(run("history", 1, "--json").stdout)
    assert (life["item"], life["sku"], life["status"]) == (1, "R-1", "flagged")
    assert [event["what"] for event in life["events"]] == [
        "added", "claimed", "made", "approved", "undone", "price", "flagged",
    ]  # fmt: skip
    assert set(life["events"][0]) == {
        "at", "actor", "uid", "what", "version", "before", "after", "reason", "details",
    }  # fmt: skip
    first, second = life["decisions"]
    assert set(first) == {
        "at", "verdict", "version", "login", "uid", "reasons", "note", "box", "withdrawn_at",
    }  # fmt: skip
    assert first["withdrawn_at"] is not None
    assert (second["verdict"], second["login"], second["box"]) == ("flag", "anna", [1, 2, 3, 4])


def test_history_of_no_item_is_an_error(run: Run) -> None:
    """There is no item 99, and the line says so."""
    done = run("history", 99)
    assert done.returncode == 1
    assert "There is no item 99." in done.stderr


def test_report_writes_one_file_and_prints_the_same(run: Run, studio: Studio) -> None:
    """Without --out it lies in work/reports under its date; what is printed ends with its name."""
    done = run("report")
    assert done.returncode == 0, done.stderr
    (written,) = (studio.settings.work / "reports").iterdir()
    assert done.stdout.rstrip().endswith(written.name)
    assert "\x1b" not in done.stdout
    page = written.read_text(encoding="utf-8")
    assert "&lt;b&gt;.jpg" in page and "<b>" not in page
    elsewhere = studio.root / "mine.html"
    assert run("report", "--since", "12h", "--out", elsewhere).returncode == 0
    assert elsewhere.is_file()


def test_report_as_text_writes_nothing(run: Run, studio: Studio) -> None:
    """With --text it is printed only, and a file to write it to is refused."""
    assert run("report", "--text", "--out", studio.root / "mine.html").returncode == 2
    done = run("report", "--text", "--since", "2020-01-01")
    assert done.returncode == 0
    assert "Items by status" in done.stdout
    assert not (studio.settings.work / "reports").exists()


@pytest.mark.parametrize("since", ["tomorrow", "2999-01-01", "0001-01-01", "-1h", "999999h", ""])
def test_a_since_that_means_nothing_is_refused(run: Run, since: str) -> None:
    """A time that is none, or not in the past, ends with 2 and one line that names the option."""
    done = run("report", f"--since={since}")
    assert done.returncode == 2
    assert "--since" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_since_that_is_still_to_come_is_said_to_be(run: Run) -> None:
    """Who mistypes a year reads that the time lies in the future."""
    assert "lies in the future" in run("report", "--since=2999-01-01").stderr
    assert "future" not in run("report", "--since=999999h").stderr


def test_a_report_that_cannot_be_written_is_said(run: Run, studio: Studio) -> None:
    """A folder that is not there is one line with what to do."""
    done = run("report", "--out", studio.root / "none" / "report.html")
    assert done.returncode == 1
    assert "--out" in done.stderr
    assert done.stderr.count("\n") == 1
