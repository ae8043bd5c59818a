"""Another DFSP, and another merchant of the same DFSP, find nothing: on every route, in every table."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import msgspec
import pytest

from merchant.compliance.cases.models import HitDecision, ReleasedHit, RiskOverride, ScreeningDecision
from merchant.compliance.cases.rights.models import Erasure, LegalHold
from merchant.compliance.documents.models import LooseFile
from merchant.compliance.providers.models import PhoneCode
from merchant.core import vault
from merchant.core.access import COUNTER_KEY_SCOPES, MERCHANT_KEY_SCOPES, MERCHANT_ROLES, Role
from merchant.core.db import APP_ROLE
from merchant.core.evidence import StoredEvent
from merchant.core.service import Service
from merchant.migrations import schema
from merchant.notify.models import EmailMessage, NotificationChoice, SmsMessage
from merchant.payments.models import LimitUsage, Payment, Quote, SentMessage, Transfer
from merchant.registry.aliases.models import AliasCount
from merchant.registry.codes.stickers import EndedSticker
from tests import builders
from tests.api.everything import Route, Things, call, routes_on_things, strongest
from tests.builders import World

pytestmark = pytest.mark.anyio
# Tables that hold rows of greenbankfsp once `things` are made; the others are filled by SQL below.
TENANT_TABLES = schema.tenant_tables()


async def rows_of(service: Service, dfsp_id: UUID, table: str) -> list[Any]:
    """What the service itself sees of a DFSP."""
    async with service.db.system() as tx:
        column = "dfsp_id::text" if table == "idempotency_key" else "dfsp_id"
        of_tenant = str(dfsp_id) if table == "idempotency_key" else dfsp_id
        return await tx.fetch(f"SELECT * FROM {table} WHERE {column} = $1 ORDER BY 1, 2", of_tenant)


async def all_rows(service: Service, dfsp_id: UUID) -> dict[str, list[Any]]:
    return {table: await rows_of(service, dfsp_id, table) for table in TENANT_TABLES}


async def fill_empty_tables(service: Service, things: Things) -> None:
    """Rows in the tenant tables that only payments fill."""
    dfsp, merchant, counter = (UUID(things.ids[name]) for name in ("dfsp_id", "merchant_id", "counter_id"))
    application = UUID(things.ids["application_id"])
    place: dict[str, Any] = {"dfsp_id": dfsp, "merchant_id": merchant}
    money: dict[str, Any] = {"amount_minor": 1, "currency": "KES"}
    hub: dict[str, Any] = {"payer_fsp_id": "payerfsp", "transaction_id": "t1"}
    async with service.db.system() as tx:
        tx.session.add_all(
            [
                Quote(**place, **money, **hub, counter_id=counter, quote_id="q1", body_hash=b"x"),
                Transfer(
                    **place,
                    **money,
                    payer_fsp_id="payerfsp",
                    transfer_id="t1",
                    quote_id="q1",
                    state="RESERVED",
                    usage_day="2026-01-01",
                    body_hash=b"x",
                ),
                Payment(**place, **money, **hub, counter_id=counter, transfer_id="t1"),
                SentMessage(dfsp_id=dfsp, about="q1", sealed=b"x", sent_at=datetime(2026, 1, 1, tzinfo=UTC)),
                LimitUsage(**place, currency="KES", period="2026-01", taken_minor=1),
                SmsMessage(**place, phone_masked="2547**", text="paid"),
                EmailMessage(**place, kind="paid", address_masked="a****@shop.example", text="paid"),
                NotificationChoice(**place),
                RiskOverride(**place, band="high", lowers=False, reason_sealed=b"x", by_id=dfsp),
                LooseFile(stored_sha256="x", dfsp_id=dfsp),
                LegalHold(application_id=application, dfsp_id=dfsp, placed_by=dfsp),
                Erasure(application_id=application, dfsp_id=dfsp, why="person_asked", requested_by=dfsp),
                ScreeningDecision(
                    application_id=application,
                    version=1,
                    hit_id="x",
                    dfsp_id=dfsp,
                    decision="false_positive",
                    reason="r",
                    decided_by=dfsp,
                ),
                HitDecision(
                    application_id=application,
                    version=1,
                    hit_id="x",
                    dfsp_id=dfsp,
                    decision="false_positive",
                    proposed=False,
                    reason_sealed=b"x",
                    decided_by=dfsp,
                ),
                ReleasedHit(
                    dfsp_id=dfsp,
                    subject=b"x",
                    list_source="un",
                    entry_id="x",
                    entry_sha256="x",
                    application_id=application,
                    hit_id="x",
                    expires_at=datetime(2027, 1, 1, tzinfo=UTC),
                ),
                PhoneCode(
                    dfsp_id=dfsp,
                    application_id=application,
                    phone_digest=b"x",
                    code_digest=b"x",
                    facts=b"x",
                    tries_left=5,
                    sent_by=dfsp,
                    created_at=datetime(2026, 1, 1, tzinfo=UTC),
                    expires_at=datetime(2026, 1, 1, tzinfo=UTC),
                ),
                AliasCount(dfsp_id=dfsp, day=date(2026, 1, 1), claimed=1),
                EndedSticker(counter_id=counter, version=1, dfsp_id=dfsp, ended_as="replaced", reason="r"),
                StoredEvent(kind="key_used", dfsp_id=dfsp, detail={}),
            ]
        )


async def test_every_route_hides_another_dfsps_things(
    client: httpx.AsyncClient, service: Service, world: World, things: Things
) -> None:
    await fill_empty_tables(service, things)
    actors = await strongest(service, world, "lakemfi")
    before = await all_rows(service, world.dfsp_ids["greenbankfsp"])
    for route in routes_on_things(service):
        responses = [await call(client, route, things, who) for who in actors]
        assert not any(leaks(response, things) for response in responses), (str(route), [r.text for r in responses])
        if route.names:
            found = {response.status_code for response in responses}
            assert found <= {403, 404}, (str(route), found)
            assert 404 in found or needs_the_hub(route), (str(route), found)
    assert await all_rows(service, world.dfsp_ids["greenbankfsp"]) == before


def needs_the_hub(route: Route) -> bool:
    hubs = (
        "dfsps:write",
        "dfsps:confirm",
        "operations:read",
        "operations:write",
        "hub-keys:write",
        "lists:write",
        "merchants:block",
    )
    return route.permission is not None and route.permission.value in hubs


def leaks(response: httpx.Response, things: Things) -> bool:
    """Whether an answer names a thing that is not the caller's; a sentence may repeat what the caller sent."""
    if response.status_code >= 400:
        return "greenbank" in response.text
    return any(value in response.text for value in things.ids.values()) or "greenbank" in response.text


