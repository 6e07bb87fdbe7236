"""The thin parts of every screen: the line of keys, and the line that says what happened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich.cells import cell_len
from rich.text import Text
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Input, Static

from studiod.errors import StudioError
from studiod.names import inert
from tui.keys import ACTIONS, PLACES, Place

_SAY_SECONDS = 8.0


class KeyLine(Static):
    """The keys that matter here, as many as fit: taken from the screen's own bindings."""

    DEFAULT_CSS = """
    KeyLine { height: 1; background: #242424; color: #a8a8a8; }
    """

    def on_mount(self) -> None:
        """Follow changes of the bindings."""
        self.screen.bindings_updated_signal.subscribe(self, self._renew)
        self._renew(self.screen)

    def on_resize(self) -> None:
        """Another width, other keys."""
        self._renew(self.screen)

    def _renew(self, screen: Screen[object]) -> None:
        self.update(key_text(shown_keys(screen), max(self.size.width, 20)))


def shown_keys(screen: Screen[object]) -> list[tuple[str, str]]:
    """The keys of a screen that its foot shows, each with its words; the first key of each action.

    While one types a search, letters are letters: only what ends it.
    """
    bindings = [active.binding for active in screen.active_bindings.values() if active.enabled]
    if isinstance(screen.focused, Input):
        ends = [key_name(binding.key) for binding in bindings if binding.id == "queue.clear"]
        return [("enter", "search"), *((key, "end the search") for key in ends[:1])]
    found: dict[str, tuple[str, str]] = {}
    for binding in bindings:
        if binding.show and binding.id:
            found.setdefault(binding.id, (key_name(binding.key), binding.description))
    return list(found.values())


def key_name(key: str) -> str:
    """A key as it is called on the keyboard."""
    names = {
        "question_mark": "?", "slash": "/", "backslash": "\\", "plus": "+", "minus": "-", "equals_sign": "=",
        "left": "←", "right": "→", "up": "↑", "down": "↓", "escape": "esc", "pagedown": "pgdn",
        "pageup": "pgup", "left_square_bracket": "[", "right_square_bracket": "]", "comma": ",",
        "full_stop": ".",
    }  # fmt: skip
    *before, last = key.split("+")
    return "+".join((*before, names.get(last, last)))


def key_text(keys: Iterable[tuple[str, str]], width: int) -> Text:
    """Keys and words on one line; help and quit always stay, the last ones before them give way."""
    listed = list(keys)
    kept = [pair for pair in listed if pair[1] in ("help", "quit")]
    others = [pair for pair in listed if pair not in kept]
    while others and sum(cell_len(key) + cell_len(said) + 3 for key, said in (*others, *kept)) > width:
        others.pop()
    text = Text(no_wrap=True)
    for key, said in (*others, *kept):
        text.append(f" {key}", "bold #f0c060")
        text.append(f" {said} ")
    return text


def help_text(keymap: Mapping[str, str], here: Place) -> Text:
    """Every action with its keys and its binding id, place by place, the one where one is first."""
    text = Text()
    widest = max(len(action.words) for actions in ACTIONS.values() for action in actions)
    for place in sorted(PLACES, key=lambda place: place != here):
        text.append(f"{PLACES[place]}\n", "bold")
        for action in ACTIONS[place]:
            keys = keymap.get(action.id, action.keys).split(",")
            text.append(f"  {' or '.join(key_name(key.strip()) for key in keys):<17}", "bold #f0c060")
            text.append(f" {action.words:<{widest}}")
            text.append(f" {action.id}\n", "#8c8c8c")
        text.append("\n")
    text.append("The mouse: drag or wheel pans, ctrl+wheel zooms, a double click opens a row.\n")
    text.append("With the brush: the left button paints, the right one and the wheel pan.\n")
    text.append("Keys change by id in keymaps/NAME.toml beside studiod.toml: studiod-review --keymap NAME.")
    return text


class SayLine(Static):
    """What happened last, for some seconds; a refusal stays until something else happens."""

    DEFAULT_CSS = """
    SayLine { height: auto; max-height: 3; display: none; padding: 0 1; background: #2f3a2f; }
    SayLine.-trouble { background: #5a2a26; }
    """

    _timer: Timer | None = None

    def say(self, text: str) -> None:
        """Say something that went well."""
        self._show(Text(inert(text)), trouble=False)
        self._timer = self.set_timer(_SAY_SECONDS, self.hush)

    def trouble(self, error: StudioError) -> None:
        """Say what was refused or went wrong, and what to do."""
        self._show(Text(inert(str(error))), trouble=True)

    def settle(self) -> None:
        """Something else happens: a refusal stands no longer."""
        if self.has_class("-trouble"):
            self.hush()

    def hush(self) -> None:
        """Say nothing any more."""
        self._stop()
        self._appear(False)

    def _show(self, text: Text, *, trouble: bool) -> None:
        self._stop()
        self.set_class(trouble, "-trouble")
        self.update(text)
        self._appear(True)

    def _appear(self, shown: bool) -> None:
        """Stand there, in the place of what gives way to a screen of the class `-saying`."""
        self.display = shown
        self.screen.set_class(shown, "-saying")

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
