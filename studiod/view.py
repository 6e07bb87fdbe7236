"""What a review terminal looks at: previews, native tiles and evidence crops of one version.

`view.json` says where everything is: for each layer (original, cutout, composite) its own size, how a
point of the photograph lies in it (`scale` x point + (`left`, `top`)), a preview of all of it and native
tiles over the piece. Everything is sRGB of 8 bits; the cutout's alpha is the matte.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial

import cv2
import numpy as np

from studiod.imaging.colour import to_srgb8
from studiod.imaging.composite import Composite
from studiod.imaging.photo import Photo
from studiod.imaging.png import encode_png
from studiod.imaging.types import Box, Bytes
from studiod.pipeline import Processed

Layer = dict[str, object]
File = tuple[str, Callable[[], list[bytes]]]
"""A file's name, and what encodes its parts."""

_PREVIEW_SIDE = 1600
_TILE = 512
_EVIDENCE_SIDE = 96
_EVIDENCE_COUNT = 12
_JPEG = [cv2.IMWRITE_JPEG_QUALITY, 90, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]


def draw_view(photo: Photo, processed: Processed) -> Iterator[File]:
    """The view's files: previews, `tiles/...`, `evidence-N.png` and, last, `view.json`."""
    box = processed.box
    original = _part(photo, box)
    cutout = _cutout_codes(photo, processed)
    layers: dict[str, Layer] = {}
    frame = (photo.width, photo.height)
    layers["original"] = _layer(frame, 1.0, 0.0, 0.0)
    yield from _pictures("original", layers["original"], _preview_of_photo(photo), original, box, ".jpg")
    layers["cutout"] = _layer(frame, 1.0, 0.0, 0.0)
    small = _preview_in_frame(cutout, box, frame)
    yield from _pictures("cutout", layers["cutout"], small, cutout, box, ".png")
    for composite in list(processed.composites.values())[:1]:
        layers["composite"] = _layer_of(composite)
        codes = composite.pixels
        canvas = codes if codes.dtype == np.uint8 else (codes >> 8).astype(np.uint8)
        whole = (0, 0, canvas.shape[1], canvas.shape[0])
        yield from _pictures("composite", layers["composite"], _shrunk(canvas), canvas, whole, ".jpg")
    for number, finding in enumerate(processed.risk.findings[:_EVIDENCE_COUNT], 1):
        yield f"evidence-{number}.png", partial(_evidence, original, cutout, box, finding.point)
    view = {"width": photo.width, "height": photo.height, "box": list(box), "layers": layers}
    yield "view.json", lambda: [json.dumps(view).encode()]


def _part(photo: Photo, box: Box) -> Bytes:
    left, top, right, bottom = box
    return to_srgb8(np.ascontiguousarray(photo.pixels[top:bottom, left:right]), photo.profile)


def _layer(size: tuple[int, int], scale: float, left: float, top: float) -> Layer:
    return {"width": size[0], "height": size[1], "scale": scale, "left": left, "top": top}


def _layer_of(composite: Composite) -> Layer:
    height, width = composite.pixels.shape[:2]
    place = composite.placement
    return _layer((width, height), place.scale, place.left, place.top)


