"""`merchant lei`: a golden copy is loaded, shown and refused; one that is killed half-way has changed nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from merchant.cli.main import cli
from tests.builders import SECRET_KEY
from tests.merchant.compliance.registers.stage import APPLE, SHOP, entity, golden_copy, numbered, zipped

# Not a coroutine: each command runs an event loop of its own, in this process.
pytestmark = [pytest.mark.usefixtures("anyio_backend"), pytest.mark.database]


def environment(database_url: str, folder: Path) -> dict[str, str]:
    """What a command reads."""
    settings = {"DATABASE_URL": database_url, "SECRET_KEY": SECRET_KEY, "DATA_DIR": str(folder)}
    return {f"MERCHANT_{name}": value for name, value in settings.items()}


def run(settings: dict[str, str], *arguments: str) -> tuple[int, str]:
    """Exit status and what was said."""
    ended = CliRunner().invoke(cli, ["lei", *arguments], env=settings)
    return ended.exit_code, ended.output or str(ended.exception)


def test_a_copy_is_loaded_shown_and_refused_where_it_is_none(database_url: str, tmp_path: Path) -> None:
    def lei(*arguments: str, **settings: str) -> tuple[int, str]:
        return run(environment(database_url, tmp_path) | settings, *arguments)

    def file(content: bytes) -> str:
        path = tmp_path / "copy"
        path.write_bytes(content)
        return str(path)

    status, told = lei("status")
    assert (status, told.splitlines()) == (
        0,
        [
            "No copy of the register is loaded.",
            "What the copy lacks is looked up at nowhere (MERCHANT_LEI_URL is not set)",
        ],
    )
    content = zipped(golden_copy(entity(), entity(APPLE, "Apple Inc.", "US"), *numbered(4)))
    status, told = lei("load", file(content), "--country", "KE", "--country", "UG")
    assert (status, told.splitlines()[0]) == (0, "5 records of KE, UG, of 6 in the file")
    status, told = lei("show", f"{SHOP[:4]} {SHOP[4:].lower()}")
    assert (status, told.splitlines()) == (
        0,
        [
            f"{SHOP}  Baraka Stores Limited  KE",
            "entity ACTIVE, registration ISSUED, next renewal 2999-01-01",
        ],
    )
    assert lei("show", APPLE) == (1, "Error: Our copy of the register has no such LEI; see `merchant lei status`.\n")
    status, told = lei("load", file(golden_copy(entity())), "--country", "KE")
    assert (status, "Fetch the full golden copy again" in told, "--force" in told) == (1, True, True)
    status, told = lei("load", file(b"<html>"))
    assert (status, told.startswith("Error: Not a golden copy of GLEIF as CSV: no column LEI. Nothing")) == (1, True)
    assert lei("load", file(content), "--country", "Kenya")[0] == 2
    status, told = lei("status", MERCHANT_LEI_URL="https://api.register.example/v1")
    assert told.splitlines()[0] == "5 records of KE, UG, of 6 in the file"
    assert told.splitlines()[2] == "What the copy lacks is looked up at https://api.register.example/v1"


def test_a_load_that_is_killed_has_changed_nothing(database_url: str, tmp_path: Path) -> None:
    settings = environment(database_url, tmp_path)
    small, large = tmp_path / "small", tmp_path / "large"
    small.write_bytes(golden_copy(entity()))
    large.write_bytes(golden_copy(*numbered(30_000)))
    assert run(settings, "load", str(small))[0] == 0
    loading = subprocess.Popen(
        [sys.executable, "-m", "merchant", "lei", "load", str(large)],
        env=os.environ | settings,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert loading.stderr is not None
    with loading.stderr as told:
        assert told.readline() == "25,000 records read\n"  # it is at work
        loading.kill()
    loading.wait()
    _, shown = run(settings, "status")
    assert shown.startswith("1 records of all countries, of 1 in the file\n")
    assert run(settings, "show", SHOP)[0] == 0
