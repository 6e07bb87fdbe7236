"""Whether the piece's mirror image is kept as piece, on whichever side of it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from studiod.imaging.mirror import KEPT, find_images_below, show_small
from studiod.risk.findings import Box

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Reflection:
    """A kept part that repeats what lies across `box`'s nearest edge, fainter; box in the photograph."""

    box: Box
    likeness: float
    strength: float


def find_reflection(
    photo: Floats, background: Floats, alpha: Floats, doubt: Bytes | None = None
) -> Reflection | None:
    """The most convincing mirror image that `alpha` (H x W) keeps; None without one."""
    left, top, width, height = cv2.boundingRect(np.asarray(alpha > KEPT, np.uint8))
    if not width:
        return None
    piece = np.s_[top : top + height, left : left + width]
    shown = show_small(alpha[piece], photo[piece], background[piece], None if doubt is None else doubt[piece])
    found = []
    for quarters in range(4):
        turned = shown.turned(quarters)
        for image in find_images_below(turned):
            where = np.zeros(turned.kept.shape, np.uint8)
            where[image.axis :, image.columns] = turned.kept[image.axis :, image.columns]
            box = cv2.boundingRect(np.ascontiguousarray(np.rot90(where, -quarters)))
            found.append((image.likeness, image.strength, box))
    if not found:
        return None
    likeness, strength, (x, y, across, down) = max(found)
    scale = width / shown.kept.shape[1], height / shown.kept.shape[0]
    box = (
        left + int(x * scale[0]),
        top + int(y * scale[1]),
        left + int(np.ceil((x + across) * scale[0])),
        top + int(np.ceil((y + down) * scale[1])),
    )
    return Reflection(box, likeness, strength)
