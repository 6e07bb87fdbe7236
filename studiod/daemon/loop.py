"""The daemon's one thread: take in, hand out, record, deliver, and say how it fares; round after round."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import os
import signal
import time
from collections import deque
from collections.abc import Mapping
from types import FrameType

from studiod.daemon.delivery import DeliveryDesk
from studiod.daemon.every import Every
from studiod.daemon.guard import Guard
from studiod.daemon.hook import Hook
from studiod.daemon.housekeeping import DAY, clear_leftovers, keep_house
from studiod.daemon.jobs import Inspect, Task, WorkerOptions
from studiod.daemon.lock import DaemonLock
from studiod.daemon.logs import configure_logging
from studiod.daemon.notices import Notices, pictures_text
from studiod.daemon.originals import Originals
from studiod.daemon.pool import Outcome, Pool, share_of_machine
from studiod.daemon.systemd import ServiceManager
from studiod.daemon.touchup import Returning, Sending, TouchupDesk
from studiod.daemon.workbench import Workbench
from studiod.errors import GateRefused, LedgerError, OutOfSpace, StudioError, TransitionRefused
from studiod.intake.ingest import InspectRequest, Intake, WorkerDied
from studiod.intake.inspect import Inspection
from studiod.intake.rules import Taken
from studiod.ledger import queue
from studiod.ledger.engine import Ledger, open_ledger
from studiod.ledger.prices import set_thresholds
from studiod.ledger.reading import count_by_status
from studiod.ledger.records import Activity, Claimed, DaemonState
from studiod.ledger.states import Status
from studiod.ledger.touchup import is_waited_for
from studiod.money import to_minor
from studiod.names import printable
from studiod.settings import GIGABYTE, MARKER, Settings, is_mounted

log = logging.getLogger(__name__)

GRACE_SECONDS = 30.0
INSPECT_LIMIT_SECONDS = 120.0
_ROUND_SECONDS = 0.2
_LEDGER_MISSES = 5
_UNDER_WAY = (Status.RECEIVED, Status.PROCESSING, Status.DELIVERING)

Ticket = InspectRequest | Taken | Claimed | Sending | Returning


def run_daemon(settings: Settings, *, until_idle: bool) -> None:
    """Run the daemon of a studio until SIGTERM, SIGINT or, with `until_idle`, until nothing is left to do.

    StudioError when it cannot start, or when a pass until idle cannot go on.
    """
    configure_logging(settings.log.format)
    if not is_mounted(settings.work):
        raise StudioError(
            f"The work folder {printable(settings.work)} lacks its marker {MARKER}.",
            "Mount its disk; or, if it is a new one, `studiod init DIR` makes the marker.",
        )
    with DaemonLock(settings.work):
        ledger = open_ledger(settings.database, migrate=True)
        try:
            _Daemon(settings, ledger, until_idle).run()
        finally:
            ledger.close()


class _Daemon:
    def __init__(self, settings: Settings, ledger: Ledger, until_idle: bool) -> None:
        self._settings = settings
        self._ledger = ledger
        self._until_idle = until_idle
        memory_bytes = int(settings.daemon.memory_gb * GIGABYTE)
        workers, threads = share_of_machine(settings.daemon.workers, settings.daemon.threads, memory_bytes)
        options = WorkerOptions(
            os.getpid(), threads, memory_bytes, settings.intake.max_megapixels, settings.matting
        )
        self._pool: Pool[Ticket] = Pool(workers, options)
        self._intake = Intake(settings, ledger, say=log.info)
        self._originals = Originals(settings, ledger)
        self._workbench = Workbench(settings, ledger)
        self._touchup = TouchupDesk(settings, ledger)
        self._delivery = DeliveryDesk(settings, ledger, self._intake.may_be_renamed)
        self._guard = Guard(settings)
        self._service = ServiceManager()
        self._hook = Hook(settings.notify.command, settings.root)
        self._notices = Notices(self._hook.tell)
        self._to_inspect: deque[InspectRequest] = deque()
        self._outcomes: deque[Outcome[Ticket]] = deque()
        self._misses = self._stops = 0
        self._started_at = time.time()
        self._state: DaemonState | None = None
        self._beat_round, self._idle_round, self._house_round = Every(5.0), Every(0.5), Every(DAY)

    def run(self) -> None:
        before = {number: signal.signal(number, self._stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            self._start()
            self._work()
            self._finish()
        except StudioError:
            raise
        except Exception:
            log.exception("the daemon ends by a mistake of its own")
            raise
        finally:
            self._pool.stop()
            self._intake.close()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stops += 1

    def _start(self) -> None:
        settings, ledger = self._settings, self._ledger
        hours = "" if self._until_idle else settings.daemon.hours
        when = f"; pictures are made in the hours {hours}" if hours else ""
        log.info("studiod starts (pid %d) with %d workers%s", os.getpid(), self._pool.size, when)
        self._beat(Activity.STARTING, "")
        for item in queue.give_back_all(ledger, "the daemon ended while it was processed"):
            log.info("item %d is taken up again", item)
        self._hold_thresholds()
        self._guard.look(time.monotonic())
        clear_leftovers(settings)
        self._originals.start()
        self._intake.start()
        self._service.ready()

    def _work(self) -> None:
        """Rounds until there is a reason to end."""
        while not self._stops:
            self._round()
            if self._until_idle and self._is_over():
                return
        self._service.stopping()
        self._beat(Activity.STOPPING, "finishing what is in hand")
        deadline = time.monotonic() + GRACE_SECONDS
        while self._pool.in_hand and self._stops < 2 and time.monotonic() < deadline:
            self._outcomes.extend(self._pool.poll(_ROUND_SECONDS))
            with contextlib.suppress(OutOfSpace, LedgerError):  # what is not recorded is made once more
                self._record_outcomes()
                self._workbench.keep_leases(self._in_hand, time.monotonic())
            self._service.alive()

    def _finish(self) -> None:
        self._workbench.give_back(self._in_hand)
        if self._until_idle and not self._stops:
            self._notices.done(self._counts())
        self._hook.wait(10.0)
        self._beat(Activity.STOPPED, "")
        log.info("studiod ends: %s made in this run", pictures_text(self._workbench.made))
        reasons = _sentences(self._pauses())
        if self._until_idle and not self._stops and reasons:
            raise StudioError(reasons[0], "What is left to do is done once that is put right.")

    def _round(self) -> None:
        quick = self._intake.woken.is_set()
        try:
            self._outcomes.extend(self._pool.poll(0.0 if quick else _ROUND_SECONDS))
            now = time.monotonic()
            self._guard.look(now)
            self._record_outcomes()
            self._to_inspect.extend(self._intake.tick(now))
            self._originals.add(self._intake.taken())
            self._workbench.keep_leases(self._in_hand, now)
            if not self._guard.obstacles.touchup:
                self._touchup.tick(now)
            while self._pool.idle and (job := self._next_job(now)) is not None:
                self._pool.submit(*job)
            if not self._guard.obstacles.delivery:
                self._delivery.recall(now)
                self._hold_thresholds()
                self._delivery.deliver(now, self._still_alive)
            if not self._guard.obstacles.work and self._house_round.due(now):
                keep_house(self._ledger, self._settings, self._still_alive)
            self._misses = 0
        except OutOfSpace as error:
            self._guard.hold(error.message)
        except (LedgerError, TransitionRefused, GateRefused) as error:  # busy, or decided on just now
            self._misses += 1
            if self._misses >= _LEDGER_MISSES:
                raise
            log.warning("%s", error)
        except OSError as error:
            name = "" if error.filename is None else f"{printable(os.fsdecode(error.filename))}: "
            self._guard.hold(f"A file or folder fails: {name}{error.strerror or error}.")
        with contextlib.suppress(OutOfSpace, LedgerError):
            self._report(time.monotonic())
        self._service.alive()

    def _hold_thresholds(self) -> None:
        """Have the settings' thresholds in force, whatever somebody wrote into the ledger meanwhile."""
        one, two = (
            {currency: to_minor(amount, currency) for currency, amount in amounts.items()}
            for amounts in (self._settings.qa.threshold, self._settings.qa.two_person_above)
        )
        for item in set_thresholds(self._ledger, one, two):
            log.info("item %d waits for a person: a threshold changed", item)

    def _next_job(self, now: float) -> tuple[Ticket, Task, float] | None:
        """A worker's next job, and in how many seconds: touch-ups, new files, copies of originals, items."""
        obstacles, limit = self._guard.obstacles, self._settings.daemon.time_limit_seconds
        if not obstacles.touchup and (touchup := self._touchup.next_job()) is not None:
            return *touchup, limit
        if self._to_inspect:
            request = self._to_inspect.popleft()
            return request, Inspect(str(request.source)), min(INSPECT_LIMIT_SECONDS, limit)
        if obstacles.work:
            return None
        if (copy := self._originals.next_job()) is not None:
            return *copy, min(INSPECT_LIMIT_SECONDS, limit)
        item = self._workbench.next_job(now, captures=self._may_make())
        return None if item is None else (*item, limit)

    def _may_make(self) -> bool:
        hours = self._until_idle or self._settings.daemon.may_work_at(dt.datetime.now().time())
        return hours and not self._guard.obstacles.work

    def _record_outcomes(self) -> None:
        """Write down what the workers said; what cannot be written now stays for the next round."""
        while self._outcomes:
            outcome = self._outcomes[0]
            try:
                self._record(outcome)
            except TransitionRefused as error:
                log.info("%s", error.message)
            except (OutOfSpace, LedgerError, OSError):
                raise
            except Exception as error:
                self._set_aside(outcome.ticket, error)
            self._outcomes.popleft()
            self._workbench.look_at_once()
            self._delivery.look_at_once()

    def _record(self, outcome: Outcome[Ticket]) -> None:
        reply, death = outcome.reply, outcome.death
        match outcome.ticket:
            case InspectRequest() as request:
                self._intake.inspected(request, _inspection(outcome))
            case Taken() as taken:
                self._originals.answered(taken, reply, death)
            case Claimed() as claimed:
                if self._workbench.answered(claimed, reply, death, outcome.seconds):
                    self._notices.made()
            case Sending() | Returning() as ticket:
                self._touchup.answered(ticket, reply, death)
        if reply is not None and reply.refusal == "disk":
            self._guard.hold(reply.message)

    def _set_aside(self, ticket: Ticket, error: Exception) -> None:
        """A mistake of ours about one file or item, which alone pays for that, not the night."""
        match ticket:
            case InspectRequest() as request:
                self._intake.set_aside(request, error)
            case Claimed() as claimed:
                self._workbench.give_up(claimed, error)
            case Sending() | Returning() as ticket:
                self._touchup.give_up(ticket, error)
            case _ if self._until_idle:
                raise error
            case _:
                log.error("what a worker said could not be recorded", exc_info=error)

    @property
    def _in_hand(self) -> list[Claimed]:
        """The items that workers have in hand."""
        return [ticket for ticket in self._pool.in_hand if isinstance(ticket, Claimed)]

    # How it fares.

    def _pauses(self) -> dict[str, str]:
        """What keeps the daemon from something now: sentences by what they are about."""
        said = {**self._guard.obstacles.all, "workers": self._pool.trouble}
        said |= {f"delivery {why}": why for why in self._delivery.closed}
        said |= {f"hot folder {name}": why for name, why in self._intake.paused.items()}
        said |= {f"recall {why}": why for why in self._delivery.stuck}
        return {about: sentence for about, sentence in said.items() if sentence}

    def _still_alive(self) -> None:
        """Called while a large file is copied: leases and the watchdog must not run out meanwhile."""
        now = time.monotonic()
        if self._beat_round.due(now):
            self._workbench.keep_leases(self._in_hand, now)
            if self._state is not None:
                queue.beat(self._ledger, self._state)
            self._service.alive()

    def _report(self, now: float) -> None:
        pauses = self._pauses()
        self._notices.paused(pauses, now)
        self._notices.deaths(self._pool.deaths_in_a_row)
        self._hook.reap()
        if not self._idle_round.due(now):
            return
        reasons = _sentences(pauses)
        counts = self._counts()
        idle = self._is_idle(counts)
        self._notices.idle(idle, now, counts)
        in_hand, received = len(self._in_hand), counts[Status.RECEIVED]
        if self._guard.obstacles.work or self._pool.trouble:
            self._beat(Activity.PAUSED, " ".join(reasons))
        elif received and not in_hand and not self._may_make():
            hours = self._settings.daemon.hours
            wait = f"{pictures_text(received)} {'waits' if received == 1 else 'wait'}"
            self._beat(Activity.PAUSED, f"{wait} for the hours {hours}.")
        else:
            left = () if idle else (f"{in_hand} in hand, {received} waiting",)
            self._beat(Activity.IDLE if idle else Activity.RUNNING, " ".join((*reasons, *left)))

    def _beat(self, activity: Activity, message: str) -> None:
        """Write the heartbeat when something changed, else now and then."""
        state = DaemonState(
            os.getpid(),
            activity,
            message,
            workers=len(self._pool.pids),
            started_at=self._started_at,
            done_this_run=self._workbench.made,
            seconds_per_item=self._workbench.seconds_per_item,
        )
        if state != self._state or self._beat_round.due(time.monotonic()):
            self._state = state
            queue.beat(self._ledger, state)
            self._service.status(f"{activity.value}: {message}" if message else activity.value)

    def _counts(self) -> dict[str, int]:
        return {status.value: count for status, count in count_by_status(self._ledger).items()}

    # The end of a pass.

    def _is_idle(self, counts: Mapping[str, int]) -> bool:
        """Nothing settles, pairs, is received (within reach), processed or delivered; nothing is due."""
        if not self._intake.idle or self._to_inspect or self._pool.in_hand or self._outcomes:
            return False
        if sum(counts[status] for status in _UNDER_WAY) > self._out_of_reach():
            return False
        return self._is_touched_up(self._touchup.idle) and self._originals.idle and self._delivery.idle

    def _out_of_reach(self) -> int:
        """How many received items wait for hot folders that are not there."""
        away = self._workbench.away
        return queue.count_out_of_reach(self._ledger, away) if away else 0

    def _is_touched_up(self, desk_is_done: bool) -> bool:
        """Nothing is to be sent to touch-up or taken from it that can be, or made of that or of strokes."""
        return (desk_is_done or bool(self._guard.obstacles.touchup)) and not is_waited_for(
            self._ledger, self._workbench.away
        )

    def _is_over(self) -> bool:
        """Whether a pass ends: all is done, or what is left cannot be done now."""
        if self._pool.in_hand or self._outcomes:
            return False
        if self._pool.trouble and self._pool.deaths_in_a_row >= 3:
            return True
        if not self._intake.idle or self._to_inspect:
            return False
        if self._guard.obstacles.work:
            return True
        counts = self._counts()
        if self._guard.obstacles.delivery or self._delivery.blocked:
            made = counts[Status.RECEIVED] + counts[Status.PROCESSING] <= self._out_of_reach()
            return made and self._is_touched_up(self._touchup.rests) and self._originals.idle
        return self._is_idle(counts)


def _sentences(pauses: Mapping[str, str]) -> tuple[str, ...]:
    """What keeps the daemon, each sentence once."""
    return tuple(dict.fromkeys(pauses.values()))


def _inspection(outcome: Outcome[Ticket]) -> Inspection | WorkerDied:
    reply = outcome.reply
    if reply is None or reply.result is None:
        return WorkerDied(outcome.death if reply is None else reply.message)
    return Inspection.from_json(dict(reply.result))
