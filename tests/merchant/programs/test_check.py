"""`merchant check` finds each fault that is made for real, and writes nothing."""

import gzip
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from merchant.core import audit_anchors, clock, pools
from merchant.core.access import Role
from merchant.core.service import Service
from merchant.core.settings import Settings
from merchant.programs import backup, check, policies
from merchant.programs.check import Finding, exit_status, look_at_database, look_at_machine
from merchant.scheme import keys
from tests import builders
from tests.builders import SECRET_KEY, World
from tests.faults import proxy_to

pytestmark = [pytest.mark.anyio, pytest.mark.database]
OTHER_KEY = "other:" + SECRET_KEY.partition(":")[2]


def codes(findings: list[Finding], *severities: str) -> set[str]:
    return {finding.code for finding in findings if finding.severity in severities}


async def wrong(settings: Settings, url: str) -> set[str]:
    """The codes of what is wrong with the database."""
    return codes(await look_at_database(settings, url), "warning", "error")


async def change(url: str, *statements: str) -> None:
    """Make a fault, as the owner."""
    connection = await asyncpg.connect(url)
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


@pytest.mark.parametrize(
    ("severities", "status"), [(["ok", "info"], 0), (["ok", "warning"], 3), (["warning", "error"], 1), ([], 0)]
)
def test_the_exit_status_tells_the_worst(severities: list[check.Severity], status: int) -> None:
    assert exit_status([Finding(severity, "x", "x", "x") for severity in severities]) == status


