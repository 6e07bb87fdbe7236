import os
import socket
import threading
from pathlib import Path, PurePath

import pytest

from studiod.intake.watch import Nature, Watcher, look_at, scan


def found(root: Path) -> dict[str, Nature]:
    return {seen.path: seen.nature for seen in scan(root).files}


def test_a_pass_finds_every_file_by_its_path_below_the_folder(tmp_path: Path) -> None:
    """However deep; names are kept byte by byte; folders of programs are left out."""
    for path in ("a.jpg", "x/y/z/b.jpg", os.fsdecode(b"\xff/\xfe.jpg"), "@eaDir/c.jpg", ".git/d.jpg"):
        whole = tmp_path / path
        whole.parent.mkdir(parents=True, exist_ok=True)
        whole.write_bytes(b"12345")
    assert set(found(tmp_path)) == {"a.jpg", "x/y/z/b.jpg", "\udcff/\udcfe.jpg"}
    seen = look_at(tmp_path, "a.jpg")
    facts = (tmp_path / "a.jpg").stat()
    assert seen is not None
    assert (seen.signature.size, seen.signature.mtime_ns, seen.signature.inode) == (
        5, facts.st_mtime_ns, facts.st_ino,
    )  # fmt: skip


def test_a_pass_tells_what_entries_are_without_opening_them(tmp_path: Path) -> None:
    """Pipes, sockets and links that lead out or nowhere are told as such; links inside are files."""
    root = tmp_path / "hot"
    (root / "in").mkdir(parents=True)
    (tmp_path / "out.jpg").write_bytes(b"x")
    (tmp_path / "hot2").mkdir()
    (root / "in" / "file.jpg").write_bytes(b"x")
    (root / "link.jpg").symlink_to("in/file.jpg")
    (root / "absolute.jpg").symlink_to(root / "in" / "file.jpg")
    (root / "out.jpg").symlink_to(tmp_path / "out.jpg")
    (root / "over.jpg").symlink_to(root / "link-to-out.jpg")
    (root / "link-to-out.jpg").symlink_to("../out.jpg")
    (root / "sibling").symlink_to("../hot2")
    (root / "dead.jpg").symlink_to("nowhere")
    (root / "self.jpg").symlink_to("self.jpg")
    (root / "folder").symlink_to("in")
    os.mkfifo(root / "pipe.jpg")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(root / "s.jpg"))
        assert found(root) == {
            "in/file.jpg": Nature.FILE, "link.jpg": Nature.FILE, "absolute.jpg": Nature.FILE,
            "out.jpg": Nature.LINK_OUT, "over.jpg": Nature.LINK_OUT, "link-to-out.jpg": Nature.LINK_OUT,
            "sibling": Nature.LINK_OUT, "dead.jpg": Nature.DEAD_LINK, "self.jpg": Nature.DEAD_LINK,
            "pipe.jpg": Nature.PIPE, "s.jpg": Nature.SOCKET,
        }  # fmt: skip


def test_a_hot_folder_may_itself_be_a_link(tmp_path: Path) -> None:
    """What lies in it does not lead out of it."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "a.jpg").write_bytes(b"x")
    (tmp_path / "hot").symlink_to("disk")
    (tmp_path / "disk" / "b.jpg").symlink_to(tmp_path / "hot" / "a.jpg")
    assert found(tmp_path / "hot") == {"a.jpg": Nature.FILE, "b.jpg": Nature.FILE}


def test_what_is_gone_or_a_folder_is_not_a_file(tmp_path: Path) -> None:
    """A folder that is missing is an error; a file that is missing is nothing."""
    (tmp_path / "album.jpg").mkdir()
    assert look_at(tmp_path, "album.jpg") is None and look_at(tmp_path, "absent.jpg") is None
    assert scan(tmp_path).files == ()
    with pytest.raises(FileNotFoundError):
        scan(tmp_path / "absent")


def test_a_folder_that_cannot_be_looked_into_is_reported(tmp_path: Path) -> None:
    """The rest of the night goes on."""
    (tmp_path / "locked").mkdir(mode=0)
    (tmp_path / "a.jpg").write_bytes(b"x")
    if os.access(tmp_path / "locked", os.R_OK):
        pytest.skip("this user may look into everything")
    try:
        result = scan(tmp_path)
    finally:
        (tmp_path / "locked").chmod(0o700)
    assert [seen.path for seen in result.files] == ["a.jpg"] and "locked" in result.messages[0]


def test_files_that_cannot_be_looked_at_are_reported(tmp_path: Path) -> None:
    """Their folder may be listed but not entered, or their path is too long; all others are seen."""
    (tmp_path / "listed").mkdir()
    (tmp_path / "listed" / "b.jpg").write_bytes(b"x")
    deep = os.open(tmp_path, os.O_RDONLY)
    for name in ("d" * 254,) * 15:
        os.mkdir(name, dir_fd=deep)
        upper, deep = deep, os.open(name, os.O_RDONLY, dir_fd=deep)
        os.close(upper)
    for name in ("a.jpg", "a" * 251 + ".jpg"):
        os.close(os.open(name, os.O_WRONLY | os.O_CREAT, dir_fd=deep))
    os.close(deep)
    (tmp_path / "listed").chmod(0o600)
    try:
        result = scan(tmp_path)
        shut = not os.access(tmp_path / "listed", os.X_OK)
    finally:
        (tmp_path / "listed").chmod(0o700)
    assert {PurePath(seen.path).name for seen in result.files} == {"a.jpg"} | (set() if shut else {"b.jpg"})
    told = {message.split(" ")[4]: message for message in result.messages}
    assert "too long" in told["/".join(["d" * 254] * 15)] and ("listed" in told) == shut


def test_a_watcher_wakes_for_new_files_and_not_for_looks(tmp_path: Path) -> None:
    """Reading a folder or a file must not wake who reads it."""
    (tmp_path / "old.jpg").write_bytes(b"x")
    woken = threading.Event()
    watcher = Watcher(tmp_path, woken.set)
    assert watcher.start() is None
    try:
        scan(tmp_path)
        (tmp_path / "old.jpg").read_bytes()
        (tmp_path / "new").mkdir()
        assert woken.wait(30)
        woken.clear()
        (tmp_path / "new" / "late.jpg").write_bytes(b"x")
        assert woken.wait(30)
    finally:
        watcher.stop()


def test_a_watcher_of_a_missing_folder_says_so(tmp_path: Path) -> None:
    """The sentence names the folder, escaped, and what is done instead."""
    watcher = Watcher(tmp_path / "ab\x1bsent", lambda: None)
    trouble = watcher.start()
    assert trouble is not None and "polled instead" in trouble and "\x1b" not in trouble
    watcher.stop()
