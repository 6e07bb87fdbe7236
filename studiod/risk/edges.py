"""How well the matte's edge follows the photograph's."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studiod.risk.evidence import Evidence
from studiod.risk.regions import rim_of


@dataclass(frozen=True)
class EdgeFacts:
    """The matte's edge: `halo` and `softness` in pixels; `misfit` of alpha against the matting equation.

    `fat` is the misfit with its sign, above 0 where too much is kept. Both 0..1, `aligned` is how steep the
    photograph is on the edge against its steepest within 2 px, `weak` the share of the edge that hardly
    differs from the background.
    """

    halo: float
    softness: float
    misfit: float
    fat: float
    aligned: float
    weak: float


def measure_edge(evidence: Evidence) -> EdgeFacts:
    """The edge's figures, means along it."""
    covered = evidence.covered
    band, rim = rim_of(covered, 3), rim_of(covered)
    length = max(1.0, float(rim.sum()) / 2)
    plain = band & (evidence.difference < evidence.low)
    piece = cv2.dilate(cv2.blur(evidence.difference, (3, 3)), np.ones((7, 7), np.uint8))
    clear = band & (piece > evidence.high)
    floor = 0.5 * evidence.low
    expected = ((evidence.difference - floor) / np.maximum(piece - floor, 1e-3)).clip(0, 1)
    wrong = (evidence.alpha - expected)[clear]
    steepest = cv2.dilate(evidence.slope, np.ones((5, 5), np.uint8))
    return EdgeFacts(
        halo=float(evidence.alpha[plain].sum()) / length,
        softness=float((evidence.alpha * (1 - evidence.alpha)).sum()) / length,
        misfit=float(np.abs(wrong).mean()) if wrong.size else 0.0,
        fat=float(wrong.mean()) if wrong.size else 0.0,
        aligned=float((evidence.slope[rim] / np.maximum(steepest[rim], 1e-3)).mean()) if rim.any() else 1.0,
        weak=float((piece[rim] < evidence.high).mean()) if rim.any() else 0.0,
    )
