"""What the witness learns from besides the packed layers: the piece's parts, and what networks answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

CHAIN, PRONG, HOLE = 0, 1, 2
MATTES = 3
"""Where the networks' mattes begin among the layers."""
_PARTS = {CHAIN: 4, PRONG: 3}
_HOLE_PIXELS = 30


def write_marks(sets: Sequence[Path], mattes: Sequence[Path], out: Path) -> Iterator[str]:
    """Write `out` (.npz) from folders in the layout of bench/rendered; yields their pictures' names.

    It holds C x H x W uint8 a picture: where its chain, its prongs and its holes are (255), then what each
    of the folders `mattes` has of it (NAME_alpha.png); pictures that one of them lacks are left out.
    """
    found: dict[str, Bytes] = {}
    for folder in sets:
        for parts in sorted(folder.glob("*_parts.png")):
            name = parts.name.removesuffix("_parts.png")
            answers = [matte / f"{name}_alpha.png" for matte in mattes]
            if not all(path.exists() for path in answers):
                continue
            labels = _grey(parts)
            layers = [np.where(labels == value, 255, 0) for value in _PARTS.values()]
            layers += [_holes(_grey(folder / f"{name}_alpha.png")), *map(_grey, answers)]
            found[name] = np.stack(layers).astype(np.uint8)
            yield name
    np.savez_compressed(out, allow_pickle=False, **found)


def read_marks(path: Path) -> dict[str, Bytes]:
    """The layers of `write_marks` by the name of the picture."""
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


def _grey(path: Path) -> Bytes:
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise ValueError(f"{path} cannot be read")
    return np.asarray(picture, np.uint8)


def _holes(alpha: Bytes) -> Bytes:
    """255 in see-through holes of 30 px and more: what is empty and not joined with the frame."""
    _, labels, facts, _ = cv2.connectedComponentsWithStats((alpha <= 5).astype(np.uint8), connectivity=4)
    hole = facts[:, cv2.CC_STAT_AREA] >= _HOLE_PIXELS
    hole[0] = False
    hole[np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))] = False
    return np.asarray(hole[labels] * 255, np.uint8)
