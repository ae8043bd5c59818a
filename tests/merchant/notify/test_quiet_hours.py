"""Quiet hours: messages wait until they end, payments are added up, nothing is lost and nothing is sent twice."""

import asyncio
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import msgspec
import pytest

from merchant.core import clock
from merchant.core.money import Money
from merchant.core.service import Service
from merchant.notify import events, kinds, sms
from merchant.notify.kinds import MerchantKind
from tests import builders
from tests.builders import World
from tests.merchant.notify.stalls import Stall, open_stall, show_time

pytestmark = pytest.mark.anyio
# Nairobi is three hours ahead of UTC: its night from 22:00 to 06:00 is 19:00 to 03:00.
NIGHT = {"quiet_from": "22:00", "quiet_until": "06:00"}


@pytest.fixture
async def stall(client: httpx.AsyncClient, service: Service, world: World) -> Stall:
    stall = await open_stall(client, service, world)
    assert (await stall.choose(**NIGHT)).status_code == 200
    return stall


async def pay(stall: Stall, minor: int = 1000, currency: str = "KES") -> None:
    async with stall.service.db.system() as tx:
        await sms.notify_paid(tx, stall.service, stall.merchant_id, Money(minor, currency), None, "7Z3K-90QW-5D2XH")


@pytest.mark.parametrize(
    ("begins", "ends", "now", "until"),
    [
        ("22:00", "06:00", "2031-03-01T21:59", None),
        ("22:00", "06:00", "2031-03-01T22:00", "2031-03-02T06:00"),
        ("22:00", "06:00", "2031-03-02T00:00", "2031-03-02T06:00"),
        ("22:00", "06:00", "2031-03-02T05:59", "2031-03-02T06:00"),
        ("22:00", "06:00", "2031-03-02T06:00", None),
        ("13:00", "15:00", "2031-03-01T12:59", None),
        ("13:00", "15:00", "2031-03-01T14:59", "2031-03-01T15:00"),
        ("13:00", "15:00", "2031-03-01T15:00", None),
        ("22:00", "00:00", "2031-12-31T23:30", "2032-01-01T00:00"),
        (None, None, "2031-03-01T23:00", None),
    ],
)
@pytest.mark.parametrize("zone", ["Africa/Nairobi", "Asia/Yangon", "America/Lima", "UTC"])
async def test_quiet_hours_end_on_the_walls_clock_of_the_scheme(
    service: Service, begins: str | None, ends: str | None, now: str, until: str | None, zone: str
) -> None:
    times = [time.fromisoformat(one) if one else None for one in (begins, ends)]
    choice = "(SELECT $1::time AS quiet_from, $2::time AS quiet_until) AS choice"
    async with service.db.system_reads() as tx:
        found = await tx.fetchval(
            f"SELECT {kinds.quiet_end_sql('$3', '$4')} FROM {choice}", *times, datetime.fromisoformat(now), zone
        )
    assert found == (until and datetime.fromisoformat(until).replace(tzinfo=ZoneInfo(zone)))


