"""The way of `n` through a piece."""

from __future__ import annotations

import pytest

from tui.desk import Finding
from tui.pictures import View
from tui.tour import Step, Tour

SPOTS = [(10, 20), (30, 40), (50, 60)]


def two_findings() -> Tour:
    """A piece with two findings and one chosen place."""
    finding = Finding(1, "halo", (0, 0, 20, 40), (10, 20), 0.7, "The edge keeps 2 px of the old background.")
    return Tour([finding, finding], SPOTS)


def gone(tour: Tour, count: int, *, side_by_side: bool, direction: int = 1) -> list[Step]:
    return [tour.go(direction, side_by_side=side_by_side, cutout=View.CHECKER) for _ in range(count)]


def test_it_goes_round_and_back() -> None:
    """After the last place comes the first again, and the step before the first is the last."""
    tour = two_findings()
    way = gone(tour, 6, side_by_side=True)
    assert [(step.spot, step.zoom) for step in way] == [(0, 2), (0, 4), (1, 2), (1, 4), (2, 2), (0, 2)]
    assert gone(tour, 1, side_by_side=True, direction=-1)[0].spot == 2
    assert tour.finding is None and tour.spot == 2


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5])
def test_a_window_that_changes_leads_to_the_same_next_place(steps: int) -> None:
    """Whatever the window was when a place was shown, the next one follows it: none twice, none left out."""
    tour = two_findings()
    here = gone(tour, steps, side_by_side=True)[-1]
    wide = two_findings()
    following = gone(wide, steps + 1, side_by_side=True)[-1]
    [narrow] = gone(tour, 1, side_by_side=False)
    assert (narrow.spot, narrow.zoom) == (following.spot, following.zoom) != (here.spot, here.zoom)


def test_only_what_is_wanted_and_proves() -> None:
    """For what an approval still misses it goes to those spots alone, each time where looking counts."""
    tour = two_findings()
    seen = [tour.go(1, side_by_side=False, cutout=View.WHITE, wanted={SPOTS[1], SPOTS[2]}) for _ in range(3)]
    assert [step.spot for step in seen] == [1, 2, 1]
    assert all(step.proves and step.view is View.WHITE for step in seen)
