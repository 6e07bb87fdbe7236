"""The `[notify] command`: run with one line of JSON on its standard input, never waited for."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

log = logging.getLogger(__name__)

TIME_LIMIT_SECONDS = 60.0


@dataclass
class Hook:
    """The configured command, "" for none, the folder it runs in, and its runs that have not ended yet."""

    command: str
    folder: Path
    _running: list[tuple[subprocess.Popen[bytes], float]] = field(default_factory=list)

    def tell(self, event: str, message: str, **facts: object) -> None:
        """Run the command with an object of `event`, `message` and the facts as one line of JSON."""
        if not self.command:
            return
        line = json.dumps({"event": event, "message": message, **facts}) + "\n"
        try:
            process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                shell=True,  # the studio's own command line, pipes and all; nothing is put into it
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            log.warning("the [notify] command cannot be run: %s", error)
            return
        assert process.stdin is not None
        with contextlib.suppress(OSError), process.stdin:  # a line is far smaller than a pipe's buffer
            process.stdin.write(line.encode())
        self._running.append((process, time.monotonic() + TIME_LIMIT_SECONDS))

    def reap(self) -> None:
        """Collect the runs that ended, say which failed, end those that take too long."""
        now = time.monotonic()
        for process, deadline in list(self._running):
            code = process.poll()
            if code is None and now < deadline:
                continue
            if code is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                log.warning("the [notify] command took longer than %.0f s and was ended", TIME_LIMIT_SECONDS)
            elif code:
                log.warning("the [notify] command ended with exit code %s", code)
            self._running.remove((process, deadline))

    def wait(self, seconds: float) -> None:
        """Give the runs still under way a moment to end before the daemon does."""
        deadline = time.monotonic() + seconds
        for process, _ in self._running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
        self.reap()
