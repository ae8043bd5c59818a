"""A phone that somebody holds: a request waits for their answer, over real HTTP."""

import pytest

from merchant.core import ids
from tests.merchant.demo.simulator.stub_dfsp import StubDfsp

pytestmark = pytest.mark.anyio

HELD, OTHER = "255700000010", "255700000011"


@pytest.fixture(autouse=True)
async def held(stub: StubDfsp) -> None:
    """The phone waits for whoever holds it."""
    await stub.put_json(f"/control/payers/{HELD}", {"behaviour": "ask", "delay_s": 0})


async def asked(stub: StubDfsp, expires_in_s: float = 60) -> str:
    """A request that waits on the phone."""
    request_id = ids.wire_id()
    await stub.ask_for_money(HELD, request_id, expires_in_s=expires_in_s, destination="savingsbank")
    message = await stub.phone_waits(HELD)
    assert message["transaction_request_id"] == request_id
    return request_id


async def test_nothing_moves_until_the_phone_accepts(stub: StubDfsp) -> None:
    request_id = await asked(stub)
    assert [each.body["transactionRequestState"] for each in stub.arrivals] == ["RECEIVED"]
    assert await stub.answer(HELD, request_id, accept=True) == 202
    await stub.ledger_state("COMMITTED")
    await stub.phone_shows(HELD, "paid")
    inbox = await stub.get_json(f"/shoppers/{HELD}/inbox")
    assert not any(item.get("waits") for item in inbox["items"])


async def test_a_phone_that_declines_pays_nothing(stub: StubDfsp) -> None:
    request_id = await asked(stub)
    assert await stub.answer(HELD, request_id, accept=False) == 202
    states = await stub.seen("PUT", "/transactionRequests/", 2)
    assert [each.body["transactionRequestState"] for each in states] == ["RECEIVED", "REJECTED"]
    assert await stub.get_json("/ledger") == []


async def test_the_same_answer_twice_pays_once_and_another_one_is_refused(stub: StubDfsp) -> None:
    request_id = await asked(stub)
    assert await stub.answer(HELD, request_id, accept=True) == 202
    assert await stub.answer(HELD, request_id, accept=True) == 202
    assert await stub.answer(HELD, request_id, accept=False) == 409
    await stub.ledger_state("COMMITTED")
    assert len(await stub.seen("POST", "/transfers")) == 1


async def test_a_request_that_expired_on_the_phone_cannot_be_answered(stub: StubDfsp) -> None:
    request_id = ids.wire_id()
    await stub.ask_for_money(HELD, request_id, expires_in_s=0.1, destination="savingsbank")
    assert "did not answer Corner Shop in time" in (await stub.phone_shows(HELD, "failed"))["text"]
    assert await stub.answer(HELD, request_id, accept=True) == 409
    assert await stub.get_json("/ledger") == []


async def test_another_phone_or_an_unknown_request_cannot_be_answered(stub: StubDfsp) -> None:
    request_id = await asked(stub)
    assert await stub.answer(OTHER, request_id, accept=True) == 409
    assert await stub.answer(HELD, ids.wire_id(), accept=True) == 409
    assert await stub.answer("abc", request_id, accept=True) == 400
