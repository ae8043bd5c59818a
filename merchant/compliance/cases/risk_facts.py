"""What kyb.risk is told of a case: its answers, verifications, owners, hits and turnover, brought to kyb.RiskFacts.

Pure; risk.py reads the rows. What nobody asks for yet (a firm's age, nominees, political exposure, complaints) keeps
the defaults of kyb.RiskFacts, and no fact is anybody's nationality.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from msgspec import Struct

import kyb
from merchant.compliance.cases.queries import FALSE_POSITIVE, HitStanding

_VERIFIED: Final = "verified"
_DIFFERS = "differs"  # of the birth years that a hit compares
_MONTHS_OF_YEAR = 12


class Hits(Struct, frozen=True):
    """How many likenesses to listed names are open, or were cleared by one fact or by two."""

    open: int = 0
    by_one_fact: int = 0
    by_two_facts: int = 0


class Observed(Struct, frozen=True):
    """What a live merchant took in 30 days, in minor units of its first currency, and since when it is a merchant."""

    turnover_minor: int = 0
    payments: int = 0
    since: date | None = None


def hits_of(report: Mapping[str, Any], decisions: Mapping[str, HitStanding]) -> Hits:
    """The hits of a stored report with what people decided on them.

    A birth year that differs is a fact, and so is what a person found.
    """
    opened, one, two = 0, 0, 0
    for each in report["hits"]:
        hit, decided = each["hit"], decisions.get(each["id"])
        released = decided is not None and decided.decision == FALSE_POSITIVE and not decided.proposed
        if decided is not None and not released:
            opened += 1
        elif released and hit["birth_year"] == _DIFFERS:
            two += 1
        elif released or hit["set_aside"]:
            one += 1
        else:
            opened += 1
    return Hits(opened, one, two)


def risk_facts(
    case: kyb.Case, policy: kyb.Policy, home_country: str, hits: Hits, observed: Observed, today: date
) -> kyb.RiskFacts:
    """The facts of a case, or of a live merchant that is judged as one."""
    sections, business = case.sections, case.sections.business
    ownership = kyb.beneficial_owners(sections.owners, owner_threshold(policy), business)
    firms = {owner.country for owner in sections.owners if owner.kind == "company" and owner.country}
    visited = _months_since_visit(case, today)
    return kyb.RiskFacts(
        mcc_class=kyb.mcc_class(business.mcc, policy.text.mcc_classes, is_remote=case.is_remote),
        home_country=home_country,
        places=_places(sections.locations, firms),
        owners_verified=_owners_verified(case, ownership, today),
        ownership_complete=ownership.complete,
        ownership_circular=ownership.cycles,
        ownership_layers=ownership.layers,
        foreign_owner=bool(firms - {home_country}),
        declared_turnover_minor=business.monthly_turnover_minor,
        observed_turnover_minor=observed.turnover_minor,
        observed_transactions=observed.payments,
        relationship_months=months_between(observed.since, today) if observed.since is not None else None,
        seen_on_site=visited is not None,
        months_since_site_visit=visited,
        hits_open=hits.open,
        hits_cleared_by_one_fact=hits.by_one_fact,
        hits_cleared_by_two_facts=hits.by_two_facts,
        face_to_face=case.channel == "in_person",
        lei_active=_stands(case, "lei", "business", today),
        registry_verified=_stands(case, "registration", "business", today),
        account_name_matches=_stands(case, "account", "settlement_account", today),
    )


def approved_case(case: kyb.Case, vouched: Iterable[tuple[str, str]], now: datetime) -> kyb.Case:
    """The case as it is once a checker approved it, who thereby verifies each (attribute, subject)."""
    added = (kyb.Verification(attribute, subject, _VERIFIED, "checker", "", now) for attribute, subject in vouched)
    return kyb.Case(
        case.sections,
        (*case.verifications, *added),
        screening=case.screening,
        risk=case.risk,
        standing=case.standing,
        units_per_month=case.units_per_month,
        payment_count=case.payment_count,
        channel=case.channel,
    )


def months_between(earlier: date, later: date) -> int:
    """Whole calendar months from one day to another; 0 for a later one."""
    months = (later.year - earlier.year) * _MONTHS_OF_YEAR + later.month - earlier.month
    return max(0, months - (later.day < earlier.day))


def _places(locations: Iterable[kyb.Location], firms: Iterable[str]) -> tuple[str, ...]:
    """Where it trades, as narrowly as it is known, and where the companies among its owners are."""
    trading = {place.subdivision or place.country for place in locations}
    return tuple(sorted({one for one in (*trading, *firms) if one}))


def owner_threshold(policy: kyb.Policy) -> Decimal:
    """The share from which the policy asks to know an owner."""
    asked = [check.threshold_percent for check in policy.text.checks.values() if check.type == "owner_kyc"]
    return Decimal(str(min(asked, default=25.0)))


def _owners_verified(case: kyb.Case, ownership: kyb.Ownership, today: date) -> bool:
    """Whether the identity of everybody who must be known is verified."""
    needed = [person for person in ownership.persons if person.is_required]
    return bool(needed) and all(
        any(_stands(case, "identity", f"owners[{row}]", today) for row in person.rows) for person in needed
    )


def _months_since_visit(case: kyb.Case, today: date) -> int | None:
    """Months since the newest visit to a place; None when nobody has seen any."""
    visits = [
        found.at.date()
        for (attribute, subject), found in case.verified.items()
        if attribute == "site" and _stands(case, attribute, subject, today)
    ]
    return min((months_between(day, today) for day in visits), default=None)


def _stands(case: kyb.Case, attribute: str, subject: str, today: date) -> bool:
    """Whether something is verified and has not run out; a waiver verifies nothing."""
    found = case.verified.get((attribute, subject))
    return found is not None and found.outcome == _VERIFIED and (found.expires_on is None or today < found.expires_on)
