"""The queue screen, driven by its keys on a real ledger."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from textual.widgets import Input

from studiod.ledger import review
from studiod.ledger.prices import set_thresholds
from studiod.ledger.reading import decisions
from studiod.ledger.records import Activity
from studiod.ledger.states import Status
from tests.looking import look_closely
from tui.dialogs import FlagDialog, Help, Sure
from tui.pictures import View
from tui.queue_table import QueueTable

if TYPE_CHECKING:
    from tests.tui.conftest import Studio

WIDE = (120, 40)


async def test_the_dearest_mistake_comes_first(studio: Studio) -> None:
    """What waits is ordered by risk times price, and a missing price counts as the dearest."""
    cheap = studio.add("CHEAP", price=2000, risk=0.9)
    dear = studio.add("DEAR", price=900000, risk=0.3)
    unpriced = studio.add("UNPRICED", price=None, risk=0.2)
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await studio.chosen(pilot, unpriced)
        assert list(screen.table.ids) == [unpriced, dear, cheap]


async def test_a_row_says_all_that_decides(studio: Studio) -> None:
    """A row holds the mandatory mark, SKU, price, risk as a number, and the reasons in words."""
    dear = studio.add("DEAR-1", price=123456, risk=0.42, findings=(studio.gap,), title="Eternity band")
    async with studio.app().run_test(size=(200, 40)) as pilot:
        await studio.chosen(pilot, dear)
        await studio.sees(pilot, "! ", "DEAR-1", "Eternity band", "1,234.56 USD", "0.42", "chain gap", "main")


async def test_exactly_the_threshold_is_not_marked(studio: Studio) -> None:
    """$1,000.00 is not over the threshold and carries no mandatory mark; a cent more does."""
    over = studio.add("OVER", price=100001, risk=0.5)
    studio.add("EXACT", price=100000, risk=0.5)
    async with studio.app().run_test(size=WIDE) as pilot:
        await studio.chosen(pilot, over)
        await studio.sees(pilot, "EXACT", "1,000.00")
        rows = {line.split()[1]: line for line in studio.text(pilot).splitlines() if line.startswith("! ")}
        assert set(rows) == {"OVER"}


async def test_what_one_of_two_people_approved_is_marked(studio: Studio) -> None:
    """A piece that one person has approved and a second must stands out from those that nobody has."""
    set_thresholds(studio.ledger, {"USD": 100000}, {"USD": 200000})
    once = studio.add("ONCE", price=900000, risk=0.9)
    studio.add("NEVER", price=900000)
    look_closely(studio.ledger, once, studio.anna)
    assert review.approve(studio.ledger, once, 1, studio.anna) is Status.APPROVED_ONCE
    async with studio.app().run_test(size=(80, 24)) as pilot:
        await studio.chosen(pilot, once)
        assert (await studio.sees(pilot, "ONCE", "9,000.00")).startswith("½ ")
        assert (await studio.sees(pilot, "NEVER", "9,000.00")).startswith("! ")


async def test_approve_decides_the_chosen_piece_and_the_next_moves_up(studio: Studio) -> None:
    """`a` approves the piece under the cursor, which leaves the list."""
    first = studio.add("FIRST", risk=0.9)
    second = studio.add("SECOND", risk=0.1)
    async with studio.app().run_test(size=WIDE) as pilot:
        await studio.chosen(pilot, first)
        await pilot.press("a")
        screen = await studio.chosen(pilot, second)
        assert studio.item(first).status is Status.APPROVED
        assert list(screen.table.ids) == [second]
        await studio.sees(pilot, "Approved FIRST")


async def test_what_was_not_looked_at_is_not_approved_here(studio: Studio) -> None:
    """`a` on a piece that a person must see says which keys lead to what is missing, in one line."""
    item = studio.add("DEAR", price=200_000, findings=(studio.gap,))
    async with studio.app().run_test(size=(80, 24)) as pilot:
        await studio.chosen(pilot, item)
        await pilot.press("a")
        await studio.sees(pilot, "Not all of it was looked at. enter opens it, n goes there.")
        assert studio.item(item).status is Status.AWAITING_REVIEW


@pytest.mark.parametrize("key", ["down", "6", "slash"])
async def test_a_refusal_is_not_said_of_another_piece(studio: Studio, key: str) -> None:
    """What was refused at one piece is not said beside the next, in another list, or in a search."""
    first = studio.add("FIRST", price=200_000, risk=0.9, findings=(studio.gap,))
    studio.add("SECOND", price=200_000, risk=0.1, findings=(studio.gap,))
    async with studio.app().run_test(size=(80, 24)) as pilot:
        await studio.chosen(pilot, first)
        await pilot.press("a")
        await studio.sees(pilot, "Not all of it was looked at.")
        await pilot.press(key)
        await studio.until(pilot, lambda: "Not all of it" not in studio.text(pilot))


async def test_reject_means_shoot_again(studio: Studio) -> None:
    """`r` rejects the piece under the cursor."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        await studio.chosen(pilot, item)
        await pilot.press("r")
        await studio.until(pilot, lambda: studio.item(item).status is Status.REJECTED)


