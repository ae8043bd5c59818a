"""Applies profiles: the networks of a code, the findings of a scheme, accounts from named values.

The layer above EMVCo's rules. A profile is given by id, if it comes with the library, or as a Profile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

import msgspec

from qr.catalogue import find_profile, list_profiles
from qr.emv import ATTRIBUTES, VALUE_PATHS, Account, Additional, Language, MerchantCode, Template, Tip
from qr.errors import Finding, ProfileError, Severity
from qr.iso import find_currency
from qr.profile import ANY_FIELD, NO_RULES, Profile, Rules, SubField, TemplateRule, choices
from qr.reader import read
from qr.tlv import IDS, TlvError, join, split

PAYLOAD_FORMAT_ID = "00"  # never without a value
Owner = tuple[Profile, TemplateRule]


class Network(msgspec.Struct, frozen=True):
    """One payment network of a code: the profile, its name, its account rule, the tag of the account and its values."""

    profile: str
    name: str
    account: str
    tag: str
    values: dict[str, str]


def resolve(profile: str | Profile) -> Profile:
    """The profile itself; ProfileError for an unknown id."""
    return find_profile(profile) if isinstance(profile, str) else profile


def networks(code: MerchantCode, profiles: Iterable[Profile] | None = None) -> tuple[Network, ...]:
    """Every account of the code that a profile knows, in order.

    A GUID of the scheme's own outweighs profiles that know accounts only by their pattern, which must also name the
    code's country.
    """
    return tuple(
        Network(profile.id, rule.title or profile.name, rule.name, account.tag, read_values(rule, account))
        for profile, rule, account in recognise(code, profiles)
    )


def recognise(
    code: MerchantCode, profiles: Iterable[Profile] | None = None
) -> list[tuple[Profile, TemplateRule, Account]]:
    """As `networks`, with the profiles and rules themselves."""
    known = _known() if profiles is None else _Known(tuple(profiles))
    found: list[tuple[Profile, TemplateRule, Account]] = []
    for account in code.accounts:
        guid = account.fields.get("00", "").lower()
        named = known.named.get(guid) or ()
        owners = [(profile, rule) for profile, rule in named if account.tag in rule.ids]
        if not owners:
            owners = [
                (profile, rule)
                for profile, rule in known.unnamed.get(account.tag, ())
                if rule.owns(account) and _is_local(profile, code)
            ]
        found += [(profile, rule, account) for profile, rule in owners or named[:1]]
    return found


class _Known:
    """Profiles by what marks their accounts: a GUID of their own, or else the identifier."""

    def __init__(self, profiles: Iterable[Profile]) -> None:
        self.named: dict[str, list[Owner]] = {}
        self.unnamed: dict[str, list[Owner]] = {}
        for profile in profiles:
            for rule in profile.accounts:
                for guid in dict.fromkeys(map(str.lower, rule.guid)):
                    self.named.setdefault(guid, []).append((profile, rule))
                for tag in rule.ids if not rule.guid else ():
                    self.unnamed.setdefault(tag, []).append((profile, rule))


@cache
def _known() -> _Known:
    return _Known(list_profiles())


def _is_local(profile: Profile, code: MerchantCode) -> bool:
    """Whether a profile may know the accounts of a code by their pattern: by country, or while that cannot be read by
    currency.
    """
    if not profile.countries or code.country in profile.countries:
        return True
    return code.country is None and code.currency in profile.currency_codes


def read_values(rule: TemplateRule, template: Template) -> dict[str, str]:
    """A template's values under the names its rule gives them, others under their identifier."""
    if not template.fields:
        return {"value": template.text}
    names = {field.id: field for field in rule.fields}
    values: dict[str, str] = {}
    for tag, value in template.fields.items():
        field = names.get(tag)
        if field is None:
            values["guid" if tag == "00" else tag] = value
        elif field.fields and field.match(value) is not None:
            inner = split(value)
            values |= {part.name: inner[part.id] for part in field.fields if part.id in inner}
        else:
            values[field.name] = value
    return values


