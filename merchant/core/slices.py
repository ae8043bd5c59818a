"""What a slice exports, so that the programs depend on no slice's internals.

Each slice has a module `slice` with the names of `Slice`; `programs/slices.py` lists them. The application mounts
ROUTES, the worker runs JOBS, TIMERS and PRUNED, and a start is refused when a route asks for a permission that no
slice lists in PERMISSIONS.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import aiohttp
import msgspec

from merchant.core.access import Permission
from merchant.core.db import Tx
from merchant.core.outbox import HeldJob, Job
from merchant.core.service import Service

P = TypeVar("P")


class Work(msgspec.Struct, frozen=True):
    """A job in a batch: with its value where it was handed over in memory, and what its network call came to."""

    job: Job
    value: Any = None
    outcome: Any = None


# Works off many jobs in one transaction, which deletes their rows too; for each its error, or None. What it raises is
# about all of them: then they are tried in halves, so that one job cannot hold up the others.
Batched = Callable[[Service, Sequence[Work]], Awaitable[Sequence[Exception | None]]]


class JobKind(msgspec.Struct, frozen=True):
    """One topic of the outbox and what works it off.

    A transactional job shares one transaction with its row's deletion: its effect happens exactly once; so do those of
    a batch. A network job talks to the outside first and the row is deleted after: at least once, so what it sends
    carries an id; where its call comes to something, it goes on in a batch. `expected` are faults that come again by
    nature (a silent hub): they are logged without a stack trace.
    """

    topic: str
    transactional: Callable[[Tx, Service, Job], Awaitable[None]] | None = None
    network: Callable[[Service, aiohttp.ClientSession, HeldJob], Awaitable[Any]] | None = None
    batched: Batched | None = None
    expected: tuple[type[Exception], ...] = ()


class Timer(msgspec.Struct, frozen=True):
    """What every worker runs at an interval; `every_s` None is the worker's poll interval."""

    name: str
    run: Callable[[Service], Awaitable[None]]
    every_s: float | None = None
    at_stop: bool = False  # once more when the worker stops


class Pruned(msgspec.Struct, frozen=True):
    """Rows that are deleted once they were kept long enough: `forget` deletes up to a limit and says how many."""

    name: str
    forget: Callable[[Tx, int], Awaitable[int]]


class Slice(Protocol):
    """The names that a slice's module `slice` has."""

    @property
    def ROUTES(self) -> Sequence[Any]: ...
    @property
    def JOBS(self) -> tuple[JobKind, ...]: ...
    @property
    def TIMERS(self) -> tuple[Timer, ...]: ...
    @property
    def PRUNED(self) -> tuple[Pruned, ...]: ...
    @property
    def PERMISSIONS(self) -> Mapping[Permission, str]: ...


def transactional(
    topic: str,
    payload: type[P],
    run: Callable[[Tx, Service, P], Awaitable[None]],
    expected: tuple[type[Exception], ...] = (),
) -> JobKind:
    """A transactional job whose payload is decoded for it; bytes are taken as they are."""

    async def handle(tx: Tx, service: Service, job: Job) -> None:
        await run(tx, service, _decoded(job, payload))

    return JobKind(topic, transactional=handle, expected=expected)


def network(
    topic: str,
    payload: type[P],
    run: Callable[[Service, aiohttp.ClientSession, P], Awaitable[None]],
    expected: tuple[type[Exception], ...] = (),
) -> JobKind:
    """A network job whose payload is decoded for it; bytes are taken as they are."""

    async def handle(service: Service, http: aiohttp.ClientSession, held: HeldJob) -> None:
        await run(service, http, _decoded(held.job, payload))

    return JobKind(topic, network=handle, expected=expected)


def _decoded(job: Job, payload: type[P]) -> P:
    return job.payload if payload is bytes else msgspec.json.decode(job.payload, type=payload)  # type: ignore[return-value]
