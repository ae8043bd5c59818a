"""Who owns a business in the end: each natural person's share of it, through any number of companies.

After `applicant` and `holdings`; `bods` exports the result, and a policy's rules on owners rest on it. Companies that
own each other have exact results too. What nobody is named for is counted and said.
"""

import math
from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction

from msgspec import Struct

from kyb.applicant import Business, Owner
from kyb.fields import MAX_OWNERS
from kyb.holdings import (
    BUSINESS,
    NOBODY,
    PERSON,
    UNKNOWN,
    Chart,
    Holder,
    Rest,
    draw_chart,
    holders_behind,
    is_company,
    kind_of,
    levels_of,
    path_of,
    resolve,
    share_of,
)

# Kinds whose members and directors hold no shares; who leads them is who is looked at.
WITHOUT_CAPITAL = frozenset({"cooperative", "ngo", "public_body"})
_DECIMALS = 4
_NOTHING_KNOWN = Business()


class OwnershipGap(Struct, frozen=True):
    """What is missing or contradicts itself: a stable code, a sentence for people, and the path it concerns."""

    code: str
    message: str
    path: str


class BeneficialOwner(Struct, frozen=True):
    """One natural person among the owners.

    index is the first of the rows that name the person. effective_percent is what is proved, direct and through
    companies; most_percent is what it may be at most, where shares are not given. Both are rounded down to four
    decimals, after they were compared. is_beneficial: at or above the threshold, or perhaps so.
    """

    index: int
    effective_percent: Decimal
    most_percent: Decimal
    is_director: bool
    is_beneficial: bool
    rows: tuple[int, ...]

    @property
    def is_required(self) -> bool:
        """Whether the person's identity must be known: directors always, whatever their share."""
        return self.is_beneficial or self.is_director


class Ownership(Struct, frozen=True):
    """What beneficial_owners found.

    known_percent of the capital leads to named people, unknown_percent does not; both are 0 where there is no capital
    to share. layers counts the companies between the business and the farthest owner, by the shortest way. cycles says
    that companies own each other. complete: nobody unnamed can reach the threshold, and nothing contradicts itself.
    """

    persons: tuple[BeneficialOwner, ...]
    known_percent: Decimal
    unknown_percent: Decimal
    layers: int
    cycles: bool
    complete: bool
    gaps: tuple[OwnershipGap, ...]


SENTENCES = {
    "no_owners": "No owner of the business is named.",
    "share_missing": "The share of this owner is not given.",
    "shares_below_100": "The shares that are given do not add up to 100.",
    "shares_above_100": "The shares of one company add up to more than 100.",
    "company_without_owners": "The owners of this company are not named.",
    "unknown_owner": "It is not known who this owner is.",
    "unknown_ref": "No company among the owners has this reference.",
    "ambiguous_ref": "Different owners have the same reference.",
    "not_connected": "Nothing leads from this owner to the business.",
    "circular": "Companies own each other, and nobody else owns that part.",
    "too_many_owners": "There are too many owners to judge.",
}
# These make the picture wrong, whatever the amount.
_CONTRADICTIONS = frozenset({"no_owners", "shares_above_100", "unknown_ref", "ambiguous_ref", "not_connected"})


def beneficial_owners(
    owners: tuple[Owner, ...], threshold_percent: Decimal, business: Business = _NOTHING_KNOWN
) -> Ownership:
    """The natural persons behind a business, with their effective share, and what is not known.

    Shares are multiplied along a path and added over paths. Rows that have the same ref, the same identity document,
    or the same name and birth date are one person. A share that is not given may be all that is left of that company,
    for each of those it may belong to; a sole owner of a one-person business holds all of it. Raises ValueError unless
    0 < threshold_percent <= 100. The usual 25 per cent: FATF Recommendation 24, interpretive note.
    """
    if not 0 < threshold_percent <= 100:
        raise ValueError("threshold_percent must be above 0 and at most 100")
    if len(owners) > MAX_OWNERS:
        return _too_many(owners)
    threshold = Fraction(threshold_percent) / 100
    chart = draw_chart(owners, business)
    people = [row for row, party in enumerate(chart.party) if row == party and kind_of(owners[row]) == PERSON]
    if business.kind in WITHOUT_CAPITAL and _nobody_states_a_share(owners):
        return _without_capital(chart, people)

    levels = levels_of(chart)
    final = resolve(chart.shares)
    known = sum((final.get(person, Fraction()) for person in people), Fraction())
    persons = []
    for person in people:
        effective = final.get(person, Fraction())
        # A row that leads nowhere may stand for any part of what is not known.
        perhaps = _perhaps(chart, final, person) if person in levels else 1 - known
        persons.append(_person(chart, person, effective, effective + perhaps, threshold))
    gaps = tuple(_gaps(owners, chart, levels, final))
    right = not any(gap.code in _CONTRADICTIONS for gap in gaps)
    directors_known = all(one == BUSINESS or kind_of(owners[one]) != UNKNOWN for one in chart.directors)
    return Ownership(
        persons=tuple(persons),
        known_percent=_percent(known),
        unknown_percent=100 - _percent(known),
        layers=max((level for party, level in levels.items() if is_company(owners, party)), default=0),
        cycles=any(company in holders_behind(chart, company) for company in chart.shares),
        complete=right and directors_known and 1 - known < threshold,
        gaps=gaps,
    )