async def test_flag_asks_for_reasons_by_number_and_a_note(studio: Studio) -> None:
    """`f` opens a dialog: digits tick reasons, Tab leads to the note, Enter flags with both."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        await studio.chosen(pilot, item)
        await pilot.press("f")
        await studio.until(pilot, lambda: isinstance(pilot.app.screen, FlagDialog))
        await pilot.press("1", "9", "2", "2", "tab", *"left 1", "enter")
        await studio.until(pilot, lambda: studio.item(item).status is Status.FLAGGED)
        (decision,) = decisions(studio.ledger, item)
        assert decision.reasons == ("chain_gap", "halo")
        assert decision.note == "left 1"
        assert decision.person == studio.maria


async def test_escape_leaves_an_unflagged_piece(studio: Studio) -> None:
    """Escape in the flag dialog changes nothing."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        await studio.chosen(pilot, item)
        await pilot.press("f")
        await studio.until(pilot, lambda: isinstance(pilot.app.screen, FlagDialog))
        await pilot.press("1", "escape")
        await studio.chosen(pilot, item)
        assert studio.item(item).status is Status.AWAITING_REVIEW


async def test_undo_takes_the_last_decision_back(studio: Studio) -> None:
    """`u` undoes one's own last decision, and the cursor goes to what waits again."""
    first = studio.add("FIRST", risk=0.9)
    second = studio.add("SECOND", risk=0.1)
    async with studio.app().run_test(size=WIDE) as pilot:
        await studio.chosen(pilot, first)
        await pilot.press("a")
        await studio.chosen(pilot, second)
        await pilot.press("u")
        await studio.chosen(pilot, first)
        assert studio.item(first).status is Status.AWAITING_REVIEW


async def test_undo_without_a_decision_says_so(studio: Studio) -> None:
    """Where nothing of one's own can be undone, that is said, and nothing changes."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        await studio.chosen(pilot, item)
        await pilot.press("u")
        await studio.until(pilot, lambda: "nothing of yours to undo" in studio.text(pilot))


async def test_a_picture_that_changed_meanwhile_is_not_approved(studio: Studio) -> None:
    """What is approved is the version on the screen: once it was made anew, approving is refused."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await studio.chosen(pilot, item)
        piece = screen.piece
        review.flag(studio.ledger, item, 1, studio.anna)
        screen.decide_approve(piece.item)
        await studio.until(pilot, lambda: "does not wait" in studio.text(pilot))
        assert studio.item(item).status is Status.FLAGGED


async def test_every_list_has_its_key(studio: Studio) -> None:
    """The digits show what waits, mandatory, flagged, returned, failed, quarantined, delivered, all."""
    waits = studio.add("WAITS", risk=0.9)
    must = studio.add("MUST", price=None, risk=0.5)
    flagged = studio.add("FLAGGED")
    review.flag(studio.ledger, flagged, 1, studio.anna)
    failed = studio.receive("FAILED")
    studio.fail(failed, "the disk burnt")
    lists = {
        "1": {waits, must}, "2": {must}, "3": {flagged}, "4": set(), "5": {failed}, "6": set(), "7": set(),
        "8": {waits, must, flagged, failed},
    }  # fmt: skip
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await studio.chosen(pilot, must)
        for key in ("5", "2", "3", "4", "6", "7", "8", "1"):
            await pilot.press(key)
            await studio.until(
                pilot, lambda wanted=lists[key]: set(screen.table.ids) == wanted, f"list {key}"
            )
        await pilot.press("5")
        await studio.until(pilot, lambda: "the disk burnt" in studio.text(pilot))


