"""The witness: a small network that says where a matte is wrong, from photograph, background and matte."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from studiod.imaging.planes import write_planes

Floats = NDArray[np.float32]


def witness_input(photo: Floats, background: Floats, alpha: Floats) -> Floats:
    """The network's input, 7 x H x W: what every network is shown (`write_planes`), and the matte."""
    stacked = np.empty((7, *alpha.shape), np.float32)
    write_planes(photo, background, stacked[:6])
    stacked[6] = alpha
    return stacked
