"""What releases before wrote in clear: sealed by the worker, read the same before and after."""

from typing import Any

import httpx
import msgspec
import pytest
from sqlmodel import select

from merchant.compliance.cases import sealed_fields
from merchant.compliance.cases.models import Application
from merchant.core.service import Service
from merchant.programs import sealing
from merchant.programs.rotation import SEALED_COLUMNS
from merchant.programs.sealing import CLEAR_COLUMNS, seal_all
from tests import builders
from tests.api.everything import Things
from tests.api.everything import make_things as make
from tests.builders import World

pytestmark = pytest.mark.anyio


@pytest.fixture
async def things(service: Service, client: httpx.AsyncClient, world: World) -> Things:
    """One of everything, decided on in every way, in clear as the release before wrote it."""
    found = await make(service, client, world)
    path = f"/api/v1/applications/{found.ids['application_id']}"
    sticker = f"/api/v1/counters/{found.ids['counter_id']}/stickers"
    checker, maker = world.checker.headers, world.maker.headers
    rejected = await builders.create_application(service, world.maker, submitted=True)
    decided = [
        await client.post(
            f"{path}/hits/{found.ids['hit_id']}", json={"decision": "true_match", "reason": "Hit."}, headers=checker
        ),
        await client.post(
            f"{path}/return", json={"items": [{"path": "owners[0]", "reason": "Look."}]}, headers=checker
        ),
        await client.post(f"/api/v1/applications/{rejected.id}/reject", json={"reason": "No."}, headers=checker),
        await client.post(sticker, json={"reason": "Worn."}, headers={**maker, "idempotency-key": "w"}),
    ]
    assert all(one.status_code in (200, 201) for one in decided), [one.text for one in decided]
    await unseal(service)
    return found


async def unseal(service: Service) -> None:
    """Put every sealed value back into the column in clear."""
    async with service.db.system() as tx:
        for column in CLEAR_COLUMNS:
            sealed, keys = column.sealed, ", ".join(column.sealed.keys)
            rows = await tx.fetch(f"SELECT {keys}, {sealed.column} AS sealed FROM {sealed.table}")
            for row in rows:
                if row["sealed"] is None:
                    continue
                value = msgspec.json.decode(service.vault.open(row["sealed"], sealed.context.format_map(row)))
                this_row = " AND ".join(f"{name} = ${place}" for place, name in enumerate(sealed.keys, start=2))
                text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
                kind = "" if isinstance(value, str) else "::jsonb"
                await tx.execute(
                    f"UPDATE {sealed.table} SET {sealed.column} = NULL, {column.clear} = $1{kind} WHERE {this_row}",
                    text,
                    *(row[name] for name in sealed.keys),
                )


async def in_clear(service: Service) -> dict[str, int]:
    """How many rows hold a value in clear, by column."""
    async with service.db.system() as tx:
        return {
            f"{column.sealed.table}.{column.clear}": await tx.fetchval(
                f"SELECT count(*) FROM {column.sealed.table} WHERE {column.clear} IS DISTINCT FROM {column.blank}"
                f" AND to_jsonb({column.clear}) <> 'null'"
            )
            for column in CLEAR_COLUMNS
        }


async def shown(client: httpx.AsyncClient, world: World, things: Things) -> list[Any]:
    """What the checker reads of all that."""
    paths = ["/api/v1/applications?limit=100", f"/api/v1/counters/{things.ids['counter_id']}/stickers"]
    listed = (await client.get(paths[0], headers=world.checker.headers)).json()["items"]
    paths += [f"/api/v1/applications/{one['id']}{part}" for one in listed for part in ("", "/versions")]
    return [(await client.get(path, headers=world.checker.headers)).json() for path in paths]


async def test_every_value_in_clear_is_sealed_and_reads_the_same(
    service: Service, client: httpx.AsyncClient, world: World, things: Things, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "_BATCH_ROWS", 1)
    counted = await in_clear(service)
    assert all(counted.values()), counted
    before = await shown(client, world, things)
    await seal_all(service)
    assert set((await in_clear(service)).values()) == {0}
    assert await shown(client, world, things) == before
    assert "Look." in str(before)
    assert "Hit." in str(before)


def test_what_is_sealed_in_place_of_a_column_is_rotated_too() -> None:
    rotated = {(column.table, column.column, column.context) for column in SEALED_COLUMNS}
    assert {(one.sealed.table, one.sealed.column, one.sealed.context) for one in CLEAR_COLUMNS} <= rotated


async def test_what_the_release_before_writes_while_it_is_replaced_counts_and_is_sealed(
    service: Service, world: World
) -> None:
    """It knows the column in clear alone: a screening that it repeats is the newer one."""
    application = await builders.create_application(service, world.maker, submitted=True)
    newer = {**builders.report_of(application), "tier": "T1"}
    async with service.db.system() as tx:
        text = msgspec.json.encode(newer).decode()
        await tx.execute("UPDATE application SET report = $2::jsonb WHERE id = $1", application.id, text)

    async def found() -> tuple[Any, bool]:
        async with service.db.system() as tx:
            row = await tx.one(select(Application).where(Application.id == application.id))
            return sealed_fields.report_of(service.vault, row), row.report is None

    assert await found() == (newer, False)
    await seal_all(service)
    assert await found() == (newer, True)
