"""What must hold for the risk whatever the picture, on a fixed set of defects."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from studiod.imaging.types import Floats
from studiod.risk import assess
from tests.risk import pieces
from tests.risk.pieces import Piece


def erased_link(radius: float) -> Piece:
    piece, centres = pieces.chain()
    return piece.with_alpha(pieces.erased(piece.alpha, *centres[12], radius))


def eaten_stone(radius: float) -> Piece:
    piece, _ = pieces.ring()
    return piece.with_alpha(pieces.erased(piece.alpha, 328, 165, radius))


def lost_prong(radius: float) -> Piece:
    piece, tips = pieces.ring()
    alpha: Floats = np.maximum(pieces.erased(piece.alpha, *tips[5], radius), pieces.dot(320, 160, 52))
    return piece.with_alpha(alpha)


def filled_hole(radius: float) -> Piece:
    piece, _ = pieces.ring()
    return piece.with_alpha(np.maximum(piece.alpha, pieces.dot(320, 320, 100 * min(1.0, radius / 12))))


DEFECTS = [erased_link, eaten_stone, lost_prong, filled_hole]


def score(piece: Piece) -> float:
    return assess(piece.photo, piece.background, piece.alpha).score


@cache
def upright_score(defect: Callable[[float], Piece]) -> float:
    return score(defect(12.0))


@pytest.mark.parametrize("defect", [erased_link, eaten_stone])
def test_erasing_more_never_lowers_the_risk(defect: Callable[[float], Piece]) -> None:
    """A larger loss at the same place is at least as bad, within 0.05."""
    scores = [score(defect(radius)) for radius in (0.0, 6.0, 10.0, 14.0, 20.0)]
    highest = np.maximum.accumulate(scores)
    assert all(now >= before - 0.05 for now, before in zip(scores, highest, strict=True)), scores


@pytest.mark.parametrize("defect", DEFECTS)
@pytest.mark.parametrize(("quarters", "mirror"), [(1, False), (2, False), (3, False), (0, True), (1, True)])
def test_turning_and_mirroring_change_nothing(
    defect: Callable[[float], Piece], quarters: int, mirror: bool
) -> None:
    """The same picture turned by quarter turns or mirrored has the same risk, within 0.05."""
    assert abs(score(pieces.turned(defect(12.0), quarters, mirror)) - upright_score(defect)) <= 0.05
