"""/metrics: the outbox by topic, as it is at the scrape and at the cost of one statement now and then."""

from collections.abc import Callable
from datetime import datetime, timedelta

import asyncpg
import httpx
import msgspec
import pytest
from structlog.testing import capture_logs

from merchant.core import outbox
from merchant.core.service import Service
from merchant.programs import backup, metrics
from merchant.programs.app import with_doors
from tests.apps import app_on
from tests.builders import GATEWAY_SECRET, World
from tests.merchant.compliance.lists.stage import eu_list, put

pytestmark = pytest.mark.anyio
Move = Callable[[timedelta], datetime]


@pytest.fixture(autouse=True)
def _always_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "KEPT_S", 0.0)


async def figures(client: httpx.AsyncClient, topic: str) -> dict[str, float]:
    """What /metrics says of a topic, by the name's end."""
    lines = (await client.get("/metrics")).text.splitlines()
    told = [line.removeprefix("merchant_outbox_") for line in lines if line.startswith("merchant_outbox_")]
    label = f'{{topic="{topic}"}} '
    return {line.partition("{")[0]: float(line.partition(label)[2]) for line in told if label in line}


async def add(service: Service, topic: str, count: int = 1) -> None:
    async with service.db.system() as tx:
        for _ in range(count):
            await outbox.add(tx, topic, 0)


async def test_depth_age_and_dead_jobs_are_told_by_topic(
    client: httpx.AsyncClient, service: Service, world: World, move_clock: Move
) -> None:
    await add(service, "hub.send", 2)
    move_clock(timedelta(seconds=90))
    await add(service, "hub.send")
    await add(service, "notify.sms", 2)
    async with service.db.system() as tx:
        await tx.execute(
            "UPDATE outbox SET dead_at = run_at WHERE id = (SELECT max(id) FROM outbox WHERE topic = 'notify.sms')"
        )
    assert await figures(client, "hub.send") == {"jobs": 3, "oldest_due_seconds": 90, "dead_jobs": 0}
    assert await figures(client, "notify.sms") == {"jobs": 1, "oldest_due_seconds": 0, "dead_jobs": 1}


async def test_a_topic_without_jobs_says_zero_so_that_an_alarm_can_end(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    none = {"jobs": 0, "oldest_due_seconds": 0, "dead_jobs": 0}
    assert await figures(client, "hub.send") == none
    await add(service, "hub.send")
    assert (await figures(client, "hub.send"))["jobs"] == 1
    async with service.db.system() as tx:
        await tx.execute("DELETE FROM outbox")
    assert await figures(client, "hub.send") == none


async def test_a_job_at_work_or_for_later_is_not_late(
    client: httpx.AsyncClient, service: Service, world: World, move_clock: Move
) -> None:
    await add(service, "hub.send", 2)
    async with service.db.system() as tx:
        assert len(await outbox.claim(tx, 2)) == 2
    move_clock(outbox.LEASE - timedelta(seconds=1))
    assert (await figures(client, "hub.send"))["oldest_due_seconds"] == 0


async def test_scrapes_in_quick_succession_ask_the_database_once(
    client: httpx.AsyncClient, service: Service, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "KEPT_S", 3600.0)
    assert (await figures(client, "hub.send"))["jobs"] == 0
    await add(service, "hub.send")
    assert (await figures(client, "hub.send"))["jobs"] == 0


async def test_an_outbox_that_cannot_be_read_is_not_told_and_the_rest_is(
    client: httpx.AsyncClient, service: Service, world: World, database_url: str
) -> None:
    assert await figures(client, "hub.send")
    owner = await asyncpg.connect(database_url)
    await owner.execute("ALTER TABLE outbox RENAME TO elsewhere")
    await owner.close()
    with capture_logs() as logs:
        assert await figures(client, "hub.send") == {}
    assert [entry["event"] for entry in logs] == ["outbox_not_measured"]
    assert "python_info" in (await client.get("/metrics")).text


async def list_figures(client: httpx.AsyncClient) -> dict[str, float]:
    """What /metrics says of the screening lists."""
    lines = (await client.get("/metrics")).text.splitlines()
    told = [line.removeprefix("merchant_screening_list_") for line in lines if line.startswith("merchant_screening")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in told)}


