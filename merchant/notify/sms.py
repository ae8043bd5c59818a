"""Text messages: to merchants, as they chose, kept in a table; and private ones, whose words are kept nowhere.

What is written in a merchant's quiet hours is held until they end; held payments are then told by one message. A
private message lies sealed in the outbox until it is sent. gateways/ sends them where MERCHANT_SMS_URL is set. Else a
message is marked as sent and its id is logged; a private one is shown with the mails that MERCHANT_MAIL_KIND=console
keeps, and taken nowhere else.
"""

from collections.abc import Sequence
from datetime import datetime, time
from typing import Any, Literal
from uuid import UUID

import aiohttp
import msgspec
import structlog
from msgspec import Struct

import ussd
from merchant.core import clock, ids, logs, money, outbox, trace
from merchant.core.db import Tx
from merchant.core.money import Money
from merchant.core.phone import mask
from merchant.core.service import Service
from merchant.core.settings import Settings
from merchant.core.texts import _, translate
from merchant.notify import email
from merchant.notify.gateways.choose import hand_over
from merchant.notify.gateways.outcomes import NotSent, Refused
from merchant.notify.kinds import MerchantKind, MessageKind, quiet_end_sql
from merchant.notify.shops import Shop, read_shops

TOPIC = "notify.sms"
HELD_TOPIC = "notify.held_sms"
PRIVATE_TOPIC = "notify.private_sms"  # as vault.seal is told, too
TOO_LATE, NO_PHONE = "too_late", "no_phone"  # reasons why a message did not arrive
_PRIVATE_SUBJECT = "SMS"
_log = structlog.get_logger()

# The number itself stays in the merchant's row; a merchant without a phone gets no message. What it chose is read by
# the statement that writes the message, and a held one has a job of its own for when the quiet hours end.
_JOB = outbox.job_cte(
    "FROM traced",
    topic=f"CASE WHEN held_until IS NULL THEN $5::text ELSE '{HELD_TOPIC}' END",
    order_key="CASE WHEN held_until IS NULL THEN 'sms:' || merchant_id END",
    dfsp_id="dfsp_id",
    payload=outbox.json_payload("id"),
    moved="$7",
    traceparent="traceparent",
    delay="coalesce(held_until - $3, interval '0')",
)
_NOTIFY = f"""
WITH message AS (
  INSERT INTO sms_message (id, dfsp_id, merchant_id, phone_masked, text, state, created_at, kind, held_until,
                           amount_minor, currency)
  SELECT given.id, m.dfsp_id, m.id, m.phone_masked, given.text,
         CASE WHEN quiet.ends_at IS NULL THEN 'pending' ELSE 'held' END, $3, $8::text, quiet.ends_at,
         given.amount_minor, given.currency
  FROM unnest($1::uuid[], $2::text[], $4::uuid[], $9::bigint[], $10::text[], $6::text[])
    AS given (id, text, merchant_id, amount_minor, currency, traceparent)
  JOIN merchant m ON m.id = given.merchant_id LEFT JOIN notification_choice choice ON choice.merchant_id = m.id
  CROSS JOIN LATERAL (SELECT {quiet_end_sql("$11", "$12")} AS ends_at) AS quiet
  WHERE m.phone_sealed IS NOT NULL
    AND (choice.id IS NULL AND $8::text = '{MerchantKind.PAID}' OR $8::text = ANY(choice.sms_kinds))
  RETURNING id, dfsp_id, merchant_id, held_until),
traced AS (
  SELECT message.*, given.traceparent FROM message
  JOIN unnest($1::uuid[], $6::text[]) AS given (id, traceparent) USING (id) ORDER BY id),
{_JOB}
SELECT
"""  # noqa: S608 - constants
_KEEP_PRIVATE = """
INSERT INTO sms_message (id, dfsp_id, merchant_id, phone_masked, text, state, created_at, kind)
VALUES ($1, $2, $3, $4, '', 'pending', $5, $6)
"""
_READ = """
SELECT s.merchant_id, s.text, s.state, m.phone_sealed FROM sms_message s JOIN merchant m ON m.id = s.merchant_id
WHERE s.id = $1
"""
_ENDED = """
UPDATE sms_message SET state = $2::text, reason = $3, sent_at = CASE WHEN $2::text = 'sent' THEN $4::timestamptz END
WHERE id = $1 AND state <> 'sent'
"""
# All that the merchant's quiet hours held, up to the end for which this one was held.
_HELD = """
SELECT s.id, s.kind, s.amount_minor, s.currency, s.merchant_id FROM sms_message this
JOIN sms_message s ON s.merchant_id = this.merchant_id AND s.state = 'held' AND s.held_until <= this.held_until
WHERE this.id = $1 AND this.state = 'held' ORDER BY s.id FOR UPDATE OF s
"""
_LET_GO_JOB = outbox.job_cte(
    "FROM message ORDER BY id",
    topic="$2",
    order_key="'sms:' || merchant_id",
    dfsp_id="dfsp_id",
    payload=outbox.json_payload("id"),
    moved="$4",
    traceparent="$3",
)
_LET_GO = f"""
WITH message AS (UPDATE sms_message SET state = 'pending' WHERE id = ANY($1) RETURNING id, dfsp_id, merchant_id),
{_LET_GO_JOB}
SELECT
"""  # noqa: S608 - constants
_GATHER = f"""
WITH gathered AS (UPDATE sms_message SET state = 'gathered' WHERE id = ANY($1)),
message AS (
  INSERT INTO sms_message (id, dfsp_id, merchant_id, phone_masked, text, state, created_at, kind)
  SELECT $5, dfsp_id, merchant_id, phone_masked, $6, 'pending', $7, kind FROM sms_message WHERE id = $8
  RETURNING id, dfsp_id, merchant_id),
{_LET_GO_JOB}
SELECT
"""  # noqa: S608 - constants


