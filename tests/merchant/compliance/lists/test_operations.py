"""Versions of lists: what counts at once, what needs two people, what is refused, and that none is ever changed."""

from uuid import UUID

import asyncpg
import pytest

import kyb
from merchant.compliance.lists import content, operations, queries
from merchant.compliance.lists.problems import ListProposedByYou, ListPutMeanwhile, NoListInForce
from merchant.compliance.lists.states import ListState
from merchant.core import errors
from merchant.core.access import SERVICE, Role
from merchant.core.db import SYSTEM_ROLE
from merchant.core.service import Service
from tests import builders
from tests.builders import World
from tests.kyb.lists.samples import BLOCKLIST_CSV
from tests.merchant.compliance.lists.stage import confirm, eu_list, own_list, put, somebody, un_list

pytestmark = [pytest.mark.anyio, pytest.mark.database]
NAMES = [f"Person Number{number}" for number in range(20)]


async def states(service: Service) -> dict[UUID, str]:
    async with service.db.system_reads() as tx:
        return {one.id: one.state for one in await queries.latest_versions(tx, 100)}


async def test_a_published_list_counts_at_once_and_the_one_before_no_more(service: Service) -> None:
    first = await put(service, "eu", eu_list("2026-11-01", NAMES))
    second = await put(service, "eu", eu_list("2026-11-02", [*NAMES[:-1], "Person Changed", "Person New"]))
    assert await states(service) == {first.id: ListState.SUPERSEDED, second.id: ListState.IN_FORCE}
    assert (first.added_count, first.replaces) == (20, None)
    assert (second.added_count, second.removed_count, second.changed_count) == (1, 0, 1)
    assert second.replaces == first.id
    changed = await operations.changed_entries(service, second)
    assert [one.names[0].text for one in changed] == ["Person Changed", "Person New"]


async def test_the_same_file_again_is_no_version_and_says_that_it_is_current(service: Service) -> None:
    first = await put(service, "eu", eu_list("2026-11-01", NAMES))
    again = await put(service, "eu", eu_list("2026-11-01", NAMES))
    assert (again.id, again.checked_at > first.checked_at) == (first.id, True)
    async with service.db.system() as tx:
        seen = await operations.check_current(tx, SERVICE, "eu_fsf")
        assert seen.checked_at > again.checked_at
        with pytest.raises(NoListInForce):
            await operations.check_current(tx, SERVICE, "uk_sanctions")
    assert list(await states(service)) == [first.id]


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        (eu_list("2026-11-02", NAMES[:17]), "list_shrunk"),
        (eu_list("2026-10-31", NAMES), "list_went_back"),
        (eu_list("2999-01-01", NAMES), "list_ahead"),
    ],
)
async def test_a_list_that_breaks_a_rule_is_refused_told_and_not_kept(
    service: Service, file: bytes, problem: str
) -> None:
    first = await put(service, "eu", eu_list("2026-11-01", NAMES))
    refused = await put(service, "eu", file)
    assert (refused.state, refused.problem) == (ListState.REFUSED, problem)
    assert await states(service) == {first.id: ListState.IN_FORCE, refused.id: ListState.REFUSED}
    async with service.db.system() as tx:
        assert await tx.fetchval("SELECT count(*) FROM list_chunk WHERE version_id = $1", refused.id) == 0
        with pytest.raises(errors.WrongState):
            await operations.confirm_list(tx, somebody(), refused.id)


async def test_the_first_list_of_the_un_is_held_against_the_packaged_one(service: Service) -> None:
    refused = await put(service, "un", un_list("2020-01-01", ["Somebody"]))
    assert (refused.state, refused.problem) == (ListState.REFUSED, "list_went_back")
    assert (await put(service, "un", un_list("2026-11-01", ["Somebody"]))).problem == "list_shrunk"


@pytest.mark.parametrize(("form", "file"), [("own", own_list("Amara Kiprop")), ("blocklist", BLOCKLIST_CSV)])
async def test_a_private_list_counts_when_a_second_person_confirms_it(
    service: Service, world: World, form: str, file: bytes
) -> None:
    second = await builders.add_person(service, "second@hub.example", [Role.HUB_CHECKER])
    checker = (await builders.signed_in(service, second.email)).actor
    proposed = await put(service, form, file, world.operator.actor)
    assert proposed.state == ListState.PROPOSED
    with pytest.raises(ListProposedByYou):
        await confirm(service, proposed, world.operator.actor)
    confirmed = await confirm(service, proposed, checker)
    assert (confirmed.state, confirmed.put_by, confirmed.confirmed_by) == (
        ListState.IN_FORCE,
        world.operator.actor.id,
        checker.id,
    )
    with pytest.raises(errors.WrongState):
        await confirm(service, proposed, checker)