async def test_search_narrows_by_sku_or_title_and_escape_ends_it(studio: Studio) -> None:
    """`/` asks for a part of a SKU or title; Escape shows everything again."""
    ring = studio.add("RING-1", title="Solitaire")
    chain = studio.add("CHAIN-7", title="Venetian")
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await studio.chosen(pilot, ring)
        await pilot.press("slash", *"venet", "enter")
        await studio.chosen(pilot, chain)
        assert list(screen.table.ids) == [chain]
        await studio.sees(pilot, "search: venet, 1 found")
        await pilot.press("escape")
        await studio.until(pilot, lambda: len(screen.table.ids) == 2)


async def test_keys_typed_into_the_search_decide_nothing(studio: Studio) -> None:
    """Letters that are decisions elsewhere are only letters while one searches; the foot says so."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await studio.chosen(pilot, item)
        await pilot.press("slash", "a", "r", "u")
        foot = await studio.sees(pilot, "enter search", "esc end the search")
        assert "quit" not in foot
        assert screen.query_one(Input).value == "aru"
        assert studio.item(item).status is Status.AWAITING_REVIEW


async def test_a_search_typed_fast_decides_nothing(studio: Studio) -> None:
    """Letters that come right behind `/`, before the search had opened, are searched for in their order."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await studio.chosen(pilot, item)
        studio.type_ahead(pilot, "slash", *"aruf2")
        await studio.until(pilot, lambda: screen.query_one(Input).value == "aruf2")
        assert studio.item(item).status is Status.AWAITING_REVIEW


async def test_a_flag_typed_fast_has_its_reason(studio: Studio) -> None:
    """`f`, a number and Enter in one go flag for that number's reason."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        await studio.chosen(pilot, item)
        studio.type_ahead(pilot, "f", "9", "enter")
        await studio.until(pilot, lambda: studio.item(item).status is Status.FLAGGED)
        (decision,) = decisions(studio.ledger, item)
        assert decision.reasons == ("halo",)


async def test_new_rows_never_move_the_cursor_off_its_piece(studio: Studio) -> None:
    """A dearer piece that appears above leaves the cursor on the piece that it was on."""
    item = studio.add("ONE", risk=0.2)
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await studio.chosen(pilot, item)
        dearer = studio.add("DEARER", price=None, risk=0.9)
        await studio.until(pilot, lambda: list(screen.table.ids) == [dearer, item])
        assert screen.table.chosen_id == item


async def test_twenty_thousand_rows_are_not_all_held(studio: Studio) -> None:
    """Only rows near the screen are fetched, and the last of many is reached with one key."""
    with sqlite3.connect(studio.settings.database) as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(items)")]
        pattern = studio.add("PATTERN")
        others = ", ".join(name for name in columns if name not in ("id", "path"))
        database.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
            f"INSERT INTO items (id, path, {others}) "
            f"SELECT {pattern} + i, CAST('f' || i AS BLOB), {others} FROM n, items WHERE id = {pattern}"
        )
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await studio.chosen(pilot, pattern)
        assert len(screen.table.ids) == 20001
        await pilot.press("end")
        await studio.until(pilot, lambda: screen.table.chosen is not None and screen.table.cursor == 20000)
        assert len(screen.table._rows) < 1100


async def test_the_preview_shows_before_and_after(studio: Studio) -> None:
    """Space shows the original under the composite, and again the composite."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await studio.chosen(pilot, item)
        await studio.sees(pilot, "▀")
        await pilot.press("space")
        assert screen.side.picture.view is View.ORIGINAL
        await pilot.press("space")
        assert screen.side.picture.view is View.COMPOSITE


async def test_a_preview_that_is_gone_is_said(studio: Studio) -> None:
    """Without preview files there is a sentence in place of a picture, and decisions still work."""
    item = studio.add("ONE", pictures=False)
    async with studio.app().run_test(size=WIDE) as pilot:
        await studio.chosen(pilot, item)
        await studio.until(pilot, lambda: "no preview" in studio.text(pilot))
        await pilot.press("a")
        await studio.until(pilot, lambda: studio.item(item).status is Status.APPROVED)


@pytest.mark.parametrize(
    ("activity", "message", "said", "left"),
    [
        (Activity.RUNNING, "", "daemon running", "600/h, 1 to make: 1 min"),
        (Activity.PAUSED, "4 GB free on /outbox", "paused: 4 GB free", "600/h, 1 to make: 1 min"),
        (Activity.STOPPED, "", "daemon stopped just now", "just now  1 to make"),
    ],
)
async def test_the_head_tells_how_the_daemon_is(
    studio: Studio, activity: Activity, message: str, said: str, left: str
) -> None:
    """The head says what the daemon does, and, where one runs, how fast and for how long it has work."""
    studio.receive("UNMADE")
    studio.beat(activity, message)
    async with studio.app().run_test(size=WIDE) as pilot:
        await studio.until(pilot, lambda: said in studio.text(pilot))
        head = await studio.sees(pilot, left)
        assert "/h" not in head or activity is not Activity.STOPPED


