"""The thin parts of a piece: chains, wires and prongs, told from what is thick."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from studiod.imaging.types import Floats, Mask
from studiod.risk.regions import bounds_of, distance_inside

Labels = NDArray[np.int32]

_SLIM = 0.01  # half the width of what counts as thin, in diagonals of the piece
_LEAST = 2.0


def diagonal_of(covered: Mask) -> float:
    """The diagonal of the box of what is covered (something is), in pixels."""
    left, top, right, bottom = bounds_of(covered)
    return float(np.hypot(bottom - top, right - left))


def slim_of(diagonal: float) -> float:
    """Half the width, in pixels, up to which something is thin on a piece of that diagonal."""
    return max(_LEAST, _SLIM * diagonal)


def distance_from_thick(depth: Floats, slim: float) -> Floats:
    """Each pixel's distance from the thick parts of a piece of that `depth`; infinite where it has none.

    Thick is what lies deeper than `slim` in parts that are twice as deep somewhere: no mere knot of a chain.
    """
    _, labels = cv2.connectedComponents((depth > slim).astype(np.uint8), connectivity=8)
    thick = np.isin(labels, np.unique(labels[depth > 2 * slim]))
    return distance_inside(~thick) if thick.any() else np.full_like(depth, np.inf)


def is_thin(covered: Mask, away: Floats, slim: float) -> Mask:
    """What is covered and so far `away` from the thick parts that it is none of their rim."""
    thin: Mask = covered & (away > slim + 1.5)
    return thin


def label_parts(thin: Mask, least: float) -> tuple[Labels, Labels, Mask]:
    """The labels of separate parts and their statistics (both as OpenCV has them), and which are longer."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(thin.astype(np.uint8), connectivity=8)
    long = np.hypot(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]) > least
    long[0] = False
    return np.asarray(labels, np.int32), np.asarray(stats, np.int32), np.asarray(long)
