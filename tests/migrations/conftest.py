"""Databases of the past: each dump restored as it was written."""

import gzip
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from merchant.core import clock, postgres
from tests.migrations.fill import DUMPS


async def restore(url: str, revision: str) -> None:
    """Fill an empty database with the dump of a revision."""
    connection = await asyncpg.connect(url)
    await connection.execute(gzip.decompress((DUMPS / f"{revision}.sql.gz").read_bytes()).decode())
    await connection.close()


@asynccontextmanager
async def empty_database(server: postgres.Running) -> AsyncIterator[str]:
    """The address of a database without any tables."""
    name = f"past_{uuid.uuid4().hex}"
    connection = await asyncpg.connect(server.url("postgres"))
    await connection.execute(f"CREATE DATABASE {name} STRATEGY FILE_COPY")
    yield server.url(name)
    await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()


@pytest.fixture
async def empty_url(postgres_server: postgres.Running, template: str) -> AsyncIterator[str]:
    """An empty database, on a server that has the roles since the template was made."""
    async with empty_database(postgres_server) as url:
        yield url


@pytest.fixture
async def second_url(postgres_server: postgres.Running, template: str) -> AsyncIterator[str]:
    """Another."""
    async with empty_database(postgres_server) as url:
        yield url


@pytest.fixture
async def past(empty_url: str, revision: str) -> str:
    """The address of a database as it was at `revision`, the test's parameter."""
    await restore(empty_url, revision)
    return empty_url


@pytest.fixture
def same_clock() -> Iterator[None]:
    """Puts back the clock that a test moves to the time of its dump, or on from there."""
    before = clock.source
    yield
    clock.source = before
