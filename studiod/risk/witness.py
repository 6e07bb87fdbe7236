"""The witness: a small network that says where a matte is wrong, from photograph, background and matte.

It never sees what the matting network thinks, and was trained on wrong mattes of every kind
(`studiod.matting.training`, pass `witness`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from studiod.imaging.planes import write_planes
from studiod.imaging.tiles import MARGIN, cell_maximum, cover_cells, cut_window
from studiod.sessions import open_session

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

SHIPPED = Path(__file__).with_name("witness.onnx")
_CELL = 32
_THERE, _WHOLE = 0.02, 0.98
_MOST = 2.5e6
"""More pixels than these are looked at half as large: the risk may take half the matte's time."""


@dataclass(frozen=True)
class Statement:
    """What the witness expects of each pixel, H x W, 0..1.

    Coverage `lost` and `left` over; the chance that it belongs to a `broken` chain or lost prong, and to a
    `filled` hole.
    """

    lost: Floats
    left: Floats
    broken: Floats
    filled: Floats


class Witness:
    """The network behind one call; its session is built once and used for every picture."""

    def __init__(self, path: Path = SHIPPED, threads: int = 0) -> None:
        self._session = open_session(path, threads, "cpu")

    def __call__(self, photo: Floats, background: Floats, alpha: Floats, unlike: Mask) -> Statement:
        """Its statement about `alpha` (H x W) of `photo` (linear, H x W x 3) before `background`.

        It looks at the matte's edges and where covered is not what is `unlike` the background (H x W), and
        around; where that is much, at half the size.
        """
        return Statement(*self._look(photo, background, alpha, unlike))

    def _look(self, photo: Floats, background: Floats, alpha: Floats, unlike: Mask) -> Floats:
        height, width = alpha.shape
        tiles = list(cover_cells(_worth_a_look(alpha, unlike), _CELL))
        if sum((tile[2] - tile[0] + 2 * MARGIN) * (tile[3] - tile[1] + 2 * MARGIN) for tile in tiles) > _MOST:
            size = (-(-width // 2), -(-height // 2))
            layers = (
                cv2.resize(layer, size, interpolation=cv2.INTER_AREA) for layer in (photo, background, alpha)
            )
            seen, behind, matte = (np.asarray(layer, np.float32) for layer in layers)
            said = self._look(seen, behind, matte, cv2.resize(unlike.astype(np.uint8), size) > 0)
            return np.stack([np.asarray(cv2.resize(layer, (width, height)), np.float32) for layer in said])
        said = np.zeros((4, height, width), np.float32)
        for top, left, bottom, right in tiles:
            window = (top - MARGIN, left - MARGIN, bottom + MARGIN, right + MARGIN)
            picture = witness_input(*(cut_window(layer, window) for layer in (photo, background, alpha)))
            answer = self._session.run(None, {"picture": picture[None]})[0][0]
            bottom, right = min(bottom, height), min(right, width)
            inner = np.s_[:, MARGIN : MARGIN + bottom - top, MARGIN : MARGIN + right - left]
            said[:, top:bottom, left:right] = answer[inner]
        return said


def _worth_a_look(alpha: Floats, unlike: Mask) -> Mask:
    """Cells where the matte ends, or where matte and photograph disagree, and their neighbours."""
    ends = (cell_maximum(alpha, _CELL) > _THERE) & (cell_maximum(-alpha, _CELL) > -_WHOLE)
    disputed = cell_maximum(((alpha >= 0.5) != unlike).astype(np.float32), _CELL) > 0
    return np.asarray(cv2.dilate((ends | disputed).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)


@lru_cache(maxsize=1)
def load_witness(threads: int = 0) -> Witness:
    """The shipped witness; `threads` 0 lets onnxruntime choose."""
    return Witness(threads=threads)


def witness_input(photo: Floats, background: Floats, alpha: Floats) -> Floats:
    """The network's input, 7 x H x W: what every network is shown (`write_planes`), and the matte."""
    stacked = np.empty((7, *alpha.shape), np.float32)
    write_planes(photo, background, stacked[:6])
    stacked[6] = alpha
    return stacked
