import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studiod.errors import SettingsError
from studiod.intake.catalog import (
    Catalog,
    Price,
    PriceBook,
    SkuRule,
    find_sku,
    holds_word,
    merge,
    read_catalog,
)

SHOPIFY_OLD = """Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price,Variant Compare At Price,X
solitaire,"Solitaire ring, 14k",Stone,Diamond,SOL-D,1900.00,2400.00,https://x/1.jpg
solitaire,,,Moissanite,SOL-M,450.00,,https://x/2.jpg
solitaire,,,,,,,https://x/3.jpg
chain,Chain,Title,Default Title,'001,99.00,0.00,
"""
SHOPIFY_NEW = """Title,URL handle,Description,SKU,Price,Compare-at price
Solitaire ring,solitaire,"<p>Two
lines, one ""quote""</p>",SOL-D,1900.00,2400.00
,solitaire,,SOL-M,450.00,
"""
WOOCOMMERCE = """ID,Type,SKU,Name,Regular price,Sale price
1,simple,RING-1,Ring,1200.00,199.00
2,variable,PARENT,Parent,,
3,variation,PARENT-S,Parent - small,80,
"""


def write(folder: Path, text: str | bytes, name: str = "prices.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def priced(catalog: Catalog) -> dict[str, tuple[int | None, str]]:
    return {sku: (price.minor, price.currency) for sku, price in catalog.prices.items()}


def test_a_plain_catalogue_gives_exact_prices_by_text_skus(tmp_path: Path) -> None:
    """SKUs stay as they are written, prices are exact minor units of their own currency."""
    path = write(
        tmp_path,
        "sku,price,currency,title\n001,1000.00,USD,Ring\n1,0.10,USD,\nY,12000,JPY,Jay\nK,1.005,KWD,\n",
    )
    catalog = read_catalog(path, "EUR")
    assert priced(catalog) == {
        "001": (100_000, "USD"), "1": (10, "USD"), "Y": (12_000, "JPY"), "K": (1_005, "KWD"),
    }  # fmt: skip
    assert catalog.prices["001"].title == "Ring" and catalog.warnings == ()


def test_the_old_shopify_export_is_read_with_variants_on_continuation_rows(tmp_path: Path) -> None:
    """The highest of price and compare-at counts; a variant has its product's title and its own options."""
    catalog = read_catalog(write(tmp_path, SHOPIFY_OLD), "USD")
    assert priced(catalog) == {"SOL-D": (240_000, "USD"), "SOL-M": (45_000, "USD"), "001": (9_900, "USD")}
    assert catalog.prices["SOL-M"].title == "Solitaire ring, 14k / Moissanite"
    assert catalog.prices["001"].title == "Chain"
    assert catalog.warnings == ()


def test_the_new_shopify_export_is_read(tmp_path: Path) -> None:
    """The newer header names mean the same, and a quoted line break is one field."""
    catalog = read_catalog(write(tmp_path, SHOPIFY_NEW), "CAD")
    assert priced(catalog) == {"SOL-D": (240_000, "CAD"), "SOL-M": (45_000, "CAD")}
    assert catalog.prices["SOL-M"].title == "Solitaire ring"


def test_woocommerce_gives_the_regular_price_never_the_sale_price(tmp_path: Path) -> None:
    """A sale never takes a piece below the threshold; a parent without a price has none."""
    catalog = read_catalog(write(tmp_path, WOOCOMMERCE), "GBP")
    assert priced(catalog) == {"RING-1": (120_000, "GBP"), "PARENT": (None, ""), "PARENT-S": (8_000, "GBP")}
    assert catalog.prices["RING-1"].title == "Ring"


@pytest.mark.parametrize(
    "price",
    ["1,000.00", "1.000,00", "$900", "900 USD", "900.005", "1.000", "-5", "1e3", "", "n/a", "NaN", "inf",
     ".5", "5.", "0", "0.00", "٣", "1'000", "1 000", "99999999999999999999"],
)  # fmt: skip
def test_a_price_that_is_not_written_plainly_is_none(tmp_path: Path, price: str) -> None:
    """Nothing is guessed: what is not digits, a point and the currency's decimals calls for a person."""
    catalog = read_catalog(write(tmp_path, f'sku,price,currency\nOK,5.00,USD\nR,"{price}",USD\n'), "USD")
    assert priced(catalog) == {"OK": (500, "USD"), "R": (None, "")}
    assert len(catalog.warnings) == 1
    assert "prices.csv, line 3" in catalog.warnings[0] and "SKU R" in catalog.warnings[0]


@pytest.mark.parametrize(
    "row", ["R,1,200.00,USD", "R,1200.00,dollars", "R,1200.00,usd", "R,1200.00,US", "R,900,USD,x,y"]
)
def test_a_row_whose_fields_do_not_fit_has_no_price(tmp_path: Path, row: str) -> None:
    """A thousands separator without quotes must not make 1,200.00 a price of 1."""
    catalog = read_catalog(write(tmp_path, f"sku,price,currency\n{row}\n"), "USD")
    assert priced(catalog) == {"R": (None, "")} and len(catalog.warnings) == 1


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("sku,price,title", "R,1,299.00"),
        ("sku,title,price,stock", "R,Ring,1,299.00"),
        ("sku,price,", "R,1,299"),
        ("sku,price,compare-at price", "R,1,299.00"),
        ("sku,price,title", "R,1,299.00 USD"),
        ("sku,price,title", "R,1,299.-"),
        ("sku,price,title", "R,1,299 €"),
    ],
)
def test_a_price_that_may_go_on_in_the_next_field_is_none(tmp_path: Path, header: str, row: str) -> None:
    """1,299.00 without quotes is not a price of 1, also where the row is no longer than the header."""
    catalog = read_catalog(write(tmp_path, f"{header}\n{row}\nOK,95.00,250\n"), "USD")
    assert catalog.prices["R"].minor is None
    assert "thousands separator" in catalog.warnings[0] and "line 2" in catalog.warnings[0]


