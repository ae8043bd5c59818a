"""Setting up a new installation: one scheme, one hub operator; everyone else is added through the API.

The operator has a password from the beginning, or a link by which they make their account (people/set_up.py).

`merchant seed` and the demo call it once on an empty database; tests begin with it too. The secret key is made here and
nowhere else: one that is made silently hides one that was lost.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from zoneinfo import available_timezones

import msgspec

from kyb.codes import countries
from merchant import migrations
from merchant.core import audit, canary, clock, money, secret_key
from merchant.core.access import SERVICE, Role
from merchant.core.db import Tx
from merchant.core.errors import InvalidFields, OperatorProblem
from merchant.core.service import Service
from merchant.core.settings import Settings
from merchant.people import passwords, set_up
from merchant.people.models import AppUser
from merchant.people.problems import AlreadySetUp
from merchant.people.schemas import EMAIL_CHARS_MAX, EMAIL_PATTERN
from merchant.people.sign_in import normal_email
from merchant.programs import runtime
from merchant.scheme.models import Scheme
from merchant.scheme.scheme_change import DOMAIN_CHARS_MAX, is_domain, is_ussd_code


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
    """Some facts of the scheme or its operator are not in the form or the standard they are taken from."""


class KeyLost(OperatorProblem):
    """The database is set up, but its secret key is not here."""


MAX_NAME_LENGTH = 60  # fits a line of a page and of a text message


async def check_scheme(new: NewScheme, email: str | None, password: str | None) -> str:
    """Look at everything before anything is written; the password as it is hashed, empty for none.

    Raises BadScheme, one line for each fault.
    """
    faults = [
        *_faults_of_text(new),
        *(f"{code!r} is not a currency code of ISO 4217." for code in new.currencies if not money.is_currency(code)),
    ]
    if not new.currencies or len(set(new.currencies)) != len(new.currencies):
        faults.append("The scheme needs at least one currency, and each only once.")
    if new.country not in countries():
        faults.append(f"{new.country!r} is not a country code of ISO 3166-1, alpha-2.")
    if new.time_zone not in available_timezones():
        faults.append(f"{new.time_zone!r} is not a time zone of the IANA database, such as Africa/Nairobi.")
    if email is not None and (len(email) > EMAIL_CHARS_MAX or not re.fullmatch(EMAIL_PATTERN, email)):
        faults.append(f"{email!r} is not an e-mail address such as operator@hub.example.")
    checked = ""
    try:
        if password is not None:
            personal = [set_up.OPERATOR_NAME, email or "", new.name, new.domain]
            checked = await passwords.check_password(password, personal)
    except InvalidFields as error:
        faults.append(f"The operator's password is refused. {error.errors[0].message}")
    if faults:
        raise BadScheme("\n".join(faults))
    return checked


def _faults_of_text(new: NewScheme) -> list[str]:
    faults = []
    if not new.name.strip() or len(new.name) > MAX_NAME_LENGTH or not new.name.isprintable():
        faults.append(f"The scheme's name must have 1 to {MAX_NAME_LENGTH} characters, without line ends.")
    if not is_domain(new.domain):
        faults.append(
            f"{new.domain!r} is not an internet domain in small letters, such as pay.example.org, of at most"
            f" {DOMAIN_CHARS_MAX} characters."
        )
    if new.ussd_code and not is_ussd_code(new.ussd_code):
        faults.append(f"{new.ussd_code!r} is not a USSD code, such as *384*123#.")
    return faults


@asynccontextmanager
async def new_service(settings: Settings, database_url: str) -> AsyncIterator[Service]:
    """A service on a database that is set up now: an empty one is migrated, and a secret key made if there is none.

    Raises KeyLost when the database was set up with a key that is not here, and what runtime.ready_service raises.
    """
    roles = runtime.roles_of(settings)
    is_new = (await migrations.read_schema(database_url, roles)).revision is None
    if not is_new and not secret_key.is_there(settings) and await migrations.is_seeded(database_url, roles):
        raise KeyLost(
            "This database is set up already, and its secret key is not here: put it back into"
            f" {secret_key.path_of(settings)} or MERCHANT_SECRET_KEY."
        )
    if is_new:
        await migrations.upgrade(database_url, roles)
    secret_key.make(settings)
    async with runtime.ready_service(settings, database_url) as service:
        yield service


async def seed_scheme(service: Service, new: NewScheme, email: str, password: str) -> None:
    """Write the scheme and its first hub operator, and seal the canary. Raises BadScheme, AlreadySeeded."""
    checked = await check_scheme(new, email, password)
    async with service.db.system() as tx:
        await _write_scheme(tx, service, new)
        operator = AppUser(
            email=normal_email(email),
            name=set_up.OPERATOR_NAME,
            roles=[Role.HUB_OPERATOR],
            password_hash=await passwords.hash_password(service, checked),
            password_changed_at=clock.now(),
        )
        tx.session.add(operator)


async def seed_with_link(service: Service, new: NewScheme, email: str | None) -> str:
    """Write the scheme, seal the canary, and answer the link by which the first operator makes their account.

    On an installation that is set up already, but where nobody made that account yet, it is a new link and nothing
    else: the scheme stays as it is, and the link before ends. `email` is what the link's form begins with.
    Raises BadScheme, AlreadySeeded.
    """
    await check_scheme(new, email, None)
    async with service.db.system() as tx:
        if await tx.fetchval(_IS_SEEDED):
            try:
                return await set_up.new_link(tx, service)
            except AlreadySetUp:
                raise AlreadySeeded(_SEEDED) from None
        await _write_scheme(tx, service, new)
        return await set_up.add_first_operator(tx, service, email)


_IS_SEEDED = "SELECT 1 FROM scheme"
_SEEDED = "This database is set up already."


async def _write_scheme(tx: Tx, service: Service, new: NewScheme) -> None:
    if await tx.fetchval(_IS_SEEDED):
        raise AlreadySeeded(_SEEDED)
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
    await audit.record(tx, SERVICE, "scheme.seeded", "scheme", 1, dfsp_id=None)
    await canary.write_canary(tx, service.vault)
    await canary.open_canary(tx, service.vault)
