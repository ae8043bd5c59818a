"""Verdicts of providers, recorded as verifications by the service: what every kind of provider ends in.

A case under review is assessed anew at once, so that the checker decides on what was found. What a provider could not
answer is never recorded.
"""

from datetime import date
from typing import Literal

from msgspec import Struct

import kyb
from merchant.compliance.cases.assess import assess
from merchant.compliance.cases.models import Application, Verification
from merchant.compliance.cases.policy import policy_of_case
from merchant.compliance.cases.states import Capability, application_may
from merchant.compliance.cases.verifications import record
from merchant.core import audit
from merchant.core.access import SERVICE
from merchant.core.db import Tx
from merchant.core.service import Service

REGISTRY = "registry"  # the method of every verdict that a register gave


class Verdict(Struct, frozen=True):
    """What a provider says about one attribute of one subject. `reference` is its own; `code` says why not."""

    outcome: Literal["verified", "rejected", "inconclusive"]
    code: str = ""
    reference: str | None = None
    expires_on: date | None = None


async def record_verdict(
    tx: Tx,
    service: Service,
    application: Application,
    sections: kyb.Sections,
    attribute: str,
    subject: str,
    verdict: Verdict,
    *,
    method: str = REGISTRY,
    source: str | None = None,
) -> Verification:
    """Record a verdict on a locked case, which must be one that takes evidence; `source` names where it came from."""
    details = {"reference": verdict.reference, "source": source}
    row = await record(
        tx,
        SERVICE,
        application,
        sections,
        attribute,
        subject,
        outcome=verdict.outcome,
        method=method,
        code=verdict.code or ("refused" if verdict.outcome == "rejected" else ""),
        expires_on=verdict.expires_on,
        details={name: text for name, text in details.items() if text is not None},
        policy_version=(await policy_of_case(service, application)).policy_version,
    )
    application.revision += 1
    await audit.record(
        tx,
        SERVICE,
        "verification.recorded",
        "application",
        application.id,
        dfsp_id=application.dfsp_id,
        attribute=attribute,
        subject=subject,
        outcome=verdict.outcome,
        method=method,
    )
    await tx.flush()
    if application_may(application.state, Capability.SCREEN_AGAIN):
        await assess(tx, service, SERVICE, application, "application.screened_again")
    return row
