"""Sets of pictures with exact mattes on disk, and their three-part split by piece."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from studiod.errors import StudioError
from studiod.imaging.cutout import read_coverage
from studiod.imaging.photo import read_header, read_photo
from studiod.imaging.types import Bytes, Floats
from studiod.matting.split import split_part
from studiod.names import printable

_LAYOUT = "A picture needs NAME.jpg, NAME_alpha.png, NAME_parts.png and NAME.json, all of one piece."


@dataclass(frozen=True)
class Truth:
    """One picture of a set: its files, and what its record says."""

    name: str
    photo: Path
    alpha: Path
    parts: Path
    plate: Path | None
    kind: str
    look: str
    seed: int
    prongs: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Exact:
    """A picture's exact coverage, its parts, and its prongs."""

    alpha: Floats
    parts: Bytes
    prongs: tuple[Mapping[str, Any], ...]


def list_truths(folder: Path) -> list[Truth]:
    """The pictures of `folder` that come with NAME_alpha.png, NAME_parts.png and NAME.json, by name."""
    if not folder.is_dir():
        raise StudioError(
            f"{printable(folder)} is no folder.", "Name one that holds pictures with their mattes."
        )
    found = []
    for alpha in sorted(folder.glob("*_alpha.png")):
        name = alpha.name.removesuffix("_alpha.png")
        photos = [folder / f"{name}{ending}" for ending in (".jpg", ".png", ".tif", ".tiff")]
        photo = next((path for path in photos if path.exists()), None)
        record, parts, plate = (folder / f"{name}{end}" for end in (".json", "_parts.png", "_plate.jpg"))
        if photo is None or not record.exists() or not parts.exists():
            raise StudioError(
                f"{printable(alpha)} has no photograph, no parts or no record beside it.", _LAYOUT
            )
        values = _read_record(record)
        found.append(
            Truth(
                name,
                photo,
                alpha,
                parts,
                plate if plate.exists() else None,
                str(values.get("kind", "other")),
                str(values.get("look") or "studio"),
                values.get("seed", 0),
                tuple(values.get("prongs", [])),
            )
        )
    if not found:
        raise StudioError(
            f"{printable(folder)}: no picture with a known matte (NAME_alpha.png) here.",
            "Name another folder.",
        )
    return found


def _read_record(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        values = None
    if not isinstance(values, dict) or not isinstance(values.get("seed", 0), int):
        raise StudioError(f"{printable(path)} is no record of a picture.", _LAYOUT)
    return values


def part_of(truth: Truth) -> str:
    """Which part of the split the picture's piece belongs to; what no generator numbered is for testing."""
    return "test" if truth.kind == "other" else split_part(truth.kind, truth.seed)


def read_linear(path: Path) -> Floats:
    """A picture in linear light, H x W x 3."""
    return read_photo(path).linear()


def read_display(path: Path) -> Bytes:
    """A picture's own 8-bit RGB values as they are stored, H x W x 3: what other tools are given."""
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def read_truth(truth: Truth) -> Exact:
    """The exact matte and parts of a picture."""
    with Image.open(truth.parts) as picture:
        parts = np.asarray(picture)
    alpha, photo = read_coverage(truth.alpha), read_header(truth.photo)
    if not parts.shape == alpha.shape == (photo.height, photo.width):
        raise StudioError(f"{printable(truth.alpha)}, its parts and its photograph differ in size.", _LAYOUT)
    return Exact(alpha, parts, truth.prongs)
