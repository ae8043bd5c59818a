"""JSON routes of merchants and their counters: call the operation, show the result.

lifecycle.py changes, queries.py reads and schemas.py shapes.
"""

from typing import Any
from uuid import UUID

from merchant.core import errors
from merchant.core.access import Permission as P
from merchant.core.http.route import Answer, Call, Filter, Listed, route
from merchant.core.paging import BY_AGE_OR_NAME
from merchant.registry.aliases.problems import AliasTaken, NumbersExhausted
from merchant.registry.merchants import lifecycle, queries, schemas
from merchant.registry.merchants.finding import Sought, find_merchants
from merchant.registry.merchants.schemas import ReasonGiven
from merchant.registry.merchants.states import MerchantState

TIERS = ("T0", "T1", "T2", "T3")  # docs/contract.md, Applications and merchants
RISKS = ("low", "medium", "high")


@route(
    "GET",
    "/api/v1/merchants",
    permission=P.MERCHANTS_READ,
    items=schemas.MerchantView,
    paged=True,
    sorts=BY_AGE_OR_NAME,
    filters=(
        Filter(
            "q",
            "Words of names in any order and whatever their accents, also begun or with one slip; or a counter's"
            " number, a phone, an owner's name, a register, tax or identity number, a city. The best 200, best first.",
        ),
        Filter("state", "Only those in this state.", choices=tuple(MerchantState)),
        Filter("tier", "Only those of this tier.", choices=TIERS),
        Filter("risk", "Only those of this risk.", choices=RISKS),
        Filter("mcc", "Only those of this category, four digits of ISO 18245."),
        Filter("city", "Only those with a place in this city, in any case and without accents."),
        Filter("country", "Only those with a place in this country, two letters of ISO 3166."),
        Filter("added_by", "Only those whose application this person or key wrote.", kind="uuid"),
        Filter("approved_by", "Only those that this person approved.", kind="uuid"),
        Filter("from", "Only those approved at this time or later, RFC 3339.", kind="instant"),
        Filter("to", "Only those approved before this time, RFC 3339.", kind="instant"),
        Filter("search", "Only those whose trading or legal name contains this text; q takes its place."),
    ),
)
async def list_merchants(call: Call[None]) -> Listed:
    """List merchants, newest first; with q those it finds, best first unless `sort` is given."""
    given = call.filters
    sought = Sought(
        q=given["q"],
        search=given["search"],
        state=given["state"],
        tier=given["tier"],
        risk=given["risk"],
        mcc=given["mcc"],
        city=given["city"],
        country=given["country"],
        added_by=call.filter_id("added_by"),
        approved_by=call.filter_id("approved_by"),
        since=call.filter_instant("from"),
        until=call.filter_instant("to"),
    )
    found = await find_merchants(call.tx, call.actor, call.page, sought, (await call.service.scheme()).country)
    rows = [one.merchant for one in found]
    locations, counters = await queries.places(call.tx, call.actor, [row.id for row in rows])
    return Listed(
        [schemas.merchant_view(call.actor, row, locations, counters) for row in rows], [one.cursor for one in found]
    )


async def _shown(call: Call[Any], merchant_id: UUID) -> Answer:
    await call.tx.flush()
    row = await queries.merchant(call.tx, call.actor, merchant_id)
    locations, counters = await queries.places(call.tx, call.actor, [row.id])
    return Answer(schemas.merchant_view(call.actor, row, locations, counters), row.revision)


@route("GET", "/api/v1/merchants/{merchant_id}", permission=P.MERCHANTS_READ, answer=schemas.MerchantView)
async def read_merchant(call: Call[None], merchant_id: UUID) -> Answer:
    """Read a merchant with its locations and counters."""
    return await _shown(call, merchant_id)


@route(
    "POST",
    "/api/v1/merchants/{merchant_id}/counters",
    permission=P.MERCHANTS_WRITE,
    own_permission=P.OWN_COUNTERS_WRITE,
    body=schemas.NewCounter,
    answer=schemas.CounterView,
    status=201,
    idempotency_key="optional",
    operation="counters:{merchant_id}",
    raises=(errors.WrongState, AliasTaken, NumbersExhausted),
)
async def add_counter(call: Call[schemas.NewCounter], merchant_id: UUID) -> schemas.CounterView:
    """Open a counter; its number exists when this answers. An Idempotency-Key, if sent, makes retries safe.

    A merchant's owner may open twenty without the DFSP, with numbers that are drawn.
    """
    new = call.body
    counter = await lifecycle.add_counter(
        call.tx, call.service, call.actor, merchant_id, new.location_id, new.name, new.own_alias
    )
    return schemas.counter_view(counter)


@route(
    "PATCH",
    "/api/v1/counters/{counter_id}",
    permission=P.MERCHANTS_WRITE,
    own_permission=P.OWN_COUNTERS_WRITE,
    body=schemas.CounterChange,
    answer=schemas.CounterView,
    raises=(errors.WrongState, errors.InvalidFields),
)
async def change_counter(call: Call[schemas.CounterChange], counter_id: UUID) -> schemas.CounterView:
    """Rename a counter, or move it to another place of its merchant; its number and its code stay."""
    new = call.body
    return schemas.counter_view(
        await lifecycle.change_counter(call.tx, call.actor, counter_id, new.name, new.location_id)
    )


@route(
    "POST",
    "/api/v1/counters/{counter_id}/close",
    permission=P.MERCHANTS_WRITE,
    own_permission=P.OWN_COUNTERS_WRITE,
    body=ReasonGiven,
    answer=schemas.CounterView,
    raises=(errors.WrongState,),
)
async def close_counter(call: Call[ReasonGiven], counter_id: UUID) -> schemas.CounterView:
    """Close a counter for good; its number goes to nobody else."""
    return schemas.counter_view(await lifecycle.close_counter(call.tx, call.actor, counter_id, call.body.reason))


@route(
    "POST",
    "/api/v1/merchants/{merchant_id}/suspend",
    permission=P.MERCHANTS_SUSPEND,
    body=ReasonGiven,
    answer=schemas.MerchantView,
    raises=(errors.WrongState,),
)
async def suspend_merchant(call: Call[ReasonGiven], merchant_id: UUID) -> Answer:
    """Stop a merchant at once."""
    merchant = await lifecycle.suspend(call.tx, call.actor, merchant_id, call.body.reason)
    return await _shown(call, merchant.id)


@route(
    "POST",
    "/api/v1/merchants/{merchant_id}/restrict",
    permission=P.MERCHANTS_SUSPEND,
    body=ReasonGiven,
    answer=schemas.MerchantView,
    raises=(errors.WrongState,),
)
async def restrict_merchant(call: Call[ReasonGiven], merchant_id: UUID) -> Answer:
    """Let a merchant take payments but open no counters."""
    merchant = await lifecycle.restrict(call.tx, call.actor, merchant_id, call.body.reason)
    return await _shown(call, merchant.id)


@route(
    "POST",
    "/api/v1/merchants/{merchant_id}/close",
    permission=P.MERCHANTS_SUSPEND,
    body=ReasonGiven,
    answer=schemas.MerchantView,
    raises=(errors.WrongState, lifecycle.StoppedByHub),
)
async def close_merchant(call: Call[ReasonGiven], merchant_id: UUID) -> Answer:
    """End a merchant for good."""
    merchant = await lifecycle.close(call.tx, call.actor, merchant_id, call.body.reason)
    return await _shown(call, merchant.id)


ROUTES = [
    list_merchants,
    read_merchant,
    add_counter,
    change_counter,
    close_counter,
    suspend_merchant,
    restrict_merchant,
    close_merchant,
]
