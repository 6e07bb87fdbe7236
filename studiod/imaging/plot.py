"""Plots of shares on a white picture: no more than reports need."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]
Points = Sequence[tuple[float, float]]

BLUE, ORANGE = (31, 119, 180), (255, 127, 14)
_INK, _FAINT = (40, 40, 40), (205, 205, 205)
_SIDE, _LEFT, _TOP, _PANEL = 300, 60, 64, 420


class Plot:
    """Square panels side by side; `largest` is the share at a panel's top, across it goes from 0 to 1."""

    def __init__(self, titles: Sequence[str], largest: Sequence[float]) -> None:
        self._picture = Image.new("RGB", (_PANEL * len(titles), 440), "white")
        self._draw, self._font = ImageDraw.Draw(self._picture), ImageFont.load_default(13)
        self._largest = tuple(largest)
        for panel, title in enumerate(titles):
            left = panel * _PANEL
            self._draw.text((left + 16, 12), title, fill=_INK, font=self._font)
            for fifth in range(6):
                share = fifth / 5
                x, low = self._place(panel, (share, 0))
                _, y = self._place(panel, (0, share * largest[panel]))
                self._draw.line((left + _LEFT, y, left + _LEFT + _SIDE, y), fill=_FAINT)
                label = f"{share * largest[panel]:.2g}"
                self._draw.text((left + 20, y - 8), label, fill=_INK, font=self._font)
                self._draw.text((x - 8, low + 8), f"{share:.1f}", fill=_INK, font=self._font)

    def legend(self, panel: int, entries: Sequence[tuple[str, Colour]]) -> None:
        """Names of the colours under the panel's title."""
        for place, (name, colour) in enumerate(entries):
            at = (panel * _PANEL + 16 + 190 * place, 34)
            self._draw.text(at, name, fill=colour, font=self._font)

    def line(self, panel: int, points: Points, colour: Colour) -> None:
        """A line through (across, upwards)."""
        self._draw.line([self._place(panel, point) for point in points], fill=colour, width=2)

    def diagonal(self, panel: int) -> None:
        """Where both are equal."""
        top = self._largest[panel]
        self._draw.line([self._place(panel, point) for point in ((0, 0), (top, top))], fill=_FAINT)

    def interval(self, panel: int, across: float, value: float, reach: tuple[float, float]) -> None:
        """A dot with its interval (low, high)."""
        (x, y), (_, bottom), (_, top) = (self._place(panel, (across, v)) for v in (value, *reach))
        self._draw.line((x, bottom, x, top), fill=BLUE)
        self._draw.ellipse((x - 3, y - 3, x + 3, y + 3), fill=BLUE)

    def save(self, path: Path) -> None:
        """Write the picture."""
        self._picture.save(path)

    def _place(self, panel: int, point: tuple[float, float]) -> tuple[float, float]:
        across, up = point
        return (
            panel * _PANEL + _LEFT + _SIDE * across,
            _TOP + _SIDE * (1 - min(1.0, up / self._largest[panel])),
        )
