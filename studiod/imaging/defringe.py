"""Defringing: the piece's own colour where it only partly covers a pixel, free of the old background."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from studiod.imaging.colour import Linear

Alpha = NDArray[np.float32]

_TRUST = 0.04
"""How much a pixel's own equation gives way to its neighbourhood; alpha squared is weighed against it."""
_REACH = (3, 9, 27)
"""Sides of the neighbourhoods, in pixels; a wider one speaks only where the narrower has nothing to say."""


def estimate_foreground(photo: Linear, background: Linear, alpha: Alpha) -> Linear:
    """The colour of the piece alone in `photo` (all H x W x 3 linear, `alpha` H x W).

    Where alpha is 1 it is the photograph's, exactly; where alpha is 0 it is 0. Between, it solves
    `photo = alpha x piece + (1 - alpha) x background`, held to the colours around it, which are found
    the same way and weighed by how much of the piece each pixel shows.
    """
    foreground = np.where(alpha[..., None] >= 1.0, photo, np.float32(0.0)).astype(np.float32)
    partly = (alpha > 0.0) & (alpha < 1.0)
    if not partly.any():
        return foreground
    cover = alpha[..., None]
    shown = cover * (photo - (1.0 - cover) * background)
    weight = cover * cover
    around = np.zeros_like(photo)
    for side in reversed(_REACH):
        colours = cv2.boxFilter(shown, cv2.CV_32F, (side, side), borderType=cv2.BORDER_REFLECT_101)
        weights = cv2.boxFilter(alpha * alpha, cv2.CV_32F, (side, side), borderType=cv2.BORDER_REFLECT_101)
        little = np.float32(0.02)
        around = (colours + little * around) / (weights[..., None] + little)
    solved = (shown + _TRUST * around) / (weight + _TRUST)
    ceiling = np.maximum(1.0, np.maximum(photo, around))
    foreground[partly] = np.clip(solved[partly], np.minimum(photo, 0.0)[partly], ceiling[partly])
    return foreground
