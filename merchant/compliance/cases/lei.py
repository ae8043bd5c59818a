"""Look a case's LEI up in our copy of the register, and note what it says as a verification by the service.

assess.py calls `look_up` before it judges a version. What the copy lacks is asked of the register itself, where the
operator named one: by a job (lei_again.py), since no transaction waits for the network. Until it answers the LEI is
"unavailable", which verifies nothing.
"""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct

import kyb
from merchant.compliance.cases import answers
from merchant.compliance.cases.models import Application, Verification
from merchant.compliance.cases.policy import local_now, policy_of_case
from merchant.compliance.cases.verifications import facts_hash, is_automatic, record, record_found, verifications
from merchant.compliance.registers.queries import Load, find_record, newest_load
from merchant.core import clock, outbox
from merchant.core.access import SERVICE
from merchant.core.db import Tx
from merchant.core.service import Service

LEI_TOPIC = "compliance.lei"
ATTRIBUTE: Final = "lei"
SUBJECT: Final = "business"
METHOD: Final = "registry"
NOT_FOUND: Final = "not_found"
# A copy is as old as its file: what these say of it, the register itself may know better.
OLD_COPY: Final = frozenset({NOT_FOUND, "renewal_overdue"})
# A checker who screens again sets a further question going once the tries of the one before are over (nine hours).
_ASKED_AGAIN_AFTER: Final = timedelta(hours=12)
_LOOK_SOON = "UPDATE merchant SET check_on = least(check_on, $2) WHERE id = $1"


class LeiJob(Struct, frozen=True):
    """The payload of a question to the register."""

    application_id: UUID


class Found(Struct, frozen=True):
    """What a look-up came to: a verdict, None where nobody could tell, and the record that it rests on."""

    verdict: kyb.Verdict | None
    record: kyb.LeiRecord | None = None


async def look_up(tx: Tx, service: Service, application: Application, *, is_submitted: bool) -> None:
    """Look up the LEI of a locked case and note what was found; without an LEI, or a register, nothing is noted."""
    sections = answers.unseal(service.vault, application.id, application.sections_sealed)
    if sections.business.lei is None:
        return
    found = await in_copy(service, sections)
    policy_version = (await policy_of_case(service, application)).policy_version
    if should_ask(service, found):
        await wait_for_register(tx, application, sections, policy_version, is_submitted=is_submitted)
    elif found.verdict is not None:
        await note(tx, application, sections, found, policy_version)


async def is_looked_up(service: Service, sections: kyb.Sections) -> bool:
    """Whether a business has an LEI, and a register to look it up in."""
    if sections.business.lei is None:
        return False
    async with service.db.system_reads() as tx:
        return bool(service.settings.lei_url) or covers(await newest_load(tx), sections)


def before_look_up(case: kyb.Case, is_looked_up: bool, now: datetime) -> kyb.Case:
    """A case as it is submitted: what a register rejected is asked again, and what it was never asked it will be."""

    def is_kept(one: kyb.Verification) -> bool:
        return one.attribute != ATTRIBUTE or not one.is_automatic or one.outcome != "rejected"

    kept = tuple(one for one in case.verifications if is_kept(one))
    if is_looked_up and all(one.attribute != ATTRIBUTE for one in kept):
        kept += (kyb.Verification(ATTRIBUTE, SUBJECT, "unavailable", METHOD, SERVICE.kind, now, is_automatic=True),)
    return msgspec.structs.replace(case, verifications=kept)


async def in_copy(service: Service, sections: kyb.Sections) -> Found:
    """What our copy of the register says of a business that has an LEI."""
    lei = sections.business.lei or ""
    async with service.db.system_reads() as tx:
        load = await newest_load(tx)
        kept = await find_record(tx, lei) if load is not None else None
    if kept is None and not covers(load, sections):
        return Found(None)
    return await judge(service, sections, kept)


def covers(load: Load | None, sections: kyb.Sections) -> bool:
    """Whether an LEI of this business would be in our copy."""
    return load is not None and load.covers(_country(sections, None))


async def judge(service: Service, sections: kyb.Sections, kept: kyb.LeiRecord | None) -> Found:
    """A business held against the record of its LEI; None where the register has none."""
    business, country = sections.business, _country(sections, kept)
    today = (await local_now(service)).date()
    return Found(kyb.judge_lei(business.lei or "", business.legal_name, country, kept, today), kept)


