"""How a DFSP takes part, over the API: the hub's addresses, its mode, its name."""

from typing import Any

import httpx
import pytest

from tests.builders import World

pytestmark = pytest.mark.anyio


def codes(response: httpx.Response) -> set[str]:
    """The code of a problem, or those of its fields."""
    return {error["code"] for error in response.json().get("errors", [])} or {response.json()["code"]}


async def changed(client: httpx.AsyncClient, world: World, body: dict[str, Any], version: int = 1) -> httpx.Response:
    path = f"/api/v1/dfsps/{world.dfsp_ids['greenbankfsp']}"
    return await client.patch(path, json=body, headers=world.operator.headers | {"if-match": f'"{version}"'})


async def test_a_connection_is_changed_by_whoever_read_it_last(client: httpx.AsyncClient, world: World) -> None:
    body = {"hub_url": "https://hub.example/fspiop/", "hub_urls": {"quotes": "http://quotes:3002"}, "name": "Green"}
    response = await changed(client, world, body | {"transfer_mode": "COMMITTED"})
    assert response.status_code == 200, response.text
    view = response.json()
    assert (view["hub_url"], view["hub_urls"], view["name"], view["transfer_mode"], view["version"]) == (
        "https://hub.example/fspiop",
        {"quotes": "http://quotes:3002"},
        "Green",
        "COMMITTED",
        2,
    )
    assert response.headers["etag"] == '"2"'
    assert codes(await changed(client, world, {"name": "Other"})) == {"stale_version"}
    path = f"/api/v1/dfsps/{world.dfsp_ids['greenbankfsp']}"
    without = await client.patch(path, json={"name": "Other"}, headers=world.operator.headers)
    assert without.status_code == 428
    entries = (await client.get("/api/v1/audit", headers=world.operator.headers)).json()["items"]
    assert entries[0]["detail"]["hub_url"] == {"from": "", "to": "https://hub.example/fspiop"}
    cleared = await changed(client, world, {"hub_url": None, "hub_urls": {}}, 2)
    assert (cleared.json()["hub_url"], cleared.json()["hub_urls"]) == ("", {})
    same = await changed(client, world, {"name": "Green"}, 3)
    assert same.json()["version"] == 3, "what changes nothing is no change"


BAD_URLS = [
    *("ftp://hub.example", "hub.example", "//hub.example", "http://", "https:///x", "https://user:pass@hub.example"),
    *("https://hub.example?x=1", "https://hub.example/#x", "https://hub.example/../x", "https://hub example"),
    *("https://hub.example:99999", "https://hub.example:0", "https://hüb.example", "https://hub.example\\x", "x" * 501),
    "javascript:alert(1)",
]


async def test_an_address_that_is_none_is_refused(client: httpx.AsyncClient, world: World) -> None:
    for url in BAD_URLS:
        assert (await changed(client, world, {"hub_url": url})).status_code == 422, url
        assert (await changed(client, world, {"hub_urls": {"parties": url}})).status_code == 422, url
        new = {"fsp_id": "newfsp", "name": "New", "hub_url": url}
        assert (await client.post("/api/v1/dfsps", json=new, headers=world.operator.headers)).status_code == 422, url
    for body in ({"hub_urls": {"bulkQuotes": "http://x"}}, {"transfer_mode": "x"}, {"fsp_id": "other"}, {"name": ""}):
        assert (await changed(client, world, body)).status_code == 422, body


async def test_a_dfsp_reads_its_own_connection_only(client: httpx.AsyncClient, world: World) -> None:
    own, other = (f"/api/v1/dfsps/{world.dfsp_ids[fsp_id]}" for fsp_id in ("greenbankfsp", "lakemfi"))
    admin = world["greenbankfsp"]["admin"].headers
    assert (await client.get(own, headers=admin)).json()["fsp_id"] == "greenbankfsp"
    assert (await client.get(other, headers=admin)).status_code == 404
    assert (await client.patch(own, json={"name": "x"}, headers=admin | {"if-match": '"1"'})).status_code == 403
