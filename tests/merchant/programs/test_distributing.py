"""What distributing refuses where there is one machine; tests/distributed tries it where there are several."""

import asyncpg
import pytest

from merchant.core.db import APP_ROLE, SYSTEM_ROLE
from merchant.core.distribution import PLAN, Kind
from merchant.programs import distributing
from merchant.programs.distributing import CannotDistribute

pytestmark = pytest.mark.anyio


async def test_without_the_extension_nothing_is_distributed(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        with pytest.raises(CannotDistribute, match="extension citus is not in this database"):
            await distributing.distribute(connection, APP_ROLE, SYSTEM_ROLE)
        assert await connection.fetchval("SELECT distributed_at FROM installation") is None
    finally:
        await connection.close()


async def test_what_would_be_done_follows_the_plan(database_url: str) -> None:
    """The database's own keys are those that the plan names: the statements are made from both."""
    connection = await asyncpg.connect(database_url)
    try:
        statements = await distributing.statements(connection)
    finally:
        await connection.close()
    text = "\n".join(statements)
    for name, place in PLAN.items():
        assert (f"create_reference_table('{name}')" in text) == (place.kind is Kind.REFERENCE), name
        assert (f"create_distributed_table('{name}'," in text) == (place.kind is Kind.DISTRIBUTED), name
        for key in place.rekeyed:
            assert f"ADD CONSTRAINT {key} " in text
        for key in place.unlinked:
            assert f"DROP CONSTRAINT {key}" in text
            assert f"ADD CONSTRAINT {key} " not in text
    links = [one for one in statements if "FOREIGN KEY" in one]
    assert all("FOREIGN KEY (dfsp_id, " in one for one in links), links
    assert len(links) == 3


async def test_a_table_that_the_plan_does_not_know_stops_it(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("CREATE TABLE unheard_of (id int)")
        with pytest.raises(CannotDistribute, match="unheard_of"):
            await distributing.statements(connection)
    finally:
        await connection.close()
