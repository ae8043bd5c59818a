"""Whether a policy contradicts itself: unknown keys, limits that fall, a tier nobody reaches or that asks for less."""

import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import combinations, pairwise

import msgspec

from kyb import codes
from kyb.applicant import Business, Contact, Location, Owner, SettlementAccount
from kyb.attributes import ATTRIBUTES, can_verify
from kyb.mcc_classes import MCC_CLASSES, UnknownMccSet, mcc_set
from kyb.policy.conditions import condition_fault
from kyb.policy.durations import span
from kyb.policy.model import (
    CAPABILITIES,
    DIRECTIONS,
    METHODS,
    Check,
    Direction,
    Limits,
    LimitsText,
    Policy,
    PolicyError,
    Requires,
    Tier,
    UnknownCurrency,
)
from kyb.policy.retention import MOST_DAYS, RETENTION
from kyb.risk_weights import WeightsError

MOST_APPROVALS = 3  # more people than that no small institution has
MOST_REFUND_DAYS = 366
MOST_TIERS = 12  # the finest regime in law has five; each one costs time when a policy is checked
_WORD = re.compile(r"[A-Za-z0-9._-]{1,40}")  # a name or version, as it stands in reports and in the audit record
OR = " or "  # between alternatives of one answer
# Section -> the struct whose fields a path may name.
SECTIONS: dict[str, type[msgspec.Struct]] = {
    "business": Business,
    "owners[]": Owner,
    "contact": Contact,
    "locations[]": Location,
    "settlement_account": SettlementAccount,
}
# Types of which the attribute is fixed; None: they verify no attribute.
FIXED_ATTRIBUTES: dict[str, str | None] = {
    "phone_code": "phone",
    "site_visit": "site",
    "registry_lookup": "registration",
    "lei_active": "lei",
    "licence_for_mcc": "licence",
    "account_ownership": "account",
    "questionnaire": "questionnaire",
    "owner_kyc": "identity",
    "screening_clear": None,
    "volume_observed": None,
    "risk_band": None,
}


def attribute_of(check: Check) -> str | None:
    """The attribute that a check looks at."""
    return FIXED_ATTRIBUTES.get(check.type, check.attribute)


def check_policy(policy: Policy) -> None:
    """Refuse a policy that contradicts itself. Raises PolicyError with the place of the first fault."""
    for fault in policy_faults(policy):
        raise PolicyError(fault)


def policy_faults(policy: Policy) -> Iterator[str]:
    """Every fault of a policy with its place; what rests on names that are wrong is looked at once they are right."""
    found = False
    for look in (
        _head_faults,
        _tier_faults,
        _answer_faults,
        _check_faults,
        _key_faults,
        _span_faults,
        _list_faults,
        _kept_faults,
        _refund_faults,
    ):
        for fault in look(policy):
            found = True
            yield fault
    if not found:
        yield from _limit_faults(policy)
        yield from _reach_faults(policy)
        yield from _volume_faults(policy)
        yield from _everybody_faults(policy)
        yield from _evidence_faults(policy)


def _head_faults(policy: Policy) -> Iterator[str]:
    for name in ("name", "version"):
        if not _WORD.fullmatch(getattr(policy.text, name)):
            yield f"{name}: 1 to 40 letters, digits, dots, dashes or underscores"


def _kept_faults(policy: Policy) -> Iterator[str]:
    for name, days in policy.text.retention_days.items():
        if name not in RETENTION:
            yield f"retention_days.{name}: is not one of {', '.join(RETENTION)}"
        elif not 1 <= days <= MOST_DAYS:
            yield f"retention_days.{name}: from 1 to {MOST_DAYS} days"


def _refund_faults(policy: Policy) -> Iterator[str]:
    refunds = policy.text.refunds
    if refunds.approval_above < 0:
        yield "refunds.approval_above: must not be below 0"
    with suppress(ValueError):  # _span_faults says what is wrong with it
        if span(refunds.window).about_days > MOST_REFUND_DAYS:
            yield f"refunds.window: at most {MOST_REFUND_DAYS} days, for so long a payer's number is kept"


