"""A payment scheme as data: one TOML file says where the account sits and which rules the scheme changes.

Over EMVCo's rules (reader.py, writer.py) a profile waives some, adds others, and names the sub-fields of its
templates, so that a hub operator adds a country with a file and no Python. catalogue.py loads and checks it,
network.py applies it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Annotated, Literal

import msgspec

from qr.emv import TEMPLATE_IDS, VALUE_PATHS, MerchantCode, Template
from qr.errors import Finding
from qr.iso import find_currency
from qr.tlv import IDS, TlvError, scan, split

ANY_FIELD = "*"  # in one_of: any sub-field besides the GUID
UNFORGIVABLE = "control_character"  # the one error that no scheme waives: it deceives who reads the screen

TwoDigits = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{2}\Z")]
Length = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,2}(-[0-9]{1,2})?\Z")]
Range = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{2}(-[0-9]{2})?\Z")]
Match = Callable[[str], object]
Getter = Callable[[MerchantCode], str | None]
# What a field means for who decides about the payment: the address of a charge that holds the amount, whether the payer
# may change the amount (1 or true), when the code was made and when it ends.
Role = Literal["", "charge", "editable", "created", "expires"]

# n digits, ans printable ASCII, s any text (EMV MPM 4.4).
_CHARACTERS = {"n": "[0-9]", "ans": "[ -~]", "s": r"[^\x00-\x1f]"}
_CHARACTER_WORDS = {"n": "digit", "ans": "printable ASCII character", "s": "character"}


def choices(words: Iterable[str]) -> str:
    """`A`, `A or B`, `A, B or C`."""
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last


def _is_moment(value: str) -> bool:
    """Whether digits are a real date, YYYYMMDD, or date and time, YYYYMMDDHHMMSS or YYMMDDHHMMSS."""
    text = f"20{value}" if len(value) == 12 else value
    parts = [text[:4], *(text[start : start + 2] for start in range(4, len(text), 2))]
    if len(text) not in (8, 14) or not all(part.isascii() and part.isdecimal() for part in parts):
        return False
    try:
        datetime(*map(int, parts))  # type: ignore[arg-type] # noqa: DTZ001 - only its validity counts
    except ValueError:
        return False
    return True


def _compile(pattern: str, shape: Match | None = None) -> Match:
    """A full match, of `shape` too; words between bars are looked up, which is faster."""
    words = pattern.split("|")
    if all(word.isidentifier() or word.isdecimal() for word in words):
        return {word: word for word in words if shape is None or shape(word) is not None}.get
    match = re.compile(pattern).fullmatch
    return match if shape is None else lambda value: None if shape(value) is None else match(value)


class SubField(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """One object in a template: type, length in characters, pattern and form, which must all match, and the default
    value. `wants` says in words what the pattern asks for; the form `moment` is a real date, or date and time.
    """

    id: TwoDigits
    name: str
    type: Literal["n", "ans", "s"] = "ans"
    length: Length = "1-99"
    pattern: str | None = None
    wants: str = ""
    form: Literal["", "moment"] = ""
    role: Role = ""
    required: bool = True
    value: str | None = None
    fields: tuple[SubField, ...] = ()

    @cached_property
    def match(self) -> Match:
        """Returns None for a value that the field does not allow."""
        if self.fields:
            return self._match_fields
        low, high = self.bounds
        shape: Match = re.compile(f"{_CHARACTERS[self.type]}{{{low},{high}}}").fullmatch
        match = shape if self.pattern is None else _compile(self.pattern, shape)
        return (lambda value: match(value) if _is_moment(value) else None) if self.form else match

    @property
    def bounds(self) -> tuple[int, int]:
        """Minimum and maximum length."""
        low, _, high = self.length.partition("-")
        return int(low), int(high or low)

    @property
    def shape(self) -> str:
        """A description of valid values, for error messages."""
        if self.fields:
            return "made of " + " and ".join(f"{field.title} ({field.id})" for field in self.fields)
        if self.wants:
            return self.wants
        words = (self.pattern or "").split("|")
        if all(word.replace("_", "").isalnum() for word in words):
            return choices(words)
        low, high = self.bounds
        count = str(low) if low == high else f"{low} to {high}"
        shape = f"{count} {_CHARACTER_WORDS[self.type]}{'s' * (high > 1)}"
        return shape if self.pattern is None else f"{shape} in the form {self.pattern}"

    @property
    def title(self) -> str:
        """The field's name in words."""
        return self.name.replace("_", " ")

    def faults(self, value: str, where: str) -> Iterator[str]:
        """What is wrong with a value, one sentence a fault; `where` is the field's place in words."""
        if self.match(value) is not None:
            return
        try:
            inner = split(value) if self.fields else None
        except TlvError:
            inner = None
        if inner is None:
            broken = scan(value)[1] if self.fields else []
            reason = f", and {broken[0].message}" if broken else f", and it is {value!r}"
            yield f"{self.title} ({where}) must be {self.shape}{reason}"
            return
        for field in self.fields:
            if field.id in inner:
                yield from field.faults(inner[field.id], f"{field.id} in {where}")
            elif field.required:
                yield f"{field.title} ({field.id} in {where}) is missing"
        for tag in sorted(inner.keys() - {field.id for field in self.fields}):
            yield f"{self.title} ({where}) has no object {tag}"

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
    names fields of which at least one must be there (`*`: any besides the GUID); `bare` templates may hold their GUID
    only, beside an account of the scheme that names somebody. `open` templates may hold fields that the profile does
    not name. `sure`: the pattern of the GUID is nobody else's. `title` is the network's own name, where the scheme has
    several.
    """

    name: str
    title: str = ""
    tags: tuple[Range, ...]
    guid: tuple[str, ...] = ()
    guid_pattern: str | None = None
    text_pattern: str | None = None
    required: bool = False
    open: bool = False
    bare: bool = False
    sure: bool = False
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
    def roles(self) -> dict[str, str]:
        """The field of each role by identifier."""
        return {field.role: field.id for field in self.fields if field.role}

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
        fields, text = template.fields, template.text
        if text and self._match_text(text) is not None:
            return True
        if not fields or self.text_pattern is not None:
            return None
        match_guid = self._match_guid
        if match_guid is not None and ("00" not in fields or match_guid(fields["00"]) is None):
            return None
        sound = not text and fields.keys() >= self.required_ids and self.has_one_of(fields)
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
        return (
            bool(self.guid)
            or self.sure
            or all(tag in fields and self.matches[tag](fields[tag]) is not None for tag in self.required_ids)
        )

    def owns(self, template: Template) -> bool:
        """Whether `template` is this one, valid or not."""
        sound = self.judge(template)
        return sound is True or (sound is False and self.knows(template))


def is_value_path(path: str) -> bool:
    """Whether a path names an object with a value: one of EMVCo's, or one in a template by identifier (`99.01`)."""
    tag, _, inner = path.partition(".")
    return path in VALUE_PATHS or (tag in TEMPLATE_IDS - {"62", "64"} and inner in IDS)


