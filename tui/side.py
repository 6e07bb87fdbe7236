"""The pane beside the queue: the chosen piece's picture, and what is known of it in a few lines."""

from __future__ import annotations

from rich.text import Text
from textual.containers import Vertical
from textual.widgets import Static

from studiod.ledger.records import Demand, ItemRecord
from studiod.ledger.states import Status
from studiod.names import printable
from tui import words
from tui.desk import Piece
from tui.pictures import View
from tui.queue_table import row_reason
from tui.viewer import PictureView


class Side(Vertical):
    """The composite of the chosen piece, or its original, above what is known of it."""

    DEFAULT_CSS = """
    Side Static { height: auto; max-height: 10; padding: 0 1; }
    """

    def __init__(self) -> None:
        self.picture = PictureView()
        self._details = Static()
        super().__init__(self.picture, self._details)

    def show_item(self, item: ItemRecord | None) -> None:
        """Say what is known of an item."""
        self._details.update("" if item is None else item_text(item))

    def show_piece(self, piece: Piece | None, trouble: str) -> None:
        """Show the composite of a piece, or why there is none."""
        self.picture.view = View.COMPOSITE
        self.picture.show(piece.pictures if piece else None, trouble)

    def before_after(self) -> None:
        """The original under the composite, and back."""
        shown = self.picture.view
        self.picture.show_view(View.ORIGINAL if shown is View.COMPOSITE else View.COMPOSITE)


def item_text(item: ItemRecord) -> Text:
    """An item in a few lines of plain text."""
    text = Text()
    text.append(words.fitted(words.sku_text(item), 40).rstrip(), "bold")
    if item.title:
        text.append(f"  {printable(item.title)}")
    text.append(f"\n{words.price_text(item)}", "bold #f0c060" if item.mandatory else "")
    if item.mandatory:
        who = "two people" if item.demand is Demand.TWO_PERSONS else "a person"
        text.append(f"  {who} must decide", "#f0c060")
    if item.status is not Status.AWAITING_REVIEW:
        text.append(f"\n{words.status_text(item.status)}", "#a8a8a8")
    if item.opened_by:
        text.append(f"\nopen by {printable(item.opened_by)}", "#e0b050")
    if item.risk is not None:
        text.append("\nrisk ")
        text.append(words.risk_bar(item.risk), words.risk_colour(item.risk))
    reason = row_reason(item)
    if reason:
        text.append(f"\n{reason}")
    text.append(f"\n{words.shortened(f'{item.hot_folder}/{item.path}', 70)}", "#8c8c8c")
    return text