class TestMachine:
    def test_a_machine_on_which_nothing_is_installed_has_no_key_and_gets_none(self, tmp_path: Path) -> None:
        found = look_at_machine(Settings(data_dir=tmp_path / "none"))
        assert "no_secret_key" in codes(found, "error")
        assert not list(tmp_path.iterdir())

    def test_a_key_that_others_may_read_is_told(self, tmp_path: Path) -> None:
        (tmp_path / "secret.key").write_text(SECRET_KEY)
        (tmp_path / "secret.key").chmod(0o640)
        assert "key_file_open" in codes(look_at_machine(Settings(data_dir=tmp_path)), "error")
        (tmp_path / "secret.key").chmod(0o600)
        assert "secret_key" in codes(look_at_machine(Settings(data_dir=tmp_path)), "ok")

    @pytest.mark.parametrize("text", ["", "short", "a:QUFB"])
    def test_a_damaged_key_is_told(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "secret.key").write_text(text)
        assert "bad_secret_key" in codes(look_at_machine(Settings(data_dir=tmp_path)), "error")

    def test_a_data_folder_that_others_may_write_to_is_told(self, settings: Settings) -> None:
        settings.data_dir.chmod(0o777)
        assert "data_folder_open" in codes(look_at_machine(settings), "error")

    def test_a_full_disk_is_told(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(check, "FEW_BYTES", 1 << 60)
        assert "disk_full" in codes(look_at_machine(settings), "warning")
        monkeypatch.setattr(check, "TOO_FEW_BYTES", 1 << 60)
        assert "disk_full" in codes(look_at_machine(settings), "error")

    @pytest.mark.parametrize("content", [None, b"", b"<xml/>", gzip.compress(b"<a>", mtime=0)[:12]])
    def test_a_list_that_cannot_be_read_is_told(
        self, settings: Settings, tmp_path: Path, content: bytes | None
    ) -> None:
        path = tmp_path / "list.xml.gz"
        if content is not None:
            path.write_bytes(content)
        lost = msgspec.structs.replace(settings, screening_list=path)
        assert "no_screening_list" in codes(look_at_machine(lost), "error")

    @pytest.mark.parametrize(
        "changed",
        [
            {"gateway_secret": "", "host": "0.0.0.0"},
            {"gateway_secret": "", "public_url": "https://pay.example"},
            {"require_signatures": False, "host": "192.0.2.1"},
        ],
    )
    def test_what_is_unsafe_in_the_open_is_told(self, settings: Settings, changed: dict[str, Any]) -> None:
        found = look_at_machine(msgspec.structs.replace(settings, **changed))
        assert [one for one in found if (one.severity, one.subject) == ("error", "settings")]

    def test_a_backup_is_stale_after_two_days(
        self, settings: Settings, move_clock: Callable[[timedelta], datetime]
    ) -> None:
        assert "no_backup" in codes(look_at_machine(settings), "info")
        backup.stamp(settings)
        assert "backup" in codes(look_at_machine(settings), "ok")
        move_clock(timedelta(days=2, minutes=1))
        assert "stale_backup" in codes(look_at_machine(settings), "warning")

    def test_nothing_is_written(self, settings: Settings) -> None:
        look_at_machine(settings)
        assert not list(settings.data_dir.iterdir())


class TestDatabase:
    async def test_a_sound_installation_has_nothing_wrong(
        self, settings: Settings, database_url: str, service: Service
    ) -> None:
        await change(database_url, "UPDATE dfsp SET hub_url = 'https://hub.example'")
        async with service.db.system() as tx:
            await keys.add_public(tx, "hub", keys.public_pem(keys.new_private_pem()))
        await builders.add_person(service, "second@hub.example", [Role.HUB_OPERATOR])
        await change(database_url, "UPDATE app_user SET totp_confirmed_at = now()")
        await audit_anchors.write_anchor(service)
        # The packaged list gets older every day.
        assert await wrong(settings, database_url) == {"stale_screening_list"}

    async def test_a_list_is_old_after_thirty_days_as_readiness_says_too(
        self, settings: Settings, database_url: str, move_clock: Callable[[timedelta], datetime]
    ) -> None:
        published = datetime(2026, 2, 27, 12, tzinfo=clock.now().tzinfo)
        move_clock(published + timedelta(days=30) - clock.now())
        assert "screening_lists" in codes(await look_at_database(settings, database_url), "ok")
        move_clock(timedelta(days=1))
        assert "stale_screening_list" in codes(await look_at_database(settings, database_url), "warning")

    async def test_a_list_that_names_are_no_longer_checked_against_is_an_error(
        self, settings: Settings, database_url: str
    ) -> None:
        public = msgspec.structs.replace(settings, public_url="https://pay.example")
        assert "stale_screening_list" in codes(await look_at_database(public, database_url), "error")

    async def test_a_file_that_was_refused_last_is_told_until_another_is_taken(
        self, settings: Settings, database_url: str
    ) -> None:
        put = (
            "INSERT INTO list_version (id, source, form, state, sha256, published_on, fetched_at, checked_at, problem,"
            " entry_count, added_count, removed_count, changed_count, put_by) VALUES"
            " (gen_random_uuid(), 'eu_fsf', 'eu', '{}', '', now(), now(), now(), {}, 1, 0, 0, 0, gen_random_uuid())"
        )
        await change(database_url, put.format("refused", "'list_shrunk'"))
        [found] = [
            one for one in await look_at_database(settings, database_url) if one.code == "screening_list_refused"
        ]
        assert (found.severity, "list_shrunk" in found.sentence) == ("warning", True)
        newer = put.replace("gen_random_uuid(), 'eu", "'ffffffff-ffff-7fff-bfff-ffffffffffff', 'eu")
        await change(database_url, newer.format("in_force", "NULL"))
        assert "screening_list_refused" not in await wrong(settings, database_url)

    @pytest.mark.parametrize(
        ("address", "is_tls", "severity"),
        [
            (None, False, "ok"),
            ("127.0.0.1", False, "ok"),
            ("::1", False, "ok"),
            ("10.0.0.5", True, "ok"),
            ("10.0.0.5", False, "warning"),
            ("2001:db8::5", False, "warning"),
        ],
    )
    def test_a_database_elsewhere_without_tls_is_told(self, address: str | None, is_tls: bool, severity: str) -> None:
        found = check.database_tls(address, is_tls)
        assert (found.code, found.severity) == ("database_tls", severity)
        assert severity == "ok" or "PGSSLMODE=verify-full" in found.sentence

    async def test_how_the_database_is_reached_is_asked_of_the_connection(
        self, settings: Settings, database_url: str
    ) -> None:
        assert await pools.read_route(database_url) == (None, False)
        async with proxy_to(database_url) as proxy:
            assert await pools.read_route(proxy.url) == ("127.0.0.1", False)
        assert "database_tls" in codes(await look_at_database(settings, database_url), "ok")

    async def test_an_empty_database_stays_empty(self, settings: Settings, empty_url: str) -> None:
        assert await wrong(settings, empty_url) == {"schema_behind"}
        connection = await asyncpg.connect(empty_url)
        assert await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
        await connection.close()

    @pytest.mark.parametrize(
        ("revision", "oldest", "code"),
        [("0001", "0001", "schema_behind"), ("9999", "0005", "schema_ahead"), ("9999", "9999", "schema_ahead")],
    )
    async def test_another_schema_is_told(
        self, settings: Settings, database_url: str, revision: str, oldest: str, code: str
    ) -> None:
        await change(
            database_url,
            f"UPDATE alembic_version SET version_num = '{revision}'",
            f"UPDATE installation SET oldest_revision = '{oldest}'",
        )
        assert code in await wrong(settings, database_url)

    async def test_a_database_that_cannot_be_reached_is_told(self, settings: Settings) -> None:
        assert await wrong(settings, "postgresql://a@127.0.0.1:1/b") == {"no_database"}

    @pytest.mark.parametrize(
        ("key", "code"),
        [(OTHER_KEY, "missing_secret_key"), ("test:" + "QkJC" * 10 + "QkI=", "bad_secret_key")],
        ids=["of another id", "of the same id"],
    )
    async def test_another_key_than_the_datas_is_told(
        self, settings: Settings, database_url: str, key: str, code: str
    ) -> None:
        assert await wrong(msgspec.structs.replace(settings, secret_key=key), database_url) == {code}

    async def test_data_under_a_key_that_is_not_at_hand_is_told_though_the_canary_opens(
        self, settings: Settings, database_url: str, service: Service, world: World
    ) -> None:
        application = await builders.create_application(service, world.maker)
        strange = b"\x05other" + bytes(40)
        async with service.db.system() as tx:
            await tx.execute("UPDATE application SET sections_sealed = $2 WHERE id = $1", application.id, strange)
        [found] = [one for one in await look_at_database(settings, database_url) if one.code == "missing_secret_key"]
        assert found.sentence == "MERCHANT_SECRET_KEY lacks key 'other', under which there is data in application."

    async def test_an_unfinished_and_a_finished_rotation_are_told(self, settings: Settings, database_url: str) -> None:
        both = msgspec.structs.replace(settings, secret_key=f"{OTHER_KEY},{SECRET_KEY}")
        assert "rotation_unfinished" in await wrong(both, database_url)
        done = msgspec.structs.replace(settings, secret_key=f"{SECRET_KEY},{OTHER_KEY}")
        assert "old_secret_key" in codes(await look_at_database(done, database_url), "info")

    async def test_a_database_without_a_scheme_is_told(self, settings: Settings, database_url: str) -> None:
        await change(database_url, "DELETE FROM scheme")
        assert "no_scheme" in await wrong(settings, database_url)

    async def test_a_policy_that_does_not_hold_any_more_is_told(
        self, settings: Settings, database_url: str, service: Service
    ) -> None:
        await policies.publish_text(service, 'extends = "generic"', "scheme", None, None, "")
        assert "policies" in codes(await look_at_database(settings, database_url), "ok")
        await change(database_url, "UPDATE policy_layer SET text = 'extends = \"generic\"' || E'\\ngrace = \"99d\"'")
        told = [one.sentence for one in await look_at_database(settings, database_url) if one.code == "policy_unsound"]
        assert len(told) == 2
        assert "is not the one that was published" in told[0]
        assert "grace: longer than 30d" in told[1]

    async def test_what_a_hub_connection_lacks_is_told(self, settings: Settings, database_url: str) -> None:
        await change(database_url, "DELETE FROM scheme_key")
        assert {"no_hub_url", "no_signing_key", "no_partner_keys"} <= await wrong(settings, database_url)
        await change(database_url, "UPDATE dfsp SET enabled = false")
        assert not {"no_hub_url", "no_signing_key", "no_partner_keys"} & await wrong(settings, database_url)

    async def test_a_key_that_expires_is_told_a_month_before_unless_another_lasts(
        self, settings: Settings, database_url: str, service: Service
    ) -> None:
        async with service.db.system() as tx:
            await keys.add_public(tx, "hub", keys.public_pem(keys.new_private_pem()))
            await tx.execute("UPDATE scheme_key SET valid_until = now() + interval '29 days' WHERE fsp_id = 'hub'")
        assert "key_expires" in await wrong(settings, database_url)
        await change(database_url, "UPDATE scheme_key SET valid_until = now() - interval '1 day' WHERE fsp_id = 'hub'")
        assert "key_expires" in codes(await look_at_database(settings, database_url), "error")
        async with service.db.system() as tx:
            await keys.add_public(tx, "hub", keys.public_pem(keys.new_private_pem()))
        assert "key_expires" not in await wrong(settings, database_url)

    async def test_dead_and_late_jobs_are_told(self, settings: Settings, database_url: str) -> None:
        job = "INSERT INTO outbox (topic, payload, run_at, attempts, created_at, dead_at) VALUES ('x', '', {})"
        await change(database_url, job.format("now(), 1, now(), now()"))
        assert "dead_jobs" in await wrong(settings, database_url)
        await change(database_url, job.format("now() - interval '2 minutes', 0, now(), NULL"))
        assert {"dead_jobs", "late_jobs"} <= await wrong(settings, database_url)

    @pytest.mark.parametrize(
        ("seen", "skew_s", "code"),
        [
            (None, 0, "no_worker"),
            ("1 second", 0, "workers"),
            ("1 minute", 0, "worker_silent"),
            ("1 second", -9, "worker_clock_skew"),
        ],
    )
    async def test_workers_that_fell_silent_are_told(
        self, settings: Settings, database_url: str, seen: str | None, skew_s: int, code: str
    ) -> None:
        # The check reads these columns of the table, and does without it.
        await change(
            database_url,
            "DROP TABLE IF EXISTS worker_heartbeat",
            "CREATE TABLE worker_heartbeat (clock_skew_s double precision, seen_at timestamptz)",
            "GRANT SELECT ON worker_heartbeat TO merchant_system",
        )
        if seen is not None:
            row = f"{skew_s}, now() - interval '{seen}'"
            await change(database_url, f"INSERT INTO worker_heartbeat VALUES ({row})")
        assert code in codes(await look_at_database(settings, database_url), "ok", "info", "warning", "error")

    @pytest.mark.parametrize(("apart_s", "severity"), [(3, "warning"), (-3, "warning"), (60, "error")])
    async def test_clocks_that_differ_are_told(
        self, settings: Settings, database_url: str, monkeypatch: pytest.MonkeyPatch, apart_s: int, severity: str
    ) -> None:
        real = clock.machine
        monkeypatch.setattr(clock, "machine", lambda: real() + timedelta(seconds=apart_s))
        assert "clock_skew" in codes(await look_at_database(settings, database_url), severity)

    async def test_a_restored_installation_is_told_until_it_is_reconciled(
        self, settings: Settings, database_url: str
    ) -> None:
        await change(database_url, "UPDATE installation SET restored_at = now()")
        assert "not_reconciled" in await wrong(settings, database_url)


def test_a_check_is_not_stopped_by_a_folder_without_rights(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    tmp_path.chmod(0o000)
    assert look_at_machine(Settings(data_dir=tmp_path))
    tmp_path.chmod(0o700)
