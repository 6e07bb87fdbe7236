"""A worker process: `python -m studiod.daemon.worker`, jobs on standard input, answers on standard output.

All decoding of strangers' files happens here, under a memory limit; the daemon keeps the time. Whatever
a file does to this process costs the process, nothing else. It ends when the daemon does.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import faulthandler
import hashlib
import json
import os
import queue
import resource
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import cv2

from studiod.artifacts import write_version
from studiod.daemon.jobs import READY, Refusal, Reply, WorkerOptions
from studiod.daemon.touchup_jobs import check_return, identify_return, read_kept_return, send_touchup
from studiod.delivery.place import ContentChanged, find_bytes, place, require_mounted, sha256_of
from studiod.errors import OutOfSpace, PictureError, StudioError
from studiod.imaging.composite import Composite
from studiod.imaging.photo import Photo, read_photo
from studiod.imaging.retouch import Retouched
from studiod.imaging.types import Floats
from studiod.intake.inspect import inspect_file
from studiod.matting import load_matte
from studiod.matting.brush import obey_strokes
from studiod.matting.matte import Matte
from studiod.names import printable
from studiod.pipeline import Processed, Solve, process_photo
from studiod.risk import assess
from studiod.risk.places import Place, choose_places
from studiod.risk.studio import studio_calibration
from studiod.settings import Preset
from studiod.strokes import Stroke, strokes_from_json

_PR_SET_PDEATHSIG = 1
_CV2_NO_MEMORY = -4


def main() -> None:
    """Take jobs until the daemon closes our standard input, or dies."""
    faulthandler.enable()
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints must not look like an answer
    options = WorkerOptions.parse(sys.stdin.readline())
    _end_with(options.parent)
    _be_modest(options)
    jobs = _read_in_background()
    try:
        worker = _Worker(options)
    except StudioError as error:
        answers.write(Reply(-1, None, "error", str(error)).line())
        return
    answers.write(READY.line())
    while True:
        answers.write(worker.answer(jobs.get()).line())


class _Worker:
    """The jobs, with the session that they share."""

    def __init__(self, options: WorkerOptions) -> None:
        cv2.setNumThreads(options.threads)
        self._options = options
        self._matte = load_matte(options.matting, options.threads)

    def answer(self, job: dict[str, Any]) -> Reply:
        """Do one job; whatever goes wrong becomes an answer."""
        number = job["id"]
        try:
            match job["do"]:
                case "inspect":
                    result = self._inspect(job)
                case "keep":
                    result = _keep(job)
                case "send_touchup":
                    result = send_touchup(job, self._options.max_megapixels)
                case "identify_return":
                    result = identify_return(job)
                case "check_return":
                    result = check_return(job, self._options.max_megapixels)
                case _:
                    result = self._process(job)
        except Exception as error:
            refusal, message = _refusal(error)
            if refusal == "error" and not isinstance(error, StudioError):
                traceback.print_exc()
            return Reply(number, None, refusal, message)
        return Reply(number, result)

    def _inspect(self, job: dict[str, Any]) -> dict[str, Any]:
        inspection = inspect_file(Path(job["path"]), self._options.max_megapixels, self._options.memory_bytes)
        return inspection.to_json()

    def _process(self, job: dict[str, Any]) -> dict[str, Any]:
        source, sha256 = find_bytes(job["sources"], job["sha256"])
        photo = read_photo(source, max_megapixels=self._options.max_megapixels, name=job["name"])
        plate, plate_sha256, no_plate = self._plate(job["plate"])
        presets = [Preset.model_validate(preset) for preset in job["presets"]]
        calibration = studio_calibration(Path(job["calibrations"]))
        judge = partial(assess, calibration=calibration, pixels_per_mm=job["pixels_per_mm"])
        strokes = strokes_from_json(job["strokes"])
        retouched = None if job["returned"] is None else read_kept_return(job["returned"], photo)
        solve = self._matte.solve if retouched is None else _matte_of(retouched)
        processed = process_photo(
            photo, solve=solve, assess=judge, presets=presets, plate=plate, strokes=strokes,
            retouched=retouched,
        )  # fmt: skip
        folder = Path(job["folder"])  # work/items/ITEM/VERSION
        require_mounted(folder.parents[2])
        made = write_version(folder, photo, processed)
        return {
            "source_sha256": sha256,
            "cutout": made.cutout,
            "matte": made.matte,
            "composites": made.composites,
            "presets": {preset.name: _settings_hash(preset) for preset in presets},
            "model": self._matte.name if retouched is None else "touch-up",
            "model_sha256": self._matte.sha256 if retouched is None else Path(job["returned"]["path"]).stem,
            "risk": processed.risk.score,
            "reasons": processed.risk.reasons,
            "risk_json": json.dumps(processed.risk.as_json()),
            "places": _places(processed),
            "composite_box": _composite_box(next(iter(processed.composites.values()))),
            "plate_sha256": None if processed.plate_message else plate_sha256,
            "plate_message": processed.plate_message or no_plate,
        }

    def _plate(self, told: str | None) -> tuple[Photo | None, str | None, str]:
        """The plate's photograph and hash, or why it cannot be used."""
        if told is None:
            return None, None, ""
        path = Path(told)
        sha256 = sha256_of(path)
        if sha256 is None:
            return None, None, f"The plate {printable(path.name)} cannot be read."
        try:
            return read_photo(path, max_megapixels=self._options.max_megapixels), sha256, ""
        except PictureError as error:
            return None, None, error.message


