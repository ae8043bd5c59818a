"""Migration: its tables, in each form in which they are exported, become rows that an import takes."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from xlsxwriter import Workbook

import kyb
from kyb import codes
from merchant.exchange.columns import read_header
from merchant.exchange.incumbent.categories import _MCC_BY_SIC, mcc_of
from merchant.exchange.incumbent.mapping import Mapped, map_merchants
from merchant.exchange.incumbent.tables import NoExport, read_export
from merchant.programs.importing import as_table

_DUMPED: dict[str, list[dict[str, str]]] = {
    "merchants": [
        {
            "id": "1",
            "dba_trading_name": "Mama Njeri",
            "registered_name": "Mama Njeri Ltd",
            "lei": "",
            "employees_num": "100++",
            "monthly_turnover": "about 5000",
            "merchant_type": "Small Shop",
            "registration_status": "Approved",
            "category_code": "47110",
            "currency_code": "KES",
            "defaultDfspId": "7",
        },
        {"id": "2", "dba_trading_name": "Refused", "registration_status": "Rejected", "defaultDfspId": "7"},
        {"id": "3", "dba_trading_name": "Elsewhere", "registration_status": "Draft", "defaultDfspId": "8"},
    ],
    "dfsps": [{"id": "7", "fspId": "greenbankfsp"}, {"id": "8", "fspId": "lakemfi"}],
    "merchant_locations": [
        {
            "id": "11",
            "merchantId": "1",
            "location_type": "Physical",
            "street_name": "Moi Avenue",
            "building_number": "12",
            "town_name": "Nairobi",
            "country": "Kenya",
            "country_subdivision": "Nairobi City",
            "latitude": "-1.28",
            "longitude": "36.82",
        },
        {"id": "12", "merchantId": "1", "location_type": "Virtual", "country": "Atlantis", "latitude": "north"},
    ],
    "checkout_counters": [
        {"id": "21", "merchantId": "1", "description": "Till", "alias_value": "10000001", "checkoutLocationId": "12"},
        {"id": "22", "merchantId": "1", "description": "", "alias_value": "MamaNjeri", "checkoutLocationId": ""},
    ],
    "business_owners": [
        {
            "id": "31",
            "name": "Amina Odhiambo",
            "identificaton_type": "SSN",
            "identification_number": "30112233",
            "phone_number": "+254722000111",
            "email": "a@x.example",
        }
    ],
    "merchants_business_owners_business_owners": [{"merchantsId": "1", "businessOwnersId": "31"}],
    "contact_persons": [{"id": "41", "merchantId": "1", "name": "Amina", "phone_number": "+254722000111"}],
    "business_licenses": [{"id": "51", "merchantId": "1", "license_number": "L-1", "license_document_link": "x"}],
}


def as_csv_folder(folder: Path) -> None:
    """A CSV file a table, as a client of the database saves it."""
    for name, rows in _DUMPED.items():
        columns = list(dict.fromkeys(column for row in rows for column in row))
        with (folder / f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, columns, restval="NULL")
            writer.writeheader()
            writer.writerows(rows)


def as_dump(folder: Path) -> None:
    """What `mysqldump --tab` writes."""
    for name, rows in _DUMPED.items():
        columns = list(dict.fromkeys(column for row in rows for column in row))
        made = ",\n".join(f"  `{column}` varchar(255) DEFAULT NULL" for column in columns)
        (folder / f"{name}.sql").write_text(f"CREATE TABLE `{name}` (\n{made},\n  PRIMARY KEY (`id`)\n);\n")
        lines = ["\t".join(row.get(column, "\\N") for column in columns) for row in rows]
        (folder / f"{name}.txt").write_text("".join(f"{line}\n" for line in lines))


@pytest.fixture(params=[as_csv_folder, as_dump])
def folder(request: Any, tmp_path: Path) -> Path:
    request.param(tmp_path)
    return tmp_path


def remarks_of(mapped: Mapped) -> set[tuple[str, str]]:
    """Which fields of which merchants have a remark."""
    return {(one.merchant_id, one.field) for one in mapped.remarks}


def test_a_database_becomes_rows_that_an_import_takes(folder: Path) -> None:
    mapped = map_merchants(read_export(folder), 8, "greenbankfsp")
    assert [row["external_ref"] for row in mapped.rows] == ["MR-1"]
    header, cells = list(csv.reader(io.StringIO(as_table(mapped).decode())))
    found = read_header(header).sections(cells)
    assert found.business == kyb.Business(
        trading_name="Mama Njeri",
        legal_name="Mama Njeri Ltd",
        kind="sole_proprietor",
        mcc="5411",
        registration_number="L-1",
        currencies=("KES",),
        employees_band="100+",
    )
    [owner] = found.owners
    assert (owner.given_name, owner.id_type, owner.id_number) == ("Amina Odhiambo", "other", "30112233")
    physical, virtual = found.locations
    assert (physical.country, physical.subdivision, physical.city) == ("KE", "KE-30", "Nairobi")
    assert physical.address_lines == ("12 Moi Avenue",)
    assert [(one.name, one.own_alias) for one in physical.counters] == [("Counter 1", "MamaNjeri")]
    assert (virtual.kind, virtual.country, virtual.latitude) == ("virtual", None, None)
    assert [(one.name, one.own_alias) for one in virtual.counters] == [("Till", None)]
    assert found.contact.phone == "+254722000111"


def test_everything_without_a_place_is_told(folder: Path) -> None:
    mapped = map_merchants(read_export(folder), 8, "greenbankfsp")
    assert remarks_of(mapped) == {
        ("1", "category_code"),
        ("1", "monthly_turnover"),
        ("1", "license_number"),
        ("1", "license_document_link"),
        ("1", "identificaton_type"),
        ("1", "country"),
        ("1", "latitude"),
        ("1", "alias_value"),
        ("2", "registration_status"),
    }
    assert not any("30112233" in one.remark or "Amina" in one.remark for one in mapped.remarks)


def test_without_a_dfsp_everybodys_merchants_are_mapped(folder: Path) -> None:
    assert [row["external_ref"] for row in map_merchants(read_export(folder), 8).rows] == ["MR-1", "MR-3"]


def test_its_workbook_gives_the_same_merchant(tmp_path: Path) -> None:
    book: Any = Workbook(tmp_path / "merchants.xlsx")
    sheets: dict[str, list[list[Any]]] = {
        "Merchants": [
            ["Merchant ID", "dba_trading_name", "merchant_type", "category", "currency", "license_number"],
            [1, "Mama Njeri", "Individual", "47110 - Retail sale", "KES - Kenyan Shilling", "L-1"],
        ],
        "Business Locations": [
            ["Business Location ID", "Merchant ID", "location_type", "town_name", "country"],
            [11, 1, "Physical", "Nairobi", "Kenya"],
        ],
        "Checkout Counters": [
            ["Checkout Counter ID", "Merchant ID", "description", "alias_value", "Location ID"],
            [21, 1, "Till", "MamaNjeri", 11],
        ],
        "Business Owners": [["Business Owner ID", "Merchant ID", "name"], [31, 1, "Amina Odhiambo"]],
        "Contact Persons": [["Contact Person ID", "Merchant ID", "phone_number"], [41, 1, "+254722000111"]],
    }
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        for place, row in enumerate(rows):
            sheet.write_row(place, 0, row)
    book.close()
    [row] = map_merchants(read_export(tmp_path / "merchants.xlsx"), 8, "greenbankfsp").rows
    assert row == {
        "external_ref": "MR-1",
        "business.trading_name": "Mama Njeri",
        "business.kind": "individual",
        "business.currencies": "KES",
        "business.mcc": "5411",
        "business.registration_number": "L-1",
        "owners[0].given_name": "Amina Odhiambo",
        "contact.phone": "+254722000111",
        "locations[0].kind": "physical",
        "locations[0].city": "Nairobi",
        "locations[0].country": "KE",
        "locations[0].counters[0].name": "Till",
        "locations[0].counters[0].own_alias": "MamaNjeri",
    }


def test_a_dump_may_hold_tabs_line_breaks_and_backslashes(tmp_path: Path) -> None:
    (tmp_path / "merchants.sql").write_text("CREATE TABLE `merchants` (\n  `id` int,\n  `dba_trading_name` text\n);")
    (tmp_path / "merchants.txt").write_text("1\tA\\\tB\\\nC\\\\D\\nE\n2\t\\N\n")
    found = read_export(tmp_path)["merchants"]
    assert found == [{"id": "1", "dba_trading_name": "A\tB\nC\\D\nE"}, {"id": "2", "dba_trading_name": ""}]


def test_what_is_no_export_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(NoExport, match=r"merchants\.csv"):
        read_export(tmp_path)
    (tmp_path / "x.xlsx").write_bytes(b"no workbook")
    with pytest.raises(NoExport):
        read_export(tmp_path / "x.xlsx")


def test_every_category_is_one_of_iso_18245() -> None:
    assert set(_MCC_BY_SIC.values()) <= codes.merchant_category_codes()


@pytest.mark.parametrize(
    ("sic", "mcc"), [("47110", "5411"), ("47190", "5411"), ("56302", "5813"), ("99000", None), ("", None), ("4", None)]
)
def test_the_longest_listed_prefix_decides(sic: str, mcc: str | None) -> None:
    assert mcc_of(sic) == mcc
