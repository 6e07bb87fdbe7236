from __future__ import annotations

from collections.abc import Callable
from typing import Any

import imagecodecs
import pytest

from studiod.ledger.engine import open_ledger
from studiod.ledger.reading import get_item, get_version
from studiod.ledger.review import current_person, request_strokes
from studiod.ledger.touchup import strokes_of
from studiod.strokes import Stroke

pytestmark = pytest.mark.timeout(240)


def test_strokes_make_a_new_version(studio: Any, daemon: Any, write_picture: Callable[..., bytes]) -> None:
    """Strokes painted on a piece are obeyed in its next version, which waits for a person with its layer."""
    write_picture(studio.hot / "R-DEAR.jpg", 2)
    daemon.until_idle()
    ledger = open_ledger(studio.settings.database)
    (item,) = (each["item"] for each in daemon.ask("list"))
    corner = Stroke(((20.0, 24.0), (40.0, 24.0)), 6.0, "solid")
    request_strokes(ledger, item, 1, [corner], current_person())
    daemon.until_idle()
    record, version = get_item(ledger, item), get_version(ledger, item)
    assert version is not None
    assert (record.status, record.version, version.origin) == ("awaiting_review", 2, "strokes")
    assert strokes_of(ledger, item) == (corner,)
    mattes = [
        imagecodecs.png_decode((studio.settings.work / f"items/{item}/v{number}/matte.png").read_bytes())
        for number in (1, 2)
    ]
    assert [int(matte[24, 30]) for matte in mattes] == [0, 65535]
    ledger.close()
