"""What a shop's own people may ask and do by telephone: `ussd.MerchantBackend`, answered within the step's transaction.

Who the phone is to the shop is found anew for each question (own_shops.py): an id that a session carries opens nothing
by itself. Acts are the operations of the API, as the person whose phone it is, with this channel in their record.
"""

from collections.abc import Callable, Coroutine
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

import ussd
from merchant.channels.ussd import shop_people, shop_refunds, shop_requests
from merchant.channels.ussd.own_shops import CHANNEL, OwnPlace, currencies_of, own_places
from merchant.compliance.policies.in_force import policy_of
from merchant.core import clock, money, throttling
from merchant.core.access import Permission as P
from merchant.core.db import Tx
from merchant.core.money import Money
from merchant.core.phone import Msisdn, parse_local
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.core.throttle import Throttle
from merchant.notify import sms
from merchant.notify.kinds import MessageKind
from merchant.payments.book import MerchantFacts
from merchant.payments.book_loading import empty_book, load_used
from merchant.payments.limits import left_of_limits
from merchant.registry.codes import payload as codes

CODE_GOOD_FOR = timedelta(hours=1)  # a message that comes later surprises whoever asked for it
_RECENT = """
SELECT id, amount_minor, currency, payer_masked, received_at FROM payment
WHERE counter_id = $1 ORDER BY id DESC LIMIT $2
"""
_PAYMENT = "SELECT id, counter_id, currency FROM payment WHERE id = $1"
_TAKINGS = """
WITH paid AS (
  SELECT currency, count(*) AS payments, sum(amount_minor)::bigint AS amount_minor FROM payment
  WHERE merchant_id = $1 AND received_at >= $2 AND ($3::uuid IS NULL OR counter_id = $3) GROUP BY currency),
given_back AS (
  SELECT currency, sum(amount_minor)::bigint AS refunded_minor FROM refund
  WHERE merchant_id = $1 AND refunded_at >= $2 AND ($3::uuid IS NULL OR counter_id = $3) GROUP BY currency)
SELECT currency, coalesce(payments, 0) AS payments, coalesce(amount_minor, 0) AS amount_minor,
  coalesce(refunded_minor, 0) AS refunded_minor
FROM paid FULL JOIN given_back USING (currency) ORDER BY currency
"""
_GROUP = "SELECT coalesce(limit_group, id) FROM merchant WHERE id = $1"


