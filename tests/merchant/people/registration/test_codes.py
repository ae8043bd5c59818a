"""Codes that prove an address: one use, five minutes, a lock after wrong ones; they tell nobody who has an account."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

import httpx
import msgspec
import pytest

from kyb.codes import gsm7_septets
from merchant.core.service import Service
from merchant.core.texts import OFFERED, TEXTED, translate
from merchant.people.registration import codes
from merchant.people.slice import ROUTES
from tests.apps import app_on, client_on
from tests.builders import World
from tests.merchant.people.registration.conftest import Door, wrong

pytestmark = [pytest.mark.anyio, pytest.mark.database]
Move = Callable[[timedelta], datetime]
MINUTE = timedelta(minutes=1)
MAIL = {"email": "Njeri@Shop.example"}


async def test_a_code_arrives_by_text_and_by_mail_and_the_answer_is_the_same_for_every_address(door: Door) -> None:
    answers = []
    for address in (door.phone(), {"email": "njeri@shop.example"}, {"email": "maker@greenbankfsp.example"}):
        sent = await door.ask(address)
        answers.append((sent.status_code, sent.text))
        assert "is your code for Test scheme" in (await door.messages(address))[0]
    assert answers == [(202, '{"status":"accepted"}')] * 3


async def test_no_dfsps_administrator_reads_codes(door: Door, client: httpx.AsyncClient, world: World) -> None:
    await door.code(door.phone())
    kept = await client.get("/api/v1/outgoing-mail", headers=world["greenbankfsp"]["admin"].headers)
    assert kept.json()["items"] == []


async def test_a_code_is_told_in_the_language_of_the_request(door: Door) -> None:
    address = door.phone()
    await door.ask(address, **{"accept-language": "fr"})
    [told] = await door.messages(address)
    known = await codes.message(door.service, "000000", "fr")
    assert told[6:] == translate(known, "fr")[6:]


@pytest.mark.parametrize("name", ["Test scheme", "ສະຫງວນ" * 10, "A" * 128])
async def test_the_message_fits_one_text_in_every_language(service: Service, world: World, name: str) -> None:
    async with service.db.system() as tx:
        await tx.execute("UPDATE scheme SET name = $1", name)
    fresh = Service(service.settings, service.db)
    for language in OFFERED:
        told = translate(await codes.message(fresh, "012345", language), language)
        septets = gsm7_septets(told)
        if language in TEXTED:
            assert septets is not None and septets <= 160, told
        else:
            assert len(told.encode("utf-16-be")) // 2 <= 2 * 67, told  # two messages of UCS-2, 3GPP TS 23.040
        assert "012345" in told


async def test_the_code_stands_nowhere_but_in_the_message(door: Door, capfd: pytest.CaptureFixture[str]) -> None:
    address = door.phone()
    code = await door.code(address)
    assert (await door.send(address, wrong(code))).status_code == 401
    kept = str(
        [[bytes(v) if isinstance(v, bytes) else v for v in r.values()] for r in await door.fetch("TABLE one_time_code")]
    )
    kept += str(await door.fetch("SELECT * FROM security_event")) + str(await door.fetch("TABLE audit_entry"))
    kept += str(await door.fetch("TABLE outbox"))
    out, err = capfd.readouterr()
    assert code not in kept + out + err
    assert address["phone"][1:] not in kept + out + err


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "phone"),
        ({"phone": "+254700000001", "email": "a@b.example"}, "phone"),
        ({"phone": "nobody"}, "phone"),
        ({"phone": "12"}, "phone"),
        ({"phone": "+254 700 000 001 ext 5"}, "phone"),
        ({"email": "nobody"}, "email"),
        ({"email": "a@b.example\n"}, "email"),
    ],
)
async def test_what_is_no_address_gets_no_code(door: Door, body: dict[str, str], field: str) -> None:
    refused = await door.client.post("/api/v1/one-time-codes", json=body)
    assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, field), refused.text
    assert await door.fetch("TABLE one_time_code") == []


@pytest.mark.parametrize(("kind", "phones", "mails"), [("none", 409, 409), ("smtp", 409, 202), ("console", 202, 202)])
async def test_where_nothing_sends_messages_of_a_kind_that_is_said(
    service: Service, world: World, kind: Literal["none", "smtp", "console"], phones: int, mails: int
) -> None:
    other = Service(msgspec.structs.replace(service.settings, mail_kind=kind), service.db)
    async with client_on(app_on(other, routes=ROUTES)) as client:
        sent = [await client.post("/api/v1/one-time-codes", json=one) for one in ({"phone": "+254700000001"}, MAIL)]
    assert [one.status_code for one in sent] == [phones, mails]
    assert {one.json()["code"] for one in sent if one.status_code == 409} <= {"no_sender"}


async def test_a_code_is_used_once(door: Door) -> None:
    address = door.phone()
    code = await door.code(address)
    assert (await door.send(address, code)).status_code == 201
    again = await door.send(address, code)
    assert (again.status_code, again.json()["code"]) == (401, "code_refused")
    assert (await door.sign_in(address, code)).json()["code"] == "code_refused"


async def test_of_one_code_used_twice_at_once_one_counts(door: Door) -> None:
    address = door.phone()
    code = await door.code(address)
    answers = await asyncio.gather(*(door.send(address, code) for _ in range(4)))
    assert sorted(one.status_code for one in answers) == [201, 401, 401, 401], [one.text for one in answers]
    assert len(await door.fetch("SELECT 1 FROM application")) == 1
    assert len(await door.fetch("SELECT 1 FROM app_user WHERE phone_digest IS NOT NULL")) == 1


async def test_the_code_of_another_address_is_wrong(door: Door) -> None:
    mine, theirs = door.phone(), door.phone()
    code, other = await door.code(mine), await door.code(theirs)
    if code != other:
        refused = await door.send(mine, other)
        assert (refused.status_code, refused.json()["code"]) == (401, "code_refused")
    assert (await door.send(theirs, other)).status_code == 201


async def test_a_code_is_good_for_five_minutes_and_a_newer_one_ends_it(door: Door, move_clock: Move) -> None:
    address = door.phone()
    first = await door.code(address)
    move_clock(MINUTE)
    second = await door.code(address)
    if first != second:
        assert (await door.send(address, first)).status_code == 401
    move_clock(5 * MINUTE)
    assert (await door.send(address, second)).json()["code"] == "code_refused"
    third = await door.code(address)
    move_clock(5 * MINUTE - timedelta(seconds=1))
    assert (await door.send(address, third)).status_code == 201


async def test_five_wrong_codes_in_a_row_lock_the_address_for_three_hours(door: Door, move_clock: Move) -> None:
    address, other = door.phone(), door.phone()
    code = await door.code(address)
    refused = [await door.send(address, wrong(code)) for _ in range(5)]
    assert {(one.status_code, one.json()["code"]) for one in refused} == {(401, "code_refused")}
    # The right one is no better now, at no door, and no new one goes out.
    for answer in (await door.send(address, code), await door.sign_in(address, code), await door.ask(address)):
        assert (answer.status_code, answer.json()["code"]) == (429, "address_locked")
        assert 0 < int(answer.headers["retry-after"]) <= 3 * 3600 + 1
    assert (await door.send(other, await door.code(other))).status_code == 201
    move_clock(timedelta(hours=3, seconds=1))
    assert (await door.send(address, code)).json()["code"] == "code_refused"
    assert (await door.send(address, await door.code(address))).status_code == 201


async def test_wrong_codes_are_counted_over_newer_codes_and_forgotten_after_a_right_one(
    door: Door, move_clock: Move
) -> None:
    address = door.phone()
    code = await door.code(address)
    for _ in range(3):
        await door.send(address, wrong(code))
    code = await door.code(address)
    await door.send(address, wrong(code))
    assert (await door.send(address, code)).status_code == 201
    move_clock(15 * MINUTE)
    code = await door.code(address)
    for _ in range(4):
        assert (await door.sign_in(address, wrong(code))).json()["code"] == "code_refused"
    assert (await door.sign_in(address, code)).status_code == 201


async def test_guesses_at_once_count_one_after_the_other(door: Door) -> None:
    address = door.phone()
    code = await door.code(address)
    guesses = [f"{(int(code) + step) % 1_000_000:06}" for step in range(1, 9)]
    answers = await asyncio.gather(*(door.sign_in(address, one) for one in guesses))
    told = [one.json()["code"] for one in answers]
    assert told.count("code_refused") <= 5 and set(told) <= {"code_refused", "address_locked", "busy"}, told
    assert (await door.sign_in(address, code)).json()["code"] == "address_locked"


async def test_where_no_code_is_good_any_more_a_wrong_one_locks_nobody_out(door: Door, move_clock: Move) -> None:
    address = door.phone()
    for _ in range(7):
        assert (await door.sign_in(address, "123456")).json()["code"] == "code_refused"
    code = await door.code(address)
    move_clock(6 * MINUTE)
    for _ in range(7):
        assert (await door.sign_in(address, wrong(code))).json()["code"] == "code_refused"
    assert (await door.send(address, await door.code(address))).status_code == 201


async def test_three_codes_in_a_quarter_of_an_hour_go_to_an_address(door: Door, move_clock: Move) -> None:
    address = door.phone()
    for _ in range(3):
        assert (await door.ask(address)).status_code == 202
        move_clock(MINUTE)
    refused = await door.ask(address)
    assert (refused.status_code, refused.json()["code"]) == (429, "codes_spent")
    assert len(await door.messages(address)) == 3
    move_clock(timedelta(seconds=int(refused.headers["retry-after"])))
    assert (await door.ask(address)).status_code == 202
    assert (await door.ask(door.phone())).status_code == 202


async def test_one_source_has_only_so_many_codes_sent_and_tries_only_so_many(door: Door) -> None:
    asked = [await door.client.post("/api/v1/one-time-codes", json=door.phone()) for _ in range(40)]
    assert [one.status_code for one in asked[:30]] == [202] * 30
    assert asked[-1].status_code == 429 and "retry-after" in asked[-1].headers
    tried = [await door.sign_in(door.phone(), "123456") for _ in range(70)]
    assert [one.status_code for one in tried[:60]] == [401] * 60
    assert tried[-1].json()["code"] == "too_many_requests"


async def test_codes_are_forgotten_after_a_day(door: Door, move_clock: Move) -> None:
    await door.code(door.phone())
    for passed, left in ((timedelta(hours=23), 1), (timedelta(hours=2), 0)):
        move_clock(passed)
        async with door.service.db.system() as tx:
            await codes.prune(tx, 100)
        assert len(await door.fetch("SELECT 1 FROM one_time_code")) == left
