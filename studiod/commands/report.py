"""`studiod report`: the morning report, as one HTML file and as plain text."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Annotated

import typer

from studiod.commands.options import ConfigOption, studio_ledger, studio_settings
from studiod.errors import StudioError
from studiod.names import printable


def report(
    since: Annotated[
        str, typer.Option("--since", metavar="WHEN", help="yesterday, a date or time (ISO 8601), or 12h.")
    ] = "yesterday",
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="The HTML file [work/reports/report-DATE.html]."),
    ] = None,
    text: Annotated[bool, typer.Option("--text", help="Print the report only; write no file.")] = False,
    config: ConfigOption = None,
) -> None:
    """Write the morning report, and print it.

    One HTML file with all its pictures: what came in, was cut out and delivered, what must be shot again,
    what failed and why, which prices rose after delivery, and the counts over every status.
    """
    from studiod.imaging.files import write_whole
    from studiod.report.contents import read_report
    from studiod.report.html import as_html
    from studiod.report.text import as_text

    if text and out is not None:
        raise typer.BadParameter("with --text no file is written: leave one of them out", param_hint="--out")
    settings = studio_settings(config)
    ledger = studio_ledger(settings)
    now = ledger.clock()
    made = read_report(ledger, settings, _since(since, now))
    typer.echo(as_text(made), nl=False)
    if text:
        return
    day = datetime.fromtimestamp(now).strftime("%Y-%m-%d")
    path = out or settings.work / "reports" / f"report-{day}.html"
    try:
        if out is None:
            path.parent.mkdir(exist_ok=True)
        write_whole(path, [as_html(made).encode()])
    except OSError as error:
        raise StudioError(
            f"The report cannot be written to {printable(path)}: {error.strerror or error}.",
            "Name a file in a folder that you may write to with --out FILE, or print it with --text.",
        ) from None
    typer.echo(f"\nWritten to {printable(path)}")


def _since(words: str, now: float) -> float:
    """The time that --since means; a date is its midnight, in the studio's time zone."""
    hours = re.fullmatch(r"([0-9]{1,6})h", words)
    try:
        if words == "yesterday":
            day = datetime.fromtimestamp(now).date() - timedelta(days=1)
            at = datetime.combine(day, time.min).timestamp()
        elif hours:
            at = now - 3600.0 * int(hours[1])
        else:
            at = datetime.fromisoformat(words).timestamp()
    except (ValueError, OverflowError, OSError):
        raise typer.BadParameter(
            "say yesterday, a date such as 2026-11-23, a time such as 2026-11-23T19:00, or 12h",
            param_hint="--since",
        ) from None
    if at > now:
        raise typer.BadParameter("that lies in the future", param_hint="--since")
    if at < 0:
        raise typer.BadParameter("that lies before any studio's first day", param_hint="--since")
    return at
