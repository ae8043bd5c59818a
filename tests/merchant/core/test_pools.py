"""Connections that fall silent, a database that is away, and tables that someone has locked: each made for real."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from structlog.testing import capture_logs

from merchant.core import pools
from merchant.core.db import Database, is_contention, is_unavailable
from merchant.core.pools import Caller, DatabaseAway
from merchant.core.service import Service, open_service
from merchant.core.settings import Settings
from tests.faults import Proxy, proxy_to

pytestmark = pytest.mark.anyio
DEADLINE_S = 0.4
SLOW_MACHINE_S = 2.0  # beside its deadlines, when the build server has other work
OURS = "FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'merchant%'"
SSL_REQUEST = bytes.fromhex("0000000804d2162f")


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The deadlines of production, twenty times as short."""
    monkeypatch.setattr(pools, "STATEMENT_TIMEOUT_S", 0.3)
    monkeypatch.setattr(pools, "GRACE_S", DEADLINE_S - 0.3)
    monkeypatch.setattr(pools, "END_TIMEOUT_S", 0.2)
    monkeypatch.setattr(pools, "PING_EVERY_S", 0.2)
    monkeypatch.setattr(pools, "CHECKOUT_TIMEOUT_S", 1.0)  # opening a connection takes its time, too


@pytest.fixture
async def proxy(database_url: str) -> AsyncIterator[Proxy]:
    async with proxy_to(database_url) as opened:
        yield opened


@pytest.fixture
async def far(hurried: None, proxy: Proxy, settings: Settings) -> AsyncIterator[Service]:
    """A service on another machine than its database."""
    async with open_service(settings, proxy.url) as opened:
        yield opened


async def read(service: Service) -> None:
    async with service.db.system_reads() as tx:
        await tx.fetchval("SELECT 1")


async def look_up(service: Service) -> None:
    async with service.db.look_ups() as tx:
        await tx.fetchval("SELECT 1")


async def write(service: Service) -> None:
    async with service.db.system() as tx:
        await tx.execute("UPDATE scheme SET name = name")


async def state(service: Service) -> None:
    async with service.db.system_statements() as tx:
        await tx.execute("UPDATE scheme SET name = name")


async def fill_in(service: Service) -> None:
    async with service.db.tenant(None) as tx:
        await tx.execute("SELECT 1")


async def use_session(service: Service) -> None:
    async with service.db.system() as tx:
        await tx.session.connection()
        await tx.fetchval("SELECT 1")


WAYS = [read, look_up, write, state, fill_in, use_session]
Way = Callable[[Service], Awaitable[None]]


@pytest.mark.parametrize("way", WAYS)
async def test_a_silent_connection_is_given_up_within_its_deadline_and_replaced(
    far: Service, proxy: Proxy, way: Way
) -> None:
    size = 4
    await asyncio.gather(*(way(far) for _ in range(size)))
    assert proxy.fall_silent() > 1
    begun_s = time.monotonic()
    with pytest.raises(DatabaseAway):
        await way(far)
    # One that failed is enough: nobody waits for the other connections that fell silent with it.
    for _ in range(size + 1):
        await way(far)
    assert far.db.silences == 1
    assert time.monotonic() - begun_s < DEADLINE_S + SLOW_MACHINE_S


async def test_connections_of_all_pools_are_replaced_when_one_was_silent(far: Service, proxy: Proxy) -> None:
    for way in WAYS:
        await way(far)
    proxy.fall_silent()
    with pytest.raises(DatabaseAway):
        await read(far)
    begun_s = time.monotonic()
    for way in WAYS:
        await way(far)
    assert far.db.silences == 1
    assert time.monotonic() - begun_s < SLOW_MACHINE_S


