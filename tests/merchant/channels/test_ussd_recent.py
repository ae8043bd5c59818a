"""What a process keeps of the sessions it stored: it saves reading them, and is never believed over the database."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from merchant.channels.ussd import recent
from merchant.channels.ussd.recent import Recent
from merchant.core.service import open_service
from merchant.core.settings import Settings
from tests.merchant.channels.conftest import PHONE, Lines, door_of, open_groceries, step_form
from tests.merchant.channels.test_ussd import UNSURE, broken
from tests.merchant.channels.test_ussd_gateways import Handset
from tests.ussd.lines import HTTP
from ussd import Step

pytestmark = pytest.mark.anyio
HOME = "CON Shop payments"
NUMBER = "CON Enter the shop's number:"


@pytest.fixture(scope="session")
def template(stocked: Callable[[str, Any], str]) -> str:
    return stocked("groceries", open_groceries)


def kept(lines: Lines, session: str = "s1") -> Any:
    """What this process keeps of a session."""
    return lines.service.shared(Recent)._kept.get(("africastalking", session))


async def test_the_next_step_of_a_session_is_kept_and_what_is_read_is_the_same(lines: Lines) -> None:
    await lines.step("")
    found = kept(lines)
    assert found.session.screen == "home"
    assert (await lines.step("1")).startswith(NUMBER)
    lines.service.shared(Recent)._kept.clear()  # as in another process
    assert (await lines.step(f"1*{lines.counter.alias}")).startswith("CON Mama Njeri")
    [row] = await lines.rows("SELECT state FROM ussd_session")
    assert kept(lines).stored == row["state"]


@pytest.mark.parametrize("gateway", HTTP)
async def test_steps_that_alternate_between_processes_are_one_dialogue(
    lines: Lines, database_url: str, settings: Settings, gateway: str
) -> None:
    async with open_service(settings, database_url) as other, door_of(other) as client:
        first = Handset(lines, gateway)
        second = Handset(Lines(other, client, lines.merchant, lines.counter), gateway)
        assert (await first.dial())[0].startswith("Shop payments")
        for number, text in enumerate(("1", lines.counter.alias, "25", "1")):
            here, there = (second, first) if number % 2 == 0 else (first, second)
            here.press = there.press
            shown, _ = await here.type(text)
        assert shown.startswith("We asked your bank to pay 25.00 USD to Mama Njeri.")
        assert len(await lines.requests()) == 1


async def test_a_session_that_another_process_moved_on_is_read_and_for_a_while_all_are(lines: Lines) -> None:
    await lines.walk("1")
    found = kept(lines)
    later = replace(found, stored=b"older")
    lines.service.shared(Recent)._kept["africastalking", "s1"] = later
    assert (await lines.step(f"1*{lines.counter.alias}")).startswith("CON Mama Njeri")
    assert kept(lines) is None
    lines.service.shared(Recent)._kept["africastalking", "s1"] = found  # of before
    step = Step("africastalking", "s1", PHONE, "*384*123#", "reply", "")
    assert lines.service.shared(Recent).take(step, found.msisdn_digest) is None


async def test_a_session_that_has_ended_is_not_kept(lines: Lines) -> None:
    await lines.step("")
    assert kept(lines) is not None
    assert (await lines.step("99")).startswith("END Goodbye.")
    assert list(lines.service.shared(Recent)._kept) == []


async def test_what_is_kept_goes_though_nobody_calls_again(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "KEPT_S", 1.0)
    await lines.step("", "s1")
    await lines.step("", "s2")
    assert kept(lines, "s2") is not None
    async with asyncio.timeout(10):
        while lines.service.shared(Recent)._kept:
            await asyncio.sleep(0.01)


async def test_of_a_step_that_fails_nothing_is_said_by_what_is_kept_which_may_be_old(
    lines: Lines, database_url: str
) -> None:
    way = f"1*{lines.counter.alias}"
    await lines.walk("1", lines.counter.alias)
    asks_amount = kept(lines)
    assert (await lines.step(f"{way}*25")).startswith("CON Pay 25.00 USD")
    lines.service.shared(Recent)._kept["africastalking", "s1"] = asks_amount  # as if another process had taken it
    async with broken(database_url, "ussd_session"):
        assert await lines.step(f"{way}*25*1") == UNSURE


async def test_a_session_that_was_forgotten_meanwhile_is_walked_again(lines: Lines) -> None:
    await lines.walk("1")
    await lines.change("DELETE FROM ussd_session")
    assert (await lines.step(f"1*{lines.counter.alias}")).startswith("CON Mama Njeri")


async def test_a_session_that_another_version_stored_meanwhile_begins_again(lines: Lines) -> None:
    await lines.walk("1")
    await lines.change("UPDATE ussd_session SET state = '{}'")
    assert "The menu was updated" in await lines.step(f"1*{lines.counter.alias}")


async def test_another_phone_under_the_same_id_gets_nothing_of_it(lines: Lines) -> None:
    await lines.walk("1", lines.counter.alias)
    response = await lines.post(step_form(f"1*{lines.counter.alias}*25", "s1", "+254733000002"))
    assert response.text.startswith("CON Pay 25.00 USD")  # walked by its own text, and pays nothing
    assert (await lines.step(f"1*{lines.counter.alias}*25")).startswith("CON Pay 25.00 USD")
    assert await lines.requests() == []


async def test_a_copy_and_a_late_step_are_answered_from_what_is_stored(lines: Lines) -> None:
    shown = await lines.walk("1", lines.counter.alias)
    assert await lines.step(f"1*{lines.counter.alias}") == shown
    assert await lines.step("1") == shown
    assert (await lines.step(f"1*{lines.counter.alias}*25")).startswith("CON Pay 25.00 USD")


async def test_an_expired_session_begins_anew_though_it_is_kept(
    lines: Lines, move_clock: Callable[[timedelta], Any]
) -> None:
    await lines.walk("1")
    move_clock(timedelta(hours=1))
    assert (await lines.step("")).startswith(HOME)


async def test_no_more_are_kept_than_have_room(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "KEPT_MAX", 3)
    for number in range(6):
        await lines.step("", f"s{number}")
    assert [session for _, session in lines.service.shared(Recent)._kept] == ["s3", "s4", "s5"]
