"""Lists as files: exactly what the list shows, whole, in three formats, with nothing that a spreadsheet would run."""

import csv
import io
import os
import re
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pikepdf
import pytest
from litestar.handlers import HTTPRouteHandler

from merchant.core.http import exports
from merchant.core.service import Service
from merchant.exchange.spreadsheets import read_rows
from merchant.exchange.tables import WRITERS
from merchant.exchange.tables.csv_table import neutral
from merchant.programs.slices import ROUTES
from tests import builders
from tests.apps import app_on, client_on
from tests.builders import Person, World

pytestmark = pytest.mark.anyio
APPLICATIONS = "/api/v1/applications"
FORMULAS = ["=1+1", "+1", "-1+1", "@SUM(1)", "\uff1d1", "\uff0b1", "\uff0d1", "\uff201", "\t=1", "\r=1", " =1"]


async def fetched(client: httpx.AsyncClient, person: Person, path: str) -> httpx.Response:
    """A list as a file."""
    answer = await client.get(path, headers=person.headers)
    assert answer.status_code == 200, answer.text
    return answer


def csv_rows(content: bytes) -> list[dict[str, str]]:
    """The rows of a CSV file by the names of its columns."""
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def xlsx_rows(content: bytes) -> list[list[str]]:
    """The rows of a workbook's first sheet."""
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        return [row.cells or [] for row in read_rows(file)]


async def test_a_file_holds_the_whole_filtered_list_as_it_is_shown(
    client: httpx.AsyncClient, service: Service, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "_PAGE_ROWS", 2)
    made = [await builders.create_application(service, world.maker, builders.seller()) for _ in range(5)]
    await builders.create_application(service, world.maker, builders.company(), submitted=True)
    shown = (await client.get(f"{APPLICATIONS}?state=draft", headers=world.maker.headers)).json()["items"]
    answer = await fetched(client, world.maker, f"{APPLICATIONS}?state=draft&format=csv")
    rows = csv_rows(answer.content)
    assert [row["id"] for row in rows] == [str(one.id) for one in reversed(made)]
    assert rows == [{name: "" if value is None else str(value) for name, value in one.items()} for one in shown]
    assert re.fullmatch(r'attachment; filename="applications-\d{8}T\d{6}Z\.csv"', answer.headers["content-disposition"])
    assert answer.headers["cache-control"] == "private, no-store"


async def test_a_workbook_and_a_pdf_hold_the_same(client: httpx.AsyncClient, service: Service, world: World) -> None:
    await builders.create_application(service, world.maker, builders.seller(trading_name="Stand አበባ"))
    [shown] = csv_rows((await fetched(client, world.maker, f"{APPLICATIONS}?format=csv")).content)
    header, row = xlsx_rows((await fetched(client, world.maker, f"{APPLICATIONS}?format=xlsx")).content)
    assert dict(zip(header, row, strict=True)) == shown
    answer = await fetched(client, world.maker, f"{APPLICATIONS}?format=pdf")
    assert answer.headers["content-type"] == "application/pdf"
    with pikepdf.open(io.BytesIO(answer.content)) as pdf:
        assert len(pdf.pages) == 1
        box = [float(side) for side in pdf.pages[0].mediabox]  # type: ignore[union-attr]
        assert box[2] > box[3], "landscape"


