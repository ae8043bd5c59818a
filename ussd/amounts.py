"""Amounts as people type and read them on a handset: text to minor units and back.

Digits of any script are taken, and the currency's own names and marks around them: `Ksh 1000`, `1000/=`. What could
mean two amounts is refused rather than guessed: `1,5`, and `1.000` where the currency has fewer than three decimals.
"""

import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

# 13 digits before the point and 4 after it: the amounts the service's API takes.
_PLAIN: Final = re.compile(r"[0-9]{1,13}(\.[0-9]{0,4})?|\.[0-9]{1,4}")
_GROUPED: Final = re.compile(r"[0-9]{1,3}([, ])[0-9]{3}(\1[0-9]{3}){0,3}(\.[0-9]{1,4})?")
# As French and Kinyarwanda write it; two decimals behind a comma are no group of thousands.
_COMMA: Final = re.compile(r"([0-9]{1,13}|[0-9]{1,3}([. ])[0-9]{3}(\2[0-9]{3}){0,3}),[0-9]{2}")
_UNITS_BELOW: Final = 10**13
_ONE_GROUP: Final = re.compile(r"[0-9]{1,3}[,.][0-9]{3}")
_ARABIC_MARKS: Final = str.maketrans({"٫": ".", "٬": ",", "،": ","})
# What people call a currency besides its code, in lower case; "/=" and "/-" are written behind whole shillings.
_CALLED: Final[Mapping[str, tuple[str, ...]]] = {
    "BIF": ("fbu", "f"),
    "CDF": ("fc", "f"),
    "ETB": ("birr", "br"),
    "EUR": ("€", "euro", "euros"),
    "GHS": ("ghc", "gh", "₵", "gh₵", "cedi", "cedis"),
    "INR": ("rs", "₹"),
    "KES": ("ksh", "kshs", "sh", "shs", "bob", "/=", "/-"),
    "MMK": ("ks", "kyat", "kyats"),
    "MWK": ("mk", "kwacha"),
    "MZN": ("mt", "mtn"),
    "NGN": ("₦", "naira"),
    "PKR": ("rs",),
    "RWF": ("frw", "rf", "f"),
    "SDG": ("sdg",),
    "TZS": ("tsh", "tshs", "sh", "shs", "/=", "/-"),
    "UGX": ("ush", "ushs", "sh", "shs", "/=", "/-"),
    "USD": ("$", "us$", "usd$"),
    "XAF": ("fcfa", "cfa", "f"),
    "XOF": ("fcfa", "cfa", "f"),
    "ZAR": ("r",),
    "ZMW": ("k", "kwacha"),
}


class Number(str):
    """A number as English writes it, `1,500.00`; each catalogue writes it in the manner of its language."""

    __slots__ = ()


class BadAmount(ValueError):
    """The text is not an amount, or could be read as two."""


def western_digits(text: str) -> str:
    """The text with the decimal digits of every script written 0 to 9, every blank as a space, and without the marks
    that nobody sees and that come with what is copied: of direction, of joining, of byte order.
    """
    if text.isascii():
        return text
    return "".join(map(_western, text))


def _western(character: str) -> str:
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    if character.isspace():
        return " "
    return "" if unicodedata.category(character) == "Cf" else character


def parse_amount(text: str, exponent: int, currency: str = "") -> int:
    """Read a typed amount into minor units of a currency with `exponent` decimals; zero is an amount.

    Takes `250`, `250.5`, `.5`, `+250`, `1,000`, `1 000`, `1,000.50`, `250,00` of a currency of two decimals, any
    script's digits, and the currency's code or another of its names before or behind. Raises BadAmount for everything
    else, for decimals finer than the currency, and for a lone group of three that may be thousands or decimals.
    """
    text = _bare(western_digits(text).translate(_ARABIC_MARKS).strip(), currency).removeprefix("+").strip()
    if exponent == 2 and _COMMA.fullmatch(text):
        text = re.sub("[. ]", "", text).replace(",", ".")
    if _ONE_GROUP.fullmatch(text) and _is_ambiguous(text, exponent):
        raise BadAmount
    if not (_PLAIN.fullmatch(text) or _GROUPED.fullmatch(text)):
        raise BadAmount
    units = Decimal(text.replace(",", "").replace(" ", ""))
    minor = units.scaleb(exponent)
    if units >= _UNITS_BELOW or minor != minor.to_integral_value():
        raise BadAmount
    return int(minor)


def _bare(text: str, currency: str) -> str:
    """The text without the currency's name, once before it and once behind it."""
    if not currency or text.isdecimal():
        return text
    names = sorted((currency.lower(), *_CALLED.get(currency, ())), key=len, reverse=True)
    if len(text.lower()) != len(text):  # a letter that has no single small one
        return text
    before = next((name for name in names if text.lower().startswith(name)), "")
    rest = text[len(before) :].removeprefix(". " if before else "")
    if before and rest.startswith("."):
        raise BadAmount  # `Ksh.50`: fifty, or a half
    behind = next((name for name in names if name != "k" and rest.lower().endswith(name)), "")  # `5k`: five, or 5,000
    return rest[: len(rest) - len(behind)].strip()


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
