"""Checks of the audit record: what `merchant audit verify` does, in the background, for those who may read the record.

A check is a background job (core/background.py): it goes through the chains one after the other, some seconds at a
time, with the same functions as the command, and holds them against the anchors that this machine has. Staff of a DFSP
check its chain, the hub's staff all of them or one. Routes: audit_check_routes.py.
"""

import asyncio
import time
from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlmodel import select

from merchant.core import audit, audit_anchors, background, clock, files
from merchant.core.access import Actor
from merchant.core.audit_anchors import Anchored
from merchant.core.db import Tx
from merchant.core.service import Service
from merchant.people.models import AuditCheck
from merchant.people.operations import owner_of, require
from merchant.scheme.models import Dfsp

_SLICE_S = 3.0
_ENTRIES_AT_ONCE = 5_000  # between looks at the clock: a third of a second
_TOTAL = "SELECT coalesce(sum(seq), 0)::bigint FROM audit_head WHERE $1::uuid IS NULL OR dfsp_id = $1"
_DFSP = "SELECT name FROM dfsp WHERE id = $1"
_BEGAN = "SELECT at FROM audit_entry WHERE dfsp_id = $1 ORDER BY seq LIMIT 1"


class ChainFound(Struct, frozen=True):
    """What a chain showed, as the row keeps it: `name` is the DFSP's, None of the hub's own and of unknown chains."""

    chain: UUID
    name: str | None
    entries: int
    since: str | None
    broken_seq: int | None
    problem: str | None


class _At(Struct, frozen=True):
    """The chains that are left, and how far the first of them has been gone through."""

    left: list[UUID]
    done: int = 0  # entries of the chains before
    position: audit.Position = audit.Position()


async def order_check(tx: Tx, actor: Actor, dfsp_id: UUID | None) -> AuditCheck:
    """Store a check of one DFSP's chain, or of all that the actor may read. Raises InvalidFields, TooManyJobs."""
    chain = owner_of(actor, dfsp_id)
    if chain is not None:
        await require(tx, select(Dfsp).where(Dfsp.id == chain), "dfsp_id")
    check = AuditCheck(
        dfsp_id=actor.dfsp_id,
        chain=chain,
        total=await tx.fetchval(_TOTAL, chain),
        found=[],
        position={},
        created_at=clock.now(),
    )
    await background.order(tx, KIND, check)
    detail = {} if chain is None else {"chain": str(chain)}
    await audit.record(tx, actor, "audit.check_ordered", "audit_check", check.id, dfsp_id=actor.dfsp_id, **detail)
    return check


async def check_next(service: Service, check: AuditCheck) -> bool:
    """Go through the chains for some seconds; whether all of them are done.

    An entry that does not fit ends its chain's check, and the next chain's begins.
    """
    until = time.monotonic() + _SLICE_S
    async with service.db.system_statements() as tx:
        await service.audit_keys.load(tx.fetch)
        anchored, faults = await asyncio.to_thread(_read_anchors, service)
        check.anchors = "none" if anchored is None else ("faulty" if faults else "held")
        heads = {} if anchored is None else anchored.heads
        at = msgspec.convert(check.position, _At) if check.position else _At(await _chains(tx, check, heads))
        while at.left:
            chain = at.left[0]
            passed = await audit.verify_part(tx, chain, heads.get(chain), at.position, _ENTRIES_AT_ONCE)
            if passed.is_over:
                found = await _told(tx, chain, passed)
                at = _At(at.left[1:], at.done + passed.entries)
                check.found = [*check.found, msgspec.to_builtins(found)]
            else:
                at = msgspec.structs.replace(at, position=passed.position)
            check.position = msgspec.to_builtins(at)
            check.done = at.done + at.position.seq
            if at.left and time.monotonic() > until:
                return False
    return True


async def _chains(tx: Tx, check: AuditCheck, anchored: Iterable[UUID]) -> list[UUID]:
    return [check.chain] if check.chain is not None else await audit_anchors.chains_to_verify(tx, anchored)


def _read_anchors(service: Service) -> tuple[Anchored | None, int]:
    """The heads that were anchored outside the database, None without a file here; and how many lines are not ours."""
    path, anchored = service.settings.anchor_path, Anchored()
    try:
        return anchored, len(anchored.read(path, service.audit_keys))
    except OSError:
        return None, 0


async def _told(tx: Tx, chain: UUID, passed: audit.Passed) -> ChainFound:
    fault = passed.fault or await audit_anchors.missing(tx, chain)
    began = await tx.fetchval(_BEGAN, chain)
    return ChainFound(
        chain=chain,
        name=await tx.fetchval(_DFSP, chain),
        entries=passed.entries,
        since=None if began is None else clock.rfc3339(began),
        broken_seq=None if fault is None else fault.seq,
        problem=None if fault is None else fault.problem,
    )


KIND = background.Kind(
    topic="people.audit_checks",
    table=AuditCheck,
    next_slice=check_next,
    results=("found", "position", "anchors"),
    folder=files.Folder("audit-checks", (), max_bytes=0, kept_for=timedelta(days=90)),
    max_open=2,
)
