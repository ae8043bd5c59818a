"""A fraud system beside the service: it reads what happened from the event log, and stops a shop by its key."""

from typing import Any

import pytest

from merchant.notify.event_log import ROUTES as EVENT_LOG_ROUTES
from merchant.registry.merchants.routes import suspend_merchant
from tests import builders
from tests.stories.town import Town, until

pytestmark = pytest.mark.anyio
AGREES, OTHER = "254711000001", "254711000011"


@pytest.fixture
def more_routes() -> list[Any]:
    return [*EVENT_LOG_ROUTES, suspend_merchant]


async def issue(town: Town, *scopes: str) -> dict[str, str]:
    admin = (await builders.load_world(town.service))["greenbankfsp"]["admin"]
    return await builders.issue_key(town.service, admin, list(scopes))


async def suspend(town: Town, key: dict[str, str], merchant_id: str) -> tuple[int, dict[str, Any]]:
    url = f"{town.service.settings.base_url}/api/v1/merchants/{merchant_id}/suspend"
    async with town.http.post(url, json={"reason": "Rule 017: many payers in a minute."}, headers=key) as response:
        return response.status, dict(await response.json())


async def next_payment(town: Town, key: dict[str, str], after: str | None = None) -> dict[str, Any]:
    """The first payment that the log holds after an event."""

    async def found() -> dict[str, Any] | None:
        query = "?type=payment.received" + (f"&after={after}" if after else "")
        url = f"{town.service.settings.base_url}/api/v1/event-log{query}"
        async with town.http.get(url, headers=key) as response:
            assert response.status == 200, await response.text()
            items = (await response.json())["items"]
        return items[0] if items else None

    return await until(found, "the log holds the payment")


async def test_it_reads_each_payment_once_and_a_shop_that_it_stops_is_paid_no_more(town: Town) -> None:
    key = await issue(town, "webhooks:write", "merchants:suspend")
    await town.payment_of(await town.scan(AGREES, alias=town.counter.alias, amount="3", currency="USD"))
    first = await next_payment(town, key)
    await town.payment_of(await town.scan(OTHER, alias=town.counter.alias, amount="4", currency="USD"))
    second = await next_payment(town, key, after=first["id"])
    assert [one["data"]["amount"]["amount"] for one in (first, second)] == ["3", "4"]
    assert {one["data"]["transfer_id"] for one in (first, second)} == {
        entry["transfer_id"] for entry in await town.ledger()
    }
    assert second["data"]["payer"] == "2547*****011", "a fraud system hears of no payer's number"

    assert (await suspend(town, key, second["data"]["merchant_id"]))[1]["state"] == "suspended"
    await town.scan(AGREES, alias=town.counter.alias, amount="5", currency="USD")
    assert "cannot be paid" in await town.phone_shows(AGREES, "failed")
    assert len(await town.ledger()) == 2


async def test_a_key_that_may_only_read_stops_nobody(town: Town) -> None:
    status, problem = await suspend(town, await issue(town, "webhooks:write"), str(town.merchant.id))
    assert (status, problem["code"]) == (403, "not_allowed")
    await town.payment_of(await town.scan(AGREES, alias=town.counter.alias, amount="3", currency="USD"))
