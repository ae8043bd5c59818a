"""Who is asking and what they may do.

A role or an API key's scopes become a set of permissions; a route names one, or says that it needs none. The tenant is
the DFSP: `Database.tenant(actor.dfsp_id)` walls it off by row-level security, and `scope_to` adds the merchant where
the actor is one merchant's own person or key.
"""

from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import false

from merchant.core import errors
from merchant.core.texts import _


class Permission(StrEnum):
    """What a route demands. The value is what API keys carry as a scope."""

    DFSPS_READ = "dfsps:read"
    DFSPS_WRITE = "dfsps:write"
    DFSPS_CONFIRM = "dfsps:confirm"
    USERS_WRITE = "users:write"
    OWN_PEOPLE_WRITE = "own-people:write"
    API_KEYS_WRITE = "api-keys:write"
    AUDIT_READ = "audit:read"
    APPLICATIONS_READ = "applications:read"
    APPLICATIONS_WRITE = "applications:write"
    APPLICATIONS_DECIDE = "applications:decide"
    PERSONAL_DATA_READ = "personal-data:read"
    PERSONAL_DATA_ERASE = "personal-data:erase"
    MERCHANTS_READ = "merchants:read"
    MERCHANTS_WRITE = "merchants:write"
    MERCHANTS_SUSPEND = "merchants:suspend"
    MERCHANTS_BLOCK = "merchants:block"
    OWN_COUNTERS_WRITE = "own-counters:write"
    NOTIFICATIONS_READ = "notifications:read"
    OWN_NOTIFICATIONS_WRITE = "own-notifications:write"
    ALIASES_WRITE = "aliases:write"
    PAYMENTS_READ = "payments:read"
    PAYMENTS_REQUEST = "payments:request"
    PAYMENTS_RESOLVE = "payments:resolve"
    PAYMENTS_REFUND = "payments:refund"
    PAYMENTS_REFUND_APPROVE = "payments:refund-approve"
    WEBHOOKS_WRITE = "webhooks:write"
    EVENTS_READ = "events:read"
    OPERATIONS_READ = "operations:read"
    OPERATIONS_WRITE = "operations:write"
    HUB_KEYS_READ = "hub-keys:read"
    HUB_KEYS_WRITE = "hub-keys:write"
    SCHEME_WRITE = "scheme:write"
    LISTS_READ = "lists:read"
    LISTS_WRITE = "lists:write"
    POLICIES_READ = "policies:read"
    POLICIES_WRITE = "policies:write"
    OWN_APPLICATION_WRITE = "own-application:write"


class Role(StrEnum):
    """The roles that a person may hold."""

    HUB_OPERATOR = "hub_operator"
    HUB_CHECKER = "hub_checker"
    DFSP_ADMIN = "dfsp_admin"
    DFSP_MAKER = "dfsp_maker"
    DFSP_CHECKER = "dfsp_checker"
    DFSP_AUDITOR = "dfsp_auditor"
    MERCHANT_OWNER = "merchant_owner"
    MERCHANT_CASHIER = "merchant_cashier"
    MERCHANT_APPLICANT = "merchant_applicant"


