"""What a person does at the terminal, without a screen: views of the queue, a piece, decisions."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studiod.errors import StudioError
from studiod.ledger import reading, review
from studiod.ledger.engine import Ledger
from studiod.ledger.looks import looks_of, record_looks
from studiod.ledger.records import (
    WAITING,
    DaemonState,
    ItemRecord,
    Look,
    NewVersion,
    Order,
    Origin,
    Person,
    Place,
    Selection,
    VersionRecord,
)
from studiod.ledger.states import Status
from studiod.ledger.touchup import strokes_of
from studiod.names import inert
from studiod.settings import Settings
from studiod.strokes import Stroke

if TYPE_CHECKING:
    from tui.pictures import Pictures

Box = tuple[int, int, int, int]

_LOW_RISK = 0.05
_DAY = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class QueueView:
    """One of the lists that the queue screen shows; `short` is what it is called where room is scarce."""

    name: str
    words: str
    short: str
    selection: Selection
    order: Order


def _statuses(*statuses: Status) -> Selection:
    return Selection(statuses=frozenset(statuses))


VIEWS: Mapping[str, QueueView] = {
    view.name: view
    for view in (
        QueueView("waiting", "waiting", "wait", WAITING, Order.LOSS),
        QueueView("mandatory", "must see", "must", replace(WAITING, mandatory=True), Order.LOSS),
        QueueView("flagged", "flagged", "flag", _statuses(Status.FLAGGED), Order.CHANGED),
        QueueView("returned", "returned", "back", replace(WAITING, returned=True), Order.LOSS),
        QueueView("failed", "failed", "fail", _statuses(Status.FAILED), Order.CHANGED),
        QueueView("quarantined", "quarantine", "quar", _statuses(Status.QUARANTINED), Order.CHANGED),
        QueueView("delivered", "delivered", "done", _statuses(Status.DELIVERED), Order.CHANGED),
        QueueView("everything", "all", "all", Selection(), Order.NEWEST),
    )
}


@dataclass(frozen=True, slots=True)
class Pulse:
    """What the header needs each second; `event` tells whether anything changed."""

    event: int
    daemon: DaemonState | None
    now: float


@dataclass(frozen=True, slots=True)
class Finding:
    """A place that the risk scorer doubts, in pixels of the photograph; `number` names its evidence."""

    number: int
    reason: str
    box: Box
    point: tuple[int, int]
    probability: float
    sentence: str


@dataclass(frozen=True, slots=True)
class Piece:
    """One version of an item, ready to be looked at; without pictures, `trouble` says why.

    `made` is what the ledger knows of the version, `looks` what this person has seen of it before.
    """

    item: ItemRecord
    findings: tuple[Finding, ...]
    pictures: Pictures | None
    trouble: str = ""
    strokes: tuple[Stroke, ...] = ()
    made: NewVersion | None = None
    looks: tuple[Look, ...] = ()

    @property
    def spots(self) -> tuple[Place, ...]:
        """What is to be looked at closely: the findings, then what the daemon chose besides."""
        doubts = tuple(Place(finding.reason, *finding.point) for finding in self.findings)
        points = {(place.x, place.y) for place in doubts}
        chosen = self.made.places if self.made else ()
        return doubts + tuple(place for place in chosen if (place.x, place.y) not in points)


class Desk:
    """One person at one studio's ledger. Every method may raise StudioError (LedgerError: the database)."""

    def __init__(self, ledger: Ledger, settings: Settings, person: Person) -> None:
        self.ledger = ledger
        self.settings = settings
        self.person = person

    # What is there

    def pulse(self) -> Pulse:
        """The newest event and the daemon's heartbeat."""
        return Pulse(reading.last_event(self.ledger), reading.daemon_state(self.ledger), time.time())

    def ids(self, view: str, search: str = "") -> list[int]:
        """The items of a view, in its order."""
        chosen = VIEWS[view]
        selection = replace(_of_late(chosen.selection, view), search=search)
        return reading.list_ids(self.ledger, selection, order=chosen.order)

    def items(self, ids: Sequence[int]) -> list[ItemRecord]:
        """The records of these items, in this order."""
        return reading.get_items(self.ledger, ids)

    def counts(self) -> dict[str, int]:
        """How many items each view holds, and under `unmade` how many are still to be made."""
        counts = {
            name: reading.count_items(self.ledger, _of_late(view.selection, name))
            for name, view in VIEWS.items()
        }
        by_status = reading.count_by_status(self.ledger)
        counts["unmade"] = by_status[Status.RECEIVED] + by_status[Status.PROCESSING]
        return counts

    def piece(self, item: int) -> Piece:
        """An item's current version with its findings, the most probable first, and its pictures."""
        record = reading.get_item(self.ledger, item)
        version = reading.get_version(self.ledger, item, record.version) if record.version else None
        if version is None:
            return Piece(record, (), None, _why_unmade(record))
        piece = Piece(
            record,
            read_findings(version.made.risk_json),
            None,
            made=version.made,
            looks=looks_of(self.ledger, item, version.version, self.person),
            strokes=strokes_of(self.ledger, item),
        )
        try:
            pictures = _open_pictures(self.settings.work / version.made.folder)
        except StudioError as error:
            return replace(piece, trouble=f"{error.message}\n{error.hint}")
        if version.origin is not Origin.CAPTURE:
            self._remember_before(pictures, version)
        return replace(piece, pictures=pictures)

    def _remember_before(self, pictures: Pictures, version: VersionRecord) -> None:
        """Add the matte before a touch-up, where its previews are kept still."""
        before = reading.get_version(self.ledger, version.item, version.version - 1)
        if before is not None:
            with suppress(StudioError):
                pictures.remember(_open_pictures(self.settings.work / before.made.folder))

    def picture_file(self, piece: Piece, finding: Finding | None = None) -> Path:
        """The version's first composite as it would be delivered, or the evidence of a finding."""
        if piece.made is None or not piece.made.composites:
            raise StudioError("There is no finished picture of this version yet.")
        name, _ = next(iter(piece.made.composites.values()))
        folder = self.settings.work / piece.made.folder
        return folder / (name if finding is None else f"evidence-{finding.number}.png")

    # Decisions

    def keep_looks(self, item: ItemRecord, looks: Sequence[Look]) -> None:
        """Hand what was looked at of the version seen to the ledger."""
        record_looks(self.ledger, item.id, item.version, self.person, looks)

    def approve(self, item: ItemRecord) -> Status:
        """Approve the version seen."""
        return review.approve(self.ledger, item.id, item.version, self.person)

    def approve_unseen(self, item: ItemRecord) -> Status:
        """Approve one of many without a look at it."""
        return review.approve_unseen(self.ledger, item.id, item.version, self.person, below=self.low_risk)

    def flag(self, item: ItemRecord, reasons: tuple[str, ...], note: str, box: Box | None = None) -> None:
        """Send the version seen to touch-up."""
        review.flag(self.ledger, item.id, item.version, self.person, reasons=reasons, note=note, box=box)

    def reject(self, item: ItemRecord) -> None:
        """The piece must be shot again."""
        review.reject(self.ledger, item.id, item.version, self.person)

    def touch_up(self, item: ItemRecord, strokes: tuple[Stroke, ...]) -> None:
        """Have the matte of the version seen made again with these strokes, the whole layer."""
        review.request_strokes(self.ledger, item.id, item.version, strokes, self.person)

    def undo(self) -> ItemRecord:
        """Take this person's last decision back; returns the item, which waits again."""
        item = review.last_decided(self.ledger, self.person)
        if item is None:
            raise StudioError(
                "There is nothing of yours to undo.",
                "What was delivered comes back with: studiod recall ITEM",
            )
        review.undo(self.ledger, item, self.person)
        return reading.get_item(self.ledger, item)

    # Who looks

    def open(self, item: int, *, take_over: bool = False) -> Person:
        """Claim an item; returns who has it open, which is somebody else where the claim stands."""
        return review.open_for_review(self.ledger, item, self.person, take_over=take_over)

    def close(self, item: int) -> None:
        """Let go of an item."""
        review.close_review(self.ledger, item, self.person)

    # Many at once

    @property
    def low_risk(self) -> float:
        """Below this risk, what is not mandatory may be approved in one go."""
        limit = self.settings.qa.auto_approve_below
        return _LOW_RISK if limit is None else limit

    def cheap_and_low(self) -> list[ItemRecord]:
        """What waits, is not mandatory, has a low risk, and is and was in nobody's hands."""
        selection = replace(WAITING, mandatory=False)
        found: list[ItemRecord] = []
        ids = reading.list_ids(self.ledger, selection, order=Order.LOSS)
        for start in range(0, len(ids), 100):
            for item in reading.get_items(self.ledger, ids[start : start + 100]):
                untouched = not item.never_policy and item.origin is Origin.CAPTURE
                is_free = item.opened_by in (None, self.person.login)
                is_low = item.risk is not None and item.risk < self.low_risk
                if is_low and untouched and is_free and not item.mandatory:
                    found.append(item)
        return found


