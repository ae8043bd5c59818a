"""Limits: nothing over them however many come at once, given back when not used, counted in the scheme's days."""

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from merchant.compliance.policies.in_force import policy_of
from merchant.core import clock
from merchant.core.service import Service
from merchant.payments import limits
from merchant.payments.book import Book, Decision, MerchantFacts
from merchant.payments.book_loading import empty_book, load_used, lock_limits
from merchant.payments.book_saving import save_decisions
from merchant.registry.merchants.models import Merchant
from tests import builders
from tests.builders import World
from tests.merchant.payments.stage import Stage

pytestmark = pytest.mark.anyio
Clock = Callable[[timedelta], datetime]
DAY = date(2027, 1, 31)
# Tier T0 in US cents: a payment, a day, a month; and payments a day.
PER_PAYMENT, PER_DAY, PER_MONTH, PER_DAY_COUNT = 2_000, 6_000, 30_000, 30


@pytest.fixture
async def seller(service: Service, world: World) -> Merchant:
    """A street seller of tier T0 that takes US dollars."""
    merchant, _ = await builders.create_merchant(service, world, document=builders.seller(currencies=["USD"]))
    assert merchant.tier == "T0"
    return merchant


async def book_of(
    tx: Any, service: Service, seller: Merchant, day: date, *, locked: bool
) -> tuple[Book, MerchantFacts]:
    """The seller's limits on a day, for whoever looks at them or takes of them."""
    book = await empty_book(service, clock.now())
    book.rules = replace(book.rules, day=day)
    book.policies[seller.dfsp_id] = await policy_of(service, seller.dfsp_id)
    if locked:
        await lock_limits(tx, [seller.id])
    await load_used(tx, book, [seller.id])
    return book, MerchantFacts(seller.id, seller.dfsp_id, seller.state, seller.tier, seller.id)


async def reserve(
    service: Service, seller: Merchant, minor: int, day: date = DAY, currency: str = "USD", *, anyway: bool = False
) -> bool:
    async with service.db.system() as tx:
        book, merchant = await book_of(tx, service, seller, day, locked=True)
        if minor > limits.headroom(book, merchant, currency).minor and not anyway:
            return False
        decision = Decision()
        decision.use(limits.usage_keys(merchant, day, currency), minor, 1)
        await save_decisions(tx, service, book, [decision])
        return True


async def release(service: Service, seller: Merchant, minor: int, day: date = DAY) -> None:
    async with service.db.system() as tx:
        book, merchant = await book_of(tx, service, seller, day, locked=False)
        decision = Decision()
        decision.use(limits.usage_keys(merchant, day, "USD"), -minor, -1)
        await save_decisions(tx, service, book, [decision])


async def fits(service: Service, seller: Merchant, day: date = DAY, currency: str = "USD") -> int:
    """The most that one payment may be."""
    async with service.db.system_reads() as tx:
        book, merchant = await book_of(tx, service, seller, day, locked=False)
        return limits.headroom(book, merchant, currency).minor


async def usage(service: Service) -> dict[str, tuple[int, int]]:
    """period → minor units taken, payments."""
    async with service.db.system_reads() as tx:
        rows = await tx.fetch("SELECT period, taken_minor, payments FROM limit_usage")
    return {row["period"]: (row["taken_minor"], row["payments"]) for row in rows}


@pytest.mark.parametrize(("minor", "fitting"), [(2_000, 3), (1_999, 3), (2_001, 0), (1_500, 4), (7, 30)])
async def test_of_many_at_once_exactly_as_many_succeed_as_fit(
    service: Service, seller: Merchant, minor: int, fitting: int
) -> None:
    taken = await asyncio.gather(*(reserve(service, seller, minor) for _ in range(fitting + 6)))
    assert sum(taken) == fitting
    held = await usage(service)
    assert held.get("2027-01-31", (0, 0)) == held.get("2027-01", (0, 0)) == (fitting * minor, fitting)


async def test_a_full_month_gives_the_day_back(service: Service, seller: Merchant) -> None:
    for day in range(1, 16):
        assert await reserve(service, seller, PER_PAYMENT, date(2027, 1, day))
    assert not await reserve(service, seller, 1)
    held = await usage(service)
    assert held["2027-01"] == (PER_MONTH, 15)
    assert held.get("2027-01-31", (0, 0)) == (0, 0)
    assert await reserve(service, seller, PER_PAYMENT, date(2027, 2, 1)), "a new month is a new room"


async def test_many_at_once_at_the_edge_of_a_month(service: Service, seller: Merchant) -> None:
    for day in range(1, 15):
        assert await reserve(service, seller, PER_PAYMENT, date(2027, 1, day))
    days = [date(2027, 1, 20 + day) for day in range(8)]
    taken = await asyncio.gather(*(reserve(service, seller, PER_PAYMENT, day) for day in days))
    assert sum(taken) == 1
    held = await usage(service)
    assert held["2027-01"] == (PER_MONTH, 15)
    assert sum(held.get(day.isoformat(), (0, 0))[0] for day in days) == PER_PAYMENT


