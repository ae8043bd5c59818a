"""Key rotation: everything that is sealed is sealed anew under the vault's first key, batch by batch.

Called by `merchant rotate-keys` after a new key was put in front. A sealed value names the key that wrote it, so what
is left to do is what does not name the first key: an interrupted run is simply started again. Blind indexes hang on the
installation's own secret (core/canary.py), which stays; they are computed again all the same, since a rotation that was
interrupted before there was that secret left some that hung on the key.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import asyncpg
import msgspec

import kyb
from merchant.channels.ussd import routes as ussd_routes
from merchant.compliance.cases import answers, sealed_fields, verifications
from merchant.compliance.documents import models as documents
from merchant.compliance.lists import content as list_content
from merchant.core import audit, audit_keys, canary, inbox
from merchant.core.db import Tx
from merchant.core.errors import OperatorProblem
from merchant.core.phone import Msisdn
from merchant.core.pools import UNHURRIED_S
from merchant.core.service import Service
from merchant.core.settings import Settings
from merchant.core.vault import Vault
from merchant.exchange import imports, outcomes
from merchant.notify import email, sms
from merchant.payments import outgoing
from merchant.people import links
from merchant.people import models as people
from merchant.people.registration import claims
from merchant.people.registration import models as registration
from merchant.people.registration.addresses import address_of
from merchant.registry.codes import reports, stickers
from merchant.registry.merchants.models import LOCATION_DETAILS

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


async def _claimant_digest(tx: Tx, vault: Vault, row: Row, plain: bytes) -> None:
    digest = address_of(plain.decode()).digest(vault, claims.CLAIMANT)
    await tx.execute("UPDATE merchant_claim SET claimant_digest = $2 WHERE id = $1", row["id"], digest)


async def _identifier_digests(tx: Tx, vault: Vault, row: Row, plain: bytes) -> None:
    await tx.executemany(
        "UPDATE application_identifier SET digest = $3 WHERE application_id = $1 AND path = $2",
        [
            (row["id"], path, vault.digest(kind, value))
            for path, kind, value in answers.identifiers(msgspec.json.decode(plain, type=kyb.Sections))
        ],
    )
    # The worker writes the words of its merchant anew, the digests among them.
    await tx.execute("UPDATE merchant SET indexed_at = NULL WHERE application_id = $1", row["id"])


_QUOTE = ("payer_fsp_id", "quote_id", "transaction_id")
SEALED_COLUMNS = (
    SealedColumn("application", "sections_sealed", "application:{id}", reindex=_identifier_digests),
    SealedColumn(
        "application_version", "sections_sealed", "application:{application_id}", keys=("application_id", "version")
    ),
    SealedColumn("application", "report_sealed", "report:{id}"),
    SealedColumn("application", "returned_items_sealed", sealed_fields.RETURNED_ITEMS),
    SealedColumn("application", "reject_reason_sealed", sealed_fields.REJECT_REASON),
    SealedColumn("application_version", "report_sealed", sealed_fields.REPORT, keys=("application_id", "version")),
    SealedColumn("decision", "reason_sealed", sealed_fields.DECISION_REASON),
    SealedColumn("application", "reason_sealed", sealed_fields.CASE_REASON, where="reason_sealed IS NOT NULL"),
    SealedColumn("hit_decision", "reason_sealed", sealed_fields.KEPT_REASON, where="length(reason_sealed) > 0"),
    SealedColumn("verification", "details_sealed", verifications.DETAILS, where="details_sealed IS NOT NULL"),
    SealedColumn("risk_override", "reason_sealed", sealed_fields.RISK_REASON, where="length(reason_sealed) > 0"),
    SealedColumn(
        "screening_decision",
        "reason_sealed",
        sealed_fields.HIT_REASON,
        keys=("application_id", "version", "hit_id"),
    ),
    SealedColumn(
        "screening_decision",
        "release_reason_sealed",
        sealed_fields.RELEASE_REASON,
        keys=("application_id", "version", "hit_id"),
    ),
    SealedColumn(
        "list_chunk",
        "packed_sealed",
        list_content.CONTEXT,
        keys=("version_id", "position"),
        where="packed_sealed IS NOT NULL",
    ),
    SealedColumn("document", "key_sealed", documents.KEY),
    SealedColumn("document", "file_name_sealed", documents.FILE_NAME),
    SealedColumn("document", "place_sealed", documents.PLACE),
    SealedColumn("location", "details_sealed", LOCATION_DETAILS),
    SealedColumn("ended_sticker", "reason_sealed", stickers.REASON, keys=("counter_id", "version")),
    SealedColumn("code_report", "text_sealed", reports.TEXT, where="text_sealed IS NOT NULL"),
    SealedColumn("merchant", "phone_sealed", "merchant:{id}", reindex=_phone_digest("merchant", "phone_digest")),
    SealedColumn(
        "payment_request",
        "payer_sealed",
        "payment_request:{id}",
        reindex=_phone_digest("payment_request", "payer_digest"),
    ),
    # Columns of one table are read by one statement, and so by the same keys.
    SealedColumn("quote", "answer", "quote:{quote_id}", keys=_QUOTE),
    SealedColumn("quote", "payer_sealed", "payer:{transaction_id}", keys=_QUOTE, where="payer_sealed IS NOT NULL"),
    SealedColumn(
        "payment",
        "payer_sealed",
        "payer:{transaction_id}",
        keys=("id", "transaction_id"),
        where="payer_sealed IS NOT NULL",
    ),
    SealedColumn("refund", "payee_sealed", "refund:{id}", where="payee_sealed IS NOT NULL"),
    SealedColumn("scheme_key", "private_sealed", "key:{id}"),
    SealedColumn("audit_secret", "secret_sealed", audit_keys.CONTEXT),
    SealedColumn("audit_reason", "reason_sealed", audit.REASON_CONTEXT, keys=("dfsp_id", "seq")),
    SealedColumn("webhook_endpoint", "secret_sealed", "webhook:{id}"),
    SealedColumn("webhook_endpoint", "old_secret_sealed", "webhook:{id}", where="old_secret_sealed IS NOT NULL"),
    SealedColumn("idempotency_key", "body_sealed", "idempotency:{scope}/{key}", keys=("scope", "key")),
    SealedColumn("inbox", "sealed", inbox.TOPIC, keys=("digest",)),
    SealedColumn("sent_message", "sealed", outgoing.CONTEXT),
    SealedColumn("outbox", "payload", inbox.TOPIC, where=f"topic = '{inbox.TOPIC}'"),
    SealedColumn("outbox", "payload", outgoing.CONTEXT, where=f"topic = '{outgoing.TOPIC}'"),
    SealedColumn("outbox", "payload", email.TOPIC, where=f"topic = '{email.TOPIC}'"),
    SealedColumn("outbox", "payload", sms.PRIVATE_TOPIC, where=f"topic = '{sms.PRIVATE_TOPIC}'"),
    SealedColumn("outbox", "payload", links.RESET_TOPIC, where=f"topic = '{links.RESET_TOPIC}'"),
    SealedColumn("outgoing_mail", "sealed", "outgoing_mail:{id}"),
    SealedColumn(
        "import_batch", "rows_sealed", imports.ROWS, keys=("import_id", "number"), where="rows_sealed IS NOT NULL"
    ),
    SealedColumn(
        "import_batch",
        "outcomes_sealed",
        outcomes.OUTCOMES,
        keys=("import_id", "number"),
        where="outcomes_sealed IS NOT NULL",
    ),
    SealedColumn("app_user", "totp_sealed", "totp:{id}", where="totp_sealed IS NOT NULL"),
    SealedColumn(
        "app_user",
        "phone_sealed",
        people.PHONE,
        where="phone_sealed IS NOT NULL",
        reindex=_phone_digest("app_user", "phone_digest"),
    ),
    SealedColumn("merchant_claim", "name_sealed", registration.CLAIMANT_NAME),
    SealedColumn("merchant_claim", "address_sealed", registration.CLAIMANT_ADDRESS, reindex=_claimant_digest),
    SealedColumn("merchant_claim", "reason_sealed", registration.CLAIM_REASON, where="reason_sealed IS NOT NULL"),
    SealedColumn("outbox", "payload", claims.CLAIM_TOPIC, where=f"topic = '{claims.CLAIM_TOPIC}'"),
    SealedColumn("ussd_route", "password_sealed", ussd_routes.CENTRE, where="password_sealed IS NOT NULL"),
    # Last: until everything else is done, a program without the old key must not start.
    SealedColumn("vault_canary", "sealed", canary.CONTEXT),
)
# The first byte of a sealed value is the length of the id of its key.
_KEY_IDS = """
SELECT DISTINCT convert_from(substring({column} FROM 2 FOR get_byte({column}, 0)), 'SQL_ASCII') FROM {table}
WHERE {where} AND length({column}) > 0
"""
_OTHER_PROGRAMS = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = ANY($1)
"""
_SAMPLE = "SELECT {keys}, {column} AS sealed FROM {table} WHERE {where} AND length({column}) > 0 LIMIT 1"


