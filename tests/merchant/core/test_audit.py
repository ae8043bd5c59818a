"""The audit record: append-only, one chain a DFSP, and whoever touches an entry is found out."""

import asyncio
import subprocess
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from merchant.core import audit
from merchant.core.access import SERVICE
from merchant.core.service import Service
from tests import builders
from tests.builders import DFSPS, SECRET_KEY, World
from tests.merchant.cli.test_main import merchant

pytestmark = pytest.mark.anyio


async def write(service: Service, dfsp_id: UUID | None, count: int = 5) -> None:
    for number in range(count):
        async with service.db.system() as tx:
            await audit.record(tx, SERVICE, "test.done", "thing", number, dfsp_id=dfsp_id, number=number, word="ü")


async def fault(service: Service, chain: UUID) -> tuple[int, str] | None:
    async with service.db.system() as tx:
        count, broken = await audit.verify(tx, chain)
    return None if broken is None else (count, broken.problem)


async def tamper(database_url: str, *statements: str) -> None:
    """What an intruder with the owner's rights might do, who takes the triggers out of the way."""
    owner = await asyncpg.connect(database_url)
    for statement in (
        "ALTER TABLE audit_entry DISABLE TRIGGER USER; ALTER TABLE audit_head DISABLE TRIGGER USER",
        *statements,
        "ALTER TABLE audit_entry ENABLE TRIGGER USER; ALTER TABLE audit_head ENABLE TRIGGER USER",
    ):
        await owner.execute(statement)
    await owner.close()


async def test_untouched_chains_hold_together_each_by_itself(service: Service, world: World) -> None:
    dfsp_id = world.dfsp_ids["greenbankfsp"]
    async with service.db.system() as tx:
        before, _ = await audit.verify(tx, dfsp_id)
    await write(service, dfsp_id)
    await write(service, None)
    async with service.db.system() as tx:
        chains = await audit.chains(tx)
        assert {audit.HUB_CHAIN, dfsp_id} <= set(chains)
        assert [(await audit.verify(tx, chain))[1] for chain in chains] == [None] * len(chains)
        assert (await audit.verify(tx, dfsp_id))[0] == before + 5


async def test_a_chain_longer_than_a_batch_is_verified_whole(
    service: Service, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "_VERIFY_BATCH", 3)
    chain = world.dfsp_ids["lakemfi"]
    await write(service, chain, 10)
    async with service.db.system() as tx:
        count, broken = await audit.verify(tx, chain)
    assert (count >= 10, broken) == (True, None)


async def test_entries_that_are_added_together_make_the_chain_that_single_ones_make(
    service: Service, world: World
) -> None:
    chain = world.dfsp_ids["lakemfi"]
    await write(service, chain, 1)
    entries = [
        audit.NewEntry(one, "test.done", "thing", number, {"number": number, "word": "ü", "b": None, "a": [1.5]})
        for number, one in enumerate([SERVICE, world.maker.actor, SERVICE])
    ]
    async with service.db.system() as tx:
        before, _ = await audit.verify(tx, chain)
        await audit.record_many(tx, entries, dfsp_id=chain)
        await audit.record_many(tx, [], dfsp_id=chain)
    await write(service, chain, 1)
    async with service.db.system() as tx:
        assert await audit.verify(tx, chain) == (before + 4, None)
        rows = await tx.fetch("SELECT actor_kind, subject_id FROM audit_entry WHERE dfsp_id = $1 ORDER BY seq", chain)
    told = [(row["actor_kind"], row["subject_id"]) for row in rows[-4:-1]]
    assert told == [("service", "0"), ("user", "1"), ("service", "2")]


@pytest.mark.parametrize("by", [0, -1, 2, 100])
async def test_the_end_of_a_chain_moves_on_only_by_entries_that_are_there(
    service: Service, world: World, by: int
) -> None:
    chain = world.dfsp_ids["lakemfi"]
    await write(service, chain, 3)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="is refused"):
        async with service.db.system() as tx:
            await tx.execute("UPDATE audit_head SET seq = seq + $2 WHERE dfsp_id = $1", chain, by)


TOUCHES = {
    "UPDATE audit_entry SET detail = '{}'": "the entry was changed",
    "UPDATE audit_entry SET detail = detail || '{\"number\": 7}'": "the entry was changed",
    "UPDATE audit_entry SET action = 'x'": "the entry was changed",
    "UPDATE audit_entry SET subject_id = 'x'": "the entry was changed",
    "UPDATE audit_entry SET actor_id = gen_random_uuid()": "the entry was changed",
    "UPDATE audit_entry SET at = at + interval '1 microsecond'": "the entry was changed",
    "UPDATE audit_entry SET hash = '\\x00'": "the entry was changed",
    "UPDATE audit_entry SET key_id = NULL": "the entry was changed",
    "UPDATE audit_entry SET key_id = gen_random_uuid()": "the key that signed the entry is missing",
    "UPDATE audit_entry SET seq = seq + 100": "an entry is missing",
    "DELETE FROM audit_entry": "an entry is missing",
}


async def test_a_touched_entry_is_named(service: Service, database_url: str) -> None:
    for number, (statement, problem) in enumerate(TOUCHES.items(), start=1):
        chain = UUID(int=number)
        await write(service, chain)
        await tamper(database_url, f"{statement} WHERE seq = 3 AND dfsp_id = '{chain}'")
        assert await fault(service, chain) == (2, problem), statement
    assert await fault(service, audit.HUB_CHAIN) is None


