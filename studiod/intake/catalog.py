"""Prices from CSV files, exact, and which SKU a file's name means.

Whatever is unknown, ambiguous or malformed has no price, which means that a person must look.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path, PurePath
from types import MappingProxyType

from studiod import money
from studiod.errors import SettingsError
from studiod.intake.settle import SettleTracker, Signature
from studiod.names import printable

_SKU = ("sku", "variant sku")
_PRICE = ("price", "variant price", "regular price")
_COMPARE_AT = ("compare-at price", "compare at price", "variant compare at price")
_TITLE = ("title", "name")
_CURRENCY = ("currency",)
_HANDLE = ("handle", "url handle")
_OPTIONS = ("option1 value", "option2 value", "option3 value")

_AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]+)?", re.ASCII)
_PARTED = re.compile(r"[1-9][0-9]{0,2},['’]?[0-9]{3}([.,][0-9-]+)?\s*([A-Z]{3}|[$€£])?", re.ASCII)

csv.field_size_limit(16 * 1024 * 1024)  # a shop's product descriptions are fields too


@dataclass(frozen=True)
class Price:
    """What the catalogue says of a SKU; `minor` is None where it has no price that can be trusted."""

    sku: str
    minor: int | None
    currency: str
    title: str = ""


@dataclass(frozen=True)
class Catalog:
    """Prices by SKU, and what was wrong in the files that they come from."""

    prices: Mapping[str, Price] = field(default_factory=lambda: MappingProxyType({}))
    warnings: tuple[str, ...] = ()
    _folded: dict[str, list[str]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for sku in self.prices:
            self._folded.setdefault(_fold(sku), []).append(sku)

    def find(self, text: str) -> str | None:
        """The SKU that is written so; else the only one that differs by case alone; else None."""
        text = unicodedata.normalize("NFC", text)
        if text in self.prices:
            return text
        same = self._folded.get(_fold(text), [])
        return same[0] if len(same) == 1 else None

    def is_ambiguous(self, text: str) -> bool:
        """Whether several SKUs differ from this text by case alone."""
        return self.find(text) is None and len(self._folded.get(_fold(text), [])) > 1


@dataclass(frozen=True)
class SkuRule:
    """Where a file's SKU is written: in its name, in its folder's, or where a pattern finds it."""

    source: str = "name"
    pattern: str = ""


def find_sku(path: str, catalog: Catalog, rule: SkuRule) -> str | None:
    """The SKU of a file, by its path below the hot folder; None where there is none, or several.

    By name: the longest catalogue SKU that the stem starts with, followed by a separator (whatever is
    neither a letter nor a digit) or the end. By folder: the nearest folder whose name is a SKU, else the
    name of its own folder. By pattern: what its group (the one named sku, else the first) finds in the stem.
    """
    pure = PurePath(path)
    stem = unicodedata.normalize("NFC", pure.stem).strip()
    if rule.pattern:
        return _by_pattern(stem, catalog, rule.pattern)
    if rule.source == "folder":
        return _by_folder(pure.parent.parts, catalog)
    return _by_name(stem, catalog)


def holds_word(title: str, words: Iterable[str]) -> bool:
    """Whether a title holds one of these words, whatever its case and spacing; better once too often."""
    spaced = _spaced(title)
    return any(_spaced(word) in spaced for word in words if _spaced(word))


def read_catalog(path: Path, currency: str) -> Catalog:
    """The prices in one CSV file: plain, or Shopify's or WooCommerce's export.

    `currency` is for rows that name none. A row that cannot be trusted has no price, and a warning with its
    line; a SettingsError when the file as a whole cannot be used.
    """
    name = printable(path.name)
    try:
        text = _decode(path.read_bytes(), name)
    except OSError as error:
        raise SettingsError(
            f"The catalogue {name} cannot be read: {error.strerror}.", f"Put it at {printable(path)}."
        ) from error
    rows = _rows(text, name)
    header = next(rows, None)
    if header is None:
        raise SettingsError(f"The catalogue {name} is empty.", "Its first line must be sku,price,currency.")
    columns = _columns(header[1], name)
    reader = _Reader(name, currency, columns, len(header[1]))
    is_cut = not text.rstrip(" \t,;").endswith(("\n", "\r", '"'))
    listed = [*rows]
    for number, (line, row) in enumerate(listed, 1):
        reader.take(line, row, is_cut=is_cut and number == len(listed))
    return reader.catalog()


def merge(catalogs: Sequence[Catalog]) -> Catalog:
    """Several files as one; a SKU that has different prices in two of them has none."""
    prices: dict[str, Price] = {}
    warnings = [warning for catalog in catalogs for warning in catalog.warnings]
    for catalog in catalogs:
        for price in catalog.prices.values():
            old = prices.get(price.sku)
            if old is not None and not _same_amount(old, price):
                warnings.append(
                    f"SKU {printable(price.sku)} has different prices in two catalogues: no price counts."
                )
            prices[price.sku] = price if old is None else _both(old, price)
    return Catalog(MappingProxyType(prices), tuple(warnings))


class PriceBook:
    """The catalogue of a studio, read anew when one of its files has changed and settled.

    A file that fails as a whole leaves its last good prices standing, with a warning; `complete` is False
    where it never had any.
    """

    def __init__(self, files: Mapping[Path, str], quiet_seconds: float) -> None:
        self.catalog = Catalog()
        self._currencies = dict(files)
        self._tracker: SettleTracker[Path] = SettleTracker(quiet_seconds)
        self._read: dict[Path, Signature | None] = {}
        self._good: dict[Path, Catalog] = {}
        self._failures: dict[Path, str] = {}

    @property
    def complete(self) -> bool:
        """Whether every file's prices are known, if only from before it was spoilt."""
        return len(self._good) == len(self._currencies)

    def price_of_new(self, sku: str | None) -> Price | None:
        """What is known of a new picture's SKU: while `complete` is False no amount, only its title.

        The list that is missing may name another price for it, or a longer SKU that the picture means.
        """
        price = self.catalog.prices.get(sku or "")
        return price if price is None or self.complete else replace(price, minor=None, currency="")

    @property
    def settled(self) -> bool:
        """Whether no file is being changed."""
        return len(self._tracker) == 0

    def load(self) -> None:
        """Read every file as it is now."""
        for path in self._currencies:
            self._load(path, _signature(path))
        self._merge()

    def refresh(self, now: float) -> bool:
        """Look whether a file has changed and settled, and read it; True when the catalogue is another."""
        for path in self._currencies:
            signature = _signature(path)
            if signature == self._read.get(path):
                self._tracker.forget(path)
            else:
                self._tracker.observe(path, signature or _MISSING, now)
        settled = self._tracker.take_settled(now)
        for path, signature in settled:
            self._load(path, None if signature == _MISSING else signature)
        if settled:
            self._merge()
        return bool(settled)

    def _load(self, path: Path, signature: Signature | None) -> None:
        self._read[path] = signature
        try:
            self._good[path] = read_catalog(path, self._currencies[path])
            self._failures.pop(path, None)
        except SettingsError as error:
            new = "what is new has no price"
            kept = "its last good prices stay" if path in self._good else new
            self._failures[path] = f"{error.message} Until it is right, {kept}. {error.hint}".strip()

    def _merge(self) -> None:
        good = [self._good[path] for path in self._currencies if path in self._good]
        merged = merge(good)
        self.catalog = replace(merged, warnings=(*self._failures.values(), *merged.warnings))


