"""JSON routes of merchants and their counters: read the request, call the operation, answer.

lifecycle.py changes merchants and opens counters; queries.py reads and schemas.py shapes.
"""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import FromPath

from merchant.compliance.policies import Tier
from merchant.core.access import Permission as P
from merchant.core.db import Tx
from merchant.core.http import json as web
from merchant.core.http.json import actor_of, answer, body, needs, path_id, service_of
from merchant.registry.merchants import lifecycle, queries, schemas
from merchant.registry.merchants.states import MerchantState

Req = Request[Any, Any, State]
Answer = Response[bytes]


@get(
    "/api/v1/merchants",
    opt=needs(
        P.MERCHANTS_READ,
        listing=schemas.MerchantView,
        query=("state", "tier", "search"),
        choices={"state": tuple(MerchantState), "tier": tuple(Tier)},
    ),
)
async def list_merchants(request: Req) -> Answer:
    """List merchants, newest first."""
    page, query, actor = web.page_of(request), request.query_params, actor_of(request)
    async with service_of(request).db.tenant(actor.dfsp_id) as tx:
        rows = await queries.merchants(
            tx,
            actor,
            page,
            state=query.get("state"),
            tier=query.get("tier"),
            search=query.get("search"),
        )
        locations, counters = await queries.places(tx, actor, [row.id for row in rows])
    views = [schemas.merchant_view(row, locations, counters) for row in rows]
    return web.listing(views, page, [row.id for row in rows])


async def _merchant(request: Req, tx: Tx, merchant_id: UUID) -> Answer:
    await tx.flush()
    row = await queries.merchant(tx, actor_of(request), merchant_id)
    locations, counters = await queries.places(tx, actor_of(request), [row.id])
    return answer(schemas.merchant_view(row, locations, counters), etag=row.revision)


@get("/api/v1/merchants/{merchant_id:str}", opt=needs(P.MERCHANTS_READ, answer=schemas.MerchantView))
async def read_merchant(request: Req, merchant_id: FromPath[str]) -> Answer:
    """Read a merchant with its locations and counters."""
    async with service_of(request).db.tenant(actor_of(request).dfsp_id) as tx:
        return await _merchant(request, tx, path_id(merchant_id))


@post(
    "/api/v1/merchants/{merchant_id:str}/counters",
    opt=needs(P.MERCHANTS_WRITE, body=schemas.NewCounter, answer=schemas.CounterView, once=False),
)
async def add_counter(request: Req, merchant_id: FromPath[str]) -> Answer:
    """Open a counter; its number exists when this answers. An Idempotency-Key, if sent, makes retries safe."""
    new = await body(request, schemas.NewCounter)
    service, actor = service_of(request), actor_of(request)

    async def do(tx: Tx) -> tuple[int, Any]:
        counter = await lifecycle.add_counter(
            tx, service, actor, path_id(merchant_id), new.location_id, new.name, new.own_alias
        )
        return 201, schemas.counter_view(counter)

    if "idempotency-key" in request.headers:
        return await web.once(request, f"counters:{merchant_id}", do)
    async with service.db.tenant(actor.dfsp_id) as tx:
        status, view = await do(tx)
    return answer(view, status)


@post(
    "/api/v1/merchants/{merchant_id:str}/suspend",
    status_code=200,
    opt=needs(P.MERCHANTS_SUSPEND, body=schemas.Reason, answer=schemas.MerchantView),
)
async def suspend(request: Req, merchant_id: FromPath[str]) -> Answer:
    """Stop a merchant at once."""
    reason = (await body(request, schemas.Reason)).reason
    async with service_of(request).db.tenant(actor_of(request).dfsp_id) as tx:
        merchant = await lifecycle.suspend(tx, actor_of(request), path_id(merchant_id), reason)
        return await _merchant(request, tx, merchant.id)


@post(
    "/api/v1/merchants/{merchant_id:str}/restrict",
    status_code=200,
    opt=needs(P.MERCHANTS_SUSPEND, body=schemas.Reason, answer=schemas.MerchantView),
)
async def restrict(request: Req, merchant_id: FromPath[str]) -> Answer:
    """Let a merchant take payments but open no counters."""
    reason = (await body(request, schemas.Reason)).reason
    async with service_of(request).db.tenant(actor_of(request).dfsp_id) as tx:
        merchant = await lifecycle.restrict(tx, actor_of(request), path_id(merchant_id), reason)
        return await _merchant(request, tx, merchant.id)


@post(
    "/api/v1/merchants/{merchant_id:str}/close",
    status_code=200,
    opt=needs(P.MERCHANTS_SUSPEND, body=schemas.Reason, answer=schemas.MerchantView),
)
async def close(request: Req, merchant_id: FromPath[str]) -> Answer:
    """End a merchant for good."""
    reason = (await body(request, schemas.Reason)).reason
    async with service_of(request).db.tenant(actor_of(request).dfsp_id) as tx:
        merchant = await lifecycle.close(tx, actor_of(request), path_id(merchant_id), reason)
        return await _merchant(request, tx, merchant.id)


@post(
    "/api/v1/merchants/{merchant_id:str}/reinstate",
    status_code=200,
    opt=needs(P.MERCHANTS_SUSPEND, answer=schemas.MerchantView),
)
async def reinstate(request: Req, merchant_id: FromPath[str]) -> Answer:
    """End a suspension or a restriction."""
    async with service_of(request).db.tenant(actor_of(request).dfsp_id) as tx:
        merchant = await lifecycle.reinstate(tx, actor_of(request), path_id(merchant_id))
        return await _merchant(request, tx, merchant.id)


ROUTES = [list_merchants, read_merchant, add_counter, suspend, restrict, reinstate, close]
