"""What the dialogue may ask of the service: `ussd.Backend`, answered from registry and payments."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Literal
from uuid import UUID

import ussd
from merchant.channels.ussd.sign_up import SignUpService
from merchant.compliance.policies.in_force import policy_of
from merchant.core import clock, errors, money
from merchant.core.access import Actor
from merchant.core.db import Tx
from merchant.core.locks import take_turn
from merchant.core.money import Money
from merchant.core.phone import Msisdn
from merchant.core.service import Service
from merchant.payments.operations import NewRequest, create_request, read_headroom
from merchant.payments.states import RequestCapability, RequestState, states_that_permit
from merchant.registry.merchants.counters import counter_by_id, usual_currency
from merchant.registry.merchants.states import Capability, merchant_may
from merchant.registry.merchants.states import states_that_permit as merchants_that_permit

CHANNEL = "ussd"
MAX_OPEN_REQUESTS = 5  # of one phone at a time: more is a prank or a loop
STATUS_SHOWN_FOR = timedelta(minutes=5)

_MERCHANT = """
SELECT c.id, c.alias, m.id AS merchant_id, m.dfsp_id, m.tier,
       CASE WHEN c.closed_at IS NULL THEN m.state ELSE 'closed' END AS state, m.currencies, m.ussd_name, m.trading_name
FROM alias_claim a JOIN counter c ON c.id = a.counter_id
JOIN merchant m ON m.id = c.merchant_id JOIN dfsp d ON d.id = m.dfsp_id
WHERE a.alias_type = $2 AND lower(a.alias) = lower($1) AND d.enabled
"""
_SHOP = """
SELECT m.id, m.dfsp_id, m.tier
FROM counter c JOIN merchant m ON m.id = c.merchant_id JOIN dfsp d ON d.id = m.dfsp_id
WHERE c.id = $1 AND d.enabled
"""
_OWN = f"""
SELECT c.id, c.alias, c.name FROM counter c JOIN merchant m ON m.id = c.merchant_id
WHERE m.phone_digest = $1 AND c.closed_at IS NULL
  AND m.state IN {merchants_that_permit(Capability.SHOW_PAYMENTS)} ORDER BY c.id LIMIT 50
"""  # noqa: S608 - constants
_RECENT = """
SELECT amount_minor, currency, payer_masked, received_at FROM payment WHERE counter_id = $1 ORDER BY id DESC LIMIT $2
"""
_LAST_REQUEST = """
SELECT p.counter_id, p.amount_minor, p.currency, p.state, p.short_ref, m.ussd_name, m.trading_name
FROM payment_request p JOIN merchant m ON m.id = p.merchant_id
WHERE p.payer_digest = ANY($1) AND p.created_at > $2 AND p.channel = 'ussd'
ORDER BY p.id DESC LIMIT 1
"""
_OPEN_REQUESTS = f"""
SELECT count(*) FROM payment_request
WHERE payer_digest = ANY($1) AND channel = 'ussd' AND state IN {states_that_permit(RequestCapability.EXPIRE)}
  AND expires_at > $2
