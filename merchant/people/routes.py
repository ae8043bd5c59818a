"""JSON routes of sessions, DFSPs, users, API keys and the audit record: their shapes, then one function each.

Changes are operations.py's, sign-in is sessions.py's; lists are read here. Secrets are shown once, by the route that
made them.
"""

from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Request, Response, delete, get, patch, post
from litestar.datastructures import State
from litestar.params import FromPath
from msgspec import Meta, Struct
from sqlmodel import select

from merchant.core import audit, errors
from merchant.core.access import Permission as P
from merchant.core.access import Role, scope_to
from merchant.core.http import json as web
from merchant.core.http.json import actor_of, answer, body, needs, path_id, service_of
from merchant.people import operations, sessions
from merchant.people.models import ApiKey, AppUser
from merchant.people.operations import MIN_PASSWORD_LENGTH
from merchant.people.problems import TotpNotEnabled
from merchant.people.sessions import MAX_PASSWORD_LENGTH
from merchant.scheme.models import Dfsp

Req = Request[Any, Any, State]
Answer = Response[bytes]
Email = Annotated[str, Meta(min_length=3, max_length=254, pattern=r"^[^@\s]+@[^@\s]+\Z")]
Name = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"\S")]


class SignIn(Struct, frozen=True, forbid_unknown_fields=True):
    """An e-mail address and a password. `totp`, of an authenticator app, is refused: none can be set up yet."""

    email: Annotated[str, Meta(max_length=254)]
    password: Annotated[str, Meta(min_length=1, max_length=MAX_PASSWORD_LENGTH)]
    totp: Annotated[str, Meta(pattern=r"^[0-9]{6}\Z")] | None = None


class UserView(Struct, frozen=True):
    """A person."""

    id: UUID
    name: str
    roles: list[str]
    dfsp_id: UUID | None


