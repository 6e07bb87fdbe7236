"""The command line as a real process: what it prints, and with which exit code it ends."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from studiod.commands.contact_sheet import draw_contact_sheet
from studiod.daemon.guard import GIGABYTE, find_obstacles
from studiod.ledger import queue, reading
from studiod.ledger.engine import Ledger, open_ledger
from studiod.ledger.prices import set_thresholds
from studiod.ledger.records import Claimed, FileFacts, FileState, NewItem, NewVersion
from studiod.ledger.review import current_person
from studiod.ledger.states import Status
from studiod.risk.calibration import load_calibration
from studiod.risk.studio import Adjustment, as_json
from studiod.settings import MARKER
from tests.looking import look_closely, made_up

if TYPE_CHECKING:
    from tests.conftest import Studio

Run = Callable[..., subprocess.CompletedProcess[str]]
ODD_NAME = os.fsdecode(b"caf\xff\x1b[31m_$(x).jpg")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs `python -m studiod` with these arguments and returns what became of it."""

    def studiod(*arguments: object, folder: Path = tmp_path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "studiod", *map(str, arguments)]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)

    return studiod


@pytest.fixture
def ledger(studio: Studio) -> Ledger:
    """The studio's ledger as a night left it: a dear piece and one of an odd name wait, one file failed."""
    ledger = open_ledger(studio.settings.database, migrate=True)
    set_thresholds(ledger, {"USD": 100000}, {})
    add(ledger, "R-DEAR_1.jpg", "R-DEAR", 100001)
    add(ledger, ODD_NAME, None, None)
    add(ledger, "broken.jpg", "R-CHEAP", 10000)
    for _ in range(2):
        claimed = queue.claim(ledger, "w", 60)
        assert claimed is not None
        queue.finish(ledger, claimed, version(claimed))
    claimed = queue.claim(ledger, "w", 60)
    assert claimed is not None
    queue.fail(ledger, claimed, "it has \x1b[31mno end")
    return ledger


def add(ledger: Ledger, path: str, sku: str | None, minor: int | None) -> int:
    """A new item."""
    facts = FileFacts("main", path, hashlib.sha256(os.fsencode(path)).hexdigest(), size=1, mtime_ns=1)
    item = queue.add_item(ledger, NewItem(facts, sku, price_minor=minor, currency="USD" if minor else ""))
    return item


def a_little_more(studio: Studio) -> float:
    """A few per cent more GB than are free, by which the daemon would pause."""
    floor = shutil.disk_usage(studio.root).free / GIGABYTE * 1.03
    studio.rewrite("min_free_gb = 0", f"min_free_gb = {floor}")
    assert find_obstacles(studio.settings).work
    studio.rewrite(f"min_free_gb = {floor}", "min_free_gb = 0")
    return floor


def version(claimed: Claimed) -> NewVersion:
    """What processing made, as far as lists and screens show it."""
    finding = {"reason": "chain_gap", "box": [1, 2, 3, 4], "point": [1, 2], "probability": 0.4}
    risk = {"score": 0.4, "findings": [{**finding, "sentence": "A link may be missing."}]}
    return made_up(claimed, risk=0.4, risk_json=json.dumps(risk))


def one_line(said: str) -> str:
    """The one line that an error is."""
    assert said.startswith("studiod: ")
    assert said.count("\n") == 1
    assert "Traceback" not in said
    return said


def test_help_teaches_the_commands_and_the_exit_codes(run: Run) -> None:
    """`--help`, and no arguments at all, name every command and what the exit codes mean."""
    asked, bare = run("--help"), run()
    assert asked.returncode == bare.returncode == 0
    assert asked.stdout == bare.stdout
    for word in (
        "init", "run", "status", "list", "show", "approve", "flag", "reject", "retry", "recall", "process",
        "check", "demo", "Exit codes", "--config", "--version",
    ):  # fmt: skip
        assert word in asked.stdout


def test_what_computes_is_loaded_by_the_commands_that_compute() -> None:
    """`studiod status` does not wait for libraries that it has no use for."""
    code = "import sys, studiod.__main__; print({'numpy', 'cv2', 'onnxruntime', 'rawpy'} & {*sys.modules})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"


def test_a_slip_on_the_command_line_is_one_line_with_a_hint(run: Run) -> None:
    """An unknown command or option ends with 2 and says where help is."""
    for arguments in (["shwo"], ["list", "--jsn"], ["show"], ["show", "x"], ["show", "0"], ["show", 2**63]):
        done = run(*arguments)
        assert done.returncode == 2
        assert "--help" in one_line(done.stderr)
        assert "?." not in done.stderr and "Input should" not in done.stderr


