"""approved -> files: names reserved, files put in place whole, the manifest told, then delivered.

A crash at any moment is made good by `recover`: where every file of a delivery is whole it counts as
delivered; otherwise what was written is taken back and the item is judged again.
"""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path, PurePosixPath

from studiod.delivery.manifest import Line, add_lines, remove_lines
from studiod.delivery.place import (
    ContentChanged,
    Progress,
    holds,
    move_aside,
    no_progress,
    place,
    require_mounted,
    sha256_of,
    temporary_of,
)
from studiod.errors import GateRefused, OutOfSpace, StudioError, TransitionRefused
from studiod.ledger import delivery as queue
from studiod.ledger.engine import Ledger
from studiod.ledger.reading import decisions, get_item, get_version
from studiod.ledger.records import Delivery, FoundFiles, ItemRecord, OutputRecord, WantedOutput
from studiod.ledger.states import Status
from studiod.names import printable
from studiod.settings import Settings

MANIFEST = "manifest.csv"
RECALLED = "recalled"
_FULL = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of one item's delivery: DELIVERED with its files below the outbox, or why not."""

    item: int
    status: Status
    files: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Recalled:
    """What became of a recalled output: where its file is now below the outbox, and what went wrong."""

    output: int
    moved_to: str = ""
    problem: str = ""


class OutboxClosed(StudioError):
    """A place of more than this item takes nothing: it is tried again until that is put right."""


def deliver(
    ledger: Ledger,
    settings: Settings,
    item: ItemRecord,
    *,
    last_try: bool = False,
    progress: Progress = no_progress,
) -> Delivered:
    """Deliver one approved item.

    OutOfSpace where a disk is full, OutboxClosed where the outbox, its manifest or the archive cannot be
    written at all: the item is approved still, and nothing is recorded where that was so beforehand.
    Where just its own files cannot be written it is approved again too, or failed when this was the
    `last_try`.
    """
    version = get_version(ledger, item.id, item.version)
    if version is None:
        raise TransitionRefused(f"Item {item.id} has no version {item.version} to deliver.")
    made, folder = version.made, settings.work / version.made.folder
    closed = _closed_place(settings, item, made.composites)
    if closed is not None:
        raise _hindrance(closed, settings.outbox)
    found = FoundFiles(
        cutout=sha256_of(folder / made.cutout[0], progress) or "",
        matte=sha256_of(folder / made.matte[0], progress) or "",
        composites={
            preset: sha256_of(folder / name, progress) or "" for preset, (name, _) in made.composites.items()
        },
    )
    stem = PurePosixPath(item.path).stem
    wanted = [
        WantedOutput(preset, stem, PurePosixPath(name).suffix, sha256)
        for preset, (name, sha256) in made.composites.items()
    ]
    try:
        delivery = queue.start_delivery(ledger, item.id, item.version, found, wanted)
    except (GateRefused, TransitionRefused) as error:  # or somebody took the approval back meanwhile
        return Delivered(item.id, get_item(ledger, item.id).status, reason=error.message)
    outputs = list(delivery.outputs)
    try:
        for index, output in enumerate(outputs):
            source = folder / made.composites[output.preset][0]
            outputs[index] = _placed(ledger, settings.outbox, source, output, progress)
        return _finished(ledger, settings, item, outputs, progress)
    except (OSError, ContentChanged) as error:
        _take_back(settings.outbox, outputs)
        reason = _sentence(error, settings.outbox)
        if isinstance(error, OSError):
            told = error.errno in {*_FULL, errno.ENODEV}
            closed = error if told else _closed_place(settings, item, made.composites)
        if last_try and closed is None:
            queue.delivery_failed(ledger, item.id, item.version, reason)
            return Delivered(item.id, Status.FAILED, reason=reason)
        status = queue.delivery_interrupted(ledger, item.id, item.version, reason)
        if closed is not None:
            raise _hindrance(closed, settings.outbox) from None
        return Delivered(item.id, status, reason=reason)


