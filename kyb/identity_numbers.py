"""Numbers of identity documents and registers: one form for comparing, what is surely wrong, what looks doubtful.

A wrong check digit of a well-documented number is refused. Everything else is a doubt, told to the person who checks:
countries change their numbers faster than any table, and a right form proves nothing.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from types import ModuleType

import stdnum.exceptions
from msgspec import Struct

from kyb.applicant import Owner, Sections
from kyb.letters import latin_shapes
from kyb.problem import Fault, Problem

MIN_IDENTITY_CHARS = 4  # letters and digits of an identity document's number: our limit; the shortest known have 6
MIN_REGISTER_CHARS = 3  # of a register's or a tax number: small towns number their licences from 1

_PASSPORT = re.compile(r"[A-Z0-9]{6,9}")  # ICAO 9303 part 4: at most nine in the zone that machines read


class _Form(Struct, frozen=True):
    """How a country writes a kind of number: a pattern of identity_form, how people see it, modules of stdnum."""

    shown: str
    pattern: str = ""
    checked_by: tuple[str, ...] = ()


# (kind, country): the forms in use. Shown with 0 for a digit and A for a letter.
# Sources: the modules of python-stdnum where one is named; otherwise what the issuing authorities print on their cards.
_FORMS: dict[tuple[str, str], tuple[_Form, ...]] = {
    ("national_id", "AO"): (_Form("000000000AA000", r"\d{9}[A-Z]{2}\d{3}"),),
    ("national_id", "BD"): (_Form("10, 13 or 17 digits", r"\d{10}|\d{13}|\d{17}"),),
    ("national_id", "BR"): (_Form("000.000.000-00", checked_by=("br.cpf",)), _Form("RG", r"\d{5,10}[0-9X]")),
    ("national_id", "BW"): (_Form("000000000", r"\d{9}"),),
    ("national_id", "CN"): (_Form("18 digits", checked_by=("cn.ric",)),),
    ("national_id", "DZ"): (_Form("18 digits", r"\d{18}|\d{9}"),),
    ("national_id", "EG"): (_Form("14 digits", r"[23]\d{13}"),),
    ("national_id", "ET"): (_Form("12 or 16 digits", r"\d{12}|\d{16}"),),
    ("national_id", "GH"): (_Form("GHA-000000000-0", r"[A-Z]{3}\d{10}"),),
    ("national_id", "ID"): (_Form("16 digits", checked_by=("id.nik",)),),
    ("national_id", "IN"): (_Form("0000 0000 0000", checked_by=("in_.aadhaar",)),),
    ("national_id", "KE"): (_Form("7 to 9 digits", r"\d{7,9}"),),
    ("national_id", "KH"): (_Form("9 digits", r"\d{9,10}"),),
    ("national_id", "LK"): (_Form("12 digits, or 000000000V", r"\d{12}|\d{9}[VX]"),),
    ("national_id", "MA"): (_Form("AA000000", r"[A-Z]{1,2}\d{4,6}"),),
    ("national_id", "MU"): (_Form("A0000000000000", checked_by=("mu.nid",)),),
    ("national_id", "MW"): (_Form("8 letters and digits", r"[A-Z0-9]{8}"),),
    ("national_id", "MX"): (
        _Form("AAAA000000AAAAAA00", checked_by=("mx.curp",)),
        _Form("INE", r"\d{9,13}|[A-Z]{6}\d{8}[HM]\d{3}"),
    ),
    ("national_id", "MZ"): (_Form("000000000000A", r"\d{12}[A-Z]"),),
    ("national_id", "NA"): (_Form("11 digits", r"\d{11}"),),
    ("national_id", "NG"): (_Form("11 digits", r"\d{11}"),),
    ("national_id", "PH"): (_Form("12 or 16 digits", r"\d{12}|\d{16}"),),
    ("national_id", "PK"): (_Form("00000-0000000-0", checked_by=("pk.cnic",)),),
    ("national_id", "RW"): (_Form("16 digits", r"[1-9]\d{15}"),),
    ("national_id", "SZ"): (_Form("13 digits", r"\d{13}"),),
    ("national_id", "TH"): (_Form("0-0000-00000-00-0", checked_by=("th.pin",)),),
    ("national_id", "TN"): (_Form("8 digits", r"\d{8}"),),
    ("national_id", "TZ"): (_Form("00000000-00000-00000-00", r"\d{20}"),),
    ("national_id", "UG"): (_Form("CM000000000AAA", r"[A-Z]{2}[0-9A-Z]{12}"),),
    ("national_id", "VN"): (_Form("12 digits", r"\d{12}|\d{9}"),),
    ("national_id", "ZA"): (_Form("13 digits", checked_by=("za.idnr",)),),
    ("national_id", "ZM"): (_Form("000000/00/0", r"\d{9}"),),
    ("national_id", "ZW"): (_Form("00-000000A00", r"\d{8,9}[A-Z]\d{2}"),),
    ("tax_id", "BD"): (_Form("12 digits", r"\d{12}"),),
    ("tax_id", "BR"): (_Form("00.000.000/0000-00", checked_by=("br.cnpj", "br.cpf")),),
    ("tax_id", "EG"): (_Form("000-000-000", checked_by=("eg.tn",)),),
    ("tax_id", "ET"): (_Form("10 digits", r"\d{10}"),),
    ("tax_id", "GH"): (_Form("C0000000000", checked_by=("gh.tin",)), _Form("GHA-000000000-0", r"GHA\d{10}")),
    ("tax_id", "GN"): (_Form("9 digits", checked_by=("gn.nifp",)),),
    ("tax_id", "ID"): (_Form("15 or 16 digits", checked_by=("id.npwp", "id.nik")),),
    ("tax_id", "IN"): (_Form("AAAAA0000A", checked_by=("in_.pan", "in_.gstin")),),
    ("tax_id", "KE"): (_Form("A000000000A", checked_by=("ke.pin",)),),
    ("tax_id", "MA"): (_Form("15 digits", checked_by=("ma.ice",)), _Form("8 digits", r"\d{7,8}")),
    ("tax_id", "MX"): (_Form("AAA000000AAA", checked_by=("mx.rfc",)),),
    ("tax_id", "MZ"): (_Form("000 000 000", checked_by=("mz.nuit",)),),
    ("tax_id", "NG"): (_Form("10 to 14 digits", r"\d{10,14}"),),
    ("tax_id", "PH"): (_Form("000-000-000-000", r"\d{9}|\d{12}|\d{14}"),),
    ("tax_id", "PK"): (_Form("0000000-0", r"\d{7,8}|\d{13}"),),
    ("tax_id", "RW"): (_Form("9 digits", r"\d{9}"),),
    ("tax_id", "SN"): (_Form("0000000 0A0", checked_by=("sn.ninea",)),),
    ("tax_id", "TN"): (_Form("0000000A/A/A/000", checked_by=("tn.mf",)),),
    ("tax_id", "TZ"): (_Form("000-000-000", r"\d{9}"),),
    ("tax_id", "UG"): (_Form("10 digits", r"\d{10}"),),
    ("tax_id", "ZA"): (_Form("10 digits", checked_by=("za.tin",)),),
    ("tax_id", "ZM"): (_Form("10 digits", r"\d{10}"),),
    ("tax_id", "ZW"): (_Form("10 digits", r"\d{10}"),),
    ("voter_id", "IN"): (_Form("AAA0000000", checked_by=("in_.epic",)),),
}
# Numbers whose form nothing else has and whose check digit is published: a wrong one was mistyped.
_CERTAIN: dict[tuple[str, str], tuple[str, str]] = {
    ("national_id", "BR"): (r"\d{11}", "br.cpf"),
    ("national_id", "CN"): (r"\d{17}[0-9X]", "cn.ric"),
    ("national_id", "IN"): (r"[2-9]\d{11}", "in_.aadhaar"),
    ("national_id", "TH"): (r"[1-8]\d{12}", "th.pin"),
    ("national_id", "ZA"): (r"\d{13}", "za.idnr"),
    ("tax_id", "BR"): (r"\d{11}", "br.cpf"),
    ("voter_id", "IN"): (r"[A-Z]{3}\d{7}", "in_.epic"),
}

# What people write before a number.
_WORDS = re.compile(
    r"^(?:PASSPORT|NATIONAL|IDENTITY|IDENTIFICATION|CARD|NUMBER|NO|NR|NUM|ID|REG|TAX|TIN|LEI)[\s.:/#°º-]+",
    re.IGNORECASE,
)


def identity_form(text: str) -> str:
    """A number as it is compared: capital letters and digits alone, digits of every script as 0 to 9, and letters that
    look like Latin ones as those.
    """
    plain = latin_shapes(unicodedata.normalize("NFKC", text).upper())
    return "".join(_digit(char) for char in plain if char.isalnum())


def number_form(text: str) -> str:
    """The same without words for what the number is, as in "ID No. 12 345"; this is how two papers are compared."""
    text = unicodedata.normalize("NFKC", text.replace("№", " ")).strip()
    while (shorter := _WORDS.sub("", text)) != text:
        text = shorter
    return identity_form(text)


def implausible_number(text: str, chars_min: int) -> Fault | None:
    """Why a text can be no number of a document or register: too little of it, or no digit."""
    form = identity_form(text)
    if len(form) < chars_min or not any(char.isdigit() for char in form):
        return "not_a_number", f"Must hold at least {chars_min} letters or digits, one of them a digit."
    return None


def wrong_check_digit(kind: str, number: str, country: str | None) -> bool:
    """Whether a number of a country's kind (national_id, tax_id, voter_id) was surely mistyped."""
    form, module = _CERTAIN.get((kind, country or ""), (None, ""))
    text = identity_form(number)
    if form is None or not re.fullmatch(form, text):
        return False
    try:
        _module(module).validate(text)
    except stdnum.exceptions.InvalidChecksum:
        return True
    except stdnum.exceptions.ValidationError:
        return False
    return False


