"""Wrong mattes on purpose: what networks, clean-up tools and accidents make of a true one."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from studiod.matting.training.marks import CHAIN, HOLE, MATTES, PRONG
from studiod.matting.training.samples import Scene

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
Random = np.random.Generator

_EXACT = 0.3


def draw_matte(scene: Scene, random: Random) -> Floats:
    """A matte S x S, 0..1, for the crop: three in ten are the true one, the others wrong somehow."""
    if random.random() < _EXACT:
        return scene.alpha
    alpha = _base(scene, random)
    for _ in range(int(random.choice((0, 1, 2, 4), p=(0.25, 0.4, 0.2, 0.15)))):
        spoil = _LOCAL[int(random.integers(len(_LOCAL)))]
        alpha = np.asarray(np.clip(spoil(alpha, scene, random), 0, 1), np.float32)
    if random.random() < 0.3:
        alpha = _changed_all_over(alpha, random)
    return np.asarray(np.round(np.clip(alpha, 0, 1) * 255) / 255, np.float32)


def _base(scene: Scene, random: Random) -> Floats:
    """The true matte, a softened one, or a network's with its mistakes lessened or enlarged."""
    chance = random.random()
    if chance < 0.4:
        return scene.alpha
    if chance < 0.65 or scene.further is None or scene.further.shape[2] <= MATTES:
        soft = _blurred(scene.alpha, random.uniform(0.25, 0.7))
        low = random.uniform(0, 0.05)
        return np.clip((soft - low) / (1 - 2 * low), 0, 1)
    answer = scene.further[..., int(random.integers(MATTES, scene.further.shape[2]))]
    wrong = (answer - scene.alpha) * np.float32(np.exp(random.uniform(-0.7, 0.9)))
    if random.random() < 0.6:
        wrong = wrong * _region(scene.alpha.shape[0], random)
    return np.clip(scene.alpha + wrong, 0, 1)


def _blurred(values: Floats, reach: float) -> Floats:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), reach), np.float32)


def _region(size: int, random: Random) -> Floats:
    """A soft-edged random part of the crop, 0..1."""
    grid = int(random.integers(2, 8))
    field = cv2.resize(
        random.standard_normal((grid, grid)).astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC
    )
    steep = np.exp(random.uniform(0, 3))
    return np.asarray(
        1 / (1 + np.exp(-(steep * (field - random.uniform(-0.8, 1))).clip(-30, 30))), np.float32
    )


def _somewhere(where: Mask, random: Random) -> tuple[int, int] | None:
    """A row and a column of the mask, if there is one."""
    places = np.flatnonzero(where)
    if not len(places):
        return None
    row, column = divmod(int(places[int(random.integers(len(places)))]), where.shape[1])
    return row, column


def _blob(size: int, place: tuple[int, int], radius: float, random: Random) -> Floats:
    """An irregular spot round a place (row, column), 0..1."""
    mark = np.zeros((size, size), np.float32)
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    waves = sum(
        random.normal(0, 0.25 / order) * np.cos(order * angles + random.uniform(0, 6)) for order in (1, 2, 3)
    )
    reach = radius * np.exp(waves)
    stretch = np.exp(random.normal(0, 0.3))
    points = np.stack(
        [place[1] + reach * np.cos(angles) * stretch, place[0] + reach * np.sin(angles)], axis=1
    )
    cv2.fillPoly(mark, [np.round(16 * points).astype(np.int32)], (1.0,), cv2.LINE_8, 4)
    return _blurred(mark, random.uniform(0.3, 1.2)) if random.random() < 0.7 else mark


def _size(low: float, high: float, random: Random) -> float:
    return float(np.exp(random.uniform(np.log(low), np.log(high))))


def _mark(scene: Scene, which: int) -> Mask:
    if scene.further is None:
        return np.zeros(scene.alpha.shape, np.bool_)
    return np.asarray(scene.further[..., which] > 0.5)


def _strength(random: Random) -> float:
    return 1.0 if random.random() < 0.65 else random.uniform(0.3, 1.0)


def _erase_thin(alpha: Floats, scene: Scene, random: Random) -> Floats:
    """A few links, a wire's piece, any thin part."""
    chain = _mark(scene, CHAIN)
    wanted = chain if random.random() < 0.6 and chain.any() else scene.emphasis > 0.5
    for _ in range(int(random.choice((1, 2, 4), p=(0.6, 0.25, 0.15)))):
        place = _somewhere(wanted & (scene.alpha > 0.4), random)
        if place is None:
            return alpha
        gone = _blob(len(alpha), place, _size(1.5, 16, random), random)
        alpha = alpha * (1 - _strength(random) * gone)
    return alpha


def _erase_prongs(alpha: Floats, scene: Scene, random: Random) -> Floats:
    """A prong by its own pixels, or a spot over it."""
    prongs = _mark(scene, PRONG)
    for _ in range(int(random.integers(1, 3))):
        place = _somewhere(prongs, random)
        if place is None:
            return _erase_thin(alpha, scene, random)
        spot = _blob(len(alpha), place, _size(3, 14, random), random)
        if random.random() < 0.7:
            spot = spot * _blurred(prongs.astype(np.float32), random.uniform(0.3, 0.8))
        alpha = alpha * (1 - _strength(random) * np.clip(spot, 0, 1))
    return alpha


def _eat(alpha: Floats, scene: Scene, random: Random) -> Floats:
    """A spot of the piece's inside, wholly or half."""
    place = _somewhere(scene.alpha > 0.9, random)
    if place is None:
        return alpha
    return alpha * (1 - _strength(random) * _blob(len(alpha), place, _size(2.5, 45, random), random))


