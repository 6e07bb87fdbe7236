"""`studiod process`: cut out a few pictures at once, without a studio or a queue."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from studiod.commands.options import ConfigOption, settings_if_any
from studiod.errors import StudioError
from studiod.ledger.naming import fitted
from studiod.names import inert, mistake_text, printable
from studiod.settings import MattingSettings, Preset, find_config, load_preset

if TYPE_CHECKING:
    from studiod.pipeline import Processed

_PRESET = "white"
_LONGEST_ENDING = "_composite.webp"


def process(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Photographs.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the results go.")],
    plate: Annotated[
        Path | None, typer.Option("--plate", metavar="FILE", help="An empty shot of the same set.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Cut out photographs here and now.

    Nothing is queued, and originals are not touched. For each photograph it writes NAME_cutout.png
    (native size, 16-bit colour and coverage), NAME_composite.jpg (on white) and NAME_risk.json (score,
    and findings with reason, box, point, probability and sentence).

    A file of such a name that no earlier run made is not overwritten: the command refuses beforehand.

    It needs no studio. In a studio's folder, or with --config, that studio's model is used, and the
    composite is laid out by the first preset of its first hot folder.
    """
    matting, preset = _studio(config)
    stems = _distinct_stems(files)
    _refuse_overwriting(stems, out, preset, files if plate is None else (*files, plate))
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StudioError(
            f"{printable(out)} cannot be made: {error.strerror}.",
            "Choose a folder that this user may write to.",
        ) from error
    failed = _process_all(files, stems, out, plate, matting, preset)
    if failed:
        raise typer.Exit(1)


def _studio(config: Path | None) -> tuple[MattingSettings, Preset]:
    """The model and the preset of the studio that is given, or of this folder; else those we ship."""
    settings = settings_if_any(config)
    if settings is None:
        return MattingSettings(), load_preset(_PRESET, find_config())
    return settings.matting, load_preset(settings.hot_folders[0].presets[0], settings.root)


def _distinct_stems(files: Sequence[Path]) -> list[str]:
    """The files' stems, cut to leave room for their results; StudioError where two would collide."""
    stems = [fitted(file.stem, _LONGEST_ENDING).removesuffix(_LONGEST_ENDING) for file in files]
    for stem in stems:
        if stems.count(stem) > 1:
            raise StudioError(
                f"Two of the photographs are named {printable(stem)}: their results would collide.",
                "Process them one after the other, into different folders.",
            )
    return stems


def _refuse_overwriting(stems: Sequence[str], out: Path, preset: Preset, photographs: Sequence[Path]) -> None:
    """StudioError where a result would overwrite a photograph, or what is no result.

    Where the cutout and the risk are there, an earlier run made them: all may be made anew.
    """
    originals = {os.path.realpath(file) for file in photographs}
    for stem in stems:
        results = [out / name for name in _result_names(stem, preset)]
        for result in results:
            if os.path.realpath(result) in originals:
                raise StudioError(
                    f"{printable(result)} is one of the photographs and would be overwritten.",
                    "Name another folder with --out.",
                )
        there = [result for result in results if os.path.lexists(result)]
        if there and not set(results[:2]) <= set(there):
            raise StudioError(
                f"{printable(there[0])} is there already, without the other results of an earlier run.",
                "Move it elsewhere, or name another folder with --out.",
            )


def _result_names(stem: str, preset: Preset) -> tuple[str, str, str]:
    """Cutout, risk and composite, in the order in which they are written."""
    from studiod.imaging.composite import SUFFIXES

    return f"{stem}_cutout.png", f"{stem}_risk.json", f"{stem}_composite{SUFFIXES[preset.format]}"


def _process_all(
    files: Sequence[Path],
    stems: Sequence[str],
    out: Path,
    plate: Path | None,
    matting: MattingSettings,
    preset: Preset,
) -> int:
    """Process every file; one that fails is told and counted, and the others go on."""
    from studiod.imaging.photo import read_photo
    from studiod.matting import load_matte
    from studiod.pipeline import process_photo
    from studiod.risk import assess

    empty = None if plate is None else read_photo(plate)
    matte = load_matte(matting, 0)
    failed = 0
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    shown = Console(stderr=True)
    with Progress(*columns, console=shown, transient=True, disable=not shown.is_terminal) as progress:
        task = progress.add_task("cutting out", total=len(files))
        for file, stem in zip(files, stems, strict=True):
            progress.update(task, description=escape(printable(file.name)[:40]))
            try:
                if file.is_dir():
                    raise StudioError(
                        f"{printable(file)} is a folder.",
                        f"Name the photographs in it, such as {printable(file / '*.jpg')}.",
                    )
                photo = read_photo(file)
                made = process_photo(photo, plate=empty, solve=matte.solve, assess=assess, presets=[preset])
                _write(made, out, stem, preset)
            except Exception as error:
                typer.echo(f"studiod: {_why(error, file)}", err=True)
                failed += 1
            else:
                _tell(made, file, out, stem, preset)
            progress.advance(task)
    return failed


def _write(made: Processed, out: Path, stem: str, preset: Preset) -> None:
    from studiod.artifacts import risk_json
    from studiod.imaging.composite import encode
    from studiod.imaging.cutout import encode_cutout
    from studiod.imaging.files import write_whole

    cutout, risk, composite = (out / name for name in _result_names(stem, preset))
    results = {
        cutout: encode_cutout(made.cutout),
        risk: [risk_json(made)],
        composite: encode(made.composites[preset.name]),
    }
    for path, parts in results.items():
        write_whole(path, parts)


def _tell(made: Processed, file: Path, out: Path, stem: str, preset: Preset) -> None:
    reasons = f" ({', '.join(made.risk.reasons)})" if made.risk.reasons else ""
    plate = f" The plate was not used: {inert(made.plate_message)}" if made.plate_message else ""
    names = ", ".join(printable(out / name) for name in _result_names(stem, preset))
    typer.echo(f"{printable(file)}: risk {made.risk.score:.2f}{reasons}.{plate} {names}")


def _why(error: Exception, file: Path) -> str:
    if isinstance(error, StudioError):
        return inert(str(error))
    if isinstance(error, MemoryError):
        return f"{printable(file)} needs more memory than there is. End other programs, or scale it down."
    if isinstance(error, OSError):
        return f"{printable(file)}: {error.strerror or type(error).__name__}. Look at the folder of --out."
    return f"{printable(file)}: {mistake_text(error)}. Leave it out, and report it."
