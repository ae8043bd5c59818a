"""Move a merchant to another DFSP: offered when its old DFSP approves, done when the new one does.

Until then the old one serves it. Its id, counters, numbers and stickers go along; what the old DFSP has to keep stays
with it: applications, documents, payments. Both run as the service, since no DFSP sees the other's rows.
"""

from typing import Any
from uuid import UUID

from sqlmodel import select

import kyb
from merchant.compliance.cases import answers, effects
from merchant.compliance.cases.kinds import CaseKind
from merchant.compliance.cases.merchant_cases import answers_in_force
from merchant.compliance.cases.models import Application, Verification
from merchant.compliance.cases.policy import policy_of_case
from merchant.compliance.cases.verifications import facts_hash, verifications
from merchant.compliance.cases.withdrawals import lock_open_cases, withdraw_left_behind
from merchant.core import audit, clock
from merchant.core.access import SERVICE
from merchant.core.db import Tx
from merchant.core.service import Service
from merchant.notify import events
from merchant.registry.merchants.models import Merchant
from merchant.registry.merchants.states import Capability, merchant_may

OFFERED = "offered"  # the trigger of the case that the new DFSP finds
# What belongs to the merchant and goes with it; what a DFSP must be able to show later stays where it was.
_MOVED = (
    "UPDATE location SET dfsp_id = $2 WHERE merchant_id = $1",
    "UPDATE counter SET dfsp_id = $2 WHERE merchant_id = $1",
    "UPDATE alias SET dfsp_id = $2 WHERE merchant_id = $1",
    "UPDATE alias_claim SET dfsp_id = $2 WHERE counter_id IN (SELECT id FROM counter WHERE merchant_id = $1)",
    "UPDATE ended_sticker SET dfsp_id = $2 WHERE counter_id IN (SELECT id FROM counter WHERE merchant_id = $1)",
    "DELETE FROM merchant_search WHERE merchant_id = $1 AND dfsp_id <> $2",
    "UPDATE limit_usage SET dfsp_id = $2 WHERE merchant_id = $1",
    "UPDATE notification_choice SET dfsp_id = $2 WHERE merchant_id = $1",
)
# Keys, webhooks and people of the merchant were given by the old DFSP.
_ENDED = (
    "UPDATE api_key SET revoked_at = coalesce(revoked_at, now()) WHERE merchant_id = $1 AND dfsp_id = $2",
    "UPDATE app_user SET enabled = false WHERE merchant_id = $1 AND dfsp_id = $2",
    "UPDATE webhook_endpoint SET enabled = false WHERE merchant_id = $1 AND dfsp_id = $2",
)
# Two DFSPs may hold an offer of one merchant: the second to accept has it only from the one that serves it by then.
_OFFERED_BY = """
SELECT true FROM application
WHERE merchant_id = $1 AND dfsp_id = $2 AND to_dfsp_id = $3 AND kind = 'transfer' AND state = 'approved' LIMIT 1
"""


async def follow_approval(tx: Tx, service: Service, application_id: UUID) -> None:
    """What an approved case of a transfer leads to: the offer to the new DFSP, or the move itself; nothing else."""
    found = (await tx.session.exec(select(Application).where(Application.id == application_id))).one_or_none()
    if found is None or found.kind != CaseKind.TRANSFER:
        return
    if found.trigger == OFFERED:
        await _move(tx, service, found)
    else:
        await _offer(tx, service, found)


