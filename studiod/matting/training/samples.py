"""Training samples: crops of packed pictures, set in other studios and developed in other ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from studiod.imaging.colour import to_linear
from studiod.imaging.types import Bytes, Floats
from studiod.matting.chain import CLOSER_SIDE, COARSE_SIDE, network_input
from studiod.matting.training.packing import Layers, Packed, to_display
from studiod.matting.training.surfaces import draw_surface

Random = np.random.Generator
_OWN_STUDIO = 0.5
_TEXTURED = 0.35
_CAMOUFLAGED = {"coarse": 0.6, "fine": 0.2}
"""The fine pass sees less of it: there a hole in the background's colour must stay a hole."""


@dataclass(frozen=True)
class Sample:
    """Network input 8 x S x S, coarse alpha 1 x S/4 x S/4, true alpha and loss weight S x S; float32."""

    picture: Floats
    context: Floats
    alpha: Floats
    weight: Floats


@dataclass(frozen=True)
class _Crop:
    """A piece in its studio, cut out and scaled: linear float32, S x S x 3 or S x S."""

    photo: Floats
    plate: Floats
    piece: Floats
    alpha: Floats
    emphasis: Floats
    estimate: Floats
    answer: Floats | None = None
    """What the coarse pass said of it, where it was asked; only of a photograph left as it is."""


def draw_sample(pictures: Sequence[Packed], which: str, size: int, random: Random) -> Sample:
    """A random sample of `size` x `size` pixels for the `coarse` or `fine` pass, all augmentation applied."""
    crop = _random_crop(_pick(pictures, random), which, size, random)
    if which == "coarse" and random.random() < 0.7:
        crop = _leaned(crop, random)
    crop = _recoloured(crop, random)
    alpha, emphasis = crop.alpha, crop.emphasis
    chance = random.random()
    if chance < _OWN_STUDIO:
        if random.random() < 0.7 * _CAMOUFLAGED[which]:
            crop = _camouflaged(crop, crop.plate, random)
        photo, behind, estimate = crop.photo, crop.plate, crop.estimate
    else:
        other = _random_crop(_pick(pictures, random), which, size, random)
        behind = _studio(other, random)
        estimate = _smooth_guess(behind, random)
        if chance > 0.94:
            alpha, emphasis = np.zeros_like(alpha), np.zeros_like(emphasis)
            photo = _with_traces(behind, crop, random)
        else:
            if random.random() < _CAMOUFLAGED[which]:
                crop = _camouflaged(crop, behind, random)
            scene = _with_traces(behind, crop, random)
            photo = crop.piece + (1.0 - alpha)[..., None] * scene
    photo, alpha = _defocused(photo, alpha, random)
    background = _background_input(behind, estimate, crop, random)
    photo, background = _developed(photo, background, random)
    keep, remove = _strokes(alpha, emphasis, random)
    weight = _loss_weight(which, alpha, emphasis, keep, remove)
    picture = network_input(photo, background, keep, remove)
    if crop.answer is not None and chance < _OWN_STUDIO and random.random() < 0.75:
        context = _shrunk_answer(crop.answer)
    else:
        context = _simulated_coarse(alpha, random)
    return Sample(picture, context, alpha, weight)


def turned(sample: Sample, random: Random) -> Sample:
    """The sample mirrored or turned by quarters: a second look that costs next to nothing."""
    turns, flip = int(random.integers(4)) if random.random() < 0.3 else 0, random.random() < 0.5

    def moved(layer: Floats) -> Floats:
        layer = np.rot90(layer, turns, axes=(-2, -1))
        return np.ascontiguousarray(layer[..., ::-1] if flip else layer)

    return Sample(*(moved(layer) for layer in vars(sample).values()))


def _pick(pictures: Sequence[Packed], random: Random) -> Packed:
    """A picture; looks other than `studio` come twice as often."""
    while True:
        picture = pictures[int(random.integers(len(pictures)))]
        if picture.look != "studio" or random.random() < 0.55:
            return picture


