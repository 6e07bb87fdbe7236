"""The command line: `studiod COMMAND`, and `python -m studiod COMMAND`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from studiod import __version__
from studiod.commands.calibrate import calibrate
from studiod.commands.check import check
from studiod.commands.decisions import approve, flag, recall, reject, retry
from studiod.commands.demo import demo
from studiod.commands.evaluate import evaluate
from studiod.commands.history import history
from studiod.commands.init import init
from studiod.commands.process import process
from studiod.commands.queue import list_, show, status
from studiod.commands.report import report
from studiod.commands.run import run
from studiod.errors import StudioError
from studiod.names import inert, printable

_EPILOG = """
A first look: studiod demo. A studio of your own: studiod init DIR, studiod check, studiod run;
staff decide in the morning with studiod-review.

Exit codes: 0 done; 1 something went wrong, or `check` found a problem; 2 the command line or the
configuration is wrong; 3 refused, because the item is not in that state or the price gate forbids it;
130 interrupted.
"""

app = typer.Typer(
    name="studiod",
    help="Cut jewellery out of studio photographs overnight, and say where that may have failed.",
    epilog=_EPILOG,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"studiod {__version__}")
        raise typer.Exit()


@app.callback()
def _global_options(
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="The studio's studiod.toml [./studiod.toml]."),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Read the options that stand before the command (`options` and `main` use them)."""


for _command in (
    init, check, run, status, list_, show, approve, flag, reject, retry, recall, process,
    demo, evaluate, calibrate, history, report,
):  # fmt: skip
    app.command(_command.__name__.rstrip("_"))(_command)


def main() -> None:
    """Run a command; an error is one readable line with a hint, and an exit code that is documented."""
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    arguments, debug = _without_debug(sys.argv[1:])
    try:
        code = app(arguments or ["--help"], prog_name="studiod", standalone_mode=False)
    except StudioError as error:
        if debug:
            raise
        sys.exit(_report(str(error), "", error.exit_code))
    except typer.TyperException as error:
        help_hint = "" if "--help" in arguments else "studiod --help, or studiod COMMAND --help, shows how."
        sys.exit(_report(_sentence(error.format_message()), help_hint, error.exit_code))
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(_report("Interrupted.", "", 130))
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has gone: nothing is left to say
        sys.exit(1)
    except OSError as error:
        if debug:
            raise
        where = f": {printable(error.filename)}" if error.filename else ""
        what = f"{error.strerror or error}{where}."
        sys.exit(_report(what, "Look at the disk, and at the rights there.", 1))
    except Exception as error:
        if debug:
            raise
        what = f"{type(error).__name__}: {error}"
        hint = "This is a mistake in studiod. With --debug the same command shows where."
        sys.exit(_report(what, hint, 1))
    sys.exit(code if isinstance(code, int) else 0)


def _open_closed_streams() -> None:
    """Whoever started us may have closed standard streams: the next file opened would take their place."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115 - for as long as we run


def _without_debug(arguments: list[str]) -> tuple[list[str], bool]:
    """Take --debug out wherever it stands before `--`, so that it may follow the command too."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    options, rest = arguments[:end], arguments[end:]
    return [option for option in options if option != "--debug"] + rest, "--debug" in options


def _sentence(text: str) -> str:
    """A text with one stop at its end."""
    return text if text.endswith(("?", "!")) else f"{text.rstrip('.')}."


def _report(message: str, hint: str, code: int) -> int:
    line = inert(message if not hint else f"{message} {hint}")
    print(f"studiod: {line}", file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
