"""studiod.toml and the presets: what they say, what they refuse, and how."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from studiod.errors import SettingsError
from studiod.settings import Settings, find_config, load_preset, load_settings

HOT = '[[hot_folder]]\nname = "main"\npath = "hot"\n'


def load(folder: Path, text: str) -> Settings:
    """The settings in a studiod.toml of this text."""
    file = folder / "studiod.toml"
    file.write_text(text, encoding="utf-8")
    return load_settings(file)


def test_the_shipped_file_says_what_the_defaults_are(tmp_path: Path) -> None:
    """Every key of the commented default file has the value that studiod takes without it."""
    shipped = load(tmp_path, (find_config() / "studiod.toml").read_text(encoding="utf-8"))
    assert shipped == load(tmp_path, HOT)


def test_the_shipped_file_names_every_key(tmp_path: Path) -> None:
    """No setting exists that the commented file does not show."""
    text = (find_config() / "studiod.toml").read_text(encoding="utf-8")
    settings = load(tmp_path, text)
    keys = {line.split(" = ")[0] for line in text.splitlines() if " = " in line and line[0] not in "#["}
    tables = [settings.hot_folders[0], *(getattr(settings, name) for name in type(settings).model_fields)]
    known = {name for table in tables for name in getattr(type(table), "model_fields", {})}
    assert keys == known | {"currency"}


def test_relative_paths_are_below_the_file(tmp_path: Path) -> None:
    """Where the daemon is started from changes nothing."""
    settings = load(tmp_path, HOT + '[delivery]\narchive = "/mnt/archive"\n')
    assert settings.root == tmp_path
    assert settings.hot_folders[0].path == tmp_path / "hot"
    assert settings.catalog.files == (tmp_path / "prices.csv",)
    assert settings.delivery.archive == Path("/mnt/archive")
    assert settings.database == tmp_path / "work" / "studiod.db"


def test_amounts_of_money_are_exact(tmp_path: Path) -> None:
    """A threshold never passes through a float."""
    settings = load(tmp_path, HOT + "[qa]\nthreshold = { USD = 999.90, JPY = 150000 }\n")
    assert settings.qa.threshold == {"USD": Decimal("999.90"), "JPY": Decimal(150000)}


def test_a_catalogue_may_have_a_currency_of_its_own(tmp_path: Path) -> None:
    """An export that names no currency is in the one configured for it, else in the studio's."""
    text = HOT + '[catalog]\nfiles = ["a.csv", "woo.csv"]\ncurrencies = { "woo.csv" = "EUR" }\n'
    settings = load(tmp_path, text)
    assert settings.currency_of(tmp_path / "woo.csv") == "EUR"
    assert settings.currency_of(tmp_path / "a.csv") == "USD"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["[[hot_folder]]", "missing"]),
        ("currency = ", ["not valid TOML"]),
        (HOT + "[intake]\nquiet_second = 3\n", ["[intake] quiet_second", "not a setting", "quiet_seconds?"]),
        (HOT + "[qa]\ntreshold = { USD = 1 }\n", ["[qa] treshold", "threshold?"]),
        (HOT + 'plates = ""\n', ["[[hot_folder]] 1 plates", "plate?"]),
        (HOT + '[intake]\nquiet_seconds = "3"\n', ["[intake] quiet_seconds", "a number, without quotes"]),
        (HOT + "[intake]\nquiet_seconds = true\n", ["[intake] quiet_seconds", "a number"]),
        (HOT + "[intake]\nquiet_seconds = inf\n", ["[intake] quiet_seconds", "finite"]),
        (HOT + "[intake]\nquiet_seconds = -1\n", ["[intake] quiet_seconds", "-1"]),
        (HOT + "[intake]\nquiet_seconds = 1e308\n", ["[intake] quiet_seconds", "1,000,000,000"]),
        (HOT + "pixels_per_mm = 1e9\n", ["[[hot_folder]] 1 pixels_per_mm", "10000"]),
        (HOT + "[daemon]\nmemory_gb = 1e308\n", ["[daemon] memory_gb", "1,000,000,000"]),
        (HOT + "[daemon]\nmemory_gb = 0.001\n", ["[daemon] memory_gb", "1"]),
        (HOT + "[daemon]\ntime_limit_seconds = 1e-9\n", ["[daemon] time_limit_seconds", "1"]),
        (HOT + '[notify]\ncommand = "a\\u0000b"\n', ["[notify] command", "command line"]),
        (HOT + 'presets = "white"\n', ["[[hot_folder]] 1 presets", "list in brackets"]),
        (HOT + "presets = []\n", ["[[hot_folder]] 1 presets", "needs one at least"]),
        (HOT + "[qa]\nthreshold = 1000\n", ["[qa] threshold", "needs braces, such as { USD = 1000 }"]),
        (HOT + "[qa]\ntwo_person_above = 5000\n", ["[qa] two_person_above", "{ USD = 5000 }"]),
        ("currency = 5\n" + HOT, ["currency", "text in quotes"]),
        (HOT + "[store]\ncopy_originals = 1\n", ["[store] copy_originals", "true or false"]),
        (HOT + "[qa]\nauto_approve_below = 2\n", ["[qa] auto_approve_below needs at most 1 (it says 2"]),
        (HOT + "[intake]\nmax_megapixels = 0\n", ["[intake] max_megapixels needs more than 0"]),
        (HOT + "[daemon]\nworkers = -1\n", ["[daemon] workers needs at least 0"]),
        (HOT + "[qa]\nthreshold = { usd = 1000 }\n", ["threshold usd", "currency"]),
        (HOT + '[catalog]\ncurrencies = { "prices.csv" = "eur" }\n', ["prices.csv needs a currency", "USD"]),
        (HOT + "[qa]\nthreshold = { USD = 0.001 }\n", ["threshold", "finer"]),
        (HOT + "[qa]\nthreshold = { USD = nan }\n", ["threshold USD", "amount"]),
        (HOT + '[daemon]\nhours = "19-7"\n', ["[daemon] hours", "19:00-07:00"]),
        (HOT + '[catalog]\nsku_pattern = "("\n', ["[catalog] sku_pattern", "regular expression"]),
        (HOT + '[catalog]\nsku_pattern = "A+"\n', ["[catalog] sku_pattern", "group"]),
        (
            HOT + '[catalog]\ncurrencies = { "x.csv" = "EUR" }\n',
            ["[catalog] currencies", "x.csv", "not one of its files"],
        ),
        (HOT + HOT, ["two hot folders", "main"]),
        (HOT.replace('"main"', '"../x"'), ["[[hot_folder]] 1 name", "letters"]),
        (HOT.replace("[[hot_folder]]", "[hot_folder]"), ["[[hot_folder]] is a heading in double brackets"]),
        (HOT + 'sku_pattern = "(\\d+)"\n', ["not valid TOML", "with a backslash in single ones"]),
        (HOT.replace('"hot"', '"."'), [": hot folder main", "lie in each other", "a folder of its own"]),
        (HOT.replace('"hot"', '"outbox/white"'), ["hot folder main", "lie in each other"]),
        (HOT + '[delivery]\narchive = "outbox"\n', ["[delivery] archive", "outbox", "lie in each other"]),
        (HOT + '[delivery]\narchive = "touchup/return"\n', ["[delivery] archive", "lie in each other"]),
        (HOT + '[delivery]\narchive = "work/originals"\n', ["[delivery] archive", "lie in each other"]),
        (HOT + 'watch = "event"\n', ["[[hot_folder]] 1 watch", "'events' or 'poll'"]),
        ("root = 3\n" + HOT, ["root is not a setting"]),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, text: str, words: list[str]) -> None:
    """An error names the file and the key as a person would look for it, and has a hint."""
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, text)
    said = str(caught.value)
    for word in [str(tmp_path / "studiod.toml"), *words]:
        assert word in said
    assert caught.value.hint
    assert "\n" not in said


