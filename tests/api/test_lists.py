"""Lists: pages by cursor, filters, limits, and what a bad query is told."""

from typing import Any

import httpx
import pytest

from merchant.core.service import Service
from tests import builders
from tests.api.everything import walled_routes
from tests.builders import World

pytestmark = pytest.mark.anyio
APPLICATIONS = "/api/v1/applications"


async def pages(client: httpx.AsyncClient, path: str, headers: dict[str, str]) -> list[list[Any]]:
    """All pages of a list."""
    found, cursor = [], ""
    while True:
        response = await client.get(f"{path}{'&' if '?' in path else '?'}cursor={cursor}", headers=headers)
        assert response.status_code == 200, response.text
        body = response.json()
        assert set(body) == {"items", "next_cursor"}
        found.append(body["items"])
        if body["next_cursor"] is None:
            return found
        cursor = body["next_cursor"]


async def test_pages_hold_every_item_once_newest_first(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    made = [str((await builders.create_application(service, world.maker, {})).id) for _ in range(5)]
    found = await pages(client, f"{APPLICATIONS}?limit=2", world.maker.headers)
    assert [len(page) for page in found] == [2, 2, 1]
    assert [row["id"] for page in found for row in page] == made[::-1]


async def test_a_page_that_is_exactly_full_has_no_successor(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    for _ in range(2):
        await builders.create_application(service, world.maker, {})
    assert [len(page) for page in await pages(client, f"{APPLICATIONS}?limit=2", world.maker.headers)] == [2]


async def test_items_added_while_paging_disturb_no_page(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    made = [str((await builders.create_application(service, world.maker, {})).id) for _ in range(3)]
    first = (await client.get(f"{APPLICATIONS}?limit=2", headers=world.maker.headers)).json()
    await builders.create_application(service, world.maker, {})
    rest = await client.get(f"{APPLICATIONS}?limit=2&cursor={first['next_cursor']}", headers=world.maker.headers)
    assert [row["id"] for row in rest.json()["items"]] == made[:1]


async def test_a_page_holds_25_items_unless_asked_otherwise(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    async with service.db.tenant(world.maker.actor.dfsp_id) as tx:
        await tx.execute(
            "INSERT INTO application (id, dfsp_id, state, version, revision, version_hash, sections_sealed, makers,"
            " trading_name, legal_name, mcc, created_at, updated_at) SELECT gen_random_uuid(), $1, 'draft', 1, 1, '',"
            " '\\x00', '{}', 'x', '', '', now(), now() FROM generate_series(1, 130)",
            world.maker.actor.dfsp_id,
        )
    assert [len(page) for page in await pages(client, APPLICATIONS, world.maker.headers)] == [25] * 5 + [5]
    assert [len(page) for page in await pages(client, f"{APPLICATIONS}?limit=100", world.maker.headers)] == [100, 30]


async def test_the_audit_record_is_paged_too(client: httpx.AsyncClient, service: Service, world: World) -> None:
    for _ in range(5):
        await builders.create_application(service, world.maker, {})
    auditor = world["greenbankfsp"]["auditor"].headers
    seqs = [row["seq"] for page in await pages(client, "/api/v1/audit?limit=2", auditor) for row in page]
    assert seqs == list(range(len(seqs), 0, -1))


async def test_filters_narrow_and_search_finds_parts_of_names(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    draft = await builders.create_application(
        service,
        world.maker,
        {"business": {"trading_name": "Mama's 50% Café", "legal_name": "_x"}, "external_ref": "R1"},
    )
    submitted = await builders.create_application(service, world.maker, submitted=True)

    async def found(query: str) -> list[str]:
        response = await client.get(f"{APPLICATIONS}?{query}", headers=world.maker.headers)
        return [row["id"] for row in response.json()["items"]]

    assert await found("state=draft") == [str(draft.id)]
    assert await found("state=in_review") == [str(submitted.id)]
    assert await found("external_ref=R1") == [str(draft.id)]
    assert await found("search=CAF%C3%89") == [str(draft.id)]
    assert await found("search=50%25") == [str(draft.id)]
    assert await found("search=%25") == [str(draft.id)]  # a percent sign is no wildcard
    assert await found("search=_") == [str(draft.id)]
    assert await found("state=draft&external_ref=R2") == []


async def test_applications_are_found_by_words_tier_risk_person_and_day(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    staff = world["greenbankfsp"]
    draft = await builders.create_application(
        service, staff["maker2"], {"business": {"trading_name": "Mama Njeri Kiosk", "legal_name": "Wanjiku Stores"}}
    )
    merchant, _counters = await builders.create_merchant(service, world)
    there = str(merchant.application_id)

    async def found(query: str, lists: str = APPLICATIONS) -> list[str]:
        response = await client.get(f"{lists}?{query}", headers=staff["maker"].headers)
        assert response.status_code == 200, response.text
        return [row["id"] for row in response.json()["items"]]

    for lists in (APPLICATIONS, "/api/v1/cases"):
        assert await found("q=kiosk+mama", lists) == [str(draft.id)]
        assert await found("q=kiosk+wanjiku", lists) == [str(draft.id)]  # a word of each name
        assert await found("q=kiosk+otieno", lists) == []
        assert await found("q=%25", lists) == []  # no wildcard
        assert await found(f"made_by={staff['maker2'].actor.id}", lists) == [str(draft.id)]
        assert await found(f"made_by={staff['checker'].actor.id}", lists) == []
        assert await found(f"tier={merchant.tier}", lists) == [there]
        assert await found("tier=T0", lists) == []
        assert await found(f"risk={merchant.risk}", lists) == [there]
        assert await found("from=2020-01-01T00:00:00Z", lists) == [there, str(draft.id)]
        assert await found("to=2020-01-01T00:00:00Z", lists) == []
    elsewhere = await client.get(f"{APPLICATIONS}?q=kiosk", headers=world["lakemfi"]["maker"].headers)
    assert elsewhere.json()["items"] == []


async def test_a_bad_query_is_told_so_on_every_list(client: httpx.AsyncClient, service: Service, world: World) -> None:
    staff = world["greenbankfsp"]
    owner = await builders.issue_key(service, staff["admin"], ["payments:read", "merchants:read"])
    lists = [route for route in walled_routes(service) if route.is_list]
    assert len(lists) >= 7
    case_id = str((await builders.create_application(service, staff["maker"])).id)
    merchant, _ = await builders.create_merchant(service, world)
    merchant_id, place = str(merchant.id), {"dfsp_id": merchant.dfsp_id, "merchant_id": merchant.id}
    made = await builders.add_person(service, "owner@shop.example", ["merchant_owner"], **place)
    async with service.db.system() as tx:  # who registered themselves
        await tx.execute("UPDATE application SET applicant_id = $2 WHERE id = $1", merchant.application_id, made.id)
    registered = await builders.signed_in(service, "owner@shop.example")
    for route in lists:
        ids = {"application_id": case_id, "case_id": case_id, "merchant_id": merchant_id}
        path = route.path.format_map(ids)
        headers = next(
            person.headers
            for person in (staff["admin"], staff["maker"], staff["auditor"], world.operator, registered)
            if route.permission is None or route.permission in person.actor.permissions
        )
        known = route.filters.keys()
        for query in (
            "limit=0",
            "limit=101",
            "limit=-1",
            "limit=abc",
            "limit=1e1",
            "limit=",
            "limit=%D9%A1",
            "limit=9999999999",
            "cursor=garbage",
            "cursor=%FF",
            "cursor=AAAA",
            "cursor=%C3%A9",
            "cursor=" + "A" * 5000,
            "limit=1%00",
            "search=%00",
            "external_ref=a%00b",
            "limit=1&limit=2",
        ):
            response = await client.get(f"{path}?{query}", headers=headers)
            assert response.status_code == 400, (str(route), query, response.text)
            assert response.json()["code"], (str(route), query)
        for query in ("search=" + "x" * 20_000, "search=%FF", "state='", "tier=T9", "unknown=1"):
            name = query.partition("=")[0]
            response = await client.get(f"{path}?{query}", headers=headers)
            expected = 200 if name in known - {"state", "tier"} else 400
            assert response.status_code == expected, (str(route), query, response.text)
            if expected == 400 and name in known:
                assert all(allowed in response.json()["detail"] for allowed in route.filters[name]), "allowed values"
        if route.declared.paged:  # the cursor of another list is well formed, and leads somewhere in this one
            for other in ("_" * 21 + "w", "A" * 22):
                response = await client.get(f"{path}?cursor={other}", headers=headers)
                assert response.status_code == 200, (str(route), other, response.text)
    refused = await client.get("/api/v1/payments?counter_id=nonsense", headers=owner)
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_filter")
