"""From payload to MerchantCode: every rule of EMVCo's specification, in one pass over the tables of emv.py.

It never raises and never repairs: it returns what it could read and a finding for every broken rule. What to refuse,
codec.py decides by the severity of the findings; a `fatal` one means that nothing in the payload can be trusted.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import suppress
from operator import attrgetter
from typing import Any, TypeVar

from qr import crc, tlv
from qr.emv import (
    ADDITIONAL_FIELDS,
    ADDITIONAL_TEMPLATE_IDS,
    CARD,
    GUID,
    LANGUAGE_FIELDS,
    MANDATORY,
    ROOT_FIELDS,
    TEMPLATE_IDS,
    TIP_FIXED,
    TIP_PERCENTAGE,
    Account,
    Additional,
    Field,
    Language,
    MerchantCode,
    Template,
    Tip,
)
from qr.errors import Finding
from qr.text import CONTROLS

T = TypeVar("T", bound=Template)
_tag = attrgetter("tag")

INPUT_CHARS_MAX = 65_536  # far above any symbol's 2,953 bytes: work on hostile input stays bounded
FINDINGS_MAX = 50

_ROOT = {field.tag: field for field in ROOT_FIELDS}
_ROOT_MATCH: dict[str, Callable[[str], object]] = {field.tag: field.match for field in ROOT_FIELDS}
_ADDITIONAL = {field.tag: field for field in ADDITIONAL_FIELDS}
_LANGUAGE = {field.tag: field for field in LANGUAGE_FIELDS}
_MANDATORY = frozenset(MANDATORY)
_SURROGATE = re.compile("[\ud800-\udfff]")
_TABLES = {"62.": "3.7", "64.": "3.8"}
_SECTIONS = {
    "bad_header": "EMV MPM 3.2",
    "empty_value": "EMV MPM 3.2",
    "value_overruns": "EMV MPM 4.4.1.1",
    "duplicate_id": "EMV MPM 4.3.1.2",
}


def read(payload: str) -> tuple[MerchantCode | None, list[Finding]]:
    """The code, None when its root cannot be read, and what is wrong with it. Never raises on any text."""
    if len(payload) > INPUT_CHARS_MAX:
        return None, [
            _fatal(
                "", "input_too_long", f"the text has more than {INPUT_CHARS_MAX} characters", "bound of this library"
            )
        ]
    try:
        objects = tlv.split(payload)
    except tlv.TlvError:
        return None, _unreadable(payload)
    if not objects:
        return None, [_fatal("", "empty", "the payload is empty", "EMV MPM 4.6.1")]
    findings: list[Finding] = []
    _check_frame(payload, objects, findings)
    code = _build(objects, findings)
    if payload.isascii():
        if not payload.isprintable():
            findings.extend(_control_findings("", objects))
    else:
        _check_unicode(payload, findings)
        if CONTROLS.search(payload) is not None:
            findings.extend(_control_findings("", objects))
    return code, findings


def read_part(payload: str) -> MerchantCode | None:
    """The code of the objects before the first that cannot be read, None when there is none. Never raises."""
    objects = tlv.readable(payload[:INPUT_CHARS_MAX])
    return _build(objects, []) if objects.keys() - {"00"} else None


def _control_findings(prefix: str, objects: dict[str, str]) -> Iterator[Finding]:
    """Names the innermost objects that hold control characters."""
    for tag, value in objects.items():
        found = CONTROLS.search(value)
        if found is None:
            continue
        path = f"{prefix}{tag}"
        inner: list[Finding] = []
        if path in TEMPLATE_IDS or (prefix == "62." and tag in ADDITIONAL_TEMPLATE_IDS):
            with suppress(tlv.TlvError):
                inner = list(_control_findings(f"{path}.", tlv.split(value)))
        message = f"U+{ord(found[0]):04X} in object {path} is a control character, which no text may hold"
        yield from inner or [_error(path, "control_character", message, "EMV MPM 4.5.3")]


def _check_unicode(payload: str, findings: list[Finding]) -> None:
    if not unicodedata.is_normalized("NFC", payload):
        findings.append(_error("", "not_precomposed", "text is not in precomposed form (NFC)", "EMV MPM 4.5.3"))
    if _SURROGATE.search(payload) is not None:
        findings.append(_fatal("", "not_unicode", "a lone surrogate is not a character", "EMV MPM 4.5.3"))


def _check_frame(payload: str, objects: dict[str, str], findings: list[Finding]) -> None:
    """00 first, 63 last with the right checksum."""
    if payload[:2] != "00":
        findings.append(
            _fatal("00", "format_not_first", "payload format (00) is not the first object", "EMV MPM 4.6.1")
        )
    if "63" not in objects:
        findings.append(_fatal("63", "checksum_missing", "checksum (63) is missing", "EMV MPM 4.6.1"))
        return
    if next(reversed(objects)) != "63":
        findings.append(_fatal("63", "checksum_not_last", "checksum (63) is not the last object", "EMV MPM 4.6.1"))
        return
    found, expected = objects["63"], crc.checksum(payload[:-4])
    if found == expected:
        return
    if found.isascii() and found.upper() == expected:
        message = f"checksum {found} is right, but its letters must be capitals"
        findings.append(_error("63", "checksum_lower_case", message, "EMV MPM 4.7.3.1"))
    else:
        message = f"checksum is {found!r}, the text gives {expected}"
        if found.isascii() and found.upper() == crc.elqr_checksum(payload):
            message = f"checksum {found!r} is right after ELQR, which takes SHA-256, and EMVCo's would be {expected}"
        findings.append(_fatal("63", "checksum_wrong", message, "EMV MPM 4.7.3.1"))


def _build(objects: dict[str, str], findings: list[Finding]) -> MerchantCode:
    accounts: list[Account] = []
    unreserved: list[Template] = []
    reserved: dict[str, str] = {}
    additional: Additional | None = None
    language: Language | None = None
    for tag, value in objects.items():
        match = _ROOT_MATCH.get(tag)
        if match is not None:
            if match(value) is None:
                findings.append(_refuse(tag, _ROOT[tag], value))
        elif tag < "26":
            if CARD.match(value) is None:
                findings.append(_refuse(tag, CARD, value))
            accounts.append(Account(tag, {}, value))
        elif tag < "52":
            accounts.append(_template(Account, tag, value, findings))
        elif tag == "62":
            additional = _additional(value, findings)
        elif tag == "64":
            language = _language(value, findings)
        elif tag > "79":
            unreserved.append(_template(Template, tag, value, findings))
        elif tag != "63":
            reserved[tag] = value
            findings.append(_reserved(tag))
    get = objects.get
    if not accounts:
        findings.append(
            _error("02-51", "no_account", "no object from 02 to 51 holds a merchant account", "EMV MPM table 3.3")
        )
    if not objects.keys() >= _MANDATORY:
        findings.extend(_missing(tag) for tag in MANDATORY if tag not in objects)
    return MerchantCode(
        payload_format=get("00", ""),
        point_of_initiation=get("01"),
        accounts=_ascending(accounts),
        mcc=get("52"),
        currency=get("53"),
        amount=get("54"),
        tip=_tip(objects, findings),
        country=get("58"),
        name=get("59"),
        city=get("60"),
        postal_code=get("61"),
        additional=additional,
        language=language,
        unreserved=_ascending(unreserved),
        reserved=reserved,
    )


def _template(kind: type[T], path: str, value: str, findings: list[Finding]) -> T:
    """A template and its GUID; a value that is not objects is kept as text. Its identifier ends the path."""
    try:
        fields, text = tlv.split(value), ""
    except tlv.TlvError:
        findings.extend(_not_objects(path, value))
        fields, text = tlv.readable(value), value
    guid = fields.get("00")
    if text and guid is None:
        return kind(path[-2:], fields, text)  # one fault, told already
    if guid is None:
        message = f"template {path} does not say in 00 whose it is"
        findings.append(_error(f"{path}.00", "guid_missing", message, "EMV MPM 4.7.11"))
    elif GUID.match(guid) is None:
        findings.append(_refuse(f"{path}.00", GUID, guid))
    return kind(path[-2:], fields, text)


def _ascending(templates: list[T]) -> tuple[T, ...]:
    """By identifier: the order in a payload says nothing (EMV MPM 4.6.1), and the writer's is this."""
    if len(templates) > 1:
        templates.sort(key=_tag)
    return tuple(templates)


