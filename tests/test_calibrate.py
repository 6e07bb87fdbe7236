from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from studiod.calibrate import (
    FEWEST,
    Rate,
    Seen,
    compare_places,
    find_changes,
    learn,
    needed_for,
    propose,
    rates,
    uncovered,
    weigh,
)
from studiod.ledger.judgements import Judgement
from studiod.risk.figures import wilson
from studiod.risk.logistic import fit_logistic


def judged(score: float, usable: bool | None, **more: object) -> Judgement:
    """A judgement of which only the score and what a person found matter."""
    values = {
        "item": 1, "version": 1, "score": score, "calibration": "shipped", "findings": (), "usable": usable,
        "mandatory": False, "recalled": False, "flagged": (), "folder": "items/1/v1", "returned": None,
    }  # fmt: skip
    return Judgement(**{**values, **more})


def rate_below(limit: float, pieces: Sequence[Judgement]) -> Rate:
    """What is said of one limit."""
    return next(rate for rate in rates(pieces) if rate.limit == limit)


def test_an_audited_piece_stands_for_what_nobody_saw() -> None:
    """Of 12 pieces between 0 and .05 two were audited: each stands for six; another band is not touched."""
    pieces = [judged(0.01, None)] * 10 + [judged(0.02, True), judged(0.04, False), judged(0.5, False)]
    assert [one.weight for one in weigh(pieces)] == [6.0, 6.0, 1.0]


def test_a_dear_piece_and_a_chance_discovery_stand_for_themselves() -> None:
    """What the price put before a person, or a complaint brought back, says nothing about the unseen."""
    pieces = [judged(0.01, None)] * 4 + [
        judged(0.01, True), judged(0.01, True, mandatory=True), judged(0.01, False, recalled=True)
    ]  # fmt: skip
    assert [one.weight for one in weigh(pieces)] == [5.0, 1.0, 1.0]


def test_the_unseen_without_a_stand_in_are_counted() -> None:
    """Pieces in a band where nobody looked cannot be answered for."""
    pieces = [judged(0.01, None)] * 3 + [judged(0.11, None)] * 2 + [judged(0.12, True)]
    assert uncovered(pieces) == 3


def test_the_false_pass_rate_is_weighted() -> None:
    """By hand: below .1 stand 8 audited of which 1 unusable, for 80; and 20 dear ones, 4 unusable."""
    free = [judged(0.02, None)] * 72 + [judged(0.02, True)] * 7 + [judged(0.02, False)]
    dear = [judged(0.07, True, mandatory=True)] * 16 + [judged(0.07, False, mandatory=True)] * 4
    high = [judged(0.8, False)] * 10
    rate = rate_below(0.1, [*free, *dear, *high])
    assert rate.seen == 28
    assert rate.false_pass == pytest.approx((1 * 10 + 4) / 100)
    assert rate.load == pytest.approx((20 + 10) / 110)
    worth = 100**2 / (8 * 10**2 + 20)
    assert (rate.low, rate.high) == pytest.approx(wilson(0.14 * worth, worth))


def test_nothing_below_a_limit_is_no_rate() -> None:
    """Without a piece below the limit there is no rate, and everything may be true."""
    rate = rate_below(0.1, [judged(0.5, True)])
    assert (rate.false_pass, rate.low, rate.high, rate.load) == (None, 0.0, 1.0, 1.0)


def test_the_highest_limit_that_is_sure_enough_is_proposed() -> None:
    """400 usable ones below .1 show at most 1 %; the one in ten unusable ones up to .2 do not."""
    pieces = [judged(0.05, True)] * 400 + [judged(0.15, True)] * 90 + [judged(0.15, False)] * 10
    chosen = propose(rates(pieces), wanted=0.01)
    assert chosen is not None and chosen.limit == 0.1
    assert chosen.high == pytest.approx(1.959964**2 / (400 + 1.959964**2))


def test_no_limit_is_proposed_beyond_what_was_judged() -> None:
    """450 usable pieces below .05 say nothing of higher scores, and three bad ones up there forbid them."""
    sound = [judged(0.03, True)] * 450
    for others in ([], [judged(0.8, None)] * 50, [judged(0.97, False)] * 3):
        chosen = propose(rates([*sound, *others]), wanted=0.01)
        assert chosen is not None and chosen.limit <= 0.05


def test_few_decisions_propose_nothing() -> None:
    """Forty usable pieces cannot show one in a hundred; 381 can."""
    assert propose(rates([judged(0.01, True)] * 40), wanted=0.01) is None
    assert wilson(0, needed_for(0.01))[1] <= 0.01 and 380 <= needed_for(0.01) <= 385


def test_too_few_of_either_kind_teach_nothing() -> None:
    """One usable piece short of enough, nothing is learnt."""
    unusable = [Seen(0.8, True, 1.0)] * 100
    assert learn([*unusable, *[Seen(0.2, False, 1.0)] * (FEWEST - 1)]) is None
    assert learn([*unusable, *[Seen(0.2, False, 1.0)] * FEWEST]) is not None


def test_a_score_that_is_twice_too_bold_is_moved() -> None:
    """Where the truth's logit is half the score's, the slope found is about a half."""
    random = np.random.default_rng(3)
    logit = random.uniform(-4, 4, 20_000)
    truth = (random.random(20_000) < 1 / (1 + np.exp(-0.5 * logit))).astype(float)
    slope, offset = fit_logistic(1 / (1 + np.exp(-logit)), truth, np.ones(20_000))
    assert slope == pytest.approx(0.5, abs=0.03) and offset == pytest.approx(0, abs=0.06)


def test_a_weight_is_as_many_pieces() -> None:
    """Ten equal pieces, or one of weight ten, teach the same."""
    score, truth = np.array([0.2, 0.7]), np.array([0.0, 1.0])
    many = fit_logistic(np.repeat(score, 10), np.repeat(truth, 10), np.ones(20))
    assert fit_logistic(score, truth, np.array([10.0, 10.0])) == pytest.approx(many)


def test_what_a_touch_up_changed_has_a_box() -> None:
    """A restored link of 3 x 4 pixels is one change; a faint one and a speck of 3 pixels are none."""
    ours = np.zeros((40, 40), np.float32)
    returned = ours.copy()
    returned[10:13, 20:24] = 1
    returned[30, 30:33] = 1
    returned[5, 5:30] = 0.4
    assert find_changes(ours, returned) == [(20, 10, 24, 13)]


def test_findings_are_held_against_what_people_showed() -> None:
    """A finding that meets a change or a drawn box is right; on a usable piece every finding is wrong."""
    gap = {"reason": "chain_gap", "box": [10, 10, 20, 20]}
    halo = {"reason": "halo", "box": [0, 0, 5, 5]}
    pieces = [
        judged(0.9, False, findings=(gap, halo), flagged=((("chain_gap",), (15, 15, 30, 30)),)),
        judged(0.9, False, findings=(gap,), item=2),
        judged(0.2, True, findings=(gap,)),
        judged(0.9, False, findings=(gap,)),
    ]
    told = compare_places(pieces, lambda j: [(18, 18, 19, 19), (80, 80, 90, 90)] if j.item == 2 else None)
    assert (told.wrong, told.met) == (3, 2)
    shown = {reason: (one.shown, one.right) for reason, one in told.by_reason.items()}
    assert shown == {"chain_gap": (3, 2), "halo": (1, 0)}
