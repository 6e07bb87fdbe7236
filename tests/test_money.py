from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studiod.money import exponent, to_decimal, to_minor


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("1000.00", "USD", 100_000),
        ("1000", "USD", 100_000),
        ("1E3", "USD", 100_000),
        ("0.01", "USD", 1),
        ("1000.000", "USD", 100_000),
        ("1500", "JPY", 1500),
        ("1.234", "KWD", 1234),
        ("0", "USD", 0),
        ("0E-9999999", "USD", 0),
        ("92233720368547758.07", "USD", 2**63 - 1),
    ],
)
def test_minor_units(amount: str, currency: str, minor: int) -> None:
    """An amount becomes minor units by the currency's exponent, exactly."""
    assert to_minor(Decimal(amount), currency) == minor


@pytest.mark.parametrize(
    ("amount", "currency"),
    [("0.001", "USD"), ("0.5", "JPY"), ("-1", "USD"), ("NaN", "USD"), ("Infinity", "USD"), ("1E99999", "USD"),
     ("1E-9999999", "USD"), ("92233720368547758.08", "USD")],
)  # fmt: skip
def test_no_price(amount: str, currency: str) -> None:
    """What is finer than the smallest coin, negative, endless or no number is no price."""
    with pytest.raises(ValueError, match=r"price|finer"):
        to_minor(Decimal(amount), currency)


@given(st.integers(0, 2**63 - 1), st.sampled_from(["USD", "JPY", "KWD", "CLF", "XXX"]))
def test_there_and_back(minor: int, currency: str) -> None:
    """Minor units come back as they were, with the currency's decimal places."""
    amount = to_decimal(minor, currency)
    assert to_minor(amount, currency) == minor
    assert -int(amount.as_tuple().exponent) == exponent(currency)
