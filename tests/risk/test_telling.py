"""Doubtful parts of a chain, told as one finding where they lie close together."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import permutations

import numpy as np
import pytest

from studiod.risk.examination import Examination, examine
from studiod.risk.findings import Finding
from studiod.risk.judging import Judged
from studiod.risk.stretches import Stretch
from studiod.risk.telling import tell_places
from tests.risk import pieces


@cache
def chain() -> Examination:
    """A drawn chain with nothing wrong, its stretches left out."""
    piece, _ = pieces.chain()
    return replace(
        examine(piece.photo, piece.background, piece.alpha, None),
        losses=(),
        leftovers=(),
        stretches=(),
        missing=(),
    )


def told(boxes: list[tuple[int, int, int, int]], probabilities: list[float]) -> list[Finding]:
    """What is told of stretches in those boxes of the crop."""
    stretches = tuple(Stretch(box, (box[0], box[1]), ()) for box in boxes)
    none = np.zeros(0)
    return tell_places(
        replace(chain(), stretches=stretches), Judged(0.5, none, none, np.array(probabilities), none)
    )


def test_one_doubtful_stretch_is_told_with_its_own_probability() -> None:
    """No gap need be seen: the finding says that it may be anywhere along the stretch, and points into it."""
    (finding,) = told([(10, 20, 50, 60)], [0.4])
    assert finding.reason == "chain_gap" and finding.probability == pytest.approx(0.4)
    assert "somewhere" in finding.sentence and finding.covers(*finding.point)


def test_stretches_that_touch_are_one_finding_whatever_their_order() -> None:
    """Two that are apart are joined by a third between them; what they say together is more than each."""
    boxes = [(0, 0, 40, 40), (80, 0, 120, 40), (40, 0, 80, 40)]
    found = [told([boxes[i] for i in order], [0.3, 0.3, 0.3]) for order in permutations(range(3))]
    assert all(len(each) == 1 for each in found)
    assert len({(each[0].box, each[0].probability) for each in found}) == 1
    assert 0.3 <= found[0][0].probability < 1 - 0.7**3


def test_stretches_far_apart_are_told_apart() -> None:
    """Where a sound part lies between, there are two findings."""
    assert len(told([(0, 0, 40, 40), (200, 0, 240, 40)], [0.3, 0.4])) == 2


def test_what_is_hardly_doubtful_is_not_told() -> None:
    """A single stretch of less than one in ten is none worth a look."""
    assert told([(0, 0, 40, 40)], [0.05]) == []


def test_a_stretch_that_is_hardly_doubtful_beside_the_worst_is_left_out() -> None:
    """A finding is a place, not the whole chain: what touches the worst stretch must be doubtful itself."""
    (finding,) = told([(0, 0, 40, 40), (40, 0, 80, 40)], [0.6, 0.05])
    assert finding.probability == pytest.approx(0.6) and not finding.covers(70, 20)


@pytest.mark.parametrize(("apart", "places"), [(16, [2]), (60, [1, 1])])
def test_places_of_one_reason_close_together_are_one_finding(apart: int, places: list[int]) -> None:
    """Two holes in a stone within 2 % of the photograph's long side are one step for whoever looks."""
    piece, _ = pieces.ring()
    alpha = piece.alpha
    for x in (320 - apart / 2, 320 + apart / 2):
        alpha = pieces.erased(alpha, x, 160, 5)
    seen = examine(piece.photo, piece.background, alpha, None)
    sure = Judged(
        0.5, np.full(len(seen.losses), 0.6), np.zeros(len(seen.leftovers)), np.zeros(0), np.zeros(0)
    )
    found = tell_places(replace(seen, stretches=()), sure)
    assert [finding.measurement["places"] for finding in found] == places
    assert {finding.reason for finding in found} == {"stone_eaten"}
    assert all(finding.probability >= 0.6 for finding in found)
