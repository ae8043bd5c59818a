"""What external DFSPs may choose: no number but a drawn one, nothing that reads like what another holds."""

from typing import Any

import httpx
import pytest

from merchant.core.service import Service
from tests import builders
from tests.builders import GATEWAY_SECRET, World

pytestmark = pytest.mark.anyio
HUB = {"x-gateway-secret": GATEWAY_SECRET}
THEIRS = {**HUB, "fspiop-source": "lakemfi"}
PARTICIPANTS = "/oracle/participants"


def slips(number: str) -> list[str]:
    """What a finger, or whoever counts on one, makes of a number."""
    changed = number[:-1] + str((int(number[-1]) + 1) % 10)
    swapped = number[:2] + number[3] + number[2] + number[4:]
    return [
        number,
        changed,
        swapped,
        number[:-1],
        f"0{number}",
        f"{number}0",
        f"{number}.",
        f"{number[:4]}-{number[4:]}",
        f"{changed[:4]}.{changed[4:]}",
        f"_{swapped}",
    ]


@pytest.fixture
async def number(service: Service, world: World) -> str:
    """The number of greenbankfsp's counter."""
    _merchant, counters = await builders.create_merchant(service, world)
    return counters[0].alias


@pytest.fixture
async def key(service: Service, world: World) -> dict[str, str]:
    """lakemfi's key for batches."""
    return await builders.issue_key(service, world["lakemfi"]["admin"], ["aliases:write"])


async def claimed_by_externals(service: Service) -> int:
    async with service.db.system() as tx:
        found: int = await tx.fetchval("SELECT count(*) FROM alias_claim WHERE counter_id IS NULL")
        return found


class TestNumbers:
    async def test_none_like_a_drawn_one_is_registered_at_any_door(
        self, client: httpx.AsyncClient, service: Service, number: str, key: dict[str, str]
    ) -> None:
        wanted = slips(number)
        for text in wanted:
            response = await client.post(f"{PARTICIPANTS}/ALIAS/{text}", json={"fspId": "lakemfi"}, headers=THEIRS)
            assert (response.status_code, response.json()["errorInformation"]["errorCode"]) == (400, "3003"), text
        parties = [{"partyIdType": "ALIAS", "partyIdentifier": text, "fspId": "lakemfi"} for text in wanted]
        bulk = await client.post(PARTICIPANTS, json={"requestId": "r", "partyList": parties}, headers=THEIRS)
        assert all("errorInformation" in row for row in bulk.json()["partyList"])
        rows = [{"merchant_id": text, "currency": "KES", "alias_value": text} for text in wanted]
        batch = (await client.post(PARTICIPANTS, json=rows, headers=key)).json()
        assert {row["status"] for row in batch} == {"error"}
        assert await claimed_by_externals(service) == 0

    async def test_none_like_a_drawn_one_is_a_counters_own_alias(
        self, client: httpx.AsyncClient, service: Service, world: World, number: str
    ) -> None:
        merchant, counters = await builders.create_merchant(service, world, "lakemfi")
        path = f"/api/v1/merchants/{merchant.id}/counters"
        for text in slips(number)[1:]:
            body = {"location_id": str(counters[0].location_id), "name": "Till", "own_alias": text}
            headers = {**world["lakemfi"]["maker"].headers, "idempotency-key": text.replace(".", "d")}
            response = await client.post(path, json=body, headers=headers)
            assert (response.status_code, response.json()["errors"][0]["code"]) == (422, "like_a_number"), text

    async def test_none_like_a_drawn_one_is_written_into_an_application(
        self, client: httpx.AsyncClient, world: World, number: str
    ) -> None:
        for index, text in enumerate(slips(number)):
            document = builders.company()
            document["locations"][0]["counters"] = [{"own_alias": text}]
            headers = {**world.maker.headers, "idempotency-key": f"k{index}"}
            response = await client.post("/api/v1/applications", json=document, headers=headers)
            assert (response.status_code, response.json()["errors"][0]["code"]) == (422, "like_a_number"), text

    async def test_what_was_chosen_before_the_rule_stays_its_holders(
        self, client: httpx.AsyncClient, service: Service, world: World, key: dict[str, str]
    ) -> None:
        async with service.db.system() as tx:
            await tx.execute(
                "INSERT INTO alias_claim (alias_type, alias, dfsp_id, external_merchant_id, claimed_at)"
                " VALUES ('ALIAS', '65152341', $1, 'm1', now())",
                world.dfsp_ids["lakemfi"],
            )
        registered = await client.post(f"{PARTICIPANTS}/ALIAS/65152341", json={"fspId": "lakemfi"}, headers=THEIRS)
        assert registered.status_code == 201
        rows = [{"merchant_id": "m1", "currency": "KES", "alias_value": "65152341"}]
        assert (await client.post(PARTICIPANTS, json=rows, headers=key)).json()[0]["status"] == "registered"
        thief = {**HUB, "fspiop-source": "greenbankfsp"}
        refused = await client.post(f"{PARTICIPANTS}/ALIAS/65152341", json={"fspId": "greenbankfsp"}, headers=thief)
        assert refused.status_code == 400

    async def test_a_merchant_keeps_its_drawn_number_in_a_second_currency(
        self, client: httpx.AsyncClient, key: dict[str, str]
    ) -> None:
        row: dict[str, Any] = {"merchant_id": "m1", "currency": "KES"}
        [first] = (await client.post(PARTICIPANTS, json=[row], headers=key)).json()
        again = [{**row, "currency": "USD"}, {**row, "currency": "JPY", "alias_value": first["alias_value"]}]
        answers = (await client.post(PARTICIPANTS, json=again, headers=key)).json()
        assert [(one["status"], one["alias_value"]) for one in answers] == [("registered", first["alias_value"])] * 2

    async def test_digits_identify_a_business_where_no_numbers_are_drawn(self, client: httpx.AsyncClient) -> None:
        for alias_type in ("BUSINESS", "MERCHANT_PAYINTOID"):
            path = f"{PARTICIPANTS}/{alias_type}/65152340"
            assert (await client.post(path, json={"fspId": "lakemfi"}, headers=THEIRS)).status_code == 201, alias_type