def _matte_of(retouched: Retouched) -> Solve:
    """The coverage that came back, with the strokes that were painted on it since."""

    def solve(photo: Floats, background: Floats, strokes: Sequence[Stroke]) -> Matte:
        alpha = retouched.alpha.copy()
        obey_strokes(alpha, photo, background, strokes)
        return Matte(alpha)

    return solve


def _settings_hash(preset: Preset) -> str:
    return hashlib.sha256(json.dumps(preset.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()


def _places(processed: Processed) -> tuple[Place, ...]:
    """What a person must have seen of it."""
    left, top, right, bottom = processed.box
    alpha = processed.alpha[top:bottom, left:right]
    return choose_places(processed.foreground, alpha, (left, top), processed.risk.findings)


def _composite_box(composite: Composite) -> tuple[float, float, float, float]:
    """Where a composite's edges lie in the photograph, in its pixels."""
    place, (height, width) = composite.placement, composite.pixels.shape[:2]
    return (
        -place.left / place.scale,
        -place.top / place.scale,
        (width - place.left) / place.scale,
        (height - place.top) / place.scale,
    )


def _keep(job: dict[str, Any]) -> dict[str, Any]:
    """Copy an original to SHA256.ext; its bytes are compared on the way."""
    source, folder = Path(job["source"]), Path(job["folder"])
    name = job["sha256"] + source.suffix.lower()
    if sha256_of(source) != job["sha256"]:
        raise ContentChanged
    require_mounted(folder.parent)
    place(source, folder / name, job["sha256"])
    return {"name": name}


def _refusal(error: Exception) -> tuple[Refusal, str]:
    match error:
        case PictureError():
            return "picture", str(error)
        case OutOfSpace():
            return "disk", error.message
        case MemoryError():
            return "memory", "it needs more memory than a worker may use"
        case ContentChanged():
            return "gone", "its original is gone, or holds other bytes now"
        case OSError() if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            return "disk", f"a disk is full: {error.strerror}"
        case OSError() if error.errno == errno.ENODEV:
            return "disk", f"{printable(os.fsdecode(error.filename or ''))}: {error.strerror}"
        case OSError() if error.errno == errno.ENOMEM:
            return "memory", "it needs more memory than a worker may use"
        case StudioError():
            return "error", str(error)
    if getattr(error, "code", None) == _CV2_NO_MEMORY or "bad_alloc" in str(error):
        return "memory", "it needs more memory than a worker may use"
    return "error", f"processing failed: {type(error).__name__}: {printable(str(error))}"


def _end_with(parent: int) -> None:
    """Have the kernel kill us when the daemon dies; elsewhere the end of standard input does."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)


def _be_modest(options: WorkerOptions) -> None:
    """Step behind everybody else, stay below the memory limit, and leave no core behind."""
    os.nice(10)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":  # elsewhere the kernel does not keep it: the pool watches
        resource.setrlimit(resource.RLIMIT_DATA, (options.memory_bytes, options.memory_bytes))
        with contextlib.suppress(OSError):  # when memory runs out, this process goes, not the daemon
            Path("/proc/self/oom_score_adj").write_text("800")


def _read_in_background() -> queue.SimpleQueue[dict[str, Any]]:
    """Jobs as they come; the end of standard input ends this process at once, in the middle of a job too."""
    jobs: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def read() -> None:
        for line in sys.stdin:
            jobs.put(json.loads(line))
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    return jobs


if __name__ == "__main__":
    main()
