"""Who may give money back alone, who needs a second person, and who may be that person."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from merchant.core import clock
from tests import builders
from tests.builders import DFSPS, Person
from tests.merchant.payments.refunds import payee
from tests.merchant.payments.stage import Stage

pytestmark = pytest.mark.anyio
ABOVE = "13000.01"  # the policy's hundred dollars are 13,000 KES


async def person(stage: Stage, role: str, name: str = "", **place: Any) -> Person:
    """One of the shop's own people."""
    email = f"{name or role}@shop.example"
    place = {"dfsp_id": stage.merchant.dfsp_id, "merchant_id": stage.merchant.id} | place
    await builders.add_person(stage.service, email, [role], **place)
    return await builders.signed_in(stage.service, email)


async def ask(stage: Stage, who: Person, payment: dict[str, Any], amount: str | None = None) -> httpx.Response:
    body = {"reason": "CUST"} | ({"amount": {"amount": amount, "currency": "KES"}} if amount else {})
    headers = who.headers | {"idempotency-key": uuid4().hex}
    return await stage.client.post(f"/api/v1/payments/{payment['id']}/refunds", json=body, headers=headers)


async def act(stage: Stage, who: Person, refund: dict[str, Any], what: str) -> httpx.Response:
    answer = await stage.client.post(f"/api/v1/refunds/{refund['id']}/{what}", headers=who.headers)
    await stage.work()
    return answer


async def waiting(stage: Stage) -> tuple[dict[str, Any], Person]:
    """A refund that a cashier asked for, and the cashier."""
    cashier = await person(stage, "merchant_cashier")
    answer = await ask(stage, cashier, await payee.paid(stage))
    assert answer.status_code == 201, answer.text
    await stage.work()
    assert answer.json()["state"] == "pending_approval"
    return dict(answer.json()), cashier


async def test_the_owner_gives_small_money_back_alone(stage: Stage) -> None:
    owner = await person(stage, "merchant_owner")
    assert (await ask(stage, owner, await payee.paid(stage))).json()["state"] == "created"


async def test_above_the_policys_amount_another_person_must_agree(stage: Stage) -> None:
    owner = await person(stage, "merchant_owner")
    payment = await payee.paid(stage, "20000")
    alone = await ask(stage, owner, payment, "13000")
    assert alone.json()["state"] == "created"
    refund = (await ask(stage, owner, await payee.paid(stage, "20000"), ABOVE)).json()
    await stage.work()
    assert refund["state"] == "pending_approval"
    refused = await act(stage, owner, refund, "approve")
    assert (refused.status_code, refused.json()["code"]) == (403, "checker_is_maker")
    approved = await act(stage, stage.world.checker, refund, "approve")
    assert (approved.status_code, approved.json()["state"]) == (200, "created")
    assert (await payee.read(stage, refund))["state"] == "sent"


async def test_a_cashiers_refund_always_waits_and_its_owner_agrees(stage: Stage) -> None:
    refund, cashier = await waiting(stage)
    assert stage.hub.to("/quotes", "POST") == []
    assert (await act(stage, cashier, refund, "approve")).status_code == 403
    owner = await person(stage, "merchant_owner")
    approved = await act(stage, owner, refund, "approve")
    assert (approved.json()["state"], approved.json()["approved_by"]) == ("created", "merchant_owner@shop.example")
    await payee.answer_quote(stage, refund)
    await payee.end(stage, refund)
    assert (await payee.read(stage, refund))["state"] == "refunded"


async def test_a_tills_key_waits_for_a_person(stage: Stage) -> None:
    owner = await person(stage, "merchant_owner")
    payment = await payee.paid(stage)
    key = await builders.issue_key(
        stage.service,
        stage.world["greenbankfsp"]["admin"],
        ["payments:refund"],
        merchant_id=stage.merchant.id,
        counter_id=stage.counter.id,
    )
    answer = await stage.client.post(
        f"/api/v1/payments/{payment['id']}/refunds", json={"reason": "CUST"}, headers=key | {"idempotency-key": "k"}
    )
    assert answer.json()["state"] == "pending_approval"
    assert (await act(stage, owner, answer.json(), "approve")).status_code == 200


async def test_staff_of_the_dfsp_ask_and_other_staff_agree(stage: Stage) -> None:
    payment = await payee.paid(stage)
    refund = (await ask(stage, stage.world["greenbankfsp"]["maker"], payment)).json()
    assert refund["state"] == "pending_approval"
    assert (await act(stage, stage.world.checker, refund, "approve")).status_code == 200


async def test_a_suspended_merchants_customers_get_their_money_with_a_second_persons_word(stage: Stage) -> None:
    owner = await person(stage, "merchant_owner")
    payment = await payee.paid(stage)
    await stage.rows("UPDATE merchant SET state = 'suspended' WHERE id = $1 RETURNING id", stage.merchant.id)
    refund = (await ask(stage, owner, payment)).json()
    assert refund["state"] == "pending_approval"
    await act(stage, stage.world.checker, refund, "approve")
    await payee.answer_quote(stage, refund)
    await payee.end(stage, refund)
    assert (await payee.read(stage, refund))["state"] == "refunded"


