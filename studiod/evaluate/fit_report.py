"""What a fit of the risk is worth on lessons that it was not fitted on, for people: tables with intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from studiod.evaluate.lessons import Lesson
from studiod.evaluate.report import risk_groups, share_text
from studiod.imaging.types import Box, Mask, Values
from studiod.risk.calibration import Calibration
from studiod.risk.figures import area_under_curve, calibration_error
from studiod.risk.findings import Finding, middle_of
from studiod.risk.judging import judge
from studiod.risk.telling import tell_places

_DRAWS = 300
_LOSSES = ("chain_gap", "prong_missing", "stone_eaten", "part_missing")
_CONDITIONS = ("out_of_focus", "cut_by_frame", "low_contrast", "small_stone", "reflection_removed")


def report_places(console: Console, kind: str, score: Values, truth: Values) -> None:
    """How good the judge of lost or left-over places is."""
    shown = score >= 0.5
    console.print(
        f"{kind}: {len(score)} candidates, {truth.mean():.1%} true, "
        f"AUROC {area_under_curve(score, truth):.4f}, shown {shown.sum()}, "
        f"of them right {truth[shown].mean():.1%}, caught {shown[truth > 0].mean():.1%}"
    )


def report_tests(console: Console, lessons: Sequence[Lesson], calibration: Calibration) -> None:
    """What the whole risk says of lessons that it was not fitted on."""
    score, findings = [], []
    for lesson in lessons:
        judged = judge(lesson.seen, calibration)
        score.append(judged.score)
        findings.append((*tell_places(lesson.seen, judged), *lesson.rest))
    home = np.array([lesson.at_home for lesson in lessons])
    for name, which in (("at home", home), ("elsewhere", ~home)):
        mine = [lesson for lesson, yes in zip(lessons, which, strict=True) if yes]
        if mine:
            report_pictures(console, f"test part, {name}", mine, np.array(score)[which])
    report_findings(console, lessons, findings)


def report_pictures(console: Console, title: str, lessons: Sequence[Lesson], score: Values) -> None:
    """Ranking, calibration and review load, and the same by source, reason, kind and look."""
    truth = _unusable(lessons)
    limit = float(np.quantile(score[truth > 0], 0.01)) if truth.any() else 1.0
    console.print(f"[bold]{title}[/bold], limit {limit:.3f} (99 % of the unusable caught)")
    table = Table("", "mattes", "unusable", "mean", "AUROC", "ECE", "caught", "sound reviewed", box=None)
    scores = {(lesson.name, lesson.source): said for lesson, said in zip(lessons, score, strict=True)}
    for name, mine in risk_groups(lessons, ("source", "kind", "look")):
        if not mine:
            continue
        s = np.array([scores[lesson.name, lesson.source] for lesson in mine])
        t = _unusable(mine)
        low, high = _spread(s, t, np.array([lesson.piece for lesson in mine]))
        table.add_row(
            name, str(len(s)), f"{t.mean():.1%}", f"{s.mean():.3f}",
            f"{area_under_curve(s, t):.3f} ({low:.2f}-{high:.2f})", f"{calibration_error(s, t):.3f}",
            _share(s[t > 0] >= limit), _share(s[t == 0] >= limit),
        )  # fmt: skip
    console.print(table)


def _unusable(lessons: Sequence[Lesson]) -> Values:
    return np.array([not lesson.score.usable for lesson in lessons], np.float64)


def _share(hits: Mask) -> str:
    return share_text(int(hits.sum()), len(hits))


def _spread(score: Values, truth: Values, pieces: NDArray[np.str_]) -> tuple[float, float]:
    """The 95 % interval of the AUROC, pieces drawn anew (a piece's mattes are much alike)."""
    random = np.random.default_rng(1)
    rows = [np.flatnonzero(pieces == piece) for piece in np.unique(pieces)]
    values = []
    for _ in range(_DRAWS):
        drawn = np.concatenate([rows[index] for index in random.integers(len(rows), size=len(rows))])
        values.append(area_under_curve(score[drawn], truth[drawn]))
    found = np.array(values)[~np.isnan(values)]
    return (float(np.quantile(found, 0.025)), float(np.quantile(found, 0.975))) if len(found) else (0.0, 1.0)


def report_findings(
    console: Console, lessons: Sequence[Lesson], findings: Sequence[Sequence[Finding]]
) -> None:
    """How many chain gaps and lost prongs lie in a finding's box, and what usable pictures are told.

    A picture may be usable and yet have lost a little: a finding there is no false one.
    """
    for name, every in (("all mattes", True), ("shipped", False)):
        told = hidden = 0
        usable, false = [], []
        for lesson, mine in zip(lessons, findings, strict=True):
            if not (every or lesson.shipped):
                continue
            losses = [finding for finding in mine if finding.reason in _LOSSES]
            covered = sum(any(loss.covers(*middle_of(gap)) for loss in losses) for gap in lesson.gaps)
            told, hidden = told + covered, hidden + len(lesson.gaps) - covered
            if lesson.score.usable:
                usable.append([f for f in mine if f.reason not in _CONDITIONS])
                wrong = _wrong_places(lesson)
                false += [f.reason for f in usable[-1] if not any(f.covers(*middle_of(box)) for box in wrong)]
        share = told / max(1, told + hidden)
        many, needless = (count / max(1, len(usable)) for count in (sum(map(len, usable)), len(false)))
        console.print(
            f"findings, {name}: of {told + hidden} chain gaps and lost prongs {share:.1%} are told; "
            f"{many:.2f} findings a usable picture ({len(usable)}), {needless:.2f} where nothing is wrong: "
            f"{dict(Counter(false).most_common())}"
        )


def _wrong_places(lesson: Lesson) -> list[Box]:
    """The boxes of losses, left-overs and missing parts that are mistakes, in the photograph."""
    places = [*zip(lesson.seen.losses, lesson.lost, strict=True)]
    places += zip(lesson.seen.leftovers, lesson.left, strict=True)
    parts = zip(lesson.seen.missing, lesson.missing, strict=True)
    return [
        *(lesson.seen.evidence.to_photo(*place.box) for place, wrong in places if wrong),
        *(lesson.seen.everywhere.to_photo(*part.box) for part, wrong in parts if wrong),
    ]
