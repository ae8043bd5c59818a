"""The half of the small world that belongs to shops: a `ussd.MerchantBackend` in memory."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from ussd import (
    CashierLine,
    Currency,
    CurrencyRoom,
    Demand,
    DemandOutcome,
    NewCashier,
    OwnCounter,
    PaymentLine,
    Refund,
    RefundOutcome,
    RequestLine,
    ShopLimits,
    Taking,
)
from ussd.trade import ActOutcome

MERCHANT = "+254722000222"  # one shop, one counter
CHAIN = "+254733000333"  # one shop of twelve counters
TWINS = "+254722000314"  # two shops at two providers
TRADER = "+254722000401"  # one shop that takes two currencies
CASHIER = "+254722000501"  # of one counter of the chain

SHILLINGS, DOLLARS = Currency("KES", 2, 1_000_000), Currency("USD", 2, 50_000)


def chain_counter(number: int) -> OwnCounter:
    return OwnCounter(f"c-{number}", f"{60_000_000 + number}", f"Till {number}", "s-chain", "Chain", (SHILLINGS,))


class Trading:
    """What shops and their people are, and what they asked for. Tests change its fields."""

    def __init__(self, now: datetime) -> None:
        self.calls = 0
        self.counters = {
            MERCHANT: [OwnCounter("c-amina", "74210006", "Till 1", "s-amina", "Mama Amina", (SHILLINGS,))],
            CHAIN: [chain_counter(number) for number in range(1, 13)],
            TWINS: [
                OwnCounter("c-twin-a", "46645305", "Till 1", "s-a", "Twin Shop A", (SHILLINGS,)),
                OwnCounter("c-twin-b", "33917162", "Till 1", "s-b", "Twin Shop B", (SHILLINGS,)),
            ],
            TRADER: [OwnCounter("c-two", "47565924", "Till 1", "s-two", "Two Currencies", (SHILLINGS, DOLLARS))],
            CASHIER: [replace(chain_counter(7), rights="cashier")],
        }
        self.received = [
            PaymentLine(25_000 + n, "KES", 2, f"2547*****{n:03}", now - timedelta(minutes=7 * n), f"p-{n}", 25_000 + n)
            for n in range(23)
        ]
        self.asked = [
            RequestLine("r-1", 25_000, "KES", 2, "2547*****001", now, "waiting", "", True, True),
            RequestLine("r-2", 10_000, "KES", 2, "2547*****002", now, "paid"),
            RequestLine("r-3", 7_700, "KES", 2, "2547*****003", now, "not_paid", "payer_rejected", True),
            RequestLine("r-4", 5_000, "KES", 2, "2547*****004", now, "doubt"),
        ]
        self.takings = [Taking("KES", 2, 14, 1_250_000)]
        self.limits: ShopLimits | None = ShopLimits(
            "T1", (CurrencyRoom("KES", 2, 1_000_000, 4_000_000, 19_000_000),), "Green Bank", "T2"
        )
        self.people = [CashierLine("u-1", "Joy", "2547*****501", "Till 7")]
        self.demand_outcome = DemandOutcome("sent", "2547*****111")
        self.act_outcome: ActOutcome = "done"
        self.refund_outcome = RefundOutcome("sent")
        self.may_refund = False
        self.demands: list[Demand] = []
        self.acts: list[str] = []

    async def own_counters(self, msisdn: str) -> list[OwnCounter]:
        self.calls += 1
        return self.counters.get(msisdn, [])

    async def recent_payments(self, msisdn: str, counter_id: str, limit: int) -> list[PaymentLine]:
        self.calls += 1
        return self.received[:limit]

    async def read_phone(self, text: str) -> str | None:
        digits = "".join(c for c in text if c.isdigit())
        return f"+254{digits[-9:]}" if 9 <= len(digits) <= 12 else None

    async def demand(self, demand: Demand) -> DemandOutcome:
        self.calls += 1
        if self.demand_outcome.state == "sent":
            self.demands.append(demand)
        return self.demand_outcome

    async def recent_requests(self, msisdn: str, shop_id: str, limit: int) -> list[RequestLine]:
        self.calls += 1
        return self.asked[:limit]

    async def read_request(self, msisdn: str, request_id: str) -> RequestLine | None:
        self.calls += 1
        return next((one for one in self.asked if one.request_id == request_id), None)

    async def demand_again(self, msisdn: str, request_id: str, key: str) -> DemandOutcome:
        self.calls += 1
        self.acts.append(f"ask again {request_id}")
        return self.demand_outcome

    async def take_back(self, msisdn: str, request_id: str, key: str) -> DemandOutcome:
        self.calls += 1
        self.acts.append(f"take back {request_id}")
        return self.demand_outcome

    async def takings_today(self, msisdn: str, shop_id: str) -> list[Taking]:
        self.calls += 1
        return self.takings

    async def shop_limits(self, msisdn: str, shop_id: str) -> ShopLimits | None:
        self.calls += 1
        return self.limits

    async def cashiers(self, msisdn: str, shop_id: str) -> list[CashierLine]:
        self.calls += 1
        return self.people

    async def add_cashier(self, new: NewCashier) -> ActOutcome:
        self.calls += 1
        self.acts.append(f"add {new.name} {new.phone} {new.counter_id}")
        return self.act_outcome

    async def remove_cashier(self, msisdn: str, person_id: str, key: str) -> ActOutcome:
        self.calls += 1
        self.acts.append(f"remove {person_id}")
        return self.act_outcome

    async def send_code(self, msisdn: str, counter_id: str, language: str, key: str) -> ActOutcome:
        self.calls += 1
        self.acts.append(f"send {counter_id} {language}")
        return self.act_outcome

    async def refunds_open(self, msisdn: str) -> bool:
        return self.may_refund

    async def refund(self, refund: Refund) -> RefundOutcome:
        self.calls += 1
        self.acts.append(f"refund {refund.payment_id} {refund.amount_minor}")
        return self.refund_outcome
