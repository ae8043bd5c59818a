"""The inbox: a message stored once and sealed, its job made in the same transaction, repeats told apart."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from merchant.core import inbox, outbox
from merchant.core.inbox import Message
from merchant.core.service import Service
from merchant.core.vault import BadSecretKey, Vault

pytestmark = pytest.mark.anyio
POST = Message("POST", "/quotes", "payerfsp", "greenbankfsp", "1.1", b'{"quoteId":"q","payer":"254711000001"}')
PUT = Message("PUT", "/parties/MSISDN/254711000001", "payerfsp", "greenbankfsp", "1.1", b'{"party":{}}')
RESULT = Message("PUT", "/transfers/t1", "payerfsp", "greenbankfsp", "1.1", b'{"transferState":"COMMITTED"}')


async def store(service: Service, message: Message) -> bool:
    async with service.db.system() as tx:
        return await inbox.store_once(tx, service.vault, message)


async def jobs(service: Service) -> list[Message]:
    """The messages that await their interpreter."""
    async with service.db.system_statements() as tx:
        claimed = await outbox.claim(tx, 100)
    assert {job.topic for job in claimed} <= {inbox.TOPIC}
    return [inbox.open_message(service.vault, job.payload) for job in claimed]


async def test_a_message_is_stored_with_the_job_to_interpret_it(service: Service) -> None:
    assert await store(service, POST)
    assert await jobs(service) == [POST]


async def test_a_message_of_a_transaction_that_failed_never_came(service: Service) -> None:
    with pytest.raises(ZeroDivisionError):
        async with service.db.system() as tx:
            await inbox.store_once(tx, service.vault, POST)
            raise ZeroDivisionError
    assert await jobs(service) == []
    assert await store(service, POST)


async def test_a_repeated_request_is_counted_and_worked_on_again(service: Service) -> None:
    assert [await store(service, POST) for _ in range(3)] == [True, False, False]
    assert await jobs(service) == [POST] * 3
    async with service.db.system() as tx:
        assert await tx.fetchval("SELECT times FROM inbox") == 3


async def test_a_repeated_result_is_counted_and_changes_nothing(service: Service) -> None:
    assert [await store(service, RESULT) for _ in range(3)] == [True, False, False]
    assert await jobs(service) == [RESULT]


async def test_a_look_up_answered_twice_in_the_same_words_is_two_answers(service: Service) -> None:
    assert [await store(service, PUT) for _ in range(2)] == [True, False]
    assert await jobs(service) == [PUT] * 2


@pytest.mark.parametrize(
    "other",
    [
        Message("POST", "/quotes", "otherfsp", "greenbankfsp", "1.1", POST.body),
        Message("POST", "/transfers", "payerfsp", "greenbankfsp", "1.1", POST.body),
        Message("PUT", "/quotes", "payerfsp", "greenbankfsp", "1.1", POST.body),
        Message("POST", "/quotes", "payerfsp", "greenbankfsp", "1.1", POST.body + b" "),
    ],
)
async def test_another_sender_method_path_or_body_is_another_message(service: Service, other: Message) -> None:
    assert await store(service, POST)
    assert await store(service, other)


async def test_a_message_that_comes_many_times_at_once_is_new_once(service: Service) -> None:
    results = await asyncio.gather(*(store(service, RESULT) for _ in range(12)))
    assert sorted(results) == [False] * 11 + [True]
    assert await jobs(service) == [RESULT]


async def test_nothing_of_a_message_that_names_a_payer_is_stored_in_the_open(service: Service) -> None:
    await store(service, POST)
    await store(service, PUT)
    async with service.db.system() as tx:
        for table in ("inbox", "outbox"):
            stored = " ".join(str(tuple(row)) for row in await tx.fetch(f"SELECT * FROM {table}"))
            assert "254711000001" not in stored


async def test_a_message_opens_with_our_key_only(service: Service) -> None:
    await store(service, POST)
    async with service.db.system_statements() as tx:
        [job] = await outbox.claim(tx, 1)
    with pytest.raises(BadSecretKey):
        inbox.open_message(Vault("test:" + "QkJC" * 10 + "QkI="), job.payload)


async def test_messages_are_forgotten_after_a_week(
    service: Service, move_clock: Callable[[timedelta], datetime]
) -> None:
    await store(service, POST)
    move_clock(inbox.KEPT_FOR)
    async with service.db.system() as tx:
        assert await inbox.prune(tx, 100) == 0
        move_clock(timedelta(seconds=1))
        assert await inbox.prune(tx, 100) == 1
