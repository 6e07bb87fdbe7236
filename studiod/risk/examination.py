"""Everything measured on one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from studiod.imaging.types import Box, Bytes, Floats
from studiod.risk.candidates import Candidate, find_leftovers, find_losses
from studiod.risk.conditions import edge_sharpness
from studiod.risk.doubt import DOUBT_FEATURES, measure_doubt
from studiod.risk.edges import EdgeFacts, measure_edge
from studiod.risk.evidence import Evidence, gather_everywhere, gather_evidence
from studiod.risk.findings import holds, middle_of
from studiod.risk.missing import MissingPart, find_missing
from studiod.risk.reflection import Reflection, find_emptied, find_reflection
from studiod.risk.regions import rim_of
from studiod.risk.stretches import Stretch, find_stretches

PICTURE_FEATURES = (
    "gaps", "gap_worst", "prongs", "prong_worst", "eaten", "eaten_worst", "holes", "hole_worst", "left",
    "left_worst", "missing", "missing_worst", "lost_area", "left_area", "reflection", "reflection_strength",
    "halo", "softness", "misfit", "fat", "aligned", "weak", "sharpness", "noise", "typical", "thinness",
    "parts", "holes_open", "size", "grey", *DOUBT_FEATURES,
)  # fmt: skip

_LEAST_PIECE = 2e-5


@dataclass(frozen=True)
class Examination:
    """One picture's evidence, the places where matte and photograph disagree, its chains, the edge's figures.

    `missing` are parts anywhere in the frame that may not be kept, in pixels of `everywhere`; `area` is what
    is covered, in pixels of `evidence`; `whole` is measured on the picture without its candidates, the end of
    PICTURE_FEATURES; `emptied` are the boxes, in the photograph, of mirror images that the matte emptied.
    """

    evidence: Evidence
    everywhere: Evidence
    losses: tuple[Candidate, ...]
    leftovers: tuple[Candidate, ...]
    stretches: tuple[Stretch, ...]
    missing: tuple[MissingPart, ...]
    edge: EdgeFacts
    reflection: Reflection | None
    sharpness: float
    area: float
    whole: tuple[float, ...]
    emptied: tuple[Box, ...]


def has_piece(alpha: Floats) -> bool:
    """Whether `alpha` (H x W) covers more than a speck."""
    return float((alpha >= 0.5).mean()) >= _LEAST_PIECE


def examine(photo: Floats, background: Floats, alpha: Floats, doubt: Bytes | None) -> Examination:
    """Measure a matte that covers something; `photo` and `background` linear H x W x 3."""
    evidence = gather_evidence(photo, background, alpha, doubt)
    everywhere = gather_everywhere(photo, background, alpha, doubt)
    edge, reflection = measure_edge(evidence), find_reflection(photo, background, alpha, doubt)
    sharpness, emptied = edge_sharpness(evidence), find_emptied(alpha, doubt)
    return Examination(
        evidence=evidence,
        everywhere=everywhere,
        losses=tuple(loss for loss in find_losses(evidence) if not _within(emptied, evidence, loss)),
        leftovers=tuple(find_leftovers(evidence)),
        stretches=tuple(find_stretches(evidence)),
        missing=tuple(part for part in find_missing(everywhere) if not _within(emptied, everywhere, part)),
        edge=edge,
        reflection=reflection,
        sharpness=sharpness,
        area=max(1.0, float(evidence.covered.sum())),
        whole=_measure_whole(evidence, edge, reflection, sharpness),
        emptied=tuple(emptied),
    )


def _within(emptied: Sequence[Box], evidence: Evidence, loss: Candidate | MissingPart) -> bool:
    """Whether a loss lies in a mirror image that was emptied: it is told as a whole."""
    return any(holds(box, middle_of(evidence.to_photo(*loss.box))) for box in emptied)


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
        evidence.noise, evidence.typical, evidence.thinness,
        np.log(max(1, parts)), np.log(max(1, gaps)), np.log(area), np.log(max(1.0, partly) / rim),
        *measure_doubt(evidence),
    )  # fmt: skip
    return tuple(float(value) for value in values)
