"""What is kept beside an item: its versions with their hashes, and the decisions on them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Literal

from sqlalchemy import Connection, Row, insert, select

from studiod.errors import TransitionRefused
from studiod.ledger.records import Box, FoundFiles, NewVersion, Origin, Person, Place, VersionRecord
from studiod.ledger.tables import decisions, places, versions


def evidence_of(made: NewVersion) -> str:
    """The hashes that a decision on this version copies, as one canonical text."""
    hashes = {
        "source": made.source_sha256,
        "cutout": made.cutout[1],
        "matte": made.matte[1],
        "composites": {preset: sha256 for preset, (_, sha256) in made.composites.items()},
        "model": made.model_sha256,
        "presets": dict(made.presets),
    }
    return json.dumps(hashes, sort_keys=True, separators=(",", ":"))


def differences(evidence: str, found: FoundFiles) -> list[str]:
    """Which of a version's own files are no longer those of its evidence."""
    hashes = json.loads(evidence)
    pairs: dict[str, tuple[str | None, str | None]] = {
        "cutout": (hashes["cutout"], found.cutout),
        "matte": (hashes["matte"], found.matte),
    }
    for preset in sorted({*hashes["composites"], *found.composites}):
        pairs[f"composite {preset}"] = (hashes["composites"].get(preset), found.composites.get(preset))
    return [name for name, (wanted, got) in pairs.items() if wanted != got]


def put_version(connection: Connection, row: Row[Any], made: NewVersion, now: float) -> None:
    """Record what was made of the item's present version, with the places that must be seen of it."""
    edges = made.composite_box or (None, None, None, None)
    connection.execute(
        insert(versions).values(
            item=row.id,
            version=row.version,
            origin=row.origin,
            made_at=now,
            evidence=evidence_of(made),
            folder=made.folder,
            files={
                "cutout": list(made.cutout),
                "matte": list(made.matte),
                "composites": {preset: list(written) for preset, written in made.composites.items()},
            },
            model=made.model,
            risk=float(made.risk),
            reasons=list(made.reasons),
            risk_json=made.risk_json,
            plate_sha256=made.plate_sha256,
            plate_message=made.plate_message,
            seconds=made.seconds,
            composite_left=edges[0],
            composite_top=edges[1],
            composite_right=edges[2],
            composite_bottom=edges[3],
        )
    )
    if made.places:
        connection.execute(
            insert(places),
            [{"item": row.id, "version": row.version, **asdict(place)} for place in made.places],
        )


def read_version(connection: Connection, item: int, version: int) -> VersionRecord | None:
    """A version as recorded; None where it was not made."""
    row = connection.execute(
        select(versions).where(versions.c.item == item, versions.c.version == version)
    ).one_or_none()
    if row is None:
        return None
    chosen = connection.execute(
        select(places.c.reason, places.c.x, places.c.y)
        .where(places.c.item == item, places.c.version == version)
        .order_by(places.c.id)
    )
    return _version_record(row, tuple(Place(*each) for each in chosen))


def put_decision(
    connection: Connection,
    row: Row[Any],
    now: float,
    *,
    verdict: Literal["approve", "flag", "reject"],
    person: Person | None = None,
    reasons: tuple[str, ...] = (),
    note: str = "",
    box: Box | None = None,
) -> None:
    """Record a person's (else policy's) decision on the item's present version, with that one's hashes."""
    made = read_version(connection, row.id, row.version)
    if made is None:
        raise TransitionRefused(f"Item {row.id} has no picture to decide on yet.")
    connection.execute(
        insert(decisions).values(
            item=row.id,
            version=row.version,
            kind="policy" if person is None else "person",
            verdict=verdict,
            uid=None if person is None else person.uid,
            login=None if person is None else person.login,
            reasons=list(reasons),
            note=note,
            box=None if box is None else list(box),
            evidence=made.evidence,
            at=now,
        )
    )


def _version_record(row: Row[Any], chosen: tuple[Place, ...]) -> VersionRecord:
    hashes: Mapping[str, Any] = json.loads(row.evidence)
    edges = (row.composite_left, row.composite_top, row.composite_right, row.composite_bottom)
    return VersionRecord(
        item=row.item,
        version=row.version,
        origin=Origin(row.origin),
        evidence=row.evidence,
        made=NewVersion(
            folder=row.folder,
            source_sha256=hashes["source"],
            cutout=tuple(row.files["cutout"]),
            matte=tuple(row.files["matte"]),
            composites={preset: tuple(written) for preset, written in row.files["composites"].items()},
            presets=hashes["presets"],
            model=row.model,
            model_sha256=hashes["model"],
            risk=row.risk,
            reasons=tuple(row.reasons),
            places=chosen,
            composite_box=None if None in edges else edges,
            risk_json=row.risk_json,
            plate_sha256=row.plate_sha256,
            plate_message=row.plate_message,
            seconds=row.seconds,
        ),
    )
