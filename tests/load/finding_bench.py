"""How long a search takes among a million merchants: `python -m tests.load.finding_bench [MERCHANTS] [DATA_DIR]`.

A scratch PostgreSQL of its own with the settings of an installation. Seven merchants of ten are one DFSP's, the others
29 more's. Names are drawn as names are: few words are common, most are rare. Prints the milliseconds of CPU time that a
search takes in the database's process and in ours, and of wall time, one search at a time; a DATA_DIR is kept.
"""

import asyncio
import base64
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import click
from msgspec import Struct

from merchant import migrations
from merchant.core import clock, ids, postgres
from merchant.core.access import Actor
from merchant.core.paging import Page
from merchant.core.phone import Msisdn
from merchant.core.service import Service, open_service
from merchant.core.settings import Settings
from merchant.core.vault import Vault
from merchant.registry.merchants import search_index, words
from merchant.registry.merchants.finding import Sought, find_merchants
from tests import builders
from tests.builders import SECRET_KEY
from tests.load.pages_bench import report_pages

BUDGET_MS = 50.0
ROUNDS = 40
SMALL_DFSPS = 29
CHUNK = 50_000
_SYLLABLES = """
ba be bi bo bu da de di do du fa fe fi fo ga ge gi go gu ha he hi ho hu ja je ji jo ju ka ke ki ko ku la le li
lo lu ma me mi mo mu na ne ni no nu pa pe pi po ra re ri ro ru sa se si so su ta te ti to tu wa we wi wo ya ye
yo za nja nya mwa kwa cha sha tho ngu mba nda
"""
_TRADES = """
shop store duka general traders enterprises salon hair beauty boutique fashion hardware agrovet chemist
pharmacy electronics phones accessories agent butchery hotel cafe restaurant bakery grocery fruits vegetables
cereals wholesalers retail mini market supermarket kiosk stall bar wines spirits laundry carwash garage spares
motors tailor fabrics shoes furniture timber workshop printing cyber stationery bookshop school clinic dental
optical feeds fish poultry milk
"""
_OPENED = datetime(2024, 1, 1, tzinfo=UTC)
_COLUMNS = """
id dfsp_id application_id state tier kind trading_name legal_name ussd_name mcc currencies country city risk revision
created_at indexed_at
"""
_INDEXES = {
    "merchant_search_words": "CREATE INDEX merchant_search_words ON merchant_search USING gin (words)"
    " WITH (fastupdate = off)"
}
_MCCS = ("5411", "5499", "5812", "7230", "5251", "5912", "5732", "5661", "7542", "5942")


class Drawn(Struct):
    """A merchant of the bench, as queries need it."""

    dfsp_id: UUID
    merchant_id: UUID
    given: str
    family: str
    trades: tuple[str, str]
    city: str
    phone: str
    register: str
    alias: str
    made_by: UUID


class Town:
    """The words that names are drawn from."""

    def __init__(self) -> None:
        self.random = random.Random(20_260)
        self.families, self.givens = self._pool(150_000), self._pool(3_000)
        self.cities, self.trades = self._pool(300), _TRADES.split()
        self.dfsps: list[UUID] = []
        self.makers = [ids.uuid7() for _ in range(60)]

    def _pool(self, size: int) -> list[str]:
        found: dict[str, None] = {}
        while len(found) < size:
            found["".join(self.random.choice(_SYLLABLES.split()) for _ in range(self.random.choice((2, 3, 3, 4))))] = (
                None
            )
        return list(found)

    def _drawn(self, pool: list[str]) -> str:
        """The n-th of a pool with a chance like 1/n (Zipf), as words of names are."""
        return pool[int(len(pool) ** self.random.random()) - 1]

    def _made(self, number: int) -> UUID:
        """An id of the moment when this one of them was approved: a minute after the one before."""
        return ids.uuid7(int((_OPENED + timedelta(minutes=number)).timestamp()) * 1_000_000_000)

    def merchant(self, number: int) -> Drawn:
        """The next merchant."""
        big = self.random.random() < 0.7
        return Drawn(
            self.dfsps[0] if big else self.random.choice(self.dfsps[1:]),
            self._made(number),
            self._drawn(self.givens),
            self._drawn(self.families),
            (self._drawn(self.trades), self._drawn(self.trades)),
            self._drawn(self.cities),
            f"+254{700_000_000 + number}",
            f"PVT-{number:07}",
            str(10_000_000 + number),
            self.random.choice(self.makers),
        )


