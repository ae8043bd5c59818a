"""How long it takes to find one of a million payments: `python -m tests.load.find_payments [PAYMENTS] [DATA_DIR]`.

A scratch PostgreSQL of its own with the settings of an installation, filled by one statement a table
(tests/merchant/payments/many.py): every second payment was asked for, a tenth are one merchant's. Prints the median and
the 95th percentile of each way to find one, as the staff of the large DFSP, one merchant's people and the hub's staff
ask it; then how much the indexes take, and what writing them costs. A DATA_DIR is kept, and filled once.
"""

import asyncio
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import click
from msgspec.structs import replace

from merchant import migrations
from merchant.core import clock, postgres
from merchant.core.access import Actor
from merchant.core.service import Service, open_service
from merchant.core.settings import Settings
from merchant.payments import finding, receipt_numbers, search
from merchant.payments.finding import Sought
from tests import builders
from tests.builders import SECRET_KEY
from tests.merchant.payments import many
from tests.merchant.payments.branches import BRANCHES, NOTED

BUDGET_MS = 100.0
SAMPLED = 30
MERCHANTS, DFSPS = 3_000, 29
_INDEXES = """
SELECT indexrelname AS name, pg_relation_size(indexrelid) AS bytes FROM pg_stat_user_indexes
WHERE relname IN ('payment', 'payment_request') ORDER BY relname, indexrelname
"""
# The indexes of migration 0024: what a payment costs with them and without.
ADDED = (
    *("payment_of_payer", "payment_of_request", "payment_of_transaction", "payment_of_amount"),
    *("payment_of_merchant_amount", "payment_request_of_amount", "payment_request_of_merchant_amount"),
    "payment_request_short_ref",
)
_COPIED = 2_000
_COPY = """
INSERT INTO payment SELECT (jsonb_populate_record(null::payment, to_jsonb(p) || jsonb_build_object(
  'id', gen_random_uuid(), 'transfer_id', gen_random_uuid()::text, 'transaction_id', gen_random_uuid()::text,
  'request_id', gen_random_uuid(), 'payer_digest', '\\x' || md5(random()::text) || md5(random()::text)))).*
FROM (SELECT * FROM payment TABLESAMPLE SYSTEM (5) LIMIT $1) p
"""


async def _look(service: Service, actor: Actor, sought: Sought, looked_at: int | None) -> float:
    async with service.db.tenant(actor.dfsp_id) as tx:
        started = time.perf_counter()
        await finding.prepare(tx)
        await finding.payment_ids(tx, actor, sought, search.MOST, looked_at=looked_at)
        await finding.request_ids(tx, actor, sought, search.MOST, looked_at=looked_at)
        return (time.perf_counter() - started) * 1000


async def _search(service: Service, actor: Actor, typed: str) -> float:
    scheme = await service.scheme()
    async with service.db.tenant(actor.dfsp_id) as tx:
        started = time.perf_counter()
        await search.search_payments(tx, actor, scheme, service.vault, typed, Sought())
        return (time.perf_counter() - started) * 1000


def _tell(name: str, took: list[float]) -> None:
    took.sort()
    p95 = took[min(len(took) - 1, int(len(took) * 0.95))]
    verdict = "over" if p95 > BUDGET_MS else ""
    click.echo(f"{name:34} {took[len(took) // 2]:8.1f} {p95:8.1f} {took[-1]:8.1f} {verdict}")


async def _report(service: Service, rows: list[Any]) -> None:
    world = await builders.load_world(service)
    staff = world[builders.DFSPS[0]]["admin"].actor
    ours = [row for row in rows if row["dfsp_id"] == staff.dfsp_id]
    asked = {
        "the large DFSP's staff": (ours, lambda row: staff),
        "a merchant's people": (ours, lambda row: replace(staff, merchant_id=row["merchant_id"])),
        "the hub's staff": (rows, lambda row: world.operator.actor),
    }
    for who, (its, actor_of) in asked.items():
        click.echo(f"\n{who:34} {'p50':>8} {'p95':>8} {'most':>8}  ms, budget {BUDGET_MS:.0f}")
        for name, make in BRANCHES.items():
            pairs = [(row, sought) for row in its if (sought := make(row)) is not None]
            await _look(service, actor_of(pairs[0][0]), pairs[0][1], None)
            _tell(name, [await _look(service, actor_of(row), sought, None) for row, sought in pairs])
        noted = Sought(words=("coffees", "nowhere"), since=clock.now() - timedelta(days=31))
        _tell(NOTED, [await _look(service, actor_of(row), noted, search.LOOKED_AT) for row in its[:10]])
        typed = {
            "search: receipt number": lambda row: receipt_numbers.number_of(row["id"]),
            "search: transfer": lambda row: row["transfer_id"],
            "search: merchant number": lambda row: row["alias"],
            "search: 250": lambda row: str(row["amount_minor"] // 100),
            "search: a phone": lambda row: "0711000001",
            "search: words of a note": lambda row: "coffees nowhere",
        }
        for name, of in typed.items():
            _tell(name, [await _search(service, actor_of(row), of(row)) for row in its[:20]])


async def _cost(connection: Any) -> None:
    """What the indexes take, and what 0024's add to the writing of a payment; what is written is rolled back."""
    click.echo("")
    for row in await connection.fetch(_INDEXES):
        click.echo(f"{row['name']:40} {row['bytes'] / 2**20:8.1f} MB{'  new' if row['name'] in ADDED else ''}")
    took: dict[str, float] = {}
    for name in ("with", "without", "with", "without"):
        transaction = connection.transaction()
        await transaction.start()
        if name == "without":
            for index in ADDED:
                await connection.execute(f"DROP INDEX {index}")
        started = time.perf_counter()
        written = await connection.execute(_COPY, _COPIED)
        took[name] = (time.perf_counter() - started) * 1e6 / int(written.rsplit(" ", 1)[-1])
        await transaction.rollback()
    click.echo(f"a payment's row: {took['with']:.0f} µs with the new indexes, {took['without']:.0f} µs without")


async def _run(url: str, size: int) -> None:
    connection = await asyncpg.connect(url, command_timeout=3600)
    is_filled = await connection.fetchval("SELECT to_regclass('payment') IS NOT NULL")
    if not is_filled:
        await migrations.upgrade(url)
    settings = Settings(secret_key=SECRET_KEY, require_totp=False)
    async with open_service(settings, url) as service:
        if not is_filled:
            await builders.seed_world(service)
            await builders.create_merchant(service, await builders.load_world(service))
            started = time.monotonic()
            await many.fill(connection, size, merchants=MERCHANTS, dfsps=DFSPS)
            click.echo(f"{size:,} payments in {time.monotonic() - started:.0f} s")
        await _report(service, await many.sample(connection, SAMPLED))
        await _cost(connection)
    await connection.close()


def main() -> None:
    """Fill, unless it is filled, and measure."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(sys.argv[2] if len(sys.argv) > 2 else scratch)
        with postgres.start(folder, settings={"fsync": "off"}) as running:
            asyncio.run(_run(running.url(), size))


if __name__ == "__main__":
    main()
