"""Batches that go wrong: poison among good messages, another engine on the same rows, a lease that ran out."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import pytest
from msgspec.structs import replace

from merchant.core import outbox
from merchant.core.service import Service, open_service
from merchant.hub.fspiop.messages import TransactionRequestsPut, TransfersPatch
from merchant.payments.engine import work_off
from merchant.programs.worker import Worker
from tests.merchant.payments.engines import (
    all_at_once,
    claim,
    in_the_way,
    jobs,
    send,
    transfers,
    usage,
    wait_for_it,
)
from tests.merchant.payments.stage import BANK, HUB, Stage, in_s

pytestmark = pytest.mark.anyio
Clock = Callable[[timedelta], datetime]
COMMITTED = TransfersPatch("COMMITTED", "2030-01-01T00:00:00.000Z")


@pytest.fixture
async def other(database_url: str, stage: Stage) -> AsyncIterator[Service]:
    """A second engine, in a process of its own as far as it can tell."""
    async with open_service(stage.service.settings, database_url) as opened:
        yield opened


async def say_committed(stage: Stage, transfer_id: str) -> None:
    response = await stage.hub.say("PATCH", f"/transfers/{transfer_id}", COMMITTED, source=HUB)
    assert response.status_code == 200, response.text


# --- poison ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [0, 1, 3])
async def test_a_message_whose_decision_raises_is_tried_again_alone(
    stage: Stage, move_clock: Clock, place: int
) -> None:
    requests = [await stage.asked(amount={"amount": str(10 + number), "currency": "KES"}) for number in range(4)]
    reserved = [await stage.reserved(request) for request in requests]
    poison = UUID(requests[place]["id"])
    await stage.rows("UPDATE payment_request SET amount_minor = amount_minor - 1 WHERE id = $1", poison)
    for transfer_id in reserved:
        await say_committed(stage, transfer_id)
    await stage.work()
    states = [await stage.state(request) for request in requests]
    assert states == ["accepted" if number == place else "paid" for number in range(4)]
    [job] = await jobs(stage)
    assert (job["attempts"], job["last_error"][:14]) == (1, "AmountMismatch")
    await stage.rows("UPDATE payment_request SET amount_minor = amount_minor + 1 WHERE id = $1", poison)
    move_clock(timedelta(seconds=10))
    await stage.work()
    assert await stage.state(requests[place]) == "paid"
    assert len(await stage.payments()) == 4
    assert await jobs(stage) == []


async def test_a_message_that_cannot_be_saved_fails_alone(stage: Stage, database_url: str, move_clock: Clock) -> None:
    """The statement that saves all of a batch fails; halves of it find the one to blame."""
    reserved = [await stage.reserved(amount=str(10 + number)) for number in range(7)]
    owner = await asyncpg.connect(database_url)
    await owner.execute("ALTER TABLE payment ADD CONSTRAINT poison CHECK (amount_minor <> 1400)")
    for transfer_id in reserved:
        await say_committed(stage, transfer_id)
    await stage.work()
    assert await transfers(stage) == ["COMMITTED"] * 6 + ["RESERVED"]
    assert len(await stage.payments()) == 6
    [job] = await jobs(stage)
    assert (job["attempts"], "CheckViolation" in job["last_error"]) == (1, True)
    await owner.execute("ALTER TABLE payment DROP CONSTRAINT poison")
    await owner.close()
    move_clock(timedelta(seconds=10))
    await stage.work()
    assert await transfers(stage) == ["COMMITTED"] * 7
    assert await jobs(stage) == []
    assert await usage(stage) == {(sum(range(1000, 1700, 100)), 7)}


async def test_a_message_that_nobody_can_open_fails_alone(stage: Stage) -> None:
    await stage.hub.say("POST", "/quotes", stage.quote_body())
    async with stage.service.db.system() as tx:
        await outbox.add(tx, "hub.message", b"not sealed by us")
    await stage.hub.say("POST", "/quotes", stage.quote_body())
    await stage.work()
    assert len(stage.hub.to("/quotes/", "PUT")) == 2
    [job] = await jobs(stage)
    assert job["attempts"] == 1


# --- another engine was faster ---------------------------------------------------------------------------------------


async def test_a_quote_that_another_engine_saved_meanwhile_gets_its_answer(stage: Stage, database_url: str) -> None:
    body = stage.quote_body()
    first = await stage.send_quote(body)
    owner = await asyncpg.connect(database_url)
    await owner.execute("CREATE TABLE kept AS SELECT * FROM quote; DELETE FROM quote")
    await stage.hub.say("POST", "/quotes", body)
    async with in_the_way(database_url, "INSERT INTO quote SELECT * FROM kept") as connection:
        working = asyncio.create_task(stage.work())
        await wait_for_it(connection, 1)
    await working
    second = stage.hub.to(f"/quotes/{body.quote_id}", "PUT")[-1]
    assert second is not first
    assert second.raw == first.raw, "the answer that was saved counts, not the one that was not"
    assert len(await stage.rows("SELECT FROM quote")) == 1
    assert await jobs(stage) == []
    await owner.close()


async def test_a_quote_with_other_content_that_another_engine_saved_meanwhile_is_refused(
    stage: Stage, database_url: str
) -> None:
    body = stage.quote_body()
    await stage.send_quote(body)
    owner = await asyncpg.connect(database_url)
    await owner.execute("CREATE TABLE kept AS SELECT * FROM quote; DELETE FROM quote")
    neighbour = stage.quote_body()
    await stage.hub.say("POST", "/quotes", stage.quote_body(quote_id=body.quote_id, amount="11"))
    await stage.hub.say("POST", "/quotes", neighbour)
    async with in_the_way(database_url, "INSERT INTO quote SELECT * FROM kept") as connection:
        working = asyncio.create_task(stage.work())
        await wait_for_it(connection, 1)
    await working
    assert stage.hub.to(f"/quotes/{body.quote_id}", "PUT")[-1].error_code == "3106"
    assert stage.hub.to(f"/quotes/{neighbour.quote_id}", "PUT")[-1].error_code is None
    assert await jobs(stage) == []
    await owner.close()


async def test_the_same_transfer_in_two_engines_at_once_is_reserved_once(
    stage: Stage, other: Service, database_url: str
) -> None:
    body = stage.transfer_body(await stage.quote())
    await send(stage, body, body)
    batches = [(stage.service, await claim(stage.service, 1)), (other, await claim(other, 1))]
    assert await all_at_once(database_url, stage.merchant.id, batches) == [[None], [None]]
    await stage.work()
    answers = stage.hub.to(f"/transfers/{body.transfer_id}", "PUT")
    assert len(answers) == 2
    assert len({sent.raw for sent in answers}) == 1
    assert await transfers(stage) == ["RESERVED"]
    assert await usage(stage) == {(1000, 1)}
    assert await jobs(stage) == []


async def test_a_copy_of_the_transfer_that_took_the_last_of_a_limit_is_answered_alike_in_another_engine(
    stage: Stage, other: Service, database_url: str
) -> None:
    for _ in range(4):
        await stage.reserved(amount="9000", currency="USD")
    body = stage.transfer_body(await stage.quote(amount="9000", currency="USD"))
    await send(stage, body, body)
    batches = [(stage.service, await claim(stage.service, 1)), (other, await claim(other, 1))]
    assert await all_at_once(database_url, stage.merchant.id, batches) == [[None], [None]]
    await stage.work()
    answers = stage.hub.to(f"/transfers/{body.transfer_id}", "PUT")
    assert [sent.error_code for sent in answers] == [None, None]
    assert len({sent.raw for sent in answers}) == 1
    assert await usage(stage) == {(4_500_000, 5)}


async def test_two_transfers_for_one_quote_in_two_engines_at_once_reserve_one(
    stage: Stage, other: Service, database_url: str
) -> None:
    quoted = await stage.quote()
    bodies = [stage.transfer_body(quoted) for _ in range(2)]
    await send(stage, *bodies)
    batches = [(stage.service, await claim(stage.service, 1)), (other, await claim(other, 1))]
    assert await all_at_once(database_url, stage.merchant.id, batches) == [[None], [None]]
    await stage.work()
    answers = [stage.hub.to(f"/transfers/{body.transfer_id}", "PUT")[-1].error_code for body in bodies]
    assert sorted(code or "" for code in answers) == ["", "5104"]
    assert await transfers(stage) == ["RESERVED"]
    assert await usage(stage) == {(1000, 1)}
    assert await jobs(stage) == []


async def test_two_transfers_for_one_request_in_two_engines_at_once_reserve_one(
    stage: Stage, other: Service, database_url: str
) -> None:
    request = await stage.asked()
    bodies = [stage.transfer_body(await stage.quote(request)) for _ in range(2)]
    await send(stage, *bodies)
    batches = [(stage.service, await claim(stage.service, 1)), (other, await claim(other, 1))]
    assert await all_at_once(database_url, stage.merchant.id, batches) == [[None], [None]]
    await stage.work()
    answers = [stage.hub.to(f"/transfers/{body.transfer_id}", "PUT")[-1].error_code for body in bodies]
    assert sorted(code or "" for code in answers) == ["", "5104"]
    assert await usage(stage) == {(1000, 1)}
    await say_committed(stage, next(b.transfer_id for b, code in zip(bodies, answers, strict=True) if code is None))
    await stage.work()
    assert await stage.state(request) == "paid"
    assert len(await stage.payments()) == 1


async def test_one_id_of_two_payers_dfsps_in_two_engines_at_once_is_one_transfer(
    stage: Stage, other: Service, database_url: str
) -> None:
    """The hub names a transfer by its id alone, so one id is one payer's."""
    mine = stage.transfer_body(await stage.quote())
    theirs = stage.transfer_body(await stage.quote(source=BANK), source=BANK, transfer_id=mine.transfer_id)
    await send(stage, mine, theirs)
    batches = [(stage.service, await claim(stage.service, 1)), (other, await claim(other, 1))]
    await all_at_once(database_url, stage.merchant.id, batches)
    await stage.work()
    assert await transfers(stage) == ["RESERVED"]
    assert await usage(stage) == {(1000, 1)}


