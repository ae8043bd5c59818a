"""Loading a golden copy: all of a file replaces all of the one before, and whatever is not one changes nothing."""

import asyncio
import contextlib
from pathlib import Path

import pytest

import kyb
from merchant.compliance.registers import operations, queries
from merchant.compliance.registers.problems import LeiFileShrank, NoLeiRecords
from merchant.core.service import Service
from tests.merchant.compliance.registers.stage import APPLE, SHOP, entity, golden_copy, leis, load, numbered, zipped

pytestmark = pytest.mark.anyio
FILE = Path("tests/kyb/data/golden_copy.csv")


async def test_a_file_replaces_the_one_before_whole(service: Service, tmp_path: Path) -> None:
    first = await load(service, tmp_path, golden_copy(entity(), entity(APPLE, "Apple Inc.", "US")))
    assert (first.record_count, first.file_count, first.countries) == (2, 2, ())
    renamed = entity(name="Baraka Stores PLC", status="LAPSED")
    second = await load(service, tmp_path, zipped(golden_copy(renamed, *numbered(2))))
    assert second.id != first.id
    async with service.db.system_reads() as tx:
        assert await queries.find_record(tx, APPLE) is None
        found = await queries.find_record(tx, SHOP)
        assert await queries.newest_load(tx) == second
    assert found is not None
    assert (found.legal_name, found.registration_status, found.other_names) == ("Baraka Stores PLC", "LAPSED", ())
    assert len(await leis(service)) == 3


async def test_every_field_of_a_record_is_kept_as_it_was_read(service: Service, tmp_path: Path) -> None:
    await load(service, tmp_path, FILE.read_bytes())
    async with service.db.system_reads() as tx:
        for record in kyb.read_golden_copy(FILE.read_bytes().splitlines(keepends=True)):
            assert await queries.find_record(tx, record.lei) == record


async def test_the_same_file_twice_says_that_it_is_still_current(service: Service, tmp_path: Path) -> None:
    content = golden_copy(entity(), entity(APPLE, "Apple Inc.", "US"))
    first = await load(service, tmp_path, content)
    again = await load(service, tmp_path, content)
    assert (again.id, again.loaded_at) == (first.id, first.loaded_at)
    assert again.checked_at > first.checked_at
    narrowed = await load(service, tmp_path, content, "US")
    assert (narrowed.id == first.id, narrowed.record_count, await leis(service)) == (False, 1, [APPLE])
    async with service.db.system_reads() as tx:
        told = await tx.fetch("SELECT action FROM audit_entry WHERE action LIKE 'lei.%' ORDER BY seq")
    assert [row["action"] for row in told] == ["lei.loaded", "lei.still_current", "lei.loaded"]


async def test_a_broken_file_changes_nothing(service: Service, tmp_path: Path) -> None:
    before = await load(service, tmp_path, golden_copy(entity()))
    good = golden_copy(*numbered(40))
    for content, says in (
        (good[:-30], "unexpected end of data|fields where"),
        (zipped(good)[:-40], "cannot be unpacked"),
        (golden_copy(*numbered(3), entity(), entity()), "stands in it twice"),
    ):
        with pytest.raises(kyb.BadGoldenCopy, match=says):
            await load(service, tmp_path, content, force=True)
        async with service.db.system_reads() as tx:
            assert await queries.newest_load(tx) == before
        assert await leis(service) == [SHOP]


async def test_a_file_without_what_is_to_be_kept_changes_nothing(service: Service, tmp_path: Path) -> None:
    before = await leis(service)
    for content, countries in ((golden_copy(), ()), (golden_copy(*numbered(3)), ("TZ",))):
        with pytest.raises(NoLeiRecords):
            await load(service, tmp_path, content, *countries, force=True)
    assert await leis(service) == before == []


async def test_a_file_that_shrank_by_more_than_half_is_loaded_by_force_only(service: Service, tmp_path: Path) -> None:
    await load(service, tmp_path, golden_copy(*numbered(10, "KE"), entity(APPLE, "Apple Inc.", "US")), "KE")
    with pytest.raises(LeiFileShrank, match="--force"):
        await load(service, tmp_path, golden_copy(*numbered(5)), "KE")
    # Of the countries kept none may vanish either, however long the file is.
    elsewhere = [*numbered(4, "KE"), *numbered(12, "UG")[4:]]
    with pytest.raises(LeiFileShrank, match="holds 4 records where the one before had 10"):
        await load(service, tmp_path, golden_copy(*elsewhere), "KE")
    assert len(await leis(service)) == 10
    assert (await load(service, tmp_path, golden_copy(*numbered(6)), "KE")).record_count == 6
    assert (await load(service, tmp_path, golden_copy(*numbered(1)), "KE", force=True)).record_count == 1


async def test_a_load_that_is_stopped_half_way_changes_nothing_and_holds_nobody_up(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await load(service, tmp_path, golden_copy(entity()))
    monkeypatch.setattr(operations, "TOLD_EVERY", 500)
    seen: list[int] = []

    def tell(count: int) -> None:
        seen.append(count)
        running.cancel()

    running = asyncio.create_task(load(service, tmp_path, golden_copy(*numbered(20_000)), tell=tell))
    with contextlib.suppress(asyncio.CancelledError):
        await running
    assert seen
    assert seen[-1] < 20_000
    assert await leis(service) == [SHOP]
    assert (await load(service, tmp_path, golden_copy(*numbered(3)))).record_count == 3
