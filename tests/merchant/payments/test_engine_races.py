"""People, timers and batches at one request at once: whoever comes first, the end is one and the books are right."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from merchant.core import inbox
from merchant.core.service import Service, open_service
from merchant.hub.fspiop.messages import PartiesPut, Party, PartyIdInfo
from merchant.payments.engine import work_off
from merchant.payments.timers import run_timers
from tests import builders
from tests.merchant.payments.engines import claim, in_the_way, jobs, limits_taken, send, transfers, usage, wait_for_it
from tests.merchant.payments.stage import MOBILE, PAYER, Stage

pytestmark = pytest.mark.anyio
Clock = Callable[[timedelta], datetime]
ORDERS = pytest.mark.parametrize("engine_first", [True, False])
LOCK = "SELECT FROM payment_request WHERE id = $1 FOR UPDATE"


@pytest.fixture
async def other(database_url: str, stage: Stage) -> AsyncIterator[Service]:
    """The service in another process, as far as it can tell."""
    async with open_service(stage.service.settings, database_url) as opened:
        yield opened


async def both_wait(
    stage: Stage, database_url: str, request: dict[str, Any], one: Callable[[], Any], two: Callable[[], Any]
) -> tuple[Any, Any]:
    """Two that are at a request at once: the first waits for its lock, then the second; then they go on."""
    async with in_the_way(database_url, LOCK, UUID(request["id"])) as connection:
        first = asyncio.create_task(one())
        await wait_for_it(connection, 1)
        second = asyncio.create_task(two())
        await wait_for_it(connection, 2)
    return await first, await second


async def at_once(
    stage: Stage, database_url: str, request: dict[str, Any], beside: Callable[[], Any], *, engine_first: bool
) -> Any:
    """The engine and something beside it at a request at once; what came of the latter."""
    if engine_first:
        return (await both_wait(stage, database_url, request, stage.worker.run_due, beside))[1]
    return (await both_wait(stage, database_url, request, beside, stage.worker.run_due))[0]


async def cancel(stage: Stage, request: dict[str, Any]) -> httpx.Response:
    headers = stage.key | {"idempotency-key": uuid4().hex}
    return await stage.client.post(f"/api/v1/payment-requests/{request['id']}/cancel", headers=headers)


async def announced(stage: Stage) -> Counter[str]:
    rows = await stage.rows("SELECT event_type FROM announced_event WHERE event_type LIKE 'payment%'")
    return Counter(row["event_type"] for row in rows)


@ORDERS
async def test_the_payer_is_found_while_the_merchant_takes_the_request_back(
    stage: Stage, database_url: str, engine_first: bool
) -> None:
    request = await stage.ask()
    party = Party(PartyIdInfo("MSISDN", PAYER, None, MOBILE))
    await stage.hub.say("PUT", f"/parties/MSISDN/{PAYER}", PartiesPut(party))
    answer = await at_once(stage, database_url, request, lambda: cancel(stage, request), engine_first=engine_first)
    assert answer.status_code == 200, answer.text
    await stage.work()
    assert await stage.state(request) == "cancelled"
    assert stage.hub.to("/transactionRequests") == [], "a customer is not asked for what was taken back"
    assert await announced(stage) == {"payment_request.cancelled": 1}
    assert await jobs(stage) == []


@ORDERS
async def test_a_transfer_comes_while_the_merchant_takes_the_request_back(
    stage: Stage, database_url: str, engine_first: bool
) -> None:
    request = await stage.asked()
    body = stage.transfer_body(await stage.quote(request))
    await send(stage, body)
    answer = await at_once(stage, database_url, request, lambda: cancel(stage, request), engine_first=engine_first)
    await stage.work()
    said = stage.hub.to(f"/transfers/{body.transfer_id}", "PUT")[-1]
    if engine_first:
        assert (answer.status_code, said.error_code) == (409, None)
        await stage.end_transfer(body.transfer_id, "COMMITTED")
        assert await stage.state(request) == "paid"
        assert await usage(stage) == {(1000, 1)}
    else:
        assert (answer.status_code, said.error_code) == (200, "5104")
        assert await stage.state(request) == "cancelled"
        assert await usage(stage) == set()
        assert await transfers(stage) == []


@ORDERS
async def test_a_quote_is_asked_for_while_the_request_expires(
    stage: Stage, database_url: str, move_clock: Clock, engine_first: bool
) -> None:
    request = await stage.asked(expires_in_s=60)
    move_clock(timedelta(seconds=61))
    body = stage.quote_body(request)
    await stage.hub.say("POST", "/quotes", body)
    await at_once(stage, database_url, request, lambda: run_timers(stage.service), engine_first=engine_first)
    await stage.work()
    said = stage.hub.to(f"/quotes/{body.quote_id}", "PUT")[-1]
    # A payer who comes late is welcome once the request has ended: its money counts as late.
    read = await stage.read(request)
    assert (read["state"], said.error_code) == ("expired", None)
    assert await announced(stage) == {"payment_request.expired": 1}
    await stage.reserved(request)
    assert [step["state"] for step in await stage.history(request)].count("expired") == 1


@ORDERS
async def test_a_transfer_comes_while_the_request_expires(
    stage: Stage, database_url: str, move_clock: Clock, engine_first: bool
) -> None:
    request = await stage.asked(expires_in_s=60)
    quoted = await stage.quote(request)
    move_clock(timedelta(seconds=60 + stage.service.settings.settle_grace_s + 1))
    body = stage.transfer_body(quoted)
    await send(stage, body)
    await at_once(stage, database_url, request, lambda: run_timers(stage.service), engine_first=engine_first)
    await stage.work()
    assert stage.hub.to(f"/transfers/{body.transfer_id}", "PUT")[-1].error_code is None
    assert await stage.state(request) == ("in_doubt" if engine_first else "expired")
    await stage.end_transfer(body.transfer_id, "COMMITTED")
    read = await stage.read(request)
    assert (read["state"], read["late"]) == ("paid", True)
    assert len(await stage.payments()) == 1
    assert await usage(stage) == {(1000, 1)}
    assert (await announced(stage))["payment_request.paid"] == 1


async def test_one_id_of_two_payers_dfsps_for_two_merchants_at_once_is_one_transfer(
    stage: Stage, other: Service, database_url: str
) -> None:
    """The hub names a transfer by its id alone; whose word ends which of two is anybody's guess."""
    merchant, [counter] = await builders.create_merchant(stage.service, stage.world)
    await stage.work()
    mine = stage.transfer_body(await stage.quote())
    quoted = await stage.quote(source="savingsbank", alias=counter.alias)
    theirs = stage.transfer_body(quoted, source="savingsbank", transfer_id=mine.transfer_id)
    await send(stage, mine, theirs)
    works = [(stage.service, await claim(stage.service, 1)), (other, await claim(other, 1))]
    async with (
        limits_taken(database_url, stage.merchant.id) as connection,
        limits_taken(database_url, merchant.id),
    ):
        running = [asyncio.create_task(work_off(service, batch)) for service, batch in works]
        await wait_for_it(connection, 2)
    await asyncio.gather(*running)
    assert await transfers(stage) == ["RESERVED"]


