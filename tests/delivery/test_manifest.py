from __future__ import annotations

import csv
from pathlib import Path

import pytest

from studiod.delivery.manifest import COLUMNS, Line, add_lines, remove_lines


def _line(file: str, sku: str = "R-1") -> Line:
    return Line(sku, file, "white", 1, 1, "anna", "a" * 64)


def _rows(path: Path) -> list[list[str]]:
    with path.open(newline="") as stream:
        return list(csv.reader(stream))


def test_a_line_is_added_once(tmp_path: Path) -> None:
    """Adding the same delivery again, as after a crash, leaves one line under one header."""
    manifest = tmp_path / "manifest.csv"
    add_lines(manifest, [_line("white/a.jpg")])
    add_lines(manifest, [_line("white/a.jpg"), _line("white/b.jpg", 'Ring, "gold"')])
    rows = _rows(manifest)
    assert rows[0] == list(COLUMNS)
    assert [row[1] for row in rows[1:]] == ["white/a.jpg", "white/b.jpg"]
    assert rows[2][0] == 'Ring, "gold"'


def test_a_line_that_a_crash_cut_is_taken_off(tmp_path: Path) -> None:
    """A torn last line disappears at the next delivery; the lines before it stay."""
    manifest = tmp_path / "manifest.csv"
    add_lines(manifest, [_line("white/a.jpg"), _line("white/b.jpg")])
    whole = manifest.read_bytes()
    for cut in range(len(whole) - 70, len(whole) - 1):
        manifest.write_bytes(whole[:cut])
        add_lines(manifest, [_line("white/b.jpg")])
        assert manifest.read_bytes() == whole


def test_a_whole_line_without_its_newline_is_completed(tmp_path: Path) -> None:
    """A manifest that an editor saved without its last newline loses nothing."""
    manifest = tmp_path / "manifest.csv"
    add_lines(manifest, [_line("white/a.jpg")])
    manifest.write_bytes(manifest.read_bytes().rstrip(b"\n"))
    add_lines(manifest, [_line("white/b.jpg")])
    assert [row[1] for row in _rows(manifest)[1:]] == ["white/a.jpg", "white/b.jpg"]


def test_removed_lines_are_gone_and_others_are_kept_as_they_are(tmp_path: Path) -> None:
    """A recall takes off just its own lines; bytes that are not UTF-8 survive it."""
    manifest = tmp_path / "manifest.csv"
    add_lines(manifest, [_line("white/a.jpg"), _line("white/b.jpg")])
    with manifest.open("ab") as stream:
        stream.write(b"R-\xe9,white/c.jpg,white,3,1,anna," + b"c" * 64 + b"\n")
    remove_lines(manifest, {"white/a.jpg", "white/unknown.jpg"})
    rows = manifest.read_bytes().splitlines()
    assert [row.split(b",")[1] for row in rows[1:]] == [b"white/b.jpg", b"white/c.jpg"]
    assert rows[2].startswith(b"R-\xe9,")


def test_a_quote_left_open_in_a_long_manifest_stops_no_delivery(tmp_path: Path) -> None:
    """Lines are still added, and taken off again, after a person's editor spoilt the quoting of thousands."""
    manifest = tmp_path / "manifest.csv"
    add_lines(manifest, [_line(f"white/{number}.jpg") for number in range(2000)])
    spoilt = manifest.read_text().replace("R-1", '"R-1', 1)
    manifest.write_text(spoilt)
    add_lines(manifest, [_line("white/new.jpg")])
    assert manifest.read_text() == spoilt + f"R-1,white/new.jpg,white,1,1,anna,{'a' * 64}\n"
    remove_lines(manifest, {"white/new.jpg"})
    assert manifest.read_text().count("\n") >= 2000


@pytest.mark.parametrize("end", ["\r", "\r\n"])
def test_lines_may_end_as_a_spreadsheet_ends_them(tmp_path: Path, end: str) -> None:
    """Saved as "CSV (Macintosh)" or by Windows, with its last line end or not, it is still the manifest."""
    manifest = tmp_path / "manifest.csv"
    add_lines(manifest, [_line("white/a.jpg"), _line("white/b.jpg")])
    saved = manifest.read_bytes().replace(b"\n", end.encode())
    for content in (saved, saved.removesuffix(end.encode()), saved + b"R-1,white/torn"):
        manifest.write_bytes(content)
        add_lines(manifest, [_line("white/b.jpg"), _line("white/c.jpg")])
        assert [row[1] for row in _rows(manifest)[1:]] == ["white/a.jpg", "white/b.jpg", "white/c.jpg"]
        remove_lines(manifest, {"white/b.jpg"})
        assert [row[1] for row in _rows(manifest)[1:]] == ["white/a.jpg", "white/c.jpg"]


