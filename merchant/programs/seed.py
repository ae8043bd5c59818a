"""Setting up a new installation: one scheme, one hub operator; everyone else is added through the API.

`merchant seed` and the demo call it once on an empty database; tests begin with it too.
"""

from zoneinfo import available_timezones

import msgspec

from kyb.codes import countries
from merchant.core import audit, money, vault
from merchant.core.access import SERVICE, Role
from merchant.core.errors import OperatorProblem
from merchant.core.service import Service
from merchant.people.models import AppUser
from merchant.scheme.models import Scheme


class NewScheme(msgspec.Struct, frozen=True, kw_only=True):
    """The scheme's facts."""

    name: str
    domain: str
    country: str
    currencies: list[str]
    time_zone: str
    ussd_code: str = ""


class AlreadySeeded(OperatorProblem):
    """The database has a scheme already."""


class BadScheme(OperatorProblem):
    """A fact of the scheme is not in the standard it is taken from."""


async def seed_scheme(service: Service, new: NewScheme, email: str, password: str) -> None:
    """Write the scheme and its first hub operator. Raises BadScheme, AlreadySeeded."""
    for currency in new.currencies:
        if not money.is_currency(currency):
            raise BadScheme(f"{currency!r} is not a currency code of ISO 4217.")
    if new.country not in countries():
        raise BadScheme(f"{new.country!r} is not a country code of ISO 3166-1, alpha-2.")
    if new.time_zone not in available_timezones():
        raise BadScheme(f"{new.time_zone!r} is not a time zone of the IANA database, such as Africa/Nairobi.")
    async with service.db.system() as tx:
        if await tx.fetchval("SELECT 1 FROM scheme"):
            raise AlreadySeeded("This database is set up already.")
        tx.session.add(
            Scheme(
                name=new.name,
                qr_domain=new.domain,
                country=new.country,
                currencies=new.currencies,
                time_zone=new.time_zone,
                ussd_code=new.ussd_code,
            )
        )
        operator = AppUser(
            email=email.strip().lower(),
            name="Hub operator",
            roles=[Role.HUB_OPERATOR],
            password_hash=vault.hash_password(password),
        )
        tx.session.add(operator)
        await audit.record(tx, SERVICE, "scheme.seeded", "scheme", 1, dfsp_id=None)
