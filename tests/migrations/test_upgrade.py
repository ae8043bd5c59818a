"""A filled database of every revision is migrated forward, loses nothing, and goes on working."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import select

from merchant import migrations
from merchant.core import audit, clock
from merchant.core.service import Service, open_service
from merchant.programs import rotation, sealing
from merchant.registry.merchants.models import Counter, Merchant
from tests import builders
from tests.builders import DFSPS, SECRET_KEY
from tests.merchant.payments.stage import Stage
from tests.migrations import fill
from tests.migrations.catalogue import describe_schema
from tests.migrations.fill import DUMPS, REPEATED_BODY, REPEATED_KEY, SCOPES, UNDECIDED, UNSCREENED, open_stage

pytestmark = pytest.mark.anyio
REVISIONS = [file.name.partition(".")[0] for file in sorted(DUMPS.glob("*.sql.gz"))]
every_revision = pytest.mark.parametrize("revision", REVISIONS)
NEW_KEY = "new:" + "Qk9C" * 10 + "Qk8="
# No installation stands at these: they landed in one release with the one after them.
LANDED_TOGETHER = {
    f"{number:04}"
    for number in (*range(6, 11), *range(12, 23), *range(24, 32), *range(33, 37), *range(39, 43), *range(44, 46))
}
# 0001 was edited after 0002 had landed; 0004 gives it to those who missed it.
LATE_INDEX = "CREATE UNIQUE INDEX alias_claim_any_case ON public.alias_claim"
LATE_FOR = {"0001"}
# Their code hashed a call's body as it came, today's hashes what it says; keys last two days.
OTHER_HASH = {"0001", "0002"}
# Tables of sealed values that no dump before 0011, or before 0023, has, or not every one.
SINCE_0011 = {"audit_secret", "audit_reason", "ended_sticker", "app_user", "outgoing_mail"}
SINCE_0023 = {"document", "hit_decision", "import_batch", "list_chunk", "risk_override", "verification"}
SINCE_0032 = {"code_report", "merchant_claim", "sent_message"}
SINCE_0043 = {"payment", "refund"}
SINCE_0046 = {"ussd_route"}


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def count_rows(connection: asyncpg.Connection) -> dict[str, int]:
    """How many rows each table has."""
    names = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return {name: await connection.fetchval(f"SELECT count(*) FROM public.{name}") for (name,) in names}


async def migrate_to(url: str, revision: str) -> None:
    """Stop at a revision that is not the newest."""
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"))
    async with engine.connect() as connection:
        await connection.run_sync(lambda sync: command.upgrade(migrations.config(sync), revision))
    await engine.dispose()


@asynccontextmanager
async def gone_on(url: str, data_dir: Path) -> AsyncIterator[Stage]:
    """Today's service on a migrated database, a minute after its dump was made."""
    async with connected(url) as connection:
        ahead = await connection.fetchval("SELECT max(at) FROM audit_entry") + timedelta(minutes=1) - clock.now()
    real = clock.source
    clock.source = lambda: real() + ahead
    async with open_service(fill.settings(data_dir), url) as service, open_stage(service) as (stage, world):
        stage.key = await builders.issue_key(service, world[DFSPS[0]]["admin"], SCOPES)
        stage.merchant, stage.counter = await _open_shop(service, world.dfsp_ids[DFSPS[0]])
        yield stage


async def _open_shop(service: Service, dfsp_id: UUID) -> tuple[Merchant, Counter]:
    """The shop that asked for money before the dump."""
    async with service.db.tenant(dfsp_id) as tx:
        counter_id = await tx.fetchval("SELECT counter_id FROM payment_request LIMIT 1")
        counter = (await tx.session.exec(select(Counter).where(Counter.id == counter_id))).one()
        return (await tx.session.exec(select(Merchant).where(Merchant.id == counter.merchant_id))).one(), counter


def test_every_revision_that_was_ever_the_newest_left_a_dump() -> None:
    script = ScriptDirectory.from_config(migrations.config())
    present = sorted(revision.revision for revision in script.walk_revisions())
    assert sorted({*present} - LANDED_TOGETHER) == REVISIONS, (
        "make it with `python -m tests.migrations.fill` before the migration lands"
    )


@pytest.mark.database
@every_revision
async def test_the_frozen_sql_makes_what_the_code_of_its_time_made(revision: str, past: str, second_url: str) -> None:
    await migrate_to(second_url, revision)
    async with connected(past) as then, connected(second_url) as now:
        differences = await describe_schema(then) ^ await describe_schema(now)
    late = {fact for fact in differences if LATE_INDEX in fact}
    assert (differences - late, bool(late)) == (set(), revision in LATE_FOR)


@pytest.mark.database
@every_revision
async def test_an_old_database_gets_todays_schema_and_keeps_every_row(
    revision: str, past: str, database_url: str
) -> None:
    async with connected(past) as connection, connected(database_url) as fresh:
        before = await count_rows(connection)
        await migrations.upgrade(past)
        after = await count_rows(connection)
        assert {name: after.get(name) for name in before} == before
        assert await describe_schema(connection) == await describe_schema(fresh)


