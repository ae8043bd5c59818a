"""What a shopper's screens ask of the service: shops, requests for payment, what became of them, and reports."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg

import ussd
from merchant.channels.ussd.own_shops import CHANNEL
from merchant.compliance.policies.in_force import policy_of
from merchant.core import clock, errors, money
from merchant.core.access import Actor
from merchant.core.db import Tx
from merchant.core.locks import take_turn
from merchant.core.money import Money
from merchant.core.phone import Msisdn
from merchant.core.service import Service
from merchant.hub.port import BadNews
from merchant.payments.operations import NewRequest, create_request, decline_request, read_room
from merchant.payments.reasons import fits_of
from merchant.payments.requests import DECLINED_HERE
from merchant.payments.settle import NO_ANSWER
from merchant.payments.states import RequestCapability, RequestState, states_that_permit
from merchant.registry.codes.reports import ReportReason, report_code
from merchant.registry.merchants.counters import counter_by_id
from merchant.registry.merchants.states import Capability, merchant_may
from merchant.registry.merchants.states import states_that_permit as merchants_that_permit
from ussd.shopping import Declined, EndState, Reported
from ussd.shopping import RequestState as Told

MAX_OPEN_REQUESTS = 5  # of one phone at a time: more is a prank or a loop
ENDED_SHOWN_FOR = timedelta(minutes=10)  # of payments that ended, and so long a bank may pay after the time is over
DOUBT_SHOWN_FOR = timedelta(days=1)
RECENT_SHOWN = 9
OWN_KEPT_FOR = timedelta(days=90)  # of a phone's payments: numbers are given to other people some time after
MAX_REPORTS = 3  # of one phone in a day

_SHOP = """
SELECT m.id, m.dfsp_id, m.tier
FROM counter c JOIN merchant m ON m.id = c.merchant_id JOIN dfsp d ON d.id = m.dfsp_id
WHERE c.id = $1 AND d.enabled
"""
# An alias as it is written, else another that differs by separators only: people leave them out, or put some in.
_MERCHANT = """
SELECT c.id, c.alias, m.dfsp_id, m.tier, m.currencies, m.ussd_name, m.trading_name, l.city,
       CASE WHEN c.closed_at IS NULL THEN m.state ELSE 'closed' END AS state
FROM alias_claim a JOIN counter c ON c.id = a.counter_id
JOIN merchant m ON m.id = c.merchant_id JOIN dfsp d ON d.id = m.dfsp_id JOIN location l ON l.id = c.location_id
WHERE a.alias_type = $2 AND d.enabled AND (
  lower(a.alias) = lower($1)
  OR (translate(lower(a.alias), '.-_', '') = translate(lower($1), '.-_', '') AND NOT a.shares_form))
ORDER BY lower(a.alias) = lower($1) DESC LIMIT 1
"""
_OPEN = states_that_permit(RequestCapability.EXPIRE)
_REQUEST = """
SELECT p.id, p.counter_id, p.alias, p.amount_minor, p.currency, p.state, p.reason_code, p.reason_message, p.hub_trouble,
  p.channel, coalesce(e.at, p.created_at) AS at, e.cause, m.ussd_name, m.trading_name
FROM payment_request p JOIN merchant m ON m.id = p.merchant_id
LEFT JOIN payment_event e ON e.request_id = p.id AND e.seq = p.steps /*distributed: AND e.dfsp_id = p.dfsp_id*/
WHERE p.payer_digest = ANY($1)
"""
_RECENT = f"""
{_REQUEST} AND p.created_at > $2 AND (
  p.state IN {_OPEN} OR coalesce(e.at, p.created_at) > CASE p.state WHEN $5 THEN $3::timestamptz
    ELSE $4::timestamptz END)
ORDER BY p.id DESC LIMIT {RECENT_SHOWN}
"""
# Money that came without a request, by a code that was scanned: it is the phone's payment all the same.
_PAYMENT = """
SELECT y.id, y.counter_id, c.alias, y.amount_minor, y.currency, NULL AS state, NULL AS reason_code,
  NULL AS reason_message, NULL AS hub_trouble, '' AS channel, y.received_at AS at, NULL AS cause, m.ussd_name,
  m.trading_name