@pytest.mark.parametrize(
    ("end", "minor"),
    [
        ("R,12", None),
        ("R,12.00\n", 1200),
        ("R,12.00\n  ", 1200),
        ("R,12.00\n,,", 1200),
        ('R,"12.00"', 1200),
        ("R,12.00,USD", 1200),
    ],
)
def test_a_price_that_the_file_ends_in_may_be_cut_off(tmp_path: Path, end: str, minor: int | None) -> None:
    """Half a copy of 1299.00 must not be a price of 12: a last price counts once its line has ended."""
    catalog = read_catalog(write(tmp_path, f"sku,price,currency\nOK,5.00,USD\n{end}"), "USD")
    assert catalog.prices["R"].minor == minor and catalog.prices["OK"].minor == 500
    assert len(catalog.warnings) == (minor is None)


def test_a_row_cut_off_before_its_higher_price_has_none(tmp_path: Path) -> None:
    """Where the file ends before the column of the compare-at price, the lower price alone must not count."""
    text = "SKU,Price,Title,Compare-at price\nR,900.00,Ri"
    assert priced(read_catalog(write(tmp_path, text), "USD")) == {"R": (None, "")}


def test_a_title_that_begins_with_a_number_parts_no_price(tmp_path: Path) -> None:
    """750 gold after a whole price is a title."""
    catalog = read_catalog(write(tmp_path, "sku,price,title\nR,95,750 gold ring\n"), "USD")
    assert priced(catalog) == {"R": (9500, "USD")}


def test_a_malformed_compare_at_price_leaves_no_price(tmp_path: Path) -> None:
    """Where the higher of two prices cannot be read, the lower one must not count."""
    text = "SKU,Price,Compare-at price\nR,900.00,$2400\n"
    assert priced(read_catalog(write(tmp_path, text), "USD")) == {"R": (None, "")}


def test_duplicate_skus_count_only_where_they_agree(tmp_path: Path) -> None:
    """The same price twice is fine; two prices are none, however often either is repeated."""
    text = "sku,price,title\nA,5.00,One\nA,5.00,Two\nB,5.00,\nB,6.00,\nB,5.00,\nC,5.00,\nC,,\n"
    catalog = read_catalog(write(tmp_path, text), "USD")
    assert priced(catalog) == {"A": (500, "USD"), "B": (None, ""), "C": (None, "")}
    assert catalog.prices["A"].title == "One / Two"
    assert any("line 5" in warning and "line 4" in warning for warning in catalog.warnings)


def test_catalogues_are_merged_and_contradictions_are_no_price(tmp_path: Path) -> None:
    """Each file brings its own currency; a SKU priced differently in two of them has no price."""
    first = read_catalog(write(tmp_path, "sku,price\nA,5.00\nB,5.00\n", "a.csv"), "USD")
    second = read_catalog(write(tmp_path, "sku,price\nB,5.00\nC,7.00\n", "b.csv"), "EUR")
    merged = merge([first, second])
    assert priced(merged) == {"A": (500, "USD"), "B": (None, ""), "C": (700, "EUR")}
    assert "SKU B" in merged.warnings[0]


