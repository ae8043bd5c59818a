"""A small world for dialogues: a backend in memory that counts what it is asked, and a phone on a gateway."""

from datetime import UTC, datetime, timedelta

from ussd import (
    GATEWAYS,
    LastRequest,
    MerchantView,
    OwnCounter,
    PaymentLine,
    PaymentOrder,
    PaymentOutcome,
    Reply,
    Session,
    decode_session,
    encode_session,
    step,
)

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
SHOPPER = "+254711000111"
MERCHANT = "+254722000222"
CHAIN = "+254733000333"

AMINA = MerchantView("c-amina", "74210006", "Mama Amina", "KES", 2, True, 1_000_000)
KIGALI = MerchantView("c-kigali", "50000009", "Kigali Kiosk", "RWF", 0, True, 500_000)
CLOSED = MerchantView("c-closed", "30000003", "Gone Shop", "KES", 2, False, 1_000_000)
WAITING = LastRequest("c-amina", "Mama Amina", 25_000, "KES", 2, "waiting", "K7Q2")


class World:
    """A `ussd.Backend` in memory. Tests change its fields and read `calls` and `orders`."""

    def __init__(self) -> None:
        self.shops = {shop.number: shop for shop in (AMINA, KIGALI, CLOSED)}
        self.counters = {
            MERCHANT: [OwnCounter("c-amina", "74210006", "Mama Amina")],
            CHAIN: [OwnCounter(f"c-{n}", f"{60_000_000 + n}", f"Chain till {n}") for n in range(1, 13)],
        }
        self.received = [
            PaymentLine(25_000 + n, "KES", 2, f"***{n:03}", NOW - timedelta(minutes=7 * n)) for n in range(23)
        ]
        self.waiting: LastRequest | None = None
        self.language: str | None = None
        self.outcome = PaymentOutcome("sent", reference="K7Q2")
        self.orders: list[PaymentOrder] = []
        self.calls = 0

    async def find_merchant(self, number: str) -> MerchantView | None:
        self.calls += 1
        return self.shops.get(number)

    async def request_payment(self, order: PaymentOrder) -> PaymentOutcome:
        self.calls += 1
        if self.outcome.state == "sent":
            self.orders.append(order)
        return self.outcome

    async def own_counters(self, msisdn: str) -> list[OwnCounter]:
        self.calls += 1
        return self.counters.get(msisdn, [])

    async def recent_payments(self, counter_id: str, limit: int) -> list[PaymentLine]:
        self.calls += 1
        return self.received[:limit]

    async def last_request(self, msisdn: str) -> LastRequest | None:
        self.calls += 1
        return self.waiting

    async def preferred_language(self, msisdn: str) -> str | None:
        self.calls += 1
        return self.language


class Phone:
    """One session of one handset on Africa's Talking, stored as bytes between steps."""

    def __init__(self, world: World, msisdn: str = SHOPPER) -> None:
        self.world = world
        self.form = {
            "sessionId": "ATUid_d8f70b1c",
            "phoneNumber": msisdn,
            "serviceCode": "*384*123#",
            "networkCode": "63902",
        }
        self.stored: bytes | None = None
        self.text = ""
        self.now = NOW

    @property
    def session(self) -> Session:
        assert self.stored is not None
        return decode_session(self.stored)

    async def send(self, **fields: str) -> Reply:
        """The gateway sends a form with these fields."""
        gateway = GATEWAYS["africastalking"]
        before = None if self.stored is None else self.session
        after, reply = await step(before, gateway.parse({**self.form, **fields}), self.world, self.now)
        self.stored = encode_session(after)
        return reply

    async def dial(self, string: str = "") -> Reply:
        """Dial the service code, with this between it and the hash."""
        self.text = string
        return await self.send(text=string)

    async def type(self, text: str) -> Reply:
        """Answer the screen."""
        self.text = f"{self.text}*{text}" if self.text else text
        return await self.send(text=self.text)

    async def again(self) -> Reply:
        """The gateway delivers the last step once more."""
        return await self.send(text=self.text)

    async def hang_up(self) -> Reply:
        """The gateway tells that the session ended."""
        return await self.send(status="Incomplete", input=self.text)
