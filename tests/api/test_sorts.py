"""Orders of lists: every row once in each of them, cursors that belong to one, refusals that name what there is."""

import csv
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from merchant.core import clock
from merchant.core.service import Service
from merchant.registry.merchants.models import Counter, Merchant
from tests import builders
from tests.api.everything import walled_routes
from tests.api.test_lists import pages
from tests.builders import Person, World
from tests.merchant.exchange.reports.till import pay

pytestmark = pytest.mark.anyio
MERCHANTS, USERS, PAYMENTS = "/api/v1/merchants", "/api/v1/users", "/api/v1/payments"
NAMES = ("beta", "Alpha", "alpha", "Gamma", "ALPHA")


async def ids_of(client: httpx.AsyncClient, path: str, person: Person) -> list[str]:
    """The ids of all pages; no row stands on two of them."""
    found = [row["id"] for page in await pages(client, path, person.headers) for row in page]
    assert len(found) == len(set(found)), path
    return found


async def named_merchants(service: Service, world: World, fsp_id: str = builders.DFSPS[0]) -> list[Merchant]:
    """Merchants with NAMES, some of which differ in their case alone."""
    made = []
    for name in NAMES:
        merchant, _ = await builders.create_merchant(service, world, fsp_id, builders.company(trading_name=name))
        made.append(merchant)
    return made


