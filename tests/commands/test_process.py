"""`studiod process`: cutouts here and now, without a studio."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image

WritePicture = Callable[..., bytes]


def process(*arguments: object, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Runs `studiod process` with these arguments, in a folder."""
    command = [sys.executable, "-m", "studiod", "process", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240)


def test_each_photograph_gets_its_three_files(tmp_path: Path, write_picture: WritePicture) -> None:
    """A 16-bit cutout of the photograph's size, a composite, a risk; the original's bytes stay."""
    photo, out = tmp_path / "ring.jpg", tmp_path / "out"
    content = write_picture(photo, width=400, height=300)
    done = process(photo, "--out", out)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in out.iterdir()) == [
        "ring_composite.jpg",
        "ring_cutout.png",
        "ring_risk.json",
    ]
    cutout = imagecodecs.png_decode((out / "ring_cutout.png").read_bytes())
    assert (cutout.shape, cutout.dtype) == ((300, 400, 4), np.uint16)
    with Image.open(out / "ring_composite.jpg") as composite:
        assert "icc_profile" in composite.info
    risk = json.loads((out / "ring_risk.json").read_text())
    assert 0 <= risk["score"] <= 1
    for finding in risk["findings"]:
        assert {"reason", "box", "point", "probability", "sentence"} <= finding.keys()
    assert hashlib.sha256(photo.read_bytes()).digest() == hashlib.sha256(content).digest()


def test_a_photograph_of_the_longest_name_gets_its_files(tmp_path: Path, write_picture: WritePicture) -> None:
    """A name that has no room for what is put behind it is cut for the results, as in an outbox."""
    photo, out = tmp_path / ("é" * 125 + ".jpg"), tmp_path / "out"
    write_picture(photo, width=200, height=150)
    done = process(photo, "--out", out)
    assert done.returncode == 0, done.stderr
    stem = "é" * 120
    assert sorted(path.name for path in out.iterdir()) == [
        f"{stem}_composite.jpg",
        f"{stem}_cutout.png",
        f"{stem}_risk.json",
    ]


def test_one_bad_file_does_not_stop_the_others(tmp_path: Path, write_picture: WritePicture) -> None:
    """What is no picture is told in a line with a hint; the rest is made; the exit code says not all was."""
    good, bad, missing = tmp_path / "good.png", tmp_path / "bad\x1b.jpg", tmp_path / "missing.jpg"
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    (tmp_path / "shoot").mkdir()
    write_picture(good)
    bad.write_bytes(b"no picture")
    done = process(bad, missing, "shoot", "loop.jpg", good, "--out", tmp_path / "out", folder=tmp_path)
    assert done.returncode == 1
    told = done.stderr.splitlines()
    assert all(line.startswith("studiod: ") for line in told)  # and no empty one: this is a pipe
    assert (
        len(told) == 4
        and "Take it out" in told[0]
        and told[2] == ("studiod: shoot is a folder. Name the photographs in it, such as shoot/*.jpg.")
    )
    assert "loop.jpg cannot be read: Too many levels of symbolic links" in told[3]
    assert "\x1b" not in done.stderr
    assert (tmp_path / "out" / "good_cutout.png").is_file()
    assert not list((tmp_path / "out").glob("bad*"))


