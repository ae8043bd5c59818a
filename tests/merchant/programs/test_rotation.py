"""Key rotation: a new first key, everything sealed anew under it, the old key then dropped."""

import asyncio
import base64
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import LargeBinary

from merchant.channels.ussd.routes import NewRoute, add_route
from merchant.compliance.cases import adjudication, appeals, review, risk_overrides
from merchant.compliance.cases.models import Application, Verification
from merchant.compliance.cases.verifications import DETAILS
from merchant.compliance.lists import operations as lists
from merchant.compliance.lists.content import blocklist_digest
from merchant.core import audit, ids, inbox, outbox
from merchant.core.access import SERVICE, Role
from merchant.core.db import Tx
from merchant.core.money import Money
from merchant.core.phone import Msisdn
from merchant.core.secret_key import NoSecretKey
from merchant.core.service import Service, open_service
from merchant.core.settings import Settings
from merchant.core.vault import BadSecretKey, Vault
from merchant.exchange import imports, outcomes
from merchant.exchange.models import ImportBatch, ImportJob
from merchant.migrations import schema
from merchant.notify import email
from merchant.payments import outgoing
from merchant.payments.models import Payment, Quote
from merchant.payments.operations import NewRequest, create_request
from merchant.payments.refunds.models import Refund
from merchant.people import links, totp
from merchant.people.registration import claims
from merchant.people.registration.addresses import Address
from merchant.people.registration.models import CLAIM_REASON
from merchant.people.registration.register import add_account
from merchant.programs import rotation
from merchant.programs.rotation import SEALED_COLUMNS, rotate
from merchant.registry.codes import stickers
from merchant.scheme import keys
from tests import builders
from tests.api.everything import OWN_LIST, add_claim, add_report, listed_company
from tests.builders import SECRET_KEY, World

pytestmark = pytest.mark.anyio
NEW_KEY = "new:" + "QkJC" * 10 + "QkI="
DIGESTS = (
    ("application_identifier", "digest"),
    ("app_user", "phone_digest"),
    ("blocked_identifier", "digest"),
    ("merchant", "phone_digest"),
    ("merchant_claim", "claimant_digest"),
    ("payment_request", "payer_digest"),
    ("ussd_session", "msisdn_digest"),
)


async def all_steps(service: Service) -> list[tuple[str, int, int]]:
    return [step async for step in rotate(service)]


def rotated_settings(settings: Settings, *keys_: str) -> Settings:
    return msgspec.structs.replace(settings, secret_key=",".join(keys_))


