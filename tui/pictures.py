"""The pictures of one version of an item, and any window on them without decoding the photograph.

Places are given in pixels of the upright photograph, whatever is shown: the original, the cutout
and the matte lie on it, and the composite says where the photograph lies in it.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from studiod.errors import PictureError

Pixels = NDArray[np.uint8]
Rectangle = tuple[float, float, float, float]

SURROUND = (38, 38, 38)
_TILES_KEPT = 96


class View(StrEnum):
    """What of a piece is shown."""

    COMPOSITE = "composite"
    ORIGINAL = "original"
    CHECKER = "cutout on a checkerboard"
    WHITE = "cutout on white"
    BLACK = "cutout on black"
    GREY = "cutout on mid-grey"
    RED = "cutout on red"
    MATTE = "matte"
    MATTE_BEFORE = "matte before the touch-up"

    @property
    def layer(self) -> str:
        """The name of the layer that the view is made from."""
        return _LAYERS.get(self, "cutout")


_LAYERS = {View.COMPOSITE: "composite", View.ORIGINAL: "original", View.MATTE_BEFORE: "before"}
_BACKGROUNDS = {
    View.WHITE: (255, 255, 255),
    View.BLACK: (0, 0, 0),
    View.GREY: (119, 119, 119),
    View.RED: (200, 20, 30),
}


@dataclass(frozen=True, slots=True)
class Tiles:
    """Native pixels of a layer over `box` (in the layer's pixels), cut into squares of `size`."""

    size: int
    box: tuple[int, int, int, int]
    columns: int
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Layer:
    """One picture on disk: its own size, and where the photograph lies in it.

    layer pixel = scale x photograph pixel + (left, top).
    """

    width: int
    height: int
    scale: float
    left: float
    top: float
    preview: Path
    preview_scale: float
    tiles: Tiles | None

    @property
    def bounds(self) -> Rectangle:
        """The whole layer, in pixels of the photograph."""
        return (
            -self.left / self.scale,
            -self.top / self.scale,
            (self.width - self.left) / self.scale,
            (self.height - self.top) / self.scale,
        )


@dataclass(slots=True)
class Pictures:
    """What can be shown of one version; previews and tiles are decoded when first wanted."""

    width: int
    height: int
    layers: dict[str, Layer]
    _decoded: OrderedDict[Path, Image.Image] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    @property
    def views(self) -> tuple[View, ...]:
        """What can be shown; the matte before a touch-up only where there was one."""
        return tuple(view for view in View if view.layer != "before" or view.layer in self.layers)

    def remember(self, earlier: Pictures) -> None:
        """Show the matte of an earlier version of the same photograph, too."""
        if "cutout" in earlier.layers:
            self.layers["before"] = earlier.layers["cutout"]

    def bounds(self, view: View) -> Rectangle:
        """The whole of a view, in pixels of the photograph."""
        return self._layer(view).bounds

    def has_native(self, view: View) -> bool:
        """Whether the view can be shown pixel for pixel."""
        return self._layer(view).tiles is not None

    def window(self, view: View, region: Rectangle, width: int, height: int) -> Pixels:
        """The part of a view under `region` (photograph pixels) as an RGB picture of this size."""
        layer = self._layer(view)
        pasted = Image.new("RGBa", (width, height))
        covered = Image.new("L", (width, height))
        within = _to_layer(layer, region)
        wanted = (within[2] - within[0]) / max(width, 1)
        self._paste(pasted, covered, within, layer.preview, (0, 0, layer.width, layer.height))
        if layer.tiles is not None and wanted * layer.preview_scale < 1.0:
            for path, box in _tiles_under(layer.tiles, within):
                self._paste(pasted, covered, within, path, box)
        return _over_background(view, np.asarray(pasted), np.asarray(covered))

    def prepare(self) -> None:
        """Decode the previews now, so that the first window comes at once; what is damaged shows there."""
        for layer in self.layers.values():
            with suppress(PictureError):
                self._decode(layer.preview)

    def _layer(self, view: View) -> Layer:
        layer = self.layers.get(view.layer)
        if layer is None:
            raise PictureError(
                f"There is no {view.layer} of this version to show.",
                "Its preview may have been cleared away after [store] keep_previews_days.",
            )
        return layer

    def _paste(
        self,
        target: Image.Image,
        covered: Image.Image,
        within: Rectangle,
        path: Path,
        box: tuple[int, int, int, int],
    ) -> None:
        """Draw one picture that covers `box` of the layer into a window on `within` of it."""
        picture = self._decode(path)
        left, top, right, bottom = within
        across, down = target.width / (right - left), target.height / (bottom - top)
        start_x = max(0, round((max(box[0], left) - left) * across))
        start_y = max(0, round((max(box[1], top) - top) * down))
        end_x = min(target.width, round((min(box[2], right) - left) * across))
        end_y = min(target.height, round((min(box[3], bottom) - top) * down))
        if end_x <= start_x or end_y <= start_y:
            return
        fine_x, fine_y = picture.width / (box[2] - box[0]), picture.height / (box[3] - box[1])
        source = (
            min(max((left + start_x / across - box[0]) * fine_x, 0.0), picture.width - 1e-3),
            min(max((top + start_y / down - box[1]) * fine_y, 0.0), picture.height - 1e-3),
            min((left + end_x / across - box[0]) * fine_x, float(picture.width)),
            min((top + end_y / down - box[1]) * fine_y, float(picture.height)),
        )
        shrinks = (source[2] - source[0]) > (end_x - start_x)
        part = picture.resize(
            (end_x - start_x, end_y - start_y),
            Image.Resampling.BOX if shrinks else Image.Resampling.NEAREST,
            box=source,
        )
        target.paste(part, (start_x, start_y))
        covered.paste(255, (start_x, start_y, end_x, end_y))

    def _decode(self, path: Path) -> Image.Image:
        with self._lock:
            picture = self._decoded.get(path)
            if picture is None:
                picture = self._decoded[path] = _read_premultiplied(path)
                while len(self._decoded) > _TILES_KEPT:
                    self._decoded.popitem(last=False)
            self._decoded.move_to_end(path)
            return picture


def open_pictures(folder: Path) -> Pictures:
    """Find out what can be shown of a version from the files the daemon left in its folder."""
    try:
        described = json.loads((folder / "view.json").read_text("utf-8"))
        layers = {name: _read_layer(folder, text) for name, text in described["layers"].items()}
        return Pictures(int(described["width"]), int(described["height"]), layers)
    except FileNotFoundError:
        return _previews_only(folder)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise PictureError(
            "The description of this version's previews (view.json) cannot be read.",
            "Run `studiod retry` on the item to have them made again.",
        ) from error


def _read_layer(folder: Path, text: dict[str, Any]) -> Layer:
    tiles = text.get("tiles")
    width, scale = int(text["width"]), float(text["scale"])
    if width <= 0 or not scale > 0:
        raise ValueError("a layer without extent")
    return Layer(
        width=width,
        height=int(text["height"]),
        scale=scale,
        left=float(text["left"]),
        top=float(text["top"]),
        preview=folder / str(text["preview"]["file"]),
        preview_scale=float(text["preview"]["width"]) / width,
        tiles=None
        if tiles is None
        else Tiles(
            size=int(tiles["size"]),
            box=(int(tiles["box"][0]), int(tiles["box"][1]), int(tiles["box"][2]), int(tiles["box"][3])),
            columns=int(tiles["columns"]),
            files=tuple(folder / str(name) for name in tiles["files"]),
        ),
    )


def _previews_only(folder: Path) -> Pictures:
    """Layers from the three previews alone, the composite lying where it may: it fills its own frame."""
    size = _size(folder / "cutout.png") or _size(folder / "preview-original.jpg")
    if size is None:
        raise PictureError(
            "There is no preview of this version.",
            "It may have been cleared away after [store] keep_previews_days.",
        )
    layers = {}
    for name, file in (
        ("original", "preview-original.jpg"),
        ("cutout", "preview-cutout.png"),
        ("composite", "preview-composite.jpg"),
    ):
        preview = _size(folder / file)
        if preview is None:
            continue
        scale = min(preview[0] / size[0], preview[1] / size[1]) if name == "composite" else 1.0
        own = preview if name == "composite" else size
        layers[name] = Layer(
            width=own[0],
            height=own[1],
            scale=scale,
            left=(own[0] - size[0] * scale) / 2,
            top=(own[1] - size[1] * scale) / 2,
            preview=folder / file,
            preview_scale=preview[0] / own[0],
            tiles=None,
        )
    return Pictures(size[0], size[1], layers)


def _read_premultiplied(path: Path) -> Image.Image:
    """A picture in the only form in which its colours may be averaged."""
    try:
        with Image.open(path) as opened:
            return opened.convert("RGBA").convert("RGBa")
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise PictureError(
            f"A preview of this version cannot be read ({type(error).__name__}).",
            "It may have been cleared away after [store] keep_previews_days.",
        ) from error


def _size(path: Path) -> tuple[int, int] | None:
    try:
        with Image.open(path) as opened:
            return opened.size
    except (OSError, ValueError, Image.DecompressionBombError):
        return None


def _to_layer(layer: Layer, region: Rectangle) -> Rectangle:
    return (
        region[0] * layer.scale + layer.left,
        region[1] * layer.scale + layer.top,
        region[2] * layer.scale + layer.left,
        region[3] * layer.scale + layer.top,
    )


def _tiles_under(tiles: Tiles, within: Rectangle) -> list[tuple[Path, tuple[int, int, int, int]]]:
    """The tiles that a window on `within` needs, each with the part of the layer it covers."""
    left, top, right, bottom = tiles.box
    found = []
    for index, path in enumerate(tiles.files):
        row, column = divmod(index, tiles.columns)
        box = (
            left + column * tiles.size,
            top + row * tiles.size,
            min(left + (column + 1) * tiles.size, right),
            min(top + (row + 1) * tiles.size, bottom),
        )
        if box[0] < within[2] and box[2] > within[0] and box[1] < within[3] and box[3] > within[1]:
            found.append((path, box))
    return found


def _over_background(view: View, pasted: Pixels, covered: Pixels) -> Pixels:
    """Lay premultiplied pixels over what the view wants behind them."""
    height, width = covered.shape
    alpha = pasted[..., 3:].astype(np.uint16)
    if view in (View.MATTE, View.MATTE_BEFORE):
        shown = np.repeat(pasted[..., 3:], 3, axis=2)
    else:
        if view is View.CHECKER:
            rows, columns = np.indices((height, width))
            light = ((rows // 4 + columns // 4) % 2).astype(bool)
            behind = np.where(light[..., None], np.uint16(170), np.uint16(110))
        else:
            behind = np.array(_BACKGROUNDS.get(view, (0, 0, 0)), np.uint16)
        shown = (pasted[..., :3] + (behind * (255 - alpha) + 127) // 255).clip(0, 255).astype(np.uint8)
    outside = covered == 0
    if outside.any():
        shown[outside] = SURROUND
    return shown
