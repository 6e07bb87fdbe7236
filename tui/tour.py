"""The way that `n` takes through a piece: its findings, closer each time, then the other places."""

from __future__ import annotations

from dataclasses import dataclass

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
