"""What makes a picture hard to judge or to sell at all: focus, contrast, the frame's edge."""

from __future__ import annotations

import cv2
import numpy as np

from studiod.imaging.types import Point
from studiod.risk.edges import EdgeFacts
from studiod.risk.evidence import Evidence
from studiod.risk.findings import Finding
from studiod.risk.regions import bounds_of, rim_of

_SOFT_EDGE = 0.1
_WEAK_SHARE = 0.4
_FRAME_RUN = 3


def edge_sharpness(evidence: Evidence) -> float:
    """The share of an edge's step that the steepest pixel takes, at the piece's clearest edges (median)."""
    where = rim_of(evidence.covered, 2) & (evidence.slope > evidence.steep)
    if where.sum() < 20:
        return 0.5
    kernel = np.ones((9, 9), np.uint8)
    step = cv2.dilate(evidence.lightness, kernel) - cv2.erode(evidence.lightness, kernel)
    return float(np.quantile((evidence.slope / np.maximum(step, 0.05))[where], 0.75))


def find_conditions(evidence: Evidence, edge: EdgeFacts, sharpness: float) -> list[Finding]:
    """Findings about the picture itself: `out_of_focus`, `low_contrast`, `cut_by_frame`."""
    findings = []
    box = evidence.to_photo(*bounds_of(evidence.covered))
    if sharpness < _SOFT_EDGE:
        findings.append(
            Finding(
                "out_of_focus",
                box,
                _on_the_rim(evidence),
                round(min(0.9, 0.5 + 5 * (_SOFT_EDGE - sharpness)), 3),
                f"The piece's edges are soft: they take about {1 / max(sharpness, 0.01):.0f} px.",
                {"edge_px": round(1 / max(sharpness, 0.01), 1)},
            )
        )
    weak = edge.weak
    if weak > _WEAK_SHARE:
        near = cv2.dilate(evidence.difference, np.ones((7, 7), np.uint8))
        dim = (rim_of(evidence.covered) & (near < evidence.high)).astype(np.float32)
        place = np.unravel_index(int(np.argmax(cv2.blur(dim, (61, 61)))), dim.shape)
        worst = evidence.point(float(place[1]), float(place[0]))
        findings.append(
            Finding(
                "low_contrast",
                box,
                worst,
                round(min(0.9, weak), 3),
                f"{weak:.0%} of the piece's edge hardly differ from the background.",
                {"share": round(weak, 3)},
            )
        )
    return findings + _find_cuts(evidence)


def _on_the_rim(evidence: Evidence) -> Point:
    """The place of the piece's edge that is nearest to its middle."""
    places = np.argwhere(rim_of(evidence.covered))
    row, column = places[np.abs(places - places.mean(axis=0)).sum(axis=1).argmin()]
    return evidence.point(float(column), float(row))


def _find_cuts(evidence: Evidence) -> list[Finding]:
    """Where the matte reaches the photograph's frame."""
    height, width = evidence.frame
    covered = evidence.covered
    rows, columns = covered.shape
    left, top = evidence.origin
    sides = {  # a crop is whole pixels wide, so that it may seem to end up to half of one before the frame
        "left": (left == 0, covered[:, 0]),
        "top": (top == 0, covered[0]),
        "right": (left + (columns + 1) * evidence.scale > width, covered[:, -1]),
        "bottom": (top + (rows + 1) * evidence.scale > height, covered[-1]),
    }
    findings = []
    for side, (at_frame, line) in sides.items():
        where = np.flatnonzero(line)
        if not at_frame or len(where) < _FRAME_RUN:
            continue
        first, last = int(where[0]), int(where[-1]) + 1
        box = {
            "left": (0, first, 8, last),
            "top": (first, 0, last, 8),
            "right": (columns - 8, first, columns, last),
            "bottom": (first, rows - 8, last, rows),
        }[side]
        runs = np.split(where, np.flatnonzero(np.diff(where) > 1) + 1)
        longest = max(runs, key=len)
        middle = float(longest[len(longest) // 2])
        point = {
            "left": (0.0, middle),
            "top": (middle, 0.0),
            "right": (columns - 1.0, middle),
            "bottom": (middle, rows - 1.0),
        }[side]
        findings.append(
            Finding(
                "cut_by_frame",
                evidence.to_photo(*box),
                evidence.point(*point),
                0.6,
                f"The piece leaves the frame at the {side}.",
                {"run_px": float(round(len(where) * evidence.scale))},
            )
        )
    return findings
