"""Putting an installation's tables where the plan says (core/distribution.py), in one transaction: all or nothing.

The statements are made from the plan and from what the database says of its keys. Foreign keys between tables that lie
together get the column that leads to the machine; those to tables that are everywhere stay as they are.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import asyncpg
from msgspec import Struct

from merchant.core.distribution import PLAN, Kind, Planned
from merchant.core.errors import OperatorProblem

_KEYS = """
SELECT rel.relname AS "table", idx.relname AS name, con.contype::text AS kind,
  (SELECT array_agg(a.attname ORDER BY place) FROM unnest(i.indkey::int[]) WITH ORDINALITY AS k (attnum, place)
   JOIN pg_attribute a ON a.attrelid = rel.oid AND a.attnum = k.attnum) AS columns,
  0 = ANY(i.indkey::int[]) AS has_expressions
FROM pg_index i JOIN pg_class idx ON idx.oid = i.indexrelid JOIN pg_class rel ON rel.oid = i.indrelid
LEFT JOIN pg_constraint con ON con.conindid = i.indexrelid AND con.contype IN ('p', 'u')
WHERE i.indisunique AND rel.relkind = 'r' AND rel.relnamespace = 'public'::regnamespace
ORDER BY rel.relname, idx.relname
"""
_LINKS = """
SELECT con.conname AS name, con.conrelid::regclass::text AS "table", con.confrelid::regclass::text AS target,
  (SELECT array_agg(a.attname ORDER BY place) FROM unnest(con.conkey) WITH ORDINALITY AS k (attnum, place)
   JOIN pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = k.attnum) AS columns,
  (SELECT array_agg(a.attname ORDER BY place) FROM unnest(con.confkey) WITH ORDINALITY AS k (attnum, place)
   JOIN pg_attribute a ON a.attrelid = con.confrelid AND a.attnum = k.attnum) AS target_columns
FROM pg_constraint con WHERE con.contype = 'f' AND con.connamespace = 'public'::regnamespace
  AND con.conparentid = 0 ORDER BY con.conname
"""
_CONNECTED = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = ANY($1)
"""
# Merchants lie on every machine and the words they are found by on the coordinator, whose trigger keeps them.
_FACETS = (
    "DROP TRIGGER merchant_facets_are_kept ON merchant",
    """
    CREATE OR REPLACE FUNCTION keep_merchant_facets() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF (SELECT groupid FROM pg_dist_local_group) <> 0 THEN
            RETURN NULL;
        END IF;
        UPDATE merchant_search SET words = ARRAY(
            SELECT w FROM unnest(words) AS u (w) WHERE split_part(w, '=', 1) NOT IN ('state', 'tier', 'mcc', 'risk')
               OR strpos(w, '=') = 0
        ) || array_remove(
            ARRAY['state=' || NEW.state, 'tier=' || NEW.tier, 'mcc=' || NEW.mcc, 'risk=' || NEW.risk], NULL
        ) WHERE merchant_id = NEW.id;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER merchant_facets_are_kept AFTER UPDATE OF state, tier, mcc, risk ON merchant
    FOR EACH ROW WHEN (old.state IS DISTINCT FROM new.state OR old.tier IS DISTINCT FROM new.tier
        OR old.mcc IS DISTINCT FROM new.mcc OR old.risk IS DISTINCT FROM new.risk)
    EXECUTE FUNCTION keep_merchant_facets()
    """,
)
# Citus hides its shards from who reads the catalogue, by a filter that makes what drivers ask about types take seconds.
# And it locks a reference table at the first worker, too, for whoever writes there: programs write at the coordinator
# alone, and a transaction of theirs would wait for itself.
_DATABASE = tuple(
    f"DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET {name} = off', current_database()); END $$"
    for name in ("citus.override_table_visibility", "citus.allow_modifications_from_workers_to_replicated_tables")
)
_FILL_LANES = "UPDATE outbox SET dfsp_id = '00000000-0000-0000-0000-000000000000' WHERE dfsp_id IS NULL"
_SETTINGS = (
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL lock_timeout = '10s'",
    "SET LOCAL citus.multi_shard_modify_mode = 'sequential'",
    "SET LOCAL citus.enable_local_reference_table_foreign_keys = off",
    "SET LOCAL citus.enable_unsafe_triggers = on",
)


class CannotDistribute(OperatorProblem):
    """Something is missing or in the way; nothing was changed."""


class Workers(Struct, frozen=True):
    """The machines of an installation that is ready to be distributed."""

    version: str
    addresses: list[str]


async def look(connection: "asyncpg.Connection[Any]", app_role: str, system_role: str) -> Workers:
    """Whether the installation can be distributed now. Raises CannotDistribute."""
    if await connection.fetchval("SELECT distributed_at FROM installation"):
        raise CannotDistribute("This installation is distributed already.")
    version = await connection.fetchval("SELECT extversion FROM pg_extension WHERE extname = 'citus'")
    if version is None:
        raise CannotDistribute(
            "The extension citus is not in this database: an administrator installs it on every machine, adds it to"
            " shared_preload_libraries and runs CREATE EXTENSION citus in this database on each."
        )
    rows = await connection.fetch(
        "SELECT nodename || ':' || nodeport AS address FROM pg_dist_node WHERE groupid <> 0 AND isactive ORDER BY 1"
    )
    if not rows:
        raise CannotDistribute("No worker is known: SELECT citus_add_node('HOST', 5432) for each, as an administrator.")
    if not await connection.fetchval("SELECT count(*) FROM pg_dist_node WHERE groupid = 0"):
        raise CannotDistribute(
            "The workers cannot find the coordinator: SELECT citus_set_coordinator_host('HOST', 5432)."
        )
    await _refuse_programs(connection, app_role, system_role)
    return Workers(version, [row["address"] for row in rows])


