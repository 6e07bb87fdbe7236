"""Rectangles to show a network of a large picture: only where something is, with a margin that informs."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
Tile = tuple[int, int, int, int]
"""Top, left, bottom, right in pixels; it may reach beyond the picture's frame."""

MARGIN = 64
"""Pixels around a tile that only inform it: what lies farther off changes the answer by less than 1/255."""
LARGEST_TILE = 1024
_WORTH_SPLITTING = 8


def cover_cells(active: Mask, cell: int, shift: int = 0) -> Iterator[Tile]:
    """Tiles over the active cells of `cell` x `cell` pixels, split where that is cheaper.

    `shift` moves the grid of the largest tiles by so many cells."""
    side = LARGEST_TILE // cell
    offset = shift % side
    for top in range(offset - side if offset else 0, active.shape[0], side):
        for left in range(offset - side if offset else 0, active.shape[1], side):
            for cells in _split(active, (top, left, top + side, left + side), 2 * MARGIN // cell)[1]:
                yield cells[0] * cell, cells[1] * cell, cells[2] * cell, cells[3] * cell


def cut_window(layer: Floats, window: Tile) -> Floats:
    """The part of `layer` within a window, its edge pixels repeated beyond the frame."""
    height, width = layer.shape[:2]
    top, left, bottom, right = window
    inner = layer[max(0, top) : min(bottom, height), max(0, left) : min(right, width)]
    around = (max(0, -top), max(0, bottom - height), max(0, -left), max(0, right - width))
    if any(around):
        inner = np.asarray(cv2.copyMakeBorder(inner, *around, cv2.BORDER_REPLICATE), np.float32)
    return inner


def cell_maximum(layer: Floats, side: int) -> Floats:
    """The largest value of every cell of `side` x `side` pixels."""
    height, width = layer.shape
    below, after = -height % side, -width % side
    if below or after:
        layer = np.asarray(cv2.copyMakeBorder(layer, 0, below, 0, after, cv2.BORDER_REPLICATE), np.float32)
    rows = layer.reshape(layer.shape[0] // side, side, layer.shape[1]).max(axis=1)
    cells: Floats = rows.reshape(rows.shape[0], -1, side).max(axis=2)
    return cells


def _split(active: Mask, box: Tile, around: int) -> tuple[float, list[Tile]]:
    """The cheapest rectangles for the active cells in `box`, and their cost in cells, margins included."""
    top, left, bottom, right = max(0, box[0]), max(0, box[1]), box[2], box[3]
    inside = active[top:bottom, left:right]
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not len(rows):
        return 0.0, []
    tight = (top + int(rows[0]), left + int(columns[0]), top + int(rows[-1]) + 1, left + int(columns[-1]) + 1)
    cost = float((tight[2] - tight[0] + around) * (tight[3] - tight[1] + around))
    middle, centre = (tight[0] + tight[2]) // 2, (tight[1] + tight[3]) // 2
    if min(tight[2] - tight[0], tight[3] - tight[1]) < _WORTH_SPLITTING:
        return cost, [tight]
    quarters = [
        _split(active, part, around)
        for part in (
            (tight[0], tight[1], middle, centre),
            (tight[0], centre, middle, tight[3]),
            (middle, tight[1], tight[2], centre),
            (middle, centre, tight[2], tight[3]),
        )
    ]
    if sum(quarter[0] for quarter in quarters) < cost:
        return sum(quarter[0] for quarter in quarters), [tile for quarter in quarters for tile in quarter[1]]
    return cost, [tight]
