"""What measurements mean: small networks of one hidden layer, kept as plain arrays in a JSON file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SHIPPED = Path(__file__).parent / "calibration.json"
_LIMIT = 3.0


@dataclass(frozen=True)
class Judge:
    """A probability from measurements: standardised, one hidden layer, a calibrated logistic at the end."""

    mean: Floats
    deviation: Floats
    hidden: Floats
    hidden_bias: Floats
    output: Floats
    output_bias: float
    slope: float
    offset: float

    def __call__(self, measured: NDArray[np.floating[Any]]) -> Floats:
        """Probabilities of N x F measurements."""
        standard = ((np.asarray(measured, np.float64) - self.mean) / self.deviation).clip(-_LIMIT, _LIMIT)
        logit = np.tanh(standard @ self.hidden + self.hidden_bias) @ self.output + self.output_bias
        probability: Floats = 1.0 / (1.0 + np.exp(-(self.slope * logit + self.offset).clip(-30, 30)))
        return probability

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Judge:
        """The judge that `as_json` wrote."""
        mean, deviation, hidden, bias, output = (
            np.asarray(values[name], np.float64)
            for name in ("mean", "deviation", "hidden", "hidden_bias", "output")
        )
        last, slope, offset = (float(values[name]) for name in ("output_bias", "slope", "offset"))
        return cls(mean, deviation, hidden, bias, output, last, slope, offset)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values, rounded to five digits."""
        return {
            name: np.round(np.asarray(getattr(self, name), np.float64), 5).tolist()
            for name in self.__dataclass_fields__
        }


@dataclass(frozen=True)
class Calibration:
    """The judges of lost regions, of left-over regions and of the whole picture, under a version's name."""

    version: str
    loss: Judge
    leftover: Judge
    picture: Judge


@lru_cache(maxsize=4)
def load_calibration(path: Path = SHIPPED) -> Calibration:
    """The calibration in `path`, by default the shipped one."""
    values = json.loads(path.read_text(encoding="utf-8"))
    judges = {name: Judge.from_json(values[name]) for name in ("loss", "leftover", "picture")}
    return Calibration(version=values["version"], **judges)
