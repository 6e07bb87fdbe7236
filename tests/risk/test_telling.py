"""Doubtful parts of a chain, told as one finding where they lie close together."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from studiod.risk.examination import Examination, examine
from studiod.risk.findings import Finding
from studiod.risk.judging import Judged
from studiod.risk.stretches import Stretch
from studiod.risk.telling import tell_places
from tests.risk import pieces


def chain() -> Examination:
    """A drawn chain with nothing wrong, its stretches left out."""
    piece, _ = pieces.chain()
    return replace(examine(piece.photo, piece.background, piece.alpha), losses=(), leftovers=(), stretches=())


def told(boxes: list[tuple[int, int, int, int]], probabilities: list[float]) -> list[Finding]:
    """What is told of stretches in those boxes of the crop."""
    stretches = tuple(Stretch(box, (box[0], box[1]), ()) for box in boxes)
    none = np.zeros(0)
    return tell_places(
        replace(chain(), stretches=stretches), Judged(0.5, none, none, np.array(probabilities))
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
