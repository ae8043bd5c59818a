"""Warnings about a payload that no mode refuses, and guesses at unreadable text, for the explain report.

Warnings follow what EMVCo words as "should", or what breaks wallets in use.
"""

from __future__ import annotations

import re

from msgspec import structs

from qr import tlv
from qr.carriers import Kind
from qr.emv import DYNAMIC, PAYLOAD_CHARS_MAX, TEMPLATE_IDS, MerchantCode
from qr.errors import Finding
from qr.iso import CURRENCIES, MCCS
from qr.lengths import find_wrong_length, find_wrong_lengths, sensible_part, tell, with_right_lengths
from qr.meaning import Recognised, role_value
from qr.profile import Profile
from qr.reader import read_part
from qr.scan import checksum_holds, clean, elqr_holds

# An application identifier, a UUID without hyphens, a reverse domain name (EMV MPM 4.7.11).
_GUID_SHAPE = re.compile(r"(?i)[0-9A-F]{10,32}|[A-Z0-9-]+(\.[A-Z0-9-]+)+").fullmatch
_UNLISTED_MCC = "0000"  # written where a scheme has no categories: UEMOA, VietQR
_WRAPPED = re.compile(r"(?i)([a-z][a-z0-9+.-]*)://([^/?#\s]+)")


def advise(payload: str, code: MerchantCode) -> list[Finding]:
    """What should be changed, all of severity warning."""
    advice = [
        _warning(
            f"{template.tag}.00",
            "guid_shape",
            f"{template.guid!r} is neither an application identifier, a UUID nor a reverse domain",
            "4.7.11",
        )
        for template in (*code.accounts, *code.unreserved)
        if template.guid is not None and not _GUID_SHAPE(template.guid)
    ]
    if len(payload) > PAYLOAD_CHARS_MAX:
        message = f"the payload has {len(payload)} characters, and it should have at most {PAYLOAD_CHARS_MAX}"
        advice.append(_warning("", "payload_too_long", message, "4.1"))
    advice += [
        _warning(account.tag, "not_ascii", f"account {account.tag} has characters outside ASCII", "table 3.3")
        for account in code.accounts
        if not all(value.isascii() for value in account.fields.values())
    ]
    if code.mcc is not None and code.mcc not in MCCS and code.mcc != _UNLISTED_MCC:
        advice.append(_warning("52", "mcc_unlisted", f"{code.mcc} is not an ISO 18245 category", "table 3.3"))
    if code.additional is not None and "00" in code.additional.reserved:
        advice.append(_warning("62.00", "undefined_id", "object 62-00 has no meaning", "table 3.7"))
    if code.point_of_initiation == DYNAMIC and code.amount is None:
        advice.append(
            _warning("01", "dynamic_without_amount", "the code is for one payment and has no amount", "table 3.3")
        )
    return advice + _money_advice(code)


def _money_advice(code: MerchantCode) -> list[Finding]:
    currency = CURRENCIES.get(code.currency or "")
    if currency is None:
        return []
    advice: list[Finding] = []
    if currency.withdrawn:
        advice.append(
            _warning("53", "currency_withdrawn", f"the currency {currency.alpha} is no longer in use", "table 3.3")
        )
    fee = code.tip.fixed if code.tip is not None else None
    for path, amount in (("54", code.amount), ("56", fee)):
        decimals = (amount or "").partition(".")[2].rstrip("0")
        if len(decimals) > currency.decimals:
            message = f"amount {amount} is finer than {currency.alpha}, which has {currency.decimals or 'no'} decimals"
            advice.append(_warning(path, "too_many_decimals", message, "table 3.3"))
    return advice


def excuse(advice: list[Finding], code: MerchantCode, known: Recognised, schemes: tuple[Profile, ...]) -> list[Finding]:
    """The warnings that a recognised scheme does not answer: by its own GUIDs, its usual category, its waivers, or a
    charge that holds the amount.
    """
    if not advice or not schemes:
        return advice
    ours = {f"{account.tag}.00" for _, _, account in known}
    ours |= {
        f"{template.tag}.00"
        for profile in schemes
        for rule in profile.unreserved
        for template in code.unreserved
        if rule.judge(template) is not None
    }
    usual = {profile.defaults.get("52") for profile in schemes}
    return [
        finding
        for finding in advice
        if not (
            (finding.code == "guid_shape" and finding.path in ours)
            or (finding.code == "mcc_unlisted" and code.mcc in usual)
            or (finding.code == "dynamic_without_amount" and role_value(known, "charge") is not None)
            or any(profile.waives(finding, reading=True) for profile in schemes)
        )
    ]


MISSING_IS_MISREAD = 2
_LENGTH_FAULTS = frozenset(
    ("bad_header", "value_overruns", "duplicate_id", "empty_value", "checksum_missing", "checksum_not_last")
)