async def test_lists_of_another_dfsp_are_empty_whatever_they_filter(
    client: httpx.AsyncClient, service: Service, world: World, things: Things
) -> None:
    credentials = await strongest(service, world, "lakemfi")
    for route in routes_on_things(service):
        if route.method == "GET" and not route.names and route.is_list:
            choices = {name: allowed[0] for name, allowed in route.filters.items() if allowed}
            of_kind = {"instant": "2026-01-01T00:00:00Z", "date": "2026-01-01", "uuid": things.ids["user_id"]}
            of_name = {"payer": "+254711000001", "amount": "2.50", "currency": "KES"}
            given = {one.name: of_name.get(one.name, of_kind.get(one.kind, "Shop")) for one in route.declared.filters}
            wanted = given | {name: things.ids[name] for name in given if name in things.ids} | choices
            for who in credentials:
                response = await client.get(route.path, params=wanted, headers=who)
                assert response.status_code in (200, 403), str(route)
                assert not leaks(response, things), str(route)


async def test_a_merchants_own_key_finds_nothing_of_the_next_merchant(
    client: httpx.AsyncClient, service: Service, world: World, things: Things
) -> None:
    neighbour, _ = await builders.create_merchant(service, world)
    key = await builders.issue_key(
        service, world["greenbankfsp"]["admin"], sorted(MERCHANT_KEY_SCOPES), merchant_id=neighbour.id
    )
    await finds_nothing(client, service, world, things, [key])


async def test_a_merchants_own_people_find_nothing_of_the_next_merchant(
    client: httpx.AsyncClient, service: Service, world: World, things: Things
) -> None:
    """The owner, a cashier of all counters, and one who is bound to a counter; they look for people too."""
    dfsp_id = world.dfsp_ids["greenbankfsp"]
    neighbour, counters = await builders.create_merchant(service, world)
    place: dict[str, Any] = {"dfsp_id": dfsp_id, "merchant_id": neighbour.id}
    theirs: dict[str, Any] = {"dfsp_id": dfsp_id, "merchant_id": UUID(things.ids["merchant_id"])}
    who = []
    for name, role, bound in (
        ("owner", Role.MERCHANT_OWNER, None),
        ("cashier", Role.MERCHANT_CASHIER, None),
        ("till", Role.MERCHANT_CASHIER, counters[0].id),
    ):
        await builders.add_person(service, f"{name}@next.example", [role], **place, counter_id=bound)
        who.append((await builders.signed_in(service, f"{name}@next.example")).headers)
    people = [await builders.add_person(service, f"{role}@x.example", [role], **theirs) for role in MERCHANT_ROLES]
    await finds_nothing(client, service, world, things, who, who[0])
    for person in people:
        named = Things(things.ids | {"user_id": str(person.id)}, things.version_hash, things.location_id, "")
        await finds_nothing(client, service, world, named, who, who[0], of="user_id")


