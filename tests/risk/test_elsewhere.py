"""Pieces set elsewhere, and what is said of the risk on them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from studiod.evaluate.elsewhere import set_elsewhere
from studiod.evaluate.fit_report import report_findings
from studiod.evaluate.lessons import Lesson, study_picture
from studiod.evaluate.measures import METAL, PRONG, score_matte
from studiod.evaluate.sets import Truth
from studiod.risk.findings import Finding
from tests.risk import pieces

MODEL = Path(__file__).parents[1] / "models" / "u2netp.onnx"


def saved(folder: Path, name: str, plate: int, step: int = 1) -> Truth:
    """The drawn ring as a picture of a set, on paper of one grey, with one prong on record.

    It is made of every `step`th pixel.
    """
    piece, tips = pieces.ring()
    x, y = tips[5]
    parts = np.where(piece.alpha > 0, METAL, 0).astype(np.uint8)
    parts[pieces.dot(x, y, 7) > 0] = PRONG
    foreground = (piece.alpha[..., None] * (200, 160, 60)).astype(np.uint8)
    layers = {
        ".png": np.full((*pieces.SIZE, 3), plate, np.uint8), "_alpha.png": np.round(piece.alpha * 255),
        "_parts.png": parts, "_fg.png": foreground, "_plate.jpg": np.full((*pieces.SIZE, 3), plate),
    }  # fmt: skip
    for ending, values in layers.items():
        Image.fromarray(values[::step, ::step].astype(np.uint8)).save(folder / f"{name}{ending}")
    prong = {"x": x / step, "y": y / step, "px": 12.0 / step}
    return Truth(
        name, folder / f"{name}.png", folder / f"{name}_alpha.png", folder / f"{name}_parts.png",
        folder / f"{name}_plate.jpg", "other", "studio", 0, (prong,),
    )  # fmt: skip


def test_a_piece_elsewhere_keeps_its_matte_and_prongs(tmp_path: Path) -> None:
    """Cut to its box and laid on another plate, the piece is whole and its prong lies where it is drawn."""
    truth, other = saved(tmp_path, "ring", 230), saved(tmp_path, "other", 120)
    set_up = set_elsewhere(truth, [other], 0)
    exact = set_up.exact
    assert set_up.truth.name == "ring@0" and set_up.photo.shape[:2] == exact.alpha.shape
    assert exact.alpha.sum() == pytest.approx(pieces.ring()[0].alpha.sum(), rel=1e-3)
    assert score_matte(exact.alpha, exact.alpha, exact.parts, exact.prongs).prongs == 1
    x, y = (round(float(exact.prongs[0][axis])) for axis in "xy")
    assert exact.parts[y, x] == PRONG
    beside = exact.alpha < 0.01
    assert np.median(set_up.photo[beside]) < 0.6


def test_every_number_is_another_picture_and_always_the_same(tmp_path: Path) -> None:
    """The same number gives the same pixels; another number gives others."""
    truth = saved(tmp_path, "ring", 230)
    first, again, second = (set_elsewhere(truth, [truth], number).photo for number in (0, 0, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - second).mean() > 1e-3


def test_odd_numbers_are_close_ups(tmp_path: Path) -> None:
    """Enlarged at least to 1200 px (at most four times), with the coverage and the prong enlarged alike."""
    truth = saved(tmp_path, "ring", 230)
    plain, close = (set_elsewhere(truth, [truth], number) for number in (0, 1))
    length, wide = (max(each.exact.alpha.shape) for each in (plain, close))
    scale = wide / length
    assert 1200 <= wide <= 2600 and scale <= 4.1
    assert close.exact.alpha.sum() == pytest.approx(scale**2 * plain.exact.alpha.sum(), rel=0.02)
    assert close.exact.prongs[0]["px"] == pytest.approx(12 * scale, rel=0.02)
    x, y = (round(float(close.exact.prongs[0][axis])) for axis in "xy")
    assert close.exact.parts[y, x] == PRONG


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> tuple[Truth, Path, list[Lesson]]:
    """The ring, small, where its lessons are kept, and these."""
    folder = tmp_path_factory.mktemp("set")
    truth, cache = saved(folder, "ring", 230, step=3), folder / "cache"
    return truth, cache, study_picture(truth, [truth], cache, MODEL)


def test_lessons_are_kept_and_hold_the_truth(studied: tuple[Truth, Path, list[Lesson]]) -> None:
    """Every matte of a test piece is studied once; the exact one is usable, and nothing is cut from it."""
    truth, cache, lessons = studied
    exact = next(lesson for lesson in lessons if lesson.source == "exact")
    assert exact.score.usable and exact.at_home and not exact.lost.any() and not exact.gaps
    abroad = [lesson for lesson in lessons if not lesson.at_home]
    assert len(abroad) == 4 and all(lesson.shipped for lesson in abroad)
    stamps = {path: path.stat().st_mtime_ns for path in cache.rglob("*.pickle")}
    again = study_picture(truth, [truth], cache, MODEL)
    assert [lesson.score for lesson in again] == [lesson.score for lesson in lessons]
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*.pickle")} == stamps


def test_a_gap_is_told_where_a_box_of_a_loss_covers_its_middle(
    studied: tuple[Truth, Path, list[Lesson]],
) -> None:
    """Of two gaps one lies in a finding of a loss; a left-over beside the other tells nothing of it."""
    _, _, (first, *_) = studied
    lesson = replace(first, gaps=((10, 10, 20, 20), (50, 50, 60, 60)))
    findings = [
        Finding("chain_gap", (8, 8, 22, 22), (15, 15), 0.9, "A gap.", {}),
        Finding("hole_filled", (40, 40, 70, 70), (55, 55), 0.9, "A hole.", {}),
    ]
    console = Console(record=True, width=200)
    report_findings(console, [lesson], [findings])
    assert "of 2 chain gaps and lost prongs 50.0% are told" in console.export_text()
