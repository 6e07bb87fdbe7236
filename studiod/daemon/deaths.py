"""Jobs that are tried again: a disk stopped them, or a worker died over them, perhaps of something else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable

from studiod.daemon.jobs import Reply

_TRIES = 3


class Deaths:
    """Counts those of workers, by what the job was about."""

    def __init__(self) -> None:
        self._counts: Counter[Hashable] = Counter()

    def may_try_again(self, about: Hashable, reply: Reply | None) -> bool:
        """Whether a job that ended with this reply, or (None) with one more death, is worth another try."""
        if reply is not None:
            return reply.refusal == "disk"
        self._counts[about] += 1
        return self._counts[about] < _TRIES
