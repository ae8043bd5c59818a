"""Refuse what is block-listed where answers are submitted, in one sentence that tells nobody why; record the attempt.

The DFSP's record holds the code and where the answer stands; the hub's own holds the reason codes besides.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct

import kyb
from merchant.compliance.cases import problems
from merchant.compliance.cases.blocking.lookups import BlockedAnswer, find_blocked
from merchant.core import audit, errors
from merchant.core.access import Actor
from merchant.core.db import Tx
from merchant.core.service import Service
from merchant.core.texts import _

BLOCK_LISTED = problems.BlockListed.code
NOT_ACCEPTED = _("The scheme does not accept this answer; the hub can say more.")
REFUSED = "block_list.refused"  # of the audit record


class Subject(Struct, frozen=True):
    """What the refused answers belong to; of an import also which row."""

    type: str
    id: UUID
    dfsp_id: UUID
    detail: dict[str, int] = {}


async def refuse_blocked(service: Service, actor: Actor, subject: Subject, sections: kyb.Sections) -> None:
    """Raise BlockListed, naming the answers, where any is block-listed; the attempt is recorded in a transaction of its
    own, since that of the caller comes to nothing.
    """
    [found] = await find_blocked(service, [sections])
    problem = problem_of(found)
    if problem is None:
        return
    async with service.db.system() as tx:
        await record_refusal(tx, actor, subject, found)
    raise problem


def problem_of(found: Sequence[BlockedAnswer]) -> problems.BlockListed | None:
    """What is told of block-listed answers; None where none of them refuses the case."""
    paths = list(dict.fromkeys(one.path for one in found if one.refuses))
    if not paths:
        return None
    return problems.BlockListed(errors=tuple(errors.FieldError(path, BLOCK_LISTED, NOT_ACCEPTED) for path in paths))


async def record_refusal(tx: Tx, actor: Actor, subject: Subject, found: Sequence[BlockedAnswer]) -> None:
    """Write an attempt into the DFSP's record and, with the reasons, into the hub's. Needs the system's transaction."""
    refused = [one for one in found if one.refuses]
    told: dict[str, Any] = {"code": BLOCK_LISTED, "paths": sorted({one.path for one in refused})} | subject.detail
    await audit.record(tx, actor, REFUSED, subject.type, subject.id, dfsp_id=subject.dfsp_id, **told)
    reasons = sorted({code for one in refused for code in one.reason_codes})
    of_hub = told | {"reason_codes": reasons, "of_dfsp": str(subject.dfsp_id)}
    await audit.record(tx, actor, REFUSED, subject.type, subject.id, dfsp_id=None, **of_hub)
