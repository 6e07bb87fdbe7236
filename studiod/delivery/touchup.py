"""A flagged version becomes a folder for a retoucher, and what comes back is read and checked.

The folder holds a layered PSD, a TIFF with alpha, and what is wrong in words. A file that comes back is
known by a token inside it, or by its name.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, takewhile
from pathlib import Path, PurePosixPath
from typing import Any

import imagecodecs
import numpy as np
from PIL import Image, ImageDraw

from studiod.delivery.touchup_flat import read_flat, write_tiff
from studiod.delivery.touchup_psd import CUTOUT, FINDINGS, read_psd, write_psd
from studiod.errors import PictureError
from studiod.imaging.files import sync_folder
from studiod.imaging.photo import Photo
from studiod.imaging.retouch import Retouched, Sent, check_registration, lay_over
from studiod.imaging.types import Box, Bytes, Pixels
from studiod.names import inert, printable

WORDS = "what is wrong.txt"
_MARGIN = 96
_LARGEST_PSD = 32_000_000
"""Pixels beyond which the layers do not fit into a worker's memory: only the TIFF is written then."""
_ASKED, _FOUND = (255, 60, 60, 255), (255, 190, 0, 255)
_MARKS = {
    ".psd": (b"8BPS",),
    ".png": (b"\x89PNG",),
    ".tif": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
}


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a retoucher is to mend: an item's version, who flagged it and why, in words and as a box.

    `title` is what people call the piece, `photograph` where it lies; `sha256` is the photograph's.
    """

    item: int
    version: int
    sha256: str
    title: str
    photograph: str
    by: str
    reasons: tuple[str, ...]
    note: str
    box: Box | None

    @property
    def stem(self) -> str:
        """The name of its folder and files, as any system and program takes it."""
        plain = re.sub(r"[^A-Za-z0-9._-]+", "-", PurePosixPath(self.photograph).stem).strip(".-")[:60]
        return f"{plain or 'picture'}_item{self.item}_v{self.version}"

    @property
    def token(self) -> str:
        """The text by which a file that comes back is known, whatever its name."""
        return f"studiod-touchup-{self.item}-{self.version}-{self.sha256[:12]}"

    @property
    def words(self) -> str:
        """What was said against it, in one line."""
        said = [reason.replace("_", " ") for reason in self.reasons]
        if self.note.replace(",", " ").split() != list(self.reasons):
            said.append(self.note)
        return inert("; ".join(said)) or "nothing in words"


@dataclass(frozen=True, slots=True)
class Identity:
    """Which touch-up a file answers; `photograph` begins its hash, "" where only the name told."""

    item: int
    version: int
    photograph: str = ""


def identify(path: Path) -> Identity:
    """Which touch-up a file answers, by the token in it or by its name; PictureError where neither tells."""
    names = [*re.finditer(r"_item(\d{1,9})_v(\d{1,9})(?!\d)", path.name)]
    named = names[-1] if names else None  # ours is the last: a photograph may be called so itself
    with path.open("rb") as file:
        empty = not file.seek(0, os.SEEK_END)
        content = b"" if empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        held = re.search(rb"studiod-touchup-(\d{1,9})-(\d{1,9})-([0-9a-f]{12})", content)
        inside = None if held is None else Identity(int(held[1]), int(held[2]), held[3].decode())
    outside = None if named is None else Identity(int(named[1]), int(named[2]))
    if inside is None and outside is None:
        raise PictureError(
            "Nothing in it or in its name tells which piece it is.", "Keep the name that the file came with."
        )
    if inside and outside and (inside.item, inside.version) != (outside.item, outside.version):
        raise PictureError(
            f"Its name says item {outside.item}, version {outside.version}; "
            f"it was made from item {inside.item}, version {inside.version}.",
            "Give it the name that it came with.",
        )
    found = inside or outside
    assert found is not None
    return found


@dataclass(frozen=True, slots=True)
class Written:
    """A folder for a retoucher, the box of the photograph it holds, and its files' hashes as written."""

    folder: str
    box: Box
    files: Mapping[str, str]


