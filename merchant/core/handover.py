"""Jobs handed over in memory: whoever writes a job gives it to the worker of its own process, at the commit.

Such a job is leased as it is written, so nobody claims it and its worker need not read it; when the process dies, the
lease runs out and another worker takes it up. Without a worker here, or when that has too much, jobs are due for all.
"""

from collections.abc import Callable, Sequence

from merchant.core.outbox import HeldJob
from merchant.core.service import Service

Taker = Callable[[Sequence[HeldJob]], None]


class Handover:
    """Where this process's worker takes jobs over."""

    def __init__(self, _service: Service) -> None:
        self._take: Taker | None = None
        self._has_room: Callable[[], bool] = bool

    def attach(self, take: Taker, has_room: Callable[[], bool]) -> None:
        """A worker runs here from now on."""
        self._take, self._has_room = take, has_room

    def detach(self) -> None:
        """It stops: what is written from now on is for others."""
        self._take = None

    @property
    def is_open(self) -> bool:
        """Whether a job may be written as held. Ask before it is written, and give it after the commit."""
        return self._take is not None and self._has_room()

    def give(self, jobs: Sequence[HeldJob]) -> None:
        """Hand over jobs that have been committed; after a worker has stopped, their leases end."""
        if jobs and self._take is not None:
            self._take(jobs)
