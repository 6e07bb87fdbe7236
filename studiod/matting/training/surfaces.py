"""Made-up tables to lay a piece on: stone, wood, print, pebbles, cloth, with other things standing about."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from studiod.imaging.types import Floats, Values

Random = np.random.Generator

_LETTERS = list("abcdefghijklmnopqrstuvwxyz ,.ABCDEGHKMNRSTW0123456789  ")


def draw_surface(size: int, random: Random) -> Floats:
    """A textured, unevenly lit background without any piece: linear float32 0..1, S x S x 3."""
    drawers = (_draw_stone, _draw_wood, _draw_print, _draw_pebbles, _draw_cloth)
    scene = drawers[int(random.integers(len(drawers)))](size, random)
    for _ in range(int(random.choice((0, 1, 2, 4), p=(0.4, 0.25, 0.2, 0.15)))):
        scene = _with_thing(scene, random)
    shade = np.exp(random.uniform(0, 0.5) * _clouds(size, 2, 1, random))
    if random.random() < 0.3:
        scene = np.asarray(cv2.GaussianBlur(scene, (0, 0), random.uniform(0.5, 4)), np.float32)
    return np.asarray(np.clip(scene * shade[..., None], 0, 1), np.float32)


def _colour(random: Random) -> Floats:
    """A linear colour, mostly pale or mid and little saturated."""
    level = random.uniform(0.02, 0.9) if random.random() < 0.7 else random.uniform(0.6, 1.0)
    colour: Floats = (level * np.exp(random.normal(0, random.choice((0.05, 0.3)), 3))).astype(np.float32)
    return np.minimum(colour, 1)


def _clouds(size: int, knots: float, octaves: int, random: Random, stretch: float = 1.0) -> Floats:
    """Noise of several octaves, zero mean and unit deviation, S x S; turned at random."""
    total = np.zeros((size, size), np.float32)
    fade = random.uniform(0.45, 0.85)
    for octave in range(octaves):
        across = min(size, max(2, round(knots * 2**octave)))
        down = min(size, max(2, round(knots * 2**octave / stretch)))
        values = random.standard_normal((down, across), np.float32)
        grown = cv2.resize(values, (size, size), interpolation=cv2.INTER_CUBIC)
        total += np.float32(fade**octave) * grown
    if stretch != 1.0:
        turn = cv2.getRotationMatrix2D((size / 2, size / 2), random.uniform(0, 180), 1.45)
        total = np.asarray(
            cv2.warpAffine(total, turn, (size, size), borderMode=cv2.BORDER_REFLECT), np.float32
        )
    centred = total - total.mean()
    return np.asarray(centred / (total.std() + 1e-6), np.float32)


def _blended(first: Floats, second: Floats, share: NDArray[Any]) -> Floats:
    return np.asarray(first + (second - first) * share[..., None], np.float32)


def _draw_stone(size: int, random: Random) -> Floats:
    """Concrete, slate or marble: clouds of two colours, with veins in some."""
    clouds = _clouds(size, random.uniform(2, 12), int(random.integers(3, 7)), random)
    steep = random.uniform(0.5, 4)
    scene = _blended(_colour(random), _colour(random), 1 / (1 + np.exp(-steep * clouds)))
    if random.random() < 0.5:
        vein = np.exp(-np.abs(_clouds(size, random.uniform(2, 5), 4, random)) / random.uniform(0.02, 0.1))
        scene = _blended(scene, _colour(random), random.uniform(0.3, 1) * vein)
    return scene


def _draw_wood(size: int, random: Random) -> Floats:
    """Long grain in two colours, sometimes with a joint between boards."""
    grain = _clouds(size, random.uniform(12, 60), 4, random, stretch=random.uniform(8, 30))
    scene = _blended(_colour(random), _colour(random), 1 / (1 + np.exp(-random.uniform(0.5, 2) * grain)))
    if random.random() < 0.4:
        x, y = random.uniform(0, size, 2)
        dx, dy = random.uniform(-2, 2, 2) * size
        joint = np.zeros((size, size), np.float32)
        width = int(random.integers(1, 5))
        cv2.line(joint, (round(x - dx), round(y - dy)), (round(x + dx), round(y + dy)), 1.0, width)
        scene = _blended(scene, 0.1 * scene, cv2.GaussianBlur(joint, (0, 0), 0.8))
    return scene


def _draw_print(size: int, random: Random) -> Floats:
    """A printed page, seen at a slant."""
    page = np.zeros((size, size), np.uint8)
    height = random.uniform(0.25, 1.2) * size / 512
    font = int(random.choice((cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_TRIPLEX)))
    row, step = 0.0, 40 * height * random.uniform(0.8, 1.6)
    while row < size + step:
        text = "".join(random.choice(_LETTERS, int(random.integers(20, 90))))
        start = (int(random.integers(-20, 20)), round(row))
        cv2.putText(page, text, start, font, height, 255, max(1, round(2 * height)), cv2.LINE_AA)
        row += step
    corners = np.array([[0, 0], [size, 0], [size, size], [0, size]], np.float32)
    moved = corners + random.normal(0, 0.12, corners.shape).astype(np.float32) * size
    turn = cv2.getRotationMatrix2D((size / 2, size / 2), random.uniform(0, 360), 1.3)
    slant = cv2.getPerspectiveTransform(corners, moved)
    ink = cv2.warpPerspective(page, np.vstack([turn, [0, 0, 1]]) @ slant, (size, size))
    paper = np.maximum(_colour(random), 0.2)
    share = np.asarray(ink * np.float32(random.uniform(0.5, 1) / 255), np.float32)
    return _blended(np.broadcast_to(paper, (size, size, 3)), 0.1 * _colour(random), share)


def _draw_pebbles(size: int, random: Random) -> Floats:
    """Pebbles, gravel or broken crystal: cells, each of its own colour and slope, with dark gaps."""
    count = int(np.exp(random.uniform(np.log(12), np.log(400))))
    seeds = np.full((size, size), 255, np.uint8)
    seeds[random.integers(0, size, count), random.integers(0, size, count)] = 0
    _, cells = cv2.distanceTransformWithLabels(seeds, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    most = int(cells.max()) + 1
    base, spread = _colour(random), random.uniform(0.1, 0.8)
    colours = (base * np.exp(random.normal(0, spread, (most, 1)))).astype(np.float32)
    slopes = (random.normal(0, random.uniform(0, 2), (most, 2)) / size).astype(np.float32)
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    wave = 30 * np.sin(slopes[cells, 0] * x * 8 + slopes[cells, 1] * y * 8) / 60
    scene = colours[cells] * np.exp(wave)[..., None]
    grown = cv2.morphologyEx(cells.astype(np.float32), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    gaps = cv2.GaussianBlur((grown > 0).astype(np.float32), (0, 0), random.uniform(0.6, 4))
    return _blended(scene, 0.05 * scene, np.minimum(gaps * random.uniform(0, 2.5), 1))


def _draw_cloth(size: int, random: Random) -> Floats:
    """Linen, felt or velvet: crossing threads and folds."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    angle, period = random.uniform(0, np.pi), random.uniform(2.5, 14)
    across = np.cos(angle) * x + np.sin(angle) * y
    along = np.cos(angle) * y - np.sin(angle) * x
    jitter = random.uniform(0, 1.5) * _clouds(size, 20, 3, random)
    threads = np.sin(2 * np.pi * across / period + jitter) * np.sin(2 * np.pi * along / period + jitter)
    folds = random.uniform(0, 0.6) * _clouds(size, random.uniform(2, 5), 2, random, stretch=2.5)
    cloth = np.exp(random.uniform(0.02, 0.4) * threads + folds)
    return np.asarray(_colour(random) * cloth[..., None], np.float32)