def _random_crop(picture: Packed, which: str, size: int, random: Random) -> _Crop:
    if which == "coarse":
        layers, left, top, extent = _coarse_window(picture, size, random)
    else:
        layers = picture.native
        scale = float(random.choice((1.0, 2.0, np.exp(random.normal(0.0, 0.35))), p=(0.25, 0.35, 0.4)))
        scale = min(max(scale, 0.45), 2.2)
        extent = size / scale
        row, column = _place(layers, random)
        left = column + random.uniform(-0.45, 0.45) * extent - extent / 2
        top = row + random.uniform(-0.45, 0.45) * extent - extent / 2
    return _cut(layers, left, top, extent, size, random, picture.answers if which == "fine" else None)


def _coarse_window(picture: Packed, size: int, random: Random) -> tuple[Layers, float, float, float]:
    """Layers, left, top and side of a window as the coarse pass looks: at the whole or at the piece."""
    layers, frame = picture.small, (0, 0, *picture.small.alpha.shape[::-1])
    side = COARSE_SIDE * float(np.exp(random.uniform(-0.4, 0.3)))
    if random.random() < 0.7 and layers.alpha.max() > 128:
        frame = cv2.boundingRect((layers.alpha > 64).astype(np.uint8))
        side = CLOSER_SIDE * float(np.exp(random.uniform(-1.0, 0.1)))
    left, top, width, height = frame
    scale = side / max(width, height)
    if scale > 1:
        ratio = picture.native.alpha.shape[1] / layers.alpha.shape[1]
        layers, scale = picture.native, scale / ratio
        left, top, width, height = (round(value * ratio) for value in (left, top, width, height))
    extent = size / scale
    slack_x, slack_y = width - extent, height - extent
    left = left + random.uniform(min(0, slack_x), max(0, slack_x))
    top = top + random.uniform(min(0, slack_y), max(0, slack_y))
    return layers, left, top, extent


def _place(layers: Layers, random: Random) -> tuple[int, int]:
    """A pixel to look at: mostly on thin parts or edges, else the piece, else anywhere."""
    height, width = layers.alpha.shape
    rows = random.integers(height, size=3000)
    columns = random.integers(width, size=3000)
    chance = random.random()
    if chance < 0.45:
        wanted = layers.emphasis[rows, columns] > 128
    elif chance < 0.85:
        wanted = layers.alpha[rows, columns] > 10
    else:
        wanted = np.ones(3000, bool)
    found = int(np.argmax(wanted))
    return int(rows[found]), int(columns[found])


def _cut(
    layers: Layers,
    left: float,
    top: float,
    extent: float,
    size: int,
    random: Random,
    answers: Bytes | None,
) -> _Crop:
    """The square window, edges repeated beyond the frame, resized, turned and mirrored."""
    height, width = layers.alpha.shape
    side = max(8, round(extent))
    x, y = round(left), round(top)
    inner = np.s_[
        max(0, min(y, height - 1)) : max(1, min(y + side, height)),
        max(0, min(x, width - 1)) : max(1, min(x + side, width)),
    ]
    above, before = max(0, -y), max(0, -x)
    turns, flip = int(random.integers(4)) if random.random() < 0.5 else 0, random.random() < 0.5
    mode = cv2.INTER_AREA if side > size else cv2.INTER_CUBIC

    def posed(values: cv2.typing.MatLike) -> Floats:
        values = np.rot90(np.asarray(values, np.float32), turns)
        return np.ascontiguousarray(values[:, ::-1] if flip else values)

    def square(values: cv2.typing.MatLike) -> Floats:
        below = max(0, side - above - values.shape[0])
        after = max(0, side - before - values.shape[1])
        if above or before or below or after:
            values = cv2.copyMakeBorder(values, above, below, before, after, cv2.BORDER_REPLICATE)
            values = values[:side, :side]
        if side != size:
            values = cv2.resize(values, (size, size), interpolation=mode)
        return posed(values)

    alpha = np.asarray(layers.alpha[inner] * np.float32(1 / 255), np.float32)
    shown = layers.piece[inner].astype(np.float32)
    colour = np.minimum(shown / np.maximum(alpha, 1 / 255)[..., None], 255).astype(np.uint8)
    piece = np.asarray(to_linear(colour, None) * alpha[..., None], np.float32)

    def looked_up(small: Floats) -> Floats:
        rows, columns = small.shape[:2]
        xs = np.linspace(x, x + side, size, dtype=np.float32) / width * columns - 0.5
        ys = np.linspace(y, y + side, size, dtype=np.float32) / height * rows - 0.5
        grid_x, grid_y = np.meshgrid(xs, ys)
        return posed(cv2.remap(small, grid_x, grid_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))

    answer = None
    if answers is not None:
        chosen = answers[int(random.integers(len(answers)))]
        answer = looked_up(np.asarray(chosen * np.float32(1 / 255), np.float32))
    return _Crop(
        square(to_linear(layers.photo[inner], None)),
        square(to_linear(layers.plate[inner], None)),
        square(piece),
        np.clip(square(alpha), 0, 1),
        np.clip(square(np.asarray(layers.emphasis[inner] * np.float32(1 / 255), np.float32)), 0, 1),
        looked_up(layers.estimate),
        answer,
    )


