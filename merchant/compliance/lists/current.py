"""The index that names are screened against, kept once per process and renewed within seconds of a new version.

What counts: the version in force of every list, and the packaged file until the UN's list is put. A list that is too
old or cannot be read leaves no index at all: the outcome is then "not checked", never "clear".
"""

import asyncio
import time
import zlib
from typing import Final, Literal
from uuid import UUID

import msgspec
import structlog
from msgspec import Struct

import kyb
from kyb.lists.blocklist import BLOCKLIST_SOURCE, Blocklist
from kyb.lists.un import UN_SOURCE
from merchant.compliance.lists import content, packaged, queries
from merchant.compliance.lists.queries import Version
from merchant.compliance.lists.states import Capability, list_may
from merchant.core import logs
from merchant.core.db import Reads
from merchant.core.service import Service
from merchant.core.vault import BadSecretKey

KEPT_S: Final = 5.0  # how long a process may screen against versions that were replaced elsewhere
Problem = Literal["list_stale", "list_unreadable"]
_UNREADABLE = (OSError, EOFError, ValueError, zlib.error, BadSecretKey)
_log = structlog.get_logger()


class Current(Struct, frozen=True):
    """What to screen against: no index where there is a problem."""

    index: kyb.ScreeningIndex | None
    problem: Problem | None
    versions: tuple[kyb.ListVersion, ...]
    blocklist: Blocklist | None = None


class _Held(Struct, frozen=True):
    """What a process has indexed. No index where a list could not be read, or where no version was ever put."""

    versions: tuple[Version, ...] = ()
    lists: dict[UUID, kyb.ScreeningList] = {}
    blocklist: Blocklist | None = None
    packaged: kyb.ScreeningIndex | None = None  # that of the packaged file, where it is a part of the index
    index: kyb.ScreeningIndex | None = None


async def current_index(service: Service) -> Current:
    """What to screen against now. The first call of a process waits for the index, which takes seconds when large."""
    held = await service.shared(Lists).held()
    index = held.index if held.versions else await _packaged_index(service)
    if index is None:
        return Current(None, "list_unreadable", (), held.blocklist)
    if _is_stale(service, held.versions, index):
        return Current(None, "list_stale", index.versions, held.blocklist)
    return Current(index, None, index.versions, held.blocklist)


async def blocklist_in_force(service: Service) -> Blocklist | None:
    """The block list that counts now, which waits for no index; None where none was put.

    None too where it cannot be read: nothing is screened then, and nobody approved.
    """
    return await service.shared(_KeptBlocklist).now()


def _is_stale(service: Service, versions: tuple[Version, ...], index: kyb.ScreeningIndex) -> bool:
    """Whether any list is too old to rely on; that takes no more than a look at the calendar."""
    settings = service.settings
    if queries.packaged_counts(versions):
        [published_on] = [one.published_on for one in index.versions if one.source == UN_SOURCE]
        if queries.packaged_is_stale(settings, published_on):
            return True
    return any(queries.is_stale(settings, one) for one in versions)


async def refresh(service: Service) -> None:
    """Index what was put in force since, so that no screening has to wait for it."""
    await service.shared(Lists).held()


def look_again(service: Service) -> None:
    """Take over at the next call what this process has just put in force."""
    service.shared(Lists).forget()
    service.shared(_KeptBlocklist).read_at_s = -KEPT_S


async def packaged_facts(service: Service) -> queries.Packaged | None:
    """What there is to say of the packaged file; None when it cannot be read."""
    index = await _packaged_index(service)
    if index is None:
        return None
    [one] = index.versions
    return queries.Packaged(one.source, one.published_on, one.sha256, one.entry_count)


async def _packaged_index(service: Service) -> kyb.ScreeningIndex | None:
    return await asyncio.to_thread(packaged.screening_index, service.settings.screening_list)


