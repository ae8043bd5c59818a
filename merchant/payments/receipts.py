"""Receipts: the facts of one payment as a shopper's paper has them, and the link under which its shopper finds it.

A link's token is the payment's id, the moment at which it ends, and a keyed digest of both: nothing is stored, and
nobody makes one without the installation's secret. However late it is made, it ends as long after the payment.
"""

import base64
import binascii
import hmac
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
from msgspec import Struct

from merchant.core import clock, errors, texts
from merchant.core.db import Reads
from merchant.core.money import Money, display
from merchant.core.service import SchemeFacts, Service
from merchant.core.texts import _
from merchant.payments import receipt_numbers
from merchant.payments.search import PAYMENT

TOKEN_LIFE = timedelta(days=90)
_ID_BYTES, _TIME_BYTES, _DIGEST_BYTES = 16, 4, 8
_TOKEN_CHARS_MAX = 64
_ONE = PAYMENT + " WHERE x.id = $1"


class Receipt(Struct, frozen=True):
    """What a receipt says, in the words of its language."""

    payment_id: UUID
    language: str
    number: str
    scheme: str
    merchant_name: str
    town: str
    alias: str
    counter_name: str
    amount: Money
    amount_text: str
    received_at: datetime
    at_text: str  # in the scheme's time zone
    reference: str | None
    note: str | None
    payer: str | None  # masked
    paid: str  # the word
    given_back: str | None = None  # in all, and when the last of it

    def lines(self) -> list[tuple[str, str]]:
        """Labels and what stands behind them, in their order."""
        given = [
            (_("Merchant number"), self.alias),
            (_("Counter"), self.counter_name),
            (_("Date and time"), self.at_text),
            (_("Receipt number"), self.number),
            (_("Reference"), self.reference),
            (_("Note"), self.note),
            (_("Payer"), self.payer),
            (_("Given back"), self.given_back),
        ]
        return [(texts.translate(label, self.language), text) for label, text in given if text]


_GIVEN_BACK = """
SELECT sum(amount_minor)::bigint AS amount_minor, max(refunded_at) AS at FROM refund
WHERE payment_id = $1 AND refunded_at IS NOT NULL
"""


async def receipt_of(tx: Reads, row: asyncpg.Record, scheme: SchemeFacts, language: str) -> Receipt:
    """The receipt of a payment from a row of search.PAYMENT, with what was given back of it."""
    back = await tx.fetchrow(_GIVEN_BACK, row["payment_id"])
    amount = Money(row["amount_minor"], row["currency"])
    return Receipt(
        payment_id=row["payment_id"],
        language=language,
        number=receipt_numbers.number_of(row["payment_id"]),
        scheme=scheme.name,
        merchant_name=row["merchant_name"],
        town=row["city"],
        alias=row["alias"],
        counter_name=row["counter_name"],
        amount=amount,
        amount_text=display(amount, language),
        received_at=row["at"],
        at_text=_moment(row["at"], scheme.time_zone, language),
        reference=row["reference"],
        note=row["note"],
        payer=row["payer_masked"],
        paid=texts.translate(_("Paid"), language),
        given_back=_told_back(back, amount.currency, scheme, language),
    )


def _told_back(back: asyncpg.Record | None, currency: str, scheme: SchemeFacts, language: str) -> str | None:
    if back is None or back["at"] is None:
        return None
    amount = display(Money(back["amount_minor"], currency), language)
    return f"{amount}, {_moment(back['at'], scheme.time_zone, language)}"


async def read_receipt(service: Service, payment_id: UUID, language: str) -> Receipt:
    """The receipt of a payment for whoever has its token. Raises NotFound."""
    scheme = await service.scheme()
    async with service.db.system_reads() as tx:
        row = await tx.fetchrow(_ONE, payment_id)
        if row is None:
            raise errors.NotFound
        return await receipt_of(tx, row, scheme, language)


def as_text(receipt: Receipt) -> str:
    """A receipt as plain text."""
    head = [receipt.scheme, "", receipt.merchant_name, receipt.town, "", f"{receipt.paid}: {receipt.amount_text}", ""]
    lines = receipt.lines()
    width = max(len(label) for label, _text in lines) + 2
    body = [f"{label + ':':{width}}{' '.join(text.split())}" for label, text in lines]
    return "\n".join([*head, *body]) + "\n"


def _moment(at: datetime, time_zone: str, language: str) -> str:
    """A day and a time for people, with the zone."""
    from babel.dates import format_datetime  # 8 ms, which a process that prints no receipts never needs

    local = at.astimezone(ZoneInfo(time_zone))
    return f"{format_datetime(local, 'd MMMM y, HH:mm', locale=texts.locale_of(language))} {local:%Z}"


# --- links ---------------------------------------------------------------------------------------------------------


def receipt_token(service: Service, payment_id: UUID, received_at: datetime) -> str | None:
    """The token of a receipt's link, good until TOKEN_LIFE after the payment; None once that is over."""
    ends_at = received_at + TOKEN_LIFE
    if ends_at <= clock.now():
        return None
    said = payment_id.bytes + int(ends_at.timestamp()).to_bytes(_TIME_BYTES)
    return base64.urlsafe_b64encode(said + _digest(service, said)).decode().rstrip("=")


def payment_of_token(service: Service, token: str) -> UUID | None:
    """The payment of a token; None for one that nobody here made, or whose time is over."""
    if not token.isascii() or len(token) > _TOKEN_CHARS_MAX:
        return None
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return None
    said, digest = raw[: _ID_BYTES + _TIME_BYTES], raw[_ID_BYTES + _TIME_BYTES :]
    if not hmac.compare_digest(digest, _digest(service, said)):
        return None
    if int.from_bytes(said[_ID_BYTES:]) <= clock.now().timestamp():
        return None
    return UUID(bytes=said[:_ID_BYTES])


def _digest(service: Service, said: bytes) -> bytes:
    return service.vault.digest("receipt", said.hex())[:_DIGEST_BYTES]
