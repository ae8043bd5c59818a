"""A payment on several machines: it is paid, nobody else sees it, and its statements each ask one machine."""

import re
import sys
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from merchant.core.distribution import PLAN, Kind
from merchant.core.lane_sql import Routed
from merchant.core.sql import Named
from merchant.registry.oracle.operations import find_routes
from tests import builders
from tests.builders import DFSPS
from tests.distributed.exceptions import EXCEPTIONS
from tests.merchant.payments.stage import Stage

pytestmark = pytest.mark.anyio

Statements = dict[str, tuple[str, tuple[Any, ...]]]
_TASKS = re.compile(r"Task Count: (\d+)")
_DISTRIBUTED = [name for name, place in PLAN.items() if place.kind is Kind.DISTRIBUTED]
_ABOUT = re.compile(rf"\b(?:FROM|JOIN|INTO|UPDATE) (?:{'|'.join(_DISTRIBUTED)})\b")


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Iterator[Statements]:
    """What is sent to the database, by what the statement is called in our code."""
    seen: Statements = {}
    rewrite = Routed._of

    def noted(self: Routed, statement: str, values: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
        text, all_values = rewrite(self, statement, values)
        if _ABOUT.search(text):
            seen.setdefault(_name_of(statement), (text, all_values))
        return text, all_values

    monkeypatch.setattr(Routed, "_of", noted)
    yield seen


async def test_the_tables_lie_where_the_plan_says(stage: Stage) -> None:
    rows = await stage.rows("SELECT table_name::text AS name, citus_table_type AS kind FROM citus_tables")
    wanted = {name: place.kind.value for name, place in PLAN.items() if place.kind is not Kind.LOCAL}
    assert {row["name"]: row["kind"] for row in rows} == wanted
    assert stage.service.db.is_distributed


async def test_a_request_is_asked_for_quoted_transferred_and_paid(stage: Stage) -> None:
    request = await stage.asked()
    transfer_id = await stage.pay(request)
    paid = await stage.read(request)
    assert (paid["state"], paid["hub"]["transfer_id"]) == ("paid", transfer_id)
    assert [step["state"] for step in await stage.history(request)] == ["created", "sent", "accepted", "paid"]
    [payment] = [one for one in await stage.payments() if one["hub"]["transfer_id"] == transfer_id]
    assert payment["amount"] == request["amount"]


async def test_a_repeated_message_of_the_hub_pays_nothing_twice(stage: Stage) -> None:
    request = await stage.asked()
    transfer_id = await stage.pay(request)
    await stage.end_transfer(transfer_id, "COMMITTED")
    assert len([one for one in await stage.payments() if one["hub"]["transfer_id"] == transfer_id]) == 1


async def test_a_request_whose_time_is_over_expires(stage: Stage) -> None:
    request = await stage.asked(expires_in_s=1)
    async with stage.service.db.system(lane=UUID(int=0)) as tx:  # of no DFSP: the row's own time is what counts
        await tx.execute("UPDATE open_reference SET expires_at = now() - interval '1 hour'")
        await tx.execute("UPDATE payment_request SET expires_at = now() - interval '1 hour' WHERE state = 'sent'")
    await stage.tick()
    assert await stage.state(request) == "expired"


async def test_the_oracle_finds_an_open_code_by_its_number(stage: Stage) -> None:
    request = await stage.ask(payer=None)
    [row] = await stage.rows(
        "SELECT alias_type, alias, sub_id FROM open_reference WHERE request_id = $1", UUID(request["id"])
    )
    async with stage.service.db.look_ups() as tx:
        [route] = await find_routes(tx, row["alias_type"], row["alias"], row["sub_id"], "KES")
        assert route.fsp_id == DFSPS[0]
        assert await find_routes(tx, row["alias_type"], row["alias"], "nosuchcode", "KES") == []


async def test_another_dfsp_sees_nothing_of_it_on_any_machine(stage: Stage) -> None:
    """Row-level security holds at the workers: the tenant is told to them with each transaction."""
    request = await stage.asked()
    other = _other(stage)
    key = await builders.issue_key(stage.service, other, ["payments:read"])
    path = f"/api/v1/payment-requests/{request['id']}"
    assert (await stage.client.get(path, headers=key)).status_code == 404
    assert (await stage.client.get("/api/v1/payment-requests", headers=key)).json()["items"] == []
    async with stage.service.db.tenant(other.actor.dfsp_id) as tx:
        tx.enter_lane(None)  # every machine is asked
        for table in ("payment_request", "payment_event", "quote", "transfer", "payment"):
            assert await tx.fetchval(f"SELECT count(*) FROM {table}") == 0, table


async def test_a_tenant_cannot_write_rows_of_another(stage: Stage) -> None:
    theirs = _other(stage).actor.dfsp_id
    insert = "INSERT INTO idempotency_key (scope, key, dfsp_id, input_hash, created_at) VALUES ($1, 'k', $2, $3, now())"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with stage.service.db.tenant(stage.merchant.dfsp_id) as tx:
            await tx.execute(insert, "scope", str(theirs), b"")


async def test_each_statement_of_a_payment_asks_one_machine_or_says_why_not(
    stage: Stage, statements: Statements
) -> None:
    request = await stage.asked()
    await stage.pay(request)
    await stage.pay()
    await stage.read(request)
    await stage.tick()
    plans = {name: await _plan(stage, *statement) for name, statement in sorted(statements.items())}
    spread = {name: plan for name, plan in plans.items() if not _is_of_one_machine(plan)}
    unnamed = {name: plan for name, plan in spread.items() if name not in EXCEPTIONS}
    assert not unnamed, "\n\n".join(f"{name}\n{plan}" for name, plan in unnamed.items())
    assert EXCEPTIONS.keys() <= spread.keys(), "these ask one machine by now"


def _is_of_one_machine(plan: str) -> bool:
    counts = {int(count) for count in _TASKS.findall(plan)}
    return counts == {1} and "pull to coordinator" not in plan


async def _plan(stage: Stage, text: str, values: tuple[Any, ...]) -> str:
    async with stage.service.db.system_statements() as tx:
        try:
            return "\n".join(row[0] for row in await tx._raw._raw.fetch(f"EXPLAIN (COSTS off) {text}", *values))
        except asyncpg.FeatureNotSupportedError as error:
            return f"Citus carries it out, and cannot show how: {error}"


def _name_of(statement: str) -> str:
    """Module and name of a constant; the text of one that is put together."""
    for module in [module for name, module in sorted(sys.modules.items()) if name.startswith("merchant.")]:
        for name, value in vars(module).items():
            if value is statement or (isinstance(value, Named) and value.text is statement) or value == statement:
                return f"{module.__name__}.{name}"
    return " ".join(statement.split())[:200]


def _other(stage: Stage) -> builders.Person:
    return stage.world[DFSPS[1]]["admin"]
