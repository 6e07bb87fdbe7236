"""When somebody must be told: a long pause, workers that keep dying, the night's work done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

PATIENCE_SECONDS = 300.0
DEATHS_IN_A_ROW = 5

Tell = Callable[..., None]


@dataclass
class Notices:
    """Watches the daemon's condition and calls `tell(event, message, **facts)` once for each occasion.

    Times are monotonic seconds. The night's work is done when nothing is left to do for
    `PATIENCE_SECONDS` after at least one picture, so that a day's shooting does not end ten times.
    """

    tell: Tell
    _paused_since: dict[str, float] = field(default_factory=dict)
    _pauses_told: set[str] = field(default_factory=set)
    _pause_told: bool = False
    _deaths_told: bool = False
    _made: int = 0
    _idle_since: float | None = None

    def paused(self, reasons: Mapping[str, str], now: float) -> None:
        """What keeps the daemon from work now, sentences by what they are about; nothing when it works."""
        if self._pause_told and not reasons:
            self._pause_told = False
            self.tell("resumed", "The daemon works again.")
        self._paused_since = {about: self._paused_since.get(about, now) for about in reasons}
        self._pauses_told &= reasons.keys()
        untold = [since for about, since in self._paused_since.items() if about not in self._pauses_told]
        if untold and now - min(untold) >= PATIENCE_SECONDS:
            self._pauses_told, self._pause_told = set(reasons), True
            self.tell("paused", " ".join(dict.fromkeys(reasons.values())), seconds=round(now - min(untold)))

    def deaths(self, in_a_row: int) -> None:
        """How many workers died without one picture or file done in between."""
        if in_a_row == 0:
            self._deaths_told = False
        elif in_a_row >= DEATHS_IN_A_ROW and not self._deaths_told:
            self._deaths_told = True
            self.tell("workers_dying", f"{in_a_row} workers died one after the other.", deaths=in_a_row)

    def made(self) -> None:
        """A picture was made."""
        self._made += 1

    def idle(self, idle: bool, now: float, counts: dict[str, int]) -> None:
        """Whether nothing is left to do; `counts` are the items by status, for the message."""
        if not idle or not self._made:
            self._idle_since = None
        elif self._idle_since is None:
            self._idle_since = now
        elif now - self._idle_since >= PATIENCE_SECONDS:
            self.done(counts)

    def done(self, counts: dict[str, int]) -> None:
        """Say that the work is done, if there was any since this was last said."""
        if not self._made:
            return
        made, self._made, self._idle_since = self._made, 0, None
        waiting = counts.get("awaiting_review", 0) + counts.get("approved_once", 0)
        wait = "waits" if waiting == 1 else "wait"
        said = f"{pictures_text(made)} made, {waiting} {wait} for a person."
        self.tell("done", said, made=made, items=counts)


def pictures_text(count: int) -> str:
    """So many pictures, in words."""
    return "1 picture" if count == 1 else f"{count} pictures"
