"""Messages of what was announced, to those who chose to be told: a merchant, and staff of its DFSP.

events.announce leaves a job where someone may have chosen; what each of them wants is read here, by the statement that
finds them or writes the message.
"""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import ussd
from merchant.core import clock, money
from merchant.core.db import Tx
from merchant.core.money import Money
from merchant.core.service import Service
from merchant.core.texts import _, translate
from merchant.notify import email, sms
from merchant.notify.events import Notice
from merchant.notify.kinds import KINDS_OF, MerchantKind, MessageKind, StaffKind, quiet_end_sql
from merchant.notify.shops import read_shops

# The owners who want mails of a kind, and until when their merchant's quiet hours hold these.
_OWNERS = f"""
SELECT u.email, u.language, {quiet_end_sql("$3", "$4")} AS held_until
FROM notification_choice choice JOIN app_user u ON u.merchant_id = choice.merchant_id
WHERE choice.merchant_id = $1 AND $2 = ANY(choice.email_kinds) AND u.enabled AND u.email IS NOT NULL
  AND 'merchant_owner' = ANY(u.roles)
ORDER BY u.id
"""  # noqa: S608 - constants
_STAFF = """
SELECT u.email, u.language FROM notification_choice choice JOIN app_user u ON u.id = choice.user_id
WHERE choice.dfsp_id = $1 AND $2 = ANY(choice.email_kinds) AND u.enabled AND u.email IS NOT NULL
  AND u.dfsp_id = $1 AND u.merchant_id IS NULL
ORDER BY u.id
"""
_REFERENCE = "SELECT short_ref FROM payment_request WHERE id = $1"
# By mail, and by text (ussd/texts).
_KEYS: Mapping[str, str] = {
    "payment_request.rejected": "declined",
    "payment_request.expired": "expired",
    "payment_request.failed": "failed",
}
_NOT_PAID: Mapping[str, Callable[[Money], str]] = {
    "payment_request.rejected": lambda amount: _("Not paid: {amount}. The customer declined.", amount=amount),
    "payment_request.expired": lambda amount: _("Not paid: {amount}. The time was over.", amount=amount),
    "payment_request.failed": lambda amount: _("Not paid: {amount}. The payment failed.", amount=amount),
}


def _news(shop: str, address: str) -> str:
    return _("{shop}: there is news of your application. Sign in at {address}.", shop=shop, address=address)


def _needed(shop: str, address: str) -> str:
    return _("Your payment provider needs something from {shop}. Sign in at {address}.", shop=shop, address=address)


# By the shop's name and where one signs in.
_REVIEW: Mapping[str, Callable[[str, str], str]] = {
    "application.approved": _news,
    "application.rejected": _news,
    "application.returned": _news,
    "merchant.closed": lambda shop, _at: _("{shop} is closed. It takes no payments any more.", shop=shop),
    "merchant.reinstated": lambda shop, _at: _("{shop} can take payments as before.", shop=shop),
    "merchant.requirements_due": _needed,
    "merchant.restricted": lambda shop, _at: _("{shop} is restricted. Ask your payment provider why.", shop=shop),
    "merchant.suspended": lambda shop, _at: _(
        "{shop} cannot take payments now. Ask your payment provider why.", shop=shop
    ),
}
_TO_STAFF: Mapping[StaffKind, Callable[[str], str]] = {
    StaffKind.APPLICATION_SUBMITTED: lambda at: _(
        "An application waits for a decision. Sign in at {address}.", address=at
    ),
    StaffKind.APPLICATION_RETURNED: lambda at: _("An application was returned. Sign in at {address}.", address=at),
    StaffKind.APPLICATION_HANDED_IN: lambda at: _(
        "A business handed in its application itself. Sign in at {address}.", address=at
    ),
    StaffKind.MERCHANT_CLAIMED: lambda at: _("Somebody asks to manage a merchant. Sign in at {address}.", address=at),
    StaffKind.REQUIREMENTS_DUE: lambda at: _(
        "A merchant has to hand in something soon. Sign in at {address}.", address=at
    ),
    StaffKind.WEBHOOK_PAUSED: lambda at: _(
        "A webhook is paused: its server wants no more. Sign in at {address}.", address=at
    ),
}


