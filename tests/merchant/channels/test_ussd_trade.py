"""A shop's own people at the USSD door: each sees and does for their own shop what the API lets them, and no more."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

import ussd
from merchant.channels.ussd import own_shops
from merchant.channels.ussd.backend import ServiceBackend
from merchant.core import clock
from merchant.core.access import Role
from merchant.core.money import Money
from merchant.core.phone import Msisdn
from merchant.payments.book_saving import payer_context
from merchant.payments.states import RequestState
from merchant.people.models import PHONE as PHONE_CONTEXT
from merchant.registry.merchants.models import Counter
from tests import builders
from tests.builders import World
from tests.merchant.channels.conftest import OWNER, PHONE, Lines, open_shop
from tests.merchant.exchange.reports.till import give_back, pay

pytestmark = pytest.mark.anyio
CASHIER = "+254711777009"
CUSTOMER = "0733000001"  # PHONE, as people of the country write it
SHOP = "CON Mama Njeri: "
MENU = "\n1 Ask a customer\n2 Requests\n3 Last payments\n4 Today's total\n5 My number\n6 Manage my shop\n0 Back 00 Home"


@pytest.fixture(scope="session")
def template(stocked: Callable[[str, Any], str]) -> str:
    return stocked("traders", open_shop)


async def add_counter(lines: Lines, name: str, alias: str) -> Counter:
    made = Counter(
        dfsp_id=lines.merchant.dfsp_id,
        merchant_id=lines.merchant.id,
        location_id=lines.counter.location_id,
        name=name,
        alias_type="ALIAS",
        alias=alias,
        created_at=clock.now(),
    )
    async with lines.service.db.system() as tx:
        tx.session.add(made)
    return made


async def give_phone(lines: Lines, email: str, phone: str) -> None:
    """Let the account of this address be known by a phone."""
    async with lines.service.db.system() as tx:
        user_id = await tx.fetchval("SELECT id FROM app_user WHERE email = $1", email)
        sealed = lines.service.vault.seal(phone.encode(), PHONE_CONTEXT.format(id=user_id))
        digest = Msisdn.of(phone).digest(lines.service.vault)
        assert await tx.execute(
            "UPDATE app_user SET phone_sealed = $2, phone_digest = $3 WHERE id = $1", user_id, sealed, digest
        )


async def add_cashier(lines: Lines, counter: Counter | None = None, role: Role = Role.MERCHANT_CASHIER) -> None:
    await builders.add_person(
        lines.service,
        "joy@shop.example",
        [role],
        dfsp_id=lines.merchant.dfsp_id,
        merchant_id=lines.merchant.id,
        counter_id=counter and counter.id,
        name="Joy",
    )
    await give_phone(lines, "joy@shop.example", CASHIER)


async def audited(lines: Lines, action: str) -> list[dict[str, Any]]:
    rows = await lines.rows("SELECT actor_kind, actor_id, detail FROM audit_entry WHERE action = $1", action)
    return [dict(row) for row in rows]


# --- which shop ------------------------------------------------------------------------------------------------------


async def test_a_merchant_sees_its_name_its_number_and_what_customers_dial(lines: Lines) -> None:
    assert await lines.walk("2", phone=OWNER) == f"{SHOP}{lines.counter.alias}{MENU}"
    screen = await lines.step("2*5", phone=OWNER)
    assert screen.startswith(f"CON Mama Njeri: {lines.counter.alias}\n")
    assert f"*384*123*{lines.counter.alias}*AMOUNT#" in screen


async def test_another_phone_has_no_shop(lines: Lines) -> None:
    assert (await lines.walk("2")).startswith("CON This phone has no shop.")


@pytest.mark.parametrize(("state", "shown"), [("restricted", True), ("suspended", True), ("closed", False)])
async def test_a_merchant_sees_its_payments_until_it_is_closed(lines: Lines, state: str, shown: bool) -> None:
    await lines.change("UPDATE merchant SET state = $2 WHERE id = $1", lines.merchant.id, state)
    assert ("This phone has no shop." in await lines.walk("2", phone=OWNER)) != shown
    assert ("No payments yet." in await lines.walk("2", "3", session="s2", phone=OWNER)) == shown


async def test_two_shops_of_one_phone_at_two_providers_are_told_apart(lines: Lines, world: World) -> None:
    twins = []
    for fsp_id, name in (("lakemfi", "Twin Shop B"), ("greenbankfsp", "Twin Shop A")):
        document = builders.seller(trading_name=name)
        document["contact"]["phone"] = "+254722000314"
        twins += (await builders.create_merchant(lines.service, world, fsp_id, document))[1]
    screen = await lines.walk("2", phone="+254722000314")
    assert screen.split("\n")[:3] == [
        "CON Which shop?",
        f"1 {twins[1].alias} Twin Shop A",
        f"2 {twins[0].alias} Twin Shop B",
    ]
    assert (await lines.step("2*2", phone="+254722000314")).startswith(f"CON Twin Shop B: {twins[0].alias}\n")


async def test_counters_are_listed_as_people_count(lines: Lines) -> None:
    for name, alias in (("Till 10", "90000010"), ("till 2", "90000002"), ("Till 3", "90000003")):
        await add_counter(lines, name, alias)
    screen = await lines.walk("2", "5", phone=OWNER)
    names = [line.partition(" ")[2] for line in screen.split("\n")[2:-1]]
    assert names == ["Till 1", "till 2", "Till 3", "Till 10"]


async def test_a_disabled_provider_opens_no_shop(lines: Lines) -> None:
    await lines.change("UPDATE dfsp SET enabled = false WHERE id = $1", lines.merchant.dfsp_id)
    assert (await lines.walk("2", phone=OWNER)).startswith("CON This phone has no shop.")


# --- payments --------------------------------------------------------------------------------------------------------


async def test_payments_are_masked_newest_first_in_local_time(lines: Lines) -> None:
    for hour, minor in ((6, 1000), (21, 123456)):
        at = datetime.fromisoformat(f"2026-03-01T{hour:02}:30:00+00:00")
        await pay(lines.service, lines.counter, at, minor, "USD", payer_masked="2547*****009")
    screen = await lines.walk("2", "3", phone=OWNER)
    assert screen.split("\n")[1:3] == ["1,234.56 USD ***009 02/03 00:30", "10.00 USD ***009 01/03 09:30"]


async def test_a_merchant_with_several_counters_chooses_whose_payments_to_see(lines: Lines) -> None:
    second = await add_counter(lines, "Till 2", "90000002")
    await pay(lines.service, second, clock.now(), 700, "USD", payer_masked="2547*****009")
    assert "Which counter?" in await lines.walk("2", "3", phone=OWNER)
    assert "7.00 USD" in await lines.step("2*3*2", phone=OWNER)
    assert "No payments yet." in await lines.walk("2", "3", "1", session="s2", phone=OWNER)
    assert (await lines.walk("2", "3", "9", session="s3", phone=OWNER)).startswith("CON Choose 1 to 2.")


async def test_todays_total_counts_from_the_schemes_midnight(lines: Lines) -> None:
    zone = await lines.service.time_zone()
    midnight = clock.now().astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    assert "No payments today." in await lines.walk("2", "4", session="s0", phone=OWNER)
    for at, minor, currency in (
        (midnight, 1000, "USD"),
        (clock.now(), 2550, "USD"),
        (clock.now(), 700, "KES"),
        (midnight - timedelta(seconds=1), 99_900, "USD"),
    ):
        await pay(lines.service, lines.counter, at, minor, currency)
    screen = await lines.walk("2", "4", phone=OWNER)
    assert screen.startswith("CON Today:\n7.00 KES. Payments: 1\n35.50 USD. Payments: 2\n")


async def test_todays_total_tells_what_was_given_back_today(lines: Lines) -> None:
    zone = await lines.service.time_zone()
    midnight = clock.now().astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    earlier = await pay(lines.service, lines.counter, midnight - timedelta(days=1), 5_000, "KES")
    await pay(lines.service, lines.counter, clock.now(), 2_550, "USD")
    for minor, at in ((1_000, clock.now()), (250, midnight), (900, midnight - timedelta(seconds=1)), (100, None)):
        await give_back(lines.service, earlier, minor, at)
    screen = await lines.walk("2", "4", phone=OWNER)
    assert screen.startswith("CON Today:\n0.00 KES. Payments: 0. Given back: 12.50\n25.50 USD. Payments: 1\n")


async def test_what_is_left_of_the_limits_counts_every_currency(lines: Lines) -> None:
    before = await lines.walk("2", "6", "1", session="s0", phone=OWNER)
    assert before.startswith(f"CON Level {lines.merchant.tier}. You can still take:\nUSD: ")
    await builders.use_limit(lines.service, lines.merchant, Money(500_000, "USD"))
    after = await lines.walk("2", "6", "1", phone=OWNER)
    assert after.split("\n")[1] != before.split("\n")[1]


# --- asking a customer -----------------------------------------------------------------------------------------------


async def ask(lines: Lines, amount: str = "25", session: str = "s1", phone: str = OWNER, currency: str = "1") -> str:
    return await lines.walk("2", "1", CUSTOMER, currency, amount, "1", "1", session=session, phone=phone)


async def test_a_shop_asks_a_customer(lines: Lines) -> None:
    screen = await lines.walk("2", "1", CUSTOMER, "1", "25.50", "Table 7", phone=OWNER)
    assert screen.startswith(f"CON Ask {PHONE} for 25.50 USD?\nNote: Table 7\n1 Ask\n2 Cancel")
    assert await lines.requests() == []
    text = f"2*1*{CUSTOMER}*1*25.50*Table 7*1"
    ends = await asyncio.gather(*(lines.step(text, phone=OWNER) for _ in range(5)))
    assert set(ends) == {
        "END We asked ***001 for 25.50 USD. They approve it on their phone. Dial *384*123# to see if it is paid."
    }
    [request] = await lines.requests()
    assert (request["amount_minor"], request["currency"], request["channel"]) == (2550, "USD", "ussd-shop")
    assert (request["counter_id"], request["note"], request["payer_masked"]) == (
        lines.counter.id,
        "Table 7",
        "2547*****001",
    )
    [job] = await lines.jobs()
    assert job["topic"] == "payments.look_up"


@pytest.mark.parametrize(
    "typed",
    [
        "0733000001",
        "0733 000 001",
        "0733-000-001",
        "733000001",
        "254733000001",
        "+254733000001",
        "00254733000001",
        "(0733) 000.001",
        "٠٧٣٣٠٠٠٠٠١",
        "\u200f0733000001",
        "0733\u00a0000001",
    ],
)
async def test_a_number_is_read_as_people_of_the_country_write_it(lines: Lines, typed: str) -> None:
    async with lines.service.db.system() as tx:
        assert await ServiceBackend(tx, lines.service, b"").read_phone(typed) == PHONE


@pytest.mark.parametrize("typed", ["", "12", "abc", "0733x00001", "+", "9" * 30, "1e9", "'; --"])
async def test_what_is_no_number_is_none(lines: Lines, typed: str) -> None:
    async with lines.service.db.system() as tx:
        assert await ServiceBackend(tx, lines.service, b"").read_phone(typed) is None


async def test_the_own_number_is_no_customer(lines: Lines) -> None:
    screen = await lines.walk("2", "1", "0711777001", phone=OWNER)
    assert screen.startswith("CON This is your own number.")


async def test_the_shops_own_order_of_currencies_is_asked_in(lines: Lines) -> None:
    await lines.change("UPDATE merchant SET currencies = '{KES,USD}' WHERE id = $1", lines.merchant.id)
    screen = await lines.walk("2", "1", CUSTOMER, phone=OWNER)
    assert screen.startswith("CON Which currency?\n1 KES\n2 USD")
    await lines.change("UPDATE merchant SET currencies = '{KES}' WHERE id = $1", lines.merchant.id)
    screen = await lines.walk("2", "2", "1", CUSTOMER, session="s2", phone=OWNER)  # anew, not where it broke off
    assert screen.startswith(f"CON Ask {PHONE}\nEnter the amount in KES:")


async def test_a_suspended_shop_asks_nobody(lines: Lines) -> None:
    await lines.walk("2", "1", CUSTOMER, "1", "25", "1", phone=OWNER)
    await lines.change("UPDATE merchant SET state = 'suspended' WHERE id = $1", lines.merchant.id)
    end = await lines.step(f"2*1*{CUSTOMER}*1*25*1*1", phone=OWNER)
    assert end == "END Your shop cannot take payments now. Nobody was asked. Call your provider."
    assert await lines.requests() == []


async def test_over_the_limit_the_shop_is_told_what_would_fit_and_may_ask_for_that(lines: Lines) -> None:
    async with lines.service.db.system() as tx:
        place = (await own_shops.own_places(tx, Msisdn.of(OWNER).digest(lines.service.vault)))[0]
        limits = await ServiceBackend(tx, lines.service, Msisdn.of(OWNER).digest(lines.service.vault)).shop_limits(
            OWNER, str(place.merchant_id)
        )
    assert limits is not None
    day = next(one for one in limits.room if one.currency == "USD").day_minor
    await builders.use_limit(lines.service, lines.merchant, Money(day - 1000, "USD"))
    screen = await ask(lines, "20")
    assert screen.startswith(f"CON At most 10 USD fits your limit now.\nAsk {PHONE}\nEnter the amount in USD:")
    for text in ("10", "10*1", "10*1*1"):
        screen = await lines.step(f"2*1*{CUSTOMER}*1*20*1*1*{text}", phone=OWNER)
    assert screen.startswith("END We asked ***001 for 10.00 USD.")
    await builders.use_limit(lines.service, lines.merchant, Money(1000, "USD"))
    end = await ask(lines, "20", session="s2")
    assert end == "END Your limit for the day or month is used up. Nobody was asked."


async def test_one_customer_is_asked_by_one_shop_three_times_at_once_and_not_more(lines: Lines) -> None:
    for number in range(6):
        anew = ("2",) if number else ()  # and not where the call before broke off
        await lines.walk(*anew, "2", "1", CUSTOMER, "1", "25", "1", session=f"s{number}", phone=OWNER)
    ends = await asyncio.gather(
        *(
            lines.step(f"{'2*' if number else ''}2*1*{CUSTOMER}*1*25*1*1", session=f"s{number}", phone=OWNER)
            for number in range(6)
        )
    )
    assert len(await lines.requests()) == 3
    assert sum("You asked this customer often." in end for end in ends) == 3


# --- what became of it -----------------------------------------------------------------------------------------------


async def test_requests_are_told_in_words(lines: Lines) -> None:
    await ask(lines)
    [request] = await lines.requests()
    screen = await lines.walk("2", "2", session="s2", phone=OWNER)
    assert screen.startswith("CON Requests:\n1 25.00 USD ***001 waiting\n")
    assert (await lines.step("2*2*1", "s2", OWNER)).startswith("CON We wait for ***001 to approve 25.00 USD, asked ")
    await builders.move_request(lines.service, request["id"], RequestState.REJECTED)
    await lines.change("UPDATE payment_request SET reason_code = 'payer_rejected' WHERE id = $1", request["id"])
    screen = await lines.step("2*2*1*3", "s2", OWNER)
    assert screen.startswith("CON Not paid: 25.00 USD. ***001 said no.\n1 Ask again\n3 Refresh")


@pytest.mark.parametrize(
    ("target", "told"),
    [
        (RequestState.PAID, "Paid: 25.00 USD by ***001, asked "),
        (RequestState.IN_DOUBT, "In doubt: 25.00 USD by ***001. The bank has not said if it is paid."),
        (RequestState.EXPIRED, "Not paid: 25.00 USD. ***001 did not answer in time."),
        (RequestState.CANCELLED, "Not paid: 25.00 USD by ***001. You took the request back."),
        (RequestState.FAILED, "Not paid: 25.00 USD by ***001."),
    ],
)
async def test_every_end_has_its_sentence(lines: Lines, target: RequestState, told: str) -> None:
    await ask(lines)
    [request] = await lines.requests()
    await builders.move_request(lines.service, request["id"], target)
    assert told in await lines.walk("2", "2", "1", session="s2", phone=OWNER)


async def test_a_waiting_request_is_asked_again_and_the_earlier_one_ends(lines: Lines) -> None:
    await ask(lines)
    end = await lines.walk("2", "2", "1", "1", "1", session="s2", phone=OWNER)
    assert end.startswith("END We asked ***001 for 25.00 USD.")
    first, second = await lines.requests()
    assert (first["state"], first["reason_code"]) == ("cancelled", "asked_again")
    assert (second["state"], second["channel"], second["amount_minor"]) == ("created", "ussd-shop", 2500)


async def test_an_older_request_that_ended_is_not_asked_a_second_time_while_the_newer_one_is_open(lines: Lines) -> None:
    await ask(lines)
    [request] = await lines.requests()
    await builders.move_request(lines.service, request["id"], RequestState.REJECTED)
    for session, place in (("s2", "1"), ("s3", "2")):  # the newer one stands above it then
        end = await lines.walk("2", "2", place, "1", "1", session=session, phone=OWNER)
        assert end.startswith("END We asked ***001 for 25.00 USD."), end
    assert [row["state"] for row in await lines.requests()] == ["rejected", "created"]


async def test_a_shop_that_was_suspended_asks_nobody_again_and_the_earlier_request_stays(lines: Lines) -> None:
    await ask(lines)
    await lines.walk("2", "2", "1", "1", session="s2", phone=OWNER)
    await lines.change("UPDATE merchant SET state = 'suspended' WHERE id = $1", lines.merchant.id)
    end = await lines.step("2*2*1*1*1", "s2", OWNER)
    assert end.startswith("END Your shop cannot take payments now.")
    [request] = await lines.requests()
    assert request["state"] == "created"


async def test_a_request_is_taken_back_once(lines: Lines) -> None:
    await ask(lines)
    end = await lines.walk("2", "2", "1", "2", "1", session="s2", phone=OWNER)
    assert end.startswith("END We took back the request for 25.00 USD to ***001.")
    assert [row["state"] for row in await lines.requests()] == ["cancelled"]
    screen = await lines.walk("2", "2", "1", session="s3", phone=OWNER)
    assert "2 Take it back" not in screen


async def test_a_request_that_was_paid_meanwhile_is_not_asked_again(lines: Lines) -> None:
    await ask(lines)
    [request] = await lines.requests()
    await lines.walk("2", "2", "1", "1", session="s2", phone=OWNER)
    await builders.move_request(lines.service, request["id"], RequestState.PAID)
    assert await lines.step("2*2*1*1*1", "s2", OWNER) == "END This request was paid. Nobody was asked."
    assert len(await lines.requests()) == 1


# --- who may -------------------------------------------------------------------------------------------------------


async def test_a_cashier_acts_at_the_own_counter_as_themselves(lines: Lines) -> None:
    second = await add_counter(lines, "Till 2", "90000002")
    await add_cashier(lines, second)
    await pay(lines.service, lines.counter, clock.now(), 700, "USD")
    assert (await lines.walk("2", phone=CASHIER)).startswith("CON Mama Njeri: 90000002\n")
    assert "No payments yet." in await lines.walk("2", "3", session="s2", phone=CASHIER)
    assert "No payments today." in await lines.walk("2", "4", session="s3", phone=CASHIER)
    await ask(lines, session="s4", phone=CASHIER)
    [request] = await lines.requests()
    assert request["counter_id"] == second.id
    manage = await lines.walk("2", "6", session="s5", phone=CASHIER)
    assert manage.split("\n")[1:3] == ["3 Send me my QR", "5 Help"]


async def test_a_cashier_of_every_counter_chooses_one(lines: Lines) -> None:
    await add_counter(lines, "Till 2", "90000002")
    await add_cashier(lines)
    assert "Which counter?" in await lines.walk("2", "1", phone=CASHIER)


async def test_a_cashier_sees_no_request_of_another_counter(lines: Lines) -> None:
    second = await add_counter(lines, "Till 2", "90000002")
    await add_cashier(lines, second)
    await lines.walk("2", "1", "1", CUSTOMER, "1", "25", "1", "1", phone=OWNER)
    [request] = await lines.requests()
    assert request["counter_id"] == lines.counter.id
    assert "No requests yet." in await lines.walk("2", "2", phone=CASHIER, session="s2")


async def test_who_was_shut_out_has_no_shop_any_more_in_the_middle_of_a_dialogue(lines: Lines) -> None:
    await add_cashier(lines)
    await lines.walk("2", "1", CUSTOMER, "1", "25", "1", phone=CASHIER)
    await lines.change("UPDATE app_user SET enabled = false WHERE email = 'joy@shop.example'")
    end = await lines.step(f"2*1*{CUSTOMER}*1*25*1*1", phone=CASHIER)
    assert end == "END You may not do this. Ask the shop's owner."
    assert await lines.requests() == []
    assert "This phone has an account already." in await lines.walk("2", phone=CASHIER, session="s2")


async def test_an_owner_with_an_account_acts_as_that_person(lines: Lines) -> None:
    await add_cashier(lines, role=Role.MERCHANT_OWNER)
    async with lines.service.db.system() as tx:
        [place] = await own_shops.own_places(tx, Msisdn.of(CASHIER).digest(lines.service.vault))
    assert (place.actor.kind, place.actor.name, place.rights) == ("user", "Joy", "owner")
    assert (place.actor.merchant_id, place.actor.counter_id, place.actor.channel) == (lines.merchant.id, None, "ussd")


async def test_an_owners_account_that_was_shut_out_closes_the_shops_phone_as_well(lines: Lines) -> None:
    await add_cashier(lines, role=Role.MERCHANT_OWNER)
    await lines.change("UPDATE app_user SET phone_digest = NULL WHERE email = 'joy@shop.example'")
    await give_phone(lines, "joy@shop.example", OWNER)
    await lines.change("UPDATE app_user SET enabled = false WHERE email = 'joy@shop.example'")
    assert "This phone has an account already." in await lines.walk("2", phone=OWNER)


async def test_ids_of_another_shop_open_nothing(lines: Lines, world: World) -> None:
    """What a session would have to carry, asked of the backend itself by a phone with a shop of its own."""
    document = builders.seller()
    document["contact"]["phone"] = "+254722999001"
    await builders.create_merchant(lines.service, world, document=document)
    await pay(lines.service, lines.counter, clock.now(), 700, "USD")
    await ask(lines)
    [request] = await lines.requests()
    stranger, shop_id, counter_id = "+254722999001", str(lines.merchant.id), str(lines.counter.id)
    async with lines.service.db.system() as tx:
        backend = ServiceBackend(tx, lines.service, Msisdn.of(stranger).digest(lines.service.vault))
        assert await backend.recent_payments(stranger, counter_id, 20) == []
        assert await backend.takings_today(stranger, shop_id) == []
        assert await backend.shop_limits(stranger, shop_id) is None
        assert await backend.recent_requests(stranger, shop_id, 20) == []
        assert await backend.read_request(stranger, str(request["id"])) is None
        assert await backend.cashiers(stranger, shop_id) == []
        demand = ussd.Demand("k", stranger, counter_id, PHONE, 2500, "USD")
        assert (await backend.demand(demand)).reason == "not_yours"
        assert (await backend.demand_again(stranger, str(request["id"]), "k")).reason == "not_yours"
        assert (await backend.take_back(stranger, str(request["id"]), "k")).reason == "not_yours"
        new = ussd.NewCashier("k", stranger, shop_id, CASHIER, "Joy")
        assert await backend.add_cashier(new) == "not_yours"
        assert await backend.send_code(stranger, counter_id, "en", "k") == "not_yours"
        assert await backend.remove_cashier(stranger, str(UUID(int=5)), "k") == "not_yours"
        refund = ussd.Refund("k", stranger, str(UUID(int=5)), 100)
        assert (await backend.refund(refund)).reason == "not_open"
    assert len(await lines.requests()) == 1


# --- giving money back -----------------------------------------------------------------------------------------------


async def paid_by_telephone(lines: Lines) -> None:
    """A payment whose payer is known, so that it can be given back."""
    await pay(lines.service, lines.counter, clock.now(), 2500, "USD", payer_masked="2547*****009")
    [payment] = await lines.rows("SELECT id, transaction_id FROM payment")
    sealed = lines.service.vault.seal(b"MSISDN:254733000009", payer_context(payment["transaction_id"]))
    await lines.change("UPDATE payment SET payer_sealed = $2 WHERE id = $1", payment["id"], sealed)


async def test_an_owner_gives_a_part_of_a_payment_back_and_what_is_left_is_told(lines: Lines) -> None:
    await paid_by_telephone(lines)
    screen = await lines.walk("2", "6", "4", phone=OWNER)
    assert screen.startswith("CON Give back which payment?\n1 25.00 USD ***009 ")
    for typed in ("1", "1*2", "1*2*10"):
        screen = await lines.step(f"2*6*4*{typed}", phone=OWNER)
    assert screen.startswith("CON Give back 10.00 USD to ***009?")
    end = await lines.step("2*6*4*1*2*10*1", phone=OWNER)
    [refund] = await lines.rows("SELECT amount_minor, currency, reason, channel, state FROM refund")
    assert tuple(refund)[:4] == (1000, "USD", "CUST", "ussd")
    told = "waits for a second person" if refund["state"] == "pending_approval" else "We are giving back 10.00 USD"
    assert told in end
    assert "1 15.00 USD ***009 " in await lines.walk("2", "6", "4", session="s2", phone=OWNER)


async def test_a_cashier_gives_nothing_back_by_telephone(lines: Lines) -> None:
    await paid_by_telephone(lines)
    await add_cashier(lines)
    assert "Give money back" not in await lines.walk("2", "6", phone=CASHIER)
    [payment] = await lines.rows("SELECT id FROM payment")
    async with lines.service.db.system() as tx:
        backend = ServiceBackend(tx, lines.service, Msisdn.of(CASHIER).digest(lines.service.vault))
        assert (await backend.refund(ussd.Refund("k", CASHIER, str(payment["id"]), 100))).reason == "not_open"
    assert await lines.rows("SELECT 1 FROM refund") == []


async def test_more_than_is_left_and_what_nobody_can_pay_back_is_refused_in_words(lines: Lines) -> None:
    await paid_by_telephone(lines)
    [payment] = await lines.rows("SELECT id FROM payment")
    async with lines.service.db.system() as tx:
        backend = ServiceBackend(tx, lines.service, Msisdn.of(OWNER).digest(lines.service.vault))
        assert (await backend.refund(ussd.Refund("k", OWNER, str(payment["id"]), 2501))).reason == "too_much"
    await lines.change("UPDATE payment SET payer_sealed = NULL WHERE id = $1", payment["id"])
    async with lines.service.db.system() as tx:
        backend = ServiceBackend(tx, lines.service, Msisdn.of(OWNER).digest(lines.service.vault))
        assert (await backend.refund(ussd.Refund("k", OWNER, str(payment["id"]), 100))).reason == "not_open"
    assert await lines.rows("SELECT 1 FROM refund") == []


# --- cashiers --------------------------------------------------------------------------------------------------------


async def test_an_owner_adds_a_cashier_who_then_has_the_shop(lines: Lines) -> None:
    end = await lines.walk("2", "6", "2", "1", "0711777009", "Joy", "1", phone=OWNER)
    assert end == "END Joy is a cashier now and can dial *384*123# for My shop."
    [made] = await lines.rows("SELECT * FROM app_user WHERE name = 'Joy'")
    assert (made["roles"], made["merchant_id"], made["email"]) == (["merchant_cashier"], lines.merchant.id, None)
    assert (await lines.walk("2", phone=CASHIER, session="s2")).startswith(f"{SHOP}{lines.counter.alias}")
    [entry] = [one for one in await audited(lines, "user.created") if "ussd" in str(one["detail"])]
    assert entry["actor_kind"] == "service"
    listed = await lines.walk("2", "6", "2", "2", phone=OWNER, session="s3")
    assert listed.startswith("CON Cashiers:\n1 Joy ***009\n")


async def test_a_cashier_of_one_counter(lines: Lines) -> None:
    second = await add_counter(lines, "Till 2", "90000002")
    screen = await lines.walk("2", "6", "2", "1", "0711777009", "Joy", "3", phone=OWNER)
    assert screen.startswith(f"CON Joy, {CASHIER}, may ask customers and see payments at Till 2?")
    await lines.step("2*6*2*1*0711777009*Joy*3*1", phone=OWNER)
    assert [row["counter_id"] for row in await lines.rows("SELECT counter_id FROM app_user WHERE name = 'Joy'")] == [
        second.id
    ]


async def test_a_phone_that_is_somebodys_is_not_added(lines: Lines, world: World) -> None:
    await add_cashier(lines)
    end = await lines.walk("2", "6", "2", "1", "0711777009", "Joy", "1", phone=OWNER)
    assert end == "END This phone belongs to somebody else here. Ask your provider."


async def test_a_cashier_is_shut_out_and_comes_in_again(lines: Lines) -> None:
    await lines.walk("2", "6", "2", "1", "0711777009", "Joy", "1", phone=OWNER)
    end = await lines.walk("2", "6", "2", "2", "1", "1", "1", session="s2", phone=OWNER)
    assert end == "END Joy ***009 can no longer use your shop."
    assert "This phone has an account already." in await lines.walk("2", phone=CASHIER, session="s3")
    [entry] = await audited(lines, "user.disabled")
    assert "ussd" in str(entry["detail"])
    assert "No cashiers yet." in await lines.walk("2", "6", "2", "2", session="s4", phone=OWNER)
    end = await lines.walk("2", "2", "6", "2", "1", "0711777009", "Joy", "1", session="s5", phone=OWNER)
    assert end.startswith("END Joy is a cashier now")
    assert (await lines.walk("2", phone=CASHIER, session="s6")).startswith(SHOP)


async def test_owners_are_no_cashiers_to_shut_out(lines: Lines) -> None:
    await add_cashier(lines, role=Role.MERCHANT_OWNER)
    assert "No cashiers yet." in await lines.walk("2", "6", "2", "2", phone=OWNER)
    [owner] = await lines.rows("SELECT id FROM app_user WHERE name = 'Joy'")
    async with lines.service.db.system() as tx:
        backend = ServiceBackend(tx, lines.service, Msisdn.of(OWNER).digest(lines.service.vault))
        assert await backend.remove_cashier(OWNER, str(owner["id"]), "k") == "not_yours"


# --- the code by SMS -------------------------------------------------------------------------------------------------


async def test_the_address_of_the_code_comes_by_sms_and_names_nobody(lines: Lines) -> None:
    end = await lines.walk("2", "6", "3", "1", phone=OWNER)
    if end.startswith("END We cannot send"):
        lines.service.settings = replace(lines.service.settings, mail_kind="console")
        end = await lines.walk("2", "6", "3", "1", session="s2", phone=OWNER)
    assert end.startswith("END The SMS is on its way.")
    [message] = await lines.rows("SELECT * FROM sms_message")
    assert (message["kind"], message["text"], message["merchant_id"]) == ("account", "", lines.merchant.id)
    [job] = await lines.rows("SELECT payload FROM outbox WHERE topic = 'notify.private_sms'")
    opened = lines.service.vault.open(job["payload"], "notify.private_sms").decode()
    assert f"/q/{lines.counter.alias}" in opened
    for number in range(2):
        await lines.walk("2", "6", "3", "1", session=f"t{number}", phone=OWNER)
    end = await lines.walk("2", "6", "3", "1", session="t9", phone=OWNER)
    assert end == "END We cannot send an SMS now. Try later."
