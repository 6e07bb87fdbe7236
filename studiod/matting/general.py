"""General background removers (U^2-Net, U^2-Net-p, IS-Net) as ONNX files: where is the piece, roughly."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from studiod.errors import StudioError
from studiod.imaging.colour import encode_srgb8
from studiod.imaging.types import Bytes, Floats
from studiod.matting.brush import obey_strokes
from studiod.matting.difference import matte_from_difference
from studiod.matting.matte import Matte
from studiod.matting.sessions import hash_files, open_session
from studiod.names import printable
from studiod.settings import Provider
from studiod.strokes import Stroke

_IMAGENET = (np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32))
_CENTRED = (np.full(3, 0.5, np.float32), np.ones(3, np.float32))
_ISNET_SIDE = 1024
_U2NET_SIDE = 320
_PRESENT = 0.3
_LARGEST_LOOK = 2048


class GeneralModel:
    """A session of a general background remover; `name`, `sha256` and `side` (of its square input) say which.

    A file with a 1024 px input (or one of free size whose name begins with "isnet") is taken for IS-Net, any
    other three-channel square input for U^2-Net.
    """

    def __init__(self, path: Path, threads: int = 0, provider: Provider = "cpu") -> None:
        self.name = path.stem
        self.sha256 = hash_files(path)
        self._session = open_session(path, threads, provider)
        wanted = self._session.get_inputs()
        shape = wanted[0].shape
        if len(wanted) != 1 or len(shape) != 4 or shape[1] != 3 or wanted[0].type != "tensor(float)":
            raise StudioError(
                f"{printable(path)} is no background remover that studiod knows: its input is {shape}.",
                "Use an ONNX file of U^2-Net (1 x 3 x 320 x 320) or IS-Net (1 x 3 x 1024 x 1024).",
            )
        self._input = wanted[0].name
        self._output = self._session.get_outputs()[0].name
        named = path.stem.lower().replace("-", "").replace("_", "").startswith("isnet")
        free = _ISNET_SIDE if named else _U2NET_SIDE
        self.side = shape[2] if isinstance(shape[2], int) else free
        self._mean, self._deviation = _CENTRED if self.side == _ISNET_SIDE else _IMAGENET

    def find(self, display: Bytes) -> Floats:
        """The network's raw mask (side x side, 0..1, not stretched) of an 8-bit sRGB picture, H x W x 3."""
        small = _lanczos(display, self.side).astype(np.float32)
        small /= max(1.0, float(small.max()))
        small = (small - self._mean) / self._deviation
        (mask,) = self._session.run([self._output], {self._input: small.transpose(2, 0, 1)[None]})
        raw: Floats = np.asarray(mask, np.float32).reshape(mask.shape[-2:])
        return raw


class GeneralMatte:
    """A general background remover says where the piece is, the background's colour where it ends."""

    def __init__(self, model: GeneralModel) -> None:
        self._model = model
        self.name = model.name
        self.sha256 = model.sha256

    def solve(self, photo: Floats, background: Floats, strokes: Sequence[Stroke] = ()) -> Matte:
        """Alpha of `photo`, all 0 where the model finds no piece; strokes are obeyed."""
        mask = self._model.find(_display(photo))
        if float(mask.max()) < _PRESENT:
            alpha = np.zeros(photo.shape[:2], np.float32)
        else:
            alpha = matte_from_difference(photo, background, mask)
        obey_strokes(alpha, photo, background, strokes)
        return Matte(alpha)


def run_as_published(model: GeneralModel, display: Bytes) -> Floats:
    """The matte as rembg makes it: the mask stretched to 0..1 and enlarged by Lanczos; H x W."""
    raw = model.find(display)
    low, high = float(raw.min()), float(raw.max())
    stretched = ((raw - low) / max(high - low, 1e-9) * 255).astype(np.uint8)
    height, width = display.shape[:2]
    enlarged = Image.fromarray(stretched).resize((width, height), Image.Resampling.LANCZOS)
    alpha: Floats = np.asarray(enlarged, np.float32) / np.float32(255)
    return alpha


def _lanczos(display: Bytes, side: int) -> Bytes:
    resized = Image.fromarray(display).resize((side, side), Image.Resampling.LANCZOS)
    return np.asarray(resized)


def _display(photo: Floats) -> Bytes:
    """`photo` as sRGB of 8 bits, at most 2048 px long: what general models were trained on."""
    height, width = photo.shape[:2]
    scale = min(1.0, _LARGEST_LOOK / max(height, width))
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        photo = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.float32)
    return encode_srgb8(photo)
