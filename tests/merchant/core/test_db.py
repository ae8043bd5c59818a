"""The database: two roles, one transaction a block, nothing left behind by a failure."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import asyncpg
import msgspec
import pytest
from sqlmodel import select

from merchant.core import db, ids, postgres
from merchant.core.db import Database, UnsafeRole, is_contention
from merchant.core.service import NoScheme, Service, open_service
from merchant.core.settings import Settings
from merchant.scheme.models import Dfsp, Scheme
from tests.builders import World

pytestmark = pytest.mark.anyio


async def names(service: Service) -> list[str]:
    async with service.db.system() as tx:
        return [row["name"] for row in await tx.fetch("SELECT name FROM dfsp ORDER BY name")]


async def test_a_block_that_ends_well_is_committed_also_what_the_session_holds(service: Service) -> None:
    async with service.db.tenant(None) as tx:
        tx.session.add(Dfsp(fsp_id="one", name="A one"))
        await tx.flush()
        assert await tx.execute("UPDATE dfsp SET name = 'A two' WHERE fsp_id = 'one'") == 1
        tx.session.add(Dfsp(fsp_id="three", name="A three"))
    assert (await names(service))[:2] == ["A three", "A two"]


async def test_a_block_that_raises_leaves_nothing(service: Service) -> None:
    before = await names(service)
    with pytest.raises(ZeroDivisionError):
        async with service.db.tenant(None) as tx:
            tx.session.add(Dfsp(fsp_id="one", name="one"))
            await tx.flush()
            await tx.execute("UPDATE dfsp SET name = 'x'")
            raise ZeroDivisionError
    assert await names(service) == before


async def test_a_block_that_is_cancelled_leaves_nothing_and_gives_its_connection_back(service: Service) -> None:
    before = await names(service)

    async def stuck() -> None:
        async with service.db.system() as tx:
            await tx.execute("UPDATE dfsp SET name = 'x'")
            await tx.execute("SELECT pg_sleep(60)")

    for _ in range(2 * service.settings.database_pool_size):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(stuck(), 0.05)
    assert await names(service) == before


async def test_a_failed_statement_harms_no_later_block(service: Service) -> None:
    for _ in range(2 * service.settings.database_pool_size):
        with pytest.raises(asyncpg.UndefinedTableError):
            async with service.db.system() as tx:
                await tx.execute("SELECT * FROM nothing")
    assert len(await names(service)) == 2


async def one(service: Service) -> int:
    async with service.db.system_reads() as tx:
        found: int = await tx.fetchval("SELECT 1")
        return found


@pytest.mark.parametrize("work", [names, one])
async def test_connections_that_the_server_ended_are_replaced(
    service: Service, database_url: str, work: Callable[[Service], Awaitable[object]]
) -> None:
    size = service.settings.database_pool_size
    await asyncio.gather(*(names(service) for _ in range(size)))
    owner = await asyncpg.connect(database_url)
    await owner.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await owner.close()
    failed = 0
    for _ in range(3 * size):
        try:
            await work(service)
        except Exception:
            failed += 1
    assert failed <= size  # each dead connection is met once
    await work(service)


async def test_reads_see_what_others_committed_a_moment_ago(service: Service) -> None:
    async with service.db.system_reads() as reading:
        assert await reading.fetchval("SELECT count(*) FROM dfsp") == 2
        async with service.db.system() as tx:
            tx.session.add(Dfsp(fsp_id="new", name="new"))
        assert await reading.fetchval("SELECT count(*) FROM dfsp") == 3


async def test_what_is_called_reads_cannot_write_whatever_it_is_told(service: Service) -> None:
    async with service.db.system_reads() as reading:
        assert not hasattr(reading, "execute")
        for statement in ("UPDATE scheme SET name = 'x' RETURNING 1", "DELETE FROM dfsp RETURNING 1"):
            with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
                await reading.fetchval(statement)
    async with service.db.system() as tx:
        assert await tx.fetchval("SELECT count(*) FROM dfsp") == 2


async def test_the_session_and_the_statements_share_one_transaction(service: Service) -> None:
    async with service.db.system() as tx:
        await tx.execute("UPDATE scheme SET name = 'changed'")
        scheme = (await tx.session.exec(select(Scheme))).one()
        assert scheme.name == "changed"


async def test_execute_counts_rows_and_fetchers_answer_none_for_nothing(service: Service) -> None:
    async with service.db.system() as tx:
        assert await tx.execute("UPDATE dfsp SET enabled = true") == 2
        assert await tx.execute("SET LOCAL work_mem = '4MB'") == 0
        assert await tx.fetchrow("SELECT 1 WHERE false") is None
        assert await tx.fetchval("SELECT 1 WHERE false") is None


@pytest.mark.parametrize("tenant", ["'; DROP TABLE dfsp; --", "greenbankfsp", "hub"])
async def test_a_tenant_is_an_id_and_nothing_else(service: Service, tenant: str) -> None:
    with pytest.raises(ValueError, match="hexadecimal UUID"):
        async with service.db.tenant(tenant):  # type: ignore[arg-type]
            pass


async def test_the_pools_run_as_their_roles_with_time_limits(service: Service) -> None:
    short, long = ("5s", "2s"), ("15s", "5s")
    for block, role, limits in (
        (service.db.tenant(None), db.APP_ROLE, short),
        (service.db.system(), db.SYSTEM_ROLE, short),
        (service.db.system(longest_s=15), db.SYSTEM_ROLE, long),
        (service.db.system_reads(), db.SYSTEM_ROLE, short),
        (service.db.look_ups(), db.SYSTEM_ROLE, short),
    ):
        async with block as tx:
            row = await tx.fetchrow(
                "SELECT current_user AS role, current_setting('statement_timeout') AS longest,"
                " current_setting('lock_timeout') AS wait"
            )
            assert row is not None
            assert (row["role"], row["longest"], row["wait"]) == (role, *limits)


@pytest.fixture
def superuser_url(postgres_server: postgres.Running, database_url: str) -> str:
    """The test's database, as nobody should ever connect a service to it."""
    return postgres_server.superuser_url(urlsplit(database_url).path.removeprefix("/"))


