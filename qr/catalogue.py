"""Profiles from files: parsed, checked, found by id.

The TOML is untrusted, since operators bring their own files: any text gives a valid Profile or a ProfileError that
names the place.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import msgspec

from qr.emv import (
    ACCOUNT_IDS,
    ADDITIONAL_FIELDS,
    ADDITIONAL_TEMPLATE_IDS,
    GUID,
    LANGUAGE_FIELDS,
    ROOT_FIELDS,
    TEMPLATE_IDS,
    UNRESERVED_IDS,
    VALUE_PATHS,
)
from qr.errors import Finding, ProfileError
from qr.iso import COUNTRIES, find_currency
from qr.profile import ANY_FIELD, UNFORGIVABLE, Profile, Rules, SubField, TemplateRule, is_value_path
from qr.tlv import IDS

PACKAGED = Path(__file__).with_name("profiles")
FILE_BYTES_MAX = 65_536

# Findings of severity error, by code; those of structure are fatal outside templates.
_STRUCTURE = frozenset(("bad_header", "empty_value", "value_overruns", "duplicate_id"))
FORGIVABLE = _STRUCTURE | {
    "bad_value",
    "too_long",
    "bad_character",
    "missing",
    "guid_missing",
    "reserved_id",
    "no_account",
    "tip_mismatch",
    "checksum_lower_case",
    "not_precomposed",
    "payload_too_long",
    # Warnings.
    "guid_shape",
    "not_ascii",
    "mcc_unlisted",
    "undefined_id",
    "dynamic_without_amount",
    "too_many_decimals",
    "currency_withdrawn",
}
_FATAL = frozenset(
    (
        "checksum_wrong",
        "checksum_missing",
        "checksum_not_last",
        "format_not_first",
        "not_unicode",
        "input_too_long",
        "empty",
    )
)

_EMV_FIELDS = (
    {field.tag: field for field in ROOT_FIELDS}
    | {f"62.{field.tag}": field for field in ADDITIONAL_FIELDS}
    | {f"64.{field.tag}": field for field in LANGUAGE_FIELDS}
)
Faults = Iterator[tuple[str, str]]


def parse_profile(text: str, origin: str = "profile") -> Profile:
    """A profile from TOML text; ProfileError with findings (path in the file, message) when it is not valid.

    Its golden payloads are not checked here: `validate_profile` does that.
    """
    if len(text) > FILE_BYTES_MAX:
        raise _invalid(origin, "", f"more than {FILE_BYTES_MAX} characters")
    if text.startswith("\ufeff"):
        raise _invalid(origin, "", "begins with a byte order mark: save it as UTF-8 without one")
    try:
        profile = msgspec.convert(tomllib.loads(text), Profile)
        faults = [_invalid_finding(origin, path, message) for path, message in _faults(profile)]
    except tomllib.TOMLDecodeError as error:
        raise _invalid(origin, "", f"not TOML: {error}") from None
    except msgspec.ValidationError as error:
        raise _invalid(origin, "", str(error)) from None
    except ValueError:
        raise _invalid(origin, "", "not TOML: a number has too many digits") from None
    except RecursionError:
        raise _invalid(origin, "", "nested too deeply") from None
    if faults:
        raise ProfileError(tuple(faults))
    return profile


def read_profile(path: Path) -> Profile:
    """A profile from a file; ProfileError when it is not valid, OSError when it cannot be read."""
    with path.open("rb") as file:
        content = file.read(FILE_BYTES_MAX + 1)
    if len(content) > FILE_BYTES_MAX:
        raise _invalid(path.name, "", f"more than {FILE_BYTES_MAX} bytes")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise _invalid(path.name, "", f"not UTF-8 at byte {error.start}: save it as UTF-8") from None
    return parse_profile(text, path.name)


@cache
def find_profile(profile_id: str) -> Profile:
    """A profile that comes with this library, by id; ProfileError when there is none."""
    path = PACKAGED / f"{profile_id}.toml"
    if not re.fullmatch("[a-z0-9-]+", profile_id) or not path.is_file():
        raise _invalid(profile_id, "", "no such profile")
    return read_profile(path)


@cache
def list_profiles() -> tuple[Profile, ...]:
    """Every profile that comes with this library, by id."""
    return tuple(find_profile(path.stem) for path in sorted(PACKAGED.glob("*.toml")))


def _faults(profile: Profile) -> Faults:
    """Faults that the types cannot express: places, codes, patterns."""
    for country in profile.countries:
        if country not in COUNTRIES:
            yield f"countries.{country}", "not an ISO 3166-1 code"
    for currency in profile.currencies:
        if find_currency(currency) is None:
            yield f"currencies.{currency}", "not an ISO 4217 code"
    if not profile.accounts:
        yield "account", "at least one account is needed"
    patterns_sound = True
    for path in profile.silent:
        if path not in VALUE_PATHS:
            yield f"silent.{path}", f"{path} is no object with a value"
    for where, rules in _rules(profile):
        for path in (*rules.when, *rules.required, *rules.forbidden, *rules.values):
            if not is_value_path(path):
                yield where, f"{path} is no object with a value"
        for fault in _pattern_faults(where, (*rules.when.values(), *rules.values.values())):
            patterns_sound = False
            yield fault
    for kind, rules_of_kind, places in (
        ("account", profile.accounts, ACCOUNT_IDS),
        ("additional", profile.additional, ADDITIONAL_TEMPLATE_IDS),
        ("unreserved", profile.unreserved, UNRESERVED_IDS),
    ):
        for rule in rules_of_kind:
            for path, message in _template_faults(rule, places):
                yield f"{kind}.{rule.name}.{path}", message
    for key, entries in (("waive", profile.waive), ("tolerate", profile.tolerate)):
        for entry in entries:
            for message in _waiver_faults(entry):
                yield f"{key}.{entry}", message
    if patterns_sound:
        yield from _default_faults(profile)


def _rules(profile: Profile) -> Iterator[tuple[str, Rules]]:
    yield "rules", profile.rules
    yield "writing", profile.writing
    yield "advice", profile.advice
    yield from ((f"case.{case.name}", case) for case in profile.cases)


def _template_faults(rule: TemplateRule, places: frozenset[str]) -> Faults:
    if not rule.ids or not rule.ids <= places:
        yield "tags", f"must lie in {min(places)} to {max(places)}"
    if sum((bool(rule.guid), rule.guid_pattern is not None, rule.text_pattern is not None)) > 1:
        yield "guid", "at most one of guid, guid_pattern, text_pattern is possible"
    for guid in rule.guid:
        if GUID.match(guid) is None:
            yield "guid", f"must be {GUID.wants}, and it is {guid!r}"
    yield from _pattern_faults("guid", (rule.guid_pattern, rule.text_pattern))
    names = [field.name for field in _all_fields(rule.fields)]
    if len(set(names)) < len(names):
        yield "field", "field names must be unique"
    for name in rule.one_of:
        if name != ANY_FIELD and all(name != field.name for field in rule.fields):
            yield "one_of", f"{name} is not a field of the template"
    yield from _sibling_faults("field", rule.fields)


def _all_fields(fields: Iterable[SubField]) -> Iterator[SubField]:
    for field in fields:
        yield field
        yield from _all_fields(field.fields)


def _sibling_faults(where: str, fields: tuple[SubField, ...]) -> Faults:
    """Faults of fields in one template and of those within them."""
    ids = [field.id for field in fields]
    for tag in sorted({tag for tag in ids if ids.count(tag) > 1}):
        yield where, f"identifier {tag} occurs twice"
    for field in fields:
        path = f"{where}.{field.name}"
        low, high = field.bounds
        faults = list(_pattern_faults(path, (field.pattern,)))
        if not 0 < low <= high:
            faults.append((path, f"length {field.length} must rise, from 1 at least"))
        if not faults and field.value is not None and field.match(field.value) is None:
            faults.append((path, f"value must be {field.shape}, and it is {field.value!r}"))
        yield from faults
        yield from _sibling_faults(path, field.fields)


def _pattern_faults(path: str, patterns: Iterable[str | None]) -> Faults:
    for pattern in patterns:
        try:
            re.compile(pattern or "")
        except (re.error, OverflowError, RecursionError) as error:
            yield path, f"{pattern!r} is no regular expression: {error}"


def _waiver_faults(entry: str) -> Iterator[str]:
    """Why an entry of waive or tolerate matches no finding, or one that may not be waived."""
    path, colon, code = entry.partition(":")
    tags = path.split(".")
    if not _is_finding_path(path):
        yield f"{path!r} is not where a finding may stand"
    elif colon and code not in FORGIVABLE | _FATAL | {UNFORGIVABLE}:
        yield f"there is no finding {code!r}"
    elif code == UNFORGIVABLE:
        yield f"{code} may not be forgiven"
    elif code in _FATAL or (code in _STRUCTURE and len(tags) == 1 and path not in TEMPLATE_IDS):
        yield f"{entry} is fatal and may not be forgiven"
    elif not colon and path in ("", "00", "63"):
        yield f"may be fatal at {path or 'the payload'}: name the finding, as {path}:code"


def _is_finding_path(path: str) -> bool:
    if path in ("", "02-51"):
        return True
    root, *inner = path.split(".")
    if root not in IDS or not IDS.issuperset(inner):
        return False
    if len(inner) == 2:
        return root == "62" and inner[0] in ADDITIONAL_TEMPLATE_IDS
    return not inner or (len(inner) == 1 and root in TEMPLATE_IDS)


def _default_faults(profile: Profile) -> Faults:
    """Defaults that EMVCo's rules, unless waived, or the profile's own would refuse."""
    for path, value in profile.defaults.items():
        where = f"defaults.{path}"
        field = _EMV_FIELDS.get(path)
        if field is None:
            yield where, f"{path} is no object"
            continue
        finding = Finding(path, "bad_value", "", "error", "")
        if field.match(value) is None and not (value and profile.waives(finding, reading=False)):
            yield where, f"must be {field.wants}, and it is {value!r}"
        own = {"53": profile.currency_codes, "58": frozenset(profile.countries)}.get(path)
        if own and value not in own:
            yield where, f"{value} is not among the profile's own"
        for rules in (profile.rules, profile.writing):
            pattern = rules.values.get(path)
            if pattern is not None and re.fullmatch(pattern, value) is None:
                yield where, f"must be {rules.shape(path)}, and it is {value!r}"


def _invalid_finding(origin: str, path: str, message: str) -> Finding:
    return Finding(path, "profile_invalid", message, "fatal", origin)


def _invalid(origin: str, path: str, message: str) -> ProfileError:
    return ProfileError((_invalid_finding(origin, path, message),))
