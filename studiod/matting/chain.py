"""The matte in two passes of our own networks: the whole picture coarsely, then the piece finely.

The coarse pass looks twice: at the whole picture for where the piece is, then at the piece alone, larger.
The fine pass starts at about 1000 px and doubles its resolution up to the photograph's own, each answer
the next one's context; what one size finds wholly covered, the next one does not look at again. A small
photograph is doubled once more: its links are 1-2 px wide, and wires of two pixels are drawn best.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

from studiod.imaging.shrinking import shrunk_to
from studiod.imaging.types import Bytes, Floats
from studiod.matting.brush import draw_strokes, obey_strokes
from studiod.matting.matte import Matte
from studiod.matting.mirror import empty_mirror_images
from studiod.matting.sessions import hash_files, open_session
from studiod.matting.tiles import (
    CELL,
    MARGIN,
    PRESENT,
    SETTLED,
    Tile,
    active_cells,
    copy_cells,
    cover_cells,
    lay_tiles,
    settled_cells,
)
from studiod.settings import Provider
from studiod.strokes import Stroke

COARSE_SIDE = 384
CLOSER_SIDE = 832
_COARSE_STRIDE = 32
_SIDE_BY_SIDE = 2
_SMALLEST_FINE = 1100
_LARGEST_DOUBLED = 2000
_AROUND = 0.1  # of the piece's long side, left free round it when it is looked at alone
_BAND = 256  # rows that are worked on at a time
_VANISHING = 8  # one pixel of the first look stands for more than so many: a wire of two is a quarter
_BELIEVED = 0.2  # of the calibration part's true pieces none has less than 0.35
_NOTHING, _WHOLE = 0.05, 0.50  # chosen on the calibration part: fewer broken links, edges hardly wider


class ChainMatting:
    """Our two networks behind one method; sessions are built once and used for every picture.

    Tiles are solved two at a time, which keeps `threads` cores busier than sharing one.
    `name` and `sha256` (of the coarse and the fine file, in this order) say which weights answer.
    """

    def __init__(self, coarse: Path, fine: Path, threads: int, provider: Provider) -> None:
        self.name = "chain"
        self.sha256 = hash_files(coarse, fine)
        self._coarse = open_session(coarse, threads, provider)
        threads = threads or os.cpu_count() or 1
        self._hands = min(threads, _SIDE_BY_SIDE)
        self._fine = open_session(fine, threads // self._hands, provider)

    def solve(
        self, photo: Floats, background: Floats, strokes: Sequence[Stroke] = (), shift: int = 0
    ) -> Matte:
        """The matte and the doubt about it; `photo` and `background` are H x W x 3 linear float32.

        `shift` moves the grid of tiles by so many pixels (multiples of 16): nothing of it shows.
        """
        keep, remove = draw_strokes(photo.shape[:2], strokes)
        scenes = _pyramid(_Scene(photo, background, keep, remove))
        known = _look_closer(self._coarse, scenes, self._look(photo, scenes[0]))
        believed = known
        for scene in scenes:
            answer = self._refine(scene, known, shift)
            # a fine wire shows at larger sizes alone: until then the coarse answer goes on, unsettled
            known = answer if answer.max() > PRESENT else np.minimum(known, SETTLED)
        said = shrunk_to(answer, photo.shape[1::-1])
        alpha = _stretched(said)
        _drop_unbelieved(alpha, np.maximum(believed, scenes[0].keep))
        doubt = _doubt(said, alpha)
        empty_mirror_images(alpha, doubt, photo, background, keep)
        obey_strokes(alpha, photo, background, strokes)
        for drawn in (keep, remove):
            doubt[drawn > 0] = 0
        return Matte(alpha, doubt)

    def _look(self, photo: Floats, scene: _Scene) -> Floats:
        """Where the piece is; looked for larger where nothing was found and a chain may have vanished."""
        known = _whole(self._coarse, scene)
        if known.max() <= PRESENT and max(photo.shape) > _VANISHING * COARSE_SIDE:
            known = _whole(self._coarse, scene, CLOSER_SIDE)
        return known

    def _refine(self, scene: _Scene, known: Floats, shift: int) -> Floats:
        """Coverage at the scene's own resolution by the fine pass, informed by coverage `known` at any."""
        alpha = np.zeros(scene.photo.shape[:2], np.float32)
        active = active_cells(scene.photo, known, scene.keep)
        settled = active & settled_cells(known, scene.photo.shape[:2], (scene.keep, scene.remove))
        active &= ~settled
        tiles = lay_tiles(active, shift)
        with ThreadPoolExecutor(self._hands) as pool:
            answers = pool.map(partial(self._solve_tile, scene=scene, known=known), tiles)
            for (top, left, bottom, right), answer in zip(tiles, answers, strict=True):
                cells = np.s_[top // CELL : bottom // CELL, left // CELL : right // CELL]
                copy_cells(answer, active[cells], alpha[top:bottom, left:right])
        cover_cells(settled, alpha)
        return alpha

    def _solve_tile(self, tile: Tile, scene: _Scene, known: Floats) -> Floats:
        """Coverage of a tile (top, left, bottom, right in pixels), also where it reaches beyond the frame."""
        top, left, bottom, right = tile
        window = (top - MARGIN, left - MARGIN, bottom + MARGIN, right + MARGIN)
        layers = (scene.photo, scene.background, scene.keep, scene.remove)
        picture = network_input(*(_window(layer, window) for layer in layers))
        context = _context(known, window, scene.photo.shape[:2])
        answer = self._fine.run(None, {"picture": picture[None], "context": context[None, None]})[0][0, 0]
        return np.asarray(answer[MARGIN:-MARGIN, MARGIN:-MARGIN], np.float32)


@dataclass(frozen=True)
class _Scene:
    """What the networks look at, at one size: H x W x 3 and H x W float32."""

    photo: Floats
    background: Floats
    keep: Floats
    remove: Floats


def coarse_coverage(coarse: onnxruntime.InferenceSession, photo: Floats, background: Floats) -> Floats:
    """The coarse network's answer alone: coverage 0..1, at most 1100 px on the long side."""
    scenes = _pyramid(_Scene(photo, background, *draw_strokes(photo.shape[:2], ())))
    return _look_closer(coarse, scenes, _whole(coarse, scenes[0]))


def _look_closer(coarse: onnxruntime.InferenceSession, scenes: Sequence[_Scene], known: Floats) -> Floats:
    """The coarse answer `known` at the size of the first of `scenes`, asked again for the piece alone."""
    found = np.asarray(known > PRESENT, np.uint8)
    height, width = scenes[0].photo.shape[:2]
    seen = np.asarray(cv2.resize(known, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    if not found.any():
        return seen
    left, top, across, down = cv2.boundingRect(found)
    margin = _AROUND * max(across, down)
    scale = np.array([height / known.shape[0], width / known.shape[1]] * 2)
    edges = np.array([top - margin, left - margin, top + down + margin, left + across + margin]) * scale
    first = np.floor(np.maximum(edges[:2], 0)).astype(int)
    last = np.ceil(np.minimum(edges[2:], [height, width])).astype(int)
    for scene in scenes:
        ratio = np.array(scene.photo.shape[:2]) / (height, width)
        part = (*np.floor(first * ratio).astype(int).tolist(), *np.ceil(last * ratio).astype(int).tolist())
        if max(part[2] - part[0], part[3] - part[1]) >= CLOSER_SIDE:
            break
    answer = _whole(coarse, _Scene(*(_window(layer, part) for layer in vars(scene).values())), CLOSER_SIDE)
    place = seen[first[0] : last[0], first[1] : last[1]]
    place[...] = cv2.resize(answer, place.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return seen


def _whole(coarse: onnxruntime.InferenceSession, scene: _Scene, side: int = COARSE_SIDE) -> Floats:
    """The coarse network's answer to all of a scene, at most about `side` px long."""
    height, width = scene.photo.shape[:2]
    scale = min(1.0, side / max(height, width))
    rows, columns = (max(1, round(length * scale / _COARSE_STRIDE)) for length in (height, width))
    small = _resized(scene, (_COARSE_STRIDE * rows, _COARSE_STRIDE * columns))
    picture = network_input(small.photo, small.background, small.keep, small.remove)
    answer = coarse.run(None, {"picture": picture[None]})[0]
    return np.ascontiguousarray(answer[0, 0], np.float32)


def _pyramid(scene: _Scene) -> list[_Scene]:
    """The scene at the fine pass's sizes, each twice the one before: the first of at most 1100 px.

    The last is native; of a photograph of at most 2000 px it is twice the native one.
    """
    height, width = scene.photo.shape[:2]
    scenes = [scene]
    while max(height, width) > _SMALLEST_FINE:
        height, width = -(-height // 2), -(-width // 2)
        scenes.insert(0, _resized(scenes[0], (height, width)))
    height, width = scene.photo.shape[:2]
    if max(height, width) <= _LARGEST_DOUBLED:
        scenes.append(_resized(scene, (2 * height, 2 * width)))
    return scenes


def _resized(scene: _Scene, size: tuple[int, int]) -> _Scene:
    """The scene at `size` (height, width), strokes never thinned away."""
    if scene.photo.shape[:2] == size:
        return scene
    mode = cv2.INTER_AREA if size[0] <= scene.photo.shape[0] else cv2.INTER_CUBIC

    def resized(layer: Floats) -> Floats:
        return np.asarray(cv2.resize(layer, size[::-1], interpolation=mode), np.float32)

    def marked(layer: Floats) -> Floats:
        if not layer.any():
            return np.broadcast_to(np.float32(0), size)
        return np.asarray(resized(layer) > 0.05, np.float32)

    return _Scene(resized(scene.photo), resized(scene.background), marked(scene.keep), marked(scene.remove))


def network_input(photo: Floats, background: Floats, keep: Floats, remove: Floats) -> Floats:
    """The networks' input, 8 x H x W, from linear photograph and background, and strokes of 0 and 1.

    Photograph in square-root light (0..1), log2 ratio of photograph to background (clipped to -2..2),
    keep and remove.
    """
    stacked = np.empty((8, *photo.shape[:2]), np.float32)
    planes = zip(stacked[0:3], stacked[3:6], cv2.split(photo), cv2.split(background), strict=True)
    for light, ratio, seen, behind in planes:
        np.sqrt(np.clip(seen, 0.0, 1.0, out=light), out=light)
        np.divide(np.maximum(seen, 0.0) + 0.01, np.maximum(behind, 0.0) + 0.01, out=ratio)
        np.clip(np.log2(ratio, out=ratio), -2.0, 2.0, out=ratio)
    stacked[6], stacked[7] = keep, remove
    return stacked


def _window(layer: Floats, window: Tile) -> Floats:
    """The part of `layer` within (top, left, bottom, right), its edge pixels repeated beyond the frame."""
    height, width = layer.shape[:2]
    top, left, bottom, right = window
    inner = layer[max(0, top) : min(bottom, height), max(0, left) : min(right, width)]
    around = (max(0, -top), max(0, bottom - height), max(0, -left), max(0, right - width))
    if any(around):
        inner = np.asarray(cv2.copyMakeBorder(inner, *around, cv2.BORDER_REPLICATE), np.float32)
    return inner


def _context(coarse: Floats, window: Tile, frame: tuple[int, int]) -> Floats:
    """The coarse coverage within a window of the frame, one value for 4 x 4 pixels."""
    top, left, bottom, right = window
    rows = (np.arange(top + 2, bottom, 4, dtype=np.float32) / frame[0]) * coarse.shape[0] - 0.5
    columns = (np.arange(left + 2, right, 4, dtype=np.float32) / frame[1]) * coarse.shape[1] - 0.5
    grid_x, grid_y = np.meshgrid(columns, rows)
    sampled = cv2.remap(coarse, grid_x, grid_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(sampled, np.float32)


def _stretched(said: Floats) -> Floats:
    """Coverage with its ends drawn out to exactly 0 and 1."""
    alpha = said - np.float32(_NOTHING)
    alpha /= _WHOLE - _NOTHING
    return np.asarray(np.clip(alpha, 0.0, 1.0, out=alpha), np.float32)


def _doubt(said: Floats, alpha: Floats) -> Bytes:
    """How far, in 1/255, the answer `said` lies from `alpha`; 0 where something was dropped altogether."""
    doubt = np.empty(alpha.shape, np.uint8)
    for row in range(0, len(alpha), _BAND):
        rows = np.s_[row : row + _BAND]
        apart = np.abs(said[rows] - alpha[rows])
        apart[(alpha[rows] == 0) & (said[rows] > _NOTHING)] = 0
        np.rint(255 * apart, out=apart)
        doubt[rows] = apart
    return doubt


def _drop_unbelieved(alpha: Floats, believed: Floats) -> None:
    """Empty what stands apart and the coarse pass did not believe: glare, veins of marble, props (in place).

    Size does not count, so that no link or prong goes for being small; what touches the piece stays.
    """
    height, width = believed.shape
    small = cv2.resize(alpha, (width, height), interpolation=cv2.INTER_AREA)
    joined = cv2.dilate(np.asarray(small > 0.005, np.uint8), np.ones((9, 9), np.uint8))
    count, labels = cv2.connectedComponents(joined)
    covered = np.bincount(labels.ravel(), small.ravel(), count)
    weighed = np.bincount(labels.ravel(), (small * believed).ravel(), count)
    dropped = weighed < _BELIEVED * covered
    dropped[0] = False
    if dropped.any():
        apart = dropped[labels].view(np.uint8)
        alpha[cv2.resize(apart, alpha.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0] = 0.0
