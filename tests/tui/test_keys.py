"""The keymaps: every binding by id, nothing ambiguous, mistakes told with file and id."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from studiod.errors import SettingsError
from studiod.risk.findings import REASONS
from studiod.settings import find_config
from tui import words
from tui.dialogs import NUMBERS
from tui.keys import ACTIONS, load_keymap


def test_the_default_keymap_names_every_binding(tmp_path: Path) -> None:
    """config/keymaps/default.toml holds every binding with the very key that it has in the code."""
    named = tomllib.loads((find_config() / "keymaps" / "default.toml").read_text("utf-8"))
    assert named == {action.id: action.keys for actions in ACTIONS.values() for action in actions}
    assert load_keymap("default", tmp_path) == named


def test_lightroom_keeps_lightrooms_habits(tmp_path: Path) -> None:
    """In Lightroom's keymap P approves, X rejects, U undoes, and arrows go through the pictures."""
    keymap = load_keymap("lightroom", tmp_path)
    assert keymap["review.approve"] == keymap["queue.approve"] == "p"
    assert keymap["review.reject"] == keymap["queue.reject"] == "x"
    assert "u" in keymap["undo"]
    assert (keymap["review.skip"], keymap["review.back"]) == ("right", "left")


def test_an_id_needs_no_quotes(tmp_path: Path) -> None:
    """review.approve = "z" is what it looks like, and a wrong id is named whole."""
    (tmp_path / "keymaps").mkdir()
    mine = tmp_path / "keymaps" / "mine.toml"
    mine.write_text('review.approve = "z"\n"undo" = "ctrl+y"\n')
    assert load_keymap("mine", tmp_path) == {"review.approve": "z", "undo": "ctrl+y"}
    mine.write_text('review.aprove = "z"\n')
    with pytest.raises(SettingsError, match=r"review\.aprove is not a binding"):
        load_keymap("mine", tmp_path)


def test_a_studios_own_keymap_wins(tmp_path: Path) -> None:
    """keymaps/NAME.toml beside studiod.toml is taken before the shipped one of that name."""
    (tmp_path / "keymaps").mkdir()
    (tmp_path / "keymaps" / "default.toml").write_text('"review.approve" = "z"\n')
    assert load_keymap("default", tmp_path) == {"review.approve": "z"}


@pytest.mark.parametrize("key", ["P", "é", "ctrl+f6", "shift+f6", "ctrl+at", "latin_small_letter_ae"])
def test_whatever_a_terminal_sends_may_be_a_key(tmp_path: Path, key: str) -> None:
    """Characters, named keys and modifiers are keys as they are."""
    (tmp_path / "keymaps").mkdir()
    (tmp_path / "keymaps" / "mine.toml").write_text(f'"review.approve" = "{key}"\n', encoding="utf-8")
    assert load_keymap("mine", tmp_path) == {"review.approve": key}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('"review.aprove" = "z"', "review.aprove is not a binding"),
        ('"review.approve" = 3', "needs a key"),
        ('"review.approve" = "s"', "would mean both"),
        ('"review.approve" = "Ctrl+P"', "a key that does not exist: Ctrl"),
        ('"review.approve" = "z,spce"', "a key that does not exist: spce"),
        ('"review.approve" = "ctrl+"', "a key that does not exist: ctrl"),
        ('"review.approve" = "SPACE"', "a key that does not exist: SPACE"),
        ("review.approve: z", "cannot be read"),
    ],
)
def test_a_wrong_keymap_is_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    """An unknown id, a key that is no text, means two things or does not exist, and no TOML are refused."""
    (tmp_path / "keymaps").mkdir()
    (tmp_path / "keymaps" / "mine.toml").write_text(text)
    with pytest.raises(SettingsError, match=said):
        load_keymap("mine", tmp_path)


def test_an_unknown_keymap_names_those_there_are(tmp_path: Path) -> None:
    """A keymap that does not exist is refused with the names of those that do."""
    with pytest.raises(SettingsError) as raised:
        load_keymap("emacs", tmp_path)
    assert "default, lightroom" in raised.value.hint


def test_the_dialog_offers_every_reason_of_the_risk_score() -> None:
    """The reasons of the flag dialog are the risk scorer's own words, in its order, each with a key."""
    assert words.REASONS == REASONS
    assert len(set(NUMBERS)) == len(REASONS) and "f" not in NUMBERS