async def key_ids_in_use(service: Service) -> dict[str, set[str]]:
    """The ids of the keys under which anything is sealed, with the tables; every table is read once."""
    found: dict[str, set[str]] = {}
    async with service.db.system(longest_s=UNHURRIED_S) as tx:
        for column in SEALED_COLUMNS:
            for (key_id,) in await tx.fetch(column.sql(_KEY_IDS)):
                found.setdefault(key_id, set()).add(column.table)
    return found


class StillInUse(OperatorProblem):
    """Something is sealed under a key that was to be dropped."""


class ProgramsRun(OperatorProblem):
    """Programs run that may not know the new key."""


async def check_unused(service: Service) -> None:
    """Whether nothing is sealed under any key but the first. Raises StillInUse."""
    used = await key_ids_in_use(service)
    used.pop(service.vault.key_id, None)
    if used:
        told = "; ".join(f"{key_id}: {', '.join(sorted(tables))}" for key_id, tables in sorted(used.items()))
        raise StillInUse(f"There is still data under an older key ({told}): run `merchant rotate-keys` first.")


async def check_programs(settings: Settings, database_url: str) -> None:
    """Whether no program is on the database; the keys of MERCHANT_SECRET_KEY are known to one from its start only.

    Raises ProgramsRun.
    """
    connection = await asyncpg.connect(database_url)
    try:
        others = await connection.fetchval(_OTHER_PROGRAMS, [settings.database_app_role, settings.database_system_role])
    finally:
        await connection.close()
    if others:
        raise ProgramsRun(
            f"{others} connections of other programs are open, which read MERCHANT_SECRET_KEY at their start only."
            " Start each again with the old key first and the new one behind it, then again with the new one in front;"
            " then run `merchant rotate-keys --all-know`."
        )


