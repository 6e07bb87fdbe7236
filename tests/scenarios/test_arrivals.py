from __future__ import annotations

import hashlib
import os
import shutil
import signal
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
from PIL import Image

HOSTILE_NAME = os.fsdecode(b"R-CHEAP_\xff\xfe.jpg")
STRANGE_NAMES = (
    HOSTILE_NAME,
    "R-CHEAP_line\nbreak.jpg",
    "R-CHEAP_\x1b[2J\x1b]0;title\x07.jpg",
    "R-CHEAP_$(touch pwned).jpg",
    "R-CHEAP_'; DROP TABLE items; --.jpg",
    "R-CHEAP_" + "x" * 238 + ".jpg",
    " R-CHEAP .jpg",
    "-rf.jpg",
)


def _bomb() -> bytes:
    """A PNG that says it is 60,000 pixels square, in a few bytes."""

    def chunk(name: bytes, content: bytes) -> bytes:
        crc = zlib.crc32(name + content).to_bytes(4, "big")
        return len(content).to_bytes(4, "big") + name + content + crc

    size = (60000).to_bytes(4, "big")
    header = chunk(b"IHDR", size + size + bytes([8, 2, 0, 0, 0]))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


def _age(path: Path) -> None:
    """Make a file look an hour old, so that what breaks off is not waited for."""
    os.utime(path, (time.time() - 3600, time.time() - 3600))


