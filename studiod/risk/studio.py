"""A studio's own calibration: the shipped one's probability, moved to what its own people found.

Each is a small file of its own, `studio-N.json` in the studio's calibration folder, never changed once
written. The newest that was made from the shipped calibration is in force.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from studiod.imaging.types import Values
from studiod.risk.calibration import Calibration, load_calibration
from studiod.risk.logistic import logit_of, moved_on_logit, probability_of


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Slope and offset on the logit of the probability that the calibration `made_from` gives.

    `version` is its name, `decisions` how many decisions of people it was learnt from.
    """

    version: str
    made_from: str
    slope: float
    offset: float
    decisions: int

    def apply(self, score: Values) -> Values:
        """Adjusted probabilities."""
        return moved_on_logit(score, self.slope, self.offset)

    def undo(self, score: Values) -> Values:
        """The probabilities that were adjusted to these."""
        return probability_of((logit_of(score) - self.offset) / self.slope)


def list_adjustments(folder: Path) -> list[Adjustment]:
    """All adjustments ever written in a studio's calibration folder, the newest last."""
    return [Adjustment(**json.loads(path.read_text(encoding="utf-8"))) for _, path in _numbered(folder)]


def fitting_adjustments(folder: Path) -> list[Adjustment]:
    """Those that were made from the shipped calibration, the newest last: that one is in force."""
    shipped = load_calibration().version
    return [each for each in list_adjustments(folder) if each.made_from == shipped]


def studio_calibration(folder: Path) -> Calibration:
    """The calibration in force in a studio: the shipped one, adjusted where the studio has learnt."""
    shipped, fitting = load_calibration(), fitting_adjustments(folder)
    if not fitting:
        return shipped
    last = fitting[-1]
    return replace(shipped, version=last.version, slope=last.slope, offset=last.offset)


def next_version(folder: Path) -> str:
    """The name that a new adjustment gets."""
    return f"studio-{1 + max((number for number, _ in _numbered(folder)), default=0)}"


def as_json(adjustment: Adjustment) -> bytes:
    """The adjustment as the file's content."""
    return (json.dumps(asdict(adjustment), indent=2) + "\n").encode()


def _numbered(folder: Path) -> list[tuple[int, Path]]:
    """The adjustments' files in the order of their numbers."""
    named = ((re.fullmatch(r"studio-([0-9]{1,9})\.json", path.name), path) for path in folder.glob("*.json"))
    return sorted((int(name[1]), path) for name, path in named if name)