def _tier_faults(policy: Policy) -> Iterator[str]:
    if not 1 <= len(policy.tiers) <= MOST_TIERS:
        yield f"tiers: from 1 to {MOST_TIERS} are needed"
    for tier in policy.tiers:
        if unknown := set(tier.kinds) - set(codes.BUSINESS_KINDS):
            yield f"tiers.{tier.name}.kinds: unknown kind {min(unknown)}"
        if not tier.kinds:
            yield f"tiers.{tier.name}.kinds: nobody can reach a tier that is open to no kind of business"
        for band, count in tier.approvals.items():
            if not 1 <= count <= MOST_APPROVALS:
                yield f"tiers.{tier.name}.approvals.{band}: from 1 to {MOST_APPROVALS}"
    for kind in codes.BUSINESS_KINDS:
        if not policy.ladder(kind):
            yield f"tiers: none is open to {kind}"


def _answer_faults(policy: Policy) -> Iterator[str]:
    for path in policy.text.answers:
        for alternative in path.split(OR):
            if fault := path_fault(alternative):
                yield f"answers: {fault}"


def path_fault(path: str) -> str | None:
    """What is wrong with one path of an answer, such as owners[].given_name|family_name; None when it is right."""
    section, _, rest = path.partition(".")
    if section not in SECTIONS or not (rest or section.endswith("[]")):
        return f"{path} names no section"
    fields = SECTIONS[section].__struct_fields__
    for name in rest.split("|") if rest else ():
        if name.removesuffix("[]") not in fields:
            return f"{path} names no field of {section}"
    return None


def _check_faults(policy: Policy) -> Iterator[str]:
    for key, check in policy.text.checks.items():
        place = f"checks.{key}"
        if key in policy.text.answers:
            yield f"{place}: an answer has this name already"
        attribute = attribute_of(check)
        if attribute is not None and attribute not in ATTRIBUTES:
            yield f"{place}.attribute: must be one of {', '.join(ATTRIBUTES)}"
        if check.type in FIXED_ATTRIBUTES and check.attribute not in ("", attribute):
            yield f"{place}.attribute: {check.type} looks at {attribute or 'no attribute'}"
        if unknown := set(check.by) - set(METHODS):
            yield f"{place}.by: unknown method {min(unknown)}"
        if attribute is not None and not check.by:
            yield f"{place}.by: nobody can verify it, so no tier that asks for it can be reached"
        elif attribute in ATTRIBUTES and not unknown and not any(can_verify(each, attribute) for each in check.by):
            yield f"{place}.by: {', '.join(check.by)} cannot verify {attribute}, so no tier that asks for it is reached"
        if check.when is not None and (fault := condition_fault(check.when)):
            yield f"{place}.when: {fault}"
        if not 0 < check.high_risk_threshold_percent <= check.threshold_percent <= 100:
            yield f"{place}: 0 < high_risk_threshold_percent <= threshold_percent <= 100 must hold"


def _key_faults(policy: Policy) -> Iterator[str]:
    known = policy.text.answers.keys() | policy.text.checks.keys()
    places: list[tuple[str, Requires]] = [("requires", policy.text.requires)]
    places += [(f"tiers.{tier.name}.requires", tier.requires) for tier in policy.tiers]
    for place, requires in places:
        if unknown := requires.keys() - known:
            yield f"{place}: {min(unknown)} is neither an answer nor a check"
        for choice in requires.any:
            if len(choice) < 2 or not all(choice):
                yield f"{place}.any: a choice has two alternatives at least, none of them empty"
    for name, tier_name in policy.text.capabilities.items():
        if name not in CAPABILITIES:
            yield f"capabilities: {name} is not one of {', '.join(CAPABILITIES)}"
        if tier_name not in policy.text.tiers:
            yield f"capabilities.{name}: there is no tier {tier_name}"


