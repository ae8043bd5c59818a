"""What an applicant does with their own application: read it, write it, hand it in, take it back, choose another DFSP.

It is found by who calls, never by an id that is sent: an applicant belongs to a DFSP and may see nothing else of it.
The cases' own operations do the work, so that the applicant is one of the makers and four eyes hold.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlmodel import select

import kyb
from merchant.compliance.cases import answers, apply, privacy, withdrawals
from merchant.compliance.cases.kinds import CaseKind
from merchant.compliance.cases.models import Application
from merchant.compliance.cases.states import Capability, application_may
from merchant.core import audit, clock, errors
from merchant.core.access import Actor
from merchant.core.db import Reads, Tx
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.notify import events
from merchant.people.registration.problems import HandedIn
from merchant.people.registration.register import check_participant

_ALIASES = "SELECT alias FROM counter WHERE merchant_id = $1 AND closed_at IS NULL ORDER BY id LIMIT 200"
_DFSP = "SELECT id, name FROM dfsp WHERE id = $1"
# What belongs to a draft and goes with it to another DFSP; nobody of the first has seen it.
_MOVED = (
    "UPDATE application_identifier SET dfsp_id = $2 WHERE application_id = $1",
    "UPDATE verification SET dfsp_id = $2 WHERE application_id = $1",
    "UPDATE document SET dfsp_id = $2 WHERE application_id = $1",
)
_MOVE_PERSON = "UPDATE app_user SET dfsp_id = $2, version = version + 1 WHERE id = $1"


class Seat(Struct, frozen=True):
    """The DFSP of an application."""

    id: UUID
    name: str


async def own_application(tx: Reads, actor: Actor) -> Application:
    """The caller's application, the newest one. Raises NotFound, also for who never registered themselves."""
    return await _own(tx, _newest(actor))


async def lock_own(tx: Tx, actor: Actor) -> Application:
    """The same, locked until the transaction ends."""
    return await _own(tx, _newest(actor).with_for_update())


async def _own(tx: Reads, statement: Any) -> Application:
    found: Application | None = (await tx.session.exec(statement)).first()
    if found is None:
        raise errors.NotFound(_("You have no application."))
    return found


def _newest(actor: Actor) -> Any:
    table: Any = Application
    mine = (table.applicant_id == actor.id, table.dfsp_id == actor.dfsp_id, table.kind == CaseKind.ONBOARDING)
    return select(table).where(*mine).order_by(table.id.desc()).limit(1)


def check_writable(application: Application) -> None:
    """Raise WrongState where the applicant may not write: what was handed in is the DFSP's, until it comes back."""
    apply.check_editable(application)
    if application.handed_in_at is not None:
        raise HandedIn


def shown_sections(service: Service, actor: Actor, application: Application) -> kyb.Sections:
    """The answers: whole while they are the applicant's own words only, masked once staff may have added to them."""
    sections = answers.unseal(service.vault, application.id, application.sections_sealed)
    own = application_may(application.state, Capability.EDIT) and application.submitted_at is None
    return sections if own and application.handed_in_at is None else privacy.shown(actor, sections)


async def seat_of(tx: Reads, application: Application) -> Seat:
    """At which DFSP it is."""
    row = await tx.fetchrow(_DFSP, application.dfsp_id)
    assert row is not None
    return Seat(row["id"], row["name"])


async def numbers_of(tx: Reads, application: Application) -> Sequence[str]:
    """The numbers of the merchant's counters, once there are any."""
    if application.merchant_id is None:
        return ()
    return [row["alias"] for row in await tx.fetch(_ALIASES, application.merchant_id)]


async def change_own(tx: Tx, service: Service, actor: Actor, revision: int, changes: dict[str, object]) -> Application:
    """Replace sections. Raises NotFound, HandedIn, and what apply.change_sections does."""
    found = await lock_own(tx, actor)
    check_writable(found)
    return await apply.change_sections(tx, service, actor, found.id, revision, changes)


async def hand_in(tx: Tx, actor: Actor) -> Application:
    """Give the draft to the DFSP, whose makers complete and submit it; again it changes nothing.

    Raises NotFound, WrongState for what is no draft: of what came back, something must be changed first.
    """
    found = await lock_own(tx, actor)
    if not application_may(found.state, Capability.SUBMIT):
        raise errors.WrongState(_("An application that is {state} cannot be handed in.", state=found.state))
    if found.handed_in_at is not None:
        return found
    await note_handed_in(tx, actor, found)
    return found


async def note_handed_in(tx: Tx, actor: Actor, application: Application) -> None:
    """Write down that a draft is the DFSP's to go on with, and announce it."""
    application.handed_in_at = application.updated_at = clock.now()
    application.revision += 1
    version = application.version
    await audit.record(
        tx,
        actor,
        "application.handed_in",
        "application",
        application.id,
        dfsp_id=application.dfsp_id,
        version=version,
    )
    data = {"application_id": application.id, "version": version}
    await events.announce(tx, "application.handed_in", application.dfsp_id, application.merchant_id, data)


async def withdraw_own(tx: Tx, actor: Actor) -> Application:
    """Take it back while nobody has decided. Raises NotFound, WrongState, NotAppellant."""
    found = await lock_own(tx, actor)
    return await withdrawals.withdraw(tx, actor, found.id)


async def choose_dfsp(tx: Tx, actor: Actor, dfsp_id: UUID) -> Application:
    """Take a draft that nobody has seen, and its applicant, to another DFSP; `tx` is the service's, which sees both.

    Raises NotFound, HandedIn, WrongState for what was submitted before, InvalidFields for a DFSP that does not take
    part.
    """
    found = await lock_own(tx, actor)
    check_writable(found)
    if found.submitted_at is not None:
        raise errors.WrongState(_("Your bank has looked at this application already; withdraw it and begin a new one."))
    await check_participant(tx, dfsp_id)
    if dfsp_id == found.dfsp_id:
        return found
    left, found.dfsp_id = found.dfsp_id, dfsp_id
    found.revision += 1
    found.updated_at = clock.now()
    await tx.flush()
    for statement in _MOVED:
        await tx.execute(statement, found.id, dfsp_id)
    await tx.execute(_MOVE_PERSON, actor.id, dfsp_id)
    for of_dfsp, action in ((left, "application.left"), (dfsp_id, "application.joined")):
        await audit.record(tx, actor, action, "application", found.id, dfsp_id=of_dfsp)
    return found