async def test_a_backlog_of_one_dfsp_in_the_table_holds_back_no_other_ones_message(stage: Stage) -> None:
    """What no worker took over, since none ran or each had too much, is claimed by time alone."""
    _, [counter] = await builders.create_merchant(stage.service, stage.world, builders.DFSPS[1])
    await stage.work()
    await asyncio.gather(*(stage.hub.say("POST", "/quotes", stage.quote_body()) for _ in range(300)))
    last = stage.quote_body(alias=counter.alias, currency="USD")
    await stage.hub.say("POST", "/quotes", last, destination=builders.DFSPS[1])
    for _ in range(3):
        await stage.worker.run_due()
    left = await stage.rows("SELECT dfsp_id FROM outbox WHERE topic = $1", inbox.TOPIC)
    assert {row["dfsp_id"] for row in left} == {stage.merchant.dfsp_id}


async def overdue(stage: Stage, move_clock: Clock, count: int) -> list[dict[str, Any]]:
    """Requests whose time is over."""
    requests = [await stage.ask(expires_in_s=60) for _ in range(count)]
    move_clock(timedelta(seconds=61))
    return requests


async def test_a_request_that_cannot_be_saved_keeps_no_other_from_expiring(
    stage: Stage, database_url: str, move_clock: Clock
) -> None:
    requests = await overdue(stage, move_clock, 5)
    owner = await asyncpg.connect(database_url)
    poison = f"state <> 'expired' OR id <> '{requests[2]['id']}'"
    await owner.execute(f"ALTER TABLE payment_request ADD CONSTRAINT poison CHECK ({poison})")
    with pytest.raises(asyncpg.CheckViolationError):
        await run_timers(stage.service)
    states = [await stage.state(request) for request in requests]
    assert states == ["expired", "expired", "created", "expired", "expired"]
    await owner.execute("ALTER TABLE payment_request DROP CONSTRAINT poison")
    await owner.close()
    await run_timers(stage.service)
    assert await stage.state(requests[2]) == "expired"
