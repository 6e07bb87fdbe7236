from __future__ import annotations

import numpy as np
import pytest

from studiod.risk import assess, evidence
from studiod.risk.candidates import LEFTOVER_FEATURES, LOSS_FEATURES
from studiod.risk.examination import PICTURE_FEATURES, examine
from studiod.risk.findings import Risk
from studiod.risk.judging import measure_picture
from studiod.risk.missing import MISSING_FEATURES
from studiod.risk.stretches import STRETCH_FEATURES
from tests.risk import pieces
from tests.risk.pieces import Piece


def judged(piece: Piece) -> Risk:
    return assess(piece.photo, piece.background, piece.alpha)


def only_finding(risk: Risk, reason: str, x: float, y: float) -> None:
    """The one finding is `reason`, and its box covers the place."""
    assert risk.reasons == (reason,) and len(risk.findings) == 1, risk.as_json()
    (finding,) = risk.findings
    assert finding.covers(x, y) and finding.sentence.endswith(".") and finding.measurement, finding


@pytest.mark.parametrize("draw", [pieces.chain, pieces.ring, pieces.mirrored_pendant])
def test_an_exact_matte_has_no_findings(draw: object) -> None:
    """Where nothing is lost and nothing left over, nothing is found."""
    piece, _ = draw()
    assert judged(piece).findings == ()


@pytest.mark.parametrize("link", [4, 12, 17, 25])
def test_an_erased_link_is_a_chain_gap(link: int) -> None:
    """A link that the photograph shows and the matte lacks is a gap, right there."""
    piece, centres = pieces.chain()
    x, y = centres[link]
    only_finding(judged(piece.with_alpha(pieces.erased(piece.alpha, x, y, 11))), "chain_gap", x, y)


def test_gaps_close_together_are_one_finding() -> None:
    """Two erased links with one left between them are one stretch of chain, a third far off is its own."""
    piece, centres = pieces.chain()
    alpha = piece.alpha
    for link in (4, 6, 16):
        alpha = pieces.erased(alpha, *centres[link], 6)
    findings = judged(piece.with_alpha(alpha)).findings
    stretch, alone = sorted(findings, key=lambda finding: -finding.measurement["places"])
    assert all(stretch.covers(*centres[link]) for link in (4, 6)) and not stretch.covers(*centres[16])
    assert alone.covers(*centres[16]) and not alone.covers(*centres[6])
    assert stretch.measurement["places"] == 2
    assert min(stretch.probability, alone.probability) > 0.8


@pytest.mark.parametrize("prong", [4, 5, 6])
def test_an_erased_prong_is_a_missing_prong(prong: int) -> None:
    """A blob beside the stone that the matte lacks is a missing prong."""
    piece, tips = pieces.ring()
    x, y = tips[prong]
    outward = np.array([x - 320, y - 160]) / 55
    alpha = pieces.erased(piece.alpha, x, y, 8) + 0
    alpha = np.maximum(alpha, pieces.dot(320, 160, 52))
    x, y = np.array([x, y]) + 2.5 * outward
    only_finding(judged(piece.with_alpha(alpha)), "prong_missing", x, y)


def test_a_filled_hole_is_found() -> None:
    """Background enclosed by the ring and kept as piece is a filled hole."""
    piece, _ = pieces.ring()
    alpha = np.maximum(piece.alpha, pieces.dot(320, 320, 100))
    only_finding(judged(piece.with_alpha(alpha)), "hole_filled", 320, 330)


def test_a_leaking_hole_is_found() -> None:
    """Background that still shows faintly through a hole's matte leaks into it."""
    piece, _ = pieces.ring()
    veil = 0.3 * pieces.dot(320, 320, 94)
    only_finding(judged(piece.with_alpha(np.maximum(piece.alpha, veil))), "hole_leaking", 320, 330)


def test_an_eaten_stone_is_found() -> None:
    """A see-through place in a stone whose colour is not the background's is an eaten stone."""
    piece, _ = pieces.ring()
    alpha = pieces.erased(piece.alpha, 328, 165, 14)
    only_finding(judged(piece.with_alpha(alpha)), "stone_eaten", 328, 165)


def test_a_kept_reflection_is_found() -> None:
    """The piece's fainter mirror image below it is a kept reflection."""
    piece, image = pieces.mirrored_pendant()
    alpha = np.maximum(piece.alpha, image)
    only_finding(judged(piece.with_alpha(alpha)), "reflection_kept", 320, 300)


