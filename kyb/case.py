"""One merchant's case as the policy judges it: the answers, what was verified, and where the merchant stands.

The caller turns its stored rows into a Case; kyb.requirements and kyb.assess read nothing else.
"""

from collections.abc import Mapping
from datetime import date, datetime
from functools import cached_property
from typing import Literal

from msgspec import Struct

from kyb.applicant import Sections
from kyb.mcc_classes import mcc_class

Outcome = Literal["verified", "rejected", "inconclusive", "unavailable", "waived"]
ScreeningOutcome = Literal["clear", "review", "not_checked"]


class Verification(Struct, frozen=True):
    """What someone or something found about one attribute of one subject (kyb/attributes.py).

    Pass only those whose answers are still the ones they were made for. inconclusive and unavailable are asked again
    and verify nothing. code is why one is rejected; expires_on ends a waiver, or a verification before its time.
    is_automatic says that a program asked the source itself, so that nobody could write down something else.
    """

    attribute: str
    subject: str
    outcome: Outcome
    method: str
    by: str
    at: datetime
    expires_on: date | None = None
    code: str = ""
    is_automatic: bool = False


class Standing(Struct, frozen=True):
    """Where a live merchant stands: its tier, since when, and what it is in its way."""

    tier: str
    since: date
    suspended: bool = False
    listed: bool = False
    blocked: bool = False


class Case(Struct, frozen=True, dict=True):
    """What kyb.requirements judges.

    screening is None before it ran. units_per_month is the turnover of the last 30 days in the policy's units, observed
    over payment_count payments. channel is how the applicant was met: in_person or remote.
    """

    sections: Sections
    verifications: tuple[Verification, ...] = ()
    screening: ScreeningOutcome | None = None
    risk: str | None = None
    standing: Standing | None = None
    units_per_month: int = 0
    payment_count: int = 0
    channel: str = "in_person"

    @cached_property
    def verified(self) -> dict[tuple[str, str], Verification]:
        """The newest verification of each attribute and subject; a later failure to answer undoes no earlier one.

        What a register itself rejected stays so until it says otherwise, or until two people waive it.
        """
        found: dict[tuple[str, str], Verification] = {}
        for one in sorted(self.verifications, key=lambda each: each.at):
            key = (one.attribute, one.subject)
            before = found.get(key)
            if before is None or _replaces(one, before):
                found[key] = one
        return found

    @property
    def is_remote(self) -> bool:
        """Whether the business sells at a distance."""
        return any(place.kind == "virtual" for place in self.sections.locations)

    def facts(self, mcc_classes: Mapping[str, str]) -> dict[str, object]:
        """What conditions of a policy may look at (kyb/policy/conditions.py)."""
        business, places = self.sections.business, self.sections.locations
        return {
            "kind": business.kind,
            "mcc": business.mcc,
            "mcc_class": mcc_class(business.mcc, mcc_classes, is_remote=self.is_remote) if business.mcc else None,
            "country": places[0].country if places else None,
            "currency": business.currencies[0] if business.currencies else None,
            "monthly_turnover_units": self.units_per_month,
            "owner_count": len(self.sections.owners),
            "location_count": len(places),
            "has_lei": business.lei is not None,
            "risk": self.risk,
            "channel": self.channel,
        }


def _replaces(one: Verification, before: Verification) -> bool:
    if before.is_automatic and before.outcome == "rejected":
        return one.outcome == "waived" or (one.is_automatic and one.outcome != "unavailable")
    return one.outcome in ("verified", "rejected", "waived") or not _stands(before)


def _stands(one: Verification) -> bool:
    return one.outcome in ("verified", "waived")