def test_without_a_studio_the_hint_says_what_makes_one(run: Run) -> None:
    """A command in a folder without studiod.toml is sent to `studiod init`."""
    done = run("list")
    assert done.returncode == 2
    assert "studiod init" in one_line(done.stderr)


def test_config_may_stand_before_and_after_the_command(run: Run, studio: Studio, ledger: Ledger) -> None:
    """`studiod --config FILE list` means what `studiod list --config FILE` means, and the current folder."""
    after = run("list", "--json", "--config", studio.file)
    assert after.returncode == 0
    assert run("--config", studio.file, "list", "--json").stdout == after.stdout
    assert run("list", "--json", folder=studio.root).stdout == after.stdout


def test_a_traceback_is_for_debug_only(run: Run) -> None:
    """--debug shows where an error came from, wherever it stands on the line."""
    assert "Traceback" in run("list", "--debug").stderr
    assert "Traceback" in run("--debug", "list").stderr


def test_what_the_disk_refuses_is_no_mistake_of_ours(run: Run, studio: Studio, ledger: Ledger) -> None:
    """Output that goes to a full disk is one line that says so."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "studiod", "list", "--config", studio.file],
            stdout=full, stderr=subprocess.PIPE, text=True, timeout=120,
        )  # fmt: skip
    assert done.returncode == 1
    assert "No space left on device" in one_line(done.stderr)
    assert "mistake" not in done.stderr


def test_closed_streams_are_no_obstacle(studio: Studio, ledger: Ledger) -> None:
    """Started with standard streams closed, a command does its work all the same."""
    list_ = [sys.executable, "-m", "studiod", "list", "--config", str(studio.file)]
    for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        done = subprocess.run(
            ["sh", "-c", f'"$@" {closed}', "sh", *list_], capture_output=True, text=True, timeout=120
        )
        assert (done.returncode, done.stderr) == (0, "")


def test_init_names_what_it_made_as_the_folder_was_named(run: Run, tmp_path: Path) -> None:
    """Each line names what was made below DIR as it was typed, the settings' folders like the settings."""
    made = [line for line in run("init", "mine").stdout.splitlines() if line.startswith("made ")]
    assert {"made mine", "made mine/studiod.toml", "made mine/prices.csv", "made mine/hot"} <= set(made)
    assert all(line.startswith("made mine") for line in made)
    (tmp_path / "mine" / "hot" / ".studiod-root").unlink()
    (tmp_path / "mine" / "hot").rmdir()
    assert run("init", ".", folder=tmp_path / "mine").stdout.startswith("made hot\n")


def test_init_says_where_a_file_is_in_its_way(run: Run, tmp_path: Path) -> None:
    """A file of the studio's name is not a matter of rights: the line says that it is a file."""
    (tmp_path / "mine").write_text("a file")
    for folder in ("mine", "mine/studio"):
        done = run("init", folder)
        assert done.returncode == 1
        assert "A file is where a folder should be" in one_line(done.stderr)


def test_init_adds_only_what_is_missing(run: Run, tmp_path: Path) -> None:
    """Run again, it changes no file that is there, and brings back a folder or a marker that is not."""
    studio = tmp_path / "new"
    assert run("init", studio).returncode == 0
    for name in ("hot", "outbox", "touchup", "work"):
        assert (studio / name / MARKER).is_file()
    assert (studio / "touchup" / "return").is_dir()
    settings_file, prices = studio / "studiod.toml", studio / "prices.csv"
    settings_file.write_text(settings_file.read_text() + "# mine\n")
    prices.write_text("sku,price\nA,1\n")
    (studio / "outbox" / MARKER).unlink()
    (studio / "touchup" / "return").rmdir()
    again = run("init", studio)
    assert again.returncode == 0
    assert "return" in again.stdout
    assert settings_file.read_text().endswith("# mine\n")
    assert prices.read_text() == "sku,price\nA,1\n"
    assert (studio / "outbox" / MARKER).is_file()
    assert "nothing was missing" in run("init", studio).stdout


