"""The morning report: what the night brought and what it left to people, as plain text and as one HTML file.

`read_report` composes the ledger's records; `as_text` and `as_html` only lay out what it composed. Every
text in a `Report` is inert already (`studiod.names`); the HTML escapes it once more.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from io import BytesIO
from pathlib import Path

from PIL import Image
from rich.cells import cell_len

from studiod.ledger import reading
from studiod.ledger.engine import Ledger
from studiod.ledger.period import Period, Tally, read_period
from studiod.ledger.records import WAITING, Decision, Demand, Event, FileRecord, FileState, ItemRecord
from studiod.ledger.states import Status
from studiod.money import to_decimal
from studiod.names import inert, printable
from studiod.settings import Settings

_PAGE = 1000
_PICTURE_SIDE = 280
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
    sheet: Mapping[str, tuple[Card, ...]] = field(default_factory=dict)


def read_report(ledger: Ledger, settings: Settings, since: float) -> Report:
    """What happened since, and what stands open now whenever it happened."""
    now = ledger.clock()
    period = read_period(ledger, since)
    happened = [event for event in _events(ledger, period.first_event - 1) if event.at >= since]
    items = {item.id: item for item in period.concerned}
    sheet = _sheet(ledger, settings, period.concerned)
    return Report(
        title=f"{printable(settings.root.name)}: {moment(since)} to {moment(now)}",
        summary=(*_summary(period, happened), _daemon_line(ledger)),
        tables=(
            _to_shoot_again(ledger, period.concerned),
            _failed(ledger, period.concerned),
            _prices_that_rose(items, happened),
            _delivered(ledger, items, happened),
            _counts("Items by status", period.items, "Came in since"),
            _counts("Files by state", period.files, "Seen since"),
        ),
        sheet=sheet,
    )


def moment(at: float) -> str:
    """A time as people read it, in the studio's own time zone."""
    return datetime.fromtimestamp(at).strftime("%Y-%m-%d %H:%M")


def price_words(minor: object, currency: object) -> str:
    """A price as people read it: "1000.00 USD", or "unknown"."""
    if not isinstance(minor, int):
        return "unknown"
    return inert(f"{to_decimal(minor, str(currency))} {currency}".rstrip())


def as_text(report: Report) -> str:
    """The report for a terminal: no pictures, everything else."""
    lines = [report.title, "=" * cell_len(report.title), "", *report.summary]
    for table in report.tables:
        lines += ["", *_underlined(table.title), table.lead]
        lines += _text_rows(table)
    for heading, cards in report.sheet.items():
        lines += ["", *_underlined(f"{heading} ({len(cards)})")]
        for card in cards:
            lines.append(f"  {'  '.join((card.title, *card.facts))}")
            lines += [f"      {finding}" for finding in card.findings]
    return "\n".join(lines) + "\n"


def as_html(report: Report) -> str:
    """The report as one file that asks nothing of any server: pictures within, no script at all."""
    return "".join(_html(report))


# What it says.


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
    return f"The daemon was last heard of at {moment(state.beat_at)}: {state.activity}{said}."


def _to_shoot_again(ledger: Ledger, items: Sequence[ItemRecord]) -> Table:
    rows = []
    for item in items:
        if item.status is Status.REJECTED:
            decision = _standing(reading.decisions(ledger, item.id), item.version, "reject")
            who = _person(decision) if decision else ""
            when = moment(decision.at) if decision else ""
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


def _failed(ledger: Ledger, items: Sequence[ItemRecord]) -> Table:
    rows = []
    for item in items:
        if item.status in (Status.FAILED, Status.QUARANTINED):
            arrived = [event for event in reading.history(ledger, item.id) if event.after is item.status]
            when = moment(arrived[-1].at) if arrived else ""
            *names, path = _named(item)
            rows.append(Row((*names, item.status, when, path), (inert(item.reason),)))
    for file in _files_alone(ledger):
        path = f"{file.facts.hot_folder}/{printable(file.facts.path)}"
        cells = ("", "", "", "", file.state, moment(file.seen_at), path)
        rows.append(Row(cells, (inert(file.reason),)))
    return Table(
        "Failed and quarantined",
        "Could not be made, or no pictures at all; a file that never became an item has no number. "
        "Once mended: studiod retry ITEM.",
        ("Item", "SKU", "Title", "Price", "State", "At", "File"),
        tuple(rows),
        numbers=frozenset({0, 3}),
    )


