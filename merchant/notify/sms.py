"""Text messages to merchants, through one interface. The messages stay in a table that staff and the demo can show.

`SENDERS` has a sender for each value of the setting; the console is the only one so far: it marks the message as sent
and logs its id.
"""

from collections.abc import Awaitable, Callable
from uuid import UUID

import structlog

from merchant.core import clock, ids, money
from merchant.core.db import Tx
from merchant.core.money import Money
from merchant.core.service import Service

TOPIC = "notify.sms"
_log = structlog.get_logger()
Sender = Callable[[str, str, str], Awaitable[None]]

# The number itself stays in the merchant's row; a merchant without a phone gets no message.
_TELL = """
WITH message AS (
  INSERT INTO sms_message (id, dfsp_id, merchant_id, phone_masked, text, state, created_at)
  SELECT $1, dfsp_id, id, phone_masked, $2, 'pending', $3 FROM merchant WHERE id = $4 AND phone_sealed IS NOT NULL
  RETURNING id, dfsp_id, merchant_id),
job AS (
  INSERT INTO outbox (topic, order_key, dfsp_id, payload, run_at, attempts, created_at)
  SELECT $5, 'sms:' || merchant_id, dfsp_id, convert_to('"' || id || '"', 'UTF8'), $3, 0, $3 FROM message
  RETURNING 1)
SELECT pg_notify('outbox', '') FROM message
"""
_READ = """
SELECT s.merchant_id, s.text, s.state, m.phone_sealed FROM sms_message s JOIN merchant m ON m.id = s.merchant_id
WHERE s.id = $1
"""


async def tell_paid(tx: Tx, service: Service, merchant_id: UUID, amount: Money, payer_masked: str | None) -> None:
    """Queue the message that tells a merchant of a payment."""
    payer = f" from {payer_masked}" if payer_masked else ""
    now = clock.now()
    when = now.astimezone(await service.time_zone())
    text = f"Paid: {money.display(amount)}{payer} at {when:%H:%M}."
    await tx.execute(_TELL, ids.uuid7(), text, now, merchant_id, TOPIC)


async def to_console(message_id: str, _phone: str, _text: str) -> None:
    """A sender for places without an aggregator: the message can be read in the table."""
    _log.info("sms_to_console", sms=message_id)


SENDERS: dict[str, Sender] = {"console": to_console}


async def deliver(service: Service, message_id: UUID) -> None:
    """Hand a queued message to the sender. A message that was sent is not sent again."""
    async with service.db.system_reads() as tx:
        row = await tx.fetchrow(_READ, message_id)
    if row is None or row["state"] == "sent":
        return
    phone = service.vault.open(row["phone_sealed"], f"merchant:{row['merchant_id']}").decode()
    await SENDERS[service.settings.sms_sender](str(message_id), phone, row["text"])
    async with service.db.system_statements() as tx:
        await tx.execute("UPDATE sms_message SET state = 'sent', sent_at = $2 WHERE id = $1", message_id, clock.now())