class ServiceTrade:
    """What a shop's own people may ask (ussd.MerchantBackend)."""

    def __init__(self, tx: Tx, service: Service, msisdn_digest: bytes) -> None:
        self._tx = tx
        self._service = service
        self._msisdn_digest = msisdn_digest

    # --- who the phone is -------------------------------------------------------------------------------------------

    async def own_counters(self, msisdn: str) -> list[ussd.OwnCounter]:
        """The counters at which this phone may act."""
        return [
            ussd.OwnCounter(
                counter_id=str(one.counter_id),
                number=one.alias,
                name=one.name,
                shop_id=str(one.merchant_id),
                shop=one.shop,
                currencies=await currencies_of(self._service, one),
                rights=one.rights,
            )
            for one in await own_places(self._tx, self._msisdn_digest)
        ]

    async def _at_counter(self, counter_id: str) -> OwnPlace | None:
        places = await own_places(self._tx, self._msisdn_digest)
        return next((one for one in places if str(one.counter_id) == counter_id), None)

    async def _of_shop(self, shop_id: str) -> OwnPlace | None:
        places = await own_places(self._tx, self._msisdn_digest)
        return next((one for one in places if str(one.merchant_id) == shop_id), None)

    async def read_phone(self, text: str) -> str | None:
        """A number as people of the scheme's country write it: theirs first, then of anywhere."""
        found = parse_local(text, (await self._service.scheme()).country)
        return None if found is None else str(found)

    # --- what came in -----------------------------------------------------------------------------------------------

    async def recent_payments(self, msisdn: str, counter_id: str, limit: int) -> list[ussd.PaymentLine]:
        """The counter's latest payments."""
        place = await self._at_counter(counter_id)
        if place is None:
            return []
        zone = await self._service.time_zone()
        rows = await self._tx.fetch(_RECENT, place.counter_id, limit)
        left = await shop_refunds.refundable_of(self._tx, rows) if shop_refunds.may_refund(place) else {}
        return [
            ussd.PaymentLine(
                row["amount_minor"],
                row["currency"],
                money.exponent(row["currency"]),
                row["payer_masked"] or "",
                row["received_at"].astimezone(zone),
                str(row["id"]),
                left.get(row["id"], 0),
            )
            for row in rows
        ]

    async def takings_today(self, msisdn: str, shop_id: str) -> list[ussd.Taking]:
        """What came in, and was given back, since the scheme's midnight."""
        place = await self._of_shop(shop_id)
        if place is None:
            return []
        zone = await self._service.time_zone()
        midnight = datetime.combine(clock.now().astimezone(zone).date(), time(), zone)
        rows = await self._tx.fetch(_TAKINGS, place.merchant_id, midnight, place.bound_to)
        return [
            ussd.Taking(
                row["currency"],
                money.exponent(row["currency"]),
                row["payments"],
                row["amount_minor"],
                row["refunded_minor"],
            )
            for row in rows
        ]

    async def shop_limits(self, msisdn: str, shop_id: str) -> ussd.ShopLimits | None:
        """What is left of the limits, over all currencies and all merchants of one owner; the owner's to know."""
        place = await self._of_shop(shop_id)
        if place is None or not place.is_owners:
            return None
        policy = await policy_of(self._service, place.dfsp_id)
        group_id = await self._tx.fetchval(_GROUP, place.merchant_id)
        book = await empty_book(self._service, clock.now())
        book.policies[place.dfsp_id] = policy
        await load_used(self._tx, book, [group_id])
        merchant = MerchantFacts(place.merchant_id, place.dfsp_id, place.state, place.tier, group_id)
        left = []
        for one in await currencies_of(self._service, place):
            day, month = left_of_limits(book, merchant, one.code)
            left.append(ussd.CurrencyRoom(one.code, one.exponent, one.max_minor, day.minor, month.minor))
        names = [tier.name for tier in policy.tiers]
        higher = names[names.index(place.tier) + 1 :] if place.tier in names else []
        return ussd.ShopLimits(place.tier, tuple(left), place.dfsp_name, higher[0] if higher else "")

    # --- asking customers -------------------------------------------------------------------------------------------

    async def demand(self, demand: ussd.Demand) -> ussd.DemandOutcome:
        """Ask a customer, as the shop's till does."""
        place = await self._at_counter(demand.counter_id)
        if place is None:
            return shop_requests.refused("not_yours")
        payer = Msisdn.of(demand.customer)
        if payer.digest(self._service.vault) == self._msisdn_digest:
            return shop_requests.refused("own_number")
        amount = Money(demand.amount_minor, demand.currency)
        return await shop_requests.ask(self._tx, self._service, place, payer, amount, demand.note)

    async def recent_requests(self, msisdn: str, shop_id: str, limit: int) -> list[ussd.RequestLine]:
        """The shop's latest requests that name a customer."""
        place = await self._of_shop(shop_id)
        return [] if place is None else await shop_requests.recent(self._tx, self._service, place, limit)

    async def read_request(self, msisdn: str, request_id: str) -> ussd.RequestLine | None:
        """One of them, of a shop of this phone."""
        found = await self._find_request(request_id)
        return None if found is None else found[1]

    async def _find_request(self, request_id: str) -> tuple[OwnPlace, ussd.RequestLine] | None:
        merchant_id = await shop_requests.merchant_of(self._tx, UUID(request_id))
        place = None if merchant_id is None else await self._of_shop(str(merchant_id))
        line = None if place is None else await shop_requests.read(self._tx, self._service, place, UUID(request_id))
        return None if place is None or line is None else (place, line)

    async def demand_again(self, msisdn: str, request_id: str, key: str) -> ussd.DemandOutcome:
        """Put the demand again; the earlier one ends only if that works."""
        return await self._do(request_id, shop_requests.ask_once_more)

    async def take_back(self, msisdn: str, request_id: str, key: str) -> ussd.DemandOutcome:
        """Take a request back."""
        return await self._do(request_id, shop_requests.take_back)

    async def _do(
        self,
        request_id: str,
        act: Callable[[Tx, Service, OwnPlace, ussd.RequestLine], Coroutine[Any, Any, ussd.DemandOutcome]],
    ) -> ussd.DemandOutcome:
        found = await self._find_request(request_id)
        return shop_requests.refused("not_yours") if found is None else await act(self._tx, self._service, *found)

    # --- its people -------------------------------------------------------------------------------------------------

    async def cashiers(self, msisdn: str, shop_id: str) -> list[ussd.CashierLine]:
        """Who may use the counters, for the owner."""
        place = await self._of_shop(shop_id)
        if place is None or not place.is_owners:
            return []
        return await shop_people.cashiers(self._tx, self._service, place)

    async def add_cashier(self, new: ussd.NewCashier) -> ussd.trade.ActOutcome:
        """Let a phone use the counters."""
        place = await self._of_shop(new.shop_id)
        if place is None or P.OWN_PEOPLE_WRITE not in place.actor.permissions:
            return "not_yours"
        return await shop_people.add(self._tx, self._service, place, new)

    async def remove_cashier(self, msisdn: str, person_id: str, key: str) -> ussd.trade.ActOutcome:
        """Shut one of them out."""
        places = await own_places(self._tx, self._msisdn_digest)
        return await shop_people.shut_out(self._tx, self._service, places, UUID(person_id))

    async def send_code(self, msisdn: str, counter_id: str, language: str, key: str) -> ussd.trade.ActOutcome:
        """Send this phone the public page of the counter's code: it shows what a printed sticker shows."""
        place, service = await self._at_counter(counter_id), self._service
        if place is None:
            return "not_yours"
        digest = self._msisdn_digest.hex()
        if not sms.can_send(service.settings) or throttling.wait_s(service, codes_by_sms, digest, CHANNEL):
            return "no_sms"
        address = codes.pay_url(service.settings.base_url, place.alias)
        await sms.send_private(
            self._tx,
            service,
            str(Msisdn.of(msisdn)),
            _("{shop}: your QR code is at {address}", shop=place.shop, address=address),
            dfsp_id=place.dfsp_id,
            until=clock.now() + CODE_GOOD_FOR,
            order=digest,
            language=language,
            kind=MessageKind.ACCOUNT,
            merchant_id=place.merchant_id,
        )
        return "done"

    # --- giving money back ------------------------------------------------------------------------------------------

    async def refunds_open(self, msisdn: str) -> bool:
        """Whether this phone is one that gives money back."""
        return any(map(shop_refunds.may_refund, await own_places(self._tx, self._msisdn_digest)))

    async def refund(self, refund: ussd.Refund) -> ussd.RefundOutcome:
        """Give back a payment of a counter of this phone."""
        payment = await self._tx.fetchrow(_PAYMENT, UUID(refund.payment_id))
        place = None if payment is None else await self._at_counter(str(payment["counter_id"]))
        if payment is None or place is None or not shop_refunds.may_refund(place):
            return ussd.RefundOutcome("refused", "not_open")
        return await shop_refunds.give_back(self._tx, self._service, place, payment, refund.amount_minor)


def codes_by_sms(_service: Service) -> Throttle:
    """Messages with the address of a code that one phone may have: each costs the operator."""
    return Throttle(per_minute=0.05, burst=3)
