"""Who a phone is to which shop: its owner, or one of its cashiers, at which counters, and as whom they act.

A gateway proves the phone and nothing else. The phone that a merchant gave to its provider is the owner's; a person
whose account has this phone is what their roles say, and nothing once they are shut out.
"""

import re
from uuid import UUID

from msgspec import Struct

import ussd
from merchant.compliance.policies.in_force import policy_of
from merchant.core import money, sql
from merchant.core.access import Actor, Role, permissions_of
from merchant.core.db import Reads
from merchant.core.service import Service
from merchant.registry.merchants.states import Capability, states_that_permit

CHANNEL = "ussd"
SHOP_CHANNEL = "ussd-shop"  # of what a shop asks its customers for: it is not the customer who dialled
COUNTERS_MAX = 200  # of one phone: more are managed in the portal
_NUMBERS = re.compile(r"([0-9]+)")


class OwnPlace(Struct, frozen=True):
    """A counter at which a phone may act, with its merchant and, where the phone is a person's, that person."""

    counter_id: UUID
    alias: str
    name: str
    merchant_id: UUID
    dfsp_id: UUID
    dfsp_name: str
    state: str
    tier: str
    currencies: list[str]
    ussd_name: str
    trading_name: str
    person_id: UUID | None
    person_name: str | None
    roles: list[str] | None
    bound_to: UUID | None

    @property
    def shop(self) -> str:
        """What customers call the shop."""
        return self.ussd_name or self.trading_name

    @property
    def is_owners(self) -> bool:
        """Whether the phone acts here as the owner."""
        return self.roles is None or Role.MERCHANT_OWNER in self.roles

    @property
    def rights(self) -> ussd.trade.Rights:
        """What it may do here."""
        return "owner" if self.is_owners else "cashier"

    @property
    def actor(self) -> Actor:
        """Who acts. Where nobody has an account with this phone, it is the service on the merchant's behalf."""
        roles = [Role.MERCHANT_OWNER.value] if self.roles is None else self.roles
        return Actor(
            kind="user" if self.person_id else "service",
            id=self.person_id or UUID(int=0),
            name=self.person_name or CHANNEL,
            dfsp_id=self.dfsp_id,
            merchant_id=self.merchant_id,
            counter_id=self.bound_to,
            roles=tuple(roles),
            permissions=permissions_of(roles),
            channel=CHANNEL,
        )


_OWN = sql.select(
    OwnPlace,
    from_="""counter c JOIN merchant m ON m.id = c.merchant_id JOIN dfsp d ON d.id = m.dfsp_id
      LEFT JOIN app_user u ON u.phone_digest = $1 AND u.merchant_id = m.id""",
    columns={
        "counter_id": "c.id",
        "alias": "c.alias",
        "name": "c.name",
        "merchant_id": "m.id",
        "dfsp_id": "m.dfsp_id",
        "dfsp_name": "d.name",
        "state": "m.state",
        "tier": "m.tier",
        "currencies": "m.currencies",
        "ussd_name": "m.ussd_name",
        "trading_name": "m.trading_name",
        "roles": "u.roles",
        "person_id": "u.id",
        "person_name": "u.name",
        "bound_to": "u.counter_id",
    },
    where=f"""m.id = ANY(ARRAY(SELECT id FROM merchant WHERE phone_digest = $1
        UNION SELECT merchant_id FROM app_user WHERE phone_digest = $1 AND merchant_id IS NOT NULL))
      AND c.closed_at IS NULL AND d.enabled AND m.state IN {states_that_permit(Capability.SHOW_PAYMENTS)}
      AND (u.id IS NULL OR u.enabled AND u.roles && ARRAY['merchant_owner', 'merchant_cashier'])
      AND (u.counter_id IS NULL OR u.counter_id = c.id)""",  # noqa: S608 - constants
    tail=f"ORDER BY m.id, c.id LIMIT {COUNTERS_MAX}",
)


async def own_places(tx: Reads, msisdn_digest: bytes) -> list[OwnPlace]:
    """The counters at which a phone may act: shops by name, counters as people count them, till 2 before till 10."""
    found = sql.rows(OwnPlace, await tx.fetch(_OWN, msisdn_digest))
    return sorted(found, key=lambda one: (_counted(one.shop), one.merchant_id, _counted(one.name), one.alias))


def _counted(name: str) -> list[tuple[int, str]]:
    """A name in parts that sort as people count: texts among texts, numbers by their size."""
    parts = _NUMBERS.split(name.casefold())
    return [(int(part[:9]), "") if part.isdecimal() else (-1, part) for part in parts if part]


async def currencies_of(service: Service, place: OwnPlace) -> tuple[ussd.Currency, ...]:
    """The currencies in which a merchant may be paid, in its own order, with the most of each in one payment."""
    policy = await policy_of(service, place.dfsp_id)
    return tuple(
        ussd.Currency(one, money.exponent(one), policy.limits(place.tier, one).per_payment_minor)
        for one in place.currencies
        if policy.has_limits(one)
    )
