from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from studiod.__main__ import app
from studiod.errors import StudioError
from studiod.evaluate.measures import CHAIN, METAL, PRONG, STONE, score_matte
from studiod.evaluate.probes import Chain, Probes, covered_failures, score_probes
from studiod.evaluate.report import risk_groups
from studiod.evaluate.running import Result
from studiod.evaluate.summaries import summarise
from studiod.risk.figures import area_under_curve, calibration_error, wilson
from studiod.risk.findings import Finding, Risk

WEIGHTS = Path(__file__).parent / "models" / "u2netp.onnx"


@pytest.fixture
def piece() -> tuple[np.ndarray, np.ndarray, list[dict[str, object]]]:
    """A metal frame with a hole, a stone, a prong and a chain to the border; coverage, parts and prongs."""
    parts = np.zeros((120, 160), np.uint8)
    parts[30:90, 30:90] = METAL
    parts[45:75, 45:75] = 0
    parts[35:55, 100:120] = STONE
    parts[28:35, 105:112] = PRONG
    parts[60:64, 90:150] = CHAIN
    return (parts > 0).astype(np.float32), parts, [{"x": 108.0, "y": 31.0, "px": 7.0, "visible": True}]


def test_the_exact_matte_is_usable(piece: tuple) -> None:
    """Nothing is lost by the exact matte."""
    true, parts, prongs = piece
    score = score_matte(true, true, parts, prongs)
    assert score.usable and not score.damaged
    assert (score.chain_kept, score.stone_kept, score.metal_kept) == (1, 1, 1)
    assert (score.prongs, score.holes, score.mae, score.spill) == (1, 1, 0, 0)


def test_each_loss_is_counted(piece: tuple) -> None:
    """A cut chain, a lost prong, an eaten stone and a filled hole each count as one, and damage."""
    true, parts, prongs = piece
    cut, bald, eaten, filled = (true.copy() for _ in range(4))
    cut[:, 115:130] *= parts[:, 115:130] != CHAIN
    bald[parts == PRONG] = 0
    eaten[parts == STONE] *= 0.9
    filled[45:75, 45:75] = 1
    scores = [score_matte(alpha, true, parts, prongs) for alpha in (cut, bald, eaten, filled)]
    assert scores[0].chain_breaks == 1 and scores[0].chain_kept == pytest.approx(45 / 60)
    assert scores[1].prongs_lost == 1
    assert scores[2].stone_kept == pytest.approx(0.9)
    assert scores[3].holes_filled == 1
    assert all(score.damaged and not score.usable for score in scores)


def test_spill_and_edge_make_a_picture_unusable_but_not_damaged(piece: tuple) -> None:
    """Coverage far from the piece is spill; a picture with 3 % of it cannot go out, yet nothing is lost."""
    true, parts, prongs = piece
    spilt = true.copy()
    spilt[100:112, 10:20] = 1
    score = score_matte(spilt, true, parts, prongs)
    assert score.spill == pytest.approx(120 / true.sum())
    assert not score.usable and not score.damaged


def test_a_prong_beyond_the_frame_or_hidden_does_not_count(piece: tuple) -> None:
    """Only visible prongs that lie wholly within the picture are judged."""
    true, parts, prongs = piece
    more = [*prongs, {"x": 0.0, "y": 31.0, "px": 7.0}, {"x": 108.0, "y": 31.0, "px": 7.0, "visible": False}]
    assert score_matte(true, true, parts, more).prongs == 1


def test_probes_follow_keeps_clears_and_chains() -> None:
    """A keep below 0.9, a clear above 0.1 and eight chain steps without alpha are failures, with places."""
    alpha = np.zeros((50, 100), np.float32)
    alpha[20:30, :40] = 1
    alpha[20:30, 60:] = 1
    probes = Probes(
        keep=((10, 25, "metal"), (50, 25, "chain")),
        clear=((50, 5, "hole"), (80, 25, "loop")),
        chains=(Chain(((5, 25), (95, 25)), radius=2),),
    )
    score = score_probes(probes, alpha)
    assert score.lost == ((50, 25, "chain"),) and score.left == ((80, 25, "loop"),)
    assert score.chain_steps == 91 and len(score.breaks) == 1 and abs(score.breaks[0][0] - 50) <= 1
    assert not score.clean and score_probes(Probes(keep=((10, 25, "metal"),)), alpha).clean


def test_a_failure_is_covered_by_a_fitting_finding_alone() -> None:
    """A lost keep lies in the box of a gap; a kept hole in the box of a gap is not told of."""
    probes = Probes(keep=((5, 5, "metal"), (30, 30, "metal")), clear=((8, 8, "hole"),))
    alpha = np.zeros((40, 40), np.float32)
    alpha[7:10, 7:10] = 1
    finding = Finding("chain_gap", (0, 0, 10, 10), (5, 5), 0.9, "A gap.")
    assert covered_failures(score_probes(probes, alpha), [finding]) == (1, 3)


def test_intervals_hold_the_figure(piece: tuple) -> None:
    """A figure lies within its interval, and what no picture has is None."""
    true, parts, _ = piece
    scores = [score_matte(true * share, true, parts, []) for share in (1.0, 0.99, 0.5)]
    figures = summarise(scores)
    assert figures["prongs_lost"].value is None
    for figure in figures.values():
        assert figure.value is None or figure.low - 1e-9 <= figure.value <= figure.high + 1e-9
    assert wilson(0, 10)[0] == 0 and wilson(10, 10)[1] == 1


