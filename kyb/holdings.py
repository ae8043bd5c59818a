"""The owners of an application as a chart of who holds which part of what, and the sums that `ownership` rests on.

Rows become parties (a person or company that several rows name is one), and each company's shares add up to 1 with the
part that nobody is named for. `resolve` takes every company out and puts its owners in its place, in exact fractions.
"""

import math
import unicodedata
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from kyb.applicant import Business, Owner, owner_name

PERSON, COMPANY, UNKNOWN = "person", "company", "unknown"
SOLE_OWNED = frozenset({"individual", "sole_proprietor"})
BUSINESS = -1  # the business itself, among parties that are known by the index of their first row


class Rest(NamedTuple):
    """The part of a company that nobody is named for, as if it were a holder."""

    company: int


NOBODY = Rest(-2)  # a part that companies hold among themselves, with nobody outside
Holder = int | Rest
Shares = dict[int, dict[Holder, Fraction]]  # company -> holder -> part of it


class Chart(NamedTuple):
    """Who holds what.

    party is the party of each row; shares add up to 1 in each company; shareless are the holders of a company whose
    share is not known, missing the rows that do not give it. faults are codes of ownership.SENTENCES with their paths.
    """

    party: list[int]
    shares: Shares
    shareless: dict[int, set[int]]
    missing: dict[int, list[int]]
    directors: set[int]
    faults: list[tuple[str, str]]

    def holders(self, company: int) -> Iterator[int]:
        """The named holders of a company, with and without a share, in order."""
        known = {one for one in self.shares.get(company, ()) if isinstance(one, int)}
        yield from sorted(known | self.shareless.get(company, set()))


def draw_chart(owners: tuple[Owner, ...], business: Business) -> Chart:
    """The rows as holdings. Shares of a company that add up to more than 1 are worth nothing: all become unknown."""
    party = _parties(owners, business)
    held: Shares = {BUSINESS: {}}
    held.update((one, {}) for one in party if is_company(owners, one))
    chart = Chart(party, held, {}, {}, set(), [])
    companies, ambiguous = _refs(owners, party)
    for row, owner in enumerate(owners):
        if owner.is_director and not owner.owns:
            chart.directors.add(party[row])
        if owner.ref in ambiguous:
            chart.faults.append(("ambiguous_ref", f"owners[{row}].ref"))
        company = companies.get(owner.owns) if owner.owns else BUSINESS
        if company is None:
            chart.faults.append(("unknown_ref", f"owners[{row}].owns"))
            continue
        share = share_of(owner)
        if share is None and len(owners) == 1 and business.kind in SOLE_OWNED and kind_of(owner) == PERSON:
            share = Fraction(1)
        if share is None:
            chart.shareless.setdefault(company, set()).add(party[row])
            chart.missing.setdefault(company, []).append(row)
        else:
            held[company][party[row]] = held[company].get(party[row], Fraction()) + share
    for company, shares in held.items():
        if sum(shares.values()) > 1:
            chart.faults.append(("shares_above_100", path_of(company)))
            chart.shareless.setdefault(company, set()).update(one for one in shares if isinstance(one, int))
            chart.missing.pop(company, None)
            shares.clear()
        if rest := 1 - sum(shares.values(), Fraction()):
            shares[Rest(company)] = rest
    return chart


def resolve(shares: Shares) -> dict[Holder, Fraction]:
    """Each holder's part of the business once every company has been replaced by its own holders; adds up to 1.

    Companies that hold each other give the limit of following all paths for ever. The part of those that hold each
    other entirely belongs to NOBODY.
    """
    left = {company: dict(held) for company, held in shares.items()}
    for company in sorted(left.keys() - {BUSINESS}):
        inside = _without_itself(left.pop(company), company)
        for held in left.values():
            if part := held.pop(company, None):
                for holder, share in inside.items():
                    held[holder] = held.get(holder, Fraction()) + part * share
    return _without_itself(left[BUSINESS], BUSINESS)


def _without_itself(held: dict[Holder, Fraction], company: int) -> dict[Holder, Fraction]:
    """The shares of a company that holds a part of itself: the others' grow in proportion."""
    itself = held.pop(company, Fraction())
    if itself == 1:
        return {NOBODY: Fraction(1)}
    return {holder: share / (1 - itself) for holder, share in held.items()} if itself else held


