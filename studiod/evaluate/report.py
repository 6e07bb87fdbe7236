"""What an evaluation found: tables for people, and every figure as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from rich.console import Console
from rich.table import Table

from studiod.evaluate.measures import FAULTS, Score
from studiod.evaluate.probes import covered_failures
from studiod.evaluate.running import ProbeResult, Result, by_model
from studiod.evaluate.summaries import MEASURES, Figure, bootstrap, summarise, summarise_probes
from studiod.risk.figures import area_under_curve, calibration_error, wilson


class _Scored(Protocol):
    @property
    def score(self) -> Score: ...


Scored = TypeVar("Scored", bound=_Scored)


def print_tables(console: Console, results: Sequence[Result]) -> None:
    """One table overall with intervals, one by look and one by kind."""
    console.print(_table("All pictures (95 % intervals below)", {"all": results}, spread=True))
    for title, key in (("By look", "look"), ("By kind", "kind")):
        console.print(_table(title, _by(key, results), spread=False))


def _by(key: str, scored: Sequence[Scored]) -> dict[str, list[Scored]]:
    """The results of each value of one of their attributes."""
    values = sorted({str(getattr(each, key)) for each in scored})
    return {value: [each for each in scored if getattr(each, key) == value] for value in values}


def _table(title: str, groups: Mapping[str, Sequence[Result]], *, spread: bool) -> Table:
    table = Table(title=title, title_justify="left", box=None, padding=(0, 1))
    for name in ("", "model", "pictures", *(measure.title for measure in MEASURES), "s"):
        table.add_column(name, justify="left" if name in ("", "model") else "right")
    for group, results in groups.items():
        for model, mine in by_model(results).items():
            figures = summarise([result.score for result in mine])
            seconds = f"{np.mean([result.seconds for result in mine]):.2f}"
            values = [_shown(figures[measure.key], spread) for measure in MEASURES]
            table.add_row(group, model, str(len(mine)), *values, seconds)
    return table


def _shown(figure: Figure, spread: bool) -> str:
    if figure.value is None:
        return "-"
    value = f"{figure.value:.3f}"
    return f"{value}\n{figure.low:.3f}-{figure.high:.3f}" if spread else value


def print_probes(console: Console, results: Sequence[ProbeResult]) -> None:
    """The figures at real photographs' probes, a line a model."""
    table = Table(title="Real photographs", title_justify="left", box=None, padding=(0, 1))
    for name in ("model", "pictures", "clean", "keep", "clear", "chain", "breaks", "of clear"):
        table.add_column(name)
    for model in dict.fromkeys(result.model for result in results):
        found = summarise_probes([result.score for result in results if result.model == model])
        kinds = ", ".join(
            f"{name.removeprefix('clear:')} {good}/{total}"
            for name, (good, total) in found.by_kind.items()
            if name.startswith("clear:")
        )
        table.add_row(
            model, str(found.pictures), str(found.clean), _share(found.keep), _share(found.clear),
            _share(found.steps), str(found.breaks), kinds,
        )  # fmt: skip
    console.print(table)
    pairs = [covered_failures(r.score, r.risk.findings) for r in results if r.risk is not None]
    covered, failures = (sum(pair[side] for pair in pairs) for side in (0, 1))
    if failures:
        low, high = wilson(covered, failures)
        shown = sum(len(r.risk.findings) for r in results if r.risk is not None)
        console.print(
            f"Of {failures} failures of ours {covered / failures:.0%} ({low:.0%}-{high:.0%}) lie in the box "
            f"of a fitting finding; {shown} findings on {len(pairs)} photographs."
        )


def _share(counts: tuple[int, int]) -> str:
    good, total = counts
    return f"{good / total:.1%} of {total}" if total else "-"


def measure_risk(results: Sequence[Result]) -> dict[str, Any]:
    """How well the risk tells the pipeline's unusable mattes from the usable ones."""
    judged = [(result.score.usable, result.risk) for result in results if result.risk is not None]
    score = np.array([risk.score for _, risk in judged])
    truth = np.array([not usable for usable, _ in judged], np.float64)
    found: dict[str, Any] = {
        "pictures": len(judged),
        "unusable": float(truth.mean()) if len(judged) else None,
    }
    if len(judged):
        false = [len(risk.findings) for usable, risk in judged if usable]
        low, high = bootstrap(np.stack([score - truth, np.ones_like(score)], axis=1))
        found |= {
            "auroc": None if truth.min() == truth.max() else area_under_curve(score, truth),
            "ece": calibration_error(score, truth),
            "mean_score": float(score.mean()),
            "bias_interval": [low, high],
            "findings_on_usable": float(np.mean(false)) if false else None,
        }
    return found