async def test_the_hubs_two_words_in_two_engines_at_once_pay_once(
    stage: Stage, other: Service, database_url: str
) -> None:
    request = await stage.asked()
    transfer_id = await stage.reserved(request)
    for method in ("PATCH", "PUT"):
        await stage.hub.say(method, f"/transfers/{transfer_id}", TransfersPatch("COMMITTED", in_s(0)), source=HUB)
    batches = [(stage.service, await claim(stage.service, 1)), (other, await claim(other, 1))]
    lock = "SELECT FROM payment_request WHERE id = $1 FOR UPDATE"
    async with in_the_way(database_url, lock, UUID(request["id"])) as connection:
        running = [asyncio.create_task(work_off(service, works)) for service, works in batches]
        await wait_for_it(connection, 2)
    assert await asyncio.gather(*running) == [[None], [None]]
    await stage.work()
    assert await stage.state(request) == "paid"
    assert len(await stage.payments()) == 1
    assert len(await stage.rows("SELECT FROM sms_message")) == 1
    paid = "SELECT FROM announced_event WHERE event_type = 'payment_request.paid'"
    assert len(await stage.rows(paid)) == 1


@pytest.mark.parametrize("words", [("COMMITTED", "ABORTED"), ("ABORTED", "COMMITTED")])
async def test_contradicting_words_in_two_engines_at_once_end_as_committed(
    stage: Stage, other: Service, database_url: str, words: tuple[str, str]
) -> None:
    request = await stage.asked()
    transfer_id = await stage.reserved(request)
    for word in words:
        body = TransfersPatch(word, in_s(0))  # type: ignore[arg-type]
        await stage.hub.say("PATCH", f"/transfers/{transfer_id}", body, source=HUB)
    batches = [(stage.service, await claim(stage.service, 1)), (other, await claim(other, 1))]
    lock = "SELECT FROM payment_request WHERE id = $1 FOR UPDATE"
    async with in_the_way(database_url, lock, UUID(request["id"])) as connection:
        running = [asyncio.create_task(work_off(service, works)) for service, works in batches]
        await wait_for_it(connection, 2)
    assert await asyncio.gather(*running) == [[None], [None]]
    assert await stage.state(request) == "paid"
    assert await transfers(stage) == ["COMMITTED"]
    assert await usage(stage) == {(1000, 1)}
    assert len(await stage.payments()) == 1


