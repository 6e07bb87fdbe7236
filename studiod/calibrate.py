"""What a studio's own decisions say about the risk: false passes and review load at every limit.

People look at everything but what policy approves, and of that at a random share. Each audited piece
therefore stands for all pieces of about its risk that nobody looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from studiod.imaging.plot import BLUE, ORANGE, Plot
from studiod.imaging.types import Box, Floats, Values
from studiod.ledger.judgements import Judgement
from studiod.risk.figures import wilson
from studiod.risk.logistic import fit_logistic

LIMITS = (0.01, 0.02, 0.05, *(round(0.1 * tenth, 1) for tenth in range(1, 10)), 0.95, 1.0)
FEWEST = 30
"""So many usable and so many unusable pieces must have been seen before a calibration is learnt."""
_BANDS = 20
_CHANGED, _SMALLEST_CHANGE = 0.5, 4


@dataclass(frozen=True, slots=True)
class Seen:
    """A piece that a person judged: its score, what was found, and for how many pieces it stands."""

    score: float
    unusable: bool
    weight: float


@dataclass(frozen=True, slots=True)
class Rate:
    """At one limit: the share of pieces scored below it that are not usable, with its 95 % interval.

    `seen` pieces below it were judged by people; `load` is the share of all pieces that a person must
    look at: those scored at or over the limit, and those whose price asks for it. `own` is the share among
    the pieces that lie below it and not below the limit before, None where nobody judged any.
    """

    limit: float
    seen: int
    false_pass: float | None
    low: float
    high: float
    load: float
    own: float | None


def weigh(judgements: Sequence[Judgement]) -> list[Seen]:
    """The judged pieces, each with the number of pieces that it stands for.

    Within a band of 0.05 of the score the pieces that price leaves free share out evenly what nobody looked
    at. What a person came upon after policy had approved it stands for itself alone: that was no chance.
    """
    unseen = Counter(_band(j.score) for j in judgements if j.usable is None)
    chance = Counter(_band(j.score) for j in judgements if _by_chance(j))
    seen = []
    for j in judgements:
        if j.usable is None:
            continue
        share = unseen[_band(j.score)] / chance[_band(j.score)] if _by_chance(j) else 0.0
        seen.append(Seen(j.score, not j.usable, 1.0 + share))
    return seen


def uncovered(judgements: Sequence[Judgement]) -> int:
    """How many unseen pieces have no judged piece of about their risk to stand for them."""
    chance = {_band(j.score) for j in judgements if _by_chance(j)}
    return sum(j.usable is None and _band(j.score) not in chance for j in judgements)


def rates(judgements: Sequence[Judgement]) -> list[Rate]:
    """False passes and review load at each limit.

    The interval is Wilson's, over as many pieces as the weighted ones are worth (Kish).
    """
    seen = weigh(judgements)
    found = []
    before = 0.0
    for limit in LIMITS:
        below = [one for one in seen if one.score < limit]
        own = [one for one in below if one.score >= before]
        before = limit
        total, squares = sum(one.weight for one in below), sum(one.weight**2 for one in below)
        share = _share_unusable(below)
        worth = total**2 / squares if squares else 0.0
        low, high = wilson((share or 0.0) * worth, worth)
        looked_at = sum(j.mandatory or j.score >= limit for j in judgements)
        load = looked_at / max(1, len(judgements))
        found.append(Rate(limit, len(below), share, low, high, load, _share_unusable(own)))
    return found


def _share_unusable(seen: Sequence[Seen]) -> float | None:
    total = sum(one.weight for one in seen)
    return sum(one.weight * one.unusable for one in seen) / total if total else None


def propose(found: Sequence[Rate], wanted: float) -> Rate | None:
    """The highest limit whose false-pass rate is at most `wanted` with 97.5 % confidence, if any.

    It has pieces of its own that people judged, and no limit up to it has too many that are not usable:
    much that is known of low scores says nothing about high ones.
    """
    best = None
    for rate in found:
        if rate.own is not None and rate.own > wanted:
            break
        if rate.own is not None and rate.high <= wanted:
            best = rate
    return best


def needed_for(wanted: float) -> int:
    """How many pieces must be seen, all of them usable, before a rate of at most `wanted` can be shown."""
    count = 1
    while wilson(0, count)[1] > wanted:
        count += max(1, count // 100)
    return count


def learn(seen: Sequence[Seen]) -> tuple[float, float] | None:
    """Slope and offset on the score's logit that fit these pieces; None where they are too few or deny it."""
    unusable = sum(one.unusable for one in seen)
    if min(unusable, len(seen) - unusable) < FEWEST:
        return None
    slope, offset = fit_logistic(*as_values(seen))
    return (slope, offset) if slope > 0.05 else None