def write_touchup(root: Path, version_folder: Path, photo: Photo, complaint: Complaint) -> Written:
    """Write a folder below `root` for a version.

    It appears whole or not at all, and never in the place of one that a retoucher may be working in. Where
    one says the same and has its files (a crash came before it was on record), it is that one; how its files
    were written is not known then.
    """
    findings = json.loads((version_folder / "risk.json").read_bytes())["findings"]
    box = _box_to_send(photo, version_folder, findings, complaint)
    stem, token = complaint.stem, complaint.token
    layered = (box[2] - box[0]) * (box[3] - box[1]) <= _LARGEST_PSD
    letter = _letter(complaint, findings, box, photo, layered).encode()
    files = [f"{stem}.tif", f"{stem}.psd"] if layered else [f"{stem}.tif"]
    for name in takewhile(lambda name: os.path.lexists(root / name), _names(stem)):
        if _holds(root / name, letter, files):
            return Written(name, box, {})
    sent = read_sent(photo, version_folder, box)
    fresh = root / f".studiod-{stem}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    if layered:
        mask = _codes(sent.coverage, np.dtype(np.uint8))
        marks = _marks(box, findings, complaint)
        original = _part(photo.pixels, box)
        write_psd(fresh / f"{stem}.psd", original, sent.colour, mask, marks, photo.profile, token)
    coverage = _codes(sent.coverage, sent.colour.dtype)
    write_tiff(fresh / f"{stem}.tif", sent.colour, coverage, photo.profile, token)
    (fresh / WORDS).write_bytes(letter)
    hashes = {}
    for path in fresh.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
            hashes[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    sync_folder(fresh)
    name = next(name for name in _names(stem) if not os.path.lexists(root / name))
    fresh.rename(root / name)
    sync_folder(root)
    return Written(name, box, hashes)


def read_sent(photo: Photo, version_folder: Path, box: Box) -> Sent:
    """What is, or was, sent of a version: the cutout's colours where it has any, else the photograph's."""
    cutout = _part(imagecodecs.png_decode((version_folder / "cutout.png").read_bytes()), box)
    colour = _part(photo.pixels, box).copy()
    coverage = np.ascontiguousarray(cutout[..., 3])
    covered = coverage > 0
    colour[covered] = _codes(cutout[..., :3][covered], colour.dtype)
    return Sent(box, colour, coverage)


def read_return(path: Path, photo: Photo, version_folder: Path, box: Box) -> Retouched:
    """What a retoucher made of `box` of a version, over the photograph; PictureError says what to save."""
    size = box[2] - box[0], box[3] - box[1]
    saved = read_psd(path, size) if ending_of(path) == ".psd" else read_flat(path, size)
    sent = read_sent(photo, version_folder, box)
    check_registration(sent, saved)
    return lay_over(photo, sent, saved)


def ending_of(path: Path) -> str:
    """The ending that fits what a returned file holds, whatever its own; PictureError where none does."""
    with path.open("rb") as file:
        head = file.read(8)
    for ending, marks in _MARKS.items():
        if head.startswith(marks):
            return ending
    raise PictureError("It is neither PSD nor TIFF nor PNG.", "Save it as one of these.")


def _codes(values: Pixels, depth: np.dtype[Any]) -> Pixels:
    """16-bit codes in another depth."""
    return values if depth == np.uint16 else ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _part(pixels: Pixels, box: Box) -> Pixels:
    left, top, right, bottom = box
    return np.ascontiguousarray(pixels[top:bottom, left:right])


def _box_to_send(
    photo: Photo, version_folder: Path, findings: Sequence[Mapping[str, Any]], complaint: Complaint
) -> Box:
    """The piece, the findings and what was marked, with a margin; everything where no piece was found."""
    piece = json.loads((version_folder / "view.json").read_bytes())["box"]
    if piece[2] - piece[0] <= 1:
        return 0, 0, photo.width, photo.height
    boxes = [piece, *(finding["box"] for finding in findings)]
    if complaint.box is not None:
        boxes.append(list(complaint.box))
    corners = np.array(boxes, np.int64)
    left, top = (int(side) for side in corners[:, :2].min(axis=0))
    right, bottom = (int(side) for side in corners[:, 2:].max(axis=0))
    margin = max(_MARGIN, (right - left + bottom - top) // 20)
    return (
        max(0, left - margin), max(0, top - margin),
        min(photo.width, right + margin), min(photo.height, bottom + margin),
    )  # fmt: skip


def _marks(box: Box, findings: Sequence[Mapping[str, Any]], complaint: Complaint) -> Bytes:
    """The layer with the boxes of what is wrong, and the note in words."""
    width, height = box[2] - box[0], box[3] - box[1]
    layer = Image.new("RGBA", (width, height))
    draw = ImageDraw.Draw(layer)
    size = max(12, round(min(width, height) / 50))
    line = max(2, size // 8)

    def mark(place: Sequence[int], text: str, colour: tuple[int, int, int, int]) -> None:
        left, top = place[0] - box[0], place[1] - box[1]
        draw.rectangle((left, top, place[2] - box[0] - 1, place[3] - box[1] - 1), outline=colour, width=line)
        draw.text((left, max(0, top - size - line)), text, fill=colour, font_size=size)

    for finding in findings:
        mark(finding["box"], finding["reason"].replace("_", " "), _FOUND)
    if complaint.box is not None:
        mark(complaint.box, complaint.words, _ASKED)
    else:
        draw.text((size, size), complaint.words, fill=_ASKED, font_size=size)
    return np.asarray(layer)


def _letter(
    complaint: Complaint, findings: Sequence[Mapping[str, Any]], box: Box, photo: Photo, layered: bool
) -> str:
    left, top, right, bottom = box
    stem = complaint.stem
    lines = [
        f"{inert(complaint.title)} (item {complaint.item}, version {complaint.version})",
        f"Photograph: {printable(complaint.photograph)}",
        "",
        f"What is wrong, says {inert(complaint.by)}:",
        f"  {complaint.words}",
    ]
    if complaint.box is not None:
        lines.append(f"  at {_place(complaint.box, box)}")
    if findings:
        lines += ["", "What studiod found:"]
    for each in findings:
        lines.append(f"  {each['reason'].replace('_', ' ')}: {inert(each['sentence'])}")
        lines.append(f"    at {_place(each['box'], box)}")
    lines += ["", "How to mend it:"]
    if layered:
        lines += [
            f"  {stem}.psd: paint in the mask of the layer {CUTOUT}, white for the piece.",
            "  Colours go into that layer, or into others above it.",
            f"  The layer {FINDINGS} shows where; hide it again. Keep size and RGB, and do not merge layers.",
            "  Save it as PSD with Maximize Compatibility.",
            f"  Without Photoshop: {stem}.tif has the piece with its alpha; save that as TIFF or PNG.",
        ]
    else:
        lines += [
            f"  {stem}.tif is the piece with its alpha (it is too large for a layered file).",
            "  Keep the size, and save it as TIFF or PNG with alpha.",
        ]
    lines += [
        "  Keep the name, and put the file into the folder return, beside this folder.",
        "",
        f"Where it lies in the photograph of {photo.width} x {photo.height} pixels:",
        f"  left {left}, top {top}, right {right}, bottom {bottom}",
        complaint.token,
        "",
    ]
    return "\n".join(lines)


def _place(place: Sequence[int], box: Box) -> str:
    x, y = place[0] - box[0], place[1] - box[1]
    return f"{x}, {y} from the corner, {place[2] - place[0]} x {place[3] - place[1]} pixels"


def _names(stem: str) -> Iterator[str]:
    yield stem
    yield from (f"{stem}-{number}" for number in count(2))


def _holds(folder: Path, letter: bytes, files: Sequence[str]) -> bool:
    """Whether a folder can be read, and has these files and this very letter."""
    try:
        whole = all((folder / name).is_file() for name in (WORDS, *files))
        return whole and (folder / WORDS).read_bytes() == letter
    except OSError:
        return False
