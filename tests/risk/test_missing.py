"""Parts of a piece that are not kept at all, wherever in the frame they are."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from studiod.evaluate.damage import part_matte
from studiod.imaging.types import Box, Floats
from studiod.risk import assess
from studiod.risk.evidence import gather_everywhere
from studiod.risk.missing import MissingPart, find_missing
from tests.risk import pieces
from tests.risk.pieces import Piece

RIGHT = (475, 78, 565, 335)


def found(piece: Piece, scale: int = 1) -> list[tuple[Box, MissingPart]]:
    """What is found in the picture, enlarged `scale` times, with its box in the photograph."""
    layers = (piece.photo, piece.background, piece.alpha)
    photo, background, alpha = (
        np.asarray(cv2.resize(layer, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), np.float32)
        for layer in layers
    )
    everywhere = gather_everywhere(photo, background, alpha, None)
    return [(everywhere.to_photo(*part.box), part) for part in find_missing(everywhere)]


@pytest.mark.parametrize("scale", [1, 4])
def test_the_other_earring_is_found_far_from_the_one_that_is_kept(scale: int) -> None:
    """Its box is the earring's own, with a little around it, in pixels of the photograph however large."""
    piece, right = pieces.pair()
    ((box, _),) = found(piece.with_alpha(piece.alpha * (right == 0)), scale)
    np.testing.assert_allclose(np.array(box) / scale, RIGHT, atol=6)


def test_what_is_kept_hides_nothing_and_is_not_found() -> None:
    """Where the whole piece is kept, nothing stands out beside it."""
    assert found(pieces.pair()[0]) == []


def test_specks_and_soft_shadows_are_no_parts() -> None:
    """What is shorter than a twenty-fifth of the frame, or has no sharp edge, is not a part of a piece."""
    piece, _ = pieces.pair()
    speck = pieces.place(piece.photo, pieces.dot(320, 420, 6), pieces.STEEL)
    shadow = cv2.GaussianBlur(pieces.dot(320, 240, 60), (0, 0), 25)[..., None]
    assert found(Piece(speck * (1 - 0.4 * shadow), piece.background, piece.alpha)) == []


def test_nothing_is_found_where_nothing_is_kept() -> None:
    """An empty matte has its own finding."""
    piece, _ = pieces.pair()
    assert found(piece.with_alpha(np.zeros_like(piece.alpha))) == []


def test_nothing_is_found_beside_a_piece_that_fills_the_frame() -> None:
    """A close-up whose every pixel is kept has no outline and no room beside it, and is judged."""
    piece, _ = pieces.pair()
    full = piece.with_alpha(np.ones_like(piece.alpha))
    assert found(full) == []
    assert "cut_by_frame" in assess(full.photo, full.background, full.alpha).reasons


def test_a_lost_earring_makes_the_picture_unusable_and_is_told() -> None:
    """The finding lies on the earring, and the risk is at least as probable; with both it is not told."""
    piece, right = pieces.pair()
    risk = assess(piece.photo, piece.background, piece.alpha * (right == 0))
    (finding,) = (each for each in risk.findings if each.reason == "part_missing")
    assert finding.covers(520, 290) and not finding.covers(120, 290)
    assert risk.score >= finding.probability > 0.7
    whole = assess(piece.photo, piece.background, piece.alpha)
    assert "part_missing" not in whole.reasons and whole.score < risk.score


def test_erasing_a_piece_from_its_side_never_looks_harmless() -> None:
    """However much of the pair is gone, half or nine tenths, the risk stays above a half."""
    piece, _ = pieces.pair()
    edge = [
        int(column) for column in np.quantile(np.flatnonzero(piece.alpha.max(axis=0) > 0.5), (0.1, 0.5, 0.9))
    ]
    for column in edge:
        alpha: Floats = piece.alpha.copy()
        alpha[:, column:] = 0
        assert assess(piece.photo, piece.background, alpha).score > 0.5, column


@pytest.mark.parametrize("seed", range(8))
def test_a_parted_matte_lacks_a_part_and_is_else_the_same(seed: int) -> None:
    """A twentieth of the piece at least is gone, as much is left, and nothing is added."""
    piece, _ = pieces.pair()
    parted = part_matte(piece.alpha, piece.alpha, np.random.default_rng(seed))
    assert (parted <= piece.alpha + 1e-6).all()
    assert 0.05 < parted.sum() / piece.alpha.sum() < 0.95