def test_a_studio_laid_out_on_a_full_disk_is_made_whole_later(tmp_path: Path, run: Run) -> None:
    """Where nothing can be written, no half file is left that init takes for a whole one when run again."""
    studio = tmp_path / "studio"
    command = f'ulimit -f 0; exec "{sys.executable}" -m studiod init "{studio}"'
    full = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, timeout=120)
    assert full.returncode == 1 and "cannot be made: File too large" in full.stderr
    assert sorted(path.name for path in studio.iterdir()) == []
    command = f'umask 027; exec "{sys.executable}" -m studiod init "{studio}"'
    assert subprocess.run(["sh", "-c", command], capture_output=True, check=False).returncode == 0
    assert (studio / "studiod.toml").stat().st_size > 1000
    assert (studio / "studiod.toml").stat().st_mode & 0o777 == 0o640
    assert (studio / "prices.csv").read_text() == "sku,price,currency,title\n"


def test_list_gives_scripts_the_names_they_rely_on(run: Run, studio: Studio, ledger: Ledger) -> None:
    """`list --json` has these keys and no others; prices are exact texts, odd names lone surrogates."""
    done = run("list", "--json", "--config", studio.file)
    assert done.returncode == 0
    dear, odd, broken = json.loads(done.stdout)
    assert dear == {
        "item": 1, "sku": "R-DEAR", "status": "awaiting_review", "hot_folder": "main",
        "files": ["R-DEAR_1.jpg"], "version": 1, "price": "1000.01", "currency": "USD", "mandatory": True,
        "risk": 0.4, "reasons": ["chain_gap"], "output": [], "seconds": 1.25,
    }  # fmt: skip
    assert odd["files"] == [ODD_NAME]
    assert "\\udcff" in done.stdout
    assert (odd["sku"], odd["price"], odd["mandatory"]) == (None, None, True)
    assert (broken["status"], broken["risk"], broken["seconds"]) == ("failed", None, None)
    assert Decimal(broken["price"]) == 100


def test_list_files_gives_every_file_ever_taken_up(run: Run, studio: Studio, ledger: Ledger) -> None:
    """`list --files --json` has these keys and no others."""
    facts = FileFacts("main", "R-DEAR_1 copy.jpg", "2" * 64, size=1, mtime_ns=1)
    queue.record_file(ledger, facts, FileState.DUPLICATE, item=1, reason="the same bytes")
    done = run("list", "--files", "--json", "--config", studio.file)
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    assert len(rows) == 4
    assert rows[-1] == {
        "hot_folder": "main", "path": "R-DEAR_1 copy.jpg", "state": "duplicate", "item": 1,
        "reason": "the same bytes",
    }  # fmt: skip


@pytest.mark.parametrize(
    "arguments", [["list"], ["list", "--files"], ["show", "2"], ["show", "3"], ["status"]]
)
def test_what_strangers_wrote_reaches_a_terminal_escaped(
    run: Run, studio: Studio, ledger: Ledger, arguments: list[str]
) -> None:
    """No table and no history prints an escape sequence out of a file's name or an error's words."""
    done = run(*arguments, "--config", studio.file)
    assert done.returncode == 0
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(("columns", "has_reasons"), [(80, False), (140, True)])
def test_a_list_says_every_status_whole(
    run: Run, studio: Studio, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, columns: int, has_reasons: bool
) -> None:
    """In a narrow terminal the reasons give way, and no status or price is cut; a failure is a reason."""
    for name, value in {"TTY_COMPATIBLE": "1", "TERM": "xterm", "COLUMNS": str(columns)}.items():
        monkeypatch.setenv(name, value)
    said = run("list", "--config", studio.file).stdout
    assert "awaiting_review" in said and "1000.01 USD" in said and "…" not in said
    assert ("chain_gap" in said) is ("no end" in said) is has_reasons
    assert max(map(len, said.splitlines()[1:])) <= columns


def test_show_tells_findings_and_history(run: Run, studio: Studio, ledger: Ledger) -> None:
    """`show` says what may be wrong, where, and everything that happened."""
    said = run("show", 1, "--config", studio.file).stdout
    for words in ("1000.01 USD", "yes, a person's decision", "A link may be missing.", "2 x 2 px at 1, 2"):
        assert words in said
    assert "processing -> awaiting_review" in said


def test_approve_keeps_who_and_why(run: Run, studio: Studio, ledger: Ledger) -> None:
    """A decision made on the command line is by the login that has looked, with the reason given."""
    look_closely(ledger, 1, current_person())
    done = run("approve", 1, "--reason", "looked at every link", "--config", studio.file)
    assert done.returncode == 0, done.stderr
    assert reading.get_item(ledger, 1).status is Status.APPROVED
    (decision,) = reading.decisions(ledger, 1)
    assert decision.person == current_person()
    assert decision.note == "looked at every link"


