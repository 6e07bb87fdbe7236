"""`studiod calibrate` on a real ledger of a studio's decisions."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner, Result

from studiod.__main__ import app
from studiod.ledger import queue, review
from studiod.risk.calibration import load_calibration
from tests.ledger.conftest import ANNA, new_studio
from tests.looking import made_up

if TYPE_CHECKING:
    from tests.conftest import Studio

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ledger of a month: policy let 36 pieces of risk .03 go, people judged 64.

    Of risk .03 they saw four (audited), all usable; of .6 thirty, 26 usable; of .9 thirty, none usable.
    """
    database = tmp_path_factory.mktemp("month") / "studiod.db"
    shop = new_studio(database)
    risk_json = json.dumps({"calibration": load_calibration().version, "findings": []})
    pieces = [(0.03, None)] * 36 + [(0.03, True)] * 4
    pieces += [(0.6, number >= 4) for number in range(30)] + [(0.9, False)] * 30
    for number, (risk, usable) in enumerate(pieces):
        item = shop.add(f"P-{number}.jpg", sku=f"P-{number}")
        claimed = queue.claim(shop.ledger, "w1", 60)
        assert claimed is not None
        made = made_up(claimed, risk=risk, risk_json=risk_json)
        queue.finish(shop.ledger, claimed, made, approve_by_policy=usable is None)
        if usable:
            shop.approve(item)
        elif usable is not None:
            review.flag(shop.ledger, item, 1, ANNA, reasons=("chain_gap",))
    shop.ledger.close()
    return database


@pytest.fixture
def run(studio: Studio, month: Path) -> Run:
    """`studiod calibrate` in a studio whose ledger is that of the month."""
    shutil.copyfile(month, studio.settings.database)

    def calibrate(*arguments: str) -> Result:
        command = ["calibrate", *arguments, "--config", str(studio.file)]
        return CliRunner().invoke(app, command, catch_exceptions=False)

    return calibrate


def test_few_decisions_propose_nothing_and_change_nothing(run: Run, studio: Studio) -> None:
    """Four audited pieces cannot show one in a hundred: it says how many it takes, and writes nothing."""
    told = " ".join(run().output.split())
    assert "64 pieces were judged by a person (34 not usable as they stood), 36 left by policy" in told
    assert "No limit is proposed" in told and "too few" in told
    assert not studio.settings.calibrations.exists()


def test_where_nobody_judged_no_rates_are_shown(run: Run, studio: Studio) -> None:
    """A new studio reads one sentence in place of a table of zeros."""
    studio.settings.database.unlink()
    new_studio(studio.settings.database).ledger.close()
    told = " ".join(run().output.split())
    assert "Nobody has judged a piece yet: no limit has a rate." in told
    assert "judged below" not in told and "No limit is proposed" in told


def test_audited_pieces_stand_for_the_unseen(run: Run) -> None:
    """Below .7 stand 40 of risk .03, four of them seen, and 30 of .6: 4 of 70 are not usable, 5.7 %."""
    lines = [line.split() for line in run().output.splitlines()]
    assert next(line for line in lines if line[:1] == ["0.7"])[:3] == ["0.7", "34", "5.7%"]


def test_applying_writes_a_version_and_keeps_the_ones_before(run: Run, studio: Studio) -> None:
    """--apply writes studio-1, which is in force from then on; again, studio-2 beside it."""
    first = run("--apply")
    assert "studio-1" in first.output
    one = studio.settings.calibrations / "studio-1.json"
    content = one.read_bytes()
    assert json.loads(content)["made_from"] == load_calibration().version
    assert "Calibration in force: studio-1, 1 of your own" in run().output
    assert "studio-2" in run("--apply").output and one.read_bytes() == content
