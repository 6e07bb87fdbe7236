"""outbox/manifest.csv: a line for every file that lies delivered in the outbox."""

from __future__ import annotations

import codecs
import csv
import io
import logging
import os
from collections.abc import Collection, Sequence
from dataclasses import astuple, dataclass
from itertools import count
from pathlib import Path

from studiod.delivery.place import move_aside
from studiod.imaging.files import sync_folder, write_synced

log = logging.getLogger(__name__)

csv.field_size_limit(1 << 30)  # a quote that an editor left open makes one field of all lines after it

COLUMNS = ("sku", "file", "preset", "item", "version", "decided_by", "sha256")


@dataclass(frozen=True, slots=True)
class Line:
    """One delivered file; every text is already printable and on one line, `file` is its key."""

    sku: str
    file: str
    preset: str
    item: int
    version: int
    decided_by: str
    sha256: str


def add_lines(manifest: Path, lines: Sequence[Line]) -> None:
    """Append the lines of files that the manifest does not name yet, and make them durable.

    A last line that a crash cut short is taken off first; one that a person's editor left without
    its newline is completed. What is no such table at all, or does not begin with our columns, is moved
    aside, and a new one begun.
    """
    whole = _repaired(manifest)
    known = {row[1] for row in whole if len(row) > 1}
    rows = [line for line in lines if line.file not in known]
    text = "".join(_row(astuple(line)) for line in rows)
    if not whole:
        text = _row(COLUMNS) + text
    with manifest.open("ab") as stream:
        stream.write(text.encode())
        stream.flush()
        os.fsync(stream.fileno())
    sync_folder(manifest.parent)


def remove_lines(manifest: Path, files: Collection[str]) -> None:
    """Take the lines of these files off the manifest; the rest is written anew and put in its place."""
    whole = _repaired(manifest)
    kept = [row for row in whole if len(row) < 2 or row[1] not in files]
    if len(kept) == len(whole):
        return
    temporary = manifest.with_name(".studiod-manifest.tmp")
    write_synced(temporary, ["".join(map(_row, kept)).encode(errors="surrogateescape")])
    temporary.replace(manifest)
    sync_folder(manifest.parent)


def _repaired(manifest: Path) -> list[list[str]]:
    """The manifest's rows, its last line whole on disk too; none where there was nothing to read."""
    try:
        content = manifest.read_bytes()
    except FileNotFoundError:
        return []
    start = max(content.rfind(b"\n"), content.rfind(b"\r")) + 1
    last = content[start:]
    lacks_newline = last.count(b",") >= len(COLUMNS) - 1 and _is_complete(last)
    try:
        whole = _rows(content if lacks_newline else content[:start])
        if not whole and not _row(COLUMNS).encode().startswith(last.rstrip(b"\0")):
            raise csv.Error("it is one line, which is not ours")
    except csv.Error as error:
        _move_aside(manifest, error)
        return []
    if lacks_newline:
        with manifest.open("ab") as stream:
            stream.write(b"\n")
    elif last:
        os.truncate(manifest, start)
    return whole


def _rows(content: bytes) -> list[list[str]]:
    """The rows, whatever ends the lines; csv.Error where it is not our table, but UTF-16 for one."""
    if b"\0" in content:
        raise csv.Error("it holds NUL bytes")
    text = content.removeprefix(codecs.BOM_UTF8).decode(errors="surrogateescape")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    if rows and tuple(rows[0][: len(COLUMNS)]) != COLUMNS:
        raise csv.Error("its first line does not name our columns")
    return rows


def _is_complete(line: bytes) -> bool:
    """Whether a line without its newline ends with a whole SHA-256."""
    row = next(csv.reader([line.decode(errors="surrogateescape")]))
    return len(row) == len(COLUMNS) and len(row[-1]) == 64


def _move_aside(manifest: Path, error: csv.Error) -> None:
    names = (manifest.with_name(f"manifest_unreadable_{number}.csv") for number in count(1))
    aside = move_aside(manifest, names)
    log.warning("%s cannot be read (%s): it is now %s", manifest.name, error, aside.name)


def _row(values: Sequence[object]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(values)
    return buffer.getvalue()
