"""JSON routes of the reports for staff: how payments run, how merchants stand, and how cases are decided."""

from typing import Any

from merchant.compliance.cases.kinds import CaseKind
from merchant.core import clock
from merchant.core.access import Permission as P
from merchant.core.http.exports import TooManyRows
from merchant.core.http.route import Call, Filter, route
from merchant.exchange.reports import decisions, staff_schemas
from merchant.exchange.reports.asked import DFSP, number_filter, scope_asked, some_days, whole_number
from merchant.exchange.reports.merchants import merchants_by_place, merchants_by_tier
from merchant.exchange.reports.operations import funnel, heat, minute_by_minute, operations

MAX_MINUTES, _USUAL_MINUTES = 1_440, 60
MAX_HEAT_DAYS, _USUAL_HEAT_DAYS = 31, 7
MAX_FUNNEL_DAYS, _USUAL_FUNNEL_DAYS = 31, 1
MAX_DECISION_DAYS, _USUAL_DECISION_DAYS = 366, 30


def _days(most: int, usual: int) -> tuple[Filter, Filter]:
    first = f"The first day, in the scheme's time zone; {usual} up to the last unless given."
    last = f"The last day, today unless given; at most {most} days."
    return Filter("from", first, kind="date"), Filter("to", last, kind="date")


_MINUTES = number_filter(
    "minutes", "How many minutes up to now, counting this one.", most=MAX_MINUTES, usual=_USUAL_MINUTES
)


@route(
    "GET",
    "/api/v1/reports/operations",
    permission=P.OPERATIONS_READ,
    answer=staff_schemas.Operations,
    filters=(_MINUTES,),
    transaction=False,
)
async def read_operations(call: Call[None]) -> staff_schemas.Operations:
    """How payments run: the last minutes one by one, how fast they are paid, what waits, and each DFSP."""
    minutes = whole_number(call, "minutes", most=MAX_MINUTES, usual=_USUAL_MINUTES)
    async with call.service.db.system_reads() as tx:
        return staff_schemas.operations_view(await operations(tx, minutes))


@route(
    "GET",
    "/api/v1/reports/operations/minutes",
    permission=P.OPERATIONS_READ,
    items=staff_schemas.MinuteOfOperations,
    filters=(_MINUTES,),
    transaction=False,
)
async def list_operations_by_minute(call: Call[None]) -> list[staff_schemas.MinuteOfOperations]:
    """The requests of the last minutes one by one, oldest first, as `/reports/operations` has them."""
    minutes = whole_number(call, "minutes", most=MAX_MINUTES, usual=_USUAL_MINUTES)
    async with call.service.db.system_reads() as tx:
        return [staff_schemas.minute_view(one) for one in await minute_by_minute(tx, minutes)]


@route(
    "GET",
    "/api/v1/reports/operations/heat",
    permission=P.OPERATIONS_READ,
    items=staff_schemas.HourOfOperations,
    filters=(number_filter("days", "How many days up to today.", most=MAX_HEAT_DAYS, usual=_USUAL_HEAT_DAYS),),
    transaction=False,
)
async def list_operations_by_hour(call: Call[None]) -> list[staff_schemas.HourOfOperations]:
    """The requests of each DFSP by day and hour, oldest first; an hour without requests has no row."""
    days = whole_number(call, "days", most=MAX_HEAT_DAYS, usual=_USUAL_HEAT_DAYS)
    zone = await call.service.time_zone()
    today = clock.now().astimezone(zone).date()
    async with call.service.db.system_reads() as tx:
        return [staff_schemas.heat_view(row) for row in await heat(tx, today, days, zone)]


@route(
    "GET",
    "/api/v1/reports/operations/funnel",
    permission=P.OPERATIONS_READ,
    items=staff_schemas.FunnelStep,
    filters=(*_days(MAX_FUNNEL_DAYS, _USUAL_FUNNEL_DAYS), DFSP),
    transaction=False,
)
async def list_funnel(call: Call[None]) -> list[staff_schemas.FunnelStep]:
    """How far requests came that named a customer: asked, reached, accepted, paid, by their histories."""
    days = await some_days(call, MAX_FUNNEL_DAYS, _USUAL_FUNNEL_DAYS)
    async with call.service.db.system_reads() as tx:
        return staff_schemas.funnel_view(await funnel(tx, scope_asked(call), days))


