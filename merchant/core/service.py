"""What every operation may need, made once per process: settings, pools, vault, the scheme's facts.

The web application and the worker each hold one `Service`; tests make theirs. It keeps only the scheme's row, and
reads that anew every few seconds, so that nothing relies on process memory for correctness.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec
import structlog

from merchant.core import secret_key
from merchant.core.audit_keys import AuditKeys
from merchant.core.canary import open_canary
from merchant.core.db import Database, Reads
from merchant.core.errors import OperatorProblem
from merchant.core.pools import DatabaseAway
from merchant.core.settings import Settings
from merchant.core.vault import BadSecretKey

T = TypeVar("T")
SCHEME_KEPT_S = 5.0  # how long a process may use facts that two people of the hub have changed
_SCHEME = """
SELECT name, qr_domain, qr_domains_accepted, alias_type, alias_length, currencies, country, time_zone, ussd_code,
       request_expiry_s, request_expiry_max_s FROM scheme WHERE id = 1
"""
_log = structlog.get_logger()


class SchemeFacts(msgspec.Struct, frozen=True):
    """The one scheme's row, as it was some seconds ago at most."""

    name: str
    qr_domain: str
    alias_type: str
    alias_length: int
    currencies: tuple[str, ...]
    country: str
    time_zone: str
    ussd_code: str
    request_expiry_s: int
    request_expiry_max_s: int
    qr_domains_accepted: tuple[str, ...] = ()  # of codes that were made before the domain changed


_IS_RESTORED = "SELECT restored_at IS NOT NULL AND reconciled_at IS NULL FROM installation WHERE id = 1"


class NoScheme(OperatorProblem):
    """The database has no scheme row yet: run `merchant seed`."""


class Service:
    """Settings, database, vault and scheme."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.settings = settings
        self.db = database
        self.vault = secret_key.open_vault(settings)
        self.audit_keys = database.audit_keys = AuditKeys(self.vault, database.listener)
        # Restored from a backup, and the hub not asked yet (payments/reconcile.py); read at the start.
        self.reconciling = False
        self._scheme: SchemeFacts | None = None
        self._scheme_read_at_s = 0.0
        self._scheme_read: asyncio.Task[None] | None = None
        self._shared: dict[Any, Any] = {}

    def shared(self, make: "Callable[[Service], T]") -> T:
        """What a slice keeps once a process, such as its connections to the hub; made when first asked for."""
        if make not in self._shared:
            self._shared[make] = make(self)
        found: T = self._shared[make]
        return found

    async def scheme(self) -> SchemeFacts:
        """The scheme's facts. Raises NoScheme before the first seed."""
        if self._scheme is None:
            await self._read_scheme()
            assert self._scheme is not None
        elif time.monotonic() - self._scheme_read_at_s >= SCHEME_KEPT_S and self._scheme_read is None:
            # Beside the caller, who may hold a connection and must not wait for a second.
            self._scheme_read_at_s = time.monotonic()
            self._scheme_read = asyncio.get_running_loop().create_task(self._read_scheme())
            self._scheme_read.add_done_callback(self._scheme_was_read)
        return self._scheme

    async def read_installation(self, tx: Reads) -> None:
        """Open the canary and look whether the hub must be asked first. Raises BadSecretKey."""
        await open_canary(tx, self.vault)
        await self.read_reconciling(tx)

    async def read_reconciling(self, tx: Reads) -> None:
        """Look whether the installation was restored, and the hub not asked yet."""
        self.reconciling = bool(await tx.fetchval(_IS_RESTORED))

    async def _read_scheme(self) -> None:
        async with self.db.system_reads() as tx:
            row = await tx.fetchrow(_SCHEME)
            if row is not None and self._scheme is None:
                # It may have been set up, or restored, after this program started.
                await self.read_installation(tx)
        if row is None:
            raise NoScheme("No scheme is set up yet: run `merchant seed`.")
        self._scheme, self._scheme_read_at_s = msgspec.convert(dict(row), SchemeFacts), time.monotonic()

    def _scheme_was_read(self, task: asyncio.Task[None]) -> None:
        self._scheme_read = None
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, DatabaseAway):  # that it is away is told once, where it is seen
            _log.warning("scheme_not_read", error=type(error).__name__)  # what was known stays in use

    async def close(self) -> None:
        """Stop what runs beside the callers."""
        if self._scheme_read is not None:
            self._scheme_read.cancel()
            await asyncio.gather(self._scheme_read, return_exceptions=True)

    async def time_zone(self) -> ZoneInfo:
        """The scheme's time zone, in which days and limits count."""
        return ZoneInfo((await self.scheme()).time_zone)


@asynccontextmanager
async def open_service(settings: Settings, database_url: str) -> AsyncIterator[Service]:
    """A service on a database whose schema is current; the pools close at the end.

    Raises UnsafeRole, NoSecretKey, BadSecretKey when the data was sealed under another key.
    """
    roles = (settings.database_app_role, settings.database_system_role)
    database = Database(database_url, settings.database_pool_size, *roles)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        service = Service(settings, database)
        stack.push_async_callback(service.close)
        await database.check_roles()
        await database.read_clock()
        await database.learn_distribution()
        async with database.system_reads() as tx:
            await service.read_installation(tx)
            # An installation without a canary yet tells of a foreign key when something is to be signed.
            with contextlib.suppress(BadSecretKey):
                await service.audit_keys.load(tx.fetch)
        with contextlib.suppress(NoScheme):
            await service.scheme()
        yield service
