"""Mattes spoilt on purpose, to learn from what a loss looks like."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from studiod.evaluate.measures import CHAIN, PRONG, STONE
from studiod.imaging.types import Bytes, Floats, Mask

Random = np.random.Generator
Prongs = Sequence[Mapping[str, Any]]

_LARGE_PART = 0.08


def damage_matte(true: Floats, parts: Bytes, prongs: Prongs, random: Random) -> Floats:
    """The exact matte with one or two mistakes of the kinds that matting makes."""
    kinds: list[Callable[[Floats, Floats, Bytes, Prongs, Random], Floats]] = [
        _fill_holes, _keep_background, _keep_reflection, _blur, _erode, _shift,
    ]  # fmt: skip
    if (parts == CHAIN).any():
        kinds += [_erase_links] * 4
    if prongs:
        kinds += [_erase_prongs] * 3
    if (parts == STONE).any():
        kinds += [_eat_stone] * 2
    alpha = true
    for _ in range(1 if random.random() < 0.75 else 2):
        alpha = kinds[int(random.integers(len(kinds)))](alpha, true, parts, prongs, random)
    return alpha


def soften_matte(true: Floats, random: Random) -> Floats:
    """The exact matte as a good network would give it: hardly blurred, its ends a little clamped."""
    blurred = cv2.GaussianBlur(true, (0, 0), random.uniform(0.3, 0.6))
    return _clip((blurred - 0.02) / 0.96)


def part_matte(alpha: Floats, true: Floats, random: Random) -> Floats:
    """The matte without a part of the piece: without one of two earrings, or all beyond a straight line."""
    solid = (true > 0.5).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(solid, connectivity=8)
    large = [i for i, row in enumerate(stats) if i and row[cv2.CC_STAT_AREA] > _LARGE_PART * solid.sum()]
    if len(large) > 1 and random.random() < 0.7:
        gone = (labels == random.choice(large)).astype(np.uint8)
        gone = cv2.dilate(gone, np.ones((9, 9), np.uint8))
    else:
        rows, columns = np.nonzero(solid)
        angle = random.uniform(0, 2 * np.pi)
        down, across = np.sin(angle), np.cos(angle)
        limit = np.quantile(down * rows + across * columns, random.uniform(0.1, 0.9))
        y, x = np.mgrid[0 : solid.shape[0], 0 : solid.shape[1]]
        gone = (down * y + across * x > limit).astype(np.uint8)
    share = np.asarray(cv2.GaussianBlur(gone.astype(np.float32), (0, 0), random.uniform(0.5, 2)), np.float32)
    return _clip(alpha * (1 - share))


def _clip(alpha: cv2.typing.MatLike) -> Floats:
    return np.asarray(alpha, np.float32).clip(0, 1)


def _disc(alpha: Floats, x: float, y: float, radius: float, value: float) -> Floats:
    mark = np.zeros(alpha.shape, np.uint8)
    cv2.circle(mark, (round(16 * x), round(16 * y)), round(16 * radius), 255, -1, cv2.LINE_AA, 4)
    share = mark.astype(np.float32) / 255
    return _clip(alpha * (1 - share) + value * share)


def _somewhere(where: Mask, random: Random) -> tuple[int, int]:
    places = np.flatnonzero(where)
    row, column = divmod(int(places[int(random.integers(len(places)))]), where.shape[1])
    return column, row


def _erase_links(alpha: Floats, true: Floats, parts: Bytes, prongs: Prongs, random: Random) -> Floats:
    for _ in range(int(random.integers(1, 4))):
        x, y = _somewhere(parts == CHAIN, random)
        alpha = _disc(alpha, x, y, random.uniform(3, 16), 0.0)
    return alpha


def _erase_prongs(alpha: Floats, true: Floats, parts: Bytes, prongs: Prongs, random: Random) -> Floats:
    """Take whole prongs out, by their own pixels where they stand beside a stone."""
    for _ in range(int(random.integers(1, 4))):
        prong = prongs[int(random.integers(len(prongs)))]
        radius = max(2.0, prong["px"] * random.uniform(0.6, 1.0))
        gone = _disc(np.zeros_like(alpha), prong["x"], prong["y"], radius, 1.0)
        gone *= cv2.GaussianBlur((parts == PRONG).astype(np.float32), (0, 0), 0.6)
        alpha = _clip(alpha * (1 - gone))
    return alpha


def _eat_stone(alpha: Floats, true: Floats, parts: Bytes, prongs: Prongs, random: Random) -> Floats:
    stone = parts == STONE
    x, y = _somewhere(stone, random)
    size = float(np.sqrt(stone.sum()))
    return _disc(alpha, x, y, random.uniform(0.06, 0.3) * size + 2, random.choice([0.0, 0.0, 0.4]))


def _fill_holes(alpha: Floats, true: Floats, parts: Bytes, prongs: Prongs, random: Random) -> Floats:
    count, labels, stats, _ = cv2.connectedComponentsWithStats((true < 0.5).astype(np.uint8), connectivity=4)
    border = set(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]).tolist())
    holes = [i for i in range(1, count) if i not in border and stats[i, cv2.CC_STAT_AREA] >= 20]
    if not holes:
        return alpha
    chosen = holes if random.random() < 0.3 else [holes[int(random.integers(len(holes)))]]
    return _clip(np.where(np.isin(labels, chosen), 1.0, alpha))


def _keep_background(alpha: Floats, true: Floats, parts: Bytes, prongs: Prongs, random: Random) -> Floats:
    radius = random.uniform(4, 40)
    near = cv2.dilate((true > 0.5).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    x, y = _somewhere(near, random)
    kept = _disc(np.zeros_like(alpha), x, y, radius, 1.0)
    return np.maximum(alpha, kept)


def _keep_reflection(alpha: Floats, true: Floats, parts: Bytes, prongs: Prongs, random: Random) -> Floats:
    rows = np.flatnonzero((true > 0.5).any(axis=1))
    last = int(rows[-1])
    below = alpha[max(0, 2 * last - alpha.shape[0] + 2) : last + 1][::-1]
    kept = alpha.copy()
    part = kept[last : last + len(below)]
    np.maximum(part, below[: len(part)] * random.choice([0.5, 1.0]), out=part)
    return kept


def _blur(alpha: Floats, true: Floats, parts: Bytes, prongs: Prongs, random: Random) -> Floats:
    return _clip(cv2.GaussianBlur(alpha, (0, 0), random.uniform(0.6, 2.5)))


def _erode(alpha: Floats, true: Floats, parts: Bytes, prongs: Prongs, random: Random) -> Floats:
    kernel = np.ones((3, 3), np.uint8)
    step = cv2.erode if random.random() < 0.5 else cv2.dilate
    share = random.uniform(0.3, 1.0)
    return _clip(share * step(alpha, kernel) + (1 - share) * alpha)


def _shift(alpha: Floats, true: Floats, parts: Bytes, prongs: Prongs, random: Random) -> Floats:
    move = np.array([[1, 0, random.uniform(-1.5, 1.5)], [0, 1, random.uniform(-1.5, 1.5)]], np.float32)
    return _clip(cv2.warpAffine(alpha, move, alpha.shape[::-1], flags=cv2.INTER_LINEAR))
