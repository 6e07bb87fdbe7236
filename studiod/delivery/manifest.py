"""outbox/manifest.csv: a line for every file that lies delivered in the outbox."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Collection, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from studiod.imaging.files import sync_folder, write_synced

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
    its newline is completed.
    """
    whole = _repaired(manifest)
    known = _files(whole)
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
    if not _files(whole) & set(files):
        return
    kept = [row for row in csv.reader(io.StringIO(whole)) if len(row) < 2 or row[1] not in files]
    temporary = manifest.with_name(".studiod-manifest.tmp")
    write_synced(temporary, ["".join(map(_row, kept)).encode(errors="surrogateescape")])
    temporary.replace(manifest)
    sync_folder(manifest.parent)


def _repaired(manifest: Path) -> str:
    """The manifest's text, its last line whole on disk too."""
    try:
        content = manifest.read_bytes()
    except FileNotFoundError:
        return ""
    if content and not content.endswith(b"\n"):
        start = content.rfind(b"\n") + 1
        if content[start:].count(b",") >= len(COLUMNS) - 1 and _complete(content[start:]):
            with manifest.open("ab") as stream:
                stream.write(b"\n")
            content += b"\n"
        else:
            os.truncate(manifest, start)
            content = content[:start]
    return content.decode(errors="surrogateescape")


def _complete(line: bytes) -> bool:
    """Whether a line without its newline ends with a whole SHA-256."""
    row = next(csv.reader([line.decode(errors="surrogateescape")]))
    return len(row) == len(COLUMNS) and len(row[-1]) == 64


def _files(text: str) -> set[str]:
    return {row[1] for row in csv.reader(io.StringIO(text)) if len(row) > 1}


def _row(values: Sequence[object]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(values)
    return buffer.getvalue()
