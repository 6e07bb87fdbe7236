"""What people ask of the queue, and decide, without the review terminal."""

from __future__ import annotations

import json
import time
from datetime import datetime
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
from studiod.ledger import reading, review
from studiod.ledger.engine import Ledger
from studiod.ledger.records import SILENT_SECONDS, Demand, Event, ItemRecord
from studiod.ledger.states import Status
from studiod.money import to_decimal
from studiod.names import inert, printable
from studiod.settings import Settings

_WIDTH_OF_REASONS = 110
"""Columns of a terminal from which on a list has room for reasons."""

ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept in the history.")]


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
        typer.echo(f"\n{people} wait for a person: studiod-review")


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
                price_text(item),
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
        ("Price", price_text(record) or "unknown"),
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


def approve(item: ItemArgument, reason: ReasonOption = "", config: ConfigOption = None) -> None:
    """Approve an item as it stands now.

    Your login is kept with the decision. What needs a person's eyes is refused until you have looked at
    all of it in studiod-review.
    """
    ledger = studio_ledger(studio_settings(config))
    version = reading.get_item(ledger, item).version
    after = review.approve(ledger, item, version, review.current_person(), note=reason)
    if after is Status.APPROVED_ONCE:
        typer.echo(f"Item {item} is approved once; its price asks for a second person.")
    else:
        typer.echo(f"Item {item} is approved.")


def flag(item: ItemArgument, reason: ReasonOption = "", config: ConfigOption = None) -> None:
    """Send an item to touch-up by hand.

    A reason may be words of your own, or some of those that `list` shows, such as chain_gap.
    """
    ledger = studio_ledger(studio_settings(config))
    version = reading.get_item(ledger, item).version
    known = _known_reasons(reason)
    review.flag(ledger, item, version, review.current_person(), reasons=known, note=reason)
    typer.echo(f"Item {item} is flagged for touch-up.")


def reject(item: ItemArgument, reason: ReasonOption = "", config: ConfigOption = None) -> None:
    """Refuse a picture: it must be shot again.

    Where the reason is out_of_focus or cut_by_frame alone, `calibrate` does not take it for the cutout's.
    """
    ledger = studio_ledger(studio_settings(config))
    version = reading.get_item(ledger, item).version
    known = _known_reasons(reason)
    review.reject(ledger, item, version, review.current_person(), reasons=known, note=reason)
    typer.echo(f"Item {item} is rejected: shoot it again.")


def retry(item: ItemArgument, reason: ReasonOption = "", config: ConfigOption = None) -> None:
    """Process a failed, quarantined or rejected item again."""
    ledger = studio_ledger(studio_settings(config))
    review.retry(ledger, item, review.current_person(), reason=reason)
    typer.echo(f"Item {item} will be processed again.")


def recall(item: ItemArgument, reason: ReasonOption = "", config: ConfigOption = None) -> None:
    """Take a delivered item back.

    It waits for a person again, and the daemon moves its files to outbox/recalled/.
    """
    ledger = studio_ledger(studio_settings(config))
    review.recall(ledger, item, review.current_person(), reason=reason)
    typer.echo(f"Item {item} is recalled; the daemon moves its files to outbox/recalled/.")


def item_as_json(item: ItemRecord, settings: Settings) -> dict[str, Any]:
    """An item under the names that scripts rely on."""
    price = None if item.price_minor is None else str(to_decimal(item.price_minor, item.currency))
    return {
        "item": item.id,
        "sku": item.sku,
        "status": str(item.status),
        "hot_folder": item.hot_folder,
        "files": list(item.files),
        "version": item.version,
        "price": price,
        "currency": item.currency or None,
        "mandatory": item.mandatory,
        "risk": item.risk,
        "reasons": list(item.reasons),
        "output": [str(settings.outbox / path) for path in item.outputs],
        "seconds": None if item.seconds is None else round(item.seconds, 3),
    }


def price_text(item: ItemRecord) -> str:
    """The price as people read it: "1000.00 USD", or nothing where it is unknown."""
    if item.price_minor is None:
        return ""
    return f"{to_decimal(item.price_minor, item.currency)} {item.currency}"


def _known_reasons(words: str) -> tuple[str, ...]:
    """Those of the words that are reasons of the risk score."""
    from studiod.risk.findings import REASONS

    return tuple(word for word in words.replace(",", " ").split() if word in REASONS)


def moment_text(at: float) -> str:
    """A time to the second, in the studio's own zone."""
    return datetime.fromtimestamp(at).strftime("%Y-%m-%d %H:%M:%S")


def change_text(event: Event) -> str:
    """How an event changed the status: "received -> processing", "-> received", or nothing."""
    if event.after is None:
        return ""
    return f"{event.before} -> {event.after}" if event.before else f"-> {event.after}"


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
