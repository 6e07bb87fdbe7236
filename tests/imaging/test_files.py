"""Files that are either whole or not there."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from studiod.imaging.files import sync_folder, write_whole


def test_a_file_takes_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    """A write that breaks off leaves the old file as it was, and nothing beside it."""
    path = tmp_path / "a"
    assert write_whole(path, [b"ol", b"d"]) == hashlib.sha256(b"old").hexdigest()

    class Broken(list[bytes]):
        def __iter__(self) -> Iterator[bytes]:
            yield b"ne"
            raise OSError("the disk is gone")

    with pytest.raises(OSError, match="gone"):
        write_whole(path, Broken())
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_folder_that_cannot_be_synced_is_told(tmp_path: Path) -> None:
    """A folder that is not there any more is an error, never a rename that is thought to last."""
    with pytest.raises(FileNotFoundError):
        sync_folder(tmp_path / "gone")