@pytest.mark.parametrize("state", ["blocked", "closed"])
async def test_a_merchant_that_is_no_more_gives_nothing(stage: Stage, state: str) -> None:
    owner = await person(stage, "merchant_owner")
    payment = await payee.paid(stage)
    await stage.rows("UPDATE merchant SET state = $2 WHERE id = $1 RETURNING id", stage.merchant.id, state)
    refused = await ask(stage, owner, payment)
    assert (refused.status_code, refused.json()["code"]) == (409, "merchant_may_not_refund")


@pytest.mark.parametrize("who", ["cashier", "owner", "checker"])
async def test_whoever_asks_or_approves_may_call_it_off(stage: Stage, who: str) -> None:
    refund, cashier = await waiting(stage)
    people = {"cashier": cashier, "owner": await person(stage, "merchant_owner"), "checker": stage.world.checker}
    ended = await act(stage, people[who], refund, "cancel")
    assert (ended.json()["state"], ended.json()["ended_because"]["code"]) == ("rejected", "called_off")
    assert stage.hub.to("/quotes", "POST") == []
    again = await act(stage, people[who], refund, "cancel")
    assert (again.status_code, again.json()["code"]) == (409, "wrong_state")
    late = await act(stage, stage.world.checker, refund, "approve")
    assert late.status_code == 409


async def test_what_is_at_the_hub_is_not_called_off(stage: Stage) -> None:
    owner = await person(stage, "merchant_owner")
    refund = (await ask(stage, owner, await payee.paid(stage))).json()
    assert (await act(stage, owner, refund, "cancel")).status_code == 409


async def test_one_that_nobody_approves_ends_after_a_week(stage: Stage) -> None:
    refund, _cashier = await waiting(stage)
    await stage.tick()
    assert (await payee.read(stage, refund))["state"] == "pending_approval"
    await stage.rows("UPDATE refund SET check_at = $1 RETURNING id", clock.now() - timedelta(seconds=1))
    await stage.tick()
    ended = await payee.read(stage, refund)
    assert (ended["state"], ended["ended_because"]["code"]) == ("rejected", "not_approved")


@pytest.mark.parametrize("who", ["auditor", "admin"])
async def test_roles_without_the_permission_give_nothing(stage: Stage, who: str) -> None:
    payment = await payee.paid(stage)
    assert (await ask(stage, stage.world["greenbankfsp"][who], payment)).status_code == 403
    refund, _cashier = await waiting(stage)
    for what in ("approve", "cancel"):
        assert (await act(stage, stage.world["greenbankfsp"][who], refund, what)).status_code == 403


async def test_another_dfsp_and_another_merchant_find_nothing(stage: Stage) -> None:
    refund, _cashier = await waiting(stage)
    payment = {"id": refund["payment_id"]}
    other, _counters = await builders.create_merchant(stage.service, stage.world, DFSPS[0], builders.company(7))
    neighbour = await person(stage, "merchant_owner", "neighbour", merchant_id=other.id)
    strangers = [stage.world[DFSPS[1]]["maker"], stage.world[DFSPS[1]]["checker"], neighbour]
    for stranger in strangers:
        assert (await ask(stage, stranger, payment)).status_code in (403, 404)
        for what in ("approve", "cancel"):
            assert (await act(stage, stranger, refund, what)).status_code in (403, 404)
        for path in (f"refunds/{refund['id']}", f"refunds/{refund['id']}/events", f"payments/{payment['id']}/refunds"):
            assert (await stage.client.get(f"/api/v1/{path}", headers=stranger.headers)).status_code == 404
        listed = await stage.client.get("/api/v1/refunds", headers=stranger.headers)
        assert listed.json()["items"] == []
    assert (await payee.read(stage, refund))["state"] == "pending_approval"


async def test_the_list_narrows_by_state_and_is_paged(stage: Stage) -> None:
    payment = await payee.paid(stage)
    for _ in range(3):
        await payee.asked(stage, payment, "1")
    failed = await payee.asked(stage, payment, "1")
    await payee.refuse_quote(stage, failed, "5103")
    page = (await stage.client.get("/api/v1/refunds?state=sent&limit=2", headers=stage.key)).json()
    assert len(page["items"]) == 2
    rest = await stage.client.get(f"/api/v1/refunds?state=sent&cursor={page['next_cursor']}", headers=stage.key)
    assert len(rest.json()["items"]) == 1
    assert (await stage.client.get("/api/v1/refunds?state=gone", headers=stage.key)).status_code == 400


async def test_each_act_is_recorded(stage: Stage) -> None:
    refund, _cashier = await waiting(stage)
    await act(stage, stage.world.checker, refund, "approve")
    found = await stage.rows("SELECT action FROM audit_entry WHERE subject_id = $1 ORDER BY seq", refund["id"])
    assert [row["action"] for row in found] == ["refund.requested", "refund.approved"]
