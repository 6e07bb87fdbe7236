"""Fit the risk: `python -m studiod.evaluate.fitting SET --general MODEL.onnx --cache DIR --out FILE`.

Learns on many mattes of each picture of the split's parts `train` and `calibrate`, calibrates on pieces
that a judge was not fitted on, and reports on `test`. What was made and measured is kept in DIR: broken
off, it goes on where it was; with new weights only what these change is made anew.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import pickle
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import repeat
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from studiod import risk
from studiod.evaluate.mattes import Studied, list_sources, make_matte, open_studied
from studiod.evaluate.measures import Floats, score_matte
from studiod.evaluate.sets import Truth, list_truths, part_of
from studiod.imaging.files import write_whole
from studiod.risk.calibration import Judge
from studiod.risk.candidates import LEFTOVER_FEATURES, Candidate
from studiod.risk.examination import Examination, examine, judge_candidates, measure_picture
from studiod.risk.figures import area_under_curve, calibration_error, fit_logistic

Values = NDArray[np.float64]

_LOST_SHARE, _KEPT_SHARE = 0.4, 0.3
_FOLDS = 5


@dataclass(frozen=True)
class Lesson:
    """One matte: where it came from, its examination, the truth of its candidates and of the picture."""

    name: str
    source: str
    part: str
    seen: Examination
    lost: Values
    left: Values
    usable: bool


def study_picture(truth: Truth, cache: Path, general: Path) -> list[Lesson]:
    """Lessons from every matte of one picture, kept in `cache` for as long as mattes and evidence stay.

    `general` is the ONNX file of a general background remover, whose mattes are among them."""
    cv2.setNumThreads(1)
    studied: Studied | None = None
    lessons = []
    for source in list_sources(general):
        path = cache / "lessons" / _code_hash() / truth.name / f"{source}.pickle"
        if path.exists():
            lessons.append(pickle.loads(path.read_bytes()))
            continue
        studied = studied or open_studied(truth)
        lesson = _study_matte(studied, source, make_matte(studied, source, cache / "mattes", general))
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, [pickle.dumps(lesson)])
        lessons.append(lesson)
    return [lesson for lesson in lessons if lesson is not None]


def _study_matte(studied: Studied, source: str, alpha: Floats) -> Lesson | None:
    """What one matte teaches; None where it covers nothing."""
    if float((alpha >= 0.5).mean()) < 2e-5:
        return None
    exact, truth = studied.exact, studied.truth
    seen = examine(studied.photo, studied.background, alpha)
    missing = np.maximum(exact.alpha - alpha, 0)
    lost = [_mean(missing, seen, c) > _LOST_SHARE for c in seen.losses]
    left = [_mean(exact.alpha, seen, c) < _KEPT_SHARE for c in seen.leftovers]
    score = score_matte(alpha, exact.alpha, exact.parts, exact.prongs)
    return Lesson(
        truth.name, source, part_of(truth), _slim(seen), np.array(lost, np.float64),
        np.array(left, np.float64), score.usable,
    )  # fmt: skip


@lru_cache(maxsize=1)
def _code_hash() -> str:
    """Changes whenever what is measured does: a lesson of older code is not used again."""
    names = ("candidates", "conditions", "edges", "evidence", "examination")
    code = [(Path(risk.__file__).parent / f"{name}.py").read_bytes() for name in names]
    return hashlib.sha256(b"".join(code)).hexdigest()[:12]


def _mean(values: Floats, seen: Examination, candidate: Candidate) -> float:
    left, top, right, bottom = candidate.box
    x, y = seen.evidence.origin
    return float(values[y + top : y + bottom, x + left : x + right][candidate.region].mean())


def _slim(seen: Examination) -> Examination:
    """The examination without its large arrays, so that a whole set's fit in memory."""
    nothing = np.zeros((1, 1), np.float32)
    evidence = replace(
        seen.evidence,
        alpha=nothing,
        covered=nothing > 0,
        difference=nothing,
        lightness=nothing,
        colour=nothing,
        slope=nothing,
    )
    empty = np.zeros((0, 0), np.bool_)
    losses, leftovers = (
        tuple(replace(place, region=empty) for place in places) for places in (seen.losses, seen.leftovers)
    )
    return replace(seen, evidence=evidence, losses=losses, leftovers=leftovers)