def test_ranking_and_calibration_figures() -> None:
    """A perfect ranking has area 1, ties a half; a score is wrong by how far it lies from the share."""
    truth = np.array([0.0, 0.0, 1.0, 1.0])
    assert area_under_curve(np.array([0.1, 0.2, 0.8, 0.9]), truth) == 1
    assert area_under_curve(np.full(4, 0.3), truth) == 0.5
    half = np.tile([0.0, 1.0], 20)
    assert calibration_error(np.full(40, 0.5), half) == 0
    assert calibration_error(np.full(40, 0.3), half) == pytest.approx(0.2)


def test_risk_is_told_by_reason_kind_and_look(piece: tuple) -> None:
    """A picture with a broken chain stands with the sound ones under its reason, its kind and its look."""
    true, parts, prongs = piece
    cut = true * (parts != CHAIN)
    scores = [score_matte(alpha.astype(np.float32), true, parts, prongs) for alpha in (true, cut)]
    results = [
        Result(f"ring_{n}", "ring", "dark", "studiod", score, 0.1, Risk(0.2 + 0.6 * n, (), "test"))
        for n, score in enumerate(scores)
    ]
    groups = {title: [result.picture for result in mine] for title, mine in risk_groups(results)}
    assert groups["reason: chain broken"] == groups["kind: ring"] == groups["look: dark"]
    assert groups["all"] == ["ring_0", "ring_1"] and groups["reason: spill"] == ["ring_0"]


def test_the_command_measures_ours_beside_a_peer(tmp_path: Path, piece: tuple) -> None:
    """One run gives both models' figures, mattes that score the same again, plots, a sheet and JSON."""
    true, parts, prongs = piece
    folder, out = tmp_path / "set", tmp_path / "out"
    folder.mkdir()
    photo = np.full((*true.shape, 3), 205.0)
    photo[true > 0] = (150, 110, 40)
    Image.fromarray(photo.astype(np.uint8)).save(folder / "ring_1.png")
    Image.fromarray((true * 255).astype(np.uint8)).save(folder / "ring_1_alpha.png")
    Image.fromarray(parts).save(folder / "ring_1_parts.png")
    record = {"kind": "ring", "seed": 1, "look": "studio", "prongs": prongs}
    (folder / "ring_1.json").write_text(json.dumps(record))
    probes = {
        "ring_1.png": {"width": 160, "height": 120, "keep": [[35, 35, "metal"]], "clear": [[5, 5, "hole"]]}
    }
    (folder / "probes.json").write_text(json.dumps(probes))
    asked = ["evaluate", str(folder), "--peer", str(WEIGHTS), "--out", str(out)]
    result = CliRunner().invoke(
        app, [*asked, "--probes", str(folder / "probes.json")], catch_exceptions=False
    )
    assert result.exit_code == 0
    found = json.loads((out / "evaluation.json").read_text())
    assert set(found["summary"]["all"]) == {"studiod", "u2netp"}
    saved = np.asarray(Image.open(out / "mattes" / "studiod" / "ring_1_alpha.png"), np.float32) / 255
    again = score_matte(saved, true, parts, prongs)
    ours = next(row for row in found["pictures"] if row["model"] == "studiod")
    assert ours["edge_mae"] == pytest.approx(again.edge_mae) and 0 <= ours["risk"]["score"] <= 1
    assert found["probes"]["summary"]["u2netp"]["pictures"] == 1
    assert all((out / name).stat().st_size > 0 for name in ("measures.png", "risk.png", "worst.jpg"))


def test_a_folder_without_truth_is_an_error(tmp_path: Path) -> None:
    """A folder without known mattes is named in the error."""
    result = CliRunner().invoke(app, ["evaluate", str(tmp_path)])
    assert result.exit_code != 0 and str(tmp_path) in str(result.exception)


@pytest.mark.parametrize("broken", ["record", "seed", "no parts", "size", "probes", "places"])
def test_a_broken_set_is_told_before_anything_is_measured(tmp_path: Path, piece: tuple, broken: str) -> None:
    """A record that is none, parts that are missing or of another size, and broken probes are named."""
    true, parts, _ = piece
    probes = {"probes": "[", "places": '{"a.png": {"keep": [[5, 5]]}}'}.get(broken)
    Image.new("RGB", (160, 120)).save(tmp_path / "a.png")
    Image.fromarray((true * 255).astype(np.uint8)).save(tmp_path / "a_alpha.png")
    Image.fromarray(parts[:-1] if broken == "size" or probes else parts).save(tmp_path / "a_parts.png")
    (tmp_path / "a.json").write_text({"record": "{", "seed": '{"seed": "x"}'}.get(broken, "{}"))
    if broken == "no parts":
        (tmp_path / "a_parts.png").unlink()
    more = []
    if probes is not None:
        (tmp_path / "probes.txt").write_text(probes)
        more = ["--probes", str(tmp_path / "probes.txt")]
    result = CliRunner().invoke(app, ["evaluate", str(tmp_path), *more])
    assert isinstance(result.exception, StudioError)
    name = "a.json" if broken in ("record", "seed") else "a_alpha.png" if probes is None else "probes.txt"
    assert str(tmp_path / name) in result.exception.message
