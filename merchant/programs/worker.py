"""The worker: claims outbox rows or takes over what its own process wrote, hands each to its handler, runs the timers.

A transactional handler, or a batch of them, shares one transaction with the row's deletion: its effect happens exactly
once. A network handler talks to the outside first and the row is deleted after: at least once, so what it sends carries
an id.
"""

import asyncio
import contextlib
import contextvars
import time
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import aiohttp
import structlog

from merchant.core import db, evidence, heartbeat, logs, outbox, pools, trace
from merchant.core.handover import Handover
from merchant.core.lanes import Lanes
from merchant.core.outbox import HeldJob, Job
from merchant.core.pools import Caller
from merchant.core.pressure import Pressure
from merchant.core.service import Service
from merchant.core.slices import Batched, JobKind, Pruned, Timer, Work
from merchant.programs.batches import BATCH_MAX, Batches, tell_pressure
from merchant.programs.pruning import prune
from merchant.programs.slices import JOBS, PRUNED, TIMERS

_log = structlog.get_logger()
T = TypeVar("T")

_CONNECTIONS_PER_PEER = 32  # a hub or endpoint that does not answer fills its own and nobody else's
# One claim for all that becomes due within so long, instead of one for each.
_COALESCE_S, _COALESCE_BUSY_S = 0.005, 0.02
_BUSY = 4  # jobs under way, from which on a claim spared is worth more than the milliseconds
# Finished network jobs are deleted together; a crash before that only makes them be sent again.
_DELETE_EVERY_S = 0.2
_MAX_RUNNING = 200  # jobs under way in one process; most of them wait for the network
# Of these, how many may have an order key: webhooks, text messages and background jobs, for which no payment waits.
_MAX_ORDERED = 50
# Jobs that wait in memory, taken over and not begun: further ones wait in their table, for any worker.
_MAX_HELD = 1_000
_PRUNE_EVERY_S = 3600.0
# How long a job waits for a connection that other jobs hold: longer than any of them may take.
_PATIENCE_S = 20.0


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
        self._leased: dict[int, Job] = {}  # under way or waiting here: their leases are renewed
        self._running: dict[asyncio.Task[Work | None], Job] = {}
        self._waiting: Lanes[HeldJob] = Lanes()
        kinds = {kind.batched for kind in jobs.values() if kind.batched is not None}
        self._batches: dict[Batched, Batches] = {run: Batches(service, run, self._batch_ended) for run in kinds}
        self._sent: list[Job] = []
        self._deleting = asyncio.Lock()
        self._claims_all = True
        self._due = True  # something may be, of which the last claim did not know
        self._claimed_s = 0.0
        self._stopping = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work while the block runs; the jobs at hand are finished before it ends."""
        handover = self.service.shared(Handover)
        async with self.by_hand(), evidence.storing(self.service):
            working = _start(self._loop(), "claims")
            batching = [_start(batches.go_on(), "jobs") for batches in self._batches.values()]
            try:
                await heartbeat.beat(self.service.db, self.id)
            except Exception as error:  # the database broke as we started; the next beat comes soon
                self._warn("no_heartbeat", error)
            pressure = self.service.shared(Pressure)
            each_beside = (self._listen, self._renew_leases, self._beat, self._delete_by_and_by, pressure.watch)
            beside = [_start(each(), "claims") for each in each_beside]
            beside.append(asyncio.create_task(tell_pressure(pressure, self._batches.values(), self._is_ahead)))
            beside += [_start(each, "timers") for each in (self._prune(), *map(self._run_timer, self._timers))]
            handover.attach(self._take_over, self._has_room)
            try:
                yield
            finally:
                self._stopping = True  # and nothing is taken over any more
                self._wake.set()
                await asyncio.gather(working, return_exceptions=True)
                for batches in self._batches.values():
                    batches.stop()
                await asyncio.gather(*batching, return_exceptions=True)
                handover.detach()
                for task in beside:
                    task.cancel()
                await asyncio.gather(*beside, return_exceptions=True)
                with contextlib.suppress(Exception):  # away: the leases end
                    await self._delete_finished()
                    await self._give_back()
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
                again = await self._start_due()
            except Exception as error:
                # The database may be restarting; the jobs are still there when it is back.
                self._warn("worker_round_failed", error)
                again, self._due, self._claimed_s = False, True, time.monotonic()
            if not again and not self._stopping:
                # A retry becomes due without a word, and what was announced while nobody listened did, too.
                until_poll_s = self._claimed_s + self.service.settings.worker_poll_s - time.monotonic()
                try:
                    await asyncio.wait_for(self._wake.wait(), max(0.0, until_poll_s))
                except TimeoutError:
                    self._due = True
            await asyncio.sleep(_COALESCE_S if len(self._running) < _BUSY else _COALESCE_BUSY_S)
        while self._running:  # what waited in memory begins as others end
            await asyncio.gather(*self._running)

    async def _start_due(self) -> bool:
        """Claim what is due and set it going beside what still runs, so that a slow peer holds back nobody.

        Returns whether the claim may have left something behind that there is room for.
        """
        due, self._due = self._due, False
        # However busy it is: a retry becomes due without a word.
        due |= time.monotonic() - self._claimed_s >= self.service.settings.worker_poll_s
        if any(job.in_order for job in self._sent):  # the next of their lanes wait for it
            due |= await self._delete_finished()
        if not due:
            return False
        self._claimed_s = time.monotonic()
        batch = self.service.settings.worker_batch
        in_order = sum(job.in_order for job in self._running.values())
        unordered = len(self._leased) - in_order
        free = max(0, min(batch, _MAX_RUNNING - _MAX_ORDERED - unordered))
        free_in_order = max(0, min(batch, _MAX_ORDERED - in_order))
        self._claims_all = bool(free and free_in_order)
        if not free and not free_in_order:
            return False
        async with self.service.db.system_statements() as tx:
            jobs = await outbox.claim(tx, free, free_in_order)
        self._claims_all = self._claims_all and len(jobs) < min(free, free_in_order)
        for job in jobs:
            self._begin(HeldJob(job, None))
        self._due |= not self._claims_all
        return bool(jobs) and self._due

    async def _give_back(self) -> None:
        """What was handed over as this worker stopped is due for others at once, not when its lease ends."""
        if self._leased:
            async with self.service.db.system_statements() as tx:
                await outbox.give_back(tx, list(self._leased.values()))

    def _is_ahead(self) -> bool:
        """Whether the last claim left nothing behind that is due."""
        return self._claims_all

    def _has_room(self) -> bool:
        return not self._stopping and len(self._leased) < _MAX_HELD

    def _take_over(self, held: Sequence[HeldJob]) -> None:
        """Jobs that this process wrote: begun at once, or as soon as others have ended."""
        if self._stopping:
            self._leased |= {one.job.id: one.job for one in held}
            return
        for one in held:
            kind = self._kind_of(one.job)
            goes_in_batch = kind.batched is not None and kind.network is None
            if goes_in_batch or len(self._running) < _MAX_RUNNING - _MAX_ORDERED:
                self._begin(one)
            else:
                self._leased[one.job.id] = one.job
                # By its turn what it is about may have changed: then it is read, as if it had been claimed.
                self._waiting.put(one.job.dfsp_id, HeldJob(one.job, None))

    def _begin(self, held: HeldJob) -> None:
        job = held.job
        self._leased[job.id] = job
        batched = self._kind_of(job).batched
        if batched is not None and self._kind_of(job).network is None:
            self._batches[batched].put(Work(job, held.value))
            return
        task = _start(self._run_one(held), "jobs")
        self._running[task] = job
        task.add_done_callback(self._ended)

    def _kind_of(self, job: Job) -> JobKind:
        return self._jobs.get(job.topic) or JobKind(job.topic)

    def _ended(self, task: asyncio.Task[Work | None]) -> None:
        job = self._running.pop(task)
        for held in self._waiting.take(1):
            self._begin(held)
        if not self._claims_all or (job.in_order and self._kind_of(job).network is None):
            self._wake_up()  # what there was no room for, or the next of an order
        elif job.in_order:
            self._wake.set()  # its deletion tells whether there is a next

    async def run_due(self) -> int:
        """For tests: claim one batch of due jobs and run them to their end; how many there were."""
        async with self.service.db.system_statements() as tx:
            jobs = await outbox.claim(tx, self.service.settings.worker_batch)
        by_batch: dict[Batched, list[Work]] = {}
        alone = []
        for job in jobs:
            kind = self._kind_of(job)
            if kind.batched is not None and kind.network is None:
                by_batch.setdefault(kind.batched, []).append(Work(job))
            else:
                alone.append(HeldJob(job, None))
        outcomes = await asyncio.gather(*(self._run_one(held, by_hand=True) for held in alone))
        for work in outcomes:
            if work is not None:
                by_batch.setdefault(self._batched_of(work.job), []).append(work)
        for run, works in by_batch.items():
            for start in range(0, len(works), BATCH_MAX):
                await self._batches[run].work_off(works[start : start + BATCH_MAX])
        await self._delete_finished()
        return len(jobs)

    async def _delete_by_and_by(self) -> None:
        while True:
            await asyncio.sleep(_DELETE_EVERY_S)
            try:
                if await self._delete_finished():
                    self._wake_up()
            except Exception as error:
                self._warn("finished_jobs_not_deleted", error)

    def _wake_up(self) -> None:
        """Something may be due."""
        self._due = True
        self._wake.set()

    async def _delete_finished(self) -> bool:
        """Delete the finished network jobs, many in one statement; whether others wait behind them."""
        async with self._deleting:
            sent, self._sent = self._sent, []
            if not sent:
                return False
            try:
                async with self.service.db.system_statements() as tx:
                    return await outbox.all_done(tx, sent)
            except BaseException:
                self._sent += sent
                raise

    async def _run_one(self, held: HeldJob, *, by_hand: bool = False) -> Work | None:
        """Run a job alone. What a network call came to goes on in a batch, which the caller runs `by_hand`."""
        job = held.job
        trace.start(None, job.traceparent)  # for this task, in which only this job runs
        try:
            kind = self._jobs[job.topic]
            if kind.transactional is not None:
                async with self._transactions, self.service.db.system(lane=job.dfsp_id) as tx:
                    await kind.transactional(tx, self.service, job)
                    await outbox.done(tx, job)
            elif kind.network is not None:
                outcome = await kind.network(self.service, self._http, held)
                if outcome is not None:
                    work = Work(job, held.value, outcome)
                    if not by_hand:
                        self._batches[self._batched_of(job)].put(work)
                    return work
                self._sent.append(job)
        except Exception as error:
            await self._failed(job, error)
        self._leased.pop(job.id, None)
        return None

    def _batched_of(self, job: Job) -> Batched:
        batched = self._kind_of(job).batched
        assert batched is not None, f"what {job.topic} came to is worked off by nobody"
        return batched

    async def _batch_ended(self, work: Work, error: Exception | None) -> None:
        if error is not None:
            await self._failed(work.job, error)
        self._leased.pop(work.job.id, None)

    async def _failed(self, job: Job, error: Exception) -> None:
        self._leased.pop(job.id, None)
        expected = self._jobs[job.topic].expected if job.topic in self._jobs else ()
        why = logs.describe(error, expected)
        try:
            async with self.service.db.system_statements() as tx:
                dead = await outbox.retry(tx, job, why)
                self._due |= job.in_order  # where it is dead, the next of its order goes on
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
                    await outbox.renew(tx, list(self._leased.values()))
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
                    await connection.add_listener(outbox.CHANNEL, lambda *_: self._wake_up())
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


def _start(work: Coroutine[Any, Any, T], kind: str) -> asyncio.Task[T]:
    """A task that shares the database's connections with others of its kind, so that no kind takes them all."""
    context = contextvars.copy_context()
    context.run(pools.caller.set, Caller(kind, _PATIENCE_S))
    return asyncio.create_task(work, context=context)
