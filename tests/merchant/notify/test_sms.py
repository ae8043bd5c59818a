"""Text messages to merchants: what they say, to whom they go, that each is sent once."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import asyncpg
import msgspec
import pytest

from kyb.codes import gsm7_septets
from merchant.core import clock, outbox
from merchant.core.money import Money
from merchant.core.service import Service
from merchant.notify import sms
from tests import builders
from tests.builders import World
from tests.merchant.payments.stage import PAYER, Stage

pytestmark = pytest.mark.anyio
TEN = Money(1000, "KES")
MASKED = "2547*****001"


class Phones:
    """Where messages arrive: a sender of the test's own. `broken` says how often it fails first."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        self.broken = 0

    async def send(self, _message_id: str, phone: str, text: str) -> None:
        if self.broken:
            self.broken -= 1
            raise ConnectionError("the gateway is away")
        self.heard.append((phone, text))


@pytest.fixture
def phones(monkeypatch: pytest.MonkeyPatch) -> Phones:
    arriving = Phones()
    monkeypatch.setattr(sms, "to_console", arriving.send)
    return arriving


async def rows(service: Service) -> list[asyncpg.Record]:
    async with service.db.system_reads() as tx:
        return await tx.fetch("SELECT * FROM sms_message ORDER BY created_at, id")


async def tell(service: Service, merchant_id: UUID, amount: Money = TEN, payer: str | None = MASKED) -> None:
    async with service.db.system() as tx:
        await sms.notify_paid(tx, service, merchant_id, amount, payer, "7Z3K-90QW-5D2XH")


@pytest.fixture
async def merchant_id(service: Service, world: World) -> UUID:
    document = builders.company()
    document["contact"]["phone"] = "+254711555001"
    return (await builders.create_merchant(service, world, document=document))[0].id


async def test_a_payment_is_told_to_the_merchants_phone(stage: Stage, phones: Phones) -> None:
    await stage.pay(await stage.asked())
    [(phone, text)] = phones.heard
    assert re.fullmatch(r"\+254711\d{6}", phone)
    assert re.fullmatch(r".+: 10\.00 KES received from 2547\*{5}001 at \d\d:\d\d\. Receipt [0-9A-Z-]{15}", text)
    [row] = await rows(stage.service)
    assert (row["merchant_id"], row["state"], row["text"]) == (stage.merchant.id, "sent", text)
    assert row["sent_at"] >= row["created_at"]


async def test_a_payment_told_twice_by_the_hub_is_one_message(stage: Stage, phones: Phones) -> None:
    transfer_id = await stage.pay(await stage.asked())
    await stage.end_transfer(transfer_id, "COMMITTED", "PUT")
    await stage.end_transfer(transfer_id, "COMMITTED")
    assert len(phones.heard) == 1


async def test_what_is_kept_holds_no_number_in_clear(stage: Stage, phones: Phones) -> None:
    await stage.pay(await stage.asked())
    [(phone, _)] = phones.heard
    [row] = await rows(stage.service)
    kept = repr(tuple(row))
    assert phone.removeprefix("+") not in kept
    assert PAYER not in kept
    assert row["phone_masked"].startswith("+2547")
    assert row["phone_masked"].count("*") >= 4


async def test_the_time_is_that_of_the_schemes_clock_on_the_wall(
    service: Service, merchant_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "source", lambda: datetime(2026, 3, 1, 22, 5, tzinfo=UTC))
    await tell(service, merchant_id)
    text = (await rows(service))[0]["text"]
    assert text.endswith(f": 10.00 KES received from {MASKED} at 01:05. Receipt 7Z3K-90QW-5D2XH")


