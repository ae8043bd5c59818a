"""Hands a text message to the gateway that MERCHANT_SMS_URL names."""

from uuid import UUID

import aiohttp

from merchant.core.service import Service
from merchant.notify.gateways import http_gateway
from merchant.notify.gateways.outcomes import Taken
from merchant.notify.gateways.smpp import session_of


async def hand_over(service: Service, http: aiohttp.ClientSession, message_id: UUID, phone: str, text: str) -> None:
    """Give a message to the gateway, unless it has taken it before while this process ran. Raises Refused, NotSent."""
    if service.settings.sms_kind == "smpp":
        await service.shared(session_of).send(message_id, phone, text)
        return
    taken = service.shared(Taken)
    if taken.parts(message_id):
        return
    await http_gateway.send(service.settings, http, message_id, phone, text)
    taken.add(message_id)