def read_findings(risk_json: str) -> tuple[Finding, ...]:
    """The findings of a risk file, the most probable first; what cannot be read is left out."""
    try:
        listed = json.loads(risk_json).get("findings", [])
    except (ValueError, AttributeError):
        return ()
    findings = [found for number, text in enumerate(listed, 1) if (found := _finding(number, text))]
    return tuple(sorted(findings, key=lambda finding: -finding.probability))


def _finding(number: int, text: Any) -> Finding | None:
    try:
        left, top, right, bottom = (int(value) for value in text["box"])
        x, y = (int(value) for value in text["point"])
        return Finding(
            number=number,
            reason=str(text["reason"]),
            box=(left, top, right, bottom),
            point=(x, y),
            probability=float(text["probability"]),
            sentence=str(text["sentence"]),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _why_unmade(item: ItemRecord) -> str:
    if item.status in (Status.QUARANTINED, Status.FAILED):
        return f"There is no cutout of this picture.\n{inert(item.reason)}"
    return "This picture is not made yet."


def _open_pictures(folder: Path) -> Pictures:
    # Imported here: what pictures need takes longer than the list of the queue, which comes first.
    from tui.pictures import open_pictures

    return open_pictures(folder)


def _of_late(selection: Selection, view: str) -> Selection:
    """What left in the last 24 hours: a night has two dates."""
    return replace(selection, delivered_since=time.time() - _DAY) if view == "delivered" else selection
