"""What the risk learns from: every matte of a picture, examined, with the truth about it, kept on disk."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

import cv2
import numpy as np

from studiod import risk
from studiod.evaluate import elsewhere
from studiod.evaluate.elsewhere import name_elsewhere, piece_of, set_elsewhere
from studiod.evaluate.mattes import BELOW, SHIPPED, Studied, list_sources, make_matte, open_studied
from studiod.evaluate.measures import CHAIN, Score, count_prongs, find_breaks, score_matte
from studiod.evaluate.sets import Truth, part_of
from studiod.imaging.files import write_whole
from studiod.imaging.types import Box, Floats, Values
from studiod.matting.matte import Matte
from studiod.matting.sessions import hash_files
from studiod.matting.training import surfaces
from studiod.risk.candidates import Candidate
from studiod.risk.evidence import Evidence
from studiod.risk.examination import Examination, examine, has_piece
from studiod.risk.findings import Finding, holds, middle_of
from studiod.risk.missing import MissingPart
from studiod.risk.telling import tell_the_rest

_LOST_SHARE, _KEPT_SHARE, _GONE_SHARE = 0.4, 0.3, 0.15
_ELSEWHERE = {"train": 2, "calibrate": 4, "test": 4}
_MADE = ("exact", "soft", "spoilt", "parted", "difference")
"""What is learnt from of pieces set elsewhere: mattes that no network made."""


@dataclass(frozen=True)
class Lesson:
    """One matte: where it came from, its examination, the truth of its candidates and of the picture.

    `lost`, `left`, `torn` and `missing` say which losses, left-overs, stretches and parts are mistakes,
    `gaps` are the boxes of its chain's breaks and of lost prongs, `rest` the findings that need no judge.
    """

    name: str
    source: str
    part: str
    kind: str
    look: str
    seen: Examination
    lost: Values
    left: Values
    torn: Values
    missing: Values
    score: Score
    gaps: tuple[Box, ...]
    rest: tuple[Finding, ...]

    @property
    def shipped(self) -> bool:
        """Whether the shipped pipeline made the matte."""
        return _is_shipped(self.source)

    @property
    def is_parted(self) -> bool:
        """Whether the matte lacks a whole part of the piece, on purpose."""
        return "parted" in self.source

    @property
    def at_home(self) -> bool:
        """Whether the piece is shown in the studio that it was photographed in."""
        return self.name == self.piece

    @property
    def piece(self) -> str:
        """The name of the piece, at home and elsewhere the same."""
        return piece_of(self.name)


def study_picture(truth: Truth, others: Sequence[Truth], cache: Path, general: Path) -> list[Lesson]:
    """Lessons from the mattes of one picture, kept in `cache` while mattes, scenes and evidence stay.

    `general` is the ONNX file of a general background remover, whose mattes are among them. The piece is
    also set on plates of `others`: to learn from, with mattes that no network made, which cost little; to
    calibrate and to test, with the shipped pipeline's.
    """
    cv2.setNumThreads(1)
    part, sources = part_of(truth), list_sources(general)
    lessons = _study_all(truth.name, sources, partial(open_studied, truth), cache, general)
    abroad = [
        s for s in sources if (part != "test" and s.startswith(_MADE)) or (part != "train" and _is_shipped(s))
    ]
    kept = cache / f"elsewhere-{hash_files(Path(elsewhere.__file__), Path(surfaces.__file__))[:8]}"
    for number in range(_ELSEWHERE[part] if any(other.plate for other in others) else 0):
        name = name_elsewhere(truth.name, number)
        lessons += _study_all(name, abroad, partial(set_elsewhere, truth, others, number), kept, general)
    return lessons


def _is_shipped(source: str) -> bool:
    """Whether the shipped pipeline made the mattes of that source."""
    return source.startswith(SHIPPED) and "+" not in source


def _study_all(
    name: str, sources: Sequence[str], opened: Callable[[], Studied], cache: Path, general: Path
) -> list[Lesson]:
    studied: Studied | None = None
    lessons = []
    for source in sources:
        path = cache / "lessons" / _code_hash() / name / f"{source}.pickle"
        if path.exists():
            lessons.append(pickle.loads(path.read_bytes()))
            continue
        studied = studied or opened()
        lesson = _study_matte(studied, source, make_matte(studied, source, cache / "mattes", general))
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, [pickle.dumps(lesson)])
        lessons.append(lesson)
    return [lesson for lesson in lessons if lesson is not None]


def _study_matte(studied: Studied, source: str, matte: Matte) -> Lesson | None:
    """What one matte teaches; None where it covers nothing."""
    alpha = matte.alpha
    if not has_piece(alpha):
        return None
    exact, truth = studied.exact, studied.truth
    seen = examine(studied.photo, studied.background, alpha, matte.doubt)
    missing = np.maximum(exact.alpha - alpha, 0)
    lost = [_mean(missing, seen, c) > _LOST_SHARE for c in seen.losses]
    left = [_mean(exact.alpha, seen, c) < _KEPT_SHARE for c in seen.leftovers]
    small = np.asarray(
        cv2.resize(missing, seen.everywhere.alpha.shape[::-1], interpolation=cv2.INTER_AREA), np.float32
    )
    gone = [_mean_under(small, part) > _GONE_SHARE for part in seen.missing]
    breaks = find_breaks(alpha, exact.alpha, exact.parts == CHAIN)
    squares = [seen.evidence.to_photo(*stretch.box) for stretch in seen.stretches]
    torn = [any(holds(square, middle_of(gap)) for gap in breaks) for square in squares]
    prongs, _ = count_prongs(alpha, exact.alpha, exact.parts, exact.prongs)
    return Lesson(
        truth.name, source, part_of(truth), truth.kind, truth.look, _slim(seen), np.array(lost, np.float64),
        np.array(left, np.float64), np.array(torn, np.float64), np.array(gone, np.float64),
        score_matte(alpha, exact.alpha, exact.parts, exact.prongs), (*breaks, *prongs),
        tuple(tell_the_rest(seen, None)),
    )  # fmt: skip


@lru_cache(maxsize=1)
def _code_hash() -> str:
    """Changes whenever what is measured does: a lesson of older code is not used again."""
    names = (
        "candidates", "conditions", "details", "doubt", "edges", "evidence", "examination", "findings",
        "missing", "reflection", "regions", "stretches", "telling", "thin",
    )  # fmt: skip
    return hash_files(*BELOW, *(Path(risk.__file__).parent / f"{name}.py" for name in names))[:12]


def _mean(values: Floats, seen: Examination, candidate: Candidate) -> float:
    x, y = seen.evidence.origin
    return _mean_under(values[y:, x:], candidate)


def _mean_under(values: Floats, place: Candidate | MissingPart) -> float:
    """The mean of the values under a place, in pixels of what it was found in."""
    left, top, right, bottom = place.box
    return float(values[top:bottom, left:right][place.region].mean())


def _slim(seen: Examination) -> Examination:
    """The examination without its large arrays, so that a whole set's fit in memory."""
    empty = np.zeros((0, 0), np.bool_)
    losses, leftovers = (
        tuple(replace(place, region=empty) for place in places) for places in (seen.losses, seen.leftovers)
    )
    return replace(
        seen,
        evidence=_without_arrays(seen.evidence),
        everywhere=_without_arrays(seen.everywhere),
        losses=losses,
        leftovers=leftovers,
        missing=tuple(replace(part, region=empty) for part in seen.missing),
    )


def _without_arrays(evidence: Evidence) -> Evidence:
    nothing = np.zeros((1, 1), np.float32)
    return replace(
        evidence,
        alpha=nothing,
        covered=nothing > 0,
        difference=nothing,
        lightness=nothing,
        colour=nothing,
        slope=nothing,
        doubt=None,
    )
