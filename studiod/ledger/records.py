"""What goes into the ledger and what comes out of it: frozen records, no behaviour worth the name.

Paths are `str` as `os.fsdecode` gives them (bytes that are not UTF-8 as lone surrogates); the database
holds the bytes. Prices are integer minor units. Times are seconds since the epoch (`float`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Literal

from studiod.ledger.states import Status
from studiod.strokes import Stroke

Box = tuple[int, int, int, int]
Rectangle = tuple[float, float, float, float]


class FileState(StrEnum):
    """What became of a file that was taken up."""

    ITEM = "item"
    HALF = "half"
    DUPLICATE = "duplicate"
    SUPERSEDED = "superseded"
    QUARANTINED = "quarantined"
    IGNORED = "ignored"
    PLATE = "plate"
    RETURNED = "returned"
    SET_ASIDE = "set_aside"


class Origin(StrEnum):
    """What a version was made from: the photograph alone, brush strokes, or a returned touch-up."""

    CAPTURE = "capture"
    STROKES = "strokes"
    RETURN = "return"


class Demand(IntEnum):
    """What the price gate asks for before an item may leave."""

    NOTHING = 0
    PERSON = 1
    TWO_PERSONS = 2


@dataclass(frozen=True, slots=True)
class Person:
    """Who decides: the operating system's login."""

    uid: int
    login: str


# What intake writes.


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A file as it was found: `path` is below its hot folder, `sha256` None where it could not be read."""

    hot_folder: str
    path: str
    sha256: str | None
    size: int
    mtime_ns: int
    kind: str = ""
    captured_at: datetime | None = None
    kept_copy: str | None = None
    inode: int = 0


@dataclass(frozen=True, slots=True)
class NewItem:
    """An item to be: its source file, its SKU and its price as the catalogue has it.

    `status` is RECEIVED, or QUARANTINED with the `reason`. `always_review` is set where the title holds
    a word of `[qa] always_review`, `never_policy` where only a person may approve what is made of it.
    """

    source: FileFacts
    sku: str | None
    title: str = ""
    price_minor: int | None = None
    currency: str = ""
    always_review: bool = False
    status: Literal[Status.RECEIVED, Status.QUARANTINED] = Status.RECEIVED
    reason: str = ""
    never_policy: bool = False


# What was looked at.


@dataclass(frozen=True, slots=True)
class Place:
    """A point of interest of a version, in pixels of the photograph, and why it is one.

    `reason` is a finding's, or "chain", "prong" or "stone_edge" where the daemon chose it.
    """

    reason: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Look:
    """One window that stayed on a person's screen: what it showed, at which zoom (2.0: 200 %), how long.

    `view` is the terminal's name of it, such as "composite" or "original"; `box` is in pixels of the
    photograph and may reach beyond it.
    """

    view: str
    box: Rectangle
    zoom: float
    seconds: float


# What the daemon takes and gives back.


@dataclass(frozen=True, slots=True)
class Touchup:
    """A version that was sent to be touched up by hand: the folder below `touchup`, and the part it holds."""

    id: int
    item: int
    version: int
    folder: str
    box: Box


@dataclass(frozen=True, slots=True)
class ReturnedFile:
    """What came back of a touch-up: the kept copy (relative to `work`), and the touch-up it answers."""

    path: str
    touchup: Touchup


@dataclass(frozen=True, slots=True)
class Claimed:
    """An item in a worker's hands; every answer about it is given with this record.

    `version` is the number of the version to be made. `strokes` are its whole layer of brush strokes,
    `returned` the touch-up by hand that it is made from, or that the strokes lie over.
    """

    item: int
    version: int
    worker: str
    hot_folder: str
    path: str
    source_sha256: str | None
    captured_at: datetime | None
    origin: Origin
    tries: int
    strokes: tuple[Stroke, ...] = ()
    returned: ReturnedFile | None = None


@dataclass(frozen=True, slots=True)
class NewVersion:
    """What processing made: hashes of every file and of what made them, and the risk.

    `folder` is relative to `work`; `composites` maps preset to (file name, sha256); `presets` maps preset
    to the sha256 of its settings; `risk_json` is the whole risk file. `places` are what a person must have
    looked at closely before a mandatory item is approved, `composite_box` is where the first composite's
    edges lie, in pixels of the photograph (None for versions made before looks were kept).
    """

    folder: str
    source_sha256: str
    cutout: tuple[str, str]
    matte: tuple[str, str]
    composites: Mapping[str, tuple[str, str]]
    presets: Mapping[str, str]
    model: str
    model_sha256: str
    risk: float
    reasons: tuple[str, ...]
    places: tuple[Place, ...]
    composite_box: Rectangle | None
    risk_json: str = "{}"
    plate_sha256: str | None = None
    plate_message: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """A version as it stands in the ledger; `evidence` is the canonical text that decisions copy."""

    item: int
    version: int
    origin: Origin
    evidence: str
    made: NewVersion


@dataclass(frozen=True, slots=True)
class WantedOutput:
    """A file that delivery wants to write: outbox/PRESET/STEM + EXTENSION (".jpg"), with its hash."""

    preset: str
    stem: str
    extension: str
    sha256: str


class OutputState(StrEnum):
    """Where an output stands; a name is free again once it is recalled."""

    RESERVED = "reserved"
    DELIVERED = "delivered"
    RECALLING = "recalling"
    RECALLED = "recalled"


@dataclass(frozen=True, slots=True)
class OutputRecord:
    """One output file: `path` is PRESET/NAME below the outbox."""

    id: int
    version: int
    preset: str
    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class FoundFiles:
    """The hashes of a version's own files as they lie on disk at delivery; composites by preset."""

    cutout: str
    matte: str
    composites: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Delivery:
    """An item in state delivering, and the files that are its."""

    item: int
    version: int
    outputs: tuple[OutputRecord, ...]


