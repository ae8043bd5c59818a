"""Is the service ready? What `/health/ready` says: each thing that must be right, and what to do where it is not.

The facts of the database are one statement on a connection outside the pools, answered within a second, so that a
probe tells of a database that is silent or whose pools are exhausted. READY_CHECKS are the others. An answer is kept
for a moment: probes may be many.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Literal

import asyncpg
import msgspec

from merchant.compliance.lists.ages import packaged_age, read_ages
from merchant.core import clock, db, heartbeat
from merchant.core.canary import open_sealed
from merchant.core.heartbeat import GONE_AFTER_S, SEEN_S_AGO, SKEW_NOTED_S
from merchant.core.service import Service
from merchant.core.vault import BadSecretKey

KEPT_S = 1.5
# A payment's jobs are done within a second; one that has been due for so long is worked off by nobody.
OLDEST_DUE_S = 60.0
LISTS_TIMEOUT_S = 1.0

_FACTS = f"""
SELECT EXISTS (SELECT FROM scheme WHERE id = 1) AS has_scheme,
  (SELECT min({SEEN_S_AGO}) FROM worker_heartbeat) AS worker_seen_s,
  (SELECT max(abs(clock_skew_s)) FROM worker_heartbeat WHERE {SEEN_S_AGO} < $2) AS skew_s,
  (SELECT sealed FROM vault_canary WHERE id = 1) AS canary,
  EXISTS (SELECT FROM installation WHERE restored_at IS NOT NULL AND reconciled_at IS NULL) AS is_restored,
  (SELECT extract(epoch FROM coalesce($1::timestamptz, now()) - min(run_at))::float8
   FROM outbox WHERE order_key IS NULL AND dead_at IS NULL) AS oldest_due_s
