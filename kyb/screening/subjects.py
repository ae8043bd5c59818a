"""Screen everything an application names: owners, contact, business, account, counters, places, and their numbers.

kyb/report.py puts the outcome into its report; rescreening calls it alone. A name that could not be compared leaves the
outcome "not checked", never "clear".
"""

from collections.abc import Iterable, Iterator
from typing import Final, Literal

from msgspec import Struct

from kyb.applicant import Owner, Sections, owner_name
from kyb.lists.entry import ENTITY, PERSON, Identifier, IdentifierKind
from kyb.screening.index import ListVersion, ScreeningIndex
from kyb.screening.match import TOO_LONG, Hit, NamesCompared, Screened, Subject, screen_subject

PASSED: Final = "passed"
FAILED: Final = "failed"
NOT_CHECKED: Final = "not_checked"
CLEAR: Final = "clear"
REVIEW: Final = "review"
CheckOutcome = Literal["passed", "failed", "not_checked"]
ScreeningOutcome = Literal["clear", "review", "not_checked"]

NO_LIST = "No sanctions list was available."
NO_NAME = "There is no name to screen yet."
LIKE = "The name is like a listed one."
NUMBER = "An identity number is that of a listed one."
NOT_LIKE = "The name is not like any listed one."
OTHER_BIRTH_YEAR = "The name is like a listed one, but the birth year differs."

_ID_KINDS: dict[str, IdentifierKind] = {"national_id": "national_id", "passport": "passport", "tax_id": "tax_id"}
_MAY_BE_ANYTHING = ("locations[",)  # a counter may be called "A" or be shown by a picture


class Check(Struct, frozen=True):
    """One thing looked at: passed, failed or not_checked, with a sentence and the path it concerns."""

    code: str
    outcome: CheckOutcome
    message: str
    path: str


class SubjectHit(Struct, frozen=True):
    """A likeness to a listed name, and the path of the answer it concerns."""

    path: str
    hit: Hit


class Screening(Struct, frozen=True):
    """What screening found: clear, review (a person must judge) or not_checked, and the lists it was done against.

    There is a check for each name, and hits that are set aside are kept as evidence.
    """

    outcome: ScreeningOutcome
    checks: tuple[Check, ...]
    hits: tuple[SubjectHit, ...]
    list_versions: tuple[ListVersion, ...]


def screen_sections(sections: Sections, index: ScreeningIndex | None, extra: tuple[Subject, ...] = ()) -> Screening:
    """Screen all names and numbers among the answers, and extra subjects such as a merchant's other owners.

    index None or without entries means that screening could not run. Pure: the same input gives the same bytes.
    """
    if index is None or not index.entry_count:
        return Screening(
            NOT_CHECKED, (Check("screening", NOT_CHECKED, NO_LIST, ""),), (), index.versions if index else ()
        )
    subjects = (*subjects_of(sections), *extra)
    if not subjects:
        return Screening(NOT_CHECKED, (Check("screening", NOT_CHECKED, NO_NAME, ""),), (), index.versions)
    checks: list[Check] = []
    hits: list[SubjectHit] = []
    known: NamesCompared = {}
    for subject in subjects:
        screened = screen_subject(subject, index, known)
        hits += (SubjectHit(subject.path, hit) for hit in screened.hits)
        checks.append(_check(subject, screened))
    return Screening(_worst(check.outcome for check in checks), tuple(checks), tuple(hits), index.versions)


def subjects_of(sections: Sections) -> tuple[Subject, ...]:
    """Every name among the answers. A business may bear a person's name, so its names are screened as both."""
    return tuple(_subjects(sections))


def _subjects(sections: Sections) -> Iterator[Subject]:
    business, both = sections.business, (ENTITY, PERSON)
    countries = _codes(*(place.country for place in sections.locations[:1]))
    numbers = _business_numbers(sections)
    named = False
    for path, name in (
        ("business.legal_name", business.legal_name),
        ("business.trading_name", business.trading_name),
        ("business.ussd_name", business.ussd_name),
        ("settlement_account.account_name", sections.settlement_account.account_name),
    ):
        if name:
            yield Subject(path, name, both, None, countries, () if named else numbers)
            named = True
    if numbers and not named:
        yield Subject("business", "", both, None, countries, numbers)
    for at, owner in enumerate(sections.owners):
        if subject := _owner(f"owners[{at}]", owner):
            yield subject
    if sections.contact.name:
        yield Subject("contact.name", sections.contact.name, (PERSON,))
    for at, place in enumerate(sections.locations):
        if place.name:
            yield Subject(f"locations[{at}].name", place.name, both, None, _codes(place.country))
        for number, counter in enumerate(place.counters):
            if counter.name:
                path = f"locations[{at}].counters[{number}].name"
                yield Subject(path, counter.name, both, None, _codes(place.country))


def _owner(path: str, owner: Owner) -> Subject | None:
    company = owner.kind == "company"
    name, numbers = owner_name(owner) or "", tuple(_owner_numbers(owner))
    if not name and not numbers:
        return None
    countries = _codes(owner.country, *(() if company else (owner.nationality,)))
    return Subject(
        path, name, (ENTITY,) if company else (PERSON,), None if company else owner.birth_date, countries, numbers
    )


def _owner_numbers(owner: Owner) -> Iterator[Identifier]:
    if owner.id_number:
        kind = _ID_KINDS.get(owner.id_type or "", "other")
        yield Identifier(kind, owner.id_number, owner.nationality or owner.country or "")
    if owner.registration_number:
        yield Identifier("registration", owner.registration_number, owner.country or "")


def _business_numbers(sections: Sections) -> tuple[Identifier, ...]:
    business = sections.business
    country = sections.locations[0].country or "" if sections.locations else ""
    given: tuple[tuple[IdentifierKind, str | None, str], ...] = (
        ("registration", business.registration_number, country),
        ("tax_id", business.tax_id, country),
        ("lei", business.lei, ""),
    )
    return tuple(Identifier(kind, number, of) for kind, number, of in given if number)


def _codes(*countries: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(country for country in countries if country))


def _check(subject: Subject, screened: Screened) -> Check:
    held = [hit for hit in screened.hits if not hit.set_aside]
    if held:
        message = NUMBER if any(hit.identifier == "agrees" for hit in held) else LIKE
        return Check("screening", FAILED, message, subject.path)
    unread = screened.not_compared
    if unread and not (subject.path.startswith(_MAY_BE_ANYTHING) and unread != TOO_LONG) and subject.name:
        return Check("screening", NOT_CHECKED, unread, subject.path)
    return Check("screening", PASSED, OTHER_BIRTH_YEAR if screened.hits else NOT_LIKE, subject.path)


def _worst(outcomes: Iterable[CheckOutcome]) -> ScreeningOutcome:
    """Screening as a whole: any failure needs a review, any gap leaves it not checked."""
    found = set(outcomes)
    if FAILED in found:
        return REVIEW
    return NOT_CHECKED if NOT_CHECKED in found else CLEAR
