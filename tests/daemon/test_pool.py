from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from studiod.daemon.jobs import Inspect, Keep, WorkerOptions
from studiod.daemon.pool import Outcome, Pool, share_of_machine
from studiod.settings import MARKER, MattingSettings

# A worker whose pictures do the worst that a decoder can do; the protocol is the real worker's.
MISBEHAVING = """
import ctypes, os, sys, time
from pathlib import Path
from studiod.daemon import worker

class Misbehaving:
    def __init__(self, options):
        pass
    def answer(self, job):
        what = job["path"]
        if what == "segfault":
            ctypes.string_at(0)
        if what == "hang":
            time.sleep(3600)
        if what == "inflate":
            held = []
            try:
                while True:
                    held.append(bytearray(50_000_000))
            except MemoryError as error:
                del held
                return worker.Reply(job["id"], None, *worker._refusal(error))
        if what == "exit":
            os._exit(3)
        if what == "print":
            print("noise that is no answer", flush=True)
        return worker.Reply(job["id"], {"did": what})

worker._Worker = Misbehaving
worker.main()
"""

PATIENCE = 180.0  # a worker has 120 seconds to start


def _options(memory_bytes: int = 800_000_000) -> WorkerOptions:
    return WorkerOptions(os.getpid(), 1, memory_bytes, 160, MattingSettings())


@pytest.fixture
def misbehaving(tmp_path: Path) -> Iterator[Callable[..., Pool[str]]]:
    """Makes pools of workers that misbehave on demand, and stops them."""
    script = tmp_path / "misbehaving.py"
    script.write_text(textwrap.dedent(MISBEHAVING))
    pools: list[Pool[str]] = []

    def make(size: int = 1, memory_bytes: int = 800_000_000) -> Pool[str]:
        pools.append(Pool(size, _options(memory_bytes), (sys.executable, "-P", str(script))))
        return pools[-1]

    yield make
    for pool in pools:
        pool.stop()


def _until_idle(pool: Pool[str], workers: int = 1) -> None:
    deadline = time.monotonic() + PATIENCE
    while pool.idle < workers:
        assert pool.poll(0.1) == []
        assert time.monotonic() < deadline, "no worker became ready"


def _outcome(pool: Pool[str], what: str, limit: float = 60) -> Outcome[str]:
    _until_idle(pool)
    pool.submit(what, Inspect(what), limit)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for outcome in pool.poll(0.1):
            return outcome
    raise AssertionError("no outcome")


def test_an_answer_comes_back_with_its_ticket(misbehaving: Callable[..., Pool[str]]) -> None:
    """A job's answer is handed back beside the ticket, whatever a library prints meanwhile."""
    outcome = _outcome(misbehaving(), "print")
    assert outcome.ticket == "print" and outcome.reply is not None
    assert outcome.reply.result == {"did": "print"}


@pytest.mark.parametrize(
    ("what", "said"), [("segfault", "SIGSEGV"), ("exit", "exit code 3"), ("inflate", "more memory")]
)
def test_a_death_costs_a_worker_and_nothing_else(
    misbehaving: Callable[..., Pool[str]], what: str, said: str
) -> None:
    """A worker that dies, or asks for too much, is named as the cause; the next job has a new worker."""
    pool = misbehaving()
    outcome = _outcome(pool, what)
    assert outcome.ticket == what and outcome.reply is None and said in outcome.death
    assert pool.deaths_in_a_row == (1 if what != "inflate" else pool.deaths_in_a_row)
    after = _outcome(pool, "fine")
    assert after.reply is not None and pool.deaths_in_a_row == 0 and pool.trouble == ""


def test_a_worker_that_hangs_is_ended(misbehaving: Callable[..., Pool[str]]) -> None:
    """A job past its time limit ends with its worker, and the death says so."""
    pool = misbehaving()
    outcome = _outcome(pool, "hang", limit=0.5)
    assert outcome.reply is None and "longer than" in outcome.death
    assert _outcome(pool, "fine").reply is not None


def test_other_workers_go_on_while_one_dies(misbehaving: Callable[..., Pool[str]]) -> None:
    """With two workers, the death of one leaves the other's job untouched."""
    pool = misbehaving(2)
    _until_idle(pool, 2)
    pool.submit("segfault", Inspect("segfault"), 60)
    pool.submit("fine", Inspect("fine"), 60)
    outcomes: list[Outcome[str]] = []
    deadline = time.monotonic() + PATIENCE
    while len(outcomes) < 2 and time.monotonic() < deadline:
        outcomes += pool.poll(0.1)
    assert {outcome.ticket: outcome.reply is not None for outcome in outcomes} == {
        "segfault": False,
        "fine": True,
    }


