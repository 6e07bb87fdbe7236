"""The daemon's one thread: take in, hand out, record, deliver, and say how it fares; round after round."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import os
import random
import signal
import socket
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from studiod.daemon.guard import GIGABYTE, Obstacles, find_obstacles
from studiod.daemon.hook import Hook
from studiod.daemon.housekeeping import DAY, keep_house
from studiod.daemon.jobs import Inspect, Keep, Process, Task, WorkerOptions
from studiod.daemon.lock import DaemonLock
from studiod.daemon.logs import configure_logging
from studiod.daemon.notices import Notices
from studiod.daemon.pool import Outcome, Pool, share_of_machine
from studiod.daemon.sources import sources_of
from studiod.daemon.systemd import ServiceManager
from studiod.daemon.touchup import Returning, Sending, TouchupDesk
from studiod.delivery.deliver import Delivered, OutboxClosed, deliver, recover, take_back_recalled
from studiod.errors import GateRefused, LedgerError, OutOfSpace, StudioError, TransitionRefused
from studiod.intake.ingest import InspectRequest, Intake, Taken, WorkerDied
from studiod.intake.inspect import Inspection
from studiod.ledger import queue
from studiod.ledger.delivery import approved_due, to_recall
from studiod.ledger.engine import Ledger, open_ledger
from studiod.ledger.files import moment_of
from studiod.ledger.prices import set_thresholds
from studiod.ledger.reading import count_by_status, find_plate, get_item, list_items
from studiod.ledger.records import Activity, Claimed, DaemonState, ItemRecord, NewVersion, Place, Selection
from studiod.ledger.states import Status
from studiod.ledger.touchup import is_waited_for
from studiod.money import to_minor
from studiod.names import mistake_text, printable
from studiod.settings import MARKER, HotFolder, Preset, Settings, load_preset
from studiod.strokes import strokes_to_json

log = logging.getLogger(__name__)

LEASE_SECONDS = 60.0
GRACE_SECONDS = 30.0
INSPECT_LIMIT_SECONDS = 120.0
_ROUND_SECONDS = 0.2
_DELIVERY_TRIES = 3
_DELIVERY_WAIT_SECONDS = 10.0
_HOLD_SECONDS = 30.0
_LEDGER_MISSES = 5
_UNDER_WAY = (Status.RECEIVED, Status.PROCESSING, Status.DELIVERING)

Ticket = InspectRequest | Taken | Claimed | Sending | Returning


def run_daemon(settings: Settings, *, until_idle: bool = False) -> None:
    """Run the daemon of a studio until SIGTERM, SIGINT or, with `until_idle`, until nothing is left to do.

    StudioError when it cannot start, or when a pass until idle cannot go on.
    """
    configure_logging(settings.log.format)
    if not os.path.lexists(settings.work / MARKER):
        raise StudioError(
            f"The work folder {printable(settings.work)} lacks its marker {MARKER}.",
            "Mount its disk; or, if it is a new one, `studiod init` makes the marker.",
        )
    with DaemonLock(settings.work):
        ledger = open_ledger(settings.database, migrate=True)
        try:
            _Daemon(settings, ledger, until_idle).run()
        finally:
            ledger.close()


class _Every:
    """True at most once in so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next = 0.0

    def due(self, now: float) -> bool:
        if now < self._next:
            return False
        self._next = now + self._seconds
        return True

    def at_once(self) -> None:
        self._next = 0.0


