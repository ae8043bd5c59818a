"""Setting up: once, and only with codes that the standards know."""

import pytest
from msgspec.structs import replace

from merchant.core.service import Service
from merchant.programs.seed import AlreadySeeded, BadScheme, seed_scheme
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
    ],
)
async def test_a_scheme_with_an_unknown_code_is_refused(
    changed: dict[str, object], sentence: str, service: Service
) -> None:
    with pytest.raises(BadScheme, match=sentence):
        await seed_scheme(service, replace(SCHEME, **changed), OPERATOR, PASSWORD)


async def test_a_second_scheme_is_refused_and_leaves_no_trace(service: Service) -> None:
    with pytest.raises(AlreadySeeded, match="set up already"):
        await seed_scheme(service, SCHEME, "someone.else@hub.example", PASSWORD)
    async with service.db.system() as tx:
        assert await tx.fetchval("SELECT count(*) FROM app_user WHERE email = 'someone.else@hub.example'") == 0
