"""How tests hand a document in, and what they find in the store."""

from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from merchant.core.service import Service
from tests.builders import Person
from tests.merchant.compliance.documents.samples import pdf


async def hand_in(
    client: httpx.AsyncClient,
    who: Person | dict[str, str],
    holder: str,
    data: bytes | None = None,
    *,
    name: str = "licence.pdf",
    headers: dict[str, str] | None = None,
    **fields: str,
) -> httpx.Response:
    """Send a file to `applications/ID`, `cases/ID` or `merchants/ID`."""
    given = {"purpose": "licence", "path": "business"} | fields
    return await client.post(
        f"/api/v1/{holder}/documents",
        data=given,
        files={"file": (name, pdf() if data is None else data, "application/pdf")},
        headers=(who if isinstance(who, dict) else who.headers) | (headers or {}),
    )


def stored(service: Service) -> list[Path]:
    """Every file in the folder of documents, finished or not."""
    folder = service.settings.data_dir / "documents"
    return [path for path in folder.rglob("*") if path.is_file()]


async def rows(service: Service, table: str = "document") -> list[dict[str, Any]]:
    """Every row of a table."""
    async with service.db.system_reads() as tx:
        return [dict(row) for row in await tx.fetch(f"SELECT * FROM {table} ORDER BY 1")]


async def look_up_state(service: Service, application_id: UUID) -> tuple[str, int, list[UUID]]:
    """An application's state, version and makers."""
    async with service.db.system_reads() as tx:
        row = await tx.fetchrow("SELECT state, version, makers FROM application WHERE id = $1", application_id)
    assert row is not None
    return row["state"], row["version"], row["makers"]
