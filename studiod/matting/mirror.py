"""The piece's mirror image on a glossy table: found in a matte, and emptied.

A mirror image repeats what stands above it upside down, but fainter; and the networks, which keep one now and
then, doubt it more than they doubt the piece. A ring's own lower half is like its upper half too, but neither
fainter nor doubted. Only images below the piece are looked for: a table lies below.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

_SIDE = 220
_KEPT = 0.3
_APART = 0.02  # of the width: columns without anything kept, between one piece and the next
_LEAST_ROWS = 20
_LEAST_LENGTH = 0.1  # of the height of a piece with its image
_LEAST_SHARE = 0.08  # of what is kept
_REPEATS = 0.8
_TOLERANCE = np.ones((7, 7), np.uint8)
_FAINTER = 0.55
_DOUBTED = 1.5
_HELD = 0.35
_NEAR = 3


@dataclass(frozen=True)
class _Layers:
    """What is known of each pixel: alpha, doubt and spared H x W, photo and background H x W x 3."""

    alpha: Floats
    doubt: Bytes
    photo: Floats
    background: Floats
    spared: Floats

    def part(self, rows: slice, columns: slice) -> _Layers:
        """Views of some rows and columns."""
        return _Layers(**{name: layer[rows, columns] for name, layer in vars(self).items()})


@dataclass(frozen=True)
class _View:
    """A piece with what is below it, small: its contrast to the background, what is kept, the doubt."""

    contrast: Floats
    kept: Mask
    doubt: Floats

    def part(self, rows: slice, columns: slice) -> _View:
        """The view of some rows and columns."""
        return _View(self.contrast[rows, columns], self.kept[rows, columns], self.doubt[rows, columns])


def empty_mirror_images(
    alpha: Floats, doubt: Bytes, photo: Floats, background: Floats, spared: Floats
) -> None:
    """Empty mirror images kept in `alpha` and the `doubt` (in 1/255) about them, in place; all H x W.

    `photo` and `background` are linear (H x W x 3). What hangs together with something `spared` stays.
    """
    left, top, width, height = cv2.boundingRect(np.asarray(alpha > _KEPT, np.uint8))
    if not width:
        return
    piece = _Layers(alpha, doubt, photo, background, spared)
    piece = piece.part(slice(top, top + height), slice(left, left + width))
    view = _seen_small(piece)
    down, across = height / view.kept.shape[0], width / view.kept.shape[1]
    for axis, columns in _axes(view):
        wide = slice(int(columns.start * across), int(np.ceil(columns.stop * across)))
        _empty_below(piece.part(slice(None), wide), round(axis * down), int(np.ceil(2 * down)))


def _seen_small(piece: _Layers) -> _View:
    """The piece at most 220 px long."""
    height, width = piece.alpha.shape
    shrink = min(1.0, _SIDE / max(height, width))
    size = max(1, round(width * shrink)), max(1, round(height * shrink))

    def small(layer: Floats | Bytes) -> Floats:
        return np.asarray(cv2.resize(layer, size, interpolation=cv2.INTER_AREA), np.float32)

    contrast = _contrast(small(piece.photo), small(piece.background))
    return _View(contrast, np.asarray(small(piece.alpha) > _KEPT), small(piece.doubt))


def _contrast(photo: Floats, background: Floats) -> Floats:
    """How much they differ at each pixel, in square-root light."""
    apart = np.abs(np.sqrt(np.maximum(photo, 0)) - np.sqrt(np.maximum(background, 0)))
    return np.asarray(apart.max(axis=2), np.float32)


def _axes(view: _View) -> Iterator[tuple[int, slice]]:
    """The first row of every mirror image, and the columns that it and its piece take."""
    for columns in _pieces_beside(view.kept):
        rows = np.flatnonzero(view.kept[:, columns].any(axis=1))
        top, height = int(rows[0]), int(rows[-1] - rows[0]) + 1
        if height < _LEAST_ROWS:
            continue
        piece = view.part(slice(top, top + height), columns)
        half = (height + 1) // 2  # an image is never taller than its piece
        best, axis = max((_likeness(piece, axis), axis) for axis in range(half, height - 1))
        if best > 0:
            yield top + axis, columns


def _pieces_beside(kept: Mask) -> list[slice]:
    """The columns of pieces that stand side by side."""
    taken = np.asarray(kept.any(axis=0), np.uint8)[None]
    reach = max(1, round(_APART * kept.shape[1] / 2))
    closed = cv2.morphologyEx(taken, cv2.MORPH_CLOSE, np.ones((1, 2 * reach + 1), np.uint8))
    edges = np.flatnonzero(np.diff(np.pad(closed[0], 1).astype(np.int8)))
    return [slice(int(first), int(last)) for first, last in edges.reshape(-1, 2)]


def _likeness(piece: _View, axis: int) -> float:
    """How like an image of the rows above `axis` the ones from there on are; 0 where they are none."""
    below: Mask = piece.kept[axis:]
    above: Mask = piece.kept[:axis]
    length, amount = len(below), int(below.sum())
    turned: Mask = np.flipud(above)[:length]
    shine = np.flipud(piece.contrast[:axis])[:length]
    enough = length >= _LEAST_LENGTH * len(piece.kept) and amount >= _LEAST_SHARE * piece.kept.sum()
    if not enough or not turned.any():
        return 0.0
    near = cv2.dilate(turned.astype(np.uint8), _TOLERANCE) > 0
    repeats = float((below & near).sum()) / amount
    faint = float(np.median(piece.contrast[axis:][below])) / max(1e-3, float(np.median(shine[turned])))
    held = _held(piece.contrast, piece.kept, axis, _NEAR)
    doubted = float(piece.doubt[axis:][below].mean()) * (1 - held / _HELD)
    if (
        repeats < _REPEATS
        or faint > _FAINTER
        or doubted <= _DOUBTED * float(piece.doubt[:axis][above].mean())
    ):
        return 0.0
    return repeats + 0.3 * float((turned & below).sum()) / float(turned.sum()) - 0.5 * faint - held


def _held(contrast: Floats, kept: Mask, axis: int, reach: int) -> float:
    """The share of the contrast just above a row that goes on below it: little of it at a foot."""
    above, below = max(0, axis - reach), min(len(kept) - 1, axis + reach)
    through = kept[above] & kept[below]
    whole = float(contrast[above][kept[above]].sum())
    return float(contrast[below][through].sum()) / max(1e-3, whole)


def _empty_below(piece: _Layers, near: int, reach: int) -> None:
    """Empty what is below the foot, within `reach` of the row `near`, but not what touches a spared pixel."""
    foot = _find_foot(piece, near, reach)
    alpha, spared = piece.alpha[foot:], piece.spared[foot:]
    shown = np.asarray(alpha > 0, np.uint8)
    if spared.any():
        _, labels = cv2.connectedComponents(shown, connectivity=8)
        shown[np.isin(labels, np.unique(labels[spared > 0]))] = 0
    alpha[shown > 0] = 0
    piece.doubt[foot:][shown > 0] = 0


def _find_foot(piece: _Layers, near: int, reach: int) -> int:
    """The first row below the piece: the one within `reach` of `near` where most contrast ends."""
    step = max(1, reach // 4)
    first, last = max(0, near - reach - step), min(len(piece.alpha), near + reach + step)
    contrast = _contrast(piece.photo[first:last], piece.background[first:last])
    kept = np.asarray(piece.alpha[first:last] > _KEPT)
    held = [_held(contrast, kept, row, step) for row in range(step, last - first - step)]
    return first + int(np.argmin(held)) + 2 * step
