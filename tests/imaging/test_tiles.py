from __future__ import annotations

import numpy as np
import pytest

from studiod.imaging.tiles import cell_maximum, cover_cells, cut_window


@pytest.mark.parametrize("cell", [16, 32])
def test_tiles_cover_each_active_cell_once(cell: int) -> None:
    """Every active cell lies in exactly one tile, wherever the grid begins."""
    active = np.random.default_rng(8).random((90, 130)) < 0.03
    for shift in (0, 7, 40):
        hits = np.zeros((400, 400), int)
        for top, left, bottom, right in cover_cells(active, cell, shift):
            hits[top // cell : bottom // cell, left // cell : right // cell] += 1
        assert (hits[:90, :130][active] == 1).all()
        assert hits.max() <= 1


def test_nothing_active_has_no_tiles() -> None:
    """An empty frame is not looked at."""
    assert list(cover_cells(np.zeros((5, 5), np.bool_), 16)) == []


def test_a_window_beyond_the_frame_repeats_its_edge() -> None:
    """By hand: two pixels to the left of the frame look like its first column."""
    layer = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert cut_window(layer, (0, -2, 3, 2)).tolist() == [[0, 0, 0, 1], [3, 3, 3, 4], [3, 3, 3, 4]]


def test_cells_hold_their_largest_value() -> None:
    """By hand: three columns in cells of two; the last cell is what is left."""
    layer = np.array([[1, 5, 2], [3, 4, 9]], np.float32)
    assert cell_maximum(layer, 2).tolist() == [[5, 9]]
