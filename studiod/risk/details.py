"""What shows on the piece itself: highlights that a see-through matte changes, and very small stones."""

from __future__ import annotations

import cv2
import numpy as np

from studiod.imaging.types import Floats, Mask
from studiod.risk.evidence import Evidence
from studiod.risk.findings import Finding
from studiod.risk.regions import distance_inside, grown

_HIGHLIGHT_REACH = 7
_BRIGHTER = 0.3  # log units above what lies around
_ABOVE_BACKGROUND = 0.1
_SEE_THROUGH = 0.93
_INSIDE = 3.0
_LEAST_HIGHLIGHT = 5
_SMALL_MM = 2.0
_SMALLEST_RADIUS = 3.0
_LARGEST_SIDE = 1400
_ROUND = 0.55
_SEVERAL = 200


def find_changed_highlights(evidence: Evidence) -> list[Finding]:
    """Highlights well inside the piece that the matte shows half see-through: `highlight_changed`.

    Only where coverage is whole does the finished picture keep the photograph's own values.
    """
    side = 2 * _HIGHLIGHT_REACH + 1
    raised = cv2.morphologyEx(evidence.lightness, cv2.MORPH_TOPHAT, np.ones((side, side), np.uint8))
    bright = (raised > _BRIGHTER) & (evidence.lightness > _ABOVE_BACKGROUND)  # no background seen through
    changed = bright & (distance_inside(evidence.covered) >= _INSIDE) & (evidence.alpha < _SEE_THROUGH)
    near = grown(changed, 2).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(near, connectivity=8)
    findings = []
    for index in range(1, min(count, _SEVERAL)):
        left, top, width, height = (int(value) for value in stats[index, :4])
        window = np.s_[top : top + height, left : left + width]
        here = changed[window] & (labels[window] == index)
        if here.sum() < _LEAST_HIGHLIGHT:
            continue
        alpha = np.where(here, evidence.alpha[window], 2.0)
        row, column = np.unravel_index(int(np.argmin(alpha)), alpha.shape)
        lost = 1.0 - float(evidence.alpha[window][here].mean())
        size = float(here.sum()) * evidence.scale**2
        findings.append(
            Finding(
                "highlight_changed",
                evidence.to_photo(left, top, left + width, top + height),
                evidence.point(left + int(column), top + int(row)),
                round(min(0.9, 0.4 + lost), 3),
                f"A highlight of about {size:.0f} px is {lost:.0%} see-through: it will not look the same.",
                {"area_px": round(size, 1), "see_through": round(lost, 3)},
            )
        )
    findings.sort(key=lambda finding: -finding.probability * finding.measurement["area_px"])
    return findings[:1]


def find_small_stones(evidence: Evidence, pixels_per_mm: float) -> list[Finding]:
    """Round, bright-edged stones of less than 2 mm, as one finding: `small_stone`; too small to see, none."""
    largest = 0.5 * _SMALL_MM * pixels_per_mm / evidence.scale
    shrink = min(1.0, _LARGEST_SIDE / max(evidence.alpha.shape))
    if largest * shrink < _SMALLEST_RADIUS + 1:
        return []
    size = (round(evidence.alpha.shape[1] * shrink), round(evidence.alpha.shape[0] * shrink))
    light = np.asarray(cv2.resize(evidence.lightness, size, interpolation=cv2.INTER_AREA), np.float32)
    solid = cv2.resize(evidence.covered.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.5
    stones = [(x, y, r) for x, y, r in _circles(light, largest * shrink) if _is_within(solid, x, y, r)]
    if not stones:
        return []
    boxes = np.array([(x - r, y - r, x + r, y + r) for x, y, r in stones]) / shrink
    x, y, radius = max(stones, key=lambda stone: (stone[2], stone[0], stone[1]))
    wide = 2 * radius / shrink * evidence.scale / pixels_per_mm
    said = "A stone" if len(stones) == 1 else f"{len(stones)} stones"
    return [
        Finding(
            "small_stone",
            evidence.to_photo(*boxes[:, :2].min(axis=0).tolist(), *boxes[:, 2:].max(axis=0).tolist()),
            evidence.point(x / shrink, y / shrink),
            0.5,
            f"{said} of less than {_SMALL_MM:.0f} mm (the largest {wide:.1f} mm): look at the edges.",
            {"stones": float(len(stones)), "largest_mm": round(wide, 2)},
        )
    ]


def _circles(light: Floats, largest: float) -> list[tuple[float, float, float]]:
    """Centres and radii of round outlines, up to `largest` pixels of radius."""
    low, high = np.quantile(light, (0.01, 0.99))
    grey = ((light - low) / max(float(high - low), 0.05)).clip(0, 1) * 255
    found = cv2.HoughCircles(
        cv2.GaussianBlur(grey.astype(np.uint8), (0, 0), 1.0), cv2.HOUGH_GRADIENT_ALT, 1.5,
        minDist=2 * _SMALLEST_RADIUS, param1=150, param2=_ROUND,
        minRadius=int(_SMALLEST_RADIUS), maxRadius=int(largest),
    )  # fmt: skip
    return [] if found is None else [(float(x), float(y), float(r)) for x, y, r in found.reshape(-1, 3)]


def _is_within(solid: Mask, x: float, y: float, radius: float) -> bool:
    """Whether the circle lies on the piece, but for a little of its rim."""
    height, width = solid.shape
    left, right = max(0, int(x - radius)), min(width, int(x + radius) + 1)
    top, bottom = max(0, int(y - radius)), min(height, int(y + radius) + 1)
    rows, columns = np.mgrid[top:bottom, left:right]
    inside = (columns - x) ** 2 + (rows - y) ** 2 <= radius**2
    return bool(inside.any()) and float(solid[top:bottom, left:right][inside].mean()) > 0.9