class Activity(StrEnum):
    """What the daemon is doing."""

    STARTING = "starting"
    RUNNING = "running"
    IDLE = "idle"
    PAUSED = "paused"
    STOPPING = "stopping"
    STOPPED = "stopped"


SILENT_SECONDS = 60.0
"""A daemon whose last heartbeat is older than this counts as gone."""


@dataclass(frozen=True, slots=True)
class DaemonState:
    """The daemon's heartbeat. `beat_at` is set by the ledger when it is written."""

    pid: int
    activity: Activity
    message: str = ""
    workers: int = 0
    started_at: float = 0.0
    done_this_run: int = 0
    seconds_per_item: float | None = None
    beat_at: float = 0.0


# What lists and screens read.


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file ever taken up, as the ledger knows it; `seen_at` is when it was recorded."""

    id: int
    facts: FileFacts
    state: FileState
    item: int | None
    reason: str
    seen_at: float


@dataclass(frozen=True, slots=True)
class ItemRecord:
    """An item as lists show it.

    `mandatory` says that a person must decide (`demand`: how many); `files` are paths below the hot folder
    (the source first), `outputs` paths below the outbox of what is delivered. `opened_by` is the login that
    has it open for review.
    """

    id: int
    hot_folder: str
    path: str
    sku: str | None
    title: str
    status: Status
    version: int
    origin: Origin
    price_minor: int | None
    currency: str
    always_review: bool
    never_policy: bool
    demand: Demand
    risk: float | None
    reasons: tuple[str, ...]
    tries: int
    reason: str
    source_sha256: str | None
    kept_original: str | None
    created_at: float
    updated_at: float
    approved_at: float | None
    delivered_at: float | None
    seconds: float | None
    replaces: int | None
    opened_by: str | None
    files: tuple[str, ...]
    outputs: tuple[str, ...]

    @property
    def mandatory(self) -> bool:
        """Whether a person must decide, whatever the risk."""
        return self.demand > Demand.NOTHING


@dataclass(frozen=True, slots=True)
class Event:
    """One line of history; `item` is None for what concerns the studio (a threshold).

    `actor` is "daemon", "policy", "catalogue", "settings" or a login; `uid` is set for persons.
    """

    id: int
    item: int | None
    version: int | None
    at: float
    actor: str
    uid: int | None
    what: str
    before: Status | None
    after: Status | None
    reason: str
    details: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision on one version: by a person, or by policy (`person` is None)."""

    version: int
    verdict: Literal["approve", "flag", "reject"]
    person: Person | None
    reasons: tuple[str, ...]
    note: str
    box: Box | None
    at: float
    withdrawn_at: float | None


class Order(StrEnum):
    """How a list is ordered."""

    LOSS = "loss"
    OLDEST = "oldest"
    NEWEST = "newest"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which items a list shows; every field narrows it.

    `search` is a part of the SKU, the title or the path; `returned` means made from a touch-up;
    `delivered_since` is a time.
    """

    statuses: frozenset[Status] = frozenset()
    mandatory: bool | None = None
    search: str = ""
    returned: bool | None = None
    delivered_since: float | None = None


EVERYTHING = Selection()
WAITING = Selection(statuses=frozenset({Status.AWAITING_REVIEW, Status.APPROVED_ONCE}))
