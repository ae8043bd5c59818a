"""The worker: claims outbox rows, hands each to its handler, and runs the timers.

A transactional handler shares one transaction with the row's deletion: its effect happens exactly once. A network
handler talks to the outside first and the row is deleted after: at least once, so what it sends carries an id.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import aiohttp
import msgspec
import structlog

from merchant import idempotency, inbox, outbox
from merchant.db import Tx
from merchant.outbox import Job
from merchant.registry import screening
from merchant.service import Service

_log = structlog.get_logger()

TransactionalHandler = Callable[[Tx, Service, Job], Awaitable[None]]
NetworkHandler = Callable[["Worker", Job], Awaitable[None]]
_CONCURRENCY = 16  # as many jobs at once as one process has connections for, twice over


class _ScreenJob(msgspec.Struct):
    application_id: UUID


async def _screen(tx: Tx, service: Service, job: Job) -> None:
    await screening.run_checks(tx, service, msgspec.json.decode(job.payload, type=_ScreenJob).application_id)


TRANSACTIONAL: dict[str, TransactionalHandler] = {screening.SCREEN_TOPIC: _screen}
NETWORK: dict[str, NetworkHandler] = {}


class Worker:
    """One worker in one process; any number of them may run."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.http: aiohttp.ClientSession
        self._wake = asyncio.Event()
        self._slots = asyncio.Semaphore(_CONCURRENCY)
        self._stopping = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work while the block runs; the jobs at hand are finished before it ends."""
        async with aiohttp.ClientSession() as self.http:
            tasks = [asyncio.create_task(self._loop()), asyncio.create_task(self._listen())]
            try:
                yield
            finally:
                self._stopping = True
                self._wake.set()
                await asyncio.gather(tasks[0], return_exceptions=True)
                tasks[1].cancel()
                await asyncio.gather(tasks[1], return_exceptions=True)

    @asynccontextmanager
    async def by_hand(self) -> AsyncIterator["Worker"]:
        """A worker whose rounds the caller runs itself with `run_due`."""
        async with aiohttp.ClientSession() as self.http:
            yield self

    async def _loop(self) -> None:
        while not self._stopping:
            self._wake.clear()
            try:
                found = await self.run_due()
            except Exception as error:
                # The database may be restarting; the jobs are still there when it is back.
                _log.warning("worker_round_failed", error=str(error))
                found = 0
            if not found and not self._stopping:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), self.service.settings.worker_poll_s)

    async def run_due(self) -> int:
        """Claim one batch of due jobs and run them; how many there were."""
        async with self.service.db.system_reads() as tx:
            jobs = await outbox.claim(tx, self.service.settings.worker_batch)
        await asyncio.gather(*(self._run_one(job) for job in jobs))
        return len(jobs)

    async def _run_one(self, job: Job) -> None:
        async with self._slots:
            try:
                if job.topic in TRANSACTIONAL:
                    async with self.service.db.system() as tx:
                        await TRANSACTIONAL[job.topic](tx, self.service, job)
                        await outbox.done(tx, job)
                else:
                    await NETWORK[job.topic](self, job)
                    async with self.service.db.system_reads() as tx:
                        await outbox.done(tx, job)
            except Exception as error:
                async with self.service.db.system_reads() as tx:
                    buried = await outbox.retry(tx, job, f"{type(error).__name__}: {error}")
                _log.warning(
                    "job_failed", topic=job.topic, job=job.id, attempt=job.attempts, buried=buried, exc_info=error
                )

    async def _listen(self) -> None:
        """Wake up when someone adds a job; the poll covers the time between two connections."""
        while True:
            try:
                connection = await self.service.db.listener()
                try:
                    await connection.add_listener(outbox.CHANNEL, lambda *_: self._wake.set())
                    while not connection.is_closed():
                        await asyncio.sleep(self.service.settings.worker_poll_s)
                finally:
                    await connection.close(timeout=1)
            except (OSError, TimeoutError) as error:
                _log.warning("listen_lost", error=str(error))
                await asyncio.sleep(self.service.settings.worker_poll_s)


async def prune(service: Service) -> None:
    """Forget what has been kept long enough."""
    async with service.db.system() as tx:
        await idempotency.prune(tx)
        await inbox.prune(tx)
