"""Everything measured on one picture, and the picture's own measurements made from it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from studiod.risk.calibration import Judge
from studiod.risk.candidates import Candidate, find_leftovers, find_losses
from studiod.risk.conditions import edge_sharpness
from studiod.risk.edges import EdgeFacts, Reflection, find_reflection, measure_edge, rim_of
from studiod.risk.evidence import Evidence, gather_evidence
from studiod.risk.witness import Statement, Witness

Floats = NDArray[np.float32]

PICTURE_FEATURES = (
    "gaps", "gap_worst", "prongs", "prong_worst", "eaten", "eaten_worst", "holes", "hole_worst", "left",
    "left_worst", "lost_area", "left_area", "reflection", "reflection_strength", "halo", "softness", "misfit",
    "fat", "aligned", "weak", "sharpness", "noise", "typical", "thinness", "parts",
    "holes_open", "size", "grey", "edge_error", "inner_lost", "spill", "lost_largest", "broken_all",
    "filled_all", "lost_worst", "lost_high", "lost_common", "said_left_worst", "said_left_high",
    "said_left_common", "broken_worst", "broken_high", "broken_common", "filled_worst", "filled_high",
    "filled_common",
)  # fmt: skip

_PARTLY, _LOST = 0.05, 0.3
_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


@dataclass(frozen=True)
class Examination:
    """One picture's evidence, the places where matte and photograph disagree, and the edge's figures."""

    evidence: Evidence
    losses: tuple[Candidate, ...]
    leftovers: tuple[Candidate, ...]
    edge: EdgeFacts
    reflection: Reflection | None
    sharpness: float
    area: float
    whole: tuple[float, ...]


def examine(photo: Floats, background: Floats, alpha: Floats, witness: Witness) -> Examination:
    """Measure a matte that covers something; `photo` and `background` linear H x W x 3."""
    evidence = gather_evidence(photo, background, alpha, witness)
    edge, reflection = measure_edge(evidence), find_reflection(evidence)
    sharpness = edge_sharpness(evidence)
    return Examination(
        evidence=evidence,
        losses=tuple(find_losses(evidence)),
        leftovers=tuple(find_leftovers(evidence)),
        edge=edge,
        reflection=reflection,
        sharpness=sharpness,
        area=max(1.0, float(evidence.covered.sum())),
        whole=_measure_whole(evidence, edge, reflection, sharpness),
    )


def _measure_whole(
    evidence: Evidence, edge: EdgeFacts, reflection: Reflection | None, sharpness: float
) -> tuple[float, ...]:
    """The measurements that need no candidates, in the order of PICTURE_FEATURES."""
    covered = evidence.covered
    parts = cv2.connectedComponents(covered.astype(np.uint8), connectivity=8)[0] - 1
    gaps = cv2.connectedComponents((~covered).astype(np.uint8), connectivity=4)[0] - 1
    rim = max(1.0, float(rim_of(covered).sum()))
    partly = float(((evidence.alpha > 0.05) & (evidence.alpha < 0.95)).sum())
    area = float(covered.sum())
    values = (
        reflection.likeness if reflection else 0.0, reflection.strength if reflection else 0.0,
        edge.halo, edge.softness, edge.misfit, edge.fat, edge.aligned, edge.weak, sharpness,
        evidence.noise, float(np.median(evidence.difference[covered])), np.log(area / rim),
        np.log(max(1, parts)), np.log(max(1, gaps)), np.log(area), np.log(max(1.0, partly) / rim),
    )  # fmt: skip
    return (*(float(value) for value in values), *_measure_statement(evidence.statement, evidence.alpha))


def _measure_statement(said: Statement, alpha: Floats) -> tuple[float, ...]:
    """What the witness expects of the figures that make a picture unusable, in logarithms.

    Of every answer: its worst place, and how high it is commonly on the piece, for a picture in which the
    witness is unsure everywhere is not thereby spoilt.
    """
    true = (alpha + said.lost - said.left).clip(0, 1)
    total = max(1.0, float(true.sum()))
    partly = ((true > _PARTLY) & (true < 1 - _PARTLY)).astype(np.uint8)
    band = cv2.dilate(partly, _CROSS, iterations=3) > 0
    near = cv2.dilate((true > _PARTLY).astype(np.uint8), _CROSS, iterations=3) > 0
    inner = cv2.erode((true > 0.5).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    error = said.lost + said.left
    lost = (said.lost > _LOST).astype(np.uint8)
    _, labels = cv2.connectedComponents(lost, connectivity=8)
    sums = np.bincount(labels.ravel(), weights=said.lost.ravel())[1:]
    values = [
        (float(error[band].mean()) if band.any() else 0.0, 0.01),
        (float(said.lost[inner].sum()) / total, 0.002),
        (float(said.left[~near].sum()) / total, 0.002),
        (float(sums.max(initial=0.0)), 1.0),
        (float(said.broken.sum()), 1.0),
        (float(said.filled.sum()), 1.0),
    ]
    for layer, width in ((said.lost, 7), (said.left, 7), (said.broken, 3), (said.filled, 5)):
        smooth = cv2.blur(layer, (width, width))
        common, high = np.quantile(smooth[near], (0.5, 0.97)) if near.any() else (0.0, 0.0)
        values += [(float(smooth.max()), 0.01), (float(high), 0.01), (float(common), 0.01)]
    return tuple(float(np.log(value + floor)) for value, floor in values)


def judge_candidates(candidates: tuple[Candidate, ...], judge: Judge) -> NDArray[np.float64]:
    """Each candidate's probability of being a mistake."""
    if not candidates:
        return np.zeros(0)
    return judge(np.array([candidate.measured for candidate in candidates]))


def measure_picture(
    examination: Examination, losses: NDArray[np.float64], leftovers: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The picture's measurements in the order of PICTURE_FEATURES, from its candidates' probabilities."""
    values: list[float] = []
    for candidates, found, reasons in (
        (examination.losses, losses, (("chain_gap",), ("prong_missing",), ("stone_eaten",))),
        (examination.leftovers, leftovers, (("hole_filled", "hole_leaking"), ("background_left",))),
    ):
        for alike in reasons:
            mine = [p for c, p in zip(candidates, found, strict=True) if c.reason in alike]
            values += [float(np.log1p(sum(mine))), max(mine, default=0.0)]
    for candidates, found in ((examination.losses, losses), (examination.leftovers, leftovers)):
        amount = sum(c.area * p for c, p in zip(candidates, found, strict=True))
        values.append(float(np.log1p(1000 * amount / examination.area)))
    return np.array([*values, *examination.whole])
