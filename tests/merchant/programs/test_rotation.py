"""Key rotation: a new first key, everything sealed anew under it, the old key then dropped."""

import msgspec
import pytest
from sqlalchemy import LargeBinary

from merchant.core import inbox
from merchant.core.db import Tx
from merchant.core.money import Money
from merchant.core.phone import Msisdn
from merchant.core.service import Service, open_service
from merchant.core.settings import Settings
from merchant.core.vault import BadSecretKey, Vault
from merchant.migrations import schema
from merchant.payments import outgoing
from merchant.payments.models import Quote
from merchant.payments.requests import NewRequest, create_request
from merchant.programs import rotation
from merchant.programs.rotation import SEALED_COLUMNS, rotate
from merchant.registry.applications.models import Application
from merchant.scheme import keys
from tests import builders
from tests.builders import SECRET_KEY, World

pytestmark = pytest.mark.anyio
NEW_KEY = "new:" + "QkJC" * 10 + "QkI="


async def all_steps(service: Service) -> list[tuple[str, int, int]]:
    return [step async for step in rotate(service)]


def rotated_settings(settings: Settings, *keys_: str) -> Settings:
    return msgspec.structs.replace(settings, secret_key=",".join(keys_))


async def fill(service: Service, world: World) -> None:
    """At least one row in every sealed column."""
    application = await builders.create_application(service, world.maker, submitted=True)
    merchant, counters = await builders.create_merchant(service, world)
    vault, endpoint_id = service.vault, application.id
    place = (merchant.dfsp_id, merchant.id)
    message = inbox.Message("POST", "/quotes", "payerfsp", "greenbankfsp", "1.1", b"{}")
    letter = outgoing.QueuedMessage(
        method="GET", path="/parties/MSISDN/254711000001", source="greenbankfsp", destination=""
    )
    money = NewRequest(counter_id=counters[0].id, amount=Money(100, "KES"), payer=Msisdn("254711000001"))
    async with service.db.system() as tx:
        await inbox.store_once(tx, vault, message)
        await outgoing.queue(tx, service, letter, merchant.dfsp_id)
        await create_request(tx, service, world.maker.actor, money)
        tx.session.add(
            Quote(
                payer_fsp_id="payerfsp",
                quote_id="q1",
                dfsp_id=merchant.dfsp_id,
                merchant_id=merchant.id,
                counter_id=counters[0].id,
                transaction_id="t1",
                body_hash=b"x",
                answer=vault.seal(b"{}", "quote:q1"),
                amount_minor=100,
                currency="KES",
            )
        )
        await tx.execute(
            "INSERT INTO webhook_endpoint (id, dfsp_id, merchant_id, url, secret_sealed, event_types, enabled,"
            " created_at) VALUES ($1, $2, $3, 'https://shop.example', $4, '{}', true, now())",
            endpoint_id,
            *place,
            vault.seal(b"whsec_x", f"webhook:{endpoint_id}"),
        )
        await tx.execute(
            "INSERT INTO idempotency_key (scope, key, dfsp_id, input_hash, status, body_sealed, created_at)"
            " VALUES ('s', 'k', $1, '\\x00', 201, $2, now())",
            str(merchant.dfsp_id),
            vault.seal(b"{}", "idempotency:s/k"),
        )
        await tx.execute(
            "INSERT INTO ussd_session (gateway, session_id, msisdn_digest, state, expires_at, touched_at)"
            " VALUES ('africastalking', 's1', '\\x00', '\\x00', now(), now())"
        )


def test_every_sealed_column_of_the_schema_is_rotated() -> None:
    named = {
        (table.name, column.name)
        for table in schema.metadata.tables.values()
        for column in table.columns
        if column.name.endswith("sealed")
    }
    assert named <= {(column.table, column.column) for column in SEALED_COLUMNS}


async def sealed_under(tx: Tx, vault: Vault) -> set[str]:
    """Every column of binary values, of any table, that holds one which the vault's first key sealed."""
    return {
        f"{table.name}.{column.name}"
        for table in schema.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, LargeBinary)
        for row in await tx.fetch(f"SELECT {column.name} FROM {table.name} WHERE {column.name} IS NOT NULL")
        if row[0].startswith(vault.prefix)
    }


def test_every_phone_digest_of_the_schema_is_rotated_or_short_lived() -> None:
    digests = {
        f"{table.name}.{column.name}"
        for table in schema.metadata.tables.values()
        for column in table.columns
        if column.name.endswith("digest")
    }
    # Digests of tokens and messages are plain hashes; they hang on no key.
    keyless = {"api_key.digest", "inbox.digest", "event_ticket.digest"}
    assert digests - keyless == {
        "application_identifier.digest",
        "merchant.phone_digest",
        "payment_request.payer_digest",
        "ussd_session.msisdn_digest",
    }


