"""What was found and decided on an application, sealed: it speaks of people (a listed name beside an owner's, reasons).

Each has a column of its own beside the one in clear, where the release before wrote it: this release writes the sealed
one alone and blanks the other: what stands in clear was written later, by the release before while it is replaced.
programs/sealing.py seals it.
"""

from typing import Any
from uuid import UUID

import msgspec

from merchant.compliance.cases.models import (
    Application,
    ApplicationVersion,
    Decision,
    HitDecision,
    RiskOverride,
    ScreeningDecision,
)
from merchant.core.vault import Vault

# As vault.seal is told; of an application and its versions alike, since both hold the same report.
REPORT = "report:{application_id}"
RETURNED_ITEMS = "returned:{id}"
REJECT_REASON = "rejected:{id}"
DECISION_REASON = "decision:{id}"
RISK_REASON = "risk:{id}"
CASE_REASON = "case_reason:{id}"
HIT_REASON = "hit:{application_id}/{version}/{hit_id}"
KEPT_REASON = "hit_decision:{id}"
RELEASE_REASON = "release:{application_id}/{version}/{hit_id}"


def seal_report(vault: Vault, application_id: UUID, report: dict[str, Any] | None) -> bytes | None:
    """A report as its column holds it."""
    return _seal(vault, REPORT.format(application_id=application_id), report)


def report_of(vault: Vault, row: Application | ApplicationVersion) -> dict[str, Any] | None:
    """The report of an application, or of one of its versions."""
    application_id = row.id if isinstance(row, Application) else row.application_id
    found: dict[str, Any] | None = _open(vault, REPORT.format(application_id=application_id), row.report_sealed)
    return found if row.report is None else row.report


def write_returned_items(vault: Vault, row: Application, items: list[dict[str, str]] | None) -> None:
    """Put what the makers have to change into an application; None takes it away."""
    row.returned_items, row.returned_items_sealed = None, _seal(vault, RETURNED_ITEMS.format(id=row.id), items)


def returned_items_of(vault: Vault, row: Application) -> list[dict[str, str]] | None:
    """What the makers have to change."""
    found: list[dict[str, str]] | None = _open(vault, RETURNED_ITEMS.format(id=row.id), row.returned_items_sealed)
    return found if row.returned_items is None else row.returned_items


def write_reject_reason(vault: Vault, row: Application, reason: str) -> None:
    """Put the reason of a refusal into an application."""
    row.reject_reason, row.reject_reason_sealed = None, _seal(vault, REJECT_REASON.format(id=row.id), reason)


def reject_reason_of(vault: Vault, row: Application) -> str | None:
    """The reason of a refusal."""
    found: str | None = _open(vault, REJECT_REASON.format(id=row.id), row.reject_reason_sealed)
    return found if row.reject_reason is None else row.reject_reason


def write_case_reason(vault: Vault, row: Application, reason: str) -> None:
    """Put into a case why it was opened, or why its rejection is appealed."""
    row.reason_sealed = _seal(vault, CASE_REASON.format(id=row.id), reason)


def case_reason_of(vault: Vault, row: Application) -> str | None:
    """Why a case was opened or appealed."""
    found: str | None = _open(vault, CASE_REASON.format(id=row.id), row.reason_sealed)
    return found


def write_decision_reason(vault: Vault, row: Decision, reason: str | None) -> None:
    """Put the reason of a decision into its row."""
    row.reason_sealed = _seal(vault, DECISION_REASON.format(id=row.id), reason)


def decision_reason_of(vault: Vault, row: Decision) -> str | None:
    """The reason of a decision."""
    found: str | None = _open(vault, DECISION_REASON.format(id=row.id), row.reason_sealed)
    return found if row.reason is None else row.reason


def seal_risk_reason(vault: Vault, override_id: UUID, reason: str) -> bytes:
    """The reason of a band set by hand, as its column holds it."""
    return vault.seal(msgspec.json.encode(reason), RISK_REASON.format(id=override_id))


def risk_reason_of(vault: Vault, row: RiskOverride) -> str:
    """The reason of a band set by hand."""
    found: str = _open(vault, RISK_REASON.format(id=row.id), row.reason_sealed)
    return found


def write_hit_reason(vault: Vault, row: ScreeningDecision, reason: str) -> None:
    """Put the reason of a decision on a hit into its row."""
    row.reason, row.reason_sealed = "", _seal(vault, _hit_context(row), reason)


def hit_reason_of(vault: Vault, row: ScreeningDecision) -> str:
    """The reason of a decision on a hit."""
    found: str | None = _open(vault, _hit_context(row), row.reason_sealed)
    return row.reason or found or ""


def write_kept_reason(vault: Vault, row: HitDecision, reason: str) -> None:
    """Put the reason of a decision on a hit into the row that keeps it."""
    row.reason_sealed = vault.seal(msgspec.json.encode(reason), KEPT_REASON.format(id=row.id))


def write_release_reason(vault: Vault, row: ScreeningDecision, reason: str) -> None:
    """Put the reason of the first of two who take back a true match into its row."""
    row.release_reason_sealed = _seal(vault, _hit_context(row, RELEASE_REASON), reason)


def release_reason_of(vault: Vault, row: ScreeningDecision) -> str | None:
    """The reason of the first of two who take back a true match."""
    found: str | None = _open(vault, _hit_context(row, RELEASE_REASON), row.release_reason_sealed)
    return found


def _hit_context(row: ScreeningDecision, context: str = HIT_REASON) -> str:
    return context.format(application_id=row.application_id, version=row.version, hit_id=row.hit_id)


def _seal(vault: Vault, context: str, value: Any) -> bytes | None:
    return None if value is None else vault.seal(msgspec.json.encode(value), context)


def _open(vault: Vault, context: str, sealed: bytes | None) -> Any:
    return None if sealed is None else msgspec.json.decode(vault.open(sealed, context))
