"""A backup is restored on another server, under other roles, and everything opens; under another key nothing begins."""

import asyncio
import io
import json
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import msgspec
import pytest

from merchant.core import keyring, postgres
from merchant.core.postgres import clients
from merchant.core.postgres.clients import ClientFailed, NoClients
from merchant.core.secret_key import NoSecretKey
from merchant.core.service import Service, open_service
from merchant.core.settings import Settings
from merchant.core.vault import BadSecretKey
from merchant.people.sign_in import Attempt, sign_in
from merchant.programs.backup import BadBackup, Manifest, last_taken_at, read_manifest, write_backup
from merchant.programs.restore import NotEmpty, check_backup, restore
from merchant.programs.runtime import ready_service
from tests import builders
from tests.builders import OPERATOR, PASSWORD, SECRET_KEY, World

pytestmark = [pytest.mark.anyio, pytest.mark.database]


@pytest.fixture(scope="session")
def template(shop_template: str) -> str:
    return shop_template


@pytest.fixture
async def taken(service: Service, world: World, database_url: str, tmp_path: Path) -> AsyncIterator[Path]:
    """A backup of a database with a merchant and a submitted application."""
    await builders.create_application(service, world.maker, submitted=True)
    path = tmp_path / "backup.tar"
    await write_backup(service, database_url, path)
    yield path


async def rows(url: str) -> dict[str, int]:
    connection = await asyncpg.connect(url)
    names = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    counts = {name: await connection.fetchval(f"SELECT count(*) FROM {name}") for (name,) in names}
    await connection.close()
    return counts


async def constraints(url: str) -> set[str]:
    connection = await asyncpg.connect(url)
    found = await connection.fetch(
        "SELECT conrelid::regclass::text || pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace AND contype IN ('f', 'p', 'u', 'c')"
    )
    await connection.close()
    return {row[0] for row in found}


def change_member(path: Path, name: str, content: bytes) -> None:
    """Put other bytes into a backup."""
    with tarfile.open(path) as packed:
        kept = {member.name: packed.extractfile(member).read() for member in packed}  # type: ignore[union-attr]
    kept[name] = content
    with tarfile.open(path, "w") as out:
        for member, data in kept.items():
            about = tarfile.TarInfo(member)
            about.size = len(data)
            out.addfile(about, io.BytesIO(data))


async def test_a_backup_is_restored_on_a_new_server_under_roles_of_other_names(
    taken: Path, settings: Settings, database_url: str, tmp_path: Path
) -> None:
    other = msgspec.structs.replace(
        settings, data_dir=tmp_path / "new", database_app_role="new_app", database_system_role="new_system"
    )
    manifest = check_backup(other, taken)
    other.data_dir.mkdir()
    other.anchor_path.write_text("what the lost machine anchored")
    running = await asyncio.to_thread(postgres.start, other.data_dir / "postgres", settings={"fsync": "off"})
    try:
        found = await restore(other, running.url(), taken, manifest)
        assert found == manifest.rows
        assert found["merchant"] == 1
        [aside] = other.data_dir.glob("audit-anchors.before-restore-*.jsonl")
        assert (aside.read_text(), other.anchor_path.exists()) == ("what the lost machine anchored", False)
        assert await rows(running.url()) == await rows(database_url)
        assert await constraints(running.url()) == await constraints(database_url)
        async with ready_service(other, running.url()) as service:
            assert service.reconciling
            assert (await sign_in(service, Attempt(email=OPERATOR, password=PASSWORD))).user.name == "Hub operator"
            merchant, _ = await builders.find_shop(service)
            phone = service.vault.open(merchant.phone_sealed or b"", f"merchant:{merchant.id}").decode()
            assert service.vault.digest("phone", phone) == merchant.phone_digest
            # Sequences go on where they were.
            await builders.create_application(service, (await builders.load_world(service)).maker, submitted=True)
    finally:
        await asyncio.to_thread(running.stop)


async def test_a_backup_says_what_it_needs_and_holds_no_key(taken: Path, settings: Settings) -> None:
    manifest = read_manifest(taken)
    assert (manifest.key_ids, manifest.scheme) == (["test"], builders.SCHEME.name)
    content = taken.read_bytes()
    assert SECRET_KEY.encode() not in content
    assert keyring.parse(SECRET_KEY)["test"] not in content
    assert taken.stat().st_mode & 0o777 == 0o600
    assert last_taken_at(settings) is not None


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        (f"other:{SECRET_KEY.partition(':')[2]}", "lacks key 'test'.*it holds 'other'"),
        ("test:" + "QkJC" * 10 + "QkI=", "does not open: other key"),
    ],
)
async def test_under_another_key_nothing_is_begun(taken: Path, settings: Settings, key: str, sentence: str) -> None:
    with pytest.raises(BadSecretKey, match=sentence):
        check_backup(msgspec.structs.replace(settings, secret_key=key), taken)


