"""`studiod check`: is this studio ready for the night?"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import typer

from studiod.commands.options import ConfigOption, console, studio_settings
from studiod.errors import StudioError
from studiod.ledger.engine import open_ledger
from studiod.ledger.mounts import network_file_system
from studiod.names import inert, printable
from studiod.settings import GIGABYTE, MARKER, HotFolder, Preset, Settings, load_preset

_COLOURED = 32  # difference of 8-bit channels above which a background is more than warm or cool


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: well, worth a warning, or a problem that must be put right."""

    verdict: Literal["ok", "warning", "problem"]
    what: str
    sentence: str


def check(config: ConfigOption = None) -> None:
    """Say whether the studio is ready for the night.

    Looks at configuration, catalogue, folders, presets, model, approval rules, disk and database.

    Ends with exit code 0 when the daemon can work (warnings included), 1 when something must be put
    right first, 2 when the configuration itself cannot be read.
    """
    settings = studio_settings(config)
    findings = [Finding("ok", "configuration", f"{printable(settings.root)} is a studio")]
    screen = console()
    with screen.status("looking"):
        findings.extend(look(settings))
    for finding in findings:
        typer.echo(f"{finding.verdict:<8} {finding.what}: {finding.sentence}")
    problems = sum(finding.verdict == "problem" for finding in findings)
    warnings = sum(finding.verdict == "warning" for finding in findings)
    typer.echo(f"\n{_count(problems, 'problem')}, {_count(warnings, 'warning')}.")
    if problems:
        raise typer.Exit(1)


def look(settings: Settings) -> Iterator[Finding]:
    """Everything there is to say about a studio whose configuration can be read."""
    yield from _folders(settings)
    yield from _presets(settings)
    yield from _catalogue(settings)
    yield from _model(settings)
    yield from _rules(settings)
    yield from _notify(settings)
    yield from _disk(settings)
    yield from _database(settings)


def _folders(settings: Settings) -> Iterator[Finding]:
    hot = {folder.path: folder for folder in settings.hot_folders}
    init = f"studiod init {printable(shlex.quote(str(settings.root)))}"
    for root in (*settings.roots, settings.touchup_return):
        name = printable(root)
        if not root.is_dir():
            yield Finding(
                "problem", "folder", f"{name} is missing: is its disk mounted? If it is new: {init}"
            )
        elif root != settings.touchup_return and not (root / MARKER).is_file():
            yield Finding(
                "problem", "folder", f"{name} lacks its {MARKER}: is its disk mounted? If it is: {init}"
            )
        elif not os.access(root, os.R_OK | os.X_OK):
            yield Finding("problem", "folder", f"{name} cannot be read by this user")
        elif root not in hot and not os.access(root, os.W_OK):
            yield Finding("problem", "folder", f"{name} cannot be written by this user")
        else:
            yield from _hot_folder(hot.get(root), name)


def _hot_folder(folder: HotFolder | None, name: str) -> Iterator[Finding]:
    share = None if folder is None or folder.watch == "poll" else network_file_system(folder.path)
    if folder is not None and share is not None:
        yield Finding(
            "warning",
            "folder",
            f'{name} is a network share ({share}) and tells no events: set watch = "poll"',
        )
    elif folder is not None and folder.plate is not None and not folder.plate.is_file():
        yield Finding("problem", "plate", f"{printable(folder.plate)} is missing")
    else:
        yield Finding("ok", "folder", name)


def _presets(settings: Settings) -> Iterator[Finding]:
    for name in dict.fromkeys(name for folder in settings.hot_folders for name in folder.presets):
        try:
            preset = load_preset(name, settings.root)
        except StudioError as error:
            yield Finding("problem", "preset", _sentence(error))
            continue
        if _is_coloured(preset):
            yield Finding(
                "warning",
                "preset",
                f"{name} has a coloured background ({preset.background}), which makes metal "
                "hard to judge: white or a light grey serves a main picture better",
            )
        else:
            yield Finding("ok", "preset", f"{name}, {preset.background}, {preset.format}")


def _is_coloured(preset: Preset) -> bool:
    return max(preset.rgb) - min(preset.rgb) > _COLOURED


def _catalogue(settings: Settings) -> Iterator[Finding]:
    from studiod.intake.catalog import merge, read_catalog

    read = []
    if not settings.catalog.files:
        yield Finding("warning", "catalogue", "none is configured: every picture will wait for a person")
    for path in settings.catalog.files:
        try:
            catalog = read_catalog(path, settings.currency_of(path))
        except StudioError as error:
            yield Finding("problem", "catalogue", _sentence(error))
            continue
        read.append(catalog)
        priced = [price for price in catalog.prices.values() if price.minor is not None]
        unruled = sorted({price.currency for price in priced} - set(settings.qa.threshold))
        if unruled:
            yield Finding(
                "warning",
                "catalogue",
                f"no threshold under [qa] for {', '.join(map(inert, unruled))}: such pieces always wait",
            )
        if priced:
            yield Finding("ok", "catalogue", f"{printable(path)}: {_count(len(priced), 'price')}")
        else:
            yield Finding(
                "warning",
                "catalogue",
                f"{printable(path)} holds no price: every picture will wait",
            )
    for warning in dict.fromkeys(merge(read).warnings):
        yield Finding("warning", "catalogue", inert(warning))


