"""A studio's own calibration: the shipped one's probability, moved to what its own people found.

Each is a small file of its own, `studio-N.json` in the studio's calibration folder, never changed once
written. The newest that was made from the shipped calibration is in force.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from studiod.risk.calibration import Calibration, Floats, load_calibration
from studiod.risk.figures import logit_of, moved_on_logit, probability_of


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

    def apply(self, score: Floats) -> Floats:
        """Adjusted probabilities."""
        return moved_on_logit(score, self.slope, self.offset)

    def undo(self, score: Floats) -> Floats:
        """The probabilities that were adjusted to these."""
        return probability_of((logit_of(score) - self.offset) / self.slope)


def list_adjustments(folder: Path) -> list[Adjustment]:
    """All adjustments ever written in a studio's calibration folder, the newest last."""
    found = [(int(match[1]), path) for path in folder.glob("studio-*.json") if (match := _name(path))]
    return [Adjustment(**json.loads(path.read_text(encoding="utf-8"))) for _, path in sorted(found)]


def studio_calibration(folder: Path) -> Calibration:
    """The calibration in force in a studio: the shipped one, adjusted where the studio has learnt."""
    shipped = load_calibration()
    fitting = [each for each in list_adjustments(folder) if each.made_from == shipped.version]
    if not fitting:
        return shipped
    last = fitting[-1]
    return replace(shipped, version=last.version, slope=last.slope, offset=last.offset)


def next_version(folder: Path) -> str:
    """The name that a new adjustment gets."""
    numbers = [int(match[1]) for path in folder.glob("studio-*.json") if (match := _name(path))]
    return f"studio-{1 + max(numbers, default=0)}"


def as_json(adjustment: Adjustment) -> bytes:
    """The adjustment as the file's content."""
    return (json.dumps(asdict(adjustment), indent=2) + "\n").encode()


def _name(path: Path) -> re.Match[str] | None:
    return re.fullmatch(r"studio-([0-9]{1,9})\.json", path.name)
