"""A database without any tables."""

import uuid
from collections.abc import AsyncIterator

import asyncpg
import pytest

from merchant.core import postgres


@pytest.fixture
async def empty_url(postgres_server: postgres.Running, template: str) -> AsyncIterator[str]:
    """The address of an empty database, on a server that has the roles since the template was made."""
    name = f"empty_{uuid.uuid4().hex}"
    owner = await asyncpg.connect(postgres_server.url("postgres"))
    await owner.execute(f"CREATE DATABASE {name}")
    yield postgres_server.url(name)
    await owner.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await owner.close()
