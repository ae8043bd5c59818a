"""The schema as the database has it: migrations build what the classes say, walls stand round every tenant table."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from merchant import migrations
from merchant.core.db import APP_ROLE, SYSTEM_ROLE
from merchant.migrations import schema

pytestmark = pytest.mark.anyio


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the owner, who is bound by nothing."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def test_the_migrations_build_exactly_what_the_classes_say(database_url: str) -> None:
    def compare(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return list(compare_metadata(context, schema.metadata))

    engine = create_async_engine(database_url.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.connect() as connection:
        assert await connection.run_sync(compare) == []
    await engine.dispose()


async def test_a_second_upgrade_finds_nothing_to_do(empty_url: str) -> None:
    for _ in range(2):
        await migrations.upgrade(empty_url)
    connection = await asyncpg.connect(empty_url)
    tables = await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
    await connection.close()
    assert tables == len(schema.metadata.tables) + 1  # and Alembic's own


async def test_upgrades_at_once_wait_for_each_other(empty_url: str) -> None:
    await asyncio.gather(*(migrations.upgrade(empty_url) for _ in range(4)))
    connection = await asyncpg.connect(empty_url)
    assert await connection.fetchval("SELECT count(*) FROM alembic_version") == 1
    # Other tests migrate other databases of the same server meanwhile.
    turns = (
        "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database"
        " WHERE locktype = 'advisory' AND datname = current_database()"
    )
    assert await connection.fetchval(turns) == 0
    await connection.close()


async def test_every_tenant_table_has_row_level_security_with_both_policies(owner: asyncpg.Connection) -> None:
    secured = {
        row["relname"]
        for row in await owner.fetch("SELECT relname FROM pg_class WHERE relrowsecurity AND relkind = 'r'")
    }
    policies = {
        (row["tablename"], row["policyname"]): row
        for row in await owner.fetch("SELECT tablename, policyname, roles, cmd, qual, with_check FROM pg_policies")
    }
    assert secured == set(schema.tenant_tables()) | schema.SHARED_TABLES
    for table in schema.tenant_tables():
        tenant, service = policies[table, "tenant"], policies[table, "service"]
        assert (tenant["roles"], service["roles"]) == ([APP_ROLE], [SYSTEM_ROLE])
        assert (tenant["cmd"], service["cmd"]) == ("ALL", "ALL")
        assert tenant["qual"] == tenant["with_check"]
        assert (service["qual"], service["with_check"]) == ("true", "true")
    assert len([key for key in policies if key[0] in schema.tenant_tables()]) == 2 * len(schema.tenant_tables())
    # One rule for all, however many migrations wrote it; keys of hub staff stand under the word 'hub'.
    rules = {policies[table, "tenant"]["qual"] for table in schema.tenant_tables() if table != "idempotency_key"}
    assert len(rules) == 1
    assert all("app.dfsp_id" in rule for rule in [*rules, policies["idempotency_key", "tenant"]["qual"]])


async def test_shared_tables_are_read_by_all_and_written_by_hub_staff(owner: asyncpg.Connection) -> None:
    for table in schema.SHARED_TABLES:
        rows = await owner.fetch("SELECT * FROM pg_policies WHERE tablename = $1", table)
        policies = {row["policyname"]: row for row in rows}
        assert set(policies) == {"everyone_reads", "hub_writes", "service"}
        reads, writes, service = (policies[name] for name in sorted(policies))
        assert (reads["roles"], reads["cmd"], reads["qual"]) == ([APP_ROLE], "SELECT", "true")
        assert (writes["roles"], writes["cmd"]) == ([APP_ROLE], "ALL")
        assert "= 'hub'" in writes["qual"]
        assert writes["qual"] == writes["with_check"]
        assert (service["roles"], service["qual"], service["with_check"]) == ([SYSTEM_ROLE], "true", "true")


def test_every_table_is_a_tenants_shared_or_the_services() -> None:
    for name in schema.tenant_tables():
        assert "dfsp_id" in schema.metadata.tables[name].columns, f"{name} has no tenant: name it in schema.py"
    assert set(schema.metadata.tables) >= schema.SHARED_TABLES | schema.SYSTEM_TABLES | schema.APPEND_ONLY


async def test_the_roles_may_not_sign_in_nor_bypass_nor_create(owner: asyncpg.Connection) -> None:
    rows = await owner.fetch("SELECT * FROM pg_roles WHERE rolname = ANY($1)", [APP_ROLE, SYSTEM_ROLE])
    assert len(rows) == 2
    for row in rows:
        granted = [
            name for name in ("rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb", "rolcanlogin") if row[name]
        ]
        assert granted == [], row["rolname"]


async def test_the_app_role_holds_the_rights_it_needs_and_no_more(owner: asyncpg.Connection) -> None:
    granted: dict[str, set[str]] = {name: set() for name in schema.metadata.tables}
    for row in await owner.fetch(
        "SELECT table_name, privilege_type FROM information_schema.role_table_grants WHERE grantee = $1", APP_ROLE
    ):
        granted.setdefault(row["table_name"], set()).add(row["privilege_type"])
    # They have the owner's rights and a wall of their own (tests/merchant/registry/merchants/test_finding.py and
    # tests/merchant/exchange/reports/test_money.py).
    for view in ("merchant_by_name", "merchant_findable", "payment_reportable", "payment_request_reportable"):
        assert granted.pop(view) == {"SELECT"}
    assert granted.keys() == schema.metadata.tables.keys()
    for name, rights in granted.items():
        if name in schema.HIDDEN_TABLES:
            assert rights == set(), name
        elif name in schema.SYSTEM_TABLES:
            assert rights == {"INSERT"}, name
        elif name in schema.APPEND_ONLY:
            assert rights == {"SELECT", "INSERT"}, name
        elif name == "audit_head":
            assert rights == {"SELECT", "INSERT", "UPDATE"}, name
        else:
            assert rights == {"SELECT", "INSERT", "UPDATE", "DELETE"}, name


async def test_the_system_role_may_change_the_rows_of_all_tables_but_the_audit_record_lists_and_policies(
    owner: asyncpg.Connection,
) -> None:
    rows = await owner.fetch(
        "SELECT table_name, array_agg(privilege_type::text) AS rights FROM information_schema.role_table_grants"
        " WHERE grantee = $1 AND table_name <> 'alembic_version' GROUP BY table_name",
        SYSTEM_ROLE,
    )
    assert {row["table_name"] for row in rows} == set(schema.metadata.tables)
    kept = {"audit_entry": {"UPDATE", "DELETE"}, "audit_head": {"DELETE"}}
    kept |= {table: {"UPDATE", "DELETE"} for table in schema.VERSION_TABLES}  # of some columns only: see below
    kept |= {"lei_record": {"UPDATE"}, "lei_load": {"UPDATE", "DELETE"}}
    kept["policy_layer"] = {"UPDATE", "DELETE"}  # likewise
    for row in rows:
        rights = {"SELECT", "INSERT", "UPDATE", "DELETE"} - kept.get(row["table_name"], set())
        assert set(row["rights"]) == rights, row["table_name"]
    columns = await owner.fetch(
        "SELECT column_name FROM information_schema.column_privileges"
        " WHERE grantee = $1 AND table_name = 'policy_layer' AND privilege_type = 'UPDATE'",
        SYSTEM_ROLE,
    )
    assert {row["column_name"] for row in columns} == {"state", "effective_on", "published_by", "published_at"}


async def test_of_a_list_that_was_put_only_what_says_whether_it_counts_may_change(owner: asyncpg.Connection) -> None:
    rows = await owner.fetch(
        "SELECT table_name, column_name FROM information_schema.role_column_grants"
        " WHERE grantee = $1 AND privilege_type = 'UPDATE' AND table_name = ANY($2)",
        SYSTEM_ROLE,
        list(schema.VERSION_TABLES),
    )
    changeable = {f"{row['table_name']}.{row['column_name']}" for row in rows}
    states = {f"list_version.{name}" for name in ("state", "checked_at", "confirmed_by", "confirmed_at")}
    assert changeable == states | {"list_chunk.packed_sealed"}  # sealed anew when keys are rotated


async def test_nobody_else_was_granted_anything(owner: asyncpg.Connection) -> None:
    others = await owner.fetch(
        "SELECT DISTINCT grantee FROM information_schema.role_table_grants WHERE table_schema = 'public'"
        " AND grantee NOT IN ($1, $2, current_user)",
        APP_ROLE,
        SYSTEM_ROLE,
    )
    assert others == []


async def test_the_roles_cannot_create_tables(owner: asyncpg.Connection) -> None:
    for role in (APP_ROLE, SYSTEM_ROLE):
        assert not await owner.fetchval("SELECT has_schema_privilege($1, 'public', 'CREATE')", role)


async def test_every_foreign_key_that_lists_follow_has_an_index(owner: asyncpg.Connection) -> None:
    """Deleting or joining by an unindexed key reads whole tables; the few that may are named."""
    unindexed = {
        f"{row['table']}.{row['column']}"
        for row in await owner.fetch(
            """
            SELECT c.conrelid::regclass::text AS "table", a.attname AS "column" FROM pg_constraint c
            JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
            WHERE c.contype = 'f' AND NOT EXISTS (
              SELECT 1 FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indkey[0] = c.conkey[1])
            """
        )
    }
    # Nothing of these is ever deleted, and nobody lists them by this key.
    rarely = {name for name in unindexed if name.endswith((".dfsp_id", ".merchant_id", ".counter_id", ".endpoint_id"))}
    assert unindexed == rarely
