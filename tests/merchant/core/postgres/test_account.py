"""Who runs the server: as root another user, under closed folders too; else the user itself."""

import shutil
from pathlib import Path
from typing import Any

from merchant.core import postgres
from tests.merchant.core.postgres.support import (
    AS_ROOT,
    FAST,
    HOLDER,
    WAIT_S,
    keeper_of,
    only_root,
    postmaster_of,
    program,
    query,
)


@only_root
def test_under_a_closed_home_the_server_is_another_user_and_no_folder_is_opened(
    programs: postgres.Binaries, place: Path
) -> None:
    home = place / "home"
    (home / "project").mkdir(parents=True)
    home.chmod(0o700)
    before = [folder.stat().st_mode for folder in (home / "project").parents]
    with postgres.start(home / "project" / ".data", binaries=programs, settings=FAST) as running:
        query(running.url(), "CREATE TABLE mine AS SELECT generate_series(1, 1000) AS n")
        assert Path(f"/proc/{postmaster_of(home / 'project/.data')}").stat().st_uid != 0
        assert Path(f"/proc/{keeper_of(home / 'project/.data')}/status").read_text().count("\nUid:\t0") == 0
    assert [folder.stat().st_mode for folder in (home / "project").parents] == before
    with postgres.start(home / "project" / ".data", binaries=programs, settings=FAST) as running:
        assert query(running.url(), "SELECT count(*) FROM mine") == 1000


def test_an_ordinary_user_runs_the_server_as_itself(ordinary_user: dict[str, Any], open_folder: Path) -> None:
    folder = open_folder / "a home"
    folder.mkdir(mode=0o700)
    if AS_ROOT:
        shutil.chown(folder, "nobody")
    for _ in range(2):
        with program(HOLDER, folder / "data", **ordinary_user) as holder:
            answer, problem = holder.communicate("\n", timeout=WAIT_S)
        assert answer.split() == ["started", str(folder.stat().st_uid), "42"], problem
    assert (folder / "data/postgres/cluster").stat().st_uid == folder.stat().st_uid
    with postgres.start(folder / "data", settings=FAST) as running:  # as root: still that user's server
        assert query(running.url(), "SELECT 42") == 42


@only_root
def test_another_users_data_folder_is_refused_by_name(ordinary_user: dict[str, Any], open_folder: Path) -> None:
    (open_folder / "postgres").mkdir(mode=0o700)
    with program(HOLDER, open_folder, **ordinary_user) as holder:
        assert "belongs to the user with uid 0" in holder.communicate("", timeout=WAIT_S)[1]