async def _fill(service: Service, url: str, town: Town, size: int) -> None:
    """Merchants with their words, written as index_merchant writes them."""
    connection = await asyncpg.connect(url)
    template = await connection.fetchrow("SELECT * FROM dfsp ORDER BY id LIMIT 1")
    for number in range(SMALL_DFSPS - 1):
        row = dict(template) | {"id": ids.uuid7(), "fsp_id": f"small{number}", "name": f"Small {number}"}
        await connection.copy_records_to_table("dfsp", records=[tuple(row.values())], columns=list(row))
    town.dfsps = [row["id"] for row in await connection.fetch("SELECT id FROM dfsp ORDER BY id")]
    world = await builders.load_world(service)
    application = await builders.create_application(service, world.maker)
    keys: dict[UUID, set[str]] = {dfsp_id: set() for dfsp_id in town.dfsps}
    started = time.monotonic()
    for index in _INDEXES:  # a large index is built in a fraction of the time that it takes to grow
        await connection.execute(f"DROP INDEX {index}")
    for first in range(0, size, CHUNK):
        chunk = [town.merchant(number) for number in range(first, min(size, first + CHUNK))]
        listed = [(one, _words(service.vault, one)) for one in chunk]
        await _copy_merchants(connection, application.id, chunk)
        await connection.copy_records_to_table(
            "merchant_search",
            records=[(one.merchant_id, one.dfsp_id, sorted(found)) for one, found in listed],
            columns=["merchant_id", "dfsp_id", "words"],
        )
        await connection.copy_records_to_table(
            "search_key", records=list(_new_keys(keys, listed)), columns=["dfsp_id", "key", "word"]
        )
        click.echo(f"{first + len(chunk):9,} merchants, {time.monotonic() - started:.0f} s")
    for definition in _INDEXES.values():
        await connection.execute(definition)
    for table in ("merchant", "merchant_search", "search_key"):
        await connection.execute(f"VACUUM ANALYZE {table}")
        bytes_ = await connection.fetchval("SELECT pg_total_relation_size($1::regclass)", table)
        click.echo(f"{table:16} {bytes_ / 2**20:8,.0f} MB")
    await connection.close()


def _words(vault: Vault, one: Drawn) -> set[str]:
    found = words.index_words(f"{one.given} {one.family} {' '.join(one.trades)}", one.city)
    found |= {search_index.owner_word(vault, one.given), search_index.owner_word(vault, one.family)}
    found |= {search_index.phone_word(vault, Msisdn.of(one.phone)), search_index.identity_word(vault, one.register)}
    found |= {search_index.number_word(one.alias), search_index.city_word(one.city), search_index.country_word("KE")}
    found |= {
        search_index.dfsp_word(one.dfsp_id),
        search_index.month_word(_approved_at(one).year, _approved_at(one).month),
    }
    found |= search_index.facet_words(**_facets(one))
    return found | {search_index.added_by_word(one.made_by), search_index.approved_by_word(one.made_by)}


def _facets(one: Drawn) -> dict[str, str | None]:
    """State, tier, category and risk: 5 of 1,000 are suspended, 25 closed, 9 of high risk."""
    chance = one.merchant_id.int % 1000
    state = "suspended" if chance < 5 else "closed" if chance < 30 else "active"
    risk = "high" if chance > 990 else None
    return {"state": state, "tier": f"T{chance % 3}", "mcc": _MCCS[chance % 10], "risk": risk}


def _new_keys(known: dict[UUID, set[str]], listed: list[tuple[Drawn, set[str]]]) -> Iterator[tuple[UUID, str, str]]:
    for one, found in listed:
        for word in found:
            if "=" not in word and word not in known[one.dfsp_id]:
                known[one.dfsp_id].add(word)
                yield from ((one.dfsp_id, key, word) for key in words.stored_keys(word))


async def _copy_merchants(connection: Any, application_id: UUID, chunk: list[Drawn]) -> None:
    records = []
    for one in chunk:
        facets = _facets(one)
        records.append(
            (
                *(one.merchant_id, one.dfsp_id, application_id, facets["state"], facets["tier"], "company"),
                f"{one.given} {one.family} {' '.join(one.trades)}".title(),
                *("", "", facets["mcc"], ["KES"], "KE", one.city.title()),
                *(facets["risk"], 1, _approved_at(one), clock.now()),
            )
        )
    await connection.copy_records_to_table(
        "merchant",
        records=records,
        columns=[
            "id",
            "dfsp_id",
            "application_id",
            "state",
            "tier",
            "kind",
            "trading_name",
            "legal_name",
            "ussd_name",
            "mcc",
            "currencies",
            "country",
            "city",
            "risk",
            "revision",
            "created_at",
            "indexed_at",
        ],
    )


