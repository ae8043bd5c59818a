"""What a merchant's owner chooses to be told, over the API, and what is sent then."""

from typing import Any

import httpx
import pytest

from merchant.core.money import Money
from merchant.core.service import Service
from merchant.notify import events, kinds, sms
from merchant.notify.events import EventType
from tests import builders
from tests.builders import World
from tests.merchant.notify.stalls import Stall, open_stall

pytestmark = pytest.mark.anyio
TEN = Money(1000, "KES")


@pytest.fixture
async def stall(client: httpx.AsyncClient, service: Service, world: World) -> Stall:
    return await open_stall(client, service, world)


def sent(answer: httpx.Response) -> set[str]:
    """Which kinds are sent by which channel."""
    assert answer.status_code == 200, answer.text
    return {f"{one['kind']} {one['channel']}" for one in answer.json()["choices"] if one["sent"]}


async def pay(stall: Stall) -> None:
    async with stall.service.db.system() as tx:
        await sms.notify_paid(tx, stall.service, stall.merchant_id, TEN, None, "7Z3K-90QW-5D2XH")


async def not_paid(stall: Stall, state: str = "rejected", **more: Any) -> None:
    """A request that its payer declined, as states.move announces it."""
    data = {
        "payment_request_id": stall.merchant_id,
        "merchant_id": stall.merchant_id,
        "counter_id": stall.merchant_id,
        "amount": {"amount": "10", "currency": "KES"},
        "state": state,
        "late": False,
    }
    async with stall.service.db.tenant(stall.dfsp_id) as tx:
        await events.announce(tx, f"payment_request.{state}", stall.dfsp_id, stall.merchant_id, data | more)
    await builders.work(stall.service)


def test_every_event_that_people_are_told_of_exists_and_every_kind_is_a_messages() -> None:
    assert set(kinds.KINDS_OF) <= set(EventType)
    assert {str(one) for one in [*kinds.MerchantKind, *kinds.StaffKind]} <= {str(one) for one in kinds.MessageKind}


async def test_before_anyone_chose_the_usual_is_sent(stall: Stall) -> None:
    answer = await stall.client.get(stall.path, headers=stall.owner.headers)
    assert sent(answer) == {"paid sms", "security sms", "security email"}
    assert (answer.json()["quiet_from"], answer.json()["time_zone"]) == (None, "Africa/Nairobi")
    await pay(stall)
    assert len(await stall.rows()) == 1


async def test_a_text_that_was_switched_off_is_not_written_and_leaves_no_job(stall: Stall) -> None:
    assert "paid sms" not in sent(await stall.choose(("paid", "sms", False)))
    await pay(stall)
    assert await stall.rows() == []
    async with stall.service.db.system_reads() as tx:
        assert await tx.fetchval("SELECT count(*) FROM outbox WHERE topic LIKE 'notify%'") == 0
    assert "paid sms" in sent(await stall.choose(("paid", "sms", True)))
    await pay(stall)
    assert len(await stall.rows()) == 1


async def test_what_is_left_out_stays_as_it_was(stall: Stall) -> None:
    await stall.choose(("not_paid", "sms", True))
    assert sent(await stall.choose(("paid", "email", True))) == {
        *("paid sms", "paid email", "not_paid sms", "security sms", "security email")
    }


@pytest.mark.parametrize("channel", ["sms", "email"])
async def test_messages_about_safety_cannot_be_switched_off(stall: Stall, channel: str) -> None:
    refused = await stall.choose(("paid", "sms", False), ("security", channel, False))
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["code"] == "required"
    kept = await stall.client.get(stall.path, headers=stall.owner.headers)
    assert {"paid sms", "security sms"} <= sent(kept)
    assert [one["required"] for one in kept.json()["choices"] if one["kind"] == "security"] == [True, True]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"quiet_from": "22:00"}, "quiet_until"),
        ({"quiet_until": "22:00"}, "quiet_from"),
        ({"quiet_from": "22:00", "quiet_until": "22:00"}, "quiet_until"),
        ({"quiet_from": "24:00", "quiet_until": "06:00"}, "quiet_from"),
        ({"quiet_from": "9", "quiet_until": "06:00"}, "quiet_from"),
        ({"choices": [{"kind": "refund", "channel": "sms", "sent": True}]}, "choices[0].kind"),
        ({"choices": [{"kind": "paid", "channel": "post", "sent": True}]}, "choices[0].channel"),
        ({"choices": [{"kind": "paid", "channel": "sms", "sent": True}] * 21}, "choices"),
        ({"quite": []}, "quite"),
    ],
)
async def test_a_choice_that_means_nothing_is_refused(stall: Stall, body: dict[str, Any], path: str) -> None:
    refused = await stall.client.put(stall.path, json=body, headers=stall.owner.headers)
    assert refused.status_code == 422, refused.text
    assert refused.json()["errors"][0]["path"] == path


