"""One-time codes: one phone, one code, five tries; a code proves a phone and changes nothing else."""

import asyncio
import re
import string
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import uuid4

import httpx
import msgspec
import pytest

import kyb
from kyb.codes import gsm7_septets
from merchant.compliance.cases.verify import BY_PEOPLE
from merchant.compliance.providers import phone_codes
from merchant.compliance.slice import ROUTES
from merchant.core.service import Service
from merchant.core.texts import TEXTED, translate
from tests import builders
from tests.apps import app_on, client_on
from tests.builders import World
from tests.merchant.compliance.providers.conftest import Desk, Phones, wrong

pytestmark = [pytest.mark.anyio, pytest.mark.database]
MINUTE = timedelta(minutes=1)


def test_what_a_policy_may_ask_of_a_code_is_what_a_code_verifies() -> None:
    assert {phone_codes.METHOD: frozenset({phone_codes.ATTRIBUTE})} == kyb.BOUND_METHODS
    assert frozenset(kyb.METHODS) - BY_PEOPLE == {"checker", phone_codes.METHOD}


async def test_a_code_that_is_read_back_verifies_the_phone_by_the_service(desk: Desk, phones: Phones) -> None:
    document = builders.seller()
    await desk.open(document)
    sent = await desk.send({"path": "contact.phone"})
    assert (sent.status_code, sent.json()["tries"]) == (201, 5)
    phone = document["contact"]["phone"]
    assert [to for to, _ in phones.received] == [phone]
    assert phone not in sent.text
    code = phones.last_code()
    assert code not in sent.text

    before = await desk.get()
    confirmed = await desk.confirm(code)
    assert confirmed.status_code == 200, confirmed.text
    made = confirmed.json()
    assert {name: made[name] for name in ("attribute", "subject", "outcome", "method", "by_kind")} == {
        "attribute": "phone",
        "subject": "contact",
        "outcome": "verified",
        "method": "one_time_code",
        "by_kind": "service",
    }
    # The phone is no longer a checker's to vouch for, and the answers are what they were.
    needs = await desk.get("/requirements")
    assert all(one["key"] != "phone" for one in needs["pending_verification"])
    assert (await desk.get())["version_hash"] == before["version_hash"]


async def test_the_code_stands_nowhere_but_in_the_message(
    desk: Desk, phones: Phones, capfd: pytest.CaptureFixture[str]
) -> None:
    await desk.open()
    await desk.send()
    code = phones.last_code()
    await desk.confirm(wrong(code))
    await desk.confirm(code)
    rows = await desk.fetch("SELECT code_digest, phone_digest FROM phone_code")
    assert all(code.encode() not in bytes(value) for row in rows for value in row.values())
    audit = await desk.fetch("SELECT action, detail::text FROM audit_entry ORDER BY seq")
    assert [one["action"] for one in audit if one["action"].startswith(("phone", "verif"))] == [
        "phone_code.sent",
        "phone_code.refused",
        "verification.recorded",
        "phone_code.confirmed",
    ]
    kept = str(audit) + str(await desk.fetch("SELECT * FROM sms_message")) + str(await desk.fetch("TABLE outbox"))
    out, err = capfd.readouterr()
    assert code not in kept + out + err


async def test_where_mails_are_kept_the_dfsps_administrator_finds_the_text_and_no_other(
    client: httpx.AsyncClient, desk: Desk, world: World
) -> None:
    await desk.open()
    await desk.send()
    kept = [
        (await client.get("/api/v1/outgoing-mail", headers=world[dfsp]["admin"].headers)).json()["items"]
        for dfsp in ("greenbankfsp", "lakemfi")
    ]
    assert [[one["subject"] for one in items] for items in kept] == [["SMS"], []]
    [code] = re.findall(r"\b[0-9]{6}\b", kept[0][0]["text"])
    assert (await desk.confirm(code)).status_code == 200


@pytest.mark.parametrize("kind", ["none", "smtp"])
async def test_where_nothing_sends_texts_a_code_is_refused_with_what_to_do(
    service: Service, world: World, phones: Phones, kind: Literal["none", "smtp"]
) -> None:
    silent = Service(msgspec.structs.replace(service.settings, mail_kind=kind), service.db)
    async with client_on(app_on(silent, routes=ROUTES)) as client:
        desk = Desk(client, silent, world, phones)
        await desk.open()
        refused = await desk.send()
    assert (refused.status_code, refused.json()["code"]) == (409, "no_text_sender")
    assert phones.received == []


