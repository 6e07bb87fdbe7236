from __future__ import annotations

import cv2
import numpy as np

from studiod.risk import assess
from studiod.risk.details import find_changed_highlights, find_small_stones
from studiod.risk.evidence import gather_evidence
from studiod.risk.findings import Finding, Risk
from tests.risk import pieces
from tests.risk.pieces import Piece


def highlights(piece: Piece) -> list[Finding]:
    return find_changed_highlights(gather_evidence(piece.photo, piece.background, piece.alpha, None))


def stones(piece: Piece, pixels_per_mm: float) -> list[Finding]:
    return find_small_stones(gather_evidence(piece.photo, piece.background, piece.alpha, None), pixels_per_mm)


def judged(piece: Piece, pixels_per_mm: float | None = None) -> Risk:
    return assess(piece.photo, piece.background, piece.alpha, pixels_per_mm=pixels_per_mm)


def test_a_flattened_highlight_is_found() -> None:
    """A highlight that the matte lets half of another background through is changed, right there."""
    piece, (x, y) = pieces.cabochon()
    assert highlights(piece) == []
    alpha = (piece.alpha * (1 - 0.35 * pieces.dot(x, y, 9))).astype(np.float32)
    (finding,) = highlights(piece.with_alpha(alpha))
    assert finding.reason == "highlight_changed" and finding.covers(x, y)
    assert 0.25 < finding.measurement["see_through"] < 0.4
    assert judged(piece.with_alpha(alpha)).reasons == ("highlight_changed",)
    assert judged(piece).findings == ()


def test_a_soft_edge_is_no_changed_highlight() -> None:
    """Partial coverage at the rim, however bright the rim is, changes no highlight."""
    piece, _ = pieces.ring()
    soft = cv2.GaussianBlur(piece.alpha, (0, 0), 1.0)
    assert highlights(piece.with_alpha(soft)) == []


def test_stones_under_two_millimetres_are_found() -> None:
    """Stones 24 px wide are small where 20 px are a millimetre; one finding holds them all."""
    piece, centres = pieces.pave(12)
    (finding,) = stones(piece, 20.0)
    assert finding.reason == "small_stone" and all(finding.covers(x, y) for x, y in centres)
    assert finding.measurement["stones"] == 5
    assert abs(finding.measurement["largest_mm"] - 1.2) < 0.2
    assert judged(piece, 20.0).reasons == ("small_stone",)


def test_larger_stones_are_not_small() -> None:
    """Where 10 px are a millimetre the same stones are 2.4 mm; without a scale nobody knows."""
    piece, _ = pieces.pave(12)
    assert stones(piece, 10.0) == []
    assert judged(piece).findings == ()


def test_a_bar_without_stones_has_none() -> None:
    """Corners and edges are no stones."""
    piece = pieces.hooked()
    assert stones(piece, 20.0) == []
