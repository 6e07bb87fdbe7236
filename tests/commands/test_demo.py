"""`studiod demo`: the whole product on bundled samples, by one command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from studiod.settings import load_settings


def studiod(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Runs a command."""
    command = [sys.executable, "-m", "studiod", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=580)


@pytest.mark.timeout(900)
def test_the_demo_shows_all_of_it_and_can_be_run_again(tmp_path: Path) -> None:
    """Some pieces leave, some wait: the dear one however low its risk. A second run adds nothing."""
    folder = tmp_path / "demo studio"
    first = studiod("demo", "--dir", folder)
    assert first.returncode == 0, first.stdout + first.stderr
    items = {item["sku"]: item for item in read(folder)}
    assert len(items) == 7
    assert {item["status"] for item in items.values()} == {"delivered", "awaiting_review"}
    limit = load_settings(folder / "studiod.toml").qa.auto_approve_below
    assert limit is not None
    for item in items.values():
        leaves = not item["mandatory"] and item["risk"] < limit
        assert item["status"] == ("delivered" if leaves else "awaiting_review"), item
    dear, edge, unknown = items["BROOCH-2102"], items["CHAIN-0002"], items[None]
    assert (dear["price"], dear["mandatory"]) == ("4250.00", True)
    assert (edge["price"], edge["mandatory"]) == ("1000.00", False)
    assert (unknown["price"], unknown["mandatory"]) == (None, True)
    for item in items.values():
        assert item["files"][0].rpartition("/")[2] in first.stdout
        assert all(Path(path).is_file() for path in item["output"])
        assert bool(item["output"]) == (item["status"] == "delivered")
    assert "studiod-review --config" in first.stdout
    with Image.open(folder / "contact-sheet.png") as sheet:
        assert sheet.height > sheet.width > 1000
    again = studiod("demo", "--dir", folder)
    assert again.returncode == 0, again.stderr
    assert read(folder) == list(items.values())


def test_the_demo_leaves_a_studio_of_your_own_alone(tmp_path: Path) -> None:
    """In a folder that holds anything else it is refused, and nothing is written there."""
    (tmp_path / "mine.txt").write_text("mine")
    done = studiod("demo", "--dir", tmp_path)
    assert done.returncode == 1
    assert "--dir" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    own = tmp_path / "own"
    assert studiod("init", own).returncode == 0
    before = sorted(own.rglob("*"))
    assert studiod("demo", "--dir", own).returncode == 1
    assert sorted(own.rglob("*")) == before


def read(folder: Path) -> list[dict[str, Any]]:
    """The items of the demo's studio."""
    done = studiod("list", "--json", "--config", folder / "studiod.toml")
    items: list[dict[str, Any]] = json.loads(done.stdout)
    return items
