"""What a trained coarse network says of every packed picture: the fine pass learns from its mistakes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

from studiod.imaging.colour import to_linear
from studiod.imaging.types import Bytes, Floats
from studiod.matting.chain import coarse_coverage
from studiod.matting.training.packing import Layers, read_pack


def write_answers(packed: Path, coarse: Path, out: Path) -> Iterator[str]:
    """Write the coverage that `coarse` (ONNX) finds in every picture, twice, to `out`; yields their names.

    `out` (.npz) holds 2 x H x W uint8 a picture: with the estimated background and with the plate.
    """
    session = onnxruntime.InferenceSession(str(coarse), providers=["CPUExecutionProvider"])
    found: dict[str, Bytes] = {}
    for picture in read_pack(packed):
        photo = to_linear(picture.native.photo, None)
        backgrounds = (_estimate(picture.native), to_linear(picture.native.plate, None))
        answers = [coarse_coverage(session, photo, background) for background in backgrounds]
        found[picture.name] = np.asarray(np.stack(answers) * 255 + 0.5, np.uint8)
        yield picture.name
    np.savez_compressed(out, allow_pickle=False, **found)


def read_answers(path: Path) -> dict[str, Bytes]:
    """The answers of `write_answers` by the name of the picture."""
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


def _estimate(layers: Layers) -> Floats:
    size = layers.alpha.shape[::-1]
    return np.asarray(cv2.resize(layers.estimate, size, interpolation=cv2.INTER_LINEAR), np.float32)
