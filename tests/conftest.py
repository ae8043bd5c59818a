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
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
import httpx
import hypothesis
import pytest
import structlog

from merchant import migrations
from merchant.core import clock, postgres
from merchant.core.service import Service, open_service
from merchant.core.settings import Settings
from tests import builders
from tests.apps import app_on, client_on
from tests.builders import GATEWAY_SECRET, SECRET_KEY, World

# One name for all processes of a run: pytest-xdist's workers inherit it.
_RUN = os.environ.setdefault("MERCHANT_TEST_RUN", uuid.uuid4().hex)
# A command that a test starts without a data folder of its own must not meet what a demo left in this checkout.
os.environ["MERCHANT_DATA_DIR"] = f"{os.devnull}/none"
_WORLD, _SHOP = "template_world", "template_shop"
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


_configure_logs = structlog.configure
# A logger that is kept from its first use on would not hear of a test that listens to it later.
structlog.configure = lambda **options: _configure_logs(**(options | {"cache_logger_on_first_use": False}))


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
    """The server of this test run."""
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
    """A migrated and seeded database that tests clone; where every test needs a shop, a folder's is `shop_template`."""
    return _template(postgres_server, _WORLD)


@pytest.fixture(scope="session")
def shop_template(postgres_server: postgres.Running) -> str:
    """A template that has a merchant too (`builders.find_shop`)."""
    _template(postgres_server, _WORLD)
    return _template(postgres_server, _SHOP)


def _template(server: postgres.Running, name: str) -> str:
    with _exclusively(_shared_folder() / "template.lock"):
        asyncio.run(_build_template(server, name))
    return name


async def _build_template(server: postgres.Running, name: str) -> None:
    connection = await asyncpg.connect(server.url("postgres"))
    try:
        if await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            return
        url = server.url(f"{name}_new")
        await connection.execute(f"CREATE DATABASE {name}_new TEMPLATE {_WORLD if name == _SHOP else 'template1'}")
        if name == _WORLD:
            await migrations.upgrade(url)
        async with open_service(Settings(secret_key=SECRET_KEY, require_totp=False), url) as service:
            if name == _WORLD:
                await builders.seed_world(service)
            else:
                world = await builders.load_world(service)
                await builders.create_merchant(service, world, document=builders.company(number=1000))
        await connection.execute(f"ALTER DATABASE {name}_new RENAME TO {name}")
    finally:
        await connection.close()


@pytest.fixture
async def database_url(postgres_server: postgres.Running, template: str) -> AsyncIterator[str]:
    """A database of the test's own, seeded with the world."""
    name = f"test_{uuid.uuid4().hex}"
    connection = await asyncpg.connect(postgres_server.url("postgres"))
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        yield postgres_server.url(name)
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()


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
    return await builders.load_world(service)


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