def test_the_mark_of_a_windows_editor_is_no_mistake(tmp_path: Path) -> None:
    """A file that begins with the byte order mark of UTF-8 says what it says without it."""
    assert load(tmp_path, "\ufeff" + HOT) == load(tmp_path, HOT)


def test_a_missing_file_is_told_with_what_makes_one(tmp_path: Path) -> None:
    """Who has no studio yet is sent to `studiod init`."""
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path / "studiod.toml")
    assert "studiod init" in caught.value.hint


@pytest.mark.parametrize(
    ("hours", "moment", "may"),
    [
        ("", dt.time(12, 0), True),
        ("19:00-07:00", dt.time(18, 59), False),
        ("19:00-07:00", dt.time(19, 0), True),
        ("19:00-07:00", dt.time(3, 0), True),
        ("19:00-07:00", dt.time(7, 0), False),
        ("9:00-17:00", dt.time(8, 59), False),
        ("9:00-17:00", dt.time(16, 59), True),
        ("9:00-17:00", dt.time(17, 0), False),
    ],
)
def test_hours_may_span_midnight(tmp_path: Path, hours: str, moment: dt.time, may: bool) -> None:
    """The first minute belongs to the hours of work, the last does not."""
    assert load(tmp_path, f'{HOT}[daemon]\nhours = "{hours}"\n').daemon.may_work_at(moment) is may


def test_a_studio_may_have_presets_of_its_own(tmp_path: Path) -> None:
    """A preset in the studio's own folder wins over a shipped one of the same name."""
    (tmp_path / "presets").mkdir()
    (tmp_path / "presets" / "white.toml").write_text('background = "#F0E0D0"\nwidth = 800\nheight = 600\n')
    preset = load_preset("white", tmp_path)
    assert (preset.name, preset.rgb, preset.width, preset.height) == ("white", (240, 224, 208), 800, 600)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('backgrund = "white"\n', "background?"),
        ('background = "blue"\n', "a colour"),
        ("width = 100\n", "both"),
        ("width = 100\nheight = 100\npadding = 50\n", "no room"),
        ("fill = 1.5\n", "fill"),
        ('format = "gif"\n', "format"),
        ('format = "webp"\nwidth = 17000\nheight = 900\n', "16383"),
    ],
)
def test_a_preset_that_cannot_be_made_is_refused(tmp_path: Path, text: str, word: str) -> None:
    """A preset's error names its own file."""
    (tmp_path / "presets").mkdir()
    file = tmp_path / "presets" / "own.toml"
    file.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_preset("own", tmp_path)
    assert str(file) in caught.value.message
    assert word in str(caught.value)
    assert "studiod init" not in caught.value.hint  # which writes no preset


def test_an_unknown_preset_is_told_with_those_that_are_known(tmp_path: Path) -> None:
    """The error lists what could have been meant."""
    (tmp_path / "presets").mkdir()
    (tmp_path / "presets" / "mine.toml").write_text("")
    with pytest.raises(SettingsError) as caught:
        load_preset("whte", tmp_path)
    assert "mine" in caught.value.hint
