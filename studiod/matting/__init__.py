"""From photograph and background to the piece's coverage: our own networks, or a user's ONNX file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from studiod.imaging.colour import encode_srgb8
from studiod.matting.brush import obey_strokes
from studiod.matting.chain import ChainMatting
from studiod.matting.difference import matte_from_difference
from studiod.matting.general import GeneralModel
from studiod.matting.matte import Matte
from studiod.matting.sessions import Provider
from studiod.strokes import Stroke

__all__ = ["GeneralMatte", "LoadedMatte", "Matte", "Stroke", "load_matte"]

Floats = NDArray[np.float32]

WEIGHTS = Path(__file__).parent / "weights"
_PRESENT = 0.3
_LARGEST_LOOK = 2048


class LoadedMatte(Protocol):
    """A matte ready to run on photograph and background (linear, H x W x 3).

    `name` and `sha256` say which model made it.
    """

    name: str
    sha256: str

    def solve(self, photo: Floats, background: Floats, strokes: Sequence[Stroke] = ()) -> Matte:
        """Alpha and, of our own networks, the doubt about it."""


class MattingOptions(Protocol):
    """What `load_matte` reads of the `[matting]` settings."""

    @property
    def model(self) -> Path | None:
        """A user's own ONNX file, or None for the shipped model."""

    @property
    def provider(self) -> Provider:
        """The device that onnxruntime computes on."""


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


def load_matte(options: MattingOptions, threads: int = 0) -> LoadedMatte:
    """The matte that the settings ask for; `threads` 0 lets onnxruntime choose."""
    if options.model is None:
        return ChainMatting(WEIGHTS / "coarse.onnx", WEIGHTS / "fine.onnx", threads, options.provider)
    return GeneralMatte(GeneralModel(options.model, threads, options.provider))


def _display(photo: Floats) -> NDArray[np.uint8]:
    """`photo` as sRGB of 8 bits, at most 2048 px long: what general models were trained on."""
    height, width = photo.shape[:2]
    scale = min(1.0, _LARGEST_LOOK / max(height, width))
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        photo = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.float32)
    return encode_srgb8(photo)
