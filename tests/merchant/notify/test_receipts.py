"""Receipts by text: to a payer who asked by telephone and to the merchant, in the language of each, in one segment."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from gsm0338 import Codec

from merchant.core import clock
from merchant.core.phone import Msisdn
from merchant.notify import sms
from merchant.payments.states import RequestState
from tests.merchant.payments.stage import PAYER, Stage

pytestmark = [pytest.mark.anyio, pytest.mark.database]
NUMBER = r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{5}"


async def change(stage: Stage, sql: str, *values: Any) -> None:
    async with stage.service.db.system() as tx:
        assert await tx.execute(sql, *values)


async def asked_by_telephone(stage: Stage, **body: Any) -> dict[str, Any]:
    """A request that the payer made on the USSD menu."""
    request = await stage.asked(**body)
    await change(stage, "UPDATE payment_request SET channel = 'ussd' WHERE id = $1::uuid", request["id"])
    return request


async def speaks(stage: Stage, phone: str, language: str) -> None:
    """The phone chose a language on the USSD menu."""
    digest = Msisdn.of(phone).digest(stage.service.vault)
    await change(stage, "INSERT INTO ussd_phone VALUES ($1, $2, $3)", digest, language, clock.now())


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What arrives at phones: a sender of the test's own."""
    arriving: list[tuple[str, str]] = []

    async def send(_message_id: str, phone: str, text: str) -> None:
        arriving.append((phone, text))

    monkeypatch.setattr(sms, "to_console", send)
    return arriving


class Payer:
    """What the payer is told, oldest first."""

    def __init__(self, stage: Stage, heard: list[tuple[str, str]]) -> None:
        self.stage, self.heard = stage, heard

    async def told(self) -> list[str]:
        await self.stage.work()
        return [text for phone, text in self.heard if phone == f"+{PAYER}"]


@pytest.fixture
def payer(stage: Stage, heard: list[tuple[str, str]]) -> Payer:
    return Payer(stage, heard)


async def test_a_payer_who_asked_by_telephone_gets_a_receipt(stage: Stage, payer: Payer) -> None:
    await stage.pay(await asked_by_telephone(stage))
    [text] = await payer.told()
    name = (await stage.rows("SELECT coalesce(ussd_name, trading_name) AS name FROM merchant"))[0]["name"]
    assert re.fullmatch(rf"You paid 10\.00 KES to {name} at \d\d:\d\d\. Receipt {NUMBER}", text), text
    [kept] = await stage.rows("SELECT text, kind FROM sms_message WHERE merchant_id IS NULL")
    assert (kept["text"], kept["kind"]) == ("", "paid")


async def test_a_payer_who_was_asked_by_the_shop_gets_none(stage: Stage, payer: Payer) -> None:
    await stage.pay(await stage.asked())
    assert await payer.told() == []


@pytest.mark.parametrize(("language", "begins"), [("fr", "Vous avez payé 10,00 KES à "), ("ar", "دفعت 10.00 KES إلى ")])
async def test_it_is_in_the_phones_language(stage: Stage, payer: Payer, language: str, begins: str) -> None:
    await speaks(stage, PAYER, language)
    await stage.pay(await asked_by_telephone(stage))
    [text] = await payer.told()
    assert text.startswith(begins)
    assert len(text) <= 70 if language == "ar" else len(Codec().encode(text)[0]) <= 160


async def test_a_payer_who_declines_is_told_that_nothing_was_paid(stage: Stage, payer: Payer) -> None:
    request = await asked_by_telephone(stage)
    await stage.answer_request(request, "REJECTED")
    assert await stage.state(request) == RequestState.REJECTED
    [text] = await payer.told()
    assert text.startswith("Not paid: 10.00 KES to ") and "You were not charged." in text


async def test_a_bank_that_does_not_answer_is_not_told_as_not_charged(
    stage: Stage, payer: Payer, move_clock: Callable[[timedelta], datetime]
) -> None:
    move_clock(timedelta(0))
    await asked_by_telephone(stage)
    move_clock(timedelta(hours=1))
    await stage.tick()
    [text] = await payer.told()
    assert text.startswith("Your bank did not answer in time: ") and "not charged" not in text


async def test_the_merchant_is_told_in_the_language_of_its_owner_else_of_its_phone(stage: Stage, payer: Payer) -> None:
    async def last() -> str:
        await stage.work()
        return str((await stage.rows("SELECT text FROM sms_message WHERE merchant_id IS NOT NULL ORDER BY id"))[-1][0])

    await stage.pay(await stage.asked())
    assert re.search(rf": 10\.00 KES received from 2547\*{{5}}001 at \d\d:\d\d\. Receipt {NUMBER}$", await last())
    [row] = await stage.rows("SELECT phone_digest FROM merchant WHERE id = $1", stage.merchant.id)
    await change(stage, "INSERT INTO ussd_phone VALUES ($1, 'sw', $2)", row["phone_digest"], clock.now())
    await stage.pay(await stage.asked())
    assert "10.00 KES zimepokelewa kutoka 2547*****001 saa " in await last()
