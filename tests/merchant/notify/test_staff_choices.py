"""What staff of a DFSP choose to be mailed about their work."""

from datetime import datetime
from typing import Any

import httpx
import pytest

from merchant.core import clock, outbox
from merchant.core.service import Service
from merchant.notify import events
from merchant.notify.events import NOTICE_TOPIC, Notice
from tests import builders
from tests.builders import Person, World
from tests.merchant.notify.stalls import open_stall

pytestmark = pytest.mark.anyio
MINE = "/api/v1/users/me/notification-choices"


async def choose(client: httpx.AsyncClient, who: Person, *kinds: str) -> httpx.Response:
    return await client.put(MINE, json={"email": list(kinds)}, headers=who.headers)


async def mails(service: Service) -> list[tuple[Any, ...]]:
    async with service.db.system_reads() as tx:
        rows = await tx.fetch("SELECT * FROM email_message WHERE kind <> 'account' ORDER BY id")
    return [(row["kind"], row["address_masked"], row["state"]) for row in rows]


async def announce_return(service: Service, dfsp_id: Any) -> None:
    async with service.db.tenant(dfsp_id) as tx:
        data = {"application_id": dfsp_id, "version": 1, "merchant_id": None}
        await events.announce(tx, "application.returned", dfsp_id, None, data)
    await builders.work(service)


async def test_nothing_is_mailed_until_somebody_wants_it(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    staff, dfsp_id = world["greenbankfsp"], world.dfsp_ids["greenbankfsp"]
    assert (await client.get(MINE, headers=staff["maker"].headers)).json() == {"email": []}
    await announce_return(service, dfsp_id)
    assert await mails(service) == []
    chosen = await choose(client, staff["maker"], "application_returned", "webhook_paused")
    assert chosen.json() == {"email": ["application_returned", "webhook_paused"]}
    await announce_return(service, dfsp_id)
    assert await mails(service) == [("application_returned", "m****@greenbankfsp.example", "sent")]
    await choose(client, staff["maker"])
    await announce_return(service, dfsp_id)
    assert len(await mails(service)) == 1


async def test_another_dfsps_work_is_not_told(client: httpx.AsyncClient, service: Service, world: World) -> None:
    await choose(client, world["lakemfi"]["maker"], "application_returned")
    await announce_return(service, world.dfsp_ids["greenbankfsp"])
    assert await mails(service) == []


async def test_one_who_was_shut_out_is_told_nothing_more(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    maker = world["greenbankfsp"]["maker"]
    await choose(client, maker, "application_returned")
    async with service.db.system() as tx:
        await tx.execute("UPDATE app_user SET enabled = false WHERE id = $1", maker.actor.id)
    await announce_return(service, world.dfsp_ids["greenbankfsp"])
    assert await mails(service) == []


async def test_an_application_that_is_submitted_is_told_to_who_decides(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    staff = world["greenbankfsp"]
    await choose(client, staff["checker"], "application_submitted")
    await builders.create_application(service, staff["maker"], submitted=True)
    await builders.work(service)
    assert await mails(service) == [("application_submitted", "c****@greenbankfsp.example", "sent")]
    own = await client.get("/api/v1/messages", headers=staff["maker"].headers, params={"kind": "application_submitted"})
    [one] = own.json()["items"]
    assert one["text"].startswith("An application waits for a decision.")


async def test_a_webhook_that_wants_no_more_is_told(client: httpx.AsyncClient, service: Service, world: World) -> None:
    await choose(client, world["greenbankfsp"]["admin"], "webhook_paused")
    async with service.db.system() as tx:
        at: datetime = clock.now()
        await outbox.add(tx, NOTICE_TOPIC, Notice("webhook_paused", world.dfsp_ids["greenbankfsp"], None, at))
    await builders.work(service)
    assert [kind for kind, _, _ in await mails(service)] == ["webhook_paused"]


async def test_hub_staff_merchants_people_and_machines_have_no_such_choice(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    stall = await open_stall(client, service, world)
    key = await builders.issue_key(service, world["greenbankfsp"]["admin"], ["merchants:read"])
    for headers in (world.operator.headers, stall.owner.headers, stall.cashier.headers, key):
        assert (await client.get(MINE, headers=headers)).status_code == 404
        assert (await client.put(MINE, json={"email": []}, headers=headers)).status_code == 404


async def test_an_unknown_kind_is_refused(client: httpx.AsyncClient, world: World) -> None:
    refused = await choose(client, world["greenbankfsp"]["maker"], "weather")
    assert refused.status_code == 422