def mend(text: str, code: MerchantCode | None, faults: list[Finding], hints: list[Finding]) -> list[Finding]:
    """The faults, those that a wrong length makes told once; those that `hints` tell, left out."""
    broken = [fault for fault in faults if fault.code in _LENGTH_FAULTS]
    if is_misread(faults):
        return _mend_misread(text, faults)
    if not broken:
        return faults
    if code is None and any(hint.code == "length_unit" for hint in hints):
        return [fault for fault in faults if fault not in broken]
    root = [fault for fault in broken if fault.severity == "fatal"]
    mended = list(faults)
    wrongs = find_wrong_lengths(text) if root else ()
    if wrongs:
        place = mended.index(root[0])
        mended = [fault for fault in mended if fault not in root]
        mended[place:place] = [
            Finding(wrong.tag, "bad_header", sentence, "fatal", "EMV MPM 4.4.1.1")
            for wrong, sentence in zip(wrongs, tell(wrongs), strict=True)
        ]
    if code is not None:
        mended = _mend_templates(text, mended)
    return mended


def is_misread(faults: list[Finding]) -> bool:
    """Whether a payload whose root can be read misses so many objects that one may have swallowed them."""
    return sum(fault.code == "missing" and len(fault.path) == 2 for fault in faults) >= MISSING_IS_MISREAD


def _mend_misread(text: str, faults: list[Finding]) -> list[Finding]:
    """One finding for a wrong length, by which one object swallows others without breaking the root."""
    wrong = find_wrong_length(text, root=True)
    if wrong is None:
        return faults
    told = Finding(wrong.tag, "bad_header", str(wrong), "error", "EMV MPM 4.4.1.1")
    return [told, *(fault for fault in faults if fault.path == "63")]


def readable_part(text: str) -> MerchantCode | None:
    """What can be read of a text whose root is broken: all of it by the length that is wrong, or what is before."""
    wrongs = find_wrong_lengths(text)
    return read_part(with_right_lengths(text, wrongs) if wrongs else sensible_part(text))


def _mend_templates(text: str, faults: list[Finding]) -> list[Finding]:
    """The faults of templates, told by the length that is wrong. Code and path stay, by which schemes forgive them."""
    values = {item.tag: item.value for item in tlv.scan(text)[0] if item.tag in TEMPLATE_IDS}
    mended = []
    for fault in faults:
        tag = fault.path[:2]
        broken = fault.severity == "error" and fault.code in ("bad_header", "value_overruns")
        if broken and (tag in ("62", "64") or values.get(tag, "").startswith("00")):  # others may be plain text
            wrong = find_wrong_length(values[tag], root=False)
            if wrong is not None and fault.path.count(".") < 2:
                fault = structs.replace(fault, message=f"{tag}.{wrong}")
        mended.append(fault)
    return mended


def guess(payload: str, code: MerchantCode | None) -> tuple[Kind, str | None, list[Finding]]:
    """The kind of text, a repaired text that can be read, and what probably happened to it."""
    kind: Kind = "merchant" if payload.lstrip("\ufeff \t\r\n").startswith("0002") else "unknown"
    if checksum_holds(payload) or elqr_holds(payload):
        return kind, None, [] if code is not None else _length_hints(payload)
    cleaned = clean(payload)
    if not (checksum_holds(cleaned) or elqr_holds(cleaned)):
        return kind, None, []
    link = _WRAPPED.match(payload.lstrip())
    if link is not None:
        name = link[2] if link[1].lower() in ("http", "https") else f"{link[1]}://"
        message = f"the text is a link of {name} that carries the payload, whose checksum is right once it is cut out"
        return "merchant", cleaned, [Finding("", "carried", message, "fatal", "EMV MPM 4.7.3.1")]
    message = "the text was changed in transit, and the payload's checksum is right once it is cleaned"
    return "merchant", cleaned, [Finding("", "scanner_artefact", message, "fatal", "EMV MPM 4.7.3.1")]


def _length_hints(payload: str) -> list[Finding]:
    """Whether lengths that are wrong in characters are right in bytes, or in UTF-16 units as some languages count."""
    hints = []
    for unit, width, encoding in (("bytes", 1, "utf-8"), ("UTF-16 units", 2, "utf-16-le")):
        data = payload.encode(encoding, "surrogatepass")
        if not payload.isascii() and _splits_by(data, width):
            message = f"lengths count {unit}, not characters"
            hints.append(Finding("", "length_unit", message, "fatal", "EMV MPM 4.4.1.1"))
    return hints


def _splits_by(data: bytes, width: int) -> bool:
    """Whether objects follow each other to the end when lengths count units of `width` bytes."""
    position, end = 0, len(data)
    while position < end:
        header = data[position : position + 4 * width : width]
        length = header[2:].decode("latin-1")
        if len(header) < 4 or length not in tlv.IDS:
            return False
        position += (4 + int(length)) * width
    return position == end


def _warning(path: str, code: str, message: str, section: str) -> Finding:
    return Finding(path, code, message, "warning", f"EMV MPM {section}")
