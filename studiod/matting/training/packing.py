"""One packed file for training: every picture's layers as raw 8-bit arrays, read by memory map."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from studiod.imaging.background import estimate_background
from studiod.imaging.colour import to_linear
from studiod.imaging.types import Bytes, Floats
from studiod.matting.split import split_part

_MAGIC = b"studiod pack 1\n"
_SMALL = 768


@dataclass(frozen=True)
class Layers:
    """One picture at one size: display-referred uint8 layers, H x W x 3 or H x W.

    `piece` is the true colour times alpha over black, `emphasis` is where thin parts and small
    holes are (255), and `estimate` is a small linear float32 background.
    """

    photo: Bytes
    plate: Bytes
    piece: Bytes
    alpha: Bytes
    emphasis: Bytes
    estimate: Floats


@dataclass(frozen=True)
class Packed:
    """One picture of a packed file at its native size and at 768 px."""

    name: str
    look: str
    part: str
    chain: bool
    native: Layers
    small: Layers
    answers: Bytes | None = None
    """What a coarse network said of it, with the estimate and with the plate: 2 x H x W."""


def to_display(linear: Floats) -> Bytes:
    """8-bit sRGB values from linear light (clipped to 0..1)."""
    value = np.clip(linear, 0.0, 1.0)
    curve = np.where(value <= 0.0031308, value * 12.92, 1.055 * np.sqrt(np.sqrt(value)) ** (4 / 2.4) - 0.055)
    rounded: Bytes = (curve * 255 + 0.5).astype(np.uint8)
    return rounded


def write_pack(sets: Sequence[Path], out: Path) -> Iterator[str]:
    """Pack every picture of some folders into `out`; yields their names.

    There it lies as NAME.jpg, beside it NAME_plate.jpg, NAME_fg.png (its own colour times coverage, over
    black), NAME_alpha.png, NAME_parts.png and NAME.json.
    """
    index: list[dict[str, Any]] = []
    body = out.with_suffix(".body")
    with body.open("wb") as file:
        for folder in sets:
            for about in sorted(folder.glob("*.json")):
                name = about.stem
                if not (folder / f"{name}_alpha.png").exists():
                    continue
                facts = json.loads(about.read_text())
                entry: dict[str, Any] = {
                    "name": name,
                    "look": facts.get("look", "studio"),
                    "part": split_part(facts["kind"], facts["seed"]),
                    "chain": facts.get("chain_wire_px") is not None,
                }
                native = _read_layers(folder, name)
                for size, layers in (("native", native), ("small", _shrunk(native))):
                    entry[size] = {}
                    for key, array in vars(layers).items():
                        entry[size][key] = [file.tell(), list(array.shape)]
                        file.write(np.ascontiguousarray(array).tobytes())
                index.append(entry)
                yield name
    header = json.dumps(index).encode()
    with out.open("wb") as file, body.open("rb") as source:
        file.write(_MAGIC + len(header).to_bytes(8, "little") + header)
        while block := source.read(1 << 24):
            file.write(block)
    body.unlink()


def read_pack(path: Path) -> list[Packed]:
    """The pictures of a packed file; arrays are views of a memory map."""
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise ValueError(f"{path} is not a packed set")
        length = int.from_bytes(file.read(8), "little")
        index = json.loads(file.read(length))
        start = file.tell()
    memory = np.memmap(path, np.uint8, "r")

    def layers(entry: dict[str, Any]) -> Layers:
        arrays: dict[str, Any] = {}
        for key, (offset, shape) in entry.items():
            size = int(np.prod(shape)) * (4 if key == "estimate" else 1)
            raw = memory[start + offset : start + offset + size]
            arrays[key] = (np.array(raw).view(np.float32) if key == "estimate" else raw).reshape(shape)
        return Layers(**arrays)

    return [
        Packed(e["name"], e["look"], e["part"], e["chain"], layers(e["native"]), layers(e["small"]))
        for e in index
    ]


def _read_layers(folder: Path, name: str) -> Layers:
    def colour(suffix: str) -> Bytes:
        picture = cv2.imread(str(folder / f"{name}{suffix}"), cv2.IMREAD_COLOR)
        if picture is None:
            raise ValueError(f"{folder / name}{suffix} cannot be read")
        return np.asarray(picture[..., ::-1], np.uint8)

    photo = colour(".jpg")
    alpha = np.asarray(cv2.imread(str(folder / f"{name}_alpha.png"), cv2.IMREAD_GRAYSCALE), np.uint8)
    parts = np.asarray(cv2.imread(str(folder / f"{name}_parts.png"), cv2.IMREAD_GRAYSCALE), np.uint8)
    estimate = estimate_background(to_linear(photo, None))
    small = cv2.resize(estimate, (96, 96), interpolation=cv2.INTER_AREA)
    return Layers(
        photo,
        colour("_plate.jpg"),
        colour("_fg.png"),
        alpha,
        _emphasis(alpha, parts),
        np.asarray(small, np.float32),
    )


def _emphasis(alpha: Bytes, parts: Bytes) -> Bytes:
    """255 on chains, prongs, thin parts and small gaps between parts."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))
    thin = cv2.morphologyEx(alpha, cv2.MORPH_TOPHAT, disc)
    gaps = cv2.morphologyEx(alpha, cv2.MORPH_BLACKHAT, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (13, 13)))
    mask = ((thin > 60) | (gaps > 60) | ((parts >= 3) & (alpha > 20))).astype(np.uint8)
    return np.asarray(cv2.dilate(mask, np.ones((3, 3), np.uint8)) * 255, np.uint8)


def _shrunk(layers: Layers) -> Layers:
    height, width = layers.alpha.shape
    scale = min(1.0, _SMALL / max(height, width))
    size = (round(width * scale), round(height * scale))

    def area(picture: Floats) -> Floats:
        return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32)

    return Layers(
        to_display(area(to_linear(layers.photo, None))),
        to_display(area(to_linear(layers.plate, None))),
        to_display(area(to_linear(layers.piece, None))),
        np.asarray(cv2.resize(layers.alpha, size, interpolation=cv2.INTER_AREA), np.uint8),
        np.asarray(cv2.resize(layers.emphasis, size, interpolation=cv2.INTER_AREA), np.uint8),
        layers.estimate,
    )
