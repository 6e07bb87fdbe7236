"""Stretches of chain: where a wire is drawn thin and doubted all along, no single place may show a gap.

The squares of a grid that hold thin, long parts of the piece are measured one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from studiod.imaging.types import Box, Floats, Mask, Point, Window
from studiod.risk.doubt import TORN
from studiod.risk.evidence import Evidence
from studiod.risk.regions import box_of, distance_inside, grown, worst_of
from studiod.risk.thin import diagonal_of, distance_from_thick, is_thin, label_parts, slim_of

STRETCH_FEATURES = (
    "log_area", "width", "width_share", "doubt", "doubt_share", "torn", "difference", "beside", "beyond",
    "beside_share", "slope", "missing", "softness", "parts",
)  # fmt: skip
_SIDE = 0.06  # of the photograph's long side
_LEAST_SIDE = 24
_LEAST_AREA = 12
_LONG = 0.1  # of the piece's diagonal
_REACH = 6
_CROSS = np.ones((3, 3), np.uint8)


@dataclass(frozen=True)
class Stretch:
    """A square of the crop that holds thin parts, its most doubtful place and its measurements."""

    box: Box
    worst: Point
    measured: tuple[float, ...]


def find_stretches(evidence: Evidence) -> list[Stretch]:
    """The squares that hold parts of a chain, in the order of rows; measured as STRETCH_FEATURES names."""
    if not evidence.covered.any():
        return []
    depth = distance_inside(evidence.covered)
    thin = _long_and_thin(evidence.covered, depth)
    if not thin.any():
        return []
    side = max(_LEAST_SIDE, round(_SIDE * max(evidence.frame) / evidence.scale))
    looks = [
        _look(evidence, thin, depth, window)
        for window in _squares(thin.shape, side)
        if np.count_nonzero(thin[window]) >= _LEAST_AREA
    ]
    width, doubt = _mean(looks, "depth", "ridge"), _mean(looks, "doubt", "near")
    return [Stretch(look.box, look.worst, _measure(look, width, doubt)) for look in looks]


def _long_and_thin(covered: Mask, depth: Floats) -> Mask:
    diagonal = diagonal_of(covered)
    slim = slim_of(diagonal)
    thin = is_thin(covered, distance_from_thick(depth, slim), slim)
    labels, _, is_long = label_parts(thin, _LONG * diagonal)
    long: Mask = is_long[labels]
    return long


@dataclass(frozen=True)
class _Look:
    """What is seen in one square: sums over it, its separate thin parts, its most doubtful place."""

    box: Box
    worst: Point
    parts: int
    sums: dict[str, float]

    def share(self, what: str, of: str) -> float:
        """The mean of something over the pixels of a kind."""
        return self.sums[what] / max(1.0, self.sums[of])


def _look(evidence: Evidence, thin: Mask, depth: Floats, window: Window) -> _Look:
    """What is seen in a square."""
    wide = tuple(slice(max(0, edge.start - _REACH), edge.stop + _REACH) for edge in window)
    inner = tuple(
        slice(edge.start - around.start, edge.stop - around.start)
        for edge, around in zip(window, wide, strict=True)
    )
    here, covered, deep = thin[window], evidence.covered[window], depth[window]
    near, far = (grown(thin[wide], reach)[inner] for reach in (3, _REACH))
    beside, beyond = near & ~covered, far & ~near & ~covered
    ridge = here & (deep >= np.asarray(cv2.dilate(depth[wide], _CROSS))[inner])
    doubt = np.zeros_like(deep) if evidence.doubt is None else evidence.doubt[window]
    alpha, difference = evidence.alpha[window], evidence.difference[window]
    layers = {
        "thin": here, "near": near, "beside": beside, "beyond": beyond, "ridge": ridge,
        "torn": near & (doubt > TORN), "missing": far & (difference > evidence.high) & (alpha < 0.4),
        "depth": deep * ridge, "doubt": doubt * near, "softness": alpha * (1 - alpha) * near,
        "difference": difference * here, "difference beside": difference * beside,
        "difference beyond": difference * beyond, "slope": evidence.slope[window] * beside,
    }  # fmt: skip
    return _Look(
        box=box_of(window),
        # the most doubted place along the chain; without doubt its thinnest
        worst=worst_of(window, ridge if ridge.any() else here, cv2.blur(doubt, (5, 5)) + 0.01 / (1 + deep)),
        parts=cv2.connectedComponents(here.astype(np.uint8), connectivity=8)[0] - 1,
        sums={name: float(layer.sum(dtype=np.float64)) for name, layer in layers.items()},
    )


def _squares(shape: tuple[int, ...], side: int) -> list[Window]:
    """Squares laid out from the middle, so that a turned picture has the same ones."""

    def edges(length: int) -> list[slice]:
        first = length // 2 % side - side
        starts = range(first, length, side)
        return [slice(max(0, start), min(length, start + side)) for start in starts if start + side > 0]

    return [(rows, columns) for rows in edges(shape[0]) for columns in edges(shape[1])]


def _mean(looks: Sequence[_Look], what: str, of: str) -> float:
    """The same over all squares together."""
    return sum(look.sums[what] for look in looks) / max(1.0, sum(look.sums[of] for look in looks))


def _measure(look: _Look, width: float, doubt: float) -> tuple[float, ...]:
    """The square's measurements; `width` and `doubt` are those of all thin parts together."""
    area = look.sums["thin"]
    deep, doubted = look.share("depth", "ridge"), look.share("doubt", "near")
    difference, beside = look.share("difference", "thin"), look.share("difference beside", "beside")
    return (
        float(np.log(area)), deep, deep / max(0.3, width), doubted, doubted / max(0.005, doubt),
        look.share("torn", "near"), difference, beside, look.share("difference beyond", "beyond"),
        beside / max(0.05, difference), look.share("slope", "beside"), look.sums["missing"] / area,
        look.share("softness", "near"), float(look.parts),
    )  # fmt: skip
