"""Reports of codes over the API: who sees them, what they say, and how staff note that they looked."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from merchant.core import clock
from merchant.core.access import Actor, Role
from merchant.core.service import Service
from merchant.registry.codes import reports
from merchant.registry.codes.reports import ReportReason
from merchant.registry.merchants.models import Counter
from tests import builders
from tests.builders import Person, World

pytestmark = [pytest.mark.anyio, pytest.mark.database]


async def reported(service: Service, counter: Counter, text: str = "Under it is another of a bakery") -> UUID:
    """A report of a shopper; its id."""
    actor = Actor(kind="service", id=UUID(int=0), name="pay page", dfsp_id=counter.dfsp_id)
    async with service.db.tenant(counter.dfsp_id) as tx:
        row = await reports.report_code(
            tx, actor, counter.id, counter.alias, ReportReason.PASTED_OVER, text, 2, "198.51.100.7"
        )
        return row.id


async def person(service: Service, role: Role, counter: Counter, **place: Any) -> Person:
    """Someone of the counter's DFSP, signed in."""
    email = f"{role}@people.example"
    await builders.add_person(service, email, [role], dfsp_id=counter.dfsp_id, **place)
    return await builders.signed_in(service, email)


async def listed(client: httpx.AsyncClient, headers: dict[str, str], **query: Any) -> list[dict[str, Any]]:
    """The list as it is answered."""
    answer = await client.get("/api/v1/code-reports", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def test_staff_read_what_was_reported_and_of_which_shop(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    merchant, [counter] = await builders.create_merchant(service, world)
    await reported(service, counter)
    for who in (world.maker, world.operator):
        [one] = await listed(client, who.headers)
        assert (one["state"], one["reason"], one["sticker"]) == ("open", "pasted_over", 2)
        assert one["text"] == "Under it is another of a bakery"
        assert (one["code"], one["merchant_name"]) == (counter.alias, merchant.trading_name)
        assert "198.51" not in str(one)


async def test_it_stands_in_the_merchants_history_without_its_words(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    merchant, [counter] = await builders.create_merchant(service, world)
    await reported(service, counter)
    answer = await client.get(f"/api/v1/merchants/{merchant.id}/history", headers=world.maker.headers)
    newest = answer.json()["items"][0]
    assert (newest["action"], newest["detail"]["report_reason"]) == ("code.reported", "pasted_over")
    assert "bakery" not in answer.text


async def test_another_dfsp_sees_none_and_cannot_say_it_looked(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    _, [counter] = await builders.create_merchant(service, world)
    report_id = await reported(service, counter)
    other = world["lakemfi"]["checker"]
    assert await listed(client, other.headers) == []
    answer = await client.post(f"/api/v1/code-reports/{report_id}/seen", headers=other.headers)
    assert answer.status_code == 404


async def test_a_merchants_own_people_see_their_own_alone(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    merchant, [counter] = await builders.create_merchant(service, world)
    _, [others] = await builders.create_merchant(service, world)
    await reported(service, others)
    owner = await person(service, Role.MERCHANT_OWNER, counter, merchant_id=merchant.id)
    assert await listed(client, owner.headers) == []
    mine = await reported(service, counter)
    assert [one["id"] for one in await listed(client, owner.headers)] == [str(mine)]
    answer = await client.post(f"/api/v1/code-reports/{mine}/seen", headers=owner.headers)
    assert answer.status_code == 403


async def test_who_looked_first_stays_and_the_filters_tell_them_apart(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    merchant, [counter] = await builders.create_merchant(service, world)
    first, second = await reported(service, counter), await reported(service, counter, text="")
    path = f"/api/v1/code-reports/{first}/seen"
    seen = (await client.post(path, headers=world.checker.headers)).json()
    again = (await client.post(path, headers=world["greenbankfsp"]["admin"].headers)).json()
    assert seen["state"] == "seen"
    assert (again["seen_by"], again["seen_at"]) == (str(world.checker.actor.id), seen["seen_at"])
    headers = world.maker.headers
    assert [one["id"] for one in await listed(client, headers, state="seen")] == [str(first)]
    [left] = await listed(client, headers, state="open")
    assert (left["id"], left["text"]) == (str(second), None)
    assert len(await listed(client, headers, merchant_id=str(merchant.id))) == 2
    assert await listed(client, headers, merchant_id=str(uuid4())) == []
    soon = clock.rfc3339(clock.now() + timedelta(hours=1))
    assert await listed(client, headers, **{"from": soon}) == []
    assert len(await listed(client, headers, to=soon)) == 2


async def test_an_auditor_reads_and_changes_nothing(client: httpx.AsyncClient, service: Service, world: World) -> None:
    _, [counter] = await builders.create_merchant(service, world)
    report_id = await reported(service, counter)
    auditor = await person(service, Role.DFSP_AUDITOR, counter)
    assert len(await listed(client, auditor.headers)) == 1
    answer = await client.post(f"/api/v1/code-reports/{report_id}/seen", headers=auditor.headers)
    assert answer.status_code == 403
    assert (await client.get("/api/v1/code-reports")).status_code == 401


async def test_the_words_are_sealed_and_forgotten_after_a_year(service: Service, world: World) -> None:
    _, [counter] = await builders.create_merchant(service, world)
    await reported(service, counter)
    async with service.db.system() as tx:
        assert "bakery" not in await tx.fetchval("SELECT t::text FROM code_report t")
        assert await reports.prune(tx, 10) == 0
        await tx.execute("UPDATE code_report SET at = at - interval '366 days'")
        assert await reports.prune(tx, 10) == 1
