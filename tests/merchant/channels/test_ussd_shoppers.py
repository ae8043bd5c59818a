"""What a shopper is told by telephone: how payments ended, what was asked before, and whom the money is for."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from merchant.channels.ussd import shopping
from merchant.channels.ussd.shopping import Shopping
from merchant.compliance.policies.in_force import policy_of
from merchant.core import clock, errors, ids
from merchant.core.access import Actor
from merchant.core.money import Money
from merchant.core.phone import Msisdn
from merchant.payments.operations import NewRequest, create_request
from merchant.payments.reasons import HUB_NO_ANSWER, HUB_UNREACHABLE, over_limit
from tests import builders
from tests.builders import World
from tests.merchant.channels.conftest import PHONE, Lines, open_groceries

pytestmark = pytest.mark.anyio
MoveClock = Callable[[timedelta], datetime]
STRANGER = "+254733000002"


@pytest.fixture(scope="session")
def template(stocked: Callable[[str, Any], str]) -> str:
    return stocked("groceries", open_groceries)


async def become(
    lines: Lines, state: str, reason: str | None = None, message: str | None = None, *, cause: str = "x", **columns: Any
) -> None:
    """The newest request comes to a state now, as an engine would write it."""
    [request] = await lines.rows("SELECT id, dfsp_id, steps FROM payment_request ORDER BY id DESC LIMIT 1")
    now, step = clock.now(), request["steps"] + 1
    await lines.change(
        "UPDATE payment_request SET state = $2, reason_code = $3, reason_message = $4, steps = $5, hub_trouble = $6,"
        " paid_at = $7 WHERE id = $1",
        request["id"],
        state,
        reason,
        message,
        step,
        columns.get("hub_trouble"),
        now if state == "paid" else None,
    )
    await lines.change(
        "INSERT INTO payment_event (request_id, seq, dfsp_id, at, state, cause) VALUES ($1, $2, $3, $4, $5, $6)",
        request["id"],
        step,
        request["dfsp_id"],
        now,
        state,
        cause,
    )


async def ask_from_the_till(lines: Lines, amount_minor: int = 2500) -> UUID:
    """The shop asks this phone for money by its own till."""
    actor = Actor(kind="service", id=UUID(int=0), name="till", dfsp_id=lines.merchant.dfsp_id)
    new = NewRequest(
        counter_id=lines.counter.id, amount=Money(amount_minor, "USD"), payer=Msisdn.of(PHONE), channel="api"
    )
    async with lines.service.db.system() as tx:
        return (await create_request(tx, lines.service, actor, new)).id


# --- what became of it -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "reason", "told"),
    [
        ("rejected", "payer_rejected", "Not paid: your bank said no to 25.00 USD for Mama Njeri."),
        ("failed", "payer_not_found", "Not paid: no bank knows your phone for 25.00 USD to Mama Njeri."),
        ("failed", "payer_dfsp_unreachable", "Not paid: your bank could not be reached for 25.00 USD"),
        ("failed", "payer_cannot_pay", "Not paid: your bank could not make 25.00 USD"),
        ("failed", "payer_limit", "Not paid: your bank does not allow 25.00 USD"),
        ("failed", "payer_blocked", "Not paid: your account may not pay 25.00 USD"),
        ("failed", "payer_dfsp_unsupported", "Not paid: your bank takes no such request."),
        ("failed", "payee_blocked", "Not paid: Mama Njeri could not take 25.00 USD."),
        ("failed", "hub_busy", "Not paid: 25.00 USD to Mama Njeri did not go through."),
        ("failed", None, "Not paid: 25.00 USD to Mama Njeri did not go through."),
        ("expired", "payer_not_asked", "Not paid: we could not ask your bank for 25.00 USD"),
        ("cancelled", None, "Not paid: the shop cancelled 25.00 USD to Mama Njeri."),
    ],
)
async def test_each_end_has_its_own_sentence_and_may_be_paid_again(
    lines: Lines, state: str, reason: str | None, told: str
) -> None:
    await lines.pay()
    await become(lines, state, reason)
    screen = await lines.step("", "s2")
    assert screen.startswith(f"CON {told}")
    assert "1 Pay again" in screen
    assert (await lines.step("1", "s2")).startswith("CON Pay 25.00 USD to Mama Njeri, Nairobi (")
    assert (await lines.step("1*1", "s2")).startswith("END We asked your bank")
    assert len(await lines.requests()) == 2


async def test_a_limit_is_told_with_what_would_fit(lines: Lines) -> None:
    await lines.pay()
    await become(lines, "failed", "over_limit", str(over_limit(Money(1_250_000, "USD")).message))
    screen = await lines.step("", "s2")
    assert screen.startswith("CON Not paid: 25.00 USD is over the limit of Mama Njeri. It can take 12,500.00.")
    await become(lines, "failed", "over_limit", str(over_limit(Money(0, "USD")).message))
    screen = await lines.step("", "s3")
    assert screen.startswith("CON Not paid: 25.00 USD is over what Mama Njeri may take today or this month.")


async def test_a_paid_request_is_told_with_its_day_and_time(lines: Lines) -> None:
    await lines.pay()
    await become(lines, "paid")
    zone = await lines.service.time_zone()
    [request] = await lines.requests()
    when = request["paid_at"].astimezone(zone).strftime("%d/%m %H:%M")
    assert (await lines.step("", "s2")) == f"CON Paid: 25.00 USD to Mama Njeri, {when}.\n0 Back 00 Home"
    assert (await lines.step("", "s3", STRANGER)).startswith("CON Shop payments")


async def test_a_bank_that_did_not_answer_in_time_may_still_pay_for_some_minutes(
    lines: Lines, move_clock: MoveClock
) -> None:
    await lines.pay()
    await become(lines, "expired", "request_expired")
    screen = await lines.step("", "s2")
    assert screen.startswith("CON Your bank did not answer in time for 25.00 USD to Mama Njeri. It may still pay:")
    await become(lines, "paid")
    assert (await lines.step("1", "s2")).startswith("CON Paid: 25.00 USD")
    await become(lines, "expired", "request_expired")
    move_clock(shopping.ENDED_SHOWN_FOR + timedelta(seconds=1))
    assert (await lines.step("", "s3")).startswith("CON Shop payments")
    assert "not paid" in await lines.step("3", "s3")
    assert (await lines.step("3*1", "s3")).startswith("CON Not paid: you did not answer in time for 25.00 USD")


@pytest.mark.parametrize(
    ("reason", "trouble", "told"),
    [(HUB_UNREACHABLE, "unreachable", "Not paid: we could not ask"), (HUB_NO_ANSWER, "no_answer", "Your bank did not")],
)
async def test_a_hub_that_may_have_asked_the_bank_is_not_one_that_was_never_reached(
    lines: Lines, reason: errors.Reason, trouble: str, told: str
) -> None:
    await lines.pay()
    await become(lines, "expired", reason.code, str(reason.message), hub_trouble=trouble)
    assert (await lines.step("", "s2")).startswith(f"CON {told}")


async def test_what_ended_a_moment_ago_is_told_however_long_it_had_waited(lines: Lines, move_clock: MoveClock) -> None:
    await ask_from_the_till(lines)
    move_clock(timedelta(hours=3))
    await become(lines, "paid")
    assert (await lines.step("", "s1")).startswith("CON Paid: 25.00 USD")


async def test_doubt_is_told_for_a_day(lines: Lines, move_clock: MoveClock) -> None:
    await lines.pay()
    await become(lines, "in_doubt", "checking")
    move_clock(timedelta(hours=23))
    screen = await lines.step("", "s2")
    assert screen.startswith("CON We do not know yet if your payment of 25.00 USD to Mama Njeri was made.")
    assert "Do not pay again yet." in screen
    move_clock(timedelta(hours=2))
    assert (await lines.step("", "s3")).startswith("CON Shop payments")


async def test_every_open_request_is_told_of_newest_first(lines: Lines) -> None:
    await lines.pay("25")
    await become(lines, "rejected", "payer_rejected")
    await lines.step(f"{lines.counter.alias}*30", "s2")
    await lines.step(f"{lines.counter.alias}*30*1", "s2")
    screen = await lines.step("", "s3")
    assert [line[:4] for line in screen.split("\n")[:3]] == ["CON ", "1 30", "2 25"]
    assert (await lines.step("2", "s3")).startswith("CON Not paid: your bank said no to 25.00 USD")
    assert (await lines.step("2*0", "s3")) == screen
    assert (await lines.step("2*0*1", "s3")).startswith("CON Your payment of 30.00 USD")


# --- never twice -----------------------------------------------------------------------------------------------------


async def dial_and_confirm(lines: Lines, session: str, amount: str = "25") -> str:
    dialled = f"{lines.counter.alias}*{amount}"
    await lines.step(dialled, session)
    return await lines.step(f"{dialled}*1", session)


@pytest.mark.parametrize(
    ("state", "reason", "told"),
    [
        ("paid", None, "You paid 25.00 USD to Mama Njeri 1 min ago. Pay once more?"),
        ("in_doubt", "checking", "We do not know yet if 25.00 USD to Mama Njeri was paid."),
        ("expired", "request_expired", "You asked to pay 25.00 USD to Mama Njeri. Your bank may still pay it."),
        ("accepted", None, "You already asked to pay 25.00 USD to Mama Njeri."),
    ],
)
async def test_the_same_payment_is_named_before_it_is_asked_for_again(
    lines: Lines, state: str, reason: str | None, told: str
) -> None:
    await lines.pay()
    await become(lines, state, reason)
    await dial_and_confirm(lines, "s2", "30")  # whatever came between
    again = await dial_and_confirm(lines, "s3")
    assert again.startswith(f"CON {told}")
    assert len(await lines.requests()) == 2
    assert (await lines.step(f"{lines.counter.alias}*25*1*1", "s3")).startswith("END We asked")
    assert len(await lines.requests()) == 3


async def test_what_the_shop_asked_for_itself_counts_as_well(lines: Lines) -> None:
    await ask_from_the_till(lines)
    assert (await dial_and_confirm(lines, "s1")).startswith("CON You already asked to pay 25.00 USD")


async def test_ten_sessions_of_one_phone_confirm_the_same_payment_at_once_and_one_asks(lines: Lines) -> None:
    dialled = f"{lines.counter.alias}*25"
    for number in range(10):
        await lines.step(dialled, f"s{number}")
    ends = await asyncio.gather(*(lines.step(f"{dialled}*1", f"s{number}") for number in range(10)))
    assert sum(end.startswith("END We asked") for end in ends) == len(await lines.requests()) == 1
    assert sum(end.startswith("CON You already asked") for end in ends) == 9


# --- limits ----------------------------------------------------------------------------------------------------------


async def take_of_limit(lines: Lines, period: str, taken_minor: int, payments: int = 1) -> None:
    await lines.change(
        "INSERT INTO limit_usage (merchant_id, period, currency, dfsp_id, taken_minor, payments)"
        " VALUES ($1, $2, 'USD', $3, $4, $5)",
        lines.merchant.id,
        period,
        lines.merchant.dfsp_id,
        taken_minor,
        payments,
    )


async def test_the_limits_of_day_and_month_are_told_apart_and_a_smaller_amount_is_asked_for(lines: Lines) -> None:
    day = clock.local_date(clock.now(), (await lines.service.scheme()).time_zone)
    limits = (await policy_of(lines.service, lines.merchant.dfsp_id)).limits(lines.merchant.tier, "USD")
    await take_of_limit(lines, day.strftime("%Y-%m"), limits.per_month_minor - 1000)
    screen = await dial_and_confirm(lines, "s1", "20")
    assert screen.startswith("CON This shop can take 10 USD more this month.\nMama Njeri\nEnter the amount in USD:")
    await take_of_limit(lines, day.isoformat(), limits.per_day_minor - 500)
    screen = await dial_and_confirm(lines, "s2", "20")
    assert screen.startswith("CON This shop can take 5 USD more today.")
    dialled = f"{lines.counter.alias}*20*1"
    assert (await lines.step(f"{dialled}*5", "s2")).startswith("CON Pay 5.00 USD")
    assert (await lines.step(f"{dialled}*5*1", "s2")).startswith("END We asked")
    full_day = limits.per_day_minor, day.isoformat()
    await lines.change("UPDATE limit_usage SET taken_minor = $1 WHERE period = $2", *full_day)
    assert await dial_and_confirm(lines, "s3", "20") == (
        "END This shop can take no more money today. You were not charged."
    )
    await lines.change("UPDATE limit_usage SET taken_minor = $1", limits.per_month_minor)
    assert await dial_and_confirm(lines, "s4", "20") == (
        "END This shop can take no more money this month. You were not charged."
    )


# --- whom the money is for -------------------------------------------------------------------------------------------


async def another_shop(lines: Lines, world: World, city: str = "Nakuru", **business: Any) -> Any:
    document = builders.company(**({"currencies": ["USD"]} | business))
    document["locations"][0]["city"] = city
    await builders.create_merchant(lines.service, world, document=document)
    [counter] = await lines.rows("SELECT * FROM counter ORDER BY id DESC LIMIT 1")
    return counter


async def test_two_shops_of_one_name_differ_by_town_and_number(lines: Lines, world: World) -> None:
    other = await another_shop(lines, world, trading_name="Mama Njeri", ussd_name="Mama Njeri")
    asked = f"{lines.counter.alias}*25", f"{other['alias']}*25"
    first, second = await lines.step(asked[0], "s1"), await lines.step(asked[1], "s2")
    assert first.startswith(f"CON Pay 25.00 USD to Mama Njeri, Nairobi ({lines.counter.alias})?")
    assert second.startswith(f"CON Pay 25.00 USD to Mama Njeri, Nakuru ({other['alias']})?")


async def test_a_number_is_found_as_people_write_it(lines: Lines) -> None:
    number = lines.counter.alias
    written = (f"\u200f{number}\u202c", f"{number[:4]}-{number[4:]}", f"{number[:4]} {number[4:]}", f"\ufeff{number}.")
    for place, typed in enumerate(written):
        phone = f"+25473300010{place}"  # another each time: one that calls again goes on where it stopped
        screen = await lines.walk("1", typed, session=f"s{place}", phone=phone)
        assert screen.startswith("CON Mama Njeri\n"), repr(typed)


async def test_a_shop_of_two_currencies_is_paid_in_its_own_first_or_in_the_one_chosen(
    lines: Lines, world: World
) -> None:
    shop = await another_shop(lines, world, currencies=["KES", "USD"], ussd_name="Two Currencies")
    number = shop["alias"]
    asked = await lines.walk("1", number)
    assert asked == f"CON Shop {number} takes:\n1 KES\n2 USD\n0 Back 00 Home"
    assert (await lines.step(f"1*{number}*2")).startswith("CON Two Currencies\nEnter the amount in USD:")
    assert (await lines.step(f"1*{number}*2*5")).startswith("CON Pay 5.00 USD to Two Currencies")
    assert (await lines.step(f"{number}*5", "s2")).startswith("CON Pay 5.00 KES to Two Currencies")
    assert (await lines.step(f"{number}*5*1", "s2")).startswith("END We asked your bank to pay 5.00 KES")


@pytest.mark.parametrize("alias", ["0", "1", "9", "00", "42", "98", "99", "9-9", "1."])
async def test_a_number_that_is_a_key_of_the_menu_is_not_issued(lines: Lines, world: World, alias: str) -> None:
    document = builders.company()
    document["locations"][0]["counters"][0]["own_alias"] = alias
    with pytest.raises((errors.MerchantError, AssertionError)):
        await builders.create_merchant(lines.service, world, document=document)


@pytest.mark.parametrize("alias", ["1", "7", "98", "99"])
async def test_one_that_was_issued_earlier_is_found_as_a_shops_number(lines: Lines, alias: str) -> None:
    await lines.change("UPDATE counter SET alias = $2 WHERE id = $1", lines.counter.id, alias)
    await lines.change(
        "INSERT INTO alias_claim (alias_type, alias, dfsp_id, counter_id, claimed_at)"
        " VALUES ('ALIAS', $1, $2, $3, now())",
        alias,
        lines.merchant.dfsp_id,
        lines.counter.id,
    )
    assert (await lines.walk("1", alias)).startswith("CON Mama Njeri\n")


async def test_ten_kilobytes_are_answered_by_a_screen(lines: Lines) -> None:
    await lines.step("1")
    screen = await lines.step("1*" + "9" * 10_000)
    assert screen.startswith("CON No shop has that number.")


# --- a phone's own payments ------------------------------------------------------------------------------------------


async def test_a_phone_sees_its_payments_and_its_shops_and_nobody_elses(lines: Lines, move_clock: MoveClock) -> None:
    await lines.pay()
    await become(lines, "paid")
    await lines.change(
        "INSERT INTO payment (id, dfsp_id, merchant_id, counter_id, payer_fsp_id, transfer_id, transaction_id,"
        " amount_minor, currency, payer_masked, payer_digest, received_at)"
        " VALUES ($1, $2, $3, $4, 'mobilemoney', 't', 't', 700, 'USD', '2547*****001', $5, $6)",
        ids.uuid7(),
        lines.merchant.dfsp_id,
        lines.merchant.id,
        lines.counter.id,
        Msisdn.of(PHONE).digest(lines.service.vault),
        clock.now(),
    )
    move_clock(timedelta(hours=1))
    listed = (await lines.walk("3", session="s2")).split("\n")
    assert [line.split()[:2] for line in listed[1:3]] == [["1", "7.00"], ["2", "25.00"]]
    assert listed[1].endswith(" paid")
    assert (await lines.step("3*1", "s2")).startswith("CON Paid: 7.00 USD to Mama Njeri, ")
    shops = await lines.walk("4", session="s3")
    assert shops == f"CON Shops you paid:\n1 Mama Njeri {lines.counter.alias}\n0 Back 00 Home"
    assert (await lines.step("4*1", "s3")).startswith("CON Mama Njeri\nEnter the amount in USD:")
    assert "You have no payments yet." in await lines.walk("3", session="s4", phone=STRANGER)
    assert "You have paid no shop yet." in await lines.walk("4", session="s5", phone=STRANGER)


async def test_a_shop_that_was_suspended_is_no_longer_among_the_shops(lines: Lines, move_clock: MoveClock) -> None:
    await lines.pay()
    await become(lines, "paid")
    move_clock(timedelta(hours=1))
    await lines.change("UPDATE merchant SET state = 'suspended' WHERE id = $1", lines.merchant.id)
    assert "You have paid no shop yet." in await lines.walk("4", session="s2")


async def test_a_shop_asks_a_phone_which_says_no(lines: Lines) -> None:
    await ask_from_the_till(lines)
    assert (await lines.step("")).startswith("CON Mama Njeri asks you for 25.00 USD.")
    assert (await lines.step("2")).startswith("CON Say no to 25.00 USD for Mama Njeri?")
    assert (await lines.step("2*1")).startswith("END We told the shop that you do not pay.")
    assert await lines.step("2*1") == await lines.step("2*1")
    [request] = await lines.requests()
    assert (request["state"], request["reason_code"]) == ("rejected", "payer_rejected")
    causes = await lines.rows("SELECT cause FROM payment_event WHERE request_id = $1 ORDER BY seq", request["id"])
    assert [row["cause"] for row in causes] == ["api", "declined_by_payer"]
    assert (await lines.step("", "s2")).startswith("CON Not paid: you said no to 25.00 USD for Mama Njeri.")


async def test_what_was_paid_meanwhile_is_not_declined(lines: Lines) -> None:
    await ask_from_the_till(lines)
    await lines.step("")
    await lines.step("2")
    await become(lines, "paid")
    screen = await lines.step("2*1")
    assert screen.startswith("CON It is too late to say no here.\nPaid: 25.00 USD to Mama Njeri")


async def test_another_phone_can_neither_see_nor_decline_a_request(lines: Lines) -> None:
    request_id = await ask_from_the_till(lines)
    assert (await lines.step("", phone=STRANGER)).startswith("CON Shop payments")
    async with lines.service.db.system() as tx:
        stranger = Shopping(tx, lines.service)
        assert await stranger.own_request(STRANGER, str(request_id)) is None
        assert await stranger.decline_request(STRANGER, str(request_id)) == "too_late"
    [request] = await lines.requests()
    assert request["state"] == "created"


# --- reports ---------------------------------------------------------------------------------------------------------


async def reports(lines: Lines) -> list[asyncpg.Record]:
    return await lines.rows("SELECT reason, code, counter_id, source_digest FROM code_report ORDER BY id")


async def test_a_wrong_shop_is_reported_to_its_dfsp_a_few_times_a_day(lines: Lines, move_clock: MoveClock) -> None:
    way = ("8", "1", lines.counter.alias)
    assert (await lines.walk(*way)).startswith(f"CON What is wrong with shop {lines.counter.alias}?\n1 It shows")
    assert await reports(lines) == []
    for number in range(shopping.MAX_REPORTS):
        assert (await lines.walk(*way, "2", session=f"s{number}")).startswith("END Thank you.")
    assert (await lines.walk(*way, "2", session="more")).startswith("END You sent many reports today.")
    kept = await reports(lines)
    assert [(row["reason"], row["code"]) for row in kept] == [("asked_for_more", lines.counter.alias)] * 3
    assert len({row["source_digest"] for row in kept}) == 1
    assert PHONE.encode() not in kept[0]["source_digest"]
    assert (await lines.walk(*way, "1", session="other", phone=STRANGER)).startswith("END Thank you.")
    move_clock(timedelta(days=1, seconds=1))
    assert (await lines.walk(*way, "1", session="later")).startswith("END Thank you.")
