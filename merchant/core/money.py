"""Money: an integer of minor units with its ISO 4217 currency.

Decimal text exists only on wires (FSPIOP, our JSON API, screens); it enters through `parse_decimal`
and leaves through `format_decimal`. Nothing here is ever a float.
"""

import re
from decimal import Decimal

import msgspec

from kyb.codes import currencies
from merchant.core import texts
from merchant.core.texts import _, _n
from qr.iso import find_currency

# Amount text of our API (docs/contract.md, Payments); FSPIOP's own pattern (18 digits, 4 decimals) is wider.
_AMOUNT = re.compile(r"[0-9]{1,13}(\.[0-9]{1,4})?")
MAX_MINOR = 10**17


class Money(msgspec.Struct, frozen=True, order=True):
    """An amount of minor units (for example cents) of one ISO 4217 currency."""

    minor: int
    currency: str


class AmountProblem(ValueError):
    """An amount's text is malformed, zero, too fine for its currency or too large; the sentence says which."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def is_currency(code: str) -> bool:
    """Whether a code is a currency in which one can pay (ISO 4217 alphabetic, upper case)."""
    return code in currencies()


def exponent(currency: str) -> int:
    """How many decimal digits the currency's minor unit has; 2 for a code that ISO 4217 does not list."""
    found = find_currency(currency)
    return found.decimals if found else 2


def parse_decimal(text: str, currency: str) -> Money:
    """Decimal text to Money.

    Digits finer than the currency are refused unless they are zeros; zero is refused.
    Raises AmountProblem with a sentence for the caller.
    """
    if not _AMOUNT.fullmatch(text):
        raise AmountProblem(_("The amount must be digits with at most four decimals, for example 250 or 250.50."))
    if not is_currency(currency):
        raise AmountProblem(_("{currency} is not a currency code of ISO 4217.", currency=currency))
    whole, _point, fraction = text.partition(".")
    digits = exponent(currency)
    if fraction[digits:].strip("0"):
        raise AmountProblem(
            _n(
                "{currency} has {count} decimal digit; {amount} is finer than that.",
                "{currency} has {count} decimal digits; {amount} is finer than that.",
                digits,
                currency=currency,
                amount=text,
            )
        )
    minor = int(whole) * 10**digits + int(fraction[:digits].ljust(digits, "0") or "0")
    if minor == 0:
        raise AmountProblem(_("The amount must be more than zero."))
    if minor >= MAX_MINOR:
        raise AmountProblem(_("The amount is too large."))
    return Money(minor, currency)


def format_decimal(money: Money) -> str:
    """Money to decimal text without trailing zeros, as FSPIOP demands (5.00 is invalid there)."""
    digits = exponent(money.currency)
    whole, fraction = divmod(money.minor, 10**digits)
    text = str(fraction).rjust(digits, "0").rstrip("0") if digits else ""
    return f"{whole}.{text}" if text else str(whole)


def parse_shown(text: str, currency: str) -> Money:
    """Decimal text that our own API wrote, zero among it, to Money."""
    return Money(int(Decimal(text).scaleb(exponent(currency))), currency)


@texts.say_value.register(Money)
def display(money: Money, language: str = texts.SOURCE_LANGUAGE) -> str:
    """Money for people, with all decimals and the code behind: `1,250.00 KES`, in French `1 250,00 KES`.

    Other languages than English group the thousands with no-break spaces where CLDR does.
    """
    digits, sign = exponent(money.currency), "-" if money.minor < 0 else ""
    whole, fraction = divmod(abs(money.minor), 10**digits)
    decimals = f".{fraction:0{digits}d}" if digits else ""
    if language == texts.SOURCE_LANGUAGE:
        return f"{sign}{whole:,}{decimals} {money.currency}"
    from babel.numbers import format_decimal  # 8 ms, which a process that only speaks English never needs

    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    number = format_decimal(Decimal(f"{sign}{whole}{decimals}"), pattern, texts.locale_of(language))
    return f"{number}\N{NO-BREAK SPACE}{money.currency}"
