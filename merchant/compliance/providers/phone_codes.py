"""One-time codes: sent to the phone that reaches a merchant, and read back by the customer at the maker's desk.

A right code verifies the phone. Of a code only a keyed digest is kept; it is valid for ten minutes and five wrong
tries, and a newer one ends it. A code changes no answer, so a version under review stays the one that was submitted.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlmodel import select

import kyb
from merchant.compliance.cases import answers
from merchant.compliance.cases.four_eyes import note_late_part, note_part
from merchant.compliance.cases.models import Application, Verification
from merchant.compliance.cases.queries import frozen_version, lock_application
from merchant.compliance.cases.states import Capability, application_may
from merchant.compliance.cases.verifications import facts_hash
from merchant.compliance.providers.models import PhoneCode
from merchant.compliance.providers.port import Verdict
from merchant.compliance.providers.problems import NoCode, NoTextSender, PhoneChanged, TooManyCodes
from merchant.compliance.providers.verdicts import record_verdict
from merchant.core import audit, clock, errors, evidence, one_time_codes
from merchant.core.access import Actor
from merchant.core.db import Tx, forget
from merchant.core.evidence import SecurityEvent
from merchant.core.locks import take_turn
from merchant.core.phone import Msisdn
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.core.vault import Vault
from merchant.notify import sms

ATTRIBUTE, SUBJECT = "phone", "contact"
METHOD = "one_time_code"
LASTS = timedelta(minutes=10)
TRIES_MAX = 5  # of a million codes: one in 200,000 for whoever guesses
CODES_MAX, WINDOW = 3, timedelta(hours=1)  # for one case, and to one phone: nobody's phone is to be flooded
_KEPT = timedelta(days=1)
_RECENT = """
SELECT created_at, application_id = $1 AS of_case, phone_digest = $2 AS to_phone FROM phone_code
WHERE created_at > $3 AND (application_id = $1 OR phone_digest = $2) ORDER BY created_at
"""


class Sent(Struct, frozen=True):
    """A code that is on its way: to which phone, and until when it is valid."""

    phone: Msisdn
    expires_at: datetime


async def send_code(tx: Tx, service: Service, actor: Actor, application_id: UUID, path: str | None) -> Sent:
    """Send a code to the phone that reaches the merchant; `path` is the answer that holds it, where the caller says.

    Raises NotFound, WrongState, NoTextSender, TooManyCodes, InvalidFields without a phone or for another one.
    """
    if not sms.can_send(service.settings):
        raise NoTextSender
    application, sections = await _lock(tx, service, actor, application_id)
    phone = _phone_to_prove(sections, path)
    digest = phone.digest(tx.vault)
    await take_turn(tx, f"phone_code {digest.hex()}")
    now = clock.now()
    await _check_rate(service, actor, application.id, digest, now)
    facts = facts_hash(tx.vault, sections, ATTRIBUTE, SUBJECT)
    assert facts is not None, "a contact is always there"
    code = one_time_codes.new_code()
    row = PhoneCode(
        dfsp_id=application.dfsp_id,
        application_id=application.id,
        phone_digest=digest,
        code_digest=b"",
        facts=facts,
        tries_left=TRIES_MAX,
        sent_by=actor.id,
        created_at=now,
        expires_at=now + LASTS,
    )
    row.code_digest = _digest_of(tx.vault, row.id, code)
    tx.session.add(row)
    told = await _message(tx, application.dfsp_id, code)
    await sms.send_private(
        tx, service, str(phone), told, dfsp_id=row.dfsp_id, until=row.expires_at, order=str(application.id)
    )
    await audit.record(
        tx, actor, "phone_code.sent", "application", application.id, dfsp_id=application.dfsp_id, subject=SUBJECT
    )
    return Sent(phone, row.expires_at)


class Tried(Struct, frozen=True):
    """What a try came to: the verification, or how many tries are left."""

    verification: Verification | None
    tries_left: int = 0


async def confirm_code(tx: Tx, service: Service, actor: Actor, application_id: UUID, code: str) -> Tried:
    """Verify the phone by the code that was read out; a wrong one costs a try, so the caller commits in either case.

    The same right code again answers the verification that it made. Raises NotFound, WrongState, NoCode, PhoneChanged.
    """
    application, sections = await _lock(tx, service, actor, application_id)
    row = await _newest(tx, application.id)
    if row is None:
        raise NoCode
    if row.facts != facts_hash(tx.vault, sections, ATTRIBUTE, SUBJECT):
        raise PhoneChanged
    is_right = one_time_codes.is_right(row.code_digest, _digest_of(tx.vault, row.id, code))
    if row.verification_id is not None:
        if not is_right:
            raise NoCode
        return Tried(await tx.one(select(Verification).where(Verification.id == row.verification_id)))
    if row.tries_left <= 0 or clock.now() >= row.expires_at:
        raise NoCode
    if not is_right:
        await _count_wrong(tx, service, actor, application, row)
        return Tried(None, row.tries_left)
    if application_may(application.state, Capability.EDIT):
        note_part(application, actor, "verifications")
    else:
        note_late_part(application, await frozen_version(tx, application, application.version), actor, "verifications")
    verdict = Verdict("verified")
    made = await record_verdict(tx, service, application, sections, ATTRIBUTE, SUBJECT, verdict, method=METHOD)
    row.verification_id = made.id
    await audit.record(
        tx, actor, "phone_code.confirmed", "application", application.id, dfsp_id=application.dfsp_id, subject=SUBJECT
    )
    return Tried(made)


async def prune(tx: Tx, limit: int) -> int:
    """Forget codes of long ago; the number forgotten, at most `limit`."""
    return await forget(tx, "phone_code", "id", "created_at", clock.now() - _KEPT, limit)


async def _lock(tx: Tx, service: Service, actor: Actor, application_id: UUID) -> tuple[Application, kyb.Sections]:
    application = await lock_application(tx, actor, application_id)
    if not application_may(application.state, Capability.PROVE):
        raise errors.WrongState(_("What is {state} takes no further evidence.", state=application.state))
    return application, answers.unseal(service.vault, application.id, application.sections_sealed)


def _phone_to_prove(sections: kyb.Sections, path: str | None) -> Msisdn:
    """The phone that reaches the merchant. Raises InvalidFields where there is none, or `path` names another."""
    phone = kyb.merchant_phone(sections)
    if phone is None:
        raise errors.invalid_field("contact.phone", "missing", _("Give a phone number to reach the merchant."))
    given = {"contact.phone": sections.contact.phone}
    given |= {f"owners[{index}].phone": owner.phone for index, owner in enumerate(sections.owners)}
    if path is not None and given.get(path) != phone:
        told = _("A code goes to the phone that reaches the merchant: the contact's, else the owner's it points to.")
        raise errors.invalid_field("path", "not_the_contact", told)
    return Msisdn.of(phone)


async def _check_rate(service: Service, actor: Actor, application_id: UUID, digest: bytes, now: datetime) -> None:
    """Raise TooManyCodes where so many were sent in the last hour; of other DFSPs' codes to the phone too."""
    async with service.db.system_reads() as reads:
        rows = await reads.fetch(_RECENT, application_id, digest, now - WINDOW)
    if wait_s := max(
        one_time_codes.wait_s([row["created_at"] for row in rows if row[name]], now, CODES_MAX, WINDOW)
        for name in ("of_case", "to_phone")
    ):
        evidence.note(service, SecurityEvent.THROTTLED, actor=actor, subject=str(application_id), door="phone_code")
        raise TooManyCodes(headers={"retry-after": str(wait_s)})


