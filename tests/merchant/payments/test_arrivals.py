"""What arrives is stored in groups and handed over in memory: nothing is lost by a fault, a death or a flood."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import asyncpg
import httpx
import pytest
from aiohttp import web

from merchant.core import inbox, outbox
from merchant.core.handover import Handover
from merchant.core.inbox import Arrival
from merchant.core.outbox import HeldJob
from merchant.core.service import Service, open_service
from merchant.core.slices import Work
from merchant.hub.fspiop.messages import PartiesPut, Party, PartyIdInfo, TransactionRequestsPut
from merchant.payments.arrivals import GROUP_MAX, Arrivals
from merchant.payments.engine import work_off
from merchant.programs import worker
from merchant.programs.batches import BATCH_MAX, Batches
from merchant.programs.worker import Worker
from tests import builders
from tests.merchant.payments.engines import SOON_S, claim, in_the_way, jobs, limits_taken, send, usage, wait_for_it
from tests.merchant.payments.stage import MOBILE, PAYER, Stage

pytestmark = pytest.mark.anyio
Clock = Callable[[timedelta], datetime]
COPIES = 40
OTHER_DFSP = builders.DFSPS[1]


@pytest.fixture
async def other(database_url: str, stage: Stage) -> AsyncIterator[Service]:
    """The service in another process, as far as it can tell."""
    async with open_service(stage.service.settings, database_url) as opened:
        yield opened


async def stored(stage: Stage) -> list[tuple[str, int]]:
    return [tuple(row) for row in await stage.rows("SELECT resource, times FROM inbox ORDER BY resource, times")]


async def waiting(stage: Stage, count: int) -> None:
    """Until so many messages wait to be stored together."""
    async with asyncio.timeout(SOON_S):
        while len(stage.service.shared(Arrivals)._waiting) < count:
            await asyncio.sleep(0.002)


# --- storing ---------------------------------------------------------------------------------------------------------


async def test_the_same_answer_many_times_at_once_is_stored_once_and_acknowledged_each_time(stage: Stage) -> None:
    request = await stage.asked()
    await stage.rows("DELETE FROM inbox")
    path = f"/transactionRequests/{request['hub']['transaction_request_id']}"
    body = TransactionRequestsPut("RECEIVED")
    answers = await asyncio.gather(*(stage.hub.say("PUT", path, body) for _ in range(COPIES)))
    assert {answer.status_code for answer in answers} == {200}
    assert await stored(stage) == [("transactionRequests", COPIES)]
    assert len(await jobs(stage)) == 1
    await stage.work()
    assert await stage.state(request) == "awaiting_payer"


async def test_the_same_question_many_times_at_once_is_stored_once_and_answered_each_time(stage: Stage) -> None:
    body = stage.quote_body()
    answers = await asyncio.gather(*(stage.hub.say("POST", "/quotes", body) for _ in range(COPIES)))
    assert {answer.status_code for answer in answers} == {202}
    assert await stored(stage) == [("quotes", COPIES)]
    await stage.work()
    sent = stage.hub.to(f"/quotes/{body.quote_id}", "PUT")
    assert (len(sent), len({one.raw for one in sent})) == (COPIES, 1)
    assert len(await stage.rows("SELECT FROM quote")) == 1


async def test_the_same_message_in_two_processes_at_once_is_stored_once(stage: Stage, other: Service) -> None:
    await stage.work()
    await asyncio.gather(*(stage.hub.say("POST", "/quotes", stage.quote_body()) for _ in range(5)))
    messages = [inbox.open_message(stage.service.vault, work.job.payload) for work in await claim(stage.service)]
    both = [service.shared(Arrivals) for service in (stage.service, other)]
    await asyncio.gather(*(one.store(Arrival(message)) for one in both for message in messages))
    assert await stored(stage) == [("quotes", 3)] * 5


async def test_a_database_error_refuses_all_of_a_group_and_stores_nothing(stage: Stage, database_url: str) -> None:
    await stage.hub.say("POST", "/quotes", stage.quote_body())  # keys and connections are known now
    owner = await asyncpg.connect(database_url)
    await owner.execute("ALTER TABLE inbox ADD CONSTRAINT poison CHECK (method <> 'GET') NOT VALID")
    bodies = [stage.quote_body() for _ in range(9)]

    async def say_all() -> list[httpx.Response]:
        return await asyncio.gather(
            *(stage.hub.say("POST", "/quotes", body) for body in bodies),
            stage.hub.say("GET", f"/parties/ALIAS/{stage.counter.alias}"),
        )

    async with in_the_way(database_url, "LOCK TABLE inbox IN SHARE MODE") as connection:
        first = asyncio.create_task(stage.hub.say("POST", "/quotes", stage.quote_body()))
        await wait_for_it(connection, 1)
        others = asyncio.create_task(say_all())
        await waiting(stage, 10)
    assert (await first).status_code == 202, "the group before it is none of its matter"
    refused = await others
    assert [answer.status_code for answer in refused] == [503] * 10
    assert {answer.json()["errorInformation"]["errorCode"] for answer in refused} == {"2003"}
    assert await stored(stage) == [("quotes", 1)] * 2
    assert len(await jobs(stage)) == 2
    await owner.execute("ALTER TABLE inbox DROP CONSTRAINT poison")
    await owner.close()
    assert [answer.status_code for answer in await say_all()] == [202] * 10
    await stage.work()
    for body in bodies:
        assert len(stage.hub.to(f"/quotes/{body.quote_id}", "PUT")) == 1


async def test_a_sender_that_hangs_up_takes_none_of_its_group_along(stage: Stage, database_url: str) -> None:
    await stage.hub.say("POST", "/quotes", stage.quote_body())
    async with in_the_way(database_url, "LOCK TABLE inbox IN SHARE MODE") as connection:
        first = asyncio.create_task(stage.hub.say("POST", "/quotes", stage.quote_body()))
        await wait_for_it(connection, 1)
        rest = [asyncio.create_task(stage.hub.say("POST", "/quotes", stage.quote_body())) for _ in range(5)]
        await waiting(stage, 5)
        first.cancel()
        rest[2].cancel()
    answers = await asyncio.gather(*rest, return_exceptions=True)
    assert [getattr(answer, "status_code", None) for answer in answers] == [202, 202, None, 202, 202]
    assert len(await stored(stage)) == 6


async def test_more_messages_than_a_group_holds_are_all_stored(stage: Stage) -> None:
    bodies = [stage.quote_body() for _ in range(GROUP_MAX * 2 + 1)]
    answers = await asyncio.gather(*(stage.hub.say("POST", "/quotes", body) for body in bodies))
    assert {answer.status_code for answer in answers} == {202}
    assert await stored(stage) == [("quotes", 1)] * len(bodies)
    assert len(await jobs(stage)) == len(bodies)


# --- handing over ----------------------------------------------------------------------------------------------------


async def test_what_a_running_worker_takes_over_is_done_without_a_claim(stage: Stage) -> None:
    bodies = [stage.quote_body() for _ in range(5)]
    async with Worker(stage.service).running():
        await asyncio.gather(*(stage.hub.say("POST", "/quotes", body) for body in bodies))
        async with asyncio.timeout(SOON_S):
            while len(stage.hub.to("/quotes/", "PUT")) < len(bodies):
                await asyncio.sleep(0.005)
    assert await jobs(stage) == []


async def test_jobs_of_a_process_that_died_are_taken_up_by_another_when_their_lease_ends(
    stage: Stage, other: Service, move_clock: Clock
) -> None:
    body = stage.transfer_body(await stage.quote())
    taken: list[HeldJob] = []
    stage.service.shared(Handover).attach(taken.extend, lambda: True)  # a worker that dies with what it took over
    await send(stage, body)
    assert [one.job.attempts for one in taken] == [1]
    async with Worker(other).by_hand() as by_hand:
        assert await by_hand.run_due() == 0, "it may still live"
        move_clock(outbox.LEASE + timedelta(seconds=1))
        while await by_hand.run_due():
            pass
    assert stage.hub.to(f"/transfers/{body.transfer_id}", "PUT")[-1].error_code is None
    assert await usage(stage) == {(1000, 1)}
    assert await jobs(stage) == []
    with pytest.raises(outbox.LeaseLost):  # it was only frozen, and goes on
        await work_off(stage.service, [Work(taken[0].job, taken[0].value)])
    assert await jobs(stage) == []


async def test_a_process_that_was_frozen_beyond_its_lease_changes_nothing(
    stage: Stage, other: Service, move_clock: Clock
) -> None:
    quoted = await stage.quote()
    bodies = [stage.transfer_body(quoted)]
    taken: list[HeldJob] = []
    stage.service.shared(Handover).attach(taken.extend, lambda: True)
    await send(stage, *bodies)
    move_clock(outbox.LEASE + timedelta(seconds=1))
    claimed = await claim(other)
    assert [work.job.attempts for work in claimed] == [2]
    with pytest.raises(outbox.LeaseLost):
        await work_off(stage.service, [Work(one.job, one.value) for one in taken])
    assert await stage.rows("SELECT FROM transfer") == []
    assert await usage(stage) == set()
    assert await work_off(other, claimed) == [None]
    assert await usage(stage) == {(1000, 1)}


async def test_a_worker_that_loses_its_lease_in_the_middle_of_a_batch_changes_nothing(
    stage: Stage, other: Service, database_url: str, move_clock: Clock
) -> None:
    bodies = [stage.transfer_body(await stage.quote()) for _ in range(3)]
    await send(stage, *bodies)
    async with limits_taken(database_url, stage.merchant.id) as connection:
        slow = asyncio.create_task(stage.worker.run_due())
        await wait_for_it(connection, 1)
        lost = [job["id"] for job in await jobs(stage)][1]
        await stage.rows("UPDATE outbox SET run_at = now() - interval '1 day' WHERE id = $1", lost)
        claimed = await claim(other)
        assert [work.job.id for work in claimed] == [lost]
    await slow
    assert len(await stage.rows("SELECT FROM transfer")) == 2, "the others of its batch, whose leases it had"
    assert not await stage.rows("SELECT FROM transfer WHERE transfer_id = $1", bodies[1].transfer_id)
    assert await usage(stage) == {(2000, 2)}
    assert await work_off(other, claimed) == [None]
    assert await usage(stage) == {(3000, 3)}
    await stage.work()
    for body in bodies:
        assert len(stage.hub.to(f"/transfers/{body.transfer_id}", "PUT")) == 1
    assert await jobs(stage) == []


async def test_what_a_worker_wrote_as_it_stopped_is_due_for_others_at_once(stage: Stage, database_url: str) -> None:
    """A batch that ends while its worker stops hands its answers over to nobody; a restart must not delay payments."""
    body = stage.transfer_body(await stage.quote())
    running = Worker(stage.service).running()
    await running.__aenter__()
    async with in_the_way(database_url, "LOCK TABLE transfer IN SHARE MODE") as connection:
        await send(stage, body)
        await wait_for_it(connection, 1)
        stopping = asyncio.create_task(running.__aexit__(None, None, None))
        while stage.service.shared(Handover).is_open:
            await asyncio.sleep(0)
    await stopping
    await stage.work()
    assert len(stage.hub.to(f"/transfers/{body.transfer_id}", "PUT")) == 1
    assert await jobs(stage) == []


# --- lanes -----------------------------------------------------------------------------------------------------------


async def flood(stage: Stage, count: int) -> tuple[str, list[httpx.Response]]:
    """Many messages of one DFSP, then one of another; the path of the latter's answer."""
    _, [counter] = await builders.create_merchant(stage.service, stage.world, OTHER_DFSP)
    answers = await asyncio.gather(*(stage.hub.say("POST", "/quotes", stage.quote_body()) for _ in range(count)))
    last = stage.quote_body(alias=counter.alias, currency="USD")
    answers.append(await stage.hub.say("POST", "/quotes", last, destination=OTHER_DFSP))
    assert {answer.status_code for answer in answers} == {202}
    return f"/quotes/{last.quote_id}", answers


