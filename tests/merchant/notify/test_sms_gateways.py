"""Text messages through the outbox and a gateway: sent once, tried again, ended when refused, told without a number."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import aiohttp
import msgspec
import pytest

from merchant.core import clock, outbox
from merchant.core.db import Tx
from merchant.core.money import Money
from merchant.core.service import Service
from merchant.notify import sms
from merchant.notify.gateways.smpp import session_of
from tests import builders
from tests import simulated_smsc as simulator
from tests.builders import World
from tests.merchant.notify.conftest import Ear, hang_up, listening
from tests.simulated_smsc import THROTTLED, Smsc

pytestmark = [pytest.mark.anyio, pytest.mark.database]
PHONE = "+254711555001"
LATER = timedelta(hours=3)  # beyond every pause between two tries


@pytest.fixture
async def merchant_id(service: Service, world: World) -> UUID:
    document = builders.company()
    document["contact"]["phone"] = PHONE
    return (await builders.create_merchant(service, world, document=document))[0].id


@pytest.fixture
async def smsc() -> AsyncIterator[Smsc]:
    async with simulator.listening() as running:
        yield running


@pytest.fixture
async def by_smpp(service: Service, smsc: Smsc) -> AsyncIterator[Service]:
    url = f"smpp://127.0.0.1:{smsc.port}"
    made = with_gateway(service, sms_url=url, sms_user="registry", sms_secret="s3cret")
    yield made
    await asyncio.to_thread(made.shared(session_of).close)


@pytest.fixture
async def gateway() -> AsyncIterator[Ear]:
    async with listening() as ear:
        yield ear


@pytest.fixture
def by_http(service: Service, gateway: Ear) -> Service:
    return with_gateway(service, sms_url=f"{gateway.url}/sms", sms_taken="204")


def with_gateway(service: Service, **changed: Any) -> Service:
    """The service of a process that has a gateway, and keeps no mails."""
    return Service(msgspec.structs.replace(service.settings, mail_kind="none", **changed), service.db)


async def tell(service: Service, merchant_id: UUID) -> None:
    async with service.db.system() as tx:
        await sms.notify_paid(tx, service, merchant_id, Money(1000, "KES"), None, "7Z3K-90QW-5D2XH")


async def send_code(service: Service, dfsp_id: UUID | None, good_for: timedelta = timedelta(minutes=10)) -> None:
    async with service.db.system() as tx:
        until = clock.now() + good_for
        await sms.send_private(tx, service, PHONE, "Code 123456", dfsp_id=dfsp_id, until=until, order="x")


async def read(service: Service, sql: str) -> list[dict[str, Any]]:
    async with service.db.system_reads() as tx:
        return [dict(row) for row in await tx.fetch(sql)]


async def message(service: Service) -> dict[str, Any]:
    [row] = await read(service, "SELECT state, reason, sent_at FROM sms_message")
    return row


async def jobs(service: Service) -> list[dict[str, Any]]:
    return await read(service, f"SELECT attempts, last_error FROM outbox WHERE topic LIKE '{sms.TOPIC[:6]}%sms'")


async def test_texts_reach_people_by_a_gateway_whatever_mails_do(service: Service) -> None:
    assert sms.can_send(with_gateway(service, sms_url="https://sms.example/send").settings)
    assert sms.can_send(with_gateway(service, sms_url="smpps://smsc.example:3550").settings)
    assert not sms.can_send(with_gateway(service).settings)


async def test_a_payment_is_told_through_the_smsc(by_smpp: Service, smsc: Smsc, merchant_id: UUID) -> None:
    await tell(by_smpp, merchant_id)
    await builders.work(by_smpp)
    [sent] = smsc.submitted
    assert sent.destination[2] == PHONE[1:]
    assert b": 10.00 KES received at " in sent.message
    told = await message(by_smpp)
    assert (told["state"], told["reason"], told["sent_at"] is not None) == ("sent", None, True)
    assert await jobs(by_smpp) == []


async def test_a_throttled_message_waits_and_is_sent_later(
    by_smpp: Service, smsc: Smsc, merchant_id: UUID, move_clock: Callable[[timedelta], datetime]
) -> None:
    smsc.answers = [THROTTLED]
    await tell(by_smpp, merchant_id)
    await builders.work(by_smpp)
    why = "NotSent: The SMSC does not take the message now: 0x58."
    assert (await message(by_smpp)) == {"state": "failed", "reason": why, "sent_at": None}
    assert await jobs(by_smpp) == [{"attempts": 1, "last_error": why}]
    move_clock(LATER)
    await builders.work(by_smpp)
    told = await message(by_smpp)
    assert (told["state"], told["reason"], len(smsc.submitted)) == ("sent", None, 2)


@pytest.mark.parametrize("way", ["smpp", "http"])
async def test_an_invalid_number_ends_the_message_with_its_reason_and_lets_the_next_one_pass(
    by_smpp: Service,
    smsc: Smsc,
    by_http: Service,
    gateway: Ear,
    merchant_id: UUID,
    move_clock: Callable[[timedelta], datetime],
    way: str,
) -> None:
    service, told = (by_smpp, "SMSC") if way == "smpp" else (by_http, "SMS gateway")
    smsc.answers, gateway.answers["/sms"] = [simulator.INVALID_DESTINATION], [400]
    for _ in range(2):
        await tell(service, merchant_id)
    await builders.work(service)
    first, second = await read(service, "SELECT state, reason FROM sms_message ORDER BY id")
    assert first["state"] == "failed"
    assert first["reason"].startswith(f"The {told} refuses the message: ")
    assert second["state"] == "sent"
    assert await jobs(service) == []
    move_clock(LATER)
    await builders.work(service)
    assert len(smsc.submitted) + len(gateway.heard) == 2


async def test_over_http_a_cut_connection_is_tried_again_with_the_same_id(
    by_http: Service, gateway: Ear, merchant_id: UUID, move_clock: Callable[[timedelta], datetime]
) -> None:
    gateway.answers["/sms"] = [hang_up, 503]
    await tell(by_http, merchant_id)
    for _ in range(4):
        await builders.work(by_http)
        move_clock(LATER)
    assert len(gateway.heard) == 3
    assert len({heard.headers["idempotency-key"] for heard in gateway.heard}) == 1
    assert (await message(by_http))["state"] == "sent"


async def test_what_the_gateway_took_is_not_sent_again_though_the_note_of_it_failed(
    by_http: Service,
    gateway: Ear,
    merchant_id: UUID,
    http: aiohttp.ClientSession,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await tell(by_http, merchant_id)
    [row] = await read(by_http, "SELECT id FROM sms_message")
    execute = Tx.execute

    async def away(tx: Tx, sql: str, *values: Any) -> int:
        if "UPDATE sms_message" in sql:
            raise ConnectionError("the database is away")
        return await execute(tx, sql, *values)

    monkeypatch.setattr(Tx, "execute", away)
    with pytest.raises(ConnectionError):
        await sms.deliver(by_http, http, row["id"])
    monkeypatch.undo()
    await builders.work(by_http)
    assert len(gateway.heard) == 1
    assert (await message(by_http))["state"] == "sent"


async def test_a_code_goes_out_once_is_kept_nowhere_and_not_shown_with_the_mails(
    by_smpp: Service, smsc: Smsc, merchant_id: UUID, world: World
) -> None:
    await send_code(by_smpp, world.maker.actor.dfsp_id)
    [job] = await read(by_smpp, f"SELECT payload FROM outbox WHERE topic = '{sms.PRIVATE_TOPIC}'")
    await builders.work(by_smpp)
    async with by_smpp.db.system() as tx:
        await outbox.add(tx, sms.PRIVATE_TOPIC, bytes(job["payload"]))
    await builders.work(by_smpp)
    assert [one.message for one in smsc.submitted] == [b"Code 123456"]
    assert await read(by_smpp, "SELECT 1 FROM outgoing_mail") == []
    kept = await read(by_smpp, "SELECT text, state FROM sms_message")
    assert kept == [{"text": "", "state": "sent"}]


async def test_a_code_of_no_dfsp_that_the_outbox_repeats_is_sent_once_by_a_process(
    by_smpp: Service, smsc: Smsc
) -> None:
    await send_code(by_smpp, None)
    [job] = await read(by_smpp, f"SELECT payload FROM outbox WHERE topic = '{sms.PRIVATE_TOPIC}'")
    async with by_smpp.db.system() as tx:
        await outbox.add(tx, sms.PRIVATE_TOPIC, bytes(job["payload"]))
    await builders.work(by_smpp)
    assert len(smsc.submitted) == 1


async def test_a_code_that_is_refused_or_too_late_is_not_tried_again(
    by_smpp: Service, smsc: Smsc, world: World, move_clock: Callable[[timedelta], datetime]
) -> None:
    dfsp_id = world.maker.actor.dfsp_id
    smsc.answers = [simulator.INVALID_DESTINATION, THROTTLED]
    await send_code(by_smpp, dfsp_id)
    await builders.work(by_smpp)
    await send_code(by_smpp, dfsp_id)
    await builders.work(by_smpp)
    for _ in range(2):
        move_clock(LATER)
        await builders.work(by_smpp)
    kept = await read(by_smpp, "SELECT state, reason FROM sms_message ORDER BY id")
    assert [one["state"] for one in kept] == ["failed", "failed"]
    assert [one["reason"] for one in kept] == ["The SMSC refuses the message: 0x0b.", sms.TOO_LATE]
    assert (len(smsc.submitted), await jobs(by_smpp)) == (2, [])


async def test_no_number_is_told_by_a_failure(
    by_http: Service, gateway: Ear, merchant_id: UUID, capfd: pytest.CaptureFixture[str]
) -> None:
    gateway.answers["/sms"] = [500]
    await tell(by_http, merchant_id)
    await builders.work(by_http)
    said = "".join(capfd.readouterr()) + str(await jobs(by_http)) + str(await message(by_http))
    assert "The SMS gateway answered 500" in said
    assert PHONE[1:] not in said
    assert gateway.url not in said
