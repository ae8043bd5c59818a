"""Which policy is in force for a DFSP on a day: the layers that are published, laid over one another.

Without a published layer the packaged `generic` is in force. A process reads the layers anew every few seconds.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from uuid import UUID

import msgspec
from msgspec import Struct

import kyb
from merchant.compliance.policies.states import Capability, sql_states
from merchant.core import clock, ids, sql
from merchant.core.db import Reads
from merchant.core.service import Service

PACKAGED = "generic"
KEPT_S = 5.0  # how long a process may judge by what two people have changed since


class Published(Struct, frozen=True):
    """One layer that counts from a day on."""

    layer: str
    dfsp_id: UUID | None
    effective_on: date
    text: str
    sha256: str
    name: str = ""
    version: str = ""
    id: UUID = msgspec.field(default_factory=ids.uuid7)


_PUBLISHED = sql.select(
    Published,
    from_="policy_layer",
    where=f"state IN {sql_states(Capability.COUNT)}",
    tail="ORDER BY effective_on, published_at, id",
)


class Policies(Struct, frozen=True):
    """Every published layer, oldest first."""

    layers: tuple[Published, ...] = ()

    def in_force(self, dfsp_id: UUID | None, day: date) -> kyb.Policy:
        """The policy that a DFSP is held to on a day; the scheme's own for None. Raises kyb.PolicyError."""
        found = self.texts(dfsp_id, day)
        texts = tuple(one.text for one in found)
        # Where only a DFSP has a layer, it tightens the packaged policy, which would be in force without it.
        return _policy((kyb.preset(PACKAGED), *texts) if found and found[0].layer == "dfsp" else texts)

    def texts(self, dfsp_id: UUID | None, day: date) -> list[Published]:
        """The layers in force for a DFSP on a day, the regulator's first."""
        found = (self._newest(layer, dfsp_id if layer == "dfsp" else None, day) for layer in kyb.LAYERS)
        return [one for one in found if one is not None]

    def coming(self, dfsp_id: UUID | None, day: date) -> list[tuple[date, kyb.Policy]]:
        """Policies that will be in force for a DFSP after a day, each from its first day."""
        days = sorted(
            {one.effective_on for one in self.layers if one.effective_on > day and one.dfsp_id in (None, dfsp_id)}
        )
        return [(each, self.in_force(dfsp_id, each)) for each in days]

    def layer_in_force(self, layer: str, dfsp_id: UUID | None, day: date, sha256: str) -> bool:
        """Whether the text of this hash is the one in force as a layer on a day."""
        found = self._newest(layer, dfsp_id, day)
        return found is not None and found.sha256 == sha256

    def with_layer(self, layer: Published) -> "Policies":
        """The same policies with one layer more, the last to be published for its day."""
        return Policies(tuple(sorted((*self.without(layer.id).layers, layer), key=lambda one: one.effective_on)))

    def without(self, layer_id: UUID) -> "Policies":
        """The same policies without one layer."""
        return Policies(tuple(one for one in self.layers if one.id != layer_id))

    def _newest(self, layer: str, dfsp_id: UUID | None, day: date) -> Published | None:
        found = [
            one for one in self.layers if one.layer == layer and one.dfsp_id == dfsp_id and one.effective_on <= day
        ]
        # Layers come in the order of their days and, of one day, of their publishing.
        return found[-1] if found else None


@lru_cache(maxsize=256)
def _policy(texts: tuple[str, ...]) -> kyb.Policy:
    """The layers as one policy; without any, the packaged one."""
    return kyb.load_layers(texts) if texts else kyb.default_policy()


class _Kept:
    """The policies of this process, and when they were read."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.policies: Policies | None = None
        self.read_at_s = 0.0
        self.reading: asyncio.Task[None] | None = None

    async def read(self) -> None:
        """Read them now."""
        self.read_at_s = time.monotonic()
        async with self._service.db.look_ups() as tx:
            self.policies = await read_policies(tx)

    def refresh(self) -> None:
        """Read them beside the caller, who may hold a connection and must not wait for a second one."""
        if self.reading is None or self.reading.done():
            self.read_at_s = time.monotonic()
            self.reading = asyncio.get_running_loop().create_task(self.read())
            self.reading.add_done_callback(lambda task: task.cancelled() or task.exception())


async def policies(service: Service) -> Policies:
    """Every published layer, as it was some seconds ago at most; what was known stays in use while none can be read."""
    kept = service.shared(_Kept)
    if kept.policies is None:
        await kept.read()
    elif time.monotonic() - kept.read_at_s >= KEPT_S:
        kept.refresh()
    assert kept.policies is not None
    return kept.policies


async def read_policies(tx: Reads) -> Policies:
    """Every published layer as it is now."""
    rows: Sequence[Published] = sql.rows(Published, await tx.fetch(_PUBLISHED))
    return Policies(tuple(rows))


def forget(service: Service) -> None:
    """Read the policies anew when they are next asked for, in this process."""
    service.shared(_Kept).policies = None


async def today(service: Service) -> date:
    """The day in the scheme's time zone."""
    return clock.local_date(clock.now(), (await service.scheme()).time_zone)


async def policy_of(service: Service, dfsp_id: UUID | None) -> kyb.Policy:
    """The policy that a DFSP is held to today."""
    return (await policies(service)).in_force(dfsp_id, await today(service))
