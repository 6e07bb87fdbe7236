"""What several commands share: which studio is meant, and how tables are printed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from studiod.errors import SettingsError
from studiod.ledger.engine import Ledger, open_ledger
from studiod.names import printable
from studiod.settings import SETTINGS_NAME, Settings, load_settings

_LARGEST_NUMBER = 2**63 - 1  # what the database counts up to


def _given_before(context: typer.Context, value: Path | None) -> Path | None:
    """`studiod --config FILE run` means what `studiod run --config FILE` means."""
    return value or context.find_root().params.get("config")


ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", help="The studio's studiod.toml [./studiod.toml].", callback=_given_before
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="For scripts: JSON instead of a table.")]


def _item_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= _LARGEST_NUMBER):
        raise typer.BadParameter(f"{printable(text)} is no item's number, as `studiod list` shows them")
    return int(text)


ItemArgument = Annotated[
    int,
    typer.Argument(
        metavar="ITEM", parser=_item_number, help="The item's number, as `studiod list` shows it."
    ),
]


def studio_settings(config: Path | None) -> Settings:
    """The settings of the studio that is meant: in the file given, or else in the current folder."""
    settings = settings_if_any(config)
    if settings is None:
        raise SettingsError(
            "There is no studiod.toml in the current folder.",
            "Go to the studio's folder, name the file with --config FILE, or make a studio: studiod init DIR",
        )
    return settings


def settings_if_any(config: Path | None) -> Settings | None:
    """The same for commands that need no studio: None where no file is given and none is here."""
    here = Path(SETTINGS_NAME)
    if config is None and not here.is_file():
        return None
    return load_settings(config or here)


def studio_ledger(settings: Settings) -> Ledger:
    """The ledger of a studio whose daemon has run at least once."""
    return open_ledger(settings.database)


def console() -> Console:
    """Where tables go: as wide as the terminal, or wide enough for a line each when there is none."""
    plain = Console(highlight=False)
    return plain if plain.is_terminal else Console(highlight=False, width=200)