def _additional(value: str, findings: list[Finding]) -> Additional:
    try:
        fields, whole = tlv.split(value), ""
    except tlv.TlvError:
        findings.extend(_not_objects("62", value))
        fields, whole = tlv.readable(value), value
    named: dict[str, Any] = {}
    templates: list[Template] = []
    reserved: dict[str, str] = {}
    for tag, text in fields.items():
        field = _ADDITIONAL.get(tag)
        if field is not None:
            named[field.attribute] = text
            if field.match(text) is None:
                findings.append(_refuse(f"62.{tag}", field, text))
        elif tag >= "50":
            templates.append(_template(Template, f"62.{tag}", text, findings))
        else:
            reserved[tag] = text
            if tag != "00":  # undefined rather than reserved: live codes carry it
                findings.append(_reserved(f"62.{tag}"))
    return Additional(**named, templates=_ascending(templates), reserved=reserved, text=whole)


def _language(value: str, findings: list[Finding]) -> Language:
    try:
        fields, whole = tlv.split(value), ""
    except tlv.TlvError:
        findings.extend(_not_objects("64", value))
        fields, whole = tlv.readable(value), value
    named: dict[str, Any] = {}
    reserved: dict[str, str] = {}
    for tag, text in fields.items():
        field = _LANGUAGE.get(tag)
        if field is None:
            reserved[tag] = text
            findings.append(_reserved(f"64.{tag}"))
            continue
        named[field.attribute] = text
        if field.match(text) is None:
            findings.append(_refuse(f"64.{tag}", field, text))
    findings.extend(
        _error(f"64.{tag}", "missing", f"{title} (64.{tag}) is mandatory, and it is missing", "EMV MPM table 3.8")
        for tag, title in (("00", "language"), ("01", "merchant name"))
        if tag not in fields and not whole
    )
    return Language(**named, reserved=reserved, text=whole)


