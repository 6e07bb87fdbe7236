"""Regions where matte and photograph disagree, each with the measurements that tell whether it matters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from studiod.imaging.types import Box, Floats, Mask, Point, Window
from studiod.risk.evidence import Evidence
from studiod.risk.findings import Reason
from studiod.risk.regions import box_of, distance_inside, grown, worst_of

LOSS_FEATURES = (
    "log_area", "log_length", "slim", "log_reach", "contacts", "contact_share", "log_girth", "enclosed",
    "contrast", "difference", "lightness", "darkest", "brightest", "colour", "texture", "slope",
    "slope_inner", "free_edge", "alpha", "noise", "typical", "thinness", "doubt", "edge_width",
    "contact_step", "contact_edge",
)  # fmt: skip
LEFTOVER_FEATURES = (
    "log_area", "log_depth", "open_side", "likeness", "lightness", "colour", "texture", "slope", "ring",
    "ring_slope", "alpha", "noise", "typical", "thinness", "compact", "doubt", "ring_edge",
)  # fmt: skip
_OUT_OF_REACH = 2.2
_DEEP = 2.0
_SMALLEST_LOSS = 7
_SMALLEST_LEFTOVER = 16
_SHOWING = 0.1
_FILLED = 0.5
_DOUBTED = 0.15
_MOST = 60
_CROSS = np.ones((3, 3), np.uint8)


@dataclass(frozen=True)
class Candidate:
    """A region that may be a mistake: its reason, box and worst place in the crop, and measurements.

    `area` counts its pixels, `region` says which of the box they are.
    """

    reason: Reason
    box: Box
    worst: Point
    area: int
    measured: tuple[float, ...]
    region: Mask

    @property
    def length(self) -> float:
        """The diagonal of the box in pixels of the crop."""
        left, top, right, bottom = self.box
        return float(np.hypot(right - left, bottom - top))


def find_losses(evidence: Evidence) -> list[Candidate]:
    """Regions that differ from the background as the piece does, sharply, yet are not covered."""
    covered = evidence.covered
    reach, depth = distance_inside(~covered), distance_inside(covered)
    missing = evidence.standing_out() & (evidence.alpha < 0.4)
    joined = cv2.morphologyEx(missing.astype(np.uint8), cv2.MORPH_CLOSE, _CROSS)
    enclosed = ~covered & ~_outside(covered)
    return [
        _measure_loss(evidence, window, inside, reach, depth, enclosed)
        for window, inside in _components(joined, _SMALLEST_LOSS)
        if float(reach[window][inside].max()) >= _OUT_OF_REACH
    ]


def find_leftovers(evidence: Evidence) -> list[Candidate]:
    """Regions kept, or half kept, that are flat and of the background's colour or were doubted."""
    covered = evidence.alpha > _SHOWING
    depth, outside = distance_inside(covered), _outside(covered)
    smooth = cv2.blur(evidence.difference, (5, 5))
    flat = cv2.blur(evidence.slope, (5, 5)) < 0.7 * evidence.steep
    alike = covered & (smooth < 1.5 * evidence.low) & flat
    if evidence.doubt is not None:
        alike |= (evidence.doubt > _DOUBTED) & (depth >= _DEEP)
    opened = cv2.morphologyEx(alike.astype(np.uint8), cv2.MORPH_OPEN, _CROSS)
    return [
        _measure_leftover(evidence, window, inside, depth, outside)
        for window, inside in _components(opened, _SMALLEST_LEFTOVER)
        if float(np.quantile(depth[window][inside], 0.9)) >= _DEEP
    ]


def _components(mask: cv2.typing.MatLike, smallest: int) -> Iterator[tuple[Window, Mask]]:
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    order = np.argsort(-stats[1:, cv2.CC_STAT_AREA])[:_MOST] + 1
    for index in order:
        left, top, width, height, area = (int(value) for value in stats[index])
        if area < smallest:
            return
        window = np.s_[top : top + height, left : left + width]
        yield window, labels[window] == index


def _outside(covered: Mask) -> Mask:
    """Uncovered pixels that are connected with the crop's border."""
    count, labels = cv2.connectedComponents((~covered).astype(np.uint8), connectivity=4)
    border = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    reached = np.zeros(count, bool)
    reached[border] = True
    outside: Mask = reached[labels] & ~covered
    return outside


def _widened(window: Window, margin: int, shape: tuple[int, ...]) -> Window:
    rows, columns = window
    return np.s_[
        max(0, rows.start - margin) : min(shape[0], rows.stop + margin),
        max(0, columns.start - margin) : min(shape[1], columns.stop + margin),
    ]


