"""Text messages to merchants, through one interface. The messages stay in a table that staff and the demo can show.

`SENDERS` names the ways out; the console is the only one so far: it marks the message as sent and logs its id.
"""

from collections.abc import Awaitable, Callable
from uuid import UUID

import structlog

from merchant import clock, ids, money, outbox
from merchant.db import Tx
from merchant.money import Money
from merchant.service import Service

TOPIC = "notify.sms"
_log = structlog.get_logger()
Sender = Callable[[str, str, str], Awaitable[None]]

_MERCHANT = "SELECT phone_sealed, trading_name FROM merchant WHERE id = $1"
_KEEP = """
INSERT INTO sms_message (id, dfsp_id, merchant_id, phone_sealed, phone_masked, text, state, created_at)
VALUES ($1, $2, $3, $4, $5, $6, 'pending', $7)
"""


async def tell_paid(
    tx: Tx, service: Service, dfsp_id: UUID, merchant_id: UUID, amount: Money, payer_masked: str | None
) -> None:
    """Queue the message that tells a merchant of a payment; merchants without a phone get none."""
    merchant = await tx.fetchrow(_MERCHANT, merchant_id)
    if merchant is None or merchant["phone_sealed"] is None:
        return
    phone = service.vault.open(merchant["phone_sealed"], f"merchant:{merchant_id}").decode()
    payer = f" from {payer_masked}" if payer_masked else ""
    now = clock.now()
    when = now.astimezone(await service.time_zone())
    text = f"Paid: {money.display(amount)}{payer} at {when:%H:%M}."
    message_id = ids.uuid7()
    await tx.execute(
        _KEEP, message_id, dfsp_id, merchant_id, service.vault.seal(phone.encode(), f"sms:{message_id}"),
        phone[:4] + "***" + phone[-3:], text, now,
    )  # fmt: skip
    await outbox.add(tx, TOPIC, message_id, dfsp_id=dfsp_id, order_key=f"sms:{merchant_id}")


async def to_console(message_id: str, _phone: str, _text: str) -> None:
    """A sender for places without a gateway: the message can be read in the table."""
    _log.info("sms_to_console", sms=message_id)


SENDERS: dict[str, Sender] = {"console": to_console}


async def deliver(service: Service, message_id: UUID) -> None:
    """Hand a queued message to the sender. A message that was sent is not sent again."""
    async with service.db.system_reads() as tx:
        row = await tx.fetchrow("SELECT phone_sealed, text, state FROM sms_message WHERE id = $1", message_id)
    if row is None or row["state"] == "sent":
        return
    phone = service.vault.open(row["phone_sealed"], f"sms:{message_id}").decode()
    await SENDERS[service.settings.sms_sender](str(message_id), phone, row["text"])
    async with service.db.system_reads() as tx:
        await tx.execute("UPDATE sms_message SET state = 'sent', sent_at = $2 WHERE id = $1", message_id, clock.now())
