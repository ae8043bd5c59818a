"""What a code on a shopper's page names: a counter, one request of its, and whether anyone may pay there now.

Nothing here knows pages. The service reads as itself, and only what the printed code says anyway, the state of a
request whose reference the caller knows (guesses are counted), and which DFSP vouches for the shop.
"""

import re
from math import ceil

import asyncpg
from msgspec import Struct

from merchant.core import errors, throttling
from merchant.core.http.json import service_of
from merchant.core.http.source import client_address
from merchant.core.service import NoScheme, Service
from merchant.core.texts import _
from merchant.core.throttle import Throttle, source_key
from merchant.payments.states import RequestState
from merchant.portal.pay.told import STATE_TEXTS
from merchant.portal.ui.pages import Req
from merchant.registry.codes.stickers import CURRENT_VERSION
from merchant.registry.merchants.states import Capability, merchant_may

# An own alias (32), a dot and a reference (8), with room to spare.
CODE = re.compile(r"[A-Za-z0-9._-]{1,64}")

_REQUEST = """
SELECT p.state, p.amount_minor, p.currency, p.short_ref, p.created_at, p.expires_at, p.paid_at,
       p.payer_type IS NOT NULL AS to_phone,
       (SELECT x.id FROM payment x WHERE x.request_id = p.id ORDER BY x.id LIMIT 1) AS payment_id
FROM payment_request p JOIN counter c ON c.id = p.counter_id
WHERE c.alias_type = $1 AND c.alias = $2 AND p.short_ref = $3 ORDER BY p.id DESC LIMIT 1
"""
_SHOP = f"""
SELECT c.id AS counter_id, c.alias_type, c.alias, m.id AS merchant_id, m.dfsp_id, m.trading_name, m.ussd_name, m.city,
       m.country, m.mcc, m.state, m.currencies, d.enabled AND c.closed_at IS NULL AS open,
       d.name AS dfsp,
       {CURRENT_VERSION} AS sticker
FROM counter c JOIN merchant m ON m.id = c.merchant_id JOIN dfsp d ON d.id = m.dfsp_id
WHERE c.alias_type = $1 AND c.alias = $2
"""  # noqa: S608 - constants


class TooManyGuesses(errors.TooManyRequests):
    code, title = "too_many_guesses", _("Too many unknown codes were asked for; wait a minute and scan again")


class Found(Struct, frozen=True):
    """The counter and, where the code names one, the request."""

    shop: asyncpg.Record
    asked: asyncpg.Record | None

    @property
    def payable(self) -> bool:
        """Whether the shop may take money now."""
        return bool(self.shop["open"]) and merchant_may(self.shop["state"], Capability.TAKE_PAYMENT)

    @property
    def paid(self) -> bool:
        """Whether this is a request that was paid, of which there is a receipt whatever became of the shop."""
        return self.asked is not None and STATE_TEXTS[RequestState(self.asked["state"])].done

    @property
    def checked_by(self) -> str | None:
        """The DFSP that approved the shop, as every merchant was, and stands by it without reservation."""
        vouched = self.payable and merchant_may(self.shop["state"], Capability.BE_VOUCHED_FOR)
        return self.shop["dfsp"] if vouched else None


def guesses(_service: Service) -> Throttle:
    """Unknown codes that one source may ask for; whoever scans a code of ours asks for a known one, and is not counted.

    Sixty a minute are more than all who share a phone network's address mistype. Nine million numbers would take one
    source a hundred days.
    """
    return Throttle(per_minute=60, burst=60)


def source_of(request: Req) -> str:
    """Whom a throttle counts."""
    return source_key(client_address(request.scope, request.headers, service_of(request).settings))


async def look_up(request: Req, code: str) -> Found | None:
    """What a code names, for a page; None for one that is nobody's. Raises TooManyGuesses."""
    service, source = service_of(request), source_of(request)
    if wait_s := throttling.wait_s(service, guesses, source, "pay_page"):
        raise TooManyGuesses(headers={"retry-after": str(ceil(wait_s))})
    found = await find(service, code)
    if found is not None and (found.payable or found.paid):
        service.shared(guesses).give_back(source)
    return found


async def find(service: Service, code: str) -> Found | None:
    """What a code names; None for one that is nobody's.

    Own aliases may hold dots, so the part after the last dot is a reference only if such a request exists.
    """
    if not CODE.fullmatch(code):
        return None
    try:
        alias_type = (await service.scheme()).alias_type
    except NoScheme:
        return None
    alias, _dot, reference = code.rpartition(".")
    async with service.db.system_reads() as tx:
        asked = await tx.fetchrow(_REQUEST, alias_type, alias, reference) if alias else None
        shop = await tx.fetchrow(_SHOP, alias_type, code if asked is None else alias)
    return None if shop is None else Found(shop, asked)


async def find_code(service: Service, code: str) -> tuple[asyncpg.Record, asyncpg.Record | None] | None:
    """The counter and the request that a code names; None for what nobody can pay."""
    found = await find(service, code)
    return (found.shop, found.asked) if found is not None and found.payable else None
