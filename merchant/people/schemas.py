"""Shapes of the JSON API of people, DFSPs and API keys: what comes in, what goes out.

routes.py decodes and answers with them, and the OpenAPI document describes them. Secrets are shown once, by the route
that made them.
"""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct, convert

from merchant.core.access import Actor, Role
from merchant.core.access import Permission as P
from merchant.core.http import json as web
from merchant.core.http.fields import Instant, NameText
from merchant.people.models import ApiKey, AppUser
from merchant.people.operations import MIN_PASSWORD_LENGTH
from merchant.people.sessions import MAX_PASSWORD_LENGTH
from merchant.scheme.models import Dfsp

Email = Annotated[str, Meta(min_length=3, max_length=254, pattern=r"^[^@\s]+@[^@\s]+\Z")]


class SignIn(Struct, frozen=True, forbid_unknown_fields=True):
    """An e-mail address and a password. `totp`, of an authenticator app, is refused: none can be set up yet."""

    email: Annotated[str, Meta(max_length=254)]
    password: Annotated[str, Meta(min_length=1, max_length=MAX_PASSWORD_LENGTH)]
    totp: Annotated[str, Meta(pattern=r"^[0-9]{6}\Z")] | None = None


class UserView(Struct, frozen=True):
    """A person."""

    id: UUID
    name: str
    roles: list[Role]
    dfsp_id: UUID | None


class SessionView(Struct, frozen=True):
    """A fresh token and whose it is."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_at: Instant
    user: UserView


class NewDfsp(Struct, frozen=True, forbid_unknown_fields=True):
    """A participant to enable."""

    fsp_id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,32}\Z")]
    name: NameText
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
    transfer_mode: Literal["RESERVED", "COMMITTED"]


class NewUser(Struct, frozen=True, forbid_unknown_fields=True):
    """A person to add."""

    email: Email
    name: NameText
    password: Annotated[str, Meta(min_length=MIN_PASSWORD_LENGTH, max_length=MAX_PASSWORD_LENGTH)]
    roles: Annotated[list[Role], Meta(min_length=1, max_length=8)]
    dfsp_id: UUID | None = None
    merchant_id: UUID | None = None


class UserDetail(Struct, frozen=True):
    """A person as staff lists show them."""

    id: UUID
    email: str
    name: str
    roles: list[Role]
    dfsp_id: UUID | None
    merchant_id: UUID | None
    enabled: bool


class NewApiKey(Struct, frozen=True, forbid_unknown_fields=True):
    """A key to issue: for the DFSP, one merchant or one counter. It ends after a year unless told otherwise."""

    name: NameText
    scopes: Annotated[list[P], Meta(min_length=1, max_length=20)]
    dfsp_id: UUID | None = None
    merchant_id: UUID | None = None
    counter_id: UUID | None = None
    expires_in_days: Annotated[int, Meta(ge=1, le=730)] | None = None


class ApiKeyView(Struct, frozen=True):
    """A key; `key` itself is shown once, when it is issued."""

    id: UUID
    name: str
    scopes: list[P]
    dfsp_id: UUID
    merchant_id: UUID | None
    counter_id: UUID | None
    created_at: Instant
    expires_at: Instant | None
    revoked_at: Instant | None
    issued_by: UUID | None
    key: str | None = None


def actor_view(actor: Actor) -> UserView:
    """The person or key that calls."""
    return UserView(actor.id, actor.name, convert(list(actor.roles), list[Role]), actor.dfsp_id)


def dfsp_view(row: Dfsp) -> DfspView:
    """A participant."""
    return convert({name: getattr(row, name) for name in DfspView.__struct_fields__}, DfspView)


def user_view(row: AppUser) -> UserDetail:
    """A person as staff lists show them."""
    return convert({name: getattr(row, name) for name in UserDetail.__struct_fields__}, UserDetail)


def key_view(row: ApiKey, text: str | None = None) -> ApiKeyView:
    """An API key; `text` only where it was just issued."""
    return ApiKeyView(
        id=row.id,
        name=row.name,
        scopes=convert(row.scopes, list[P]),
        dfsp_id=row.dfsp_id,
        merchant_id=row.merchant_id,
        counter_id=row.counter_id,
        created_at=web.at(row.created_at),
        expires_at=web.at_or_none(row.expires_at),
        revoked_at=web.at_or_none(row.revoked_at),
        issued_by=row.issued_by,
        key=text,
    )