def _person(chart: Chart, person: int, effective: Fraction, most: Fraction, threshold: Fraction) -> BeneficialOwner:
    return BeneficialOwner(
        index=person,
        effective_percent=_percent(effective),
        most_percent=_percent(most),
        is_director=person in chart.directors,
        is_beneficial=most >= threshold,
        rows=tuple(row for row, party in enumerate(chart.party) if party == person),
    )


def _perhaps(chart: Chart, final: dict[Holder, Fraction], person: int) -> Fraction:
    """What may belong to a person besides: the rest of each company that they hold without a known share.

    They may hold it themselves, or through a company that does.
    """
    most = Fraction()
    for holder, share in final.items():
        if isinstance(holder, Rest):
            shareless = chart.shareless.get(holder.company, set())
            if any(person == one or person in holders_behind(chart, one) for one in shareless):
                most += share
    return most


def _gaps(
    owners: tuple[Owner, ...], chart: Chart, levels: dict[int, int], final: dict[Holder, Fraction]
) -> Iterator[OwnershipGap]:
    """What contradicts itself, then what is not known of the business and of the companies that lead to it."""
    yield from (_gap(code, path) for code, path in chart.faults)
    if not any(True for _ in chart.holders(BUSINESS)):
        yield _gap("no_owners", "owners")
    for row, owner in enumerate(owners):
        party = chart.party[row]
        if kind_of(owner) == UNKNOWN:
            yield _gap("unknown_owner", f"owners[{row}]")
        if party not in levels:
            yield _gap("not_connected", f"owners[{row}]")
        elif row == party and is_company(owners, party) and not any(True for _ in chart.holders(party)):
            yield _gap("company_without_owners", f"owners[{row}]")
    for company in sorted(levels.keys() & chart.shares.keys()):
        if Rest(company) in chart.shares[company]:
            for row in chart.missing.get(company, ()):
                yield _gap("share_missing", f"owners[{row}].ownership_percent")
            if len(chart.shares[company]) > 1 and company not in chart.shareless:
                yield _gap("shares_below_100", path_of(company))
    if final.get(NOBODY):
        yield _gap("circular", "owners")


def _without_capital(chart: Chart, people: list[int]) -> Ownership:
    """An association: everybody named leads it together, and there is nothing to add up."""
    everything = Fraction(1)
    persons = tuple(_person(chart, person, Fraction(), everything, everything) for person in people)
    faults = chart.faults if persons else [*chart.faults, ("no_owners", "owners")]
    gaps = tuple(_gap(code, path) for code, path in faults)
    return Ownership(persons, Decimal(0), Decimal(0), 0, False, not gaps, gaps)


def _nobody_states_a_share(owners: Iterable[Owner]) -> bool:
    return all(kind_of(owner) == PERSON and not owner.owns and share_of(owner) is None for owner in owners)


def _too_many(owners: tuple[Owner, ...]) -> Ownership:
    """More owners than are allowed: nothing is computed, and everybody is taken for a beneficial owner."""
    persons = tuple(
        BeneficialOwner(row, Decimal(0), Decimal(100), bool(owner.is_director), True, (row,))
        for row, owner in enumerate(owners)
        if kind_of(owner) == PERSON
    )
    return Ownership(persons, Decimal(0), Decimal(100), 0, False, False, (_gap("too_many_owners", "owners"),))


def _percent(share: Fraction) -> Decimal:
    """Per cent, rounded down so that 24.99999 never shows as 25."""
    return Decimal(math.floor(share * 100 * 10**_DECIMALS)).scaleb(-_DECIMALS)


def _gap(code: str, path: str) -> OwnershipGap:
    return OwnershipGap(code, SENTENCES[code], path)
