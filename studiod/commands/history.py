"""`studiod history`: the whole life of one item."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import typer

from studiod.commands.options import ConfigOption, ItemArgument, JsonOption, studio_ledger, studio_settings
from studiod.commands.wording import change_text, item_as_json, moment_text
from studiod.ledger import reading
from studiod.ledger.records import Decision, Event, ItemRecord
from studiod.money import price_text
from studiod.names import inert, printable

_PATHS = ("path", "before", "after")
_TOLD_ELSEWHERE = ("reasons", "box")  # with the decision


def history(item: ItemArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """The whole life of one item, decisions included."""
    settings = studio_settings(config)
    ledger = studio_ledger(settings)
    record = reading.get_item(ledger, item)
    events, decisions = reading.history(ledger, item), reading.decisions(ledger, item)
    if as_json:
        life = {
            **item_as_json(record, settings),
            "events": [_event_as_json(event) for event in events],
            "decisions": [_decision_as_json(decision) for decision in decisions],
        }
        typer.echo(json.dumps(life, indent=2))
        return
    for line in _lines(record, events, decisions):
        typer.echo(line)


def _lines(record: ItemRecord, events: list[Event], decisions: list[Decision]) -> Iterator[str]:
    names = (
        printable(record.sku) if record.sku else "",
        inert(record.title),
        price_text(record.price_minor, record.currency),
    )
    yield "  ".join(filter(None, (f"Item {record.id}", *names)))
    yield f"{inert(record.hot_folder)}/{printable(record.path)}"
    yield f"{record.status}, version {record.version}"
    yield ""
    for event in events:
        who = inert(event.actor) + ("" if event.uid is None else f" (uid {event.uid})")
        yield f"{moment_text(event.at)}  {who}  {event.what}  {change_text(event)}".rstrip()
        if event.reason:
            yield f"    {inert(event.reason)}"
        yield from (f"    {told}" for told in _told(event))
    yield ""
    yield "Decisions" if decisions else "No decisions"
    for decision in decisions:
        back = decision.withdrawn_at
        withdrawn = "" if back is None else f", withdrawn {moment_text(back)}"
        verdict = f"{decision.verdict} version {decision.version}{withdrawn}"
        yield f"{moment_text(decision.at)}  {_person(decision)}  {verdict}"
        if decision.reasons:
            yield f"    reasons: {', '.join(map(inert, decision.reasons))}"
        if decision.box is not None:
            yield f"    box: {', '.join(map(str, decision.box))}"
        if decision.note:
            yield f"    {inert(decision.note)}"


def _person(decision: Decision) -> str:
    if decision.person is None:
        return "policy"
    return f"{inert(decision.person.login)} (uid {decision.person.uid})"


def _told(event: Event) -> Iterator[str]:
    """The event's details, each on its line; a price before and after as one."""
    details = event.details
    before, after = details.get("before"), details.get("after")
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        yield f"price: {_price(before)} -> {_price(after)}"
        if before.get("sku") != after.get("sku"):
            yield f"sku: {_plain(before.get('sku'))} -> {_plain(after.get('sku'))}"
        return
    for name, value in details.items():
        if name in _TOLD_ELSEWHERE and event.uid is not None:
            continue
        if name == "price_minor":
            yield f"price: {_price({'minor': value, 'currency': details.get('currency')})}"
        elif name == "files" and isinstance(value, Mapping):
            yield from (f"file: {printable(path)}" for path in value)
        elif name in _PATHS and isinstance(value, str):
            yield f"{name}: {printable(value)}"
        elif name != "currency" and value not in ("", None, []):
            yield f"{inert(name)}: {_plain(value)}"


def _price(of: Mapping[str, object]) -> str:
    minor, currency = of.get("minor"), str(of.get("currency") or "")
    return inert(price_text(minor, currency)) if isinstance(minor, int) else "unknown"


def _plain(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value))
    return "unknown" if value is None else inert(str(value))


def _event_as_json(event: Event) -> dict[str, Any]:
    return {
        "at": _iso(event.at),
        "actor": event.actor,
        "uid": event.uid,
        "what": event.what,
        "version": event.version,
        "before": event.before,
        "after": event.after,
        "reason": event.reason,
        "details": dict(event.details),
    }


def _decision_as_json(decision: Decision) -> dict[str, Any]:
    person = decision.person
    return {
        "at": _iso(decision.at),
        "verdict": decision.verdict,
        "version": decision.version,
        "login": None if person is None else person.login,
        "uid": None if person is None else person.uid,
        "reasons": list(decision.reasons),
        "note": decision.note,
        "box": None if decision.box is None else list(decision.box),
        "withdrawn_at": None if decision.withdrawn_at is None else _iso(decision.withdrawn_at),
    }


def _iso(at: float) -> str:
    """A time that says its zone."""
    return datetime.fromtimestamp(at).astimezone().isoformat(timespec="milliseconds")
