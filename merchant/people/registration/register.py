"""Register: an address that was proved becomes a person of a DFSP, with an empty draft of an application.

One person has one application: the same address again signs in and finds it. Only what was withdrawn or has expired
makes room for a new one.
"""

from uuid import UUID

import msgspec
from msgspec import Struct

import kyb
from merchant.compliance.cases import answers, apply
from merchant.compliance.cases.models import Application
from merchant.compliance.cases.states import may_apply_again
from merchant.compliance.providers.phone_codes import ATTRIBUTE, METHOD, SUBJECT
from merchant.compliance.providers.port import Verdict
from merchant.compliance.providers.verdicts import record_verdict
from merchant.core import audit, errors
from merchant.core.access import Actor, Role, permissions_of
from merchant.core.db import Reads, Tx
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.people.models import CODES_HASH, AppUser
from merchant.people.registration import accounts, codes
from merchant.people.registration.accounts import Account
from merchant.people.registration.addresses import Address, write_address
from merchant.people.sign_in import SignedIn
from merchant.people.users import checked_name

_ENABLED = "SELECT id FROM dfsp WHERE id = $1 AND enabled"
_PARTICIPANTS = "SELECT id, name FROM dfsp WHERE enabled ORDER BY name, id"
_NEWEST_STATE = """
SELECT state FROM application WHERE applicant_id = $1 AND kind = 'onboarding' ORDER BY id DESC LIMIT 1
"""
_MOVE_PERSON = "UPDATE app_user SET dfsp_id = $2, version = version + 1 WHERE id = $1"


class Registration(Struct, frozen=True, kw_only=True):
    """Who registers, at which DFSP, in which language they are told what happens."""

    address: Address
    code: str
    dfsp_id: UUID
    name: str
    language: str


class Participant(Struct, frozen=True):
    """A DFSP at which one may register."""

    id: UUID
    name: str


async def participants(service: Service) -> list[Participant]:
    """The DFSPs that take part, by name."""
    async with service.db.system_reads() as tx:
        return await read_participants(tx)


async def read_participants(tx: Reads) -> list[Participant]:
    """The same, within a transaction."""
    return [Participant(row["id"], row["name"]) for row in await tx.fetch(_PARTICIPANTS)]


async def register(service: Service, new: Registration, source: str, user_agent: str) -> tuple[SignedIn, bool]:
    """Make a person and their draft, or find those that there are; the session, and whether a draft was begun.

    Raises TooManyRequests, AddressLocked, CodeRefused, also for an address of staff; InvalidFields for a DFSP that does
    not take part and for a name; TotpRequired, NotSignedIn.
    """
    codes.check_source(service, source)
    name, found, begun = checked_name(new.name), None, False
    async with service.db.system() as tx:
        tried = await codes.take_code(tx, service, new.address, new.code)
        if tried.right:
            found, begun = await begin(tx, service, msgspec.structs.replace(new, name=name), is_proved=True)
    codes.refuse_wrong(tried)
    assert found is not None
    return await accounts.open_session(service, found, source, user_agent), begun


async def begin(tx: Tx, service: Service, new: Registration, *, is_proved: bool) -> tuple[Account, bool]:
    """Whoever has the address, a person who is made where nobody has, and whether a draft of theirs was begun.

    `is_proved` says that a code proved the address; without it a telephone stays to be verified. Raises InvalidFields
    for a DFSP that does not take part.
    """
    found = await accounts.find_account(tx, new.address)
    if found is None:
        return await _add_person(tx, service, new, is_proved=is_proved), True
    if not (found.is_applicant and await may_begin(tx, found.id)):
        return found, False
    await check_participant(tx, new.dfsp_id)
    await tx.execute(_MOVE_PERSON, found.id, new.dfsp_id)
    actor = applicant(found.id, found.name, new.dfsp_id)
    await _begin(tx, service, actor, new.address, found.name, is_proved=is_proved)
    return found, True


async def may_begin(tx: Reads, user_id: UUID) -> bool:
    """Whether a person may begin an application: they have none, or the last one ended without a decision."""
    state = await tx.fetchval(_NEWEST_STATE, user_id)
    return state is None or may_apply_again(state)


async def check_participant(tx: Reads, dfsp_id: UUID) -> None:
    """Raise InvalidFields for a DFSP that there is not, or that does not take part."""
    if await tx.fetchval(_ENABLED, dfsp_id) is None:
        raise errors.invalid_field("dfsp_id", "unknown", _("No DFSP of this name takes part."))


async def add_account(
    tx: Tx, address: Address, name: str, dfsp_id: UUID, role: Role, *, merchant_id: UUID | None = None, language: str
) -> AppUser:
    """A person who signs in by codes."""
    user = AppUser(
        dfsp_id=dfsp_id,
        merchant_id=merchant_id,
        name=name,
        password_hash=CODES_HASH,
        roles=[role.value],
        language=language,
    )
    write_address(tx.vault, user, address)
    tx.session.add(user)
    await tx.flush()
    return user


async def _add_person(tx: Tx, service: Service, new: Registration, *, is_proved: bool) -> Account:
    await check_participant(tx, new.dfsp_id)
    role = Role.MERCHANT_APPLICANT
    user = await add_account(tx, new.address, new.name, new.dfsp_id, role, language=new.language)
    actor = applicant(user.id, new.name, new.dfsp_id)
    await audit.record(tx, actor, "user.registered", "user", user.id, dfsp_id=new.dfsp_id, roles=user.roles)
    await _begin(tx, service, actor, new.address, new.name, is_proved=is_proved)
    made = await accounts.find_account(tx, new.address)
    assert made is not None
    return made


def applicant(user_id: UUID, name: str, dfsp_id: UUID) -> Actor:
    """A person who registered themselves, as the one who acts."""
    roles = [Role.MERCHANT_APPLICANT.value]
    return Actor(
        kind="user", id=user_id, name=name, dfsp_id=dfsp_id, roles=tuple(roles), permissions=permissions_of(roles)
    )


async def _begin(
    tx: Tx, service: Service, actor: Actor, address: Address, name: str, *, is_proved: bool
) -> Application:
    """An empty draft whose contact is the person, and, of a telephone, that it was proved where it was."""
    reached = kyb.Contact(name=name, phone=str(address.phone) if address.phone else None, email=address.email)
    application = await apply.open_application(tx, service, actor, kyb.Sections(contact=reached))
    application.applicant_id = actor.id
    await tx.flush()
    if is_proved and address.phone is not None:
        sections = answers.unseal(service.vault, application.id, application.sections_sealed)
        verdict = Verdict("verified")
        await record_verdict(tx, service, application, sections, ATTRIBUTE, SUBJECT, verdict, method=METHOD)
    return application
