"""Touching up against a real daemon: strokes from the terminal, and the round trip to a retoucher."""

from __future__ import annotations

import io
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image
from psd_tools import PSDImage

from studiod.daemon.housekeeping import DAY, clear_returns, clear_touchups
from studiod.daemon.touchup import TouchupDesk
from studiod.daemon.touchup_jobs import send_touchup
from studiod.ledger.engine import open_ledger
from studiod.ledger.looks import record_looks
from studiod.ledger.queue import supersede
from studiod.ledger.reading import every_item, find_file, get_item, get_version, history
from studiod.ledger.records import FileRecord, FileState, Selection
from studiod.ledger.review import approve, current_person, request_strokes
from studiod.ledger.states import Status
from studiod.ledger.touchup import RETURNS, find_touchup, strokes_of
from studiod.settings import MARKER
from studiod.strokes import Stroke
from tests.looking import enough_looks
from tests.scenarios.conftest import STUDIOD
from tests.tui.conftest import Studio
from tui.app import ReviewApp
from tui.desk import Desk
from tui.keys import load_keymap
from tui.pictures import View
from tui.queue_screen import QueueScreen
from tui.review_screen import ReviewScreen

pytestmark = pytest.mark.timeout(240)


def test_strokes_make_a_new_version(studio: Any, daemon: Any, write_picture: Callable[..., bytes]) -> None:
    """Strokes painted on a piece are obeyed in its next version, which waits for a person with its layer."""
    write_picture(studio.hot / "R-DEAR.jpg", 2)
    daemon.until_idle()
    ledger = open_ledger(studio.settings.database)
    (item,) = (each["item"] for each in daemon.ask("list"))
    corner = Stroke(((20.0, 24.0), (40.0, 24.0)), 6.0, "solid")
    request_strokes(ledger, item, 1, [corner], current_person())
    daemon.until_idle()
    record, version = get_item(ledger, item), get_version(ledger, item)
    assert version is not None
    assert (record.status, record.version, version.origin) == ("awaiting_review", 2, "strokes")
    assert strokes_of(ledger, item) == (corner,)
    mattes = [
        imagecodecs.png_decode((studio.settings.work / f"items/{item}/v{number}/matte.png").read_bytes())
        for number in (1, 2)
    ]
    assert [int(matte[24, 30]) for matte in mattes] == [0, 65535]
    ledger.close()


@dataclass
class Round:
    """A dear piece in a real studio whose daemon runs, and the steps of a touch-up."""

    studio: Any
    daemon: Any
    wait_for: Callable[..., None]

    def flag(self, item: int, stem: str = "R-DEAR") -> Path:
        """Flag it; returns its folder once that is there and on record."""
        self.daemon.do("flag", str(item), "--reason", "the left prong is gone")
        found = f"{stem}_item{item}_v1"
        folder = Path(self.studio.settings.touchup / found)

        def sent() -> bool:  # the folder is made whole first, then recorded
            return folder.exists() and find_touchup(self.ledger, item, 1) is not None

        self.wait_for(sent, f"{found}\n{self.daemon.words()[-2000:]}")
        return folder

    def wait_until(self, item: int, status: str, version: int) -> None:
        """Wait for a version to stand somewhere."""

        def there() -> bool:
            record = get_item(self.ledger, item)
            return (record.status, record.version) == (status, version)

        self.wait_for(there, f"item {item}: {status} at version {version}\n{self.daemon.words()[-2000:]}")

    def matte(self, item: int, version: int) -> np.ndarray:
        """A version's matte."""
        made = get_version(self.ledger, item, version)
        assert made is not None
        content = (self.studio.settings.work / made.made.folder / made.made.matte[0]).read_bytes()
        return np.asarray(imagecodecs.png_decode(content))

    def file(self, name: str) -> FileRecord | None:
        """What became of a file of the return folder."""
        return find_file(self.ledger, RETURNS, name)

    def set_aside(self, name: str) -> str:
        """Why a file was set aside, once it was."""
        self.wait_for(lambda: self.file(name), f"{name} is looked at")
        found = self.file(name)
        assert found is not None and found.state is FileState.SET_ASIDE
        return found.reason

    def put(self, name: str, content: bytes) -> Path:
        """Save a file in the return folder."""
        path = Path(self.studio.settings.touchup_return / name)
        path.write_bytes(content)
        return path

    def __post_init__(self) -> None:
        self.ledger = open_ledger(self.studio.settings.database)