async def test_a_connection_that_falls_silent_within_a_transaction_counts_for_nothing(
    far: Service, proxy: Proxy
) -> None:
    with pytest.raises(DatabaseAway):
        async with far.db.system() as tx:
            await tx.execute("UPDATE scheme SET name = 'half done'")
            proxy.fall_silent()
            await tx.execute("UPDATE scheme SET name = 'done'")
    proxy.close()  # now the server notices too
    async with asyncio.timeout(5), far.db.system() as tx:
        assert "done" not in await tx.fetchval("SELECT name FROM scheme")


async def test_whoever_is_cancelled_while_a_connection_is_silent_waits_no_longer_than_a_moment(
    far: Service, proxy: Proxy
) -> None:
    async def stuck() -> None:
        async with far.db.system() as tx:
            proxy.fall_silent()
            await tx.execute("UPDATE scheme SET name = name")

    for _ in range(6):  # more than the pool has
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await stuck()
    await write(far)


async def test_a_fault_of_ours_in_a_transaction_keeps_its_connection(service: Service) -> None:
    async with service.db.system() as tx:
        pid = await tx.fetchval("SELECT pg_backend_pid()")
    with pytest.raises(ZeroDivisionError):
        async with service.db.system():
            raise ZeroDivisionError
    with pytest.raises(asyncpg.UndefinedTableError):
        async with service.db.system() as tx:
            await tx.execute("SELECT FROM nothing")
    async with service.db.system() as tx:
        assert await tx.fetchval("SELECT pg_backend_pid()") == pid
    assert service.db.silences == 0


async def test_a_listener_that_falls_silent_is_ended(far: Service, proxy: Proxy) -> None:
    connection = await far.db.listener()
    heard = asyncio.Event()
    await connection.add_listener("outbox", lambda *_: heard.set())
    watching = asyncio.create_task(pools.watch(connection, "outbox"))
    async with far.db.system() as tx:
        await tx.execute("NOTIFY outbox")
    await asyncio.wait_for(heard.wait(), 2)
    await asyncio.sleep(3 * pools.PING_EVERY_S)  # to show that one that answers is left alone
    assert not watching.done()
    proxy.fall_silent()
    await asyncio.wait_for(watching, 2)
    assert connection.is_closed()


async def test_a_probe_says_within_a_second_that_the_database_is_silent_and_finds_it_again(
    far: Service, proxy: Proxy
) -> None:
    assert await far.db.probe("SELECT 1")
    proxy.fall_silent()
    begun_s = time.monotonic()
    with pytest.raises((TimeoutError, DatabaseAway)):
        await far.db.probe("SELECT 1")
    assert time.monotonic() - begun_s < 1 + SLOW_MACHINE_S
    assert await far.db.probe("SELECT 1")


async def test_a_connection_over_a_network_is_kept_alive_by_both_kernels(far: Service) -> None:
    async with far.db.system() as tx:
        sock = tx._raw._transport.get_extra_info("socket")
        assert sock.getsockopt(pools.socket.SOL_SOCKET, pools.socket.SO_KEEPALIVE) == 1
        if hasattr(pools.socket, "TCP_USER_TIMEOUT"):
            assert sock.getsockopt(pools.socket.IPPROTO_TCP, pools.socket.TCP_USER_TIMEOUT) == 5000


async def test_a_database_that_cannot_be_reached_is_away_and_so_is_one_that_refuses(
    database_url: str, settings: Settings
) -> None:
    nobody = Database("postgresql://u:p@127.0.0.1:1/x", 2)
    wrong = Database(database_url.replace("/test_", "/no_test_"), 2)
    for database in (nobody, wrong):
        with pytest.raises(DatabaseAway) as refused:
            async with database.system_reads():
                pass
        assert is_unavailable(refused.value)
        assert not is_contention(refused.value)
        await database.close()


@pytest.mark.parametrize(
    ("state", "away"),
    [("57P01", True), ("57P03", True), ("08006", True), ("53300", True), ("23505", False), ("40P01", False)],
)
def test_what_the_server_says_of_itself_is_told_apart_from_faults_of_a_statement(state: str, away: bool) -> None:
    error = asyncpg.PostgresError.new({"C": state, "M": "x"})
    assert is_unavailable(error) is away


