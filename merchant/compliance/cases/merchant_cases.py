"""Open a case for a live merchant: to change its details, raise or lower its tier, review, reinstate or close it.

The case begins with the answers in force, its places and counters by their ids, and whoever opens it writes over the
sections that shall change. From there it has the states, the routes and the four eyes of an application.
"""

from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy.exc import IntegrityError

import kyb
from merchant.compliance.cases import answers, four_eyes, privacy, problems, sealed_fields
from merchant.compliance.cases.blocking import refusals
from merchant.compliance.cases.kinds import RULES, CaseKind
from merchant.compliance.cases.models import Application
from merchant.compliance.cases.place_ids import check_place_ids
from merchant.compliance.cases.states import ApplicationState, may_become
from merchant.compliance.policies.in_force import policy_of
from merchant.core import audit, errors
from merchant.core.access import Actor
from merchant.core.db import Reads, Tx
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.core.vault import Vault
from merchant.registry.merchants import lifecycle
from merchant.registry.merchants.models import LOCATION_DETAILS, Counter, Location, Merchant
from merchant.registry.merchants.queries import lock_merchant, places
from merchant.registry.merchants.states import Capability, MerchantState, merchant_may

# The state that a case leads to, of those kinds that lead to one.
_ENDS_IN = {CaseKind.REINSTATEMENT: MerchantState.ACTIVE, CaseKind.CLOSURE: MerchantState.CLOSED}

LIST_HIT = "list_hit"  # the trigger of a review
UNDER_REVIEW = "under_review"  # what a merchant is stopped for meanwhile; it says nothing
# Reviews of hits without an approval; of those that ended, only while no later case was screened and approved.
_UNCLEARED = """
SELECT hit.state FROM application hit
WHERE hit.merchant_id = $1 AND hit.kind = 'review' AND hit.trigger = $2 AND hit.state <> 'approved'
  AND (hit.state IN ('draft', 'submitted', 'in_review', 'returned') OR NOT EXISTS (
    SELECT FROM application later
    WHERE later.merchant_id = hit.merchant_id AND later.state = 'approved' AND later.updated_at > hit.created_at))
"""
_IN_REVIEW = """
SELECT true FROM application WHERE merchant_id = $1 AND kind = 'review'
AND state IN ('draft', 'submitted', 'in_review', 'returned')
"""


class Opened(Struct, frozen=True):
    """What someone asks for when they open a case."""

    kind: CaseKind
    target_tier: str | None = None
    reason: str | None = None
    changes: dict[str, Any] = {}
    trigger: str | None = None
    to_dfsp_id: UUID | None = None


async def open_case(tx: Tx, service: Service, actor: Actor, merchant_id: UUID, wanted: Opened) -> Application:
    """Open a case. Raises NotFound, WrongState, StoppedByHub, InvalidFields, SameTier, CaseOpen, MaskedValue."""
    merchant = await lock_merchant(tx, actor, merchant_id)
    rules = RULES[wanted.kind]
    if not merchant_may(merchant.state, rules.needs):
        raise errors.WrongState(
            _("A merchant that is {state} has no case of this kind.", state=merchant.state),
        )
    if wanted.kind in _ENDS_IN:
        lifecycle.check_not_stopped_by_hub(merchant, _ENDS_IN[wanted.kind])
    _check_wanted(wanted, await policy_of(service, merchant.dfsp_id), merchant)
    before = await answers_in_force(tx, service.vault, merchant)
    given = kyb.Sections(**{name: getattr(before, name) for name in before.__struct_fields__} | wanted.changes)
    privacy.refuse_masked(given)
    sections = answers.tidy(given, (await service.scheme()).alias_length)
    case = Application(
        dfsp_id=merchant.dfsp_id,
        merchant_id=merchant.id,
        kind=wanted.kind,
        target_tier=wanted.target_tier,
        trigger=wanted.trigger,
        to_dfsp_id=wanted.to_dfsp_id,
        risk=merchant.risk,
        version_hash="",
        sections_sealed=b"",
        trading_name="",
    )
    await check_place_ids(tx, service, case, sections)
    four_eyes.note_opener(case, actor)
    if wanted.kind is CaseKind.REINSTATEMENT and merchant.listed:
        case.barred = await confirmers(tx, merchant.id)  # two brought it down, two others bring it back
    four_eyes.note_authors(case, actor, before, sections)
    # The DFSP's own reference names the application, once.
    answers.write(service.vault, case, msgspec.structs.replace(sections, external_ref=None))
    if wanted.reason is not None:
        sealed_fields.write_case_reason(service.vault, case, wanted.reason)
    tx.session.add(case)
    await _flush_alone(tx)
    await answers.index_identifiers(tx, service.vault, case, sections)
    await audit.record(
        tx, actor, "case.opened", "case", case.id, dfsp_id=case.dfsp_id, kind=case.kind, merchant_id=str(merchant.id)
    )
    return case


