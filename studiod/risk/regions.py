"""Masks and windows of them: what lies around a region, how deep it is, its box and its worst place."""

from __future__ import annotations

import cv2
import numpy as np

from studiod.imaging.types import Box, Floats, Mask, Point, Window


def grown(mask: Mask, reach: int) -> Mask:
    """The mask and what lies within `reach` pixels of it, across, down or both."""
    square = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    return np.asarray(cv2.dilate(mask.astype(np.uint8), square) > 0)


def rim_of(mask: Mask, radius: int = 1) -> Mask:
    """Pixels within `radius` of the mask's outline."""
    square = np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)
    return np.asarray(cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_GRADIENT, square) > 0)


def distance_inside(mask: Mask) -> Floats:
    """Each pixel's distance to the nearest one outside; H x W."""
    return np.asarray(cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 3), np.float32)


def bounds_of(mask: Mask) -> Box:
    """The box of all that a mask holds, of no size where that is nothing."""
    left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
    return left, top, left + width, top + height


def box_of(window: Window) -> Box:
    """The box of some rows and columns."""
    rows, columns = window
    return columns.start, rows.start, columns.stop, rows.stop


def worst_of(window: Window, region: Mask, how_bad: Floats) -> Point:
    """The place (x, y) of a window's region where `how_bad` (of the window, 0 and up) is largest."""
    row, column = np.unravel_index(int(np.argmax(np.where(region, how_bad, -1.0))), region.shape)
    return window[1].start + int(column), window[0].start + int(row)