def recover(ledger: Ledger, settings: Settings, progress: Progress = no_progress) -> list[Delivered]:
    """Settle what an earlier daemon was delivering when it ended."""
    return [
        _recovered(ledger, settings, delivery, progress) for delivery in queue.unfinished_deliveries(ledger)
    ]


def take_back_recalled(ledger: Ledger, settings: Settings, but: Collection[int] = ()) -> list[Recalled]:
    """Move the files of recalled items, `but` these outputs, to outbox/recalled.

    What cannot be moved now stays to be recalled, and holds up nothing else. Only what was delivered is
    moved: another file that has its name now is somebody else's.
    """
    outputs = queue.to_recall(ledger)
    return [_recalled(ledger, settings.outbox, output) for output in outputs if output.id not in but]


def _recalled(ledger: Ledger, outbox: Path, output: OutputRecord) -> Recalled:
    source = outbox / output.path
    moved_to = ""
    try:
        require_mounted(outbox)
        if source.parent.is_symlink():
            source.parent.resolve(strict=True)  # OSError where its disk is not there
        if holds(source, output.sha256):
            moved_to = _moved_aside(outbox, output)
        remove_lines(outbox / MANIFEST, {printable(output.path)})
    except OSError as error:
        where = printable(os.fsdecode(error.filename)) if error.filename else printable(source)
        why = f"{where}: {error.strerror or error}"
        return Recalled(
            output.id, moved_to, f"The recall of {printable(output.path)} is not finished: {why}."
        )
    queue.output_recalled(ledger, output.id)
    return Recalled(output.id, moved_to)


def _placed(
    ledger: Ledger, outbox: Path, source: Path, output: OutputRecord, progress: Progress
) -> OutputRecord:
    """Put one file in its place, under another name where its own is taken; returns what was reserved."""
    while True:
        require_mounted(outbox)
        try:
            place(source, outbox / output.path, output.sha256, progress)
        except FileExistsError:
            output = queue.rename_output(ledger, output.id)
        else:
            return output


def _finished(
    ledger: Ledger, settings: Settings, item: ItemRecord, outputs: Sequence[OutputRecord], progress: Progress
) -> Delivered:
    _require_mounted(settings)
    manifest = settings.outbox / MANIFEST
    decided_by = _decided_by(ledger, item)
    lines = [
        Line(
            printable(item.sku or ""),
            printable(output.path),
            output.preset,
            item.id,
            output.version,
            decided_by,
            output.sha256,
        )
        for output in outputs
    ]
    add_lines(manifest, lines)
    if settings.delivery.archive is not None:
        _archive(settings, settings.delivery.archive, item, progress)
    _require_mounted(settings)  # what was written must not lie in the place of a disk that went meanwhile
    try:
        queue.finish_delivery(ledger, item.id, outputs[0].version if outputs else item.version)
    except TransitionRefused as error:
        _take_back(settings.outbox, outputs)
        return Delivered(item.id, get_item(ledger, item.id).status, reason=error.message)
    return Delivered(item.id, Status.DELIVERED, tuple(output.path for output in outputs))


def _recovered(ledger: Ledger, settings: Settings, delivery: Delivery, progress: Progress) -> Delivered:
    whole = all(
        sha256_of(settings.outbox / output.path, progress) == output.sha256 for output in delivery.outputs
    )
    with contextlib.suppress(OSError):  # the next try writes over what is left
        for output in delivery.outputs:
            temporary_of(settings.outbox / output.path, output.sha256).unlink(missing_ok=True)
    reason = "the delivery was cut short"
    if whole and delivery.outputs:
        try:
            return _finished(ledger, settings, get_item(ledger, delivery.item), delivery.outputs, progress)
        except (OSError, ContentChanged) as error:
            reason = _sentence(error, settings.outbox)
    _take_back(settings.outbox, delivery.outputs)
    status = queue.delivery_interrupted(ledger, delivery.item, delivery.version, reason)
    return Delivered(delivery.item, status, reason=reason)


