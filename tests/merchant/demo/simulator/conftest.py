"""A simulated world on a free port, with a stub DFSP registered in it."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from merchant.demo.simulator import SimulatorConfig, Timings, serve_simulator
from merchant.demo.simulator.simulation import public_key_pem
from merchant.demo.simulator.world import OwnKey
from merchant.hub.fspiop.jws import load_signing_key
from tests.merchant.demo.simulator.stub_dfsp import FSP_ID, WAIT_S, StubDfsp, running_stub

FAST = Timings(
    payer_delay_s=0,
    answer_wait_s=WAIT_S,
    asks_max=3,
    transfer_expiry_s=WAIT_S,
    late_by_s=0.05,
    resend_wait_s=0.02,
    resend_wait_max_s=0.05,
)
# A world that asks again and gives up soon, for the tests in which the stub does not answer.
IMPATIENT = msgspec.structs.replace(FAST, answer_wait_s=0.2, transfer_expiry_s=1.2)


def new_ec_key() -> str:
    return (
        ec.generate_private_key(ec.SECP256R1())
        .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        .decode()
    )


def free_port() -> int:
    """A free port below the range from which the kernel takes those of outgoing connections."""
    for port in random.sample(range(20_000, 32_000), 100):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no free port")


def new_journal(folder: Path) -> Path:
    """A journal that already holds EC keys: RSA ones take a second to make."""
    path = folder / "journal.jsonl"
    keys = [OwnKey(fsp_id, new_ec_key()) for fsp_id in ("hub", "mobilemoney", "savingsbank")]
    path.write_bytes(b"".join(msgspec.json.encode(key) + b"\n" for key in keys))
    return path


async def is_answering(url: str) -> None:
    """Wait until a simulator serves."""
    async with asyncio.timeout(WAIT_S * 2), aiohttp.ClientSession() as http:
        while True:
            with suppress(aiohttp.ClientConnectionError):
                async with http.get(url + "/ledger"):
                    return
            await asyncio.sleep(0.01)


@asynccontextmanager
async def running_simulator(config: SimulatorConfig, port: int) -> AsyncIterator[str]:
    """The simulator in this event loop, stopped at the end; yields its base URL."""
    serving = asyncio.ensure_future(serve_simulator(config, "127.0.0.1", port))
    url = f"http://127.0.0.1:{port}"
    try:
        await is_answering(url)
        yield url
    finally:
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving


@asynccontextmanager
async def running_stub_and_simulator(
    config: SimulatorConfig, port: int, stub_port: int, stub_key_pem: str
) -> AsyncIterator[StubDfsp]:
    """A simulator and a stub registered in it."""
    key = load_signing_key(stub_key_pem, FSP_ID)
    async with (
        running_simulator(config, port) as url,
        running_stub(url, stub_port, key, public_key_pem(stub_key_pem)) as stub,
    ):
        yield stub


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def stub_port() -> int:
    return free_port()


@pytest.fixture
def stub_key_pem() -> str:
    return new_ec_key()


@pytest.fixture
def timings() -> Timings:
    """How fast the world lives; a test overrides it by parametrization."""
    return FAST


@pytest.fixture
def config(tmp_path: Path, stub_port: int, timings: Timings) -> SimulatorConfig:
    return SimulatorConfig(
        service_url=f"http://127.0.0.1:{stub_port}",
        journal_path=new_journal(tmp_path),
        gateway_secret="gate",
        timings=timings,
    )


@pytest.fixture
async def stub(config: SimulatorConfig, stub_port: int, stub_key_pem: str) -> AsyncIterator[StubDfsp]:
    async with running_stub_and_simulator(config, free_port(), stub_port, stub_key_pem) as stub:
        yield stub
