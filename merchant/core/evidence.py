"""Security events: sign-ins, refusals, the use of keys, looks at personal data; each a log line and a row.

The audit record (audit.py) holds what was changed and by whom; here is what was tried. OWASP ASVS 5, V16.3. A row holds
the caller's address, which is needed to see who guesses and from where; rows are deleted after ninety days. Noting
never waits for the database and never fails a request: events gather in memory and are written once a second.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
import structlog
from prometheus_client import Counter
from sqlalchemy import Index, text
from sqlmodel import SQLModel

from merchant.core import clock, columns, ids, logs
from merchant.core.access import Actor
from merchant.core.db import Tx, forget
from merchant.core.service import Service
from merchant.core.throttle import Throttle

KEPT = timedelta(days=90)  # long enough to look into what is found late, no longer: addresses are personal data
MAX_WAITING = 10_000  # events in memory, about 10 MB, while the database is away
WRITE_EVERY_S = 1.0
_LONGEST_TEXT = 300  # characters of a source, a subject or a detail
# Of callers who are not known, so that nobody fills the database with refusals; the log has a line for each.
_STRANGERS_PER_MINUTE, _STRANGERS_AT_ONCE = 60, 60
_lost = Counter("merchant_security_events_lost", "Security events that were logged but not stored.")
_noted = Counter("merchant_security_events", "Security events of this process, by kind.", ["kind"])
_log = structlog.get_logger()


class SecurityEvent(StrEnum):
    """What happened."""

    SIGNED_IN = "signed_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGN_IN_THROTTLED = "sign_in_throttled"
    SIGNED_OUT = "signed_out"
    CREDENTIALS_CHANGED = "credentials_changed"
    NOT_SIGNED_IN = "not_signed_in"
    NOT_ALLOWED = "not_allowed"
    THROTTLED = "throttled"
    GATEWAY_REFUSED = "gateway_refused"
    MESSAGE_REFUSED = "message_refused"
    KEY_USED = "key_used"
    PERSONAL_DATA_READ = "personal_data_read"


for _kind in SecurityEvent:  # told as zero from the start, so that the first one of a kind is a rise
    _noted.labels(_kind.value)


class StoredEvent(SQLModel, table=True):
    """A security event as it is kept."""

    __tablename__ = "security_event"
    __table_args__ = (
        Index("security_event_at", "at"),
        Index("security_event_listed", "dfsp_id", "id"),
        Index("security_event_of_actor", "actor_id", "id"),
        Index("security_event_by_subject", "subject", "id", postgresql_where=text("subject IS NOT NULL")),
    )
    id: UUID = columns.key()
    at: datetime = columns.instant()
    kind: str
    actor_kind: str | None = None
    actor_id: UUID | None = None
    dfsp_id: UUID | None = None
    source: str | None = None
    subject: str | None = None
    detail: dict[str, Any] = columns.document(nullable=False)


_STORE = """
INSERT INTO security_event (id, at, kind, actor_kind, actor_id, dfsp_id, source, subject, detail)
SELECT * FROM jsonb_to_recordset($1::jsonb) AS given(id uuid, at timestamptz, kind text, actor_kind text, actor_id uuid,
  dfsp_id uuid, source text, subject text, detail jsonb)
ON CONFLICT (id) DO NOTHING
"""


def note(
    service: Service,
    event: SecurityEvent,
    *,
    actor: Actor | None = None,
    source: str | None = None,
    subject: str | None = None,
    **detail: str | int | None,
) -> None:
    """Note a security event. `source` is the client's address, `subject` an id; `detail` holds codes and names."""
    _log.info(
        "security_event",
        security=event.value,
        actor_kind=actor.kind if actor else None,
        actor_id=str(actor.id) if actor else None,
        dfsp_id=str(actor.dfsp_id) if actor and actor.dfsp_id else None,
        source=source,
        subject=subject,
        **detail,
    )
    _noted.labels(event.value).inc()
    found = {
        "id": ids.uuid7(),
        "at": clock.now(),
        "kind": event.value,
        "actor_kind": actor.kind if actor else None,
        "actor_id": actor.id if actor else None,
        "dfsp_id": actor.dfsp_id if actor else None,
        "source": _storable(source),
        "subject": _storable(subject),
        "detail": {name: _storable(value) for name, value in detail.items()},
    }
    service.shared(EventBuffer).add(found, stranger=None if actor else f"{event} {source}")


def note_key_use(service: Service, actor: Actor, source: str) -> None:
    """Note that an API key is used, once an hour from each network."""
    if service.shared(EventBuffer).is_new_use(actor.id, _network(source)):
        note(service, SecurityEvent.KEY_USED, actor=actor, source=source)


class EventBuffer:
    """The events of this process that are not stored yet."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._waiting: deque[dict[str, Any]] = deque()
        self._strangers = Throttle(per_minute=_STRANGERS_PER_MINUTE, burst=_STRANGERS_AT_ONCE)
        self._lost = 0
        self._hour = 0
        self._uses: set[tuple[UUID, str]] = set()

    def add(self, event: dict[str, Any], *, stranger: str | None) -> None:
        """Keep an event until it is stored; one too many is counted as lost."""
        if len(self._waiting) >= MAX_WAITING or (stranger is not None and self._strangers.wait_s(stranger) > 0):
            self._lost += 1
            _lost.inc()
            return
        self._waiting.append(event)

    def is_new_use(self, key_id: UUID, network: str) -> bool:
        """Whether this is a key's first use from a network in this hour; counts it."""
        hour = int(clock.now().timestamp()) // 3600
        if hour != self._hour or len(self._uses) >= MAX_WAITING:
            self._hour, self._uses = hour, set()
        if (key_id, network) in self._uses:
            return False
        self._uses.add((key_id, network))
        return True

    async def store(self) -> int:
        """Write what waits, in one statement; how many events. They stay here when the database refuses."""
        lost, self._lost = self._lost, 0
        if lost:
            _log.warning("security_events_lost", count=lost, advice="The log has them all.")
        batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if not batch:
            return 0
        try:
            async with self._service.db.system_statements() as tx:
                await tx.execute(_STORE, msgspec.json.encode(batch).decode())
        except BaseException:
            self._waiting.extendleft(reversed(batch[: MAX_WAITING - len(self._waiting)]))
            raise
        return len(batch)


def _storable(value: str | int | None) -> str | int | None:
    """What a column can hold, however a stranger wrote it: one event must never keep the others from being stored."""
    if not isinstance(value, str):
        return value
    return value[:_LONGEST_TEXT].replace("\x00", "").encode("utf-8", "replace").decode()


def _network(source: str) -> str:
    """The network that an address belongs to: /24, or /48 of IPv6."""
    return ":".join(source.split(":")[:3]) if ":" in source else source.rpartition(".")[0] or source


@asynccontextmanager
async def storing(service: Service) -> AsyncIterator[None]:
    """Store the events of this process while the block runs, and the rest when it ends."""
    task = asyncio.create_task(_keep_storing(service))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await _store_or_log(service)


async def _keep_storing(service: Service) -> None:
    while True:
        await asyncio.sleep(WRITE_EVERY_S)
        await _store_or_log(service)


async def _store_or_log(service: Service) -> None:
    try:
        await service.shared(EventBuffer).store()
    except Exception as error:
        _log.warning("security_events_not_stored", error=logs.describe(error))


async def prune(tx: Tx, limit: int) -> int:
    """Forget up to `limit` events older than ninety days; how many there were."""
    return await forget(tx, "security_event", "id", "at", clock.now() - KEPT, limit)
