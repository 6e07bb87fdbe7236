"""`studiod process`: cut out a few pictures at once, without a studio or a queue."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from studiod.errors import StudioError
from studiod.names import inert, printable

if TYPE_CHECKING:
    from studiod.pipeline import Processed

_PRESET = "white"


def process(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Photographs.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the results go.")],
    plate: Annotated[
        Path | None, typer.Option("--plate", metavar="FILE", help="An empty shot of the same set.")
    ] = None,
) -> None:
    """Cut out photographs here and now.

    Nothing is queued, and originals are not touched. For each photograph it writes NAME_cutout.png
    (native size, 16-bit colour and coverage), NAME_composite.jpg (on white) and NAME_risk.json (score,
    and findings with reason, box, point, probability and sentence).
    """
    stems = _distinct_stems(files, out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StudioError(
            f"{printable(out)} cannot be made: {error.strerror}.",
            "Choose a folder that this user may write to.",
        ) from error
    failed = _process_all(files, stems, out, plate)
    if failed:
        raise typer.Exit(1)


def _distinct_stems(files: Sequence[Path], out: Path) -> list[str]:
    """The files' stems; StudioError where a result would overwrite another's, or a photograph."""
    stems = [file.stem for file in files]
    for stem in stems:
        if stems.count(stem) > 1:
            raise StudioError(
                f"Two of the photographs are named {printable(stem)}: their results would collide.",
                "Process them one after the other, into different folders.",
            )
    originals = {file.resolve() for file in files}
    for stem in stems:
        for name in _result_names(stem):
            if (out / name).resolve() in originals:
                raise StudioError(
                    f"{printable(out / name)} is one of the photographs and would be overwritten.",
                    "Name another folder with --out.",
                )
    return stems


def _result_names(stem: str) -> tuple[str, str, str]:
    return f"{stem}_cutout.png", f"{stem}_composite.jpg", f"{stem}_risk.json"


def _process_all(files: Sequence[Path], stems: Sequence[str], out: Path, plate: Path | None) -> int:
    """Process every file; one that fails is told and counted, and the others go on."""
    from studiod.imaging.photo import read_photo
    from studiod.matting import load_matte
    from studiod.pipeline import process_photo
    from studiod.risk import assess
    from studiod.settings import MattingSettings, find_config, load_preset

    presets = [load_preset(_PRESET, find_config())]
    empty = None if plate is None else read_photo(plate)
    matte = load_matte(MattingSettings(), 0)
    failed = 0
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("cutting out", total=len(files))
        for file, stem in zip(files, stems, strict=True):
            progress.update(task, description=escape(printable(file.name)[:40]))
            try:
                photo = read_photo(file)
                made = process_photo(photo, plate=empty, matte=matte, assess=assess, presets=presets)
                _write(made, out, stem)
            except (StudioError, MemoryError, OSError) as error:
                typer.echo(f"studiod: {_why(error, file)}", err=True)
                failed += 1
            else:
                _tell(made, file, out, stem)
            progress.advance(task)
    return failed


def _write(made: Processed, out: Path, stem: str) -> None:
    from studiod.artifacts import risk_json
    from studiod.imaging.composite import encode
    from studiod.imaging.cutout import encode_cutout
    from studiod.imaging.files import write_whole

    cutout, composite, risk = (out / name for name in _result_names(stem))
    write_whole(cutout, encode_cutout(made.cutout))
    write_whole(composite, encode(made.composites[_PRESET]))
    write_whole(risk, [risk_json(made)])


def _tell(made: Processed, file: Path, out: Path, stem: str) -> None:
    reasons = f" ({', '.join(made.risk.reasons)})" if made.risk.reasons else ""
    plate = f" The plate was not used: {inert(made.plate_message)}" if made.plate_message else ""
    names = ", ".join(printable(out / name) for name in _result_names(stem))
    typer.echo(f"{printable(file)}: risk {made.risk.score:.2f}{reasons}.{plate} {names}")


def _why(error: StudioError | MemoryError | OSError, file: Path) -> str:
    if isinstance(error, StudioError):
        return inert(f"{error.message} {error.hint}".strip())
    if isinstance(error, MemoryError):
        return f"{printable(file)} needs more memory than there is. End other programs, or scale it down."
    return f"{printable(file)}: {error.strerror or type(error).__name__}. Look at the folder of --out."
