"""Quotas of external DFSPs: exact however many claim at once, by day and in all, and nobody else's matter."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import httpx
import msgspec
import pytest

from merchant.core.service import Service
from tests import builders
from tests.builders import GATEWAY_SECRET, World

pytestmark = pytest.mark.anyio
THEIRS = {"x-gateway-secret": GATEWAY_SECRET, "fspiop-source": "lakemfi"}
PARTICIPANTS = "/oracle/participants"


@pytest.fixture
async def key(service: Service, world: World) -> dict[str, str]:
    """lakemfi's key for batches; ten aliases a day and fifteen in all."""
    service.settings = msgspec.structs.replace(service.settings, aliases_per_dfsp_per_day=10, aliases_per_dfsp=15)
    return await builders.issue_key(service, world["lakemfi"]["admin"], ["aliases:write"])


async def send(client: httpx.AsyncClient, key: dict[str, str], names: list[str]) -> list[str]:
    rows = [{"merchant_id": name, "currency": "KES"} for name in names]
    return [row["status"] for row in (await client.post(PARTICIPANTS, json=rows, headers=key)).json()]


async def counts(service: Service) -> tuple[int, int]:
    """Claims, and what the counter says of them."""
    async with service.db.system() as tx:
        return (
            await tx.fetchval("SELECT count(*) FROM alias_claim"),
            await tx.fetchval("SELECT coalesce(sum(claimed), 0)::bigint FROM alias_count"),
        )


async def test_forty_batches_and_registrations_at_once_get_ten_in_all(
    client: httpx.AsyncClient, service: Service, key: dict[str, str]
) -> None:
    batches = [send(client, key, [f"m{number}"]) for number in range(20)]
    singles = [
        client.post(f"{PARTICIPANTS}/ALIAS/shop{number}x", json={"fspId": "lakemfi"}, headers=THEIRS)
        for number in range(20)
    ]
    given, answers = await asyncio.gather(asyncio.gather(*batches), asyncio.gather(*singles))
    assert sum(row == ["registered"] for row in given) + sum(one.status_code == 201 for one in answers) == 10
    assert {one.status_code for one in answers} <= {201, 429}
    assert await counts(service) == (10, 10)


async def test_a_new_day_gives_more_until_all_are_given(
    client: httpx.AsyncClient, service: Service, key: dict[str, str], move_clock: Callable[[timedelta], datetime]
) -> None:
    first = await send(client, key, [f"m{number}" for number in range(12)])
    assert first == ["registered"] * 10 + ["error"] * 2
    move_clock(timedelta(days=1))
    second = await send(client, key, [f"n{number}" for number in range(8)])
    assert second == ["registered"] * 5 + ["error"] * 3
    move_clock(timedelta(days=1))
    assert await send(client, key, ["o1"]) == ["error"]
    assert await counts(service) == (15, 15)


async def test_what_is_registered_already_needs_no_quota(
    client: httpx.AsyncClient, service: Service, key: dict[str, str]
) -> None:
    names = [f"m{number}" for number in range(10)]
    await send(client, key, names)
    assert await send(client, key, names) == ["exists"] * 10
    rows = [{"merchant_id": "m1", "currency": "USD"}]
    assert (await client.post(PARTICIPANTS, json=rows, headers=key)).json()[0]["status"] == "registered"
    assert await counts(service) == (10, 10)


async def test_a_refusal_says_why_and_counts_nothing(
    client: httpx.AsyncClient, service: Service, key: dict[str, str]
) -> None:
    await send(client, key, [f"m{number}" for number in range(10)])
    rows = [{"merchant_id": "n1", "currency": "KES", "alias_value": "lake-cafe"}]
    [row] = (await client.post(PARTICIPANTS, json=rows, headers=key)).json()
    assert (row["status"], "as many aliases as it may" in row["error"]) == ("error", True)
    parties = [{"partyIdType": "ALIAS", "partyIdentifier": "lake-cafe", "fspId": "lakemfi"}]
    body = {"requestId": "r", "partyList": parties}
    [party] = (await client.post(PARTICIPANTS, json=body, headers=THEIRS)).json()["partyList"]
    assert party["errorInformation"]["errorCode"] == "3003"
    assert await counts(service) == (10, 10)


async def test_another_dfsp_and_counters_of_ones_own_are_not_held_up(
    client: httpx.AsyncClient, service: Service, world: World, key: dict[str, str]
) -> None:
    await send(client, key, [f"m{number}" for number in range(11)])
    await builders.create_merchant(service, world, "lakemfi")
    other = await builders.issue_key(service, world["greenbankfsp"]["admin"], ["aliases:write"])
    assert await send(client, other, ["m1"]) == ["registered"]


async def test_what_fails_halfway_is_not_counted(
    client: httpx.AsyncClient, service: Service, key: dict[str, str]
) -> None:
    taken = [{"merchant_id": f"m{number}", "currency": "KES", "alias_value": "lake-cafe"} for number in range(5)]
    answers = (await client.post(PARTICIPANTS, json=taken, headers=key)).json()
    assert [row["status"] for row in answers] == ["registered"] + ["error"] * 4
    assert await counts(service) == (1, 1)
