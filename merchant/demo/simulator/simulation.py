"""The running world: what is known, the journal it comes from, keys, tasks and callbacks waited for.

app.py makes one for the process, routes take it from the application's state, and every flow is handed it. `record`
is the one way to change what is known.
"""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

import aiohttp
import structlog
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from merchant.core import clock
from merchant.demo.simulator.config import SimulatorConfig
from merchant.demo.simulator.journal import Journal
from merchant.demo.simulator.world import Event, OwnKey, World, apply
from merchant.hub.fspiop.jws import RSA_BITS_MIN, SigningKey, VerifyKey, load_signing_key, load_verify_key
from merchant.hub.fspiop.messages import WireBody, format_datetime, parse_datetime

# A callback's address: resource and the rest of its path, such as ("quotes", "59e3…").
Topic = tuple[str, str]

_log = structlog.get_logger()


class Simulation:
    """State that every flow of the simulator is handed; it decides nothing."""

    http: aiohttp.ClientSession

    def __init__(self, config: SimulatorConfig) -> None:
        self.config = config
        self.journal = Journal(config.journal_path)
        self.world = World()
        for event in self.journal.events():
            apply(self.world, event)
        self.waiting: dict[Topic, list[asyncio.Future[WireBody]]] = {}
        self.notifying: set[str] = set()
        # Requests that wait for whoever holds the phone, by transaction.
        self.asked: dict[str, asyncio.Future[bool]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._verify_keys: dict[str, tuple[str, VerifyKey]] = {}
        for fsp_id in (config.hub_fsp_id, *config.payer_fsp_ids):
            if fsp_id not in self.world.own_keys:
                self.record(OwnKey(fsp_id, _new_private_key()))
        self.signing_keys: dict[str, SigningKey] = {
            fsp_id: load_signing_key(pem, fsp_id) for fsp_id, pem in self.world.own_keys.items()
        }

    def record(self, event: Event) -> None:
        """Write an event to the journal and apply it."""
        self.journal.append(event)
        apply(self.world, event)

    def verify_key(self, fsp_id: str) -> VerifyKey | None:
        """The registered key of an FSP, built once; None for one that never registered."""
        fsp = self.world.fsps.get(fsp_id)
        if fsp is None:
            return None
        pem, key = self._verify_keys.get(fsp_id, ("", None))
        if key is None or pem != fsp.public_key_pem:
            key = load_verify_key(fsp.public_key_pem, fsp_id)
            self._verify_keys[fsp_id] = (fsp.public_key_pem, key)
        return key

    def spawn(self, flow: Coroutine[Any, Any, None]) -> None:
        """Run a flow beside the answer that is being given."""
        task = asyncio.get_running_loop().create_task(flow)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.error("simulator_flow_failed", exc_info=error)

    async def close(self) -> None:
        """Stop every flow where it stands; the journal lets the next start take it up again."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.http.close()
        self.journal.close()


def public_key_pem(private_key_pem: str) -> str:
    """The public half that peers verify with."""
    private = serialization.load_pem_private_key(private_key_pem.encode(), password=None)
    return (
        private.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def _new_private_key() -> str:
    return (
        rsa.generate_private_key(65537, RSA_BITS_MIN)
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        .decode()
    )


def seconds_until(text: str) -> float:
    """Seconds from now to an FSPIOP time; negative when it has passed."""
    return (parse_datetime(text) - clock.now()).total_seconds()


def wire_time(after_s: float = 0) -> str:
    """Now, or some seconds from now, as FSPIOP writes it."""
    return format_datetime(clock.now() + timedelta(seconds=after_s))