async def test_a_cashier_may_neither_see_nor_change_it(stall: Stall) -> None:
    body = {"choices": [{"kind": "paid", "channel": "sms", "sent": False}]}
    assert (await stall.client.put(stall.path, json=body, headers=stall.cashier.headers)).status_code == 403
    assert (await stall.client.get(stall.path, headers=stall.cashier.headers)).status_code == 403
    await pay(stall)
    assert len(await stall.rows()) == 1


async def test_another_merchants_and_another_dfsps_choices_are_not_found(stall: Stall, world: World) -> None:
    other = await open_stall(stall.client, stall.service, world, "next")
    for method in ("GET", "PUT"):
        answer = await stall.client.request(method, other.path, json={}, headers=stall.owner.headers)
        assert answer.status_code == 404, method
    staff = await stall.client.get(stall.path, headers=world["lakemfi"]["maker"].headers)
    assert staff.status_code == 404


async def test_staff_see_a_merchants_choices_and_makers_change_them_for_it(stall: Stall, world: World) -> None:
    staff = world["greenbankfsp"]
    assert (await stall.client.get(stall.path, headers=staff["checker"].headers)).status_code == 200
    assert (await stall.client.put(stall.path, json={}, headers=staff["checker"].headers)).status_code == 403
    body = {"choices": [{"kind": "security", "channel": "sms", "sent": False}]}
    assert (await stall.client.put(stall.path, json={}, headers=staff["maker"].headers)).status_code == 200
    assert (await stall.client.put(stall.path, json=body, headers=staff["maker"].headers)).status_code == 422
    assert (await stall.client.put(stall.path, json={}, headers=world["lakemfi"]["maker"].headers)).status_code == 404


async def test_a_change_is_in_the_audit_record(stall: Stall) -> None:
    await stall.choose(("paid", "sms", False), quiet_from="22:00", quiet_until="06:00")
    async with stall.service.db.system_reads() as tx:
        row = await tx.fetchrow("SELECT * FROM audit_entry WHERE action = 'notification_choice.changed'")
    assert row is not None
    assert "22:00-06:00" in str(row)


async def test_a_declined_request_is_told_to_those_who_chose_it(stall: Stall) -> None:
    await not_paid(stall)
    assert await stall.rows() == []
    await stall.choose(("not_paid", "sms", True), ("not_paid", "email", True))
    await not_paid(stall)
    await not_paid(stall, "expired")
    declined, expired = await stall.rows()
    assert ": 10.00 KES not paid at " in declined["text"] and "The customer declined." in declined["text"]
    assert ": 10.00 KES not paid at " in expired["text"] and "The time was over." in expired["text"]
    assert {(row["kind"], row["state"]) for row in (declined, expired)} == {("not_paid", "sent")}
    mails = await stall.rows("email_message")
    assert [(row["address_masked"], row["state"]) for row in mails] == [("o****@stall.example", "sent")] * 2


async def test_a_payment_is_mailed_to_the_owners_who_chose_it_and_to_no_cashier(stall: Stall) -> None:
    await stall.choose(("paid", "email", True), ("paid", "sms", False))
    await not_paid(stall, "paid", payer="2547*****001")
    [mail] = await stall.rows("email_message")
    assert mail["text"].startswith("Paid: 10.00 KES from 2547*****001 at ")
    assert (mail["merchant_id"], mail["kind"]) == (stall.merchant_id, "paid")
    assert await stall.rows() == []


async def test_the_news_of_one_merchant_go_to_no_other(stall: Stall, world: World) -> None:
    other = await open_stall(stall.client, stall.service, world, "next")
    await other.choose(("not_paid", "sms", True), ("not_paid", "email", True))
    await not_paid(stall)
    assert (await stall.rows(), await stall.rows("email_message")) == ([], [])


async def test_a_suspension_is_told_to_an_owner_who_wants_news(stall: Stall, world: World) -> None:
    await stall.choose(("review", "sms", True))
    path = f"/api/v1/merchants/{stall.merchant_id}/suspend"
    moved = await stall.client.post(path, json={"reason": "x"}, headers=world["greenbankfsp"]["checker"].headers)
    assert moved.status_code == 200
    await builders.work(stall.service)
    [row] = await stall.rows()
    assert (row["kind"], row["text"].endswith(" cannot take payments now. Ask your payment provider why.")) == (
        "review",
        True,
    )
    assert len(row["text"]) <= 160


async def test_nothing_is_told_of_what_is_rolled_back(stall: Stall) -> None:
    await stall.choose(("not_paid", "sms", True))
    with pytest.raises(RuntimeError, match="it did not happen"):
        async with stall.service.db.tenant(stall.dfsp_id) as tx:
            data = {"merchant_id": stall.merchant_id, "state": "suspended"}
            await events.announce(tx, "merchant.suspended", stall.dfsp_id, stall.merchant_id, data)
            raise RuntimeError("it did not happen")
    await builders.work(stall.service)
    assert await stall.rows() == []
