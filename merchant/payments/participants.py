"""How we reach the hub for each of our DFSPs: its FSPIOP base URL, our signing key, our ILP secret, partners' keys.

Building a key object is expensive (an RSA key costs as much as a hundred signatures), so each process caches them
for half a minute; a rotated or withdrawn key is gone from all processes after that.
"""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Generic, TypeVar
from uuid import UUID

from msgspec import Struct

from merchant.core import clock
from merchant.core.db import Reads
from merchant.core.service import Service
from merchant.hub.fspiop.jws import SigningKey, VerifyKey, load_signing_key, load_verify_key
from merchant.scheme import keys

_KEPT_FOR = timedelta(seconds=30)
# An unchanged key is not built again after the half minute: an RSA key takes 65 ms, in which nothing else runs.
_signing_key = lru_cache(maxsize=64)(load_signing_key)
_verify_key = lru_cache(maxsize=256)(load_verify_key)
T = TypeVar("T")


class HubConnection(Struct, frozen=True):
    """One of our DFSPs on the hub."""

    dfsp_id: UUID
    fsp_id: str
    enabled: bool
    hub_url: str
    transfer_mode: str
    signing_key: SigningKey | None
    ilp_secret: bytes


class _Cache(Generic[T]):
    """Values by name, each valid for _KEPT_FOR."""

    def __init__(self) -> None:
        self._values: dict[str, tuple[datetime, T]] = {}

    def get(self, name: str) -> T | None:
        found = self._values.get(name)
        return found[1] if found is not None and found[0] > clock.now() else None

    def put(self, name: str, value: T) -> T:
        self._values[name] = (clock.now() + _KEPT_FOR, value)
        return value


class HubConnections:
    """The connections and partners' keys of one process."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._connections: _Cache[HubConnection] = _Cache()
        self._partners: _Cache[list[VerifyKey]] = _Cache()

    async def connection(self, tx: Reads, fsp_id: str) -> HubConnection | None:
        """The connection of one of our DFSPs by its FSP id; None when it is none of ours.

        Reads through the caller's connection: whoever holds one must never wait for a second.
        """
        known = self._connections.get(fsp_id)
        if known is not None:
            return known
        service = self._service
        row = await tx.fetchrow(
            "SELECT id, fsp_id, enabled, hub_url, transfer_mode FROM dfsp WHERE fsp_id = $1", fsp_id
        )
        if row is None:
            return None
        signing = await keys.valid_keys(tx, service.vault, fsp_id, keys.JWS_SIGN)
        secrets = await keys.valid_keys(tx, service.vault, fsp_id, keys.ILP)
        connection = HubConnection(
            dfsp_id=row["id"],
            fsp_id=fsp_id,
            enabled=row["enabled"],
            transfer_mode=row["transfer_mode"],
            hub_url=row["hub_url"] or service.settings.hub_url,
            signing_key=_signing_key(signing[0].text, signing[0].key_id) if signing else None,
            ilp_secret=secrets[0].text.encode(),
        )
        return self._connections.put(fsp_id, connection)

    async def partner_keys(self, tx: Reads, fsp_id: str) -> list[VerifyKey]:
        """The keys that a partner's signatures may be made with, newest first."""
        known = self._partners.get(fsp_id)
        if known is not None:
            return known
        found = await keys.valid_keys(tx, self._service.vault, fsp_id, keys.JWS_VERIFY)
        return self._partners.put(fsp_id, [_verify_key(key.text, key.key_id) for key in found])