_P = Permission
_DFSP_READS = {
    _P.DFSPS_READ,
    _P.APPLICATIONS_READ,
    _P.MERCHANTS_READ,
    _P.PAYMENTS_READ,
    _P.EVENTS_READ,
    _P.LISTS_READ,
}
_DFSP_READS |= {_P.POLICIES_READ, _P.NOTIFICATIONS_READ}
_MERCHANT_READS = {_P.MERCHANTS_READ, _P.PAYMENTS_READ, _P.EVENTS_READ}

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.HUB_OPERATOR: frozenset(
        {
            _P.DFSPS_READ,
            _P.DFSPS_WRITE,
            _P.DFSPS_CONFIRM,
            _P.USERS_WRITE,
            _P.API_KEYS_WRITE,
            _P.AUDIT_READ,
            _P.APPLICATIONS_READ,
        }
        | {_P.MERCHANTS_READ, _P.MERCHANTS_BLOCK, _P.PAYMENTS_READ, _P.PAYMENTS_RESOLVE, _P.EVENTS_READ}
        | {_P.OPERATIONS_READ, _P.OPERATIONS_WRITE, _P.NOTIFICATIONS_READ}
        | {_P.HUB_KEYS_READ, _P.HUB_KEYS_WRITE, _P.SCHEME_WRITE}
        | {_P.LISTS_READ, _P.LISTS_WRITE, _P.POLICIES_READ, _P.POLICIES_WRITE}
    ),
    Role.HUB_CHECKER: frozenset(
        {_P.DFSPS_READ, _P.AUDIT_READ, _P.APPLICATIONS_READ, _P.MERCHANTS_READ, _P.HUB_KEYS_READ, _P.SCHEME_WRITE}
        | {_P.MERCHANTS_BLOCK, _P.DFSPS_CONFIRM}
        | {_P.LISTS_READ, _P.LISTS_WRITE, _P.POLICIES_READ, _P.POLICIES_WRITE}
    ),
    Role.DFSP_ADMIN: frozenset(
        _DFSP_READS
        | {_P.USERS_WRITE, _P.API_KEYS_WRITE, _P.AUDIT_READ, _P.MERCHANTS_SUSPEND, _P.WEBHOOKS_WRITE}
        | {_P.PAYMENTS_RESOLVE, _P.ALIASES_WRITE, _P.HUB_KEYS_READ, _P.POLICIES_WRITE}
        | {_P.PERSONAL_DATA_ERASE}
    ),
    Role.DFSP_MAKER: frozenset(
        _DFSP_READS | {_P.APPLICATIONS_WRITE, _P.MERCHANTS_WRITE, _P.PERSONAL_DATA_READ, _P.PAYMENTS_REFUND}
    ),
    Role.DFSP_CHECKER: frozenset(
        _DFSP_READS
        | {_P.APPLICATIONS_DECIDE, _P.MERCHANTS_SUSPEND, _P.POLICIES_WRITE}
        | {_P.PERSONAL_DATA_READ, _P.PERSONAL_DATA_ERASE, _P.PAYMENTS_REFUND_APPROVE}
    ),
    Role.DFSP_AUDITOR: frozenset(_DFSP_READS | {_P.AUDIT_READ, _P.PERSONAL_DATA_READ}),
    Role.MERCHANT_OWNER: frozenset(
        _MERCHANT_READS
        | {_P.PAYMENTS_REQUEST, _P.WEBHOOKS_WRITE, _P.OWN_PEOPLE_WRITE, _P.OWN_COUNTERS_WRITE, _P.OWN_APPLICATION_WRITE}
        | {_P.NOTIFICATIONS_READ, _P.OWN_NOTIFICATIONS_WRITE, _P.PAYMENTS_REFUND, _P.PAYMENTS_REFUND_APPROVE}
    ),
    Role.MERCHANT_CASHIER: frozenset(_MERCHANT_READS | {_P.PAYMENTS_REQUEST, _P.PAYMENTS_REFUND}),
    # Belongs to a DFSP and to no merchant yet, so that scope_to would show the whole DFSP: it opens one's own
    # application, which people/registration finds by the person, and nothing else.
    Role.MERCHANT_APPLICANT: frozenset({_P.OWN_APPLICATION_WRITE}),
}
MERCHANT_ROLES = frozenset({Role.MERCHANT_OWNER, Role.MERCHANT_CASHIER})
HUB_ROLES = frozenset({Role.HUB_OPERATOR, Role.HUB_CHECKER})
# Nobody gives this one: whoever registers themselves holds it until there is a merchant.
APPLICANT_ROLES = frozenset({Role.MERCHANT_APPLICANT})
DFSP_ROLES = frozenset(Role) - MERCHANT_ROLES - HUB_ROLES - APPLICANT_ROLES
# Who makes accounts may not hold the roles for which accounts are made: one person would be both pairs of eyes.
EXCLUDED = {
    Role.DFSP_ADMIN: frozenset({Role.DFSP_MAKER, Role.DFSP_CHECKER}),
    Role.HUB_OPERATOR: frozenset({Role.HUB_CHECKER}),
}
# Roles that one person alone may not give: who decides on others' work, and who makes accounts. The first admin of a
# DFSP is the exception (people/users.py): nobody could confirm it.
GIVEN_BY_TWO = frozenset({Role.DFSP_CHECKER, Role.DFSP_ADMIN, Role.HUB_CHECKER, Role.HUB_OPERATOR})
# Roles that need a second factor (setting require_totp): those that run the scheme, decide, or give accounts and keys.
TOTP_ROLES = HUB_ROLES | {Role.DFSP_CHECKER, Role.DFSP_ADMIN}
# No key may decide on applications, policies or refunds or block a merchant (four eyes are people's), open masked
# values, erase people's data, make accounts, open a merchant's counters, ask for a case or choose messages in its
# owner's place, read what people were told, or run the hub.
KEY_SCOPES = frozenset(Permission) - {
    _P.APPLICATIONS_DECIDE,
    _P.PAYMENTS_REFUND_APPROVE,
    _P.PERSONAL_DATA_READ,
    _P.PERSONAL_DATA_ERASE,
    _P.MERCHANTS_BLOCK,
    _P.DFSPS_WRITE,
    _P.DFSPS_CONFIRM,
    _P.USERS_WRITE,
    _P.OWN_PEOPLE_WRITE,
    _P.OWN_COUNTERS_WRITE,
    _P.API_KEYS_WRITE,
    _P.OPERATIONS_READ,
    _P.OPERATIONS_WRITE,
    _P.HUB_KEYS_WRITE,
    _P.SCHEME_WRITE,
    _P.LISTS_WRITE,
    _P.POLICIES_WRITE,
    _P.OWN_APPLICATION_WRITE,
    _P.NOTIFICATIONS_READ,
    _P.OWN_NOTIFICATIONS_WRITE,
}
# The key of one merchant does for it what its own people may do, as far as a key may.
MERCHANT_KEY_SCOPES = ROLE_PERMISSIONS[Role.MERCHANT_OWNER] & KEY_SCOPES
# The key of one counter is a till's: what it could reach besides, such as webhooks, is the whole merchant's. A cashier
# who is bound to a counter reaches the same.
COUNTER_KEY_SCOPES = frozenset(
    {_P.PAYMENTS_REQUEST, _P.PAYMENTS_REFUND, _P.PAYMENTS_READ, _P.EVENTS_READ, _P.MERCHANTS_READ}
)
# What a role may give to a key without holding it. A DFSP's core system onboards and asks for money by a key, which the
# admin hands out; four eyes count the admin as a maker of what it writes, and an admin is no checker. The hub hands out
# the keys by which DFSPs register the numbers of their own registries.
DELEGABLE: dict[Role, frozenset[Permission]] = {
    Role.DFSP_ADMIN: frozenset({_P.APPLICATIONS_WRITE, _P.MERCHANTS_WRITE, _P.PAYMENTS_REQUEST, _P.PAYMENTS_REFUND}),
    Role.HUB_OPERATOR: frozenset({_P.ALIASES_WRITE}),
}


