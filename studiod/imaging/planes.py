"""What every network of ours is shown of a photograph: its light, and how it differs from the background."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def write_planes(photo: Floats, background: Floats, planes: Floats) -> None:
    """Write six planes (6 x H x W) of linear photograph and background (H x W x 3).

    The photograph in square-root light (0..1), and the log2 ratio of photograph to background (-2..2).
    """
    pairs = zip(planes[0:3], planes[3:6], cv2.split(photo), cv2.split(background), strict=True)
    for light, ratio, seen, behind in pairs:
        np.sqrt(np.clip(seen, 0.0, 1.0, out=light), out=light)
        np.divide(np.maximum(seen, 0.0) + 0.01, np.maximum(behind, 0.0) + 0.01, out=ratio)
        np.clip(np.log2(ratio, out=ratio), -2.0, 2.0, out=ratio)
