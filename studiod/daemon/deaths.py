"""Workers that die over a job: it may have been of something else, so that it is tried again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable

_TRIES = 3


class Deaths:
    """Counts them, by what the job was about."""

    def __init__(self) -> None:
        self._counts: Counter[Hashable] = Counter()

    def may_try_again(self, about: Hashable) -> bool:
        """Whether, after one more, it is worth another try."""
        self._counts[about] += 1
        return self._counts[about] < _TRIES
