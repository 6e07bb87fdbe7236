"""The points of interest: where a person must have looked before a dear piece leaves."""

from __future__ import annotations

import numpy as np
import pytest

from studiod.risk import places


@pytest.mark.parametrize("side", [401, 402, 403])
def test_places_lie_in_the_photograph(monkeypatch: pytest.MonkeyPatch, side: int) -> None:
    """A chain along the last row and column of a large piece is looked at there, not beyond the frame."""
    monkeypatch.setattr(places, "_LARGEST_PIXELS", 2e4)
    alpha = np.zeros((side, side), np.float32)
    alpha[-4:] = alpha[:, -4:] = 1
    chosen = places.choose_places(np.zeros((side, side, 3), np.float32), alpha, (50, 70), ())
    assert chosen
    assert all(alpha[y - 70, x - 50] == 1 for _, x, y in chosen)
