"""The brush of a touch-up: its sizes in pixels of the photograph, and how strokes look on the screen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from studiod.strokes import Mode, Stroke
from tui.viewport import Rectangle

Pixels = NDArray[np.uint8]
Point = tuple[float, float]

SIZES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
"""How wide the brush can be, in pixels of the photograph."""

_COVER = 0.5
_NEAREST = 0.25

MODES: tuple[Mode, ...] = ("keep", "solid", "remove")
COLOURS: dict[Mode, tuple[int, int, int]] = {
    "keep": (70, 210, 110),
    "solid": (80, 160, 255),
    "remove": (255, 70, 110),
}
MEANING: dict[Mode, str] = {
    "keep": "part of the piece runs here",
    "solid": "all under it is piece",
    "remove": "all under it is background",
}


def painted_on(stroke: Stroke, x: float, y: float) -> Stroke:
    """The stroke, painted on to a place of the photograph."""
    last_x, last_y = stroke.points[-1]
    if abs(x - last_x) < _NEAREST and abs(y - last_y) < _NEAREST:
        return stroke
    return replace(stroke, points=(*stroke.points, (x, y)))


def wider(width: float, direction: int) -> int:
    """The next size of the brush, up (1) or down (-1)."""
    if direction > 0:
        return next((size for size in SIZES if size > width), SIZES[-1])
    return next((size for size in reversed(SIZES) if size < width), SIZES[0])


def draw_strokes(pixels: Pixels, region: Rectangle, strokes: Iterable[Stroke]) -> None:
    """Tint a picture of `region` (pixels of the photograph) where strokes lie, the later ones above."""
    height, width = pixels.shape[:2]
    across, down = width / (region[2] - region[0]), height / (region[3] - region[1])
    painted = Image.new("P", (width, height), 0)
    draw = ImageDraw.Draw(painted)
    for stroke in strokes:
        ink = MODES.index(stroke.mode) + 1
        places = [((x - region[0]) * across, (y - region[1]) * down) for x, y in stroke.points]
        half_x, half_y = max(stroke.radius * across, 0.5), max(stroke.radius * down, 0.5)
        if len(places) > 1:
            draw.line(places, fill=ink, width=max(1, round(half_x + half_y)))
        for x, y in places:
            draw.ellipse((x - half_x, y - half_y, x + half_x - 1, y + half_y - 1), fill=ink)
    inks = np.asarray(painted)
    for number, mode in enumerate(MODES, 1):
        under = inks == number
        if under.any():
            tinted = pixels[under] * (1 - _COVER) + np.array(COLOURS[mode]) * _COVER
            pixels[under] = tinted.astype(np.uint8)


def draw_brush(pixels: Pixels, region: Rectangle, place: Point, mode: Mode, width: float) -> None:
    """Draw the brush's rim at a place of the photograph, or a small cross where the brush is tiny."""
    height, columns = pixels.shape[:2]
    across, down = columns / (region[2] - region[0]), height / (region[3] - region[1])
    x, y = (place[0] - region[0]) * across, (place[1] - region[1]) * down
    half_x, half_y = max(width * across / 2, 1.5), max(width * down / 2, 1.5)
    rim = Image.new("1", (columns, height))
    ImageDraw.Draw(rim).ellipse((x - half_x - 1, y - half_y - 1, x + half_x, y + half_y), outline=1)
    pixels[np.asarray(rim)] = COLOURS[mode]
