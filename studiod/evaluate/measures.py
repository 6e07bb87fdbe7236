"""What a matte lost and kept, measured against the exact coverage of a rendered piece."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from studiod.imaging.types import Box, Bytes, Floats, Mask

METAL, STONE, PRONG, CHAIN = 1, 2, 3, 4

_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
_HOLE_PIXELS = 30
_BREAK_PIXELS = 4


@dataclass(frozen=True, slots=True)
class Score:
    """One matte's figures; None where the piece has no such part. `mae` is in thousandths."""

    mae: float
    edge_mae: float
    chain_kept: float | None
    chain_breaks: int
    prongs_lost: int
    prongs: int
    stone_kept: float | None
    metal_kept: float | None
    holes_filled: int
    holes: int
    spill: float

    @property
    def damaged(self) -> bool:
        """True where a chain is broken, a prong lost, a stone eaten or a hole filled."""
        return any(has(self) for _, has in _DAMAGES)

    @property
    def usable(self) -> bool:
        """True where the picture could go out untouched: it has none of the FAULTS."""
        return not any(has(self) for _, has in FAULTS)


Faults = tuple[tuple[str, Callable[[Score], bool]], ...]

_DAMAGES: Faults = (
    ("chain broken", lambda s: s.chain_breaks > 0),
    ("prong lost", lambda s: s.prongs_lost > 0),
    ("stone eaten", lambda s: s.stone_kept is not None and s.stone_kept < 0.98),
    ("hole filled", lambda s: s.holes_filled > 0),
)
FAULTS: Faults = (
    *_DAMAGES,
    ("metal lost", lambda s: s.metal_kept is not None and s.metal_kept < 0.98),
    ("spill", lambda s: s.spill > 0.02),
    ("edge", lambda s: s.edge_mae > 0.10),
)
"""What makes a matte unusable, by name."""


def score_matte(predicted: Floats, true: Floats, parts: Bytes, prongs: Sequence[Mapping[str, Any]]) -> Score:
    """The figures of `predicted` against `true` (H x W, 0..1).

    `parts` (H x W) holds 0 background, 1 metal, 2 stone, 3 prong, 4 chain; `prongs` their places
    (`x`, `y`, `px`, `visible`).
    """
    partly = ((true > 0.01) & (true < 0.99)).astype(np.uint8)
    band = cv2.dilate(partly, _CROSS, iterations=3).astype(bool)
    near = cv2.dilate((true > 0).astype(np.uint8), _CROSS, iterations=3).astype(bool)
    difference = np.abs(predicted - true)
    lost, seen = count_prongs(predicted, true, parts, prongs)
    filled, holes = _count_holes(predicted, true)
    return Score(
        mae=float(difference.mean() * 1000),
        edge_mae=float(difference[band].mean()) if band.any() else 0.0,
        chain_kept=_share_kept(predicted, true, parts == CHAIN),
        chain_breaks=len(find_breaks(predicted, true, parts == CHAIN)),
        prongs_lost=len(lost),
        prongs=seen,
        stone_kept=_share_kept(predicted, true, parts == STONE),
        metal_kept=_share_kept(predicted, true, parts == METAL),
        holes_filled=len(filled),
        holes=holes,
        spill=float(predicted[~near].sum() / max(float(true.sum()), 1.0)),
    )


def _share_kept(predicted: Floats, true: Floats, where: Mask) -> float | None:
    """The share of true coverage within `where` that survives; None where there is none."""
    total = float(true[where].sum())
    if total < 1:
        return None
    return float(np.minimum(predicted, true)[where].sum() / total)


def find_breaks(predicted: Floats, true: Floats, chain: Mask) -> list[Box]:
    """Boxes of the chain's gaps: runs of 4 px or more of which less than half survives."""
    if not chain.any():
        return []
    kept = _average((np.minimum(predicted, true) * chain).astype(np.float32))
    there = _average((true * chain).astype(np.float32))
    broken = chain & (true > 0.3) & (kept < 0.5 * there)
    count, _, stats, _ = cv2.connectedComponentsWithStats(broken.astype(np.uint8), connectivity=8)
    return [_box(stats[i]) for i in range(1, count) if stats[i, cv2.CC_STAT_AREA] >= _BREAK_PIXELS]


def count_prongs(
    predicted: Floats, true: Floats, parts: Bytes, prongs: Sequence[Mapping[str, Any]]
) -> tuple[list[Box], int]:
    """Boxes of the visible prongs of which less than half survives, and how many are visible."""
    height, width = true.shape
    lost = []
    seen = 0
    for prong in prongs:
        if not prong.get("visible", True):
            continue
        radius = max(1.5, prong["px"] / 2)
        left, right = int(prong["x"] - radius), int(prong["x"] + radius) + 2
        top, bottom = int(prong["y"] - radius), int(prong["y"] + radius) + 2
        if left < 0 or top < 0 or right > width or bottom > height:
            continue
        window = np.s_[top:bottom, left:right]
        here = parts[window] == PRONG
        if here.sum() < 3:
            continue
        seen += 1
        kept = _share_kept(predicted[window], true[window], here)
        if kept is not None and kept < 0.5:
            lost.append((left, top, right, bottom))
    return lost, seen


def _count_holes(predicted: Floats, true: Floats) -> tuple[list[Box], int]:
    """Boxes of see-through holes (30 px or more) whose middle is covered, and how many holes there are."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((true < 0.02).astype(np.uint8), connectivity=4)
    border = set(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]).tolist())
    filled = []
    holes = 0
    for index in range(1, count):
        if index in border or stats[index, cv2.CC_STAT_AREA] < _HOLE_PIXELS:
            continue
        holes += 1
        left, top, right, bottom = _box(stats[index])
        inside = labels[top:bottom, left:right] == index
        middle = cv2.erode(
            inside.astype(np.uint8), _CROSS, iterations=2, borderType=cv2.BORDER_CONSTANT, borderValue=0
        ).astype(bool)
        where = middle if middle.any() else inside
        if float(predicted[top:bottom, left:right][where].mean()) > 0.1:
            filled.append((left, top, right, bottom))
    return filled, holes


def _average(values: Floats) -> Floats:
    return np.asarray(cv2.blur(values, (7, 7), borderType=cv2.BORDER_REFLECT), np.float32)


def _box(stats: NDArray[np.int32]) -> Box:
    left, top, width, height = (int(value) for value in stats[:4])
    return left, top, left + width, top + height
