"""Databases on the Citus cluster at MERCHANT_TEST_CITUS_URL: an administrator's address of its coordinator.

A template is migrated, filled as on one machine, and distributed; each test gets a clone of it, made on every node.
"""

import asyncio
import os
import uuid
from collections.abc import Awaitable, Callable

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from merchant import migrations
from merchant.core.db import APP_ROLE, SYSTEM_ROLE
from merchant.programs.distributing import distribute
from tests.databases import Clones

LOGIN = "merchant"
_MAKE_LOGIN = f"""
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{LOGIN}') THEN
        CREATE ROLE {LOGIN} LOGIN CREATEROLE CREATEDB;
    END IF;
END $$
"""
_WORKERS = "SELECT nodename, nodeport FROM pg_dist_node WHERE groupid <> 0 ORDER BY nodeport"


def cluster_url() -> str:
    """The coordinator's address; skips the test when none is given."""
    url = os.environ.get("MERCHANT_TEST_CITUS_URL")
    if not url:
        pytest.skip("MERCHANT_TEST_CITUS_URL is not set: needs a Citus cluster (tests/operations/citus_cluster.py)")
    return url


class Cluster:
    """A coordinator and its workers."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.nodes = asyncio.run(self._find())

    def url(self, database: str, user: str = LOGIN) -> str:
        """The address of a database at the coordinator, for a login that row-level security binds."""
        return _to(self._url, database, user)

    def make_template(
        self, name: str, run: str, fill: Callable[[str], Awaitable[None]], world: str | None = None
    ) -> str:
        """A database that tests of a run clone, made when it is first asked for; of a `world`, when it has more."""
        return asyncio.run(self._make_template(_of_run(name, run), fill, _of_run(world, run) if world else None))

    async def _make_template(self, name: str, fill: Callable[[str], Awaitable[None]], world: str | None) -> str:
        connection = await asyncpg.connect(self._url)
        try:
            if await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
                return name
        finally:
            await connection.close()
        if world is None:
            await self.make(name, fill)
        else:
            await self.clone(name, world)
            await fill(self.url(name))
        return name

    async def make(self, database: str, fill: Callable[[str], Awaitable[None]]) -> None:
        """A database on all nodes, migrated and filled on the coordinator, then distributed."""
        await self.prepare(database)
        await fill(self.url(database))
        owner = await asyncpg.connect(self.url(database))
        try:
            await distribute(owner, APP_ROLE, SYSTEM_ROLE)
        finally:
            await owner.close()

    async def prepare(self, database: str) -> None:
        """A database on all nodes, migrated on the coordinator: ready to be distributed."""
        for node in self.nodes:
            await _run(node, _MAKE_LOGIN, f"CREATE DATABASE {database} OWNER {LOGIN}")
            await _run(_to(node, database), "CREATE EXTENSION citus")
        here, *workers = (make_url(node) for node in self.nodes)
        known = [f"SELECT citus_set_coordinator_host('{here.host}', {here.port})"]
        known += [f"SELECT citus_add_node('{one.host}', {one.port})" for one in workers]
        await _run(_to(self._url, database), *known)
        await migrations.upgrade(self.url(database))

    async def clone(self, database: str, template: str) -> None:
        """A copy of a database on all nodes."""
        for node in self.nodes:
            await _run(node, *_unused(template), f"CREATE DATABASE {database} TEMPLATE {template} OWNER {LOGIN}")

    async def drop(self, database: str) -> None:
        """Drop a database on all nodes."""
        for node in self.nodes:
            await _run(node, f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")

    async def _find(self) -> list[str]:
        connection = await asyncpg.connect(self._url)
        try:
            rows = await connection.fetch(_WORKERS)
        finally:
            await connection.close()
        own = make_url(self._url)
        workers = [own.set(host=row["nodename"], port=row["nodeport"]) for row in rows]
        return [one.render_as_string(hide_password=False) for one in (own, *workers)]


class CitusClones(Clones):
    """Clones on every node."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(cluster.nodes[0])
        self._cluster = cluster

    def drop(self, name: str) -> None:
        """Drop a clone soon."""
        self._dropping.append(self._soon(self._cluster.drop(name)))

    async def _clone(self, template: str) -> str:
        name = f"test_{uuid.uuid4().hex}"
        await self._cluster.clone(name, template)
        return name


def _of_run(name: str, run: str) -> str:
    return f"{name}_{run[:8]}"


def _unused(database: str) -> list[str]:
    """Citus has a process of its own in each database, in which nobody may be who copies it."""
    return [
        f"ALTER DATABASE {database} WITH ALLOW_CONNECTIONS false",
        f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{database}'",
    ]


def _to(url: str, database: str, user: str | None = None) -> str:
    made = make_url(url).set(database=database)
    if user is not None:
        made = made.set(username=user)
    return made.render_as_string(hide_password=False)


async def _run(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()