def judge(profile: Profile, code: MerchantCode, findings: list[Finding], *, reading: bool) -> list[Finding]:
    """EMVCo's findings without those that the profile waives, plus those of the profile's own rules."""
    kept = [finding for finding in findings if not profile.waives(finding, reading=reading)] if findings else []
    told = len(kept)
    section = profile.section
    if not _judge_templates(profile.accounts, code.accounts, "", section, kept):
        kept.append(_no_account(profile, code))
    if profile.additional:
        templates = code.additional.templates if code.additional is not None else ()
        _judge_templates(profile.additional, templates, "62.", section, kept)
    if profile.unreserved:
        _judge_templates(profile.unreserved, code.unreserved, "", section, kept)
    if profile.currencies and code.currency is not None and code.currency not in profile.currency_codes:
        known = find_currency(code.currency)
        shown = known.alpha if known else repr(code.currency)
        message = f"currency (53) must be {choices(profile.currencies)}, and it is {shown}"
        kept.append(Finding("53", "bad_value", message, "error", section))
    if profile.countries and code.country is not None and code.country not in profile.countries:
        message = f"country (58) must be {choices(profile.countries)}, and it is {code.country!r}"
        kept.append(Finding("58", "bad_value", message, "error", section))
    if profile.rules is not NO_RULES:
        _judge_rules(profile.rules, code, section, kept)
    if profile.writing is not NO_RULES and not reading:
        _judge_rules(profile.writing, code, section, kept)
    if profile.advice is not NO_RULES and reading:
        _judge_rules(profile.advice, code, section, kept, "warning")
    for case in profile.cases:
        if case.applies(code):
            _judge_rules(case, code, section, kept)
    return kept if len(kept) < 2 else _once(kept, told)


def _once(findings: list[Finding], told: int) -> list[Finding]:
    """One finding a fault: the first `told` are EMVCo's, and what a scheme says of the same object is no news."""
    places = {finding.path for finding in findings[:told]}
    own: dict[tuple[str, str], Finding] = {}
    for finding in findings[told:]:
        if finding.path not in places:
            what = finding.message if finding.code == "bad_value" else finding.code
            own.setdefault((finding.path, what), finding)
    return findings[:told] + list(own.values())


def _no_account(profile: Profile, code: MerchantCode) -> Finding:
    """Says that a code has no account of the scheme, or that it stands in the wrong place."""
    for account in code.accounts:
        for rule in profile.accounts:
            if account.fields.get("00", "").lower() in {guid.lower() for guid in rule.guid}:
                message = (
                    f"the account of {profile.name} stands in {account.tag}, and its place is {choices(rule.tags)}"
                )
                return Finding(account.tag, "misplaced", message, "error", profile.section)
    message = f"none of the accounts is one of {profile.name}"
    return Finding("02-51", "network_missing", message, "error", profile.section)


def _judge_templates(
    rules: tuple[TemplateRule, ...],
    templates: tuple[Template, ...],
    prefix: str,
    section: str,
    findings: list[Finding],
) -> bool:
    """Adds the findings of the template rules; returns whether any template belongs to one.

    One that a rule only takes for its own, such as any domain's in a scheme of domains, is held to it when no other is
    surely the rule's, and no other rule has it.
    """
    owned: set[str] = set()
    somebody = False
    faulty: list[tuple[TemplateRule, Template]] = []
    doubtful: list[tuple[TemplateRule, Template]] = []
    for rule in rules:
        mine, perhaps = False, []
        for template in templates:
            sound = rule.judge(template)
            if sound or (sound is False and rule.knows(template)):
                mine = True
                owned.add(template.tag)
                somebody = somebody or sound
                if not sound:
                    faulty.append((rule, template))
            elif sound is False and rule.guid_pattern is not None:
                perhaps.append((rule, template))
        if not mine:
            doubtful += perhaps
            if rule.required:
                message = f"template {rule.name} is missing from {prefix}{choices(rule.tags)}"
                findings.append(Finding(f"{prefix}{rule.tags[0]}", "missing", message, "error", section))
    for rule, template in faulty:
        if not (somebody and rule.bare and template.fields.keys() == {"00"}):
            findings += _template_findings(rule, template, prefix, section)
    for rule, template in doubtful:
        if template.tag not in owned:
            findings += _template_findings(rule, template, prefix, section)
    return bool(owned)


