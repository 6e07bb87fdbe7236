"""The figures of many mattes together, with confidence intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from studiod.evaluate.measures import Score
from studiod.evaluate.probes import ProbeScore
from studiod.imaging.types import Values
from studiod.risk.figures import wilson

_DRAWS = 1000


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its 95 % interval; `value` None where there is nothing to measure."""

    value: float | None
    low: float
    high: float
    count: int


@dataclass(frozen=True)
class Measure:
    """A column: its key, its title, whether it is a share, and numerator and denominator of a picture."""

    key: str
    title: str
    share: bool
    part: Callable[[Score], tuple[float, float]]


def _present(value: float | None) -> tuple[float, float]:
    return (0.0, 0.0) if value is None else (value, 1.0)


MEASURES = (
    Measure("usable", "usable", True, lambda s: (float(s.usable), 1.0)),
    Measure("damaged", "damaged", True, lambda s: (float(s.damaged), 1.0)),
    Measure("chain_kept", "chain kept", False, lambda s: _present(s.chain_kept)),
    Measure(
        "chain_broken", "chain broken", True,
        lambda s: (float(s.chain_breaks > 0), float(s.chain_kept is not None)),
    ),
    Measure("chain_breaks", "breaks a picture", False, lambda s: (float(s.chain_breaks), 1.0)),
    Measure("prongs_lost", "prongs lost", False, lambda s: (float(s.prongs_lost), float(s.prongs))),
    Measure("holes_filled", "holes filled", False, lambda s: (float(s.holes_filled), float(s.holes))),
    Measure("stone_kept", "stone kept", False, lambda s: _present(s.stone_kept)),
    Measure("metal_kept", "metal kept", False, lambda s: _present(s.metal_kept)),
    Measure("spill", "spill", False, lambda s: (s.spill, 1.0)),
    Measure("edge_mae", "edge MAE", False, lambda s: (s.edge_mae, 1.0)),
)  # fmt: skip


def summarise(scores: Sequence[Score]) -> dict[str, Figure]:
    """Each measure's figure: Wilson's interval for shares of pictures, else a bootstrap's."""
    return {measure.key: _figure(measure, scores) for measure in MEASURES}


def _figure(measure: Measure, scores: Sequence[Score]) -> Figure:
    pairs = np.array([measure.part(score) for score in scores], np.float64).reshape(-1, 2)
    total = float(pairs[:, 1].sum())
    if total == 0:
        return Figure(None, 0.0, 0.0, 0)
    value = float(pairs[:, 0].sum()) / total
    low, high = wilson(value * total, total) if measure.share else bootstrap(pairs)
    return Figure(value, low, high, int(total))


def bootstrap(pairs: Values) -> tuple[float, float]:
    """The 95 % interval of a ratio of sums (N x 2), by drawing pictures anew."""
    random = np.random.default_rng(11)
    drawn = pairs[random.integers(len(pairs), size=(_DRAWS, len(pairs)))].sum(axis=1)
    ratios = drawn[:, 0] / np.maximum(drawn[:, 1], 1e-12)
    low, high = np.quantile(ratios[drawn[:, 1] > 0], (0.025, 0.975))
    return float(low), float(high)


@dataclass(frozen=True)
class ProbeSummary:
    """Counts over all photographs: what held, of how many."""

    pictures: int
    clean: int
    keep: tuple[int, int]
    clear: tuple[int, int]
    steps: tuple[int, int]
    chains: int
    breaks: int
    by_kind: dict[str, tuple[int, int]]


def summarise_probes(scores: Sequence[ProbeScore]) -> ProbeSummary:
    """The counts over all photographs that were judged at their probes."""
    kinds: dict[str, tuple[int, int]] = {}
    for score in scores:
        for side, places, failed in (("keep", score.keep, score.lost), ("clear", score.clear, score.left)):
            for _, _, what in places:
                good, total = kinds.get(f"{side}:{what}", (0, 0))
                kinds[f"{side}:{what}"] = (good + 1, total + 1)
            for _, _, what in failed:
                good, total = kinds[f"{side}:{what}"]
                kinds[f"{side}:{what}"] = (good - 1, total)
    keep, clear = sum(len(s.keep) for s in scores), sum(len(s.clear) for s in scores)
    return ProbeSummary(
        pictures=len(scores),
        clean=sum(s.clean for s in scores),
        keep=(keep - sum(len(s.lost) for s in scores), keep),
        clear=(clear - sum(len(s.left) for s in scores), clear),
        steps=(sum(s.chain_kept for s in scores), sum(s.chain_steps for s in scores)),
        chains=sum(s.chains for s in scores),
        breaks=sum(len(s.breaks) for s in scores),
        by_kind=dict(sorted(kinds.items())),
    )
