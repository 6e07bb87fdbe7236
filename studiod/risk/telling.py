"""From measurements to the findings that people read: reason, place, probability and one plain sentence."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from studiod.imaging.types import Box, Floats, Point
from studiod.risk.candidates import Candidate
from studiod.risk.conditions import find_conditions
from studiod.risk.details import find_changed_highlights, find_small_stones
from studiod.risk.edges import EdgeFacts
from studiod.risk.evidence import Evidence
from studiod.risk.examination import Examination
from studiod.risk.findings import Finding, Reason, middle_of
from studiod.risk.judging import Judged
from studiod.risk.reflection import Reflection
from studiod.risk.regions import bounds_of, rim_of

_WORTH_SHOWING: Mapping[Reason, float] = {
    "chain_gap": 0.1, "prong_missing": 0.3, "stone_eaten": 0.4,
    "hole_filled": 0.3, "hole_leaking": 0.3, "background_left": 0.5, "part_missing": 0.5,
}  # fmt: skip
"""From which probability on a place is shown: links, prongs and holes are worth more looks."""
_MOST_FINDINGS = 12
_TOGETHER = 0.02
"""Of the photograph's long side: places of one reason so close together are one finding."""
_DOUBTFUL_GAP, _DOUBTFUL_STRETCH = 0.15, 0.01
"""A gap or a stretch of chain less probable than this is left out."""
_OF_THE_WORST = 0.15
"""And a stretch that is so much less probable than the picture's worst: a finding is a place, not a chain."""
_MIRRORED = 0.8
"""Of images found without a record of doubt two in three were real, with one nearly all."""
_SENTENCES: Mapping[Reason, tuple[str, str]] = {
    "chain_gap": (
        "The chain is interrupted for about {along:.0f} px here.",
        "The chain seems interrupted {where} along about {along:.0f} px here.",
    ),
    "prong_missing": (
        "A prong of about {along:.0f} px seems to be missing here.",
        "Prongs seem to be missing {where} along about {along:.0f} px here.",
    ),
    "stone_eaten": (
        "About {area:.0f} px of the piece's inside are cut away here.",
        "The piece's inside is cut away {where} along about {along:.0f} px here.",
    ),
    "hole_filled": (
        "A hole of about {area:.0f} px shows the background but is kept as piece.",
        "Holes that show the background are kept as piece {where} along about {along:.0f} px here.",
    ),
    "hole_leaking": (
        "In a hole of about {area:.0f} px the background still shows through.",
        "The background still shows through holes {where} along about {along:.0f} px here.",
    ),
    "background_left": (
        "About {area:.0f} px of background are kept beside the piece here.",
        "Background is kept beside the piece {where} along about {along:.0f} px here.",
    ),
}
"""Of one place, and of several close together."""
_MISTAKEN = 0.05
"""Of 600 mattes none had anything but mirror images emptied; a second piece below may look like one."""
_WIDE_HALO = 1.2


@dataclass(frozen=True)
class _Part:
    """A box of the crop where something may be wrong, its worst place, and the candidate seen there, if any.

    Only stretches of chain have no candidate.
    """

    box: Box
    worst: Point
    probability: float
    candidate: Candidate | None = None


def tell_places(seen: Examination, judged: Judged) -> list[Finding]:
    """Parts not kept at all, a kept mirror image, and what else was probably lost or left over.

    The most worth a look come first. Places of one reason that are close together are one finding, so that
    nobody steps through forty.
    """
    places = [*zip(seen.losses, judged.lost.tolist(), strict=True)]
    places += zip(seen.leftovers, judged.left.tolist(), strict=True)
    parts: dict[Reason, list[_Part]] = {"chain_gap": [*_doubtful_stretches(seen, judged)]}
    for candidate, probability in places:
        least = _DOUBTFUL_GAP if candidate.reason == "chain_gap" else _WORTH_SHOWING[candidate.reason]
        if probability >= least:
            part = _Part(candidate.box, candidate.worst, probability, candidate)
            parts.setdefault(candidate.reason, []).append(part)
    found = [
        _tell(seen.evidence, why, group) for why, every in parts.items() for group in _joined(seen, every)
    ]
    worth = [each for each in found if each.probability >= _WORTH_SHOWING[each.reason]]
    findings = sorted(worth, key=lambda each: (-each.probability / _WORTH_SHOWING[each.reason], each.box))
    findings = findings[:_MOST_FINDINGS]
    if seen.reflection is not None:
        findings = [_reflection(seen.reflection), *findings]
    return [*_missing_parts(seen, judged), *findings]


