"""Form of the answers: every value that is present either obeys its field's rule or is a Problem.

Runs on each save of an application and again in kyb.assess. Completeness is not judged here but in
kyb.requirements. Rules stand in one table per section; rules between fields follow the tables. Messages never
repeat a value, since many of them are personal data.
"""

import re
import unicodedata
from collections import Counter as Tally
from collections.abc import Callable, Collection, Iterator
from datetime import date, datetime
from functools import lru_cache
from itertools import chain, islice
from typing import Any
from urllib.parse import urlsplit

import phonenumbers
import stdnum.lei
from msgspec import Struct

from kyb import codes
from kyb.aliases import ALIAS_PATTERN, alias_form, is_alias, is_like_a_number
from kyb.applicant import Location, Sections
from kyb.identity_numbers import MIN_IDENTITY_CHARS, MIN_REGISTER_CHARS, implausible_number
from kyb.letters import has_invisible, shows_something
from kyb.owner_rules import owner_problems
from kyb.problem import Fault, Problem
from kyb.shown_names import MAX_USSD_NAME_SEPTETS, legibility_problem

MAX_TRADING_NAME_CHARS = 128  # FSPIOP 1.1 data model: PartyName, what a payer is shown
MAX_LEGAL_NAME_CHARS = 256  # our limit: twice what any of the 598 legal entities in our test data needs
MAX_NAME_CHARS = 128  # a counter's or a place's name
MAX_PERSON_NAME_CHARS = 200  # one part of a person's name, or an account's; passports shorten, registers do not
MAX_ADDRESS_LINES = 7  # ISO 20022 PostalAddress: AddressLine 0..7
MAX_ADDRESS_LINE_CHARS = 70  # ISO 20022 Max70Text
MAX_CITY_CHARS = 70  # as people write it: Bangkok's has 41 letters; ISO 20022 and EMVCo cut it to 35 and 15
MAX_POSTAL_CODE_CHARS = 16  # ISO 20022 Max16Text
MAX_IDENTIFIER_CHARS = 64  # registration, tax and identity numbers, account ids, external_ref
MAX_REF_CHARS = 32  # names of owners within one application: our limit
MAX_EMAIL_CHARS = 254  # RFC 5321 section 4.5.3.1.3, less the angle brackets
MAX_URL_CHARS = 255
MAX_OWNERS = 50
MAX_LOCATIONS = 200
MAX_COUNTERS = 200  # per location
MAX_COUNTERS_OF_MERCHANT = 1000  # a chain's largest store; more is surely a loop in someone's script
MAX_CURRENCIES = 10
MAX_TURNOVER_MINOR = 10**15  # keeps sums inside a 64-bit integer
MAX_AGE_YEARS = 120
MIN_AGE_YEARS = 15  # youngest working age in ILO Convention 138; a policy may ask for more
MIN_OWNERSHIP_PERCENT = 0.01  # of an owner; 0 is a director's who owns nothing

# Unicode categories Cc, Cs, Zl and Zp; then marks that turn the direction of writing: a name could read differently
# from what it is (Unicode TR 36).
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_ABROAD = re.compile(r"\A\s*\(?0\s*0\)?")  # how most countries begin a number abroad (ITU-T E.123)
_FORMULAS = frozenset("=+-@")  # what begins a formula in a spreadsheet (OWASP, CSV injection)
_EMAIL = re.compile(r"[^\s@<>()\[\],;:\"\\]{1,64}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W_]{2,63}")
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_YEAR = re.compile(r"[0-9]{4}")
_BAD_DATE = ("bad_date", "Must be a date as YYYY-MM-DD, or a year where the document has no more.")


class _Context(Struct, frozen=True):
    """What a rule may look at beside the value: today, the country of phone numbers without +, what no alias may be."""

    today: date
    country: str | None
    reserved_aliases: Collection[str]
    drawn_digits: int | None


_Rule = Callable[[Any, _Context], Fault | None]


def _text(max_chars: int) -> _Rule:
    def check(value: str, _: _Context) -> Fault | None:
        if not shows_something(value):
            return "blank", "Must not be empty."
        if _FORBIDDEN.search(value):
            return "control_character", "Must not hold control characters or line breaks."
        if len(value) > max_chars:
            return "too_long", f"Must not be longer than {max_chars} characters."
        return None

    return check


