"""The service and the simulated hub as processes of their own, as operators start them."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp

from merchant.settings import Settings

START_S = 30.0


def environment(settings: Settings) -> dict[str, str]:
    """The environment of a service with these settings. Byte code may be cached: starts are what takes the time."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {
        "MERCHANT_PORT": str(settings.port),
        "MERCHANT_DATA_DIR": str(settings.data_dir),
        "MERCHANT_SECRET_KEY": settings.secret_key,
        "MERCHANT_HUB_URL": settings.hub_url,
        "MERCHANT_LOG_LEVEL": settings.log_level,
    }


def start(module: str, *arguments: str, log: Path, env: dict[str, str]) -> subprocess.Popen[bytes]:
    """`python -m MODULE …`, its output added to the log."""
    with log.open("ab") as output:
        return subprocess.Popen([sys.executable, "-m", module, *arguments], env=env, stdout=output, stderr=output)


@asynccontextmanager
async def simulated_hub(settings: Settings, journal: Path, log: Path) -> AsyncIterator[None]:
    """The simulated hub of a service, until the block ends."""
    port = settings.hub_url.rsplit(":", 1)[1]
    arguments = ["--port", port, "--service-url", settings.base_url, "--journal", str(journal)]
    hub = start("merchant.simulator", *arguments, log=log, env=environment(settings))
    try:
        await answers(f"{settings.hub_url}/ledger", hub)
        yield
    finally:
        hub.kill()
        hub.wait()


async def answers(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until a program answers at this address."""
    async with asyncio.timeout(START_S), aiohttp.ClientSession() as http:
        while True:
            assert process.poll() is None, "the program ended"
            with suppress(aiohttp.ClientConnectionError):
                async with http.get(url):
                    return
            await asyncio.sleep(0.01)