CUTS = [
    "DELETE FROM audit_entry WHERE seq > 3 AND",
    "DELETE FROM audit_entry WHERE",
    "DELETE FROM audit_head WHERE",
    "UPDATE audit_head SET hash = '\\x00' WHERE",
    "UPDATE audit_head SET seq = seq + 1 WHERE",
]


async def test_a_cut_tail_or_a_lost_head_is_found(service: Service, database_url: str) -> None:
    for number, statement in enumerate(CUTS, start=1):
        chain = UUID(int=number)
        await write(service, chain)
        await tamper(database_url, f"{statement} dfsp_id = '{chain}'")
        found = await fault(service, chain)
        assert found is not None, statement
        assert found[1] == "entries were cut off the end", statement
        async with service.db.system() as tx:
            assert chain in await audit.chains(tx)


REFUSED = [
    "UPDATE audit_entry SET action = 'x'",
    "DELETE FROM audit_entry",
    "TRUNCATE audit_entry",
    "DELETE FROM audit_head",
    "TRUNCATE audit_head",
    "UPDATE audit_head SET seq = seq - 1",
    "UPDATE audit_head SET seq = seq + 2",
    "UPDATE audit_head SET seq = seq + 1, dfsp_id = gen_random_uuid()",
]


async def test_no_role_changes_or_removes_an_entry_or_sets_a_head_back(
    service: Service, world: World, database_url: str
) -> None:
    owner = await asyncpg.connect(database_url)
    for statement in REFUSED:
        for open_one in (service.db.tenant(None), service.db.system()):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with open_one as tx:
                    await tx.execute(statement)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await owner.execute(statement)
    await owner.close()


async def test_an_action_that_fails_leaves_no_entry(service: Service, world: World) -> None:
    chain = world.dfsp_ids["greenbankfsp"]
    async with service.db.system() as tx:
        before, _ = await audit.verify(tx, chain)
    with pytest.raises(ZeroDivisionError):
        async with service.db.system() as tx:
            await audit.record(tx, SERVICE, "test.done", "thing", 1, dfsp_id=chain)
            raise ZeroDivisionError
    async with service.db.system() as tx:
        assert await audit.verify(tx, chain) == (before, None)


async def test_writers_at_once_make_one_chain_without_gaps(service: Service) -> None:
    chain = UUID(int=4711)

    async def one(number: int) -> None:
        async with service.db.system() as tx:
            await audit.record(tx, SERVICE, "test.done", "thing", number, dfsp_id=chain)

    await asyncio.gather(*(one(number) for number in range(20)))
    async with service.db.system() as tx:
        assert await audit.verify(tx, chain) == (20, None)


async def test_staff_changes_are_recorded_with_who_what_and_when(client: httpx.AsyncClient, world: World) -> None:
    admin = world["greenbankfsp"]["admin"]
    changed = f"/api/v1/users/{world.maker.actor.id}"
    await client.patch(changed, json={"enabled": False}, headers={**admin.headers, "if-match": '"1"'})
    body = {"name": "till", "scopes": ["merchants:read"]}
    issued = (await client.post("/api/v1/api-keys", json=body, headers=admin.headers)).json()
    await client.delete(f"/api/v1/api-keys/{issued['id']}", headers=admin.headers)
    auditor = world["greenbankfsp"]["auditor"]
    entries: list[dict[str, Any]] = (await client.get("/api/v1/audit", headers=auditor.headers)).json()["items"]
    assert [entry["action"] for entry in entries[:3]] == ["api_key.revoked", "api_key.issued", "user.disabled"]
    assert {entry["actor_id"] for entry in entries[:3]} == {str(admin.actor.id)}
    assert entries[2]["subject_id"] == str(world.maker.actor.id)
    assert all(entry["at"].endswith("Z") and len(entry["hash"]) == 64 for entry in entries)


async def test_a_dfsps_record_is_its_own_and_the_hubs_is_the_hubs(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    await builders.create_application(service, world.maker)
    other = (await client.get("/api/v1/audit", headers=world["lakemfi"]["auditor"].headers)).json()["items"]
    assert "application.opened" not in {entry["action"] for entry in other}
    hub = (await client.get("/api/v1/audit", headers=world.operator.headers)).json()["items"]
    assert {entry["action"] for entry in hub} >= {"dfsp.created", "scheme.seeded"}
    assert "application.opened" not in {entry["action"] for entry in hub}


async def command(database_url: str, data: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """`merchant …` in a process of its own, with a data folder of its own: the checkout's may hold a demo's anchors."""
    given = {"DATABASE_URL": database_url, "SECRET_KEY": SECRET_KEY} | settings
    return await asyncio.to_thread(partial(merchant, *words, data=data, **given))


async def test_the_command_tells_by_its_exit_status_whether_the_record_holds(
    service: Service, world: World, database_url: str, tmp_path: Path
) -> None:
    chain = world.dfsp_ids["greenbankfsp"]
    await write(service, chain)
    good = await command(database_url, tmp_path, "audit", "verify")
    assert (good.returncode, good.stderr) == (0, "")
    assert [line.partition(":")[0] for line in good.stdout.splitlines()] == ["hub", *DFSPS, "no anchors"]
    assert good.stdout.count("good") == 3
    await tamper(database_url, f"UPDATE audit_entry SET action = 'x' WHERE seq = 2 AND dfsp_id = '{chain}'")
    bad = await command(database_url, tmp_path, "audit", "verify")
    assert bad.returncode == 1
    assert "greenbankfsp: 1 entries then entry 2: the entry was changed" in bad.stdout
    assert "does not hold together" in bad.stderr
