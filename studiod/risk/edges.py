"""How well the matte's edge follows the photograph's, and whether a mirror image is kept."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from studiod.risk.evidence import Evidence
from studiod.risk.findings import Box

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

_MIRROR_SIDE = 200


@dataclass(frozen=True)
class EdgeFacts:
    """The matte's edge: `halo` and `softness` in pixels; `misfit` of alpha against the matting equation."""

    halo: float
    softness: float
    misfit: float
    fat: float
    aligned: float
    weak: float


@dataclass(frozen=True)
class Reflection:
    """A covered part that repeats what lies across `box`'s nearest edge, fainter; box in the crop."""

    box: Box
    likeness: float
    strength: float


def rim_of(mask: Mask, radius: int = 1) -> Mask:
    """Pixels within `radius` of the mask's outline."""
    kernel = np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)
    rim: Mask = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_GRADIENT, kernel).astype(bool)
    return rim


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


def find_reflection(evidence: Evidence) -> Reflection | None:
    """The most convincing kept mirror image, on whichever side of the piece it lies; None without one."""
    height, width = evidence.alpha.shape
    step = max(1.0, max(height, width) / _MIRROR_SIDE)
    size = (max(8, round(width / step)), max(8, round(height / step)))
    taken = cv2.resize(evidence.covered.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.3
    light = cv2.resize(evidence.lightness, size, interpolation=cv2.INTER_AREA) * taken
    best: tuple[float, Floats, int, float] | None = None
    for turns in range(4):
        found = _mirrored_below(np.rot90(light, turns), np.rot90(taken, turns))
        if found is None or (best is not None and found[0] <= best[0]):
            continue
        where = np.zeros(light.shape, np.float32)
        turned = np.rot90(where, turns)
        turned[found[1] + 1 :] = 1.0
        best = (found[0], where, turns, found[2])
    if best is None:
        return None
    likeness, where, _, strength = best
    kept = (where > 0) & taken
    if not kept.any():
        return None
    rows, columns = np.flatnonzero(kept.any(axis=1)), np.flatnonzero(kept.any(axis=0))
    box = (
        int(columns[0] * step), int(rows[0] * step), int((columns[-1] + 1) * step), int((rows[-1] + 1) * step)
    )  # fmt: skip
    return Reflection(box, likeness, strength)


def _mirrored_below(light: Floats, taken: Mask) -> tuple[float, int, float] | None:
    """Likeness, axis row and strength of the best axis whose lower side repeats the upper side faintly."""
    rows = np.flatnonzero(taken.any(axis=1))
    if len(rows) < 16:
        return None
    first, last = int(rows[0]), int(rows[-1])
    best: tuple[float, int, float] | None = None
    for axis in range(first + (last - first) // 3, last - 5):
        below = light[axis + 1 : last + 1]
        if axis - len(below) < max(0, first - 2):
            continue
        above = light[axis - len(below) : axis][::-1]
        shared = float((above * below).sum())
        energy, fainter = float((above**2).sum()), float((below**2).sum())
        facing = float((above[taken[axis + 1 : last + 1]] ** 2).sum())
        strength = shared / max(facing, 1e-6)
        likeness = shared / max(float(np.sqrt(energy * fainter)), 1e-6)
        if 0.08 < strength < 0.7 and likeness > (best[0] if best else 0.5):
            best = (likeness, axis, strength)
    return best
