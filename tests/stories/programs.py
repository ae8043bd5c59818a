"""The service and the simulated hub as processes of their own, which a test may kill.

They are forked from a server that has imported everything (multiprocessing's forkserver): imports are two thirds of a
start, and of no interest here.
"""

import asyncio
import multiprocessing
import os
from contextlib import suppress
from datetime import timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path

import aiohttp

from merchant.cli.main import cli
from merchant.core import clock
from merchant.core.settings import Settings
from merchant.demo.simulator import SimulatorConfig, serve_simulator

START_S = 60.0
_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(
    [__name__, "merchant.programs.app", "merchant.programs.runtime", "merchant.programs.worker"]
)


async def start_service(settings: Settings, log: Path, database_url: str = "") -> BaseProcess:
    """`merchant serve` with these settings, answering; what it says goes to the log. Its database is its own unless
    it is told of one.
    """
    variables = {
        "MERCHANT_PORT": str(settings.port),
        "MERCHANT_DATA_DIR": str(settings.data_dir),
        "MERCHANT_SECRET_KEY": settings.secret_key,
        "MERCHANT_HUB_URL": settings.hub_url,
        "MERCHANT_LOG_LEVEL": settings.log_level,
        "MERCHANT_SETTLE_CHECK_S": str(settings.settle_check_s),
    }
    if database_url:
        variables["MERCHANT_DATABASE_URL"] = database_url
    process = _forks.Process(target=_serve, args=(variables, log), daemon=True)
    process.start()
    await _answers(f"{settings.base_url}/health/live", process)
    return process


def start_worker(settings: Settings, database_url: str, log: Path, clock_ahead: timedelta = timedelta()) -> BaseProcess:
    """`merchant worker` on a database, on a machine whose clock is ahead (or, negative, behind)."""
    process = _forks.Process(
        target=_work, args=(worker_variables(settings, database_url), log, clock_ahead), daemon=True
    )
    process.start()
    return process


def worker_variables(settings: Settings, database_url: str) -> dict[str, str]:
    """The environment of a worker with these settings."""
    return {
        "MERCHANT_DATABASE_URL": database_url,
        "MERCHANT_DATA_DIR": str(settings.data_dir),
        "MERCHANT_SECRET_KEY": settings.secret_key,
        "MERCHANT_HUB_URL": settings.hub_url,
        "MERCHANT_LOG_LEVEL": "WARNING",
        "MERCHANT_DATABASE_POOL_SIZE": str(settings.database_pool_size),
        "MERCHANT_SETTLE_CHECK_S": str(settings.settle_check_s),
    }


async def start_hub(config: SimulatorConfig, url: str, log: Path) -> BaseProcess:
    """The simulated hub at this address, answering."""
    process = _forks.Process(target=_simulate, args=(config, int(url.rsplit(":", 1)[1]), log), daemon=True)
    process.start()
    await _answers(f"{url}/ledger", process)
    return process


def kill(process: BaseProcess) -> None:
    """kill -9, and wait until the process is gone."""
    process.kill()
    process.join()


def _serve(variables: dict[str, str], log: Path) -> None:
    _write_to(log)
    os.environ.update(variables)
    cli(["serve"], prog_name="merchant")


def _work(variables: dict[str, str], log: Path, clock_ahead: timedelta) -> None:
    _write_to(log)
    os.environ.update(variables)
    right = clock.machine
    clock.machine = lambda: right() + clock_ahead
    cli(["worker"], prog_name="merchant")


def _simulate(config: SimulatorConfig, port: int, log: Path) -> None:
    _write_to(log)
    asyncio.run(serve_simulator(config, "127.0.0.1", port))


def _write_to(log: Path) -> None:
    with log.open("ab") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)


async def _answers(url: str, process: BaseProcess) -> None:
    patience = aiohttp.ClientTimeout(total=5)
    async with asyncio.timeout(START_S), aiohttp.ClientSession(timeout=patience) as http:
        while True:
            assert process.is_alive(), "the program ended"
            with suppress(aiohttp.ClientConnectionError, TimeoutError):
                async with http.get(url):
                    return
            await asyncio.sleep(0.01)
