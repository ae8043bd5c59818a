"""The cluster on real servers: the wheel's PostgreSQL and, where the machine has it, version 15."""

import stat
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from merchant.core import postgres
from tests.merchant.core.postgres.support import FAST, HOLDER, OLDEST, is_free, program, query, wait_until


@pytest.fixture(scope="module")
def first(programs: postgres.Binaries, shared_place: Path) -> Iterator[postgres.Running]:
    """A server after its first start, on a folder with an awkward name and with durable writes."""
    folder = shared_place / f'it\'s a "place" of {programs.major}'
    with postgres.start(folder, binaries=programs) as running:
        yield running
    assert is_free(folder)


def test_the_first_start_runs_the_programs_that_were_asked_for(
    first: postgres.Running, programs: postgres.Binaries
) -> None:
    assert not first.joined
    assert query(first.url(), "SHOW server_version").startswith(str(programs.major))
    assert query(first.url(), "SHOW fsync") == query(first.url(), "SHOW data_checksums") == "on"


def test_the_owner_of_the_database_is_no_superuser_but_may_create_roles(first: postgres.Running) -> None:
    assert query(first.url(), "SELECT current_user || '@' || current_database()") == "merchant@merchant"
    rights = "SELECT (rolsuper, rolbypassrls, rolcreaterole, rolcreatedb)::text FROM pg_roles"
    assert query(first.url(), f"{rights} WHERE rolname = 'merchant'") == "(f,f,t,t)"
    owner = "SELECT datdba::regrole::text FROM pg_database WHERE datname = 'merchant'"
    assert query(first.url(), owner) == "merchant"
    query(first.url(), "CREATE ROLE somebody")
    query(first.url(), "CREATE TABLE mine (n int)")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        query(first.url(), "SELECT pg_read_file('PG_VERSION')")


def test_the_superuser_is_there_for_those_who_ask_for_it(first: postgres.Running) -> None:
    assert query(first.superuser_url(), "SHOW is_superuser") == "on"
    assert query(first.superuser_url("merchant"), "SELECT current_database()") == "merchant"


def test_text_is_utf_8_sorted_by_code_point_with_letters_of_all_scripts(first: postgres.Running) -> None:
    assert query(first.url(), "SHOW server_encoding") == "UTF8"
    assert query(first.url(), "SELECT lower('ÄÖ ΣΩ ЖЯ')") == "äö σω жя"
    in_order = "SELECT string_agg(t, '' ORDER BY t) FROM unnest('{a,B,ä,Z}'::text[]) t"
    assert query(first.url(), in_order) == "BZaä"


def test_time_zones_are_known_and_the_session_speaks_utc(first: postgres.Running) -> None:
    assert query(first.url(), "SHOW timezone") == "UTC"
    assert query(first.url(), "SELECT '2026-01-01Z'::timestamptz AT TIME ZONE 'Africa/Kigali'").hour == 2


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


def test_a_program_killed_while_it_makes_the_cluster_leaves_no_half(place: Path) -> None:
    with program(HOLDER, place) as holder:
        wait_until((place / "postgres/cluster.new/PG_VERSION").exists)
        holder.kill()
    assert not (place / "postgres/cluster").exists()
    with postgres.start(place, settings=FAST) as running:
        assert query(running.url(), "SELECT 42") == 42
    assert not (place / "postgres/cluster.new").exists()


def test_a_cluster_without_its_passwords_is_refused_and_not_left_running(data_dir: Path) -> None:
    (data_dir / "postgres/passwords.json").unlink()
    with pytest.raises(postgres.StartFailed, match="its passwords are not"):
        postgres.start(data_dir, settings=FAST)
    wait_until(lambda: is_free(data_dir))


def test_a_data_folder_that_cannot_be_made_is_refused(place: Path) -> None:
    (place / "file").write_text("")
    with pytest.raises(postgres.StartFailed, match="Cannot make the folder"):
        postgres.start(place / "file" / "data")


@pytest.mark.skipif(not (OLDEST / "postgres").exists(), reason="PostgreSQL 15 is not installed")
def test_a_cluster_of_an_older_major_version_finds_its_own_programs(place: Path) -> None:
    oldest = postgres.find_binaries(15)
    postgres.start(place, binaries=oldest, settings=FAST).stop()
    with postgres.start(place, settings=FAST) as running:
        assert query(running.url(), "SHOW server_version").startswith("15.")
    with pytest.raises(postgres.StartFailed, match=r"is of PostgreSQL 15; 18.* cannot open it"):
        postgres.start(place, binaries=postgres.find_binaries(), settings=FAST)
