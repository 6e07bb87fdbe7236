"""Whether the piece's mirror image is kept as piece, on whichever side of it, and whether one was emptied."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from studiod.imaging.mirror import find_images_below, show_piece
from studiod.risk.doubt import EMPTIED
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
    seen = show_piece(alpha, photo, background, doubt)
    if seen is None:
        return None
    shown, window = seen
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
    (rows, columns), (top, left) = shown.kept.shape, (edges.start for edges in window)
    height, width = (edges.stop - edges.start for edges in window)
    box = (
        left + x * width // columns,
        top + y * height // rows,
        left - (-(x + across) * width // columns),
        top - (-(y + down) * height // rows),
    )
    return Reflection(box, likeness, strength)


def find_emptied(alpha: Floats, doubt: Bytes | None) -> Box | None:
    """The box, in the photograph, of what the matte emptied for a mirror image; None without one."""
    if doubt is None:
        return None
    left, top, width, height = cv2.boundingRect(((alpha == 0) & (doubt > 255 * EMPTIED)).astype(np.uint8))
    return (left, top, left + width, top + height) if width else None