def _with_thing(scene: Floats, random: Random) -> Floats:
    """The scene with a box, card, stone, rod or leaf on it, shaded, with its shadow."""
    size = scene.shape[0]
    shape = np.zeros((size, size), np.uint8)
    outline, closed = _outline(size, random)
    points = outline.astype(np.int32).reshape(-1, 1, 2)
    if closed:
        cv2.fillPoly(shape, [points], 255)
    else:
        cv2.polylines(shape, [points], False, 255, int(random.integers(2, max(3, size // 24))))
    cover = cv2.GaussianBlur(shape, (0, 0), random.uniform(0.4, 3)).astype(np.float32) / 255
    drop = (int(random.integers(-15, 16)), int(random.integers(0, 25)))
    shadow = cv2.GaussianBlur(np.roll(cover, drop, (1, 0)), (0, 0), random.uniform(2, 15))
    dim = 1 - random.uniform(0.1, 0.8) * np.asarray(shadow, np.float32)
    relief = np.exp(random.uniform(0.1, 0.8) * _clouds(size, random.uniform(2, 10), 3, random))
    thing = _colour(random) * relief[..., None]
    return _blended(scene * dim[..., None], np.asarray(thing, np.float32), cover)


def _outline(size: int, random: Random) -> tuple[Values, bool]:
    """Points of an ellipse, a polygon, a slanted box (closed) or a crooked rod (open), in pixels."""
    centre, reach = random.uniform(-0.1, 1.1, 2) * size, random.uniform(0.05, 0.5) * size
    kind = random.integers(4)
    if kind == 0:
        path = np.cumsum(random.normal(0, reach / 3, (8, 2)) + random.normal(0, reach / 4, 2), axis=0)
        return centre + path, False
    if kind == 1:
        angles = np.linspace(0, 2 * np.pi, 48)
    elif kind == 2:
        angles = np.sort(random.uniform(0, 2 * np.pi, int(random.integers(4, 9))))
    else:
        angles = np.array([0.25, 0.75, 1.25, 1.75]) * np.pi
    tilt = random.uniform(0, np.pi)
    turn = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
    flat = np.column_stack([np.cos(angles), random.uniform(0.15, 1) * np.sin(angles)])
    return centre + reach * flat @ turn, True