_MISSING = Signature(-1, 0, 0)


def _signature(path: Path) -> Signature | None:
    try:
        return Signature.of(path.stat())
    except OSError:
        return None


def _decode(data: bytes, name: str) -> str:
    """Text in UTF-8 or UTF-16 with its mark; what is neither is taken for Western European."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16", "replace")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.removeprefix(codecs.BOM_UTF8).decode("cp1252", "replace")
    if "\0" in text:
        raise SettingsError(f"The catalogue {name} is not a text file.", "Export it as CSV.")
    return text


def _rows(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not blank, with the line that it begins on; the delimiter is the header's."""
    first, _, rest = text.lstrip("\r\n").partition("\n")
    skipped = text[: len(text) - len(text.lstrip("\r\n"))].count("\n")
    if re.fullmatch(r"sep=[,;\t]\s*", first, re.IGNORECASE):  # Excel's own first line
        text, skipped, first = rest, skipped + 1, rest.partition("\n")[0]
    else:
        text = text.lstrip("\r\n")
    bare = re.sub(r'"[^"]*"', "", first)
    delimiter = max(",;\t", key=bare.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begins = skipped + 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield begins, [unicodedata.normalize("NFC", cell.strip()) for cell in row]
            begins = skipped + reader.line_num + 1
    except csv.Error as error:
        raise SettingsError(
            f"The catalogue {name} is no proper CSV file: {error}, in the row that begins on line {begins}.",
            "Look for a quotation mark that is not closed there.",
        ) from error


def _columns(header: Sequence[str], name: str) -> Mapping[str, int]:
    names = [" ".join(cell.casefold().split()) for cell in header]
    wanted = (*_SKU, *_PRICE, *_COMPARE_AT, *_TITLE, *_CURRENCY, *_HANDLE, *_OPTIONS)
    for known in wanted:
        if names.count(known) > 1:
            raise SettingsError(
                f"The catalogue {name} has two columns named {known}.", "Leave one of them out."
            )
    columns = {known: names.index(known) for known in wanted if known in names}
    if not any(known in columns for known in _SKU) or not any(known in columns for known in _PRICE):
        raise SettingsError(
            f"The catalogue {name} has no column for the SKU or none for the price.",
            "Its first line must name them: sku,price,currency, or a Shopify or WooCommerce export's names.",
        )
    return columns


class _Malformed(ValueError):
    """A row's price cannot be trusted; the text says why."""


class _Reader:
    """Takes the rows of one file, one after the other."""

    def __init__(self, name: str, currency: str, columns: Mapping[str, int], width: int) -> None:
        self._name = name
        self._currency = currency
        self._columns = columns
        self._width = width
        self._titles: dict[str, str] = {}
        self._prices: dict[str, Price] = {}
        self._lines: dict[str, int] = {}
        self._disputed: set[str] = set()
        self._warnings: list[str] = []

    def take(self, line: int, row: Sequence[str], *, is_cut: bool) -> None:
        title = self._title(row)
        sku = _plain_sku(self._first(row, _SKU))
        if not sku:
            return  # a picture's row in a shop's export, or a variant without a SKU
        currency = self._first(row, _CURRENCY) or self._currency
        minor = None
        try:
            if any(row[self._width :]):
                raise _Malformed("it has more fields than the header (a thousands separator?)")
            self._refuse_what_may_be_broken(row, is_cut)
            minor = self._minor(row, currency)
        except _Malformed as reason:
            self._warn(line, f"SKU {printable(sku)} has no price: {reason}.")
        price = Price(sku, minor, currency if minor is not None else "", title)
        old = self._prices.get(sku)
        first = self._lines.setdefault(sku, line)
        if old is not None and sku not in self._disputed and not _same_amount(old, price):
            self._disputed.add(sku)
            self._warn(line, f"SKU {printable(sku)} has another price than on line {first}: none counts.")
        merged = price if old is None else _both(old, price)
        if sku in self._disputed:
            merged = replace(merged, minor=None, currency="")
        self._prices[sku] = merged

    def catalog(self) -> Catalog:
        return Catalog(MappingProxyType(self._prices), tuple(self._warnings))

    def _refuse_what_may_be_broken(self, row: Sequence[str], is_cut: bool) -> None:
        """A price that goes on in the next field, or might have gone on where the file ends, is none."""
        places = [self._columns[known] for known in (*_PRICE, *_COMPARE_AT) if known in self._columns]
        for place in places:
            number = ",".join(row[place : place + 2])
            if _PARTED.fullmatch(number):
                raise _Malformed(
                    f"{_shown(number)} may be one number: write it without a thousands separator, or the "
                    "price with its decimals"
                )
        if is_cut and len(row) - 1 <= max(places):
            raise _Malformed("the file ends in this row, and may be cut off: end the last line")

    def _minor(self, row: Sequence[str], currency: str) -> int:
        if not re.fullmatch(r"[A-Z]{3}", currency):
            raise _Malformed(f"{_shown(currency)} is no currency (three capital letters)")
        texts = [self._cell(row, known) for known in (*_PRICE, *_COMPARE_AT)]
        if not any(self._cell(row, known) for known in _PRICE):
            raise _Malformed("none is given")
        highest = max(_amount(text, currency) for text in texts if text)
        if highest == 0:
            raise _Malformed("zero is no price")
        return highest

    def _title(self, row: Sequence[str]) -> str:
        """The product's title with the variant's options; a product's first row names it for all."""
        title = self._first(row, _TITLE)
        handle = self._first(row, _HANDLE)
        if handle:
            title = self._titles.setdefault(handle, title) if title == "" else title
            self._titles[handle] = title
        options = [self._cell(row, known) for known in _OPTIONS]
        return " / ".join(part for part in (title, *options) if part and part != "Default Title")

    def _first(self, row: Sequence[str], names: Sequence[str]) -> str:
        return next((cell for name in names if (cell := self._cell(row, name))), "")

    def _cell(self, row: Sequence[str], name: str) -> str:
        index = self._columns.get(name)
        return row[index] if index is not None and index < len(row) else ""

    def _warn(self, line: int, sentence: str) -> None:
        self._warnings.append(f"{self._name}, line {line}: {sentence}")


def _amount(text: str, currency: str) -> int:
    """An amount in minor units, as strictly as a price deserves: digits, a point, the currency's decimals."""
    if not _AMOUNT.fullmatch(text):
        raise _Malformed(f"{_shown(text)} is not written like 1234.50")
    if len(text.partition(".")[2]) > money.exponent(currency):
        raise _Malformed(f"{_shown(text)} has more decimals than {currency} has")
    return money.to_minor(Decimal(text), currency)


def _both(old: Price, new: Price) -> Price:
    """One SKU named twice: both titles count; different prices are none."""
    titles = dict.fromkeys(title for title in (old.title, new.title) if title)
    same = _same_amount(old, new)
    return Price(old.sku, old.minor if same else None, old.currency if same else "", " / ".join(titles))


def _same_amount(one: Price, other: Price) -> bool:
    return (one.minor, one.currency) == (other.minor, other.currency)


def _plain_sku(text: str) -> str:
    """A SKU without what spreadsheets put around it so that it stays text: ="001" and '001."""
    quoted = re.fullmatch(r'="(.*)"', text)
    text = quoted[1].strip() if quoted else text
    return text[1:] if re.fullmatch(r"'[0-9]+", text) else text


def _by_name(stem: str, catalog: Catalog) -> str | None:
    for end in range(len(stem), 0, -1):
        if end < len(stem) and stem[end].isalnum():
            continue
        sku = catalog.find(stem[:end])
        if sku is not None or catalog.is_ambiguous(stem[:end]):
            return sku
    return None


def _by_folder(folders: Sequence[str], catalog: Catalog) -> str | None:
    for name in reversed(folders):
        sku = catalog.find(name)
        if sku is not None or catalog.is_ambiguous(name):
            return sku
    return unicodedata.normalize("NFC", folders[-1]) if folders else None


def _by_pattern(stem: str, catalog: Catalog, pattern: str) -> str | None:
    found: set[str | None] = set()
    for match in re.finditer(pattern, stem):
        named = match.re.groupindex.get("sku")
        text = (match.group(named or (1 if match.re.groups else 0)) or "").strip()
        if text:
            found.add(None if catalog.is_ambiguous(text) else catalog.find(text) or text)
    return found.pop() if len(found) == 1 else None


def _fold(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _spaced(text: str) -> str:
    return " ".join(re.split(r"[\W_]+", _fold(text))).strip()


def _shown(text: str) -> str:
    return f'"{printable(text[:40])}"'