async def test_a_wrong_code_says_how_many_tries_are_left_and_the_fifth_ends_it(desk: Desk, phones: Phones) -> None:
    await desk.open()
    await desk.send()
    code = phones.last_code()
    told = []
    for _ in range(5):
        refused = await desk.confirm(wrong(code))
        assert (refused.status_code, refused.json()["code"]) == (422, "wrong_code")
        told.append(refused.json()["errors"][0]["message"])
    assert [text.split()[0] for text in told] == ["4", "3", "2", "1", "0"]
    ended = await desk.confirm(code)
    assert (ended.status_code, ended.json()["code"]) == (409, "no_code")
    assert await desk.fetch("SELECT 1 FROM verification") == []


async def test_guesses_at_once_count_one_after_the_other(desk: Desk, phones: Phones) -> None:
    await desk.open()
    await desk.send()
    code = phones.last_code()
    guesses = [f"{(int(code) + step) % 1_000_000:06}" for step in range(1, 10)]
    answers = await asyncio.gather(*(desk.confirm(one) for one in guesses))
    # Some may be told that others are changing the same; nobody gets a sixth try.
    assert sum(one.json()["code"] == "wrong_code" for one in answers) <= 5
    assert (await desk.fetch("SELECT tries_left FROM phone_code"))[0]["tries_left"] >= 0
    assert await desk.fetch("SELECT 1 FROM verification") == []


async def test_two_confirmations_at_once_make_one_verification_and_a_replay_none(desk: Desk, phones: Phones) -> None:
    await desk.open()
    await desk.send()
    code = phones.last_code()
    answers = [*await asyncio.gather(desk.confirm(code), desk.confirm(code)), await desk.confirm(code)]
    assert [one.status_code for one in answers] == [200, 200, 200]
    assert len({one.json()["id"] for one in answers}) == 1
    assert len(await desk.fetch("SELECT 1 FROM verification")) == 1
    # A used code helps nobody who does not have it.
    assert (await desk.confirm(wrong(code))).json()["code"] == "no_code"


async def test_a_code_lapses_and_a_newer_one_ends_it(
    desk: Desk, phones: Phones, move_clock: Callable[[timedelta], datetime]
) -> None:
    await desk.open()
    await desk.send()
    first = phones.last_code()
    move_clock(MINUTE)
    await desk.send()
    second = phones.last_code()
    if first != second:
        assert (await desk.confirm(first)).json()["code"] == "wrong_code"
    move_clock(10 * MINUTE)
    assert (await desk.confirm(second)).json()["code"] == "no_code"


async def test_a_message_that_is_too_late_is_not_sent(
    desk: Desk, phones: Phones, move_clock: Callable[[timedelta], datetime]
) -> None:
    await desk.open()
    path = f"/api/v1/applications/{desk.id}/phone-code"
    assert (await desk.client.post(path, json={}, headers=desk.world.maker.headers)).status_code == 201
    move_clock(10 * MINUTE)
    await builders.work(desk.service)
    assert phones.received == []


async def test_a_phone_that_changed_meanwhile_needs_a_new_code(desk: Desk, phones: Phones) -> None:
    document = builders.seller()
    await desk.open(document)
    await desk.send()
    code = phones.last_code()
    headers = {**desk.world.maker.headers, "if-match": '"1"'}
    change = {"contact": {**document["contact"], "phone": "+254722999999"}}
    changed = await desk.client.patch(f"/api/v1/applications/{desk.id}", json=change, headers=headers)
    assert changed.status_code == 200, changed.text
    refused = await desk.confirm(code)
    assert (refused.status_code, refused.json()["code"]) == (409, "phone_changed")
    await desk.send()
    assert (await desk.confirm(phones.last_code())).status_code == 200
    assert phones.received[-1][0] == "+254722999999"


async def test_three_codes_an_hour_go_out_for_a_case_and_a_replay_sends_none(
    desk: Desk, phones: Phones, move_clock: Callable[[timedelta], datetime]
) -> None:
    await desk.open()
    for key in ("a", "a", "b", "c"):
        assert (await desk.send(**{"idempotency-key": key})).status_code == 201
    assert len(phones.received) == 3
    refused = await desk.send()
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_codes")
    move_clock(timedelta(seconds=int(refused.headers["retry-after"]) + 1))
    assert (await desk.send()).status_code == 201


async def test_three_codes_an_hour_go_to_a_phone_whichever_cases_and_dfsps_ask(
    desk: Desk, phones: Phones, world: World
) -> None:
    document = builders.seller()
    statuses = []
    for fsp_id in ("greenbankfsp", "greenbankfsp", "lakemfi", "lakemfi"):
        maker = world[fsp_id]["maker"]
        desk.id = (await builders.create_application(desk.service, maker, document)).id
        statuses.append((await desk.send(who=maker)).status_code)
    assert statuses == [201, 201, 201, 429]
    assert len(phones.received) == 3