def _template_findings(rule: TemplateRule, template: Template, prefix: str, section: str) -> Iterator[Finding]:
    if template.text and rule.text_pattern is None:
        return  # it cannot be read to its end, which is EMVCo's finding
    fields, place = template.fields, f"{prefix}{template.tag}"
    for field in rule.fields:
        path = f"{place}.{field.id}"
        value = fields.get(field.id)
        if value is None and field.required:
            yield Finding(path, "missing", f"{field.title} ({path}) is missing", "error", section)
        for message in field.faults(value, path) if value is not None else ():
            yield Finding(path, "bad_value", message, "error", section)
    if not rule.has_one_of(fields):
        yield Finding(place, "missing", f"object {place} names nobody: {_one_of_wants(rule)}", "error", section)


def _one_of_wants(rule: TemplateRule) -> str:
    if ANY_FIELD in rule.one_of:
        return "at least one of the sub-fields is needed beside the GUID"
    return f"at least one of {', '.join(rule.one_of)} is needed"


def _judge_rules(
    rules: Rules, code: MerchantCode, section: str, findings: list[Finding], severity: Severity = "error"
) -> None:
    for path, get in rules.required_getters:
        if get(code) is None:
            findings.append(_missing(path, code, section, severity))
    for path, get in rules.forbidden_getters:
        if get(code) is not None:
            findings.append(Finding(path, "forbidden", f"{title(path)} must be absent", severity, section))
    for path, get, match in rules.value_matches:
        value = get(code)
        if value is not None and match(value) is None:
            message = f"{title(path)} must be {rules.shape(path)}, and it is {value!r}"
            findings.append(Finding(path, "bad_value", message, severity, section))


def title(path: str) -> str:
    """An object in words with its path: `reference label (62.05)`."""
    attribute = ATTRIBUTES.get(path)
    return f"{attribute.rpartition('.')[2].replace('_', ' ')} ({path})" if attribute else f"object {path}"


def _missing(path: str, code: MerchantCode, section: str, severity: Severity) -> Finding:
    """An object is missing, or the whole template that it belongs to."""
    tag = path.partition(".")[0]
    if path not in VALUE_PATHS and all(template.tag != tag for template in (*code.accounts, *code.unreserved)):
        return Finding(tag, "missing", f"object {tag} is missing", severity, section)
    return Finding(path, "missing", f"{title(path)} is missing", severity, section)


def account(profile: str | Profile, name: str | None = None, /, **values: str) -> Account:
    """An account of a scheme from named values: `account("tanqr", acquirer="01001", merchant="12345678")`.

    `name` chooses among a profile's accounts (the first otherwise); `guid` and `tag` are needed or allowed where the
    scheme leaves them open. Raises ProfileError for unknown, missing or ill-formed values.
    """
    scheme = resolve(profile)
    made = _fill(scheme, _rule_named(scheme, scheme.accounts, name), values)
    return Account(made.tag, made.fields, made.text)


def unreserved(profile: str | Profile, name: str | None = None, /, **values: str) -> Template:
    """A scheme's template among 80 to 99 from named values; as `account`."""
    scheme = resolve(profile)
    return _fill(scheme, _rule_named(scheme, scheme.unreserved, name), values)


def additional(profile: str | Profile, name: str | None = None, /, **values: str) -> Template:
    """A scheme's template among 62-50 to 62-99 from named values; as `account`."""
    scheme = resolve(profile)
    return _fill(scheme, _rule_named(scheme, scheme.additional, name), values)