FROM payment y JOIN counter c ON c.id = y.counter_id JOIN merchant m ON m.id = y.merchant_id
WHERE y.payer_digest = ANY($1) AND y.request_id IS NULL
"""
_OWN_PAYMENTS = f"""
SELECT * FROM (
  ({_REQUEST} AND p.created_at > $2 ORDER BY p.id DESC LIMIT $3)
  UNION ALL
  ({_PAYMENT} AND y.received_at > $2 ORDER BY y.id DESC LIMIT $3)) AS own
ORDER BY id DESC LIMIT $3
"""  # noqa: S608 - constants
_OWN_REQUEST = f"{_REQUEST} AND p.id = $2 UNION ALL {_PAYMENT} AND y.id = $2"
_PAID_SHOPS = f"""
SELECT c.alias, m.ussd_name, m.trading_name FROM (
  SELECT counter_id, max(at) AS at FROM (
    SELECT counter_id, paid_at AS at FROM payment_request
    WHERE payer_digest = ANY($1) AND paid_at IS NOT NULL AND created_at > $2
    UNION ALL
    SELECT counter_id, received_at FROM payment WHERE payer_digest = ANY($1) AND received_at > $2) AS paid
  GROUP BY counter_id) AS last
JOIN counter c ON c.id = last.counter_id JOIN merchant m ON m.id = c.merchant_id JOIN dfsp d ON d.id = m.dfsp_id
WHERE c.closed_at IS NULL AND c.alias_type = $3 AND d.enabled
  AND m.state IN {merchants_that_permit(Capability.TAKE_PAYMENT)}
