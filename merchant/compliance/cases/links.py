"""Merchants of one owner: found by the owner's identity number, and their limits counted together.

One person with fifty shops would otherwise take fifty times the limit of one. The merchants of a group are counted in
the row of its oldest one, across DFSPs; nobody is told who the others are.
"""

from uuid import UUID

from merchant.core.db import Tx

# The merchants, living or not, that share an owner's identity number or a firm's own number with a case, and theirs.
_LINKED = """
SELECT DISTINCT coalesce(m.limit_group, m.id) FROM application_identifier mine
JOIN application_identifier theirs ON theirs.digest = mine.digest AND theirs.kind = mine.kind
JOIN application a ON a.id = theirs.application_id
JOIN merchant m ON m.id = a.merchant_id
WHERE mine.application_id = $1 AND mine.kind IN ('id_number', 'registration_number', 'tax_id') AND a.state = 'approved'
ORDER BY 1
"""
_JOIN = "UPDATE merchant SET limit_group = $1 WHERE limit_group = ANY($2) OR id = ANY($2)"
_MERGE = """
INSERT INTO limit_usage (merchant_id, period, currency, dfsp_id, taken_minor, payments)
SELECT $1, u.period, u.currency, m.dfsp_id, sum(u.taken_minor), sum(u.payments)
FROM limit_usage u, merchant m WHERE u.merchant_id = ANY($2) AND m.id = $1
GROUP BY u.period, u.currency, m.dfsp_id
ON CONFLICT (merchant_id, period, currency) DO UPDATE
SET taken_minor = limit_usage.taken_minor + excluded.taken_minor, payments = limit_usage.payments + excluded.payments
"""
_DROP = "DELETE FROM limit_usage WHERE merchant_id = ANY($1)"
_LOCK = "SELECT id FROM merchant WHERE id = ANY($1) OR limit_group = ANY($1) ORDER BY id FOR UPDATE"


async def link_merchants(tx: Tx, application_id: UUID) -> int:
    """Count the merchant of an approved case together with the others of its owners; how many groups were joined.

    Runs as the service, which sees all DFSPs. Repeating it changes nothing.
    """
    groups = [row[0] for row in await tx.fetch(_LINKED, application_id)]
    if len(groups) < 2:
        return 0
    oldest, others = groups[0], groups[1:]
    await tx.fetch(_LOCK, groups)
    await tx.execute(_JOIN, oldest, others)
    await tx.execute(_MERGE, oldest, others)
    await tx.execute(_DROP, others)
    return len(others)
