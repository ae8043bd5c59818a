"""Payment texts that are no merchant code, told by kind with what can be read: UPI links, bank transfers after EPC, TR
Karekod of persons, codes that the payer shows, and other web addresses.

They name a payee as a code's account does, so what they say is given as a Network. None of them can be decoded or
written here.
"""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import unquote, unquote_plus

import msgspec

from qr import tlv
from qr.amounts import is_amount, tell
from qr.errors import Finding
from qr.iso import Currency, find_currency
from qr.meaning import Initiation
from qr.network import Network
from qr.scan import checksum_holds

Kind = Literal["merchant", "consumer", "upi", "epc", "karekod", "link", "unknown"]

LINK_CHARS_MAX = 4_296  # the longest text of letters and digits in a symbol (ISO/IEC 18004, 40-L)
VALUES_MAX = 30
VALUE_CHARS_MAX = 300

# UPI itself and the wallets that take the same words under a name of their own.
_UPI = re.compile(r"(?i)(?:upi|tez|gpay|phonepe|paytmmp|paytm|bhim|credpay)://[^?]*\?(?P<query>.*pa=.*)", re.DOTALL)
_LINK = re.compile(
    r"(?i)(?:(?P<scheme>[a-z][a-z0-9+.-]*)://)?(?P<host>[^/?#\s]+)(?P<path>/[^?#\s]*)?(?:\?(?P<query>[^#\s]*))?(?:#\S*)?"
)
_HOST = re.compile(r"(?i)(?:[a-z0-9-]+\.)+[a-z]{2,}(?::[0-9]+)?")
_EPC = re.compile(r"BCD\r?\n00[12]\r?\n")
_KAREKOD = "750210"
_CONSUMER = "hQVDUFYwM"  # base64 of 85 05 "CPV0"
_IBAN = re.compile("[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_EURO_AMOUNT = re.compile(r"EUR([0-9]{1,9}(?:\.[0-9]{1,2})?)")

# NPCI, UPI Linking Specification 1.6: parameters by what they are called here.
_UPI_NAMES = {
    "pa": "payee",
    "pn": "name",
    "am": "amount",
    "mam": "minimum_amount",
    "cu": "currency",
    "mc": "mcc",
    "tr": "reference",
    "tid": "transaction",
    "tn": "note",
    "url": "url",
    "mid": "merchant",
    "msid": "store",
    "mtid": "terminal",
    "mode": "mode",
    "purpose": "purpose",
    "orgid": "organisation",
    "sign": "signature",
}
# European Payments Council, EPC069-12 2.1: the lines after the tag BCD.
_EPC_NAMES = (
    "version",
    "character_set",
    "transfer",
    "bic",
    "name",
    "iban",
    "amount",
    "purpose",
    "reference",
    "text",
    "information",
)
# Central Bank of Türkiye, FAST TR Karekod between persons; public generators agree on these.
_KAREKOD_NAMES = {"02": "participant", "03": "reference", "61.01": "iban", "61.07": "name", "61.10": "flow", "20": "id"}


class Carried(msgspec.Struct, frozen=True, kw_only=True):
    """What a text of another kind says."""

    kind: Kind
    networks: tuple[Network, ...] = ()
    country: str | None = None
    currency: Currency | None = None
    amount: str = ""
    initiation: Initiation = "unstated"
    findings: tuple[Finding, ...] = ()


def read_other(text: str) -> Carried | None:
    """What a payment text of another kind says, None for a text of no kind that is known. Never raises."""
    stripped = text.strip("\ufeff \t\r\n")
    if (found := _UPI.fullmatch(stripped)) is not None:
        return _upi(found["query"])
    if _EPC.match(stripped) is not None:
        return _epc(stripped)
    if stripped.startswith(_CONSUMER):
        what = "a code that the payer shows"
        return Carried(kind="consumer", findings=(_other_kind(what, "EMVCo, Consumer-Presented Mode 1.1"),))
    if stripped.startswith(_KAREKOD):
        return _karekod(stripped)
    found = _LINK.fullmatch(stripped) if len(stripped) <= LINK_CHARS_MAX else None
    if found is not None and (found["scheme"] or (_HOST.fullmatch(found["host"]) and found["path"])):
        return _link(found)
    return None


def _fault(code: str, message: str, section: str, severity: Literal["fatal", "error"] = "error") -> Finding:
    return Finding("", code, message, severity, section)


def _other_kind(what: str, section: str) -> Finding:
    return _fault("other_kind", f"the text is {what}, which is no merchant code of EMVCo", section, "fatal")


def _parameters(query: str) -> dict[str, str]:
    """The parameters of a web address, each once and not without end."""
    pairs = (pair.partition("=") for pair in query.split("&")[:VALUES_MAX])
    return {name.lower(): value[:VALUE_CHARS_MAX] for name, _, value in reversed(list(pairs)) if name and value}


def _upi(query: str) -> Carried:
    given = _parameters(query)
    values = {
        name: unquote(given[key]) if key in ("sign", "url") else unquote_plus(given[key])
        for key, name in _UPI_NAMES.items()
        if key in given
    }
    section = "NPCI UPI Linking Specification 1.6"
    findings = [_other_kind("a UPI link", section)]
    currency = find_currency(values.get("currency", "INR"))
    if currency is None:
        findings.append(_fault("bad_value", f"currency (cu) is unknown: {values['currency']!r}", section))
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", values.get("payee", "")):
        findings.append(_fault("bad_value", f"payee (pa) is no UPI address: {values.get('payee', '')!r}", section))
    return Carried(
        kind="upi",
        networks=(Network("", "UPI", "payee", "", values),),
        country="IN",
        currency=currency,
        amount=_upi_amount(values, currency),
        findings=tuple(findings),
    )


def _upi_amount(values: dict[str, str], currency: Currency | None) -> str:
    numeric = currency.numeric if currency is not None else None
    amount, least = values.get("amount"), values.get("minimum_amount")
    if amount is None or (is_amount(amount) and not amount.strip("0.")):
        return "the payer types the amount"
    if not is_amount(amount):
        return f"the amount cannot be read ({amount!r})"
    if least is not None and is_amount(least) and least != amount:
        return f"{tell(amount, numeric)} is proposed, the payer may pay less, {tell(least, numeric)} at least"
    return f"{tell(amount, numeric)} is asked"


def _epc(text: str) -> Carried:
    lines = [line.strip("\r")[:VALUE_CHARS_MAX] for line in text.split("\n")[1 : 1 + len(_EPC_NAMES)]]
    values = {name: line for name, line in zip(_EPC_NAMES, lines, strict=False) if line}
    section = "EPC069-12 2.1"
    findings = [_other_kind("a bank transfer after the European Payments Council (EPC)", section)]
    iban = values.get("iban", "").replace(" ", "").upper()
    if not _is_iban(iban):
        findings.append(_fault("bad_value", f"iban is not valid: {values.get('iban', '')!r}", section))
    amount = values.get("amount")
    found = _EURO_AMOUNT.fullmatch(amount or "")
    told = "the payer types the amount"
    if found is not None:
        told = f"{tell(found[1], '978')} is asked"
    elif amount is not None:
        told = f"the amount cannot be read ({amount!r})"
    return Carried(
        kind="epc",
        networks=(Network("", "SEPA credit transfer", "payee", "", values),),
        country=iban[:2] if _is_iban(iban) else None,
        currency=find_currency("EUR"),
        amount=told,
        findings=tuple(findings),
    )


def _is_iban(text: str) -> bool:
    """Whether a text is an IBAN with the right check digits (ISO 13616)."""
    if _IBAN.fullmatch(text) is None:
        return False
    return int("".join(str(int(char, 36)) for char in text[4:] + text[:4])) % 97 == 1


def _karekod(text: str) -> Carried:
    root = tlv.readable(text)
    inner = {f"61.{tag}": value for tag, value in tlv.readable(root.get("61", "")).items()}
    fields = root | inner
    values = {name: fields[path] for path, name in _KAREKOD_NAMES.items() if path in fields}
    section = "TCMB, FAST TR Karekod"
    findings = [_other_kind("a TR Karekod between persons", section)]
    if not checksum_holds(text):
        findings.append(_fault("checksum_wrong", "checksum (63) is wrong or missing", section))
    if "iban" in values and not _is_iban(values["iban"]):
        findings.append(_fault("bad_value", f"iban (61.01) is not valid: {values['iban']!r}", section))
    amount = root.get("54")
    told = "the payer types the amount"
    if amount is not None:
        # In kuruş, filled up with zeros to twelve digits.
        digits = amount if amount.isascii() and amount.isdecimal() else None
        told = f"{int(digits) / 100:.2f} is asked" if digits else f"the amount cannot be read ({amount!r})"
    return Carried(
        kind="karekod",
        networks=(Network("", "TR Karekod", "person", "61", values),),
        country="TR",
        currency=find_currency("TRY"),
        amount=told,
        initiation="static" if root.get("01") == "11" else "dynamic" if root.get("01") == "12" else "unstated",
        findings=tuple(findings),
    )


def _link(found: re.Match[str]) -> Carried:
    """A web address or deep link: where it leads; only who opens it knows what is asked for."""
    scheme = (found["scheme"] or "https").lower()
    web = scheme in ("http", "https")
    values = {"scheme": scheme, "host": found["host"][:VALUE_CHARS_MAX]}
    if (found["path"] or "").strip("/"):
        values["path"] = unquote(found["path"][:VALUE_CHARS_MAX])
    given = _parameters(found["query"] or "")
    values |= {name: unquote_plus(value) for name, value in given.items() if name not in values}
    what = "a web address" if web else "a link that opens an application"
    return Carried(
        kind="link",
        networks=(Network("", found["host"][:VALUE_CHARS_MAX] if web else scheme, "link", "", values),),
        amount="",
        findings=(_other_kind(what, "RFC 3986"),),
    )
