"""The first operator: a one-time link of `merchant seed`, by which whoever holds it makes the first account.

The account stands from the beginning, without a password: the link names who they are and sets one. A new link ends
the one before; once any operator has a password there are none. `progress` is what is left to do after that.
"""

from uuid import UUID

from msgspec import Struct
from sqlmodel import select

from merchant.core import audit, clock, evidence
from merchant.core.access import SERVICE, Actor, Role
from merchant.core.db import Tx
from merchant.core.evidence import SecurityEvent
from merchant.core.locks import take_turn
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.core.throttle import source_key
from merchant.people import links, passwords, users
from merchant.people.links import Kind
from merchant.people.models import UNUSABLE_HASH, AppUser
from merchant.people.operations import flush_unique
from merchant.people.passwords import Hashing
from merchant.people.problems import AlreadySetUp, LinkInvalid
from merchant.people.sign_in import normal_email
from merchant.scheme.keys import JWS_VERIFY

OPERATOR_NAME = "Hub operator"  # until the first operator says theirs
OPERATORS_LEAST = 3  # the first, and two more: then any of them may leave
_IS_FINISHED = f"""
SELECT EXISTS (SELECT FROM app_user WHERE '{Role.HUB_OPERATOR}' = ANY(roles) AND password_hash <> '{UNUSABLE_HASH}')
"""  # noqa: S608 - constants
_FIRST = f"""
SELECT id FROM app_user WHERE '{Role.HUB_OPERATOR}' = ANY(roles) AND enabled AND password_hash = '{UNUSABLE_HASH}'
ORDER BY created_at, id LIMIT 1 FOR UPDATE
"""  # noqa: S608 - constants
_CONNECTED = f"""
SELECT count(*) FILTER (WHERE enabled) AS enabled,
  coalesce(bool_or(hub_url <> '' OR hub_urls <> '{{}}'), false) AS has_address,
  EXISTS (
    SELECT FROM scheme_key WHERE purpose = '{JWS_VERIFY}' AND (valid_until IS NULL OR valid_until > $1)
  ) AS has_key
FROM dfsp
"""  # noqa: S608 - a constant


class Progress(Struct, frozen=True):
    """How far the set-up is: who can act, whether the hub can be reached and believed, who takes part."""

    operators: int
    operators_least: int
    hub_address_known: bool
    hub_key_known: bool
    dfsps_enabled: int

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to do."""
        is_connected = self.hub_address_known and self.hub_key_known
        return self.operators >= self.operators_least and is_connected and self.dfsps_enabled > 0


async def add_first_operator(tx: Tx, service: Service, email: str | None) -> str:
    """Add the account of the first operator, who has no password yet; the link that makes it theirs."""
    first = AppUser(
        email=None if email is None else normal_email(email), name=OPERATOR_NAME, roles=[Role.HUB_OPERATOR.value]
    )
    tx.session.add(first)
    await tx.flush()
    return await _link(tx, service, first.id)


async def new_link(tx: Tx, service: Service) -> str:
    """A new link for the first operator; the one before ends. Raises AlreadySetUp once an operator has a password."""
    await take_turn(tx, "first operator")
    if await tx.fetchval(_IS_FINISHED):
        raise AlreadySetUp
    first = await tx.fetchval(_FIRST)
    return await add_first_operator(tx, service, None) if first is None else await _link(tx, service, first)


async def _link(tx: Tx, service: Service, user_id: UUID) -> str:
    link = await links.new_only_link(tx, service, user_id, Kind.SET_UP)
    detail = {"by": "command line", "command": "set_up"}
    await audit.record(tx, SERVICE, "user.operated", "user", user_id, dfsp_id=None, **detail)
    return link


async def find(service: Service, token: str) -> str | None:
    """The e-mail address that the first operator was given, or an empty one; None for a link that does not work."""
    async with service.db.system_reads() as tx:
        found = await links.holder(tx, Kind.SET_UP, token)
        if found is None or await tx.fetchval(_IS_FINISHED):
            return None
        return found["email"] or ""


async def accept(service: Service, token: str, *, name: str, email: str, password: str, source: str) -> None:
    """Make the first operator's account by a link, once: who they are, and their password.

    Raises LinkInvalid for a link that was used, is over or unknown, and once another operator has a password;
    InvalidFields, Conflict for an e-mail address that someone else has, TooManyRequests.
    """
    service.shared(Hashing).admit(f"source:{source_key(source)}")
    if await find(service, token) is None:
        raise LinkInvalid
    named, address, scheme = users.checked_name(name), normal_email(email), await service.scheme()
    checked = await passwords.check_password(password, [named, address, scheme.name, scheme.qr_domain])
    hashed = await passwords.hash_password(service, checked)
    async with service.db.system() as tx:
        await take_turn(tx, "first operator")
        found = await links.holder(tx, Kind.SET_UP, token)
        if found is None or await tx.fetchval(_IS_FINISHED):
            raise LinkInvalid
        first: AppUser = await tx.one(select(AppUser).where(AppUser.id == found["id"]).with_for_update())
        await links.use(tx, Kind.SET_UP, token)
        first.name, first.email = named, address
        await flush_unique(tx, _("Someone with this e-mail address exists."))
        await links.set_password(tx, service, first.id, hashed)
        actor = Actor(kind="user", id=first.id, name=named, dfsp_id=None)
        await audit.record(tx, actor, "user.set_up", "user", first.id, dfsp_id=None)
    evidence.note(service, SecurityEvent.CREDENTIALS_CHANGED, actor=actor, source=source, what=Kind.SET_UP.value)


async def progress(service: Service) -> Progress:
    """How far the set-up is, for the hub's operators. Read as the service: no tenant's role reads the key table."""
    async with service.db.system_reads() as reading:
        row = await reading.fetchrow(_CONNECTED, clock.now())
    assert row is not None
    operators = await users.active_of(service, Role.HUB_OPERATOR, None, with_factor=True)
    return Progress(
        operators=len(operators),
        operators_least=OPERATORS_LEAST,
        hub_address_known=bool(service.settings.hub_url) or row["has_address"],
        hub_key_known=row["has_key"],
        dfsps_enabled=row["enabled"],
    )