ActorKey = tuple[UUID, UUID | None]  # who, and through which session


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who acts: a person, an API key, or the service itself."""

    kind: str
    id: UUID
    name: str
    dfsp_id: UUID | None
    merchant_id: UUID | None = None
    counter_id: UUID | None = None  # of a counter's key, and of a cashier who is bound to one
    issuer_id: UUID | None = None  # of an API key: the person who issued it and answers for it
    roles: tuple[str, ...] = ()
    permissions: frozenset[Permission] = frozenset()
    session_id: UUID | None = None  # of a person who sent a token
    must_enrol: bool = False  # a second factor comes first: no permissions until then
    channel: str = ""  # by which way they came, where it is not the API or a page: the audit record tells

    @property
    def key(self) -> ActorKey:
        """Who it is, and for a person through which session."""
        return self.id, self.session_id

    def require(self, permission: Permission, own: Permission | None = None) -> None:
        """Raise NotAllowed unless the actor holds the permission, TotpEnrolmentRequired before a second factor.

        `own` is enough in its place for one merchant's own people.
        """
        if self.must_enrol:
            raise errors.TotpEnrolmentRequired
        if own is not None and self.merchant_id is not None and own in self.permissions:
            return
        if permission not in self.permissions:
            raise errors.NotAllowed(
                _("This needs the permission {permission}, which you do not hold.", permission=permission.value)
            )

    def authors(self) -> tuple[UUID, ...]:
        """Who answers for what the actor writes: itself, and the person who issued the key."""
        return (self.id,) if self.issuer_id is None else (self.id, self.issuer_id)

    def own_dfsp(self) -> UUID:
        """The actor's DFSP. Raises NotAllowed for hub staff, who own no merchants."""
        if self.dfsp_id is None:
            raise errors.NotAllowed(_("Only staff of a DFSP can do this; hub staff act through the DFSPs."))
        return self.dfsp_id


_AROUND_A_COUNTER = frozenset({"merchant", "location"})
SERVICE = Actor(kind="service", id=UUID(int=0), name="service", dfsp_id=None)


def permissions_of(roles: list[str]) -> frozenset[Permission]:
    """The union of what the roles permit."""
    return frozenset().union(*(ROLE_PERMISSIONS[Role(role)] for role in roles))


def key_scopes(merchant_id: UUID | None, counter_id: UUID | None) -> frozenset[Permission]:
    """What a key of a counter, of a merchant or of a whole DFSP may hold at most."""
    if counter_id is not None:
        return COUNTER_KEY_SCOPES
    return KEY_SCOPES if merchant_id is None else MERCHANT_KEY_SCOPES


def delegable(actor: Actor) -> frozenset[Permission]:
    """What the actor may give to a key: what it holds itself, and what its roles may delegate."""
    return actor.permissions.union(*(DELEGABLE.get(Role(role), frozenset()) for role in actor.roles))


def scope_to(actor: Actor, statement: Any, table: Any) -> Any:
    """Narrow a select on a tenant table to what the actor may see.

    Row-level security already shows one DFSP only; this says it again in SQL and adds the merchant
    for people and keys of one merchant (`table` is then the merchant table itself or has a merchant_id). A counter's
    key or cashier reaches that counter, what belongs to it, and the merchant with its places; of everything else,
    nothing.
    """
    if actor.dfsp_id is not None:
        statement = statement.where(table.dfsp_id == actor.dfsp_id)
    if actor.merchant_id is not None:
        column = getattr(table, "merchant_id", None)
        statement = statement.where((table.id if column is None else column) == actor.merchant_id)
    if actor.counter_id is not None and table.__tablename__ not in _AROUND_A_COUNTER:
        column = table.id if table.__tablename__ == "counter" else getattr(table, "counter_id", None)
        statement = statement.where(false() if column is None else column == actor.counter_id)
    return statement