@pytest.fixture
def round_trip(
    studio: Any, daemon: Any, write_picture: Callable[..., bytes], wait_for: Callable[..., None]
) -> Iterator[Round]:
    """A dear piece (item 1) that waits for a person, and a daemon that runs."""
    write_picture(studio.hot / "R-DEAR.jpg", 2)
    daemon.until_idle()
    daemon.start()
    made = Round(studio, daemon, wait_for)
    yield made
    made.ledger.close()


def tiff_of(folder: Path, *, cover: tuple[int, int, int, int], token: bool = True) -> bytes:
    """The TIFF of a folder with full coverage in a box (left, top, right, bottom of what was sent)."""
    source = next(folder.glob("*.tif"))
    with tifffile.TiffFile(source) as tiff:
        pixels, description = tiff.asarray(), tiff.pages.first.description
    left, top, right, bottom = cover
    pixels[top:bottom, left:right, 3] = 255
    saved = io.BytesIO()
    tifffile.imwrite(
        saved, pixels, photometric="rgb", extrasamples=["unassalpha"],
        description=description if token else "", metadata=None,
    )  # fmt: skip
    return saved.getvalue()


def test_a_kill_before_it_is_on_record_makes_no_second_folder(
    studio: Any, daemon: Any, write_picture: Callable[..., bytes]
) -> None:
    """A folder that was whole when its daemon was killed is found again, and recorded as what was sent."""
    write_picture(studio.hot / "R-DEAR.jpg", 2)
    daemon.until_idle()
    daemon.do("flag", "1", "--reason", "the left prong is gone")
    ledger = open_ledger(studio.settings.database)
    desk = TouchupDesk(studio.settings, ledger)
    desk.tick(1.0)
    job = desk.next_job()
    assert job is not None
    made = send_touchup(asdict(job[1]), 100)  # what the worker did; nobody heard its answer
    assert find_touchup(ledger, 1, 1) is None
    daemon.until_idle()
    sent = find_touchup(ledger, 1, 1)
    assert sent is not None and (sent.folder, sent.box) == (made["folder"], made["box"])
    folders = [path.name for path in studio.settings.touchup.glob("R-DEAR*")]
    assert folders == [sent.folder]
    ledger.close()


def test_the_round_trip(round_trip: Round) -> None:
    """Flag, paint in the PSD's mask, save it into return: the next version has that matte and waits again.

    A second file, a TIFF, reopens the piece even though it was approved meanwhile.
    """
    folder = round_trip.flag(1)
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["R-DEAR_item1_v1.psd", "R-DEAR_item1_v1.tif", "what is wrong.txt"]
    assert "the left prong is gone" in (folder / "what is wrong.txt").read_text()
    sent = find_touchup(round_trip.ledger, 1, 1)
    assert sent is not None and sent.folder == folder.name
    left, top = sent.box[:2]

    psd = PSDImage.open(folder / "R-DEAR_item1_v1.psd")
    cutout = next(layer for layer in psd if layer.name == "cutout")
    mask = np.rint(cutout.numpy("mask")[..., 0] * 255).astype(np.uint8)  # type: ignore[index]
    assert mask[10, 10] == 0
    mask[5:25, 5:45] = 255
    cutout.remove_mask()
    cutout.create_mask(Image.fromarray(mask))
    psd.save(round_trip.studio.settings.touchup_return / "R-DEAR_item1_v1.psd")
    round_trip.wait_until(1, Status.AWAITING_REVIEW, 2)
    before, after = round_trip.matte(1, 1), round_trip.matte(1, 2)
    assert (after[top + 5 : top + 25, left + 5 : left + 45] == 65535).all()
    after[top + 5 : top + 25, left + 5 : left + 45] = before[top + 5 : top + 25, left + 5 : left + 45]
    assert (after == before).all()
    (back,) = every_item(round_trip.ledger, Selection(returned=True))
    assert (back.id, back.origin) == (1, "return")
    whats = [event.what for event in history(round_trip.ledger, 1)]
    assert whats[3:] == ["flagged", "sent_to_touchup", "touchup_returned", "claimed", "made"]

    person = current_person()
    version = get_version(round_trip.ledger, 1)
    assert version is not None
    record_looks(round_trip.ledger, 1, 2, person, enough_looks(version.made))
    round_trip.studio.rewrite("delay_minutes = 0", "delay_minutes = 60")
    round_trip.daemon.stop()
    round_trip.daemon.start()
    assert approve(round_trip.ledger, 1, 2, person) is Status.APPROVED
    round_trip.put("again.tif", tiff_of(folder, cover=(50, 0, 60, 10)))
    round_trip.wait_until(1, Status.AWAITING_REVIEW, 3)
    assert round_trip.matte(1, 3)[top + 5, left + 55] == 65535
    assert round_trip.matte(1, 3)[top + 10, left + 10] == 0

    corner = Stroke(((left + 20.0, top + 20.0), (left + 30.0, top + 20.0)), 4.0, "solid")
    request_strokes(round_trip.ledger, 1, 3, [corner], person)
    round_trip.wait_until(1, Status.AWAITING_REVIEW, 4)
    assert round_trip.matte(1, 4)[top + 20, left + 25] == 65535
    assert round_trip.matte(1, 4)[top + 5, left + 55] == 65535


