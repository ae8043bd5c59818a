"""Codes with a logo over the API: the same code and query as without one, the logo in the body, nothing of it kept.

A logo is proven each time, in up to half a second, and unpacked it may take 64 MB: one at a time, and so many a minute.
"""

import asyncio
from collections.abc import Awaitable, Callable
from math import ceil
from typing import Any
from uuid import UUID

from litestar import Response
from msgspec import structs

from merchant.channels.pictures import LOGO_LOOK, LOGO_MEDIA, CodeLogo, look_of, picture
from merchant.channels.qr import CURRENCY, DrawnCode, counter_code, request_code
from merchant.core import errors, throttling
from merchant.core.access import Permission as P
from merchant.core.db import Tx
from merchant.core.http.route import Call, route
from merchant.core.service import Service
from merchant.core.throttle import Throttle


def logos(_service: Service) -> Throttle:
    """Codes with a logo that one actor may have drawn."""
    return Throttle(per_minute=60, burst=20)


def _studio(_service: Service) -> asyncio.Lock:
    """Held by whoever has a code with a logo drawn."""
    return asyncio.Lock()


@route(
    "POST",
    "/api/v1/counters/{counter_id}/qr",
    permission=P.MERCHANTS_READ,
    body=CodeLogo,
    media=LOGO_MEDIA,
    filters=(*LOGO_LOOK, CURRENCY),
    transaction=False,
    raises=(errors.BadRequest, errors.WrongState, errors.TooManyRequests),
)
async def draw_counter_qr(call: Call[CodeLogo], counter_id: UUID) -> Response[bytes]:
    """A counter's QR code with a logo in its middle. It is damaged and read back before it is handed out."""
    return await _drawn(call, counter_code, counter_id)


@route(
    "POST",
    "/api/v1/payment-requests/{request_id}/qr",
    permission=P.PAYMENTS_READ,
    body=CodeLogo,
    media=LOGO_MEDIA,
    filters=LOGO_LOOK,
    transaction=False,
    raises=(errors.BadRequest, errors.WrongState, errors.TooManyRequests),
)
async def draw_payment_request_qr(call: Call[CodeLogo], request_id: UUID) -> Response[bytes]:
    """The QR code of one payment with a logo in its middle, as long as it may be paid."""
    return await _drawn(call, request_code, request_id)


async def _drawn(
    call: Call[CodeLogo], code_of: Callable[[Call[Any], Tx, UUID], Awaitable[DrawnCode]], thing_id: UUID
) -> Response[bytes]:
    look = structs.replace(look_of(call.filters), logo=call.body.file())
    if wait_s := throttling.wait_s(call.service, logos, str(call.actor.id), "qr_logo", actor=call.actor):
        raise errors.TooManyRequests(headers={"retry-after": str(ceil(wait_s))})
    async with call.service.db.tenant(call.actor.dfsp_id) as tx:
        drawn = await code_of(call, tx, thing_id)
    async with call.service.shared(_studio):
        return await picture(call, drawn.payload, look, drawn.name)


ROUTES = [draw_counter_qr, draw_payment_request_qr]
