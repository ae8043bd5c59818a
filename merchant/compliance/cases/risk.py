"""How risky a case or a merchant is: read what is known of it, ask kyb.risk, and keep the band that is in force.

assess.py asks when a version is screened, review.py when something was decided, risk_nightly.py once a day. The band
in force is the assessed one with what people set by hand (risk_overrides.py).
"""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any

import msgspec
from msgspec import Struct
from sqlmodel import or_, select

import kyb
from merchant.compliance.cases import answers, sealed_fields, verifications
from merchant.compliance.cases.models import Application, RiskOverride
from merchant.compliance.cases.policy import local_now, policy_of_case
from merchant.compliance.cases.queries import frozen_version, hit_decisions
from merchant.compliance.cases.risk_facts import Hits, Observed, hits_of, risk_facts
from merchant.core import audit
from merchant.core.access import Actor
from merchant.core.db import Reads, Tx
from merchant.core.service import Service
from merchant.registry.merchants.models import Merchant

OBSERVED_DAYS = 30
UNACCEPTABLE = "unacceptable"
# A merchant whose limits are counted with those of others of its owner is one of several in that row: then its own
# payments are added up.
_OBSERVED = """
SELECT m.limit_group IS NOT NULL OR EXISTS (SELECT FROM merchant o WHERE o.limit_group = m.id) AS is_grouped,
  usage.taken_minor, usage.payments
FROM merchant m, LATERAL (
  SELECT coalesce(sum(u.taken_minor), 0)::bigint AS taken_minor, coalesce(sum(u.payments), 0)::bigint AS payments
  FROM limit_usage u
  WHERE u.merchant_id = m.id AND u.currency = $2 AND length(u.period) = 10 AND u.period >= $3) usage
WHERE m.id = $1
"""
_RECEIVED = """
SELECT coalesce(sum(amount_minor), 0)::bigint AS taken_minor, count(*) AS payments FROM payment
WHERE merchant_id = $1 AND currency = $2 AND received_at >= $3
"""


class Judged(Struct, frozen=True):
    """The assessment, and the band in force with what people set by hand."""

    risk: kyb.Risk
    band: kyb.Band


async def judge(
    tx: Reads,
    service: Service,
    application: Application,
    case: kyb.Case,
    hits: Hits,
    merchant: Merchant | None = None,
) -> Judged:
    """How risky a case is by the policy that it is judged by; merchant is the live one that it is about."""
    policy = await policy_of_case(service, application)
    rows = await overrides_of(tx, application, merchant)
    return await _judged(tx, service, case, policy, hits, rows, merchant)


async def judge_merchant(tx: Reads, service: Service, merchant: Merchant, case: kyb.Case, policy: kyb.Policy) -> Judged:
    """How risky a live merchant is today; case holds the answers in force and what was verified of them."""
    source = await _case_in_force(tx, merchant)
    report = sealed_fields.report_of(service.vault, source) or {"hits": ()}
    hits = hits_of(report, await hit_decisions(tx, source))
    if merchant.listed:
        hits = msgspec.structs.replace(hits, open=hits.open + 1)
    return await _judged(tx, service, case, policy, hits, await overrides_of(tx, source, merchant), merchant)


async def rejudge(tx: Tx, service: Service, actor: Actor, application: Application) -> Judged:
    """Judge a screened version once more, because something was decided on it; its report says what was found."""
    report = sealed_fields.report_of(service.vault, application)
    assert report is not None, "a version under review was screened"
    await tx.flush()
    merchant = await merchant_of(tx, application)
    sections = answers.unseal(service.vault, application.id, application.sections_sealed)
    case = await verifications.case_of(tx, service, application, sections, merchant)
    found = await judge(tx, service, application, case, hits_of(report, await hit_decisions(tx, application)), merchant)
    frozen = await frozen_version(tx, application, application.version)
    sealed = sealed_fields.seal_report(service.vault, application.id, report | {"risk": stored_risk(found.risk)})
    application.report_sealed = frozen.report_sealed = sealed
    application.report = frozen.report = None
    await set_band(tx, actor, application, found)
    return found