async def test_nobody_gets_more_by_a_file_than_by_the_list(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    await builders.create_application(service, world.maker, builders.company())
    stranger = world["lakemfi"]["maker"]
    for kind in exports.FORMATS:
        assert (await client.get(f"{APPLICATIONS}?format={kind}")).status_code == 401
        refused = await client.get(f"/api/v1/audit?format={kind}", headers=world.maker.headers)
        assert refused.status_code == 403
    assert csv_rows((await fetched(client, stranger, f"{APPLICATIONS}?format=csv")).content) == []


async def test_an_export_is_recorded_without_what_was_searched_for(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    await builders.create_application(service, world.maker, builders.seller(trading_name="Amina Shop"))
    await fetched(client, world.maker, f"{APPLICATIONS}?format=csv&state=draft&search=Amina")
    async with service.db.system_reads() as tx:
        [row] = await tx.fetch("SELECT * FROM audit_entry WHERE action = 'list.exported'")
    assert (row["actor_id"], row["subject_id"]) == (world.maker.actor.id, "applications")
    detail = msgspec.json.decode(row["detail"]) if isinstance(row["detail"], str) else row["detail"]
    assert detail["rows"] == 1
    assert detail["filters"] == {"state": "draft", "search": "given"}
    assert "Amina" not in str(detail)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("format=doc", "invalid_filter"),
        ("format=", "invalid_filter"),
        ("format=csv&limit=5", "invalid_page"),
        ("format=csv&cursor=AAAA", "invalid_page"),
        ("format=csv&unknown=1", "unknown_filter"),
    ],
)
async def test_a_query_that_means_nothing_is_refused(
    client: httpx.AsyncClient, world: World, query: str, code: str
) -> None:
    refused = await client.get(f"{APPLICATIONS}?{query}", headers=world.maker.headers)
    assert (refused.status_code, refused.json()["code"]) == (400, code)


