"""The files of one version of an item: cutout, matte, composites, previews, evidence and risk."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from studiod.imaging.colour import SRGB, encode_srgb, to_linear
from studiod.imaging.composite import SUFFIXES, Composite, encode
from studiod.imaging.cutout import write_cutout
from studiod.imaging.files import write_whole
from studiod.imaging.photo import Box, Photo
from studiod.imaging.png import encode_png
from studiod.pipeline import Processed

_PREVIEW_SIDE = 1600
_EVIDENCE_SIDE = 360
_MOST_EVIDENCE = 12

Bytes8 = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Written:
    """A file that is whole on disk: its place and the sha256 of its bytes."""

    path: Path
    sha256: str

    @property
    def name(self) -> str:
        """The file's name in its folder."""
        return self.path.name


@dataclass(frozen=True, slots=True)
class Artifacts:
    """What `write_version` wrote; `composites` by preset name."""

    cutout: Written
    matte: Written
    composites: Mapping[str, Written]
    previews: tuple[Written, ...]
    evidence: tuple[Written, ...]
    risk: Written


def write_version(folder: Path, processed: Processed, photo: Photo, stem: str = "") -> Artifacts:
    """Write everything made of `photo` into `folder` (made if missing), each file whole or not at all.

    With a `stem` the composites are still `composite-PRESET`: names for people are given at delivery.
    """
    folder.mkdir(parents=True, exist_ok=True)
    cutout = folder / "cutout.png"
    composites = {}
    for name, made in processed.composites.items():
        composites[name] = _write(folder / f"composite-{name}{SUFFIXES[made.preset.format]}", encode(made))
    return Artifacts(
        cutout=Written(cutout, write_cutout(cutout, processed.cutout)),
        matte=_write(folder / "matte.png", _matte(processed)),
        composites=composites,
        previews=_write_previews(folder, processed, photo),
        evidence=_write_evidence(folder, processed, photo),
        risk=_write(folder / "risk.json", [risk_json(processed)]),
    )


def risk_json(processed: Processed) -> bytes:
    """The risk as a JSON file: `score`, `calibration`, `findings`."""
    return (json.dumps(processed.risk.as_json(), indent=2) + "\n").encode()


def _write(path: Path, parts: list[bytes]) -> Written:
    return Written(path, write_whole(path, parts))


def _matte(processed: Processed) -> list[bytes]:
    """Coverage in 16 bits, the size of the photograph."""
    left, top, right, bottom = processed.box
    coverage = processed.alpha[top:bottom, left:right] * np.float32(65535.0) + np.float32(0.5)
    height, width = processed.alpha.shape
    return encode_png(coverage.astype(np.uint16), frame=(width, height), origin=(left, top))


def _write_previews(folder: Path, processed: Processed, photo: Photo) -> tuple[Written, ...]:
    """Small pictures for the terminal, and `view.json`, which says how they lie on the photograph."""
    scale = min(1.0, _PREVIEW_SIDE / max(photo.width, photo.height))
    size = (max(1, round(photo.width * scale)), max(1, round(photo.height * scale)))
    small = np.ascontiguousarray(cv2.resize(photo.pixels, size, interpolation=cv2.INTER_AREA))
    original = _as_bytes(encode_srgb(to_linear(small, photo.profile)))
    layers: dict[str, Any] = {
        "original": _layer(photo.width, photo.height, "preview-original.jpg", size[0]),
        "cutout": _layer(photo.width, photo.height, "preview-cutout.png", size[0]),
    }
    written = [
        _write(folder / "preview-original.jpg", [_jpeg(original)]),
        _write(folder / "preview-cutout.png", encode_png(_small_cutout(processed, size), profile=SRGB)),
    ]
    first = next(iter(processed.composites.values()), None)
    if first is not None:
        shown = _small_composite(first)
        written.append(_write(folder / "preview-composite.jpg", [_jpeg(shown)]))
        layers["composite"] = _composite_layer(first, shown.shape[1])
    view = {"width": photo.width, "height": photo.height, "layers": layers}
    written.append(_write(folder / "view.json", [(json.dumps(view) + "\n").encode()]))
    return tuple(written)


def _layer(width: int, height: int, file: str, preview_width: int) -> dict[str, Any]:
    return {
        "width": width, "height": height, "scale": 1.0, "left": 0.0, "top": 0.0,
        "preview": {"file": file, "width": preview_width},
    }  # fmt: skip