def _files_alone(ledger: Ledger) -> Iterator[FileRecord]:
    """Quarantined files that no item stands for."""
    offset = 0
    while page := reading.list_files(ledger, state=FileState.QUARANTINED, limit=_PAGE, offset=offset):
        yield from (file for file in page if file.item is None)
        offset += len(page)


def _prices_that_rose(items: Mapping[int, ItemRecord], happened: Sequence[Event]) -> Table:
    rows = []
    for event, item in _of(items, happened, "price_rose_after_delivery"):
        number, sku, title, _, path = _named(item)
        before, after = (_price_in(event.details.get(key)) for key in ("before", "after"))
        cells = (number, sku, title, f"{before} -> {after}", moment(event.at), path)
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
    if not isinstance(details, Mapping):
        return "unknown"
    return price_words(details.get("minor"), details.get("currency"))


def _delivered(ledger: Ledger, items: Mapping[int, ItemRecord], happened: Sequence[Event]) -> Table:
    rows = []
    for event, item in _of(items, happened, "delivered"):
        number, sku, title, price, _ = _named(item)
        counted = [
            decision
            for decision in reading.decisions(ledger, item.id)
            if decision.version == event.version
            and decision.verdict == "approve"
            and decision.at <= event.at
            and (decision.withdrawn_at is None or decision.withdrawn_at > event.at)
        ]
        written = event.details.get("files")
        notes = [printable(path) for path in written] if isinstance(written, Mapping) else []
        if item.status is not Status.DELIVERED:
            notes.append(f"Taken back since: it is {item.status} now.")
        who = ", ".join(map(_person, counted)) or "nobody on record"
        rows.append(Row((number, sku, title, price, who, moment(event.at)), tuple(notes)))
    return Table(
        "Delivered, and by whom decided",
        "What left since then, and who decided it.",
        ("Item", "SKU", "Title", "Price now", "Decided by", "At"),
        tuple(rows),
        numbers=frozenset({0, 3}),
    )


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
        price_words(item.price_minor, item.currency),
        f"{inert(item.hot_folder)}/{printable(item.path)}",
    )


def _standing(decisions: Sequence[Decision], version: int, verdict: str) -> Decision | None:
    """The last decision of this kind on this version that nobody withdrew."""
    standing = [
        decision
        for decision in decisions
        if decision.version == version and decision.verdict == verdict and decision.withdrawn_at is None
    ]
    return standing[-1] if standing else None


def _person(decision: Decision) -> str:
    return "policy" if decision.person is None else inert(decision.person.login)


# How it looks on a terminal.


def _underlined(title: str) -> tuple[str, str]:
    return title, "-" * cell_len(title)


def _text_rows(table: Table) -> Iterator[str]:
    if not table.rows:
        yield "  none"
        return
    head, last = Row(table.columns), () if table.last is None else (table.last,)
    rows = (head, *table.rows, *last)
    widths = [max(cell_len(row.cells[index]) for row in rows) for index in range(len(table.columns))]
    for row in rows:
        cells = []
        for index, (cell, width) in enumerate(zip(row.cells, widths, strict=True)):
            blank = " " * (width - cell_len(cell))
            cells.append(blank + cell if index in table.numbers else cell + blank)
        yield f"  {'  '.join(cells)}".rstrip()
        yield from (f"      {note}" for note in row.notes)


# How it looks in a browser.