class PrivateMessage(Struct, frozen=True):
    """A text for one phone that nobody else may read, such as a code; not sent any more from `until` on."""

    id: UUID
    dfsp_id: UUID | None  # none where it is about no DFSP yet
    phone: str
    text: str
    until: datetime


class Paid(Struct, frozen=True):
    """A merchant that was paid, and the trace in which it was."""

    merchant_id: UUID
    amount: Money
    payer_masked: str | None
    traceparent: str | None = None
    reference: str = ""  # the number of the receipt
    told: Literal["paid", "gave_back"] = "paid"


async def notify_paid(
    tx: Tx, service: Service, merchant_id: UUID, amount: Money, payer_masked: str | None, reference: str
) -> None:
    """Queue the message that tells a merchant of a payment, unless it chose not to be told by text."""
    await notify_all_paid(tx, service, [Paid(merchant_id, amount, payer_masked, trace.traceparent(), reference)])


async def notify_all_paid(tx: Tx, service: Service, paid: Sequence[Paid]) -> None:
    """Queue the messages that tell merchants of payments, by one statement, but for those who chose not to be told."""
    if paid:
        at = clock.now().astimezone(await service.time_zone()).time()
        shops = await read_shops(tx, {one.merchant_id for one in paid})
        # What is held is added up by its amounts, and a refund is no payment.
        told = [
            (
                one.merchant_id,
                _received(service, shops[one.merchant_id], one, at),
                one.amount if one.told == "paid" else None,
            )
            for one in paid
        ]
        await _notify(tx, service, MerchantKind.PAID, told, [one.traceparent for one in paid])


def _received(service: Service, shop: Shop, paid: Paid, at: time) -> str:
    """What a merchant is told of a payment by text, in its language."""
    key = "gave_back" if paid.told == "gave_back" else "received_from" if paid.payer_masked else "received"
    told = shop.told(key, paid.amount, at, paid.reference, paid.payer_masked)
    return ussd.text_message(told, shop.language or service.settings.language)


def paid_sentence(amount: Money, payer_masked: str | None, time: Any) -> str:
    """What a merchant is told of a payment by mail."""
    if payer_masked:
        return _("Paid: {amount} from {payer} at {time}.", amount=amount, payer=payer_masked, time=time)
    return _("Paid: {amount} at {time}.", amount=amount, time=time)


async def notify(
    tx: Tx, service: Service, merchant_id: UUID, kind: MerchantKind, told: str, amount: Money | None = None
) -> None:
    """Queue a message to a merchant who wants those of its kind, in its language.

    In the merchant's quiet hours it is held until they end.
    """
    shop = (await read_shops(tx, [merchant_id])).get(merchant_id)
    if shop is not None:
        text = _for_phones(told, shop.language or service.settings.language)
        await _notify(tx, service, kind, [(merchant_id, text, amount)], [trace.traceparent()])


async def _notify(
    tx: Tx,
    service: Service,
    kind: MerchantKind,
    told: Sequence[tuple[UUID, str, Money | None]],
    traceparents: Sequence[str | None],
) -> None:
    now, zone = clock.now(), await service.time_zone()
    await tx.execute(
        _NOTIFY,
        [ids.uuid7() for _one in told],
        [text for _id, text, _amount in told],
        now,
        [merchant_id for merchant_id, _text, _amount in told],
        TOPIC,
        list(traceparents),
        clock.moved(),
        kind,
        [amount.minor if amount else None for _id, _text, amount in told],
        [amount.currency if amount else None for _id, _text, amount in told],
        now.astimezone(zone).replace(tzinfo=None),
        zone.key,
    )


async def release_held(tx: Tx, service: Service, message_id: UUID) -> None:
    """The job of a held message: send all that its merchant's quiet hours held, several payments as one message.

    Each held message has such a job, and whichever comes first does the work, so that none is lost or sent twice.
    """
    held = await tx.fetch(_HELD, message_id)
    paid = [row for row in held if row["kind"] == MerchantKind.PAID and row["currency"]]
    gathered = [row["id"] for row in paid] if len(paid) > 1 else []
    rest = [row["id"] for row in held if row["id"] not in gathered]
    if gathered:
        shop = (await read_shops(tx, [paid[0]["merchant_id"]]))[paid[0]["merchant_id"]]
        language = shop.language or service.settings.language
        told = _for_phones(_summary(paid, language), language)
        await tx.execute(_GATHER, gathered, *_queued(), ids.uuid7(), told, clock.now(), gathered[0])
    if rest:
        await tx.execute(_LET_GO, rest, *_queued())


