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
_COARSE = np.array([(value & 0xF8) | (value >> 5) for value in range(256)], np.uint8)


def picture_strips(pixels: Pixels, *, coarse: bool = False) -> list[Strip]:
    """Turn an RGB picture (an even number of rows) into one strip for every two rows of pixels.

    Equal neighbours are merged. `coarse` cuts colours to five bits a channel, so that more are equal: a
    terminal over ssh then keeps up while a picture moves.
    """
    height, width = pixels.shape[:2]
    channels = (_COARSE[pixels] if coarse else pixels).astype(np.int64)
    packed = (channels[..., 0] << 16) | (channels[..., 1] << 8) | channels[..., 2]
    pairs = (packed[0::2] << 24) | packed[1::2]
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
    upper, lower = pair >> 24, pair & 0xFFFFFF
    if upper == lower:
        return Segment(" " * length, Style(bgcolor=_colour(upper)))
    return Segment(UPPER_HALF * length, Style(color=_colour(upper), bgcolor=_colour(lower)))


@lru_cache(maxsize=65536)
def _colour(packed: int) -> Color:
    return Color.from_rgb(packed >> 16, (packed >> 8) & 255, packed & 255)
