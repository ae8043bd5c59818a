"""`merchant import` and `merchant export`: what the API does with files, from the machine itself."""

import csv
from pathlib import Path

import pytest

from merchant.core.service import Service
from tests.builders import SECRET_KEY
from tests.merchant.cli.test_main import merchant
from tests.merchant.exchange.files import as_csv, as_xlsx, seller

pytestmark = [pytest.mark.anyio, pytest.mark.database, pytest.mark.slow]


async def test_a_table_is_imported_and_a_list_exported(database_url: str, service: Service, tmp_path: Path) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        environment = {"DATABASE_URL": database_url, "SECRET_KEY": SECRET_KEY, "REQUIRE_TOTP": "false"}
        ended = merchant(*arguments, data=tmp_path, **environment)
        return ended.returncode, ended.stdout + ended.stderr

    table, report = tmp_path / "shops.csv", tmp_path / "report.csv"
    table.write_bytes(as_csv([seller(1), seller(2), seller(3, mcc="x")]))
    who = ("--dfsp", "greenbankfsp", "--maker", "maker@greenbankfsp.example")
    status, told = run("import", "merchants", str(table), *who, "--dry-run")
    assert (status, told) == (1, "2 would be added, 0 there already, 1 failed\n")
    status, told = run("import", "merchants", str(table), *who, "--submit", "--report", str(report))
    assert (status, told) == (1, "2 added, 0 there already, 1 failed\n")
    with report.open(encoding="utf-8-sig", newline="") as file:
        assert [row["outcome"] for row in csv.DictReader(file)] == ["added", "added", "failed"]
    workbook = tmp_path / "shops.xlsx"
    workbook.write_bytes(as_xlsx([seller(1), seller(2)]))
    assert run("import", "merchants", str(workbook), *who) == (0, "0 added, 2 there already, 0 failed\n")
    status, told = run("import", "merchants", str(table), "--dfsp", "nobody")
    assert status == 1
    assert "no DFSP" in told
    status, told = run("import", "merchants", str(table), *who[:3], "checker@greenbankfsp.example")
    assert status == 1
    assert "applications:write" in told
    out = tmp_path / "list.csv"
    arguments = ("--dfsp", "greenbankfsp", "--filter", "state=in_review", "-o", str(out))
    status, told = run("export", "applications", *arguments)
    assert (status, told) == (0, "")
    with out.open(encoding="utf-8-sig", newline="") as file:
        assert sorted(row["external_ref"] for row in csv.DictReader(file)) == ["R-1", "R-2"]
    assert run("export", "nothing")[0] == 2
    assert run("export", "applications", "--filter", "state=odd")[0] == 1


async def test_another_registrys_merchants_are_imported(database_url: str, service: Service, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "merchants.csv").write_text("id,dba_trading_name,merchant_type\n1,Corner shop,Individual\n")
    ended = merchant(
        *("import", "incumbent", str(folder), "--dfsp", "greenbankfsp", "--remarks", str(tmp_path / "remarks.csv")),
        data=tmp_path,
        DATABASE_URL=database_url,
        SECRET_KEY=SECRET_KEY,
    )
    assert (ended.returncode, ended.stdout) == (0, "1 added, 0 there already, 0 failed\n"), ended.stderr
    async with service.db.system_reads() as tx:
        row = await tx.fetchrow("SELECT external_ref, trading_name, state FROM application")
    assert row is not None
    assert tuple(row) == ("MR-1", "Corner shop", "draft")