def print_risk(console: Console, found: dict[str, Any], results: Sequence[Result]) -> None:
    """The risk's figures in a sentence or two, and what the limit that catches 99 % does, group by group."""
    if not found["pictures"]:
        return
    auroc = "not to be had (all alike)" if found["auroc"] is None else f"{found['auroc']:.3f}"
    console.print(
        f"Risk of {found['pictures']} mattes of ours: {found['unusable']:.1%} are not usable, "
        f"the mean score is {found['mean_score']:.3f}; AUROC {auroc}, calibration error {found['ece']:.3f}."
    )
    judged = [r for r in results if r.risk is not None]
    bad = sorted(r.risk.score for r in judged if r.risk and not r.score.usable)
    if not bad:
        return
    limit = bad[int(0.01 * len(bad))]
    table = Table(
        title=f"At the limit {limit:.3f}, where 99 % of the unusable are caught (95 % intervals)",
        title_justify="left", box=None, padding=(0, 1),
    )  # fmt: skip
    for name in ("", "unusable", "caught", "sound", "sent to review"):
        table.add_column(name, justify="left" if not name else "right")
    for title, mine in risk_groups(judged):
        unusable = [r for r in mine if not r.score.usable]
        sound = [r for r in mine if r.score.usable]
        table.add_row(
            title, str(len(unusable)), _share_at(unusable, limit), str(len(sound)), _share_at(sound, limit)
        )
    console.print(table)


def risk_groups(
    judged: Sequence[Scored], keys: Sequence[str] = ("kind", "look")
) -> list[tuple[str, list[Scored]]]:
    """All results; those with each fault beside the sound ones; and those of each value of `keys`."""
    groups = [("all", list(judged))]
    groups += [
        (f"reason: {name}", [r for r in judged if has(r.score) or r.score.usable]) for name, has in FAULTS
    ]
    for key in keys:
        groups += [(f"{key}: {value}", mine) for value, mine in _by(key, judged).items()]
    return groups


def share_text(hits: int, total: int) -> str:
    """A share with Wilson's interval."""
    if not total:
        return "-"
    low, high = wilson(hits, total)
    return f"{hits / total:.0%} ({low:.0%}-{high:.0%})"


def _share_at(results: Sequence[Result], limit: float) -> str:
    """How many are scored at or over the limit."""
    return share_text(sum(r.risk is not None and r.risk.score >= limit for r in results), len(results))


def write_json(
    path: Path, results: Sequence[Result], probes: Sequence[ProbeResult], risk: dict[str, Any]
) -> None:
    """Every figure: summaries with intervals, and each picture's own."""
    groups = {"all": list(results)}
    for key in ("look", "kind"):
        groups |= {f"{key}={value}": mine for value, mine in _by(key, results).items()}
    summary = {
        group: {
            model: {name: asdict(figure) for name, figure in summarise([r.score for r in mine]).items()}
            for model, mine in by_model(chosen).items()
        }
        for group, chosen in groups.items()
    }
    pictures = [
        {
            "picture": r.picture, "kind": r.kind, "look": r.look, "model": r.model, "seconds": r.seconds,
            **asdict(r.score), "damaged": r.score.damaged, "usable": r.score.usable,
            "risk": r.risk.as_json() if r.risk else None,
        }
        for r in results
    ]  # fmt: skip
    models = dict.fromkeys(r.model for r in probes)
    content = {
        "summary": summary,
        "risk": risk,
        "pictures": pictures,
        "probes": {
            "summary": {
                m: asdict(summarise_probes([r.score for r in probes if r.model == m])) for m in models
            },
            "pictures": [
                {
                    "picture": r.picture,
                    "model": r.model,
                    "clean": r.score.clean,
                    **asdict(r.score),
                    "risk": r.risk.as_json() if r.risk else None,
                }
                for r in probes
            ],
        },
    }
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")