def as_values(seen: Sequence[Seen]) -> tuple[Values, Values, Values]:
    """Scores, truths (1 for unusable) and weights."""
    score, truth, weight = np.array([(s.score, s.unusable, s.weight) for s in seen], np.float64).T
    return score, truth, weight


def find_changes(ours: Floats, returned: Floats) -> list[Box]:
    """Boxes of where the retouched matte (H x W, 0..1) says other than ours."""
    changed = (np.abs(ours - returned) > _CHANGED).astype(np.uint8)
    count, _, stats, _ = cv2.connectedComponentsWithStats(changed, connectivity=8)
    boxes = [tuple(int(value) for value in stats[i, :4]) for i in range(1, count)
             if stats[i, cv2.CC_STAT_AREA] >= _SMALLEST_CHANGE]  # fmt: skip
    return [(left, top, left + width, top + height) for left, top, width, height in boxes]


@dataclass(slots=True)
class Shown:
    """How findings of one reason did where people showed what was wrong: `right` of `shown`."""

    shown: int = 0
    right: int = 0


@dataclass(frozen=True, slots=True)
class Places:
    """Findings by reason, and of the `wrong` places that people showed how many a finding had `met`."""

    by_reason: Mapping[str, Shown]
    wrong: int
    met: int


def compare_places(
    judgements: Sequence[Judgement], changes: Callable[[Judgement], Sequence[Box] | None]
) -> Places:
    """Our findings beside the places people found wrong: boxes they drew, and what a touch-up changed."""
    by_reason: dict[str, Shown] = {}
    wrong = met = 0
    for j in judgements:
        places = [box for _, box in j.flagged if box is not None] + list(changes(j) or ())
        if not places and not j.usable:
            continue
        boxes = [(str(f["reason"]), tuple(f["box"])) for f in j.findings]
        wrong += len(places)
        met += sum(any(_meet(place, box) for _, box in boxes) for place in places)
        for reason, box in boxes:
            told = by_reason.setdefault(reason, Shown())
            told.shown += 1
            told.right += any(_meet(place, box) for place in places)
    return Places(dict(sorted(by_reason.items())), wrong, met)


def plot_rates(path: Path, found: Sequence[Rate], wanted: float) -> None:
    """False-pass rate with its interval, and review load, each over the limit."""
    highest = max(2 * wanted, *(rate.false_pass or 0.0 for rate in found))
    top = next((round_one for round_one in (0.05, 0.1, 0.25, 0.5) if round_one >= highest), 1.0)
    plot = Plot(("not usable though below the limit", "share that a person looks at"), (top, 1.0))
    plot.line(0, [(0, wanted), (1, wanted)], ORANGE)
    plot.legend(0, [(f"wanted: at most {wanted:.1%}", ORANGE)])
    for rate in found:
        if rate.false_pass is not None:
            plot.interval(0, rate.limit, rate.false_pass, (rate.low, rate.high))
    plot.line(1, [(rate.limit, rate.load) for rate in found], BLUE)
    plot.save(path)


def _by_chance(j: Judgement) -> bool:
    return j.usable is not None and not j.mandatory and not j.recalled


def _band(score: float) -> int:
    return min(_BANDS - 1, int(score * _BANDS + 1e-9))


def _meet(one: Sequence[int], other: Sequence[int]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