def _fill_hole(alpha: Floats, scene: Scene, random: Random) -> Floats:
    """One hole, or all small gaps in a part of the crop."""
    size = len(alpha)
    if random.random() < 0.3:
        reach = 2 * int(random.integers(1, 8)) + 1
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
        closed = np.asarray(cv2.morphologyEx(alpha, cv2.MORPH_CLOSE, disc), np.float32)
        return alpha + _region(size, random) * (closed - alpha)
    place = _somewhere(_mark(scene, HOLE) & (alpha < 0.3), random)
    if place is None:
        return alpha
    _, labels = cv2.connectedComponents((alpha < 0.5).astype(np.uint8), connectivity=4)
    hole = labels == labels[place]
    if hole.mean() > 0.3:
        return np.maximum(alpha, _strength(random) * _blob(size, place, _size(3, 30, random), random) * hole)
    filled = _strength(random) * _blurred(hole.astype(np.float32), random.uniform(0.3, 1.5))
    if random.random() < 0.3:
        filled = filled * _region(size, random)
    return np.maximum(alpha, filled)


def _keep_blob(alpha: Floats, scene: Scene, random: Random) -> Floats:
    """Background beside the piece."""
    solid = (scene.alpha > 0.5).astype(np.uint8)
    reach = 2 * int(random.integers(2, 12)) + 1
    near = np.asarray(cv2.dilate(solid, np.ones((reach, reach), np.uint8))) > solid
    place = _somewhere(near if random.random() < 0.8 else scene.alpha < 0.1, random)
    if place is None:
        return alpha
    kept = _strength(random) * _blob(len(alpha), place, _size(2, 45, random), random)
    return np.maximum(alpha, kept)


def _keyed(scene: Scene, random: Random) -> Floats:
    """What a key by the difference to the background takes for piece: shadows too, and pale metal not."""
    ratio = np.log2((np.maximum(scene.photo, 0) + 0.01) / (np.maximum(scene.background, 0) + 0.01))
    unlike = np.abs(ratio).max(axis=2)
    low = _size(0.05, 0.8, random)
    key = np.clip((unlike - low) / (low * random.uniform(0.2, 1.5)), 0, 1).astype(np.float32)
    return _blurred(key, random.uniform(0.5, 1.5)) if random.random() < 0.5 else key


def _keep_keyed(alpha: Floats, scene: Scene, random: Random) -> Floats:
    return np.maximum(alpha, _keyed(scene, random) * _region(len(alpha), random))


def _eat_keyed(alpha: Floats, scene: Scene, random: Random) -> Floats:
    part = _region(len(alpha), random)
    return alpha * (1 - part) + np.minimum(alpha, _keyed(scene, random)) * part


def _keep_mirrored(alpha: Floats, scene: Scene, random: Random) -> Floats:
    """The piece's mirror image below some line."""
    size = len(alpha)
    source = 2 * int(random.integers(size // 4, size)) - np.arange(size)
    valid = ((source >= 0) & (source < size)).astype(np.float32)[:, None]
    image = scene.alpha[source.clip(0, size - 1)] * valid
    return np.maximum(alpha, random.uniform(0.2, 1) * _region(size, random) * image)


def _change_a_part(alpha: Floats, scene: Scene, random: Random) -> Floats:
    part = _region(len(alpha), random)
    return alpha + part * (_changed_all_over(alpha, random) - alpha)


def _changed_all_over(alpha: Floats, random: Random) -> Floats:
    """Blurred, shifted, eroded, widened, cleaned, cut at a threshold, or made small and large again."""
    size = len(alpha)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    match int(random.integers(7)):
        case 0:
            changed: cv2.typing.MatLike = _blurred(alpha, _size(0.3, 2.2, random))
        case 1:
            x, y = random.uniform(-1.7, 1.7, 2)
            motion = np.array([[1, 0, x], [0, 1, y]], np.float32)
            changed = cv2.warpAffine(alpha, motion, (size, size), borderMode=cv2.BORDER_REPLICATE)
        case 2:
            step = cv2.erode if random.random() < 0.6 else cv2.dilate
            share = np.float32(random.uniform(0.2, 1.0))
            changed = alpha + share * (np.asarray(step(alpha, kernel), np.float32) - alpha)
        case 3:
            reach = 2 * int(random.integers(1, 5)) + 1
            how = cv2.MORPH_OPEN if random.random() < 0.6 else cv2.MORPH_CLOSE
            disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
            changed = cv2.morphologyEx(alpha, how, disc)
        case 4:
            changed = (alpha > random.uniform(0.15, 0.85)).astype(np.float32)
        case 5:
            low, high = random.uniform(0, 0.4), random.uniform(0.6, 1.0)
            changed = np.clip((alpha - low) / (high - low), 0, 1)
        case _:
            small = max(8, round(size / _size(1.3, 5, random)))
            shrunk = cv2.resize(alpha, (small, small), interpolation=cv2.INTER_AREA)
            changed = cv2.resize(shrunk, (size, size), interpolation=cv2.INTER_LINEAR)
    return np.asarray(changed, np.float32)


_LOCAL: tuple[Callable[[Floats, Scene, Random], Floats], ...] = (
    _erase_thin, _erase_thin, _erase_thin, _erase_prongs, _erase_prongs, _eat, _eat, _fill_hole, _fill_hole,
    _fill_hole, _keep_blob, _keep_blob, _keep_keyed, _keep_keyed, _eat_keyed, _eat_keyed, _keep_mirrored,
    _change_a_part,
)  # fmt: skip
