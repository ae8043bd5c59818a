"""The explain report: everything that is known about a payload, for people. It never raises.

The top of the library: the reader for EMVCo's rules, network.py for schemes, meaning.py for what a payer wants to know,
advice.py for warnings.
"""

from __future__ import annotations

import msgspec

from qr import tlv
from qr.advice import advise, excuse, guess, is_misread, mend, readable_part
from qr.carriers import Kind, read_other
from qr.emv import (
    ADDITIONAL_FIELDS,
    ADDITIONAL_TEMPLATE_IDS,
    LANGUAGE_FIELDS,
    PAYLOAD_CHARS_MAX,
    ROOT_FIELDS,
    TEMPLATE_IDS,
    MerchantCode,
    Template,
)
from qr.errors import Finding, worst_first
from qr.iso import Currency, find_currency
from qr.meaning import CARDS, Initiation, Recognised, amount_in_words, asks, initiation
from qr.network import Network, judge, read_values, recognise
from qr.profile import Profile, TemplateRule
from qr.reader import INPUT_CHARS_MAX, read

NODES_MAX = 500
_TITLES = (
    {field.tag: field.title for field in ROOT_FIELDS}
    | {f"62.{field.tag}": field.title for field in ADDITIONAL_FIELDS}
    | {f"64.{field.tag}": field.title for field in LANGUAGE_FIELDS}
    | {"62": "additional data", "63": "checksum", "64": "language template"}
)


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
    """What `explain` found. `str(report)` is the same in words.

    `strict` and `tolerant` say what each mode makes of `payload` as it is. `cleaned` is the payload within it, when it
    must first be cleaned, and then the rest of the report is about that. Where a code cannot be read to its end, `code`
    is None and `readable` what stands before the break, or what is read once the one length that is wrong is right.
    """

    payload: str
    kind: Kind
    strict: bool
    tolerant: bool
    findings: tuple[Finding, ...]
    code: MerchantCode | None
    readable: MerchantCode | None
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

    Never raises, whatever the text. `findings` are EMVCo's, worst first, without warnings that a recognised scheme
    answers; those of schemes are in `schemes`.
    """
    code, faults = read(payload)
    text = payload[:INPUT_CHARS_MAX]
    severities = {fault.severity for fault in faults}
    if "fatal" in severities and (other := _explain_other(payload, text)) is not None:
        return other
    kind, cleaned, hints = guess(text, code)
    if cleaned is not None:
        text = cleaned
        code, faults = read(cleaned)
    readable = readable_part(text) if kind == "merchant" and (code is None or is_misread(faults)) else None
    known = readable if readable is not None else code
    faults = mend(text, code, faults, hints)
    owners = recognise(known) if known is not None else []
    schemes = _distinct(owners)
    advice = excuse(advise(text, code), code, owners, schemes) if code is not None else []
    return Report(
        payload=payload,
        kind=kind,
        strict=not severities & {"fatal", "error"},
        tolerant="fatal" not in severities,
        findings=worst_first([*faults, *advice, *hints]),
        code=code,
        readable=readable,
        cleaned=cleaned,
        networks=_networks(known, owners),
        schemes=_judgements(code, [*faults, *hints], schemes),
        country=known.country if known is not None else None,
        currency=find_currency(known.currency) if known is not None and known.currency else None,
        initiation=initiation(known, owners),
        amount="" if code is None and _ends_before_amount(readable) else amount_in_words(known, owners),
        asks=asks(known, owners),
        languages=(known.language.language,) if known and known.language and known.language.language else (),
        chars=len(payload),
        bytes=len(payload.encode("utf-8", "surrogatepass")),
        chars_left=PAYLOAD_CHARS_MAX - len(text),
        tree=_tree(text, "", 0, _titles(known, owners, schemes)),
    )


def _explain_other(payload: str, text: str) -> Report | None:
    """The report on a text that is no merchant code and holds none, None when it is of no kind that is known."""
    other = read_other(text)
    if other is None or guess(text, None)[1] is not None:
        return None
    return Report(
        payload=payload,
        kind=other.kind,
        strict=False,
        tolerant=False,
        findings=worst_first(other.findings),
        code=None,
        readable=None,
        cleaned=None,
        networks=other.networks,
        schemes=(),
        country=other.country,
        currency=other.currency,
        initiation=other.initiation,
        amount=other.amount,
        asks=(),
        languages=(),
        chars=len(payload),
        bytes=len(payload.encode("utf-8", "surrogatepass")),
        chars_left=PAYLOAD_CHARS_MAX - len(text),
        tree=_tree(text, "", 0, {}) if other.kind == "karekod" else (),
    )


def _ends_before_amount(readable: MerchantCode | None) -> bool:
    """Whether a code breaks before it could have said an amount: nothing after 54 is read, nor 54 itself."""
    return readable is None or (readable.amount is None and readable.country is None and readable.name is None)


def _distinct(owners: Recognised) -> tuple[Profile, ...]:
    """The profiles in order, each once; by id, since comparing them whole is slow."""
    return tuple({profile.id: profile for profile, _, _ in owners}.values())


def _networks(code: MerchantCode | None, owners: Recognised) -> tuple[Network, ...]:
    """Every account: those that a profile knows, then card schemes by identifier and others by their GUID."""
    found = [
        Network(profile.id, rule.title or profile.name, rule.name, account.tag, read_values(rule, account))
        for profile, rule, account in owners
    ]
    named = {network.tag for network in found}
    for account in code.accounts if code is not None else ():
        if account.tag not in named:
            name = CARDS.get(account.tag) or account.guid or ""
            values = account.fields or {"value": account.text}
            found.append(Network("", name, "", account.tag, values))
    return tuple(found)


def _judgements(code: MerchantCode | None, faults: list[Finding], schemes: tuple[Profile, ...]) -> tuple[Scheme, ...]:
    if code is None:
        return ()
    return tuple(
        Scheme(profile.id, profile.name, worst_first(judge(profile, code, faults, reading=True))) for profile in schemes
    )


def _titles(code: MerchantCode | None, owners: Recognised, schemes: tuple[Profile, ...]) -> dict[str, str]:
    """What schemes call the objects of their templates, by path."""
    titles: dict[str, str] = {}
    for profile, rule, account in owners:
        titles[account.tag] = rule.title or profile.name
        _add_titles(titles, account.tag, rule)
    if code is None:
        return titles
    inner = code.additional.templates if code.additional is not None else ()
    for profile in schemes:
        places: tuple[tuple[str, tuple[TemplateRule, ...], tuple[Template, ...]], ...] = (
            ("", profile.unreserved, code.unreserved),
            ("62.", profile.additional, inner),
        )
        for prefix, rules, templates in places:
            for template in templates if rules else ():
                for rule in rules:
                    if rule.judge(template) is not None:
                        titles[f"{prefix}{template.tag}"] = rule.name.replace("_", " ")
                        _add_titles(titles, f"{prefix}{template.tag}", rule)
    return titles


def _add_titles(titles: dict[str, str], path: str, rule: TemplateRule) -> None:
    for field in rule.fields:
        titles[f"{path}.{field.id}"] = field.title
        for part in field.fields:
            titles[f"{path}.{field.id}.{part.id}"] = part.title


def _tree(text: str, path: str, start: int, titles: dict[str, str]) -> tuple[Node, ...]:
    """The objects of a level, which begins at `start`, and of the templates in it."""
    nodes = []
    for item in tlv.scan(text)[0][:NODES_MAX]:
        here = f"{path}.{item.tag}" if path else item.tag
        offset = start + item.offset
        parts = _tree(item.value, here, offset + tlv.HEADER_CHARS, titles) if _is_template(here) else ()
        nodes.append(Node(here, _TITLES.get(here) or titles.get(here, ""), item.value, offset, parts))
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
    if report.kind not in ("merchant", "unknown"):
        lines = [f"{report.kind}: no merchant code"]
    if report.cleaned is not None:
        lines.append(f"cleaned    {report.cleaned}")
    for network in report.networks:
        values = ", ".join(f"{name} {value}" for name, value in network.values.items())
        place = f" ({network.tag})" if network.tag else ""
        does = "leads to" if report.kind == "link" else "pays by"
        lines.append(f"{does:<10} {network.name or 'an unknown network'}{place}: {values}")
    code = report.readable or report.code
    if code is not None:
        place = " ".join(filter(None, (code.city, code.country)))
        merchant = (code.name, place, code.mcc and f"category {code.mcc}")
        lines.append(f"merchant   {', '.join(filter(None, merchant)) or 'not named'}")
    if report.amount:
        lines.append(f"amount     {report.amount}{f', {report.currency.alpha}' if report.currency else ''}")
    for name, words in (("asks for", report.asks), ("languages", report.languages)):
        if words:
            lines.append(f"{name:<10} {', '.join(words)}")
    lines.append(f"size       {report.chars} characters, {report.bytes} bytes, {report.chars_left} characters left")
    lines += [_finding_line(finding, report.schemes) for finding in report.findings]
    told = set(report.findings)
    for scheme in report.schemes:
        news = [finding for finding in scheme.findings if finding not in told]
        verdict = "sound" if not scheme.findings else "" if news else "at fault, as said above"
        lines.append(f"as {scheme.name}: {verdict}".rstrip())
        lines += [f"  {_finding_line(finding)}" for finding in news]
    return lines + _node_lines(report.tree)


def _finding_line(finding: Finding, schemes: tuple[Scheme, ...] = ()) -> str:
    where = finding.path or "payload"
    forgiving = [scheme.name for scheme in schemes if finding not in scheme.findings]
    forgiven = f", and {' and '.join(forgiving)} forgives it" if forgiving and finding.severity == "error" else ""
    return f"{finding.severity:<8} {where} {finding.code}: {finding.message}{forgiven} [{finding.section}]"


def _node_lines(nodes: tuple[Node, ...]) -> list[str]:
    lines = []
    for node in nodes:
        value = "" if node.parts else node.value
        lines.append(f"{node.offset:>4} {node.path:<6} {node.title:<22} {value}".rstrip())
        lines += [f"  {line}" for line in _node_lines(node.parts)]
    return lines