@every_revision
async def test_the_audit_chains_of_an_old_database_hold_and_its_secrets_open(
    revision: str, past: str, tmp_path: Path
) -> None:
    await migrations.upgrade(past)
    async with open_service(fill.settings(tmp_path), past) as service:
        await sealing.seal_all(service)
    both_keys = msgspec.structs.replace(fill.settings(tmp_path), secret_key=f"{NEW_KEY},{SECRET_KEY}")
    async with open_service(both_keys, past) as service:
        async with service.db.system() as tx:
            checked = [await audit.verify(tx, chain) for chain in await audit.chains(tx)]
        assert len(checked) == 1 + len(DFSPS)
        assert all(entries and fault is None for entries, fault in checked)
        progress = [(table, done, total) async for table, done, total in rotation.rotate(service)]
    opened = {table for table, done, total in progress if done == total > 0}
    # A canary that was sealed only now is sealed under the new key already.
    since = {"0011": SINCE_0011, "0023": SINCE_0023, "0032": SINCE_0032, "0043": SINCE_0043, "0046": SINCE_0046}
    missing = {"vault_canary"}.union(*(tables for number, tables in since.items() if revision < number))
    assert opened >= {column.table for column in rotation.SEALED_COLUMNS} - missing


@every_revision
@pytest.mark.usefixtures("same_clock")
async def test_an_old_database_goes_on_working(revision: str, past: str, tmp_path: Path) -> None:
    await migrations.upgrade(past)
    async with gone_on(past, tmp_path) as stage:
        await _everything_is_legible(stage)
        await _work_is_done(stage)
        await _a_request_is_paid(stage)
        await _doubt_ends(stage)
        await _an_application_is_approved(stage, UNDECIDED)
        await _an_application_is_approved(stage, UNSCREENED)
        await _a_call_is_repeated(stage, known=revision not in OTHER_HASH)


async def _everything_is_legible(stage: Stage) -> None:
    """Applications in every state, their versions with reports and decisions, and merchants, as staff read them."""
    fsp_ids = {dfsp_id: fsp_id for fsp_id, dfsp_id in stage.world.dfsp_ids.items()}
    for table, parts in (("application", ("", "/versions", "/requirements")), ("merchant", ("", "/requirements"))):
        rows = await stage.rows(f"SELECT id, dfsp_id FROM {table}")
        assert rows
        for row in rows:
            headers = stage.world[fsp_ids[row["dfsp_id"]]]["checker"].headers
            for part in parts:
                answer = await stage.client.get(f"/api/v1/{table}s/{row['id']}{part}", headers=headers)
                assert answer.status_code == 200, answer.text


async def _work_is_done(stage: Stage) -> None:
    [job] = await stage.rows("SELECT id FROM outbox WHERE topic = 'hub.message'")
    async with stage.service.db.system() as tx:
        await tx.execute("UPDATE webhook_endpoint SET url = $1", f"{stage.hub.url}/hooks")
    await stage.work()
    assert not await stage.rows("SELECT 1 FROM outbox WHERE id = $1", job["id"])
    assert stage.hub.to("/quotes/", "PUT"), "the quote that waited is answered"
    assert stage.hub.to("/hooks", "POST"), "and what had happened is told"
    assert await stage.rows("SELECT 1 FROM outbox WHERE dead_at IS NOT NULL")


async def _a_request_is_paid(stage: Stage) -> None:
    before = len(await stage.payments())
    request = await stage.asked(amount={"amount": "12.50", "currency": "KES"})
    await stage.pay(request)
    assert await stage.state(request) == "paid"
    assert len(await stage.payments()) == before + 1


async def _doubt_ends(stage: Stage) -> None:
    [row] = await stage.rows(
        "SELECT r.id, t.transfer_id FROM payment_request r JOIN transfer t ON t.request_id = r.id"
        " WHERE r.state = 'in_doubt'"
    )
    await stage.end_transfer(row["transfer_id"], "COMMITTED")
    assert await stage.state({"id": row["id"]}) == "paid"


async def _an_application_is_approved(stage: Stage, trading_name: str) -> None:
    checker = stage.world.checker.headers
    [row] = await stage.rows("SELECT id FROM application WHERE trading_name = $1", trading_name)
    path = f"/api/v1/applications/{row['id']}"
    found = (await stage.client.get(path, headers=checker)).json()
    assert found["business"]["trading_name"] == trading_name
    body = {"version_hash": found["version_hash"]}
    approved = await stage.client.post(f"{path}/approve", json=body, headers=checker)
    assert approved.status_code == 200, approved.text
    assert approved.json()["counters"][0]["alias"]


async def _a_call_is_repeated(stage: Stage, known: bool) -> None:
    """It answers what it answered before, or at least has no second effect."""
    headers = stage.world.maker.headers | {"idempotency-key": REPEATED_KEY}
    again = await stage.client.post("/api/v1/applications", json=REPEATED_BODY, headers=headers)
    [row] = await stage.rows(
        "SELECT id FROM application WHERE trading_name = $1", REPEATED_BODY["business"]["trading_name"]
    )
    if known:
        assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
        assert again.json()["id"] == str(row["id"])
    else:
        assert (again.status_code, again.json()["code"]) == (409, "idempotency_key_reused")
