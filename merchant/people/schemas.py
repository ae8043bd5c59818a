"""Shapes of the JSON API of people, DFSPs and API keys: what comes in, what goes out.

routes.py decodes and answers with them, and the OpenAPI document describes them. Secrets are shown once, by the route
that made them.
"""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType, convert

from merchant.core.access import Actor, Role
from merchant.core.access import Permission as P
from merchant.core.http import json as web
from merchant.core.http.fields import FspIdText, Instant, NameText, pattern
from merchant.core.phone import mask
from merchant.core.texts import _
from merchant.core.vault import Vault
from merchant.people.models import PHONE, UNUSABLE_HASH, ApiKey, AppUser

# What the HTML standard takes as an e-mail address (4.10.5.1.5): ASCII, so no letter that looks like another, no unseen
# character and no angle bracket.
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
EMAIL_PATTERN = rf"^[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_LABEL}(?:\.{_LABEL})*\Z"
EMAIL_CHARS_MAX = 254  # RFC 5321, with the angle brackets of the envelope
WebAddressText = Annotated[
    str, pattern(r"^https?://", _("Must be a web address that starts with https:// or http://."), max_length=500)
]
Email = Annotated[
    str, pattern(EMAIL_PATTERN, _("Must be an e-mail address."), min_length=3, max_length=EMAIL_CHARS_MAX)
]


class UserView(Struct, frozen=True):
    """A person."""

    id: UUID
    name: str
    roles: list[Role]
    dfsp_id: UUID | None
    merchant_id: UUID | None
    counter_id: UUID | None


class NewDfsp(Struct, frozen=True, forbid_unknown_fields=True):
    """A participant to enable."""

    fsp_id: FspIdText
    name: NameText
    hub_url: WebAddressText | None = None
    transfer_mode: Literal["RESERVED", "COMMITTED"] = "RESERVED"


class NewUser(Struct, frozen=True, forbid_unknown_fields=True):
    """A person to add. A cashier may be bound to one counter of the merchant."""

    email: Email
    name: NameText
    roles: Annotated[list[Role], Meta(min_length=1, max_length=8)]
    dfsp_id: UUID | None = None
    merchant_id: UUID | None = None
    counter_id: UUID | None = None


class UserChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a person; what is left out stays. No roles at all also withdraws the first proposal.

    A counter binds a cashier to it, null unbinds.
    """

    name: NameText | None = None
    roles: Annotated[list[Role], Meta(max_length=8)] | None = None
    enabled: bool | None = None
    counter_id: UUID | UnsetType | None = UNSET


class UserDetail(Struct, frozen=True):
    """A person as staff lists show them. `roles` are in force; `proposed_roles` wait for a second person to confirm.

    Who registered themselves by phone has no e-mail address, and the phone is masked.
    """

    id: UUID
    email: str | None
    phone: str | None
    name: str
    state: Literal["invited", "active", "disabled", "proposed"]
    roles: list[Role]
    dfsp_id: UUID | None
    merchant_id: UUID | None
    counter_id: UUID | None
    enabled: bool
    totp: bool
    proposed_roles: list[Role] | None
    proposed_enabled: bool | None
    proposed_by: UUID | None
    version: int


class InvitationSent(Struct, frozen=True):
    """An invitation is on its way, and how long its link works."""

    id: UUID
    expires_at: Instant


class NewApiKey(Struct, frozen=True, forbid_unknown_fields=True):
    """A key to issue: for the DFSP, one merchant or one counter. It ends after a year unless told otherwise."""

    name: NameText
    scopes: Annotated[list[P], Meta(min_length=1, max_length=20)]
    dfsp_id: UUID | None = None
    merchant_id: UUID | None = None
    counter_id: UUID | None = None
    expires_in_days: Annotated[int, Meta(ge=1, le=730)] | None = None


class ApiKeyView(Struct, frozen=True):
    """A key; `key` itself is shown once, when it is issued.

    `last_used_at` is known to the hour, of the last ninety days.
    """

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
    last_used_at: Instant | None
    key: str | None = None


def actor_view(actor: Actor) -> UserView:
    """The person or key that calls."""
    roles = convert(list(actor.roles), list[Role])
    return UserView(actor.id, actor.name, roles, actor.dfsp_id, actor.merchant_id, actor.counter_id)


def user_view(vault: Vault, row: AppUser) -> UserDetail:
    """A person as staff lists show them."""
    if row.proposed_by is not None:
        state = "proposed"
    elif not row.enabled:
        state = "disabled"
    else:
        state = "invited" if row.password_hash == UNUSABLE_HASH else "active"
    phone = None if row.phone_sealed is None else mask(vault.open(row.phone_sealed, PHONE.format(id=row.id)).decode())
    made = {"state": state, "totp": row.totp_confirmed_at is not None, "phone": phone}
    fields = {name: made[name] if name in made else getattr(row, name) for name in UserDetail.__struct_fields__}
    return convert(fields, UserDetail)


def key_view(row: ApiKey, text: str | None = None, last_used_at: datetime | None = None) -> ApiKeyView:
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
        last_used_at=web.at_or_none(last_used_at),
        key=text,
    )
