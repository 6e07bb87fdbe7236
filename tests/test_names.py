"""File names from strangers, shown without being obeyed."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studiod.names import inert, printable


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("RING_18K.jpg", "RING_18K.jpg"),
        ("Anhänger Größe 7.jpg", "Anhänger Größe 7.jpg"),
        ("two\nlines.jpg", r"two\x0alines.jpg"),
        ("\x1b[31mred.jpg", r"\x1b[31mred.jpg"),
        ("gpj.\u202egnir.exe", r"gpj.\u202egnir.exe"),
        ("back\\slash.jpg", r"back\\slash.jpg"),
        (b"caf\xe9.jpg", r"caf\xe9.jpg"),
        ("caf\udce9.jpg", r"caf\xe9.jpg"),
        ("\U000e0041tag.jpg", r"\U000e0041tag.jpg"),
    ],
)
def test_names_are_shown_on_one_line_and_never_obeyed(name: str | bytes, shown: str) -> None:
    """Controls, direction marks and odd bytes are escaped; what can be read stays as it is."""
    assert printable(name) == shown


@given(st.binary(max_size=60).filter(lambda name: b"\0" not in name))
def test_whatever_the_bytes_what_is_shown_is_printable_text(name: bytes) -> None:
    """Any file name at all becomes text that every terminal can take."""
    shown = printable(name)
    assert shown == "" or shown.isprintable()
    shown.encode("utf-8")


@given(st.binary(max_size=12), st.binary(max_size=12))
def test_different_names_never_look_the_same(one: bytes, other: bytes) -> None:
    """What is shown tells any two names apart that a file system tells apart."""
    assert (printable(one) == printable(other)) == (os.fsdecode(one) == os.fsdecode(other))


def test_a_sentence_keeps_its_backslashes() -> None:
    """A sentence that holds a shown name is made inert without being escaped twice."""
    name = printable("a\x07b")
    assert inert(f"There is no {name}.") == r"There is no a\x07b."
