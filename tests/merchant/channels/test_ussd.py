"""The USSD door as a gateway and its phones meet it: whole dialogues, each step once, nothing lost, nothing forged."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import asyncpg
import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from merchant.channels.ussd import door, shopping, steps
from merchant.core import clock
from merchant.core.service import open_service
from merchant.core.settings import Settings
from merchant.core.vault import Vault
from tests import builders
from tests.builders import World
from tests.merchant.channels.conftest import PHONE, Lines, door_of, open_groceries, step_form

pytestmark = pytest.mark.anyio
HOME = "CON Shop payments\n1 Pay a shop\n2 My shop\n3 My payments\n4 Shops I paid\n8 Help\n9 Language\n"
BUSY = "END The service is busy. You were not charged. Please dial again later."
UNSURE = "END We could not finish in time. Please dial again to see what happened."
LATER = "END The service is busy. Please dial again later."
CLOSED = "END This shop cannot take payments now. You were not charged."


@pytest.fixture(scope="session")
def template(stocked: Callable[[str, Any], str]) -> str:
    return stocked("groceries", open_groceries)


# --- paying ----------------------------------------------------------------------------------------------------------


async def test_a_shopper_pays_by_number_and_amount(lines: Lines) -> None:
    number = lines.counter.alias
    assert (await lines.step("")).startswith(HOME)
    assert (await lines.step("1")).startswith("CON Enter the shop's number:")
    assert (await lines.step(f"1*{number}")).startswith("CON Mama Njeri\nEnter the amount in USD:")
    assert (await lines.step(f"1*{number}*25.50")).startswith(f"CON Pay 25.50 USD to Mama Njeri, Nairobi ({number})?\n")
    assert await lines.requests() == []
    end = await lines.step(f"1*{number}*25.50*1")
    [request] = await lines.requests()
    assert end == (
        "END We asked your bank to pay 25.50 USD to Mama Njeri. Your phone will show a question from your bank."
        " Dial *384*123# to see if it is paid."
    )
    assert (request["amount_minor"], request["currency"], request["channel"]) == (2550, "USD", "ussd")
    assert (request["counter_id"], request["state"]) == (lines.counter.id, "created")
    assert request["payer_masked"] == "2547*****001"


async def test_the_request_and_its_job_are_written_together(lines: Lines) -> None:
    await lines.pay()
    [request] = await lines.requests()
    [job] = await lines.jobs()
    assert (job["topic"], str(request["id"]) in job["payload"].decode()) == ("payments.look_up", True)
    assert len(await lines.rows("SELECT 1 FROM payment_event WHERE request_id = $1", request["id"])) == 1


async def test_a_dialled_number_and_amount_lead_straight_to_the_confirmation(lines: Lines) -> None:
    dialled = f"{lines.counter.alias}*25"
    assert (await lines.step(dialled)).startswith("CON Pay 25.00 USD to Mama Njeri, Nairobi (")
    assert await lines.requests() == []
    assert (await lines.step(f"{dialled}*1")).startswith("END We asked your bank")
    assert len(await lines.requests()) == 1


async def test_a_dial_string_never_pays_by_itself(lines: Lines) -> None:
    assert (await lines.step(f"{lines.counter.alias}*25*1")).startswith("CON Pay 25.00 USD")
    assert await lines.requests() == []


async def test_a_lost_session_is_walked_again_but_pays_nothing(lines: Lines) -> None:
    """A gateway that goes on with a session we know nothing of."""
    assert (await lines.step(f"1*{lines.counter.alias}*25*1")).startswith("CON Pay 25.00 USD")
    assert await lines.requests() == []


async def test_a_shopper_who_says_no_asks_nobody_and_is_counted(lines: Lines) -> None:
    before = REGISTRY.get_sample_value("merchant_ussd_declines_total") or 0.0
    for session, answer in (("s1", "2"), ("s2", "00"), ("s3", "0")):  # 0 asks for another amount
        assert (await lines.walk("1", lines.counter.alias, "25", session=session)).startswith("CON Pay 25.00 USD")
        screen = await lines.step(f"1*{lines.counter.alias}*25*{answer}", session)
        assert screen.startswith(HOME) == (answer != "0")
    assert (await lines.requests(), await lines.jobs()) == ([], [])
    assert REGISTRY.get_sample_value("merchant_ussd_declines_total") == before + 2


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("0.00", "Write the amount like"),
        ("10000.01", "This shop can take 10,000 USD at most in one payment."),
        ("99999999999999999999999999", "Write the amount like"),
        ("abc", "Write the amount like"),
        ("-5", "Write the amount like"),
        ("1e3", "Write the amount like"),
        ("25.555", "Write the amount like"),
        ("\x00", "Write the amount like"),
        ("' OR 1=1 --", "Write the amount like"),
    ],
)
async def test_an_invalid_amount_is_asked_for_again(lines: Lines, typed: str, told: str) -> None:
    screen = await lines.walk("1", lines.counter.alias, typed)
    assert screen.startswith("CON ")
    assert told in screen
    assert await lines.requests() == []


@pytest.mark.parametrize("typed", ["00000000", "99999999999", "nobody", "\x00", "%", "кафе", "a" * 400, "'; --"])
async def test_a_number_that_no_shop_has_is_asked_for_again(lines: Lines, typed: str) -> None:
    screen = await lines.walk("1", typed)
    assert screen.startswith("CON No shop ")


async def test_a_dfsps_own_alias_is_found_in_any_case(lines: Lines, world: World) -> None:
    document = builders.company(ussd_name="Kiosk Seven", currencies=["KES"])
    document["locations"][0]["counters"][0]["own_alias"] = "Kiosk-7"
    await builders.create_merchant(lines.service, world, document=document)
    for number, typed in enumerate(("Kiosk-7", "KIOSK-7", "kiosk-7", "kIOSK-7")):
        phone = f"+25473300010{number}"
        assert (await lines.walk("1", typed, session=f"s{number}", phone=phone)).startswith("CON Kiosk Seven\n")


# --- each step once --------------------------------------------------------------------------------------------------


async def test_every_step_delivered_twice_answers_the_same_and_asks_once(lines: Lines) -> None:
    inputs = ["1", lines.counter.alias, "25", "1"]
    for count in range(len(inputs) + 1):
        text = "*".join(inputs[:count])
        assert await lines.step(text) == await lines.step(text)
    assert len(await lines.requests()) == len(await lines.jobs()) == 1


async def test_a_step_delivered_ten_times_at_once_answers_the_same_and_asks_once(lines: Lines) -> None:
    await lines.walk("1", lines.counter.alias, "25")
    last = f"1*{lines.counter.alias}*25*1"
    replies = await asyncio.gather(*(lines.step(last) for _ in range(10)))
    assert len(set(replies)) == 1
    assert replies[0].startswith("END We asked your bank")
    assert len(await lines.requests()) == len(await lines.jobs()) == 1


async def test_the_first_step_delivered_ten_times_at_once_makes_one_session(lines: Lines) -> None:
    replies = await asyncio.gather(*(lines.step(f"{lines.counter.alias}*25") for _ in range(10)))
    assert len(set(replies)) == 1
    assert len(await lines.rows("SELECT 1 FROM ussd_session")) == 1


async def test_an_older_step_that_comes_late_changes_nothing(lines: Lines) -> None:
    number = lines.counter.alias
    shown = await lines.walk("1", number, "25")
    for late in ("", "1", f"1*{number}"):
        assert await lines.step(late) == shown
    assert (await lines.step(f"1*{number}*25*1")).startswith("END We asked")
    assert len(await lines.requests()) == 1


async def test_a_dialogue_goes_on_after_a_restart(lines: Lines, database_url: str, settings: Settings) -> None:
    number = lines.counter.alias
    await lines.walk("1", number, "25")
    async with open_service(settings, database_url) as restarted, door_of(restarted) as client:
        again = Lines(restarted, client, lines.merchant, lines.counter)
        ended = await again.step(f"1*{number}*25*1")
        assert ended.startswith("END We asked")
        assert await again.step(f"1*{number}*25*1") == ended
    assert len(await lines.requests()) == 1


async def test_two_processes_share_one_dialogue(lines: Lines, database_url: str, settings: Settings) -> None:
    number = lines.counter.alias
    async with open_service(settings, database_url) as second, door_of(second) as client:
        other = Lines(second, client, lines.merchant, lines.counter)
        await lines.step("")
        await other.step("1")
        await lines.step(f"1*{number}")
        await other.step(f"1*{number}*25")
        last = f"1*{number}*25*1"
        replies = await asyncio.gather(*(process.step(last) for process in (lines, other) * 3))
    assert len(set(replies)) == 1
    assert len(await lines.requests()) == 1


async def test_two_phones_with_the_same_session_id_see_nothing_of_each_other(lines: Lines) -> None:
    await lines.walk("1", lines.counter.alias, "25")
    stranger = await lines.step(f"1*{lines.counter.alias}*25*1", phone="+254733000002")
    assert stranger.startswith("CON Pay 25.00 USD")  # walked anew, to where a live answer is needed
    assert await lines.requests() == []
    assert (await lines.step("", phone="+254733000003")).startswith(HOME)


# --- what goes wrong -------------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def broken(database_url: str, table: str):  # type: ignore[no-untyped-def]
    """A table that is away."""
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(f"ALTER TABLE {table} RENAME TO away")
        yield
        await connection.execute(f"ALTER TABLE away RENAME TO {table}")
    finally:
        await connection.close()


FAULTS = {"outbox": BUSY, "open_reference": BUSY, "payment_event": BUSY, "limit_usage": BUSY, "ussd_session": UNSURE}


@pytest.mark.parametrize("table", FAULTS)
async def test_a_fault_of_ours_is_told_and_nothing_is_written_and_the_same_step_may_come_again(
    lines: Lines, database_url: str, table: str
) -> None:
    """That nothing was asked is told only where it is known: a copy of the answer may have been taken elsewhere."""
    await lines.walk("1", lines.counter.alias, "25")
    last = f"1*{lines.counter.alias}*25*1"
    async with broken(database_url, table):
        with capture_logs() as logs:
            assert await lines.step(last) == FAULTS[table]
    assert [entry["event"] for entry in logs] == ["ussd_step_failed"]
    assert (await lines.requests(), await lines.jobs()) == ([], [])
    assert (await lines.step(last)).startswith("END We asked")
    assert len(await lines.requests()) == 1


async def test_a_shop_suspended_between_two_steps_takes_nothing(lines: Lines) -> None:
    await lines.walk("1", lines.counter.alias, "25")
    await lines.change("UPDATE merchant SET state = 'suspended' WHERE id = $1", lines.merchant.id)
    assert await lines.step(f"1*{lines.counter.alias}*25*1") == CLOSED
    assert (await lines.requests(), await lines.jobs()) == ([], [])
    assert await lines.walk("1", lines.counter.alias, session="s2") == CLOSED


async def test_a_dfsp_disabled_between_two_steps_takes_nothing(lines: Lines) -> None:
    await lines.walk("1", lines.counter.alias, "25")
    await lines.change("UPDATE dfsp SET enabled = false WHERE id = $1", lines.merchant.dfsp_id)
    assert await lines.step(f"1*{lines.counter.alias}*25*1") == CLOSED
    assert (await lines.requests(), await lines.jobs()) == ([], [])
    assert (await lines.walk("1", lines.counter.alias, session="s2")).startswith("CON No shop ")


async def test_an_amount_over_a_limit_that_was_lowered_meanwhile_is_refused(lines: Lines) -> None:
    await lines.walk("1", lines.counter.alias, "9000")
    await lines.change("UPDATE merchant SET tier = 'T0' WHERE id = $1", lines.merchant.id)
    screen = await lines.step(f"1*{lines.counter.alias}*9000*1")
    assert screen.startswith("CON This shop can take 20 USD at most in one payment.\nMama Njeri\nEnter the amount")
    assert await lines.requests() == []


async def test_a_shop_that_reached_its_limit_of_the_day_takes_nothing(lines: Lines) -> None:
    zone = (await lines.service.scheme()).time_zone
    day = clock.local_date(clock.now(), zone).isoformat()
    await lines.change(
        "INSERT INTO limit_usage (merchant_id, period, currency, dfsp_id, taken_minor, payments)"
        " VALUES ($1, $2, 'USD', $3, 4999000, 7)",
        lines.merchant.id,
        day,
        lines.merchant.dfsp_id,
    )
    screen = await lines.pay("10.01")
    assert screen.startswith("CON This shop can take 10 USD more today.\nMama Njeri\nEnter the amount in USD:")
    assert await lines.requests() == []
    number = lines.counter.alias
    assert (await lines.step(f"1*{number}*10.01*1*10")).startswith("CON Pay 10.00 USD to Mama Njeri")
    assert (await lines.step(f"1*{number}*10.01*1*10*1")).startswith("END We asked")


async def test_a_phone_may_have_five_open_requests_and_no_more(lines: Lines, world: World) -> None:
    for number in range(shopping.MAX_OPEN_REQUESTS):
        await ask_by_dialling(lines, f"s{number}", f"{number + 1}")
    assert await dial_and_confirm(lines, "s-more", "9") == "END You asked too often. You were not charged. Try later."
    assert len(await lines.requests()) == shopping.MAX_OPEN_REQUESTS
    assert (await dial_and_confirm(lines, "s-other", "9", "+254733000002")).startswith("END We asked")
    await lines.change("UPDATE payment_request SET state = 'rejected' WHERE amount_minor = 100")
    assert (await dial_and_confirm(lines, "s-again", "9")).startswith("END We asked")


async def test_forty_sessions_of_one_phone_at_once_make_five_requests(lines: Lines) -> None:
    dialled = [f"{lines.counter.alias}*{number + 1}" for number in range(40)]
    for number, text in enumerate(dialled):
        await lines.step(text, f"s{number}")
    ends = await asyncio.gather(*(lines.step(f"{text}*1", f"s{number}") for number, text in enumerate(dialled)))
    assert sum(end.startswith("END We asked") for end in ends) == shopping.MAX_OPEN_REQUESTS
    assert len(await lines.requests()) == shopping.MAX_OPEN_REQUESTS


async def ask_by_dialling(lines: Lines, session: str, amount: str) -> None:
    assert (await dial_and_confirm(lines, session, amount)).startswith("END We asked")


async def dial_and_confirm(lines: Lines, session: str, amount: str, phone: str = PHONE) -> str:
    dialled = f"{lines.counter.alias}*{amount}"
    assert (await lines.step(dialled, session, phone)).startswith(f"CON Pay {amount}.00 USD")
    return await lines.step(f"{dialled}*1", session, phone)


async def test_the_same_payment_that_still_waits_is_asked_about_before_it_is_asked_again(lines: Lines) -> None:
    await ask_by_dialling(lines, "s1", "25")
    again = await dial_and_confirm(lines, "s2", "25")
    assert again.startswith("CON You already asked to pay 25.00 USD to Mama Njeri.")
    assert len(await lines.requests()) == 1
    assert (await lines.step(f"{lines.counter.alias}*25*1*1", "s2")).startswith("END We asked")
    assert len(await lines.requests()) == 2


# --- the end of a session --------------------------------------------------------------------------------------------


async def test_a_session_that_the_gateway_ended_takes_no_further_step(lines: Lines) -> None:
    await lines.walk("1", lines.counter.alias, "25")
    notice = step_form("") | {"status": "Incomplete", "input": "1*2*3", "durationInMillis": "4000"}
    del notice["text"]
    ended = await lines.post(notice)
    assert (ended.status_code, ended.content) == (200, b"")
    assert (await lines.post(notice)).content == b""
    late = await lines.step(f"1*{lines.counter.alias}*25*1")
    assert late == "END This session is closed. Please dial again."
    assert await lines.requests() == []


async def test_a_notice_of_a_session_that_never_was_is_taken(lines: Lines) -> None:
    ended = await lines.post(step_form("", "unknown") | {"status": "Success"})
    assert (ended.status_code, ended.content) == (200, b"")


async def test_an_ended_dialogue_says_the_same_words_again(lines: Lines) -> None:
    end = await lines.pay()
    assert await lines.step(f"1*{lines.counter.alias}*25*1") == end
    after = await lines.step(f"1*{lines.counter.alias}*25*1*1")
    assert after == "END This session is closed. Please dial again."


async def test_sessions_are_forgotten_after_a_day(lines: Lines, move_clock: Callable[[timedelta], datetime]) -> None:
    await lines.step("", "old")
    move_clock(steps.KEPT_FOR + timedelta(seconds=1))
    await lines.step("", "young")
    async with lines.service.db.system() as tx:
        assert await steps.prune(tx, 100) == 1
    assert [row["session_id"] for row in await lines.rows("SELECT session_id FROM ussd_session")] == ["young"]


async def test_a_language_outlives_the_sessions_and_is_kept_for_as_long_as_the_phone_calls(
    lines: Lines, move_clock: Callable[[timedelta], datetime]
) -> None:
    chosen = await lines.walk("9", "2")
    for number in range(3):
        move_clock(steps.LANGUAGE_KEPT_FOR - timedelta(days=1))
        async with lines.service.db.system() as tx:
            await steps.prune(tx, 100)
            assert await steps.prune_languages(tx, 100) == 0
        assert await lines.step("", f"later{number}") == chosen
    move_clock(steps.LANGUAGE_KEPT_FOR + timedelta(days=1))
    async with lines.service.db.system() as tx:
        await steps.prune(tx, 100)
        assert await steps.prune_languages(tx, 100) == 1
    assert (await lines.step("", "last")).startswith(HOME)


async def test_a_language_is_kept_when_the_key_of_the_sessions_was_dropped(lines: Lines) -> None:
    chosen = await lines.walk("9", "2")
    await lines.change("UPDATE ussd_session SET state = $1", Vault("other:" + "QkJC" * 10 + "QkI=").seal(b"{}", "x"))
    assert await lines.step("", "s2") == chosen


async def test_the_end_of_a_session_that_never_reached_us_changes_no_language(lines: Lines) -> None:
    chosen = await lines.walk("9", "2")
    await lines.post(step_form("", "unseen") | {"status": "Failed"})
    assert await lines.step("", "s2") == chosen


async def test_a_phone_is_spoken_to_in_the_language_it_chose(lines: Lines) -> None:
    chosen = await lines.walk("9", "2")
    again = await lines.step("", "s2")
    assert again == chosen != HOME
    assert (await lines.step("", "s3", "+254733000002")).startswith(HOME)


async def test_what_is_kept_of_a_dialogue_names_no_phone(lines: Lines) -> None:
    await lines.pay()
    [row] = await lines.rows("SELECT * FROM ussd_session")
    assert PHONE.removeprefix("+") not in repr(tuple(row))
    assert b"screen" not in row["state"]  # sealed: what a shopper bought, and where


async def test_a_dialogue_that_the_release_before_kept_in_clear_goes_on(lines: Lines) -> None:
    await lines.step("")
    await lines.step("1")
    async with lines.service.db.system() as tx:
        row = await tx.fetchrow("SELECT state, msisdn_digest FROM ussd_session")
        assert row is not None
        clear = lines.service.vault.open(row["state"], f"ussd:{row['msisdn_digest'].hex()}")
        await tx.execute("UPDATE ussd_session SET state = $1", clear)
    assert await lines.step("77") != HOME


async def test_a_dialogue_whose_key_was_dropped_begins_again(lines: Lines) -> None:
    await lines.step("")
    async with lines.service.db.system() as tx:
        other = Vault("other:" + "QkJC" * 10 + "QkI=").seal(b"{}", "ussd:x")
        await tx.execute("UPDATE ussd_session SET state = $1", other)
    assert (await lines.step("1")).startswith("CON")


# --- the door itself -------------------------------------------------------------------------------------------------


async def test_a_wrong_address_finds_nothing(lines: Lines) -> None:
    key = lines.path.rsplit("/", 1)[1]
    wrong = {
        "/ussd": 404,
        "/ussd/": 404,
        "/ussd/africastalking": 404,
        "/ussd/africastalking/": 404,
        f"/ussd/africastalking/{key[:-1]}": 403,
        f"/ussd/africastalking/{key}0": 403,
        f"/ussd/africastalking/{key.upper()}": 403,
        f"/ussd/africastalking/{key}/more": 404,
        f"/ussd/hubtel/{key}": 403,
        f"/ussd/nobody/{key}": 404,
        "/ussd/africastalking/кл": 403,
        f"/ussd//{key}": 404,
    }
    for path, status in wrong.items():
        response = await lines.post(step_form(""), path)
        assert response.status_code == status, path
        assert not response.text.startswith(("CON", "END"))
    assert await lines.rows("SELECT 1 FROM ussd_session") == []


async def test_the_key_is_another_one_for_every_installation(lines: Lines, database_url: str) -> None:
    other = Settings(secret_key="other:" + "Qk" + "JC" * 20 + "I=")
    async with lines.service.db.system() as tx:
        await tx.execute("DELETE FROM vault_canary")
    async with open_service(other, database_url) as elsewhere:
        assert door.gateway_key(elsewhere, "africastalking") not in lines.path


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
async def test_steps_are_posted_and_nothing_else(lines: Lines, method: str) -> None:
    assert (await lines.post(step_form(""), method=method)).status_code == 405
    assert await lines.rows("SELECT 1 FROM ussd_session") == []


GOOD = step_form("")
BAD_FORMS: list[dict[str, str] | bytes] = [
    b"",
    b"{}",
    b'{"text": ""}',
    b"\xff\xfe",
    b"text=%ff&sessionId=s1",
    b"&" * 60,
    "&".join(f"f{number}=1" for number in range(51)).encode(),
    urlencode({name: value for name, value in GOOD.items() if name != "text"}).encode(),
    urlencode({name: value for name, value in GOOD.items() if name != "sessionId"}).encode(),
    urlencode({name: value for name, value in GOOD.items() if name != "phoneNumber"}).encode(),
    urlencode({name: value for name, value in GOOD.items() if name != "serviceCode"}).encode(),
    GOOD | {"sessionId": "s" * 101},
    GOOD | {"sessionId": "a b"},
    GOOD | {"sessionId": "s\x00"},
    GOOD | {"phoneNumber": "8012345678"},
    GOOD | {"phoneNumber": "+254711"},
    GOOD | {"phoneNumber": "+2547110000011111"},
    GOOD | {"phoneNumber": "+٢٥٤٧١١٠٠٠٠٠١"},
    GOOD | {"phoneNumber": "+254711000001; DROP"},
    GOOD | {"serviceCode": "38 4"},
]


async def test_an_invalid_form_is_refused_and_writes_nothing(lines: Lines) -> None:
    for form in BAD_FORMS:
        response = await lines.post(form)
        assert response.status_code == 400, form
        assert response.headers["content-type"] == "text/plain; charset=utf-8"
        assert not response.text.startswith(("CON", "END"))
        assert "DROP" not in response.text
    assert await lines.rows("SELECT 1 FROM ussd_session") == []


async def test_a_body_that_is_too_long_is_refused(lines: Lines) -> None:
    longest = urlencode(GOOD).encode() + b"&x="
    fits = longest + b"x" * (door.MAX_BODY_BYTES - len(longest))
    assert (await lines.post(fits)).status_code == 200
    assert (await lines.post(fits + b"x")).status_code == 413


async def test_a_number_as_written_at_home_is_that_of_the_schemes_country(lines: Lines) -> None:
    for form in (GOOD | {"phoneNumber": "0733000001"}, GOOD | {"phoneNumber": "733000001", "sessionId": "s2"}):
        assert (await lines.post(form)).text.startswith(HOME)
    rows = await lines.rows("SELECT msisdn_digest FROM ussd_session")
    assert {row["msisdn_digest"] for row in rows} == {lines.service.vault.digest("phone", PHONE)}


async def test_a_plus_that_was_not_encoded_is_understood(lines: Lines) -> None:
    form = urlencode(GOOD).replace("%2B", "+").encode()
    assert (await lines.post(form)).text.startswith(HOME)
    [row] = await lines.rows("SELECT msisdn_digest FROM ussd_session")
    assert row["msisdn_digest"] == lines.service.vault.digest("phone", PHONE)


async def test_guessing_at_the_gateways_address_ends_in_429_and_the_right_one_is_answered_all_along(
    lines: Lines,
) -> None:
    form = step_form("", "guess")
    path = lines.path.rpartition("/")[0]
    statuses = [(await lines.post(form, f"{path}/{number:040}")).status_code for number in range(35)]
    assert statuses == [403] * 30 + [429] * 5
    assert (await lines.step("")).startswith("CON")
