"""Worker processes: started, given jobs, timed, buried and replaced; none of their deaths is ours."""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import psutil

from studiod.daemon.jobs import READY, Reply, Task, WorkerOptions, job_line

log = logging.getLogger(__name__)

COMMAND = (sys.executable, "-P", "-m", "studiod.daemon.worker")
START_LIMIT_SECONDS = 120.0
LONGEST_WAIT_SECONDS = 60.0
_TAIL = 4096

Ticket = TypeVar("Ticket")


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Ticket]):
    """How a job ended: with a worker's reply, or (`reply` is None) with the worker's death."""

    ticket: Ticket
    reply: Reply | None
    death: str
    seconds: float


@dataclass
class _Worker(Generic[Ticket]):
    process: subprocess.Popen[bytes]
    deadline: float
    ready: bool = False
    number: int = 0
    ticket: Ticket | None = None
    started: float = 0.0
    unread: bytearray = field(default_factory=bytearray)
    tail: bytearray = field(default_factory=bytearray)
    verdict: str = ""


class Pool(Generic[Ticket]):
    """`size` workers. `submit` hands a job to an idle one; `poll` waits for answers and deaths.

    A worker that dies while it starts is not charged to any job; `trouble` then says why none starts.
    """

    def __init__(self, size: int, options: WorkerOptions, command: Sequence[str] = COMMAND) -> None:
        self.size = size
        self.trouble = ""
        self.deaths_in_a_row = 0
        self._options = options
        self._command = tuple(command)
        self._workers: list[_Worker[Ticket]] = []
        self._selector = selectors.DefaultSelector()
        self._start_again_at = 0.0

    @property
    def idle(self) -> int:
        """How many workers could take a job now."""
        return sum(worker.ready and worker.ticket is None for worker in self._workers)

    @property
    def in_hand(self) -> list[Ticket]:
        """The tickets of the jobs that workers have in hand."""
        return [worker.ticket for worker in self._workers if worker.ticket is not None]

    @property
    def pids(self) -> list[int]:
        """The process ids of the workers that live."""
        return [worker.process.pid for worker in self._workers]

    def submit(self, ticket: Ticket, task: Task, limit_seconds: float) -> None:
        """Hand a job to an idle worker, who has `limit_seconds` for it."""
        worker = next(worker for worker in self._workers if worker.ready and worker.ticket is None)
        worker.number += 1
        worker.ticket = ticket
        worker.started = time.monotonic()
        worker.deadline = worker.started + limit_seconds
        assert worker.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it died just now: poll finds that out
            worker.process.stdin.write(job_line(worker.number, task).encode())
            worker.process.stdin.flush()

    def poll(self, timeout: float) -> list[Outcome[Ticket]]:
        """Wait at most `timeout` seconds for something to happen; what ended since the last call."""
        self._fill()
        outcomes: list[Outcome[Ticket]] = []
        for key, _ in self._selector.select(timeout):
            worker, stream = key.data
            content = os.read(key.fd, 65536)
            if not content:
                self._selector.unregister(key.fd)
            elif stream == "answers":
                outcomes += self._answers(worker, content)
            else:
                worker.tail = (worker.tail + content)[-_TAIL:]
        for worker in list(self._workers):
            self._judge(worker)
            if worker.process.poll() is not None:
                outcomes += self._buried(worker)
        return outcomes

    def stop(self) -> None:
        """End every worker now; what they had in hand is the caller's to give back."""
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.wait()
            self._forget(worker)
        self._workers.clear()
        self._selector.close()

    def _fill(self) -> None:
        if time.monotonic() < self._start_again_at:
            return
        while len(self._workers) < self.size:
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # a Ctrl-C at the daemon's terminal is the daemon's business
                env={**os.environ, **_thread_limits(self._options.threads)},
            )
            assert process.stdin is not None and process.stdout is not None and process.stderr is not None
            worker: _Worker[Ticket] = _Worker(process, time.monotonic() + START_LIMIT_SECONDS)
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(self._options.line().encode())
                process.stdin.flush()
            self._selector.register(process.stdout, selectors.EVENT_READ, (worker, "answers"))
            self._selector.register(process.stderr, selectors.EVENT_READ, (worker, "words"))
            self._workers.append(worker)

    def _answers(self, worker: _Worker[Ticket], content: bytes) -> list[Outcome[Ticket]]:
        worker.unread += content
        *lines, rest = worker.unread.split(b"\n")
        worker.unread = bytearray(rest)
        outcomes = []
        for line in lines:
            reply = Reply.parse(bytes(line))
            if reply == READY:
                worker.ready = True
                worker.deadline = float("inf")
                self.trouble = ""
            elif reply.number < 0:
                worker.verdict = reply.message
            elif reply.refusal == "memory":
                worker.verdict = reply.message
                worker.process.kill()
            elif worker.ticket is not None and reply.number == worker.number and not worker.verdict:
                seconds = time.monotonic() - worker.started
                outcomes.append(Outcome(worker.ticket, reply, "", seconds))
                worker.ticket = None
                worker.deadline = float("inf")
                self.deaths_in_a_row = 0
        return outcomes

    def _judge(self, worker: _Worker[Ticket]) -> None:
        """End a worker that takes too long, or too much."""
        if worker.verdict:
            return
        if time.monotonic() > worker.deadline:
            worker.verdict = (
                f"it took longer than {worker.deadline - worker.started:.0f} s"
                if worker.ticket is not None
                else f"it did not start within {START_LIMIT_SECONDS:.0f} s"
            )
        elif sys.platform != "linux" and _resident(worker.process.pid) > self._options.memory_bytes:
            worker.verdict = "it needs more memory than a worker may use"
        if worker.verdict:
            worker.process.kill()

    def _buried(self, worker: _Worker[Ticket]) -> list[Outcome[Ticket]]:
        """Read a dead worker's last words, forget it, and say what became of its job."""
        outcomes: list[Outcome[Ticket]] = []
        assert worker.process.stdout is not None and worker.process.stderr is not None
        outcomes += self._answers(worker, _rest_of(worker.process.stdout.fileno()))
        worker.tail = (worker.tail + _rest_of(worker.process.stderr.fileno()))[-_TAIL:]
        self._forget(worker)
        self._workers.remove(worker)
        cause = worker.verdict or _cause(worker.process.returncode)
        words = bytes(worker.tail).decode(errors="replace").strip()
        if worker.ticket is not None:
            outcomes.append(Outcome(worker.ticket, None, cause, time.monotonic() - worker.started))
        self.deaths_in_a_row += 1
        if not worker.ready:
            self.trouble = f"Workers cannot start: {cause.removesuffix('.')}."
        log.warning("worker %d ended: %s%s", worker.process.pid, cause, f" ({words})" if words else "")
        if self.deaths_in_a_row > 2 or not worker.ready:
            wait = min(LONGEST_WAIT_SECONDS, 0.5 * 2.0 ** min(self.deaths_in_a_row, 10))
            self._start_again_at = time.monotonic() + wait
        return outcomes

    def _forget(self, worker: _Worker[Ticket]) -> None:
        for stream in (worker.process.stdin, worker.process.stdout, worker.process.stderr):
            assert stream is not None
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(stream)
            with contextlib.suppress(BrokenPipeError):
                stream.close()


def share_of_machine(workers: int, threads: int, memory_bytes: int) -> tuple[int, int]:
    """How many workers, with how many threads each: as set, or (0) as the machine allows.

    A picture more at a time gives more than a thread more, as long as the memory lasts.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    fits = max(1, int(psutil.virtual_memory().total * 0.75) // memory_bytes)
    workers = workers or min(cores, fits)
    return workers, threads or max(1, cores // workers)


def _thread_limits(threads: int) -> dict[str, str]:
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    return dict.fromkeys(names, str(threads))


def _resident(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def _rest_of(descriptor: int) -> bytes:
    """What is left in the pipe of a process that ended, without waiting for its descendants."""
    os.set_blocking(descriptor, False)
    rest = bytearray()
    with contextlib.suppress(BlockingIOError):
        while content := os.read(descriptor, 65536):
            rest += content
    return bytes(rest)


def _cause(code: int) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"the worker was killed by {signal.Signals(-code).name}"
    return f"the worker ended with exit code {abs(code)}"
