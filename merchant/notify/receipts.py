"""Text messages of a payment, each one segment in the language of whoever reads it (ussd/text_messages.py).

To the merchant: paid, or why not, or given back. To the payer who asked by telephone: the same, or that the bank did
not answer; their words are kept nowhere, as those of every private message (sms.py).
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Literal
from uuid import UUID

from msgspec import Struct

import ussd
from merchant.core import clock
from merchant.core.db import Tx
from merchant.core.money import Money
from merchant.core.phone import Msisdn
from merchant.core.service import Service
from merchant.notify import sms
from merchant.notify.kinds import MessageKind
from merchant.notify.shops import languages_of_phones, read_shops

_TOLD_UNTIL = timedelta(days=1)  # later it is no news, and the menu tells it


class ToPayer(Struct, frozen=True):
    """What a payer is told, at a phone in the form of E.164; `reference` is the receipt's number, or the request's."""

    dfsp_id: UUID
    merchant_id: UUID
    phone: str
    told: Literal["paid", "not_paid", "no_answer", "refunded"]
    amount: Money
    reference: str


async def tell_payers(tx: Tx, service: Service, payers: Sequence[ToPayer]) -> None:
    """Queue the messages to payers, where messages reach anybody."""
    if not payers or not sms.can_send(service.settings):
        return
    shops = await read_shops(tx, {one.merchant_id for one in payers})
    digests = [Msisdn.of(one.phone).digest(service.vault) for one in payers]
    languages = await languages_of_phones(tx, digests)
    at = clock.now().astimezone(await service.time_zone()).time()
    for one, digest in zip(payers, digests, strict=True):
        told = shops[one.merchant_id].told(one.told, one.amount, at, one.reference)
        language = languages.get(digest, service.settings.language)
        await sms.send_private(
            tx,
            service,
            one.phone,
            ussd.text_message(told, language),
            dfsp_id=one.dfsp_id,
            until=clock.now() + _TOLD_UNTIL,
            order=f"payer:{digest.hex()}",
            kind=MessageKind.PAID if one.told in ("paid", "refunded") else MessageKind.NOT_PAID,
        )