async def test_a_silent_daemon_is_told_from_a_running_one(studio: Studio) -> None:
    """A heartbeat that stopped is said with the time since; nobody can say when its work will be done."""
    studio.receive("UNMADE")
    studio.ledger.clock = lambda: time.time() - 7200
    studio.beat()
    async with studio.app().run_test(size=WIDE) as pilot:
        head = await studio.sees(pilot, "silent for 2 h 00", "1 to make")
        assert "/h" not in head


async def test_a_locked_database_is_waited_for(studio: Studio) -> None:
    """A decision made while somebody else holds the database says so, and is carried out afterwards."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        await studio.chosen(pilot, item)
        with studio.held():
            studio.type_ahead(pilot, "a")
            await studio.until(pilot, lambda: "is busy" in studio.words(pilot))
        await studio.until(pilot, lambda: studio.item(item).status is Status.APPROVED)


async def test_a_database_that_fails_leaves_the_screen_alive(studio: Studio) -> None:
    """When the ledger cannot be read any more that is said, and when it comes back work goes on."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await studio.chosen(pilot, item)
        database = studio.settings.database
        other = sqlite3.connect(database, isolation_level=None)
        other.execute("ALTER TABLE daemon RENAME TO away")
        await studio.until(pilot, lambda: "What is shown may be old" in studio.words(pilot))
        other.execute("ALTER TABLE away RENAME TO daemon")
        other.close()
        await studio.until(pilot, lambda: "What is shown may be old" not in studio.words(pilot))
        assert screen.table.chosen_id == item


async def test_batch_approves_only_the_cheap_and_low(studio: Studio) -> None:
    """`B` approves, after asking, what is not mandatory and has a low risk; nothing else."""
    low = studio.add("LOW", risk=0.01)
    risky = studio.add("RISKY", risk=0.5)
    dear = studio.add("DEAR", price=500000, risk=0.01)
    async with studio.app().run_test(size=WIDE) as pilot:
        await studio.chosen(pilot, dear)
        await pilot.press("B")
        await studio.until(pilot, lambda: isinstance(pilot.app.screen, Sure))
        await pilot.press("y")
        await studio.until(pilot, lambda: studio.item(low).status is Status.APPROVED)
        assert studio.item(risky).status is Status.AWAITING_REVIEW
        assert studio.item(dear).status is Status.AWAITING_REVIEW


async def test_batch_leaves_what_a_colleague_has_open(studio: Studio) -> None:
    """`B` decides nothing that somebody else looks at, neither when it asks nor by the time of the yes."""
    free, open_before, opened_since = (studio.add(sku, risk=0.01) for sku in ("FREE", "BEFORE", "SINCE"))
    review.open_for_review(studio.ledger, open_before, studio.anna)
    async with studio.app().run_test(size=WIDE) as pilot:
        await studio.chosen(pilot, free)
        await pilot.press("B")
        await studio.sees(pilot, "Approve 2 pieces")
        review.open_for_review(studio.ledger, opened_since, studio.anna)
        await pilot.press("y")
        await studio.sees(pilot, "Approved 1; 1 had changed or been opened and were left.")
        statuses = [studio.item(item).status for item in (free, open_before, opened_since)]
        assert statuses == [Status.APPROVED, Status.AWAITING_REVIEW, Status.AWAITING_REVIEW]


async def test_batch_asks_once(studio: Studio) -> None:
    """`B` pressed twice, before the question stands there, asks and approves once."""
    item = studio.add("ONE", risk=0.01)
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await studio.chosen(pilot, item)
        with studio.slow(pilot):
            await pilot.press("B", "B")
        await studio.until(pilot, lambda: isinstance(pilot.app.screen, Sure))
        await pilot.press("y")
        await studio.sees(pilot, "Approved 1.")
        assert pilot.app.screen is screen