async def test_lists_are_told_by_their_age_and_an_alarm_ends_when_one_is_put(
    client: httpx.AsyncClient, service: Service, world: World, move_clock: Move
) -> None:
    packaged = await list_figures(client)
    assert set(packaged) == {"age_seconds", 'stale{list="un_consolidated"}'}
    assert (packaged["age_seconds"] > 200 * 86_400, packaged['stale{list="un_consolidated"}']) == (True, 0.0)
    now = move_clock(timedelta())
    file = eu_list(now.date().isoformat(), ["Tarik Sample"])
    await put(service, "eu", file)
    move_clock(timedelta(days=8))
    old = await list_figures(client)
    assert (old['checked_seconds{list="eu_fsf"}'], old['stale{list="eu_fsf"}']) == (8 * 86_400, 1.0)
    assert old['entries{list="eu_fsf"}'] == 1
    await put(service, "eu", file)
    assert (await list_figures(client))['stale{list="eu_fsf"}'] == 0.0


async def told(client: httpx.AsyncClient, name: str) -> dict[str, float]:
    """What /metrics says of the names that begin so, by name and labels."""
    lines = (await client.get("/metrics")).text.splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line.startswith(name)}


async def test_a_key_that_ends_is_told_by_the_last_of_its_participant_and_one_without_end_is_not(
    client: httpx.AsyncClient, service: Service, world: World, database_url: str, move_clock: Move
) -> None:
    name = "merchant_hub_key_expires_seconds"
    assert await told(client, name) == {}
    now = move_clock(timedelta())
    owner = await asyncpg.connect(database_url)
    for key_id, days in (("old", 1), ("new", 20)):
        await owner.execute(
            "INSERT INTO scheme_key (id, fsp_id, purpose, key_id, algorithm, public_pem, valid_from, valid_until)"
            " VALUES (gen_random_uuid(), 'switch', 'jws_verify', $1, 'RS256', '', $2, $3)",
            key_id,
            now,
            now + timedelta(days=days),
        )
    await owner.close()
    [(key, seconds)] = (await told(client, name)).items()
    assert key == f'{name}{{fsp_id="switch",purpose="jws_verify"}}'
    assert seconds == pytest.approx(20 * 86_400, abs=60)


async def test_the_last_backup_is_told_by_its_age_and_nothing_where_there_was_none(
    client: httpx.AsyncClient, service: Service, world: World, move_clock: Move
) -> None:
    assert str(await told(client, "merchant_backup_age_seconds")) == "{'merchant_backup_age_seconds': nan}"
    service.settings.data_dir.mkdir(parents=True, exist_ok=True)
    backup.stamp(service.settings)
    move_clock(timedelta(days=3))
    assert (await told(client, "merchant_backup_age"))["merchant_backup_age_seconds"] == pytest.approx(259_200, abs=60)


async def test_a_failed_sign_in_is_counted_by_its_kind(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    failed = 'merchant_security_events_total{kind="sign_in_failed"}'
    before = await told(client, "merchant_security_events_total")
    assert failed in before
    wrong = {"email": "nobody@greenbankfsp.example", "password": "not the password"}
    assert (await client.post("/api/v1/sessions", json=wrong)).status_code == 401
    assert (await told(client, "merchant_security_events_total"))[failed] == before[failed] + 1


GATE = {"x-gateway-secret": GATEWAY_SECRET}


@pytest.mark.parametrize(
    ("changed", "peer", "headers", "status"),
    [
        ({}, "127.0.0.1", {}, 200),
        ({}, "127.0.0.1", {"x-forwarded-for": "203.0.113.9"}, 401),
        ({}, "127.0.0.1", {"forwarded": "for=203.0.113.9", **GATE}, 200),
        ({}, "10.0.0.7", {}, 401),
        ({}, "10.0.0.7", {"x-gateway-secret": GATEWAY_SECRET.upper()}, 401),
        ({}, "10.0.0.7", GATE, 200),
        ({"public_url": "https://test.local"}, "127.0.0.1", {}, 401),
        ({"public_url": "https://test.local"}, "127.0.0.1", GATE, 200),
        ({"host": "0.0.0.0"}, "127.0.0.1", {}, 401),
        ({"gateway_secret": ""}, "127.0.0.1", {}, 200),
        ({"gateway_secret": ""}, "127.0.0.1", {"via": "1.1 proxy"}, 403),
        ({"gateway_secret": ""}, "10.0.0.7", {"x-gateway-secret": ""}, 403),
        ({"gateway_secret": "", "host": "0.0.0.0"}, "127.0.0.1", {}, 403),
    ],
)
async def test_figures_are_for_this_machine_and_whoever_has_the_secret(
    service: Service, changed: dict[str, str], peer: str, headers: dict[str, str], status: int
) -> None:
    service.settings = msgspec.structs.replace(service.settings, **changed)
    transport = httpx.ASGITransport(with_doors(app_on(service)), client=(peer, 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://test.local") as asked:
        response = await asked.get("/metrics", headers=headers)
    assert response.status_code == status
    assert (b"merchant_outbox" in response.content) is (status == 200)
