"""The shipped witness, on pictures that it never saw the like of."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from studiod.risk.witness import SHIPPED, Statement, load_witness
from tests.risk import pieces
from tests.risk.pieces import Floats, Piece


def testify(piece: Piece, alpha: Floats) -> Statement:
    everywhere = np.ones(alpha.shape, np.bool_)
    return load_witness()(piece.photo, piece.background, alpha, everywhere)


@pytest.mark.parametrize("draw", [pieces.chain, pieces.ring, pieces.cabochon])
def test_an_exact_matte_is_left_in_peace(draw: Callable[[], tuple[Piece, object]]) -> None:
    """Of an exact matte hardly a pixel is called lost, left over, broken or filled."""
    piece, _ = draw()
    said = testify(piece, piece.alpha)
    for name, layer in vars(said).items():
        assert layer.shape == piece.alpha.shape and layer.min() >= 0 and layer.max() <= 1
        assert (layer > 0.5).mean() < 2e-4, name


def test_an_erased_link_is_lost() -> None:
    """Where a link was erased most of its coverage is expected, and the chain is called broken."""
    piece, centres = pieces.chain()
    gone = pieces.dot(*centres[12], 11) * piece.alpha
    said = testify(piece, piece.alpha - gone)
    assert float((said.lost * gone).sum() / gone.sum()) > 0.5
    assert said.broken[gone > 0.5].max() > 0.5


def test_a_filled_hole_is_left_over() -> None:
    """Coverage over a hole that shows the background is called left over."""
    piece, _ = pieces.ring()
    filled = pieces.dot(320, 320, 94) * (1 - piece.alpha)
    said = testify(piece, piece.alpha + filled)
    assert float((said.left * filled).sum() / filled.sum()) > 0.5


def test_it_looks_only_where_something_is() -> None:
    """Far from coverage and from whatever differs, nothing is said."""
    piece, _ = pieces.ring()
    said = load_witness()(piece.photo, piece.background, piece.alpha, np.zeros(piece.alpha.shape, np.bool_))
    assert all(layer[:40, :40].max() == 0 for layer in vars(said).values())


def test_the_witness_is_small() -> None:
    """Its file has at most 2.1 MB."""
    assert SHIPPED.stat().st_size <= 2_100_000
