"""Where the fine pass looks: every active cell, with as little work as can be."""

from __future__ import annotations

import numpy as np
import pytest

from studiod.matting import tiles


def test_tiles_cover_every_active_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every active cell lies in a tile, wherever the grid falls; no tile is larger than allowed or empty."""
    active = np.random.default_rng(8).random((90, 130)) < 0.03
    monkeypatch.setattr(tiles, "LARGEST_TILE", 320)
    for shift in (0, 16, 112, 640):
        hit = np.zeros((90, 130), bool)
        for top, left, bottom, right in tiles.lay_tiles(active, shift):
            assert 0 < max(bottom - top, right - left) <= 320
            cells = np.s_[top // 16 : bottom // 16, left // 16 : right // 16]
            assert active[cells].any()
            hit[cells] = True
        assert hit[active].all()
    assert tiles.lay_tiles(np.zeros((90, 130), bool), 0) == []


def test_tiles_are_joined_where_that_is_less_work() -> None:
    """Two neighbours are one tile, two cells far apart stay two, and a hollow square is not filled."""
    near, far, hollow = (np.zeros((200, 200), bool) for _ in range(3))
    near[4, [7, 8]] = True
    assert tiles.lay_tiles(near, 0) == [(64, 112, 80, 144)]
    far[4, [4, 60]] = True
    assert sorted(tiles.lay_tiles(far, 0)) == [(64, 64, 80, 80), (64, 960, 80, 976)]
    hollow[5:55, 5:55] = True
    hollow[7:53, 7:53] = False
    hollowed = tiles.lay_tiles(hollow, 0)
    looked_at = sum((bottom - top + 192) * (right - left + 192) for top, left, bottom, right in hollowed)
    assert looked_at < (800 + 192) ** 2