async def fill(service: Service, world: World) -> None:
    """At least one row in every sealed column."""
    application = await builders.create_application(service, world.maker, listed_company(), submitted=True)
    await decide(service, world, application)
    await builders.create_document(service, world.maker, application)
    merchant, counters = await builders.create_merchant(service, world)
    vault, endpoint_id = service.vault, application.id
    place = (merchant.dfsp_id, merchant.id)
    message = inbox.Message("POST", "/quotes", "payerfsp", "greenbankfsp", "1.1", b"{}")
    letter = outgoing.QueuedMessage(
        method="GET", path="/parties/MSISDN/254711000001", source="greenbankfsp", destination=""
    )
    money = NewRequest(counter_id=counters[0].id, amount=Money(100, "KES"), payer=Msisdn("254711000001"))
    await links.request_reset(service, world.maker.email, "")
    own_list = await lists.prepare_list(service, "own", base64.b64decode(OWN_LIST))
    claim_id = await add_claim(service, merchant.dfsp_id, merchant.id)
    await add_report(service, counters[0])
    async with service.db.system() as tx:
        phone = Address(phone=Msisdn("254711000998"))
        await add_account(tx, phone, "Njeri", merchant.dfsp_id, Role.MERCHANT_APPLICANT, language="en")
        why = vault.seal(b"Seen.", CLAIM_REASON.format(id=claim_id))
        await tx.execute("UPDATE merchant_claim SET reason_sealed = $2 WHERE id = $1", claim_id, why)
        await outbox.add(tx, claims.CLAIM_TOPIC, vault.seal(b"{}", claims.CLAIM_TOPIC))
        sent = "INSERT INTO sent_message (id, dfsp_id, about, sealed, sent_at) VALUES ($1, $2, 'x', $3, now())"
        sent_id = ids.uuid7()
        await tx.execute(sent, sent_id, merchant.dfsp_id, vault.seal(b"{}", outgoing.CONTEXT.format(id=sent_id)))
        held = blocklist_digest(vault)("phone", "254711000001")
        await tx.execute(
            "INSERT INTO blocked_identifier (kind, digest, merchant_id, reason_code, blocked_at, expires_at)"
            " VALUES ('phone', $1, $2, 'collusion', now(), now())",
            held,
            merchant.id,
        )
        await stickers.replace_sticker(tx, world.maker.actor, counters[0].id, "Worn.", stickers.Standing.REPLACED)
        await audit.record(tx, SERVICE, "test.done", "thing", 1, dfsp_id=merchant.dfsp_id, reason="Because.")
        await totp.begin(tx, service, world.maker.actor)
        for kind in ("console", "smtp"):
            sender = Service(msgspec.structs.replace(service.settings, mail_kind=kind), service.db)
            await email.send(tx, sender, to="a@x.example", subject="S", text="T", link="L", dfsp_id=None)
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
                payer_sealed=vault.seal(b"MSISDN:254711000001", "payer:t1"),
            )
        )
        payment = Payment(
            dfsp_id=merchant.dfsp_id,
            merchant_id=merchant.id,
            counter_id=counters[0].id,
            payer_fsp_id="payerfsp",
            transfer_id="f1",
            transaction_id="t1",
            amount_minor=100,
            currency="KES",
            payer_sealed=vault.seal(b"MSISDN:254711000001", "payer:t1"),
        )
        tx.session.add(payment)
        await tx.flush()
        refund_id = ids.uuid7()
        tx.session.add(
            Refund(
                id=refund_id,
                dfsp_id=merchant.dfsp_id,
                merchant_id=merchant.id,
                counter_id=counters[0].id,
                payment_id=payment.id,
                state="sent",
                amount_minor=100,
                currency="KES",
                reason="CUST",
                payee_type="MSISDN",
                payee_sealed=vault.seal(b"254711000001", f"refund:{refund_id}"),
                payee_fsp_id="payerfsp",
                transaction_id="t2",
                quote_id="q2",
                transfer_id="f2",
                gives_back=True,
                maker_id=ids.uuid7(),
                maker_name="A maker",
                channel="api",
            )
        )
        await tx.execute(
            "INSERT INTO webhook_endpoint (id, dfsp_id, merchant_id, url, secret_sealed, old_secret_sealed,"
            " event_types, enabled, created_at) VALUES ($1, $2, $3, 'https://shop.example', $4, $4, '{}', true, now())",
            endpoint_id,
            *place,
            vault.seal(b"whsec_x", f"webhook:{endpoint_id}"),
        )
        await lists.put_list(tx, service, SERVICE, own_list)
        job = ImportJob(
            dfsp_id=merchant.dfsp_id,
            total=1,
            actor_kind="user",
            actor_id=world.maker.actor.id,
            file_name="shops.csv",
            file_sha256="",
            dry_run=False,
            submit=False,
        )
        waiting = vault.seal(b"[]", imports.ROWS.format(import_id=job.id, number=0))
        done = outcomes.seal(vault, job.id, 0, [])
        tx.session.add(job)
        await tx.flush()
        batch = ImportBatch(import_id=job.id, number=0, dfsp_id=job.dfsp_id, rows_sealed=waiting, outcomes_sealed=done)
        tx.session.add(batch)
        seen = Verification(
            dfsp_id=merchant.dfsp_id,
            merchant_id=merchant.id,
            attribute="site",
            subject="locations[0]",
            outcome="verified",
            method="agent_visit",
            by_kind="service",
            facts=b"x",
        )
        seen.details_sealed = vault.seal(b"{}", DETAILS.format(id=seen.id))
        tx.session.add(seen)
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
        centre = {"smsc_url": "smpps://192.0.2.7:2775", "system_id": "registry", "password": "s3cret"}
        await add_route(tx, service, NewRoute("smpp", **centre))