async def reinstate(tx: Tx, service: Service, actor: Actor, merchant_id: UUID) -> Merchant:
    """End a suspension or a restriction by one person.

    Raises NotFound, WrongState, StoppedByHub, BlockListed while an answer is block-listed, ReviewOpen while the review
    of a list hit is undecided, CaseNeeded where it takes a case: for a confirmed match, where the policy asks for two,
    and where the review of a hit ended without an approval.
    """
    merchant = await lock_merchant(tx, actor, merchant_id)
    lifecycle.check_not_stopped_by_hub(merchant, MerchantState.ACTIVE)
    policy = await policy_of(service, merchant.dfsp_id)
    if merchant.listed or (
        policy.text.approvals_to_reinstate > 1 and merchant_may(merchant.state, Capability.REINSTATE)
    ):
        raise problems.CaseNeeded
    if merchant_may(merchant.state, Capability.REINSTATE):
        sections = await answers_in_force(tx, service.vault, merchant)
        subject = refusals.Subject("merchant", merchant.id, merchant.dfsp_id)
        await refusals.refuse_blocked(service, actor, subject, sections)
        await _check_reviewed(tx, merchant)
    return await lifecycle.reinstate(tx, actor, merchant_id)


async def _check_reviewed(tx: Tx, merchant: Merchant) -> None:
    """Raise ReviewOpen or CaseNeeded where one person would let a merchant go that a list hit has under review.

    Its approval lets the merchant go by itself. Staff may have stopped the merchant besides, before or after the hit,
    so the reviews count and not only what it is stopped for.
    """
    stopped = merchant.stopped_for == UNDER_REVIEW
    states = {row["state"] for row in await tx.fetch(_UNCLEARED, merchant.id, LIST_HIT)}
    if any(may_become(state, ApplicationState.WITHDRAWN) for state in states):
        raise problems.ReviewOpen
    if stopped and await is_under_review(tx, merchant.id):
        raise problems.ReviewOpen
    if stopped or states:
        raise problems.CaseNeeded


async def is_under_review(tx: Reads, merchant_id: UUID) -> bool:
    """Whether a review of a merchant is open."""
    return bool(await tx.fetchval(_IN_REVIEW, merchant_id))


async def confirmers(tx: Tx, merchant_id: UUID) -> list[UUID]:
    """Who called a match of this merchant true."""
    rows = await tx.fetch(
        "SELECT DISTINCT d.decided_by FROM hit_decision d JOIN application a ON a.id = d.application_id"
        " WHERE a.merchant_id = $1 AND d.decision = 'true_match'",
        merchant_id,
    )
    return [row["decided_by"] for row in rows]


def _check_wanted(wanted: Opened, policy: kyb.Policy, merchant: Merchant) -> None:
    rules = RULES[wanted.kind]
    if rules.reason and not (wanted.reason or "").strip():
        raise errors.invalid_field("reason", "missing", _("Say why."))
    if wanted.changes and not rules.answers:
        raise errors.invalid_field("kind", "no_answers", _("A case of this kind changes no answers."))
    if wanted.target_tier is not None and not rules.target:
        raise errors.invalid_field("target_tier", "not_wanted", _("A case of this kind leads to no other tier."))
    if wanted.to_dfsp_id == merchant.dfsp_id:
        raise errors.invalid_field("to_fsp_id", "same_dfsp", _("This DFSP serves the merchant already."))
    if not rules.target:
        return
    ladder = [tier.name for tier in policy.ladder(merchant.kind)]
    business = wanted.changes.get("business")
    if business is not None and business.kind:  # a stall that becomes a company
        ladder = [tier.name for tier in policy.ladder(business.kind)]
    ranks = {tier.name: place for place, tier in enumerate(policy.tiers)}
    held = ranks.get(merchant.tier, -1)
    higher = wanted.kind is CaseKind.UPGRADE
    possible = [name for name in ladder if (ranks[name] > held if higher else ranks[name] < held)]
    if wanted.target_tier not in possible:
        said = ", ".join(possible)
        told = _("Name one of: {tiers}.", tiers=said) if possible else _("There is no such tier for this merchant.")
        raise problems.SameTier(errors=(errors.FieldError("target_tier", "not_allowed", told),))


async def answers_in_force(tx: Reads, vault: Vault, merchant: Merchant) -> kyb.Sections:
    """The answers that were last approved, with the merchant's places and counters as they are, each by its id."""
    sections = await answers_of_case(tx, vault, merchant.case_id or merchant.application_id)
    reader = Actor(kind="service", id=UUID(int=0), name="service", dfsp_id=merchant.dfsp_id)
    locations, counters = await places(tx, reader, [merchant.id])
    return msgspec.structs.replace(
        sections, locations=tuple(_as_answer(vault, place, counters) for place in locations), external_ref=None
    )


async def answers_of_case(tx: Reads, vault: Vault, case_id: UUID) -> kyb.Sections:
    """The answers of a case's newest version that was submitted."""
    sealed = await tx.fetchval(
        "SELECT v.sections_sealed FROM application_version v JOIN application a ON a.id = v.application_id"
        " WHERE a.id = $1 AND v.version = a.version",
        case_id,
    )
    return answers.unseal(vault, case_id, sealed)


def _as_answer(vault: Vault, place: Location, counters: list[Counter]) -> kyb.Location:
    if place.details_sealed is not None:
        opened = vault.open(place.details_sealed, LOCATION_DETAILS.format(id=place.id))
        found = msgspec.json.decode(opened, type=kyb.Location)
    else:
        found = msgspec.convert(place.details, kyb.Location)
    points = tuple(
        kyb.Counter(name=one.name, id=str(one.id))
        for one in counters
        if one.location_id == place.id and one.closed_at is None
    )
    return msgspec.structs.replace(found, id=str(place.id), counters=points)


async def _flush_alone(tx: Tx) -> None:
    try:
        await tx.flush()
    except IntegrityError as error:
        if "application_open_case" in str(error.orig):
            raise problems.CaseOpen from None
        raise