def test_a_worker_killed_between_jobs_charges_nobody(
    misbehaving: Callable[..., Pool[str]], wait_for: Callable[..., None]
) -> None:
    """SIGKILL of an idle worker gives no outcome; another takes its place."""
    pool = misbehaving()
    _until_idle(pool)
    old = pool.pids
    os.kill(old[0], signal.SIGKILL)
    wait_for(lambda: pool.poll(0.1) == [] and pool.pids and pool.pids != old, "a new worker")
    assert _outcome(pool, "fine").reply is not None


def test_workers_that_cannot_start_are_no_picture_s_fault(tmp_path: Path) -> None:
    """A model that is missing is said once as trouble; no job is lost, and starts grow rarer."""
    options = WorkerOptions(
        os.getpid(), 1, 1_500_000_000, 160, MattingSettings.model_construct(model=tmp_path / "no.onnx")
    )
    pool: Pool[str] = Pool(1, options)
    try:
        deadline = time.monotonic() + PATIENCE
        while not pool.trouble and time.monotonic() < deadline:
            assert pool.poll(0.1) == []
        assert "cannot start" in pool.trouble and "no.onnx cannot be read: " in pool.trouble
        assert pool.trouble.endswith("install studiod again.") and ".." not in pool.trouble
        assert pool.idle == 0
    finally:
        pool.stop()


def test_workers_end_when_the_daemon_is_killed(tmp_path: Path, wait_for: Callable[..., None]) -> None:
    """SIGKILL of the process that owns the pool ends its workers, one in the middle of a job too."""
    script = tmp_path / "misbehaving.py"
    script.write_text(MISBEHAVING)
    owner = tmp_path / "owner.py"
    owner.write_text(
        textwrap.dedent(f"""
        import os, sys
        from studiod.daemon.jobs import Inspect, WorkerOptions
        from studiod.daemon.pool import Pool
        from studiod.settings import MattingSettings
        options = WorkerOptions(os.getpid(), 1, 1_500_000_000, 160, MattingSettings())
        pool = Pool(2, options, (sys.executable, "-P", {str(script)!r}))
        while pool.idle < 2:
            pool.poll(0.1)
        pool.submit("hang", Inspect("hang"), 3600)
        print(*pool.pids, flush=True)
        while True:
            pool.poll(1)
        """)
    )
    with subprocess.Popen([sys.executable, str(owner)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pids = [int(word) for word in process.stdout.readline().split()]
        assert len(pids) == 2 and all(psutil.pid_exists(pid) for pid in pids)
        process.kill()
        process.wait()
    wait_for(lambda: not any(_lives(pid) for pid in pids), "the workers' end")


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_the_real_worker_keeps_an_original(tmp_path: Path) -> None:
    """A copy is named by its hash and extension; an original that changed or went is said to be gone.

    While the work folder's disk is not there, nothing is made in its place.
    """
    source, folder = tmp_path / "ring.JPG", tmp_path / "work" / "originals"
    folder.parent.mkdir()
    source.write_bytes(b"abc")
    sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    pool: Pool[str] = Pool(1, _options())
    try:
        _until_idle(pool)
        pool.submit("keep", Keep(str(source), sha256, str(folder)), 60)
        [outcome] = [*_next(pool)]
        assert outcome.reply is not None and outcome.reply.refusal == "disk"
        assert "is its disk mounted?" in outcome.reply.message and not folder.exists()
        (folder.parent / MARKER).touch()
        pool.submit("keep", Keep(str(source), sha256, str(folder)), 60)
        [outcome] = [*_next(pool)]
        assert outcome.reply is not None and outcome.reply.result == {"name": f"{sha256}.jpg"}
        assert (folder / f"{sha256}.jpg").read_bytes() == b"abc"
        source.write_bytes(b"changed")
        pool.submit("keep", Keep(str(source), "0" * 64, str(folder)), 60)
        [outcome] = [*_next(pool)]
        assert outcome.reply is not None and outcome.reply.refusal == "gone"
    finally:
        pool.stop()


def _next(pool: Pool[str]) -> list[Outcome[str]]:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if outcomes := pool.poll(0.1):
            return outcomes
    raise AssertionError("no outcome")


def test_the_machine_is_shared_as_set_or_as_it_allows() -> None:
    """Numbers that are set are kept; otherwise there is at least one worker with at least one thread,
    and no more workers than the memory holds."""
    assert share_of_machine(3, 2, 10**9) == (3, 2)
    workers, threads = share_of_machine(0, 0, 10**9)
    assert workers >= 1 and threads >= 1
    assert share_of_machine(0, 0, 10**15)[0] == 1
