"""`studiod demo`: a small studio, the real daemon on it, and what came of it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from studiod.commands.contact_sheet import draw_contact_sheet
from studiod.commands.init import lay_out
from studiod.commands.options import console
from studiod.errors import LedgerError, StudioError
from studiod.ledger import reading
from studiod.ledger.engine import Ledger, open_ledger
from studiod.ledger.records import ItemRecord
from studiod.ledger.states import Status
from studiod.money import price_text
from studiod.names import inert, printable
from studiod.settings import SETTINGS_NAME, Settings, find_config, load_settings

_MARK = "# A studio that `studiod demo` laid out.\n"
_SAMPLES = Path(__file__).resolve().parent.parent / "samples"
_DIFFERENCES = {
    "quiet_seconds": "0.5",
    "pair_seconds": "1.0",
    "rescan_seconds": "1.0",
    "auto_approve_below": "0.5",
    "audit_share": "0.0",
    "delay_minutes": "0.0",
    "min_free_gb": "0.5",
}
_BROKEN = frozenset({Status.FAILED, Status.QUARANTINED})
_LONGEST_RUN = 600.0
_PENDING = frozenset({Status.RECEIVED, Status.PROCESSING, Status.APPROVED, Status.DELIVERING})


def demo(
    folder: Annotated[
        Path, typer.Option("--dir", metavar="DIR", help="The folder to lay the demo studio out in.")
    ] = Path("studiod-demo"),
) -> None:
    """Show it all on a small studio with samples.

    Lays the studio out, runs the real daemon on it, and shows the result. In this studio policy may
    approve pictures of low risk up to $1,000 and approved ones leave at once, so that some are
    delivered and some wait for a person; in a studio of your own both are off until you set them. Run
    again in the same folder, it takes up whatever is new there.
    """
    screen = console()
    settings, is_new = _studio(folder)
    where = printable(folder)
    screen.print(Text(f"{'Laid out a studio in' if is_new else 'Back in the studio'} {where}"))
    started = time.monotonic()
    log = settings.work / "demo.log"
    with _daemon(folder / SETTINGS_NAME, log) as daemon:
        _watch(daemon, settings, screen, log)
    ledger = open_ledger(settings.database)
    items = list(reading.every_item(ledger))
    sheet = draw_contact_sheet(ledger, items, settings, settings.root / "contact-sheet.png")
    ledger.close()
    screen.print(_result(items))
    _say_what_next(screen, items, settings, sheet, time.monotonic() - started)
    if any(item.status in _BROKEN for item in items):
        raise StudioError("Not every piece could be processed.", f"The daemon's log: {printable(log)}")


def _studio(folder: Path) -> tuple[Settings, bool]:
    """The demo's studio in this folder, laid out or found there; and whether it is new."""
    settings_file = folder / SETTINGS_NAME
    is_new = not settings_file.exists()
    if is_new and folder.exists() and any(folder.iterdir()):
        raise StudioError(
            f"{printable(folder)} is not empty, and no demo studio.", "Choose another folder: --dir DIR"
        )
    if not is_new and not settings_file.read_text(encoding="utf-8", errors="replace").startswith(_MARK):
        raise StudioError(
            f"{printable(folder)} is a studio of your own: the demo leaves it alone.",
            "Choose another folder: --dir DIR",
        )
    lay_out(folder, demo_settings(), (_SAMPLES / "prices.csv").read_text(encoding="utf-8"))
    settings = load_settings(settings_file)
    if is_new:
        _copy_samples(settings.hot_folders[0].path)
    return settings, is_new


def demo_settings() -> str:
    """The default configuration, with the demo's few differences written into it."""
    text = (find_config() / SETTINGS_NAME).read_text(encoding="utf-8")
    for key, value in _DIFFERENCES.items():
        text, found = re.subn(rf"(?m)^{key} = .*$", f"{key} = {value}", text)
        assert found == 1, key
    return _MARK + text


def _copy_samples(hot: Path) -> None:
    """The samples as a photographer would leave them: the necklace in a folder with its plate."""
    for sample in sorted(_SAMPLES.glob("*.jpg")):
        folder = hot / "necklace" if "CHAIN" in sample.stem else hot
        folder.mkdir(exist_ok=True)
        placed = folder / sample.name
        shutil.copyfile(sample, placed)
        if sample.stem.startswith("plate"):
            earlier = time.time() - 60  # the set was shot empty before the piece came
            os.utime(placed, (earlier, earlier))