async def test_merchants_stand_by_name_in_any_case_and_by_age_both_ways(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    made = await named_merchants(service, world)
    by_name = [str(one.id) for one in sorted(made, key=lambda one: (one.trading_name.lower(), one.id))]
    by_age = [str(one.id) for one in made]
    orders = {"sort=name": by_name, "sort=oldest": by_age, "sort=newest": by_age[::-1], "": by_age[::-1]}
    for query, wanted in orders.items():
        for person in (world.maker, world.operator):
            for size in (1, 2, 100):
                assert await ids_of(client, f"{MERCHANTS}?limit={size}&{query}", person) == wanted, (query, size)
            for narrowed in ("state=active", "search=a", "country=KE", "to=2099-01-01T00:00:00Z", "q=alpha"):
                found = await ids_of(client, f"{MERCHANTS}?limit=2&{narrowed}&{query}", person)
                fits = [one for one in wanted if narrowed != "q=alpha" or one in by_name[:3]]
                if query or narrowed != "q=alpha":  # a query has an order of its own
                    assert found == fits, (narrowed, query)


async def test_a_merchant_that_comes_between_two_pages_disturbs_neither(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    made = await named_merchants(service, world)
    whole = sorted(made, key=lambda one: (one.trading_name.lower(), one.id))
    first = (await client.get(f"{MERCHANTS}?limit=2&sort=name", headers=world.maker.headers)).json()
    for name in ("aaa", "alpha", "omega"):  # before the page's end, like it, and behind it
        await builders.create_merchant(service, world, document=builders.company(trading_name=name))
    path = f"{MERCHANTS}?limit=100&sort=name&cursor={first['next_cursor']}"
    rest = [row["id"] for row in (await client.get(path, headers=world.maker.headers)).json()["items"]]
    assert [row["id"] for row in first["items"]] == [str(one.id) for one in whole[:2]]
    assert [one for one in rest if one in {str(each.id) for each in made}] == [str(one.id) for one in whole[2:]]
    assert len(rest) == 3 + 2


async def test_people_keys_and_participants_stand_by_name(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    for number, name in enumerate(NAMES):
        await builders.add_person(
            service, f"{number}@x.example", ["dfsp_maker"], dfsp_id=world.maker.actor.dfsp_id, name=name
        )
    admin = world["greenbankfsp"]["admin"]
    for _ in range(3):
        await builders.issue_key(service, admin, ["payments:read"])
    for path, person in ((USERS, admin), (USERS, world.operator), ("/api/v1/api-keys", admin)):
        listed = [row for page in await pages(client, f"{path}?limit=2&sort=name", person.headers) for row in page]
        assert listed == sorted(listed, key=lambda row: (row["name"].lower(), row["id"])), path
        assert len({row["id"] for row in listed}) == len(await ids_of(client, path, person)) == len(listed)
    fsps = [
        row for page in await pages(client, "/api/v1/dfsps?limit=1&sort=name", world.operator.headers) for row in page
    ]
    assert [row["name"] for row in fsps] == sorted(row["name"] for row in fsps)


async def test_every_list_that_has_orders_is_read_in_each_and_refuses_others(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    merchant, _ = await builders.create_merchant(service, world)
    await builders.create_application(service, world.maker)
    staff = world["greenbankfsp"]
    case_id = str(merchant.application_id)
    ids = {"application_id": case_id, "case_id": case_id, "merchant_id": str(merchant.id)}
    lists = [route for route in walled_routes(service) if route.declared.sorts and "/my-" not in route.path]
    assert len(lists) >= 20
    for route in lists:
        person = next(
            one
            for one in (staff["admin"], staff["maker"], staff["auditor"], world.operator)
            if route.permission is None or route.permission in one.actor.permissions
        )
        path = route.path.format_map(ids)
        refused = await client.get(f"{path}?sort=size", headers=person.headers)
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_filter"), path
        assert all(one in refused.json()["detail"] for one in route.declared.sorts), path
        read: dict[str, list[Any]] = {}
        for sort in route.declared.sorts:
            if sort == "amount":
                continue
            found = await pages(client, f"{path}?limit=1&sort={sort}", person.headers)
            read[sort] = [row for page in found for row in page]
        if "newest" in read and "oldest" in read and not path.startswith("/api/v1/audit"):  # a look is recorded there
            assert read["newest"] == read["oldest"][::-1], path
        assert len({len(rows) for rows in read.values()}) == 1, path


async def test_a_list_of_one_order_has_no_sort(client: httpx.AsyncClient, world: World) -> None:
    refused = await client.get("/api/v1/reports/takings?sort=newest", headers=world["greenbankfsp"]["admin"].headers)
    assert (refused.status_code, refused.json()["code"]) == (400, "unknown_filter")


async def test_a_cursor_is_refused_in_another_order(client: httpx.AsyncClient, service: Service, world: World) -> None:
    await named_merchants(service, world)
    cursors = {}
    for sort in ("", "sort=newest&", "sort=oldest&", "sort=name&"):
        page = (await client.get(f"{MERCHANTS}?{sort}limit=2", headers=world.maker.headers)).json()
        cursors[sort] = page["next_cursor"]
    for sort in cursors:
        for of, cursor in cursors.items():
            answer = await client.get(f"{MERCHANTS}?{sort}limit=2&cursor={cursor}", headers=world.maker.headers)
            assert answer.status_code == (200 if of == sort else 400), (sort, of)
            if of != sort:
                assert answer.json()["code"] == "invalid_page"
                assert "another sort" in answer.json()["detail"]


async def test_a_cursor_by_name_of_another_tenants_row_is_refused(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    await named_merchants(service, world)
    await named_merchants(service, world, "lakemfi")
    for path, ours, other in (
        (MERCHANTS, world.maker, world["lakemfi"]["maker"]),
        (USERS, world["greenbankfsp"]["admin"], world["lakemfi"]["admin"]),
    ):
        page = (await client.get(f"{path}?limit=2&sort=name", headers=other.headers)).json()
        query = f"limit=2&sort=name&cursor={page['next_cursor']}"
        assert (await client.get(f"{path}?{query}", headers=other.headers)).status_code == 200
        refused = await client.get(f"{path}?{query}", headers=ours.headers)
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_page"), path
    own = await ids_of(client, f"{MERCHANTS}?limit=2&sort=name", world.maker)
    assert len(own) == len(NAMES)


@pytest.mark.parametrize("cursor", ["AAAA", "A" * 22 + "!!", "A" * 5000, "_" * 40, "%FF"])
async def test_a_cursor_that_is_none_is_refused_in_every_order(
    client: httpx.AsyncClient, world: World, cursor: str
) -> None:
    for sort in ("sort=name", "sort=oldest"):
        refused = await client.get(f"{MERCHANTS}?{sort}&cursor={cursor}", headers=world.maker.headers)
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_page")


# --- money -----------------------------------------------------------------------------------------------------------


async def paid(service: Service, counter: Counter) -> list[tuple[str, int, UUID]]:
    """Payments of several currencies and amounts, some of them alike, the largest of each currency first."""
    made = []
    for minor, currency in ((500, "KES"), (900, "KES"), (500, "KES"), (100, "USD"), (900, "KES"), (7_000, "USD")):
        made.append((currency, minor, (await pay(service, counter, clock.now(), minor, currency)).id))
    return sorted(made, key=lambda one: (one[0], -one[1], -one[2].int))


async def test_payments_stand_by_amount_within_a_merchant_and_some_weeks(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    merchant, counters = await builders.create_merchant(service, world)
    wanted = await paid(service, counters[0])
    person = world["greenbankfsp"]["admin"]
    since = clock.rfc3339(clock.now() - timedelta(days=30))
    for place in (f"merchant_id={merchant.id}", f"counter_id={counters[0].id}"):
        found = await ids_of(client, f"{PAYMENTS}?limit=1&sort=amount&{place}&from={since}", person)
        assert found == [str(one[2]) for one in wanted]
    same = [str(one[2]) for one in wanted if one[1] == 900]
    path = f"{PAYMENTS}?limit=1&sort=amount&merchant_id={merchant.id}&from={since}&amount=9"
    assert await ids_of(client, path, person) == same
    oldest = await ids_of(client, f"{PAYMENTS}?limit=2&sort=oldest", person)
    assert oldest == sorted(oldest)
    assert await ids_of(client, f"{PAYMENTS}?limit=1&sort=oldest&amount=9", person) == sorted(same)
    assert await ids_of(client, f"{PAYMENTS}?limit=4&sort=newest", person) == oldest[::-1]


async def test_all_payments_are_not_sorted_by_amount(client: httpx.AsyncClient, service: Service, world: World) -> None:
    merchant, _ = await builders.create_merchant(service, world)
    since, long_ago = (clock.rfc3339(clock.now() - timedelta(days=days)) for days in (30, 60))
    place = f"merchant_id={merchant.id}"
    for path in (PAYMENTS, "/api/v1/payment-requests"):
        for query in ("", f"&from={since}", f"&{place}", f"&{place}&from={long_ago}", f"&{place}&to={since}"):
            refused = await client.get(f"{path}?sort=amount{query}", headers=world.operator.headers)
            assert (refused.status_code, refused.json()["code"]) == (400, "invalid_filter"), query
            assert "31 days" in refused.json()["detail"]


async def test_a_cursor_by_amount_of_another_dfsps_payment_is_refused(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    ours, _ = await builders.create_merchant(service, world)
    others, counters = await builders.create_merchant(service, world, "lakemfi")
    await paid(service, counters[0])
    since = clock.rfc3339(clock.now() - timedelta(days=1))
    query = f"limit=2&sort=amount&from={since}"
    theirs = await client.get(f"{PAYMENTS}?{query}&merchant_id={others.id}", headers=world["lakemfi"]["admin"].headers)
    cursor = theirs.json()["next_cursor"]
    for merchant in (ours, others):
        refused = await client.get(
            f"{PAYMENTS}?{query}&merchant_id={merchant.id}&cursor={cursor}",
            headers=world["greenbankfsp"]["admin"].headers,
        )
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_page")


# --- files -----------------------------------------------------------------------------------------------------------


async def test_a_file_has_the_lists_order_and_says_so_in_the_record(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    made = await named_merchants(service, world)
    file = await client.get(f"{MERCHANTS}?sort=name&format=csv", headers=world.maker.headers)
    assert file.status_code == 200, file.text
    names = [row["trading_name"] for row in csv.DictReader(file.text.lstrip("\ufeff").splitlines())]
    wanted = sorted(made, key=lambda one: (one.trading_name.lower(), one.id))
    assert names == [one.trading_name for one in wanted]
    audit = await client.get("/api/v1/audit?action=list.exported", headers=world["greenbankfsp"]["auditor"].headers)
    assert audit.json()["items"][0]["detail"]["filters"] == {"sort": "name"}


async def test_a_file_of_an_unknown_order_is_refused(client: httpx.AsyncClient, world: World) -> None:
    refused = await client.get(f"{MERCHANTS}?sort={uuid4()}&format=csv", headers=world.maker.headers)
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_filter")
