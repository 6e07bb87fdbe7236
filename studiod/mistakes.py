"""How a mistake in what a studio set is told: the file, the key, and what would be right."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import get_args

from pydantic import BaseModel, ValidationError

from studiod.errors import SettingsError
from studiod.names import inert, printable

_OF_CURRENCIES = {"currency", "currencies", "threshold", "two_person_above"}

_BRACES: Mapping[str, str] = {
    "[qa] threshold": "{ USD = 1000 }",
    "[qa] two_person_above": "{ USD = 5000 }",
    "[catalog] currencies": '{ "woo.csv" = "EUR" }',
}


def tell_mistake(mistakes: ValidationError, kind: type[BaseModel], path: Path, beside: str) -> SettingsError:
    """The first of the `mistakes` in the table of this `kind` that `path` holds, as a person is told of it.

    A key that is not known goes before all others. `beside` is the hint where it says what a key takes.
    """
    errors = mistakes.errors(include_url=False)
    error = next((one for one in errors if one["type"] == "extra_forbidden"), errors[0])
    tables = _tables(kind)
    key = _key(error["loc"], tables)
    where = f"{printable(path)}: {key}".rstrip()
    match error["type"]:
        case "extra_forbidden":
            hint = _similar(kind, error["loc"], tables)
            return SettingsError(f"{where} is not a setting.", hint)
        case "missing":
            return SettingsError(f"{where} is missing.", "Compare with the file that `studiod init` writes.")
        case "value_error":
            sentence = error["msg"].removeprefix("Value error, ")
        case "string_pattern_mismatch" if _OF_CURRENCIES & set(error["loc"]):
            sentence = "needs a currency by its three capital letters, such as USD"
        case "string_pattern_mismatch":
            sentence = "needs a name of letters, digits, - and _"
        case "tuple_type" if key == "[[hot_folder]]":
            sentence = "is a heading in double brackets, before each hot folder's block"
        case "tuple_type":
            sentence = "needs a list in brackets"
        case "too_short":
            sentence = "needs one at least"
        case "dict_type":
            sentence = f"needs braces, such as {_BRACES.get(key, '{ }')}"
        case "literal_error":
            sentence = f"needs {error['ctx']['expected']}"
        case "string_type":
            sentence = "needs a text in quotes"
        case "greater_than":
            sentence = f"needs more than {error['ctx']['gt']:g}"
        case "greater_than_equal":
            sentence = f"needs at least {error['ctx']['ge']:g}"
        case "less_than_equal":
            sentence = f"needs at most {error['ctx']['le']:g}"
        case _:
            sentence = f"is wrong: {error['msg'][0].lower()}{error['msg'][1:]}"
    value = error["input"]
    said = str(value) if isinstance(value, Decimal) else repr(value)
    given = "" if isinstance(value, dict | BaseModel) else f" (it says {inert(said[:80])})"
    of_folders = tables and not key  # what is wrong of a whole studio are its hot folders
    hint = "Give each a name and a folder of its own." if of_folders else beside
    return SettingsError(f"{where} {sentence}{given}.", hint)


def _key(location: tuple[int | str, ...], tables: Mapping[str, type[BaseModel]]) -> str:
    """A key as a person would look for it: `[intake] quiet_seconds`, `[[hot_folder]] 2 path`."""
    parts = [str(part + 1) if isinstance(part, int) else printable(part) for part in location]
    parts = [part for part in parts if part != "[key]"]
    if len(parts) == 1 and parts[0] in tables:
        return f"[[{parts[0]}]]" if parts[0] == "hot_folder" else f"[{parts[0]}]"
    if len(parts) <= 1:
        return "".join(parts)
    head = f"[[{parts[0]}]]" if parts[0] == "hot_folder" else f"[{parts[0]}]"
    return " ".join([head, *parts[1:]])


def _similar(
    kind: type[BaseModel], location: tuple[int | str, ...], tables: Mapping[str, type[BaseModel]]
) -> str:
    """A hint: the key that was probably meant, or all the keys that this table knows."""
    table: type[BaseModel] | None = kind
    for part in location[:-1]:
        if isinstance(part, int):
            continue
        table = tables.get(str(part), table)
    assert table is not None
    known = [field.alias or name for name, field in table.model_fields.items() if name != "root"]
    close = difflib.get_close_matches(str(location[-1]), known, n=1)
    return f"Did you mean {close[0]}?" if close else f"Known here: {', '.join(known)}."


def _tables(kind: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """The tables of a `kind` of file, by the word in their headings."""
    return {
        field.alias or name: one
        for name, field in kind.model_fields.items()
        for one in (field.annotation, *get_args(field.annotation))
        if isinstance(one, type) and issubclass(one, BaseModel)
    }
