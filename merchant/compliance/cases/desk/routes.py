"""JSON routes of what a checker looks at: the queue, a case's people, its hits beside their entries, its owners."""

from uuid import UUID

import msgspec

import kyb
from merchant.compliance.cases import answers, four_eyes, queries
from merchant.compliance.cases.desk import hits, people, queue, schemas
from merchant.compliance.cases.kinds import CaseKind
from merchant.compliance.cases.kyb_sentences import translated
from merchant.compliance.cases.policy import policy_of_case
from merchant.compliance.cases.risk_facts import owner_threshold
from merchant.compliance.cases.twins import both
from merchant.core import clock
from merchant.core.access import Permission as P
from merchant.core.http import json as web
from merchant.core.http.route import Call, Filter, Listed, route


@route(
    "GET",
    "/api/v1/review-queue",
    permission=P.APPLICATIONS_READ,
    items=schemas.QueuedCase,
    paged=True,
    sorts=queue.ORDERS,
    tag="cases",
    filters=(
        Filter("kind", "Only those of this kind.", choices=tuple(CaseKind)),
        Filter("risk", "Only those in this band.", choices=tuple(kyb.BANDS)),
        Filter("claimed", "Only those claimed by you, by nobody, or by others.", choices=queue.CLAIMS),
    ),
)
async def list_review_queue(call: Call[None]) -> Listed:
    """List what waits for a decision, applications and cases alike, with who made it and who works on it.

    By `risk` the riskiest come first, and of one risk the oldest.
    """
    given = call.filters
    wanted = queue.Wanted(given["kind"], given["risk"], given["claimed"])
    found = await queue.queue(call.tx, call.service.vault, call.actor, wanted, call.page)
    return Listed([schemas.queued_case(one) for one in found], [one.row.id for one in found])


@route(
    "GET",
    "/api/v1/review-queue/{application_id}",
    permission=P.APPLICATIONS_READ,
    answer=schemas.QueuedCase,
    tag="cases",
)
async def read_queued_case(call: Call[None], application_id: UUID) -> schemas.QueuedCase:
    """Read one case that waits for a decision, as the queue shows it."""
    return schemas.queued_case(await queue.one_queued(call.tx, call.service.vault, call.actor, application_id))


@both(
    "GET",
    "/api/v1/applications/{application_id}/people",
    permission=P.APPLICATIONS_READ,
    answer=schemas.CasePeople,
)
async def read_application_people(call: Call[None], application_id: UUID) -> schemas.CasePeople:
    """Read who had a part in an application, who works on it, and whether you may decide it."""
    found = await queries.application(call.tx, call.actor, application_id)
    locks = await four_eyes.locks_of(call.tx, call.actor, [found])
    holds = queue.claim_holds(found, clock.now())
    return schemas.CasePeople(
        people=[schemas.case_person(one) for one in await people.had_part(call.tx, found)],
        claimed_by=found.claimed_by if holds else None,
        claimed_until=web.at_or_none(found.claimed_until) if holds else None,
        locked=locks.get(found.id),
    )


@both(
    "GET",
    "/api/v1/applications/{application_id}/hits",
    permission=P.APPLICATIONS_READ,
    items=schemas.ComparedHit,
)
async def list_application_hits(call: Call[None], application_id: UUID) -> list[schemas.ComparedHit]:
    """List the hits of an application, each beside the entry of the list, those to be judged first."""
    found = await queries.application(call.tx, call.actor, application_id)
    compared = await hits.compared_hits(call.tx, call.service, call.actor, found)
    return [schemas.compared_hit(call.actor, call.service.vault, one) for one in compared]


@both(
    "GET",
    "/api/v1/applications/{application_id}/ownership",
    permission=P.APPLICATIONS_READ,
    answer=kyb.Ownership,
)
async def read_application_ownership(call: Call[None], application_id: UUID) -> kyb.Ownership:
    """Read who owns an application's business in the end, through any number of companies, and what is not known."""
    call.actor.own_dfsp()
    found = await queries.application(call.tx, call.actor, application_id)
    sections = answers.unseal(call.service.vault, found.id, found.sections_sealed)
    threshold = owner_threshold(await policy_of_case(call.service, found))
    owned = kyb.beneficial_owners(sections.owners, threshold, sections.business)
    said = translated(msgspec.to_builtins(owned), web.language_of(call.request))
    return msgspec.convert(said, kyb.Ownership, strict=False)


ROUTES = [
    list_review_queue,
    read_queued_case,
    read_application_people,
    list_application_hits,
    read_application_ownership,
]
