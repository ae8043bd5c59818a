"""What the hub sends, stored in groups: gathered for some milliseconds when it is busy, one statement for all of them.

A message is acknowledged when its group is committed, never before; the worker of this process takes it over then.
"""

import asyncio
import time
from collections import deque

from merchant.core import inbox
from merchant.core.handover import Handover
from merchant.core.inbox import Arrival
from merchant.core.lanes import Pace
from merchant.core.service import Service

GROUP_MAX = 64
_OWN_SHARE = 0.5  # of what gathering may cost a message
_Waiting = tuple[Arrival, asyncio.Future[None]]


class Arrivals:
    """The messages of one process that wait to be stored."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._waiting: deque[_Waiting] = deque()
        self._pace = Pace()
        self._storing: asyncio.Task[None] | None = None

    async def store(self, arrival: Arrival) -> None:
        """Store a message durably, with others that came at the same time. Raises what the database does."""
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((arrival, stored))
        self._pace.note(time.monotonic())
        if self._storing is None:
            self._storing = asyncio.create_task(self._store_all())
        await stored

    async def _store_all(self) -> None:
        try:
            while self._waiting:
                pause_s = self._pace.gather_s(time.monotonic()) * _OWN_SHARE  # the batch that follows gathers too
                if pause_s and len(self._waiting) < GROUP_MAX:
                    await asyncio.sleep(pause_s)
                await self._store(self._group())
        finally:
            self._storing = None

    def _group(self) -> list[_Waiting]:
        """What is stored together: the same message twice is stored one after the other."""
        group: dict[bytes, _Waiting] = {}
        later: list[_Waiting] = []
        while self._waiting and len(group) < GROUP_MAX:
            one = self._waiting.popleft()
            if one[1].cancelled():
                continue
            if group.setdefault(one[0].digest, one) is not one:
                later.append(one)
        self._waiting.extendleft(reversed(later))
        return list(group.values())

    async def _store(self, group: list[_Waiting]) -> None:
        if not group:
            return
        service = self._service
        handover = service.shared(Handover)
        held = handover.is_open
        try:
            async with service.db.system_statements() as tx:
                stored = await inbox.store_many(tx, service.vault, [arrival for arrival, _ in group], held=held)
        except BaseException as error:
            for _, future in group:
                if not future.done():
                    future.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        handover.give([job for _, job in stored if job is not None])
        for _, future in group:
            if not future.done():
                future.set_result(None)