async def test_after_rotation_the_old_key_may_be_dropped(
    service: Service, world: World, settings: Settings, database_url: str
) -> None:
    await fill(service, world)
    async with service.db.system() as tx:
        before = await sealed_under(tx, service.vault)
    assert before == {f"{column.table}.{column.column}" for column in SEALED_COLUMNS}
    async with open_service(rotated_settings(settings, NEW_KEY, SECRET_KEY), database_url) as both:
        steps = await all_steps(both)
    finished = {table: (done, total) for table, done, total in steps}
    assert set(finished) == {column.table for column in SEALED_COLUMNS}
    assert all(done == total > 0 for done, total in finished.values()), finished
    async with (
        open_service(rotated_settings(settings, NEW_KEY), database_url) as only_new,
        only_new.db.system() as tx,
    ):
        assert await sealed_under(tx, service.vault) == set()
        assert await sealed_under(tx, only_new.vault) == before
        for column in SEALED_COLUMNS:
            for row in await tx.fetch(
                column.sql("SELECT {keys}, {column} AS sealed FROM {table} WHERE {where} AND {column} IS NOT NULL")
            ):
                assert only_new.vault.open(row["sealed"], column.context.format_map(row))
        assert await keys.valid_keys(tx, only_new.vault, "greenbankfsp", keys.JWS_SIGN)
        assert await tx.fetchval("SELECT count(*) FROM ussd_session") == 0


async def test_blind_indexes_find_the_same_people_after_rotation(
    service: Service, world: World, settings: Settings, database_url: str
) -> None:
    await fill(service, world)
    document = builders.company()
    document["owners"][0]["id_number"] = "ROTATE-1"
    application = await builders.create_application(service, world.maker, document)
    new_vault = Vault(NEW_KEY)
    async with open_service(rotated_settings(settings, NEW_KEY, SECRET_KEY), database_url) as both:
        await all_steps(both)
        async with both.db.system() as tx:
            found = await tx.fetch(
                "SELECT application_id FROM application_identifier WHERE digest = $1",
                new_vault.digest("id_number", "ROTATE-1"),
            )
            assert [row[0] for row in found] == [application.id]
            phones = await tx.fetchrow("SELECT phone_sealed, phone_digest, id FROM merchant")
            assert phones is not None
            phone = new_vault.open(phones["phone_sealed"], f"merchant:{phones['id']}").decode()
            assert phones["phone_digest"] == new_vault.digest("phone", phone)
            payers = await tx.fetchval("SELECT payer_digest FROM payment_request")
            assert payers == Msisdn("254711000001").digest(new_vault)


async def test_an_interrupted_rotation_is_taken_up_where_it_stopped(
    service: Service, world: World, settings: Settings, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "BATCH_ROWS", 2)
    for _ in range(5):
        await builders.create_application(service, world.maker)
    async with open_service(rotated_settings(settings, NEW_KEY, SECRET_KEY), database_url) as both:
        stopped = rotate(both)
        assert [await anext(stopped), await anext(stopped)] == [("application", 0, 5), ("application", 2, 5)]
        await stopped.aclose()
        steps = await all_steps(both)
        assert [step for step in steps if step[0] == "application"] == [
            ("application", 0, 3),
            ("application", 2, 3),
            ("application", 3, 3),
        ]
        assert all(total == 0 for _, _, total in await all_steps(both))


async def test_all_versions_of_an_application_are_rotated_though_they_share_its_id(
    service: Service, world: World, settings: Settings, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "BATCH_ROWS", 1)
    application = await builders.create_application(service, world.maker, submitted=True)
    async with service.db.system() as tx:
        await tx.execute(
            "INSERT INTO application_version SELECT application_id, 2, dfsp_id, version_hash, sections_sealed, makers,"
            " report, submitted_at FROM application_version WHERE application_id = $1",
            application.id,
        )
    async with open_service(rotated_settings(settings, NEW_KEY, SECRET_KEY), database_url) as both:
        await all_steps(both)
        async with both.db.system() as tx:
            rows = await tx.fetch("SELECT sections_sealed FROM application_version")
        assert [row[0].startswith(both.vault.prefix) for row in rows] == [True, True]


async def test_a_rotation_without_the_old_key_says_which_key_is_missing(
    service: Service, world: World, settings: Settings, database_url: str
) -> None:
    await builders.create_application(service, world.maker)
    async with open_service(rotated_settings(settings, NEW_KEY), database_url) as only_new:
        with pytest.raises(BadSecretKey, match="lacks key 'test'"):
            await all_steps(only_new)
        async with service.db.system() as tx:
            sealed = await tx.fetchval("SELECT sections_sealed FROM application")
    assert sealed.startswith(service.vault.prefix)


async def test_an_application_edited_after_rotation_still_opens(
    service: Service, world: World, settings: Settings, database_url: str
) -> None:
    application = await builders.create_application(service, world.maker)
    async with open_service(rotated_settings(settings, NEW_KEY, SECRET_KEY), database_url) as both:
        await all_steps(both)
        async with both.db.tenant(application.dfsp_id) as tx:
            row = await tx.session.get(Application, application.id)
            assert row is not None
            assert both.vault.open(row.sections_sealed, f"application:{row.id}")
