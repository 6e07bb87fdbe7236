"""`studiod run`: the daemon, in the foreground."""

from __future__ import annotations

from typing import Annotated

import typer

from studiod.commands.options import ConfigOption, studio_settings


def run(
    config: ConfigOption = None,
    until_idle: Annotated[
        bool,
        typer.Option(
            "--until-idle",
            help="One pass: end when nothing is settling, pairing, received, processing or delivering.",
        ),
    ] = False,
) -> None:
    """Do the night's work on the hot folders, until stopped.

    SIGTERM or Ctrl-C finishes or gives back what is in hand, then ends with exit code 0.

    With --until-idle `[daemon] hours` do not hold it back, approved pictures still in their delay
    stay approved, and a pass that cannot go on (a full disk, a folder that is not mounted) ends with
    the reason and exit code 1.
    """
    from studiod.daemon.loop import run_daemon

    run_daemon(studio_settings(config), until_idle=until_idle)