async def test_what_is_given_back_can_be_taken_again(service: Service, seller: Merchant) -> None:
    for _ in range(3):
        assert await reserve(service, seller, PER_PAYMENT)
    assert not await reserve(service, seller, 1)
    await release(service, seller, PER_PAYMENT)
    assert await usage(service) == {"2027-01-31": (4_000, 2), "2027-01": (4_000, 2)}
    assert await reserve(service, seller, PER_PAYMENT)


async def test_taking_and_giving_back_at_once_never_get_in_each_others_way(service: Service, seller: Merchant) -> None:
    async def take_and_give_back() -> bool:
        taken = await reserve(service, seller, 100)
        if taken:
            await release(service, seller, 100)
        return taken

    assert all(await asyncio.gather(*(take_and_give_back() for _ in range(29))))
    assert await usage(service) == {"2027-01-31": (0, 0), "2027-01": (0, 0)}


async def test_money_that_came_all_the_same_counts_over_the_limit(service: Service, seller: Merchant) -> None:
    for _ in range(3):
        await reserve(service, seller, PER_PAYMENT)
    assert await reserve(service, seller, PER_PAYMENT, anyway=True)
    assert await usage(service) == {"2027-01-31": (8_000, 4), "2027-01": (8_000, 4)}
    assert not await reserve(service, seller, 1)


async def test_a_look_at_the_limits_takes_nothing(service: Service, seller: Merchant) -> None:
    assert await fits(service, seller) == PER_PAYMENT
    assert await usage(service) == {}


async def test_what_is_left_of_a_limit_is_what_fits(service: Service, seller: Merchant) -> None:
    for minor, left in ((PER_PAYMENT, PER_PAYMENT), (PER_PAYMENT, PER_PAYMENT), (1_500, 500), (499, 1), (1, 0)):
        assert await reserve(service, seller, minor)
        assert await fits(service, seller) == left


async def test_what_is_taken_in_one_currency_is_missing_in_every_other(service: Service, seller: Merchant) -> None:
    """The day's limit is one, whatever it is said in."""
    policy = await policy_of(service, seller.dfsp_id)
    usd, kes = (policy.limits("T0", currency) for currency in ("USD", "KES"))
    assert await fits(service, seller, currency="KES") == kes.per_payment_minor
    for _ in range(2):
        assert await reserve(service, seller, PER_PAYMENT)
    left = kes.per_day_minor - 2 * PER_PAYMENT * kes.per_day_minor // usd.per_day_minor
    assert await fits(service, seller, currency="KES") == min(left, kes.per_payment_minor)
    assert await reserve(service, seller, PER_PAYMENT)
    assert await fits(service, seller, currency="KES") == 0
    assert not await reserve(service, seller, 1, currency="KES")
    assert await fits(service, seller, DAY - timedelta(days=1), "KES") == kes.per_payment_minor, (
        "the day before is free"
    )


async def test_payments_of_a_day_are_counted_over_all_currencies(service: Service, seller: Merchant) -> None:
    for number in range(PER_DAY_COUNT):
        assert await reserve(service, seller, 1, currency=("USD", "KES")[number % 2])
    assert [await fits(service, seller, currency=currency) for currency in ("USD", "KES")] == [0, 0]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.integers(1, 2_500), st.integers(27, 33), st.booleans()), max_size=25))
async def test_a_look_foretells_a_reservation_and_no_limit_is_ever_passed(
    service: Service, seller: Merchant, steps: list[tuple[int, int, bool]]
) -> None:
    held: list[tuple[int, date]] = []
    for minor, offset, gives_back in steps:
        day = date(2026, 12, 31) + timedelta(days=offset)
        if gives_back and held:
            await release(service, seller, *held.pop())
            continue
        foretold = minor <= await fits(service, seller, day)
        assert await reserve(service, seller, minor, day) == foretold
        if foretold:
            held.append((minor, day))
    for period, (taken, count) in (await usage(service)).items():
        own = [minor for minor, day in held if day.isoformat().startswith(period)]
        assert (taken, count) == (sum(own), len(own))
        assert taken <= (PER_DAY if len(period) == 10 else PER_MONTH)
        assert len(period) == 7 or count <= PER_DAY_COUNT
    for minor, day in held:
        await release(service, seller, minor, day)


async def test_a_day_begins_at_midnight_in_the_schemes_time_zone(stage: Stage, move_clock: Clock) -> None:
    start = datetime.combine(clock.now().date() + timedelta(days=1), time(20, 59, 30), UTC)  # 23:59:30 in Nairobi
    move_clock(start - clock.now())
    await stage.pay()
    move_clock(timedelta(minutes=1))
    await stage.pay()
    days = [row["usage_day"] for row in await stage.rows("SELECT usage_day FROM transfer ORDER BY reserved_at")]
    assert days == [start.date().isoformat(), (start.date() + timedelta(days=1)).isoformat()]


async def test_an_abort_after_midnight_gives_back_the_day_that_was_taken(stage: Stage, move_clock: Clock) -> None:
    start = datetime.combine(clock.now().date() + timedelta(days=1), time(20, 59, 50), UTC)
    move_clock(start - clock.now())
    transfer_id = await stage.reserved()
    move_clock(timedelta(seconds=20))
    await stage.pay()
    await stage.end_transfer(transfer_id, "ABORTED")
    held = await usage(stage.service)
    assert held[start.date().isoformat()] == (0, 0)
    assert held[(start.date() + timedelta(days=1)).isoformat()] == (1000, 1)