class SessionView(Struct, frozen=True):
    """A fresh token and whose it is."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_at: str | None
    user: UserView


class NewDfsp(Struct, frozen=True, forbid_unknown_fields=True):
    """A participant to enable."""

    fsp_id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,32}\Z")]
    name: Name
    hub_url: Annotated[str, Meta(max_length=500, pattern=r"^https?://")] | None = None
    transfer_mode: Literal["RESERVED", "COMMITTED"] = "RESERVED"


class Enabled(Struct, frozen=True, forbid_unknown_fields=True):
    """In or out."""

    enabled: bool


class DfspView(Struct, frozen=True):
    """A participant."""

    id: UUID
    fsp_id: str
    name: str
    enabled: bool
    transfer_mode: str


class NewUser(Struct, frozen=True, forbid_unknown_fields=True):
    """A person to add."""

    email: Email
    name: Name
    password: Annotated[str, Meta(min_length=MIN_PASSWORD_LENGTH, max_length=MAX_PASSWORD_LENGTH)]
    roles: Annotated[list[Role], Meta(min_length=1, max_length=8)]
    dfsp_id: UUID | None = None
    merchant_id: UUID | None = None


class UserDetail(Struct, frozen=True):
    """A person as staff lists show them."""

    id: UUID
    email: str
    name: str
    roles: list[str]
    dfsp_id: UUID | None
    merchant_id: UUID | None
    enabled: bool


class NewApiKey(Struct, frozen=True, forbid_unknown_fields=True):
    """A key to issue: for the DFSP, one merchant or one counter."""

    name: Name
    scopes: Annotated[list[P], Meta(min_length=1, max_length=20)]
    dfsp_id: UUID | None = None
    merchant_id: UUID | None = None
    counter_id: UUID | None = None
    expires_in_days: Annotated[int, Meta(ge=1, le=730)] | None = None


class ApiKeyView(Struct, frozen=True):
    """A key; `key` itself is shown once, when it is issued."""

    id: UUID
    name: str
    scopes: list[str]
    dfsp_id: UUID
    merchant_id: UUID | None
    counter_id: UUID | None
    created_at: str | None
    expires_at: str | None
    revoked_at: str | None
    key: str | None = None


class AuditView(Struct, frozen=True):
    """One entry of the audit record."""

    seq: int
    at: str | None
    actor_kind: str
    actor_id: UUID
    action: str
    subject_type: str
    subject_id: str
    detail: dict[str, Any]
    hash: str


@post("/api/v1/sessions", opt={"public": True, "body": SignIn, "answer": SessionView})
async def sign_in(request: Req) -> Answer:
    """Sign in; the token goes into `Authorization: Bearer`."""
    given = await body(request, SignIn)
    if given.totp is not None:
        raise TotpNotEnabled
    signed = await sessions.sign_in(service_of(request), given.email, given.password)
    user = UserView(signed.user.id, signed.user.name, list(signed.user.roles), signed.user.dfsp_id)
    return answer(SessionView(signed.access_token, "Bearer", web.at(signed.expires_at), user), 201)


@get("/api/v1/users/me", opt=needs(None, answer=UserView))
async def read_me(request: Req) -> Answer:
    """Who am I?"""
    actor = actor_of(request)
    return answer(UserView(actor.id, actor.name, list(actor.roles), actor.dfsp_id))


def _dfsp_view(row: Dfsp) -> DfspView:
    return DfspView(row.id, row.fsp_id, row.name, row.enabled, row.transfer_mode)


@post("/api/v1/dfsps", opt=needs(P.DFSPS_WRITE, body=NewDfsp, answer=DfspView))
async def create_dfsp(request: Req) -> Answer:
    """Enable a participant."""
    new = await body(request, NewDfsp)
    service, actor = service_of(request), actor_of(request)
    async with service.db.tenant(actor.dfsp_id) as tx:
        created = await operations.create_dfsp(
            tx,
            service,
            actor,
            new.fsp_id,
            new.name,
            hub_url=new.hub_url or "",
            transfer_mode=new.transfer_mode,
        )
        return answer(_dfsp_view(created), 201)


@get("/api/v1/dfsps", opt=needs(P.DFSPS_READ, listing=DfspView))
async def list_dfsps(request: Req) -> Answer:
    """List the participants."""
    page, actor = web.page_of(request), actor_of(request)
    statement = select(Dfsp).order_by(Dfsp.id.desc()).limit(page.limit + 1)  # type: ignore[attr-defined]
    if actor.dfsp_id is not None:
        statement = statement.where(Dfsp.id == actor.dfsp_id)
    if page.before is not None:
        statement = statement.where(Dfsp.id < page.before)
    async with service_of(request).db.tenant(actor.dfsp_id) as tx:
        rows = (await tx.session.exec(statement)).all()
    return web.listing([_dfsp_view(row) for row in rows], page, [row.id for row in rows])


@patch("/api/v1/dfsps/{dfsp_id:str}", opt=needs(P.DFSPS_WRITE, body=Enabled, answer=DfspView))
async def change_dfsp(request: Req, dfsp_id: FromPath[str]) -> Answer:
    """Let a participant in or shut it out."""
    enabled = (await body(request, Enabled)).enabled
    actor = actor_of(request)
    async with service_of(request).db.tenant(actor.dfsp_id) as tx:
        return answer(_dfsp_view(await operations.set_dfsp_enabled(tx, actor, path_id(dfsp_id), enabled)))


def _user_view(row: AppUser) -> UserDetail:
    return UserDetail(row.id, row.email, row.name, row.roles, row.dfsp_id, row.merchant_id, row.enabled)


@post("/api/v1/users", opt=needs(P.USERS_WRITE, body=NewUser, answer=UserDetail))
async def create_user(request: Req) -> Answer:
    """Add a person."""
    new = await body(request, NewUser)
    actor = actor_of(request)
    async with service_of(request).db.tenant(actor.dfsp_id) as tx:
        user = await operations.create_user(
            tx,
            actor,
            email=new.email,
            name=new.name,
            password=new.password,
            roles=list(new.roles),
            dfsp_id=new.dfsp_id,
            merchant_id=new.merchant_id,
        )
        return answer(_user_view(user), 201)


@get("/api/v1/users", opt=needs(P.USERS_WRITE, listing=UserDetail))
async def list_users(request: Req) -> Answer:
    """List people."""
    page, actor = web.page_of(request), actor_of(request)
    statement = scope_to(actor, select(AppUser), AppUser).order_by(AppUser.id.desc()).limit(page.limit + 1)  # type: ignore[attr-defined]
    if page.before is not None:
        statement = statement.where(AppUser.id < page.before)
    async with service_of(request).db.tenant(actor.dfsp_id) as tx:
        rows = (await tx.session.exec(statement)).all()
    return web.listing([_user_view(row) for row in rows], page, [row.id for row in rows])


@patch("/api/v1/users/{user_id:str}", opt=needs(P.USERS_WRITE, body=Enabled, answer=UserDetail))
async def change_user(request: Req, user_id: FromPath[str]) -> Answer:
    """Let a person in or shut them out."""
    enabled = (await body(request, Enabled)).enabled
    actor = actor_of(request)
    async with service_of(request).db.tenant(actor.dfsp_id) as tx:
        return answer(_user_view(await operations.set_user_enabled(tx, actor, path_id(user_id), enabled)))


def _key_view(row: ApiKey, text: str | None = None) -> ApiKeyView:
    return ApiKeyView(
        row.id,
        row.name,
        row.scopes,
        row.dfsp_id,
        row.merchant_id,
        row.counter_id,
        web.at(row.created_at),
        web.at(row.expires_at),
        web.at(row.revoked_at),
        text,
    )


@post("/api/v1/api-keys", opt=needs(P.API_KEYS_WRITE, body=NewApiKey, answer=ApiKeyView))
async def issue_key(request: Req) -> Answer:
    """Issue an API key; its text is shown this once."""
    new = await body(request, NewApiKey)
    actor = actor_of(request)
    lifetime = timedelta(days=new.expires_in_days) if new.expires_in_days else None
    async with service_of(request).db.tenant(actor.dfsp_id) as tx:
        issued = await operations.issue_key(
            tx,
            actor,
            name=new.name,
            scopes=list(new.scopes),
            dfsp_id=new.dfsp_id,
            merchant_id=new.merchant_id,
            counter_id=new.counter_id,
            lifetime=lifetime,
        )
        return answer(_key_view(issued.row, issued.text), 201)


@get("/api/v1/api-keys", opt=needs(P.API_KEYS_WRITE, listing=ApiKeyView))
async def list_keys(request: Req) -> Answer:
    """List API keys."""
    page, actor = web.page_of(request), actor_of(request)
    statement = scope_to(actor, select(ApiKey), ApiKey).order_by(ApiKey.id.desc()).limit(page.limit + 1)  # type: ignore[attr-defined]
    if page.before is not None:
        statement = statement.where(ApiKey.id < page.before)
    async with service_of(request).db.tenant(actor.dfsp_id) as tx:
        rows = (await tx.session.exec(statement)).all()
    return web.listing([_key_view(row) for row in rows], page, [row.id for row in rows])


@delete("/api/v1/api-keys/{key_id:str}", status_code=204, opt=needs(P.API_KEYS_WRITE))
async def revoke_key(request: Req, key_id: FromPath[str]) -> None:
    """Revoke an API key at once."""
    async with service_of(request).db.tenant(actor_of(request).dfsp_id) as tx:
        await operations.revoke_key(tx, actor_of(request), path_id(key_id))


@get("/api/v1/audit", opt=needs(P.AUDIT_READ, listing=AuditView))
async def read_audit(request: Req) -> Answer:
    """The audit record of the caller's DFSP (the hub's own for hub staff), newest first; cursor is a seq."""
    actor = actor_of(request)
    limit = web.limit_of(request)
    cursor = request.query_params.get("cursor", "")
    if cursor and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 18):
        raise errors.BadRequest("cursor is what next_cursor said.")
    async with service_of(request).db.tenant(actor.dfsp_id) as tx:
        rows = await audit.newest(tx, actor.dfsp_id or audit.HUB_CHAIN, limit + 1, int(cursor) if cursor else None)
    items = [
        AuditView(
            row.seq,
            web.at(row.at),
            row.actor_kind,
            row.actor_id,
            row.action,
            row.subject_type,
            row.subject_id,
            row.detail,
            row.hash.hex(),
        )
        for row in rows[:limit]
    ]
    return answer({"items": items, "next_cursor": str(items[-1].seq) if len(rows) > limit else None})


ROUTES = [
    sign_in,
    read_me,
    create_dfsp,
    list_dfsps,
    change_dfsp,
    create_user,
    list_users,
    change_user,
    issue_key,
    list_keys,
    revoke_key,
    read_audit,
]
