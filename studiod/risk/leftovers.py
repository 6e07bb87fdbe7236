"""Places where the matte covers background: filled holes, reflections, halos."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from studiod.risk.evidence import Evidence
from studiod.risk.findings import Finding, Reason

Mask = NDArray[np.bool_]
Floats = NDArray[np.float32]

_SMALLEST = 24
_MOST_FINDINGS = 8
_HALO_WIDTH = 1.2


def background_under_matte(evidence: Evidence) -> Mask:
    """Covered pixels that are flat and of the background's colour, specks aside."""
    smooth = cv2.blur(evidence.difference, (5, 5))
    flat = cv2.blur(evidence.slope, (5, 5)) < 0.5 * evidence.steep
    alike = evidence.covered & (smooth < evidence.low) & flat
    opened = cv2.morphologyEx(alike.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    return opened.astype(bool)


def find_leftovers(evidence: Evidence) -> list[Finding]:
    """Filled holes and background at the piece's outside, largest first, and a kept reflection."""
    alike = background_under_matte(evidence)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(alike.astype(np.uint8), connectivity=8)
    reach = np.asarray(cv2.distanceTransform(evidence.covered.astype(np.uint8), cv2.DIST_L2, 3), np.float32)
    outside = _outside(evidence.covered)
    findings = []
    order = np.argsort(-stats[1:, cv2.CC_STAT_AREA])[:_MOST_FINDINGS] + 1
    for index in order:
        left, top, width, height, area = (int(value) for value in stats[index])
        if area < _SMALLEST:
            break
        box = np.s_[top : top + height, left : left + width]
        inside = labels[box] == index
        deep = float(np.quantile(reach[box][inside], 0.9))
        if deep < 2.5:
            continue
        grown = cv2.dilate(np.pad(inside.astype(np.uint8), 4), np.ones((9, 9), np.uint8)).astype(bool)
        around = outside[max(0, top - 4) : top + height + 4, max(0, left - 4) : left + width + 4]
        crop = grown[max(0, 4 - top) :, max(0, 4 - left) :][: around.shape[0], : around.shape[1]]
        open_side = float((crop & around).sum()) / max(4.0 * float(np.sqrt(area)) * 4.0, 1.0)
        reason: Reason = "background_left" if open_side > 0.1 else "hole_filled"
        findings.append(_finding(evidence, reason, box, inside, reach[box], area))
    reflection = _find_reflection(evidence)
    return findings + ([reflection] if reflection else [])


def _outside(covered: Mask) -> Mask:
    count, labels = cv2.connectedComponents((~covered).astype(np.uint8), connectivity=4)
    border = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    open_ = np.zeros(count, bool)
    open_[border] = True
    outside: Mask = open_[labels] & ~covered
    return outside


def _finding(
    evidence: Evidence, reason: Reason, box: tuple[slice, slice], inside: Mask, reach: Floats, area: int
) -> Finding:
    rows, columns = box
    likeness = 1.0 - float(evidence.difference[box][inside].mean()) / max(2 * evidence.low, 1e-3)
    real = area * evidence.scale**2
    probability = min(0.97, 0.3 + 0.45 * min(1.0, area / 150) * max(0.0, likeness) + 0.25 * (area > 400))
    place = np.unravel_index(int(np.argmax(np.where(inside, reach, -1.0))), inside.shape)
    x, y = evidence.point(columns.start + int(place[1]), rows.start + int(place[0]))
    if reason == "hole_filled":
        sentence = f"A hole of about {real:.0f} px shows the background but is kept as piece."
    else:
        sentence = f"About {real:.0f} px of background are kept beside the piece here."
    return Finding(
        reason,
        evidence.to_photo(columns.start - 1, rows.start - 1, columns.stop + 1, rows.stop + 1),
        (x, y),
        round(probability, 3),
        sentence,
        {"area_px": round(real, 1), "likeness": round(likeness, 3)},
    )


def _find_reflection(evidence: Evidence) -> Finding | None:
    """A part of what is covered that repeats, upside down and fainter, what stands above it."""
    covered = evidence.covered
    rows = np.flatnonzero(covered.any(axis=1))
    if len(rows) < 24:
        return None
    step = max(1.0, max(covered.shape) / 240)
    size = (max(8, int(covered.shape[1] / step)), max(8, int(covered.shape[0] / step)))
    mask = cv2.resize(covered.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    light = cv2.resize(evidence.lightness, size, interpolation=cv2.INTER_AREA) * (mask > 0.3)
    first, last = np.flatnonzero(mask.max(axis=1) > 0.3)[[0, -1]]
    best: tuple[float, int, float] = (0.0, 0, 1.0)
    for axis in range(first + (last - first) // 3, last - 4):
        deep = last - axis
        if axis - deep < first - 2 or deep < 6:
            continue
        below = light[axis + 1 : last + 1]
        above = light[axis - len(below) : axis][::-1]
        if above.shape != below.shape:
            continue
        strength = float((above * below).sum()) / max(float((above**2).sum()), 1e-6)
        likeness = float((above * below).sum()) / max(
            float(np.sqrt((above**2).sum() * (below**2).sum())), 1e-6
        )
        if 0.08 < strength < 0.7 and likeness > best[0]:
            best = (likeness, axis, strength)
    likeness, axis, strength = best
    if likeness < 0.85:
        return None
    columns = np.flatnonzero(mask[axis + 1 : last + 1].max(axis=0) > 0.3)
    if len(columns) < 3:
        return None
    left, right = columns[0] * step, (columns[-1] + 1) * step
    top, bottom = (axis + 1) * step, (last + 1) * step
    x, y = evidence.point((left + right) / 2, (top + bottom) / 2)
    return Finding(
        "reflection_kept",
        evidence.to_photo(left, top, right, bottom),
        (x, y),
        round(min(0.95, 0.4 + 3.0 * (likeness - 0.85)), 3),
        "The piece's mirror image below it seems to be kept as piece.",
        {"likeness": round(likeness, 3), "strength": round(strength, 3)},
    )


def halo_width(evidence: Evidence) -> float:
    """How many pixels of background the matte covers outside the piece's edge, on average along it."""
    solid = evidence.covered.astype(np.uint8)
    rim = cv2.morphologyEx(solid, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)).astype(bool)
    length = max(1.0, float(rim.sum()) / 2)
    band = cv2.dilate(solid, np.ones((9, 9), np.uint8)).astype(bool)
    depth = cv2.distanceTransform(solid, cv2.DIST_L2, 3) <= 4
    plain = band & depth & (evidence.difference < evidence.low)
    return float(evidence.alpha[plain].sum()) / length


def find_halo(evidence: Evidence) -> Finding | None:
    """A rim of background all around the piece, where it is wider than a pixel."""
    width = halo_width(evidence) * evidence.scale
    if width < _HALO_WIDTH:
        return None
    rows, columns = np.flatnonzero(evidence.covered.any(axis=1)), np.flatnonzero(evidence.covered.any(axis=0))
    box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    rim = (evidence.covered & (evidence.difference < evidence.low)).astype(np.float32)
    density = cv2.blur(rim, (31, 31))
    worst = np.unravel_index(int(np.argmax(density)), density.shape)
    x, y = evidence.point(float(worst[1]), float(worst[0]))
    return Finding(
        "halo",
        evidence.to_photo(*box),
        (x, y),
        round(min(0.95, 0.2 + 0.2 * width), 3),
        f"The edge keeps about {width:.1f} px of the old background.",
        {"width_px": round(width, 2)},
    )
