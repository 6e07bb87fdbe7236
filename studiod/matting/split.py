"""Which rendered pieces the networks are trained on, the risk calibrated on, and both tested on."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path

_LISTED = Path(__file__).with_name("split.json")


def split_part(kind: str, seed: int) -> str:
    """The part (`train`, `calibrate` or `test`) of a piece: listed in split.json, else by hash (60/20/20)."""
    key = f"{kind}_{seed}"
    bucket = int(hashlib.sha256(key.encode()).hexdigest(), 16) % 5
    return _listed_parts().get(key, ("train", "train", "train", "calibrate", "test")[bucket])


@lru_cache(maxsize=1)
def _listed_parts() -> dict[str, str]:
    listed: dict[str, str] = json.loads(_LISTED.read_text(encoding="utf-8"))
    return listed
