"""Exact prices: decimals outside, integer minor units inside (ISO 4217)."""

from __future__ import annotations

from decimal import Decimal

# ISO 4217 exponents that are not 2.
_EXPONENTS = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND",
         "VUV", "XAF", "XOF", "XPF"), 0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}  # fmt: skip

_LARGEST = 2**63 - 1


def exponent(currency: str) -> int:
    """How many decimal places `currency` has: 2 for USD, 0 for JPY, 3 for KWD."""
    return _EXPONENTS.get(currency, 2)


def to_minor(amount: Decimal, currency: str) -> int:
    """The amount in minor units (1000.00 USD is 100000).

    ValueError where it is negative, not a number, too large, or finer than the currency's smallest coin:
    a price is never rounded.
    """
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"{amount} is not a price")
    if amount.adjusted() > 18:
        raise ValueError(f"{amount} is too large for a price")
    digits = "".join(map(str, amount.as_tuple().digits))
    significant = digits.strip("0")
    if not significant:
        return 0
    places = amount.adjusted() - len(significant) + 1 + exponent(currency)
    if places < 0:
        raise ValueError(f"{amount} is finer than {currency} can pay")
    minor: int = int(significant) * 10**places
    if minor > _LARGEST:
        raise ValueError(f"{amount} is too large for a price")
    return minor


def to_decimal(minor: int, currency: str) -> Decimal:
    """The exact amount behind `minor` units, with the currency's decimal places (100000 USD is 1000.00)."""
    return Decimal(minor).scaleb(-exponent(currency))


def price_text(minor: int | None, currency: str) -> str:
    """The price as people read it: "1000.00 USD"; empty where it is not known."""
    return "" if minor is None else f"{to_decimal(minor, currency)} {currency}".rstrip()
