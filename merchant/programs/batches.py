"""Batches of jobs: gathered for some milliseconds when it is busy, worked off together, tried in halves when they fail.

Each tenant has a lane, and a batch takes from the lanes in turn: one DFSP's flood delays no other's payment.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence

from merchant.core import db
from merchant.core.lanes import Lanes, Pace
from merchant.core.pressure import Pressure
from merchant.core.service import Service
from merchant.core.slices import Batched, Work

BATCH_MAX = 64
_PRESSURE_EVERY_S = 0.1
Ended = Callable[[Work, Exception | None], Awaitable[None]]


async def tell_pressure(pressure: Pressure, all_batches: "Iterable[Batches]", is_ahead: Callable[[], bool]) -> None:
    """Say again and again how late the batches are, and for how long more has been due than could be claimed."""
    ahead_s = time.monotonic()
    while True:
        await asyncio.sleep(_PRESSURE_EVERY_S)
        if is_ahead():
            ahead_s = time.monotonic()
        late_s = [batches.late_s for batches in all_batches]
        pressure.queued_s = max(time.monotonic() - ahead_s, *late_s, 0.0)


class Batches:
    """The jobs of one kind that wait to be worked off together, in one process."""

    def __init__(self, service: Service, run: Batched, ended: Ended) -> None:
        self._service, self._run, self._ended = service, run, ended
        self._waiting: Lanes[Work] = Lanes()
        self._since_s: deque[float] = deque()  # when what waits came; lanes change whose turn it is, not how many wait
        self._pace = Pace()
        self._wake = asyncio.Event()
        self._stopping = False
        self._loop: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def late_s(self) -> float:
        """How long the oldest of what waits has waited."""
        return time.monotonic() - self._since_s[0] if self._since_s else 0.0

    def put(self, work: Work) -> None:
        """Add a job to its tenant's lane."""
        now_s = time.monotonic()
        self._waiting.put(work.job.dfsp_id, work)
        self._since_s.append(now_s)
        self._pace.note(now_s)
        self._wake.set()

    async def go_on(self) -> None:
        """Work until `stop`, then until nothing waits."""
        while True:
            if not self._waiting:
                if self._stopping:
                    return
                self._wake.clear()
                await self._wake.wait()
                continue
            pause_s = self._pace.gather_s(time.monotonic())
            if pause_s and len(self._waiting) < BATCH_MAX and not self._stopping:
                await asyncio.sleep(pause_s)
            batch = self._waiting.take(BATCH_MAX)
            for _ in batch:
                self._since_s.popleft()
            await self.work_off(batch)

    def stop(self) -> None:
        """Take nothing more to wait for."""
        self._stopping = True
        self._wake.set()

    async def work_off(self, batch: Sequence[Work]) -> None:
        """Work a batch off. One that fails as a whole is tried in halves, down to the job that makes it fail."""
        try:
            errors = await self._run(self._service, batch)
        except Exception as error:
            # Without its database no half fares better.
            if len(batch) == 1 or db.is_unavailable(error):
                for work in batch:
                    await self._ended(work, error)
                return
            half = len(batch) // 2
            await self.work_off(batch[:half])
            await self.work_off(batch[half:])
            return
        for work, failure in zip(batch, errors, strict=True):
            await self._ended(work, failure)