class _Daemon:
    def __init__(self, settings: Settings, ledger: Ledger, until_idle: bool) -> None:
        self._settings = settings
        self._ledger = ledger
        self._until_idle = until_idle
        self._presets: dict[str, tuple[Preset, ...]] = {
            folder.name: tuple(load_preset(name, settings.root) for name in folder.presets)
            for folder in settings.hot_folders
        }
        memory_bytes = int(settings.daemon.memory_gb * GIGABYTE)
        workers, threads = share_of_machine(settings.daemon.workers, settings.daemon.threads, memory_bytes)
        options = WorkerOptions(
            os.getpid(), threads, memory_bytes, settings.intake.max_megapixels, settings.matting
        )
        self._pool: Pool[Ticket] = Pool(workers, options)
        self._intake = Intake(settings, ledger, say=log.info)
        self._touchup = TouchupDesk(settings, ledger)
        self._service = ServiceManager()
        self._hook = Hook(settings.notify.command)
        self._notices = Notices(self._hook.tell)
        self._obstacles = Obstacles()
        self._held = "", 0.0  # why a disk or file stops work and delivery, and until when
        self._closed = "", 0.0  # why nothing can be delivered, and when that is tried again
        self._stuck: dict[int, str] = {}  # outputs whose recall cannot be finished now
        self._to_inspect: deque[InspectRequest] = deque()
        self._to_keep: deque[Taken] = deque()
        self._outcomes: deque[Outcome[Ticket]] = deque()
        self._delivery_tries: dict[int, tuple[int, float]] = {}
        self._finished: deque[float] = deque(maxlen=50)
        self._unsettled = True  # deliveries that an earlier daemon, or an error, left half done
        self._misses = 0
        self._made = 0
        self._started_at = time.time()
        self._stops = 0
        self._state: DaemonState | None = None
        self._guard_round, self._claim_round, self._due_round = _Every(2.0), _Every(1.0), _Every(1.0)
        self._lease_round, self._beat_round, self._recall_round = _Every(10.0), _Every(5.0), _Every(1.0)
        self._expiry_round, self._idle_round, self._house_round = _Every(20.0), _Every(0.5), _Every(DAY)
        self._stuck_round = _Every(_HOLD_SECONDS)

    def run(self) -> None:
        wake, wakened = socket.socketpair()
        wake.setblocking(False)
        wakened.setblocking(False)
        before = {number: signal.signal(number, self._stop) for number in (signal.SIGTERM, signal.SIGINT)}
        previous_fd = signal.set_wakeup_fd(wakened.fileno(), warn_on_full_buffer=False)
        self._pool.wake_on(wake.fileno())
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
            signal.set_wakeup_fd(previous_fd)
            for number, handler in before.items():
                signal.signal(number, handler)
            wake.close()
            wakened.close()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stops += 1

    def _start(self) -> None:
        settings, ledger = self._settings, self._ledger
        log.info("studiod starts (pid %d) with %d workers", os.getpid(), self._pool.size)
        self._beat(Activity.STARTING, "")
        for item in queue.give_back_all(ledger, "the daemon ended while it was processed"):
            log.info("item %d is taken up again", item)
        one, two = _minor(settings.qa.threshold), _minor(settings.qa.two_person_above)
        for item in set_thresholds(ledger, one, two):
            log.info("item %d waits for a person: a threshold changed", item)
        self._look_at_disks(time.monotonic())
        if settings.store.copy_originals:
            self._clear_temporary_copies()
            self._to_keep.extend(self._without_copy())
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
                self._keep_leases(time.monotonic())
            self._service.alive()

    def _finish(self) -> None:
        for ticket in self._pool.in_hand:
            if isinstance(ticket, Claimed):
                with contextlib.suppress(TransitionRefused, OutOfSpace, LedgerError):
                    queue.give_back(
                        self._ledger, ticket, "the daemon was stopped meanwhile", counts_as_try=False
                    )
        if self._until_idle and not self._stops:
            self._notices.done(self._counts())
        self._hook.wait(10.0)
        self._beat(Activity.STOPPED, "")
        log.info("studiod ends: %d pictures made in this run", self._made)
        reasons = self._pause_reasons()
        if self._until_idle and not self._stops and reasons:
            raise StudioError(reasons[0], "What is left to do is done once that is put right.")

    def _round(self) -> None:
        quick = self._intake.woken.is_set()
        try:
            self._outcomes.extend(self._pool.poll(0.0 if quick else _ROUND_SECONDS))
            now = time.monotonic()
            self._look_at_disks(now)
            self._record_outcomes()
            self._to_inspect.extend(self._intake.tick(now))
            if self._settings.store.copy_originals:
                self._to_keep.extend(self._intake.taken())
            self._keep_leases(now)
            if not self._obstacles.touchup:
                self._touchup.tick(now)
            self._hand_out(now)
            self._recall(now)
            self._deliver(now)
            if self._house_round.due(now):
                keep_house(self._ledger, self._settings, self._still_alive)
            self._misses = 0
        except OutOfSpace as error:
            self._unsettled = True
            self._hold(error.message)
        except (LedgerError, TransitionRefused, GateRefused) as error:  # busy, or decided on just now
            self._unsettled = True
            self._misses += 1
            if self._misses >= _LEDGER_MISSES:
                raise
            log.warning("%s %s", error.message, error.hint)
        except OSError as error:
            self._unsettled = True
            name = "" if error.filename is None else f"{printable(os.fsdecode(error.filename))}: "
            self._hold(f"A file or folder fails: {name}{error.strerror or error}.")
        with contextlib.suppress(OutOfSpace, LedgerError):
            self._report(time.monotonic())
        self._service.alive()

    # Obstacles.

    def _look_at_disks(self, now: float) -> None:
        if not self._guard_round.due(now):
            return
        sentence, until = self._held
        held = {"held": sentence} if now < until else {}
        found = find_obstacles(self._settings)
        obstacles = Obstacles({**found.work, **held}, {**found.delivery, **held}, {**found.touchup, **held})
        for about, sentence in obstacles.all.items():
            if about not in self._obstacles.all:
                log.warning("%s", sentence)
        if self._obstacles.all and not obstacles.all:
            log.info("everything is in its place again: work goes on")
        self._obstacles = obstacles

    def _hold(self, sentence: str) -> None:
        """Stop making and delivering for a while, because a disk is full or fails; then it is tried again."""
        self._held = sentence, time.monotonic() + _HOLD_SECONDS
        self._guard_round.at_once()
        self._look_at_disks(time.monotonic())

    def _pause_reasons(self) -> tuple[str, ...]:
        said = [*self._obstacles.all.values(), self._closed[0], self._pool.trouble]
        said += self._intake.paused.values()
        if self._stuck:
            first, *others = self._stuck.values()
            more = "1 more recall is" if len(others) == 1 else f"{len(others)} more recalls are"
            said += [first, f"{more} not finished."] if others else [first]
        return tuple(dict.fromkeys(filter(None, said)))

    def _may_make(self) -> bool:
        hours = self._until_idle or self._settings.daemon.may_work_at(dt.datetime.now().time())
        return hours and not self._obstacles.work

    # Jobs.

    def _hand_out(self, now: float) -> None:
        while self._pool.idle:
            if not self._obstacles.touchup and (job := self._touchup.next_job()) is not None:
                self._submit(*job, self._settings.daemon.time_limit_seconds)
            elif self._to_inspect:
                request = self._to_inspect.popleft()
                self._submit(request, Inspect(str(request.source)), INSPECT_LIMIT_SECONDS)
            elif self._to_keep and not self._obstacles.work:
                taken = self._to_keep.popleft()
                if taken.sha256 is not None:
                    folder = str(self._settings.work / "originals")
                    self._submit(taken, Keep(str(taken.source), taken.sha256, folder), INSPECT_LIMIT_SECONDS)
            elif self._obstacles.work or not self._claim_round.due(now) or not self._claim():
                return

    def _submit(self, ticket: Ticket, task: Task, limit_seconds: float) -> None:
        self._pool.submit(ticket, task, min(limit_seconds, self._settings.daemon.time_limit_seconds))

    def _claim(self) -> bool:
        """Take the next item in hand; outside the hours only what people wait for."""
        worker = f"daemon {os.getpid()}"
        claimed = queue.claim(self._ledger, worker, LEASE_SECONDS, captures=self._may_make())
        if claimed is None:
            return False
        self._claim_round.at_once()
        presets = self._presets.get(claimed.hot_folder)
        if presets is None:
            queue.fail(self._ledger, claimed, f"no hot folder is named {claimed.hot_folder} any more")
            return True
        try:
            task = self._task(claimed, presets)
        except (StudioError, OSError):
            raise
        except Exception as error:
            self._set_aside(claimed, error)
        else:
            self._submit(claimed, task, self._settings.daemon.time_limit_seconds)
        return True

    def _task(self, claimed: Claimed, presets: Sequence[Preset]) -> Process:
        return Process(
            sources=sources_of(self._settings, get_item(self._ledger, claimed.item)),
            sha256=claimed.source_sha256,
            plate=self._plate(claimed),
            presets=Process.settings_of(presets),
            folder=str(self._settings.work / "items" / str(claimed.item) / f"v{claimed.version}"),
            calibrations=str(self._settings.calibrations),
            strokes=tuple(strokes_to_json(claimed.strokes)),
            returned=self._returned(claimed),
            pixels_per_mm=self._folder(claimed.hot_folder).pixels_per_mm,
        )

    def _returned(self, claimed: Claimed) -> Mapping[str, Any] | None:
        if claimed.returned is None:
            return None
        sent = claimed.returned.touchup
        return {
            "path": str(self._settings.work / claimed.returned.path),
            "folder": str(self._settings.work / "items" / str(sent.item) / f"v{sent.version}"),
            "box": sent.box,
        }

    def _plate(self, claimed: Claimed) -> str | None:
        hot = self._hot_path(claimed.hot_folder)
        folder = os.path.dirname(claimed.path)  # noqa: PTH120 - "" for the top, as the ledger has it
        plate = find_plate(self._ledger, claimed.hot_folder, folder, moment_of(claimed.captured_at))
        if plate is not None:
            kept = sorted((self._settings.work / "originals").glob(f"{plate.facts.sha256}.*"))
            return str(kept[0] if kept else hot / plate.facts.path)
        configured = next(
            (each.plate for each in self._settings.hot_folders if each.name == claimed.hot_folder), None
        )
        return None if configured is None else str(configured)

    def _hot_path(self, name: str) -> Path:
        return self._folder(name).path

    def _folder(self, name: str) -> HotFolder:
        return next(folder for folder in self._settings.hot_folders if folder.name == name)

    # Answers.

    def _record_outcomes(self) -> None:
        """Write down what the workers said; what cannot be written now stays for the next round."""
        while self._outcomes:
            outcome = self._outcomes[0]
            try:
                match outcome.ticket:
                    case InspectRequest() as request:
                        self._intake.inspected(request, _inspection(outcome))
                    case Taken() as taken:
                        self._record_copy(taken, outcome)
                    case Claimed() as claimed:
                        self._record_made(claimed, outcome)
                    case Sending() | Returning() as ticket:
                        self._touchup.answered(ticket, outcome.reply, outcome.death)
                        if outcome.reply is not None and outcome.reply.refusal == "space":
                            self._hold(outcome.reply.message)
            except TransitionRefused as error:
                log.info("%s", error.message)
            except (OutOfSpace, LedgerError, OSError):
                raise
            except Exception as error:
                self._set_aside(outcome.ticket, error)
            self._outcomes.popleft()
            self._claim_round.at_once()
            self._due_round.at_once()

    def _set_aside(self, ticket: Ticket, error: Exception) -> None:
        """A mistake of ours about one file or item, which alone pays for that, not the night."""
        match ticket:
            case InspectRequest() as request:
                self._intake.set_aside(request, error)
            case Claimed() as claimed:
                name = f"item {claimed.item} ({printable(claimed.path)})"
                log.error("%s: studiod makes a mistake about this item", name, exc_info=error)
                with contextlib.suppress(TransitionRefused):
                    queue.fail(self._ledger, claimed, mistake_text(error))
            case Sending() | Returning() as ticket:
                self._touchup.give_up(ticket, error)
            case _ if self._until_idle:
                raise error
            case _:
                log.error("what a worker said could not be recorded", exc_info=error)

    def _record_copy(self, taken: Taken, outcome: Outcome[Ticket]) -> None:
        if outcome.reply is not None and outcome.reply.result is not None:
            name = outcome.reply.result["name"]
            if taken.item is not None:
                queue.set_kept_original(self._ledger, taken.item, f"originals/{name}")
        elif outcome.reply is not None and outcome.reply.refusal == "space":
            self._to_keep.append(taken)
            self._hold(outcome.reply.message)
        else:
            why = outcome.death if outcome.reply is None else outcome.reply.message
            log.warning("no copy of %s was kept: %s", printable(taken.source), why)

    def _record_made(self, claimed: Claimed, outcome: Outcome[Ticket]) -> None:
        ledger, name = self._ledger, f"item {claimed.item} ({printable(claimed.path)})"
        reply = outcome.reply
        if reply is None:
            status = queue.give_back(ledger, claimed, outcome.death, counts_as_try=True)
            log.warning("%s: %s; it is now %s", name, outcome.death, status.value)
        elif reply.result is not None:
            made = _version(claimed, reply.result, outcome.seconds)
            status = queue.finish(ledger, claimed, made, approve_by_policy=self._policy_approves(made.risk))
            self._made += 1
            self._finished.append(time.monotonic())
            self._notices.made()
            log.info("%s: made in %.1f s, risk %.2f, %s", name, outcome.seconds, made.risk, status.value)
        elif reply.refusal == "space":
            queue.give_back(ledger, claimed, reply.message, counts_as_try=False)
            self._hold(reply.message)
        elif reply.refusal == "picture":
            queue.quarantine(ledger, claimed, reply.message)
            log.warning("%s: quarantined: %s", name, reply.message)
        else:
            queue.fail(ledger, claimed, reply.message)
            log.warning("%s: failed: %s", name, reply.message)

    def _policy_approves(self, risk: float) -> bool:
        """Whether policy would approve this risk, but for a random share that people audit."""
        qa = self._settings.qa
        if qa.auto_approve_below is None or risk >= qa.auto_approve_below:
            return False
        return random.random() >= qa.audit_share

    # Originals.

    def _without_copy(self) -> list[Taken]:
        """Items whose original was not copied yet when the last daemon ended."""
        taken = []
        offset = 0
        selection = Selection(statuses=frozenset({Status.RECEIVED}))
        while page := list_items(self._ledger, selection, limit=500, offset=offset):
            offset += len(page)
            taken += [
                Taken(item.id, self._hot_path(item.hot_folder) / item.path, item.source_sha256)
                for item in page
                if item.kept_original is None and item.hot_folder in self._presets
            ]
        return taken

    def _clear_temporary_copies(self) -> None:
        for path in (self._settings.work / "originals").glob(".studiod-*.tmp"):
            path.unlink(missing_ok=True)

    # Delivery.

    def _recall(self, now: float) -> None:
        if self._obstacles.delivery or not self._recall_round.due(now):
            return
        waiting = {} if self._stuck_round.due(now) else self._stuck
        recalled = take_back_recalled(self._ledger, self._settings, but=waiting)
        for each in recalled:
            if each.moved_to:
                log.info("recalled: the file is now outbox/%s", printable(each.moved_to))
            if each.problem and each.output not in self._stuck:
                log.warning("%s", each.problem)
        self._stuck = {**waiting, **{each.output: each.problem for each in recalled if each.problem}}

    def _deliver(self, now: float) -> None:
        """Deliver one item, so that a round stays short."""
        closed, try_again_at = self._closed
        if self._obstacles.delivery or now < try_again_at or not self._due_round.due(now):
            return
        if self._unsettled:
            for delivered in recover(self._ledger, self._settings, self._still_alive):
                self._say_delivered(delivered)
            self._unsettled = False
        tried = self._delivery_tries
        item = next((item for item in self._due() if tried.get(item.id, (0, 0.0))[1] <= now), None)
        if item is None:
            self._closed = "", 0.0
            return
        tries = tried.get(item.id, (0, 0.0))[0] + 1
        last_try = tries >= _DELIVERY_TRIES
        try:
            delivered = deliver(
                self._ledger, self._settings, item, last_try=last_try, progress=self._still_alive
            )
        except OutboxClosed as error:
            self._closed = error.message, now + _HOLD_SECONDS
            if error.message != closed:
                log.warning("%s", error.message)
            return
        if closed:
            self._closed = "", 0.0
            log.info("the outbox can be written again: delivery goes on")
        if delivered.status is Status.APPROVED:
            self._delivery_tries[item.id] = tries, now + _DELIVERY_WAIT_SECONDS
        else:
            self._delivery_tries.pop(item.id, None)
        self._say_delivered(delivered)
        self._due_round.at_once()

    def _due(self) -> list[ItemRecord]:
        delay = self._settings.delivery.delay_minutes * 60
        return approved_due(self._ledger, delay, limit=20 + len(self._delivery_tries))

    def _say_delivered(self, delivered: Delivered) -> None:
        if delivered.status is Status.DELIVERED:
            log.info("item %d delivered: %s", delivered.item, ", ".join(map(printable, delivered.files)))
        else:
            log.warning(
                "item %d was not delivered (%s): %s", delivered.item, delivered.status.value, delivered.reason
            )

    # Leases, heartbeat, report.

    def _keep_leases(self, now: float) -> None:
        in_hand = [ticket for ticket in self._pool.in_hand if isinstance(ticket, Claimed)]
        if self._lease_round.due(now):
            for claimed in in_hand:
                queue.heartbeat(self._ledger, claimed, LEASE_SECONDS)
        if self._expiry_round.due(now):
            for item, status in queue.expire_leases(self._ledger, in_hand):
                log.warning("item %d lost its worker; it is now %s", item, status.value)

    def _still_alive(self) -> None:
        """Called while a large file is copied: leases and the watchdog must not run out meanwhile."""
        now = time.monotonic()
        if self._beat_round.due(now):
            self._keep_leases(now)
            if self._state is not None:
                queue.beat(self._ledger, self._state)
            self._service.alive()

    def _report(self, now: float) -> None:
        reasons = self._pause_reasons()
        self._notices.paused(reasons, now)
        self._notices.deaths(self._pool.deaths_in_a_row)
        self._hook.reap()
        if not self._idle_round.due(now):
            return
        counts = self._counts()
        idle = self._is_idle(counts)
        self._notices.idle(idle, now, lambda: counts)
        in_hand = sum(isinstance(ticket, Claimed) for ticket in self._pool.in_hand)
        received = counts[Status.RECEIVED]
        if self._obstacles.work or self._pool.trouble:
            self._beat(Activity.PAUSED, " ".join(reasons))
        elif received and not in_hand and not self._may_make():
            hours = self._settings.daemon.hours
            self._beat(Activity.PAUSED, f"{received} pictures wait for the hours {hours}.")
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
            done_this_run=self._made,
            seconds_per_item=self._seconds_per_item(),
        )
        if state != self._state or self._beat_round.due(time.monotonic()):
            self._state = state
            queue.beat(self._ledger, state)
            self._service.status(f"{activity.value}: {message}" if message else activity.value)

    def _seconds_per_item(self) -> float | None:
        if len(self._finished) < 2:
            return None
        return (self._finished[-1] - self._finished[0]) / (len(self._finished) - 1)

    def _counts(self) -> dict[str, int]:
        return {status.value: count for status, count in count_by_status(self._ledger).items()}

    # The end of a pass.

    def _is_idle(self, counts: Mapping[str, int]) -> bool:
        """Nothing is settling, pairing, received, processing or delivering; nothing is due to leave."""
        if not self._intake.idle or self._to_inspect or self._to_keep or self._pool.in_hand or self._outcomes:
            return False
        if any(counts[status] for status in _UNDER_WAY):
            return False
        if not self._touchup.idle and not self._obstacles.touchup:
            return False
        recalling = any(output.id not in self._stuck for output in to_recall(self._ledger))
        return not self._due() and not recalling and not is_waited_for(self._ledger)

    def _is_over(self) -> bool:
        """Whether a pass ends: all is done, or what is left cannot be done now."""
        if self._pool.in_hand or self._outcomes:
            return False
        if self._pool.trouble and self._pool.deaths_in_a_row >= 3:
            return True
        if not self._intake.idle or self._to_inspect:
            return False
        if self._obstacles.work:
            return True
        counts = self._counts()
        if self._obstacles.delivery or self._closed[0]:
            return not self._to_keep and not counts[Status.RECEIVED] and not counts[Status.PROCESSING]
        return self._is_idle(counts)


def _inspection(outcome: Outcome[Ticket]) -> Inspection | WorkerDied:
    reply = outcome.reply
    if reply is None:
        return WorkerDied(outcome.death)
    if reply.result is None:
        return WorkerDied(reply.message)
    return Inspection.from_json(dict(reply.result))


def _version(claimed: Claimed, result: Mapping[str, Any], seconds: float) -> NewVersion:
    told = dict(result)
    for name in ("cutout", "matte"):
        told[name] = tuple(told[name])
    told["composites"] = {preset: tuple(file) for preset, file in told["composites"].items()}
    told["reasons"] = tuple(told["reasons"])
    told["places"] = tuple(Place(*place) for place in told["places"])
    told["composite_box"] = tuple(told["composite_box"])
    return NewVersion(folder=f"items/{claimed.item}/v{claimed.version}", seconds=seconds, **told)


def _minor(amounts: Mapping[str, Any]) -> dict[str, int]:
    return {currency: to_minor(amount, currency) for currency, amount in amounts.items()}
