"""Mattes of real photographs, measured at places that a person marked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter, ValidationError

from studiod.errors import StudioError
from studiod.imaging.types import Floats
from studiod.names import printable
from studiod.risk.findings import Finding, Reason

Place = tuple[float, float, str]

_KEPT, _CLEAR, _WIRE = 0.9, 0.1, 0.4
_BREAK_STEPS = 8
_FITS: Mapping[str, tuple[Reason, ...]] = {
    "break": ("chain_gap", "part_missing"),
    "lost": ("chain_gap", "prong_missing", "stone_eaten", "highlight_changed", "part_missing"),
    "hole": ("hole_filled", "hole_leaking"),
    "loop": ("hole_filled", "hole_leaking", "background_left"),
    "reflection": ("reflection_kept", "background_left"),
    "left": ("background_left",),
}
"""The findings that tell of a failure of each kind."""


@dataclass(frozen=True, slots=True)
class Chain:
    """A polyline along a chain or wire, which lies within `radius` pixels of it."""

    points: Annotated[tuple[tuple[float, float], ...], Field(min_length=1)]
    radius: float = 3.0


@dataclass(frozen=True, slots=True)
class Probes:
    """The places of one photograph that must stay and must go (x, y, what), and the chains."""

    keep: tuple[Place, ...] = ()
    clear: tuple[Place, ...] = ()
    chains: tuple[Chain, ...] = ()


@dataclass(frozen=True, slots=True)
class ProbeScore:
    """How one matte does at one picture's probes: of `keep` the `lost`, of `clear` what is `left` over.

    Of `chain_steps` steps of a pixel along the `chains` chains `chain_kept` are covered; `breaks` are the
    middles (x, y) of their gaps.
    """

    keep: tuple[Place, ...]
    clear: tuple[Place, ...]
    lost: tuple[Place, ...]
    left: tuple[Place, ...]
    chains: int
    chain_steps: int
    chain_kept: int
    breaks: tuple[tuple[int, int], ...]

    @property
    def clean(self) -> bool:
        """True where every probe holds and no chain breaks."""
        return not (self.lost or self.left or self.breaks)


def read_probes(path: Path) -> dict[str, Probes]:
    """A probes file: photograph (a path beside the file) to its probes; StudioError where it is none."""
    try:
        return TypeAdapter(dict[str, Probes]).validate_json(path.read_bytes())
    except OSError as error:
        problem = str(error.strerror)
    except ValidationError as error:
        first = error.errors()[0]
        problem = ": ".join((*map(str, first["loc"]), first["msg"]))
    raise StudioError(f"{printable(path)}: no probes can be read from it ({problem})", "See `--probes`.")


def score_probes(probes: Probes, alpha: Floats) -> ProbeScore:
    """Judge `alpha` (H x W, 0..1) at `probes`."""
    chains = [_follow_chain(alpha, chain) for chain in probes.chains]
    return ProbeScore(
        keep=probes.keep,
        clear=probes.clear,
        lost=tuple(place for place in probes.keep if not _median(alpha, place) >= _KEPT),
        left=tuple(place for place in probes.clear if not _median(alpha, place) <= _CLEAR),
        chains=len(chains),
        chain_steps=sum(steps for _, steps, _ in chains),
        chain_kept=sum(kept for kept, _, _ in chains),
        breaks=tuple(place for _, _, places in chains for place in places),
    )


def covered_failures(score: ProbeScore, findings: Iterable[Finding]) -> tuple[int, int]:
    """Of the probes that fail and the chains that break, how many lie in the box of a fitting finding."""
    failures: list[tuple[float, float, tuple[Reason, ...]]] = []
    failures += [(x, y, _FITS["break"]) for x, y in score.breaks]
    failures += [(x, y, _FITS["lost"]) for x, y, _ in score.lost]
    failures += [(x, y, _FITS.get(what, _FITS["left"])) for x, y, what in score.left]
    told = tuple(findings)
    covered = sum(
        any(found.reason in fits and found.covers(x, y) for found in told) for x, y, fits in failures
    )
    return covered, len(failures)


def _median(alpha: Floats, place: Place) -> float:
    return float(np.median(_around(alpha, place[0], place[1], 1)))


def _around(alpha: Floats, x: float, y: float, radius: int) -> Floats:
    row, column = round(y), round(x)
    return alpha[max(0, row - radius) : row + radius + 1, max(0, column - radius) : column + radius + 1]


def _walk(points: Sequence[Sequence[float]]) -> NDArray[np.float32]:
    """Points one pixel apart along a polyline, n x 2."""
    steps = [np.asarray(points[:1], np.float32)]
    for start, end in pairwise(points):
        length = max(1, round(float(np.hypot(end[0] - start[0], end[1] - start[1]))))
        steps.append(np.linspace(start, end, length + 1, dtype=np.float32)[1:])
    return np.concatenate(steps)


def _follow_chain(alpha: Floats, chain: Chain) -> tuple[int, int, list[tuple[int, int]]]:
    """Steps kept, steps in all, and the middle of each break."""
    path = _walk(chain.points)
    radius = round(chain.radius)
    kept = np.array([_around(alpha, x, y, radius).max(initial=0) >= _WIRE for x, y in path])
    edges = np.flatnonzero(np.diff(np.r_[True, kept, True]))
    runs = zip(edges[::2], edges[1::2], strict=True)
    middles = [path[(start + end) // 2] for start, end in runs if end - start >= _BREAK_STEPS]
    return int(kept.sum()), len(path), [(int(x), int(y)) for x, y in middles]