async def test_two_workers_at_once_pass_no_limit_and_reserve_nothing_twice(
    stage: Stage, other: Service, database_url: str
) -> None:
    bodies = [stage.transfer_body(await stage.quote(amount="9000", currency="USD")) for _ in range(14)]
    await send(stage, *bodies, *bodies)
    settings = replace(stage.service.settings, worker_batch=3)
    async with open_service(settings, database_url) as one, open_service(settings, database_url) as two:

        async def work(service: Service) -> None:
            async with Worker(service).by_hand() as worker:
                while await worker.run_due():
                    pass

        await asyncio.gather(work(one), work(two), work(one), work(two))
    await stage.work()
    assert await jobs(stage) == []
    assert await transfers(stage) == ["RESERVED"] * 5
    assert await usage(stage) == {(4_500_000, 5)}
    answers = [stage.hub.to(f"/transfers/{body.transfer_id}", "PUT") for body in bodies]
    assert [len(sent) for sent in answers] == [2] * 14
    codes = sorted({sent.error_code or "" for sent in sent_of} for sent_of in answers)
    assert codes.count({""}) == 5
    assert codes.count({"5200"}) == 9


# --- a message and what it depends on, in one batch ------------------------------------------------------------------


async def test_a_quote_asked_again_and_its_transfer_in_one_batch(stage: Stage) -> None:
    body = stage.quote_body()
    quoted = await stage.send_quote(body)
    await stage.hub.say("POST", "/quotes", body)
    transfer = stage.transfer_body(quoted)
    await send(stage, transfer)
    await stage.work()
    assert [sent.raw for sent in stage.hub.to(f"/quotes/{body.quote_id}", "PUT")] == [quoted.raw] * 2
    assert stage.hub.to(f"/transfers/{transfer.transfer_id}", "PUT")[-1].error_code is None
    assert await usage(stage) == {(1000, 1)}


