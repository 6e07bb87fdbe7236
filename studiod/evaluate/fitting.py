"""Fit the risk: `python -m studiod.evaluate.fitting SET... --general MODEL.onnx --cache DIR --out FILE`.

Learns on many mattes of each picture of the split's parts `train` and `calibrate`, at home and set elsewhere,
and calibrates on what judges say of pieces that they were not fitted on: the whole picture's on the shipped
pipeline's mattes of `calibrate` alone. Then it reports on `test`. What was made and measured is kept in DIR:
broken off, it goes on where it was; with new weights only what these change is made anew.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.progress import track

from studiod.errors import StudioError
from studiod.evaluate.fit_report import report_pictures, report_places, report_tests
from studiod.evaluate.lessons import Lesson, study_picture
from studiod.evaluate.sets import Truth, list_truths, part_of
from studiod.imaging.files import write_whole
from studiod.imaging.types import Mask, Values
from studiod.risk.calibration import Calibration, Trees, calibration_bytes
from studiod.risk.candidates import LOSS_FEATURES
from studiod.risk.judging import Place, measure_picture, measure_place
from studiod.risk.logistic import fit_logistic, moved_on_logit

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier

Fit = Callable[[Values, Values, Values], Trees]
"""From rows, their truth and their weights."""
Places = Callable[[Lesson], tuple[Sequence[Place], Values]]
"""A lesson's places of one kind, and whether each is a mistake."""

_FOLDS = 5
_OURS = 3.0
"""How many times a matte of the shipped pipeline counts to the picture's judge, which is asked of those."""
_WORSE_WHERE_LARGER = ("log_area", "log_length", "log_reach")


def fit_trees(measured: Values, truth: Values, weight: Values, rising: Sequence[int] = ()) -> Trees:
    """Trees fitted to weighted rows by gradient boosting, uncalibrated (slope 1, offset 0).

    Of the measurements `rising` a larger one never lowers the probability.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier  # of the extra `train`: not needed to judge

    model = HistGradientBoostingClassifier(
        max_iter=200, learning_rate=0.06, max_leaf_nodes=15, min_samples_leaf=60, l2_regularization=5.0,
        monotonic_cst=[int(index in rising) for index in range(measured.shape[1])],
        early_stopping=False, random_state=5,
    )  # fmt: skip
    return trees_of(model.fit(measured, truth, sample_weight=weight))


def trees_of(model: HistGradientBoostingClassifier) -> Trees:
    """The trees of a fitted model of scikit-learn, which has no public way to them."""
    trees = [grown[0].nodes for grown in model._predictors]
    size = max(map(len, trees))

    def table(name: str) -> Values:
        return np.array([np.pad(nodes[name].astype(np.float64), (0, size - len(nodes))) for nodes in trees])

    feature = np.where(table("is_leaf") > 0, -1, table("feature_idx")).astype(np.int64)
    below, above = (table(name).astype(np.int64) for name in ("left", "right"))
    base = float(np.ravel(model._baseline_prediction)[0])
    return Trees(feature, table("num_threshold"), below, above, table("value"), base, 1.0, 0.0)


def calibrate_judge(judge: Trees, score: Values, truth: Values) -> Trees:
    """The judge with Platt's slope and offset, fitted on scores (of slope 1) that it gave to unseen rows."""
    slope, offset = fit_logistic(score, truth, np.ones(len(truth)))
    return replace(judge, slope=slope, offset=offset)


def cross_fit(
    rows: Values, truth: Values, weight: Values, folds: Values, counted: Mask, fit: Fit
) -> tuple[Trees, Values]:
    """A judge of all rows, calibrated, and each row's calibrated score by a judge that did not see its fold.

    `fit` makes a judge from rows, their truth and `weight` (those of weight 0 are judged, not learnt from),
    `folds` numbers the rows' pieces; the calibration looks at the rows in `counted` only.
    """
    score, learnt = np.zeros(len(rows)), weight > 0
    for fold in np.unique(folds):
        unseen = folds == fold
        seen = learnt & ~unseen
        score[unseen] = fit(rows[seen], truth[seen], weight[seen])(rows[unseen])
    judge = fit(rows[learnt], truth[learnt], weight[learnt])
    judge = calibrate_judge(judge, score[counted], truth[counted])
    return judge, moved_on_logit(score, judge.slope, judge.offset)


