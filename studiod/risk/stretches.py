"""Stretches of chain: where a wire is drawn thin and doubted all along, no single place may show a gap.

The squares of a grid that hold thin, long parts of the piece are measured one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from studiod.risk.evidence import Evidence
from studiod.risk.findings import Box
from studiod.risk.thin import diagonal_of, distance_from_thick, distance_inside, is_thin, slim_of

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
Window = tuple[slice, slice]

STRETCH_FEATURES = (
    "log_area", "width", "width_share", "doubt", "doubt_share", "torn", "difference", "beside", "beyond",
    "beside_share", "slope", "missing", "softness", "parts",
)  # fmt: skip
_SIDE = 0.06  # of the photograph's long side
_LEAST_SIDE = 24
_LEAST_AREA = 12
_LONG = 0.1  # of the piece's diagonal
_TORN = 0.2
_REACH = 6
_CROSS = np.ones((3, 3), np.uint8)


@dataclass(frozen=True)
class Stretch:
    """A square of the crop that holds thin parts, its most doubtful place and its measurements."""

    box: Box
    worst: tuple[int, int]
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
    seen = [
        (window, _look(evidence, thin, depth, window))
        for window in _squares(thin.shape, side)
        if np.count_nonzero(thin[window]) >= _LEAST_AREA
    ]
    width, doubt = _mean(seen, "depth", "ridge"), _mean(seen, "doubt", "near")
    return [
        Stretch(
            (window[1].start, window[0].start, window[1].stop, window[0].stop),
            _worst(here, window),
            _measure(here, width, doubt),
        )
        for window, here in seen
    ]


def _long_and_thin(covered: Mask, depth: Floats) -> Mask:
    diagonal = diagonal_of(covered)
    slim = slim_of(diagonal)
    thin = is_thin(covered, distance_from_thick(depth, slim), slim)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(thin.astype(np.uint8), connectivity=8)
    lengthy = np.hypot(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]) > _LONG * diagonal
    lengthy[0] = False
    long: Mask = lengthy[labels]
    return long


def _look(evidence: Evidence, thin: Mask, depth: Floats, window: Window) -> dict[str, Floats]:
    """What is summed up over a square."""
    wide = tuple(slice(max(0, edge.start - _REACH), edge.stop + _REACH) for edge in window)
    inner = tuple(
        slice(edge.start - around.start, edge.stop - around.start)
        for edge, around in zip(window, wide, strict=True)
    )
    here, covered, deep = thin[window], evidence.covered[window], depth[window]
    near, far = (_grown(thin[wide], reach)[inner] for reach in (3, _REACH))
    beside, beyond = near & ~covered, far & ~near & ~covered
    ridge = here & (deep >= np.asarray(cv2.dilate(depth[wide], _CROSS))[inner])
    doubt = np.zeros_like(deep) if evidence.doubt is None else evidence.doubt[window]
    alpha, difference = evidence.alpha[window], evidence.difference[window]
    layers = {
        "thin": here, "near": near, "beside": beside, "beyond": beyond, "ridge": ridge,
        "torn": near & (doubt > _TORN), "missing": far & (difference > evidence.high) & (alpha < 0.4),
        "depth": deep * ridge, "doubt": doubt * near, "softness": alpha * (1 - alpha) * near,
        "difference": difference * here, "difference beside": difference * beside,
        "difference beyond": difference * beyond, "slope": evidence.slope[window] * beside,
    }  # fmt: skip
    return {name: np.asarray(layer, np.float32) for name, layer in layers.items()}


def _grown(mask: Mask, reach: int) -> Mask:
    square = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    return np.asarray(cv2.dilate(mask.astype(np.uint8), square) > 0)


def _squares(shape: tuple[int, ...], side: int) -> list[Window]:
    """Squares laid out from the middle, so that a turned picture has the same ones."""

    def edges(length: int) -> list[slice]:
        first = length // 2 % side - side
        starts = range(first, length, side)
        return [slice(max(0, start), min(length, start + side)) for start in starts if start + side > 0]

    return [(rows, columns) for rows in edges(shape[0]) for columns in edges(shape[1])]


def _share(here: dict[str, Floats], what: str, of: str) -> float:
    return float(here[what].sum()) / max(1.0, float(here[of].sum()))


def _mean(seen: Sequence[tuple[Window, dict[str, Floats]]], what: str, of: str) -> float:
    """The same over all squares together."""
    whole = (sum(float(here[name].sum()) for _, here in seen) for name in (what, of))
    return next(whole) / max(1.0, next(whole))


def _measure(here: dict[str, Floats], width: float, doubt: float) -> tuple[float, ...]:
    """The square's measurements; `width` and `doubt` are those of all thin parts together."""
    area, deep, doubted = (
        float(here["thin"].sum()),
        _share(here, "depth", "ridge"),
        _share(here, "doubt", "near"),
    )
    difference, beside = _share(here, "difference", "thin"), _share(here, "difference beside", "beside")
    parts = cv2.connectedComponents(here["thin"].astype(np.uint8), connectivity=8)[0] - 1
    return (
        float(np.log(area)), deep, deep / max(0.3, width), doubted, doubted / max(0.005, doubt),
        _share(here, "torn", "near"), difference, beside, _share(here, "difference beyond", "beyond"),
        beside / max(0.05, difference), _share(here, "slope", "beside"), float(here["missing"].sum()) / area,
        _share(here, "softness", "near"), float(parts),
    )  # fmt: skip


def _worst(here: dict[str, Floats], window: Window) -> tuple[int, int]:
    """The most doubted place along the chain; without doubt its thinnest."""
    ridge = here["ridge"] > 0 if here["ridge"].any() else here["thin"] > 0
    doubt = cv2.blur(here["doubt"], (5, 5))
    how_bad = np.where(ridge, doubt + 0.01 / (1 + here["depth"]), -1.0)
    row, column = np.unravel_index(int(np.argmax(how_bad)), how_bad.shape)
    return window[1].start + int(column), window[0].start + int(row)