def test_a_closed_outbox_holds_up_no_touch_up(
    studio: Any, daemon: Any, write_picture: Callable[..., bytes]
) -> None:
    """A pass that cannot deliver one piece ends only when another was sent to the retoucher."""
    for seed, name in enumerate(("R-CHEAP", "R-DEAR")):
        write_picture(studio.hot / f"{name}.jpg", seed)
    studio.rewrite("delay_minutes = 0", "delay_minutes = 60")
    daemon.until_idle()
    numbers = {item["sku"]: item["item"] for item in daemon.ask("list")}
    assert daemon.statuses()["R-CHEAP.jpg"] == "approved"
    studio.rewrite("delay_minutes = 60", "delay_minutes = 0")
    (studio.outbox / "small").write_text("in the way")
    daemon.do("flag", str(numbers["R-DEAR"]), "--reason", "the left prong is gone")
    daemon.start("--until-idle")
    assert daemon.wait() == 1 and "outbox/small cannot be written" in daemon.words()
    assert (studio.settings.touchup / f"R-DEAR_item{numbers['R-DEAR']}_v1").is_dir()


def test_what_cannot_be_taken(round_trip: Round) -> None:
    """Hostile files are set aside with a sentence, once each; the piece stays flagged and is taken later.

    Wrong size, broken off, nothing that names the piece, merged layers, an unknown item, nothing changed.
    """
    folder = round_trip.flag(1)
    psd, tif = (next(folder.glob(f"*.{kind}")).read_bytes() for kind in ("psd", "tif"))
    pixels = tifffile.imread(io.BytesIO(tif))

    def flat(part: np.ndarray) -> bytes:
        return bytes(imagecodecs.png_encode(np.ascontiguousarray(part)))

    merged = io.BytesIO()
    PSDImage.frompil(Image.fromarray(pixels[..., :3])).save(merged)
    files = {
        "small_item1_v1.png": (flat(pixels[:-3]), "were sent"),
        "cut_item1_v1.psd": (psd[: len(psd) // 2], "damaged"),
        "cut_item1_v1.tif": (tif[: len(tif) // 2], "damaged"),
        "nobody.png": (flat(pixels), "which piece it is"),
        "merged_item1_v1.psd": (merged.getvalue(), "no layer named cutout"),
        "who_item99_v1.png": (flat(pixels), "no such one was sent"),
        "other_item1_v7.png": (flat(pixels), "no such one was sent"),
        "same.psd": (psd, "Nothing in it was changed"),
        "opaque_item1_v1.png": (flat(pixels[..., :3]), "no alpha"),
        "empty_item1_v1.psd": (b"", "neither PSD nor TIFF nor PNG"),
        "\x1b[31m\udcff_item1_v1.txt": (b"hello", "neither PSD nor TIFF nor PNG"),
    }
    for name, (content, _) in files.items():
        round_trip.put(name, content)
    (round_trip.studio.settings.touchup_return / "out_item1_v1.psd").symlink_to("/etc/hostname")
    os.mkfifo(round_trip.studio.settings.touchup_return / "pipe_item1_v1.psd")
    for name, (_, sentence) in files.items():
        assert sentence in round_trip.set_aside(name), name
    shown = {each["path"]: each for each in round_trip.daemon.ask("list", "--files")}
    assert shown["small_item1_v1.png"]["state"] == "set_aside"
    assert "were sent" in shown["small_item1_v1.png"]["reason"]
    assert get_item(round_trip.ledger, 1).status is Status.FLAGGED
    assert sum(event.what == "return_set_aside" for event in history(round_trip.ledger, 1)) == 8

    round_trip.daemon.stop()
    assert "Traceback" not in round_trip.daemon.words()
    round_trip.put("cut_item1_v1.tif", tiff_of(folder, cover=(0, 0, 9, 9), token=False))
    round_trip.daemon.until_idle()
    assert get_item(round_trip.ledger, 1).version == 2
    assert round_trip.daemon.words().count("set aside") == len(files)
    states = [each["state"] for each in round_trip.daemon.ask("list", "--files")]
    assert states.count("set_aside") == len(files) - 1  # the one that was saved again is superseded
    assert states.count("returned") == 1


def test_the_ending_of_a_name_may_be_anything(round_trip: Round) -> None:
    """A file is taken for what it holds; its copy is kept under a name of ours."""
    folder = round_trip.flag(1)
    round_trip.put("R-DEAR_item1_v1.\udcff", tiff_of(folder, cover=(0, 0, 9, 9)))
    round_trip.wait_until(1, Status.AWAITING_REVIEW, 2)
    assert round_trip.daemon.stop() == 0
    [kept] = (round_trip.studio.settings.work / "returns").iterdir()
    assert kept.suffix == ".tif"


def test_the_same_bytes_are_taken_once(round_trip: Round) -> None:
    """A copy of a file that was taken, touched or under another name, changes nothing; nor does a restart."""
    folder = round_trip.flag(1)
    path = round_trip.put("mine.tif", tiff_of(folder, cover=(0, 0, 9, 9)))
    round_trip.wait_until(1, Status.AWAITING_REVIEW, 2)
    round_trip.daemon.stop()
    os.utime(path)
    round_trip.put("copy.tif", path.read_bytes())
    round_trip.daemon.until_idle()
    found = round_trip.file("copy.tif")
    assert found is not None and found.state is FileState.DUPLICATE
    assert get_item(round_trip.ledger, 1).version == 2


def test_kept_touchups_are_cleared_away(round_trip: Round, write_picture: Callable[..., bytes]) -> None:
    """The copy of what came back goes when kept originals go, long after its piece was settled; its folder as
    soon as the piece has left or is superseded, another's not."""
    write_picture(round_trip.studio.hot / "R-DEAR_2.jpg", 3)
    round_trip.wait_for(lambda: len(round_trip.daemon.items()) == 2, "the second piece")
    round_trip.wait_until(2, Status.AWAITING_REVIEW, 1)
    folder = round_trip.flag(1)
    other = round_trip.flag(2, "R-DEAR_2")
    round_trip.put("mine.tif", tiff_of(folder, cover=(0, 0, 9, 9)))
    round_trip.wait_until(1, Status.AWAITING_REVIEW, 2)
    round_trip.daemon.stop()
    settings, late = round_trip.studio.settings, time.time() + 31 * DAY

    def clear(now: float) -> tuple[int, int]:
        cleared = clear_returns(round_trip.ledger, settings, now, lambda: None)
        return cleared, len(list((settings.work / "returns").iterdir()))

    def clear_folders() -> int:
        return clear_touchups(round_trip.ledger, settings, lambda: None)

    assert clear(late) == (0, 1) and clear_folders() == 0
    supersede(round_trip.ledger, 1, "a reshoot")
    assert clear_folders() == 1 and not folder.exists() and other.exists()
    assert clear(time.time()) == (0, 1)
    assert clear(late) == (1, 0)


def test_a_return_that_comes_too_late(round_trip: Round) -> None:
    """For a piece that was shot again meanwhile it is set aside, and said why; nothing else happens."""
    folder = round_trip.flag(1)
    supersede(round_trip.ledger, 1, "a reshoot")
    round_trip.put("late.tif", tiff_of(folder, cover=(0, 0, 9, 9)))
    assert "superseded: no touch-up can be taken" in round_trip.set_aside("late.tif")
    shown = subprocess.run(
        [*STUDIOD, "show", "1", "--config", str(round_trip.studio.file)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "return_set_aside: Item 1 is superseded" in shown.stdout


def test_a_folder_that_cannot_be_written(round_trip: Round) -> None:
    """A version whose photograph is gone is not sent; the history says so, once, and the daemon goes on."""
    (round_trip.studio.hot / "R-DEAR.jpg").unlink()
    for kept in (round_trip.studio.settings.work / "originals").iterdir():
        kept.unlink()
    round_trip.daemon.do("flag", "1", "--reason", "x")

    def told() -> list[str]:
        return [e.reason for e in history(round_trip.ledger, 1) if e.what == "not_sent_to_touchup"]

    round_trip.wait_for(told, "the history says that it was not sent")
    round_trip.daemon.stop()
    assert told() == ["its original is gone, or holds other bytes now"]


def test_what_lies_in_a_hot_folder_that_is_unplugged_is_sent_once_it_is_back(
    studio: Any, daemon: Any, write_picture: Callable[..., bytes], wait_for: Callable[..., None]
) -> None:
    """Nothing is written about it meanwhile, and a pass ends."""
    studio.rewrite("min_free_gb = 0", "min_free_gb = 0\ncopy_originals = false")
    write_picture(studio.hot / "R-DEAR.jpg", 2)
    daemon.until_idle()
    studio.hot.rename(studio.root / "unplugged")
    daemon.do("flag", "1", "--reason", "x")
    daemon.start("--until-idle")
    assert daemon.wait() == 1
    daemon.start()
    wait_for(lambda: "Hot folder main is paused" in daemon.words(), "the log says that it is away")
    (studio.root / "unplugged").rename(studio.hot)
    wait_for(lambda: list(studio.settings.touchup.glob("R-*")), "it is sent")
    daemon.stop()
    ledger = open_ledger(studio.settings.database)
    assert not [event for event in history(ledger, 1) if event.what == "not_sent_to_touchup"]
    ledger.close()


def test_the_touchup_disk_is_away(round_trip: Round, wait_for: Callable[..., None]) -> None:
    """Without its marker the touch-up folder is left alone, and what is flagged goes out once it is back."""
    marker = round_trip.studio.settings.touchup / MARKER
    marker.unlink()
    wait_for(lambda: "touchup folder" in round_trip.daemon.words(), "the log says that it is away")
    round_trip.daemon.do("flag", "1", "--reason", "x")
    round_trip.daemon.stop()
    assert not list(round_trip.studio.settings.touchup.glob("R-*"))
    marker.touch()
    round_trip.daemon.until_idle()
    assert len(list(round_trip.studio.settings.touchup.glob("R-*"))) == 1


async def test_a_return_is_held_against_the_matte_before(round_trip: Round) -> None:
    """What a retoucher saved is in the list of what came back, and space blinks between its two mattes."""
    folder = round_trip.flag(1)
    round_trip.put("mine.tif", tiff_of(folder, cover=(0, 0, 10, 10)))
    round_trip.wait_until(1, Status.AWAITING_REVIEW, 2)
    sent = find_touchup(round_trip.ledger, 1, 1)
    assert sent is not None
    left, top = sent.box[:2]
    settings = round_trip.studio.settings
    desk = Desk(round_trip.ledger, settings, current_person())
    app = ReviewApp(lambda: (desk, QueueScreen), load_keymap("default", settings.root))
    async with app.run_test(size=(140, 40)) as pilot:
        await Studio.until(pilot, lambda: "4 returned 1" in Studio.text(pilot))
        await pilot.press("4")
        await Studio.until(pilot, lambda: app.screen.view == "returned" and app.screen.piece)
        assert (await Studio.sees(pilot, "! R-DEAR")).startswith("! R-DEAR")
        await pilot.press("enter")
        await Studio.until(pilot, lambda: isinstance(app.screen, ReviewScreen) and app.screen.pane.piece)
        await Studio.sees(pilot, "touched up: m, then space shows the matte before")
        await pilot.press("m")
        pictures, shown = app.screen.pane.main.pictures, []
        for view in (View.MATTE_BEFORE, View.MATTE):
            await pilot.press("space")
            assert app.screen.pane.main.view is view
            shown.append(np.unique(pictures.window(view, (left, top, left + 10, top + 10), 10, 10)).tolist())
        assert shown == [[0], [255]]
