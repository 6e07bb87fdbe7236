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
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from studiod.imaging.background import estimate_background
from studiod.matting.matte import Matte
from studiod.matting.mirror import empty_mirror_images
from studiod.matting.sessions import Provider, hash_files, open_session
from studiod.strokes import Stroke

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
Cells = NDArray[np.int64]
Box = tuple[int, int, int, int]

COARSE_SIDE = 384
CLOSER_SIDE = 832
COARSE_STRIDE = 32
FINE_STRIDE = 16
MARGIN = 96
"""Pixels around a tile that only inform it: the network looks no farther, so that no tile shows."""
LARGEST_TILE = 1024
_BLOCK = 8  # cells along the side of what tiles are put together from
_SIDE_BY_SIDE = 2
_SMALLEST_FINE = 1100
_LARGEST_DOUBLED = 2000
_BAND = 16 * FINE_STRIDE
_AROUND = 0.1  # of the piece's long side, left free round it when it is looked at alone
_PRESENT = 0.12  # empty sets answer at most 0.06, pieces 0.5 and more
_VANISHING = 8  # one pixel of the first look stands for more than so many: a wire of two is a quarter
_BELIEVED = 0.2  # of the calibration part's true pieces none has less than 0.35
_LONG_LINE = 0.15  # of the long side
_SETTLED = 0.9  # at half the size, over 3 x 3 cells; it changes no figure of the calibration part
_NOTHING, _WHOLE = 0.05, 0.50  # chosen on the calibration part: fewer broken links, edges hardly wider


