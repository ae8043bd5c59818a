"""JSON routes of the reports on money: what was taken, and what is settled."""

from typing import Any

from merchant.core.access import Permission as P
from merchant.core.http.exports import TooManyRows
from merchant.core.http.route import Call, Filter, Listed, route
from merchant.core.paging import BY_AGE
from merchant.exchange.reports import schemas
from merchant.exchange.reports.asked import (
    COUNTER,
    DATE,
    DFSP,
    MERCHANT,
    check_count,
    one_day,
    read_at_most,
    scope_asked,
    some_days,
)
from merchant.exchange.reports.daily import daily_takings
from merchant.exchange.reports.settlement import settled_payments, settlement_statement, settlement_totals
from merchant.exchange.reports.takings import takings_by_day, takings_by_hour

MAX_DAYS = 92  # a quarter
_USUAL_DAYS = 30


@route(
    "GET",
    "/api/v1/reports/daily",
    permission=P.PAYMENTS_READ,
    items=schemas.DailyTakings,
    filters=(DATE, MERCHANT, COUNTER, DFSP),
    raises=(TooManyRows,),
)
async def list_daily_takings(call: Call[None]) -> list[schemas.DailyTakings]:
    """What each counter took and gave back on a day, by currency, by the names of merchants and counters.

    `amount` is all that came in, `refunded` what customers got back that day of whatever payment, `net` the difference.
    """
    day = await one_day(call)
    rows = await daily_takings(call.tx, scope_asked(call), day, read_at_most(call))
    check_count(call, len(rows))
    return [schemas.daily_view(row) for row in rows]


@route(
    "GET",
    "/api/v1/reports/takings",
    permission=P.PAYMENTS_READ,
    items=schemas.TakingsOfDay,
    filters=(
        MERCHANT,
        COUNTER,
        DFSP,
        Filter("from", "The first day, in the scheme's time zone; 30 days up to the last unless given.", kind="date"),
        Filter("to", f"The last day, today unless given; at most {MAX_DAYS} days.", kind="date"),
    ),
)
async def list_takings(call: Call[None]) -> list[schemas.TakingsOfDay]:
    """What was taken and given back day by day, by currency, oldest first; a day without either has no row.

    `amount` is all that came in, `refunded` what customers got back that day of whatever payment, `net` the difference.
    """
    days = await some_days(call, MAX_DAYS, _USUAL_DAYS)
    return [schemas.day_view(row) for row in await takings_by_day(call.tx, scope_asked(call), days)]


@route(
    "GET",
    "/api/v1/reports/takings/hours",
    permission=P.PAYMENTS_READ,
    items=schemas.TakingsOfHour,
    filters=(DATE, MERCHANT, COUNTER, DFSP),
)
async def list_takings_by_hour(call: Call[None]) -> list[schemas.TakingsOfHour]:
    """What was taken in each hour of a day, beside the average of that weekday over the eight weeks before."""
    day = await one_day(call)
    return [schemas.hour_view(row) for row in await takings_by_hour(call.tx, scope_asked(call), day)]


@route(
    "GET",
    "/api/v1/reports/settlement",
    permission=P.PAYMENTS_READ,
    items=schemas.MerchantSettlement,
    filters=(DATE, DFSP),
    raises=(TooManyRows,),
)
async def list_settlement(call: Call[None]) -> list[schemas.MerchantSettlement]:
    """The settlement statement of a day: what is owed to each merchant, by currency, by the merchants' names.

    `net` is what came in (`amount`) without what was given back that day (`refunded`); it may be below zero.
    """
    day = await one_day(call)
    rows = await settlement_statement(
        call.tx,
        call.service.vault,
        scope_asked(call),
        day,
        read_at_most(call),
        accounts_shown=call.actor.dfsp_id is not None,
    )
    check_count(call, len(rows))
    return [schemas.settlement_view(row) for row in rows]


@route(
    "GET",
    "/api/v1/reports/settlement/totals",
    permission=P.PAYMENTS_READ,
    items=schemas.SettlementTotal,
    filters=(DATE, DFSP),
)
async def list_settlement_totals(call: Call[None]) -> list[schemas.SettlementTotal]:
    """The totals of the settlement statement of a day, by currency."""
    day = await one_day(call)
    return [schemas.total_view(row) for row in await settlement_totals(call.tx, scope_asked(call), day)]


@route(
    "GET",
    "/api/v1/reports/settlement/payments",
    permission=P.PAYMENTS_READ,
    items=schemas.SettledPayment,
    paged=True,
    sorts=BY_AGE,
    filters=(DATE, DFSP, MERCHANT),
)
async def list_settled_payments(call: Call[None]) -> Listed:
    """The payments of a day one by one, newest first, to be compared with the hub's settlement."""
    day = await one_day(call)
    rows = await settled_payments(call.tx, scope_asked(call), day, call.page)
    return Listed([schemas.settled_view(row) for row in rows], [row.id for row in rows])


ROUTES: list[Any] = [
    list_daily_takings,
    list_takings,
    list_takings_by_hour,
    list_settlement,
    list_settlement_totals,
    list_settled_payments,
]
