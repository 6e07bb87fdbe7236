"""The files of one version, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from studiod.imaging.composite import encode_composite, suffix_of
from studiod.imaging.cutout import encode_cutout
from studiod.imaging.photo import Photo
from studiod.pipeline import Processed
from studiod.settings import Preset
from studiod.view import draw_view


@dataclass(frozen=True, slots=True)
class Artifacts:
    """The files that decisions are bound to, as (name in the folder, sha256); composites by preset."""

    cutout: tuple[str, str]
    matte: tuple[str, str]
    composites: Mapping[str, tuple[str, str]]


def write_version(folder: Path, photo: Photo, processed: Processed, presets: Sequence[Preset]) -> Artifacts:
    """Write everything about a version into `folder`, which then replaces one left by an earlier try.

    The files gather in a folder beside it, each on disk before it gets its name. OSError as it comes.
    """
    fresh = folder.parent / f".{folder.name}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    (fresh / "tiles").mkdir(parents=True)
    hashes = {name: _write(fresh / name, content) for name, content in _contents(photo, processed, presets)}
    _sync(fresh / "tiles")
    _sync(fresh)
    if folder.exists():
        shutil.rmtree(folder)
    fresh.rename(folder)
    _sync(folder.parent)
    return Artifacts(
        cutout=("cutout.png", hashes["cutout.png"]),
        matte=("matte.png", hashes["matte.png"]),
        composites={
            preset.name: (_composite_name(preset), hashes[_composite_name(preset)]) for preset in presets
        },
    )


def write_results(
    folder: Path, stem: str, photo: Photo, processed: Processed, presets: Sequence[Preset]
) -> list[Path]:
    """Write one picture's results for people, without a queue; the paths written.

    STEM_cutout.png, STEM_composite.EXT (STEM_composite_PRESET.EXT of several) and STEM_risk.json.
    """
    contents = {f"{stem}_cutout.png": encode_cutout(processed.cutout, processed.box, photo)}
    for preset in presets:
        which = f"_{preset.name}" if len(presets) > 1 else ""
        name = f"{stem}_composite{which}{suffix_of(preset)}"
        contents[name] = encode_composite(processed.composites[preset.name], preset, photo.exif)
    contents[f"{stem}_risk.json"] = _risk(processed)
    for name, content in contents.items():
        temporary = folder / f".{name}.new"
        _write(temporary, content)
        temporary.replace(folder / name)
    _sync(folder)
    return [folder / name for name in contents]


def _contents(photo: Photo, processed: Processed, presets: Sequence[Preset]) -> Iterator[tuple[str, bytes]]:
    yield "cutout.png", encode_cutout(processed.cutout, processed.box, photo)
    levels = (processed.alpha * 65535.0 + 0.5).astype(np.uint16)
    yield "matte.png", bytes(cv2.imencode(".png", levels, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1])
    for preset in presets:
        yield _composite_name(preset), encode_composite(processed.composites[preset.name], preset, photo.exif)
    yield "risk.json", _risk(processed)
    yield from draw_view(photo, processed)


def _composite_name(preset: Preset) -> str:
    return f"composite-{preset.name}{suffix_of(preset)}"


def _risk(processed: Processed) -> bytes:
    return json.dumps(processed.risk.as_json(), indent=1).encode()


def _write(path: Path, content: bytes) -> str:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return hashlib.sha256(content).hexdigest()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