async def test_what_is_written_by_night_waits_until_the_morning(stall: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    show_time(monkeypatch, 1, 23, 30)  # 02:30 in Nairobi
    await pay(stall)
    await builders.work(stall.service)
    [row] = await stall.rows()
    assert (row["state"], row["held_until"]) == ("held", datetime(2031, 3, 2, 3, tzinfo=UTC))
    show_time(monkeypatch, 2, 2, 59)
    await builders.work(stall.service)
    assert await stall.states() == ["held"]
    show_time(monkeypatch, 2, 3)
    await builders.work(stall.service)
    [row] = await stall.rows()
    assert row["state"] == "sent"
    assert row["text"].endswith(": 10.00 KES received at 02:30. Receipt 7Z3K-90QW-5D2XH")


async def test_by_day_messages_leave_at_once(stall: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    show_time(monkeypatch, 1, 9)
    await pay(stall)
    await builders.work(stall.service)
    assert await stall.states() == ["sent"]


async def test_the_payments_of_a_night_are_one_message_and_other_news_keep_their_words(
    stall: Stall, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stall.choose(("review", "sms", True), **NIGHT)
    show_time(monkeypatch, 1, 20)
    for minor, currency in ((1000, "KES"), (250, "USD"), (2050, "KES")):
        await pay(stall, minor, currency)
    async with stall.service.db.system() as tx:
        await sms.notify(tx, stall.service, stall.merchant_id, MerchantKind.REVIEW, "There is news.")
    show_time(monkeypatch, 2, 3)
    await builders.work(stall.service)
    told = {row["text"]: row["state"] for row in await stall.rows()}
    assert told["3 payments in your quiet hours, 30.50 KES, 2.50 USD in all."] == "sent"
    assert told["There is news."] == "sent"
    assert sorted(await stall.states()) == ["gathered"] * 3 + ["sent"] * 2


async def test_what_was_held_is_sent_although_the_shop_chose_otherwise_meanwhile(
    stall: Stall, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = clock.source
    show_time(monkeypatch, 1, 20)
    await pay(stall)
    monkeypatch.setattr(clock, "source", today)
    assert (await stall.choose(("paid", "sms", False))).status_code == 200
    show_time(monkeypatch, 2, 3)
    await builders.work(stall.service)
    assert await stall.states() == ["sent"]


async def test_two_workers_that_wake_together_send_one_message(stall: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    show_time(monkeypatch, 1, 20)
    for _ in range(4):
        await pay(stall)
    ids = [row["id"] for row in await stall.rows()]
    show_time(monkeypatch, 2, 3)

    async def release(message_id: Any) -> None:
        async with stall.service.db.system() as tx:
            await sms.release_held(tx, stall.service, message_id)

    await asyncio.gather(*map(release, ids))
    assert sorted(await stall.states()) == ["gathered"] * 4 + ["pending"]
    await builders.work(stall.service)
    assert sorted(await stall.states()) == ["gathered"] * 4 + ["sent"]


async def test_a_worker_that_dies_over_its_work_loses_nothing(stall: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    show_time(monkeypatch, 1, 20)
    for _ in range(3):
        await pay(stall)
    first = (await stall.rows())[0]["id"]
    show_time(monkeypatch, 2, 3)
    with pytest.raises(RuntimeError, match="the power is gone"):
        async with stall.service.db.system() as tx:
            await sms.release_held(tx, stall.service, first)
            raise RuntimeError("the power is gone")
    assert await stall.states() == ["held"] * 3
    async with stall.service.db.system_reads() as tx:
        assert await tx.fetchval("SELECT count(*) FROM outbox WHERE topic = $1", sms.HELD_TOPIC) == 3
    await builders.work(stall.service)
    assert sorted(await stall.states()) == ["gathered"] * 3 + ["sent"]


async def test_what_comes_the_next_night_waits_for_the_next_morning(
    stall: Stall, monkeypatch: pytest.MonkeyPatch
) -> None:
    show_time(monkeypatch, 1, 20)
    await pay(stall)
    show_time(monkeypatch, 2, 20)  # no worker ran all day
    await pay(stall)
    await builders.work(stall.service)
    assert await stall.states() == ["sent", "held"]
    show_time(monkeypatch, 3, 3)
    await builders.work(stall.service)
    assert await stall.states() == ["sent", "sent"]


async def test_a_mail_waits_too_and_keeps_its_words(stall: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    await stall.choose(("review", "email", True), **NIGHT)
    show_time(monkeypatch, 1, 20)
    async with stall.service.db.tenant(stall.dfsp_id) as tx:
        data = {"merchant_id": stall.merchant_id, "state": "suspended"}
        await events.announce(tx, "merchant.suspended", stall.dfsp_id, stall.merchant_id, data)
    await builders.work(stall.service)
    [mail] = await stall.rows("email_message")
    assert (mail["state"], mail["held_until"]) == ("held", datetime(2031, 3, 2, 3, tzinfo=UTC))
    show_time(monkeypatch, 2, 3)
    await builders.work(stall.service)
    assert await stall.states("email_message") == ["sent"]


async def test_quiet_hours_are_those_of_the_schemes_time_zone(stall: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    scheme = msgspec.structs.replace(await stall.service.scheme(), time_zone="America/Lima")  # five hours behind UTC
    monkeypatch.setattr(stall.service, "_scheme", scheme)
    monkeypatch.setattr(stall.service, "_scheme_read_at_s", float("inf"))
    show_time(monkeypatch, 1, 20)  # 15:00 in Lima
    await pay(stall)
    show_time(monkeypatch, 2, 4)  # 23:00
    await pay(stall)
    assert await stall.states() == ["pending", "held"]
    assert (await stall.rows())[1]["held_until"] == datetime(2031, 3, 2, 11, tzinfo=UTC)


async def test_a_warning_about_the_shops_safety_does_not_wait(stall: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    now = show_time(monkeypatch, 1, 20)
    async with stall.service.db.system() as tx:
        await sms.send_private(
            tx,
            stall.service,
            "+254711555001",
            "Somebody asks to manage the shop.",
            dfsp_id=stall.dfsp_id,
            until=now + timedelta(days=1),
            order="x",
            kind=kinds.MessageKind.SECURITY,
            merchant_id=stall.merchant_id,
        )
    await builders.work(stall.service)
    [row] = await stall.rows()
    assert (row["state"], row["kind"], row["text"]) == ("sent", "security", "")
    assert clock.now() == now
