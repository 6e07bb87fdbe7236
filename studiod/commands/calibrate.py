"""`studiod calibrate`: what the studio's own decisions say about the risk score."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from studiod.commands.options import ConfigOption, console, studio_ledger, studio_settings
from studiod.errors import StudioError
from studiod.names import printable

if TYPE_CHECKING:
    from studiod.calibrate import Places, Rate
    from studiod.imaging.types import Box
    from studiod.ledger.judgements import Judgement


def calibrate(
    wanted: Annotated[
        float,
        typer.Option(
            "--false-pass",
            metavar="SHARE",
            help="The false-pass rate you would accept: of what leaves unseen, the share that is not usable.",
        ),
    ] = 0.01,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE", help="Draw both curves into this PNG.")
    ] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Write what was learnt as a new calibration of this studio.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Learn from people how far the risk can be trusted.

    Shows for every limit what share of the pieces below it a person would have stopped, and how many a
    person must look at; proposes a value for auto_approve_below. Changes nothing without --apply, and never
    studiod.toml.
    """
    from studiod import calibrate as learning
    from studiod.ledger.judgements import read_judgements
    from studiod.risk.studio import list_adjustments, studio_calibration

    if not 0 < wanted < 1:
        raise typer.BadParameter("say a share between 0 and 1, such as 0.01", param_hint="--false-pass")
    settings = studio_settings(config)
    judged, strangers = _on_one_scale(read_judgements(studio_ledger(settings)), settings.calibrations)
    shown = console()
    say = partial(shown.print, markup=False)
    inforce = studio_calibration(settings.calibrations).version
    people = sum(j.usable is not None for j in judged)
    stopped = sum(j.usable is False for j in judged)
    say(f"Calibration in force: {inforce}, {len(list_adjustments(settings.calibrations))} of your own.")
    say(
        f"{people} pieces were judged by a person ({stopped} not usable as they stood), "
        f"{len(judged) - people} left by policy or in one go and nobody looked."
    )
    if strangers:
        say(f"Left out: {strangers} pieces that another calibration scored.")
    if blind := learning.uncovered(judged):
        say(f"Nobody looked at anything of about the risk of {blind} of these.")
    found = learning.rates(judged)
    if people:
        shown.print(_table(found))
    else:
        say("Nobody has judged a piece yet: no limit has a rate.")
    shown.print(_places_table(learning.compare_places(judged, _changes_below(settings.work))))
    say(_proposal(learning.propose(found, wanted), found, wanted))
    if plot is not None:
        try:
            learning.plot_rates(plot, found, wanted)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            raise StudioError(
                f"The plot cannot be written to {printable(plot)}: {why}.",
                "Name a .png file you may write.",
            ) from None
        say(f"Drawn to {printable(plot)}")
    if apply:
        say(_apply(judged, settings.calibrations))


def _on_one_scale(judged: Sequence[Judgement], folder: Path) -> tuple[list[Judgement], int]:
    """The judgements, scored as by the calibration in force, and how many it cannot score."""
    import numpy as np

    from studiod.risk.calibration import load_calibration
    from studiod.risk.studio import fitting_adjustments

    shipped = load_calibration().version
    known = {each.version: each for each in fitting_adjustments(folder)}
    last = next(reversed(known.values()), None)
    usable = [j for j in judged if j.calibration == shipped or j.calibration in known]

    def moved(j: Judgement) -> Judgement:
        score = np.array([j.score])
        if j.calibration == (last.version if last else shipped):
            return j
        if j.calibration in known:
            score = known[j.calibration].undo(score)
        return replace(j, score=float(last.apply(score)[0] if last else score[0]))

    return [moved(j) for j in usable], len(judged) - len(usable)


def _table(found: Sequence[Rate]) -> Table:
    table = Table(
        title="If pieces below this limit left unseen", title_justify="left", box=None, padding=(0, 1)
    )
    for name in ("limit", "judged below", "not usable of those", "95 % interval", "a person looks at"):
        table.add_column(name, justify="right")
    for rate in found:
        share = "-" if rate.false_pass is None else f"{rate.false_pass:.1%}"
        interval = "-" if rate.false_pass is None else f"{rate.low:.1%} to {rate.high:.1%}"
        table.add_row(f"{rate.limit:g}", str(rate.seen), share, interval, f"{rate.load:.0%}")
    return table


