"""The worker: claims outbox rows, hands each to its handler, and runs the timers.

A transactional handler shares one transaction with the row's deletion: its effect happens exactly once. A network
handler talks to the outside first and the row is deleted after: at least once, so what it sends carries an id.
"""

import asyncio
import contextlib
import contextvars
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import structlog

from merchant.core import db, evidence, heartbeat, logs, outbox, pools, trace
from merchant.core.outbox import Job
from merchant.core.pools import LONG_S, Caller
from merchant.core.service import Service
from merchant.core.slices import JobKind, Pruned, Timer
from merchant.programs.slices import JOBS, PRUNED, TIMERS

_log = structlog.get_logger()

_CONNECTIONS_PER_PEER = 32  # a hub or endpoint that does not answer fills its own and nobody else's
_COALESCE_S, _COALESCE_BUSY_S = 0.005, 0.02
_BUSY = 4  # jobs under way, from which on a claim spared is worth more than the milliseconds
_MAX_RUNNING = 200  # jobs under way in one process; most of them wait for the network
# Of these, how many may have an order key: webhooks, text messages and background jobs, for which no payment waits.
_MAX_ORDERED = 50
_PRUNE_EVERY_S = 3600.0
# How long a job waits for a connection that other jobs hold: longer than any of them may take.
_PATIENCE_S = 20.0
PRUNED_AT_ONCE = 5_000


