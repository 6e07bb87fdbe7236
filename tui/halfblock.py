"""Pictures as terminal cells: two square pixels a cell, one above the other."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

Pixels = NDArray[np.uint8]

UPPER_HALF = "▀"


def picture_strips(pixels: Pixels) -> list[Strip]:
    """Turn an RGB picture (an even number of rows) into one strip for every two rows of pixels.

    Colours are cut to five bits a channel and equal neighbours merged: a terminal over ssh then
    keeps up with panning, and the eye sees no difference at this size.
    """
    height, width = pixels.shape[:2]
    coarse = pixels.astype(np.uint32) >> 3
    packed = (coarse[..., 0] << 10) | (coarse[..., 1] << 5) | coarse[..., 2]
    pairs = (packed[0::2] << 15) | packed[1::2]
    changes = pairs[:, 1:] != pairs[:, :-1]
    strips = []
    for row in range(height // 2):
        starts = [0, *(np.flatnonzero(changes[row]) + 1).tolist(), width]
        values = pairs[row, starts[:-1]].tolist()
        segments = [_segment(value, starts[index + 1] - starts[index]) for index, value in enumerate(values)]
        strips.append(Strip(segments, width))
    return strips


@lru_cache(maxsize=65536)
def _segment(pair: int, length: int) -> Segment:
    """A run of `length` equal cells."""
    upper, lower = pair >> 15, pair & 0x7FFF
    if upper == lower:
        return Segment(" " * length, Style(bgcolor=_colour(upper)))
    return Segment(UPPER_HALF * length, Style(color=_colour(upper), bgcolor=_colour(lower)))


@lru_cache(maxsize=32768)
def _colour(packed: int) -> Color:
    red, green, blue = packed >> 10, (packed >> 5) & 31, packed & 31
    return Color.from_rgb(*((value << 3) | (value >> 2) for value in (red, green, blue)))
