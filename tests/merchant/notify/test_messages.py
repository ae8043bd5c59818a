"""Messages to people as they are kept: who sees which, with what became of them, and for how long."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from merchant.core import clock
from merchant.core.money import Money
from merchant.core.service import Service
from merchant.notify import email, messages, sms
from merchant.notify.kinds import KEPT, TEXT_KEPT, MessageKind
from tests import builders
from tests.builders import World
from tests.merchant.notify.stalls import Stall, open_stall

pytestmark = pytest.mark.anyio
MESSAGES = "/api/v1/messages"


@pytest.fixture
async def stall(client: httpx.AsyncClient, service: Service, world: World) -> Stall:
    return await open_stall(client, service, world)


async def pay(stall: Stall) -> None:
    async with stall.service.db.system() as tx:
        await sms.notify_paid(
            tx, stall.service, stall.merchant_id, Money(1000, "KES"), "2547*****001", "7Z3K-90QW-5D2XH"
        )


async def send_code(stall: Stall, until: timedelta = timedelta(minutes=5)) -> None:
    """A one-time code for the merchant's phone, as the staff's page sends it."""
    async with stall.service.db.tenant(stall.dfsp_id) as tx:
        now = clock.now()
        told, phone = "123456 is your code.", "+254711555001"
        await sms.send_private(tx, stall.service, phone, told, dfsp_id=stall.dfsp_id, until=now + until, order="x")


async def listed(stall: Stall, who: dict[str, str], **query: str) -> list[dict[str, Any]]:
    answer = await stall.client.get(MESSAGES, params=query, headers=who)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def test_an_owner_sees_the_messages_of_the_shop_with_what_became_of_them(stall: Stall) -> None:
    await pay(stall)
    [queued] = await listed(stall, stall.owner.headers)
    assert (queued["state"], queued["sent_at"], queued["channel"]) == ("pending", None, "sms")
    await builders.work(stall.service)
    [one] = await listed(stall, stall.owner.headers)
    assert one["state"] == "sent"
    assert ": 10.00 KES received from 2547*****001" in one["text"]
    assert one["recipient"].startswith("+2547")
    assert "711555" not in one["recipient"]
    assert one["merchant_id"] == str(stall.merchant_id)


async def test_staff_see_those_of_their_merchants_and_narrow_the_list(stall: Stall, world: World) -> None:
    other = await open_stall(stall.client, stall.service, world, "next")
    await pay(stall)
    await pay(other)
    await builders.work(stall.service)
    await pay(other)
    staff = world["greenbankfsp"]["maker"].headers
    paid = await listed(stall, staff, kind="paid")
    assert [(one["state"], one["merchant_id"]) for one in paid] == [
        ("pending", str(other.merchant_id)),
        ("sent", str(other.merchant_id)),
        ("sent", str(stall.merchant_id)),
    ]
    assert len(await listed(stall, staff, kind="paid", state="sent")) == 2
    assert len(await listed(stall, staff, merchant_id=str(stall.merchant_id), channel="sms")) == 1
    assert await listed(stall, staff, kind="paid", channel="email") == []
    refused = await stall.client.get(MESSAGES, params={"state": "lost"}, headers=staff)
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_filter")


async def test_nobody_sees_another_dfsps_nor_another_merchants(stall: Stall, world: World) -> None:
    other = await open_stall(stall.client, stall.service, world, "next")
    await pay(stall)
    assert await listed(stall, other.owner.headers) == []
    assert await listed(stall, other.owner.headers, merchant_id=str(stall.merchant_id)) == []
    assert await listed(stall, world["lakemfi"]["admin"].headers) == []
    assert await listed(stall, world["lakemfi"]["admin"].headers, merchant_id=str(stall.merchant_id)) == []
    assert (await stall.client.get(MESSAGES, headers=stall.cashier.headers)).status_code == 403


async def test_a_list_longer_than_a_page_misses_none(stall: Stall) -> None:
    for _ in range(3):
        await pay(stall)
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    for _ in range(3):
        answer = (await stall.client.get(MESSAGES, params=query, headers=stall.owner.headers)).json()
        seen += [one["id"] for one in answer["items"]]
        if answer["next_cursor"] is None:
            break
        query["cursor"] = answer["next_cursor"]
    assert len(seen) == len(set(seen)) == 3


async def test_that_a_code_was_sent_is_kept_and_never_the_code(stall: Stall, world: World) -> None:
    await send_code(stall)
    await builders.work(stall.service)
    [one] = await listed(stall, world["greenbankfsp"]["maker"].headers, kind="code")
    assert (one["text"], one["state"]) == (None, "sent")
    assert "123456" not in str(await stall.rows())
    assert await listed(stall, stall.owner.headers) == []  # it is about no merchant yet


async def test_a_code_that_came_too_late_says_so(
    stall: Stall, world: World, move_clock: Callable[[timedelta], datetime]
) -> None:
    await send_code(stall)
    move_clock(timedelta(minutes=6))
    await builders.work(stall.service)
    [one] = await listed(stall, world["greenbankfsp"]["maker"].headers, kind="code")
    assert (one["state"], one["reason"], one["sent_at"]) == ("failed", "too_late", None)


async def test_an_invitation_is_listed_without_its_link(stall: Stall, world: World) -> None:
    admin = world["greenbankfsp"]["admin"]
    body = {"email": "new@greenbankfsp.example", "name": "New", "roles": ["dfsp_auditor"]}
    assert (await stall.client.post("/api/v1/users", json=body, headers=admin.headers)).status_code == 201
    [one] = await listed(stall, admin.headers, kind="account", channel="email")
    assert (one["text"], one["state"], one["recipient"]) == (None, "sent", "n****@greenbankfsp.example")


async def test_a_sender_that_fails_is_told_with_its_reason_and_tried_again(
    stall: Stall, monkeypatch: pytest.MonkeyPatch, move_clock: Callable[[timedelta], datetime]
) -> None:
    faults = [ConnectionError("the gateway is away")]

    async def send(*_: str) -> None:
        if faults:
            raise faults.pop()

    monkeypatch.setattr(sms, "to_console", send)
    await pay(stall)
    await builders.work(stall.service)
    [one] = await listed(stall, stall.owner.headers)
    assert (one["state"], "ConnectionError" in one["reason"]) == ("failed", True)
    move_clock(timedelta(minutes=1))
    await builders.work(stall.service)
    [one] = await listed(stall, stall.owner.headers)
    assert (one["state"], one["reason"]) == ("sent", None)


async def test_words_are_kept_a_month_and_messages_three(
    stall: Stall, move_clock: Callable[[timedelta], datetime]
) -> None:
    await pay(stall)
    await builders.work(stall.service)
    async with stall.service.db.system() as tx:
        await email.send(
            tx,
            stall.service,
            to="o@stall.example",
            subject="Your shop",
            text="Paid.\n",
            link="",
            dfsp_id=stall.dfsp_id,
            kind=MessageKind.PAID,
            keeps_text=True,
        )
    tables = ("sms_message", "email_message")
    move_clock(TEXT_KEPT - timedelta(hours=1))
    async with stall.service.db.system() as tx:
        assert await messages.blank(tx, 10) == 0
    move_clock(timedelta(hours=2))
    async with stall.service.db.system() as tx:
        assert (await messages.blank(tx, 1), await messages.blank(tx, 10), await messages.blank(tx, 10)) == (1, 1, 0)
        assert await messages.prune(tx, 10) == 0
    assert [row["text"] for table in tables for row in await stall.rows(table)] == ["", ""]
    move_clock(KEPT - TEXT_KEPT)
    async with stall.service.db.system() as tx:
        await messages.prune(tx, 10)
    assert [row for table in tables for row in await stall.rows(table)] == []


async def test_a_message_whose_words_are_gone_is_not_sent_empty(
    stall: Stall, move_clock: Callable[[timedelta], datetime]
) -> None:
    await pay(stall)
    move_clock(TEXT_KEPT + timedelta(hours=1))
    async with stall.service.db.system() as tx:
        await messages.blank(tx, 10)
    await builders.work(stall.service)
    [row] = await stall.rows()
    assert (row["state"], row["reason"]) == ("failed", "too_late")
