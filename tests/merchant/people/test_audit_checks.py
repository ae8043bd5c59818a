"""Checks of the audit record over the API: in the background, by chain, and only of what one may read."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from merchant.core import audit, audit_anchors, background
from merchant.core.access import SERVICE
from merchant.core.audit import HUB_CHAIN, Position
from merchant.core.service import Service
from merchant.people import audit_checks
from tests import builders
from tests.builders import Person, World

pytestmark = pytest.mark.anyio
CHECKS = "/api/v1/audit/checks"


async def order(client: httpx.AsyncClient, who: Person, **body: Any) -> httpx.Response:
    return await client.post(CHECKS, json=body, headers=who.headers)


async def checked(client: httpx.AsyncClient, service: Service, who: Person, **body: Any) -> dict[str, Any]:
    """What a check found."""
    ordered = await order(client, who, **body)
    assert (ordered.status_code, ordered.json()["state"]) == (202, "waiting"), ordered.text
    await builders.work(service)
    read = await client.get(f"{CHECKS}/{ordered.json()['id']}", headers=who.headers)
    assert read.status_code == 200
    return dict(read.json())


async def tamper(database_url: str, statement: str, *values: Any) -> None:
    """Change the record as whoever owns the database can."""
    owner = await asyncpg.connect(database_url)
    await owner.execute("ALTER TABLE audit_entry DISABLE TRIGGER USER; ALTER TABLE audit_head DISABLE TRIGGER USER")
    await owner.execute(statement, *values)
    await owner.close()


async def test_staff_of_the_hub_have_every_chain_checked(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    found = await checked(client, service, world.operator)
    assert (found["state"], found["intact"], found["problem"]) == ("done", True, None)
    assert [one["name"] for one in found["chains"]] == [None, "Greenbankfsp", "Lakemfi"]
    assert all(one["intact"] and one["since"] and one["entries"] > 0 for one in found["chains"])
    assert found["done"] == found["total"] == sum(one["entries"] for one in found["chains"])


async def test_one_dfsps_chain_is_checked_for_the_hub_and_for_its_own_staff(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    green, lake = world.dfsp_ids["greenbankfsp"], world.dfsp_ids["lakemfi"]
    for who, body in (
        (world.operator, {"dfsp_id": str(green)}),
        (world["greenbankfsp"]["auditor"], {}),
        (world["greenbankfsp"]["admin"], {"dfsp_id": str(green)}),
    ):
        found = await checked(client, service, who, **body)
        assert [one["dfsp_id"] for one in found["chains"]] == [str(green)]
    refused = await order(client, world["greenbankfsp"]["admin"], dfsp_id=str(lake))
    assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, "dfsp_id")
    refused = await order(client, world.operator, dfsp_id="01999999-0000-7000-8000-000000000000")
    assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, "dfsp_id")


async def test_another_dfsps_checks_and_the_hubs_are_not_found(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    ids = [(await checked(client, service, one))["id"] for one in (world.operator, world["lakemfi"]["auditor"])]
    stranger = world["greenbankfsp"]["auditor"].headers
    for one in ids:
        assert (await client.get(f"{CHECKS}/{one}", headers=stranger)).status_code == 404
    assert (await client.get(CHECKS, headers=stranger)).json()["items"] == []
    listed = (await client.get(CHECKS, headers=world.operator.headers)).json()["items"]
    assert [one["id"] for one in listed] == ids[::-1]


async def test_who_may_not_read_the_record_may_not_have_it_checked(client: httpx.AsyncClient, world: World) -> None:
    for who in (world.maker, world.checker):
        assert (await order(client, who)).status_code == 403
        assert (await client.get(CHECKS, headers=who.headers)).status_code == 403
    assert (await client.post(CHECKS, json={})).status_code == 401


async def test_checks_under_way_are_few(client: httpx.AsyncClient, world: World) -> None:
    statuses = [(await order(client, world.operator)).status_code for _ in range(3)]
    assert statuses == [202, 202, 429]
    assert (await order(client, world["lakemfi"]["auditor"])).status_code == 202


async def test_a_chain_that_was_changed_is_named_with_the_entry_and_the_others_are_checked_still(
    client: httpx.AsyncClient, service: Service, world: World, database_url: str
) -> None:
    green = world.dfsp_ids["greenbankfsp"]
    await tamper(database_url, "UPDATE audit_entry SET action = 'x' WHERE dfsp_id = $1 AND seq = 3", green)
    found = await checked(client, service, world.operator)
    assert (found["state"], found["intact"]) == ("done", False)
    [broken] = [one for one in found["chains"] if not one["intact"]]
    assert (broken["name"], broken["entries"], broken["broken_seq"]) == ("Greenbankfsp", 2, 3)
    assert broken["problem"] == "the entry was changed"
    assert len(found["chains"]) == 3


async def test_a_chain_whose_end_was_cut_off_is_seen_by_its_anchor(
    client: httpx.AsyncClient, service: Service, world: World, database_url: str
) -> None:
    assert (await checked(client, service, world.operator))["anchors"] == "none"
    await audit_anchors.write_anchor(service)
    assert (await checked(client, service, world.operator))["anchors"] == "held"
    lake = world.dfsp_ids["lakemfi"]
    cut = "DELETE FROM audit_entry WHERE dfsp_id = $1 AND seq > 1"
    await tamper(database_url, cut, lake)
    head = "UPDATE audit_head h SET seq = 1, hash = e.hash FROM audit_entry e WHERE e.dfsp_id = $1 AND e.seq = 1"
    await tamper(database_url, f"{head} AND h.dfsp_id = $1", lake)
    found = await checked(client, service, world.operator, dfsp_id=str(lake))
    assert [(one["entries"], one["problem"]) for one in found["chains"]] == [(1, "entries were cut off the end")]
    with service.settings.anchor_path.open("ab") as file:
        file.write(b'{"forged": 1}\n')
    found = await checked(client, service, world.operator)
    assert (found["anchors"], found["intact"]) == ("faulty", False)


async def test_a_long_chain_is_checked_in_slices_that_go_on_where_the_last_one_stopped(
    client: httpx.AsyncClient, service: Service, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_checks, "_SLICE_S", 0.0)
    monkeypatch.setattr(audit_checks, "_ENTRIES_AT_ONCE", 2)
    monkeypatch.setattr(audit, "_VERIFY_BATCH", 2)
    ordered = (await order(client, world.operator)).json()
    async with service.db.system_reads() as tx:
        total = await tx.fetchval("SELECT sum(seq) FROM audit_head")
    states = set()
    for _ in range(200):
        read = (await client.get(f"{CHECKS}/{ordered['id']}", headers=world.operator.headers)).json()
        states.add(read["state"])
        if read["state"] == "done":
            break
        await background.run_slice(service, audit_checks.KIND, UUID(ordered["id"]))
    assert states == {"waiting", "running", "done"}
    assert (read["intact"], read["done"]) == (True, total)


async def test_what_is_written_while_a_chain_is_gone_through_is_no_fault(service: Service) -> None:
    async def write() -> None:
        for number in range(40):
            async with service.db.tenant(None) as tx:
                await audit.record(tx, SERVICE, "payment.paid", "payment", number, dfsp_id=None)

    async def verify() -> list[Any]:
        faults = []
        for _ in range(30):
            async with service.db.system_statements() as tx:
                faults.append((await audit.verify(tx, HUB_CHAIN))[1])
        return faults

    _, faults = await asyncio.gather(write(), verify())
    assert faults == [None] * 30


async def test_parts_of_a_pass_find_what_the_whole_finds(service: Service) -> None:
    async with service.db.system() as tx:
        for number in range(20):
            await audit.record(tx, SERVICE, "payment.paid", "payment", number, dfsp_id=None)
    async with service.db.system() as tx:
        whole = await audit.verify(tx, HUB_CHAIN)
        passed = audit.Passed(Position(), False, 0)
        while not passed.is_over:
            passed = await audit.verify_part(tx, HUB_CHAIN, None, passed.position, 1)
        assert (passed.entries, passed.fault) == whole