def _queued() -> tuple[str, str | None, datetime | None]:
    return TOPIC, trace.traceparent(), clock.moved()


def _summary(paid: Sequence[Any], language: str) -> str:
    """How many payments there were, and the total of each currency."""
    totals: dict[str, int] = {}
    for row in paid:
        totals[row["currency"]] = totals.get(row["currency"], 0) + row["amount_minor"]
    total = ", ".join(money.display(Money(minor, currency), language) for currency, minor in sorted(totals.items()))
    return _("{count} payments in your quiet hours, {total} in all.", count=len(paid), total=total)


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
    kind: MessageKind = MessageKind.CODE,
    merchant_id: UUID | None = None,
) -> None:
    """Queue a message whose words are kept nowhere, in a language, or that of the operator's setting. Ask can_send.

    That there was one is kept where it is of a DFSP, with the merchant whom it is about. Nobody chooses these, and
    quiet hours do not hold them.
    Those of one `order` leave one after another, so that the newest code is the one that arrives last.
    """
    text = _for_phones(told, language or service.settings.language)
    message = PrivateMessage(ids.uuid7(), dfsp_id, phone, text, until)
    sealed = service.vault.seal(msgspec.json.encode(message), PRIVATE_TOPIC)
    if dfsp_id is not None:
        await tx.execute(_KEEP_PRIVATE, message.id, dfsp_id, merchant_id, mask(phone), clock.now(), kind)
    await outbox.add(tx, PRIVATE_TOPIC, sealed, dfsp_id=dfsp_id, order_key=f"sms:{order}")


def can_send(settings: Settings) -> bool:
    """Whether a private message reaches anybody: by a gateway, or where it is kept beside the mails."""
    return settings.sms_kind != "console" or settings.mail_kind == "console"


def _for_phones(told: str, language: str) -> str:
    """A sentence with plain blanks: one no-break space would cost half of the message (GSM 03.38)."""
    return " ".join(translate(told, language).split())


async def to_console(message_id: str, _phone: str, _text: str) -> None:
    """Send nothing: the message can be read in the table."""
    _log.info("sms_to_console", sms=message_id)


async def deliver(service: Service, http: aiohttp.ClientSession, message_id: UUID) -> None:
    """Hand a queued message to the sender. One that the gateway refuses for good has failed, and is not tried again.

    What else the sender raises is noted, and the outbox tries again. A message that was sent is not sent again: not
    while this process remembers it, though the note of it fails (gateways/outcomes.py). It may arrive twice where a
    gateway took it and its answer was lost, or where the process ended before the note was written.
    """
    async with service.db.system_reads() as tx:
        row = await tx.fetchrow(_READ, message_id)
    if row is None or row["state"] not in ("pending", "failed"):
        return
    if row["phone_sealed"] is None:
        await _note(service, message_id, "failed", NO_PHONE)
        return
    if not row["text"]:  # blanked meanwhile
        await _note(service, message_id, "failed", TOO_LATE)
        return
    phone = service.vault.open(row["phone_sealed"], f"merchant:{row['merchant_id']}").decode()
    await _send(service, http, message_id, phone, row["text"])


async def deliver_private(service: Service, http: aiohttp.ClientSession, sealed: bytes) -> None:
    """Hand a private message to the sender, unless it is too late for it; refused and sent twice as in `deliver`."""
    message = msgspec.json.decode(service.vault.open(sealed, PRIVATE_TOPIC), type=PrivateMessage)
    async with service.db.system_reads() as tx:
        if await tx.fetchval("SELECT state FROM sms_message WHERE id = $1", message.id) == "sent":
            return
    if clock.now() >= message.until:
        _log.info("sms_too_late", sms=str(message.id))
        await _note(service, message.id, "failed", TOO_LATE)
        return
    if service.settings.sms_kind == "console":
        kept = email.Mail(id=message.id, to=message.phone, subject=_PRIVATE_SUBJECT, text=message.text, link="")
        async with service.db.system_statements() as tx:
            await email.keep(tx, service, kept, message.dfsp_id)
    await _send(service, http, message.id, message.phone, message.text)


async def _send(service: Service, http: aiohttp.ClientSession, message_id: UUID, phone: str, text: str) -> None:
    """Hand a message over and note what came of it. Raises what the sender does, but for Refused."""
    try:
        if service.settings.sms_kind == "console":
            await to_console(str(message_id), phone, text)
        else:
            await hand_over(service, http, message_id, phone, text)
    except Refused as refused:
        _log.warning("sms_refused", sms=str(message_id), why=str(refused))
        await _note(service, message_id, "failed", str(refused))
        return
    except Exception as error:
        await _note(service, message_id, "failed", logs.describe(error, (NotSent,))[:200])
        raise
    await _note(service, message_id, "sent")


async def _note(service: Service, message_id: UUID, state: str, reason: str | None = None) -> None:
    async with service.db.system_statements() as tx:
        await tx.execute(_ENDED, message_id, state, reason, clock.now())