@pytest.mark.parametrize("which", ["database_app_role", "database_system_role"])
async def test_a_role_that_bypasses_row_level_security_is_refused_at_start(
    superuser_url: str, settings: Settings, which: str
) -> None:
    role = f"unsafe_{uuid.uuid4().hex}"
    owner = await asyncpg.connect(superuser_url)
    await owner.execute(f"CREATE ROLE {role} NOLOGIN BYPASSRLS")
    with pytest.raises(UnsafeRole, match=f"{role}.*BYPASSRLS"):
        async with open_service(msgspec.structs.replace(settings, **{which: role}), superuser_url):
            pass
    await owner.execute(f"DROP ROLE {role}")
    await owner.close()


async def test_a_superuser_is_refused_as_a_role_at_start(superuser_url: str, settings: Settings) -> None:
    owner = await asyncpg.connect(superuser_url)
    name = await owner.fetchval("SELECT current_user")
    await owner.close()
    with pytest.raises(UnsafeRole, match="SUPERUSER"):
        async with open_service(msgspec.structs.replace(settings, database_app_role=name), superuser_url):
            pass


async def test_a_superusers_login_is_refused_though_it_becomes_the_two_roles(
    superuser_url: str, settings: Settings
) -> None:
    with pytest.raises(UnsafeRole, match=r"login 'postgres' has SUPERUSER .* use one without"):
        async with open_service(settings, superuser_url):
            pass


async def test_a_login_that_bypasses_row_level_security_is_refused(superuser_url: str, settings: Settings) -> None:
    login = f"login_{uuid.uuid4().hex}"
    owner = await asyncpg.connect(superuser_url)
    await owner.execute(f"CREATE ROLE {login} LOGIN BYPASSRLS PASSWORD 'x' IN ROLE {db.APP_ROLE}, {db.SYSTEM_ROLE}")
    parts = urlsplit(superuser_url)
    url = parts._replace(netloc=f"{login}:x@").geturl()
    with pytest.raises(UnsafeRole, match=f"{login}.*BYPASSRLS"):
        async with open_service(settings, url):
            pass
    await owner.execute(f"DROP ROLE {login}")
    await owner.close()


