"""Fitting the judges: what they learn from measurements with a known truth."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from studiod.evaluate.fitting import calibrate_judge, cross_fit, fit_trees, trees_of
from studiod.imaging.types import Values
from studiod.risk.calibration import Calibration, Trees, calibration_bytes, load_calibration
from studiod.risk.figures import area_under_curve, calibration_error

fits = pytest.mark.skipif(find_spec("sklearn") is None, reason="fits need the extra `train`")


def measurements(seed: int, count: int = 4000) -> tuple[Values, Values, Values]:
    """Three measurements, the true probabilities (bent in the first, none of the third), and outcomes."""
    random = np.random.default_rng(seed)
    rows = random.normal(0, 1, (count, 3)) * (1, 10, 100) + (0, 50, 0)
    probability = 1 / (1 + np.exp(-(2 * np.abs(rows[:, 0]) - 1.5 + 0.1 * (rows[:, 1] - 50))))
    return rows, probability, (random.random(count) < probability).astype(np.float64)


def test_a_set_that_is_not_there_is_said_in_a_line(tmp_path: Path) -> None:
    """Who mistypes a folder of pictures reads its name and what to do, not a traceback."""
    command = [sys.executable, "-m", "studiod.evaluate.fitting", str(tmp_path / "none")]
    for name in ("--cache", "--general", "--out"):
        command += [name, str(tmp_path / "there")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and "none is no folder. Name one that holds pictures" in done.stderr


@fits
def test_a_judge_learns_a_bent_rule_and_says_probabilities() -> None:
    """A calibrated judge ranks unseen rows as their true probabilities do and means what it says."""
    rows, _, truth = measurements(1)
    held, _, held_truth = measurements(2)
    judge = fit_trees(rows, truth, np.ones(len(rows)))
    judge = calibrate_judge(judge, judge(held), held_truth)
    tests, probability, outcomes = measurements(3)
    score = judge(tests)
    best = area_under_curve(probability, outcomes)
    assert best - 0.02 < area_under_curve(score, outcomes) <= best + 0.01
    assert calibration_error(score, outcomes) < 0.04
    assert np.abs(score - probability).mean() < 0.06


@fits
def test_calibration_takes_back_overconfidence() -> None:
    """A judge whose logits are three times too large gets a slope of a third."""
    rows, _, truth = measurements(1)
    judge = fit_trees(rows, truth, np.ones(len(rows)))
    loud = replace(judge, value=3 * judge.value, base=3 * judge.base)
    calm, held = (calibrate_judge(each, each(rows), truth) for each in (judge, loud))
    assert held.slope == pytest.approx(calm.slope / 3, rel=0.05)


@fits
def test_a_cross_fitted_score_knows_nothing_of_its_own_piece() -> None:
    """Measurements that tell pieces apart and nothing else rank unseen pieces no better than chance."""
    random = np.random.default_rng(4)
    folds = np.repeat(np.arange(5), 100)
    outcome = random.integers(0, 2, 20)
    truth = np.repeat(outcome, 25).astype(np.float64)
    rows = np.repeat(random.normal(size=(20, 8)), 25, axis=0)
    judge, score = cross_fit(rows, truth, np.ones(500), folds, np.ones(500, np.bool_), fit_trees)
    assert area_under_curve(judge(rows), truth) > 0.95
    assert area_under_curve(score, truth) < 0.7


@fits
def test_a_row_of_weight_none_is_judged_and_not_learnt_from() -> None:
    """However wrong the truth of such rows, the judge is the one that never met them; they get a score."""
    rows, _, truth = measurements(1, 2000)
    folds, weight = np.arange(2000) % 5, np.where(np.arange(2000) < 500, 0.0, 1.0)
    wrong = np.where(weight > 0, truth, 1 - truth)
    judges, scores = zip(
        *(cross_fit(rows, each, weight, folds, weight > 0, fit_trees) for each in (truth, wrong)), strict=True
    )
    np.testing.assert_array_equal(*(judge(rows) for judge in judges))
    assert np.corrcoef(scores[1][:500], truth[:500])[0, 1] > 0.2


@fits
def test_a_row_of_weight_three_counts_as_three() -> None:
    """Fitted with weights, the trees say what they say of rows that stand there that many times."""
    rows, _, truth = measurements(1, 1000)
    often = np.repeat(np.arange(1000), np.where(np.arange(1000) < 300, 3, 1))
    weight = np.where(np.arange(1000) < 300, 3.0, 1.0)
    tests, _, _ = measurements(3, 200)
    weighed, repeated = (
        fit_trees(rows, truth, weight)(tests),
        fit_trees(rows[often], truth[often], np.ones(len(often)))(tests),
    )
    assert np.corrcoef(weighed, repeated)[0, 1] > 0.9


def stump() -> Trees:
    """Two trees: over 1 of the first measurement adds 2; at most 5 of the second, and over 1, adds 1."""
    return Trees(
        feature=np.array([[0, -1, -1, -1, -1], [1, 0, -1, -1, -1]]),
        threshold=np.array([[1.0, 0, 0, 0, 0], [5.0, 1.0, 0, 0, 0]]),
        below=np.array([[1, -1, -1, -1, -1], [1, 3, -1, -1, -1]]),
        above=np.array([[2, -1, -1, -1, -1], [2, 4, -1, -1, -1]]),
        value=np.array([[9.0, 0, 2, 0, 0], [9.0, 9, 0, 0, 1]]),
        base=-1.0, slope=2.0, offset=0.5,
    )  # fmt: skip


def test_trees_are_walked_to_their_ends() -> None:
    """Each tree ends in one value; their sum, the base, slope and offset are the logit."""
    logits = np.array([-1.0, 1.0, 2.0]) * 2 + 0.5
    rows = np.array([[1.0, 5.0], [1.5, 5.1], [1.5, 5.0]])
    np.testing.assert_allclose(stump()(rows), 1 / (1 + np.exp(-logits)))


@fits
def test_fitted_trees_say_what_the_library_says() -> None:
    """Trees that scikit-learn has grown, walked as our arrays, give its own probabilities."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    rows, _, truth = measurements(1, 2000)
    model = HistGradientBoostingClassifier(max_iter=30).fit(rows, truth)
    tests, _, _ = measurements(3, 500)
    np.testing.assert_allclose(trees_of(model)(tests), model.predict_proba(tests)[:, 1], atol=1e-9)


