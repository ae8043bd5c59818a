"""`merchant evidence`: requests are written for their owner only, and the exit status tells what became of answers."""

import csv
import stat
from pathlib import Path

import click.testing
import pytest

from merchant.cli.evidence import evidence
from merchant.core.service import Service
from merchant.core.settings import Settings
from tests import builders
from tests.builders import SECRET_KEY, World
from tests.merchant.cli.test_main import merchant


@pytest.mark.anyio
@pytest.mark.database
async def test_requests_are_exported_answered_and_imported(
    database_url: str, service: Service, world: World, tmp_path: Path
) -> None:
    await builders.create_application(service, world.maker, submitted=True)

    def run(*arguments: str) -> tuple[int, str, str]:
        ended = merchant("evidence", *arguments, data=tmp_path, DATABASE_URL=database_url, SECRET_KEY=SECRET_KEY)
        return ended.returncode, ended.stdout, ended.stderr

    status, shown, told = run("export", str(tmp_path), "--attribute", "identity")
    path = Path(shown.strip())
    assert (status, told, path.parent) == (0, "1 requests of 1 cases\n", tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    [row] = csv.DictReader(path.open())
    answers, report = tmp_path / "answers.csv", tmp_path / "report.csv"
    lines = ["request_id,attribute,outcome", f"{row['request_id']},identity,verified", "x,identity,verified"]
    answers.write_text("\n".join(lines))
    status, shown, told = run("import", str(answers), "--report", str(report))
    assert (status, shown) == (1, "1 recorded, 0 unchanged, 0 unavailable, 1 refused\n")
    assert told == "line 3: malformed: request_id is none of ours.\n"
    assert [row["result"] for row in csv.DictReader(report.open())] == ["recorded", "malformed"]
    answers.write_text("request_id\n")
    assert run("import", str(answers)) == (1, "", "Error: The column 'attribute' is missing.\n")


@pytest.mark.parametrize(
    "arguments",
    [("export", "/nowhere/at/all"), ("export", "-", "--attribute", "lei"), ("export",), ("import", "/nowhere.csv")],
)
def test_a_wrong_use_is_told_before_anything_is_opened(arguments: tuple[str, ...]) -> None:
    assert click.testing.CliRunner().invoke(evidence, arguments, obj=Settings()).exit_code == 2
