"""What is not possible: paying a suspended shop, seeing another DFSP's money, asking twice with one key."""

import asyncio
from typing import Any

import pytest

from merchant.compliance.cases.case_routes import reinstate_merchant
from merchant.registry.merchants.routes import suspend_merchant
from tests import builders
from tests.builders import GATEWAY_SECRET
from tests.stories.conftest import SCOPES
from tests.stories.town import Town

pytestmark = pytest.mark.anyio
AGREES, OTHER = "254711000001", "254711000011"


@pytest.fixture
def more_routes() -> list[Any]:
    return [suspend_merchant, reinstate_merchant]


async def post(town: Town, path: str, body: Any, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """POST to the service's API."""
    async with town.http.post(f"{town.service.settings.base_url}/api/v1/{path}", json=body, headers=headers) as answer:
        return answer.status, dict(await answer.json(content_type=None))


def demand(town: Town, amount: str = "12.5") -> dict[str, Any]:
    """The body of a request to pay."""
    return {
        "counter_id": str(town.counter.id),
        "amount": {"amount": amount, "currency": "USD"},
        "payer": {"type": "MSISDN", "id": AGREES},
    }


# --- a suspended shop ------------------------------------------------------------------------------------------------


async def served_by(town: Town) -> list[Any]:
    """Who serves the shop's number, as the Account Lookup Service is told."""
    url = f"{town.service.settings.base_url}/oracle/participants/ALIAS/{town.counter.alias}?currency=USD"
    async with town.http.get(url, headers={"x-gateway-secret": GATEWAY_SECRET}) as response:
        assert response.status == 200
        return list((await response.json(content_type=None))["partyList"])


async def test_a_suspended_shop_cannot_be_found_paid_or_ask_and_a_reinstated_one_can(town: Town) -> None:
    checker = (await builders.load_world(town.service))["greenbankfsp"]["checker"].headers
    code, place = await town.counter_code(), f"merchants/{town.merchant.id}"
    await town.behave(AGREES, "accept", delay_s=1)
    open_request = await town.ask(AGREES, expires_in_s=2)
    await town.ends(open_request, "awaiting_payer")

    assert (await post(town, f"{place}/suspend", {"reason": "Complaints."}, checker))[1]["state"] == "suspended"
    assert await served_by(town) == []
    await town.scan(OTHER, qr_payload=code, amount="5", currency="USD")
    assert "cannot be paid" in await town.phone_shows(OTHER, "failed")
    status, problem = await post(town, "payment-requests", demand(town), town.key | {"idempotency-key": "one"})
    assert (status, problem["code"]) == (409, "merchant_not_active")
    # The customer who had been asked before agrees too late.
    await town.phone_shows(AGREES, "failed")
    await town.ends(open_request, "expired")
    assert await town.ledger() == []

    assert (await post(town, f"{place}/reinstate", {}, checker))[1]["state"] == "active"
    [row] = await served_by(town)
    assert row["fspId"] == "greenbankfsp"
    await town.payment_of(await town.scan(OTHER, qr_payload=code, amount="5", currency="USD"))
    await town.books_agree()


# --- another DFSP ----------------------------------------------------------------------------------------------------


async def test_another_dfsp_finds_nothing_anywhere(town: Town) -> None:
    neighbour = (await builders.load_world(town.service))["lakemfi"]["admin"]
    theirs = await builders.issue_key(town.service, neighbour, SCOPES)
    asked = await town.ask(AGREES)
    await town.ends(asked, "paid")
    waiting = await town.ask(None)

    async def read(path: str, headers: dict[str, str]) -> tuple[int, bytes]:
        async with town.http.get(f"{town.service.settings.base_url}/api/v1/{path}", headers=headers) as answer:
            return answer.status, await answer.read()

    hidden = [
        f"payment-requests/{asked['id']}",
        f"payment-requests/{asked['id']}/events",
        f"counters/{town.counter.id}/qr?format=payload",
    ]
    for headers in (theirs, neighbour.headers):
        assert [(await read(path, headers))[0] for path in hidden] == [404, 404, 404]
        for listing in ("payment-requests", "payments", f"payments?counter_id={town.counter.id}"):
            assert await read(listing, headers) == (200, b'{"items":[],"next_cursor":null}')
    assert [(await read(path, town.key))[0] for path in hidden] == [200, 200, 200]

    keyed = theirs | {"idempotency-key": "one"}
    assert (await post(town, "payment-requests", demand(town), keyed))[0] == 404
    assert (await post(town, f"payment-requests/{waiting['id']}/cancel", {}, theirs))[0] == 404
    assert (await post(town, f"merchants/{town.merchant.id}/suspend", {"reason": "x"}, neighbour.headers))[0] == 404
    assert (await town.request(waiting))["state"] == "awaiting_payer"
    await town.books_agree()


# --- one key, one request --------------------------------------------------------------------------------------------


async def test_a_till_that_repeats_itself_asks_once_and_is_paid_once(town: Town) -> None:
    keyed = town.key | {"idempotency-key": "till-7-0001"}
    answers = await asyncio.gather(*(post(town, "payment-requests", demand(town), keyed) for _ in range(8)))
    assert {status for status, _ in answers} == {201}
    [first, *repeats] = [body for _, body in answers]
    assert all(repeat == first for repeat in repeats)
    await town.ends(first, "paid")

    status, replayed = await post(town, "payment-requests", demand(town), keyed)
    assert (status, replayed) == (201, first), "the first answer, however things have moved on"
    status, problem = await post(town, "payment-requests", demand(town, "99"), keyed)
    assert (status, problem["code"]) == (409, "idempotency_key_reused")
    status, problem = await post(town, "payment-requests", demand(town), town.key)
    assert (status, problem["code"]) == (400, "idempotency_key_missing")

    assert len((await town.get("payment-requests"))["items"]) == len(await town.ledger()) == 1
    await town.books_agree()
