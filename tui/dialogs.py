"""The questions that are asked over a screen: why it is flagged, and whether one is sure."""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui.desk import Box, Finding
from tui.words import REASONS

NUMBERS = "1234567890abcdeg"
"""The reasons' keys, in their order; no f, which pressed twice to flag would tick one."""

_FRAME = """
    background: #2b2b2b; border: round #8c8c8c; padding: 0 1; width: 72; max-width: 100%; height: auto;
    max-height: 100%;
"""


@dataclass(frozen=True, slots=True)
class FlagAnswer:
    """What is wrong: reasons in the risk scorer's words, a note for the retoucher, and where, if known."""

    reasons: tuple[str, ...]
    note: str
    box: Box | None


class FlagDialog(ModalScreen[FlagAnswer | None]):
    """Asks for the reasons by number and a note; the finding that one looks at is ticked already.

    Its box goes with the flag for as long as it is ticked; one that the person has `drawn` always does.
    """

    CSS = f"""
    FlagDialog {{ align: center middle; overflow: hidden; }}
    FlagDialog > Vertical {{ {_FRAME} }}
    FlagDialog #reasons {{ height: auto; margin: 1 0; }}
    FlagDialog Input {{ height: 1; border: none; background: #1c1c1c; padding: 0 1; }}
    """

    AUTO_FOCUS = ""
    BINDINGS = [
        Binding("escape", "cancel", "cancel"),
        Binding("enter", "send", "flag"),
        Binding("tab", "note", "note"),
    ]

    def __init__(self, piece: str, finding: Finding | None, drawn: Box | None = None) -> None:
        super().__init__()
        self._piece = piece
        self._finding = finding
        self._drawn = drawn
        self._ticked = [finding.reason] if finding is not None and finding.reason in REASONS else []

    def compose(self) -> ComposeResult:
        """A heading, the reasons, the note."""
        with Vertical():
            yield Static(Text(f"Flag {self._piece} for touch-up", "bold"))
            yield Static(id="reasons")
            yield Input(placeholder="note for the retoucher (Tab)", max_length=500)
            yield Static(id="foot")

    def on_mount(self) -> None:
        """Numbers first; the note by Tab."""
        self.set_focus(None)
        self._draw()

    def on_key(self, event: events.Key) -> None:
        """A number ticks or unticks its reason, unless the note is being written."""
        if self.focused is None and event.character and event.character in NUMBERS:
            reason = REASONS[NUMBERS.index(event.character)]
            if reason in self._ticked:
                self._ticked.remove(reason)
            else:
                self._ticked.append(reason)
            self._draw()
            event.stop()

    def on_input_submitted(self) -> None:
        """Enter in the note sends everything."""
        self.action_send()

    def action_note(self) -> None:
        """Into the note, and out of it."""
        self.set_focus(self.query_one(Input) if self.focused is None else None)

    def action_send(self) -> None:
        """Flag with what is ticked."""
        self.dismiss(FlagAnswer(tuple(self._ticked), self.query_one(Input).value.strip(), self._box))

    def action_cancel(self) -> None:
        """Leave things as they are."""
        self.dismiss(None)

    @property
    def _box(self) -> Box | None:
        finding = self._finding
        if self._drawn is not None or finding is None or finding.reason not in self._ticked:
            return self._drawn
        return finding.box

    def _draw(self) -> None:
        half = (len(REASONS) + 1) // 2
        text = Text()
        for row in range(half):
            for index in (row, row + half):
                if index < len(REASONS):
                    reason = REASONS[index]
                    ticked = reason in self._ticked
                    text.append(f" {NUMBERS[index]} ", "bold #f0c060")
                    said = f"{'✓' if ticked else ' '} {reason.replace('_', ' ')}"
                    text.append(f"{said:<24}", "bold" if ticked else "")
            text.append("\n")
        text.rstrip()
        self.query_one("#reasons", Static).update(text)
        place = "" if self._box is None else f"The box {list(self._box)} goes with it. "
        keys = f"{place}Number: tick · Tab: note · Enter: flag · Esc: cancel"
        self.query_one("#foot", Static).update(Text(keys, "#8c8c8c"))


class Sure(ModalScreen[bool]):
    """Asks a question that y alone answers with yes, anything that usually leaves with no."""

    CSS = f"""
    Sure {{ align: center middle; overflow: hidden; }}
    Sure > Vertical {{ {_FRAME} }}
    """

    BINDINGS = [Binding("y", "yes", "yes"), Binding("n,enter,escape,q", "no", "no")]

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        """The question and its keys."""
        with Vertical():
            yield Static(Text(self._question))
            yield Static(Text("\ny: yes · n or enter: no", "#8c8c8c"))

    def action_yes(self) -> None:
        """Yes."""
        self.dismiss(True)

    def action_no(self) -> None:
        """No."""
        self.dismiss(False)


class Help(ModalScreen[None]):
    """Every key, made from the bindings as the keymap left them."""

    CSS = f"""
    Help {{ align: center middle; overflow: hidden; }}
    Help > Vertical {{ {_FRAME} width: 80; overflow-y: auto; scrollbar-size-vertical: 1; }}
    """

    BINDINGS = [
        Binding("escape,q,question_mark,f1,enter", "close", "close"),
        Binding("down,j", "scroll(3)", "down"),
        Binding("up,k", "scroll(-3)", "up"),
        Binding("pagedown,space", "scroll(15)", "page down"),
        Binding("pageup", "scroll(-15)", "page up"),
    ]

    def __init__(self, text: Text) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        """The keys, in a frame that scrolls."""
        with Vertical():
            yield Static(self._text)

    def action_close(self) -> None:
        """Back to the screen below."""
        self.dismiss(None)

    def action_scroll(self, lines: int) -> None:
        """Scroll by lines."""
        self.query_one(Vertical).scroll_relative(y=lines, animate=False)