ORDER BY last.at DESC, c.id LIMIT $4
"""  # noqa: S608 - constants
_OPEN_REQUESTS = f"""
SELECT count(*) FROM payment_request
WHERE payer_digest = ANY($1) AND channel = '{CHANNEL}' AND state IN {_OPEN} AND expires_at > $2
"""  # noqa: S608 - constants
_REPORTS = "SELECT count(*) FROM code_report WHERE source_digest = $1 AND at > $2"

# What a reason of payments/reasons.py is to the payer, who is told it in another sentence than the merchant.
_ENDED: Final[Mapping[str, EndState]] = {
    BadNews.PAYER_REJECTED: "said_no",
    BadNews.PAYER_NOT_FOUND: "no_bank",
    BadNews.PAYER_CANNOT_PAY: "bank_cannot",
    BadNews.PAYER_CURRENCY: "currency",
    BadNews.PAYER_LIMIT: "bank_limit",
    BadNews.PAYER_NOT_PERMITTED: "account",
    BadNews.PAYER_BLOCKED: "account",
    BadNews.PAYER_DFSP_UNREACHABLE: "unreachable",
    BadNews.PAYER_DFSP_UNSUPPORTED: "unsupported",
    BadNews.PAYEE_CURRENCY: "currency",
    BadNews.PAYEE_LIMIT: "full",
    BadNews.PAYEE_BLOCKED: "closed",
    BadNews.REQUEST_EXPIRED: "expired",
    "over_limit": "full",
    "hub_unreachable": "not_asked",
    "payer_not_asked": "not_asked",
}
_OF_STATE: Final[Mapping[str, Told]] = {
    RequestState.CREATED: "waiting",
    RequestState.SENT: "waiting",
    RequestState.AWAITING_PAYER: "waiting",
    RequestState.ACCEPTED: "waiting",
    RequestState.PAID: "paid",
    RequestState.IN_DOUBT: "unknown",
    RequestState.REJECTED: "said_no",
    RequestState.CANCELLED: "cancelled",
    RequestState.EXPIRED: "expired",
    RequestState.FAILED: "failed",
}
_FOR_A_REASON: Final = frozenset({"expired", "failed"})
_FULL: Final[Mapping[str, str]] = {"day": "day_full", "month": "month_full", "day_count": "day_count"}


class Shopping:
    """What a shopper's screens ask, answered within the step's transaction (ussd.shopping.ShopperBackend)."""

    def __init__(self, tx: Tx, service: Service) -> None:
        self._tx = tx
        self._service = service

    async def find_merchant(self, number: str, currency: str = "") -> ussd.MerchantView | None:
        """The counter with this number, letters in any case, in a currency that its merchant takes."""
        scheme = await self._service.scheme()
        row = await self._tx.fetchrow(_MERCHANT, number, scheme.alias_type)
        if row is None:
            return None
        taken = tuple(one for one in row["currencies"] if one in scheme.currencies) or tuple(row["currencies"])
        chosen = currency if currency in taken else taken[0]
        return ussd.MerchantView(
            counter_id=str(row["id"]),
            number=row["alias"],
            name=row["ussd_name"] or row["trading_name"],
            currency=chosen,
            exponent=money.exponent(chosen),
            open=merchant_may(row["state"], Capability.TAKE_PAYMENT),
            max_minor=(await policy_of(self._service, row["dfsp_id"])).limits(row["tier"], chosen).per_payment_minor,
            place=row["city"],
            currencies=taken if len(taken) > 1 and not currency else (),
        )

    async def own_recent(self, msisdn: str, *, alone: bool = False) -> list[ussd.OwnRequest]:
        """What this phone's payments of the last minutes came to, by whatever way they were asked for."""
        payer = Msisdn.of(msisdn)
        if alone:
            # Several sessions of one phone at the same moment would each find the others' requests absent.
            await take_turn(self._tx, f"ussd payer {payer.digest(self._service.vault).hex()}")
        now = clock.now()
        longest = timedelta(seconds=(await self._service.scheme()).request_expiry_max_s)
        rows = await self._tx.fetch(
            _RECENT,
            payer.payer_digests(self._service.vault),
            now - longest - DOUBT_SHOWN_FOR,
            now - DOUBT_SHOWN_FOR,
            now - ENDED_SHOWN_FOR,
            RequestState.IN_DOUBT,
        )
        return [await self._told(row, now) for row in rows]

    async def own_request(self, msisdn: str, request_id: str) -> ussd.OwnRequest | None:
        """One of this phone's payments."""
        digests = Msisdn.of(msisdn).payer_digests(self._service.vault)
        row = await self._tx.fetchrow(_OWN_REQUEST, digests, UUID(request_id))
        return None if row is None else await self._told(row, clock.now())

    async def own_payments(self, msisdn: str, limit: int) -> list[ussd.OwnRequest]:
        """This phone's payments, newest first."""
        now, digests = clock.now(), Msisdn.of(msisdn).payer_digests(self._service.vault)
        rows = await self._tx.fetch(_OWN_PAYMENTS, digests, now - OWN_KEPT_FOR, limit)
        return [await self._told(row, now) for row in rows]

    async def paid_shops(self, msisdn: str, limit: int) -> list[ussd.PaidShop]:
        """The shops that this phone paid, the last one first."""
        digests, since = Msisdn.of(msisdn).payer_digests(self._service.vault), clock.now() - OWN_KEPT_FOR
        rows = await self._tx.fetch(_PAID_SHOPS, digests, since, (await self._service.scheme()).alias_type, limit)
        return [ussd.PaidShop(row["alias"], row["ussd_name"] or row["trading_name"]) for row in rows]

    async def _told(self, row: asyncpg.Record, now: datetime) -> ussd.OwnRequest:
        minutes_ago = int((now - row["at"]).total_seconds() // 60)
        fits = fits_of(row["reason_message"] or "")
        return ussd.OwnRequest(
            request_id=str(row["id"]),
            counter_id=str(row["counter_id"]),
            number=row["alias"],
            shop=row["ussd_name"] or row["trading_name"],
            amount_minor=row["amount_minor"],
            currency=row["currency"],
            exponent=money.exponent(row["currency"]),
            state=_told_state(row, now, fits),
            at=row["at"].astimezone(await self._service.time_zone()),
            minutes_ago=max(0, minutes_ago),
            fits_minor=money.parse_shown(fits.split()[0].replace(",", ""), row["currency"]).minor if fits else 0,
            from_shop=row["channel"] not in (CHANNEL, ""),
        )

    async def request_payment(self, order: ussd.PaymentOrder) -> ussd.PaymentOutcome:
        """Ask the payer's own bank, after the checks of the merchant's own request. No other session of this
        phone does so meanwhile (own_recent).
        """
        tx, service = self._tx, self._service
        shop = await tx.fetchrow(_SHOP, UUID(order.counter_id))
        if shop is None:
            return ussd.PaymentOutcome("refused", reason="closed")
        payer = Msisdn.of(order.payer_msisdn)
        now, amount = clock.now(), Money(order.amount_minor, order.currency)
        if await tx.fetchval(_OPEN_REQUESTS, payer.payer_digests(service.vault), now) >= MAX_OPEN_REQUESTS:
            return ussd.PaymentOutcome("refused", reason="too_many")
        actor = Actor(kind="service", id=UUID(int=0), name=CHANNEL, dfsp_id=shop["dfsp_id"])
        new = NewRequest(counter_id=UUID(order.counter_id), amount=amount, payer=payer, channel=CHANNEL)
        try:
            request = await create_request(tx, service, actor, new)
        except (errors.WrongState, errors.Conflict, errors.NotFound):
            return ussd.PaymentOutcome("refused", reason="closed")
        except errors.InvalidFields as invalid:
            if {error.code for error in invalid.errors} == {"over_limit"}:
                return await self._over_limit(shop["dfsp_id"], order, now)
            return ussd.PaymentOutcome("refused", reason="currency")
        return ussd.PaymentOutcome("sent", reference=request.short_ref)

    async def _over_limit(self, dfsp_id: UUID, order: ussd.PaymentOrder, now: datetime) -> ussd.PaymentOutcome:
        """Which limit says no, and what would fit."""
        counter = await counter_by_id(self._tx, dfsp_id, UUID(order.counter_id))
        assert counter is not None, "its limits were looked at"
        room = await read_room(self._tx, self._service, counter, order.currency, now)
        if room.most.minor:
            return ussd.PaymentOutcome("refused", reason=room.bound_by, fits_minor=room.most.minor)
        return ussd.PaymentOutcome("refused", reason=_FULL.get(room.bound_by, "closed"))

    async def decline_request(self, msisdn: str, request_id: str) -> Declined:
        """End what waits, as the payer wishes."""
        try:
            await decline_request(self._tx, self._service, Msisdn.of(msisdn), UUID(request_id))
        except (errors.WrongState, errors.NotFound):
            return "too_late"
        return "declined"

    async def report_shop(self, msisdn: str, counter_id: str, reason: str) -> Reported:
        """Keep a report where those about codes are, for the shop's DFSP to look at."""
        tx, source = self._tx, f"ussd:{Msisdn.of(msisdn)}"
        await take_turn(tx, f"ussd report {Msisdn.of(msisdn).digest(self._service.vault).hex()}")
        digest = tx.vault.digest("code_report_source", source)
        if await tx.fetchval(_REPORTS, digest, clock.now() - timedelta(days=1)) >= MAX_REPORTS:
            return "too_many"
        shop = await tx.fetchrow("SELECT dfsp_id, alias FROM counter WHERE id = $1", UUID(counter_id))
        assert shop is not None, "counters are closed, never deleted"
        actor = Actor(kind="service", id=UUID(int=0), name=CHANNEL, dfsp_id=shop["dfsp_id"])
        await report_code(tx, actor, UUID(counter_id), shop["alias"], ReportReason(reason), "", None, source)
        return "kept"


def _told_state(row: asyncpg.Record, now: datetime, fits: str | None) -> Told:
    told = _OF_STATE[row["state"] or RequestState.PAID]
    if row["cause"] == DECLINED_HERE:
        return "declined"
    if told not in _FOR_A_REASON:
        return told
    reason = row["reason_code"] or ""
    may_have_arrived = reason == BadNews.REQUEST_EXPIRED or row["hub_trouble"] == NO_ANSWER
    if may_have_arrived and row["at"] > now - ENDED_SHOWN_FOR:
        return "late"
    return "limit" if fits else _ENDED.get(reason, told)
