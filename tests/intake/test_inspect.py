import hashlib
import json
import os
import threading
from datetime import datetime
from pathlib import Path

import pytest
from PIL import Image

from studiod.intake.inspect import Inspection, hash_file, inspect_file
from studiod.intake.watch import Nature, scan
from studiod.settings import GIGABYTE

from .conftest import Night
from .hostile import jpeg, make_hostile, png_header

PLENTY = 8_000_000_000


def put(folder: Path, content: bytes, name: str = "a.jpg") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_a_whole_picture_has_no_problem(tmp_path: Path) -> None:
    """Hash, size, time and kind are told; without EXIF the file's own time is the capture time."""
    path = put(tmp_path, jpeg(1))
    os.utime(path, (1_700_000_000, 1_700_000_000))
    found = inspect_file(path, 160, PLENTY)
    assert found == Inspection(
        sha256=hashlib.sha256(jpeg(1)).hexdigest(), size=len(jpeg(1)), mtime_ns=1_700_000_000 * 10**9,
        captured_at=datetime.fromtimestamp(1_700_000_000), kind="jpeg",
    )  # fmt: skip


def test_the_camera_knows_when_a_picture_was_taken(tmp_path: Path) -> None:
    """EXIF goes before the file's time."""
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2026:11:23 19:30:05"
    found = inspect_file(put(tmp_path, jpeg(1, exif=exif.tobytes())), 160, PLENTY)
    assert found.captured_at == datetime(2026, 11, 23, 19, 30, 5) and found.problem is None


def test_an_inspection_travels_as_json(tmp_path: Path) -> None:
    """What the worker found is what the daemon hears."""
    for content in (jpeg(1), b"", b"text"):
        found = inspect_file(put(tmp_path, content, "\udcff.jpg"), 160, PLENTY)
        assert Inspection.from_json(json.loads(json.dumps(found.to_json()))) == found


@pytest.mark.parametrize(
    ("content", "truncated"),
    [
        (b"", True), (b"\0" * 100, True), (jpeg(1)[:-200], True), (b"text", False),
        (png_header(60_000, 60_000), False),
    ],
)  # fmt: skip
def test_what_may_only_be_unfinished_is_told_from_what_never_was_a_picture(
    tmp_path: Path, content: bytes, truncated: bool
) -> None:
    """Empty, preallocated or breaking off: it may still grow. Text, or a bomb: it will not get better."""
    found = inspect_file(put(tmp_path, content), 160, PLENTY)
    assert found.problem is not None and found.truncated is truncated
    assert found.sha256 == hashlib.sha256(content).hexdigest()


def test_what_does_not_fit_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    """By the megapixels allowed, and by what a worker may hold."""
    path = put(tmp_path, png_header(9_000, 9_000), "bomb.png")
    assert "81" not in str(inspect_file(path, 160, PLENTY).problem)
    assert "megapixels" in str(inspect_file(path, 80, PLENTY).problem)
    assert "1.0 GB" in str(inspect_file(path, 160, GIGABYTE).problem)


def test_a_file_that_cannot_be_opened_has_a_problem_and_no_hash(tmp_path: Path) -> None:
    """Gone, or a folder by now: a sentence with its escaped name, never an exception."""
    found = inspect_file(tmp_path / "a\x1b.jpg", 160, PLENTY)
    assert (
        found.sha256 is None and "cannot be read" in str(found.problem) and "\x1b" not in str(found.problem)
    )
    assert inspect_file(tmp_path, 160, PLENTY).sha256 is None


def test_a_pipe_is_never_waited_for(tmp_path: Path) -> None:
    """A file that was swapped for a pipe after the pass does not hang the worker."""
    os.mkfifo(tmp_path / "pipe.jpg")
    found = inspect_file(tmp_path / "pipe.jpg", 160, PLENTY)
    assert found.sha256 is None and "is not a file" in str(found.problem)


def test_bytes_that_change_while_they_are_read_are_not_whole(tmp_path: Path) -> None:
    """A writer that is still at work is noticed by size or time."""
    path = put(tmp_path, b"\xff\xd8" + bytes(80_000_000))
    begun = threading.Event()

    def write() -> None:
        with path.open("ab") as file:
            while not begun.is_set():
                file.write(b"more")
                file.flush()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        found = hash_file(path)
    finally:
        begun.set()
        writer.join()
    assert found.truncated and "still being written" in str(found.problem)


def test_hostile_files_end_as_a_sensible_studio_expects(night: Night) -> None:
    """Each of them once, in a state that it may end in; the originals' bytes are as they were."""
    made = make_hostile(night.hot, night.root / "outside")
    assert len(made) > 60
    before = digests(night.hot)
    night.look = lambda request: inspect_file(request.source, 160, PLENTY)
    night.run(seconds=600)
    files = night.files()
    assert len(files) == len(night.rows())
    wrong = {
        odd.path: (files.get(odd.path, ("", None))[0], sorted(odd.states))
        for odd in made
        if files.get(odd.path, ("", None))[0] not in odd.states
    }
    assert wrong == {}
    taken = {"item", "quarantined"}
    assert len(night.items()) == sum(state in taken for state, _ in files.values())
    assert digests(night.hot) == before
    night.asked.clear()
    rows = night.rows()
    night.start()
    night.run()
    assert night.asked == [] and night.rows() == rows


def digests(root: Path) -> dict[str, str]:
    return {
        seen.path: hashlib.sha256((root / seen.path).read_bytes()).hexdigest()
        for seen in scan(root).files
        if seen.nature is Nature.FILE and os.access(root / seen.path, os.R_OK)
    }
