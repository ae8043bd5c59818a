"""Text messages: to merchants, kept in a table that staff and the demo can show; and private ones, kept nowhere.

A private message lies sealed in the outbox until it is sent. No gateway is built yet: a message is marked as sent and
its id is logged; a private one is shown with the mails that MERCHANT_MAIL_KIND=console keeps, and taken nowhere else.
"""

from datetime import datetime
from uuid import UUID

import aiohttp
import msgspec
import structlog
from msgspec import Struct

from merchant.core import clock, ids, outbox, trace
from merchant.core.db import Tx
from merchant.core.money import Money
from merchant.core.service import Service
from merchant.core.settings import Settings
from merchant.core.texts import _, translate
from merchant.notify import email

TOPIC = "notify.sms"
PRIVATE_TOPIC = "notify.private_sms"  # as vault.seal is told, too
_PRIVATE_SUBJECT = "SMS"
_log = structlog.get_logger()

# The number itself stays in the merchant's row; a merchant without a phone gets no message.
_JOB = outbox.job_cte(
    "FROM message",
    topic="$5",
    order_key="'sms:' || merchant_id",
    dfsp_id="dfsp_id",
    payload=outbox.json_payload("id"),
    moved="$7",
    traceparent="$6",
)
_NOTIFY = f"""
WITH message AS (
  INSERT INTO sms_message (id, dfsp_id, merchant_id, phone_masked, text, state, created_at)
  SELECT $1, dfsp_id, id, phone_masked, $2, 'pending', $3 FROM merchant WHERE id = $4 AND phone_sealed IS NOT NULL
  RETURNING id, dfsp_id, merchant_id),
{_JOB}
SELECT
"""  # noqa: S608 - constants
_READ = """
SELECT s.merchant_id, s.text, s.state, m.phone_sealed FROM sms_message s JOIN merchant m ON m.id = s.merchant_id
WHERE s.id = $1
"""


class PrivateMessage(Struct, frozen=True):
    """A text for one phone that nobody else may read, such as a code; not sent any more from `until` on."""

    id: UUID
    dfsp_id: UUID | None  # none where it is about no DFSP yet
    phone: str
    text: str
    until: datetime


async def notify_paid(tx: Tx, service: Service, merchant_id: UUID, amount: Money, payer_masked: str | None) -> None:
    """Queue the message that tells a merchant of a payment, in the language of the operator's setting."""
    now = clock.now()
    time = now.astimezone(await service.time_zone()).time()
    if payer_masked:
        told = _("Paid: {amount} from {payer} at {time}.", amount=amount, payer=payer_masked, time=time)
    else:
        told = _("Paid: {amount} at {time}.", amount=amount, time=time)
    text = _for_phones(told, service.settings.language)
    await tx.execute(_NOTIFY, ids.uuid7(), text, now, merchant_id, TOPIC, trace.traceparent(), clock.moved())


async def send_private(
    tx: Tx,
    service: Service,
    phone: str,
    told: str,
    *,
    dfsp_id: UUID | None,
    until: datetime,
    order: str,
    language: str | None = None,
) -> None:
    """Queue a message of which nothing is kept, in a language, or that of the operator's setting. Ask can_send before.

    Those of one `order` leave one after another, so that the newest code is the one that arrives last.
    """
    text = _for_phones(told, language or service.settings.language)
    message = PrivateMessage(ids.uuid7(), dfsp_id, phone, text, until)
    sealed = service.vault.seal(msgspec.json.encode(message), PRIVATE_TOPIC)
    await outbox.add(tx, PRIVATE_TOPIC, sealed, dfsp_id=dfsp_id, order_key=f"sms:{order}")


def can_send(settings: Settings) -> bool:
    """Whether a private message reaches anybody: so far only where it is kept beside the mails."""
    return settings.mail_kind == "console"


def _for_phones(told: str, language: str) -> str:
    """A sentence with plain blanks: one no-break space would cost half of the message (GSM 03.38)."""
    return " ".join(translate(told, language).split())


async def to_console(message_id: str, _phone: str, _text: str) -> None:
    """Send nothing: the message can be read in the table."""
    _log.info("sms_to_console", sms=message_id)


async def deliver(service: Service, message_id: UUID) -> None:
    """Hand a queued message to the sender. A message that was sent is not sent again."""
    async with service.db.system_reads() as tx:
        row = await tx.fetchrow(_READ, message_id)
    if row is None or row["state"] == "sent":
        return
    phone = service.vault.open(row["phone_sealed"], f"merchant:{row['merchant_id']}").decode()
    await to_console(str(message_id), phone, row["text"])
    async with service.db.system_statements() as tx:
        await tx.execute("UPDATE sms_message SET state = 'sent', sent_at = $2 WHERE id = $1", message_id, clock.now())


async def deliver_private(service: Service, _http: aiohttp.ClientSession, sealed: bytes) -> None:
    """Hand a private message to the sender, unless it is too late for it."""
    message = msgspec.json.decode(service.vault.open(sealed, PRIVATE_TOPIC), type=PrivateMessage)
    if clock.now() >= message.until:
        _log.info("sms_too_late", sms=str(message.id))
        return
    await to_console(str(message.id), message.phone, message.text)
    kept = email.Mail(id=message.id, to=message.phone, subject=_PRIVATE_SUBJECT, text=message.text, link="")
    async with service.db.system_statements() as tx:
        await email.keep(tx, service, kept, message.dfsp_id)
