"""What was probably lost on the way from photograph to cutout, where, and how likely it is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from studiod.risk.conditions import find_conditions
from studiod.risk.evidence import gather_evidence
from studiod.risk.findings import REASONS, Finding, Reason, Risk
from studiod.risk.leftovers import find_halo, find_leftovers
from studiod.risk.losses import as_findings, find_losses

__all__ = ["REASONS", "Finding", "Reason", "Risk", "assess"]

Floats = NDArray[np.float32]

_CALIBRATION = "uncalibrated-1"
_LEAST_PIECE = 2e-5
_ASIDE: frozenset[Reason] = frozenset({"out_of_focus", "cut_by_frame"})


def assess(photo: Floats, background: Floats, alpha: Floats) -> Risk:
    """How likely the cutout of `photo` by `alpha` is not usable, and the places that say so.

    `photo` and `background` are linear (H x W x 3), `alpha` H x W. A frame without a piece is
    `no_piece` with a score of 1.
    """
    height, width = alpha.shape
    if float((alpha >= 0.5).mean()) < _LEAST_PIECE:
        whole = (0, 0, width, height)
        nothing = Finding(
            "no_piece", whole, (width // 2, height // 2), 1.0, "No piece was found in this picture."
        )
        return Risk(1.0, (nothing,), _CALIBRATION)
    evidence = gather_evidence(photo, background, alpha)
    findings = as_findings(evidence, find_losses(evidence)) + find_leftovers(evidence)
    halo = find_halo(evidence)
    findings += ([halo] if halo else []) + find_conditions(evidence)
    findings.sort(key=lambda finding: -finding.probability)
    sound = float(np.prod([1.0 - f.probability for f in findings if f.reason not in _ASIDE], initial=1.0))
    return Risk(round(1.0 - sound, 4), tuple(findings), _CALIBRATION)
