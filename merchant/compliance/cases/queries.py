"""Reads of applications, and the lock that every operation on one begins with.

Each takes the actor and shows no more than its DFSP; what the actor may not see is not found. Order of locks, where
several are held: application, merchant, counter, alias claim.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlmodel import and_, not_, select

from merchant.compliance.cases.models import Application, ApplicationVersion, Decision, ScreeningDecision
from merchant.compliance.cases.states import ApplicationState, Capability, application_may
from merchant.core import errors
from merchant.core.access import Actor, scope_to
from merchant.core.db import Reads, Tx
from merchant.core.paging import Page, containing, page
from merchant.core.texts import _

TRUE_MATCH = "true_match"
FALSE_POSITIVE = "false_positive"
# States in which a submitted case waits for a decision.
UNDECIDED = [each for each in ApplicationState if application_may(each, Capability.SCREEN)]
UNDECIDED += [each for each in ApplicationState if application_may(each, Capability.DECIDE)]


async def applications(
    tx: Reads,
    actor: Actor,
    wanted: Page,
    *,
    state: str | None,
    external_ref: str | None,
    search: str | None,
    handed_in: bool | None = None,
) -> list[Application]:
    """Applications, newest first. `handed_in` tells those that an applicant has handed in from all others."""
    statement = _narrowed(actor, select(Application))
    statement = _handed_in(statement, handed_in)
    statement = statement.where(Application.state == state) if state else statement
    statement = statement.where(Application.external_ref == external_ref) if external_ref else statement
    statement = containing(statement, search, Application.trading_name, Application.legal_name)
    statement = statement.where(Application.kind == "onboarding")
    return await page(tx, statement, Application.id, wanted)


async def cases(
    tx: Reads,
    actor: Actor,
    wanted: Page,
    *,
    state: str | None,
    kind: str | None,
    merchant_id: UUID | None,
    due_before: datetime | None,
    handed_in: bool | None = None,
) -> list[Application]:
    """Cases of every kind, newest first."""
    table: Any = Application
    statement = _handed_in(_narrowed(actor, select(Application)), handed_in)
    for column, value in ((table.state, state), (table.kind, kind), (table.merchant_id, merchant_id)):
        statement = statement.where(column == value) if value is not None else statement
    if due_before is not None:
        statement = statement.where(table.due_at < due_before, table.state.in_(UNDECIDED))
    return await page(tx, statement, Application.id, wanted)


async def application(tx: Reads, actor: Actor, application_id: UUID) -> Application:
    """One application. Raises NotFound."""
    found: Application = await tx.one(_by_id(actor, application_id))
    return found


async def lock_application(tx: Tx, actor: Actor, application_id: UUID) -> Application:
    """The application, locked until the transaction ends. Raises NotFound, also for another tenant's."""
    found: Application = await tx.one(_by_id(actor, application_id).with_for_update())
    return found


async def frozen_version(tx: Reads, application: Application, version: int) -> ApplicationVersion:
    """A version as it was submitted, with its report. Raises NotFound for a version that never was."""
    statement = select(ApplicationVersion).where(
        ApplicationVersion.application_id == application.id, ApplicationVersion.version == version
    )
    found: ApplicationVersion = await tx.one(statement)
    return found


class Submitted(Struct, frozen=True):
    """A frozen version with what was decided on it, oldest decision first."""

    version: ApplicationVersion
    decisions: list[Decision]
    hit_decisions: list[ScreeningDecision]


async def submitted_versions(tx: Reads, actor: Actor, application_id: UUID) -> list[Submitted]:
    """Every version that was submitted, oldest first. Raises NotFound for an application the actor may not see."""
    found = await application(tx, actor, application_id)
    versions = await _of(tx, found, ApplicationVersion, ApplicationVersion.version)
    decisions = await _of(tx, found, Decision, Decision.id)
    hits = await _of(tx, found, ScreeningDecision, ScreeningDecision.decided_at)
    return [
        Submitted(
            frozen,
            [one for one in decisions if one.version == frozen.version],
            [one for one in hits if one.version == frozen.version],
        )
        for frozen in versions
    ]


async def submitted_version(tx: Reads, actor: Actor, application_id: UUID, version: int) -> Submitted:
    """One of them. Raises NotFound, also for a version that was never submitted."""
    for one in await submitted_versions(tx, actor, application_id):
        if one.version.version == version:
            return one
    raise errors.NotFound(_("No version of this number was submitted."))


class HitStanding(Struct, frozen=True):
    """What is decided on a hit, and whether a checker proposes to take it back."""

    decision: str
    proposed: bool


async def hit_decisions(tx: Reads, application: Application) -> dict[str, HitStanding]:
    """hit id → what is decided on it, for the present version."""
    rows = await tx.fetch(
        "SELECT hit_id, decision, decided_by, release_proposed_by FROM screening_decision"
        " WHERE application_id = $1 AND version = $2",
        application.id,
        application.version,
    )
    return {
        row["hit_id"]: HitStanding(
            row["decision"], is_proposed(row["decision"], row["decided_by"], row["release_proposed_by"])
        )
        for row in rows
    }


def is_proposed(decision: str, decided_by: UUID, release_proposed_by: UUID | None) -> bool:
    """Whether one checker has proposed a release that a second has to confirm; until then the hit stands."""
    return release_proposed_by is not None and (decision == TRUE_MATCH or decided_by == release_proposed_by)


async def last_hit_decision(tx: Reads, application: Application, hit_id: str, entry: str) -> ScreeningDecision | None:
    """What was last decided on this entry of a list, in the present version or the newest before that has a decision.

    `entry` is hit_entry of the hit. A decision of before entries were kept is found by the hit's id.
    """
    table: Any = ScreeningDecision
    same = (table.entry == entry) | (table.hit_id == hit_id)
    found = select(table).where(table.application_id == application.id, same)
    # A hit of this version is its own; an older one may stand at another place of the answers.
    newest = found.order_by(
        table.version.desc(), (table.hit_id == hit_id).desc(), (table.decision == TRUE_MATCH).desc()
    )
    rows = (await tx.session.exec(newest)).all()
    return next((row for row in rows if row.version < application.version or row.hit_id == hit_id), None)


async def _of(tx: Reads, found: Application, table: Any, order: Any) -> list[Any]:
    statement = select(table).where(table.application_id == found.id).order_by(order)
    return list((await tx.session.exec(statement)).all())


def _by_id(actor: Actor, application_id: UUID) -> Any:
    return _narrowed(actor, select(Application).where(Application.id == application_id))


def _narrowed(actor: Actor, statement: Any) -> Any:
    """What the actor may see: what an applicant has begun and not handed in yet is theirs alone."""
    table: Any = Application
    narrowed = scope_to(actor, statement, table)
    if actor.kind == "service":
        return narrowed
    begun = (table.applicant_id.is_not(None), table.applicant_id != actor.id, table.submitted_at.is_(None))
    return narrowed.where(not_(and_(*begun, table.handed_in_at.is_(None))))


def _handed_in(statement: Any, wanted: bool | None) -> Any:
    table: Any = Application
    if wanted is None:
        return statement
    return statement.where(table.handed_in_at.is_not(None) if wanted else table.handed_in_at.is_(None))
