"""What stands between the service and its primary: a standby in its place, a server that takes no changes any more, and
PgBouncer, where it is installed (MERCHANT_TEST_PGBOUNCER=1 makes it a must).
"""

import asyncio
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from merchant.core import db, outbox, pools, postgres
from merchant.core.db import UnsafePooler, UnsafeRole
from merchant.core.pools import DatabaseAway
from merchant.core.service import Service, open_service
from merchant.core.settings import Settings
from tests.merchant.demo.simulator.conftest import free_port

pytestmark = pytest.mark.anyio
PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
START_S = 20.0
LIMITS = "SELECT current_user, current_setting('statement_timeout'), current_setting('default_transaction_read_only')"

needs_pgbouncer = pytest.mark.skipif(
    PGBOUNCER is None and not os.environ.get("MERCHANT_TEST_PGBOUNCER"), reason="PgBouncer is not installed"
)


# --- a server that is no primary -------------------------------------------------------------------------------------


def test_a_standby_is_not_taken_for_the_primary(tmp_path: Path) -> None:
    with postgres.start(tmp_path / "postgres"):
        pass
    cluster = next(tmp_path.rglob("postgresql.conf")).parent
    owner = (cluster / "PG_VERSION").stat()
    (cluster / "standby.signal").touch()
    os.chown(cluster / "standby.signal", owner.st_uid, owner.st_gid)
    with postgres.start(tmp_path / "postgres") as standby:
        asyncio.run(_is_refused(standby.url("postgres")))


async def _is_refused(url: str) -> None:
    connection = await asyncpg.connect(url)
    assert await connection.fetchval("SELECT pg_is_in_recovery()")
    await connection.close()
    with pytest.raises(DatabaseAway):
        await pools.connect(url)


async def test_a_connection_that_takes_no_changes_any_more_is_replaced(service: Service) -> None:
    """As a primary's whose storage was switched to read-only, or that became a standby."""
    async with service.db.system_statements() as tx:
        before = await tx.fetchval("SELECT pg_backend_pid()")
        await tx.execute("SET default_transaction_read_only = on")
    with pytest.raises(DatabaseAway):
        async with service.db.system_statements() as tx:
            assert await tx.fetchval("SELECT pg_backend_pid()") == before
            await tx.execute("UPDATE scheme SET name = name")
    async with service.db.system_statements() as tx:
        assert await tx.fetchval("SELECT pg_backend_pid()") != before
        assert await tx.execute("UPDATE scheme SET name = name") == 1


async def test_it_is_replaced_within_a_transaction_too(service: Service) -> None:
    async with service.db.system_statements() as tx:
        await tx.execute("SET default_transaction_read_only = on")
    with pytest.raises(DatabaseAway):
        async with service.db.system() as tx:
            await tx.execute("UPDATE scheme SET name = name")
    async with service.db.system() as tx:
        assert await tx.execute("UPDATE scheme SET name = name") == 1


async def test_reads_that_try_to_write_are_a_fault_of_ours_and_keep_their_connection(service: Service) -> None:
    async with service.db.system_reads() as tx:
        before = await tx.fetchval("SELECT pg_backend_pid()")
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        async with service.db.system_reads() as tx:
            await tx.fetch("UPDATE scheme SET name = name")
    async with service.db.system_reads() as tx:
        assert await tx.fetchval("SELECT pg_backend_pid()") == before


# --- PgBouncer -------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def pooler(url: str, *settings: str) -> AsyncIterator[str]:
    """PgBouncer before a database; the URL by way of it."""
    assert PGBOUNCER is not None, "MERCHANT_TEST_PGBOUNCER is set, and PgBouncer is not installed"
    parts = urlsplit(url)
    place = {name: found[0] for name, found in parse_qs(parts.query).items()}
    port, user = free_port(), _owner_of(place["host"])
    with tempfile.TemporaryDirectory(prefix="merchant-pgbouncer-") as name:
        folder = Path(name)
        (folder / "users.txt").write_text(f'"{parts.username}" "{parts.password}"\n')
        lines = [
            "[databases]",
            f"* = host={place['host']} port={place['port']}",
            "[pgbouncer]",
            "listen_addr = 127.0.0.1",
            f"listen_port = {port}",
            "unix_socket_dir =",
            "auth_type = plain",
            f"auth_file = {folder / 'users.txt'}",
            *settings,
        ]
        (folder / "pgbouncer.ini").write_text("\n".join([*lines, ""]))
        as_user: dict[str, object] = {}
        if os.geteuid() == 0:
            for path in (folder, *folder.iterdir()):
                shutil.chown(path, user)
            as_user = {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(  # type: ignore[call-overload]
                [PGBOUNCER, folder / "pgbouncer.ini"], stdout=log, stderr=log, **as_user
            )
        try:
            await _listens(port, process, lambda: (folder / "log").read_text())
            yield f"postgresql://{parts.username}:{parts.password}@127.0.0.1:{port}{parts.path}"
        finally:
            process.terminate()
            process.wait()


def _owner_of(folder: str) -> str:
    """Who runs the server, and may enter the folder of its socket."""
    return pwd.getpwuid(Path(folder).stat().st_uid).pw_name


async def _listens(port: int, process: "subprocess.Popen[bytes]", said: Callable[[], str]) -> None:
    async with asyncio.timeout(START_S):
        while True:
            assert process.poll() is None, said()
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.02)


@needs_pgbouncer
async def test_behind_a_pooler_of_sessions_everything_runs_under_its_role_and_limits(
    database_url: str, settings: Settings
) -> None:
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(pooler(database_url, "pool_mode = session", "default_pool_size = 40"))
        service = await stack.enter_async_context(open_service(settings, url))
        for block, role, read_only in (
            (service.db.tenant(None), db.APP_ROLE, "off"),
            (service.db.system(), db.SYSTEM_ROLE, "off"),
            (service.db.system_reads(), db.SYSTEM_ROLE, "on"),
        ):
            async with block as tx:
                row = await tx.fetchrow(LIMITS)
                assert row is not None and tuple(row) == (role, "5s", read_only)
        async with service.db.system() as tx:
            assert await tx.execute("UPDATE scheme SET name = name") == 1
        heard = asyncio.Event()
        listener = await service.db.listener()
        await listener.add_listener(outbox.CHANNEL, lambda *_: heard.set())
        async with service.db.system_statements() as tx:
            await tx.execute(f"NOTIFY {outbox.CHANNEL}")
        await asyncio.wait_for(heard.wait(), START_S)
        listener.terminate()


@needs_pgbouncer
async def test_a_pooler_that_shares_servers_between_transactions_is_refused(
    database_url: str, settings: Settings
) -> None:
    async with pooler(database_url, "pool_mode = transaction") as url:
        with pytest.raises(UnsafePooler, match="pool_mode = session"):
            async with open_service(settings, url):
                pass


@needs_pgbouncer
async def test_a_pooler_that_swallows_the_role_is_refused(database_url: str, settings: Settings) -> None:
    ignored = ",".join(pools.server_settings("x"))
    async with pooler(database_url, "pool_mode = session", f"ignore_startup_parameters = {ignored}") as url:
        with pytest.raises(UnsafeRole, match="start-up parameter"):
            async with open_service(settings, url):
                pass
