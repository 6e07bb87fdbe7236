"""Everything measured on one picture, and the picture's own measurements made from it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from studiod.risk.calibration import Calibration, Judge
from studiod.risk.candidates import LOSS_FEATURES, Candidate, find_leftovers, find_losses
from studiod.risk.conditions import edge_sharpness
from studiod.risk.edges import EdgeFacts, Reflection, find_reflection, measure_edge, rim_of
from studiod.risk.evidence import Evidence, gather_evidence

Floats = NDArray[np.float32]

PICTURE_FEATURES = (
    "gaps", "gap_worst", "prongs", "prong_worst", "eaten", "eaten_worst", "holes", "hole_worst", "left",
    "left_worst", "lost_area", "left_area", "reflection", "reflection_strength", "halo", "softness", "misfit",
    "fat", "aligned", "weak", "sharpness", "noise", "typical", "thinness", "parts",
    "holes_open", "size", "grey",
)  # fmt: skip

_STANDING_OUT = 0.4
_FEW = 2
_AS_THE_PIECE = 0.55


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


def examine(photo: Floats, background: Floats, alpha: Floats) -> Examination:
    """Measure a matte that covers something; `photo` and `background` linear H x W x 3."""
    evidence = gather_evidence(photo, background, alpha)
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
    return tuple(float(value) for value in values)


def judge(
    seen: Examination, calibration: Calibration
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """The picture's probability of being unusable, and those of its losses and left-overs to be mistakes."""
    clear = _standing_out(seen)
    lost = np.maximum(judge_candidates(seen.losses, calibration.loss), _STANDING_OUT * clear)
    left = judge_candidates(seen.leftovers, calibration.leftover)
    score = float(calibration.picture(measure_picture(seen, lost, left)[None])[0])
    return max(score, _STANDING_OUT if clear.any() else 0.0), lost, left


def judge_candidates(candidates: tuple[Candidate, ...], judge: Judge) -> NDArray[np.float64]:
    """Each candidate's probability of being a mistake."""
    if not candidates:
        return np.zeros(0)
    return judge(np.array([candidate.measured for candidate in candidates]))


def _standing_out(seen: Examination) -> NDArray[np.bool_]:
    """Losses that differ as the piece itself does where hardly anything else is in dispute.

    Of such places on the rendered set's mattes two in five are losses; the fitted judge, which has seen
    shadows in dispute everywhere, calls them improbable.
    """
    contrast, contacts, inner = (
        LOSS_FEATURES.index(name) for name in ("contrast", "contacts", "slope_inner")
    )
    few = len(seen.losses) <= _FEW
    return np.array(
        [
            few
            and loss.measured[contrast] >= _AS_THE_PIECE
            and loss.measured[contacts] >= 1
            and loss.measured[inner] > seen.evidence.steep
            for loss in seen.losses
        ],
        np.bool_,
    )


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
