"""A person asks the hub again what became of a payment in doubt."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.merchant.payments.stage import Stage

pytestmark = pytest.mark.anyio
Clock = Callable[[timedelta], datetime]


async def check(stage: Stage, request: dict[str, Any], headers: dict[str, str] | None = None) -> httpx.Response:
    response = await stage.client.post(
        f"/api/v1/payment-requests/{request['id']}/check", headers=headers or stage.world.operator.headers
    )
    await stage.work()
    return response


async def in_doubt(stage: Stage, move_clock: Clock) -> tuple[dict[str, Any], str]:
    request = await stage.asked()
    transfer_id = await stage.reserved(request)
    move_clock(timedelta(seconds=11))
    await stage.tick()
    assert await stage.state(request) == "in_doubt"
    return request, transfer_id


@pytest.mark.parametrize("title", ["operator", "admin", "key"])
async def test_who_may_resolve_asks_the_hub_now(stage: Stage, move_clock: Clock, title: str) -> None:
    request, transfer_id = await in_doubt(stage, move_clock)
    headers = {
        "operator": stage.world.operator.headers,
        "admin": stage.world["greenbankfsp"]["admin"].headers,
        "key": stage.key,
    }[title]
    response = await check(stage, request, headers)
    assert (response.status_code, response.json()["state"]) == (202, "in_doubt")
    assert len(stage.hub.to(f"/transfers/{transfer_id}", "GET")) == 2
    await stage.end_transfer(transfer_id, "COMMITTED", "PUT")
    assert await stage.state(request) == "paid"


async def test_it_is_written_down_who_asked(stage: Stage, move_clock: Clock) -> None:
    request, _ = await in_doubt(stage, move_clock)
    await check(stage, request)
    rows = await stage.rows("SELECT actor_id FROM audit_entry WHERE action = 'payment_request.checked'")
    assert [row["actor_id"] for row in rows] == [stage.world.operator.actor.id]


async def test_there_is_nothing_to_ask_before_the_money_moves(stage: Stage) -> None:
    request = await stage.asked()
    response = await check(stage, request)
    assert (response.status_code, response.json()["code"]) == (409, "wrong_state")


async def test_there_is_nothing_to_ask_once_it_is_decided(stage: Stage) -> None:
    request = await stage.asked()
    await stage.pay(request)
    assert (await check(stage, request)).status_code == 409


@pytest.mark.parametrize("title", ["maker", "checker", "auditor"])
async def test_others_of_the_dfsp_may_not_resolve(stage: Stage, move_clock: Clock, title: str) -> None:
    request, _ = await in_doubt(stage, move_clock)
    response = await check(stage, request, stage.world["greenbankfsp"][title].headers)
    assert response.status_code == 403


async def test_another_dfsp_finds_nothing(stage: Stage, move_clock: Clock) -> None:
    request, transfer_id = await in_doubt(stage, move_clock)
    response = await check(stage, request, stage.world["lakemfi"]["admin"].headers)
    assert response.status_code == 404
    assert len(stage.hub.to(f"/transfers/{transfer_id}", "GET")) == 1


async def test_an_unknown_request_is_not_found(stage: Stage) -> None:
    assert (await check(stage, {"id": uuid4()})).status_code == 404