@route(
    "GET",
    "/api/v1/reports/merchants/tiers",
    permission=P.MERCHANTS_READ,
    items=staff_schemas.MerchantsOnTier,
    filters=(DFSP,),
)
async def list_merchants_by_tier(call: Call[None]) -> list[staff_schemas.MerchantsOnTier]:
    """How many merchants are active today on each tier, by DFSP."""
    rows = await merchants_by_tier(call.tx, call.actor, call.filter_id("dfsp_id"))
    return [staff_schemas.tier_view(row) for row in rows]


@route(
    "GET",
    "/api/v1/reports/merchants/places",
    permission=P.MERCHANTS_READ,
    items=staff_schemas.MerchantsInPlace,
    filters=(DFSP,),
    raises=(TooManyRows,),
)
async def list_merchants_by_place(call: Call[None]) -> list[staff_schemas.MerchantsInPlace]:
    """How many merchants are active today with a shop in each town, the most first."""
    rows = await merchants_by_place(call.tx, call.service.vault, call.actor, call.filter_id("dfsp_id"))
    return [staff_schemas.place_view(row) for row in rows]


_DECIDED = (
    *_days(MAX_DECISION_DAYS, _USUAL_DECISION_DAYS),
    Filter("kind", "Only cases of this kind; an application is one for onboarding.", choices=tuple(CaseKind)),
    DFSP,
)


@route(
    "GET",
    "/api/v1/reports/decisions",
    permission=P.APPLICATIONS_READ,
    answer=staff_schemas.Decisions,
    filters=_DECIDED,
)
async def read_decisions(call: Call[None]) -> staff_schemas.Decisions:
    """How applications and cases are decided: what waits now; and of some days what was decided, how fast, by whom."""
    days = await some_days(call, MAX_DECISION_DAYS, _USUAL_DECISION_DAYS)
    asked = (call.tx, scope_asked(call), days, call.filters["kind"])
    return staff_schemas.Decisions(
        since=days.first,
        until=days.last,
        waiting=staff_schemas.waiting_view(await decisions.waiting_cases(call.tx, asked[1], asked[3])),
        outcomes=staff_schemas.outcomes_view(await decisions.outcomes(*asked)),
        reasons=[staff_schemas.reason_view(row) for row in await decisions.reasons(*asked)],
        checkers=[staff_schemas.checker_view(row) for row in await decisions.by_checker(*asked)],
        risks=[staff_schemas.risk_view(row) for row in await decisions.by_risk(*asked)],
    )


@route(
    "GET",
    "/api/v1/reports/decisions/reasons",
    permission=P.APPLICATIONS_READ,
    items=staff_schemas.ReturnReason,
    filters=_DECIDED,
)
async def list_return_reasons(call: Call[None]) -> list[staff_schemas.ReturnReason]:
    """The answers that cases were sent back for in some days, the most frequent first."""
    days = await some_days(call, MAX_DECISION_DAYS, _USUAL_DECISION_DAYS)
    rows = await decisions.reasons(call.tx, scope_asked(call), days, call.filters["kind"])
    return [staff_schemas.reason_view(row) for row in rows]


@route(
    "GET",
    "/api/v1/reports/decisions/checkers",
    permission=P.APPLICATIONS_READ,
    items=staff_schemas.CheckerDecisions,
    filters=_DECIDED,
)
async def list_checkers(call: Call[None]) -> list[staff_schemas.CheckerDecisions]:
    """What each checker decided in some days, who decided most first."""
    days = await some_days(call, MAX_DECISION_DAYS, _USUAL_DECISION_DAYS)
    rows = await decisions.by_checker(call.tx, scope_asked(call), days, call.filters["kind"])
    return [staff_schemas.checker_view(row) for row in rows]


ROUTES: list[Any] = [
    read_operations,
    list_operations_by_minute,
    list_operations_by_hour,
    list_funnel,
    list_merchants_by_tier,
    list_merchants_by_place,
    read_decisions,
    list_return_reasons,
    list_checkers,
]