def main() -> int:
    """Fit, calibrate, write, and print what the test part says."""
    parser = argparse.ArgumentParser(prog="python -m studiod.evaluate.fitting", description=__doc__)
    parser.add_argument("sets", type=Path, nargs="+", help="folders of pictures with exact mattes")
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--general", type=Path, required=True, help="a general background remover, ONNX")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--version", default="rendered-1")
    arguments = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 160)
    sets = [list_truths(folder) for folder in arguments.sets]
    names = [truth.name for truths in sets for truth in truths]
    if len(set(names)) < len(names):
        parser.error("a picture's name stands in two sets, or twice: what is kept of it is kept by name")

    def study(*parts: str) -> list[Lesson]:
        lessons = []
        for truths in sets:
            chosen = [truth for truth in truths if part_of(truth) in parts]
            lessons += _study(chosen, arguments.cache, arguments.general, console)
        return lessons

    known = study("train", "calibrate")
    calibration = _fit_calibration(known, arguments.version, console)
    write_whole(arguments.out, [calibration_bytes(calibration)])
    report_tests(console, study("test"), calibration)
    return 0


def _study(truths: Sequence[Truth], cache: Path, general: Path, console: Console) -> list[Lesson]:
    """All lessons of a set's pictures; a piece is set on plates of its own part and set only."""
    others = [[other for other in truths if part_of(other) == part_of(truth)] for truth in truths]
    with ProcessPoolExecutor(2) as pool:
        studied = pool.map(study_picture, truths, others, repeat(cache), repeat(general))
        return [
            lesson
            for found in track(studied, "examining", total=len(truths), console=console)
            for lesson in found
        ]


def _fit_calibration(known: Sequence[Lesson], version: str, console: Console) -> Calibration:
    """The judges, fitted and calibrated; prints what unseen folds say of them."""
    rising = [LOSS_FEATURES.index(name) for name in _WORSE_WHERE_LARGER]
    every = np.ones(len(known), bool)
    # beside a whole part that is missing small losses would look like chance
    small = np.array([not lesson.is_parted for lesson in known])
    loss, lost = _fit_places(known, small, "losses", _losses, partial(fit_trees, rising=rising), console)
    leftover, left = _fit_places(known, small, "left-overs", _leftovers, fit_trees, console)
    stretch, _ = _fit_places(known, small, "stretches", _stretches, fit_trees, console)
    missing, gone = _fit_places(known, every, "missing parts", _missing, fit_trees, console)
    judged = zip(known, lost, left, gone, strict=True)
    rows = np.array([measure_picture(lesson.seen, *found) for lesson, *found in judged])
    truth = np.array([not lesson.score.usable for lesson in known], np.float64)
    fold = np.array([_fold(lesson) for lesson in known])
    home = np.array([lesson.at_home for lesson in known])
    # the pieces that the networks were trained on come out too well to calibrate on
    honest = np.array([lesson.shipped and lesson.part == "calibrate" for lesson in known])
    weight = np.where([lesson.shipped for lesson in known], _OURS, 1.0)
    picture, score = cross_fit(rows, truth, weight, fold, honest, fit_trees)
    held = [lesson for lesson in known if lesson.at_home]
    report_pictures(console, "train and calibrate part, unseen folds", held, score[home])
    return Calibration(version, loss, leftover, stretch, missing, picture)


def _fit_places(
    known: Sequence[Lesson], taught: Mask, kind: str, places: Places, fit: Fit, console: Console
) -> tuple[Trees, list[Values]]:
    """The judge of places of a kind, and every lesson's scores by judges that never saw its piece.

    Only from the lessons in `taught` it learns; the others' places are judged.
    """
    rows = np.array([measure_place(place, lesson.seen) for lesson in known for place in places(lesson)[0]])
    truths = [places(lesson)[1] for lesson in known]
    truth, counts = np.concatenate(truths), [len(each) for each in truths]
    counted = np.repeat(taught & [lesson.at_home for lesson in known], counts)
    weight = np.repeat(taught.astype(np.float64), counts)
    fold = np.repeat([_fold(lesson) for lesson in known], counts)
    judge, score = cross_fit(rows, truth, weight, fold, counted, fit)
    report_places(console, f"{kind}, unseen folds", score[counted], truth[counted])
    return judge, np.split(score, np.cumsum(counts)[:-1])


def _losses(lesson: Lesson) -> tuple[Sequence[Place], Values]:
    return lesson.seen.losses, lesson.lost


def _leftovers(lesson: Lesson) -> tuple[Sequence[Place], Values]:
    return lesson.seen.leftovers, lesson.left


def _stretches(lesson: Lesson) -> tuple[Sequence[Place], Values]:
    return lesson.seen.stretches, lesson.torn


def _missing(lesson: Lesson) -> tuple[Sequence[Place], Values]:
    return lesson.seen.missing, lesson.missing


def _fold(lesson: Lesson) -> int:
    """The fold of a lesson's piece."""
    return zlib.crc32(lesson.piece.encode()) % _FOLDS


if __name__ == "__main__":
    try:
        sys.exit(main())
    except StudioError as error:
        sys.exit(str(error))
