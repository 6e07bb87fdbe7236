"""What the morning report says: what the night brought and what it left to people.

`read_report` composes the ledger's records; `text` and `html` beside it only lay out what it composed.
Every text in a `Report` is inert already (`studiod.names`).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from studiod.ledger import reading
from studiod.ledger.engine import Ledger
from studiod.ledger.period import Period, Tally, read_period
from studiod.ledger.records import WAITING, Decision, Demand, Event, FileState, ItemRecord
from studiod.ledger.states import Status
from studiod.money import price_text
from studiod.names import inert, printable
from studiod.settings import Settings

_PAGE = 1000
_MOST_FINDINGS = 6
_FIRST = (
    Status.AWAITING_REVIEW,
    Status.APPROVED_ONCE,
    Status.FLAGGED,
    Status.REJECTED,
    Status.FAILED,
    Status.APPROVED,
    Status.DELIVERING,
    Status.DELIVERED,
)
_MANDATORY = {
    Demand.NOTHING: "",
    Demand.PERSON: "mandatory",
    Demand.TWO_PERSONS: "mandatory for two people",
}
_HEADINGS = {
    Status.AWAITING_REVIEW: "Waiting for a person",
    Status.APPROVED_ONCE: "Waiting for a second person",
    Status.FLAGGED: "In touch-up",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table, and sentences that belong to it."""

    cells: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A part of the report; `lead` says what it holds, `last` is its sum. `numbers`: columns set right."""

    title: str
    lead: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    last: Row | None = None
    numbers: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Card:
    """One piece of the contact sheet, and where its two previews lie."""

    title: str
    facts: tuple[str, ...]
    findings: tuple[str, ...]
    original: Path
    composite: Path


@dataclass(frozen=True, slots=True)
class Report:
    """A report ready to be laid out; `sheet` holds the contact sheet's groups, each with its heading."""

    title: str
    summary: tuple[str, ...]
    tables: tuple[Table, ...]
    sheet: Mapping[str, tuple[Card, ...]]


def read_report(ledger: Ledger, settings: Settings, since: float) -> Report:
    """What happened since, and what stands open now whenever it happened."""
    now = ledger.clock()
    period = read_period(ledger, since)
    happened = [event for event in _events(ledger, period.first_event - 1) if event.at >= since]
    items = {item.id: item for item in period.concerned}
    return Report(
        title=f"{printable(settings.root.name)}: {_moment(since)} to {_moment(now)}",
        summary=(*_summary(period, happened), _daemon_line(ledger)),
        tables=(
            _to_shoot_again(ledger, period.concerned),
            _failed(ledger, period.concerned),
            _prices_that_rose(items, happened),
            _delivered(ledger, items, happened),
            _counts("Items by status", period.items, "Came in since"),
            _counts("Files by state", period.files, "Seen since"),
        ),
        sheet=_sheet(ledger, settings, period.concerned),
    )


def _events(ledger: Ledger, after: int) -> Iterator[Event]:
    while page := reading.events_since(ledger, after, limit=_PAGE):
        yield from page
        after = page[-1].id


def _summary(period: Period, happened: Sequence[Event]) -> tuple[str, ...]:
    did = Counter(event.what for event in happened)
    now = period.items.by_state
    came = sum(period.items.recent.values())
    wait = now[Status.AWAITING_REVIEW] + now[Status.APPROVED_ONCE]
    must = sum(item.mandatory for item in period.concerned if item.status in WAITING.statuses)
    broken = now[Status.FAILED] + now[Status.QUARANTINED]
    return (
        f"Since then: {came} came in, {did['made'] + did['approved_by_policy']} cut out, "
        f"{did['approved'] + did['approved_unseen']} approved by people and "
        f"{did['approved_by_policy']} by policy, "
        f"{did['flagged']} flagged, {did['rejected']} rejected, {did['delivered']} delivered, "
        f"{did['recalled']} recalled, {did['undone']} taken back.",
        f"Items now: {wait} waiting for a person ({must} of them mandatory), "
        f"{now[Status.FLAGGED]} in touch-up, {now[Status.REJECTED]} to be shot again, "
        f"{broken} failed or quarantined.",
    )