"""  # noqa: S608 - constants
_TOLD: dict[str, Literal["waiting", "paid", "unknown"]] = {
    RequestState.CREATED: "waiting",
    RequestState.SENT: "waiting",
    RequestState.AWAITING_PAYER: "waiting",
    RequestState.ACCEPTED: "waiting",
    RequestState.PAID: "paid",
    RequestState.IN_DOUBT: "unknown",
}


class ServiceBackend(SignUpService):
    """What the dialogue may ask, answered from registry and payments within the step's transaction (ussd.Backend).

    `language` is the phone's, as far as it is known. Where the session's screen has no effect (`commits`), the
    connection only reads.
    """

    def __init__(self, tx: Tx, service: Service, msisdn_digest: bytes, language: str | None = None) -> None:
        self._tx = tx
        self._service = service
        self._msisdn_digest = msisdn_digest
        self._language = language

    async def find_merchant(self, number: str) -> ussd.MerchantView | None:
        """The counter with this number, letters in any case."""
        scheme = await self._service.scheme()
        row = await self._tx.fetchrow(_MERCHANT, number, scheme.alias_type)
        if row is None:
            return None
        currency = usual_currency(scheme, row["currencies"])
        return ussd.MerchantView(
            counter_id=str(row["id"]),
            number=row["alias"],
            name=row["ussd_name"] or row["trading_name"],
            currency=currency,
            exponent=money.exponent(currency),
            open=merchant_may(row["state"], Capability.TAKE_PAYMENT),
            max_minor=(await policy_of(self._service, row["dfsp_id"])).limits(row["tier"], currency).per_payment_minor,
        )

    async def request_payment(self, order: ussd.PaymentOrder) -> ussd.PaymentOutcome:
        """Ask the payer's own bank, after the checks that the merchant's own request would pass."""
        tx, service = self._tx, self._service
        shop = await tx.fetchrow(_SHOP, UUID(order.counter_id))
        if shop is None:
            return ussd.PaymentOutcome("refused", reason="closed")
        payer = Msisdn.of(order.payer_msisdn)
        now, amount = clock.now(), Money(order.amount_minor, order.currency)
        # Several sessions of one phone at the same moment would each count the others' requests as absent.
        await take_turn(tx, f"ussd payer {payer.digest(service.vault).hex()}")
        if await tx.fetchval(_OPEN_REQUESTS, payer.payer_digests(service.vault), now) >= MAX_OPEN_REQUESTS:
            return ussd.PaymentOutcome("refused", reason="too_many")
        counter = await counter_by_id(tx, shop["dfsp_id"], UUID(order.counter_id))
        if counter is None or amount.minor > (await read_headroom(tx, service, counter, amount.currency, now)).minor:
            return ussd.PaymentOutcome("refused", reason="daily_limit")
        actor = Actor(kind="service", id=UUID(int=0), name=CHANNEL, dfsp_id=shop["dfsp_id"])
        new = NewRequest(counter_id=UUID(order.counter_id), amount=amount, payer=payer, channel=CHANNEL)
        try:
            request = await create_request(tx, service, actor, new)
        except errors.WrongState:
            return ussd.PaymentOutcome("refused", reason="closed")
        except errors.InvalidFields:
            return ussd.PaymentOutcome("refused", reason="limit")
        return ussd.PaymentOutcome("sent", reference=request.short_ref)

    async def own_counters(self, msisdn: str) -> list[ussd.OwnCounter]:
        """The counters of the merchant whose phone this is."""
        rows = await self._tx.fetch(_OWN, Msisdn.of(msisdn).digest(self._service.vault))
        return [ussd.OwnCounter(str(row["id"]), row["alias"], row["name"]) for row in rows]

    async def recent_payments(self, counter_id: str, limit: int) -> list[ussd.PaymentLine]:
        """The counter's latest payments."""
        zone = await self._service.time_zone()
        return [
            ussd.PaymentLine(
                row["amount_minor"],
                row["currency"],
                money.exponent(row["currency"]),
                row["payer_masked"] or "",
                row["received_at"].astimezone(zone),
            )
            for row in await self._tx.fetch(_RECENT, UUID(counter_id), limit)
        ]

    async def last_request(self, msisdn: str) -> ussd.LastRequest | None:
        """This phone's last request by USSD, while it is fresh."""
        digests = Msisdn.of(msisdn).payer_digests(self._service.vault)
        row = await self._tx.fetchrow(_LAST_REQUEST, digests, clock.now() - STATUS_SHOWN_FOR)
        if row is None:
            return None
        return ussd.LastRequest(
            counter_id=str(row["counter_id"]),
            shop=row["ussd_name"] or row["trading_name"],
            amount_minor=row["amount_minor"],
            currency=row["currency"],
            exponent=money.exponent(row["currency"]),
            state=_TOLD.get(row["state"], "refused"),
            reference=row["short_ref"],
        )

    async def preferred_language(self, msisdn: str) -> str | None:
        """The language this phone used last, read with its session."""
        return self._language

    async def default_languages(self) -> Sequence[str]:
        """The operator's language."""
        return (self._service.settings.language,)
