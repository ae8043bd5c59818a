"""What names are screened against: the versions in force, renewed within seconds; nothing that is too old."""

import os
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
import msgspec
import pytest

from merchant.compliance.lists import current
from merchant.compliance.lists.current import current_index
from merchant.core.access import SERVICE
from merchant.core.service import Service
from merchant.core.settings import Settings
from tests.kyb.lists.samples import BLOCKLIST_CSV
from tests.merchant.compliance.lists.stage import confirm, eu_list, is_listed, own_list, put, somebody

pytestmark = [pytest.mark.anyio, pytest.mark.database]
Move = Callable[[timedelta], datetime]
LISTED = "Ayman Muhammed Rabi al-Zawahiri"  # by the UN
PUBLIC = {"public_url": "https://pay.example"}


def sources(found: current.Current) -> list[str]:
    return [one.source for one in found.versions]


async def test_until_a_list_was_put_the_packaged_one_counts(service: Service) -> None:
    found = await current_index(service)
    assert (found.problem, sources(found)) == (None, ["un_consolidated"])
    assert (await is_listed(service, LISTED), await is_listed(service, "Amara Kiprop")) == (True, False)


async def test_a_list_that_is_put_counts_beside_the_packaged_one(service: Service) -> None:
    await put(service, "eu", eu_list("2026-11-01", ["Tarik Sample"]))
    assert sources(await current_index(service)) == ["un_consolidated", "eu_fsf"]
    assert await is_listed(service, LISTED)
    assert await is_listed(service, "Tarik Sample")


async def test_the_uns_own_list_takes_the_place_of_the_packaged_one(service: Service) -> None:
    packed = service.settings.screening_list.read_bytes()
    version = await put(service, "un", packed)
    found = await current_index(service)
    assert (found.problem, sources(found), version.entry_count) == (None, ["un_consolidated"], 1003)
    # Nothing of the packaged file is read any more.
    service.settings = msgspec.structs.replace(service.settings, screening_list=Path("/dev/null"))
    assert await is_listed(service, LISTED)


async def test_a_private_list_counts_once_it_is_confirmed(service: Service) -> None:
    proposed = await put(
        service,
        "own",
        own_list("Amara Kiprop"),
        somebody(),
    )
    assert not await is_listed(service, "Amara Kiprop")
    await confirm(service, proposed, SERVICE)
    assert await is_listed(service, "Amara Kiprop")
    assert await is_listed(service, LISTED)


async def test_the_block_list_is_handed_on_and_not_compared(service: Service) -> None:
    await confirm(service, await put(service, "blocklist", BLOCKLIST_CSV), somebody())
    found = await current_index(service)
    assert (found.blocklist is not None and len(found.blocklist.entries)) == 3
    assert sources(found) == ["un_consolidated"]


async def test_another_process_takes_a_new_version_over_within_seconds(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Service(service.settings, service.db)
    assert await is_listed(other, "Tarik Sample") is False
    await put(service, "eu", eu_list("2026-11-01", ["Tarik Sample"]))
    assert await is_listed(other, "Tarik Sample") is False  # it has not looked again yet
    monkeypatch.setattr(current, "KEPT_S", 0.0)
    deadline = time.monotonic() + 10
    while not await is_listed(other, "Tarik Sample"):
        assert time.monotonic() < deadline


async def test_an_index_is_built_once_for_the_same_versions(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    await put(service, "eu", eu_list("2026-11-01", ["Tarik Sample"]))
    first = (await current_index(service)).index
    monkeypatch.setattr(current, "KEPT_S", 0.0)
    for _ in range(5):
        assert (await current_index(service)).index is first


async def test_a_list_nobody_has_seen_to_be_current_for_a_week_is_not_screened_against(
    service: Service, move_clock: Move
) -> None:
    await put(service, "eu", eu_list("2026-11-01", ["Tarik Sample"]))
    move_clock(timedelta(days=7))
    assert await is_listed(service, "Tarik Sample")
    move_clock(timedelta(days=1))
    found = await current_index(service)
    assert (found.index, found.problem) == (None, "list_stale")
    await put(service, "eu", eu_list("2026-11-01", ["Tarik Sample"]))
    assert await is_listed(service, "Tarik Sample")


async def test_a_private_list_never_grows_old(service: Service, move_clock: Move) -> None:
    await confirm(service, await put(service, "own", own_list("Amara Kiprop")), somebody())
    move_clock(timedelta(days=400))
    assert await is_listed(service, "Amara Kiprop")


@pytest.mark.parametrize(
    ("days", "changed", "problem"),
    [
        (0, {}, None),
        (400, {}, None),
        (0, PUBLIC, "list_stale"),
        (0, PUBLIC | {"screening_list_max_age_days": 3650}, None),
        (0, {"host": "192.0.2.1"}, "list_stale"),
    ],
)
async def test_the_packaged_list_serves_for_a_trial_on_this_machine_only(
    service: Service, move_clock: Move, days: int, changed: dict[str, object], problem: str | None
) -> None:
    move_clock(timedelta(days=days))
    service.settings = msgspec.structs.replace(service.settings, **changed)
    assert (await current_index(service)).problem == problem


@pytest.mark.parametrize(("days_ago", "problem"), [(7, None), (9, "list_stale")])
async def test_a_file_that_an_operator_keeps_is_as_current_as_the_day_it_was_written(
    service: Service, tmp_path: Path, days_ago: int, problem: str | None
) -> None:
    path = tmp_path / "un.xml.gz"
    path.write_bytes(Settings().screening_list.read_bytes())
    written_s = time.time() - days_ago * 86_400
    os.utime(path, (written_s, written_s))
    service.settings = msgspec.structs.replace(service.settings, screening_list=path, **PUBLIC)
    assert (await current_index(service)).problem == problem


@pytest.mark.parametrize("bytes_of", ["list_chunk", "packaged"])
async def test_a_list_that_cannot_be_read_leaves_nothing_to_screen_against(
    service: Service, database_url: str, tmp_path: Path, bytes_of: str
) -> None:
    await put(service, "eu", eu_list("2026-11-01", ["Tarik Sample"]))
    if bytes_of == "packaged":
        service.settings = msgspec.structs.replace(service.settings, screening_list=tmp_path / "gone.xml")
    else:
        owner = await asyncpg.connect(database_url)
        await owner.execute("UPDATE list_chunk SET packed = substr(packed, 10)")
        await owner.close()
    found = await current_index(service)
    assert (found.index, found.problem) == (None, "list_unreadable")
