"""One spelling per answer: kyb.normalise runs before answers are checked, hashed, stored or compared.

Only harmless differences are removed (Unicode form, spaces, letter case of codes, phone notation);
what cannot be parsed stays as it was, for kyb.fields to report.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import TypeVar

import msgspec
from msgspec import Struct

from kyb import codes
from kyb.applicant import Sections
from kyb.fields import e164, phone_country

_SPACES = re.compile(r"[ \u00a0\u2000-\u200a\u202f\u205f\u3000]+")
_UPPER = frozenset(("lei", "currency", "currencies", "country", "subdivision", "nationality", "id_number", "tax_id"))
_LOWER = frozenset({"kind", "id_type"})
_MCC_DIGITS = 4  # ISO 18245; spreadsheets drop the leading zero of 0742

_Section = TypeVar("_Section", bound=Struct)


def normalise(sections: Sections) -> Sections:
    """The same answers in one spelling: NFC, trimmed, codes in capitals and as they are now, phones as E.164, MCC of
    four digits.

    Idempotent. Numbers of documents keep blanks and dashes; kyb.identity_form compares without. Phones without + are
    read in the country of the first location.
    """
    tidied = _tidy(sections, _tidy_text)
    country = phone_country(tidied)
    return _tidy(tidied, lambda name, text: e164(text, country) or text if name == "phone" else text)


def _tidy(struct: _Section, change: Callable[[str, str], str]) -> _Section:
    """The struct with every text in it, at any depth, replaced by change(field name, text)."""

    def tidy(name: str, value: object) -> object:
        if isinstance(value, str):
            return change(name, value)
        if isinstance(value, tuple):
            return tuple(tidy(name, item) for item in value)
        return _tidy(value, change) if isinstance(value, Struct) else value

    fields = {name: tidy(name, getattr(struct, name)) for name in struct.__struct_fields__}
    return msgspec.structs.replace(struct, **fields)


def _tidy_text(name: str, text: str) -> str:
    text = _SPACES.sub(" ", unicodedata.normalize("NFC", text)).strip(" ")
    if name in _UPPER and text.isascii():
        text = text.upper()
        return codes.renamed_subdivisions().get(text, text) if name == "subdivision" else text
    if name in _LOWER and text.isascii():
        return text.lower()
    if name == "mcc" and text.isascii() and text.isdigit():
        return text.zfill(_MCC_DIGITS)
    if name == "email" and "@" in text:
        local, _, domain = text.rpartition("@")
        return f"{local}@{domain.lower()}"
    return text
