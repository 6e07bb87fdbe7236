"""Where the fine pass looks: cells of 16 x 16 pixels, and the tiles that are put together from them."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from studiod.imaging.types import Floats, Mask

Cells = NDArray[np.int64]
Tile = tuple[int, int, int, int]
"""Top, left, bottom, right in pixels, as rows and columns are counted."""

CELL = 16
"""The fine network's stride: the side of a cell, in pixels."""
MARGIN = 96
"""Pixels around a tile that only inform it: the network looks no farther, so that no tile shows."""
PRESENT = 0.12
"""Empty sets answer at most 0.06, pieces 0.5 and more."""
SETTLED = 0.9
"""What is covered more than so at half the size is not looked at again (no figure changes by it)."""
LARGEST_TILE = 1024
_BLOCK = 8  # cells along the side of what tiles are put together from
_BAND = 16 * CELL
_LONG_LINE = 0.15  # of the long side


def active_cells(photo: Floats, coarse: Floats, keep: Floats) -> Mask:
    """The cells for the fine pass: the known piece, evidence joined to it, and long lines.

    `photo` is linear, H x W x 3, `coarse` the coverage known so far, of any size, `keep` strokes, H x W; the
    answer has a value for each cell, those that reach beyond the frame too.
    """
    height, width = photo.shape[:2]
    rows, columns = -(-height // CELL), -(-width // CELL)
    extent = (columns * CELL / width * coarse.shape[1], rows * CELL / height * coarse.shape[0])
    reach = 2 * int(np.ceil(max(extent[0] / columns, extent[1] / rows))) + 3
    widened = np.asarray(cv2.dilate(coarse, np.ones((reach, reach), np.uint8)), np.float32)
    grid_x, grid_y = np.meshgrid(
        np.asarray((np.arange(columns) + 0.5) * extent[0] / columns - 0.5, np.float32),
        np.asarray((np.arange(rows) + 0.5) * extent[1] / rows - 0.5, np.float32),
    )
    found = np.asarray(cv2.remap(widened, grid_x, grid_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
    seeds, piece = found > PRESENT, found > 0.04
    if keep.any():
        marked = _cell_maximum(keep) > 0
        seeds, piece = seeds | marked, piece | marked
    evidence = _evidence(photo)
    joined = np.asarray(cv2.dilate((piece | evidence).astype(np.uint8), np.ones((3, 3), np.uint8)))
    _count, labels, facts, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    length = facts[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1)
    wanted = np.asarray(length > max(8.0, _LONG_LINE * max(rows, columns)))
    wanted[np.unique(labels[seeds])] = True
    wanted[0] = False
    return np.asarray(wanted[labels] & (piece | evidence), bool)


def settled_cells(known: Floats, shape: tuple[int, int], drawn: Sequence[Floats]) -> Mask:
    """The cells of a picture of `shape` that `known`, the answer at half its size, covers wholly.

    Their neighbours are covered, too; none lies under the strokes `drawn`.
    """
    height, width = shape
    cells = (-(-height // CELL), -(-width // CELL))
    if known.shape != (-(-height // 2), -(-width // 2)):
        return np.zeros(cells, bool)
    least = -_cell_maximum(-known, CELL // 2)
    settled = np.asarray(cv2.erode(least, np.ones((3, 3), np.uint8)) > SETTLED)
    for stroke in drawn:
        if stroke.any():
            settled &= _cell_maximum(stroke) == 0
    return settled


def _evidence(photo: Floats) -> Mask:
    """Cells that hold a fine line or an edge much stronger than the picture's common texture."""
    rows = range(0, len(photo), _BAND)
    strength = np.concatenate([_cell_maximum(_detail(photo, top, top + _BAND)) for top in rows])
    return np.asarray(strength > max(0.03, 3.0 * float(np.median(strength))), bool)


def _detail(photo: Floats, top: int, bottom: int) -> Floats:
    """What stands out of its neighbourhood of 9 x 9 pixels, in the rows from `top` to `bottom`."""
    first = max(0, top - 4)
    green = np.sqrt(np.maximum(photo[first : bottom + 4, :, 1], 0.0))
    detail: Floats = np.abs(green - cv2.blur(green, (9, 9)))[top - first :]
    return detail[: bottom - top]


def _cell_maximum(layer: Floats, side: int = CELL) -> Floats:
    """The largest value of every cell of `side` x `side` pixels."""
    height, width = layer.shape
    below, after = -height % side, -width % side
    if below or after:
        layer = np.asarray(cv2.copyMakeBorder(layer, 0, below, 0, after, cv2.BORDER_REPLICATE), np.float32)
    rows = layer.reshape(layer.shape[0] // side, side, layer.shape[1]).max(axis=1)
    cells: Floats = rows.reshape(rows.shape[0], -1, side).max(axis=2)
    return cells


def lay_tiles(active: Mask, shift: int) -> list[Tile]:
    """Rectangles (top, left, bottom, right in pixels) over the active cells, put together from blocks.

    They may overlap: their answers there are the same. `shift` moves their grid by so many pixels.
    """
    side = LARGEST_TILE // CELL
    offset = shift // CELL % side - side
    tiles = []
    for top in range(offset, active.shape[0], side):
        for left in range(offset, active.shape[1], side):
            first, start = max(0, top), max(0, left)
            blocks = _blocks(active[first : top + side, start : left + side])
            if len(blocks):
                corner = np.array([first, start, first, start])
                boxes = CELL * (_joined(blocks) + corner)
                tiles += [(y, x, bottom, right) for y, x, bottom, right in boxes.tolist()]
    return tiles


def _blocks(active: Mask) -> Cells:
    """The boxes around the active cells of each block, n x 4: top, left, bottom, right."""
    boxes = []
    for top in range(0, active.shape[0], _BLOCK):
        for left in range(0, active.shape[1], _BLOCK):
            block = active[top : top + _BLOCK, left : left + _BLOCK]
            if block.any():
                x, y, across, down = cv2.boundingRect(block.view(np.uint8))
                boxes.append((top + y, left + x, top + y + down, left + x + across))
    return np.array(boxes, np.int64)


def _joined(boxes: Cells) -> Cells:
    """The boxes, n x 4, two of them made one as long as that saves work: the two that save the most first."""
    boxes, apart = boxes.copy(), np.ones(len(boxes), bool)
    saved = np.stack([_saved(boxes, number) for number in range(len(boxes))])
    while saved.max() > 0:
        kept, gone = np.unravel_index(saved.argmax(), saved.shape)
        boxes[kept] = _around(boxes[kept], boxes[gone])
        apart[gone] = False
        saved[kept] = saved[:, kept] = np.where(apart, _saved(boxes, int(kept)), 0)
        saved[gone] = saved[:, gone] = 0
    return boxes[apart]


def _saved(boxes: Cells, number: int) -> Cells:
    """The cells that need not be looked at if each of the boxes is made one with that of this number."""
    both = _around(boxes, boxes[number])
    saved = _work(boxes) + _work(boxes[number]) - _work(both)
    saved[number] = 0
    return saved


def _around(boxes: Cells, box: Cells) -> Cells:
    """The box around each of the boxes and `box`."""
    first, last = np.minimum(boxes[..., :2], box[:2]), np.maximum(boxes[..., 2:], box[2:])
    return np.concatenate([first, last], axis=-1)


def _work(boxes: Cells) -> Cells:
    """The cells that the network looks at for each box, its margin included."""
    sides = boxes[..., 2:] - boxes[..., :2] + 2 * MARGIN // CELL
    cells: Cells = sides.prod(axis=-1)
    return cells


def copy_cells(answer: Floats, active: Mask, alpha: Floats) -> None:
    """Copy a tile's answer into its part of `alpha` where its cells are active, however it was laid."""
    height, width = alpha.shape
    wide = active.repeat(CELL, axis=0).repeat(CELL, axis=1)
    np.copyto(alpha, answer[:height, :width], where=wide[:height, :width])


def cover_cells(settled: Mask, alpha: Floats) -> None:
    """Write 1 into the settled cells."""
    for row in np.flatnonzero(settled.any(axis=1)):
        whole = settled[row].repeat(CELL)[: alpha.shape[1]]
        alpha[row * CELL : (row + 1) * CELL, whole] = 1.0
