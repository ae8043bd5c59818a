"""What the demo's pages show: merchants with their codes, and everything that happens, of all DFSPs side by side.

The demo's pages are unauthenticated and read across tenants on purpose: these reads act as the service. Phone numbers
are masked, and only `merchant demo` has routes that lead here.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from merchant.core.access import SERVICE
from merchant.core.db import Tx
from merchant.core.money import Money
from merchant.core.paging import Page
from merchant.core.service import SchemeFacts, Service
from merchant.payments import finding
from merchant.payments import queries as payment_queries
from merchant.payments.states import RequestState
from merchant.portal.pay.told import STATE_TEXTS, StateText
from merchant.registry.codes import payload as codes
from merchant.registry.codes.stickers import current_versions
from merchant.registry.merchants import queries
from merchant.registry.merchants.counters import usual_currency
from merchant.registry.merchants.finding import Sought, find_merchants
from merchant.registry.merchants.models import Counter, Merchant
from merchant.registry.merchants.states import Capability, MerchantState, merchant_may
from qr.render import render_svg

MERCHANTS_A_PAGE = 12
NEWEST = 10

_BY_NUMBER = "SELECT merchant_id FROM counter WHERE alias = $1"
_PAYMENTS = """
SELECT p.amount_minor, p.currency, p.payer_masked, p.received_at, p.request_id IS NULL AS unasked, m.trading_name
FROM payment p JOIN merchant m ON m.id = p.merchant_id ORDER BY p.id DESC LIMIT $1
"""
_TEXTS = """
SELECT s.phone_masked, s.text, s.created_at, m.trading_name
FROM sms_message s JOIN merchant m ON m.id = s.merchant_id
WHERE s.text <> '' AND s.state IN ('pending', 'sent') ORDER BY s.id DESC LIMIT $1
"""


class DemoCounter(Struct, frozen=True):
    """A merchant of the demo at its first counter, with the code that hangs there."""

    name: str
    place: str
    dfsp: str
    tier: str
    number: str
    currency: str
    code: str


class NewsItem(Struct, frozen=True):
    """One line of the demo's news: who, how much, and what became of it."""

    at: datetime
    name: str
    amount: Money | None
    text: str
    state_text: StateText | None = None
    code: str | None = None


class News(Struct, frozen=True):
    """What happened last, newest first."""

    requests: list[NewsItem]
    payments: list[NewsItem]
    texts: list[NewsItem]


async def merchants(service: Service, search: str, before: UUID | None) -> tuple[list[DemoCounter], UUID | None]:
    """Active merchants, newest first, by name or number; and where the next page begins."""
    scheme = await service.scheme()
    async with service.db.system() as tx:
        found = await _found(tx, search, before)
        shown = found[:MERCHANTS_A_PAGE]
        _, counters = await queries.places(tx, SERVICE, [one.id for one in shown])
        versions = await current_versions(tx, [counter.id for counter in counters])
        names = {row["id"]: row["name"] for row in await tx.fetch("SELECT id, name FROM dfsp")}
    first = {counter.merchant_id: counter for counter in reversed(counters)}
    demo_counters = [
        _demo_counter(scheme, one, first[one.id], versions[first[one.id].id], names[one.dfsp_id])
        for one in shown
        if one.id in first
    ]
    return demo_counters, shown[-1].id if len(found) > len(shown) else None


async def _found(tx: Tx, search: str, before: UUID | None) -> list[Merchant]:
    state, number = MerchantState.ACTIVE.value, "".join(search.split())
    merchant_id = await tx.fetchval(_BY_NUMBER, number) if number else None
    if merchant_id is not None:
        merchant = await queries.merchant(tx, SERVICE, merchant_id)
        return [merchant] if merchant_may(merchant.state, Capability.TAKE_PAYMENT) else []
    found = await find_merchants(
        tx, SERVICE, Page(MERCHANTS_A_PAGE, before), Sought(state=state, search=search or None), country=""
    )
    return [one.merchant for one in found]


def _demo_counter(scheme: SchemeFacts, merchant: Merchant, counter: Counter, sticker: int, dfsp: str) -> DemoCounter:
    currency = usual_currency(scheme, merchant.currencies)
    shop = codes.CodeFacts(
        alias_type=counter.alias_type,
        alias=counter.alias,
        trading_name=merchant.trading_name,
        ussd_name=merchant.ussd_name,
        city=merchant.city,
        country=merchant.country,
        mcc=merchant.mcc,
    )
    payload = codes.counter_payload(scheme, shop, currency, sticker)
    code = render_svg(payload, title=f"QR code of {merchant.trading_name}")
    place = ", ".join(filter(None, (merchant.city, merchant.country)))
    return DemoCounter(merchant.trading_name, place, dfsp, merchant.tier, counter.alias, currency, code)


async def news(service: Service) -> News:
    """The newest requests, payments and text messages of the whole scheme."""
    async with service.db.system_reads() as tx:
        requests = await payment_queries.payment_requests(tx, SERVICE, Page(NEWEST), finding.Sought())
        payments = await tx.fetch(_PAYMENTS, NEWEST)
        texts = await tx.fetch(_TEXTS, NEWEST)
    return News(
        [_asked(row) for row in requests[:NEWEST]],
        [_paid(row) for row in payments],
        [
            NewsItem(row["created_at"], row["trading_name"], None, f"{row['phone_masked']}: {row['text']}")
            for row in texts
        ],
    )


def _asked(row: Any) -> NewsItem:
    whom = f"asked {row['payer_masked']}" if row["payer_masked"] else "shows a code to scan"
    why = f" · {row['reason_message']}" if row["reason_message"] else ""
    late = " · late" if row["late"] else ""
    state_text = STATE_TEXTS[RequestState(row["state"])]
    code = f"{row['alias']}.{row['short_ref']}"
    amount = Money(row["amount_minor"], row["currency"])
    return NewsItem(row["created_at"], row["trading_name"], amount, whom + late + why, state_text, code)


def _paid(row: Any) -> NewsItem:
    how = "started by the shopper" if row["unasked"] else "answer to a request"
    amount = Money(row["amount_minor"], row["currency"])
    return NewsItem(
        row["received_at"], row["trading_name"], amount, f"from {row['payer_masked'] or 'a customer'} · {how}"
    )


async def asked(service: Service, request_id: UUID) -> NewsItem:
    """One payment request as the news tells it. Raises NotFound."""
    async with service.db.system_reads() as tx:
        return _asked(await payment_queries.payment_request(tx, SERVICE, request_id))
