"""The four-eyes rule: whoever wrote or submitted a version, or issued the key that did, does not decide on it.

Every act of a checker in review.py begins with `lock_for_decision`. Nothing else reads an application's makers
(tests/rules/source_rules.py); apply.py writes them.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

import kyb
from merchant.compliance.cases.models import Application, ApplicationVersion
from merchant.compliance.cases.queries import Submitted, lock_application
from merchant.compliance.cases.states import Capability, application_may
from merchant.core import errors
from merchant.core.access import SERVICE, Actor, Permission
from merchant.core.db import Reads, Tx
from merchant.core.texts import _

_OPENER = "opened"  # beside the sections, in an application's section_makers
_APPEAL = "appeal"  # likewise
# Those of keys that wrote before a key's issuer was written down with it.
_ISSUED = "SELECT true FROM api_key WHERE id = ANY($1) AND issued_by = $2 LIMIT 1"
_KEYS_ISSUED = "SELECT id FROM api_key WHERE id = ANY($1) AND issued_by = $2"
Lock = Literal["maker", "appeal"]


def note_authors(application: Application, actor: Actor, before: kyb.Sections, after: kyb.Sections) -> None:
    """Note who wrote what stands in a version: its makers are the authors of every answer that it holds.

    Whoever changes a section joins its authors; who wrote it before stays one as long as one of their answers may
    still stand in it, in a later version too.
    """
    authors = {name: list(ids) for name, ids in application.section_makers.items()}
    if not authors.keys() - {_OPENER} and application.makers:  # written before authors were kept by section
        given = (name for name in before.__struct_fields__ if _leaves(getattr(before, name)))
        authors |= {name: [str(one) for one in application.makers] for name in given}
    for name in after.__struct_fields__:
        old, new = getattr(before, name), getattr(after, name)
        if old == new:
            continue
        kept = authors.get(name, []) if _leaves(old) & _leaves(new) else []
        authors[name] = [*kept, *(str(one) for one in actor.authors() if str(one) not in kept)]
    application.section_makers = authors
    application.makers = list(dict.fromkeys(UUID(one) for ids in authors.values() for one in ids))


def note_part(application: Application, actor: Actor, part: str) -> None:
    """Whoever adds something else than answers to a version is one of its makers: documents, verifications."""
    known = application.section_makers.get(part, [])
    added = [str(one) for one in actor.authors() if str(one) not in known]
    application.section_makers = {**application.section_makers, part: [*known, *added]}
    note_submitter(application, actor)


def note_late_part(application: Application, frozen: ApplicationVersion, actor: Actor, part: str) -> None:
    """Whoever adds evidence to a version under review is one of its makers, in the frozen version too."""
    note_part(application, actor, part)
    frozen.makers = application.makers


def note_opener(application: Application, actor: Actor) -> None:
    """Whoever opens a version is one of its makers, also when they leave every answer as it is.

    The service is nobody's second pair of eyes, and no maker.
    """
    authors = [] if actor == SERVICE else [str(one) for one in actor.authors()]
    application.section_makers = {_OPENER: authors} | {
        name: ids for name, ids in application.section_makers.items() if name != _OPENER
    }


def note_submitter(application: Application, actor: Actor) -> None:
    """Whoever submits a version is one of its makers."""
    application.makers = [*application.makers, *(one for one in actor.authors() if one not in application.makers)]


def had_part(versions: Iterable[Submitted]) -> set[UUID]:
    """Everyone who wrote, submitted or decided a version."""
    deciders = {one.checker_id for each in versions for one in each.decisions}
    return deciders | {maker for each in versions for maker in each.version.makers}


def begin_appeal(application: Application, actor: Actor, barred: set[UUID]) -> None:
    """Make whoever appeals the only maker, and keep those who had a part away from the decision."""
    application.barred = sorted(barred)
    application.makers = list(actor.authors())
    application.section_makers = {_APPEAL: [str(one) for one in actor.authors()]}


def may_withdraw(application: Application, actor: Actor) -> bool:
    """Whether the actor may take a case back: what was appealed only who appealed it, or the service itself."""
    if application.appealed_at is None or actor == SERVICE:
        return True
    appellants = application.section_makers.get(_APPEAL, [])
    return any(str(one) in appellants for one in actor.authors())


def _leaves(section: object) -> set[str]:
    """Every answer in a section as text."""
    if isinstance(section, Struct):
        return {leaf for name in section.__struct_fields__ for leaf in _leaves(getattr(section, name))}
    if isinstance(section, tuple):
        return {leaf for each in section for leaf in _leaves(each)}
    return set() if section is None or isinstance(section, bool) else {repr(section)}


def is_maker(application: Application, actor: Actor) -> bool:
    """Whether the actor wrote or submitted the present version."""
    return actor.id in application.makers


def wrote(person: UUID) -> Any:
    """The condition of a query for applications that a person or key wrote a part of."""
    table: Any = Application
    return table.makers.contains([person])


def opened_by(application: Application, actor: Actor) -> bool:
    """Whether the actor opened the application and it is still in its first version."""
    return application.version == 1 and application.makers[:1] == [actor.id]


def makers_of(application: Application) -> Sequence[UUID]:
    """Who wrote or submitted the present version, for telling their names."""
    return application.makers


async def locks_of(tx: Reads, actor: Actor, applications: Sequence[Application]) -> dict[UUID, Lock]:
    """Which cases are closed to the actor, and why: what lock_for_decision refuses whatever their roles."""
    keys = {maker for one in applications for maker in one.makers} - {actor.id}
    issued = {row["id"] for row in await tx.fetch(_KEYS_ISSUED, list(keys), actor.id)} if keys else set()
    found: dict[UUID, Lock] = {}
    for one in applications:
        if is_maker(one, actor) or issued.intersection(one.makers):
            found[one.id] = "maker"
        elif actor.id in one.barred:
            found[one.id] = "appeal"
    return found


async def lock_for_decision(
    tx: Tx, actor: Actor, application_id: UUID, *, capability: Capability = Capability.DECIDE
) -> Application:
    """The application, locked for an act of a checker who is none of the version's makers.

    Raises NotFound, CheckerIsMaker, NotAllowed without the checker's permission, WrongState when its state does not
    permit `capability`.
    """
    application = await lock_application(tx, actor, application_id)
    # A maker is told why, whatever their roles.
    if is_maker(application, actor) or await tx.fetchval(_ISSUED, application.makers, actor.id):
        raise errors.CheckerIsMaker
    if actor.id in application.barred:
        raise errors.CheckerIsMaker(_("An appeal is decided by people who had no part in what it is against."))
    actor.require(Permission.APPLICATIONS_DECIDE)
    if not application_may(application.state, capability):
        if application_may(application.state, Capability.SCREEN):
            raise errors.WrongState(_("The screening of this application is still running; try again in a moment."))
        raise errors.WrongState(_("An application that is {state} is not under review.", state=application.state))
    return application