async def _message(tx: Tx, dfsp_id: UUID, code: str) -> str:
    """What the phone shows. An FSP's id is of the letters that every phone has, and short; its name may not be."""
    fsp_id = await tx.fetchval("SELECT fsp_id FROM dfsp WHERE id = $1", dfsp_id)
    return _(
        "{code} is your code from {dfsp}. Tell it only to the person who registers your business. It is valid for"
        " 10 minutes.",
        code=code,
        dfsp=fsp_id,
    )


async def _newest(tx: Tx, application_id: UUID) -> PhoneCode | None:
    table: Any = PhoneCode
    newest = select(table).where(table.application_id == application_id)
    newest = newest.order_by(table.created_at.desc(), table.id.desc()).limit(1)
    found: PhoneCode | None = (await tx.session.exec(newest)).first()
    return found


async def _count_wrong(tx: Tx, service: Service, actor: Actor, application: Application, row: PhoneCode) -> None:
    row.tries_left -= 1
    if row.tries_left == 0:
        evidence.note(service, SecurityEvent.THROTTLED, actor=actor, subject=str(application.id), door="phone_code")
    await audit.record(
        tx,
        actor,
        "phone_code.refused",
        "application",
        application.id,
        dfsp_id=application.dfsp_id,
        tries_left=row.tries_left,
    )


def _digest_of(vault: Vault, row_id: UUID, code: str) -> bytes:
    return one_time_codes.digest_of(vault, "phone_code", row_id, code)
