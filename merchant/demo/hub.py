"""The demo's hub: the simulator, served beside the service, and the keys that both sides exchange with it.

The simulator is a party of its own on its own port; what passes between it and the service are HTTP messages.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from merchant.core.service import Service
from merchant.demo.simulator import SimulatorConfig, serve_simulator
from merchant.scheme import keys

_START_TIMEOUT_S = 10.0


@asynccontextmanager
async def simulated_hub(service: Service, host: str, port: int) -> AsyncIterator[str]:
    """Serve the simulator while the block runs; its base URL."""
    url = f"http://{service.settings.url_host}:{port}"
    config = SimulatorConfig(
        service_url=service.settings.base_url,
        journal_path=service.settings.data_dir / "simulator.jsonl",
        gateway_secret=service.settings.gateway_secret,
    )
    serving = asyncio.create_task(serve_simulator(config, host, port))
    try:
        await _answers(url, serving)
        yield url
    finally:
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving


async def _answers(url: str, serving: asyncio.Task[None]) -> None:
    async with asyncio.timeout(_START_TIMEOUT_S), aiohttp.ClientSession() as http:
        while True:
            if serving.done():
                serving.result()
            try:
                async with http.get(f"{url}/control/keys") as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                await asyncio.sleep(0.02)


async def exchange_keys(service: Service, http: aiohttp.ClientSession, hub_url: str) -> None:
    """Tell the hub our DFSPs' callback address and public keys, and trust the keys of its participants."""
    async with http.get(f"{hub_url}/control/keys") as response:
        theirs = await response.json()
    async with service.db.system() as tx:
        ours = await tx.fetch(
            "SELECT d.fsp_id, k.public_pem FROM dfsp d JOIN scheme_key k ON k.dfsp_id = d.id AND k.purpose = $1",
            keys.JWS_SIGN,
        )
        known = {row["public_pem"] for row in await tx.fetch("SELECT public_pem FROM scheme_key WHERE dfsp_id IS NULL")}
        for key in theirs:
            if key["public_key_pem"] not in known:
                await keys.add_public(tx, key["fsp_id"], key["public_key_pem"])
    for row in ours:
        about = {
            "callback_url": f"{service.settings.base_url}/fspiop",
            "public_key_pem": row["public_pem"],
        }
        async with http.put(f"{hub_url}/control/fsps/{row['fsp_id']}", json=about) as response:
            response.raise_for_status()


async def hold_phone(http: aiohttp.ClientSession, hub_url: str, msisdn: str) -> None:
    """Make a payer's phone wait for an answer: someone on the demo's wall holds it."""
    behaviour = {"behaviour": "ask", "delay_s": 0}
    async with http.put(f"{hub_url}/control/payers/{msisdn}", json=behaviour) as response:
        response.raise_for_status()
