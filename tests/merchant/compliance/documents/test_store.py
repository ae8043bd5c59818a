"""Where files are: whole or not at all, unreadable without their keys, in a folder or in storage that speaks S3."""

import asyncio
import os
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest

from merchant.compliance.documents import store
from merchant.compliance.documents.loose_files import delete_loose_files
from merchant.compliance.documents.problems import DamagedDocument, StoreAway
from merchant.compliance.documents.sealed_file import open_file, seal_file
from merchant.core.service import Service
from merchant.core.settings import Settings
from tests import builders
from tests.builders import World
from tests.merchant.compliance.documents.desk import hand_in, rows, stored
from tests.merchant.compliance.documents.s3_simulator import KEY, SECRET, Bucket, running_storage
from tests.merchant.compliance.documents.samples import pdf
from tests.paths import ROOT

pytestmark = pytest.mark.anyio
NAME = store.name_of(UUID(int=1), "ab" * 32)


async def handed_in(client: httpx.AsyncClient, service: Service, world: World) -> str:
    """The id of a document."""
    application = await builders.create_application(service, world.maker)
    answered = await hand_in(client, world.maker, f"applications/{application.id}")
    assert answered.status_code == 201, answered.text
    return str(answered.json()["id"])


# --- sealed files ----------------------------------------------------------------------------------------------------


def test_a_file_opens_with_its_own_key_as_its_own_document_only() -> None:
    content, ours = b"Kanari" * 1000, uuid4()
    one, other = seal_file(content, ours), seal_file(content, ours)
    assert open_file(one.data, one.key, ours) == content
    assert b"Kanari" not in one.data
    assert (one.key, one.data, one.sha256) != (other.key, other.data, other.sha256)
    changed = bytes([*one.data[:-1], one.data[-1] ^ 1])
    for data, key, document_id in (
        (one.data, other.key, ours),
        (one.data, one.key, uuid4()),
        (changed, one.key, ours),
        (one.data[:-1], one.key, ours),
        (one.data[1:], one.key, ours),
        (b"", one.key, ours),
    ):
        with pytest.raises(DamagedDocument):
            open_file(data, key, document_id)


# --- a folder --------------------------------------------------------------------------------------------------------