def fit_judge(measured: Values, truth: Values, width: int, decay: float) -> Judge:
    """A one-layer network fitted by Adam on the whole batch; uncalibrated (slope 1, offset 0)."""
    random = np.random.default_rng(5)
    mean, deviation = measured.mean(axis=0), measured.std(axis=0)
    deviation = np.where(deviation > 1e-9, deviation, 1e9)  # a constant one says nothing
    inputs = ((measured - mean) / deviation).clip(-3, 3)
    shapes = [(inputs.shape[1], width), (width,), (width,), ()]
    values = [random.normal(0, 0.3 / np.sqrt(max(shape[:1] or (1,))), shape) for shape in shapes]
    first, second = [np.zeros(shape) for shape in shapes], [np.zeros(shape) for shape in shapes]
    for step in range(1, 601):
        hidden = np.tanh(inputs @ values[0] + values[1])
        probability = 1 / (1 + np.exp(-(hidden @ values[2] + values[3])))
        error = (probability - truth) / len(truth)
        back = np.outer(error, values[2]) * (1 - hidden**2)
        slopes = [
            inputs.T @ back + decay * values[0],
            back.sum(axis=0),
            hidden.T @ error + decay * values[2],
            error.sum(),
        ]
        for index, slope in enumerate(slopes):
            first[index] = 0.9 * first[index] + 0.1 * slope
            second[index] = 0.999 * second[index] + 0.001 * slope**2
            pace = (
                0.02 * (first[index] / (1 - 0.9**step)) / (np.sqrt(second[index] / (1 - 0.999**step)) + 1e-8)
            )
            values[index] = values[index] - pace
    return Judge(mean, deviation, values[0], values[1], values[2], float(values[3]), 1.0, 0.0)


def calibrate_judge(judge: Judge, measured: Values, truth: Values) -> Judge:
    """The judge with Platt's slope and offset fitted on pictures that it was not fitted on."""
    slope, offset = fit_logistic(judge(measured), truth, np.ones(len(truth)))
    return replace(judge, slope=slope, offset=offset)


def _gathered(lessons: Iterable[Lesson], kind: str) -> tuple[Values, Values]:
    """Measurements and truth of all candidates of a kind."""
    rows, truth = [], []
    for lesson in lessons:
        places = lesson.seen.losses if kind == "loss" else lesson.seen.leftovers
        rows += [place.measured for place in places]
        truth += (lesson.lost if kind == "loss" else lesson.left).tolist()
    return np.array(rows), np.array(truth)


def _general(leftovers: Values) -> Values:
    """Left-over measurements without those that only tell one piece from another (made constant)."""
    told = np.isin(LEFTOVER_FEATURES, ("alpha", "noise", "typical", "thinness"))
    return np.where(told, 0.0, leftovers)


def _pictures(lessons: Sequence[Lesson], loss: Judge, leftover: Judge) -> tuple[Values, Values]:
    rows = [
        measure_picture(
            lesson.seen,
            judge_candidates(lesson.seen.losses, loss),
            judge_candidates(lesson.seen.leftovers, leftover),
        )
        for lesson in lessons
    ]
    return np.array(rows), np.array([not lesson.usable for lesson in lessons], np.float64)