async def test_under_review_a_code_proves_the_phone_and_leaves_the_version_as_it_is(
    desk: Desk, phones: Phones, world: World
) -> None:
    await desk.open(submitted=True)
    before = await desk.get()
    assert before["state"] == "in_review"
    both = world["greenbankfsp"]["both"]
    await desk.send(who=both)
    assert (await desk.confirm(phones.last_code(), who=both)).status_code == 200
    after = await desk.get()
    assert (after["state"], after["version"], after["version_hash"]) == ("in_review", 1, before["version_hash"])
    assert ("phone", "passed") in {(one["code"], one["outcome"]) for one in after["report"]["checks"]}
    # By hand nothing is added to a version under review.
    seen = {"attribute": "phone", "subject": "contact", "outcome": "verified", "method": "manual"}
    path = f"/api/v1/applications/{desk.id}"
    by_hand = await desk.client.post(f"{path}/verifications", json=seen, headers=world.maker.headers)
    assert by_hand.status_code == 409
    # Whoever heard the code does not decide; another does, on the hash that was read before.
    approval = {"version_hash": before["version_hash"]}
    own = await desk.client.post(f"{path}/approve", json=approval, headers=both.headers)
    assert (own.status_code, own.json()["code"]) == (403, "checker_is_maker")
    approved = await desk.client.post(f"{path}/approve", json=approval, headers=world.checker.headers)
    assert approved.status_code == 200, approved.text
    # A decided case takes no code.
    assert (await desk.send()).json()["code"] == "wrong_state"
    assert (await desk.confirm("123456")).json()["code"] == "wrong_state"


async def test_others_can_neither_send_nor_confirm(desk: Desk, phones: Phones, world: World) -> None:
    await desk.open()
    stranger, auditor = world["lakemfi"]["maker"], world["greenbankfsp"]["auditor"]
    for who, status in ((stranger, 404), (auditor, 403), (world.checker, 403)):
        assert (await desk.send(who=who)).status_code == status
    assert phones.received == []
    await desk.send()
    for who, status in ((stranger, 404), (auditor, 403), (world.checker, 403)):
        assert (await desk.confirm(phones.last_code(), who=who)).status_code == status
    assert (await desk.fetch("SELECT tries_left FROM phone_code"))[0]["tries_left"] == 5
    desk.id = uuid4()
    assert (await desk.send()).status_code == 404


@pytest.mark.parametrize("code", ["12345", "1234567", "12345a", "١٢٣٤٥٦", "123456\n", ""])
async def test_what_is_no_code_costs_no_try(desk: Desk, code: str) -> None:
    await desk.open()
    await desk.send()
    assert (await desk.confirm(code)).json()["code"] == "invalid_fields"
    assert (await desk.fetch("SELECT tries_left FROM phone_code"))[0]["tries_left"] == 5


async def test_a_code_goes_only_to_the_phone_that_reaches_the_merchant(desk: Desk, phones: Phones) -> None:
    document = builders.seller()
    document["owners"][0]["phone"] = "+254722888888"
    await desk.open(document)
    for path in ("owners[0].phone", "owners[7].phone", "contact.email", "nowhere"):
        refused = await desk.send({"path": path})
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "not_the_contact")
    document["contact"] = {"owner_index": 0}
    await desk.open(document)
    assert (await desk.send({"path": "owners[0].phone"})).status_code == 201
    assert [to for to, _ in phones.received] == ["+254722888888"]
    document["owners"][0].pop("phone")
    await desk.open(document)
    assert (await desk.send()).json()["errors"][0]["code"] == "missing"


async def test_a_confirmation_without_a_code_is_refused(desk: Desk) -> None:
    await desk.open()
    assert (await desk.confirm("123456")).json()["code"] == "no_code"


async def test_the_message_fits_one_text_in_every_language(service: Service, world: World) -> None:
    async with service.db.tenant(world.dfsp_ids["greenbankfsp"]) as tx:
        message: Any = await phone_codes._message(tx, world.dfsp_ids["greenbankfsp"], "012345")
    # The longest id that a DFSP may have, in the letters that it may have.
    message.values["dfsp"] = (string.ascii_letters + "_-")[-32:]
    for language in TEXTED:
        told = translate(message, language)
        septets = gsm7_septets(told)
        assert septets is not None and septets <= 160, told
        assert "012345" in told


async def test_codes_are_forgotten_after_a_day(desk: Desk, move_clock: Callable[[timedelta], datetime]) -> None:
    await desk.open()
    await desk.send()
    for passed, left in ((timedelta(hours=23), 1), (timedelta(hours=2), 0)):
        move_clock(passed)
        async with desk.service.db.system() as tx:
            await phone_codes.prune(tx, 100)
        assert len(await desk.fetch("SELECT 1 FROM phone_code")) == left
