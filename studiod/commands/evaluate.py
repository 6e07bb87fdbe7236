"""`studiod evaluate`: measure mattes and risk on pictures whose truth is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.progress import track

from studiod.commands.options import ConfigOption, console, settings_if_any
from studiod.errors import StudioError
from studiod.settings import MattingSettings

if TYPE_CHECKING:
    from studiod.evaluate.running import Contestants

_Found = TypeVar("_Found")


class Part(StrEnum):
    """A part of the split by piece."""

    train = "train"
    calibrate = "calibrate"
    test = "test"


def evaluate(
    folder: Annotated[
        Path, typer.Argument(metavar="SET", help="Pictures with NAME_alpha.png, NAME_parts.png, NAME.json.")
    ],
    peer: Annotated[
        list[Path] | None,
        typer.Option("--peer", metavar="MODEL.onnx", help="A general model, run as its own tool runs it."),
    ] = None,
    plates: Annotated[bool, typer.Option("--plates", help="Use each picture's NAME_plate.jpg.")] = False,
    probes: Annotated[
        Path | None, typer.Option("--probes", metavar="FILE", help="Places marked on real photographs.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where mattes, plots, sheet and JSON go.")
    ] = None,
    part: Annotated[
        Part | None, typer.Option("--part", help="Only pieces of this part of the network's split.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Measure mattes and risk where the truth is known.

    The pipeline's matte and any peers run side by side; tables overall, by look and by kind, with 95 %
    intervals. With --out: mattes, measures.png, risk.png, worst.jpg and evaluation.json.
    """
    from studiod.evaluate import pictures, report, running, sets
    from studiod.evaluate.probes import read_probes

    truths = [t for t in sets.list_truths(folder) if part is None or sets.part_of(t) == part]
    if not truths:
        raise StudioError(f"{folder}: no picture of the part {part} is in this set.", "Leave --part out.")
    places = 0 if probes is None else len(read_probes(probes))
    contestants = _contestants(config, peer or [])
    mattes = out / "mattes" if out is not None else None
    shown = console()
    results = _gather(running.run_set(truths, contestants, plates, mattes), len(truths), "Pictures")
    marked: list[running.ProbeResult] = []
    if probes is not None:
        marked = _gather(running.run_probes(probes, contestants, mattes), places, "Real photographs")
    risk = report.measure_risk(results)
    report.print_tables(shown, results)
    if marked:
        report.print_probes(shown, marked)
    report.print_risk(shown, risk, results)
    if out is not None and mattes is not None:
        report.write_json(out / "evaluation.json", results, marked, risk)
        pictures.plot_measures(out / "measures.png", results)
        pictures.plot_risk(out / "risk.png", results)
        pictures.write_contact_sheet(out / "worst.jpg", truths, results, mattes / running.OURS)
        shown.print(f"Mattes, plots, the contact sheet and all figures are in {out}")


def _contestants(config: Path | None, peers: Sequence[Path]) -> Contestants:
    from studiod.evaluate.running import Contestants
    from studiod.matting import load_matte
    from studiod.matting.general import GeneralModel

    settings = settings_if_any(config)
    ours = load_matte(MattingSettings() if settings is None else settings.matting)
    models = [GeneralModel(path) for path in peers]
    return Contestants(ours, {model.name: model for model in models})


def _gather(found: Iterator[list[_Found]], total: int, title: str) -> list[_Found]:
    """Everything that `found` gives, with a progress bar."""
    return [item for items in track(found, title, total=total) for item in items]