def tell_the_rest(seen: Examination, pixels_per_mm: float | None) -> list[Finding]:
    """Findings about the edge, highlights, small stones (where `pixels_per_mm` is known) and the picture."""
    findings = []
    if seen.edge.halo * seen.evidence.scale >= _WIDE_HALO:
        findings.append(_halo(seen.evidence, seen.edge))
    if seen.emptied:
        findings.append(_emptied(seen.emptied))
    findings += find_changed_highlights(seen.evidence)
    findings += find_small_stones(seen.evidence, pixels_per_mm) if pixels_per_mm else []
    return findings + find_conditions(seen.evidence, seen.edge, seen.sharpness)


def tell_of_nothing(alpha: Floats) -> Finding:
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


def _missing_parts(seen: Examination, judged: Judged) -> Iterator[Finding]:
    for part, probability in zip(seen.missing, judged.missing.tolist(), strict=True):
        if probability >= _WORTH_SHOWING["part_missing"]:
            box = seen.everywhere.to_photo(*part.box)
            width, height = box[2] - box[0], box[3] - box[1]
            yield Finding(
                "part_missing",
                box,
                seen.everywhere.point(*part.worst),
                round(probability, 3),
                f"Something of {width} x {height} px that may be a part of the piece is not kept here.",
                {"width_px": float(width), "height_px": float(height)},
            )


def _doubtful_stretches(seen: Examination, judged: Judged) -> Iterator[_Part]:
    least = max(_DOUBTFUL_STRETCH, _OF_THE_WORST * max(judged.torn, default=0.0))
    for stretch, probability in zip(seen.stretches, judged.torn.tolist(), strict=True):
        if probability >= least:
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


def _tell(evidence: Evidence, reason: Reason, parts: Sequence[_Part]) -> Finding:
    """One finding of parts close together: that something is wrong in at least one of them."""
    seen = [part.candidate for part in parts if part.candidate is not None]
    surest = max(parts, key=lambda part: (part.candidate is not None, part.probability, part.box))
    lefts, tops, rights, bottoms = zip(*(part.box for part in parts), strict=True)
    box = evidence.to_photo(min(lefts) - 1, min(tops) - 1, max(rights) + 1, max(bottoms) + 1)
    if len(parts) == 1 and seen:
        along = seen[0].length * evidence.scale
        sentence = _SENTENCES[reason][0].format(along=along, area=seen[0].area * evidence.scale**2)
    else:
        along = float(np.hypot(max(rights) - min(lefts), max(bottoms) - min(tops))) * evidence.scale
        where = {0: "somewhere", 1: "in a place"}.get(len(seen), f"in {len(seen)} places")
        sentence = _SENTENCES[reason][1].format(along=along, where=where)
    area = sum(candidate.area for candidate in seen) * evidence.scale**2
    return Finding(
        reason,
        box,
        evidence.point(*surest.worst),
        round(_any_of([part.probability for part in parts]), 3),
        sentence,
        {"length_px": round(along, 1), "area_px": round(area, 1), "places": float(len(seen))},
    )


def _any_of(probabilities: Sequence[float]) -> float:
    """The probability that one place at least is wrong: n close together count for the root of n independent.

    They fail together: on the calibrate part findings came true about as often as this says.
    """
    none = math.prod(1 - probability for probability in probabilities)
    return max(1 - none ** (1 / math.sqrt(len(probabilities))), *probabilities)


def _reflection(reflection: Reflection) -> Finding:
    return Finding(
        "reflection_kept",
        reflection.box,
        _centre(reflection.box),
        _MIRRORED,
        "The piece's mirror image beside it seems to be kept as piece.",
        {"likeness": round(reflection.likeness, 3), "strength": round(reflection.strength, 3)},
    )


def _emptied(boxes: Sequence[Box]) -> Finding:
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    box = min(lefts), min(tops), max(rights), max(bottoms)
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
    bounds = bounds_of(covered)
    plain = rim_of(covered, 3) & covered & (evidence.difference < evidence.low)
    row, column = np.argwhere(plain)[plain.sum() // 2] if plain.any() else (bounds[1], bounds[0])
    width = edge.halo * evidence.scale
    return Finding(
        "halo",
        evidence.to_photo(*bounds),
        evidence.point(float(column), float(row)),
        round(min(0.95, 0.3 + 0.2 * width), 3),
        f"The edge keeps about {width:.1f} px of the old background.",
        {"width_px": round(width, 2)},
    )
