"""How merchants stand today: by tier, and by place."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

import kyb
from merchant.core import sql
from merchant.core.access import Actor
from merchant.core.db import Reads
from merchant.core.http.exports import TooManyRows
from merchant.core.texts import _
from merchant.core.vault import Vault
from merchant.registry.merchants.models import LOCATION_DETAILS
from merchant.registry.merchants.states import MerchantState

# A mean of fewer places would tell where one merchant is, which may be where somebody lives.
LEAST_PLACES_OF_MEAN = 5
_MEAN_DIGITS = 2  # of a degree: a kilometre
_READ_AT_ONCE = 2_000
MAX_PLACES = 200_000  # some seconds of one core


class TierCounted(Struct, frozen=True):
    """The active merchants of a DFSP on one tier."""

    dfsp_id: UUID
    dfsp_name: str
    tier: str
    count: int


# $1 and $2: the DFSP and the merchant of who asks, $3 the DFSP that is asked for.
_WHOSE = """
($1::uuid IS NULL OR m.dfsp_id = $1) AND ($2::uuid IS NULL OR m.id = $2) AND ($3::uuid IS NULL OR m.dfsp_id = $3)
"""
_TIERS = f"""
SELECT m.dfsp_id, d.name AS dfsp_name, m.tier, count(*) AS count FROM merchant m JOIN dfsp d ON d.id = m.dfsp_id
WHERE m.state = '{MerchantState.ACTIVE}' AND {_WHOSE}
GROUP BY 1, 2, 3 ORDER BY 2, 1, 3
"""  # noqa: S608 - constants


async def merchants_by_tier(tx: Reads, actor: Actor, dfsp_id: UUID | None) -> list[TierCounted]:
    """A row for each DFSP and tier that has active merchants."""
    return sql.rows(TierCounted, await tx.fetch(_TIERS, actor.dfsp_id, actor.merchant_id, dfsp_id))


class PlaceCounted(Struct, frozen=True):
    """The active merchants with a shop in a place; where it lies on average, if enough shops say."""

    country: str
    subdivision: str | None
    city: str
    count: int
    latitude: float | None
    longitude: float | None


class _Place(Struct, frozen=True):
    id: UUID
    merchant_id: UUID
    country: str
    city: str
    details: dict[str, Any]
    details_sealed: bytes | None


_PLACES = f"""
SELECT l.id, l.merchant_id, l.country, l.city, l.details, l.details_sealed
FROM location l JOIN merchant m ON m.id = l.merchant_id
WHERE m.state = '{MerchantState.ACTIVE}' AND l.kind = 'physical' AND {_WHOSE}
  AND ($4::uuid IS NULL OR l.id > $4) ORDER BY l.id LIMIT $5
"""  # noqa: S608 - constants


class _Tally:
    """What is counted of one place."""

    def __init__(self) -> None:
        self.merchants: set[UUID] = set()
        self.latitude = self.longitude = 0.0
        self.placed: set[UUID] = set()
        self.points = 0

    def add(self, merchant_id: UUID, answer: kyb.Location) -> None:
        self.merchants.add(merchant_id)
        if answer.latitude is not None and answer.longitude is not None:
            self.latitude += answer.latitude
            self.longitude += answer.longitude
            self.points += 1
            self.placed.add(merchant_id)

    def mean(self) -> tuple[float | None, float | None]:
        if len(self.placed) < LEAST_PLACES_OF_MEAN:
            return None, None
        return round(self.latitude / self.points, _MEAN_DIGITS), round(self.longitude / self.points, _MEAN_DIGITS)


_Tallies = defaultdict[tuple[str, str, str], _Tally]


async def merchants_by_place(tx: Reads, vault: Vault, actor: Actor, dfsp_id: UUID | None) -> list[PlaceCounted]:
    """A row for each country, subdivision and city with active merchants, the most first.

    Subdivisions and coordinates are sealed with the address; they are opened some thousand at a time, in a thread.
    Raises TooManyRows for more places than are opened for one report.
    """
    tallies: _Tallies = defaultdict(_Tally)
    last: UUID | None = None
    for _part in range(MAX_PLACES // _READ_AT_ONCE):
        asked = (actor.dfsp_id, actor.merchant_id, dfsp_id, last, _READ_AT_ONCE)
        rows = sql.rows(_Place, await tx.fetch(_PLACES, *asked))
        await asyncio.to_thread(_count, vault, rows, tallies)
        if len(rows) < _READ_AT_ONCE:
            break
        last = rows[-1].id
    else:
        raise TooManyRows(_("There are more than {most} places; ask for one DFSP.", most=MAX_PLACES))
    found = [
        PlaceCounted(country, subdivision or None, city, len(tally.merchants), *tally.mean())
        for (country, subdivision, city), tally in tallies.items()
    ]
    return sorted(found, key=lambda one: (-one.count, one.country, one.subdivision or "", one.city))


def _count(vault: Vault, rows: Iterable[_Place], tallies: _Tallies) -> None:
    for row in rows:
        answer = _answer(vault, row)
        tallies[row.country, answer.subdivision or "", row.city].add(row.merchant_id, answer)


def _answer(vault: Vault, row: _Place) -> kyb.Location:
    if row.details_sealed is not None:
        opened = vault.open(row.details_sealed, LOCATION_DETAILS.format(id=row.id))
        return msgspec.json.decode(opened, type=kyb.Location)
    return msgspec.convert(row.details, kyb.Location)