@contextmanager
def _daemon(settings_file: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The real daemon in a process of its own; ended, if need be, when we leave."""
    command = [sys.executable, "-m", "studiod", "run", "--until-idle", "--config", os.fspath(settings_file)]
    with log.open("ab") as output:
        daemon = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            yield daemon
        finally:
            if daemon.poll() is None:
                daemon.terminate()
                daemon.wait()


def _watch(daemon: subprocess.Popen[bytes], settings: Settings, screen: Console, log: Path) -> None:
    """Show what the ledger says until the daemon has ended."""
    ledger: Ledger | None = None
    end = time.monotonic() + _LONGEST_RUN
    told = ""
    with Live(Text("starting the daemon"), console=screen, transient=True) as live:
        while daemon.poll() is None and time.monotonic() < end:
            ledger = ledger or _ledger_so_far(settings)
            if ledger is not None:
                line = _progress(ledger)
                live.update(Text(line))
                if not screen.is_terminal and line != told:
                    screen.print(Text(line))
                    told = line
            time.sleep(0.2)
    if ledger is not None:
        ledger.close()
    if daemon.poll() is None:
        raise StudioError("The daemon did not come to an end.", f"Its log says why: {printable(log)}")
    if daemon.returncode != 0:
        last = log.read_text(encoding="utf-8", errors="replace").strip().rpartition("\n")[2]
        raise StudioError(
            f"The daemon ended with exit code {daemon.returncode}: {inert(last)}",
            f"Its whole log: {printable(log)}",
        )


def _ledger_so_far(settings: Settings) -> Ledger | None:
    """The ledger, once the daemon has made it."""
    try:
        return open_ledger(settings.database)
    except LedgerError:
        return None


def _progress(ledger: Ledger) -> str:
    """One line: how far the daemon is, and on what."""
    items = list(reading.every_item(ledger))
    done = sum(item.status not in _PENDING for item in items)
    busy = [printable(Path(item.path).name) for item in items if item.status is Status.PROCESSING]
    if not items:
        return "waiting for the files to settle"
    filled = round(24 * done / len(items))
    bar = "█" * filled + "░" * (24 - filled)
    return f"{bar} {done} of {len(items)}  {', '.join(busy)}"


def _result(items: list[ItemRecord]) -> Table:
    table = Table("Piece", "SKU", "Price", "Risk", "Reasons", "Status", "Seconds", box=None)
    for column in (2, 3, 6):
        table.columns[column].justify = "right"
    for item in items:
        table.add_row(
            Text(printable(Path(item.path).name)),
            Text(printable(item.sku or "unknown")),
            price_text(item.price_minor, item.currency) or "unknown",
            "" if item.risk is None else f"{item.risk:.2f}",
            Text(", ".join(item.reasons) or inert(item.reason if item.status in _BROKEN else "")),
            item.status + (" (must)" if item.mandatory and item.status is Status.AWAITING_REVIEW else ""),
            "" if item.seconds is None else f"{item.seconds:.1f}",
        )
    return table


def _say_what_next(
    screen: Console, items: list[ItemRecord], settings: Settings, sheet: Path | None, seconds: float
) -> None:
    delivered = sum(item.status is Status.DELIVERED for item in items)
    waiting = sum(item.status is Status.AWAITING_REVIEW for item in items)
    config = printable(shlex.quote(str(settings.root / SETTINGS_NAME)))
    lines = [
        "",
        f"{len(items)} pieces in {seconds:.0f} seconds: {delivered} delivered, {waiting} wait for a person.",
        f"What costs $1,000 at most left by policy where its risk is below {settings.qa.auto_approve_below}.",
        "(must): over $1,000 or without a price; a person must decide, however low the risk.",
        "",
        f"Finished pictures: {printable(settings.outbox)}",
    ]
    if sheet is not None:
        lines.append(f"Contact sheet:     {printable(sheet)}")
    lines += [
        "",
        "Next, decide on those that wait:",
        f"  studiod-review --config {config}",
        "and deliver what you approved:",
        f"  studiod run --until-idle --config {config}",
        "Or lay out a studio of your own:",
        "  studiod init my-studio",
    ]
    screen.print(Text("\n".join(lines)))
