"""The points of interest of a finished piece: where damage would be, whether or not any was found.

Along chains, at the tips of prongs, on the edges of stones. A person must have seen them, and the
findings' own points, before a dear piece leaves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from studiod.imaging.types import Floats, Mask, Point
from studiod.risk.findings import Finding
from studiod.risk.regions import distance_inside
from studiod.risk.thin import diagonal_of, distance_from_thick, is_thin, label_parts, slim_of

Place = tuple[str, int, int]
"""A reason ("chain", "prong", "stone_edge", or a finding's), and x, y in pixels of the photograph."""

MOST_CHOSEN = 20
_MOST_PRONGS, _MOST_STONE_EDGES = 7, 5
_LARGEST_PIXELS = 4e6
_LONG = 0.15  # a thin part of this many diagonals is a chain, a shorter one a prong
_STANDS_OUT = 1.5  # a prong's tip is this many times the slimness away from the thick parts
_AS_SHARP = 0.35
_SEEN_TOGETHER = 16


def choose_places(
    foreground: Floats, alpha: Floats, origin: Point, findings: Sequence[Finding]
) -> tuple[Place, ...]:
    """Every finding's point, and up to `MOST_CHOSEN` more along chains, at prongs and on stones' edges.

    `foreground` (linear, H x W x 3) and `alpha` (H x W) are of the piece's box, whose corner in the
    photograph is `origin`. What lies close by a finding's point is seen with it and left out.
    """
    places: list[Place] = list(dict.fromkeys((finding.reason, *finding.point) for finding in findings))
    height, width = alpha.shape
    step = max(1, int(np.ceil(np.sqrt(alpha.size / _LARGEST_PIXELS))))
    covered = _thinned(alpha >= 0.5, step)
    if not covered.any():
        return tuple(places)
    diagonal, depth = diagonal_of(covered), distance_inside(covered)
    chain, prongs = _thin_parts(covered, depth, slim_of(diagonal), diagonal)
    small = cv2.resize(foreground, covered.shape[::-1], interpolation=cv2.INTER_AREA)
    chosen = [("stone_edge", *point) for point in _stone_edges(np.asarray(small), depth, diagonal)]
    chosen += [("prong", *point) for point in _spread(prongs, _MOST_PRONGS)]
    chosen += [("chain", *point) for point in _spread(chain, MOST_CHOSEN - len(chosen))]
    for reason, x, y in reversed(chosen):
        column, row = (min(of * step + step // 2, last) for of, last in ((x, width - 1), (y, height - 1)))
        at = (origin[0] + column, origin[1] + row)
        if all(max(abs(at[0] - place[1]), abs(at[1] - place[2])) > _SEEN_TOGETHER for place in places):
            places.append((reason, *at))
    return tuple(places)


def _thinned(covered: Mask, step: int) -> Mask:
    """Every `step`th pixel, covered where any of those it stands for is: a fine chain stays whole."""
    if step == 1:
        return covered
    grown = cv2.dilate(covered.astype(np.uint8), np.ones((step, step), np.uint8))
    return np.asarray(grown[::step, ::step] > 0)


def _thin_parts(
    covered: Mask, depth: Floats, slim: float, diagonal: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The middle lines of long thin parts, and the tips of short ones that stand out; both N x (x, y)."""
    away = distance_from_thick(depth, slim)
    thin = is_thin(covered, away, slim)
    middle = thin & (depth >= cv2.dilate(depth, np.ones((3, 3), np.uint8)))
    labels, stats, is_long = label_parts(thin, _LONG * diagonal)
    tips = []
    for part in np.flatnonzero(~is_long)[1:] if np.isfinite(away).any() else ():
        left, top, width, height = (int(value) for value in stats[part, :4])
        window = np.s_[top : top + height, left : left + width]
        out = np.where(labels[window] == part, away[window], 0.0)
        row, column = np.unravel_index(int(np.argmax(out)), out.shape)
        if out[row, column] > _STANDS_OUT * slim:
            tips.append((left + int(column), top + int(row)))
    rows, columns = np.nonzero(middle & is_long[labels])
    return np.stack([columns, rows], axis=1), np.array(tips, np.int64).reshape(-1, 2)


def _stone_edges(foreground: Floats, depth: Floats, diagonal: float) -> Iterator[Point]:
    """Where the inside of the piece changes most sharply, apart from one another."""
    lightness = np.log(np.maximum(foreground.mean(axis=2), 0) + np.float32(0.01))
    across, down = (cv2.Scharr(lightness, cv2.CV_32F, *which, scale=1 / 32) for which in ((1, 0), (0, 1)))
    slope = np.where(depth > 3.0, cv2.magnitude(across, down), np.float32(0))
    reach = max(3, round(diagonal / 50))
    energy = cv2.blur(slope, (2 * reach + 1, 2 * reach + 1))
    first = float(energy.max())
    for _ in range(_MOST_STONE_EDGES):
        row, column = np.unravel_index(int(np.argmax(energy)), energy.shape)
        if energy[row, column] <= _AS_SHARP * first:
            return
        top, left = max(0, int(row) - reach), max(0, int(column) - reach)
        near = slope[top : int(row) + reach + 1, left : int(column) + reach + 1]
        y, x = np.unravel_index(int(np.argmax(near)), near.shape)
        yield left + int(x), top + int(y)
        cv2.circle(energy, (int(column), int(row)), max(2 * reach, round(diagonal / 8)), (0.0,), -1)


def _spread(points: NDArray[np.int64], most: int) -> Iterator[Point]:
    """Up to `most` of the points, each as far from those before it as can be; the outermost first."""
    if not len(points):
        return
    far = np.hypot(*(points - points.mean(axis=0)).T)
    nearest = np.full(len(points), np.inf)
    for _ in range(min(most, len(points))):
        x, y = (int(value) for value in points[int(np.argmax(far))])
        yield x, y
        nearest = np.minimum(nearest, np.hypot(*(points - (x, y)).T))
        far = nearest