"""  # noqa: S608 - constants


class ReadyCheck(msgspec.Struct, frozen=True):
    """One thing that must be right. A warning leaves the service ready."""

    name: str
    status: Literal["ok", "warning", "failed"]
    detail: str = ""


class Readiness(msgspec.Struct, frozen=True):
    """Whether the service works as a whole, and each thing that was looked at."""

    status: Literal["ready", "not_ready"]
    checks: list[ReadyCheck]


async def check_database(service: Service) -> list[ReadyCheck]:
    """What the database tells: no more than the first that fails, where the rest depends on it."""
    try:
        row = await service.db.probe(_FACTS, clock.moved(), GONE_AFTER_S)
    except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError):
        told = "The schema is older than this program; run `merchant migrate`."
        return [ReadyCheck("database", "ok"), ReadyCheck("schema", "failed", told)]
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        known = db.is_unavailable(error) and not isinstance(error, TimeoutError)
        told = "cannot be reached" if known else "does not answer within a second"
        return [ReadyCheck("database", "failed", f"The database {told}.")]
    if row is None or not row["has_scheme"]:
        told = "No scheme is set up yet; run `merchant seed`."
        return [ReadyCheck("database", "ok"), ReadyCheck("scheme", "failed", told)]
    skew_s = max(abs(service.db.clock_skew_s), row["skew_s"] or 0.0)
    return [
        ReadyCheck("database", "ok"),
        ReadyCheck("schema", "ok"),
        ReadyCheck("scheme", "ok"),
        _worker(row["worker_seen_s"]),
        _jobs(row["oldest_due_s"] or 0.0),
        _clock(skew_s),
        _keys(service, row["canary"]),
        *_restored(row["is_restored"]),
    ]


def _worker(seen_s: float | None) -> ReadyCheck:
    if seen_s is not None and seen_s < GONE_AFTER_S:
        return ReadyCheck("worker", "ok")
    start = "start `merchant worker`, or `merchant serve` without --no-worker"
    told = f"No worker has been seen for {GONE_AFTER_S:.0f} s; {start}."
    return ReadyCheck("worker", "failed", told)


def _jobs(due_s: float) -> ReadyCheck:
    if due_s < OLDEST_DUE_S:
        return ReadyCheck("jobs", "ok")
    told = f"A job has been due for {due_s:.0f} s; the workers do not keep up, or are stuck."
    return ReadyCheck("jobs", "failed", told)


def _clock(skew_s: float) -> ReadyCheck:
    if skew_s < SKEW_NOTED_S:
        return ReadyCheck("clock", "ok")
    told = f"A machine's clock differs from the database's by {skew_s:.1f} s; mend its time synchronisation."
    return ReadyCheck("clock", "warning", told)


def _keys(service: Service, canary: bytes | None) -> ReadyCheck:
    """The secret keys at hand must be those of the data."""
    try:
        open_sealed(canary, service.vault)
    except BadSecretKey as error:
        return ReadyCheck("keys", "failed", str(error))
    return ReadyCheck("keys", "ok")


def _restored(is_restored: bool) -> list[ReadyCheck]:
    if not is_restored:
        return []
    return [ReadyCheck("restored", "failed", "Restored from a backup: the hub is asked about open transfers first.")]


async def check_lists(service: Service) -> list[ReadyCheck]:
    """The screening lists: one that cannot be read is a fault.

    One that is too old is a warning: names are "not checked" and nothing is approved, while payments go on.
    """
    try:
        async with asyncio.timeout(LISTS_TIMEOUT_S), service.db.system_reads() as tx:
            ages = await read_ages(service, tx)
    except Exception:
        ages = [packaged_age(service)]  # the check of the database tells why nothing else is known
    if any(one.published_on is None for one in ages):
        told = "The sanctions list cannot be read; put one by `merchant lists put`, or set MERCHANT_SCREENING_LIST."
        return [ReadyCheck("lists", "failed", told)]
    if late := [one for one in ages if one.stale == "not_checked"]:
        named = ", ".join(one.source for one in late)
        told = f"Names are not checked: nobody has seen for too long that {named} is current; see `merchant lists put`."
        return [ReadyCheck("lists", "warning", told)]
    if old := [one for one in ages if one.stale]:
        told = f"The sanctions list is {old[0].age_days} days old; put a newer one by `merchant lists put`."
        return [ReadyCheck("lists", "warning", told)]
    return [ReadyCheck("lists", "ok")]


# A check returns its results; what it raises counts as failed.
READY_CHECKS: tuple[Callable[[Service], Awaitable[list[ReadyCheck]]], ...] = (check_database, check_lists)


async def read_readiness(service: Service) -> Readiness:
    """Look at everything now."""
    found: list[ReadyCheck] = []
    for check in READY_CHECKS:
        try:
            found += await check(service)
        except Exception as error:
            name = check.__name__.removeprefix("check_")
            found.append(ReadyCheck(name, "failed", f"This could not be looked at ({type(error).__name__})."))
    is_ready = all(each.status != "failed" for each in found)
    return Readiness("ready" if is_ready else "not_ready", found)


class LatestReadiness:
    """What was found a moment ago, for all who ask at once."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._found: tuple[float, Readiness] | None = None
        self._looking = asyncio.Lock()

    async def read(self) -> Readiness:
        """What was found at most KEPT_S ago."""
        async with self._looking:
            if self._found is None or time.monotonic() - self._found[0] >= KEPT_S:
                self._found = time.monotonic(), await read_readiness(self._service)
            return self._found[1]


@asynccontextmanager
async def clock_followed(service: Service) -> AsyncIterator[None]:
    """Follow the database's clock in a process that has no worker, whose heartbeats do so otherwise."""

    async def follow() -> None:
        while True:
            await asyncio.sleep(heartbeat.BEAT_EVERY_S)
            try:
                await service.db.read_clock()
            except Exception as error:
                service.db.note_away(error)

    following = asyncio.create_task(follow())
    try:
        yield
    finally:
        following.cancel()
