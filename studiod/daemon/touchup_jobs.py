"""What a worker does for the touch-up round trip; strangers' files are opened here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from studiod.delivery.place import find_bytes, place, require_mounted
from studiod.delivery.touchup import Complaint, ending_of, identify, read_return, write_touchup
from studiod.errors import PictureError, StudioError
from studiod.imaging.photo import Photo, read_photo
from studiod.imaging.retouch import Retouched
from studiod.intake.inspect import hash_file

Job = Mapping[str, Any]


def send_touchup(job: Job, max_megapixels: float) -> dict[str, Any]:
    """Write a version's folder for a retoucher."""
    told = job["complaint"]
    box = None if told["box"] is None else tuple(told["box"])
    complaint = Complaint(**{**told, "reasons": tuple(told["reasons"]), "box": box})
    source, _ = find_bytes(job["sources"], complaint.sha256)
    photo = read_photo(source, max_megapixels=max_megapixels)
    root = Path(job["root"])
    require_mounted(root)
    return asdict(write_touchup(root, Path(job["folder"]), photo, complaint))


def identify_return(job: Job) -> dict[str, Any]:
    """Which bytes a returned file has, and which touch-up it answers; or a problem, as a sentence."""
    path = Path(job["path"])
    try:
        found = hash_file(path)
        known = identify(path)
    except PictureError as error:
        return {"problem": str(error)}
    except OSError as error:
        return {"problem": f"It cannot be read: {error.strerror}. Save it again so that studiod may read it."}
    return {"sha256": found.sha256, "problem": found.problem, **asdict(known)}


def check_return(job: Job, max_megapixels: float) -> dict[str, Any]:
    """Keep a copy of a returned file that can be taken; or a problem, with what to save instead."""
    source, _ = find_bytes([job["source"]], job["sha256"])
    photograph, _ = find_bytes(job["sources"], job["photograph"])
    photo = read_photo(photograph, max_megapixels=max_megapixels)
    try:
        _read(source, photo, job)
        name = job["sha256"] + ending_of(source)
    except PictureError as error:
        return {"problem": str(error)}
    kept = Path(job["keep"])
    require_mounted(kept.parent)
    place(source, kept / name, job["sha256"])
    return {"kept": name, "problem": None}


def read_kept_return(returned: Job, photo: Photo) -> Retouched:
    """The touch-up that a version is made from, of a copy that was checked when it came back."""
    path = Path(returned["path"])
    if not path.exists():
        raise StudioError("The touch-up that it was made from is not kept any more.", "Flag it once more.")
    return _read(path, photo, returned)


def _read(path: Path, photo: Photo, job: Job) -> Retouched:
    left, top, right, bottom = job["box"]
    return read_return(path, photo, Path(job["folder"]), (left, top, right, bottom))
