"""Starting and joining: addresses, settings, folder names, and who else may be there."""

import asyncio
import fcntl
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from merchant.core import postgres
from merchant.core.postgres import account, launcher
from merchant.core.postgres.binaries import runnable_by
from tests.merchant.core.postgres.support import (
    FAST,
    is_free,
    query,
    wait_until,
)


def test_settings_reach_the_server_over_the_small_defaults(data_dir: Path) -> None:
    with postgres.start(data_dir, settings={**FAST, "work_mem": "3MB"}) as running:
        shown = [query(running.url(), f"SHOW {name}") for name in ("work_mem", "fsync", "shared_buffers", "jit")]
    assert shown == ["3MB", "off", "32MB", "off"]


def test_the_url_works_for_sqlalchemy_and_in_spite_of_pgport(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPORT", "1")

    async def ask(url: str) -> Any:
        engine = create_async_engine(url.replace("postgresql:", "postgresql+asyncpg:"))
        async with engine.connect() as connection:
            answer = (await connection.execute(text("SELECT 42"))).scalar()
        await engine.dispose()
        return answer

    with postgres.start(data_dir, settings=FAST) as running:
        assert asyncio.run(ask(running.url())) == query(running.url(), "SELECT 42") == 42


@pytest.mark.anyio
async def test_it_starts_inside_a_running_event_loop_too(data_dir: Path) -> None:
    with postgres.start(data_dir, settings=FAST) as running:
        connection = await asyncpg.connect(running.url())
        assert await connection.fetchval("SELECT 42") == 42
        await connection.close()


def test_a_copy_of_a_running_folder_starts_a_server_of_its_own(data_dir: Path, place: Path) -> None:
    """Whatever is done in the copy, the original is left alone: it is not joined, not stopped, not written to."""
    with postgres.start(data_dir, settings=FAST) as original:
        query(original.url(), "CREATE TABLE kept AS SELECT 1 AS number")
        query(original.superuser_url(), "CHECKPOINT")
        copy = place / "copy"
        subprocess.run(["cp", "-a", data_dir, copy], check=True)
        with postgres.start(copy, settings=FAST) as copied:
            assert not copied.joined
            query(copied.url(), "INSERT INTO kept VALUES (2), (3)")
            assert query(copied.url(), "SELECT count(*) FROM kept") == 3
            assert query(original.url(), "SELECT count(*) FROM kept") == 1
            with postgres.start(copy, settings=FAST) as again:
                assert again.joined
        assert query(original.url(), "SELECT count(*) FROM kept") == 1
        with postgres.start(data_dir, settings=FAST) as again:
            assert again.joined


def test_a_folder_that_was_renamed_while_its_server_runs_is_still_its_own(data_dir: Path, place: Path) -> None:
    with postgres.start(data_dir, settings=FAST):
        moved = place / "moved"
        data_dir.rename(moved)
        with postgres.start(moved, settings=FAST) as joined:
            assert joined.joined
            assert query(joined.url(), "SELECT 42") == 42


def test_looking_whether_a_cluster_is_made_makes_nothing(place: Path) -> None:
    assert not postgres.is_made(place / "none")
    assert not (place / "none").exists()


@pytest.mark.parametrize("name", ["with a space", 'it\'s; $HOME `x` "y"', "ဆိုင် café", "long/" * 40])
def test_any_folder_name_will_do(name: str, made: Path, place: Path) -> None:
    folder = place / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", made, folder], check=True)
    with postgres.start(folder, settings=FAST) as running:
        assert query(running.url(), "SELECT 42") == 42


def test_two_servers_run_at_once_on_different_folders(data_dir: Path, made: Path, place: Path) -> None:
    subprocess.run(["cp", "-a", made, place / "other"], check=True)
    with (
        postgres.start(data_dir, settings=FAST) as one,
        postgres.start(place / "other", settings=FAST) as other,
    ):
        query(one.url(), "CREATE TABLE mine (n int)")
        assert not other.joined
        assert query(other.url(), "SELECT to_regclass('mine')") is None


@pytest.mark.parametrize("state", ["living", "zombie"])
def test_a_stale_pid_file_is_seen_through_when_the_number_is_in_use_again(state: str, data_dir: Path) -> None:
    cluster = data_dir / "postgres/cluster"
    owner = account.server_account(cluster)
    options: dict[str, Any] = {"user": owner.uid, "group": owner.gid} if owner else {}
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, **options) as other:
        if state == "zombie":
            assert other.stdin
            other.stdin.close()
            os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
        (cluster / "postmaster.pid").write_text(f"{other.pid}\n{cluster}\n1\n5432\n/tmp\n\n0 0\nready   \n")
        if owner:
            os.chown(cluster / "postmaster.pid", owner.uid, owner.gid)
        with postgres.start(data_dir, settings=FAST) as running:
            assert query(running.url(), "SELECT 42") == 42
        other.kill()


def test_a_server_that_somebody_else_started_on_the_cluster_is_left_alone(data_dir: Path, open_folder: Path) -> None:
    cluster = data_dir / "postgres/cluster"
    owner = account.server_account(cluster)
    programs = runnable_by(postgres.find_binaries(), owner)
    command = [programs.bin_dir / "postgres", "-c", "listen_addresses=", "-k", open_folder]
    account.give(open_folder, owner)
    options: dict[str, Any] = {"user": owner.uid, "group": owner.gid} if owner else {}
    with account.reachable(cluster, owner) as (name, descriptors):
        stranger = subprocess.Popen(
            [*command, "-D", name], pass_fds=descriptors, env={}, stderr=subprocess.DEVNULL, **options
        )
    with stranger:
        wait_until(
            lambda: (cluster / "postmaster.pid").exists() and "ready" in (cluster / "postmaster.pid").read_text()
        )
        with pytest.raises(postgres.StartFailed, match=f"Process {stranger.pid}, which we did not start"):
            postgres.start(data_dir, settings=FAST)
        assert stranger.poll() is None
        stranger.terminate()


def test_of_many_simultaneous_first_starts_one_starts_and_the_others_join(place: Path) -> None:
    with ThreadPoolExecutor(5) as pool:
        all_running = list(pool.map(lambda _: postgres.start(place, settings=FAST), range(5)))
    assert sorted(running.joined for running in all_running) == [False, True, True, True, True]
    for running in all_running:
        assert query(running.url(), "SELECT 42") == 42
        running.stop()
    assert is_free(place)


def test_stops_and_starts_at_the_same_moment_never_meet_a_dying_server(data_dir: Path) -> None:
    def use(_: int) -> Any:
        with postgres.start(data_dir, settings=FAST) as running:
            return query(running.url(), "SELECT 42")

    with ThreadPoolExecutor(3) as pool:
        assert set(pool.map(use, range(12))) == {42}
    assert is_free(data_dir)


def test_a_folder_held_by_somebody_who_does_not_answer_is_named(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launcher, "START_TIMEOUT_S", 0.05)
    with (data_dir / "postgres/lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(postgres.StartFailed, match=r"holds the database in .* but does not answer"):
            postgres.start(data_dir)


def test_a_setting_that_postgresql_refuses_is_told_in_its_own_words(data_dir: Path) -> None:
    with pytest.raises(postgres.StartFailed, match='"no_such_setting"'):
        postgres.start(data_dir, settings={"no_such_setting": "1"})
    with postgres.start(data_dir, settings=FAST) as running:
        assert query(running.url(), "SELECT 42") == 42
