"""Anchors of the audit record: what an owner of the database takes away or forges is found out."""

import asyncio
import hashlib
import json
import stat
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec
import pytest
import structlog

from merchant.core import audit, audit_anchors, clock
from merchant.core.access import SERVICE
from merchant.core.audit_anchors import Anchored, audit_faults, verify_all, write_anchor
from merchant.core.service import Service, open_service
from merchant.core.settings import Settings
from merchant.programs import rotation
from merchant.programs.worker import Worker
from tests.builders import DFSPS, SECRET_KEY, World
from tests.merchant.core.test_audit import command, tamper, write

pytestmark = pytest.mark.anyio
GENESIS = b"\0" * 32
OTHER_KEY = "other:" + "QkJC" * 10 + "QkI="


@pytest.fixture
async def chain(service: Service, world: World) -> UUID:
    """A DFSP's chain with ten entries more, anchored with all others."""
    found = world.dfsp_ids[DFSPS[0]]
    await write(service, found, 10)
    assert await write_anchor(service) is not None
    return found


async def faults(service: Service) -> list[tuple[str, str]]:
    """(chain, problem) of everything that verifying finds, held against the service's anchors."""
    anchored = Anchored()
    path = service.settings.anchor_path
    found = [("anchors", one.code) for one in anchored.read(path, service.audit_keys)] if path.exists() else []
    async with service.db.system() as tx:
        async for one in verify_all(tx, anchored.heads):
            found += [(one.name, one.fault.problem)] if one.fault else []
    return found


async def forge(url: str, chain: UUID, first: int, *, change: str = "") -> None:
    """Rewrite a chain from an entry on as one who knows the code but no key: unsigned, with hashes that fit."""
    owner = await asyncpg.connect(url)
    await owner.execute("ALTER TABLE audit_entry DISABLE TRIGGER USER; ALTER TABLE audit_head DISABLE TRIGGER USER")
    if change:
        await owner.execute(f"UPDATE audit_entry SET {change} WHERE dfsp_id = $1 AND seq = $2", chain, first)
    before = "SELECT hash FROM audit_entry WHERE dfsp_id = $1 AND seq = $2"
    previous = await owner.fetchval(before, chain, first - 1) or GENESIS
    rows = await owner.fetch("SELECT * FROM audit_entry WHERE dfsp_id = $1 AND seq >= $2 ORDER BY seq", chain, first)
    for row in rows:
        detail = msgspec.json.encode(json.loads(row["detail"]), order="sorted")
        who = [row["actor_kind"], row["actor_id"], row["action"], row["subject_type"], row["subject_id"]]
        body = msgspec.json.encode([row["seq"], row["at"].isoformat(), *who, msgspec.Raw(detail)])
        digest = hashlib.sha256(previous + body).digest()
        await owner.execute(
            "UPDATE audit_entry SET key_id = NULL, prev_hash = $3, hash = $4 WHERE dfsp_id = $1 AND seq = $2",
            chain,
            row["seq"],
            previous,
            digest,
        )
        await owner.execute("UPDATE audit_head SET hash = $2 WHERE dfsp_id = $1", chain, digest)
        previous = digest
    await owner.execute("ALTER TABLE audit_entry ENABLE TRIGGER USER; ALTER TABLE audit_head ENABLE TRIGGER USER")
    await owner.close()


async def test_an_untouched_record_holds_against_every_anchor_of_its_life(service: Service, chain: UUID) -> None:
    await write(service, chain)
    await write_anchor(service)
    await write(service, None)
    assert await faults(service) == []
    assert len(service.settings.anchor_path.read_text().splitlines()) == 2