def _approved_at(one: Drawn) -> datetime:
    """When the merchant's id was made (RFC 9562: 48 bits of milliseconds first)."""
    return datetime.fromtimestamp((one.merchant_id.int >> 80) / 1000, UTC)


def _misspelt(word: str) -> str:
    middle = len(word) // 2
    return word[:middle] + word[middle + 1] + word[middle] + word[middle + 2 :]


Make = Callable[[Drawn, random.Random], Sought]
KINDS: dict[str, Make] = {
    "nothing: the newest": lambda one, _: Sought(),
    "family name, mostly rare": lambda one, _: Sought(q=one.family),
    "trade, mostly common": lambda one, _: Sought(q=one.trades[0]),
    "given name and trade": lambda one, _: Sought(q=f"{one.trades[0]} {one.given}"),
    "all words of a name": lambda one, _: Sought(q=f"{one.trades[1]} {one.family} {one.given} {one.trades[0]}"),
    "trade and city": lambda one, _: Sought(q=f"{one.trades[0]} {one.city}"),
    "three letters of a name": lambda one, _: Sought(q=one.family[:3]),
    "five letters of a name": lambda one, _: Sought(q=one.family[:5]),
    "two words begun": lambda one, _: Sought(q=f"{one.given[:4]} {one.trades[0][:4]}"),
    "family name with a slip": lambda one, _: Sought(q=_misspelt(one.family + "ngo"[: max(0, 5 - len(one.family))])),
    "two words with slips": lambda one, _: Sought(q=f"{_misspelt(one.family)} {_misspelt(one.trades[0])}"),
    "owner's name": lambda one, _: Sought(q=f"{one.family} {one.given}"),
    "phone": lambda one, _: Sought(q=one.phone[4:].rjust(10, "0")),
    "register number": lambda one, _: Sought(q=one.register.lower()),
    "merchant number": lambda one, _: Sought(q=f"{one.alias[:4]} {one.alias[4:]}"),
    "a word that is nowhere": lambda one, rnd: Sought(q=f"{one.trades[0]} {rnd.choice('xyzq') * 3}qxw"),
    "two cities": lambda one, rnd: Sought(q=f"{one.city} {rnd.choice(TOWN.cities[:20])}"),
    "the two commonest cities": lambda one, _: Sought(q=f"{TOWN.cities[0]} {TOWN.cities[1]}"),
    "trade, suspended": lambda one, _: Sought(q=one.trades[0], state="suspended"),
    "trade, category, tier": lambda one, _: Sought(q=one.trades[0], mcc="5812", tier="T1"),
    "trade, high risk": lambda one, _: Sought(q=one.trades[0], risk="high"),
    "trade in a city, added by": lambda one, _: Sought(q=one.trades[0], city=one.city, added_by=one.made_by),
    "added by": lambda one, _: Sought(added_by=one.made_by),
    "city, suspended": lambda one, _: Sought(city=one.city, state="suspended"),
    "suspended": lambda one, _: Sought(state="suspended"),
    "of a day": lambda one, _: Sought(since=_approved_at(one), until=_approved_at(one) + timedelta(days=1)),
    "trade, of a day": lambda one, _: Sought(
        q=one.trades[0], since=_approved_at(one), until=_approved_at(one) + timedelta(days=1)
    ),
    "trade, of a quarter": lambda one, _: Sought(
        q=one.trades[0], since=_approved_at(one), until=_approved_at(one) + timedelta(days=90)
    ),
}
TOWN = Town()


class Measured(Struct):
    """The searches of one kind: milliseconds of each, sorted, and how many merchants one finds on average."""

    cpu_ms: list[float]
    wall_ms: list[float]
    found: float


def _cpu_ms(database_pid: int) -> float:
    """What the database's process has used (sched-stats.rst of the Linux kernel: nanoseconds first), and ours."""
    of_database = int(Path(f"/proc/{database_pid}/schedstat").read_text().split()[0]) / 1e6
    return of_database + time.process_time() * 1000


