"""What merchant-registry-svc exported: a folder with a file for each of its tables, or its workbook of merchants.

A table is a CSV file with a header, or what `mysqldump --tab` writes: a file of text beside one of SQL, which has the
names of the columns. Both and the workbook become the same rows, by the columns of its database.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from merchant.core.errors import OperatorProblem
from merchant.exchange.xlsx_reader import cell_text

Record = dict[str, str]
Tables = dict[str, list[Record]]

MERCHANTS = "merchants"
# Its join table of merchants and owners, as its object-relational mapper names it.
OWNERS_OF = "merchants_business_owners_business_owners"
TABLES = (
    MERCHANTS,
    "merchant_locations",
    "checkout_counters",
    "business_owners",
    OWNERS_OF,
    "contact_persons",
    "business_licenses",
    "dfsps",
)
_MAX_CELL_CHARS = 10_000
_NULL = "\\N"
_COLUMN = re.compile(r"^\s*`(\w+)`\s", re.MULTILINE)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "0": "", "N": _NULL}
_SHEETS = {
    "Merchants": MERCHANTS,
    "Business Locations": "merchant_locations",
    "Checkout Counters": "checkout_counters",
    "Business Owners": "business_owners",
    "Contact Persons": "contact_persons",
}
# What the workbook calls its columns, and what the database does.
_HEADINGS = {
    "Business Location ID": "id",
    "Checkout Counter ID": "id",
    "Business Owner ID": "id",
    "Contact Person ID": "id",
    "Location ID": "checkoutLocationId",
    "Merchant ID": "merchantId",
}


class NoExport(OperatorProblem):
    """There is nothing that merchant-registry-svc exports; the message says what was looked for."""


def read_export(source: Path) -> Tables:
    """Every table that is there, by name. Raises NoExport without its merchants, or for a file that cannot be read."""
    try:
        found = _read_folder(source) if source.is_dir() else _read_workbook(source)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise NoExport(f"{source} cannot be read: {error}") from error
    if MERCHANTS not in found:
        raise NoExport(
            f"{source} holds no table of merchants: give a folder with merchants.csv, or merchants.txt and"
            " merchants.sql, or the workbook that the portal exports."
        )
    return {name: found.get(name, []) for name in TABLES}


def _read_folder(folder: Path) -> Tables:
    found: Tables = {}
    for name in TABLES:
        table, dump = folder / f"{name}.csv", folder / f"{name}.txt"
        if table.is_file():
            with table.open(encoding="utf-8-sig", newline="") as file:
                found[name] = [_record(row) for row in csv.DictReader(file)]
        elif dump.is_file():
            columns = _COLUMN.findall((folder / f"{name}.sql").read_text("utf-8"))
            found[name] = [_record(dict(zip(columns, line, strict=False))) for line in _dump_lines(dump)]
    return found


def _record(row: dict[str, str | None]) -> Record:
    """A row as texts; what is NULL is empty."""
    return {
        name: "" if value in (None, _NULL, "NULL") else str(value)[:_MAX_CELL_CHARS]
        for name, value in row.items()
        if name is not None
    }


def _dump_lines(dump: Path) -> Iterator[list[str]]:
    """The cells of a dump's rows: tabs between, and a backslash before what is part of a cell."""
    cells: list[str] = []
    cell, escaped = "", False
    with dump.open(encoding="utf-8", newline="\n") as file:
        for line in file:
            for character in line:
                if escaped:
                    cell, escaped = cell + _ESCAPED.get(character, character), False
                elif character == "\\":
                    escaped = True
                elif character == "\t":
                    cells, cell = [*cells, cell], ""
                elif character == "\n":
                    yield [*cells, cell]
                    cells, cell = [], ""
                else:
                    cell += character
    if cells or cell:
        yield [*cells, cell]


def _read_workbook(source: Path) -> Tables:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        with CalamineWorkbook.from_path(source) as workbook:
            names = [name for name in workbook.sheet_names if name in _SHEETS]
            return {_SHEETS[name]: list(_sheet(workbook.get_sheet_by_name(name).to_python())) for name in names}
    except CalamineError as error:
        raise NoExport(f"{source} is no workbook: {error}") from error


def _sheet(rows: Sequence[Sequence[object]]) -> Iterator[Record]:
    if not rows:
        return
    columns = [_HEADINGS.get(str(cell), str(cell)) for cell in rows[0]]
    for row in rows[1:]:
        record = dict(zip(columns, map(cell_text, row), strict=False))
        if "id" not in record:  # of the merchants themselves the heading says Merchant ID
            record["id"] = record.get("merchantId", "")
        record["category_code"] = record.pop("category", "").partition(" - ")[0]
        record["currency_code"] = record.pop("currency", "").partition(" - ")[0]
        yield record
