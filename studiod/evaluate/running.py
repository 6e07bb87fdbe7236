"""Run the pipeline's matte and its peers over a set, side by side, and measure every matte."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from PIL import Image

from studiod.errors import PlateError, StudioError
from studiod.evaluate.measures import Floats, Score, score_matte
from studiod.evaluate.probes import ProbeScore, score_probes
from studiod.evaluate.sets import Truth, read_linear, read_truth
from studiod.imaging.background import estimate_background, match_plate
from studiod.matting import LoadedMatte, Matte
from studiod.matting.general import GeneralModel, run_as_published
from studiod.risk import Risk, assess

OURS = "studiod"


@dataclass(frozen=True)
class Result:
    """One matte of one picture: figures, seconds, and for the pipeline's own matte its risk."""

    picture: str
    kind: str
    look: str
    model: str
    score: Score
    seconds: float
    risk: Risk | None


@dataclass(frozen=True)
class ProbeResult:
    """One matte of one real photograph at its probes, and for the pipeline's own matte its risk."""

    picture: str
    model: str
    score: ProbeScore
    risk: Risk | None = None


@dataclass(frozen=True)
class Contestants:
    """The pipeline's matte, and general models that are run as their own tools run them."""

    ours: LoadedMatte
    peers: Mapping[str, GeneralModel]

    def run(self, photo: Path, background: Callable[[Floats], Floats]) -> Iterator[tuple[str, Matte, float]]:
        """Name, matte (rounded to 8 bits, as it would be saved) and seconds of each."""
        linear = read_linear(photo)
        started = perf_counter()
        ours = self.ours.solve(linear, background(linear))
        yield OURS, Matte(_rounded(ours.alpha), ours.doubt), perf_counter() - started
        if self.peers:
            with Image.open(photo) as picture:
                display = np.asarray(picture.convert("RGB"))
            if display.shape[:2] != linear.shape[:2]:
                raise StudioError(f"{photo}: peers cannot be run on turned photographs", "Turn its pixels.")
        for name, model in self.peers.items():
            started = perf_counter()
            yield name, Matte(_rounded(run_as_published(model, display))), perf_counter() - started


def run_set(
    truths: Sequence[Truth], contestants: Contestants, plates: bool, keep: Path | None
) -> Iterator[list[Result]]:
    """The results of every picture in turn; mattes are written below `keep`/MODEL where it is given."""
    for truth in truths:
        exact = read_truth(truth)
        behind = _background_from(truth.plate if plates else None)
        results = []
        for name, matte, seconds in contestants.run(truth.photo, behind):
            score = score_matte(matte.alpha, exact.alpha, exact.parts, exact.prongs)
            risk = None
            if name == OURS:
                linear = read_linear(truth.photo)
                risk = assess(linear, behind(linear), matte.alpha, matte.doubt)
            if keep is not None:
                _save(matte.alpha, keep / name / f"{truth.name}_alpha.png")
            results.append(Result(truth.name, truth.kind, truth.look, name, score, seconds, risk))
        yield results


def list_probes(path: Path) -> dict[str, Mapping[str, Any]]:
    """The probes file: photograph (a path beside the file) to its probes."""
    try:
        values: dict[str, Mapping[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StudioError(f"{path}: no probes can be read from it ({error})", "See `--probes`.") from error
    return values


def run_probes(path: Path, contestants: Contestants, keep: Path | None) -> Iterator[list[ProbeResult]]:
    """The results at the probes of every photograph in turn."""
    for name, probes in sorted(list_probes(path).items()):
        results = []
        for model, matte, _ in contestants.run(path.parent / name, estimate_background):
            if keep is not None:
                _save(matte.alpha, keep / model / f"{Path(name).stem}_alpha.png")
            risk = None
            if model == OURS:
                linear = read_linear(path.parent / name)
                risk = assess(linear, estimate_background(linear), matte.alpha, matte.doubt)
            results.append(ProbeResult(name, model, score_probes(probes, matte.alpha), risk))
        yield results


def _background_from(plate: Path | None) -> Callable[[Floats], Floats]:
    def find(linear: Floats) -> Floats:
        if plate is None:
            return estimate_background(linear)
        try:
            return match_plate(linear, read_linear(plate))
        except PlateError:
            return estimate_background(linear)

    return find


def _rounded(alpha: Floats) -> Floats:
    rounded: Floats = np.round(alpha.clip(0, 1) * 255).astype(np.float32) / np.float32(255)
    return rounded


def _save(alpha: Floats, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.round(alpha * 255).astype(np.uint8)).save(path)
