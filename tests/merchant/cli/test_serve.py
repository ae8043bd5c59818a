"""`merchant serve` and `worker` refuse what cannot work; `migrate --check` tells whether they may start."""

import sys
from pathlib import Path

import asyncpg
import pytest

from merchant.cli import main
from merchant.core import spans
from merchant.programs.runtime import NothingInstalled
from tests.builders import SECRET_KEY
from tests.merchant.cli.test_main import merchant


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_a_start_without_the_library_is_refused_before_anything_is_touched(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", None)
    for name, value in {"DATA_DIR": str(tmp_path / "data"), "OTLP_URL": "http://127.0.0.1:4318"}.items():
        monkeypatch.setenv(f"MERCHANT_{name}", value)
    with pytest.raises(spans.NoTelemetry, match="install the extra `otlp`"):
        main.cli([command], standalone_mode=False)
    assert not (tmp_path / "data").exists()


def test_a_check_of_the_schema_makes_no_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MERCHANT_DATA_DIR", str(tmp_path / "data"))
    with pytest.raises(NothingInstalled):
        main.cli(["migrate", "--check"], standalone_mode=False)
    assert not (tmp_path / "data").exists()


@pytest.mark.slow
@pytest.mark.anyio
@pytest.mark.database
async def test_a_check_of_the_schema_tells_a_current_one_from_an_old_one(database_url: str, tmp_path: Path) -> None:
    def check() -> tuple[int, str]:
        ended = merchant("migrate", "--check", data=tmp_path, DATABASE_URL=database_url, SECRET_KEY=SECRET_KEY)
        return ended.returncode, ended.stdout + ended.stderr

    assert check() == (0, "the schema suits this program\n")
    owner = await asyncpg.connect(database_url)
    await owner.execute("UPDATE alembic_version SET version_num = '0001'")
    await owner.close()
    code, told = check()
    assert code == 1
    assert "merchant migrate" in told