class Lists:
    """The index of a process. It is built in a thread, while the one before stays in use."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._held: _Held | None = None
        self._read_at_s = 0.0
        self._reading: asyncio.Task[None] | None = None

    async def held(self) -> _Held:
        """What is indexed; of a process that has nothing yet, once it has. Raises what the database raises."""
        is_old = time.monotonic() - self._read_at_s >= KEPT_S
        if self._reading is None and (self._held is None or is_old):
            self._reading = asyncio.get_running_loop().create_task(self._read())
            self._reading.add_done_callback(self._was_read)
        while self._held is None:
            assert self._reading is not None
            await asyncio.shield(self._reading)
        return self._held

    def forget(self) -> None:
        """Wait at the next call for what is in force then."""
        self._held, self._read_at_s = None, 0.0

    async def _read(self) -> None:
        self._read_at_s = time.monotonic()
        held = self._held or _Held()
        async with self._service.db.system_reads() as tx:
            versions = tuple(
                one for one in await queries.current_versions(tx) if list_may(one.state, Capability.SCREEN)
            )
            if not versions:
                self._held = _Held()
                return
            shipped = await _packaged_index(self._service) if queries.packaged_counts(versions) else None
            same = [one.id for one in held.versions] == [one.id for one in versions]
            if same and held.index is not None and held.packaged is shipped:
                self._held = msgspec.structs.replace(held, versions=versions)  # seen to be current since, perhaps
                return
            lists, blocklist, is_whole = dict(held.lists), held.blocklist, True
            for version in versions:
                if version.id not in lists:
                    found = await _load(tx, self._service, version)
                    is_whole = is_whole and found is not None
                    if found is not None and found.screened is not None:
                        lists[version.id] = found.screened
                    elif found is not None:
                        blocklist = found.blocked
        lists = {one.id: lists[one.id] for one in versions if one.id in lists}
        index = await self._build(tuple(lists.values()), shipped, versions) if is_whole else None
        self._held = _Held(versions, lists, blocklist, shipped, index)

    async def _build(
        self, lists: tuple[kyb.ScreeningList, ...], shipped: kyb.ScreeningIndex | None, versions: tuple[Version, ...]
    ) -> kyb.ScreeningIndex | None:
        if not queries.packaged_counts(versions):
            return await asyncio.to_thread(kyb.build_index, lists)
        if shipped is None or not lists:
            return shipped
        un_list = await asyncio.to_thread(packaged.screening_list, self._service.settings.screening_list)
        return await asyncio.to_thread(kyb.build_index, (un_list, *lists))

    def _was_read(self, task: asyncio.Task[None]) -> None:
        self._reading = None
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.warning("screening_lists_not_read", error=type(error).__name__)  # what was indexed stays in use


class _KeptBlocklist:
    """The block list of a process, as it was some seconds ago at most."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._lock = asyncio.Lock()  # one reads, the others wait for it
        self._version_id: UUID | None = None
        self._blocklist: Blocklist | None = None
        self.read_at_s = -KEPT_S

    async def now(self) -> Blocklist | None:
        """What counts. Raises what the database raises."""
        async with self._lock:
            if time.monotonic() - self.read_at_s >= KEPT_S:
                began_s = time.monotonic()
                await self._read()
                self.read_at_s = began_s
        return self._blocklist

    async def _read(self) -> None:
        async with self._service.db.system_reads() as tx:
            version = await queries.in_force(tx, BLOCKLIST_SOURCE)
            if version is None or version.id == self._version_id:
                return
            found = await _load(tx, self._service, version)
        if found is not None:
            self._version_id, self._blocklist = version.id, found.blocked


async def _load(tx: Reads, service: Service, version: Version) -> content.ReadList | None:
    try:
        return await content.load_list(tx, service.vault, version.kept())
    except _UNREADABLE as error:
        told = logs.describe(error, (kyb.BadList,))
        _log.error("screening_list_unreadable", source=version.source, version=str(version.id), error=told)
        return None
