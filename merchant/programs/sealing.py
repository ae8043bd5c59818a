"""Sealing what releases before this one wrote in clear: a timer of the worker, and a step of `merchant rotate-keys`.

A column in clear that became a sealed one is emptied row by row, so that no statement takes long. When no release that
reads the columns in clear runs any more, the next but one may drop them.
"""

from typing import Any

import msgspec

from merchant.compliance.cases import sealed_fields as fields
from merchant.core.db import Tx
from merchant.core.service import Service
from merchant.programs.rotation import SealedColumn
from merchant.registry.codes import stickers
from merchant.registry.merchants.models import LOCATION_DETAILS

EVERY_S = 3600.0  # the release before may go on writing in clear while it is replaced
_BATCH_ROWS = 200


class ClearColumn(msgspec.Struct, frozen=True):
    """A column in clear, what is put in its place, and the sealed one that takes its value, as JSON."""

    clear: str
    blank: str  # SQL: what an empty one holds, which the release before can read
    sealed: SealedColumn


def _clear(table: str, clear: str, context: str, *keys: str, blank: str = "NULL") -> ClearColumn:
    return ClearColumn(clear, blank, SealedColumn(table, f"{clear}_sealed", context, keys=keys or ("id",)))


CLEAR_COLUMNS = (
    ClearColumn("report", "NULL", SealedColumn("application", "report_sealed", "report:{id}")),
    _clear("application_version", "report", fields.REPORT, "application_id", "version"),
    _clear("application", "returned_items", fields.RETURNED_ITEMS),
    _clear("application", "reject_reason", fields.REJECT_REASON),
    _clear("decision", "reason", fields.DECISION_REASON),
    _clear("screening_decision", "reason", fields.HIT_REASON, "application_id", "version", "hit_id", blank="''"),
    _clear("location", "details", LOCATION_DETAILS, blank="'{}'::jsonb"),
    _clear("ended_sticker", "reason", stickers.REASON, "counter_id", "version", blank="''"),
)


async def seal_all(service: Service) -> None:
    """Seal everything that stands in clear, some rows a transaction."""
    for column in CLEAR_COLUMNS:
        more = True
        while more:
            async with service.db.system() as tx:
                more = await seal_some(tx, service, column) == _BATCH_ROWS


async def seal_some(tx: Tx, service: Service, column: ClearColumn) -> int:
    """Seal up to 200 rows of a column; how many there were."""
    sealed, clear = column.sealed, column.clear
    this_row = " AND ".join(f"{name} = ${place}" for place, name in enumerate(sealed.keys, start=2))
    # As JSON, so that text and documents are read alike; SQLModel writes no document as JSON's null.
    rows = await tx.fetch(
        f"SELECT {', '.join(sealed.keys)}, to_jsonb({clear})::text AS value FROM {sealed.table}"  # noqa: S608 - constants
        f" WHERE {clear} IS DISTINCT FROM {column.blank}"
        f" AND to_jsonb({clear}) <> 'null' LIMIT {_BATCH_ROWS} FOR UPDATE SKIP LOCKED"
    )
    values: list[tuple[Any, ...]] = []
    for row in rows:
        plain = msgspec.json.encode(msgspec.json.decode(row["value"]))
        values.append((service.vault.seal(plain, sealed.context.format_map(row)), *(row[name] for name in sealed.keys)))
    await tx.executemany(
        f"UPDATE {sealed.table} SET {sealed.column} = $1, {clear} = {column.blank} WHERE {this_row}",  # noqa: S608
        values,
    )
    return len(rows)