@fits
def test_a_rising_measurement_never_lowers_the_probability() -> None:
    """However the outcomes scatter, along a measurement that is to rise the score never falls."""
    rows, _, truth = measurements(1)
    trees = fit_trees(rows, truth, np.ones(len(rows)), rising=[1])
    tests, _, _ = measurements(3, 50)
    along = [trees(np.column_stack([tests[:, 0], np.full(50, at), tests[:, 2]])) for at in range(20, 81, 5)]
    assert (np.diff(along, axis=0) >= 0).all() and (along[-1] > along[0]).any()


def test_a_calibration_survives_its_file(tmp_path: Path) -> None:
    """Written and read again, every judge answers alike to 1e-3."""
    rows, _, _ = measurements(1, 500)
    path = tmp_path / "calibration.npz"
    path.write_bytes(
        calibration_bytes(
            Calibration(
                "made-1",
                loss=stump(),
                leftover=replace(stump(), base=0.5),
                stretch=replace(stump(), offset=1.0),
                missing=replace(stump(), offset=2.0),
                picture=replace(stump(), slope=3.0),
            )
        )
    )
    again = load_calibration(path)
    assert again.version == "made-1"
    np.testing.assert_allclose(again.loss(rows), stump()(rows), atol=1e-6)
    np.testing.assert_allclose(again.stretch(rows), replace(stump(), offset=1.0)(rows), atol=1e-6)
    np.testing.assert_allclose(again.missing(rows), replace(stump(), offset=2.0)(rows), atol=1e-6)
    np.testing.assert_allclose(again.picture(rows), replace(stump(), slope=3.0)(rows), atol=1e-6)
