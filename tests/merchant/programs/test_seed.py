"""Setting up: once, and only with codes that the standards know."""

from pathlib import Path

import asyncpg
import pytest
from msgspec.structs import replace

from merchant.core import canary
from merchant.core.service import NoScheme, Service
from merchant.core.settings import Settings
from merchant.migrations import SchemaBehind
from merchant.programs.runtime import ready_service
from merchant.programs.seed import AlreadySeeded, BadScheme, KeyLost, new_service, seed_scheme, seed_with_link
from tests.builders import OPERATOR, PASSWORD, SCHEME

pytestmark = [pytest.mark.anyio, pytest.mark.database]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"currencies": ["KES", "XAU"]}, "'XAU' is not a currency code"),
        ({"currencies": ["kes"]}, "'kes' is not a currency code"),
        ({"country": "ke"}, "'ke' is not a country code"),
        ({"country": "KEN"}, "'KEN' is not a country code"),
        ({"time_zone": "Nairobi"}, "'Nairobi' is not a time zone"),
        ({"time_zone": "../../etc/passwd"}, "is not a time zone"),
        ({"currencies": []}, "at least one currency"),
        ({"currencies": ["KES", "KES"]}, "each only once"),
        ({"domain": "http://pay.hub.ke/"}, "'http://pay.hub.ke/' is not an internet domain"),
        ({"domain": "not a domain"}, "is not an internet domain"),
        ({"domain": "localhost"}, "is not an internet domain"),
        ({"domain": "Pay.Example"}, "is not an internet domain"),
        ({"domain": "pay..example"}, "is not an internet domain"),
        ({"domain": "pay.example."}, "is not an internet domain"),
        ({"domain": "192.0.2.1"}, "is not an internet domain"),
        ({"domain": "payments.national-switch.example.org"}, "of at most 32 characters"),  # no code could carry it
        ({"domain": f"{'a' * 64}.example"}, "is not an internet domain"),
        ({"ussd_code": "384"}, "'384' is not a USSD code"),
        ({"ussd_code": "*384*#"}, "is not a USSD code"),
        ({"ussd_code": "##150#"}, "is not a USSD code"),
        ({"ussd_code": "*384*12"}, "is not a USSD code"),
        ({"ussd_code": "*384#; DROP"}, "is not a USSD code"),
        ({"name": ""}, "name must have 1 to 60 characters"),
        ({"name": "  "}, "name must have"),
        ({"name": "x" * 61}, "name must have"),
        ({"name": "two\nlines"}, "name must have"),
    ],
)
async def test_a_scheme_with_an_unknown_code_is_refused(
    changed: dict[str, object], sentence: str, service: Service
) -> None:
    with pytest.raises(BadScheme, match=sentence):
        await seed_scheme(service, replace(SCHEME, **changed), OPERATOR, PASSWORD)


@pytest.mark.parametrize(
    ("email", "password", "sentence"),
    [
        ("nonsense", PASSWORD, "'nonsense' is not an e-mail address"),
        ("not an address", PASSWORD, "is not an e-mail address"),
        ("<script>@hub.example", PASSWORD, "is not an e-mail address"),
        (f"{'a' * 250}@hub.example", PASSWORD, "is not an e-mail address"),
        (OPERATOR, "x", "Use at least 12 characters"),
        (OPERATOR, "x" * 129, "Use at most 128 characters"),
        (OPERATOR, "password1234", "easily guessed"),
        (OPERATOR, OPERATOR, "easily guessed"),
        (OPERATOR, "pay.test.example", "easily guessed"),
    ],
)
async def test_the_first_operator_is_held_to_the_rules_of_everyone(
    email: str, password: str, sentence: str, service: Service
) -> None:
    with pytest.raises(BadScheme, match=sentence):
        await seed_scheme(service, SCHEME, email, password)


async def test_everything_that_is_wrong_is_told_at_once(service: Service) -> None:
    with pytest.raises(BadScheme) as refused:
        await seed_scheme(service, replace(SCHEME, domain="x", country="x", ussd_code="x"), "x", "x")
    assert len(str(refused.value).splitlines()) == 5


async def test_seeding_seals_a_canary_with_a_secret_of_its_own(service: Service) -> None:
    async with service.db.system() as tx:
        sealed = await tx.fetchval("SELECT sealed FROM vault_canary")
    assert service.vault.open(sealed, canary.CONTEXT) != service.vault.index_secret_of(service.vault.key_id)


class TestNewService:
    async def test_an_empty_database_is_migrated_and_a_key_made(self, empty_url: str, tmp_path: Path) -> None:
        settings = Settings(data_dir=tmp_path)
        async with new_service(settings, empty_url) as service:
            await seed_scheme(service, SCHEME, OPERATOR, PASSWORD)
        async with ready_service(settings, empty_url) as service:
            assert service.vault.source == str(tmp_path / "secret.key")

    async def test_a_program_that_runs_already_finds_people_by_the_same_secret(
        self, empty_url: str, settings: Settings
    ) -> None:
        """Started on an empty schema, it takes the scheme over once it is there, and the secret of indexes with it."""
        async with (
            ready_service(settings, empty_url, migrate=True) as early,
            ready_service(settings, empty_url) as seeding,
        ):
            with pytest.raises(NoScheme):
                await early.scheme()
            await seed_scheme(seeding, SCHEME, OPERATOR, PASSWORD)
            assert (await early.scheme()).name == SCHEME.name
            assert early.vault.digest("phone", "+254711000001") == seeding.vault.digest("phone", "+254711000001")

    async def test_a_database_that_is_set_up_gets_no_new_key_for_the_one_that_was_lost(
        self, database_url: str, tmp_path: Path
    ) -> None:
        with pytest.raises(KeyLost, match=r"set up already, and its secret key is not here: .*secret\.key"):
            async with new_service(Settings(data_dir=tmp_path), database_url):
                pass
        assert not list(tmp_path.iterdir())

    async def test_an_older_database_is_not_migrated_by_the_way(self, database_url: str, settings: Settings) -> None:
        connection = await asyncpg.connect(database_url)
        await connection.execute("UPDATE alembic_version SET version_num = '0001'")
        await connection.close()
        with pytest.raises(SchemaBehind, match="merchant migrate"):
            async with new_service(settings, database_url):
                pass


async def test_a_second_scheme_is_refused_and_leaves_no_trace(service: Service) -> None:
    with pytest.raises(AlreadySeeded, match="set up already"):
        await seed_scheme(service, SCHEME, "someone.else@hub.example", PASSWORD)
    async with service.db.system() as tx:
        assert await tx.fetchval("SELECT count(*) FROM app_user WHERE email = 'someone.else@hub.example'") == 0


async def test_a_link_is_no_way_into_a_scheme_whose_operator_has_a_password(service: Service) -> None:
    with pytest.raises(AlreadySeeded, match="set up already"):
        await seed_with_link(service, SCHEME, None)
    async with service.db.system() as tx:
        assert await tx.fetchval("SELECT count(*) FROM account_token") == 0
