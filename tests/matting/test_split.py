"""The split of the rendered pieces."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from studiod.matting import split


def test_split_is_fixed_and_whole() -> None:
    """Every piece has one part for good; the listed ones are split about 60/20/20."""
    listed = json.loads(Path(split.__file__).with_name("split.json").read_text())
    share = Counter(listed.values())
    assert set(share) == {"train", "calibrate", "test"}
    assert 0.15 < share["test"] / len(listed) < 0.25
    assert 0.15 < share["calibrate"] / len(listed) < 0.25
    assert split.split_part("band_ring", 1) == listed["band_ring_1"]
    hashed = Counter(split.split_part("hoop", seed) for seed in range(3000, 3500))
    assert 0.5 < hashed["train"] / 500 < 0.7
