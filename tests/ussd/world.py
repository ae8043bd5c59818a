"""A small world for dialogues: a backend in memory that counts what is asked of it, and a phone that dials."""

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from ussd import (
    MerchantView,
    OpenRequest,
    OwnCounter,
    PaymentLine,
    PaymentOrder,
    PaymentOutcome,
    Reply,
    Session,
    Step,
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


class World:
    """Implements `ussd.Backend`; tests change its fields and read `calls` and `orders`."""

    def __init__(self) -> None:
        self.shops = {shop.number: shop for shop in (AMINA, KIGALI, CLOSED)}
        self.counters = {
            MERCHANT: [OwnCounter("c-amina", "74210006", "Mama Amina")],
            CHAIN: [OwnCounter(f"c-{n}", f"6000000{n}", f"Chain till {n}") for n in range(1, 13)],
        }
        self.received = [
            PaymentLine(25_000 + n, "KES", 2, f"***{n:03}", NOW - timedelta(minutes=7 * n)) for n in range(23)
        ]
        self.requests: dict[str, OpenRequest] = {}
        self.languages: dict[str, str] = {}
        self.outcome = PaymentOutcome("sent", reference="K7Q2")
        self.orders: list[PaymentOrder] = []
        self.calls: list[str] = []

    async def find_merchant(self, number: str) -> MerchantView | None:
        self.calls.append("find_merchant")
        return self.shops.get(number)

    async def request_payment(self, order: PaymentOrder) -> PaymentOutcome:
        self.calls.append("request_payment")
        self.orders.append(order)
        return self.outcome

    async def own_counters(self, msisdn: str) -> list[OwnCounter]:
        self.calls.append("own_counters")
        return self.counters.get(msisdn, [])

    async def recent_payments(self, counter_id: str, limit: int) -> list[PaymentLine]:
        self.calls.append("recent_payments")
        return self.received[:limit]

    async def open_request(self, msisdn: str) -> OpenRequest | None:
        self.calls.append("open_request")
        return self.requests.get(msisdn)

    async def preferred_language(self, msisdn: str) -> str | None:
        self.calls.append("preferred_language")
        return self.languages.get(msisdn)


WAITING = OpenRequest("c-amina", "Mama Amina", 25_000, "KES", 2, "waiting", "K7Q2")


class Phone:
    """One session of one handset on a gateway with cumulative text; the session is stored as bytes between steps."""

    def __init__(self, world: World, msisdn: str = SHOPPER, session_id: str = "ATUid_1") -> None:
        self.world = world
        self.blank = Step("africastalking", session_id, msisdn, "*384*123#", "reply", "", "63902")
        self.stored: bytes | None = None
        self.text = ""
        self.now = NOW

    @property
    def session(self) -> Session:
        assert self.stored is not None
        return decode_session(self.stored)

    async def deliver(self, text: str) -> Reply:
        """The gateway delivers this cumulative text."""
        before = decode_session(self.stored) if self.stored is not None else None
        after, reply = await step(before, replace(self.blank, text=text), self.world, self.now)
        self.stored = encode_session(after)
        return reply

    async def dial(self, *parts: str) -> Reply:
        """Dial the service code, with these parts behind it."""
        self.text = "*".join(parts)
        return await self.deliver(self.text)

    async def type(self, text: str) -> Reply:
        """Answer the screen."""
        self.text = f"{self.text}*{text}" if self.text else text
        return await self.deliver(self.text)
