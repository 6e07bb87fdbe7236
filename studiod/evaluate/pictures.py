"""What an evaluation found, to look at: plots, and a contact sheet with the worst mattes first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from studiod.evaluate.measures import FAULTS
from studiod.evaluate.running import OURS, Result, by_model
from studiod.evaluate.sets import Truth, read_display
from studiod.evaluate.summaries import MEASURES, summarise
from studiod.imaging.cutout import read_coverage
from studiod.imaging.plot import BLUE, Plot
from studiod.imaging.types import Bytes
from studiod.risk.figures import wilson

_SHEET = 24
_TILE = 320
_LINE = 22
_COLOURS = ((31, 119, 180), (255, 127, 14), (44, 160, 44), (214, 39, 40), (148, 103, 189))
_INK, _FAINT = (40, 40, 40), (205, 205, 205)


def plot_measures(path: Path, results: Sequence[Result]) -> None:
    """Bars with intervals: each measure that is 0..1, a colour a model."""
    models = by_model(results)
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


def _captioned(picture: Bytes, caption: str) -> Bytes:
    """The picture below a line of words."""
    strip = Image.new("RGB", (picture.shape[1], _LINE), "white")
    ImageDraw.Draw(strip).text((6, 3), caption, fill=_INK, font=ImageFont.load_default(13))
    return np.vstack([np.asarray(strip), picture])


def _badness(result: Result) -> float:
    s = result.score
    lost = sum(1.0 - kept for kept in (s.chain_kept, s.stone_kept, s.metal_kept) if kept is not None)
    prongs, holes = s.prongs_lost / max(1, s.prongs), s.holes_filled / max(1, s.holes)
    return float(s.damaged) + lost + prongs + holes + min(1.0, s.spill) + s.edge_mae


def _tile(pixels: Bytes) -> Bytes:
    """The whole picture, as large as a tile holds it."""
    tile = np.full((_TILE * 3 // 4, _TILE, 3), 255, np.uint8)
    height, width = pixels.shape[:2]
    scale = min(tile.shape[0] / height, tile.shape[1] / width)
    size = (max(1, int(width * scale)), max(1, int(height * scale)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    tile[: small.shape[0], : small.shape[1]] = small
    return tile