def _tip(objects: dict[str, str], findings: list[Finding]) -> Tip | None:
    indicator, fixed, percentage = objects.get("55"), objects.get("56"), objects.get("57")
    if indicator is fixed is percentage is None:
        return None
    for tag, value, means in (("56", fixed, TIP_FIXED), ("57", percentage, TIP_PERCENTAGE)):
        if (value is not None) != (indicator == means):
            message = f"{_ROOT[tag].title} ({tag}) goes with tip indicator {means} and only with it"
            findings.append(_error(tag, "tip_mismatch", message, "EMV MPM table 3.3"))
    return Tip(indicator, fixed, percentage)


def _unreadable(payload: str) -> list[Finding]:
    """Why the root is not a valid sequence of objects."""
    _, faults = tlv.scan(payload)
    return [
        _fatal(fault.tag, fault.code, f"{fault.message} (at character {fault.offset})", _SECTIONS[fault.code])
        for fault in faults[:FINDINGS_MAX]
    ]


def _not_objects(path: str, value: str) -> list[Finding]:
    """Why a template's value is not a valid sequence of objects."""
    _, faults = tlv.scan(value)
    return [
        _error(
            f"{path}.{fault.tag}" if fault.tag else path,
            fault.code,
            fault.message.replace(f"object {fault.tag} ", f"object {path}.{fault.tag} ", 1)
            if fault.tag
            else fault.message.replace("an object", f"an object in {path}", 1),
            _SECTIONS[fault.code],
        )
        for fault in faults[:FINDINGS_MAX]
    ]


def _refuse(path: str, field: Field, value: str) -> Finding:
    """Says which of length, characters or content broke the rule of a plain object."""
    code = "bad_value"
    if len(value) > field.chars_max:
        code = "too_long"
    elif not (value.isascii() and value.isprintable()):
        code = "bad_character"
    message = f"{field.title} ({path}) must be {field.wants}, and it is {value!r}"
    return _error(path, code, message, _section(path))


def _section(path: str) -> str:
    """The table that defines the object."""
    if path.endswith(".00") and not path.startswith("64"):
        return "EMV MPM 4.7.11"
    return f"EMV MPM table {_TABLES.get(path[:3], '3.3')}"


def _missing(tag: str) -> Finding:
    return _error(tag, "missing", f"{_ROOT[tag].title} ({tag}) is mandatory, and it is missing", "EMV MPM table 3.3")


def _reserved(path: str) -> Finding:
    return _error(path, "reserved_id", f"object {path} is kept by EMVCo for later use", "EMV MPM 4.5.4.1")


def _fatal(path: str, code: str, message: str, section: str) -> Finding:
    return Finding(path, code, message, "fatal", section)


def _error(path: str, code: str, message: str, section: str) -> Finding:
    return Finding(path, code, message, "error", section)
