"""From measurements to the findings that people read: reason, place, probability and one plain sentence."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from studiod.risk.candidates import Candidate
from studiod.risk.conditions import find_conditions
from studiod.risk.details import find_changed_highlights, find_small_stones
from studiod.risk.edges import EdgeFacts, rim_of
from studiod.risk.evidence import Evidence
from studiod.risk.examination import Examination
from studiod.risk.findings import Box, Finding, Point, Reason, middle_of
from studiod.risk.judging import Judged
from studiod.risk.reflection import Reflection

Place = tuple[Candidate, float]
"""A candidate and its probability."""
_WORTH_SHOWING: Mapping[Reason, float] = {
    "chain_gap": 0.1, "prong_missing": 0.3, "stone_eaten": 0.4,
    "hole_filled": 0.3, "hole_leaking": 0.3, "background_left": 0.5,
}  # fmt: skip
"""From which probability on a place is shown: links, prongs and holes are worth more looks."""
_MOST_FINDINGS = 12
_TOGETHER = 0.02
"""Of the photograph's long side: doubtful places of a chain so close together are one finding."""
_DOUBTFUL_GAP, _DOUBTFUL_STRETCH = 0.15, 0.01
"""A gap or a stretch of chain less probable than this is left out."""
_SHARED = 0.3
"""Stretches of one chain fail together: each counts for so much of an independent one."""
_MIRRORED = 0.8
"""Of images found without a record of doubt two in three were real, with one nearly all."""
_MISTAKEN = 0.05
"""Of 600 mattes none had anything but mirror images emptied; a second piece below may look like one."""
_WIDE_HALO = 1.2


@dataclass(frozen=True)
class _Part:
    """A box of the crop where a chain may be interrupted, its worst place, and the gap seen there, if any."""

    box: Box
    worst: tuple[int, int]
    probability: float
    gap: Candidate | None = None


def tell_places(seen: Examination, judged: Judged) -> list[Finding]:
    """A kept mirror image, and where something was probably lost or left over, the most worth a look first.

    Where a chain is doubtful, places close together are one finding, so that nobody steps through forty.
    """
    places = [*zip(seen.losses, judged.lost.tolist(), strict=True)]
    places += zip(seen.leftovers, judged.left.tolist(), strict=True)
    found = [_tell_chain(seen.evidence, parts) for parts in _joined(seen, _doubtful_parts(seen, judged))]
    found += [_tell(seen.evidence, *place) for place in places if place[0].reason != "chain_gap"]
    worth = [each for each in found if each.probability >= _WORTH_SHOWING[each.reason]]
    findings = sorted(worth, key=lambda each: (-each.probability / _WORTH_SHOWING[each.reason], each.box))
    findings = findings[:_MOST_FINDINGS]
    if seen.reflection is not None:
        findings = [_reflection(seen.reflection), *findings]
    return findings


def tell_the_rest(seen: Examination, pixels_per_mm: float | None) -> list[Finding]:
    """Findings about the edge, highlights, small stones (where `pixels_per_mm` is known) and the picture."""
    findings = []
    if seen.edge.halo * seen.evidence.scale >= _WIDE_HALO:
        findings.append(_halo(seen.evidence, seen.edge))
    if seen.emptied is not None:
        findings.append(_emptied(seen.emptied))
    findings += find_changed_highlights(seen.evidence)
    findings += find_small_stones(seen.evidence, pixels_per_mm) if pixels_per_mm else []
    return findings + find_conditions(seen.evidence, seen.edge, seen.sharpness)


