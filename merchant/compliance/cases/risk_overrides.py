"""Set the risk of a case by hand: one checker raises it, two lower it, for a time and never below what a fact asks for.

kyb.risk holds the rules; risk.py applies what stands here to every later assessment.
"""

from datetime import date
from typing import Any
from uuid import UUID

from sqlmodel import select

import kyb
from merchant.compliance.cases import problems, risk, sealed_fields
from merchant.compliance.cases.four_eyes import lock_for_decision
from merchant.compliance.cases.models import Application, RiskOverride
from merchant.compliance.cases.policy import local_now, policy_of_case
from merchant.core import audit, errors
from merchant.core.access import Actor
from merchant.core.db import Tx
from merchant.core.service import Service
from merchant.core.texts import _


async def set_by_hand(
    tx: Tx, service: Service, actor: Actor, application_id: UUID, band: kyb.Band, reason: str, until: date | None
) -> tuple[RiskOverride, kyb.Band]:
    """Raise the risk, propose a lower one, or confirm what another checker proposed; with the band then in force.

    A proposal is confirmed by the same band and day. Raises NotFound, CheckerIsMaker, NotAllowed, WrongState,
    RiskBound where a stop or a floor binds, InvalidFields.
    """
    application = await lock_for_decision(tx, actor, application_id)
    judged = await risk.rejudge(tx, service, actor, application)
    lowers = _is_lower(band, judged.band)
    await _check_wanted(service, application, band, until, judged)
    row = await _proposal(tx, application, band, until) if lowers else None
    if row is None:
        row = RiskOverride(
            dfsp_id=application.dfsp_id,
            application_id=application.id,
            merchant_id=application.merchant_id,
            band=band,
            lowers=lowers,
            reason_sealed=b"",
            by_id=actor.id,
            until=until,
        )
        row.reason_sealed = sealed_fields.seal_risk_reason(tx.vault, row.id, reason)
        tx.session.add(row)
        action = "risk.lowering_proposed" if lowers else "risk.raised"
    elif row.by_id != actor.id:
        row.confirmed_by = actor.id
        action = "risk.lowered"
    else:
        return row, judged.band  # saying it again makes no second person
    application.revision += 1
    await audit.record(
        tx,
        actor,
        action,
        "application",
        application.id,
        dfsp_id=application.dfsp_id,
        version=application.version,
        band=band,
        until=until.isoformat() if until is not None else None,
    )
    return row, (await risk.rejudge(tx, service, actor, application)).band


def _is_lower(band: kyb.Band, current: kyb.Band) -> bool:
    return kyb.BANDS.index(band) < kyb.BANDS.index(current)


async def _check_wanted(
    service: Service, application: Application, band: kyb.Band, until: date | None, judged: risk.Judged
) -> None:
    """Refuse what would not count, as kyb says; whether a second person agrees is seen later."""
    if band == judged.band:
        raise errors.invalid_field("band", "same", _("The risk is in this band already."))
    now = await local_now(service)
    policy = await policy_of_case(service, application)
    longest = kyb.span(policy.text.lower_risk_lasts).after(now.date())
    lowers = _is_lower(band, judged.band)
    if lowers and until is None:
        raise errors.invalid_field("until", "missing", _("A lower risk needs a day on which it ends."))
    if until is not None and (until <= now.date() or (lowers and until > longest)):
        sentence = _("Must be a day after today and no later than {day}.", day=longest.isoformat())
        raise errors.invalid_field("until", "out_of_range", sentence)
    wanted = RiskOverride(
        dfsp_id=application.dfsp_id, band=band, lowers=lowers, reason_sealed=b"", by_id=UUID(int=1), until=until
    )
    wanted.confirmed_by = UUID(int=2)
    [override] = risk.counted([wanted], now.tzinfo)
    if kyb.override_fault(override, judged.band, judged.risk, now) is not None:
        raise problems.RiskBound


async def _proposal(tx: Tx, application: Application, band: str, until: date | None) -> RiskOverride | None:
    """What a checker proposed and nobody confirmed yet, for the same band and day."""
    table: Any = RiskOverride
    wanted = select(table).where(
        table.application_id == application.id,
        table.band == band,
        table.until == until,
        table.lowers,
        table.confirmed_by.is_(None),
    )
    found: RiskOverride | None = (await tx.session.exec(wanted.with_for_update())).first()
    return found