async def adopt_canary(service: Service) -> None:
    """Seal a canary in an installation that has none yet, once something that is sealed has been opened.

    Its blind indexes hang on the key that sealed the values they index, as the releases before made them. Raises
    BadSecretKey when the keys at hand do not open what is there.
    """
    async with service.db.system() as tx:
        if await canary.open_canary(tx, service.vault) or not await tx.fetchval("SELECT 1 FROM scheme"):
            return
        key_id = service.vault.key_id
        # Columns with an index come last, so that theirs is the key that counts.
        for column in sorted(SEALED_COLUMNS, key=lambda column: column.reindex is not None):
            row = await tx.fetchrow(column.sql(_SAMPLE))
            if row is not None:
                service.vault.open(row["sealed"], column.context.format_map(row))
                if column.reindex is not None:
                    key_id = service.vault.key_id_of(row["sealed"])
        await canary.write_canary(tx, service.vault, service.vault.index_secret_of(key_id))
        await canary.open_canary(tx, service.vault)


async def rotate(service: Service) -> AsyncIterator[tuple[str, int, int]]:
    """Seal everything anew; yields (table, rows done, rows to do) after each batch.

    Raises BadSecretKey when something was sealed under a key that is no longer at hand.
    """
    await adopt_canary(service)
    async with service.db.system() as tx:
        # Whoever had the old key could read what signs the audit record.
        newest = await tx.fetchval("SELECT secret_sealed FROM audit_secret ORDER BY created_at DESC, id DESC LIMIT 1")
    if newest is not None and not newest.startswith(service.vault.prefix):
        await service.audit_keys.add()
    for column in SEALED_COLUMNS:
        async for done, total in _rotate_column(service, column):
            yield column.table, done, total


async def _rotate_column(service: Service, column: SealedColumn) -> AsyncIterator[tuple[int, int]]:
    current = {"prefix": service.vault.prefix.hex(), "length": len(service.vault.prefix)}
    async with service.db.system(longest_s=UNHURRIED_S) as reading:  # the whole table is read
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
