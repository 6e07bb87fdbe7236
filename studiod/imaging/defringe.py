"""Defringing: the piece's own colour where it only partly covers a pixel, free of the old background."""

from __future__ import annotations

import cv2
import numpy as np

from studiod.imaging.types import Floats, Window

_TRUST = 0.3
"""How much a pixel's own equation gives way to its neighbourhood; alpha squared is weighed against it."""
_LITTLE = 0.002
"""The share of known pixels in a neighbourhood below which a wider one is asked."""
_PIECE_REACH = (3, 9, 27)
_BACKGROUND_REACH = (3, 7, 21)
"""Sides of the neighbourhoods, in pixels."""
_CLEAR = 0.02
_TILE, _MARGIN = 128, 24
"""The edge is worked on in squares, as far as it goes, with as much around as the neighbourhoods reach."""


def estimate_foreground(photo: Floats, background: Floats, alpha: Floats) -> Floats:
    """The colour of the piece alone in `photo` (all H x W x 3 linear, `alpha` H x W).

    Where alpha is 1 it is the photograph's, exactly; where alpha is 0 it is 0. Between, it solves
    `photo = alpha x piece + (1 - alpha) x background`, held to the colours around it, which are found
    the same way and weighed by how much of the piece each pixel shows. The background that counts is
    the one seen right beside the piece, in its shadow: `background` speaks only where none is seen.
    """
    height, width = alpha.shape
    opaque = (alpha >= 1.0).view(np.uint8)
    foreground = np.asarray(cv2.copyTo(photo, opaque), np.float32)
    partly = (alpha > 0.0) & (alpha < 1.0)
    for top in range(0, height, _TILE):
        for left in range(0, width, _TILE):
            edge = partly[top : top + _TILE, left : left + _TILE]
            x, y, across, down = cv2.boundingRect(edge.view(np.uint8))
            if not across:
                continue
            inside = np.s_[top + y : top + y + down, left + x : left + x + across]
            around, within = _with_margin(inside)
            solved = _solve(photo[around], background[around], alpha[around])[within]
            np.copyto(foreground[inside], solved, where=partly[inside][..., None])
    return foreground


def _with_margin(inside: Window) -> tuple[Window, Window]:
    """The window with its margin, as far as there is one, and where in that it lies itself."""
    rows, columns = inside
    y, x = max(0, rows.start - _MARGIN), max(0, columns.start - _MARGIN)
    around = np.s_[y : rows.stop + _MARGIN, x : columns.stop + _MARGIN]
    return around, np.s_[rows.start - y : rows.stop - y, columns.start - x : columns.stop - x]


def _solve(photo: Floats, background: Floats, alpha: Floats) -> Floats:
    """The piece's colour in a tile, wherever it is seen."""
    cover = alpha[..., None]
    clear = (alpha <= _CLEAR).astype(np.float32)
    behind = _spread(photo * clear[..., None], clear, background, _BACKGROUND_REACH)
    shown = cover * (photo - (1.0 - cover) * behind)
    weight = alpha * alpha
    around = _spread(shown, weight, np.zeros_like(photo), _PIECE_REACH)
    solved = (shown + _TRUST * around) / (weight[..., None] + _TRUST)
    lowest, highest = np.minimum(photo, 0.0), np.maximum(1.0, np.maximum(photo, around))
    return np.asarray(np.clip(solved, lowest, highest), np.float32)


def _spread(weighted: Floats, weight: Floats, prior: Floats, reach: tuple[int, ...]) -> Floats:
    """Weighted means over neighbourhoods, the narrowest that knows enough; `prior` where none does."""
    around = prior
    for side in reversed(reach):
        colours = cv2.blur(weighted, (side, side), borderType=cv2.BORDER_REFLECT_101)
        known = cv2.blur(weight, (side, side), borderType=cv2.BORDER_REFLECT_101)[..., None]
        around = (colours + _LITTLE * around) / (known + _LITTLE)
    return np.asarray(around, np.float32)
