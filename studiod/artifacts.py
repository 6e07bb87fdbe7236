"""The files of one version of an item: cutout, matte, composites, risk, and what screens show of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from studiod.imaging.composite import SUFFIXES, Composite, encode
from studiod.imaging.cutout import encode_cutout
from studiod.imaging.files import sync_folder, write_synced
from studiod.imaging.photo import Photo
from studiod.imaging.png import encode_png
from studiod.pipeline import Processed
from studiod.view import draw_view

_WRITERS = 4


@dataclass(frozen=True, slots=True)
class Artifacts:
    """The files that decisions are bound to, as (name in the folder, sha256); composites by preset."""

    cutout: tuple[str, str]
    matte: tuple[str, str]
    composites: Mapping[str, tuple[str, str]]


def write_version(folder: Path, photo: Photo, processed: Processed) -> Artifacts:
    """Write everything made of `photo` into `folder`, which replaces what an earlier try left there.

    The files gather in a folder beside it, each synced to disk, before that takes the name: there is
    never a folder with half of them. OSError as it comes.
    """
    fresh = folder.parent / f".{folder.name}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    (fresh / "tiles").mkdir(parents=True)
    with ThreadPoolExecutor(_WRITERS) as pool:  # disks are waited for while the next picture is encoded
        written = {
            name: pool.submit(_write, fresh / name, encode) for name, encode in _contents(photo, processed)
        }
        hashes = {name: told.result() for name, told in written.items()}
    sync_folder(fresh / "tiles")
    sync_folder(fresh)
    if folder.exists():
        shutil.rmtree(folder)
    fresh.rename(folder)
    sync_folder(folder.parent)
    names = {preset: _composite_name(made) for preset, made in processed.composites.items()}
    return Artifacts(
        cutout=("cutout.png", hashes["cutout.png"]),
        matte=("matte.png", hashes["matte.png"]),
        composites={preset: (name, hashes[name]) for preset, name in names.items()},
    )


def _write(path: Path, encode: Callable[[], Sequence[bytes]]) -> str:
    return write_synced(path, encode())


def risk_json(processed: Processed) -> bytes:
    """The risk as a JSON file: `score`, `calibration`, `findings`."""
    return (json.dumps(processed.risk.as_json(), indent=2) + "\n").encode()


def _contents(photo: Photo, processed: Processed) -> Iterator[tuple[str, Callable[[], Sequence[bytes]]]]:
    """The files by name, and what encodes each."""
    yield "cutout.png", partial(encode_cutout, processed.cutout)
    yield "matte.png", partial(_matte, processed)
    for made in processed.composites.values():
        yield _composite_name(made), partial(encode, made)
    yield "risk.json", lambda: [risk_json(processed)]
    yield from draw_view(photo, processed)


def _composite_name(made: Composite) -> str:
    return f"composite-{made.preset.name}{SUFFIXES[made.preset.format]}"


def _matte(processed: Processed) -> list[bytes]:
    """Coverage in 16 bits, the size of the photograph."""
    left, top, _, _ = processed.box
    coverage = processed.cutout.pixels[..., 3]
    height, width = processed.alpha.shape
    return encode_png(np.ascontiguousarray(coverage), frame=(width, height), origin=(left, top))
