"""The explain report: everything that is known about a payload, for people. It never raises.

The top of the library: the reader for EMVCo's rules, network.py for schemes, advice.py for warnings.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from qr import tlv
from qr.advice import advise, guess
from qr.catalogue import find_profile
from qr.emv import (
    ADDITIONAL_FIELDS,
    ADDITIONAL_TEMPLATE_IDS,
    ASK_PAYER,
    DYNAMIC,
    LANGUAGE_FIELDS,
    PAYLOAD_CHARS_MAX,
    ROOT_FIELDS,
    STATIC,
    TEMPLATE_IDS,
    TIP_FIXED,
    TIP_PERCENTAGE,
    TIP_PROMPT,
    VALUE_PATHS,
    MerchantCode,
)
from qr.errors import Finding, worst_first
from qr.iso import Currency, find_currency
from qr.network import Network, judge, networks
from qr.reader import INPUT_CHARS_MAX, read

NODES_MAX = 500
_TITLES = (
    {field.tag: field.title for field in ROOT_FIELDS}
    | {f"62.{field.tag}": field.title for field in ADDITIONAL_FIELDS}
    | {f"64.{field.tag}": field.title for field in LANGUAGE_FIELDS}
    | {"62": "additional data", "63": "checksum", "64": "language template"}
)
# Who holds the account identifiers 02 to 25 (EMV MPM table 4.1).
_CARDS = {
    "02": "Visa",
    "03": "Visa",
    "04": "Mastercard",
    "05": "Mastercard",
    "09": "Discover",
    "10": "Discover",
    "11": "American Express",
    "12": "American Express",
    "13": "JCB",
    "14": "JCB",
    "15": "UnionPay",
    "16": "UnionPay",
}
Initiation = Literal["static", "dynamic", "unstated"]
_INITIATIONS: dict[str, Initiation] = {STATIC: "static", DYNAMIC: "dynamic"}
_LABELS = tuple((f"62.{field.tag}", field.title) for field in ADDITIONAL_FIELDS)
_CONSUMER_DATA = {"A": "address", "M": "mobile number", "E": "e-mail address"}


class Node(msgspec.Struct, frozen=True):
    """One object of the payload; `offset` in characters from its start."""

    path: str
    title: str
    value: str
    offset: int
    parts: tuple[Node, ...] = ()


class Scheme(msgspec.Struct, frozen=True):
    """The findings of a recognised scheme's profile; none when the code is valid there."""

    profile: str
    name: str
    findings: tuple[Finding, ...]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What `explain` found. `str(report)` is the same in words."""

    payload: str
    kind: Literal["merchant", "consumer", "upi", "link", "unknown"]
    strict: bool
    tolerant: bool
    findings: tuple[Finding, ...]
    code: MerchantCode | None
    cleaned: str | None
    networks: tuple[Network, ...]
    schemes: tuple[Scheme, ...]
    country: str | None
    currency: Currency | None
    initiation: Initiation
    amount: str
    asks: tuple[str, ...]
    languages: tuple[str, ...]
    chars: int
    bytes: int
    chars_left: int
    tree: tuple[Node, ...]

    def __str__(self) -> str:
        return "\n".join(_lines(self))


def explain(payload: str) -> Report:
    """Everything known about a payload: what each mode makes of it and why, networks, country, amount, languages.

    Never raises, whatever the text. `findings` are EMVCo's, worst first; those of schemes are in
    `schemes`. `cleaned` is a repaired text that can be read, if there is one.
    """
    code, faults = read(payload)
    text = payload[:INPUT_CHARS_MAX]
    kind, cleaned, hints = guess(text, code)
    severities = {fault.severity for fault in faults}
    known = networks(code) if code is not None else ()
    return Report(
        payload=payload,
        kind=kind,
        strict=not severities & {"fatal", "error"},
        tolerant="fatal" not in severities,
        findings=worst_first([*faults, *(advise(payload, code) if code is not None else ()), *hints]),
        code=code,
        cleaned=cleaned,
        networks=(*known, *_unknown(code, known)),
        schemes=_schemes(code, faults, known),
        country=code.country if code is not None else None,
        currency=find_currency(code.currency) if code is not None and code.currency else None,
        initiation=_initiation(code, known),
        amount=_amount(code),
        asks=_asks(code),
        languages=(code.language.language,) if code and code.language and code.language.language else (),
        chars=len(payload),
        bytes=len(payload.encode("utf-8", "surrogatepass")),
        chars_left=PAYLOAD_CHARS_MAX - len(payload),
        tree=_tree(text, "", 0),
    )


def _unknown(code: MerchantCode | None, known: tuple[Network, ...]) -> tuple[Network, ...]:
    """Accounts that no profile knows: card schemes by identifier, others by their GUID."""
    named = {network.tag for network in known}
    return tuple(
        Network("", _CARDS.get(account.tag) or account.guid or "", "", account.tag, account.fields)
        for account in (code.accounts if code is not None else ())
        if account.tag not in named
    )


def _schemes(code: MerchantCode | None, faults: list[Finding], known: tuple[Network, ...]) -> tuple[Scheme, ...]:
    if code is None:
        return ()
    profiles = map(find_profile, dict.fromkeys(network.profile for network in known))
    return tuple(
        Scheme(profile.id, profile.name, worst_first(judge(profile, code, faults, reading=True)))
        for profile in profiles
    )


def _initiation(code: MerchantCode | None, known: tuple[Network, ...]) -> Initiation:
    """By object 01, or where a scheme tells it elsewhere, by the scheme's case of that name."""
    if code is None:
        return "unstated"
    if code.point_of_initiation is not None:
        return _INITIATIONS.get(code.point_of_initiation, "unstated")
    for network in known:
        for case in find_profile(network.profile).cases:
            if case.name == "dynamic":
                return "dynamic" if case.applies(code) else "static"
    return "unstated"


