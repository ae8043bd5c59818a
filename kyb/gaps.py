"""What stands between a case and one thing that a policy asks for: a table of check types, each a pure function.

A gap is *due* (the applicant or the maker must act), *rejected*, *expired*, *awaits a checker* (everything is there and
an approval verifies it) or *pending* (someone or something else is at work). No gap: it is met.
"""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from kyb.applicant import Sections
from kyb.attributes import ATTRIBUTES, MERCHANT, merchant_phone, subject_of, subjects
from kyb.case import Case, Verification
from kyb.lei import LAPSED, LEI_SENTENCES
from kyb.mcc_classes import mcc_among
from kyb.ownership import Ownership, beneficial_owners
from kyb.policy.check import OR, attribute_of
from kyb.policy.conditions import holds
from kyb.policy.model import BANDS, Check, Policy

GapState = Literal["due", "rejected", "expired", "checker", "pending"]
CHECKER = "checker"
_BIRTH_DATE = "Give each owner's date of birth."


class Gap(Struct, frozen=True):
    """One place where something asked for is not met; message empty: the policy's own sentence."""

    path: str
    state: GapState
    code: str
    message: str = ""
    by: date | None = None  # the day from which it counts, of what lapses


class Asked(Struct, frozen=True):
    """Everything that judging needs: the case, the policy, the day, and the facts of conditions."""

    case: Case
    policy: Policy
    today: date
    facts: dict[str, object]


def gaps_of(key: str, asked: Asked) -> tuple[Gap, ...]:
    """What stands between the case and one answer or check of the policy."""
    check = asked.policy.text.checks.get(key)
    if check is None:
        return tuple(_answer_gaps(key, asked.case.sections))
    if not holds(check.when, asked.facts):
        return ()
    return tuple(_GAPS[check.type](check, asked))


def lapses_on(key: str, asked: Asked) -> date | None:
    """The first day on which what meets a check lapses; None when nothing does."""
    check = asked.policy.text.checks.get(key)
    attribute = attribute_of(check) if check is not None else None
    if check is None or attribute is None or not holds(check.when, asked.facts):
        return None
    found = (asked.case.verified.get((attribute, subject)) for subject in _subjects(check, asked))
    days = [day for one in found if one is not None and (day := _last_day(one, check)) is not None]
    return min(days, default=None)


def _answer_gaps(path: str, sections: Sections) -> Iterator[Gap]:
    alternatives = path.split(OR)
    # What is asked of each owner is met where there are none, but then it stands in for nothing else.
    lacking = [list(_lacking(sections, one, empty_lacks=len(alternatives) > 1)) for one in alternatives]
    if all(lacking):
        for place in lacking[0]:
            yield Gap(place, "due", "missing")


def _lacking(sections: Sections, path: str, *, empty_lacks: bool) -> Iterator[str]:
    """The places where one alternative of an answer is absent."""
    section, _, names = path.partition(".")
    for place, holder in _holders(sections, section):
        if not names:
            if holder is None:
                yield place
        elif empty_lacks if holder is None else not any(_given(holder, name) for name in names.split("|")):
            yield f"{place}.{names.split('|')[0].removesuffix('[]')}"


def _holders(sections: Sections, section: str) -> Iterator[tuple[str, Struct | None]]:
    """The struct, or for a list each struct, that a path's first part means, with its place. Owners are the persons:
    what is asked of a company that owns is kyb/ownership.py's.
    """
    if not section.endswith("[]"):
        yield section, getattr(sections, section)
        return
    name = section.removesuffix("[]")
    items: tuple[Struct, ...] = getattr(sections, name)
    if not items:
        yield name, None
    for index, item in enumerate(items):
        if getattr(item, "kind", None) not in ("company", "unknown"):
            yield f"{name}[{index}]", item


def _given(holder: Struct, name: str) -> bool:
    """True for an answer that is present; 0 and False are answers."""
    value = getattr(holder, name.removesuffix("[]"))
    return value is not None and value not in ("", ())