def _leaned(crop: _Crop, random: Random) -> _Crop:
    """The whole scene turned, sheared and stretched a little: other shapes from the same pieces."""
    size = crop.alpha.shape[0]
    angle = random.normal(0, 0.35)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    lean = np.array([[1.0, random.normal(0, 0.12)], [0.0, 1.0]]) @ np.diag(np.exp(random.normal(0, 0.12, 2)))
    matrix = turn @ lean
    centre = np.array([size / 2, size / 2])
    motion = np.column_stack([matrix, centre - matrix @ centre])

    def moved(layer: Floats) -> Floats:
        return np.asarray(
            cv2.warpAffine(layer, motion, (size, size), borderMode=cv2.BORDER_REPLICATE), np.float32
        )

    return _Crop(**{name: moved(layer) for name, layer in vars(crop).items() if layer is not None})


def _recoloured(crop: _Crop, random: Random) -> _Crop:
    """The piece in another metal or with harder, brighter stones: a gain a channel and a curve."""
    if random.random() < 0.45:
        return crop
    there = crop.alpha > 0.004
    cover = crop.alpha[there][:, None]
    solid = crop.piece[there] / np.maximum(cover, 0.02)
    grey = solid.mean(axis=1, keepdims=True)
    if random.random() < 0.35:
        solid = grey + (solid - grey) * random.uniform(0.0, 1.5)
    gain = np.exp(random.normal(0, 0.12, 3)) * np.exp(random.normal(0, 0.3))
    power = np.exp(random.normal(0, 0.25))
    changed = np.clip(solid, 0, 1.2) ** np.float32(power) * gain.astype(np.float32)
    chance = random.random()
    if chance < 0.15:
        pivot = random.uniform(0.1, 0.4)
        changed = pivot + (changed - pivot) * random.uniform(1.2, 2.5)
    elif chance < 0.25:
        changed = random.uniform(0.1, 0.5) + 0.6 * changed
    piece, photo = crop.piece.copy(), crop.photo.copy()
    piece[there] = np.clip(changed, 0, 1) * cover
    photo[there] += piece[there] - crop.piece[there]
    photo = np.clip(photo, 0, 1)
    return replace(crop, photo=photo, piece=piece)


def _camouflaged(crop: _Crop, behind: Floats, random: Random) -> _Crop:
    """Parts of the piece in the colour of what is `behind` it, as polished metal and pearls take it.

    Some of its shading stays: its outline and its form are then what tells it from the background.
    """
    size = crop.alpha.shape[0]
    knots = int(random.integers(2, 7))
    field = random.standard_normal((knots, knots)).astype(np.float32) + np.float32(random.uniform(-0.5, 1.5))
    field = np.asarray(cv2.resize(field, (size, size), interpolation=cv2.INTER_CUBIC), np.float32)
    share = np.clip(field, 0, 1)[..., None] * np.float32(random.uniform(0.5, 1.0))
    cover = crop.alpha[..., None]
    light = np.maximum(crop.piece.mean(axis=2, keepdims=True), 0) / np.maximum(cover, 1 / 255)
    typical = np.float32(crop.piece.mean() / max(float(crop.alpha.mean()), 1e-3))
    shade = ((light + 0.02) / (typical + 0.02)) ** np.float32(random.uniform(0.1, 0.7))
    around = np.asarray(cv2.blur(behind, (15, 15)), np.float32)
    alike = np.minimum(around * np.minimum(shade, 1.6), 1.0) * cover
    piece = np.asarray(crop.piece + share * (alike - crop.piece), np.float32)
    return replace(crop, piece=piece, photo=np.clip(crop.photo + piece - crop.piece, 0, 1))