def _span_faults(policy: Policy) -> Iterator[str]:
    text = policy.text
    written = [("notice", text.notice), ("grace", text.grace), ("abandon", text.abandon)]
    written += [("lower_risk_lasts", text.lower_risk_lasts), ("refunds.window", text.refunds.window)]
    written += [(f"checks.{key}.valid", check.valid) for key, check in text.checks.items() if check.valid]
    for tier in policy.tiers:
        written += [(f"tiers.{tier.name}.review.{band}", each) for band, each in tier.review.items()]
        if tier.expires_after:
            written.append((f"tiers.{tier.name}.expires_after", tier.expires_after))
    for place, each in written:
        try:
            span(each)
        except ValueError as error:
            yield f"{place}: {error}"


def _limit_faults(policy: Policy) -> Iterator[str]:
    overridden = {one for tier in policy.tiers for one in (*tier.limits_minor, *tier.debit_minor)}
    places: dict[str, list[str]] = {}
    for currency in sorted(policy.text.minor_per_unit.keys() | overridden):
        if currency not in codes.currencies():
            yield f"minor_per_unit: {currency} is not an active ISO 4217 code"
        if policy.text.minor_per_unit.get(currency, 1) < 1:
            yield f"minor_per_unit.{currency}: must be at least 1"
        for direction in directions(policy.tiers):
            try:
                rungs = [policy.limits(tier.name, currency, direction) for tier in policy.tiers]
            except UnknownCurrency:
                yield f"{currency}: limited in some tiers only"
                return
            for fault in _rung_faults(policy.tiers, rungs):
                places.setdefault(fault.format(direction=direction), []).append(currency)
    yield from (in_currencies(fault, found, policy) for fault, found in places.items())
    if not policy.text.minor_per_unit and not overridden:
        yield "minor_per_unit: no currency has limits"


def _rung_faults(tiers: tuple[Tier, ...], rungs: list[Limits]) -> Iterator[str]:
    for tier, limits in zip(tiers, rungs, strict=True):
        if not 0 < limits.per_payment_minor <= limits.per_day_minor <= limits.per_month_minor:
            yield f"tiers.{tier.name}: payment <= day <= month must hold ({{direction}})"
        if limits.payments_per_day < 1 or (limits.balance_minor is not None and limits.balance_minor < 1):
            yield f"tiers.{tier.name}: payments_per_day and balance must be at least 1 ({{direction}})"
    for (tier, lower), (above, higher) in pairwise(zip(tiers, rungs, strict=True)):
        if not no_more(lower, higher):
            yield f"tiers.{above.name}: a higher tier allows less than {tier.name} ({{direction}})"


def directions(tiers: tuple[Tier, ...]) -> tuple[Direction, ...]:
    """The directions whose limits can differ: where no tier has limits for what goes out, those for what comes in."""
    return DIRECTIONS if any(tier.debit is not None for tier in tiers) else DIRECTIONS[:1]


def in_currencies(fault: str, currencies: list[str], policy: Policy) -> str:
    """One fault that several currencies have: the policy's own unit is named where it is among them."""
    named = policy.text.unit if policy.text.unit in currencies else currencies[0]
    others = len(currencies) - 1
    return f"{fault} in {named}" + (f" and {others} other currencies" if others else "")


def no_more(one: Limits | LimitsText, other: Limits | LimitsText) -> bool:
    """Whether `one` permits nowhere more than `other`; no balance limit is the most."""
    *amounts, balance = msgspec.structs.astuple(one)
    *others, other_balance = msgspec.structs.astuple(other)
    if other_balance is not None and (balance is None or balance > other_balance):
        return False
    return all(low <= high for low, high in zip(amounts, others, strict=True))


def _reach_faults(policy: Policy) -> Iterator[str]:
    """A tier that nobody can reach: it asks for a lower risk than any case has, or lapses with nowhere to go."""
    for tier in policy.tiers:
        for kind in tier.kinds:
            higher = policy.ladder(kind)[policy.ladder(kind).index(tier) + 1 :]
            if tier.expires_after and not higher:
                yield f"tiers.{tier.name}.expires_after: {kind} has no higher tier to be raised to"
        if {"@low", "@medium", "@high"} <= set(tier.mcc_refused) or _refuses_all(policy, tier):
            yield f"tiers.{tier.name}.mcc_refused: every trade is refused"


