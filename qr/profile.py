"""A payment scheme as data: one TOML file says where the account sits and which rules the scheme changes.

Over EMVCo's rules (reader.py, writer.py) a profile waives some, adds others, and names the sub-fields of its
templates, so that a hub operator adds a country with a file and no Python. catalogue.py loads and checks it,
network.py applies it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Annotated, Literal

import msgspec

from qr.emv import VALUE_PATHS, MerchantCode, Template
from qr.errors import Finding
from qr.iso import find_currency
from qr.tlv import IDS, TlvError, split

ANY_FIELD = "*"  # in one_of: any sub-field besides the GUID
UNFORGIVABLE = "control_character"  # the one error that no scheme waives: it deceives who reads the screen

TwoDigits = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{2}\Z")]
Length = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,2}(-[0-9]{1,2})?\Z")]
Range = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{2}(-[0-9]{2})?\Z")]
Match = Callable[[str], object]
Getter = Callable[[MerchantCode], str | None]

# n digits, ans printable ASCII, s any text (EMV MPM 4.4).
_CHARACTERS = {"n": "[0-9]", "ans": "[ -~]", "s": r"[^\x00-\x1f]"}


def _compile(pattern: str, shape: Match | None = None) -> Match:
    """A full match, of `shape` too; words between bars are looked up, which is faster."""
    words = pattern.split("|")
    if all(word.isidentifier() or word.isdecimal() for word in words):
        return {word: word for word in words if shape is None or shape(word) is not None}.get
    match = re.compile(pattern).fullmatch
    return match if shape is None else lambda value: None if shape(value) is None else match(value)


class SubField(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """One object in a template: type, length in characters and pattern, which must all match, and the default value."""

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
        """Returns None for a value that the field does not allow."""
        if self.fields:
            return self._match_fields
        low, high = self.bounds
        shape = re.compile(f"{_CHARACTERS[self.type]}{{{low},{high}}}").fullmatch
        return shape if self.pattern is None else _compile(self.pattern, shape)

    @property
    def bounds(self) -> tuple[int, int]:
        """Minimum and maximum length."""
        low, _, high = self.length.partition("-")
        return int(low), int(high or low)

    @property
    def shape(self) -> str:
        """A description of valid values, for error messages."""
        if self.fields:
            return "made of " + ", ".join(f"{field.id} {field.name}" for field in self.fields)
        shape = f"{self.length} characters of type {self.type}"
        return shape if self.pattern is None else f"{self.pattern} ({shape})"

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
    `text_pattern` is for values that are no template at all; with none of them the identifier alone decides. `one_of`
    names fields of which at least one must be there (`*`: any besides the GUID). `open` templates may hold fields that
    the profile does not name.
    """

    name: str
    tags: tuple[Range, ...]
    guid: tuple[str, ...] = ()
    guid_pattern: str | None = None
    text_pattern: str | None = None
    required: bool = False
    open: bool = False
    one_of: tuple[str, ...] = ()
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
        """Required fields."""
        return frozenset(field.id for field in self.fields if field.required)

    @cached_property
    def one_of_ids(self) -> frozenset[str]:
        """Fields of which at least one is required; empty without such a rule."""
        if ANY_FIELD in self.one_of:
            return IDS - {"00"}
        return frozenset(field.id for field in self.fields if field.name in self.one_of)

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
        """Whether the template keeps this rule; None when its identifier, GUID or text is another's."""
        if template.tag not in self.ids:
            return None
        fields = template.fields
        if not fields:
            return True if self._match_text(template.text) is not None else None
        match_guid = self._match_guid
        if match_guid is not None and ("00" not in fields or match_guid(fields["00"]) is None):
            return None
        sound = fields.keys() >= self.required_ids and self.has_one_of(fields)
        match_of = self.matches.get
        for tag, value in fields.items():
            match = match_of(tag)
            if match is not None and match(value) is None:
                sound = False
        return sound

    def has_one_of(self, fields: dict[str, str]) -> bool:
        """Whether `fields` keep `one_of`."""
        return not self.one_of or not self.one_of_ids.isdisjoint(fields)

    def knows(self, template: Template) -> bool:
        """Whether a template that breaks this rule is certainly meant by it: by its GUID, or where that is no fixed
        name by its required fields.
        """
        fields = template.fields
        return bool(self.guid) or all(
            tag in fields and self.matches[tag](fields[tag]) is not None for tag in self.required_ids
        )

    def owns(self, template: Template) -> bool:
        """Whether `template` is this one, valid or not."""
        sound = self.judge(template)
        return sound is True or (sound is False and self.knows(template))


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

    `waive` lists EMVCo findings its codes do without, as `path` or `path:code`, a template's path for all within it;
    `tolerate` those that live codes show and only reading forgives. `rules` hold always, `writing` only for new codes.
    `defaults` are written by `with_defaults`.
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
    writing: Rules = NO_RULES
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
        """Whether the scheme does without the rule that `finding` is about; never without one that is fatal."""
        if finding.severity == "fatal" or finding.code == UNFORGIVABLE:
            return False
        for entry in (*self.waive, *self.tolerate) if reading else self.waive:
            path, _, code = entry.partition(":")
            if code in ("", finding.code) and f"{finding.path}.".startswith(f"{path}."):
                return True
        return False
