"""What the networks' own doubt adds to the evidence."""

from __future__ import annotations

import numpy as np
import pytest

from studiod.risk.doubt import DOUBT_FEATURES, measure_doubt
from studiod.risk.evidence import gather_evidence
from tests.risk import pieces


def measured(doubt: np.ndarray | None) -> dict[str, float]:
    """The doubt about a ring's exact matte, by name."""
    piece, _ = pieces.ring()
    values = measure_doubt(gather_evidence(piece.photo, piece.background, piece.alpha, doubt))
    return dict(zip(DOUBT_FEATURES, values, strict=True))


@pytest.mark.parametrize("doubt", [None, np.zeros(pieces.SIZE, np.uint8)])
def test_no_doubt_is_none_anywhere(doubt: np.ndarray | None) -> None:
    """Without doubt, and without networks, it is 0 along the edge and the least elsewhere."""
    values = measured(doubt)
    assert values["edge"] == values["torn"] == 0
    assert values["inside"] == values["outside"] == pytest.approx(np.log(1e-4))


def test_each_doubt_counts_where_it_lies() -> None:
    """Doubt within the piece, away from it and along its edge raise their own measurement alone."""
    piece, _ = pieces.ring()
    none = measured(np.zeros(pieces.SIZE, np.uint8))
    within, away = (np.zeros(pieces.SIZE, np.uint8) for _ in range(2))
    within[155:165, 315:325] = 255  # 100 px of the stone's middle
    away[pieces.dot(320, 320, 20) > 0.5] = 13  # in the ring's hole
    edge = np.where((piece.alpha > 0) & (piece.alpha < 1), 102, 0).astype(np.uint8)
    inside, outside, along = measured(within), measured(away), measured(edge)
    area = float((piece.alpha >= 0.5).sum())
    assert inside["inside"] == pytest.approx(np.log(100 / area + 1e-4), abs=1e-3)
    assert outside["outside"] > none["outside"] + 2 and along["torn"] > 0.05
    assert {name for name in DOUBT_FEATURES if inside[name] != none[name]} == {"inside"}
    assert {name for name in DOUBT_FEATURES if outside[name] != none[name]} == {"outside"}
    assert {name for name in DOUBT_FEATURES if along[name] != none[name]} == {"edge", "torn"}
    assert measured(np.where(away > 0, 200, 0).astype(np.uint8)) == none  # emptied for a mirror image
