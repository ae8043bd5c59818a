"""Ask the register for an LEI that our copy lacks, and judge the case anew when it answers.

A network job of the outbox: a register that is away leaves the case as it is, and is asked again with growing pauses.
"""

from typing import Any

import aiohttp
from sqlmodel import select

from merchant.compliance.cases import answers, lei
from merchant.compliance.cases.assess import assess
from merchant.compliance.cases.models import Application
from merchant.compliance.cases.policy import policy_of_case
from merchant.compliance.cases.states import Capability, application_may
from merchant.compliance.registers.gleif_api import ask_register
from merchant.core.access import SERVICE
from merchant.core.service import Service


async def ask_again(service: Service, http: aiohttp.ClientSession, job: lei.LeiJob) -> None:
    """Ask for the LEI of a case under review, and note the answer. Raises RegisterUnavailable.

    A case that was decided or returned meanwhile is left alone: its next version sets a question of its own going.
    """
    table: Any = Application
    wanted = select(table).where(table.id == job.application_id)
    async with service.db.system_reads() as tx:
        application = (await tx.session.exec(wanted)).one_or_none()
    if application is None or not application_may(application.state, Capability.SCREEN_AGAIN):
        return
    sections = answers.unseal(service.vault, application.id, application.sections_sealed)
    if (number := sections.business.lei) is None:
        return
    found = await lei.in_copy(service, sections)  # a newer copy may have it by now
    if lei.should_ask(service, found):
        record = await ask_register(http, service.settings.lei_url, number)
        found = await lei.judge(service, sections, record)
    if found.verdict is None:
        return
    async with service.db.system() as tx:
        locked = await tx.one(wanted.with_for_update())
        same = (locked.version, locked.version_hash) == (application.version, application.version_hash)
        if not same or not application_may(locked.state, Capability.SCREEN_AGAIN):
            return
        policy = await policy_of_case(service, locked)
        if await lei.note(tx, locked, sections, found, policy.policy_version):
            await assess(tx, service, SERVICE, locked, "application.screened_again")
            locked.revision += 1
