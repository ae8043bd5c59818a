"""Amounts as people type and read them on a handset: text to minor units and back.

Digits of any script are taken. What could mean two amounts is refused rather than guessed: `1,5`, and `1.000`
where the currency has fewer than three decimals.
"""

import re
import unicodedata
from decimal import Decimal
from typing import Final

# 13 digits before the point and 4 after it: the amounts the service's API takes.
_PLAIN: Final = re.compile(r"[0-9]{1,13}(\.[0-9]{1,4})?")
_GROUPED: Final = re.compile(r"[0-9]{1,3}([, ])[0-9]{3}(\1[0-9]{3}){0,3}(\.[0-9]{1,4})?")
_UNITS_BELOW: Final = 10**13
_ONE_GROUP: Final = re.compile(r"[0-9]{1,3}[,.][0-9]{3}")
_ARABIC_MARKS: Final = str.maketrans({"٫": ".", "٬": ",", "،": ","})


class Number(str):
    """A number as English writes it, `1,500.00`; each catalogue writes it in the manner of its language."""

    __slots__ = ()


class BadAmount(ValueError):
    """The text is not an amount, or could be read as two."""


def western_digits(text: str) -> str:
    """The text with the decimal digits of every script written 0 to 9."""
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)


def parse_amount(text: str, exponent: int) -> int:
    """Read a typed amount into minor units of a currency with `exponent` decimals; zero is an amount.

    Takes `250`, `250.5`, `1,000`, `1 000`, `1,000.50` and any script's digits. Raises BadAmount for
    everything else, for decimals finer than the currency, and for a lone group of three that may be
    thousands or decimals.
    """
    text = western_digits(text).translate(_ARABIC_MARKS).strip()
    if _ONE_GROUP.fullmatch(text) and _is_ambiguous(text, exponent):
        raise BadAmount
    if not (_PLAIN.fullmatch(text) or _GROUPED.fullmatch(text)):
        raise BadAmount
    units = Decimal(text.replace(",", "").replace(" ", ""))
    minor = units.scaleb(exponent)
    if units >= _UNITS_BELOW or minor != minor.to_integral_value():
        raise BadAmount
    return int(minor)


def _is_ambiguous(text: str, exponent: int) -> bool:
    """`1,000` is a thousand and `1.000` is one, unless the currency's own decimals suggest the opposite."""
    return exponent >= 3 if "," in text else exponent < 3


def format_amount(amount_minor: int, exponent: int) -> Number:
    """`25000` of a currency with two decimals as `250.00`, thousands set apart: `9,999,999.99`."""
    units, fraction = divmod(amount_minor, 10**exponent)
    return Number(f"{units:,}.{fraction:0{exponent}d}" if exponent else f"{units:,}")


def format_limit(amount_minor: int, exponent: int) -> Number:
    """As `format_amount`, without decimals where they are zero: `10,000`."""
    text = format_amount(amount_minor, exponent)
    whole, point, fraction = text.partition(".")
    return Number(whole) if point and not fraction.strip("0") else text
