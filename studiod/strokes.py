"""Brush strokes: what a person paints where the matte is wrong; the ledger keeps it, the matte obeys it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from studiod.errors import StudioError

Mode = Literal["keep", "solid", "remove"]

SMALLEST_RADIUS, LARGEST_RADIUS = 0.5, 500.0
MOST_POINTS = 200_000


@dataclass(frozen=True)
class Stroke:
    """A brush stroke: polyline of (x, y) and brush radius in pixels of the upright photograph, and its mode.

    `keep`: all along it the piece is met within the brush; `solid`: all under it is piece; `remove`: none is.
    """

    points: tuple[tuple[float, float], ...]
    radius: float
    mode: Mode


def strokes_to_json(strokes: Sequence[Stroke]) -> list[dict[str, Any]]:
    """Strokes as plain lists and objects; StudioError where one is none that the matte could obey."""
    if sum(len(stroke.points) for stroke in strokes) > MOST_POINTS:
        raise StudioError(f"A stroke layer has at most {MOST_POINTS:,} points.", "Save what you have first.")
    for stroke in strokes:
        numbers = [stroke.radius, *(value for point in stroke.points for value in point)]
        whole = bool(stroke.points) and stroke.mode in get_args(Mode) and all(map(math.isfinite, numbers))
        if not whole or not SMALLEST_RADIUS <= stroke.radius <= LARGEST_RADIUS:
            raise StudioError(
                "A stroke needs a mode, a place and a brush of a possible size.",
                f"Modes are {', '.join(get_args(Mode))}; radii {SMALLEST_RADIUS:g} to {LARGEST_RADIUS:g} px.",
            )
    return [
        {
            "mode": stroke.mode,
            "radius": float(stroke.radius),
            "points": [list(point) for point in stroke.points],
        }
        for stroke in strokes
    ]


def strokes_from_json(told: Sequence[dict[str, Any]]) -> tuple[Stroke, ...]:
    """The strokes that `strokes_to_json` wrote."""
    return tuple(
        Stroke(tuple((x, y) for x, y in each["points"]), each["radius"], each["mode"]) for each in told
    )