async def test_a_list_that_is_too_long_is_told_so_and_leaves_nothing_behind(
    client: httpx.AsyncClient, service: Service, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        await builders.create_application(service, world.maker, builders.seller())
    few = {name: msgspec.structs.replace(writer, most_rows=2) for name, writer in WRITERS.items()}
    monkeypatch.setattr("merchant.programs.app.WRITERS", few)
    async with client_on(app_on(service)) as bounded:
        for kind in exports.FORMATS:
            refused = await bounded.get(f"{APPLICATIONS}?format={kind}", headers=world.maker.headers)
            assert (refused.status_code, refused.json()["code"]) == (422, "too_many_rows")
            assert "2" in refused.json()["detail"]
    assert list((service.settings.data_dir / exports.FOLDER).iterdir()) == []
    async with service.db.system_reads() as tx:
        assert await tx.fetchval("SELECT count(*) FROM audit_entry WHERE action = 'list.exported'") == 0


async def test_every_list_of_the_api_can_be_a_file(client: httpx.AsyncClient, service: Service, world: World) -> None:
    merchant, _ = await builders.create_merchant(service, world)
    staff = world["greenbankfsp"]
    place = {"dfsp_id": merchant.dfsp_id, "merchant_id": merchant.id}
    await builders.add_person(service, "owner@shop.example", ["merchant_owner"], **place)
    owner = await builders.signed_in(service, "owner@shop.example")
    people = [staff["admin"], staff["maker"], staff["auditor"], world.operator, owner]
    lists = [
        handler.opt["route"]
        for handler in ROUTES
        if isinstance(handler, HTTPRouteHandler) and "route" in handler.opt and handler.opt["route"].exports
    ]
    assert len(lists) >= 12
    for route in lists:
        if "{" in route.path or route.path.startswith("/api/v1/my-application/"):  # of who has an application
            continue
        person = next(one for one in people if route.permission in (None, *one.actor.permissions))
        named = f"&merchant_id={merchant.id}" if route.list_name == "price-keys" else ""  # staff name whose they are
        for kind in exports.FORMATS:
            answer = await client.get(f"{route.path}?format={kind}{named}", headers=person.headers)
            assert answer.status_code == 200, (route.path, kind, answer.text)
            assert answer.content


async def test_what_a_killed_process_left_is_cleaned_away(service: Service) -> None:
    folder = exports.exports_folder(service)
    old, new = folder / "xlsx-old", folder / "xlsx-new"
    for path in (old, new):
        path.mkdir()
        (path / "rows").write_text("x")
    long_ago_s = time.time() - 2 * 3600
    os.utime(old, (long_ago_s, long_ago_s))
    await exports.clean_folder(service)
    assert list(folder.iterdir()) == [new]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_text_that_looks_like_a_formula_stays_a_text_in_csv(text: str) -> None:
    assert neutral(text) == f"'{text}"


@pytest.mark.parametrize(
    "text",
    [
        "-1+1",
        "-30.00 ",
        " -30.00",
        "-2;x",
        "-30.00\n",
        "-",
        "--1",
        "-1.",
        "-.5",
        "-1.2.3",
        "-1e5",
        "-1,5",
        "+30.00",
        "-\u0661",
    ],
)
def test_what_only_begins_like_a_number_stays_a_text_in_csv(text: str) -> None:
    assert neutral(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-30.00", "-1", "30.00", "0", "-0.005"])
def test_a_plain_number_stays_a_number_in_csv(text: str) -> None:
    assert neutral(text) == text


@pytest.mark.parametrize("text", ["Mama's", "a=1", "5-6", "", " x", "'=1", "#1", "مرحبا"])
def test_other_texts_are_left_alone(text: str) -> None:
    assert neutral(text) == text


def written(kind: str, rows: list[list[exports.Cell]], columns: list[str] | None = None) -> bytes:
    """A file of these rows."""
    out = io.BytesIO()
    heading = exports.Heading("list", {"search": "=1+1"}, "2026-01-01T00:00:00.000Z", "Amina")
    with tempfile.TemporaryDirectory() as folder:
        table = WRITERS[kind].begin(out, Path(folder), heading, columns or ["name"])
        table.rows(rows)
        table.end()
        assert list(Path(folder).iterdir()) == []
    return out.getvalue()


def test_a_workbook_holds_no_formula_and_no_link() -> None:
    texts: list[list[exports.Cell]] = [[text] for text in [*FORMULAS, "https://evil.example", "mailto:a@b.c", "{=1}"]]
    content = written("xlsx", texts)
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        sheets = [package.read(name).decode() for name in package.namelist() if "sheet" in name]
        assert not any("hyperlink" in name for name in package.namelist())
    assert sheets
    assert not any("<f>" in sheet or "<hyperlink" in sheet for sheet in sheets)
    cells = [row[0].strip() for row in xlsx_rows(content)[1:]]
    assert cells == [str(text).strip() for [text] in texts]


def test_numbers_stay_numbers_and_nothing_stays_nothing() -> None:
    content = written("xlsx", [[5, 1.5, None, ""]], ["a", "b", "c", "d"])
    assert xlsx_rows(content)[1] == ["5", "1.5", "", ""]
    assert csv_rows(written("csv", [[-5, 1.5, None, "-5"]], ["a", "b", "c", "d"])) == [
        {"a": "-5", "b": "1.5", "c": "", "d": "-5"}
    ]


@pytest.mark.parametrize(
    "text",
    [
        "x" * 3_000,
        "long words " * 200,
        "مطعم القدس",
        "আমিনা",
        "አበባ",
        "ร้าน",
        "店",
        "🍎",
        "\u200b",
        "\u0301",
        "a\nb",
        "=1",
    ],
)
def test_a_pdf_takes_every_text(text: str) -> None:
    with pikepdf.open(io.BytesIO(written("pdf", [[text, "b"]], ["a", "b"]))) as pdf:
        assert len(pdf.pages) >= 1


def test_a_pdf_of_many_rows_has_many_numbered_pages() -> None:
    rows: list[list[exports.Cell]] = [[f"row {number}", str(UUID(int=number))] for number in range(200)]
    with pikepdf.open(io.BytesIO(written("pdf", rows, ["name", "id"]))) as pdf:
        assert len(pdf.pages) >= 3


class _Inner(msgspec.Struct):
    amount: str
    currency: str


class _Item(msgspec.Struct):
    id: UUID
    money: _Inner | None
    tags: list[str]
    parts: list[dict[str, Any]]
    late: bool
    count: int | None = None


def test_columns_are_the_fields_and_those_of_structs_within() -> None:
    names = ["id", "money.amount", "money.currency", "tags", "parts", "late", "count"]
    assert [column.name for column in exports.columns_of(_Item)] == names
