"""Decide on hits: whether a likeness is the listed one. Releasing a likely match, or one that was confirmed, takes two.

Every decision is kept, overruled ones too. Two people who confirm a match of a live merchant stop it; two others bring
it back. A release is remembered (memory.py).
"""

from typing import Any
from uuid import UUID

from merchant.compliance.cases import answers, memory, risk, sealed_fields
from merchant.compliance.cases.assess import hit_entry
from merchant.compliance.cases.four_eyes import lock_for_decision
from merchant.compliance.cases.models import Application, HitDecision, ScreeningDecision
from merchant.compliance.cases.queries import FALSE_POSITIVE, TRUE_MATCH, last_hit_decision
from merchant.compliance.cases.states import Capability
from merchant.core import audit, errors
from merchant.core.access import Actor
from merchant.core.db import Tx
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.registry.merchants import lifecycle
from merchant.registry.merchants.queries import lock_merchant
from merchant.registry.merchants.states import MerchantState, may_become

LISTED = "listed"
_CONFIRMED_BY = """
SELECT DISTINCT decided_by FROM hit_decision
WHERE application_id = $1 AND version = $2 AND hit_id = $3 AND decision = 'true_match'
"""


async def decide_hit(
    tx: Tx, service: Service, actor: Actor, application_id: UUID, hit_id: str, decision: str, reason: str
) -> Application:
    """Record a checker's decision on one hit.

    A release of a likely match, or of one that was called true, in an earlier version too, stands as proposed until a
    second checker repeats it. Raises NotFound, CheckerIsMaker, NotAllowed, WrongState.
    """
    application = await lock_for_decision(tx, actor, application_id, capability=Capability.DECIDE_HIT)
    report = sealed_fields.report_of(tx.vault, application) or {}
    hits = {hit["id"]: hit for hit in report.get("hits", ())}
    if hit_id not in hits:
        raise errors.NotFound(_("The screening of this version has no such hit."))
    found, entry = hits[hit_id], hit_entry(hits[hit_id])
    decided = ScreeningDecision(
        application_id=application.id,
        version=application.version,
        hit_id=hit_id,
        dfsp_id=application.dfsp_id,
        decision=decision,
        decided_by=actor.id,
        entry=entry,
    )
    before = await last_hit_decision(tx, application, hit_id, entry)
    proposed = decision == FALSE_POSITIVE and _needs_two(found, before) and not _is_second(before, decided)
    _write(tx, decided, before, reason, proposed)
    await tx.session.merge(decided)
    await _keep(tx, application, actor, hit_id, decision, proposed, reason)
    sections = answers.unseal(tx.vault, application.id, application.sections_sealed)
    if decision == TRUE_MATCH:
        await memory.forget(tx, application, sections, found)
        await _stop_if_confirmed(tx, actor, application, hit_id)
    elif not proposed:
        await memory.remember(tx, application, sections, found)
    application.revision += 1
    await audit.record(
        tx,
        actor,
        "application.hit_release_proposed" if proposed else "application.hit_decided",
        "application",
        application.id,
        dfsp_id=application.dfsp_id,
        version=application.version,
        hit=hit_id,
        decision=decision,
    )
    await risk.rejudge(tx, service, actor, application)
    return application


def _needs_two(found: dict[str, Any], before: ScreeningDecision | None) -> bool:
    """Whether one person's release of a hit is only a proposal."""
    return found["hit"].get("band") == "likely" or (before is not None and before.decision == TRUE_MATCH)


def _is_second(before: ScreeningDecision | None, decided: ScreeningDecision) -> bool:
    """Whether another checker proposed the same for this version before."""
    if before is None or before.version != decided.version:
        return False
    return before.release_proposed_by not in (None, decided.decided_by)


def _write(tx: Tx, decided: ScreeningDecision, before: ScreeningDecision | None, reason: str, proposed: bool) -> None:
    """The row as it stands after this decision: a true match that is proposed to be none stays one until the second."""
    vault = tx.vault
    if not proposed:
        sealed_fields.write_hit_reason(vault, decided, reason)
        if decided.decision == FALSE_POSITIVE and before is not None and _is_second(before, decided):
            decided.release_proposed_by = before.release_proposed_by
            decided.release_reason_sealed = before.release_reason_sealed
        return
    decided.release_proposed_by = decided.decided_by
    sealed_fields.write_release_reason(vault, decided, reason)
    if before is not None and before.decision == TRUE_MATCH:
        sealed_fields.write_hit_reason(vault, decided, sealed_fields.hit_reason_of(vault, before))
        decided.decision, decided.decided_by, decided.decided_at = before.decision, before.decided_by, before.decided_at
    else:
        sealed_fields.write_hit_reason(vault, decided, reason)


async def _keep(
    tx: Tx, application: Application, actor: Actor, hit_id: str, decision: str, proposed: bool, reason: str
) -> None:
    row = HitDecision(
        dfsp_id=application.dfsp_id,
        application_id=application.id,
        version=application.version,
        hit_id=hit_id,
        decision=decision,
        proposed=proposed,
        reason_sealed=b"",
        decided_by=actor.id,
    )
    sealed_fields.write_kept_reason(tx.vault, row, reason)
    tx.session.add(row)
    await tx.flush()


async def _stop_if_confirmed(tx: Tx, actor: Actor, application: Application, hit_id: str) -> None:
    """Suspend a live merchant once two people say that it is the listed one; nobody is told why."""
    rows = await tx.fetch(_CONFIRMED_BY, application.id, application.version, hit_id)
    if len(rows) < 2 or application.merchant_id is None:
        return
    merchant = await lock_merchant(tx, actor, application.merchant_id)
    merchant.listed = True
    if may_become(merchant.state, MerchantState.SUSPENDED):
        await lifecycle.move(tx, actor, merchant, MerchantState.SUSPENDED, LISTED, stopped_for=LISTED)
