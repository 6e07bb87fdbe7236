"""Where one looks: a place on the photograph and how many cell pixels a photograph pixel gets."""

from __future__ import annotations

from dataclasses import dataclass, replace

Rectangle = tuple[float, float, float, float]

ZOOMS = (1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True, slots=True)
class Viewport:
    """A window of `width` x `height` cell pixels, centred on (x, y) of the photograph at `zoom`.

    `fitted` says that the whole of a view was asked for and nothing was moved since.
    """

    width: int
    height: int
    x: float = 0.0
    y: float = 0.0
    zoom: float = 1.0
    fitted: bool = False

    @property
    def region(self) -> Rectangle:
        """What is in the window, in pixels of the photograph."""
        half_width, half_height = self.width / self.zoom / 2, self.height / self.zoom / 2
        return self.x - half_width, self.y - half_height, self.x + half_width, self.y + half_height

    def fit(self, bounds: Rectangle) -> Viewport:
        """The whole of `bounds`, as large as it goes."""
        left, top, right, bottom = bounds
        zoom = min(self.width / max(right - left, 1e-9), self.height / max(bottom - top, 1e-9))
        return replace(self, x=(left + right) / 2, y=(top + bottom) / 2, zoom=zoom, fitted=True)

    def resized(self, width: int, height: int) -> Viewport:
        """The same place and zoom in a window of another size."""
        return replace(self, width=width, height=height)

    def look_at(self, x: float, y: float, zoom: float) -> Viewport:
        """A place at a zoom."""
        return replace(self, x=x, y=y, zoom=zoom, fitted=False)

    def zoomed(self, zoom: float, anchor: tuple[float, float] | None = None) -> Viewport:
        """Another zoom; what lies under `anchor` (cell pixels in the window) stays under it."""
        at_x, at_y = anchor or (self.width / 2, self.height / 2)
        under_x, under_y = self.place(at_x, at_y)
        x = under_x - (at_x - self.width / 2) / zoom
        y = under_y - (at_y - self.height / 2) / zoom
        return self.look_at(x, y, zoom)

    def panned(self, right: float, down: float) -> Viewport:
        """Moved by cell pixels."""
        return self.look_at(self.x + right / self.zoom, self.y + down / self.zoom, self.zoom)

    def kept_on(self, bounds: Rectangle) -> Viewport:
        """Moved back so that its middle stays on `bounds`."""
        left, top, right, bottom = bounds
        return replace(self, x=min(max(self.x, left), right), y=min(max(self.y, top), bottom))

    def place(self, across: float, down: float) -> tuple[float, float]:
        """The photograph's place under a cell pixel of the window."""
        left, top, _, _ = self.region
        return left + across / self.zoom, top + down / self.zoom

    def step(self, direction: int) -> float:
        """The next fixed zoom up (1) or down (-1) from here."""
        if direction > 0:
            return next((zoom for zoom in ZOOMS if zoom > self.zoom * 1.001), ZOOMS[-1])
        return next((zoom for zoom in reversed(ZOOMS) if zoom < self.zoom * 0.999), self.zoom)
