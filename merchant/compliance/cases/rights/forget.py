"""A timer of the worker: what nobody has to keep any more is erased, a case whole and pictures of faces before it.

Each DFSP's policy says how long. Some at a time, each batch in a transaction of its own and on the record; what a legal
hold covers waits.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import select

from merchant.compliance.cases.models import Application
from merchant.compliance.cases.rights.erase import RETENTION_OVER, erase_case
from merchant.compliance.cases.rights.holds import LOCK_MERCHANT
from merchant.compliance.cases.rights.models import Erasure
from merchant.compliance.cases.rights.retention import ENDED, SELFIE, clock_of, days_of, refusal_of
from merchant.compliance.cases.states import ENDS, made_a_merchant
from merchant.compliance.documents.models import Document
from merchant.compliance.documents.operations import destroy_document
from merchant.core import clock
from merchant.core.access import SERVICE
from merchant.core.db import Tx
from merchant.core.service import Service
from merchant.registry.merchants.states import LIVE_STATES

FORGET_EVERY_S = 6 * 3600.0
_BATCH = 20  # cases; each has up to a hundred documents
_UNHELD = """
NOT EXISTS (
  SELECT FROM legal_hold h JOIN application held ON held.id = h.application_id
  WHERE h.lifted_at IS NULL AND (held.id = a.id OR held.merchant_id = a.merchant_id)
)
"""
_DUE = f"""
SELECT a.id FROM application a
WHERE a.dfsp_id = $1 AND a.state = $2 AND a.erased_at IS NULL AND a.updated_at <= $3 AND {_UNHELD}
ORDER BY a.id LIMIT {_BATCH} FOR UPDATE OF a SKIP LOCKED
"""  # noqa: S608 - constants
# Of those with a merchant, its end counts; whichever DFSP's chain tells of it.
_DUE_WITH_MERCHANT = f"""
SELECT a.id FROM application a JOIN merchant m ON m.id = a.merchant_id
WHERE a.dfsp_id = $1 AND a.state = $2 AND a.erased_at IS NULL AND a.updated_at <= $3 AND {_UNHELD}
  AND m.state NOT IN {LIVE_STATES} AND (SELECT max(e.at) FROM audit_entry e
    WHERE e.dfsp_id = m.dfsp_id AND e.subject_id = m.id::text AND e.action IN {ENDED}) <= $3
ORDER BY a.id LIMIT {_BATCH} FOR UPDATE OF a SKIP LOCKED
"""  # noqa: S608 - constants
_FACES = f"""
SELECT d.id FROM document d LEFT JOIN application a ON a.id = d.application_id
WHERE d.dfsp_id = $1 AND d.purpose = 'selfie' AND d.erased_at IS NULL
  AND CASE WHEN a.id IS NULL THEN d.added_at <= $2 ELSE a.state = ANY($3) AND a.updated_at <= $2 END
  AND {_UNHELD}
  AND NOT EXISTS (
    SELECT FROM legal_hold h JOIN application held ON held.id = h.application_id
    WHERE h.lifted_at IS NULL AND held.merchant_id = d.merchant_id
  )
ORDER BY d.id LIMIT {_BATCH} FOR UPDATE OF d SKIP LOCKED
"""  # noqa: S608 - constants


async def forget_all_due(service: Service) -> None:
    """Erase everything whose clock has run out, DFSP by DFSP."""
    async with service.db.system_reads() as tx:
        dfsps = [row["id"] for row in await tx.fetch("SELECT id FROM dfsp ORDER BY id")]
    for dfsp_id in dfsps:
        days = await days_of(service, dfsp_id)
        for end in ENDS:
            before = clock.now() - timedelta(days=days[end.value])
            while await forget_cases(service, dfsp_id, end.value, before) == _BATCH:
                pass
        before = clock.now() - timedelta(days=days[SELFIE])
        while await forget_faces(service, dfsp_id, before) == _BATCH:
            pass


async def forget_cases(service: Service, dfsp_id: UUID, end: str, before: datetime) -> int:
    """Erase up to 20 of a DFSP's cases that ended so before a time; how many there were."""
    due = _DUE_WITH_MERCHANT if made_a_merchant(end) else _DUE
    async with service.db.system() as tx:
        ids = [row["id"] for row in await tx.fetch(due, dfsp_id, end, before)]
        return sum([await _forget_case(tx, service, one) for one in ids])


async def forget_faces(service: Service, dfsp_id: UUID, before: datetime) -> int:
    """Erase up to 20 of a DFSP's pictures of faces whose case ended before a time; how many there were."""
    table: Any = Document
    async with service.db.system() as tx:
        ids = [row["id"] for row in await tx.fetch(_FACES, dfsp_id, before, [end.value for end in ENDS])]
        for row in (await tx.session.exec(select(table).where(table.id.in_(ids)).order_by(table.id))).all():
            await destroy_document(tx, SERVICE, row)
    return len(ids)


async def _forget_case(tx: Tx, service: Service, application_id: UUID) -> bool:
    cases: Any = Application
    proposals: Any = Erasure
    case = (await tx.session.exec(select(cases).where(cases.id == application_id))).one()
    # A hold that was placed meanwhile waited for neither lock, and is seen by now.
    await tx.fetch(LOCK_MERCHANT, case.merchant_id)
    if refusal_of(await clock_of(tx, service, case)) is not None:
        return False
    waiting = select(proposals).where(proposals.application_id == application_id)
    await erase_case(tx, SERVICE, case, RETENTION_OVER, (await tx.session.exec(waiting)).one_or_none())
    return True
