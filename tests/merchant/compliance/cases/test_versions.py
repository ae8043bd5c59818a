"""What was decided on which version: shown as it was submitted, with its report and decisions, and never writable."""

from typing import Any

import httpx
import pytest

from merchant.compliance.cases import answers
from merchant.core.service import Service
from tests import builders
from tests.api.everything import listed_company
from tests.builders import World

pytestmark = pytest.mark.anyio
RETURNED = {"items": [{"path": "external_ref", "reason": "Which branch?"}]}
SECTIONS = ("business", "owners", "contact", "locations", "settlement_account", "external_ref")


class Desk:
    """greenbankfsp's staff at one application."""

    def __init__(self, client: httpx.AsyncClient, world: World, application_id: object) -> None:
        self.client, self.world = client, world
        self.path = f"/api/v1/applications/{application_id}"

    async def get(self, path: str = "", who: str = "auditor") -> Any:
        response = await self.client.get(self.path + path, headers=self.world["greenbankfsp"][who].headers)
        assert response.status_code == 200, response.text
        return response.json()

    async def post(self, path: str, body: Any = None, who: str = "checker") -> None:
        headers = self.world["greenbankfsp"][who].headers
        response = await self.client.post(f"{self.path}/{path}", json=body, headers=headers)
        assert response.status_code == 200, response.text

    async def change(self, changes: dict[str, Any], who: str = "maker") -> None:
        headers = self.world["greenbankfsp"][who].headers
        tag = (await self.client.get(self.path, headers=headers)).headers["etag"]
        response = await self.client.patch(self.path, json=changes, headers={**headers, "if-match": tag})
        assert response.status_code == 200, response.text


@pytest.fixture
async def desk(client: httpx.AsyncClient, service: Service, world: World) -> Desk:
    application = await builders.create_application(service, world.maker, listed_company(), submitted=True)
    return Desk(client, world, application.id)


async def test_each_version_shows_what_was_decided_on_it_by_whom_and_why(
    desk: Desk, service: Service, world: World
) -> None:
    staff = world["greenbankfsp"]
    first = await desk.get()
    hit_id = first["report"]["hits"][0]["id"]
    await desk.post(f"hits/{hit_id}", {"decision": "true_match", "reason": "The same face."})
    await desk.post("return", RETURNED)
    await desk.change({"external_ref": "R"}, "maker2")
    await desk.post("submit", who="maker2")
    await builders.work(service)
    second = await desk.get()
    for hit in second["report"]["hits"]:
        for who in ("checker", "checker2"):  # two, since one of them was a true match
            await desk.post(f"hits/{hit['id']}", {"decision": "false_positive", "reason": "Another face."}, who)
    second = await desk.get()  # its risk is judged with what was decided
    await desk.post("approve", {"version_hash": second["version_hash"]}, "checker2")

    versions = (await desk.get("/versions"))["items"]
    assert [one["version"] for one in versions] == [1, 2]
    assert [one["version_hash"] for one in versions] == [first["version_hash"], second["version_hash"]]
    assert [one["report"] for one in versions] == [first["report"], second["report"]]
    assert [one["submitted_at"] for one in versions] == [first["submitted_at"], second["submitted_at"]]
    assert [one["makers"] for one in versions] == [
        [str(staff["maker"].actor.id)],
        [str(staff["maker2"].actor.id), str(staff["maker"].actor.id)],
    ]
    decided = [[(row["kind"], row["reason"], row["checker"]) for row in one["decisions"]] for one in versions]
    assert decided == [
        [("returned", "Which branch?", str(staff["checker"].actor.id))],
        [("approved", None, str(staff["checker2"].actor.id))],
    ]
    words = [{(row["hit_id"], row["decision"], row["reason"]) for row in one["hit_decisions"]} for one in versions]
    assert words == [
        {(hit_id, "true_match", "The same face.")},
        {(hit["id"], "false_positive", "Another face.") for hit in second["report"]["hits"]},
    ]
    assert all(row["at"] for one in versions for row in (*one["decisions"], *one["hit_decisions"]))


async def test_a_version_keeps_its_answers_and_its_hash_when_the_next_is_written(desk: Desk, service: Service) -> None:
    before = await desk.get()
    await desk.post("return", RETURNED)
    await desk.change({"external_ref": "R", "business": {**before["business"], "trading_name": "Another"}})
    version = await desk.get("/versions/1")
    assert {name: version[name] for name in SECTIONS} == {name: before[name] for name in SECTIONS}
    assert version["version_hash"] == before["version_hash"]
    async with service.db.system() as tx:
        frozen = await tx.fetchrow("SELECT application_id, sections_sealed FROM application_version WHERE version = 1")
    assert frozen is not None
    given = answers.unseal(service.vault, frozen["application_id"], frozen["sections_sealed"])
    assert answers.version_hash(service.vault, 1, given) == version["version_hash"]
    [listed] = (await desk.get("/versions"))["items"]  # version 2 is written, not submitted
    assert listed == {name: value for name, value in version.items() if name not in SECTIONS}


@pytest.mark.parametrize("version", ["0", "2", "-1", "1.0", "01x", "x", "٢", "9" * 9, "9" * 30, "%00"])
async def test_a_version_that_was_never_submitted_is_not_found(
    client: httpx.AsyncClient, world: World, desk: Desk, version: str
) -> None:
    response = await client.get(f"{desk.path}/versions/{version}", headers=world.maker.headers)
    assert response.status_code == 404


async def test_a_draft_has_no_versions(client: httpx.AsyncClient, service: Service, world: World) -> None:
    draft = await builders.create_application(service, world.maker)
    assert await Desk(client, world, draft.id).get("/versions") == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/versions", "/versions/1"])
async def test_versions_cannot_be_written(
    client: httpx.AsyncClient, world: World, desk: Desk, method: str, path: str
) -> None:
    response = await client.request(method, desk.path + path, json={}, headers=world["greenbankfsp"]["both"].headers)
    assert response.status_code == 405