async def set_band(tx: Tx, actor: Actor, row: Application | Merchant, found: Judged) -> bool:
    """Write the band in force to a case or a merchant; whether it changed, which is audited.

    The first one changes nothing: the record of the screening names it.
    """
    before, row.risk = row.risk, found.band
    if before is None or before == found.band:
        return False
    subject = "merchant" if isinstance(row, Merchant) else "application"
    await audit.record(
        tx,
        actor,
        f"{subject}.risk_changed",
        subject,
        row.id,
        dfsp_id=row.dfsp_id,
        before=before,
        after=found.band,
        score=found.risk.score,
        weights_version=found.risk.weights_version,
    )
    return True


def stored_risk(risk: kyb.Risk) -> dict[str, Any]:
    """An assessment as JSON values, as a stored report holds it."""
    document: dict[str, Any] = msgspec.to_builtins(risk)
    return document


def counted(rows: Iterable[RiskOverride], time_zone: Any) -> tuple[kyb.Override, ...]:
    """Overrides as kyb takes them, oldest first, without those that a second person has yet to confirm.

    They end as their last day begins, in the scheme's time zone. A reason was asked for and stays sealed.
    """
    return tuple(
        kyb.Override(
            band=msgspec.convert(row.band, kyb.Band),
            by=str(row.by_id),
            reason="sealed",
            until=datetime.combine(row.until, time.min, time_zone) if row.until is not None else None,
            second_by=str(row.confirmed_by) if row.confirmed_by is not None else None,
        )
        for row in rows
        if row.confirmed_by is not None or not row.lowers
    )


def risk_of_new(case: kyb.Case, policy: kyb.Policy, home_country: str, hits: Hits, today: date) -> kyb.Risk:
    """How risky a case is that no merchant stands behind yet, and for which nobody set anything by hand."""
    return kyb.assess_risk(risk_facts(case, policy, home_country, hits, Observed(), today), policy.risk_weights)


async def overrides_of(tx: Reads, application: Application, merchant: Merchant | None) -> list[RiskOverride]:
    """What people set by hand for a case and the merchant that it is about, oldest first."""
    table: Any = RiskOverride
    owner = table.application_id == application.id
    if merchant is not None:
        owner = or_(owner, table.merchant_id == merchant.id)
    return list((await tx.session.exec(select(table).where(owner).order_by(table.created_at, table.id))).all())


async def _judged(
    tx: Reads,
    service: Service,
    case: kyb.Case,
    policy: kyb.Policy,
    hits: Hits,
    rows: Iterable[RiskOverride],
    merchant: Merchant | None,
) -> Judged:
    now, scheme = await local_now(service), await service.scheme()
    currencies = case.sections.business.currencies
    observed = Observed()
    if merchant is not None:
        observed = await _observed(tx, merchant, currencies[0] if currencies else "", now)
    facts = risk_facts(case, policy, scheme.country, hits, observed, now.date())
    risk = kyb.assess_risk(facts, policy.risk_weights)
    return Judged(risk, kyb.effective_band(risk, counted(rows, now.tzinfo), now))


async def _observed(tx: Reads, merchant: Merchant, currency: str, now: datetime) -> Observed:
    """What a merchant took in the last days, today among them, in the currency in which it declared its turnover."""
    first = first_observed_day(now.date())
    row = await tx.fetchrow(_OBSERVED, merchant.id, currency, first.isoformat())
    if row is not None and row["is_grouped"]:
        row = await tx.fetchrow(_RECEIVED, merchant.id, currency, datetime.combine(first, time.min, now.tzinfo))
    since = merchant.created_at.astimezone(now.tzinfo).date()
    return Observed(row["taken_minor"], row["payments"], since) if row is not None else Observed(since=since)


def first_observed_day(today: date) -> date:
    """The first of the days whose payments count."""
    return today - timedelta(days=OBSERVED_DAYS - 1)


async def merchant_of(tx: Reads, application: Application) -> Merchant | None:
    """The live merchant that a case is about."""
    if application.merchant_id is None:
        return None
    found: Merchant = await tx.one(select(Merchant).where(Merchant.id == application.merchant_id))
    return found


async def _case_in_force(tx: Reads, merchant: Merchant) -> Application:
    """The case whose answers are in force."""
    wanted = merchant.case_id or merchant.application_id
    found: Application = await tx.one(select(Application).where(Application.id == wanted))
    return found
