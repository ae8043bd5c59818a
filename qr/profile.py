"""A payment scheme as data: one TOML file says where the account sits and which rules the scheme changes.

Over EMVCo's rules (reader.py, writer.py) a profile waives some, adds others, and names the sub-fields of its
templates, so that a hub operator adds a country with a file and no Python. network.py applies what is loaded here.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from qr.emv import ACCOUNT_IDS, ADDITIONAL_TEMPLATE_IDS, UNRESERVED_IDS, VALUE_PATHS, MerchantCode, Template
from qr.errors import Finding, ProfileError
from qr.iso import COUNTRIES, find_currency
from qr.tlv import TlvError, split

PACKAGED = Path(__file__).with_name("profiles")
FILE_BYTES_MAX = 65_536

TwoDigits = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{2}\Z")]
Length = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,2}(-[0-9]{1,2})?\Z")]
Range = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{2}(-[0-9]{2})?\Z")]
Match = Callable[[str], object]
Getter = Callable[[MerchantCode], str | None]

# n digits, ans printable ASCII, s any text (EMV MPM 4.4).
_CHARACTERS = {"n": "[0-9]", "ans": "[ -~]", "s": r"[^\x00-\x1f]"}


def _compile(pattern: str) -> Match:
    """A full match; words between bars are looked up, which is faster."""
    words = pattern.split("|")
    if all(word.isidentifier() or word.isdecimal() for word in words):
        return {word: word for word in words}.get
    return re.compile(pattern).fullmatch


class SubField(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """One object in a template: its type and length in characters, a pattern, and the value written by default."""

    id: TwoDigits
    name: str
    type: Literal["n", "ans", "s"] = "ans"
    length: Length = "1-99"
    pattern: str | None = None
    required: bool = True
    value: str | None = None
    fields: tuple[SubField, ...] = ()

    @cached_property
    def match(self) -> Match:
        """Answers None for a value that is not this field's."""
        if self.fields:
            return self._match_fields
        if self.pattern is not None:
            return _compile(self.pattern)
        low, _, high = self.length.partition("-")
        return re.compile(f"{_CHARACTERS[self.type]}{{{low},{high or low}}}").fullmatch

    @property
    def shape(self) -> str:
        """What the field must be, for people."""
        if self.fields:
            return "made of " + ", ".join(f"{field.id} {field.name}" for field in self.fields)
        return self.pattern or f"{self.length} characters of type {self.type}"

    def _match_fields(self, value: str) -> object:
        try:
            inner = split(value)
        except TlvError:
            return None
        known = {field.id: field for field in self.fields}
        sound = all(field.id in inner for field in self.fields if field.required)
        return (sound and all(tag in known and known[tag].match(text) for tag, text in inner.items())) or None


class TemplateRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """A template of the scheme: the identifiers it may stand under, the GUID that marks it, its fields.

    `guid` lists names (compared without case), `guid_pattern` describes them where every issuer has its own,
    `text_pattern` is for values that are no template at all; with none of them the identifier alone decides. `open`
    templates may hold fields that the profile does not name.
    """

    name: str
    tags: tuple[Range, ...]
    guid: tuple[str, ...] = ()
    guid_pattern: str | None = None
    text_pattern: str | None = None
    required: bool = False
    open: bool = False
    fields: tuple[SubField, ...] = msgspec.field(default=(), name="field")

    @cached_property
    def ids(self) -> frozenset[str]:
        """Every identifier the template may stand under."""
        return frozenset(
            f"{number:02d}"
            for bounds in (tag.partition("-") for tag in self.tags)
            for number in range(int(bounds[0]), int(bounds[2] or bounds[0]) + 1)
        )

    @cached_property
    def matches(self) -> dict[str, Match]:
        """The rule of each field by identifier."""
        return {field.id: field.match for field in self.fields}

    @cached_property
    def required_ids(self) -> frozenset[str]:
        """Fields that must be there."""
        return frozenset(field.id for field in self.fields if field.required)

    @cached_property
    def _match_guid(self) -> Match | None:
        if self.guid_pattern is not None:
            # A scheme's codes all have the same one or few.
            return lru_cache(maxsize=256)(_compile(self.guid_pattern))
        names = {name.lower(): name for name in self.guid}
        return (lambda guid: names.get(guid.lower())) if names else None

    @cached_property
    def _match_text(self) -> Match:
        return _compile(self.text_pattern or "(?!)")

    def judge(self, template: Template) -> bool | None:
        """Whether the template keeps this rule; None when it is not this one.

        It is known by its GUID, and where that is no fixed name by its required fields too.
        """
        if template.tag not in self.ids:
            return None
        fields = template.fields
        if not fields:
            return True if self._match_text(template.text) is not None else None
        match_guid = self._match_guid
        if match_guid is not None and ("00" not in fields or match_guid(fields["00"]) is None):
            return None
        sound = fields.keys() >= self.required_ids
        match_of = self.matches.get
        for tag, value in fields.items():
            match = match_of(tag)
            if match is not None and match(value) is None:
                sound = False
        return sound if sound or self.guid or self._has_required(fields) else None

    def _has_required(self, fields: dict[str, str]) -> bool:
        return all(tag in fields and self.matches[tag](fields[tag]) is not None for tag in self.required_ids)

    def owns(self, template: Template) -> bool:
        """Whether `template` is this one, sound or not."""
        return self.judge(template) is not None


class Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """Rules on single objects by path (`54`, `62.05`), in force when every object in `when` matches its pattern."""

    name: str = ""
    when: dict[str, str] = {}
    required: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    values: dict[str, str] = {}

    @cached_property
    def _conditions(self) -> tuple[tuple[Getter, Match], ...]:
        return tuple((VALUE_PATHS[path], _compile(pattern)) for path, pattern in self.when.items())

    def applies(self, code: MerchantCode) -> bool:
        """Whether the rules are in force for `code`."""
        for get, match in self._conditions:
            value = get(code)
            if value is None or match(value) is None:
                return False
        return True

    @cached_property
    def required_getters(self) -> tuple[tuple[str, Getter], ...]:
        """`required`, with what reads each value."""
        return tuple((path, VALUE_PATHS[path]) for path in self.required)

    @cached_property
    def forbidden_getters(self) -> tuple[tuple[str, Getter], ...]:
        """`forbidden`, with what reads each value."""
        return tuple((path, VALUE_PATHS[path]) for path in self.forbidden)

    @cached_property
    def value_matches(self) -> tuple[tuple[str, Getter, Match], ...]:
        """`values`, with what reads and checks each value."""
        return tuple((path, VALUE_PATHS[path], _compile(pattern)) for path, pattern in self.values.items())


NO_RULES = Rules()


