"""The folder where registers drop files: each is taken whole, once, when nobody writes to it any more."""

import asyncio
import csv
import fcntl
import os
import stat
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from merchant.compliance.providers import inbox
from merchant.compliance.providers.request_files import export_requests
from merchant.core.service import Service
from merchant.core.settings import Settings
from tests import builders
from tests.builders import World

pytestmark = [pytest.mark.anyio, pytest.mark.database]
MoveClock = Callable[[timedelta], datetime]
QUIET = timedelta(seconds=inbox.QUIET_S + 60)  # the clock stands still, and files are as old as they are
HEADER = "request_id,attribute,outcome\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "inbox"
    made.mkdir()
    return made


@pytest.fixture
def settings(settings: Settings, folder: Path) -> Settings:
    return msgspec.structs.replace(settings, evidence_inbox=str(folder))


def names(folder: Path) -> list[str]:
    return sorted(str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file() or one.is_symlink())


async def answers(service: Service, outcome: str = "verified") -> str:
    """A register's answers to all that is asked."""
    found = csv.DictReader((await export_requests(service)).text.splitlines())
    return HEADER + "".join(f"{row['request_id']},{row['attribute']},{outcome}\n" for row in found)


async def count(service: Service) -> int:
    async with service.db.system_reads() as tx:
        return int(await tx.fetchval("SELECT count(*) FROM verification"))


async def test_a_file_is_taken_reported_on_and_moved_away(
    service: Service, world: World, folder: Path, move_clock: MoveClock
) -> None:
    await builders.create_application(service, world.maker, submitted=True)
    text = await answers(service)
    (folder / "nid.csv").write_text(text)
    assert await inbox.take_inbox(service) == 0  # somebody may still be writing
    move_clock(QUIET)
    assert await inbox.take_inbox(service) == 1
    assert await count(service) == 2
    assert names(folder) == ["done/nid.csv", "done/nid.report.csv"]
    report = list(csv.DictReader((folder / "done/nid.report.csv").open()))
    assert [(row["line"], row["result"]) for row in report] == [("2", "recorded"), ("3", "recorded")]
    assert stat.S_IMODE((folder / "done").stat().st_mode) == 0o700
    # The same file under the same name changes nothing and replaces no report.
    (folder / "nid.csv").write_text(text)
    move_clock(QUIET)
    assert await inbox.take_inbox(service) == 1
    assert (await count(service), len(names(folder))) == (2, 4)


async def test_a_file_with_a_row_to_look_at_ends_in_failed(
    service: Service, world: World, folder: Path, move_clock: MoveClock
) -> None:
    await builders.create_application(service, world.maker, submitted=True)
    (folder / "a.csv").write_text(await answers(service) + "x,identity,verified\n")
    (folder / "b.csv").write_bytes(b"\xff\xfe")
    (folder / "c.csv").write_text("")
    (folder / "d.csv").write_text(HEADER)
    move_clock(QUIET)
    assert await inbox.take_inbox(service) == 4
    assert await count(service) == 2
    filed = [f"{one}{end}" for one in "abc" for end in (".csv", ".report.csv")]
    assert names(folder) == ["done/d.csv", "done/d.report.csv", *(f"failed/{one}" for one in filed)]
    assert "UTF-8" in (folder / "failed/b.report.csv").read_text()


@pytest.mark.parametrize("name", ["ANSWERS.CSV", "Answers.Csv"])
async def test_a_name_in_capitals_is_taken_as_well(
    service: Service, folder: Path, move_clock: MoveClock, name: str
) -> None:
    (folder / name).write_text(HEADER)
    move_clock(QUIET)
    assert await inbox.take_inbox(service) == 1
    stem = name.partition(".")[0]
    assert names(folder) == [f"done/{stem}.csv", f"done/{stem}.report.csv"]


async def test_only_whole_files_of_the_folder_itself_are_taken(
    service: Service, folder: Path, tmp_path: Path, move_clock: MoveClock
) -> None:
    outside = tmp_path / "outside.csv"
    outside.write_text(HEADER)
    (folder / "link.csv").symlink_to(outside)
    os.mkfifo(folder / "pipe.csv")
    (folder / "folder.csv").mkdir()
    for name in ("a.csv.part", ".hidden.csv", "a.txt"):
        (folder / name).write_text(HEADER)
    # The time of writing can be set by hand, as a transfer that keeps it does.
    (folder / "old.csv").write_text(HEADER)
    os.utime(folder / "old.csv", (0, 0))
    assert await inbox.take_inbox(service) == 0
    (folder / "old.csv").unlink()
    before = names(folder)
    move_clock(QUIET)
    assert await inbox.take_inbox(service) == 0
    assert names(folder) == before


async def test_workers_at_once_take_a_file_once_and_leave_what_another_holds(
    service: Service, world: World, folder: Path, move_clock: MoveClock
) -> None:
    await builders.create_application(service, world.maker, submitted=True)
    (folder / "nid.csv").write_text(await answers(service))
    move_clock(QUIET)
    with (folder / "nid.csv").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert await inbox.take_inbox(service) == 0
    assert sum(await asyncio.gather(*(inbox.take_inbox(service) for _ in range(3)))) == 1
    assert (await count(service), len(names(folder))) == (2, 2)


async def test_a_folder_that_cannot_be_used_is_said_and_none_is_no_fault(service: Service, folder: Path) -> None:
    folder.rmdir()
    with pytest.raises(OSError):
        await inbox.take_inbox(service)
    service.settings = msgspec.structs.replace(service.settings, evidence_inbox="")
    assert await inbox.take_inbox(service) == 0