def test_an_empty_frame_is_no_piece() -> None:
    """Nothing covered, whatever is seen, is a finding of its own and certain to be unusable."""
    piece, _ = pieces.ring()
    risk = judged(piece.with_alpha(np.zeros_like(piece.alpha)))
    assert risk.reasons == ("no_piece",) and risk.score == 1.0


def test_a_piece_at_the_border_is_cut_by_the_frame() -> None:
    """A matte that runs along the photograph's border says which side, and points at the piece there."""
    piece, _ = pieces.ring()
    cut = Piece(piece.photo[:, 320:], piece.background[:, 320:], piece.alpha[:, 320:])
    found = [finding for finding in judged(cut).findings if finding.reason == "cut_by_frame"]
    assert len(found) == 1 and found[0].box[0] == 0 and "left" in found[0].sentence
    x, y = found[0].point
    assert x == 0 and cut.alpha[y, x] > 0.5


@pytest.mark.parametrize(("height", "width"), [(300, 400), (301, 401), (302, 407), (307, 399)])
def test_a_large_piece_is_cut_at_every_side_that_it_reaches(
    monkeypatch: pytest.MonkeyPatch, height: int, width: int
) -> None:
    """A photograph that is looked at shrunk has the same right and bottom edge, whatever its size."""
    monkeypatch.setattr(evidence, "_LARGEST_PIXELS", 4e4)
    alpha = np.zeros((height, width), np.float32)
    alpha[100:200] = alpha[:, 150:250] = 1
    background = np.full((height, width, 3), 0.6, np.float32)
    photo = pieces.place(background, alpha, pieces.GOLD)
    found = [each for each in assess(photo, background, alpha).findings if each.reason == "cut_by_frame"]
    assert [each.sentence.split()[-1] for each in found] == ["left.", "top.", "right.", "bottom."]


def test_everything_measured_has_a_name() -> None:
    """Each kind of place, and the picture, has as many measurements as names, and all are numbers."""
    ring, _ = pieces.ring()
    alpha = pieces.erased(np.maximum(ring.alpha, pieces.dot(320, 320, 100)), 328, 165, 14)
    seen = examine(ring.photo, ring.background, alpha, None)
    pair, right = pieces.pair()
    parted = examine(pair.photo, pair.background, pair.alpha * (right == 0), None)
    wire, _ = pieces.chain()
    kinds = (
        (LOSS_FEATURES, seen.losses), (LEFTOVER_FEATURES, seen.leftovers), (MISSING_FEATURES, parted.missing),
        (STRETCH_FEATURES, examine(wire.photo, wire.background, wire.alpha, None).stretches),
    )  # fmt: skip
    for names, places in kinds:
        assert places, names
        assert all(len(place.measured) == len(names) for place in places)
        assert np.isfinite([place.measured for place in places]).all()
    none = np.zeros(len(seen.missing))
    of_picture = measure_picture(seen, np.zeros(len(seen.losses)), np.zeros(len(seen.leftovers)), none)
    assert len(of_picture) == len(PICTURE_FEATURES) and np.isfinite(of_picture).all()


@pytest.mark.parametrize("pixels", [2e4, 500])
def test_a_piece_of_hairlines_alone_is_judged(monkeypatch: pytest.MonkeyPatch, pixels: float) -> None:
    """Lines so fine that nothing is half covered where a large photograph is looked at shrunk are a piece."""
    alpha = np.zeros(pieces.SIZE, np.float32)
    alpha[[60, 420], 100:540] = alpha[60:420, [100]] = 1
    background = pieces.studio()
    photo = pieces.place(background, alpha, pieces.GOLD)
    monkeypatch.setattr(evidence, "_LARGEST_PIXELS", pixels)
    seen = evidence.gather_evidence(photo, background, alpha, None)
    assert seen.alpha.max() < 0.5 and seen.covered.any()
    assert 0 < assess(photo, background, alpha).score <= 1


def test_a_fine_wire_lies_in_what_is_looked_at() -> None:
    """A level wire of 1 px that leads far away from the piece is within the evidence, whatever its row."""
    alpha = np.zeros((1000, 1200), np.float32)
    alpha[400:440, 100:140] = 1
    alpha[421, 140:1100] = 1
    photo = background = np.full((1000, 1200, 3), 0.5, np.float32)
    seen = evidence.gather_evidence(photo, background, alpha, None)
    assert seen.alpha.sum() == alpha.sum()