def _daemon_line(ledger: Ledger) -> str:
    state = reading.daemon_state(ledger)
    if state is None:
        return "The daemon has never run."
    said = f" ({inert(state.message)})" if state.message else ""
    return f"The daemon was last heard of at {_moment(state.beat_at)}: {state.activity}{said}."


def _to_shoot_again(ledger: Ledger, items: Sequence[ItemRecord]) -> Table:
    rows = []
    for item in items:
        if item.status is Status.REJECTED:
            decision = _rejection(ledger, item)
            who = _person(decision) if decision else ""
            when = _moment(decision.at) if decision else ""
            notes = () if decision is None else (", ".join(decision.reasons), inert(decision.note))
            *names, path = _named(item)
            rows.append(Row((*names, who, when, path), tuple(filter(None, notes))))
    return Table(
        "To be shot again",
        "Rejected, and no new picture has come yet.",
        ("Item", "SKU", "Title", "Price", "Rejected by", "At", "File"),
        tuple(rows),
        numbers=frozenset({0, 3}),
    )


def _rejection(ledger: Ledger, item: ItemRecord) -> Decision | None:
    """The last rejection of the present version that nobody withdrew."""
    wanted = (item.version, "reject", None)
    for decision in reversed(reading.decisions(ledger, item.id)):
        if (decision.version, decision.verdict, decision.withdrawn_at) == wanted:
            return decision
    return None


def _failed(ledger: Ledger, items: Sequence[ItemRecord]) -> Table:
    rows = []
    for item in items:
        if item.status in (Status.FAILED, Status.QUARANTINED):
            arrived = [event for event in reading.history(ledger, item.id) if event.after is item.status]
            when = _moment(arrived[-1].at) if arrived else ""
            *names, path = _named(item)
            rows.append(Row((*names, item.status, when, path), (inert(item.reason),)))
    for file in reading.every_file(ledger, FileState.QUARANTINED):
        if file.item is not None:
            continue
        path = f"{file.facts.hot_folder}/{printable(file.facts.path)}"
        cells = ("", "", "", "", file.state, _moment(file.seen_at), path)
        rows.append(Row(cells, (inert(file.reason),)))
    return Table(
        "Failed and quarantined",
        "Could not be made, or no pictures at all; a file that never became an item has no number. "
        "Once mended: studiod retry ITEM.",
        ("Item", "SKU", "Title", "Price", "State", "At", "File"),
        tuple(rows),
        numbers=frozenset({0, 3}),
    )


def _prices_that_rose(items: Mapping[int, ItemRecord], happened: Sequence[Event]) -> Table:
    rows = []
    for event, item in _of(items, happened, "price_rose_after_delivery"):
        number, sku, title, _, path = _named(item)
        before, after = (_price_in(event.details.get(key)) for key in ("before", "after"))
        cells = (number, sku, title, f"{before} -> {after}", _moment(event.at), path)
        rows.append(Row(cells, (inert(event.reason),) if event.reason else ()))
    return Table(
        "Prices that rose after delivery",
        "Delivered at the lower price. To judge one again: studiod recall ITEM.",
        ("Item", "SKU", "Title", "Price", "At", "File"),
        tuple(rows),
        numbers=frozenset({0, 3}),
    )


def _of(
    items: Mapping[int, ItemRecord], happened: Sequence[Event], what: str
) -> Iterator[tuple[Event, ItemRecord]]:
    """The events of one kind, each with its item."""
    for event in happened:
        item = None if event.item is None else items.get(event.item)
        if event.what == what and item is not None:
            yield event, item


def _price_in(details: object) -> str:
    """The price that an event kept, as people read it."""
    if not isinstance(details, Mapping) or not isinstance(details.get("minor"), int):
        return "unknown"
    return inert(price_text(details["minor"], str(details.get("currency"))))