async def test_without_a_key_the_one_that_is_missing_is_named(taken: Path, settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(NoSecretKey, match=r"sealed under the key test.*does not exist"):
        check_backup(msgspec.structs.replace(settings, secret_key="", data_dir=tmp_path / "none"), taken)
    assert not (tmp_path / "none").exists()


async def test_a_database_that_holds_something_is_left_alone(
    taken: Path, settings: Settings, database_url: str
) -> None:
    before = await rows(database_url)
    with pytest.raises(NotEmpty, match="not empty"):
        await restore(settings, database_url, taken, check_backup(settings, taken))
    assert await rows(database_url) == before


@pytest.mark.parametrize("damage", ["cut", "other"])
async def test_a_damaged_backup_leaves_an_empty_database(
    taken: Path, settings: Settings, empty_url: str, damage: str
) -> None:
    with tarfile.open(taken) as packed:
        dump = packed.extractfile("rows.dump").read()  # type: ignore[union-attr]
    change_member(taken, "rows.dump", dump[: len(dump) * 3 // 4] if damage == "cut" else b"not a dump")
    with pytest.raises((BadBackup, ClientFailed)):
        await restore(settings, empty_url, taken, check_backup(settings, taken))
    counts = await rows(empty_url)
    assert {name for name, count in counts.items() if count} <= {"alembic_version", "installation"}


async def test_after_a_failed_restore_a_whole_backup_may_be_restored(
    taken: Path, settings: Settings, empty_url: str, tmp_path: Path
) -> None:
    whole = taken.read_bytes()
    change_member(taken, "rows.dump", b"not a dump")
    with pytest.raises(BadBackup):
        await restore(settings, empty_url, taken, check_backup(settings, taken))
    taken.write_bytes(whole)
    assert (await restore(settings, empty_url, taken, check_backup(settings, taken)))["merchant"] == 1
    async with open_service(settings, empty_url) as service:
        assert (await service.scheme()).name == builders.SCHEME.name


@pytest.mark.parametrize("content", [b"", b"hello", b"\x00" * 2048, None])
def test_what_is_no_backup_is_told(tmp_path: Path, settings: Settings, content: bytes | None) -> None:
    path = tmp_path / "x.tar"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadBackup, match=r"is not a backup|cannot be read"):
        check_backup(settings, path)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [({"format": 2}, "format 2, and this program knows 1"), ({"revision": "9999"}, "of a newer release")],
)
async def test_a_backup_of_a_newer_release_is_told(
    taken: Path, settings: Settings, changed: dict[str, object], sentence: str
) -> None:
    manifest = msgspec.to_builtins(read_manifest(taken)) | changed
    change_member(taken, "manifest.json", json.dumps(manifest).encode())
    with pytest.raises(BadBackup, match=sentence):
        check_backup(settings, taken)


async def test_a_file_that_exists_is_not_written_over(service: Service, database_url: str, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("kept")
    with pytest.raises(BadBackup, match="exists already"):
        await write_backup(service, database_url, tmp_path / "kept")
    with pytest.raises(BadBackup, match="cannot be written"):
        await write_backup(service, database_url, tmp_path / "no" / "folder" / "x")
    assert (tmp_path / "kept").read_text() == "kept"
    assert last_taken_at(service.settings) is None


async def test_a_backup_is_of_one_moment(service: Service, world: World, database_url: str, tmp_path: Path) -> None:
    """Applications that come while it is written are in it whole or not at all, and its counts are of its rows."""

    async def write_on() -> None:
        while True:
            await builders.create_application(service, world.maker, submitted=True)

    writing = asyncio.create_task(write_on())
    await write_backup(service, database_url, tmp_path / "x.tar")
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    manifest: Manifest = read_manifest(tmp_path / "x.tar")
    assert manifest.rows["application"] <= (await rows(database_url))["application"]


def test_programs_that_are_older_than_the_server_are_not_used() -> None:
    with pytest.raises(NoClients, match=r"PostgreSQL 99 or later .*install the package postgresql-client"):
        clients.find_clients(99)


def test_the_programs_check_the_servers_certificate_as_we_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    monkeypatch.setenv("PGSSLROOTCERT", "/etc/ssl/db.pem")
    monkeypatch.setenv("PGHOST", "elsewhere.example")
    _, environment = clients.client_environment("postgresql://me@db.example/x")
    assert (environment["PGSSLMODE"], environment["PGSSLROOTCERT"]) == ("verify-full", "/etc/ssl/db.pem")
    assert "PGHOST" not in environment


def test_a_password_is_handed_over_in_the_environment() -> None:
    place, environment = clients.client_environment("postgresql://me:p%40ss%3Aword@db.example:5433/x?sslmode=require")
    assert place == "postgresql://me@db.example:5433/x?sslmode=require"
    assert environment["PGPASSWORD"] == "p@ss:word"