def test_a_stray_carriage_return_stops_no_delivery(tmp_path: Path) -> None:
    """One in a cell that a person changed costs that line its place in the table, nothing else."""
    manifest = tmp_path / "manifest.csv"
    add_lines(manifest, [_line("white/a.jpg", "R-1 gold"), _line("white/b.jpg")])
    manifest.write_bytes(manifest.read_bytes().replace(b"R-1 gold", b"R-1\rgold"))
    add_lines(manifest, [_line("white/c.jpg")])
    remove_lines(manifest, {"white/b.jpg"})
    assert [row[1:2] for row in _rows(manifest)[1:]] == [[], ["white/a.jpg"], ["white/c.jpg"]]


def test_what_is_no_manifest_is_moved_aside(tmp_path: Path) -> None:
    """A file that cannot be read as the table is kept whole under a free name, and a new one is begun."""
    manifest = tmp_path / "manifest.csv"
    (tmp_path / "manifest_unreadable_1.csv").write_bytes(b"of last year")
    add_lines(manifest, [_line("white/a.jpg")])
    foreign = manifest.read_text().encode("utf-16")
    manifest.write_bytes(foreign)
    add_lines(manifest, [_line("white/b.jpg")])
    assert [row[1] for row in _rows(manifest)] == ["file", "white/b.jpg"]
    manifest.write_bytes(foreign)
    remove_lines(manifest, {"white/b.jpg"})
    kept = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert kept == {
        "manifest_unreadable_1.csv": b"of last year",
        "manifest_unreadable_2.csv": foreign,
        "manifest_unreadable_3.csv": foreign,
    }


@pytest.mark.parametrize("foreign", ["semicolons", "no header", "one line"])
def test_a_table_that_does_not_begin_as_the_manifest_is_moved_aside(tmp_path: Path, foreign: str) -> None:
    """What has other columns, or none, is kept whole under another name, and a new manifest is begun."""
    manifest = tmp_path / "manifest.csv"
    add_lines(manifest, [_line("white/a.jpg")])
    text = manifest.read_text()
    saved = {
        "semicolons": text.replace(",", ";"),
        "no header": text.split("\n", 1)[1],
        "one line": "a note of somebody's",
    }[foreign]
    manifest.write_text(saved)
    add_lines(manifest, [_line("white/b.jpg")])
    assert [row[1] for row in _rows(manifest)] == ["file", "white/b.jpg"]
    assert (tmp_path / "manifest_unreadable_1.csv").read_text() == saved


@pytest.mark.parametrize("spoilt", ["byte order mark", "another column"])
def test_a_manifest_that_a_spreadsheet_saved_is_still_the_manifest(tmp_path: Path, spoilt: str) -> None:
    """A byte order mark before our columns, or a column behind them, moves nothing aside."""
    manifest = tmp_path / "manifest.csv"
    add_lines(manifest, [_line("white/a.jpg"), _line("white/b.jpg")])
    text = manifest.read_text()
    manifest.write_text("\ufeff" + text if spoilt == "byte order mark" else text.replace("\n", ",note\n"))
    add_lines(manifest, [_line("white/b.jpg"), _line("white/c.jpg")])
    remove_lines(manifest, {"white/a.jpg"})
    assert [row[1] for row in _rows(manifest)] == ["file", "white/b.jpg", "white/c.jpg"]
    assert list(tmp_path.iterdir()) == [manifest]


def test_a_tail_of_zeros_is_cut(tmp_path: Path) -> None:
    """What a crash left of an append, zeros or a piece of the header too, is cut and not moved aside."""
    manifest = tmp_path / "manifest.csv"
    add_lines(manifest, [_line("white/a.jpg")])
    whole = manifest.read_bytes()
    for left in (whole + b"\0" * 100, whole + b"R-1,white\0\0", b"\0" * 100, b"sku,fi\0\0", b"sku,file"):
        manifest.write_bytes(left)
        add_lines(manifest, [_line("white/a.jpg")])
        assert manifest.read_bytes() == whole
        assert list(tmp_path.iterdir()) == [manifest]