def number_doubt(kind: str, number: str, country: str | None) -> str | None:
    """A sentence for the person who checks when a country writes its numbers otherwise; None when all looks right,
    or when nothing is known. kind is an id_type, or tax_id of a business; country is ISO 3166-1 alpha-2.
    """
    text = identity_form(number)
    if kind == "passport":
        unusual = "Numbers of passports have 6 to 9 letters and digits; compare it with the document."
        return None if _PASSPORT.fullmatch(text) else unusual
    forms = _FORMS.get((kind, country or ""), ())
    if not forms or any(_fits(form, text) for form in forms):
        return None
    return f"Numbers of this kind usually look like {forms[0].shown} in {country}; compare it with the document."


def number_doubts(sections: Sections) -> Iterator[Problem]:
    """Every doubt about the numbers of an application, for its checker: path, unusual_number, sentence."""
    place = sections.locations[0].country if sections.locations else None
    for index, owner in enumerate(sections.owners):
        if owner.id_type and owner.id_number:
            country = place if owner.id_type == "tax_id" else owner.nationality or place
            if doubt := number_doubt(owner.id_type, owner.id_number, country):
                yield Problem(f"owners[{index}].id_number", "unusual_number", doubt)
    tax_id = sections.business.tax_id
    if tax_id and (doubt := number_doubt("tax_id", tax_id, place)):
        yield Problem("business.tax_id", "unusual_number", doubt)


def owner_identity(owner: Owner) -> tuple[str, ...] | None:
    """What two entries of one owner have in common: a person's document, or a company's number in its register."""
    if owner.id_type and owner.id_number:
        return owner.id_type, identity_form(owner.id_number), owner.nationality or ""
    if owner.kind == "company" and owner.registration_number:
        return "registration_number", identity_form(owner.registration_number), owner.country or ""
    return None


def _fits(form: _Form, text: str) -> bool:
    if form.checked_by:
        return any(_module(name).is_valid(text) for name in form.checked_by)
    return re.fullmatch(form.pattern, text) is not None


@cache
def _module(name: str) -> ModuleType:
    return import_module(f"stdnum.{name}")


def _digit(char: str) -> str:
    value = unicodedata.decimal(char, None)
    return char if value is None else str(value)
