"""Ask the configured provider about a case: queued when its version comes under review, asked from the outbox.

A provider that gives no verdict is asked again with the outbox's growing pauses, and the requirement stays open
meanwhile. An inconclusive verdict is recorded as what it is, and asked about again a day later.
"""

from datetime import timedelta
from uuid import UUID

import aiohttp
import structlog
from msgspec import Struct

from merchant.compliance.cases import answers
from merchant.compliance.cases.models import Application
from merchant.compliance.cases.states import Capability, application_may
from merchant.compliance.providers import configured
from merchant.compliance.providers.port import NoVerdict, Request
from merchant.compliance.providers.verdicts import Answered, take_verdict
from merchant.compliance.providers.wanted import Wanted, application_of, read_id, wanted_of
from merchant.core import audit, outbox
from merchant.core.access import SERVICE
from merchant.core.db import Tx
from merchant.core.service import Service

TOPIC = "compliance.look_up"
# A register that could not decide today may know more tomorrow; after three times a person has to look.
ASK_AGAIN_AFTER, ASKED_MAX = timedelta(days=1), 3
_SOURCE = "http"
_log = structlog.get_logger()


class LookUp(Struct, frozen=True):
    """The payload: which request, without the facts, and how often it was answered without a result."""

    request_id: str
    attribute: str
    asked: int = 0


class NotAnswered(Exception):
    """The provider gave no verdict; `retry` in core/outbox.py schedules the next try."""


async def queue_look_ups(tx: Tx, service: Service, application_id: UUID) -> int:
    """Queue everything that a provider may be asked about a case under review; how much that is."""
    if not configured.has_provider(service.settings):
        return 0
    await tx.flush()
    application = await application_of(tx, application_id)
    if application is None or not application_may(application.state, Capability.DECIDE):
        return 0
    sections = answers.unseal(service.vault, application.id, application.sections_sealed)
    wanted = await wanted_of(tx, service, application, sections)
    for one in wanted:
        look_up_due = LookUp(one.request.id, one.request.attribute)
        await outbox.add(tx, TOPIC, look_up_due, dfsp_id=application.dfsp_id)
    await audit.record_many(tx, [asked_entry(application, one) for one in wanted], dfsp_id=application.dfsp_id)
    return len(wanted)


def asked_entry(application: Application, wanted: Wanted) -> audit.NewEntry:
    """The entry that tells, in the reading log too, that a register is asked about somebody."""
    detail = {
        "path": wanted.subject,
        "why": "evidence",
        "attribute": wanted.request.attribute,
        "version": application.version,
    }
    return audit.NewEntry(SERVICE, "personal_data.read", "application", application.id, detail)


async def look_up(service: Service, http: aiohttp.ClientSession, job: LookUp) -> None:
    """Ask, and record the verdict. Does nothing where nobody wants to know any more. Raises NotAnswered."""
    provider = configured.provider_of(service.settings, http)
    request = await _current_request(service, job)
    if provider is None or request is None:
        return
    verdict = await provider.look_up(request)
    if isinstance(verdict, NoVerdict):
        raise NotAnswered(verdict.why)
    asked_for = read_id(job.request_id)
    assert asked_for is not None, "the id is ours"
    async with service.db.system() as tx:
        answered = Answered(asked_for.application_id, job.attribute, verdict, asked_for.facts_key)
        taken = await take_verdict(tx, service, answered, _SOURCE)
        if verdict.outcome == "inconclusive" and job.asked + 1 < ASKED_MAX:
            again = LookUp(job.request_id, job.attribute, job.asked + 1)
            dfsp_id = await tx.fetchval("SELECT dfsp_id FROM application WHERE id = $1", asked_for.application_id)
            await outbox.add(tx, TOPIC, again, dfsp_id=dfsp_id, delay=ASK_AGAIN_AFTER)
    _log.info("looked_up", attribute=job.attribute, outcome=verdict.outcome, taken=taken)


async def _current_request(service: Service, job: LookUp) -> Request | None:
    """The request with its facts, as the case has them now; None where it is no longer wanted."""
    asked_for = read_id(job.request_id)
    if asked_for is None:
        return None
    async with service.db.system_reads() as tx:
        application = await application_of(tx, asked_for.application_id)
        if application is None or not application_may(application.state, Capability.PROVE):
            return None
        sections = answers.unseal(service.vault, application.id, application.sections_sealed)
        wanted = await wanted_of(tx, service, application, sections)
    same = (
        one.request for one in wanted if one.request.id == job.request_id and one.request.attribute == job.attribute
    )
    return next(same, None)