def _composite_layer(made: Composite, preview_width: int) -> dict[str, Any]:
    height, width = made.pixels.shape[:2]
    layer = _layer(width, height, "preview-composite.jpg", preview_width)
    place = made.placement
    return layer | {"scale": place.scale, "left": place.left, "top": place.top}


def _small_cutout(processed: Processed, size: tuple[int, int]) -> Bytes8:
    """The cutout in 8-bit sRGB with coverage, resized on colours multiplied by coverage."""
    height, width = processed.alpha.shape
    left, top, right, bottom = processed.box
    alpha = processed.alpha[top:bottom, left:right]
    across, down = size[0] / width, size[1] / height
    start = (int(left * across), int(top * down))
    stop = (min(size[0], -int(-right * across // 1)), min(size[1], -int(-bottom * down // 1)))
    inner = (max(1, stop[0] - start[0]), max(1, stop[1] - start[1]))
    premultiplied = np.dstack([processed.foreground * alpha[..., None], alpha])
    small = np.asarray(cv2.resize(premultiplied, inner, interpolation=cv2.INTER_AREA), np.float32)
    coverage = small[..., 3:]
    colour = (small[..., :3] / np.maximum(coverage, 1e-4)).astype(np.float32)
    straight = np.dstack([encode_srgb(colour), coverage])
    straight[coverage[..., 0] < 1 / 512] = 0.0
    frame = np.zeros((size[1], size[0], 4), np.uint8)
    frame[start[1] : start[1] + inner[1], start[0] : start[0] + inner[0]] = _as_bytes(straight)
    return frame


def _small_composite(made: Composite) -> Bytes8:
    height, width = made.pixels.shape[:2]
    scale = min(1.0, _PREVIEW_SIDE / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(cv2.resize(made.pixels, size, interpolation=cv2.INTER_AREA), made.pixels.dtype)
    return (small if small.dtype == np.uint8 else small >> 8).astype(np.uint8)


def _write_evidence(folder: Path, processed: Processed, photo: Photo) -> tuple[Written, ...]:
    """For each finding, the most probable first, its place: the original beside the cutout on white."""
    findings = sorted(processed.risk.findings, key=lambda finding: -finding.probability)[:_MOST_EVIDENCE]
    return tuple(
        _write(
            folder / f"evidence-{number}.png",
            encode_png(_evidence(finding.box, processed, photo), profile=SRGB),
        )
        for number, finding in enumerate(findings, 1)
    )


def _evidence(box: Box, processed: Processed, photo: Photo) -> Bytes8:
    left, top, right, bottom = _widened(box, photo.width, photo.height)
    original = photo.linear((left, top, right, bottom))
    cut = np.ones_like(original)
    x0, y0, x1, y1 = processed.box
    a, b, c, d = max(left, x0), max(top, y0), min(right, x1), min(bottom, y1)
    if a < c and b < d:
        alpha = processed.alpha[b:d, a:c, None]
        colour = processed.foreground[b - y0 : d - y0, a - x0 : c - x0]
        cut[b - top : d - top, a - left : c - left] = colour * alpha + (1.0 - alpha)
    pair = np.hstack([original, np.full((bottom - top, 4, 3), 0.2, np.float32), cut])
    scale = _EVIDENCE_SIDE / max(bottom - top, right - left)
    size = (max(1, round(pair.shape[1] * scale)), max(1, round(pair.shape[0] * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    return _as_bytes(encode_srgb(np.asarray(cv2.resize(pair, size, interpolation=how), np.float32)))


def _widened(box: Box, width: int, height: int) -> Box:
    """The box with some surroundings, at least 48 pixels a side where the picture has them."""
    left, top, right, bottom = box
    side = max(48, round(1.5 * max(right - left, bottom - top)))
    across, down = min(side, width), min(side, height)
    x = min(max(0, (left + right - across) // 2), width - across)
    y = min(max(0, (top + bottom - down) // 2), height - down)
    return x, y, x + across, y + down


def _as_bytes(encoded: NDArray[np.float32]) -> Bytes8:
    return (encoded.clip(0.0, 1.0) * np.float32(255.0) + np.float32(0.5)).astype(np.uint8)


def _jpeg(pixels: Bytes8) -> bytes:
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=88, icc_profile=SRGB)
    return stream.getvalue()
