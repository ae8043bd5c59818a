"""Amounts as text: written and told with the decimals of their currency.

EMV MPM 4.7 asks that the decimals of an amount agree with the currency's exponent (ISO 4217), and live wallets refuse
`12.5` where the currency has cents.
"""

from __future__ import annotations

import re

from qr.iso import find_currency

AMOUNT_CHARS_MAX = 13  # EMV MPM table 3.3
_NUMBER = re.compile(r"([0-9]+)(?:\.([0-9]*))?").fullmatch


def align(amount: str, currency: str | None) -> str:
    """`amount` with all decimals of `currency` (ISO 4217): 12.5 dollars are 12.50, 5 dollars 5.00, 5.00 yen 5.

    What is no amount, is finer than the currency, has no known currency, or would not fit its object, is left as it is.
    """
    known = find_currency(currency or "")
    found = _NUMBER(amount) if isinstance(amount, str) else None
    if known is None or found is None:
        return amount
    units, fraction = found.groups()
    cents = (fraction or "").rstrip("0").ljust(known.decimals, "0")
    aligned = f"{units}.{cents}" if cents else units
    return aligned if len(cents) == known.decimals and len(aligned) <= AMOUNT_CHARS_MAX else amount


def fill(amount: str, currency: str | None) -> str:
    """`amount` with a fraction that is too short filled up: 12.5 dollars are 12.50; other amounts stay as they are."""
    _, point, fraction = amount.partition(".")
    known = find_currency(currency or "")
    if not point or known is None or len(fraction) >= known.decimals:
        return amount
    aligned = align(amount, currency)
    return aligned if len(aligned) > len(amount) else amount


def tell(amount: str, currency: str | None) -> str:
    """`amount` as a person reads it: no leading zeros, no trailing point, a fraction with the currency's decimals."""
    trimmed = amount.rstrip(".")
    units, _, fraction = (align(trimmed, currency) if "." in trimmed else trimmed).partition(".")
    return (units.lstrip("0") or "0") + (f".{fraction}" if fraction else "")


def is_amount(text: str) -> bool:
    """Whether a text is digits with at most one point among them, zero included."""
    return _NUMBER(text) is not None
