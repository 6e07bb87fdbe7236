"""What a person painted: drawn for the networks to see, and made true of their answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from studiod.imaging.types import Floats, Mask, Window
from studiod.strokes import Stroke


def draw_strokes(shape: tuple[int, ...], strokes: Sequence[Stroke]) -> tuple[Floats, Floats]:
    """Keep (and solid) and remove strokes as H x W pictures of 0 and 1; without strokes views of one zero."""
    if not strokes:
        nothing = np.broadcast_to(np.float32(0), shape)
        return nothing, nothing
    keep, remove = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for stroke in strokes:
        _draw(remove if stroke.mode == "remove" else keep, stroke)
    keep *= 1 - remove
    return keep, remove


def _draw(canvas: Floats, stroke: Stroke) -> None:
    track = np.rint(np.array(stroke.points, np.float64)).astype(np.int32).reshape(-1, 1, 2)
    radius = max(0, round(stroke.radius))
    cv2.polylines(canvas, [track], False, 1.0, max(1, 2 * radius))
    for x, y in track[:, 0]:
        cv2.circle(canvas, (int(x), int(y)), radius, 1.0, -1)


def obey_strokes(alpha: Floats, photo: Floats, background: Floats, strokes: Sequence[Stroke]) -> None:
    """Make the strokes' promises true in `alpha`, in place: keep, then solid, then remove, which is hard.

    `photo` and `background` are linear, H x W x 3, `alpha` H x W.
    """
    for mode in ("keep", "solid", "remove"):
        for stroke in (s for s in strokes if s.mode == mode):
            part = _stroke_window(stroke, alpha.shape)
            if part is None:
                continue
            top, left = part[0].start, part[1].start
            moved = replace(stroke, points=tuple((x - left, y - top) for x, y in stroke.points))
            mask = np.zeros(alpha[part].shape, np.float32)
            _draw(mask, moved)
            if mode == "keep":
                path = np.zeros_like(mask)
                _draw(path, replace(moved, radius=0))
                _lift(alpha[part], photo[part], background[part], mask > 0, path > 0, stroke.radius)
            else:
                alpha[part][mask > 0] = 1.0 if mode == "solid" else 0.0


def _stroke_window(stroke: Stroke, shape: tuple[int, ...]) -> Window | None:
    """The part of a picture of that shape that a stroke can change; None where it lies outside."""
    points = np.array(stroke.points, np.float64)
    reach = stroke.radius + 2
    left, top = np.maximum(0, np.floor(points.min(axis=0) - reach)).astype(int)
    right, bottom = np.ceil(points.max(axis=0) + reach).astype(int) + 1
    rows, columns = slice(int(top), min(int(bottom), shape[0])), slice(int(left), min(int(right), shape[1]))
    return (rows, columns) if rows.start < rows.stop and columns.start < columns.stop else None


def _lift(alpha: Floats, photo: Floats, background: Floats, brush: Mask, path: Mask, radius: float) -> None:
    """Raise the brush's likeliest pixels to 1 where along `path` none within the brush reaches 0.9."""
    reach = 2 * max(1, round(radius)) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    covered = np.where(brush, alpha, 0).astype(np.float32)
    missing = path & (np.asarray(cv2.dilate(covered, disc)) < 0.9)
    if not missing.any():
        return
    contrast = np.abs(np.log2((photo.clip(0) + 0.01) / (background.clip(0) + 0.01))).max(axis=2)
    likely = np.where(brush, covered + 0.5 * np.minimum(contrast, 2.0) + 1e-3, 0.0).astype(np.float32)
    best = np.where(missing, np.asarray(cv2.dilate(likely, disc)), np.inf).astype(np.float32)
    least = np.asarray(cv2.erode(best, disc, borderType=cv2.BORDER_REPLICATE))
    alpha[brush & (likely >= 0.95 * least)] = 1.0