# Fields without which there is nothing to verify; the rest of an attribute's fields may be absent.
_NEEDED: dict[str, tuple[str, ...]] = {
    "identity": ("given_name|family_name", "id_type", "id_number"),
    "address": ("country", "city"),
    "site": ("country",),
    "licence": ("registration_number|tax_id",),
    "registration": ("registration_number|lei",),
    "tax": ("tax_id",),
    "lei": ("lei",),
    "account": ("account_id",),
}


def _verified_gaps(check: Check, asked: Asked) -> Iterator[Gap]:
    attribute = attribute_of(check) or ""
    for subject in _subjects(check, asked):
        yield from _subject_gaps(check, attribute, subject, asked)


def _subject_gaps(check: Check, attribute: str, subject: str, asked: Asked) -> Iterator[Gap]:
    """The gap of one subject: an answer is missing, or nobody has verified it, or it lapsed."""
    if missing := _missing_answers(asked.case.sections, attribute, subject):
        yield from (Gap(path, "due", "missing") for path in missing)
        return
    found = asked.case.verified.get((attribute, subject))
    path = subject if subject != MERCHANT else f"verifications.{attribute}"
    message = LEI_SENTENCES.get(found.code, "") if found is not None and attribute == "lei" else ""
    if found is not None and found.outcome == "rejected":
        # A register lets an LEI lapse and takes it up again: a merchant that has its tier keeps it for the grace.
        since = found.at.date() if attribute == "lei" and found.code == LAPSED else None
        yield Gap(path, "rejected", found.code or "rejected", message, by=since)
    elif found is None or (found.outcome == "verified" and found.method not in check.by):
        yield Gap(path, "checker" if CHECKER in check.by else "due", "not_verified")
    elif found.outcome in ("inconclusive", "unavailable"):
        yield Gap(path, "pending", found.outcome, message)
    elif (last := _last_day(found, check)) is not None and asked.today >= last:
        yield Gap(path, "expired", "expired", by=last)


def _missing_answers(sections: Sections, attribute: str, subject: str) -> list[str]:
    """The paths of the answers without which there is nothing to verify."""
    if attribute == "phone":
        return [] if merchant_phone(sections) else ["contact.phone"]
    if ATTRIBUTES[attribute].section == MERCHANT:
        return []
    holder = subject_of(sections, subject)
    return [
        f"{subject}.{names.split('|')[0]}"
        for names in _NEEDED.get(attribute, ())
        if not any(_given(holder, name) for name in names.split("|"))
    ]


def _last_day(found: Verification, check: Check) -> date | None:
    """The day on which a verification no longer counts: its own end, or the policy's span after it, the sooner."""
    ends = [found.expires_on] if found.expires_on else []
    if check.span is not None and found.outcome == "verified":
        ends.append(check.span.after(found.at.date()))
    return min(ends, default=None)


def _subjects(check: Check, asked: Asked) -> Iterator[str]:
    sections = asked.case.sections
    if check.type == "owner_kyc":
        for index in _owners_to_know(check, asked):
            yield f"owners[{index}]"
        return
    for subject in subjects(sections, attribute_of(check) or ""):
        if subject.startswith("owners[") and getattr(subject_of(sections, subject), "kind", None) in (
            "company",
            "unknown",
        ):
            continue
        if check.type == "site_visit" and getattr(subject_of(sections, subject), "kind", None) == "virtual":
            continue
        yield subject


def _owners_to_know(check: Check, asked: Asked) -> list[int]:
    return [one.index for one in _ownership(check, asked).persons if one.is_required]


def _ownership(check: Check, asked: Asked) -> Ownership:
    high = asked.case.risk not in (None, "low", "medium")
    percent = check.high_risk_threshold_percent if high else check.threshold_percent
    sections = asked.case.sections
    return beneficial_owners(sections.owners, Decimal(str(percent)), sections.business)