class TestForms:
    @pytest.mark.parametrize("text", ["lake.cafe", "LakeCafe", "lake_cafe-", "l.a.k.e.c.a.f.e"])
    async def test_another_spelling_of_what_one_holds_is_taken(
        self, client: httpx.AsyncClient, key: dict[str, str], text: str
    ) -> None:
        body = {"fspId": "greenbankfsp"}
        held = await client.post(f"{PARTICIPANTS}/ALIAS/lake-cafe", json=body, headers=HUB)
        assert held.status_code == 201
        single = await client.post(f"{PARTICIPANTS}/ALIAS/{text}", json={"fspId": "lakemfi"}, headers=THEIRS)
        assert (single.status_code, single.json()["errorInformation"]["errorCode"]) == (400, "3003")
        rows = [{"merchant_id": "m1", "currency": "KES", "alias_value": text}]
        assert (await client.post(PARTICIPANTS, json=rows, headers=key)).json()[0]["status"] == "error"

    async def test_a_retired_one_is_taken_in_every_spelling(self, client: httpx.AsyncClient) -> None:
        path = f"{PARTICIPANTS}/ALIAS/lake-cafe"
        await client.post(path, json={"fspId": "lakemfi"}, headers=THEIRS)
        assert (await client.delete(path, headers=THEIRS)).status_code == 204
        body = {"fspId": "greenbankfsp"}
        taken = await client.post(f"{PARTICIPANTS}/ALIAS/lakecafe", json=body, headers=HUB)
        assert taken.status_code == 400

    async def test_signs_alone_are_no_alias(self, client: httpx.AsyncClient, key: dict[str, str]) -> None:
        for text in ("-", "__", ".-"):
            rows = [{"merchant_id": "m1", "currency": "KES", "alias_value": text}]
            assert (await client.post(PARTICIPANTS, json=rows, headers=key)).json()[0]["status"] == "error", text
            path = f"{PARTICIPANTS}/ALIAS/{text}"
            assert (await client.post(path, json={"fspId": "lakemfi"}, headers=THEIRS)).status_code == 400, text