@pytest.mark.parametrize(
    "content",
    [
        "\ufeffsku,price,title\nR1,5.00,Bagué\n".encode(),
        "sku;price;title\r\nR1;5.00;Bagué\r\n".encode(),
        "sku\tprice\ttitle\nR1\t5.00\tBagué\n".encode(),
        "sku,price,title\nR1,5.00,Bagué\n".encode("latin-1"),
        b"\xef\xbb\xbf" + "sku,price,title\nR1,5.00,Bagué\n".encode("latin-1"),  # the mark lies
        "sku,price,title\nR1,5.00,Bagué\n".encode("utf-16"),
        "sep=;\nsku;price;title\nR1;5.00;Bagué\n".encode(),
        '"SKU" , "Price",Title\n="R1",5.00,Bague\u0301\n'.replace('" , "', '","').encode(),
        "\n\nsku,price,title\n\n , ,\nR1,5.00,Bagué,,\n".encode(),
    ],
)
def test_files_as_programs_write_them_are_read(tmp_path: Path, content: bytes) -> None:
    """Marks, delimiters, encodings and blank lines of spreadsheets do not matter."""
    catalog = read_catalog(write(tmp_path, content), "USD")
    assert priced(catalog) == {"R1": (500, "USD")}
    assert catalog.prices["R1"].title == "Bagué"


@pytest.mark.parametrize(
    "content",
    [b"", b"\n\n", b"hello\n", b"price,title\n1,a\n", b"sku,title\nA,a\n", b"sku,price,price\nA,1,2\n",
     b'sku,price\nA,"5.00\nB,6.00\n', b"\x00\x01\x02sku,price\n", b"\x89PNG\r\n\x1a\n\x00\x00"],
)  # fmt: skip
def test_a_file_that_fails_as_a_whole_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    """What is no catalogue is an error that names the file."""
    with pytest.raises(SettingsError, match=r"prices\.csv"):
        read_catalog(write(tmp_path, content), "USD")
    with pytest.raises(SettingsError, match=r"absent\.csv"):
        read_catalog(tmp_path / "absent.csv", "USD")


def book_of(*files: Path) -> PriceBook:
    book = PriceBook(dict.fromkeys(files, "USD"), quiet_seconds=3.0)
    book.load()
    return book


def test_a_changed_catalogue_is_read_anew_once_it_has_settled(tmp_path: Path) -> None:
    """A file that is being written is left alone until it is quiet."""
    path = write(tmp_path, "sku,price\nA,5.00\n")
    book = book_of(path)
    assert book.settled and not book.refresh(0.0)
    write(tmp_path, "sku,price\nA,50")
    assert not book.refresh(1.0) and not book.settled
    write(tmp_path, "sku,price\nA,500.00\n")
    assert not book.refresh(3.5) and not book.refresh(6.0)
    assert priced(book.catalog) == {"A": (500, "USD")}
    assert book.refresh(6.5) and book.settled
    assert priced(book.catalog) == {"A": (50_000, "USD")}


@pytest.mark.parametrize("spoilt", [b"", b"\0\0\0", None])
def test_a_catalogue_that_fails_leaves_the_last_good_prices(tmp_path: Path, spoilt: bytes | None) -> None:
    """Spoilt or gone, it warns and changes no price; mended, it counts again."""
    path = write(tmp_path, "sku,price\nA,5.00\n")
    book = book_of(path)
    if spoilt is None:
        path.unlink()
    else:
        path.write_bytes(spoilt)
    book.refresh(0.0)
    assert book.refresh(3.0)
    assert priced(book.catalog) == {"A": (500, "USD")} and book.complete
    assert any("last good prices stay" in warning for warning in book.catalog.warnings)
    write(tmp_path, "sku,price\nA,7.00\n")
    book.refresh(4.0)
    assert book.refresh(7.0) and priced(book.catalog) == {"A": (700, "USD")}
    assert book.catalog.warnings == ()


def test_a_catalogue_that_never_was_good_is_said_to_be_incomplete(tmp_path: Path) -> None:
    """Without any good reading there are no prices, and that is known."""
    good = write(tmp_path, "sku,price\nA,5.00\n")
    book = book_of(good, tmp_path / "absent.csv")
    assert not book.complete and priced(book.catalog) == {"A": (500, "USD")}
    assert any("absent.csv" in warning for warning in book.catalog.warnings)


def catalog_of(*skus: str) -> Catalog:
    return Catalog({sku: Price(sku, 100, "USD") for sku in skus})


