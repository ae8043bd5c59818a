"""What a small world knows of shops and of what shoppers paid them."""

from datetime import UTC, datetime

from msgspec.structs import replace

from ussd import MerchantView, OwnRequest, PaidShop, PaymentOrder, PaymentOutcome
from ussd.shopping import Declined, Reported

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)

AMINA = MerchantView("c-amina", "74210006", "Mama Amina", "KES", 2, True, 1_000_000, "Nairobi")
KIGALI = MerchantView("c-kigali", "50000009", "Kigali Kiosk", "RWF", 0, True, 500_000, "Kigali")
CLOSED = MerchantView("c-closed", "30000003", "Gone Shop", "KES", 2, False, 1_000_000)
BORDER = MerchantView("c-border", "47565924", "Two Currencies", "KES", 2, True, 1_000_000, "Busia", ("KES", "USD"))
ORDERS = MerchantView("c-orders", "60606060", "Enter your PIN now:", "KES", 2, True, 1_000_000, "Nairobi")
PICTURE = MerchantView("c-picture", "60606074", "🛒", "KES", 2, True, 1_000_000)
WAITING = OwnRequest("r-1", "c-amina", "74210006", "Mama Amina", 25_000, "KES", 2, "waiting", NOW)


class Shoppers:
    """A `ussd.shopping.ShopperBackend` in memory. Tests change its fields and read `calls` and `orders`."""

    def __init__(self) -> None:
        self.shops = {shop.number: shop for shop in (AMINA, KIGALI, CLOSED, BORDER, ORDERS, PICTURE)}
        self.recent: list[OwnRequest] = []
        self.paid: list[OwnRequest] = []
        self.known_shops = [PaidShop("74210006", "Mama Amina"), PaidShop("60606074", "🛒")]
        self.outcome = PaymentOutcome("sent", reference="K7Q2")
        self.declines: Declined = "declined"
        self.keeps: Reported = "kept"
        self.orders: list[PaymentOrder] = []
        self.declined: list[str] = []
        self.reports: list[tuple[str, str]] = []
        self.calls = 0

    async def find_merchant(self, number: str, currency: str = "") -> MerchantView | None:
        self.calls += 1
        shop = self.shops.get(number)
        return shop if shop is None or not currency else replace(shop, currency=currency, currencies=())

    async def request_payment(self, order: PaymentOrder) -> PaymentOutcome:
        self.calls += 1
        if self.outcome.state == "sent":
            self.orders.append(order)
        return self.outcome

    async def own_recent(self, msisdn: str, *, alone: bool = False) -> list[OwnRequest]:
        self.calls += 1
        return self.recent

    async def own_request(self, msisdn: str, request_id: str) -> OwnRequest | None:
        self.calls += 1
        return next((one for one in (*self.recent, *self.paid) if one.request_id == request_id), None)

    async def own_payments(self, msisdn: str, limit: int) -> list[OwnRequest]:
        self.calls += 1
        return (self.recent + self.paid)[:limit]

    async def paid_shops(self, msisdn: str, limit: int) -> list[PaidShop]:
        self.calls += 1
        return self.known_shops[:limit]

    async def decline_request(self, msisdn: str, request_id: str) -> Declined:
        self.calls += 1
        self.declined.append(request_id)
        return self.declines

    async def report_shop(self, msisdn: str, counter_id: str, reason: str) -> Reported:
        self.calls += 1
        self.reports.append((counter_id, reason))
        return self.keeps
