"""How we reach the hub for each of our DFSPs: its base URL, our signing key, the secret of our quotes, partners' keys.

Building a key object is expensive (an RSA key costs as much as a hundred signatures), so each process caches them
for half a minute: a changed URL or mode, a new key of ours and a retired key count everywhere after that, a key that
runs out at its minute. A signature that no known key made is tried again with the keys as they are now.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Generic, TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct

from merchant.core import clock
from merchant.core.db import Reads
from merchant.core.service import Service
from merchant.hub.adapter import load_signing_key, load_verify_key
from merchant.hub.envelopes import SigningKey, VerifyKey
from merchant.scheme import keys

_KEPT_FOR = timedelta(seconds=30)
# How soon a partner's keys may be read again for a signature that none of them made: forgeries must stay cheap.
_FRESH_FOR = timedelta(seconds=2)
_NAMES_MAX = 1000  # participants of one hub; anyone may send under any name, so there must be a bound
# An unchanged key is not built again after the half minute: an RSA key takes 65 ms, in which nothing else runs.
_signing_key = lru_cache(maxsize=64)(load_signing_key)
_verify_key = lru_cache(maxsize=256)(load_verify_key)
T = TypeVar("T")


class _Valid(Struct, Generic[T], frozen=True):
    """A key object, and how long it is valid."""

    key: T
    valid_from: datetime
    valid_until: datetime | None


def _valid_now(known: Iterable[_Valid[T]]) -> Iterator[T]:
    now = clock.now()
    return (one.key for one in known if one.valid_from <= now and (one.valid_until is None or one.valid_until > now))


class HubConnection(Struct, frozen=True):
    """One of our DFSPs on the hub."""

    dfsp_id: UUID
    fsp_id: str
    enabled: bool
    hub_url: str
    transfer_mode: str
    signing_keys: tuple[_Valid[SigningKey], ...]  # newest first
    ilp_secret: bytes
    hub_urls: Mapping[str, str] = {}  # of the resources that have a base URL of their own

    @property
    def signing_key(self) -> SigningKey | None:
        """The newest key that is valid now."""
        return next(_valid_now(self.signing_keys), None)

    def url_for(self, resource: str) -> str:
        """The base URL that a resource's messages are sent to; empty when nobody has set one."""
        return self.hub_urls.get(resource) or self.hub_url


class _Cache(Generic[T]):
    """Values by name, each kept for _KEPT_FOR."""

    def __init__(self) -> None:
        self._values: dict[str, tuple[datetime, T]] = {}

    def get(self, name: str, kept_for: timedelta = _KEPT_FOR) -> T | None:
        found = self._values.get(name)
        return found[1] if found is not None and found[0] + kept_for > clock.now() else None

    def put(self, name: str, value: T) -> T:
        self._values.pop(name, None)
        if len(self._values) >= _NAMES_MAX:
            del self._values[next(iter(self._values))]  # the oldest
        self._values[name] = (clock.now(), value)
        return value


_DFSP = "SELECT id, fsp_id, enabled, hub_url, hub_urls::text, transfer_mode FROM dfsp WHERE fsp_id = $1"


class HubConnections:
    """The connections and partners' keys of one process."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._connections: _Cache[HubConnection] = _Cache()
        self._partners: _Cache[list[_Valid[VerifyKey]]] = _Cache()

    async def connection(self, tx: Reads, fsp_id: str) -> HubConnection | None:
        """The connection of one of our DFSPs by its FSP id; None when it is none of ours.

        Reads through the caller's connection: whoever holds one must never wait for a second.
        """
        known = self._connections.get(fsp_id)
        if known is not None:
            return known
        service = self._service
        row = await tx.fetchrow(_DFSP, fsp_id)
        if row is None:
            return None
        signing = await keys.usable_keys(tx, service.vault, fsp_id, keys.JWS_SIGN)
        secrets = await keys.usable_keys(tx, service.vault, fsp_id, keys.ILP)
        connection = HubConnection(
            dfsp_id=row["id"],
            fsp_id=fsp_id,
            enabled=row["enabled"],
            transfer_mode=row["transfer_mode"],
            hub_url=row["hub_url"] or service.settings.hub_url,
            hub_urls=msgspec.json.decode(row["hub_urls"], type=dict[str, str]),
            signing_keys=tuple(_built(one, _signing_key) for one in signing),
            ilp_secret=secrets[0].text.encode(),
        )
        return self._connections.put(fsp_id, connection)

    async def find(self, service: Service, fsp_id: str) -> HubConnection | None:
        """As `connection`, for a caller without a database connection; most often it needs none."""
        known = self._connections.get(fsp_id)
        if known is not None:
            return known
        async with service.db.system_reads() as tx:
            return await self.connection(tx, fsp_id)

    async def partner_keys(self, tx: Reads, fsp_id: str, *, fresh: bool = False) -> list[VerifyKey]:
        """The keys that a participant's signatures may be made with now, newest first; as they were some seconds ago
        at most with `fresh`. A DFSP served here is a participant too: another one's message may come from it. The
        hub's are found in any case of its id.
        """
        known = self._partners.get(fsp_id, _FRESH_FOR if fresh else _KEPT_FOR)
        if known is None:
            any_case = self._service.settings.is_hub(fsp_id)
            found = await keys.verifying_keys(tx, fsp_id, any_case=any_case)
            known = self._partners.put(fsp_id, [_built(one, _verify_key) for one in found])
        return list(_valid_now(known))


def _built(material: keys.KeyMaterial, build: Callable[[str, str], T]) -> _Valid[T]:
    return _Valid(build(material.text, material.key_id), material.valid_from, material.valid_until)