def should_ask(service: Service, found: Found) -> bool:
    """Whether the register itself is to be asked, and an operator named one."""
    return bool(service.settings.lei_url) and (found.verdict is None or found.verdict.code in OLD_COPY)


async def wait_for_register(
    tx: Tx, application: Application, sections: kyb.Sections, policy_version: str, *, is_submitted: bool = True
) -> None:
    """Set a question to the register going; until it answers the LEI is unavailable."""
    here = [row for row in await looked_up(tx, application, sections) if row.application_id == application.id]
    last = here[-1] if here else None
    is_away = last is not None and last.outcome == "unavailable"
    is_waiting = is_away and last is not None and clock.now() - last.at < _ASKED_AGAIN_AFTER
    # What the register said before stands until it says something else.
    if last is None or (is_away and not is_waiting):
        await record(
            tx,
            SERVICE,
            application,
            sections,
            ATTRIBUTE,
            SUBJECT,
            outcome="unavailable",
            method=METHOD,
            code="not_asked_yet",
            policy_version=policy_version,
        )
    # The question of an earlier version ended with it.
    if is_submitted or not is_waiting:
        await outbox.add(tx, LEI_TOPIC, LeiJob(application.id), dfsp_id=application.dfsp_id)


async def note(
    tx: Tx,
    application: Application,
    sections: kyb.Sections,
    found: Found,
    policy_version: str,
    *,
    is_due_again: bool = False,
) -> bool:
    """Note a verdict on a locked case, and audit it; False where the same was noted of the same answers already.

    One that verifies is noted all the same where it is due again.
    """
    verdict, kept = found.verdict, found.record
    assert verdict is not None, "nothing was found out"
    is_verified = verdict.outcome == "verified"
    last_day = kept.next_renewal_on if kept is not None and is_verified else None
    expires_on = last_day + timedelta(days=1) if last_day is not None else None
    code = "" if is_verified else verdict.code
    known = await looked_up(tx, application, sections)
    answered = [row for row in known if row.outcome != "unavailable"]
    if answered:
        # A register that is away leaves standing what it said, but for a doubt.
        before = known[-1] if verdict.outcome == "inconclusive" else answered[-1]
        is_same = (before.outcome, before.code, before.expires_on) == (verdict.outcome, code, expires_on)
        # A case rests on what it was told itself. What lapsed has lapsed from the first day on, whatever case tells it.
        is_known = is_same and not (is_verified and (is_due_again or before.application_id != application.id))
        is_smaller_copy = verdict.code == NOT_FOUND and answered[-1].outcome == "rejected"  # it takes nothing back
        if is_known or is_smaller_copy:
            return False
    await record_found(
        tx,
        application,
        sections,
        ATTRIBUTE,
        SUBJECT,
        outcome=verdict.outcome,
        method=METHOD,
        code=code,
        expires_on=expires_on,
        details=_details(kept),
        policy_version=policy_version,
    )
    if application.merchant_id is not None and verdict.outcome == "rejected":
        # Yesterday has come wherever the scheme is.
        await tx.execute(_LOOK_SOON, application.merchant_id, clock.now().date() - timedelta(days=1))
    return True


async def looked_up(tx: Tx, application: Application, sections: kyb.Sections) -> list[Verification]:
    """What the service noted of the LEI as the answers are now, in this case and others of the merchant."""
    facts = facts_hash(tx.vault, sections, ATTRIBUTE, SUBJECT)
    rows = await verifications(tx, application.id, application.merchant_id)
    return [row for row in rows if row.attribute == ATTRIBUTE and is_automatic(row) and row.facts == facts]


def _country(sections: kyb.Sections, kept: kyb.LeiRecord | None) -> str | None:
    """The record's country where the business has a place there, else that of its first place."""
    places = [place.country for place in sections.locations]
    if kept is not None and kept.country in places:
        return kept.country
    return places[0] if places else None


def _details(kept: kyb.LeiRecord | None) -> dict[str, Any] | None:
    """What the register says, for the person who compares it."""
    if kept is None:
        return None
    return {
        "registered_name": kept.legal_name,
        "registered_country": kept.country,
        "registration_status": kept.registration_status,
        "entity_status": kept.entity_status,
        "next_renewal_on": kept.next_renewal_on,
    }
