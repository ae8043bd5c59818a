"""The meaning of each object: MerchantCode and the tables of EMVCo's rules.

Reader and writer both walk these tables, so what one refuses the other cannot write. Numbers in sections and tables
are those of EMVCo's "QR Code Specification for Payment Systems, Merchant-Presented Mode" 1.1 (EMV MPM).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import attrgetter
from typing import Any, NamedTuple, cast

import msgspec

from qr.iso import COUNTRIES, CURRENCIES

PAYLOAD_CHARS_MAX = 512  # EMV MPM 4.1: should not be exceeded
GUID_CHARS_MAX = 32  # EMV MPM 4.7.11
PAYLOAD_FORMAT = "01"
STATIC, DYNAMIC = "11", "12"  # point of initiation, EMV MPM table 3.3
TIP_PROMPT, TIP_FIXED, TIP_PERCENTAGE = "01", "02", "03"
ASK_PAYER = "***"  # in 62-01 to 62-08: the wallet asks the payer for the value


class Template(msgspec.Struct, frozen=True, omit_defaults=True):
    """An object made of objects: `fields` by identifier, with the owner's name (GUID) in "00".

    `text` holds the value instead when it has no fields: a card scheme's number (02 to 25). Read tolerantly, it holds a
    value that is not a sequence of objects, and `fields` what could be read of it.
    """

    tag: str
    fields: dict[str, str] = {}
    text: str = ""

    @property
    def guid(self) -> str | None:
        """The Globally Unique Identifier that says whose template this is."""
        return self.fields.get("00")


class Account(Template, frozen=True, omit_defaults=True):
    """The merchant account in one payment network: root objects 02 to 51."""


class Tip(msgspec.Struct, frozen=True, omit_defaults=True):
    """Tip or convenience fee: `indicator` 01 asks the payer, 02 adds `fixed`, 03 adds `percentage`."""

    indicator: str | None = None
    fixed: str | None = None
    percentage: str | None = None


class Additional(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Root object 62. `***` in a label asks the payer for it. `reserved` and `text` are filled only when reading
    tolerantly.
    """

    bill_number: str | None = None
    mobile_number: str | None = None
    store_label: str | None = None
    loyalty_number: str | None = None
    reference_label: str | None = None
    customer_label: str | None = None
    terminal_label: str | None = None
    purpose: str | None = None
    consumer_data_request: str | None = None
    merchant_tax_id: str | None = None
    merchant_channel: str | None = None
    templates: tuple[Template, ...] = ()
    reserved: dict[str, str] = {}
    text: str = ""


