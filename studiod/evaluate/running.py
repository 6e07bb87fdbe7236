"""Run the pipeline's matte and its peers over a set, side by side, and measure every matte."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from PIL import Image

from studiod.errors import StudioError
from studiod.evaluate.measures import Score, score_matte
from studiod.evaluate.probes import ProbeScore, read_probes, score_probes
from studiod.evaluate.sets import Truth, read_display, read_linear, read_truth
from studiod.imaging.background import find_background
from studiod.imaging.types import Floats
from studiod.matting import LoadedMatte
from studiod.matting.general import GeneralModel, run_as_published
from studiod.risk import assess
from studiod.risk.findings import Risk

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
    risk: Risk | None


@dataclass(frozen=True)
class Answer:
    """What one model made of a photograph: a matte (rounded to 8 bits, as it would be saved), and seconds.

    For the pipeline's own there is its risk, too.
    """

    model: str
    alpha: Floats
    seconds: float
    risk: Risk | None


@dataclass(frozen=True)
class Contestants:
    """The pipeline's matte, and general models that are run as their own tools run them."""

    ours: LoadedMatte
    peers: Mapping[str, GeneralModel]

    def run(self, photo: Path, plate: Path | None) -> Iterator[Answer]:
        """The answers to one photograph, ours first; it alone is shown the plate."""
        linear = read_linear(photo)
        empty = None if plate is None else read_linear(plate)
        started = perf_counter()
        background, _ = find_background(linear, empty)
        matte = self.ours.solve(linear, background)
        alpha, seconds = _rounded(matte.alpha), perf_counter() - started
        yield Answer(OURS, alpha, seconds, assess(linear, background, alpha, matte.doubt))
        if self.peers:
            display = read_display(photo)
            if display.shape[:2] != linear.shape[:2]:
                raise StudioError(f"{photo}: peers cannot be run on turned photographs", "Turn its pixels.")
        for name, model in self.peers.items():
            started = perf_counter()
            yield Answer(name, _rounded(run_as_published(model, display)), perf_counter() - started, None)


def by_model(results: Sequence[Result]) -> dict[str, list[Result]]:
    """The results of each model, ours first."""
    models = list(dict.fromkeys(result.model for result in results))
    return {model: [result for result in results if result.model == model] for model in models}


def run_set(
    truths: Sequence[Truth], contestants: Contestants, plates: bool, keep: Path | None
) -> Iterator[list[Result]]:
    """The results of every picture in turn; mattes are written below `keep`/MODEL where it is given."""
    for truth in truths:
        exact = read_truth(truth)
        results = []
        for made in contestants.run(truth.photo, truth.plate if plates else None):
            score = score_matte(made.alpha, exact.alpha, exact.parts, exact.prongs)
            if keep is not None:
                _save(made.alpha, keep / made.model / f"{truth.name}_alpha.png")
            results.append(
                Result(truth.name, truth.kind, truth.look, made.model, score, made.seconds, made.risk)
            )
        yield results


def run_probes(path: Path, contestants: Contestants, keep: Path | None) -> Iterator[list[ProbeResult]]:
    """The results at the probes of every photograph in turn."""
    for name, probes in sorted(read_probes(path).items()):
        results = []
        for made in contestants.run(path.parent / name, None):
            if keep is not None:
                _save(made.alpha, keep / made.model / f"{Path(name).stem}_alpha.png")
            results.append(ProbeResult(name, made.model, score_probes(probes, made.alpha), made.risk))
        yield results


def _rounded(alpha: Floats) -> Floats:
    rounded: Floats = np.round(alpha.clip(0, 1) * 255).astype(np.float32) / np.float32(255)
    return rounded


def _save(alpha: Floats, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.round(alpha * 255).astype(np.uint8)).save(path)