async def _offer(tx: Tx, service: Service, case: Application) -> None:
    """Let the new DFSP find a case with the merchant's answers and what was verified of them; once."""
    assert case.to_dfsp_id is not None and case.merchant_id is not None, "a transfer names both"
    table: Any = Application
    known = select(table.id).where(
        table.moves_merchant_id == case.merchant_id,
        table.dfsp_id == case.to_dfsp_id,
        table.state.in_(("draft", "submitted", "in_review", "returned")),
    )
    if (await tx.session.exec(known)).first() is not None:
        return
    merchant = await tx.one(select(Merchant).where(Merchant.id == case.merchant_id).with_for_update())
    if merchant.dfsp_id != case.dfsp_id:  # it went to another one meanwhile
        return
    sections = await answers_in_force(tx, service.vault, merchant)
    # The account at the old DFSP is none at the new one.
    sections = kyb.Sections(
        business=sections.business, owners=sections.owners, contact=sections.contact, locations=sections.locations
    )
    offered = Application(
        dfsp_id=case.to_dfsp_id,
        kind=CaseKind.TRANSFER,
        trigger=OFFERED,
        moves_merchant_id=merchant.id,
        target_tier=None,
        risk=merchant.risk,
        version_hash="",
        sections_sealed=b"",
        trading_name="",
    )
    answers.write(service.vault, offered, sections)
    tx.session.add(offered)
    await answers.index_identifiers(tx, service.vault, offered, sections)
    for row in await verifications(tx, case.id, merchant.id):
        if facts_hash(service.vault, sections, row.attribute, row.subject) == row.facts and row.outcome == "verified":
            tx.session.add(_relied_upon(row, offered))
    await tx.flush()
    await audit.record(
        tx, SERVICE, "case.offered", "case", offered.id, dfsp_id=offered.dfsp_id, merchant_id=str(merchant.id)
    )


def _relied_upon(row: Verification, offered: Application) -> Verification:
    """A verification of the old DFSP in the hands of the new one: what, how and when; not who, and no notes."""
    return Verification(
        dfsp_id=offered.dfsp_id,
        application_id=offered.id,
        attribute=row.attribute,
        subject=row.subject,
        outcome=row.outcome,
        method=row.method,
        by_kind="other_dfsp",
        at=row.at,
        expires_on=row.expires_on,
        facts=row.facts,
        policy_version=row.policy_version,
    )


async def _move(tx: Tx, service: Service, accepted: Application) -> None:
    """Hand the merchant over, and take back what was open for it elsewhere: only its new DFSP decides on it now.

    Does nothing when the merchant was closed or moved meanwhile.
    """
    assert accepted.moves_merchant_id is not None, "an offered case names its merchant"
    # Cases are locked before their merchant, as everywhere; what was opened in between is rare, and not waited for.
    left_behind = await lock_open_cases(tx, accepted.moves_merchant_id, but=[accepted.id])
    table: Any = Merchant
    locked = select(table).where(table.id == accepted.moves_merchant_id).with_for_update()
    merchant: Merchant = await tx.one(locked)
    known = [accepted.id, *(one.id for one in left_behind)]
    left_behind += await lock_open_cases(tx, merchant.id, but=known, wait=False)
    old_dfsp, new_dfsp = merchant.dfsp_id, accepted.dfsp_id
    if not merchant_may(merchant.state, Capability.CHANGE) or old_dfsp == new_dfsp:
        return
    if not await tx.fetchval(_OFFERED_BY, merchant.id, old_dfsp, new_dfsp):
        return
    await withdraw_left_behind(tx, left_behind)
    for statement in _ENDED:
        await tx.execute(statement, merchant.id, old_dfsp)
    for statement in _MOVED:
        await tx.execute(statement, merchant.id, new_dfsp)
    merchant.dfsp_id, merchant.case_id = new_dfsp, accepted.id
    merchant.tier, merchant.tier_since = accepted.target_tier or merchant.tier, clock.now()
    merchant.risk = accepted.risk
    merchant.revision += 1
    merchant.indexed_at = None  # its words are written anew for the new DFSP
    accepted.merchant_id = merchant.id
    await tx.flush()
    await tx.execute("UPDATE verification SET merchant_id = $2 WHERE application_id = $1", accepted.id, merchant.id)
    await effects.put_in_force(tx, await _work(service, accepted, merchant.tier), merchant)
    for dfsp_id, action in ((old_dfsp, "merchant.left"), (new_dfsp, "merchant.joined")):
        await audit.record(tx, SERVICE, action, "merchant", merchant.id, dfsp_id=dfsp_id)
        await events.announce(tx, action, dfsp_id, None, {"merchant_id": merchant.id, "state": merchant.state})


async def _work(service: Service, accepted: Application, tier: str) -> effects.Work:
    return effects.Work(
        service,
        await service.scheme(),
        SERVICE,
        accepted,
        answers.unseal(service.vault, accepted.id, accepted.sections_sealed),
        tier,
        await policy_of_case(service, accepted),
    )
