"""`studiod init`: lay out a studio, or add what is missing to one."""

from __future__ import annotations

import errno
import shlex
from pathlib import Path
from typing import Annotated

import typer

from studiod.errors import StudioError
from studiod.imaging.files import write_synced
from studiod.names import printable
from studiod.settings import MARKER, SETTINGS_NAME, Settings, find_config, load_settings

_PRICES_HEADER = "sku,price,currency,title\n"


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The studio's folder.")],
) -> None:
    """Lay out a studio, or add what is missing to one.

    That is a commented studiod.toml, a price list, and the folders. Run again it adds only what is
    missing, folders newly named in studiod.toml included; it never changes a file that is there. Every
    folder gets a small marker file (.studiod-root): where the marker is missing later, a disk is not
    mounted, and studiod waits instead of filling the wrong one.
    """
    added = lay_out(folder)
    root = folder.absolute()
    for path in added:
        shown = folder / path.relative_to(root) if path.is_relative_to(root) else path
        typer.echo(f"made {printable(shown)}")
    if not added:
        typer.echo(f"{printable(folder)} is whole: nothing was missing.")
        return
    settings_file = folder / SETTINGS_NAME
    typer.echo(f"\nNext: read {printable(settings_file)}, put prices into prices.csv, then")
    for command in ("check", "run"):
        typer.echo(f"  studiod {command} --config {printable(shlex.quote(str(settings_file)))}")


def lay_out(folder: Path, settings_text: str | None = None, prices: str = _PRICES_HEADER) -> list[Path]:
    """Make what is missing of the studio in `folder`; returns what was made, markers not counted."""
    added: list[Path] = []
    try:
        _make_folder(folder, added)
        settings_file = folder / SETTINGS_NAME
        if not settings_file.exists():
            default = find_config() / SETTINGS_NAME
            text = settings_text or default.read_text(encoding="utf-8")
            _write(settings_file, text)
            added.append(settings_file)
        settings = load_settings(settings_file)
        _make_catalogue(settings, prices, added)
        for root in settings.roots:
            _make_folder(root, added)
            (root / MARKER).touch()
        _make_folder(settings.touchup_return, added)
    except OSError as error:
        name = printable(error.filename) if error.filename else printable(folder)
        hint = "Choose a folder that this user may write to."
        if error.errno in {errno.EEXIST, errno.ENOTDIR}:
            hint = "A file is where a folder should be: move it, or name another folder."
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            hint = "Free some space, then run init again: it adds what is missing."
        raise StudioError(f"{name} cannot be made: {error.strerror}.", hint) from error
    return added


def _make_folder(folder: Path, added: list[Path]) -> None:
    if not folder.is_dir():
        folder.mkdir(parents=True)
        added.append(folder)


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all, with the rights that this user's new files have."""
    fresh = path.with_name(f".{path.name}.new")
    try:
        write_synced(fresh, [text.encode()])
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def _make_catalogue(settings: Settings, prices: str, added: list[Path]) -> None:
    """An empty price list where none of the configured ones exists, and it lies in the studio itself."""
    for file in settings.catalog.files:
        if file.parent == settings.root and not file.exists():
            _write(file, prices)
            added.append(file)