def _places_table(places: Places) -> Table | str:
    if not places.by_reason:
        return "Nobody has shown yet where our findings are right: no boxes, no touch-ups that came back."
    title = f"Findings where people looked; they met {places.met} of {places.wrong} places that were wrong"
    table = Table(title=title, title_justify="left", box=None, padding=(0, 1))
    for name in ("reason", "shown", "right"):
        table.add_column(name, justify="left" if name == "reason" else "right")
    for reason, one in places.by_reason.items():
        table.add_row(printable(reason), str(one.shown), str(one.right))
    return table


def _proposal(chosen: Rate | None, found: Sequence[Rate], wanted: float) -> str:
    from studiod.calibrate import needed_for

    if chosen is not None and chosen.false_pass is not None:
        return (
            f"Proposed: auto_approve_below = {chosen.limit:g}. Of the pieces below it "
            f"{chosen.false_pass:.1%} would not be usable "
            f"(95 % interval {chosen.low:.1%} to {chosen.high:.1%}, {chosen.seen} judged); "
            f"a person looks at {chosen.load:.0%} of all. Put it into [qa] yourself if you want it."
        )
    seen = max((rate.seen for rate in found), default=0)
    needed = needed_for(wanted)
    if seen < needed:
        return (
            f"No limit is proposed: {seen} decisions are too few. To show a false-pass rate of at most "
            f"{wanted:.1%}, about {needed} pieces below the limit must have been judged, all of them usable."
        )
    return f"No limit is proposed: at none is a false-pass rate of at most {wanted:.1%} sure enough."


def _apply(judged: Sequence[Judgement], folder: Path) -> str:
    """Write what was learnt as the studio's next calibration; what it is called, and what it changes."""
    from studiod.calibrate import FEWEST, as_values, learn, weigh
    from studiod.imaging.files import write_whole
    from studiod.risk.calibration import load_calibration
    from studiod.risk.figures import calibration_error
    from studiod.risk.logistic import moved_on_logit
    from studiod.risk.studio import Adjustment, as_json, fitting_adjustments, next_version

    seen = weigh(judged)
    learnt = learn(seen)
    if learnt is None:
        raise StudioError(
            f"Nothing was learnt: it takes at least {FEWEST} usable and {FEWEST} unusable pieces that people "
            f"judged, and a score that tells them apart ({sum(s.unusable for s in seen)} of {len(seen)} are "
            "unusable).",
            "Review more pieces; the shipped calibration stays in force.",
        )
    slope, offset = learnt
    if earlier := fitting_adjustments(folder):  # the scores seen were adjusted already
        slope, offset = slope * earlier[-1].slope, slope * earlier[-1].offset + offset
    shipped = load_calibration().version
    made = Adjustment(next_version(folder), shipped, round(slope, 5), round(offset, 5), len(seen))
    folder.mkdir(exist_ok=True)
    write_whole(folder / f"{made.version}.json", [as_json(made)])
    score, truth, _ = as_values(seen)
    moved = moved_on_logit(score, *learnt)
    return (
        f"Written: {printable(folder / made.version)}.json. Pieces made from now on are scored by it; on the "
        f"{len(seen)} pieces that it learnt from the calibration error falls from "
        f"{calibration_error(score, truth):.3f} to {calibration_error(moved, truth):.3f}."
    )


def _changes_below(work: Path) -> Callable[[Judgement], Sequence[Box] | None]:
    """What a piece's returned touch-up changed of its matte; None where none came back, or it is gone."""
    from studiod.calibrate import find_changes
    from studiod.imaging.cutout import read_coverage

    def find(j: Judgement) -> Sequence[Box] | None:
        if j.returned is None:
            return None
        try:
            ours, theirs = (read_coverage(work / folder / "matte.png") for folder in (j.folder, j.returned))
        except OSError:
            return None
        return find_changes(ours, theirs) if ours.shape == theirs.shape else None

    return find
