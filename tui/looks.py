"""What was on the screen: which view, which part of the photograph, at which zoom, for how long."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from tui.pictures import Rectangle, View

POINT_ZOOM = 2.0
POINT_EDGE = 8.0
POINT_SECONDS = 0.5
_GLANCE = 0.1


@dataclass(frozen=True, slots=True)
class Look:
    """One window that stayed on the screen: `region` in pixels of the photograph."""

    view: View
    region: Rectangle
    zoom: float
    seconds: float

    def shows(self, point: tuple[int, int]) -> bool:
        """Whether a point was inside, at least `POINT_EDGE` pixels from the edge, at 200 % or more."""
        left, top, right, bottom = self.region
        return (
            self.zoom >= POINT_ZOOM
            and left + POINT_EDGE <= point[0] <= right - POINT_EDGE
            and top + POINT_EDGE <= point[1] <= bottom - POINT_EDGE
        )


class LookLog:
    """Collects looks at one version: each window counts for as long as it stays."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._looks: list[Look] = []
        self._now: dict[str, tuple[View, Rectangle, float, float]] = {}

    def see(self, place: str, view: View, region: Rectangle, zoom: float) -> None:
        """The window at `place` of the screen shows this from now on."""
        before = self._now.get(place)
        if before is not None and before[:3] == (view, region, zoom):
            return
        self.away(place)
        self._now[place] = (view, region, zoom, self._clock())

    def away(self, place: str) -> None:
        """The window at `place` shows nothing any more."""
        before = self._now.pop(place, None)
        if before is not None:
            view, region, zoom, since = before
            seconds = self._clock() - since
            if seconds >= _GLANCE:
                self._looks.append(Look(view, region, zoom, round(seconds, 2)))

    def looks(self) -> tuple[Look, ...]:
        """Every look so far, those that last still included."""
        now = self._clock()
        lasting = (
            Look(view, region, zoom, round(now - since, 2))
            for view, region, zoom, since in self._now.values()
        )
        return (*self._looks, *(look for look in lasting if look.seconds >= _GLANCE))

    def seen(self, point: tuple[int, int]) -> bool:
        """Whether a point was looked at closely, and for long enough."""
        return sum(look.seconds for look in self.looks() if look.shows(point)) >= POINT_SECONDS
