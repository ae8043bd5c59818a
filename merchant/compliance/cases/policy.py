"""The policy that a case is judged by, and the moment in the scheme's time zone at which it is."""

from datetime import datetime

import kyb
from merchant.compliance.cases.models import Application
from merchant.compliance.policies.in_force import policies, today
from merchant.core import clock
from merchant.core.service import Service


async def policy_of_case(service: Service, application: Application) -> kyb.Policy:
    """Today's policy of the case's DFSP, or where that says so the one of the day on which it was submitted."""
    known, day = await policies(service), await today(service)
    found = known.in_force(application.dfsp_id, day)
    if found.text.open_cases == "keep" and application.submitted_at is not None:
        submitted = clock.local_date(application.submitted_at, (await service.scheme()).time_zone)
        return known.in_force(application.dfsp_id, submitted)
    return found


async def local_now(service: Service) -> datetime:
    """Now, in the scheme's time zone, by which days are counted."""
    return clock.now().astimezone(await service.time_zone())
