"""How quickly merchants are imported, and whether memory stays flat: `python -m tests.load.import_bench [ROWS ...]`.

Files of 1,000 and more rows, as CSV and XLSX, good and broken, are read, stored and worked off by one process beside
its database, each row submitted and screened. Printed are rows a second on the clock, CPU milliseconds a row of
service and database together, and the most memory that the service held.
"""

import asyncio
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec

from merchant import migrations
from merchant.core import background, ids, postgres
from merchant.core.service import Service, open_service
from merchant.core.settings import Settings
from merchant.exchange import imports
from tests import builders
from tests.builders import SECRET_KEY
from tests.load.meter import cpu_s, family
from tests.merchant.exchange.files import as_csv, as_xlsx, seller

SIZES = (1_000, 20_000)
_GIVEN = [
    "Njeri",
    "Amina",
    "Otieno",
    "Wanjiru",
    "Kamau",
    "Achieng",
    "Mwangi",
    "Fatuma",
    "Juma",
    "Chebet",
    "Kiptoo",
    "Zawadi",
    "Baraka",
    "Neema",
    "Atieno",
]
_FAMILY = [
    "Odhiambo",
    "Wanjiku",
    "Kariuki",
    "Mutua",
    "Omondi",
    "Kimani",
    "Njoroge",
    "Auma",
    "Barasa",
    "Cheruiyot",
    "Nyambura",
    "Ouma",
    "Wekesa",
]


class Memory:
    """The most resident memory of this process while it is watched, in MB."""

    def __init__(self) -> None:
        self.most_mb = 0.0
        self._over = threading.Event()

    @contextmanager
    def watched(self) -> Iterator["Memory"]:
        """Look every twentieth of a second."""
        watch = threading.Thread(target=self._watch, daemon=True)
        watch.start()
        try:
            yield self
        finally:
            self._over.set()
            watch.join()

    def _watch(self) -> None:
        while not self._over.wait(0.05):
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            self.most_mb = max(self.most_mb, pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20))


def rows(count: int, seed: str, *, broken: bool = False) -> Iterator[list[str]]:
    """Merchants with names of people, or rows each of whose cells is wrong."""
    chance = random.Random(seed)
    for number in range(count):
        given, family_name = chance.choice(_GIVEN), chance.choice(_FAMILY)
        made = seller(
            number,
            external_ref=f"{seed}-{number}",
            trading_name=f"{given} {family_name} Stall {number}",
            given_name=given,
            family_name=family_name,
            contact=f"{given} {family_name}",
        )
        yield ["=1+1", "=x", "shop", "99", "ZZZ", "@", "-", "+", "12", "cloud", "QQ", "x" * 99, "="] if broken else made


class Taken(msgspec.Struct, frozen=True):
    """What an import took: rows, seconds of reading, storing and all, CPU seconds, memory; and what came of it."""

    rows: int
    read_s: float
    stored_s: float
    took_s: float
    cpu_s: float
    most_mb: float
    added: int
    failed: int


async def import_file(service: Service, data: int, actor: Any, content: bytes, name: str) -> Taken:
    """Import one file, whole."""
    pids = family(os.getpid(), data)
    spent, began_s = cpu_s(pids), time.monotonic()
    with Memory().watched() as memory, tempfile.TemporaryFile() as file, tempfile.TemporaryFile() as batches:
        file.write(content)
        file.seek(0)
        import_id = ids.uuid7()
        contents = await asyncio.to_thread(imports.read_file, file, batches, service.vault, import_id)
        read_s = time.monotonic() - began_s
        new = imports.NewImport(import_id, contents, name, "", dry_run=False, submit=True)
        async with service.db.tenant(actor.dfsp_id) as tx:
            job = await imports.order(tx, actor, new, batches)
        stored_s = time.monotonic() - began_s
        while not await imports.import_next(service, job):
            pass
        await background.run_slice(service, imports.KIND, job.id)
    took_s, cpu = time.monotonic() - began_s, cpu_s(family(os.getpid(), data) | pids) - spent
    return Taken(contents.rows, read_s, stored_s, took_s, cpu, memory.most_mb, job.added, job.failed)


def tell(name: str, taken: Taken) -> None:
    """Print one line."""
    click.echo(
        f"{name:28} {taken.rows:7} rows  {taken.rows / taken.took_s:7.0f} rows/s"
        f"  {taken.cpu_s / taken.rows * 1000:5.2f} ms CPU/row  read {taken.read_s:5.1f} s"
        f"  stored {taken.stored_s - taken.read_s:4.1f} s  most memory {taken.most_mb:5.0f} MB"
        f"  added {taken.added} failed {taken.failed}"
    )


@asynccontextmanager
async def importing() -> AsyncIterator[Callable[[bytes, str], Awaitable[Taken]]]:
    """A service with a database of its own; called with a file and its name, it imports it."""
    with tempfile.TemporaryDirectory() as folder, postgres.start(Path(folder) / "pg") as server:
        url = server.url()
        await migrations.upgrade(url)
        settings = Settings(secret_key=SECRET_KEY, require_totp=False, data_dir=Path(folder))
        async with open_service(settings, url) as service:
            await builders.seed_world(service)
            actor = (await builders.load_world(service)).maker.actor
            [data] = await _server_pids(service)
            yield lambda content, name: import_file(service, data, actor, content, name)


async def main(sizes: tuple[int, ...]) -> None:
    """Measure every file."""
    async with importing() as take:
        for size in sizes:
            for kind, make in (("CSV", as_csv), ("XLSX", as_xlsx)):
                tell(f"{kind}, good", await take(make(list(rows(size, f"{kind}{size}"))), kind))
            content = as_csv(list(rows(size, f"B{size}", broken=True)))
            tell("CSV, every row broken", await take(content, "broken"))


async def _server_pids(service: Service) -> list[int]:
    """The database's parent process."""
    async with service.db.system_reads() as tx:
        backend = await tx.fetchval("SELECT pg_backend_pid()")
    return [int(Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()[1])]


if __name__ == "__main__":
    asyncio.run(main(tuple(map(int, sys.argv[1:])) or SIZES))