async def _refuse_programs(connection: "asyncpg.Connection[Any]", app_role: str, system_role: str) -> None:
    if others := await connection.fetchval(_CONNECTED, [app_role, system_role]):
        raise CannotDistribute(
            f"Programs are running ({others} connections): stop every `merchant serve` and `worker`."
        )


async def statements(connection: "asyncpg.Connection[Any]") -> list[str]:
    """What is to be done, in order. Raises CannotDistribute for a table that the plan does not know."""
    tables = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    if unknown := {row["relname"] for row in tables} - PLAN.keys() - {"alembic_version"}:
        raise CannotDistribute(f"The plan does not say where these tables lie: {', '.join(sorted(unknown))}.")
    keys, links = await connection.fetch(_KEYS), await connection.fetch(_LINKS)
    done = [_FACETS[0]]
    mine = [link for link in links if PLAN[link["table"]].kind is not Kind.LOCAL]
    given_up = [one for one in mine if one["name"] in PLAN[one["table"]].unlinked]
    carried = [one for one in mine if _lie_together(one)]
    done += [f"ALTER TABLE {one['table']} DROP CONSTRAINT {one['name']}" for one in (*given_up, *carried)]
    kept = [one for one in mine if PLAN[one["target"]].kind is Kind.REFERENCE]
    everywhere = [name for name, place in PLAN.items() if place.kind is Kind.REFERENCE]
    done += [f"SELECT create_reference_table('{name}')" for name in _parents_first(everywhere, kept)]
    done.append(_FILL_LANES)
    first: dict[str, str] = {}
    for name, place in PLAN.items():
        if place.kind is Kind.DISTRIBUTED:
            done += _rekeyed(name, place, [key for key in keys if key["table"] == name])
            beside = first.setdefault(place.column, name)
            beside = "none" if beside == name else beside
            done.append(f"SELECT create_distributed_table('{name}', '{place.column}', colocate_with => '{beside}')")
    done += [_linked(one) for one in carried]
    return [*done, *_FACETS[1:], *_DATABASE, "UPDATE installation SET distributed_at = now()"]


def _lie_together(link: Any) -> bool:
    one, other = PLAN[link["table"]], PLAN[link["target"]]
    return one.kind is other.kind is Kind.DISTRIBUTED and one.column == other.column


def _parents_first(names: Iterable[str], links: Sequence[Any]) -> list[str]:
    waiting, found = list(names), []
    while waiting:
        for name in waiting:
            if not any(one["table"] == name and one["target"] in waiting and one["target"] != name for one in links):
                break
        else:
            raise CannotDistribute(f"These tables refer to each other: {', '.join(waiting)}.")
        waiting.remove(name)
        found.append(name)
    return found


def _rekeyed(table: str, place: Planned, keys: Sequence[Any]) -> list[str]:
    done = []
    for key in keys:
        if place.column in key["columns"] and not key["has_expressions"]:
            continue
        if key["name"] not in place.rekeyed or key["kind"] is None:
            raise CannotDistribute(f"{key['name']} of {table} lacks {place.column}, and the plan does not name it.")
        what = "PRIMARY KEY" if key["kind"] == "p" else "UNIQUE"
        columns = ", ".join([place.column, *key["columns"]])
        done += [
            f"ALTER TABLE {table} DROP CONSTRAINT {key['name']}",
            f"ALTER TABLE {table} ADD CONSTRAINT {key['name']} {what} ({columns})",
        ]
    return done


def _linked(link: Any) -> str:
    column = PLAN[link["table"]].column
    own, target = (", ".join([column, *link[side]]) for side in ("columns", "target_columns"))
    return (
        f"ALTER TABLE {link['table']} ADD CONSTRAINT {link['name']} FOREIGN KEY ({own})"
        f" REFERENCES {link['target']} ({target})"
    )


async def open_workers(connection: "asyncpg.Connection[Any]", app_role: str, system_role: str) -> None:
    """Let the coordinator in as either role: it asks the workers as whoever asks it. Raises CannotDistribute."""
    sql = " ".join(f"ALTER ROLE {role} LOGIN;" for role in (app_role, system_role))
    alone = "SET citus.enable_alter_role_propagation = off;"
    rows = await connection.fetch("SELECT success, result FROM run_command_on_workers($1)", f"{alone} {sql}")
    if refused := [row["result"] for row in rows if not row["success"]]:
        raise CannotDistribute(
            f"The workers do not let the roles in ({refused[0]}): an administrator runs there, and lets the coordinator"
            f" connect as these roles (pg_hba.conf): {alone} {sql}"
        )


async def distribute(connection: "asyncpg.Connection[Any]", app_role: str, system_role: str) -> int:
    """Do it; how many statements it took. Raises CannotDistribute, and what the database raises: nothing is changed."""
    await look(connection, app_role, system_role)
    wanted = await statements(connection)
    # First, since it may be refused: roles that may sign in at the workers change nothing yet.
    await open_workers(connection, app_role, system_role)
    async with connection.transaction():
        for setting in _SETTINGS:
            await connection.execute(setting)
        # A program that starts from here on waits until it can read that tables are distributed; one that started since
        # `look` has read that they are not.
        await connection.execute("LOCK TABLE installation IN ACCESS EXCLUSIVE MODE")
        await _refuse_programs(connection, app_role, system_role)
        for statement in wanted:
            await connection.execute(statement)
    return len(wanted)
