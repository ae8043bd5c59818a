"""The scheme's facts over the API: one person of the hub proposes a change, another puts it in force."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from merchant.core.access import Role
from merchant.core.service import SCHEME_KEPT_S, Service
from merchant.registry.codes.payload import read_code
from tests import builders
from tests.api.everything import add_user
from tests.builders import World

pytestmark = pytest.mark.anyio


@pytest.fixture
async def second(service: Service, world: World) -> dict[str, str]:
    """A second person of the hub."""
    await add_user(service, world.operator, "second@hub.example", [Role.HUB_CHECKER])
    return (await builders.signed_in(service, "second@hub.example")).headers


async def patch(client: httpx.AsyncClient, who: dict[str, str], **body: str) -> httpx.Response:
    return await client.patch("/api/v1/scheme", json=body, headers=who)


async def test_one_person_proposes_and_another_puts_it_in_force(
    client: httpx.AsyncClient, world: World, second: dict[str, str]
) -> None:
    first, wanted = world.operator.headers, {"name": "Renamed", "time_zone": "Africa/Lagos", "ussd_code": "*777#"}
    for _ in range(2):
        proposed = (await patch(client, first, **wanted)).json()
        assert (proposed["name"], proposed["proposed"]["values"]) == ("Test scheme", wanted)
    in_force = (await patch(client, second, **wanted)).json()
    assert {name: in_force[name] for name in wanted} == wanted
    assert in_force["proposed"] is None
    seen = await client.get("/api/v1/scheme", headers=world.maker.headers)
    assert seen.json()["name"] == "Renamed"
    actions = [row["action"] for row in (await client.get("/api/v1/audit", headers=first)).json()["items"]]
    assert actions[0] == "scheme.changed"


async def test_another_wish_is_a_proposal_of_its_own(
    client: httpx.AsyncClient, world: World, second: dict[str, str]
) -> None:
    await patch(client, world.operator.headers, name="One")
    answer = (await patch(client, second, name="Two")).json()
    assert (answer["name"], answer["proposed"]["values"]) == ("Test scheme", {"name": "Two"})
    assert (await patch(client, second, name="One")).json()["name"] == "Test scheme", "the first wish was replaced"
    assert (await patch(client, world.operator.headers, name="One")).json()["name"] == "One"


async def test_a_proposal_ends_with_its_time_and_with_its_person(
    client: httpx.AsyncClient,
    service: Service,
    world: World,
    second: dict[str, str],
    move_clock: Callable[[timedelta], datetime],
) -> None:
    await patch(client, second, name="Late")
    async with service.db.system() as tx:
        await tx.execute("UPDATE scheme SET proposed_at = proposed_at - interval '8 days'")
    assert (await patch(client, world.operator.headers, name="Late")).json()["name"] == "Test scheme"
    await patch(client, second, name="Gone")
    async with service.db.system() as tx:
        await tx.execute("UPDATE app_user SET enabled = false WHERE email = 'second@hub.example'")
    assert (await patch(client, world.operator.headers, name="Gone")).json()["name"] == "Test scheme"


async def test_what_is_no_fact_of_a_scheme_is_refused(client: httpx.AsyncClient, world: World) -> None:
    cases = [
        *({"domain": bad} for bad in ("http://pay.example", "not a domain", "pay", "-a.example", "a..b", "1.2.3.4")),
        *({"domain": bad} for bad in ("x" * 33 + ".example", "pay.example/x", "pä.example", "pay.example:80")),
        *({"ussd_code": bad} for bad in ("384", "*384", "384#", "*384*#", "*a#", "**#")),
        *({"time_zone": bad} for bad in ("Nairobi", "", "../etc/passwd", "+03:00")),
        {"name": " "},
        {"currency": "KES"},
        {},
        {"name": "Test scheme"},
        {"domain": "PAY.test.example."},
    ]
    for body in cases:
        response = await client.patch("/api/v1/scheme", json=body, headers=world.operator.headers)
        assert response.status_code == 422, body
    assert (await patch(client, world["greenbankfsp"]["admin"].headers, name="Mine")).status_code == 403


async def test_a_domain_is_replaced_while_nothing_was_printed_and_added_to_afterwards(
    client: httpx.AsyncClient, service: Service, world: World, second: dict[str, str]
) -> None:
    first = world.operator.headers

    async def move_to(domain: str) -> dict[str, Any]:
        await patch(client, first, domain=domain)
        return dict((await patch(client, second, domain=domain)).json())

    moved = await move_to("one.example")
    assert (moved["domain"], moved["domains_accepted"]) == ("one.example", [])
    await builders.create_merchant(service, world)
    moved = await move_to("two.example")
    assert (moved["domain"], moved["domains_accepted"]) == ("two.example", ["one.example"])
    moved = await move_to("one.example")
    assert (moved["domain"], moved["domains_accepted"]) == ("one.example", ["two.example"])


async def test_a_process_knows_of_a_change_some_seconds_later(
    client: httpx.AsyncClient, service: Service, world: World, second: dict[str, str]
) -> None:
    assert (await service.scheme()).name == "Test scheme"
    await patch(client, world.operator.headers, name="Renamed")
    await patch(client, second, name="Renamed")
    service._scheme_read_at_s -= SCHEME_KEPT_S
    async with asyncio.timeout(10):
        while (await service.scheme()).name != "Renamed":
            await asyncio.sleep(0.01)


async def test_codes_of_a_former_domain_stay_good_and_new_ones_carry_the_new(
    client: httpx.AsyncClient, service: Service, world: World, second: dict[str, str]
) -> None:
    _, counters = await builders.create_merchant(service, world)
    path = f"/api/v1/counters/{counters[0].id}/qr?format=payload"
    old = (await client.get(path, headers=world.maker.headers)).text
    for who in (world.operator.headers, second):
        await patch(client, who, domain="new.example")
    service._scheme = None
    new = (await client.get(path, headers=world.maker.headers)).text
    assert ("example.test.pay" in old, "example.new" in new, "example.test.pay" in new) == (True, True, False)
    scheme = await service.scheme()
    till = await builders.issue_key(service, world["greenbankfsp"]["admin"], ["payments:request"])
    for text in (old, new):
        scan = read_code(scheme, text)
        assert scan is not None
        assert scan.alias == counters[0].alias
        asked = {"payload": text, "amount": "2.50"}
        made = await client.post("/api/v1/qr/dynamic", json=asked, headers=till | {"idempotency-key": text[-8:]})
        assert made.status_code == 201, made.text