# Each is consistent in itself. What is found without the file is forged with a key that the owner lacks.
CONSISTENT = {
    "the end cut off": [
        "DELETE FROM audit_entry WHERE dfsp_id = '{0}'"
        " AND seq > (SELECT seq - 3 FROM audit_head WHERE dfsp_id = '{0}')",
        "UPDATE audit_head h SET (seq, hash) = (SELECT seq, hash FROM audit_entry WHERE dfsp_id = '{0}'"
        " ORDER BY seq DESC LIMIT 1) WHERE dfsp_id = '{0}'",
    ],
    "a chain and its head deleted": [
        "DELETE FROM audit_entry WHERE dfsp_id = '{0}'",
        "DELETE FROM audit_head WHERE dfsp_id = '{0}'",
    ],
    "a chain emptied": [
        "DELETE FROM audit_entry WHERE dfsp_id = '{0}'",
        "UPDATE audit_head SET seq = 0, hash = decode(repeat('00', 32), 'hex') WHERE dfsp_id = '{0}'",
    ],
    "every chain deleted": ["DELETE FROM audit_entry", "DELETE FROM audit_head"],
    "every chain deleted with the keys": [
        "DELETE FROM audit_entry",
        "UPDATE audit_head SET seq = 0, hash = decode(repeat('00', 32), 'hex')",
        "DELETE FROM audit_secret",
    ],
}


@pytest.mark.parametrize("forgery", list(CONSISTENT))
async def test_what_a_databases_owner_takes_away_is_missed(
    service: Service, chain: UUID, database_url: str, forgery: str
) -> None:
    await tamper(database_url, *(one.format(chain) for one in CONSISTENT[forgery]))
    assert DFSPS[0] in {name for name, _ in await faults(service)}
    async with open_service(service.settings, database_url) as restarted:  # which has no keys in memory
        await write(restarted, None)
        assert {name for name, _ in await faults(restarted)} & {DFSPS[0], "anchors"}


async def test_an_old_entry_rewritten_with_all_that_follow_is_found(
    service: Service, chain: UUID, database_url: str
) -> None:
    await forge(database_url, chain, 2, change="action = 'x'")
    service.settings.anchor_path.unlink()
    assert await faults(service) == [(DFSPS[0], "the entry is not signed")]


async def test_a_whole_chain_rewritten_without_a_signature_is_found(
    service: Service, chain: UUID, database_url: str
) -> None:
    await forge(database_url, chain, 1, change="action = 'x'")
    service.settings.anchor_path.unlink()
    assert await faults(service) == [(DFSPS[0], "the entry is not signed")]


async def test_signatures_taken_off_the_newest_entries_are_missed_though_the_service_goes_on_signing(
    service: Service, chain: UUID, database_url: str
) -> None:
    async with service.db.system() as tx:
        end, _ = await audit.verify(tx, chain)
    await forge(database_url, chain, end, change="action = 'x'")
    await write(service, chain)
    service.settings.anchor_path.unlink()
    async with service.db.system() as tx:
        count, fault = await audit.verify(tx, chain)
    assert fault is not None
    assert (count, fault.problem) == (end - 1, "the entry is not signed")


async def test_one_chains_entries_do_not_pass_for_anothers(
    service: Service, chain: UUID, world: World, database_url: str
) -> None:
    other = world.dfsp_ids[DFSPS[1]]
    await tamper(
        database_url,
        f"DELETE FROM audit_entry WHERE dfsp_id = '{other}'",
        f"DELETE FROM audit_head WHERE dfsp_id = '{other}'",
        f"INSERT INTO audit_entry SELECT '{other}'::uuid, seq, at, actor_kind, actor_id, action, subject_type,"
        f" subject_id, detail, prev_hash, hash, key_id FROM audit_entry WHERE dfsp_id = '{chain}'",
        f"INSERT INTO audit_head SELECT '{other}'::uuid, seq, hash FROM audit_head WHERE dfsp_id = '{chain}'",
    )
    service.settings.anchor_path.unlink()
    assert await faults(service) == [(DFSPS[1], "the entry was changed")]


async def test_a_reason_that_was_exchanged_is_found_and_one_that_was_erased_is_not_missed(
    service: Service, world: World, database_url: str
) -> None:
    chain = world.dfsp_ids[DFSPS[0]]
    for reason in ("first", "second"):
        async with service.db.system() as tx:
            await audit.record(tx, SERVICE, "test.done", "thing", 1, dfsp_id=chain, reason=reason)
    assert await faults(service) == []
    await tamper(database_url, f"DELETE FROM audit_reason WHERE dfsp_id = '{chain}' AND seq % 2 = 0")
    assert await faults(service) == []
    await tamper(database_url, "UPDATE audit_reason SET seq = seq + 1")
    assert await faults(service) == [(DFSPS[0], "the entry's reason was changed")]


