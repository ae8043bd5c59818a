"""What every test may use: a real PostgreSQL, a database of its own for each test, a world of DFSPs and staff.

One embedded server serves all workers of a run (the launcher joins it); a template database is migrated and seeded
once, and each test clones it in about 50 ms. MERCHANT_TEST_POSTGRES=15 runs everything on Debian's PostgreSQL 15.
"""

import asyncio
import fcntl
import gc
import inspect
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import hypothesis
import pytest
import structlog
from structlog.dev import ConsoleRenderer, plain_traceback

from merchant import migrations
from merchant.core import clock, pools, postgres
from merchant.core.service import Service, open_service
from merchant.core.settings import Settings
from tests import builders
from tests.apps import app_on, client_on
from tests.builders import GATEWAY_SECRET, SECRET_KEY, World
from tests.citus import CitusClones, Cluster, cluster_url
from tests.databases import Clones, make_engine

# One name for all processes of a run: pytest-xdist's workers inherit it.
_RUN = os.environ.setdefault("MERCHANT_TEST_RUN", uuid.uuid4().hex)
# A command that a test starts without a data folder of its own must not meet what a demo left in this checkout.
os.environ["MERCHANT_DATA_DIR"] = f"{os.devnull}/none"
Stocking = Callable[[Service, World], Awaitable[Any]]  # adds to a template what every test of a folder needs
_WORLD = "template_world"
_SLICES = re.compile(r"tests/merchant/(?!channels|portal|demo|cli)")
# Durability costs time and is tested where it matters (tests/merchant/core/postgres, the kill tests).
_FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "autovacuum": "off",  # its workers would be in the way of dropping a database, and belong to nobody
}