def value_getter(path: str) -> Getter:
    """Reads the object at a path from a code; None where it is absent."""
    if path in VALUE_PATHS:
        return VALUE_PATHS[path]
    tag, _, inner = path.partition(".")

    def get(code: MerchantCode) -> str | None:
        for template in (*code.accounts, *code.unreserved):
            if template.tag == tag:
                return template.fields.get(inner)
        return None

    return get


class Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """Rules on single objects by path (`54`, `62.05`, `99.01`), in force when every object in `when` matches.

    `wants` says in words what a pattern in `values` asks for.
    """

    name: str = ""
    when: dict[str, str] = {}
    required: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    values: dict[str, str] = {}
    wants: dict[str, str] = {}

    @cached_property
    def _conditions(self) -> tuple[tuple[Getter, Match], ...]:
        return tuple((value_getter(path), _compile(pattern)) for path, pattern in self.when.items())

    def shape(self, path: str) -> str:
        """A description of valid values, for error messages."""
        pattern = self.values[path]
        words = pattern.split("|")
        return self.wants.get(path) or (choices(words) if all(map(str.isalnum, words)) else f"in the form {pattern}")

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
        return tuple((path, value_getter(path)) for path in self.required)

    @cached_property
    def forbidden_getters(self) -> tuple[tuple[str, Getter], ...]:
        """`forbidden`, with what reads each value."""
        return tuple((path, value_getter(path)) for path in self.forbidden)

    @cached_property
    def value_matches(self) -> tuple[tuple[str, Getter, Match], ...]:
        """`values`, with what reads and checks each value."""
        return tuple((path, value_getter(path), _compile(pattern)) for path, pattern in self.values.items())


NO_RULES = Rules()


class Golden(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A payload that the profile must accept, where it comes from, and account values it must read from it."""

    payload: str
    source: str
    values: dict[str, str] = {}


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """One payment scheme. `source` and `version` say what it was made from, `unsure` what could not be confirmed.

    `waive` lists EMVCo findings its codes do without, as `path` or `path:code`, a template's path for all within it;
    `tolerate` those that live codes show and only reading forgives. `rules` hold always, `writing` only for new codes;
    `advice` makes warnings when reading. `defaults` are written by `with_defaults`. In `silent` labels `***` asks the
    payer for nothing. With `minor_units` amounts without a point count hundredths.
    """

    id: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{1,31}\Z")]
    name: str
    source: str
    version: str = ""
    unsure: str = ""
    countries: tuple[str, ...] = ()
    currencies: tuple[str, ...] = ()
    waive: tuple[str, ...] = ()
    tolerate: tuple[str, ...] = ()
    defaults: dict[str, str] = {}
    rules: Rules = NO_RULES
    writing: Rules = NO_RULES
    advice: Rules = NO_RULES
    silent: tuple[str, ...] = ()
    minor_units: bool = False
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