async def test_a_dfsps_flood_holds_back_no_other_ones_message(stage: Stage) -> None:
    done: list[Work] = []

    async def ended(work: Work, error: Exception | None) -> None:
        assert error is None
        done.append(work)

    await flood(stage, 300)
    works = [work for work in await claim(stage.service, 500) if work.job.topic == inbox.TOPIC]
    batches = Batches(stage.service, work_off, ended)
    for work in works:
        batches.put(work)
    batches.stop()
    await batches.go_on()
    place = [work.job.id for work in done].index(works[-1].job.id)
    assert place < BATCH_MAX
    assert len(done) == 301


async def test_a_flood_through_the_door_of_a_running_worker_holds_back_no_other_dfsps_payment(
    stage: Stage, database_url: str
) -> None:
    blocker = stage.transfer_body(await stage.quote())
    async with Worker(stage.service).running():
        async with limits_taken(database_url, stage.merchant.id) as connection:
            await send(stage, blocker)
            await wait_for_it(connection, 1)
            path, _ = await flood(stage, 300)
        async with asyncio.timeout(SOON_S):
            while not stage.hub.to(path, "PUT"):
                await asyncio.sleep(0.002)
        before = len(stage.hub.to("/quotes/", "PUT"))
        await _until(lambda: len(stage.hub.to("/quotes/", "PUT")) == 302)
    assert before < 3 * BATCH_MAX


