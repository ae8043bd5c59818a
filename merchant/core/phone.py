"""Telephone numbers: digits inside, `+digits` for people, bare digits on the hub's wire, one blind index.

Numbers enter through `parse` (as people type them) or `Msisdn.of` (as we or another party wrote them).
"""

import re
import unicodedata
from functools import lru_cache

import phonenumbers
from msgspec import Struct

from kyb.fields import e164
from merchant.core.vault import Vault

_WRITTEN = re.compile(r"\+?([0-9]{1,17})")  # E.164 has 15 digits at most; some numbering plans in use have 17
_LEGIBLE = 7  # of a masked number: four digits in front, three behind
_TYPED = re.compile(r"\+?[0-9][0-9 -]*")
_MARKS = "-.()/"  # between the digits of a number
_PRESSED = re.compile(r"\+?[0-9]{4,18}")


class InvalidNumber(ValueError):
    """A text is not a telephone number."""


class Msisdn(Struct, frozen=True):
    """A telephone number: country code and subscriber number, digits only."""

    digits: str

    @classmethod
    def of(cls, text: str) -> "Msisdn":
        """A number written as digits, with or without `+`. Raises InvalidNumber."""
        written = _WRITTEN.fullmatch(text)
        if written is None:
            raise InvalidNumber("not a telephone number")
        return cls(written[1])

    def __str__(self) -> str:
        """As people and SMS gateways write it (E.164)."""
        return f"+{self.digits}"

    def digest(self, vault: Vault) -> bytes:
        """The blind index by which every table finds this number."""
        return vault.digest("phone", str(self))

    def payer_digests(self, vault: Vault) -> list[bytes]:
        """The blind indexes under which payment_request may hold this payer.

        Requests made before there was one spelling were indexed by the bare digits (DECISIONS 29).
        """
        return [self.digest(vault), vault.digest("phone", self.digits)]


def parse(text: str, country: str) -> Msisdn | None:
    """A number as a person types it; None when it cannot be one.

    Digits without `+` are read as international first (as wallets write them), then as a number of `country`.
    """
    if not _TYPED.fullmatch(text):
        return None
    stripped = text.replace(" ", "").replace("-", "")
    found = e164(f"+{stripped.removeprefix('+')}", None) or e164(stripped, country)
    return Msisdn.of(found) if found else None


def parse_local(text: str, country: str) -> Msisdn | None:
    """A number as a person of a country presses it on a keypad, a number of that country first; None when it cannot be
    one.

    Digits of every script are read, and marks between them are left out.
    """
    seen = (one for one in text if unicodedata.category(one)[0] not in "CZ" and one not in _MARKS)
    kept = "".join(str(unicodedata.decimal(one, one)) for one in seen)
    if not _PRESSED.fullmatch(kept):
        return None
    found = e164(kept, country) or e164(f"+{kept.removeprefix('+')}", None)
    return Msisdn.of(found) if found else None


class DialPlan(Struct, frozen=True):
    """How mobile numbers of a country are written at home: their lengths, without and with the trunk prefix (`0`)."""

    calling_code: str
    home_lengths: tuple[int, ...] = ()
    trunk_prefix: str = ""


@lru_cache(maxsize=256)
def dial_plan(country: str) -> DialPlan:
    """A country's plan; without lengths for one that is not known."""
    known = phonenumbers.PhoneMetadata.metadata_for_region(country)
    if known is None or known.mobile is None:
        return DialPlan(calling_code(country), (), "0")
    lengths = tuple(length for length in known.mobile.possible_length if length > 0)
    return DialPlan(calling_code(country), lengths, known.national_prefix or "")


def calling_code(country: str) -> str:
    """The digits that stand before a country's numbers abroad, `254`; empty for a country without telephones."""
    code = phonenumbers.country_code_for_region(country)
    return str(code) if code else ""


def mask(number: str) -> str:
    """A number, or another identifier, of which only the ends are legible: `2547*****001`, `+2547*****001`.

    One that is hardly longer than its ends is hidden altogether.
    """
    sign, rest = ("+", number[1:]) if number.startswith("+") else ("", number)
    if len(rest) <= _LEGIBLE:
        return sign + "*" * len(rest)
    return sign + rest[:4] + "*" * (len(rest) - _LEGIBLE) + rest[-3:]
