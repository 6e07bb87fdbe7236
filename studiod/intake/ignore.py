"""What a hot folder holds besides pictures, told by name alone."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import PurePath

from studiod.imaging.decoders.suffixes import RAW_SUFFIXES

JPEG_EXTENSIONS = frozenset({".jpg", ".jpeg", ".jpe"})
"""The extensions of the file that a camera writes beside a RAW."""

PICTURE_EXTENSIONS = RAW_SUFFIXES | JPEG_EXTENSIONS | {".png", ".tif", ".tiff", ".webp"}
"""The extensions that are taken up; nothing else is ever decoded or quarantined."""

_PLATE = re.compile(r"plates?(?![^\W\d_])", re.IGNORECASE)

_FOLDERS = frozenset({
    # of sync tools and network drives: their deleted files and thumbnails
    "@eadir", "@recycle", "@recently-snapshot", "#recycle", "#snapshot", "network trash folder",
    "temporary items",
    # of camera software
    "captureone",
    # of desktops
    "__macosx", "$recycle.bin", "system volume information", "lost+found",
})  # fmt: skip

_PARTIAL = (
    ".part", ".partial", ".crdownload", ".download", ".opdownload", ".filepart", ".tmp", ".temp", ".swp",
    ".aria2", ".!ut", ".!qb", ".!sync", ".bts", ".unfinished", ".inprogress",
)  # fmt: skip

_SIDECARS = (
    ".xmp", ".cos", ".cot", ".cop", ".cof", ".comask", ".dop", ".pp3", ".on1", ".aae", ".thm", ".nksc",
    ".arp", ".vrd", ".dr4",
)  # fmt: skip

_LITTER = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "autorun.inf", "picasa.ini"})


class Kind(StrEnum):
    """What a name says about a file."""

    PICTURE = "picture"
    """It is taken up."""

    OTHER = "other"
    """Somebody put it there, and it is no picture that studiod reads: recorded as ignored."""

    LITTER = "litter"
    """A program's own business: not even recorded."""


def is_ignored_folder(name: str) -> bool:
    """Whether nothing in a folder of this name is ever looked at."""
    return name.startswith(".") or name.casefold() in _FOLDERS


def kind_of(name: str) -> Kind:
    """What a file of this name is; `name` is its last component."""
    folded = name.casefold()
    if folded.startswith((".", "~$", "~syncthing~")) or folded in _LITTER:
        return Kind.LITTER
    if folded.endswith((*_PARTIAL, *_SIDECARS, "~")):
        return Kind.LITTER
    return Kind.PICTURE if extension(name) in PICTURE_EXTENSIONS else Kind.OTHER


def extension(path: str) -> str:
    """The extension in small letters, with its dot; "" without one."""
    return PurePath(path).suffix.lower()


def is_raw(path: str) -> bool:
    """Whether the name is that of a camera RAW file."""
    return extension(path) in RAW_SUFFIXES


def is_jpeg(path: str) -> bool:
    """Whether the name is that of a JPEG file, which may be a RAW's other half."""
    return extension(path) in JPEG_EXTENSIONS


def is_plate(path: str) -> bool:
    """Whether the name is that of a plate, an empty shot of the set: plate, plate_2, but no plated ring."""
    return _PLATE.match(PurePath(path).name) is not None