class Worker:
    """One worker in one process; any number of them may run. It runs what it is handed: all slices' unless told."""

    def __init__(
        self,
        service: Service,
        jobs: Mapping[str, JobKind] = JOBS,
        timers: Sequence[Timer] = TIMERS,
        pruned: Sequence[Pruned] = PRUNED,
    ) -> None:
        self.service = service
        self.id = heartbeat.new_worker_id()
        self._jobs = jobs
        self._timers = timers
        self._pruned = pruned
        self._http: aiohttp.ClientSession
        self._wake = asyncio.Event()
        # A transaction holds a connection for as long as it lasts; the web shares the pool.
        self._transactions = asyncio.Semaphore(max(1, service.settings.database_pool_size // 2))
        self._running: dict[asyncio.Task[None], Job] = {}
        self._sent: list[Job] = []
        self._stopping = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work while the block runs; the jobs at hand are finished before it ends."""
        async with self.by_hand(), evidence.storing(self.service):
            working = _start(self._loop(), "claims")
            await heartbeat.beat(self.service.db, self.id)
            beside = [_start(each(), "claims") for each in (self._listen, self._renew_leases, self._beat)]
            beside += [_start(each, "timers") for each in (self._prune(), *map(self._run_timer, self._timers))]
            try:
                yield
            finally:
                self._stopping = True
                self._wake.set()
                await asyncio.gather(working, return_exceptions=True)
                for task in beside:
                    task.cancel()
                await asyncio.gather(*beside, return_exceptions=True)
                for timer in self._timers:
                    if timer.at_stop:
                        await self._run_timer_once(timer)
                with contextlib.suppress(Exception):  # away: the row is pruned
                    await heartbeat.stop(self.service.db, self.id)

    @asynccontextmanager
    async def by_hand(self) -> AsyncIterator["Worker"]:
        """For tests: a worker that does nothing by itself; the caller runs its rounds with `run_due`."""
        connector = aiohttp.TCPConnector(limit=_MAX_RUNNING, limit_per_host=_CONNECTIONS_PER_PEER)
        async with aiohttp.ClientSession(connector=connector) as http:
            self._http = http
            yield self

    async def _loop(self) -> None:
        while not self._stopping:
            self._wake.clear()
            try:
                found = await self._start_due()
            except Exception as error:
                # The database may be restarting; the jobs are still there when it is back.
                self._warn("worker_round_failed", error)
                found = 0
            if not found and not self._stopping:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), self.service.settings.worker_poll_s)
            # One claim for all that comes within a few milliseconds, instead of one for each.
            await asyncio.sleep(_COALESCE_S if len(self._running) < _BUSY else _COALESCE_BUSY_S)
        await asyncio.gather(*self._running)
        await self._delete_finished()

    async def _start_due(self) -> int:
        """Claim what is due and set it going beside what still runs, so that a slow peer holds back nobody."""
        await self._delete_finished()
        batch = self.service.settings.worker_batch
        in_order = sum(job.in_order for job in self._running.values())
        free = min(batch, _MAX_RUNNING - _MAX_ORDERED - (len(self._running) - in_order))
        free_in_order = min(batch, _MAX_ORDERED - in_order)
        if free <= 0 and free_in_order <= 0:
            return 0
        async with self.service.db.system_statements() as tx:
            jobs = await outbox.claim(tx, max(free, 0), max(free_in_order, 0))
        for job in jobs:
            task = _start(self._run_one(job), "jobs")
            self._running[task] = job
            task.add_done_callback(self._ended)
        return len(jobs)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        self._wake.set()  # the next of an order may be due now

    async def run_due(self) -> int:
        """For tests: claim one batch of due jobs and run them to their end; how many there were."""
        async with self.service.db.system_statements() as tx:
            jobs = await outbox.claim(tx, self.service.settings.worker_batch)
        await asyncio.gather(*(self._run_one(job) for job in jobs))
        await self._delete_finished()
        return len(jobs)

    async def _delete_finished(self) -> None:
        """Delete the finished network jobs, many in one statement; a crash before only makes them be sent again."""
        sent, self._sent = self._sent, []
        if not sent:
            return
        try:
            async with self.service.db.system_statements() as tx:
                await outbox.all_done(tx, sent)
        except Exception:
            self._sent += sent
            raise

    async def _run_one(self, job: Job) -> None:
        trace.start(None, job.traceparent)  # for this task, in which only this job runs
        try:
            kind = self._jobs[job.topic]
            if kind.transactional is not None:
                async with self._transactions, self.service.db.system() as tx:
                    await kind.transactional(tx, self.service, job)
                    await outbox.done(tx, job)
            elif kind.network is not None:
                await kind.network(self.service, self._http, job)
                self._sent.append(job)
        except Exception as error:
            await self._failed(job, error)

    async def _failed(self, job: Job, error: Exception) -> None:
        expected = self._jobs[job.topic].expected if job.topic in self._jobs else ()
        why = logs.describe(error, expected)
        try:
            async with self.service.db.system_statements() as tx:
                dead = await outbox.retry(tx, job, why)
        except Exception as away:
            # Without its database a worker can give nothing back; the lease will.
            _log.warning("job_left_to_its_lease", job=job.id, why=why, error=logs.describe(away))
            return
        # What is expected to come again (a silent hub, a message too early) needs no stack trace.
        shown = None if isinstance(error, expected) else error
        _log.warning("job_failed", topic=job.topic, job=job.id, attempt=job.attempts, why=why, exc_info=shown)
        if dead:
            advice = (
                f"The job failed {job.attempts} times and is tried no more. Mend the cause, then run"
                f" `merchant outbox retry {job.id}`."
            )
            _log.error("job_dead", topic=job.topic, job=job.id, why=why, advice=advice)

    async def _renew_leases(self) -> None:
        """Hold on to what still runs, so that leases may be short and a dead worker's jobs be taken up soon."""
        while True:
            await asyncio.sleep(outbox.RENEW_EVERY_S)
            try:
                async with self.service.db.system_statements() as tx:
                    await outbox.renew(tx, list(self._running.values()))
            except Exception as error:
                self._warn("leases_not_renewed", error)

    async def _beat(self) -> None:
        """Say that this worker runs, and follow the database's clock."""
        while True:
            await asyncio.sleep(heartbeat.BEAT_EVERY_S)
            try:
                await heartbeat.beat(self.service.db, self.id)
            except Exception as error:
                self._warn("no_heartbeat", error)

    async def _run_timer(self, timer: Timer) -> None:
        while True:
            await self._run_timer_once(timer)
            await asyncio.sleep(timer.every_s or self.service.settings.worker_poll_s)

    async def _run_timer_once(self, timer: Timer) -> None:
        try:
            await timer.run(self.service)
        except Exception as error:
            self._warn("timer_failed", error, timer=timer.name)

    async def _prune(self) -> None:
        """At the start and every hour, beside the timers: a long clean-up must not hold up what expires."""
        while True:
            for pruned in self._pruned:  # each by itself: one that fails must not keep the others' old data
                try:
                    await prune(self.service, [pruned])
                except Exception as error:
                    self._warn("not_pruned", error, pruned=pruned.name)
            await asyncio.sleep(_PRUNE_EVERY_S)

    async def _listen(self) -> None:
        """Wake up when someone adds a job; the poll covers the time between two connections."""
        while True:
            try:
                connection = await self.service.db.listener()
                try:
                    await connection.add_listener(outbox.CHANNEL, lambda *_: self._wake.set())
                    await pools.watch(connection, outbox.CHANNEL)
                finally:
                    connection.terminate()
            except Exception as error:
                # A database that is starting refuses connections in words of its own.
                self._warn("listen_lost", error)
            await asyncio.sleep(self.service.settings.worker_poll_s)

    def _warn(self, event: str, error: Exception, **more: object) -> None:
        """Log a fault after which the worker goes on; a database that is away once a minute, whatever it stops."""
        if db.is_unavailable(error):
            self.service.db.note_away(error)
        else:
            _log.warning(event, error=logs.describe(error), **more)


def _start(work: Coroutine[Any, Any, None], kind: str) -> asyncio.Task[None]:
    """A task that shares the database's connections with others of its kind, so that no kind takes them all."""
    context = contextvars.copy_context()
    context.run(pools.caller.set, Caller(kind, _PATIENCE_S))
    return asyncio.create_task(work, context=context)


async def prune(service: Service, everything: Sequence[Pruned] = PRUNED) -> None:
    """Delete what has been kept long enough, some thousand rows a transaction, so that no statement takes long."""
    for pruned in everything:
        more = True
        while more:
            async with service.db.system(longest_s=LONG_S) as tx:
                more = await pruned.forget(tx, PRUNED_AT_ONCE) >= PRUNED_AT_ONCE