def _failing(address: str) -> str:
    return _("A webhook is paused: its server has taken nothing for days. Sign in at {address}.", address=address)


async def send_notice(tx: Tx, service: Service, notice: Notice) -> None:
    """The job of an announcement: write the messages of those who chose to be told."""
    of_merchant, of_staff = KINDS_OF.get(notice.event_type, (None, None))
    if notice.event_type == StaffKind.WEBHOOK_PAUSED:
        of_staff = StaffKind.WEBHOOK_PAUSED
    if of_merchant is not None and notice.merchant_id is not None:
        await _tell_merchant(tx, service, notice, of_merchant)
    if of_staff is not None:
        is_failing = of_staff is StaffKind.WEBHOOK_PAUSED and notice.data.get("reason") == "failing"
        told = (_failing if is_failing else _TO_STAFF[of_staff])(service.settings.base_url)
        for row in await tx.fetch(_STAFF, notice.dfsp_id, of_staff):
            await _mail(tx, service, row, _("Your work"), told, notice, of_staff)


async def _tell_merchant(tx: Tx, service: Service, notice: Notice, kind: MerchantKind) -> None:
    """By text and by mail, each where it was chosen. The text of a payment was written with the payment."""
    shop = await tx.fetchval("SELECT trading_name FROM merchant WHERE id = $1", notice.merchant_id)
    if shop is None:
        return
    assert notice.merchant_id is not None
    zone = await service.time_zone()
    told = _sentence(notice, kind, shop, service.settings.base_url, notice.at.astimezone(zone).time())
    if kind is MerchantKind.NOT_PAID:
        await _text_not_paid(tx, service, notice)
    elif kind is not MerchantKind.PAID:
        await sms.notify(tx, service, notice.merchant_id, kind, told)
    local = clock.now().astimezone(zone).replace(tzinfo=None)
    for row in await tx.fetch(_OWNERS, notice.merchant_id, kind, local, zone.key):
        await _mail(tx, service, row, _("Your shop"), told, notice, kind)


async def _text_not_paid(tx: Tx, service: Service, notice: Notice) -> None:
    """By text, in one segment in the merchant's language, with what names the request on its list."""
    assert notice.merchant_id is not None
    shop = (await read_shops(tx, [notice.merchant_id]))[notice.merchant_id]
    told = notice.data["amount"]
    at = notice.at.astimezone(await service.time_zone()).time()
    reference = await tx.fetchval(_REFERENCE, UUID(str(notice.data["payment_request_id"])))
    amount = money.parse_decimal(told["amount"], told["currency"])
    message = shop.told(_KEYS[notice.event_type], amount, at, reference or "")
    text = ussd.text_message(message, shop.language or service.settings.language)
    await sms.notify(tx, service, notice.merchant_id, MerchantKind.NOT_PAID, text)


def _sentence(notice: Notice, kind: MerchantKind, shop: str, address: str, time: Any) -> str:
    if kind is MerchantKind.REVIEW:
        return _REVIEW[notice.event_type](shop, address)
    told = notice.data["amount"]
    amount = money.parse_decimal(told["amount"], told["currency"])
    if kind is MerchantKind.NOT_PAID:
        return _NOT_PAID[notice.event_type](amount)
    if notice.event_type == "refund.refunded":
        return _("Given back: {amount} at {time}.", amount=amount, time=time)
    return sms.paid_sentence(amount, notice.data.get("payer"), time)


async def _mail(
    tx: Tx, service: Service, row: Any, subject: str, told: str, notice: Notice, kind: MerchantKind | StaffKind
) -> None:
    """A mail to one person; what staff are told is no message of the merchant's."""
    language = row["language"] or service.settings.language
    is_merchants = isinstance(kind, MerchantKind)
    await email.send(
        tx,
        service,
        to=row["email"],
        subject=translate(subject, language),
        text=f"{translate(told, language)}\n",
        link="",
        dfsp_id=notice.dfsp_id,
        kind=MessageKind(kind),
        merchant_id=notice.merchant_id if is_merchants else None,
        keeps_text=True,
        held_until=row["held_until"] if is_merchants else None,
    )