async def decide(service: Service, world: World, application: Application) -> None:
    """Every decision that has a reason."""
    checker, hit_id = world.checker.actor, builders.report_of(application)["hits"][0]["id"]
    rejected = await builders.create_application(service, world.maker, submitted=True)
    async with service.db.tenant(checker.dfsp_id) as tx:
        await risk_overrides.set_by_hand(tx, service, checker, rejected.id, "high", "Rumours.", None)
        await adjudication.decide_hit(tx, service, checker, application.id, hit_id, "true_match", "The same.")
        await adjudication.decide_hit(tx, service, checker, application.id, hit_id, "false_positive", "Another.")
        await review.return_for_changes(tx, checker, application.id, [{"path": "owners[0]", "reason": "Look."}])
        await review.reject(tx, checker, rejected.id, "No.")
        other = world["greenbankfsp"]["maker2"].actor
        await appeals.appeal(tx, service, other, rejected.id, "Look again.")


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


def test_every_blind_index_of_the_schema_is_known_here() -> None:
    found = {
        f"{table.name}.{column.name}"
        for table in schema.metadata.tables.values()
        for column in table.columns
        if column.name.endswith("digest")
    }
    # Digests of tokens and messages are plain hashes; they hang on no key.
    keyless = {"api_key.digest", "inbox.digest", "event_ticket.digest", "account_token.digest", "known_device.digest"}
    keyless |= {"passkey_challenge.digest"}
    keyless |= {f"ussd_route.{name}_digest" for name in ("secret", "previous", "trial")}
    # Codes are valid for minutes: whoever holds one when indexes are made anew asks for another.
    short_lived = {"phone_code.phone_digest", "phone_code.code_digest"}
    short_lived |= {"one_time_code.digest", "one_time_code.code_digest"}
    # Younger than the installation's own secret, so that no rotation ever left one on a key.
    since_the_secret = {"payment.payer_digest", "quote.payer_digest", "code_report.source_digest"}
    since_the_secret |= {"ussd_phone.msisdn_digest", "ussd_route.proof_digest"}
    assert found - keyless - short_lived - since_the_secret == {f"{table}.{column}" for table, column in DIGESTS}


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
        assert await tx.fetchval("SELECT count(*) FROM ussd_session") == 1


async def test_blind_indexes_stay_as_they_are_when_keys_are_rotated(
    service: Service, world: World, settings: Settings, database_url: str
) -> None:
    await fill(service, world)
    before = await digests(service)
    assert len(before) > 3
    async with open_service(rotated_settings(settings, NEW_KEY, SECRET_KEY), database_url) as both:
        await all_steps(both)
        assert await digests(both) == before
    async with open_service(rotated_settings(settings, NEW_KEY), database_url) as only_new:
        assert Msisdn("254711000001").digest(only_new.vault) == Msisdn("254711000001").digest(service.vault)
        assert Msisdn("254711000001").digest(only_new.vault) not in (
            Msisdn("254711000001").digest(Vault(NEW_KEY)),
            Msisdn("254711000001").digest(Vault(SECRET_KEY)),
        )