async def test_a_row_that_is_clicked_thrice_opens_once(studio: Studio) -> None:
    """What asks again for a piece that is being opened opens no second one over it."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await studio.chosen(pilot, item)
        for _ in range(2):
            screen.table.post_message(QueueTable.Opened())
        await studio.reviewed(pilot, item)
        await pilot.press("q")
        await studio.until(pilot, lambda: pilot.app.screen is screen)


async def test_decisions_are_taken_in_their_order(studio: Studio) -> None:
    """`u` right behind a decision that waits for a locked ledger takes back that one, once it is taken."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        await studio.chosen(pilot, item)
        with studio.held():
            studio.type_ahead(pilot, "a", "u")
            await studio.until(pilot, lambda: "Trying again" in studio.words(pilot))
        await studio.sees(pilot, "Undone: ONE")
        assert studio.item(item).status is Status.AWAITING_REVIEW


async def test_a_decision_is_not_lost_by_quitting(studio: Studio) -> None:
    """`q` right behind `a` quits once the decision is written."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        await studio.chosen(pilot, item)
        with studio.slow(pilot):
            studio.type_ahead(pilot, "a", "q")
            await pilot.pause()
        async with asyncio.timeout(30):
            while pilot.app.return_value is None:
                await asyncio.sleep(0.02)
    assert studio.item(item).status is Status.APPROVED


@pytest.mark.parametrize("key", ["q", "ctrl+q", "ctrl+c"])
async def test_what_was_refused_is_read_before_one_quits(studio: Studio, key: str) -> None:
    """Who quits while a decision waits for a locked ledger stays to read that it is refused."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=WIDE) as pilot:
        await studio.chosen(pilot, item)
        with studio.held():
            await pilot.press("a")
            await studio.sees(pilot, "Trying again")
            await pilot.press(key)
            await studio.sees(pilot, "Try again in a moment")
        assert pilot.app.return_value is None and studio.item(item).status is Status.AWAITING_REVIEW
        await pilot.press("a", key)
        async with asyncio.timeout(30):
            while pilot.app.return_value is None:
                await asyncio.sleep(0.02)


async def test_quitting_cuts_no_batch_off(studio: Studio) -> None:
    """`q` while `B` approves quits once all of them are approved."""
    items = [studio.add(f"LOW-{number}", risk=0.01, pictures=False) for number in range(20)]
    async with studio.app().run_test(size=WIDE) as pilot:
        await studio.sees(pilot, "LOW-19")
        await pilot.press("B")
        await studio.until(pilot, lambda: isinstance(pilot.app.screen, Sure))
        with studio.slow(pilot):
            studio.type_ahead(pilot, "y")
            await studio.until(pilot, lambda: not isinstance(pilot.app.screen, Sure))
            await pilot.press("q")
        async with asyncio.timeout(30):
            while pilot.app.return_value is None:
                await asyncio.sleep(0.02)
    assert {studio.item(item).status for item in items} == {Status.APPROVED}


async def test_a_piece_that_could_not_be_read_comes_once_it_can(studio: Studio) -> None:
    """A piece that the ledger did not give up for a while is shown, and can be decided, after that."""
    first, second = studio.add("FIRST", risk=0.9), studio.add("SECOND", risk=0.1)
    async with studio.app().run_test(size=WIDE) as pilot:
        screen = await studio.chosen(pilot, first)
        with closing(sqlite3.connect(studio.settings.database, isolation_level=None)) as other:
            other.execute("ALTER TABLE versions RENAME TO away")
            await pilot.press("down")
            await studio.until(pilot, lambda: screen.piece is None)
            other.execute("ALTER TABLE away RENAME TO versions")
        await studio.chosen(pilot, second)


async def test_a_damaged_preview_stands_in_no_decisions_way(studio: Studio) -> None:
    """A damaged preview is said where it would be; in the queue and at the piece one can decide."""
    first, second = studio.add("FIRST", risk=0.9), studio.add("SECOND", risk=0.1)
    for item, layer in ((first, "composite"), (second, "cutout")):
        folder = studio.settings.work / "items" / str(item) / "v1"
        (folder / f"preview-{layer}.png").write_bytes(b"no picture")
    async with studio.app().run_test(size=WIDE) as pilot:
        await studio.chosen(pilot, first)
        await studio.sees(pilot, "cannot be read")
        await pilot.press("r")
        await studio.until(pilot, lambda: studio.item(first).status is Status.REJECTED)
        await studio.chosen(pilot, second)
        await pilot.press("enter")
        await studio.reviewed(pilot, second)
        await pilot.press("r")
        await studio.until(pilot, lambda: studio.item(second).status is Status.REJECTED)


