"""What was on the screen: which view, which part of the photograph, at which zoom, for how long."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from studiod.ledger.records import Look
from tui.pictures import Rectangle, View

_GLANCE = 0.1


class LookLog:
    """Collects one person's looks at one version: each window counts for as long as it stays.

    `earlier` are the looks that the ledger has already.
    """

    def __init__(self, earlier: Sequence[Look] = (), clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept = list(earlier)
        self._new: list[Look] = []
        self._now: dict[str, tuple[View, Rectangle, float, float]] = {}

    @property
    def is_looking(self) -> bool:
        """Whether any window shows something just now."""
        return bool(self._now)

    def see(self, window: str, view: View, region: Rectangle, zoom: float) -> None:
        """A window of the screen shows this from now on."""
        before = self._now.get(window)
        if before is not None and before[:3] == (view, region, zoom):
            return
        self.away(window)
        self._now[window] = (view, region, zoom, self._clock())

    def away(self, window: str) -> None:
        """A window shows nothing any more."""
        before = self._now.pop(window, None)
        if before is not None:
            self._new += self._lasting(*before)

    def looks(self) -> tuple[Look, ...]:
        """Every look so far, those that last still included."""
        lasting = [look for before in self._now.values() for look in self._lasting(*before)]
        return (*self._kept, *self._new, *lasting)

    def take(self, *, lasting: bool = True) -> tuple[Look, ...]:
        """The looks that the ledger has not got yet, or only those that are over: it has them from now on."""
        for window, (view, region, zoom, _) in list(self._now.items()) if lasting else []:
            self.away(window)
            self.see(window, view, region, zoom)
        taken, self._new = tuple(self._new), []
        self._kept += taken
        return taken

    def give_back(self, taken: Sequence[Look]) -> None:
        """The ledger has not got these after all."""
        for look in taken:
            self._kept.remove(look)
        self._new = [*taken, *self._new]

    def _lasting(self, view: View, region: Rectangle, zoom: float, since: float) -> list[Look]:
        seconds = round(self._clock() - since, 2)
        return [Look(view.value, region, zoom, seconds)] if seconds >= _GLANCE else []