def tell_of_nothing(alpha: NDArray[np.float32]) -> Finding:
    """The finding of a frame in which no piece was found."""
    height, width = alpha.shape
    return Finding(
        "no_piece",
        (0, 0, width, height),
        (width // 2, height // 2),
        1.0,
        "No piece was found in this picture.",
        {"covered_px": float((alpha >= 0.5).sum())},
    )


def _doubtful_parts(seen: Examination, judged: Judged) -> Iterator[_Part]:
    """The gaps and the stretches where a chain may be interrupted."""
    for loss, probability in zip(seen.losses, judged.lost.tolist(), strict=True):
        if loss.reason == "chain_gap" and probability >= _DOUBTFUL_GAP:
            yield _Part(loss.box, loss.worst, probability, loss)
    for stretch, probability in zip(seen.stretches, judged.torn.tolist(), strict=True):
        if probability >= _DOUBTFUL_STRETCH:
            yield _Part(stretch.box, stretch.worst, probability)


def _joined(seen: Examination, parts: Iterable[_Part]) -> list[list[_Part]]:
    """The parts, those close to one another in one list."""
    reach = _TOGETHER * max(seen.evidence.frame) / seen.evidence.scale
    groups: list[list[_Part]] = []
    for part in parts:
        near: list[_Part] = []
        apart = []
        for group in groups:
            if any(_are_near(part.box, other.box, reach) for other in group):
                near += group
            else:
                apart.append(group)
        groups = [*apart, [part, *near]]
    return groups


def _are_near(one: Box, other: Box, reach: float) -> bool:
    return all(one[low] - other[low + 2] <= reach and other[low] - one[low + 2] <= reach for low in (0, 1))


def _tell_chain(evidence: Evidence, parts: Sequence[_Part]) -> Finding:
    """One finding of parts close together: that the chain is interrupted in at least one of them."""
    gaps = [part for part in parts if part.gap is not None]
    surest = max(gaps or parts, key=lambda part: (part.probability, part.box))
    if len(parts) == 1 and surest.gap is not None:
        return _tell(evidence, surest.gap, surest.probability)
    lefts, tops, rights, bottoms = zip(*(part.box for part in parts), strict=True)
    left, top, right, bottom = min(lefts), min(tops), max(rights), max(bottoms)
    along = float(np.hypot(right - left, bottom - top)) * evidence.scale
    places = {0: "somewhere", 1: "in a place"}.get(len(gaps), f"in {len(gaps)} places")
    return Finding(
        "chain_gap",
        evidence.to_photo(left - 1, top - 1, right + 1, bottom + 1),
        evidence.point(*surest.worst),
        round(1 - min(_none_of(gaps), _none_of(parts) ** _SHARED, 1 - surest.probability), 3),
        f"The chain seems interrupted {places} along about {along:.0f} px here.",
        {"length_px": round(along, 1), "places": float(len(gaps))},
    )


def _none_of(parts: Sequence[_Part]) -> float:
    """The probability that none of the parts is a gap, were they independent of each other."""
    return math.prod(1 - part.probability for part in parts)


def _tell(evidence: Evidence, candidate: Candidate, probability: float) -> Finding:
    length, area = candidate.length * evidence.scale, candidate.area * evidence.scale**2
    sentence = {
        "chain_gap": f"The chain is interrupted for about {length:.0f} px here.",
        "prong_missing": f"A prong of about {length:.0f} px seems to be missing here.",
        "stone_eaten": f"About {area:.0f} px of the piece's inside are cut away here.",
        "hole_filled": f"A hole of about {area:.0f} px shows the background but is kept as piece.",
        "hole_leaking": f"In a hole of about {area:.0f} px the background still shows through.",
        "background_left": f"About {area:.0f} px of background are kept beside the piece here.",
    }[candidate.reason]
    left, top, right, bottom = candidate.box
    return Finding(
        candidate.reason,
        evidence.to_photo(left - 1, top - 1, right + 1, bottom + 1),
        evidence.point(*candidate.worst),
        round(probability, 3),
        sentence,
        {"length_px": round(length, 1), "area_px": round(area, 1)},
    )


def _reflection(reflection: Reflection) -> Finding:
    return Finding(
        "reflection_kept",
        reflection.box,
        _centre(reflection.box),
        _MIRRORED,
        "The piece's mirror image beside it seems to be kept as piece.",
        {"likeness": round(reflection.likeness, 3), "strength": round(reflection.strength, 3)},
    )


def _emptied(box: Box) -> Finding:
    return Finding(
        "reflection_removed",
        box,
        _centre(box),
        _MISTAKEN,
        "What lies below the piece was taken for its mirror image and cut away: see that it is one.",
        {"height_px": float(box[3] - box[1])},
    )


def _centre(box: Box) -> Point:
    x, y = middle_of(box)
    return int(x), int(y)


def _halo(evidence: Evidence, edge: EdgeFacts) -> Finding:
    covered = evidence.covered
    rows, columns = np.flatnonzero(covered.any(axis=1)), np.flatnonzero(covered.any(axis=0))
    plain = rim_of(covered, 3) & covered & (evidence.difference < evidence.low)
    place = np.argwhere(plain)[plain.sum() // 2] if plain.any() else (rows[0], columns[0])
    width = edge.halo * evidence.scale
    return Finding(
        "halo",
        evidence.to_photo(float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)),
        evidence.point(float(place[1]), float(place[0])),
        round(min(0.95, 0.3 + 0.2 * width), 3),
        f"The edge keeps about {width:.1f} px of the old background.",
        {"width_px": round(width, 2)},
    )