def levels_of(chart: Chart) -> dict[int, int]:
    """How many steps each connected party is from the business, by the shortest way."""
    levels = {BUSINESS: 0}
    reached = [BUSINESS]
    for company in reached:  # grows while it is read
        for holder in chart.holders(company):
            if holder not in levels:
                levels[holder] = levels[company] + 1
                reached.append(holder)
    return levels


def holders_behind(chart: Chart, company: int) -> set[int]:
    """Everybody who holds a company, directly or through others; itself among them where companies form a circle."""
    found: set[int] = set()
    waiting = [company]
    while waiting:
        for holder in chart.holders(waiting.pop()):
            if holder not in found:
                found.add(holder)
                waiting.append(holder)
    return found


def kind_of(owner: Owner) -> str:
    """person, company or unknown; anything else is unknown until the answer is put right."""
    kind = owner.kind or PERSON
    return kind if kind in (PERSON, COMPANY) else UNKNOWN


def is_company(owners: tuple[Owner, ...], party: int) -> bool:
    """Whether a party is a company, other than the business itself."""
    return party != BUSINESS and kind_of(owners[party]) == COMPANY


def share_of(owner: Owner) -> Fraction | None:
    """The share as a part of 1, exactly as written; None when it is absent or cannot be one."""
    percent = owner.ownership_percent
    if percent is None or not math.isfinite(percent) or not 0 <= percent <= 100:
        return None
    return Fraction(Decimal(repr(percent))) / 100


def path_of(party: int) -> str:
    """The path of a company's row, or of all owners for the business itself."""
    return "owners" if party == BUSINESS else f"owners[{party}]"


def _parties(owners: tuple[Owner, ...], business: Business) -> list[int]:
    """For each row the first row that names the same person or company, or BUSINESS."""
    party = list(range(len(owners)))
    for row, owner in enumerate(owners):
        if _is_the_business(owner, business):
            party[row] = BUSINESS
            continue
        same = {party[before] for before in range(row) if _same(owners[before], owner)} - {BUSINESS}
        if same:
            party = [min(same) if one in same or one == row else one for one in party]
    return party


def _same(one: Owner, other: Owner) -> bool:
    """Whether two rows name one party.

    By ref; else companies by number and country, people by identity document, or where they do not both show the same
    kind of one, by name and birth date.
    """
    kind = kind_of(one)
    if kind != kind_of(other):
        return False
    if one.ref and one.ref == other.ref:
        return True
    if kind == UNKNOWN:
        return False
    if kind == COMPANY:
        number = _folded(one.registration_number)
        return bool(number) and number == _folded(other.registration_number) and one.country == other.country
    if one.id_number and other.id_number and one.id_type == other.id_type:
        return _folded(one.id_number) == _folded(other.id_number)
    name = _folded(owner_name(one))
    return bool(name and one.birth_date) and (name, one.birth_date) == (_folded(owner_name(other)), other.birth_date)


def _is_the_business(owner: Owner, business: Business) -> bool:
    """Whether a company among the owners is the business itself: the same name, and no other number."""
    if kind_of(owner) != COMPANY or not owner.legal_name or not business.legal_name:
        return False
    numbers = {_folded(owner.registration_number), _folded(business.registration_number)} - {""}
    return _folded(owner.legal_name) == _folded(business.legal_name) and len(numbers) < 2


def _refs(owners: tuple[Owner, ...], party: list[int]) -> tuple[dict[str, int], set[str]]:
    """The company that each ref means, and the refs that mean something else besides."""
    parties: dict[str, set[int]] = {}
    for row, owner in enumerate(owners):
        if owner.ref:
            parties.setdefault(owner.ref, set()).add(party[row])
    companies = {
        ref: [one for one in several if one == BUSINESS or is_company(owners, one)] for ref, several in parties.items()
    }
    return (
        {ref: min(found) for ref, found in companies.items() if found},
        {ref for ref, several in parties.items() if len(several) > 1},
    )


def _folded(text: str | None) -> str:
    return "".join(char for char in unicodedata.normalize("NFKC", text or "").casefold() if char.isalnum())