async def finds_nothing(
    client: httpx.AsyncClient,
    service: Service,
    world: World,
    things: Things,
    who: list[dict[str, str]],
    owner: dict[str, str] | None = None,
    of: str | None = None,
) -> None:
    """Call every route, or those that name one parameter, about things of the next merchant.

    The owner is told "not found" where the route is open to the own people, and not that it is not allowed.
    """
    others = {name: value for name, value in things.ids.items() if name != "dfsp_id"}
    before = await all_rows(service, world.dfsp_ids["greenbankfsp"])
    routes = [route for route in routes_on_things(service) if of is None or of in route.names]
    for route in routes:
        for headers in who:
            response = await call(client, route, things, headers)
            if response.status_code < 400:
                assert not any(value in response.text for value in others.values()), (str(route), response.text)
            if set(route.names) & set(others):
                assert response.status_code in (403, 404), (str(route), response.text)
                opens = route.declared.own_permission is not None and headers is owner
                assert not opens or response.status_code == 404, (str(route), response.text)
    after = await all_rows(service, world.dfsp_ids["greenbankfsp"])
    for table, rows in before.items():
        kept = [row for row in after[table] if row in rows]
        assert table == "audit_head" or len(kept) == len(rows), f"a row of {table} changed"


async def test_a_counters_key_finds_nothing_of_the_next_counter(
    client: httpx.AsyncClient, service: Service, world: World, things: Things
) -> None:
    """Neither with a key of today, nor with one of before, which could hold all that a merchant's key may, nor as the
    cashier of a counter.
    """
    admin = world["greenbankfsp"]["admin"]
    other = {"location_id": things.location_id, "name": "Next door"}
    headers = {**world.maker.headers, "idempotency-key": "next"}
    path = f"/api/v1/merchants/{things.ids['merchant_id']}/counters"
    added = (await client.post(path, json=other, headers=headers)).json()
    key = await builders.issue_key(service, admin, sorted(COUNTER_KEY_SCOPES), counter_id=UUID(added["id"]))
    old = await builders.issue_key(service, admin, ["payments:read"], counter_id=UUID(added["id"]))
    async with service.db.system() as tx:
        digest = vault.token_digest(old["x-api-key"])
        await tx.execute("UPDATE api_key SET scopes = $1 WHERE digest = $2", sorted(MERCHANT_KEY_SCOPES), digest)
        number = await tx.fetchval("SELECT alias FROM counter WHERE id = $1", UUID(things.ids["counter_id"]))
    around = {"dfsp_id", "merchant_id"}
    hidden = [value for name, value in things.ids.items() if name not in around] + [number]
    place: dict[str, Any] = {"dfsp_id": world.dfsp_ids["greenbankfsp"], "merchant_id": UUID(things.ids["merchant_id"])}
    till = [Role.MERCHANT_CASHIER]
    await builders.add_person(service, "till@next.example", till, **place, counter_id=UUID(added["id"]))
    cashier = (await builders.signed_in(service, "till@next.example")).headers
    before = await all_rows(service, world.dfsp_ids["greenbankfsp"])
    for who in (key, old, cashier):
        for route in routes_on_things(service):
            response = await call(client, route, things, who)
            if response.status_code < 400 and route.shape != "ScannedCode":  # what a code says is public
                assert not any(value in response.text for value in hidden), (str(route), response.text)
            if set(route.names) - around or (route.method != "GET" and route.shape not in ("ScannedCode", None)):
                assert response.status_code in (403, 404), (str(route), response.text)
    after = await all_rows(service, world.dfsp_ids["greenbankfsp"])
    for table, rows in before.items():
        kept = [row for row in after[table] if row in rows]
        assert table == "audit_head" or len(kept) == len(rows), f"a row of {table} changed"


async def test_every_tenant_table_is_empty_for_another_dfsp(service: Service, world: World, things: Things) -> None:
    await fill_empty_tables(service, things)
    owner, other = world.dfsp_ids["greenbankfsp"], world.dfsp_ids["lakemfi"]
    for table in TENANT_TABLES:
        assert await rows_of(service, owner, table), f"nothing to hide in {table}: fill it in this test"
        async with service.db.tenant(other) as tx:
            seen = await tx.fetchval(f"SELECT count(*) FROM {table} WHERE dfsp_id::text = $1", str(owner))
        assert seen == 0, table
        async with service.db.tenant(owner) as tx:
            assert await tx.fetchval(f"SELECT count(*) FROM {table} WHERE dfsp_id::text = $1", str(owner)), table


