"""What the daemon and its workers say to each other: a JSON object a line, names as os.fsdecode has them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from studiod.settings import MattingSettings, Preset

Refusal = Literal["picture", "disk", "gone", "memory", "error"]
"""Why a job was not done: no picture that we read; a disk is full, or not there; no source with the right
bytes any more; more memory than a worker may use; anything else, as a sentence."""


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """What a worker is started with: its parent's pid, its share of the machine, its model and limits."""

    parent: int
    threads: int
    memory_bytes: int
    max_megapixels: float
    matting: MattingSettings

    def line(self) -> str:
        """The first line of a worker's standard input."""
        matting = self.matting.model_dump(mode="python")
        model = matting["model"]
        return _line({**asdict(self), "matting": {**matting, "model": None if model is None else str(model)}})

    @staticmethod
    def parse(line: str) -> WorkerOptions:
        """The options back from their line."""
        told = json.loads(line)
        matting = told.pop("matting")
        model = matting["model"]
        matting["model"] = None if model is None else Path(model)
        return WorkerOptions(matting=MattingSettings.model_construct(**matting), **told)


@dataclass(frozen=True, slots=True)
class Inspect:
    """Look at a file that has settled: is it whole, is it a picture, which bytes."""

    do: ClassVar[str] = "inspect"
    path: str


@dataclass(frozen=True, slots=True)
class Keep:
    """Copy an original of the given hash into `folder`."""

    do: ClassVar[str] = "keep"
    source: str
    sha256: str
    folder: str


@dataclass(frozen=True, slots=True)
class Process:
    """Make a version: the first of `sources` that has the bytes of `sha256` is the photograph, called `name`.

    `calibrations` is the folder of what the studio taught the risk scorer, `pixels_per_mm` the
    scale of the piece where it is known. `returned` is the touch-up that came back, if it is made from
    one: the kept file's `path`, and of what was sent the version's `folder` and the `box`.
    """

    do: ClassVar[str] = "process"
    name: str
    sources: tuple[str, ...]
    sha256: str | None
    plate: str | None
    presets: tuple[Mapping[str, Any], ...]
    folder: str
    calibrations: str
    pixels_per_mm: float | None
    strokes: tuple[Mapping[str, Any], ...] = ()
    returned: Mapping[str, Any] | None = None

    @staticmethod
    def settings_of(presets: Sequence[Preset]) -> tuple[Mapping[str, Any], ...]:
        """Presets as they travel in a job."""
        return tuple(preset.model_dump(mode="json") for preset in presets)


@dataclass(frozen=True, slots=True)
class SendTouchup:
    """Write a folder below `root` for a retoucher; `folder` holds the version that `complaint` is about."""

    do: ClassVar[str] = "send_touchup"
    sources: tuple[str, ...]
    root: str
    folder: str
    complaint: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class IdentifyReturn:
    """Look which touch-up a file of the return folder answers."""

    do: ClassVar[str] = "identify_return"
    path: str


@dataclass(frozen=True, slots=True)
class CheckReturn:
    """See whether a returned file can be taken, and copy it into the folder `keep`.

    `photograph` is the hash of the item's own, `folder` the version of which `box` was sent.
    """

    do: ClassVar[str] = "check_return"
    source: str
    sha256: str
    keep: str
    sources: tuple[str, ...]
    photograph: str | None
    folder: str
    box: tuple[int, int, int, int]


Task = Inspect | Keep | Process | SendTouchup | IdentifyReturn | CheckReturn


def job_line(number: int, task: Task) -> str:
    """A job as it is written to a worker."""
    return _line({"id": number, "do": task.do, **asdict(task)})


@dataclass(frozen=True, slots=True)
class Reply:
    """A worker's answer to job `number`: a result, or why there is none."""

    number: int
    result: Mapping[str, Any] | None
    refusal: Refusal | None = None
    message: str = ""

    def line(self) -> str:
        """The answer as it is written to the daemon."""
        return _line(asdict(self))

    @staticmethod
    def parse(line: bytes) -> Reply:
        """The answer back from its line."""
        return Reply(**json.loads(line))


READY = Reply(-1, {})
"""The first line of a worker that can take jobs."""


def _line(value: Mapping[str, Any]) -> str:
    return json.dumps(value) + "\n"
