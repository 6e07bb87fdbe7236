"""The morning report for a terminal: no pictures, everything else."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len

from studiod.report.contents import Report, Row, Table


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
