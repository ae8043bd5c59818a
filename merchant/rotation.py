"""Key rotation: everything that is sealed is sealed anew under the vault's first key, batch by batch.

Called by `merchant rotate-keys` after a new key was put in front of MERCHANT_SECRET_KEY. A sealed value names the key
that wrote it, so what is left to do is what does not name the first key: an interrupted run is simply started again.
Blind indexes hang on the first key too and are recomputed in the same transaction as the value they index.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

import msgspec

import kyb
from merchant.db import Tx
from merchant.registry import sections
from merchant.service import Service
from merchant.vault import Vault

BATCH_ROWS = 200  # small enough that a batch holds its row locks for a fraction of a second

Reindex = Callable[[Tx, Vault, UUID | str, bytes], Awaitable[None]]

# Names of tables and columns come from SEALED_COLUMNS below, values as parameters; $1 is how new values begin.
_COUNT = "SELECT count(*) FROM {table} WHERE substring({column} FROM 1 FOR length($1::bytea)) <> $1"
# With ties, because the versions of one application share its id.
_BATCH = """
SELECT {id_column}, {column} FROM {table}
WHERE substring({column} FROM 1 FOR length($1::bytea)) <> $1 AND {id_column} > $2
ORDER BY {id_column} FETCH FIRST $3 ROWS WITH TIES
"""
# Every sealing is unique, so comparing with the old one leaves alone what someone has just written anew.
_REPLACE = "UPDATE {table} SET {column} = $3 WHERE {id_column} = $1 AND {column} = $2"
_SET_DIGEST = "UPDATE {table} SET {digest} = $2 WHERE id = $1"


class SealedColumn(msgspec.Struct, frozen=True):
    """A column that vault.seal filled under `context:id`, and how the blind index on its content is rewritten."""

    table: str
    column: str
    context: str
    id_column: str = "id"
    lowest: UUID | str = UUID(int=0)  # below every id
    reindex: Reindex | None = None

    def sql(self, template: str) -> str:
        """A statement on this column."""
        return template.format(table=self.table, column=self.column, id_column=self.id_column)


def _phone_digest(table: str, digest: str) -> Reindex:
    statement = _SET_DIGEST.format(table=table, digest=digest)

    async def reindex(tx: Tx, vault: Vault, row_id: UUID | str, phone: bytes) -> None:
        await tx.execute(statement, row_id, vault.digest("phone", phone.decode()))

    return reindex


async def _identifier_digests(tx: Tx, vault: Vault, application_id: UUID | str, answers: bytes) -> None:
    await tx.executemany(
        "UPDATE application_identifier SET digest = $3 WHERE application_id = $1 AND path = $2",
        [
            (application_id, path, vault.digest(kind, value))
            for path, kind, value in sections.identifiers(msgspec.json.decode(answers, type=kyb.Sections))
        ],
    )


SEALED_COLUMNS = (
    SealedColumn("application", "sections_sealed", "application", reindex=_identifier_digests),
    SealedColumn("application_version", "sections_sealed", "application", id_column="application_id"),
    SealedColumn("merchant", "phone_sealed", "merchant", reindex=_phone_digest("merchant", "phone_digest")),
    SealedColumn(
        "payment_request", "payer_sealed", "payment_request", reindex=_phone_digest("payment_request", "payer_digest")
    ),
    SealedColumn("scheme_key", "private_sealed", "key"),
    # An answer is kept a day; its context is the whole primary key.
    SealedColumn("idempotency_key", "body_sealed", "idempotency", id_column="scope || '/' || key", lowest=""),
    SealedColumn("webhook_endpoint", "secret_sealed", "webhook"),
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
    first_key = len(service.vault.key_id).to_bytes(1, "big") + service.vault.key_id.encode()
    async with service.db.system() as tx:
        await tx.execute("SET LOCAL statement_timeout = 0")  # counts the whole table
        total = await tx.fetchval(column.sql(_COUNT), first_key)
    done, after = 0, column.lowest
    yield done, total
    while True:
        async with service.db.system() as tx:
            rows = await tx.fetch(column.sql(_BATCH), first_key, after, BATCH_ROWS)
            for row_id, sealed in rows:
                await _rotate_value(tx, service.vault, column, row_id, sealed)
        if not rows:
            return
        done, after = done + len(rows), rows[-1][0]
        yield done, max(done, total)


async def _rotate_value(tx: Tx, vault: Vault, column: SealedColumn, row_id: UUID | str, sealed: bytes) -> None:
    context = f"{column.context}:{row_id}"
    plain = vault.open(sealed, context)
    replaced = await tx.execute(column.sql(_REPLACE), row_id, sealed, vault.seal(plain, context))
    if replaced and column.reindex is not None:
        await column.reindex(tx, vault, row_id, plain)