def _refuses_all(policy: Policy, tier: Tier) -> bool:
    """Whether no trade is left to a tier: all are refused by their codes, or carried on by nobody."""
    named = ("@prohibited", *tier.mcc_refused)
    refused = frozenset[str]().union(*(mcc_set(name, policy.text.mcc_classes) for name in named))
    return codes.merchant_category_codes() <= refused


def _volume_faults(policy: Policy) -> Iterator[str]:
    """A turnover that no merchant can show: more than the tier below permits in a month; below the lowest is none."""
    checks = policy.text.checks
    for kind in codes.BUSINESS_KINDS:
        most: float = 0
        for tier in policy.ladder(kind):
            for key in sorted(policy.asked(tier).keys() & checks.keys()):
                asked = checks[key]
                if asked.type == "volume_observed" and asked.minimum_units > most:
                    yield f"tiers.{tier.name}: {key} asks {kind} for more in a month than the {most:g} permitted before"
            most = _monthly_units(policy, tier)


def _monthly_units(policy: Policy, tier: Tier) -> float:
    """The most that a merchant of a tier may take in a month, in units; a currency may have an amount of its own."""
    scales = policy.text.minor_per_unit
    own = [limits.per_month / scales[one] for one, limits in tier.limits_minor.items() if one in scales]
    return max(tier.limits.per_month, *own) if own else tier.limits.per_month


def _everybody_faults(policy: Policy) -> Iterator[str]:
    """A policy that takes nobody at all: wherever they trade, or whatever they sell, their risk is unacceptable."""
    weights = policy.risk_weights
    if policy.text.countries and set(policy.text.countries) <= set(weights.geography.black_countries):
        yield "countries: each of them is one of risk.geography.black_countries, so nobody can be taken"
    if weights.mcc.low - weights.mitigants.cap >= weights.bands.unacceptable_from:
        yield "risk.mcc.low: with so many points the risk of every trade is unacceptable"


def _evidence_faults(policy: Policy) -> Iterator[str]:
    """Tiers of one kind add up, so a higher one holds the evidence of a lower one; who a person is, all ask from T1 on.

    Without the second rule a kind that has a single high tier would prove less there than a street seller (a company
    with a registration number, and nothing known of its owners).
    """
    for lower, higher in combinations(policy.tiers, 2):
        needed = _person_evidence(policy, lower, lower.kinds[0])
        for kind in higher.kinds:
            if kind not in lower.kinds and not needed <= _person_evidence(policy, higher, kind):
                yield (
                    f"tiers.{higher.name}: allows more than {lower.name} and asks {kind} for less: the owners' identity"
                )


def _person_evidence(policy: Policy, tier: Tier, kind: str) -> set[str]:
    """Whether a kind of business proves its owners' identity by the time it reaches a tier."""
    ladder = policy.ladder(kind)
    keys = set(policy.text.requires.all)
    for rung in ladder[: ladder.index(tier) + 1]:
        keys |= set(rung.requires.all)
        for choice in rung.requires.any:
            keys |= set.intersection(*(set(alternative) for alternative in choice))
    checks = policy.text.checks
    return {"identity" for key in keys if key in checks and attribute_of(checks[key]) == "identity"}


def _list_faults(policy: Policy) -> Iterator[str]:
    for country in policy.text.countries:
        if country not in codes.countries():
            yield f"countries: {country} is not a code of ISO 3166-1"
    for code, name in policy.text.mcc_classes.items():
        if code not in codes.merchant_category_codes():
            yield f"mcc_classes: {code} is not a code of ISO 18245"
        if name.removeprefix("@") not in MCC_CLASSES:
            yield f"mcc_classes.{code}: {name} is none of {', '.join(MCC_CLASSES)}"
            return
    for tier in policy.tiers:
        for name in tier.mcc_refused:
            try:
                mcc_set(name, policy.text.mcc_classes)
            except UnknownMccSet as error:
                yield f"tiers.{tier.name}.mcc_refused: {error}"
    try:
        policy.risk_weights  # noqa: B018 - reading them is the check
    except WeightsError as error:
        yield str(error)
