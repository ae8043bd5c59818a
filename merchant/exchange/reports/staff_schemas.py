"""Shapes of the reports for staff: how payments run, how merchants stand, how cases are decided."""

from datetime import date
from uuid import UUID

from msgspec import Struct

from merchant.core.http import json as web
from merchant.core.http.fields import Instant
from merchant.exchange.reports import decisions, merchants, operations

# --- how payments run ------------------------------------------------------------------------------------------------


class MinuteOfOperations(Struct, frozen=True):
    """The requests that were made in a minute, and what has become of them so far."""

    minute: Instant
    asked: int
    paid: int
    unsuccessful: int


class DfspOperations(Struct, frozen=True):
    """The requests of one DFSP within the time."""

    dfsp_id: UUID
    name: str
    enabled: bool
    asked: int
    paid: int
    unsuccessful: int
    median_s: float | None


class Operations(Struct, frozen=True):
    """How payments run: the last minutes one by one, how fast, what waits, and each DFSP."""

    since: Instant
    until: Instant
    asked: int
    paid: int
    unsuccessful: int
    success_percent: float | None
    median_s: float | None
    p95_s: float | None
    in_doubt: int
    open: int
    outbox_depth: int
    outbox_oldest_s: float
    dead_jobs: int
    failing_webhooks: int
    minutes: list[MinuteOfOperations]
    dfsps: list[DfspOperations]


class HourOfOperations(Struct, frozen=True):
    """The requests of one DFSP that were made in an hour of a day."""

    dfsp_id: UUID
    name: str
    date: date
    hour: int
    asked: int
    paid: int
    p95_s: float | None


class FunnelStep(Struct, frozen=True):
    """How many of the requests that named a customer came this far."""

    step: str
    count: int
    percent: float | None


def _seconds(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 1) if whole else None


def operations_view(found: operations.Operations) -> Operations:
    """How payments run; success is told of those that have ended."""
    asked, paid, unsuccessful = (
        sum(getattr(one, name) for one in found.series) for name in ("asked", "paid", "unsuccessful")
    )
    return Operations(
        since=web.at(found.since),
        until=web.at(found.until),
        asked=asked,
        paid=paid,
        unsuccessful=unsuccessful,
        success_percent=_percent(paid, paid + unsuccessful),
        median_s=_seconds(found.median_s),
        p95_s=_seconds(found.p95_s),
        in_doubt=found.standing.in_doubt,
        open=found.standing.open,
        outbox_depth=found.waiting.depth,
        outbox_oldest_s=round(found.waiting.oldest_s, 3),
        dead_jobs=found.waiting.dead,
        failing_webhooks=found.standing.failing_webhooks,
        minutes=[minute_view(one) for one in found.series],
        dfsps=[
            DfspOperations(
                one.dfsp_id, one.name, one.enabled, one.asked, one.paid, one.unsuccessful, _seconds(one.median_s)
            )
            for one in found.dfsps
        ],
    )


def minute_view(row: operations.MinuteCounted) -> MinuteOfOperations:
    """A minute."""
    return MinuteOfOperations(web.at(row.minute), row.asked, row.paid, row.unsuccessful)


def heat_view(row: operations.HourCounted) -> HourOfOperations:
    """An hour of a DFSP."""
    return HourOfOperations(row.dfsp_id, row.name, row.date, row.hour, row.asked, row.paid, _seconds(row.p95_s))


def funnel_view(found: operations.Funnel) -> list[FunnelStep]:
    """The four steps in order."""
    counted = {"asked": found.asked, "reached": found.reached, "accepted": found.accepted, "paid": found.paid}
    return [FunnelStep(step, count, _percent(count, found.asked)) for step, count in counted.items()]


# --- how merchants stand ---------------------------------------------------------------------------------------------


class MerchantsOnTier(Struct, frozen=True):
    """The active merchants of a DFSP on one tier, today."""

    dfsp_id: UUID
    dfsp_name: str
    tier: str
    count: int


class MerchantsInPlace(Struct, frozen=True):
    """The active merchants with a shop in a place, today."""

    country: str
    subdivision: str | None
    city: str
    count: int
    latitude: float | None
    longitude: float | None


def tier_view(row: merchants.TierCounted) -> MerchantsOnTier:
    """A tier."""
    return MerchantsOnTier(row.dfsp_id, row.dfsp_name, row.tier, row.count)


def place_view(row: merchants.PlaceCounted) -> MerchantsInPlace:
    """A place."""
    return MerchantsInPlace(row.country, row.subdivision, row.city, row.count, row.latitude, row.longitude)


# --- how cases are decided -------------------------------------------------------------------------------------------


class CasesWaiting(Struct, frozen=True):
    """Cases that wait for a decision now, by the days since they were submitted."""

    total: int
    days_0_1: int
    days_1_3: int
    days_3_7: int
    days_7_14: int
    days_14_more: int


class CasesDecided(Struct, frozen=True):
    """What was decided, and how many hours after the submission."""

    decided: int
    approved: int
    returned: int
    rejected: int
    median_hours: float | None
    p90_hours: float | None


class CheckerDecisions(Struct, frozen=True):
    """What one checker decided."""

    checker_id: UUID
    checker: str | None
    decided: int
    approved: int
    returned: int
    rejected: int


class RiskDecisions(Struct, frozen=True):
    """What was decided on cases of one risk."""

    risk: str | None
    decided: int
    approved: int
    returned: int
    rejected: int


class ReturnReason(Struct, frozen=True):
    """An answer that cases were sent back for; the most frequent come first."""

    path: str
    count: int
    share_percent: float
    cumulative_percent: float


class Decisions(Struct, frozen=True):
    """How cases are decided."""

    since: date
    until: date
    waiting: CasesWaiting
    outcomes: CasesDecided
    reasons: list[ReturnReason]
    checkers: list[CheckerDecisions]
    risks: list[RiskDecisions]


def waiting_view(row: decisions.Waiting) -> CasesWaiting:
    """What waits."""
    bands = (row.under_1_day, row.under_3_days, row.under_7_days, row.under_14_days, row.older)
    return CasesWaiting(sum(bands), *bands)


def outcomes_view(row: decisions.Outcomes) -> CasesDecided:
    """What was decided."""
    hours = [None if value is None else round(value, 2) for value in (row.median_hours, row.p90_hours)]
    return CasesDecided(row.decided, row.approved, row.returned, row.rejected, *hours)


def checker_view(row: decisions.ByChecker) -> CheckerDecisions:
    """A checker."""
    return CheckerDecisions(row.checker_id, row.checker, row.decided, row.approved, row.returned, row.rejected)


def risk_view(row: decisions.ByRisk) -> RiskDecisions:
    """A risk."""
    return RiskDecisions(row.risk, row.decided, row.approved, row.returned, row.rejected)


def reason_view(row: decisions.Reason) -> ReturnReason:
    """A reason."""
    return ReturnReason(row.path, row.count, row.share_percent, row.cumulative_percent)