def test_faults_that_are_no_databases_are_not_taken_for_one() -> None:
    for error in (FileNotFoundError(), TimeoutError(), ConnectionResetError(), ValueError(), KeyError()):
        assert not is_unavailable(error)


async def test_the_log_tells_once_a_minute_how_much_was_refused(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now_s)
    with capture_logs() as lines:
        for _ in range(5):
            service.db.note_away(DatabaseAway("gone"))
        now_s += 61
        service.db.note_away(DatabaseAway("gone"))
    assert [(line["event"], line["refused"]) for line in lines] == [
        ("database_unavailable", 1),
        ("database_unavailable", 5),
    ]


# --- shares ----------------------------------------------------------------------------------------------------------


async def hold(service: Service, kind: str, until: asyncio.Event, held: list[str], wait_s: float = 0.1) -> None:
    pools.caller.set(Caller(kind, wait_s))
    async with service.db.system():
        held.append(kind)
        await until.wait()


async def test_no_kind_of_call_takes_all_connections(service: Service) -> None:
    done, held = asyncio.Event(), list[str]()
    async with AsyncExitStack() as stack:
        stack.callback(done.set)
        calls = [asyncio.create_task(hold(service, "payments", done, held)) for _ in range(6)]
        finished, _ = await asyncio.wait(calls, timeout=0.5)
        assert [type(call.exception()) for call in finished] == [pools.ShareTaken] * 4
        assert all(is_contention(call.exception() or ValueError()) for call in finished)
        other = asyncio.create_task(hold(service, "merchants", done, held))
        async with asyncio.timeout(2):
            while "merchants" not in held:
                await asyncio.sleep(0.01)
    await asyncio.gather(*(set(calls) - finished), other)
    assert held.count("payments") == 2


async def test_a_share_is_given_back_whatever_became_of_its_holder(service: Service) -> None:
    pools.caller.set(Caller("payments", 0.1))
    for _ in range(8):
        with pytest.raises(ZeroDivisionError):
            async with service.db.system():
                raise ZeroDivisionError
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01), service.db.system() as tx:
                await tx.execute("SELECT pg_sleep(5)")
    async with service.db.system() as tx:
        assert await tx.fetchval("SELECT 1") == 1


async def test_commands_and_tests_that_compete_with_nobody_have_the_whole_pool(service: Service) -> None:
    async with AsyncExitStack() as stack:
        opened: list[Any] = [await stack.enter_async_context(service.db.system()) for _ in range(4)]
        assert len(opened) == 4
        assert service.db.pools["system"].in_use == 4


async def test_who_waits_for_a_share_gets_it_in_turn_and_who_gives_up_is_passed_over(service: Service) -> None:
    held, release = list[str](), asyncio.Event()
    async with asyncio.timeout(10):
        holders = [asyncio.create_task(hold(service, "payments", release, held)) for _ in range(2)]
        while len(held) < 2:
            await asyncio.sleep(0.01)
        hasty = asyncio.create_task(hold(service, "payments", release, held, wait_s=0.05))
        patient = [asyncio.create_task(hold(service, "payments", release, held, wait_s=8)) for _ in range(3)]
        gone = asyncio.create_task(hold(service, "payments", release, held, wait_s=8))
        await asyncio.sleep(0.2)  # to let the hasty one give up
        gone.cancel()
        release.set()
        await asyncio.gather(*holders, *patient)
        assert isinstance(hasty.exception(), pools.ShareTaken)
        assert held == ["payments"] * 5
    pools.caller.set(Caller("payments", 0.1))
    async with service.db.system(), service.db.system() as tx:  # nothing was lost: both of the share are free
        assert await tx.fetchval("SELECT 1") == 1