def _delivered(ledger: Ledger, items: Mapping[int, ItemRecord], happened: Sequence[Event]) -> Table:
    rows = []
    last = {item.id: event.id for event, item in _of(items, happened, "delivered")}
    for event, item in _of(items, happened, "delivered"):
        number, sku, title, price, _ = _named(item)
        written = event.details.get("files")
        notes = [printable(path) for path in written] if isinstance(written, Mapping) else []
        if event.id != last[item.id]:
            notes.append("Taken back since, and delivered again.")
        elif item.status is not Status.DELIVERED:
            notes.append(f"Taken back since: it is {item.status} now.")
        who = ", ".join(_approved_by(ledger, item.id, event)) or "nobody on record"
        rows.append(Row((number, sku, title, price, who, _moment(event.at)), tuple(notes)))
    return Table(
        "Delivered, and by whom decided",
        "What left since then, and who decided it.",
        ("Item", "SKU", "Title", "Price now", "Decided by", "At"),
        tuple(rows),
        numbers=frozenset({0, 3}),
    )


def _approved_by(ledger: Ledger, item: int, delivered: Event) -> list[str]:
    """Whose approvals stood when an item was delivered: by the events' order, whatever the clock did."""
    who: list[str] = []
    for event in reading.history(ledger, item):
        if event.id >= delivered.id:
            break
        if event.after is Status.AWAITING_REVIEW:
            who = []
        elif event.after in (Status.APPROVED_ONCE, Status.APPROVED) and event.before is not Status.DELIVERING:
            who.append(inert(event.actor))
    return list(dict.fromkeys(who))


def _counts(title: str, tally: Tally, recent: str) -> Table:
    """Every state with its count, and the sum beside the number of rows counted apart from the states."""
    rows = tuple(
        Row((state, str(count), str(tally.recent[state]))) for state, count in tally.by_state.items()
    )
    whole = sum(tally.by_state.values())
    agree = "the same" if whole == tally.total else "NOT the same: the ledger needs to be looked at"
    return Table(
        title,
        f"The sum over every state is {whole}; the ledger holds {tally.total} in all ({agree}).",
        ("State", "Now", recent),
        rows,
        last=Row(("sum", str(whole), str(sum(tally.recent.values())))),
        numbers=frozenset({1, 2}),
    )


def _sheet(ledger: Ledger, settings: Settings, items: Sequence[ItemRecord]) -> dict[str, tuple[Card, ...]]:
    sheet = {}
    for status in _FIRST:
        cards = [_card(ledger, settings, item) for item in items if item.status is status]
        shown = tuple(card for card in cards if card is not None)
        if shown:
            sheet[_HEADINGS.get(status, status.replace("_", " ").capitalize())] = shown
    return sheet


def _card(ledger: Ledger, settings: Settings, item: ItemRecord) -> Card | None:
    """The item's present picture; None where none was made of it."""
    version = reading.get_version(ledger, item.id)
    if version is None:
        return None
    number, sku, title, price, path = _named(item)
    must = _MANDATORY[item.demand] if item.status in WAITING.statuses else ""
    found = sorted(
        json.loads(version.made.risk_json).get("findings", ()), key=lambda one: -one["probability"]
    )
    findings = [f"{one['probability']:.2f} {inert(one['sentence'])}" for one in found[:_MOST_FINDINGS]]
    if len(found) > _MOST_FINDINGS:
        findings.append(f"and {len(found) - _MOST_FINDINGS} more: studiod show {number}")
    folder = settings.work / version.made.folder
    return Card(
        title=f"{number}  {sku}" if item.sku else f"{number}  {path}",
        facts=tuple(filter(None, (title, f"price {price}", f"risk {version.made.risk:.2f}", must, path))),
        findings=tuple(findings),
        original=folder / "preview-original.jpg",
        composite=folder / "preview-composite.jpg",
    )


def _named(item: ItemRecord) -> tuple[str, str, str, str, str]:
    """What an item is called everywhere: number, SKU, title, price and file."""
    return (
        str(item.id),
        printable(item.sku) if item.sku else "",
        inert(item.title),
        inert(price_text(item.price_minor, item.currency)) or "unknown",
        f"{inert(item.hot_folder)}/{printable(item.path)}",
    )


def _person(decision: Decision) -> str:
    return "policy" if decision.person is None else inert(decision.person.login)


def _moment(at: float) -> str:
    """A time as people read it, in the studio's own time zone."""
    return datetime.fromtimestamp(at).strftime("%Y-%m-%d %H:%M")
