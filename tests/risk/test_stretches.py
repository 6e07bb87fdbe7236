"""Stretches of chain: a wire of 4 px across a frame of 400 px, measured in squares of 24 px."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from studiod.imaging.types import Floats
from studiod.risk.evidence import Evidence, gather_evidence
from studiod.risk.stretches import STRETCH_FEATURES, Stretch, find_stretches

SHAPE = (400, 400)


def wire() -> Floats:
    """A slanting wire, 4 px wide and about 300 px long."""
    alpha = np.zeros(SHAPE, np.float32)
    cv2.line(alpha, (60, 110), (340, 217), 1.0, 4)
    return alpha


def seen(piece: Floats, alpha: Floats, doubt: Floats | None = None, quarters: int = 0) -> Evidence:
    """A dark piece on light paper, `alpha` its matte, all of it turned."""
    photo = np.repeat((0.8 - 0.6 * piece)[..., None], 3, axis=2).astype(np.float32)
    unsure = None if doubt is None else np.rint(255 * doubt).astype(np.uint8)
    turned = [
        None if layer is None else np.ascontiguousarray(np.rot90(layer, quarters))
        for layer in (photo, np.full_like(photo, 0.8), alpha, unsure)
    ]
    return gather_evidence(*turned)  # type: ignore[arg-type]


def of(stretch: Stretch, name: str) -> float:
    """One of a stretch's measurements."""
    return stretch.measured[STRETCH_FEATURES.index(name)]


def test_every_part_of_a_wire_lies_in_a_stretch() -> None:
    """The squares hold the whole wire but for corners of less than 12 px, and nothing else."""
    evidence = seen(wire(), wire())
    held = np.zeros(evidence.covered.shape, bool)
    for stretch in find_stretches(evidence):
        left, top, right, bottom = stretch.box
        assert max(right - left, bottom - top) <= 24
        assert evidence.covered[top:bottom, left:right].sum() >= 12
        assert evidence.covered[stretch.worst[1], stretch.worst[0]]
        held[top:bottom, left:right] = True
    assert (evidence.covered & ~held).sum() <= 0.03 * evidence.covered.sum()


def test_a_whole_wire_is_as_wide_everywhere_and_nothing_is_missing() -> None:
    """Along an exact matte no square is thinner than the others by much, and none misses anything."""
    for stretch in find_stretches(seen(wire(), wire())):
        assert of(stretch, "width_share") == pytest.approx(1.0, abs=0.2)
        assert of(stretch, "missing") == of(stretch, "doubt") == of(stretch, "torn") == 0.0


def test_a_wire_drawn_thin_shows_what_is_missing_there() -> None:
    """Where half the wire's width is not covered, its square is the thinnest, and misses the rest."""
    thin = wire()
    thin[:, 200:260] = np.minimum(thin, np.roll(thin, 2, axis=0))[:, 200:260]
    evidence = seen(wire(), thin)
    stretches = find_stretches(evidence)
    inside = [s for s in stretches if of(s, "missing") > 0.3]
    others = [s for s in stretches if of(s, "missing") < 0.1]
    left = evidence.origin[0]
    assert inside and others
    assert all(s.box[2] + left > 200 and s.box[0] + left < 260 for s in inside)
    assert max(of(s, "width") for s in inside) < min(of(s, "width") for s in others)


def test_doubt_is_measured_where_it_is() -> None:
    """Doubt about one end is doubt of its squares alone, and their worst places lie there."""
    doubt = np.zeros(SHAPE, np.float32)
    doubt[:, 280:] = 0.4
    evidence = seen(wire(), wire(), doubt)
    for stretch in find_stretches(evidence):
        beyond = stretch.box[0] + evidence.origin[0] >= 280
        before = stretch.box[2] + evidence.origin[0] <= 280
        assert not beyond or (
            of(stretch, "doubt") == pytest.approx(0.4, abs=0.01) and of(stretch, "torn") == 1.0
        )
        assert not before or of(stretch, "doubt") == 0.0


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_picture_has_the_same_stretches(quarters: int) -> None:
    """Squares are laid out from the middle: turned, they hold the same wire, corners apart."""

    def areas(quarters: int) -> list[float]:
        return [np.exp(of(s, "log_area")) for s in find_stretches(seen(wire(), wire(), quarters=quarters))]

    assert abs(len(areas(quarters)) - len(areas(0))) <= 1
    assert sum(areas(quarters)) == pytest.approx(sum(areas(0)), rel=0.05)


@pytest.mark.parametrize("radius", [0, 60])
def test_without_a_chain_there_are_none(radius: int) -> None:
    """Neither nothing at all nor a disc has long thin parts."""
    alpha = np.zeros(SHAPE, np.float32)
    if radius:
        cv2.circle(alpha, (200, 200), radius, 1.0, -1)
    assert find_stretches(seen(alpha, alpha)) == []
