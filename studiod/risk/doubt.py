"""Where the networks that made the matte were not sure themselves.

It is no witness of its own, being blind where they are blind; but of two mattes that the photograph speaks
for alike, the one that was doubted fails more often.
"""

from __future__ import annotations

import numpy as np

from studiod.risk.evidence import Evidence
from studiod.risk.regions import grown

DOUBT_FEATURES = ("edge", "torn", "inside", "outside")
_NEAR = 3
TORN = 0.2
"""From which doubt on a pixel is torn between piece and background."""
EMPTIED = 0.06
"""Nothing uncovered is doubted more, but what was emptied for a mirror image."""
_SHOWING = 0.02
_LEAST = 1e-4


def measure_doubt(evidence: Evidence) -> tuple[float, ...]:
    """How much was doubted, in the order of DOUBT_FEATURES: nothing, where no network of ours answered.

    The mean along the edge and the share of it that is torn between piece and background; the logarithms of
    what is doubted within the piece and away from it, against the piece's area.
    """
    if evidence.doubt is None:
        return 0.0, 0.0, float(np.log(_LEAST)), float(np.log(_LEAST))
    covered = evidence.covered
    whole = ~grown(~covered, _NEAR)
    away = ~grown(evidence.alpha > _SHOWING, _NEAR) & (evidence.doubt < EMPTIED)
    edge = grown(covered, _NEAR) & ~whole
    area = max(1.0, float(covered.sum()))
    along = evidence.doubt[edge]
    return (
        float(along.mean()) if along.size else 0.0,
        float((along > TORN).mean()) if along.size else 0.0,
        float(np.log(float(evidence.doubt[whole].sum()) / area + _LEAST)),
        float(np.log(float(evidence.doubt[away].sum()) / area + _LEAST)),
    )