class Golden(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A payload that the profile must accept, where it comes from, and account values it must read from it."""

    payload: str
    source: str
    values: dict[str, str] = {}


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """One payment scheme.

    `waive` lists EMVCo findings its codes do without, as `path` or `path:code`; `tolerate` those that live codes show
    and only reading forgives. `defaults` are written by `with_defaults`.
    """

    id: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{1,31}\Z")]
    name: str
    source: str
    countries: tuple[str, ...] = ()
    currencies: tuple[str, ...] = ()
    waive: tuple[str, ...] = ()
    tolerate: tuple[str, ...] = ()
    defaults: dict[str, str] = {}
    rules: Rules = NO_RULES
    cases: tuple[Rules, ...] = msgspec.field(default=(), name="case")
    accounts: tuple[TemplateRule, ...] = msgspec.field(default=(), name="account")
    additional: tuple[TemplateRule, ...] = ()
    unreserved: tuple[TemplateRule, ...] = ()
    golden: tuple[Golden, ...] = ()

    @cached_property
    def section(self) -> str:
        """The profile as the source of a finding."""
        return f"profile {self.id}"

    @cached_property
    def currency_codes(self) -> frozenset[str]:
        """The scheme's currencies: the numbers a payload should hold, and the letters that some hold instead."""
        found = (find_currency(code) for code in self.currencies)
        return frozenset(code for currency in found if currency for code in (currency.numeric, currency.alpha))

    def waives(self, finding: Finding, *, reading: bool) -> bool:
        """Whether the scheme does without the rule that `finding` is about."""
        waived = (*self.waive, *self.tolerate) if reading else self.waive
        return finding.path in waived or f"{finding.path}:{finding.code}" in waived


def parse_profile(text: str, origin: str = "profile") -> Profile:
    """A profile from TOML text; ProfileError with findings (path in the file, message) when it is not valid.

    Its golden payloads are not tried here: `validate_profile` does that.
    """
    if len(text) > FILE_BYTES_MAX:
        raise _invalid(origin, "", f"more than {FILE_BYTES_MAX} characters")
    try:
        profile = msgspec.convert(tomllib.loads(text), Profile)
    except tomllib.TOMLDecodeError as error:
        raise _invalid(origin, "", f"not TOML: {error}") from None
    except msgspec.ValidationError as error:
        raise _invalid(origin, "", str(error)) from None
    faults = [_invalid_finding(origin, path, message) for path, message in _faults(profile)]
    if faults:
        raise ProfileError(tuple(faults))
    return profile


def read_profile(path: Path) -> Profile:
    """A profile from a file; ProfileError when it is not valid, OSError when it cannot be read."""
    return parse_profile(path.read_text(encoding="utf-8"), path.name)


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


def _faults(profile: Profile) -> list[tuple[str, str]]:
    """What TOML's shape cannot say: places, codes, patterns."""
    faults = [(f"countries.{code}", "not an ISO 3166-1 code") for code in profile.countries if code not in COUNTRIES]
    faults += [
        (f"currencies.{code}", "not an ISO 4217 code") for code in profile.currencies if find_currency(code) is None
    ]
    if not profile.accounts:
        faults.append(("account", "at least one account is needed"))
    for kind, rules, places in (
        ("account", profile.accounts, ACCOUNT_IDS),
        ("additional", profile.additional, ADDITIONAL_TEMPLATE_IDS),
        ("unreserved", profile.unreserved, UNRESERVED_IDS),
    ):
        for rule in rules:
            faults += [(f"{kind}.{rule.name}.{path}", message) for path, message in _template_faults(rule, places)]
    for case in (profile.rules, *profile.cases):
        where = f"case.{case.name}" if case.name else "rules"
        paths = (*case.when, *case.required, *case.forbidden, *case.values)
        faults += [(where, f"{path} is no object with a value") for path in paths if path not in VALUE_PATHS]
        faults += _pattern_faults(where, (*case.when.values(), *case.values.values()))
    return faults + [("defaults", f"{path} is no object") for path in profile.defaults if path not in VALUE_PATHS]


def _template_faults(rule: TemplateRule, places: frozenset[str]) -> list[tuple[str, str]]:
    faults: list[tuple[str, str]] = []
    if not rule.ids or not rule.ids <= places:
        faults.append(("tags", f"must lie in {min(places)} to {max(places)}"))
    if sum((bool(rule.guid), rule.guid_pattern is not None, rule.text_pattern is not None)) > 1:
        faults.append(("guid", "at most one of guid, guid_pattern, text_pattern is possible"))
    faults += _pattern_faults("guid", (rule.guid_pattern, rule.text_pattern))
    fields = [*rule.fields, *(inner for field in rule.fields for inner in field.fields)]
    if len({field.name for field in fields}) < len(fields):
        faults.append(("field", "names must differ"))
    for field in fields:
        faults += _pattern_faults(f"field.{field.name}", (field.pattern,))
    return faults


def _pattern_faults(path: str, patterns: tuple[str | None, ...]) -> list[tuple[str, str]]:
    faults = []
    for pattern in patterns:
        try:
            re.compile(pattern or "")
        except re.error as error:
            faults.append((path, f"{pattern!r} is no regular expression: {error}"))
    return faults


def _invalid_finding(origin: str, path: str, message: str) -> Finding:
    return Finding(path, "profile_invalid", message, "fatal", origin)


def _invalid(origin: str, path: str, message: str) -> ProfileError:
    return ProfileError((_invalid_finding(origin, path, message),))
