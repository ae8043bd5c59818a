"""Files that no document holds: a timer of the worker deletes them from the store, and then what was noted of them.

They are found by their notes, never by listing a store, which other installations may use too.
"""

from uuid import UUID

from msgspec import Struct

from merchant.compliance.documents.store import name_of, store_of
from merchant.core import clock, sql
from merchant.core.service import Service

EVERY_S = 60.0
_BATCH = 100


class _Due(Struct, frozen=True):
    stored_sha256: str
    dfsp_id: UUID
    is_held: bool


_HELD = "EXISTS (SELECT FROM document d WHERE d.stored_sha256 = loose_file.stored_sha256 AND d.key_sealed IS NOT NULL)"
_DUE = sql.select(
    _Due, from_="loose_file", where="due_at <= $1", columns={"is_held": _HELD}, tail=f"ORDER BY due_at LIMIT {_BATCH}"
)


async def delete_loose_files(service: Service) -> int:
    """Delete the files that are due; how many notes there were. Raises StoreAway, and goes on where it stopped."""
    done = 0
    while True:
        async with service.db.system_reads() as tx:
            due = sql.rows(_Due, await tx.fetch(_DUE, clock.now()))
        for one in due:
            if not one.is_held:
                await store_of(service).delete(name_of(one.dfsp_id, one.stored_sha256))
        async with service.db.system_statements() as tx:
            names = [one.stored_sha256 for one in due]
            done += await tx.execute("DELETE FROM loose_file WHERE stored_sha256 = ANY($1)", names)
        if len(due) < _BATCH:
            return done


async def run_loose_files(service: Service) -> None:
    """The timer's run."""
    await delete_loose_files(service)
