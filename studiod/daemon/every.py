"""What is not done in every round of the daemon."""

from __future__ import annotations


class Every:
    """True at most once in so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next = 0.0

    def due(self, now: float) -> bool:
        """Whether it is time; if so, the seconds are counted from now on."""
        if now < self._next:
            return False
        self._next = now + self._seconds
        return True

    def at_once(self) -> None:
        """It is time now, however little has passed."""
        self._next = 0.0
