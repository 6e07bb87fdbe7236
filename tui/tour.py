"""The way that `n` takes through a piece: its findings, closer each time, then the other places."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tui.desk import Finding
from tui.pictures import View

_ZOOMS = (2.0, 4.0)


@dataclass(frozen=True, slots=True)
class Step:
    """Where `n` goes: a spot at a zoom; `view` is None where both are side by side.

    Spots are the findings, then the places that the daemon chose.
    """

    spot: int
    zoom: float
    view: View | None

    @property
    def proves(self) -> bool:
        """Whether looking counts for the gate: at 200 %, which every window holds, not the original alone."""
        return self.zoom == _ZOOMS[0] and self.view is not View.ORIGINAL


def steps(findings: int, places: int = 0, *, side_by_side: bool, cutout: View) -> tuple[Step, ...]:
    """The way through the findings: at 200 %, then 400 %, the original and the cutout at each.

    Then through the places that were chosen: each once, the cutout at 200 %.
    """
    views = (None,) if side_by_side else (View.ORIGINAL, cutout)
    doubts = tuple(Step(spot, zoom, view) for spot in range(findings) for zoom in _ZOOMS for view in views)
    return doubts + tuple(
        Step(findings + place, _ZOOMS[0], None if side_by_side else cutout) for place in range(places)
    )


class Tour:
    """How far `n` has come on its way through one piece."""

    def __init__(self, findings: Sequence[Finding] = (), spots: Sequence[tuple[int, int]] = ()) -> None:
        self._findings = findings
        self.spots = spots
        self._step: Step | None = None

    @property
    def spot(self) -> int | None:
        """The number of the spot that it came to last."""
        return None if self._step is None else self._step.spot

    @property
    def finding(self) -> Finding | None:
        """The finding that it came to last."""
        spot = self.spot
        return None if spot is None or spot >= len(self._findings) else self._findings[spot]

    def go(
        self,
        direction: int,
        *,
        side_by_side: bool,
        cutout: View,
        wanted: Collection[tuple[int, int]] | None = None,
    ) -> Step:
        """The next step (or the one before, -1) of the way, which has at least one spot.

        Of spots in `wanted` alone, where it is given, and only what proves that they were looked at.
        """
        findings = len(self._findings)
        way = steps(findings, len(self.spots) - findings, side_by_side=side_by_side, cutout=cutout)
        place = self._place_on(way, direction) + direction
        if wanted is not None:
            while self.spots[way[place % len(way)].spot] not in wanted or not way[place % len(way)].proves:
                place += direction
        self._step = way[place % len(way)]
        return self._step

    def _place_on(self, way: Sequence[Step], direction: int) -> int:
        """Where the last step lies on a way that may have become another: the window is wider, say."""
        last = self._step
        if last is None:
            return -1 if direction > 0 else 0
        alike = [index for index, step in enumerate(way) if (step.spot, step.zoom) == (last.spot, last.zoom)]
        return alike[0] if last.view is View.ORIGINAL else alike[-1]