def _model(settings: Settings) -> Iterator[Finding]:
    from studiod.matting import load_matte

    try:
        matte = load_matte(settings.matting, 1)
    except StudioError as error:
        yield Finding("problem", "model", _sentence(error))
    else:
        yield Finding("ok", "model", f"{matte.name}, sha256 {matte.sha256[:12]}")


def _rules(settings: Settings) -> Iterator[Finding]:
    from studiod.risk.studio import studio_calibration

    share = settings.qa.auto_approve_below
    if share is not None and studio_calibration(settings.calibrations).version.startswith("uncalibrated"):
        yield Finding(
            "warning",
            "approval",
            f"auto_approve_below = {share:g} lets pictures leave unseen by a risk that is not calibrated yet",
        )
    for currency, second in settings.qa.two_person_above.items():
        first = settings.qa.threshold.get(currency)
        if first is not None and second < first:
            yield Finding(
                "problem",
                "approval",
                f"two_person_above is {second} {currency}, below the threshold {first}",
            )
    if settings.qa.two_person_above and _people() < 2:
        yield Finding(
            "warning",
            "approval",
            "two_person_above is set, but fewer than two people can log in here: such pieces can never leave",
        )


def _notify(settings: Settings) -> Iterator[Finding]:
    """Whether the shell finds the command that is to tell somebody."""
    words = settings.notify.command.split()
    if not words or os.name != "posix" or not re.fullmatch(r"[\w./~+-]+", words[0]):
        return  # what begins with more than a name only the shell can read
    asked = ["/bin/sh", "-c", f"command -v {words[0]}"]
    if subprocess.run(asked, cwd=settings.root, capture_output=True, check=False).returncode:
        yield Finding(
            "warning",
            "notify",
            f"the command {printable(words[0])} is not found, or cannot be run: nobody will be told",
        )


def _people() -> int:
    """How many people can log in here, as far as the machine's own list says."""
    try:
        import pwd
    except ImportError:
        return 2  # no such list on this system: nothing to say
    shells = ("nologin", "false", "sync", "")
    return sum(
        person.pw_uid == 0 or (person.pw_uid >= 500 and person.pw_shell.rpartition("/")[2] not in shells)
        for person in pwd.getpwall()
    )


def _disk(settings: Settings) -> Iterator[Finding]:
    seen: set[int] = set()
    hot = {folder.path for folder in settings.hot_folders}
    for root in settings.roots:
        if root in hot or not root.is_dir() or root.stat().st_dev in seen:
            continue
        seen.add(root.stat().st_dev)
        free = shutil.disk_usage(root).free / GIGABYTE
        floor = settings.store.min_free_gb
        verdict: Literal["ok", "problem"] = "ok" if free >= floor else "problem"
        yield Finding(
            verdict,
            "disk",
            f"{printable(root)}: {free:.1f} GB free; work pauses below {floor:g}",
        )


def _database(settings: Settings) -> Iterator[Finding]:
    share = network_file_system(settings.database)
    if share is not None:
        yield Finding("problem", "database", f"work/ is on a network share ({share}): it needs a local disk")
    elif not settings.database.exists():
        yield Finding("ok", "database", "none yet; the daemon makes it at its first start")
    else:
        try:
            open_ledger(settings.database).close()
        except StudioError as error:
            yield Finding("problem", "database", _sentence(error))
        else:
            yield from _rights(settings.database)


def _rights(database: Path) -> Iterator[Finding]:
    """Whether this user may decide here, and whether what one user writes is the others' to write too."""
    beside = [Path(f"{database}{end}") for end in ("", "-wal", "-shm")]
    closed = [path for path in beside if path.exists() and not os.access(path, os.W_OK)]
    mode = database.parent.stat().st_mode
    if closed or not os.access(database.parent, os.W_OK):
        name = printable((closed or [database.parent])[0])
        yield Finding(
            "problem", "database",
            f"{name} cannot be written by this user: join the group that owns it, and log in again",
        )  # fmt: skip
    elif mode & stat.S_IWGRP and not mode & stat.S_ISGID:
        yield Finding(
            "warning", "database",
            f"{printable(database.parent)} is its group's to write, but new files would be another group's: "
            "chmod g+s it",
        )  # fmt: skip
    else:
        yield Finding("ok", "database", printable(database))


def _sentence(error: StudioError) -> str:
    return inert(str(error))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
