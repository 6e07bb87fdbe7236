"""What the review screen says about a piece in words: its head, and the spots with a tick once seen."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from studiod.ledger.looks import coverage, is_seen
from studiod.ledger.records import ItemRecord, Look
from studiod.ledger.states import Status
from studiod.names import inert
from tui import words
from tui.desk import Piece


def head_text(item: ItemRecord, place: str) -> Text:
    """A piece on one line; `place` says which of how many it is."""
    head = Text(no_wrap=True, overflow="ellipsis")
    if item.mandatory:
        head.append("! ", "bold #f0c060")
    head.append(words.sku_text(item), "bold")
    head.append(f"  {words.price_text(item)}", "#f0c060" if item.mandatory else "")
    if item.risk is not None:
        head.append(f"  {words.risk_bar(item.risk)}", words.risk_colour(item.risk))
    if place:
        head.append(f"  {place}", "#8c8c8c")
    if item.status is not Status.AWAITING_REVIEW:
        head.append(f"  {words.status_text(item.status)}", "#e0b050")
    head.append(f"  {words.piece_text(item)}", "#8c8c8c")
    return head


def spots_text(piece: Piece, looks: Sequence[Look], here: int | None, rows: int) -> Text:
    """Every spot on a line of its own, ticked once it was seen; `here` is where `n` went last.

    Of more lines than `rows` those around `here`.
    """
    if piece.made is None:
        return Text()
    findings = piece.findings
    text = Text()
    text.append(f"{len(findings)} findings\n" if len(findings) != 1 else "1 finding\n", "bold")
    for index, (spot, tick) in enumerate(zip(piece.spots, _ticks(piece, looks), strict=True)):
        if index == len(findings):
            text.append("to be seen besides\n", "bold")
        style = "bold #f0c060" if index == here else "#7fb57f" if tick == "✓" else ""
        certain = f" {findings[index].probability:.2f}" if index < len(findings) else ""
        text.append(f"{tick} {words.reason_text((spot.reason,))}{certain}\n", style)
    text.append(f"{coverage(piece.made, looks):.0%} seen closely", "#8c8c8c")
    lines = text.split()
    middle = 0 if here is None else 1 + here + (here >= len(findings))
    first = max(min(middle - rows // 2, len(lines) - rows), 0)
    return Text("\n").join(lines[first : first + rows])


def here_text(piece: Piece, looks: Sequence[Look], here: int | None, key: str) -> Text:
    """What the spot is where `n` went last, or how many there are for `key` to step through."""
    spots, ticks = piece.spots, _ticks(piece, looks)
    text = Text()
    if here is not None and here < len(spots):
        text.append(f"{ticks[here]} {here + 1}/{len(spots)} ", "bold #f0c060")
        text.append(words.reason_text((spots[here].reason,)), "bold")
        if here < len(piece.findings):
            finding = piece.findings[here]
            text.append(f" {finding.probability:.2f}", "bold")
            text.append(f"  {inert(finding.sentence)}")
    elif spots:
        count = "1 place" if len(spots) == 1 else f"{len(spots)} places"
        text.append(f"{count} {''.join(ticks)}", "#a8a8a8")
        text.append(f"  {key}: step through them", "#8c8c8c")
    return text


def _ticks(piece: Piece, looks: Sequence[Look]) -> list[str]:
    return ["✓" if is_seen(spot, looks) else "·" for spot in piece.spots]