@pytest.mark.parametrize("role", ["no_such_role", "pg_read_all_data"])
async def test_a_role_that_the_login_cannot_become_is_named(database_url: str, settings: Settings, role: str) -> None:
    with pytest.raises(UnsafeRole, match=f"cannot become '{role}'.*merchant database roles"):
        async with open_service(msgspec.structs.replace(settings, database_system_role=role), database_url):
            pass


async def test_a_lock_held_too_long_is_contention_and_a_wrong_statement_is_not(service: Service, world: World) -> None:
    async with service.db.system() as holder:
        await holder.execute("SELECT 1 FROM scheme FOR UPDATE")
        with pytest.raises(asyncpg.LockNotAvailableError) as refused:
            async with service.db.system() as tx:
                await tx.execute("SET LOCAL lock_timeout = '10ms'")
                await tx.execute("SELECT 1 FROM scheme FOR UPDATE")
    assert is_contention(refused.value)
    assert not is_contention(ZeroDivisionError())
    with pytest.raises(asyncpg.PostgresSyntaxError) as wrong:
        async with service.db.system() as tx:
            await tx.execute("SELEKT")
    assert not is_contention(wrong.value)


async def test_a_deadlock_is_contention_in_the_sessions_words_too(service: Service) -> None:
    one, two = ids.uuid7(), ids.uuid7()
    async with service.db.system() as tx:
        tx.session.add_all([Dfsp(id=one, fsp_id="one", name="1"), Dfsp(id=two, fsp_id="two", name="2")])
    both_hold = asyncio.Barrier(2)

    async def lock(first: uuid.UUID, second: uuid.UUID) -> None:
        async with service.db.system() as tx:
            await tx.session.exec(select(Dfsp).where(Dfsp.id == first).with_for_update())
            await both_hold.wait()
            await tx.session.exec(select(Dfsp).where(Dfsp.id == second).with_for_update())

    results = await asyncio.gather(lock(one, two), lock(two, one), return_exceptions=True)
    [victim] = [result for result in results if result is not None]
    assert is_contention(victim)


class TestScheme:
    async def test_its_facts_are_read_once(self, service: Service) -> None:
        first = await service.scheme()
        assert (first.alias_length, first.country, first.time_zone) == (8, "KE", "Africa/Nairobi")
        assert await service.scheme() is first
        assert str(await service.time_zone()) == "Africa/Nairobi"

    async def test_a_database_without_a_scheme_says_what_to_do(
        self, database_url: str, settings: Settings, service: Service
    ) -> None:
        async with service.db.system() as tx:
            await tx.execute("DELETE FROM scheme")
        async with open_service(settings, database_url) as fresh:
            with pytest.raises(NoScheme, match="merchant seed"):
                await fresh.scheme()


async def test_a_transaction_that_plans_once_makes_no_plan_for_each_set_of_values(service: Service) -> None:
    statement = "SELECT id FROM payment_request WHERE id = ANY($1) -- planned once"
    counts = "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement = $1"

    async def plans(*, plan_once: bool) -> tuple[int, int]:
        async with service.db.system(plan_once=plan_once) as tx:
            # Whichever connection it is: what counts is what these three calls add.
            before = await tx.fetchrow(counts, statement) or {"generic_plans": 0, "custom_plans": 0}
            for _ in range(3):
                await tx.fetch(statement, [])
            after = await tx.fetchrow(counts, statement)
        assert after is not None
        return tuple(after[name] - before[name] for name in ("generic_plans", "custom_plans"))  # type: ignore[return-value]

    assert await plans(plan_once=True) == (3, 0)
    assert await plans(plan_once=False) == (0, 3)


async def test_reads_that_borrow_late_say_that_they_have_no_session(service: Service, world: World) -> None:
    async with service.db.reads_when_needed() as reads:
        reads.enter_lane(next(iter(world.dfsp_ids.values())))
        with pytest.raises(RuntimeError, match="read by SQL text"):
            _ = reads.session
        assert await reads.fetchval("SELECT 1") == 1


async def test_a_closed_database_can_be_used_again(database_url: str) -> None:
    database = Database(database_url, 1)
    for _ in range(2):
        async with database.system_reads() as tx:
            assert await tx.fetchval("SELECT 1") == 1
        await database.close()
