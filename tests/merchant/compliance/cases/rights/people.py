"""What tests of people's rights share: a merchant that closed, staff after years, and all that a database holds."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import msgspec

from merchant.compliance.cases.models import Application
from merchant.core.service import Service
from merchant.core.vault import Vault
from merchant.migrations.schema import metadata
from merchant.programs.rotation import SEALED_COLUMNS
from merchant.registry.merchants import lifecycle
from merchant.registry.merchants.models import Merchant
from tests import builders
from tests.builders import Person, World

Clock = Callable[[timedelta], datetime]
FIVE_YEARS = timedelta(days=1826)
A_DAY = timedelta(days=1)


async def close_merchant(service: Service, checker: Person, merchant: Merchant) -> None:
    """End a merchant, for a reason that names its owner."""
    async with service.db.tenant(merchant.dfsp_id) as tx:
        await lifecycle.close(tx, checker.actor, merchant.id, "Njeri Wanjiku moved away.")


async def closed_seller(service: Service, world: World) -> tuple[Merchant, dict[str, Any]]:
    """A street seller with a document whose merchant closed, and the answers."""
    document = builders.seller()
    merchant, _ = await builders.create_merchant(service, world, document=document)
    async with service.db.system() as tx:
        application = await tx.session.get(Application, merchant.application_id)
        assert application is not None
    await builders.create_document(service, world.maker, application)
    await close_merchant(service, world.checker, merchant)
    return merchant, document


def number_of(document: dict[str, Any]) -> str:
    """The owner's identity number."""
    number: str = document["owners"][0]["id_number"]
    return number


async def erase(client: httpx.AsyncClient, person: Person, number: str) -> httpx.Response:
    """Ask to erase a person."""
    body = {"id_number": number, "reason": "person_asked"}
    return await client.post("/api/v1/people/erase", json=body, headers=person.headers)


async def everything_held(service: Service) -> str:
    """Every row of every table as text, and what every sealed column holds, opened."""
    vault: Vault = service.vault
    found: list[str] = []
    async with service.db.system_reads() as tx:
        for table in sorted(metadata.tables):
            found += [row[0] for row in await tx.fetch(f"SELECT to_jsonb(t)::text FROM {table} t")]
        for column in SEALED_COLUMNS:
            rows = await tx.fetch(
                f"SELECT {', '.join(column.keys)}, {column.column} AS sealed FROM {column.table}"
                f" WHERE {column.where} AND {column.column} IS NOT NULL"
            )
            for row in rows:
                found.append(vault.open(row["sealed"], column.context.format_map(row)).decode("utf-8", "replace"))
    return "\n".join(found)


async def actions(service: Service, action: str) -> list[dict[str, Any]]:
    """What the audit record holds of an action: who and with which detail."""
    async with service.db.system_reads() as tx:
        rows = await tx.fetch("SELECT actor_id, subject_id, detail FROM audit_entry WHERE action = $1", action)
    return [
        {"actor": row["actor_id"], "subject": row["subject_id"]}
        | (msgspec.json.decode(row["detail"]) if isinstance(row["detail"], str) else row["detail"])
        for row in rows
    ]
