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
from studiod.evaluate.measures import Floats, Labels
from studiod.imaging.photo import read_photo
from studiod.matting.split import split_part

PARTS = ("train", "calibrate", "test")


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
    parts: Labels
    prongs: tuple[Mapping[str, Any], ...]


def list_truths(folder: Path) -> list[Truth]:
    """The pictures of `folder` that come with NAME_alpha.png, NAME_parts.png and NAME.json, by name."""
    if not folder.is_dir():
        raise StudioError(f"{folder} is no folder.", "Name one that holds pictures with their mattes.")
    found = []
    for alpha in sorted(folder.glob("*_alpha.png")):
        name = alpha.name.removesuffix("_alpha.png")
        photos = [folder / f"{name}{ending}" for ending in (".jpg", ".png", ".tif", ".tiff")]
        photo = next((path for path in photos if path.exists()), None)
        record, plate = folder / f"{name}.json", folder / f"{name}_plate.jpg"
        if photo is None or not record.exists():
            raise StudioError(
                f"{alpha}: no photograph or no {name}.json beside it", "See the bench's layout."
            )
        values = json.loads(record.read_text(encoding="utf-8"))
        found.append(
            Truth(
                name,
                photo,
                alpha,
                folder / f"{name}_parts.png",
                plate if plate.exists() else None,
                str(values.get("kind", "other")),
                str(values.get("look") or "studio"),
                int(values.get("seed", 0)),
                tuple(values.get("prongs", [])),
            )
        )
    if not found:
        raise StudioError(
            f"{folder}: no picture with a known matte (NAME_alpha.png) here.", "Name another folder."
        )
    return found


def part_of(truth: Truth) -> str:
    """Which part of the split the picture's piece belongs to; what no generator numbered is for testing."""
    return "test" if truth.kind == "other" else split_part(truth.kind, truth.seed)


def read_linear(path: Path) -> Floats:
    """A picture in linear light, H x W x 3."""
    return read_photo(path).linear()


def read_coverage(path: Path) -> Floats:
    """A matte of 8 or 16 bits (or a cutout's alpha) as 0..1, H x W."""
    with Image.open(path) as picture:
        pixels = np.asarray(picture)
    if pixels.ndim == 3:
        pixels = pixels[..., -1]
    alpha: Floats = pixels.astype(np.float32) / np.float32(255.0 if pixels.dtype == np.uint8 else 65535.0)
    return alpha


def read_truth(truth: Truth) -> Exact:
    """The exact matte and parts of a picture."""
    with Image.open(truth.parts) as picture:
        parts = np.asarray(picture)
    return Exact(read_coverage(truth.alpha), parts, truth.prongs)