def _studio(other: _Crop, random: Random) -> Floats:
    """A background: another picture's plate (as it is, or much darker), or a made-up one."""
    if random.random() < _TEXTURED:
        return draw_surface(other.alpha.shape[0], random)
    chance = random.random()
    if chance < 0.55:
        gain = np.exp(random.normal(0, 0.25)) if random.random() < 0.6 else random.uniform(0.01, 0.4)
        return np.asarray(np.clip(other.plate * np.float32(gain), 0, 1), np.float32)
    size = other.alpha.shape[0]
    level = random.uniform(0, 1) ** 2 if chance < 0.8 else random.uniform(0.5, 1.0)
    colour = np.clip(level * np.exp(random.normal(0, 0.15, 3)), 0.0, 1).astype(np.float32)
    coarse = np.exp(random.normal(0, random.uniform(0, 0.15), (3, 3, 1))).astype(np.float32)
    shade = np.asarray(cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC), np.float32)
    scene = shade.reshape(size, size, 1) * colour
    if random.random() < 0.3:
        scene = _with_horizon(scene, random)
    if random.random() < 0.5:
        grain = random.normal(0, random.uniform(0.01, 0.12), (size, size)).astype(np.float32)
        blur = random.uniform(0.4, 2.5)
        grain = np.asarray(cv2.GaussianBlur(grain, (0, 0), blur), np.float32) * np.float32(2 * blur)
        scene = scene * (1 + grain)[..., None]
    return np.asarray(np.clip(scene, 0, 1), np.float32)


def _with_horizon(scene: Floats, random: Random) -> Floats:
    """Half of the scene in another brightness, beyond a straight, soft or hard line."""
    size = scene.shape[0]
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    angle = random.normal(0, 0.15) + (np.pi / 2 if random.random() < 0.2 else 0)
    line = (y - random.uniform(0.1, 0.9) * size) * np.cos(angle) + (x - size / 2) * np.sin(angle)
    step = 1 / (1 + np.exp(-np.clip(line / random.uniform(0.4, 12), -30, 30)))
    gain = np.exp(random.normal(0, 0.35, 3) * 0.3 + random.normal(0, 0.4))
    mixed: Floats = (scene * (1 + step[..., None] * (gain - 1))).astype(np.float32)
    return mixed


def _with_traces(scene: Floats, crop: _Crop, random: Random) -> Floats:
    """The piece's contact shadow and faded mirror image, which belong to the background."""
    size = scene.shape[0]
    rows = np.flatnonzero(crop.alpha.max(axis=1) > 0.5)
    if random.random() < 0.6:
        moved = np.roll(crop.alpha, (int(random.integers(0, 24)), int(random.integers(-24, 24))), (0, 1))
        shadow = np.asarray(cv2.GaussianBlur(moved, (0, 0), random.uniform(1.5, 25)), np.float32)
        scene = scene * (1 - random.uniform(0.1, 0.8) * shadow)[..., None].astype(np.float32)
    if random.random() < 0.55 and len(rows):
        foot = int(rows[-1]) if random.random() < 0.5 else int(random.integers(size))
        foot += int(random.integers(0, 6))
        source = np.clip(2 * foot - np.arange(size), -1, size - 1)
        valid = ((source >= 0) & (np.arange(size) >= foot)).astype(np.float32)[:, None]
        if random.random() < 0.15:
            valid = np.ones_like(valid)
        blur = random.uniform(0.3, 5)
        fade = random.uniform(0.04, 0.45)
        cover = np.asarray(cv2.GaussianBlur(crop.alpha[source] * valid, (0, 0), blur), np.float32)
        image = np.asarray(cv2.GaussianBlur(crop.piece[source] * valid[..., None], (0, 0), blur), np.float32)
        if random.random() < 0.5:
            scene = scene * (1 - fade * cover)[..., None] + fade * image
        else:
            scene = scene + fade * image
    return np.asarray(np.clip(scene, 0, 1), np.float32)