def _within(window: Window, inside: Mask, wide: Window) -> Mask:
    """The region of a window as one of a wider window."""
    placed = np.zeros((wide[0].stop - wide[0].start, wide[1].stop - wide[1].start), np.bool_)
    top, left = window[0].start - wide[0].start, window[1].start - wide[1].start
    placed[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
    return placed


def _step(beside: Floats, inside: Floats) -> float:
    """How far what is covered beside a place is from it in lightness; 0 where nothing is."""
    return abs(float(np.median(beside)) - float(inside.mean())) if beside.size else 0.0


def _measure_loss(
    evidence: Evidence, window: Window, inside: Mask, reach: Floats, depth: Floats, enclosed: Mask
) -> Candidate:
    """The region as LOSS_FEATURES names.

    `reach` and `depth` are distances to what is covered and within it, `enclosed` what it surrounds; H x W.
    """
    area = int(inside.sum())
    length = float(np.hypot(*inside.shape))
    slim = area / length
    wide = _widened(window, 5, evidence.alpha.shape)
    region = _within(window, inside, wide)
    near = grown(region, 3)
    touching = near & evidence.covered[wide]
    contacts = cv2.connectedComponents(touching.astype(np.uint8), connectivity=8)[0] - 1
    ring = near & ~region
    free = ring & ~evidence.covered[wide] & (reach[wide] > 2.5)
    around = depth[_widened(window, max(16, round(1.5 * length)), depth.shape)]
    girth = float(np.quantile(around[around > 0], 0.95)) if (around > 0).any() else 0.0
    closed = float(enclosed[window][inside].mean())
    lightness, slope = evidence.lightness[window][inside], evidence.slope[window][inside]
    difference = float(np.median(evidence.difference[window][inside]))
    inner = slope[reach[window][inside] > 2.5]
    free_edge = float(np.median(evidence.slope[wide][free])) if free.any() else 0.0
    darkest, brightest = (float(value) for value in np.quantile(lightness, (0.1, 0.9)))
    measured = (
        np.log(area), np.log(length), slim, np.log(float(reach[window][inside].max())), min(contacts, 4),
        float(touching.sum()) / max(1.0, float(ring.sum())), np.log(girth + 1), closed,
        difference / max(evidence.typical, 0.05), difference, float(lightness.mean()), darkest, brightest,
        float(np.median(evidence.colour[window][inside])), float(lightness.std()), float(slope.mean()),
        float(np.quantile(inner, 0.8)) if inner.size else 0.0, free_edge / max(difference, 0.05),
        float(evidence.alpha[window][inside].mean()), evidence.noise, evidence.typical, evidence.thinness,
        evidence.mean_doubt(window, inside),
        np.log(max(difference, 0.05) / max(1e-3, float(np.quantile(evidence.slope[wide][near], 0.9)))),
        _step(evidence.lightness[wide][touching], lightness),
        float((evidence.slope[wide][touching] > evidence.steep).mean()) if contacts else 0.0,
    )  # fmt: skip
    reason: Reason = "chain_gap"
    if closed > 0.8 and girth > 3.0:
        reason = "stone_eaten"
    elif contacts == 1 and girth > 4.0 and length < 4.0 * girth + 6.0:
        reason = "prong_missing"
    worst = worst_of(window, inside, reach[window])
    return Candidate(reason, box_of(window), worst, area, tuple(map(float, measured)), inside)


def _measure_leftover(
    evidence: Evidence, window: Window, inside: Mask, depth: Floats, outside: Mask
) -> Candidate:
    """The region as LEFTOVER_FEATURES names.

    `depth` is the distance within what shows, `outside` what does not and is joined with the border; H x W.
    """
    area = int(inside.sum())
    wide = _widened(window, 6, evidence.alpha.shape)
    region = _within(window, inside, wide)
    ring = grown(region, 4) & ~region
    open_side = float((ring & outside[wide]).sum()) / max(1.0, float(ring.sum()))
    held = ring & evidence.covered[wide]
    kept = float(evidence.alpha[window][inside].mean())
    slope = evidence.slope[window][inside]
    lightness = evidence.lightness[window][inside]
    measured = (
        np.log(area), np.log(float(depth[window][inside].max())), open_side,
        float(evidence.difference[window][inside].mean()) / evidence.low, float(lightness.mean()),
        float(np.median(evidence.colour[window][inside])),
        float(lightness.std()) / max(evidence.noise, 0.005), float(slope.mean()) / evidence.steep,
        float(evidence.difference[wide][held].mean()) if held.any() else 0.0,
        float(evidence.slope[wide][held].mean()) if held.any() else 0.0,
        kept, evidence.noise, evidence.typical, evidence.thinness, area / max(1.0, float(inside.size)),
        evidence.mean_doubt(window, inside),
        float((evidence.slope[wide][held] > evidence.steep).mean()) if held.any() else 0.0,
    )  # fmt: skip
    reason: Reason = "hole_filled" if kept >= _FILLED else "hole_leaking"
    if open_side > 0.03:
        reason = "background_left"
    worst = worst_of(window, inside, depth[window])
    return Candidate(reason, box_of(window), worst, area, tuple(map(float, measured)), inside)
