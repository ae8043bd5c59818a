"""Accounts of people who registered themselves: found by their address, opened by a one-time code, told by it.

Merchants' people sign in so, whoever gave them their account; staff never do: they are answered as for a wrong code.
"""

from datetime import timedelta
from uuid import UUID

from msgspec import Struct

from merchant.core import clock, evidence, sql, texts
from merchant.core.access import APPLICANT_ROLES, MERCHANT_ROLES
from merchant.core.db import Reads, Tx
from merchant.core.evidence import SecurityEvent
from merchant.core.service import Service
from merchant.core.vault import Vault
from merchant.notify import email, sms
from merchant.notify.kinds import MessageKind
from merchant.people import sign_in
from merchant.people.problems import TotpRequired
from merchant.people.registration import codes
from merchant.people.registration.addresses import Address, address_of_user
from merchant.people.registration.problems import CodeRefused, NotRegistered
from merchant.people.sign_in import SignedIn

BY_CODE = MERCHANT_ROLES | APPLICANT_ROLES
_TOLD_UNTIL = timedelta(days=1)  # what is older than that is read on the page
_COLUMNS = """
id, dfsp_id, merchant_id, name, roles, session_epoch, totp_confirmed_at IS NOT NULL AS has_second_factor,
phone_sealed, email, language FROM app_user
"""
_BY_ADDRESS = f"SELECT {_COLUMNS} WHERE phone_digest = $1 OR email = $2 FOR UPDATE"
_BY_ID = f"SELECT {_COLUMNS} WHERE id = $1"


class Account(Struct, frozen=True):
    """A person as they come in: where they belong, what they are, and by what they are reached."""

    id: UUID
    dfsp_id: UUID | None
    merchant_id: UUID | None
    name: str
    roles: list[str]
    session_epoch: int
    has_second_factor: bool
    phone_sealed: bytes | None
    email: str | None
    language: str | None

    @property
    def signs_in_by_code(self) -> bool:
        """Whether a code is enough: for a merchant's people and applicants, and never for staff."""
        return bool(self.roles) and BY_CODE.issuperset(self.roles)

    @property
    def is_applicant(self) -> bool:
        """Whether there is no merchant of theirs yet."""
        return APPLICANT_ROLES.issuperset(self.roles) and self.merchant_id is None

    def address(self, vault: Vault) -> Address:
        """By what they are reached."""
        return address_of_user(vault, self.id, self.phone_sealed, self.email)


async def find_account(tx: Tx, address: Address) -> Account | None:
    """Whoever has this address, at any DFSP, locked; None when nobody has."""
    digest = None if address.phone is None else address.phone.digest(tx.vault)
    row = await tx.fetchrow(_BY_ADDRESS, digest, address.email)
    return None if row is None else sql.rows(Account, [row])[0]


async def read_account(tx: Reads, user_id: UUID) -> Account | None:
    """A person by id."""
    row = await tx.fetchrow(_BY_ID, user_id)
    return None if row is None else sql.rows(Account, [row])[0]


async def sign_in_by_code(service: Service, address: Address, code: str, source: str, user_agent: str) -> SignedIn:
    """Open a session of a merchant's person or an applicant, who proves their address by a code.

    Raises TooManyRequests, AddressLocked, CodeRefused, also for staff; NotRegistered after a right code, which stays
    good for a registration; TotpRequired for who set up an authenticator app and signs in with a password; NotSignedIn.
    """
    codes.check_source(service, source)
    found: Account | None = None
    async with service.db.system() as tx:
        tried = await codes.take_code(tx, service, address, code, spends=False)
        if tried.right:
            found = await find_account(tx, address)
            if found is not None:
                await codes.spend_code(tx, service, address)
    codes.refuse_wrong(tried)
    if found is None:
        raise NotRegistered
    return await open_session(service, found, source, user_agent)


async def open_session(service: Service, found: Account, source: str, user_agent: str) -> SignedIn:
    """The session of someone whose address is proved. Raises CodeRefused, TotpRequired, NotSignedIn."""
    if not found.signs_in_by_code:
        note_staff(service, found, source)
        raise CodeRefused
    if found.has_second_factor:
        raise TotpRequired
    return await sign_in.admit_proved(service, found.id, found.session_epoch, source=source, user_agent=user_agent)


def note_staff(service: Service, found: Account, source: str) -> None:
    """Note that a code was sent in for an account that no code opens."""
    evidence.note(service, SecurityEvent.SIGN_IN_FAILED, source=source, subject=str(found.id), code=CodeRefused.code)


async def tell(
    tx: Tx,
    service: Service,
    address: Address,
    subject: str,
    told: str,
    dfsp_id: UUID,
    language: str | None,
    *,
    kind: MessageKind = MessageKind.ACCOUNT,
    merchant_id: UUID | None = None,
) -> None:
    """Send a private message to an address, where messages of its kind reach anybody.

    With `merchant_id` that merchant's people see that there was one.
    """
    if address.phone is not None:
        if sms.can_send(service.settings):
            until, order = clock.now() + _TOLD_UNTIL, address.digest(service.vault, "told").hex()
            await sms.send_private(
                tx,
                service,
                str(address.phone),
                told,
                dfsp_id=dfsp_id,
                until=until,
                order=order,
                language=language,
                kind=kind,
                merchant_id=merchant_id,
            )
        return
    spoken = language or service.settings.language
    subject, text = (texts.translate(one, spoken) for one in (subject, told))
    await email.send(
        tx,
        service,
        to=address.text,
        subject=subject,
        text=f"{text}\n",
        link="",
        dfsp_id=dfsp_id,
        kind=kind,
        merchant_id=merchant_id,
    )
