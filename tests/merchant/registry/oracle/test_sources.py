"""Who may change a row of the oracle: the participant that holds it, or the hub; the lookup service relays who asks."""

from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from merchant.core.service import Service
from tests import builders
from tests.builders import GATEWAY_SECRET, World

pytestmark = pytest.mark.anyio
HUB = {"x-gateway-secret": GATEWAY_SECRET}
SHOP = "/oracle/participants/ALIAS/lake-cafe"
# Names of the header as gateways write it, and the hub's own names.
HEADER_CASES = ("fspiop-source", "FSPIOP-Source", "FSPIOP-SOURCE")
HUBS = ("hub", "Hub", "switch", "SWITCH")
STRANGERS = ("greenbankfsp", "LakeMFI", "lakemfi ,x", "lakemf", "lakemfi2", "nobody", "lakemfi,lakemfi", "hub2")


def asked_by(source: str, header: str = "fspiop-source") -> dict[str, str]:
    """The gateway's headers with the participant that asked."""
    return {**HUB, header: source}


async def holder_of(client: httpx.AsyncClient, path: str = SHOP) -> list[str]:
    """Whom a payment would reach."""
    response = await client.get(path, headers=HUB)
    return [row["fspId"] for row in response.json()["partyList"]]


def assert_not_theirs(response: httpx.Response, why: Any) -> None:
    assert (response.status_code, response.json()["errorInformation"]["errorCode"]) == (403, "3000"), why


@pytest.fixture
async def registered(client: httpx.AsyncClient) -> None:
    """lakemfi's identifier, registered by lakemfi through the hub."""
    response = await client.post(SHOP, json={"fspId": "lakemfi", "currency": "KES"}, headers=asked_by("lakemfi"))
    assert response.status_code == 201


@pytest.mark.usefixtures("registered")
class TestARowThatSomebodyHolds:
    async def test_another_participant_cannot_point_it_at_itself(self, client: httpx.AsyncClient) -> None:
        for header in HEADER_CASES:
            for source in STRANGERS:
                for fsp_id in ("greenbankfsp", "lakemfi"):
                    response = await client.put(SHOP, json={"fspId": fsp_id}, headers=asked_by(source, header))
                    assert_not_theirs(response, (header, source, fsp_id))
        assert await holder_of(client) == ["lakemfi"]

    async def test_another_participant_cannot_take_it_out(self, client: httpx.AsyncClient) -> None:
        for source in STRANGERS:
            for path in (SHOP, f"{SHOP}?currency=KES"):
                assert_not_theirs(await client.delete(path, headers=asked_by(source)), source)
        assert await holder_of(client) == ["lakemfi"]

    async def test_another_participant_cannot_add_to_it_in_its_holders_name(self, client: httpx.AsyncClient) -> None:
        body = {"fspId": "lakemfi", "currency": "USD"}
        assert_not_theirs(await client.post(SHOP, json=body, headers=asked_by("greenbankfsp")), body)
        sub_id = {**body, "partySubIdOrType": "till1"}
        assert_not_theirs(await client.post(SHOP, json=sub_id, headers=asked_by("greenbankfsp")), sub_id)
        assert await holder_of(client) == ["lakemfi"]

    async def test_its_holder_may_give_it_away_and_cannot_take_it_back(self, client: httpx.AsyncClient) -> None:
        given = await client.put(SHOP, json={"fspId": "greenbankfsp"}, headers=asked_by("lakemfi"))
        assert given.status_code == 200
        assert_not_theirs(await client.put(SHOP, json={"fspId": "lakemfi"}, headers=asked_by("lakemfi")), "back")
        assert await holder_of(client) == ["greenbankfsp"]

    async def test_it_goes_to_no_participant_that_is_unknown_or_disabled(
        self, client: httpx.AsyncClient, world: World
    ) -> None:
        path = f"/api/v1/dfsps/{world.dfsp_ids['greenbankfsp']}"
        await client.patch(path, json={"enabled": False}, headers={**world.operator.headers, "if-match": '"1"'})
        for fsp_id in ("greenbankfsp", "nobody"):
            response = await client.put(SHOP, json={"fspId": fsp_id}, headers=asked_by("lakemfi"))
            assert (response.status_code, response.json()["errorInformation"]["errorCode"]) == (400, "3201")
        assert await holder_of(client) == ["lakemfi"]

    async def test_the_hub_moves_and_removes_it_by_name_or_without_naming_anyone(
        self, client: httpx.AsyncClient
    ) -> None:
        fsp_ids = ("greenbankfsp", "lakemfi")
        sources: list[dict[str, str]] = [HUB, *(asked_by(hub) for hub in HUBS), asked_by("")]
        for index, headers in enumerate(sources):
            fsp_id = fsp_ids[index % 2]
            assert (await client.put(SHOP, json={"fspId": fsp_id}, headers=headers)).status_code == 200, headers
            assert await holder_of(client) == [fsp_id]
        assert (await client.delete(SHOP, headers=asked_by("Hub"))).status_code == 204

    async def test_a_refusal_is_noted_with_who_asked(self, client: httpx.AsyncClient) -> None:
        with capture_logs() as logged:
            await client.put(SHOP, json={"fspId": "greenbankfsp"}, headers=asked_by("greenbankfsp"))
        [event] = [one for one in logged if one["event"] == "security_event"]
        assert (event["security"], event["fsp_id"], event["method"]) == ("not_allowed", "greenbankfsp", "PUT")


class TestANewRow:
    async def test_a_participant_registers_its_own_parties_only(self, client: httpx.AsyncClient) -> None:
        for header in HEADER_CASES:
            for source in STRANGERS:
                response = await client.post(SHOP, json={"fspId": "lakemfi"}, headers=asked_by(source, header))
                assert_not_theirs(response, (header, source))
        assert await holder_of(client) == []

    async def test_the_hub_registers_for_anyone(self, client: httpx.AsyncClient) -> None:
        for number, headers in enumerate([HUB, *(asked_by(hub) for hub in HUBS)]):
            path = f"{SHOP}{number}"
            assert (await client.post(path, json={"fspId": "lakemfi"}, headers=headers)).status_code == 201, headers
            assert await holder_of(client, path) == ["lakemfi"]

    async def test_a_bulk_answers_each_foreign_row_with_its_own_error(self, client: httpx.AsyncClient) -> None:
        rows = [
            {"partyIdType": "ALIAS", "partyIdentifier": f"shop-{fsp_id}", "fspId": fsp_id}
            for fsp_id in ("lakemfi", "greenbankfsp")
        ]
        body = {"requestId": "r", "partyList": rows}
        response = await client.post("/oracle/participants", json=body, headers=asked_by("lakemfi"))
        codes = [row.get("errorInformation", {}).get("errorCode") for row in response.json()["partyList"]]
        assert codes == [None, "3000"]
        assert await holder_of(client, "/oracle/participants/ALIAS/shop-greenbankfsp") == []


async def test_the_registrys_own_numbers_are_refused_whoever_asks(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    _merchant, counters = await builders.create_merchant(service, world)
    path = f"/oracle/participants/ALIAS/{counters[0].alias}"
    for headers in (HUB, *(asked_by(source) for source in ("greenbankfsp", "lakemfi", "Hub"))):
        for method in ("PUT", "DELETE"):
            response = await client.request(method, path, json={"fspId": "lakemfi"}, headers=headers)
            assert_not_theirs(response, (method, headers))
    assert set(await holder_of(client, path)) == {"greenbankfsp"}