def test_approve_refuses_what_was_not_looked_at(run: Run, studio: Studio, ledger: Ledger) -> None:
    """A dear item is not approved from a script: the line says what was not seen, and where to look."""
    done = run("approve", 1, "--config", studio.file)
    assert done.returncode == 3
    said = one_line(done.stderr)
    for words in ("the whole composite at fit", "2 places at 200 %", "prong at 300, 200", "studiod-review"):
        assert words in said
    assert reading.get_item(ledger, 1).status is Status.AWAITING_REVIEW


@pytest.mark.parametrize(
    ("verdict", "reason", "known"),
    [("flag", "chain_gap, left side", "chain_gap"), ("reject", "out_of_focus, all of it", "out_of_focus")],
)
def test_the_known_reasons_are_read_out_of_the_words(
    run: Run, studio: Studio, ledger: Ledger, verdict: str, reason: str, known: str
) -> None:
    """The design's words in --reason are kept as reasons; the whole text is kept as the note."""
    assert run(verdict, 1, "--reason", reason, "--config", studio.file).returncode == 0
    (decision,) = reading.decisions(ledger, 1)
    assert (decision.verdict, decision.reasons, decision.note) == (verdict, (known,), reason)


def test_a_contact_sheet_has_only_what_still_has_previews(studio: Studio, ledger: Ledger) -> None:
    """Pieces whose previews were cleared away in time are left out; without any other there is no sheet."""
    items = list(reading.every_item(ledger))
    assert draw_contact_sheet(ledger, items, studio.settings, studio.root / "sheet.png") is None


def test_reject_and_retry(run: Run, studio: Studio, ledger: Ledger) -> None:
    """A rejected picture must be shot again; a failed one can be tried again."""
    assert run("reject", 1, "--config", studio.file).returncode == 0
    assert run("retry", 3, "--reason", "the disk is back", "--config", studio.file).returncode == 0
    assert reading.get_item(ledger, 1).status is Status.REJECTED
    assert reading.get_item(ledger, 3).status is Status.RECEIVED
    assert reading.history(ledger, 3)[-1].reason == "the disk is back"


@pytest.mark.parametrize("arguments", [["approve", 3], ["recall", 1], ["retry", 1], ["flag", 3]])
def test_what_the_state_forbids_ends_with_three(
    run: Run, studio: Studio, ledger: Ledger, arguments: list[object]
) -> None:
    """A refused transition has an exit code of its own, and changes nothing."""
    before = [item.status for item in reading.every_item(ledger)]
    done = run(*arguments, "--config", studio.file)
    assert done.returncode == 3
    one_line(done.stderr)
    assert [item.status for item in reading.every_item(ledger)] == before


def test_an_unknown_item_is_an_error(run: Run, studio: Studio, ledger: Ledger) -> None:
    """There is no item 99, and the line says so."""
    done = run("show", 99, "--config", studio.file)
    assert done.returncode == 1
    assert "99" in one_line(done.stderr)


def test_status_counts_every_item_and_file(run: Run, studio: Studio, ledger: Ledger) -> None:
    """`status --json` has every status, and a daemon that never started is said to be so."""
    told = json.loads(run("status", "--json", "--config", studio.file).stdout)
    assert set(told["items"]) == {str(status) for status in Status}
    assert sum(told["items"].values()) == 3
    assert told["daemon"] == "never started"
    assert "2 wait for a person" in run("status", "--config", studio.file).stdout
    run("reject", 1, "--config", studio.file)
    assert "1 waits for a person" in run("status", "--config", studio.file).stdout


