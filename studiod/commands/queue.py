"""`studiod status`, `list` and `show`: what stands in the queue."""

from __future__ import annotations

import json
import time
from typing import Annotated, Any

import typer
from rich.table import Column, Table
from rich.text import Text

from studiod.commands.options import (
    ConfigOption,
    ItemArgument,
    JsonOption,
    console,
    studio_ledger,
    studio_settings,
)
from studiod.commands.wording import change_text, item_as_json, moment_text
from studiod.ledger import reading
from studiod.ledger.engine import Ledger
from studiod.ledger.records import SILENT_SECONDS, Demand, Event
from studiod.ledger.states import Status
from studiod.money import price_text
from studiod.names import inert, printable

_WIDTH_OF_REASONS = 110
"""Columns of a terminal from which on a list has room for reasons."""


def status(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """What the daemon does, and how many items stand where."""
    settings = studio_settings(config)
    ledger = studio_ledger(settings)
    counts = reading.count_by_status(ledger)
    files = reading.count_files(ledger)
    state = reading.daemon_state(ledger)
    silent = None if state is None else max(0.0, time.time() - state.beat_at)
    stopped = state is None or state.activity == "stopped"
    gone = stopped or (silent is not None and silent > SILENT_SECONDS)
    activity = "never started" if state is None else "stopped" if stopped else str(state.activity)
    if gone and not stopped:
        activity = "not running"
    if as_json:
        _print_json(
            {
                "daemon": activity,
                "pid": None if state is None or gone else state.pid,
                "message": "" if state is None else state.message,
                "seconds_since_heartbeat": None if silent is None else round(silent, 1),
                "items": {str(name): count for name, count in counts.items()},
                "files": {str(name): count for name, count in files.items()},
            }
        )
        return
    running = "" if state is None or gone else f" (process {state.pid})"
    typer.echo(f"Daemon: {activity}{running}")
    if state is not None and state.message and not stopped:
        typer.echo(f"        {inert(state.message)}")
    table = Table("Status", "Items", box=None, pad_edge=False)
    table.columns[1].justify = "right"
    for name, count in counts.items():
        if count:
            table.add_row(name, str(count))
    table.add_row("all items", str(sum(counts.values())))
    table.add_row("all files", str(sum(files.values())))
    console().print(table)
    people = counts[Status.AWAITING_REVIEW] + counts[Status.APPROVED_ONCE]
    if people:
        typer.echo(f"\n{people} {'waits' if people == 1 else 'wait'} for a person: studiod-review")


def list_(
    config: ConfigOption = None,
    files: Annotated[
        bool, typer.Option("--files", help="Every file that was ever taken up, instead of the items.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Every item with its price, risk and status; or every file.

    In a narrow terminal the reasons are left out: `studiod show` has them.
    """
    settings = studio_settings(config)
    ledger = studio_ledger(settings)
    if files:
        _list_files(ledger, as_json)
    elif as_json:
        _print_json([item_as_json(item, settings) for item in reading.every_item(ledger)])
    else:
        screen = console()
        roomy = screen.width >= _WIDTH_OF_REASONS
        table = Table("Item", "Files", "SKU", Column("Price", no_wrap=True), "Must", "Risk", box=None)
        if roomy:
            table.add_column("Reasons")
        table.add_column("Status", no_wrap=True)
        for item in reading.every_item(ledger):
            why = (_text(", ".join(item.reasons) or inert(item.reason)),)
            table.add_row(
                str(item.id),
                _text(", ".join(map(printable, item.files))),
                _text(printable(item.sku or "-")),
                price_text(item.price_minor, item.currency),
                {Demand.NOTHING: "", Demand.PERSON: "person", Demand.TWO_PERSONS: "two"}[item.demand],
                "" if item.risk is None else f"{item.risk:.2f}",
                *(why if roomy else ()),
                item.status,
            )
        screen.print(table)


def show(item: ItemArgument, config: ConfigOption = None) -> None:
    """All about one item: findings, files and history."""
    settings = studio_settings(config)
    ledger = studio_ledger(settings)
    record = reading.get_item(ledger, item)
    version = reading.get_version(ledger, item)
    must = {
        Demand.NOTHING: "no",
        Demand.PERSON: "yes, a person's decision",
        Demand.TWO_PERSONS: "yes, two different people",
    }
    facts: list[tuple[str, str]] = [
        ("Status", record.status + (f": {inert(record.reason)}" if record.reason else "")),
        ("Hot folder", record.hot_folder),
        ("Files", ", ".join(map(printable, record.files)) or printable(record.path)),
        ("SKU", printable(record.sku) if record.sku else "unknown"),
        ("Title", inert(record.title) or "-"),
        ("Price", price_text(record.price_minor, record.currency) or "unknown"),
        ("Mandatory", must[record.demand]),
        ("Version", str(record.version)),
        ("Risk", "-" if record.risk is None else f"{record.risk:.3f}"),
        ("Outputs", ", ".join(printable(settings.outbox / path) for path in record.outputs) or "-"),
    ]
    if version is not None:
        facts.append(("Files of this version", printable(settings.work / version.made.folder)))
        if version.made.plate_message:
            facts.append(("Plate", inert(version.made.plate_message)))
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in facts:
        table.add_row(name, _text(value))
    console().print(table)
    if version is not None:
        _print_findings(json.loads(version.made.risk_json))
    typer.echo("\nHistory")
    for event in reading.history(ledger, item):
        typer.echo(f"  {_event_line(event)}")


def _list_files(ledger: Ledger, as_json: bool) -> None:
    if as_json:
        _print_json(
            [
                {
                    "hot_folder": file.facts.hot_folder,
                    "path": file.facts.path,
                    "state": str(file.state),
                    "item": file.item,
                    "reason": file.reason,
                }
                for file in reading.every_file(ledger)
            ]
        )
        return
    table = Table("Hot folder", "File", "State", "Item", "Reason", box=None)
    for file in reading.every_file(ledger):
        number = "" if file.item is None else str(file.item)
        path = _text(printable(file.facts.path))
        table.add_row(file.facts.hot_folder, path, file.state, number, _text(inert(file.reason)))
    console().print(table)


def _print_findings(risk: dict[str, Any]) -> None:
    findings = risk.get("findings", [])
    if findings:
        typer.echo("\nWhat may be wrong")
    for finding in findings:
        left, top, right, bottom = finding["box"]
        where = f"{right - left} x {bottom - top} px at {left}, {top}"
        typer.echo(
            f"  {finding['probability']:.2f}  {finding['reason']} ({where}): {inert(finding['sentence'])}"
        )


def _event_line(event: Event) -> str:
    what = f"{event.what} {change_text(event)}".rstrip()
    reason = f": {inert(event.reason)}" if event.reason else ""
    return f"{moment_text(event.at)}  {inert(event.actor)}  {what}{reason}"


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, indent=2))


def _text(value: str) -> Text:
    """A cell that is printed as it is: never read as rich's markup."""
    return Text(value, overflow="fold")
