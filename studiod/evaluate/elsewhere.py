"""The set's pieces in other studios: enough pictures of few pieces to see what the risk's numbers mean."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from studiod.evaluate.mattes import Studied
from studiod.evaluate.sets import Exact, Truth, read_display, read_linear, read_truth
from studiod.imaging.background import estimate_background
from studiod.imaging.colour import decode_srgb
from studiod.imaging.types import Floats
from studiod.matting.training.surfaces import draw_surface

Random = np.random.Generator

_LONG_SIDE = 900
_CLOSE_UP = (1200, 2600)
_MOST_ENLARGED = 4.0
_MADE_UP, _SURFACE_SIDE = 0.25, 480
_DEFOCUSED, _LARGEST_BLUR = 0.35, 2.0  # in pixels of the render
_MARGIN = 0.08
_GRAIN = 0.004


def name_elsewhere(piece: str, number: int) -> str:
    """The name of a piece's picture on another plate."""
    return f"{piece}@{number}"


def piece_of(name: str) -> str:
    """The name of the piece, whichever of its pictures is named."""
    return name.partition("@")[0]


def set_elsewhere(truth: Truth, others: Sequence[Truth], number: int) -> Studied:
    """The piece of `truth`, cut to its box, on a plate of `others` (at least one) or a made-up table.

    With an even `number` it is at most 900 px long; with an odd one it is enlarged to up to 2600 px, soft as
    a close-up is and in part out of focus. The plate is stretched, lightened or darkened, the piece throws a
    soft shadow. Every `number` is another picture, the same at every call.
    """
    random = np.random.default_rng(zlib.crc32(f"{truth.name} elsewhere {number}".encode()))
    exact = read_truth(truth)
    if random.random() < _MADE_UP:
        plate = draw_surface(_SURFACE_SIDE, random)
    else:
        plates = [other.plate for other in others if other.plate is not None]
        plate = read_linear(plates[int(random.integers(len(plates)))])
    return _lay(truth, number, _read_piece(truth, exact.alpha), exact, plate, random)


def _read_piece(truth: Truth, alpha: Floats) -> Floats:
    """The piece's own linear colour times its coverage; the file holds display values times coverage."""
    shown = read_display(truth.alpha.with_name(f"{truth.name}_fg.png")) / np.float32(255)
    cover = alpha[..., None]
    colour = np.minimum(shown / np.maximum(cover, np.float32(1 / 255)), 1)
    return np.asarray(decode_srgb(colour) * cover, np.float32)


def _lay(truth: Truth, number: int, piece: Floats, exact: Exact, plate: Floats, random: Random) -> Studied:
    left, top, width, height = cv2.boundingRect((exact.alpha > 0.02).astype(np.uint8))
    margin = round(_MARGIN * max(width, height)) + 8
    x0, y0 = max(0, left - margin), max(0, top - margin)
    window = np.s_[y0 : top + height + margin, x0 : left + width + margin]
    down, across = exact.alpha[window].shape
    scale = _draw_scale(max(down, across), number, random)
    size = (round(across * scale), round(down * scale))
    blur = scale * random.uniform(0.3, _LARGEST_BLUR) if scale > 1 and random.random() < _DEFOCUSED else 0.0

    def resized(layer: Floats) -> Floats:
        mode = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
        sized = np.asarray(cv2.resize(layer, size, interpolation=mode), np.float32).clip(0, None)
        return np.asarray(cv2.GaussianBlur(sized, (0, 0), blur), np.float32) if blur else sized

    alpha = resized(exact.alpha[window]).clip(0, 1)
    labels = np.asarray(cv2.resize(exact.parts[window], size, interpolation=cv2.INTER_NEAREST), np.uint8)
    prongs = tuple(
        {**p, "x": (p["x"] - x0) * scale, "y": (p["y"] - y0) * scale, "px": p["px"] * scale}
        for p in exact.prongs
    )
    behind = np.asarray(cv2.resize(plate, size, interpolation=cv2.INTER_AREA), np.float32)
    behind *= np.float32(np.exp(random.normal(0, 0.2)))
    if random.random() < 0.5:
        behind = np.ascontiguousarray(behind[:, ::-1])
    far = max(1.0, scale)
    move = np.array([[1, 0, far * random.uniform(-9, 9)], [0, 1, far * random.uniform(2, 14)]], np.float32)
    thrown = cv2.warpAffine(alpha, move, size)
    shadow = np.asarray(cv2.GaussianBlur(thrown, (0, 0), far * random.uniform(3, 16)), np.float32)
    behind = behind.clip(0, 1) * (1 - random.uniform(0, 0.5) * shadow[..., None])
    photo = resized(piece[window]) + (1 - alpha[..., None]) * behind
    grain = random.normal(0, _GRAIN, photo.shape).astype(np.float32)
    photo = (np.sqrt(photo.clip(0, 1)) + grain).clip(0, 1) ** 2
    named = replace(truth, name=name_elsewhere(truth.name, number), prongs=prongs)
    return Studied(
        named, np.asarray(photo, np.float32), estimate_background(photo), Exact(alpha, labels, prongs)
    )


def _draw_scale(length: int, number: int, random: Random) -> float:
    """How much larger than in the render, where it is `length` px long, the piece is shown."""
    if number % 2 == 0:
        return min(1.0, _LONG_SIDE / length)
    wanted = float(np.exp(random.uniform(*np.log(_CLOSE_UP))))
    return min(_MOST_ENLARGED, wanted / length)
