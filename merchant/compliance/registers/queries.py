"""What only reads our copy of the register of legal entities: one record, and what is known of the copy."""

from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct

import kyb
from merchant.core import sql
from merchant.core.db import Reads


class Load(Struct, frozen=True):
    """A golden copy that was loaded."""

    id: UUID
    sha256: str
    countries: tuple[str, ...]
    file_count: int
    record_count: int
    loaded_at: datetime
    checked_at: datetime

    def covers(self, country: str | None) -> bool:
        """Whether the copy holds what the register had on a country."""
        return not self.countries or country in self.countries


_ONE = sql.select(kyb.LeiRecord, from_="lei_record", where="lei = $1")
_NEWEST = sql.select(Load, from_="lei_load", where="true", tail="ORDER BY id DESC LIMIT 1")


async def find_record(tx: Reads, lei: str) -> kyb.LeiRecord | None:
    """The record of an LEI, written without blanks and in capitals."""
    row = await tx.fetchrow(_ONE, lei)
    return None if row is None else msgspec.convert(dict(row), kyb.LeiRecord)


async def newest_load(tx: Reads) -> Load | None:
    """The golden copy whose records are there; None before the first."""
    row = await tx.fetchrow(_NEWEST)
    return None if row is None else msgspec.convert(dict(row), Load)