async def test_a_transfer_and_the_hubs_word_in_one_batch(stage: Stage) -> None:
    request = await stage.asked()
    body = stage.transfer_body(await stage.quote(request))
    await send(stage, body)
    await say_committed(stage, body.transfer_id)
    works = await claim(stage.service)
    assert await work_off(stage.service, works) == [None, None]
    assert await stage.state(request) == "paid"
    assert await usage(stage) == {(1000, 1)}
    [payment] = await stage.payments()
    assert payment["hub"]["transfer_id"] == body.transfer_id
    await send(stage, body)  # the payer's DFSP did not hear our answer, and the hub had it
    await stage.work()
    answers = stage.hub.to(f"/transfers/{body.transfer_id}", "PUT")
    assert len({sent.raw for sent in answers}) == 1
    assert await usage(stage) == {(1000, 1)}


async def test_the_hubs_word_before_its_transfer_in_one_batch(stage: Stage, move_clock: Clock) -> None:
    request = await stage.asked()
    body = stage.transfer_body(await stage.quote(request))
    await say_committed(stage, body.transfer_id)
    await send(stage, body)
    await stage.work()
    assert await stage.state(request) == "accepted"
    move_clock(timedelta(seconds=5))
    await stage.work()
    assert await stage.state(request) == "paid"
    assert await usage(stage) == {(1000, 1)}


async def test_a_transfer_its_abort_and_its_commit_in_one_batch(stage: Stage) -> None:
    request = await stage.asked()
    body = stage.transfer_body(await stage.quote(request))
    await send(stage, body)
    for word in ("ABORTED", "COMMITTED", "ABORTED"):
        said = TransfersPatch(word, in_s(0))  # type: ignore[arg-type]
        await stage.hub.say("PATCH", f"/transfers/{body.transfer_id}", said, source=HUB)
    await stage.work()
    assert await stage.state(request) == "paid"
    assert await usage(stage) == {(1000, 1)}
    assert len(await stage.payments()) == 1


async def test_transfers_of_one_batch_share_what_is_left_of_a_limit(stage: Stage) -> None:
    bodies = [stage.transfer_body(await stage.quote(amount="9000", currency="USD")) for _ in range(7)]
    await send(stage, *bodies)
    await stage.work()
    codes = [stage.hub.to(f"/transfers/{body.transfer_id}", "PUT")[-1].error_code for body in bodies]
    assert codes == [None] * 5 + ["5200"] * 2
    assert await usage(stage) == {(4_500_000, 5)}


async def test_a_payers_answer_and_no_in_one_batch_end_the_request(stage: Stage) -> None:
    request = await stage.asked()
    path = f"/transactionRequests/{request['hub']['transaction_request_id']}"
    for said in ("RECEIVED", "REJECTED", "ACCEPTED"):
        await stage.hub.say("PUT", path, TransactionRequestsPut(said))
    await stage.work()
    assert await stage.state(request) == "rejected"