def _name(max_chars: int, *, may_be_short: bool = True, may_mix_scripts: bool = False) -> _Rule:
    """Legible text that is no formula to a spreadsheet, into which lists of names are loaded one day."""

    def check(value: str, context: _Context) -> Fault | None:
        if fault := _text(max_chars)(value, context):
            return fault
        # Spreadsheets take the wide forms of East Asian scripts for the same signs.
        if unicodedata.normalize("NFKC", value.strip()[:1])[:1] in _FORMULAS:
            return "like_a_formula", "Must not begin with =, +, - or @."
        return legibility_problem(value, may_be_short=may_be_short, may_mix_scripts=may_mix_scripts)

    return check


def _number(chars_min: int) -> _Rule:
    """A number of a document or a register, which may hold letters too."""

    def check(value: str, context: _Context) -> Fault | None:
        return _identifier(value, context) or implausible_number(value, chars_min)

    return check


def _one_of(allowed: Collection[str]) -> _Rule:
    message = f"Must be one of: {', '.join(allowed)}."
    return lambda value, _: None if value in allowed else ("not_allowed", message)


def _code(lookup: Callable[[], frozenset[str]], standard: str) -> _Rule:
    message = f"Must be a code of {standard}."
    return lambda value, _: None if value in lookup() else ("unknown_code", message)


def _between(low: float, high: float) -> _Rule:
    message = f"Must be a number from {low} to {high}."
    return lambda value, _: None if low <= value <= high else ("out_of_range", message)


def _identifier(value: str, context: _Context) -> Fault | None:
    if fault := _text(MAX_IDENTIFIER_CHARS)(value, context):
        return fault
    return ("invisible_character", "Must not hold characters that cannot be seen.") if has_invisible(value) else None


def _ownership_percent(value: float, _: _Context) -> Fault | None:
    if value == 0 or MIN_OWNERSHIP_PERCENT <= value <= 100:
        return None
    return "out_of_range", "Must be 0, or a number from 0.01 to 100."


def _ussd_name(value: str, context: _Context) -> Fault | None:
    if fault := _name(MAX_USSD_NAME_SEPTETS, may_be_short=False)(value, context):
        return fault
    septets = codes.gsm7_septets(value)
    if septets is None:
        return "not_gsm7", "Must use only characters of the GSM alphabet, which every phone can show."
    if septets > MAX_USSD_NAME_SEPTETS:
        return "too_long", f"Must fit {MAX_USSD_NAME_SEPTETS} septets; brackets and € count twice."
    return None


def _lei(value: str, _: _Context) -> Fault | None:
    return None if stdnum.lei.is_valid(value) else ("bad_check_digits", "Must be a LEI of 20 characters.")


def _phone(value: str, context: _Context) -> Fault | None:
    return None if e164(value, context.country) else ("bad_phone", "Must be a phone number, best with + first.")


def _email(value: str, _: _Context) -> Fault | None:
    right = len(value) <= MAX_EMAIL_CHARS and _EMAIL.fullmatch(value)
    return None if right else ("bad_email", "Must be an e-mail address.")


def _birth_date(value: str, context: _Context) -> Fault | None:
    """A date, or the year where an identity card has no more: then age is counted as kindly as the year allows."""
    today = context.today
    try:  # the pattern first: fromisoformat also takes week dates and dates without dashes
        if _ISO_DATE.fullmatch(value):
            first = last = date.fromisoformat(value)
        elif _YEAR.fullmatch(value):
            first, last = date(int(value), 1, 1), date(int(value), 12, 31)
        else:
            return _BAD_DATE
    except ValueError:
        return _BAD_DATE
    if first > today or _age_years(last, today) > MAX_AGE_YEARS:
        return "implausible_date", "Must be a date on which a living person can be born."
    if _age_years(first, today) < MIN_AGE_YEARS:
        return "too_young", f"Must be at least {MIN_AGE_YEARS} years old."
    return None