# A busy machine is no fault of the code; and a build server tries the same examples each time, so that a failure there
# is the change's own. Everyone else's run looks for new ones.
hypothesis.settings.register_profile("merchant", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("merchant")


pools.create_async_engine = make_engine
_configure_logs = structlog.configure
# A logger that is kept from its first use on would not hear of a test that listens to it later.
structlog.configure = lambda **options: _configure_logs(**(options | {"cache_logger_on_first_use": False}))
# What goes wrong on purpose is told without colours and every variable, which takes a tenth of a second each time.
structlog.configure(
    processors=[*structlog.get_config()["processors"][:-1], ConsoleRenderer(exception_formatter=plain_traceback)]
)


@pytest.fixture(autouse=True)
def same_logs() -> Iterator[None]:
    """Commands that a test runs in this process set up the log; the next test finds it as it was."""
    before = structlog.get_config()
    yield
    _configure_logs(**before)


def pytest_sessionstart() -> None:
    """What is imported by now stays; looking through it for garbage again and again takes a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_unconfigure(config: pytest.Config) -> None:
    """The process that began the run removes what its workers shared; they have ended before it."""
    if not hasattr(config, "workerinput"):
        shutil.rmtree(_shared_folder(), ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Coroutine tests run under anyio without each saying so; what speaks to the database is marked `database`.

    Doors and pages (api, stories, channels, portal) are not: their statements are those of the slices below them. Nor
    are the further cases of a test, which send the same statements with other values.
    """
    seen: set[object] = set()
    for item in items:
        function = getattr(item, "function", None)
        if "database_url" in getattr(item, "fixturenames", ()) and _SLICES.search(str(item.path)):
            if function not in seen:
                item.add_marker(pytest.mark.database)
            seen.add(function)
        if inspect.iscoroutinefunction(getattr(item, "function", None)):
            item.add_marker(pytest.mark.anyio)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@contextmanager
def _exclusively(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Running]:
    """The server of this test run; with MERCHANT_TEST_ON_CITUS=1 a cluster, which does what these fixtures ask."""
    if os.environ.get("MERCHANT_TEST_ON_CITUS"):
        yield Cluster(cluster_url())  # type: ignore[misc]
        return
    chosen = os.environ.get("MERCHANT_TEST_POSTGRES")
    binaries = None
    if chosen:
        bin_dir = Path(f"/usr/lib/postgresql/{chosen}/bin")
        binaries = postgres.Binaries(bin_dir, chosen, "test run")  # type: ignore[arg-type]
    with postgres.start(_shared_folder() / "data", settings=_FAST, binaries=binaries) as running:
        yield running


def _shared_folder() -> Path:
    """Of this run, in memory where there is plenty: ext4 takes a third of the time to make files where others were."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2 << 30
    folder = (memory if roomy else Path(tempfile.gettempdir())) / f"merchant-tests-{_RUN}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def template(postgres_server: postgres.Running) -> str:
    """A migrated and seeded database that tests clone; where every test needs more, a folder's is `stocked`."""
    return _template(postgres_server, _WORLD, None)


@pytest.fixture(scope="session")
def stocked(postgres_server: postgres.Running) -> Callable[[str, Stocking], str]:
    """Makes a template by name that has more than the world."""

    def stock(name: str, add: Stocking) -> str:
        _template(postgres_server, _WORLD, None)
        return _template(postgres_server, f"template_{name}", add)

    return stock


@pytest.fixture(scope="session")
def shop_template(stocked: Callable[[str, Stocking], str]) -> str:
    """A template that has a merchant too (`builders.find_shop`)."""
    return stocked("shop", builders.open_shop)


def _template(server: postgres.Running, name: str, add: Stocking | None) -> str:
    with _exclusively(_shared_folder() / "template.lock"):
        if isinstance(server, Cluster):
            return server.make_template(name, _RUN, lambda url: _fill(url, add), _WORLD if add else None)
        asyncio.run(_build_template(server, name, add))
    return name


async def _fill(url: str, add: Stocking | None) -> None:
    async with open_service(Settings(secret_key=SECRET_KEY, require_totp=False), url) as service:
        if add is None:
            await builders.seed_world(service)
        else:
            await add(service, await builders.recall_world(service))
        await builders.load_world(service)  # who stands in it has signed in; a test begins that session anew


async def _build_template(server: postgres.Running, name: str, add: Stocking | None) -> None:
    connection = await asyncpg.connect(server.url("postgres"))
    try:
        if await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            return
        url = server.url(f"{name}_new")
        await connection.execute(f"CREATE DATABASE {name}_new TEMPLATE {_WORLD if add else 'template1'}")
        if add is None:
            await migrations.upgrade(url)
        await _fill(url, add)
        await connection.execute(f"ALTER DATABASE {name}_new RENAME TO {name}")
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def clones(postgres_server: postgres.Running) -> Iterator[Clones]:
    """Makes the tests' databases."""
    of_cluster = isinstance(postgres_server, Cluster)
    made = CitusClones(postgres_server) if of_cluster else Clones(postgres_server.url("postgres"))  # type: ignore[arg-type]
    yield made
    made.close()


@pytest.fixture
def database_url(postgres_server: postgres.Running, clones: Clones, template: str) -> Iterator[str]:
    """A database of the test's own, seeded with the world."""
    name = clones.take(template)
    yield postgres_server.url(name)
    clones.drop(name)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a service under test."""
    return Settings(
        secret_key=SECRET_KEY,
        gateway_secret=GATEWAY_SECRET,
        data_dir=tmp_path,
        database_pool_size=4,
        worker_poll_s=0.05,
        webhook_loopback=True,
        require_totp=False,
        session_idle_s=86_400,  # tests that move the clock are not about sessions
    )


@pytest.fixture
async def service(database_url: str, settings: Settings) -> AsyncIterator[Service]:
    """A service on the test's database."""
    async with open_service(settings, database_url) as opened:
        yield opened


@pytest.fixture
async def world(service: Service) -> World:
    """Who is in the test's database, with tokens and keys."""
    return await builders.recall_world(service)


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application, in the same event loop, without a socket."""
    async with client_on(app_on(service)) as opened:
        yield opened


@pytest.fixture
def move_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], datetime]:
    """A clock that stands still until it is moved: `move_clock(timedelta(minutes=5))`."""
    now = clock.now()
    monkeypatch.setattr(clock, "source", lambda: now)

    def move(by: timedelta) -> datetime:
        nonlocal now
        now += by
        return now

    return move