_STYLE = """
:root { color: #1c1c1c; background: #f4f4f3; font: 15px/1.45 system-ui, sans-serif; }
body { max-width: 1400px; margin: 0 auto; padding: 24px; }
h1 { font-size: 24px; margin: 0 0 8px; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 32px 0 4px; }
h2 .count { color: #6a6a6a; font-weight: normal; }
p { margin: 4px 0; }
nav { margin-top: 12px; } nav a { display: inline-block; margin-right: 16px; color: #24507e; }
table { border-collapse: collapse; background: #fff; margin-top: 8px; }
th, td { text-align: left; vertical-align: top; padding: 5px 12px; border-bottom: 1px solid #e2e2e0; }
td { overflow-wrap: anywhere; max-width: 420px; }
th { font-weight: 600; color: #555; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.last td { font-weight: 600; border-top: 2px solid #999; }
.note { color: #8a3b12; display: block; overflow-wrap: anywhere; }
td.notes { padding-top: 0; max-width: none; } tr.noted td { border-bottom: 0; }
.none { color: #6a6a6a; }
.sheet { display: grid; grid-template-columns: repeat(auto-fill, minmax(430px, 1fr)); gap: 14px; }
.card { background: #fff; border: 1px solid #dcdcda; padding: 10px; break-inside: avoid; }
.card h3 { font-size: 15px; margin: 8px 0 2px; overflow-wrap: anywhere; }
.card p, .card li { font-size: 13px; overflow-wrap: anywhere; }
.card ul { margin: 4px 0 0; padding-left: 18px; color: #8a3b12; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 6px; }
.pair img, .pair span { width: 100%; height: 200px; object-fit: contain; background: #e4e4e2; }
.pair span { display: flex; align-items: center; justify-content: center; color: #6a6a6a; }
"""
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def _html(report: Report) -> Iterator[str]:
    title = escape(report.title)
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
    yield '<meta name="viewport" content="width=device-width">\n'
    yield f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
    yield from (f"<p>{escape(line)}</p>\n" for line in report.summary)
    parts = [(table.title, len(table.rows) if table.last is None else None) for table in report.tables]
    parts += [(heading, len(cards)) for heading, cards in report.sheet.items()]
    yield "<nav>"
    for number, (heading, count) in enumerate(parts):
        yield f'<a href="#part{number}">{_heading(heading, count)}</a>'
    yield "</nav>\n"
    for number, table in enumerate(report.tables):
        yield f'<h2 id="part{number}">{_heading(*parts[number])}</h2>\n<p>{escape(table.lead)}</p>\n'
        yield from _html_table(table)
    for number, cards in enumerate(report.sheet.values(), len(report.tables)):
        yield f'<h2 id="part{number}">{_heading(*parts[number])}</h2>\n<div class="sheet">\n'
        for card in cards:
            yield from _html_card(card)
        yield "</div>\n"
    yield "</body>\n</html>\n"


def _heading(title: str, count: int | None) -> str:
    return escape(title) if count is None else f'{escape(title)} <span class="count">{count}</span>'


def _html_table(table: Table) -> Iterator[str]:
    if not table.rows:
        yield '<p class="none">none</p>\n'
        return
    yield "<table>\n<thead>"
    yield from _html_row(Row(table.columns), table, "th", "")
    yield "</thead>\n<tbody>\n"
    for row in table.rows:
        yield from _html_row(row, table, "td", "noted" if row.notes else "")
    if table.last is not None:
        yield from _html_row(table.last, table, "td", "last")
    yield "</tbody>\n</table>\n"


def _html_row(row: Row, table: Table, tag: str, mark: str) -> Iterator[str]:
    yield f'<tr class="{mark}">'
    for index, cell in enumerate(row.cells):
        kind = ' class="number"' if index in table.numbers else ""
        yield f"<{tag}{kind}>{escape(cell)}</{tag}>"
    yield "</tr>\n"
    if row.notes:
        yield f'<tr><td></td><td class="notes" colspan="{len(row.cells) - 1}">'
        yield from (f'<span class="note">{escape(note)}</span>' for note in row.notes)
        yield "</td></tr>\n"


def _html_card(card: Card) -> Iterator[str]:
    yield '<div class="card">\n<div class="pair">'
    for name, path in (("original", card.original), ("composite", card.composite)):
        small = _small_jpeg(path)
        if small is None:
            yield f"<span>no preview of the {name}</span>"
        else:
            data = base64.b64encode(small).decode("ascii")
            yield f'<img alt="{name}" src="data:image/jpeg;base64,{data}">'
    yield f"</div>\n<h3>{escape(card.title)}</h3>\n<p>{escape(' · '.join(card.facts))}</p>\n"
    if card.findings:
        yield f"<ul>{''.join(f'<li>{escape(finding)}</li>' for finding in card.findings)}</ul>\n"
    yield "</div>\n"


def _small_jpeg(path: Path) -> bytes | None:
    """A preview made small enough to be embedded; None where it was cleaned away or cannot be read."""
    try:
        with Image.open(path, formats=("JPEG",)) as picture:
            picture.draft("RGB", (2 * _PICTURE_SIDE, 2 * _PICTURE_SIDE))
            small = picture.convert("RGB")
        small.thumbnail((_PICTURE_SIDE, _PICTURE_SIDE))
        written = BytesIO()
        small.save(written, "JPEG", quality=80)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return written.getvalue()