def _amount(code: MerchantCode | None) -> str:
    """Who decides what is paid, in words."""
    if code is None:
        return ""
    words = f"{code.amount} is asked" if code.amount is not None else "the payer types the amount"
    tip = code.tip
    if tip is None:
        return words
    more = {
        TIP_PROMPT: "and may add a tip",
        TIP_FIXED: f"plus a fee of {tip.fixed}",
        TIP_PERCENTAGE: f"plus a fee of {tip.percentage} %",
    }
    return f"{words}, {more.get(tip.indicator or '', 'with an unreadable tip rule')}"


def _asks(code: MerchantCode | None) -> tuple[str, ...]:
    """What the wallet must ask its user for."""
    if code is None or code.additional is None:
        return ()
    labels = [title for path, title in _LABELS if VALUE_PATHS[path](code) == ASK_PAYER]
    wanted = code.additional.consumer_data_request or ""
    return (*labels, *(words for letter, words in _CONSUMER_DATA.items() if letter in wanted))


def _tree(text: str, path: str, start: int) -> tuple[Node, ...]:
    """The objects of a level, which begins at `start`, and of the templates in it."""
    nodes = []
    for item in tlv.scan(text)[0][:NODES_MAX]:
        here = f"{path}.{item.tag}" if path else item.tag
        offset = start + item.offset
        parts = _tree(item.value, here, offset + tlv.HEADER_CHARS) if _is_template(here) else ()
        nodes.append(Node(here, _TITLES.get(here, ""), item.value, offset, parts))
    return tuple(nodes)


def _is_template(path: str) -> bool:
    root, _, inner = path.partition(".")
    if inner:
        return root == "62" and inner in ADDITIONAL_TEMPLATE_IDS
    return root in TEMPLATE_IDS


def _lines(report: Report) -> list[str]:
    """The report in words, a line for each thing."""
    kept = "keeps every EMVCo rule" if report.strict else "readable, but breaks EMVCo's rules"
    lines = [f"{report.kind} code, {report.initiation}: {kept if report.tolerant else 'not readable'}"]
    if report.cleaned is not None:
        lines.append(f"cleaned    {report.cleaned}")
    for network in report.networks:
        values = ", ".join(f"{name} {value}" for name, value in network.values.items())
        lines.append(f"pays by    {network.name or 'an unknown network'} ({network.tag}): {values}")
    if report.code is not None:
        code, currency = report.code, report.currency.alpha if report.currency else "?"
        lines.append(f"merchant   {code.name}, {code.city} {code.country}, category {code.mcc}")
        lines.append(f"amount     {report.amount}, {currency}")
    for name, words in (("asks for", report.asks), ("languages", report.languages)):
        if words:
            lines.append(f"{name:<10} {', '.join(words)}")
    lines.append(f"size       {report.chars} characters, {report.bytes} bytes, {report.chars_left} characters left")
    lines += [_finding_line(finding) for finding in report.findings]
    for scheme in report.schemes:
        lines.append(f"as {scheme.name}: {'sound' if not scheme.findings else ''}".rstrip())
        lines += [f"  {_finding_line(finding)}" for finding in scheme.findings]
    return lines + _node_lines(report.tree)


def _finding_line(finding: Finding) -> str:
    where = finding.path or "payload"
    return f"{finding.severity:<8} {where} {finding.code}: {finding.message} [{finding.section}]"


def _node_lines(nodes: tuple[Node, ...]) -> list[str]:
    lines = []
    for node in nodes:
        value = "" if node.parts else node.value
        lines.append(f"{node.offset:>4} {node.path:<6} {node.title:<22} {value}".rstrip())
        lines += [f"  {line}" for line in _node_lines(node.parts)]
    return lines