def _take_back(outbox: Path, outputs: Sequence[OutputRecord]) -> None:
    """Remove what a delivery wrote, and only that; the manifest no longer names it.

    What cannot be removed now stays: a repeated delivery finds its own bytes and counts them as placed.
    """
    with contextlib.suppress(OSError):
        for output in outputs:
            path = outbox / output.path
            if not path.is_symlink() and sha256_of(path) == output.sha256:
                path.unlink(missing_ok=True)
        remove_lines(outbox / MANIFEST, {printable(output.path) for output in outputs})


def _closed_place(settings: Settings, item: ItemRecord, presets: Iterable[str]) -> OSError | None:
    """Why a place of more than this item takes nothing, if one does: that is no fault of the item's.

    Those are outbox and archive, their folders (one that is not there yet can be made) and the manifest.
    """
    outbox, archive = settings.outbox, settings.delivery.archive
    folders = [outbox, *(outbox / preset for preset in presets)]
    if archive is not None:
        folders += [archive, archive / item.hot_folder]
    try:
        _require_mounted(settings)
    except OSError as error:
        return error
    for folder in filter(os.path.lexists, folders):
        try:
            with tempfile.TemporaryFile(prefix=".studiod-", dir=folder):
                pass
        except OSError as error:
            return OSError(error.errno, error.strerror, str(folder))
    try:
        with contextlib.suppress(FileNotFoundError), (outbox / MANIFEST).open("r+b"):
            pass
    except OSError as error:
        return error
    return None


def _require_mounted(settings: Settings) -> None:
    """OSError where the disk of the outbox or of the archive is not there."""
    require_mounted(settings.outbox)
    if settings.delivery.archive is not None:
        require_mounted(settings.delivery.archive)


def _hindrance(error: OSError, outbox: Path) -> StudioError:
    reason = _sentence(error, outbox)
    if error.errno in _FULL:
        return OutOfSpace(reason, "Free some space: delivery goes on by itself.")
    return OutboxClosed(reason, "Put that right: delivery goes on by itself.")


def _moved_aside(outbox: Path, output: OutputRecord) -> str:
    names = (outbox / RECALLED / name for name in _recalled_names(output))
    return f"{RECALLED}/{move_aside(outbox / output.path, names).name}"


def _recalled_names(output: OutputRecord) -> Iterator[str]:
    path = PurePosixPath(output.path)
    yield path.name
    for number in count(2):
        yield f"{_shortened(path.stem)}_{output.preset}_{number}{path.suffix}"


def _archive(settings: Settings, archive: Path, item: ItemRecord, progress: Progress) -> None:
    """Copy the item's originals to archive/HOT FOLDER/PATH; what is gone from both places is left out."""
    hot = settings.hot_path(item.hot_folder)
    for relative in item.files or (item.path,):
        is_source = relative == item.path
        sources = [hot / relative] if hot is not None else []
        if is_source and item.kept_original is not None:
            sources.insert(0, settings.work / item.kept_original)
        for source in sources:
            sha256 = item.source_sha256 if is_source else sha256_of(source, progress)
            if sha256 is None or sha256_of(source, progress) != sha256:
                continue
            target = archive / item.hot_folder / relative
            try:
                place(source, target, sha256, progress)
            except FileExistsError:
                other = f"{_shortened(target.stem)}_{sha256[:16]}{target.suffix}"
                place(source, target.with_name(other), sha256, progress)
            break


def _shortened(stem: str) -> str:
    """A stem that leaves room for what is put behind it."""
    return os.fsdecode(os.fsencode(stem)[:180])


def _decided_by(ledger: Ledger, item: ItemRecord) -> str:
    approvals = [
        decision
        for decision in decisions(ledger, item.id)
        if decision.version == item.version
        and decision.verdict == "approve"
        and decision.withdrawn_at is None
    ]
    return "+".join(
        printable(decision.person.login) if decision.person else "policy" for decision in approvals
    )


def _sentence(error: OSError | ContentChanged, outbox: Path) -> str:
    if isinstance(error, ContentChanged):
        return "the finished picture changed while it was copied"
    where = printable(os.fsdecode(error.filename)) if error.filename else printable(outbox)
    return f"{where} cannot be written: {error.strerror or error}"