async def test_a_new_proposal_takes_the_place_of_the_one_before(service: Service, world: World) -> None:
    first = await put(service, "own", own_list("Amara Kiprop"), world.operator.actor)
    second = await put(service, "own", own_list("Baraka Mutai"), world.operator.actor)
    assert await states(service) == {first.id: ListState.SUPERSEDED, second.id: ListState.PROPOSED}
    with pytest.raises(errors.WrongState):
        await confirm(service, first, SERVICE)
    assert (await confirm(service, second, SERVICE)).state == ListState.IN_FORCE


async def test_a_private_list_is_kept_sealed_and_a_block_list_as_hashes(service: Service) -> None:
    own = await put(service, "own", own_list("Amara Kiprop"))
    blocked = await put(service, "blocklist", BLOCKLIST_CSV)
    async with service.db.system() as tx:
        rows = await tx.fetch("SELECT packed, packed_sealed FROM list_chunk")
        assert [row["packed"] for row in rows] == [None, None]
        loaded = await content.load_list(tx, service.vault, blocked.kept())
        assert (await content.load_list(tx, service.vault, own.kept())).screened is not None
    assert loaded.blocked is not None
    digest = content.blocklist_digest(service.vault)
    found = loaded.blocked.find("phone", "+254722000111", digest, blocked.published_on)
    assert found is not None
    assert b"722000111" not in loaded.content


async def test_of_two_who_put_a_list_at_once_the_later_is_told(service: Service) -> None:
    late = await operations.prepare_list(service, "eu", eu_list("2026-11-02", NAMES))
    await put(service, "eu", eu_list("2026-11-01", NAMES))
    with pytest.raises(ListPutMeanwhile):
        async with service.db.system() as tx:
            await operations.put_list(tx, service, SERVICE, late)


async def test_bytes_that_are_not_those_that_were_put_are_refused(service: Service, database_url: str) -> None:
    version = await put(service, "eu", eu_list("2026-11-01", NAMES))
    other = await content.pack(eu_list("2026-11-01", NAMES[1:]))
    owner = await asyncpg.connect(database_url)
    await owner.execute("UPDATE list_chunk SET packed = $1", other)
    await owner.close()
    async with service.db.system_reads() as tx:
        with pytest.raises(kyb.BadList, match="not those that were put"):
            await content.load_list(tx, service.vault, version.kept())


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE list_version SET sha256 = 'x'",
        "UPDATE list_version SET published_on = now()",
        "DELETE FROM list_version",
        "UPDATE list_chunk SET packed = ''",
        "DELETE FROM list_chunk",
    ],
)
async def test_nobody_who_serves_can_change_a_version(service: Service, statement: str) -> None:
    async with service.db.system() as tx:
        assert await tx.fetchval("SELECT current_user") == SYSTEM_ROLE
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await tx.execute(statement)


async def test_every_act_is_in_the_audit_record(service: Service) -> None:
    version = await put(service, "eu", eu_list("2026-11-01", NAMES))
    await put(service, "eu", eu_list("2026-11-01", NAMES))
    await put(service, "eu", eu_list("2026-10-01", NAMES))
    async with service.db.system_reads() as tx:
        rows = await tx.fetch("SELECT action, subject_id FROM audit_entry WHERE subject_type = 'list' ORDER BY seq")
    assert [row["action"] for row in rows] == ["list.in_force", "list.still_current", "list.refused"]
    assert rows[0]["subject_id"] == str(version.id)


async def test_a_large_list_is_kept_in_chunks_and_read_back(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "_CHUNK_BYTES", 5)
    version = await put(service, "eu", eu_list("2026-11-01", NAMES))
    async with service.db.system_reads() as tx:
        assert await tx.fetchval("SELECT count(*) FROM list_chunk") > 2 * content._CHUNKS_AT_ONCE
        assert len((await content.load_list(tx, service.vault, version.kept())).entries) == len(NAMES)


@pytest.mark.parametrize("file", [b"\x1f\x8b", b"\x1f\x8bnot gzip at all", b"", b"<x/>"])
async def test_what_cannot_be_unpacked_or_read_is_refused(service: Service, file: bytes) -> None:
    with pytest.raises(kyb.BadList):
        await operations.prepare_list(service, "eu", file)