# --- what waited in memory -------------------------------------------------------------------------------------------


@asynccontextmanager
async def hub_that_hangs(stage: Stage) -> AsyncIterator[tuple[list[str], asyncio.Event]]:
    """A hub that answers nobody until it is told: what it got, and how it is told."""
    heard: list[str] = []
    goes_on = asyncio.Event()

    async def take(request: web.Request) -> web.Response:
        heard.append(f"{request.method} {request.path.split('/')[1]}")
        await goes_on.wait()
        return web.Response(status=202)

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        await stage.rows("UPDATE dfsp SET hub_url = $1", f"http://127.0.0.1:{runner.addresses[0][1]}")
        yield heard, goes_on
    finally:
        goes_on.set()
        await runner.cleanup()


async def test_a_hub_that_hangs_is_sent_no_more_at_once_than_a_process_may_have_under_way(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, move_clock: Clock
) -> None:
    await stage.quote()
    move_clock(timedelta(seconds=31))  # for so long a process keeps the hub's address
    monkeypatch.setattr(worker, "_MAX_RUNNING", worker._MAX_ORDERED + 5)
    async with hub_that_hangs(stage) as (heard, goes_on), Worker(stage.service).running():
        for _ in range(3):
            await asyncio.gather(*(stage.hub.say("POST", "/quotes", stage.quote_body()) for _ in range(10)))
        async with asyncio.timeout(SOON_S):
            while await stage.rows("SELECT FROM outbox WHERE topic = $1", inbox.TOPIC):
                await asyncio.sleep(0.005)
        await _until(lambda: len(heard) == 5)
        await asyncio.sleep(0.1)  # for others that would come too
        assert len(heard) == 5
        goes_on.set()
        await _until(lambda: len(heard) == 30)