def _rule_named(scheme: Profile, rules: tuple[TemplateRule, ...], name: str | None) -> TemplateRule:
    for rule in rules:
        if name is None or rule.name == name:
            return rule
    raise _misfit(scheme, "", f"the scheme has no template named {name}")


def _fill(scheme: Profile, rule: TemplateRule, values: dict[str, str]) -> Template:
    left = dict(values)
    tag = left.pop("tag", min(rule.ids))
    if rule.text_pattern is not None:
        template = Template(tag, {}, left.pop("value", ""))
    else:
        guid = left.pop("guid", rule.guid[0] if rule.guid else None)
        fields = {"00": guid} if guid is not None else {}
        for field in rule.fields:
            text = _take(scheme, field, left)
            if text is not None:
                fields[field.id] = text
        if rule.open:
            fields |= {tag: left.pop(tag) for tag in sorted(left.keys() & IDS)}
        template = Template(tag, fields)
    if left:
        raise _misfit(scheme, min(left), "the scheme has no such value")
    if not rule.has_one_of(template.fields):
        raise _misfit(scheme, tag, _one_of_wants(rule))
    if not rule.judge(template):
        raise _misfit(scheme, tag, f"this is no {rule.name} of {scheme.name}: {template.text or template.fields}")
    return template


def _take(scheme: Profile, field: SubField, left: dict[str, str]) -> str | None:
    """The text of one field, made from the values still left; None when it is optional and not given."""
    if field.fields:
        parts = [(inner.id, _take(scheme, inner, left)) for inner in field.fields]
        try:
            value = join((tag, text) for tag, text in parts if text is not None) or None
        except TlvError as error:
            raise _misfit(scheme, field.name, str(error)) from None
    else:
        value = left.pop(field.name, field.value)
    if value is None and field.required:
        raise _misfit(scheme, field.name, f"a {field.title} is needed")
    if value is not None and field.match(value) is None:
        raise _misfit(scheme, field.name, f"{field.title} must be {field.shape}, and it is {value!r}")
    return value


def _misfit(scheme: Profile, path: str, message: str) -> ProfileError:
    return ProfileError((Finding(path, "profile_value", message, "error", scheme.section),))


def with_defaults(code: MerchantCode, profile: str | Profile) -> MerchantCode:
    """The code with the scheme's default values where it has none, and always with the scheme's payload format."""
    scheme = resolve(profile)
    for path, value in scheme.defaults.items():
        if path == PAYLOAD_FORMAT_ID or VALUE_PATHS[path](code) is None:
            code = _with_value(code, path, value)
    return code


_PARENTS: dict[str, type[Tip] | type[Additional] | type[Language]] = {
    "tip": Tip,
    "additional": Additional,
    "language": Language,
}


def _with_value(code: MerchantCode, path: str, value: str) -> MerchantCode:
    parent, _, attribute = ATTRIBUTES[path].rpartition(".")
    if not parent:
        return msgspec.structs.replace(code, **{attribute: value})
    inner = getattr(code, parent) or _PARENTS[parent]()
    return msgspec.structs.replace(code, **{parent: msgspec.structs.replace(inner, **{attribute: value})})


def validate_profile(profile: Profile) -> list[Finding]:
    """What is wrong with a profile's golden payloads: each must keep its rules and yield the values it states."""
    faults: list[Finding] = []
    if not profile.golden:
        faults.append(Finding("golden", "missing", "no golden payload", "warning", profile.section))
    for number, golden in enumerate(profile.golden):
        path = f"golden.{number}"
        code, findings = read(golden.payload)
        if code is None:
            faults += findings
            continue
        faults += [
            Finding(f"{path}.{finding.path}", finding.code, finding.message, "error", finding.section)
            for finding in judge(profile, code, findings, reading=True)
            if finding.severity != "warning"
        ]
        found = [network.values for network in networks(code, (profile,))]
        if golden.values and golden.values not in found:
            message = f"the file states {golden.values}, and the accounts say {found}"
            faults.append(Finding(path, "values_differ", message, "error", profile.section))
    return faults