def _owner_gaps(check: Check, asked: Asked) -> Iterator[Gap]:
    """Each beneficial owner and director is known; the ownership is complete, so that nobody hides behind it."""
    ownership = _ownership(check, asked)
    if not ownership.complete:
        for gap in ownership.gaps:
            yield Gap(gap.path, "due", gap.code, gap.message)
    for one in ownership.persons:
        if one.is_required:
            path = f"owners[{one.index}]"
            yield from _subject_gaps(check, "identity", path, asked)
            if not asked.case.sections.owners[one.index].birth_date:
                yield Gap(f"{path}.birth_date", "due", "missing", _BIRTH_DATE)


def _screening_gaps(check: Check, asked: Asked) -> Iterator[Gap]:
    outcome = asked.case.screening
    if outcome is None:
        yield Gap("screening", "checker", "not_screened")  # it runs when the case is submitted
    elif outcome != "clear":
        yield Gap("screening", "pending", "screening_" + outcome)
    if outcome == "review":  # a birth date tells most people from a listed one
        for index, owner in enumerate(asked.case.sections.owners):
            if owner.kind in (None, "person") and not owner.birth_date:
                yield Gap(f"owners[{index}].birth_date", "due", "missing", _BIRTH_DATE)


def _licence_gaps(check: Check, asked: Asked) -> Iterator[Gap]:
    """Of trades that may not be carried on without one; others need none."""
    if asked.facts["mcc_class"] in ("enhanced", "agent", "high"):
        yield from _verified_gaps(check, asked)


def _volume_gaps(check: Check, asked: Asked) -> Iterator[Gap]:
    if asked.case.units_per_month < check.minimum_units:
        yield Gap("volume", "pending", "volume_not_reached")


def _risk_gaps(check: Check, asked: Asked) -> Iterator[Gap]:
    risk = asked.case.risk
    if risk is not None and (risk not in BANDS or BANDS.index(risk) > BANDS.index(check.band)):
        yield Gap("risk", "pending", "risk_too_high")


_GAPS: dict[str, Callable[[Check, Asked], Iterator[Gap]]] = {
    "document": _verified_gaps,
    "attribute_verified": _verified_gaps,
    "phone_code": _verified_gaps,
    "site_visit": _verified_gaps,
    "registry_lookup": _verified_gaps,
    "lei_active": _verified_gaps,
    "account_ownership": _verified_gaps,
    "attestation": _verified_gaps,
    "questionnaire": _verified_gaps,
    "manual": _verified_gaps,
    "licence_for_mcc": _licence_gaps,
    "owner_kyc": _owner_gaps,
    "screening_clear": _screening_gaps,
    "volume_observed": _volume_gaps,
    "risk_band": _risk_gaps,
}


def trade_gaps(refused: tuple[str, ...], asked: Asked) -> Iterator[Gap]:
    """Whether a tier refuses the trade: by its code, or by its class written with @."""
    mcc, found = asked.facts["mcc"], asked.facts["mcc_class"]
    if mcc is None:
        return
    if found == "prohibited":
        yield Gap("business.mcc", "rejected", "mcc_prohibited", "This trade may not be carried on here.")
    elif mcc_among(str(mcc), refused, asked.policy.text.mcc_classes, is_remote=asked.case.is_remote):
        yield Gap("business.mcc", "rejected", "mcc_refused", "This tier is not open to this trade.")


def country_gaps(asked: Asked) -> Iterator[Gap]:
    """Places of business in a country that the policy is not for; one that names no country is for all."""
    allowed = asked.policy.text.countries
    for index, place in enumerate(asked.case.sections.locations):
        if allowed and place.country and place.country not in allowed:
            path = f"locations[{index}].country"
            yield Gap(path, "rejected", "country_refused", "Merchants of this country are not taken here.")


def due_soon(day: date | None, today: date, notice_days: int) -> bool:
    """Whether what lapses on a day is to be announced by now."""
    return day is not None and day - timedelta(days=notice_days) <= today
