"""The other merchants of the owners of a merchant that was just blocked: each is restricted and reviewed.

They are found by the blind index of answers, across DFSPs, and held against what is block-listed now: it is the same as
when a version of the list brings an identifier of theirs (rescreen.py), and nobody is told whose merchant it was. A
merchant that is approved at the very moment is looked at after its approval.
"""

from uuid import UUID

from msgspec import Struct

from merchant.compliance.cases.blocking.block import BLOCKED_TOPIC
from merchant.compliance.cases.blocking.lookups import find_blocked
from merchant.compliance.cases.merchant_cases import answers_in_force
from merchant.compliance.cases.rescreen import lock_live_merchant, stop_for_review
from merchant.core import outbox
from merchant.core.db import Tx
from merchant.core.service import Service
from merchant.registry.merchants.states import LIVE_STATES

_BATCH = 50
_SHARING = f"""
SELECT DISTINCT m.id FROM merchant blocked
JOIN application_identifier mine ON mine.application_id IN (
  SELECT id FROM application WHERE merchant_id = blocked.id AND state = 'approved')
JOIN application_identifier theirs ON theirs.digest = mine.digest AND theirs.kind = mine.kind
JOIN application a ON a.id = theirs.application_id AND a.state = 'approved'
JOIN merchant m ON m.id = a.merchant_id
WHERE blocked.id = $1 AND mine.kind <> 'email' AND m.id <> blocked.id AND m.id > $2 AND m.state IN {LIVE_STATES}
ORDER BY m.id LIMIT $3
"""  # noqa: S608 - constants


class LookAtOthers(Struct, frozen=True):
    """The payload: the merchant that was blocked, and the last of the others that was looked at."""

    merchant_id: UUID
    after: UUID = UUID(int=0)


async def look_at_others(tx: Tx, service: Service, job: LookAtOthers) -> None:
    """Stop the next merchants that share an identifier with a blocked one, and leave the rest to a next job."""
    rows = await tx.fetch(_SHARING, job.merchant_id, job.after, _BATCH)
    for row in rows:
        await _stop_if_blocked(tx, service, row["id"])
    if len(rows) == _BATCH:
        await outbox.add(tx, BLOCKED_TOPIC, LookAtOthers(job.merchant_id, rows[-1]["id"]), dfsp_id=None)


async def look_at_approved(tx: Tx, service: Service, application_id: UUID) -> None:
    """Stop the merchant of a case that was approved while something of it was being block-listed."""
    merchant_id = await tx.fetchval("SELECT merchant_id FROM application WHERE id = $1", application_id)
    if merchant_id is not None:
        await _stop_if_blocked(tx, service, merchant_id)


async def _stop_if_blocked(tx: Tx, service: Service, merchant_id: UUID) -> None:
    merchant = await lock_live_merchant(tx, merchant_id)
    if merchant is None:
        return
    sections = await answers_in_force(tx, service.vault, merchant)
    [found] = await find_blocked(service, [sections])
    if any(one.refuses for one in found):
        await stop_for_review(tx, service, merchant, sections)
