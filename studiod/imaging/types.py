"""What pictures, and places in them, are held in everywhere."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
"""Light (linear, H x W x 3), coverage and all that is measured at each pixel (H x W)."""
Values = NDArray[np.float64]
"""Numbers that are no picture, such as probabilities."""
Bytes = NDArray[np.uint8]
"""8-bit codes, or a doubt in 1/255."""
Pixels = NDArray[Any]
"""Codes as a file holds them: uint8 or uint16."""
Mask = NDArray[np.bool_]
"""Where something holds, H x W."""

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; right and bottom lie outside."""
Point = tuple[int, int]
"""A pixel: x, y."""
Window = tuple[slice, slice]
"""Rows and columns, as arrays are indexed."""