async def digests(service: Service) -> set[tuple[str, bytes]]:
    """Every blind index that is stored."""
    async with service.db.system() as tx:
        return {
            (table, row[0])
            for table, column in DIGESTS
            for row in await tx.fetch(f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL")
        }


async def without_canary(service: Service, world: World) -> None:
    """Make the database one of the release before, whose blind indexes hung on the first secret key."""
    async with service.db.system() as tx:
        await tx.execute("DELETE FROM vault_canary")
    service.vault.use_index_secret(Vault(SECRET_KEY).index_secret_of("test"))
    await fill(service, world)


async def test_an_older_installation_gets_a_canary_that_keeps_its_blind_indexes(
    service: Service, world: World, settings: Settings, database_url: str
) -> None:
    await without_canary(service, world)
    before = await digests(service)
    # Its operator put a new key in front and started this release: the index still hangs on the key that wrote it.
    async with open_service(rotated_settings(settings, NEW_KEY, SECRET_KEY), database_url) as both:
        await rotation.adopt_canary(both)
        assert Msisdn("254711000001").digest(both.vault) in {digest for _, digest in before}
        await all_steps(both)
        assert await digests(both) == before
    async with open_service(rotated_settings(settings, NEW_KEY), database_url) as only_new:
        assert Msisdn("254711000001").digest(only_new.vault) in {digest for _, digest in before}


async def test_an_older_installation_gets_no_canary_under_a_key_that_opens_nothing(
    service: Service, world: World, settings: Settings, database_url: str
) -> None:
    await without_canary(service, world)
    async with open_service(rotated_settings(settings, NEW_KEY), database_url) as stranger:
        with pytest.raises(BadSecretKey, match="lacks key 'test'"):
            await rotation.adopt_canary(stranger)
        async with service.db.system() as tx:
            assert not await tx.fetchval("SELECT 1 FROM vault_canary")


async def test_programs_that_start_together_agree_on_one_canary(
    service: Service, world: World, settings: Settings, database_url: str
) -> None:
    async with service.db.system() as tx:
        await tx.execute("DELETE FROM vault_canary")
        await tx.execute("DELETE FROM scheme_key")
    async with open_service(settings, database_url) as one, open_service(settings, database_url) as other:
        await asyncio.gather(rotation.adopt_canary(one), rotation.adopt_canary(other))
        assert one.vault.digest("phone", "1") == other.vault.digest("phone", "1")


async def test_the_keys_in_use_are_found_with_their_tables(
    service: Service, world: World, settings: Settings, database_url: str
) -> None:
    await fill(service, world)
    assert set(await rotation.key_ids_in_use(service)) == {"test"}
    async with open_service(rotated_settings(settings, NEW_KEY, SECRET_KEY), database_url) as both:
        await builders.create_application(both, world.maker)
        used = await rotation.key_ids_in_use(both)
        assert "application" in used["new"]
        assert "merchant" in used["test"]
        await all_steps(both)
        assert set(await rotation.key_ids_in_use(both)) == {"new"}


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
        # The first of the table's columns; nothing was found or decided yet.
        assert [step for step in steps if step[0] == "application"][:3] == [
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
            " report, submitted_at, report_sealed FROM application_version WHERE application_id = $1",
            application.id,
        )
    async with open_service(rotated_settings(settings, NEW_KEY, SECRET_KEY), database_url) as both:
        await all_steps(both)
        async with both.db.system() as tx:
            rows = await tx.fetch("SELECT sections_sealed FROM application_version")
        assert [row[0].startswith(both.vault.prefix) for row in rows] == [True, True]


async def test_a_service_without_the_key_of_its_data_does_not_open(settings: Settings, database_url: str) -> None:
    with pytest.raises(BadSecretKey, match=r"lacks key 'test'.*it holds 'new'"):
        async with open_service(rotated_settings(settings, NEW_KEY), database_url):
            pass


async def test_a_service_without_any_key_does_not_open_and_makes_none(
    settings: Settings, database_url: str, tmp_path: Path
) -> None:
    with pytest.raises(NoSecretKey, match=r"secret\.key does not exist and MERCHANT_SECRET_KEY is not set"):
        async with open_service(rotated_settings(settings), database_url):
            pass
    assert not list(tmp_path.iterdir())


async def test_a_service_with_another_key_of_the_same_name_does_not_open(settings: Settings, database_url: str) -> None:
    with pytest.raises(BadSecretKey, match=r"'test' .* has the name of the key .* but it is another one"):
        async with open_service(rotated_settings(settings, NEW_KEY.replace("new:", "test:")), database_url):
            pass


async def test_a_rotation_without_the_old_key_says_which_key_is_missing(
    service: Service, world: World, settings: Settings, database_url: str
) -> None:
    application = await builders.create_application(service, world.maker)
    other = Vault("other:" + NEW_KEY.partition(":")[2])
    async with service.db.system() as tx:
        sealed = other.seal(b"{}", f"application:{application.id}")
        await tx.execute("UPDATE application SET sections_sealed = $2 WHERE id = $1", application.id, sealed)
    with pytest.raises(BadSecretKey, match="lacks key 'other'"):
        await all_steps(service)
    async with service.db.system() as tx:
        assert await tx.fetchval("SELECT sections_sealed FROM application") == sealed


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
