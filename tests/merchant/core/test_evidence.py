"""Security events: stored without holding anyone up, bounded, told to those they belong to, forgotten in time."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
import structlog

from merchant.core import evidence
from merchant.core.evidence import EventBuffer, SecurityEvent, note
from merchant.core.service import Service
from merchant.programs.app import create_app
from merchant.programs.pruning import prune
from merchant.programs.worker import Worker
from tests import builders
from tests.builders import World

pytestmark = pytest.mark.anyio
EVENTS = "/api/v1/security-events"


async def stored(service: Service) -> list[asyncpg.Record]:
    await service.shared(EventBuffer).store()
    async with service.db.system() as tx:
        return await tx.fetch("SELECT * FROM security_event ORDER BY id")


async def listed(client: httpx.AsyncClient, headers: dict[str, str], query: str = "") -> list[dict[str, Any]]:
    answered = await client.get(EVENTS + query, headers=headers)
    assert answered.status_code == 200, answered.text
    found: list[dict[str, Any]] = answered.json()["items"]
    return found


async def test_an_event_is_logged_at_once_and_stored_soon(service: Service, world: World) -> None:
    actor = world.maker.actor
    with structlog.testing.capture_logs() as logged:
        note(service, SecurityEvent.SIGNED_IN, actor=actor, source="192.0.2.1", subject="s", how="totp", nothing=None)
    assert [one["security"] for one in logged] == ["signed_in"]
    [row] = await stored(service)
    assert (row["kind"], row["actor_kind"], row["actor_id"]) == ("signed_in", "user", actor.id)
    assert (row["dfsp_id"], row["source"], row["subject"]) == (actor.dfsp_id, "192.0.2.1", "s")
    assert row["detail"] == {"how": "totp", "nothing": None} or row["detail"] == '{"how": "totp", "nothing": null}'


@pytest.mark.parametrize("text", ["\x00", "'; DROP TABLE security_event; --", "😀\\u0000", "\ud83d", "x" * 9000])
async def test_whatever_a_stranger_sends_is_stored(service: Service, text: str) -> None:
    note(service, SecurityEvent.GATEWAY_REFUSED, source=text, subject=text, header=text)
    assert len(await stored(service)) == 1


async def test_what_could_not_be_stored_is_stored_later_and_fails_nothing(service: Service, database_url: str) -> None:
    owner = await asyncpg.connect(database_url)
    await owner.execute("ALTER TABLE security_event RENAME TO away")
    note(service, SecurityEvent.SIGNED_OUT)
    async with asyncio.timeout(10):
        async with evidence.storing(service):
            pass
    await owner.execute("ALTER TABLE away RENAME TO security_event")
    await owner.close()
    assert [row["kind"] for row in await stored(service)] == ["signed_out"]


async def test_too_many_events_are_counted_and_told_not_kept(
    service: Service, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "MAX_WAITING", 5)
    for _ in range(9):
        note(service, SecurityEvent.SIGNED_IN, actor=world.maker.actor)
    with structlog.testing.capture_logs() as logged:
        assert len(await stored(service)) == 5
    assert [(one["event"], one["count"]) for one in logged] == [("security_events_lost", 4)]


async def test_one_stranger_does_not_fill_the_table_nor_keep_others_out(service: Service) -> None:
    for _ in range(500):
        note(service, SecurityEvent.NOT_SIGNED_IN, source="192.0.2.1")
    note(service, SecurityEvent.NOT_SIGNED_IN, source="192.0.2.2")
    rows = await stored(service)
    assert len([row for row in rows if row["source"] == "192.0.2.1"]) <= 61
    assert rows[-1]["source"] == "192.0.2.2"


async def test_the_worker_and_the_application_store_while_they_run(service: Service) -> None:
    async def kinds() -> list[str]:
        async with service.db.system() as tx:
            return [row["kind"] for row in await tx.fetch("SELECT kind FROM security_event ORDER BY id")]

    async with Worker(service, timers=(), pruned=()).running():
        note(service, SecurityEvent.SIGNED_IN)
        async with asyncio.timeout(10):
            while await kinds() != ["signed_in"]:
                await asyncio.sleep(0.05)
        note(service, SecurityEvent.SIGNED_OUT)
    assert await kinds() == ["signed_in", "signed_out"]
    async with create_app(service, []).lifespan():
        note(service, SecurityEvent.THROTTLED)
    assert await kinds() == ["signed_in", "signed_out", "throttled"]


async def test_refusals_are_noted_with_the_route_and_no_ids(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    application = await builders.create_application(service, world.maker)
    path = f"/api/v1/applications/{application.id}"
    assert (await client.get(path)).status_code == 401
    assert (await client.get(path, headers={"authorization": "Bearer x"})).status_code == 401
    auditor = world["greenbankfsp"]["auditor"]
    assert (await client.post(f"{path}/submit", headers=auditor.headers)).status_code == 403
    assert (await client.post(f"{path}/claim", headers=auditor.headers)).status_code == 403
    rows = await stored(service)
    assert [row["kind"] for row in rows] == ["not_signed_in"] * 2 + ["not_allowed"] * 2
    assert [row["actor_id"] for row in rows] == [None, None, auditor.actor.id, auditor.actor.id]
    submit = await listed(client, auditor.headers, "?kind=not_allowed")
    assert submit[1]["detail"] == {
        "route": "POST /api/v1/applications/{application_id}/submit",
        "code": "not_allowed",
        "permission": "applications:write",
    }
    assert str(application.id) not in str(rows)


async def test_batches_at_the_oracle_leave_events_like_any_other_route(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    path, rows = "/oracle/participants", [{"merchant_id": "m1", "currency": "KES"}]
    admin = world["greenbankfsp"]["admin"]
    reader = await builders.issue_key(service, admin, ["merchants:read"])
    writer = await builders.issue_key(service, admin, ["aliases:write"])
    for key, status in (({"x-api-key": "mk_forged"}, 401), (reader, 403), (writer, 200), (writer, 200)):
        assert (await client.post(path, json=rows, headers=key)).status_code == status
    events = await stored(service)
    kinds = sorted((row["kind"], row["actor_kind"] or "") for row in events)  # several of one millisecond
    api_key = "api_key"
    assert kinds == [("key_used", api_key), ("key_used", api_key), ("not_allowed", api_key), ("not_signed_in", "")]
    assert {row["source"] for row in events} == {"127.0.0.1"}
    assert (await listed(client, admin.headers, "?kind=not_allowed"))[0]["detail"] == {
        "route": "POST /oracle/participants",
        "code": "not_allowed",
        "permission": "aliases:write",
    }
    assert "mk_forged" not in str(events)


async def test_a_keys_use_is_noted_once_an_hour_and_network(
    client: httpx.AsyncClient, service: Service, world: World, move_clock: Callable[[timedelta], datetime]
) -> None:
    key = await builders.issue_key(service, world["greenbankfsp"]["admin"], ["merchants:read"])
    for _ in range(3):
        assert (await client.get("/api/v1/merchants", headers=key)).status_code == 200
    assert [row["kind"] for row in await stored(service)] == ["key_used"]
    move_clock(timedelta(hours=1))
    await client.get("/api/v1/merchants", headers=key)
    assert len(await stored(service)) == 2


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.200", True),
        ("192.0.2.1", "192.0.3.1", False),
        ("2001:db8:1::1", "2001:db8:1:ffff::2", True),
        ("2001:db8:1::1", "2001:db8:2::1", False),
        ("unknown", "unknown", True),
    ],
)
async def test_addresses_of_one_network_count_as_one(
    service: Service, world: World, one: str, other: str, same: bool
) -> None:
    for source in (one, other):
        evidence.note_key_use(service, world.maker.actor, source)
    assert len(await stored(service)) == (1 if same else 2)


async def test_a_dfsp_reads_its_own_events_and_the_hub_all(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    for fsp_id in ("greenbankfsp", "lakemfi"):
        note(service, SecurityEvent.SIGNED_IN, actor=world[fsp_id]["maker"].actor, subject=fsp_id)
    note(service, SecurityEvent.SIGN_IN_FAILED, source="192.0.2.9")
    await stored(service)
    for who in ("auditor", "admin"):
        [own] = await listed(client, world["lakemfi"][who].headers)
        assert (own["subject"], own["actor_name"]) == ("lakemfi", "maker")
    assert len(await listed(client, world.operator.headers)) == 3
    assert [one["source"] for one in await listed(client, world.operator.headers, "?kind=sign_in_failed")] == [
        "192.0.2.9"
    ]
    for who in ("maker", "checker"):
        assert (await client.get(EVENTS, headers=world["lakemfi"][who].headers)).status_code == 403


async def test_who_looked_at_a_person_is_found_by_name(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    application = await builders.create_application(service, world.maker)
    body = {"path": "owners[0].id_number", "reason": "onboarding"}
    path = f"/api/v1/applications/{application.id}/reveal"
    assert (await client.post(path, json=body, headers=world.maker.headers)).status_code == 200
    await stored(service)
    auditor = world["greenbankfsp"]["auditor"].headers
    [look] = await listed(client, auditor, f"?kind=personal_data_read&subject={application.id}")
    assert (look["actor_name"], look["detail"]) == ("maker", {"path": "owners[0].id_number", "why": "onboarding"})
    assert await listed(client, auditor, f"?subject={application.id}&actor_id={world.checker.actor.id}") == []


@pytest.mark.parametrize("query", ["?kind=nothing", "?actor_id=1", "?from=now", "?who=1"])
async def test_a_bad_filter_is_refused(client: httpx.AsyncClient, world: World, query: str) -> None:
    answered = await client.get(EVENTS + query, headers=world.operator.headers)
    assert answered.status_code == 400


async def test_events_are_forgotten_after_ninety_days(
    service: Service, move_clock: Callable[[timedelta], datetime]
) -> None:
    note(service, SecurityEvent.SIGNED_IN)
    await stored(service)
    move_clock(timedelta(days=89))
    await prune(service)
    note(service, SecurityEvent.SIGNED_OUT)
    assert len(await stored(service)) == 2
    move_clock(timedelta(days=2))
    await prune(service)
    assert [row["kind"] for row in await stored(service)] == ["signed_out"]