async def test_writes_to_another_dfsps_rows_change_nothing(service: Service, world: World, things: Things) -> None:
    await fill_empty_tables(service, things)
    owner, other = world.dfsp_ids["greenbankfsp"], world.dfsp_ids["lakemfi"]
    before = await all_rows(service, owner)
    for table in TENANT_TABLES:
        for statement in (f"UPDATE {table} SET dfsp_id = dfsp_id", f"DELETE FROM {table} WHERE dfsp_id::text = $1"):
            values = (str(owner),) if "$1" in statement else ()
            try:
                async with service.db.tenant(other) as tx:
                    await tx.execute(statement, *values)
            except asyncpg.InsufficientPrivilegeError:
                assert table in schema.APPEND_ONLY | {"audit_head"}, table
            except asyncpg.ForeignKeyViolationError:
                pass  # the other DFSP's own rows hang together
    assert await all_rows(service, owner) == before


async def test_a_row_cannot_be_written_for_another_dfsp_nor_given_to_it(
    service: Service, world: World, things: Things
) -> None:
    owner, other = world.dfsp_ids["greenbankfsp"], world.dfsp_ids["lakemfi"]
    merchant = UUID(things.ids["merchant_id"])
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with service.db.tenant(other) as tx:
            await tx.execute(
                "INSERT INTO limit_usage (merchant_id, period, currency, dfsp_id, taken_minor, payments)"
                " VALUES ($1, 'x', 'KES', $2, 1, 1)",
                merchant,
                owner,
            )
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with service.db.tenant(owner) as tx:
            await tx.execute("UPDATE merchant SET dfsp_id = $2 WHERE id = $1", merchant, other)


async def test_a_dfsp_cannot_change_what_all_share(service: Service, world: World) -> None:
    for statement in ("UPDATE scheme SET name = 'mine'", "UPDATE dfsp SET enabled = false", "DELETE FROM scheme"):
        async with service.db.tenant(world.dfsp_ids["lakemfi"]) as tx:
            assert await tx.execute(statement) == 0, statement


async def test_without_a_tenant_no_row_is_seen(database_url: str, service: Service, things: Things) -> None:
    await fill_empty_tables(service, things)
    connection = await asyncpg.connect(database_url, server_settings={"role": APP_ROLE})
    try:
        for table in TENANT_TABLES:
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0, table
        # A setting that ended with its transaction reads as the empty text, not as unset.
        async with connection.transaction():
            await connection.execute("SET LOCAL app.dfsp_id = 'hub'")
        for table in TENANT_TABLES:
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0, table
    finally:
        await connection.close()


async def test_the_tenant_of_one_request_is_gone_for_the_next_borrower_of_its_connection(
    service: Service, world: World, things: Things
) -> None:
    owner, other = world.dfsp_ids["greenbankfsp"], world.dfsp_ids["lakemfi"]
    for dfsp_id, expected in ((owner, 1), (other, 0), (owner, 1), (None, 1), (other, 0)):
        async with service.db.tenant(dfsp_id) as tx:
            assert await tx.fetchval("SELECT count(*) FROM merchant") == expected


async def test_the_app_role_cannot_read_what_only_the_service_may(service: Service, world: World) -> None:
    for table in schema.SYSTEM_TABLES:
        for statement in (f"SELECT 1 FROM {table}", f"DELETE FROM {table}"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with service.db.tenant(None) as tx:
                    await tx.execute(statement)


async def test_a_dfsp_admin_cannot_make_accounts_or_keys_for_another_dfsp(
    client: httpx.AsyncClient, world: World
) -> None:
    admin = world["lakemfi"]["admin"].headers
    other = str(world.dfsp_ids["greenbankfsp"])
    user = {"email": "x@x.example", "name": "X", "roles": ["dfsp_maker"]}
    response = await client.post("/api/v1/users", json={**user, "dfsp_id": other}, headers=admin)
    assert (response.status_code, response.json()["errors"][0]["path"]) == (422, "dfsp_id")
    key = {"name": "x", "scopes": ["merchants:read"], "dfsp_id": other}
    response = await client.post("/api/v1/api-keys", json=key, headers=admin)
    assert (response.status_code, response.json()["errors"][0]["path"]) == (422, "dfsp_id")


async def test_an_idempotency_key_of_another_dfsp_is_another_key(client: httpx.AsyncClient, world: World) -> None:
    ids = set()
    for fsp_id in ("greenbankfsp", "lakemfi"):
        headers = {**world[fsp_id]["maker"].headers, "idempotency-key": "same"}
        response = await client.post("/api/v1/applications", json={}, headers=headers)
        assert response.status_code == 201
        ids.add(msgspec.json.decode(response.content)["id"])
    assert len(ids) == 2