@pytest.mark.parametrize(
    ("amount", "payer", "told"),
    [
        (Money(123456789, "KES"), MASKED, f": 1,234,567.89 KES received from {MASKED} at "),
        (Money(500, "JPY"), MASKED, f": 500 JPY received from {MASKED} at "),
        (Money(5, "USD"), None, ": 0.05 USD received at "),
    ],
)
async def test_the_amount_is_written_for_people(
    service: Service, merchant_id: UUID, amount: Money, payer: str | None, told: str
) -> None:
    await tell(service, merchant_id, amount, payer)
    text = (await rows(service))[0]["text"]
    assert told in text
    assert len(text) <= 160
    assert text.isascii()


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("fr", f" : 1 234 567,89 KES encaissés de {MASKED} à 01:05. Numéro 7Z3K-90QW-5D2XH"),
        ("sw", f": 1,234,567.89 KES zimepokelewa kutoka {MASKED} saa 01:05. Risiti 7Z3K-90QW-5D2XH"),
    ],
)
async def test_a_message_is_in_the_language_of_the_setting_and_fits_one_text_message(
    service: Service, merchant_id: UUID, monkeypatch: pytest.MonkeyPatch, language: str, told: str
) -> None:
    monkeypatch.setattr(clock, "source", lambda: datetime(2026, 3, 1, 22, 5, tzinfo=UTC))
    monkeypatch.setattr(service, "settings", msgspec.structs.replace(service.settings, language=language))
    await tell(service, merchant_id, Money(123456789, "KES"))
    text = (await rows(service))[0]["text"]
    assert text.endswith(told)
    assert (gsm7_septets(text) or 999) <= 160


async def test_a_merchant_without_a_phone_gets_no_message_and_leaves_no_job(service: Service, world: World) -> None:
    document = builders.company()
    del document["contact"]["phone"]
    merchant, _ = await builders.create_merchant(service, world, document=document)
    await tell(service, merchant.id)
    assert await rows(service) == []
    async with service.db.system_reads() as tx:
        assert await tx.fetch("SELECT * FROM outbox WHERE topic = $1", sms.TOPIC) == []


async def test_a_payment_that_is_rolled_back_is_not_told(service: Service, merchant_id: UUID, phones: Phones) -> None:
    with pytest.raises(RuntimeError, match="it did not happen"):
        async with service.db.system() as tx:
            await sms.notify_paid(tx, service, merchant_id, TEN, MASKED, "7Z3K-90QW-5D2XH")
            raise RuntimeError("it did not happen")
    await builders.work(service)
    assert (phones.heard, await rows(service)) == ([], [])


async def test_a_message_that_was_sent_is_not_sent_again(
    service: Service, merchant_id: UUID, phones: Phones, http: aiohttp.ClientSession
) -> None:
    await tell(service, merchant_id)
    await builders.work(service)
    [row] = await rows(service)
    await sms.deliver(service, http, row["id"])
    async with service.db.system() as tx:
        await outbox.add(tx, sms.TOPIC, row["id"])
    await builders.work(service)
    assert len(phones.heard) == 1


async def test_a_message_that_no_one_wrote_is_no_fault(
    service: Service, phones: Phones, http: aiohttp.ClientSession
) -> None:
    await sms.deliver(service, http, uuid4())
    assert phones.heard == []


async def test_messages_wait_for_a_gateway_that_is_away_and_arrive_in_order(
    service: Service, merchant_id: UUID, phones: Phones, later: Callable[[timedelta], Any]
) -> None:
    phones.broken = 2
    for minor in (100, 200, 300):
        await tell(service, merchant_id, Money(minor, "KES"))
    for _ in range(3):
        assert phones.heard == []
        await builders.work(service)
        later(timedelta(minutes=1))
    assert [text.split(" received ")[0].split(": ")[1] for _, text in phones.heard] == [
        "1.00 KES",
        "2.00 KES",
        "3.00 KES",
    ]
    assert [row["state"] for row in await rows(service)] == ["sent"] * 3


async def test_the_console_sends_nothing_anywhere_and_the_message_can_be_read_in_the_table(
    service: Service, merchant_id: UUID, capfd: pytest.CaptureFixture[str]
) -> None:
    await tell(service, merchant_id)
    await builders.work(service)
    [row] = await rows(service)
    assert row["state"] == "sent"
    said = "".join(capfd.readouterr())
    assert str(row["id"]) in said
    assert "254711555001" not in said
    assert row["text"] not in said
