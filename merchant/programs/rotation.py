"""Key rotation: everything that is sealed is sealed anew under the vault's first key, batch by batch.

Called by `merchant rotate-keys` after a new key was put in front of MERCHANT_SECRET_KEY. A sealed value names the key
that wrote it, so what is left to do is what does not name the first key: an interrupted run is simply started again.
Blind indexes hang on the first key too and are recomputed in the same transaction as the value they index.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import msgspec

import kyb
from merchant.core import inbox
from merchant.core.db import Tx
from merchant.core.phone import Msisdn
from merchant.core.service import Service
from merchant.core.vault import Vault
from merchant.payments import outgoing
from merchant.registry.applications import answers

BATCH_ROWS = 200  # small enough that a batch holds its row locks for a fraction of a second

Row = Mapping[str, Any]
Reindex = Callable[[Tx, Vault, Row, bytes], Awaitable[None]]

# Names of tables and columns come from SEALED_COLUMNS below, `prefix` is hexadecimal digits, values are parameters.
_COUNT = "SELECT count(*) FROM {table} WHERE {where} AND substring({column} FROM 1 FOR {length}) <> '\\x{prefix}'"
# A cursor, so that a large table is read once and never held in memory.
_OPEN = """
DECLARE stale_{table} NO SCROLL CURSOR FOR SELECT {keys}, {column} AS sealed FROM {table}
WHERE {where} AND substring({column} FROM 1 FOR {length}) <> '\\x{prefix}'
"""
_NEXT = "FETCH {batch} FROM stale_{table}"
# Every sealing is unique, so comparing with the old one leaves alone what someone has just written anew.
_REPLACE = "UPDATE {table} SET {column} = $2 WHERE {column} = $1 AND {this_row}"
_SET_DIGEST = "UPDATE {table} SET {digest} = $2 WHERE id = $1"


class SealedColumn(msgspec.Struct, frozen=True):
    """A column that vault.seal filled, with what is needed to find its rows, open them and index them again."""

    table: str
    column: str
    context: str  # as vault.seal was told, with the names of key columns in braces
    keys: tuple[str, ...] = ("id",)
    where: str = "true"
    reindex: Reindex | None = None

    def sql(self, template: str, **more: object) -> str:
        """A statement on this column."""
        keys = ", ".join(self.keys)
        this_row = " AND ".join(f"{name} = ${place}" for place, name in enumerate(self.keys, start=3))
        return template.format(
            table=self.table, column=self.column, keys=keys, where=self.where, this_row=this_row, **more
        )


def _phone_digest(table: str, digest: str) -> Reindex:
    statement = _SET_DIGEST.format(table=table, digest=digest)

    async def reindex(tx: Tx, vault: Vault, row: Row, phone: bytes) -> None:
        await tx.execute(statement, row["id"], Msisdn.of(phone.decode()).digest(vault))

    return reindex


async def _identifier_digests(tx: Tx, vault: Vault, row: Row, plain: bytes) -> None:
    await tx.executemany(
        "UPDATE application_identifier SET digest = $3 WHERE application_id = $1 AND path = $2",
        [
            (row["id"], path, vault.digest(kind, value))
            for path, kind, value in answers.identifiers(msgspec.json.decode(plain, type=kyb.Sections))
        ],
    )


SEALED_COLUMNS = (
    SealedColumn("application", "sections_sealed", "application:{id}", reindex=_identifier_digests),
    SealedColumn(
        "application_version", "sections_sealed", "application:{application_id}", keys=("application_id", "version")
    ),
    SealedColumn("merchant", "phone_sealed", "merchant:{id}", reindex=_phone_digest("merchant", "phone_digest")),
    SealedColumn(
        "payment_request",
        "payer_sealed",
        "payment_request:{id}",
        reindex=_phone_digest("payment_request", "payer_digest"),
    ),
    SealedColumn("quote", "answer", "quote:{quote_id}", keys=("payer_fsp_id", "quote_id")),
    SealedColumn("scheme_key", "private_sealed", "key:{id}"),
    SealedColumn("webhook_endpoint", "secret_sealed", "webhook:{id}"),
    SealedColumn("idempotency_key", "body_sealed", "idempotency:{scope}/{key}", keys=("scope", "key")),
    SealedColumn("inbox", "sealed", inbox.TOPIC, keys=("digest",)),
    SealedColumn("outbox", "payload", inbox.TOPIC, where=f"topic = '{inbox.TOPIC}'"),
    SealedColumn("outbox", "payload", outgoing.CONTEXT, where=f"topic = '{outgoing.TOPIC}'"),
)


async def rotate(service: Service) -> AsyncIterator[tuple[str, int, int]]:
    """Seal everything anew; yields (table, rows done, rows to do) after each batch.

    Raises BadSecretKey when something was sealed under a key that MERCHANT_SECRET_KEY no longer holds.
    """
    async with service.db.system() as tx:
        # USSD dialogues last minutes: shoppers dial again.
        await tx.execute("DELETE FROM ussd_session")
    for column in SEALED_COLUMNS:
        async for done, total in _rotate_column(service, column):
            yield column.table, done, total


async def _rotate_column(service: Service, column: SealedColumn) -> AsyncIterator[tuple[int, int]]:
    current = {"prefix": service.vault.prefix.hex(), "length": len(service.vault.prefix)}
    async with service.db.system() as reading:
        await reading.execute("SET LOCAL statement_timeout = 0")  # the whole table is read
        done, total = 0, await reading.fetchval(column.sql(_COUNT, **current))
        yield done, total
        await reading.execute(column.sql(_OPEN, **current))
        while rows := await reading.fetch(column.sql(_NEXT, batch=BATCH_ROWS)):
            async with service.db.system() as tx:
                for row in rows:
                    await _rotate_value(tx, service.vault, column, row)
            done += len(rows)
            yield done, max(done, total)


async def _rotate_value(tx: Tx, vault: Vault, column: SealedColumn, row: Row) -> None:
    context = column.context.format_map(row)
    plain = vault.open(row["sealed"], context)
    this_row = (row[name] for name in column.keys)
    replaced = await tx.execute(column.sql(_REPLACE), row["sealed"], vault.seal(plain, context), *this_row)
    if replaced and column.reindex is not None:
        await column.reindex(tx, vault, row, plain)