class Language(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Root object 64: name and city in the merchant's own script. `reserved`, `text` as in Additional."""

    language: str | None = None
    name: str | None = None
    city: str | None = None
    reserved: dict[str, str] = {}
    text: str = ""


class MerchantCode(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A merchant-presented code, every value as the text that stands in the payload, templates by identifier.

    `currency` is the numeric ISO 4217 code, `amount` decimal text, `point_of_initiation` "11" static or "12" dynamic.
    `reserved` (root 65 to 79) is filled only when reading tolerantly.
    """

    payload_format: str = PAYLOAD_FORMAT
    point_of_initiation: str | None = None
    accounts: tuple[Account, ...] = ()
    mcc: str | None = None
    currency: str | None = None
    amount: str | None = None
    tip: Tip | None = None
    country: str | None = None
    name: str | None = None
    city: str | None = None
    postal_code: str | None = None
    additional: Additional | None = None
    language: Language | None = None
    unreserved: tuple[Template, ...] = ()
    reserved: dict[str, str] = {}


class Field(NamedTuple):
    """The rule of one plain object. `match` returns None for a value that the rule refuses."""

    tag: str
    attribute: str
    chars_max: int
    match: Callable[[Any], object]
    wants: str
    chars_min: int = 1

    @property
    def title(self) -> str:
        """The field's name in words."""
        return self.attribute.replace("_", " ").replace(".", " ")


def _pattern(expression: str) -> Callable[[str], object]:
    return re.compile(expression).fullmatch


def _ans(tag: str, attribute: str, chars_max: int) -> Field:
    """Alphanumeric special: the common character set of EMV Book 4, printable ASCII."""
    match = _pattern(f"[ -~]{{1,{chars_max}}}")
    return Field(tag, attribute, chars_max, match, f"1 to {chars_max} printable ASCII characters")


# Digits and at most one point, 13 characters, not zero; "98." is legal, ".5" is not.
_AMOUNT = _pattern(r"(?=.{1,13}\Z)(?=[0.]*[1-9])[0-9]+(?:\.[0-9]*)?")
_AMOUNT_WANTS = "digits with at most one point, not zero, at most 13 characters"
# 00.01 to 99.99.
_PERCENTAGE = _pattern(r"(?=.{1,5}\Z)(?=[0.]*[1-9])(?!0*\.00)0*[0-9]{1,2}(?:\.[0-9]*)?")

ROOT_FIELDS = (
    Field("00", "payload_format", 2, _pattern("01"), "01"),
    Field("01", "point_of_initiation", 2, _pattern("1[12]"), "11 (static) or 12 (dynamic)"),
    Field("52", "mcc", 4, _pattern("[0-9]{4}"), "four digits (ISO 18245)"),
    Field("53", "currency", 3, CURRENCIES.get, "a three-digit ISO 4217 code"),
    Field("54", "amount", 13, _AMOUNT, _AMOUNT_WANTS),
    Field("55", "tip.indicator", 2, _pattern("0[123]"), "01, 02 or 03"),
    Field("56", "tip.fixed", 13, _AMOUNT, _AMOUNT_WANTS),
    Field("57", "tip.percentage", 5, _PERCENTAGE, "00.01 to 99.99"),
    Field("58", "country", 2, COUNTRIES.get, "the two capital letters of a country (ISO 3166-1)"),
    _ans("59", "name", 25),
    _ans("60", "city", 15),
    _ans("61", "postal_code", 10),
)
ADDITIONAL_FIELDS = (
    _ans("01", "bill_number", 25),
    _ans("02", "mobile_number", 25),
    _ans("03", "store_label", 25),
    _ans("04", "loyalty_number", 25),
    _ans("05", "reference_label", 25),
    _ans("06", "customer_label", 25),
    _ans("07", "terminal_label", 25),
    _ans("08", "purpose", 25),
    Field("09", "consumer_data_request", 3, _pattern(r"(?=.{1,3}\Z)(?!.*(.).*\1)[AME]+"), "A, M, E, each at most once"),
    _ans("10", "merchant_tax_id", 20),
    Field("11", "merchant_channel", 3, _pattern("[ -~]{3}"), "three characters: medium, location, presence", 3),
)
LANGUAGE_FIELDS = (
    Field("00", "language", 2, _pattern("[A-Za-z]{2}"), "two letters (ISO 639-1)"),
    Field("01", "name", 25, _pattern(r"(?s:.{1,25})"), "1 to 25 characters"),
    Field("02", "city", 15, _pattern(r"(?s:.{1,15})"), "1 to 15 characters"),
)
GUID = _ans("00", "guid", GUID_CHARS_MAX)
CARD = _ans("02", "account", 99)

MANDATORY = ("52", "53", "58", "59", "60")  # besides 00, 63 and one account, which have rules of their own


def _ids(first: int, last: int) -> frozenset[str]:
    return frozenset(f"{number:02d}" for number in range(first, last + 1))


CARD_IDS = _ids(2, 25)  # card schemes: a number of their own, never a template
ACCOUNT_IDS = _ids(2, 51)
ADDITIONAL_TEMPLATE_IDS = _ids(50, 99)
UNRESERVED_IDS = _ids(80, 99)
TEMPLATE_IDS = (ACCOUNT_IDS - CARD_IDS) | UNRESERVED_IDS | {"62", "64"}
# The scheme's signature, as signature.py makes it: its templates and the fields of each.
SIGNATURE_FIELDS = {"98": frozenset(("00", "01", "02")), "99": frozenset(("00", "02"))}


def _getter(attribute: str) -> Callable[[MerchantCode], str | None]:
    """Reads one value of a code by attribute, None where the object around it is absent."""
    parent, _, child = attribute.rpartition(".")
    if not parent:
        return attrgetter(attribute)
    get_parent, get_child = attrgetter(parent), attrgetter(child)

    def get(code: MerchantCode) -> str | None:
        inner = get_parent(code)
        return None if inner is None else cast("str | None", get_child(inner))

    return get


# Where each object with a value of its own stands in a code, by path.
ATTRIBUTES: dict[str, str] = (
    {field.tag: field.attribute for field in ROOT_FIELDS}
    | {f"62.{field.tag}": f"additional.{field.attribute}" for field in ADDITIONAL_FIELDS}
    | {f"64.{field.tag}": f"language.{field.attribute}" for field in LANGUAGE_FIELDS}
)
VALUE_PATHS = {path: _getter(attribute) for path, attribute in ATTRIBUTES.items()}
