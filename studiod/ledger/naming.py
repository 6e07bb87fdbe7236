"""Names of output files: decided once, unique among what lies in the outbox on any file system."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from itertools import count

_LONGEST = 255


def output_names(stem: str, extension: str, *, item: int, delivery: int) -> Iterator[str]:
    """Names to try in this order: STEM, STEM_item37, STEM_item37_2 ...

    From an item's second delivery on, STEM is STEM_v2. Over-long stems are cut, whole characters at a time.
    """
    base = "" if delivery == 1 else f"_v{delivery}"
    yield fitted(stem, base + extension)
    yield fitted(stem, f"{base}_item{item}{extension}")
    for number in count(2):
        yield fitted(stem, f"{base}_item{item}_{number}{extension}")


def folded(path: str) -> bytes:
    """What two paths share that some file system takes for the same (case, Unicode composition)."""
    return os.fsencode(unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold()))


def fitted(stem: str, ending: str) -> str:
    """The stem with its ending, cut to what a file's name may have, whole characters at a time."""
    room = _LONGEST - len(os.fsencode(ending))
    while len(os.fsencode(stem)) > room:
        stem = stem[:-1]
    return stem + ending
