"""Mirror images on a glossy table, emptied from a matte; only below the piece, where a table lies."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from studiod.imaging.mirror import KEPT, contrast_of, find_images_below, share_held, show_small

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]


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


def empty_mirror_images(
    alpha: Floats, doubt: Bytes, photo: Floats, background: Floats, spared: Floats
) -> None:
    """Empty mirror images kept in `alpha` and the `doubt` (in 1/255) about them, in place; all H x W.

    `photo` and `background` are linear (H x W x 3). What hangs together with something `spared` stays.
    """
    left, top, width, height = cv2.boundingRect(np.asarray(alpha > KEPT, np.uint8))
    if not width:
        return
    piece = _Layers(alpha, doubt, photo, background, spared)
    piece = piece.part(slice(top, top + height), slice(left, left + width))
    shown = show_small(piece.alpha, piece.photo, piece.background, piece.doubt)
    down, across = height / shown.kept.shape[0], width / shown.kept.shape[1]
    for image in find_images_below(shown):
        wide = slice(int(image.columns.start * across), int(np.ceil(image.columns.stop * across)))
        _empty_below(piece.part(slice(None), wide), round(image.axis * down), int(np.ceil(2 * down)))


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
    contrast = contrast_of(piece.photo[first:last], piece.background[first:last])
    kept = np.asarray(piece.alpha[first:last] > KEPT)
    held = [share_held(contrast, kept, row, step) for row in range(step, last - first - step)]
    return first + int(np.argmin(held)) + 2 * step