@pytest.fixture
async def older(service: Service, world: World, database_url: str) -> AsyncIterator[Service]:
    """A service on a database that a release before wrote, which signed nothing."""
    for found in (audit.HUB_CHAIN, *world.dfsp_ids.values()):
        await forge(database_url, found, 1)
    await tamper(database_url, "DELETE FROM audit_secret")
    async with open_service(service.settings, database_url) as opened:
        yield opened


async def write_unsigned(url: str, chain: UUID) -> None:
    """What a program of the release before does."""
    owner = await asyncpg.connect(url)
    head = await owner.fetchrow("SELECT seq, hash FROM audit_head WHERE dfsp_id = $1", chain)
    assert head is not None
    at, seq = clock.now(), head["seq"] + 1
    who = ["service", UUID(int=0), "test.old", "thing", "1"]
    body = msgspec.json.encode([seq, at.isoformat(), *who, msgspec.Raw(b"{}")])
    digest = hashlib.sha256(head["hash"] + body).digest()
    await owner.execute(
        "INSERT INTO audit_entry (dfsp_id, seq, at, actor_kind, actor_id, action, subject_type, subject_id, detail,"
        " prev_hash, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '{}', $9, $10)",
        *(chain, seq, at, *who, head["hash"], digest),
    )
    await owner.execute("UPDATE audit_head SET seq = $2, hash = $3 WHERE dfsp_id = $1", chain, seq, digest)
    await owner.close()


async def test_a_record_older_than_its_first_key_holds_up_to_there(
    older: Service, world: World, database_url: str
) -> None:
    chain = world.dfsp_ids[DFSPS[0]]
    assert await faults(older) == []
    await write(older, chain)
    assert await faults(older) == []
    # And what lies before the key was sealed with it.
    await forge(database_url, world.dfsp_ids[DFSPS[1]], 2, change="action = 'x'")
    assert (DFSPS[1], "the entry is another than was anchored") in await faults(older)


async def test_programs_of_the_release_before_may_write_beside_for_a_day_and_no_longer(
    older: Service, world: World, database_url: str, move_clock: Callable[[timedelta], datetime]
) -> None:
    chain = world.dfsp_ids[DFSPS[0]]
    await write(older, chain, 1)
    await write_unsigned(database_url, chain)
    assert await faults(older) == []
    await write(older, chain, 1)
    move_clock(timedelta(hours=25))
    assert await faults(older) == []
    await write_unsigned(database_url, chain)
    assert await faults(older) == [(DFSPS[0], "the entry is not signed")]
    await write(older, chain, 1)
    assert await faults(older) == [(DFSPS[0], "the entry is not signed")]


async def test_what_was_signed_holds_after_the_secret_key_was_rotated_and_the_old_one_dropped(
    service: Service, chain: UUID, database_url: str
) -> None:
    both = msgspec.structs.replace(service.settings, secret_key=f"{OTHER_KEY},{SECRET_KEY}")
    async with open_service(both, database_url) as rotating:
        assert [done async for done in rotation.rotate(rotating)]
    alone = msgspec.structs.replace(service.settings, secret_key=OTHER_KEY)
    async with open_service(alone, database_url) as rotated:
        await write(service, chain)  # a program that was not restarted yet
        await write(rotated, chain)
        await write_anchor(rotated)
        assert await faults(rotated) == []
        assert len(rotated.audit_keys.all()) == 2  # the old key may have been what leaked


async def test_programs_that_start_together_make_one_key(service: Service, world: World, database_url: str) -> None:
    await tamper(database_url, "DELETE FROM audit_entry", "DELETE FROM audit_head", "DELETE FROM audit_secret")

    async def begin(number: int) -> None:
        async with open_service(service.settings, database_url) as opened:
            await write(opened, UUID(int=number), 1)

    await asyncio.gather(*(begin(number) for number in range(1, 5)))
    async with service.db.system_reads() as tx:
        assert await tx.fetchval("SELECT count(*) FROM audit_secret") == 1


