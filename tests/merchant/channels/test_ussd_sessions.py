"""Sessions through the door: ids that come again, calls that broke off, what is kept, and answers that come in time."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest
from msgspec.structs import replace

from merchant.channels.ussd import steps
from merchant.channels.ussd.sealing import open_state
from merchant.core import pools
from merchant.core.service import open_service
from merchant.core.settings import Settings
from tests.faults import proxy_to
from tests.merchant.channels.conftest import PHONE, Lines, door_of, open_groceries, step_form
from tests.merchant.channels.test_ussd import CLOSED, HOME, UNSURE
from tests.merchant.channels.test_ussd_gateways import Handset
from tests.ussd.lines import HTTP
from ussd import GATEWAYS

pytestmark = pytest.mark.anyio
MoveClock = Callable[[timedelta], datetime]
SOON, LATER_ON = timedelta(seconds=21), timedelta(hours=1)
GUESSED = "END You tried many numbers. Ask the shop for its number and dial again in an hour."


@pytest.fixture(scope="session")
def template(stocked: Callable[[str, Any], str]) -> str:
    return stocked("groceries", open_groceries)


# --- ids that come again ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gateway", HTTP)
@pytest.mark.parametrize("after", [timedelta(seconds=30), LATER_ON, timedelta(days=800)])
async def test_under_the_id_of_a_session_that_ended_a_call_begins_anew_and_pays(
    lines: Lines, move_clock: MoveClock, gateway: str, after: timedelta
) -> None:
    phone = Handset(lines, gateway)
    await phone.dial()
    move_clock(SOON)
    assert (await phone.type("99")) == ("Goodbye.", True)
    assert await phone.again() == ("Goodbye.", True)
    move_clock(after)
    shown, end = await phone.dial()
    if GATEWAYS[gateway].is_cumulative or gateway != "beem":  # whose names of messages come again here, as none do
        assert (shown.startswith("Shop payments"), end) == (True, False)
        for text in ("1", lines.counter.alias, "25"):
            move_clock(SOON)
            await phone.type(text)
        move_clock(SOON)
        assert (await phone.type("1"))[0].startswith("We asked your bank")
        assert len(await lines.requests()) == 1


@pytest.mark.parametrize("after", [timedelta(seconds=30), LATER_ON, timedelta(days=800)])
async def test_a_payment_under_an_id_that_paid_before_is_a_payment(
    lines: Lines, move_clock: MoveClock, after: timedelta
) -> None:
    for number, amount in enumerate(("25", "30"), start=1):
        dialled = f"{lines.counter.alias}*{amount}"
        assert (await lines.step(dialled)).startswith(f"CON Pay {amount}.00 USD")
        assert (await lines.step(f"{dialled}*1")).startswith("END We asked your bank")
        assert len(await lines.requests()) == number
        move_clock(after)


async def test_another_phone_under_the_id_of_an_ended_session_begins_anew(lines: Lines) -> None:
    await lines.pay()
    assert (await lines.step("", phone="+254733000002")).startswith(HOME)


async def test_copies_of_an_end_say_the_same_for_as_long_as_gateways_try(lines: Lines, move_clock: MoveClock) -> None:
    end = await lines.pay()
    for _ in range(6):
        move_clock(timedelta(seconds=15))
        assert await lines.step(f"1*{lines.counter.alias}*25*1") == end
    assert len(await lines.requests()) == 1


# --- calls that broke off --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("notice", [False, True])
async def test_a_call_that_broke_off_is_gone_on_with_over_any_gateway(
    lines: Lines, move_clock: MoveClock, notice: bool
) -> None:
    await lines.walk("1", lines.counter.alias, "25")
    if notice:
        await lines.post(step_form("") | {"status": "Incomplete"})
    move_clock(timedelta(minutes=4))
    phone = Handset(lines, "hubtel", "another")
    assert (await phone.dial())[0].startswith("Go on paying 25.00 USD to Mama Njeri?\n1 Go on\n2 New")
    assert (await phone.type("1"))[0].startswith("Pay 25.00 USD to Mama Njeri, Nairobi (")
    assert await lines.requests() == []
    assert (await phone.type("1"))[0].startswith("We asked your bank")
    assert len(await lines.requests()) == 1
    assert (await lines.step("", "other", "+254733000002")).startswith(HOME)


async def test_after_five_minutes_a_call_begins_anew(lines: Lines, move_clock: MoveClock) -> None:
    await lines.walk("1", lines.counter.alias, "25")
    move_clock(timedelta(minutes=5))
    assert (await lines.step("", "s2")).startswith(HOME)


async def test_a_request_on_its_way_comes_before_what_broke_off(lines: Lines) -> None:
    await lines.pay("40")
    await lines.step(f"{lines.counter.alias}*25", "s2")
    assert "40.00 USD" in await lines.step("", "s3")
    assert (await lines.step("0", "s3")).startswith("CON Go on paying 25.00 USD to Mama Njeri?")
    assert (await lines.step("0*1", "s3")).startswith("CON Pay 25.00 USD to Mama Njeri, Nairobi (")
    assert len(await lines.requests()) == 1


async def test_a_shop_closed_meanwhile_takes_nothing_from_a_call_gone_on_with(lines: Lines) -> None:
    await lines.walk("1", lines.counter.alias, "25")
    await lines.step("", "s2")
    await lines.step("1", "s2")
    await lines.change("UPDATE merchant SET state = 'suspended' WHERE id = $1", lines.merchant.id)
    assert await lines.step("1*1", "s2") == CLOSED


# --- what is kept ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["4321", "43 21#", "123456", "24681357", "+254711222333", "secret", "٤٣٢١"])
@pytest.mark.parametrize("gateway", ["africastalking", "nalo"])
async def test_nothing_that_was_typed_by_mistake_is_kept_or_shown(lines: Lines, gateway: str, typed: str) -> None:
    phone = Handset(lines, gateway)
    await phone.dial()
    shown, _ = await phone.type("1", typed)
    assert shown.startswith("No shop has that number.")
    assert await phone.again() == (shown, False)
    [row] = await lines.rows("SELECT * FROM ussd_session")
    state = open_state(lines.service.vault, row["msisdn_digest"], row["state"]).decode()
    for kept in (state, repr(tuple(row.values())), shown):
        assert typed.strip("#") not in kept
        assert typed.replace(" ", "").strip("#") not in kept


async def test_ten_wrong_numbers_are_enough_on_any_node_and_over_any_call(
    lines: Lines, database_url: str, settings: Settings, move_clock: MoveClock
) -> None:
    told = []
    async with open_service(settings, database_url) as second, door_of(second) as client:
        other = Lines(second, client, lines.merchant, lines.counter)
        for number in range(6):
            move_clock(timedelta(seconds=40))
            node = (lines, other)[number % 2]
            told += [await node.walk("1", f"1000000{number}", session=f"s{number}")]
            told += [await node.step(f"1*1000000{number}*2000000{number}", session=f"s{number}")]
    assert [screen.startswith("CON No shop has that number.") for screen in told] == [True] * 10 + [False] * 2
    assert told[10] == GUESSED
    assert await lines.step(f"{lines.counter.alias}*25", "right") == GUESSED
    assert (await lines.step(f"{lines.counter.alias}*25", "s", "+254733000002")).startswith("CON Pay 25.00 USD")
    move_clock(LATER_ON)
    assert (await lines.step(f"{lines.counter.alias}*25", "later")).startswith("CON Pay 25.00 USD")


# --- answers in time -------------------------------------------------------------------------------------------------


async def test_copies_of_a_locked_step_leave_every_connection_to_other_phones(lines: Lines, database_url: str) -> None:
    await lines.walk("1", lines.counter.alias, "25")
    last = f"1*{lines.counter.alias}*25*1"
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction():
            await connection.execute("SELECT 1 FROM ussd_session FOR UPDATE")
            copies = [asyncio.create_task(lines.step(last)) for _ in range(16)]
            await asyncio.sleep(0.2)
            assert sum(pool.in_use for pool in lines.service.db.pools.values()) <= 1
            others = [lines.step("", f"o{number}", f"+2547330001{number:02}") for number in range(16)]
            assert all(screen.startswith(HOME) for screen in await asyncio.gather(*others))
            assert not any(copy.done() for copy in copies)
        ends = await asyncio.gather(*copies)
    finally:
        await connection.close()
    assert len(set(ends)) == 1
    assert ends[0].startswith("END We asked")
    assert len(await lines.requests()) == 1


async def test_a_step_that_stays_locked_is_answered_in_time_and_claims_nothing(lines: Lines, database_url: str) -> None:
    await lines.walk("1", lines.counter.alias, "25")
    last = f"1*{lines.counter.alias}*25*1"
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction():
            await connection.execute("SELECT 1 FROM ussd_session FOR UPDATE")
            began = time.monotonic()
            assert set(await asyncio.gather(*(lines.step(last) for _ in range(16)))) == {UNSURE}
            assert time.monotonic() - began < 8
    finally:
        await connection.close()
    assert await lines.requests() == []
    assert (await lines.step(last)).startswith("END We asked")


async def test_a_database_that_falls_silent_is_answered_for_in_time(
    lines: Lines, database_url: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "DEADLINE_S", 1.0)
    async with (
        proxy_to(database_url) as proxy,
        open_service(settings, proxy.url) as service,
        door_of(service) as client,
    ):
        far = Lines(service, client, lines.merchant, lines.counter)
        await far.walk("1", lines.counter.alias, "25")
        await far.walk("1", session="s2", phone="+254733000002")
        assert proxy.fall_silent()
        began = time.monotonic()
        screens = await asyncio.gather(
            far.step(f"1*{lines.counter.alias}*25*1"),
            far.step(f"1*{lines.counter.alias}", "s2", "+254733000002"),
            far.step("", "s3", "+254733000003"),
        )
        assert time.monotonic() - began < 1.0 + pools.END_TIMEOUT_S + 2
        service.db._reads._silence.notice()  # so that closing waits for none of them
    assert any(screen.startswith("END ") for screen in screens)
    assert not any("You were not charged" in screen for screen in screens)
    asked = sum(screen.startswith("END We asked") for screen in screens)
    assert len(await lines.requests()) in ({asked} if asked else {0, 1})


def test_the_deadline_leaves_time_to_give_up_a_silent_connection() -> None:
    """Africa's Talking waits 15 s for our answer; a screen is promised within 8."""
    assert steps.DEADLINE_S + pools.END_TIMEOUT_S < 8


async def test_a_session_whose_id_is_unknown_hears_nothing_of_other_phones(lines: Lines) -> None:
    """The newest call of a phone is looked for by the phone alone."""
    await lines.walk("1", lines.counter.alias, "25", phone="+254733000009")
    phone = Handset(lines, "nalo", "z")
    phone.press = replace(phone.press, msisdn=PHONE)
    assert (await phone.dial())[0].startswith("Shop payments")