@pytest.mark.parametrize(
    ("path", "sku"),
    [
        ("RING_18K-D1_2.jpg", "RING_18K-D1"),
        ("RING_2.jpg", "RING"),
        ("RING.jpg", "RING"),
        ("ring_18k-d1.JPG", "RING_18K-D1"),
        ("RINGS_1.jpg", None),
        ("deep/er/RING (3).jpg", "RING"),
        ("RING\udcff.jpg", "RING"),
        ("0012.jpg", None),
        ("001.jpg", "001"),
        ("001_front.jpg", "001"),
        ("IMG_0001.jpg", None),
        ("CASE_1.jpg", "CASE"),
        ("case_1.jpg", "case"),
        ("Case_1.jpg", None),
        ("e\u0301toile_1.jpg", "étoile"),
        ("xRING.jpg", None),
        (" RING-7.jpg", "RING"),
    ],
)
def test_a_name_means_the_longest_sku_that_it_starts_with(path: str, sku: str | None) -> None:
    """A separator or the end must follow; the case as written counts first; ambiguous is none."""
    catalog = catalog_of("RING", "RING_18K-D1", "001", "CASE", "case", "étoile")
    assert find_sku(path, catalog, SkuRule()) == sku


@pytest.mark.parametrize(
    ("path", "sku"),
    [
        ("RING/a.jpg", "RING"),
        ("ring/raw/a.jpg", "RING"),
        ("NEW-9/a.jpg", "NEW-9"),
        ("a.jpg", None),
        ("Case/a.jpg", None),
    ],
)
def test_a_folder_means_its_name(path: str, sku: str | None) -> None:
    """The nearest folder that the catalogue knows, else the file's own; a file at the top has none."""
    assert find_sku(path, catalog_of("RING", "CASE", "case"), SkuRule("folder")) == sku


@pytest.mark.parametrize(
    ("path", "pattern", "sku"),
    [
        ("2026_R-17_x.jpg", r"_(R-\d+)_", "R-17"),
        ("2026_r-17_x.jpg", r"_([rR]-\d+)_", "R-17"),
        ("2026_R-99_x.jpg", r"_(R-\d+)_", "R-99"),
        ("R-17 R-18.jpg", r"(R-\d+)", None),
        ("R-17 R-17.jpg", r"(R-\d+)", "R-17"),
        ("IMG_1.jpg", r"(R-\d+)", None),
        ("a7-R-17.jpg", r"(a)(\d)-(?P<sku>.*)", "R-17"),
        ("empty.jpg", r"(x*)empty", None),
    ],
)
def test_a_pattern_finds_the_sku(path: str, pattern: str, sku: str | None) -> None:
    """Its group is the SKU, in the catalogue's spelling where it is known; several are none."""
    assert find_sku(path, catalog_of("R-17", "R-18"), SkuRule("name", pattern)) == sku


@given(st.text(min_size=1, max_size=12), st.text(max_size=12))
def test_a_found_sku_always_stands_whole_at_the_beginning(sku: str, rest: str) -> None:
    """For any texts, what is found begins the stem and is followed by a separator or the end."""
    assert find_sku(f"{sku}{rest}.jpg", catalog_of(sku), SkuRule()) in (None, sku)
    found = find_sku(f"RING{rest}.jpg", catalog_of("RING"), SkuRule())
    assert found in (None, "RING")
    if rest[:1].isalnum() and "/" not in rest and unicodedata.is_normalized("NFC", f"RING{rest}"):
        assert found is None


def test_words_that_always_call_for_a_person_are_found_in_titles() -> None:
    """Case and spacing do not hide a word."""
    words = ("moissanite", "cubic zirconia")
    for title in ("Ring, Moissanite 6 mm", "CUBIC  ZIRCONIA studs", "Cubic-Zirconia pendant", "moissanites"):
        assert holds_word(title, words)
    assert (
        not holds_word("Diamond ring", words) and not holds_word("", words) and not holds_word("x", ("", " "))
    )


def test_a_title_that_spans_rows_and_a_line_number_that_counts_them(tmp_path: Path) -> None:
    """A warning names the line on which its row begins, line breaks in quotes counted."""
    text = 'sku,price,title\nA,5.00,"one\ntwo\nthree"\nB,oops,x\n'
    assert "line 5" in read_catalog(write(tmp_path, text), "USD").warnings[0]


def test_names_in_warnings_cannot_drive_a_terminal(tmp_path: Path) -> None:
    """What a stranger wrote into the file is shown escaped."""
    text = "sku,price\n\x1b[31mR,\x1b]0;x\x07\n"
    (warning,) = read_catalog(write(tmp_path, text), "USD").warnings
    assert "\x1b" not in warning and "\x07" not in warning
    assert os.linesep not in warning
