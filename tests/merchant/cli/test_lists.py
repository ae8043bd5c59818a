"""`merchant lists`: a list is put, shown and compared; the exit status tells whether it counts."""

from pathlib import Path

import pytest

from tests.builders import SECRET_KEY
from tests.merchant.cli.test_main import merchant
from tests.merchant.compliance.lists.stage import eu_list, own_list

pytestmark = [pytest.mark.anyio, pytest.mark.database, pytest.mark.slow]
NAMES = [f"Person Number{number}" for number in range(20)]


async def test_a_list_is_put_shown_compared_and_refused_when_it_shrank(database_url: str, tmp_path: Path) -> None:
    def lists(*arguments: str) -> tuple[int, str]:
        ended = merchant("lists", *arguments, data=tmp_path, DATABASE_URL=database_url, SECRET_KEY=SECRET_KEY)
        return ended.returncode, ended.stdout + ended.stderr

    def file(content: bytes) -> str:
        path = tmp_path / "list"
        path.write_bytes(content)
        return str(path)

    assert lists("show")[1].startswith("un_consolidated  of 2026-02-27")
    status, told = lists("put", file(eu_list("2026-11-01", NAMES)), "--form", "eu")
    assert (status, told.splitlines()[0].split("  ")[:3]) == (0, ["eu_fsf", "in_force", "of 2026-11-01"])
    status, told = lists("diff", file(eu_list("2026-11-02", [*NAMES[:19], "Changed", "New"])), "--form", "eu")
    assert (status, told) == (0, "+ 21\n~ 20\n1 new, 0 gone, 1 changed\n")
    for command in ("diff", "put"):
        status, told = lists(command, file(eu_list("2026-11-02", NAMES[:3])), "--form", "eu")
        assert (status, "list_shrunk" in told) == (1, True)
    status, told = lists("put", file(b"<x/>"), "--form", "eu")
    assert (status, told.startswith("Error: Not the EU's list")) == (1, True)
    assert lists("check-current", "eu_fsf")[0] == 0
    assert lists("check-current", "uk_sanctions")[0] == 1
    status, told = lists("put", file(own_list("Amara Kiprop")), "--form", "own")
    version_id = told.split()[-1]
    assert (status, "proposed" in told) == (0, True)
    assert lists("confirm", version_id) == (
        1,
        "Error: Who put this list may not confirm it; ask another person of the hub\n",
    )
    assert [line.split()[1:3] for line in lists("show", "--all")[1].splitlines()] == [
        ["own", "proposed"],
        ["eu_fsf", "refused"],
        ["eu_fsf", "in_force"],
    ]