async def test_the_file_is_its_owners_and_a_line_that_a_crash_cut_is_written_anew(
    service: Service, chain: UUID
) -> None:
    path = service.settings.anchor_path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:40])
    assert await faults(service) == []
    await write_anchor(service)
    assert await faults(service) == []
    assert len(path.read_bytes().splitlines()) == 2


async def test_a_line_that_was_changed_or_made_up_is_told(service: Service, chain: UUID, database_url: str) -> None:
    path = service.settings.anchor_path
    anchor = json.loads(path.read_bytes())
    anchor["heads"][0]["seq"] += 1
    path.write_text(f"{json.dumps(anchor)}\nnonsense\n")
    assert [problem for _, problem in await faults(service)] == ["anchor_not_signed"] * 2
    assert [one.code for one in await audit_faults(service)] == ["anchor_not_signed"]


async def test_faults_of_the_anchors_are_told_for_a_check(
    service: Service, chain: UUID, database_url: str, move_clock: Callable[[timedelta], datetime], tmp_path: Path
) -> None:
    async def codes(settings: Settings = service.settings) -> list[str]:
        async with open_service(settings, database_url) as opened:
            return [one.code for one in await audit_faults(opened)]

    assert await codes() == []
    elsewhere = msgspec.structs.replace(service.settings, audit_anchor_file=str(tmp_path / "no" / "file"))
    assert await codes(elsewhere) == ["anchor_missing"]
    nowhere = msgspec.structs.replace(service.settings, audit_anchor_file="/dev/null/anchors")
    assert await codes(nowhere) == ["anchor_not_writable"]
    move_clock(audit_anchors.STALE_AFTER + timedelta(minutes=1))
    assert await codes() == ["anchor_stale"]
    await tamper(database_url, f"UPDATE audit_entry SET hash = '\\x00' WHERE dfsp_id = '{chain}'")
    assert await codes() == ["audit_record_changed"]


async def test_the_worker_anchors_when_it_starts_and_when_it_stops_and_logs_the_same(service: Service) -> None:
    path = service.settings.anchor_path
    with structlog.testing.capture_logs() as logged:
        async with Worker(service).running():
            async with asyncio.timeout(10):
                while not path.exists():
                    await asyncio.sleep(0.01)
            await write(service, None)
    lines = [json.loads(line) for line in path.read_bytes().splitlines()]
    anchors = [entry for entry in logged if entry["event"] == "audit_anchor"]
    assert [entry["signature"] for entry in anchors] == [line["signature"] for line in lines]
    assert len(lines) == 2
    assert lines[0]["heads"] != lines[1]["heads"]


async def test_a_record_that_changed_since_the_last_anchor_is_logged_and_the_file_goes_on(
    service: Service, chain: UUID, database_url: str
) -> None:
    await tamper(database_url, f"DELETE FROM audit_entry WHERE dfsp_id = '{chain}'")
    with structlog.testing.capture_logs() as logged:
        assert await write_anchor(service) is not None
    assert [entry["chain"] for entry in logged if entry["event"] == "audit_record_changed"] == [str(chain)]


async def test_a_file_that_cannot_be_written_is_logged_and_stops_nothing(service: Service) -> None:
    service.settings.anchor_path.mkdir()
    with structlog.testing.capture_logs() as logged:
        await audit_anchors.write_anchor_or_log(service)
    assert [entry["event"] for entry in logged] == ["audit_anchor_not_written"]


async def test_the_commands_write_an_anchor_and_find_by_it_what_was_cut_off(
    service: Service, world: World, database_url: str, tmp_path: Path
) -> None:
    chain = world.dfsp_ids[DFSPS[0]]
    anchors = str(tmp_path / "anchors")
    written = await command(database_url, tmp_path, "audit", "anchor", AUDIT_ANCHOR_FILE=anchors)
    assert (written.returncode, written.stdout) == (0, f"{anchors}: 3 chains anchored\n")
    await tamper(database_url, *(one.format(chain) for one in CONSISTENT["the end cut off"]))
    cut = await command(database_url, tmp_path, "audit", "verify", "--anchor", anchors)
    assert cut.returncode == 1
    assert "entries were cut off the end" in cut.stdout