@pytest.mark.parametrize("case", ["same name", "over an original", "over the plate", "over a neighbour"])
def test_nothing_is_overwritten_by_something_else(
    tmp_path: Path, write_picture: WritePicture, case: str
) -> None:
    """Two photographs of one name, and a result that would replace a photograph, are refused beforehand.

    So is one that would replace a file which nobody named and no earlier run made.
    """
    ring, other = tmp_path / "ring.jpg", tmp_path / "ring_cutout.png"
    if case == "same name":
        ring, other = tmp_path / "a" / "ring.jpg", tmp_path / "b" / "ring.png"
    before = [write_picture(file) for file in (ring, other)]
    named: dict[str, tuple[object, ...]] = {"over the plate": ("--plate", other), "over a neighbour": ()}
    done = process(ring, *named.get(case, (other,)), "--out", tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert [file.read_bytes() for file in (ring, other)] == before
    assert not (tmp_path / "ring_composite.jpg").exists()


@pytest.mark.parametrize("named", [True, False])
def test_a_studio_gives_its_model_and_its_first_preset(
    tmp_path: Path, write_picture: WritePicture, named: bool
) -> None:
    """With --config, or in a studio's folder, that studio's look and its own model are used."""
    studio, out = tmp_path / "studio", tmp_path / "out"
    (studio / "presets").mkdir(parents=True)
    (studio / "presets" / "red.toml").write_text(
        'width = 200\nheight = 100\nfill = 0.5\nbackground = "#ff0000"\nformat = "png"\n'
    )
    configuration = studio / "studiod.toml"
    hot_folder = '[[hot_folder]]\nname = "main"\npath = "hot"\npresets = ["red", "white"]\n'
    configuration.write_text(hot_folder)
    write_picture(tmp_path / "ring.jpg", width=200, height=150)
    arguments: tuple[object, ...] = (tmp_path / "ring.jpg", "--out", out)
    if named:
        arguments += ("--config", configuration)
    done = process(*arguments, folder=tmp_path if named else studio)
    assert done.returncode == 0, done.stderr
    with Image.open(out / "ring_composite.png") as composite:
        assert composite.size == (200, 100)
        assert composite.getpixel((0, 0)) == (255, 0, 0)
    configuration.write_text(hot_folder + '[matting]\nmodel = "mine.onnx"\n')
    done = process(*arguments, folder=tmp_path if named else studio)
    assert done.returncode != 0
    assert "mine.onnx" in done.stderr and "Traceback" not in done.stderr


def test_results_may_be_made_anew(tmp_path: Path, write_picture: WritePicture) -> None:
    """The same photograph again, into the same folder: the three files of the earlier run are replaced."""
    write_picture(tmp_path / "ring.jpg", width=200, height=150)
    assert process(tmp_path / "ring.jpg", "--out", tmp_path).returncode == 0
    first = (tmp_path / "ring_cutout.png").read_bytes()
    write_picture(tmp_path / "ring.jpg", 1, width=200, height=150)
    assert process(tmp_path / "ring.jpg", "--out", tmp_path).returncode == 0
    assert (tmp_path / "ring_cutout.png").read_bytes() != first


def test_results_may_be_made_anew_in_another_format(tmp_path: Path, write_picture: WritePicture) -> None:
    """Where a cutout and a risk lie side by side an earlier run made them, whatever format its preset had,
    or if it was broken off before the composite."""
    write_picture(tmp_path / "ring.jpg", width=200, height=150)
    for name in ("ring_cutout.png", "ring_risk.json"):
        (tmp_path / name).write_bytes(b"of an earlier run")
    (tmp_path / "ring_composite.webp").write_bytes(b"of an earlier preset")
    done = process(tmp_path / "ring.jpg", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "ring_composite.jpg").is_file()
    for name in ("ring_cutout.png", "ring_risk.json"):
        assert (tmp_path / name).read_bytes() != b"of an earlier run"
    assert (tmp_path / "ring_composite.webp").read_bytes() == b"of an earlier preset"


def test_a_mistake_about_one_photograph_does_not_stop_the_others(
    tmp_path: Path, write_picture: WritePicture
) -> None:
    """What nobody thought of (here: wider than a WebP may be) is said of its file; the next one is made."""
    (tmp_path / "presets").mkdir()
    (tmp_path / "presets" / "web.toml").write_text('width = 0\nheight = 0\nformat = "webp"\n')
    hot_folder = '[[hot_folder]]\nname = "main"\npath = "hot"\npresets = ["web"]\n'
    (tmp_path / "studiod.toml").write_text(hot_folder)
    Image.new("RGB", (17000, 16), "white").save(tmp_path / "wide.png")
    write_picture(tmp_path / "ring.jpg", width=200, height=150)
    done = process("wide.png", "ring.jpg", "--out", "out", folder=tmp_path)
    assert done.returncode == 1
    assert "studiod: wide.png: " in done.stderr and "Traceback" not in done.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "ring_composite.webp",
        "ring_cutout.png",
        "ring_risk.json",
    ]
