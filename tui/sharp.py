"""Real pixels, where the terminal can show them: Kitty's graphics protocol, or Sixel."""

from __future__ import annotations

import re
from base64 import standard_b64encode
from zlib import compress

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tui.terminal import Graphics

Pixels = NDArray[np.uint8]

_CHUNK = 4096
_SIXEL_COLOURS = 128
_RUN = re.compile(r"(.)\1{3,}")


def place_picture(
    protocol: Graphics,
    number: int,
    pixels: Pixels,
    at: tuple[int, int],
    cells: tuple[int, int],
) -> str:
    """The sequence that lays a picture over `cells` (columns, rows) of the screen from column and row `at`.

    `number` names the picture, so that it can be cleared and that the next of this number takes its place.
    """
    drawn = _kitty(pixels, number, cells) if protocol == "kitty" else _sixel(pixels)
    return f"\x1b7\x1b[{at[1] + 1};{at[0] + 1}H{drawn}\x1b8"


def clear_picture(protocol: Graphics, number: int) -> str:
    """The sequence that takes a picture away; over Sixel one only writes."""
    return f"\x1b_Ga=d,d=I,i={number},q=2\x1b\\" if protocol == "kitty" else ""


def _kitty(pixels: Pixels, number: int, cells: tuple[int, int]) -> str:
    height, width = pixels.shape[:2]
    data = standard_b64encode(compress(pixels.tobytes(), 1)).decode("ascii")
    keys = f"a=T,f=24,o=z,s={width},v={height},c={cells[0]},r={cells[1]},C=1,q=2,i={number},p=1,"
    parts = []
    for start in range(0, len(data), _CHUNK):
        more = int(start + _CHUNK < len(data))
        parts.append(f"\x1b_G{keys}m={more};{data[start : start + _CHUNK]}\x1b\\")
        keys = ""
    return "".join(parts)


def _sixel(pixels: Pixels) -> str:
    """Bands of six rows; in each the cells of one colour after the other, as bits of a letter."""
    height, width = pixels.shape[:2]
    picture = Image.fromarray(pixels).quantize(_SIXEL_COLOURS, Image.Quantize.FASTOCTREE)
    palette = np.array(picture.getpalette(), np.float64).reshape(-1, 3) * 100 / 255
    inks = np.full((-(-height // 6) * 6, width), 255, np.uint8)
    inks[:height] = np.asarray(picture)
    parts = [f'\x1bP0;1q"1;1;{width};{height}']
    parts += [f"#{ink};2;{red:.0f};{green:.0f};{blue:.0f}" for ink, (red, green, blue) in enumerate(palette)]
    bits = (1 << np.arange(6, dtype=np.uint8))[:, None]
    for top in range(0, height, 6):
        band = inks[top : top + 6]
        for ink in np.unique(band[: height - top]):
            letters = ((band == ink) * bits).sum(axis=0, dtype=np.uint8) + 63
            line = letters.tobytes().decode("ascii").rstrip("?")
            parts.append(f"#{ink}{_RUN.sub(lambda run: f'!{len(run[0])}{run[1]}', line)}$")
        parts.append("-")
    parts.append("\x1b\\")
    return "".join(parts)
