"""The app: screens on top of a desk, the threads behind them, and the keys typed ahead."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.screen import Screen
from textual.theme import Theme
from textual.widget import Widget
from textual.widgets import Static

from studiod.errors import LedgerError, StudioError
from tui.lines import SayLine
from tui.terminal import Sharpness

if TYPE_CHECKING:
    from tui.desk import Desk

Given = ParamSpec("Given")
Answer = TypeVar("Answer")

_TRIES = 8
_TYPED_AHEAD = 100

_NEUTRAL = Theme(
    name="studio",
    primary="#b8a06a",
    secondary="#8c8c8c",
    background="#1c1c1c",
    surface="#242424",
    panel="#2b2b2b",
    foreground="#dcdcdc",
    dark=True,
)
"""Greys without a tint, so that the surroundings do not colour the eye's judgement."""


class ReviewApp(App[int]):
    """One person's terminal.

    `open_queue` gives the desk and the screen of the queue; it is called on the ledger's thread.
    Whoever has the `turn` decides: one decision after the other, and nobody quits meanwhile.
    """

    ENABLE_COMMAND_PALETTE = False
    BINDINGS = [Binding("ctrl+c", "quit", "quit", show=False, priority=True)]
    CSS = "#opening { padding: 3 2; color: #8c8c8c; }"

    desk: Desk

    def __init__(
        self,
        open_queue: Callable[[], tuple[Desk, type[Screen[int | None]]]],
        keymap: Mapping[str, str],
        sharpness: Sharpness | None = None,
    ) -> None:
        super().__init__()
        self._open_queue = open_queue
        self.keymap = dict(keymap)
        self.possible_sharpness = self.sharpness = sharpness
        self.refusal: StudioError | None = None
        self._aims: deque[tuple[events.Key, Widget]] = deque(maxlen=_TYPED_AHEAD)
        self.turn = asyncio.Lock()
        self._ledger_thread = ThreadPoolExecutor(1, "ledger")
        self._picture_thread = ThreadPoolExecutor(1, "pictures")

    def compose(self) -> ComposeResult:
        """What is there until the ledger is open."""
        yield Static("Opening the queue …", id="opening")

    def on_mount(self) -> None:
        """Set the colours and keys, and open the queue as soon as something is on the screen."""
        self.register_theme(_NEUTRAL)
        self.theme = _NEUTRAL.name
        self.set_keymap(self.keymap)
        self.call_later(self._open)
        if sys.platform != "win32":
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGHUP):
                loop.add_signal_handler(number, self.exit, 128 + number)

    async def _open(self) -> None:
        """Open the desk and the queue; keys pressed meanwhile wait."""
        try:
            self.desk, screen = await self.ask(self._open_queue)
        except StudioError as error:
            self.refusal = error
            self.exit(error.exit_code)
        else:
            await self.push_screen(screen())
            gc.freeze()
            gc.enable()  # __main__ starts without it

    def on_unmount(self) -> None:
        """Let the threads go."""
        self.let_go()

    def let_go(self) -> None:
        """Let the threads go, once all that the ledger was told is written; may be called twice."""
        self._ledger_thread.shutdown(wait=True)
        self._picture_thread.shutdown(wait=False, cancel_futures=True)

    async def on_event(self, event: events.Event) -> None:
        """Note for whom a key is meant when it comes."""
        if isinstance(event, events.Key) and not event.is_forwarded:
            self._aims.append((event, self.focused or self.screen))
        await super().on_event(event)

    def on_key(self, event: events.Key) -> None:
        """What was typed before a dialog or the search had opened goes there, not to what lies below it."""
        aim = next((aim for key, aim in self._aims if key is event), None)
        target = self.focused or self.screen
        if aim not in (None, target):
            event.stop().prevent_default()
            target._forward_event(events.Key(event.key, event.character))

    async def ask(self, call: Callable[Given, Answer], *given: Given.args, **named: Given.kwargs) -> Answer:
        """Ask the ledger on its own thread; whatever is wrong with the database is a LedgerError."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._ledger_thread, partial(call, *given, **named))

    def tell(self, call: Callable[[], object], otherwise: Callable[[], object]) -> None:
        """Tell the ledger something that nobody waits for; while somebody else holds it, again.

        `otherwise` is called, on the ledger's thread, when it would not listen.
        """
        self._ledger_thread.submit(_insist, call, otherwise)

    async def action_quit(self) -> None:
        """Quit by Ctrl-C or Ctrl-Q, as by any key."""
        self.leave()

    def leave(self) -> None:
        """Quit, once what was decided is written."""
        self.run_worker(self._leave(), group="leave", exclusive=True)

    async def _leave(self) -> None:
        async with self.turn:
            self.exit(0)

    def refused(self, error: StudioError) -> None:
        """Say why something was not done; whoever wanted to quit meanwhile stays to read it."""
        self.workers.cancel_group(self, "leave")
        self.say.trouble(error)

    @property
    def say(self) -> SayLine:
        """The line that says what happened, of the top screen that has one: there it is seen."""
        lines = [line for screen in self.screen_stack for line in screen.query(SayLine)]
        return lines[-1]

    async def ask_patiently(
        self, call: Callable[Given, Answer], *given: Given.args, **named: Given.kwargs
    ) -> Answer:
        """Ask the ledger; while somebody else holds it, say so and try again for a while."""
        said: SayLine | None = None
        for left in range(_TRIES - 1, -1, -1):
            try:
                answer = await self.ask(call, *given, **named)
            except LedgerError as error:
                if not left:
                    raise
                said = self.say
                said.trouble(LedgerError(error.message, "Trying again …"))
            else:
                if said is not None and said.is_attached:
                    said.settle()
                return answer
        raise AssertionError

    async def draw_from(self, call: Callable[[], None]) -> None:
        """Decode pictures on their own thread."""
        await asyncio.get_running_loop().run_in_executor(self._picture_thread, call)


def _insist(call: Callable[[], object], otherwise: Callable[[], object]) -> None:
    for _ in range(_TRIES):
        with suppress(LedgerError):
            call()
            return
    otherwise()