def _smooth_guess(behind: Floats, random: Random) -> Floats:
    """What a smooth fit makes of a background: its plane-like blur, a few per cent off."""
    size = behind.shape[0]
    knots = int(random.integers(2, 6))
    coarse = np.asarray(cv2.resize(behind, (knots, knots), interpolation=cv2.INTER_AREA), np.float32)
    error = np.exp(random.normal(0, 0.03, coarse.shape)).astype(np.float32)
    guess = cv2.resize(coarse * error, (size, size), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(guess, 0, 1), np.float32)


def _background_input(behind: Floats, estimate: Floats, crop: _Crop, random: Random) -> Floats:
    """The background handed to the network: plate 30 %, estimate 45 %, wrong 25 %."""
    chance = random.random()
    if chance < 0.3:
        plate = behind
        if random.random() < 0.5:
            shift = random.normal(0, 0.6, 2)
            matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
            plate = np.asarray(
                cv2.warpAffine(plate, matrix, plate.shape[:2], borderMode=cv2.BORDER_REPLICATE), np.float32
            )
        return np.asarray(plate * np.float32(np.exp(random.normal(0, 0.02))), np.float32)
    if chance < 0.75:
        return estimate
    size = estimate.shape[0]
    if chance < 0.92:
        coarse = np.exp(random.normal(0, random.uniform(0.05, 0.4), (2, 2, 3))).astype(np.float32)
        wrong = np.asarray(cv2.resize(coarse, (size, size), interpolation=cv2.INTER_LINEAR), np.float32)
        return np.asarray(np.clip(estimate * wrong, 0, 1.2), np.float32)
    flat = np.broadcast_to(np.median(crop.photo, axis=(0, 1)), estimate.shape)
    return np.ascontiguousarray(flat, np.float32)


def _defocused(photo: Floats, alpha: Floats, random: Random) -> tuple[Floats, Floats]:
    """Both blurred alike: a blurred edge is partly covered, and its matte says so."""
    if random.random() < 0.82:
        return photo, alpha
    blur = random.uniform(0.3, 1.0) if random.random() < 0.8 else random.uniform(1.0, 4.0)
    return (
        np.asarray(cv2.GaussianBlur(photo, (0, 0), blur), np.float32),
        np.asarray(cv2.GaussianBlur(alpha, (0, 0), blur), np.float32),
    )


def _developed(photo: Floats, background: Floats, random: Random) -> tuple[Floats, Floats]:
    """Exposure and white balance of both; sharpening, noise and JPEG of the photograph."""
    if random.random() < 0.6:
        gain = np.exp(random.normal(0, 0.04, 3) + random.normal(0, 0.2)).astype(np.float32)
        photo, background = photo * gain, background * gain
    photo = np.clip(photo, 0, 1)
    if random.random() < 0.35:
        soft = np.asarray(cv2.GaussianBlur(photo, (0, 0), random.uniform(0.6, 1.8)), np.float32)
        photo = np.clip(photo + np.float32(random.uniform(0.1, 1.0)) * (photo - soft), 0, 1)
    if random.random() < 0.5:
        level = random.uniform(0, 0.012) if random.random() < 0.85 else random.uniform(0.01, 0.03)
        noise = random.standard_normal(photo.shape, np.float32) * np.float32(level)
        photo = np.clip(np.sqrt(photo) + noise, 0, 1) ** 2
    if random.random() < 0.5:
        quality = int(random.integers(60, 97))
        ok, code = cv2.imencode(".jpg", to_display(photo), [cv2.IMWRITE_JPEG_QUALITY, quality])
        if ok:
            photo = to_linear(np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR), np.uint8), None)
    return photo, np.clip(background, 0, 1.2)


