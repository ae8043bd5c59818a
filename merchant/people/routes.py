"""JSON routes of DFSPs and API keys: call the operation, show the result.

operations.py changes, queries.py reads and schemas.py shapes. People are in user_routes.py and account_routes.py.
"""

from datetime import timedelta
from uuid import UUID

from merchant.compliance.policies.problems import CapabilityMissing
from merchant.core import errors
from merchant.core.access import Permission as P
from merchant.core.http.route import Call, Filter, Listed, route
from merchant.core.paging import BY_AGE_OR_NAME
from merchant.people import operations, queries, schemas
from merchant.people.schemas import ApiKeyView
from merchant.scheme import enabling
from merchant.scheme import queries as scheme
from merchant.scheme.queries import DFSP_STATES
from merchant.scheme.schemas import DfspView, dfsp_view


@route(
    "POST",
    "/api/v1/dfsps",
    permission=P.DFSPS_WRITE,
    body=schemas.NewDfsp,
    answer=DfspView,
    status=201,
    raises=(errors.Conflict,),
)
async def create_dfsp(call: Call[schemas.NewDfsp]) -> DfspView:
    """Add a participant, and propose that it takes part: it is off until a second person of the hub confirms.

    Where the hub has one person only it is on at once, and `notice` says so.
    """
    new = call.body
    created = await operations.create_dfsp(
        call.tx,
        call.service,
        call.actor,
        new.fsp_id,
        new.name,
        hub_url=new.hub_url or "",
        transfer_mode=new.transfer_mode,
    )
    alone = await enabling.enable(call.tx, call.actor, created)
    names = await enabling.names_of_proposers(call.tx, [created])
    return dfsp_view(created, names, enabling.ALONE if alone else None)


@route(
    "GET",
    "/api/v1/dfsps",
    permission=P.DFSPS_READ,
    items=DfspView,
    paged=True,
    sorts=BY_AGE_OR_NAME,
    filters=(Filter("state", "Only those that take part, wait for a second person, or are off.", choices=DFSP_STATES),),
)
async def list_dfsps(call: Call[None]) -> Listed:
    """List the participants."""
    rows = await scheme.dfsps(call.tx, call.actor, call.page, call.filters["state"])
    names = await enabling.names_of_proposers(call.tx, rows)
    return Listed([dfsp_view(row, names) for row in rows], [row.id for row in rows])


@route(
    "POST",
    "/api/v1/api-keys",
    permission=P.API_KEYS_WRITE,
    body=schemas.NewApiKey,
    answer=ApiKeyView,
    status=201,
    idempotency_key="optional",
    raises=(CapabilityMissing,),
)
async def issue_api_key(call: Call[schemas.NewApiKey]) -> ApiKeyView:
    """Issue an API key; its text is shown this once."""
    new = call.body
    await operations.check_keys_permitted(call.tx, call.service, new.merchant_id, new.counter_id)
    issued = await operations.issue_key(
        call.tx,
        call.actor,
        name=new.name,
        scopes=list(new.scopes),
        dfsp_id=new.dfsp_id,
        merchant_id=new.merchant_id,
        counter_id=new.counter_id,
        lifetime=timedelta(days=new.expires_in_days) if new.expires_in_days else None,
    )
    return schemas.key_view(issued.row, issued.text)


@route("GET", "/api/v1/api-keys", permission=P.API_KEYS_WRITE, items=ApiKeyView, paged=True, sorts=BY_AGE_OR_NAME)
async def list_api_keys(call: Call[None]) -> Listed:
    """List API keys."""
    rows = await queries.api_keys(call.tx, call.actor, call.page)
    used = await queries.keys_last_used(call.tx, [row.id for row in rows])
    views = [schemas.key_view(row, last_used_at=used.get(row.id)) for row in rows]
    return Listed(views, [row.id for row in rows])


@route(
    "POST",
    "/api/v1/api-keys/{key_id}/rotate",
    permission=P.API_KEYS_WRITE,
    answer=ApiKeyView,
    status=201,
    idempotency_key="optional",
    raises=(CapabilityMissing, errors.WrongState, errors.InvalidFields),
)
async def rotate_api_key(call: Call[None], key_id: UUID) -> ApiKeyView:
    """Issue a key in place of another; its text is shown this once, and the other one works on for 24 hours."""
    held = await queries.api_key(call.tx, call.actor, key_id)
    await operations.check_keys_permitted(call.tx, call.service, held.merchant_id, held.counter_id)
    issued = await operations.rotate_key(call.tx, call.actor, key_id)
    return schemas.key_view(issued.row, issued.text)


@route("DELETE", "/api/v1/api-keys/{key_id}", permission=P.API_KEYS_WRITE, status=204)
async def revoke_api_key(call: Call[None], key_id: UUID) -> None:
    """Revoke an API key at once."""
    await operations.revoke_key(call.tx, call.actor, key_id)


ROUTES = [
    create_dfsp,
    list_dfsps,
    issue_api_key,
    list_api_keys,
    rotate_api_key,
    revoke_api_key,
]
