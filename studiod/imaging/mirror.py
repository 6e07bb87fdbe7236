"""The mirror image of a piece on a glossy table, where a matte keeps it.

A mirror image repeats what stands above it upside down, but fainter; and networks that keep one doubt it more
than they doubt the piece. A ring's lower half is like its upper half too, but neither fainter nor doubted.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studiod.imaging.types import Bytes, Floats, Mask, Window

KEPT = 0.3
"""Alpha above which a pixel counts as kept."""
_SIDE = 220
_APART = 0.02  # of the width: columns without anything kept between one piece and the next
_LEAST_ROWS = 20
_LEAST_LENGTH = 0.1  # of the height of a piece with its image
_LEAST_SHARE = 0.08  # of what is kept
_REPEATS = 0.8
_TOLERANCE = np.ones((7, 7), np.uint8)
_FAINTER, _FAINTER_UNDOUBTED = 0.55, 0.5
_DOUBTED = 1.5
_HELD, _HELD_UNDOUBTED = 0.35, 0.2
_NEAR = 3
_STANDS = 0.05  # of the height: a piece ends no farther than this above the axis of its image
"""All chosen on 177 renders, 588 pieces set on other plates and 27 real photographs, in which the rules find
nothing but mirror images."""


@dataclass(frozen=True)
class Shown:
    """A piece and what lies around it: contrast to the background, what is kept, the doubt; all H x W."""

    contrast: Floats
    kept: Mask
    doubt: Floats | None

    def part(self, rows: slice, columns: slice) -> Shown:
        """Some rows and columns."""
        doubt = None if self.doubt is None else self.doubt[rows, columns]
        return Shown(self.contrast[rows, columns], self.kept[rows, columns], doubt)

    def turned(self, quarters: int) -> Shown:
        """The same, turned by quarters of a circle."""
        doubt = None if self.doubt is None else np.rot90(self.doubt, quarters)
        return Shown(np.rot90(self.contrast, quarters), np.rot90(self.kept, quarters), doubt)


@dataclass(frozen=True)
class MirrorImage:
    """The rows from `axis` on, within `columns`; `likeness` 0..1.3, `strength` against the piece 0..0.55."""

    axis: int
    columns: slice
    likeness: float
    strength: float


def show_piece(
    alpha: Floats, photo: Floats, background: Floats, doubt: Bytes | None
) -> tuple[Shown, Window] | None:
    """What `alpha` keeps, at most 220 px long, and its rows and columns in the frame; None where nothing is.

    `alpha` and `doubt` are H x W, `photo` and `background` linear, H x W x 3.
    """
    left, top, width, height = cv2.boundingRect(np.asarray(alpha > KEPT, np.uint8))
    if not width:
        return None
    window = slice(top, top + height), slice(left, left + width)
    shrink = min(1.0, _SIDE / max(height, width))
    size = max(1, round(width * shrink)), max(1, round(height * shrink))

    def small(layer: Floats | Bytes) -> Floats:
        return np.asarray(cv2.resize(layer[window], size, interpolation=cv2.INTER_AREA), np.float32)

    contrast = contrast_of(small(photo), small(background))
    kept = np.asarray(small(alpha) > KEPT)
    return Shown(contrast, kept, None if doubt is None else small(doubt)), window


def contrast_of(photo: Floats, background: Floats) -> Floats:
    """How much two linear pictures (H x W x 3) differ at each pixel, in square-root light."""
    apart = np.abs(np.sqrt(np.maximum(photo, 0)) - np.sqrt(np.maximum(background, 0)))
    return np.asarray(apart.max(axis=2), np.float32)


def find_images_below(shown: Shown) -> list[MirrorImage]:
    """The mirror images kept below the pieces, one for each piece at most."""
    images = []
    for columns in _pieces_beside(shown.kept):
        rows = np.flatnonzero(shown.kept[:, columns].any(axis=1))
        top, height = int(rows[0]), int(rows[-1] - rows[0]) + 1
        if height < _LEAST_ROWS:
            continue
        piece = shown.part(slice(top, top + height), columns)
        half = (height + 1) // 2  # an image is never taller than its piece
        best, axis = max((_compare(piece, axis), axis) for axis in range(half, height - 1))
        if best[0] > 0:
            images.append(MirrorImage(top + axis, columns, *best))
    return images


def _pieces_beside(kept: Mask) -> list[slice]:
    """The columns of pieces that stand side by side."""
    taken = np.asarray(kept.any(axis=0), np.uint8)[None]
    reach = max(1, round(_APART * kept.shape[1] / 2))
    closed = cv2.morphologyEx(taken, cv2.MORPH_CLOSE, np.ones((1, 2 * reach + 1), np.uint8))
    edges = np.flatnonzero(np.diff(np.pad(closed[0], 1).astype(np.int8)))
    return [slice(int(first), int(last)) for first, last in edges.reshape(-1, 2)]


def _compare(piece: Shown, axis: int) -> tuple[float, float]:
    """How like an image the rows from `axis` on are of those above, and how strong; 0, 0 if they are none."""
    below: Mask = piece.kept[axis:]
    length, amount = len(below), int(below.sum())
    turned: Mask = np.flipud(piece.kept[:axis])[:length]
    shine = np.flipud(piece.contrast[:axis])[:length]
    enough = length >= _LEAST_LENGTH * len(piece.kept) and amount >= _LEAST_SHARE * piece.kept.sum()
    if not enough or not turned.any():
        return 0.0, 0.0
    foot = int(np.flatnonzero(piece.kept[:axis].any(axis=1))[-1]) + 1
    if axis - foot > max(2, _STANDS * len(piece.kept)):
        return 0.0, 0.0
    near = cv2.dilate(turned.astype(np.uint8), _TOLERANCE) > 0
    repeats = float((below & near).sum()) / amount
    strength = float(np.median(piece.contrast[axis:][below])) / max(1e-3, float(np.median(shine[turned])))
    held = share_held(piece.contrast, piece.kept, axis, _NEAR)
    if repeats < _REPEATS or not _is_reflected(piece, axis, strength, held):
        return 0.0, 0.0
    filled = float((turned & below).sum()) / float(turned.sum())
    return repeats + 0.3 * filled - 0.5 * strength - held, strength


def _is_reflected(piece: Shown, axis: int, strength: float, held: float) -> bool:
    """Whether the rows from `axis` on are faint and doubted enough for an image, or a piece of their own."""
    if piece.doubt is None:
        return strength <= _FAINTER_UNDOUBTED and held <= _HELD_UNDOUBTED
    below = float(piece.doubt[axis:][piece.kept[axis:]].mean())
    above = float(piece.doubt[:axis][piece.kept[:axis]].mean())
    # what goes on across the axis speaks for one piece, and must be outweighed by doubt
    return strength <= _FAINTER and below * (1 - held / _HELD) > _DOUBTED * max(1.0, above)


def share_held(contrast: Floats, kept: Mask, axis: int, reach: int) -> float:
    """The share of the contrast of what is kept just above a row that goes on below it: little at a foot."""
    above, below = max(0, axis - reach), min(len(kept) - 1, axis + reach)
    through = kept[above] & kept[below]
    whole = float(contrast[above][kept[above]].sum())
    return float(contrast[below][through].sum()) / max(1e-3, whole)
