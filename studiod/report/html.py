"""The morning report for a browser: one file that asks nothing of any server, every text escaped."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from html import escape
from io import BytesIO
from pathlib import Path

from PIL import Image

from studiod.report.contents import Card, Report, Row, Table

_PICTURE_SIDE = 280
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


def as_html(report: Report) -> str:
    """The report as one file that asks nothing of any server: pictures within, no script at all."""
    return "".join(_html(report))


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
