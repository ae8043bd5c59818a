"""Refunds through the simulated hub, each kind of customer: their DFSP answers, proves, and the books agree."""

from typing import Any

import pytest

from merchant.payments.refunds.routes import ROUTES
from tests.stories.town import Town, until

pytestmark = pytest.mark.anyio
ACCEPT, TWICE, LATE, DROP = "254711000001", "254711000005", "254711000004", "254711000008"


@pytest.fixture
def more_routes() -> list[Any]:
    return list(ROUTES)


async def paid(town: Town, payer: str = ACCEPT) -> dict[str, Any]:
    """A payment of 12.50 USD from a customer who then behaves as told."""
    await town.behave(payer, "accept")
    await town.ends(await town.ask(payer), "paid")
    return dict((await town.payments())[0])


async def give(town: Town, payment: dict[str, Any], key: str = "one", **body: Any) -> dict[str, Any]:
    url = f"{town.service.settings.base_url}/api/v1/payments/{payment['id']}/refunds"
    headers = town.key | {"idempotency-key": key}
    async with town.http.post(url, json={"reason": "CUST"} | body, headers=headers) as response:
        assert response.status == 201, await response.text()
        return dict(await response.json())


async def becomes(town: Town, refund: dict[str, Any], state: str) -> dict[str, Any]:
    async def become() -> dict[str, Any] | None:
        now = await town.get(f"refunds/{refund['id']}")
        return dict(now) if now["state"] == state else None

    return await until(become, f"a refund that is {state}")


async def returned(town: Town) -> list[dict[str, Any]]:
    """The refunds that the switch holds."""
    return [entry for entry in await town.ledger() if entry.get("refund_of")]


async def test_a_customer_gets_the_money_back_and_is_told(town: Town) -> None:
    payment = await paid(town)
    refund = await give(town, payment)
    done = await becomes(town, refund, "refunded")
    [entry] = await returned(town)
    assert (entry["state"], entry["transfer_id"]) == ("COMMITTED", done["hub"]["transfer_id"])
    assert (entry["payer"], entry["payee_alias"], entry["amount"]) == (town.counter.alias, ACCEPT, "12.5")
    assert entry["refund_of"] == payment["hub"]["transaction_id"]
    assert "gave you back 12.5" in await town.phone_shows(ACCEPT, "refunded")


async def test_a_dfsp_that_says_everything_twice_gets_the_money_once(town: Town) -> None:
    payment = await paid(town, TWICE)
    await town.behave(TWICE, "twice")
    await becomes(town, await give(town, payment, amount={"amount": "5", "currency": "USD"}), "refunded")
    await becomes(town, await give(town, payment, key="two"), "refunded")
    assert [entry["amount"] for entry in await returned(town)] == ["5", "7.5"]


@pytest.mark.parametrize("behaviour", ["reject", "unknown", "amount"])
async def test_a_customer_who_cannot_get_it_in_full_gets_nothing(town: Town, behaviour: str) -> None:
    payment = await paid(town)
    await town.behave(ACCEPT, behaviour)
    failed = await becomes(town, await give(town, payment), "failed")
    assert "No money has moved" in failed["ended_because"]["message"]
    assert await returned(town) == []


async def test_a_proof_that_never_comes_is_asked_for(town: Town) -> None:
    payment = await paid(town, DROP)
    await town.behave(DROP, "drop")
    refund = await give(town, payment)
    await becomes(town, refund, "accepted")
    async with town.service.db.system() as tx:
        await tx.execute("UPDATE refund SET check_at = now(), expires_at = now()")
    await becomes(town, refund, "refunded")
    assert len(await returned(town)) == 1
