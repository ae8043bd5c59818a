"""JSON routes of sessions, DFSPs, users and API keys: call the operation, show the result.

operations.py changes, sessions.py signs in, queries.py reads and schemas.py shapes.
"""

from datetime import timedelta
from uuid import UUID

from merchant.core import errors
from merchant.core.access import Permission as P
from merchant.core.http import json as web
from merchant.core.http.route import Call, Listed, route
from merchant.people import operations, queries, schemas, sessions
from merchant.people.problems import TotpNotEnabled
from merchant.people.schemas import ApiKeyView, DfspView, Enabled, UserDetail, UserView
from merchant.scheme import queries as scheme


@route(
    "POST",
    "/api/v1/sessions",
    public=True,
    body=schemas.SignIn,
    answer=schemas.SessionView,
    status=201,
    raises=(errors.NotSignedIn, errors.TooManyRequests, TotpNotEnabled),
)
async def sign_in(call: Call[schemas.SignIn]) -> schemas.SessionView:
    """Sign in; the token goes into `Authorization: Bearer`."""
    if call.body.totp is not None:
        raise TotpNotEnabled
    signed = await sessions.sign_in(call.service, call.body.email, call.body.password)
    user = schemas.actor_view(signed.user)
    return schemas.SessionView(signed.access_token, "Bearer", web.at(signed.expires_at), user)


@route("GET", "/api/v1/users/me", permission=None, answer=UserView, transaction=False)
async def read_me(call: Call[None]) -> UserView:
    """Who am I?"""
    return schemas.actor_view(call.actor)


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
    """Enable a participant."""
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
    return schemas.dfsp_view(created)


@route("GET", "/api/v1/dfsps", permission=P.DFSPS_READ, items=DfspView, paged=True)
async def list_dfsps(call: Call[None]) -> Listed:
    """List the participants."""
    rows = await scheme.dfsps(call.tx, call.actor, call.page)
    return Listed([schemas.dfsp_view(row) for row in rows], [row.id for row in rows])


@route("PATCH", "/api/v1/dfsps/{dfsp_id}", permission=P.DFSPS_WRITE, body=Enabled, answer=DfspView)
async def change_dfsp(call: Call[Enabled], dfsp_id: UUID) -> DfspView:
    """Let a participant in or shut it out."""
    return schemas.dfsp_view(await operations.set_dfsp_enabled(call.tx, call.actor, dfsp_id, call.body.enabled))


@route(
    "POST",
    "/api/v1/users",
    permission=P.USERS_WRITE,
    body=schemas.NewUser,
    answer=UserDetail,
    status=201,
    raises=(errors.Conflict,),
)
async def create_user(call: Call[schemas.NewUser]) -> UserDetail:
    """Add a person."""
    new = call.body
    user = await operations.create_user(
        call.tx,
        call.actor,
        email=new.email,
        name=new.name,
        password=new.password,
        roles=list(new.roles),
        dfsp_id=new.dfsp_id,
        merchant_id=new.merchant_id,
    )
    return schemas.user_view(user)


@route("GET", "/api/v1/users", permission=P.USERS_WRITE, items=UserDetail, paged=True)
async def list_users(call: Call[None]) -> Listed:
    """List people."""
    rows = await queries.users(call.tx, call.actor, call.page)
    return Listed([schemas.user_view(row) for row in rows], [row.id for row in rows])


@route("PATCH", "/api/v1/users/{user_id}", permission=P.USERS_WRITE, body=Enabled, answer=UserDetail)
async def change_user(call: Call[Enabled], user_id: UUID) -> UserDetail:
    """Let a person in or shut them out."""
    return schemas.user_view(await operations.set_user_enabled(call.tx, call.actor, user_id, call.body.enabled))


@route(
    "POST",
    "/api/v1/api-keys",
    permission=P.API_KEYS_WRITE,
    body=schemas.NewApiKey,
    answer=ApiKeyView,
    status=201,
)
async def issue_api_key(call: Call[schemas.NewApiKey]) -> ApiKeyView:
    """Issue an API key; its text is shown this once."""
    new = call.body
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


@route("GET", "/api/v1/api-keys", permission=P.API_KEYS_WRITE, items=ApiKeyView, paged=True)
async def list_api_keys(call: Call[None]) -> Listed:
    """List API keys."""
    rows = await queries.api_keys(call.tx, call.actor, call.page)
    return Listed([schemas.key_view(row) for row in rows], [row.id for row in rows])


@route("DELETE", "/api/v1/api-keys/{key_id}", permission=P.API_KEYS_WRITE, status=204)
async def revoke_api_key(call: Call[None], key_id: UUID) -> None:
    """Revoke an API key at once."""
    await operations.revoke_key(call.tx, call.actor, key_id)


ROUTES = [
    sign_in,
    read_me,
    create_dfsp,
    list_dfsps,
    change_dfsp,
    create_user,
    list_users,
    change_user,
    issue_api_key,
    list_api_keys,
    revoke_api_key,
]
