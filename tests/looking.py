"""A made-up version of an item, and looking at it as a person at the review terminal does."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from studiod.ledger.engine import Ledger
from studiod.ledger.looks import record_looks
from studiod.ledger.reading import get_version
from studiod.ledger.records import Claimed, Look, NewVersion, Person, Place, Rectangle

COMPOSITE_BOX: Rectangle = (10.0, 20.0, 410.0, 420.0)
"""Where the composite of a made-up version lies in its photograph."""
PLACES = (Place("chain_gap", 100, 120), Place("prong", 300, 200))
"""The places of interest of a made-up version."""


def made_up(claimed: Claimed, **told: Any) -> NewVersion:
    """What processing might have made of an item, but for what is `told`."""
    cutout, matte, white = (
        hashlib.sha256(f"{name} {claimed.item} {claimed.version}".encode()).hexdigest()
        for name in ("cutout", "matte", "white")
    )
    made = NewVersion(
        folder=f"items/{claimed.item}/v{claimed.version}",
        source_sha256=claimed.source_sha256 or "",
        cutout=("cutout.png", cutout),
        matte=("matte.png", matte),
        composites={"white": ("composite-white.jpg", white)},
        presets={"white": "a" * 64},
        model="test",
        model_sha256="b" * 64,
        risk=0.1,
        reasons=("chain_gap",),
        places=PLACES,
        composite_box=COMPOSITE_BOX,
        seconds=1.25,
    )
    return replace(made, **told)


def look_closely(ledger: Ledger, item: int, person: Person) -> None:
    """Record looks at the whole composite and at every place of an item's present version."""
    version = get_version(ledger, item)
    if version is not None:
        record_looks(ledger, item, version.version, person, enough_looks(version.made))


def enough_looks(made: NewVersion) -> tuple[Look, ...]:
    """The looks that a version asks for, in a window of 80 x 46 pixels of a terminal at 200 %."""
    assert made.composite_box is not None
    whole = Look("composite", made.composite_box, 0.25, 1.0)
    return (whole, *(close_look(place) for place in made.places))


def close_look(
    place: Place, *, zoom: float = 2.0, seconds: float = 0.5, view: str = "cutout on white"
) -> Look:
    """A window with a place in its middle."""
    across, down = 80 / zoom, 46 / zoom
    box = (place.x - across / 2, place.y - down / 2, place.x + across / 2, place.y + down / 2)
    return Look(view, box, zoom, seconds)