def _strokes(alpha: Floats, emphasis: Floats, random: Random) -> tuple[Floats, Floats]:
    """Simulated brush strokes: keep along the piece's thin parts, remove on background; 0 or 1."""
    keep, remove = np.zeros_like(alpha), np.zeros_like(alpha)
    if random.random() < 0.8:
        return keep, remove
    size = alpha.shape[0]
    points = np.argwhere((emphasis > 0.5) & (alpha > 0.6))
    if len(points) < 20:
        points = np.argwhere(alpha > 0.6)
    if len(points) >= 20 and random.random() < 0.65:
        here = points[int(random.integers(len(points)))]
        path = [here]
        for _ in range(int(random.integers(2, 8))):
            distance = np.abs(points - here).max(axis=1)
            near = points[(distance > 6) & (distance < 28)]
            if not len(near):
                break
            here = near[int(random.integers(len(near)))]
            path.append(here)
        track = np.array(path)[:, ::-1].astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(keep, [track], False, 1.0, int(random.integers(3, 14)))
    if random.random() < 0.6:
        empty = np.argwhere(alpha < 0.004)
        if len(empty):
            start = empty[int(random.integers(len(empty)))]
            end = start + random.integers(-size // 4, size // 4, 2)
            cv2.line(
                remove,
                (int(start[1]), int(start[0])),
                (int(end[1]), int(end[0])),
                1.0,
                int(random.integers(3, 30)),
            )
            remove *= alpha < 0.004
            keep *= 1 - remove
    return keep, remove


def _loss_weight(which: str, alpha: Floats, emphasis: Floats, keep: Floats, remove: Floats) -> Floats:
    """Fine: 1, more within 3 px of an edge and on thin parts and gaps. Coarse: the piece. Both: strokes."""
    strokes = 3 * np.maximum(keep, remove)
    if which == "coarse":
        near = np.asarray(cv2.dilate(alpha, np.ones((9, 9), np.uint8)), np.float32)
        return np.asarray(1 + 2 * alpha + near + emphasis + strokes, np.float32)
    partly = ((alpha > 0.01) & (alpha < 0.99)).astype(np.uint8)
    edge = np.asarray(cv2.dilate(partly, np.ones((7, 7), np.uint8)), np.float32)
    return np.asarray(1 + 2 * edge + 4 * emphasis + strokes, np.float32)


def _shrunk_answer(answer: Floats) -> Floats:
    size = answer.shape[0] // 4
    return np.asarray(cv2.resize(answer, (size, size), interpolation=cv2.INTER_AREA), np.float32)[None]


def _simulated_coarse(alpha: Floats, random: Random) -> Floats:
    """What a coarse pass might say of this crop: right but blurred, often wrong, often nothing (0.5)."""
    cells = alpha.shape[0] // 4
    chance = random.random()
    if chance < 0.12:
        return np.full((1, cells, cells), 0.5, np.float32)
    coarse = np.asarray(cv2.resize(alpha, (cells, cells), interpolation=cv2.INTER_AREA), np.float32)
    blur = float(np.exp(random.uniform(np.log(0.4), np.log(6.0))))
    if random.random() < 0.6:
        reach = int(np.ceil(blur * random.uniform(0.5, 2)))
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
        coarse = np.asarray(cv2.morphologyEx(coarse, cv2.MORPH_CLOSE, disc), np.float32)
    if random.random() < 0.3:
        reach = int(random.integers(1, 4))
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
        change = cv2.MORPH_OPEN if random.random() < 0.5 else cv2.MORPH_DILATE
        coarse = np.asarray(cv2.morphologyEx(coarse, change, disc), np.float32)
    coarse = np.asarray(cv2.GaussianBlur(coarse, (0, 0), blur), np.float32)
    if chance < 0.45:
        grid = int(random.integers(2, 9))
        field = random.standard_normal((grid, grid)).astype(np.float32)
        field = np.asarray(cv2.resize(field, (cells, cells), interpolation=cv2.INTER_CUBIC), np.float32)
        threshold = random.uniform(0.4, 1.4)
        if random.random() < 0.6:
            coarse = np.where(field > threshold, coarse * np.float32(random.uniform(0, 0.4)), coarse)
        if random.random() < 0.5:
            coarse = np.where(
                field < -threshold, np.maximum(coarse, np.float32(random.uniform(0.4, 1))), coarse
            )
        coarse = np.asarray(cv2.GaussianBlur(coarse, (0, 0), 1.0), np.float32)
    else:
        coarse = np.clip(coarse * np.float32(random.uniform(0.85, 1.1)), 0, 1)
    return np.asarray(np.clip(coarse, 0, 1)[None], np.float32)
