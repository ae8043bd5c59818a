"""Guessing at numbers through the oracle: unknown ones are limited for each participant, known ones never are."""

import httpx
import pytest
from structlog.testing import capture_logs

from merchant.core.service import Service
from merchant.core.throttle import Throttle
from merchant.registry.oracle import routes
from tests import builders
from tests.builders import GATEWAY_SECRET, World

pytestmark = pytest.mark.anyio
BURST = 5


async def look_up(client: httpx.AsyncClient, number: str, source: str = "mobilepay") -> httpx.Response:
    headers = {"x-gateway-secret": GATEWAY_SECRET, "fspiop-source": source}
    return await client.get(f"/oracle/participants/ALIAS/{number}", headers=headers)


@pytest.fixture
async def number(service: Service, world: World) -> str:
    """A number that a shop has; unknown ones are few."""
    service._shared[routes.misses] = Throttle(per_minute=1, burst=BURST)
    _merchant, counters = await builders.create_merchant(service, world)
    return counters[0].alias


async def test_unknown_numbers_end_in_429_and_known_ones_are_answered_all_along(
    client: httpx.AsyncClient, number: str
) -> None:
    statuses = [(await look_up(client, f"unknown{guess}")).status_code for guess in range(BURST + 3)]
    assert statuses == [200] * BURST + [429] * 3
    refused = await look_up(client, "unknown")
    assert refused.json()["errorInformation"]["errorCode"] == "2005"
    for _ in range(3 * BURST):
        assert len((await look_up(client, number)).json()["partyList"]) == 1


async def test_one_participants_guesses_are_not_anothers(client: httpx.AsyncClient, number: str) -> None:
    for guess in range(BURST + 1):
        await look_up(client, f"unknown{guess}")
    assert (await look_up(client, "unknown", "savingsbank")).status_code == 200


async def test_known_numbers_use_up_nothing(client: httpx.AsyncClient, number: str) -> None:
    for _ in range(3 * BURST):
        await look_up(client, number)
    assert (await look_up(client, "unknown")).status_code == 200


async def test_a_thousand_refusals_are_noted_once(client: httpx.AsyncClient, number: str) -> None:
    with capture_logs() as logged:
        for guess in range(BURST + 20):
            await look_up(client, f"unknown{guess}")
    events = [one for one in logged if one["event"] == "security_event"]
    assert [(one["security"], one["source"], one["door"]) for one in events] == [("throttled", "mobilepay", "oracle")]


def test_the_limit_is_far_above_what_customers_mistype() -> None:
    limit = routes.misses(None)  # type: ignore[arg-type]
    assert all(limit.wait_s("bank") == 0 for _ in range(1_000))
    assert any(limit.wait_s("bank") for _ in range(1_000))
