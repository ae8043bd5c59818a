"""Printed stickers by version, so that one which was replaced or revoked is known for it wherever it is scanned.

A counter's first sticker is version 1 and needs no row; each row here ends one version, and the next is the current
one. payload.py writes the version into the code, the pay page and POST /api/v1/qr/decode ask `scanned`.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlmodel import Field, SQLModel, select

from merchant.core import audit, clock, columns, errors
from merchant.core.access import Actor
from merchant.core.db import Reads, Tx
from merchant.core.texts import _
from merchant.core.vault import Vault
from merchant.registry.merchants.models import Counter
from merchant.registry.merchants.queries import find_counter, lock_counter

REASON = "sticker:{counter_id}/{version}"  # as vault.seal is told
FIRST = 1
MAX_VERSION = 9_999  # four digits are what a code has room for (qr/profiles/mojaloop.toml)


class Standing(StrEnum):
    """What a scanned sticker is now."""

    CURRENT = "current"
    REPLACED = "replaced"  # worn out or printed anew; whoever pays by it reaches the shop
    REVOKED = "revoked"  # lost, stolen or tampered with; nobody should pay by it
    NEVER_ISSUED = "never_issued"  # a version that the counter never had: somebody made it up


class EndedSticker(SQLModel, table=True):
    """A version that is no longer the counter's sticker."""

    __tablename__ = "ended_sticker"
    counter_id: UUID = Field(foreign_key="counter.id", primary_key=True)
    version: int = Field(primary_key=True)
    dfsp_id: UUID = columns.dfsp()
    ended_as: str
    reason: str = ""  # in clear: of releases before
    reason_sealed: bytes | None = columns.sealed()
    ended_at: datetime = columns.instant()


class Sticker(Struct, frozen=True):
    """One version of a counter's sticker; `reason` is why it ended."""

    version: int
    standing: Standing
    reason: str | None
    ended_at: datetime | None


class Scanned(Struct, frozen=True):
    """What may be told to anyone who scanned a sticker of ours."""

    version: int
    standing: Standing
    current_version: int
    ended_at: datetime | None


# The version that a code of counter `c` carries if it is shown or printed now, for the SELECT lists of statements.
CURRENT_VERSION = f"coalesce((SELECT max(version) FROM ended_sticker WHERE counter_id = c.id) + 1, {FIRST})"  # noqa: S608 - constants
_CURRENT = f"SELECT c.id, {CURRENT_VERSION} FROM counter c WHERE c.id = ANY($1)"  # noqa: S608 - constants
# One replacement at a time; who has come to the last version keeps it.
_OF_MERCHANT = f"""
SELECT * FROM (
  SELECT c.id, c.dfsp_id, {CURRENT_VERSION} AS version FROM counter c WHERE c.merchant_id = $1 FOR UPDATE
) AS held WHERE version < {MAX_VERSION} ORDER BY id
"""  # noqa: S608 - constants
_SCANNED = f"""
SELECT {CURRENT_VERSION} AS current_version, e.ended_as, e.ended_at
FROM counter c LEFT JOIN ended_sticker e ON e.counter_id = c.id AND e.version = $3
WHERE c.alias_type = $1 AND c.alias = $2
"""  # noqa: S608 - constants


async def current_versions(tx: Reads, counter_ids: Sequence[UUID]) -> dict[UUID, int]:
    """The version that a code of each counter carries if it is shown or printed now."""
    return dict(map(tuple, await tx.fetch(_CURRENT, counter_ids)))


async def replace_sticker(tx: Tx, actor: Actor, counter_id: UUID, reason: str, ended_as: Standing) -> Sticker:
    """End the counter's sticker as replaced or revoked; the version after it is the counter's from now on.

    Raises NotFound, WrongState after 9,999 stickers.
    """
    counter = await lock_counter(tx, actor, counter_id)  # one replacement at a time
    version = (await current_versions(tx, [counter.id]))[counter.id]
    if version >= MAX_VERSION:
        raise errors.WrongState(_("A counter has at most {most} stickers; open another counter.", most=MAX_VERSION))
    context = REASON.format(counter_id=counter.id, version=version)
    tx.session.add(
        EndedSticker(
            counter_id=counter.id,
            version=version,
            dfsp_id=counter.dfsp_id,
            ended_as=ended_as,
            reason_sealed=tx.vault.seal(msgspec.json.encode(reason), context),
            ended_at=clock.now(),
        )
    )
    await audit.record(
        tx,
        actor,
        f"sticker.{ended_as}",
        "counter",
        counter.id,
        dfsp_id=counter.dfsp_id,
        version=version,
        reason=reason,
    )
    await tx.flush()
    return Sticker(version + 1, Standing.CURRENT, None, None)


async def revoke_stickers(tx: Tx, merchant_id: UUID, reason: str) -> None:
    """End the stickers of all counters of a locked merchant as revoked; `reason` is a code."""
    for row in await tx.fetch(_OF_MERCHANT, merchant_id):
        context = REASON.format(counter_id=row["id"], version=row["version"])
        tx.session.add(
            EndedSticker(
                counter_id=row["id"],
                version=row["version"],
                dfsp_id=row["dfsp_id"],
                ended_as=Standing.REVOKED,
                reason_sealed=tx.vault.seal(msgspec.json.encode(reason), context),
                ended_at=clock.now(),
            )
        )
    await tx.flush()


async def stickers(tx: Tx, actor: Actor, counter_id: UUID) -> list[Sticker]:
    """Every version of a counter's sticker, the current one first. Raises NotFound."""
    counter: Counter = await find_counter(tx, actor, counter_id)
    ended = select(EndedSticker).where(EndedSticker.counter_id == counter.id).order_by(EndedSticker.version.desc())  # type: ignore[attr-defined]
    rows = (await tx.session.exec(ended)).all()
    current = Sticker(rows[0].version + 1 if rows else FIRST, Standing.CURRENT, None, None)
    ends = (Sticker(row.version, Standing(row.ended_as), _reason_of(tx.vault, row), row.ended_at) for row in rows)
    return [current, *ends]


def _reason_of(vault: Vault, row: EndedSticker) -> str:
    if row.reason_sealed is None:
        return row.reason
    context = REASON.format(counter_id=row.counter_id, version=row.version)
    return msgspec.json.decode(vault.open(row.reason_sealed, context), type=str)


async def scanned(tx: Reads, alias_type: str, alias: str, version: int) -> Scanned | None:
    """What a sticker with this number and version is now; None when the number is no counter's of ours."""
    row = await tx.fetchrow(_SCANNED, alias_type, alias, version)
    if row is None:
        return None
    current: int = row["current_version"]
    if row["ended_as"] is not None:
        standing = Standing(row["ended_as"])
    else:
        standing = Standing.CURRENT if version == current else Standing.NEVER_ISSUED
    return Scanned(version, standing, current, row["ended_at"])
