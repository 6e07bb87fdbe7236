"""The shape of what the risk scorer says about one picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from studiod.imaging.types import Box, Point

Reason = Literal[
    "chain_gap", "prong_missing", "stone_eaten", "small_stone", "hole_filled", "hole_leaking",
    "background_left", "reflection_kept", "halo", "highlight_changed", "low_contrast",
    "out_of_focus", "cut_by_frame", "no_piece", "reflection_removed", "part_missing",
]  # fmt: skip
REASONS: tuple[Reason, ...] = get_args(Reason)


def holds(box: Box, place: tuple[float, float]) -> bool:
    """Whether a place (x, y) lies in a box."""
    left, top, right, bottom = box
    return left <= place[0] < right and top <= place[1] < bottom


def middle_of(box: Box) -> tuple[float, float]:
    """The middle of a box, x and y."""
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where the cutout may be wrong.

    `box` is left, top, right, bottom in pixels of the upright photograph, right and bottom
    exclusive; `point` (x, y) is its worst place; `probability` is 0..1; `measurement` holds the
    numbers behind the sentence.
    """

    reason: Reason
    box: Box
    point: Point
    probability: float
    sentence: str
    measurement: Mapping[str, float] = field(default_factory=dict)

    def covers(self, x: float, y: float) -> bool:
        """Whether a place of the photograph lies in the box."""
        return holds(self.box, (x, y))

    def as_json(self) -> dict[str, Any]:
        """The finding as plain JSON values, under the names that scripts rely on."""
        return {
            "reason": self.reason, "box": list(self.box), "point": list(self.point),
            "probability": round(self.probability, 4), "sentence": self.sentence,
            "measurement": dict(self.measurement),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Risk:
    """How likely a picture is not usable as it stands, and why.

    `score` is 0..1; `calibration` names the version of the rules that scored it ("uncalibrated-N"
    until it is measured).
    """

    score: float
    findings: tuple[Finding, ...]
    calibration: str

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """The findings' reasons, each once, the most probable first."""
        ordered = sorted(self.findings, key=lambda finding: -finding.probability)
        return tuple(dict.fromkeys(finding.reason for finding in ordered))

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values: `score`, `calibration`, `findings`."""
        return {
            "score": round(self.score, 4), "calibration": self.calibration,
            "findings": [finding.as_json() for finding in self.findings],
        }  # fmt: skip