def _age_years(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def _website(value: str, context: _Context) -> Fault | None:
    if fault := _text(MAX_URL_CHARS)(value, context):
        return fault
    message = "Must be a web address that starts with https:// or http://."
    try:
        parts = urlsplit(value)
        right = parts.scheme in ("http", "https") and "." in (parts.hostname or "") and " " not in value
    except ValueError:
        right = False
    return None if right else ("bad_url", message)


def _own_alias(value: str, context: _Context) -> Fault | None:
    if not re.fullmatch(ALIAS_PATTERN, value):
        return "bad_alias", "Must be 1 to 32 letters, digits, dots, dashes or underscores."
    if not is_alias(value, context.reserved_aliases):
        return "reserved_alias", "This word is reserved."
    if not alias_form(value):
        return "bad_alias", "Must hold a letter or a digit."
    if context.drawn_digits is not None and is_like_a_number(value, context.drawn_digits):
        return "like_a_number", "Must not look like a number that is drawn; add letters."
    return None


_REGISTER_NUMBER = _number(MIN_REGISTER_CHARS)
_REGISTERED_NAME = _name(MAX_LEGAL_NAME_CHARS, may_mix_scripts=True)
_PERSON_NAME = _name(MAX_PERSON_NAME_CHARS)
_COUNTRY = _code(codes.countries, "ISO 3166-1 (two letters)")
_CURRENCY = _code(codes.currencies, "ISO 4217")

# Rules by section, then field, in the order in which problems are reported. A list's rule is for each item.
_BUSINESS: dict[str, _Rule] = {
    "trading_name": _name(MAX_TRADING_NAME_CHARS, may_be_short=False),
    "legal_name": _REGISTERED_NAME,
    "kind": _one_of(codes.BUSINESS_KINDS),
    "mcc": _code(codes.merchant_category_codes, "ISO 18245 (four digits)"),
    "lei": _lei,
    "registration_number": _REGISTER_NUMBER,
    "tax_id": _REGISTER_NUMBER,
    "currencies": _CURRENCY,
    "monthly_turnover_minor": _between(0, MAX_TURNOVER_MINOR),
    "employees_band": _one_of(codes.EMPLOYEES_BANDS),
    "ussd_name": _ussd_name,
}
_OWNER: dict[str, _Rule] = {
    "given_name": _PERSON_NAME,
    "family_name": _PERSON_NAME,
    "birth_date": _birth_date,
    "id_type": _one_of(codes.ID_TYPES),
    "id_number": _number(MIN_IDENTITY_CHARS),
    "nationality": _COUNTRY,
    "phone": _phone,
    "email": _email,
    "ownership_percent": _ownership_percent,
    "kind": _one_of(codes.OWNER_KINDS),
    "legal_name": _REGISTERED_NAME,
    "registration_number": _REGISTER_NUMBER,
    "country": _COUNTRY,
    "ref": _text(MAX_REF_CHARS),
    "owns": _text(MAX_REF_CHARS),
}
_CONTACT: dict[str, _Rule] = {"name": _PERSON_NAME, "phone": _phone, "email": _email}
_LOCATION: dict[str, _Rule] = {
    "name": _name(MAX_NAME_CHARS),
    "kind": _one_of(codes.LOCATION_KINDS),
    "country": _COUNTRY,
    "subdivision": _code(codes.subdivisions, "ISO 3166-2"),
    "city": _name(MAX_CITY_CHARS),
    "address_lines": _text(MAX_ADDRESS_LINE_CHARS),
    "postal_code": _text(MAX_POSTAL_CODE_CHARS),
    "latitude": _between(-90, 90),
    "longitude": _between(-180, 180),
    "website": _website,
}
_COUNTER: dict[str, _Rule] = {"name": _name(MAX_NAME_CHARS), "own_alias": _own_alias}
_SETTLEMENT_ACCOUNT: dict[str, _Rule] = {
    "account_id": _identifier,
    "account_name": _name(MAX_LEGAL_NAME_CHARS, may_mix_scripts=True),
    "currency": _CURRENCY,
}


def field_problems(
    sections: Sections,
    now: datetime,
    reserved_aliases: Collection[str] = frozenset(),
    drawn_digits: int | None = None,
    most: int | None = None,
) -> tuple[Problem, ...]:
    """Every value present that breaks its rule, in the order of the sections, or the first `most`; empty when all are
    right.

    now decides whether a birth date is plausible. Phones without + are read as numbers of the first
    location's country. Run it on normalised sections (kyb.normalise): codes are compared as written.
    reserved_aliases are words in lower case that own_alias must not be, for example path segments of the caller's API.
    drawn_digits is the length of the numbers that the caller draws, which own_alias must not look like.
    """
    context = _Context(now.date(), phone_country(sections), reserved_aliases, drawn_digits)
    return tuple(islice(chain(_each_field(sections, context), _between_fields(sections)), most))


def phone_country(sections: Sections) -> str | None:
    """The country whose national phone format is accepted: that of the first location."""
    return sections.locations[0].country if sections.locations else None


def e164(phone: str, country: str | None) -> str | None:
    """A phone number as +digits, or None when it cannot be one. 00 stands for + where the country says it otherwise.

    Only the length is held against the numbering plan: plans change faster than any library's copy.
    """
    if any(char.isalpha() for char in phone):  # extensions, and letters that stand for digits
        return None
    number = _possible_number(phone, country)
    if number is None and (abroad := _ABROAD.sub("+", phone)) != phone:
        number = _possible_number(abroad, None)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if number else None


@lru_cache(maxsize=64)  # tidying, checking and storing one application ask for the same ones
def _possible_number(phone: str, country: str | None) -> phonenumbers.PhoneNumber | None:
    try:
        number = phonenumbers.parse(phone, country)
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_possible_number(number) else None


def _each_field(sections: Sections, context: _Context) -> Iterator[Problem]:
    yield from _apply(_BUSINESS, sections.business, "business", context)
    for index, owner in enumerate(sections.owners):
        yield from _apply(_OWNER, owner, f"owners[{index}]", context)
    yield from _apply(_CONTACT, sections.contact, "contact", context)
    for index, location in enumerate(sections.locations):
        yield from _apply(_LOCATION, location, f"locations[{index}]", context)
        for position, counter in enumerate(location.counters):
            yield from _apply(_COUNTER, counter, f"locations[{index}].counters[{position}]", context)
    yield from _apply(_SETTLEMENT_ACCOUNT, sections.settlement_account, "settlement_account", context)
    if sections.external_ref is not None and (fault := _identifier(sections.external_ref, context)):
        yield Problem("external_ref", *fault)


def _apply(rules: dict[str, _Rule], section: Struct, path: str, context: _Context) -> Iterator[Problem]:
    for name, rule in rules.items():
        value = getattr(section, name)
        if isinstance(value, tuple):
            for index, item in enumerate(value):
                if fault := rule(item, context):
                    yield Problem(f"{path}.{name}[{index}]", *fault)
        elif value is not None and (fault := rule(value, context)):
            yield Problem(f"{path}.{name}", *fault)


def _between_fields(sections: Sections) -> Iterator[Problem]:
    """Rules that need more than one value: counts, sums, pairs and references."""
    yield from _too_many("business.currencies", len(sections.business.currencies), MAX_CURRENCIES)
    yield from _too_many("owners", len(sections.owners), MAX_OWNERS)
    yield from _too_many("locations", len(sections.locations), MAX_LOCATIONS)
    counter_count = sum(len(location.counters) for location in sections.locations)
    if counter_count > MAX_COUNTERS_OF_MERCHANT:
        yield Problem("locations", "too_many", f"A merchant has at most {MAX_COUNTERS_OF_MERCHANT} counters.")
    if len(set(sections.business.currencies)) < len(sections.business.currencies):
        yield Problem("business.currencies", "duplicate", "Each currency may stand only once.")
    yield from owner_problems(sections)
    index = sections.contact.owner_index
    if index is not None and not 0 <= index < len(sections.owners):
        yield Problem("contact.owner_index", "unknown_owner", "Must be the position of an owner, counted from 0.")
    for position, location in enumerate(sections.locations):
        yield from _location_problems(location, f"locations[{position}]")
    yield from _repeated_aliases(sections)


def _location_problems(location: Location, path: str) -> Iterator[Problem]:
    yield from _too_many(f"{path}.address_lines", len(location.address_lines), MAX_ADDRESS_LINES)
    yield from _too_many(f"{path}.counters", len(location.counters), MAX_COUNTERS)
    if (location.latitude is None) != (location.longitude is None):
        yield Problem(path, "half_a_position", "Give latitude and longitude together, or neither.")
    country, subdivision = location.country, location.subdivision
    if country and subdivision and not subdivision.startswith(f"{country}-"):
        yield Problem(f"{path}.subdivision", "other_country", "Must be a subdivision of the location's country.")


def _repeated_aliases(sections: Sections) -> Iterator[Problem]:
    aliases = {
        f"locations[{index}].counters[{position}].own_alias": counter.own_alias
        for index, location in enumerate(sections.locations)
        for position, counter in enumerate(location.counters)
        if counter.own_alias is not None
    }
    times = Tally(alias_form(alias) for alias in aliases.values())
    for path, alias in aliases.items():
        if times[alias_form(alias)] > 1:
            yield Problem(path, "duplicate", "One alias belongs to one counter.")


def _too_many(path: str, count: int, limit: int) -> Iterator[Problem]:
    if count > limit:
        yield Problem(path, "too_many", f"At most {limit} are allowed.")
