"""Looking as a person at the review terminal does, for tests whose items need it before an approval."""

from __future__ import annotations

from studiod.ledger.engine import Ledger
from studiod.ledger.looks import record_looks
from studiod.ledger.reading import get_version
from studiod.ledger.records import Look, NewVersion, Person, Place, Rectangle

COMPOSITE_BOX: Rectangle = (10.0, 20.0, 410.0, 420.0)
"""Where the composite of a made-up version lies in its photograph."""
PLACES = (Place("chain_gap", 100, 120), Place("prong", 300, 200))
"""The places of interest of a made-up version."""


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
