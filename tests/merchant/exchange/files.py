"""Files that tests import: merchants as rows, as CSV and as XLSX, and what a test sends and reads."""

import csv
import io
from collections.abc import Sequence
from typing import Any

import httpx
from xlsxwriter import Workbook

from merchant.core.service import Service
from tests import builders
from tests.builders import Person

HEADER = [
    "external_ref",
    "business.trading_name",
    "business.kind",
    "business.mcc",
    "business.currencies",
    "owners[0].given_name",
    "owners[0].family_name",
    "owners[0].id_type",
    "owners[0].id_number",
    "contact.name",
    "contact.phone",
    "locations[0].kind",
    "locations[0].country",
    "locations[0].city",
    "locations[0].counters[0].name",
]


def seller(number: int, **changes: str) -> list[str]:
    """A row that is complete for the lowest tier; keyword arguments change cells by the last part of their names."""
    row = {
        "external_ref": f"R-{number}",
        "trading_name": f"Stall {number}",
        "kind": "individual",
        "mcc": "5499",
        "currencies": "KES",
        "given_name": "Njeri",
        "family_name": "Wanjiku",
        "id_type": "national_id",
        "id_number": f"{20_000_000 + number}",
        "contact": "Njeri Wanjiku",
        "phone": f"+254722{number:06}",
        "location": "physical",
        "country": "KE",
        "city": "Nakuru",
        "counter": "Stall",
    }
    return list((row | changes).values())


def as_csv(rows: Sequence[Sequence[str]], header: Sequence[str] = HEADER, delimiter: str = ",") -> bytes:
    """Rows below their header as a CSV file."""
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows([header, *rows])
    return out.getvalue().encode()


def as_xlsx(rows: Sequence[Sequence[Any]], header: Sequence[str] = HEADER) -> bytes:
    """Rows below their header as a workbook; numbers stay numbers."""
    out = io.BytesIO()
    book: Any = Workbook(out)
    sheet = book.add_worksheet()
    for place, row in enumerate([header, *rows]):
        sheet.write_row(place, 0, row)
    book.close()
    return out.getvalue()


async def send(
    client: httpx.AsyncClient,
    person: Person,
    content: bytes,
    *,
    key: str = "k1",
    name: str = "shops.csv",
    **fields: str,
) -> httpx.Response:
    """Order an import."""
    return await client.post(
        "/api/v1/imports",
        files={"file": (name, content)},
        data=fields,
        headers={**person.headers, "idempotency-key": key},
    )


async def imported(
    client: httpx.AsyncClient, service: Service, person: Person, content: bytes, *, key: str = "k1", **fields: str
) -> dict[str, Any]:
    """Order an import and work it off; its view."""
    ordered = await send(client, person, content, key=key, **fields)
    assert ordered.status_code == 202, ordered.text
    await builders.work(service)
    return await view(client, person, ordered.json()["id"])


async def view(client: httpx.AsyncClient, person: Person, import_id: str) -> dict[str, Any]:
    """How an import stands."""
    found: dict[str, Any] = (await client.get(f"/api/v1/imports/{import_id}", headers=person.headers)).json()
    return found


async def report(
    client: httpx.AsyncClient, person: Person, import_id: str, language: str = "en"
) -> list[dict[str, str]]:
    """The rows of an import's report."""
    headers = {**person.headers, "accept-language": language}
    answer = await client.get(f"/api/v1/imports/{import_id}/report", headers=headers)
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
