"""A matte, and where the networks that made it were not sure."""

from __future__ import annotations

from dataclasses import dataclass

from studiod.imaging.types import Bytes, Floats


@dataclass(frozen=True, eq=False, slots=True)
class Matte:
    """Coverage `alpha`, H x W float32 0..1, and the `doubt` about it, H x W uint8.

    Doubt is how far, in 1/255, the networks' own answer lay from what was made of it. It is None where no
    network of ours answered: for a general model's matte and for a touch-up.
    """

    alpha: Floats
    doubt: Bytes | None = None
