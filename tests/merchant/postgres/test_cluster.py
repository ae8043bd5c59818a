"""The cluster on real servers: the wheel's PostgreSQL and, where the machine has it, version 15."""

import stat
from pathlib import Path

import asyncpg
import pytest

from merchant import postgres
from tests.merchant.postgres.support import FAST, HOLDER, OLDEST, is_free, program, query, wait_until


def test_the_first_start_makes_a_database_whose_owner_is_no_superuser(
    programs: postgres.Binaries, tmp_path: Path
) -> None:
    with postgres.start(tmp_path / "data", binaries=programs) as running:
        assert not running.joined
        assert query(running.url(), "SHOW server_version").startswith(str(programs.major))
        assert query(running.url(), "SELECT current_user || '@' || current_database()") == "merchant@merchant"
        rights = "SELECT (rolsuper, rolbypassrls, rolcreaterole, rolcreatedb)::text FROM pg_roles"
        assert query(running.url(), f"{rights} WHERE rolname = 'merchant'") == "(f,f,t,t)"
        owner = "SELECT datdba::regrole::text FROM pg_database WHERE datname = 'merchant'"
        assert query(running.url(), owner) == "merchant"
        assert query(running.superuser_url(), "SHOW is_superuser") == "on"
    assert is_free(tmp_path / "data")


def test_text_is_utf_8_sorted_by_code_point_with_letters_of_all_scripts(
    programs: postgres.Binaries, tmp_path: Path
) -> None:
    with postgres.start(tmp_path, binaries=programs, settings=FAST) as running:
        assert query(running.url(), "SELECT lower('ÄÖ ΣΩ ЖЯ')") == "äö σω жя"
        assert query(running.url(), "SELECT string_agg(t, '' ORDER BY t) FROM unnest('{a,B,ä,Z}'::text[]) t") == "BZaä"
        assert query(running.url(), "SHOW server_encoding") == "UTF8"
        assert query(running.url(), "SHOW data_checksums") == "on"


def test_a_cold_start_under_an_awkward_name_works(programs: postgres.Binaries, tmp_path: Path) -> None:
    with postgres.start(tmp_path / 'it\'s a "place"', binaries=programs, settings=FAST) as running:
        assert query(running.url(), "SELECT 42") == 42


def test_nobody_gets_in_without_the_password_or_by_tcp(data_dir: Path) -> None:
    with postgres.start(data_dir, settings=FAST) as running:
        role, _, place = running.url().partition("@")
        for login in (f"{role}x", "postgresql://postgres:", "postgresql://postgres:postgres"):
            with pytest.raises(asyncpg.InvalidPasswordError):
                query(f"{login}@{place}", "SELECT 1")
        assert query(running.url(), "SHOW listen_addresses") == ""
        run_folder = (data_dir / "postgres/run").readlink()
        assert stat.S_IMODE(run_folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((data_dir / "postgres/passwords.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((data_dir / "postgres").stat().st_mode) == 0o700


def test_a_program_killed_while_it_makes_the_cluster_leaves_no_half(tmp_path: Path) -> None:
    with program(HOLDER, tmp_path) as holder:
        wait_until((tmp_path / "postgres/cluster.new/PG_VERSION").exists)
        holder.kill()
    assert not (tmp_path / "postgres/cluster").exists()
    with postgres.start(tmp_path, settings=FAST) as running:
        assert query(running.url(), "SELECT 42") == 42
    assert not (tmp_path / "postgres/cluster.new").exists()


def test_a_cluster_without_its_passwords_is_refused_and_not_left_running(data_dir: Path) -> None:
    (data_dir / "postgres/passwords.json").unlink()
    with pytest.raises(postgres.StartFailed, match="its passwords are not"):
        postgres.start(data_dir, settings=FAST)
    wait_until(lambda: is_free(data_dir))


def test_a_data_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(postgres.StartFailed, match="Cannot make the folder"):
        postgres.start(tmp_path / "file" / "data")


@pytest.mark.skipif(not (OLDEST / "postgres").exists(), reason="PostgreSQL 15 is not installed")
def test_a_cluster_of_an_older_major_version_finds_its_own_programs(tmp_path: Path) -> None:
    oldest = postgres.find_binaries(15)
    postgres.start(tmp_path, binaries=oldest, settings=FAST).stop()
    with postgres.start(tmp_path, settings=FAST) as running:
        assert query(running.url(), "SHOW server_version").startswith("15.")
    with pytest.raises(postgres.StartFailed, match=r"is of PostgreSQL 15; 18.* cannot open it"):
        postgres.start(tmp_path, binaries=postgres.find_binaries(), settings=FAST)
