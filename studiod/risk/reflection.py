"""Whether the piece's mirror image is kept as piece, on whichever side of it, and whether one was emptied."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studiod.imaging.mirror import find_images_below, show_piece
from studiod.imaging.types import Box, Bytes, Floats
from studiod.risk.doubt import EMPTIED

_APART = 0.05  # of the photograph's long side: what was emptied closer together is one image


@dataclass(frozen=True)
class Reflection:
    """A kept part that repeats what lies across `box`'s nearest edge, fainter; box in the photograph."""

    box: Box
    likeness: float
    strength: float


def find_reflection(
    photo: Floats, background: Floats, alpha: Floats, doubt: Bytes | None
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


def find_emptied(alpha: Floats, doubt: Bytes | None) -> list[Box]:
    """The boxes, in the photograph, of what the matte emptied: one for each mirror image, from the left."""
    if doubt is None:
        return []
    emptied = ((alpha == 0) & (doubt > 255 * EMPTIED)).astype(np.uint8)
    first_x, first_y, across, down = cv2.boundingRect(emptied)
    if not across:
        return []
    emptied = emptied[first_y : first_y + down, first_x : first_x + across]
    reach = max(1, round(_APART * max(alpha.shape)))
    joined = cv2.dilate(emptied, np.ones((reach, reach), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    boxes = []
    for label, (left, top, width, height, _) in enumerate(stats[1:], 1):
        part = np.s_[top : top + height, left : left + width]
        x, y, across, down = cv2.boundingRect(emptied[part] * (labels[part] == label).astype(np.uint8))
        x0, y0 = int(first_x + left + x), int(first_y + top + y)
        boxes.append((x0, y0, x0 + across, y0 + down))
    return sorted(boxes)
