"""What an evaluation found, for people: tables, plots and a worst-first contact sheet, and JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from rich.console import Console
from rich.table import Table

from studiod.evaluate.measures import FAULTS, Score
from studiod.evaluate.probes import covered_failures
from studiod.evaluate.running import OURS, ProbeResult, Result
from studiod.evaluate.sets import Truth, read_coverage, read_display
from studiod.evaluate.tables import MEASURES, Figure, bootstrap, summarise, summarise_probes
from studiod.imaging.plot import BLUE, Plot
from studiod.risk.figures import area_under_curve, calibration_error, wilson

_SHEET = 24
_TILE = 320
_LINE = 22
_COLOURS = ((31, 119, 180), (255, 127, 14), (44, 160, 44), (214, 39, 40), (148, 103, 189))
_INK, _FAINT = (40, 40, 40), (205, 205, 205)


class _Scored(Protocol):
    @property
    def score(self) -> Score: ...


Scored = TypeVar("Scored", bound=_Scored)


def _by_model(results: Sequence[Result]) -> dict[str, list[Result]]:
    models = list(dict.fromkeys(result.model for result in results))
    return {model: [result for result in results if result.model == model] for model in models}


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
        for model, mine in _by_model(results).items():
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
            for model, mine in _by_model(chosen).items()
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


def plot_measures(path: Path, results: Sequence[Result]) -> None:
    """Bars with intervals: each measure that is 0..1, a colour a model."""
    models = _by_model(results)
    bounded = [measure for measure in MEASURES if measure.key not in ("chain_breaks", "spill")]
    width, height, floor = 140 * len(bounded) + 60, 420, 360
    picture = Image.new("RGB", (width, height), "white")
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(13)
    for fifth in range(6):
        y = floor - 60 * fifth
        draw.line((50, y, width - 10, y), fill=_FAINT)
        draw.text((22, y - 8), f"{fifth / 5:.1f}", fill=_INK, font=font)
    for place, (model, mine) in enumerate(models.items()):
        colour = _COLOURS[place % len(_COLOURS)]
        draw.text((60 + 170 * place, 12), model, fill=colour, font=font)
        figures = summarise([result.score for result in mine])
        for column, measure in enumerate(bounded):
            figure = figures[measure.key]
            if figure.value is None:
                continue
            bar = 100 / len(models)
            left = 60 + 140 * column + bar * place
            draw.rectangle((left, floor - 300 * figure.value, left + bar - 2, floor), fill=colour)
            middle = left + bar / 2
            draw.line(
                (middle, floor - 300 * figure.low, middle, floor - 300 * figure.high), fill=_INK, width=2
            )
    for column, measure in enumerate(bounded):
        draw.text((60 + 140 * column, floor + 8), measure.title, fill=_INK, font=font)
    picture.save(path)


def plot_risk(path: Path, results: Sequence[Result]) -> None:
    """Left: the risk's reliability; right: how many unusable ones each share of review catches."""
    judged = [(r.risk.score, not r.score.usable) for r in results if r.risk is not None]
    if not judged:
        return
    judged.sort()
    titles = (
        "reliability: score across, share not usable upwards", "share reviewed across, share caught upwards"
    )  # fmt: skip
    plot = Plot(titles, (1.0, 1.0))
    plot.diagonal(0)
    for part in np.array_split(np.array(judged, np.float64), min(10, len(judged))):
        score, bad = float(part[:, 0].mean()), float(part[:, 1].mean())
        plot.interval(0, score, bad, wilson(float(part[:, 1].sum()), len(part)))
    caught = np.cumsum([bad for _, bad in reversed(judged)]) / max(1, sum(bad for _, bad in judged))
    plot.line(1, [(0, 0), *((n / len(judged), float(share)) for n, share in enumerate(caught, 1))], BLUE)
    plot.save(path)


def write_contact_sheet(path: Path, truths: Sequence[Truth], results: Sequence[Result], mattes: Path) -> None:
    """The pipeline's worst pictures first: photograph, exact matte, ours, and where they differ."""
    ours = sorted((r for r in results if r.model == OURS), key=_badness, reverse=True)[:_SHEET]
    by_name = {truth.name: truth for truth in truths}
    heads = ("photograph", "exact matte", "ours", "red: kept too much, blue: lost")
    rows = [np.hstack([_captioned(np.zeros((0, _TILE, 3), np.uint8), head) for head in heads])]
    for result in ours:
        truth = by_name[result.picture]
        exact, found = read_coverage(truth.alpha), read_coverage(mattes / f"{truth.name}_alpha.png")
        wrong = np.stack(
            [1 - (exact - found).clip(0), 1 - np.abs(exact - found), 1 - (found - exact).clip(0)], 2
        )
        tiles = [read_display(truth.photo)]
        tiles += [np.repeat((m * 255).astype(np.uint8)[..., None], 3, 2) for m in (exact, found)]
        tiles.append((wrong * 255).astype(np.uint8))
        s = result.score
        faults = ", ".join(name for name, is_fault in FAULTS if is_fault(s)) or "usable"
        caption = (
            f"{result.picture}: {faults} (breaks {s.chain_breaks}, prongs lost {s.prongs_lost}, holes filled "
            f"{s.holes_filled}, edge {s.edge_mae:.3f}, spill {s.spill:.3f})"
            + (f", risk {result.risk.score:.2f}" if result.risk else "")
        )
        rows.append(_captioned(np.hstack([_tile(tile) for tile in tiles]), caption))
    if ours:
        Image.fromarray(np.vstack(rows)).save(path, quality=85)


def _captioned(picture: NDArray[np.uint8], caption: str) -> NDArray[np.uint8]:
    """The picture below a line of words."""
    strip = Image.new("RGB", (picture.shape[1], _LINE), "white")
    ImageDraw.Draw(strip).text((6, 3), caption, fill=_INK, font=ImageFont.load_default(13))
    return np.vstack([np.asarray(strip), picture])


def _badness(result: Result) -> float:
    s = result.score
    lost = sum(1.0 - kept for kept in (s.chain_kept, s.stone_kept, s.metal_kept) if kept is not None)
    prongs, holes = s.prongs_lost / max(1, s.prongs), s.holes_filled / max(1, s.holes)
    return float(s.damaged) + lost + prongs + holes + min(1.0, s.spill) + s.edge_mae


def _tile(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The whole picture, as large as a tile holds it."""
    tile = np.full((_TILE * 3 // 4, _TILE, 3), 255, np.uint8)
    height, width = pixels.shape[:2]
    scale = min(tile.shape[0] / height, tile.shape[1] / width)
    size = (max(1, int(width * scale)), max(1, int(height * scale)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    tile[: small.shape[0], : small.shape[1]] = small
    return tile