async def test_a_customer_is_not_asked_for_what_was_taken_back_while_the_question_waited(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, move_clock: Clock
) -> None:
    """A hub that hangs holds what is sent to it; the request may have ended before its turn comes."""
    request = await stage.ask()
    move_clock(timedelta(seconds=31))
    monkeypatch.setattr(worker, "_MAX_RUNNING", worker._MAX_ORDERED + 1)  # one at a time
    party = Party(PartyIdInfo("MSISDN", PAYER, None, MOBILE))
    async with hub_that_hangs(stage) as (heard, goes_on), Worker(stage.service).running():
        await stage.hub.say("GET", f"/parties/ALIAS/{stage.counter.alias}")
        await _until(lambda: len(heard) == 1)
        await stage.hub.say("PUT", f"/parties/MSISDN/{PAYER}", PartiesPut(party))
        async with asyncio.timeout(SOON_S):
            while not await stage.rows("SELECT FROM outbox WHERE topic = 'payments.ask'"):
                await asyncio.sleep(0.005)
        path = f"/api/v1/payment-requests/{request['id']}/cancel"
        answer = await stage.client.post(path, headers=stage.key | {"idempotency-key": "back"})
        assert answer.status_code == 200, answer.text
        goes_on.set()
        async with asyncio.timeout(SOON_S):
            while await stage.rows("SELECT FROM outbox WHERE topic = 'payments.ask'"):
                await asyncio.sleep(0.005)
    assert "POST transactionRequests" not in heard


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON_S):
        while not condition():
            await asyncio.sleep(0.002)
