"""The third pass: the witness, shown a photograph and any matte of it, says where the matte is wrong."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from studiod.matting.training.marks import CHAIN, HOLE, PRONG
from studiod.matting.training.packing import Packed
from studiod.matting.training.samples import Sample, draw_scene
from studiod.matting.training.wrong import draw_matte
from studiod.risk.witness import witness_input

Floats = NDArray[np.float32]
Random = np.random.Generator

_LOST, _LEFT, _BROKEN, _FILLED = range(4)
_SMALL_ERROR = 0.1
_EMPTY = 0.02
_FLAT = 0.2
"""What a pixel far from all edges weighs: of broad faces a crop cannot tell whether they are the piece."""


def draw_testimony(pictures: Sequence[Packed], size: int, random: Random) -> Sample:
    """A random sample: the crop with a matte of any kind, and what the witness should say of it.

    `picture` is 7 x S x S; `alpha` holds the answer, 4 x S x S: coverage lost, coverage left over, pixels of
    broken chains and lost prongs, pixels of filled holes. `context` says nothing.
    """
    scene = draw_scene(pictures, "witness", size, random)
    matte = draw_matte(scene, random)
    if not _ends(scene.alpha, 1).any():
        scene = draw_scene(pictures, "witness", size, random)
        matte = draw_matte(scene, random)
    answer = np.zeros((4, size, size), np.float32)
    answer[_LOST] = np.maximum(scene.alpha - matte, 0)
    answer[_LEFT] = np.maximum(matte - scene.alpha, 0)
    if scene.further is not None:
        for part in (CHAIN, PRONG):
            np.maximum(
                answer[_BROKEN], _broken(matte, scene.alpha, scene.further[..., part] > 0.5), answer[_BROKEN]
            )
        hole = (scene.further[..., HOLE] > 0.5) & (scene.alpha < _EMPTY)
        answer[_FILLED] = _filled(matte, hole)
    true_edge, edge = _ends(scene.alpha, 7), np.maximum(_ends(scene.alpha, 17), _ends(matte, 17))
    wrong = np.asarray(np.abs(scene.alpha - matte) > _SMALL_ERROR, np.float32)
    weight = np.asarray(_FLAT + edge * (1 + 2 * wrong) + true_edge + 2 * scene.emphasis, np.float32)
    picture = witness_input(scene.photo, scene.background, matte)
    return Sample(picture, np.zeros((1, 1, 1), np.float32), answer, weight)


def witness_loss(logits: Tensor, answer: Tensor, weight: Tensor) -> Tensor:
    """Cross entropy of all four answers, N x 4 x H x W, whose least lies at what is to be expected."""
    entropy = functional.binary_cross_entropy_with_logits(logits.float(), answer, reduction="none")
    result: Tensor = (entropy * weight).sum() / weight.sum()
    return result


def _ends(alpha: Floats, reach: int) -> Floats:
    """1 in squares of `reach` pixels round every place where coverage begins, ends or is partial, else 0."""
    partly = (alpha > 0.01) & (alpha < 0.99)
    solid = (alpha > 0.5).astype(np.uint8)
    ends = partly | (cv2.dilate(solid, np.ones((3, 3), np.uint8)) > solid)
    return np.asarray(cv2.dilate(ends.astype(np.uint8), np.ones((reach, reach), np.uint8)), np.float32)


def _mean(values: Floats) -> Floats:
    return np.asarray(cv2.blur(values, (7, 7), borderType=cv2.BORDER_REFLECT), np.float32)


def _broken(matte: Floats, true: Floats, part: NDArray[np.bool_]) -> Floats:
    """Pixels of a chain or prong around which less than half of it is kept, as `score.py` counts gaps."""
    kept, there = _mean(np.minimum(matte, true) * part), _mean(true * part)
    return np.asarray(part & (true > 0.3) & (kept < 0.5 * there), np.float32)


def _filled(matte: Floats, hole: NDArray[np.bool_]) -> Floats:
    """Pixels of holes that the matte covers by more than a tenth around them."""
    inside = hole.astype(np.float32)
    return np.asarray(hole & (_mean(matte * inside) > 0.1 * _mean(inside)), np.float32)