async def test_who_waits_for_a_pool_that_is_used_up_gets_the_first_connection_given_back(service: Service) -> None:
    pool = service.db.pools["system"]
    release = [asyncio.Event() for _ in range(pool.size)]
    served = list[int]()

    async def use(until: asyncio.Event) -> None:
        async with service.db.system() as tx:
            served.append(await tx.fetchval("SELECT pg_backend_pid()"))
            await until.wait()

    async with asyncio.timeout(10):
        holders = [asyncio.create_task(use(until)) for until in release]
        while len(served) < pool.size:
            await asyncio.sleep(0.01)
        held, done = list(served), asyncio.Event()
        late = asyncio.create_task(use(done))
        await asyncio.sleep(0.1)
        assert len(served) == pool.size, "there is none left"
        release[0].set()
        while len(served) == pool.size:
            await asyncio.sleep(0.01)
        assert served[-1] in held
        assert pool.in_use == pool.size
        for one in (*release, done):
            one.set()
        await asyncio.gather(*holders, late)
    assert pool.in_use == 0


async def test_a_closed_pool_leaves_no_connection_behind(database_url: str, settings: Settings) -> None:
    async with open_service(settings, database_url) as service:
        await asyncio.gather(*(way(service) for way in WAYS for _ in range(3)))
        async with service.db.system() as tx:
            pids = await tx.fetchval(f"SELECT array_agg(pid) {OURS}")
        assert len(pids) > 4
    watcher = await asyncpg.connect(database_url)
    async with asyncio.timeout(5):
        while await watcher.fetchval(f"SELECT count(*) {OURS} AND pid = ANY($1)", pids):
            await asyncio.sleep(0.02)
    await watcher.close()


class TestTls:
    """PGSSLMODE and PGSSLROOTCERT hold for every connection of ours."""

    @pytest.mark.parametrize("certificate", ["of an authority", "none"])
    async def test_a_server_without_tls_is_refused_before_it_learns_anything(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, certificate: str
    ) -> None:
        received = bytearray()

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            received.extend(await reader.read(8))
            writer.write(b"N")  # no TLS here
            received.extend(await reader.read())
            writer.close()

        monkeypatch.setenv("PGSSLMODE", "verify-full")
        monkeypatch.setenv("PGSSLROOTCERT", str(tmp_path / "root.pem"))
        if certificate == "of an authority":
            (tmp_path / "root.pem").write_bytes(_self_signed())
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(DatabaseAway):
                await pools.connect(f"postgresql://me:secret@127.0.0.1:{port}/x")
        assert bytes(received) in (b"", SSL_REQUEST)


def _self_signed() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "db.example")])
    day = datetime(2026, 1, 1, tzinfo=UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(day).not_valid_after(day + timedelta(days=3650))
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


# --- types -----------------------------------------------------------------------------------------------------------


async def test_what_postgresql_s_own_types_are_is_asked_once_a_process(database_url: str) -> None:
    asked: list[str] = []
    for _ in range(2):
        asked.clear()
        connection = await pools.connect(database_url)
        connection.add_query_logger(lambda record: asked.append(record.query))
        assert await connection.fetchval("SELECT $1::macaddr8[]", ["08:00:2b:01:02:03:04:05"])
        await connection.close()
    assert asked == ["SELECT $1::macaddr8[]"]


async def test_a_type_of_ours_that_was_made_anew_is_read_as_it_is_now(database_url: str) -> None:
    for fields in ("a int, b text[]", "b text[], c int"):
        connection = await pools.connect(database_url)
        await connection.execute(f"CREATE TYPE kept AS ({fields})")
        row = await connection.fetchval('SELECT json_populate_record(NULL::kept, \'{"a": 1, "b": ["x"], "c": 2}\')')
        assert dict(row) == ({"a": 1, "b": ["x"]} if fields.startswith("a") else {"b": ["x"], "c": 2})
        await connection.execute("DROP TYPE kept")
        await connection.close()
