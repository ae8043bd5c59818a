"""Crashes and sharing: the server stays while somebody uses it, and no longer."""

import os
import signal
from pathlib import Path

import asyncpg
import pytest

from merchant.core import postgres
from tests.merchant.core.postgres.support import (
    FAST,
    HOLDER,
    WAIT_S,
    WRITER,
    is_free,
    keeper_of,
    postmaster_of,
    program,
    query,
    wait_until,
)


def test_the_server_stops_by_itself_when_its_program_is_killed(data_dir: Path) -> None:
    with program(HOLDER, data_dir) as holder:
        assert holder.stdout
        holder.stdout.readline()
        run_folder = (data_dir / "postgres/run").readlink()
        assert not is_free(data_dir)
        holder.kill()
    wait_until(lambda: is_free(data_dir))
    assert not run_folder.exists()
    assert not (data_dir / "postgres/cluster/postmaster.pid").exists()


@pytest.mark.parametrize(
    "victims",
    [("program",), ("postmaster", "program"), ("program", "keeper"), ("keeper", "postmaster", "program")],
)
def test_after_kill_9_nothing_lingers_and_no_committed_row_is_lost(victims: tuple[str, ...], data_dir: Path) -> None:
    with program(WRITER, data_dir) as writer:
        assert writer.stdout
        for line in writer.stdout:
            if int(line) == 300:
                break
        pids = {
            "program": writer.pid,
            "keeper": keeper_of(data_dir),
            "postmaster": postmaster_of(data_dir),
        }
        for victim in victims:
            os.kill(pids[victim], signal.SIGKILL)
        if victims[-1] != "program":
            writer.kill()
        told = [300, *map(int, writer.stdout.read().split())]
    with postgres.start(data_dir, settings=FAST) as running:  # at once, whatever is still going down
        assert not running.joined
        assert query(running.url(), f"SELECT count(*) FROM kept WHERE number <= {told[-1]}") == told[-1] + 1
    assert is_free(data_dir)


def test_a_killed_server_in_use_comes_back_at_the_same_address(data_dir: Path) -> None:
    with postgres.start(data_dir, settings=FAST) as running:
        query(running.url(), "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
        killed = postmaster_of(data_dir)
        os.kill(killed, signal.SIGKILL)

        def answers() -> bool:
            try:
                return query(running.url(), "SELECT count(*) FROM kept") == 1000
            except (OSError, asyncpg.PostgresError):
                return False

        wait_until(answers)
        assert postmaster_of(data_dir) != killed


def test_a_killed_server_that_does_not_come_up_again_is_given_up_and_can_be_repaired(data_dir: Path) -> None:
    configuration = data_dir / "postgres/cluster/postgresql.conf"
    before = configuration.read_text()
    with postgres.start(data_dir, settings=FAST) as running:
        configuration.write_text(before + "no_such_setting = 1\n")
        os.kill(postmaster_of(data_dir), signal.SIGKILL)
        wait_until(lambda: is_free(data_dir))
        with pytest.raises(OSError):
            query(running.url(), "SELECT 42")
    assert '"no_such_setting"' in (data_dir / "postgres/server.log").read_text()
    configuration.write_text(before)
    with postgres.start(data_dir, settings=FAST) as running:
        assert query(running.url(), "SELECT 42") == 42


def test_the_last_one_out_stops_the_server(data_dir: Path) -> None:
    first = postgres.start(data_dir, settings=FAST)
    second = postgres.start(data_dir)
    assert (first.joined, second.joined) == (False, True)
    first.stop()
    assert query(second.url(), "SELECT 42") == 42
    second.stop()
    second.stop()  # harmless
    assert is_free(data_dir)
    with pytest.raises(OSError):
        query(second.url(), "SELECT 42")


def test_a_second_program_joins_and_outlives_the_killed_first(data_dir: Path) -> None:
    with program(HOLDER, data_dir) as first, program(HOLDER, data_dir) as second:
        assert first.stdout and second.stdout
        told = {first: first.stdout.readline().split()[0], second: second.stdout.readline().split()[0]}
        assert sorted(told.values()) == ["joined", "started"]
        starter, joiner = sorted(told, key=told.__getitem__, reverse=True)
        starter.kill()
        starter.wait()
        assert joiner.communicate("\n", timeout=WAIT_S)[0] == "42\n"
    assert is_free(data_dir)


def test_ctrl_c_is_for_the_program_and_does_not_take_its_server_away(data_dir: Path) -> None:
    with program(HOLDER, data_dir, start_new_session=True) as holder:
        assert holder.stdout
        holder.stdout.readline()
        os.killpg(holder.pid, signal.SIGINT)
        assert holder.stdout.readline() == "42\n"
    assert is_free(data_dir)
