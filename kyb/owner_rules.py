"""Rules between the answers about owners: kinds, references, shares, and nobody twice.

kyb.fields runs them after each answer has been judged alone; who owns what through whom is no matter of form.
"""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from kyb.applicant import Owner, Sections
from kyb.identity_numbers import owner_identity, wrong_check_digit
from kyb.problem import Problem

_OF_A_PERSON = ("given_name", "family_name", "birth_date")
_OF_A_COMPANY = ("legal_name", "registration_number")
_NOTHING_KNOWN = "Nothing is known of an unknown owner; name the owner, or leave this out."
# Answers that an owner of a kind may not have. An unknown owner is one of whom nothing is known but a share.
_FOREIGN = {
    None: (_OF_A_COMPANY, "Only a company has this; say that the owner's kind is company."),
    "person": (_OF_A_COMPANY, "Only a company has this; say that the owner's kind is company."),
    "company": (_OF_A_PERSON, "Only a person has this; a company is named by legal_name."),
    "unknown": (
        (*_OF_A_PERSON, *_OF_A_COMPANY),
        "Nothing is known of an unknown owner; name the owner, or leave this out.",
    ),
}


def owner_problems(sections: Sections) -> Iterator[Problem]:
    """What is wrong between the answers about owners, with the path of each."""
    places = {owner.ref for owner in sections.owners if owner.ref and owner.kind == "company"}
    country = sections.locations[0].country if sections.locations else None
    for index, owner in enumerate(sections.owners):
        path = f"owners[{index}]"
        yield from _foreign_answers(owner, path)
        yield from _identity_problems(owner, path, country)
        if owner.owns is not None and owner.owns not in places:
            yield Problem(f"{path}.owns", "unknown_ref", "Must be the ref of an owner that is a company.")
    yield from _repeated(sections.owners)
    yield from _shares(sections.owners)


def _foreign_answers(owner: Owner, path: str) -> Iterator[Problem]:
    names, sentence = _FOREIGN.get(owner.kind, ((), ""))
    for name in names:
        if getattr(owner, name) is not None:
            yield Problem(f"{path}.{name}", "other_kind", sentence)


def _identity_problems(owner: Owner, path: str, country: str | None) -> Iterator[Problem]:
    if (owner.id_type is None) != (owner.id_number is None):
        message = "Give the kind of the identity document and its number together, or neither."
        yield Problem(path, "half_an_identity", message)
    if owner.id_type is None or owner.id_number is None:
        return
    issuer = country if owner.id_type == "tax_id" else owner.nationality
    if wrong_check_digit(owner.id_type, owner.id_number, issuer):
        message = "A digit must be wrong: the check digit does not fit."
        yield Problem(f"{path}.id_number", "bad_check_digits", message)


def _repeated(owners: tuple[Owner, ...]) -> Iterator[Problem]:
    """Names of owners within the application that stand twice, and owners who own one company twice."""
    refs: set[str] = set()
    seen: set[tuple[str, ...]] = set()
    for index, owner in enumerate(owners):
        if owner.ref is not None:
            if owner.ref in refs:
                yield Problem(f"owners[{index}].ref", "duplicate", "Each ref may stand only once.")
            refs.add(owner.ref)
        identity = owner_identity(owner)
        if identity is not None:
            # Who owns the business directly and through a company stands once for each.
            key = (*identity, owner.owns or "")
            if key in seen:
                message = "This owner stands above already, with the same number."
                yield Problem(f"owners[{index}]", "duplicate_owner", message)
            seen.add(key)


def _shares(owners: tuple[Owner, ...]) -> Iterator[Problem]:
    """Shares of one company add up to at most 100, those of the business itself likewise."""
    totals: defaultdict[str | None, Decimal] = defaultdict(Decimal)
    for owner in owners:
        # Decimal of the shortest text, so that 33.3 + 33.3 + 33.4 is 100 and not a hair above.
        share = Decimal(repr(owner.ownership_percent)) if owner.ownership_percent else Decimal(0)
        if share.is_finite() and share > 0:
            totals[owner.owns] += share
    if any(total > 100 for total in totals.values()):
        yield Problem("owners", "ownership_above_100", "The ownership shares must not add up to more than 100.")