def _copy_slowly(content: bytes, path: Path) -> None:
    with path.open("wb") as stream:
        for start in range(0, len(content), max(1, len(content) // 8)):
            stream.write(content[start : start + max(1, len(content) // 8)])
            stream.flush()
            time.sleep(0.15)


def test_files_that_arrive_in_every_way(
    studio: Any,
    daemon: Any,
    write_picture: Callable[..., bytes],
    write_raw: Callable[[Path, int], bytes],
    wait_for: Callable[..., None],
    tmp_path: Path,
) -> None:
    """Whatever way a file comes, it is accounted for exactly once, in the state a studio expects."""
    hot = studio.hot
    expected: dict[str, str] = {}
    outside = tmp_path / "camera"
    outside.mkdir()

    # Landed while the daemon was down: at the top, deep below, upper case, every format.
    write_picture(hot / "R-CHEAP_down.jpg", 1)
    write_picture(hot / "day 1" / "set" / "R-EDGE_down.JPG", 2, form=".jpg")
    write_picture(hot / "R-CHEAP_png.png", 3)
    write_picture(hot / "R-CHEAP_webp.webp", 4)
    write_picture(hot / "R-CHEAP_tiff.tif", 5)
    deep = np.full((240, 320, 3), 60000, np.uint16)
    cv2.circle(deep, (160, 120), 60, (9000, 20000, 30000), 8)
    tifffile.imwrite(hot / "R-CHEAP_deep.tiff", deep, byteorder=">", compression="lzw")
    tifffile.imwrite(hot / "R-CHEAP_tiled.tif", deep[:, :, ::-1], tile=(64, 64), compression="zlib")
    write_picture(hot / "R-DEAR_first.jpg", 6)
    for name in (
        "R-CHEAP_down.jpg", "day 1/set/R-EDGE_down.JPG", "R-CHEAP_png.png", "R-CHEAP_webp.webp",
        "R-DEAR_first.jpg",
    ):  # fmt: skip
        expected[name] = "item"
    expected |= dict.fromkeys(("R-CHEAP_tiff.tif", "R-CHEAP_deep.tiff", "R-CHEAP_tiled.tif"), "item")

    # Pairs and a plate.
    write_picture(hot / "pairs" / "R-CHEAP_7.jpg", 7)
    write_raw(hot / "pairs" / "R-CHEAP_7.dng", 7)
    write_raw(hot / "pairs" / "R-EDGE_alone.dng", 8)
    write_picture(hot / "plated" / "plate_01.jpg", 9)
    write_picture(hot / "plated" / "R-CHEAP_plated.jpg", 10)
    expected |= {
        "pairs/R-CHEAP_7.jpg": "item",
        "pairs/R-CHEAP_7.dng": "half",
        "pairs/R-EDGE_alone.dng": "item",
    }
    expected |= {"plated/plate_01.jpg": "plate", "plated/R-CHEAP_plated.jpg": "item"}

    # Names are bytes.
    for seed, name in enumerate(STRANGE_NAMES):
        write_picture(hot / name, 20 + seed)
        expected[name] = "item"

    # Of a camera whose clock was never set.
    write_picture(outside / "clock.jpg", 29)
    exif = Image.Exif()
    exif[0x0132] = "0001:01:01 00:00:00"
    Image.open(outside / "clock.jpg").save(hot / "R-CHEAP_clock.jpg", exif=exif)
    expected["R-CHEAP_clock.jpg"] = "item"

    # Not what they seem.
    (hot / "empty.jpg").write_bytes(b"")
    (hot / "letter.jpg").write_text("Dear photographer")
    (hot / "bomb.png").write_bytes(_bomb())
    whole = write_picture(outside / "whole.jpg", 30)
    (hot / "broken.jpg").write_bytes(whole[: len(whole) // 2])
    for name in ("empty.jpg", "letter.jpg", "bomb.png", "broken.jpg"):
        _age(hot / name)
    os.mkfifo(hot / "pipe.jpg")
    (outside / "secret.jpg").write_bytes(whole)
    (hot / "link.jpg").symlink_to(outside / "secret.jpg")
    for name in ("empty.jpg", "letter.jpg", "bomb.png", "broken.jpg", "pipe.jpg", "link.jpg"):
        expected[name] = "quarantined"

    # Litter that is never taken up as a picture.
    for name in ("._R-CHEAP_down.jpg", "@eaDir/thumb.jpg", "CaptureOne/Cache/R-CHEAP.jpg", ".hidden.jpg"):
        (hot / name).parent.mkdir(parents=True, exist_ok=True)
        (hot / name).write_bytes(whole)
    (hot / "R-CHEAP_down.xmp").write_text("<x/>")

    studio.rewrite("workers = 1", "workers = 2")
    daemon.start()
    wait_for(lambda: "made in" in daemon.words(), "the first picture")

    # While it runs: slowly copied, written and renamed, moved in, in a fresh folder.
    slow = [
        threading.Thread(
            target=_copy_slowly,
            args=(write_picture(outside / f"{n}.jpg", 40 + n), hot / f"R-CHEAP_slow{n}.jpg"),
        )
        for n in range(3)
    ]
    for thread in slow:
        thread.start()
    write_picture(hot / "R-CHEAP_renamed.jpg.part", 50, form=".jpg")
    (hot / "R-CHEAP_renamed.jpg.part").rename(hot / "R-CHEAP_renamed.jpg")
    write_picture(outside / "moved.jpg", 51)
    (outside / "moved.jpg").rename(hot / "R-CHEAP_moved.jpg")
    write_picture(outside / "fresh" / "one" / "R-CHEAP_one.jpg", 52)
    write_picture(outside / "fresh" / "two" / "R-CHEAP_two.jpg", 53)
    (outside / "fresh").rename(hot / "fresh")
    for number in range(4):
        write_picture(hot / f"new{number}" / "deeper" / f"R-CHEAP_{number}.jpg", 60 + number)
        expected[f"new{number}/deeper/R-CHEAP_{number}.jpg"] = "item"
    for name in ("renamed", "moved", "slow0", "slow1", "slow2"):
        expected[f"R-CHEAP_{name}.jpg"] = "item"
    expected |= {"fresh/one/R-CHEAP_one.jpg": "item", "fresh/two/R-CHEAP_two.jpg": "item"}
    for thread in slow:
        thread.join()
    count = sum(state in {"item", "quarantined"} for state in expected.values())
    wait_for(lambda: _settled(daemon, count), "all to be taken up")

    # The same bytes again: a duplicate under the same SKU, an item of its own under another.
    shutil.copy(hot / "R-CHEAP_down.jpg", hot / "R-CHEAP_copy.jpg")
    shutil.copy(hot / "R-CHEAP_down.jpg", hot / "R-DEAR_copy.jpg")
    expected |= {"R-CHEAP_copy.jpg": "duplicate", "R-DEAR_copy.jpg": "item"}
    assert daemon.stop(signal.SIGTERM) == 0, daemon.words()[-4000:]

    # Landed while it was down again: a new picture, and a reshoot of one that waits for a person.
    write_picture(hot / "R-CHEAP_late.jpg", 70)
    expected["R-CHEAP_late.jpg"] = "item"
    write_picture(hot / "R-DEAR_first.jpg", 71)
    before = _bytes_of(hot)
    daemon.until_idle()
    assert _bytes_of(hot) == before

    files = daemon.ask("list", "--files")
    found = {file["path"]: file["state"] for file in files if file["state"] not in {"ignored", "superseded"}}
    assert found == expected
    assert [file["path"] for file in files if file["state"] == "superseded"] == ["R-DEAR_first.jpg"]
    assert len({(file["hot_folder"], file["path"], file["state"]) for file in files}) == len(files)
    assert len(expected) >= 30
    items = {item["item"]: item for item in daemon.ask("list")}
    reshot = [item for item in items.values() if item["files"] == ["R-DEAR_first.jpg"]]
    assert [item["status"] for item in reshot] == ["superseded", "awaiting_review"]
    for file in files:
        if file["state"] in {"item", "half"}:
            status = items[file["item"]]["status"]
            assert status in {"delivered", "awaiting_review"}, (file["path"], items[file["item"]])
    assert not (studio.root / "pwned").exists() and not Path("pwned").exists()
    assert "\x1b" not in daemon.words()
    assert_outputs_are_whole(studio, items.values())


def _settled(daemon: Any, count: int) -> bool:
    statuses = list(daemon.statuses().values())
    return len(statuses) >= count and not {"received", "processing"} & set(statuses)


def _bytes_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path): hashlib.sha256(path.read_bytes()).digest()
        for path in folder.rglob("*")
        if path.is_file() and not path.is_fifo()
    }


def assert_outputs_are_whole(studio: Any, items: Any) -> None:
    """Every output is named by one delivered item and one line of the manifest, and decodes whole."""
    manifest = (studio.outbox / "manifest.csv").read_text().splitlines()[1:]
    told = [path for item in items for path in item["output"]]
    there = [
        str(path.relative_to(studio.outbox))
        for path in studio.outbox.rglob("*")
        if path.is_file() and path.name not in {"manifest.csv", ".studiod-root"}
    ]
    assert len(told) == len(there) == len(manifest)
    for path in there:
        content = np.frombuffer((studio.outbox / path).read_bytes(), np.uint8)
        picture = cv2.imdecode(content, cv2.IMREAD_COLOR)
        assert picture is not None and picture.shape == (160, 160, 3)
        assert any(hashlib.sha256(content.tobytes()).hexdigest() in line for line in manifest)


def test_a_retry_of_a_broken_picture_says_what_was_said_before(
    studio: Any, daemon: Any, write_picture: Callable[..., bytes]
) -> None:
    """With the file's own name and what to do, though the kept copy is read, which is called by its hash."""
    whole = write_picture(studio.hot / "R-CHEAP_1.jpg", 1)
    (studio.hot / "R-CHEAP_1.jpg").write_bytes(whole[: len(whole) // 2])
    _age(studio.hot / "R-CHEAP_1.jpg")
    daemon.until_idle()
    (before,) = daemon.ask("list", "--files")
    daemon.do("retry", str(before["item"]))
    daemon.until_idle()
    assert daemon.ask("list", "--files") == [before]
    assert before["reason"].startswith("R-CHEAP_1.jpg is ") and before["reason"].endswith("its card.")