def main() -> int:
    """Fit, calibrate, write, and print what the test part says."""
    parser = argparse.ArgumentParser(prog="python -m studiod.evaluate.fitting", description=__doc__)
    parser.add_argument("set", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--general", type=Path, required=True, help="a general background remover, ONNX")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--version", default="rendered-1")
    arguments = parser.parse_args()
    console = Console()
    truths = list_truths(arguments.set)
    with ProcessPoolExecutor(2) as pool:
        studied = pool.map(study_picture, truths, repeat(arguments.cache), repeat(arguments.general))
        lessons = [
            lesson
            for found in track(studied, "examining", total=len(truths), console=console)
            for lesson in found
        ]
    values = fit_calibration(lessons, console)
    arguments.out.write_text(json.dumps({"version": arguments.version, **values}) + "\n", encoding="utf-8")
    return 0


def fit_calibration(lessons: Sequence[Lesson], console: Console) -> dict[str, Any]:
    """The judges as JSON values, fitted and calibrated; prints what the test part says of them."""
    by_part = {part: [x for x in lessons if x.part == part] for part in ("train", "calibrate", "test")}
    fitted: dict[str, Judge] = {}
    for kind in ("loss", "leftover"):
        rows, truth = _gathered(by_part["train"], kind)
        judge = (
            fit_judge(rows, truth, 12, 1e-3) if kind == "loss" else fit_judge(_general(rows), truth, 4, 1e-2)
        )
        held, held_truth = _gathered(by_part["calibrate"], kind)
        fitted[kind] = calibrate_judge(judge, held, held_truth)
        rows, truth = _gathered(by_part["test"], kind)
        score = fitted[kind](rows)
        shown = score >= 0.5
        console.print(
            f"{kind}: {len(rows)} test candidates, {truth.mean():.1%} true, "
            f"AUROC {area_under_curve(score, truth):.4f}, "
            f"shown {shown.sum()}, of them right {truth[shown].mean():.1%}, "
            f"caught {shown[truth > 0].mean():.1%}"
        )
    tests, test_truth = _pictures(by_part["test"], fitted["loss"], fitted["leftover"])
    fitted["picture"] = _fit_picture(by_part["train"] + by_part["calibrate"], fitted)
    _report(console, by_part["test"], fitted["picture"](tests), test_truth)
    return {name: judge.as_json() for name, judge in fitted.items()}


def _fit_picture(lessons: Sequence[Lesson], fitted: Mapping[str, Judge]) -> Judge:
    """The judge of whole pictures, calibrated on what judges of the other pieces say of each piece."""
    rows, truth = _pictures(lessons, fitted["loss"], fitted["leftover"])
    pieces = sorted({lesson.name for lesson in lessons})
    turns = np.random.default_rng(3).permutation(len(pieces)) % _FOLDS
    fold = np.array([turns[pieces.index(lesson.name)] for lesson in lessons])
    score = np.zeros(len(truth))
    for held in range(_FOLDS):
        others = fold != held
        score[~others] = fit_judge(rows[others], truth[others], 4, 1e-2)(rows[~others])
    slope, offset = fit_logistic(score, truth, np.ones(len(truth)))
    return replace(fit_judge(rows, truth, 4, 1e-2), slope=slope, offset=offset)


def _report(console: Console, lessons: Sequence[Lesson], score: Values, truth: Values) -> None:
    limit = float(np.quantile(score[truth > 0], 0.01)) if truth.any() else 1.0
    console.print(
        f"picture: {len(score)} test mattes, {truth.mean():.1%} unusable, "
        f"AUROC {area_under_curve(score, truth):.4f}, ECE {calibration_error(score, truth):.3f}; "
        f"at 99 % caught (limit {limit:.3f}) "
        f"{(score[truth == 0] >= limit).mean():.1%} of sound ones are reviewed"
    )
    for source in sorted({lesson.source for lesson in lessons}):
        mine = np.array([lesson.source == source for lesson in lessons])
        console.print(
            f"  {source}: {mine.sum()} mattes, {truth[mine].mean():.1%} unusable, "
            f"mean score {score[mine].mean():.3f}, AUROC {area_under_curve(score[mine], truth[mine]):.3f}"
        )


if __name__ == "__main__":
    sys.exit(main())
