"""Every way to find a payment goes by an index, for a DFSP's staff, a merchant's people and the hub's."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from merchant.core import clock, ids
from merchant.core.access import Actor
from merchant.core.db import Reads
from merchant.core.paging import AMOUNT, BY_AGE
from merchant.core.service import Service
from merchant.payments import finding, queries, search
from merchant.payments.finding import Sought
from tests import builders
from tests.builders import World
from tests.merchant.payments import many
from tests.merchant.payments.branches import BRANCHES

pytestmark = pytest.mark.anyio
# Fewer, and PostgreSQL would rather read all of them for the hub's staff, of whom it expects to see one in 200.
PAYMENTS = 60_000
HELD: tuple[finding.Table, finding.Table, str] = ("payment", "payment_request", "transfer")


class Filled(msgspec.Struct):
    """A database of many payments, and some of them."""

    service: Service
    actors: dict[str, Actor]
    rows: list[Any]


@pytest.fixture
async def filled(service: Service, world: World, database_url: str) -> AsyncIterator[Filled]:
    connection = await asyncpg.connect(database_url)
    await many.fill(connection, PAYMENTS)
    rows = await many.sample(connection, 3)
    largest = await connection.fetchval(many.LARGEST)
    await connection.close()
    staff = world[builders.DFSPS[0]]["admin"].actor
    ours = [row for row in rows if row["dfsp_id"] == staff.dfsp_id]
    actors = {
        "staff": staff,
        "hub": world.operator.actor,
        "merchant": msgspec.structs.replace(staff, merchant_id=ours[0]["merchant_id"]),
        "large merchant": msgspec.structs.replace(staff, merchant_id=largest),
    }
    yield Filled(service, actors, rows)


def scans(plan: dict[str, Any]) -> list[str]:
    """Tables that a plan reads from end to end."""
    found = [plan["Relation Name"]] if plan["Node Type"] == "Seq Scan" and plan["Relation Name"] in HELD else []
    for part in plan.get("Plans", ()):
        found += scans(part)
    return found


async def plan_of(tx: Reads, text: str, values: tuple[Any, ...]) -> dict[str, Any]:
    explained = await tx.fetchval(f"EXPLAIN (FORMAT JSON) {text}", *values)
    return dict(explained[0]["Plan"])


async def scanned(
    filled: Filled, actor: Actor, table: finding.Table, sought: Sought, looked_at: int | None = None
) -> list[str]:
    async with filled.service.db.tenant(actor.dfsp_id) as tx:
        await finding.prepare(tx)
        dfsps = [row["id"] for row in await tx.fetch("SELECT id FROM dfsp")]
        dfsps = dfsps if actor.dfsp_id is None else [actor.dfsp_id]
        text, values = finding.statement(table, actor, sought, 26, None, dfsps, looked_at)
        named, *given = finding._named(text, values)
        return scans(await plan_of(tx, named, tuple(given)))


async def check_that_no_branch_reads_a_whole_table(filled: Filled) -> None:
    noted = Sought(words=("coffees", "of"), since=clock.now() - timedelta(days=31))
    wrong: list[str] = []
    for who, actor in filled.actors.items():
        for row in filled.rows[:3]:
            for name, make in BRANCHES.items():
                sought = make(row)
                for table in ("payment", "payment_request"):
                    if sought is not None and (found := await scanned(filled, actor, table, sought)):
                        wrong.append(f"{name} in {table} for {who}: {found}")
        # Not the hub's: of its rows PostgreSQL expects to see one in 200, and reads so small a table whole.
        for table in ("payment", "payment_request") if actor.dfsp_id is not None else ():
            if found := await scanned(filled, actor, table, noted, 20):
                wrong.append(f"a note in {table} for {who}: {found}")
    assert wrong == []


async def check_that_what_is_found_is_read_by_an_index(filled: Filled) -> None:
    before = ids.uuid7()
    for actor in filled.actors.values():
        async with filled.service.db.tenant(actor.dfsp_id) as tx:
            await finding.prepare(tx)
            some = [row["id"] for row in filled.rows]
            for text, values in (
                (queries._PAYMENTS, (some,)),
                (queries._REQUESTS, (some,)),
                (search._PAYMENTS, (some, some)),
                (search._REQUESTS, (some,)),
                (queries._PAYMENT, (actor.dfsp_id, actor.merchant_id, None, some[0])),
            ):
                assert scans(await plan_of(tx, text, values)) == [], text
            for sort in BY_AGE:
                text, given = finding.statement("payment", actor, Sought(), 26, before, [], sort=sort)
                named, *values_ = finding._named(text, given)
                assert scans(await plan_of(tx, named, tuple(values_))) == [], sort
            bounded = Sought(merchant_id=filled.rows[0]["merchant_id"], since=clock.now() - timedelta(days=31))
            for table in HELD[:2]:
                place = {"at_currency": "KES", "at_minor": 100}
                text, given = finding.statement(table, actor, bounded, 26, before, [], sort=AMOUNT)
                named, *values_ = finding._named(text, given | place)
                assert scans(await plan_of(tx, named, tuple(values_))) == [], table


async def check_that_each_branch_finds_its_payment(filled: Filled) -> None:
    hub = filled.actors["hub"]
    for row in filled.rows:
        for name, make in BRANCHES.items():
            sought = make(row)
            if sought is None or name in ("nothing: the newest", "amount that nobody paid", "merchant", "counter"):
                continue
            sought = msgspec.structs.replace(sought, until=row["received_at"] + timedelta(microseconds=1))
            async with filled.service.db.tenant(None) as tx:
                found: list[UUID] = await finding.payment_ids(tx, hub, sought, 26)
            wanted = name != "a merchant's note" or row["note"] is not None
            assert (row["id"] in found) == wanted, name


async def test_every_branch_goes_by_an_index_and_finds_its_payment(filled: Filled) -> None:
    """One test: to fill the tables takes longest."""
    await check_that_no_branch_reads_a_whole_table(filled)
    await check_that_what_is_found_is_read_by_an_index(filled)
    await check_that_each_branch_finds_its_payment(filled)
