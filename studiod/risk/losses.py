"""Places where the photograph shows the piece and the matte does not: links, prongs, stones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import cv2.typing
import numpy as np
from numpy.typing import NDArray

from studiod.risk.evidence import Evidence
from studiod.risk.findings import Finding, Reason

Mask = NDArray[np.bool_]
Floats = NDArray[np.float32]

_OUT_OF_REACH = 2.2
_SMALLEST = 7
_MOST_FINDINGS = 12


@dataclass(frozen=True)
class Loss:
    """A lost region: its reason, its pixels' box and worst place in the crop, and what was measured."""

    reason: Reason
    left: int
    top: int
    right: int
    bottom: int
    worst: tuple[int, int]
    area: int
    contrast: float
    sharpness: float
    contacts: int


def find_losses(evidence: Evidence) -> list[Loss]:
    """Regions that differ from the background as the piece does, sharply, yet are not covered."""
    covered = evidence.covered
    if not covered.any():
        return []
    reach, depth = _distance(~covered), _distance(covered)
    sharp = cv2.dilate((evidence.slope > evidence.steep).astype(np.uint8), np.ones((5, 5), np.uint8))
    typical = float(np.median(evidence.difference[covered]))
    strong = evidence.difference > max(evidence.high, 0.3 * min(typical, 1.0))
    missing = strong & (evidence.alpha < 0.3) & sharp.astype(bool)
    enclosed = _enclosed(covered)
    losses = []
    joined = cv2.morphologyEx(missing.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    for box, inside in _components(joined, _SMALLEST):
        loss = _judge(evidence, box, inside, reach[box], depth, enclosed[box], typical)
        if loss is not None:
            losses.append(loss)
    return sorted(losses, key=lambda loss: -loss.area * loss.contrast)


def _components(mask: cv2.typing.MatLike, smallest: int) -> Iterator[tuple[tuple[slice, slice], Mask]]:
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    order = np.argsort(-stats[1:, cv2.CC_STAT_AREA])[:150] + 1
    for index in order:
        left, top, width, height, area = (int(value) for value in stats[index])
        if area < smallest:
            return
        box = np.s_[top : top + height, left : left + width]
        yield box, labels[box] == index


def _enclosed(covered: Mask) -> Mask:
    """Uncovered regions that do not reach the crop's border: holes in the matte."""
    count, labels = cv2.connectedComponents((~covered).astype(np.uint8), connectivity=4)
    border = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    open_ = np.zeros(count, bool)
    open_[border] = True
    holes: Mask = ~open_[labels] & ~covered
    return holes


def _distance(inside: Mask) -> Floats:
    """Each pixel's distance to the nearest one outside."""
    return np.asarray(cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 3), np.float32)


def _judge(
    evidence: Evidence,
    box: tuple[slice, slice],
    inside: Mask,
    reach: Floats,
    depth: Floats,
    enclosed: Mask,
    typical: float,
) -> Loss | None:
    farthest = float(reach[inside].max())
    if farthest < _OUT_OF_REACH:
        return None
    rows, columns = box
    height, width = evidence.alpha.shape
    wide = np.s_[
        max(0, rows.start - 4) : min(height, rows.stop + 4),
        max(0, columns.start - 4) : min(width, columns.stop + 4),
    ]
    grown = np.zeros((wide[0].stop - wide[0].start, wide[1].stop - wide[1].start), np.uint8)
    grown[
        rows.start - wide[0].start : rows.stop - wide[0].start,
        columns.start - wide[1].start : columns.stop - wide[1].start,
    ] = inside
    grown = cv2.dilate(grown, np.ones((7, 7), np.uint8))
    touching = (grown > 0) & evidence.covered[wide]
    contacts = cv2.connectedComponents(touching.astype(np.uint8), connectivity=8)[0] - 1
    area = int(inside.sum())
    length = float(np.hypot(*inside.shape))
    slim = area / max(length, 1.0)
    contrast = float(np.median(evidence.difference[box][inside])) / max(typical, 0.05)
    sharpness = float(np.quantile(evidence.slope[box][inside], 0.8)) / max(evidence.steep, 1e-3)
    surrounding = _neighbourhood(depth, box, max(16, round(1.5 * length)))
    girth = float(np.quantile(surrounding[surrounding > 0], 0.95)) if (surrounding > 0).any() else 0.0
    reason: Reason
    if float(enclosed[inside].mean()) > 0.8 and girth > 3.0:
        reason = "stone_eaten"
    elif contacts >= 2 and girth < 3.0 * slim + 6.0:
        reason = "chain_gap"
    elif contacts == 1 and length < 4.0 * girth + 6.0 and girth > 4.0:
        reason = "prong_missing"
    elif contacts >= 1 or (length > 4 * slim and farthest < 0.1 * max(height, width)):
        reason = "chain_gap"
    else:
        return None
    place = np.unravel_index(int(np.argmax(np.where(inside, reach, -1.0))), inside.shape)
    return Loss(
        reason=reason, left=columns.start, top=rows.start, right=columns.stop, bottom=rows.stop,
        worst=(columns.start + int(place[1]), rows.start + int(place[0])),
        area=area, contrast=contrast, sharpness=sharpness, contacts=contacts,
    )  # fmt: skip


def _neighbourhood(depth: Floats, box: tuple[slice, slice], margin: int) -> Floats:
    rows, columns = box
    return depth[
        max(0, rows.start - margin) : rows.stop + margin,
        max(0, columns.start - margin) : columns.stop + margin,
    ]


def as_findings(evidence: Evidence, losses: list[Loss]) -> list[Finding]:
    """The losses as findings in the photograph's pixels, the largest ones only."""
    return [_as_finding(evidence, loss) for loss in losses[:_MOST_FINDINGS]]


def _as_finding(evidence: Evidence, loss: Loss) -> Finding:
    length = float(np.hypot(loss.right - loss.left, loss.bottom - loss.top)) * evidence.scale
    strength = min(1.0, loss.contrast) * min(1.0, loss.sharpness / 2) * min(1.0, loss.area / 12)
    probability = 0.35 + 0.6 * strength if loss.contacts else 0.25 + 0.4 * strength
    real = loss.area * evidence.scale**2
    sentence = {
        "chain_gap": f"The chain is interrupted for about {length:.0f} px here.",
        "prong_missing": f"A prong of about {length:.0f} px seems to be missing here.",
        "stone_eaten": f"About {real:.0f} px of the piece's inside are cut away here.",
    }[loss.reason]
    box = evidence.to_photo(loss.left - 1, loss.top - 1, loss.right + 1, loss.bottom + 1)
    place = evidence.point(*loss.worst)
    measurement = {
        "length_px": round(length, 1), "area_px": round(real, 1),
        "contrast": round(loss.contrast, 3), "contacts": float(loss.contacts),
    }  # fmt: skip
    return Finding(loss.reason, box, place, round(probability, 3), sentence, measurement)