async def _measure(service: Service, actor: Actor, sample: list[Drawn], make: Make) -> Measured:
    rnd, found = random.Random(1), Measured([], [], 0)
    for one in sample:
        sought = make(one, rnd)
        async with service.db.tenant(actor.dfsp_id) as tx:
            pid = await tx.fetchval("SELECT pg_backend_pid()")
            cpu_ms, started = _cpu_ms(pid), time.perf_counter()
            found.found += len(await find_merchants(tx, actor, Page(25), sought, "KE")) / len(sample)
            found.wall_ms.append((time.perf_counter() - started) * 1000)
            found.cpu_ms.append(_cpu_ms(pid) - cpu_ms)
            if found.cpu_ms[-1] > BUDGET_MS:
                click.echo(f"  {found.cpu_ms[-1]:.0f} ms: q={sought.q}")
    return Measured(sorted(found.cpu_ms), sorted(found.wall_ms), found.found)


def _at(took: list[float], part: float) -> float:
    return took[min(len(took) - 1, int(len(took) * part))]


async def _report(service: Service, sample: list[Drawn]) -> None:
    world = await builders.load_world(service)
    big = world[builders.DFSPS[0]]["maker"].actor
    small = next(one for one in sample if one.dfsp_id != TOWN.dfsps[0]).dfsp_id
    actors = {
        "the large DFSP": (big, [one for one in sample if one.dfsp_id == big.dfsp_id]),
        "a small DFSP": (
            Actor(kind="user", id=big.id, name="", dfsp_id=small),
            [one for one in sample if one.dfsp_id == small],
        ),
        "the hub": (world.operator.actor, sample),
    }
    for who, (actor, its) in actors.items():
        click.echo(
            f"\n{who:28} {'CPU p50':>8} {'p99':>7} {'wall p50':>9} {'p99':>7}  ms, budget {BUDGET_MS:.0f}; found"
        )
        for kind, make in KINDS.items():
            await _measure(service, actor, its[:6], make)  # connections learn their statements
            done = await _measure(service, actor, its[:ROUNDS], make)
            cpu, wall = done.cpu_ms, done.wall_ms
            verdict = "over" if _at(cpu, 0.99) > BUDGET_MS else ""
            click.echo(
                f"{kind:28} {_at(cpu, 0.5):8.1f} {_at(cpu, 0.99):7.1f} {_at(wall, 0.5):9.1f} {_at(wall, 0.99):7.1f}"
                f" {done.found:6.1f} {verdict}"
            )


async def _run(url: str, size: int) -> None:
    filled = await _is_filled(url)
    if not filled:
        await migrations.upgrade(url)
    settings = Settings(secret_key=SECRET_KEY, require_totp=False)
    async with open_service(settings, url) as service:
        if not filled:
            await builders.seed_world(service)
            await _fill(service, url, TOWN, size)
        sample = await _sample(url)
        await report_pages(service, sample)
        await _report(service, sample)


async def _is_filled(url: str) -> bool:
    connection = await asyncpg.connect(url)
    found: bool = await connection.fetchval("SELECT to_regclass('merchant_search') IS NOT NULL")
    await connection.close()
    return found


async def _sample(url: str) -> list[Drawn]:
    """Merchants to look for, read back by what they are called."""
    connection = await asyncpg.connect(url)
    TOWN.dfsps = [row["id"] for row in await connection.fetch("SELECT id FROM dfsp ORDER BY id")]
    rows = await connection.fetch(
        "SELECT m.*, s.words FROM merchant m JOIN merchant_search s ON s.merchant_id = m.id"
        " WHERE m.id IN (SELECT id FROM merchant TABLESAMPLE SYSTEM (1) REPEATABLE (7) LIMIT 4000)"
    )
    await connection.close()
    random.Random(3).shuffle(rows)
    found = []
    for row in rows:
        given, family, *trades = row["trading_name"].lower().split()
        tags = dict(word.split("=", 1) for word in row["words"] if "=" in word)
        number = int(tags["number"]) - 10_000_000
        found.append(
            Drawn(
                row["dfsp_id"],
                row["id"],
                given,
                family,
                (trades[0], trades[1]),
                row["city"].lower(),
                f"+254{700_000_000 + number}",
                f"PVT-{number:07}",
                tags["number"],
                UUID(bytes=base64.urlsafe_b64decode(tags["added_by"] + "==")),
            )
        )
    return found


def main() -> None:
    """Fill, unless it is filled, and measure."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(sys.argv[2] if len(sys.argv) > 2 else scratch)
        with postgres.start(folder, settings={"fsync": "off"}) as running:
            asyncio.run(_run(running.url(), size))


if __name__ == "__main__":
    main()
