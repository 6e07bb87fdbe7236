"""What people found out about the cutouts that the risk scored: the ground for its calibration."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sqlalchemy import Row, select

from studiod.ledger.engine import Ledger
from studiod.ledger.records import Box, Demand, Origin
from studiod.ledger.tables import decisions, events, items, versions

_OF_THE_PHOTOGRAPH = frozenset({"out_of_focus", "cut_by_frame"})


@dataclass(frozen=True, slots=True)
class Judgement:
    """A version made from the photograph alone, its risk, and what became of it.

    `usable` is what a person found, None where nobody looked (policy approved it). `mandatory` says that
    its price asks for a person; `recalled` that policy had approved it and a person came upon it later.
    `flagged` holds the reasons and boxes that people gave. `folder` and `returned` (relative to `work`)
    hold the version's files and those of the touch-up that came back, None without one.
    """

    item: int
    version: int
    score: float
    calibration: str
    findings: tuple[Mapping[str, Any], ...]
    usable: bool | None
    mandatory: bool
    recalled: bool
    flagged: tuple[tuple[tuple[str, ...], Box | None], ...]
    folder: str
    returned: str | None


def read_judgements(ledger: Ledger) -> list[Judgement]:
    """Every version of the pipeline's own that a person or policy decided on, in order of the items.

    Flagged, rejected, brushed over or replaced by a touch-up is not usable; rejected for what is the
    photograph's fault alone says nothing. Withdrawn decisions of persons do not count, and what was approved
    in one go, without a look at each, is as unseen as what policy let go.
    """
    with ledger.reading() as connection:
        made = connection.execute(
            select(versions, items.c.demand)
            .join(items, items.c.id == versions.c.item)
            .order_by(versions.c.item, versions.c.version)
        ).all()
        decided = connection.execute(select(decisions).order_by(decisions.c.id)).all()
        approvals = connection.execute(
            select(events.c.item, events.c.version, events.c.what)
            .where(events.c.what.in_(["approved", "approved_unseen"]))
            .order_by(events.c.id)
        ).all()
    last = {(row.item, row.version): row.what for row in approvals}
    by_version: dict[tuple[int, int], list[Row[Any]]] = {}
    for row in decided:
        by_version.setdefault((row.item, row.version), []).append(row)
    after = {(row.item, row.version): later for row, later in pairwise(made)}
    returned = {row.item: row.folder for row in made if row.origin == Origin.RETURN}
    found = []
    for row in made:
        if row.origin != Origin.CAPTURE:
            continue
        here = by_version.get((row.item, row.version), [])
        later = after.get((row.item, row.version))
        mended = later is not None and later.item == row.item and later.origin != Origin.CAPTURE
        unseen = last.get((row.item, row.version)) == "approved_unseen"
        judged = _judgement(row, here, unseen, mended, returned.get(row.item) if mended else None)
        if judged is not None:
            found.append(judged)
    return found


def _judgement(
    row: Row[Any], decided: list[Row[Any]], unseen: bool, mended: bool, returned: str | None
) -> Judgement | None:
    """What is known of a version; `unseen` says that it was approved without a look."""
    by_policy = any(each.kind == "policy" for each in decided)
    people = [each for each in decided if each.kind == "person" and each.withdrawn_at is None]
    approved = any(each.verdict == "approve" for each in people)
    stopped = [each for each in people if each.verdict != "approve"]
    blamed = [each for each in stopped if not _blames_the_photograph(each)]
    if blamed or mended:
        usable: bool | None = False
    elif approved and not unseen:
        usable = True
    elif approved or (by_policy and not stopped):
        usable = None
    else:
        return None
    risk = json.loads(row.risk_json)
    return Judgement(
        item=row.item,
        version=row.version,
        score=row.risk,
        calibration=str(risk.get("calibration", "")),
        findings=tuple(risk.get("findings", ())),
        usable=usable,
        mandatory=row.demand > Demand.NOTHING,
        recalled=by_policy and usable is not None,
        flagged=tuple(
            (tuple(each.reasons), None if each.box is None else tuple(each.box)) for each in blamed
        ),
        folder=row.folder,
        returned=returned,
    )


def _blames_the_photograph(decision: Row[Any]) -> bool:
    """Whether a rejection names only what no cutout could mend."""
    return (
        decision.verdict == "reject"
        and bool(decision.reasons)
        and set(decision.reasons) <= _OF_THE_PHOTOGRAPH
    )