class ChainMatting:
    """Our two networks behind one method; sessions are built once and used for every picture.

    Tiles are solved two at a time, which keeps `threads` cores busier than sharing one.
    `name` and `sha256` (of the coarse and the fine file, in this order) say which weights answer.
    """

    def __init__(self, coarse: Path, fine: Path, threads: int = 0, provider: Provider = "cpu") -> None:
        self.name = "chain"
        self.sha256 = hash_files(coarse, fine)
        self._coarse = open_session(coarse, threads, provider)
        threads = threads or os.cpu_count() or 1
        self._hands = min(threads, _SIDE_BY_SIDE)
        self._fine = open_session(fine, threads // self._hands, provider)

    def solve(
        self, photo: Floats, background: Floats | None = None, strokes: Sequence[Stroke] = (), shift: int = 0
    ) -> Matte:
        """The matte and the doubt about it; `background` H x W x 3 linear float32, estimated where None.

        `shift` moves the grid of tiles by so many pixels (multiples of 16)."""
        if background is None:
            background = estimate_background(photo)
        keep, remove = _drawn(photo.shape[:2], strokes)
        scenes = _pyramid(_Scene(photo, background, keep, remove))
        known = _look_closer(self._coarse, scenes, self._look(photo, scenes[0]))
        believed = known
        for scene in scenes:
            answer = self._refine(scene, known, shift)
            # a fine wire shows at larger sizes alone: until then the coarse answer goes on, unsettled
            known = answer if answer.max() > _PRESENT else np.minimum(known, _SETTLED)
        said = _shrunk(answer, photo.shape[:2])
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
        if known.max() <= _PRESENT and max(photo.shape) > _VANISHING * COARSE_SIDE:
            known = _whole(self._coarse, scene, CLOSER_SIDE)
        return known

    def _refine(self, scene: _Scene, known: Floats, shift: int) -> Floats:
        """Coverage at the scene's own resolution by the fine pass, informed by coverage `known` at any."""
        alpha = np.zeros(scene.photo.shape[:2], np.float32)
        active = _active_cells(scene.photo, known, scene.keep)
        settled = active & _settled_cells(scene, known)
        active &= ~settled
        tiles = _tiles(active, shift)
        with ThreadPoolExecutor(self._hands) as pool:
            answers = pool.map(partial(self._solve_tile, scene=scene, known=known), tiles)
            for (top, left, bottom, right), answer in zip(tiles, answers, strict=True):
                cells = np.s_[
                    top // FINE_STRIDE : bottom // FINE_STRIDE, left // FINE_STRIDE : right // FINE_STRIDE
                ]
                _copy_cells(answer, active[cells], alpha[top:bottom, left:right])
        _cover_cells(settled, alpha)
        return alpha

    def _solve_tile(self, tile: Box, scene: _Scene, known: Floats) -> Floats:
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
    scenes = _pyramid(_Scene(photo, background, *_drawn(photo.shape[:2], ())))
    return _look_closer(coarse, scenes, _whole(coarse, scenes[0]))


def _look_closer(coarse: onnxruntime.InferenceSession, scenes: Sequence[_Scene], known: Floats) -> Floats:
    """The coarse answer `known` at the size of the first of `scenes`, asked again for the piece alone."""
    found = np.asarray(known > _PRESENT, np.uint8)
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
    height, width = scene.photo.shape[:2]
    scale = min(1.0, side / max(height, width))
    small = _resized(
        scene, (_round_to(height * scale, COARSE_STRIDE), _round_to(width * scale, COARSE_STRIDE))
    )
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


def _round_to(value: float, step: int) -> int:
    return max(step, round(value / step) * step)


def _window(layer: Floats, window: Box) -> Floats:
    """The part of `layer` within (top, left, bottom, right), its edge pixels repeated beyond the frame."""
    height, width = layer.shape[:2]
    top, left, bottom, right = window
    inner = layer[max(0, top) : min(bottom, height), max(0, left) : min(right, width)]
    around = (max(0, -top), max(0, bottom - height), max(0, -left), max(0, right - width))
    if any(around):
        inner = np.asarray(cv2.copyMakeBorder(inner, *around, cv2.BORDER_REPLICATE), np.float32)
    return inner


def _context(coarse: Floats, window: Box, frame: tuple[int, int]) -> Floats:
    """The coarse coverage within a window of the frame, one value for 4 x 4 pixels."""
    top, left, bottom, right = window
    rows = (np.arange(top + 2, bottom, 4, dtype=np.float32) / frame[0]) * coarse.shape[0] - 0.5
    columns = (np.arange(left + 2, right, 4, dtype=np.float32) / frame[1]) * coarse.shape[1] - 0.5
    grid_x, grid_y = np.meshgrid(columns, rows)
    sampled = cv2.remap(coarse, grid_x, grid_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(sampled, np.float32)


def _drawn(shape: tuple[int, ...], strokes: Sequence[Stroke]) -> tuple[Floats, Floats]:
    """Keep (and solid) and remove strokes as pictures of 0 and 1; without strokes views of one zero."""
    if not strokes:
        nothing = np.broadcast_to(np.float32(0), shape)
        return nothing, nothing
    keep, remove = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for stroke in strokes:
        _draw(remove if stroke.mode == "remove" else keep, stroke)
    keep *= 1 - remove
    return keep, remove


def _draw(canvas: Floats, stroke: Stroke) -> None:
    track = np.rint(np.array(stroke.points, np.float64)).astype(np.int32).reshape(-1, 1, 2)
    radius = max(0, round(stroke.radius))
    cv2.polylines(canvas, [track], False, 1.0, max(1, 2 * radius))
    for x, y in track[:, 0]:
        cv2.circle(canvas, (int(x), int(y)), radius, 1.0, -1)


def _active_cells(photo: Floats, coarse: Floats, keep: Floats) -> Mask:
    """Cells of 16 x 16 pixels for the fine pass: the known piece, evidence joined to it, and long lines."""
    height, width = photo.shape[:2]
    rows, columns = -(-height // FINE_STRIDE), -(-width // FINE_STRIDE)
    extent = (columns * FINE_STRIDE / width * coarse.shape[1], rows * FINE_STRIDE / height * coarse.shape[0])
    reach = 2 * int(np.ceil(max(extent[0] / columns, extent[1] / rows))) + 3
    widened = np.asarray(cv2.dilate(coarse, np.ones((reach, reach), np.uint8)), np.float32)
    grid_x, grid_y = np.meshgrid(
        np.asarray((np.arange(columns) + 0.5) * extent[0] / columns - 0.5, np.float32),
        np.asarray((np.arange(rows) + 0.5) * extent[1] / rows - 0.5, np.float32),
    )
    found = np.asarray(cv2.remap(widened, grid_x, grid_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
    seeds, piece = found > _PRESENT, found > 0.04
    if keep.any():
        marked = _cell_maximum(keep) > 0
        seeds, piece = seeds | marked, piece | marked
    evidence = _evidence(photo)
    joined = np.asarray(cv2.dilate((piece | evidence).astype(np.uint8), np.ones((3, 3), np.uint8)))
    _count, labels, facts, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    length = facts[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1)
    wanted = np.asarray(length > max(8.0, _LONG_LINE * max(rows, columns)))
    wanted[np.unique(labels[seeds])] = True
    wanted[0] = False
    return np.asarray(wanted[labels] & (piece | evidence), bool)


def _evidence(photo: Floats) -> Mask:
    """Cells that hold a fine line or an edge much stronger than the picture's common texture."""
    rows = range(0, len(photo), _BAND)
    strength = np.concatenate([_cell_maximum(_detail(photo, top, top + _BAND)) for top in rows])
    return np.asarray(strength > max(0.03, 3.0 * float(np.median(strength))), bool)


def _detail(photo: Floats, top: int, bottom: int) -> Floats:
    """What stands out of its neighbourhood of 9 x 9 pixels, in the rows from `top` to `bottom`."""
    first = max(0, top - 4)
    green = np.sqrt(np.maximum(photo[first : bottom + 4, :, 1], 0.0))
    detail: Floats = np.abs(green - cv2.blur(green, (9, 9)))[top - first :]
    return detail[: bottom - top]


def _cell_maximum(layer: Floats, side: int = FINE_STRIDE) -> Floats:
    """The largest value of every cell of `side` x `side` pixels."""
    height, width = layer.shape
    below, after = -height % side, -width % side
    if below or after:
        layer = np.asarray(cv2.copyMakeBorder(layer, 0, below, 0, after, cv2.BORDER_REPLICATE), np.float32)
    rows = layer.reshape(layer.shape[0] // side, side, layer.shape[1]).max(axis=1)
    cells: Floats = rows.reshape(rows.shape[0], -1, side).max(axis=2)
    return cells


def _tiles(active: Mask, shift: int) -> list[Box]:
    """Rectangles (top, left, bottom, right in pixels) over the active cells, put together from blocks.

    They may overlap: their answers there are the same.
    """
    boxes = []
    for top in range(shift // FINE_STRIDE % _BLOCK - _BLOCK, active.shape[0], _BLOCK):
        for left in range(shift // FINE_STRIDE % _BLOCK - _BLOCK, active.shape[1], _BLOCK):
            first, start = max(0, top), max(0, left)
            block = active[first : top + _BLOCK, start : left + _BLOCK]
            if block.any():
                x, y, across, down = cv2.boundingRect(block.view(np.uint8))
                boxes.append((first + y, start + x, first + y + down, start + x + across))
    if not boxes:
        return []
    tiles = FINE_STRIDE * _joined(np.array(boxes))
    return [(top, left, bottom, right) for top, left, bottom, right in tiles.tolist()]


def _joined(boxes: Cells) -> Cells:
    """The boxes, n x 4, two of them made one as long as that saves work: the two that save the most first."""
    boxes, apart = boxes.copy(), np.ones(len(boxes), bool)
    saved = np.stack([_saved(boxes, number) for number in range(len(boxes))])
    while saved.max() > 0:
        kept, gone = np.unravel_index(saved.argmax(), saved.shape)
        boxes[kept] = _around(boxes[kept], boxes[gone])
        apart[gone] = False
        saved[kept] = saved[:, kept] = np.where(apart, _saved(boxes, int(kept)), 0)
        saved[gone] = saved[:, gone] = 0
    return boxes[apart]


def _saved(boxes: Cells, number: int) -> Cells:
    """The cells that need not be looked at if each of the boxes is made one with that of this number."""
    both = _around(boxes, boxes[number])
    saved = _work(boxes) + _work(boxes[number]) - _work(both)
    saved[(both[:, 2:] - both[:, :2]).max(axis=1) > LARGEST_TILE // FINE_STRIDE] = 0
    saved[number] = 0
    return saved


def _around(boxes: Cells, box: Cells) -> Cells:
    """The box around each of the boxes and `box`."""
    first, last = np.minimum(boxes[..., :2], box[:2]), np.maximum(boxes[..., 2:], box[2:])
    return np.concatenate([first, last], axis=-1)


def _work(boxes: Cells) -> Cells:
    """The cells that the network looks at for each box, its margin included."""
    sides = boxes[..., 2:] - boxes[..., :2] + 2 * MARGIN // FINE_STRIDE
    cells: Cells = sides.prod(axis=-1)
    return cells


def _shrunk(known: Floats, size: tuple[int, int]) -> Floats:
    """Coverage at the photograph's own size (height, width)."""
    if known.shape == size:
        return known
    return np.asarray(cv2.resize(known, size[::-1], interpolation=cv2.INTER_AREA), np.float32)


def _stretched(said: Floats) -> Floats:
    """Coverage with its ends drawn out to exactly 0 and 1."""
    alpha = said - np.float32(_NOTHING)
    alpha /= _WHOLE - _NOTHING
    return np.asarray(np.clip(alpha, 0.0, 1.0, out=alpha), np.float32)


def _doubt(said: Floats, alpha: Floats) -> NDArray[np.uint8]:
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


def _settled_cells(scene: _Scene, known: Floats) -> Mask:
    """Cells that the answer at half the size covers wholly, and their neighbours too; none under strokes."""
    height, width = scene.photo.shape[:2]
    cells = (-(-height // FINE_STRIDE), -(-width // FINE_STRIDE))
    if known.shape != (-(-height // 2), -(-width // 2)):
        return np.zeros(cells, bool)
    least = -_cell_maximum(-known, FINE_STRIDE // 2)
    settled = np.asarray(cv2.erode(least, np.ones((3, 3), np.uint8)) > _SETTLED)
    for stroke in (scene.keep, scene.remove):
        if stroke.any():
            settled &= _cell_maximum(stroke) == 0
    return settled


def _copy_cells(answer: Floats, active: Mask, alpha: Floats) -> None:
    """Copy a tile's answer into its part of `alpha` where its cells are active, however it was laid."""
    height, width = alpha.shape
    wide = active.repeat(FINE_STRIDE, axis=0).repeat(FINE_STRIDE, axis=1)
    np.copyto(alpha, answer[:height, :width], where=wide[:height, :width])


def _cover_cells(settled: Mask, alpha: Floats) -> None:
    """Write 1 into the settled cells."""
    for row in np.flatnonzero(settled.any(axis=1)):
        whole = settled[row].repeat(FINE_STRIDE)[: alpha.shape[1]]
        alpha[row * FINE_STRIDE : (row + 1) * FINE_STRIDE, whole] = 1.0


def obey_strokes(alpha: Floats, photo: Floats, background: Floats, strokes: Sequence[Stroke]) -> None:
    """Make the strokes' promises true: keep, then solid, then remove, which is hard."""
    for mode in ("keep", "solid", "remove"):
        for stroke in (s for s in strokes if s.mode == mode):
            box = _stroke_box(stroke, alpha.shape)
            if box is None:
                continue
            top, left, bottom, right = box
            moved = Stroke(tuple((x - left, y - top) for x, y in stroke.points), stroke.radius, stroke.mode)
            mask = np.zeros((bottom - top, right - left), np.float32)
            _draw(mask, moved)
            part = np.s_[top:bottom, left:right]
            if mode == "keep":
                path = np.zeros_like(mask)
                _draw(path, replace(moved, radius=0))
                _lift(alpha[part], photo[part], background[part], mask > 0, path > 0, stroke.radius)
            else:
                alpha[part][mask > 0] = 1.0 if mode == "solid" else 0.0


def _stroke_box(stroke: Stroke, shape: tuple[int, ...]) -> Box | None:
    points = np.array(stroke.points, np.float64)
    reach = stroke.radius + 2
    left, top = np.maximum(0, np.floor(points.min(axis=0) - reach)).astype(int)
    right, bottom = np.ceil(points.max(axis=0) + reach).astype(int) + 1
    box = int(top), int(left), min(int(bottom), shape[0]), min(int(right), shape[1])
    return box if box[2] > box[0] and box[3] > box[1] else None


def _lift(alpha: Floats, photo: Floats, background: Floats, brush: Mask, path: Mask, radius: float) -> None:
    """Raise the brush's likeliest pixels to 1 where along `path` none within the brush reaches 0.9."""
    reach = 2 * max(1, round(radius)) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    covered = np.where(brush, alpha, 0).astype(np.float32)
    missing = path & (np.asarray(cv2.dilate(covered, disc)) < 0.9)
    if not missing.any():
        return
    contrast = np.abs(np.log2((photo.clip(0) + 0.01) / (background.clip(0) + 0.01))).max(axis=2)
    likely = np.where(brush, covered + 0.5 * np.minimum(contrast, 2.0) + 1e-3, 0.0).astype(np.float32)
    best = np.where(missing, np.asarray(cv2.dilate(likely, disc)), np.inf).astype(np.float32)
    least = np.asarray(cv2.erode(best, disc, borderType=cv2.BORDER_REPLICATE))
    alpha[brush & (likely >= 0.95 * least)] = 1.0
