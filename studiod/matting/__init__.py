"""From photograph and background to the piece's coverage: our own networks, or a user's ONNX file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from studiod.imaging.types import Floats
from studiod.matting.chain import ChainMatting
from studiod.matting.general import GeneralMatte, GeneralModel
from studiod.matting.matte import Matte
from studiod.settings import MattingSettings
from studiod.strokes import Stroke

WEIGHTS = Path(__file__).parent / "weights"
"""The folder of the shipped networks."""


class LoadedMatte(Protocol):
    """A matte ready to run on photograph and background (linear, H x W x 3).

    `name` and `sha256` say which model made it.
    """

    name: str
    sha256: str

    def solve(self, photo: Floats, background: Floats, strokes: Sequence[Stroke] = ()) -> Matte:
        """Alpha and, of our own networks, the doubt about it."""


def load_matte(settings: MattingSettings, threads: int = 0) -> LoadedMatte:
    """The matte that the settings ask for; `threads` 0 lets onnxruntime choose."""
    if settings.model is None:
        return ChainMatting(WEIGHTS / "coarse.onnx", WEIGHTS / "fine.onnx", threads, settings.provider)
    return GeneralMatte(GeneralModel(settings.model, threads, settings.provider))
