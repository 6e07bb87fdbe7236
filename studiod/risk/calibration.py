"""What measurements mean: boosted trees, kept as plain arrays in one file."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studiod.imaging.types import Values
from studiod.risk.logistic import moved_on_logit, probability_of

Numbers = NDArray[np.int64]

SHIPPED = Path(__file__).parent / "calibration.npz"
_JUDGES = ("loss", "leftover", "stretch", "missing", "picture")


@dataclass(frozen=True)
class Trees:
    """A probability from measurements: a sum over regression trees (Friedman 2001), a calibrated logistic.

    All arrays are trees x nodes. A node asks whether measurement `feature` is at most `threshold` and goes on
    to node `below` or `above`; where `feature` is -1 it ends with `value`.
    """

    feature: Numbers
    threshold: Values
    below: Numbers
    above: Numbers
    value: Values
    base: float
    slope: float
    offset: float

    def __call__(self, measured: NDArray[np.floating[Any]]) -> Values:
        """Probabilities of N x F measurements."""
        rows = np.asarray(measured, np.float64)
        logit = np.array([self._sum(row) for row in rows])
        return probability_of(self.slope * logit + self.offset)

    def _sum(self, row: Values) -> float:
        trees = np.arange(len(self.feature))
        node = np.zeros_like(trees)
        while (asked := self.feature[trees, node]).max() >= 0:
            goes_below = row[asked] <= self.threshold[trees, node]
            following = np.where(goes_below, self.below[trees, node], self.above[trees, node])
            node = np.where(asked >= 0, following, node)
        return self.base + float(self.value[trees, node].sum())


@dataclass(frozen=True)
class Calibration:
    """The judges of losses, left-overs, stretches of chain, missing parts and the picture, with a version.

    `slope` and `offset`, on the logit, are what a studio has learnt itself.
    """

    version: str
    loss: Trees
    leftover: Trees
    stretch: Trees
    missing: Trees
    picture: Trees
    slope: float = 1.0
    offset: float = 0.0

    def adjust(self, probability: Values) -> Values:
        """Probabilities of unusable pictures as the studio has learnt to take them."""
        return moved_on_logit(probability, self.slope, self.offset)


@lru_cache(maxsize=4)
def load_calibration(path: Path = SHIPPED) -> Calibration:
    """The calibration in `path`, by default the shipped one."""
    with np.load(path, allow_pickle=False) as file:
        values = {name: file[name] for name in file.files}
    loss, leftover, stretch, missing, picture = (_judge_from(values, name) for name in _JUDGES)
    return Calibration(str(values["version"]), loss, leftover, stretch, missing, picture)


def calibration_bytes(calibration: Calibration) -> bytes:
    """The calibration as the file's content."""
    values: dict[str, Any] = {"version": np.array(calibration.version)}
    for name in _JUDGES:
        judge = getattr(calibration, name)
        for field in fields(judge):
            value = np.asarray(getattr(judge, field.name))
            small = np.int16 if np.issubdtype(value.dtype, np.integer) else np.float32
            values[f"{name}.{field.name}"] = value.astype(small)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **values)
    return buffer.getvalue()


def _judge_from(values: Mapping[str, NDArray[Any]], name: str) -> Trees:
    given: dict[str, Any] = {}
    for field in fields(Trees):
        value = values[f"{name}.{field.name}"]
        wide = value.astype(np.int64 if np.issubdtype(value.dtype, np.integer) else np.float64)
        given[field.name] = wide if wide.ndim else float(wide)
    return Trees(**given)
