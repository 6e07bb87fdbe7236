from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from studiod.delivery.place import (
    ContentChanged,
    holds,
    move_aside,
    place,
    sha256_of,
    take_away,
    temporary_of,
)


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_file_is_placed_whole(tmp_path: Path) -> None:
    """Placing makes the folders, leaves no temporary file, and the bytes are those of the source."""
    source = tmp_path / "made.jpg"
    source.write_bytes(b"picture")
    target = tmp_path / "outbox" / "white" / "ring.jpg"
    place(source, target, _hash(b"picture"))
    assert target.read_bytes() == b"picture"
    assert list(target.parent.iterdir()) == [target]


def test_placing_again_changes_nothing(tmp_path: Path) -> None:
    """A target that holds these very bytes counts as placed, and is not written again."""
    source, target = tmp_path / "made.jpg", tmp_path / "ring.jpg"
    source.write_bytes(b"picture")
    place(source, target, _hash(b"picture"))
    inode = target.stat().st_ino
    place(source, target, _hash(b"picture"))
    assert target.stat().st_ino == inode


@pytest.mark.parametrize("kind", ["file", "folder", "link", "dangling link"])
def test_nothing_is_overwritten(tmp_path: Path, kind: str) -> None:
    """Whatever else has the name keeps it: FileExistsError, and it is as it was."""
    source, target, other = tmp_path / "made.jpg", tmp_path / "ring.jpg", tmp_path / "other"
    source.write_bytes(b"picture")
    other.write_bytes(b"picture")
    match kind:
        case "file":
            target.write_bytes(b"somebody else's")
        case "folder":
            target.mkdir()
        case "link":
            target.symlink_to(other)
        case _:
            target.symlink_to(tmp_path / "nowhere")
    before = target.lstat()
    with pytest.raises(FileExistsError):
        place(source, target, _hash(b"picture"))
    assert target.lstat() == before
    assert not (tmp_path / "nowhere").exists()


def test_what_cannot_be_read_is_not_taken_for_gone(tmp_path: Path) -> None:
    """What is missing, or no file, does not hold certain bytes; of what cannot be read nobody can say."""
    file, link = tmp_path / "ring.jpg", tmp_path / "link.jpg"
    file.write_bytes(b"picture")
    link.symlink_to(file)
    assert holds(file, _hash(b"picture")) and not holds(file, _hash(b"another"))
    for other in (link, tmp_path, tmp_path / "missing.jpg", file / "below.jpg"):
        assert not holds(other, _hash(b"picture"))
    file.chmod(0)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        with pytest.raises(PermissionError):
            holds(file, _hash(b"picture"))
    finally:
        if is_root:
            os.seteuid(0)


def test_a_changed_source_is_not_placed(tmp_path: Path) -> None:
    """A source that no longer has the recorded hash leaves neither target nor temporary file."""
    source, target = tmp_path / "made.jpg", tmp_path / "out" / "ring.jpg"
    source.write_bytes(b"tampered")
    with pytest.raises(ContentChanged):
        place(source, target, _hash(b"picture"))
    assert list(target.parent.iterdir()) == []


def test_a_temporary_file_of_a_crash_is_made_anew(tmp_path: Path) -> None:
    """What a crash left of the temporary file, even a link, is replaced and not followed."""
    source, target, victim = tmp_path / "made.jpg", tmp_path / "ring.jpg", tmp_path / "victim"
    source.write_bytes(b"picture")
    victim.write_bytes(b"keep me")
    temporary_of(target, _hash(b"picture")).symlink_to(victim)
    place(source, target, _hash(b"picture"))
    assert target.read_bytes() == b"picture" and not target.is_symlink()
    assert victim.read_bytes() == b"keep me"


def test_a_pipe_with_a_pictures_name_is_never_waited_for(tmp_path: Path) -> None:
    """A pipe has no hash, and reading it does not block."""
    pipe = tmp_path / "ring.jpg"
    os.mkfifo(pipe)
    assert sha256_of(pipe) is None


def test_a_move_takes_no_name_that_is_taken(tmp_path: Path) -> None:
    """Moving aside keeps both files where the name is taken, and finishes what a crash left half done."""
    source, target = tmp_path / "ring.jpg", tmp_path / "recalled" / "ring.jpg"
    target.parent.mkdir()
    source.write_bytes(b"new")
    target.write_bytes(b"old")
    with pytest.raises(FileExistsError):
        move_aside(source, [target])
    assert (source.read_bytes(), target.read_bytes()) == (b"new", b"old")
    target.unlink()
    os.link(source, target)
    assert move_aside(source, [target]) == target
    assert target.read_bytes() == b"new" and not source.exists()


def test_a_move_takes_the_first_free_name(tmp_path: Path) -> None:
    """Of several names the first that nobody has is taken; files and links under the others stay."""
    source, names = tmp_path / "ring.jpg", [tmp_path / "aside" / f"{number}.jpg" for number in range(5)]
    source.write_bytes(b"new")
    names[0].parent.mkdir()
    names[0].write_bytes(b"old")
    names[1].symlink_to(source)
    names[2].symlink_to("nowhere")
    assert move_aside(source, names) == names[3]
    assert names[0].read_bytes() == b"old" and names[1].is_symlink()
    assert names[3].read_bytes() == b"new" and not source.exists() and not names[4].exists()


@pytest.mark.parametrize("change", ["", "added", "changed", "taken", "link", "moved"])
def test_only_a_folder_that_is_as_it_was_written_is_taken_away(tmp_path: Path, change: str) -> None:
    """Whatever a person changed, added or took, all of it stays."""
    folder = tmp_path / "ring_item1_v1"
    folder.mkdir()
    files = {}
    for name in ("ring.psd", "ring.tif", "what is wrong.txt"):
        (folder / name).write_bytes(name.encode())
        files[name] = _hash(name.encode())
    match change:
        case "added":
            (folder / "mine.psd").write_bytes(b"mine")
        case "changed":
            (folder / "ring.tif").write_bytes(b"mended")
        case "taken":
            (folder / "ring.tif").unlink()
        case "link":
            (folder / "ring.tif").rename(tmp_path / "mine.tif")
            (folder / "ring.tif").symlink_to(tmp_path / "mine.tif")
        case "moved":
            folder.rename(tmp_path / "mine")
            folder.symlink_to(tmp_path / "mine")
    before = sorted(tmp_path.rglob("*"))
    assert take_away(folder, files) == (not change)
    assert sorted(tmp_path.rglob("*")) == ([] if not change else before)