def _pictures(
    name: str, layer: Layer, preview: Bytes, native: Bytes, box: Box, suffix: str
) -> Iterator[File]:
    """Preview and tiles of a layer, entered into `layer` on the way; `native` is the layer's `box`."""
    encode = encode_png if suffix == ".png" else _jpeg
    file = f"preview-{name}{suffix}"
    layer["preview"] = {"file": file, "width": preview.shape[1], "height": preview.shape[0]}
    yield file, partial(encode, preview)
    columns, rows = -(-native.shape[1] // _TILE), -(-native.shape[0] // _TILE)
    files = [f"tiles/{name}-{column}-{row}{suffix}" for row in range(rows) for column in range(columns)]
    layer["tiles"] = {"size": _TILE, "box": list(box), "columns": columns, "rows": rows, "files": files}
    for index, file in enumerate(files):
        top, left = index // columns * _TILE, index % columns * _TILE
        yield file, partial(encode, native[top : top + _TILE, left : left + _TILE])


def _cutout_codes(photo: Photo, processed: Processed) -> Bytes:
    """The cutout's box as 8-bit sRGB RGBA, straight alpha."""
    *colours, coverage = cv2.split(processed.cutout.pixels)
    codes = to_srgb8(np.asarray(cv2.merge(colours), np.uint16), photo.profile)
    return np.asarray(cv2.merge([*cv2.split(codes), cv2.convertScaleAbs(coverage, alpha=1 / 257)]), np.uint8)


def _preview_of_photo(photo: Photo) -> Bytes:
    size = _preview_size(photo.width, photo.height)
    small = np.asarray(cv2.resize(photo.pixels, size, interpolation=cv2.INTER_AREA))
    return to_srgb8(small, photo.profile)


def _preview_in_frame(cutout: Bytes, box: Box, frame: tuple[int, int]) -> Bytes:
    """The cutout shrunk (premultiplied, as coverage asks) to its place in a preview of the whole frame."""
    width, height = _preview_size(*frame)
    preview = np.zeros((height, width, 4), np.uint8)
    left, top = round(box[0] * width / frame[0]), round(box[1] * height / frame[1])
    right = max(left + 1, round(box[2] * width / frame[0]))
    bottom = max(top + 1, round(box[3] * height / frame[1]))
    *colours, cover = cv2.split(cutout)
    planes = [cv2.multiply(colour, cover, scale=1 / 255) for colour in colours]
    size = (right - left, bottom - top)
    small = np.dstack([cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in (*planes, cover)])
    alpha = small[..., 3:].astype(np.float32)
    codes = np.dstack([small[..., :3] * (255.0 / np.maximum(alpha, 1.0)), alpha])
    inside = preview[top:bottom, left:right]
    inside[:] = (codes.clip(0, 255) + 0.5).astype(np.uint8)[: inside.shape[0], : inside.shape[1]]
    return preview


def _preview_size(width: int, height: int) -> tuple[int, int]:
    scale = min(1.0, _PREVIEW_SIDE / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _shrunk(codes: Bytes) -> Bytes:
    size = _preview_size(codes.shape[1], codes.shape[0])
    return np.asarray(cv2.resize(codes, size, interpolation=cv2.INTER_AREA), np.uint8)


def _evidence(original: Bytes, cutout: Bytes, box: Box, point: tuple[int, int]) -> list[bytes]:
    """A PNG of the photograph and the cutout on white around a point, at 400 %, a grey line between."""
    x, y = point[0] - box[0], point[1] - box[1]
    half = _EVIDENCE_SIDE // 2
    left = min(max(0, x - half), max(0, original.shape[1] - _EVIDENCE_SIDE))
    top = min(max(0, y - half), max(0, original.shape[0] - _EVIDENCE_SIDE))
    here = np.s_[top : top + _EVIDENCE_SIDE, left : left + _EVIDENCE_SIDE]
    cover = cutout[here][..., 3:].astype(np.float32) / 255.0
    on_white = (cutout[here][..., :3] * cover + 255.0 * (1.0 - cover) + 0.5).astype(np.uint8)
    line = np.full((on_white.shape[0], 1, 3), 128, np.uint8)
    pair = np.concatenate([original[here], line, on_white], axis=1)
    size = (pair.shape[1] * 4, pair.shape[0] * 4)
    return encode_png(np.asarray(cv2.resize(pair, size, interpolation=cv2.INTER_NEAREST), np.uint8))


def _jpeg(codes: Bytes) -> list[bytes]:
    return [bytes(cv2.imencode(".jpg", cv2.cvtColor(codes, cv2.COLOR_RGB2BGR), _JPEG)[1])]