def test_check_is_content_with_a_whole_studio(run: Run, studio: Studio, ledger: Ledger) -> None:
    """A studio that is ready ends `check` with 0."""
    done = run("check", "--config", studio.file)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 problems" in done.stdout


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda studio: (studio.hot / MARKER).unlink(), MARKER),
        (lambda studio: (studio.root / "prices.csv").write_text("nonsense\n"), "prices.csv"),
        (lambda studio: (studio.root / "prices.csv").unlink(), "prices.csv"),
        (lambda studio: (studio.root / "presets" / "small.toml").write_text("widht = 3\n"), "width?"),
        (lambda studio: studio.rewrite("min_free_gb = 0", "min_free_gb = 1e9"), "free"),
        (lambda studio: studio.rewrite("min_free_gb = 0", f"min_free_gb = {a_little_more(studio)}"), "free"),
        (lambda studio: studio.settings.database.write_bytes(b"not a database" * 100), "studiod.db"),
        (lambda studio: studio.rewrite("[qa]", '[matting]\nmodel = "none.onnx"\n[qa]'), "none.onnx"),
        (lambda studio: studio.rewrite("[qa]", "[qa]\ntwo_person_above = { USD = 10 }"), "two_person_above"),
    ],
)
def test_check_finds_what_would_spoil_the_night(
    run: Run, studio: Studio, spoil: Callable[[Studio], object], word: str
) -> None:
    """Each thing that must be put right is a line that names it, and exit code 1."""
    spoil(studio)
    done = run("check", "--config", studio.file)
    assert done.returncode == 1, done.stdout + done.stderr
    problems = [line for line in done.stdout.splitlines() if line.startswith("problem")]
    assert any(word in line for line in problems), done.stdout


def test_check_compares_several_price_lists(run: Run, studio: Studio) -> None:
    """A SKU that two price lists give different prices has none in the night: `check` says so, once."""
    files = [f"{name}.csv" for name in ("prices", "shop", "outlet")]
    studio.rewrite("[delivery]", f"[catalog]\nfiles = {files}\n\n[delivery]")
    for name, price in (("shop", 120), ("outlet", 130)):
        (studio.root / f"{name}.csv").write_text(f"sku,price,currency,title\nR-CHEAP,{price},USD,Ring\n")
    done = run("check", "--config", studio.file)
    said = [line for line in done.stdout.splitlines() if "R-CHEAP has different prices" in line]
    assert len(said) == 1 and said[0].startswith("warning"), done.stdout


def test_check_says_how_a_new_folder_is_made(run: Run, studio: Studio) -> None:
    """A folder just named in the settings is not there yet: the command that is said makes it."""
    studio.rewrite("[delivery]", '[delivery]\narchive = "kept"')
    done = run("check", "--config", studio.file)
    assert done.returncode == 1
    assert f"is its disk mounted? If it is new: studiod init {studio.root}\n" in done.stdout
    assert run("init", studio.root).returncode == 0
    assert "kept is missing" not in run("check", "--config", studio.file).stdout


def test_check_looks_for_the_command_that_tells_somebody(run: Run, studio: Studio) -> None:
    """A [notify] command that the shell does not find is a warning; one in the studio's folder is found."""
    studio.rewrite("[qa]", '[notify]\ncommand = "./tell.sh --loud"\n[qa]')
    assert (
        "warning  notify: the command ./tell.sh is not found" in run("check", "--config", studio.file).stdout
    )
    script = studio.root / "tell.sh"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    assert "notify" not in run("check", "--config", studio.file).stdout


def test_check_knows_what_the_studio_has_learnt(run: Run, studio: Studio) -> None:
    """Policy by a risk that nobody calibrated is a warning; by one that the studio's own people did, none."""
    assert "not calibrated yet" in run("check", "--config", studio.file).stdout
    learnt = Adjustment("studio-1", load_calibration().version, 1.1, -0.2, 80)
    studio.settings.calibrations.mkdir()
    (studio.settings.calibrations / "studio-1.json").write_bytes(as_json(learnt))
    assert "not calibrated yet" not in run("check", "--config", studio.file).stdout


def test_check_warns_of_a_coloured_background(run: Run, studio: Studio) -> None:
    """A beige is no colour; a blue makes metal hard to judge."""
    preset = studio.root / "presets" / "small.toml"
    preset.write_text('background = "beige"\n')
    assert "coloured background" not in run("check", "--config", studio.file).stdout
    preset.write_text('background = "#3060c0"\n')
    done = run("check", "--config", studio.file)
    assert done.returncode == 0
    assert "coloured background" in done.stdout


def test_check_with_an_unreadable_configuration_ends_with_two(run: Run, studio: Studio) -> None:
    """A misspelt key is told before anything else is looked at."""
    studio.rewrite("quiet_seconds", "quite_seconds")
    done = run("check", "--config", studio.file)
    assert done.returncode == 2
    assert "quiet_seconds?" in one_line(done.stderr)


def test_every_command_is_told_in_a_whole_sentence(run: Run) -> None:
    """The list of commands fits a terminal of 80 columns: no sentence in it is cut short."""
    listed = run("--help").stdout.partition("Commands:")[2]
    assert "  run " in listed and "..." not in listed
