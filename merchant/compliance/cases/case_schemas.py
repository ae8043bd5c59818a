"""Shapes of the routes of cases: opening one, verifications, waivers, appeals."""

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

import kyb
from merchant.compliance.cases import privacy
from merchant.compliance.cases.kinds import CaseKind
from merchant.compliance.cases.merchant_cases import Opened
from merchant.compliance.cases.models import Application, RiskOverride, Verification
from merchant.compliance.cases.sealed_fields import risk_reason_of
from merchant.compliance.cases.states import ApplicationState
from merchant.compliance.cases.verifications import details_of
from merchant.core import errors
from merchant.core.access import Actor
from merchant.core.db import Reads
from merchant.core.http import json as web
from merchant.core.http.fields import Instant, ReasonText, pattern
from merchant.core.texts import _
from merchant.core.vault import Vault

Code = Annotated[
    str,
    pattern(
        r"^[a-z][a-z0-9_]{0,63}\Z", _("Must be a word of lower-case letters, digits and underscores, such as tax_id.")
    ),
]
Subject = Annotated[str, Meta(min_length=1, max_length=64)]
OpenedKind = Literal["change", "upgrade", "downgrade", "review", "reinstatement", "closure", "transfer"]


class NewCase(Struct, frozen=True, forbid_unknown_fields=True):
    """A case for a live merchant: its kind, the sections that shall change, and what single kinds need.

    An upgrade and a downgrade name the tier, a downgrade, a reinstatement and a closure say why, a transfer names the
    DFSP that shall serve the merchant.
    """

    kind: OpenedKind
    target_tier: Annotated[str, Meta(max_length=16)] | None = None
    reason: ReasonText | None = None
    to_fsp_id: Annotated[str, Meta(max_length=32)] | None = None
    business: kyb.Business | UnsetType = UNSET
    owners: kyb.Owners | UnsetType = UNSET
    contact: kyb.Contact | UnsetType = UNSET
    locations: kyb.Locations | UnsetType = UNSET
    settlement_account: kyb.SettlementAccount | UnsetType = UNSET

    async def opened(self, tx: Reads) -> Opened:
        """What the operation takes. Raises InvalidFields for an unknown DFSP, or one on a case that is no transfer."""
        sections = ("business", "owners", "contact", "locations", "settlement_account")
        changes: dict[str, Any] = {name: getattr(self, name) for name in sections if getattr(self, name) is not UNSET}
        to_dfsp = None
        if (self.kind == "transfer") != (self.to_fsp_id is not None):
            raise errors.invalid_field("to_fsp_id", "invalid", _("A transfer names a DFSP, and no other case does."))
        if self.to_fsp_id is not None:
            to_dfsp = await tx.fetchval("SELECT id FROM dfsp WHERE fsp_id = $1 AND enabled", self.to_fsp_id)
            if to_dfsp is None:
                raise errors.invalid_field("to_fsp_id", "unknown", _("No DFSP of this name takes part."))
        return Opened(CaseKind(self.kind), self.target_tier, self.reason, changes, to_dfsp_id=to_dfsp)


class Appeal(Struct, frozen=True, forbid_unknown_fields=True):
    """Why a rejection is appealed."""

    reason: ReasonText


class NewVerification(Struct, frozen=True, forbid_unknown_fields=True):
    """What was found about an attribute of a subject, such as identity of owners[0].

    latitude and longitude are of a visit. reference is a register's or a document's; note is for the DFSP's own staff.
    """

    attribute: Code
    subject: Subject
    outcome: Literal["verified", "rejected", "inconclusive"]
    method: Code
    code: Code | None = None
    expires_on: date | None = None
    latitude: Annotated[float, Meta(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Meta(ge=-180, le=180)] | None = None
    reference: Annotated[str, Meta(max_length=64)] | None = None
    document_id: UUID | None = None
    note: Annotated[str, Meta(max_length=500)] | None = None


class NewWaiver(Struct, frozen=True, forbid_unknown_fields=True):
    """What a case may do without, until which day, and why."""

    attribute: Code
    subject: Subject
    expires_on: date
    reason: ReasonText


class NewRiskBand(Struct, frozen=True, forbid_unknown_fields=True):
    """The band that a checker sets by hand and why; a lower one needs the day on which it ends."""

    band: kyb.Band
    reason: ReasonText
    until: date | None = None


class RiskOverrideView(Struct, frozen=True):
    """A band set by hand. One that is proposed counts once a second checker says the same; risk is the band in force.

    It no longer counts when the day named in until begins.
    """

    id: UUID
    state: Literal["in_force", "proposed"]
    band: kyb.Band
    until: date | None
    by: UUID
    confirmed_by: UUID | None
    reason: str | None
    at: Instant
    risk: kyb.Band


class VerificationView(Struct, frozen=True):
    """A verification: what of whom, by whom, how, when, until when, and with which outcome."""

    id: UUID
    attribute: str
    subject: str
    outcome: Literal["verified", "rejected", "inconclusive", "unavailable", "waived", "waiver_proposed"]
    method: str
    code: str
    by: UUID | None
    by_kind: str
    confirmed_by: UUID | None
    at: Instant
    expires_on: date | None
    policy_version: str
    details: dict[str, Any] | None


class CaseSummary(Struct, frozen=True):
    """A case in a list."""

    id: UUID
    kind: CaseKind
    state: ApplicationState
    version: int
    merchant_id: UUID | None
    target_tier: str | None
    trading_name: str
    risk: str | None
    trigger: str | None
    due_at: Instant | None
    created_at: Instant
    updated_at: Instant
    handed_in_at: Instant | None


def case_summary(row: Application) -> CaseSummary:
    """A case as a line of a list."""
    return CaseSummary(
        row.id,
        CaseKind(row.kind),
        ApplicationState(row.state),
        row.version,
        row.merchant_id,
        row.target_tier,
        row.trading_name,
        row.risk,
        row.trigger,
        web.at_or_none(row.due_at),
        web.at(row.created_at),
        web.at(row.updated_at),
        web.at_or_none(row.handed_in_at),
    )


def risk_override_view(actor: Actor, vault: Vault, row: RiskOverride, band: kyb.Band) -> RiskOverrideView:
    """A band set by hand, with the one that is in force now."""
    return RiskOverrideView(
        id=row.id,
        state="proposed" if row.lowers and row.confirmed_by is None else "in_force",
        band=msgspec.convert(row.band, kyb.Band),
        until=row.until,
        by=row.by_id,
        confirmed_by=row.confirmed_by,
        reason=privacy.shown_words(actor, risk_reason_of(vault, row)),
        at=web.at(row.created_at),
        risk=band,
    )


def verification_view(actor: Actor, vault: Vault, row: Verification) -> VerificationView:
    """A verification as the actor may see it: to the hub without what was noted."""
    return VerificationView(
        id=row.id,
        attribute=row.attribute,
        subject=row.subject,
        outcome=row.outcome,  # type: ignore[arg-type]
        method=row.method,
        code=row.code,
        by=row.by_id,
        by_kind=row.by_kind,
        confirmed_by=row.confirmed_by,
        at=web.at(row.at),
        expires_on=row.expires_on,
        policy_version=row.policy_version,
        details=details_of(vault, row) if actor.dfsp_id is not None else None,
    )
