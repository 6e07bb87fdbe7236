"""Mirror images on a glossy table, emptied from a matte; only below the piece, where a table lies."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studiod.imaging.mirror import KEPT, contrast_of, find_images_below, share_held, show_piece
from studiod.imaging.types import Bytes, Floats


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
    """Empty mirror images kept in `alpha`, in place; their `doubt` (in 1/255) is then what was emptied.

    All are H x W, `photo` and `background` linear, H x W x 3. All goes that is below the foot of a piece with
    an image, but for what hangs together, down there, with something `spared`.
    """
    seen = show_piece(alpha, photo, background, doubt)
    if seen is None:
        return
    shown, window = seen
    frame = _Layers(alpha, doubt, photo, background, spared)
    piece, top, left = frame.part(*window), window[0].start, window[1].start
    down, across = (of / small for of, small in zip(piece.alpha.shape, shown.kept.shape, strict=True))
    for image in find_images_below(shown):
        columns = slice(int(image.columns.start * across), int(np.ceil(image.columns.stop * across)))
        foot = _find_foot(piece.part(slice(None), columns), round(image.axis * down), int(np.ceil(2 * down)))
        own = slice(left + columns.start, left + columns.stop)
        _empty(frame.part(slice(top + foot, None), slice(None)), own)


def _empty(below: _Layers, columns: slice) -> None:
    """Empty what is in the columns and hangs together with it alone: an image's edge is faint and wide."""
    _, labels = cv2.connectedComponents(np.asarray(below.alpha > 0, np.uint8), connectivity=8)
    elsewhere = below.alpha > KEPT
    elsewhere[:, columns] = False
    spared, others = (np.unique(labels[where]) for where in (below.spared > 0, elsewhere))
    emptied = np.isin(labels, np.setdiff1d(labels[:, columns], others))
    emptied[:, columns] = labels[:, columns] > 0
    emptied &= (labels > 0) & ~np.isin(labels, spared)
    below.doubt[emptied] = np.rint(255 * below.alpha[emptied])
    below.alpha[emptied] = 0


def _find_foot(piece: _Layers, near: int, reach: int) -> int:
    """The first row below the piece, near which most contrast ends, within `reach` of the row `near`."""
    step = max(1, reach // 4)
    first, last = max(0, near - reach - step), min(len(piece.alpha), near + reach + step)
    contrast = contrast_of(piece.photo[first:last], piece.background[first:last])
    kept = np.asarray(piece.alpha[first:last] > KEPT)
    held = [share_held(contrast, kept, row, step) for row in range(step, last - first - step)]
    return first + int(np.argmin(held)) + 2 * step
