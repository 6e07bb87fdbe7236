"""Many mattes of one picture, from exact to spoilt: what the risk learns on.

What networks answer is kept on disk, once for each state of the weights and the code around them; all else
is made from it and from the exact matte in no time, the same at every call.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from studiod import matting
from studiod.evaluate.damage import damage_matte, part_matte, soften_matte
from studiod.evaluate.sets import Exact, Truth, read_display, read_linear, read_truth
from studiod.imaging import background, contrast, mirror, shrinking
from studiod.imaging.background import estimate_background
from studiod.imaging.cutout import read_coverage
from studiod.imaging.types import Bytes, Floats
from studiod.matting import WEIGHTS, LoadedMatte, load_matte
from studiod.matting.difference import matte_from_difference
from studiod.matting.general import GeneralMatte, GeneralModel, run_as_published
from studiod.matting.matte import Matte
from studiod.matting.sessions import hash_files
from studiod.settings import MattingSettings

Random = np.random.Generator

SHIPPED = "shipped"
BELOW = tuple(map(Path, (background.__file__, contrast.__file__, mirror.__file__, shrinking.__file__)))
"""Code of other rooms that mattes and evidence are made with: what another state of it made is not kept."""
_SPOILT, _MENDED = 3, 2
_PARTED = ("parted-0", "parted-1")
_WRONG = 0.25
_MASK_SIDE = 320


@dataclass(frozen=True)
class Studied:
    """A picture to learn on: photograph and background (linear, H x W x 3), and the truth."""

    truth: Truth
    photo: Floats
    background: Floats
    exact: Exact


def open_studied(truth: Truth) -> Studied:
    """The picture with its estimated background."""
    photo = read_linear(truth.photo)
    return Studied(truth, photo, estimate_background(photo), read_truth(truth))


def list_sources(general: Path) -> list[str]:
    """The names of all mattes that `make_matte` makes; those of networks hold a hash of what made them."""
    made = ["exact", "soft-1", *(f"spoilt-{n}" for n in range(_SPOILT)), *_PARTED, "difference"]
    shipped, peer = f"{SHIPPED}-{_hash_shipped()}", hash_files(general)[:8]
    altered = [f"{shipped}+{how}" for how in ("cleaned", "eroded", "parted", *map(str, range(_MENDED)))]
    return [*made, f"general-{peer}", f"near-{peer}", f"ruled-{peer}", shipped, *altered]


def make_matte(studied: Studied, source: str, cache: Path, general: Path) -> Matte:
    """The matte of that name; what a network answered is read from `cache`, or put there."""
    random = np.random.default_rng(zlib.crc32(f"{studied.truth.name} {source}".encode()))
    exact = studied.exact
    kind, _, how = source.partition("+")
    if how:
        return Matte(_altered(make_matte(studied, kind, cache, general).alpha, exact.alpha, how, random))
    match kind.split("-")[0]:
        case "exact":
            return Matte(exact.alpha)
        case "soft":
            return Matte(soften_matte(exact.alpha, random))
        case "spoilt":
            base = soften_matte(exact.alpha, random) if random.random() < 0.6 else exact.alpha
            return Matte(damage_matte(base, exact.parts, exact.prongs, random))
        case "parted":
            return Matte(part_matte(soften_matte(exact.alpha, random), exact.alpha, random))
        case "difference":
            return Matte(matte_from_difference(studied.photo, studied.background, _rough(exact.alpha)))
    path, doubted = (cache / kind / f"{studied.truth.name}_{layer}.png" for layer in ("alpha", "doubt"))
    if not path.exists():
        matte = _answer(studied, kind, general)
        path.parent.mkdir(parents=True, exist_ok=True)
        if matte.doubt is not None:
            _save(matte.doubt, doubted)
        _save(np.round(matte.alpha * 255).astype(np.uint8), path)
    return Matte(read_coverage(path), _read_grey(doubted) if doubted.exists() else None)


def _save(layer: Bytes, path: Path) -> None:
    fresh = path.with_suffix(".new")
    Image.fromarray(layer).save(fresh, format="png")
    fresh.replace(path)


def _read_grey(path: Path) -> Bytes:
    with Image.open(path) as picture:
        return np.asarray(picture)


def _answer(studied: Studied, source: str, general: Path) -> Matte:
    match source.split("-")[0]:
        case "general":
            return Matte(run_as_published(_open_general(general), read_display(studied.truth.photo)))
        case "near":
            return Matte(_answer_near(studied, general))
        case "ruled":
            return GeneralMatte(_open_general(general)).solve(studied.photo, studied.background)
    return _load_shipped().solve(studied.photo, studied.background)


def _answer_near(studied: Studied, general: Path) -> Floats:
    """The general model's answer to the piece alone, which it so sees larger."""
    left, top, width, height = cv2.boundingRect((studied.exact.alpha > 0.02).astype(np.uint8))
    window = np.s_[max(0, top - 20) : top + height + 20, max(0, left - 20) : left + width + 20]
    alpha = np.zeros_like(studied.exact.alpha)
    shown = np.ascontiguousarray(read_display(studied.truth.photo)[window])
    alpha[window] = run_as_published(_open_general(general), shown)
    return alpha


def _altered(alpha: Floats, exact: Floats, how: str, random: Random) -> Floats:
    kernel = np.ones((3, 3), np.uint8)
    match how:
        case "cleaned":
            return np.asarray(cv2.morphologyEx(alpha, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)), np.float32)
        case "eroded":
            return np.asarray(0.5 * alpha + 0.5 * cv2.erode(alpha, kernel), np.float32)
        case "parted":
            return part_matte(alpha, exact, random)
    return _mended(alpha, exact, random)


def _mended(alpha: Floats, exact: Floats, random: Random) -> Floats:
    """The exact matte, softened, with up to two of the places where `alpha` is wrong."""
    wrong = cv2.dilate((np.abs(alpha - exact) > _WRONG).astype(np.uint8), np.ones((7, 7), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(wrong, connectivity=8)
    sound = soften_matte(exact, random)
    small = [i for i in range(1, count) if stats[i, cv2.CC_STAT_AREA] < 0.02 * alpha.size]
    if not small:
        return sound
    chosen = random.choice(small, size=min(len(small), int(random.integers(1, 3))), replace=False)
    share = cv2.GaussianBlur(np.isin(labels, chosen).astype(np.float32), (0, 0), 1.0)
    return np.asarray(share * alpha + (1 - share) * sound, np.float32)


def _rough(alpha: Floats) -> Floats:
    small = cv2.resize(alpha, (_MASK_SIDE, _MASK_SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(small, (0, 0), 1.5), np.float32)


@lru_cache(maxsize=1)
def _load_shipped() -> LoadedMatte:
    """The matte that a studio without settings gets."""
    return load_matte(MattingSettings(), 1)


@lru_cache(maxsize=1)
def _hash_shipped() -> str:
    """Changes with the weights, and with the code around them."""
    code = sorted(Path(matting.__file__).parent.glob("*.py"))
    return hash_files(WEIGHTS / "coarse.onnx", WEIGHTS / "fine.onnx", *code, *BELOW)[:8]


@lru_cache(maxsize=1)
def _open_general(path: Path) -> GeneralModel:
    return GeneralModel(path, 1)
