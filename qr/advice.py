"""Warnings about a payload that no mode refuses, and guesses at unreadable text, for the explain report.

Warnings follow what EMVCo words as "should", or what breaks wallets in use.
"""

from __future__ import annotations

import re
from typing import Literal

from qr import tlv
from qr.emv import DYNAMIC, PAYLOAD_CHARS_MAX, MerchantCode
from qr.errors import Finding
from qr.iso import CURRENCIES, MCCS
from qr.scan import checksum_holds, clean

Kind = Literal["merchant", "consumer", "upi", "link", "unknown"]

# An application identifier, a UUID without hyphens, a reverse domain name (EMV MPM 4.7.11).
_GUID_SHAPE = re.compile(r"(?i)[0-9A-F]{10,32}|[A-Z0-9-]+(\.[A-Z0-9-]+)+").fullmatch
_UNLISTED_MCC = "0000"  # written where a scheme has no categories: UEMOA, VietQR
_KINDS: tuple[tuple[Kind, str], ...] = (
    ("merchant", "0002"),
    ("consumer", "hQVDUFYwM"),  # base64 of 85 05 "CPV0": EMVCo's consumer-presented code
    ("upi", "upi://"),
    ("link", "http://"),
    ("link", "https://"),
)


def advise(payload: str, code: MerchantCode) -> list[Finding]:
    """What should be changed, all of severity warning."""
    advice = [
        _warning(f"{template.tag}.00", "guid_shape", f"{template.guid!r}: not an AID, UUID or reverse domain", "4.7.11")
        for template in (*code.accounts, *code.unreserved)
        if template.guid is not None and not _GUID_SHAPE(template.guid)
    ]
    if len(payload) > PAYLOAD_CHARS_MAX:
        message = f"{len(payload)} characters; at most {PAYLOAD_CHARS_MAX} should be used"
        advice.append(_warning("", "payload_too_long", message, "4.1"))
    advice += [
        _warning(account.tag, "not_ascii", "characters outside the common set", "table 3.3")
        for account in code.accounts
        if not all(value.isascii() for value in account.fields.values())
    ]
    if code.mcc is not None and code.mcc not in MCCS and code.mcc != _UNLISTED_MCC:
        advice.append(_warning("52", "mcc_unlisted", f"{code.mcc} is not an ISO 18245 category", "table 3.3"))
    if code.additional is not None and "00" in code.additional.reserved:
        advice.append(_warning("62.00", "undefined_id", "62-00 has no meaning", "table 3.7"))
    if code.point_of_initiation == DYNAMIC and code.amount is None:
        advice.append(_warning("01", "dynamic_without_amount", "a code for one payment without an amount", "table 3.3"))
    return advice + _money_advice(code)


def _money_advice(code: MerchantCode) -> list[Finding]:
    currency = CURRENCIES.get(code.currency or "")
    if currency is None:
        return []
    advice: list[Finding] = []
    if currency.withdrawn:
        advice.append(_warning("53", "currency_withdrawn", f"{currency.alpha} is no longer in use", "table 3.3"))
    fee = code.tip.fixed if code.tip is not None else None
    for path, amount in (("54", code.amount), ("56", fee)):
        decimals = (amount or "").partition(".")[2].rstrip("0")
        if len(decimals) > currency.decimals:
            message = f"{amount} is finer than {currency.alpha}, which has {currency.decimals} decimals"
            advice.append(_warning(path, "too_many_decimals", message, "table 3.3"))
    return advice


def guess(payload: str, code: MerchantCode | None) -> tuple[Kind, str | None, list[Finding]]:
    """The kind of text, a repaired text that can be read, and what probably happened to it."""
    kind: Kind = next((kind for kind, start in _KINDS if payload.lstrip("\ufeff \t\r\n").startswith(start)), "unknown")
    if checksum_holds(payload):
        return kind, None, [] if code is not None else _length_hints(payload)
    cleaned = clean(payload)
    if not checksum_holds(cleaned):
        return kind, None, []
    message = "the text was changed in transit: cleaned, its checksum is right"
    return "merchant", cleaned, [_warning("", "scanner_artefact", message, "4.7.3.1")]


def _length_hints(payload: str) -> list[Finding]:
    """Whether lengths that are wrong in characters are right in bytes, or in UTF-16 units as some languages count."""
    hints = []
    for unit, width, encoding in (("bytes", 1, "utf-8"), ("UTF-16 units", 2, "utf-16-le")):
        data = payload.encode(encoding, "surrogatepass")
        if not payload.isascii() and _splits_by(data, width):
            message = f"lengths count {unit}, not characters"
            hints.append(_warning("", "length_unit", message, "4.4.1.1"))
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
