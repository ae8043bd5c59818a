"""Indexing merchants with the answers of their applications: at approval, and by the worker those that are not yet."""

import pytest

from merchant.compliance.cases import indexing
from merchant.core.service import Service
from merchant.registry.merchants.models import Merchant
from tests import builders
from tests.builders import DFSPS, World

pytestmark = pytest.mark.anyio


async def rows(service: Service) -> dict[str, list[object]]:
    """Everything that is kept to find merchants by."""
    async with service.db.system_reads() as tx:
        tables = ("merchant_search", "search_key")
        return {table: sorted(map(tuple, await tx.fetch(f"SELECT * FROM {table}"))) for table in tables}


async def test_the_worker_writes_of_merchants_of_before_what_an_approval_writes(
    service: Service, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for fsp_id in DFSPS:
        for _ in range(2):
            await builders.create_merchant(service, world, fsp_id)
    approved = await rows(service)
    assert all(approved.values())
    async with service.db.system() as tx:
        for table in approved:
            await tx.execute(f"DELETE FROM {table}")
        await tx.execute("UPDATE merchant SET indexed_at = NULL")
    monkeypatch.setattr(indexing, "_BATCH", 3)
    await indexing.index_all_missing(service)
    assert await rows(service) == approved
    async with service.db.system() as tx:
        assert await indexing.index_missing(tx, service) == []


async def test_numbers_that_an_older_release_indexed_as_they_were_written_are_compared_from_then_on(
    service: Service, world: World
) -> None:
    written = "1234 5678"
    document = builders.seller()
    document["owners"][0]["id_number"] = "12345678"
    second = builders.seller()
    second["owners"][0]["id_number"] = written
    merchants = [(await builders.create_merchant(service, world, document=one))[0] for one in (document, second)]
    async with service.db.system() as tx:  # as the release before left them: apart, under their spellings
        old = service.vault.digest("id_number", written)
        await tx.execute(
            "UPDATE application_identifier SET digest = $2 WHERE application_id = $1 AND kind = 'id_number'",
            merchants[1].application_id,
            old,
        )
        await tx.execute("UPDATE merchant SET indexed_at = NULL, limit_group = NULL")
    await indexing.index_all_missing(service)
    async with service.db.system_reads() as tx:
        digests = {
            row[0] for row in await tx.fetch("SELECT digest FROM application_identifier WHERE kind = 'id_number'")
        }
        group = await tx.fetchval("SELECT limit_group FROM merchant WHERE id = $1", merchants[1].id)
    assert digests == {service.vault.digest("id_number", "12345678")}
    assert group == merchants[0].id


async def test_a_merchant_that_someone_holds_is_left_for_the_next_time(service: Service, world: World) -> None:
    held, _ = await builders.create_merchant(service, world)
    await builders.create_merchant(service, world)
    async with service.db.system() as tx:
        await tx.execute("UPDATE merchant SET indexed_at = NULL")
    async with service.db.system() as holding:
        await holding.fetch("SELECT FROM merchant WHERE id = $1 FOR UPDATE", held.id)
        async with service.db.system() as tx:
            assert len(await indexing.index_missing(tx, service)) == 1
    async with service.db.system() as tx:
        assert await indexing.index_missing(tx, service) == [held.application_id]
        assert (await tx.session.get(Merchant, held.id)).indexed_at is not None  # type: ignore[union-attr]
