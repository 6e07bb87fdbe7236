from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from studiod.risk.calibration import load_calibration
from studiod.risk.studio import Adjustment, as_json, list_adjustments, next_version, studio_calibration
from tests.risk import pieces

SHIPPED = load_calibration().version


def write(folder: Path, adjustment: Adjustment) -> None:
    (folder / f"{adjustment.version}.json").write_bytes(as_json(adjustment))


def test_an_adjustment_moves_the_logit() -> None:
    """By hand: 0.5 has logit 0, so slope 2 and offset 1 make it 1 / (1 + exp(-1)); undone it is 0.5 again."""
    adjustment = Adjustment("studio-1", SHIPPED, 2.0, 1.0, 100)
    moved = adjustment.apply(np.array([0.5]))
    assert moved[0] == pytest.approx(1 / (1 + np.exp(-1)))
    assert adjustment.undo(moved)[0] == pytest.approx(0.5)


def test_without_its_own_a_studio_uses_the_shipped_calibration(tmp_path: Path) -> None:
    """No folder, or nothing in it, is the shipped calibration."""
    assert studio_calibration(tmp_path / "none").version == SHIPPED
    assert next_version(tmp_path) == "studio-1"


def test_the_newest_that_fits_is_in_force(tmp_path: Path) -> None:
    """studio-10 comes after studio-9; one made from another shipped calibration is not used."""
    for number in (9, 10):
        write(tmp_path, Adjustment(f"studio-{number}", SHIPPED, 1.0, float(number), 100))
    write(tmp_path, Adjustment("studio-11", "another", 1.0, 0.0, 100))
    assert studio_calibration(tmp_path).version == "studio-10"
    assert [each.version for each in list_adjustments(tmp_path)] == ["studio-9", "studio-10", "studio-11"]
    assert next_version(tmp_path) == "studio-12"


def test_the_studio_s_probability_is_the_shipped_one_adjusted(tmp_path: Path) -> None:
    """What the judges say is moved as the adjustment moves it."""
    adjustment = Adjustment("studio-1", SHIPPED, 0.5, -1.0, 100)
    write(tmp_path, adjustment)
    said = np.linspace(0.01, 0.99, 20)
    assert studio_calibration(tmp_path).adjust(said) == pytest.approx(adjustment.apply(said))
    assert load_calibration().adjust(said) == pytest.approx(said)


def test_what_scored_a_piece_is_recorded_with_it(tmp_path: Path) -> None:
    """The risk names the studio's calibration that judged it."""
    from studiod.risk import assess

    write(tmp_path, Adjustment("studio-1", SHIPPED, 1.0, 0.0, 100))
    piece, _ = pieces.ring()
    risk = assess(piece.photo, piece.background, piece.alpha, calibration=studio_calibration(tmp_path))
    assert risk.as_json()["calibration"] == "studio-1"
