"""What the queue and the review of a piece share: the desk, decisions, and what is said about them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, ClassVar, ParamSpec, TypeVar, cast

from textual.screen import Screen

from studiod.errors import StudioError, TransitionRefused
from studiod.ledger.records import ItemRecord
from studiod.ledger.states import Status
from tui import words
from tui.app import ReviewApp
from tui.desk import Box, Desk, Finding
from tui.dialogs import FlagAnswer, FlagDialog, Help
from tui.keys import ACTIONS, Place
from tui.lines import SayLine, help_text, key_name

if TYPE_CHECKING:
    from tui.viewer import PictureView

Given = ParamSpec("Given")
Answer = TypeVar("Answer")


class StudioScreen(Screen[int | None]):
    """A screen with a desk behind it."""

    PLACE: ClassVar[Place]
    """Where one is, by the name that the keys have for it."""

    def __init__(self) -> None:
        super().__init__()
        self._deciding: set[int] = set()
        self._leaves_with: tuple[int | None] | None = None

    @property
    def studio(self) -> ReviewApp:
        """The app."""
        return cast(ReviewApp, self.app)

    @property
    def desk(self) -> Desk:
        """The desk of the person at the keyboard."""
        return self.studio.desk

    @property
    def say(self) -> SayLine:
        """The line that says what happened."""
        return self.query_one(SayLine)

    def leave(self, answer: int | None) -> None:
        """Make room for the screen below, once no dialog lies over this one."""
        self._leaves_with = self._leaves_with or (answer,)
        if self.is_active:
            self.dismiss(*self._leaves_with)

    async def ask(self, call: Callable[Given, Answer], *given: Given.args, **named: Given.kwargs) -> Answer:
        """Ask the ledger, off the screen's thread."""
        return self._if_still_here(await self.studio.ask(call, *given, **named))

    async def ask_patiently(
        self, call: Callable[Given, Answer], *given: Given.args, **named: Given.kwargs
    ) -> Answer:
        """Ask the ledger; while somebody else holds it, say so and try again."""
        return self._if_still_here(await self.studio.ask_patiently(call, *given, **named))

    async def draw_from(self, call: Callable[[], None]) -> None:
        """Decode pictures off the screen's thread."""
        await self.studio.draw_from(call)
        self._if_still_here(None)

    def _if_still_here(self, answer: Answer) -> Answer:
        """An answer that comes after the screen has gone is nobody's."""
        if not self.is_attached or not self.is_running:
            raise asyncio.CancelledError
        return answer

    def key_of(self, binding: str) -> str:
        """The first key of a binding, as the keymap has it."""
        keys = self.studio.keymap.get(binding) or next(
            action.keys for actions in ACTIONS.values() for action in actions if action.id == binding
        )
        return key_name(keys.split(",")[0])

    # Decisions

    def decide_approve(self, item: ItemRecord) -> None:
        """Approve what was seen."""

        def said(status: object) -> str:
            again = " It needs a second person." if status is Status.APPROVED_ONCE else ""
            return f"Approved {words.sku_text(item)}.{again}"

        self._decide(item, partial(self.desk.approve, item), said)

    def ask_why(self, item: ItemRecord, finding: Finding | None, drawn: Box | None = None) -> None:
        """Ask what is wrong with what was seen, then flag it."""

        def answered(answer: FlagAnswer | None) -> None:
            if answer is not None:
                self.decide_flag(item, answer)

        self.app.push_screen(FlagDialog(words.sku_text(item), finding, drawn), answered)

    def decide_flag(self, item: ItemRecord, answer: FlagAnswer) -> None:
        """Flag what was seen for touch-up."""
        why = f": {words.reason_text(answer.reasons)}" if answer.reasons else ""
        call = partial(self.desk.flag, item, answer.reasons, answer.note, answer.box)
        self._decide(item, call, lambda _: f"Flagged {words.sku_text(item)}{why}.")

    def decide_reject(self, item: ItemRecord) -> None:
        """It must be shot again."""
        call = partial(self.desk.reject, item)
        self._decide(item, call, lambda _: f"{words.sku_text(item)} must be shot again.")

    def _decide(self, item: ItemRecord, call: Callable[[], object], said: Callable[[object], str]) -> None:
        """Take a decision, unless one on this item is on its way: a key pressed twice decides once."""
        if item.id in self._deciding:
            self.say.trouble(TransitionRefused("This piece is being decided already.", "Wait a moment."))
            return
        self._deciding.add(item.id)
        self.studio.run_worker(self._carry_out(item, call, said))  # the app's: it outlives this screen

    async def _carry_out(
        self, item: ItemRecord, call: Callable[[], object], said: Callable[[object], str]
    ) -> None:
        try:
            async with self.studio.turn:
                done = await self.studio.ask_patiently(call)
        except StudioError as error:
            self.refused(error)
            return
        finally:
            self._deciding.discard(item.id)
        if self in self.app.screen_stack:
            self.decided(item)
        self.studio.say.say(f"{said(done)} ({self.key_of('undo')}: undo)")

    def action_undo(self) -> None:
        """Take one's last decision back."""
        self.studio.run_worker(self._undo())

    async def _undo(self) -> None:
        try:
            async with self.studio.turn:
                item = await self.studio.ask_patiently(self.desk.undo)
        except StudioError as error:
            self.studio.refused(error)
            return
        if self in self.app.screen_stack:
            self.undone(item)
        self.studio.say.say(f"Undone: {words.sku_text(item)} waits again.")

    def decided(self, item: ItemRecord) -> None:
        """A decision was taken."""
        raise NotImplementedError

    def undone(self, item: ItemRecord) -> None:
        """A decision was taken back."""
        raise NotImplementedError

    def refused(self, error: StudioError) -> None:
        """A decision was refused: say why."""
        self.studio.refused(error)

    # Keys of every screen

    def action_help(self) -> None:
        """Every key."""
        self.app.push_screen(Help(help_text(self.studio.keymap, self.PLACE)))

    def action_leave(self) -> None:
        """Quit, once what was decided is written."""
        self.studio.leave()

    def action_sharp(self) -> None:
        """Real pixels where the terminal can show them, or cells."""
        studio = self.studio
        if studio.possible_sharpness is None:
            self.say.say("This terminal shows cells only: real pixels need Kitty's graphics or Sixel.")
            return
        studio.sharpness = studio.possible_sharpness if studio.sharpness is None else None
        self._sharpen()
        self.say.say("Cells." if studio.sharpness is None else "Real pixels: 100 % is a pixel of the screen.")

    def on_screen_resume(self) -> None:
        """Real pixels or cells, as they are wanted by now; or what was to go once a dialog had closed."""
        if self._leaves_with is not None and self.is_active:
            self.dismiss(*self._leaves_with)
        elif self.studio.possible_sharpness is not None:
            self._sharpen()

    def on_screen_suspend(self) -> None:
        """Whatever lies over this screen, no real pixels shine through it."""
        for picture in self._pictures:
            picture.clear()

    @property
    def _pictures(self) -> Iterable[PictureView]:
        return cast("Iterable[PictureView]", self.query("PictureView"))

    def _sharpen(self) -> None:
        for picture in self._pictures:
            picture.sharpen(self.studio.sharpness)

    def action_redraw(self) -> None:
        """Draw everything again."""
        self.refresh(layout=True)
        self.app.refresh(layout=True)