async def test_a_folder_keeps_sealed_files_that_only_the_service_reads(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    document_id = await handed_in(client, service, world)
    [path] = stored(service)
    [row] = await rows(service)
    assert path.name == row["stored_sha256"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"%PDF" not in path.read_bytes()
    assert row["sha256"] not in str(path)
    for sealed in ("key_sealed", "file_name_sealed"):
        assert row[sealed].startswith(service.vault.prefix)
    # Whoever changes or moves a file is found out.
    content, address = path.read_bytes(), f"/api/v1/documents/{document_id}/content"
    for damage in (content[:-1], content[:40] + b"\0" + content[41:]):
        path.write_bytes(damage)
        told = await client.get(address, headers=world.checker.headers)
        assert (told.status_code, told.json()["code"]) == (500, "document_damaged")
    path.unlink()
    assert (await client.get(address, headers=world.checker.headers)).json()["code"] == "document_damaged"


async def test_a_file_is_whole_or_not_there_and_what_was_interrupted_is_deleted_with_it(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = store.store_of(service)

    def interrupted(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", interrupted)
        with pytest.raises(StoreAway):
            await kept.put(NAME, b"sealed")
    assert stored(service) == []
    await kept.put(NAME, b"sealed")
    path = service.settings.data_dir / "documents" / NAME
    left = path.with_name(f".abc{path.name}")  # as a killed process leaves it
    left.write_bytes(b"half")
    for _ in range(2):
        await kept.delete(NAME)
    assert stored(service) == []
    with pytest.raises(DamagedDocument):
        await kept.get(NAME)


async def test_when_the_store_is_away_nothing_is_taken(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    (service.settings.data_dir / "documents").write_text("in the way")
    application = await builders.create_application(service, world.maker)
    answered = await hand_in(client, world.maker, f"applications/{application.id}")
    assert (answered.status_code, answered.json()["code"]) == (503, "store_unavailable")
    assert await rows(service) == []


async def test_a_file_whose_document_was_never_made_is_deleted_after_an_hour(
    client: httpx.AsyncClient, service: Service, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    application = await builders.create_application(service, world.maker)
    holder = f"applications/{application.id}"

    async def interrupted(*_given: object) -> None:
        raise RuntimeError("the process ends here")

    with monkeypatch.context() as broken:
        broken.setattr("merchant.compliance.documents.operations._add_row", interrupted)
        assert (await hand_in(client, world.maker, holder)).status_code == 500
    assert await rows(service) == []
    assert len(stored(service)) == 1
    assert await delete_loose_files(service) == 0  # it may still be on its way
    await hand_in(client, world.maker, holder)
    async with service.db.system() as tx:
        await tx.execute("UPDATE loose_file SET due_at = now()")
        # A note of a file that a document holds all the same, as a process of another release might leave it.
        await tx.execute("INSERT INTO loose_file SELECT stored_sha256, dfsp_id, now() FROM document")
    assert await delete_loose_files(service) == 2
    [path], [row] = stored(service), await rows(service)
    assert path.name == row["stored_sha256"]
    assert await rows(service, "loose_file") == []


# --- storage that speaks S3 ------------------------------------------------------------------------------------------


@pytest.fixture
async def bucket() -> AsyncIterator[Bucket]:
    async with running_storage() as running:
        yield running


@pytest.fixture
def s3(settings: Settings, bucket: Bucket, tmp_path: Path) -> Settings:
    """Settings of that storage."""
    secret = tmp_path / "secret"
    secret.write_text(f"{SECRET}\n")
    address = f"s3://papers/of/merchants?endpoint={bucket.url}&region=us-east-1"
    return msgspec.structs.replace(
        settings, document_store=address, document_store_key=KEY, document_store_secret_file=str(secret)
    )


async def test_files_go_to_storage_sealed_and_come_back(
    client: httpx.AsyncClient, service: Service, world: World, s3: Settings, bucket: Bucket
) -> None:
    service.settings = s3
    document_id = await handed_in(client, service, world)
    [(path, data)] = bucket.objects.items()
    [row] = await rows(service)
    assert path == f"/papers/of/merchants/{store.name_of(row['dfsp_id'], row['stored_sha256'])}"
    assert b"%PDF" not in data
    assert stored(service) == []
    address = f"/api/v1/documents/{document_id}/content"
    assert (await client.get(address, headers=world.checker.headers)).content == pdf()
    bucket.objects.clear()
    told = await client.get(address, headers=world.checker.headers)
    assert told.json()["code"] == "document_damaged"
    assert bucket.calls == ["PUT", "GET", "GET"]


@pytest.mark.parametrize("status", [403, 400, 503, None], ids=str)
async def test_storage_that_refuses_fails_or_is_not_there_is_away(
    s3: Settings, bucket: Bucket, status: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_RETRIES", 1)
    if status is None:
        s3 = msgspec.structs.replace(s3, document_store="s3://papers?endpoint=http://127.0.0.1:9&region=us-east-1")
    bucket.status = status
    kept = store._Bucket(s3)
    for call in (kept.put(NAME, b"sealed"), kept.get(NAME), kept.delete(NAME)):
        with pytest.raises(StoreAway):
            await call


_HAND_IN = """
import asyncio, sys, msgspec
from merchant.core.service import open_service
from merchant.core.settings import load
from tests import builders
import merchant.migrations.schema

async def main(url):
    async with open_service(load(dict(MERCHANT_SECRET_KEY=builders.SECRET_KEY, MERCHANT_DOCUMENT_STORE=sys.argv[2],
            MERCHANT_DOCUMENT_STORE_KEY=sys.argv[3], MERCHANT_DOCUMENT_STORE_SECRET=sys.argv[4])), url) as service:
        world = await builders.load_world(service)
        await builders.create_document(service, world.maker, await builders.create_application(service, world.maker))

asyncio.run(main(sys.argv[1]))
"""


async def test_a_process_that_is_killed_while_it_stores_leaves_no_document_and_nothing_for_good(
    service: Service, database_url: str, s3: Settings, bucket: Bucket
) -> None:
    bucket.goes_on.clear()
    arguments = ("-c", _HAND_IN, database_url, s3.document_store, KEY, SECRET)
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, cwd=ROOT)
    try:
        async with asyncio.timeout(60):
            await bucket.asked.wait()
    finally:
        process.kill()
        await process.wait()
    bucket.goes_on.set()
    assert await rows(service) == []
    [loose] = await rows(service, "loose_file")
    async with service.db.system() as tx:
        await tx.execute("UPDATE loose_file SET due_at = now()")
    bucket.objects[f"/papers/of/merchants/{store.name_of(loose['dfsp_id'], loose['stored_sha256'])}"] = b"late"
    service.settings = s3
    assert await delete_loose_files(service) == 1
    assert (bucket.objects, await rows(service, "loose_file")) == ({}, [])


async def test_what_is_not_in_storage_is_deleted_already(s3: Settings, bucket: Bucket) -> None:
    kept = store._Bucket(s3)
    await kept.put(NAME, b"sealed" * 2_000_000)
    assert await kept.get(NAME) == b"sealed" * 2_000_000
    for _ in range(2):
        await kept.delete(NAME)
    assert bucket.objects == {}
    assert bucket.calls.count("PUT") == 1
    with pytest.raises(DamagedDocument):
        await kept.get(NAME)


async def test_a_secret_that_cannot_be_read_stops_with_its_name(s3: Settings) -> None:
    with pytest.raises(store.BadStoreSecret, match="MERCHANT_DOCUMENT_STORE_SECRET_FILE"):
        store._Bucket(msgspec.structs.replace(s3, document_store_secret_file="/nowhere"))