async def test_the_lists_are_called_by_their_names_where_there_is_room(studio: Studio) -> None:
    """In a window that was made wider the lists have their whole names at once."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=(80, 24)) as pilot:
        await studio.chosen(pilot, item)
        await studio.sees(pilot, "1 wait 1", "6 quar ")
        with studio.slow(pilot):
            await pilot.resize_terminal(*WIDE)
            await studio.sees(pilot, "1 waiting 1", "6 quarantine ")


async def test_who_has_it_open_is_shown(studio: Studio) -> None:
    """A piece that a colleague has open carries their login."""
    item = studio.add("ONE")
    review.open_for_review(studio.ledger, item, studio.anna)
    async with studio.app().run_test(size=WIDE) as pilot:
        await studio.chosen(pilot, item)
        await studio.until(pilot, lambda: "open by anna" in studio.text(pilot))


async def test_a_colleagues_piece_is_decided_only_knowingly(studio: Studio) -> None:
    """Deciding what a colleague has open asks first; no leaves it to them."""
    item = studio.add("ONE")
    review.open_for_review(studio.ledger, item, studio.anna)
    async with studio.app().run_test(size=WIDE) as pilot:
        await studio.chosen(pilot, item)
        for answer, status in (("n", Status.AWAITING_REVIEW), ("y", Status.APPROVED)):
            await pilot.press("a")
            await studio.until(pilot, lambda: isinstance(pilot.app.screen, Sure))
            await pilot.press(answer)
            await studio.until(pilot, lambda: not isinstance(pilot.app.screen, Sure))
            await studio.until(pilot, lambda wanted=status: studio.item(item).status is wanted)


async def test_help_names_every_key(studio: Studio) -> None:
    """`?` shows the keys as the keymap left them; Escape closes it."""
    studio.add("ONE")
    async with studio.app(keymap="lightroom").run_test(size=(80, 100)) as pilot:
        await pilot.press("question_mark")
        await studio.until(pilot, lambda: isinstance(pilot.app.screen, Help))
        line = await studio.sees(pilot, "review.approve ")
        assert line.split()[1:3] == ["p", "approve"]
        await pilot.press("escape")
        await studio.until(pilot, lambda: not isinstance(pilot.app.screen, Help))


async def test_help_begins_where_one_is(studio: Studio) -> None:
    """At a piece the help shows the keys of a piece first, in a window of 24 lines too."""
    item = studio.add("ONE")
    async with studio.app().run_test(size=(80, 24)) as pilot:
        await studio.chosen(pilot, item)
        await pilot.press("enter")
        await studio.reviewed(pilot, item)
        await pilot.press("question_mark")
        await studio.sees(pilot, "At a piece")
        await studio.sees(pilot, "review.finding ")


HOSTILE = "\x1b[31mred\x07\u202egpj.\n[bold]" + "x" * 200 + "\udcff.jpg"


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_a_name_never_reaches_the_terminal_raw(studio: Studio, size: tuple[int, int]) -> None:
    """Escape sequences, direction marks and markup in names and titles are shown, never obeyed."""
    item = studio.add(None, path=HOSTILE, title="[red]\x1b]0;title\x07")
    async with studio.app().run_test(size=size) as pilot:
        await studio.chosen(pilot, item)
        for _ in range(2):
            await studio.sees(pilot, "\\x1b")
            text = studio.text(pilot)
            assert all(character.isprintable() or character == "\n" for character in text)
            await pilot.press("enter")
            await studio.reviewed(pilot, item)


async def test_what_a_sentence_quotes_is_escaped_once(studio: Studio) -> None:
    """A name that stands escaped in a reason, or in what the daemon says, is shown as it is written there."""
    item = studio.receive("ONE")
    studio.fail(item, "odd\\xff.jpg is damaged.")
    studio.beat(Activity.PAUSED, "hot\\xff is paused")
    async with studio.app().run_test(size=WIDE) as pilot:
        await pilot.press("5")
        await studio.chosen(pilot, item)
        await studio.sees(pilot, " odd\\xff.jpg is damaged.")
        await studio.sees(pilot, " hot\\xff is paused")


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60), (40, 12), (20, 5)])
async def test_nothing_overflows_any_window(studio: Studio, size: tuple[int, int]) -> None:
    """At every size each line fills its window, and the foot with the keys stays on it."""
    item = studio.add("ONE", price=123456789, risk=0.99, findings=(studio.gap, studio.halo))
    async with studio.app().run_test(size=(120, 40)) as pilot:
        await studio.chosen(pilot, item)
        await pilot.resize_terminal(*size)
        await studio.fills(pilot, size)
        await studio.until(pilot, lambda: "? help" in studio.text(pilot).splitlines()[-1])
